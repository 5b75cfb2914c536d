//! The one loop in which bytes move for a [`Negotiation`].

use std::io::{self, Read, Write};

use mio::Interest;
use socks_adapter::{BUF_LEN, Error, Negotiation, Next};

/// Runs the negotiation as far as the stream allows: `Some` is what to wait for, `None` that the proxy has granted the
/// request, to its end, or with BIND to the first reply. Called again after that one, it runs to the second.
///
/// Works until the stream would block, as events that are edge-triggered demand. No byte beyond the handshake's last is
/// ever read.
pub(crate) fn drive<S: Read + Write>(stream: &mut S, negotiation: &mut Negotiation) -> Result<Option<Interest>, Error> {
    let mut buf = [0; BUF_LEN];
    loop {
        match negotiation.next()? {
            Next::Write(bytes) => {
                let written = stream.write(bytes);
                if would_block(&written) {
                    return Ok(Some(Interest::WRITABLE));
                }
                negotiation.wrote(written)?;
            }
            Next::Read { at_most } => {
                let read = stream.read(&mut buf[..at_most]);
                if would_block(&read) {
                    return Ok(Some(Interest::READABLE));
                }
                negotiation.read(read.map(|n| &buf[..n]))?;
            }
            Next::Bound | Next::Done => return Ok(None),
        }
    }
}

pub(crate) fn would_block<T>(outcome: &io::Result<T>) -> bool {
    matches!(outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
