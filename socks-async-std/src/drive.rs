//! The one loop in which bytes move for a [`Negotiation`], and the future around it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use socks_adapter::{BUF_LEN, ConnectError, Deadline, Error, Negotiation, Next};

use crate::deadline::within;
use crate::stream::Stream;

/// Of a future that is polled on.
const OVER: &str = "a request is not polled after its end";

/// Runs the negotiation until the proxy has granted the request: to its end, or with BIND to the first reply. Called
/// again after that one, it runs to the second.
///
/// No byte beyond the handshake's last is ever read.
pub(crate) fn poll_drive<S: AsyncRead + AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    stream: &mut S,
    negotiation: &mut Negotiation,
) -> Poll<Result<(), Error>> {
    let mut room = [0; BUF_LEN];
    loop {
        match negotiation.next()? {
            Next::Write(bytes) => {
                let written = ready!(Pin::new(&mut *stream).poll_write(cx, bytes));
                negotiation.wrote(written)?;
            }
            Next::Read { at_most } => {
                // What a stream such as TLS still holds back is what the proxy waits for. The others have nothing to do.
                if let Err(error) = ready!(Pin::new(&mut *stream).poll_flush(cx)) {
                    negotiation.wrote(Err(error))?;
                    continue;
                }
                let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut room[..at_most]));
                negotiation.read(read.map(|n| &room[..n]))?;
            }
            Next::Bound | Next::Done => return Poll::Ready(Ok(())),
        }
    }
}

/// A stream and a negotiation that runs over it. As a future it gives both back at the point where [`poll_drive`] stops.
pub(crate) struct Request<S> {
    /// Until it is over.
    stream: Option<S>,
    negotiation: Option<Negotiation>,
}

impl<S> Request<S> {
    pub(crate) fn new(stream: S, negotiation: Negotiation) -> Self {
        Self { stream: Some(stream), negotiation: Some(negotiation) }
    }

    /// Ends it for want of time.
    fn timed_out(&mut self) -> ConnectError<S> {
        // In its place: what is moved holds no login any more.
        let error = self.negotiation.as_mut().expect(OVER).timed_out();
        ConnectError::new(error, self.take().0)
    }

    fn answered(&self) -> bool {
        self.negotiation.as_ref().is_some_and(Negotiation::answered)
    }

