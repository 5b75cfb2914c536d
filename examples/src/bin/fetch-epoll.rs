//! Fetches a page: `socks-proto` alone, as a state machine in a loop around epoll(7).

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Instant;

use anyhow::bail;
use examples::{Page, TIMEOUT, addr_of, args, begin_connect, shown};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_error;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socks_config::ProxyUrl;
use socks_proto::{Command, Handshake, Step};

/// A connection, edge-triggered: it goes on until it would block.
struct Client {
    socket: OwnedFd,
    state: State,
    answer: Vec<u8>,
}

enum State {
    Connecting { handshake: Handshake, request: Vec<u8> },
    Negotiating { handshake: Handshake, request: Vec<u8> },
    Asking { request: Vec<u8>, sent: usize },
    Listening,
    Done,
}

impl Client {
    fn new(page: &Page, proxy: &ProxyUrl) -> anyhow::Result<Self> {
        let socket = begin_connect(addr_of(proxy.server())?)?;
        let offer = proxy.server().offer(proxy.credentials());
        let handshake = Handshake::new(Command::Connect(page.server), offer);
        let state = State::Connecting { handshake, request: page.request.clone() };
        Ok(Self { socket, state, answer: Vec::new() })
    }

    /// Goes on until it would block, or is done.
    fn ready(&mut self) -> anyhow::Result<()> {
        loop {
            match self.go_on() {
                Ok(()) if matches!(self.state, State::Done) => return Ok(()),
                Ok(()) => {}
                Err(error) => match error.downcast_ref::<Errno>() {
                    Some(&Errno::AGAIN) => return Ok(()),
                    Some(&Errno::INTR) => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// One step of whatever it is at.
    fn go_on(&mut self) -> anyhow::Result<()> {
        let mut buf = [0; 4096];
        match &mut self.state {
            State::Connecting { .. } => {
                socket_error(&self.socket)??;
                if let State::Connecting { handshake, request } = std::mem::replace(&mut self.state, State::Done) {
                    self.state = State::Negotiating { handshake, request };
                }
            }
            State::Negotiating { handshake, request } => match handshake.step()? {
                Step::Send(bytes) => {
                    let n = send(&self.socket, bytes, SendFlags::NOSIGNAL)?;
                    handshake.sent(n);
                }
                Step::Receive { at_most } => {
                    // No more than the proxy owes: what follows is the server's.
                    let most = at_most.get().min(buf.len());
                    match recv(&self.socket, &mut buf[..most], RecvFlags::empty())?.0 {
                        0 => return Err(handshake.receive_eof().into()),
                        n => handshake.receive(&buf[..n])?,
                    };
                }
                Step::Event(_) => {}
                _ => self.state = State::Asking { request: std::mem::take(request), sent: 0 },
            },
            State::Asking { request, sent } => {
                *sent += send(&self.socket, &request[*sent..], SendFlags::NOSIGNAL)?;
                if *sent == request.len() {
                    self.state = State::Listening;
                }
            }
            State::Listening => match recv(&self.socket, &mut buf[..], RecvFlags::empty())?.0 {
                0 => self.state = State::Done,
                n => self.answer.extend_from_slice(&buf[..n]),
            },
            State::Done => {}
        }
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let [page, proxy] = args("fetch-epoll PAGE PROXY")?;
    let (page, proxy): (Page, ProxyUrl) = (page.parse()?, proxy.parse()?);
    // One for all of it. The core needs no time.
    let deadline = Instant::now() + TIMEOUT;

    let mut client = Client::new(&page, &proxy)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
    epoll::add(&epoll, &client.socket, epoll::EventData::new_u64(0), flags)?;
    while !matches!(client.state, State::Done) {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        let mut events = [MaybeUninit::uninit(); 1];
        match epoll::wait(&epoll, &mut events, Some(&left)) {
            Ok(([], _)) => bail!("not in time"),
            Ok(_) => client.ready()?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    print!("{}", shown(&client.answer)?);
    Ok(())
}
