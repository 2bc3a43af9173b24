//! Matrix kernels that an instruction set may bring, as a trait with defaults.
//!
//! Two kinds of default. Where there is a plain loop, the default returns `false`, and that loop
//! runs. Byte dot products and GEMV have none: their defaults panic, and are never called, because
//! an instruction set must offer them first, by [`byte_dots`](GemmIntrinsics::byte_dots),
//! [`nibble_table`](GemmIntrinsics::nibble_table) or a table in registers. One that offers them
//! implements the functions behind them too.

use super::gemv_operands::{Factors, GemvPanel, NibbleTable, PANELS};
use super::int8_operands::{AInt8, AInt8Rows, AInt8Words, BInt8, ByteDots, SmallIntegers};
use super::rounded::Rounding;
use super::tile::{Blocks, CodeRows, Lanes, MR, MicroTile, NR, Quad};
use crate::kernel::decode::Planes;
use crate::kernel::isa::Isa;

/// The message of a default that is never called.
const NOT_OFFERED: &str = "an instruction set that does not offer this kernel";

/// Matrix kernels in intrinsics, implemented by [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait GemmIntrinsics {
    // Micro-kernels: R rows of packed A by a panel of B, 16 columns. `acc` is read, continued and
    // written back.

    /// Continues f32 chains of fused multiply-adds and returns whether it did.
    fn chain_f32<const R: usize>(
        _: Isa,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f32>; R],
    ) -> bool {
        // The plain loop of `float` runs.
        false
    }

    /// Continues f64 chains and returns whether it did.
    fn chain_f64<const R: usize>(
        _: Isa,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f64>; R],
    ) -> bool {
        false
    }

    /// Adds scaled partial sums block by block and returns whether it did.
    fn chain_blocks<const R: usize>(
        _: Isa,
        _: &Blocks<'_>,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f32>; R],
    ) -> bool {
        false
    }

    /// Continues chains of rounded sums and returns whether it did.
    fn chain_rounded<const R: usize>(
        _: Isa,
        _: &Rounding,
        _a: &[[f32; R]],
        _b: &[Lanes<f32>],
        _acc: &mut [Lanes<f32>; R],
    ) -> bool {
        false
    }

    // `x2` is two panels of B for a full tile of A: a broadcast number of A serves both.

    /// Continues f32 chains by two panels and returns whether it did.
    fn chain_f32_x2(
        _: Isa,
        _a: &[[f32; MR]],
        _b: [&[Lanes<f32>]; 2],
        _acc: &mut [MicroTile<f32>; 2],
    ) -> bool {
        false
    }

    /// Adds scaled partial sums block by block by two panels and returns whether it did.
    fn chain_blocks_x2(
        _: Isa,
        _: &[Blocks<'_>; 2],
        _a: &[[f32; MR]],
        _b: [&[Lanes<f32>]; 2],
        _acc: &mut [MicroTile<f32>; 2],
    ) -> bool {
        false
    }

    // Packing: decoded panels, and rows of codes to columns.

    /// Multiplies every number, with `_addend` added, by the factor of its column, and returns
    /// whether it did.
    fn scale_lanes(
        _: Isa,
        _numbers: &mut [Lanes<f32>],
        _addend: f32,
        _factors: &Lanes<f32>,
    ) -> bool {
        false
    }

    /// Transposes rows of bytes to one row of 16 bytes for each k and returns whether it did.
    fn positions(_: Isa, _rows: &[&[u8]; NR], _positions: &mut [Lanes<u8>]) -> bool {
        false
    }

    /// Transposes rows of bytes to quads, four bytes of each row, and returns whether it did.
    fn quads(_: Isa, _rows: &[&[u8]; NR], _quads: &mut [Quad]) -> bool {
        false
    }

    // Byte dot products: from here to `dot_rows`, with an instruction set that `byte_dots` offers.

    /// Returns the byte dot products of the instruction set, or `None` if it has none or sums of
    /// f32s are as fast. An i16 holds the sums of `_quads` quads of the two formats.
    fn byte_dots(_: Isa, _quads: usize) -> Option<ByteDots> {
        // No offer, so nothing below is called.
        None
    }

    /// Writes quads of raised integers from codes given k by k, in blocks of `_block_k`.
    fn integer_quads(
        _: Isa,
        _: &SmallIntegers,
        _codes: &[Lanes<u8>],
        _block_k: usize,
        _quads: &mut [Quad],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Writes quads of raised integers from quads of 4-bit codes: two for each, or one for the
    /// last.
    fn integer_quads_of_nibbles(_: Isa, _: &SmallIntegers, _pairs: &[Quad], _quads: &mut [Quad]) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Writes quads of raised integers from rows of codes. Called with [`ByteDots::FoursOfRows`]
    /// only.
    fn integer_quads_of_rows(
        _: Isa,
        _: &SmallIntegers,
        _rows: &CodeRows<'_>,
        _length: usize,
        _quads: &mut [Quad],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Makes the words and compensations of [`MR`] rows of A from their codes. Called with
    /// [`ByteDots::FoursOfRows`] only.
    fn integer_words_of_rows(
        _: Isa,
        _: &SmallIntegers,
        _offset: u32,
        _rows: &CodeRows<'_>,
        _length: usize,
        _block_k: usize,
        _to: &mut AInt8Words,
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Adds scaled byte dot products block by block by two panels and returns whether it did.
    fn dot_x2(_: Isa, _: &AInt8<'_>, _: &[BInt8<'_>; 2], _acc: &mut [MicroTile<f32>; 2]) -> bool {
        // `dot_tile` is called for each panel.
        false
    }

    /// Adds scaled byte dot products block by block, R rows by one panel.
    fn dot_tile<const R: usize>(
        _: Isa,
        _: ByteDots,
        _: &AInt8<'_>,
        _: &BInt8<'_>,
        _acc: &mut [Lanes<f32>; R],
    ) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Writes the sums of a few rows by four panels of codes.
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

    // GEMV: with an instruction set that returns a table.

    /// Returns a register table of sixteen numbers, or `None` if the instruction set cannot hold
    /// it.
    fn nibble_table(_: Isa, _numbers: Lanes<f32>) -> Option<NibbleTable> {
        // No offer: products with few rows use the micro-kernels.
        None
    }

    /// Writes the numbers of quads of 4-bit codes, k by k.
    fn decode_nibbles(_: Isa, _: &NibbleTable, _quads: &[Quad], _numbers: &mut [Lanes<f32>]) {
        unreachable!("{NOT_OFFERED}");
    }

    /// Writes the sums of a few rows by four panels of 4-bit codes.
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

    /// Writes the sums of a few rows by four panels of codes of one byte, which [`Planes`] decode.
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
