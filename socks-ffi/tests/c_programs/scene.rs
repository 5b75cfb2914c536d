//! What stands around a program while it runs: the target, the proxy, the configuration.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use socks_conformance::closed::ClosedPort;
use socks_conformance::peer::Peer;
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use tempfile::TempDir;

use crate::cases::{Case, Rules, Server};
use crate::compile::{Toolchain, Way};
use crate::gate::Gate;
use crate::swarm::Swarm;
use crate::target::Target;
use crate::tool::{Mode, Tool};

/// How long the proxy may take to write the line of a request that has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much later than the one before each connection is answered: as in `crowd.c`.
const STEP: Duration = Duration::from_millis(20);

/// What is on this machine is direct, as in the file that is installed.
const NOPROXY: &str = "proxy 0.0.0.0/0 {proxy}\nnoproxy 127.0.0.0/8\nnoproxy ::1\nnoproxy 0.0.0.0\n";

pub(crate) struct Scene {
    gate: Option<Gate>,
    swarm: Option<Swarm>,
    target: Target,
    proxy: Proxy,
    peers: Vec<Peer>,
    /// It never accepts.
    _silent: TcpListener,
    _nobody: ClosedPort,
    /// What stands for a name in braces in the texts of a case.
    words: Vec<(String, String)>,
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new(case: &Case) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let target = Target::start(case.target)?;
        let proxy = Proxy::start(config(&case.server, folder.path()))?;
        let lever = folder.path().join("lever");
        let gate = match case.server {
            Server::Gated => Some(Gate::start(proxy.addr(), &lever)?),
            Server::Staggered => Some(Gate::staggered(proxy.addr(), &lever, STEP)?),
            _ => None,
        };
        let swarm = match case.server {
            Server::Swarm(count) => Some(Swarm::start(count)?),
            _ => None,
        };
        let scripts = case.scripts.map(|scripts| scripts()).unwrap_or_default();
        let peers: Vec<Peer> = scripts.into_iter().map(Peer::listen).collect::<Result<_, _>>()?;

