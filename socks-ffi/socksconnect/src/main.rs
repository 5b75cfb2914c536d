//! `socksconnect HOST PORT`: standard input and output of a TCP connection that goes as socksrc(5) says. For ssh's and
//! git's ProxyCommand, which need somebody to log in at the proxy, and for scripts.

// C's main has the words of the command line where ps(1) sees them; Rust's has copies.
#![cfg_attr(not(test), no_main)]
#![deny(unsafe_code)]

mod cli;
mod connect;
mod explain;
mod process;
mod relay;
mod ways;

use std::ffi::OsString;
#[cfg(not(test))]
use std::ffi::{c_char, c_int};

use socks_cli::{Voice, exit, sound};

use cli::{Invocation, Task};

/// C's main.
#[cfg(not(test))]
#[allow(unsafe_code)]
// SAFETY: this is the one function of that name, with the type that C gives it.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *mut *mut c_char) -> c_int {
    let words: Vec<OsString> = std::env::args_os().collect();
    // SAFETY: these are the arguments as the system gave them, and nobody else looks at them from here on.
    unsafe { process::hide_logins(count, arguments) };
    process::ignore_sigpipe();
    start(words).into()
}

/// Comes back with the exit code.
#[cfg_attr(test, allow(dead_code))]
fn start(words: Vec<OsString>) -> u8 {
    let Invocation { target, settings, task } = match cli::parse(words) {
        Ok(invocation) => invocation,
        Err(exit) => return exit,
    };
    let loaded = match sound(&settings, "socksconnect") {
        Ok(loaded) => loaded,
        Err(lines) => {
            lines.iter().for_each(|line| eprintln!("socksconnect: {line}"));
            return exit::CONFIG;
        }
    };
    match task {
        Task::Explain { json, as_wrapped } => explain::explain(&loaded, &target, as_wrapped, json),
        Task::Connect => run(&loaded.config, &target, settings.voice()),
    }
}

fn run(config: &socks_config::Config, target: &socks_proto::TargetAddr, voice: Voice) -> u8 {
    let socket = match connect::connect(config, target, voice) {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("socksconnect: {target}: {error}");
            return exit::UNAVAILABLE;
        }
    };
    match relay::relay(socket) {
        Ok(()) => 0,
        Err(relay::Broken::Reader) => exit::IO,
        Err(broken) => {
            eprintln!("socksconnect: {target}: {broken}");
            exit::IO
        }
    }
}
