//! CONNECT: a stream to the target.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socks_adapter::{ConnectError, Error, Negotiation, Tunnel, plan};
use socks_config::{Config, Route};
use socks_proto::{Command, Offer, TargetAddr, WireAddr};

use crate::drive::drive;
use crate::reach::reach;
use crate::socket::Socket;
use crate::stream::Stream;

/// Connects to `target` the way that `config` says, as [`TcpStream::connect`] does without a proxy.
///
/// The stream that comes back is at the first byte of the target, without timeouts, and its peer is the proxy.
/// All of it together, from resolving the proxy's name to its answer, takes [`Config::timeout`] at most, or as
/// long as a server's `/timeout=` where that is longer; see the crate's documentation for the one exception.
///
/// Servers on Unix sockets count as not reachable here, as they give no `TcpStream`: [`connect_through`] uses them.
///
/// # Errors
/// [`Error`] says which step failed. Where the configuration names a proxy, nothing goes direct, come what may.
pub fn connect(config: &Config, target: impl Into<TargetAddr>) -> Result<TcpStream, Error> {
    let target = target.into();
    let route = config.route(&target);
    // Neither of the two methods that a configuration can offer leaves a protection behind.
    reach(route, Command::Connect(target), plan::timeout(config, &route)).map(|(stream, _)| stream)
}

/// Connects to `target` by a route that was asked for before, within `timeout` for all of it.
///
/// For a login of its own, such as a circuit of Tor apart from all others:
/// [`ProxyRule::with_credentials`](socks_config::ProxyRule::with_credentials).
///
/// ```no_run
/// use std::time::Duration;
///
/// use socks_blocking::{Config, TargetAddr, connect_through};
///
/// let parsed = Config::parse("socksrc", b"proxy 0.0.0.0/0 unix:/run/proxy.sock,gate.example");
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let stream = connect_through(parsed.config.route(&target), target, Duration::from_secs(20))?;
/// println!("the target sees us come from {}", stream.bound());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As those of [`connect()`].
pub fn connect_through(
    route: Route<'_>,
    target: impl Into<TargetAddr>,
    timeout: Duration,
) -> Result<Stream<Socket>, Error> {
    let (socket, negotiation) = reach::<Socket>(route, Command::Connect(target.into()), timeout)?;
    let tunnel = match negotiation {
        Some(negotiation) => finished(negotiation),
        None => Tunnel::direct(socket.local_addr().map_or(WireAddr::UNSPECIFIED, WireAddr::Ip)),
    };
    Ok(Stream::new(socket, tunnel))
}

/// Connects to `target` through the proxy at the other end of `stream`, whatever that is: a socket with settings of
/// its own, TLS, or the [`Stream`] of another proxy.
///
/// ```no_run
/// use std::io::Write;
/// use std::net::TcpStream;
///
/// use socks_blocking::{Login, Offer, TargetAddr, connect_over};
///
/// // Three proxies in a chain: each leads to the next, and the last to the target.
/// let no_login = || Offer::stepwise(Login::None);
/// let second: TargetAddr = "second.example:1080".parse()?;
/// let third: TargetAddr = "third.example:1080".parse()?;
/// let target: TargetAddr = "mail.example:25".parse()?;
/// let stream = TcpStream::connect("first.example:1080")?;
/// let stream = connect_over(stream, second, no_login())?;
/// let stream = connect_over(stream, third, no_login())?;
/// let mut stream = connect_over(stream, target, no_login())?;
/// stream.write_all(b"QUIT\r\n")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The time it may take is for the caller to set, with the timeouts of the stream. The stream has to block: where it
/// answers `WouldBlock`, that is taken for the end of its timeout.
///
/// # Errors
/// [`ConnectError`] gives the stream back with the [`Error`].
// The stream is in the error by purpose.
#[allow(clippy::result_large_err)]
pub fn connect_over<S: Read + Write>(
    stream: S,
    target: impl Into<TargetAddr>,
    offer: Offer,
) -> Result<Stream<S>, ConnectError<S>> {
    let (tunnel, stream) = request_over(stream, Command::Connect(target.into()), offer)?;
    Ok(Stream::new(stream, tunnel))
}

/// Makes a request of one reply over any stream.
// The stream is in the error by purpose.
#[allow(clippy::result_large_err)]
pub(crate) fn request_over<S: Read + Write>(
    mut stream: S,
    command: Command,
    offer: Offer,
) -> Result<(Tunnel, S), ConnectError<S>> {
    let mut negotiation = Negotiation::new(command, offer);
    match drive(&mut stream, &mut negotiation, |_, _| Ok(())) {
        Ok(()) => Ok((granted(&mut negotiation), stream)),
        Err(error) => Err(ConnectError::new(error, stream)),
    }
}

/// What a negotiation has left behind that [`drive`] says is at its end.
pub(crate) fn finished(mut negotiation: Negotiation) -> Tunnel {
    granted(&mut negotiation)
}

/// The same, where the negotiation is.
fn granted(negotiation: &mut Negotiation) -> Tunnel {
    negotiation.take_tunnel().expect("drive() returns at the end")
}
