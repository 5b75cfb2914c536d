//! connect(2).

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use socks_config::{ProxyRule, Route};
use socks_proto::TargetAddr;

use super::pause::Call;
use super::{Decision, bind, epoll, ways};
use crate::config;
use crate::debug::{About, tell};
use crate::drive::{self, Readiness};
use crate::names::{self, Meaning};
use crate::record::Phase;
use crate::sys::resolve;
use crate::sys::socket::{self, Domain, Timeout};
use crate::table::{self, Held};
use crate::work::{Purpose, Work, nanos};

/// Where the rules send a destination.
pub(super) fn route(to: SocketAddr) -> Route<'static> {
    config::get().route(SocketAddr::new(to.ip().to_canonical(), to.port()))
}

pub(crate) fn connect(call: &mut Call, fd: BorrowedFd<'_>, to: SocketAddr) -> Decision<()> {
    if let Some(outcome) = connect_again(call, fd) {
        return outcome;
    }
    let (target, is_name) = match names::meaning(to) {
        Meaning::Address => (TargetAddr::Ip(to), false),
        Meaning::Name(target) => (target, true),
        Meaning::Unknown => return Decision::Fail(Errno::HOSTUNREACH),
    };
    let way = if is_name { config::get().route(&target) } else { route(to) };
    tell(About::Decision, fd, || decision(&target));
    let way = match way {
        // The address of a name leads nowhere by itself, and not through other sockets than those of TCP.
        Route::Direct if is_name => return Decision::Fail(Errno::HOSTUNREACH),
        Route::Direct if ways::leads_to_resolver(to) => return Decision::Fail(Errno::CONNREFUSED),
        Route::Direct => {
            table::forget(fd.as_raw_fd());
            return Decision::Pass;
        }
        _ => match socket::is_tcp(fd) {
            Ok(true) => way,
            Ok(false) if is_name => return Decision::Fail(Errno::HOSTUNREACH),
            Ok(false) => return ways::datagram(fd, to).err().map_or(Decision::Pass, Decision::Fail),
            Err(error) => return Decision::Fail(error),
        },
    };
    let rule = match way {
        // A name service module, on its way to look that very proxy up: it cannot go through it, and must not
        // go past it.
        _ if resolve::is_inside() => return Decision::Fail(Errno::ACCESS),
        // As the kernel has it: such a socket is not for IPv4.
        Route::Proxy(_) if to.ip() != to.ip().to_canonical() && socket::is_v6_only(fd) => {
            return Decision::Fail(Errno::NETUNREACH);
        }
        Route::Proxy(rule) => rule,
        // Neither a refusal nor a kind of route that is not known here may go out.
        _ => return Decision::Fail(Errno::ACCESS),
    };
    match start(fd, to, target, rule) {
        Ok(Some(record)) => call.wait(fd, record, Timeout::Send, Errno::INPROGRESS),
        Ok(None) => Decision::Done(()),
        Err(error) => Decision::Fail(error),
    }
}

/// Which way a target goes, and by which line, for who asks why.
fn decision(target: &TargetAddr) -> String {
    let canonical = target.to_canonical();
    let explained = config::get().explain(&canonical);
    let way = match explained.route {
        Route::Direct => "direct".to_owned(),
        Route::Proxy(rule) => format!("through {rule}"),
        Route::Refused(refusal) => format!("refused: {refusal}"),
    };
    match explained.rule {
        Some((pattern, line)) => format!("connect to {target}: {way}, by {pattern} in {line}"),
        None => format!("connect to {target}: {way}"),
    }
}

