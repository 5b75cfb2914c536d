//! The rules of one prefix or one name, told apart by port.

use crate::builder::Report;
use crate::nest::{Nest, Span};
use crate::pattern::Ports;
use crate::rule::{Action, Rule};

/// Among the rules of one prefix or name: the narrowest range around a port, else the rule without ports.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    any: Option<u32>,
    ports: Option<Box<Nest<u16>>>,
}

impl Slot {
    /// From the rules of these indices, which differ in their ports only.
    ///
    /// Two with the same ports contradict each other, as do two whose ranges overlap in part: each is reported, and what
    /// they cover goes nowhere.
    pub(crate) fn new(rules: &mut [Rule], members: &mut [u32], report: &mut Report) -> Self {
        let ports = |rules: &[Rule], id: u32| rules[id as usize].pattern.ports;
        members.sort_by_key(|&id| {
            let rule = &rules[id as usize];
            (rule.pattern.ports.map(|p| (p.first, u16::MAX - p.last)), rule.order)
        });
        let mut kept: Vec<u32> = Vec::with_capacity(members.len());
        for &id in &*members {
            match kept.last() {
                Some(&first) if ports(rules, first) == ports(rules, id) => duplicate(rules, first, id, report),
                _ => kept.push(id),
            }
        }
        let mut any = kept.first().copied().filter(|&id| ports(rules, id).is_none());
        let ranged = &kept[usize::from(any.is_some())..];
        if ranged.is_empty() {
            return Self { any, ports: None };
        }
        let mut spans = Vec::with_capacity(ranged.len());
        let mut around: Vec<(u32, Ports)> = Vec::new();
        let mut crossed = false;
        for &id in ranged {
            let Some(range) = ports(rules, id) else { continue };
            while around.pop_if(|(_, outer)| outer.last < range.first).is_some() {}
            match around.last() {
                Some(&(outer, Ports { last, .. })) if last < range.last => {
                    crossing(rules, outer, id, report);
                    crossed = true;
                }
                _ => {
                    around.push((id, range));
                    spans.push(Span { first: range.first, last: range.last, id });
                }
            }
        }
        if crossed {
            // Which of them was meant is not known for any port, so that none of them may go direct.
            kept.iter().for_each(|&id| rules[id as usize].action = Action::Broken);
            any = any.or_else(|| kept.first().copied());
        }
        Self { any, ports: Some(Box::new(Nest::new(spans.into_iter(), |_, _| {}))) }
    }

    /// The rule for a port.
    pub(crate) fn find(&self, port: u16) -> Option<u32> {
        self.ports.as_ref().and_then(|ports| ports.find(port)).or(self.any)
    }
}

fn duplicate(rules: &mut [Rule], first: u32, second: u32, report: &mut Report) {
    let (first, second) = (first as usize, second as usize);
    let found = format!("{} a second time, after {}", rules[second].pattern, rules[first].location);
    report.error(rules[second].order, rules[second].location.clone(), found, "each NETMASK and name once");
    // Two that say the same leave no doubt.
    if rules[first].action != rules[second].action {
        rules[first].action = Action::Broken;
    }
}

fn crossing(rules: &[Rule], first: u32, second: u32, report: &mut Report) {
    let (first, second) = (&rules[first as usize], &rules[second as usize]);
    let (first, second) = if first.order < second.order { (first, second) } else { (second, first) };
    let found = format!("{}, which overlaps {} of {}", second.pattern, first.pattern, first.location);
    report.error(second.order, second.location.clone(), found, "ranges of ports apart, or one inside the other");
}
