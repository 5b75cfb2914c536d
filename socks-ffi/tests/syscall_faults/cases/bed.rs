//! What stands around the program: a target, a proxy, a configuration.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;

use anyhow::{Result, ensure};
use socks_conformance::closed::ClosedPort;
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use tempfile::TempDir;

use super::plan::Seen;
use crate::compile::{Toolchain, Way};
use crate::target::Target;
use crate::tool::{Mode, Tool};

/// The way to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Plain,
    /// It asks for a login.
    Login,
    /// On `::1`: the program's socket makes way for one of IPv6.
    V6,
    /// On a Unix socket, likewise.
    Unix,
    /// Nobody listens at the first address.
    Second,
    /// It resolves the names.
    Names,
}

/// A way to converse, through a proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) name: &'static str,
    /// The first argument of tests/c/syscall_faults.c.
    way: &'static str,
    server: Server,
}

const fn style(name: &'static str, way: &'static str, server: Server) -> Style {
    Style { name, way, server }
}

pub(crate) const STYLES: &[Style] = &[
    style("blocking", "blocking", Server::Plain),
    style("blocking, with a login", "blocking", Server::Login),
    style("blocking, the proxy on ::1", "blocking", Server::V6),
    style("blocking, the proxy on a Unix socket", "blocking", Server::Unix),
    style("blocking, the second address", "blocking", Server::Second),
    style("blocking, by a name", "name", Server::Names),
    style("poll", "poll", Server::Plain),
    style("poll, the proxy on a Unix socket", "poll", Server::Unix),
    style("select", "select", Server::Plain),
    style("epoll", "epoll", Server::Plain),
    style("epoll, edges", "edge", Server::Plain),
    style("epoll, edges, the proxy on ::1", "edge", Server::V6),
    style("dup and close", "dup", Server::Plain),
    style("dup and close, the proxy on a Unix socket", "dup", Server::Unix),
    style("bind", "bind", Server::Plain),
];

pub(crate) struct Bed {
    target: Target,
    proxy: Proxy,
    nobody: ClosedPort,
    folder: TempDir,
}

impl Bed {
    pub(crate) fn new(style: &Style) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("syscall-faults-").tempdir()?;
        let target = Target::start((Ipv4Addr::LOCALHOST, 0).into())?;
        let config = ProxyConfig {
            hosts: vec![("service.example".to_owned(), Ipv4Addr::LOCALHOST.into())],
            ..ProxyConfig::default()
        };
        let proxy = Proxy::start(match style.server {
            Server::Plain | Server::Second | Server::Names => config,
            Server::Login => ProxyConfig { login: Some(("ann".into(), "s3cret".into())), ..config },
            Server::V6 => ProxyConfig { listen: Listen::Tcp((Ipv6Addr::LOCALHOST, 0).into()), ..config },
            Server::Unix => ProxyConfig { listen: Listen::Unix(folder.path().join("proxy")), ..config },
        })?;
        let bed = Self { target, proxy, nobody: ClosedPort::new()?, folder };
        let at = match style.server {
            Server::Unix => format!("unix:{}", bed.folder.path().join("proxy").display()),
            Server::Second => format!("{},{}", bed.nobody.addr(), bed.proxy.addr()),
            _ => bed.proxy.addr().to_string(),
        };
        let more = match style.server {
            Server::Login => " ann s3cret",
            Server::Names => "\ndns remote",
            _ => "",
        };
        fs::write(bed.folder.path().join("socksrc"), format!("timeout 5\nproxy 0.0.0.0/0 {at}{more}\n"))?;
        Ok(bed)
    }

    /// The program as it is run.
    pub(crate) fn command(&self, style: &Style, tools: &Toolchain) -> Result<Command> {
        let mut command = Command::new(tools.socksify());
        command.arg(tools.program("syscall_faults", Mode { way: Way::Wrapped, tool: Tool::None })?);
        command.arg(style.way).arg(self.target.addr().to_string());
        command.env_clear().env("SOCKSRC", self.folder.path().join("socksrc"));
        // Names of one test are none of another's, nor of the user's.
        command.env("XDG_RUNTIME_DIR", self.folder.path()).current_dir(self.folder.path());
        Ok(command)
    }

    /// Nothing went out but to the proxy, and where `all` went well, all bytes went through it.
    pub(crate) fn finish(self, seen: &Seen, all: bool) -> Result<()> {
        let known = [self.proxy.addr(), self.nobody.addr()];
        let strangers: Vec<&SocketAddr> = seen.sent_to.iter().filter(|addr| !known.contains(addr)).collect();
        ensure!(strangers.is_empty(), "went to {strangers:?}, past the proxy");
        let proxy = self.proxy;
        let relayed = || proxy.bytes_relayed();
        let before = relayed();
        let counted = self.target.finish();
        // Both conversations have ended, and with them what the proxy passes on.
        let relayed = relayed().max(before);
        ensure!(!all || relayed == counted, "{counted} bytes at the target, {relayed} of them through the proxy");
        Ok(())
    }
}
