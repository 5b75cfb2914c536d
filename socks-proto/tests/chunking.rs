//! Properties of the core that hold for any bytes and any cutting of them.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use socks_conformance::cutting::{Case, Cutting};
use socks_conformance::script::{Act, Script};
use socks_conformance::vector::{Exchange, Milestone, exchanges};
use socks_proto::{Command, Error, Event, Handshake, Login, MethodId, Offer, Phase, Step, TargetAddr, WireAddr};

/// All vectors but those whose length makes the middle of a stream dull.
static EXCHANGES: LazyLock<Vec<Exchange>> =
    LazyLock::new(|| exchanges().into_iter().map(|(_, exchange)| exchange).filter(|e| e.stream_len() < 2000).collect());

/// What a client comes to know.
#[derive(Debug, PartialEq)]
struct Known {
    sent: Vec<u8>,
    events: Vec<Milestone>,
    outcome: Result<(WireAddr, Option<WireAddr>, Vec<u8>), Error>,
    /// Of the bytes that were there.
    consumed: usize,
}

/// A client that reads and writes in pieces of the given sizes, over and over.
fn negotiate(command: Command, offer: Offer, script: Script, reads: &[usize], writes: &[usize]) -> Known {
    let mut handshake = Handshake::new(command, offer);
    let mut acts = script.acts;
    let mut sizes = reads.iter().cycle();
    let mut caps = writes.iter().cycle();
    let (mut sent, mut events, mut consumed) = (Vec::new(), Vec::new(), 0);
    // What was read and not consumed.
    let mut input = Vec::new();
    let outcome = loop {
        match handshake.step() {
            Err(error) => break Err(error),
            Ok(Step::Event(event)) => events.push(Milestone::new(event, &handshake)),
            Ok(Step::Send(bytes)) => {
                let n = bytes.len().min(*caps.next().expect("a size"));
                sent.extend_from_slice(&bytes[..n]);
                handshake.sent(n);
            }
            Ok(Step::Receive { .. }) => {
                // One piece more, and all that is there already with it.
                let size = *sizes.next().expect("a size");
                while matches!(acts.front(), Some(Act::Expect(_))) {
                    acts.pop_front();
                }
                match acts.front_mut() {
                    Some(Act::Give(bytes)) => {
                        let rest = bytes.split_off(size.min(bytes.len()));
                        input.append(bytes);
                        *bytes = rest;
                        if bytes.is_empty() {
                            acts.pop_front();
                        }
                    }
                    _ if input.is_empty() => break Err(handshake.receive_eof()),
                    _ => {}
                }
                let used = handshake.receive(&input);
                // Not before step() has told what came before the error.
                let used = used.unwrap_or(input.len());
                assert!(used <= input.len());
                assert!(used > 0, "asked for input, and took none of it");
                consumed += used;
                input.drain(..used);
            }
            Ok(_) => {
                let done = handshake.into_established().expect("it says so");
                break Ok((done.bound, done.peer, done.early));
            }
        }
    };
    // How much of a message is looked at after it is known to be bad is nobody's business.
    let consumed = if outcome.is_ok() { consumed } else { 0 };
    Known { sent, events, outcome, consumed }
}

fn script(exchange: &Exchange, application: bool) -> Script {
    Script::new(&Case { exchange, cutting: Cutting::Whole, application, write_cap: None, restless: false })
}

/// A caller that stops at the first reply to BIND, to tell somebody where to connect, still has what is behind it.
#[test]
fn the_second_reply_waits_until_the_first_is_told() {
    let command = Command::Bind(TargetAddr::UNSPECIFIED);
    let mut handshake = Handshake::new(command, Offer::one_round_trip(Login::None));
    let Ok(Step::Send(flight)) = handshake.step() else { panic!("the flight") };
    let len = flight.len();
    handshake.sent(len);
    let both = [5, 0, 5, 0, 0, 3, 0, 0, 1, 5, 0, 0, 3, 0, 0, 2];
    assert_eq!(handshake.receive(&both), Ok(9));
    assert_eq!(handshake.step(), Ok(Step::Event(Event::MethodSelected(MethodId::NONE))));
    assert_eq!(handshake.receive(&both[9..]), Ok(0));
    assert_eq!(handshake.step(), Ok(Step::Event(Event::Bound)));
    assert_eq!((handshake.bound(), handshake.peer()), (Some(WireAddr::Nameless(1)), None));
    assert_eq!(handshake.receive(&both[9..]), Ok(7));
    assert_eq!(handshake.step(), Ok(Step::Event(Event::Accepted)));
    assert_eq!((handshake.bound(), handshake.peer()), (Some(WireAddr::Nameless(1)), Some(WireAddr::Nameless(2))));
    assert_eq!(handshake.step(), Ok(Step::Done));
    assert_eq!(handshake.phase(), Phase::SecondReply);
}

