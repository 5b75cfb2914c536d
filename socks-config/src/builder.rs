//! Several texts read as one configuration.

use std::mem;
use std::sync::Arc;

use socks_proto::UserPass;

use crate::config::{Config, Dns, Narrower, Settings};
use crate::credentials;
use crate::diagnostic::{Diagnostic, Location, Severity, quote};
use crate::health::Health;
use crate::line::{self, Word};
use crate::load::FileSystem;
use crate::names::Names;
use crate::nets::Nets;
use crate::pattern::Pattern;
use crate::rule::{Action, ProxyRule, Rule};
use crate::server::Server;
use crate::statement;
use crate::url::ProxyUrl;

/// A configuration as read, and what is wrong with it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Parsed {
    /// What was understood.
    pub config: Config,
    /// What was not, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads texts into one [`Config`]: the files of a directory, or a file and an environment variable.
///
/// ```
/// use socks_config::ConfigBuilder;
///
/// let mut builder = ConfigBuilder::new();
/// builder.file("10-home", b"noproxy 192.168");
/// builder.file("20-work", b"proxy 10 gate.example ann\n");
/// let parsed = builder.finish();
/// assert_eq!(
///     parsed.diagnostics[0].to_string(),
///     "20-work:1:23: found a user without a password, expected USERID PASSWORD, or @/path of a file with both",
/// );
/// assert!(!parsed.config.is_sound());
/// ```
#[derive(Default)]
pub struct ConfigBuilder<'fs> {
    pub(crate) fs: Option<&'fs dyn FileSystem>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) proxies: Vec<ProxyRule>,
    pub(crate) settings: Settings,
    /// Settings that may be given once, and where they were.
    pub(crate) given: Vec<(&'static str, Location)>,
    pub(crate) report: Report,
    /// The files that logins came from.
    pub(crate) secret_files: Vec<String>,
    /// In place of all `proxy` lines.
    replacement: Option<Replacement>,
    dns: Option<Dns>,
    lines: usize,
}

/// What a variable said, and which it was; no way where that was not understood.
struct Replacement {
    way: Option<Way>,
    location: Location,
}

/// Servers and the login for them.
pub(crate) struct Way {
    servers: Vec<Server>,
    credentials: Option<UserPass>,
}

impl<'fs> ConfigBuilder<'fs> {
    /// A builder that touches no file: a login that is to come from one (`@/path`) is an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that reads the files that logins are to come from.
    pub fn with_file_system(fs: &'fs dyn FileSystem) -> Self {
        Self { fs: Some(fs), ..Self::default() }
    }

    /// Adds a text, called `name` in diagnostics.
    pub fn file(&mut self, name: &str, text: &[u8]) -> &mut Self {
        let file: Arc<str> = name.into();
        // Some editors begin a file with U+FEFF; taken for a part of the first word it would hide a line.
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        let mut words: Vec<Word<'_>> = Vec::new();
        for (number, text) in line::lines(text) {
            words.clear();
            words.extend(line::words(text));
            self.lines += 1;
            if let Some((keyword, rest)) = words.split_first() {
                let line = statement::Line { file: &file, number, order: self.lines };
                self.statement(line, *keyword, rest);
            }
        }
        self
    }

    /// Whether the texts so far say `allowenv`.
    pub fn allows_env(&self) -> bool {
        self.settings.allows_env
    }

    /// Puts one `proxy 0.0.0.0/0 VALUE` in place of all `proxy` lines, as `SOCKS_PROXY` does; a value with `://` is a
    /// [`ProxyUrl`], which also says who resolves names. `noproxy` lines stay, other than one for everything.
    ///
    /// `name` is that of the variable, for diagnostics. Whether it counts is up to the caller: see
    /// [`allows_env`](Self::allows_env).
    pub fn variable(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.lines += 1;
        let file: Arc<str> = name.into();
        let line = statement::Line { file: &file, number: 1, order: self.lines };
        let location = line.at(1);
        let way = if value.windows(3).any(|w| w == b"://") {
            let start = value.len() - value.trim_ascii_start().len();
            match ProxyUrl::parse(value.trim_ascii()) {
                Ok(url) => {
                    self.dns = Some(url.names());
                    Some(Way { servers: vec![url.server().clone()], credentials: url.credentials().cloned() })
                }
                Err(fault) => {
                    let word = Word { column: line::column(start), text: value };
                    self.report.fault(line, word, fault);
                    None
                }
            }
        } else {
            let words: Vec<Word<'_>> = line::split(value).collect();
            self.servers_and_login(line, &words)
        };
        self.replacement = Some(Replacement { way, location });
        self
    }

