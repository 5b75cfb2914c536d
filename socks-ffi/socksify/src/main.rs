//! `socksify PROGRAM ARGS…`: runs a program that was never changed through a SOCKS 5 proxy.
//!
//! It checks the configuration, puts libsockswrap before the program's libraries, and becomes the program.

// Rust's own main would set SIGPIPE aside, which the program would inherit, and cost more than all that is done here.
#![cfg_attr(not(test), no_main)]
#![deny(unsafe_code)]

mod cli;
mod configuration;
mod exec;
mod failure;
mod inspect;
mod libraries;
mod program;

use failure::Failure;

/// C's main; the arguments are those of [`std::env::args_os`].
#[cfg(not(test))]
#[allow(unsafe_code)]
// SAFETY: this is the one function of that name, with the type that C gives it.
#[unsafe(no_mangle)]
extern "C" fn main(_count: std::ffi::c_int, _arguments: *const *const std::ffi::c_char) -> std::ffi::c_int {
    start().into()
}

/// Comes back, with an exit code, only where the program was not run.
#[cfg_attr(test, allow(dead_code))]
fn start() -> u8 {
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
