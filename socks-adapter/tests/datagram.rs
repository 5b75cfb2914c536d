//! Datagrams of an association: the vectors, lengths, senders, fragments, protection.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use socks_adapter::datagram::{DatagramError, Datagrams, MAX_SENT};
use socks_adapter::{Error, Negotiation, Next, Tunnel};
use socks_conformance::gss::{self, ToyContext};
use socks_conformance::vector::{self, What};
use socks_proto::{Auth, Command, Gssapi, Offer, Protection, TargetAddr, WireAddr, server, udp};

const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn relay() -> SocketAddr {
    (PROXY, 9).into()
}

fn datagrams() -> Datagrams {
    Datagrams::new(Tunnel::direct(WireAddr::Ip(relay())), PROXY).expect("a relay")
}

fn target() -> TargetAddr {
    "198.51.100.7:53".parse().expect("a target")
}

fn from_relay(frag: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    server::encode_datagram(&udp::Datagram { frag, peer: target().into(), payload }, &mut datagram);
    datagram
}

#[test]
fn the_vectors_come_out_as_they_say() {
    let (mut whole, mut dropped, mut headers) = (0, 0, 0);
    let (mut buf, now) = (vec![0; 65_535], Instant::now());
    for vector in vector::load() {
        match vector.what {
            What::Datagram { datagram, outcome } => {
                let got = datagrams().decode(&datagram, relay(), now, &mut buf).expect("room");
                match outcome {
                    // A single fragment that begins and ends its sequence is whole.
                    Ok((0 | 0x81, peer, payload)) => {
                        assert_eq!(got, Some((payload.len(), peer)), "{}", vector.name);
                        assert_eq!(buf[..payload.len()], payload, "{}", vector.name);
                        whole += 1;
                    }
                    _ => {
                        assert_eq!(got, None, "{}", vector.name);
                        dropped += 1;
                    }
                }
            }
            What::Header { target, header } => {
                let mut out = b"of before".to_vec();
                datagrams().encode(b"data", &target, &mut out).expect("it fits");
                assert_eq!(out, [&header[..], b"data"].concat(), "{}", vector.name);
                headers += 1;
            }
            What::Exchange(_) | What::Construct { .. } => {}
        }
    }
    assert!(whole > 5 && dropped > 5 && headers > 3, "{whole} whole, {dropped} dropped, {headers} headers");
}

#[test]
fn a_payload_fits_or_is_an_error() {
    let (datagrams, mut out) = (datagrams(), Vec::new());
    let name = TargetAddr::new(&"n".repeat(255), 53).expect("a name");
    for (target, header) in [(target(), 10), (name, 262)] {
        let most = MAX_SENT - header;
        datagrams.encode(&vec![0; most], &target, &mut out).expect("it fits");
        assert_eq!(out.len(), MAX_SENT);
        let error = datagrams.encode(&vec![0; most + 1], &target, &mut out).expect_err("too long");
        assert_eq!(error, DatagramError::PayloadTooLong { len: most + 1, most });
        assert_eq!(out, [], "nothing that could be sent by mistake");
    }
}

#[test]
fn a_payload_fits_into_the_buffer_or_is_an_error() {
    let (datagrams, now) = (datagrams(), Instant::now());
    let received = from_relay(0, b"hello");
    let got = datagrams.decode(&received, relay(), now, &mut [0; 5]).expect("room");
    assert_eq!(got, Some((5, target().into())));
    let error = datagrams.decode(&received, relay(), now, &mut [0; 4]).expect_err("no room");
    assert_eq!(error, DatagramError::BufferTooShort { len: 5 });
}

#[test]
fn only_the_relay_is_heard() {
    let (datagrams, now, mut buf) = (datagrams(), Instant::now(), [0; 16]);
    let received = from_relay(0, b"hello");
    let mut heard = |from: &str| {
        let from = from.parse().expect("an address");
        datagrams.decode(&received, from, now, &mut buf).expect("room").is_some()
    };
    assert!(heard("192.0.2.1:9"));
    assert!(heard("[::ffff:192.0.2.1]:9"), "as a socket of both families tells it");
    assert!(!heard("192.0.2.1:10"));
    assert!(!heard("192.0.2.2:9"));
}

#[test]
fn fragments_are_joined_and_a_whole_datagram_interrupts() {
    let (datagrams, now, mut buf) = (datagrams(), Instant::now(), [0; 16]);
    let mut heard = |frag, payload: &[u8]| {
        let got = datagrams.decode(&from_relay(frag, payload), relay(), now, &mut buf).expect("room");
        got.map(|(len, _)| buf[..len].to_vec())
    };
    assert_eq!(heard(0x01, b"a"), None);
    assert_eq!(heard(0x82, b"b"), Some(b"ab".to_vec()));
    assert_eq!(heard(0x01, b"a"), None);
    assert_eq!(heard(0x00, b"whole"), Some(b"whole".to_vec()));
    assert_eq!(heard(0x82, b"b"), None);
}

