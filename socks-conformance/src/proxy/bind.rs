//! BIND (RFC 1928 §4): one incoming connection, two replies.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{SocketFlags, SocketType, sockopt};
use socks_proto::{ReplyCode, WireAddr};

use super::relay::relay;
use super::resolve::reply_code;
use super::session::Session;
use super::wait::{local_addr, socket};

pub(super) fn serve(session: &mut Session<'_>, target: &WireAddr) -> io::Result<()> {
    let expected = match expected_peers(session, target) {
        Ok(expected) => expected,
        Err(code) => return session.reply(Err(code)),
    };
    let listener = match listen(session.shared.config.external) {
        Ok(listener) => listener,
        Err(error) => return session.reply(Err(reply_code(&error))),
    };
    session.reply(Ok(session.shared.config.answer(local_addr(&listener)?)))?;
    match accept(session, &listener, &expected)? {
        Some((peer, from)) => {
            drop(listener);
            session.reply(Ok(WireAddr::Ip(from)))?;
            relay(session, &peer)
        }
        None => session.reply(Err(ReplyCode::TTL_EXPIRED)),
    }
}

/// Who may connect; nobody in particular where the client named nobody.
fn expected_peers(session: &Session<'_>, target: &WireAddr) -> Result<Vec<IpAddr>, ReplyCode> {
    if target.is_unspecified() {
        return Ok(Vec::new());
    }
    let found = session.shared.config.resolve(target)?;
    Ok(found.into_iter().map(|addr| addr.ip().to_canonical()).collect())
}

fn listen(external: IpAddr) -> io::Result<OwnedFd> {
    let addr = SocketAddr::new(external, 0);
    let listener = socket(addr, SocketType::STREAM)?;
    rustix::net::bind(&listener, &addr)?;
    rustix::net::listen(&listener, 1)?;
    Ok(listener)
}

/// The first peer that was expected; `None` when the time is over. Ends where the client goes away.
fn accept(session: &Session<'_>, listener: &OwnedFd, expected: &[IpAddr]) -> io::Result<Option<(OwnedFd, SocketAddr)>> {
    let deadline = session.shared.config.bind_timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
        let client = (session.client.socket.as_fd(), PollFlags::RDHUP);
        let [at_client, _] = session.shared.stop.wait([Some(client), Some((listener.as_fd(), PollFlags::IN))], left)?;
        if !at_client.is_empty() {
            return Err(io::Error::other("the client left before its peer came"));
        }
        match rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok((peer, Some(from))) => {
                let from = SocketAddr::try_from(from)?;
                if expected.is_empty() || expected.contains(&from.ip().to_canonical()) {
                    sockopt::set_tcp_nodelay(&peer, true)?;
                    return Ok(Some((peer, from)));
                }
            }
            Ok((_, None)) | Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
