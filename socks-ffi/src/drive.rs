//! Moves a pending socket on, as far as it goes without waiting.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::event::PollFlags;
use rustix::io::Errno;
use socks_proto::{Command, Error, Event, Step, WireAddr};

use crate::debug::{About, tell};
use crate::errno;
use crate::fork::Claim;
use crate::ops::epoll;
use crate::record::{Phase, Record};
use crate::sys::{self, socket};
use crate::table::{self, Held};
use crate::work::{Stage, Work};

/// What the caller knows of the descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readiness {
    /// Nothing: look.
    Unknown,
    /// What poll(2) said just now.
    Polled(PollFlags),
}

/// How far it came.
enum Progress {
    Wait(PollFlags),
    Connected(WireAddr),
    Bound(WireAddr),
    Accepted(WireAddr),
}

/// Begins with the first proxy.
pub(crate) fn start(record: &Held, fd: BorrowedFd<'_>) -> Phase {
    let Some(mut slot) = record.work.try_lock() else { return record.phase() };
    let Some(work) = slot.as_deref_mut() else { return record.phase() };
    let progress = match work.next_attempt(fd) {
        // It may be done at once, on a Unix socket or on this machine.
        Ok(()) if work.stage == Stage::Negotiating => advance(work, fd, Readiness::Polled(PollFlags::OUT)),
        Ok(()) => Ok(Progress::Wait(PollFlags::OUT)),
        Err(error) => Err(error),
    };
    settle(record, fd, &mut slot, progress)
}

/// Moves on. Returns the phase that the record has afterwards, whoever moved it there.
pub(crate) fn drive(record: &Held, fd: BorrowedFd<'_>, ready: Readiness) -> Phase {
    let phase = record.phase();
    if !matches!(phase, Phase::Pending | Phase::Bound) {
        return phase;
    }
    if record.kin.is_elsewhere() {
        return adopt(record, fd);
    }
    // Who waits for it in the kernel asked for what the handshake wanted then, and must find it so.
    if matches!(ready, Readiness::Unknown) && record.is_led() {
        return phase;
    }
    // Another thread is at it, for a moment only.
    let Some(mut slot) = record.work.try_lock() else { return record.phase() };
    // Under the lock: who closes the descriptor waits for it before the number can name another socket.
    if !table::is_current(fd.as_raw_fd(), record) {
        return record.phase();
    }
    let Some(work) = slot.as_deref_mut() else { return record.phase() };
    let claim = record.kin.claim();
    if claim == Claim::Refused {
        drop(slot);
        return adopt(record, fd);
    }
    work.moved = false;
    let progress = advance(work, fd, ready);
    if claim == Claim::Fresh && !work.moved && progress.is_ok() {
        record.kin.unclaim();
    }
    settle(record, fd, &mut slot, progress)
}

/// Another process, which was forked from this one or the other way round, moves it on: takes over what came of that.
fn adopt(record: &Held, fd: BorrowedFd<'_>) -> Phase {
    let before = record.phase();
    let Some(phase) = record.kin.news(record) else { return before };
    if phase == Phase::Failed {
        // The driver did so, unless it died: then nobody must take the rest of the handshake for the target's data.
        let _ = socket::disconnect(fd);
        socket::shut_down(fd);
    }
    if phase == Phase::Bound {
        record.set_deadline(u64::MAX);
    }
    if table::change_phase(record, before, phase) {
        tell(About::Connection, fd, || format!("{phase} by another process"));
        show(record, fd, phase);
    }
    record.phase()
}

/// What waits for the socket learns of its new phase.
fn show(record: &Record, fd: BorrowedFd<'_>, phase: Phase) {
    match phase {
        Phase::Tunnel | Phase::Failed => epoll::attach(record, fd),
        // What cannot be shown is found when the program asks otherwise.
        _ => _ = epoll::follow(record, fd, phase),
    }
}

