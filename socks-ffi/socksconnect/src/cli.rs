//! The command line.

use std::ffi::OsString;
use std::net::IpAddr;

use clap::{Parser, value_parser};
use socks_cli::{Options, Settings, exit, usage};
use socks_proto::{DomainName, TargetAddr};

const EXAMPLES: &str = "\
Examples:
  ssh -o ProxyCommand='socksconnect %h %p' lab.example
  ProxyCommand socksconnect -x socks5://gate.example --login-file ~/.gate %h %p     (in ~/.ssh/config)
  printf 'HEAD / HTTP/1.0\\r\\n\\r\\n' | socksconnect example.org 80

The name of HOST goes to the proxy, and is looked up here only where no proxy is on the way.

Exit status: 0 when both directions have come to their end, 69 where HOST cannot be reached, 74 where the connection broke
or nobody reads the output, 78 for a bad configuration, 64 for a wrong command line.
The manual has it all: socksconnect(1), socksrc(5).";

/// Connects to HOST as socksrc(5) says, through a SOCKS 5 proxy or direct, and passes on standard input and output.
#[derive(Parser)]
#[command(name = "socksconnect", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    options: Options,

    /// Print which way that is and why, try it, and pass nothing on.
    #[arg(long)]
    explain: bool,

    /// The same as one JSON object.
    #[arg(long, requires = "explain")]
    json: bool,

    /// Which way a program under socksify would go, which may have to look up the name itself.
    #[arg(long, requires = "explain")]
    wrapped: bool,

    /// A name, or an address.
    host: String,

    /// A number.
    #[arg(value_parser = value_parser!(u16).range(1..))]
    port: u16,
}

/// What is to be done.
pub(crate) struct Invocation {
    pub(crate) target: TargetAddr,
    pub(crate) settings: Settings,
    pub(crate) task: Task,
}

pub(crate) enum Task {
    Connect,
    Explain { json: bool, as_wrapped: bool },
}

/// Reads the command line, or says what there is to say and how to exit.
pub(crate) fn parse(words: Vec<OsString>) -> Result<Invocation, u8> {
    let arguments = Arguments::try_parse_from(&words).map_err(|error| usage(&error, &words))?;
    invocation(arguments).map_err(|error| {
        eprintln!("socksconnect: {error}");
        exit::USAGE
    })
}

fn invocation(arguments: Arguments) -> Result<Invocation, String> {
    let Arguments { options, explain, json, wrapped, host, port } = arguments;
    let target = target(&host, port).ok_or_else(|| {
        format!("found `{}`, expected a host's name of 1 to 255 bytes, or its address", socks_cli::shown(host.as_ref()))
    })?;
    let task = if explain { Task::Explain { json, as_wrapped: wrapped } } else { Task::Connect };
    Ok(Invocation { target, settings: options.settings()?, task })
}

/// An address may stand in brackets.
fn target(host: &str, port: u16) -> Option<TargetAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Ok(ip) = bare.unwrap_or(host).parse::<IpAddr>() {
        return Some(TargetAddr::Ip((ip, port).into()));
    }
    let is_name = !host.contains([':', '/', '@', '[', ']']) && !host.contains(char::is_whitespace);
    let name = DomainName::new(host).ok().filter(|_| is_name)?;
    Some(TargetAddr::Name(name, port))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn targets() {
        let shown = |host| target(host, 22).map(|target| target.to_string());
        for (host, expected) in [
            ("lab.example", "lab.example:22"),
            ("192.0.2.1", "192.0.2.1:22"),
            ("2001:db8::1", "[2001:db8::1]:22"),
            ("[2001:db8::1]", "[2001:db8::1]:22"),
        ] {
            assert_eq!(shown(host).as_deref(), Some(expected));
        }
        for host in ["", "a:22", "[lab]", "ann@lab", "http://lab/", "a b", &"a".repeat(256)] {
            assert_eq!(shown(host), None, "{host}");
        }
    }
}
