//! The reference codec: **the definition of the crate**. Decoding gives the exact number a code
//! stands for; encoding rounds an exact number once and applies a [`Convert`] policy. It is `const`
//! and knows nothing about speed.

mod codebook;
mod explain;
mod float;
mod hif8;
mod int;
mod limits;
mod posit;
mod primitive;
mod rounded;
mod unpacked;

pub use explain::Explanation;
pub use limits::{Finfo, Values};
pub use unpacked::Unpacked;

use crate::bits::{narrow, or};
use crate::flags::Flags;
use crate::policy::{
    Convert, DivisionByZero, Infinity, MissingNan, Nan, Negative, Overflow, SubnormalInputs, Zero,
};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};
use core::num::FpCategory;

/// A code, and what happened on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoded {
    /// The code that the input became, in the low [`bits`](FormatSpec::bits) bits.
    pub code: u32,
    /// The exceptions that the conversion raised: inexact, overflow and so on; [`Flags::NONE`] if
    /// there were none.
    pub flags: Flags,
}

impl FormatSpec {
    /// The policy of a plain conversion: nearest, ties to even (HiF8: ties away, the only rounding
    /// its hardware has); NaN to the positive NaN, or to the largest value in a format without NaN;
    /// −0 kept where it exists; up to 8 bits finite overflow saturates and infinity is kept where
    /// it exists; above 8 bits overflow as in IEEE 754. Posits: infinity becomes NaR, as their
    /// standard says.
    ///
    /// In arithmetic, `x / 0` is infinite as in IEEE 754. It is NaN in P3109's formats, as P3109
    /// says, and in all others whose NaN has the place of −0: a zero that any small number of
    /// either sign may have become says nothing about the sign of a quotient.
    ///
    /// ```
    /// use subhalf::{DivisionByZero, FormatSpec};
    /// assert_eq!(FormatSpec::F8E5M2.default_convert().division_by_zero, DivisionByZero::Infinity);
    /// let p3109 = FormatSpec::by_name("Binary8p3se")?;
    /// assert_eq!(p3109.default_convert().division_by_zero, DivisionByZero::Nan);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn default_convert(&self) -> Convert {
        let plain = if self.bits() <= 8 { Convert::SATURATING } else { Convert::IEEE };
        match self.encoding() {
            Encoding::HiF8 => Convert::SATURATING.with_round(Round::NearestAway),
            Encoding::Posit(_) => Convert::SATURATING.with_infinity(Infinity::Special),
            Encoding::Float(_) if self.has_p3109_specials() => {
                plain.with_division_by_zero(DivisionByZero::Nan)
            }
            Encoding::Float(_) | Encoding::Int(_) | Encoding::Codebook(_) => plain,
        }
    }

    /// The exact number that a code stands for. Bits above the code's width are ignored.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// assert_eq!(FormatSpec::F4E2M1.decode(0x7).to_f64(), 6.0);
    /// assert_eq!(FormatSpec::F4E2M1.decode(0xF7).to_f64(), 6.0);
    /// assert!(FormatSpec::F8E4M3.decode(0x7F).is_nan());
    /// ```
    #[must_use]
    #[inline]
    pub const fn decode(&self, code: u32) -> Unpacked {
        match self.encoding() {
            Encoding::Float(layout) => float::decode(layout, code as u64),
            Encoding::Int(layout) => int::decode(layout, code as u64),
            Encoding::HiF8 => hif8::decode(code),
            Encoding::Codebook(values) => {
                codebook::decode(values.as_slice(), code & self.code_mask())
            }
            Encoding::Posit(layout) => posit::decode(layout, code as u64),
        }
    }

    /// The nearest f32 to the number that a code stands for: exact for every named format of at
    /// most 8 bits and every P3109 one; NaN is 0x7FC00000.
    #[must_use]
    #[inline]
    pub const fn decode_f32(&self, code: u32) -> f32 {
        self.decode(code).to_f32()
    }

    /// The nearest f64 to the number that a code stands for: exact for every named format of at
    /// most 8 bits and every P3109 one; NaN is 0x7FF8000000000000.
    #[must_use]
    #[inline]
    pub const fn decode_f64(&self, code: u32) -> f64 {
        self.decode(code).to_f64()
    }

    /// The code of an f32 under [`default_convert`](Self::default_convert).
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// assert_eq!(FormatSpec::F8E5M2.encode_f32(1.0), 0x3C);
    /// assert_eq!(FormatSpec::F8E5M2.encode_f32(1e9), 0x7B);           // 57344: saturated
    /// assert_eq!(FormatSpec::F8E5M2.encode_f32(f32::INFINITY), 0x7C); // kept
    /// ```
    #[must_use]
    #[inline]
    pub const fn encode_f32(&self, x: f32) -> u32 {
        self.encode_with(Unpacked::from_f32(x), &self.default_convert(), 0).code
    }

    /// The code of an f64 under [`default_convert`](Self::default_convert): one rounding, never
    /// through f32.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let above_tie = 1.0625 + f64::powi(2.0, -40);
    /// assert_eq!(FormatSpec::F8E4M3.encode_f64(above_tie), 0x39);        // 1.125
    /// assert_eq!(FormatSpec::F8E4M3.encode_f32(above_tie as f32), 0x38); // 1: the f32 is the tie
    /// ```
    #[must_use]
    #[inline]
    pub const fn encode_f64(&self, x: f64) -> u32 {
        self.encode_with(Unpacked::from_f64(x), &self.default_convert(), 0).code
    }

    /// The code of an f32 under a policy. `random` is the word a stochastic rounding takes its low
    /// bits from; every other rounding ignores it.
    #[must_use]
    #[inline]
    pub const fn encode_f32_with(&self, x: f32, convert: &Convert, random: u32) -> Encoded {
        self.encode_with(Unpacked::from_f32(x), convert, random)
    }

    /// The code of an f64 under a policy, rounded once, not through f32. `random` is the word a
    /// stochastic rounding takes its low bits from; every other rounding ignores it.
    #[must_use]
    #[inline]
    pub const fn encode_f64_with(&self, x: f64, convert: &Convert, random: u32) -> Encoded {
        self.encode_with(Unpacked::from_f64(x), convert, random)
    }

    /// Converts a code of another format to a code of this one, by one rounding under
    /// [`default_convert`](Self::default_convert).
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let (e4m3, e2m1) = (FormatSpec::F8E4M3, FormatSpec::F4E2M1);
    /// assert_eq!(e4m3.convert_from(&e2m1, 0x7), e4m3.encode_f32(6.0));
    /// ```
    #[must_use]
    #[inline]
    pub const fn convert_from(&self, other: &Self, code: u32) -> u32 {
        self.encode_with(other.decode(code), &self.default_convert(), 0).code
    }

    /// Rounds an exact number to a code under a policy: the one road into every format. `random` is
    /// the word that a stochastic rounding takes its low bits from; every other rounding ignores
    /// it.
    ///
    /// ```
    /// use subhalf::{Flags, FormatSpec, Round, Stochastic, Unpacked};
    /// let e2m1 = FormatSpec::F4E2M1;
    /// let policy = e2m1.default_convert().with_round(Round::stochastic(Stochastic::A, 8)?);
    /// let x = Unpacked::from_f32(4.5); // a quarter of the way from 4 to 6
    /// let ups = (0..256).filter(|&word| e2m1.encode_with(x, &policy, word).code == 7).count();
    /// assert_eq!(ups, 64);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub const fn encode_with(&self, x: Unpacked, convert: &Convert, random: u32) -> Encoded {
        let x = if self.drops_sign(convert) && !x.is_nan() { x.magnitude() } else { x };
        match x.class() {
            FpCategory::Nan => self.encode_nan(x, convert, random),
            FpCategory::Infinite => self.encode_infinity(x.is_negative(), convert, random),
            FpCategory::Zero => self.encode_zero(x.is_negative(), convert, random),
            FpCategory::Subnormal if matches!(convert.subnormal_inputs, SubnormalInputs::Flush) => {
                self.encode_zero(x.is_negative(), convert, random)
            }
            FpCategory::Subnormal | FpCategory::Normal => self.encode_finite(x, convert, random),
        }
    }

    const fn drops_sign(&self, convert: &Convert) -> bool {
        !self.is_signed() && matches!(convert.negative, Negative::Magnitude)
    }

    const fn encode_finite(&self, x: Unpacked, convert: &Convert, random: u32) -> Encoded {
        let negative = x.is_negative();
        let unsigned = negative && !self.is_signed();
        if unsigned && matches!(self.encoding(), Encoding::Codebook(_)) {
            // The grid of a codebook has no numbers below its lowest.
            return self.encode_negative(true, convert, random);
        }
        let rounded = match self.encoding() {
            Encoding::Float(layout) => float::round(layout, x, convert.round, random),
            Encoding::Int(layout) => int::round(layout, x, convert.round, random),
            Encoding::HiF8 => hif8::round(x, convert.round, random),
            Encoding::Codebook(values) => {
                codebook::round(values.as_slice(), x, convert.round, random)
            }
            Encoding::Posit(layout) => posit::round(layout, x, convert.round, random),
        };
        if let (Encoding::Int(layout), Overflow::Wrap) = (self.encoding(), convert.overflow)
            && (rounded.overflow || (unsigned && rounded.magnitude != 0))
        {
            let code = int::wrap(layout, negative, rounded.magnitude) as u32;
            return Encoded { code, flags: Flags::OVERFLOW.union(Flags::INEXACT) };
        }
        let below_smallest = rounded.tiny && self.zero_code().is_none();
        if unsigned {
            // `magnitude` holds the low bits alone, which may all be zero for a number far below
            // zero; `overflow` then says so.
            if rounded.magnitude != 0 || rounded.overflow || self.zero_code().is_none() {
                return self.encode_negative(true, convert, random);
            }
            let flags = Flags::NONE
                .and_if(rounded.inexact, Flags::INEXACT)
                .and_if(rounded.tiny, Flags::UNDERFLOW);
            return Encoded { code: self.min_code(), flags };
        }
        if below_smallest && matches!(convert.zero, Zero::NanBelowSmallest) {
            return self.encode_zero(negative, convert, random);
        }
        let flags = Flags::NONE
            .and_if(rounded.inexact || rounded.overflow, Flags::INEXACT)
            .and_if(rounded.overflow, Flags::OVERFLOW)
            .and_if(rounded.tiny, Flags::UNDERFLOW);
        if rounded.overflow {
            return Encoded { code: self.overflow_code(negative, convert), flags };
        }
        let code = match self.encoding() {
            Encoding::Float(layout) => {
                let keeps_sign = negative
                    && (layout.negative_zero
                        || rounded.magnitude != 0
                        || self.zero_code().is_none());
                rounded.magnitude | if keeps_sign { layout.sign_bit() } else { 0 }
            }
            Encoding::Int(layout) => int::place(layout, negative, rounded.magnitude),
            Encoding::HiF8 if rounded.magnitude == 0 => 0,
            Encoding::HiF8 => rounded.magnitude | if negative { hif8::SIGN as u64 } else { 0 },
            Encoding::Codebook(_) => rounded.magnitude,
            Encoding::Posit(layout) => posit::place(layout, negative, rounded.magnitude),
        };
        Encoded { code: code as u32, flags }
    }

    const fn overflow_code(&self, negative: bool, convert: &Convert) -> u32 {
        let max = self.largest_code(negative);
        let directed =
            matches!(convert.overflow, Overflow::IeeeDirected | Overflow::DirectedSpecial);
        if directed && !convert.round.overflows_to_infinity(negative, max & 1 == 1) {
            return max;
        }
        match convert.overflow {
            // Integers wrap before they come here.
            Overflow::Saturate | Overflow::Wrap => max,
            Overflow::IeeeDirected => or(self.infinity_of(negative), max),
            Overflow::Special | Overflow::DirectedSpecial => self.special_code(negative, convert),
        }
    }

    /// Infinity, else NaN with the sign, else the largest value.
    const fn special_code(&self, negative: bool, convert: &Convert) -> u32 {
        match (self.infinity_of(negative), convert.nan) {
            (Some(code), _) => code,
            (None, nan) => {
                let signed = match nan {
                    Nan::AllOnes | Nan::SignedAllOnes => Nan::SignedAllOnes,
                    _ => Nan::Signed,
                };
                or(self.nan_of(signed, negative, 0), self.largest_code(negative))
            }
        }
    }

    const fn encode_infinity(&self, negative: bool, convert: &Convert, random: u32) -> Encoded {
        if negative && !self.is_signed() {
            return self.encode_negative(false, convert, random);
        }
        let code = match convert.infinity {
            Infinity::Saturate => self.largest_code(negative),
            Infinity::Special => self.special_code(negative, convert),
            Infinity::KeepElseSaturate => {
                or(self.infinity_of(negative), self.largest_code(negative))
            }
        };
        let kept = self.decode(code).is_infinite();
        Encoded { code, flags: Flags::NONE.and_if(!kept, Flags::OVERFLOW.union(Flags::INEXACT)) }
    }

    const fn encode_nan(&self, x: Unpacked, convert: &Convert, random: u32) -> Encoded {
        let negative = x.is_negative();
        if let Some(code) = self.nan_of(convert.nan, negative, x.payload()) {
            return Encoded { code, flags: Flags::NONE.and_if(x.is_signaling(), Flags::INVALID) };
        }
        let code = match convert.missing_nan {
            MissingNan::Max => self.largest_code(false),
            MissingNan::SignedMax => self.largest_code(negative && self.is_signed()),
            MissingNan::Zero => self.encode_zero(false, convert, random).code,
            MissingNan::SignedZero => self.encode_zero(negative, convert, random).code,
            MissingNan::OppositeZero => self.encode_zero(!negative, convert, random).code,
            MissingNan::Payload => match self.encoding() {
                Encoding::Float(layout) => float::cut_nan(layout, negative, x.payload()) as u32,
                _ => self.encode_zero(false, convert, random).code,
            },
        };
        Encoded { code, flags: Flags::INVALID }
    }

    const fn encode_zero(&self, negative: bool, convert: &Convert, random: u32) -> Encoded {
        let code = match (self.encoding(), self.zero_code(), self.negative_zero_code()) {
            (Encoding::Codebook(values), None, _) => {
                let rounded = codebook::round(
                    values.as_slice(),
                    Unpacked::zero(negative),
                    convert.round,
                    random,
                );
                let flags = Flags::INEXACT.and_if(rounded.overflow, Flags::OVERFLOW);
                return Encoded { code: rounded.magnitude as u32, flags };
            }
            (_, _, Some(code)) if negative => code,
            (_, Some(code), _) => code,
            (_, None, _) => {
                let code = match convert.zero {
                    Zero::Smallest => self.nearest_zero_code(negative),
                    Zero::Nan | Zero::NanBelowSmallest => {
                        or(self.nan_of(convert.nan, false, 0), self.nearest_zero_code(negative))
                    }
                };
                return Encoded { code, flags: Flags::INVALID };
            }
        };
        Encoded { code, flags: Flags::NONE }
    }

    /// A number that is negative after rounding, in an unsigned format.
    const fn encode_negative(&self, finite: bool, convert: &Convert, random: u32) -> Encoded {
        let inward = finite && matches!(convert.round, Round::TowardZero | Round::Up);
        let code = match convert.negative {
            Negative::Directed if inward => self.encode_zero(false, convert, random).code,
            Negative::Nan | Negative::Directed => {
                or(self.nan_of(convert.nan, false, 0), self.min_code())
            }
            Negative::Clamp | Negative::Magnitude => self.encode_zero(false, convert, random).code,
        };
        Encoded { code, flags: Flags::INVALID }
    }

    /// NaN as the policy wants it, if the format has one.
    const fn nan_of(&self, nan: Nan, negative: bool, payload: u64) -> Option<u32> {
        match self.encoding() {
            Encoding::Float(layout) => narrow(float::nan_code(layout, nan, negative, payload)),
            Encoding::HiF8 => Some(hif8::NAN),
            Encoding::Posit(layout) => Some(posit::nar(layout) as u32),
            Encoding::Int(_) | Encoding::Codebook(_) => None,
        }
    }

    /// Infinity of a sign, if the format has one.
    const fn infinity_of(&self, negative: bool) -> Option<u32> {
        match self.encoding() {
            Encoding::Float(layout) => match layout.infinity() {
                Some(_) if negative && !layout.signed => None,
                Some(code) => Some((code | if negative { layout.sign_bit() } else { 0 }) as u32),
                None => None,
            },
            Encoding::HiF8 => Some(hif8::INFINITY | if negative { hif8::SIGN } else { 0 }),
            Encoding::Int(_) | Encoding::Codebook(_) | Encoding::Posit(_) => None,
        }
    }
}
