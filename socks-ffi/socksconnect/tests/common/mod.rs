//! What the tests of this crate have in common.

// Each test is a crate of its own and uses what it needs.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use socks_conformance::proxy::{Proxy, ProxyConfig};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The login of [`proxy_with_login`], as a URL has it.
pub(crate) const LOGIN: &str = "ann:s3cret@";

/// With nothing of this process's environment.
pub(crate) fn command(options: &[impl AsRef<OsStr>], target: [String; 2]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksconnect"));
    command.env_clear().args(options).arg("--").args(target);
    command
}

pub(crate) fn to(target: SocketAddr) -> [String; 2] {
    [target.ip().to_string(), target.port().to_string()]
}

pub(crate) fn proxy_with_login() -> Proxy {
    let login = Some(("ann".to_owned(), "s3cret".to_owned()));
    let hosts = vec![("lab.example".to_owned(), [127, 0, 0, 1].into())];
    Proxy::start(ProxyConfig { login, hosts, ..ProxyConfig::default() }).expect("a proxy")
}

/// A configuration without a rule.
pub(crate) const DIRECT: [&str; 2] = ["-f", "/dev/null"];

/// Everything through this proxy, the loopback included, with its login.
pub(crate) fn through(proxy: &Proxy) -> [String; 4] {
    let url = format!("socks5://{LOGIN}{}", proxy.addr());
    [DIRECT[0].to_owned(), DIRECT[1].to_owned(), "-x".to_owned(), url]
}

/// Says that a test did not run, which is a failure under `CI=true`.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped: {why}");
    eprintln!("skipped: {why}");
}
