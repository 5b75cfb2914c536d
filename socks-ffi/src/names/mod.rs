//! Names that the proxy resolves (`dns remote`): a program gets an address of a private range for each, and a connect
//! to that address asks the proxy for the name.

mod table;

use std::ffi::c_char;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use socks_config::{Dns, NameRange, Route};
use socks_proto::{DomainName, TargetAddr};

use crate::config;
use crate::debug::{About, tell_all};
use crate::sys::{self, shared};
use table::{SLOTS, Slot, Table};

/// The file of the table. Another layout has another name.
const FILE: &str = "libsocks-names-1";

/// Who is to resolve a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolver {
    /// libc, as ever.
    System,
    /// The proxy, or nobody has to: to the program this address stands for the name.
    Address(Ipv4Addr),
    /// Nobody: whatever was asked would be told to the wrong one.
    Nobody,
}

/// What an address that a program connects to stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Inline on purpose: a name on the heap would cost every connect an allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Meaning {
    /// Itself.
    Address,
    /// A name, at the port of that address.
    Name(TargetAddr),
    /// A name that nobody knows: it leads nowhere.
    Unknown,
}

/// The range of this process's configuration; `None` where its names are resolved as ever.
pub(crate) fn range() -> Option<NameRange> {
    let config = config::get();
    (config.dns() == Dns::Remote).then(|| config.name_range())
}

/// Whether this machine resolves all names: nothing says otherwise, and nothing that might is beyond reading.
pub(crate) fn are_local() -> bool {
    let config = config::get();
    config.dns() != Dns::Remote && config.is_sound()
}

/// Whether more is asked for than TCP through the proxy, so that other ways out have to be watched: `dns remote`, `strict`.
pub(crate) fn is_guarded() -> bool {
    guarded().unwrap_or_else(|| {
        let guarded = range().is_some() || keeps_in();
        GUARDED.store(if guarded { ON } else { OFF }, Ordering::Relaxed);
        guarded
    })
}

/// What [`is_guarded`] says, if it is known already: a load.
#[inline]
pub(crate) fn guarded() -> Option<bool> {
    match GUARDED.load(Ordering::Relaxed) {
        OFF => Some(false),
        ON => Some(true),
        _ => None,
    }
}

static GUARDED: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;

/// Whether nothing may go out but by the rules, datagrams included.
pub(crate) fn keeps_in() -> bool {
    let config = config::get();
    config.strict() || !config.is_sound()
}

/// Who resolves a name. `port` is 0 where it is not known.
pub(crate) fn resolver(name: &[u8], port: u16) -> Resolver {
    let bare = name.strip_suffix(b".").unwrap_or(name);
    if are_local() || is_numeric(name) || is_own(name) {
        return Resolver::System;
    }
    // No file of hosts has them, and a name server is not to hear of them (RFC 6761, 6.3).
    if is_loopback(bare) {
        return Resolver::Address(Ipv4Addr::LOCALHOST);
    }
    // Longer than the protocol carries, or nothing at all.
    let Ok(name) = DomainName::new(bare.to_ascii_lowercase()) else { return Resolver::Nobody };
    let who = match config::get().route(&TargetAddr::Name(name, port)) {
        Route::Direct => Resolver::System,
        Route::Proxy(_) => number(&name).map_or(Resolver::Nobody, Resolver::Address),
        Route::Refused(_) => Resolver::Nobody,
    };
    tell_all(About::Decision, || match who {
        Resolver::System => format!("{name}: resolved here"),
        Resolver::Address(ip) => format!("{name}: for the proxy to resolve, {ip} stands for it"),
        Resolver::Nobody => format!("{name}: not resolved at all"),
    });
    who
}

/// What inet_aton(3) takes for an address needs no resolver: `10`, `0x7f.1`, `192.0.2.1`; nor does one of IPv6. Whatever only
/// looks like one, as `256.1.1.1` and `192.0.2.1.`, libc would ask for.
fn is_numeric(name: &[u8]) -> bool {
    if name.contains(&b':') {
        let address = name.split(|byte| *byte == b'%').next().unwrap_or_default();
        return std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    // The last part has all the octets that the ones before it leave.
    let mut parts = name.split(|byte| *byte == b'.').rev();
    let last = parts.next().and_then(part);
    let before = parts.clone().count();
    before < 4
        && last.is_some_and(|last| u64::from(last) >> (8 * (4 - before)) == 0)
        && parts.all(|octet| part(octet).is_some_and(|octet| octet < 256))
}

/// A number as C writes it.
fn part(text: &[u8]) -> Option<u32> {
    let (digits, radix) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
        digits => (digits, 10),
    };
    // A sign is none of it.
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, radix).ok()
}

