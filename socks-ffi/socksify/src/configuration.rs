//! Whether there is a configuration, and a sound one, before anything runs.

use std::path::Path;

use socks_config::{DEFAULT_PATH, Dns, LoadError, Severity, StdFileSystem};

use crate::cli::ProxyText;
use crate::failure::Failure;

/// The variable in which the library finds the proxy of `-x`.
pub(crate) const PROXY_VARIABLE: &str = "SOCKSIFY_PROXY";

/// Why `dns remote` and `socks5h://` are refused.
pub(crate) const REMOTE_NAMES: &str = "names of wrapped programs cannot be resolved by the proxy yet (dns remote, \
                                       socks5h://); dns local and socks5:// resolve them on this machine";

/// Reads the configuration as the library will, and refuses what would refuse the program's connections.
///
/// Warnings are printed; they stop nothing.
pub(crate) fn check(proxy: Option<&ProxyText>) -> Result<(), Failure> {
    let env = |name: &str| match proxy {
        Some(ProxyText(url)) if name == PROXY_VARIABLE => Some(url.into()),
        _ => std::env::var_os(name),
    };
    let loaded = match socks_config::load(&env, Path::new(DEFAULT_PATH), false, &StdFileSystem) {
        Ok(loaded) => loaded,
        Err(LoadError::Missing { looked_for }) => return Err(Failure::NoConfiguration(looked_for)),
        Err(error) => return Err(Failure::BadConfiguration(vec![error.to_string()])),
    };
    let (errors, warnings): (Vec<_>, Vec<_>) =
        loaded.diagnostics.iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    for warning in warnings {
        eprintln!("socksify: {warning}");
    }
    if !loaded.config.is_sound() {
        return Err(Failure::BadConfiguration(errors.iter().map(ToString::to_string).collect()));
    }
    if loaded.config.dns() == Dns::Remote {
        // A program would be told that its names go to the proxy, while this machine's resolver gets them.
        return Err(Failure::BadConfiguration(vec![REMOTE_NAMES.to_owned()]));
    }
    Ok(())
}
