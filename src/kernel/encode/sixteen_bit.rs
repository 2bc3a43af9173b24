//! The common formats above 8 bits, to nearest even: f32 with fewer mantissa bits (BF16, TF32), by
//! three integer operations, and the conditions for FP16 by instructions.
//!
//! ```text
//! code = (bits + (2^(s−1) − 1) + (bits >> s & 1)) >> s      // s = 23 − M bits are cut
//! ```
//!
//! The whole word is rounded, sign included. A carry out of the mantissa moves to the next binade,
//! and out of the largest number to infinity, as IEEE 754 has it. Only NaN needs a select.

use super::params::{SignedNan, both};
use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, MissingNan, Nan, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FloatSpec, FormatSpec};

/// Returns the NaN code of a conversion that is IEEE 754's: to nearest even, overflow to infinity,
/// subnormal inputs kept. For any other format or policy it returns `None`.
pub(super) fn ieee_nan(spec: &FormatSpec, convert: &Convert) -> Option<SignedNan> {
    let Encoding::Float(layout) = spec.encoding() else { return None };
    let payload =
        matches!(convert.nan, Nan::Payload) || matches!(convert.missing_nan, MissingNan::Payload);
    let plain = matches!(convert.round, Round::NearestEven)
        && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
    // A format without infinity is not IEEE 754's.
    let infinity = (spec.infinity_code()?, layout.sign_bit() as u32);
    let is_infinity = |x| both(spec, convert, x) == infinity;
    // The usual policy needs no questions to the reference codec, which short slices would notice.
    let overflows = || {
        is_infinity(Unpacked::infinity(false))
            && is_infinity(Unpacked::new(false, 1, spec.max_exponent() + 1))
    };
    let ieee = *layout == FloatSpec::ieee(layout.exponent_bits, layout.mantissa_bits)
        && (*convert == Convert::IEEE || overflows());
    (ieee && plain && !payload).then(|| both(spec, convert, Unpacked::NAN))
}

/// A conversion that cuts the last bits of f32s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// How many bits are cut.
    shift: u32,
    /// The code of every NaN.
    nan: SignedNan,
}

impl Cut {
    /// Returns how many bits of an f32 the format lacks, or `None` if its codes are not leading
    /// bits of f32s.
    pub(in crate::kernel) fn shift(spec: &FormatSpec) -> Option<u32> {
        match spec.encoding() {
            Encoding::Float(layout)
                if *layout == FloatSpec::ieee(8, layout.mantissa_bits)
                    && layout.mantissa_bits > 0 =>
            {
                Some(23 - u32::from(layout.mantissa_bits)).filter(|shift| *shift > 0)
            }
            _ => None,
        }
    }

    /// Returns the conversion, or `None` if the format or the policy is another.
    pub(super) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        Some(Self { shift: Self::shift(spec)?, nan: ieee_nan(spec, convert)? })
    }

    /// Returns whether an f32 that was rounded to odd from more bits gets the code of the original
    /// number: the cut must lose at least two bits.
    pub(super) const fn takes_odd(&self) -> bool {
        self.shift >= 2
    }

    /// Returns the code of an f32 given by its bits.
    #[inline(always)]
    fn code<const SIGNED_NAN: bool>(&self, bits: u32) -> u32 {
        // The largest numbers carry into infinity. A NaN may carry into the sign; it is replaced
        // below.
        // Half a unit less one, plus the last kept bit: ties go to even.
        let rounded =
            bits.wrapping_add((1 << (self.shift - 1)) - 1).wrapping_add(bits >> self.shift & 1)
                >> self.shift;
        // Most policies have one NaN: the sign is not looked at then.
        let nan = self.nan.0 ^ if SIGNED_NAN && bits >> 31 == 1 { self.nan.1 } else { 0 };
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { nan } else { rounded }
    }
}

#[inline(always)]
fn cut_body<C: Code>(cut: &Cut, src: &[f32], dst: &mut [C]) {
    // The test of the policy is outside of the loops, and the copy stays in registers.
    let cut = *cut;
    if cut.nan.1 == 0 {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(cut.code::<false>(x.to_bits()));
        }
    } else {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(cut.code::<true>(x.to_bits()));
        }
    }
}

per_isa! {
    /// Writes the codes of f32s.
    fn encode_cut[C: Code](cut: &Cut, src: &[f32], dst: &mut [C]) = cut_body;
}
