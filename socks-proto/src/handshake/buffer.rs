//! What goes out, and the messages that came in answer.

use crate::address::WireAddr;
use crate::auth::offer::Offer;
use crate::auth::userpass::{UserPass, wipe};
use crate::command::Command;
use crate::wire::address::AddrRef;
use crate::wire::{greeting, reply, request, userpass};

/// Greeting of one method, login and request: the longest flight.
const LEN: usize = greeting::ONE_METHOD_LEN + userpass::MAX_LEN + request::MAX_LEN;

/// A greeting of all methods and both replies to BIND are shorter.
const _: () = assert!(greeting::MAX_LEN <= LEN && 2 * reply::MAX_LEN <= LEN);

/// One array for both directions, as nothing comes in that counts before all has left: first the bytes on their way
/// out, then the message that is being received, at the end the replies, which are kept for who asks.
pub(super) struct Buffer {
    /// Of what has not left yet.
    start: u16,
    end: u16,
    /// How long the first reply is, once it is kept; the message at hand begins behind it.
    bound: u16,
    /// The end of the message at hand, or of the second reply.
    filled: u16,
    /// Whether a login is in the bytes, which are wiped then as soon as they have left.
    secret: bool,
    bytes: [u8; LEN],
}

impl Buffer {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self { start: 0, end: 0, bound: 0, filled: 0, secret: false, bytes: [0; LEN] }
    }

    /// The first flight of an offer: its greeting, and where it is one round trip all the rest.
    #[inline]
    pub(super) fn first(&mut self, offer: &Offer, command: &Command) {
        self.put(|out| greeting::encode(offer.methods(), out));
        if offer.is_one_round_trip() {
            if let Some(login) = offer.user_pass() {
                self.login(login);
            }
            self.request(command);
        }
    }

    pub(super) fn login(&mut self, login: &UserPass) {
        self.secret = true;
        self.put(|out| userpass::encode(login, out));
    }

    pub(super) fn request(&mut self, command: &Command) {
        self.put(|out| request::encode(command, out));
    }

    /// Appends to what goes out. What came in by then is dealt with.
    #[inline]
    fn put(&mut self, write: impl FnOnce(&mut &mut [u8])) {
        let mut room = &mut self.bytes[usize::from(self.end)..];
        write(&mut room);
        self.end = (LEN - room.len()) as u16;
    }

    #[inline]
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..usize::from(self.end)]
    }

    #[inline]
    pub(super) fn is_sent(&self) -> bool {
        self.start == self.end
    }

    /// Forgets `n` bytes of what `pending` gave. More than that is as much as there is.
    #[inline]
    pub(super) fn advance(&mut self, n: usize) {
        self.start += n.min(usize::from(self.end - self.start)) as u16;
        if self.start == self.end {
            if self.secret {
                self.wipe();
            }
            (self.start, self.end) = (0, 0);
        }
    }

    /// Nothing leaves any more: what holds a login can be moved from now on without a copy of it staying behind.
    pub(super) fn give_up(&mut self) {
        if self.secret {
            self.wipe();
        }
        (self.start, self.end) = (0, 0);
    }

    #[cold]
    fn wipe(&mut self) {
        self.secret = false;
        wipe(&mut self.bytes[..usize::from(self.end)]);
    }

    /// The message at hand, as far as it is there.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        &self.bytes[usize::from(self.bound)..usize::from(self.filled)]
    }

    /// Appends up to `most` bytes of `input` to the message at hand and says how many it took. All must have left.
    #[inline]
    pub(super) fn fill(&mut self, input: &[u8], most: usize) -> usize {
        let room = &mut self.bytes[usize::from(self.filled)..];
        let taken = input.len().min(most).min(room.len());
        room[..taken].copy_from_slice(&input[..taken]);
        self.filled += taken as u16;
        taken
    }

    /// Forgets the message at hand.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.filled = self.bound;
    }

    /// Keeps the message at hand, a whole one, as the first reply. What is filled in from now on is another.
    #[inline]
    pub(super) fn keep_bound(&mut self) {
        self.bound = self.filled;
    }

    /// The address in the first reply, once that is kept.
    #[inline]
    pub(super) fn bound(&self) -> Option<WireAddr> {
        granted(&self.bytes[..usize::from(self.bound)])
    }

    /// The address in the second reply, which is the message at hand.
    #[inline]
    pub(super) fn peer(&self) -> Option<WireAddr> {
        granted(self.message())
    }
}

/// The address in a reply, once that is whole.
#[inline]
fn granted(whole: &[u8]) -> Option<WireAddr> {
    match reply::addr(whole)? {
        // Not by way of a WireAddr of any kind: that would be copied whole.
        AddrRef::Ip(addr) => Some(WireAddr::Ip(addr)),
        addr @ AddrRef::Name(..) => Some(addr.into()),
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if self.secret {
            self.wipe();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What leaves no more must not stay: not when it has left, nor when nothing of it, or a part, ever will.
    #[test]
    fn no_login_stays_in_it() {
        let login = UserPass::new("ann", "s3cret").unwrap();
        for sent in [0, 1, 5, 12] {
            let mut buffer = Buffer::new();
            buffer.login(&login);
            assert!(buffer.pending().ends_with(b"s3cret"));
            buffer.advance(sent);
            buffer.give_up();
            assert!(buffer.is_sent() && buffer.bytes.iter().all(|byte| *byte == 0), "after {sent}");
        }
    }
}
