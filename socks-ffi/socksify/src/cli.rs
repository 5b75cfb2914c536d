//! The command line.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;
use socks_config::ProxyUrl;

use crate::failure::USAGE;

const PROXY_HELP: &str = "A proxy for all that is not noproxy: socks5://[user:password@]host[:port]. A password on a \
                          command line is seen by everybody who can list processes; a configuration file is not";

/// Runs PROGRAM so that its TCP connections follow socksrc(5) and go through a SOCKS 5 proxy.
#[derive(Parser)]
#[command(name = "socksify", version, max_term_width = 100)]
#[command(after_help = "Exit status: that of PROGRAM; 126 or 127 where it cannot be run or found, 78 for a bad \
configuration, 69 where it cannot be wrapped, 64 for a wrong command line.")]
struct Arguments {
    // Its help is no comment, since rustdoc takes the brackets of a URL for links. Parsed by hand below: clap's own error would repeat the value, and so the password.
    #[arg(short = 'x', long = "proxy", value_name = "URL", help = PROXY_HELP)]
    proxy: Option<OsString>,

    /// Run a program that cannot be wrapped (static, Go, set-id) all the same: it goes direct.
    #[arg(long)]
    force: bool,

    /// The program.
    program: OsString,

    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

/// A proxy URL that was understood, and its words for the library.
#[derive(Clone)]
pub(crate) struct ProxyText(pub(crate) String);

/// What is to be done.
pub(crate) struct Invocation {
    pub(crate) proxy: Option<ProxyText>,
    /// Whether to run a program that cannot be wrapped.
    pub(crate) force: bool,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

/// Reads the command line, or says what there is to say and how to exit.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Invocation, u8> {
    let args: Vec<_> = args.collect();
    // The plain form, `socksify PROGRAM ARGS…`, needs no parser and starts faster without one.
    if let [_, program, rest @ ..] = &args[..]
        && !program.is_empty()
        && !program.as_encoded_bytes().starts_with(b"-")
    {
        return Ok(Invocation { proxy: None, force: false, program: program.clone(), arguments: rest.to_vec() });
    }
    match Arguments::try_parse_from(args) {
        Ok(Arguments { proxy, force, program, arguments }) => {
            let proxy = proxy.map(proxy_text).transpose().map_err(|error| {
                eprintln!("socksify: -x: {error}");
                USAGE
            })?;
            Ok(Invocation { proxy, force, program, arguments })
        }
        Err(error) => {
            // Nothing is left to do where even this cannot be printed.
            let _ = error.print();
            Err(match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => USAGE,
            })
        }
    }
}

fn proxy_text(text: OsString) -> Result<ProxyText, String> {
    let text = text.into_string().map_err(|_| "a proxy URL is text".to_owned())?;
    let url: Result<ProxyUrl, _> = text.parse();
    url.map(|_| ProxyText(text)).map_err(|error: socks_config::ParseError| error.to_string())
}
