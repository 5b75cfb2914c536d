//! Many tests at once, told of in their order.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Runs the tests, as many at once as there are processors: each has its own folder and its own ports.
pub(crate) fn run_all<T: Sync, V: Send>(tests: &[T], judge: impl Fn(&T) -> V + Sync, mut tell: impl FnMut(&T, V)) {
    let next = AtomicUsize::new(0);
    let (done, verdicts) = mpsc::channel();
    let work = |done: mpsc::Sender<(usize, V)>| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(test) = tests.get(at) else { break };
            // Nobody listens any more only where the report panicked.
            let _ = done.send((at, judge(test)));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            let done = done.clone();
            scope.spawn(|| work(done));
        }
        drop(done);
        let mut early = BTreeMap::new();
        let mut told = 0;
        for (at, verdict) in verdicts {
            early.insert(at, verdict);
            while let Some(verdict) = early.remove(&told) {
                tell(&tests[told], verdict);
                told += 1;
            }
        }
    });
}
