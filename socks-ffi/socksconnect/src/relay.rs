//! Bytes both ways, until both have come to their end.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, splice};
use rustix::stdio::{dup2_stdout, stdin, stdout};
use socks_blocking::Socket;

/// How much is moved at once: as large as a pipe may be made without privileges.
const MOST: usize = 1 << 20;
/// The same for what is read and written, which a larger one does not make faster.
const BUFFER: usize = 256 << 10;

/// Why a connection ended other than by its two ends.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The connection is gone.
    Connection(io::Error),
    /// Standard input cannot be read.
    Input(io::Error),
    /// Standard output cannot be written.
    Output(io::Error),
    /// Nobody reads standard output any more, who knows why.
    Reader,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the connection broke: {error}"),
            Self::Input(error) => write!(f, "standard input: {error}"),
            Self::Output(error) => write!(f, "standard output: {error}"),
            Self::Reader => f.write_str("nobody reads standard output"),
        }
    }
}

/// Which side of a copy failed.
#[derive(Debug)]
enum Failure {
    Read(Errno),
    Write(Errno),
}

/// Passes standard input on to the socket and the socket on to standard output. The end of each is passed on when it
/// comes, while the other direction goes on.
pub(crate) fn relay(socket: Socket) -> Result<(), Broken> {
    if let Socket::Tcp(socket) = &socket {
        // What comes by standard input in pieces is meant to leave so; without this it still arrives.
        let _ = socket.set_nodelay(true);
    }
    // A splice(2) that waits for a socket holds the lock of the pipe, and with it up whoever reads there what came before.
    socket.set_nonblocking(true).map_err(Broken::Connection)?;
    let up = socket.try_clone().map_err(Broken::Connection)?;
    let (tell, told) = mpsc::channel();
    let upwards = thread::Builder::new().name("up".into()).spawn(move || {
        // By a buffer: splice(2) of small pages into a socket makes the proxy slower than it spares here.
        let outcome = pump(stdin(), up.as_fd());
        // Told before the other thread can see it by the socket.
        let _ = tell.send(outcome);
        // Where the connection is gone it has no direction to be ended.
        let _ = up.shutdown(Shutdown::Write);
    });
    // Not joined: it may be in the midst of a read that nothing ends.
    drop(upwards.map_err(Broken::Connection)?);
    match download(socket.as_fd(), stdout()) {
        Ok(()) => {}
        Err(Failure::Read(error)) => return Err(Broken::Connection(error.into())),
        Err(Failure::Write(Errno::PIPE)) => return Err(Broken::Reader),
        Err(Failure::Write(error)) => return Err(Broken::Output(error.into())),
    }
    close_output().map_err(Broken::Output)?;
    // Both directions are over, or the connection is gone.
    wait(socket.as_fd(), PollFlags::empty()).map_err(|error| Broken::Connection(error.into()))?;
    match told.try_recv() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Failure::Read(error))) => Err(Broken::Input(error.into())),
        Ok(Err(Failure::Write(error))) => Err(Broken::Connection(error.into())),
        Err(_) => Err(Broken::Connection(Errno::CONNRESET.into())),
    }
}

/// Lets who reads standard output see its end.
fn close_output() -> io::Result<()> {
    let nothing = File::options().write(true).open("/dev/null")?;
    Ok(dup2_stdout(nothing)?)
}

/// Copies the socket to its end: without the bytes coming by here where standard output is a pipe.
fn download(socket: BorrowedFd<'_>, output: BorrowedFd<'_>) -> Result<(), Failure> {
    // Fails for what is no pipe, and for a user who has many: then it stays as it is.
    let _ = fcntl_setpipe_size(output, MOST);
    loop {
        match splice(socket, None, output, None, MOST, SpliceFlags::empty()) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                wait(socket, PollFlags::IN).map_err(Failure::Read)?;
                wait(output, PollFlags::OUT).map_err(Failure::Write)?;
            }
            // No pipe.
            Err(Errno::INVAL) => return pump(socket, output),
            Err(Errno::PIPE) => return Err(Failure::Write(Errno::PIPE)),
            Err(error) => return Err(Failure::Read(error)),
        }
    }
}

/// Copies to the end of `from`, by a buffer.
fn pump(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Failure> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let mut rest = match retry_on_intr(|| read(from, &mut buffer[..])) {
            Ok(0) => return Ok(()),
            Ok(len) => &buffer[..len],
            Err(Errno::AGAIN) => {
                wait(from, PollFlags::IN).map_err(Failure::Read)?;
                continue;
            }
            Err(error) => return Err(Failure::Read(error)),
        };
        while !rest.is_empty() {
            match retry_on_intr(|| write(to, rest)) {
                Ok(len) => rest = &rest[len..],
                Err(Errno::AGAIN) => wait(to, PollFlags::OUT).map_err(Failure::Write)?,
                Err(error) => return Err(Failure::Write(error)),
            }
        }
    }
}

/// Waits for this, or for both directions to be over.
fn wait(fd: BorrowedFd<'_>, what: PollFlags) -> Result<(), Errno> {
    retry_on_intr(|| poll(&mut [PollFd::from_borrowed_fd(fd, what)], None)).map(|_| ())
}
