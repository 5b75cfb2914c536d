//! A service that speaks first, as mail and ssh servers do: a greeting, then every line back, until `bye`.
//!
//! The greeting often comes in one segment with what the proxy says last: whoever reads too much of that loses it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use anyhow::Result;

use super::{BODY, each_connection};

pub(super) fn serve(listener: &TcpListener) -> Result<()> {
    each_connection(listener, |mut stream, peer| {
        writeln!(stream, "{BODY} peer={peer}.")?;
        let reader = BufReader::new(stream.try_clone()?);
        for line in reader.lines() {
            let line = line?;
            if line == "bye" {
                break;
            }
            writeln!(stream, "you said {line}")?;
        }
        Ok(())
    })
}
