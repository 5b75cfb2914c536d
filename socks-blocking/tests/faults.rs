//! Every fault of a hostile proxy, at every byte.

use socks_blocking::{ConnectError, Error, Listener, Route, connect_through};
use socks_conformance::faults::{Client, Failure, Heard, Request};
use socks_proto::Command;

struct Blocking;

impl Client for Blocking {
    type Error = Error;

    fn run(&self, request: &Request) -> Result<Heard, Error> {
        let Request { rule, timeout, .. } = request;
        let mut stream = match request.command {
            Command::Bind(peer) => {
                let listener = Listener::bind_through(Route::Proxy(rule), peer, *timeout)?;
                listener.accept_within(*timeout).map_err(ConnectError::into_error)?.0
            }
            command => connect_through(Route::Proxy(rule), command.target(), *timeout)?,
        };
        Ok(Heard::over(&mut stream))
    }

    fn is(error: &Error, failure: &Failure) -> bool {
        failure.is_told_by(error)
    }
}

socks_conformance::fault_tests! { blocking: Blocking; }
