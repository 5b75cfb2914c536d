//! Servers in turn: what leads to the next one, and what does not.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use socks_async_std::{Error, Phase, connect, connect_through};
use socks_conformance::proxy::{Proxy, ProxyConfig};

use crate::common::{METHOD_NONE, closed, config, converse, hangs_up, peer_addr, scripted, target, to};
use crate::run;

fn proxy() -> Proxy {
    Proxy::start(ProxyConfig::default()).expect("a proxy")
}

#[test]
fn the_next_server_where_one_refuses_connections() {
    run(async {
        let (proxy, server) = (proxy(), target());
        let config = config(&format!("proxy 0.0.0.0/0 {},{}", closed(), proxy.addr()));
        converse(&mut connect(&config, server).await.expect("a stream")).await;
    });
}

#[test]
fn the_next_server_where_one_hangs_up_before_it_has_said_anything() {
    run(async {
        let (proxy, server) = (proxy(), target());
        let config = config(&format!("proxy 0.0.0.0/0 {},{}", hangs_up(), proxy.addr()));
        converse(&mut connect(&config, server).await.expect("a stream")).await;
    });
}

#[test]
fn the_next_server_where_one_stays_silent_for_its_time() {
    run(async {
        let (proxy, server) = (proxy(), target());
        let config = config(&format!("proxy 0.0.0.0/0 {}/timeout=1,{}", scripted(&[]), proxy.addr()));
        let mut stream = connect(&config, server).await.expect("a stream");
        assert_eq!(peer_addr(&stream), proxy.addr());
        converse(&mut stream).await;
    });
}

#[test]
fn the_next_server_where_no_address_of_a_name_can_be_reached() {
    run(async {
        let (proxy, server) = (proxy(), target());
        let config = config(&format!("proxy 0.0.0.0/0 localhost:{},{}", closed().port(), proxy.addr()));
        converse(&mut connect(&config, server).await.expect("a stream")).await;
    });
}

#[test]
fn the_next_server_where_nobody_listens_on_a_path() {
    run(async {
        let (proxy, server) = (proxy(), target());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("nobody");
        let config = config(&format!("proxy 0.0.0.0/0 unix:{},{}", path.display(), proxy.addr()));
        let route = config.route(server);
        let mut stream = connect_through(route, server, config.timeout()).await.expect("a stream");
        converse(&mut stream).await;
    });
}

#[test]
fn what_a_server_answers_is_final() {
    run(async {
        let answers: [&'static [&'static [u8]]; 4] = [
            &[METHOD_NONE, b"\x05\x02"],
            &[b"\x05\xff"],
            &[b"HTTP/1.1 400 Bad Request\r\n\r\n"],
            &[METHOD_NONE, b"\x05\x00\x00\x07"],
        ];
        for answers in answers {
            let second = proxy();
            let config = config(&format!("proxy 0.0.0.0/0 {},{}", scripted(answers), second.addr()));
            let error = connect(&config, to("192.0.2.1:25")).await.expect_err("refused");
            assert!(matches!(error, Error::Handshake(_)), "{error:?}");
            assert_eq!(second.connections(), 0);
        }
    });
}

#[test]
fn a_server_that_has_answered_once_keeps_the_request() {
    run(async {
        let second = proxy();
        let config = config(&format!("proxy 0.0.0.0/0 {}/timeout=1,{}", scripted(&[METHOD_NONE]), second.addr()));
        let error = connect(&config, to("192.0.2.1:25")).await.expect_err("silence");
        assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
        assert_eq!(second.connections(), 0);
    });
}

#[test]
fn every_attempt_is_in_the_error() {
    run(async {
        let (first, second) = (closed(), closed());
        let config = config(&format!("proxy 0.0.0.0/0 {first},{},localhost:{}", hangs_up(), second.port()));
        let error = connect(&config, to("192.0.2.1:25")).await.expect_err("all down");
        let Error::CouldNotReach(unreachable) = &error else { panic!("{error:?}") };
        let tried = unreachable.tried();
        assert_eq!(tried[0].addr, Some(first));
        assert_eq!(tried[0].error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(tried[1].error.get_ref().is_some_and(|cause| cause.is::<Error>()), "{:?}", tried[1]);
        assert_eq!(tried[2].endpoint.to_string(), format!("localhost:{}", second.port()));
        assert!(tried[2].addr.is_some());
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.source().is_some_and(|cause| cause.is::<io::Error>()));
    });
}

#[test]
fn never_direct_where_no_proxy_is_left() {
    run(async {
        let server = target();
        let config = config(&format!("proxy 0.0.0.0/0 {},{}", closed(), closed()));
        let error = connect(&config, server).await.expect_err("no proxy");
        assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
    });
}

#[test]
fn no_time_at_all_reaches_nobody() {
    run(async {
        let (proxy, server) = (proxy(), target());
        let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
        let error = connect_through(config.route(server), server, Duration::ZERO).await.expect_err("no time");
        assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(proxy.connections(), 0);
    });
}
