//! Bulk work: slices, tensors, matrix products. It owns length checks, loops and threads; what
//! happens to an element is `codec`'s, to a block `block`'s, and how both are made fast `kernel`'s.

mod convert;
#[cfg(feature = "alloc")]
mod dequantize;
#[cfg(feature = "alloc")]
mod matmul;
#[cfg(feature = "alloc")]
mod packed;
mod par;
#[cfg(feature = "alloc")]
mod quantize;
mod real;
mod recode;
#[cfg(feature = "alloc")]
mod tiles;
mod typed;

pub use convert::{decode_slice, encode_slice, fake_quantize_slice};
#[cfg(feature = "alloc")]
pub use matmul::{
    Activation, Matmul, Operand, PackedMatrix, dot, gemv, matmul, matmul_into, reference_matmul,
};
#[cfg(feature = "alloc")]
pub use packed::{decode_packed_slice, encode_packed_slice};
pub use par::Exec;
#[cfg(feature = "alloc")]
pub use quantize::Quantizer;
pub use real::Real;
#[cfg(feature = "alloc")]
pub use real::Source;
pub use recode::convert_slice;
pub use typed::FormatSlice;
