//! Who connects through a proxy over TCP: each by what its own documentation tells a user to call.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_io::Async;
use fast_socks5::client::{Config as FastConfig, Socks5Stream as FastStream};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use mio::{Events, Interest, Poll, Token};
use socks::Socks5Stream as SocksStream;
use socks_config::Config;
use socks_mio::{Connecting, Progress};
use socks_peers::case::{Case, HOST, PASSWORD, USERNAME, target};
use socks_peers::floor;
use tokio::runtime::{Builder, Runtime};
use tokio_socks::tcp::Socks5Stream as TokioStream;

use crate::work::{self, Work};

/// One of those that are compared.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// The handshakes that it can make.
    pub(crate) cases: &'static [Case],
    /// Makes ready to connect through the proxy at this address: what is done once a process is done then.
    pub(crate) start: fn(Case, SocketAddr) -> Result<Perform>,
}

/// Connects, does its work and closes the connection; gives the time that counts.
pub(crate) type Perform = Box<dyn FnMut(Work) -> Result<Duration>>;

pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { name: "floor", cases: Case::ALL, start: by_hand },
    Subject { name: "floor-async-io", cases: Case::ALL, start: by_hand_in_async_io },
    Subject { name: "socks-blocking", cases: Case::ALL, start: blocking },
    Subject { name: "socks-mio", cases: Case::ALL, start: mio },
    Subject { name: "socks-tokio", cases: Case::ALL, start: tokio },
    Subject { name: "socks-async-std", cases: Case::ALL, start: async_std },
    Subject { name: "tokio-socks", cases: Case::STEPWISE, start: tokio_socks },
    Subject { name: "fast-socks5", cases: Case::STEPWISE, start: fast_socks5 },
    Subject { name: "socks", cases: Case::STEPWISE, start: socks },
];

fn by_hand(case: Case, proxy: SocketAddr) -> Result<Perform> {
    by_calls(move |port| {
        let mut stream = TcpStream::connect(proxy)?;
        negotiate(case, &mut stream, port)?;
        Ok(stream)
    })
}

/// What async-io takes for its own waits, between a thread that runs a future and one that runs its reactor.
fn by_hand_in_async_io(case: Case, proxy: SocketAddr) -> Result<Perform> {
    by_calls(move |port| {
        let mut stream = InAsyncIo(async_io::block_on(Async::<TcpStream>::connect(proxy))?);
        negotiate(case, &mut stream, port)?;
        Ok(stream)
    })
}

struct InAsyncIo(Async<TcpStream>);

impl Read for InAsyncIo {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        async_io::block_on(self.0.read(buf))
    }
}

impl Write for InAsyncIo {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        async_io::block_on(self.0.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn negotiate(case: Case, stream: &mut (impl Read + Write), port: u16) -> Result<()> {
    let bound = match case {
        Case::Stepwise => floor::stepwise(stream, HOST, port),
        Case::Login => floor::login(stream, (USERNAME, PASSWORD), HOST, port),
        Case::OneRoundTrip => floor::one_round_trip(stream, HOST, port),
    };
    bound.map(drop).context("the proxy is kind")
}

fn blocking(case: Case, proxy: SocketAddr) -> Result<Perform> {
    let config = config(case, proxy)?;
    by_calls(move |port| Ok(socks_blocking::connect(&config, target(port))?))
}

fn socks(case: Case, proxy: SocketAddr) -> Result<Perform> {
    by_calls(move |port| {
        Ok(match case {
            Case::Login => SocksStream::connect_with_password(proxy, (HOST, port), USERNAME, PASSWORD)?,
            _ => SocksStream::connect(proxy, (HOST, port))?,
        })
    })
}

fn by_calls<S: Read + Write>(mut connect: impl FnMut(u16) -> Result<S> + 'static) -> Result<Perform> {
    Ok(Box::new(move |work| {
        let begun = Instant::now();
        let mut stream = connect(work.port())?;
        let connected = Instant::now();
        work::blocking(work, &mut stream)?;
        Ok(work.time(begun, connected))
    }))
}

fn mio(case: Case, proxy: SocketAddr) -> Result<Perform> {
    let config = config(case, proxy)?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(8));
    Ok(Box::new(move |work| {
        let begun = Instant::now();
        let mut connecting = Connecting::start(&config, target(work.port()), Instant::now())?;
        poll.registry().register(&mut connecting, Token(0), Interest::READABLE | Interest::WRITABLE)?;
        let stream = loop {
            match connecting.ready(poll.registry(), Instant::now())? {
                Progress::Done(stream) => break stream,
                Progress::Resolve { host, .. } => anyhow::bail!("who is {host}?"),
                Progress::Pending => {
                    let left = connecting.deadline().map(|at| at.saturating_duration_since(Instant::now()));
                    poll.poll(&mut events, left)?;
                }
            }
        };
        let connected = Instant::now();
        work::blocking(work, &mut Waiting { stream, poll: &mut poll, events: &mut events })?;
        Ok(work.time(begun, connected))
    }))
}

/// A stream of mio's, and the loop around it.
struct Waiting<'a, S> {
    stream: S,
    poll: &'a mut Poll,
    events: &'a mut Events,
}

impl<S> Waiting<'_, S> {
    fn until_ready<T>(&mut self, mut act: impl FnMut(&mut S) -> io::Result<T>) -> io::Result<T> {
        loop {
            match act(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.poll.poll(self.events, None)?,
                outcome => return outcome,
            }
        }
    }
}

