//! What scripted proxies say, one connection each.
//!
//! The program's targets are 192.0.2.1, 192.0.2.2 and so on, port 80, one for each script of a case, in this order.

use std::collections::VecDeque;

use socks_conformance::script::{Act, Script};

/// The greeting without a login, and the choice of no authentication.
const GREETING: [u8; 3] = [5, 1, 0];
/// The greeting of who has a login: that first.
const OFFER: [u8; 4] = [5, 2, 2, 0];
const METHOD: [u8; 2] = [5, 0];

fn script(acts: impl IntoIterator<Item = Act>, closes: bool) -> Script {
    Script {
        acts: acts.into_iter().collect::<VecDeque<_>>(),
        closes,
        complete: true,
        writes: None,
        write_cap: None,
        restless: false,
    }
}

fn expect(bytes: &[u8]) -> Act {
    Act::Expect(bytes.to_vec())
}

fn give(bytes: &[u8]) -> Act {
    Act::Give(bytes.to_vec())
}

/// CONNECT to the target of the script in this place.
fn request(place: usize) -> Act {
    expect(&[5, 1, 0, 1, 192, 0, 2, place as u8 + 1, 0, 80])
}

fn reply(code: u8) -> Act {
    give(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])
}

/// As far as the answer to the request of the script in this place.
fn answers(place: usize, answer: Act) -> Script {
    script([expect(&GREETING), give(&METHOD), request(place), answer], true)
}

/// Each way in which a proxy refuses, in the order of the design's table.
pub(crate) fn refusals() -> Vec<Script> {
    let codes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    let mut all: Vec<Script> = codes.into_iter().enumerate().map(|(at, code)| answers(at, reply(code))).collect();
    all.extend([
        // No method in common.
        script([expect(&GREETING), give(&[5, 0xff])], true),
        // Not SOCKS 5: version 4, and a web server.
        script([expect(&GREETING), give(&[4, 0])], true),
        script([expect(&GREETING), give(b"HTTP/1.0 400 Bad Request\r\n\r\n")], true),
        // Closed before the method, in the middle of it, before the reply, in the middle of it.
        script([expect(&GREETING)], true),
        script([expect(&GREETING), give(&METHOD[..1])], true),
        script([expect(&GREETING), give(&METHOD), request(14)], true),
        answers(15, give(&[5, 0, 0, 1, 192])),
        // An address type that nobody knows, with a success.
        answers(16, give(&[5, 0, 0, 9, 1, 2, 3, 4, 5, 6])),
        // A refusal whose end never comes.
        script([expect(&GREETING), give(&METHOD), request(17), give(&[5, 4])], false),
    ]);
    all
}

/// A login that is refused, and a proxy that does not want one offered.
pub(crate) fn logins() -> Vec<Script> {
    let login = expect(b"\x01\x03ann\x05wrong");
    vec![
        script([expect(&OFFER), give(&[5, 2]), login.clone(), give(&[1, 1])], true),
        script([expect(&OFFER), give(&[5, 0xff])], true),
        script([expect(&OFFER), give(&[5, 2]), login.clone()], true),
        script([expect(&OFFER), give(&[5, 2]), login, give(&[1, 0]), request(3), reply(4)], true),
    ]
}

/// Proxies that stay silent: from the start, and after the request.
pub(crate) fn silence() -> Vec<Script> {
    vec![script([expect(&GREETING)], false), script([expect(&GREETING), give(&METHOD), request(1)], false)]
}

/// The target's first words in one piece with the reply, once for each kind of bound address.
pub(crate) fn hasty() -> Vec<Script> {
    let replies: [&[u8]; 3] = [
        b"\x05\x00\x00\x01\x01\x02\x03\x04\x00\x07220 ready\n",
        b"\x05\x00\x00\x03\x0cmail.example\x00\x07220 ready\n",
        b"\x05\x00\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x07220 ready\n",
    ];
    replies.into_iter().enumerate().map(|(at, reply)| answers(at, give(reply))).collect()
}

/// BIND: the proxy listens at 192.0.2.9:4000, and 198.51.100.7:5000 comes; the first words are hasty.
pub(crate) fn bind() -> Vec<Script> {
    let request = expect(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    let bound = give(&[5, 0, 0, 1, 192, 0, 2, 9, 0x0f, 0xa0]);
    let peer = give(b"\x05\x00\x00\x01\xc6\x33\x64\x07\x13\x88220 ready\n");
    vec![script([expect(&GREETING), give(&METHOD), request, bound, peer], true)]
}

/// BIND refused: the proxy does not know the command, or gives up to wait for a peer.
pub(crate) fn bind_refused() -> Vec<Script> {
    vec![script([expect(&GREETING), give(&METHOD), expect(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]), reply(7)], true)]
}

/// BIND without a peer: the second reply is "TTL expired".
pub(crate) fn bind_expired() -> Vec<Script> {
    let request = expect(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    let bound = give(&[5, 0, 0, 1, 192, 0, 2, 9, 0x0f, 0xa0]);
    vec![script([expect(&GREETING), give(&METHOD), request, bound, reply(6)], true)]
}
