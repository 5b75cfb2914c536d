//! What goes out next.

use alloc::vec::Vec;

use crate::auth::method::{AuthError, SecurityLayer};
use crate::auth::offer::Offer;
use crate::auth::userpass::{UserPass, wipe};
use crate::command::Command;
use crate::wire::{greeting, request, userpass};

/// Greeting of one method, login and request: the longest flight that is not on the heap.
const INLINE: usize = 3 + userpass::MAX_LEN + request::MAX_LEN;

/// Bytes on their way out. Wiped as soon as they have left, since a login may be among them.
pub(super) struct Flight {
    start: u16,
    end: u16,
    inline: [u8; INLINE],
    /// Tokens and protected messages, which have no small bound. Sent after `inline`.
    heap: Vec<u8>,
    heap_start: usize,
}

impl Flight {
    /// The first flight of an offer: its greeting, and where it is one round trip all the rest.
    pub(super) fn first(offer: &Offer, command: &Command) -> Self {
        let mut flight = Self { start: 0, end: 0, inline: [0; INLINE], heap: Vec::new(), heap_start: 0 };
        flight.put(|out| {
            greeting::encode(offer.methods(), out);
            if offer.is_one_round_trip() {
                if let Some(login) = offer.user_pass() {
                    userpass::encode(login, out);
                }
                request::encode(command, out);
            }
        });
        flight
    }

    pub(super) fn login(&mut self, login: &UserPass) {
        self.put(|out| userpass::encode(login, out));
    }

    pub(super) fn request(&mut self, command: &Command) {
        self.put(|out| request::encode(command, out));
    }

    /// The request inside a security layer.
    pub(super) fn protected_request(
        &mut self,
        command: &Command,
        layer: &mut dyn SecurityLayer,
    ) -> Result<(), AuthError> {
        let mut plain = Vec::with_capacity(request::MAX_LEN);
        request::encode(command, &mut plain);
        layer.wrap(&plain, &mut self.heap)
    }

    /// Where a method of authentication appends its messages.
    pub(super) fn heap(&mut self) -> &mut Vec<u8> {
        &mut self.heap
    }

    fn put(&mut self, write: impl FnOnce(&mut &mut [u8])) {
        let mut window = &mut self.inline[usize::from(self.end)..];
        let free = window.len();
        write(&mut window);
        let left = window.len();
        self.end += (free - left) as u16;
    }

    pub(super) fn pending(&self) -> &[u8] {
        let inline = &self.inline[usize::from(self.start)..usize::from(self.end)];
        if inline.is_empty() { &self.heap[self.heap_start..] } else { inline }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end && self.heap_start == self.heap.len()
    }

    /// Forgets `n` bytes of what `pending` gave. More than that is as much as there is.
    pub(super) fn advance(&mut self, n: usize) {
        if self.start < self.end {
            let n = n.min(usize::from(self.end - self.start));
            self.start += n as u16;
            if self.start == self.end {
                wipe(&mut self.inline[..usize::from(self.end)]);
                (self.start, self.end) = (0, 0);
            }
        } else {
            self.heap_start += n.min(self.heap.len() - self.heap_start);
            if self.heap_start == self.heap.len() {
                wipe(&mut self.heap);
                self.heap.clear();
                self.heap_start = 0;
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        wipe(&mut self.inline[..usize::from(self.end)]);
        wipe(&mut self.heap);
    }
}
