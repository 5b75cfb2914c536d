//! A case of `vectors/`, as its file says it. `vectors/README.md` has the format.

use std::path::{Path, PathBuf};
use std::{fs, io};

use socks_proto::udp::DatagramError;
use socks_proto::{
    Auth, Command, Error, Event, Gssapi, Handshake, Login, MethodId, Offer, ParseTargetError, Phase, Protection,
    TargetAddr, UserPass, WireAddr,
};

use crate::gss::{self, ToyContext};
use crate::parse;

/// One file.
#[derive(Clone, Debug)]
pub struct Vector {
    /// `folder/file`, without the extension.
    pub name: String,
    /// What happens, in a sentence.
    pub title: String,
    /// The section that it belongs to.
    pub cite: String,
    /// What is tried.
    pub what: What,
}

/// What a [`Vector`] tries.
// A few hundred of them, all alive as long as the tests.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum What {
    /// A negotiation over a stream.
    Exchange(Exchange),
    /// A datagram that the relay sent.
    Datagram {
        /// All of it.
        datagram: Vec<u8>,
        /// FRAG, sender and user data, or why it is none.
        outcome: Result<(u8, WireAddr, Vec<u8>), DatagramError>,
    },
    /// The header of a datagram to the relay.
    Header {
        /// Where the datagram is to go.
        target: TargetAddr,
        /// What the client writes before the user data.
        header: Vec<u8>,
    },
    /// Something that cannot be made, so that nothing wrong is ever sent.
    Construct {
        /// What is tried.
        construct: Construct,
        /// What comes of it.
        outcome: Refusal,
    },
}

/// What a caller tries to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Construct {
    /// A name of these octets.
    Name(Vec<u8>),
    /// A login of these.
    UserPass(Vec<u8>, Vec<u8>),
    /// A target from a text.
    Target(String),
}

/// Why it cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A text of so many octets.
    Length(usize),
    /// The text is no target; never [`ParseTargetError::Host`].
    Target(ParseTargetError),
}

/// A negotiation: what the client wants, what either side says, and how it ends.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What the client asks for.
    pub command: Command,
    /// What it offers.
    pub offer: OfferSpec,
    /// Who says what, in order.
    pub script: Vec<Line>,
    /// From this offset of what the proxy says the outcome is known, whatever follows.
    pub decided_at: usize,
    /// Whether the proxy closes its side at the end of the script.
    pub closes: bool,
    /// Plain bytes of the application in the same protected message as the last reply.
    pub early: Vec<u8>,
    /// Success, or the error.
    pub outcome: Result<(), Error>,
}

/// One line of a script.
#[allow(clippy::large_enum_variant)] // As for What.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The client says exactly this.
    Send(Vec<u8>),
    /// The proxy says this.
    Recv(Phase, Vec<u8>),
    /// The client knows this by now.
    Event(Milestone),
}

/// An [`Event`] with what the handshake knows from then on.
#[allow(clippy::large_enum_variant)] // As for What.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// The proxy chose this method.
    Method(MethodId),
    /// It granted the request, with this BND.ADDR and BND.PORT.
    Bound(WireAddr),
    /// This peer connected.
    Accepted(WireAddr),
}

impl Milestone {
    /// The event that `handshake` has just told.
    ///
    /// # Panics
    /// The handshake does not know the address that it tells of.
    pub fn new(event: Event, handshake: &Handshake) -> Self {
        match event {
            Event::MethodSelected(method) => Self::Method(method),
            Event::Bound => Self::Bound(handshake.bound().expect("the address of the first reply")),
            Event::Accepted => Self::Accepted(handshake.peer().expect("the address of the second reply")),
            _ => panic!("an event that the vectors do not have: {event:?}"),
        }
    }
}

/// An [`Offer`] that can be made again for each case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferSpec {
    /// In order of preference, at least one.
    pub methods: Vec<MethodSpec>,
    /// Whether all goes out at once.
    pub one_round_trip: bool,
}

/// One method of an [`OfferSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodSpec {
    /// No authentication, or username and password.
    Login(Login),
    /// GSSAPI with a [`ToyContext`].
    Gssapi {
        /// Tokens of the proxy until the context is complete.
        legs: usize,
        /// The level that the client proposes.
        proposed: Protection,
        /// The weakest that it accepts.
        least: Protection,
    },
}

impl OfferSpec {
    /// Makes the offer.
    pub fn build(&self) -> Offer {
        let mut methods = self.methods.iter();
        let first = methods.next().expect("the parser wants one");
        match first {
            MethodSpec::Login(login) if self.one_round_trip => Offer::one_round_trip(login.clone()),
            _ => methods.fold(Offer::stepwise(first.build()), |offer, next| offer.or(next.build())),
        }
    }

    /// Whether GSSAPI is among the methods.
    pub fn has_gssapi(&self) -> bool {
        self.methods.iter().any(|method| matches!(method, MethodSpec::Gssapi { .. }))
    }

    /// The login, if one is offered.
    pub fn user_pass(&self) -> Option<&UserPass> {
        self.methods.iter().find_map(|method| match method {
            MethodSpec::Login(Login::UserPass(login)) => Some(login),
            _ => None,
        })
    }
}

