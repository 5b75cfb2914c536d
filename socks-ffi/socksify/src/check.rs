//! `--check`: what is wrong with the configuration.

use std::path::Path;

use socks_cli::{Settings, Voice, exit};
use socks_config::{DEFAULT_PATH, Severity, StdFileSystem};

/// Prints each diagnostic with its place, and whether the configuration is sound.
pub(crate) fn check(settings: &Settings) -> u8 {
    let env = |name: &str| settings.variable(name);
    let loaded = match socks_config::load(&env, Path::new(DEFAULT_PATH), false, &StdFileSystem) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("socksify: {error}");
            return exit::CONFIG;
        }
    };
    let shown = |severity: Severity| severity == Severity::Error || settings.voice() > Voice::Quiet;
    for diagnostic in loaded.diagnostics.iter().filter(|diagnostic| shown(diagnostic.severity)) {
        let (at, severity) = (&diagnostic.location, diagnostic.severity);
        println!("{at}: {severity}: found {}, expected {}", diagnostic.found, diagnostic.expected);
    }
    let sound = loaded.config.is_sound();
    if settings.voice() > Voice::Quiet {
        let sources: Vec<_> = loaded.sources.iter().map(ToString::to_string).collect();
        let verdict = if sound { "sound" } else { "not sound: nothing but what is noproxy goes anywhere" };
        println!("{}: {verdict}", sources.join(", "));
    }
    if sound { 0 } else { exit::CONFIG }
}
