//! Bytes both ways, each way closed on its own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::Shutdown;

use super::session::Session;
use super::wait::{Interest, send};

const BUFFER: usize = 16 * 1024;

/// Relays between the client and `upstream` until both have closed or one is broken.
pub(super) fn relay(session: &mut Session<'_>, upstream: &OwnedFd) -> io::Result<()> {
    let client = &session.client.socket;
    let relayed = &session.shared.relayed;
    let mut up = Way::new(client, upstream, relayed, std::mem::take(&mut session.input));
    let mut down = Way::new(upstream, client, relayed, Vec::new());
    let mut run = || {
        // What came along with the request is on its way without waiting for more.
        up.drain()?;
        while !(up.is_over() && down.is_over()) {
            let interests = [interest(client, &up, &down), interest(upstream, &down, &up)];
            let [at_client, at_upstream] = session.shared.stop.wait(interests, None)?;
            up.advance(at_client, at_upstream)?;
            down.advance(at_upstream, at_client)?;
        }
        Ok(())
    };
    let outcome = run();
    session.record.up = up.moved;
    session.record.down = down.moved;
    outcome
}

/// What to wait for at `socket`, where `out` starts and `back` ends.
///
/// A socket that has said its last byte is still watched for breaking, unless that is no news to us as long as
/// the other side does not take what it said.
fn interest<'a>(socket: &'a OwnedFd, out: &Way<'_>, back: &Way<'_>) -> Interest<'a> {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, out.wants_input());
    flags.set(PollFlags::OUT, back.wants_output());
    (!flags.is_empty() || out.is_over()).then_some((socket.as_fd(), flags))
}

/// One way of a connection.
struct Way<'a> {
    from: &'a OwnedFd,
    to: &'a OwnedFd,
    relayed: &'a AtomicU64,
    buffer: Vec<u8>,
    start: usize,
    /// `from` has said its last byte.
    ended: bool,
    /// `to` was told so.
    shut: bool,
    moved: u64,
}

impl<'a> Way<'a> {
    fn new(from: &'a OwnedFd, to: &'a OwnedFd, relayed: &'a AtomicU64, buffer: Vec<u8>) -> Self {
        Self { from, to, relayed, buffer, start: 0, ended: false, shut: false, moved: 0 }
    }

    fn wants_input(&self) -> bool {
        !self.ended && !self.wants_output()
    }

    fn wants_output(&self) -> bool {
        self.start < self.buffer.len()
    }

    fn is_over(&self) -> bool {
        self.shut
    }

    fn advance(&mut self, at_from: PollFlags, at_to: PollFlags) -> io::Result<()> {
        let broken = PollFlags::ERR | PollFlags::HUP;
        if self.is_over() && at_from.intersects(broken) {
            return Err(Errno::CONNRESET.into());
        }
        if self.wants_input() && at_from.intersects(PollFlags::IN | broken) {
            self.fill()?;
        }
        // A fresh buffer is tried at once: the other side nearly always takes it.
        if !at_to.is_empty() || !at_from.is_empty() {
            self.drain()?;
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<()> {
        self.start = 0;
        self.buffer.resize(BUFFER, 0);
        let got = rustix::io::read(self.from, &mut self.buffer[..]);
        self.buffer.truncate(*got.as_ref().unwrap_or(&0));
        match got {
            Ok(0) => self.ended = true,
            Err(Errno::AGAIN | Errno::INTR) | Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        while self.wants_output() {
            match send(self.to, &self.buffer[self.start..]) {
                Ok(n) => {
                    self.start += n;
                    self.moved += n as u64;
                    self.relayed.fetch_add(n as u64, Ordering::Relaxed);
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.ended && !self.shut {
            self.shut = true;
            // Where the other side is gone already, its own way ends the relay.
            let _ = rustix::net::shutdown(self.to, Shutdown::Write);
        }
        Ok(())
    }
}
