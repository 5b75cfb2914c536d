//! Tor's RESOLVE and RESOLVE_PTR.

use std::net::IpAddr;

use socks_async_std::{Config, DomainName, Error, Login, Offer, resolve, resolve_over, resolve_ptr, resolve_ptr_over};
use socks_conformance::proxy::{Proxy, ProxyConfig};

use crate::common::{GRANTED, METHOD_NONE, config, dial, local_addr, scripted};
use crate::run;

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

#[test]
fn names_have_addresses_and_addresses_names() {
    run(async {
        let (proxy, config) = proxy();
        let six: IpAddr = "2001:db8::6".parse().expect("an address");
        assert_eq!(resolve(&config, name("mail.example")).await.expect("known"), IpAddr::from(MAIL));
        assert_eq!(resolve(&config, name("six.example")).await.expect("known"), six);
        assert_eq!(resolve_ptr(&config, MAIL.into()).await.expect("known"), name("mail.example"));
        assert_eq!(resolve_ptr(&config, six).await.expect("known"), name("six.example"));
        let stream = || dial(proxy.addr());
        let offer = || Offer::one_round_trip(Login::None);
        assert_eq!(
            resolve_over(stream().await, name("mail.example"), offer()).await.expect("known"),
            IpAddr::from(MAIL)
        );
        assert_eq!(resolve_ptr_over(stream().await, six, offer()).await.expect("known"), name("six.example"));
    });
}

#[test]
fn what_nobody_knows_is_refused() {
    run(async {
        let (_proxy, config) = proxy();
        for error in [
            resolve(&config, name("other.example")).await.expect_err("unknown"),
            resolve_ptr(&config, [192, 0, 2, 26].into()).await.expect_err("unknown"),
        ] {
            assert!(matches!(error, Error::Handshake(socks_proto::Error::Refused { .. })), "{error:?}");
        }
    });
}

#[test]
fn an_answer_of_the_wrong_kind_is_none() {
    run(async {
        let a_name = scripted(&[METHOD_NONE, b"\x05\x00\x00\x03\x01a\x00\x00"]);
        let error =
            resolve(&config(&format!("proxy 0.0.0.0/0 {a_name}")), name("mail.example")).await.expect_err("a name");
        assert!(matches!(&error, Error::UnusableAnswer(bound) if bound.to_string() == "a:0"), "{error:?}");
        let an_address = dial(scripted(&[METHOD_NONE, GRANTED])).await;
        let ours = local_addr(&an_address);
        let failed =
            resolve_ptr_over(an_address, MAIL.into(), Offer::stepwise(Login::None)).await.expect_err("an address");
        assert!(matches!(failed.error(), Error::UnusableAnswer(_)), "{failed:?}");
        assert_eq!(local_addr(&failed.into_stream()), ours);
    });
}

#[test]
fn nobody_is_asked_where_no_proxy_is_configured() {
    run(async {
        let error = resolve(&Config::default(), name("mail.example")).await.expect_err("direct");
        assert!(matches!(error, Error::Direct), "{error:?}");
        let error = resolve_ptr(&config("strict"), MAIL.into()).await.expect_err("refused");
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    });
}
