//! Kernels in intrinsics for AVX2 and AVX-512: what compilers do not find by themselves. [`entry`]
//! says which instruction set has which kernel and holds the unsafe calls. The files below it
//! consist of safe functions with `target_feature`, entered after detection, whose loads and stores
//! go through arrays.

mod avx2_block;
#[cfg(feature = "matmul")]
mod avx2_gemv;
#[cfg(feature = "matmul")]
mod avx2_int8;
mod avx512_block;
mod avx512_decode;
mod avx512_encode;
mod avx512_few;
#[cfg(feature = "matmul")]
mod avx512_gemv;
mod avx512_hif8;
#[cfg(feature = "matmul")]
mod avx512_int8;
mod avx512_square;
#[cfg(feature = "matmul")]
mod avx512_transpose;
#[cfg(feature = "matmul")]
mod avx512_units;
mod block_entry;
mod entry;
#[cfg(feature = "matmul")]
mod gemm;
mod half;
mod isa;
#[cfg(feature = "matmul")]
mod unit_entry;
#[cfg(feature = "matmul")]
mod word_dots;

#[cfg(all(test, feature = "matmul"))]
pub(crate) use word_dots::DIRECTED;

pub(super) use entry::Native;
pub(super) use isa::{Kind, per_isa};
