//! `socksify PROGRAM ARGS…`: runs a program that was never changed through a SOCKS 5 proxy.
//!
//! It checks the configuration, puts libsockswrap before the program's libraries, and becomes the program.

// Rust's own main would set SIGPIPE aside, which the program would inherit, and cost more than all that is done here.
#![cfg_attr(not(test), no_main)]
#![deny(unsafe_code)]

mod check;
mod cli;
mod exec;
mod explain;
mod failure;
mod import;
mod inspect;
mod libraries;
mod program;

use socks_cli::{Voice, sound};

use cli::{Invocation, Task};
use failure::Failure;

/// C's main; the arguments are those of [`std::env::args_os`].
#[cfg(not(test))]
#[allow(unsafe_code)]
// SAFETY: this is the one function of that name, with the type that C gives it.
#[unsafe(no_mangle)]
extern "C" fn main(_count: std::ffi::c_int, _arguments: *const *const std::ffi::c_char) -> std::ffi::c_int {
    start().into()
}

/// Comes back, with an exit code, only where no other program was started in place of this one.
#[cfg_attr(test, allow(dead_code))]
fn start() -> u8 {
    let task = match cli::parse(std::env::args_os()) {
        Ok(task) => task,
        Err(exit) => return exit,
    };
    match task {
        Task::Run(invocation) => {
            // On success this process is the program, and nothing comes back.
            let Err(failure) = run(&invocation);
            eprintln!("{failure}");
            failure.exit_code()
        }
        Task::Check(settings) => check::check(&settings),
        Task::Explain { target, json, settings } => explain::explain(&target, json, &settings),
        Task::Import { file, format } => import::import(&file, format),
        Task::Completions(shell) => {
            clap_complete::generate(shell, &mut cli::command(), "socksify", &mut std::io::stdout());
            0
        }
    }
}

fn run(invocation: &Invocation) -> Result<std::convert::Infallible, Failure> {
    let program = program::find(&invocation.program)?;
    if !invocation.force
        && let Some((path, obstacle)) = inspect::obstacle(&program)
    {
        return Err(Failure::CannotWrap(path, obstacle));
    }
    let _sound = sound(&invocation.settings, "socksify").map_err(Failure::Configuration)?;
    let preload = libraries::find()?;
    if invocation.settings.voice() == Voice::Verbose {
        eprintln!("socksify: program: {}", program.display());
        eprintln!("socksify: LD_PRELOAD={}", preload.display());
    }
    program::become_it(&program, invocation, &preload)
}
