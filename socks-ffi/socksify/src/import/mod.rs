//! `--import`: the socksrc that says the same as the configuration of another wrapper.
//!
//! What cannot be said is told with its line, and where that would let anything go another way than before, the result is
//! a configuration that lets nothing go at all.

mod proxychains;
mod torsocks;
mod translation;
mod tsocks;

use std::fs;
use std::path::Path;

use clap::ValueEnum;
use socks_cli::exit;
use socks_config::Config;

use self::translation::Translation;

/// Whose configuration it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// proxychains.conf, of proxychains and proxychains-ng.
    Proxychains,
    /// torsocks.conf.
    Torsocks,
    /// tsocks.conf.
    Tsocks,
}

impl Format {
    /// By what no other one has.
    fn recognise(text: &str) -> Option<Self> {
        let first_words = || lines(text).map(|(_, line)| first_word(line));
        if first_words().any(|word| word == proxychains::SECTION || proxychains::CHAINS.contains(&word)) {
            return Some(Self::Proxychains);
        }
        if first_words().any(|word| torsocks::WORDS.contains(&word)) {
            return Some(Self::Torsocks);
        }
        let is_tsocks = |(_, line): (u32, &str)| tsocks::WORDS.contains(&first_word(line)) && line.contains(['=', '{']);
        lines(text).any(is_tsocks).then_some(Self::Tsocks)
    }
}

/// Prints the socksrc to standard output, and what it does not say to standard error.
pub(crate) fn import(file: &Path, format: Option<Format>) -> u8 {
    let text = match fs::read(file).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => return refuse(file, "is no text"),
        Err(error) => {
            eprintln!("socksify: --import: {}: {error}", file.display());
            println!("{}", closed(file));
            return exit::DATA;
        }
    };
    let Some(format) = format.or_else(|| Format::recognise(&text)) else {
        return refuse(file, "is none that is known by its words: say which with --import-as");
    };
    let translation = translate(&text, format);
    for note in &translation.notes {
        eprintln!("{}:{}: {}", file.display(), note.line, note.text);
    }
    if translation.is_lossy() {
        eprintln!("socksify: {}: not translated, as something would go another way than before", file.display());
        println!("{}", closed(file));
        return exit::DATA;
    }
    print!("# From {}.\n{}", file.display(), translation.text());
    0
}

/// The translation, looked at as the library will.
fn translate(text: &str, format: Format) -> Translation {
    let mut translation = match format {
        Format::Proxychains => proxychains::translate(text),
        Format::Torsocks => torsocks::translate(text),
        Format::Tsocks => tsocks::translate(text),
    };
    let parsed = Config::parse("socksrc", translation.text().as_bytes());
    for diagnostic in &parsed.diagnostics {
        translation.lost(translation.origin(diagnostic.location.line), &format!("becomes {}", diagnostic.found));
    }
    translation
}

fn refuse(file: &Path, why: &str) -> u8 {
    eprintln!("socksify: --import: {}: {why}", file.display());
    println!("{}", closed(file));
    exit::DATA
}

/// What takes the place of a translation: an empty file would let everything go direct.
fn closed(file: &Path) -> String {
    format!("# {} could not be translated; until this is mended, nothing goes anywhere.\nstrict", file.display())
}

/// The lines that are neither blank nor comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let numbered = (1..).zip(text.lines().map(str::trim));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Up to a blank or `=` or `{`.
fn first_word(line: &str) -> &str {
    line.split(|c: char| c.is_whitespace() || matches!(c, '=' | '{')).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
