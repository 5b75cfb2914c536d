//! The command line.

use std::ffi::OsString;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::{ArgGroup, CommandFactory, FromArgMatches, Parser};
use clap_complete::Shell;
use socks_cli::{Options, Settings, exit, usage};

use crate::import::Format;

const EXAMPLES: &str = "\
Examples:
  socksify curl https://example.org/                  as the system's configuration says
  socksify -x socks5h://gate.example git fetch        through this proxy, which resolves names
  socksify -x socks5://gate.example --login-file ~/.gate ssh lab
                                                      the same with a login that nobody sees
  socksify --strict -f work.socksrc sh                a shell that reaches nothing but what the file names
  socksify --explain example.org:443                  which way that is, and how far one gets
  socksify --check                                    what is wrong with the configuration
  socksify --import /etc/proxychains.conf > socksrc   a configuration from another wrapper's

Exit status: that of PROGRAM; 126 or 127 where it cannot be run or found, 78 for a bad configuration, 69 where it cannot be
wrapped or (--explain) the target cannot be reached, 65 where --import would lose a rule, 64 for a wrong command line.
The manual has it all: socksify(1), socksrc(5).";

/// Runs PROGRAM so that its TCP connections follow socksrc(5) and go through a SOCKS 5 proxy.
#[derive(Parser)]
#[command(name = "socksify", version, max_term_width = 100, after_help = EXAMPLES, args_override_self = false)]
#[command(group = ArgGroup::new("task").args(["check", "explain", "import", "completions"]))]
#[command(override_usage = "socksify [OPTIONS] [--] PROGRAM [ARGS]...
       socksify [OPTIONS] --check
       socksify [OPTIONS] --explain HOST[:PORT] [--json]
       socksify --import FILE [--import-as FORMAT]
       socksify --completions SHELL")]
struct Arguments {
    #[command(flatten)]
    options: Options,

    /// Run a program that cannot be wrapped (static, Go, set-id) all the same: it goes direct.
    #[arg(long, conflicts_with = "task")]
    force: bool,

    /// Print what is wrong with the configuration, each with file, line and column, and run nothing.
    #[arg(long)]
    check: bool,

    /// Print which way a program's connection to HOST goes and why, then try the proxy, sending it no data; port 443 unless given.
    #[arg(long, value_name = "HOST[:PORT]", value_hint = clap::ValueHint::Hostname)]
    explain: Option<String>,

    /// The same as one JSON object.
    #[arg(long, requires = "explain")]
    json: bool,

    /// Print the socksrc that says the same as a proxychains.conf, torsocks.conf or tsocks.conf, and what cannot be said.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    import: Option<PathBuf>,

    /// What FILE is, where that is not plain from what stands in it.
    #[arg(long, value_name = "FORMAT", requires = "import")]
    import_as: Option<Format>,

    /// Print what makes a shell complete these options.
    #[arg(long, value_name = "SHELL", value_parser = ["bash", "zsh", "fish"])]
    completions: Option<String>,

    // One list, so that from its first word on nothing is taken for an option of ours.
    /// The program and its arguments.
    #[arg(required_unless_present = "task", conflicts_with = "task", trailing_var_arg = true, value_name = "PROGRAM")]
    #[arg(value_hint = clap::ValueHint::CommandWithArguments)]
    program: Vec<OsString>,
}

/// What is to be done.
pub(crate) enum Task {
    Run(Invocation),
    Check(Settings),
    Explain { target: Target, json: bool, settings: Settings },
    Import { file: PathBuf, format: Option<Format> },
    Completions(Shell),
}

/// A program to be run.
pub(crate) struct Invocation {
    pub(crate) settings: Settings,
    /// Whether to run a program that cannot be wrapped.
    pub(crate) force: bool,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

/// A host and a port, as words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: String,
}

