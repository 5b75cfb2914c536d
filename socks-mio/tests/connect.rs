//! The way to a target through one proxy.

mod common;

use std::io::{self, Write};
use std::net::ToSocketAddrs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::{
    GRANTED, Loop, METHOD_NONE, PATIENCE, SHORT, closed, config, dial, gated, listen, proxy, scripted, target, through,
    to,
};
use mio::{Events, Interest, Poll, Token};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_mio::{
    Config, Connecting, Error, Login, Offer, Phase, Progress, Refusal, Route, Socket, Stream, TargetAddr, UserPass,
};
use socks_proto::{AuthFailure, ReplyCode};

fn connect(by: &mut Loop, config: &Config, target: impl Into<TargetAddr>) -> Result<Stream<Socket>, Error> {
    by.run(Connecting::start(config, target, Instant::now()))
}

#[test]
fn a_name_stays_a_name() {
    let (mut by, proxy, server) = (Loop::new(), proxy(None), target());
    let name = format!("mail.example:{}", server.port());
    let mut stream = connect(&mut by, &through(&proxy), to(&name)).expect("a stream");
    by.converse(&mut stream);
    drop(stream);
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains(&format!("target={name} ")), "{log:?}");
}

#[test]
fn the_plain_stream_comes_back() {
    let (mut by, proxy, server) = (Loop::new(), proxy(None), target());
    let stream = connect(&mut by, &through(&proxy), server).expect("a stream");
    let mut stream = stream.into_inner().expect("no protection").into_tcp().expect("over TCP");
    assert_eq!(stream.peer_addr().expect("a peer"), proxy.addr());
    by.converse(&mut stream);
}

#[test]
fn a_proxys_name_is_the_callers_to_resolve() {
    let (mut by, proxy, server) = (Loop::new(), proxy(None), target());
    let config = config(&format!("proxy 0.0.0.0/0 localhost:{}", proxy.addr().port()));
    let now = Instant::now();
    let mut connecting = Connecting::start(&config, server, now).expect("a way");
    by.register(&mut connecting);
    let Progress::Resolve { host, port } = connecting.ready(by.registry(), now).expect("a question") else {
        panic!("{connecting:?}")
    };
    assert_eq!((host.as_str(), port), ("localhost", proxy.addr().port()));
    assert!(matches!(connecting.ready(by.registry(), now), Ok(Progress::Pending)), "said once");
    assert_eq!(connecting.interest(), None);
    assert!(connecting.deadline().is_some_and(|at| at > now));
    connecting.resolved((host, port).to_socket_addrs());
    assert!(connecting.deadline().is_some_and(|at| at <= now), "there is something to do at once");
    let mut stream = by.go_on(&mut connecting).expect("a stream");
    by.converse(&mut stream);
}

#[test]
fn a_name_that_is_not_resolved_in_time_is_passed_over() {
    let (mut by, (proxy, gate)) = (Loop::new(), gated());
    let config = config(&format!("proxy 0.0.0.0/0 gate.example,{proxy}"));
    let mut connecting = Connecting::start(&config, to("192.0.2.1:25"), Instant::now()).expect("a way");
    by.register(&mut connecting);
    let asked = connecting.ready(by.registry(), Instant::now()).expect("a question");
    assert!(matches!(asked, Progress::Resolve { .. }), "{asked:?}");
    // The time is the caller's to tell.
    let late = connecting.deadline().expect("a deadline");
    assert!(matches!(connecting.ready(by.registry(), late), Ok(Progress::Pending)));
    connecting.resolved(Ok([closed()]));
    assert!(connecting.interest().is_some(), "an answer that comes late is without effect");
    gate.wait();
    let mut stream = by.go_on(&mut connecting).expect("a stream");
    by.converse(&mut stream);
}

