//! What an instruction set may bring to encoding. A kernel that it does not have declines, and the
//! plain loop runs.

use super::float::Finite;
use super::hif8::HiF8Encode;
use super::params::SignedNan;
use crate::kernel::isa::Isa;

/// Encoders in intrinsics: see [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait EncodeIntrinsics {
    /// Codes of numbers, 64 in so many bytes: one a byte in 64, two, the first in the low bits, in
    /// 32; and whether all of them are right. `None` without a kernel for the format.
    fn encode_bytes<const BYTES: usize>(
        _: Isa,
        _: &Finite,
        _src: &[f32],
        _dst: &mut [u8],
    ) -> Option<bool> {
        None
    }

    /// Codes of HiF8; whether it made them.
    fn encode_hif8(_: Isa, _: HiF8Encode, _src: &[f32], _dst: &mut [u8]) -> bool {
        false
    }

    /// Whether there are instructions between f32 and FP16.
    fn has_f16(_: Isa) -> bool {
        false
    }

    /// FP16 codes, every NaN the given one; whether it made them, as it does if it
    /// [has](Self::has_f16) the instructions.
    fn encode_f16(_: Isa, _nan: SignedNan, _src: &[f32], _dst: &mut [u16]) -> bool {
        false
    }
}
