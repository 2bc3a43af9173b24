//! Bulk work on slices. It owns length checks and the order of elements; what happens to one element is `codec`'s.

mod convert;
mod par;
#[cfg(feature = "alloc")]
mod quantize;
#[cfg(feature = "alloc")]
mod restore;
#[cfg(feature = "alloc")]
mod rows;
#[cfg(feature = "alloc")]
mod scales;

pub use convert::{Real, decode_slice, encode_slice, fake_quantize_slice};
pub use par::Exec;
#[cfg(feature = "alloc")]
pub use quantize::Quantizer;
