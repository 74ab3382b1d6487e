//! Loaded before libc into a test process: lets real system calls fail, or takes its time with them.
//!
//! ```text
//! STEAD_SHIM = <function>:<first>:<times>:<errno>     fdatasync:12:1:5     the 12th call fails with EIO, once
//!            | <function>:<first>:<times>:slow<ms>    fsync:1:999:slow3    every call takes 3 ms longer
//! ```
//!
//! It stands before what std calls: `pwrite64` (and `pwrite`), `fdatasync`, `fsync`, `ftruncate64`. Opening, renaming and
//! removing go past libc (rustix makes those system calls itself), so they fail in the simulated disk alone.
//!
//! The test builds this file by itself with `rustc`; it is no part of any crate. It is unsafe because a function that stands
//! in for one of libc is: it has C's types, is found by its name, and finds the next one of that name by `dlsym`.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
}

/// "The next object that has the name": `RTLD_NEXT`.
const NEXT: *mut c_void = -1_isize as *mut c_void;

struct Plan {
    function: String,
    first: u64,
    times: u64,
    fault: Fault,
}

enum Fault {
    Errno(c_int),
    Slow(Duration),
}

static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
static CALLS: AtomicU64 = AtomicU64::new(0);

fn plan() -> Option<Plan> {
    let text = std::env::var("STEAD_SHIM").ok()?;
    let parts: Vec<&str> = text.split(':').collect();
    let [function, first, times, fault] = parts[..] else { panic!("STEAD_SHIM is {text:?}") };
    let fault = match fault.strip_prefix("slow") {
        Some(milliseconds) => Fault::Slow(Duration::from_millis(milliseconds.parse().expect("a number"))),
        None => Fault::Errno(fault.parse().expect("a number")),
    };
    let number = |text: &str| text.parse().expect("a number");
    Some(Plan { function: function.to_owned(), first: number(first), times: number(times), fault })
}

/// Whether this call is to fail; errno is set then.
fn fails(function: &str) -> bool {
    let Some(plan) = PLAN.get_or_init(plan).as_ref().filter(|plan| plan.function == function) else { return false };
    let call = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if call < plan.first || call >= plan.first.saturating_add(plan.times) {
        return false;
    }
    match plan.fault {
        Fault::Slow(time) => {
            std::thread::sleep(time);
            false
        }
        Fault::Errno(errno) => {
            // SAFETY: libc promises a valid place for this thread's error number.
            unsafe { *__errno_location() = errno };
            true
        }
    }
}

fn next(name: &CStr) -> *mut c_void {
    // SAFETY: the name ends with a zero byte, and the handle is one that dlsym knows.
    let found = unsafe { dlsym(NEXT, name.as_ptr()) };
    assert!(!found.is_null(), "libc has no {name:?}");
    found
}

macro_rules! before_libc {
    ($($name:ident as $plan:literal ($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        /// # Safety
        /// That of the function of this name in libc.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            static NAME: &[u8] = concat!(stringify!($name), "\0").as_bytes();
            if fails($plan) {
                return -1;
            }
            let name = CStr::from_bytes_with_nul(NAME).expect("one zero byte, at the end");
            // SAFETY: libc's function of this name has this type; what it is called with is the caller's word.
            unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> $result>(next(name))($($argument),*) }
        }
    )*};
}

before_libc! {
    pwrite as "pwrite" (fd: c_int, bytes: *const c_void, count: usize, offset: i64) -> isize;
    pwrite64 as "pwrite" (fd: c_int, bytes: *const c_void, count: usize, offset: i64) -> isize;
    fsync as "fsync" (fd: c_int) -> c_int;
    fdatasync as "fdatasync" (fd: c_int) -> c_int;
    ftruncate64 as "ftruncate" (fd: c_int, len: i64) -> c_int;
}
