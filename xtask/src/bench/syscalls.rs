//! The system calls of one blocking connect.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bed::{Bed, target};
use super::proxy::Proxy;
use super::report::{Measured, Section, Table, Verdict, number};
use crate::progress::Progress;
use crate::run::{self, find_program};

const SOURCE: &str = include_str!("syscalls.c");

/// The most that a blocking connect may make, once the configuration is read.
const MOST: f64 = 12.0;

/// What the program calls before and after each connect.
const MARKER: &str = "getppid";

pub(super) fn measure(bed: &Bed) -> Result<Section> {
    let mut section = Section::new("syscalls", "system calls of one blocking connect to an address");
    let Some(strace) = find_program("strace") else {
        section.note("left out: there is no strace here (cargo xtask setup)");
        return Ok(section);
    };
    let program = bed.compile("syscalls", SOURCE)?;
    let proxy = Proxy::start(bed, Duration::ZERO)?;
    let mut progress = Progress::new("bench", "syscalls", 3);
    let mut trace = |socksrc: Option<&Path>, to: [String; 2]| {
        let file = bed.path("trace");
        let mut command = Command::new(&strace);
        command.args(["-f", "-qq", "-s", "16", "-o"]).arg(&file);
        for variable in bed.variables(socksrc) {
            command.args(["-E", &variable]);
        }
        run::succeed(command.arg(&program).args(to)).context("tracing a connect")?;
        progress.step();
        connects(&fs::read_to_string(&file)?)
    };
    // Not in many a container.
    let Ok(direct) = trace(None, proxy.direct()) else {
        section.note("left out: strace can trace nothing here, and has said why");
        return Ok(section);
    };
    let ways = [("without a login", false), ("with a login", true)];
    let mut table = Table::new("blocking connect", "calls", ["direct", "wrapped"]);
    let mut lists = Vec::new();
    for (name, login) in ways {
        let [first, second] = trace(Some(&proxy.socksrc(bed, login)?), target())?;
        let count = |calls: &[String]| vec![calls.len() as f64];
        table.row(format!("{name}, the first of the process"), &[count(&direct[0]), count(&first)])?;
        table.row(name, &[count(&direct[1]), count(&second)])?;
        // What is promised is promised of a connect that takes no login: that takes three more by its nature.
        if !login {
            table.judge("wrapped", verdict);
            lists.push(format!("the first one {name}:\n  {}", first.join("\n  ")));
        }
        lists.push(format!("every other one {name}:\n  {}", second.join("\n  ")));
    }
    section.push(table);
    for list in lists {
        section.note(list);
    }
    Ok(section)
}

/// The calls between the first and second marker, and between the third and fourth.
fn connects(trace: &str) -> Result<[Vec<String>; 2]> {
    // Each line begins with the number of a thread; there is one.
    let calls: Vec<&str> = trace
        .lines()
        .filter_map(|line| Some(line.split_once(' ')?.1.trim_start()))
        .filter(|call| !call.starts_with(['-', '+']))
        .collect();
    let pieces: Vec<&[&str]> = calls.split(|call| call.starts_with(MARKER)).collect();
    ensure!(pieces.len() == 5, "{} calls of {MARKER} in the trace, not 4", pieces.len().saturating_sub(1));
    let list = |piece: &[&str]| piece.iter().map(|call| (*call).to_owned()).collect();
    Ok([list(pieces[1]), list(pieces[3])])
}

fn verdict(measured: Measured) -> Verdict {
    let kept = measured.value <= MOST;
    let outcome = if kept { "holds" } else { "MISSES" };
    Verdict { kept, text: format!("{outcome}: at most {}", number(MOST)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_cut_at_its_markers() {
        let trace = "7  socket(AF_INET) = 3\n7  getppid() = 1\n7  connect(3) = 0\n7  getppid() = 1\n7  close(3) = 0\n\
                     7  getppid() = 1\n7  connect(3) = 0\n7  --- SIGIO ---\n7  read(3) = 2\n7  getppid() = 1\n\
                     7  exit_group(0) = ?\n7  +++ exited with 0 +++\n";
        let [first, second] = connects(trace).expect("four markers");
        assert_eq!(first, ["connect(3) = 0"]);
        assert_eq!(second, ["connect(3) = 0", "read(3) = 2"]);
        assert!(connects("7  getppid() = 1\n").is_err());
    }
}
