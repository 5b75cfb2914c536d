//! What a handshake takes: what the two programs have in common.

pub mod case;
pub mod floor;
