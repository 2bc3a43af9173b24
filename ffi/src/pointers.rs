//! What is read and written through a caller's pointers. A null pointer or one that is not aligned
//! is refused; that others are valid is the caller's promise, which C cannot check.

use crate::failure::Failure;
use core::ffi::{CStr, c_char};

/// The text of a C string.
///
/// # Safety
/// `text` is null, or points to bytes that end with a zero and that nobody writes for `'a`.
pub(crate) unsafe fn text<'a>(what: &str, text: *const c_char) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::pointer(format!("{what}: expected a string, found a null pointer")));
    }
    // SAFETY: not null, and otherwise the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes.to_str().map_err(|_| Failure::name(format!("{what}: expected UTF-8, found {bytes:?}")))
}

/// An array of codes; without elements its pointer may be null.
///
/// # Safety
/// `codes` is null, or points to `count` integers that nobody writes for `'a`.
pub(crate) unsafe fn codes<'a>(
    what: &str,
    codes: *const u32,
    count: u32,
) -> Result<&'a [u32], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    check(what, codes, count)?;
    // SAFETY: not null, aligned, at most 2^28 elements, and otherwise the caller's promise.
    Ok(unsafe { core::slice::from_raw_parts(codes, count as usize) })
}

/// Where a result goes.
pub(crate) struct Place<T>(*mut T);

impl<T> Place<T> {
    /// A place for a result that the caller wants to have.
    ///
    /// # Safety
    /// `place` is null, or may be written until the call returns.
    pub(crate) unsafe fn required(what: &str, place: *mut T) -> Result<Self, Failure> {
        check(what, place, 1)?;
        Ok(Self(place))
    }

    /// A place for a result that the caller may leave out with a null pointer.
    ///
    /// # Safety
    /// `place` is null, or may be written until the call returns.
    pub(crate) unsafe fn optional(what: &str, place: *mut T) -> Result<Self, Failure> {
        if !place.is_null() {
            check(what, place, 1)?;
        }
        Ok(Self(place))
    }

    /// Writes the result.
    pub(crate) fn put(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not null and aligned, as the constructors checked, and writable as their
            // callers promised.
            unsafe { self.0.write(value) }
        }
    }
}

/// Elements of an array at most, far above any instruction and far below what a slice may span.
const LONGEST: u32 = 1 << 28;

fn check<T>(what: &str, pointer: *const T, count: u32) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::pointer(format!("{what}: expected a pointer, found a null pointer")));
    }
    if !pointer.is_aligned() {
        return Err(Failure::pointer(format!(
            "{what}: expected an address that is a multiple of {}, found {pointer:?}",
            align_of::<T>()
        )));
    }
    if count > LONGEST {
        return Err(Failure::length(format!("{what}: expected at most {LONGEST}, found {count}")));
    }
    Ok(())
}
