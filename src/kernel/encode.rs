//! f32 to codes of formats whose numbers lie evenly in every binade, in any deterministic rounding and under any policy: the same few
//! integer operations for every number, so that the compiler makes vectors of them.
//!
//! With *e* the exponent field of an f32, at least that of the format's smallest normal number, and its significand, hidden bit included, the magnitude
//! code is `((e − e_min) << M) + (significand >> s)` plus one if the rounding says so, where *s* cuts an f32's mantissa to *M* bits, and
//! below the smallest normal number one bit more each binade. The carry into the next binade comes by itself, as does the smallest normal number.

use super::isa::per_isa;
use crate::codec::Unpacked;
use crate::policy::{Convert, MissingNan, Nan, Negative, SubnormalInputs, Zero};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec, ZeroField};

/// Parameters of a conversion; pairs are for plus and minus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encode {
    /// Exponent field, as an f32's, of the smallest normal number (of integers: of the smallest number out of range).
    min_field: u32,
    /// Mantissa bits of the format, and bits of an f32's significand that it does not have.
    mantissa_bits: u32,
    shift: u32,
    /// What is added before the bits are cut: so many halves of a unit, less the other number; and 1 where the last bit is added too.
    add: [(u32, u32); 2],
    to_even: u32,
    /// 1 where bits that are cut set the last bit.
    to_odd: u32,
    /// Magnitudes below this count as zero: 1, or the smallest normal f32.
    flush: u32,
    max: [u32; 2],
    overflow: [u32; 2],
    infinity: [u32; 2],
    nan: [u32; 2],
    /// Of zero, and of what is rounded to it.
    zero: [u32; 2],
    /// All ones where negative numbers have one code, `negative`.
    unsigned: u32,
    negative: u32,
    /// The sign of a negative code: `(magnitude ^ flip) + carry`, cut by `mask`.
    flip: u32,
    carry: u32,
    mask: u32,
}

impl Encode {
    /// The parameters, if the format and the policy are of the kind.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let (min_exponent, mantissa_bits) = match spec.encoding() {
            Encoding::Float(layout) if matches!(layout.zero_field, ZeroField::Subnormals) => {
                (layout.min_exponent(), u32::from(layout.mantissa_bits))
            }
            // As of a float without exponent field: all numbers are subnormal.
            Encoding::Int(layout) if layout.bits <= 22 => {
                (i64::from(layout.bits) - i64::from(layout.fraction_bits), u32::from(layout.bits))
            }
            _ => return None,
        };
        let payload = matches!(convert.nan, Nan::Payload) || matches!(convert.missing_nan, MissingNan::Payload);
        let no_zero = spec.zero_code().is_none();
        if !(-126..=127).contains(&min_exponent) || mantissa_bits > 22 || spec.max_exponent() > 126 || payload || no_zero {
            return None;
        }
        if matches!(convert.zero, Zero::NanBelowSmallest) {
            return None;
        }
        let code = |x: Unpacked| spec.encode_with(x, convert, 0).code;
        let both = |x: Unpacked| [code(x), code(x.negate())];
        let magnitude = !spec.is_signed() && matches!(convert.negative, Negative::Magnitude);
        let (half, all, none) = ((1, 0), (2, 1), (0, 0));
        let below_half = (1, 1);
        let add = match convert.round {
            Round::NearestEven | Round::NearestTowardZero => [below_half; 2],
            Round::NearestAway => [half; 2],
            Round::NearestUp => [half, below_half],
            Round::TowardZero | Round::ToOdd => [none; 2],
            Round::AwayFromZero => [all; 2],
            Round::Up => [all, none],
            Round::Down => [none, all],
            Round::Stochastic { .. } => return None,
        };
        let twos_complement = matches!(spec.encoding(), Encoding::Int(_));
        let mask = spec.code_mask();
        let sign = mask ^ (mask >> 1);
        // The magnitude of a code in units; of a float its bits without the sign.
        let units = |code: u32| match spec.encoding() {
            Encoding::Int(_) => spec.decode(code).significand() as u32,
            _ if spec.is_signed() => code & !sign,
            _ => code,
        };
        let max = [spec.max_code(), if spec.is_signed() { spec.min_code() } else { spec.max_code() }].map(units);
        Some(Self {
            min_field: (127 + min_exponent) as u32,
            mantissa_bits,
            shift: 23 - mantissa_bits,
            add: if magnitude { [add[0]; 2] } else { add },
            to_even: u32::from(matches!(convert.round, Round::NearestEven)),
            to_odd: u32::from(matches!(convert.round, Round::ToOdd)),
            flush: if matches!(convert.subnormal_inputs, SubnormalInputs::Flush) { 0x0080_0000 } else { 1 },
            max,
            overflow: both(Unpacked::new(false, 1, spec.max_exponent() + 2)),
            infinity: both(Unpacked::infinity(false)),
            nan: both(Unpacked::NAN),
            zero: both(Unpacked::ZERO),
            unsigned: if spec.is_signed() || magnitude { 0 } else { u32::MAX },
            negative: code(Unpacked::new(true, 1, spec.max_exponent())),
            flip: if !spec.is_signed() {
                0
            } else if twos_complement {
                u32::MAX
            } else {
                sign
            },
            carry: u32::from(twos_complement && spec.is_signed()),
            mask,
        })
    }

    /// The code of an f32, by its bits.
    #[inline(always)]
    fn code(&self, bits: u32) -> u32 {
        let minus = ((bits as i32) >> 31) as u32;
        let pick = |pair: [u32; 2]| pair[0] ^ (pair[0] ^ pair[1]) & minus;
        let magnitude = bits & 0x7FFF_FFFF;
        let field = magnitude >> 23;
        let hidden = u32::from(field != 0) << 23;
        let significand = magnitude & 0x007F_FFFF | hidden;
        let field = field.max(1);
        let cut = (self.shift + self.min_field.saturating_sub(field)).min(31);
        let [(halves, less), (minus_halves, minus_less)] = self.add;
        let add = (pick([halves, minus_halves]) << (cut - 1)).wrapping_sub(pick([less, minus_less]));
        let kept = significand >> cut;
        let lost = significand & ((1 << cut) - 1);
        // Even and odd are said of the code: without mantissa bits the exponent has its last bit.
        let base = field.saturating_sub(self.min_field) << self.mantissa_bits;
        let rounded = significand + add + ((base + kept) & self.to_even);
        let code = (base + (rounded >> cut)) | self.to_odd & u32::from(lost != 0);
        let signed = (code ^ self.flip & minus).wrapping_add(self.carry & minus) & self.mask;
        let signed = if code == 0 { pick(self.zero) } else { signed };
        let signed = if code > pick(self.max) { pick(self.overflow) } else { signed };
        let signed = if code != 0 && self.unsigned & minus != 0 { self.negative } else { signed };
        let signed = if magnitude < self.flush { pick(self.zero) } else { signed };
        let signed = if magnitude == 0x7F80_0000 { pick(self.infinity) } else { signed };
        if magnitude > 0x7F80_0000 { pick(self.nan) } else { signed }
    }
}

#[inline(always)]
fn body<C: Code>(encode: &Encode, src: &[f32], dst: &mut [C]) {
    for (x, code) in src.iter().zip(dst) {
        *code = C::truncate(encode.code(x.to_bits()));
    }
}

per_isa! {
    /// Codes of numbers.
    fn encode_uniform[C: Code](encode: &Encode, src: &[f32], dst: &mut [C]) = body;
}
