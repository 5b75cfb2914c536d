//! What a process holds: descriptors and memory.

use std::fs;
use std::io;

use crate::allocations;

/// How much of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Open descriptors.
    pub descriptors: i64,
    /// Bytes that were allocated and not given back, by the allocator that [`allocations`] counts with.
    pub bytes: i64,
}

impl Census {
    /// Counts those of this process.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn take() -> io::Result<Self> {
        // One of them is the folder itself, each time.
        let descriptors = fs::read_dir("/proc/self/fd")?.count();
        Ok(Self { descriptors: i64::try_from(descriptors).unwrap_or(i64::MAX), bytes: allocations::live() })
    }

    /// How many more there are than there were.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { descriptors: self.descriptors - before.descriptors, bytes: self.bytes - before.bytes }
    }
}
