//! The addresses that stand for names which the proxy resolves.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str;

/// A range of IPv4 addresses that stand for names, `198.18.0.0/15` unless set (RFC 2544: never public).
///
/// Each address but the first stands for one name, by its index: 1 and up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRange {
    first: u32,
    len: u8,
}

impl NameRange {
    /// The longest prefix: fewer addresses would soon be used up.
    const LONGEST: u8 = 24;
    /// The shortest: more names than this no process asks for, and each index takes memory.
    const SHORTEST: u8 = 8;

    /// Reads `A.B.C.D/LEN`, with a length of 8 to 24 and no bits set beyond it.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (ip, len) = str::from_utf8(text).ok()?.split_once('/')?;
        let (ip, len) = (ip.parse::<Ipv4Addr>().ok()?, len.parse::<u8>().ok()?);
        let range = Self { first: ip.to_bits(), len };
        let is_sound = (Self::SHORTEST..=Self::LONGEST).contains(&len) && range.first & !range.mask() == 0;
        is_sound.then_some(range)
    }

    fn mask(self) -> u32 {
        u32::MAX << (32 - u32::from(self.len))
    }

    /// How many addresses it has, the first included.
    pub fn size(self) -> u32 {
        1 << (32 - u32::from(self.len))
    }

    /// The address of that index; `None` for 0 and beyond the end.
    pub fn address(self, index: u32) -> Option<Ipv4Addr> {
        (1..self.size()).contains(&index).then(|| Ipv4Addr::from_bits(self.first | index))
    }

    /// Which address of the range it is, if it is one, be it in its IPv4-mapped form; 0 is the first.
    pub fn index(self, ip: IpAddr) -> Option<u32> {
        let IpAddr::V4(ip) = ip.to_canonical() else { return None };
        let bits = ip.to_bits();
        (bits & self.mask() == self.first).then_some(bits & !self.mask())
    }
}

impl Default for NameRange {
    fn default() -> Self {
        Self { first: Ipv4Addr::new(198, 18, 0, 0).to_bits(), len: 15 }
    }
}

impl fmt::Display for NameRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.first), self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_indices_are_each_others_inverse() {
        let range = NameRange::default();
        assert_eq!((range.to_string().as_str(), range.size()), ("198.18.0.0/15", 1 << 17));
        for index in [1, 2, 255, 256, 65_536, (1 << 17) - 1] {
            let ip = range.address(index).expect("inside");
            assert_eq!(range.index(ip.into()), Some(index));
            assert_eq!(range.index(ip.to_ipv6_mapped().into()), Some(index));
        }
        assert_eq!((range.address(0), range.address(1 << 17)), (None, None));
        assert_eq!(range.index(Ipv4Addr::new(198, 18, 0, 0).into()), Some(0));
        for outside in ["198.17.255.255", "198.20.0.0", "::1", "2001:db8::1"] {
            assert_eq!(range.index(outside.parse().expect("an address")), None, "{outside}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        assert_eq!(NameRange::parse(b"10.9.0.0/16").map(|range| range.to_string()).as_deref(), Some("10.9.0.0/16"));
        for wrong in ["10.9.0.0", "10.9.0.1/16", "10.0.0.0/7", "10.0.0.0/25", "10.9/16", "::/16", "/16", "x/16", ""] {
            assert_eq!(NameRange::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
