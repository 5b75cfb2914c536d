//! Where a configuration comes from: the only file of this crate that opens files.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::builder::{ConfigBuilder, Parsed};
use crate::config::Config;
use crate::credentials::wipe;
use crate::diagnostic::{Diagnostic, Location};
use crate::variable::{
    SOCKS_PASSWORD, SOCKS_PROXY, SOCKS_USERNAME, SOCKSIFY_DNS, SOCKSIFY_LOGIN_FILE, SOCKSIFY_PROXY, SOCKSIFY_STRICT,
    SOCKSRC,
};

/// The file that is installed, and what holds where `socksify -x` finds no file.
const INSTALLED: &str = include_str!("../socksrc");

/// Where the configuration is, unless `SOCKSRC` names another: fixed when the library and the command are built.
pub const DEFAULT_PATH: &str = match option_env!("SOCKS_SYSCONFDIR_SOCKSRC") {
    Some(path) => path,
    None => "/etc/socksrc",
};

/// Access to files.
///
/// [`StdFileSystem`] is the obvious one. A library that replaces `close` must not go through [`std::fs`], which
/// calls it, and brings its own.
pub trait FileSystem {
    /// What kind of file a path leads to, symbolic links followed, and who may use it.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is nothing; any other error counts as a file that cannot be read.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// The whole content of a file.
    ///
    /// # Errors
    /// Any error counts as a file that cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a directory, in any order, with or without `.` and `..`.
    ///
    /// # Errors
    /// Any error counts as a directory that cannot be read.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
}

/// What a [`FileSystem`] says about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The kind of file.
    pub kind: FileKind,
    /// The permission bits of `st_mode`; others are ignored.
    pub mode: u32,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, a pipe or a socket.
    Other,
}

/// The files of [`std::fs`].
#[cfg(feature = "std-fs")]
#[derive(Clone, Copy, Debug, Default)]
pub struct StdFileSystem;

#[cfg(feature = "std-fs")]
impl FileSystem for StdFileSystem {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = std::fs::metadata(path)?;
        let kind = match (metadata.is_file(), metadata.is_dir()) {
            (true, _) => FileKind::File,
            (_, true) => FileKind::Directory,
            _ => FileKind::Other,
        };
        #[cfg(unix)]
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        // Without permission bits there is nothing to check.
        #[cfg(not(unix))]
        let mode = 0o600;
        Ok(Metadata { kind, mode })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }
}

/// A configuration, what is wrong with it, and where it came from.
#[derive(Clone, Debug)]
#[must_use]
pub struct Loaded {
    /// What was understood. Not sound where something could not be read.
    pub config: Config,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read, in this order; later proxies replaced earlier ones.
    pub sources: Vec<Source>,
}

/// Something that a configuration was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// An environment variable that names a proxy.
    Variable(&'static str),
    /// The file that is installed by default, as there is no other: loopback and wildcard addresses go direct.
    Installed,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Installed => f.write_str("(built in)"),
        }
    }
}

