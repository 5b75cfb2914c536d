//! How long to try what may not answer.

use std::time::Duration;

/// The least time worth trying an address for, where there is so much left at all.
const LEAST_SHARE: Duration = Duration::from_secs(2);

/// An equal share of the time that is left, where `parts` servers or addresses may have to be tried in turn.
///
/// Without it, the first host that drops packets would leave no time for the others. At least two seconds, and
/// never more than is left.
pub fn share(left: Duration, parts: usize) -> Duration {
    let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
    (left / parts).max(LEAST_SHARE).min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_equal_not_too_small_and_never_more_than_there_is() {
        let seconds = Duration::from_secs;
        assert_eq!(share(seconds(60), 3), seconds(20));
        assert_eq!(share(seconds(60), 0), seconds(60));
        assert_eq!(share(seconds(60), usize::MAX), seconds(2));
        assert_eq!(share(seconds(1), 3), seconds(1));
        assert_eq!(share(Duration::ZERO, 1), Duration::ZERO);
    }
}