impl<S: Read> Read for Waiting<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.until_ready(|stream| stream.read(buf))
    }
}

impl<S: Write> Write for Waiting<'_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.until_ready(|stream| stream.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_ready(Write::flush)
    }
}

fn tokio(case: Case, proxy: SocketAddr) -> Result<Perform> {
    let config = config(case, proxy)?;
    by_tokio(async move |port| Ok(socks_tokio::connect(&config, target(port)).await?))
}

fn tokio_socks(case: Case, proxy: SocketAddr) -> Result<Perform> {
    by_tokio(async move |port| {
        Ok(match case {
            Case::Login => TokioStream::connect_with_password(proxy, (HOST, port), USERNAME, PASSWORD).await?,
            _ => TokioStream::connect(proxy, (HOST, port)).await?,
        })
    })
}

fn fast_socks5(case: Case, proxy: SocketAddr) -> Result<Perform> {
    by_tokio(async move |port| {
        let (host, config) = (HOST.to_owned(), FastConfig::default());
        Ok(match case {
            Case::Login => {
                let (username, password) = (USERNAME.to_owned(), PASSWORD.to_owned());
                FastStream::connect_with_password(proxy, host, port, username, password, config).await?
            }
            _ => FastStream::connect(proxy, host, port, config).await?,
        })
    })
}

/// In a runtime of one thread, as all others have one.
fn by_tokio<S>(connect: impl AsyncFn(u16) -> Result<S> + 'static) -> Result<Perform>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(Box::new(move |work| {
        runtime.block_on(async {
            let begun = Instant::now();
            let mut stream = connect(work.port()).await?;
            let connected = Instant::now();
            work::tokio(work, &mut stream).await?;
            Ok(work.time(begun, connected))
        })
    }))
}

fn async_std(case: Case, proxy: SocketAddr) -> Result<Perform> {
    let config = config(case, proxy)?;
    Ok(Box::new(move |work| {
        async_io::block_on(async {
            let begun = Instant::now();
            let mut stream = socks_async_std::connect(&config, target(work.port())).await?;
            let connected = Instant::now();
            work::futures(work, &mut stream).await?;
            Ok(work.time(begun, connected))
        })
    }))
}

/// As our crates have it.
fn config(case: Case, proxy: SocketAddr) -> Result<Config> {
    let (option, login) = match case {
        Case::Stepwise => ("", String::new()),
        Case::Login => ("", format!("{USERNAME} {PASSWORD}")),
        Case::OneRoundTrip => ("/pipeline", String::new()),
    };
    let parsed = Config::parse("peers", format!("proxy 0.0.0.0/0 {proxy}{option} {login}\n").as_bytes());
    ensure!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    Ok(parsed.config)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    const OCTETS: u64 = 100_000;

    /// A proxy that is the target as well, whatever that is at its port.
    fn proxy(case: Case) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("an address");
        // As long as the test.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who hangs up has what it wanted.
                let _ = serve(case, stream);
            }
        });
        addr
    }

    fn serve(case: Case, mut stream: TcpStream) -> io::Result<()> {
        fn octets(stream: &mut TcpStream, count: u8) -> io::Result<Vec<u8>> {
            let mut octets = vec![0; usize::from(count)];
            stream.read_exact(&mut octets).map(|()| octets)
        }
        let greeting = octets(&mut stream, 2)?;
        octets(&mut stream, greeting[1])?;
        stream.write_all(&case.script()[..2])?;
        if case == Case::Login {
            for word in [USERNAME, PASSWORD] {
                // The version stands before the first one.
                let len = octets(&mut stream, if word == USERNAME { 2 } else { 1 })?;
                let said = octets(&mut stream, len[len.len() - 1])?;
                assert_eq!(said, word.as_bytes());
            }
            stream.write_all(&[1, 0])?;
        }
        let request = octets(&mut stream, 5)?;
        assert_eq!(request, [5, 1, 0, 3, HOST.len() as u8]);
        assert_eq!(octets(&mut stream, request[4])?, HOST.as_bytes());
        let port = octets(&mut stream, 2)?;
        stream.write_all(&case.script()[case.script().len() - 10..])?;
        match port[..] {
            [0, 7] => io::copy(&mut stream.try_clone()?, &mut stream).map(drop),
            [0, 9] => io::copy(&mut stream, &mut io::sink()).map(drop),
            [0, 19] => stream.write_all(&[0; OCTETS as usize]),
            _ => panic!("nothing is at {port:?}"),
        }
    }

    #[test]
    fn each_gets_through_in_every_case_that_it_can() {
        for subject in SUBJECTS {
            for case in subject.cases {
                let mut perform = (subject.start)(*case, proxy(*case)).expect("ready");
                for work in [Work::Connect, Work::FirstByte, Work::Receive(OCTETS), Work::Send(OCTETS), Work::FirstByte]
                {
                    if let Err(error) = perform(work) {
                        panic!("{}, {case:?}, {work:?}: {error:#}", subject.name);
                    }
                }
            }
        }
    }

    #[test]
    fn whoever_finds_no_proxy_says_so() {
        let gone =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port");
        for subject in SUBJECTS {
            let outcome = (subject.start)(Case::Stepwise, gone).and_then(|mut perform| perform(Work::FirstByte));
            assert!(outcome.is_err(), "{}", subject.name);
        }
    }
}
