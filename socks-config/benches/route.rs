//! How long a look-up takes among 100,000 rules.

use std::fmt::Write;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use socks_config::{Config, Destination, Host};

const RULES: usize = 100_000;
const DESTINATIONS: usize = 100_000;
const ROUNDS: usize = 20;

fn main() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);

    let mut addresses = String::new();
    for _ in 0..RULES {
        let (ip, len) = (random.ip(), random.below(33));
        let len = if ip.is_ipv4() { len.max(8) } else { len + 32 };
        let _ = writeln!(addresses, "{}", random.line(&format!("{ip}/{len}")));
    }
    let ips: Vec<(IpAddr, u16)> = (0..DESTINATIONS).map(|_| (random.ip(), 443)).collect();
    report("addresses", &addresses, ips.iter().map(|&to| to.into()));

    let mut nested = String::new();
    for _ in 0..RULES / 33 {
        let ip = random.ip();
        for len in if ip.is_ipv4() { 0..33 } else { 0..66 } {
            let _ = writeln!(nested, "proxy {}:{} a", in_brackets(ip, len), 1 + random.below(65_000));
        }
    }
    report("nested, by port", &nested, ips.iter().map(|&to| to.into()));

    let mut names = String::new();
    for number in 0..RULES as u32 {
        let _ = writeln!(names, "{}", random.line(&format!(".{}", name(number))));
    }
    let asked: Vec<String> =
        (0..DESTINATIONS).map(|_| format!("www.{}", name(random.below(2 * RULES as u32)))).collect();
    report("names", &names, asked.iter().map(|name| Destination { host: Host::Name(name.as_bytes()), port: 443 }));
}

fn name(number: u32) -> String {
    format!("host{number}.zone{}.example", number % 500)
}

fn in_brackets(ip: IpAddr, len: u32) -> String {
    if ip.is_ipv4() { format!("{ip}/{len}") } else { format!("[{ip}/{len}]") }
}

fn report<'a>(what: &str, text: &str, destinations: impl Iterator<Item = Destination<'a>> + Clone) {
    let start = Instant::now();
    let config = Config::parse("bench", text.as_bytes()).config;
    let read = start.elapsed();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for to in destinations.clone() {
            black_box(config.route(black_box(to)));
        }
        best = best.min(start.elapsed());
    }
    let each = best.as_nanos() as f64 / DESTINATIONS as f64;
    println!("{what}: {each:.0} ns a look-up; read {} lines in {} ms", text.lines().count(), read.as_millis());
}

/// xorshift64*, so that every run sees the same rules.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u32) -> u32 {
        ((self.next() >> 32) % u64::from(end)) as u32
    }

    fn ip(&mut self) -> IpAddr {
        match self.below(4) {
            0 => Ipv6Addr::from_bits((0x2001 << 112) | (u128::from(self.next()) << 40)).into(),
            _ => Ipv4Addr::from_bits((self.next() >> 32) as u32).into(),
        }
    }

    fn line(&mut self, pattern: &str) -> String {
        if self.below(2) == 0 { format!("proxy {pattern} gate") } else { format!("noproxy {pattern}") }
    }
}
