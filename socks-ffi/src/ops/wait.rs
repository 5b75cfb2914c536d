//! poll(2), with sockets that are not what the kernel thinks they are.
//!
//! The program asks when its connection is made; the kernel only knows the one to the proxy. So each pending
//! socket is waited for by what its handshake needs next, moved on when that comes, and shown as ready only
//! when the proxy has answered.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::Decision;
use crate::drive::{self, Readiness};
use crate::record::Phase;
use crate::sys::{self, socket};
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
    /// To be moved on when it is ready for this.
    Moving(Held, PollFlags),
    /// Ready for this already.
    Ready(PollFlags),
    /// Never ready for anything.
    Silent,
}

fn view(entry: &Entry<'_>) -> View {
    let Some(record) = entry.fd.and_then(|fd| table::get(fd.as_raw_fd())) else { return View::Plain };
    match record.phase() {
        Phase::Tunnel | Phase::Broken | Phase::BoundHere => View::Plain,
        Phase::Pending | Phase::Bound => {
            let wants = record.wants();
            View::Moving(record, wants)
        }
        // As the kernel shows a connect that failed.
        Phase::Failed => {
            let both = PollFlags::IN | PollFlags::OUT | PollFlags::RDNORM | PollFlags::WRNORM;
            View::Ready((entry.events & both) | PollFlags::ERR | PollFlags::HUP)
        }
        Phase::Arrived => match entry.events & (PollFlags::IN | PollFlags::RDNORM) {
            none if none.is_empty() => View::Silent,
            some => View::Ready(some),
        },
        Phase::Spent => View::Silent,
    }
}

/// poll(2) with a timeout in nanoseconds, `None` for ever.
///
/// `Pass` where the kernel alone knows it all, which costs one atomic load to find out.
pub(crate) fn poll(entries: &mut [Entry<'_>], timeout: Option<u64>) -> Decision<usize> {
    if table::is_quiet() || !entries.iter().any(|entry| !matches!(view(entry), View::Plain)) {
        return Decision::Pass;
    }
    wait(entries, timeout).into()
}

/// As [`poll`], for a caller that has translated already and cannot pass.
pub(super) fn wait(entries: &mut [Entry<'_>], timeout: Option<u64>) -> Result<usize, Errno> {
    let until = timeout.map(|nanos| sys::now().saturating_add(nanos));
    let mut again = false;
    loop {
        let round = Round::ask(entries, until, again)?;
        again = round.moved;
        let ready = entries.iter().filter(|entry| !entry.revents.is_empty()).count();
        if ready > 0 || (!again && until.is_some_and(|until| sys::now() >= until)) {
            return Ok(ready);
        }
    }
}

/// One call of the kernel and what follows from it.
struct Round {
    /// Whether a socket came to another phase, so that what it is ready for must be asked anew.
    moved: bool,
}

impl Round {
    fn ask(entries: &mut [Entry<'_>], until: Option<u64>, at_once: bool) -> Result<Self, Errno> {
        let mut asked = Vec::with_capacity(entries.len());
        let mut moving = Vec::new();
        let mut nearest = if at_once { 0 } else { until.unwrap_or(u64::MAX) };
        for (index, entry) in entries.iter_mut().enumerate() {
            entry.revents = PollFlags::empty();
            let Some(fd) = entry.fd else { continue };
            match view(entry) {
                View::Plain => asked.push((index, PollFd::from_borrowed_fd(fd, entry.events))),
                View::Moving(record, wants) => {
                    nearest = nearest.min(record.deadline());
                    asked.push((index, PollFd::from_borrowed_fd(fd, wants)));
                    moving.push((asked.len() - 1, record));
                }
                View::Ready(flags) => {
                    entry.revents = flags;
                    nearest = 0;
                }
                View::Silent => {}
            }
        }
        let (indices, mut fds): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let nanos = (nearest != u64::MAX).then(|| nearest.saturating_sub(sys::now()));
        socket::wait_all(&mut fds, nanos)?;
        let mut moved = false;
        let mut moving = moving.into_iter().peekable();
        for (place, (index, asked)) in indices.into_iter().zip(&fds).enumerate() {
            let entry = &mut entries[index];
            match moving.next_if(|(at, _)| *at == place) {
                Some((_, record)) => moved |= move_on(entry, &record, asked.revents()),
                None => entry.revents = asked.revents(),
            }
        }
        Ok(Self { moved })
    }
}

fn move_on(entry: &mut Entry<'_>, record: &Held, ready: PollFlags) -> bool {
    let Some(fd) = entry.fd else { return false };
    if ready.contains(PollFlags::NVAL) {
        entry.revents = PollFlags::NVAL;
        return false;
    }
    if ready.is_empty() && sys::now() < record.deadline() {
        return false;
    }
    let before = record.phase();
    drive::drive(record, fd, Readiness::Polled(ready)) != before
}