/// Why there is no configuration at all. One that cannot be read is there, and not sound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing is configured.
    Missing {
        /// The paths at which there is nothing.
        looked_for: Vec<PathBuf>,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Missing { looked_for } = self;
        f.write_str("no configuration")?;
        for (i, path) in looked_for.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { ": there is no " } else { ", no " }, path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// Reads the configuration of this system, or the one that the environment names.
///
/// `default_path` is a file, or a directory whose files are read in the order of their names as one
/// configuration; names with a `.` or a `~` in them, and `CVS`, are skipped. `env` looks up a variable; with
/// `secure`, which a set-id process must say, it is never asked. An empty variable counts as none.
///
/// - `SOCKSRC` names another file or directory. It must be there.
/// - `SOCKSIFY_PROXY`, set by `socksify -x`, replaces all proxies; where there is no file, the loopback and the
///   wildcard addresses go direct.
/// - `SOCKSIFY_LOGIN_FILE`, or `SOCKS_USERNAME` and `SOCKS_PASSWORD`, are the login for it where it has none.
/// - `SOCKS_PROXY` replaces all proxies where the configuration says `allowenv`.
/// - `SOCKSIFY_DNS` says who resolves names, in place of the configuration and of the proxy's URL.
/// - `SOCKSIFY_STRICT` makes the configuration `strict`; where there is no file, it is one as `SOCKSIFY_PROXY` is.
///
/// [`variable`](crate::variable) has their names. What one of them says wrong is an error, as a line of a file is.
///
/// # Errors
/// [`LoadError::Missing`] where there is no configuration. One that is there and cannot be read, or not in part,
/// is returned with diagnostics, and is not [sound](Config::is_sound).
///
/// ```
/// # #[cfg(feature = "std-fs")] {
/// use std::path::Path;
/// use socks_config::{LoadError, StdFileSystem, load};
///
/// let env = |name: &str| std::env::var_os(name).filter(|_| name != "SOCKSRC");
/// match load(&env, Path::new("/nowhere/socksrc"), false, &StdFileSystem) {
///     Ok(loaded) => println!("{:?}", loaded.sources),
///     Err(LoadError::Missing { looked_for }) => assert_eq!(looked_for, [Path::new("/nowhere/socksrc")]),
///     Err(error) => panic!("{error}"),
/// }
/// # }
/// ```
pub fn load(
    env: &dyn Fn(&str) -> Option<OsString>,
    default_path: &Path,
    secure: bool,
    fs: &dyn FileSystem,
) -> Result<Loaded, LoadError> {
    let variable = |name: &str| if secure { None } else { env(name).filter(|value| !value.is_empty()) };
    let asked_for = variable(SOCKSRC).map(PathBuf::from);
    let path = asked_for.as_deref().unwrap_or(default_path);
    let forced_proxy = variable(SOCKSIFY_PROXY);
    let strict = variable(SOCKSIFY_STRICT).is_some();

    let mut loader = Loader { fs, builder: ConfigBuilder::with_file_system(fs), sources: Vec::new() };
    match fs.metadata(path) {
        Ok(Metadata { kind: FileKind::Directory, .. }) => loader.directory(path),
        Ok(_) => loader.file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && asked_for.is_none() => {
            if forced_proxy.is_none() && !strict {
                return Err(LoadError::Missing { looked_for: vec![path.to_owned()] });
            }
            loader.builder.file("(built in)", INSTALLED.as_bytes());
            loader.sources.push(Source::Installed);
        }
        Err(error) => {
            let named_by = if asked_for.is_some() { SOCKSRC } else { &path.to_string_lossy() };
            loader.unreadable(Location::start_of(named_by), path, &error);
        }
    }
    if let Some(value) = forced_proxy {
        loader.proxy(SOCKSIFY_PROXY, value);
        loader.login(&variable);
    } else if let Some(value) = variable(SOCKS_PROXY).filter(|_| loader.builder.allows_env()) {
        loader.proxy(SOCKS_PROXY, value);
    }
    if let Some(value) = variable(SOCKSIFY_DNS) {
        loader.builder.dns_variable(SOCKSIFY_DNS, value.as_encoded_bytes());
        loader.sources.push(Source::Variable(SOCKSIFY_DNS));
    }
    if strict {
        loader.builder.strict();
        loader.sources.push(Source::Variable(SOCKSIFY_STRICT));
    }
    let Parsed { config, diagnostics } = loader.builder.finish();
    Ok(Loaded { config, diagnostics, sources: loader.sources })
}

struct Loader<'fs> {
    fs: &'fs dyn FileSystem,
    builder: ConfigBuilder<'fs>,
    sources: Vec<Source>,
}

impl Loader<'_> {
    fn directory(&mut self, path: &Path) {
        let mut names = match self.fs.list(path) {
            Ok(names) => names,
            Err(error) => return self.unreadable(Location::start_of(&path.to_string_lossy()), path, &error),
        };
        names.retain(|name| {
            let name = name.as_encoded_bytes();
            name != b"CVS" && !name.iter().any(|b| matches!(b, b'.' | b'~'))
        });
        names.sort_unstable();
        for name in names {
            let path = path.join(name);
            let location = Location::start_of(&path.to_string_lossy());
            match self.fs.metadata(&path).map(|metadata| metadata.kind) {
                Ok(FileKind::File) => self.file(&path),
                Ok(FileKind::Directory) => {
                    self.builder.warning(location, "a directory, which is not read".to_owned(), "a file");
                }
                // To open a pipe may never return.
                Ok(FileKind::Other) => self.builder.error(location, "no regular file".to_owned(), "a file"),
                Err(error) => self.unreadable(location, &path, &error),
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.to_string_lossy();
        self.sources.push(Source::File(path.to_owned()));
        match self.fs.read(path) {
            Ok(mut text) => {
                self.builder.file(&name, &text);
                // There may be logins in it.
                wipe(&mut text);
            }
            Err(error) => self.unreadable(Location::start_of(&name), path, &error),
        }
    }

    fn proxy(&mut self, name: &'static str, value: OsString) {
        let mut value = value.into_encoded_bytes();
        self.builder.variable(name, &value);
        wipe(&mut value);
        self.sources.push(Source::Variable(name));
    }

    /// The login of the proxy that a variable named, unless it came with one.
    fn login(&mut self, variable: &dyn Fn(&str) -> Option<OsString>) {
        if !self.builder.lacks_login() {
            return;
        }
        if let Some(path) = variable(SOCKSIFY_LOGIN_FILE) {
            self.builder.login_file(SOCKSIFY_LOGIN_FILE, path.as_encoded_bytes());
            return self.sources.push(Source::File(path.into()));
        }
        let [user, password] =
            [SOCKS_USERNAME, SOCKS_PASSWORD].map(|name| variable(name).map(OsString::into_encoded_bytes));
        if let (None, None) = (&user, &password) {
            return;
        }
        let [mut user, mut password] = [user, password].map(Option::unwrap_or_default);
        self.builder.login([(SOCKS_USERNAME, &user), (SOCKS_PASSWORD, &password)]);
        wipe(&mut user);
        wipe(&mut password);
        self.sources.push(Source::Variable(SOCKS_USERNAME));
    }

    fn unreadable(&mut self, location: Location, path: &Path, error: &io::Error) {
        let found = format!("`{}`, not readable: {error}", path.display());
        self.builder.error(location, found, "a file or a directory that can be read");
    }
}
