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

/// What this says of SOCKS in the environment of a program that it runs: in a folder with files that look like the
/// libraries, which the loader passes over. What they do is for `interop`.
fn environment_of(folder: &Path, environment: &[(&str, &str)], options: &[&str]) -> Vec<String> {
    for name in ["socksify", "libsocks.so.0", "libsockswrap.so.0"] {
        fs::copy(env!("CARGO_BIN_EXE_socksify"), folder.join(name)).expect("a copy");
    }
    let output = Command::new(folder.join("socksify"))
        .args(options)
        .arg("env")
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(environment.iter().copied())
        .output()
        .expect("socksify runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines: Vec<_> = text.lines().filter(|line| line.starts_with("SOCKS")).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn login_file(folder: &TempDir) -> String {
    let path = folder.path().join("login");
    fs::write(&path, "ann\ns3cret\n").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
    path.to_str().expect("text").to_owned()
}

#[test]
fn the_options_reach_the_program_by_its_environment() {
    let folder = folder_with("rc", SOUND);
    let rc = folder.path().join("rc").display().to_string();
    let login = login_file(&folder);
    let of = |options: &[&str]| environment_of(folder.path(), &[], options);
    assert_eq!(of(&["-f", "rc"]), [format!("SOCKSRC={rc}")]);
    assert_eq!(
        of(&["-f", "rc", "--dns", "remote", "--strict"]),
        ["SOCKSIFY_DNS=remote".to_owned(), "SOCKSIFY_STRICT=1".to_owned(), format!("SOCKSRC={rc}")]
    );
    assert_eq!(of(&["-x", "socks5://gate.example"]), ["SOCKSIFY_PROXY=socks5://gate.example"]);
    // The password is in no variable.
    assert_eq!(
        of(&["-x", "socks5://gate.example", "--login-file", "login"]),
        [format!("SOCKSIFY_LOGIN_FILE={login}"), "SOCKSIFY_PROXY=socks5://gate.example".to_owned()]
    );
    assert_eq!(of(&["-f", "rc", "-v"]), [format!("SOCKSRC={rc}"), "SOCKS_DEBUG=3".to_owned()]);
    let debug = environment_of(folder.path(), &[("SOCKS_DEBUG", "1")], &["-f", "rc", "-v"]);
    assert!(debug.contains(&"SOCKS_DEBUG=1".to_owned()), "{debug:?}");
}

#[test]
fn the_inner_one_of_two_counts_and_takes_no_login_of_the_outer() {
    let folder = folder_with("rc", SOUND);
    let rc = format!("SOCKSRC={}", folder.path().join("rc").display());
    let login = login_file(&folder);
    let outer = [
        ("SOCKSIFY_PROXY", "socks5h://ann:s3cret@outer.example"),
        ("SOCKSIFY_LOGIN_FILE", login.as_str()),
        ("SOCKSIFY_STRICT", "1"),
        ("SOCKSIFY_DNS", "remote"),
    ];
    let of = |options: &[&str]| environment_of(folder.path(), &outer, options);
    let kept = [
        "SOCKSIFY_DNS=remote".to_owned(),
        "SOCKSIFY_PROXY=socks5://inner.example".to_owned(),
        "SOCKSIFY_STRICT=1".to_owned(),
    ];
    assert_eq!(of(&["-x", "socks5://inner.example"]), kept);
    assert_eq!(of(&["-f", "rc"]), ["SOCKSIFY_DNS=remote".to_owned(), "SOCKSIFY_STRICT=1".to_owned(), rc]);
    assert!(of(&["--dns", "local"]).contains(&"SOCKSIFY_DNS=local".to_owned()));
}

#[test]
fn a_login_that_cannot_be_had_is_78_before_anything_runs() {
    let folder = TempDir::new().expect("a folder");
    let login = login_file(&folder);
    fs::set_permissions(&login, fs::Permissions::from_mode(0o604)).expect("permissions");
    let by = |options: &[&str], environment: &[(&str, &str)]| {
        socksify(folder.path(), environment, &[&["-x", "socks5://gate.example"], options, &["true"]].concat())
    };
    let said = refuses(&by(&["--login-file", "login"], &[]), 78, &["SOCKSIFY_LOGIN_FILE:1:1", "mode 604"]);
    assert!(!said.contains("s3cret"), "{said}");
    refuses(&by(&[], &[("SOCKS_USERNAME", "ann")]), 78, &["SOCKS_PASSWORD:1:1"]);
    let said = refuses(&by(&[], &[("SOCKS_PASSWORD", "s3cret")]), 78, &["SOCKS_USERNAME:1:1"]);
    assert!(!said.contains("s3cret"), "{said}");
    refuses(&socksify(folder.path(), &[], &["--login-file", "login", "true"]), 64, &["--login-file"]);
}

#[test]
fn a_url_in_the_place_of_a_program_is_not_shown() {
    let folder = folder_with("rc", SOUND);
    for words in [&["socks5://ann:s3cret@gate", "true"][..], &["-f", "rc", "--", "socks5://ann:s3cret@gate"]] {
        let said = refuses(&socksify(folder.path(), &[], words), 127, &["no such program"]);
        assert!(!said.contains("s3cret"), "{said}");
    }
    let said = refuses(&socksify(folder.path(), &[], &["--check", "socks5://ann:s3cret@gate"]), 64, &["--check"]);
    assert!(!said.contains("s3cret"), "{said}");
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn check_prints_each_fault_with_its_place() {
    let folder = folder_with("rc", "proxy 10/8 gate:x ann s3cret\nprxy 1\nnoproxy 127/8\n");
    let output = socksify(folder.path(), &[], &["-f", "rc", "--check"]);
    let rc = folder.path().join("rc").display().to_string();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(78));
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with(&format!("{rc}:1:17: error: found ")), "{said}");
    assert!(lines[1].starts_with(&format!("{rc}:2:1: warning: found ")), "{said}");
    assert!(lines[2].starts_with(&format!("{rc}: not sound")) && lines.len() == 3, "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    fs::write(folder.path().join("rc"), SOUND).expect("a file");
    let output = socksify(folder.path(), &[], &["-f", "rc", "--check"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), format!("{rc}: sound\n")));
    let output = socksify(folder.path(), &[], &["-f", "rc", "--check", "-q"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()));
}

