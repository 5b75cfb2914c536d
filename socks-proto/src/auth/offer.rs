//! The methods that a client offers, in its order of preference (RFC 1928 §3).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::method::AuthMethod;
use super::userpass::UserPass;
use crate::code_point::MethodId;

/// A method that needs no heap and no more than one message: these two can be sent ahead in one round trip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// No authentication.
    None,
    /// Username and password (RFC 1929).
    UserPass(UserPass),
}

impl Login {
    fn method(&self) -> MethodId {
        match self {
            Self::None => MethodId::NONE,
            Self::UserPass(_) => MethodId::USER_PASS,
        }
    }
}

impl From<UserPass> for Login {
    fn from(login: UserPass) -> Self {
        Self::UserPass(login)
    }
}

/// One method that a client can use.
pub struct Auth(Inner);

enum Inner {
    Login(Login),
    Method(MethodId, Box<dyn AuthMethod>),
}

impl Auth {
    /// A method that this crate does not know, by its number.
    ///
    /// # Errors
    /// Gives the method back where the number has a meaning here already: 0x00, 0x01, 0x02 and 0xff.
    pub fn private(id: MethodId, method: Box<dyn AuthMethod>) -> Result<Self, Box<dyn AuthMethod>> {
        match id {
            MethodId::NONE | MethodId::GSSAPI | MethodId::USER_PASS | MethodId::NO_ACCEPTABLE => Err(method),
            _ => Ok(Self(Inner::Method(id, method))),
        }
    }

    /// GSSAPI (RFC 1961).
    #[cfg(feature = "gssapi")]
    pub fn gssapi(gssapi: super::gssapi::Gssapi) -> Self {
        Self(Inner::Method(MethodId::GSSAPI, Box::new(gssapi)))
    }

    fn method(&self) -> MethodId {
        match &self.0 {
            Inner::Login(login) => login.method(),
            Inner::Method(id, _) => *id,
        }
    }
}

impl From<Login> for Auth {
    fn from(login: Login) -> Self {
        Self(Inner::Login(login))
    }
}

impl From<UserPass> for Auth {
    fn from(login: UserPass) -> Self {
        Self(Inner::Login(login.into()))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Auth").field(&self.method()).finish()
    }
}

/// What a client offers: one method in one round trip, or one or more stepwise. Never nothing.
pub struct Offer {
    first: Auth,
    more: Vec<Auth>,
    one_round_trip: bool,
}

impl Offer {
    /// Greeting, login and request in one flight, without waiting for the server's choice.
    ///
    /// Saves one or two round trips with servers that read a stream as a stream; some lose what comes early
    /// and then stay silent for ever. GSSAPI cannot be offered this way.
    pub fn one_round_trip(only: impl Into<Login>) -> Self {
        Self { first: Auth::from(only.into()), more: Vec::new(), one_round_trip: true }
    }

    /// One step after the other, as RFC 1928 draws it.
    pub fn stepwise(first: impl Into<Auth>) -> Self {
        Self { first: first.into(), more: Vec::new(), one_round_trip: false }
    }

    /// One more method, liked less than those before it. Makes the offer stepwise.
    ///
    /// A method that is offered already keeps its place.
    #[must_use]
    pub fn or(mut self, next: impl Into<Auth>) -> Self {
        let next = next.into();
        if self.methods().all(|method| method != next.method()) {
            self.more.push(next);
        }
        self.one_round_trip = false;
        self
    }

    pub(crate) fn is_one_round_trip(&self) -> bool {
        self.one_round_trip
    }

    pub(crate) fn methods(&self) -> impl ExactSizeIterator<Item = MethodId> {
        // Chain has no ExactSizeIterator; an index has.
        (0..1 + self.more.len()).map(|at| if at == 0 { &self.first } else { &self.more[at - 1] }.method())
    }

    fn all(&self) -> impl Iterator<Item = &Auth> {
        core::iter::once(&self.first).chain(&self.more)
    }

    pub(crate) fn user_pass(&self) -> Option<&UserPass> {
        self.all().find_map(|auth| match &auth.0 {
            Inner::Login(Login::UserPass(login)) => Some(login),
            _ => None,
        })
    }

    pub(crate) fn offers(&self, method: MethodId) -> bool {
        self.methods().any(|offered| offered == method)
    }

    /// Takes the method out, so that it can run.
    pub(crate) fn take(&mut self, id: MethodId) -> Option<Box<dyn AuthMethod>> {
        let slot = core::iter::once(&mut self.first).chain(&mut self.more).find(|auth| auth.method() == id)?;
        match core::mem::replace(&mut slot.0, Inner::Login(Login::None)) {
            Inner::Method(_, method) => Some(method),
            login @ Inner::Login(_) => {
                slot.0 = login;
                None
            }
        }
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods()).finish()
    }
}
