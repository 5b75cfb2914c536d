//! The way to a target through one proxy.

use std::io;
use std::net::TcpStream;

use socks_async_std::async_io::Async;
use socks_async_std::{
    Config, Error, Login, Offer, Phase, ProxyUrl, Refusal, Route, Socket, UserPass, connect, connect_over,
    connect_through,
};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_proto::{AuthFailure, ReplyCode};

use crate::common::{
    GRANTED, METHOD_NONE, PATIENCE, closed, config, converse, dial, local_addr, peer_addr, scripted, target, to,
};
use crate::run;

fn proxy(login: Option<(&str, &str)>) -> Proxy {
    let config = ProxyConfig {
        login: login.map(|(user, password)| (user.into(), password.into())),
        hosts: vec![("mail.example".into(), [127, 0, 0, 1].into())],
        ..ProxyConfig::default()
    };
    Proxy::start(config).expect("a proxy")
}

fn through(proxy: &Proxy) -> Config {
    let url: ProxyUrl = format!("socks5h://{}", proxy.addr()).parse().expect("a URL");
    Config::from_url(&url)
}

#[test]
fn a_name_stays_a_name() {
    run(async {
        let (proxy, server) = (proxy(None), target());
        let name = format!("mail.example:{}", server.port());
        let mut stream = connect(&through(&proxy), to(&name)).await.expect("a stream");
        converse(&mut stream).await;
        drop(stream);
        let log = proxy.wait_for_log(1, PATIENCE);
        assert!(log[0].contains(&format!("target={name} ")), "{log:?}");
    });
}

#[test]
fn the_raw_stream_comes_back_and_becomes_that_of_each_runtime() {
    run(async {
        let (proxy, server) = (proxy(None), target());
        let config = through(&proxy);
        let stream: Async<TcpStream> = connect(&config, server).await.expect("a stream");
        assert_eq!(peer_addr(&stream), proxy.addr());
        converse(&mut smol::net::TcpStream::from(stream)).await;
        let stream = connect(&config, server).await.expect("a stream").into_inner().expect("a socket");
        converse(&mut async_std::net::TcpStream::from(stream)).await;
    });
}

#[test]
fn bytes_behind_the_reply_are_the_applications() {
    run(async {
        let all_at_once: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello\r\nping";
        assert!(all_at_once.starts_with(GRANTED));
        let peer = scripted(Vec::leak(vec![METHOD_NONE, all_at_once]));
        let config = config(&format!("proxy 0.0.0.0/0 {peer}"));
        converse(&mut connect(&config, to("mail.example:25")).await.expect("a stream")).await;
    });
}

#[test]
fn bytes_behind_a_pipelined_reply_are_the_applications() {
    run(async {
        let peer = scripted(&[b"\x05\x00\x05\x00\x00\x03\x00\x00\x00220 hello\r\nping"]);
        let config = config(&format!("proxy 0.0.0.0/0 {peer}/pipeline"));
        converse(&mut connect(&config, to("mail.example:25")).await.expect("a stream")).await;
    });
}

#[test]
fn logs_in_step_by_step_and_in_one_round_trip() {
    run(async {
        let (proxy, server) = (proxy(Some(("ann", "s3cret"))), target());
        for option in ["", "/pipeline"] {
            let config = config(&format!("proxy 0.0.0.0/0 {}{option} ann s3cret", proxy.addr()));
            converse(&mut connect(&config, server).await.expect("a stream")).await;
        }
        let log = proxy.wait_for_log(2, PATIENCE);
        assert!(log.iter().all(|line| line.contains("method=userpass user=\"ann\"")), "{log:?}");
    });
}

#[test]
fn a_proxy_that_wants_no_login_gets_none() {
    run(async {
        let (proxy, server) = (proxy(None), target());
        let config = config(&format!("proxy 0.0.0.0/0 {} ann s3cret", proxy.addr()));
        converse(&mut connect(&config, server).await.expect("a stream")).await;
    });
}

