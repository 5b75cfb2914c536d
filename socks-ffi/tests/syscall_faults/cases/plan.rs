//! What is to fail, and what is seen of a program meanwhile.

use std::net::SocketAddr;

use libc::c_long;

/// A system call as the program makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) number: c_long,
    pub(crate) args: [u64; 3],
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not made, and says so much.
    Instead(i32),
    /// It is made, and says so much all the same: as of an interrupted connect, which goes on.
    After(i32),
    /// It is asked for one byte.
    Short,
}

/// Which call: among those of its kind, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) number: c_long,
    pub(crate) nth: usize,
    pub(crate) fault: Fault,
}

/// What was seen of a program.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The calls in which a fault may strike, in order.
    pub(crate) calls: Vec<Call>,
    /// Where it connected to, or sent something to, by an address of IP: whenever in its life.
    pub(crate) sent_to: Vec<SocketAddr>,
    /// Whether the fault struck.
    pub(crate) struck: bool,
    /// How it ended, where that was not by itself and with 0.
    pub(crate) end: Option<String>,
    pub(crate) printed: String,
}
