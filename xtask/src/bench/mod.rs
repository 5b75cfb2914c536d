//! `cargo xtask bench`: what the library costs, side by side with doing without it and with what one would pick instead.
//!
//! One file a section, with the program it measures beside it. Whatever is compared is measured in turns, in many short
//! rounds, so that what else the machine does disturbs all alike.

mod bed;
mod calls;
mod connects;
mod contest;
mod crates;
mod growth;
mod handshake;
mod html;
mod island;
mod machine;
mod memory;
mod plot;
mod proxy;
mod report;
mod start;
mod stats;
mod syscalls;
mod text;
mod throughput;
mod ttfb;
mod worker;
mod wrapper;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use self::bed::Bed;
use self::report::Report;
use self::wrapper::Subject;
use crate::run;

/// Measures what the library costs, beside other wrappers where they are installed: calls, start-up, system calls,
/// connects, throughput, memory, handshakes.
///
/// Prints medians with their quartiles, ratios first, and the promises that do not hold here. No time is ever a failure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these sections.
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// In less than three minutes, with fewer rounds.
    #[arg(long)]
    quick: bool,
    /// Where the numbers go; bench/report.json unless given. The page with the plots goes beside it.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Arguments {
    /// As it is typed.
    fn command(&self) -> String {
        let sections = self.sections.iter().filter_map(Section::to_possible_value);
        let sections = sections.map(|section| format!(" {}", section.get_name())).collect::<String>();
        format!("cargo xtask bench{sections}{}", if self.quick { " --quick" } else { "" })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// What a call costs on a descriptor that is not ours.
    Calls,
    /// What it adds to the start of a program.
    Start,
    /// The system calls of a connect.
    Syscalls,
    /// The time to the first byte, near and far, beside others.
    Ttfb,
    /// Connects in a second, one and many, near and far, beside others.
    Connects,
    /// What one stream carries, beside others.
    Throughput,
    /// The memory of a process that is wrapped, and of its pending connects.
    Memory,
    /// What calls, connects and memory are when there are ten thousand sockets, and not one.
    Growth,
    /// The Rust crates through a proxy, near and far, beside others: the first byte, and one stream.
    Crates,
    /// What a handshake of the Rust crates costs in instructions and allocations, beside others.
    Handshake,
}

impl Section {
    fn measure(self, bed: &Bed, quick: bool) -> Result<report::Section> {
        match self {
            Self::Calls => calls::measure(bed, quick),
            Self::Start => start::measure(bed, quick),
            Self::Syscalls => syscalls::measure(bed),
            Self::Ttfb => ttfb::measure(bed, quick),
            Self::Throughput => throughput::measure(bed, quick),
            Self::Connects => connects::measure(bed, quick),
            Self::Memory => memory::measure(bed, quick),
            Self::Growth => growth::measure(bed, quick),
            Self::Crates => crates::measure(bed, quick),
            Self::Handshake => handshake::measure(bed),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    island::enter()?;
    let bed = Bed::new()?;
    let mut report = Report::new(arguments.quick, arguments.command());
    let wanted = |section: &&Section| arguments.sections.is_empty() || arguments.sections.contains(section);
    for section in Section::value_variants().iter().filter(wanted) {
        let measured = section.measure(&bed, arguments.quick)?;
        print!("{}", measured.text());
        report.push(measured);
    }
    let path = arguments.json.clone().unwrap_or_else(|| run::root().join("bench/report.json"));
    let page = path.with_extension("html");
    report.write(&path, &page)?;

    let broken = report.broken();
    match broken.as_slice() {
        [] => println!("\nevery promise that was measured holds here"),
        broken => println!("\npromises that do not hold here:\n  {}", broken.join("\n  ")),
    }
    if let Some(absent) = Subject::absent() {
        println!("\n{absent}");
    }
    println!("\nthe numbers are in {}, and with plots in {}", path.display(), page.display());
    Ok(ExitCode::SUCCESS)
}
