//! Bulk work on slices. It owns length checks and the order of elements; what happens to one element is `codec`'s.

mod convert;
#[cfg(feature = "alloc")]
mod matmul;
mod par;
#[cfg(feature = "alloc")]
mod quantize;
#[cfg(feature = "alloc")]
mod rows;

pub use convert::{Real, decode_slice, encode_slice, fake_quantize_slice};
#[cfg(feature = "alloc")]
pub use matmul::{Activation, Matmul, Operand, PackedMatrix, dot, gemv, matmul, matmul_into, reference_matmul};
pub use par::Exec;
#[cfg(feature = "alloc")]
pub use quantize::Quantizer;
