//! `cargo xtask demo`: an unmodified program through a proxy, on a machine that has none.

mod client;
mod web;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use socks_conformance::proxy::{Proxy, ProxyConfig};

use crate::install;
use crate::run;
use crate::stage::{Profile, stage};

const USER: &str = "ann";
const PASSWORD: &str = "s3cret";

pub(crate) fn run() -> Result<ExitCode> {
    let staged = stage(Profile::Debug)?;
    let folder = tempfile::tempdir().context("a folder for the demo")?;
    let web = web::Server::start()?;
    let proxy = Proxy::start(ProxyConfig { login: Some((USER.into(), PASSWORD.into())), ..ProxyConfig::default() })
        .context("starting the proxy")?;

    let socksrc = folder.path().join("socksrc");
    // No `noproxy` for the loopback, where all of the demo takes place.
    let text = format!("proxy 0.0.0.0/0 {} {USER} {PASSWORD}\n", proxy.addr());
    fs::write(&socksrc, &text).context("writing the demo's socksrc")?;
    let url = format!("http://{}/", web.addr());
    let program = client::find(&url, folder.path())?;

    println!("a proxy listens on {}, and asks for a login; the configuration:\n", proxy.addr());
    println!("    {text}");
    println!("socksify -- {}\n", run::show(&program));
    let printed = wrapped(&program, &staged.socksify, &socksrc)?;
    print!("{}", indented(&printed));

    let log = proxy.wait_for_log(1, Duration::from_secs(10));
    println!("\nthe proxy's own log:\n");
    print!("{}", indented(&log.join("\n")));
    println!();

    if !printed.contains(web::PAGE.trim()) {
        bail!("the program did not print the page");
    }
    let target = format!("target={} ", web.addr());
    let user = format!("user=\"{USER}\"");
    if !log.iter().any(|line| line.contains(&target) && line.contains(&user)) {
        bail!("the program did not ask the proxy for {}", web.addr());
    }
    let relayed = proxy.bytes_relayed();
    if relayed < web::PAGE.len() as u64 {
        bail!("only {relayed} bytes passed through the proxy, less than the page has");
    }
    if web.visits() != 1 {
        bail!("the web server saw {} connections, not the proxy's alone", web.visits());
    }
    println!("{relayed} bytes passed through the proxy");
    println!("{}", install::HINT);
    Ok(ExitCode::SUCCESS)
}

/// Runs the program under socksify and returns what it printed.
fn wrapped(program: &Command, socksify: &Path, socksrc: &Path) -> Result<String> {
    let mut command = Command::new(socksify);
    command.arg("--").arg(program.get_program()).args(program.get_args());
    command.env("SOCKSRC", socksrc).stdin(Stdio::null());
    // Proxies that the program knows about by itself would spoil the picture.
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "SOCKS_PROXY", "SOCKS_DEBUG", "SOCKS_LOG"] {
        command.env_remove(name);
    }
    run::without_cargos_libraries(&mut command);
    run::output(&mut command)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
