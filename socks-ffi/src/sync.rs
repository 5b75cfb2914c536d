//! The atomics of the table and what it is made of: std's, or those of loom where `models` runs every order of events.
//!
//! Beside them what loom cannot make without an execution: statics, and arrays of atomics.

#[cfg(not(all(test, model)))]
mod real {
    pub(crate) use std::cell::UnsafeCell;
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence,
    };
    pub(crate) use std::thread::yield_now;

    /// A static.
    macro_rules! global {
        ($($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            $($(#[$meta])* static $name: $type = $value;)*
        };
    }

    /// An array of so many values made the same way.
    macro_rules! array {
        [$value:expr; $count:expr] => { [const { $value }; $count] };
    }

    /// Functions that make a value of a static.
    macro_rules! constant {
        ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty $body:block)*) => {
            $($(#[$meta])* $vis const fn $name($($arg: $type),*) -> $result $body)*
        };
    }

    pub(crate) use {array, constant, global};
}

#[cfg(all(test, model))]
mod modelled {
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence,
    };
    pub(crate) use loom::thread::yield_now;

    /// As std's; loom sees each access, and takes it for a write.
    pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::cell::UnsafeCell::new(value))
        }

        pub(crate) fn get(&self) -> *mut T {
            self.0.with_mut(|value| value)
        }
    }

    macro_rules! global {
        ($($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            loom::lazy_static! { $($(#[$meta])* static ref $name: $type = $value;)* }
        };
    }

    macro_rules! array {
        [$value:expr; $count:expr] => { std::array::from_fn(|_| $value) };
    }

    macro_rules! constant {
        ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty $body:block)*) => {
            $($(#[$meta])* $vis fn $name($($arg: $type),*) -> $result $body)*
        };
    }

    pub(crate) use {array, constant, global};
}

#[cfg(all(test, model))]
pub(crate) use modelled::*;
#[cfg(not(all(test, model)))]
pub(crate) use real::*;
