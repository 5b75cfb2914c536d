//! Files for the configuration, by raw system calls: std's would come back through libsockswrap's `close`
//! while the configuration is not there yet.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, RawDir, fstat, open};
use socks_config::{FileKind, FileSystem, Metadata};

/// The largest file that is read: far beyond any configuration.
const LIMIT: usize = 64 << 20;

pub(crate) struct RawFiles;

impl FileSystem for RawFiles {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let stat = rustix::fs::stat(path).map_err(io_error)?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            _ => FileKind::Other,
        };
        Ok(Metadata { kind, mode: stat.st_mode })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // Not waiting: a FIFO has no place here, and must not stop a program.
        let file = open_read(path, OFlags::NONBLOCK)?;
        let size = usize::try_from(fstat(&file).map_err(io_error)?.st_size).unwrap_or(0);
        let mut text = Vec::with_capacity(size.min(LIMIT) + 1);
        let mut part = [0; 4096];
        loop {
            match rustix::io::read(&file, &mut part) {
                Ok(0) => return Ok(text),
                Ok(len) => text.extend_from_slice(&part[..len]),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io_error(error)),
            }
            if text.len() > LIMIT {
                return Err(io_error(rustix::io::Errno::FBIG));
            }
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let directory = open_read(directory, OFlags::DIRECTORY)?;
        let mut buf = Vec::with_capacity(8192);
        let mut entries = RawDir::new(&directory, buf.spare_capacity_mut());
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            names.push(OsString::from_vec(entry.map_err(io_error)?.file_name().to_bytes().to_vec()));
        }
        Ok(names)
    }
}

fn open_read(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | flags;
    rustix::io::retry_on_intr(|| open(path, flags, Mode::empty())).map_err(io_error)
}

fn io_error(error: rustix::io::Errno) -> io::Error {
    io::Error::from_raw_os_error(error.raw_os_error())
}
