//! Addresses: what a client asks for, and what a peer says.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::str::FromStr;

/// The name of a host as SOCKS 5 carries it: 1 to 255 octets of any value (RFC 1928 §5).
///
/// No character set is imposed: the RFC names none, and servers answer in many. The octets are held
/// inline, so that making, copying and sending a name never allocates.
#[derive(Clone, Copy)]
pub struct DomainName {
    len: u8,
    octets: [u8; 255],
}

impl DomainName {
    /// A name of the given octets.
    ///
    /// # Errors
    /// [`LengthError`] where there are none or more than 255: a name is never cut.
    pub fn new(octets: impl AsRef<[u8]>) -> Result<Self, LengthError> {
        let octets = octets.as_ref();
        Ok(Self::filled(LengthError::check("host name", octets)?, octets))
    }

    /// A name of these octets, `len` of them. Where it is to stand, as it is large.
    #[inline(always)]
    fn filled(len: u8, octets: &[u8]) -> Self {
        let mut name = Self { len, octets: [0; 255] };
        name.octets[..usize::from(len)].copy_from_slice(octets);
        name
    }

    /// The octets of the name, 1 to 255 of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// The name as text, where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.as_bytes()).ok()
    }
}

impl PartialEq for DomainName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for DomainName {}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl TryFrom<&str> for DomainName {
    type Error = LengthError;

    fn try_from(name: &str) -> Result<Self, LengthError> {
        Self::new(name)
    }
}

/// A text that RFC 1928 or RFC 1929 gives one length octet is empty or longer than 255 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthError {
    what: &'static str,
    len: usize,
}

impl LengthError {
    pub(crate) fn check(what: &'static str, octets: &[u8]) -> Result<u8, Self> {
        let len = octets.len();
        match u8::try_from(len) {
            Ok(len) if len > 0 => Ok(len),
            _ => Err(Self { what, len }),
        }
    }

    /// How many octets were given.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none were given.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Display for LengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes: SOCKS 5 carries 1 to 255", self.what, self.len)
    }
}

impl core::error::Error for LengthError {}

/// What a client asks the proxy for: an address or a name, and a port in host byte order.
///
/// A name stays a name: nothing in this crate resolves it.
// Inline on purpose: a name on the heap would cost every handshake an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetAddr {
    /// An IPv4 or IPv6 address. Flow label and scope are not carried by SOCKS.
    Ip(SocketAddr),
    /// A name, which the proxy resolves.
    Name(DomainName, u16),
}

impl TargetAddr {
    /// `0.0.0.0:0`, by which BIND and UDP ASSOCIATE say "not known yet" (RFC 1928 §7).
    pub const UNSPECIFIED: Self = Self::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));

    /// A target from a host, numeric or a name, and a port.
    ///
    /// # Errors
    /// [`LengthError`] for a name that is empty or over 255 bytes long.
    pub fn new(host: &str, port: u16) -> Result<Self, LengthError> {
        if let Some(ip) = numeric(host) {
            return Ok(Self::Ip(SocketAddr::new(ip, port)));
        }
        let len = LengthError::check("host name", host.as_bytes())?;
        Ok(Self::Name(DomainName::filled(len, host.as_bytes()), port))
    }

    /// The port, in host byte order.
    pub fn port(&self) -> u16 {
        match self {
            Self::Ip(addr) => addr.port(),
            Self::Name(_, port) => *port,
        }
    }

    /// The same target with an IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) as plain IPv4.
    ///
    /// Programs with an IPv6 socket name IPv4 targets this way; proxies expect address type 1 for them.
    #[must_use]
    pub fn to_canonical(self) -> Self {
        match self {
            Self::Ip(addr) => Self::Ip(SocketAddr::new(addr.ip().to_canonical(), addr.port())),
            name @ Self::Name(..) => name,
        }
    }
}

/// The address that a host is, where it is none with a name.
fn numeric(host: &str) -> Option<IpAddr> {
    let text = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    // An address begins with a number and a dot or a colon, which few names do.
    match text.bytes().find(|octet| !octet.is_ascii_hexdigit()) {
        Some(b'.' | b':') => text.parse().ok(),
        _ => None,
    }
}

