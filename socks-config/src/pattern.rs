//! What a line is about: a prefix or a name, and maybe ports.

use std::fmt;

use crate::diagnostic::{Fault, quote};
use crate::netmask::Prefix;
use crate::server_list;

/// The destinations that a `proxy` or `noproxy` line is about.
///
/// `Display` writes it as socksrc(5) does, with the prefix length always given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) hosts: Hosts,
    pub(crate) ports: Option<Ports>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    Net(Prefix),
    /// Lower case, without the leading dot; nothing is the root, which every name is under.
    Name(Box<str>),
}

/// From the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl Pattern {
    /// Everything.
    pub(crate) const ALL: Self = Self { hosts: Hosts::Net(Prefix::ALL), ports: None };

    /// Reads a pattern; also tells whether bits beyond a prefix length had to be cleared.
    pub(crate) fn parse(text: &[u8]) -> Result<(Self, bool), Fault> {
        let (hosts, ports) = split_ports(text)?;
        let ports = ports.map(Ports::parse).transpose()?;
        if let Some(name) = hosts.strip_prefix(b".") {
            return Ok((Self { hosts: Hosts::Name(domain(name)?), ports }, false));
        }
        let (prefix, cleared) = Prefix::parse(hosts)?;
        Ok((Self { hosts: Hosts::Net(prefix), ports }, cleared))
    }

    /// Whether it is about some addresses but not others.
    pub(crate) fn is_about_some_addresses(&self) -> bool {
        matches!(self.hosts, Hosts::Net(prefix) if prefix != Prefix::ALL)
    }

    /// The first and the last port.
    pub(crate) fn port_range(&self) -> (u16, u16) {
        self.ports.map_or((0, u16::MAX), |ports| (ports.first, ports.last))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.ports;
        match (&self.hosts, ports) {
            (Hosts::Name(name), _) => write!(f, ".{name}")?,
            (Hosts::Net(prefix), None) => prefix.fmt(f)?,
            (Hosts::Net(prefix), Some(_)) => {
                let shown = prefix.to_string();
                if shown.contains(':') { write!(f, "[{shown}]")? } else { f.write_str(&shown)? }
            }
        }
        match ports {
            None => Ok(()),
            Some(Ports { first, last }) if first == last => write!(f, ":{first}"),
            Some(Ports { first, last }) => write!(f, ":{first}-{last}"),
        }
    }
}

impl Ports {
    fn parse(text: &[u8]) -> Result<Self, Fault> {
        const EXPECTED: &str = "a port from 1 to 65535, or PORT-PORT with the lower one first";
        let mut ends = text.split(|&b| b == b'-').map(server_list::port);
        match (ends.next(), ends.next(), ends.next()) {
            (Some(Ok(port)), None, _) => Ok(Self { first: port, last: port }),
            (Some(Ok(first)), Some(Ok(last)), None) if first <= last => Ok(Self { first, last }),
            _ => Err(Fault::new(0, format!("the ports {}", quote(text)), EXPECTED)),
        }
    }
}

/// The hosts, and the ports where there are any: `10.0.0.0/8:25`, `[abc::/16]:25`, `.example.com:25`.
fn split_ports(text: &[u8]) -> Result<(&[u8], Option<&[u8]>), Fault> {
    if let Some(inner) = text.strip_prefix(b"[") {
        let end = inner.iter().position(|&b| b == b']');
        return match end.map(|end| (&inner[..end], &inner[end + 1..])) {
            Some((hosts, b"")) if hosts.contains(&b':') => Ok((hosts, None)),
            Some((hosts, [b':', ports @ ..])) if hosts.contains(&b':') => Ok((hosts, Some(ports))),
            _ => Err(Fault::new(0, quote(text), "[IPv6/LENGTH]:PORT[-PORT]")),
        };
    }
    let mut colons = text.iter().enumerate().filter(|&(_, &b)| b == b':').map(|(at, _)| at);
    match (colons.next(), colons.next()) {
        (Some(colon), None) => Ok((&text[..colon], Some(&text[colon + 1..]))),
        _ => Ok((text, None)),
    }
}

/// A domain without its leading dot; a trailing dot is taken off.
fn domain(text: &[u8]) -> Result<Box<str>, Fault> {
    const EXPECTED: &str = "a name such as .example.com";
    if !text.is_ascii() {
        // A name is compared as it is sent: resolvers and browsers send `xn--`, so that the other form would never match.
        return Err(Fault::new(0, "a name beyond ASCII", "its `xn--` form"));
    }
    let name = text.to_ascii_lowercase();
    let name = name.strip_suffix(b".").unwrap_or(&name);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !name.is_empty()
        && !name.split(|&b| b == b'.').all(|label| !label.is_empty() && label.iter().all(|&b| allowed(b)))
    {
        return Err(Fault::new(0, quote(&[b".", text].concat()), EXPECTED));
    }
    match (text, name.len()) {
        // `..` is no root.
        (b".", _) => Err(Fault::new(0, "`..`", EXPECTED)),
        (_, 0..=255) => Ok(name.iter().map(|&b| char::from(b)).collect()),
        (_, len) => Err(Fault::new(0, format!("a name of {len} bytes"), "255 at most")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_and_written() {
        for (text, shown) in [
            ("10:25", "10.0.0.0/8:25"),
            ("10.0.0.0/8:20-21", "10.0.0.0/8:20-21"),
            ("0.0.0.0/0:3306-3306", "0.0.0.0/0:3306"),
            ("[2001:db8::/32]:25", "[2001:db8::/32]:25"),
            ("[::1]:1-65535", "[::1/128]:1-65535"),
            ("[abc::]", "abc::/16"),
            (".", "."),
            (".:25", ".:25"),
            (".Example.COM", ".example.com"),
            (".example.com.", ".example.com"),
            (".example.com:25", ".example.com:25"),
            (".onion", ".onion"),
            ("._tcp.x-y.1", "._tcp.x-y.1"),
        ] {
            let (pattern, cleared) = Pattern::parse(text.as_bytes()).unwrap();
            assert_eq!((pattern.to_string().as_str(), cleared), (shown, false), "{text}");
            assert_eq!(Pattern::parse(shown.as_bytes()).unwrap().0, pattern);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ":",
            ":25",
            "10:",
            "10:0",
            "10:65536",
            "10:25-",
            "10:-25",
            "10:30-20",
            "10:1-2-3",
            "10:a",
            "10:+5",
            "[10/8]:25",
            "[::1",
            "[::1]25",
            "[::1]:",
            "[]",
            "[]:5",
            "..",
            ".a..b",
            "..a",
            ".a b",
            ".*.a",
            "*.a",
            "example.com",
            ".b\u{fc}cher.example",
            ".a:b:c",
            ".a/8",
        ] {
            assert!(Pattern::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Pattern::parse(format!(".{}", "a".repeat(256)).as_bytes()).is_err());
        assert!(Pattern::parse(format!(".{}", "a".repeat(255)).as_bytes()).is_ok());
    }
}