    /// As [`variable`](Self::variable), with what is already understood.
    pub(crate) fn replace_proxies(&mut self, server: Server, credentials: Option<UserPass>, location: Location) {
        self.replacement = Some(Replacement { way: Some(Way { servers: vec![server], credentials }), location });
    }

    /// Whether a variable named a proxy that can be understood, without a login.
    pub(crate) fn lacks_login(&self) -> bool {
        let way = self.replacement.as_ref().and_then(|replacement| replacement.way.as_ref());
        way.is_some_and(|way| way.credentials.is_none())
    }

    /// Gives the proxy that a variable named the login of a file, which the variable `name` names.
    pub(crate) fn login_file(&mut self, name: &str, path: &[u8]) {
        self.lines += 1;
        let file: Arc<str> = name.into();
        let line = statement::Line { file: &file, number: 1, order: self.lines };
        let login = self.login_from(line, Word { column: 1, text: path }, path);
        self.complete(login.ok());
    }

    /// Gives the proxy that a variable named a login of which each half is the value of a variable.
    pub(crate) fn login(&mut self, halves: [(&str, &[u8]); 2]) {
        let [(_, user), (_, password)] = halves;
        let login = UserPass::new(user, password).map_err(|error| {
            let at_fault = halves.iter().find(|(_, half)| !(1..=255).contains(&half.len()));
            let (name, _) = at_fault.unwrap_or(&halves[0]);
            self.error(
                Location::start_of(name),
                error.to_string(),
                "SOCKS_USERNAME and SOCKS_PASSWORD, or none of both",
            );
        });
        self.complete(login.ok());
    }

    /// Without a login that was asked for, the proxy is of no use.
    fn complete(&mut self, login: Option<UserPass>) {
        let Some(replacement) = &mut self.replacement else { return };
        replacement.way = replacement.way.take().zip(login).map(|(way, login)| Way { credentials: Some(login), ..way });
    }

    /// Says who resolves names, whatever lines and URLs say, by the value of the variable `name`.
    pub(crate) fn dns_variable(&mut self, name: &str, value: &[u8]) {
        match Dns::parse(value) {
            Some(dns) => self.names(dns),
            None => self.error(Location::start_of(name), quote(value), Dns::EXPECTED),
        }
    }

    /// As the word `strict`.
    pub(crate) fn strict(&mut self) {
        self.settings.strict = true;
    }

    pub(crate) fn names(&mut self, dns: Dns) {
        self.dns = Some(dns);
    }

    /// Notes an error that is not one of a line.
    pub(crate) fn error(&mut self, location: Location, found: String, expected: &str) {
        self.lines += 1;
        self.report.error(self.lines, location, found, expected);
    }

    /// Notes a warning that is not one of a line.
    pub(crate) fn warning(&mut self, location: Location, found: String, expected: &str) {
        self.lines += 1;
        self.report.warning(self.lines, location, found, expected);
    }

    /// Puts the lines together, and finds those that contradict each other.
    pub fn finish(mut self) -> Parsed {
        if let Some(Replacement { way, location }) = self.replacement.take() {
            // `noproxy 0.0.0.0/0` is what goes without a proxy where none is named; here one is.
            self.rules.retain(|rule| !matches!(rule.action, Action::Proxy(_)) && rule.pattern != Pattern::ALL);
            self.proxies.clear();
            let action = self.add_proxy(way, &location);
            self.rules.push(Rule { pattern: Pattern::ALL, action, location, order: self.lines });
        }
        let Self { mut rules, mut proxies, mut settings, mut report, secret_files, dns, .. } = self;
        settings.dns = dns.unwrap_or(settings.dns);
        for proxy in &mut proxies {
            proxy.health = Health::new(proxy.servers.len(), settings.retry);
        }
        let nets = Nets::new(&mut rules, &mut report);
        let names = Names::new(&mut rules, &mut report);
        let narrower = Narrower::new(&rules);
        let diagnostics = report.into_diagnostics(&secret_files);
        let is_sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
        Parsed { config: Config { rules, proxies, nets, names, narrower, settings, is_sound }, diagnostics }
    }

