//! What every adapter of the workspace is tested with. Not published.
//!
//! * [`vector`]: the cases of `vectors/`, loaded.
//! * [`driver`]: all of them, in every [`cutting`], through an adapter that says in a dozen lines how it negotiates.
//! * [`pipe`], [`peer`]: the scripted proxy behind that, in memory and behind a descriptor.
//! * [`seed`]: what the inputs of the fuzz targets mean, and those that the vectors make.
//! * [`gss`]: a toy security context.
//! * [`layer`]: a toy method that protects all that follows.
//! * [`allocations`]: counts them, for tests that promise none.
//! * [`faults`]: a hostile proxy, which breaks every answer at every byte of it.
//! * [`cost`]: what a handshake may cost.
//! * [`peers`]: targets on the loopback, and proxies that misbehave in one way each.
//! * [`closed`]: a port where nobody listens.
//! * [`proxy`]: a SOCKS 5 proxy in this process, for demos and for tests that need a working one.

pub mod allocations;
pub mod closed;
pub mod cost;
pub mod cutting;
pub mod driver;
pub mod faults;
pub mod gss;
pub mod layer;
mod parse;
pub mod peer;
pub mod peers;
pub mod pipe;
pub mod proxy;
pub mod script;
pub mod seed;
mod text;
pub mod vector;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