/// Gives up, for the program's sake, what is under way. `error` is what the program is told of it.
///
/// `false`: it has come to its end meanwhile.
///
/// # Errors
/// EAGAIN where a signal handler interrupted who moves it on at this moment.
pub(crate) fn abort(record: &Held, fd: BorrowedFd<'_>, error: Errno) -> Result<bool, Errno> {
    record.await_driver();
    let mut slot = record.work.try_lock().ok_or(Errno::AGAIN)?;
    let is_under_way = matches!(record.phase(), Phase::Pending | Phase::Bound | Phase::Arrived);
    if !is_under_way || !table::is_current(fd.as_raw_fd(), record) {
        return Ok(false);
    }
    if slot.is_none() {
        // A peer has arrived, which is not accepted any more.
        let _ = socket::disconnect(fd);
    }
    settle(record, fd, &mut slot, Err(error));
    // The program gave it up itself: no connect has to tell it so.
    record.report_connect();
    Ok(true)
}

fn settle(
    record: &Record,
    fd: BorrowedFd<'_>,
    slot: &mut Option<Box<Work>>,
    progress: Result<Progress, Errno>,
) -> Phase {
    record.set_proxied(slot.as_ref().is_some_and(|work| work.is_proxied()));
    let failure = progress.as_ref().err().copied();
    let phase = match progress {
        Ok(Progress::Wait(wants)) => {
            let renewed = slot.as_mut().is_some_and(|work| std::mem::take(&mut work.renewed));
            let changed = renewed || record.wants() != wants;
            record.set_wants(wants);
            if record.phase() == Phase::Pending {
                record.set_deadline(slot.as_ref().map_or(0, |work| work.deadline()));
            }
            // An epoll of the program's that cannot wait for it would never tell of it.
            if changed && let Err(error) = epoll::follow(record, fd, record.phase()) {
                return settle(record, fd, slot, Err(error));
            }
            return record.phase();
        }
        Ok(Progress::Connected(bound)) => {
            record.bound.set(bound.socket_addr().filter(|_| !bound.is_unspecified()));
            *slot = None;
            Phase::Tunnel
        }
        Ok(Progress::Bound(bound)) => {
            record.bound.set(reachable(bound, fd));
            record.set_wants(PollFlags::IN);
            // Who is bound waits as long as the program likes.
            record.set_deadline(u64::MAX);
            Phase::Bound
        }
        Ok(Progress::Accepted(peer)) => {
            record.target.set(peer.socket_addr());
            *slot = None;
            Phase::Arrived
        }
        Err(error) => {
            record.set_error(error);
            // What never went on its way to a proxy may be a socket that listens: hands off.
            if record.is_proxied() {
                // First disconnected: the rest of the proxy's answer must not be read as the target's data.
                let _ = socket::disconnect(fd);
                socket::shut_down(fd);
            }
            if let Some(work) = slot {
                work.restore(fd, record.domain());
            }
            *slot = None;
            Phase::Failed
        }
    };
    tell(About::Connection, fd, || match (failure, record.bound.get()) {
        (Some(error), _) => format!("{phase}: {error}"),
        (None, Some(bound)) => format!("{phase}, at the proxy's {bound}"),
        (None, None) => phase.to_string(),
    });
    record.kin.publish(record, phase, failure);
    table::set_phase(record, phase);
    show(record, fd, phase);
    phase
}

/// Where peers must connect to: a proxy that leaves its host open means itself.
fn reachable(bound: WireAddr, fd: BorrowedFd<'_>) -> Option<SocketAddr> {
    let proxy = socket::peer_addr(fd).map(|addr| addr.ip().to_canonical());
    match proxy {
        Some(proxy) => Some(bound.or_host(proxy).unwrap_or_else(|| SocketAddr::new(proxy, bound.port()))),
        None => bound.socket_addr(),
    }
}

