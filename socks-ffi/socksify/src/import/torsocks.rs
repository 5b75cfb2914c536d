//! torsocks.conf.

use super::lines;
use super::translation::{Proxy, Translation, server};

/// The words of the format.
pub(super) const WORDS: [&str; 8] = [
    "TorAddress",
    "TorPort",
    "OnionAddrRange",
    "SOCKS5Username",
    "SOCKS5Password",
    "AllowInbound",
    "AllowOutboundLocalhost",
    "IsolatePID",
];

pub(super) fn translate(text: &str) -> Translation {
    let mut to = Translation::default();
    let (mut host, mut port) = ("127.0.0.1", "9050");
    let (mut user, mut password) = (None, None);
    let mut last = 0;
    // It lets nothing go by, datagrams included.
    to.say(0, "strict");
    to.say(0, "dns remote");
    for (number, line) in lines(text) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["TorAddress", value] => (host, last) = (value, number),
            ["TorPort", value] => (port, last) = (value, number),
            ["SOCKS5Username", value] => (user, last) = (Some(value), number),
            ["SOCKS5Password", value] => (password, last) = (Some(value), number),
            ["OnionAddrRange", _] => to.note(number, "OnionAddrRange: names have addresses of 198.18.0.0/15 here"),
            ["AllowInbound", "1"] => to.say(number, "noproxy 0.0.0.0"),
            ["AllowOutboundLocalhost", allowed @ ("1" | "2")] => {
                to.say(number, "noproxy 127.0.0.0/8");
                to.say(number, "noproxy ::1");
                if allowed == "1" {
                    to.note(number, "AllowOutboundLocalhost 1: datagrams to the loopback are let through as well");
                }
            }
            ["AllowInbound" | "AllowOutboundLocalhost" | "IsolatePID", "0"] => {}
            ["IsolatePID", "1"] => to.lost(number, "IsolatePID: a login, and so a circuit, for each process"),
            [word, ..] if WORDS.contains(&word) => to.lost(number, &format!("{word} without the value it takes")),
            [word, ..] => to.lost(number, &format!("`{word}`, which is not known")),
            [] => {}
        }
    }
    let login = to.login(last, user, password);
    to.proxy(last, "0.0.0.0/0", &[Proxy { server: server(host, port), login }], "");
    to
}
