//! One deadline for resolving, connecting, login and answer together.

use std::io;
use std::time::{Duration, Instant};

use socks_config::share;

/// A point in time, or none. The clock is read by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self(None);

    /// So much time from `now`. Never, where that is more than the clock can say.
    pub fn after(now: Instant, timeout: Duration) -> Self {
        Self(now.checked_add(timeout))
    }

    /// This point in time.
    pub fn at(at: Instant) -> Self {
        Self(Some(at))
    }

    /// Whichever comes first.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        Self(match (self.0, other.0) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }

    /// Whichever comes first: this one, or `timeout` from `now`.
    #[must_use]
    pub fn or_after(self, now: Instant, timeout: Option<Duration>) -> Self {
        self.earlier(timeout.map_or(Self::NEVER, |timeout| Self::after(now, timeout)))
    }

    /// A [`share`] of what is left at `now`, where `parts` things may have to be tried one after the other.
    #[must_use]
    pub fn share(self, now: Instant, parts: usize) -> Self {
        let Some(at) = self.0 else { return self };
        Self(Some(now + share(at.saturating_duration_since(now), parts)))
    }

    /// The point in time; `None` is never.
    pub fn instant(self) -> Option<Instant> {
        self.0
    }

    /// Whether it is over at `now`.
    pub fn is_over(self, now: Instant) -> bool {
        self.0.is_some_and(|at| at <= now)
    }

    /// What is left at `now`, never zero; `None` is for ever.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] where nothing is left.
    pub fn left(self, now: Instant) -> io::Result<Option<Duration>> {
        let Some(at) = self.0 else { return Ok(None) };
        match at.saturating_duration_since(now) {
            Duration::ZERO => Err(io::Error::new(io::ErrorKind::TimedOut, "no time left")),
            left => Ok(Some(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_share_is_never_more_than_there_is() {
        let now = Instant::now();
        let whole = Deadline::after(now, Duration::from_millis(100));
        assert_eq!(whole.share(now, 3), whole);
        assert_eq!(whole.share(now, 0), whole);
        assert_eq!(Deadline::after(now, seconds(60)).share(now, 2), Deadline::after(now, seconds(30)));
        assert_eq!(Deadline::NEVER.share(now, 2), Deadline::NEVER);
    }

    #[test]
    fn the_earlier_of_two_counts() {
        let now = Instant::now();
        let whole = Deadline::after(now, seconds(60));
        assert_eq!(whole.or_after(now, None), whole);
        assert_eq!(whole.or_after(now, Some(seconds(90))), whole);
        assert_eq!(whole.or_after(now, Some(seconds(5))), Deadline::after(now, seconds(5)));
    }

    #[test]
    fn it_is_over_when_nothing_is_left() {
        let now = Instant::now();
        assert_eq!(Deadline::after(now, Duration::MAX), Deadline::NEVER);
        assert_eq!(Deadline::NEVER.left(now).expect("never"), None);
        let whole = Deadline::after(now, seconds(1));
        assert_eq!(whole.left(now).expect("a second"), Some(seconds(1)));
        assert!(!whole.is_over(now) && whole.is_over(now + seconds(1)));
        assert_eq!(whole.left(now + seconds(1)).expect_err("over").kind(), io::ErrorKind::TimedOut);
    }
}
