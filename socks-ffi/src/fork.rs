//! What the copies of a socket in forked processes tell each other.
//!
//! A child inherits a socket that is on its way, and with it a copy of all that is known of it. Either process can go
//! on from there, but only one may: what the proxy says is read once. So at a fork each such record gets a page that
//! parent and child share. Who first moves the handshake on says so there, and later what it came to; the other one
//! looks.

use std::panic;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, Ordering};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Pid, WaitId, WaitIdOptions, test_kill_process, waitid};

use crate::atomic_addr::AtomicAddr;
use crate::ops::epoll;
use crate::record::{Phase, Record};
use crate::{process, table};

/// The page that the copies of one record share, if there was a fork while it was on its way.
pub(crate) struct Kin(AtomicPtr<Page>);

/// What comes of asking to move a handshake on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is this process's, and was before.
    Own,
    /// It was nobody's until now.
    Fresh,
    /// It is another process's.
    Refused,
}

struct Page {
    /// The process that moves it on; 0: none yet.
    driver: AtomicU32,
    /// 0 on its way as at the fork; else the phase that the driver has brought it to.
    phase: AtomicU8,
    error: AtomicI32,
    /// Whether a process took the connection that had arrived.
    accepted: AtomicBool,
    target: AtomicAddr,
    bound: AtomicAddr,
}

const PAGE_SIZE: usize = 4096;
const _: () = assert!(size_of::<Page>() <= PAGE_SIZE);

impl Kin {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    fn page(&self) -> Option<&Page> {
        // SAFETY: null, or a page of this type that is mapped until nobody holds the record any more.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Before a fork: makes the page. `is_busy`: a thread that will not be in the child is at the handshake right now.
    ///
    /// Without memory for it both processes go on as if they were alone, and read each other's bytes.
    fn prepare(&self, is_busy: bool) {
        let busy = if is_busy { process::id() } else { 0 };
        if let Some(page) = self.page() {
            let _ = page.driver.compare_exchange(0, busy, Ordering::AcqRel, Ordering::Relaxed);
            return;
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing.
        let Ok(made) = (unsafe { mmap_anonymous(ptr::null_mut(), PAGE_SIZE, access, MapFlags::SHARED) }) else {
            return;
        };
        // Zeroed, a page says: no driver, on its way, nothing known.
        let made = made.cast::<Page>();
        // SAFETY: the mapping just made, large enough; all zeroes are a valid Page.
        unsafe { &*made }.driver.store(busy, Ordering::Relaxed);
        if self.0.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: another thread, which forks as well, was first; nobody has seen this one.
            let _ = unsafe { munmap(made.cast(), PAGE_SIZE) };
        }
    }

    /// Asks to move it on. Of several processes that ask, the first may.
    pub(crate) fn claim(&self) -> Claim {
        let Some(page) = self.page() else { return Claim::Own };
        let own = process::id();
        match page.driver.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Claim::Fresh,
            Err(driver) if driver == own => Claim::Own,
            Err(_) => Claim::Refused,
        }
    }