#[test]
fn a_refused_login_is_told_as_one() {
    run(async {
        let proxy = proxy(Some(("ann", "s3cret")));
        let config = config(&format!("proxy 0.0.0.0/0 {} ann wrong", proxy.addr()));
        let error = connect(&config, to("mail.example:25")).await.expect_err("refused");
        let Error::Handshake(socks_proto::Error::Authenticate(AuthFailure::LoginRefused { .. })) = error else {
            panic!("{error:?}")
        };
        assert!(!error.to_string().contains("wrong"), "{error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
    });
}

#[test]
fn a_missing_login_is_told_as_one() {
    run(async {
        let proxy = proxy(Some(("ann", "s3cret")));
        let error = connect(&through(&proxy), to("mail.example:25")).await.expect_err("refused");
        assert!(matches!(error, Error::Handshake(socks_proto::Error::NoAcceptableMethod)), "{error:?}");
    });
}

#[test]
fn the_proxys_answer_is_kept() {
    run(async {
        let error = connect(&through(&proxy(None)), closed()).await.expect_err("nobody there");
        let Error::Handshake(socks_proto::Error::Refused { phase: Phase::Reply, code }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(code, ReplyCode::CONNECTION_REFUSED);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn what_is_not_socks_is_told_as_that() {
    run(async {
        let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"])));
        let error = connect(&config, to("mail.example:25")).await.expect_err("not SOCKS");
        assert!(error.to_string().contains("HTTP"), "{error}");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    });
}

#[test]
fn over_any_stream_and_back_from_a_failure() {
    run(async {
        let stream = dial(scripted(&[METHOD_NONE, b"\x05\x02"])).await;
        let ours = local_addr(&stream);
        let offer = Offer::stepwise(Login::None);
        let failed = connect_over(stream, to("mail.example:25"), offer).await.expect_err("refused");
        assert!(matches!(failed.error(), Error::Handshake(socks_proto::Error::Refused { .. })), "{failed:?}");
        assert_eq!(local_addr(&failed.into_stream()), ours);
    });
}

#[test]
fn over_the_streams_of_both_runtimes() {
    run(async {
        let (proxy, server) = (proxy(None), target());
        let offer = || Offer::stepwise(Login::None);
        let stream = smol::net::TcpStream::connect(proxy.addr()).await.expect("the proxy");
        converse(&mut connect_over(stream, server, offer()).await.expect("a stream")).await;
        let stream = async_std::net::TcpStream::connect(proxy.addr()).await.expect("the proxy");
        converse(&mut connect_over(stream, server, offer()).await.expect("a stream")).await;
    });
}

#[test]
fn through_three_proxies_one_inside_the_other() {
    run(async {
        let login = UserPass::new("ann", "s3cret").expect("short enough");
        let (first, second, third, server) = (proxy(None), proxy(Some(("ann", "s3cret"))), proxy(None), target());
        let stream = dial(first.addr()).await;
        let stream = connect_over(stream, second.addr(), Offer::one_round_trip(Login::None)).await.expect("the second");
        let stream = connect_over(stream, third.addr(), Offer::stepwise(login)).await.expect("the third");
        let mut stream = connect_over(stream, server, Offer::stepwise(Login::None)).await.expect("the target");
        converse(&mut stream).await;
        let within = stream.into_inner().expect("no protection").into_inner().expect("no protection");
        let stream = within.into_inner().expect("no protection");
        assert_eq!(peer_addr(&stream), first.addr());
        assert_eq!([first.connections(), second.connections(), third.connections()], [1; 3]);
    });
}

#[test]
fn each_circuit_has_its_own_login() {
    run(async {
        let (proxy, server) = (proxy(Some(("circuit-7", "x"))), target());
        let config = config(&format!("proxy 0.0.0.0/0 {} ann s3cret", proxy.addr()));
        let Route::Proxy(rule) = config.route(server) else { panic!("not through the proxy") };
        let alone = rule.with_credentials(UserPass::new("circuit-7", "x").expect("short enough"));
        converse(&mut connect_through(Route::Proxy(&alone), server, PATIENCE).await.expect("a stream")).await;
        let log = proxy.wait_for_log(1, PATIENCE);
        assert!(log[0].contains("user=\"circuit-7\""), "{log:?}");
        // The rule itself is as it was.
        let error = connect(&config, server).await.expect_err("another login");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    });
}

#[cfg(unix)]
#[test]
fn a_proxy_on_a_unix_socket() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proxy");
        let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
        let (_proxy, server) = (Proxy::start(proxy).expect("a proxy"), target());
        let config = config(&format!("proxy 0.0.0.0/0 unix:{}", path.display()));

        let mut stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
        assert!(matches!(stream.get_ref(), Socket::Unix(_)));
        converse(&mut stream).await;

        let error = connect(&config, server).await.expect_err("no TcpStream to be had");
        assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    });
}

#[test]
fn bound_is_where_the_target_sees_us_come_from() {
    run(async {
        let (proxy, server) = (proxy(None), target());
        for config in [through(&proxy), Config::default()] {
            let stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
            let bound = stream.bound().socket_addr().expect("an address");
            assert!(bound.ip().is_loopback() && bound.port() != 0, "{bound}");
        }
    });
}

#[test]
fn direct_where_the_configuration_says_so() {
    run(async {
        let server = target();
        let config = config(&format!("proxy 0.0.0.0/0 {}\nnoproxy 127.0.0.0/8", closed()));
        let mut stream = connect(&config, server).await.expect("a stream");
        assert_eq!(peer_addr(&stream), server);
        converse(&mut stream).await;
        let by_name = connect(&config, to(&format!("localhost:{}", server.port()))).await.expect("a stream");
        assert_eq!(peer_addr(&by_name), server);
    });
}

#[test]
fn refused_is_not_direct() {
    run(async {
        let server = target();
        let error = connect(&config("strict"), server).await.expect_err("refused");
        assert!(matches!(error, Error::Refused(Refusal::Strict)), "{error:?}");
        let broken = Config::parse("test", b"proxy 10.0.0.0/99 gate.example");
        let error = connect(&broken.config, server).await.expect_err("refused");
        assert!(matches!(error, Error::Refused(Refusal::Unsound)), "{error:?}");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    });
}
