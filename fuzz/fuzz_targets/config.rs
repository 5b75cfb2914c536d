//! Any text as a socksrc: what is wrong with it stands in it, what it routes it routes for a line that says so, and nothing
//! that a faulty text may have meant for a proxy goes direct. Behind a zero byte there is the file of a login.

#![no_main]

use std::ffi::OsString;
use std::io;
use std::mem::discriminant;
use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use socks_config::{
    Config, ConfigBuilder, Destination, FileKind, FileSystem, Metadata, Parsed, Pattern, Refusal, Route, Server,
    Severity,
};
use socks_fuzz::{Probes, masked};

/// The name of the text in diagnostics: none that a login file can have, as their paths are absolute.
const NAME: &str = "text";

fuzz_target!(|input: &[u8]| {
    let (text, login) = match input.iter().position(|&byte| byte == 0) {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &[][..]),
    };
    let files = OneFile { content: login, mode: 0o600 };
    let parsed = read(text, &files);
    what_is_wrong_stands_in_the_text(text, login, &parsed);
    secrets_are_not_shown(text, login, &parsed);
    let probes = Probes::of(text);
    let mut decided: Vec<(&Pattern, Vec<Destination<'_>>)> = Vec::new();
    for to in probes.destinations() {
        let Some(pattern) = route_follows_from_a_line(text, &parsed.config, to) else { continue };
        match decided.iter_mut().find(|(other, _)| *other == pattern) {
            Some((_, destinations)) => destinations.push(to),
            None => decided.push((pattern, vec![to])),
        }
    }
    decided.iter().for_each(|(pattern, destinations)| it_is_about(pattern, destinations));
    a_fault_sends_nothing_direct(text, &files, &parsed, &probes);
    servers_are_written_as_they_are_read(&parsed.config);
});

fn read(text: &[u8], files: &OneFile<'_>) -> Parsed {
    let mut builder = ConfigBuilder::with_file_system(files);
    builder.file(NAME, text);
    builder.finish()
}

/// The same file at every absolute path.
struct OneFile<'a> {
    content: &'a [u8],
    mode: u32,
}

impl FileSystem for OneFile<'_> {
    fn metadata(&self, _: &Path) -> io::Result<Metadata> {
        Ok(Metadata { kind: FileKind::File, mode: self.mode })
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Ok(self.content.to_vec())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|&byte| byte == b'\n').collect()
}

/// Words as socksrc(5) has them; the first line may begin with U+FEFF.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let code = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    code.split(|byte| b" \t\r".contains(byte)).filter(|word| !word.is_empty())
}

fn line_at(text: &[u8], number: u32) -> &[u8] {
    lines(text)[number as usize - 1]
}

fn what_is_wrong_stands_in_the_text(text: &[u8], login: &[u8], parsed: &Parsed) {
    let faults = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(parsed.config.is_sound(), faults.count() == 0);
    for diagnostic in &parsed.diagnostics {
        let place = &diagnostic.location;
        // Where the password is missing, its line may be as well.
        let line = match *place.file == *NAME {
            true => line_at(text, place.line),
            false => lines(login).get(place.line as usize - 1).copied().unwrap_or_default(),
        };
        assert!((1..=line.len() + 1).contains(&(place.column as usize)), "{diagnostic}");
        assert!(!diagnostic.found.is_empty() && !diagnostic.expected.is_empty(), "{diagnostic}");
    }
}

/// With another login everything looks the same.
fn secrets_are_not_shown(text: &[u8], login: &[u8], parsed: &Parsed) {
    let mut other = text.to_vec();
    for line in lines(text) {
        let secrets: Vec<_> = words(line).skip(3).collect();
        if secrets.first().is_some_and(|first| !first.starts_with(b"@")) {
            for secret in secrets {
                let at = secret.as_ptr().addr() - text.as_ptr().addr();
                other[at..at + secret.len()].copy_from_slice(&masked(secret));
            }
        }
    }
    let login = masked(login);
    let other = read(&other, &OneFile { content: &login, mode: 0o600 });
    assert_eq!(format!("{other:?}"), format!("{parsed:?}"));
    let shown = |parsed: &Parsed| parsed.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(&other), shown(parsed));
}

