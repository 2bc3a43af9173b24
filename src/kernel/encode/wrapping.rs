//! f32s to integers that keep their low bits ([`Overflow::Wrap`]), in any rounding without random
//! bits.
//!
//! A finite f32 is `significand · 2^(field − 150)` with `field` at least 1. Counted in the format's
//! units, `2^-fraction_bits`, its significand moves to the left by
//! `left = field − 150 + fraction_bits` bits. Where that is negative, bits are cut off, and the
//! rounding adds to them first as in `general`; a significand has 24 bits, so of more than 31 bits
//! to be cut 31 tell as much. Of 32 bits or more to the left nothing stays in the low 32 bits,
//! which are all that a code has. A minus sign is two's complement.

use super::general::{additions, minus, pick};
use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, Negative, Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};

/// Parameters of a conversion; pairs are for plus and minus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrapping {
    /// The exponent field of f32s whose significand counts units.
    units: i32,
    /// What is added before bits are cut, as in `general`; and 1 where the last bit is added too.
    add: [(u32, u32); 2],
    to_even: u32,
    /// 1 where bits that are cut set the last bit.
    to_odd: u32,
    /// Magnitudes below this count as zero: 1, or the smallest normal f32.
    flush: u32,
    infinity: [u32; 2],
    nan: [u32; 2],
    /// All ones where a minus sign of numbers counts.
    signs: u32,
    mask: u32,
    /// The code that a symmetric format does not produce, and its smallest number's; elsewhere the
    /// same code twice.
    missing: u32,
    smallest: u32,
}

impl Wrapping {
    /// The parameters, if the format is an integer and the policy wraps.
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
            missing: if layout.symmetric { 1 << (layout.bits - 1) } else { smallest },
            smallest,
        })
    }

    /// The code of an f32, by its bits.
    #[inline(always)]
    fn code(&self, bits: u32) -> u32 {
        let (magnitude, sign) = (bits & 0x7FFF_FFFF, minus(bits));
        let negative = sign & self.signs;
        let field = magnitude >> 23;
        let significand = magnitude & 0x007F_FFFF | u32::from(field != 0) << 23;
        let left = field.max(1) as i32 - self.units;
        let cut = left.wrapping_neg().clamp(1, 31) as u32;
        let [(halves, less), (minus_halves, minus_less)] = self.add;
        let add = (pick([halves, minus_halves], negative) << (cut - 1))
            .wrapping_sub(pick([less, minus_less], negative));
        let kept = significand >> cut;
        let lost = significand & ((1 << cut) - 1);
        let rounded =
            (significand + add + (kept & self.to_even)) >> cut | self.to_odd & u32::from(lost != 0);
        let whole = (significand << (left & 31)) & u32::from(left < 32).wrapping_neg();
        let low = if left < 0 { rounded } else { whole };
        let low = if magnitude < self.flush { 0 } else { low };
        let code = (low ^ negative).wrapping_sub(negative) & self.mask;
        let code = if code == self.missing { self.smallest } else { code };
        // At hand before they are chosen, or compilers branch.
        let [infinity, nan] = [self.infinity, self.nan].map(|pair| pick(pair, sign));
        let code = if magnitude == 0x7F80_0000 { infinity } else { code };
        if magnitude > 0x7F80_0000 { nan } else { code }
    }
}

#[inline(always)]
fn body<C: Code>(wrapping: &Wrapping, src: &[f32], dst: &mut [C]) {
    let wrapping = *wrapping;
    for (x, code) in src.iter().zip(dst) {
        *code = C::truncate(wrapping.code(x.to_bits()));
    }
}

per_isa! {
    /// Codes of numbers that keep their low bits.
    fn encode_wrapping[C: Code](wrapping: &Wrapping, src: &[f32], dst: &mut [C]) = body;
}