impl MethodSpec {
    fn build(&self) -> Auth {
        match self {
            Self::Login(login) => login.clone().into(),
            Self::Gssapi { legs, proposed, least } => {
                Auth::gssapi(Gssapi::new(Box::new(ToyContext::new(*legs)), *proposed).at_least(*least))
            }
        }
    }
}

impl Exchange {
    /// Everything that the proxy says, in one piece.
    pub fn stream(&self) -> Vec<u8> {
        self.recv_lines().map(|(_, bytes)| &bytes[..]).collect::<Vec<_>>().concat()
    }

    /// How long [`stream`](Self::stream) is.
    pub fn stream_len(&self) -> usize {
        self.recv_lines().map(|(_, bytes)| bytes.len()).sum()
    }

    /// What the client knows at the end, or where the proxy falls silent after `offset` bytes.
    pub fn events(&self, offset: usize) -> Vec<Milestone> {
        let mut said = 0;
        let mut events = Vec::new();
        for line in &self.script {
            match line {
                Line::Recv(_, bytes) => said += bytes.len(),
                Line::Event(event) if said <= offset => events.push(*event),
                _ => {}
            }
        }
        events
    }

    /// What has to come out where the proxy closes after `offset` bytes.
    pub fn outcome_of_eof(&self, offset: usize) -> Result<(), Error> {
        if offset >= self.decided_at { self.outcome.clone() } else { Err(Error::Eof { phase: self.phase_at(offset) }) }
    }

    /// Which message the byte at `offset` belongs to.
    fn phase_at(&self, offset: usize) -> Phase {
        let mut end = 0;
        let line = self.recv_lines().find(|(_, bytes)| {
            end += bytes.len();
            offset < end
        });
        match (offset, line) {
            // Before the first byte nobody can know that the proxy means to leave the choice of a method out.
            (0, _) => Phase::Method,
            (_, Some((phase, _))) => phase,
            (_, None) => self.recv_lines().last().map_or(Phase::Method, |(phase, _)| phase),
        }
    }

    /// How many bytes there are before the client says something, each time it does.
    pub fn flights(&self) -> usize {
        let speaks = self.script.iter().filter(|line| !matches!(line, Line::Event(_)));
        let sends: Vec<bool> = speaks.map(|line| matches!(line, Line::Send(_))).collect();
        sends.iter().enumerate().filter(|(at, send)| **send && (*at == 0 || !sends[at - 1])).count()
    }

    /// The method that let the client in.
    pub fn method(&self) -> Option<MethodId> {
        self.find(|event| if let Milestone::Method(method) = event { Some(method) } else { None })
    }

    /// BND.ADDR and BND.PORT of the first reply.
    pub fn bound(&self) -> Option<WireAddr> {
        self.find(|event| if let Milestone::Bound(addr) = event { Some(addr) } else { None })
    }

    /// Who connected, after BIND.
    pub fn peer(&self) -> Option<WireAddr> {
        self.find(|event| if let Milestone::Accepted(addr) = event { Some(addr) } else { None })
    }

    /// Bytes that an application could send right behind the last reply: as they are, or protected.
    pub fn application(&self) -> Vec<u8> {
        // Looks like another reply and like a login status, for those who read on.
        let plain = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38\x01\x00220 mail.example\r\n".to_vec();
        let agreed = self.script.iter().any(|line| matches!(line, Line::Recv(Phase::Reply, bytes) if bytes[0] == 0x01));
        if !agreed {
            return plain;
        }
        let token = gss::wrap(&plain, true);
        [&[0x01, 0x03, 0x00, token.len() as u8][..], &token].concat()
    }

    fn find<T>(&self, pick: impl Fn(Milestone) -> Option<T>) -> Option<T> {
        self.script.iter().find_map(|line| if let Line::Event(event) = line { pick(*event) } else { None })
    }

    fn recv_lines(&self) -> impl Iterator<Item = (Phase, &Vec<u8>)> {
        self.script.iter().filter_map(|line| match line {
            Line::Recv(phase, bytes) => Some((*phase, bytes)),
            _ => None,
        })
    }
}

/// All cases of `vectors/`, in the order of their names.
///
/// # Panics
/// Where a file cannot be read or says nothing sensible, with file and line: the tests cannot go on.
pub fn load() -> Vec<Vector> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let files = files(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    assert!(!files.is_empty(), "{}: no vectors", root.display());
    files.iter().map(|file| read(&root, file).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// The negotiations among [`load`]'s.
pub fn exchanges() -> Vec<(Vector, Exchange)> {
    load()
        .into_iter()
        .filter_map(|vector| match vector.what.clone() {
            What::Exchange(exchange) => Some((vector, exchange)),
            _ => None,
        })
        .collect()
}

fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in fs::read_dir(root)? {
        let folder = folder?.path();
        if folder.is_dir() {
            for file in fs::read_dir(folder)? {
                found.push(file?.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(root: &Path, file: &Path) -> Result<Vector, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = file.strip_prefix(root).unwrap_or(file).with_extension("");
    parse::vector(&name.to_string_lossy(), &text).map_err(|(line, what)| format!("{}:{line}: {what}", file.display()))
}