#[test]
fn registered_late_it_is_as_good() {
    let (mut by, (proxy, gate)) = (Loop::new(), gated());
    let config = config(&format!("proxy 0.0.0.0/0 {proxy}"));
    let mut connecting = Connecting::start(&config, to("192.0.2.1:25"), Instant::now()).expect("a way");
    assert!(connecting.deadline().is_some_and(|at| at <= Instant::now()), "there is something to do at once");
    assert!(matches!(connecting.ready(by.registry(), Instant::now()), Ok(Progress::Pending)));
    assert!(connecting.interest().is_some() && connecting.get_ref().is_some());
    by.register(&mut connecting);
    gate.wait();
    let mut stream = by.go_on(&mut connecting).expect("a stream");
    by.converse(&mut stream);
}

#[test]
fn what_is_there_already_is_an_event_again() {
    let (mut by, server) =
        (Loop::new(), scripted(&[METHOD_NONE, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello"]));
    let mut stream =
        connect(&mut by, &config(&format!("proxy 0.0.0.0/0 {server}")), to("192.0.2.1:25")).expect("a stream");
    // The banner came in the segment of the reply, whose event is spent. Nothing else will ever come.
    by.wait(None);
    assert_eq!(by.read(&mut stream, 9), b"220 hello");
}

#[test]
fn bytes_behind_the_reply_are_the_applications() {
    let all_at_once: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello\r\nping";
    assert!(all_at_once.starts_with(GRANTED));
    let pipelined: &[u8] = b"\x05\x00\x05\x00\x00\x03\x00\x00\x00220 hello\r\nping";
    for (answers, option) in [(vec![METHOD_NONE, all_at_once], ""), (vec![pipelined], "/pipeline")] {
        let (mut by, peer) = (Loop::new(), scripted(Vec::leak(answers)));
        let config = config(&format!("proxy 0.0.0.0/0 {peer}{option}"));
        let mut stream = connect(&mut by, &config, to("mail.example:25")).expect("a stream");
        by.converse(&mut stream);
    }
}

#[test]
fn logs_in_step_by_step_and_in_one_round_trip() {
    let (mut by, proxy, server) = (Loop::new(), proxy(Some(("ann", "s3cret"))), target());
    for option in ["", "/pipeline"] {
        let config = config(&format!("proxy 0.0.0.0/0 {}{option} ann s3cret", proxy.addr()));
        let mut stream = connect(&mut by, &config, server).expect("a stream");
        by.converse(&mut stream);
    }
    let log = proxy.wait_for_log(2, PATIENCE);
    assert!(log.iter().all(|line| line.contains("method=userpass user=\"ann\"")), "{log:?}");
}

#[test]
fn what_the_proxy_says_no_to_is_told() {
    let (mut by, proxy) = (Loop::new(), proxy(Some(("ann", "s3cret"))));
    let wrong = config(&format!("proxy 0.0.0.0/0 {} ann wrong", proxy.addr()));
    let error = connect(&mut by, &wrong, to("mail.example:25")).expect_err("refused");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::Authenticate(AuthFailure::LoginRefused { .. }))));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
    let error = connect(&mut by, &through(&proxy), to("mail.example:25")).expect_err("refused");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::NoAcceptableMethod)), "{error:?}");
    let right = config(&format!("proxy 0.0.0.0/0 {} ann s3cret", proxy.addr()));
    let error = connect(&mut by, &right, closed()).expect_err("nobody there");
    let Error::Handshake(socks_proto::Error::Refused { phase: Phase::Reply, code }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(code, ReplyCode::CONNECTION_REFUSED);
}

#[test]
fn silence_ends_with_the_deadline_and_names_its_phase() {
    let silences: [(&'static [&'static [u8]], Phase); 3] =
        [(&[], Phase::Method), (&[METHOD_NONE], Phase::Reply), (&[METHOD_NONE, b"\x05\x00\x00\x01\x7f"], Phase::Reply)];
    for (answers, expected) in silences {
        let (mut by, target) = (Loop::new(), to("mail.example:25"));
        let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(answers)));
        let error = by.run(Connecting::start_through(config.route(&target), target, SHORT, Instant::now()));
        let Err(Error::TimedOut { phase }) = error else { panic!("{error:?}") };
        assert_eq!(phase, expected);
    }
}

