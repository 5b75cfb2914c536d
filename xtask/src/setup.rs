//! `cargo xtask setup`: the programs that the full test set runs.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::run::{self, find_program, is_root};

/// Installs what the full test set needs, through apt. Starts no service.
///
/// Where nothing is missing it touches nothing and needs no network. It has to run as root; if it does not, it prints
/// the line to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Do not ask. Nothing is asked either where there is no terminal.
    #[arg(long, short)]
    yes: bool,
    /// Install also what only `cargo xtask matrix --full` needs.
    #[arg(long)]
    full: bool,
    /// Install also the other wrappers that `cargo xtask bench` compares with.
    #[arg(long)]
    bench: bool,
}

/// By what a package is known to be there.
enum Sign {
    Program(&'static str),
    File(&'static str),
}

struct Package {
    name: &'static str,
    sign: Sign,
    /// Services of the package, which a machine with systemd would start from the next boot on.
    services: &'static [&'static str],
}

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, sign: Sign::Program(program), services: &[] }
}

const fn file(name: &'static str, file: &'static str) -> Package {
    Package { name, sign: Sign::File(file), services: &[] }
}

const fn server(name: &'static str, program: &'static str, services: &'static [&'static str]) -> Package {
    Package { name, sign: Sign::Program(program), services }
}

const PACKAGES: &[Package] = &[
    program("apache2-utils", "ab"),
    program("binutils", "nm"),
    file("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
    program("curl", "curl"),
    program("default-jdk-headless", "javac"),
    server("dante-server", "danted", &["danted.service"]),
    program("g++", "g++"),
    program("gcc", "gcc"),
    program("git", "git"),
    program("inetutils-telnet", "inetutils-telnet"),
    program("iproute2", "ip"),
    program("lftp", "lftp"),
    file("libc6-dev", "/usr/include/stdio.h"),
    // Reads what a rustc made of the same LLVM writes down for cargo xtask coverage.
    program("llvm-22", "llvm-cov-22"),
    program("mandoc", "mandoc"),
    program("microsocks", "microsocks"),
    // Any nc will not do: the others know no SOCKS.
    program("netcat-openbsd", "nc.openbsd"),
    server("nginx", "nginx", &["nginx.service"]),
    program("nodejs", "node"),
    program("openssh-client", "ssh"),
    server("openssh-server", "sshd", &["ssh.service", "ssh.socket"]),
    program("openssl", "openssl"),
    program("perl", "perl"),
    program("php-cli", "php"),
    program("pkg-config", "pkg-config"),
    server("postgresql", "initdb", &["postgresql.service"]),
    program("postgresql-client", "psql"),
    program("python3", "python3"),
    file("python3-pyftpdlib", "/usr/lib/python3/dist-packages/pyftpdlib/__init__.py"),
    server("redis-server", "redis-server", &["redis-server.service"]),
    program("redis-tools", "redis-cli"),
    server("rsync", "rsync", &["rsync.service"]),
    program("ruby", "ruby"),
    program("strace", "strace"),
    program("tcpdump", "tcpdump"),
    program("tnftp", "tnftp"),
    server("tor", "tor", &["tor.service", "tor@default.service"]),
    program("util-linux", "unshare"),
    program("valgrind", "valgrind"),
    program("wget", "wget"),
];

/// What is too heavy for every run of the tests.
const PACKAGES_FULL: &[Package] =
    &[program("chromium", "chromium"), file("chromium-sandbox", "/usr/lib/chromium/chrome-sandbox")];

/// What one would pick instead. None of it is needed by any test.
const PACKAGES_BENCH: &[Package] = &[
    // Its command has the name of ours.
    file("dante-client", "/etc/dante.conf"),
    program("proxychains4", "proxychains4"),
    program("torsocks", "torsocks"),
    program("tsocks", "tsocks"),
];

impl Package {
    fn is_there(&self) -> bool {
        match self.sign {
            Sign::Program(name) => find_program(name).is_some(),
            Sign::File(path) => Path::new(path).is_file(),
        }
    }
}

fn missing(arguments: &Arguments) -> Vec<&'static Package> {
    let full: &[Package] = if arguments.full { PACKAGES_FULL } else { &[] };
    let bench: &[Package] = if arguments.bench { PACKAGES_BENCH } else { &[] };
    PACKAGES.iter().chain(full).chain(bench).filter(|package| !package.is_there()).collect()
}

fn names(packages: &[&Package]) -> Vec<&'static str> {
    packages.iter().map(|package| package.name).collect()
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let wanted = missing(arguments);
    if wanted.is_empty() {
        println!("everything that the tests need is there");
        return Ok(ExitCode::SUCCESS);
    }
    let list = names(&wanted).join(" ");
    println!("missing: {list}");
    if find_program("apt-get").is_none() {
        bail!("this is not a Debian: install what goes by these names here; without it tests are skipped");
    }
    if !is_root() {
        println!("as root:\n\n    apt-get update && apt-get install --no-install-recommends {list}\n");
        bail!("only root can install packages; without them tests are skipped");
    }
    if !arguments.yes && !confirm()? {
        bail!("nothing was installed");
    }
    install(&wanted)?;

    let still = missing(arguments);
    if !still.is_empty() {
        bail!("could not be installed: {}", names(&still).join(" "));
    }
    println!("everything that the tests need is there");
    Ok(ExitCode::SUCCESS)
}

fn confirm() -> Result<bool> {
    let mut stdin = io::stdin().lock();
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    print!("install them? [Y/n] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "" | "y" | "Y" | "yes"))
}

fn install(wanted: &[&Package]) -> Result<()> {
    let _held_back = Policy::forbid()?;
    // Without fresh lists the old ones may still do.
    if let Err(error) = run::succeed(&mut apt(["update"])) {
        eprintln!("xtask: {error:#}");
    }
    if let Err(error) = run::succeed(apt(INSTALL).args(names(wanted))) {
        eprintln!("xtask: {error:#}; trying one by one");
        for package in wanted {
            if let Err(error) = run::succeed(apt(INSTALL).arg(package.name)) {
                eprintln!("xtask: {error:#}");
            }
        }
    }
    stay_off(wanted);
    Ok(())
}

const INSTALL: [&str; 3] = ["install", "--yes", "--no-install-recommends"];

fn apt(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    apt
}

/// Keeps the servers that were installed just now from starting with the machine.
fn stay_off(installed: &[&Package]) {
    // What systemd's own sd_booted(3) looks at.
    if !Path::new("/run/systemd/system").is_dir() {
        return;
    }
    for service in installed.iter().flat_map(|package| package.services) {
        // Not every version of a package has each of them.
        let _ = Command::new("systemctl").args(["--quiet", "disable", service]).stderr(Stdio::null()).status();
    }
}

/// Debian's way to say that no package may start a service: invoke-rc.d(8) asks this program.
struct Policy {
    ours: bool,
}

impl Policy {
    const PATH: &str = "/usr/sbin/policy-rc.d";
    /// 101 is "action forbidden by policy".
    const SCRIPT: &[u8] = b"#!/bin/sh\nexit 101\n";

    fn forbid() -> Result<Self> {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(Self::PATH);
        match file {
            Ok(mut file) => {
                let policy = Self { ours: true };
                file.write_all(Self::SCRIPT).with_context(|| format!("writing {}", Self::PATH))?;
                Ok(policy)
            }
            // The machine has a policy of its own, which stays in force.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { ours: false }),
            Err(error) => Err(error).with_context(|| format!("creating {}", Self::PATH)),
        }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_file(Self::PATH)
        {
            eprintln!("xtask: remove {} by hand: {error}", Self::PATH);
        }
    }
}
