//! Tor's RESOLVE and RESOLVE_PTR: names and addresses, asked of the proxy.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::time::Duration;

use socks_adapter::{ConnectError, Error, Tunnel, answer, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, DomainName, Offer, TargetAddr};

use crate::connect::{finished, request_over};
use crate::reach::reach;
use crate::socket::Socket;

/// The address of a name, asked of the proxy that `config` has for this name and port 0. Nobody else hears of it.
///
/// Tor answers this, few other proxies do. Takes as long as [`connect`](crate::connect()) may.
///
/// ```no_run
/// use socks_blocking::{Config, DomainName, ProxyUrl, resolve};
///
/// let tor: ProxyUrl = "socks5h://127.0.0.1:9050".parse()?;
/// println!("{}", resolve(&Config::from_url(&tor), DomainName::new("mail.example")?)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As those of [`connect`](crate::connect()): a proxy that finds nothing refuses with a code of its choice.
/// [`Error::UnusableAnswer`] where it answers with a name, and [`Error::Direct`] where the way leads through no proxy:
/// [`ToSocketAddrs`](std::net::ToSocketAddrs) asks the system.
pub fn resolve(config: &Config, name: DomainName) -> Result<IpAddr, Error> {
    let target = TargetAddr::from((name, 0));
    let route = config.route(&target);
    resolve_through(route, name, plan::timeout(config, &route))
}

/// The address of a name, asked of a proxy of this route, within `timeout`.
///
/// # Errors
/// As those of [`resolve`].
pub fn resolve_through(route: Route<'_>, name: DomainName, timeout: Duration) -> Result<IpAddr, Error> {
    answer::address(&through(route, Command::Resolve(name), timeout)?.bound)
}

/// The address of a name, asked of the proxy at the other end of `stream`, which has no other use afterwards.
///
/// # Errors
/// [`ConnectError`] gives the stream back with the [`Error`].
// The stream is in the error by purpose.
#[allow(clippy::result_large_err)]
pub fn resolve_over<S: Read + Write>(stream: S, name: DomainName, offer: Offer) -> Result<IpAddr, ConnectError<S>> {
    let (tunnel, stream) = request_over(stream, Command::Resolve(name), offer)?;
    answer::address(&tunnel.bound).map_err(|error| ConnectError::new(error, stream))
}

/// The name of an address, asked of the proxy that `config` has for this address and port 0; see [`resolve`].
///
/// # Errors
/// As those of [`resolve`], with [`Error::UnusableAnswer`] where the proxy answers with an address.
pub fn resolve_ptr(config: &Config, ip: IpAddr) -> Result<DomainName, Error> {
    let target = TargetAddr::from((ip, 0));
    let route = config.route(&target);
    resolve_ptr_through(route, ip, plan::timeout(config, &route))
}

/// The name of an address, asked of a proxy of this route, within `timeout`.
///
/// # Errors
/// As those of [`resolve_ptr`].
pub fn resolve_ptr_through(route: Route<'_>, ip: IpAddr, timeout: Duration) -> Result<DomainName, Error> {
    answer::name(&through(route, Command::ResolvePtr(ip), timeout)?.bound)
}

/// The name of an address, asked of the proxy at the other end of `stream`, which has no other use afterwards.
///
/// # Errors
/// [`ConnectError`] gives the stream back with the [`Error`].
// The stream is in the error by purpose.
#[allow(clippy::result_large_err)]
pub fn resolve_ptr_over<S: Read + Write>(stream: S, ip: IpAddr, offer: Offer) -> Result<DomainName, ConnectError<S>> {
    let (tunnel, stream) = request_over(stream, Command::ResolvePtr(ip), offer)?;
    answer::name(&tunnel.bound).map_err(|error| ConnectError::new(error, stream))
}

fn through(route: Route<'_>, command: Command, timeout: Duration) -> Result<Tunnel, Error> {
    let (_, negotiation) = reach::<Socket>(route, command, timeout)?;
    negotiation.map(finished).ok_or(Error::Direct)
}
