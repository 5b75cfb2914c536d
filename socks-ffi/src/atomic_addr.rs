//! Socket addresses that threads may read without a lock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sync::{AtomicU32, AtomicU64, Ordering, constant};

/// A socket address that is written before a phase is published and read after.
pub(crate) struct AtomicAddr {
    /// 0 for none; else the family in the high half, the port in the low one.
    meta: AtomicU32,
    high: AtomicU64,
    low: AtomicU64,
}

const META_V4: u32 = 4 << 16;
const META_V6: u32 = 6 << 16;

impl AtomicAddr {
    constant! {
        pub(crate) fn new() -> Self {
            Self { meta: AtomicU32::new(0), high: AtomicU64::new(0), low: AtomicU64::new(0) }
        }
    }

    pub(crate) fn set(&self, addr: Option<SocketAddr>) {
        let Some(addr) = addr else {
            self.meta.store(0, Ordering::Relaxed);
            return;
        };
        let (family, bits) = match addr.ip() {
            IpAddr::V4(ip) => (META_V4, u128::from(u32::from(ip))),
            IpAddr::V6(ip) => (META_V6, u128::from(ip)),
        };
        self.high.store((bits >> 64) as u64, Ordering::Relaxed);
        self.low.store(bits as u64, Ordering::Relaxed);
        self.meta.store(family | u32::from(addr.port()), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<SocketAddr> {
        let meta = self.meta.load(Ordering::Relaxed);
        let low = self.low.load(Ordering::Relaxed);
        let ip = match meta & 0xffff_0000 {
            META_V4 => IpAddr::V4(Ipv4Addr::from(low as u32)),
            META_V6 => {
                let high = self.high.load(Ordering::Relaxed);
                IpAddr::V6(Ipv6Addr::from((u128::from(high) << 64) | u128::from(low)))
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, meta as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_out_as_they_went_in() {
        let stored = AtomicAddr::new();
        assert_eq!(stored.get(), None);
        for text in ["0.0.0.0:0", "255.255.255.255:65535", "[::]:0", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:80"] {
            let addr: SocketAddr = text.parse().expect("an address");
            stored.set(Some(addr));
            assert_eq!(stored.get(), Some(addr));
        }
        stored.set(None);
        assert_eq!(stored.get(), None);
    }
}
