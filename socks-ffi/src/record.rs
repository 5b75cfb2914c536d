//! What the library knows of a socket, shared by all descriptors of it.

use std::fmt;
use std::os::fd::RawFd;

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::atomic_addr::AtomicAddr;
use crate::fork::Kin;
use crate::lock::TryLock;
use crate::ops::epoll::Watches;
use crate::sync::{AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence, yield_now};
use crate::sys::socket::Domain;
use crate::work::Work;

/// Where a socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// On its way: to the proxy, or through the handshake.
    Pending = 1,
    /// Connected to its target. All I/O is the kernel's.
    Tunnel,
    /// The connect failed and nobody was told yet; the socket is shut down.
    Failed,
    /// The connect failed and the program knows.
    Broken,
    /// Bound to a local address that the rules send to a proxy: becomes `Bound` when the program listens or
    /// asks where, and stays a local address when it connects.
    BoundHere,
    /// Bound at the proxy, waiting for the one peer.
    Bound,
    /// The one peer is there and waits to be accepted.
    Arrived,
    /// The one peer was accepted; no other will come.
    Accepted,
    /// Not connected any more, and nothing to tell: known for the sake of its duplicates, all of which the next connect concerns.
    Fresh,
    /// No socket: an epoll of the program's in which pending sockets are waited for.
    Poller,
    /// No socket, and not the program's: a descriptor of ours, which moves when the program wants its number.
    Internal,
}

impl Phase {
    const ALL: [Self; 11] = [
        Self::Pending,
        Self::Tunnel,
        Self::Failed,
        Self::Broken,
        Self::BoundHere,
        Self::Bound,
        Self::Arrived,
        Self::Accepted,
        Self::Fresh,
        Self::Poller,
        Self::Internal,
    ];

    pub(crate) fn from_u8(value: u8) -> Self {
        // What cannot be is refused.
        Self::ALL.into_iter().find(|phase| *phase as u8 == value).unwrap_or(Self::Broken)
    }
}

/// For who reads what `SOCKS_DEBUG` tells.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "on its way",
            Self::Tunnel => "connected",
            Self::Failed | Self::Broken => "failed",
            Self::BoundHere => "bound here",
            Self::Bound => "bound",
            Self::Arrived => "a peer has come",
            Self::Accepted => "accepted",
            Self::Fresh => "not connected",
            Self::Poller | Self::Internal => "not a socket",
        })
    }
}

