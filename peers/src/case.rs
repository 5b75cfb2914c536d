//! What is negotiated.

use socks_proto::{Login, Offer, TargetAddr, UserPass};

/// The target's name.
pub const HOST: &str = "example.com";
/// Its port, in memory; through a proxy it is what is wanted there.
pub const PORT: u16 = 80;
/// Who logs in.
pub const USERNAME: &str = "ann";
/// With what.
pub const PASSWORD: &str = "s3cret";

/// A kind of handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Message by message, without a login.
    Stepwise,
    /// Message by message, with a username and a password.
    Login,
    /// All of it in one flight, without a login.
    OneRoundTrip,
}

impl Case {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Stepwise, Self::Login, Self::OneRoundTrip];
    /// What those can that send each message when the one before is answered.
    pub const STEPWISE: &[Self] = &[Self::Stepwise, Self::Login];

    /// As it is given on a command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stepwise => "stepwise",
            Self::Login => "login",
            Self::OneRoundTrip => "one-round-trip",
        }
    }

    /// All that the proxy says.
    pub fn script(self) -> &'static [u8] {
        match self {
            Self::Stepwise | Self::OneRoundTrip => b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38",
            Self::Login => b"\x05\x02\x01\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38",
        }
    }

    /// As our crates have it.
    pub fn offer(self) -> Offer {
        match self {
            Self::Stepwise => Offer::stepwise(Login::None),
            Self::Login => Offer::stepwise(Login::from(UserPass::new(USERNAME, PASSWORD).expect("short enough"))),
            Self::OneRoundTrip => Offer::one_round_trip(Login::None),
        }
    }
}

/// The target as our crates have it, made of a name that has yet to be looked at, as is that of the others.
pub fn target(port: u16) -> TargetAddr {
    TargetAddr::try_from((HOST, port)).expect("a name")
}
