//! `cargo xtask socksify`: the command from the build folder.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::install;
use crate::run;
use crate::stage::{Profile, stage};

/// Builds socksify and runs it: `cargo xtask socksify -x socks5h://HOST:PORT -- PROGRAM ARGUMENTS`.
///
/// Everything goes to socksify as it stands.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// The arguments of socksify.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let staged = stage(Profile::Release)?;
    let mut socksify = Command::new(&staged.socksify);
    run::without_cargos_libraries(socksify.args(&arguments.arguments));
    let status = socksify.status().context("cannot run socksify")?;
    // To standard error: the output is the program's.
    eprintln!("\nxtask: {}", install::HINT);
    // A program that a signal ended has no code; shells say 128 and more then.
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(128)))
}
