//! Decoders that an instruction set may bring, as a trait with defaults that decline; the plain
//! loop then runs.

use super::tables::RegisterTable;
use crate::kernel::isa::Isa;

/// Decoders in intrinsics, implemented by [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait DecodeIntrinsics {
    /// Returns a register table of the numbers of codes of `_bits` bits, if it beats a table in
    /// memory. An instruction set that returns one implements [`decode_bytes`](Self::decode_bytes)
    /// for it; with [`RegisterTable::Planes`] also `gemv_bytes` of `GemmIntrinsics`.
    fn register_table(
        _: Isa,
        _bits: u32,
        _values: impl Fn() -> [f32; 256],
    ) -> Option<RegisterTable> {
        None
    }

    /// Returns whether arithmetic beats a table in memory.
    fn prefers_arithmetic(_: Isa) -> bool {
        false
    }

    /// Writes the numbers of codes and returns whether it did: always with a table that
    /// [`register_table`](Self::register_table) returned for this `Isa`. Bits above a code's width
    /// are ignored.
    fn decode_bytes(_: Isa, _: &RegisterTable, _src: &[u8], _dst: &mut [f32]) -> bool {
        false
    }

    /// Writes the numbers of FP16 codes and returns whether it did. Every NaN is the positive quiet
    /// one.
    fn decode_f16(_: Isa, _src: &[u16], _dst: &mut [f32]) -> bool {
        false
    }

    /// Maps bytes to bytes by a table and returns whether it did.
    fn map_bytes(_: Isa, _table: &[u8; 256], _src: &[u8], _dst: &mut [u8]) -> bool {
        false
    }
}
