//! The configuration of this process, read when it is first needed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};

use socks_config::{Config, DEFAULT_PATH, LoadError};

use crate::debug::{About, tell_all};
use crate::sys::files::RawFiles;
use crate::{debug, sys};

static CONFIG: AtomicPtr<Config> = AtomicPtr::new(std::ptr::null_mut());

/// The configuration. Threads that come first at once each read it, and one of them wins: no lock.
pub(crate) fn get() -> &'static Config {
    let config = CONFIG.load(Ordering::Acquire);
    if config.is_null() {
        return load();
    }
    // SAFETY: published below by Box::into_raw and never freed.
    unsafe { &*config }
}

#[cold]
fn load() -> &'static Config {
    let read = read();
    let made = Box::into_raw(Box::new(read));
    match CONFIG.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: as in `get`.
        Ok(_) => unsafe { &*made },
        Err(first) => {
            // SAFETY: `made` was not published; `first` was, as in `get`.
            unsafe {
                drop(Box::from_raw(made));
                &*first
            }
        }
    }
}

fn read() -> Config {
    let env = |name: &str| sys::environment::env_at_start(name).map(OsString::from_vec);
    match socks_config::load(&env, Path::new(DEFAULT_PATH), sys::is_set_id(), &RawFiles) {
        Ok(loaded) => {
            debug::diagnostics(&loaded.diagnostics);
            for source in &loaded.sources {
                tell_all(About::Configuration, || format!("the configuration is from {source}"));
            }
            loaded.config
        }
        // Nobody asked for a proxy.
        Err(error @ LoadError::Missing { .. }) => {
            tell_all(About::Configuration, || format!("{error}: everything goes direct"));
            Config::default()
        }
        // What was asked for is not known.
        Err(error) => {
            debug::load_error(&error);
            Config::refuse_all()
        }
    }
}
