//! Which ways lead to a target: one, unless the way depends on its addresses.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use socks_config::{Config, Dns, Explanation, Refusal, Route};
use socks_proto::{DomainName, TargetAddr};

/// The ways to a target, to be tried in turn.
pub(crate) struct Ways<'c> {
    /// What the system said about the name, where it had to be asked to find the way.
    pub(crate) lookup: Option<Lookup>,
    /// None where that found nothing.
    pub(crate) ways: Vec<Way<'c>>,
}

/// One of them.
pub(crate) struct Way<'c> {
    pub(crate) target: TargetAddr,
    pub(crate) explanation: Explanation<'c>,
}

impl Ways<'_> {
    /// Why there is none, if so.
    pub(crate) fn without(&self) -> String {
        match self.lookup.as_ref().map(|lookup| &lookup.addrs) {
            Some(Err(error)) => format!("the name cannot be resolved: {error}"),
            _ => "the name has no address".to_owned(),
        }
    }
}

/// A question to the system's resolver, and its answer.
pub(crate) struct Lookup {
    pub(crate) time: Duration,
    pub(crate) addrs: io::Result<Vec<SocketAddr>>,
}

impl Lookup {
    /// Asks for the addresses of a name.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        let start = Instant::now();
        let addrs = (host, port).to_socket_addrs().map(|addrs| {
            let mut each: Vec<SocketAddr> = Vec::new();
            addrs.for_each(|addr| {
                if !each.contains(&addr) {
                    each.push(addr)
                }
            });
            each
        });
        Self { time: start.elapsed(), addrs }
    }
}

/// The ways of this command: a name goes to the proxy. It is looked up where no proxy is on the way, and where the way
/// depends on its address and the configuration lets names be resolved here.
pub(crate) fn of_name<'c>(config: &'c Config, target: &TargetAddr) -> Ways<'c> {
    match (config.route(target), config.dns()) {
        (Route::Refused(Refusal::NeedsAddress), Dns::Local) => by_address(config, target),
        _ => one(config, target),
    }
}

/// The ways of a program under socksify, which asks for a name's addresses before it connects: the system, unless the
/// proxy is to resolve it. As libsocks decides it.
pub(crate) fn as_wrapped<'c>(config: &'c Config, target: &TargetAddr) -> Ways<'c> {
    let TargetAddr::Name(name, _) = target else { return one(config, target) };
    match (config.dns(), config.route(target)) {
        (Dns::Remote, Route::Proxy(_) | Route::Refused(_)) if !is_own(name) => one(config, target),
        _ => by_address(config, target),
    }
}

/// Whether a name is that of this machine.
fn is_own(name: &DomainName) -> bool {
    rustix::system::uname().nodename().to_bytes().eq_ignore_ascii_case(name.as_bytes())
}

fn one<'c>(config: &'c Config, target: &TargetAddr) -> Ways<'c> {
    Ways { lookup: None, ways: vec![Way { target: *target, explanation: config.explain(target) }] }
}

fn by_address<'c>(config: &'c Config, target: &TargetAddr) -> Ways<'c> {
    let lookup = match target {
        TargetAddr::Name(name, port) => match name.as_str() {
            Some(name) => Lookup::new(name, *port),
            None => return one(config, target),
        },
        TargetAddr::Ip(_) => return one(config, target),
    };
    let addrs = lookup.addrs.as_deref().unwrap_or_default();
    let ways = addrs.iter().map(|addr| {
        let target = TargetAddr::Ip(*addr);
        Way { explanation: config.explain(&target), target }
    });
    let ways = ways.collect();
    Ways { lookup: Some(lookup), ways }
}
