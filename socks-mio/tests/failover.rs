//! Servers in turn: what leads to the next one, and what does not. The registration follows.

mod common;

use std::io;
use std::time::{Duration, Instant};

use common::{Loop, METHOD_NONE, closed, config, gated, hangs_up, proxy, scripted, target, to};
use mio::Interest;
use socks_mio::{Connecting, Error, Phase, Progress, Socket, Stream, TargetAddr};

fn connect(by: &mut Loop, text: &str, target: impl Into<TargetAddr>) -> Result<Stream<Socket>, Error> {
    by.run(Connecting::start(&config(text), target, Instant::now()))
}

#[test]
fn the_next_server_where_one_cannot_be_reached_hangs_up_or_stays_silent() {
    let (proxy, server) = (proxy(None), target());
    let down = [
        closed().to_string(),
        hangs_up().to_string(),
        format!("{}/timeout=1", scripted(&[])),
        format!("localhost:{}", closed().port()),
        "unix:/nonexistent/proxy".into(),
    ];
    for first in down.iter().chain([&down.join(",")]) {
        let mut by = Loop::new();
        let mut stream = connect(&mut by, &format!("proxy 0.0.0.0/0 {first},{}", proxy.addr()), server).expect(first);
        by.converse(&mut stream);
    }
}

#[test]
fn the_socket_that_takes_its_place_is_registered_with_the_same_token() {
    let (mut by, silent, (proxy, gate)) = (Loop::new(), scripted(&[]), gated());
    let config = config(&format!("proxy 0.0.0.0/0 {silent},{proxy}"));
    let mut connecting = Connecting::start(&config, to("192.0.2.1:25"), Instant::now()).expect("a way");
    by.register(&mut connecting);
    while connecting.interest() != Some(Interest::READABLE) {
        assert!(matches!(connecting.ready(by.registry(), Instant::now()), Ok(Progress::Pending)));
        by.wait(connecting.deadline());
    }
    let peer = |connecting: &Connecting| match connecting.get_ref() {
        Some(Socket::Tcp(stream)) => stream.peer_addr().ok(),
        _ => None,
    };
    assert_eq!(peer(&connecting), Some(silent));
    // Its time is over; the other one comes, and the loop hears of it.
    let late = connecting.deadline().expect("a share of the time");
    let progress = connecting.ready(by.registry(), late);
    assert!(matches!(progress, Ok(Progress::Pending)), "{progress:?}");
    gate.wait();
    let mut stream = by.go_on(&mut connecting).expect("a stream");
    by.converse(&mut stream);
    let stream = stream.into_inner().expect("no protection").into_tcp().expect("over TCP");
    assert_eq!(stream.peer_addr().expect("a peer"), proxy);
}

#[test]
fn what_a_server_answers_is_final() {
    let answers: [&'static [&'static [u8]]; 4] = [
        &[METHOD_NONE, b"\x05\x02"],
        &[b"\x05\xff"],
        &[b"HTTP/1.1 400 Bad Request\r\n\r\n"],
        &[METHOD_NONE, b"\x05\x00\x00\x07"],
    ];
    for answers in answers {
        let (mut by, second) = (Loop::new(), proxy(None));
        let text = format!("proxy 0.0.0.0/0 {},{}", scripted(answers), second.addr());
        let error = connect(&mut by, &text, to("192.0.2.1:25")).expect_err("refused");
        assert!(matches!(error, Error::Handshake(_)), "{error:?}");
        assert_eq!(second.connections(), 0);
    }
}

#[test]
fn a_server_that_has_answered_once_keeps_the_request() {
    let (mut by, second) = (Loop::new(), proxy(None));
    let text = format!("proxy 0.0.0.0/0 {}/timeout=1,{}", scripted(&[METHOD_NONE]), second.addr());
    let error = connect(&mut by, &text, to("192.0.2.1:25")).expect_err("silence");
    assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
    assert_eq!(second.connections(), 0);
}

#[test]
fn every_attempt_is_in_the_error() {
    let (first, second) = (closed(), closed());
    let text = format!("proxy 0.0.0.0/0 {first},{},{second}", hangs_up());
    let error = connect(&mut Loop::new(), &text, to("192.0.2.1:25")).expect_err("all down");
    let Error::CouldNotReach(unreachable) = &error else { panic!("{error:?}") };
    let tried = unreachable.tried();
    assert_eq!(tried[0].addr, Some(first));
    assert_eq!(tried[0].error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(tried[1].error.get_ref().is_some_and(|cause| cause.is::<Error>()), "{:?}", tried[1]);
    assert_eq!(tried[2].addr, Some(second));
    assert_eq!(tried.len(), 3);
}

#[test]
fn never_direct_where_no_proxy_is_left_and_nobody_without_time() {
    let (mut by, server, proxy) = (Loop::new(), target(), proxy(None));
    let error = connect(&mut by, &format!("proxy 0.0.0.0/0 {},{}", closed(), closed()), server).expect_err("no proxy");
    assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
    let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
    let error = by.run(Connecting::start_through(config.route(server), server, Duration::ZERO, Instant::now()));
    assert_eq!(error.expect_err("no time").kind(), io::ErrorKind::TimedOut);
    assert_eq!(proxy.connections(), 0);
}
