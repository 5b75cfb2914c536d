//! Tor's RESOLVE and RESOLVE_PTR: names and addresses, asked of the proxy.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mio::event;
use socks_adapter::{Error, answer, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, DomainName, Offer, TargetAddr, WireAddr};

use crate::request::{Granted, Request};
use crate::socket::Socket;

/// The address of a name, asked of a proxy: comes to that address, and closes the connection.
///
/// Tor answers this, few other proxies do. A proxy that finds nothing refuses with a code of its choice;
/// [`Error::UnusableAnswer`] is where it answers with a name.
pub type Resolving<S = Socket> = Request<IpAddr, S>;

/// The name of an address, asked of a proxy: comes to that name, and closes the connection. See [`Resolving`];
/// [`Error::UnusableAnswer`] is where the proxy answers with an address.
pub type ResolvingPtr<S = Socket> = Request<DomainName, S>;

impl Request<IpAddr, Socket> {
    /// Asks the proxy that `config` has for this name and port 0. Nobody else hears of it. Takes as long as
    /// [`Connecting::start`](crate::Connecting::start) may.
    ///
    /// # Errors
    /// [`Error::Refused`], and [`Error::Direct`] where the way leads through no proxy.
    pub fn start(config: &Config, name: DomainName, now: Instant) -> Result<Self, Error> {
        let target = TargetAddr::from((name, 0));
        let route = config.route(&target);
        Self::start_through(route, name, plan::timeout(config, &route), now)
    }

    /// Asks a proxy of this route, within `timeout`.
    ///
    /// # Errors
    /// As those of [`start`](Self::start).
    pub fn start_through(route: Route<'_>, name: DomainName, timeout: Duration, now: Instant) -> Result<Self, Error> {
        Self::through(route, Command::Resolve(name), timeout, now, address)
    }
}

impl<S: Read + Write + event::Source> Request<IpAddr, S> {
    /// Asks the proxy at the other end of `stream`; see [`Connecting::over`](crate::Connecting::over).
    pub fn over(stream: S, name: DomainName, offer: Offer) -> Self {
        Self::over_stream(stream, Command::Resolve(name), offer, address)
    }
}

impl Request<DomainName, Socket> {
    /// Asks the proxy that `config` has for this address and port 0; see [`Resolving`].
    ///
    /// # Errors
    /// [`Error::Refused`], and [`Error::Direct`] where the way leads through no proxy.
    pub fn start(config: &Config, ip: IpAddr, now: Instant) -> Result<Self, Error> {
        let target = TargetAddr::from((ip, 0));
        let route = config.route(&target);
        Self::start_through(route, ip, plan::timeout(config, &route), now)
    }

    /// Asks a proxy of this route, within `timeout`.
    ///
    /// # Errors
    /// As those of [`start`](Self::start).
    pub fn start_through(route: Route<'_>, ip: IpAddr, timeout: Duration, now: Instant) -> Result<Self, Error> {
        Self::through(route, Command::ResolvePtr(ip), timeout, now, name)
    }
}

impl<S: Read + Write + event::Source> Request<DomainName, S> {
    /// Asks the proxy at the other end of `stream`; see [`Connecting::over`](crate::Connecting::over).
    pub fn over(stream: S, ip: IpAddr, offer: Offer) -> Self {
        Self::over_stream(stream, Command::ResolvePtr(ip), offer, name)
    }
}

fn address<S: event::Source>(granted: Granted<'_, S>) -> Result<IpAddr, (Error, S)> {
    answered(granted, answer::address)
}

fn name<S: event::Source>(granted: Granted<'_, S>) -> Result<DomainName, (Error, S)> {
    answered(granted, answer::name)
}

fn answered<T, S: event::Source>(
    mut granted: Granted<'_, S>,
    read: fn(&WireAddr) -> Result<T, Error>,
) -> Result<T, (Error, S)> {
    let bound = granted.tunnel().bound;
    read(&bound).map_err(|error| (error, granted.stream))
}
