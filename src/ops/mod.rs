//! Bulk work: slices, tensors, matrix products. It owns length checks, loops and threads; what
//! happens to an element is `codec`'s, to a block `block`'s, and how both are made fast `kernel`'s.

#[cfg(feature = "ndarray")]
mod arrays;
#[cfg(feature = "alloc")]
mod dequantize;
#[cfg(feature = "matmul")]
mod matmul;
mod numbers;
mod par;
#[cfg(feature = "alloc")]
mod quantize;
mod real;
#[cfg(feature = "alloc")]
mod recode;
#[cfg(feature = "alloc")]
mod rotate;
mod rowwise;
mod slice;
#[cfg(feature = "alloc")]
mod tiles;

#[cfg(feature = "matmul")]
pub use matmul::{
    Activation, Matmul, Operand, PackedMatrix, Workspace, dot, gemv, matmul, matmul_into,
    reference_matmul,
};
pub use par::Exec;
#[cfg(feature = "alloc")]
pub use quantize::Quantizer;
pub use real::Real;
#[cfg(feature = "alloc")]
pub use real::Source;
#[cfg(feature = "alloc")]
pub use recode::Recoded;
pub use rowwise::{RmsNorm, Softmax, SoftmaxForm};
#[cfg(feature = "alloc")]
pub use slice::FormatVecExt;
pub use slice::{FormatSlice, FormatSliceExt, SliceConverter};
