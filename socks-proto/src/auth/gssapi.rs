//! GSSAPI (RFC 1961): the framing around a security context that the caller brings.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::method::{AuthError, AuthMethod, AuthStatus, SecurityLayer, Unwrapped};
use crate::error::{AuthFailure, Malformed, MechanismError};
use crate::wire::Status;
use crate::wire::gssapi::{MAX_TOKEN, Message, MessageType, decode, encode};

/// A security context, such as one of Kerberos: the calls of GSSAPI that RFC 1961 uses.
pub trait GssContext: Send {
    /// One step of `gss_init_sec_context`: `token` is what the proxy sent, empty at first; appends what to send.
    ///
    /// # Errors
    /// The mechanism's status words.
    fn step(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<GssStatus, MechanismError>;

    /// `gss_wrap`.
    ///
    /// # Errors
    /// The mechanism's status words.
    fn wrap(&mut self, plain: &[u8], confidential: bool, out: &mut Vec<u8>) -> Result<(), MechanismError>;

    /// `gss_unwrap`: appends the plain bytes and tells whether they came encrypted.
    ///
    /// # Errors
    /// The mechanism's status words.
    fn unwrap(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<bool, MechanismError>;

    /// `gss_wrap_size_limit`: how many plain bytes fit into a token of `max_token` bytes.
    fn wrap_limit(&self, max_token: usize, confidential: bool) -> usize;
}

/// Where a [`GssContext`] stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GssStatus {
    /// It waits for another token.
    Continue,
    /// It is established.
    Complete,
}

/// How what follows the authentication is protected (RFC 1961 §4), from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// Not at all. Not a level of the RFC, but one that servers offer.
    None = 0,
    /// Against change.
    Integrity = 1,
    /// Against change and reading.
    Confidentiality = 2,
    /// Each message as its sender likes. Ours are sent encrypted.
    Selective = 3,
}

impl Protection {
    fn from_level(level: u8) -> Option<Self> {
        [Self::None, Self::Integrity, Self::Confidentiality, Self::Selective]
            .into_iter()
            .find(|protection| *protection as u8 == level)
    }

    fn encrypts(self) -> bool {
        matches!(self, Self::Confidentiality | Self::Selective)
    }

    /// Whether a proxy's answer is no weaker than what the client insists on.
    fn satisfies(self, least: Self) -> bool {
        match least {
            Self::None => true,
            // Selective lets the peer send its half unencrypted.
            Self::Integrity => self != Self::None,
            Self::Confidentiality => self == Self::Confidentiality,
            Self::Selective => self == Self::Confidentiality || self == Self::Selective,
        }
    }
}

/// The method of RFC 1961.
pub struct Gssapi {
    context: Box<dyn GssContext>,
    proposed: Protection,
    least: Protection,
    stage: Stage,
    inbox: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Context,
    Protection,
    Agreed(Protection),
}

impl Gssapi {
    /// Authenticates with `context`, then proposes the level `proposed` and insists on it.
    pub fn new(context: Box<dyn GssContext>, proposed: Protection) -> Self {
        Self { context, proposed, least: proposed, stage: Stage::Context, inbox: Vec::new() }
    }

    /// Accepts a proxy that names another level, as long as it is no weaker than `least`.
    #[must_use]
    pub fn at_least(mut self, least: Protection) -> Self {
        self.least = least;
        self
    }

    /// One step of the context; proposes the level as soon as it is complete, since the proxy then has no more to say.
    fn context_step(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), AuthError> {
        let mut answer = Vec::new();
        let status = self.context.step(token, &mut answer)?;
        if !answer.is_empty() {
            encode(MessageType::Context, &answer, out)?;
        } else if status == GssStatus::Continue {
            // Neither side would speak again.
            return Err(Malformed::TokenLength(0).into());
        }
        if status == GssStatus::Complete {
            self.propose(out)?;
        }
        Ok(())
    }

    fn propose(&mut self, out: &mut Vec<u8>) -> Result<(), AuthError> {
        let mut token = Vec::new();
        self.context.wrap(&[self.proposed as u8], false, &mut token)?;
        encode(MessageType::Protection, &token, out)?;
        self.stage = Stage::Protection;
        Ok(())
    }

    fn agree(&mut self, token: &[u8]) -> Result<(), AuthError> {
        let mut plain = Vec::new();
        self.context.unwrap(token, &mut plain)?;
        let [level] = plain[..] else { return Err(Malformed::Length.into()) };
        let agreed = Protection::from_level(level).ok_or(Malformed::ProtectionLevel(level))?;
        if !agreed.satisfies(self.least) {
            return Err(AuthFailure::ProtectionTooWeak { level }.into());
        }
        self.stage = Stage::Agreed(agreed);
        Ok(())
    }
}

impl AuthMethod for Gssapi {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        self.context_step(&[], out)?;
        self.receive(&[], out)
    }

    fn receive(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<AuthStatus, AuthError> {
        self.inbox.extend_from_slice(input);
        loop {
            let expected = match self.stage {
                Stage::Context => MessageType::Context,
                Stage::Protection => MessageType::Protection,
                Stage::Agreed(_) => return Ok(AuthStatus::Done),
            };
            let inbox = core::mem::take(&mut self.inbox);
            match decode(expected, &inbox)? {
                Status::Partial { at_least } => {
                    self.inbox = inbox;
                    return Ok(AuthStatus::Need { at_least });
                }
                Status::Complete { value: Message::Abort, .. } => return Err(AuthFailure::ContextRefused.into()),
                Status::Complete { value: Message::Token(token), len } => {
                    match expected {
                        MessageType::Context => self.context_step(token, out)?,
                        _ => self.agree(token)?,
                    }
                    self.inbox = inbox[len..].to_vec();
                }
            }
        }
    }

    fn into_layer(self: Box<Self>) -> Option<Box<dyn SecurityLayer>> {
        match self.stage {
            Stage::Agreed(Protection::None) | Stage::Context | Stage::Protection => None,
            Stage::Agreed(protection) => Some(Box::new(GssLayer { context: self.context, protection })),
        }
    }
}

impl fmt::Debug for Gssapi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gssapi").field("proposed", &self.proposed).finish_non_exhaustive()
    }
}

/// Data in messages of type 3 (RFC 1961 §5).
struct GssLayer {
    context: Box<dyn GssContext>,
    protection: Protection,
}

impl SecurityLayer for GssLayer {
    fn wrap(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), AuthError> {
        let encrypt = self.protection.encrypts();
        let chunk = self.context.wrap_limit(MAX_TOKEN, encrypt).max(1);
        let mut token = Vec::new();
        for part in plain.chunks(chunk) {
            token.clear();
            self.context.wrap(part, encrypt, &mut token)?;
            encode(MessageType::Data, &token, out)?;
        }
        Ok(())
    }

    fn unwrap(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Unwrapped, AuthError> {
        let mut consumed = 0;
        loop {
            match decode(MessageType::Data, &input[consumed..])? {
                Status::Complete { value: Message::Token(token), len } => {
                    let encrypted = self.context.unwrap(token, out)?;
                    if self.protection == Protection::Confidentiality && !encrypted {
                        return Err(AuthFailure::ProtectionTooWeak { level: Protection::Integrity as u8 }.into());
                    }
                    consumed += len;
                }
                Status::Complete { value: Message::Abort, .. } => return Err(AuthFailure::ContextRefused.into()),
                Status::Partial { at_least } => return Ok(Unwrapped { consumed, at_least }),
            }
        }
    }
}
