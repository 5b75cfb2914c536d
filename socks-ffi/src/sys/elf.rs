//! Names looked up in a loaded library, without the dynamic linker's own functions.
//!
//! dlopen(3) takes memory, and the first call of ours may come from within malloc: jemalloc reads files in its first
//! call, with its lock held. It may come from a signal handler that interrupted malloc, too.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

#[cfg(target_pointer_width = "64")]
use libc::Elf64_Sym as Sym;

#[cfg(target_pointer_width = "32")]
use libc::Elf32_Sym as Sym;

/// An entry of a dynamic section, of either width.
#[repr(C)]
struct Dynamic {
    tag: usize,
    value: usize,
}

const DT_NULL: usize = 0;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_VERSYM: usize = 0x6fff_fff0;
const DT_GNU_HASH: usize = 0x6fff_fef5;

const STT_FUNC: u8 = 2;
/// Of the versions of a symbol all but the default one have this bit.
const VERSYM_HIDDEN: u16 = 0x8000;

/// What is looked for, and what was found.
struct Search {
    file: &'static CStr,
    name: &'static CStr,
    found: *mut c_void,
}

/// The address of the function `name`, in its default version, in the library whose file is named `file`. Null if there
/// is none, and where only the dynamic linker can tell: a library without a GNU hash table, a function that is chosen
/// when it is looked up.
pub(super) fn function(file: &'static CStr, name: &'static CStr) -> *mut c_void {
    let mut search = Search { file, name, found: ptr::null_mut() };
    // SAFETY: `visit` has the type that is asked for, and gets the `search` that outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

/// Looks at one loaded object; not 0 ends the walk.
///
/// # Safety
/// As dl_iterate_phdr(3) calls it, with a `Search`.
unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: both are valid for the call, and nobody else has them.
    let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
    if info.dlpi_name.is_null() {
        return 0;
    }
    // SAFETY: the linker's name of the object ends in NUL.
    let path = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
    if path.rsplit(|&byte| byte == b'/').next() != Some(search.file.to_bytes()) {
        return 0;
    }
    // SAFETY: the object is loaded, and stays so during the walk.
    if let Some(symbols) = unsafe { Symbols::of(info) } {
        // SAFETY: as before.
        search.found = unsafe { symbols.function(search.name) };
    }
    1
}

/// The tables of a loaded object.
struct Symbols {
    base: usize,
    hash: *const u32,
    symbols: *const Sym,
    names: *const u8,
    /// Null where there are no versions.
    versions: *const u16,
}

impl Symbols {
    /// # Safety
    /// `info` is that of a loaded object.
    unsafe fn of(info: &libc::dl_phdr_info) -> Option<Self> {
        let base = info.dlpi_addr as usize;
        // SAFETY: the linker counts its own headers.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let dynamic = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC)?;
        let mut entry = ptr::with_exposed_provenance::<Dynamic>(base.wrapping_add(dynamic.p_vaddr as usize));
        let [mut hash, mut symbols, mut names, mut versions] = [0; 4];
        loop {
            // SAFETY: the section ends with DT_NULL.
            let Dynamic { tag, value } = unsafe { entry.read() };
            match tag {
                DT_NULL => break,
                DT_GNU_HASH => hash = value,
                DT_SYMTAB => symbols = value,
                DT_STRTAB => names = value,
                DT_VERSYM => versions = value,
                _ => {}
            }
            // SAFETY: that was not the last one.
            entry = unsafe { entry.add(1) };
        }
        if hash == 0 || symbols == 0 || names == 0 {
            return None;
        }
        // Some linkers leave the section as it is in the file, others add the base to what is in it.
        let absolute = |value: usize| if value < base { base + value } else { value };
        Some(Self {
            base,
            hash: ptr::with_exposed_provenance(absolute(hash)),
            symbols: ptr::with_exposed_provenance(absolute(symbols)),
            names: ptr::with_exposed_provenance(absolute(names)),
            versions: if versions == 0 { ptr::null() } else { ptr::with_exposed_provenance(absolute(versions)) },
        })
    }

    /// # Safety
    /// The object is still loaded.
    unsafe fn function(&self, name: &CStr) -> *mut c_void {
        let wanted = hash(name);
        // The table: the number of buckets, the first symbol in it, the words of a filter that is not needed here, its
        // shift; the filter; the buckets; the hash of each symbol, with the last bit set at the end of a bucket.
        // SAFETY: the linker uses the same table.
        unsafe {
            let (buckets, first, words) = (*self.hash, *self.hash.add(1), *self.hash.add(2));
            if buckets == 0 {
                return ptr::null_mut();
            }
            let bucket = self.hash.add(4 + words as usize * (size_of::<usize>() / 4));
            let chain = bucket.add(buckets as usize);
            let mut index = *bucket.add((wanted % buckets) as usize);
            while index >= first {
                let hash = *chain.add((index - first) as usize);
                if hash | 1 == wanted | 1 && self.is(index as usize, name) {
                    let symbol = &*self.symbols.add(index as usize);
                    return ptr::with_exposed_provenance_mut(self.base + symbol.st_value as usize);
                }
                if hash & 1 != 0 {
                    break;
                }
                index += 1;
            }
        }
        ptr::null_mut()
    }

    /// Whether this symbol is the function of that name, defined here, in its default version.
    ///
    /// # Safety
    /// The object is still loaded, and `index` is of its table.
    unsafe fn is(&self, index: usize, name: &CStr) -> bool {
        // SAFETY: the caller's promise; names end in NUL; there are as many versions as symbols.
        unsafe {
            let symbol = &*self.symbols.add(index);
            symbol.st_shndx != 0
                && symbol.st_info & 0xf == STT_FUNC
                && CStr::from_ptr(self.names.add(symbol.st_name as usize).cast()) == name
                && (self.versions.is_null() || *self.versions.add(index) & VERSYM_HIDDEN == 0)
        }
    }
}

/// The hash function of DT_GNU_HASH.
fn hash(name: &CStr) -> u32 {
    name.to_bytes().iter().fold(5381, |hash: u32, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_format() {
        assert_eq!(hash(c""), 5381);
        assert_eq!(hash(c"printf"), 0x156b_2bb8);
        assert_eq!(hash(c"syscall"), 0xbac2_12a0);
    }

    #[cfg(target_env = "gnu")]
    #[test]
    fn it_finds_what_dlsym_finds() {
        // SAFETY: the name ends in NUL.
        let libc = unsafe { libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        assert!(!libc.is_null());
        // The last one has two versions.
        for name in [c"connect", c"close", c"fclose", c"getaddrinfo", c"syscall", c"writev", c"pthread_cond_wait"] {
            // SAFETY: the handle is good, and the name ends in NUL.
            let expected = unsafe { libc::dlsym(libc, name.as_ptr()) };
            assert_eq!((function(c"libc.so.6", name), expected.is_null()), (expected, false), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(function(c"libc.so.6", c"no_such_function").is_null());
        assert!(function(c"no_such_library.so", c"close").is_null());
        // It is chosen when it is looked up.
        #[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
        assert!(function(c"libc.so.6", c"memcpy").is_null());
    }
}
