//! Several tasks that wait for the same sources.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// The tasks that wait for sources which remember only the last waker that they were polled with: polled with the one of
/// these, they wake them all.
pub struct Waiters {
    tasks: Arc<Tasks>,
    /// Wakes every one of `tasks`.
    waker: Waker,
}

/// One slot a waiting task. No waker is woken or dropped under the lock: that may run or drop a task, and so another
/// [`Waiting`].
#[derive(Default)]
struct Tasks(Mutex<Vec<Slot>>);

enum Slot {
    Free,
    Taken(Option<Waker>),
}

/// A task that waits, for as long as this lives.
#[derive(Debug)]
pub struct Waiting<'w> {
    waiters: &'w Waiters,
    slot: Option<usize>,
}

impl Waiters {
    /// Nobody waits.
    pub fn new() -> Self {
        let tasks = Arc::<Tasks>::default();
        Self { waker: Waker::from(Arc::clone(&tasks)), tasks }
    }

    /// A place for a task that may have to wait.
    pub fn wait(&self) -> Waiting<'_> {
        Waiting { waiters: self, slot: None }
    }

    /// What to poll the sources with: for those who do not wait themselves, and take nothing from those who do.
    pub fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}

impl Default for Waiters {
    fn default() -> Self {
        Self::new()
    }
}

impl<'w> Waiting<'w> {
    /// What to poll the sources with so that this task is woken with the others. Before they are polled, or it might sleep
    /// through what happens in between.
    pub fn context(&mut self, cx: &Context<'_>) -> Context<'w> {
        let waker = cx.waker().clone();
        let mut tasks = self.waiters.tasks.lock();
        let slot = *self.slot.get_or_insert_with(|| {
            tasks.iter().position(|slot| matches!(slot, Slot::Free)).unwrap_or_else(|| {
                tasks.push(Slot::Free);
                tasks.len() - 1
            })
        });
        let before = mem::replace(&mut tasks[slot], Slot::Taken(Some(waker)));
        drop(tasks);
        drop(before);
        self.waiters.context()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.slot else { return };
        let mut tasks = self.waiters.tasks.lock();
        let before = mem::replace(&mut tasks[slot], Slot::Free);
        drop(tasks);
        drop(before);
    }
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next waker at or after this slot.
    fn next(&self, at: &mut usize) -> Option<Waker> {
        let mut tasks = self.lock();
        while let Some(slot) = tasks.get_mut(*at) {
            *at += 1;
            if let Slot::Taken(waker @ Some(_)) = slot {
                return waker.take();
            }
        }
        None
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut at = 0;
        while let Some(waker) = self.next(&mut at) {
            waker.wake();
        }
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn all_who_wait_are_woken_and_nobody_else() {
        let waiters = Waiters::new();
        let counts: [Arc<Count>; 3] = Default::default();
        let wakers = counts.clone().map(Waker::from);
        let mut waiting: Vec<_> = wakers.iter().map(|_| waiters.wait()).collect();
        for (waiting, waker) in waiting.iter_mut().zip(&wakers) {
            waiting.context(&Context::from_waker(waker));
            // Once more, as a task does that is polled without a reason.
            waiting.context(&Context::from_waker(waker));
        }
        waiting.remove(1);
        waiters.context().waker().wake_by_ref();
        waiters.context().waker().wake_by_ref();
        assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [1, 0, 1]);
    }

    #[test]
    fn one_who_moves_to_another_task_is_woken_there() {
        let waiters = Waiters::new();
        let counts: [Arc<Count>; 2] = Default::default();
        let mut waiting = waiters.wait();
        for waker in counts.clone().map(Waker::from) {
            waiting.context(&Context::from_waker(&waker));
        }
        waiters.context().waker().wake_by_ref();
        assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [0, 1]);
    }

    #[test]
    fn one_who_was_woken_takes_nobody_elses_place_when_dropped() {
        let waiters = Waiters::new();
        let count = Arc::<Count>::default();
        let mut woken = waiters.wait();
        woken.context(&Context::from_waker(Waker::noop()));
        waiters.context().waker().wake_by_ref();
        let mut waiting = waiters.wait();
        waiting.context(&Context::from_waker(&Waker::from(Arc::clone(&count))));
        drop(woken);
        waiters.context().waker().wake_by_ref();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_slots_of_those_who_gave_up_are_used_again() {
        let waiters = Waiters::new();
        for _ in 0..100 {
            waiters.wait().context(&Context::from_waker(Waker::noop()));
        }
        assert_eq!(waiters.tasks.lock().len(), 1);
    }

    /// A waker that owns a task which waits, too: as that of a task which nobody else holds any more.
    struct Owner(#[expect(dead_code, reason = "owned, and no more")] Mutex<Option<Waiting<'static>>>);

    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_waker_may_drop_another_one_who_waits() {
        let waiters: &'static Waiters = Box::leak(Box::default());
        let mut owned = waiters.wait();
        owned.context(&Context::from_waker(Waker::noop()));
        let mut waiting = waiters.wait();
        let owner = Waker::from(Arc::new(Owner(Mutex::new(Some(owned)))));
        waiting.context(&Context::from_waker(&owner));
        drop(owner);
        // A deadlock, were the lock held.
        drop(waiting);
        assert!(waiters.tasks.lock().iter().all(|slot| matches!(slot, Slot::Free)));
    }
}
