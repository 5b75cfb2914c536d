//! Every order of events: loom runs these in each order in which their threads can meet, with each value that the
//! memory model lets a load see, up to so many preemptions. `cargo xtask models` runs them, and nothing else does.
//!
//! What is run is the table itself. A socket is a number here.

use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering as Plain};

use loom::sync::Arc;
use loom::thread;

use crate::lock::TryLock;
use crate::pool::{Node, Pool};
use crate::record::{Phase, Record};
use crate::sync::{AtomicBool, AtomicU32, Ordering};
use crate::sys::socket::Domain;
use crate::table;

/// How often a thread is interrupted at most where it need not wait.
const PREEMPTIONS: usize = 3;

const FD: RawFd = 3;
const OTHER: RawFd = 4;

/// Runs a model, and says how many executions it took.
fn model(name: &str, run: impl Fn() + Sync + Send + 'static) {
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 20_000;
    let counted = std::sync::Arc::clone(&count);
    builder.check(move || {
        counted.fetch_add(1, Plain::Relaxed);
        run();
    });
    println!("model: {name}: {} executions", count.load(Plain::Relaxed));
}

fn socket(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: only its number is looked at.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

fn insert(fd: RawFd, phase: Phase) {
    table::insert(socket(fd), phase, Domain::V4, None).expect("memory");
}

/// Whoever gets the lock is alone with the value, and sees what the one before left; who does not get it frees nothing.
#[test]
fn a_lock_has_one_holder() {
    model("a lock has one holder", || {
        let lock = Arc::new(TryLock::new(0_u32));
        let work = |lock: &TryLock<u32>| match lock.try_lock() {
            Some(mut value) => {
                *value += 1;
                1
            }
            None => 0,
        };
        let threads = [0, 1].map(|_| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || work(&lock))
        });
        let mut count = work(&lock);
        for thread in threads {
            count += thread.join().expect("no panic");
        }
        assert_eq!(*lock.try_lock().expect("free"), count);
    });
}

/// A node is in one hand at a time, also where the same one comes back between a look at the top and its exchange.
#[test]
fn a_node_has_one_owner() {
    type Nodes = Pool<AtomicBool>;
    fn take(pool: &Nodes) -> &'static Node<AtomicBool> {
        let node = pool.take(|| AtomicBool::new(false)).expect("memory");
        assert!(!node.value.swap(true, Ordering::Relaxed), "taken twice");
        node
    }
    fn give(pool: &Nodes, node: &'static Node<AtomicBool>) {
        node.value.store(false, Ordering::Relaxed);
        pool.give(node);
    }
    model("a node has one owner", || {
        let pool = Arc::new(Nodes::new());
        // Before the threads, so that they do not both make some.
        give(&pool, take(&pool));
        let thread = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                // The first one comes back to the top, from where the second has gone.
                let (first, second) = (take(&pool), take(&pool));
                give(&pool, first);
                assert!(second.value.load(Ordering::Relaxed), "given by another");
                give(&pool, second);
            })
        };
        let nodes = [take(&pool), take(&pool)];
        nodes.into_iter().for_each(|node| give(&pool, node));
        thread.join().expect("no panic");
    });
}

/// Who holds a record of a generation has that one: it is not made another's meanwhile, and what was put in before it was
/// shown is there.
#[test]
fn a_record_that_is_held_stays() {
    model("a record that is held stays", || {
        let record = Arc::new(Record::new());
        record.begin(Phase::Pending, Domain::V4, None);
        let first = record.generation();
        let reader = {
            let record = Arc::clone(&record);
            thread::spawn(move || {
                if record.hold(first) {
                    assert_eq!((record.phase(), record.deadline()), (Phase::Pending, u64::MAX));
                    if record.let_go() {
                        record.begin(Phase::Tunnel, Domain::V4, None);
                    }
                }
            })
        };
        if record.let_go() {
            record.begin(Phase::Tunnel, Domain::V4, None);
        }
        reader.join().expect("no panic");
        assert!(!record.hold(first));
        assert_eq!(record.phase(), Phase::Tunnel, "begun once, by the last to let go");
    });
}

/// A number is closed, and what was its record given to another socket, while a thread looks it up: it finds its own or
/// nothing, and in the end nothing is left of either.
#[test]
fn a_record_is_used_again() {
    model("a record is used again", || {
        insert(FD, Phase::Pending);
        let reader = thread::spawn(|| {
            if let Some(record) = table::get(FD) {
                assert_eq!(record.phase(), Phase::Pending, "another's");
            }
        });
        table::forget(FD);
        insert(OTHER, Phase::Tunnel);
        reader.join().expect("no panic");
        assert!(table::nothing_intercepted(), "the first one is forgotten");
        table::forget(OTHER);
        assert!(!table::is_ours(FD) && !table::is_ours(OTHER));
    });
}

