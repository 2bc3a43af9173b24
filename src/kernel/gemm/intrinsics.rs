//! What an instruction set may bring to matrix products. A kernel that it does not have declines,
//! and the plain loop runs.
//!
//! Sums of bytes and sums of a few rows have no plain loop: an instruction set that offers them, by
//! [`byte_dots`](GemmIntrinsics::byte_dots), [`nibble_table`](GemmIntrinsics::nibble_table) or a
//! table in registers, brings the functions behind them too.

use super::gemv_operands::{Factors, GemvPanel, NibbleTable, PANELS};
use super::int8_operands::{AInt8, AInt8Rows, AInt8Words, BInt8, ByteDots, SmallIntegers};
use super::rounded::Rounding;
use super::tile::{Blocks, CodeRows, Lanes, MR, MicroTile, NR, Quad};
use crate::kernel::decode::Planes;
use crate::kernel::isa::Isa;

/// Why a default is not reached.
const NOT_OFFERED: &str = "an instruction set that does not offer this kernel";

/// Tiles and panels in intrinsics: see [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait GemmIntrinsics {
    /// Chains of fused multiply-adds of R rows; whether it made them.
    fn chain_f32<const R: usize>(
        _: Isa,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f32>; R],
    ) -> bool {
        false
    }

    /// Chains of f64 sums; whether it made them.
    fn chain_f64<const R: usize>(
        _: Isa,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f64>; R],
    ) -> bool {
        false
    }

    /// Chains block by block; whether it made them.
    fn chain_blocks<const R: usize>(
        _: Isa,
        _: &Blocks<'_>,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f32>; R],
    ) -> bool {
        false
    }

    /// Chains of rounded sums; whether it made them.
    fn chain_rounded<const R: usize>(
        _: Isa,
        _: &Rounding,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f32>; R],
    ) -> bool {
        false
    }

    /// Chains of fused multiply-adds by two panels; whether it made them.
    fn chain_f32_x2(
        _: Isa,
        _a: &[[f32; MR]],
        _b: [&[Lanes<f32>]; 2],
        _acc: &mut [MicroTile<f32>; 2],
    ) -> bool {
        false
    }

    /// Chains block by block by two panels; whether it made them.
    fn chain_blocks_x2(
        _: Isa,
        _: &[Blocks<'_>; 2],
        _a: &[[f32; MR]],
        _b: [&[Lanes<f32>]; 2],
        _acc: &mut [MicroTile<f32>; 2],
    ) -> bool {
        false
    }

    /// Every number, with a zero added, times the factor of its column; whether it made them.
    fn scale_lanes(
        _: Isa,
        _numbers: &mut [Lanes<f32>],
        _addend: f32,
        _factors: &Lanes<f32>,
    ) -> bool {
        false
    }

    /// Rows of bytes position by position; whether it made them.
    fn positions(_: Isa, _rows: &[&[u8]; NR], _positions: &mut [Lanes<u8>]) -> bool {
        false
    }

    /// Rows of bytes four at a time; whether it made them.
    fn quads(_: Isa, _rows: &[&[u8]; NR], _quads: &mut [Quad]) -> bool {
        false
    }

    /// Dot products of bytes, of which i16s hold the sums of so many quads; `None` also where sums
    /// of f32s are as fast.
    fn byte_dots(_: Isa, _quads: usize) -> Option<ByteDots> {
        None
    }

    /// Codes, position by position in blocks of `block_k`, to quads of integers.
    fn integer_quads(
        _: Isa,
        _: &SmallIntegers,
        _codes: &[Lanes<u8>],
        _block_k: usize,
        _quads: &mut [Quad],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Quads of pairs of codes to twice as many quads of integers, or one less.
    fn integer_quads_of_nibbles(_: Isa, _: &SmallIntegers, _pairs: &[Quad], _quads: &mut [Quad]) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Codes row by row to quads of integers: of [`ByteDots::FoursOfRows`].
    fn integer_quads_of_rows(
        _: Isa,
        _: &SmallIntegers,
        _rows: &CodeRows<'_>,
        _length: usize,
        _quads: &mut [Quad],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Codes of [`MR`] rows of A to words and compensations: of [`ByteDots::FoursOfRows`].
    fn integer_words_of_rows(
        _: Isa,
        _: &SmallIntegers,
        _offset: u32,
        _rows: &CodeRows<'_>,
        _length: usize,
        _block_k: usize,
    ) -> AInt8Words {
        unreachable!("{NOT_OFFERED}");
    }

    /// Dot products by two panels; whether it made them.
    fn dot_x2(_: Isa, _: &AInt8<'_>, _: &[BInt8<'_>; 2], _acc: &mut [MicroTile<f32>; 2]) -> bool {
        false
    }

    /// Dot products of a tile.
    fn dot_tile<const R: usize>(
        _: Isa,
        _: ByteDots,
        _: &AInt8<'_>,
        _: &BInt8<'_>,
        _acc: &mut [Lanes<f32>; R],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Dot products of a few rows by four panels of codes.
    fn dot_rows(
        _: Isa,
        _: ByteDots,
        _: &SmallIntegers,
        _: &AInt8Rows<'_>,
        _: &[GemvPanel<'_>; PANELS],
        _sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Sixteen numbers in registers.
    fn nibble_table(_: Isa, _numbers: Lanes<f32>) -> Option<NibbleTable> {
        None
    }

    /// Quads of pairs to numbers, position by position.
    fn decode_nibbles(_: Isa, _: &NibbleTable, _quads: &[Quad], _numbers: &mut [Lanes<f32>]) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Sums of a few rows by four panels of 4-bit codes.
    fn gemv_nibbles(
        _: Isa,
        _: &NibbleTable,
        _block_k: usize,
        _: Factors<'_>,
        _a: &[f32],
        _: &[GemvPanel<'_>; PANELS],
        _sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Sums of a few rows by four panels of bytes: of a table of [`Planes`].
    fn gemv_bytes(
        _: Isa,
        _: &Planes,
        _block_k: usize,
        _: Factors<'_>,
        _a: &[f32],
        _: &[GemvPanel<'_>; PANELS],
        _sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        unreachable!("{NOT_OFFERED}");
    }
}
