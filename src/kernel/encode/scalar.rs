//! f32 to a floating-point format, nearest-even, without a loop or a variable shift.

use super::params::{both, layout, limit};
use crate::codec::Unpacked;
use crate::policy::Convert;
use crate::spec::FormatSpec;

/// Parameters of one conversion. With a constant spec they are constants, and encoding is some ten
/// integer operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearest {
    /// Bits of the smallest normal number as an f32.
    min_normal: u32,
    /// Low mantissa bits of an f32 that the format does not have.
    shift: u32,
    /// What the f32's bits, shifted, are ahead of the code.
    rebias: u32,
    /// Bits of `1.5 · 2^23` units of the subnormals: adding it rounds a subnormal in hardware.
    magic: u32,
    /// Bits of the largest f32 that does not overflow.
    limit: u32,
    // The code, and what a minus sign changes in it.
    overflow: (u32, u32),
    infinity: (u32, u32),
    nan: (u32, u32),
    negative_zero: bool,
    sign_bit: u32,
}

impl Nearest {
    /// The parameters, for signed formats with zero and subnormals whose numbers are f32s, if the
    /// policy rounds to nearest-even.
    pub(crate) const fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let Some(layout) = layout(spec, convert) else { return None };
        if !layout.signed {
            return None;
        }
        let Some(min_normal) = spec.min_normal() else { return None };
        let (min_exponent, shift) = (layout.min_exponent(), 23 - layout.mantissa_bits as u32);
        let unit = min_exponent - layout.mantissa_bits as i64;
        Some(Self {
            min_normal: min_normal.to_f32().to_bits(),
            shift,
            rebias: ((126 + min_exponent) as u32) << layout.mantissa_bits,
            magic: ((unit + 23 + 127) as u32) << 23 | 1 << 22,
            limit: limit(spec, shift),
            overflow: both(spec, convert, Unpacked::new(false, 1, spec.max_exponent() + 2)),
            infinity: both(spec, convert, Unpacked::infinity(false)),
            nan: both(spec, convert, Unpacked::NAN),
            negative_zero: layout.negative_zero,
            sign_bit: layout.sign_bit() as u32,
        })
    }

    /// The code of `x`. Overflow is selected at the end: a branch that operands decide is
    /// mispredicted. Subnormal numbers are behind a branch, since the addition would come last in
    /// every other number's chain.
    #[inline(always)]
    pub(crate) const fn encode(&self, x: f32) -> u32 {
        let bits = x.to_bits();
        let (magnitude, negative) = (bits & 0x7FFF_FFFF, ((bits as i32) >> 31) as u32);
        let code = if magnitude < self.min_normal {
            (f32::from_bits(magnitude) + f32::from_bits(self.magic)).to_bits() - self.magic
        } else {
            // Half a unit less one, and one more if the code is odd: a carry out of exactly the
            // numbers that go up.
            let odd = (magnitude >> self.shift).wrapping_sub(self.rebias) & 1;
            ((magnitude + ((1 << (self.shift - 1)) - 1) + odd) >> self.shift) - self.rebias
        };
        let sign = if code == 0 && !self.negative_zero { 0 } else { self.sign_bit };
        let code = code | sign & negative;
        if magnitude >= 0x7F80_0000 {
            let (code, sign) = if magnitude == 0x7F80_0000 { self.infinity } else { self.nan };
            return code ^ sign & negative;
        }
        let over = self.overflow.0 ^ self.overflow.1 & negative;
        if magnitude > self.limit { over } else { code }
    }
}
