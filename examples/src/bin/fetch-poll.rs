//! Fetches a page: `socks-proto` alone, in a loop around poll(2).

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use anyhow::bail;
use examples::{Page, TIMEOUT, addr_of, args, begin_connect, shown};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_error;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socks_config::ProxyUrl;
use socks_proto::{Command, Handshake, Step};

fn main() -> anyhow::Result<()> {
    let [page, proxy] = args("fetch-poll PAGE PROXY")?;
    let (page, proxy): (Page, ProxyUrl) = (page.parse()?, proxy.parse()?);
    // One for all of it. The core needs no time.
    let deadline = Instant::now() + TIMEOUT;

    let socket = connected(addr_of(proxy.server())?, deadline)?;
    let offer = proxy.server().offer(proxy.credentials());
    negotiate(&socket, Handshake::new(Command::Connect(page.server), offer), deadline)?;

    // The bytes of the socket are those of the server from here on.
    let mut rest = &page.request[..];
    while !rest.is_empty() {
        rest = &rest[when_ready(&socket, PollFlags::OUT, deadline, || send(&socket, rest, SendFlags::NOSIGNAL))?..];
    }
    let (mut answer, mut buf) = (Vec::new(), [0; 4096]);
    loop {
        match when_ready(&socket, PollFlags::IN, deadline, || recv(&socket, &mut buf[..], RecvFlags::empty()))?.0 {
            0 => break,
            n => answer.extend_from_slice(&buf[..n]),
        }
    }
    print!("{}", shown(&answer)?);
    Ok(())
}

fn connected(addr: SocketAddr, deadline: Instant) -> anyhow::Result<OwnedFd> {
    let socket = begin_connect(addr)?;
    wait(&socket, PollFlags::OUT, deadline)?;
    socket_error(&socket)??;
    Ok(socket)
}

/// The whole of an adapter.
fn negotiate(socket: &OwnedFd, mut handshake: Handshake, deadline: Instant) -> anyhow::Result<()> {
    let mut buf = [0; 512];
    loop {
        match handshake.step()? {
            Step::Send(bytes) => {
                let n = when_ready(socket, PollFlags::OUT, deadline, || send(socket, bytes, SendFlags::NOSIGNAL))?;
                handshake.sent(n);
            }
            Step::Receive { at_most } => {
                // No more than the proxy owes: what follows is the server's.
                let most = at_most.get().min(buf.len());
                let read = || recv(socket, &mut buf[..most], RecvFlags::empty());
                match when_ready(socket, PollFlags::IN, deadline, read)?.0 {
                    0 => return Err(handshake.receive_eof().into()),
                    n => handshake.receive(&buf[..n])?,
                };
            }
            Step::Event(_) => {}
            _ => return Ok(()),
        }
    }
}

/// Does this as soon as the socket lets it.
fn when_ready<T>(
    socket: &OwnedFd,
    flags: PollFlags,
    deadline: Instant,
    mut act: impl FnMut() -> rustix::io::Result<T>,
) -> anyhow::Result<T> {
    loop {
        match act() {
            Err(Errno::AGAIN) => wait(socket, flags, deadline)?,
            Err(Errno::INTR) => {}
            outcome => return Ok(outcome?),
        }
    }
}

fn wait(socket: impl AsFd, flags: PollFlags, deadline: Instant) -> anyhow::Result<()> {
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        match poll(&mut [PollFd::new(&socket, flags)], Some(&left)) {
            Ok(0) => bail!("not in time"),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
