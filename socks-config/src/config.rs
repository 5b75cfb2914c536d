//! The configuration and its one question: which way to a destination?

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;
use std::time::Duration;

use crate::builder::{ConfigBuilder, Parsed};
use crate::destination::{Destination, Host};
use crate::diagnostic::Location;
use crate::name_range::NameRange;
use crate::names::Names;
use crate::nets::Nets;
use crate::pattern::Pattern;
use crate::rule::{Action, ProxyRule, Rule};
use crate::url::ProxyUrl;

/// Which destinations go through which proxies. Made once, never changed.
///
/// The default is the configuration of an empty file: everything goes direct. `Debug` shows no user and no
/// password.
#[derive(Clone)]
pub struct Config {
    pub(crate) rules: Vec<Rule>,
    pub(crate) proxies: Vec<ProxyRule>,
    pub(crate) nets: Nets,
    pub(crate) names: Names,
    pub(crate) narrower: Narrower,
    pub(crate) settings: Settings,
    pub(crate) is_sound: bool,
}

/// What is set for all destinations.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) retry: Duration,
    pub(crate) dns: Dns,
    pub(crate) name_range: NameRange,
    pub(crate) strict: bool,
    pub(crate) allows_env: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            timeout: minute,
            retry: minute,
            dns: Dns::Local,
            name_range: NameRange::default(),
            strict: false,
            allows_env: false,
        }
    }
}

/// Who resolves the names of wrapped programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dns {
    /// The system on which the program runs.
    #[default]
    Local,
    /// The proxy.
    Remote,
}

impl Dns {
    /// What [`parse`](Self::parse) reads.
    pub(crate) const EXPECTED: &str = "remote or local";

    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"remote" => Some(Self::Remote),
            b"local" => Some(Self::Local),
            _ => None,
        }
    }
}

/// The way to a destination.
#[derive(Clone, Copy, Debug)]
pub enum Route<'a> {
    /// Without a proxy.
    Direct,
    /// Through the servers of this rule, and never direct, also where none of them can be reached.
    Proxy(&'a ProxyRule),
    /// Not at all.
    Refused(Refusal),
}

impl Route<'_> {
    /// Whether it is without a proxy.
    pub fn is_direct(&self) -> bool {
        matches!(self, Self::Direct)
    }
}

/// Why there is no way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The configuration has errors, so that what was meant to go through a proxy is not known.
    Unsound,
    /// No rule covers it and the configuration says `strict`.
    Strict,
    /// It is a name that no name rule covers, and the answer depends on its address.
    ///
    /// The caller may resolve the name and ask again for each address; one that cannot refuses. Never given where a rule
    /// sends every address through a proxy: then the name goes there.
    NeedsAddress,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsound => "the configuration has errors",
            Self::Strict => "no rule covers it and the configuration is strict",
            Self::NeedsAddress => "the way to this name depends on its address",
        })
    }
}

/// A [`Route`] and the line that it follows from.
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'a> {
    /// The answer of [`Config::route`].
    pub route: Route<'a>,
    /// What the line that decided is about, and where it stands; `None` where no line covers the destination.
    pub rule: Option<(&'a Pattern, &'a Location)>,
}

/// The ports of rules about less than every address, by what these rules say: whether a name's address matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrower {
    /// `noproxy`.
    direct: PortSet,
    /// Anything else.
    other: PortSet,
}

impl Narrower {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let ports = |direct: bool| {
            let narrower =
                |rule: &&Rule| rule.pattern.is_about_some_addresses() && (rule.action == Action::Direct) == direct;
            PortSet::new(rules.iter().filter(narrower).map(|rule| rule.pattern.port_range()))
        };
        Self { direct: ports(true), other: ports(false) }
    }
}

/// Ranges of ports, apart from each other and sorted.
#[derive(Clone, Debug, Default)]
struct PortSet(Vec<(u16, u16)>);

impl PortSet {
    fn new(ranges: impl Iterator<Item = (u16, u16)>) -> Self {
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let meets = next.0 <= kept.1;
            if meets {
                kept.1 = kept.1.max(next.1);
            }
            meets
        });
        Self(ranges)
    }

    fn contains(&self, port: u16) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= port);
        after.checked_sub(1).is_some_and(|at| self.0[at].1 >= port)
    }
}

/// What the rules say about a destination.
enum Verdict {
    Rule(u32),
    NoRule,
    NeedsAddress,
}

impl Config {
    /// Reads one text, called `name` in diagnostics, without touching any file: a login that is to come from a file
    /// (`@/path`) is an error.
    pub fn parse(name: &str, text: &[u8]) -> Parsed {
        let mut builder = ConfigBuilder::new();
        builder.file(name, text);
        builder.finish()
    }

    /// Lets nothing through: for a caller that could not find out what is configured.
    pub fn refuse_all() -> Self {
        Self::parse("", b"strict").config
    }

    /// Everything through one proxy, the loopback included: `proxy 0.0.0.0/0 URL` and nothing else.
    pub fn from_url(url: &ProxyUrl) -> Self {
        let mut builder = ConfigBuilder::new();
        builder.replace_proxies(url.server().clone(), url.credentials().cloned(), Location::start_of("proxy URL"));
        builder.names(url.names());
        builder.finish().config
    }

