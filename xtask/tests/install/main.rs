//! What `cargo xtask install` lays out, used as its users do: `cargo test -p xtask --test install [-- WORD...]`.
//!
//! C programs are built by what pkg-config says and run, and an unmodified one under the installed socksify, all of
//! them through a proxy. Afterwards everything is removed again. A machine without pkg-config or a C compiler skips it, and one
//! without dpkg, or that it is not root of, what is about packages.

mod debian;
mod set_id;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use socks_conformance::proxy::{Proxy, ProxyConfig};
use tempfile::TempDir;

type Test = fn() -> Result<()>;

const TESTS: [(&str, Test, &[&str]); 4] = [
    ("a package in a folder of its own", package, &[]),
    ("under a prefix, with a libdir and a socksrc that was changed", prefix, &[]),
    ("packages of Debian, installed, used and purged", debian::packages, &debian::NEEDS),
    ("a set-id program looks at no variable", set_id::variables, &set_id::NEEDS),
];

const GREETING: &str = "hello from behind the proxy\n";
const SOURCE: &str = include_str!("greeting.c");

fn main() -> ExitCode {
    // Options are for the usual test harness, which cargo talks to.
    let (options, words): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with('-'));
    let tests = || TESTS.iter().filter(|(name, ..)| words.iter().all(|word| name.contains(word.as_str())));
    if options.iter().any(|option| option == "--list") {
        tests().for_each(|(name, ..)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let strict = env::var_os("CI").is_some_and(|value| value == "true");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, test, needs) in tests() {
        match (missing(needs), test) {
            (Some(missing), _) => {
                println!("skipped {name}: {missing}");
                if strict { failed += 1 } else { skipped += 1 }
            }
            (None, test) => match test() {
                Ok(()) => {
                    println!("ok      {name}");
                    passed += 1;
                }
                Err(error) => {
                    println!("FAILED  {name}: {error:#}");
                    failed += 1;
                }
            },
        }
    }
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a test needs, and this machine has not; programs of the system's make only sense for root.
fn missing(needs: &[&str]) -> Option<String> {
    let programs = ["pkg-config", "cc"].iter().chain(needs);
    let absent = |program: &&&str| Command::new(program).arg("--version").output().is_err();
    if let Some(program) = programs.into_iter().find(absent) {
        return Some(format!("there is no {program}"));
    }
    let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    (!needs.is_empty() && !is_root).then(|| "this is not root".to_owned())
}

/// `--destdir`, as packages are made; nothing may name that folder.
fn package() -> Result<()> {
    let folder = TempDir::new()?;
    let root = folder.path().join("root");
    let destdir = format!("--destdir={}", root.display());
    install(&["--prefix=/usr", &destdir])?;

    let there = tree(&root)?;
    let usr = |path: &str| PathBuf::from("usr").join(path);
    for path in
        ["bin/socksify", "include/socks.h", "lib/libsocks.a", "lib/pkgconfig/socks.pc", "share/man/man3/Rconnect.3"]
    {
        ensure!(there.contains(&usr(path)), "there is no {path} in {there:#?}");
    }
    ensure!(there.contains(Path::new("etc/socksrc")), "no socksrc in {there:#?}");
    for (library, soname) in [("libsocks.so", "libsocks.so.0"), ("libsockswrap.so", "libsockswrap.so.0")] {
        let lib = root.join("usr/lib");
        ensure!(fs::read_link(lib.join(library))? == Path::new(soname), "{library} leads elsewhere");
        let file = format!("{library}.{}", env!("CARGO_PKG_VERSION"));
        ensure!(fs::read_link(lib.join(soname))? == Path::new(&file), "{soname} leads elsewhere");
        ensure!(fs::symlink_metadata(lib.join(&file))?.is_file(), "{file} is no file");
    }
    let named = fs::read_to_string(root.join("usr/share/libsocks/manifest"))?
        + &fs::read_to_string(root.join("usr/lib/pkgconfig/socks.pc"))?;
    ensure!(!named.contains(&*root.to_string_lossy()), "a package names the folder that it was made in");

    let scene = Scene::start()?;
    let rc = folder.path().join("rc");
    fs::write(&rc, scene.rules())?;
    let tools = Tools { folder: folder.path(), libdir: root.join("usr/lib"), sysroot: Some(&root) };
    for program in [tools.build("socks", Library::Shared)?, tools.build("socks", Library::Static)?] {
        scene.expect(Command::new(program).env("LD_LIBRARY_PATH", &tools.libdir).env("SOCKSRC", &rc))?;
    }
    let plain = tools.compile("plain", &["-DPLAIN".into()])?;
    scene.expect(Command::new(root.join("usr/bin/socksify")).arg(&plain).env("SOCKSRC", &rc))?;
    options_are_on_the_page(&root.join("usr"))?;
    tools.compile_example(&root.join("usr/share/man/man3/socks.3"))?;

    install(&["--prefix=/usr", &destdir, "--uninstall"])?;
    ensure!(tree(&root)?.is_empty(), "left behind: {:#?}", tree(&root)?);
    Ok(())
}

/// No `--destdir`, and no variable that says where anything is: all of it must have been built in.
fn prefix() -> Result<()> {
    let folder = TempDir::new()?;
    let prefix = folder.path().join("opt/socks");
    let libdir = prefix.join("lib/here");
    let places = [format!("--prefix={}", prefix.display()), format!("--libdir={}", libdir.display())];
    let places = [&*places[0], &*places[1]];
    install(&places)?;

    let scene = Scene::start()?;
    let rc = prefix.join("etc/socksrc");
    fs::write(&rc, scene.rules())?;
    let tools = Tools { folder: folder.path(), libdir: libdir.clone(), sysroot: None };
    let program = tools.build("socks-remap", Library::Shared)?;
    scene.expect(Command::new(program).env("LD_LIBRARY_PATH", &libdir))?;
    let plain = tools.compile("plain", &["-DPLAIN".into()])?;
    scene.expect(Command::new(prefix.join("bin/socksify")).arg(&plain))?;
    let page = fs::read_to_string(prefix.join("share/man/man5/socksrc.5"))?;
    ensure!(page.contains(&*rc.to_string_lossy()), "the manual names another socksrc");

    install(&places)?;
    ensure!(fs::read_to_string(&rc)? == scene.rules(), "a socksrc that was changed is another now");
    ensure!(rc.with_extension("default").is_file(), "the new socksrc is not beside the old one");
    install(&[places[0], "--uninstall"])?;
    let left = tree(&folder.path().join("opt"))?;
    let expected = ["socks", "socks/etc", "socks/etc/socksrc"].map(PathBuf::from);
    ensure!(left == BTreeSet::from(expected), "left behind: {left:#?}");
    Ok(())
}

fn install(arguments: &[&str]) -> Result<()> {
    run(Command::new(env!("CARGO_BIN_EXE_xtask")).arg("install").args(arguments)).map(drop)
}

/// All that is in a folder, however deep.
fn tree(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).with_context(|| at.display().to_string())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
            found.insert(entry.path().strip_prefix(folder)?.to_owned());
        }
    }
    Ok(found)
}

