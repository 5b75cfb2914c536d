//! The options that say which way connections go.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use socks_config::variable::{SOCKSIFY_DNS, SOCKSIFY_LOGIN_FILE, SOCKSIFY_PROXY, SOCKSIFY_STRICT, SOCKSRC};
use socks_config::{ProxyUrl, wipe};

use crate::settings::Settings;

/// What the library tells of a program's connections.
const DEBUG: &str = "SOCKS_DEBUG";
/// Configuration and connection establishment.
const DEBUG_VERBOSE: &str = "3";

const PROXY_HELP: &str = "\
A proxy for all that is not noproxy, in place of those of the configuration:
socks5://[user:password@]host[:port], or socks5h:// to let the proxy resolve names.
A login on a command line is seen by everybody who can list processes: --login-file, or
SOCKS_USERNAME and SOCKS_PASSWORD in the environment, keep it from there";

/// Which way connections go, for `#[command(flatten)]`.
// Not a doc comment each: clap would take the brackets for markup.
#[derive(Args)]
pub struct Options {
    // Parsed by hand: clap's own error would repeat the value, and so the password.
    #[arg(short = 'x', long = "proxy", value_name = "URL", help = PROXY_HELP)]
    proxy: Option<OsString>,

    /// The login for the proxy of -x: a file with user and password on two lines, closed to others than owner and group.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    login_file: Option<PathBuf>,

    /// The configuration, or a directory of them, in place of the system's.
    #[arg(short = 'f', long = "file", value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    file: Option<PathBuf>,

    /// Who resolves the names of hosts, whatever the configuration or the proxy's URL says.
    #[arg(long, value_name = "WHERE", value_parser = ["remote", "local"])]
    dns: Option<String>,

    /// Refuse what no rule covers, in place of letting it go direct.
    #[arg(long)]
    strict: bool,

    /// Print no warnings, only why nothing was done.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Print where the configuration came from, and one line for each connection (SOCKS_DEBUG=3, unless that is set).
    #[arg(short, long)]
    verbose: bool,
}

/// How much is printed to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// Only why nothing was done.
    Quiet,
    /// Warnings as well.
    #[default]
    Normal,
    /// Everything.
    Verbose,
}

impl Options {
    /// What they change in the environment.
    ///
    /// The innermost of nested commands counts: a proxy here takes the place of one that came by the environment together
    /// with its login, and so does a file. Strictness and who resolves names stay, unless they are given anew.
    ///
    /// # Errors
    /// Why the command line is wrong, without any part of a login.
    pub fn settings(self) -> Result<Settings, String> {
        let voice = match (self.quiet, self.verbose) {
            (true, _) => Voice::Quiet,
            (_, true) => Voice::Verbose,
            _ => Voice::Normal,
        };
        let mut settings = Settings::new(voice);
        if voice == Voice::Verbose && settings.variable(DEBUG).is_none() {
            settings.change(DEBUG, Some(DEBUG_VERBOSE.into()));
        }
        if self.login_file.is_some() && self.proxy.is_none() {
            return Err("--login-file: is for the proxy of -x, and there is none".to_owned());
        }
        if self.proxy.is_some() || self.file.is_some() {
            settings.change(SOCKSIFY_PROXY, None);
            settings.change(SOCKSIFY_LOGIN_FILE, None);
        }
        if let Some(proxy) = self.proxy {
            let (proxy, has_login) = proxy_url(proxy).map_err(|error| format!("-x: {error}"))?;
            settings.change(SOCKSIFY_PROXY, Some(proxy));
            if has_login && self.login_file.is_some() {
                return Err("--login-file: the URL of -x has a login already".to_owned());
            }
        }
        for (variable, option, path) in
            [(SOCKSIFY_LOGIN_FILE, "--login-file", self.login_file), (SOCKSRC, "-f", self.file)]
        {
            if let Some(path) = path {
                // The program may go to another folder before the library looks.
                let path = std::path::absolute(&path).map_err(|error| format!("{option}: {error}"))?;
                settings.change(variable, Some(path.into()));
            }
        }
        if let Some(dns) = self.dns {
            settings.change(SOCKSIFY_DNS, Some(dns.into()));
        }
        if self.strict {
            settings.change(SOCKSIFY_STRICT, Some("1".into()));
        }
        Ok(settings)
    }
}

/// The URL as the library is to be told it, and whether it has a login.
fn proxy_url(text: OsString) -> Result<(OsString, bool), String> {
    let text = text.into_string().map_err(|text| {
        wipe(&mut text.into_encoded_bytes());
        "a proxy URL is text".to_owned()
    })?;
    match text.parse::<ProxyUrl>() {
        Ok(url) => Ok((text.into(), url.credentials().is_some())),
        Err(error) => {
            wipe(&mut text.into_bytes());
            Err(error.to_string())
        }
    }
}
