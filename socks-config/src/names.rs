//! Name rules: the longest name, of the one asked for and those it is under, that has a rule for the port.

use crate::builder::Report;
use crate::pattern::Hosts;
use crate::rule::Rule;
use crate::slot::Slot;

/// FNV-1a, with 64 bits. The table holds only names from the configuration, so that nobody else can choose what collides.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// A table of names with open addressing, by a hash that runs from the last byte to the first: hashing a name once
/// meets the hashes of all names that it is under.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    nodes: Vec<Node>,
    /// 0 where free, else the number of a node, plus one. A power of two long, and at most half full.
    table: Vec<u32>,
    root: Option<Slot>,
}

#[derive(Clone, Debug)]
struct Node {
    name: Box<str>,
    slot: Slot,
}

impl Names {
    pub(crate) fn new(rules: &mut [Rule], report: &mut Report) -> Self {
        let mut ids: Vec<(Box<str>, u32)> = (0..)
            .zip(&*rules)
            .filter_map(|(id, rule)| match &rule.pattern.hosts {
                Hosts::Name(name) => Some((name.clone(), id)),
                Hosts::Net(_) => None,
            })
            .collect();
        ids.sort_unstable();
        let mut names = Self { nodes: Vec::new(), table: Vec::new(), root: None };
        let mut members = Vec::new();
        for same in ids.chunk_by(|a, b| a.0 == b.0) {
            members.clear();
            members.extend(same.iter().map(|&(_, id)| id));
            let slot = Slot::new(rules, &mut members, report);
            match &*same[0].0 {
                "" => names.root = Some(slot),
                name => names.nodes.push(Node { name: name.into(), slot }),
            }
        }
        names.fill_table();
        names
    }

    fn fill_table(&mut self) {
        if self.nodes.is_empty() {
            return;
        }
        self.table = vec![0; (self.nodes.len() * 2).next_power_of_two()];
        for (number, node) in (1..).zip(&self.nodes) {
            let hash = node.name.bytes().rev().fold(FNV_START, hash_byte);
            let mut at = self.home(hash);
            while self.table[at] != 0 {
                at = (at + 1) & (self.table.len() - 1);
            }
            self.table[at] = number;
        }
    }

    /// Where the search for a hash begins.
    fn home(&self, hash: u64) -> usize {
        // The low bits of FNV-1a see the low bits of the bytes only.
        let mixed = hash ^ (hash >> 32);
        (mixed as usize) & (self.table.len() - 1)
    }

    /// The rule for a name and a port. Case does not matter, nor does one dot at the end.
    pub(crate) fn find(&self, name: &[u8], port: u16) -> Option<u32> {
        let mut found = self.root.as_ref().and_then(|slot| slot.find(port));
        if self.nodes.is_empty() {
            return found;
        }
        let name = name.strip_suffix(b".").unwrap_or(name);
        let mut hash = FNV_START;
        for (at, &byte) in name.iter().enumerate().rev() {
            if byte == b'.' {
                found = self.find_exactly(&name[at + 1..], hash, port).or(found);
            }
            hash = hash_byte(hash, byte.to_ascii_lowercase());
        }
        self.find_exactly(name, hash, port).or(found)
    }

    fn find_exactly(&self, name: &[u8], hash: u64, port: u16) -> Option<u32> {
        let mut at = self.home(hash);
        while let Some(number) = self.table[at].checked_sub(1) {
            let node = &self.nodes[number as usize];
            if node.name.as_bytes().eq_ignore_ascii_case(name) {
                return node.slot.find(port);
            }
            at = (at + 1) & (self.table.len() - 1);
        }
        None
    }
}

fn hash_byte(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
}