/// Gives what the line is about, if it is one that was understood.
fn route_follows_from_a_line<'c>(text: &[u8], config: &'c Config, to: Destination<'_>) -> Option<&'c Pattern> {
    let explained = config.explain(to);
    let keyword = explained.rule.map(|(_, place)| words(line_at(text, place.line)).next().unwrap_or_default());
    match explained.route {
        Route::Direct => {
            assert!(keyword == Some(b"noproxy") || (keyword.is_none() && config.is_sound()), "{to:?} goes direct");
            assert!(keyword.is_some() || !config.strict(), "{to:?} goes direct, and nothing says so");
        }
        Route::Proxy(rule) => {
            assert!(config.is_sound(), "{to:?} through a proxy that may be the wrong one");
            assert_eq!(keyword, Some(&b"proxy"[..]));
            assert!(std::ptr::eq(rule, &config.proxies()[rule.index()]));
            let first = words(line_at(text, rule.location().line)).nth(2).expect("a server");
            assert_eq!(first.split(|&byte| byte == b',').count(), rule.servers().len());
        }
        Route::Refused(Refusal::Unsound) => assert!(!config.is_sound()),
        Route::Refused(Refusal::Strict) => assert!(config.strict() && keyword.is_none()),
        Route::Refused(Refusal::NeedsAddress) => assert!(keyword.is_none() && config.is_sound()),
    }
    let again = config.explain(to);
    assert_eq!(again.rule, explained.rule, "asked twice");
    assert_eq!(discriminant(&again.route), discriminant(&explained.route), "asked twice");
    explained.rule.map(|(pattern, _)| pattern).filter(|_| config.is_sound())
}

/// What is said of a line is what the line says.
fn it_is_about(pattern: &Pattern, to: &[Destination<'_>]) {
    let alone = Config::parse(NAME, format!("strict\nnoproxy {pattern}").as_bytes());
    assert!(alone.diagnostics.is_empty(), "{pattern}: {:?}", alone.diagnostics);
    for to in to {
        assert!(alone.config.route(*to).is_direct(), "{pattern} is not about {to:?}");
    }
}

/// A text with faults, and the same without the lines that they are in: what the second sends through a proxy, the first
/// does not send direct. And a fault more lets nothing more through.
fn a_fault_sends_nothing_direct(text: &[u8], files: &OneFile<'_>, parsed: &Parsed, probes: &Probes) {
    let faulty = |number: usize| {
        let mut errors = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        errors.any(|error| *error.location.file == *NAME && error.location.line as usize == number)
    };
    let kept = lines(text).into_iter().zip(1..).filter(|(_, number)| !faulty(*number)).map(|(line, _)| line);
    let without = read(&kept.collect::<Vec<_>>().join(&b'\n'), files).config;
    let with = read(&[text, b"\nproxy 10"].concat(), files).config;
    assert!(!with.is_sound());
    for to in probes.destinations() {
        let route = parsed.config.route(to);
        if route.is_direct() {
            assert!(!matches!(without.route(to), Route::Proxy(_)), "{to:?} goes direct for a fault");
        }
        match with.route(to) {
            Route::Direct => assert!(route.is_direct(), "{to:?} goes direct for a fault more"),
            Route::Proxy(_) => panic!("{to:?} through a proxy in spite of a fault"),
            Route::Refused(_) => {}
        }
    }
}

fn servers_are_written_as_they_are_read(config: &Config) {
    for rule in config.proxies() {
        let servers = rule.servers();
        for server in servers {
            assert_eq!(server.to_string().parse::<Server>().as_ref(), Ok(server));
        }
        let now = Duration::from_secs(1);
        rule.could_not_reach(servers.len() - 1, now);
        rule.could_not_reach(0, now);
        let order = rule.order(now);
        let mut tried: Vec<_> = (0..order.len()).map(|place| order.get(place)).collect();
        tried.sort_unstable();
        assert_eq!(tried, (0..servers.len()).map(Some).collect::<Vec<_>>(), "each once");
    }
}
