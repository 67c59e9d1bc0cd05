//! What the allocator of the heap says of itself: what is used, and what it only holds.
//!
//! Where `allocated` grows, somebody keeps something. Where `resident` grows and `allocated` does
//! not, it is what lies between, and no part of ours holds it.

use std::ffi::CStr;
use std::ptr::null_mut;

use tikv_jemalloc_sys::mallctl;

/// What is asked: `allocated` is in use; `active` is that in whole pages; `metadata` is the
/// allocator's own; `resident` is in the machine's memory; `retained` is address space.
const ASKED: [(&str, &CStr); 5] = [
    ("allocated", c"stats.allocated"),
    ("active", c"stats.active"),
    ("metadata", c"stats.metadata"),
    ("resident", c"stats.resident"),
    ("retained", c"stats.retained"),
];

/// The figures now, in bytes. What it does not say is left out.
pub(crate) fn figures() -> Vec<(&'static str, u64)> {
    refresh();
    let read = |(kind, name): (&'static str, &CStr)| Some((kind, read(name)?));
    ASKED.into_iter().filter_map(read).collect()
}

/// Has it look anew: else it says what it said before.
#[expect(
    unsafe_code,
    reason = "the safe way to these figures needs a crate that nobody keeps (paste)"
)]
fn refresh() {
    let mut epoch = 1_u64;
    // SAFETY: the name ends with a zero; nothing is read into; what is written is a u64, which is
    // what `epoch` takes, and lives until the call is over.
    let _ = unsafe {
        mallctl(
            c"epoch".as_ptr(),
            null_mut(),
            null_mut(),
            (&raw mut epoch).cast(),
            size_of::<u64>(),
        )
    };
}

/// One figure, which is a `size_t`.
#[expect(
    unsafe_code,
    reason = "the safe way to these figures needs a crate that nobody keeps (paste)"
)]
fn read(name: &CStr) -> Option<u64> {
    let (mut value, mut bytes) = (0_usize, size_of::<usize>());
    // SAFETY: the name ends with a zero; it is read into a value of the length that is said, and
    // where the figure has another length it is refused; nothing is written.
    let failed =
        unsafe { mallctl(name.as_ptr(), (&raw mut value).cast(), &raw mut bytes, null_mut(), 0) };
    (failed == 0).then(|| u64::try_from(value).ok()).flatten()
}