#[test]
fn the_relay_is_where_the_proxy_is_unless_it_says() {
    let bound = |text: &str| Tunnel::direct(WireAddr::Ip(text.parse().expect("an address")));
    assert_eq!(Datagrams::new(bound("0.0.0.0:9"), PROXY).expect("a relay").relay(), relay());
    let named = Tunnel::direct(WireAddr::Name("relay.example".try_into().expect("a name"), 9));
    assert!(matches!(Datagrams::new(named, PROXY), Err(Error::UnusableAnswer(_))));
}

/// An association whose control connection is protected, with a proxy that says this after its choice of a method.
fn protected() -> Datagrams {
    let gssapi = Gssapi::new(Box::new(ToyContext::new(1)), Protection::Confidentiality);
    let command = Command::UdpAssociate(TargetAddr::UNSPECIFIED);
    let mut negotiation = Negotiation::new(command, Offer::stepwise(Auth::gssapi(gssapi)));
    let message = |mtyp: u8, token: &[u8]| [&[0x01, mtyp, 0x00, token.len() as u8], token].concat();
    let reply = gss::wrap(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x09", true);
    let said = [
        vec![0x05, 0x01],
        message(1, b"server-1"),
        message(2, &gss::wrap(&[Protection::Confidentiality as u8], false)),
        message(3, &reply),
    ]
    .concat();
    let mut said = &said[..];
    loop {
        match negotiation.next().expect("the proxy is kind") {
            Next::Write(bytes) => {
                let n = bytes.len();
                negotiation.wrote(Ok(n)).expect("the proxy is kind");
            }
            Next::Read { at_most } => {
                let (now, later) = said.split_at(at_most.min(said.len()));
                said = later;
                negotiation.read(Ok(now)).expect("the proxy is kind");
            }
            Next::Bound | Next::Done => break,
        }
    }
    Datagrams::new(negotiation.into_tunnel().expect("done"), PROXY).expect("a relay")
}

#[test]
fn with_gssapi_each_datagram_is_a_protected_message() {
    let (datagrams, now, mut buf) = (protected(), Instant::now(), [0; 16]);
    let mut out = Vec::new();
    datagrams.encode(b"hello", &target(), &mut out).expect("it fits");
    let token = gss::wrap(&from_relay(0, b"hello"), true);
    assert_eq!(out, [&[0x01, 0x03, 0x00, token.len() as u8], &token[..]].concat());
    // What goes out is what would come in.
    let got = datagrams.decode(&out, relay(), now, &mut buf).expect("room");
    assert_eq!(got, Some((5, target().into())));
    assert_eq!(datagrams.decode(&from_relay(0, b"plain"), relay(), now, &mut buf), Ok(None));
    let error = datagrams.encode(&vec![0; MAX_SENT - 10], &target(), &mut out).expect_err("too long");
    assert!(matches!(error, DatagramError::PayloadTooLong { .. }), "{error:?}");
}

#[test]
fn every_failure_has_the_kind_of_the_table() {
    use std::io::ErrorKind as K;
    let rows = [
        (DatagramError::PayloadTooLong { len: 2, most: 1 }, K::InvalidInput),
        (DatagramError::BufferTooShort { len: 2 }, K::InvalidInput),
        (DatagramError::Closed, K::ConnectionAborted),
        (DatagramError::Protection(socks_proto::Malformed::Length.into()), K::InvalidData),
    ];
    for (error, kind) in rows {
        let outer = std::io::Error::from(error.clone());
        assert_eq!(outer.kind(), kind, "{error}");
        assert_eq!(outer.get_ref().and_then(|inner| inner.downcast_ref()), Some(&error));
    }
}

#[test]
fn datagrams_leave_from_where_the_proxy_expects_them() {
    let from = |near: Option<&str>, relay: &str| {
        let near = near.map(|near| near.parse().expect("an address"));
        let relay = WireAddr::Ip(relay.parse().expect("an address"));
        Datagrams::new(Tunnel::direct(relay), PROXY).expect("a relay").local_addr(near).to_string()
    };
    assert_eq!(from(Some("198.51.100.2"), "192.0.2.1:9"), "198.51.100.2:0");
    assert_eq!(from(Some("127.0.0.1"), "127.0.0.2:9"), "127.0.0.1:0");
    assert_eq!(from(Some("127.0.0.1"), "192.0.2.1:9"), "0.0.0.0:0");
    assert_eq!(from(Some("198.51.100.2"), "127.0.0.1:9"), "0.0.0.0:0");
    assert_eq!(from(Some("198.51.100.2"), "[2001:db8::1]:9"), "[::]:0");
    assert_eq!(from(None, "192.0.2.1:9"), "0.0.0.0:0");
}
