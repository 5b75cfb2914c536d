//! Every fault of every call, and what is made of a run.

mod bed;
mod faults;
mod plan;
mod tracer;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::compile::Toolchain;
use crate::parallel::run_all;
use crate::report::{Report, Verdict};
use bed::{Bed, STYLES, Style};
use faults::Rule;
use plan::{Call, Plan, Seen};

/// A program that takes longer hangs; what the library itself waits for ends after 5 seconds.
const PATIENCE: Duration = Duration::from_secs(12);

/// How often a case is run where its call did not come: a wait is saved where the answer is there already.
const TRIES: usize = 10;

/// How many runs without a fault a style has: what is a call of all of them does not depend on who was faster.
const SURVEYS: usize = 3;

/// Of how many cases one may be moot, as its call did not come again all the same.
const MOOT: usize = 100;

/// One fault of one call.
struct Case {
    style: &'static Style,
    plan: Plan,
    rule: Rule,
}

impl Case {
    fn name(&self) -> String {
        let Plan { number, nth, fault } = self.plan;
        format!("{}: {} {}, {}", self.style.name, faults::name(number), nth + 1, faults::show(fault))
    }

    /// `None` where its call did not come.
    fn run(&self, tools: &Toolchain) -> Result<Option<()>> {
        for _ in 0..TRIES {
            let bed = Bed::new(self.style)?;
            let seen = tracer::run(&mut bed.command(self.style, tools)?, Some(self.plan), PATIENCE)?;
            if seen.struck {
                return self.judge(bed, &seen).map(Some);
            }
        }
        Ok(None)
    }

    fn judge(&self, bed: Bed, seen: &Seen) -> Result<()> {
        let context = || format!("it printed:\n{}", seen.printed);
        if let Some(end) = &seen.end {
            bail!("the program {end}; {}", context());
        }
        let told = Told::parse(&seen.printed).with_context(context)?;
        ensure!(self.rule.allows(told.first), "{:?} does not allow for that; {}", self.rule, context());
        ensure!(self.rule.allows_again(told.again), "the library is left in disorder; {}", context());
        ensure!(told.left == 0, "descriptors are left; {}", context());
        bed.finish(seen, told.first == 0 && told.again == 0).with_context(context)
    }
}

/// What the program says in the end.
struct Told {
    first: i32,
    again: i32,
    left: i32,
}

impl Told {
    fn parse(printed: &str) -> Result<Self> {
        let number = |key: &str| -> Result<i32> {
            let line = printed.lines().find_map(|line| line.strip_prefix(key)).context("no such line")?;
            let number = line.split_whitespace().next().context("no number")?.parse()?;
            // A failure without an errno is one of the program's own findings.
            if number == 0 && line.trim() != "0" {
                bail!("{key}{line}")
            }
            Ok(number)
        };
        Ok(Self { first: number("first:")?, again: number("again:")?, left: number("left:")? })
    }
}

/// The calls of a run in which nothing fails.
fn calls(style: &Style, tools: &Toolchain) -> Result<Vec<Call>> {
    let bed = Bed::new(style)?;
    let seen = tracer::run(&mut bed.command(style, tools)?, None, PATIENCE)?;
    if let Some(end) = &seen.end {
        bail!("the program {end}; it printed:\n{}", seen.printed);
    }
    let told = Told::parse(&seen.printed)?;
    ensure!((told.first, told.again, told.left) == (0, 0, 0), "without a fault it printed:\n{}", seen.printed);
    bed.finish(&seen, true)?;
    Ok(seen.calls)
}

/// The calls that come in each run in which nothing fails: of each number as many as in the run with the fewest.
fn steady_calls(style: &Style, tools: &Toolchain) -> Result<Vec<Call>> {
    let mut steady = calls(style, tools)?;
    for _ in 1..SURVEYS {
        let mut counts = HashMap::new();
        for call in calls(style, tools)? {
            *counts.entry(call.number).or_insert(0_usize) += 1;
        }
        steady.retain(|call| match counts.get_mut(&call.number) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        });
    }
    Ok(steady)
}

/// Every fault of every call of a style.
fn cases(style: &'static Style, tools: &Toolchain) -> Result<Vec<Case>> {
    let mut counts = HashMap::new();
    let mut cases = Vec::new();
    for call in steady_calls(style, tools)? {
        let count = counts.entry(call.number).or_insert(0);
        let nth = *count;
        *count += 1;
        let faults = faults::of(&call).with_context(|| format!("{} has no faults yet", faults::name(call.number)))?;
        cases.extend(faults.iter().map(|&fault| {
            let plan = Plan { number: call.number, nth, fault };
            Case { style, plan, rule: Rule::of(&call, fault) }
        }));
    }
    Ok(cases)
}

/// Runs the cases whose name contains every word.
pub(crate) fn run(tools: &Toolchain, words: &[String], report: &mut Report) {
    if let Some(why) = tracer::obstacle() {
        report.add("all of it".into(), Verdict::Skipped(why));
        return;
    }
    let mut all = Vec::new();
    for style in STYLES {
        match cases(style, tools) {
            Ok(cases) => all.extend(cases),
            Err(why) => report.add(format!("{}, without a fault", style.name), Verdict::Failed(format!("{why:#}"))),
        }
    }
    all.retain(|case| words.iter().all(|word| case.name().contains(word.as_str())));
    let mut moot = 0;
    let judge = |case: &Case| case.run(tools).transpose();
    run_all(&all, judge, |case, outcome| match outcome {
        Some(outcome) => report.add(case.name(), outcome.into()),
        None => {
            println!("moot    {}: its call did not come again in {TRIES} runs", case.name());
            moot += 1;
        }
    });
    if moot * MOOT > all.len() {
        report.add("the calls come again".into(), Verdict::Failed(format!("{moot} of {} did not", all.len())));
    }
}
