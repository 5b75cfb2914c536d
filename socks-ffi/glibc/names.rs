//! Names that libsocks.so would have to take from a newer glibc than 2.31, defined within it.
//!
//! Which version of a function a library asks for is settled by the glibc that it is linked with: since 2.34 that is
//! another one for all that was in libpthread and libdl, though nothing is different but the place. std and the unwinder call
//! some of these, and a few that are new. A loader that finds a version missing does not start the program at all.
//!
//! `build.rs` compiles this file on its own and gives it to the linker of the shared library alone, whose version script
//! keeps its names local: no other object is to get them.

#![no_std]

use core::arch::global_asm;
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::ptr;

/// The version of the functions that glibc has had from its beginning on this machine.
#[cfg(target_arch = "x86_64")]
macro_rules! first_version {
    () => {
        "GLIBC_2.2.5"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! first_version {
    () => {
        "GLIBC_2.17"
    };
}

/// Pointers to functions in their first version. `None` where nobody has loaded the library that they were in before 2.34.
macro_rules! first {
    ($($pointer:ident: $name:literal, fn($($argument:ty),*) -> $result:ty;)*) => {
        $(
            global_asm!(
                concat!(".weak first_", $name),
                concat!(".symver first_", $name, ", ", $name, "@", first_version!()),
                ".pushsection .data.rel.ro.first,\"aw\",%progbits",
                ".balign 8",
                concat!(".hidden ", stringify!($pointer)),
                concat!(".globl ", stringify!($pointer)),
                concat!(stringify!($pointer), ": .quad first_", $name),
                ".popsection",
            );
        )*
        unsafe extern "C" {
            $(safe static $pointer: Option<unsafe extern "C" fn($($argument),*) -> $result>;)*
        }
    };
}

type Destructor = unsafe extern "C" fn(*mut c_void);
type Routine = unsafe extern "C" fn();

first! {
    FIRST_DLOPEN: "dlopen", fn(*const c_char, c_int) -> *mut c_void;
    FIRST_DLSYM: "dlsym", fn(*mut c_void, *const c_char) -> *mut c_void;
    FIRST_KEY_CREATE: "pthread_key_create", fn(*mut c_uint, Option<Destructor>) -> c_int;
    FIRST_KEY_DELETE: "pthread_key_delete", fn(c_uint) -> c_int;
    FIRST_ONCE: "pthread_once", fn(*mut c_int, Routine) -> c_int;
    FIRST_SETSPECIFIC: "pthread_setspecific", fn(c_uint, *const c_void) -> c_int;
}

/// dlopen(3); without libdl nothing is found.
#[unsafe(no_mangle)]
unsafe extern "C" fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void {
    // SAFETY: the caller's promise.
    FIRST_DLOPEN.map_or(ptr::null_mut(), |dlopen| unsafe { dlopen(file, flags) })
}

/// dlsym(3); without libdl nothing is found.
#[unsafe(no_mangle)]
unsafe extern "C" fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: the caller's promise.
    FIRST_DLSYM.map_or(ptr::null_mut(), |dlsym| unsafe { dlsym(handle, name) })
}

// Without libpthread there is one thread, and exit(3) runs no destructor of a key: then nothing has to be kept. std asks
// for no value back.

/// pthread_key_create(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_key_create(key: *mut c_uint, destructor: Option<Destructor>) -> c_int {
    match FIRST_KEY_CREATE {
        // SAFETY: the caller's promise.
        Some(create) => unsafe { create(key, destructor) },
        None => {
            // Not 0, which std takes for none.
            // SAFETY: the caller's promise.
            unsafe { key.write(1) };
            0
        }
    }
}

/// By this name the unwinder finds out whether there are threads, and does not call it.
#[unsafe(no_mangle)]
unsafe extern "C" fn __pthread_key_create(key: *mut c_uint, destructor: Option<Destructor>) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { pthread_key_create(key, destructor) }
}

/// pthread_key_delete(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_key_delete(key: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    FIRST_KEY_DELETE.map_or(0, |delete| unsafe { delete(key) })
}

/// pthread_setspecific(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_setspecific(key: c_uint, value: *const c_void) -> c_int {
    // SAFETY: the caller's promise.
    FIRST_SETSPECIFIC.map_or(0, |set| unsafe { set(key, value) })
}

