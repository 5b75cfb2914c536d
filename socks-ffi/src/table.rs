//! Which descriptors are ours. One atomic load says "not this one".

use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use rustix::io::Errno;

use crate::duplicates;
use crate::pool::{Node, Pool};
use crate::process;
use crate::record::{Phase, Record};
use crate::sync::{AtomicU32, AtomicU64, Ordering, array, fence, global};
use crate::sys::socket::Domain;
use crate::work::Work;

/// As many descriptors as Linux lets a process have unless it is told otherwise (fs.nr_open).
pub(crate) const SLOTS: usize = if cfg!(all(test, model)) { 8 } else { 1 << 20 };

global! {
    /// 0, or a record's number plus one and its generation. Untouched parts of it take no memory.
    static TABLE: [AtomicU64; SLOTS] = array![AtomicU64::new(0); SLOTS];

    static RECORDS: Pool<Record> = Pool::new();

    /// The highest descriptor that ever had a record: what is beyond it need not be looked at.
    static HIGHEST: AtomicU32 = AtomicU32::new(0);

    /// How many records stand in a phase in which a wait must be translated.
    static INTERCEPTED: AtomicU32 = AtomicU32::new(0);
}

/// A record that is held on to for the length of a call.
pub(crate) struct Held(&'static Node<Record>);

impl Deref for Held {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0.value
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.value.let_go() {
            self.0.value.kin.end();
            let phase = self.0.value.phase();
            if is_intercepted(phase) {
                INTERCEPTED.fetch_sub(1, Ordering::AcqRel);
            }
            if phase == Phase::Poller {
                for fd in self.0.value.take_poller() {
                    forget(fd);
                    // SAFETY: ours, and in no other hand.
                    unsafe { rustix::io::close(fd) };
                }
            }
            RECORDS.give(self.0);
        }
    }
}

impl Held {
    /// Enters the record under one more descriptor, which holds it too.
    fn publish(&self, slot: &AtomicU64) {
        let record = &self.0.value;
        record.hold(record.generation());
        record.add_descriptor();
        forget_reference(slot.swap(self.reference(), Ordering::AcqRel));
    }

    /// The record's number, by which [`by_number`] finds it.
    pub(crate) fn number(&self) -> u32 {
        self.0.number()
    }

    fn reference(&self) -> u64 {
        (u64::from(self.0.value.generation()) << 32) | (u64::from(self.0.number()) + 1)
    }
}

fn slot(fd: RawFd) -> Option<&'static AtomicU64> {
    TABLE.get(usize::try_from(fd).ok()?)
}

fn hold(reference: u64) -> Option<Held> {
    let node = RECORDS.get((reference as u32).checked_sub(1)?)?;
    node.value.hold((reference >> 32) as u32).then(|| Held(node))
}

/// Whether this descriptor may be ours.
#[inline]
pub(crate) fn is_ours(fd: RawFd) -> bool {
    slot(fd).is_some_and(|slot| slot.load(Ordering::Acquire) != 0)
}

/// Whether the data of a descriptor are the kernel's business alone: it is not ours, or its connection is made.
#[inline]
pub(crate) fn is_through(fd: RawFd) -> bool {
    !is_ours(fd) || is_tunnel(fd)
}

/// Looked at without holding on to the record: it is the descriptor's if that says so before and after.
#[inline(never)]
fn is_tunnel(fd: RawFd) -> bool {
    let Some(slot) = slot(fd) else { return false };
    let reference = slot.load(Ordering::Acquire);
    let node = (reference as u32).checked_sub(1).and_then(|number| RECORDS.get(number));
    node.is_some_and(|node| {
        let is_tunnel = node.value.phase() == Phase::Tunnel;
        let is_same = node.value.generation() == (reference >> 32) as u32;
        is_tunnel && is_same && slot.load(Ordering::Acquire) == reference
    })
}

/// The record of a descriptor, if it has one.
#[inline]
pub(crate) fn get(fd: RawFd) -> Option<Held> {
    match slot(fd)?.load(Ordering::Acquire) {
        0 => None,
        reference => hold(reference),
    }
}

/// The record of that number, if it is in use.
pub(crate) fn by_number(number: u32) -> Option<Held> {
    let node = RECORDS.get(number)?;
    node.value.hold(node.value.generation()).then(|| Held(node))
}

/// Whether no wait has anything to translate.
#[inline]
pub(crate) fn nothing_intercepted() -> bool {
    INTERCEPTED.load(Ordering::Acquire) == 0
}

