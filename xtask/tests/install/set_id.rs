//! A set-id program that is linked with the library, started by somebody who means it ill.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{Library, Tools, install, run};

/// What the test cannot do without.
pub(super) const NEEDS: [&str; 2] = ["unshare", "setpriv"];

/// No variable leads it anywhere: it goes by the configuration of its place, writes no log, and no table of names into a
/// folder that its caller names. Without more rights it does all of that.
pub(super) fn variables() -> Result<()> {
    let folder = TempDir::new()?;
    let open = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    open(folder.path(), 0o755)?;
    let prefix = folder.path().join("opt");
    install(&[&format!("--prefix={}", prefix.display())])?;
    // Nobody asks the proxy: an address of the table stands for the name.
    fs::write(prefix.join("etc/socksrc"), "dns remote\nproxy 0.0.0.0/0 127.0.0.1:1\n")?;
    let tools = Tools { folder: folder.path(), libdir: prefix.join("lib"), sysroot: None };
    let mut flags = tools.flags("socks", Library::Shared)?;
    flags.push(format!("-Wl,-rpath,{}", tools.libdir.display()));
    let program = tools.compile_source("set_id", include_str!("set_id.c"), &flags)?;
    let theirs = folder.path().join("theirs");
    fs::write(folder.path().join("rc"), "not a configuration at all\n")?;

    for (mode, rights, is_set) in [(0o755, "plain", false), (0o4755, "secure", true)] {
        fs::create_dir(&theirs)?;
        open(&theirs, 0o777)?;
        open(&program, mode)?;
        let start = |socksrc| {
            // With a /dev/shm of its own, where the table is else.
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-ec", "mount -t tmpfs -o mode=1777 none /dev/shm; exec \"$@\"", "sh"]);
            command.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
            command.env("SOCKSRC", socksrc).env("XDG_RUNTIME_DIR", &theirs);
            command.env("SOCKS_DEBUG", "255").env("SOCKS_LOG", theirs.join("log"));
            run(&mut command)
        };
        let said = start(prefix.join("etc/socksrc"))?;
        ensure!(said == format!("{rights}, 0\n"), "it says {said:?}: is {} mounted nosuid?", folder.path().display());
        let mut left = Vec::new();
        for entry in fs::read_dir(&theirs)? {
            left.push(entry?.file_name().into_string().ok().context("a name")?);
        }
        left.sort_unstable();
        let expected: &[&str] = if is_set { &[] } else { &["libsocks-names-1-65534", "log"] };
        ensure!(left == expected, "{rights}: in its caller's folder: {left:?}");
        // The other configuration is an error in all that looks at it.
        let said = start(folder.path().join("rc"))?;
        ensure!(is_set == (said == format!("{rights}, 0\n")), "{rights}, with another configuration: {said:?}");
        fs::remove_dir_all(&theirs)?;
    }
    Ok(())
}
