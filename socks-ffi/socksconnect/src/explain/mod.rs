//! `--explain`: which way that is, why, and how far one gets.

mod probe;
mod report;

use std::time::Instant;

use socks_adapter::plan;
use socks_cli::exit;
use socks_config::Loaded;
use socks_proto::TargetAddr;

use self::report::Report;
use crate::connect::said;
use crate::ways::{self, Way};

/// Prints the rule, the servers, and each step of a try, which sends no data of an application. Gives the exit code.
pub(crate) fn explain(loaded: &Loaded, target: &TargetAddr, as_wrapped: bool, json: bool) -> u8 {
    let start = Instant::now();
    let config = &loaded.config;
    let mut report = Report::begin(json, target, loaded);
    let ways = if as_wrapped { ways::as_wrapped(config, target) } else { ways::of_name(config, target) };
    report.names(config, target, &ways);
    let mut outcome = Err(ways.without());
    for Way { target, explanation } in &ways.ways {
        report.way(target, explanation);
        let timeout = plan::timeout(config, &explanation.route);
        let tried = probe::probe(explanation.route, target, timeout, &mut |step| report.step(&step));
        outcome = tried.map_err(|error| said(&error));
        if outcome.is_ok() {
            break;
        }
    }
    let code = if outcome.is_ok() { 0 } else { exit::UNAVAILABLE };
    report.end(outcome.err(), start.elapsed());
    code
}
