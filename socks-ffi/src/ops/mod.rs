//! What each function does, in safe Rust: `exports` turns C's pointers into references and back.

pub(crate) mod bind;
pub(crate) mod close;
pub(crate) mod connect;
pub(crate) mod epoll;
pub(crate) mod io;
pub(crate) mod name;
pub(crate) mod pause;
pub(crate) mod select;
pub(crate) mod shutdown;
pub(crate) mod wait;
pub(crate) mod ways;

use rustix::io::Errno;

use pause::Pause;

/// What a call comes to.
pub(crate) enum Decision<T> {
    /// It is done, with this value.
    Done(T),
    /// libc's function has to do it.
    Pass,
    /// It failed.
    Fail(Errno),
    /// It has to wait, and to be asked again after that.
    Wait(Pause),
}

impl<T> From<Result<T, Errno>> for Decision<T> {
    fn from(outcome: Result<T, Errno>) -> Self {
        match outcome {
            Ok(value) => Self::Done(value),
            Err(error) => Self::Fail(error),
        }
    }
}
