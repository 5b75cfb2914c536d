//! One deadline over all, by a clock that stands still until everybody waits.
//!
//! The proxies are on Unix sockets and run on the runtime of the test: what they say is there at once, so that the clock
//! moves on only where nobody has anything to do.

#![cfg(unix)]

mod common;

use std::future::Future;
use std::io;
use std::net::TcpListener as StdTcpListener;
use std::net::TcpStream as StdTcpStream;
use std::sync::mpsc;
use std::time::Duration;

use common::{METHOD_NONE, SHORT, Unix, answering, config, in_time, to};
use socks_tokio::{
    Config, DomainName, Error, Listener, Login, Offer, Phase, UdpAssociation, connect_over, connect_through,
    resolve_ptr_through, resolve_through,
};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

const TIME: Duration = Duration::from_secs(20);

/// How long `work` takes by the clock of the runtime, to the millisecond that its timers go by.
async fn timed<F: Future>(work: F) -> (Duration, F::Output) {
    let begin = Instant::now();
    let outcome = work.await;
    (Duration::from_secs((begin.elapsed() + Duration::from_millis(1)).as_secs()), outcome)
}

fn through(proxies: &[&Unix], rest: &str) -> Config {
    let servers: Vec<String> = proxies.iter().map(|proxy| proxy.to_string()).collect();
    config(&format!("proxy 0.0.0.0/0 {}{rest}", servers.join(",")))
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_deadline_and_names_its_phase() {
    let silences: [(&'static [&'static [u8]], Phase); 4] = [
        (&[], Phase::Method),
        (&[b"\x05\x02"], Phase::Authentication),
        (&[METHOD_NONE], Phase::Reply),
        (&[METHOD_NONE, b"\x05\x00\x00\x01\x7f"], Phase::Reply),
    ];
    for (answers, expected) in silences {
        let proxy = Unix::answering(answers);
        let config = through(&[&proxy], " ann s3cret");
        let target = to("mail.example:25");
        let (took, outcome) = timed(connect_through(config.route(&target), target, TIME)).await;
        let error = outcome.expect_err("silence");
        let Error::TimedOut { phase } = error else { panic!("{error:?}") };
        assert_eq!((phase, took), (expected, TIME));
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_has_it() {
    let proxy = Unix::answering(&[METHOD_NONE]);
    let config = through(&[&proxy], "");
    let target = to("192.0.2.1:25");
    let (name, route) = (DomainName::new("mail.example").expect("a name"), config.route(&target));
    let outcomes = [
        timed(async { Listener::bind_through(route, target, TIME).await.err() }).await,
        timed(async { UdpAssociation::open_through(route, TIME).await.err() }).await,
        timed(async { resolve_through(route, name, TIME).await.err() }).await,
        timed(async { resolve_ptr_through(route, [192, 0, 2, 1].into(), TIME).await.err() }).await,
    ];
    for (took, error) in outcomes {
        assert!(matches!(error, Some(Error::TimedOut { phase: Phase::Reply })), "{error:?}");
        assert_eq!(took, TIME);
    }
}

#[tokio::test(start_paused = true)]
async fn it_counts_from_the_call() {
    let proxy = Unix::answering(&[METHOD_NONE]);
    let config = through(&[&proxy], "");
    let target = to("192.0.2.1:25");
    let (took, outcome) = timed(async {
        let connecting = connect_through(config.route(&target), target, TIME);
        sleep(TIME / 2).await;
        connecting.await
    })
    .await;
    assert!(matches!(outcome, Err(Error::TimedOut { phase: Phase::Reply })), "{outcome:?}");
    assert_eq!(took, TIME);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_dribbles_does_not_extend_it() {
    let proxy = Unix::serving(|mut stream| async move {
        // The name is longer than there is time for.
        for byte in b"\x05\x00\x05\x00\x00\x03\xff".iter().chain(&[b'a'; 257]) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let config = through(&[&proxy], "");
    let target = to("mail.example:25");
    let (took, outcome) = timed(connect_through(config.route(&target), target, TIME)).await;
    let error = outcome.expect_err("too slow");
    assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
    assert_eq!(took, TIME);
}

#[tokio::test(start_paused = true)]
async fn each_server_has_its_share() {
    let silent = Unix::answering(&[]);
    let config = through(&[&silent, &silent, &silent, &silent], "");
    let target = to("mail.example:25");
    let (took, outcome) = timed(connect_through(config.route(&target), target, TIME)).await;
    let Err(Error::CouldNotReach(unreachable)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((unreachable.tried().len(), took), (4, TIME));
    for attempt in unreachable.tried() {
        let cause = attempt.error.get_ref().and_then(|cause| cause.downcast_ref());
        assert!(matches!(cause, Some(Error::TimedOut { phase: Phase::Method })), "{attempt:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_server_after_the_share_of_one_or_its_own_time() {
    let (silent, kind) = (Unix::answering(&[]), Unix::answering(&[METHOD_NONE, common::GRANTED]));
    let target = to("mail.example:25");
    for (option, expected) in [("", TIME / 2), ("/timeout=3", Duration::from_secs(3))] {
        let config = config(&format!("proxy 0.0.0.0/0 {silent}{option},{kind}"));
        let (took, outcome) = timed(connect_through(config.route(&target), target, TIME)).await;
        outcome.expect("a stream");
        assert_eq!(took, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_answered_once_has_all_of_it() {
    let (slow, other) = (Unix::answering(&[METHOD_NONE]), Unix::answering(&[METHOD_NONE, common::GRANTED]));
    let config = through(&[&slow, &other], "");
    let target = to("mail.example:25");
    let (took, outcome) = timed(connect_through(config.route(&target), target, TIME)).await;
    assert!(matches!(outcome, Err(Error::TimedOut { phase: Phase::Reply })), "{outcome:?}");
    assert_eq!(took, TIME);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_nobody_answers() {
    // A listener that has as many connections as it takes, and drops what else comes.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let full = socket.listen(1).expect("a listener");
    let addr = full.local_addr().expect("an address");
    let mut held = Vec::new();
    while let Ok(stream) = StdTcpStream::connect_timeout(&addr, SHORT) {
        held.push(stream);
        assert!(held.len() < 100, "a backlog without an end");
    }
    let config = config(&format!("proxy 0.0.0.0/0 {addr}"));
    let target = to("mail.example:25");
    let (took, outcome) = timed(connect_through(config.route(&target), target, TIME)).await;
    let error = outcome.expect_err("no connection");
    assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
    assert_eq!((error.kind(), took), (io::ErrorKind::TimedOut, TIME));
}

#[test]
fn a_resolver_that_does_not_answer() {
    // The one thread that could ask the system has something else to do, so the clock has to be the real one.
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().expect("a runtime");
    let (done, busy) = mpsc::channel::<()>();
    let proxy = StdTcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = proxy.local_addr().expect("an address").port();
    runtime.block_on(async {
        spawn_blocking(move || busy.recv().unwrap_or_default());
        let config = config(&format!("proxy 0.0.0.0/0 localhost:{port}"));
        let target = to("mail.example:25");
        let error = in_time(connect_through(config.route(&target), target, SHORT)).await.expect_err("no address");
        assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    });
    drop(done);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_comes_has_the_time_for_it() {
    let proxy = answering(&[METHOD_NONE, common::GRANTED]);
    let listener = Listener::bind_over(proxy, to("192.0.2.1:20"), Offer::stepwise(Login::None)).await;
    let (took, outcome) = timed(listener.expect("a listener").accept_within(TIME)).await;
    let failed = outcome.expect_err("nobody comes");
    assert!(matches!(failed.error(), Error::TimedOut { phase: Phase::SecondReply }), "{failed:?}");
    assert_eq!(took, TIME);
}

#[tokio::test(start_paused = true)]
async fn over_a_stream_it_is_the_callers() {
    let mut stream = answering(&[METHOD_NONE]);
    let connecting = connect_over(&mut stream, to("mail.example:25"), Offer::stepwise(Login::None));
    let (took, outcome) = timed(timeout(TIME, connecting)).await;
    outcome.expect_err("silence");
    assert_eq!(took, TIME);
}

#[tokio::test(start_paused = true)]
async fn it_is_over_once_connected() {
    let proxy = Unix::serving(|mut stream: UnixStream| async move {
        common::answer_each(&mut stream, &[METHOD_NONE, common::GRANTED]).await;
        sleep(100 * TIME).await;
        // The client may be gone.
        let _ = stream.write_all(common::BANNER).await;
        common::answer(stream, &[b"ping"]).await;
    });
    let config = through(&[&proxy], "");
    let target = to("mail.example:25");
    let mut stream = connect_through(config.route(&target), target, TIME).await.expect("a stream");
    common::converse(&mut stream).await;
}
