//! select(2) by way of poll: the same sockets, other words.

use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::wait::{Entry, Waiting};

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

/// select(2) over the descriptors that stand in some set.
pub(crate) struct Selecting<'fd> {
    pub(crate) waiting: Waiting<'fd>,
    asked: Vec<Interest>,
}

impl<'fd> Selecting<'fd> {
    /// A wait with a timeout in nanoseconds, `None` for ever; `None` where there is nothing to translate.
    pub(crate) fn new(asked: &[(BorrowedFd<'fd>, Interest)], timeout: Option<u64>) -> Option<Self> {
        let entry = |(fd, interest): &(BorrowedFd<'fd>, Interest)| Entry {
            fd: Some(*fd),
            events: interest.events(),
            revents: PollFlags::empty(),
        };
        let waiting = Waiting::new(asked.iter().map(entry).collect(), timeout)?;
        Some(Self { waiting, asked: asked.iter().map(|(_, interest)| *interest).collect() })
    }

    /// What the kernel's answer means: the number of bits that are left, or `None` to ask again.
    ///
    /// # Errors
    /// EBADF, where poll would tell of the one descriptor.
    pub(crate) fn digest(&mut self) -> Result<Option<usize>, Errno> {
        let over = self.waiting.digest();
        if self.waiting.entries.iter().any(|entry| entry.revents.contains(PollFlags::NVAL)) {
            return Err(Errno::BADF);
        }
        let count = self.met().map(|(_, met)| met.count()).sum();
        let in_vain = match over {
            None => return Ok(None),
            Some(ready) => ready > 0 && count == 0,
        };
        if in_vain {
            // poll tells of a hang-up unasked; select only to who wants to read. Ask no more for those.
            for entry in self.waiting.entries.iter_mut().filter(|entry| !entry.revents.is_empty()) {
                entry.fd = None;
            }
            return Ok(None);
        }
        Ok(Some(count))
    }

    /// What is met of what was asked, in the order in which it was asked.
    pub(crate) fn met(&self) -> impl Iterator<Item = (usize, Interest)> {
        let entries = self.waiting.entries.iter().zip(&self.asked).enumerate();
        entries.map(|(index, (entry, interest))| (index, interest.met_by(entry.revents)))
    }
}
