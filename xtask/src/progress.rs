//! How far a long command is: a bar on a terminal, plain lines elsewhere, both on standard error.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

/// Of one piece of work. Gone from the terminal when it is dropped.
pub(crate) struct Progress {
    command: &'static str,
    name: &'static str,
    bar: Option<ProgressBar>,
    steps: usize,
    done: usize,
}

impl Progress {
    /// Of a piece of what a command does, in so many steps.
    pub(crate) fn new(command: &'static str, name: &'static str, steps: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps as u64).with_message(name);
            // Its only error is one in the template.
            match ProgressStyle::with_template("{msg:>10} {wide_bar} {pos}/{len} {elapsed}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        if bar.is_none() {
            eprintln!("{command}: {name}");
        }
        Self { command, name, bar, steps, done: 0 }
    }

    pub(crate) fn step(&mut self) {
        let quarters = |done: usize| done * 4 / self.steps.max(1);
        let before = quarters(self.done);
        let after = quarters(self.done + 1);
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if after > before => eprintln!("{}: {}: {} %", self.command, self.name, after * 25),
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
