//! What the core makes of bytes: the judge of everybody who uses it.

use socks_proto::{Command, Error, Handshake, Offer, Step};

/// What came of a stream of bytes.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// All that the client says before the end of it.
    pub said: Vec<u8>,
    /// How much of that the client has said before it takes each byte of the stream.
    pub due: Vec<usize>,
    /// The end of it.
    pub outcome: Outcome,
}

/// The end of a negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Granted; what is behind so many bytes is the application's.
    Granted(usize),
    /// Failed by what was said.
    Failed(Error),
    /// There was not enough. Has the error of a stream that ends there.
    Wanting(Error),
}

/// Gives the stream to the core, a byte at a time: where it is cut makes no difference, as the vectors show.
pub fn ask(command: Command, offer: Offer, stream: &[u8]) -> Verdict {
    let mut handshake = Handshake::new(command, offer);
    let (mut said, mut due) = (Vec::new(), Vec::new());
    let outcome = loop {
        match handshake.step() {
            Ok(Step::Send(bytes)) => {
                said.extend_from_slice(bytes);
                let len = bytes.len();
                handshake.sent(len);
            }
            Ok(Step::Receive { .. }) => {
                let Some(byte) = stream.get(due.len()) else { break Outcome::Wanting(handshake.receive_eof()) };
                due.push(said.len());
                if let Err(error) = handshake.receive(&[*byte]) {
                    break Outcome::Failed(error);
                }
            }
            Ok(Step::Event(_)) => {}
            Ok(_) => break Outcome::Granted(due.len()),
            Err(error) => break Outcome::Failed(error),
        }
    };
    due.resize(stream.len(), said.len());
    Verdict { said, due, outcome }
}
