//! Real programs through real SOCKS 5 servers, in a network where the target can be reached only through the
//! server: a program that goes direct fails its test instead of passing it.
//!
//! ```text
//!   client ───────── proxy ───────── target        three network namespaces, two veth pairs
//!   10.77.1.1    10.77.1.2 10.77.2.1    10.77.2.2      no route from client to target
//!   fd77:1::1    fd77:1::2 fd77:2::1    fd77:2::2
//! ```
//!
//! - [`netns`] makes that network, [`process`] runs things in it with a deadline;
//! - [`server`] is the table of SOCKS servers, [`program`] the table of programs, [`target`] what they talk to,
//!   [`service`] what some of them want to find there besides;
//! - [`sections`] say in the words of [`plan`] which program goes which way and what must come of it, [`cell`] tries
//!   one of them, [`report`] counts and prints.
//!
//! Every run has the cells of [`sections::SECTIONS`]; `cargo xtask matrix --full` has also those of
//! [`sections::FULL`], and what it needs comes with `cargo xtask setup --full`.
//!
//! [`leak`] is another test of the same network, with a way out of it that is watched: `tests/leaks.rs`.
//!
//! [`soak`] makes very many connections in it: `cargo xtask soak`.
//!
//! A killed run leaves its temporary folder, and nothing else. Root is not needed where the system lets users make
//! namespaces.
//!
//! A new server, service or program is one file and one line in its table. `tests/matrix.rs` is the test itself.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod cell;
pub mod helper;
pub mod leak;
pub mod netns;
pub mod plan;
pub mod process;
pub mod program;
pub mod report;
pub mod sections;
pub mod server;
pub mod service;
pub mod setup;
pub mod soak;
pub mod sshd;
pub mod target;
