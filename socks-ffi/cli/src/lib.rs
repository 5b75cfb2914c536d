//! What `socksify` and `socksconnect` have in common: options, the configuration that they ask for, exit codes.
//!
//! An option becomes an environment variable that [`socks_config::load`] reads ([`Settings`]). So what a command finds
//! before it does anything is what the library will find in the program that it starts.

#![forbid(unsafe_code)]

mod configuration;
pub mod exit;
mod options;
mod settings;
mod words;

pub use configuration::sound;
pub use options::{Options, Voice};
pub use settings::Settings;
pub use words::{login_in, shown, usage};
