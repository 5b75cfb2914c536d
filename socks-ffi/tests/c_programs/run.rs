//! One program, one way.

use std::env;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::cases::Case;
use crate::compile::{Toolchain, source_folder};
use crate::scene::Scene;
use crate::tool::Mode;

/// A program that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(case: &Case, mode: Mode, tools: &Toolchain) -> Result<()> {
    let path = source_folder().join(format!("{}.out", case.transcript));
    let scene = Scene::new(case)?;
    let mut command = scene.command(case, mode, tools)?;
    let printed = output(&mut command, PATIENCE * mode.tool.slowness())?;
    let told = format!("{}{}", printed.stdout, printed.stderr);
    if env::var_os("BLESS").is_some() && mode == case.standard() {
        fs::write(&path, &told)?;
    }
    let expected = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    scene.ask(mode.tool)?;
    ensure!(told == expected, "{}{}", printed.status, difference(&expected, &told));
    ensure!(printed.status.success(), "the program ended with {}", printed.status);
    scene.finish(case, mode.way)
}

struct Printed {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs it to its end, or to the end of our patience.
fn output(command: &mut Command, patience: Duration) -> Result<Printed> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    let stdout = child.stdout.take().context("a pipe")?;
    let stderr = child.stderr.take().context("a pipe")?;
    let errors = thread::spawn(move || all(stderr));
    thread::spawn(move || tell.send(all(stdout)));
    let in_time = told.recv_timeout(patience);
    if in_time.is_err() {
        // Its children too, which else would keep the pipes open.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait()?;
    let stderr = errors.join().unwrap_or_default();
    match in_time {
        Ok(stdout) => Ok(Printed { status, stdout, stderr }),
        Err(_) => {
            let stdout = told.recv_timeout(PATIENCE).unwrap_or_default();
            bail!("hangs; so far it has printed:\n{stdout}{stderr}")
        }
    }
}

fn all(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is told.
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The lines that are not as expected, side by side; lines are rarely lost, so no more is needed.
fn difference(expected: &str, told: &str) -> String {
    let (expected, told): (Vec<_>, Vec<_>) = (expected.lines().collect(), told.lines().collect());
    let show = |lines: &[&str], at: usize| match lines.get(at) {
        Some(text) => format!("`{text}`"),
        None => "(the end)".to_owned(),
    };
    (0..expected.len().max(told.len()))
        .filter(|&at| expected.get(at) != told.get(at))
        .map(|at| format!("\nline {}: {}, expected {}", at + 1, show(&told, at), show(&expected, at)))
        .collect()
}
