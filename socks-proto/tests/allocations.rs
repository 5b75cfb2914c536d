//! A handshake without authentication or with a username and password allocates nothing, to an IP or to a name.

use std::hint::black_box;

use socks_conformance::allocations::{Counting, allocations};
use socks_proto::{Command, Established, Handshake, Login, Offer, Step, UserPass};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A whole handshake with a server that says this.
fn negotiate(command: Command, offer: Offer, mut script: &[u8]) -> Established {
    let mut handshake = Handshake::new(command, offer);
    loop {
        match handshake.step().expect("the server is kind") {
            Step::Send(bytes) => {
                let n = black_box(bytes).len();
                handshake.sent(n);
            }
            Step::Receive { at_most } => {
                let (piece, rest) = script.split_at(at_most.get());
                script = rest;
                handshake.receive(piece).expect("the server is kind");
            }
            Step::Event(event) => drop(black_box(event)),
            _ => return handshake.into_established().expect("it is done"),
        }
    }
}

const NONE: &[u8] = &[5, 0];
const USER_PASS: &[u8] = &[5, 2, 1, 0];
const TO_IP: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 4, 56];
const TO_NAME: &[u8] = b"\x05\x00\x00\x03\x0cexit.example\x04\x38";

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Vec::<u8>::with_capacity(10)))).0, 1);
}

#[test]
fn none_and_userpass_allocate_nothing() {
    let login = UserPass::new("ann", "s3cret").unwrap();
    for target in ["192.0.2.1:80", "[2001:db8::1]:80", "mail.example:25"] {
        for reply in [TO_IP, TO_NAME] {
            for (opening, auth) in [(NONE, Login::None), (USER_PASS, Login::UserPass(login.clone()))] {
                let script = [opening, reply].concat();
                let target = target.parse().unwrap();
                for one_round_trip in [false, true] {
                    let auth = auth.clone();
                    let (count, done) = allocations(|| {
                        let offer = if one_round_trip { Offer::one_round_trip(auth) } else { Offer::stepwise(auth) };
                        negotiate(Command::Connect(target), offer, &script)
                    });
                    assert_eq!(count, 0, "{target}, one round trip {one_round_trip}: {done:?}");
                }
            }
        }
    }
}

#[test]
fn bind_and_udp_associate_allocate_nothing() {
    let target = "0.0.0.0:0".parse().unwrap();
    for (command, script) in [
        (Command::UdpAssociate(target), [NONE, TO_IP].concat()),
        (Command::Bind(target), [NONE, TO_IP, TO_NAME].concat()),
    ] {
        let (count, done) = allocations(|| negotiate(command, Offer::stepwise(Login::None), &script));
        assert_eq!(count, 0, "{done:?}");
    }
}
