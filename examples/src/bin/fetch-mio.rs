//! Fetches a page many times at once: `socks-mio`, one loop, no thread.

use std::io::{self, Read, Write};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use examples::{Page, TIMEOUT, addr_of, allow_descriptors, args, shown};
use mio::{Events, Interest, Poll, Registry, Token};
use socks_mio::{Config, Connecting, Progress, ProxyUrl, Socket, Stream};

/// One of many connections.
enum Client {
    Connecting(Box<Connecting>),
    Asking(Stream<Socket>, usize),
    Listening(Stream<Socket>),
    Done,
}

/// A client and what it has heard.
struct Fetch {
    client: Client,
    answer: Vec<u8>,
}

impl Fetch {
    fn is_done(&self) -> bool {
        matches!(self.client, Client::Done)
    }

    /// When to look after it without an event.
    fn deadline(&self) -> Option<Instant> {
        if let Client::Connecting(connecting) = &self.client { connecting.deadline() } else { None }
    }

    /// Goes on until it would block, or is done.
    fn ready(&mut self, registry: &Registry, page: &Page, proxy: &ProxyUrl) -> anyhow::Result<()> {
        let mut buf = [0; 4096];
        loop {
            let outcome = match &mut self.client {
                Client::Connecting(connecting) => match connecting.ready(registry, Instant::now())? {
                    Progress::Done(stream) => {
                        self.client = Client::Asking(stream, 0);
                        continue;
                    }
                    Progress::Resolve { .. } => {
                        // It blocks, which an example may.
                        connecting.resolved(addr_of(proxy.server()).map(|addr| [addr]));
                        continue;
                    }
                    Progress::Pending => return Ok(()),
                },
                Client::Asking(stream, sent) => stream.write(&page.request[*sent..]).map(|n| *sent += n),
                Client::Listening(stream) => match stream.read(&mut buf) {
                    Ok(0) => {
                        self.client = Client::Done;
                        return Ok(());
                    }
                    outcome => outcome.map(|n| self.answer.extend_from_slice(&buf[..n])),
                },
                Client::Done => return Ok(()),
            };
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => outcome?,
            }
            self.client = match std::mem::replace(&mut self.client, Client::Done) {
                Client::Asking(stream, sent) if sent == page.request.len() => Client::Listening(stream),
                client => client,
            };
        }
    }
}

fn main() -> anyhow::Result<()> {
    let [page, proxy, count] = args("fetch-mio PAGE PROXY COUNT")?;
    let (page, proxy): (Page, ProxyUrl) = (page.parse()?, proxy.parse()?);
    let count: usize = count.parse().context("COUNT")?;
    allow_descriptors()?;

    let config = Config::from_url(&proxy);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let give_up = Instant::now() + TIMEOUT;
    let mut fetches = Vec::with_capacity(count);
    for at in 0..count {
        let mut connecting = Connecting::start(&config, page.server, Instant::now())?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut connecting, Token(at), both)?;
        let mut fetch = Fetch { client: Client::Connecting(Box::new(connecting)), answer: Vec::new() };
        fetch.ready(poll.registry(), &page, &proxy)?;
        fetches.push(fetch);
    }
    while !fetches.iter().all(Fetch::is_done) {
        let until = fetches.iter().filter_map(Fetch::deadline).min().map_or(give_up, |at| at.min(give_up));
        poll.poll(&mut events, Some(until.saturating_duration_since(Instant::now())))?;
        for event in &events {
            fetches[event.token().0].ready(poll.registry(), &page, &proxy)?;
        }
        let now = Instant::now();
        if now >= give_up {
            bail!("not in time");
        }
        for late in fetches.iter_mut().filter(|fetch| fetch.deadline().is_some_and(|at| at <= now)) {
            late.ready(poll.registry(), &page, &proxy)?;
        }
    }
    let first = fetches.first().context("none")?;
    ensure!(fetches.iter().all(|fetch| fetch.answer == first.answer), "not the same page each time");
    print!("{}", shown(&first.answer)?);
    Ok(())
}
