//! The C compiler, the libraries under test, and the programs made of both.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::tool::{Mode, Tool};

/// How a program comes to use the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// It calls the R functions, and is linked with -lsocks.
    Explicit,
    /// It is compiled with -DSOCKS_REMAP, and linked with -lsocks.
    Remapped,
    /// It knows nothing of it, and is linked with -lsockswrap.
    Linked,
    /// It knows nothing of it, and is run by socksify.
    Wrapped,
    /// As `Wrapped`, compiled as distributions do, which calls other names of libc's.
    Fortified,
    /// As `Wrapped`, with a configuration that sends nothing to a proxy.
    NoProxy,
    /// Not at all: what libc does is what is right.
    Libc,
}

impl Way {
    pub(crate) const ALL: [Self; 7] =
        [Self::Explicit, Self::Remapped, Self::Linked, Self::Wrapped, Self::Fortified, Self::NoProxy, Self::Libc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Remapped => "remapped",
            Self::Linked => "linked",
            Self::Wrapped => "wrapped",
            Self::Fortified => "fortified",
            Self::NoProxy => "noproxy",
            Self::Libc => "libc",
        }
    }

    /// Whether the program's connections go through the proxy.
    pub(crate) fn is_proxied(self) -> bool {
        !matches!(self, Self::NoProxy | Self::Libc)
    }

    /// Whether socksify runs the program.
    pub(crate) fn is_wrapped(self) -> bool {
        matches!(self, Self::Wrapped | Self::Fortified | Self::NoProxy)
    }

    /// How the program is built; some ways share it.
    fn build(self) -> Build {
        match self {
            Self::Explicit => Build { name: "explicit", defines: &["-DEXPLICIT"], links: &["-lsocks"] },
            Self::Remapped => Build { name: "remapped", defines: &["-DSOCKS_REMAP"], links: &["-lsocks"] },
            Self::Linked => Build { name: "linked", defines: &[], links: &["-lsockswrap"] },
            Self::Fortified => Build { name: "fortified", defines: &["-O2", "-D_FORTIFY_SOURCE=2"], links: &[] },
            Self::Wrapped | Self::NoProxy | Self::Libc => Build { name: "plain", defines: &[], links: &[] },
        }
    }
}

struct Build {
    name: &'static str,
    defines: &'static [&'static str],
    links: &'static [&'static str],
}

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Cxx,
}

impl Language {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Cxx => "cpp",
        }
    }

    /// As the user says, or as the system calls it.
    pub(crate) fn compiler(self) -> String {
        let (variable, usual) = match self {
            Self::C => ("CC", "cc"),
            Self::Cxx => ("CXX", "c++"),
        };
        env::var(variable).unwrap_or_else(|_| usual.to_owned())
    }

    /// Why there is no compiler for it.
    pub(crate) fn obstacle(self) -> Option<String> {
        let compiler = self.compiler();
        let outcome = Command::new(&compiler).arg("--version").output();
        outcome.err().map(|error| format!("no compiler: {compiler}: {error}"))
    }
}

/// What the tests cannot do without.
pub(crate) enum Missing {
    Compiler(String),
    Library(anyhow::Error),
}

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// What an installation has: the name that is built, the name that programs load.
const LIBRARIES: [(&str, &str); 2] = [("libsocks.so", "libsocks.so.0"), ("libsockswrap.so", "libsockswrap.so.0")];

/// The compiler, and a folder that looks like an installation.
pub(crate) struct Toolchain {
    built: Mutex<HashMap<Key, Built>>,
    folder: TempDir,
}

/// The source's name, the way's build, and the tool.
type Key = (&'static str, &'static str, Tool);

/// Where a program is, once it is built: whoever wants it meanwhile waits for who builds it.
type Built = Arc<Mutex<Option<PathBuf>>>;

