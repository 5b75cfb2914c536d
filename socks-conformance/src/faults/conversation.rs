//! What a sound proxy answers: each kind of answer, step by step and in one round trip, with a login and without.

use std::fmt;
use std::ops::Range;

use socks_config::{Config, ProxyRule};
use socks_proto::{Command, MethodId, ReplyCode, TargetAddr, UserPass, WireAddr, server};

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What kind of answer it is.
    pub name: &'static str,
    /// Whether it is about a connection that comes in.
    pub binds: bool,
    /// Whether the client says all at once.
    pub one_round_trip: bool,
    /// Whether it has a login.
    pub login: bool,
    /// What the proxy says, one message after the other.
    pub messages: Vec<Vec<u8>>,
}

/// How a proxy ends its part.
#[derive(Clone, Copy)]
enum Ending {
    NoMethod,
    NoLogin,
    Replies(&'static [(u8, Host)]),
}

#[derive(Clone, Copy)]
enum Host {
    V4,
    V6,
    Name,
}

const KINDS: &[(&str, bool, Ending)] = &[
    ("no-method", false, Ending::NoMethod),
    ("no-login", false, Ending::NoLogin),
    ("reply-ipv4", false, Ending::Replies(&[(0, Host::V4)])),
    ("reply-ipv6", false, Ending::Replies(&[(0, Host::V6)])),
    ("reply-name", false, Ending::Replies(&[(0, Host::Name)])),
    ("refused", false, Ending::Replies(&[(5, Host::V4)])),
    ("bind", true, Ending::Replies(&[(0, Host::V4), (0, Host::V6)])),
    ("bind-refused", true, Ending::Replies(&[(0, Host::Name), (1, Host::V4)])),
];

impl Conversation {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for &(name, binds, ending) in KINDS {
            for one_round_trip in [false, true] {
                for login in [false, true] {
                    if login || !matches!(ending, Ending::NoLogin) {
                        let messages = messages(ending, login);
                        all.push(Self { name, binds, one_round_trip, login, messages });
                    }
                }
            }
        }
        all
    }

    /// All that the proxy says.
    pub fn stream(&self) -> Vec<u8> {
        self.messages.concat()
    }

    /// Which of the messages are replies to the request.
    pub fn replies(&self) -> Range<usize> {
        let replies = self.messages.iter().filter(|message| message.len() > 2).count();
        self.messages.len() - replies..self.messages.len()
    }

    /// What the client asks for, about this target.
    pub fn command(&self, target: TargetAddr) -> Command {
        if self.binds { Command::Bind(target) } else { Command::Connect(target) }
    }

    /// The rule by which a client finds this proxy.
    ///
    /// # Panics
    /// Never: it is a sound one.
    pub fn rule(&self, proxy: impl fmt::Display) -> ProxyRule {
        let option = if self.one_round_trip { "/pipeline" } else { "" };
        let parsed = Config::parse("faults", format!("proxy 0.0.0.0/0 {proxy}{option}\n").as_bytes());
        let rule = parsed.config.proxies().first().expect("a sound line").clone();
        if self.login { rule.with_credentials(login()) } else { rule }
    }
}

/// The login of those that have one.
///
/// # Panics
/// Never: it is short enough.
pub fn login() -> UserPass {
    UserPass::new("ann", "s3cret").expect("short enough")
}

fn messages(ending: Ending, login: bool) -> Vec<Vec<u8>> {
    let message = |encode: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        bytes
    };
    let method = match (ending, login) {
        (Ending::NoMethod, _) => MethodId::NO_ACCEPTABLE,
        (_, true) => MethodId::USER_PASS,
        (_, false) => MethodId::NONE,
    };
    let mut messages = vec![message(&|bytes| server::encode_method(method, bytes))];
    if login && method == MethodId::USER_PASS {
        let status = u8::from(matches!(ending, Ending::NoLogin));
        messages.push(message(&|bytes| server::encode_login_status(status, bytes)));
    }
    if let Ending::Replies(replies) = ending {
        messages.extend(replies.iter().map(|(code, host)| {
            message(&|bytes| server::encode_reply(ReplyCode(*code), &WireAddr::from(host.addr()), bytes))
        }));
    }
    messages
}

impl Host {
    fn addr(self) -> TargetAddr {
        let text = match self {
            Self::V4 => "192.0.2.7:4660",
            Self::V6 => "[2001:db8::7]:4660",
            Self::Name => "relay.example:4660",
        };
        text.parse().expect("an address")
    }
}

/// As it stands in the name of a case.
impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace = if self.one_round_trip { "one-round-trip" } else { "stepwise" };
        write!(f, "{} {pace}{}", self.name, if self.login { " login" } else { "" })
    }
}
