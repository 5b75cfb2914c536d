//! Deadlines by the clock of the system.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use async_io::Timer;
use socks_adapter::Deadline;

/// The time.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What comes of `work`; `None` where the deadline is over first.
///
/// The work stays where it is pinned, as one that is moved in here would stand in the caller's future twice.
pub(crate) async fn within<F: Future + Unpin>(deadline: Deadline, mut work: F) -> Option<F::Output> {
    let Some(at) = deadline.instant() else { return Some(work.await) };
    // Of no cost to anybody before it is polled.
    let mut timer = Timer::at(at);
    poll_fn(|cx| match Pin::new(&mut work).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut timer).poll(cx).map(|_| None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use futures_lite::future::block_on;

    use super::*;

    #[test]
    fn what_is_there_already_comes_after_the_deadline_too() {
        let over = Deadline::after(now(), Duration::ZERO);
        for deadline in [over, Deadline::NEVER] {
            assert_eq!(block_on(within(deadline, ready(7))), Some(7));
        }
    }

    #[test]
    fn what_never_comes_ends_with_the_deadline() {
        let soon = Deadline::after(now(), Duration::from_millis(10));
        assert_eq!(block_on(within(soon, pending::<()>())), None);
        assert!(soon.is_over(now()));
    }
}
