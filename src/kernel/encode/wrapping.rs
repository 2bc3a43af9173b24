//! f32s to integers that keep their low bits ([`Overflow::Wrap`]), in any rounding without random
//! bits, by integer operations without branches.
//!
//! A finite f32 is `significand · 2^(field − 150)` with `field` at least 1. Counted in the
//! format's units, `2^-fraction_bits`, its significand moves to the left by
//! `left = field − 150 + fraction_bits` bits. Where that is negative, bits are cut off, and the
//! rounding adds to them first as in `general`. A significand has 24 bits, so cutting 31 bits loses
//! as much as cutting more. A shift to the left by 32 or more leaves nothing in the low 32 bits,
//! which hold every code. A minus sign is two's complement.
//!
//! ```text
//! low  = left < 0 ? (significand + addend) >> −left : significand << left
//! code = (sign ? −low : low) & mask                  // then infinity and NaN by selects
//! ```

use super::general::{additions, minus, pick};
use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, Negative, Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};

/// Parameters of a conversion; the entries of a pair are for positive and negative numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrapping {
    /// The exponent field of f32s whose significand is a number of units.
    units: i32,
    /// The addend before the cut, as `(halves of a unit, number to subtract)`.
    add: [(u32, u32); 2],
    /// 1 where the last kept bit is added too.
    to_even: u32,
    /// 1 where nonzero lost bits set the last bit.
    to_odd: u32,
    /// The smallest magnitude that is not taken for zero: 1, or the smallest normal f32.
    flush: u32,
    /// The codes of infinities.
    infinity: [u32; 2],
    /// The codes of NaNs.
    nan: [u32; 2],
    /// All ones if a minus sign counts, 0 if the policy takes magnitudes.
    signs: u32,
    /// The bits of a code.
    mask: u32,
    /// The code that a symmetric format does not produce; in other formats equal to `smallest`.
    missing: u32,
    /// The code of the smallest number, which replaces `missing`.
    smallest: u32,
}

impl Wrapping {
    /// Returns the parameters, or `None` if the format is not an integer, the policy does not wrap
    /// or the rounding is stochastic.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let (Encoding::Int(layout), Overflow::Wrap) = (spec.encoding(), convert.overflow) else {
            return None;
        };
        let drops_signs = !layout.signed && matches!(convert.negative, Negative::Magnitude);
        let both = |x: Unpacked| [x, x.negate()].map(|x| spec.encode_with(x, convert, 0).code);
        let add = additions(convert.round)?;
        let smallest = spec.min_code();
        Some(Self {
            units: 150 - i32::from(layout.fraction_bits),
            add,
            to_even: u32::from(matches!(convert.round, Round::NearestEven)),
            to_odd: u32::from(matches!(convert.round, Round::ToOdd)),
            flush: if matches!(convert.subnormal_inputs, SubnormalInputs::Flush) {
                0x0080_0000
            } else {
                1
            },
            infinity: both(Unpacked::infinity(false)),
            nan: both(Unpacked::NAN),
            signs: if drops_signs { 0 } else { u32::MAX },
            mask: spec.code_mask(),
            // Two equal codes make the replacement a no-op, without a branch.
            missing: if layout.symmetric { 1 << (layout.bits - 1) } else { smallest },
            smallest,
        })
    }

    /// Returns the code of an f32 given by its bits.
    #[inline(always)]
    fn code(&self, bits: u32) -> u32 {
        let (magnitude, sign) = (bits & 0x7FFF_FFFF, minus(bits));
        let negative = sign & self.signs;
        // A subnormal f32 has the unit of field 1 and no hidden bit.
        let field = magnitude >> 23;
        let significand = magnitude & 0x007F_FFFF | u32::from(field != 0) << 23;
        let left = field.max(1) as i32 - self.units;
        // At least 1, so that half a unit is a shift by at least 0: with nothing to cut the result
        // is not used.
        let cut = left.wrapping_neg().clamp(1, 31) as u32;
        let [(halves, less), (minus_halves, minus_less)] = self.add;
        let add = (pick([halves, minus_halves], negative) << (cut - 1))
            .wrapping_sub(pick([less, minus_less], negative));
        let kept = significand >> cut;
        let lost = significand & ((1 << cut) - 1);
        let rounded =
            (significand + add + (kept & self.to_even)) >> cut | self.to_odd & u32::from(lost != 0);
        // Shift counts are taken modulo 32, and a mask clears what 32 and more would.
        let whole = (significand << (left & 31)) & u32::from(left < 32).wrapping_neg();
        let low = if left < 0 { rounded } else { whole };
        let low = if magnitude < self.flush { 0 } else { low };
        // Two's complement: flip all bits and add 1, if the mask is all ones.
        let code = (low ^ negative).wrapping_sub(negative) & self.mask;
        // A symmetric format has no −2^(b − 1): its code becomes the smallest number's.
        let code = if code == self.missing { self.smallest } else { code };
        // Both candidates are computed before either is chosen, or the compiler branches.
        let [infinity, nan] = [self.infinity, self.nan].map(|pair| pick(pair, sign));
        let code = if magnitude == 0x7F80_0000 { infinity } else { code };
        if magnitude > 0x7F80_0000 { nan } else { code }
    }
}

#[inline(always)]
fn body<C: Code>(wrapping: &Wrapping, src: &[f32], dst: &mut [C]) {
    // A copy that nothing points at stays in registers.
    let wrapping = *wrapping;
    for (x, code) in src.iter().zip(dst) {
        *code = C::truncate(wrapping.code(x.to_bits()));
    }
}

per_isa! {
    /// Writes the codes of numbers: their low bits.
    fn encode_wrapping[C: Code](wrapping: &Wrapping, src: &[f32], dst: &mut [C]) = body;
}
