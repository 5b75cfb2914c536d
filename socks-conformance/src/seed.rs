//! Inputs of the fuzz targets: what their bytes mean, and those that the vectors make.
//!
//! The targets in `fuzz/` read them, `cargo xtask fuzz` writes the seeds. Every sequence of bytes has a meaning, and each
//! byte one of its own, so that a fuzzer which changes one changes one thing. (The crate `arbitrary` reads lengths from
//! the end of its input, and no vector could be written down for it.)

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socks_proto::{Auth, Command, DomainName, Login, Offer, Protection, TargetAddr, UserPass};

use crate::layer;
use crate::vector::{Exchange, Line, MethodSpec, OfferSpec, What, load};

/// The targets that the vectors have seeds for.
pub const TARGETS: [&str; 4] = ["reply", "handshake_ops", "udp", "server"];

/// What a client wants, in two bytes and one for each method.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it asks for.
    pub command: Command,
    /// What it offers, apart from the private method.
    pub offer: OfferSpec,
    /// Whether it offers [`layer::Toy`] after all else.
    pub private: bool,
}

impl Setup {
    /// Takes one off the front of an input. What the input lacks is zero.
    pub fn take(input: &mut &[u8]) -> Self {
        let (what, how) = (byte(input), byte(input));
        let target = target(what >> 3);
        let command = match (what & 0x07, target) {
            (1, _) => Command::Bind(target),
            (2, _) => Command::UdpAssociate(target),
            (3, TargetAddr::Name(name, _)) => Command::Resolve(name),
            (4, TargetAddr::Ip(addr)) => Command::ResolvePtr(addr.ip()),
            _ => Command::Connect(target),
        };
        let login = login(what & 0x20 != 0);
        let methods = (0..=how & 0x03).map(|_| method(byte(input), &login)).collect();
        let offer = OfferSpec { methods, one_round_trip: how & 0x04 != 0 };
        Self { command, offer, private: how & 0x08 != 0 }
    }

    /// Makes the offer.
    ///
    /// # Panics
    /// Never: the number of the toy method is a private one.
    pub fn offer(&self) -> Offer {
        let offer = self.offer.build();
        if !self.private {
            return offer;
        }
        offer.or(Auth::private(layer::METHOD, Box::new(layer::Toy)).ok().expect("a private number"))
    }

    /// Whether all goes out at once.
    pub fn is_one_round_trip(&self) -> bool {
        self.offer.one_round_trip && !self.private && matches!(self.offer.methods[0], MethodSpec::Login(_))
    }

    /// Whether it offers no more than promises to allocate nothing.
    pub fn is_plain(&self) -> bool {
        !self.private && !self.offer.has_gssapi()
    }

    /// The bytes for what a vector wants, with another target of the same kind and another login.
    fn of(exchange: &Exchange) -> Vec<u8> {
        let command = match exchange.command {
            Command::Bind(_) => 1,
            Command::UdpAssociate(_) => 2,
            Command::Resolve(_) => 3,
            Command::ResolvePtr(_) => 4,
            _ => 0,
        };
        let kind = match exchange.command.target() {
            TargetAddr::Ip(addr) => u8::from(addr.is_ipv6()),
            TargetAddr::Name(name, _) => 2 + u8::from(name.as_bytes().len() > 100),
        };
        let OfferSpec { methods, one_round_trip } = &exchange.offer;
        let long = exchange.offer.user_pass().is_some_and(|login| login.username().len() > 100);
        let what = command | kind << 3 | u8::from(long) << 5;
        let how = (methods.len() as u8 - 1) & 0x03 | u8::from(*one_round_trip) << 2;
        let methods = methods.iter().take(4).map(|method| match method {
            MethodSpec::Login(Login::None) => 0,
            MethodSpec::Login(Login::UserPass(_)) => 1,
            MethodSpec::Gssapi { legs, proposed, least } => {
                2 | (*legs as u8 & 0x03) << 2 | (*proposed as u8) << 4 | (*least as u8) << 6
            }
        });
        [what, how].into_iter().chain(methods).collect()
    }
}

fn byte(input: &mut &[u8]) -> u8 {
    let Some((&first, rest)) = input.split_first() else { return 0 };
    *input = rest;
    first
}

