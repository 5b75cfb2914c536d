//! Proxy URLs.

use std::fmt;
use std::str::FromStr;

use socks_proto::UserPass;

use crate::config::Dns;
use crate::diagnostic::{Fault, ParseError};
use crate::server::{Endpoint, Server};
use crate::server_list;

const SCHEMES: &str = "socks5:// (names are resolved here) or socks5h:// (names are resolved by the proxy)";
const FORM: &str = "socks5[h]://[user:password@]host[:port]";

/// `socks5://[user:password@]host[:port]` or `socks5h://...`, with the meaning that curl gives them.
///
/// User and password are percent-decoded, an IPv6 host stands in brackets, and the port is 1080 unless
/// given. `Display` and `Debug` show neither user nor password.
///
/// ```
/// use socks_config::{Dns, ProxyUrl};
///
/// let url: ProxyUrl = "socks5h://ann:s%23cret@gate.example".parse()?;
/// assert_eq!(url.server().to_string(), "gate.example:1080");
/// assert_eq!(url.credentials().map(|login| login.password()), Some(&b"s#cret"[..]));
/// assert_eq!(url.names(), Dns::Remote);
/// assert_eq!(url.to_string(), "socks5h://***@gate.example:1080");
/// # Ok::<(), socks_config::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    server: Server,
    credentials: Option<UserPass>,
    names: Dns,
}

impl ProxyUrl {
    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The login, where the URL has one.
    pub fn credentials(&self) -> Option<&UserPass> {
        self.credentials.as_ref()
    }

    /// Who resolves names: [`Dns::Local`] for `socks5://`, [`Dns::Remote`] for `socks5h://`.
    pub fn names(&self) -> Dns {
        self.names
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let (names, start) = scheme(text)?;
        let rest = &text[start..];
        let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if tail.contains(&b'@') {
            return Err(Fault::new(start, "`/`, `?` or `#` in the login", "these percent-encoded: %2F, %3F, %23"));
        }
        if !matches!(tail, b"" | b"/") {
            return Err(Fault::new(start + end, "more after the host", FORM));
        }
        let (login, place, at) = match authority.iter().rposition(|&b| b == b'@') {
            Some(at) => (Some(&authority[..at]), &authority[at + 1..], at + 1),
            None => (None, authority, 0),
        };
        let credentials = login.map(userinfo).transpose().map_err(|fault| fault.shifted(start))?;
        let (host, port) = server_list::host_port(place, FORM).map_err(|fault| fault.shifted(start + at))?;
        let server = Server::new(Endpoint::Tcp { host, port: port.unwrap_or(Server::DEFAULT_PORT) });
        Ok(Self { server, credentials, names })
    }
}

/// Who resolves, and where the rest begins.
fn scheme(text: &[u8]) -> Result<(Dns, usize), Fault> {
    let Some(end) = text.windows(3).position(|w| w == b"://") else {
        return Err(Fault::new(0, "no scheme", SCHEMES));
    };
    let scheme = &text[..end];
    if scheme.eq_ignore_ascii_case(b"socks5") {
        return Ok((Dns::Local, end + 3));
    }
    if scheme.eq_ignore_ascii_case(b"socks5h") {
        return Ok((Dns::Remote, end + 3));
    }
    let looks_like_one = scheme.len() <= 16 && scheme.iter().all(u8::is_ascii_alphanumeric);
    let found = if looks_like_one { format!("`{}://`", scheme.escape_ascii()) } else { "another scheme".to_owned() };
    Err(Fault::new(0, found, SCHEMES))
}

/// `user:password`, both percent-encoded. Faults count from the start of the user and quote nothing.
fn userinfo(text: &[u8]) -> Result<UserPass, Fault> {
    let Some(colon) = text.iter().position(|&b| b == b':') else {
        return Err(Fault::new(0, "a user without a password", FORM));
    };
    let mut username = percent_decode(&text[..colon])?;
    let mut password = percent_decode(&text[colon + 1..]).map_err(|fault| fault.shifted(colon + 1))?;
    let login = UserPass::new(&username, &password);
    crate::credentials::wipe(&mut username);
    crate::credentials::wipe(&mut password);
    login.map_err(|error| Fault::new(0, error.to_string(), FORM))
}

fn percent_decode(text: &[u8]) -> Result<Vec<u8>, Fault> {
    // As long as it can get, so that no outgrown copy of a password is left behind in memory.
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'%' {
            decoded.push(byte);
            at += 1;
            continue;
        }
        let digit = |i: usize| text.get(i).and_then(|&b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
            crate::credentials::wipe(&mut decoded);
            return Err(Fault::new(at, "`%` without two hexadecimal digits", "a percent sign as %25"));
        };
        decoded.push(high << 4 | low);
        at += 3;
    }
    Ok(decoded)
}

impl FromStr for ProxyUrl {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(Self::parse(text.as_bytes())?)
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.names {
            Dns::Local => "socks5",
            Dns::Remote => "socks5h",
        };
        let login = if self.credentials.is_some() { "***@" } else { "" };
        write!(f, "{scheme}://{login}{}", self.server)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
