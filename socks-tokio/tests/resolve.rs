//! Tor's RESOLVE and RESOLVE_PTR.

mod common;

use std::net::IpAddr;

use common::{METHOD_NONE, SHORT, config, scripted};
use socks_conformance::proxy::{Proxy, ProxyConfig};
use socks_tokio::{
    Config, DomainName, Error, Login, Offer, Phase, resolve, resolve_over, resolve_ptr, resolve_ptr_over,
    resolve_ptr_through, resolve_through,
};
use tokio::net::TcpStream;

fn name(name: &str) -> DomainName {
    DomainName::new(name).expect("a name")
}

const MAIL: [u8; 4] = [192, 0, 2, 25];

fn proxy() -> (Proxy, Config) {
    let hosts = vec![
        ("mail.example".into(), MAIL.into()),
        ("six.example".into(), "2001:db8::6".parse::<IpAddr>().expect("an address")),
    ];
    let proxy = Proxy::start(ProxyConfig { hosts, ..ProxyConfig::default() }).expect("a proxy");
    let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
    (proxy, config)
}

#[tokio::test]
async fn names_have_addresses_and_addresses_names() {
    let (proxy, config) = proxy();
    let six: IpAddr = "2001:db8::6".parse().expect("an address");
    assert_eq!(resolve(&config, name("mail.example")).await.expect("known"), IpAddr::from(MAIL));
    assert_eq!(resolve(&config, name("six.example")).await.expect("known"), six);
    assert_eq!(resolve_ptr(&config, MAIL.into()).await.expect("known"), name("mail.example"));
    assert_eq!(resolve_ptr(&config, six).await.expect("known"), name("six.example"));
    let stream = async || TcpStream::connect(proxy.addr()).await.expect("the proxy");
    let offer = || Offer::one_round_trip(Login::None);
    assert_eq!(resolve_over(stream().await, name("mail.example"), offer()).await.expect("known"), IpAddr::from(MAIL));
    assert_eq!(resolve_ptr_over(stream().await, six, offer()).await.expect("known"), name("six.example"));
}

#[tokio::test]
async fn what_nobody_knows_is_refused() {
    let (_proxy, config) = proxy();
    for error in [
        resolve(&config, name("other.example")).await.expect_err("unknown"),
        resolve_ptr(&config, [192, 0, 2, 26].into()).await.expect_err("unknown"),
    ] {
        assert!(matches!(error, Error::Handshake(socks_proto::Error::Refused { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_is_none() {
    let a_name = scripted(&[METHOD_NONE, b"\x05\x00\x00\x03\x01a\x00\x00"]);
    let error = resolve(&config(&format!("proxy 0.0.0.0/0 {a_name}")), name("mail.example")).await.expect_err("a name");
    assert!(matches!(&error, Error::UnusableAnswer(bound) if bound.to_string() == "a:0"), "{error:?}");
    let an_address = TcpStream::connect(scripted(&[METHOD_NONE, common::GRANTED])).await.expect("a peer");
    let ours = an_address.local_addr().expect("an address");
    let failed = resolve_ptr_over(an_address, MAIL.into(), Offer::stepwise(Login::None)).await.expect_err("an address");
    assert!(matches!(failed.error(), Error::UnusableAnswer(_)), "{failed:?}");
    assert_eq!(failed.into_stream().local_addr().expect("an address"), ours);
}

#[tokio::test]
async fn silence_ends_with_the_deadline() {
    let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[METHOD_NONE])));
    let route = config.route((IpAddr::from(MAIL), 0));
    for error in [
        resolve_through(route, name("mail.example"), SHORT).await.expect_err("silence"),
        resolve_ptr_through(route, MAIL.into(), SHORT).await.expect_err("silence"),
    ] {
        assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
    }
}

#[tokio::test]
async fn nobody_is_asked_where_no_proxy_is_configured() {
    let error = resolve(&Config::default(), name("mail.example")).await.expect_err("direct");
    assert!(matches!(error, Error::Direct), "{error:?}");
    let error = resolve_ptr(&config("strict"), MAIL.into()).await.expect_err("refused");
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}
