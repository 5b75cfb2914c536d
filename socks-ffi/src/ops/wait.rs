//! poll(2), with sockets that are not what the kernel thinks they are.
//!
//! The program asks when its connection is made; the kernel only knows the one to the proxy. So each pending
//! socket is waited for by what its handshake needs next, moved on when that comes, and shown as ready only
//! when the proxy has answered.

use std::os::fd::{AsRawFd, BorrowedFd};

use libc::pollfd;
use rustix::event::PollFlags;

use super::pause::Waiter;
use crate::debug::{About, tell_all};
use crate::record::Phase;
use crate::sys;
use crate::table::{self, Held};

/// One entry of `struct pollfd`, with a descriptor that the kernel can be asked about.
pub(crate) struct Entry<'fd> {
    /// `None`: the entry is left out, as negative numbers are.
    pub(crate) fd: Option<BorrowedFd<'fd>>,
    pub(crate) events: PollFlags,
    pub(crate) revents: PollFlags,
}

/// What to ask the kernel for an entry, or what to say without asking.
enum View {
    /// Not translated.
    Plain,
    /// To be moved on when it is ready for what the handshake wants.
    Moving(Held),
    /// Ready for this already.
    Ready(PollFlags),
    /// Never ready for anything.
    Silent,
}

fn view(entry: &Entry<'_>) -> View {
    let Some(record) = entry.fd.and_then(|fd| table::get(fd.as_raw_fd())) else { return View::Plain };
    match record.phase() {
        Phase::Tunnel | Phase::Broken | Phase::BoundHere | Phase::Fresh | Phase::Poller | Phase::Internal => {
            View::Plain
        }
        Phase::Pending | Phase::Bound => View::Moving(record),
        // As the kernel shows a connect that failed.
        Phase::Failed => View::Ready((entry.events & ENDED) | PollFlags::ERR | PollFlags::HUP),
        // Another process took it.
        Phase::Arrived if record.kin.is_accepted() => View::Silent,
        Phase::Arrived => match entry.events & (PollFlags::IN | PollFlags::RDNORM) {
            none if none.is_empty() => View::Silent,
            some => View::Ready(some),
        },
        Phase::Accepted => View::Silent,
    }
}

/// What a socket that is shut down is ready for, where it is asked for.
const ENDED: PollFlags =
    PollFlags::IN.union(PollFlags::OUT).union(PollFlags::RDNORM).union(PollFlags::WRNORM).union(PollFlags::RDHUP);

/// A poll(2) that has something to translate: asks the kernel, digests, asks again.
pub(crate) struct Waiting<'fd> {
    pub(crate) entries: Vec<Entry<'fd>>,
    /// When the program wants to hear of it at the latest.
    until: u64,
    asked: Vec<pollfd>,
    roles: Vec<Role>,
    /// Whether a socket came to another phase, so that what it is ready for must be asked anew, without waiting.
    moved: bool,
}

/// What an asked descriptor stands for: an entry by its index, as it is or moving.
enum Role {
    Plain(usize),
    Moving(usize, Waiter, Phase),
}

impl<'fd> Waiting<'fd> {
    /// A wait with a timeout in nanoseconds, `None` for ever.
    ///
    /// `None` where there is nothing to translate and the kernel alone knows it all.
    pub(crate) fn new(entries: Vec<Entry<'fd>>, timeout: Option<u64>) -> Option<Self> {
        if table::nothing_intercepted() || entries.iter().all(|entry| matches!(view(entry), View::Plain)) {
            return None;
        }
        let until = timeout.map_or(u64::MAX, |nanos| sys::now().saturating_add(nanos));
        Some(Self { entries, until, asked: Vec::new(), roles: Vec::new(), moved: false })
    }

    /// What to give to libc's poll next, and the time in nanoseconds.
    pub(crate) fn ask(&mut self) -> (&mut [pollfd], Option<u64>) {
        self.asked.clear();
        self.roles.clear();
        let mut nearest = if self.moved { 0 } else { self.until };
        for (index, entry) in self.entries.iter_mut().enumerate() {
            entry.revents = PollFlags::empty();
            let Some(fd) = entry.fd else { continue };
            let (events, role) = match view(entry) {
                View::Plain => (entry.events, Role::Plain(index)),
                View::Moving(record) => {
                    let phase = record.phase();
                    let waiter = Waiter::new(record);
                    nearest = nearest.min(waiter.until());
                    (waiter.events(), Role::Moving(index, waiter, phase))
                }
                View::Ready(flags) => {
                    entry.revents = flags;
                    nearest = 0;
                    continue;
                }
                View::Silent => continue,
            };
            self.asked.push(pollfd { fd: fd.as_raw_fd(), events: events.bits() as i16, revents: 0 });
            self.roles.push(role);
        }
        let nanos = (nearest != u64::MAX).then(|| nearest.saturating_sub(sys::now()));
        tell_all(About::Wait, || {
            let moving = self.roles.iter().filter(|role| matches!(role, Role::Moving(..))).count();
            format!("wait for {} descriptors, {moving} of them on their way", self.entries.len())
        });
        (&mut self.asked, nanos)
    }

    /// What the kernel's answer means: the number of entries that are ready, or `None` to ask again.
    pub(crate) fn digest(&mut self) -> Option<usize> {
        self.moved = false;
        for (asked, role) in self.asked.iter().zip(self.roles.drain(..)) {
            let ready = PollFlags::from_bits_retain(asked.revents as u16);
            match role {
                Role::Plain(index) => self.entries[index].revents = ready,
                Role::Moving(index, waiter, before) => {
                    let entry = &mut self.entries[index];
                    match entry.fd {
                        Some(_) if ready.contains(PollFlags::NVAL) => entry.revents = PollFlags::NVAL,
                        Some(fd) => self.moved |= waiter.move_on(fd, ready, before),
                        None => {}
                    }
                }
            }
        }
        let ready = self.entries.iter().filter(|entry| !entry.revents.is_empty()).count();
        (ready > 0 || (!self.moved && sys::now() >= self.until)).then_some(ready)
    }
}
