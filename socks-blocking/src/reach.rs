//! The servers of a rule in turn, each at every address, until one of them answers.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};

use socks_config::{Endpoint, ProxyRule, ServerHost};
use socks_proto::{Command, Established, Handshake, Phase, TargetAddr};

use crate::deadline::Deadline;
use crate::drive::{Wait, drive};
use crate::error::{Attempt, Error, Unreachable};
use crate::socket::Connection;

/// Negotiates a connection to `target` with the first server that answers.
///
/// A server counts as reached once it has said anything at all. One that takes the connection and then stays silent or
/// hangs up is dead, stopping or full, and has only seen a greeting, so that the next one may be tried; what a server
/// says, a refusal above all, is final.
pub(crate) fn through<C: Connection>(
    rule: &ProxyRule,
    target: &TargetAddr,
    deadline: Deadline,
) -> Result<(C, Established), Error> {
    let servers = rule.servers();
    let mut failures = Failures::default();
    for (at, server) in servers.iter().enumerate() {
        let until_reached = match server.timeout {
            Some(_) => deadline.or_after(server.timeout),
            None => deadline.share(servers.len() - at),
        };
        let whole = deadline.or_after(server.timeout);
        let addrs = match places(&server.endpoint) {
            Ok(addrs) => addrs,
            Err(error) => {
                failures.unreachable(&server.endpoint, None, error);
                continue;
            }
        };
        for (at, &addr) in addrs.iter().enumerate() {
            let until_reached = until_reached.share(addrs.len() - at);
            let socket: C = match open(&server.endpoint, addr, until_reached) {
                Ok(socket) => socket,
                Err(error) => {
                    failures.unreachable(&server.endpoint, addr, error);
                    continue;
                }
            };
            let command = Command::Connect(server.target_for(target));
            let handshake = Handshake::new(command, server.offer(rule.credentials()));
            match negotiate(socket, handshake, until_reached, whole) {
                Err(error) if error.before_any_answer() => failures.silent(&server.endpoint, addr, error),
                outcome => return outcome,
            }
        }
    }
    Err(failures.into_error())
}

/// Connects to the target itself; its name is for the system to resolve.
pub(crate) fn direct<C: Connection>(target: &TargetAddr, deadline: Deadline) -> Result<C, Error> {
    let host = match target {
        TargetAddr::Ip(addr) => ServerHost::Ip(addr.ip()),
        TargetAddr::Name(name, _) => ServerHost::Name(name.to_string()),
    };
    let endpoint = Endpoint::Tcp { host, port: target.port() };
    let addrs = match target {
        // Not by way of the endpoint, which has neither scope nor flow label.
        TargetAddr::Ip(addr) => Ok(vec![Some(*addr)]),
        TargetAddr::Name(name, _) if name.as_str().is_none() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "a name that is not UTF-8 cannot be resolved here"))
        }
        TargetAddr::Name(..) => places(&endpoint),
    };
    let mut failures = Failures::default();
    match addrs {
        Ok(addrs) => {
            for (at, &addr) in addrs.iter().enumerate() {
                match open(&endpoint, addr, deadline.share(addrs.len() - at)) {
                    Ok(socket) => return Ok(socket),
                    Err(error) => failures.unreachable(&endpoint, addr, error),
                }
            }
        }
        Err(error) => failures.unreachable(&endpoint, None, error),
    }
    Err(failures.into_error())
}

/// The addresses of an endpoint, at least one; a Unix socket is one place without an address.
///
/// This is the one step that std cannot bound.
fn places(endpoint: &Endpoint) -> io::Result<Vec<Option<SocketAddr>>> {
    match endpoint {
        Endpoint::Tcp { host: ServerHost::Ip(ip), port } => Ok(vec![Some((*ip, *port).into())]),
        Endpoint::Tcp { host: ServerHost::Name(name), port } => {
            let addrs: Vec<_> = (name.as_str(), *port).to_socket_addrs()?.map(Some).collect();
            match addrs[..] {
                [] => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
                _ => Ok(addrs),
            }
        }
        Endpoint::Unix(_) => Ok(vec![None]),
    }
}

fn open<C: Connection>(endpoint: &Endpoint, addr: Option<SocketAddr>, deadline: Deadline) -> io::Result<C> {
    let left = deadline.left()?;
    match (endpoint, addr) {
        (Endpoint::Unix(path), _) => C::unix(path),
        (Endpoint::Tcp { .. }, Some(addr)) => Ok(C::tcp(match left {
            Some(left) => TcpStream::connect_timeout(&addr, left)?,
            None => TcpStream::connect(addr)?,
        })),
        (Endpoint::Tcp { .. }, None) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

fn negotiate<C: Connection>(
    mut socket: C,
    mut handshake: Handshake,
    until_reached: Deadline,
    whole: Deadline,
) -> Result<(C, Established), Error> {
    drive(&mut socket, &mut handshake, |socket, wait| match wait {
        Wait::Write => socket.set_write_timeout(whole.left()?),
        Wait::Answer => socket.set_read_timeout(until_reached.left()?),
        Wait::Read => socket.set_read_timeout(whole.left()?),
    })?;
    let as_found = socket.set_read_timeout(None).and_then(|()| socket.set_write_timeout(None));
    as_found.map_err(|source| Error::Io { phase: Phase::Reply, source })?;
    let established = handshake.into_established().expect("drive() returns at Step::Done");
    Ok((socket, established))
}

/// What was tried in vain.
#[derive(Default)]
struct Failures {
    tried: Vec<Attempt>,
    /// The last attempt, where the connection stood but the proxy said nothing.
    silent: Option<(Endpoint, Option<SocketAddr>, Error)>,
}

impl Failures {
    fn unreachable(&mut self, endpoint: &Endpoint, addr: Option<SocketAddr>, error: io::Error) {
        if let Some((endpoint, addr, error)) = self.silent.take() {
            self.tried.push(Attempt { endpoint, addr, error: error.into() });
        }
        self.tried.push(Attempt { endpoint: endpoint.clone(), addr, error });
    }

    fn silent(&mut self, endpoint: &Endpoint, addr: Option<SocketAddr>, error: Error) {
        if let Some((endpoint, addr, error)) = self.silent.replace((endpoint.clone(), addr, error)) {
            self.tried.push(Attempt { endpoint, addr, error: error.into() });
        }
    }

    /// The last failure, if it has a phase to name; else all of them.
    fn into_error(self) -> Error {
        match self.silent {
            Some((_, _, error)) => error,
            None => Error::CouldNotReach(Unreachable { tried: self.tried }),
        }
    }
}