    /// Takes a fresh claim back: nothing was sent or received, so any process may still go on.
    pub(crate) fn unclaim(&self) {
        if let Some(page) = self.page() {
            let _ = page.driver.compare_exchange(process::id(), 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Whether another process moves it on.
    pub(crate) fn is_elsewhere(&self) -> bool {
        let driver = self.page().map_or(0, |page| page.driver.load(Ordering::Acquire));
        driver != 0 && driver != process::id()
    }

    /// Whether another process does so or may yet: then what this one waits for in the kernel may never come, as the
    /// other one reads it.
    pub(crate) fn is_contested(&self) -> bool {
        self.page().is_some_and(|page| !page.is_driven_here())
    }

    /// Tells the others what it has come to, if it is moved on here.
    pub(crate) fn publish(&self, record: &Record, phase: Phase, error: Option<Errno>) {
        let Some(page) = self.page().filter(|page| page.is_driven_here()) else { return };
        page.target.set(record.target.get());
        page.bound.set(record.bound.get());
        page.error.store(error.map_or(0, Errno::raw_os_error), Ordering::Relaxed);
        page.phase.store(phase as u8, Ordering::Release);
    }

    /// What the process that moves it on has told, if that is news: names and error go into the record.
    ///
    /// A driver that is gone without a word has left a connection that nobody can go on with: that is news too.
    pub(crate) fn news(&self, record: &Record) -> Option<Phase> {
        let page = self.page()?;
        let told = match page.phase.load(Ordering::Acquire) {
            0 => None,
            known => Some(Phase::from_u8(known)),
        };
        let is_over = matches!(told, Some(phase) if phase != Phase::Bound);
        if !is_over && is_gone(page.driver.load(Ordering::Acquire)) {
            record.set_error(Errno::CONNABORTED);
            return Some(Phase::Failed);
        }
        let phase = told.filter(|phase| *phase != record.phase())?;
        record.target.set(page.target.get());
        record.bound.set(page.bound.get());
        if phase == Phase::Failed {
            record.set_error(Errno::from_raw_os_error(page.error.load(Ordering::Relaxed)));
        }
        Some(phase)
    }

    /// Takes the connection that has arrived; one of the processes gets it.
    pub(crate) fn accept(&self) -> bool {
        self.page().is_none_or(|page| !page.accepted.swap(true, Ordering::AcqRel))
    }

    /// It could not be taken after all.
    pub(crate) fn put_back(&self) {
        if let Some(page) = self.page() {
            page.accepted.store(false, Ordering::Release);
        }
    }

    /// Whether some process took it.
    pub(crate) fn is_accepted(&self) -> bool {
        self.page().is_some_and(|page| page.accepted.load(Ordering::Acquire))
    }

    /// From here on this process is alone with its copy: another socket is to stand under its number.
    pub(crate) fn part(&self) {
        self.give_up();
        // Another thread may be looking at it: the page stays mapped.
        self.0.store(ptr::null_mut(), Ordering::Release);
    }

    /// Nobody holds the record any more, or it is used anew: who waits for this process need not wait.
    pub(crate) fn end(&self) {
        self.give_up();
        let page = self.0.swap(ptr::null_mut(), Ordering::AcqRel);
        if !page.is_null() {
            // SAFETY: nobody holds the record, so nobody looks at its page.
            let _ = unsafe { munmap(page.cast(), PAGE_SIZE) };
        }
    }

    fn give_up(&self) {
        if let Some(page) = self.page().filter(|page| page.is_driven_here()) {
            page.error.store(Errno::CONNABORTED.raw_os_error(), Ordering::Relaxed);
            let _ = page.phase.compare_exchange(0, Phase::Failed as u8, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

impl Page {
    fn is_driven_here(&self) -> bool {
        self.driver.load(Ordering::Acquire) == process::id()
    }
}

/// Whether a process has ended, be it that its parent, which may be this one, did not wait for it yet.
fn is_gone(driver: u32) -> bool {
    let Some(pid) = i32::try_from(driver).ok().and_then(Pid::from_raw) else { return false };
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::Pid(pid), look), Ok(Some(_))) || test_kill_process(pid) == Err(Errno::SRCH)
}

/// For fork(3): what is on its way is shared with the child. Where nothing is, it costs a load.
pub(crate) extern "C" fn prepare() {
    if table::nothing_intercepted() {
        return;
    }
    // A fork must not fail for it.
    let _ = panic::catch_unwind(|| {
        table::for_each(|_, record| {
            if matches!(record.phase(), Phase::Pending | Phase::Bound | Phase::Arrived) {
                record.kin.prepare(record.work.is_taken());
            }
        });
    });
}

/// For fork(3), in the child: of the threads that waited or worked, only this one is there.
pub(crate) extern "C" fn in_child() {
    // First, before any vfork of its own could be taken for it.
    process::claim();
    if table::nothing_intercepted() {
        return;
    }
    let _ = panic::catch_unwind(|| {
        epoll::forget_maker();
        table::for_each(|_, record| record.leave_lead());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::socket::Domain;

    fn record() -> Record {
        let record = Record::new();
        record.begin(Phase::Pending, Domain::V4, None);
        record
    }

    /// As another process would see the page.
    fn pretend_driver(kin: &Kin, pid: u32) {
        kin.page().expect("a page").driver.store(pid, Ordering::Release);
    }

    #[test]
    fn without_a_fork_there_is_nobody_else() {
        let record = record();
        assert_eq!(record.kin.claim(), Claim::Own);
        assert!(!record.kin.is_elsewhere() && record.kin.accept() && record.kin.accept());
        assert_eq!(record.kin.news(&record), None);
    }

    #[test]
    fn the_first_to_claim_it_drives_and_tells() {
        let record = record();
        record.kin.prepare(false);
        assert!(!record.kin.is_elsewhere(), "nobody has claimed it");
        assert_eq!(record.kin.claim(), Claim::Fresh);
        record.kin.unclaim();
        assert_eq!(record.kin.claim(), Claim::Fresh);
        assert_eq!(record.kin.claim(), Claim::Own);
        record.bound.set("192.0.2.1:80".parse().ok());
        record.kin.publish(&record, Phase::Tunnel, None);
        record.bound.set(None);
        // Process 1 is always there.
        pretend_driver(&record.kin, 1);
        assert!(record.kin.is_elsewhere());
        assert_eq!(record.kin.claim(), Claim::Refused);
        assert_eq!(record.kin.news(&record), Some(Phase::Tunnel));
        assert_eq!(record.bound.get(), "192.0.2.1:80".parse().ok());
    }

    #[test]
    fn a_thread_that_is_at_it_keeps_it_in_its_process() {
        let record = record();
        record.kin.prepare(true);
        assert_eq!(record.kin.page().expect("a page").driver.load(Ordering::Acquire), process::id());
    }

    #[test]
    fn one_that_leaves_or_dies_without_a_word_fails_the_others() {
        let record = record();
        record.kin.prepare(false);
        pretend_driver(&record.kin, 1);
        assert_eq!(record.kin.news(&record), None, "it may still come");
        // No process has a number beyond the kernel's limit of 2^22.
        pretend_driver(&record.kin, 1 << 23);
        assert_eq!(record.kin.news(&record), Some(Phase::Failed));
        assert_eq!(record.take_error(), Some(Errno::CONNABORTED));
        pretend_driver(&record.kin, process::id());
        record.kin.give_up();
        pretend_driver(&record.kin, 1);
        assert_eq!(record.kin.news(&record), Some(Phase::Failed));
    }

    #[test]
    fn one_process_accepts() {
        let record = record();
        record.kin.prepare(false);
        assert!(record.kin.accept());
        assert!(record.kin.is_accepted() && !record.kin.accept());
        record.kin.put_back();
        assert!(record.kin.accept());
    }
}
