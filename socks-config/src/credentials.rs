//! Logins from files.

use std::hint::black_box;
use std::path::Path;
use std::str;

use socks_proto::UserPass;

use crate::diagnostic::Fault;
use crate::load::{FileKind, FileSystem};

/// Permission bits of those who are neither the owner nor of the group.
const OTHERS: u32 = 0o007;

/// Why a file gave no login.
pub(crate) struct Misread {
    /// The file and the line, where the fault is within the file; else it is in the word that names it.
    pub(crate) file: Option<(String, u32)>,
    pub(crate) fault: Fault,
}

impl From<Fault> for Misread {
    fn from(fault: Fault) -> Self {
        Self { file: None, fault }
    }
}

/// Reads the login of `@path`, and notes the file in `secret_files`.
pub(crate) fn from_file(
    fs: Option<&dyn FileSystem>,
    path: &[u8],
    secret_files: &mut Vec<String>,
) -> Result<UserPass, Misread> {
    const EXPECTED: &str = "@/path of a file with user and password on two lines";
    let path = match str::from_utf8(path) {
        Ok(path) if path.starts_with('/') => path,
        // Not shown, as it may be a password.
        _ => return Err(Fault::new(0, "`@` without an absolute path", EXPECTED).into()),
    };
    let Some(fs) = fs else {
        return Err(Fault::new(0, "a file to read", "USERID PASSWORD, as no file is read here").into());
    };
    secret_files.push(path.to_owned());
    let unreadable = |error: std::io::Error| Fault::new(0, format!("`{path}`, not readable: {error}"), EXPECTED);
    let metadata = fs.metadata(Path::new(path)).map_err(unreadable)?;
    if metadata.kind != FileKind::File {
        return Err(Fault::new(0, format!("`{path}`, no regular file"), EXPECTED).into());
    }
    if metadata.mode & OTHERS != 0 {
        let found = format!("`{path}` of mode {:03o}, open to others than its owner and group", metadata.mode & 0o777);
        return Err(Fault::new(0, found, "mode 640 or less").into());
    }
    let mut text = fs.read(Path::new(path)).map_err(unreadable)?;
    let login = from_text(&text);
    wipe(&mut text);
    login.map_err(|(line, fault)| Misread { file: Some((path.to_owned(), line)), fault })
}

fn from_text(text: &[u8]) -> Result<UserPass, (u32, Fault)> {
    const EXPECTED: &str = "user and password on two lines";
    let mut lines = text.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let user = lines.next().unwrap_or_default();
    let password = lines.next().unwrap_or_default();
    if let Some(more) = lines.position(|line| !line.is_empty()) {
        let line = u32::try_from(more).unwrap_or(u32::MAX).saturating_add(3);
        return Err((line, Fault::new(0, "another line", EXPECTED)));
    }
    UserPass::new(user, password).map_err(|error| {
        let line = if (1..=255).contains(&user.len()) { 2 } else { 1 };
        (line, Fault::new(0, error.to_string(), EXPECTED))
    })
}

/// Overwrites what held a secret. The `black_box` keeps the stores, which nothing reads.
pub fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    black_box(secret);
}