/// Reads the command line, or says what there is to say and how to exit.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Task, u8> {
    let args: Vec<_> = args.collect();
    // The plain form, `socksify PROGRAM ARGS…`, needs no parser and starts faster without one.
    if let [_, program, rest @ ..] = &args[..]
        && !program.is_empty()
        && !program.as_encoded_bytes().starts_with(b"-")
    {
        let (program, arguments) = (program.clone(), rest.to_vec());
        return Ok(Task::Run(Invocation { settings: Settings::default(), force: false, program, arguments }));
    }
    let parsed = command().try_get_matches_from(&args).and_then(|matches| Arguments::from_arg_matches(&matches));
    task(parsed.map_err(|error| usage(&error, &args))?).map_err(|error| {
        eprintln!("socksify: {error}");
        exit::USAGE
    })
}

fn task(arguments: Arguments) -> Result<Task, String> {
    let Arguments { options, force, check, explain, json, import, import_as, completions, program } = arguments;
    let settings = options.settings()?;
    if check {
        return Ok(Task::Check(settings));
    }
    if let Some(target) = explain {
        return Ok(Task::Explain { target: Target::parse(&target)?, json, settings });
    }
    if let Some(file) = import {
        return Ok(Task::Import { file, format: import_as });
    }
    if let Some(shell) = completions {
        return shell.parse().map(Task::Completions);
    }
    let mut words = program.into_iter();
    let (program, arguments) = (words.next().ok_or("no program")?, words.collect());
    Ok(Task::Run(Invocation { settings, force, program, arguments }))
}

/// For the completions as well.
pub(crate) fn command() -> clap::Command {
    Arguments::command()
}

impl Target {
    /// That of https, which more people want to reach than any other.
    const DEFAULT_PORT: &str = "443";

    /// `HOST`, `HOST:PORT`, `[IPv6]:PORT` or a bare IPv6 address.
    fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
            None if text.matches(':').count() == 1 => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
            None => (text, None),
        };
        let port = port.unwrap_or(Self::DEFAULT_PORT);
        let is_host = match host.contains(':') {
            true => host.parse::<Ipv6Addr>().is_ok(),
            false => !host.is_empty() && !host.starts_with('-') && !host.contains(['/', '@', '[', ']']),
        };
        if !is_host || !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(format!("--explain: found `{}`, expected HOST[:PORT]", socks_cli::shown(text.as_ref())));
        }
        Ok(Self { host: host.to_owned(), port: port.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn what_follows_the_program_is_its_own() {
        let words = ["socksify", "--force", "--strict", "curl", "-v", "-x", "a", "--", "--check", "-f"];
        let Ok(Task::Run(run)) = parse(words.map(OsString::from).into_iter()) else { panic!("not run") };
        assert_eq!((run.program, run.force), ("curl".into(), true));
        assert_eq!(run.arguments, ["-v", "-x", "a", "--", "--check", "-f"]);
        let words = ["socksify", "-q", "--", "-odd", "-v"];
        let Ok(Task::Run(run)) = parse(words.map(OsString::from).into_iter()) else { panic!("not run") };
        assert_eq!((run.program, run.arguments), ("-odd".into(), vec!["-v".into()]));
    }

    #[test]
    fn targets() {
        let target = |text| Target::parse(text).map(|Target { host, port }| format!("{host} {port}"));
        for (text, parts) in [
            ("example.org", "example.org 443"),
            ("example.org:25", "example.org 25"),
            ("192.0.2.1:80", "192.0.2.1 80"),
            ("[2001:db8::1]:80", "2001:db8::1 80"),
            ("[2001:db8::1]", "2001:db8::1 443"),
            ("2001:db8::1", "2001:db8::1 443"),
        ] {
            assert_eq!(target(text).as_deref(), Ok(parts));
        }
        for text in ["", ":80", "a:", "a:0", "a:65536", "a:b", "[::1]80", "[]:80", "-a", "[::1", "a:b:c", "a@b"] {
            assert!(target(text).is_err(), "{text}");
        }
        let refused = target("socks5://ann:s3cret@gate:1");
        assert!(refused.as_ref().is_err_and(|said| !said.contains("s3cret")), "{refused:?}");
    }
}