/// pthread_once(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_once(control: *mut c_int, routine: Routine) -> c_int {
    // SAFETY: the caller's promise; without libpthread nobody else looks at `control`.
    unsafe {
        match FIRST_ONCE {
            Some(once) => return once(control, routine),
            None if *control == 0 => {
                *control = 1;
                routine();
            }
            None => {}
        }
    }
    0
}

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

/// fstat(2), with the structure of a 64-bit kernel
#[unsafe(no_mangle)]
unsafe extern "C" fn fstat64(fd: c_int, stat: *mut c_void) -> c_int {
    const AT_EMPTY_PATH: c_int = 0x1000;
    // SAFETY: the caller's promise.
    unsafe { newfstatat(fd, c"", stat, AT_EMPTY_PATH) }
}

/// stat(2), with the structure of a 64-bit kernel
#[unsafe(no_mangle)]
unsafe extern "C" fn stat64(path: *const c_char, stat: *mut c_void) -> c_int {
    const AT_FDCWD: c_int = -100;
    // SAFETY: the caller's promise.
    unsafe { newfstatat(AT_FDCWD, CStr::from_ptr(path), stat, 0) }
}

/// # Safety
/// `stat` has room for the kernel's structure.
unsafe fn newfstatat(fd: c_int, path: &CStr, stat: *mut c_void, flags: c_int) -> c_int {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the system call reads `path` and writes `stat`; it changes no other registers than these.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") 262_isize => result,
            in("rdi") fd as isize, in("rsi") path.as_ptr(), in("rdx") stat, in("r10") flags as isize,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") 79_isize,
            inlateout("x0") fd as isize => result,
            in("x1") path.as_ptr(), in("x2") stat, in("x3") flags as isize,
            options(nostack),
        );
    }
    if result == 0 {
        return 0;
    }
    // SAFETY: errno is this thread's.
    unsafe { *__errno_location() = -result as c_int };
    -1
}

/// The dl_find_object structure of <dlfcn.h>, on machines without a base of data.
#[repr(C)]
struct Found {
    flags: u64,
    start: *const u8,
    end: *const u8,
    link_map: *const c_void,
    eh_frame: *const u8,
    reserved: [u64; 7],
}

/// A program header of a 64-bit object.
#[repr(C)]
struct Header {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    size_in_file: u64,
    size: u64,
    alignment: u64,
}

const PT_LOAD: u32 = 1;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;

/// The beginning of dl_phdr_info of <link.h>.
#[repr(C)]
struct Object {
    base: usize,
    name: *const c_char,
    headers: *const Header,
    count: u16,
}

#[repr(C)]
struct Search {
    address: usize,
    found: *mut Found,
}

unsafe extern "C" {
    fn dl_iterate_phdr(
        visit: unsafe extern "C" fn(*const Object, usize, *mut Search) -> c_int,
        search: *mut Search,
    ) -> c_int;
}

/// _dl_find_object(3), new in 2.35: where the unwinder finds what belongs to an address. Before that it asked
/// dl_iterate_phdr(3), as this does.
#[unsafe(no_mangle)]
unsafe extern "C" fn _dl_find_object(address: *const c_void, found: *mut Found) -> c_int {
    let mut search = Search { address: address.addr(), found };
    // SAFETY: `visit` is called with this search, and while the call lasts.
    if unsafe { dl_iterate_phdr(visit, &raw mut search) } == 1 { 0 } else { -1 }
}

/// Looks at one loaded object; 1 ends the walk.
unsafe extern "C" fn visit(object: *const Object, _: usize, search: *mut Search) -> c_int {
    // SAFETY: the loader's object, and the search of [`_dl_find_object`]; the loader counts its own headers.
    let (base, headers, search) = unsafe {
        let object = &*object;
        (object.base, core::slice::from_raw_parts(object.headers, object.count.into()), &*search)
    };
    let place = |header: &Header| ptr::with_exposed_provenance::<u8>(base.wrapping_add(header.address as usize));
    let holds = |header: &&Header| {
        header.kind == PT_LOAD && search.address.wrapping_sub(place(header).addr()) < header.size as usize
    };
    let Some(segment) = headers.iter().find(holds) else { return 0 };
    let Some(table) = headers.iter().find(|header| header.kind == PT_GNU_EH_FRAME) else { return 0 };
    let start = place(segment);
    let found = Found {
        flags: 0,
        start,
        end: start.wrapping_add(segment.size as usize),
        link_map: ptr::null(),
        eh_frame: place(table),
        reserved: [0; 7],
    };
    // SAFETY: the caller of [`_dl_find_object`] has room for it.
    unsafe { search.found.write(found) };
    1
}
