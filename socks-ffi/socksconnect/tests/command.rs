//! What it says and how it exits where there is no connection; logins that nobody sees; `--explain`.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use socks_conformance::closed::ClosedPort;
use socks_conformance::peers::{METHOD_NONE, hangs_up, listen, scripted, target};
use tempfile::TempDir;

use common::{DIRECT, LOGIN, command, proxy_with_login, through, to};

fn ends(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().expect("socksconnect runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// Asserts the exit code and that one line has these words, and no password.
fn refuses(command: Command, code: i32, words: &[&str]) {
    let (found, out, said) = ends(command);
    assert_eq!((found, out.as_str()), (Some(code), ""), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{said:?} has no {word:?}");
    }
    assert!(!said.contains("s3cret"), "{said}");
}

fn host(name: &str) -> [String; 2] {
    [name.to_owned(), "22".to_owned()]
}

#[test]
fn what_cannot_be_reached_is_69_and_named() {
    let closed = ClosedPort::new().expect("a port");
    let (at, lab) = (closed.addr().to_string(), host("lab.example"));
    let by = |url: String| command(&["-f".to_owned(), "/dev/null".to_owned(), "-x".to_owned(), url], lab.clone());
    refuses(by(format!("socks5://{LOGIN}{at}")), 69, &["lab.example:22: could not reach ", &at, "refused"]);
    let proxy = proxy_with_login();
    let wrong = format!("socks5://ann:not-s3cret@{}", proxy.addr());
    refuses(by(wrong), 69, &["lab.example:22: ", "login"]);
    refuses(by(format!("socks5://{}", proxy.addr())), 69, &["methods"]);
    refuses(by(format!("socks5://{LOGIN}{}", hangs_up())), 69, &["closed"]);
    refuses(by(format!("socks5://{}", scripted(&[METHOD_NONE, b"\x05\x05\x00\x01\0\0\0\0\0\0"]))), 69, &["refused"]);
    refuses(command(&DIRECT, to(closed.addr())), 69, &[&at, "refused"]);
    refuses(command(&["-f", "/dev/null", "--strict"], lab.clone()), 69, &["strict"]);
}

#[test]
fn a_bad_configuration_is_78_and_a_bad_command_line_64() {
    let folder = TempDir::new().expect("a folder");
    let rc = folder.path().join("rc");
    fs::write(&rc, "proxy 0.0.0.0/0 gate:x ann s3cret\n").expect("a file");
    let rc = rc.to_str().expect("text");
    refuses(command(&["-f", rc], host("lab.example")), 78, &["rc:1:22"]);
    refuses(command(&["-f", "/nonexistent"], host("lab.example")), 78, &["/nonexistent"]);
    for options in [
        &["-x", "socks://ann:s3cret@gate"][..],
        &["--login-file", "x"],
        &["-x", "socks5://ann:s3cret@gate", "--login-file", "x"],
    ] {
        refuses(command(options, host("lab.example")), 64, &["socksconnect: -"]);
    }
    refuses(command(&DIRECT, host("socks5://ann:s3cret@gate")), 64, &["expected a host"]);
    for wrong in
        [&["lab.example"][..], &["lab.example", "0"], &["lab.example", "ssh"], &["a", "1", "socks5://ann:s3cret@x"]]
    {
        let (code, _, said) = ends({
            let mut command = Command::new(env!("CARGO_BIN_EXE_socksconnect"));
            command.args(wrong);
            command
        });
        assert_eq!(code, Some(64), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_login_comes_from_a_file_or_the_environment() {
    let proxy = proxy_with_login();
    let folder = TempDir::new().expect("a folder");
    let login = folder.path().join("login");
    fs::write(&login, "ann\ns3cret\n").expect("a file");
    let bare = format!("socks5://{}", proxy.addr());
    let by = |options: &[&str]| command(&[&["-f", "/dev/null", "-x", &bare], options].concat(), to(target()));
    let file = ["--login-file", login.to_str().expect("text")];
    fs::set_permissions(&login, fs::Permissions::from_mode(0o644)).expect("permissions");
    refuses(by(&file), 78, &["mode 644"]);
    fs::set_permissions(&login, fs::Permissions::from_mode(0o600)).expect("permissions");
    let (code, out, said) = ends(by(&file));
    assert_eq!((code, out.is_empty(), said.as_str()), (Some(0), false, ""));
    let mut from_environment = by(&[]);
    from_environment.env("SOCKS_USERNAME", "ann").env("SOCKS_PASSWORD", "s3cret");
    assert_eq!(ends(from_environment).0, Some(0));
    let mut half = by(&[]);
    half.env("SOCKS_USERNAME", "ann");
    refuses(half, 78, &["SOCKS_PASSWORD:1:1"]);
}

#[test]
fn while_it_runs_the_list_of_processes_shows_no_login() {
    let proxy = proxy_with_login();
    let greeting = listen(|mut stream| {
        stream.write_all(b"!")?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ())
    });
    let mut child = command(&through(&proxy), to(greeting))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("socksconnect runs");
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut first).expect("it is connected");
    let shown = |what: &str| {
        let bytes = fs::read(format!("/proc/{}/{what}", child.id())).expect("a process");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (arguments, environment) = (shown("cmdline"), shown("environ"));
    assert!(arguments.contains(&format!("://**********@{}", proxy.addr())), "{arguments}");
    assert!(!arguments.contains("s3cret") && !environment.contains("s3cret"));
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

#[test]
fn no_level_of_talk_has_the_password() {
    let proxy = proxy_with_login();
    for password in ["s3cret", "wrong-s3cret"] {
        let url = format!("socks5://ann:{password}@{}", proxy.addr());
        for options in [&["-v"][..], &["--explain"], &["--explain", "--json"], &["-v", "--explain", "--wrapped"]] {
            let all = [&["-f", "/dev/null", "-x", &url], options].concat();
            let mut command = command(&all, to(target()));
            command.env("SOCKS_DEBUG", "255");
            let (_, out, said) = ends(command);
            assert!(!out.contains("s3cret") && !said.contains("s3cret"), "{out}{said}");
        }
    }
}

fn steps(said: &str) -> Vec<(String, bool)> {
    let report: Value = serde_json::from_str(said).expect("one object");
    let ways = report["ways"].as_array().expect("ways").iter();
    let steps = ways.flat_map(|way| way["steps"].as_array().expect("steps").clone());
    steps.map(|step| (step["step"].as_str().expect("a name").to_owned(), step["ok"] == true)).collect()
}

fn explained(url: &str, target: [String; 2]) -> (Option<i32>, String) {
    let (code, out, said) = ends(command(&["-f", "/dev/null", "-x", url, "--explain", "--json"], target));
    assert_eq!(said, "");
    (code, out)
}

#[test]
fn explain_tells_each_step_and_where_it_ends() {
    let as_told = |told: &[(&str, bool)]| -> Vec<(String, bool)> {
        told.iter().map(|(step, ok)| ((*step).to_owned(), *ok)).collect()
    };
    let proxy = proxy_with_login();
    let lab = |port: u16| ["lab.example".to_owned(), port.to_string()];
    let at = proxy.addr();
    let (code, said) = explained(&format!("socks5h://{LOGIN}{at}"), lab(target().port()));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(steps(&said), as_told(&[("connect", true), ("method", true), ("login", true), ("reply", true)]));
    let report: Value = serde_json::from_str(&said).expect("one object");
    assert_eq!(report["names"]["resolved_by"], "proxy");
    assert_eq!(report["ways"][0]["rule"]["file"], "SOCKSIFY_PROXY");
    assert_eq!(report["ways"][0]["servers"][0], at.to_string());
    assert_eq!(report["reached"], true);

    let (code, said) = explained(&format!("socks5h://ann:wrong@{at}"), lab(22));
    assert_eq!(code, Some(69));
    assert_eq!(steps(&said), as_told(&[("connect", true), ("method", true), ("login", false)]));
    let (code, said) = explained(&format!("socks5h://{at}"), lab(22));
    assert_eq!((code, steps(&said)), (Some(69), as_told(&[("connect", true), ("method", false)])));
    let closed = ClosedPort::new().expect("a port");
    let (code, said) = explained(&format!("socks5h://{}", closed.addr()), lab(22));
    assert_eq!((code, steps(&said)), (Some(69), as_told(&[("connect", false)])));
    let (_, said) = explained(&format!("socks5h://{LOGIN}{at}"), to(closed.addr()));
    assert_eq!(steps(&said).last(), Some(&("reply".to_owned(), false)));
}

#[test]
fn explain_sends_no_data_of_an_application() {
    let (tell, told) = std::sync::mpsc::channel();
    let listener = listen(move |mut stream| {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard)?;
        tell.send(heard).map_err(std::io::Error::other)
    });
    let proxy = proxy_with_login();
    let (code, said) = explained(&format!("socks5://{LOGIN}{}", proxy.addr()), to(listener));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(told.recv().expect("the end of the connection"), b"");
}

#[test]
fn explain_names_file_and_line_and_the_servers_in_their_order() {
    let proxy = proxy_with_login();
    let closed = ClosedPort::new().expect("a port");
    let folder = TempDir::new().expect("a folder");
    let rc = folder.path().join("rc");
    let text = format!("noproxy 10/8\n\n proxy 127/8 {},{} ann s3cret\n", closed.addr(), proxy.addr());
    fs::write(&rc, text).expect("a file");
    let rc = rc.to_str().expect("text");
    let (code, out, _) = ends(command(&["-f", rc, "--explain"], to(target())));
    assert_eq!(code, Some(0), "{out}");
    for line in [
        format!("rule        {rc}:3:2: 127.0.0.0/8"),
        format!("servers     1. {}", closed.addr()),
        format!("            2. {}", proxy.addr()),
    ] {
        assert!(out.lines().any(|found| found == line), "{out}\nhas no {line}");
    }
    let at = |word: &str| out.find(word).unwrap_or_else(|| panic!("{out}\nhas no {word}"));
    assert!(at("failed: Connection refused") < at("login") && at("login") < at("reached in"));
}

#[test]
fn explain_says_who_resolves_the_name() {
    let proxy = proxy_with_login();
    let url = format!("socks5://{LOGIN}{}", proxy.addr());
    let port = target().port().to_string();
    let by = |dns: &str| {
        let options = ["-f", "/dev/null", "-x", &url, "--dns", dns, "--explain", "--wrapped"];
        ends(command(&options, ["localhost".to_owned(), port.clone()])).1
    };
    let here = by("local");
    assert!(here.contains("resolved on this machine (dns local)") && here.contains("127.0.0.1"), "{here}");
    let there = ends(command(
        &["-f", "/dev/null", "-x", &url, "--dns", "remote", "--explain", "--wrapped"],
        ["lab.example".to_owned(), port.clone()],
    ));
    assert!(there.1.contains("resolved by the proxy (dns remote)"), "{}", there.1);
    assert_eq!(there.0, Some(0));
}
