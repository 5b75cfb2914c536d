//! Deadlines by the runtime's clock.

use std::future::Future;
use std::time::Instant;

use socks_adapter::Deadline;
use tokio::time::{self, timeout_at};

/// The time by the runtime's clock, which a test may have stopped.
pub(crate) fn now() -> Instant {
    time::Instant::now().into_std()
}

/// What comes of `work`; `None` where the deadline is over first.
///
/// The work stays where it is pinned, as one that is moved in here would stand in the caller's future twice.
pub(crate) async fn within<F: Future + Unpin>(deadline: Deadline, work: F) -> Option<F::Output> {
    match deadline.instant() {
        Some(at) => timeout_at(at.into(), work).await.ok(),
        None => Some(work.await),
    }
}
