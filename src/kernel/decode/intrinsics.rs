//! What an instruction set may bring to decoding. A kernel that it does not have declines, and the
//! plain loop runs.

use super::tables::RegisterTable;
use crate::kernel::isa::Isa;

/// Decoders in intrinsics: see [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait DecodeIntrinsics {
    /// A table in registers of the numbers of codes of this many bits, if there is one that beats a
    /// table in memory. With [`RegisterTable::Planes`] come [`decode_bytes`](Self::decode_bytes)
    /// and, of `GemmIntrinsics`, `gemv_bytes`.
    fn register_table(
        _: Isa,
        _bits: u32,
        _values: impl Fn() -> [f32; 256],
    ) -> Option<RegisterTable> {
        None
    }

    /// Whether arithmetic beats a table in memory.
    fn prefers_arithmetic(_: Isa) -> bool {
        false
    }

    /// Numbers of codes, bits above a code's width ignored; whether it made them, as it does with a
    /// table that it gave for this `Isa`.
    fn decode_bytes(_: Isa, _: &RegisterTable, _src: &[u8], _dst: &mut [f32]) -> bool {
        false
    }

    /// FP16 codes to numbers, every NaN the positive quiet one; whether it made them.
    fn decode_f16(_: Isa, _src: &[u16], _dst: &mut [f32]) -> bool {
        false
    }

    /// Bytes for bytes; whether it made them.
    fn map_bytes(_: Isa, _table: &[u8; 256], _src: &[u8], _dst: &mut [u8]) -> bool {
        false
    }
}