impl Toolchain {
    pub(crate) fn find() -> Result<Self, Missing> {
        if let Some(why) = Language::C.obstacle() {
            return Err(Missing::Compiler(why));
        }
        let install = || {
            let folder = tempfile::Builder::new().prefix("c-programs-").tempdir()?;
            let from = libraries()?;
            for (built, loaded) in LIBRARIES {
                copy(&from.join(built), &folder.path().join(loaded))?;
                symlink(loaded, folder.path().join(built))?;
            }
            // It looks for the library beside itself.
            copy(&socksify(&from)?, &folder.path().join("socksify"))?;
            Ok(folder)
        };
        let folder = install().map_err(Missing::Library)?;
        Ok(Self { built: Mutex::default(), folder })
    }

    /// The folder with the libraries and the command.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socksify(&self) -> PathBuf {
        self.folder().join("socksify")
    }

    /// The program of that name, built for that mode.
    pub(crate) fn program(&self, name: &'static str, mode: Mode) -> Result<PathBuf> {
        let build = mode.way.build();
        let options = mode.tool.compiler_options();
        // The tools that need no build of their own share one.
        let key = (name, build.name, if options.is_empty() { Tool::None } else { mode.tool });
        let built = Arc::clone(lock(&self.built).entry(key).or_default());
        let mut built = lock(&built);
        if let Some(path) = &*built {
            return Ok(path.clone());
        }
        let checked = if options.is_empty() { "" } else { ".checked" };
        let path = self.folder().join(format!("{name}.{}{checked}", build.name));
        let source = source_folder().join(format!("{name}.c"));
        let cc = || {
            let mut cc = self.compiler(Language::C, &["-std=c99", "-D_GNU_SOURCE", "-g", "-pthread"]);
            cc.args(options).args(build.defines);
            cc
        };
        let mut program = cc();
        program.arg("-o").arg(&path).arg(source);
        // Some have a library of their own.
        let source = source_folder().join(format!("{name}_library.c"));
        if source.exists() {
            let library = self.folder().join(format!("lib{name}.{}{checked}.so", build.name));
            succeed(cc().args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).args(build.links))?;
            program.arg(library);
        }
        succeed(program.args(build.links))?;
        *built = Some(path.clone());
        Ok(path)
    }

    /// The compiler with all warnings, the header and the libraries.
    pub(crate) fn compiler(&self, language: Language, options: &[&str]) -> Command {
        let mut cc = Command::new(language.compiler());
        cc.args(WARNINGS).args(options);
        cc.arg("-I").arg(crate_folder().join("include")).arg("-L").arg(self.folder());
        cc.arg(format!("-Wl,-rpath,{}", self.folder().display()));
        cc
    }
}

/// A test that panicked while it held the lock has left nothing half done: what is not built is built again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn source_folder() -> PathBuf {
    crate_folder().join("tests/c")
}

/// Runs a command to its end; what it printed is the error where it failed.
pub(crate) fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}):\n{printed}", command.get_program().display(), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| format!("copying {}", from.display()))
}

/// Where the libraries are: beside `$SOCKSIFY` or in its prefix, or built now, as this test was.
fn libraries() -> Result<PathBuf> {
    if let Some(socksify) = env::var_os("SOCKSIFY") {
        let socksify = std::path::absolute(socksify)?;
        let folders = [socksify.parent().map(Path::to_owned), socksify.ancestors().nth(2).map(|at| at.join("lib"))];
        let found = folders.into_iter().flatten().find(|folder| folder.join(LIBRARIES[0].0).exists());
        return found.with_context(|| format!("no {} near {}", LIBRARIES[0].0, socksify.display()));
    }
    // target/debug/deps/c_programs-0123 → target/debug
    let this = env::current_exe()?;
    let profile = this.ancestors().nth(2).context("this test is in no build folder")?;
    let target = profile.parent().context("this test is in no build folder")?;
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package=socks-ffi", "--package=sockswrap", "--package=socksify"]);
    build.current_dir(crate_folder()).arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    succeed(&mut build)?;
    Ok(profile.to_owned())
}

fn socksify(beside: &Path) -> Result<PathBuf> {
    match env::var_os("SOCKSIFY") {
        Some(path) => Ok(path.into()),
        None => Ok(beside.join("socksify")),
    }
}
