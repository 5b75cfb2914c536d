//! A proxy server: where it is, and what it is like.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use socks_proto::{DomainName, Login, Offer, TargetAddr, UserPass};

use crate::diagnostic::ParseError;
use crate::server_list;

/// One SERVER of a `proxy` line: `host[:port][/option...]`, `[IPv6]:port` or `unix:/path`.
///
/// ```
/// use socks_config::{Endpoint, Server, ServerHost};
///
/// let server: Server = "gate.example:1100/ipv4/timeout=5".parse()?;
/// assert_eq!(server.endpoint, Endpoint::Tcp { host: ServerHost::Name("gate.example".into()), port: 1100 });
/// assert!(server.ipv4_only);
/// assert_eq!(server.timeout, Some(std::time::Duration::from_secs(5)));
/// # Ok::<(), socks_config::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// `/ipv4`: it has no IPv6.
    pub ipv4_only: bool,
    /// `/redirect=`: what it is asked for in place of the target.
    pub redirect: Option<Redirect>,
    /// `/pipeline`: it takes greeting, login and request in one round trip.
    pub pipeline: bool,
    /// `/timeout=`: the whole way to its answer, in place of [`Config::timeout`](crate::Config::timeout).
    pub timeout: Option<Duration>,
}

impl Server {
    /// The port of a server that names none (RFC 1928 §3).
    pub const DEFAULT_PORT: u16 = 1080;

    /// A server without options.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, ipv4_only: false, redirect: None, pipeline: false, timeout: None }
    }

    /// What to ask this server for in order to reach `target`.
    ///
    /// Applies `/redirect=`, and turns an IPv4-mapped IPv6 address into IPv4, which every server understands.
    pub fn target_for(&self, target: &TargetAddr) -> TargetAddr {
        let redirected = match &self.redirect {
            None => *target,
            Some(redirect) => {
                let port = redirect.port.unwrap_or_else(|| target.port());
                match (&redirect.host, target) {
                    (Some(RedirectHost::Name(name)), _) => TargetAddr::from((**name, port)),
                    (Some(RedirectHost::Ip(ip)), _) => TargetAddr::from((*ip, port)),
                    (None, TargetAddr::Ip(addr)) => TargetAddr::from((addr.ip(), port)),
                    (None, TargetAddr::Name(name, _)) => TargetAddr::from((*name, port)),
                }
            }
        };
        redirected.to_canonical()
    }

    /// What to offer this server: the login where there is one, and no login as the second choice.
    ///
    /// In one round trip where it is said to take that (`/pipeline`), which leaves no second choice.
    pub fn offer(&self, credentials: Option<&UserPass>) -> Offer {
        match credentials.cloned() {
            Some(login) if self.pipeline => Offer::one_round_trip(login),
            Some(login) => Offer::stepwise(login).or(Login::None),
            None if self.pipeline => Offer::one_round_trip(Login::None),
            None => Offer::stepwise(Login::None),
        }
    }
}

/// The SERVER syntax of socksrc(5).
impl FromStr for Server {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(server_list::server(text.as_bytes())?)
    }
}

/// The SERVER syntax of socksrc(5), with the port always written.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)?;
        if self.ipv4_only {
            f.write_str("/ipv4")?;
        }
        if let Some(redirect) = &self.redirect {
            write!(f, "/redirect={redirect}")?;
        }
        if self.pipeline {
            f.write_str("/pipeline")?;
        }
        match self.timeout {
            Some(timeout) => write!(f, "/timeout={}", timeout.as_secs()),
            None => Ok(()),
        }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A TCP port.
    Tcp {
        /// The host, to be resolved by the system where it is a name, and tried at each of its addresses.
        host: ServerHost,
        /// The port, in host byte order.
        port: u16,
    },
    /// A stream socket in the file system, by its absolute path.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The host of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerHost {
    /// An address.
    Ip(IpAddr),
    /// A name of 1 to 255 bytes.
    Name(String),
}

/// An IPv6 address is displayed in brackets.
impl fmt::Display for ServerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What a server is asked for in place of the target: another host, another port, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub(crate) host: Option<RedirectHost>,
    pub(crate) port: Option<u16>,
}

impl Redirect {
    /// The port to ask for, where it is not the target's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host to ask for, where it is not the target's own.
    pub fn host(&self) -> Option<crate::Host<'_>> {
        self.host.as_ref().map(|host| match host {
            RedirectHost::Ip(ip) => crate::Host::Ip(*ip),
            RedirectHost::Name(name) => crate::Host::Name(name.as_bytes()),
        })
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(RedirectHost::Ip(ip)) => ServerHost::Ip(*ip).fmt(f)?,
            // Read as UTF-8, and written so: a name's own Display escapes it.
            Some(RedirectHost::Name(name)) => f.write_str(name.as_str().unwrap_or_default())?,
            None => {}
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Boxed, as a name is held inline and most servers have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedirectHost {
    Ip(IpAddr),
    Name(Box<DomainName>),
}
