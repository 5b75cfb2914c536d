//! The environment variables that [`load`](crate::load()) asks for.

/// Names another configuration: a file or a directory. Set by `socksify -f`.
pub const SOCKSRC: &str = "SOCKSRC";
/// Names a proxy, where the configuration says `allowenv`.
pub const SOCKS_PROXY: &str = "SOCKS_PROXY";
/// Names a proxy, whatever the configuration says: set by `socksify -x`.
pub const SOCKSIFY_PROXY: &str = "SOCKSIFY_PROXY";
/// A file with the login for [`SOCKSIFY_PROXY`], where that has none: set by `socksify --login-file`.
pub const SOCKSIFY_LOGIN_FILE: &str = "SOCKSIFY_LOGIN_FILE";
/// The user for [`SOCKSIFY_PROXY`], where that has none and there is no file.
pub const SOCKS_USERNAME: &str = "SOCKS_USERNAME";
/// The password for [`SOCKS_USERNAME`].
pub const SOCKS_PASSWORD: &str = "SOCKS_PASSWORD";
/// `remote` or `local`, whatever the configuration and the proxy's URL say: set by `socksify --dns`.
pub const SOCKSIFY_DNS: &str = "SOCKSIFY_DNS";
/// Anything: what no rule covers is refused. Set by `socksify --strict`.
pub const SOCKSIFY_STRICT: &str = "SOCKSIFY_STRICT";
