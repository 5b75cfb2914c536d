//! Links libsockswrap.so against a stand-in of libsocks.so, so that the two are built in any order.
//!
//! Of a library that it links against, the linker keeps nothing but the soname.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A library without anything in it.
const EMPTY: &str = "#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }
";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    make_stand_in(&out);
    let search = format!("-L{}", out.display());
    let flags = [
        "-Wl,-soname,libsockswrap.so.0",
        // Beside it, wherever that is.
        "-Wl,-rpath,$ORIGIN",
        "-Wl,-z,now",
        "-Wl,-z,nodelete",
        // All its symbols are the real library's, which is not there yet.
        "-Wl,--unresolved-symbols=ignore-all",
        "-Wl,--no-as-needed",
        &search,
        "-lsocks",
    ];
    for flag in flags {
        println!("cargo:rustc-cdylib-link-arg={flag}");
    }
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        // As for libsocks: do not load libgcc_s.so.1 into every program.
        fs::write(out.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is writable");
    }
}

fn make_stand_in(out: &Path) {
    let source = out.join("empty.rs");
    fs::write(&source, EMPTY).expect("OUT_DIR is writable");
    let status = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"))
        .args(["--crate-type=cdylib", "--crate-name=socks", "--edition=2021", "-Cpanic=abort", "-Copt-level=1"])
        .args(["-Clink-arg=-Wl,-soname,libsocks.so.0", "-Clink-arg=-nostdlib"])
        .arg(format!("--target={}", env::var("TARGET").expect("cargo sets TARGET")))
        .arg("-o")
        .arg(out.join("libsocks.so"))
        .arg(&source)
        .status()
        .expect("rustc runs");
    assert!(status.success(), "the stand-in of libsocks.so was not built");
}