        let unix = format!("unix:{}", folder.path().join("proxy").display());
        let before = gate.as_ref().map(Gate::addr).or_else(|| swarm.as_ref().map(Swarm::addr));
        let at = before.unwrap_or_else(|| proxy.addr());
        let at = if matches!(case.server, Server::Unix) { unix } else { at.to_string() };
        // As an IPv6 socket names it.
        let mapped = format!("[::ffff:{}]:{}", Ipv4Addr::LOCALHOST, target.addr().port());
        let nobody = ClosedPort::new()?;
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut words = vec![
            ("{proxy}".to_owned(), at),
            ("{proxy-port}".to_owned(), proxy.addr().port().to_string()),
            ("{target}".to_owned(), target.addr().to_string()),
            ("{target-port}".to_owned(), target.addr().port().to_string()),
            ("{mapped}".to_owned(), mapped),
            ("{nobody}".to_owned(), nobody.addr().to_string()),
            ("{silent}".to_owned(), silent.local_addr()?.to_string()),
            ("{lever}".to_owned(), lever.display().to_string()),
            ("{folder}".to_owned(), folder.path().display().to_string()),
        ];
        let places = 1..=peers.len();
        words.push(("{targets}".to_owned(), places.map(|at| format!("192.0.2.{at}:80")).collect::<Vec<_>>().join(" ")));
        let rules = peers.iter().enumerate().map(|(at, peer)| format!("proxy 192.0.2.{}/32 {}\n", at + 1, peer.addr()));
        words.push(("{scripts}".to_owned(), rules.collect()));
        words.extend(peers.iter().enumerate().map(|(at, peer)| (format!("{{script{at}}}"), peer.addr().to_string())));
        Ok(Self { gate, swarm, target, proxy, peers, _silent: silent, _nobody: nobody, words, folder })
    }

    /// The program as it is run.
    pub(crate) fn command(&self, case: &Case, mode: Mode, tools: &Toolchain) -> Result<Command> {
        let Mode { way, tool } = mode;
        let program = tools.program(case.program, mode)?;
        let mut command = match (way, case.rules) {
            (Way::NoProxy, _) | (Way::Wrapped | Way::Fortified, Rules::Sound(_)) => {
                let mut command = Command::new(tools.socksify());
                command.arg(&program);
                command
            }
            _ => tool.command(&program, self.folder.path()),
        };
        command.env_clear().envs(tool.environment().iter().copied());
        if way.is_wrapped() && !matches!(case.rules, Rules::Sound(_)) {
            let libraries = ["libsockswrap.so.0", "libsocks.so.0"].map(|name| tools.folder().join(name));
            command.env("LD_PRELOAD", std::env::join_paths(libraries)?);
        }
        let socksrc = self.folder.path().join("socksrc");
        let text = match case.rules {
            _ if way == Way::NoProxy => Some(NOPROXY),
            Rules::Sound(text) | Rules::Bad(text) => Some(text),
            Rules::Missing | Rules::Unnamed => None,
        };
        if let Some(text) = text {
            fs::write(&socksrc, self.fill(text)).context("writing the configuration")?;
        }
        if !matches!(case.rules, Rules::Unnamed) {
            command.env("SOCKSRC", socksrc);
        }
        // Names of one test are none of another's, nor of the user's.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        // Some words are several arguments.
        command
            .args(case.args.iter().flat_map(|text| self.fill(text).split(' ').map(str::to_owned).collect::<Vec<_>>()));
        command.current_dir(self.folder.path());
        Ok(command)
    }

    /// What the tool found.
    pub(crate) fn ask(&self, tool: Tool) -> Result<()> {
        tool.finish(self.folder.path())
    }

    fn fill(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// Which way the bytes went: the proxy's log and both ends' counts must agree.
    pub(crate) fn finish(self, case: &Case, way: Way) -> Result<()> {
        let expected: Vec<String> = match way.is_proxied() {
            true => case.requests.iter().map(|request| self.fill(request)).collect(),
            false => Vec::new(),
        };
        let lines = self.proxy.wait_for_log(expected.len(), PATIENCE);
        let mut requests: Vec<String> = lines.iter().map(|line| request(line)).collect();
        // Several at once end in any order.
        requests.sort();
        let mut sorted = expected;
        sorted.sort();
        ensure!(requests == sorted, "the proxy was asked {requests:?}, expected {sorted:?}");
        drop(self.gate);
        if let Some(mut swarm) = self.swarm {
            swarm.finish()?;
        }
        let (relayed, connections) = (self.proxy.bytes_relayed(), self.proxy.connections());
        drop(self.proxy);
        let counted = self.target.finish();
        if way.is_proxied() {
            ensure!(relayed == counted, "{counted} bytes at the target, {relayed} of them through the proxy");
            ensure!(connections == requests.len(), "{connections} connections for {} requests", requests.len());
        } else {
            ensure!(connections == 0, "the proxy was asked where nothing goes through it");
        }
        if way.is_proxied() {
            for (at, peer) in self.peers.into_iter().enumerate() {
                peer.finish().map_err(|why| anyhow::anyhow!("scripted proxy {at}: {why}"))?;
            }
        }
        Ok(())
    }
}

fn config(server: &Server, folder: &Path) -> ProxyConfig {
    let hosts = ["service.example", "other.example"].map(|name| (name.to_owned(), Ipv4Addr::LOCALHOST.into())).to_vec();
    let config = ProxyConfig { hosts, ..ProxyConfig::default() };
    match server {
        Server::Plain | Server::Gated | Server::Staggered | Server::Swarm(_) => config,
        Server::Login => ProxyConfig { login: Some(("ann".into(), "s3cret".into())), ..config },
        Server::Unspecified => ProxyConfig { answer_unspecified: true, ..config },
        Server::V6 => ProxyConfig { listen: Listen::Tcp((Ipv6Addr::LOCALHOST, 0).into()), ..config },
        Server::Unix => ProxyConfig { listen: Listen::Unix(folder.join("proxy")), ..config },
    }
}

/// A line of the proxy's log without what differs from run to run.
fn request(line: &str) -> String {
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
    // Where the client is bound to no address of its own, it says nothing where it comes from.
    let from = word("from=").and_then(|from| from.parse().ok()).map(|from: SocketAddr| from.ip());
    let from = from.filter(|ip| ip.is_loopback() && *ip != Ipv4Addr::LOCALHOST && *ip != Ipv6Addr::LOCALHOST);
    let from = from.map_or_else(String::new, |from| format!(" from {from}"));
    let user = word("user=").map_or_else(String::new, |user| format!(" as {user}"));
    // As far as the number of the reply code.
    let outcome =
        line.split_once("outcome=\"").and_then(|(_, rest)| rest.split(['"', '(']).next()).unwrap_or("").trim();
    match (word("command="), word("target=")) {
        (Some(command), Some(target)) => format!("{command} {target}{user}{from}: {outcome}"),
        _ => format!("no request: {outcome}"),
    }
}