/// A number is closed while another thread moves its socket on: when close has returned, nobody works on the number.
#[test]
fn close_waits_for_who_is_at_it() {
    model("close waits for who is at it", || {
        insert(FD, Phase::Pending);
        let given_away = Arc::new(AtomicBool::new(false));
        let driver = {
            let given_away = Arc::clone(&given_away);
            thread::spawn(move || {
                let Some(record) = table::get(FD) else { return };
                // As `drive` does.
                let Some(_slot) = record.work.try_lock() else { return };
                if table::is_current(FD, &record) {
                    assert!(!given_away.load(Ordering::Relaxed), "works on another's socket");
                }
            })
        };
        table::forget(FD);
        given_away.store(true, Ordering::Relaxed);
        driver.join().expect("no panic");
        assert!(table::nothing_intercepted());
    });
}

/// While a number's socket is on its way, and so is the next one of that number, what was the first one's record becomes
/// that of a connection which is made: nobody who looks at the number lets data pass for it.
#[test]
fn data_pass_only_where_the_connection_is_made() {
    model("data pass only where the connection is made", || {
        insert(FD, Phase::Pending);
        let reader = thread::spawn(|| assert!(!table::is_through(FD), "data into the proxy's handshake"));
        insert(FD, Phase::Pending);
        insert(OTHER, Phase::Tunnel);
        reader.join().expect("no panic");
        [FD, OTHER].into_iter().for_each(table::forget);
        assert!(table::nothing_intercepted());
    });
}

/// A socket is duplicated while another thread closes the first number: it lives on by the second, or is gone with both.
#[test]
fn a_duplicate_keeps_the_record() {
    model("a duplicate keeps the record", || {
        insert(FD, Phase::Pending);
        let closer = thread::spawn(|| table::forget(FD));
        let shared = table::get(FD).map(|record| table::share(&record, OTHER).expect("in range"));
        closer.join().expect("no panic");
        match shared {
            Some(()) => {
                assert_eq!(table::get(OTHER).expect("the duplicate has it").phase(), Phase::Pending);
                assert!(!table::nothing_intercepted());
            }
            None => assert!(!table::is_ours(OTHER)),
        }
        table::forget(OTHER);
        assert!(table::nothing_intercepted(), "a hold was lost");
    });
}

/// Whoever sees that nothing is to be translated, after it saw the end of a handshake, is right; and while one is on its
/// way nobody sees so.
#[test]
fn no_wait_misses_a_pending_socket() {
    model("no wait misses a pending socket", || {
        insert(FD, Phase::Pending);
        let waiter = thread::spawn(|| {
            let is_idle = table::nothing_intercepted();
            let record = table::get(FD).expect("nobody closes it");
            if is_idle {
                assert_eq!(record.phase(), Phase::Tunnel);
            }
        });
        let record = table::get(FD).expect("nobody closes it");
        // Bound and Arrived are waited for as well: there must be no gap between two such phases.
        table::set_phase(&record, Phase::Bound);
        table::change_phase(&record, Phase::Bound, Phase::Tunnel);
        drop(record);
        waiter.join().expect("no panic");
        assert!(table::nothing_intercepted());
    });
}

/// Of several who take the one connection that has arrived, one gets it; and the names that were written before the phase
/// are seen with it.
#[test]
fn one_accepts_and_sees_the_peer() {
    model("one accepts, and sees the peer", || {
        insert(FD, Phase::Bound);
        let accepted = Arc::new(AtomicU32::new(0));
        let accept = |accepted: &AtomicU32| {
            let record = table::get(FD).expect("nobody closes it");
            if table::change_phase(&record, Phase::Arrived, Phase::Accepted) {
                assert_eq!(record.target.get(), "192.0.2.1:80".parse().ok());
                accepted.fetch_add(1, Ordering::Relaxed);
            }
        };
        let thread = {
            let accepted = Arc::clone(&accepted);
            thread::spawn(move || accept(&accepted))
        };
        let record = table::get(FD).expect("nobody closes it");
        record.target.set("192.0.2.1:80".parse().ok());
        table::set_phase(&record, Phase::Arrived);
        drop(record);
        accept(&accepted);
        thread.join().expect("no panic");
        assert_eq!(accepted.load(Ordering::Relaxed), 1);
        table::forget(FD);
        assert!(table::nothing_intercepted());
    });
}
