//! Words of a command line, which may hold a password, as messages show them.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::ops::Range;

use clap::error::ErrorKind;

use crate::exit;

/// Where the login of a URL stands in a word, if there is one: from behind `://` to the last `@`.
///
/// ```
/// let word = "--proxy=socks5://ann:p@ss@gate.example:1080";
/// assert_eq!(socks_cli::login_in(word.as_bytes()).map(|login| &word[login]), Some("ann:p@ss"));
/// assert_eq!(socks_cli::login_in(b"ann@gate.example"), None);
/// ```
pub fn login_in(word: &[u8]) -> Option<Range<usize>> {
    let start = word.windows(3).position(|w| w == b"://")? + 3;
    let end = word.iter().rposition(|&byte| byte == b'@').filter(|&end| end >= start)?;
    Some(start..end)
}

/// A word as a message may show it: without the login that a URL has.
///
/// ```
/// assert_eq!(socks_cli::shown("socks5://ann:s3cret@gate".as_ref()), "socks5://***@gate");
/// assert_eq!(socks_cli::shown("git".as_ref()), "git");
/// ```
pub fn shown(word: &OsStr) -> Cow<'_, str> {
    let bytes = word.as_encoded_bytes();
    let text = String::from_utf8_lossy;
    match login_in(bytes) {
        Some(login) => Cow::Owned(format!("{}***{}", text(&bytes[..login.start]), text(&bytes[login.end..]))),
        None => text(bytes),
    }
}

/// Prints what clap has to say about these arguments, help or error, and gives the exit code.
pub fn usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help {
        // Nothing is left to do where even this cannot be printed.
        let _ = error.print();
        return 0;
    }
    // It quotes what it does not understand.
    let mut said = error.to_string();
    for argument in arguments.iter().filter_map(|argument| argument.to_str()) {
        for part in [Some(argument), argument.split_once('=').map(|(_, value)| value)].into_iter().flatten() {
            if login_in(part.as_bytes()).is_some() {
                said = said.replace(part, &shown(part.as_ref()));
            }
        }
    }
    eprint!("{said}");
    exit::USAGE
}
