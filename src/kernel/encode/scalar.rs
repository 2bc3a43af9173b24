//! One f32 to a floating-point format, to nearest even: [`Nearest`], for the scalar types.
//!
//! With the format a constant, every parameter is an immediate and encoding is about ten integer
//! operations, without a loop or a shift by a variable:
//!
//! ```text
//! normal:    ((magnitude + half a unit − 1 + odd) >> shift) − rebias
//! subnormal: bits(f32(magnitude) + magic) − bits(magic)      // one f32 addition rounds
//! ```
//!
//! A branch separates the two: the f32 addition would otherwise be last in the dependency chain of
//! every number. Infinity and NaN are behind a branch too, which real data does not take; overflow
//! is a select.

use super::params::{both, layout, limit};
use crate::codec::Unpacked;
use crate::policy::Convert;
use crate::spec::FormatSpec;

/// Parameters of a conversion, all constants when the format is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearest {
    /// The smallest normal number of the format, as f32 bits.
    min_normal: u32,
    /// Low mantissa bits of an f32 that the format does not have.
    shift: u32,
    /// The difference between the shifted bits of an f32 and the code: the biases' difference, in
    /// the code's exponent field.
    rebias: u32,
    /// `1.5 · 2^23` units of the subnormals, as f32 bits: adding it rounds to such a unit.
    magic: u32,
    /// The largest f32 magnitude that does not overflow, as bits.
    limit: u32,
    /// The code of a finite number that overflows, and the bits that a minus sign changes.
    overflow: (u32, u32),
    /// The code of infinity, and the bits that a minus sign changes.
    infinity: (u32, u32),
    /// The code of NaN, and the bits that a minus sign changes.
    nan: (u32, u32),
    /// Whether the format has −0; otherwise what rounds to zero loses its sign.
    negative_zero: bool,
    /// The sign bit of a code.
    sign_bit: u32,
}

impl Nearest {
    /// Returns the parameters for a signed format with zero and subnormals whose numbers are f32s,
    /// and a policy that rounds to nearest even; otherwise `None`.
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

    /// Returns the code of x: any f32, NaN and infinities too.
    #[inline(always)]
    pub(crate) const fn encode(&self, x: f32) -> u32 {
        let bits = x.to_bits();
        let (magnitude, negative) = (bits & 0x7FFF_FFFF, ((bits as i32) >> 31) as u32);
        // A branch: numbers that are subnormal in the format come in clusters.
        let code = if magnitude < self.min_normal {
            (f32::from_bits(magnitude) + f32::from_bits(self.magic)).to_bits() - self.magic
        } else {
            // Half a unit less one, plus one if the code is odd: this carries exactly when the
            // number rounds up.
            let odd = (magnitude >> self.shift).wrapping_sub(self.rebias) & 1;
            ((magnitude + ((1 << (self.shift - 1)) - 1) + odd) >> self.shift) - self.rebias
        };
        // Without −0 a code of zero gets no sign.
        let sign = if code == 0 && !self.negative_zero { 0 } else { self.sign_bit };
        let code = code | sign & negative;
        if magnitude >= 0x7F80_0000 {
            let (code, sign) = if magnitude == 0x7F80_0000 { self.infinity } else { self.nan };
            return code ^ sign & negative;
        }
        // A select: whether an operand overflows is hard to predict.
        let over = self.overflow.0 ^ self.overflow.1 & negative;
        if magnitude > self.limit { over } else { code }
    }
}