    pub(crate) fn add_proxy(&mut self, way: Option<Way>, location: &Location) -> Action {
        let Some(Way { servers, credentials }) = way else { return Action::Broken };
        let index = self.proxies.len();
        let health = Health::default();
        self.proxies.push(ProxyRule { servers, credentials, location: location.clone(), index, health });
        Action::Proxy(index)
    }

    /// `SERVER[,SERVER...] [USERID PASSWORD | @/path]`; `None` where it was not understood, which is then reported.
    pub(crate) fn servers_and_login(&mut self, line: statement::Line<'_>, words: &[Word<'_>]) -> Option<Way> {
        let Some((list, login)) = words.split_first() else {
            self.report.error(line.order, line.at(1), "no server", "SERVER[,SERVER...]");
            return None;
        };
        let servers = match crate::server_list::list(list.text) {
            Ok(servers) => servers,
            Err(fault) => {
                self.report.fault(line, *list, fault);
                return None;
            }
        };
        let credentials = match login {
            [] => return Some(Way { servers, credentials: None }),
            [word @ Word { text: [b'@', path @ ..], .. }] => self.login_from(line, *word, path),
            [user, password] => UserPass::new(user.text, password.text).map_err(|error| {
                let word = if user.text.len() > 255 { user } else { password };
                self.report.error(line.order, line.at(word.column), error.to_string(), "1 to 255 bytes");
            }),
            [user] => {
                const EXPECTED: &str = "USERID PASSWORD, or @/path of a file with both";
                self.report.error(line.order, line.at(user.column), "a user without a password", EXPECTED);
                Err(())
            }
            [_, _, more, ..] => {
                let found = "words after USERID PASSWORD";
                self.report.error(line.order, line.at(more.column), found, "the end of the line");
                Err(())
            }
        };
        credentials.ok().map(|login| Way { servers, credentials: Some(login) })
    }

    /// The login in the file at `path`, which `word` names.
    fn login_from(&mut self, line: statement::Line<'_>, word: Word<'_>, path: &[u8]) -> Result<UserPass, ()> {
        credentials::from_file(self.fs, path, &mut self.secret_files).map_err(|misread| match misread.file {
            None => self.report.fault(line, word, misread.fault),
            Some((file, number)) => {
                let location = Location { file: file.into(), line: number, column: 1 };
                self.report.error(line.order, location, misread.fault.found, misread.fault.expected);
            }
        })
    }
}

/// What is wrong so far, with the order in which it is to be told.
#[derive(Default)]
pub(crate) struct Report(Vec<(usize, Diagnostic)>);

impl Report {
    pub(crate) fn error(
        &mut self,
        order: usize,
        location: Location,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.add(Severity::Error, order, location, found.into(), expected.into());
    }

    pub(crate) fn warning(
        &mut self,
        order: usize,
        location: Location,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.add(Severity::Warning, order, location, found.into(), expected.into());
    }

    /// An error in a word.
    pub(crate) fn fault(&mut self, line: statement::Line<'_>, word: Word<'_>, fault: crate::diagnostic::Fault) {
        let column = word.column.saturating_add(u32::try_from(fault.at).unwrap_or(u32::MAX));
        self.error(line.order, line.at(column), fault.found, fault.expected);
    }

    fn add(&mut self, severity: Severity, order: usize, location: Location, found: String, expected: String) {
        self.0.push((order, Diagnostic { severity, location, found, expected }));
    }

    /// In the order of the text. A file that holds a login and was read as a part of the configuration as well is
    /// not quoted.
    fn into_diagnostics(mut self, secret_files: &[String]) -> Vec<Diagnostic> {
        self.0.sort_by_key(|&(order, _)| order);
        let mut diagnostics: Vec<_> = mem::take(&mut self.0).into_iter().map(|(_, diagnostic)| diagnostic).collect();
        for diagnostic in &mut diagnostics {
            if secret_files.iter().any(|file| **file == *diagnostic.location.file) && diagnostic.quotes() {
                diagnostic.found = "a line of a login file".to_owned();
            }
        }
        diagnostics
    }
}
