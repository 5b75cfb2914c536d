//! A program that fetches a page and has never heard of SOCKS: curl, else Python, else a few lines of C.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{self, find_program};

const C: &str = include_str!("client.c");

/// Has urllib ignore whatever proxy the environment names.
const PYTHON: &str = "\
import sys, urllib.request
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(direct.open(sys.argv[1], timeout=20).read().decode())";

/// The command that fetches `url`, of the form `http://ADDRESS:PORT/`.
pub(super) fn find(url: &str, folder: &Path) -> Result<Command> {
    if let Some(curl) = find_program("curl") {
        let mut command = Command::new(curl);
        // -q: not with what the user's own curlrc says.
        command.args(["-q", "--silent", "--show-error", "--max-time", "20", url]);
        return Ok(command);
    }
    if let Some(python) = find_program("python3") {
        let mut command = Command::new(python);
        command.args(["-I", "-c", PYTHON, url]);
        return Ok(command);
    }
    let Some(compiler) = ["cc", "gcc", "clang"].into_iter().find_map(find_program) else {
        bail!("the demo needs curl, python3 or a C compiler");
    };
    let (source, program) = (folder.join("fetch.c"), folder.join("fetch"));
    fs::write(&source, C)?;
    run::succeed(Command::new(compiler).arg("-o").arg(&program).arg(&source)).context("compiling the client")?;
    let mut command = Command::new(program);
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let (host, port) = address.split_once(':').context("a URL of the form http://ADDRESS:PORT/")?;
    command.args([host, port]);
    Ok(command)
}