/// What connect says of a socket that is ours already, or `None` where it may begin anew.
pub(crate) fn connect_again(call: &mut Call, fd: BorrowedFd<'_>) -> Option<Decision<()>> {
    // Who was here before, and waited, knows the socket.
    let record = if call.is_resumed() { table::get(fd.as_raw_fd()) } else { live(fd) }?;
    let phase = match record.phase() {
        Phase::Pending if call.is_resumed() => return Some(call.wait(fd, record, Timeout::Send, Errno::INPROGRESS)),
        Phase::Pending => match socket::is_nonblocking(fd) {
            Ok(true) => drive::drive(&record, fd, Readiness::Unknown),
            // The kernel waits as well, for a connect that a signal had cut short.
            Ok(false) => return Some(call.wait(fd, record, Timeout::Send, Errno::INPROGRESS)),
            Err(error) => return Some(Decision::Fail(error)),
        },
        phase => phase,
    };
    match phase {
        Phase::Pending => Some(Decision::Fail(Errno::ALREADY)),
        // Who waited for it hears of it, though another thread may have asked SO_ERROR meanwhile.
        Phase::Tunnel if record.report_connect() || call.is_resumed() => Some(Decision::Done(())),
        // Bound before the connect, and asked for its name: that is all the proxy was wanted for.
        Phase::Bound | Phase::Arrived if bind::release(fd, &record) => None,
        Phase::Tunnel | Phase::Bound | Phase::Arrived | Phase::Accepted => Some(Decision::Fail(Errno::ISCONN)),
        Phase::Failed => Some(Decision::Fail(fail(fd, &record))),
        Phase::Broken => {
            give_up(fd, &record);
            // Who learned of the failure otherwise is told once more, as by the kernel; the next one begins anew.
            record.report_connect().then_some(Decision::Fail(Errno::CONNABORTED))
        }
        Phase::BoundHere | Phase::Fresh | Phase::Poller | Phase::Internal => None,
    }
}

/// Begins; the record is there where a blocking call has to wait for it.
///
/// `to` is the address as the program knows it, `target` what it stands for.
fn start(
    fd: BorrowedFd<'_>,
    to: SocketAddr,
    target: TargetAddr,
    rule: &'static ProxyRule,
) -> Result<Option<Held>, Errno> {
    let flags = socket::flags(fd)?;
    let purpose = Purpose::Connect(target);
    let domain = Domain::of(&to);
    let work = work(purpose, rule, domain, Some(flags));
    let record = table::enter(fd, Phase::Pending, domain, Some(work))?;
    record.target.set(Some(to));
    take_out(fd, &record)?;
    match drive::start(&record, fd) {
        Phase::Pending if flags.contains(OFlags::NONBLOCK) => Err(Errno::INPROGRESS),
        Phase::Pending => Ok(Some(record)),
        Phase::Tunnel => {
            record.report_connect();
            Ok(None)
        }
        _ => Err(fail(fd, &record)),
    }
}

/// Takes the error of a failed connect, and leaves a socket that may be used again, as the kernel does.
pub(super) fn fail(fd: BorrowedFd<'_>, record: &Held) -> Errno {
    let error = take_failure(record);
    give_up(fd, record);
    error
}

/// The error of a failed connect, for who learns of it otherwise than by connect.
pub(super) fn take_failure(record: &Held) -> Errno {
    let error = record.take_error().unwrap_or(Errno::CONNABORTED);
    table::set_phase(record, Phase::Broken);
    error
}

/// A connect to nothing: what is known of the socket holds no more.
pub(crate) fn dissolve(fd: BorrowedFd<'_>) {
    if let Some(record) = table::get(fd.as_raw_fd()) {
        epoll::attach(&record, fd);
        let_go(fd, &record);
    }
}

/// Lets a socket go whose connect failed: as after one of the kernel's, it may be used again.
pub(super) fn give_up(fd: BorrowedFd<'_>, record: &Held) {
    let_go(fd, record);
    if record.is_proxied() {
        let _ = socket::disconnect(fd);
        record.set_proxied(false);
    }
}

/// Takes a socket that begins out of the program's epolls, or lets it go with all of them as they were.
///
/// # Errors
/// As [`epoll::detach`].
pub(super) fn take_out(fd: BorrowedFd<'_>, record: &Held) -> Result<(), Errno> {
    epoll::detach(record, fd).inspect_err(|_| {
        epoll::attach(record, fd);
        let_go(fd, record);
    })
}

/// The socket is none of ours for now; its duplicates go on to be known as such.
pub(super) fn let_go(fd: BorrowedFd<'_>, record: &Held) {
    if record.is_shared() {
        table::set_phase(record, Phase::Fresh);
    } else {
        table::forget(fd.as_raw_fd());
    }
}

/// The record of a descriptor, unless its number was closed behind our back and given to a new socket.
pub(super) fn live(fd: BorrowedFd<'_>) -> Option<Held> {
    let record = table::get(fd.as_raw_fd())?;
    if record.phase() == Phase::Tunnel && socket::is_unconnected(fd) {
        table::forget(fd.as_raw_fd());
        return None;
    }
    Some(record)
}

/// The work that a purpose needs, with the configuration's one deadline.
pub(super) fn work(purpose: Purpose, rule: &'static ProxyRule, domain: Domain, flags: Option<OFlags>) -> Box<Work> {
    Box::new(Work::new(purpose, rule, domain, flags, nanos(config::get().timeout())))
}
