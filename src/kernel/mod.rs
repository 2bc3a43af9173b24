//! Fast kernels that return bit for bit what [`codec`](crate::codec) returns. Each handles only
//! formats and policies with some property (table below).
//!
//! # What `lower` promises
//!
//! Each kernel has a type of parameters. A function `lower` makes them from a format, a policy and
//! an [`Isa`], as a compiler lowers a program to its machine. It returns `None` for everything that
//! the kernel does not cover; the caller then tries the next kernel, and the reference codec last.
//! So with parameters in hand, every result has the bits of the reference codec. What a kernel
//! finds only in its input (NaN, infinities, numbers out of range) it reports, and its caller
//! encodes these elements again. Tests compare every kernel with `codec` on every instruction set.
//!
//! # Which file does what
//!
//! Most loops are plain Rust without branches, compiled for every instruction set by
//! [`per_isa!`](native::per_isa). The last column names the instruction sets that have intrinsics
//! instead, and the file. Byte dot products and GEMV are intrinsics only: without them products
//! take other kernels.
//!
//! | format | policy | file | intrinsics (AVX2, AVX-512, AVX-512 with VBMI) |
//! |---|---|---|---|
//! | FP16 | IEEE 754, nearest even | `x86/half` | AVX2, AVX-512 |
//! | f32 with fewer mantissa bits (BF16, TF32) | IEEE 754, nearest even | `encode/sixteen_bit` | |
//! | binary floating-point up to 16 bits | nearest even | `encode/float`, then `general` for a chunk with special values | `x86/avx512_encode` (VBMI) |
//! | integers up to 16 bits | nearest even, saturating | `encode/integer`, then `general` | |
//! | floating-point and integers | any rounding without random bits | `encode/general` | |
//! | floating-point and integers | stochastic, up to 28 bits | `encode/stochastic`, words from `philox` | |
//! | integers | wrapping | `encode/wrapping` | |
//! | HiF8 | ties away | `encode/hif8` | `x86/avx512_hif8` (VBMI) |
//! | any format up to 8 bits, codebooks and posits too | any rounding without random bits | `encode/lookup` with `encode/buckets`, from 64 elements on; `encode/few` where the code changes at 15 places at most | few places: `x86/avx512_few` (AVX-512) |
//! | one number, of a format known when compiling | nearest even | `encode/scalar` | |
//! | numbers instead of codes | | `encode/fake`; f64s rounded to f32s first: `encode/to_odd` | |
//! | decoding: floating-point; leading bits of f32s (BF16, TF32) | | `decode/arithmetic` | FP16: `x86/half` (AVX2, AVX-512) |
//! | decoding: up to 8 bits; bytes to bytes | | `decode/tables` | `x86/avx2_block` (AVX2 up to 4 bits), `x86/avx512_decode` (AVX-512 up to 5 bits, VBMI) |
//! | blocks: maxima | | `block/magnitude` | `x86/avx512_block` (AVX-512) |
//! | blocks: scales and factors | the rule of the scheme | `block/formula`, powers of two `block/scale` | |
//! | blocks: scaling and encoding in one pass | nearest even | `block/encode`, `block/divide` | `x86/avx512_encode` (VBMI) |
//! | blocks: integers with halves up, ties away from zero | C programs' sum, truncated | `block/halves` | |
//! | blocks: floating-point and fixed point | ties away from or toward zero, toward zero, microxcaling's | `block/grid` | |
//! | blocks: the least error | | `block/least`, `block/least_table` | 16 elements: `x86/avx512_few` (AVX-512) |
//! | blocks: errors of a search | | `block/errors` | sums: `x86/avx512_square` (AVX-512) |
//! | blocks: zero points, packing | | `block/zero_points`, `block/pack` | unpacking: `x86/avx2_block` (AVX2), `x86/avx512_decode` (VBMI; packing 6 bits too) |
//! | blocks: dequantization | | `block/restore`, `decode/each` | `x86/avx2_block` (AVX2: 4 bits, FP8, FP6), `x86/avx512_block` (AVX-512; 5, 6 and 8 bits: VBMI) |
//! | blocks: HiF4; NVFP4 with a second codebook | | `block/hif4`, `block/two_codebooks` | |
//! | products: f32, f64 and rounded sums | | `gemm/float`, `gemm/rounded` | `x86/gemm` (AVX2, AVX-512) |
//! | products: sums of matrix units, aligned and cut | | `gemm/aligned`; FP4 under scales `gemm/sixteens` | `x86/avx512_units` (AVX-512) |
//! | products: units that are instructions of the processor | | `gemm/word_dots` | `x86/word_dots` (`AVX512_BF16`, VNNI; pairs of bytes: AVX2) |
//! | products: byte dot products | | `gemm/int8` | `x86/avx2_int8`, `x86/avx512_int8` (VNNI; rows of codes: VBMI) |
//! | products: GEMV, a few rows by a packed matrix | | `gemm/gemv` | `x86/avx2_gemv`, `x86/avx512_gemv` |
//! | products: packing rows of codes | | `gemm/transpose` | `x86/avx512_transpose` (AVX-512) |
//! | fake-quantize in place; slices larger than the caches | nearest even | `encode/groups` | |
//! | slices larger than the caches | | `stream` | |
//! | Hadamard transforms of blocks | | `hadamard` | |
//! | stored codes: bits and parts that none may have | | `scan` | |
//!
//! # Another instruction set
//!
//! The `intrinsics.rs` of each folder lists in a trait what an instruction set may bring; each
//! function has a default that declines. `x86/entry.rs` overrides what AVX2 and AVX-512 have: it is
//! the table of kernels by instruction set. It and `x86/isa.rs`, which names and detects
//! instruction sets and compiles loops for them, are the only files that ask an [`Isa`] what it is.
//! For ARM both would be in a folder beside `x86`, chosen below; `plain.rs` serves targets without
//! such a folder.
//!
//! All kernels rely on the default floating-point environment: rounding to nearest, subnormals on.

