//! The connection, by the first way that leads there.

use std::error::Error as _;
use std::time::Instant;

use socks_adapter::{Error, plan};
use socks_blocking::{Socket, connect_through};
use socks_cli::Voice;
use socks_config::{Config, Route};
use socks_proto::TargetAddr;

use crate::ways::{self, Way};

/// Connects to the target, or says in one line what failed.
pub(crate) fn connect(config: &Config, target: &TargetAddr, voice: Voice) -> Result<Socket, String> {
    let start = Instant::now();
    let ways = ways::of_name(config, target);
    let mut last = ways.without();
    for Way { target, explanation } in &ways.ways {
        let timeout = plan::timeout(config, &explanation.route).saturating_sub(start.elapsed());
        if voice == Voice::Verbose {
            let way = match explanation.route {
                Route::Direct => "direct".to_owned(),
                Route::Proxy(rule) => format!("through {rule}"),
                Route::Refused(refusal) => refusal.to_string(),
            };
            let rule = explanation.rule.map(|(_, at)| format!(" ({at})")).unwrap_or_default();
            eprintln!("socksconnect: {target}: {way}{rule}");
        }
        match connect_through(explanation.route, *target, timeout) {
            Ok(stream) => match stream.into_inner() {
                Ok(socket) => return Ok(socket),
                // None of the methods that a configuration can offer leaves one behind.
                Err(_) => last = "the proxy agreed on a protection, which nobody asked for".to_owned(),
            },
            Err(error) => last = said(&error),
        }
    }
    Err(last)
}

/// An error with its causes, as far as it does not say them itself.
pub(crate) fn said(error: &Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        cause = error.source();
    }
    said
}
