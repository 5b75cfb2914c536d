//! Tor's RESOLVE and RESOLVE_PTR: names and addresses, asked of the proxy.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use socks_adapter::{ConnectError, Error, Negotiation, Tunnel, answer, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, DomainName, Offer, TargetAddr};

use crate::connect::{finished, request_over};
use crate::reach::{Reached, Way};
use crate::socket::Socket;

/// The address of a name, asked of the proxy that `config` has for this name and port 0. Nobody else hears of it.
///
/// Tor answers this, few other proxies do. Takes as long as [`connect`](crate::connect()) may.
///
/// ```no_run
/// use socks_async_std::{Config, DomainName, ProxyUrl, resolve};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let tor: ProxyUrl = "socks5h://127.0.0.1:9050".parse()?;
/// println!("{}", resolve(&Config::from_url(&tor), DomainName::new("mail.example")?).await?);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Cancel safety
/// As that of [`connect`](crate::connect()).
///
/// # Errors
/// As those of [`connect`](crate::connect()): a proxy that finds nothing refuses with a code of its choice.
/// [`Error::UnusableAnswer`] where it answers with a name, and [`Error::Direct`] where the way leads through no proxy: the
/// runtime asks the system.
pub fn resolve(config: &Config, name: DomainName) -> impl Future<Output = Result<IpAddr, Error>> {
    let target = TargetAddr::from((name, 0));
    let route = config.route(&target);
    resolve_through(route, name, plan::timeout(config, &route))
}

/// The address of a name, asked of a proxy of this route, within `timeout`.
///
/// # Cancel safety
/// As that of [`connect`](crate::connect()).
///
/// # Errors
/// As those of [`resolve()`].
pub fn resolve_through(
    route: Route<'_>,
    name: DomainName,
    timeout: Duration,
) -> impl Future<Output = Result<IpAddr, Error>> {
    let mut way = Way::new(route, Command::Resolve(name), timeout);
    async move { answer::address(&tunnel(way.reach().await?)?.bound) }
}

/// The address of a name, asked of the proxy at the other end of `stream`, which has no other use afterwards.
///
/// # Cancel safety
/// As that of [`connect_over`](crate::connect_over()).
///
/// # Errors
/// [`ConnectError`] gives the stream back with the [`Error`].
pub fn resolve_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    name: DomainName,
    offer: Offer,
) -> impl Future<Output = Result<IpAddr, ConnectError<S>>> {
    let mut request = request_over(stream, Command::Resolve(name), offer);
    async move { (&mut request).await.and_then(|over| answer_over(over, |tunnel| answer::address(&tunnel.bound))) }
}

/// The name of an address, asked of the proxy that `config` has for this address and port 0; see [`resolve()`].
///
/// # Cancel safety
/// As that of [`connect`](crate::connect()).
///
/// # Errors
/// As those of [`resolve()`], with [`Error::UnusableAnswer`] where the proxy answers with an address.
pub fn resolve_ptr(config: &Config, ip: IpAddr) -> impl Future<Output = Result<DomainName, Error>> {
    let target = TargetAddr::from((ip, 0));
    let route = config.route(&target);
    resolve_ptr_through(route, ip, plan::timeout(config, &route))
}

/// The name of an address, asked of a proxy of this route, within `timeout`.
///
/// # Cancel safety
/// As that of [`connect`](crate::connect()).
///
/// # Errors
/// As those of [`resolve_ptr`].
pub fn resolve_ptr_through(
    route: Route<'_>,
    ip: IpAddr,
    timeout: Duration,
) -> impl Future<Output = Result<DomainName, Error>> {
    let mut way = Way::new(route, Command::ResolvePtr(ip), timeout);
    async move { answer::name(&tunnel(way.reach().await?)?.bound) }
}

/// The name of an address, asked of the proxy at the other end of `stream`, which has no other use afterwards.
///
/// # Cancel safety
/// As that of [`connect_over`](crate::connect_over()).
///
/// # Errors
/// [`ConnectError`] gives the stream back with the [`Error`].
pub fn resolve_ptr_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    ip: IpAddr,
    offer: Offer,
) -> impl Future<Output = Result<DomainName, ConnectError<S>>> {
    let mut request = request_over(stream, Command::ResolvePtr(ip), offer);
    async move { (&mut request).await.and_then(|over| answer_over(over, |tunnel| answer::name(&tunnel.bound))) }
}

fn tunnel((_, negotiation): Reached<Socket>) -> Result<Tunnel, Error> {
    negotiation.map(finished).ok_or(Error::Direct)
}

// The stream is in the error by purpose.
#[allow(clippy::result_large_err)]
fn answer_over<S, T>(
    (stream, negotiation): (S, Negotiation),
    answer: impl FnOnce(&Tunnel) -> Result<T, Error>,
) -> Result<T, ConnectError<S>> {
    answer(&finished(negotiation)).map_err(|error| ConnectError::new(error, stream))
}
