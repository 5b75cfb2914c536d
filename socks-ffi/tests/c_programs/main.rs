//! C programs through the library, each in every way a program can come to use it:
//! `cargo test -p socks-ffi --test c_programs [-- WORD...]`.
//!
//! The same source and the same transcript, whether the program calls the R functions, is compiled with
//! `-DSOCKS_REMAP`, is linked with `-lsockswrap` or is run by `socksify`. Where a destination is `noproxy`, and
//! where there is no library at all, the transcript is again the same unless a case says why not. And so it is with
//! AddressSanitizer and UndefinedBehaviorSanitizer in the program, under valgrind, and with `MALLOC_PERTURB_`, none of
//! which may find a fault: see `tool`.
//!
//! Only tests whose name contains every WORD run; `--list` prints the names instead. With `BLESS` in
//! the environment, transcripts are written anew from what libc does, or socksify where libc would do something else:
//! to be read before they are believed.

mod cases;
mod compile;
mod gate;
mod header;
mod parallel;
mod report;
mod run;
mod scene;
mod scripts;
mod swarm;
mod target;
mod tool;

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::sync::RwLock;

use crate::cases::{Case, Rules, Server};
use crate::compile::Toolchain;
use crate::parallel::run_all;
use crate::report::{Report, Verdict};
use crate::tool::Mode;

/// One line of the report.
enum Test {
    Program(&'static Case, Mode),
    Header(&'static header::Check),
}

impl Test {
    fn name(&self) -> String {
        match self {
            Self::Program(case, mode) => format!("{}, {}", case.name, mode.name()),
            Self::Header(check) => check.name.to_owned(),
        }
    }

    /// Whether it changes what the whole process has, such as the limit on descriptors.
    fn is_alone(&self) -> bool {
        matches!(self, Self::Program(case, _) if matches!(case.server, Server::Swarm(_)))
    }

    /// Why it cannot be run on this machine.
    fn obstacle(&self) -> Option<String> {
        match self {
            Self::Program(case, _) if matches!(case.rules, Rules::Unnamed) => {
                Path::new("/etc/socksrc").exists().then(|| "this machine has a socksrc".to_owned())
            }
            Self::Program(Case { server: Server::Swarm(count), .. }, _) => swarm::obstacle(*count),
            Self::Program(_, mode) => mode.tool.obstacle(),
            Self::Header(check) => check.language.obstacle(),
        }
    }

    fn run(&self, tools: &Toolchain) -> anyhow::Result<()> {
        match self {
            Self::Program(case, mode) => run::run(case, *mode, tools),
            Self::Header(check) => (check.check)(tools),
        }
    }
}

/// What comes of a test: among others, unless it has to be alone.
fn judge(test: &Test, tools: &Toolchain, together: &RwLock<()>) -> Verdict {
    let run = || match test.obstacle() {
        Some(why) => Verdict::Skipped(why),
        None => test.run(tools).into(),
    };
    if test.is_alone() {
        let _alone = together.write();
        run()
    } else {
        let _among_others = together.read();
        run()
    }
}

fn main() -> ExitCode {
    // Other options are for the usual test harness, which cargo talks to.
    let (options, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with('-'));
    let programs = cases::all().flat_map(|case| case.modes().map(move |mode| Test::Program(case, mode)));
    let all = header::CHECKS.iter().map(Test::Header).chain(programs);
    let tests: Vec<Test> = all.filter(|test| words.iter().all(|word| test.name().contains(word.as_str()))).collect();
    if options.iter().any(|option| option == "--list") {
        tests.iter().for_each(|test| println!("{}: test", test.name()));
        return ExitCode::SUCCESS;
    }

    let mut report = Report::new();
    match Toolchain::find() {
        Ok(tools) => {
            let together = RwLock::new(());
            let tell = |test: &Test, verdict| report.add(test.name(), verdict);
            run_all(&tests, |test| judge(test, &tools, &together), tell);
        }
        Err(compile::Missing::Compiler(why)) => {
            for test in &tests {
                report.add(test.name(), Verdict::Skipped(why.clone()));
            }
        }
        Err(compile::Missing::Library(why)) => report.add("the libraries".into(), Verdict::Failed(format!("{why:#}"))),
    }
    report.finish()
}
