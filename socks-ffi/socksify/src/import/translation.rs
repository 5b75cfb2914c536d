//! A socksrc in the making.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The lines of a socksrc, and what could not be said in them.
#[derive(Default)]
pub(super) struct Translation {
    /// Each with the line that it comes from; 0 for none.
    lines: Vec<(u32, String)>,
    pub(super) notes: Vec<Note>,
    is_lossy: bool,
}

/// Something about a line that is to be told. Holds no login.
pub(super) struct Note {
    pub(super) line: u32,
    pub(super) text: String,
}

/// A server and its login, as they stand in a socksrc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) server: String,
    /// Nothing, or both words.
    pub(super) login: String,
}

impl Translation {
    /// Adds a line that follows from that one.
    pub(super) fn say(&mut self, origin: u32, line: impl Into<String>) {
        self.lines.push((origin, line.into()));
    }

    /// A line has no counterpart, and nothing goes another way for that.
    pub(super) fn note(&mut self, line: u32, text: &str) {
        self.notes.push(Note { line, text: text.to_owned() });
    }

    /// A line has no counterpart, and without it something would go another way.
    pub(super) fn lost(&mut self, line: u32, text: &str) {
        self.notes.push(Note { line, text: format!("cannot be said in a socksrc: {text}") });
        self.is_lossy = true;
    }

    pub(super) fn is_lossy(&self) -> bool {
        self.is_lossy
    }

    /// The line that a line of the result comes from.
    pub(super) fn origin(&self, line: u32) -> u32 {
        let index = usize::try_from(line).unwrap_or_default().checked_sub(1);
        index.and_then(|index| self.lines.get(index)).map_or(0, |(origin, _)| *origin)
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (_, line) in &self.lines {
            // A String takes all that is written to it.
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// `proxy NETMASK SERVER,… [LOGIN]`.
    pub(super) fn proxy(&mut self, origin: u32, pattern: &str, proxies: &[Proxy], option: &str) {
        let Some(first) = proxies.first() else { return };
        let servers: Vec<_> = proxies.iter().map(|proxy| format!("{}{option}", proxy.server)).collect();
        self.say(origin, format!("proxy {pattern} {} {}", servers.join(","), first.login).trim_end().to_owned());
    }

    /// A login as two words, if that can be.
    pub(super) fn login(&mut self, line: u32, user: Option<&str>, password: Option<&str>) -> String {
        let is_word = |word: &str| !word.is_empty() && !word.contains(|c: char| c == '#' || c.is_whitespace());
        match (user, password) {
            (None, None) => String::new(),
            (Some(user), Some(password)) if is_word(user) && is_word(password) && !user.starts_with('@') => {
                format!("{user} {password}")
            }
            (Some(_), Some(_)) => {
                self.lost(line, "a login with a blank or `#` in it, or with `@` in front (keep it in a file: @/path)");
                String::new()
            }
            _ => {
                self.lost(line, "a user without a password, or a password without a user");
                String::new()
            }
        }
    }
}

/// `host:port` with an IPv6 address in brackets.
pub(super) fn server(host: &str, port: &str) -> String {
    if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `IP[:PORT[-PORT]]/MASK`, where the mask is a length or dotted, as `NETMASK[:PORT[-PORT]]` of socksrc.
pub(super) fn net(text: &str) -> Option<String> {
    let (place, mask) = text.split_once('/')?;
    let (ip, ports) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((ip, "")) => (ip, None),
        Some((ip, ports)) => (ip, Some(ports.strip_prefix(':')?)),
        None if place.parse::<Ipv6Addr>().is_ok() => (place, None),
        None => place.split_once(':').map_or((place, None), |(ip, ports)| (ip, Some(ports))),
    };
    let prefix = if let Ok(ip) = ip.parse::<Ipv4Addr>() {
        let len = mask.parse().ok().filter(|len| *len <= 32).or_else(|| dotted(mask))?;
        let net = ip.to_bits() & u32::MAX.checked_shl(32 - len).unwrap_or(0);
        format!("{}/{len}", Ipv4Addr::from_bits(net))
    } else {
        let ip: Ipv6Addr = ip.parse().ok()?;
        let len: u32 = mask.parse().ok().filter(|len| *len <= 128)?;
        let net = ip.to_bits() & u128::MAX.checked_shl(128 - len).unwrap_or(0);
        format!("{}/{len}", Ipv6Addr::from_bits(net))
    };
    Some(match ports {
        None => prefix,
        Some(ports) if prefix.contains(':') => format!("[{prefix}]:{ports}"),
        Some(ports) => format!("{prefix}:{ports}"),
    })
}

/// The length of a mask such as 255.255.0.0; none where it has holes.
fn dotted(mask: &str) -> Option<u32> {
    let bits = mask.parse::<Ipv4Addr>().ok()?.to_bits();
    (bits.leading_ones() + bits.trailing_zeros() >= 32).then(|| bits.leading_ones())
}
