//! The hostile proxy: plays the [`Plan`] of a case to one client.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;

use super::case::Plan;

/// A client that does nothing for so long hangs.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What the proxy does when it has said all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Closes its side, and hears the client out.
    Close,
    /// Resets the connection.
    Reset,
    /// Nothing.
    Silence,
    /// Repeats what the application says, and closes its side.
    Echo,
}

/// Plays it, and stays until the client has closed the connection. What trickles does so with this pause.
///
/// # Errors
/// What the client said that it should not have said, or did not say, or that it never closed.
pub fn play(plan: &Plan, pause: Duration, mut wire: TcpStream) -> Result<(), String> {
    let set_up = wire.set_nodelay(true).and_then(|()| wire.set_read_timeout(Some(PATIENCE)));
    set_up.and_then(|()| wire.set_write_timeout(Some(PATIENCE))).map_err(|error| error.to_string())?;
    let mut heard = Vec::new();
    let mut at = 0;
    let began = Instant::now();
    while at < plan.stream.len() {
        if !hear(&mut wire, &mut heard, plan.due[at])? {
            return plan.accepts(&heard);
        }
        let end = at + plan.due[at..].iter().take_while(|due| **due == plan.due[at]).count();
        let end = if at < plan.dribbles_from { end.min(plan.dribbles_from) } else { at + 1 };
        // A client that has heard enough may be gone.
        match wire.write_all(&plan.stream[at..end]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err("the client takes nothing".into()),
            Err(_) => break,
            Ok(()) => {}
        }
        if plan.trickles && at >= plan.dribbles_from {
            if speaks_within(pause, &wire)? {
                // A client that does anything now has had enough.
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err("the client takes whatever trickles".into());
            }
        } else if at >= plan.dribbles_from {
            // So that the client may take it.
            thread::yield_now();
        }
        at = end;
    }
    match plan.end {
        End::Reset => {
            if !plan.is_early && !hear(&mut wire, &mut heard, plan.hears.len() - plan.application)? {
                return plan.accepts(&heard);
            }
            return sockopt::set_socket_linger(&wire, Some(Duration::ZERO)).map_err(|error| error.to_string());
        }
        End::Echo => {
            if !hear(&mut wire, &mut heard, plan.hears.len())? {
                return plan.accepts(&heard);
            }
            let echo = &heard[plan.hears.len() - plan.application..];
            wire.write_all(echo).map_err(|error| format!("the echo: {error}"))?;
            close(&wire);
        }
        End::Close => close(&wire),
        End::Silence => {}
    }
    let mut rest = Vec::new();
    match wire.read_to_end(&mut rest) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Err("the client never closed".into()),
        // A client that closes with bytes unread resets the connection.
        _ => heard.extend(rest),
    }
    plan.accepts(&heard)
}

impl Plan {
    /// Whether a client may have said this by its end.
    fn accepts(&self, heard: &[u8]) -> Result<(), String> {
        let is_as_expected = if self.may_be_cut { self.hears.starts_with(heard) } else { heard == self.hears };
        match is_as_expected {
            true => Ok(()),
            false => Err(format!("the client said {}, expected {}", heard.escape_ascii(), self.hears.escape_ascii())),
        }
    }
}

/// Whether the client says or does anything within this time.
fn speaks_within(time: Duration, wire: &TcpStream) -> Result<bool, String> {
    let time = Timespec::try_from(time).map_err(|error| error.to_string())?;
    let ready = poll(&mut [PollFd::new(wire, PollFlags::IN)], Some(&time)).map_err(|error| error.to_string())?;
    Ok(ready > 0)
}

/// The client may be gone already: then there is nobody to tell.
fn close(wire: &TcpStream) {
    let _ = wire.shutdown(std::net::Shutdown::Write);
}

/// Reads until so much was heard; whether the client has said it.
fn hear(wire: &mut TcpStream, heard: &mut Vec<u8>, len: usize) -> Result<bool, String> {
    let missing = len.saturating_sub(heard.len());
    match wire.take(missing as u64).read_to_end(heard) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Err(format!("the client said {}, and no more for ever", heard.escape_ascii()))
        }
        outcome => Ok(outcome.is_ok_and(|n| n == missing)),
    }
}
