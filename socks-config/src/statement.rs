//! What each line says.

use std::sync::Arc;
use std::time::Duration;

use crate::builder::ConfigBuilder;
use crate::config::Dns;
use crate::diagnostic::{Location, quote};
use crate::line::Word;
use crate::name_range::NameRange;
use crate::pattern::Pattern;
use crate::rule::{Action, Rule};
use crate::server_list::number;

const KEYWORDS: &str = "proxy, noproxy, allowenv, dns, timeout, retry or strict";
const END: &str = "the end of the line";

/// Where a line stands.
#[derive(Clone, Copy)]
pub(crate) struct Line<'t> {
    pub(crate) file: &'t Arc<str>,
    pub(crate) number: u32,
    /// Lines read before, in all files.
    pub(crate) order: usize,
}

impl Line<'_> {
    pub(crate) fn at(self, column: u32) -> Location {
        Location { file: Arc::clone(self.file), line: self.number, column }
    }
}

impl ConfigBuilder<'_> {
    pub(crate) fn statement(&mut self, line: Line<'_>, keyword: Word<'_>, words: &[Word<'_>]) {
        match keyword.text {
            b"proxy" => self.proxy(line, keyword, words),
            b"noproxy" => self.noproxy(line, keyword, words),
            b"allowenv" => {
                if self.ends(line, words) {
                    self.settings.allows_env = true;
                }
            }
            b"strict" => {
                self.ends(line, words);
                self.settings.strict = true;
            }
            b"dns" => self.dns(line, keyword, words),
            b"timeout" => {
                if let Some(seconds) = self.seconds(line, keyword, words, "timeout", 1) {
                    self.settings.timeout = seconds;
                }
            }
            b"retry" => {
                if let Some(seconds) = self.seconds(line, keyword, words, "retry", 0) {
                    self.settings.retry = seconds;
                }
            }
            // Of the proxy server of the same family, which reads the same file.
            b"port" | b"anonproxy" | b"authproxy" | b"user" | b"group" | b"debug" | b"prefork" => {}
            unknown => {
                let found = format!("the unknown word {}", quote(unknown));
                self.report.warning(line.order, line.at(keyword.column), found, KEYWORDS);
            }
        }
    }

    /// `proxy NETMASK SERVER[,SERVER...] [USERID PASSWORD]`
    fn proxy(&mut self, line: Line<'_>, keyword: Word<'_>, words: &[Word<'_>]) {
        let Some((pattern, rest)) = self.pattern(line, keyword, words) else { return };
        let location = line.at(keyword.column);
        let way = match (rest, words) {
            ([], [.., last]) => {
                let end = last.column.saturating_add(u32::try_from(last.text.len()).unwrap_or(u32::MAX));
                self.report.error(line.order, line.at(end), END, "SERVER[,SERVER...] [USERID PASSWORD]");
                None
            }
            _ => self.servers_and_login(line, rest),
        };
        let action = self.add_proxy(way, &location);
        self.rules.push(Rule { pattern, action, location, order: line.order });
    }

    /// `noproxy NETMASK`
    fn noproxy(&mut self, line: Line<'_>, keyword: Word<'_>, words: &[Word<'_>]) {
        let Some((pattern, rest)) = self.pattern(line, keyword, words) else { return };
        let action = if self.ends(line, rest) { Action::Direct } else { Action::Broken };
        self.rules.push(Rule { pattern, action, location: line.at(keyword.column), order: line.order });
    }

    fn pattern<'w, 't>(
        &mut self,
        line: Line<'_>,
        keyword: Word<'_>,
        words: &'w [Word<'t>],
    ) -> Option<(Pattern, &'w [Word<'t>])> {
        let Some((word, rest)) = words.split_first() else {
            self.missing(line, keyword, "a NETMASK, such as 10.0.0.0/8, or a name such as .example.com");
            return None;
        };
        match Pattern::parse(word.text) {
            Ok((pattern, cleared)) => {
                if cleared {
                    let expected = format!("{pattern}, which is taken");
                    self.report.warning(line.order, line.at(word.column), quote(word.text), expected);
                }
                Some((pattern, rest))
            }
            Err(fault) => {
                self.report.fault(line, *word, fault);
                None
            }
        }
    }

    /// `dns remote [RANGE]` or `dns local`
    fn dns(&mut self, line: Line<'_>, keyword: Word<'_>, words: &[Word<'_>]) {
        const RANGE: &str = "a range of IPv4 addresses for names, such as 198.18.0.0/15";
        let Some((word, rest)) = words.split_first() else { return self.missing(line, keyword, Dns::EXPECTED) };
        let Some(dns) = Dns::parse(word.text) else {
            return self.report.error(line.order, line.at(word.column), quote(word.text), Dns::EXPECTED);
        };
        let (range, rest) = match (dns, rest) {
            (Dns::Remote, [given, rest @ ..]) => match NameRange::parse(given.text) {
                Some(range) => (range, rest),
                None => return self.report.error(line.order, line.at(given.column), quote(given.text), RANGE),
            },
            _ => (NameRange::default(), rest),
        };
        if self.ends(line, rest) && self.once(line, keyword, "dns") {
            self.settings.dns = dns;
            self.settings.name_range = range;
        }
    }

    fn seconds(
        &mut self,
        line: Line<'_>,
        keyword: Word<'_>,
        words: &[Word<'_>],
        name: &'static str,
        least: u32,
    ) -> Option<Duration> {
        let expected = format!("a number of seconds, {least} or more");
        let Some((word, rest)) = words.split_first() else {
            self.missing(line, keyword, &expected);
            return None;
        };
        let Some(seconds) = number(word.text).filter(|&seconds| seconds >= least) else {
            self.report.error(line.order, line.at(word.column), quote(word.text), expected);
            return None;
        };
        (self.ends(line, rest) && self.once(line, keyword, name)).then(|| Duration::from_secs(seconds.into()))
    }

    /// Whether this is the first line of its kind.
    fn once(&mut self, line: Line<'_>, keyword: Word<'_>, name: &'static str) -> bool {
        let location = line.at(keyword.column);
        if let Some((_, first)) = self.given.iter().find(|(given, _)| *given == name) {
            let found = format!("`{name}` a second time, after {first}");
            self.report.error(line.order, location, found, "it once");
            return false;
        }
        self.given.push((name, location));
        true
    }

    /// Whether no words are left. Those that are may be a login, and are not shown.
    fn ends(&mut self, line: Line<'_>, rest: &[Word<'_>]) -> bool {
        if let Some(more) = rest.first() {
            self.report.error(line.order, line.at(more.column), "more words", END);
        }
        rest.is_empty()
    }

    fn missing(&mut self, line: Line<'_>, after: Word<'_>, expected: &str) {
        let end = after.column.saturating_add(u32::try_from(after.text.len()).unwrap_or(u32::MAX));
        self.report.error(line.order, line.at(end), END, expected);
    }
}
