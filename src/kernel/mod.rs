//! The codec, fast: the same bits as the reference, by ways that need a property of the format. Each way is made from a spec by a
//! `const` constructor that refuses specs without the property; every result is tested against `codec`.

mod nearest;
mod pod;

pub(crate) use nearest::Nearest;
pub(crate) use pod::{every_pattern, some_patterns};
