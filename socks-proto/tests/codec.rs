//! What one side encodes the other decodes to the same, whatever it is and wherever it is cut off.

use std::fmt::Debug;
use std::net::SocketAddr;

use proptest::prelude::*;
use socks_conformance::vector::Milestone;
use socks_proto::server::{self, Status};
use socks_proto::{
    Command, DomainName, Handshake, Login, Malformed, MethodId, Offer, ReplyCode, Step, TargetAddr, UserPass, WireAddr,
    udp,
};

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..=255)
}

fn name() -> impl Strategy<Value = DomainName> {
    octets().prop_map(|octets| DomainName::new(octets).expect("1 to 255 octets"))
}

fn ip() -> impl Strategy<Value = SocketAddr> {
    // Neither flow label nor scope is on the wire.
    any::<(std::net::IpAddr, u16)>().prop_map(SocketAddr::from)
}

fn target() -> impl Strategy<Value = TargetAddr> {
    prop_oneof![ip().prop_map(TargetAddr::Ip), (name(), any::<u16>()).prop_map(TargetAddr::from)]
}

fn wire_addr() -> impl Strategy<Value = WireAddr> {
    prop_oneof![4 => target().prop_map(WireAddr::from), 1 => any::<u16>().prop_map(WireAddr::Nameless)]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        target().prop_map(Command::Connect),
        target().prop_map(Command::Bind),
        target().prop_map(Command::UdpAssociate),
        name().prop_map(Command::Resolve),
        any::<std::net::IpAddr>().prop_map(Command::ResolvePtr),
    ]
}

fn login() -> impl Strategy<Value = UserPass> {
    (octets(), octets()).prop_map(|(user, password)| UserPass::new(user, password).expect("1 to 255 octets"))
}

/// Decodes `bytes` with something behind them; and each beginning of them is not whole and asks for no more than is
/// missing.
fn whole<T: Debug>(bytes: &[u8], decode: impl Fn(&[u8]) -> Result<Status<T>, Malformed>) -> Result<T, TestCaseError> {
    for len in 0..bytes.len() {
        match decode(&bytes[..len]) {
            Ok(Status::Partial { at_least }) => prop_assert!(at_least.get() <= bytes.len() - len),
            other => prop_assert!(false, "{len} of {} bytes: {other:?}", bytes.len()),
        }
    }
    match decode(&[bytes, b"\x05\x00"].concat()) {
        Ok(Status::Complete { value, len }) => {
            prop_assert_eq!(len, bytes.len());
            Ok(value)
        }
        other => Err(TestCaseError::fail(format!("all bytes: {other:?}"))),
    }
}

/// The one flight of a handshake in one round trip: greeting, login and request.
fn flight(command: Command, login: impl Into<Login>) -> Vec<u8> {
    let mut handshake = Handshake::new(command, Offer::one_round_trip(login));
    match handshake.step() {
        Ok(Step::Send(bytes)) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn greeting_login_and_request(command in command(), login in login()) {
        let flight = flight(command, login.clone());
        let (greeting, rest) = flight.split_at(3);
        let login_len = 3 + login.username().len() + login.password().len();
        let (login_bytes, request) = rest.split_at(login_len);
        prop_assert_eq!(whole(greeting, |input| server::decode_greeting(input).map(owned))?, [MethodId::USER_PASS.0]);
        prop_assert_eq!(whole(login_bytes, server::decode_login)?, login);
        let (code, addr) = whole(request, server::decode_request)?;
        prop_assert_eq!((code, addr), (command.code(), command.target().into()));
    }

    #[test]
    fn replies(first in wire_addr(), second in wire_addr()) {
        let mut handshake = Handshake::new(Command::Bind(TargetAddr::UNSPECIFIED), Offer::one_round_trip(Login::None));
        let mut bytes = Vec::new();
        server::encode_method(MethodId::NONE, &mut bytes);
        server::encode_reply(ReplyCode::SUCCEEDED, &first, &mut bytes);
        server::encode_reply(ReplyCode::SUCCEEDED, &second, &mut bytes);
        let mut events = Vec::new();
        let mut rest = &bytes[..];
        loop {
            match handshake.step().expect("nothing is wrong with it") {
                Step::Send(bytes) => {
                    let n = bytes.len();
                    handshake.sent(n);
                }
                Step::Receive { .. } => {
                    let used = handshake.receive(rest).expect("nothing is wrong with it");
                    prop_assert!(used > 0, "asked for input, and took none of it");
                    rest = &rest[used..];
                }
                Step::Event(event) => events.push(Milestone::new(event, &handshake)),
                _ => break,
            }
        }
        prop_assert!(rest.is_empty());
        let expected = [Milestone::Method(MethodId::NONE), Milestone::Bound(first), Milestone::Accepted(second)];
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn headers_of_datagrams(target in target(), payload: Vec<u8>) {
        let mut datagram = Vec::new();
        udp::encode_header(&target, &mut datagram);
        prop_assert_eq!(datagram.len(), udp::header_len(&target));
        prop_assert!(datagram.len() <= udp::MAX_HEADER_LEN);
        datagram.extend_from_slice(&payload);
        let got = udp::decode(&datagram).expect("nothing is wrong with it");
        prop_assert_eq!(got, udp::Datagram { frag: 0, peer: target.into(), payload: &payload });
    }

    #[test]
    fn datagrams_of_the_relay(frag: u8, peer in wire_addr(), payload: Vec<u8>) {
        let sent = udp::Datagram { frag, peer, payload: &payload };
        let mut datagram = Vec::new();
        server::encode_datagram(&sent, &mut datagram);
        prop_assert_eq!(udp::decode(&datagram), Ok(sent));
    }

    #[test]
    fn targets_as_text(target in target()) {
        // A name is printed escaped, so only what needs no escaping comes back.
        let text = target.to_string();
        let plain = match &target {
            TargetAddr::Ip(_) => true,
            TargetAddr::Name(name, _) => name.as_bytes().iter().all(u8::is_ascii_alphanumeric),
        };
        if plain && !matches!(target, TargetAddr::Name(name, _) if name.as_str().is_some_and(|n| n.parse::<u32>().is_ok())) {
            prop_assert_eq!(text.parse(), Ok(target));
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..6], 0..600)) {
        let len = bytes.len();
        let _ = udp::decode(&bytes);
        let fits = |taken: Option<usize>| taken.is_none_or(|taken| taken <= len);
        prop_assert!(fits(taken(server::decode_greeting(&bytes))));
        prop_assert!(fits(taken(server::decode_login(&bytes))));
        prop_assert!(fits(taken(server::decode_request(&bytes))));
    }
}

fn owned(status: Status<&[u8]>) -> Status<Vec<u8>> {
    match status {
        Status::Complete { value, len } => Status::Complete { value: value.to_vec(), len },
        Status::Partial { at_least } => Status::Partial { at_least },
    }
}

fn taken<T>(decoded: Result<Status<T>, Malformed>) -> Option<usize> {
    match decoded {
        Ok(Status::Complete { len, .. }) => Some(len),
        _ => None,
    }
}
