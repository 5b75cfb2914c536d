//! Which destinations go through which SOCKS 5 proxy: socksrc(5), the environment and proxy URLs.
//!
//! A [`Config`] is read once, from text or through [`load()`], and never changes; [`Config::route`] then
//! answers for each destination whether it goes direct, through which servers, or nowhere. Nothing here
//! opens a socket or resolves a name, and only [`load()`] opens files, through a [`FileSystem`] of the
//! caller's choice.
//!
//! ```
//! use socks_config::{Config, Destination, Host, Route};
//!
//! let text = b"
//!     proxy    0.0.0.0/0        gate.example:1100,spare.example
//!     noproxy  127.0.0.0/8
//!     noproxy  .local.example
//! ";
//! let parsed = Config::parse("socksrc", text);
//! assert!(parsed.diagnostics.is_empty());
//!
//! let far = Destination { host: Host::Ip([192, 0, 2, 1].into()), port: 443 };
//! let Route::Proxy(rule) = parsed.config.route(far) else { panic!("not through the proxy") };
//! assert_eq!(rule.servers()[1].to_string(), "spare.example:1080");
//!
//! let near = Destination { host: Host::Name(b"printer.local.example"), port: 631 };
//! assert!(matches!(parsed.config.route(near), Route::Direct));
//! ```
//!
//! # Failing closed
//!
//! What a configuration sends through a proxy never goes direct by mistake. A configuration with an error
//! ([`Config::is_sound`] is false) lets through only what a `noproxy` line that was understood lets
//! through, and refuses the rest. A name that no name rule covers, and whose address may fall under a
//! narrower rule, is not guessed at: see [`Refusal::NeedsAddress`].
//!
//! # Features
//!
//! `std-fs` (on by default): [`StdFileSystem`], the files of [`std::fs`].

#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]

mod builder;
mod config;
mod credentials;
mod destination;
mod diagnostic;
mod health;
mod interleave;
mod line;
mod load;
mod name_range;
mod names;
mod nest;
mod netmask;
mod nets;
mod patience;
mod pattern;
mod rule;
mod server;
mod server_list;
mod slot;
mod statement;
mod url;
pub mod variable;

pub use builder::{ConfigBuilder, Parsed};
pub use config::{Config, Dns, Explanation, Refusal, Route};
pub use credentials::wipe;
pub use destination::{Destination, Host};
pub use diagnostic::{Diagnostic, Location, ParseError, Severity};
pub use health::Order;
pub use interleave::interleave;
#[cfg(feature = "std-fs")]
pub use load::StdFileSystem;
pub use load::{DEFAULT_PATH, FileKind, FileSystem, LoadError, Loaded, Metadata, Source, load};
pub use name_range::NameRange;
pub use patience::share;
pub use pattern::Pattern;
pub use rule::ProxyRule;
pub use server::{Endpoint, Redirect, Server, ServerHost};
pub use url::ProxyUrl;

/// The types of `socks-proto` that appear in this crate's interface.
pub use socks_proto::{DomainName, LengthError, TargetAddr, UserPass};
