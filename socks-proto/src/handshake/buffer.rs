//! What goes out, and the messages that came in answer.

use crate::address::WireAddr;
use crate::auth::offer::Offer;
use crate::auth::userpass::{UserPass, wipe};
use crate::command::Command;
use crate::wire::address::{self, AddrRef};
use crate::wire::{Status, greeting, reply, request, userpass};

/// Where the request begins: in front of it there is room for both replies to BIND.
const REQUEST: usize = 2 * reply::MAX_LEN;
const LEN: usize = REQUEST + request::MAX_LEN;

/// So there is for all that is sent before the request: in one round trip this and a login, else one of the two.
const _: () = assert!(greeting::ONE_METHOD_LEN + userpass::MAX_LEN <= REQUEST && greeting::MAX_LEN <= REQUEST);

/// One array for both directions, as nothing comes in that counts before all has left.
///
/// ```text
/// out:  ................ greeting login | request ........
/// in:   first reply, second reply ..... | request ........
/// ```
///
/// The request is written at once and stays. Greeting and login end where it begins, so that with it they are one
/// flight. What comes in is written over them: the message at hand, then the replies, kept for who asks.
pub(super) struct Buffer {
    /// Of what has not left yet.
    start: u16,
    end: u16,
    /// Where the request ends.
    request_end: u16,
    /// How much in front of the request is a login that has not been wiped yet.
    secret: u16,
    /// How long the first reply is, once it is kept; the message at hand begins behind it.
    bound: u16,
    /// The end of the message at hand, or of the second reply.
    filled: u16,
    bytes: [u8; LEN],
}

impl Buffer {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self { start: 0, end: 0, request_end: 0, secret: 0, bound: 0, filled: 0, bytes: [0; LEN] }
    }

    /// The first flight of an offer: its greeting, and where it is one round trip all the rest.
    #[inline(always)]
    pub(super) fn first(&mut self, offer: &Offer, command: &Command) {
        let mut room = &mut self.bytes[REQUEST..];
        request::encode(command, &mut room);
        self.request_end = (LEN - room.len()) as u16;
        self.end = REQUEST as u16;
        if offer.is_one_round_trip() {
            if let Some(login) = offer.user_pass() {
                self.login(login);
            }
            self.end = self.request_end;
        }
        let methods = offer.methods();
        let end = REQUEST - usize::from(self.secret);
        let start = end - greeting::encoded_len(&methods);
        greeting::encode(methods, &mut &mut self.bytes[start..end]);
        self.start = start as u16;
    }

    /// The login goes out.
    pub(super) fn login(&mut self, login: &UserPass) {
        let len = userpass::encoded_len(login);
        userpass::encode(login, &mut &mut self.bytes[REQUEST - len..REQUEST]);
        self.secret = len as u16;
        (self.start, self.end) = ((REQUEST - len) as u16, REQUEST as u16);
    }

    /// The request goes out, of which nothing has.
    #[inline]
    pub(super) fn request(&mut self) {
        (self.start, self.end) = (REQUEST as u16, self.request_end);
    }

    /// The request as it is on the wire.
    pub(super) fn encoded_request(&self) -> &[u8] {
        &self.bytes[REQUEST..usize::from(self.request_end)]
    }

    /// DST.ADDR and DST.PORT of the request.
    pub(super) fn target(&self) -> WireAddr {
        match address::decode(&self.encoded_request()[3..]) {
            Ok(Status::Complete { value, .. }) => value.into(),
            _ => WireAddr::UNSPECIFIED,
        }
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
        if self.start == self.end && self.secret != 0 {
            self.wipe();
        }
    }

    #[cold]
    fn wipe(&mut self) {
        let len = usize::from(core::mem::take(&mut self.secret));
        wipe(&mut self.bytes[REQUEST - len..REQUEST]);
    }

    /// The message at hand, as far as it is there.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        &self.bytes[usize::from(self.bound)..usize::from(self.filled)]
    }

    /// Appends up to `most` bytes of `input` to the message at hand and says how many it took. All must have left.
    #[inline]
    pub(super) fn fill(&mut self, input: &[u8], most: usize) -> usize {
        let room = &mut self.bytes[usize::from(self.filled)..REQUEST];
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

/// The address in a reply; none is in what is no whole reply that grants anything.
#[inline]
fn granted(whole: &[u8]) -> Option<WireAddr> {
    match reply::decode(whole) {
        // Not by way of a WireAddr of any kind: that would be copied whole.
        Ok(Status::Complete { value: Ok(AddrRef::Ip(addr)), .. }) => Some(WireAddr::Ip(addr)),
        Ok(Status::Complete { value: Ok(addr), .. }) => Some(addr.into()),
        _ => None,
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if self.secret != 0 {
            self.wipe();
        }
    }
}
