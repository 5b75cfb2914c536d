//! Every fault of a hostile proxy, at every byte.

use std::io;

use socks_conformance::faults::{Client, Failure, Heard, Request, SAID};
use socks_proto::Command;
use socks_tokio::{ConnectError, Error, Listener, Route, Socket, Stream, connect_through};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

struct Tokio(Runtime);

impl Client for Tokio {
    type Error = Error;

    fn run(&self, request: &Request) -> Result<Heard, Error> {
        self.0.block_on(async {
            let mut stream = stream(request).await?;
            let mut bytes = Vec::new();
            let outcome = talk(&mut stream, &mut bytes).await;
            Ok(Heard::new(&bytes, outcome))
        })
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

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

socks_conformance::fault_tests! { tokio: Tokio(runtime()); }
