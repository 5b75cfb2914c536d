//! Small C programs, one for each way to wait for a connect. They print the errno's name, and insist that
//! getpeername(2) says the target.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Call, Invocation, Program, seen_in_output};
use crate::process::{Outcome, command, run_tool};
use crate::setup::Site;
use crate::target::HTTP_PORT;

/// connect(2) blocks.
pub const BLOCKING: Program = Program {
    name: "c-blocking",
    needs: &["cc"],
    services: &[],
    invocation: |call| fetch(call, "blocking"),
    reached: seen_in_output,
    reports,
};

/// connect(2) gives EINPROGRESS, select(2) waits.
pub const SELECT: Program = Program { name: "c-select", invocation: |call| fetch(call, "select"), ..BLOCKING };

/// connect(2) gives EINPROGRESS, poll(2) waits.
pub const POLL: Program = Program { name: "c-poll", invocation: |call| fetch(call, "poll"), ..BLOCKING };

fn fetch(call: &Call<'_>, source: &str) -> Result<Invocation> {
    let sources = [source, "fetch"];
    let options = ["-std=c99", "-D_POSIX_C_SOURCE=200809L"];
    let program = compile(call.site, source, &sources, &options)?;
    let (ip, port) = (call.host.to_string(), call.at(HTTP_PORT).port.to_string());
    let mut arguments = vec![ip.as_str(), &port, "/who"];
    if call.mapped {
        arguments.insert(0, "-m");
    }
    Ok(Invocation::new(program, &arguments))
}

/// Compiles these of `c`, once in a run.
pub fn compile(site: &Site, name: &str, sources: &[&str], options: &[&str]) -> Result<PathBuf> {
    let program = site.folder().join(name);
    if !program.exists() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("c");
        let mut cc = command("cc");
        cc.args(options).args(["-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o"]).arg(&program);
        cc.args(sources.iter().map(|source| folder.join(source).with_extension("c")));
        run_tool(cc)?;
    }
    Ok(program)
}

fn reports(outcome: &Outcome, errno: &str) -> Result<(), String> {
    let expected = format!("connect: {errno}");
    if outcome.code() == Some(1) && outcome.stderr.trim() == expected {
        Ok(())
    } else {
        Err(format!("it does not say `{expected}`"))
    }
}
