//! The scripted proxy in memory: a stream whose other end plays a [`Script`], without a thread.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::script::{Act, Script};

/// The client's end. Clones are the same end, so that an adapter may own one and the test look at another.
///
/// Nothing here waits: a read that would wait for ever is an error, [`ErrorKind::TimedOut`].
#[derive(Clone)]
pub struct Pipe(Arc<Mutex<State>>);

struct State {
    script: Script,
    /// How many bytes of the piece at the front were read.
    given: usize,
    writes: usize,
    rest: bool,
    violation: Option<String>,
}

impl Pipe {
    /// A pipe whose other end plays this.
    pub fn new(script: Script) -> Self {
        Self(Arc::new(Mutex::new(State { script, given: 0, writes: 0, rest: false, violation: None })))
    }

    /// What the client left unread, or what it did wrong.
    ///
    /// # Errors
    /// What it did that the script does not allow.
    pub fn finish(&self) -> Result<Vec<u8>, String> {
        let mut state = self.lock();
        if let Some(violation) = state.violation.take() {
            return Err(violation);
        }
        if let Some(allowed) = state.script.writes
            && state.writes > allowed
        {
            return Err(format!("{} writes for {allowed} flights", state.writes));
        }
        let mut unread = Vec::new();
        let given = state.given;
        for act in &state.script.acts {
            match act {
                Act::Give(bytes) => unread.extend_from_slice(bytes),
                Act::Expect(bytes) if state.script.complete => {
                    return Err(format!("the client never said {}", bytes.escape_ascii()));
                }
                Act::Expect(_) => {}
            }
        }
        unread.drain(..given);
        Ok(unread)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Every other call would block, where the script says so.
    fn rests(&mut self) -> bool {
        self.rest = self.script.restless && !self.rest;
        self.rest
    }

    fn violate(&mut self, kind: ErrorKind, what: String) -> io::Error {
        let error = io::Error::new(kind, what.clone());
        self.violation.get_or_insert(what);
        error
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.rests() {
            return Err(ErrorKind::WouldBlock.into());
        }
        // The last act is what it says last, if it still says anything.
        let says_more = self.script.acts.iter().rev().any(|act| matches!(act, Act::Give(_)));
        match self.script.acts.front() {
            Some(Act::Give(bytes)) => {
                let rest = &bytes[self.given..];
                let n = rest.len().min(buf.len());
                buf[..n].copy_from_slice(&rest[..n]);
                self.given += n;
                if n == rest.len() {
                    self.script.acts.pop_front();
                    self.given = 0;
                }
                Ok(n)
            }
            // What the client would still say does not matter to a proxy that says nothing more.
            _ if self.script.closes && !says_more => Ok(0),
            Some(Act::Expect(bytes)) => {
                let what = format!("both sides wait: the proxy for {}", bytes.escape_ascii());
                Err(self.violate(ErrorKind::TimedOut, what))
            }
            None => Err(self.violate(ErrorKind::TimedOut, "the client waits for a proxy that has said all".into())),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.rests() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.writes += 1;
        let n = bytes.len().min(self.script.write_cap.unwrap_or(usize::MAX));
        match self.script.acts.front_mut() {
            Some(Act::Expect(expected)) if expected.starts_with(&bytes[..n]) => {
                expected.drain(..n);
                if expected.is_empty() {
                    self.script.acts.pop_front();
                }
                Ok(n)
            }
            Some(Act::Expect(expected)) => {
                let what = format!("the client says {}, expected {}", bytes.escape_ascii(), expected.escape_ascii());
                Err(self.violate(ErrorKind::InvalidData, what))
            }
            _ => {
                let what = format!("the client speaks out of turn: {}", bytes.escape_ascii());
                Err(self.violate(ErrorKind::InvalidData, what))
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buf)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe").field("acts", &self.lock().script.acts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(acts: impl IntoIterator<Item = Act>, write_cap: Option<usize>, restless: bool) -> Pipe {
        let acts = acts.into_iter().collect();
        Pipe::new(Script { acts, closes: false, complete: true, writes: None, write_cap, restless })
    }

    #[test]
    fn what_is_not_read_is_left_over() {
        let mut pipe = pipe([Act::Expect(b"ab".into()), Act::Give(b"cd".into())], None, false);
        assert_eq!(pipe.write(b"ab").unwrap(), 2);
        assert_eq!(pipe.read(&mut [0]).unwrap(), 1);
        assert_eq!(pipe.finish(), Ok(b"d".to_vec()));
    }

    #[test]
    fn a_wrong_client_is_found_out() {
        let script = || [Act::Expect(b"ab".into()), Act::Give(b"cd".into())];
        let mut early = pipe(script(), None, false);
        assert_eq!(early.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(early.finish().unwrap_err().contains("both sides wait"));
        let mut wrong = pipe(script(), None, false);
        assert!(wrong.write(b"ax").is_err());
        let mut eager = pipe([Act::Give(b"cd".into())], None, false);
        assert!(eager.write(b"a").is_err());
        let silent = pipe(script(), None, false);
        assert!(silent.finish().unwrap_err().contains("never said"));
    }

    #[test]
    fn short_writes_and_restless_calls() {
        let mut pipe = pipe([Act::Expect(b"abc".into())], Some(2), true);
        assert_eq!(pipe.write(b"abc").unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(pipe.write(b"abc").unwrap(), 2);
    }
}
