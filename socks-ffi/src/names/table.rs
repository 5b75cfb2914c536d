//! Names by number, the same in every process of a user: a hash table in shared memory.
//!
//! A name is put in once and never taken out, so a number means the same name for as long as the memory lives: programs
//! keep addresses, hand them to each other, and come back to them later. Nothing is locked. Who writes a slot claims it
//! first; one that died in between has used a slot up, no more.

use std::ffi::c_char;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use socks_proto::DomainName;

use crate::sys::shared;

/// As many names as the usual range has addresses.
pub(crate) const SLOTS: u32 = 1 << 17;

/// The longest name, and a NUL behind it for C.
const ROOM: usize = 256;

const EMPTY: u32 = 0;
const CLAIMED: u32 = 1;
const FULL: u32 = 2;

/// How often a slot is looked at again that another thread or process is just filling.
const PATIENCE: u32 = 1000;

/// One name. All zeroes, as new memory is, it is empty. All of it is atomic: other processes may do what they like with it.
#[repr(C)]
pub(crate) struct Slot {
    state: AtomicU32,
    len: AtomicU32,
    octets: [AtomicU8; ROOM],
}

impl Slot {
    fn name(&self) -> Option<DomainName> {
        if self.state.load(Ordering::Acquire) != FULL {
            return None;
        }
        let len = (self.len.load(Ordering::Relaxed) as usize).min(ROOM - 1);
        let mut octets = [0; ROOM];
        for (octet, stored) in octets.iter_mut().zip(&self.octets[..len]) {
            *octet = stored.load(Ordering::Relaxed);
        }
        DomainName::new(&octets[..len]).ok()
    }

    /// Puts a name into an empty slot. `false`: another was faster.
    fn fill(&self, name: &DomainName) -> bool {
        if self.state.compare_exchange(EMPTY, CLAIMED, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        let octets = name.as_bytes();
        for (stored, octet) in self.octets.iter().zip(octets) {
            stored.store(*octet, Ordering::Relaxed);
        }
        self.len.store(octets.len() as u32, Ordering::Relaxed);
        self.state.store(FULL, Ordering::Release);
        true
    }

    /// Whether it holds this name; `None` where it is empty.
    fn is(&self, name: &DomainName) -> Option<bool> {
        for _ in 0..PATIENCE {
            match self.state.load(Ordering::Acquire) {
                EMPTY => return None,
                FULL => return Some(self.name().is_some_and(|own| own == *name)),
                _ => std::thread::yield_now(),
            }
        }
        Some(false)
    }
}

/// The slots that one range of addresses uses: those from 1 up to its size.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    slots: &'static [Slot],
}

impl Table {
    /// `size` is that of the range, the first address of which stands for nothing.
    pub(crate) fn new(slots: &'static [Slot], size: u32) -> Self {
        Self { slots: &slots[..slots.len().min(size as usize)] }
    }

    /// The number of a name, which is put in if it is not there yet. `None`: the table is full.
    pub(crate) fn number(self, name: &DomainName) -> Option<u32> {
        let usable = self.slots.len().checked_sub(1).filter(|usable| *usable > 0)?;
        let start = hash(name) as usize % usable;
        for number in (0..usable).map(|step| 1 + (start + step) % usable) {
            let slot = self.slot(number)?;
            let is_there = match slot.is(name) {
                Some(is_there) => is_there,
                // Who was faster may have put the same name in.
                None => slot.fill(name) || slot.is(name) == Some(true),
            };
            if is_there {
                return Some(number as u32);
            }
        }
        None
    }

    /// A slot that may be touched.
    fn slot(self, number: usize) -> Option<&'static Slot> {
        self.slots.get(number).filter(|slot| shared::back(*slot).is_ok())
    }

    /// The name of a number.
    pub(crate) fn name(self, number: u32) -> Option<DomainName> {
        self.slot(number as usize)?.name()
    }

    /// The name of a number as C has it, for as long as the process lives.
    pub(crate) fn c_name(self, number: u32) -> Option<*const c_char> {
        let slot = self.slot(number as usize)?;
        // A name that C cannot hold was never put in by a C program.
        let name = slot.name()?;
        (!name.as_bytes().contains(&0)).then(|| slot.octets.as_ptr().cast())
    }
}

/// FNV-1a: short, and the same in every process and version.
fn hash(name: &DomainName) -> u64 {
    let octets = name.as_bytes().iter();
    octets.fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::thread;

    use super::*;

    fn slots(count: usize) -> &'static [Slot] {
        let slot = || Slot {
            state: AtomicU32::new(EMPTY),
            len: AtomicU32::new(0),
            octets: [const { AtomicU8::new(0) }; ROOM],
        };
        Vec::leak((0..count).map(|_| slot()).collect())
    }

    fn name(text: &str) -> DomainName {
        DomainName::try_from(text).expect("a name")
    }

    #[test]
    fn a_name_keeps_its_number_and_a_number_its_name() {
        let table = Table::new(slots(1000), 1 << 17);
        let names: Vec<_> = (0..500).map(|at| name(&format!("host{at}.example"))).collect();
        let numbers: Vec<_> = names.iter().map(|name| table.number(name).expect("room")).collect();
        for (name, number) in names.iter().zip(&numbers) {
            assert_ne!(*number, 0);
            assert_eq!((table.number(name), table.name(*number)), (Some(*number), Some(*name)));
        }
        let longest = name(&"x".repeat(255));
        let number = table.number(&longest).expect("room");
        // SAFETY: a name of the table ends in NUL and stays.
        let text = unsafe { CStr::from_ptr(table.c_name(number).expect("text")) };
        assert_eq!(text.to_bytes(), longest.as_bytes());
    }

    #[test]
    fn a_full_table_takes_no_more_and_loses_nothing() {
        let table = Table::new(slots(64), 16);
        let names: Vec<_> = (0..15).map(|at| name(&format!("{at}"))).collect();
        let mut numbers: Vec<_> = names.iter().map(|name| table.number(name).expect("room")).collect();
        assert_eq!(table.number(&name("one more")), None);
        assert!(names.iter().zip(&numbers).all(|(name, number)| table.number(name) == Some(*number)));
        numbers.sort_unstable();
        assert_eq!(numbers, (1..16).collect::<Vec<_>>(), "every address but the first");
    }

    #[test]
    fn numbers_that_nobody_gave_have_no_name() {
        let table = Table::new(slots(16), 1 << 17);
        assert!((0..16).chain([17, u32::MAX]).all(|number| table.name(number).is_none()));
        assert!(Table::new(slots(1), 256).number(&name("a")).is_none());
    }

    #[test]
    fn a_slot_whose_writer_died_is_passed_over() {
        let slots = slots(3);
        for slot in slots {
            slot.state.store(CLAIMED, Ordering::Relaxed);
        }
        slots[1].state.store(EMPTY, Ordering::Relaxed);
        assert_eq!(Table::new(slots, 3).number(&name("a")), Some(1));
    }

    #[test]
    fn threads_agree_on_the_numbers() {
        let table = Table::new(slots(300), 1 << 17);
        let all: Vec<Vec<u32>> = thread::scope(|scope| {
            let work = |_| scope.spawn(|| (0..200).map(|at| table.number(&name(&at.to_string())).unwrap()).collect());
            let threads: Vec<_> = (0..4).map(work).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        // Two may have put the same name in at once; what each number means is one name for all.
        for numbers in &all {
            for (at, number) in numbers.iter().enumerate() {
                assert_eq!(table.name(*number), Some(name(&at.to_string())));
            }
        }
    }
}
