//! Who is compared: nobody in between, a client written by hand, ours, and the wrappers that one would pick instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bed::{Bed, TARGET};
use super::proxy::{Handshake, Proxy, Service};
use super::worker::{Failure, Worker};
use crate::run::find_programs;

/// Who makes the connects of a column.
pub(super) struct Subject {
    pub(super) name: &'static str,
    kind: Kind,
}

enum Kind {
    Direct,
    /// The measured program shakes hands itself.
    Floor,
    Ours,
    Other(&'static Wrapper, PathBuf),
}

pub(super) const DIRECT: &str = "direct";
pub(super) const FLOOR: &str = "floor";
/// Ours, of which the promises are.
pub(super) const OURS: &str = "libsocks";

/// One of others. What is known of it is what its manual says.
struct Wrapper {
    name: &'static str,
    program: &'static str,
    typed: fn(conf: &Path, port: u16, login: bool) -> Typed,
}

/// How it is told where the proxy is.
struct Typed {
    conf: String,
    variables: Vec<String>,
    /// Before the program.
    options: Vec<String>,
}

const WRAPPERS: [Wrapper; 4] = [
    Wrapper { name: "dante", program: "socksify", typed: dante },
    Wrapper { name: "proxychains4", program: "proxychains4", typed: proxychains },
    Wrapper { name: "torsocks", program: "torsocks", typed: torsocks },
    Wrapper { name: "tsocks", program: "tsocks", typed: tsocks },
];

/// The login that the proxy is given where it asks for one; any would do.
pub(super) const LOGIN: [&str; 2] = ["ann", "s3cret"];

/// How long a wrapper may take to start a program that does nothing.
const START: Duration = Duration::from_secs(10);

impl Subject {
    /// Everybody who is here, the direct way first.
    pub(super) fn all() -> Vec<Self> {
        let mut subjects = Self::without_floor();
        subjects.insert(1, Self::floor());
        subjects
    }

    /// Those who run a program as it is.
    pub(super) fn without_floor() -> Vec<Self> {
        let others = WRAPPERS
            .iter()
            .filter_map(|wrapper| Some(Self { name: wrapper.name, kind: Kind::Other(wrapper, wrapper.find()?) }));
        [Self::direct(DIRECT), Self { name: OURS, kind: Kind::Ours }].into_iter().chain(others).collect()
    }

    /// The direct way under another name.
    pub(super) const fn direct(name: &'static str) -> Self {
        Self { name, kind: Kind::Direct }
    }

    pub(super) const fn floor() -> Self {
        Self { name: FLOOR, kind: Kind::Floor }
    }

    pub(super) fn is_of_others(&self) -> bool {
        matches!(self.kind, Kind::Other(..))
    }

    /// What to say of those who are not here.
    pub(super) fn absent() -> Option<String> {
        let absent: Vec<_> =
            WRAPPERS.iter().filter(|wrapper| wrapper.find().is_none()).map(|wrapper| wrapper.name).collect();
        (!absent.is_empty()).then(|| format!("not installed: {}; `cargo xtask setup --bench`", absent.join(", ")))
    }

    /// The program, so that what it connects to is this service behind the proxy, or the same one without a proxy.
    ///
    /// # Errors
    /// It has no way to shake hands like this ([`Failure::Cannot`]), or does not start programs.
    pub(super) fn command(
        &self,
        bed: &Bed,
        program: &Path,
        proxy: &Proxy,
        handshake: Handshake,
        service: Service,
    ) -> Result<Command> {
        let mut command = bed.command(program, None);
        match &self.kind {
            Kind::Direct => {
                command.args(proxy.direct_to(service));
            }
            Kind::Floor => {
                command.args(["127.0.0.1".to_owned(), proxy.port(handshake.login).to_string()]);
                command.args([handshake.name(), TARGET.0, &service.port().to_string()]);
            }
            Kind::Ours => {
                command = bed.command(program, Some(&proxy.socksrc_of(bed, handshake)?));
                command.args([TARGET.0, &service.port().to_string()]);
            }
            Kind::Other(..) => {
                ensure!(!handshake.one_round_trip, Failure::Cannot);
                command.env_clear().envs(self.environment(bed, proxy, handshake.login)?);
                command.args([TARGET.0, &service.port().to_string()]);
            }
        }
        Ok(command)
    }

