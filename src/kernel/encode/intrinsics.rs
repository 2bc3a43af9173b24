//! Encoders that an instruction set may bring, as a trait with defaults that decline; the plain
//! loop then runs.

#[cfg(feature = "alloc")]
use super::few::Few;
use super::float::Finite;
use super::hif8::HiF8Encode;
use super::params::SignedNan;
use crate::kernel::isa::Isa;

/// Encoders in intrinsics, implemented by [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait EncodeIntrinsics {
    /// Writes the codes of numbers and returns whether all of them are correct; `None` without a
    /// kernel for the format. Every 64 codes take `BYTES` bytes: 64 for a code a byte, 32 for two a
    /// byte, the first in the low bits.
    fn encode_bytes<const BYTES: usize>(
        _: Isa,
        _: &Finite,
        _src: &[f32],
        _dst: &mut [u8],
    ) -> Option<bool> {
        None
    }

    /// Writes the HiF8 codes of numbers and returns whether it did.
    fn encode_hif8(_: Isa, _: HiF8Encode, _src: &[f32], _dst: &mut [u8]) -> bool {
        false
    }

    /// Writes the codes of numbers, which change at few places, and returns whether it did.
    #[cfg(feature = "alloc")]
    fn encode_few(_: Isa, _: &Few, _src: &[f32], _dst: &mut [u8]) -> bool {
        false
    }

    /// Returns whether there are instructions that convert between f32 and FP16.
    fn has_f16(_: Isa) -> bool {
        false
    }

    /// Writes the FP16 codes of numbers, with the given NaN, and returns whether it did: always if
    /// it [has](Self::has_f16) the instructions.
    fn encode_f16(_: Isa, _nan: SignedNan, _src: &[f32], _dst: &mut [u16]) -> bool {
        false
    }
}
