//! `cargo xtask ci`: what `.ci/run` does once the machine is set up, step for step.

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use crate::run;

/// One command line.
struct Step {
    env: Option<(&'static str, &'static str)>,
    cargo: &'static [&'static str],
}

const STEPS: &[Step] = &[
    Step { env: None, cargo: &["xtask", "test"] },
    Step { env: None, cargo: &["fmt", "--all", "--check"] },
    Step { env: None, cargo: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"] },
    Step { env: Some(("RUSTDOCFLAGS", "-D warnings")), cargo: &["doc", "--workspace", "--no-deps"] },
    Step { env: None, cargo: &["xtask", "tidy"] },
    Step { env: None, cargo: &["xtask", "conformance"] },
    Step { env: None, cargo: &["xtask", "soak", "--quick"] },
    Step { env: None, cargo: &["xtask", "models"] },
    Step { env: None, cargo: &["xtask", "sanitize"] },
    Step { env: None, cargo: &["xtask", "features", "--quick"] },
    Step { env: None, cargo: &["xtask", "package"] },
    Step { env: None, cargo: &["xtask", "bench", "--quick"] },
    Step { env: None, cargo: &["xtask", "supply"] },
    Step { env: None, cargo: &["xtask", "reproduce"] },
    Step { env: None, cargo: &["xtask", "dist", "--only", "source", "--verify"] },
    Step { env: None, cargo: &["xtask", "coverage"] },
    Step { env: None, cargo: &["xtask", "fuzz", "--time", "30"] },
];

/// As it is typed, and as it stands in `.ci/run`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, value)) = self.env {
            write!(f, "{name}=\"{value}\" ")?;
        }
        write!(f, "cargo {}", self.cargo.join(" "))
    }
}

pub(crate) fn run() -> Result<ExitCode> {
    for step in STEPS {
        println!("\n== {step}");
        run::succeed(run::cargo(step.cargo).envs(step.env))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_script_takes_the_same_steps() {
        let script = fs::read_to_string(run::root().join(".ci/run")).expect("the script");
        let mut typed = script.lines().filter(|line| line.contains("cargo ") && !line.starts_with('#'));
        assert_eq!(typed.next(), Some("cargo xtask setup --yes"));
        let typed: Vec<&str> = typed.collect();
        let steps: Vec<String> = STEPS.iter().map(Step::to_string).collect();
        assert_eq!(typed, steps);
    }
}