/// Whether it is this machine's own name, or `localhost`: libc knows these.
fn is_own(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"localhost") || sys::host_name().eq_ignore_ascii_case(name)
}

/// Whether it means the loopback: `localhost` and what is under it.
fn is_loopback(name: &[u8]) -> bool {
    let under = name.len().checked_sub(10).is_some_and(|at| name[at..].eq_ignore_ascii_case(b".localhost"));
    under || name.eq_ignore_ascii_case(b"localhost")
}

fn number(name: &DomainName) -> Option<Ipv4Addr> {
    let range = range()?;
    range.address(table(range)?.number(name)?)
}

/// What an address stands for, to a program that connects to it.
pub(crate) fn meaning(to: SocketAddr) -> Meaning {
    let Some((range, number)) = in_range(to.ip()) else { return Meaning::Address };
    match table(range).and_then(|table| table.name(number)) {
        Some(name) => Meaning::Name(TargetAddr::Name(name, to.port())),
        None => Meaning::Unknown,
    }
}

/// The name that an address of the range stands for, as C has it; `None` for any other address and where nobody knows it.
pub(crate) fn c_name(ip: IpAddr) -> Option<*const c_char> {
    let (range, number) = in_range(ip)?;
    table(range)?.c_name(number)
}

/// Whether it stands for a name, be it one that nobody knows.
pub(crate) fn is_name(ip: IpAddr) -> bool {
    in_range(ip).is_some()
}

fn in_range(ip: IpAddr) -> Option<(NameRange, u32)> {
    let range = range()?;
    Some((range, range.index(ip)?))
}

/// The table, made when it is first needed; without memory there is none.
fn table(range: NameRange) -> Option<Table> {
    static FIRST: AtomicPtr<Slot> = AtomicPtr::new(std::ptr::null_mut());
    let known = FIRST.load(Ordering::Acquire);
    let first = if known.is_null() {
        // SAFETY: a slot is made of atomics, and empty where it is all zeroes.
        let made = unsafe { shared::memory::<Slot>(FILE, SLOTS as usize) }.ok()?;
        let made = made.as_ptr().cast_mut();
        // Another thread's mapping of the same file would do as well, but names of anonymous memory must be in one.
        match FIRST.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(first) => first,
        }
    } else {
        known
    };
    // SAFETY: the start of so many slots, which are never unmapped.
    Some(Table::new(unsafe { std::slice::from_raw_parts(first, SLOTS as usize) }, range.size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libc_reads_as_an_address_is_none_of_the_proxys() {
        for name in [
            "192.0.2.1",
            "10",
            "127.1",
            "0x7f.1",
            "0177.0.0.1",
            "::1",
            "fe80::1%eth0",
            "1.2.3.4",
            "1.65535",
            "4294967295",
        ] {
            assert!(is_numeric(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "example",
            "1.example",
            "0x",
            "1.2.3.4.5",
            "a.1",
            "1..2",
            "0xg.1",
            "1.2.3.4.",
            "256.1.1.1",
            "1.2.3.256",
            "1.2.65536",
            "4294967296",
            "08.1",
            "+1.2",
            "1.+2",
            "fe80::zz",
            "[::1]",
        ] {
            assert!(!is_numeric(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn this_machine_is_not_asked_of_the_proxy() {
        for name in ["localhost", "LocalHost", "a.localhost", "a.b.LOCALHOST"] {
            assert!(is_loopback(name.as_bytes()), "{name}");
        }
        assert!(is_own(b"LocalHost") && is_own(&sys::host_name()));
        for name in ["localhost.example", "notlocalhost", ".", "example"] {
            assert!(!is_own(name.as_bytes()) && !is_loopback(name.as_bytes()), "{name}");
        }
        assert!(!is_own(b"localhost."), "libc would ask for it");
    }
}
