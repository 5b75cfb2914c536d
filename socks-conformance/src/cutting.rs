//! How the bytes of a vector reach the client.

use socks_proto::Error;

use crate::vector::Exchange;

/// Where what the proxy says is cut into pieces, each of which a read returns at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// Not at all: as much as the proxy can say without hearing more of the client.
    Whole,
    /// Into single bytes.
    ByteByByte,
    /// Once, before this offset.
    At(usize),
    /// The proxy closes after so many bytes.
    EofAt(usize),
}

/// One vector in one of its cuttings.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// What is negotiated.
    pub exchange: &'a Exchange,
    /// How the proxy's bytes come.
    pub cutting: Cutting,
    /// Whether bytes of the application follow right behind the last reply.
    pub application: bool,
    /// How many bytes a write takes at most, in memory.
    pub write_cap: Option<usize>,
    /// Whether every other read and write would block, in memory.
    pub restless: bool,
}

/// Of a stream longer than this, which is a token of GSSAPI, the middle is all alike.
const LONG: usize = 1024;

/// How many of the cases are worth their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    /// A cut at every offset.
    Every,
    /// The same only near the ends: for sockets, where a cut cannot be enforced and a case costs a connection.
    NearTheEnds,
}

impl<'a> Case<'a> {
    /// All cases of a vector.
    pub fn all(exchange: &'a Exchange, density: Density, restless: bool) -> Vec<Self> {
        let len = exchange.stream_len();
        let success = exchange.outcome.is_ok();
        let case = |cutting| Self { exchange, cutting, application: success, write_cap: None, restless: false };
        let near_the_ends = |offset: usize| offset < 12 || offset + 4 > len;
        let worth = |offset: &usize| near_the_ends(*offset) || (density == Density::Every && len <= LONG);
        let mut cases = vec![
            Self { application: false, ..case(Cutting::Whole) },
            case(Cutting::ByteByByte),
            Self { write_cap: Some(1), ..case(Cutting::Whole) },
            Self { write_cap: Some(7), ..case(Cutting::ByteByByte) },
        ];
        if success {
            cases.push(case(Cutting::Whole));
        }
        if restless {
            cases.push(Self { restless, ..case(Cutting::Whole) });
            cases.push(Self { restless, write_cap: Some(1), ..case(Cutting::ByteByByte) });
        }
        // At the very end only the application's bytes are cut off.
        let last = if success { len } else { len.saturating_sub(1) };
        cases.extend((1..=last).filter(worth).map(|offset| case(Cutting::At(offset))));
        let eof = |offset| Self { application: false, ..case(Cutting::EofAt(offset)) };
        cases.extend((0..len).filter(worth).map(eof));
        cases
    }

    /// How many bytes of the vector the proxy says.
    pub fn said(&self) -> usize {
        match self.cutting {
            Cutting::EofAt(offset) => offset,
            _ => self.exchange.stream_len(),
        }
    }

    /// What has to come out.
    pub fn outcome(&self) -> Result<(), Error> {
        match self.cutting {
            Cutting::EofAt(offset) => self.exchange.outcome_of_eof(offset),
            _ => self.exchange.outcome.clone(),
        }
    }

    /// What the application has to find in the stream.
    pub fn application_bytes(&self) -> Vec<u8> {
        if self.application { self.exchange.application() } else { Vec::new() }
    }
}