pub(crate) struct Record {
    /// Generation in the high half, descriptors and calls that hold on to it in the low half.
    refs: AtomicU64,
    /// Descriptors that have it.
    descriptors: AtomicU32,
    phase: AtomicU8,
    /// What the handshake waits for, as poll(2) says it.
    wants: AtomicU16,
    /// The error that SO_ERROR tells once.
    error: AtomicI32,
    /// When to give up, in nanoseconds of the monotonic clock; `u64::MAX` never.
    deadline: AtomicU64,
    /// Whether the program listens on it.
    listening: AtomicBool,
    /// Whether connect has told its success: until then a second connect says 0, then EISCONN.
    connect_reported: AtomicBool,
    /// Whether the socket is, or is becoming, connected to a proxy by our doing.
    proxied: AtomicBool,
    /// Whether some call waits for the handshake and will move it on.
    led: AtomicBool,
    /// Whether the program's socket is one of IPv6, whatever stands under its number now.
    is_v6: AtomicBool,
    /// Whether the program's socket was for IPv6 alone (IPV6_V6ONLY), before the way to the proxy needed another.
    is_v6_only: AtomicBool,
    /// Of an epoll: the descriptors of its poller, or -1.
    inner: AtomicI32,
    timer: AtomicI32,
    /// Whether `watches` has any.
    watched: AtomicBool,
    pub(crate) watches: Watches,
    pub(crate) kin: Kin,
    pub(crate) target: AtomicAddr,
    pub(crate) bound: AtomicAddr,
    pub(crate) work: TryLock<Option<Box<Work>>>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            refs: AtomicU64::new(1 << 32),
            descriptors: AtomicU32::new(0),
            phase: AtomicU8::new(0),
            wants: AtomicU16::new(0),
            error: AtomicI32::new(0),
            deadline: AtomicU64::new(u64::MAX),
            listening: AtomicBool::new(false),
            connect_reported: AtomicBool::new(false),
            proxied: AtomicBool::new(false),
            led: AtomicBool::new(false),
            is_v6: AtomicBool::new(false),
            is_v6_only: AtomicBool::new(false),
            inner: AtomicI32::new(-1),
            timer: AtomicI32::new(-1),
            watched: AtomicBool::new(false),
            watches: TryLock::new(Vec::new()),
            kin: Kin::new(),
            target: AtomicAddr::new(),
            bound: AtomicAddr::new(),
            work: TryLock::new(None),
        }
    }

    /// Makes a free record one in use, held once. Only for who took it from the pool.
    pub(crate) fn begin(&self, phase: Phase, domain: Domain, work: Option<Box<Work>>) {
        self.descriptors.store(0, Ordering::Relaxed);
        self.wants.store(0, Ordering::Relaxed);
        self.error.store(0, Ordering::Relaxed);
        self.deadline.store(work.as_ref().map_or(u64::MAX, |work| work.deadline()), Ordering::Relaxed);
        self.listening.store(false, Ordering::Relaxed);
        self.connect_reported.store(false, Ordering::Relaxed);
        self.proxied.store(false, Ordering::Relaxed);
        self.led.store(false, Ordering::Relaxed);
        self.is_v6.store(domain == Domain::V6, Ordering::Relaxed);
        self.is_v6_only.store(false, Ordering::Relaxed);
        self.inner.store(-1, Ordering::Relaxed);
        self.timer.store(-1, Ordering::Relaxed);
        self.watched.store(false, Ordering::Relaxed);
        self.watches.reset(Vec::new());
        self.target.set(None);
        self.bound.set(None);
        self.phase.store(phase as u8, Ordering::Relaxed);
        // What the last user left is freed only here: close, which leaves it, may run in a signal handler.
        // A lock that a siglongjmp out of its holder left taken is replaced with it.
        self.work.reset(work);
        self.refs.fetch_add(1, Ordering::Release);
    }

    /// Makes one that all its descriptors have given up anew. Only for who has the lock of its work.
    pub(crate) fn begin_anew(&self, domain: Domain, deadline: u64) {
        self.kin.part();
        self.wants.store(0, Ordering::Relaxed);
        self.error.store(0, Ordering::Relaxed);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.listening.store(false, Ordering::Relaxed);
        self.connect_reported.store(false, Ordering::Relaxed);
        self.proxied.store(false, Ordering::Relaxed);
        self.is_v6.store(domain == Domain::V6, Ordering::Relaxed);
        self.target.set(None);
        self.bound.set(None);
    }

    pub(crate) fn generation(&self) -> u32 {
        (self.refs.load(Ordering::Acquire) >> 32) as u32
    }

    /// Holds on to the record, if it still is of that generation and in use.
    pub(crate) fn hold(&self, generation: u32) -> bool {
        let mut refs = self.refs.load(Ordering::Acquire);
        loop {
            if (refs >> 32) as u32 != generation || refs as u32 == 0 {
                return false;
            }
            match self.refs.compare_exchange_weak(refs, refs + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => refs = now,
            }
        }
    }

    /// Lets go. `true`: that was the last one, and the record is of a new generation, free to be given back.
    pub(crate) fn let_go(&self) -> bool {
        let mut refs = self.refs.load(Ordering::Acquire);
        loop {
            let last = refs as u32 == 1;
            // The generation counts up when the last one goes, so that no old reference fits any more.
            let next = if last { (refs >> 32).wrapping_add(1) << 32 } else { refs - 1 };
            match self.refs.compare_exchange_weak(refs, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return last,
                Err(now) => refs = now,
            }
        }
    }

    pub(crate) fn add_descriptor(&self) {
        self.descriptors.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn remove_descriptor(&self) {
        self.descriptors.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether two or more descriptors have it.
    pub(crate) fn is_shared(&self) -> bool {
        self.descriptors.load(Ordering::Acquire) > 1
    }

    /// Waits for who is moving it on at this moment: not long, as nobody waits while doing so.
    ///
    /// Bounded, since a signal handler can have interrupted just that.
    pub(crate) fn await_driver(&self) {
        // Whoever has the lock by now is seen here, or else sees there what was taken from the table before: see
        // `table::is_current`.
        fence(Ordering::SeqCst);
        for _ in 0..1000 {
            if !self.work.is_taken() {
                return;
            }
            yield_now();
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::from_u8(self.phase.load(Ordering::SeqCst))
    }

    /// Publishes a phase, and all that was stored before it. Returns the one before.
    pub(crate) fn swap_phase(&self, phase: Phase) -> Phase {
        Phase::from_u8(self.phase.swap(phase as u8, Ordering::SeqCst))
    }

    pub(crate) fn change_phase(&self, from: Phase, to: Phase) -> bool {
        self.phase.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(crate) fn wants(&self) -> PollFlags {
        PollFlags::from_bits_truncate(self.wants.load(Ordering::Relaxed))
    }

    pub(crate) fn set_wants(&self, wants: PollFlags) {
        self.wants.store(wants.bits(), Ordering::Relaxed);
    }

    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.load(Ordering::Relaxed)
    }

    pub(crate) fn set_deadline(&self, deadline: u64) {
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    /// The error of a failed connect, once.
    pub(crate) fn take_error(&self) -> Option<Errno> {
        match self.error.swap(0, Ordering::AcqRel) {
            0 => None,
            error => Some(Errno::from_raw_os_error(error)),
        }
    }

    pub(crate) fn set_error(&self, error: Errno) {
        self.error.store(error.raw_os_error(), Ordering::Release);
    }

    /// `true` the first time it is asked.
    pub(crate) fn report_connect(&self) -> bool {
        !self.connect_reported.swap(true, Ordering::AcqRel)
    }

    /// Takes the lead; `true` unless another has it.
    pub(crate) fn take_lead(&self) -> bool {
        !self.led.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn leave_lead(&self) {
        self.led.store(false, Ordering::Release);
    }

    pub(crate) fn is_led(&self) -> bool {
        self.led.load(Ordering::Acquire)
    }

    pub(crate) fn set_listening(&self) {
        self.listening.store(true, Ordering::Release);
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Acquire)
    }

    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied.load(Ordering::Acquire)
    }

    pub(crate) fn set_proxied(&self, proxied: bool) {
        self.proxied.store(proxied, Ordering::Release);
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::SeqCst)
    }

    pub(crate) fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::SeqCst);
    }

    pub(crate) fn inner(&self) -> RawFd {
        self.inner.load(Ordering::Acquire)
    }

    pub(crate) fn timer(&self) -> RawFd {
        self.timer.load(Ordering::Acquire)
    }

    pub(crate) fn set_poller(&self, inner: RawFd, timer: RawFd) {
        self.timer.store(timer, Ordering::Release);
        // Last, as it says that they are there.
        self.inner.store(inner, Ordering::Release);
    }

    /// The descriptors of its poller, which are the caller's from now on.
    pub(crate) fn take_poller(&self) -> impl Iterator<Item = RawFd> {
        [&self.inner, &self.timer].map(|fd| fd.swap(-1, Ordering::AcqRel)).into_iter().filter(|fd| *fd >= 0)
    }

    /// One of the poller's descriptors has another number. `false`: it is none of its own.
    pub(crate) fn move_poller(&self, from: RawFd, to: RawFd) -> bool {
        let moved = |fd: &AtomicI32| fd.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        moved(&self.inner) || moved(&self.timer)
    }

    pub(crate) fn is_v6_only(&self) -> bool {
        self.is_v6_only.load(Ordering::Relaxed)
    }

    pub(crate) fn set_v6_only(&self) {
        self.is_v6_only.store(true, Ordering::Relaxed);
    }

    pub(crate) fn domain(&self) -> Domain {
        if self.is_v6.load(Ordering::Relaxed) { Domain::V6 } else { Domain::V4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_another_generation_cannot_be_held() {
        let record = Record::new();
        let first = record.generation();
        assert!(!record.hold(first), "not in use yet");
        record.begin(Phase::Pending, Domain::V4, None);
        assert!(record.hold(first));
        assert!(!record.let_go());
        assert!(record.let_go(), "the last one");
        assert!(!record.hold(first));
        assert_ne!(record.generation(), first);
        record.begin(Phase::Tunnel, Domain::V6, None);
        assert!(!record.hold(first), "in use again, by somebody else");
        assert!(record.hold(record.generation()));
    }

    #[test]
    fn an_error_and_a_success_are_reported_once() {
        let record = Record::new();
        record.begin(Phase::Failed, Domain::V4, None);
        record.set_error(Errno::CONNREFUSED);
        assert_eq!(record.take_error(), Some(Errno::CONNREFUSED));
        assert_eq!(record.take_error(), None);
        assert!(record.report_connect());
        assert!(!record.report_connect());
    }

    #[test]
    fn what_is_no_phase_is_refused() {
        for value in 0..=u8::MAX {
            let phase = Phase::from_u8(value);
            assert!(phase as u8 == value || phase == Phase::Broken);
        }
    }
}