impl fmt::Display for TargetAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl From<SocketAddr> for TargetAddr {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

impl From<(IpAddr, u16)> for TargetAddr {
    fn from((ip, port): (IpAddr, u16)) -> Self {
        Self::Ip(SocketAddr::new(ip, port))
    }
}

impl From<(DomainName, u16)> for TargetAddr {
    fn from((name, port): (DomainName, u16)) -> Self {
        Self::Name(name, port)
    }
}

impl TryFrom<(&str, u16)> for TargetAddr {
    type Error = LengthError;

    fn try_from((host, port): (&str, u16)) -> Result<Self, LengthError> {
        Self::new(host, port)
    }
}

/// `host:port`, `a.b.c.d:port` or `[v6]:port`.
impl FromStr for TargetAddr {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, ParseTargetError> {
        let (host, port) = text.rsplit_once(':').ok_or(ParseTargetError::NoPort)?;
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseTargetError::Port);
        }
        let port = port.parse().map_err(|_| ParseTargetError::Port)?;
        let bracketed = host.starts_with('[');
        if bracketed != host.contains(':') || (bracketed && !host.ends_with(']')) {
            return Err(ParseTargetError::Brackets);
        }
        let target = Self::new(host, port).map_err(ParseTargetError::Host)?;
        match (bracketed, target) {
            (true, Self::Name(..)) => Err(ParseTargetError::Brackets),
            _ => Ok(target),
        }
    }
}

/// Why a text is no `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseTargetError {
    /// There is no `:port` at its end.
    NoPort,
    /// The port is not a number from 0 to 65535.
    Port,
    /// An IPv6 address stands in brackets, `[::1]:80`, and nothing else does.
    Brackets,
    /// The host is empty or too long.
    Host(LengthError),
}

impl fmt::Display for ParseTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPort => f.write_str("expected host:port, found no port"),
            Self::Port => f.write_str("expected a port from 0 to 65535"),
            Self::Brackets => f.write_str("expected an IPv6 address, and only that, in brackets"),
            Self::Host(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ParseTargetError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Host(error) => Some(error),
            _ => None,
        }
    }
}

/// An address as a peer sent it: any type, any octets, a name of any length down to none.
///
/// Real servers fill BND.ADDR with what they like, so nothing here can fail a connection that the
/// server says is made. [`TargetAddr`] is the strict form for what we send.
// Inline on purpose: a name on the heap would cost every handshake an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireAddr {
    /// Address type 1 or 4.
    Ip(SocketAddr),
    /// Address type 3 with 1 to 255 octets.
    Name(DomainName, u16),
    /// Address type 3 with no octets: only a port was said.
    Nameless(u16),
}

impl WireAddr {
    /// `0.0.0.0:0`.
    pub const UNSPECIFIED: Self = Self::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));

    /// The port, in host byte order.
    pub fn port(&self) -> u16 {
        match self {
            Self::Ip(addr) => addr.port(),
            Self::Name(_, port) | Self::Nameless(port) => *port,
        }
    }

    /// The socket address, unless a name was said.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(addr) => Some(*addr),
            Self::Name(..) | Self::Nameless(_) => None,
        }
    }

    /// Whether the peer left the host open: `0.0.0.0`, `::`, or no name.
    pub fn is_unspecified(&self) -> bool {
        match self {
            Self::Ip(addr) => addr.ip().to_canonical().is_unspecified(),
            Self::Name(..) => false,
            Self::Nameless(_) => true,
        }
    }

    /// The socket address to use where a peer that left the host open means itself.
    ///
    /// `host` takes the place of `0.0.0.0`, `::` or no name; `None` is a name, which the caller may resolve.
    pub fn or_host(&self, host: IpAddr) -> Option<SocketAddr> {
        if self.is_unspecified() { Some(SocketAddr::new(host, self.port())) } else { self.socket_addr() }
    }
}

impl From<TargetAddr> for WireAddr {
    fn from(target: TargetAddr) -> Self {
        match target {
            TargetAddr::Ip(addr) => Self::Ip(addr),
            TargetAddr::Name(name, port) => Self::Name(name, port),
        }
    }
}

impl TryFrom<WireAddr> for TargetAddr {
    type Error = LengthError;

    fn try_from(addr: WireAddr) -> Result<Self, LengthError> {
        match addr {
            WireAddr::Ip(addr) => Ok(Self::Ip(addr)),
            WireAddr::Name(name, port) => Ok(Self::Name(name, port)),
            WireAddr::Nameless(_) => Err(LengthError { what: "host name", len: 0 }),
        }
    }
}

impl fmt::Display for WireAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Nameless(port) => write!(f, ":{port}"),
        }
    }
}
