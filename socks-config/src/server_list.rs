//! Reads the servers of a `proxy` line.
//!
//! Any part of a server list may turn out to be a password in the wrong place, so that messages name what is
//! wrong and quote single characters and option names only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str;
use std::time::Duration;

use socks_proto::DomainName;

use crate::diagnostic::{Fault, quote};
use crate::server::{Endpoint, Redirect, RedirectHost, Server, ServerHost};

const SERVER: &str = "a server: host[:port][/option...], [IPv6]:port or unix:/path";
const OPTION: &str = "ipv4, redirect=domain[:port], pipeline or timeout=SECONDS";

/// `SERVER[,SERVER...]`
pub(crate) fn list(text: &[u8]) -> Result<Vec<Server>, Fault> {
    refuse_url(text)?;
    let mut at = 0;
    text.split(|&b| b == b',')
        .map(|part| {
            let parsed = server(part).map_err(|fault| fault.shifted(at));
            at += part.len() + 1;
            parsed
        })
        .collect()
}

/// `host[:port][/option...]`, `[IPv6]:port[/option...]` or `unix:/path[/option...]`
pub(crate) fn server(text: &[u8]) -> Result<Server, Fault> {
    refuse_url(text)?;
    // `unix:1080` is a host of that name: a path is absolute.
    if let Some(rest) = text.strip_prefix(b"unix:").filter(|rest| !rest.first().is_some_and(u8::is_ascii_digit)) {
        return unix(rest).map_err(|fault| fault.shifted(b"unix:".len()));
    }
    let mut parts = text.split(|&b| b == b'/');
    let place = parts.next().unwrap_or_default();
    let (host, port) = host_port(place, SERVER)?;
    let mut server = Server::new(Endpoint::Tcp { host, port: port.unwrap_or(Server::DEFAULT_PORT) });
    let mut at = place.len() + 1;
    for part in parts {
        option(&mut server, part).map_err(|fault| fault.shifted(at))?;
        at += part.len() + 1;
    }
    Ok(server)
}

/// A path may hold anything, so that only what spells an option at its end is one.
fn unix(text: &[u8]) -> Result<Server, Fault> {
    let mut server = Server::new(Endpoint::Unix(PathBuf::new()));
    let mut path = text;
    while let Some(slash) = path.iter().rposition(|&b| b == b'/') {
        let last = &path[slash + 1..];
        let spells_option =
            matches!(last, b"ipv4" | b"pipeline") || last.starts_with(b"redirect=") || last.starts_with(b"timeout=");
        if !spells_option {
            break;
        }
        option(&mut server, last).map_err(|fault| fault.shifted(slash + 1))?;
        path = &path[..slash];
    }
    match str::from_utf8(path) {
        Ok(path) if path.starts_with('/') && path.len() > 1 => {
            server.endpoint = Endpoint::Unix(PathBuf::from(path));
            Ok(server)
        }
        Ok(_) => Err(Fault::new(0, "no absolute path", "unix:/path")),
        Err(_) => Err(Fault::new(0, "a path that is not UTF-8", "unix:/path")),
    }
}

fn option(server: &mut Server, text: &[u8]) -> Result<(), Fault> {
    let twice = |name: &str| Err(Fault::new(0, format!("`{name}` a second time"), "each option once"));
    if text == b"ipv4" {
        if server.ipv4_only {
            return twice("ipv4");
        }
        server.ipv4_only = true;
    } else if text == b"pipeline" {
        if server.pipeline {
            return twice("pipeline");
        }
        server.pipeline = true;
    } else if let Some(value) = text.strip_prefix(b"timeout=") {
        if server.timeout.is_some() {
            return twice("timeout");
        }
        let seconds = number(value).filter(|&seconds| seconds > 0);
        let seconds =
            seconds.ok_or_else(|| Fault::new(0, "`timeout=` without a number", "timeout=SECONDS, 1 or more"))?;
        server.timeout = Some(Duration::from_secs(seconds.into()));
    } else if let Some(value) = text.strip_prefix(b"redirect=") {
        if server.redirect.is_some() {
            return twice("redirect");
        }
        server.redirect = Some(redirect(value).map_err(|fault| fault.shifted(b"redirect=".len()))?);
    } else if text.is_empty() {
        return Err(Fault::new(0, "nothing after `/`", OPTION));
    } else {
        let name = text.split(|&b| b == b'=').next().unwrap_or_default();
        return Err(Fault::new(0, format!("the unknown option {}", quote(name)), OPTION));
    }
    Ok(())
}

