//! All programs through all servers: `cargo test -p interop [-- WORD...]`.
//!
//! Only cells whose name contains every WORD run; `--list` prints the names instead. With `--full` there are more cells,
//! with `--summary` there is one table of all at the end: `cargo xtask matrix [--full]` is that. The exit code is 0 if nothing
//! failed, 1 if something did, 2 if there is nothing to test.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use interop::cell::{Cell, Verdict};
use interop::netns::Beyond;
use interop::report::Report;
use interop::setup::{Setup, Site, find_socksify};

fn main() -> ExitCode {
    // Other options are for the usual test harness, which cargo talks to.
    let (options, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|a| a.starts_with('-'));
    let given = |name: &str| options.iter().any(|option| option == name);
    let all = Cell::all(given("--full"));
    let cells: Vec<Cell> = all.filter(|c| words.iter().all(|word| c.name().contains(word.as_str()))).collect();
    if given("--list") {
        cells.iter().for_each(|cell| println!("{}: test", cell.name()));
        return ExitCode::SUCCESS;
    }

    let mut report = Report::new();
    if cells.is_empty() {
        return finish(&report);
    }
    let socksify = match find_socksify() {
        Ok(path) => Some(path),
        // Not a reason to skip: without it nothing would be tested.
        Err(why) if cells.iter().any(|cell| cell.section.wrapped) => {
            eprintln!("interop: {why:#}");
            return ExitCode::from(2);
        }
        Err(_) => None,
    };
    let site = match Site::new(Path::new(env!("CARGO_BIN_EXE_interop-node")), Beyond::Unreachable) {
        Ok(site) => site,
        Err(why) => {
            for cell in cells {
                report.add_cell(cell, Verdict::Skipped(why.0.clone()));
            }
            return finish(&report);
        }
    };
    let setup = match Setup::new(site, socksify) {
        Ok(setup) => setup,
        Err(why) => {
            report.add("the target's services".into(), Verdict::Failed(format!("{why:#}")));
            return finish(&report);
        }
    };

    for (number, &cell) in cells.iter().enumerate() {
        report.add_cell(cell, cell.try_it(&setup, number));
        if cells.get(number + 1).is_none_or(|next| next.section.name != cell.section.name) {
            report.print_table();
        }
    }
    let (visits, strangers) = setup.target.visitors();
    let verdict = if strangers.is_empty() {
        println!("\nthe target saw {visits} connections, all from the proxy");
        Verdict::Passed
    } else {
        Verdict::Failed(format!("connections from elsewhere:\n{}", strangers.join("\n")))
    };
    report.add("the target sees only the proxy".into(), verdict);
    if given("--summary") {
        report.print_reasons();
        report.print_summary();
        println!("\n{}", report.closing_line());
        return exit_code(&report);
    }
    finish(&report)
}

fn finish(report: &Report) -> ExitCode {
    report.print_reasons();
    println!("{}", report.closing_line());
    exit_code(report)
}

fn exit_code(report: &Report) -> ExitCode {
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
