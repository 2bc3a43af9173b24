//! [`NumberTable`]: the numbers of all codes of a format, in a type other than f32.

use crate::kernel::{FakeQuantizer, Isa, look_up};
use crate::ops::numbers::NumbersMut;
use crate::ops::real::Real;
use crate::random::Dither;
use crate::spec::FormatSpec;

/// The numbers of all codes of a format of at most 8 bits, in the type of an output; those of a
/// narrower format repeat. At most 2 KiB.
#[allow(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
pub(super) enum NumberTable {
    F64([f64; 256]),
    #[cfg(feature = "half")]
    F16([half::f16; 256]),
    #[cfg(feature = "half")]
    BF16([half::bf16; 256]),
}

impl NumberTable {
    /// The table for an output, or `None` for one of f32s, which a kernel makes without a table.
    pub(super) fn of(spec: &FormatSpec, dst: &NumbersMut<'_>) -> Option<Self> {
        match dst {
            NumbersMut::F32(_) => None,
            NumbersMut::F64(_) => Some(Self::F64(values(spec))),
            #[cfg(feature = "half")]
            NumbersMut::F16(_) => Some(Self::F16(values(spec))),
            #[cfg(feature = "half")]
            NumbersMut::BF16(_) => Some(Self::BF16(values(spec))),
        }
    }

    /// Writes the numbers of codes. Returns false, and writes nothing, for an output of another
    /// type.
    pub(super) fn look_up(&self, isa: Isa, codes: &[u8], dst: &mut NumbersMut<'_>) -> bool {
        // Every byte has an entry, whatever the width: entries repeat above the codes of a narrow
        // format.
        match (self, dst) {
            (Self::F64(table), NumbersMut::F64(dst)) => look_up(isa, table, codes, dst),
            #[cfg(feature = "half")]
            (Self::F16(table), NumbersMut::F16(dst)) => look_up(isa, table, codes, dst),
            #[cfg(feature = "half")]
            (Self::BF16(table), NumbersMut::BF16(dst)) => look_up(isa, table, codes, dst),
            _ => return false,
        }
        true
    }

    /// Writes the numbers of the codes that a kernel gives numbers. Returns false, and writes
    /// nothing, for an output of another type.
    pub(super) fn round(
        &self,
        kernel: &FakeQuantizer,
        src: &[f32],
        dst: &mut NumbersMut<'_>,
        dither: Dither,
    ) -> bool {
        // Codes in L1, then entries: no number is made by arithmetic, so every type is exact.
        match (self, dst) {
            (Self::F64(table), NumbersMut::F64(dst)) => kernel.entries(src, dst, table, dither),
            #[cfg(feature = "half")]
            (Self::F16(table), NumbersMut::F16(dst)) => kernel.entries(src, dst, table, dither),
            #[cfg(feature = "half")]
            (Self::BF16(table), NumbersMut::BF16(dst)) => kernel.entries(src, dst, table, dither),
            _ => return false,
        }
        true
    }
}

/// The numbers of all codes of a format of at most 8 bits; those of fewer repeat.
fn values<T: Real>(spec: &FormatSpec) -> [T; 256] {
    // `decode` ignores bits above the width of a code.
    core::array::from_fn(|code| T::nearest(spec.decode(code as u32)))
}
