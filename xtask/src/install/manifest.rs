//! What was installed: a list that stays with it, so that it can be removed by another version of this program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::tree::below;

/// How an installed path is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder that was not there before; stays while something else is in it.
    Folder,
    /// A file or a symbolic link.
    File,
    /// A file that its users change; stays if they did.
    Configuration,
}

impl Kind {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Folder, "folder"), (Self::File, "file"), (Self::Configuration, "configuration")];

    fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// Installed paths, in the order in which they came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) entries: Vec<(Kind, PathBuf)>,
}

impl Manifest {
    /// The list of an earlier installation; `None` where there was none.
    pub(super) fn read(root: &Path, path: &Path) -> Result<Option<Self>> {
        let path = below(root, path);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map(Some).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    /// One path a line, behind its kind.
    fn parse(text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for line in text.lines() {
            let entry = line.split_once(' ').and_then(|(word, path)| {
                let (kind, _) = Kind::ALL.into_iter().find(|(_, known)| *known == word)?;
                let path = PathBuf::from(path);
                // What is removed by this list must be what it says.
                let plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
                plain.then_some((kind, path))
            });
            let Some(entry) = entry else { bail!("no list of installed files: {line:?}") };
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    pub(super) fn text(&self) -> String {
        self.entries.iter().map(|(kind, path)| format!("{} {}\n", kind.word(), path.display())).collect()
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.entries.iter().any(|(_, known)| known == path)
    }

    pub(super) fn add(&mut self, kind: Kind, path: &Path) {
        if !self.has(path) {
            self.entries.push((kind, path.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let mut list = Manifest::default();
        list.add(Kind::Folder, Path::new("/opt/lib"));
        list.add(Kind::File, Path::new("/opt/lib/libsocks.a"));
        list.add(Kind::File, Path::new("/opt/lib/libsocks.a"));
        list.add(Kind::Configuration, Path::new("/etc/socksrc"));
        let text = "folder /opt/lib\nfile /opt/lib/libsocks.a\nconfiguration /etc/socksrc\n";
        assert_eq!(list.text(), text);
        assert_eq!(Manifest::parse(text).expect("a list"), list);
    }

    #[test]
    fn what_is_no_list_removes_nothing() {
        for text in ["/opt/lib\n", "file opt\n", "file /opt/../etc/passwd\n", "all /\n", "\n"] {
            assert!(Manifest::parse(text).is_err(), "{text:?}");
        }
    }
}
