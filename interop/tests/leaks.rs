//! What gets past the proxy: `cargo test -p interop --test leaks [-- WORD...]`. See `interop::leak`.
//!
//! Only cases whose name contains every WORD run, after the controls, which always do; `--list` prints the names instead.
//! The exit code is 0 if nothing failed.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use interop::cell::{Cell, Verdict};
use interop::leak::recorder::Recorder;
use interop::leak::{Case, Seen, controls, limits, programs, proxies, with_packets};
use interop::netns::{Beyond, Node};
use interop::process::{Daemon, find};
use interop::report::{Mark, Report, Table};
use interop::server::danted;
use interop::setup::{Setup, Site, find_socksify};

fn main() -> ExitCode {
    let (options, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|a| a.starts_with('-'));
    let is_wanted = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
    let cells: Vec<Cell> = interop::leak::cells().filter(|cell| is_wanted(&cell.name())).collect();
    let wanted =
        |cases: Vec<Case>| -> Vec<Case> { cases.into_iter().filter(|case| is_wanted(&case.full_name())).collect() };
    let groups = [
        ("proxies and configurations that are no good", wanted(proxies::all())),
        ("programs that try everything", wanted(programs::all())),
    ];
    let limits = wanted(limits::all());
    if options.iter().any(|option| option == "--list") {
        cells.iter().for_each(|cell| println!("{}: test", cell.name()));
        groups
            .iter()
            .flat_map(|(_, cases)| cases)
            .chain(&limits)
            .for_each(|case| println!("{}: test", case.full_name()));
        return ExitCode::SUCCESS;
    }
    let mut report = Report::new();
    if let Err(verdict) = run(&mut report, &cells, &groups, &limits) {
        report.add("the leak network".into(), verdict);
    }
    report.print_reasons();
    println!("{}", report.closing_line());
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(report: &mut Report, cells: &[Cell], groups: &[(&str, Vec<Case>)], limits: &[Case]) -> Result<(), Verdict> {
    let failed = |error: anyhow::Error| Verdict::Failed(format!("{error:#}"));
    for needed in ["tcpdump", "danted", "curl"] {
        if find(needed).is_none() {
            return Err(Verdict::Skipped(format!("{needed} is not installed")));
        }
    }
    let socksify = find_socksify().map_err(failed)?;
    let site = Site::new(Path::new(env!("CARGO_BIN_EXE_interop-node")), Beyond::Void);
    let site = site.map_err(|why| Verdict::Skipped(why.0))?;
    let setup = Setup::new(site, Some(socksify)).map_err(failed)?;
    let mut recorder = Recorder::start(&setup.site).map_err(failed)?;
    controls(report, &setup, &mut recorder).map_err(failed)?;
    for server in [&danted::NONE, &danted::LOGIN] {
        setup.start(server).map_err(Verdict::Failed)?;
    }
    let _scripted = scripted(&setup.site).map_err(failed)?;

    let mut table = Table::default();
    for (number, cell) in cells.iter().enumerate() {
        let verdict = cell.try_it(&setup, number);
        let packets = recorder.packets().map_err(failed)?;
        table.add(cell.row.name(), "packets", seen(report, cell.name(), verdict, &packets));
    }
    print("every program, through danted", &table);
    let mut number = 0;
    for (title, cases) in groups {
        let mut table = Table::default();
        for case in cases {
            number += 1;
            let verdict = case.try_it(&setup, number);
            let packets = recorder.packets().map_err(failed)?;
            table.add(case.name.clone(), &case.column, seen(report, case.full_name(), verdict, &packets));
        }
        print(title, &table);
    }
    if !limits.is_empty() {
        println!("\nknown limits: not counted, unless they are none any more");
    }
    for case in limits {
        number += 1;
        let outcome = case.run(&setup, number).map_err(failed)?;
        let packets = recorder.some_packets().map_err(failed)?;
        let first = packets.first().map_or("", String::as_str);
        println!("  {}: {} packets, {first}", case.name, packets.len());
        if packets.is_empty() {
            report.add(case.full_name(), Verdict::Failed(format!("nothing was seen\n{}", outcome.describe())));
        }
    }
    let (visits, strangers) = setup.target.visitors();
    let verdict = match strangers.is_empty() {
        true => Verdict::Passed,
        false => Verdict::Failed(format!("connections from elsewhere:\n{}", strangers.join("\n"))),
    };
    println!("\nthe target saw {visits} connections from the proxy");
    report.add("the target sees only the proxy".into(), verdict);
    Ok(())
}

/// What is not wrapped has to be seen, or nothing here says anything.
fn controls(report: &mut Report, setup: &Setup, recorder: &mut Recorder<'_>) -> Result<()> {
    let mut table = Table::default();
    for (number, (case, expected)) in controls::all().into_iter().enumerate() {
        let verdict = case.try_it(setup, 1000 + number);
        let packets = recorder.packets()?;
        let verdict = match verdict {
            Verdict::Passed if !packets.iter().any(|packet| packet.contains(expected)) => {
                Verdict::Failed(format!("no packet with `{expected}` was seen, but:\n{}", packets.join("\n")))
            }
            verdict => verdict,
        };
        let mark = report.add(format!("control: {}", case.name), verdict);
        table.add(case.name, "packets", Seen { mark, packets: packets.len() });
    }
    print("not wrapped: has to be seen", &table);
    anyhow::ensure!(report.is_good(), "what is not wrapped is not seen");
    Ok(())
}

fn print(title: &str, table: &Table<Seen>) {
    if !table.is_empty() {
        println!("\n{title}\n{table}");
    }
}

fn seen(report: &mut Report, name: String, verdict: Verdict, packets: &[String]) -> Seen {
    let mark: Mark = report.add(name, with_packets(verdict, packets));
    Seen { mark, packets: packets.len() }
}

fn scripted(site: &Site) -> Result<Daemon> {
    let command = site.helper(Node::Proxy, &["scripted", &proxies::SCRIPTED_PORT.to_string()]);
    let log = site.folder().join("scripted.log");
    let mut daemon = Daemon::start("scripted", command, &log)?;
    daemon.wait_until(|| Ok(std::fs::read_to_string(&log)?.contains("ready")))?;
    Ok(daemon)
}
