//! The addresses of a name in the order in which to try them.

use std::net::SocketAddr;

/// Lets the two families take turns, beginning with that of the first address, and keeps the order within each (RFC 8305
/// section 4): where one family leads nowhere, the other one is tried next, and not after all of the first.
pub fn interleave(addresses: &mut [SocketAddr]) {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return };
    for at in 1..addresses.len() {
        let wanted = first ^ (at % 2 == 1);
        match addresses[at..].iter().position(|addr| addr.is_ipv6() == wanted) {
            Some(distance) => addresses[at..=at + distance].rotate_right(1),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> String {
        let mut addresses: Vec<SocketAddr> = text.split(' ').map(|at| at.parse().expect("an address")).collect();
        interleave(&mut addresses);
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let mixed = "[::1]:1 [::2]:1 [::3]:1 1.0.0.1:1 1.0.0.2:1";
        assert_eq!(after(mixed), "[::1]:1 1.0.0.1:1 [::2]:1 1.0.0.2:1 [::3]:1");
        assert_eq!(after("1.0.0.1:1 1.0.0.2:1 1.0.0.3:1 [::1]:1"), "1.0.0.1:1 [::1]:1 1.0.0.2:1 1.0.0.3:1");
        assert_eq!(after("1.0.0.1:1 [::1]:1 1.0.0.2:1 [::2]:1"), "1.0.0.1:1 [::1]:1 1.0.0.2:1 [::2]:1");
        assert_eq!(after("[::1]:1 [::2]:1"), "[::1]:1 [::2]:1");
    }

    #[test]
    fn nothing_is_nothing() {
        interleave(&mut []);
        assert_eq!(after("[::1]:1"), "[::1]:1");
    }
}
