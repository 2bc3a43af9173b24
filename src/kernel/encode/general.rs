//! f32 to codes of formats whose numbers lie evenly in every binade, in any deterministic rounding
//! and under any policy: the same few integer operations for every number, so that the compiler
//! makes vectors of them.
//!
//! With *e* the exponent field of an f32, at least that of the format's smallest normal number, and
//! its significand, hidden bit included, the magnitude code is
//! `((e − e_min) << M) + (significand >> s)` plus one if the rounding says so, where *s* cuts an
//! f32's mantissa to *M* bits, and below the smallest normal number one bit more each binade. The
//! carry into the next binade comes by itself, as does the smallest normal number.

use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, MissingNan, Nan, Negative, Overflow, SubnormalInputs, Zero};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec, ZeroField};

/// Parameters of a conversion; pairs are for plus and minus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeneralEncode {
    /// Exponent field, as an f32's, of the smallest normal number (of integers: of the smallest
    /// number out of range).
    min_field: u32,
    /// Mantissa bits of the format, and bits of an f32's significand that it does not have.
    mantissa_bits: u32,
    pub(super) shift: u32,
    /// What is added before the bits are cut: so many halves of a unit, less the other number; and
    /// 1 where the last bit is added too.
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
    /// The codes of zero and of what is rounded to it.
    zero: [u32; 2],
    /// All ones where negative numbers have one code, `negative`.
    unsigned: u32,
    negative: u32,
    /// The sign of a negative code: `(magnitude ^ flip) + carry`, cut by `mask`.
    flip: u32,
    carry: u32,
    mask: u32,
}

impl GeneralEncode {
    /// The parameters, if the format and the policy are of the kind.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let (min_exponent, mantissa_bits) = match spec.encoding() {
            Encoding::Float(layout) if matches!(layout.zero_field, ZeroField::Subnormals) => {
                (layout.min_exponent(), u32::from(layout.mantissa_bits))
            }
            // As of a float without exponent field: all numbers are subnormal. Numbers out of range
            // have one code, unless they wrap.
            Encoding::Int(layout)
                if layout.bits <= 22 && !matches!(convert.overflow, Overflow::Wrap) =>
            {
                (i64::from(layout.bits) - i64::from(layout.fraction_bits), u32::from(layout.bits))
            }
            _ => return None,
        };
        let payload = matches!(convert.nan, Nan::Payload)
            || matches!(convert.missing_nan, MissingNan::Payload);
        let no_zero = spec.zero_code().is_none();
        if !(-126..=127).contains(&min_exponent)
            || mantissa_bits > 22
            || spec.max_exponent() > 126
            || payload
            || no_zero
        {
            return None;
        }
        if matches!(convert.zero, Zero::NanBelowSmallest) {
            return None;
        }
        let code = |x: Unpacked| spec.encode_with(x, convert, 0).code;
        let both = |x: Unpacked| [code(x), code(x.negate())];
        let magnitude = !spec.is_signed() && matches!(convert.negative, Negative::Magnitude);
        let add = additions(convert.round)?;
        let twos_complement = matches!(spec.encoding(), Encoding::Int(_));
        let mask = spec.code_mask();
        let sign = mask ^ (mask >> 1);
        // The magnitude of a code in units; of a float its bits without the sign.
        let units = |code: u32| match spec.encoding() {
            Encoding::Int(_) => spec.decode(code).significand() as u32,
            _ if spec.is_signed() => code & !sign,
            _ => code,
        };
        // Beyond every number: of a signed integer of one bit the largest is zero, which says
        // nothing of the size of the smallest.
        let beyond = (spec.max_exponent() + 2).max(min_exponent as i32 + 1);
        let max =
            [spec.max_code(), if spec.is_signed() { spec.min_code() } else { spec.max_code() }]
                .map(units);
        Some(Self {
            min_field: (127 + min_exponent) as u32,
            mantissa_bits,
            shift: 23 - mantissa_bits,
            add: if magnitude { [add[0]; 2] } else { add },
            to_even: u32::from(matches!(convert.round, Round::NearestEven)),
            to_odd: u32::from(matches!(convert.round, Round::ToOdd)),
            flush: if matches!(convert.subnormal_inputs, SubnormalInputs::Flush) {
                0x0080_0000
            } else {
                1
            },
            max,
            overflow: both(Unpacked::new(false, 1, beyond)),
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
    fn code<const PLAIN: bool>(&self, bits: u32) -> u32 {
        let minus = minus(bits);
        let cut = CutPoint::of(self, bits);
        // A significand has 24 bits: of more that are cut, all are.
        let cut = CutPoint { bits: cut.bits.min(31), ..cut };
        let [(halves, less), (minus_halves, minus_less)] = self.add;
        let add = (pick([halves, minus_halves], minus) << (cut.bits - 1))
            .wrapping_sub(pick([less, minus_less], minus));
        let kept = cut.significand >> cut.bits;
        let lost = cut.significand & ((1 << cut.bits) - 1);
        // Even and odd are said of the code: without mantissa bits the exponent has its last bit.
        let rounded = cut.significand + add + ((cut.base + kept) & self.to_even);
        let code = (cut.base + (rounded >> cut.bits)) | self.to_odd & u32::from(lost != 0);
        self.finish::<PLAIN>(bits, code)
    }

    /// Whether an f32 that is odd for being inexact is cut on the right side: two of its bits at
    /// least are cut.
    pub(super) const fn takes_odd(&self) -> bool {
        self.shift >= 2
    }

    /// Whether a code is its sign and its magnitude's, zero not excepted, and all inputs are taken
    /// as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.flush == 1 && self.unsigned == 0 && self.carry == 0 && self.zero == [0, self.flip]
    }

    /// The code of an f32 by its bits and the code of its magnitude, rounded.
    #[inline(always)]
    pub(super) fn finish<const PLAIN: bool>(&self, bits: u32, code: u32) -> u32 {
        let (minus, magnitude) = (minus(bits), bits & 0x7FFF_FFFF);
        let signed = if PLAIN {
            code | self.flip & minus
        } else {
            let signed = (code ^ self.flip & minus).wrapping_add(self.carry & minus) & self.mask;
            if code == 0 { pick(self.zero, minus) } else { signed }
        };
        // What may take its place is at hand before it is chosen: otherwise compilers branch, and
        // make no vectors on AVX2.
        let [overflow, infinity, nan, zero] =
            [self.overflow, self.infinity, self.nan, self.zero].map(|pair| pick(pair, minus));
        let mut signed = if code > pick(self.max, minus) { overflow } else { signed };
        if !PLAIN {
            signed = if code != 0 && self.unsigned & minus != 0 { self.negative } else { signed };
            signed = if magnitude < self.flush { zero } else { signed };
        }
        let signed = if magnitude == 0x7F80_0000 { infinity } else { signed };
        if magnitude > 0x7F80_0000 { nan } else { signed }
    }
}

