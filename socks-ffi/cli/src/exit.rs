//! The exit codes, those of sysexits.h.

/// The command line is wrong.
pub const USAGE: u8 = 64;
/// A file to be translated is not what it should be.
pub const DATA: u8 = 65;
/// What is asked for cannot be had: a program that cannot be wrapped, a target that cannot be reached.
pub const UNAVAILABLE: u8 = 69;
/// A connection that was there broke.
pub const IO: u8 = 74;
/// There is no configuration, or it has errors.
pub const CONFIG: u8 = 78;