/// The page of the command describes each of its options.
fn options_are_on_the_page(prefix: &Path) -> Result<()> {
    let help = run(Command::new(prefix.join("bin/socksify")).arg("--help"))?;
    let page = fs::read_to_string(prefix.join("share/man/man1/socksify.1"))?;
    let options = help.split(|c: char| c.is_whitespace() || c == ',').filter_map(|word| word.strip_prefix("--"));
    for option in options.filter(|option| !option.is_empty()) {
        ensure!(page.contains(&format!("Fl -{option}")), "socksify(1) has no --{option}");
    }
    Ok(())
}

/// A proxy, and a server that is to be reached through it.
struct Scene {
    proxy: Proxy,
    target: SocketAddr,
}

impl Scene {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let target = listener.local_addr()?;
        // Ends with this program.
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // A client that goes away finds out itself.
                let _ = stream.write_all(GREETING.as_bytes());
            }
        });
        Ok(Self { proxy: Proxy::start(ProxyConfig::default())?, target })
    }

    fn rules(&self) -> String {
        format!("proxy 127.0.0.0/8 {}\n", self.proxy.addr())
    }

    /// Runs a program that reads the greeting, and sees to it that it came through the proxy.
    fn expect(&self, program: &mut Command) -> Result<()> {
        let before = self.proxy.log_lines().len();
        program.arg(self.target.ip().to_string()).arg(self.target.port().to_string());
        let said = run(program)?;
        ensure!(said == GREETING, "{program:?} read {said:?}");
        let log = self.proxy.wait_for_log(before + 1, Duration::from_secs(10));
        ensure!(log.len() == before + 1, "{program:?} did not ask the proxy");
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Library {
    Shared,
    Static,
}

/// A compiler, and pkg-config for one installation.
struct Tools<'t> {
    folder: &'t Path,
    libdir: PathBuf,
    sysroot: Option<&'t Path>,
}

