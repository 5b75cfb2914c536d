//! NETMASK: CIDR prefixes of both families in one space of 128 bits.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

use crate::diagnostic::{Fault, quote};
use crate::server_list::number;

const NETMASK: &str = "a NETMASK, such as 10.0.0.0/8 or 2001:db8::/32, or a name such as .example.com";

/// The bits of `::ffff:0.0.0.0`.
const MAPPED: u128 = 0xffff << 32;

/// A prefix of the one address space: IPv4 in its IPv4-mapped form, and `0.0.0.0` as the `::` of both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Prefix {
    bits: u128,
    len: u8,
}

impl Prefix {
    /// Every address of both families.
    pub(crate) const ALL: Self = Self { bits: 0, len: 0 };

    /// Where an address stands in the one space.
    pub(crate) fn bits_of(ip: IpAddr) -> u128 {
        let bits = match ip {
            IpAddr::V4(ip) => MAPPED | u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        if bits == MAPPED { 0 } else { bits }
    }

    /// The places to look up for an address whose [`bits_of`](Self::bits_of) are these: the wildcard address
    /// belongs to the prefixes of both families.
    pub(crate) fn aliases(bits: u128) -> (u128, Option<u128>) {
        (bits, (bits == 0).then_some(MAPPED))
    }

    /// The prefix, and whether bits beyond its length had to be cleared.
    fn masked(bits: u128, len: u8) -> (Self, bool) {
        let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
        let prefix = Self { bits: bits & mask, len };
        // Alone, or as the whole family, 0.0.0.0 is `::`.
        let whole = match prefix {
            Self { bits: MAPPED, len: 128 } => Self { bits: 0, len: 128 },
            prefix => prefix,
        };
        (whole, bits & !mask != 0)
    }

    pub(crate) fn first(self) -> u128 {
        self.bits
    }

    pub(crate) fn last(self) -> u128 {
        self.bits | u128::MAX.checked_shr(self.len.into()).unwrap_or(0)
    }

    pub(crate) fn len(self) -> u8 {
        self.len
    }

    /// Reads a NETMASK; also tells whether bits beyond its length had to be cleared.
    pub(crate) fn parse(text: &[u8]) -> Result<(Self, bool), Fault> {
        let (address, len) = match text.iter().position(|&b| b == b'/') {
            Some(slash) => (&text[..slash], Some(&text[slash + 1..])),
            None => (text, None),
        };
        if address.contains(&b':') {
            let (ip, written) = ipv6(address).ok_or_else(|| Fault::new(0, quote(text), NETMASK))?;
            let len = length(text, len, 128)?.or(written).ok_or_else(|| {
                Fault::new(
                    0,
                    "`::` without a length",
                    "::/0 for every address, or ::/128 for the wildcard address alone",
                )
            })?;
            Ok(Self::masked(ip.to_bits(), len))
        } else {
            let (ip, written) = ipv4(address).ok_or_else(|| Fault::new(0, quote(text), NETMASK))?;
            let len = length(text, len, 32)?.unwrap_or(written);
            let (_, cleared) = Self::masked(MAPPED | u128::from(ip.to_bits()), 96 + len);
            match len {
                0 => Ok((Self::ALL, cleared)),
                _ => Ok((Self::masked(MAPPED | u128::from(ip.to_bits()), 96 + len).0, cleared)),
            }
        }
    }
}

/// As socksrc(5) writes it, always with the length.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = Ipv6Addr::from_bits(self.bits);
        match (ip.to_ipv4_mapped(), *self) {
            (_, Self::ALL) => f.write_str("0.0.0.0/0"),
            (_, Self { bits: 0, len: 128 }) => f.write_str("0.0.0.0/32"),
            // To write 0.0.0.0/0 for the whole of IPv4 would say "everything".
            (Some(ip), Self { len, .. }) if len > 96 => write!(f, "{ip}/{}", len - 96),
            (_, Self { len, .. }) => write!(f, "{ip}/{len}"),
        }
    }
}

/// The length after the slash, where there is one.
fn length(whole: &[u8], digits: Option<&[u8]>, max: u8) -> Result<Option<u8>, Fault> {
    let Some(digits) = digits else { return Ok(None) };
    let len = number(digits).and_then(|len| u8::try_from(len).ok()).filter(|&len| len <= max);
    len.map(Some).ok_or_else(|| Fault::new(0, quote(whole), format!("a prefix length from 0 to {max}")))
}