    fn take(&mut self) -> (S, Negotiation) {
        self.stream.take().zip(self.negotiation.take()).expect(OVER)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Request<S> {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let (stream, negotiation) = self.stream.as_mut().zip(self.negotiation.as_mut()).expect(OVER);
        poll_drive(cx, stream, negotiation)
    }

    /// The stream to the target, once a CONNECT is granted. What is left of the negotiation stays where it is.
    pub(crate) fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<Stream<S>, ConnectError<S>>> {
        let outcome = ready!(self.poll_end(cx));
        let stream = self.stream.take().expect(OVER);
        Poll::Ready(match outcome {
            Ok(()) => {
                let tunnel = self.negotiation.as_mut().and_then(Negotiation::take_tunnel);
                Ok(Stream::new(stream, tunnel.expect("a request is over at its end")))
            }
            Err(error) => Err(ConnectError::new(error, stream)),
        })
    }

    /// The request until two deadlines: one until the proxy has said anything at all, one for all.
    // The stream is in the error by purpose.
    #[allow(clippy::result_large_err)]
    pub(crate) async fn until(
        &mut self,
        until_answered: Deadline,
        until_done: Deadline,
    ) -> Result<(S, Negotiation), ConnectError<S>> {
        let opening = poll_fn(|cx| match Pin::new(&mut *self).poll(cx) {
            Poll::Pending if self.answered() => Poll::Ready(None),
            outcome => outcome.map(Some),
        });
        match within(until_answered, opening).await {
            Some(Some(outcome)) => return outcome,
            Some(None) => {}
            None => return Err(self.timed_out()),
        }
        match within(until_done, &mut *self).await {
            Some(outcome) => outcome,
            None => Err(self.timed_out()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Request<S> {
    type Output = Result<(S, Negotiation), ConnectError<S>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.poll_end(cx));
        let (stream, negotiation) = self.take();
        Poll::Ready(match outcome {
            Ok(()) => Ok((stream, negotiation)),
            Err(error) => Err(ConnectError::new(error, stream)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::{self, Read};
    use std::time::{Duration, Instant};

    use futures_lite::future::block_on;
    use socks_proto::{Command, Login, Offer, Phase, TargetAddr};

    use super::*;

    /// A stream that does as it is told, one act per call. Keeps what is written until it is flushed, and is pending for
    /// ever where it has nothing to read.
    #[derive(Default)]
    struct Scripted {
        reads: VecDeque<io::Result<&'static [u8]>>,
        writes: VecDeque<io::Result<usize>>,
        flushes: VecDeque<io::Result<()>>,
        held: Vec<u8>,
        written: Vec<u8>,
    }

    impl Scripted {
        fn new(reads: impl IntoIterator<Item = io::Result<&'static [u8]>>) -> Self {
            Self { reads: reads.into_iter().collect(), ..Self::default() }
        }
    }

    impl AsyncRead for Scripted {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            assert!(self.held.is_empty(), "what was written has to leave first");
            let Some(act) = self.reads.pop_front() else { return Poll::Pending };
            let mut bytes = act?;
            let n = bytes.read(buf)?;
            if !bytes.is_empty() {
                self.reads.push_front(Ok(bytes));
            }
            Poll::Ready(Ok(n))
        }
    }

    impl AsyncWrite for Scripted {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let n = self.writes.pop_front().unwrap_or(Ok(usize::MAX))?.min(buf.len());
            self.held.extend_from_slice(&buf[..n]);
            Poll::Ready(Ok(n))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes.pop_front().unwrap_or(Ok(()))?;
            let mut held = std::mem::take(&mut self.held);
            self.written.append(&mut held);
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn negotiation() -> Negotiation {
        let target: TargetAddr = "192.0.2.1:80".parse().expect("a target");
        Negotiation::new(Command::Connect(target), Offer::stepwise(Login::None))
    }

    fn driven(stream: &mut Scripted) -> Result<(), Error> {
        block_on(Request::new(stream, negotiation())).map(drop).map_err(ConnectError::into_error)
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
        stream.flushes = [Err(kind(io::ErrorKind::Interrupted))].into();
        driven(&mut stream).expect("done");
        assert_eq!(stream.written, [5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80]);
    }

    #[test]
    fn bytes_behind_the_reply_stay_in_the_stream() {
        let mut stream = Scripted::new([Ok(&b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello"[..])]);
        driven(&mut stream).expect("done");
        assert!(matches!(stream.reads.pop_front(), Some(Ok(b"220 hello"))));
    }

    #[test]
    fn a_writer_that_takes_nothing_is_an_error() {
        let mut stream = Scripted::new([]);
        stream.writes = [Ok(0)].into();
        let error = driven(&mut stream).expect_err("no progress");
        assert!(
            matches!(error, Error::Io { phase: Phase::Method, source } if source.kind() == io::ErrorKind::WriteZero)
        );
    }

    #[test]
    fn a_flush_that_fails_is_an_error() {
        let mut stream = Scripted::new([]);
        stream.flushes = [Err(kind(io::ErrorKind::BrokenPipe))].into();
        let error = driven(&mut stream).expect_err("broken");
        assert!(
            matches!(error, Error::Io { phase: Phase::Method, source } if source.kind() == io::ErrorKind::BrokenPipe)
        );
    }

    /// What comes of a proxy that says this and then nothing, with so much time to answer at all and to answer in full.
    fn silence(said: &[&'static [u8]], until_reached: Duration, until_done: Duration) -> Error {
        let now = Instant::now();
        let (until_reached, until_done) = (Deadline::after(now, until_reached), Deadline::after(now, until_done));
        let stream = Scripted::new(said.iter().map(|said| Ok(*said)));
        let mut request = Request::new(stream, negotiation());
        block_on(request.until(until_reached, until_done)).map(drop).expect_err("silence").into_error()
    }

    #[test]
    fn the_first_answer_has_its_own_deadline() {
        let (soon, never) = (Duration::from_millis(10), Duration::MAX);
        for (said, until_reached, until_done, expected) in [
            (&[][..], soon, never, Phase::Method),
            (&[METHOD], never, soon, Phase::Reply),
            (&[METHOD], Duration::ZERO, soon, Phase::Reply),
            (&[METHOD, &REPLY[..3]], soon, soon, Phase::Reply),
        ] {
            let error = silence(said, until_reached, until_done);
            assert!(matches!(error, Error::TimedOut { phase } if phase == expected), "{error:?}");
        }
    }
}
