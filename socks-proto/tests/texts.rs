//! What the types of this crate say of themselves: whoever reads a log has nothing else.

use std::error::Error as _;

use socks_proto::udp::DatagramError;
use socks_proto::{
    Auth, AuthError, AuthFailure, AuthMethod, AuthStatus, Command, DomainName, Error, Handshake, Login, Malformed,
    MechanismError, MethodId, Offer, ParseTargetError, Phase, ReplyCode, Step, TargetAddr, UserPass, WireAddr,
};

fn mechanism() -> MechanismError {
    MechanismError { major: 0xd0000, minor: 7, message: "no ticket".to_owned() }
}

#[test]
fn errors_say_what_happened_where_and_whose_fault_it_is() {
    let malformed = |what| Error::Malformed { phase: Phase::Reply, what };
    for (error, phase, text) in [
        (Error::NoAcceptableMethod, Phase::Method, "the proxy accepts none of the methods offered"),
        (
            Error::Authenticate(AuthFailure::LoginRefused { status: 1 }),
            Phase::Authentication,
            "the proxy refused the login (status 0x01)",
        ),
        (
            Error::Authenticate(AuthFailure::ContextRefused),
            Phase::Authentication,
            "the proxy refused the security context",
        ),
        (
            Error::Authenticate(AuthFailure::ProtectionTooWeak { level: 1 }),
            Phase::Authentication,
            "the proxy wants protection level 1, less than was asked for",
        ),
        (
            Error::Authenticate(AuthFailure::Mechanism(mechanism())),
            Phase::Authentication,
            "no ticket (major 0xd0000, minor 0x7)",
        ),
        (
            Error::Refused { phase: Phase::Reply, code: ReplyCode::CONNECTION_REFUSED },
            Phase::Reply,
            "the proxy refused: connection refused (0x05)",
        ),
        (
            Error::Refused { phase: Phase::SecondReply, code: ReplyCode(0x99) },
            Phase::SecondReply,
            "the proxy gave up waiting: 0x99",
        ),
        (Error::Eof { phase: Phase::Method }, Phase::Method, "the proxy closed the connection (method negotiation)"),
        (
            Error::Eof { phase: Phase::Authentication },
            Phase::Authentication,
            "the proxy closed the connection (authentication)",
        ),
        (
            Error::Eof { phase: Phase::SecondReply },
            Phase::SecondReply,
            "the proxy closed the connection (second reply to BIND)",
        ),
        (
            malformed(Malformed::Version(0)),
            Phase::Reply,
            "version 0x00: this looks like a SOCKS 4 server (reply to the request)",
        ),
        (
            malformed(Malformed::Version(b'H')),
            Phase::Reply,
            "version 0x48: this looks like an HTTP server (reply to the request)",
        ),
        (
            malformed(Malformed::Version(4)),
            Phase::Reply,
            "version 0x04 where a SOCKS 5 server says 0x05 (reply to the request)",
        ),
        (
            malformed(Malformed::MethodNotOffered(MethodId::GSSAPI)),
            Phase::Reply,
            "the proxy chose a method that was not offered: GSSAPI (0x01) (reply to the request)",
        ),
        (malformed(Malformed::AddressType(2)), Phase::Reply, "unknown address type 0x02 (reply to the request)"),
        (malformed(Malformed::MessageType(9)), Phase::Reply, "unexpected message type 0x09 (reply to the request)"),
        (malformed(Malformed::TokenLength(65_536)), Phase::Reply, "token of 65536 bytes (reply to the request)"),
        (
            malformed(Malformed::ProtectionLevel(4)),
            Phase::Reply,
            "unknown protection level 0x04 (reply to the request)",
        ),
        (malformed(Malformed::Length), Phase::Reply, "message of the wrong length (reply to the request)"),
    ] {
        assert_eq!((error.phase(), error.to_string().as_str()), (phase, text));
        let is_mechanism = matches!(error, Error::Authenticate(AuthFailure::Mechanism(_)));
        let source = error.source().map(ToString::to_string);
        assert_eq!(source, is_mechanism.then(|| mechanism().to_string()), "{error}");
    }
}

#[test]
fn what_a_method_says_is_said_on() {
    assert_eq!(AuthError::from(AuthFailure::ContextRefused).to_string(), "the proxy refused the security context");
    assert_eq!(AuthError::from(Malformed::Length).to_string(), "message of the wrong length");
    assert_eq!(AuthError::from(mechanism()), AuthError::Failed(AuthFailure::Mechanism(mechanism())));
}

#[test]
fn a_datagram_is_short_or_malformed() {
    let short = DatagramError::Short { len: 3 };
    assert_eq!(short.to_string(), "datagram of 3 bytes ends inside its header");
    assert_eq!(DatagramError::Malformed(Malformed::AddressType(2)).to_string(), "unknown address type 0x02");
}

