//! Memory that all processes of a user share: a file that only this user can open.

use std::ffi::OsString;
use std::mem::{align_of, size_of};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::ptr;

use rustix::fs::{FileType, Mode, OFlags, fstat, ftruncate, open};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous};

/// `count` values of a type for which all zeroes are one, and which any process may change at any time: made of atomics.
///
/// Shared with the other processes of this user under that name; where no such file can be had, with children only.
///
/// # Errors
/// ENOMEM.
///
/// # Safety
/// All zeroes, and whatever else another process may write, are a valid `T`.
pub(crate) unsafe fn memory<T: Sync>(name: &str, count: usize) -> Result<&'static [T], Errno> {
    const { assert!(align_of::<T>() <= PAGE) };
    let size = count.checked_mul(size_of::<T>()).ok_or(Errno::NOMEM)?;
    let start = match folders().find_map(|folder| map_file(&folder, name, size)) {
        Some(start) => start,
        None => {
            // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing.
            unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED) }?
        }
    };
    // SAFETY: the mapping has this size, starts at a page, is never unmapped, and holds valid values by the caller's
    // promise.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), count) })
}

/// Sees to it that there is memory behind a value: where the file's memory is used up, touching it would end the process
/// with SIGBUS.
///
/// # Errors
/// There is none. A kernel before Linux 5.14, which cannot tell, is trusted.
pub(crate) fn back<T>(value: &T) -> Result<(), Errno> {
    let start = ptr::from_ref(value).cast::<u8>();
    let within = start.addr() % PAGE;
    let page = start.wrapping_sub(within).cast_mut();
    // SAFETY: the pages are mapped, as they hold a value that is borrowed; their content stays as it is.
    match unsafe { madvise(page.cast(), within + size_of::<T>(), Advice::LinuxPopulateWrite) } {
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error),
    }
}

const PAGE: usize = 4096;

/// Where such a file may be: gone when the user's last session ends, or at the latest when the machine stops. A set-id process
/// writes nowhere that its caller names.
fn folders() -> impl Iterator<Item = PathBuf> {
    let session = if super::is_set_id() { None } else { super::env("XDG_RUNTIME_DIR") };
    let session = session.map(|path| PathBuf::from(OsString::from_vec(path)));
    session.filter(|path| path.is_absolute()).into_iter().chain([PathBuf::from("/dev/shm")])
}

fn map_file(folder: &Path, name: &str, size: usize) -> Option<*mut std::ffi::c_void> {
    let user = rustix::process::geteuid();
    let path = folder.join(format!("{name}-{}", user.as_raw()));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = open(path, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let stat = fstat(&file).ok()?;
    let is_ours = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == user.as_raw()
        && stat.st_mode & 0o077 == 0;
    if !is_ours {
        return None;
    }
    if u64::try_from(stat.st_size).ok()? < size as u64 {
        ftruncate(&file, size as u64).ok()?;
    }
    // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing. The file is closed at once: the
    // mapping stays.
    unsafe { mmap(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0) }.ok()
}
