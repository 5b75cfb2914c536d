//! What the proxy's side of a case does, one act after the other.

use std::collections::VecDeque;

use crate::cutting::{Case, Cutting};
use crate::vector::Line;

/// One thing that the scripted proxy does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Waits until the client has said this.
    Expect(Vec<u8>),
    /// Says this, as one piece.
    Give(Vec<u8>),
}

/// The proxy's side of a [`Case`].
#[derive(Clone, Debug)]
pub struct Script {
    /// What it does, in order.
    pub acts: VecDeque<Act>,
    /// Whether it then closes its side. If not it stays silent, and a client that waits waits for ever.
    pub closes: bool,
    /// Whether the client has to say all that is expected. Not where the proxy closed early.
    pub complete: bool,
    /// How many writes the client may use: one a flight. `None` where writes are cut short.
    pub writes: Option<usize>,
    /// How many bytes a write takes at most, in memory.
    pub write_cap: Option<usize>,
    /// Whether every other read and write would block, in memory.
    pub restless: bool,
}

impl Script {
    /// The script of a case.
    pub fn new(case: &Case<'_>) -> Self {
        let early_end = if let Cutting::EofAt(offset) = case.cutting { Some(offset) } else { None };
        let mut acts = Acts { acts: VecDeque::new(), cutting: case.cutting, offset: 0 };
        for line in &case.exchange.script {
            match line {
                Line::Send(bytes) => acts.expect(bytes),
                Line::Recv(_, bytes) => {
                    let left = early_end.map_or(bytes.len(), |end| end.saturating_sub(acts.offset));
                    acts.give(&bytes[..bytes.len().min(left)]);
                }
                Line::Event(_) => {}
            }
        }
        acts.give(&case.application_bytes());
        Self {
            acts: acts.acts,
            // After a success the end tells a reader that it has all.
            closes: early_end.is_some() || case.exchange.closes || case.outcome().is_ok(),
            complete: early_end.is_none(),
            writes: (case.write_cap.is_none() && !case.restless).then(|| case.exchange.flights()),
            write_cap: case.write_cap,
            restless: case.restless,
        }
    }
}

struct Acts {
    acts: VecDeque<Act>,
    cutting: Cutting,
    /// How many bytes were given.
    offset: usize,
}

impl Acts {
    fn expect(&mut self, bytes: &[u8]) {
        match self.acts.back_mut() {
            Some(Act::Expect(before)) => before.extend_from_slice(bytes),
            _ => self.acts.push_back(Act::Expect(bytes.to_vec())),
        }
    }

    fn give(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at_a_cut = match self.cutting {
                Cutting::ByteByByte => true,
                Cutting::At(offset) => offset == self.offset,
                Cutting::Whole | Cutting::EofAt(_) => false,
            };
            let until_the_next = match self.cutting {
                Cutting::ByteByByte => 1,
                Cutting::At(offset) if offset > self.offset => offset - self.offset,
                _ => bytes.len(),
            };
            let (piece, rest) = bytes.split_at(until_the_next.min(bytes.len()));
            match self.acts.back_mut() {
                Some(Act::Give(before)) if !at_a_cut => before.extend_from_slice(piece),
                _ => self.acts.push_back(Act::Give(piece.to_vec())),
            }
            self.offset += piece.len();
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(cutting: Cutting) -> Vec<Vec<u8>> {
        let mut acts = Acts { acts: VecDeque::new(), cutting, offset: 0 };
        acts.give(b"ab");
        acts.give(b"cde");
        let pieces = acts.acts.into_iter().map(|act| match act {
            Act::Give(piece) => piece,
            Act::Expect(bytes) => panic!("{bytes:?}"),
        });
        pieces.collect()
    }

    #[test]
    fn cuts_do_not_care_for_lines() {
        assert_eq!(given(Cutting::Whole), [b"abcde"]);
        assert_eq!(given(Cutting::ByteByByte), [b"a", b"b", b"c", b"d", b"e"]);
        assert_eq!(given(Cutting::At(1)), [&b"a"[..], b"bcde"]);
        assert_eq!(given(Cutting::At(2)), [&b"ab"[..], b"cde"]);
        assert_eq!(given(Cutting::At(4)), [&b"abcd"[..], b"e"]);
    }
}
