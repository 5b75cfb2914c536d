//! What is wrong with a configuration, and where.

use std::fmt;
use std::sync::Arc;

/// A place in a configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// The name of the file, or of the environment variable, that holds the text.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// The byte within the line, counted from 1.
    pub column: u32,
}

impl Location {
    pub(crate) fn start_of(file: &str) -> Self {
        Self { file: file.into(), line: 1, column: 1 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration is not sound: see [`Config::is_sound`](crate::Config::is_sound).
    Error,
    /// Something was skipped or corrected; the rest is in force.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing wrong with a configuration.
///
/// Displayed as `file:line:column: found X, expected Y`. No user name and no password is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it makes the configuration unsound.
    pub severity: Severity,
    /// The offending word.
    pub location: Location,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
}

impl Diagnostic {
    /// Whether words of the text are shown.
    pub(crate) fn quotes(&self) -> bool {
        self.found.contains('`')
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}", self.location, self.found, self.expected)
    }
}

/// Why a text is no [`ProxyUrl`](crate::ProxyUrl) or [`Server`](crate::Server).
///
/// No part of it quotes a user name or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    column: usize,
    found: String,
    expected: String,
}

impl ParseError {
    /// The offending byte of the text, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What stands there.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What should.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: found {}, expected {}", self.column, self.found, self.expected)
    }
}

impl std::error::Error for ParseError {}

impl From<Fault> for ParseError {
    fn from(fault: Fault) -> Self {
        Self { column: fault.at + 1, found: fault.found, expected: fault.expected }
    }
}

/// A fault within one word, before it is known where the word stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Offset from the start of the word, in bytes.
    pub(crate) at: usize,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Fault {
    pub(crate) fn new(at: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at, found: found.into(), expected: expected.into() }
    }

    /// The same fault in a word whose part began at `offset`.
    pub(crate) fn shifted(mut self, offset: usize) -> Self {
        self.at += offset;
        self
    }
}

/// Longer words are cut in messages.
const QUOTE_MAX: usize = 64;

/// A word as a message may show it.
///
/// A URL or `user:password@host` in the wrong place is a likely slip, so these are never shown.
pub(crate) fn quote(word: &[u8]) -> String {
    if word.contains(&b'@') || word.windows(3).any(|w| w == b"://") {
        return "a URL or a login".to_owned();
    }
    match word.get(..QUOTE_MAX) {
        Some(head) if word.len() > QUOTE_MAX => format!("`{}...`", head.escape_ascii()),
        _ => format!("`{}`", word.escape_ascii()),
    }
}