/// Makes a record for a descriptor, in place of what it had.
///
/// Its work, if it has some, is in it before anybody can see it.
///
/// # Errors
/// EMFILE for a descriptor beyond the table, ENOMEM: in both cases the socket must not go on.
pub(crate) fn insert(fd: BorrowedFd<'_>, phase: Phase, domain: Domain, work: Option<Box<Work>>) -> Result<Held, Errno> {
    process::claim();
    let slot = slot(fd.as_raw_fd()).ok_or(Errno::MFILE)?;
    HIGHEST.fetch_max(fd.as_raw_fd() as u32, Ordering::AcqRel);
    let node = RECORDS.take(Record::new).ok_or(Errno::NOMEM)?;
    node.value.begin(phase, domain, work);
    if is_intercepted(phase) {
        INTERCEPTED.fetch_add(1, Ordering::AcqRel);
    }
    let held = Held(node);
    held.publish(slot);
    Ok(held)
}

/// Makes a record for a descriptor and its duplicates, or begins anew with the one that it shares with its duplicates: what becomes of the
/// socket concerns all of them.
///
/// # Errors
/// As [`insert`]; EALREADY where another thread began with a duplicate just now; what the kernel says where it does not
/// tell which descriptors are the socket's.
pub(crate) fn enter(fd: BorrowedFd<'_>, phase: Phase, domain: Domain, work: Option<Box<Work>>) -> Result<Held, Errno> {
    let Some(record) = get(fd.as_raw_fd()).filter(|record| record.is_shared()) else {
        // Before anything is changed: where the kernel does not tell, the socket stays what it was.
        let others: Vec<RawFd> = duplicates::of(fd).collect::<Result<_, _>>()?;
        let record = insert(fd, phase, domain, work)?;
        let outcome = others.into_iter().try_for_each(|other| share(&record, other));
        if let Err(error) = outcome {
            // They would be the connection to the proxy, and nobody knew it.
            let others: Vec<RawFd> = duplicates(fd.as_raw_fd()).collect();
            others.into_iter().chain([fd.as_raw_fd()]).for_each(forget);
            return Err(error);
        }
        return Ok(record);
    };
    let mut slot = record.work.try_lock().ok_or(Errno::ALREADY)?;
    if !matches!(record.phase(), Phase::Fresh | Phase::BoundHere | Phase::Broken) {
        return Err(Errno::ALREADY);
    }
    record.begin_anew(domain, work.as_ref().map_or(u64::MAX, |work| work.deadline()));
    *slot = work;
    set_phase(&record, phase);
    drop(slot);
    Ok(record)
}

/// The other descriptors of the socket that a descriptor stands for.
pub(crate) fn duplicates(fd: RawFd) -> impl Iterator<Item = RawFd> {
    let reference = get(fd).filter(|record| record.is_shared()).map_or(0, |record| record.reference());
    // Most sockets have none, and are not looked for.
    let last = if reference == 0 { -1 } else { HIGHEST.load(Ordering::Acquire) as RawFd };
    let has_it = move |other: &RawFd| slot(*other).is_some_and(|slot| slot.load(Ordering::Acquire) == reference);
    (0..=last).filter(has_it).filter(move |other| *other != fd)
}

/// Lets a second descriptor share the record of a first.
///
/// # Errors
/// EMFILE for a descriptor beyond the table.
pub(crate) fn share(record: &Held, fd: RawFd) -> Result<(), Errno> {
    if process::is_vfork_child() {
        return Ok(());
    }
    let slot = slot(fd).ok_or(Errno::MFILE)?;
    HIGHEST.fetch_max(fd as u32, Ordering::AcqRel);
    record.publish(slot);
    Ok(())
}

/// Forgets a descriptor that is closed or no longer ours. A child of vfork, in our memory, forgets nothing.
///
/// When it returns, no call works on the descriptor any more: the number may be given to another socket.
pub(crate) fn forget(fd: RawFd) {
    if let Some(slot) = slot(fd)
        && slot.load(Ordering::Acquire) != 0
        && !process::is_vfork_child()
    {
        forget_reference(slot.swap(0, Ordering::AcqRel));
    }
}

/// The descriptors of a range, both ends included, that are ours.
pub(crate) fn ours_in(first: u32, last: u32) -> impl Iterator<Item = RawFd> {
    (first..=last.min(HIGHEST.load(Ordering::Acquire))).map(|fd| fd as RawFd).filter(|fd| is_ours(*fd))
}

fn forget_reference(reference: u64) {
    let Some(node) = (reference as u32).checked_sub(1).and_then(|number| RECORDS.get(number)) else { return };
    // The table's own hold is given up with this one.
    let held = Held(node);
    held.remove_descriptor();
    held.await_driver();
}

