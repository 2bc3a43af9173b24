//! The codec, fast: the same bits as the reference, by ways that need a property of the format. Each way is made from a spec by a
//! `const` constructor that refuses specs without the property; every result is tested against `codec`.

#[cfg(feature = "alloc")]
mod bytes;
mod nearest;
mod pod;

#[cfg(feature = "alloc")]
pub(crate) use bytes::Bytes;
pub(crate) use nearest::Nearest;
pub(crate) use pod::{every_pattern, some_patterns};
