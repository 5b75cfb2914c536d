//! A proxy that bears what the embedded one, with its thread for each connection, does not.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use super::bed::Bed;
use super::worker::Worker;
use super::wrapper::LOGIN;

const SOURCE: &str = include_str!("proxy.c");

/// A proxy that grants everything, and what stands behind it; each answer comes after a delay.
pub(super) struct Proxy {
    /// Ends with it.
    _worker: Worker,
    /// Without a login, and with one.
    socks: [u16; 2],
    /// Of each service, without SOCKS.
    services: [u16; 3],
}

/// How hands are shaken.
#[derive(Clone, Copy, Default)]
pub(super) struct Handshake {
    pub(super) login: bool,
    /// All is said at once, and nothing waited for in between.
    pub(super) one_round_trip: bool,
}

/// What stands behind the proxy, by the number of its port.
#[derive(Clone, Copy)]
pub(super) enum Service {
    Echo = 7,
    Sink = 9,
    /// Only where there is no delay.
    Source = 19,
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
        let ports: Vec<u16> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [open, login, echo, source, sink] = ports[..] else { bail!("the proxy names its ports: {line:?}") };
        Ok(Self { socks: [open, login], services: [echo, source, sink], _worker: worker })
    }

    /// The one that asks for a login, or that does not.
    pub(super) fn port(&self, login: bool) -> u16 {
        self.socks[usize::from(login)]
    }

    /// Where it is itself, that which asks for a login or that which does not.
    pub(super) fn address(&self, login: bool) -> String {
        format!("127.0.0.1:{}", self.port(login))
    }

    /// Where what it echoes is to be had without SOCKS: address and port as arguments.
    pub(super) fn direct(&self) -> [String; 2] {
        self.direct_to(Service::Echo)
    }

    /// Where a service is to be had without SOCKS: address and port as arguments.
    pub(super) fn direct_to(&self, service: Service) -> [String; 2] {
        let [echo, source, sink] = self.services;
        let port = match service {
            Service::Echo => echo,
            Service::Source => source,
            Service::Sink => sink,
        };
        ["127.0.0.1".to_owned(), port.to_string()]
    }

    /// A configuration that sends everything through it, with a login or without.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn socksrc(&self, bed: &Bed, login: bool) -> Result<PathBuf> {
        self.socksrc_of(bed, Handshake { login, one_round_trip: false })
    }

    /// As [`Proxy::socksrc`], with this handshake.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn socksrc_of(&self, bed: &Bed, handshake: Handshake) -> Result<PathBuf> {
        let login = if handshake.login { format!(" {}", LOGIN.join(" ")) } else { String::new() };
        let options = if handshake.one_round_trip { "/pipeline" } else { "" };
        let port = self.port(handshake.login);
        // Longer than any run, so that what is to stay on its way does.
        let text = format!("proxy 0.0.0.0/0 127.0.0.1:{port}{options}{login}\ntimeout 86400\n");
        bed.socksrc(&format!("socksrc-{port}-{}", handshake.name()), &text)
    }
}

impl Handshake {
    pub(super) const LOGIN: Self = Self { login: true, one_round_trip: false };

    /// By which the programs of the bench know it.
    pub(super) fn name(self) -> &'static str {
        match (self.login, self.one_round_trip) {
            (false, false) => "stepwise",
            (true, false) => "login",
            (false, true) => "one-round-trip",
            (true, true) => "one-round-trip-login",
        }
    }
}

impl Service {
    pub(super) fn port(self) -> u16 {
        self as u16
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