/// Calls something for each descriptor that is ours.
pub(crate) fn for_each(mut call: impl FnMut(RawFd, &Held)) {
    for fd in 0..=HIGHEST.load(Ordering::Acquire) as RawFd {
        if let Some(record) = get(fd) {
            call(fd, &record);
        }
    }
}

/// Whether the descriptor still has this record, or was closed meanwhile by another thread.
///
/// Asked under the lock of the record's work, the answer holds until that is given back: [`forget`] waits for it.
pub(crate) fn is_current(fd: RawFd, record: &Held) -> bool {
    // The lock was taken before the table is looked at, for all to see.
    fence(Ordering::SeqCst);
    slot(fd).is_some_and(|slot| slot.load(Ordering::Acquire) == record.reference())
}

/// Changes the phase of a record and keeps the count of intercepted ones.
pub(crate) fn set_phase(record: &Record, phase: Phase) {
    // Counted up before and down after, so that no wait misses a record between the two.
    if is_intercepted(phase) {
        INTERCEPTED.fetch_add(1, Ordering::AcqRel);
    }
    if is_intercepted(record.swap_phase(phase)) {
        INTERCEPTED.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Changes the phase if it is still that one; of several who try, one does.
pub(crate) fn change_phase(record: &Record, from: Phase, to: Phase) -> bool {
    if is_intercepted(to) {
        INTERCEPTED.fetch_add(1, Ordering::AcqRel);
    }
    let changed = record.change_phase(from, to);
    if is_intercepted(if changed { from } else { to }) {
        INTERCEPTED.fetch_sub(1, Ordering::AcqRel);
    }
    changed
}

fn is_intercepted(phase: Phase) -> bool {
    match phase {
        Phase::Pending | Phase::Failed | Phase::Bound | Phase::Arrived | Phase::Accepted => true,
        Phase::Tunnel | Phase::Broken | Phase::BoundHere | Phase::Fresh | Phase::Poller | Phase::Internal => false,
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::sync::Mutex;
    use std::thread;

    use super::*;

    /// The count of intercepted records is one for the whole process.
    static ALONE: Mutex<()> = Mutex::new(());

    #[test]
    fn duplicates_share_a_record_until_the_last_one_goes() {
        let _alone = ALONE.lock();
        let (first, second) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let record = insert(first.as_fd(), Phase::Pending, Domain::V4, None).unwrap();
        share(&record, second.as_raw_fd()).unwrap();
        drop(record);
        forget(first.as_raw_fd());
        assert!(!is_ours(first.as_raw_fd()));
        let kept = get(second.as_raw_fd()).expect("the duplicate has it");
        assert_eq!(kept.phase(), Phase::Pending);
        assert!(!nothing_intercepted());
        forget(second.as_raw_fd());
        assert!(!nothing_intercepted(), "a call still holds it");
        assert!(!is_current(second.as_raw_fd(), &kept));
        drop(kept);
        assert!(nothing_intercepted());
    }

    #[test]
    fn descriptors_out_of_range_are_nobodys() {
        for fd in [-1, RawFd::MIN, RawFd::MAX, SLOTS as RawFd] {
            assert!(!is_ours(fd));
            assert!(get(fd).is_none());
            forget(fd);
        }
    }

    #[test]
    fn threads_that_insert_share_move_and_forget_leave_nothing_behind() {
        let _alone = ALONE.lock();
        let sockets: Vec<_> = (0..4).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        thread::scope(|scope| {
            for start in 0..8 {
                let sockets = &sockets;
                scope.spawn(move || {
                    for round in 0..5000 {
                        let fd = sockets[(start + round) % 4].as_fd();
                        match round % 5 {
                            0 => drop(insert(fd, Phase::Pending, Domain::V4, None).unwrap()),
                            1 => {
                                if let Some(record) = get(fd.as_raw_fd()) {
                                    share(&record, sockets[start % 4].as_raw_fd()).unwrap();
                                }
                            }
                            2 | 3 => {
                                if let Some(record) = get(fd.as_raw_fd()) {
                                    let phases = [Phase::Tunnel, Phase::Failed, Phase::Broken, Phase::Bound];
                                    set_phase(&record, phases[(start + round) % 4]);
                                }
                            }
                            _ => forget(fd.as_raw_fd()),
                        }
                    }
                });
            }
        });
        sockets.iter().for_each(|socket| forget(socket.as_raw_fd()));
        assert!(nothing_intercepted(), "a count was lost");
    }
}
