//! The tasks of this workspace: `cargo xtask COMMAND`. One file a command; this one only dispatches.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod conformance;
mod coverage;
mod demo;
mod dist;
mod faults;
mod features;
mod fuzz;
mod install;
mod man;
mod matrix;
mod models;
mod package;
mod progress;
mod published;
mod remap;
mod reproduce;
mod run;
mod sanitize;
mod setup;
mod soak;
mod socksify;
mod stage;
mod supply;
mod symbols;
mod table;
mod tally;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Setup(setup::Arguments),
    Test(test::Arguments),
    Matrix(matrix::Arguments),
    /// Runs the vectors through the core, every adapter and the C library, and prints one table.
    Conformance,
    /// Runs the table of descriptors in every order in which its threads can meet.
    Models,
    /// Breaks every answer of a proxy at every byte, for every adapter and C programs, and prints one table.
    Faults,
    Features(features::Arguments),
    /// Runs the unit tests of libsocks with AddressSanitizer in the Rust code itself.
    Sanitize,
    /// Packs the published crates, and builds each from what is in its package.
    Package,
    /// Shows an unmodified program going through a proxy, on a machine that has none.
    Demo,
    Socksify(socksify::Arguments),
    Install(install::Arguments),
    Bench(bench::Arguments),
    Fuzz(fuzz::Arguments),
    Coverage(coverage::Arguments),
    Soak(soak::Arguments),
    Supply(supply::Arguments),
    Dist(dist::Arguments),
    /// Builds twice, as differently as two people would, and compares what is installed byte for byte.
    Reproduce,
    /// Checks promises that no compiler checks: the core's purity, the libraries' symbols, the manual,
    /// the manifests.
    Tidy,
    /// Does what .ci/run does once the machine is set up.
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Setup(arguments) => setup::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Matrix(arguments) => matrix::run(&arguments),
        Task::Conformance => conformance::TABLE.run(),
        Task::Models => models::run(),
        Task::Faults => faults::TABLE.run(),
        Task::Features(arguments) => features::run(&arguments),
        Task::Sanitize => sanitize::run(),
        Task::Package => package::run(),
        Task::Demo => demo::run(),
        Task::Socksify(arguments) => socksify::run(&arguments),
        Task::Install(arguments) => install::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Coverage(arguments) => coverage::run(&arguments),
        Task::Soak(arguments) => soak::run(&arguments),
        Task::Supply(arguments) => supply::run(&arguments),
        Task::Reproduce => reproduce::run(),
        Task::Dist(arguments) => dist::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Ci => ci::run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