    /// The way to a destination.
    ///
    /// The longest name rule that covers a name decides, else the longest prefix around an address. Allocates nothing.
    pub fn route<'d>(&self, to: impl Into<Destination<'d>>) -> Route<'_> {
        self.explain(to).route
    }

    /// The way to a destination, and the line that it follows from.
    pub fn explain<'d>(&self, to: impl Into<Destination<'d>>) -> Explanation<'_> {
        let verdict = self.verdict(to.into());
        let rule = match verdict {
            Verdict::Rule(id) => self.rules.get(id as usize),
            Verdict::NoRule | Verdict::NeedsAddress => None,
        };
        let proxy = match rule.map(|rule| rule.action) {
            Some(Action::Proxy(index)) => self.proxies.get(index),
            _ => None,
        };
        let route = match (rule.map(|rule| rule.action), proxy) {
            (Some(Action::Direct), _) => Route::Direct,
            _ if !self.is_sound => Route::Refused(Refusal::Unsound),
            (_, Some(proxy)) => Route::Proxy(proxy),
            (Some(_), None) => Route::Refused(Refusal::Unsound),
            (None, None) => match verdict {
                Verdict::NeedsAddress => Route::Refused(Refusal::NeedsAddress),
                _ if self.settings.strict => Route::Refused(Refusal::Strict),
                _ => Route::Direct,
            },
        };
        Explanation { route, rule: rule.map(|rule| (&rule.pattern, &rule.location)) }
    }

    fn verdict(&self, to: Destination<'_>) -> Verdict {
        let decided = |id: Option<u32>| id.map_or(Verdict::NoRule, Verdict::Rule);
        let name = match to.host {
            Host::Ip(ip) => return decided(self.nets.find(ip, to.port)),
            Host::Name(name) => name,
        };
        if let Some(ip) = numeric(name) {
            return decided(self.nets.find(ip, to.port));
        }
        if let Some(id) = self.names.find(name, to.port) {
            return Verdict::Rule(id);
        }
        if is_localhost(name) {
            return decided(self.nets.find(Ipv4Addr::LOCALHOST.into(), to.port));
        }
        let everywhere = self.nets.find_everywhere(to.port);
        let address_matters = match everywhere.and_then(|id| self.rules.get(id as usize)).map(|rule| rule.action) {
            // Not for the sake of a narrower rule: to ask the resolver would give away what goes through this proxy.
            Some(Action::Proxy(_) | Action::Broken) => false,
            Some(Action::Direct) => self.narrower.other.contains(to.port),
            None if self.settings.strict => {
                self.narrower.other.contains(to.port) || self.narrower.direct.contains(to.port)
            }
            None => self.narrower.other.contains(to.port),
        };
        if address_matters { Verdict::NeedsAddress } else { decided(everywhere) }
    }

    /// Whether the configuration is free of errors. Where it is not, only what a sound `noproxy` covers goes anywhere.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// How long the whole way to a proxy's answer may take, connecting included. 60 seconds unless set.
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// How long a server that could not be reached is tried last. 60 seconds unless set; zero is never.
    pub fn retry(&self) -> Duration {
        self.settings.retry
    }

    /// Who resolves the names of wrapped programs.
    pub fn dns(&self) -> Dns {
        self.settings.dns
    }

    /// The addresses that stand for names which the proxy resolves.
    pub fn name_range(&self) -> NameRange {
        self.settings.name_range
    }

    /// Whether what no rule covers is refused.
    pub fn strict(&self) -> bool {
        self.settings.strict
    }

    /// Whether `SOCKS_PROXY` counts.
    pub fn allows_env(&self) -> bool {
        self.settings.allows_env
    }

    /// The `proxy` rules, each at its [`ProxyRule::index`].
    pub fn proxies(&self) -> &[ProxyRule] {
        &self.proxies
    }
}

impl Default for Config {
    fn default() -> Self {
        ConfigBuilder::new().finish().config
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("rules", &self.rules)
            .field("proxies", &self.proxies)
            .field("settings", &self.settings)
            .field("is_sound", &self.is_sound)
            .finish_non_exhaustive()
    }
}

/// The address that a name spells.
fn numeric(name: &[u8]) -> Option<IpAddr> {
    let inner = name.strip_prefix(b"[").and_then(|n| n.strip_suffix(b"]")).unwrap_or(name);
    if inner.contains(&b':') {
        return str::from_utf8(inner).ok()?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    // Most names end in a letter.
    name.last().filter(|b| b.is_ascii_digit() || **b == b'.')?;
    let name = name.strip_suffix(b".").unwrap_or(name);
    str::from_utf8(name).ok()?.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

/// Whether a name means this very host (RFC 6761 §6.3), so that its address is known without a resolver.
fn is_localhost(name: &[u8]) -> bool {
    const LOCALHOST: &[u8] = b"localhost";
    let name = name.strip_suffix(b".").unwrap_or(name);
    let Some(start) = name.len().checked_sub(LOCALHOST.len()) else { return false };
    name[start..].eq_ignore_ascii_case(LOCALHOST) && (start == 0 || name[start - 1] == b'.')
}