#[test]
fn import_prints_a_configuration_or_one_that_lets_nothing_go() {
    let folder = folder_with("chains", "strict_chain\nproxy_dns\n[ProxyList]\nsocks5 192.0.2.1 1080\n");
    let output = socksify(folder.path(), &[], &["--import", "chains"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), "# From chains.\nnoproxy 0.0.0.0\ndns remote\nproxy 0.0.0.0/0 192.0.2.1:1080\n");
    fs::write(folder.path().join("chains"), "[ProxyList]\nsocks4 192.0.2.1 1080 ann s3cret\n").expect("a file");
    for (name, words) in [("chains", "chains:2: "), ("nowhere", "nowhere: "), ("socksify", "socksify: ")] {
        let output = socksify(folder.path(), &[], &["--import", name]);
        let (said, printed) = (String::from_utf8_lossy(&output.stderr).into_owned(), stdout(&output));
        assert_eq!(output.status.code(), Some(65), "{said}");
        assert!(said.contains(words) && !said.contains("s3cret"), "{said}");
        let lines: Vec<_> = printed.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["strict"]);
    }
}

#[test]
fn completions_know_the_options() {
    let folder = TempDir::new().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let output = socksify(folder.path(), &[], &["--completions", shell]);
        assert!(output.status.success() && stdout(&output).contains("login-file"), "{shell}");
    }
    refuses(&socksify(folder.path(), &[], &["--completions", "dish"]), 64, &["dish"]);
}

#[test]
fn a_program_of_another_word_size_is_recognised() {
    let folder = folder_with("rc", SOUND);
    let mut image = fs::read(env!("CARGO_BIN_EXE_socksify")).expect("a program");
    // ELFCLASS32 for ELFCLASS64, or the other way round.
    image[4] ^= 3;
    let program = folder.path().join("other");
    fs::write(&program, image).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
    refuses(&socksify(folder.path(), &[("SOCKSRC", "rc")], &["./other"]), 69, &["./other", "word size"]);
}