/// What a rounding without random bits adds before bits are cut, of positive and of negative
/// numbers: so many halves of a unit, less the other number.
pub(super) const fn additions(round: Round) -> Option<[(u32, u32); 2]> {
    let (half, all, none) = ((1, 0), (2, 1), (0, 0));
    let below_half = (1, 1);
    Some(match round {
        Round::NearestEven | Round::NearestTowardZero => [below_half; 2],
        Round::NearestAway => [half; 2],
        Round::NearestUp => [half, below_half],
        Round::TowardZero | Round::ToOdd => [none; 2],
        Round::AwayFromZero => [all; 2],
        Round::Up => [all, none],
        Round::Down => [none, all],
        Round::Stochastic { .. } => return None,
    })
}

/// All ones for a minus sign.
#[inline(always)]
pub(super) fn minus(bits: u32) -> u32 {
    ((bits as i32) >> 31) as u32
}

#[inline(always)]
pub(super) fn pick(pair: [u32; 2], minus: u32) -> u32 {
    pair[0] ^ (pair[0] ^ pair[1]) & minus
}

/// Where an f32's magnitude is cut: the code of its binade, the significand, and how many of its
/// bits the format does not have.
pub(super) struct CutPoint {
    pub(super) base: u32,
    pub(super) significand: u32,
    pub(super) bits: u32,
}

impl CutPoint {
    #[inline(always)]
    pub(super) fn of(encode: &GeneralEncode, bits: u32) -> Self {
        let magnitude = bits & 0x7FFF_FFFF;
        let field = magnitude >> 23;
        let hidden = u32::from(field != 0) << 23;
        let field = field.max(1);
        Self {
            base: field.saturating_sub(encode.min_field) << encode.mantissa_bits,
            significand: magnitude & 0x007F_FFFF | hidden,
            bits: encode.shift + encode.min_field.saturating_sub(field),
        }
    }
}

#[inline(always)]
fn body<C: Code>(encode: &GeneralEncode, src: &[f32], dst: &mut [C]) {
    let encode = *encode;
    if encode.is_plain() {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(encode.code::<true>(x.to_bits()));
        }
    } else {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(encode.code::<false>(x.to_bits()));
        }
    }
}

per_isa! {
    /// Codes of numbers.
    fn encode_uniform[C: Code](encode: &GeneralEncode, src: &[f32], dst: &mut [C]) = body;
}