fn target(kind: u8) -> TargetAddr {
    match kind & 0x03 {
        0 => (IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)), 80).into(),
        1 => (IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 443).into(),
        2 => (DomainName::new("mail.example").expect("a name"), 25).into(),
        _ => (DomainName::new([b'n'; 255]).expect("a name"), 65_535).into(),
    }
}

fn login(long: bool) -> UserPass {
    let login = if long { UserPass::new([b'u'; 255], [b'p'; 255]) } else { UserPass::new("ann", "s3cret") };
    login.expect("1 to 255 octets")
}

fn method(byte: u8, login: &UserPass) -> MethodSpec {
    const LEVELS: [Protection; 4] =
        [Protection::None, Protection::Integrity, Protection::Confidentiality, Protection::Selective];
    let level = |bits: u8| LEVELS[usize::from(bits & 0x03)];
    match byte & 0x03 {
        0 => MethodSpec::Login(Login::None),
        1 => MethodSpec::Login(Login::UserPass(login.clone())),
        _ => MethodSpec::Gssapi {
            legs: usize::from(byte >> 2 & 0x03),
            proposed: level(byte >> 4),
            least: level(byte >> 6),
        },
    }
}

/// The bytes of a server, and in which pieces they are to be read.
#[derive(Clone, Debug)]
pub struct Reply<'a> {
    /// Who reads them.
    pub setup: Setup,
    /// Sizes of reads, over and over; none is zero. At least one.
    pub sizes: Vec<usize>,
    /// What the server says.
    pub bytes: &'a [u8],
}

impl<'a> Reply<'a> {
    /// What the bytes mean to the target `reply`.
    pub fn parse(mut input: &'a [u8]) -> Self {
        let setup = Setup::take(&mut input);
        let sizes = (0..=byte(&mut input) & 0x03).map(|_| 1 + usize::from(byte(&mut input))).collect();
        Self { setup, sizes, bytes: input }
    }

    fn of(exchange: &Exchange, sizes: &[u8], behind: &[u8]) -> Vec<u8> {
        [&Setup::of(exchange)[..], &[sizes.len() as u8 - 1], sizes, &exchange.stream(), behind].concat()
    }
}

/// One call of a client, as the target `handshake_ops` reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op<'a> {
    /// Asks for the next step.
    Step,
    /// Says that so many bytes have left.
    Sent(usize),
    /// Says that all of the last [`Step::Send`](socks_proto::Step::Send) has left.
    SentAll,
    /// These bytes come in, and wait behind those that are there.
    Arrive(&'a [u8]),
    /// Gives the handshake up to so many of the bytes that are there.
    Receive(usize),
    /// Gives it as many as it asked for, if they are there.
    ReceiveAsked,
    /// Says that the proxy closed its side.
    Eof,
    /// Looks at it, from outside.
    Look,
}

impl<'a> Op<'a> {
    /// Takes one off the front of an input.
    pub fn take(input: &mut &'a [u8]) -> Option<Self> {
        let (&first, rest) = input.split_first()?;
        *input = rest;
        Some(match first & 0x07 {
            0 => Self::Step,
            1 => Self::Sent(byte(input).into()),
            2 => Self::SentAll,
            3 => {
                let len = usize::from(byte(input));
                let (bytes, rest) = input.split_at(len.min(input.len()));
                *input = rest;
                Self::Arrive(bytes)
            }
            4 => Self::Receive(byte(input).into()),
            5 => Self::ReceiveAsked,
            6 => Self::Eof,
            _ => Self::Look,
        })
    }

    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Step => out.push(0),
            Self::Sent(n) => out.extend([1, n as u8]),
            Self::SentAll => out.push(2),
            Self::Arrive(bytes) => bytes.chunks(255).for_each(|piece| {
                out.extend([3, piece.len() as u8]);
                out.extend_from_slice(piece);
            }),
            Self::Receive(n) => out.extend([4, n as u8]),
            Self::ReceiveAsked => out.push(5),
            Self::Eof => out.push(6),
            Self::Look => out.push(7),
        }
    }

    /// A client that does what a vector says, and says `how` it reads.
    fn of(exchange: &Exchange, how: Self) -> Vec<u8> {
        let mut out = Setup::of(exchange);
        for line in &exchange.script {
            let ops: &[Op<'_>] = match line {
                Line::Send(_) => &[Op::Step, Op::SentAll],
                Line::Recv(_, bytes) => &[Op::Step, Op::Arrive(bytes), how, Op::Step, how, Op::Look],
                Line::Event(_) => &[Op::Step],
            };
            ops.iter().for_each(|op| op.put(&mut out));
        }
        let end = if exchange.closes { Self::Eof } else { Self::Step };
        [end, Self::Step].into_iter().for_each(|op| op.put(&mut out));
        out
    }
}

