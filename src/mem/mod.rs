//! Memory: aligned buffers, and promises about layout that a compiler cannot check. Its unsafe code
//! consists of these promises alone.

#[cfg(feature = "alloc")]
mod aligned;
mod pod;

#[cfg(feature = "alloc")]
pub(crate) use aligned::Aligned;
pub(crate) use pod::{every_pattern, some_patterns};