/// One to four numbers, and the length that so many stand for.
fn ipv4(text: &[u8]) -> Option<(Ipv4Addr, u8)> {
    let mut octets = [0; 4];
    let mut count = 0;
    for part in text.split(|&b| b == b'.') {
        // A leading zero means octal to some, and nothing to others.
        if part.len() > 1 && part[0] == b'0' {
            return None;
        }
        *octets.get_mut(count)? = u8::try_from(number(part)?).ok()?;
        count += 1;
    }
    Some((octets.into(), u8::try_from(count * 8).ok()?))
}

/// An IPv6 address, and the length that the groups before a `::` at its end stand for, if any.
fn ipv6(text: &[u8]) -> Option<(Ipv6Addr, Option<u8>)> {
    let text = str::from_utf8(text).ok()?;
    let ip = text.parse().ok()?;
    let len = match text.strip_suffix("::") {
        None => Some(128),
        Some("") => None,
        Some(groups) => u8::try_from(groups.split(':').count() * 16).ok(),
    };
    Some((ip, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, shown: &str) {
        let (prefix, cleared) = Prefix::parse(text.as_bytes()).unwrap();
        assert_eq!((prefix.to_string().as_str(), cleared), (shown, false), "{text}");
        assert_eq!(Prefix::parse(shown.as_bytes()).unwrap(), (prefix, false), "{shown}");
    }

    #[test]
    fn short_forms_count() {
        reads("10", "10.0.0.0/8");
        reads("192.168", "192.168.0.0/16");
        reads("192.168.7", "192.168.7.0/24");
        reads("192.168.0.6", "192.168.0.6/32");
        reads("192.168/20", "192.168.0.0/20");
        reads("10/8", "10.0.0.0/8");
        reads("abc::", "abc::/16");
        reads("0:abc::", "0:abc::/32");
        reads("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/112");
        reads("a::b", "a::b/128");
        reads("::1", "::1/128");
        reads("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128");
        reads("abc::/20", "abc::/20");
    }

    #[test]
    fn ipv4_is_compared_in_its_mapped_form() {
        reads("::ffff:10.0.0.0/104", "10.0.0.0/8");
        reads("::ffff:10.1.2.3", "10.1.2.3/32");
        reads("::ffff:0:0/96", "::ffff:0.0.0.0/96");
    }

    #[test]
    fn zero_is_of_both_families() {
        reads("::/0", "0.0.0.0/0");
        reads("0.0.0.0/0", "0.0.0.0/0");
        reads("0/0", "0.0.0.0/0");
        reads("::/128", "0.0.0.0/32");
        reads("0.0.0.0", "0.0.0.0/32");
        reads("::ffff:0.0.0.0", "0.0.0.0/32");
        reads("0", "0.0.0.0/8");
        let wildcards = ["0.0.0.0", "::", "::ffff:0.0.0.0"].map(|ip| Prefix::bits_of(ip.parse().unwrap()));
        assert_eq!(wildcards, [0; 3]);
    }

    #[test]
    fn bits_beyond_the_length_are_cleared_and_told() {
        for (text, shown) in
            [("172.20.7.1/24", "172.20.7.0/24"), ("10.0.0.0/0", "0.0.0.0/0"), ("2001:db8::1/32", "2001:db8::/32")]
        {
            let (prefix, cleared) = Prefix::parse(text.as_bytes()).unwrap();
            assert_eq!((prefix.to_string().as_str(), cleared), (shown, true));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "/",
            "/8",
            "10/",
            "10/33",
            "10/-1",
            "10/+8",
            "10/ 8",
            "10/8/8",
            "256",
            "1.2.3.4.5",
            "1..2",
            "10.",
            ".10",
            "010",
            "0x7f",
            "a",
            "::/129",
            "::",
            "1:2:3",
            "1::2::3",
            ":::",
            "fe80::1%eth0",
            "1:2:3:4:5:6:7:8:9",
            "[::1]",
            "10.0.0.0/255.0.0.0",
            "999999999999",
            "10/99999999999",
            "\u{661}",
        ] {
            assert!(Prefix::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Prefix::parse(b"\xff").is_err());
    }
}
