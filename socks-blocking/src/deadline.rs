//! One deadline for resolving, connecting, login and answer together.

use std::io;
use std::time::{Duration, Instant};

use socks_config::share;

/// A point in time, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// After so much time from now. Never, where that is more than the clock can say.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// Whichever comes first.
    pub(crate) fn or_after(self, timeout: Option<Duration>) -> Self {
        let other = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self(match (self.0, other) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }

    /// A [`share`] of what is left, where `parts` things may have to be tried one after the other.
    pub(crate) fn share(self, parts: usize) -> Self {
        let Some(at) = self.0 else { return self };
        let now = Instant::now();
        Self(Some(now + share(at.saturating_duration_since(now), parts)))
    }

    /// What is left, never zero; `None` is for ever.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] where nothing is left.
    pub(crate) fn left(self) -> io::Result<Option<Duration>> {
        let Some(at) = self.0 else { return Ok(None) };
        match at.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::Error::new(io::ErrorKind::TimedOut, "no time left")),
            left => Ok(Some(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_more_than_there_is() {
        let whole = Deadline::after(Duration::from_millis(100));
        assert!(whole.share(3).0 <= whole.0);
        assert!(whole.share(0).0 <= whole.0);
        assert!(Deadline::after(Duration::from_secs(60)).share(2).0 < Deadline::after(Duration::from_secs(31)).0);
    }

    #[test]
    fn the_earlier_of_two_counts() {
        let whole = Deadline::after(Duration::from_secs(60));
        assert_eq!(whole.or_after(None).0, whole.0);
        assert_eq!(whole.or_after(Some(Duration::from_secs(90))).0, whole.0);
        assert!(whole.or_after(Some(Duration::from_secs(5))).0 < whole.0);
    }

    #[test]
    fn more_than_the_clock_can_say_is_never() {
        assert_eq!(Deadline::after(Duration::MAX).left().expect("never"), None);
        assert_eq!(Deadline::after(Duration::ZERO).left().expect_err("now").kind(), io::ErrorKind::TimedOut);
    }
}
