//! A negotiation as an adapter drives it: what it wants next, and what failures of reads and writes become.

use std::io;
use std::net::IpAddr;

use socks_adapter::{BUF_LEN, Error, Negotiation, Next};
use socks_proto::{Command, Login, Offer, Phase, TargetAddr, WireAddr};

const METHOD: &[u8] = &[5, 0];
const REPLY: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 4, 56];
const PEER: &[u8] = &[5, 0, 0, 1, 192, 0, 2, 7, 0, 21];

fn target() -> TargetAddr {
    "192.0.2.1:80".parse().expect("a target")
}

fn negotiation(command: Command) -> Negotiation {
    Negotiation::new(command, Offer::stepwise(Login::None))
}

/// Does what it wants, with a proxy that says `said`, until it wants no more; gives what is unsaid.
fn drive<'s>(negotiation: &mut Negotiation, mut said: &'s [u8]) -> &'s [u8] {
    loop {
        match negotiation.next().expect("the proxy is kind") {
            Next::Write(bytes) => {
                let n = bytes.len();
                negotiation.wrote(Ok(n)).expect("it is written");
            }
            Next::Read { at_most } => {
                assert!(at_most <= BUF_LEN);
                let (now, later) = said.split_at(at_most);
                said = later;
                negotiation.read(Ok(now)).expect("the proxy is kind");
            }
            Next::Bound | Next::Done => return said,
        }
    }
}

#[test]
fn bind_stops_once_at_its_first_reply() {
    let mut bind = negotiation(Command::Bind(target())).at(Some(IpAddr::from([192, 0, 2, 99])));
    let said = [METHOD, REPLY, PEER, b"hello"].concat();
    let rest = drive(&mut bind, &said);
    assert!(bind.answered());
    assert_eq!(bind.bound().to_string(), "192.0.2.99:1080", "the proxy itself listens");
    let bind = bind.into_tunnel().expect_err("it is not over");
    assert_eq!(bind.proxy(), Some([192, 0, 2, 99].into()), "nothing is lost by asking");
    let mut bind = bind;
    assert_eq!(drive(&mut bind, rest), b"hello");
    let peer = bind.peer();
    let tunnel = bind.into_tunnel().expect("done");
    assert_eq!(peer.expect("a peer").to_string(), "192.0.2.7:21");
    assert_eq!(tunnel.bound.to_string(), "0.0.0.0:1080", "as it came");
}

#[test]
fn others_run_to_their_end() {
    let mut connect = negotiation(Command::Connect(target()));
    assert!(!connect.answered());
    assert_eq!(drive(&mut connect, &[METHOD, REPLY, b"hello"].concat()), b"hello");
    assert_eq!(connect.next().expect("still"), Next::Done);
    assert_eq!(connect.bound(), WireAddr::Ip(([0, 0, 0, 0], 1080).into()), "nothing is known of the proxy");
    assert!(connect.into_tunnel().expect("done").protection.is_none());
}

#[test]
fn a_failure_names_the_phase_and_whose_it_is() {
    let kind = |kind: io::ErrorKind| io::Error::from(kind);
    let fresh = || negotiation(Command::Connect(target()));
    let error = fresh().wrote(Ok(0)).expect_err("no progress");
    assert!(matches!(error, Error::Io { phase: Phase::Method, source } if source.kind() == io::ErrorKind::WriteZero));
    let error = fresh().wrote(Err(kind(io::ErrorKind::BrokenPipe))).expect_err("broken");
    assert!(matches!(error, Error::Io { phase: Phase::Method, .. }));
    let error = fresh().read(Err(kind(io::ErrorKind::WouldBlock))).expect_err("a timeout");
    assert!(matches!(error, Error::TimedOut { phase: Phase::Method }));
    let error = fresh().read(Ok(&[])).expect_err("the end");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::Eof { phase: Phase::Method })));
    assert!(matches!(fresh().timed_out(), Error::TimedOut { phase: Phase::Method }));
    fresh().wrote(Err(kind(io::ErrorKind::Interrupted))).expect("once more");
    fresh().read(Err(kind(io::ErrorKind::Interrupted))).expect("once more");
}

#[test]
fn what_has_failed_stays_failed() {
    let mut connect = negotiation(Command::Connect(target()));
    let _ = connect.next().expect("a greeting");
    connect.wrote(Ok(3)).expect("it is written");
    connect.read(Ok(&[5, 0xff])).expect_err("no method");
    for _ in 0..2 {
        let error = connect.next().expect_err("no method");
        assert!(matches!(error, Error::Handshake(socks_proto::Error::NoAcceptableMethod)), "{error:?}");
    }
    // An adapter whose timer fires may still be asked on: it must not begin anew.
    let mut connect = negotiation(Command::Connect(target()));
    let _ = connect.timed_out();
    assert!(connect.next().is_err());
}
