//! Every way to spoil an answer, at every byte of it.

use std::fmt;
use std::ops::Range;

use super::conversation::Conversation;
use super::hostile::End;
use super::{Digest, Failure, Heard, Request, SAID, oracle};

/// What goes wrong. Offsets count the bytes of the sound answer that come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The proxy closes.
    Close(usize),
    /// It resets the connection.
    Reset(usize),
    /// It says nothing more.
    Stall(usize),
    /// From here on each byte comes alone.
    Dribble(usize),
    /// A flood of something else comes in place of the rest.
    Flood(usize),
    /// Random bytes come in place of the rest.
    Noise(usize),
    /// All before this comes before the client has said anything, and then the end.
    EarlyClose(usize),
    /// The same, and the connection is reset.
    EarlyReset(usize),
    /// This message, a reply, is of the longest kind, and comes so slowly that it is never complete.
    Trickle(usize),
    /// All comes before the client has said anything.
    Early,
    /// This message comes twice.
    Twice(usize),
    /// Each message comes twice.
    AllTwice,
    /// A flood of the target's bytes comes right behind the answer.
    Behind,
}

/// One fault in one conversation.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// What would be said.
    pub conversation: &'a Conversation,
    /// What goes wrong with it.
    pub fault: Fault,
    /// What the random bytes are made of.
    pub seed: u64,
}

/// What the proxy does in a case, and what has to come of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// All that it says.
    pub stream: Vec<u8>,
    /// How much it hears before it says each byte.
    pub due: Vec<usize>,
    /// From this offset on it says one byte at a time.
    pub dribbles_from: usize,
    /// Whether it then waits between two bytes: not as long as the client does, but too often.
    pub trickles: bool,
    /// Whether it does not wait for anything that it is to hear.
    pub is_early: bool,
    /// What it does then.
    pub end: End,
    /// All that it is to hear until the client closes, where it listens to that.
    pub hears: Vec<u8>,
    /// Whether the last of that may be missing. A client that has heard enough closes while its own words still wait for
    /// those before them to be acknowledged (Nagle's algorithm), and a close with bytes unread drops them; and one of little
    /// time may have had none left on a busy machine.
    pub may_be_cut: bool,
    /// How much of that is the application's.
    pub application: usize,
    /// Whether the client may also tell of the reset alone, which can overtake the answer before it.
    pub may_be_reset: bool,
    /// What the client has to tell.
    pub expected: Result<Heard, Failure>,
}

/// More than any socket's buffer holds.
const BEHIND: usize = 1 << 20;
const FLOOD: usize = 1 << 16;
/// Longer than any reply.
const NOISE: usize = 600;

impl<'a> Case<'a> {
    /// All cases of a conversation.
    pub fn all(conversation: &'a Conversation, seed: u64) -> impl Iterator<Item = Self> {
        let len = conversation.stream().len();
        let (inside, until_the_end): (Range<usize>, Range<usize>) = (0..len, 0..len + 1);
        let by_byte = [
            (until_the_end.clone(), Fault::Close as fn(usize) -> Fault),
            (until_the_end.clone(), Fault::Reset),
            (inside.clone(), Fault::Stall),
            (inside.clone(), Fault::Dribble),
            (until_the_end.clone(), Fault::Flood),
            (until_the_end.clone(), Fault::Noise),
            (until_the_end.clone(), Fault::EarlyClose),
            (until_the_end, Fault::EarlyReset),
            (conversation.replies(), Fault::Trickle),
            (0..conversation.messages.len(), Fault::Twice),
        ];
        let whole = [Fault::Early, Fault::AllTwice, Fault::Behind];
        let faults = by_byte.into_iter().flat_map(|(at, fault)| at.map(fault)).chain(whole);
        faults.map(move |fault| Case { conversation, fault, seed })
    }

    /// What the proxy does when it is asked for this.
    pub fn plan(&self, request: &Request) -> Plan {
        let sound = self.conversation.stream();
        let (stream, end) = self.stream(&sound);
        let offer = request.rule.servers()[0].offer(request.rule.credentials());
        let verdict = oracle::ask(request.command, offer, &stream);
        // Whoever is to talk with a client that will not come to it has no more to say.
        let granted = matches!(verdict.outcome, oracle::Outcome::Granted(_));
        let end = if end == End::Echo && !granted { End::Close } else { end };
        let application = if granted { SAID } else { &[] };
        let expected = match verdict.outcome {
            oracle::Outcome::Granted(used) => {
                let echo = if end == End::Echo { SAID } else { &[] };
                let bytes = Digest::of(&[&stream[used..], echo].concat());
                let broken = (end == End::Reset).then_some(std::io::ErrorKind::ConnectionReset);
                Ok(Heard { bytes, broken })
            }
            oracle::Outcome::Failed(error) => Err(Failure::Handshake(error)),
            oracle::Outcome::Wanting(error) => Err(match end {
                End::Reset => Failure::Reset,
                End::Silence => Failure::TimedOut,
                End::Close | End::Echo => Failure::Handshake(error),
            }),
        };
        let is_early = matches!(self.fault, Fault::Early | Fault::EarlyClose(_) | Fault::EarlyReset(_));
        Plan {
            due: if is_early { vec![0; stream.len()] } else { verdict.due },
            dribbles_from: match self.fault {
                Fault::Dribble(from) => from,
                Fault::Trickle(which) => self.before(which).len(),
                _ => stream.len(),
            },
            trickles: matches!(self.fault, Fault::Trickle(_)),
            is_early,
            may_be_reset: end == End::Reset && (is_early || granted),
            end,
            hears: [&verdict.said, application].concat(),
            may_be_cut: (is_early && expected.is_err()) || expected == Err(Failure::TimedOut),
            application: application.len(),
            expected,
            stream,
        }
    }

