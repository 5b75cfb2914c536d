//! A hostile proxy over loopback TCP, and what every adapter has to make of it.
//!
//! [`conversation`] says what a sound proxy answers, [`case`](mod@case) spoils that at every byte, [`oracle`] asks the core
//! what has to come of it, [`hostile`] plays it, [`lanes`] runs many of them at once, and [`census`] counts what is left
//! behind. An adapter's `tests/faults.rs` says in a dozen lines how it makes a request:
//!
//! * no client waits longer than it may, or gives up earlier than it should;
//! * each fails as the core says of the same bytes, or with what the stream said;
//! * to whom the request was granted, every byte behind the answer is told as it came, and none is made up;
//! * the connection is closed, and no descriptor and no memory stays behind.

pub mod case;
pub mod census;
pub mod conversation;
pub mod hostile;
pub mod lanes;
pub mod oracle;
pub mod report;

use std::fmt::{self, Debug};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use socks_config::ProxyRule;
use socks_proto::{Command, Error, TargetAddr};

use self::conversation::Conversation;

/// What the application says to its target, and hears again.
pub const SAID: &[u8] = b"to the target and back: every byte of this, in this order, and no other\r\n";

/// What makes requests: an adapter, or a C program over libsocks.
pub trait Client: Sync {
    /// How it fails.
    type Error: Debug + Send;

    /// How long a request may take of which nothing will come.
    const SHORT: Duration = Duration::from_millis(250);

    /// How many requests are under way at once.
    const LANES: usize = 48;

    /// How many bytes may be left behind: less than one for a case. A runtime keeps room for as many sockets as were ever
    /// open at once, and on a busy machine that may be more than while it was warming up.
    const SLACK: i64 = 4 << 10;

    /// Whether it has such a request.
    fn takes(&self, _: &Conversation) -> bool {
        true
    }

    /// How it asks for this.
    fn command(&self, conversation: &Conversation, target: TargetAddr) -> Command {
        conversation.command(target)
    }

    /// Makes the request; where it is granted, says [`SAID`], reads to the end, and closes.
    ///
    /// # Errors
    /// Its own error, which [`is`](Self::is) understands.
    fn run(&self, request: &Request) -> Result<Heard, Self::Error>;

    /// Whether this is how it says so.
    fn is(error: &Self::Error, failure: &Failure) -> bool;
}

/// What a [`Client`] is to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which of those that are under way at once.
    pub lane: usize,
    /// What it is about.
    pub target: SocketAddr,
    /// CONNECT or BIND.
    pub command: Command,
    /// The proxy, its options and the login.
    pub rule: ProxyRule,
    /// How long it may take; with BIND, each of both replies.
    pub timeout: Duration,
}

/// How a request has to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The core's word.
    Handshake(Error),
    /// The proxy did not answer in time.
    TimedOut,
    /// It reset the connection.
    Reset,
}

impl Failure {
    /// Whether this is how an adapter says so.
    pub fn is_told_by(&self, error: &socks_adapter::Error) -> bool {
        use socks_adapter::Error as Told;
        match (self, error) {
            (Self::Handshake(expected), Told::Handshake(error)) => error == expected,
            (Self::TimedOut, Told::TimedOut { .. }) => true,
            // On a busy machine the time may be over before there is a connection.
            (Self::TimedOut, Told::CouldNotReach(_)) => error.kind() == io::ErrorKind::TimedOut,
            // Before a word was said, there may have been no connection for all that can be seen.
            (Self::Reset, Told::Io { .. } | Told::CouldNotReach(_)) => {
                matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
            }
            _ => false,
        }
    }
}

/// What an application heard to which the request was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The bytes.
    pub bytes: Digest,
    /// How they ended, if not well.
    pub broken: Option<io::ErrorKind>,
}

impl Heard {
    /// All of these, and then this.
    pub fn new(bytes: &[u8], outcome: io::Result<()>) -> Self {
        let broken = outcome.err().map(|error| match error.kind() {
            // What a write says of a connection that a read would call reset.
            io::ErrorKind::BrokenPipe => io::ErrorKind::ConnectionReset,
            kind => kind,
        });
        Self { bytes: Digest::of(bytes), broken }
    }

    /// [`SAID`] is said over this stream, and all is read.
    pub fn over(stream: &mut (impl Read + Write)) -> Self {
        let mut bytes = Vec::new();
        let outcome = stream.write_all(SAID).and_then(|()| stream.read_to_end(&mut bytes).map(drop));
        Self::new(&bytes, outcome)
    }
}

/// Bytes without the bytes: as much of them as shows whether they are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// How many.
    pub len: usize,
    /// FNV-1a of 64 bits.
    pub hash: u64,
}

impl Digest {
    /// That of these.
    pub fn of(bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self { len: bytes.len(), hash: bytes.iter().fold(0xcbf2_9ce4_8422_2325, step) }
    }
}

impl Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of hash {:016x}", self.len, self.hash)
    }
}

/// Makes one test of all clients, one after the other, since what they leave behind is counted for the whole process:
/// `fault_tests! { connect: MyClient::default(); }`.
#[macro_export]
macro_rules! fault_tests {
    ($($name:ident: $client:expr;)+) => {
        #[global_allocator]
        static ALLOCATOR: $crate::allocations::Counting = $crate::allocations::Counting;

        #[test]
        fn faults() {
            $(
                $crate::faults::lanes::run_all(&$client, env!("CARGO_PKG_NAME"), stringify!($name));
            )+
        }
    };
}
