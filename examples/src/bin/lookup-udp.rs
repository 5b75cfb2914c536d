//! Asks a name server for the addresses of a name, by UDP ASSOCIATE: `socks-blocking`.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use examples::args;
use socks_blocking::{Config, ProxyUrl, TargetAddr, UdpAssociation};

/// A datagram may be lost, and is then sent again.
const TRIES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> anyhow::Result<()> {
    let [name, server, proxy] = args("lookup-udp NAME NAME-SERVER:PORT PROXY")?;
    let (server, proxy): (TargetAddr, ProxyUrl) = (server.parse()?, proxy.parse()?);

    let association = UdpAssociation::open(&Config::from_url(&proxy), server)?;
    association.set_read_timeout(Some(PATIENCE))?;
    let query = query(std::process::id() as u16, &name)?;
    let mut buf = [0; 1500];
    for _ in 0..TRIES {
        association.send_to(&query, server)?;
        match association.recv_from(&mut buf) {
            Ok((len, _)) => {
                for addr in addresses(&query, &buf[..len]).context("no sound answer")? {
                    println!("{name} {addr}");
                }
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the name server does not answer")
}

/// A question for the IPv4 addresses of a name (RFC 1035 §4.1).
fn query(id: u16, name: &str) -> anyhow::Result<Vec<u8>> {
    // Recursion desired, one question.
    let mut query = [&id.to_be_bytes()[..], &[0x01, 0x00, 0x00, 0x01, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.trim_end_matches('.').split('.') {
        ensure!((1..=63).contains(&label.len()), "{name}: a label of {} octets", label.len());
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    // The root, type A, class IN.
    query.extend_from_slice(&[0, 0x00, 0x01, 0x00, 0x01]);
    Ok(query)
}

/// The addresses in an answer to this query; `None` where it is none.
fn addresses(query: &[u8], answer: &[u8]) -> Option<Vec<Ipv4Addr>> {
    let (header, rest) = answer.split_at_checked(12)?;
    // The same number, an answer, without an error.
    if header[..2] != query[..2] || header[2] & 0x80 == 0 || header[3] & 0x0f != 0 {
        return None;
    }
    // The question comes back as it went.
    let mut rest = rest.strip_prefix(&query[12..])?;
    let mut found = Vec::new();
    for _ in 0..u16::from_be_bytes([header[6], header[7]]) {
        let (fixed, behind) = skip_name(rest)?.split_at_checked(10)?;
        let (data, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes([fixed[8], fixed[9]])))?;
        if let (&[0x00, 0x01, 0x00, 0x01], &[a, b, c, d]) = (&fixed[..4], data) {
            found.push(Ipv4Addr::new(a, b, c, d));
        }
        rest = behind;
    }
    Some(found)
}

/// What is behind a name: labels up to the root, or up to a pointer to others.
fn skip_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        rest = match *rest.first()? {
            0 => return rest.get(1..),
            0xc0.. => return rest.get(2..),
            len => rest.get(1 + usize::from(len)..)?,
        };
    }
}
