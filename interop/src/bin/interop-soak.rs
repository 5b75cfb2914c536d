//! The soak itself: `interop-soak CONNECTIONS [WORD...]`, see `interop::soak`. `cargo xtask soak` builds and runs it.
//!
//! Prints `step N of N` as it gets on, then a table, the failures and the closing line.

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use interop::report::Report;
use interop::soak::judge::Growth;
use interop::soak::program::SAMPLES;
use interop::soak::{Outcome, RUNS, Run};

fn main() -> Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let connections = arguments.next().and_then(|number| number.parse().ok()).context("CONNECTIONS")?;
    ensure!(connections >= SAMPLES as u64, "fewer than {SAMPLES} connections say nothing");
    let words: Vec<String> = arguments.collect();
    let runs: Vec<&Run> = RUNS.iter().filter(|run| words.iter().all(|word| run.name.contains(word.as_str()))).collect();
    let helper = env::current_exe()?.with_file_name("interop-node");
    ensure!(helper.is_file(), "there is no {}", helper.display());

    let steps = runs.len() * SAMPLES;
    let mut report = Report::new();
    let mut rows = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let mut step = number * SAMPLES;
        let outcome = run.try_it(&helper, connections, || {
            step += 1;
            println!("step {step} of {steps}");
        });
        rows.push(row(run, &outcome));
        report.add(run.name.to_owned(), outcome.verdict);
    }
    println!(
        "\n{connections} connections each; memory and heap in kB, as in the second quarter of a run → in the last one; left: heap at the end\n"
    );
    println!("{HEAD}");
    rows.iter().for_each(|row| println!("{row}"));
    report.print_reasons();
    println!("\n{}", report.closing_line());
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const HEAD: &str = "run                           echoed  refused  given up  failed  seconds          memory            heap   left  \
                    descriptors: before, most, after";

fn row(run: &Run, outcome: &Outcome) -> String {
    let name = run.name;
    let Some(course) = &outcome.course else { return format!("{name:<28}  did not run") };
    let Some(last) = course.end.or_else(|| course.samples.last().copied()) else {
        return format!("{name:<28}  did not begin");
    };
    let (before, heap) = course.begin.map_or((0, 0), |begin| (begin.descriptors, begin.heap));
    let show = |growth: Option<Growth>| growth.map_or_else(|| "?".to_owned(), |growth| growth.to_string());
    format!(
        "{name:<28}{:>8}{:>9}{:>10}{:>8}{:>9.1}{:>16}{:>16}{:>7}  {before}, {}, {}",
        last.echoed,
        last.refused,
        last.abandoned,
        last.failed,
        outcome.took.as_secs_f64(),
        show(course.resident()),
        show(course.heap()),
        course.end.map_or_else(|| "?".to_owned(), |end| (end.heap.saturating_sub(heap) / 1024).to_string()),
        course.most_descriptors(),
        last.descriptors,
    )
}
