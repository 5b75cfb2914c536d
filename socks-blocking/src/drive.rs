//! The one loop in which bytes move for a [`Negotiation`].

use std::io::{self, Read, Write};

use socks_adapter::{BUF_LEN, Error, Negotiation, Next};

/// What the loop is about to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Room for more bytes.
    Write,
    /// The first bytes that the proxy says at all.
    Answer,
    /// Bytes of a proxy that has spoken before.
    Read,
}

/// Runs the negotiation until the proxy has granted the request: to its end, or with BIND to the first reply. Called
/// again after that one, it runs to the second.
///
/// `before` is called ahead of every read and write: it applies the deadline to the stream, and fails with
/// [`io::ErrorKind::TimedOut`] when that is over. No byte beyond the handshake's last is ever read.
pub(crate) fn drive<S: Read + Write>(
    stream: &mut S,
    negotiation: &mut Negotiation,
    mut before: impl FnMut(&S, Wait) -> io::Result<()>,
) -> Result<(), Error> {
    let mut buf = [0; BUF_LEN];
    loop {
        let wait = if negotiation.answered() { Wait::Read } else { Wait::Answer };
        match negotiation.next()? {
            Next::Write(bytes) => {
                let written = before(stream, Wait::Write).and_then(|()| stream.write(bytes));
                negotiation.wrote(written)?;
            }
            Next::Read { at_most } => {
                // What a stream such as TLS still holds back is what the proxy waits for. The others have nothing to do.
                if let Err(error) = stream.flush() {
                    negotiation.wrote(Err(error))?;
                    continue;
                }
                let read = before(stream, wait).and_then(|()| stream.read(&mut buf[..at_most]));
                negotiation.read(read.map(|n| &buf[..n]))?;
            }
            Next::Bound | Next::Done => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use socks_proto::{Command, Login, Offer, Phase, TargetAddr};

    use super::*;

    /// A stream that does as it is told, one act per call, and takes what is written `most` bytes at a time.
    struct Scripted {
        reads: VecDeque<io::Result<&'static [u8]>>,
        writes: VecDeque<io::Result<usize>>,
        written: Vec<u8>,
    }

    impl Scripted {
        fn new(reads: impl IntoIterator<Item = io::Result<&'static [u8]>>) -> Self {
            Self { reads: reads.into_iter().collect(), writes: VecDeque::new(), written: Vec::new() }
        }
    }

    impl Read for Scripted {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let Some(mut bytes) = self.reads.pop_front().transpose()? else { return Ok(0) };
            let n = bytes.read(buf)?;
            if !bytes.is_empty() {
                self.reads.push_front(Ok(bytes));
            }
            Ok(n)
        }
    }

    impl Write for Scripted {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let n = self.writes.pop_front().unwrap_or(Ok(usize::MAX))?.min(buf.len());
            self.written.extend_from_slice(&buf[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn negotiation() -> Negotiation {
        let target: TargetAddr = "192.0.2.1:80".parse().expect("a target");
        Negotiation::new(Command::Connect(target), Offer::stepwise(Login::None))
    }

    const METHOD: &[u8] = &[5, 0];
    const REPLY: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];

    fn kind(kind: io::ErrorKind) -> io::Error {
        kind.into()
    }

    #[test]
    fn short_writes_and_interruptions_lose_nothing() {
        let mut stream = Scripted::new([
            Err(kind(io::ErrorKind::Interrupted)),
            Ok(METHOD),
            Ok(&REPLY[..3]),
            Err(kind(io::ErrorKind::Interrupted)),
            Ok(&REPLY[3..]),
        ]);
        stream.writes = [Ok(1), Err(kind(io::ErrorKind::Interrupted)), Ok(1), Ok(1), Ok(2)].into();
        drive(&mut stream, &mut negotiation(), |_, _| Ok(())).expect("done");
        assert_eq!(stream.written, [5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80]);
    }

    /// Keeps what is written back until it is flushed.
    struct Holding {
        stream: Scripted,
        held: Vec<u8>,
    }

    impl Read for Holding {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            assert!(self.held.is_empty(), "the proxy would wait for ever");
            self.stream.read(buf)
        }
    }

    impl Write for Holding {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.held.extend_from_slice(buf);
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.stream.written.append(&mut self.held);
            Ok(())
        }
    }

    #[test]
    fn a_stream_that_holds_back_is_flushed_before_each_read() {
        let mut stream = Holding { stream: Scripted::new([Ok(METHOD), Ok(REPLY)]), held: Vec::new() };
        drive(&mut stream, &mut negotiation(), |_, _| Ok(())).expect("done");
        assert_eq!(stream.stream.written, [5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80]);
    }

    #[test]
    fn bytes_behind_the_reply_stay_in_the_stream() {
        let mut stream = Scripted::new([Ok(&b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello"[..])]);
        drive(&mut stream, &mut negotiation(), |_, _| Ok(())).expect("done");
        assert!(matches!(stream.reads.pop_front(), Some(Ok(b"220 hello"))));
    }

    #[test]
    fn a_writer_that_takes_nothing_is_an_error() {
        let mut stream = Scripted::new([]);
        stream.writes = [Ok(0)].into();
        let error = drive(&mut stream, &mut negotiation(), |_, _| Ok(())).expect_err("no progress");
        assert!(
            matches!(error, Error::Io { phase: Phase::Method, source } if source.kind() == io::ErrorKind::WriteZero)
        );
    }

    #[test]
    fn what_a_read_timeout_looks_like_does_not_matter() {
        for how in [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut] {
            let mut stream = Scripted::new([Ok(METHOD), Err(kind(how))]);
            let error = drive(&mut stream, &mut negotiation(), |_, _| Ok(())).expect_err("silence");
            assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
        }
    }

    #[test]
    fn each_wait_is_announced() {
        let mut stream = Scripted::new([Ok(METHOD), Ok(REPLY)]);
        let mut waits = Vec::new();
        drive(&mut stream, &mut negotiation(), |_, wait| {
            waits.push(wait);
            Ok(())
        })
        .expect("done");
        // The least that a reply can be, then the rest of it.
        assert_eq!(waits, [Wait::Write, Wait::Answer, Wait::Write, Wait::Read, Wait::Read]);
    }

    #[test]
    fn a_deadline_that_is_over_stops_before_the_wait() {
        let mut stream = Scripted::new([Ok(METHOD)]);
        let over = |_: &Scripted, wait| match wait {
            Wait::Read => Err(io::ErrorKind::TimedOut.into()),
            Wait::Write | Wait::Answer => Ok(()),
        };
        let error = drive(&mut stream, &mut negotiation(), over).expect_err("over");
        assert!(matches!(error, Error::TimedOut { phase: Phase::Reply }), "{error:?}");
    }
}
