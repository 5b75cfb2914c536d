//! What the sections need: the libraries as they are installed, C programs, configurations.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::run::{self, find_program};

/// Where a connect through the proxy is to lead: nowhere, if it went there directly (RFC 5737).
pub(super) const TARGET: (&str, u16) = ("192.0.2.1", 80);

const HEADER: &str = include_str!("bench.h");
const PROXY: &str = include_str!("proxy.c");

/// An installed release, in a folder that goes with it.
pub(super) struct Bed {
    folder: TempDir,
    compiler: PathBuf,
}

impl Bed {
    /// Builds the libraries for release and installs them into a folder of their own.
    ///
    /// # Errors
    /// There is no C compiler, or the build fails.
    pub(super) fn new() -> Result<Self> {
        let Some(compiler) = ["cc", "gcc", "clang"].into_iter().find_map(find_program) else {
            bail!("the bench needs a C compiler");
        };
        let folder = tempfile::tempdir().context("a folder for the bench")?;
        // By the command that users have, whose list of files says nothing here. Below /usr, so that each run builds the
        // same.
        let mut install = Command::new(env::current_exe().context("where this program is")?);
        install.args(["install", "--prefix=/usr", "--destdir"]).arg(folder.path().join("root"));
        run::output(&mut install)?;
        fs::write(folder.path().join("bench.h"), HEADER)?;
        Ok(Self { folder, compiler })
    }

    pub(super) fn socksify(&self) -> PathBuf {
        self.folder.path().join("root/usr/bin/socksify")
    }

    /// The value of LD_PRELOAD, as socksify sets it.
    pub(super) fn preload(&self) -> String {
        let libraries = self.folder.path().join("root/usr/lib");
        ["libsockswrap.so.0", "libsocks.so.0"].map(|name| libraries.join(name).display().to_string()).join(":")
    }

    /// Compiles a program.
    ///
    /// # Errors
    /// The compiler's.
    pub(super) fn compile(&self, name: &str, source: &str) -> Result<PathBuf> {
        let program = self.folder.path().join(name);
        let file = program.with_extension("c");
        fs::write(&file, source)?;
        let mut compile = Command::new(&self.compiler);
        run::succeed(compile.args(["-O2", "-pthread", "-o"]).arg(&program).arg(&file))?;
        Ok(program)
    }

    /// Writes a configuration.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn socksrc(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A path in the folder, for a section's own use.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a program has in its environment: with a configuration, it is wrapped.
    pub(super) fn variables(&self, socksrc: Option<&Path>) -> Vec<String> {
        let mut variables = vec![format!("PATH={}", env::var("PATH").unwrap_or_default())];
        if let Some(socksrc) = socksrc {
            variables.push(format!("SOCKSRC={}", socksrc.display()));
            variables.push(format!("LD_PRELOAD={}", self.preload()));
        }
        variables
    }

    /// A program in this environment and no other.
    pub(super) fn command(&self, program: &Path, socksrc: Option<&Path>) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        command.envs(self.variables(socksrc).iter().filter_map(|variable| variable.split_once('=')));
        command
    }
}

/// A program that answers each line with one.
pub(super) struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    name: String,
}

impl Worker {
    /// # Errors
    /// It cannot be run.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = run::show(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        Ok(Self { child, stdin, stdout: BufReader::new(stdout), name })
    }

    /// # Errors
    /// It ended, or does not answer a number.
    pub(super) fn ask(&mut self, line: &str) -> Result<f64> {
        if let Some(stdin) = &mut self.stdin {
            // Why it cannot be written, the answer says.
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
        let answer = self.line().with_context(|| format!("asked \"{line}\""))?;
        answer.trim().parse().with_context(|| format!("{} answers {answer:?}", self.name))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).with_context(|| format!("reading from {}", self.name))?;
        ensure!(read > 0, "{} has ended", self.name);
        Ok(line)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stdin = None;
        // It would end by itself, but perhaps not before its work is done.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A proxy that grants everything and echoes, each answer after a delay.
pub(super) struct Proxy {
    /// Ends with it.
    _worker: Worker,
    socks: u16,
    echo: u16,
}

/// A delay that no bench sees the end of: what connects through such a proxy stays on its way.
pub(super) const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

impl Proxy {
    /// # Errors
    /// It cannot be compiled or run.
    pub(super) fn start(bed: &Bed, delay: Duration) -> Result<Self> {
        let program = bed.path("proxy");
        if !program.exists() {
            bed.compile("proxy", PROXY)?;
        }
        let mut worker = Worker::start(bed.command(&program, None).arg(delay.as_micros().to_string()))?;
        let line = worker.line()?;
        let (socks, echo) = line.trim().split_once(' ').context("the proxy names its ports")?;
        Ok(Self { socks: socks.parse()?, echo: echo.parse()?, _worker: worker })
    }

    /// Where what it echoes is to be had without SOCKS: address and port as arguments.
    pub(super) fn direct(&self) -> [String; 2] {
        ["127.0.0.1".to_owned(), self.echo.to_string()]
    }

    /// A configuration that sends everything through it, with a login or without.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn socksrc(&self, bed: &Bed, login: bool) -> Result<PathBuf> {
        let login = if login { " ann s3cret" } else { "" };
        // Longer than any run, so that what is to stay on its way does.
        let text = format!("proxy 0.0.0.0/0 127.0.0.1:{}{login}\ntimeout 86400\n", self.socks);
        bed.socksrc(&format!("socksrc-{}{}", self.socks, login.len()), &text)
    }
}

/// [`TARGET`] as arguments.
pub(super) fn target() -> [String; 2] {
    [TARGET.0.to_owned(), TARGET.1.to_string()]
}