    /// As [`Subject::command`], started.
    pub(super) fn start(
        &self,
        bed: &Bed,
        program: &Path,
        proxy: &Proxy,
        handshake: Handshake,
        service: Service,
    ) -> Result<Worker, Failure> {
        self.command(bed, program, proxy, handshake, service)
            .and_then(|mut command| Worker::start(&mut command))
            .map_err(|error| Failure::of(&error))
    }

    /// How this program is started under it by a command, and in which environment: `NAME=VALUE`s, then words. `None`
    /// where there is nothing to type.
    ///
    /// # Errors
    /// A configuration cannot be written.
    pub(super) fn words(&self, bed: &Bed, proxy: &Proxy, login: bool) -> Result<Option<Vec<String>>> {
        let Kind::Other(wrapper, path) = &self.kind else { return Ok(None) };
        let port = proxy.port(login);
        let conf = bed.path(&format!("{}-{port}.conf", wrapper.name));
        let typed = (wrapper.typed)(&conf, port, login);
        fs::write(&conf, &typed.conf).with_context(|| format!("writing {}", conf.display()))?;
        Ok(Some([bed.variables(None), typed.variables, vec![path.display().to_string()], typed.options].concat()))
    }

    /// The variables that a wrapper's command sets for its program. With these the program is a child of ours, and no
    /// shell stands between that would outlive it.
    fn environment(&self, bed: &Bed, proxy: &Proxy, login: bool) -> Result<Vec<(String, String)>> {
        let words = self.words(bed, proxy, login)?.context("a wrapper of others")?;
        let mut command = Command::new("/usr/bin/env");
        command.arg("-i").args(words).args(["/usr/bin/env", "-0"]);
        let mut worker = Worker::start(&mut command)?.patience(START);
        let said = worker.rest()?;
        let variables = said.split('\0').filter_map(|variable| variable.split_once('='));
        let variables: Vec<_> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ensure!(variables.iter().any(|(name, _)| name == "LD_PRELOAD"), "{} preloads nothing", self.name);
        Ok(variables)
    }
}

impl Wrapper {
    /// Dante's command has the name of ours, which is told from it by the library that it names.
    fn find(&self) -> Option<PathBuf> {
        const LIBRARY: &[u8] = b"libsockswrap.so";
        let ours =
            |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.windows(LIBRARY.len()).any(|part| part == LIBRARY));
        find_programs(self.program).find(|path| !ours(path))
    }
}

fn dante(conf: &Path, port: u16, login: bool) -> Typed {
    let method = if login { "username" } else { "none" };
    let mut variables = vec![
        format!("SOCKS_CONF={}", conf.display()),
        // Networks of this machine, which the target might happen to be in.
        "SOCKS_AUTOADD_LANROUTES=no".to_owned(),
    ];
    if login {
        variables.extend([format!("SOCKS_USERNAME={}", LOGIN[0]), format!("SOCKS_PASSWORD={}", LOGIN[1])]);
    }
    let conf = format!(
        "route {{\n  from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = {port}\n  protocol: tcp\n  \
         proxyprotocol: socks_v5\n  command: connect\n  method: {method}\n}}\n"
    );
    Typed { conf, variables, options: Vec::new() }
}

fn proxychains(conf: &Path, port: u16, login: bool) -> Typed {
    let login = if login { format!(" {}", LOGIN.join(" ")) } else { String::new() };
    Typed {
        conf: format!("strict_chain\n[ProxyList]\nsocks5 127.0.0.1 {port}{login}\n"),
        variables: Vec::new(),
        options: ["-q", "-f"].map(str::to_owned).into_iter().chain([conf.display().to_string()]).collect(),
    }
}

fn torsocks(conf: &Path, port: u16, login: bool) -> Typed {
    let login =
        if login { format!("SOCKS5Username {}\nSOCKS5Password {}\n", LOGIN[0], LOGIN[1]) } else { String::new() };
    Typed {
        conf: format!("TorAddress 127.0.0.1\nTorPort {port}\n{login}"),
        variables: vec![format!("TORSOCKS_CONF_FILE={}", conf.display())],
        options: Vec::new(),
    }
}

fn tsocks(conf: &Path, port: u16, login: bool) -> Typed {
    let login =
        if login { format!("default_user = {}\ndefault_pass = {}\n", LOGIN[0], LOGIN[1]) } else { String::new() };
    Typed {
        conf: format!(
            "local = 127.0.0.0/255.0.0.0\nserver = 127.0.0.1\nserver_port = {port}\nserver_type = 5\n{login}"
        ),
        variables: vec![format!("TSOCKS_CONF_FILE={}", conf.display())],
        options: Vec::new(),
    }
}
