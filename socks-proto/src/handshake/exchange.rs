//! What only a handshake has whose method brings its own exchange, and maybe a protection for what follows.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::marks::Marks;
use super::protected::Protected;
use super::state::{Failed, Machine, State};
use crate::auth::method::{AuthError, AuthMethod, AuthStatus, SecurityLayer};
use crate::auth::userpass::wipe;
use crate::code_point::MethodId;
use crate::error::{Error, Malformed, Phase};
use crate::wire::{reply, request};

/// The method at work, then the protection, and their messages, which have no small bound.
#[derive(Default)]
pub(super) struct Exchange {
    /// The method, as long as it is not done.
    method: Option<Box<dyn AuthMethod>>,
    /// What it left behind.
    pub(super) protected: Option<Protected>,
    /// Messages on their way out: before the bytes of the buffer.
    out: Vec<u8>,
    sent: usize,
}

impl Exchange {
    /// The layer, and the plain bytes that came early.
    #[cold]
    pub(super) fn into_layer(mut self) -> Option<(Box<dyn SecurityLayer>, Vec<u8>)> {
        self.protected.take().map(Protected::into_parts)
    }

    pub(super) fn pending(&self) -> &[u8] {
        &self.out[self.sent..]
    }

    #[inline]
    pub(super) fn is_sent(&self) -> bool {
        self.sent == self.out.len()
    }

    #[cold]
    pub(super) fn advance(&mut self, n: usize) {
        self.sent += n.min(self.out.len() - self.sent);
        if self.is_sent() {
            wipe(&mut self.out);
            self.out.clear();
            self.sent = 0;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        wipe(&mut self.out);
    }
}

impl Machine {
    /// The proxy chose a method that brings its own exchange.
    #[cold]
    pub(super) fn begin(&mut self, id: MethodId) -> Result<(), Failed> {
        let Some(mut method) = self.offer.take(id) else { return self.malformed(Malformed::MethodNotOffered(id)) };
        self.marks.set(Marks::EXCHANGE);
        let exchange = self.exchange.insert(Box::default());
        let status = method.start(&mut exchange.out);
        self.follow(method, status)
    }

    fn follow(&mut self, method: Box<dyn AuthMethod>, status: Result<AuthStatus, AuthError>) -> Result<(), Failed> {
        match status {
            Ok(AuthStatus::Need { at_least }) => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.method = Some(method);
                }
                self.expect(State::AwaitAuth, at_least.get());
                Ok(())
            }
            Ok(AuthStatus::Done) => match method.into_layer() {
                Some(layer) => self.protect(layer),
                None => {
                    self.authenticated();
                    Ok(())
                }
            },
            Err(error) => self.fail(auth_error(error)),
        }
    }

    /// All that follows is inside this layer, beginning with the request.
    fn protect(&mut self, mut layer: Box<dyn SecurityLayer>) -> Result<(), Failed> {
        self.expect(State::AwaitReply, reply::MIN_LEN);
        let Some(exchange) = &mut self.exchange else { return Ok(()) };
        let mut plain = Vec::with_capacity(request::MAX_LEN);
        request::encode(&self.command, &mut plain);
        let wrapped = layer.wrap(&plain, &mut exchange.out);
        match wrapped.and_then(|()| Protected::new(layer)) {
            Ok(protected) => {
                exchange.protected = Some(protected);
                Ok(())
            }
            Err(error) => self.fail(auth_error(error)),
        }
    }

    /// Bytes of the proxy, where there is such an exchange. None of them, where it has to go on with what is there.
    #[cold]
    pub(super) fn take_exchange(&mut self, input: &[u8]) -> Result<usize, Failed> {
        let Some(exchange) = &mut self.exchange else { return Ok(0) };
        if exchange.protected.is_some() {
            return self.take_protected(input);
        }
        if input.is_empty() {
            return Ok(0);
        }
        let Some(mut method) = exchange.method.take() else { return self.take_plain(input) };
        let taken = input.len().min(self.missing.get());
        let status = method.receive(&input[..taken], &mut exchange.out);
        self.follow(method, status)?;
        Ok(taken)
    }

    /// Bytes of a protected stream: whole messages are unwrapped, and what they hold is read as usual.
    fn take_protected(&mut self, input: &[u8]) -> Result<usize, Failed> {
        let mut used = 0;
        loop {
            self.take_unwrapped()?;
            if !self.is_listening() || used == input.len() {
                return Ok(used);
            }
            let Some(protected) = self.protected() else { return Ok(used) };
            match protected.receive(&input[used..]) {
                Ok(taken) => used += taken,
                Err(error) => self.fail(auth_error(error))?,
            }
        }
    }

    fn take_unwrapped(&mut self) -> Result<(), Failed> {
        while self.is_listening() {
            let Some(protected) = self.protected() else { return Ok(()) };
            let mut plain = protected.take_plain();
            if plain.is_empty() {
                return Ok(());
            }
            let taken = self.take_plain(&plain)?;
            plain.drain(..taken);
            if let Some(protected) = self.protected() {
                protected.put_back(plain);
            }
        }
        Ok(())
    }

    fn protected(&mut self) -> Option<&mut Protected> {
        self.exchange.as_mut()?.protected.as_mut()
    }
}

fn auth_error(error: AuthError) -> Error {
    match error {
        AuthError::Failed(failure) => Error::Authenticate(failure),
        AuthError::Malformed(what) => Error::Malformed { phase: Phase::Authentication, what },
    }
}
