//! Under what a program is run: the tools that look for memory which is used wrongly, or lost.
//!
//! The transcripts are the same with and without them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use crate::compile::{Language, Way};

/// What looks on while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tool {
    /// Nothing.
    None,
    /// glibc fills what it gives out, and what it gets back, with another byte than 0.
    Perturb,
    /// AddressSanitizer with its leak check, and UndefinedBehaviorSanitizer, in the program. The library is not
    /// compiled with them, but its memory and what it hands to libc go by their functions.
    Asan,
    /// Valgrind, which sees the library's own instructions too.
    Valgrind,
}

/// One way to run a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) way: Way,
    pub(crate) tool: Tool,
}

impl Mode {
    /// The tools, and the ways that each looks at: together they see both libraries, linked and preloaded.
    const CHECKED: [Self; 5] = [
        Self { way: Way::Wrapped, tool: Tool::Perturb },
        Self { way: Way::Explicit, tool: Tool::Asan },
        Self { way: Way::Linked, tool: Tool::Asan },
        Self { way: Way::Wrapped, tool: Tool::Asan },
        Self { way: Way::Linked, tool: Tool::Valgrind },
    ];

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Way::ALL.into_iter().map(|way| Self { way, tool: Tool::None }).chain(Self::CHECKED)
    }

    pub(crate) fn name(self) -> String {
        let way = self.way.name();
        match self.tool {
            Tool::None => way.to_owned(),
            Tool::Perturb => format!("{way}, with MALLOC_PERTURB_"),
            Tool::Asan => format!("{way}, with ASan"),
            Tool::Valgrind => format!("{way}, under valgrind"),
        }
    }
}

/// The programs that a tool cannot run, whatever the library does, and why.
const EXCLUDED: &[(Tool, &str, &str)] = &[
    (Tool::Asan, "swarm", "10,000 sockets take as long as all the others together, and do what `many` does with 200"),
    (Tool::Asan, "allocator", "it has a malloc of its own, and so has ASan"),
    (Tool::Valgrind, "allocator", "it has a malloc of its own, and so has valgrind"),
    (Tool::Valgrind, "swarm", "valgrind keeps a list of descriptors, and walks it for each: minutes"),
    (Tool::Valgrind, "crowd", "valgrind lets one thread run at a time, and this is about all of them at once"),
    (Tool::Valgrind, "wide_select", "valgrind keeps the limit on descriptors for itself"),
    (
        Tool::Valgrind,
        "untouched",
        "it hands null pointers to system calls, to see the kernel's answer; valgrind tells of each",
    ),
    (Tool::Valgrind, "epoll_flags", "valgrind 3.19 does not know epoll_pwait2, and says so; `epoll_shapes` is like it"),
    (Tool::Valgrind, "cleared", "valgrind starts the program itself, and puts its name away from its environment"),
    (
        Tool::Valgrind,
        "by_number",
        "valgrind prints a warning of a system call that it does not know, and of -1 above all",
    ),
];

impl Tool {
    /// Whether it can run the program.
    pub(crate) fn takes(self, program: &str) -> bool {
        !EXCLUDED.iter().any(|(tool, name, _)| *tool == self && *name == program)
    }

    /// What the program is compiled with for it.
    pub(crate) fn compiler_options(self) -> &'static [&'static str] {
        match self {
            Self::Asan => &["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"],
            Self::None | Self::Perturb | Self::Valgrind => &[],
        }
    }

    /// How many times longer a program may take under it.
    pub(crate) fn slowness(self) -> u32 {
        match self {
            Self::None | Self::Perturb => 1,
            Self::Asan => 4,
            // It interprets, and lets one thread run at a time.
            Self::Valgrind => 12,
        }
    }

    /// Why it cannot be used on this machine.
    pub(crate) fn obstacle(self) -> Option<String> {
        static ASAN: OnceLock<Option<String>> = OnceLock::new();
        static VALGRIND: OnceLock<Option<String>> = OnceLock::new();
        match self {
            Self::None | Self::Perturb => None,
            Self::Asan => ASAN.get_or_init(no_asan).clone(),
            Self::Valgrind => VALGRIND.get_or_init(no_valgrind).clone(),
        }
    }

    /// The start of a command that runs `program`; `folder` is for what the tool has to say.
    pub(crate) fn command(self, program: &Path, folder: &Path) -> Command {
        if self != Self::Valgrind {
            return Command::new(program);
        }
        let mut command = Command::new("valgrind");
        // Nothing is suppressed. Memory that is still reachable at the end is the library's for the life of the process.
        command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
        command.args(["--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect"]);
        command.arg("--num-callers=25");
        command.arg(option("--log-file=", &folder.join(format!("{LOG}%p"))));
        command.arg(program);
        command
    }

    /// What is set in the environment of the program.
    pub(crate) fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::None | Self::Valgrind => &[],
            Self::Perturb => &[("MALLOC_PERTURB_", "165")],
            // What socksify preloads comes first, which ASan takes for a mistake.
            Self::Asan => &[
                ("ASAN_OPTIONS", "verify_asan_link_order=0:detect_stack_use_after_return=1"),
                ("LSAN_OPTIONS", "print_suppressions=0"),
            ],
        }
    }

    /// What it had to say, which is nothing where all is well.
    pub(crate) fn finish(self, folder: &Path) -> Result<()> {
        let mut said = String::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(LOG) {
                said += &String::from_utf8_lossy(&fs::read(entry.path())?);
            }
        }
        ensure!(said.is_empty(), "{said}");
        Ok(())
    }
}

/// The beginning of the names of the files that valgrind writes, one a process.
const LOG: &str = "valgrind.";

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

fn no_valgrind() -> Option<String> {
    let outcome = Command::new("valgrind").arg("--version").output();
    outcome.err().map(|error| format!("no valgrind: {error}"))
}

fn no_asan() -> Option<String> {
    let trial = || -> Result<bool> {
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("trial.c");
        fs::write(&source, "int main(void) { return 0; }\n")?;
        let mut cc = Command::new(Language::C.compiler());
        cc.args(Tool::Asan.compiler_options())
            .arg("-o")
            .arg(folder.path().join("trial"))
            .arg(source)
            .stderr(Stdio::null());
        Ok(cc.status()?.success())
    };
    match trial() {
        Ok(true) => None,
        Ok(false) => Some("the compiler has no AddressSanitizer".to_owned()),
        Err(error) => Some(format!("no AddressSanitizer: {error}")),
    }
}
