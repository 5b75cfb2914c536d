//! libsocks: the socks(3) functions, for C programs.
//!
//! Each function is libc's with an R in front: same arguments, same results, and destinations that socksrc(5)
//! sends through a SOCKS 5 proxy go there. What is not a TCP socket, or has no such rule, is passed through.
//!
//! `exports` is the border to C, `ops` what each function does, `table` which descriptors are ours, `drive` what
//! moves a pending one on, and `sys` the border to the system.

// The functions are C's to name.
#![allow(non_snake_case)]

mod address;
mod atomic_addr;
mod attempts;
mod config;
mod debug;
mod drive;
mod duplicates;
mod errno;
pub mod exports;
mod fork;
mod lock;
#[cfg(all(test, model))]
mod models;
mod names;
mod ops;
mod pool;
mod process;
mod record;
mod sync;
mod sys;
mod table;
mod work;
