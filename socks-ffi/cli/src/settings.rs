//! The environment as the options change it.

use std::env;
use std::ffi::OsString;

use socks_config::wipe;

use crate::options::Voice;

/// Variables to be set or removed before the configuration is read, here and in the program. Wiped when dropped, as there
/// may be a login in one of them.
#[derive(Default)]
pub struct Settings {
    voice: Voice,
    changes: Vec<(&'static str, Option<OsString>)>,
}

impl Settings {
    pub(crate) fn new(voice: Voice) -> Self {
        Self { voice, changes: Vec::new() }
    }

    /// Sets a variable, or with `None` removes it.
    pub fn change(&mut self, name: &'static str, value: Option<OsString>) {
        forget(self.changes.iter_mut().filter(|(changed, _)| *changed == name).filter_map(|(_, value)| value.take()));
        self.changes.retain(|(changed, _)| *changed != name);
        self.changes.push((name, value));
    }

    /// What is set, or with `None` removed; no name twice.
    pub fn changes(&self) -> &[(&'static str, Option<OsString>)] {
        &self.changes
    }

    /// The value of a variable in the changed environment.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        match self.changes.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => value.clone(),
            None => env::var_os(name),
        }
    }

    /// How much is to be printed.
    pub fn voice(&self) -> Voice {
        self.voice
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        forget(self.changes.drain(..).filter_map(|(_, value)| value));
    }
}

fn forget(values: impl Iterator<Item = OsString>) {
    values.for_each(|value| wipe(&mut value.into_encoded_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_counts_and_what_is_removed_is_not_there() {
        let mut settings = Settings::default();
        assert!(settings.variable("PATH").is_some());
        settings.change("PATH", Some("/a".into()));
        settings.change("PATH", Some("/b".into()));
        assert_eq!(settings.variable("PATH"), Some("/b".into()));
        settings.change("PATH", None);
        assert_eq!(settings.variable("PATH"), None);
        assert_eq!(settings.changes(), [("PATH", None)]);
    }
}
