//! Every fault of a hostile proxy, at every byte, under smol and under async-std.

use std::io;
use std::pin::Pin;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use socks_async_std::{ConnectError, Error, Listener, Route, Socket, Stream, connect_through};
use socks_conformance::faults::{Client, Failure, Heard, Request, SAID};
use socks_proto::Command;

type Running<'a> = Pin<Box<dyn Future<Output = Result<Heard, Error>> + 'a>>;

/// How to wait for it.
struct Under(fn(Running<'_>) -> Result<Heard, Error>);

impl Client for Under {
    type Error = Error;

    fn run(&self, request: &Request) -> Result<Heard, Error> {
        self.0(Box::pin(async {
            let mut stream = stream(request).await?;
            let mut bytes = Vec::new();
            let outcome = talk(&mut stream, &mut bytes).await;
            Ok(Heard::new(&bytes, outcome))
        }))
    }

    fn is(error: &Error, failure: &Failure) -> bool {
        failure.is_told_by(error)
    }
}

async fn stream(request: &Request) -> Result<Stream<Socket>, Error> {
    let Request { rule, timeout, .. } = request;
    match request.command {
        Command::Bind(peer) => {
            let listener = Listener::bind_through(Route::Proxy(rule), peer, *timeout).await?;
            Ok(listener.accept_within(*timeout).await.map_err(ConnectError::into_error)?.0)
        }
        command => connect_through(Route::Proxy(rule), command.target(), *timeout).await,
    }
}

async fn talk(stream: &mut Stream<Socket>, heard: &mut Vec<u8>) -> io::Result<()> {
    stream.write_all(SAID).await?;
    stream.read_to_end(heard).await.map(drop)
}

fn smol(running: Running<'_>) -> Result<Heard, Error> {
    smol::block_on(running)
}

fn async_std(running: Running<'_>) -> Result<Heard, Error> {
    async_std::task::block_on(running)
}

socks_conformance::fault_tests! {
    under_smol: Under(smol);
    under_async_std: Under(async_std);
}
