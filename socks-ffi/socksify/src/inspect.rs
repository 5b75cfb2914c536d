//! Whether a program can be wrapped: told before it runs, since it would go direct without a word.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

/// How much of a program is read: its headers and notes are at its start.
const HEAD: usize = 16 << 10;

/// How much of a file tells for which machine it is.
const MACHINE: usize = 20;

/// How many scripts may name a script as their interpreter; the kernel's own limit.
const DEPTH: usize = 5;

/// Why the loader would not preload a library into a program, or the library would see none of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    Static,
    Go,
    SetId,
    Capabilities,
    OtherMachine,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Static => "it is linked statically, so that no library can be preloaded",
            Self::Go => "it is written in Go, which makes its system calls without the C library",
            Self::SetId => "it is set-user-ID or set-group-ID, so that the loader ignores preloaded libraries",
            Self::Capabilities => "it has file capabilities, so that the loader ignores preloaded libraries",
            Self::OtherMachine => "it is for another word size or processor than the library",
        })
    }
}

/// The obstacle of a program, or of the interpreter of a script; `None` where it can be wrapped, and where it is
/// nothing that can be told, which is for the kernel to refuse.
pub(crate) fn obstacle(program: &Path) -> Option<(PathBuf, Obstacle)> {
    let mut path = program.to_owned();
    for _ in 0..DEPTH {
        let head = read_head(&path, HEAD).ok()?;
        if let Some(obstacle) = privileges(&path).or_else(|| image(&head)) {
            return Some((path, obstacle));
        }
        path = interpreter(&head)?;
    }
    None
}

/// Whether a file is a library for this machine.
pub(crate) fn is_library(path: &Path) -> bool {
    read_head(path, MACHINE).is_ok_and(|head| machine(&head).is_some_and(is_own))
}

fn read_head(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    // Room for all of it: a file is read in one go.
    let mut head = Vec::with_capacity(most);
    File::open(path)?.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The path behind `#!`.
fn interpreter(head: &[u8]) -> Option<PathBuf> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let path = line.trim_ascii_start().split(|byte| byte.is_ascii_whitespace()).next()?;
    (!path.is_empty()).then(|| Path::new(std::ffi::OsStr::from_bytes(path)).to_owned())
}

/// What makes the kernel start a program with more rights than its user has (AT_SECURE).
fn privileges(path: &Path) -> Option<Obstacle> {
    let metadata = path.metadata().ok()?;
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let set_user = metadata.mode() & 0o4000 != 0 && metadata.uid() != user;
    // Without the right to execute for the group, the bit means mandatory locking.
    let set_group = metadata.mode() & 0o2010 == 0o2010 && metadata.gid() != group;
    if set_user || set_group {
        return Some(Obstacle::SetId);
    }
    let mut value = [0; 64];
    let capabilities = rustix::fs::getxattr(path, c"security.capability", &mut value[..]).is_ok_and(|len| len > 0);
    (capabilities && user != 0).then_some(Obstacle::Capabilities)
}

/// Class, byte order and processor.
type Machine = [u8; 4];

fn machine(head: &[u8]) -> Option<Machine> {
    let head: &[u8; MACHINE] = head.first_chunk()?;
    head.starts_with(&elf::ELFMAG).then_some([head[4], head[5], head[18], head[19]])
}

/// Whether it is the machine of this program, and so of its library.
fn is_own(theirs: Machine) -> bool {
    static OWN: OnceLock<Option<Machine>> = OnceLock::new();
    *OWN.get_or_init(|| machine(&read_head(Path::new("/proc/self/exe"), MACHINE).ok()?)) == Some(theirs)
}

fn image(head: &[u8]) -> Option<Obstacle> {
    if !is_own(machine(head)?) {
        return Some(Obstacle::OtherMachine);
    }
    match head[4] {
        elf::ELFCLASS64 => segments::<FileHeader64<Endianness>>(head),
        _ => segments::<FileHeader32<Endianness>>(head),
    }
}

fn segments<H: FileHeader<Endian = Endianness>>(head: &[u8]) -> Option<Obstacle> {
    let header = H::parse(head).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, head).ok()?;
    if !segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP) {
        return Some(Obstacle::Static);
    }
    let is_go = |segment: &H::ProgramHeader| {
        let mut notes = segment.notes(endian, head).ok()??;
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"Go" {
                return Some(());
            }
        }
        None
    };
    segments.iter().find_map(is_go).map(|()| Obstacle::Go)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_as_its_interpreter() {
        let script = |text: &[u8]| interpreter(text);
        assert_eq!(script(b"#!/bin/sh\n"), Some(PathBuf::from("/bin/sh")));
        assert_eq!(script(b"#! /usr/bin/env python3\nx"), Some(PathBuf::from("/usr/bin/env")));
        assert_eq!(script(b"#!\n/bin/sh"), None);
        assert_eq!(script(b"echo"), None);
    }

    #[test]
    fn this_test_can_be_wrapped_and_nonsense_is_left_to_the_kernel() {
        assert_eq!(obstacle(&std::env::current_exe().unwrap()), None);
        assert_eq!(image(b"\x7fELF"), None);
        assert_eq!(image(b""), None);
        assert_eq!(obstacle(Path::new("/nonexistent")), None);
    }

    #[test]
    fn another_processor_and_a_program_without_a_loader_are_told() {
        let mut head = read_head(&std::env::current_exe().unwrap(), HEAD).unwrap();
        head[18] ^= 0xff;
        assert_eq!(image(&head), Some(Obstacle::OtherMachine));
        head[18] ^= 0xff;
        // Take the list of segments away, and with it PT_INTERP.
        head[56..58].fill(0);
        assert_eq!(image(&head), Some(Obstacle::Static));
    }
}
