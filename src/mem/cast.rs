//! Slices whose type is known by another name.

use core::any::TypeId;

/// The numbers, if they are f32s already.
pub(crate) fn as_f32s<T: 'static>(numbers: &[T]) -> Option<&[f32]> {
    if TypeId::of::<T>() != TypeId::of::<f32>() {
        return None;
    }
    // SAFETY: `T` is f32, so this is the slice itself.
    #[expect(unsafe_code, reason = "the compiler does not know that the two types are one")]
    Some(unsafe { core::slice::from_raw_parts(numbers.as_ptr().cast::<f32>(), numbers.len()) })
}
