//! Several tasks that wait for the same sources.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// The tasks that wait. A source remembers only the last waker that it was polled with; polled with the one of these, it
/// wakes them all.
pub(crate) struct Waiters {
    tasks: Arc<Tasks>,
    /// Wakes every one of `tasks`.
    waker: Waker,
}

/// One slot a waiting task.
#[derive(Default)]
struct Tasks(Mutex<Vec<Slot>>);

enum Slot {
    Free,
    Taken(Option<Waker>),
}

/// A task that waits, for as long as this lives.
pub(crate) struct Waiting<'w> {
    waiters: &'w Waiters,
    slot: Option<usize>,
}

impl Waiters {
    pub(crate) fn new() -> Self {
        let tasks = Arc::<Tasks>::default();
        Self { waker: Waker::from(Arc::clone(&tasks)), tasks }
    }

    /// A place for a task that may have to wait.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        Waiting { waiters: self, slot: None }
    }

    /// What to poll the sources with: for those who do not wait themselves, and take nothing from those who do.
    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}

impl Waiting<'_> {
    /// What to poll the sources with so that this task is woken with the others. Before they are polled, or it might sleep
    /// through what happens in between.
    pub(crate) fn context(&mut self, cx: &Context<'_>) -> Context<'_> {
        let mut tasks = self.waiters.tasks.lock();
        let slot = *self.slot.get_or_insert_with(|| {
            tasks.iter().position(|slot| matches!(slot, Slot::Free)).unwrap_or_else(|| {
                tasks.push(Slot::Free);
                tasks.len() - 1
            })
        });
        match &mut tasks[slot] {
            Slot::Taken(Some(waker)) => waker.clone_from(cx.waker()),
            slot => *slot = Slot::Taken(Some(cx.waker().clone())),
        }
        self.waiters.context()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.waiters.tasks.lock()[slot] = Slot::Free;
        }
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
        // Not under the lock: an executor may poll the task from within.
        let mut at = 0;
        while let Some(waker) = self.next(&mut at) {
            waker.wake();
        }
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
    fn the_slots_of_those_who_gave_up_are_used_again() {
        let waiters = Waiters::new();
        for _ in 0..100 {
            waiters.wait().context(&Context::from_waker(Waker::noop()));
        }
        assert_eq!(waiters.tasks.lock().len(), 1);
    }
}
