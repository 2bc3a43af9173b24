//! The codec, fast: the same bits as the reference, by ways that need a property of the format. Each way is made from a spec by a
//! constructor that refuses specs without the property; every result is tested against `codec`.
//!
//! Loops are plain Rust without branches, stamped for each instruction set ([`Isa`]); intrinsics are in modules named `x86` and `x86_…`. All of it relies on the
//! default floating-point environment: rounding to nearest, subnormal numbers on.

#[cfg(feature = "alloc")]
mod aligned;
#[cfg(feature = "alloc")]
mod blocks;
#[cfg(feature = "alloc")]
mod columns;
mod decode;
#[cfg(feature = "alloc")]
mod dots;
mod encode;
mod encoder;
mod finite;
#[cfg(feature = "alloc")]
pub(crate) mod gemm;
mod hif8;
mod integer;
mod isa;
mod nearest;
mod philox;
mod pod;
#[cfg(feature = "alloc")]
mod rounding;
#[cfg(feature = "alloc")]
mod rows;
#[cfg(feature = "alloc")]
mod scaling;
#[cfg(feature = "alloc")]
mod steps;
mod stochastic;
mod stream;
#[cfg(feature = "alloc")]
mod thin;
mod wide;
mod wrapping;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;
#[cfg(all(feature = "alloc", feature = "std", target_arch = "x86_64"))]
mod x86_blocks;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_columns;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_dots;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_finite;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_gemm;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_half;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_hif8;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_lanes;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_maddubs;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_thin;
#[cfg(feature = "alloc")]
mod zero_points;

#[cfg(feature = "alloc")]
pub(crate) use aligned::Aligned;
#[cfg(feature = "alloc")]
pub(crate) use blocks::{
    Above, Below, Both, FloatCoder, FloatRun, Logarithms, Powers, Step, apply, as_f32s, block_largest, encode_blocks, finite_amax,
    logarithms, powers, refuse, replace, scale_blocks, where_zero, widen, zeros_become,
};
#[cfg(feature = "alloc")]
pub(crate) use columns::{CodeRows, Quad, positions, quads, unpack_quads};
pub(crate) use decode::{DecodeBytes, look_up, map_bytes};
#[cfg(feature = "alloc")]
pub(crate) use dots::{Dots, Left, LeftRows, LeftWords, Right, SmallIntegers, left_words};
pub use encoder::Needs;
pub(crate) use encoder::{Encoder, FakeQuantizer};
#[cfg(feature = "alloc")]
pub(crate) use integer::Integer;
pub use isa::Isa;
pub(crate) use nearest::Nearest;
pub(crate) use pod::{every_pattern, some_patterns};
#[cfg(feature = "alloc")]
pub(crate) use rounding::Rounding;
#[cfg(feature = "alloc")]
pub(crate) use rows::{
    AmaxQuotient, LessZeroPoint, PackedBlocks, PlusMinimum, Product, e8m0, expand, pack_4, pack_6, restore_each, restore_packed,
    restore_packed_by, restores_packed, unpack_4, unpack_6,
};
#[cfg(feature = "alloc")]
pub(crate) use scaling::{Over, OverToOdd, Scaling, Times};
#[cfg(all(feature = "alloc", feature = "std", target_arch = "x86_64"))]
pub(crate) use scaling::{OverByReciprocal, OverToOddFused, RECIPROCAL_FROM, reciprocals};
#[cfg(feature = "alloc")]
pub(crate) use stream::{copy_past_caches, fence, prefetch};
pub(crate) use stream::{is_large, tiles};
#[cfg(feature = "alloc")]
pub(crate) use thin::{Factors, Nibbles, OfBlocks, PANELS, THIN, Thin, ThinPanel};
pub(crate) use wide::{DecodeWide, to_odd};
#[cfg(feature = "alloc")]
pub(crate) use zero_points::{PointCoder, encode_points, zero_points};