#[test]
fn time_is_what_the_caller_says() {
    let (mut by, target) = (Loop::new(), to("mail.example:25"));
    let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[METHOD_NONE])));
    let (day, now) = (Duration::from_secs(24 * 60 * 60), Instant::now());
    let mut connecting = Connecting::start_through(config.route(&target), target, day, now).expect("a way");
    by.register(&mut connecting);
    while connecting.interest() != Some(Interest::READABLE) {
        assert!(matches!(connecting.ready(by.registry(), now), Ok(Progress::Pending)));
        assert_eq!(connecting.deadline(), Some(now + day));
        by.wait(None);
    }
    let error = connecting.ready(by.registry(), now + day).expect_err("over");
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert_eq!((connecting.deadline(), connecting.interest()), (None, None));
    assert!(connecting.into_inner().is_none(), "no connection of ours stays");
}

#[test]
fn over_any_stream_and_back_from_a_failure() {
    let mut by = Loop::new();
    let stream = dial(scripted(&[METHOD_NONE, b"\x05\x02"]));
    let ours = stream.local_addr().expect("an address");
    let mut connecting = Connecting::over(stream, to("mail.example:25"), Offer::stepwise(Login::None));
    by.register(&mut connecting);
    let error = by.go_on(&mut connecting).expect_err("refused");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::Refused { .. })), "{error:?}");
    assert_eq!(connecting.into_inner().expect("the stream").local_addr().expect("an address"), ours);
}

#[test]
fn over_a_stream_the_callers_limit_counts() {
    let mut by = Loop::new();
    let connecting = Connecting::over(dial(scripted(&[])), to("mail.example:25"), Offer::stepwise(Login::None));
    assert_eq!(connecting.deadline(), None);
    let mut connecting = connecting.until(Instant::now() + SHORT);
    by.register(&mut connecting);
    let error = by.go_on(&mut connecting).expect_err("silence");
    assert!(matches!(error, Error::TimedOut { phase: Phase::Method }), "{error:?}");
    assert!(connecting.into_inner().is_some());
}

#[test]
fn through_three_proxies_one_inside_the_other() {
    let login = UserPass::new("ann", "s3cret").expect("short enough");
    let (first, second, third, server) = (proxy(None), proxy(Some(("ann", "s3cret"))), proxy(None), target());
    let mut by = Loop::new();
    let stream = connect(&mut by, &through(&first), second.addr()).expect("the first");
    // Registered already: what comes of it stands registered as it did, and says its events where it is given anew.
    let mut over_second = Connecting::over(stream, third.addr(), Offer::one_round_trip(login));
    let stream = by.go_on(&mut over_second).expect("the second");
    let mut over_third = Connecting::over(stream, server, Offer::stepwise(Login::None));
    let mut stream = by.go_on(&mut over_third).expect("the third");
    by.converse(&mut stream);
    let within = stream.into_inner().expect("no protection").into_inner().expect("no protection");
    let stream = within.into_inner().expect("no protection").into_tcp().expect("over TCP");
    assert_eq!(stream.peer_addr().expect("a peer"), first.addr());
    assert_eq!([first.connections(), second.connections(), third.connections()], [1; 3]);
}

#[test]
fn each_circuit_has_its_own_login() {
    let (mut by, proxy, server) = (Loop::new(), proxy(Some(("circuit-7", "x"))), target());
    let config = config(&format!("proxy 0.0.0.0/0 {} ann s3cret", proxy.addr()));
    let Route::Proxy(rule) = config.route(server) else { panic!("not through the proxy") };
    let alone = rule.with_credentials(UserPass::new("circuit-7", "x").expect("short enough"));
    let connecting = Connecting::start_through(Route::Proxy(&alone), server, PATIENCE, Instant::now());
    let mut stream = by.run(connecting).expect("a stream");
    by.converse(&mut stream);
    drop(stream);
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains("user=\"circuit-7\""), "{log:?}");
}

