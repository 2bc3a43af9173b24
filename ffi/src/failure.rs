//! Return codes, the message of a refusal, and the guard that keeps panics from a caller.

use core::ffi::{c_char, c_int};
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a call was refused: a return code of the header, and a message for people.
#[derive(Debug)]
pub(crate) struct Failure {
    code: c_int,
    message: String,
}

impl Failure {
    /// `SUBHALF_POINTER`: a null pointer, or one that is not aligned.
    pub(crate) fn pointer(message: String) -> Self {
        Self { code: -1, message }
    }

    /// `SUBHALF_NAME`: a name that is not known.
    pub(crate) fn name(message: String) -> Self {
        Self { code: -2, message }
    }

    /// `SUBHALF_ID`: an integer that is no format, policy, rounding or unit.
    pub(crate) fn id(what: &str, expected: &str, found: c_int) -> Self {
        Self { code: -3, message: format!("{what}: expected {expected}, found {found}") }
    }

    /// `SUBHALF_LENGTH`: more elements than an instruction takes, or another number of scales.
    pub(crate) fn length(message: String) -> Self {
        Self { code: -4, message }
    }
}

thread_local! {
    /// The message of the last refusal on this thread.
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// Runs a call, and turns a refusal into its return code. A panic, which would be a fault of this
/// library, is `SUBHALF_FAULT` and goes no further.
pub(crate) fn guarded(call: impl FnOnce() -> Result<c_int, Failure>) -> c_int {
    // Nothing that a panic could leave half done is shared: calls compute from copies.
    let result = catch_unwind(AssertUnwindSafe(call));
    let failure = match result {
        Ok(Ok(value)) => return value,
        Ok(Err(failure)) => failure,
        Err(_) => Failure { code: -5, message: "subhalf: a fault of the library".to_owned() },
    };
    // Names come from C strings, so the only zero byte could be in a message of our own.
    let message = CString::new(failure.message).unwrap_or_default();
    // A thread that is ending has no message any more; the code says enough.
    let _ = MESSAGE.try_with(|kept| *kept.borrow_mut() = message);
    failure.code
}

/// What the last refused call of this thread expected and found; empty before the first. The text
/// lives until the next refusal on this thread.
#[must_use]
// SAFETY: no other function of this name is linked; all exported names begin with subhalf_.
#[unsafe(no_mangle)]
pub extern "C" fn subhalf_message() -> *const c_char {
    MESSAGE.try_with(|kept| kept.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    #[test]
    fn a_panic_is_a_return_code() {
        assert_eq!(guarded(|| panic!("here")), -5);
        // SAFETY: the text of this thread, which no other refusal has replaced.
        let message = unsafe { CStr::from_ptr(subhalf_message()) };
        assert_eq!(message, c"subhalf: a fault of the library");
        assert_eq!(guarded(|| Ok(7)), 7);
    }

    #[test]
    fn each_thread_has_its_message() {
        let refusal = || guarded(|| Err(Failure::id("format", "one", 5)));
        assert_eq!(refusal(), -3);
        let other = std::thread::spawn(|| {
            // SAFETY: the text of this thread, which nothing replaces.
            unsafe { CStr::from_ptr(subhalf_message()) }.to_owned()
        });
        assert_eq!(other.join().unwrap(), c"".to_owned());
        // SAFETY: the text of this thread, which no other refusal has replaced.
        let message = unsafe { CStr::from_ptr(subhalf_message()) };
        assert_eq!(message, c"format: expected one, found 5");
    }
}
