//! What only C can do: to the arguments and to the signals of this process.

use std::ffi::{CStr, c_char, c_int};
use std::slice;

use socks_cli::login_in;

/// Overwrites the logins of URLs among the arguments, which everybody who can list processes sees as long as this one
/// runs.
///
/// # Safety
/// `arguments` are `count` texts that end in NUL, each of them writable and nobody else's for the time of the call.
#[allow(unsafe_code)]
#[cfg_attr(test, allow(dead_code))]
pub(crate) unsafe fn hide_logins(count: c_int, arguments: *mut *mut c_char) {
    for at in 0..usize::try_from(count).unwrap_or_default() {
        // SAFETY: one of the `count` pointers.
        let argument = unsafe { *arguments.add(at) };
        // SAFETY: a text that ends in NUL.
        let word = unsafe { CStr::from_ptr(argument) };
        if let Some(login) = login_in(word.to_bytes()) {
            // SAFETY: within that text, which is writable, and of which no other reference is left.
            unsafe { slice::from_raw_parts_mut(argument.cast::<u8>().add(login.start), login.len()) }.fill(b'*');
        }
    }
}

/// So that a write to what nobody reads any more fails, and ends one direction alone.
#[allow(unsafe_code)]
#[cfg_attr(test, allow(dead_code))]
pub(crate) fn ignore_sigpipe() {
    // SAFETY: no handler is installed, only the signal ignored.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use std::ffi::CString;

    use super::*;

    #[test]
    fn only_logins_are_hidden() {
        let words = ["socksconnect", "-x", "socks5://ann:s3cret@gate:1", "--proxy=socks5h://a:b@c", "a@b", "22"];
        let mut words = words.map(|word| CString::new(word).expect("no NUL").into_raw());
        // SAFETY: six texts of this test.
        unsafe { hide_logins(6, words.as_mut_ptr()) };
        // SAFETY: each is one of those above.
        let words = words.map(|word| unsafe { CString::from_raw(word) }.into_string().expect("text"));
        assert_eq!(words, ["socksconnect", "-x", "socks5://**********@gate:1", "--proxy=socks5h://***@c", "a@b", "22"]);
    }
}
