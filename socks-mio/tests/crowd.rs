//! A thousand connects at once, in one loop.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use common::{BANNER, GRANTED, METHOD_NONE, PATIENCE, config, proxy, target, through, to};
use mio::{Events, Interest, Poll, Registry, Token};
use socks_mio::{Config, Connecting, Progress, Socket, Stream, TargetAddr};

/// One of many: on its way, or there, with what it has heard.
// A thousand of them, and all of them for as long as the test.
#[allow(clippy::large_enum_variant)]
enum Client {
    Connecting(Connecting),
    Open(Stream<Socket>, Vec<u8>),
}

impl Client {
    /// Goes as far as it can. Once there, the events are the stream's.
    fn ready(&mut self, registry: &Registry) {
        if let Self::Connecting(connecting) = self {
            match connecting.ready(registry, Instant::now()).expect("a stream") {
                Progress::Done(stream) => *self = Self::Open(stream, Vec::new()),
                Progress::Pending => {}
                Progress::Resolve { host, .. } => panic!("a name to resolve: {host}"),
            }
        } else if let Self::Open(stream, heard) = self {
            let mut buf = [0; 64];
            while let Ok(n @ 1..) = stream.read(&mut buf) {
                heard.extend_from_slice(&buf[..n]);
            }
        }
    }

    fn heard(&self) -> &[u8] {
        match self {
            Self::Connecting(_) => &[],
            Self::Open(_, heard) => heard,
        }
    }
}

/// Connects to all of these at once, and gives what each said first, in the same order.
fn hear_all(config: &Config, targets: &[TargetAddr], len: usize) -> Vec<Vec<u8>> {
    let mut poll = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(256);
    let mut clients = Vec::new();
    for (at, &target) in targets.iter().enumerate() {
        let mut connecting = Connecting::start(config, target, Instant::now()).expect("a way");
        poll.registry().register(&mut connecting, Token(at), Interest::READABLE).expect("registered");
        let mut client = Client::Connecting(connecting);
        client.ready(poll.registry());
        clients.push(client);
    }
    while clients.iter().any(|client| client.heard().len() < len) {
        poll.poll(&mut events, Some(PATIENCE)).expect("a wait");
        assert!(!events.is_empty(), "no event, though one was to come");
        for event in &events {
            clients[event.token().0].ready(poll.registry());
        }
    }
    clients.iter().map(|client| client.heard().to_vec()).collect()
}

#[test]
fn a_thousand_through_a_proxy_of_one_thread_that_answers_nobody_before_all_are_there() {
    const COUNT: usize = 1000;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    // The default of std is 128, which would have the others wait for their turn to come again.
    rustix::net::listen(&listener, 4096).expect("a longer queue");
    let addr = listener.local_addr().expect("an address");
    let proxy = thread::spawn(move || {
        let mut clients: Vec<_> = (0..COUNT).map(|_| listener.accept().expect("a client").0).collect();
        let mut names: Vec<[u8; 4]> = Vec::new();
        for client in &mut clients {
            client.read_exact(&mut [0; 3]).expect("a greeting");
            client.write_all(METHOD_NONE).expect("room");
        }
        for client in &mut clients {
            let mut request = [0; 5 + 4 + 2];
            client.read_exact(&mut request).expect("a request");
            let name: [u8; 4] = request[5..9].try_into().expect("four of them");
            client.write_all(GRANTED).expect("room");
            client.write_all(&name).expect("room");
            names.push(name);
        }
        names.sort_unstable();
        names
    });
    let names: Vec<String> = (0..COUNT).map(|at| format!("{at:04}")).collect();
    // Octets, whatever they say: a name of four digits.
    let targets: Vec<_> = names
        .iter()
        .map(|name| TargetAddr::from((socks_mio::DomainName::new(name.as_bytes()).expect("a name"), 25)))
        .collect();
    let heard = hear_all(&config(&format!("proxy 0.0.0.0/0 {addr}")), &targets, 4);
    for (name, heard) in names.iter().zip(&heard) {
        assert_eq!(heard, name.as_bytes());
    }
    let seen = proxy.join().expect("no panic");
    assert!(seen.iter().zip(&names).all(|(seen, name)| seen == name.as_bytes()));
}

#[test]
fn a_hundred_through_the_embedded_proxy() {
    let (proxy, server) = (proxy(None), target());
    let targets: Vec<_> = (0..100).map(|_| to(&server.to_string())).collect();
    let heard = hear_all(&through(&proxy), &targets, BANNER.len());
    assert!(heard.iter().all(|heard| heard == BANNER));
    assert_eq!(proxy.connections(), 100);
}
