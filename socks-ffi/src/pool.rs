//! Memory for things that threads and signal handlers may look at while others give them up.
//!
//! Nodes are never returned to the system, so that a stale reference is to a node of the right type, whose
//! generation tells that it is another one. No lock and no malloc: a signal handler can interrupt any of it.

use std::mem::size_of;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering, array, constant};

/// Nodes that are made at a time.
const CHUNK: usize = if cfg!(all(test, model)) { 2 } else { 32 };
/// Chunks at most: as many nodes as a process can have descriptors.
const CHUNKS: usize = if cfg!(all(test, model)) { 8 } else { 1 << 15 };

/// A pool of nodes of one type.
pub(crate) struct Pool<T: 'static> {
    /// Top of the stack of free nodes: number plus one in the low half; a count against ABA in the high one.
    free: AtomicU64,
    made: AtomicU32,
    chunks: [AtomicPtr<Node<T>>; CHUNKS],
}

/// A place in a [`Pool`].
pub(crate) struct Node<T> {
    next: AtomicU32,
    number: u32,
    pub(crate) value: T,
}

impl<T> Node<T> {
    /// The node's number, by which [`Pool::get`] finds it.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl<T: Sync> Pool<T> {
    constant! {
        pub(crate) fn new() -> Self {
            Self {
                free: AtomicU64::new(0),
                made: AtomicU32::new(0),
                chunks: array![AtomicPtr::new(std::ptr::null_mut()); CHUNKS],
            }
        }
    }

    /// The node of that number.
    pub(crate) fn get(&self, number: u32) -> Option<&'static Node<T>> {
        let number = number as usize;
        let chunk = self.chunks.get(number / CHUNK)?.load(Ordering::Acquire);
        if chunk.is_null() {
            return None;
        }
        // SAFETY: a chunk is published whole, with CHUNK nodes, and never unmapped.
        Some(unsafe { &*chunk.add(number % CHUNK) })
    }

    /// A free node, or `None` where the system has no memory. Its value is as the last user left it.
    pub(crate) fn take(&self, new: fn() -> T) -> Option<&'static Node<T>> {
        loop {
            let top = self.free.load(Ordering::Acquire);
            let Some(number) = (top as u32).checked_sub(1) else {
                self.grow(new)?;
                continue;
            };
            let node = self.get(number)?;
            let next = u64::from(node.next.load(Ordering::Acquire));
            if self.replace_top(top, next) {
                return Some(node);
            }
        }
    }

    /// Gives a node back.
    pub(crate) fn give(&self, node: &'static Node<T>) {
        loop {
            let top = self.free.load(Ordering::Acquire);
            node.next.store(top as u32, Ordering::Release);
            if self.replace_top(top, u64::from(node.number) + 1) {
                return;
            }
        }
    }

    fn replace_top(&self, top: u64, low: u64) -> bool {
        let high = (top >> 32).wrapping_add(1) << 32;
        self.free.compare_exchange(top, high | low, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn grow(&self, new: fn() -> T) -> Option<()> {
        let size = size_of::<Node<T>>() * CHUNK;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing.
        let chunk = unsafe { mmap_anonymous(std::ptr::null_mut(), size, access, MapFlags::PRIVATE) }.ok()?;
        let chunk = chunk.cast::<Node<T>>();
        // Only now, so that failing for want of memory uses no number up. Beyond the last one no process comes.
        let at = self.made.fetch_add(1, Ordering::Relaxed) as usize;
        let slot = self.chunks.get(at)?;
        for index in 0..CHUNK {
            let node = Node { next: AtomicU32::new(0), number: (at * CHUNK + index) as u32, value: new() };
            // SAFETY: the mapping has room for CHUNK nodes and is aligned to a page.
            unsafe { chunk.add(index).write(node) };
        }
        slot.store(chunk, Ordering::Release);
        for index in 0..CHUNK {
            self.give(self.get((at * CHUNK + index) as u32)?);
        }
        Some(())
    }
}

/// An execution of a model ends, and there are many.
#[cfg(all(test, model))]
impl<T> Drop for Pool<T> {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            let chunk = chunk.load(Ordering::Relaxed);
            if !chunk.is_null() {
                // SAFETY: mapped by `grow`, of this size; no thread of the execution is left.
                let _ = unsafe { rustix::mm::munmap(chunk.cast(), size_of::<Node<T>>() * CHUNK) };
            }
        }
    }
}

#[cfg(all(test, not(model)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    #[test]
    fn no_node_has_two_owners() {
        static POOL: Pool<AtomicBool> = Pool::new();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    for round in 0..20_000 {
                        let node = POOL.take(|| AtomicBool::new(false)).expect("memory");
                        assert!(!node.value.swap(true, Ordering::AcqRel), "taken twice");
                        mine.push(node);
                        // Keep a few, so that nodes come back in another order than they went.
                        if round % 3 != 0 {
                            let node = mine.swap_remove(round % mine.len());
                            assert!(node.value.swap(false, Ordering::AcqRel), "lost");
                            POOL.give(node);
                        }
                        if mine.len() > 100 {
                            for node in mine.drain(..) {
                                node.value.store(false, Ordering::Release);
                                POOL.give(node);
                            }
                        }
                    }
                });
            }
        });
        assert!(POOL.made.load(Ordering::Relaxed) < 100, "nodes are not used again");
    }

    #[test]
    fn a_number_finds_its_node_and_no_other() {
        static POOL: Pool<AtomicBool> = Pool::new();
        let nodes: Vec<_> = (0..100).map(|_| POOL.take(|| AtomicBool::new(false)).expect("memory")).collect();
        for node in &nodes {
            assert!(std::ptr::eq(*node, POOL.get(node.number()).expect("made")));
        }
        assert!(POOL.get(u32::MAX).is_none());
        assert!(POOL.get(CHUNK as u32 * 50).is_none(), "a chunk that was not made");
    }
}
