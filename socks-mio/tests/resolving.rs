//! Tor's RESOLVE and RESOLVE_PTR.

mod common;

use std::net::IpAddr;
use std::time::Instant;

use common::{GRANTED, Loop, METHOD_NONE, SHORT, config, dial, scripted, through};
use socks_conformance::proxy::{Proxy, ProxyConfig};
use socks_mio::{Config, DomainName, Error, Login, Offer, Phase, Resolving, ResolvingPtr};

fn name(name: &str) -> DomainName {
    DomainName::new(name).expect("a name")
}

const MAIL: [u8; 4] = [192, 0, 2, 25];

#[test]
fn names_have_addresses_and_addresses_names() {
    let hosts = vec![("mail.example".into(), MAIL.into())];
    let proxy = Proxy::start(ProxyConfig { hosts, ..ProxyConfig::default() }).expect("a proxy");
    let (mut by, config, now) = (Loop::new(), through(&proxy), Instant::now());
    let offer = || Offer::one_round_trip(Login::None);
    let mut address = |request| by.run(request).expect("known");
    assert_eq!(address(Resolving::start(&config, name("mail.example"), now)), IpAddr::from(MAIL));
    let over = Resolving::over(dial(proxy.addr()), name("mail.example"), offer());
    assert_eq!(by.run(Ok(over)).expect("known"), IpAddr::from(MAIL));
    let mut named = |request| by.run(request).expect("known");
    assert_eq!(named(ResolvingPtr::start(&config, MAIL.into(), now)), name("mail.example"));
    let over = ResolvingPtr::over(dial(proxy.addr()), MAIL.into(), offer());
    assert_eq!(by.run(Ok(over)).expect("known"), name("mail.example"));
    let error = by.run(Resolving::start(&config, name("other.example"), now)).expect_err("unknown");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::Refused { .. })), "{error:?}");
}

#[test]
fn an_answer_of_the_wrong_kind_is_none() {
    let mut by = Loop::new();
    let a_name = dial(scripted(&[METHOD_NONE, b"\x05\x00\x00\x03\x01a\x00\x00"]));
    let mut request = Resolving::over(a_name, name("mail.example"), Offer::stepwise(Login::None));
    by.register(&mut request);
    let error = by.go_on(&mut request).expect_err("a name");
    assert!(matches!(&error, Error::UnusableAnswer(bound) if bound.to_string() == "a:0"), "{error:?}");
    assert!(request.into_inner().is_some());
    let an_address = dial(scripted(&[METHOD_NONE, GRANTED]));
    let request = ResolvingPtr::over(an_address, MAIL.into(), Offer::stepwise(Login::None));
    let error = by.run(Ok(request)).expect_err("an address");
    assert!(matches!(error, Error::UnusableAnswer(_)), "{error:?}");
}

#[test]
fn silence_ends_with_the_deadline() {
    let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[METHOD_NONE])));
    let (mut by, route) = (Loop::new(), config.route((IpAddr::from(MAIL), 0)));
    let error = by.run(Resolving::start_through(route, name("mail.example"), SHORT, Instant::now()));
    assert!(matches!(error, Err(Error::TimedOut { phase: Phase::Reply })), "{error:?}");
    let error = by.run(ResolvingPtr::start_through(route, MAIL.into(), SHORT, Instant::now()));
    assert!(matches!(error, Err(Error::TimedOut { phase: Phase::Reply })), "{error:?}");
}

#[test]
fn nobody_is_asked_where_no_proxy_is_configured() {
    let error = Resolving::start(&Config::default(), name("mail.example"), Instant::now()).expect_err("direct");
    assert!(matches!(error, Error::Direct), "{error:?}");
    let error = ResolvingPtr::start(&config("strict"), MAIL.into(), Instant::now()).expect_err("refused");
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}
