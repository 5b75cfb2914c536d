//! The unfinished message: at most one, so a few hundred bytes held inline.

use crate::wire::reply;

/// Bytes of the message that is being received.
pub(super) struct Inbox {
    len: u16,
    bytes: [u8; reply::MAX_LEN],
}

impl Inbox {
    pub(super) const fn new() -> Self {
        Self { len: 0, bytes: [0; reply::MAX_LEN] }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Appends up to `most` bytes of `input` and says how many it took.
    pub(super) fn fill(&mut self, input: &[u8], most: usize) -> usize {
        let have = usize::from(self.len);
        let taken = input.len().min(most).min(self.bytes.len() - have);
        self.bytes[have..have + taken].copy_from_slice(&input[..taken]);
        self.len += taken as u16;
        taken
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }
}