#![cfg_attr(
    not(all(feature = "std", target_arch = "x86_64")),
    allow(dead_code, unused_imports, reason = "operands that only kernels in intrinsics read")
)]
// The silence above is for targets without intrinsics: fields of operands, tables and the constants
// of GEMV have no reader there. On x86-64 with `std` nothing is silenced, so what is really dead is
// still found.

#[cfg(feature = "alloc")]
mod block;
mod decode;
mod encode;
#[cfg(feature = "matmul")]
pub(crate) mod gemm;
#[cfg(feature = "alloc")]
mod hadamard;
mod isa;
mod measure;
#[cfg(feature = "alloc")]
mod negative_zero;
// One of two implementations of the intrinsics traits, under the name `native`; detection needs
// `std`.
#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
mod plain;
#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
use plain as native;
mod scan;
mod stream;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use x86 as native;
#[cfg(all(test, feature = "matmul", feature = "std", target_arch = "x86_64"))]
pub(crate) use x86::DIRECTED;

#[cfg(feature = "recipes")]
pub(crate) use block::{
    OF_E1M2, OF_INTEGERS, TwoCodebooks, hif4_groups, restored, take_second_codebook,
};
// The operands and loops that `block` and `ops` use; everything else is private to the kernel.
#[cfg(feature = "alloc")]
pub(crate) use block::{
    AllValues, AmaxQuotient, Away, BlockRanges, FactorUse, FloatBlocks, FloatCoder, Fold, Formula,
    Grid, GridCoder, HalfAdded, HalfAddedEven, HalfUp, HighestValue, IntegerAway, LEAST_DIVISOR,
    LeastError, Less, LessZeroPoint, LogarithmTruncated, Logarithms, LowestValue, NegativeValues,
    Over, OverByReciprocal, OverToOdd, OverToOddFused, PackedBlocks, PlusMinimum, PointCoder,
    PositiveValues, PowerRule, Powers, Product, RECIPROCAL_FROM, RestoreBuffers, ScaleArrays,
    ScaleFormat, ScaleKernel, Scaling, Start, Step, TiesTowardZero, Times, Truncated, amax,
    any_nan, apply, block_largest, e8m0, encode_blocks, encode_each, encode_grid, encode_points,
    error_terms, find_less, finite_amax, fold_blocks, pack_codes, reciprocals, replace, restore,
    restore_packed, restores_packed, scale_blocks, set_aside, take_blocks_where, take_where,
    unpack_codes, widen, zero_points, zeros_become,
};
pub(crate) use decode::{DecodeBytes, DecodeWide, look_up, map_bytes};
pub use encode::Needs;
pub(crate) use encode::{Encoder, FakeQuantizer, Nearest, to_odd};
#[cfg(feature = "alloc")]
pub(crate) use encode::{Integer, Steps};
#[cfg(feature = "matmul")]
pub(crate) use gemm::{
    AInt8, AInt8Rows, AInt8Words, BInt8, BlockFactors, BlockOffsets, CodeRows, Dots, Factors,
    GEMV_MR, Gemv, GemvPanel, Nibbles, PANELS, Quad, Rounding, SmallIntegers, a_int8_words,
    positions, quads, unpack_quads,
};
#[cfg(feature = "alloc")]
pub(crate) use hadamard::hadamard_blocks;
pub use isa::Isa;
pub(crate) use measure::{
    Bounds, CHUNK_PAIRS, PairBuffer, PairCounts, SIDE, add_few, add_side_by_side, beyond,
    finite_amax_f64, narrow, products, quotients, rescale, settle,
};
#[cfg(feature = "alloc")]
pub(crate) use measure::{
    Differences, NumberSteps, count_codes, differences, outside, raise_to_largest, squares,
};
#[cfg(feature = "alloc")]
pub(crate) use negative_zero::NegativeZero;
#[cfg(feature = "alloc")]
pub(crate) use scan::{any_bits_1, any_bits_2, any_bits_4, largest_part_2, largest_part_4};
#[cfg(feature = "alloc")]
pub(crate) use stream::{copy_past_caches, fence, prefetch};
pub(crate) use stream::{is_large, tiles};
