//! Accounts and hosts for the servers that look them up in /etc: files of our own are mounted over the system's, in a
//! mount namespace that nobody but the server sees.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;

use crate::netns::{TARGET, TARGET_NAME, TARGET_NAME_V6};

/// A user of the SOCKS servers.
pub const USER: &str = "interop";
/// The password; a word of socksrc, so nothing a netmask or a comment could be.
pub const PASSWORD: &str = "s3cret-word";
/// [`PASSWORD`] as crypt(3) has it.
const PASSWORD_HASH: &str =
    "$6$interop$hizxxho9rZrfMRMPnHdFdeBCWbxUp.Ljd6o/o7AG15BVrKtWcTJ812GKUJ2aBPO3CqOOGbFxL7j3kQxLEyqzE1";

/// For [`command_with_mounts`](crate::netns::Network::command_with_mounts): puts the files of [`write()`] in place.
/// `$1` is their folder. sshd wants its empty folder in /run; what else is there is of no use to a test.
pub const MOUNT: &str = r#"
    mount --bind "$1/passwd" /etc/passwd
    mount --bind "$1/shadow" /etc/shadow
    mount --bind "$1/hosts" /etc/hosts
    mount -t tmpfs tmpfs /run
    mkdir -m 755 /run/sshd
"#;

/// Writes `passwd`, `shadow` and `hosts` to `folder`. The home of root is `folder` itself: its shell must not read the
/// user's files.
pub fn write(folder: &Path) -> Result<()> {
    let home = folder.display();
    fs::write(
        folder.join("passwd"),
        format!(
            "root:x:0:0::{home}:/bin/sh\nsshd:x:65534:65534::/nonexistent:/bin/false\n\
             nobody:x:65534:65534::/nonexistent:/bin/false\n{USER}:x:65533:65534::/nonexistent:/bin/false\n"
        ),
    )?;
    let shadow = folder.join("shadow");
    fs::write(&shadow, format!("root:*:1::::::\n{USER}:{PASSWORD_HASH}:1::::::\n"))?;
    fs::set_permissions(shadow, fs::Permissions::from_mode(0o600))?;
    write_hosts(folder)
}

/// Writes `hosts` to `folder`, for [`command_with_hosts`](crate::netns::Network::command_with_hosts): the target's names,
/// which nobody else knows.
pub fn write_hosts(folder: &Path) -> Result<()> {
    let [v4, v6] = TARGET;
    let text = format!("127.0.0.1 localhost\n{v4} {TARGET_NAME}\n{v6} {TARGET_NAME_V6}\n");
    fs::write(folder.join("hosts"), text)?;
    Ok(())
}