fn redirect(text: &[u8]) -> Result<Redirect, Fault> {
    const REDIRECT: &str = "domain[:port] or :port";
    if let Some(digits) = text.strip_prefix(b":") {
        return Ok(Redirect { host: None, port: Some(port(digits)?) });
    }
    let (host, port) = host_port(text, REDIRECT)?;
    let host = match host {
        ServerHost::Ip(ip) => RedirectHost::Ip(ip),
        ServerHost::Name(name) => {
            let name = DomainName::new(name).map_err(|error| Fault::new(0, error.to_string(), REDIRECT))?;
            RedirectHost::Name(Box::new(name))
        }
    };
    Ok(Redirect { host: Some(host), port })
}

/// `host[:port]` or `[IPv6][:port]`; `what` is named where something else stands there.
pub(crate) fn host_port(text: &[u8], what: &str) -> Result<(ServerHost, Option<u16>), Fault> {
    if let Some(inner) = text.strip_prefix(b"[") {
        let bracketed = inner.iter().position(|&b| b == b']').map(|end| (&inner[..end], &inner[end + 1..]));
        let ip = bracketed.and_then(|(ip, _)| str::from_utf8(ip).ok()?.parse::<Ipv6Addr>().ok());
        let (Some(ip), Some((_, rest))) = (ip, bracketed) else {
            return Err(Fault::new(0, "no IPv6 address in brackets", what));
        };
        return match rest.split_first() {
            None => Ok((ServerHost::Ip(ip.into()), None)),
            Some((b':', digits)) => {
                let port = port(digits).map_err(|fault| fault.shifted(text.len() - digits.len()))?;
                Ok((ServerHost::Ip(ip.into()), Some(port)))
            }
            Some(_) => Err(Fault::new(0, "more after `]`", what)),
        };
    }
    let mut parts = text.split(|&b| b == b':');
    match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
        (name, None, _) => Ok((host(name, what)?, None)),
        (name, Some(digits), None) => {
            Ok((host(name, what)?, Some(port(digits).map_err(|f| f.shifted(name.len() + 1))?)))
        }
        (_, Some(_), Some(_)) => {
            Err(Fault::new(0, "more than one `:`", format!("{what}, an IPv6 address in brackets")))
        }
    }
}

fn host(text: &[u8], what: &str) -> Result<ServerHost, Fault> {
    if text.is_empty() {
        return Err(Fault::new(0, "no host", what));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_') || !b.is_ascii();
    if let Some(at) = text.iter().position(|&b| !allowed(b)) {
        return Err(Fault::new(at, format!("`{}` in a host name", text[at].escape_ascii()), what));
    }
    let Ok(name) = str::from_utf8(text) else {
        return Err(Fault::new(0, "a host name that is not UTF-8", what));
    };
    if let Ok(ip) = name.parse::<Ipv4Addr>() {
        return Ok(ServerHost::Ip(IpAddr::V4(ip)));
    }
    // Resolvers read 10.1 and 010.0.0.1 each in their own way.
    if name.rsplit('.').next().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Fault::new(0, "a host that ends in a number", "an IPv4 address of four numbers, or a name"));
    }
    match name.len() {
        1..=255 => Ok(ServerHost::Name(name.to_owned())),
        len => Err(Fault::new(0, format!("a host name of {len} bytes"), "255 at most")),
    }
}

/// A port from 1 to 65535.
pub(crate) fn port(digits: &[u8]) -> Result<u16, Fault> {
    let port = number(digits).and_then(|n| u16::try_from(n).ok()).filter(|&port| port > 0);
    port.ok_or_else(|| Fault::new(0, "no port number", "a port from 1 to 65535"))
}

/// A decimal number without sign.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

/// A URL may hold a login, so that the whole word is refused before any part of it is looked at.
fn refuse_url(text: &[u8]) -> Result<(), Fault> {
    if text.windows(3).any(|w| w == b"://") {
        return Err(Fault::new(0, "a URL", SERVER));
    }
    if text.contains(&b'@') {
        return Err(Fault::new(0, "a login with `@`", format!("{SERVER}; USERID PASSWORD follow as words")));
    }
    Ok(())
}