#[test]
fn targets_that_cannot_be_say_why() {
    let length = "host name of 0 bytes: SOCKS 5 carries 1 to 255";
    for (text, expected, source) in [
        ("mail.example", "expected host:port, found no port", None),
        ("mail.example:65536", "expected a port from 0 to 65535", None),
        ("[mail.example]:25", "expected an IPv6 address, and only that, in brackets", None),
        (":25", length, Some(length)),
    ] {
        let error = text.parse::<TargetAddr>().expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), source, "{text}");
    }
    let Err(ParseTargetError::Host(error)) = ":25".parse::<TargetAddr>() else { panic!("a host of no bytes") };
    assert!(error.is_empty());
    let error = TargetAddr::try_from((&*"n".repeat(256), 25)).expect_err("too long");
    assert_eq!((error.len(), error.is_empty()), (256, false));
    assert_eq!(DomainName::try_from("n"), DomainName::new([b'n']));
    assert_eq!(TargetAddr::try_from(("n", 25)), Ok(TargetAddr::Name(DomainName::new("n").expect("a name"), 25)));
}

#[test]
fn what_a_server_says_of_itself_is_an_address_or_not() {
    let host = [192, 0, 2, 1].into();
    let name = DomainName::new("caf\u{e9}").expect("a name");
    for (addr, shown, port, unspecified, or_host) in [
        (WireAddr::Ip(([192, 0, 2, 7], 80).into()), "192.0.2.7:80", 80, false, Some("192.0.2.7:80")),
        (WireAddr::Ip(([0, 0, 0, 0], 80).into()), "0.0.0.0:80", 80, true, Some("192.0.2.1:80")),
        (WireAddr::Name(name, 81), "caf\\xc3\\xa9:81", 81, false, None),
        (WireAddr::Nameless(82), ":82", 82, true, Some("192.0.2.1:82")),
    ] {
        assert_eq!((addr.to_string().as_str(), addr.port(), addr.is_unspecified()), (shown, port, unspecified));
        assert_eq!(addr.or_host(host).map(|addr| addr.to_string()).as_deref(), or_host, "{shown}");
    }
    let error = TargetAddr::try_from(WireAddr::Nameless(1)).expect_err("nobody can be asked for it");
    assert!(error.is_empty());
    assert_eq!(TargetAddr::try_from(WireAddr::Name(name, 81)), Ok(TargetAddr::Name(name, 81)));
    assert_eq!(TargetAddr::Name(name, 81).to_canonical(), TargetAddr::Name(name, 81));
}

/// Wants nothing of the proxy, and says nothing.
struct Silent;

impl AuthMethod for Silent {
    fn start(&mut self, _: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        Ok(AuthStatus::Done)
    }

    fn receive(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        Ok(AuthStatus::Done)
    }
}

#[test]
fn a_handshake_shows_what_it_is_about_and_no_secret() {
    let login = UserPass::new("ann", "s3cret").expect("a login");
    let private = Auth::private(MethodId(0x80), Box::new(Silent)).ok().expect("a private number");
    assert_eq!(format!("{private:?}"), "Auth(0x80)");
    let offer = Offer::stepwise(login).or(private).or(Login::None);
    assert_eq!(format!("{offer:?}"), "[username/password (0x02), 0x80, no authentication (0x00)]");

    let mut handshake = Handshake::new(Command::Bind(TargetAddr::UNSPECIFIED), offer);
    assert_eq!(handshake.phase(), Phase::Method);
    let Ok(Step::Send(greeting)) = handshake.step() else { panic!("a greeting") };
    assert_eq!(greeting, [5, 3, 2, 0x80, 0]);
    handshake.sent(5);
    // The method that says nothing and protects nothing.
    assert_eq!(handshake.receive(&[5, 0x80]), Ok(2));
    while let Ok(Step::Event(_)) = handshake.step() {}
    let Ok(Step::Send(request)) = handshake.step() else { panic!("a request") };
    assert_eq!(request, [5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    handshake.sent(10);
    assert_eq!(handshake.receive(&[5, 0, 0, 3, 0, 0, 1, 5, 0, 0, 3, 0, 0, 2]), Ok(7));
    while let Ok(Step::Event(_)) = handshake.step() {}
    assert_eq!(handshake.phase(), Phase::SecondReply);
    assert_eq!(handshake.receive(&[5, 0, 0, 3, 0, 0, 2]), Ok(7));
    while let Ok(Step::Event(_)) = handshake.step() {}
    let done = handshake.into_established().expect("done");
    assert_eq!((done.method, done.peer), (MethodId(0x80), Some(WireAddr::Nameless(2))));
    assert!(format!("{done:?}").ends_with("method: 0x80, protected: false, early: 0 }"), "{done:?}");
}

#[test]
fn numbers_with_a_meaning_are_no_private_methods() {
    for id in [MethodId::NONE, MethodId::GSSAPI, MethodId::USER_PASS, MethodId::NO_ACCEPTABLE] {
        assert!(Auth::private(id, Box::new(Silent)).is_err(), "{id}");
    }
    assert_eq!((MethodId(0x80).text(), ReplyCode::SUCCEEDED.text()), (None, Some("succeeded")));
}
