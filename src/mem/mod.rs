//! Memory: alignment, promises about layout that a compiler cannot check, slices under another type. Its unsafe code is these promises alone.

#[cfg(feature = "alloc")]
mod aligned;
#[cfg(feature = "alloc")]
mod cast;
mod pod;

#[cfg(feature = "alloc")]
pub(crate) use aligned::Aligned;
#[cfg(feature = "alloc")]
pub(crate) use cast::as_f32s;
pub(crate) use pod::{every_pattern, some_patterns};
