//! The formats above 8 bits that everybody has, nearest-even: f32s with fewer mantissa bits (BF16,
//! TF32), and FP16, for which processors have instructions.

use super::params::{SignedNan, both};
use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, MissingNan, Nan, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FloatSpec, FormatSpec};

/// The NaN of a conversion that is IEEE 754's: to nearest-even, overflow to infinity, subnormal
/// numbers kept.
pub(super) fn ieee_nan(spec: &FormatSpec, convert: &Convert) -> Option<SignedNan> {
    let Encoding::Float(layout) = spec.encoding() else { return None };
    let payload =
        matches!(convert.nan, Nan::Payload) || matches!(convert.missing_nan, MissingNan::Payload);
    let plain = matches!(convert.round, Round::NearestEven)
        && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
    let infinity = (spec.infinity_code()?, layout.sign_bit() as u32);
    let is_infinity = |x| both(spec, convert, x) == infinity;
    // Of the usual policy it is known, which short slices gain from.
    let overflows = || {
        is_infinity(Unpacked::infinity(false))
            && is_infinity(Unpacked::new(false, 1, spec.max_exponent() + 1))
    };
    let ieee = *layout == FloatSpec::ieee(layout.exponent_bits, layout.mantissa_bits)
        && (*convert == Convert::IEEE || overflows());
    (ieee && plain && !payload).then(|| both(spec, convert, Unpacked::NAN))
}

/// f32s without their last bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    shift: u32,
    nan: SignedNan,
}

impl Cut {
    /// The shift, if the format is such.
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

    pub(super) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        Some(Self { shift: Self::shift(spec)?, nan: ieee_nan(spec, convert)? })
    }

    /// Whether an f32 that is odd for being inexact is cut on the right side.
    pub(super) const fn takes_odd(&self) -> bool {
        self.shift >= 2
    }

    #[inline(always)]
    fn code<const SIGNED_NAN: bool>(&self, bits: u32) -> u32 {
        // The carry of the largest numbers makes infinity; a NaN's is not used.
        let rounded =
            bits.wrapping_add((1 << (self.shift - 1)) - 1).wrapping_add(bits >> self.shift & 1)
                >> self.shift;
        let nan = self.nan.0 ^ if SIGNED_NAN && bits >> 31 == 1 { self.nan.1 } else { 0 };
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { nan } else { rounded }
    }
}

#[inline(always)]
fn cut_body<C: Code>(cut: &Cut, src: &[f32], dst: &mut [C]) {
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
    /// f32s cut to codes.
    fn encode_cut[C: Code](cut: &Cut, src: &[f32], dst: &mut [C]) = cut_body;
}