/// The end of the stream belongs to the application by then.
#[test]
fn what_is_done_stays_done() {
    let mut handshake = Handshake::new(Command::Connect(TargetAddr::UNSPECIFIED), Offer::one_round_trip(Login::None));
    let Ok(Step::Send(flight)) = handshake.step() else { panic!("the flight") };
    let len = flight.len();
    handshake.sent(len);
    assert_eq!(handshake.receive(&[5, 0, 5, 0, 0, 3, 0, 0, 1]), Ok(9));
    while let Ok(Step::Event(_)) = handshake.step() {}
    assert_eq!(handshake.step(), Ok(Step::Done));
    assert_eq!(handshake.receive_eof(), Error::Eof { phase: Phase::Reply });
    assert_eq!(handshake.step(), Ok(Step::Done));
    assert_eq!(handshake.into_established().expect("done").bound, WireAddr::Nameless(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_events(
        index: Index,
        application: bool,
        reads in prop::collection::vec(1_usize..40, 1..12),
        writes in prop::collection::vec(1_usize..40, 1..12),
    ) {
        let exchange = index.get(&EXCHANGES[..]);
        let application = application && exchange.outcome.is_ok();
        let run = |reads: &[usize], writes: &[usize]| {
            negotiate(exchange.command, exchange.offer.build(), script(exchange, application), reads, writes)
        };
        let whole = run(&[usize::MAX], &[usize::MAX]);
        prop_assert_eq!(&run(&reads, &writes), &whole);
        prop_assert_eq!(&whole.events, &exchange.events(exchange.stream_len()));
        prop_assert_eq!(whole.outcome.map(drop), exchange.outcome.clone());
        if exchange.outcome.is_ok() {
            prop_assert_eq!(whole.consumed, exchange.stream_len());
        }
    }

    /// The same for bytes that no server would send, which must neither panic nor be read past their end.
    #[test]
    fn any_bytes_are_survived(
        index: Index,
        honest: Index,
        noise in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..6], 0..600),
        reads in prop::collection::vec(1_usize..40, 1..12),
    ) {
        let exchange = index.get(&EXCHANGES[..]);
        // Noise at once is refused at once; behind an honest beginning it gets further.
        let mut bytes = exchange.stream();
        bytes.truncate(honest.index(bytes.len() + 1));
        bytes.extend(noise);
        let run = |reads: &[usize]| {
            let acts = [Act::Give(bytes.clone())].into_iter().filter(|_| !bytes.is_empty()).collect();
            let script = Script { acts, ..script(exchange, false) };
            negotiate(exchange.command, exchange.offer.build(), script, reads, &[usize::MAX])
        };
        let whole = run(&[usize::MAX]);
        prop_assert!(whole.consumed <= bytes.len());
        prop_assert_eq!(&run(&reads), &whole);
    }

    /// A reader that takes no more than it is asked to never holds a byte that is not the handshake's.
    #[test]
    fn what_is_asked_for_is_consumed(
        index: Index,
        noise in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..6], 0..600),
        cut: Index,
        reads in prop::collection::vec(1_usize..40, 1..12),
    ) {
        let exchange = index.get(&EXCHANGES[..]);
        let mut bytes = exchange.stream();
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend(noise);
        let mut rest = &bytes[..];
        let mut handshake = Handshake::new(exchange.command, exchange.offer.build());
        let mut sizes = reads.iter().cycle();
        while let Ok(step) = handshake.step() {
            match step {
                Step::Send(bytes) => {
                    let n = bytes.len();
                    handshake.sent(n);
                }
                Step::Receive { at_most } => {
                    let (piece, behind) = rest.split_at(rest.len().min(at_most.get()).min(*sizes.next().expect("a size")));
                    rest = behind;
                    if piece.is_empty() {
                        let _ = handshake.receive_eof();
                    } else if let Ok(used) = handshake.receive(piece) {
                        prop_assert_eq!(used, piece.len());
                    }
                }
                Step::Event(_) => {}
                _ => break,
            }
        }
    }
}
