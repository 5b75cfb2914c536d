//! select(2) by way of poll: the same sockets, other words.

use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::Decision;
use super::wait::{Entry, poll, wait};
use crate::sys;

/// What a program wants to know of one descriptor, and then what is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) except: bool,
}

/// What the kernel's select takes for readable, writable and exceptional.
const READ: PollFlags = PollFlags::IN.union(PollFlags::HUP).union(PollFlags::ERR);
const WRITE: PollFlags = PollFlags::OUT.union(PollFlags::ERR);
const EXCEPT: PollFlags = PollFlags::PRI;

impl Interest {
    fn events(self) -> PollFlags {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, self.read);
        events.set(PollFlags::OUT, self.write);
        events.set(PollFlags::PRI, self.except);
        events
    }

    fn met_by(self, revents: PollFlags) -> Self {
        Self {
            read: self.read && revents.intersects(READ),
            write: self.write && revents.intersects(WRITE),
            except: self.except && revents.intersects(EXCEPT),
        }
    }

    fn count(self) -> usize {
        usize::from(self.read) + usize::from(self.write) + usize::from(self.except)
    }
}

/// select(2) over the descriptors that stand in some set; the interests come back as what is met.
///
/// The value is the number of bits that are left.
pub(crate) fn select(asked: &mut [(BorrowedFd<'_>, Interest)], timeout: Option<u64>) -> Decision<usize> {
    let mut entries: Vec<_> = asked
        .iter()
        .map(|(fd, interest)| Entry { fd: Some(*fd), events: interest.events(), revents: PollFlags::empty() })
        .collect();
    match poll(&mut entries, timeout) {
        Decision::Done(_) => {}
        Decision::Pass => return Decision::Pass,
        Decision::Fail(error) => return Decision::Fail(error),
    }
    let until = timeout.map(|nanos| sys::now().saturating_add(nanos));
    loop {
        if entries.iter().any(|entry| entry.revents.contains(PollFlags::NVAL)) {
            return Decision::Fail(Errno::BADF);
        }
        let mut unmet = false;
        for (entry, (_, interest)) in entries.iter_mut().zip(asked.iter()) {
            // poll tells of a hang-up unasked; select only to who wants to read.
            if !entry.revents.is_empty() && interest.met_by(entry.revents).count() == 0 {
                (entry.fd, entry.revents) = (None, PollFlags::empty());
                unmet = true;
            }
        }
        if !unmet || entries.iter().any(|entry| !entry.revents.is_empty()) {
            break;
        }
        if let Err(error) = wait(&mut entries, until.map(|until| until.saturating_sub(sys::now()))) {
            return Decision::Fail(error);
        }
    }
    let mut count = 0;
    for ((_, interest), entry) in asked.iter_mut().zip(&entries) {
        *interest = interest.met_by(entry.revents);
        count += interest.count();
    }
    Decision::Done(count)
}
