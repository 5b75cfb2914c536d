//! UDP ASSOCIATE (RFC 1928 §7).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketType};
use socks_proto::WireAddr;
use socks_proto::{server, udp};

use super::resolve::reply_code;
use super::session::Session;
use super::wait::{local_addr, socket};

/// A client on a Unix socket is on this machine.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The longest datagram of UDP.
const LONGEST: usize = 65_535;

pub(super) fn serve(session: &mut Session<'_>, target: &WireAddr) -> io::Result<()> {
    let relay = match Relay::new(session, target) {
        Ok(relay) => relay,
        Err(error) => return session.reply(Err(reply_code(&error))),
    };
    session.reply(Ok(session.shared.config.answer(local_addr(&relay.inner)?)))?;
    relay.run(session)
}

struct Relay {
    /// Towards the client.
    inner: OwnedFd,
    /// Towards targets, one socket a family: the external address, and any address of the other.
    outer: [OwnedFd; 2],
    /// Where the client sends from: known from the request, or learned from its first datagram.
    client: Option<SocketAddr>,
    /// The only host that can be the client.
    client_ip: IpAddr,
}

impl Relay {
    fn new(session: &Session<'_>, target: &WireAddr) -> io::Result<Self> {
        let local = session.client.local.unwrap_or(LOOPBACK);
        let client_ip = session.client.peer.unwrap_or(LOOPBACK);
        let external = session.shared.config.external;
        let other: IpAddr =
            if external.is_ipv4() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let other = if external.is_loopback() { loopback_like(other) } else { other };
        let first = bound(external)?;
        // A machine without the other family still relays its own.
        let second = bound(other).or_else(|_| bound(external))?;
        let client = target.or_host(client_ip).filter(|client| client.port() != 0);
        Ok(Self { inner: bound(local)?, outer: [first, second], client, client_ip })
    }

    /// Relays as long as the client keeps its connection.
    fn run(mut self, session: &mut Session<'_>) -> io::Result<()> {
        let mut buf = vec![0; LONGEST];
        loop {
            let control = session.client.socket.as_fd();
            let interests = [control, self.inner.as_fd(), self.outer[0].as_fd(), self.outer[1].as_fd()]
                .map(|fd| Some((fd, PollFlags::IN)));
            let [at_control, at_inner, at_first, at_second] = session.shared.stop.wait(interests, None)?;
            if !at_control.is_empty() {
                match rustix::io::read(&session.client.socket, &mut buf[..]) {
                    Ok(0) => return Ok(()),
                    // Nothing that it could say here has a meaning.
                    Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if !at_inner.is_empty() {
                let sent = self.outwards(session, &mut buf);
                session.record.up += sent;
                session.shared.relayed.fetch_add(sent, Ordering::Relaxed);
            }
            for (at, outer) in [(at_first, &self.outer[0]), (at_second, &self.outer[1])] {
                if !at.is_empty() {
                    let sent = self.inwards(outer, &mut buf);
                    session.record.down += sent;
                    session.shared.relayed.fetch_add(sent, Ordering::Relaxed);
                }
            }
        }
    }

    /// One datagram of the client; how many bytes of user data were passed on. What is not sound is dropped.
    fn outwards(&mut self, session: &Session<'_>, buf: &mut [u8]) -> u64 {
        let Some((len, from)) = receive(&self.inner, buf) else { return 0 };
        let expected = match self.client {
            Some(client) => client == from,
            None => from.ip().to_canonical() == self.client_ip.to_canonical(),
        };
        if !expected {
            return 0;
        }
        let Ok(datagram) = udp::decode(&buf[..len]) else { return 0 };
        self.client = Some(from);
        // Fragments are not joined here, so they must be dropped.
        if datagram.fragment().is_some() {
            return 0;
        }
        let Some(to) = session.shared.config.resolve(&datagram.peer).ok().and_then(|found| found.first().copied())
        else {
            return 0;
        };
        let outer = self.outer.iter().find(|outer| local_addr(outer).is_ok_and(|addr| addr.is_ipv4() == to.is_ipv4()));
        outer.map_or(0, |outer| sent(outer, datagram.payload, to, datagram.payload.len()))
    }

    /// One datagram of a target.
    fn inwards(&self, outer: &OwnedFd, buf: &mut [u8]) -> u64 {
        let Some((len, from)) = receive(outer, buf) else { return 0 };
        let Some(client) = self.client else { return 0 };
        let mut datagram = Vec::with_capacity(udp::MAX_HEADER_LEN + len);
        let peer = WireAddr::Ip(SocketAddr::new(from.ip().to_canonical(), from.port()));
        server::encode_datagram(&udp::Datagram { frag: 0, peer, payload: &buf[..len] }, &mut datagram);
        sent(&self.inner, &datagram, client, len)
    }
}

fn loopback_like(ip: IpAddr) -> IpAddr {
    if ip.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}

fn bound(ip: IpAddr) -> io::Result<OwnedFd> {
    let addr = SocketAddr::new(ip, 0);
    let socket = socket(addr, SocketType::DGRAM)?;
    rustix::net::bind(&socket, &addr)?;
    Ok(socket)
}

fn receive(socket: &OwnedFd, buf: &mut [u8]) -> Option<(usize, SocketAddr)> {
    // Errors are those of earlier sends (ICMP): the next datagram may be sound.
    let (_, len, from) = rustix::net::recvfrom(socket, buf, RecvFlags::empty()).ok()?;
    Some((len, SocketAddr::try_from(from?).ok()?))
}

/// Sends, and counts `len` bytes of user data if that went well.
fn sent(socket: &OwnedFd, datagram: &[u8], to: SocketAddr, len: usize) -> u64 {
    rustix::net::sendto(socket, datagram, SendFlags::NOSIGNAL, &to).map_or(0, |_| len as u64)
}
