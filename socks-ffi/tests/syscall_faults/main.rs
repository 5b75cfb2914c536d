//! Each system call that libsocks makes, failing once in each way that it can:
//! `cargo test -p socks-ffi --test syscall_faults [-- WORD...]`.
//!
//! tests/c/syscall_faults.c connects and converses in several ways. A first run tells which calls are made while a function of
//! the library's is at work; then there is a run for each of them and each of its faults. Whatever fails, the program
//! gets all that it asked for, or an error that names the fault; nothing goes past the proxy, nothing hangs, no descriptor is
//! left, and the next connect succeeds. Interruptions and short reads and writes are not told of at all.
//!
//! Only cases whose name contains every WORD run.

#[allow(dead_code, reason = "shared with c_programs, which uses all of it")]
#[path = "../c_programs/compile.rs"]
mod compile;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "nothing can be traced"))]
#[path = "../c_programs/parallel.rs"]
mod parallel;
#[path = "../c_programs/report.rs"]
mod report;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "nothing can be traced"))]
#[path = "../c_programs/target.rs"]
mod target;
#[allow(dead_code, reason = "shared with c_programs, which uses all of it")]
#[path = "../c_programs/tool.rs"]
mod tool;

/// Which register holds what is known here for this processor alone.
#[cfg(target_arch = "x86_64")]
mod cases;

use std::env;
use std::process::ExitCode;

use crate::compile::{Missing, Toolchain};
use crate::report::{Report, Verdict};

fn main() -> ExitCode {
    // Other options are for the usual test harness, which cargo talks to.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut report = Report::new();
    match Toolchain::find() {
        Ok(tools) => run(&tools, &words, &mut report),
        Err(Missing::Compiler(why)) => report.add("all of it".into(), Verdict::Skipped(why)),
        Err(Missing::Library(why)) => report.add("the libraries".into(), Verdict::Failed(format!("{why:#}"))),
    }
    report.finish()
}

#[cfg(target_arch = "x86_64")]
fn run(tools: &Toolchain, words: &[String], report: &mut Report) {
    cases::run(tools, words, report);
}

#[cfg(not(target_arch = "x86_64"))]
fn run(_: &Toolchain, _: &[String], report: &mut Report) {
    report
        .add("all of it".into(), Verdict::Skipped("the registers of this processor are not known to the test".into()));
}
