//! Methods of authentication, and what a client offers (RFC 1928 §3).

#[cfg(feature = "gssapi")]
pub(crate) mod gssapi;
pub(crate) mod method;
pub(crate) mod offer;
pub(crate) mod userpass;