impl Tools<'_> {
    /// Builds the program by what pkg-config says of a package.
    fn build(&self, package: &str, library: Library) -> Result<PathBuf> {
        let flags = self.flags(package, library)?;
        let name = if library == Library::Static { format!("{package}-static") } else { package.to_owned() };
        self.compile(&name, &flags)
    }

    fn flags(&self, package: &str, library: Library) -> Result<Vec<String>> {
        let mut ask = Command::new("pkg-config");
        // This installation alone, and paths that a system's own compiler knows already too.
        ask.env("PKG_CONFIG_LIBDIR", self.libdir.join("pkgconfig")).env_remove("PKG_CONFIG_PATH");
        ask.env("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1").env("PKG_CONFIG_ALLOW_SYSTEM_LIBS", "1");
        match self.sysroot {
            Some(root) => ask.env("PKG_CONFIG_SYSROOT_DIR", root),
            None => ask.env_remove("PKG_CONFIG_SYSROOT_DIR"),
        };
        if library == Library::Static {
            ask.arg("--static");
        }
        let flags = run(ask.args(["--cflags", "--libs", package]))?;
        let one = |flag: &str| match flag {
            "-lsocks" if library == Library::Static => "-l:libsocks.a".to_owned(),
            flag => flag.to_owned(),
        };
        Ok(flags.split_whitespace().map(one).collect())
    }

    /// What stands in the one display of a page is C that compiles.
    fn compile_example(&self, page: &Path) -> Result<()> {
        let page = fs::read_to_string(page)?;
        let (_, display) = page.split_once(".Bd -literal -offset indent\n").context("no example")?;
        let (example, _) = display.split_once(".Ed\n").context("no end of the example")?;
        let source = self.folder.join("example.c");
        fs::write(&source, example)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]).arg(&source);
        run(compiler.args(self.flags("socks", Library::Shared)?)).map(drop)
    }

    fn compile(&self, name: &str, flags: &[String]) -> Result<PathBuf> {
        self.compile_source(name, SOURCE, flags)
    }

    fn compile_source(&self, name: &str, text: &str, flags: &[String]) -> Result<PathBuf> {
        let (source, program) = (self.folder.join(format!("{name}.c")), self.folder.join(name));
        fs::write(&source, text)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Wextra", "-Werror", "-o"]).args([&program, &source]).args(flags);
        run(&mut compiler).map(|_| program)
    }
}

/// Runs a program to its end, with nothing around it that configures it, and returns what it printed.
fn run(command: &mut Command) -> Result<String> {
    // What the caller set stays.
    let set: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
    for name in
        ["SOCKSRC", "SOCKSIFY_PROXY", "SOCKS_PROXY", "SOCKS_DEBUG", "SOCKS_LOG", "LD_PRELOAD", "LD_LIBRARY_PATH"]
    {
        if !set.iter().any(|known| known == OsStr::new(name)) {
            command.env_remove(name);
        }
    }
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("{command:?}: {}\n{out}{err}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}
