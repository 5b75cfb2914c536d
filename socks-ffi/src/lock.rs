//! A lock that is only ever tried.
//!
//! Nobody waits for it without end: who does not get it treats the socket as still busy. So a signal handler that
//! interrupts the holder, or a forked child whose parent's thread held it, cannot deadlock.

use std::ops::{Deref, DerefMut};

use crate::sync::{AtomicBool, Ordering, UnsafeCell, constant, yield_now};

pub(crate) struct TryLock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is only reached through a Guard, of which there is one at a time.
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T> TryLock<T> {
    constant! {
        pub(crate) fn new(value: T) -> Self {
            Self { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }
    }

    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.taken
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            .then(|| Guard { lock: self })
    }

    /// Tries for a while: for what is held only for a few stores. `None` where a signal handler interrupted its
    /// holder, or a forked child has no holder any more.
    pub(crate) fn lock(&self) -> Option<Guard<'_, T>> {
        for _ in 0..10_000 {
            if let Some(guard) = self.try_lock() {
                return Some(guard);
            }
            yield_now();
        }
        None
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    /// Puts a new value in, whatever became of the old one's holder.
    ///
    /// Only for who knows that nobody can be using it: a record that was just taken from its pool.
    pub(crate) fn reset(&self, value: T) {
        self.taken.store(false, Ordering::Release);
        if let Some(mut guard) = self.try_lock() {
            *guard = value;
        }
    }
}

pub(crate) struct Guard<'a, T> {
    lock: &'a TryLock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this is the one guard.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this is the one guard.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_get_it_does_not_free_it() {
        let lock = TryLock::new(1);
        let mut first = lock.try_lock().expect("free");
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock().is_none(), "the second try freed it");
        *first = 2;
        drop(first);
        assert_eq!(lock.try_lock().as_deref(), Some(&2));
    }
}