fn advance(work: &mut Work, fd: BorrowedFd<'_>, ready: Readiness) -> Result<Progress, Errno> {
    if sys::now() >= work.deadline() && !matches!(ready, Readiness::Polled(flags) if !flags.is_empty()) {
        return try_next(work, fd, Errno::TIMEDOUT);
    }
    let mut ready = ready;
    if work.stage == Stage::Connecting {
        let flags = match ready {
            Readiness::Polled(flags) => flags,
            Readiness::Unknown => socket::ready(fd, PollFlags::OUT)?,
        };
        if flags.is_empty() {
            return Ok(Progress::Wait(PollFlags::OUT));
        }
        if flags.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            return try_next(work, fd, socket::take_error(fd).unwrap_or(Errno::CONNREFUSED));
        }
        work.stage = Stage::Negotiating;
        ready = Readiness::Polled(PollFlags::OUT);
    }
    match negotiate(work, fd, ready) {
        Err(error) if !work.answered => try_next(work, fd, error),
        outcome => outcome,
    }
}

/// The attempt at hand failed: the next one, unless its server has answered or the time is up.
fn try_next(work: &mut Work, fd: BorrowedFd<'_>, error: Errno) -> Result<Progress, Errno> {
    if work.answered {
        return Err(error);
    }
    if work.is_over(sys::now()) {
        work.attempts.fail();
        return Err(error);
    }
    work.note(fd, error);
    work.moved = true;
    work.next_attempt(fd)?;
    // Whatever its stage: a socket that is connected already is writable at once.
    Ok(Progress::Wait(PollFlags::OUT))
}

fn negotiate(work: &mut Work, fd: BorrowedFd<'_>, ready: Readiness) -> Result<Progress, Errno> {
    let Some(handshake) = work.handshake.as_mut() else { return Err(Errno::IO) };
    let binds = matches!(handshake.command(), Command::Bind(_));
    // An answer cannot be there before its question was sent: do not ask the kernel for it in vain.
    let mut may_read = match ready {
        Readiness::Unknown => true,
        Readiness::Polled(flags) => flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
    };
    let mut buf = [0; 512];
    loop {
        match handshake.step().map_err(|error| says(fd, &error))? {
            Step::Send(bytes) => match socket::send(fd, bytes) {
                Ok(sent) => {
                    work.moved = true;
                    handshake.sent(sent);
                    may_read = false;
                }
                Err(Errno::AGAIN) => return Ok(Progress::Wait(PollFlags::OUT)),
                Err(Errno::INTR) => {}
                Err(Errno::PIPE) => return Err(Errno::CONNRESET),
                Err(error) => return Err(error),
            },
            Step::Receive { .. } if !may_read => return Ok(Progress::Wait(PollFlags::IN)),
            Step::Receive { at_most } => {
                let most = buf.len().min(at_most.get());
                match socket::receive(fd, &mut buf[..most]) {
                    Ok(0) => return Err(says(fd, &handshake.receive_eof())),
                    Ok(len) => {
                        work.moved = true;
                        if !std::mem::replace(&mut work.answered, true) {
                            work.attempts.succeed();
                        }
                        handshake.receive(&buf[..len]).map_err(|error| says(fd, &error))?;
                    }
                    Err(Errno::AGAIN) => return Ok(Progress::Wait(PollFlags::IN)),
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error),
                }
            }
            Step::Event(Event::Bound) if binds => return handshake.bound().map(Progress::Bound).ok_or(Errno::IO),
            Step::Event(Event::Accepted) => return handshake.peer().map(Progress::Accepted).ok_or(Errno::IO),
            Step::Event(_) => {}
            Step::Done => {
                let Some(done) = work.handshake.take() else { return Err(Errno::IO) };
                // No GSSAPI is offered yet; a protected stream must not be taken for a plain one.
                return match done.into_established() {
                    Ok(established) if established.layer.is_none() => Ok(Progress::Connected(established.bound)),
                    _ => Err(Errno::IO),
                };
            }
            _ => return Err(Errno::IO),
        }
    }
}

/// What the program is told of what the proxy said.
fn says(fd: BorrowedFd<'_>, error: &Error) -> Errno {
    tell(About::Connection, fd, || error.to_string());
    errno::of(error)
}
