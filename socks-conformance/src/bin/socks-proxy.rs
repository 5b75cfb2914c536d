//! The embedded proxy as a program, for tests that are not in Rust.
//!
//! Prints `listening ADDR:PORT`, then a line a request; ends when its standard input does, or by a signal.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};

const USAGE: &str = "\
usage: socks-proxy [OPTION]...
  --listen ADDR:PORT   where to listen (127.0.0.1:0); --listen unix:PATH for a socket in the file system
  --login USER:PASS    ask for this login
  --delay MS           wait before each answer
  --external ADDR      where BIND listens and datagrams leave from (127.0.0.1)
  --host NAME=ADDR     a name that the proxy knows; may be given more than once
  --bind-timeout MS    give up waiting for the peer of a BIND
  --unspecified        answer 0.0.0.0 in place of addresses of the proxy";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socks-proxy: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut config = parse(env::args().skip(1))?;
    config.log = Some(Box::new(say));
    // Two descriptors a connection: the usual soft limit of 1024 is soon used up.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let listen = config.listen.clone();
    let proxy = Proxy::start(config)?;
    match listen {
        Listen::Tcp(_) => say(&format!("listening {}", proxy.addr())),
        Listen::Unix(path) => say(&format!("listening unix:{}", path.display())),
    }
    io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink())?;
    Ok(())
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    // Whoever has closed the other end does not want to know.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<ProxyConfig, Box<dyn Error>> {
    let mut config = ProxyConfig::default();
    while let Some(arg) = args.next() {
        if arg == "--unspecified" {
            config.answer_unspecified = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("unknown, or without its value: {arg}"))?;
        let pair = |by: char| {
            value.split_once(by).map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or_else(|| format!("{arg}: no {by:?}"))
        };
        match arg.as_str() {
            "--listen" => {
                config.listen = match value.strip_prefix("unix:") {
                    Some(path) => Listen::Unix(path.into()),
                    None => Listen::Tcp(value.parse()?),
                }
            }
            "--login" => config.login = Some(pair(':')?),
            "--delay" => config.delay = Some(Duration::from_millis(value.parse()?)),
            "--external" => config.external = value.parse()?,
            "--host" => {
                let (name, ip) = pair('=')?;
                config.hosts.push((name, ip.parse()?));
            }
            "--bind-timeout" => config.bind_timeout = Some(Duration::from_millis(value.parse()?)),
            _ => return Err(format!("unknown option {arg}").into()),
        }
    }
    Ok(config)
}
