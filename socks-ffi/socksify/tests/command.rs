//! What the command says and how it exits where the program is not run. Where it is run: `interop`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn socksify(folder: &Path, environment: &[(&str, &str)], args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_socksify"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(environment.iter().copied())
        .output()
        .expect("socksify runs")
}

/// Asserts the exit code and that the message has these words; returns the message.
fn refuses(output: &Output, code: i32, words: &[&str]) -> String {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(output.stdout.is_empty(), "something ran");
    for word in words {
        assert!(message.contains(word), "{message:?} has no {word:?}");
    }
    message
}

fn folder_with(name: &str, text: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join(name), text).expect("a file");
    folder
}

const SOUND: &str = "proxy 0.0.0.0/0 127.0.0.1:9\n";

#[test]
fn a_missing_program_is_127_and_named_whatever_else_is_wrong() {
    let folder = folder_with("rc", "nonsense nonsense\nproxy x\n");
    for program in ["no-such-program", "./no-such-program"] {
        let output = socksify(folder.path(), &[("SOCKSRC", "rc")], &[program]);
        refuses(&output, 127, &[program, "no such program"]);
    }
}

#[test]
fn no_configuration_names_what_was_looked_for() {
    let folder = TempDir::new().expect("a folder");
    // A machine that has one configured is not asked.
    if !Path::new(socks_config::DEFAULT_PATH).exists() {
        let output = socksify(folder.path(), &[], &["true"]);
        refuses(&output, 78, &[socks_config::DEFAULT_PATH, "-x"]);
    }
    refuses(&socksify(folder.path(), &[("SOCKSRC", "nowhere")], &["true"]), 78, &["nowhere"]);
}

#[test]
fn a_bad_configuration_is_78_with_its_place_and_without_its_password() {
    let folder = folder_with("rc", "# one\nproxy 0.0.0.0/0 gate:99999 ann s3cret\n");
    let output = socksify(folder.path(), &[("SOCKSRC", "rc")], &["true"]);
    let message = refuses(&output, 78, &["rc:2:"]);
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn a_wrong_url_is_refused_without_its_password() {
    let folder = TempDir::new().expect("a folder");
    for url in ["socks://ann:s3cret@gate", "socks5://ann:s3cret@gate:0x", "http://ann:s3cret@gate", "ann:s3cret@gate"] {
        let message = refuses(&socksify(folder.path(), &[], &["-x", url, "true"]), 64, &["socksify: -x:"]);
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[test]
fn a_program_that_cannot_be_wrapped_is_69_with_the_reason() {
    let folder = folder_with("rc", SOUND);
    let mut image = fs::read(env!("CARGO_BIN_EXE_socksify")).expect("a program");
    // Without its list of segments it has no loader, as a static program.
    image[56..58].fill(0);
    let program = folder.path().join("static");
    fs::write(&program, image).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
    let environment = [("SOCKSRC", "rc")];
    refuses(&socksify(folder.path(), &environment, &["./static"]), 69, &["./static", "statically", "--force"]);
    let script = folder.path().join("script");
    fs::write(&script, format!("#!{}\n", program.display())).expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("permissions");
    refuses(&socksify(folder.path(), &environment, &["./script"]), 69, &["static", "statically"]);
}

#[test]
fn help_and_version_go_to_standard_output() {
    let folder = TempDir::new().expect("a folder");
    for (option, word) in [("--help", "PROGRAM"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = socksify(folder.path(), &[], &[option]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains(word));
    }
    refuses(&socksify(folder.path(), &[], &["--nonsense"]), 64, &["--nonsense"]);
}
