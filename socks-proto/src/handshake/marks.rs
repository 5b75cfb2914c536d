//! What is apart from the plain course of a handshake, in one octet.

/// What makes a step another than the next of the exchange, a bit each, so that one look tells that there is none of it.
/// The order in which events can arise is that of their bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// The choice of a method was not told yet.
    pub(super) const METHOD: Self = Self(0x01);
    /// The first reply was not.
    pub(super) const BOUND: Self = Self(0x02);
    /// The second reply was not.
    pub(super) const PEER: Self = Self(0x04);
    /// Any of these three.
    pub(super) const EVENTS: Self = Self::METHOD.and(Self::BOUND).and(Self::PEER);
    /// There is an error.
    pub(super) const FAILED: Self = Self(0x08);
    /// There is an exchange, or was one.
    pub(super) const EXCHANGE: Self = Self(0x10);
    /// Nobody has asked what to do yet: the first flight has still to be written.
    pub(super) const FRESH: Self = Self(0x20);
    /// There is a security layer, and the caller has it already.
    pub(super) const GIVEN: Self = Self(0x40);

    /// The marks of both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of these is set.
    #[inline]
    pub(super) fn has(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    #[inline]
    pub(super) fn set(&mut self, these: Self) {
        self.0 |= these.0;
    }

    /// Whether it was set; it is no more.
    #[inline]
    pub(super) fn take(&mut self, this: Self) -> bool {
        let had = self.has(this);
        self.0 &= !this.0;
        had
    }
}
