//! One line a request.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socks_proto::{CommandCode, MethodId, WireAddr};

/// The lines so far.
#[derive(Default)]
pub(super) struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Log {
    pub(super) fn push(&self, line: String) {
        self.lock().push(line);
        self.more.notify_all();
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().clone()
    }

    pub(super) fn wait_for(&self, count: usize, patience: Duration) -> Vec<String> {
        let waited = self.more.wait_timeout_while(self.lock(), patience, |lines| lines.len() < count);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a request; `Display` is its line. There is no place for a password.
pub(super) struct Record {
    pub(super) from: String,
    pub(super) method: Option<MethodId>,
    pub(super) user: Option<Vec<u8>>,
    pub(super) request: Option<(CommandCode, WireAddr)>,
    pub(super) outcome: String,
    /// Bytes of the application from the client and to the client.
    pub(super) up: u64,
    pub(super) down: u64,
}

impl Record {
    pub(super) fn new(from: String) -> Self {
        Self { from, method: None, user: None, request: None, outcome: String::new(), up: 0, down: 0 }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from={}", self.from)?;
        match self.method {
            Some(MethodId::NONE) => f.write_str(" method=none")?,
            Some(MethodId::USER_PASS) => f.write_str(" method=userpass")?,
            Some(other) => write!(f, " method={:#04x}", other.0)?,
            None => {}
        }
        if let Some(user) = &self.user {
            write!(f, " user=\"{}\"", user.escape_ascii())?;
        }
        if let Some((command, target)) = &self.request {
            match *command {
                CommandCode::CONNECT => f.write_str(" command=connect")?,
                CommandCode::BIND => f.write_str(" command=bind")?,
                CommandCode::UDP_ASSOCIATE => f.write_str(" command=udp")?,
                CommandCode::RESOLVE => f.write_str(" command=resolve")?,
                CommandCode::RESOLVE_PTR => f.write_str(" command=resolve-ptr")?,
                CommandCode(other) => write!(f, " command={other:#04x}")?,
            }
            write!(f, " target={target}")?;
        }
        write!(f, " outcome=\"{}\" up={} down={}", self.outcome, self.up, self.down)
    }
}
