//! What socksify tells the library by the environment: a login, who resolves names, strictness.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use socks_config::{Dns, LoadError, Loaded, Refusal, Route, Source, StdFileSystem, UserPass, load};
use tempfile::TempDir;

type Env<'a> = &'a [(&'a str, &'a str)];

const NOWHERE: &str = "/nonexistent/socksrc";
const GATE: (&str, &str) = ("SOCKSIFY_PROXY", "socks5://gate.example");

fn try_load(env: Env<'_>, default: &str) -> Result<Loaded, LoadError> {
    let lookup = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).into());
    load(&lookup, Path::new(default), false, &StdFileSystem)
}

fn loaded(env: Env<'_>) -> Loaded {
    try_load(env, NOWHERE).expect("a configuration")
}

/// What is wrong, in one text; checks that nothing goes out then.
fn faults(env: Env<'_>) -> String {
    let loaded = loaded(env);
    let route = loaded.config.route(("far.example", 80));
    assert!(matches!(route, Route::Refused(Refusal::Unsound)), "{route:?}");
    let debug = format!("{loaded:?}");
    assert!(!debug.contains("s3cret"), "{debug}");
    loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

fn login(loaded: &Loaded) -> Option<UserPass> {
    assert!(loaded.config.is_sound(), "{:?}", loaded.diagnostics);
    let Route::Proxy(rule) = loaded.config.route(("far.example", 80)) else { panic!("not through the proxy") };
    rule.credentials().cloned()
}

fn login_file(text: &str, mode: u32) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("login");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}

fn ann(password: &str) -> Option<UserPass> {
    Some(UserPass::new("ann", password).expect("a login"))
}

#[test]
fn a_proxy_without_a_login_takes_that_of_the_variables() {
    let loaded = loaded(&[GATE, ("SOCKS_USERNAME", "ann"), ("SOCKS_PASSWORD", "s3 cret#")]);
    assert_eq!(login(&loaded), ann("s3 cret#"));
    assert_eq!(loaded.sources.last(), Some(&Source::Variable("SOCKS_USERNAME")));
    assert!(!format!("{loaded:?}").contains("s3 cret"));
}

#[test]
fn a_file_comes_before_the_variables_and_the_url_before_both() {
    let (_folder, path) = login_file("ann\nof a file\n", 0o600);
    let variables = [("SOCKS_USERNAME", "bob"), ("SOCKS_PASSWORD", "x"), ("SOCKSIFY_LOGIN_FILE", path.as_str())];
    let env = [&[GATE], &variables[..]].concat();
    assert_eq!(login(&loaded(&env)), ann("of a file"));
    let env = [&[("SOCKSIFY_PROXY", "socks5://ann:own@gate.example")], &variables[..]].concat();
    assert_eq!(login(&loaded(&env)), ann("own"));
}

#[test]
fn a_proxy_of_the_configuration_takes_none_of_them() {
    let folder = TempDir::new().expect("a folder");
    let rc = folder.path().join("rc");
    fs::write(&rc, "allowenv\nproxy 0.0.0.0/0 gate.example\n").expect("a file");
    let rc = rc.to_str().expect("text");
    let of_none = [("SOCKSRC", rc), ("SOCKS_USERNAME", "ann"), ("SOCKS_PASSWORD", "s3cret")];
    assert_eq!(login(&loaded(&of_none)), None);
    assert_eq!(login(&loaded(&[&of_none[..], &[("SOCKS_PROXY", "other.example")]].concat())), None);
}

#[test]
fn a_login_that_cannot_be_had_is_an_error_and_no_missing_login() {
    for (half, missing) in
        [(("SOCKS_USERNAME", "ann"), "SOCKS_PASSWORD"), (("SOCKS_PASSWORD", "s3cret"), "SOCKS_USERNAME")]
    {
        let said = faults(&[GATE, half]);
        assert!(said.starts_with(&format!("{missing}:1:1: found ")), "{said}");
    }
    let long = "s3cret".repeat(50);
    assert!(faults(&[GATE, ("SOCKS_USERNAME", "ann"), ("SOCKS_PASSWORD", &long)]).starts_with("SOCKS_PASSWORD:1:1:"));
    let (_folder, open) = login_file("ann\ns3cret\n", 0o644);
    assert!(faults(&[GATE, ("SOCKSIFY_LOGIN_FILE", &open)]).contains("mode 644"));
    let (_folder, short) = login_file("ann\n", 0o600);
    assert!(faults(&[GATE, ("SOCKSIFY_LOGIN_FILE", &short)]).contains("login:2:1: found "));
    for path in ["/nonexistent/login", "login", "."] {
        assert!(faults(&[GATE, ("SOCKSIFY_LOGIN_FILE", path)]).starts_with("SOCKSIFY_LOGIN_FILE:1:1:"), "{path}");
    }
}

#[test]
fn who_resolves_names_is_said_last_by_the_variable() {
    let names = |env: Env<'_>| loaded(env).config.dns();
    assert_eq!(names(&[GATE]), Dns::Local);
    assert_eq!(names(&[GATE, ("SOCKSIFY_DNS", "remote")]), Dns::Remote);
    let remote = ("SOCKSIFY_PROXY", "socks5h://gate.example");
    assert_eq!(names(&[remote]), Dns::Remote);
    assert_eq!(names(&[remote, ("SOCKSIFY_DNS", "local")]), Dns::Local);
    let said = faults(&[GATE, ("SOCKSIFY_DNS", "Remote")]);
    assert_eq!(said, "SOCKSIFY_DNS:1:1: found `Remote`, expected remote or local\n");
}

#[test]
fn strictness_is_added_and_makes_a_configuration_of_none() {
    let strict = ("SOCKSIFY_STRICT", "1");
    let with_proxy = loaded(&[GATE, strict]);
    assert!(with_proxy.config.strict());
    assert!(matches!(with_proxy.config.route(("far.example", 80)), Route::Proxy(_)));
    let alone = loaded(&[strict]);
    assert_eq!(alone.sources, [Source::Installed, Source::Variable("SOCKSIFY_STRICT")]);
    let to = |ip: [u8; 4]| alone.config.route(std::net::SocketAddr::from((ip, 80)));
    assert!(matches!(to([192, 0, 2, 1]), Route::Refused(Refusal::Strict)));
    assert!(to([127, 0, 0, 1]).is_direct());
    assert!(try_load(&[("SOCKSIFY_STRICT", "")], NOWHERE).is_err());
}

#[test]
fn a_set_id_process_is_told_nothing() {
    let env = |name: &str| panic!("{name} was asked for");
    assert!(load(&env, Path::new(NOWHERE), true, &StdFileSystem).is_err());
}
