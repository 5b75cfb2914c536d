//! The one loop in which bytes move for a [`Negotiation`], and the future around it.

use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socks_adapter::{BUF_LEN, ConnectError, Deadline, Error, Negotiation, Next};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::deadline::within;

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
pub(crate) struct Request<S>(Option<(S, Negotiation)>);

impl<S> Request<S> {
    pub(crate) fn new(stream: S, negotiation: Negotiation) -> Self {
        Self(Some((stream, negotiation)))
    }

    /// Ends it for want of time.
    fn timed_out(&mut self) -> ConnectError<S> {
        let (stream, mut negotiation) = self.take();
        ConnectError::new(negotiation.timed_out(), stream)
    }

    fn answered(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, negotiation)| negotiation.answered())
    }

    fn take(&mut self) -> (S, Negotiation) {
        self.0.take().expect("a request is not polled after its end")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Request<S> {
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
        let Some((stream, negotiation)) = &mut self.0 else { return Poll::Pending };
        let outcome = ready!(poll_drive(cx, stream, negotiation));
        let (stream, negotiation) = self.take();
        Poll::Ready(match outcome {
            Ok(()) => Ok((stream, negotiation)),
            Err(error) => Err(ConnectError::new(error, stream)),
        })
    }
}
