//! Starts faster without libgcc_s.so.1: its static half does as well.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).as_deref() == Ok(value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
        fs::write(Path::new(&out).join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is writable");
        println!("cargo:rustc-link-arg-bins=-L{out}");
    }
}