/// The seeds of a target, each with a name of its own.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for vector in load() {
        let mut add = |how: &str, bytes| seeds.push((format!("{}-{how}", vector.name.replace('/', "-")), bytes));
        match (target, &vector.what) {
            ("reply", What::Exchange(exchange)) => {
                add("whole", Reply::of(exchange, &[255], b""));
                add("cut", Reply::of(exchange, &[0, 2], &exchange.application()));
            }
            ("handshake_ops", What::Exchange(exchange)) => {
                add("exactly", Op::of(exchange, Op::ReceiveAsked));
                add("in-bulk", Op::of(exchange, Op::Receive(255)));
            }
            ("udp", What::Datagram { datagram, .. }) => add("datagram", datagram.clone()),
            ("udp", What::Header { header, .. }) => add("header", [header, &b"query"[..]].concat()),
            ("server", What::Exchange(exchange)) => {
                for (number, line) in exchange.script.iter().enumerate() {
                    if let Line::Send(bytes) = line {
                        add(&number.to_string(), bytes.clone());
                    }
                }
            }
            _ => {}
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::exchanges;

    #[test]
    fn a_seed_means_what_its_vector_means() {
        for (vector, exchange) in exchanges() {
            let bytes = Reply::of(&exchange, &[0, 2], b"behind");
            let reply = Reply::parse(&bytes);
            assert_eq!(reply.setup.command.code(), exchange.command.code(), "{}", vector.name);
            assert_eq!(reply.setup.is_one_round_trip(), exchange.offer.one_round_trip, "{}", vector.name);
            assert_eq!(kinds(&reply.setup.offer), kinds(&exchange.offer), "{}", vector.name);
            assert_eq!(reply.sizes, [1, 3]);
            assert_eq!(reply.bytes, [&exchange.stream()[..], b"behind"].concat(), "{}", vector.name);
        }
    }

    /// The methods, whatever the login is.
    fn kinds(offer: &OfferSpec) -> Vec<MethodSpec> {
        let methods = offer.methods.iter().cloned();
        let kind = |method| match method {
            MethodSpec::Login(Login::UserPass(_)) => MethodSpec::Login(login(false).into()),
            other => other,
        };
        methods.map(kind).collect()
    }

    #[test]
    fn ops_are_read_as_they_were_written() {
        let ops = [
            Op::Step,
            Op::Sent(7),
            Op::SentAll,
            Op::Arrive(b"abc"),
            Op::Receive(255),
            Op::ReceiveAsked,
            Op::Eof,
            Op::Look,
        ];
        let mut bytes = Vec::new();
        ops.iter().for_each(|op| op.put(&mut bytes));
        let mut rest = &bytes[..];
        let read: Vec<_> = std::iter::from_fn(|| Op::take(&mut rest)).collect();
        assert_eq!(read, ops);
    }

    #[test]
    fn every_target_has_seeds_with_names_of_their_own() {
        for target in TARGETS {
            let mut names: Vec<_> = seeds(target).into_iter().map(|(name, _)| name).collect();
            assert!(names.len() > 20, "{target}: only {}", names.len());
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{target}");
        }
    }

    #[test]
    fn every_input_has_a_meaning() {
        for first in 0..=255 {
            for len in 0..8 {
                let input = vec![first; len];
                let reply = Reply::parse(&input);
                let _ = reply.setup.offer();
                assert!(!reply.sizes.is_empty() && reply.sizes.iter().all(|&size| size > 0));
            }
        }
    }
}
