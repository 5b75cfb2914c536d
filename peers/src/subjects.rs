//! Who makes handshakes: each by what its own documentation tells a user to call.

use std::future::Future;
use std::hint::black_box;
use std::io::{Read, Write};
use std::mem::size_of_val;
use std::pin::pin;
use std::task::{self, Context, Waker};
use std::time::Instant;

use fast_socks5::client::{Config, Socks5Stream as FastStream};
use fast_socks5::util::target_addr::TargetAddr as FastTarget;
use fast_socks5::{AuthenticationMethod, Socks5Command};
use mio::{Interest, Poll, Token};
use socks_mio::{Connecting, Progress};
use socks_peers::case::{Case, HOST, PASSWORD, PORT, USERNAME, target};
use socks_peers::floor;
use socks_proto::{Command, Handshake, Step};
use tokio_socks::tcp::Socks5Stream as TokioStream;

use crate::proxy::{Lent, Proxy};

/// One of those that are compared.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// The handshakes that it can make.
    pub(crate) cases: &'static [Case],
    /// Makes one, and gives the size of the future that made it: 0 without one.
    pub(crate) run: Run,
}

pub(crate) type Run = fn(&mut Proxy, Case) -> usize;

pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { name: "floor", cases: Case::ALL, run: by_hand },
    Subject { name: "socks-proto", cases: Case::ALL, run: bare_core },
    Subject { name: "socks-blocking", cases: Case::ALL, run: blocking },
    Subject { name: "socks-tokio", cases: Case::ALL, run: tokio },
    Subject { name: "socks-async-std", cases: Case::ALL, run: async_std },
    Subject { name: "socks-mio", cases: Case::ALL, run: mio },
    Subject { name: "tokio-socks", cases: Case::STEPWISE, run: tokio_socks },
    Subject { name: "fast-socks5", cases: Case::STEPWISE, run: fast_socks5 },
];

fn by_hand(proxy: &mut Proxy, case: Case) -> usize {
    let (host, port) = black_box((HOST, PORT));
    let bound = match case {
        Case::Stepwise => floor::stepwise(proxy, host, port),
        Case::Login => floor::login(proxy, black_box((USERNAME, PASSWORD)), host, port),
        Case::OneRoundTrip => floor::one_round_trip(proxy, host, port),
    };
    black_box(&bound.expect("the proxy is kind"));
    0
}

fn bare_core(proxy: &mut Proxy, case: Case) -> usize {
    let mut handshake = Handshake::new(Command::Connect(black_box(target(PORT))), case.offer());
    let mut buf = [0; 512];
    loop {
        match handshake.step().expect("the proxy is kind") {
            Step::Send(octets) => {
                let sent = proxy.write(octets).expect("it takes all");
                handshake.sent(sent);
            }
            Step::Receive { at_most } => {
                let wanted = buf.len().min(at_most.get());
                let received = proxy.read(&mut buf[..wanted]).expect("it answers");
                handshake.receive(&buf[..received]).expect("it is kind");
            }
            Step::Event(_) => {}
            _ => break,
        }
    }
    black_box(&handshake.bound().expect("it is at its end"));
    0
}

fn blocking(proxy: &mut Proxy, case: Case) -> usize {
    let stream = socks_blocking::connect_over(proxy, black_box(target(PORT)), case.offer());
    black_box(stream.expect("the proxy is kind").bound());
    0
}

fn tokio(proxy: &mut Proxy, case: Case) -> usize {
    let work = socks_tokio::connect_over(proxy, black_box(target(PORT)), case.offer());
    at_once(work, |stream| {
        black_box(stream.expect("the proxy is kind").bound());
    })
}

fn async_std(proxy: &mut Proxy, case: Case) -> usize {
    let work = socks_async_std::connect_over(proxy, black_box(target(PORT)), case.offer());
    at_once(work, |stream| {
        black_box(stream.expect("the proxy is kind").bound());
    })
}

thread_local! {
    /// Of a loop that has nothing else in it. A stream that never blocks waits for none of its events.
    static POLL: Poll = Poll::new().expect("a poll");
}

fn mio(proxy: &mut Proxy, case: Case) -> usize {
    POLL.with(|poll| {
        let mut connecting = Connecting::over(Lent(proxy), black_box(target(PORT)), case.offer());
        poll.registry().register(&mut connecting, Token(0), Interest::READABLE).expect("registered");
        match connecting.ready(poll.registry(), Instant::now()).expect("the proxy is kind") {
            Progress::Done(stream) => _ = black_box(stream.bound()),
            _ => panic!("it waits"),
        }
    });
    0
}

fn tokio_socks(proxy: &mut Proxy, case: Case) -> usize {
    let target = black_box((HOST, PORT));
    let check =
        |stream: Result<TokioStream<&mut Proxy>, _>| drop(black_box(stream.expect("the proxy is kind").target_addr()));
    match case {
        Case::Login => at_once(TokioStream::connect_with_password_and_socket(proxy, target, USERNAME, PASSWORD), check),
        _ => at_once(TokioStream::connect_with_socket(proxy, target), check),
    }
}

fn fast_socks5(proxy: &mut Proxy, case: Case) -> usize {
    let login = (case == Case::Login)
        .then(|| AuthenticationMethod::Password { username: USERNAME.to_owned(), password: PASSWORD.to_owned() });
    let target = FastTarget::Domain(black_box(HOST).to_owned(), PORT);
    let work = async {
        let mut stream = FastStream::use_stream(proxy, login, Config::default()).await?;
        stream.request(Socks5Command::TCPConnect, target).await
    };
    at_once(work, |bound| drop(black_box(bound.expect("the proxy is kind"))))
}

/// Drives a future that never has to wait.
fn at_once<F: Future>(work: F, check: impl FnOnce(F::Output)) -> usize {
    let size = size_of_val(&work);
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        task::Poll::Ready(outcome) => check(outcome),
        task::Poll::Pending => panic!("it waits"),
    }
    size
}
