//! The other scripting languages.

use super::{Invocation, Program, error_text, seen_times};

/// Perl: IO::Socket with a time limit, which connects without blocking and selects.
pub const PERL: Program = Program {
    name: "perl",
    needs: &["perl"],
    services: &[],
    invocation: |call| {
        let address = call.at(crate::target::HTTP_PORT);
        Invocation::script("perl", "scripts/fetch.pl", &[&address.host.to_string(), &address.port.to_string()])
    },
    reached: |outcome, seen| seen_times(outcome, seen, 5),
    reports: error_text,
};

/// Ruby: Net::HTTP in twenty threads.
pub const RUBY: Program = Program {
    name: "ruby",
    needs: &["ruby"],
    services: &[],
    invocation: |call| Invocation::script("ruby", "scripts/fetch.rb", &[&call.url()]),
    reached: |outcome, seen| seen_times(outcome, seen, 20),
    reports: error_text,
};

/// PHP: a stream wrapper, then ten sockets that connect at once, waited for with select.
pub const PHP: Program = Program {
    name: "php",
    needs: &["php"],
    services: &[],
    invocation: |call| {
        Invocation::script("php", "scripts/fetch.php", &[&call.url(), &call.at(crate::target::HTTP_PORT).to_string()])
    },
    reached: |outcome, seen| seen_times(outcome, seen, 11),
    reports: error_text,
};
