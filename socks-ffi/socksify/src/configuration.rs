//! Whether there is a configuration, and a sound one, before anything runs.

use std::path::Path;

use socks_config::{DEFAULT_PATH, LoadError, Severity, StdFileSystem};

use crate::cli::ProxyText;
use crate::failure::Failure;

/// The variable in which the library finds the proxy of `-x`.
pub(crate) const PROXY_VARIABLE: &str = "SOCKSIFY_PROXY";

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
    Ok(())
}
