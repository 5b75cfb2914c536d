//! The one loop in which bytes move for a [`Negotiation`], and the future around it.

use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socks_adapter::{BUF_LEN, ConnectError, Deadline, Error, Negotiation, Next};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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
                let mut room = [const { MaybeUninit::uninit() }; BUF_LEN];
                let mut buf = ReadBuf::uninit(&mut room[..at_most]);
                let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf));
                negotiation.read(read.map(|()| buf.filled()))?;
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
