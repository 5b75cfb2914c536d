//! A toy security context: a test double that protects nothing.
//!
//! The tokens are texts: the client says `client-1`, the proxy `server-1`, and so on. A wrapped message is one
//! letter and the data: `i` before the data as it is (integrity), `c` before the complement of each of its
//! bytes (confidentiality). What does not fit is an error of the mechanism, always [`error`].

use socks_proto::{GssContext, GssStatus, MechanismError};

const FAILURE: u32 = 0x000d_0000;

/// A context that is complete after `legs` tokens of the proxy.
#[derive(Clone, Debug)]
pub struct ToyContext {
    legs: usize,
    taken: usize,
}

/// The one error of a [`ToyContext`].
pub fn error() -> MechanismError {
    MechanismError { major: FAILURE, minor: 0, message: "toy context: bad token".into() }
}

/// Wraps as the proxy does, too.
pub fn wrap(plain: &[u8], confidential: bool) -> Vec<u8> {
    match confidential {
        true => b"c".iter().copied().chain(plain.iter().map(|byte| !byte)).collect(),
        false => [b"i", plain].concat(),
    }
}

impl ToyContext {
    /// A context that waits for so many tokens; with none it needs only one message of the client.
    pub fn new(legs: usize) -> Self {
        Self { legs, taken: 0 }
    }
}

impl GssContext for ToyContext {
    fn step(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<GssStatus, MechanismError> {
        let expected = if self.taken == 0 { String::new() } else { format!("server-{}", self.taken) };
        if token != expected.as_bytes() {
            return Err(error());
        }
        self.taken += 1;
        let complete = self.taken > self.legs;
        // A last token of the proxy needs no answer.
        if !complete || self.legs == 0 {
            out.extend_from_slice(format!("client-{}", self.taken).as_bytes());
        }
        Ok(if complete { GssStatus::Complete } else { GssStatus::Continue })
    }

    fn wrap(&mut self, plain: &[u8], confidential: bool, out: &mut Vec<u8>) -> Result<(), MechanismError> {
        out.extend_from_slice(&wrap(plain, confidential));
        Ok(())
    }

    fn unwrap(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<bool, MechanismError> {
        match token {
            [b'i', plain @ ..] => out.extend_from_slice(plain),
            [b'c', sealed @ ..] => out.extend(sealed.iter().map(|byte| !byte)),
            _ => return Err(error()),
        }
        Ok(token[0] == b'c')
    }

    fn wrap_limit(&self, max_token: usize, _confidential: bool) -> usize {
        max_token - 1
    }
}
