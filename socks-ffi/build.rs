//! Linker flags of libsocks.so: its soname, and what a library in other people's processes needs.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// What takes the place of glibc's newer names in the shared library.
const NAMES: &str = "glibc/names.rs";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={NAMES}");
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
        // The machines whose first version of glibc the file knows.
        if ["x86_64", "aarch64"].map(Ok).contains(&env::var("CARGO_CFG_TARGET_ARCH").as_deref()) {
            compile_names(Path::new(&out));
        }
    }
}

/// Compiles what the linker is to find in front of glibc.
fn compile_names(out: &Path) {
    let object = out.join("names.o");
    let status = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"))
        .args(["--crate-type=lib", "--crate-name=names", "--edition=2024", "-Cpanic=abort", "-Copt-level=2"])
        .args(["-Ccodegen-units=1", "-Crelocation-model=pic"])
        .arg(format!("--target={}", env::var("TARGET").expect("cargo sets TARGET")))
        .arg(format!("--emit=obj={}", object.display()))
        .arg(NAMES)
        .status()
        .expect("rustc runs");
    assert!(status.success(), "{NAMES} was not compiled");
    println!("cargo:rustc-cdylib-link-arg={}", object.display());
}
