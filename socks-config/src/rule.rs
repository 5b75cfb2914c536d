//! The lines of a configuration, once understood.

use std::fmt;
use std::time::Duration;

use socks_proto::UserPass;

use crate::diagnostic::Location;
use crate::health::{Health, Order};
use crate::pattern::Pattern;
use crate::server::Server;

/// What a `proxy` line says: servers to try in turn, and the login they ask for.
///
/// `Debug` shows neither user nor password.
#[derive(Clone, Debug)]
pub struct ProxyRule {
    pub(crate) servers: Vec<Server>,
    pub(crate) credentials: Option<UserPass>,
    pub(crate) location: Location,
    pub(crate) index: usize,
    pub(crate) health: Health,
}

impl ProxyRule {
    /// The servers, at least one, in the order in which they are to be tried.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// In which order to try them at this time of a monotonic clock of the caller's, counted from any moment: those last
    /// that could not be reached within the configuration's `retry` time.
    pub fn order(&self, now: Duration) -> Order {
        self.health.order(now)
    }

    /// Remembers that a server, by its index in [`servers`](Self::servers), could not be reached at any of its addresses.
    pub fn could_not_reach(&self, server: usize, now: Duration) {
        self.health.failed(server, now);
    }

    /// Remembers that a server has answered.
    pub fn reached(&self, server: usize) {
        self.health.reached(server);
    }

    /// The login for every one of the servers.
    pub fn credentials(&self) -> Option<&UserPass> {
        self.credentials.as_ref()
    }

    /// The same rule with another login: for a connection of its own, such as a circuit of Tor apart from the others
    /// (stream isolation).
    ///
    /// ```
    /// use socks_config::{Config, ProxyUrl, Route, UserPass};
    ///
    /// let tor: ProxyUrl = "socks5h://127.0.0.1:9050".parse()?;
    /// let config = Config::from_url(&tor);
    /// let Route::Proxy(rule) = config.route(("mail.example", 25)) else { unreachable!("all of it") };
    /// let alone = rule.with_credentials(UserPass::new("conversation", "7")?);
    /// let route = Route::Proxy(&alone);
    /// # let Route::Proxy(rule) = route else { unreachable!() };
    /// # assert_eq!(rule.credentials().unwrap().password(), b"7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_credentials(&self, login: UserPass) -> Self {
        Self { credentials: Some(login), ..self.clone() }
    }

    /// Where the line stands.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The place of this rule in [`Config::proxies`](crate::Config::proxies), usable as a key for what is remembered
    /// of its servers.
    pub fn index(&self) -> usize {
        self.index
    }
}

/// The servers, as they stand in the line.
impl fmt::Display for ProxyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, server) in self.servers.iter().enumerate() {
            write!(f, "{}{server}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Any line that has a pattern.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) pattern: Pattern,
    pub(crate) action: Action,
    pub(crate) location: Location,
    /// Lines read before this one, in all files.
    pub(crate) order: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Direct,
    /// Index of the [`ProxyRule`].
    Proxy(usize),
    /// The line has a fault after its pattern, or contradicts another: what it covers must not go direct.
    Broken,
}
