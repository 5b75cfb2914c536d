//! All of `vectors/` through the core itself: read exactly, as a raw descriptor must, and read in bulk.

use std::io::{Read, Write};

use socks_conformance::conformance_tests;
use socks_conformance::driver::{Driver, Failure, Negotiated};
use socks_conformance::pipe::Pipe;
use socks_conformance::vector::{Construct, Milestone, Refusal, What, load};
use socks_proto::{
    Command, DomainName, Error, Handshake, LengthError, Offer, ParseTargetError, Step, TargetAddr, UserPass, udp,
};

conformance_tests! {
    read_exactly: Core { bulk: None, events: Vec::new() };
    read_in_bulk: Core { bulk: Some(4096), events: Vec::new() };
    read_in_bulk_of_three_bytes: Core { bulk: Some(3), events: Vec::new() };
}

/// The core's loop over a pipe in memory.
struct Core {
    /// How many bytes to read where the core asks for fewer; `None` reads what it asks for.
    bulk: Option<usize>,
    events: Vec<Milestone>,
}

impl Driver for Core {
    type Transport = Pipe;
    type Error = Failure;

    fn negotiate(&mut self, mut pipe: Pipe, command: Command, offer: Offer) -> Result<Negotiated, Failure> {
        self.events.clear();
        let mut handshake = Handshake::new(command, offer);
        let mut input = Vec::new();
        loop {
            match handshake.step()? {
                Step::Send(bytes) => {
                    let n = pipe.write(bytes)?;
                    handshake.sent(n);
                }
                Step::Receive { at_most } => self.receive(&mut handshake, &mut pipe, &mut input, at_most.get())?,
                Step::Event(event) => self.events.push(Milestone::new(event, &handshake)),
                _ => break,
            }
        }
        let done = handshake.into_established().expect("the handshake says that it is done");
        Ok(Negotiated {
            bound: Some(done.bound),
            peer: done.peer,
            method: Some(done.method),
            early: Some(done.early),
            unread: input,
        })
    }

    fn is(error: &Failure, expected: &Error) -> bool {
        matches!(error, Failure::Socks(error) if error == expected)
    }

    fn events(&mut self) -> Option<Vec<Milestone>> {
        Some(self.events.clone())
    }
}

impl Core {
    /// One read, unless there is something left of an earlier one.
    fn receive(
        &self,
        handshake: &mut Handshake,
        pipe: &mut Pipe,
        input: &mut Vec<u8>,
        at_most: usize,
    ) -> Result<(), Failure> {
        if input.is_empty() {
            let mut buf = [0; 4096];
            let n = pipe.read(&mut buf[..self.bulk.unwrap_or(at_most).min(4096)])?;
            input.extend_from_slice(&buf[..n]);
            if n == 0 {
                return Err(handshake.receive_eof().into());
            }
        }
        let used = handshake.receive(input)?;
        assert!(used > 0, "asked for input, and took none of it");
        assert!(self.bulk.is_some() || used == input.len(), "asked for {at_most}, and took {used}");
        input.drain(..used);
        Ok(())
    }
}

#[test]
fn datagrams_and_their_headers() {
    let mut ran = 0;
    for vector in load() {
        match vector.what {
            What::Datagram { datagram, outcome } => {
                let got = udp::decode(&datagram);
                let place = got.ok().and_then(|got| got.fragment()).map(|part| (part.position, part.last));
                let expected = outcome.as_ref().ok().filter(|(frag, ..)| *frag > 0);
                assert_eq!(place, expected.map(|(frag, ..)| (frag % 128, *frag >= 128)), "{}", vector.name);
                let got = got.map(|got| (got.frag, got.peer, got.payload.to_vec()));
                assert_eq!(got, outcome, "{}", vector.name);
            }
            What::Header { target, header } => {
                let mut got = Vec::new();
                udp::encode_header(&target, &mut got);
                assert_eq!(got, header, "{}", vector.name);
                assert_eq!(udp::header_len(&target), header.len(), "{}", vector.name);
            }
            _ => continue,
        }
        ran += 1;
    }
    assert!(ran > 20, "only {ran} vectors of datagrams");
}

#[test]
fn what_does_not_fit_cannot_be_made() {
    let mut ran = 0;
    for vector in load() {
        let What::Construct { construct, outcome } = vector.what else { continue };
        let length = |error: LengthError| Refusal::Length(error.len());
        let got = match construct {
            Construct::Name(octets) => DomainName::new(octets).map(drop).map_err(length),
            Construct::UserPass(user, password) => UserPass::new(user, password).map(drop).map_err(length),
            Construct::Target(text) => text.parse::<TargetAddr>().map(drop).map_err(|error| match error {
                ParseTargetError::Host(error) => length(error),
                error => Refusal::Target(error),
            }),
        };
        assert_eq!(got, Err(outcome), "{}", vector.name);
        ran += 1;
    }
    assert!(ran > 10, "only {ran} vectors of constructors");
}
