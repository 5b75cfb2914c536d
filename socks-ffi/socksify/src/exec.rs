//! execve(2), which std offers only together with what it does to a child's signals.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString, c_char};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::ptr;

/// Replaces this process by a program, with these arguments, its name among them, and this environment.
///
/// Signals stay as they are: what was ignored goes on to be.
///
/// # Errors
/// As execve(2). A NUL in a word, which no argument or variable of a process can have, is invalid input.
#[allow(unsafe_code)]
pub(crate) fn exec<'a>(
    path: &Path,
    arguments: impl Iterator<Item = &'a OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> io::Result<Infallible> {
    let word = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::from);
    let variable = |(name, value): (OsString, OsString)| {
        let mut text = name.into_vec();
        text.push(b'=');
        text.extend(value.into_vec());
        CString::new(text).map_err(io::Error::from)
    };
    let path = word(path.as_os_str())?;
    let arguments = arguments.map(|argument| word(argument)).collect::<io::Result<Vec<_>>>()?;
    let environment = environment.map(variable).collect::<io::Result<Vec<_>>>()?;
    let (arguments, environment) = (pointers(&arguments), pointers(&environment));
    // SAFETY: each pointer is to a text that ends in NUL and outlives the call, and each list ends in a null.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// The environment of this process with these changes: a variable without a value is removed, a name stands once.
pub(crate) fn environment(
    changes: &[(&'static str, Option<OsString>)],
    more: Option<(OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    let is_changed = |name: &OsStr| changes.iter().any(|(changed, _)| name == *changed);
    let ours: Vec<_> =
        changes.iter().filter_map(|(name, value)| Some((OsString::from(name), value.clone()?))).chain(more).collect();
    let mut environment: Vec<_> = std::env::vars_os().collect();
    environment.retain(|(name, _)| !is_changed(name) && ours.iter().all(|(own, _)| name != own));
    environment.into_iter().chain(ours)
}

/// As C has a list of texts.
fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
}
