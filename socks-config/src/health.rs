//! What is remembered of servers: which of them could not be reached, so that others are tried first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The servers of one rule. Copies of the rule share it, and threads: each server is one atomic number.
#[derive(Clone, Default)]
pub(crate) struct Health {
    /// When each failed last, in nanoseconds of the caller's clock plus one; 0: it did not, or was reached since.
    failures: Arc<[AtomicU64]>,
    /// For how long that counts.
    retry: Duration,
}

impl Health {
    pub(crate) fn new(servers: usize, retry: Duration) -> Self {
        Self { failures: (0..servers).map(|_| AtomicU64::new(0)).collect(), retry }
    }

    pub(crate) fn order(&self, now: Duration) -> Order {
        let is_suspect = |failure: &AtomicU64| match failure.load(Ordering::Relaxed) {
            0 => false,
            at => now.saturating_sub(Duration::from_nanos(at - 1)) < self.retry,
        };
        // Of more servers than a number has bits, the last ones are trusted.
        let suspects = self.failures.iter().take(u64::BITS as usize).enumerate();
        let suspects = suspects.filter(|(_, failure)| is_suspect(failure)).fold(0, |all, (at, _)| all | 1 << at);
        Order { suspects, len: self.failures.len() }
    }

    pub(crate) fn failed(&self, server: usize, now: Duration) {
        if let Some(failure) = self.failures.get(server) {
            let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX - 1);
            failure.store(nanos.saturating_add(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn reached(&self, server: usize) {
        // Looked at first: nearly always there is nothing to change, and other threads have the line too.
        if let Some(failure) = self.failures.get(server)
            && failure.load(Ordering::Relaxed) != 0
        {
            failure.store(0, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// The order in which to try the servers of a rule: as they stand in the line, but those last that could not be reached
/// just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    suspects: u64,
    len: usize,
}

impl Order {
    /// How many servers there are.
    // There is at least one: no question is whether there are none.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The index in [`ProxyRule::servers`](crate::ProxyRule::servers) of the one to try in this place, counted from 0.
    pub fn get(&self, place: usize) -> Option<usize> {
        let is_suspect = |at: usize| at < u64::BITS as usize && self.suspects >> at & 1 != 0;
        let all = || 0..self.len;
        all().filter(|at| !is_suspect(*at)).chain(all().filter(|at| is_suspect(*at))).nth(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Duration = Duration::from_secs(60);

    fn order(health: &Health, now: u64) -> Vec<usize> {
        let order = health.order(Duration::from_secs(now));
        (0..order.len()).map(|place| order.get(place).expect("as many as there are")).collect()
    }

    #[test]
    fn who_failed_goes_last_for_a_while() {
        let health = Health::new(3, RETRY);
        assert_eq!(order(&health, 100), [0, 1, 2]);
        health.failed(0, Duration::from_secs(100));
        assert_eq!(order(&health, 100), [1, 2, 0]);
        health.clone().failed(1, Duration::from_secs(130));
        assert_eq!(order(&health, 131), [2, 0, 1], "copies share it");
        assert_eq!(order(&health, 160), [0, 2, 1]);
        health.reached(1);
        assert_eq!(order(&health, 160), [0, 1, 2]);
        assert_eq!(health.order(RETRY).get(3), None);
    }

    #[test]
    fn without_a_retry_time_nothing_is_remembered() {
        let health = Health::new(2, Duration::ZERO);
        health.failed(0, Duration::from_secs(100));
        assert_eq!(order(&health, 100), [0, 1]);
    }

    #[test]
    fn more_servers_than_bits_are_all_tried() {
        let health = Health::new(70, RETRY);
        (0..70).for_each(|server| health.failed(server, Duration::from_secs(1)));
        health.reached(5);
        let mut all = order(&health, 1);
        assert_eq!(all[0], 5);
        all.sort_unstable();
        assert_eq!(all, (0..70).collect::<Vec<_>>());
    }

    #[test]
    fn a_clock_that_starts_at_zero_counts_too() {
        let health = Health::new(2, RETRY);
        health.failed(0, Duration::ZERO);
        assert_eq!(order(&health, 0), [1, 0]);
    }
}
