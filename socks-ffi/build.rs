//! Linker flags of libsocks.so: its soname, and what a library in other people's processes needs.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let flags = [
        "-Wl,-soname,libsocks.so.0",
        // A symbol that nobody defines is an error here and not when a program starts.
        "-Wl,-z,defs",
        // No lazy binding inside a signal handler or a vfork child.
        "-Wl,-z,now",
        // Hooks must never be unmapped.
        "-Wl,-z,nodelete",
    ];
    for flag in flags {
        println!("cargo:rustc-cdylib-link-arg={flag}");
    }
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        // Loading libgcc_s.so.1 costs each start of a program about 0.1 ms: its static half does as well.
        let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
        fs::write(Path::new(&out).join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is writable");
        println!("cargo:rustc-cdylib-link-arg=-L{out}");
    }
}
