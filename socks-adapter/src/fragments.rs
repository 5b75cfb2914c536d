//! Fragments of datagrams, joined (RFC 1928 §7).

use std::time::{Duration, Instant};

use socks_proto::WireAddr;
use socks_proto::udp::Fragment;

/// The least that RFC 1928 allows for the reassembly timer.
const REASSEMBLY: Duration = Duration::from_secs(5);
/// No datagram of UDP holds more user data than this.
const MAX_PAYLOAD: usize = 65_535;

/// The reassembly queue: one sequence at a time, of at most the longest datagram.
///
/// Fragments count from 1 and come in order; the queue starts anew where that is not so, where the sender changes,
/// where the data grows too long, and where the first fragment is older than five seconds.
#[derive(Debug, Default)]
pub(crate) struct Fragments(Option<Sequence>);

#[derive(Debug)]
struct Sequence {
    peer: WireAddr,
    started: Instant,
    /// The highest position so far.
    highest: u8,
    data: Vec<u8>,
}

impl Fragments {
    /// A whole datagram came: a sequence that it interrupts is given up.
    pub(crate) fn give_up(&mut self) {
        self.0 = None;
    }

    /// Takes a fragment; gives the user data of the whole sequence with its last one.
    pub(crate) fn push(
        &mut self,
        fragment: Fragment,
        peer: &WireAddr,
        payload: &[u8],
        now: Instant,
    ) -> Option<Vec<u8>> {
        let goes_on = self.0.take().filter(|sequence| {
            sequence.peer == *peer
                && sequence.highest + 1 == fragment.position
                && now.saturating_duration_since(sequence.started) < REASSEMBLY
                && sequence.data.len() + payload.len() <= MAX_PAYLOAD
        });
        let mut sequence = match goes_on {
            Some(sequence) => sequence,
            None if fragment.position == 1 => Sequence { peer: *peer, started: now, highest: 0, data: Vec::new() },
            // Its beginning is lost, or was never there.
            None => return None,
        };
        sequence.highest = fragment.position;
        sequence.data.extend_from_slice(payload);
        if fragment.last {
            return Some(sequence.data);
        }
        self.0 = Some(sequence);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> WireAddr {
        WireAddr::Ip(([192, 0, 2, 1], port).into())
    }

    fn middle(position: u8) -> Fragment {
        Fragment { position, last: false }
    }

    fn last(position: u8) -> Fragment {
        Fragment { position, last: true }
    }

    /// What comes out of fragments of one peer that come at once.
    fn joined(fragments: &[(Fragment, &str)]) -> Vec<String> {
        let (mut queue, now) = (Fragments::default(), Instant::now());
        let push = |(fragment, text): &(Fragment, &str)| queue.push(*fragment, &peer(1), text.as_bytes(), now);
        let whole = fragments.iter().filter_map(push);
        whole.map(|data| String::from_utf8(data).expect("text")).collect()
    }

    #[test]
    fn fragments_in_order_are_one_datagram() {
        assert_eq!(joined(&[(middle(1), "a"), (middle(2), "b"), (last(3), "c"), (last(1), "d")]), ["abc", "d"]);
    }

    #[test]
    fn a_gap_or_a_step_back_loses_the_sequence_and_nothing_else() {
        assert_eq!(joined(&[(middle(1), "a"), (last(3), "c"), (middle(1), "d"), (last(2), "e")]), ["de"]);
        assert_eq!(joined(&[(middle(1), "a"), (middle(2), "b"), (middle(1), "c"), (last(2), "d")]), ["cd"]);
        assert_eq!(joined(&[(middle(1), "a"), (middle(2), "b"), (middle(2), "b"), (last(3), "c")]), [""; 0]);
        assert_eq!(joined(&[(last(0), "z"), (last(2), "b")]), [""; 0]);
    }

    #[test]
    fn the_longest_sequence_has_127() {
        let mut fragments: Vec<_> = (1..127).map(|position| (middle(position), "x")).collect();
        fragments.push((last(127), "x"));
        assert_eq!(joined(&fragments), ["x".repeat(127)]);
        // Nothing follows the highest position.
        fragments.pop();
        fragments.extend([(middle(127), "x"), (last(0), "x")]);
        assert_eq!(joined(&fragments), [""; 0]);
    }

    #[test]
    fn another_peer_interrupts() {
        let (mut queue, now) = (Fragments::default(), Instant::now());
        assert_eq!(queue.push(middle(1), &peer(1), b"a", now), None);
        assert_eq!(queue.push(last(2), &peer(2), b"b", now), None);
        assert_eq!(queue.push(last(2), &peer(1), b"c", now), None);
    }

    #[test]
    fn a_sequence_has_five_seconds() {
        for (late, whole) in [(REASSEMBLY - Duration::from_nanos(1), Some(b"ab".to_vec())), (REASSEMBLY, None)] {
            let (mut queue, now) = (Fragments::default(), Instant::now());
            assert_eq!(queue.push(middle(1), &peer(1), b"a", now), None);
            assert_eq!(queue.push(last(2), &peer(1), b"b", now + late), whole);
        }
    }

    #[test]
    fn the_queue_is_no_longer_than_a_datagram() {
        let (mut queue, now) = (Fragments::default(), Instant::now());
        let half = vec![0; MAX_PAYLOAD / 2 + 1];
        assert_eq!(queue.push(middle(1), &peer(1), &half, now), None);
        assert_eq!(queue.push(last(2), &peer(1), &half, now), None);
        assert_eq!(queue.push(last(3), &peer(1), b"c", now), None);
    }
}
