//! Whether there is a configuration, and a sound one, before anything is done.

use std::path::Path;

use socks_config::variable::SOCKSRC;
use socks_config::{DEFAULT_PATH, LoadError, Loaded, Severity, StdFileSystem};

use crate::options::Voice;
use crate::settings::Settings;

/// Reads the configuration as the library will, and refuses what would refuse connections. Warnings are printed, with the
/// name of the command in front; they stop nothing.
///
/// # Errors
/// What is wrong, a line each.
pub fn sound(settings: &Settings, command: &str) -> Result<Loaded, Vec<String>> {
    let env = |name: &str| settings.variable(name);
    let loaded = match socks_config::load(&env, Path::new(DEFAULT_PATH), false, &StdFileSystem) {
        Ok(loaded) => loaded,
        Err(LoadError::Missing { looked_for }) => {
            let mut said = "no configuration: looked for".to_owned();
            looked_for.iter().for_each(|path| said += &format!(" {}", path.display()));
            said += &format!("; name a proxy with -x socks5://host:port, or a file with -f or {SOCKSRC}=path");
            return Err(vec![said]);
        }
        Err(error) => return Err(vec![error.to_string()]),
    };
    if settings.voice() == Voice::Verbose {
        loaded.sources.iter().for_each(|source| eprintln!("{command}: configuration: {source}"));
    }
    let (errors, warnings): (Vec<_>, Vec<_>) =
        loaded.diagnostics.iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    if settings.voice() > Voice::Quiet {
        warnings.iter().for_each(|warning| eprintln!("{command}: {warning}"));
    }
    if loaded.config.is_sound() { Ok(loaded) } else { Err(errors.iter().map(ToString::to_string).collect()) }
}
