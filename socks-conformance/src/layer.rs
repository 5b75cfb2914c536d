//! A toy method of authentication that protects all that follows, as GSSAPI does: a test double that hides nothing.

use std::num::NonZeroUsize;

use socks_proto::{Auth, AuthError, AuthMethod, AuthStatus, MethodId, Offer, SecurityLayer, Unwrapped};

/// One of the numbers reserved for private methods.
pub const METHOD: MethodId = MethodId(0x80);
const KEY: u8 = 0x5a;

/// Lets everybody in, and protects with messages of one length byte and that many bytes, each turned over.
#[derive(Debug)]
pub struct Toy;

/// Offers it alone.
///
/// # Panics
/// Never: its number is a private one.
pub fn offer() -> Offer {
    Offer::stepwise(Auth::private(METHOD, Box::new(Toy)).ok().expect("a private number"))
}

impl AuthMethod for Toy {
    fn start(&mut self, _: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        Ok(AuthStatus::Done)
    }

    fn receive(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        Ok(AuthStatus::Done)
    }

    fn into_layer(self: Box<Self>) -> Option<Box<dyn SecurityLayer>> {
        Some(self)
    }
}

impl SecurityLayer for Toy {
    fn wrap(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), AuthError> {
        out.extend(wrapped(plain));
        Ok(())
    }

    fn unwrap(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Unwrapped, AuthError> {
        let mut consumed = 0;
        loop {
            let rest = &input[consumed..];
            let whole = 1 + rest.first().map_or(0, |&len| usize::from(len));
            match NonZeroUsize::new(whole.saturating_sub(rest.len())) {
                Some(at_least) => return Ok(Unwrapped { consumed, at_least }),
                None => out.extend(rest[1..whole].iter().map(|byte| byte ^ KEY)),
            }
            consumed += whole;
        }
    }
}

/// What the layer makes of these bytes, on either side.
pub fn wrapped(plain: &[u8]) -> Vec<u8> {
    let message = |part: &[u8]| {
        let len = u8::try_from(part.len()).expect("at most 255");
        std::iter::once(len).chain(part.iter().map(|byte| byte ^ KEY)).collect::<Vec<_>>()
    };
    plain.chunks(255).flat_map(message).collect()
}
