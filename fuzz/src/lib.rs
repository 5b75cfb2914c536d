//! What the targets about texts share: logins put out of sight, and destinations to ask for.

#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socks_config::{Destination, Host};

/// The same text with other letters and digits: each of the same kind, so that nothing else about it changes.
///
/// What a program shows of a text that holds a secret must not change with it.
pub fn masked(secret: &[u8]) -> Vec<u8> {
    let turn = |byte: u8, first: u8, len: u8| first + (byte - first + 1) % len;
    let mask = |&byte: &u8| match byte {
        b'0'..=b'9' => turn(byte, b'0', 10),
        b'a'..=b'f' => turn(byte, b'a', 6),
        b'g'..=b'z' => turn(byte, b'g', 20),
        b'A'..=b'F' => turn(byte, b'A', 6),
        b'G'..=b'Z' => turn(byte, b'G', 20),
        other => other,
    };
    secret.iter().map(mask).collect()
}

/// Hosts that rules are about, and some that no rule is about; ports alike.
pub struct Probes {
    ips: Vec<IpAddr>,
    names: Vec<Vec<u8>>,
    ports: Vec<u16>,
}

impl Probes {
    /// Those that any text is asked for.
    pub fn new() -> Self {
        let v4 =
            [[0, 0, 0, 0], [10, 1, 2, 3], [127, 0, 0, 1], [192, 0, 2, 1], [255, 255, 255, 255]].map(Ipv4Addr::from);
        let mapped = v4[1].to_ipv6_mapped();
        let v6 = [Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST, mapped, Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)];
        let names: [&[u8]; 8] =
            [b"", b".", b"localhost", b"a.b.example.com.", b"WWW.example", b"10.1.2.3", b"[::1]", b"\xff\0"];
        Self {
            ips: v4.map(IpAddr::V4).into_iter().chain(v6.map(IpAddr::V6)).collect(),
            names: names.map(<[u8]>::to_vec).to_vec(),
            ports: vec![0, 25, 443, 65_535],
        }
    }

    /// Those that the words of a text name as well, as far as they can be made out.
    pub fn of(text: &[u8]) -> Self {
        let mut probes = Self::new();
        for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty() && word.len() < 80).take(24) {
            let word = String::from_utf8_lossy(word);
            let host = word.trim_start_matches(['.', '[']).split(['/', ']', ',']).next().unwrap_or_default();
            let (name, ports) = word.rsplit_once(':').unwrap_or((&word, ""));
            if let Ok(ip) = host.parse().or_else(|_| host.split(':').next().unwrap_or_default().parse()) {
                probes.ips.push(ip);
            } else if probes.names.len() < 20 {
                probes.names.push(name.trim_start_matches('.').as_bytes().to_vec());
            }
            probes.ports.extend(ports.split('-').filter_map(|port| port.parse::<u16>().ok()).take(2));
        }
        probes.ports.truncate(10);
        probes
    }

    /// Each host at each port.
    pub fn destinations(&self) -> impl Iterator<Item = Destination<'_>> {
        let ips = self.ips.iter().map(|ip| Host::Ip(*ip));
        let hosts = ips.chain(self.names.iter().map(|name| Host::Name(name)));
        hosts.flat_map(|host| self.ports.iter().map(move |&port| Destination { host, port }))
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self::new()
    }
}
