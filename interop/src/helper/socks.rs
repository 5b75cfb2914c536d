//! The embedded proxy of `socks-conformance`, on all addresses of both families. Prints a line a request.

use std::net::{Ipv6Addr, SocketAddr};
use std::thread;

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};

use crate::netns::{TARGET, TARGET_NAME, TARGET_NAME_V6};

pub(super) fn serve(port: u16, login: Option<(&str, &str)>) -> Result<()> {
    // Two descriptors a connection: the usual soft limit is soon used up.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let _proxy = Proxy::start(ProxyConfig {
        listen: Listen::Tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
        login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        hosts: vec![(TARGET_NAME.to_owned(), TARGET[0]), (TARGET_NAME_V6.to_owned(), TARGET[1])],
        log: Some(Box::new(|line| println!("{line}"))),
        ..ProxyConfig::default()
    })?;
    loop {
        thread::park();
    }
}