    /// All that the proxy says before this message.
    fn before(&self, which: usize) -> Vec<u8> {
        self.conversation.messages[..which].concat()
    }

    /// What the proxy says, and what it does then.
    fn stream(&self, sound: &[u8]) -> (Vec<u8>, End) {
        let spoiled = |at: usize, rest: &[u8]| [&sound[..at], rest].concat();
        let twice = |twice: &dyn Fn(usize) -> bool| {
            let messages = self.conversation.messages.iter().enumerate();
            messages.flat_map(|(at, message)| message.repeat(1 + usize::from(twice(at)))).collect()
        };
        match self.fault {
            Fault::Close(at) | Fault::EarlyClose(at) => (spoiled(at, &[]), End::Close),
            Fault::Reset(at) | Fault::EarlyReset(at) => (spoiled(at, &[]), End::Reset),
            Fault::Stall(at) => (spoiled(at, &[]), End::Silence),
            Fault::Dribble(_) | Fault::Early => (sound.to_vec(), End::Echo),
            Fault::Flood(at) => (spoiled(at, &b"HTTP/1.1 400 Bad Request\r\n".repeat(FLOOD / 26)), End::Echo),
            Fault::Noise(at) => (spoiled(at, &self.noise(NOISE)), End::Echo),
            Fault::Behind => (spoiled(sound.len(), &self.noise(BEHIND)), End::Echo),
            // As long as a name can be, and its port: all but the last byte of that.
            Fault::Trickle(which) => {
                ([&self.before(which)[..], b"\x05\0\0\x03\xff", &[b'a'; 256]].concat(), End::Silence)
            }
            Fault::Twice(which) => (twice(&|at| at == which), End::Echo),
            Fault::AllTwice => (twice(&|_| true), End::Echo),
        }
    }

    /// Bytes that look random, and are the same for each run with the same seed (xorshift64* over the case's name).
    fn noise(&self, len: usize) -> Vec<u8> {
        let mut state = (Digest::of(self.to_string().as_bytes()).hash ^ self.seed).max(1);
        let next = || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(len).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(at) => write!(f, "byte {at} close"),
            Self::Reset(at) => write!(f, "byte {at} reset"),
            Self::Stall(at) => write!(f, "byte {at} stall"),
            Self::Dribble(at) => write!(f, "byte {at} dribble"),
            Self::Flood(at) => write!(f, "byte {at} flood"),
            Self::Noise(at) => write!(f, "byte {at} noise"),
            Self::EarlyClose(at) => write!(f, "byte {at} early close"),
            Self::EarlyReset(at) => write!(f, "byte {at} early reset"),
            Self::Trickle(which) => write!(f, "message {which} trickle"),
            Self::Early => f.write_str("early"),
            Self::Twice(which) => write!(f, "message {which} twice"),
            Self::AllTwice => f.write_str("twice"),
            Self::Behind => f.write_str("flood behind"),
        }
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.conversation, self.fault)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use super::super::lanes::cases;
    use super::*;

    fn request(conversation: &Conversation) -> Request {
        let target = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 80));
        let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, 1080));
        let (command, rule) = (conversation.command(target.into()), conversation.rule(proxy));
        Request { lane: 0, target, command, rule, timeout: Duration::ZERO }
    }

    fn plan(conversation: &Conversation, fault: Fault) -> Plan {
        Case { conversation, fault, seed: 7 }.plan(&request(conversation))
    }

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let conversations = Conversation::all();
        let cases = cases(&conversations);
        let names: HashSet<String> = cases.iter().map(Case::to_string).collect();
        assert!(names.contains("reply-ipv4 stepwise login byte 7 reset"), "{names:?}");
        assert_eq!(names.len(), cases.len());
    }

    #[test]
    fn a_sound_answer_comes_to_what_it_says() {
        for conversation in Conversation::all() {
            let grants = matches!(conversation.name, "reply-ipv4" | "reply-ipv6" | "reply-name" | "bind");
            let plan = plan(&conversation, Fault::Dribble(0));
            let echo = Heard { bytes: Digest::of(SAID), broken: None };
            match grants {
                true => assert_eq!(plan.expected, Ok(echo), "{conversation}"),
                false => assert!(matches!(plan.expected, Err(Failure::Handshake(_))), "{conversation}"),
            }
            // Nothing is said before the client has greeted.
            assert!(plan.due[0] > 0 && plan.due.is_sorted(), "{conversation}");
        }
    }

    #[test]
    fn what_is_cut_short_fails_in_the_way_of_the_cut() {
        let conversations = Conversation::all();
        let granted = conversations.iter().find(|conversation| conversation.name == "reply-ipv6").expect("one");
        assert!(matches!(plan(granted, Fault::Close(5)).expected, Err(Failure::Handshake(_))));
        assert_eq!(plan(granted, Fault::Reset(5)).expected, Err(Failure::Reset));
        assert_eq!(plan(granted, Fault::Stall(5)).expected, Err(Failure::TimedOut));
        assert_eq!(plan(granted, Fault::Trickle(1)).expected, Err(Failure::TimedOut));
        let behind = plan(granted, Fault::Twice(1)).expected.expect("the second copy is the application's");
        assert_eq!(behind.bytes.len, granted.messages[1].len() + SAID.len());
    }

    #[test]
    fn random_bytes_come_again_with_their_seed() {
        let conversation = &Conversation::all()[0];
        let stream = |seed| Case { conversation, fault: Fault::Noise(1), seed }.plan(&request(conversation)).stream;
        assert_eq!(stream(7), stream(7));
        assert_ne!(stream(7), stream(8));
    }
}
