//! What a CONNECT over a stream of the caller's may cost: so many reads and writes, and no allocation.

use socks_proto::{Login, Offer, TargetAddr, UserPass};

/// One handshake with a proxy that says all its part at once.
#[derive(Debug)]
pub struct Handshake {
    /// What is asked for.
    pub target: TargetAddr,
    /// How.
    pub offer: Offer,
    /// All that the proxy says.
    pub script: Vec<u8>,
    /// How many allocations, reads and writes it takes.
    pub cost: (usize, usize, usize),
}

/// The reply to a request that is granted.
pub const REPLY: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];
/// The choice of no login.
pub const NONE: &[u8] = &[5, 0];
/// The choice of a login, and that it was the right one.
const USER_PASS: &[u8] = &[5, 2, 1, 0];

/// To an address and to a name, without a login and with one, step by step and in one round trip.
///
/// # Panics
/// Never: what it is made of is valid.
pub fn handshakes() -> Vec<Handshake> {
    let login = || Login::from(UserPass::new("ann", "s3cret").expect("short enough"));
    let to = |target: &str| {
        let target = target.parse().expect("a target");
        let cases = [
            // One read a message, and one more for what of a reply is beyond the shortest.
            (NONE, Offer::stepwise(Login::None), (0, 3, 2)),
            (NONE, Offer::one_round_trip(Login::None), (0, 2, 1)),
            (USER_PASS, Offer::stepwise(login()), (0, 4, 3)),
            (USER_PASS, Offer::one_round_trip(login()), (0, 2, 1)),
        ];
        cases.map(|(opening, offer, cost)| Handshake { target, offer, script: [opening, REPLY].concat(), cost })
    };
    ["192.0.2.1:80", "mail.example:25"].into_iter().flat_map(to).collect()
}
