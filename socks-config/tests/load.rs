//! Where a configuration comes from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use socks_config::{
    Config, ConfigBuilder, Dns, FileKind, FileSystem, LoadError, Loaded, Metadata, Refusal, Route, Source, load,
};

const DEFAULT: &str = "/etc/socksrc";

/// A file system with these files.
#[derive(Default)]
struct Files(BTreeMap<PathBuf, Entry>);

enum Entry {
    Text(&'static str, u32),
    Directory,
    Pipe,
    Unreadable,
}

impl Files {
    fn with(mut self, path: &str, entry: Entry) -> Self {
        self.0.insert(path.into(), entry);
        self
    }

    fn text(self, path: &str, text: &'static str) -> Self {
        self.with(path, Entry::Text(text, 0o644))
    }
}

impl FileSystem for Files {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        match self.0.get(path) {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(Entry::Text(_, mode)) => Ok(Metadata { kind: FileKind::File, mode: *mode }),
            Some(Entry::Directory) => Ok(Metadata { kind: FileKind::Directory, mode: 0o755 }),
            Some(Entry::Pipe) => Ok(Metadata { kind: FileKind::Other, mode: 0o644 }),
            Some(Entry::Unreadable) => Ok(Metadata { kind: FileKind::File, mode: 0o600 }),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.0.get(path) {
            Some(Entry::Text(text, _)) => Ok(text.as_bytes().to_vec()),
            Some(Entry::Pipe) => panic!("{} was opened", path.display()),
            _ => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let within = self.0.keys().filter(|path| path.parent() == Some(directory));
        Ok(within.rev().filter_map(|path| path.file_name()).map(OsString::from).collect())
    }
}

type Env<'a> = &'a [(&'a str, &'a str)];

fn try_load(env: Env<'_>, secure: bool, files: &Files) -> Result<Loaded, LoadError> {
    let lookup = |name: &str| {
        assert!(!secure, "{name} was asked for");
        env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    };
    load(&lookup, Path::new(DEFAULT), secure, files)
}

fn loaded(env: Env<'_>, files: &Files) -> Loaded {
    try_load(env, false, files).unwrap()
}

/// One that is sound and has no diagnostics.
#[track_caller]
fn sound(env: Env<'_>, files: &Files) -> Config {
    let Loaded { config, diagnostics, .. } = loaded(env, files);
    assert_eq!(diagnostics, []);
    config
}

/// What is wrong with one that is not sound.
#[track_caller]
fn unsound(env: Env<'_>, files: &Files) -> String {
    let Loaded { config, diagnostics, .. } = loaded(env, files);
    assert!(!config.is_sound());
    assert!(matches!(config.route(("192.0.2.1", 80)), Route::Refused(Refusal::Unsound)));
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    diagnostics[0].to_string()
}

fn way(config: &Config, host: &str) -> String {
    match config.route((host, 80)) {
        Route::Direct => "direct".to_owned(),
        Route::Proxy(rule) => {
            let login = rule.credentials().map(|login| format!(" {}", login.username().escape_ascii()));
            rule.to_string() + &login.unwrap_or_default()
        }
        Route::Refused(refusal) => format!("{refusal:?}"),
    }
}

#[test]
fn nothing_configured() {
    let missing = LoadError::Missing { looked_for: vec![DEFAULT.into()] };
    for env in [&[][..], &[("SOCKS_PROXY", "gate")], &[("SOCKSRC", "")], &[("SOCKSIFY_PROXY", "")]] {
        assert_eq!(try_load(env, false, &Files::default()).unwrap_err(), missing);
    }
    assert_eq!(missing.to_string(), "no configuration: there is no /etc/socksrc");
}

#[test]
fn the_default_file_or_the_one_that_socksrc_names() {
    let files =
        Files::default().text(DEFAULT, "proxy 0/0 a").text("/home/ann/rc", "proxy 0/0 b").text("/home/ann/empty", "");
    assert_eq!(way(&sound(&[], &files), "192.0.2.1"), "a:1080");
    assert_eq!(loaded(&[], &files).sources, [Source::File(DEFAULT.into())]);
    let env = [("SOCKSRC", "/home/ann/rc")];
    assert_eq!(way(&sound(&env, &files), "192.0.2.1"), "b:1080");
    assert_eq!(loaded(&env, &files).sources, [Source::File("/home/ann/rc".into())]);
    assert_eq!(way(&sound(&[("SOCKSRC", "/home/ann/empty")], &files), "192.0.2.1"), "direct");
    assert_eq!(way(&sound(&[("SOCKSRC", "")], &files), "192.0.2.1"), "a:1080");
}

#[test]
fn what_is_asked_for_and_cannot_be_had_is_not_nothing() {
    let files = Files::default().text(DEFAULT, "noproxy 10").with("/rc", Entry::Unreadable);
    let shown = unsound(&[("SOCKSRC", "/nowhere")], &files);
    assert!(shown.starts_with("SOCKSRC:1:1: found `/nowhere`, not readable: "), "{shown}");
    let shown = unsound(&[("SOCKSRC", "/rc")], &files);
    assert!(shown.starts_with("/rc:1:1: found `/rc`, not readable: permission denied"), "{shown}");
    let shown = unsound(&[], &Files::default().with(DEFAULT, Entry::Unreadable));
    assert!(shown.starts_with("/etc/socksrc:1:1: found `/etc/socksrc`, not readable: "), "{shown}");
}

#[test]
fn a_set_id_process_looks_at_no_variable() {
    let files = Files::default().text(DEFAULT, "allowenv\nproxy 0/0 a").text("/rc", "");
    let env = [("SOCKSRC", "/rc"), ("SOCKS_PROXY", "b"), ("SOCKSIFY_PROXY", "socks5://c")];
    let Loaded { config, diagnostics, sources } = try_load(&env, true, &files).unwrap();
    assert_eq!((way(&config, "192.0.2.1").as_str(), &*diagnostics), ("a:1080", &[][..]));
    assert_eq!(sources, [Source::File(DEFAULT.into())]);
    assert!(try_load(&env, true, &Files::default()).is_err());
}

#[test]
fn every_file_of_a_directory_is_one_configuration() {
    let mut files = Files::default().with(DEFAULT, Entry::Directory);
    for (name, text) in [
        ("20-b", "noproxy 11"),
        ("10-a", "proxy 0/0 a # \nnoproxy 10"),
        ("30-c.dpkg-old", "broken ("),
        (".hidden", "noproxy x"),
        ("10-a~", "noproxy x"),
        ("a~b", "noproxy x"),
        ("CVS", "noproxy x"),
        ("cvs", "noproxy 12"),
    ] {
        files = files.text(&format!("{DEFAULT}/{name}"), text);
    }
    let config = sound(&[], &files);
    for (to, expected) in
        [("10.0.0.1", "direct"), ("11.0.0.1", "direct"), ("12.0.0.1", "direct"), ("13.0.0.1", "a:1080")]
    {
        assert_eq!(way(&config, to), expected);
    }
    let read: Vec<String> = loaded(&[], &files).sources.iter().map(ToString::to_string).collect();
    assert_eq!(read, ["/etc/socksrc/10-a", "/etc/socksrc/20-b", "/etc/socksrc/cvs"]);
    // In the order of names, whatever the order of the listing.
    let files = files.text(&format!("{DEFAULT}/05"), "noproxy 12.0.0.0/8");
    let Loaded { config, diagnostics, .. } = loaded(&[], &files);
    assert!(!config.is_sound());
    assert!(
        diagnostics[0]
            .to_string()
            .starts_with("/etc/socksrc/cvs:1:1: found 12.0.0.0/8 a second time, after /etc/socksrc/05:1:1")
    );
    // An empty one is an empty configuration.
    assert_eq!(way(&sound(&[], &Files::default().with(DEFAULT, Entry::Directory)), "192.0.2.1"), "direct");
}

#[test]
fn what_is_no_file_in_a_directory() {
    let files = || Files::default().with(DEFAULT, Entry::Directory).text("/etc/socksrc/a", "noproxy 10");
    let Loaded { config, diagnostics, .. } = loaded(&[], &files().with("/etc/socksrc/b", Entry::Directory));
    assert!(config.is_sound());
    assert_eq!(diagnostics[0].to_string(), "/etc/socksrc/b:1:1: found a directory, which is not read, expected a file");
    let shown = unsound(&[], &files().with("/etc/socksrc/b", Entry::Pipe));
    assert_eq!(shown, "/etc/socksrc/b:1:1: found no regular file, expected a file");
    let shown = unsound(&[], &files().with("/etc/socksrc/b", Entry::Unreadable));
    assert!(shown.starts_with("/etc/socksrc/b:1:1: found `/etc/socksrc/b`, not readable: "));
}

#[test]
fn socks_proxy_counts_where_allowed() {
    let text = "proxy 0/0 a\nproxy 192.168 b\nproxy .onion c\nnoproxy 10\nnoproxy .local";
    let files = Files::default().text(DEFAULT, text);
    let config = sound(&[("SOCKS_PROXY", "gate")], &files);
    assert_eq!(way(&config, "192.0.2.1"), "a:1080");

    let files = Files::default().text(DEFAULT, Box::leak(format!("allowenv\ndns local\n{text}").into_boxed_str()));
    for (value, expected, dns) in [
        ("gate", "gate:1080", Dns::Local),
        ("gate:1100,[::1]:9/ipv4 ann pw#", "gate:1100,[::1]:9/ipv4 ann", Dns::Local),
        (" \tgate\tann  pw ", "gate:1080 ann", Dns::Local),
        ("unix:/run/tor/socks", "unix:/run/tor/socks", Dns::Local),
        ("socks5://ann:pw@gate", "gate:1080 ann", Dns::Local),
        (" socks5h://gate:9050 ", "gate:9050", Dns::Remote),
    ] {
        let env = [("SOCKS_PROXY", value)];
        let config = sound(&env, &files);
        for to in ["192.0.2.1", "192.168.0.1", "x.onion", "127.0.0.1"] {
            assert_eq!(way(&config, to), expected);
        }
        for to in ["10.0.0.1", "x.local"] {
            assert_eq!(way(&config, to), "direct");
        }
        assert_eq!((config.proxies().len(), config.dns()), (1, dns));
        assert_eq!(loaded(&env, &files).sources, [Source::File(DEFAULT.into()), Source::Variable("SOCKS_PROXY")]);
    }
    assert_eq!(way(&sound(&[("SOCKS_PROXY", "")], &files), "192.0.2.1"), "a:1080");
}

#[test]
fn a_proxy_variable_also_replaces_a_noproxy_for_everything() {
    let files = Files::default().text(DEFAULT, "allowenv\nnoproxy 0/0\nnoproxy 10");
    let config = sound(&[("SOCKS_PROXY", "gate")], &files);
    assert_eq!((way(&config, "192.0.2.1").as_str(), way(&config, "10.0.0.1").as_str()), ("gate:1080", "direct"));
    assert_eq!(way(&sound(&[], &files), "192.0.2.1"), "direct");
}

#[test]
fn socksify_proxy_needs_no_permission() {
    let env = [("SOCKSIFY_PROXY", "socks5h://gate"), ("SOCKS_PROXY", "other")];
    let files = Files::default().text(DEFAULT, "allowenv\nproxy 0/0 a\nnoproxy 10");
    let config = sound(&env, &files);
    assert_eq!((way(&config, "192.0.2.1").as_str(), way(&config, "10.0.0.1").as_str()), ("gate:1080", "direct"));
    assert_eq!((way(&config, "127.0.0.1").as_str(), config.dns()), ("gate:1080", Dns::Remote));

    let config = sound(&env, &Files::default());
    for to in ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost"] {
        assert_eq!(way(&config, to), "direct");
    }
    assert_eq!(way(&config, "192.0.2.1"), "gate:1080");
    assert_eq!(loaded(&env, &Files::default()).sources, [Source::Installed, Source::Variable("SOCKSIFY_PROXY")]);
}

#[test]
fn a_bad_proxy_variable_is_an_error_at_its_column() {
    let files = Files::default().text(DEFAULT, "allowenv\nnoproxy 0/0\nproxy 10 a");
    for (name, value, at) in [
        ("SOCKS_PROXY", " http://gate", "SOCKS_PROXY:1:2: found `http://`, expected socks5:// ("),
        ("SOCKS_PROXY", "gate:x", "SOCKS_PROXY:1:6: found no port number"),
        ("SOCKS_PROXY", " gate ann", "SOCKS_PROXY:1:7: found a user without a password"),
        ("SOCKS_PROXY", " ", "SOCKS_PROXY:1:1: found no server"),
        ("SOCKSIFY_PROXY", "socks5://gate:x", "SOCKSIFY_PROXY:1:15: found no port number"),
    ] {
        let shown = unsound(&[(name, value)], &files);
        assert!(shown.starts_with(at), "{shown}");
    }
    // The environment cannot mend a file.
    let files = Files::default().text(DEFAULT, "allowenv\nproxy 0/0 a:x");
    assert!(unsound(&[("SOCKS_PROXY", "gate")], &files).starts_with("/etc/socksrc:2:13: "));
}

#[test]
fn logins_from_files() {
    for (text, login) in [
        ("ann\ns3cret", Some("s3cret")),
        ("ann\ns3cret\n", Some("s3cret")),
        ("ann\r\ns3cret\r\n\r\n", Some("s3cret")),
        ("ann\n s3#cret \n", Some(" s3#cret ")),
        ("ann\n", None),
        ("ann", None),
        ("", None),
        ("\ns3cret\n", None),
        ("ann\ns3cret\nmore\n", None),
    ] {
        let files = Files::default().text(DEFAULT, "proxy 10 a @/login").with("/login", Entry::Text(text, 0o640));
        let Loaded { config, diagnostics, .. } = loaded(&[], &files);
        let password = match config.route(("10.0.0.1", 80)) {
            Route::Proxy(rule) => rule.credentials().map(|login| login.password().to_vec()),
            _ => None,
        };
        assert_eq!(password.as_deref(), login.map(str::as_bytes), "{text:?}");
        assert_eq!((config.is_sound(), diagnostics.is_empty()), (login.is_some(), login.is_some()));
        assert!(!format!("{config:?} {diagnostics:?}").contains("cret"));
    }
}

#[test]
fn login_files_that_are_refused() {
    let with = |entry| Files::default().text(DEFAULT, "proxy 10 a  @/login").with("/login", entry);
    for (files, expected) in [
        (
            with(Entry::Text("ann\npw", 0o100_644)),
            "/etc/socksrc:1:13: found `/login` of mode 644, open to others than its owner and group, expected mode 640 or less",
        ),
        (
            with(Entry::Text("ann\npw", 0o602)),
            "/etc/socksrc:1:13: found `/login` of mode 602, open to others than its owner and group, expected mode 640 or less",
        ),
        (with(Entry::Directory), "/etc/socksrc:1:13: found `/login`, no regular file, expected "),
        (with(Entry::Pipe), "/etc/socksrc:1:13: found `/login`, no regular file, expected "),
        (with(Entry::Unreadable), "/etc/socksrc:1:13: found `/login`, not readable: permission denied"),
        (Files::default().text(DEFAULT, "proxy 10 a  @/login"), "/etc/socksrc:1:13: found `/login`, not readable: "),
        (
            with(Entry::Text("ann\n", 0o600)),
            "/login:2:1: found password of 0 bytes: SOCKS 5 carries 1 to 255, expected user and password on two lines",
        ),
        (with(Entry::Text("\n", 0o600)), "/login:1:1: found username of 0 bytes"),
        (with(Entry::Text("ann\npw\n\nmore", 0o600)), "/login:4:1: found another line"),
    ] {
        let shown = unsound(&[], &files);
        assert!(shown.starts_with(expected), "{shown}");
    }
}

#[test]
fn a_login_file_among_the_configuration_files_is_not_quoted() {
    let files = Files::default()
        .with(DEFAULT, Entry::Directory)
        .text("/etc/socksrc/main", "proxy 10 a @/etc/socksrc/ann")
        .with("/etc/socksrc/ann", Entry::Text("ann\ns3cret\n", 0o600));
    let Loaded { config, diagnostics, .. } = loaded(&[], &files);
    assert!(config.is_sound());
    assert_eq!(diagnostics.len(), 2);
    let shown = format!("{diagnostics:?}");
    assert!(!shown.contains("cret") && shown.contains("a line of a login file"), "{shown}");
}

#[test]
fn a_builder_with_files() {
    let files = Files::default().with("/login", Entry::Text("ann\npw", 0o600));
    let mut builder = ConfigBuilder::with_file_system(&files);
    builder.file("f", b"proxy 10 a @/login").file("g", b"allowenv");
    assert!(builder.allows_env());
    assert_eq!(way(&builder.finish().config, "10.0.0.1"), "a:1080 ann");
}

#[cfg(feature = "std-fs")]
#[test]
fn real_files() {
    use std::fs;

    use socks_config::StdFileSystem;

    let root = tempfile::tempdir().unwrap();
    let rc = root.path().join("socksrc");
    let login = root.path().join("login");
    let load = || load(&|_| None, &rc, false, &StdFileSystem);
    assert_eq!(load().unwrap_err(), LoadError::Missing { looked_for: vec![rc.clone()] });

    fs::create_dir(&rc).unwrap();
    fs::write(&login, "ann\ns3cret\n").unwrap();
    fs::write(rc.join("10"), format!("proxy 0/0 a @{}", login.display())).unwrap();
    fs::write(rc.join("20"), "noproxy 10").unwrap();
    fs::write(rc.join("20.bak"), "noproxy 11").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&login, fs::Permissions::from_mode(0o604)).unwrap();
        assert!(!load().unwrap().config.is_sound());
        fs::set_permissions(&login, fs::Permissions::from_mode(0o600)).unwrap();
        // A link to nowhere was meant to say something.
        std::os::unix::fs::symlink("nowhere", rc.join("30")).unwrap();
        assert!(!load().unwrap().config.is_sound());
        fs::remove_file(rc.join("30")).unwrap();
    }
    let Loaded { config, diagnostics, sources } = load().unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(sources, [Source::File(rc.join("10")), Source::File(rc.join("20"))]);
    assert_eq!(way(&config, "11.0.0.1"), "a:1080 ann");
    assert_eq!(way(&config, "10.0.0.1"), "direct");
}
