//! The servers of a route in turn, each at every address, until one of them answers.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::pin::pin;
use std::time::Duration;

use async_io::Async;
use socks_adapter::plan::{Place, Plan, Step, Turn};
use socks_adapter::{ConnectError, Deadline, Error, Negotiation};
use socks_config::Route;
use socks_proto::Command;

use crate::deadline::{now, within};
use crate::drive::Request;
use crate::socket::Connection;

/// A connection and the negotiation that a proxy granted over it; none on a direct route.
pub(crate) type Reached<C> = (C, Option<Negotiation>);

/// A request by a route that has not begun, or why there is no way for it. Its time runs from its making on.
pub(crate) struct Way<'r>(Result<Plan<'r>, Error>);

impl<'r> Way<'r> {
    pub(crate) fn new(route: Route<'r>, command: Command, timeout: Duration) -> Self {
        Self(Plan::new(route, command, Deadline::after(now(), timeout)))
    }

    /// Connects to the first server of the route that answers and makes the request, or to the target itself.
    pub(crate) async fn reach<C: Connection>(&mut self) -> Result<Reached<C>, Error> {
        let plan = match &mut self.0 {
            Ok(plan) => plan,
            Err(error) => return Err(mem::replace(error, Error::Direct)),
        };
        loop {
            match plan.step(now()) {
                Step::Resolve { host, port, until } => {
                    let addrs = within(until, pin!(lookup(host.to_owned(), port))).await;
                    plan.resolved(in_time(addrs));
                }
                Step::Connect(turn) => match open::<C>(&turn).await {
                    Ok(socket) => {
                        let Some(negotiation) = turn.negotiation() else { return Ok((socket, None)) };
                        let mut request = Request::new(socket, negotiation);
                        match request.until(turn.until_reached, turn.until_done).await {
                            Ok((socket, negotiation)) => return Ok((socket, Some(negotiation))),
                            Err(error) => plan.failed(ConnectError::into_error(error))?,
                        }
                    }
                    Err(error) => plan.unreachable(error),
                },
                Step::Failed(error) => return Err(error),
            }
        }
    }
}

/// Asks the system, on a thread of the pool for what blocks. Its answer is dropped where nobody waits for it any more.
fn lookup(host: String, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> {
    blocking::unblock(move || Ok((host, port).to_socket_addrs()?.collect()))
}

async fn open<C: Connection>(turn: &Turn<'_>) -> io::Result<C> {
    let opened = match turn.place {
        Place::Tcp(addr) => {
            within(turn.until_reached, pin!(Async::<TcpStream>::connect(addr))).await.map(|tcp| tcp.map(C::tcp))
        }
        Place::Unix(path) => within(turn.until_reached, pin!(C::unix(path))).await,
    };
    in_time(opened)
}

fn in_time<T>(outcome: Option<io::Result<T>>) -> io::Result<T> {
    outcome.unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::TimedOut, "no time left")))
}
