//! `socksify PROGRAM ARGS…`: runs a program that was never changed through a SOCKS 5 proxy.
//!
//! It checks the configuration, puts libsockswrap before the program's libraries, and becomes the program.

#![forbid(unsafe_code)]

mod cli;
mod configuration;
mod failure;
mod inspect;
mod libraries;
mod program;

use std::process::ExitCode;

use failure::Failure;

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(exit) => return exit,
    };
    // On success this process is the program, and nothing comes back.
    let Err(failure) = run(&invocation);
    eprintln!("{failure}");
    failure.exit_code()
}

fn run(invocation: &cli::Invocation) -> Result<std::convert::Infallible, Failure> {
    let program = program::find(&invocation.program)?;
    if !invocation.force
        && let Some((path, obstacle)) = inspect::obstacle(&program)
    {
        return Err(Failure::CannotWrap(path, obstacle));
    }
    configuration::check(invocation.proxy.as_ref())?;
    let preload = libraries::find()?;
    program::become_it(&program, invocation, &preload)
}
