//! Address rules: the longest prefix that has a rule for the port.

use std::net::IpAddr;

use crate::builder::Report;
use crate::nest::{Nest, Span};
use crate::netmask::Prefix;
use crate::pattern::Hosts;
use crate::rule::Rule;
use crate::slot::Slot;

#[derive(Clone, Debug)]
pub(crate) struct Nets {
    innermost: Nest<u128>,
    nodes: Vec<Node>,
}

/// One prefix that has rules.
#[derive(Clone, Debug)]
struct Node {
    len: u8,
    /// The next shorter prefix around this one.
    outer: Option<u32>,
    slot: Slot,
}

impl Nets {
    pub(crate) fn new(rules: &mut [Rule], report: &mut Report) -> Self {
        let mut ids: Vec<(Prefix, u32)> = (0..)
            .zip(&*rules)
            .filter_map(|(id, rule)| match rule.pattern.hosts {
                Hosts::Net(prefix) => Some((prefix, id)),
                Hosts::Name(_) => None,
            })
            .collect();
        // By first address, and of prefixes that begin together the shorter, outer one first.
        ids.sort_unstable();
        let mut nodes = Vec::new();
        let mut spans = Vec::new();
        let mut members = Vec::new();
        for same in ids.chunk_by(|a, b| a.0 == b.0) {
            let prefix = same[0].0;
            members.clear();
            members.extend(same.iter().map(|&(_, id)| id));
            let id = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            nodes.push(Node { len: prefix.len(), outer: None, slot: Slot::new(rules, &mut members, report) });
            spans.push(Span { first: prefix.first(), last: prefix.last(), id });
        }
        let innermost = Nest::new(spans.into_iter(), |id, outer| nodes[id as usize].outer = outer);
        Self { innermost, nodes }
    }

    /// The rule for an address and a port.
    pub(crate) fn find(&self, ip: IpAddr, port: u16) -> Option<u32> {
        let (bits, alias) = Prefix::aliases(Prefix::bits_of(ip));
        let found = self.find_bits(bits, port);
        let other = alias.and_then(|bits| self.find_bits(bits, port));
        match (found, other) {
            // Where both are equally long, as ::/126 and 0.0.0.0/30 are, the one that is written as IPv6.
            (Some((len, _)), Some((other, id))) if other > len => Some(id),
            (found, other) => found.or(other).map(|(_, id)| id),
        }
    }

    /// The rule that holds at every address, and so for a name whose address is not known.
    pub(crate) fn find_everywhere(&self, port: u16) -> Option<u32> {
        // Prefixes are sorted, so that the one around all others is the first.
        self.nodes.first().filter(|node| node.len == 0)?.slot.find(port)
    }

    fn find_bits(&self, bits: u128, port: u16) -> Option<(u8, u32)> {
        let mut at = self.innermost.find(bits);
        while let Some(node) = at.and_then(|id| self.nodes.get(id as usize)) {
            if let Some(rule) = node.slot.find(port) {
                return Some((node.len, rule));
            }
            at = node.outer;
        }
        None
    }
}
