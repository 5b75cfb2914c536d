//! A proxy that bears what the embedded one, with its thread for each connection, does not.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::bed::Bed;
use super::worker::Worker;

const SOURCE: &str = include_str!("proxy.c");

/// A proxy that grants everything and echoes, each answer after a delay.
pub(super) struct Proxy {
    /// Ends with it.
    _worker: Worker,
    socks: u16,
    echo: u16,
}

/// A delay that no bench sees the end of: what connects through such a proxy stays on its way.
pub(super) const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

impl Proxy {
    /// # Errors
    /// It cannot be compiled or run.
    pub(super) fn start(bed: &Bed, delay: Duration) -> Result<Self> {
        let program = bed.path("proxy");
        if !program.exists() {
            bed.compile("proxy", SOURCE)?;
        }
        let mut worker = Worker::start(bed.command(&program, None).arg(delay.as_micros().to_string()))?;
        let line = worker.line()?;
        let (socks, echo) = line.trim().split_once(' ').context("the proxy names its ports")?;
        Ok(Self { socks: socks.parse()?, echo: echo.parse()?, _worker: worker })
    }

    /// Where what it echoes is to be had without SOCKS: address and port as arguments.
    pub(super) fn direct(&self) -> [String; 2] {
        ["127.0.0.1".to_owned(), self.echo.to_string()]
    }

    /// Where it is itself.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.socks)
    }

    /// A configuration that sends everything through it, with a login or without.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn socksrc(&self, bed: &Bed, login: bool) -> Result<PathBuf> {
        let login = if login { " ann s3cret" } else { "" };
        // Longer than any run, so that what is to stay on its way does.
        let text = format!("proxy 0.0.0.0/0 127.0.0.1:{}{login}\ntimeout 86400\n", self.socks);
        bed.socksrc(&format!("socksrc-{}{}", self.socks, login.len()), &text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Instant;

    use socks_blocking::TargetAddr;
    use socks_config::Config;

    use super::super::bed;
    use super::*;

    fn echo(mut stream: TcpStream) {
        let said = b"one more than the sixteen bytes of a piece";
        stream.write_all(said).expect("written");
        let mut heard = vec![0; said.len()];
        stream.read_exact(&mut heard).expect("echoed");
        assert_eq!(heard, said);
    }

    #[test]
    fn it_grants_and_echoes_each_answer_so_much_later() {
        let bed = Bed::bare().expect("a compiler");
        let delay = Duration::from_millis(5);
        for (delay, login, answers) in [(Duration::ZERO, false, 0), (delay, false, 3), (delay, true, 4)] {
            let proxy = Proxy::start(&bed, delay).expect("a proxy");
            let text = std::fs::read(proxy.socksrc(&bed, login).expect("a configuration")).expect("it is there");
            let config = Config::parse("socksrc", &text).config;
            let target: TargetAddr = format!("{}:{}", bed::TARGET.0, bed::TARGET.1).parse().expect("an address");
            let begun = Instant::now();
            echo(socks_blocking::connect(&config, target).expect("granted"));
            assert!(begun.elapsed() >= delay * answers, "{answers} answers took {:?}", begun.elapsed());
            echo(TcpStream::connect(proxy.direct().join(":")).expect("listening"));
        }
    }
}
