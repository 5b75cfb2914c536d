//! The servers of a route in turn, each at every address, until one of them answers.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use socks_adapter::plan::{Place, Plan, Step, Turn};
use socks_adapter::{Deadline, Error, Negotiation};
use socks_config::Route;
use socks_proto::{Command, Phase};

use crate::drive::{Wait, drive};
use crate::socket::Connection;

/// A connection and the negotiation that a proxy granted over it; none on a direct route.
pub(crate) type Reached<C> = (C, Option<Negotiation>);

/// Connects to the first server of the route that answers and makes the request, or to the target itself.
///
/// The socket comes back without timeouts.
pub(crate) fn reach<C: Connection>(route: Route<'_>, command: Command, timeout: Duration) -> Result<Reached<C>, Error> {
    let mut plan = Plan::new(route, command, Deadline::after(Instant::now(), timeout))?;
    loop {
        match plan.step(Instant::now()) {
            // This is the one step that std cannot bound.
            Step::Resolve { host, port, .. } => {
                let addrs = (host, port).to_socket_addrs();
                plan.resolved(addrs);
            }
            Step::Connect(turn) => match open(&turn) {
                Ok(socket) => {
                    let Some(negotiation) = turn.negotiation() else { return Ok((socket, None)) };
                    match negotiate(socket, negotiation, &turn) {
                        Ok((socket, negotiation)) => return Ok((socket, Some(negotiation))),
                        Err(error) => plan.failed(error)?,
                    }
                }
                Err(error) => plan.unreachable(error),
            },
            Step::Failed(error) => return Err(error),
        }
    }
}

fn open<C: Connection>(turn: &Turn<'_>) -> io::Result<C> {
    match turn.place {
        Place::Tcp(addr) => Ok(C::tcp(match turn.until_reached.left(Instant::now())? {
            Some(left) => TcpStream::connect_timeout(&addr, left)?,
            None => TcpStream::connect(addr)?,
        })),
        Place::Unix(path) => C::unix(path),
    }
}

fn negotiate<C: Connection>(
    mut socket: C,
    mut negotiation: Negotiation,
    turn: &Turn<'_>,
) -> Result<(C, Negotiation), Error> {
    run_until(&mut socket, &mut negotiation, turn.until_reached, turn.until_done)?;
    Ok((socket, negotiation))
}

/// [`drive`]s a negotiation until two deadlines, then takes the timeouts off the socket.
pub(crate) fn run_until<C: Connection>(
    socket: &mut C,
    negotiation: &mut Negotiation,
    until_reached: Deadline,
    until_done: Deadline,
) -> Result<(), Error> {
    drive(socket, negotiation, |socket, wait| match wait {
        Wait::Write => socket.set_write_timeout(until_done.left(Instant::now())?),
        Wait::Answer => socket.set_read_timeout(until_reached.left(Instant::now())?),
        Wait::Read => socket.set_read_timeout(until_done.left(Instant::now())?),
    })?;
    let as_found = socket.set_read_timeout(None).and_then(|()| socket.set_write_timeout(None));
    as_found.map_err(|source| Error::from_io(Phase::Reply, source))
}
