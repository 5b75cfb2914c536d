//! Environment variables: as they are, and as the kernel handed them over.

use std::ffi::{CStr, CString};
use std::ptr;

/// An environment variable, read without std's lock, which a fork can leave taken.
pub(crate) fn env(name: &str) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` ends in NUL. What getenv returns is read at once.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes().to_vec())
    }
}

/// As [`env`], and where the program has no such variable any more, the one that it was started with.
///
/// Programs clear their environment before they do anything else, and would go past the proxy for it. The kernel puts the
/// variables at the end of the first stack, one after the other in front of the program's name; libc's functions move
/// pointers to them and leave them alone. A program that wrote over them has the text of something else there.
pub(crate) fn env_at_start(name: &str) -> Option<Vec<u8>> {
    env(name).or_else(|| {
        // SAFETY: reads the auxiliary vector.
        let mut start = ptr::with_exposed_provenance::<u8>(unsafe { libc::getauxval(libc::AT_EXECFN) } as usize);
        if start.is_null() {
            return None;
        }
        for _ in 0..MOST {
            // SAFETY: in front of the program's name, and of each variable, stand variables; in front of the first one the
            // arguments, and before these more of the stack.
            let text = unsafe { text_before(start) }?;
            if !text.contains(&b'=') {
                return None;
            }
            if let Some(value) = text.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
                return Some(value.to_vec());
            }
            start = text.as_ptr();
        }
        None
    })
}

/// So many texts are looked at.
const MOST: usize = 100_000;
/// The longest text that the kernel takes (MAX_ARG_STRLEN).
const LONGEST: usize = 128 << 10;

/// The text whose NUL stands right before `end`.
///
/// # Safety
/// Bytes that may be read, and stay as they are, stand before `end` as far down as one of them is a NUL that is not the
/// first.
unsafe fn text_before<'a>(end: *const u8) -> Option<&'a [u8]> {
    let nul = end.wrapping_sub(1);
    // SAFETY: the caller's promise.
    if unsafe { *nul } != 0 {
        return None;
    }
    // SAFETY: the caller's promise; nothing below the NUL that is found is read.
    let len = (0..LONGEST).find(|len| unsafe { *nul.wrapping_sub(len + 1) } == 0)?;
    // SAFETY: as above: these were read.
    Some(unsafe { std::slice::from_raw_parts(nul.wrapping_sub(len), len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_was_started_with_is_found() {
        // As cargo sets it, and every shell.
        let path = env("PATH").expect("a PATH");
        assert_eq!(env_at_start("PATH"), Some(path));
        assert_eq!(env_at_start("SOCKS_NO_SUCH_VARIABLE"), None);
        assert_eq!(env_at_start("PAT"), None);
    }

    #[test]
    fn texts_are_read_from_their_end() {
        let memory = b"x\0A=1\0\0B=22\0";
        let end = memory.as_ptr_range().end;
        // SAFETY: a NUL stands before each.
        unsafe {
            let last = text_before(end).expect("text");
            assert_eq!(last, b"B=22");
            let empty = text_before(last.as_ptr()).expect("text");
            assert_eq!(empty, b"");
            assert_eq!(text_before(empty.as_ptr()).expect("text"), b"A=1");
            assert!(text_before(end.wrapping_sub(1)).is_none(), "no NUL before it");
        }
    }
}
