//! What is printed: each line when it is known, or one JSON object at the end.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use socks_config::{Config, Dns, Explanation, Loaded, Route};
use socks_proto::TargetAddr;

use super::probe::{Done, listed};
use crate::ways::Ways;

/// A report in the making.
pub(super) struct Report {
    /// The object, unless it is text.
    json: Option<Value>,
    /// The server of the last step.
    server: String,
}

impl Report {
    pub(super) fn begin(json: bool, target: &TargetAddr, loaded: &Loaded) -> Self {
        let sources: Vec<_> = loaded.sources.iter().map(ToString::to_string).collect();
        let mut report = Self { json: None, server: String::new() };
        if json {
            report.json = Some(json!({ "target": target.to_string(), "configuration": sources, "ways": [] }));
        } else {
            report.line("target", &target.to_string());
            report.line("configured", &format!("by {}", sources.join(", ")));
        }
        report
    }

    /// Who resolves the target's name.
    pub(super) fn names(&mut self, config: &Config, target: &TargetAddr, ways: &Ways<'_>) {
        let (who, addrs) = match &ways.lookup {
            Some(lookup) => {
                let found = lookup.addrs.as_deref().map(listed).map_err(ToString::to_string);
                ("here", Some((lookup.time, found)))
            }
            None => match (target, ways.ways.first().map(|way| way.explanation.route)) {
                (TargetAddr::Ip(_), _) => ("nobody", None),
                (_, Some(Route::Proxy(_))) => ("proxy", None),
                (_, Some(Route::Refused(_))) => ("nobody", None),
                _ => ("here", None),
            },
        };
        let dns = match config.dns() {
            Dns::Local => "local",
            Dns::Remote => "remote",
        };
        if let Some(object) = &mut self.json {
            object["names"] = json!({ "resolved_by": who, "dns": dns });
            if let Some((time, found)) = addrs {
                object["names"]["ms"] = ms(time);
                match found {
                    Ok(found) => object["names"]["addresses"] = found.split(", ").collect(),
                    Err(error) => object["names"]["error"] = error.into(),
                }
            }
            return;
        }
        let said = match (who, target) {
            ("here", _) => format!("resolved on this machine (dns {dns})"),
            ("proxy", _) => format!("resolved by the proxy (dns {dns})"),
            (_, TargetAddr::Ip(_)) => "none to resolve".to_owned(),
            _ => format!("resolved by nobody (dns {dns})"),
        };
        self.line("names", &said);
        if let Some((time, found)) = addrs {
            self.result("resolve", time, &found);
        }
    }

    /// The rule for an address or a name, and its servers.
    pub(super) fn way(&mut self, target: &TargetAddr, explanation: &Explanation<'_>) {
        let (kind, servers) = match explanation.route {
            Route::Direct => ("direct", Vec::new()),
            Route::Proxy(rule) => ("proxy", rule.servers().iter().map(ToString::to_string).collect()),
            Route::Refused(_) => ("refused", Vec::new()),
        };
        self.server.clear();
        if let Some(object) = &mut self.json {
            let rule = explanation.rule.map(|(pattern, at)| {
                json!({ "covers": pattern.to_string(), "file": *at.file, "line": at.line, "column": at.column })
            });
            let way =
                json!({ "target": target.to_string(), "route": kind, "rule": rule, "servers": servers, "steps": [] });
            if let Some(ways) = object["ways"].as_array_mut() {
                ways.push(way);
            }
            return;
        }
        let rule = match explanation.rule {
            Some((pattern, at)) => format!("{at}: {pattern}"),
            None => "none covers it".to_owned(),
        };
        self.line("to", &target.to_string());
        self.line("rule", &rule);
        match explanation.route {
            Route::Direct => self.line("goes", "direct"),
            Route::Refused(refusal) => self.line("goes", &format!("nowhere: {refusal}")),
            Route::Proxy(_) => {
                for (at, server) in (1..).zip(&servers) {
                    self.line(if at == 1 { "servers" } else { "" }, &format!("{at}. {server}"));
                }
            }
        }
    }

    /// Something that was done.
    pub(super) fn step(&mut self, done: &Done) {
        if let Some(object) = &mut self.json {
            let (ok, said) = match &done.outcome {
                Ok(said) => (true, said),
                Err(said) => (false, said),
            };
            let step =
                json!({ "server": done.server, "step": done.what, "ms": ms(done.time), "ok": ok, "outcome": said });
            let way = object["ways"].as_array_mut().and_then(|ways| ways.last_mut());
            if let Some(steps) = way.and_then(|way| way["steps"].as_array_mut()) {
                steps.push(step);
            }
            return;
        }
        if self.server != done.server {
            self.server.clone_from(&done.server);
            self.print(&done.server);
        }
        self.result(done.what, done.time, &done.outcome);
    }

    pub(super) fn end(mut self, error: Option<String>, time: Duration) {
        if let Some(mut object) = self.json.take() {
            object["reached"] = error.is_none().into();
            object["error"] = error.into();
            object["ms"] = ms(time);
            return self.print(&object.to_string());
        }
        let time = time.as_secs_f64() * 1e3;
        match error {
            None => self.print(&format!("reached in {time:.1} ms")),
            Some(error) => self.print(&format!("not reached, after {time:.1} ms: {error}")),
        }
    }

    fn line(&self, what: &str, said: &str) {
        self.print(&format!("{what:<11} {said}"));
    }

    fn result(&self, what: &str, time: Duration, outcome: &Result<String, String>) {
        let time = time.as_secs_f64() * 1e3;
        match outcome {
            Ok(said) => self.print(&format!("  {what:<9} {time:>8.1} ms  {said}")),
            Err(error) => self.print(&format!("  {what:<9} {time:>8.1} ms  failed: {error}")),
        }
    }

    fn print(&self, line: &str) {
        // Who no longer reads it is told by the exit code alone.
        let _ = writeln!(io::stdout(), "{line}");
    }
}

/// Milliseconds, to the microsecond.
fn ms(time: Duration) -> Value {
    ((time.as_secs_f64() * 1e6).round() / 1e3).into()
}
