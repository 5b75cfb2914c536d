//! The two registries of SOCKS 5: methods (RFC 1928 §3) and replies (RFC 1928 §6).
//!
//! Both are open: what a peer sends is kept and printed as it came, never squeezed into another value.

use core::fmt;

macro_rules! registry {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $id:ident = $value:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$item])* pub const $id: Self = Self($value);)*

            /// What the registry calls this value, or `None` for one that it does not list.
            pub fn text(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.text() {
                    Some(text) => write!(f, "{text} ({:#04x})", self.0),
                    None => write!(f, "{:#04x}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

registry! {
    /// METHOD: how a client authenticates (RFC 1928 §3 and the IANA registry of SOCKS methods).
    MethodId {
        /// No authentication.
        NONE = 0x00, "no authentication";
        /// GSSAPI, RFC 1961.
        GSSAPI = 0x01, "GSSAPI";
        /// Username and password, RFC 1929.
        USER_PASS = 0x02, "username/password";
        /// Challenge-Handshake Authentication Protocol.
        CHAP = 0x03, "CHAP";
        /// Challenge-Response Authentication Method.
        CRAM = 0x05, "CRAM";
        /// Secure Sockets Layer.
        SSL = 0x06, "SSL";
        /// NDS authentication.
        NDS = 0x07, "NDS";
        /// Multi-Authentication Framework.
        MAF = 0x08, "MAF";
        /// JSON Parameter Block.
        JSON = 0x09, "JSON parameter block";
        /// The server's answer that it takes none of the methods offered.
        NO_ACCEPTABLE = 0xff, "no acceptable method";
    }
}

registry! {
    /// REP: the outcome of a request (RFC 1928 §6; from 0xf0 on, Tor's for onion services).
    ReplyCode {
        /// The request is granted.
        SUCCEEDED = 0x00, "succeeded";
        /// The server failed in a way the protocol has no other word for.
        GENERAL_FAILURE = 0x01, "general SOCKS server failure";
        /// The server's rules do not allow it.
        NOT_ALLOWED = 0x02, "connection not allowed by the server's rules";
        /// No route to the target's network.
        NETWORK_UNREACHABLE = 0x03, "network unreachable";
        /// The target cannot be reached, or its name was not found.
        HOST_UNREACHABLE = 0x04, "host unreachable";
        /// The target refused.
        CONNECTION_REFUSED = 0x05, "connection refused";
        /// A hop limit or a time limit was reached.
        TTL_EXPIRED = 0x06, "TTL expired";
        /// The server does not know the command.
        COMMAND_NOT_SUPPORTED = 0x07, "command not supported";
        /// The server does not know the type of address.
        ADDRESS_TYPE_NOT_SUPPORTED = 0x08, "address type not supported";
        /// Tor: the onion service's descriptor was not found.
        ONION_NOT_FOUND = 0xf0, "onion service descriptor not found";
        /// Tor: the onion service's descriptor is not valid.
        ONION_INVALID = 0xf1, "onion service descriptor invalid";
        /// Tor: introduction at the onion service failed.
        ONION_INTRO_FAILED = 0xf2, "onion service introduction failed";
        /// Tor: rendezvous with the onion service failed.
        ONION_REND_FAILED = 0xf3, "onion service rendezvous failed";
        /// Tor: the onion service wants a client authorisation.
        ONION_MISSING_AUTH = 0xf4, "onion service client authorisation missing";
        /// Tor: the onion service refused the client authorisation.
        ONION_WRONG_AUTH = 0xf5, "onion service client authorisation wrong";
        /// Tor: this is no onion address.
        ONION_BAD_ADDRESS = 0xf6, "onion address invalid";
        /// Tor: introduction at the onion service took too long.
        ONION_INTRO_TIMED_OUT = 0xf7, "onion service introduction timed out";
    }
}

/// ATYP, RFC 1928 §5.
pub(crate) mod atyp {
    pub(crate) const IPV4: u8 = 0x01;
    pub(crate) const NAME: u8 = 0x03;
    pub(crate) const IPV6: u8 = 0x04;
}

/// VER of everything in RFC 1928.
pub(crate) const SOCKS_VERSION: u8 = 0x05;
/// VER of the subnegotiation of RFC 1929.
pub(crate) const LOGIN_VERSION: u8 = 0x01;
/// VER of the subnegotiation of RFC 1961.
#[cfg(feature = "gssapi")]
pub(crate) const GSSAPI_VERSION: u8 = 0x01;