#[cfg(unix)]
#[test]
fn a_proxy_on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy");
    let at = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
    let (mut by, _proxy, server) = (Loop::new(), Proxy::start(at).expect("a proxy"), target());
    let config = config(&format!("proxy 0.0.0.0/0 unix:{}", path.display()));
    let mut stream = connect(&mut by, &config, server).expect("a stream");
    assert!(matches!(stream.get_ref(), Socket::Unix(_)));
    by.converse(&mut stream);
}

#[test]
fn bound_is_where_the_target_sees_us_come_from() {
    let (mut by, proxy, server) = (Loop::new(), proxy(None), target());
    for config in [through(&proxy), Config::default()] {
        let stream = connect(&mut by, &config, server).expect("a stream");
        let bound = stream.bound().socket_addr().expect("an address");
        assert!(bound.ip().is_loopback() && bound.port() != 0, "{bound}");
    }
}

#[test]
fn direct_where_the_configuration_says_so() {
    let (mut by, server) = (Loop::new(), target());
    let config = config(&format!("proxy 0.0.0.0/0 {}\nnoproxy 127.0.0.0/8", closed()));
    let mut stream = connect(&mut by, &config, server).expect("a stream");
    by.converse(&mut stream);
    let mut stream = connect(&mut by, &config, to(&format!("localhost:{}", server.port()))).expect("a stream");
    by.converse(&mut stream);
}

#[test]
fn refused_is_not_direct() {
    let error = Connecting::start(&config("strict"), target(), Instant::now()).expect_err("refused");
    assert!(matches!(error, Error::Refused(Refusal::Strict)), "{error:?}");
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

#[test]
fn what_comes_out_stands_registered_as_was_asked() {
    let peer = scripted(&[METHOD_NONE, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello"]);
    let config = config(&format!("proxy 0.0.0.0/0 {peer}"));
    let (mut poll, mut events) = (Poll::new().expect("a poll"), Events::with_capacity(16));
    let mut connecting = Connecting::start(&config, to("192.0.2.1:25"), Instant::now()).expect("a way");
    // The handshake reads all the same.
    poll.registry().register(&mut connecting, Token(7), Interest::WRITABLE).expect("registered");
    let mut stream = loop {
        match connecting.ready(poll.registry(), Instant::now()).expect("a stream") {
            Progress::Done(stream) => break stream,
            _ => poll.poll(&mut events, Some(PATIENCE)).expect("a wait"),
        }
    };
    poll.poll(&mut events, Some(PATIENCE)).expect("a wait");
    assert!(events.iter().any(|event| event.token() == Token(7) && event.is_writable()), "{events:?}");
    assert!(!events.iter().any(|event| event.is_readable()), "{events:?}");
    poll.registry().reregister(&mut stream, Token(8), Interest::READABLE).expect("registered");
    poll.poll(&mut events, Some(PATIENCE)).expect("a wait");
    assert!(events.iter().any(|event| event.token() == Token(8) && event.is_readable()), "{events:?}");
}

#[test]
fn dropping_it_closes_the_connection() {
    let (told, closed) = mpsc::channel();
    let peer = listen(move |mut stream| {
        stream.write_all(METHOD_NONE)?;
        io::copy(&mut stream, &mut io::sink())?;
        // The test may have failed already.
        let _ = told.send(());
        Ok(())
    });
    let config = config(&format!("proxy 0.0.0.0/0 {peer}"));
    let mut by = Loop::new();
    let mut connecting = Connecting::start(&config, to("192.0.2.1:25"), Instant::now()).expect("a way");
    by.register(&mut connecting);
    assert!(matches!(connecting.ready(by.registry(), Instant::now()), Ok(Progress::Pending)));
    drop(connecting);
    closed.recv_timeout(PATIENCE).expect("the end");
}
