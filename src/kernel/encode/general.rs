//! f32 to codes of floating-point formats with subnormals and of integers, in any deterministic
//! rounding and under nearly any policy: the same two dozen integer operations for every number,
//! without branches, so that the compiler makes vectors of them.
//!
//! With *e* the exponent field of an f32, at least that of the format's smallest normal number, and
//! its significand, hidden bit included, the magnitude code is
//! `((e − e_min) << M) + (significand >> s)` plus one if the rounding says so, where *s* cuts an
//! f32's mantissa to *M* bits, and below the smallest normal number one bit more each binade. The
//! carry into the next binade comes by itself, as does the smallest normal number. An integer
//! format is a float without exponent field: all its numbers are subnormal.
//!
//! A rounding is a constant added before the cut: nothing (toward zero), half a unit less one, plus
//! the last kept bit (nearest even), all ones (away from zero). The sign, overflow, infinity and
//! NaN then replace the code by selects, in this order.
//!
//! Limits: at most 22 mantissa bits and f32 exponents, a code for zero, no NaN payloads.

use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, MissingNan, Nan, Negative, Overflow, SubnormalInputs, Zero};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec, ZeroField};

/// Parameters of a conversion; the entries of a pair are for positive and negative numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeneralEncode {
    /// Exponent field, as an f32's, of the smallest normal number; for integers, of the smallest
    /// number out of range.
    min_field: u32,
    /// Mantissa bits of the format; for integers, all bits of a code.
    mantissa_bits: u32,
    /// `23 − mantissa_bits`: the mantissa bits that a normal number loses.
    pub(super) shift: u32,
    /// The addend before the cut, as `(halves of a unit, number to subtract)`.
    add: [(u32, u32); 2],
    /// 1 where the last kept bit is added too.
    to_even: u32,
    /// 1 where nonzero lost bits set the last bit.
    to_odd: u32,
    /// The smallest magnitude that is not taken for zero: 1, or the smallest normal f32.
    flush: u32,
    /// The largest magnitude code.
    max: [u32; 2],
    /// The codes of finite numbers that overflow.
    overflow: [u32; 2],
    /// The codes of infinities.
    infinity: [u32; 2],
    /// The codes of NaNs.
    nan: [u32; 2],
    /// The codes of zeros and of what rounds to them.
    zero: [u32; 2],
    /// All ones in unsigned formats whose nonzero negative numbers all have the code `negative`.
    unsigned: u32,
    /// The code of every nonzero negative number where `unsigned` is all ones.
    negative: u32,
    /// The bits that a minus sign flips: the sign bit, in two's complement all, unsigned none. A
    /// negative code is `((magnitude ^ flip) + carry) & mask`.
    flip: u32,
    /// 1 in two's complement, else 0: negation is a flip of all bits plus 1.
    carry: u32,
    /// The bits of a code.
    mask: u32,
}

impl GeneralEncode {
    /// Returns the parameters, or `None` if the format or the policy is outside of the limits
    /// above.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let (min_exponent, mantissa_bits) = match spec.encoding() {
            Encoding::Float(layout) if matches!(layout.zero_field, ZeroField::Subnormals) => {
                (layout.min_exponent(), u32::from(layout.mantissa_bits))
            }
            // The smallest exponent of a normal number is just out of range. Integers that wrap
            // have no single code for overflow, so they are not covered.
            Encoding::Int(layout)
                if layout.bits <= 22 && !matches!(convert.overflow, Overflow::Wrap) =>
            {
                (i64::from(layout.bits) - i64::from(layout.fraction_bits), u32::from(layout.bits))
            }
            _ => return None,
        };
        // A payload would need another shift for NaNs alone.
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
        // The reference codec gives the codes that depend on the policy, once.
        let code = |x: Unpacked| spec.encode_with(x, convert, 0).code;
        let both = |x: Unpacked| [code(x), code(x.negate())];
        let magnitude = !spec.is_signed() && matches!(convert.negative, Negative::Magnitude);
        let add = additions(convert.round)?;
        let twos_complement = matches!(spec.encoding(), Encoding::Int(_));
        let mask = spec.code_mask();
        let sign = mask ^ (mask >> 1);
        // The magnitude of a code: in units for an integer, the bits without the sign for a float.
        let units = |code: u32| match spec.encoding() {
            Encoding::Int(_) => spec.decode(code).significand() as u32,
            _ if spec.is_signed() => code & !sign,
            _ => code,
        };
        // An exponent beyond every number. A signed integer of one bit has 0 for its largest
        // number, which says nothing about its smallest, hence the maximum.
        let beyond = (spec.max_exponent() + 2).max(min_exponent as i32 + 1);
        let max =
            [spec.max_code(), if spec.is_signed() { spec.min_code() } else { spec.max_code() }]
                .map(units);
        Some(Self {
            min_field: (127 + min_exponent) as u32,
            mantissa_bits,
            shift: 23 - mantissa_bits,
            // A policy that takes magnitudes rounds negative numbers as positive ones.
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

    /// Returns the code of an f32 given by its bits. `PLAIN` skips the selects that
    /// [`is_plain`](Self::is_plain) shows to be without effect.
    #[inline(always)]
    fn code<const PLAIN: bool>(&self, bits: u32) -> u32 {
        let minus = minus(bits);
        let cut = CutPoint::of(self, bits);
        // A significand has 24 bits, so cutting 31 loses as much as cutting more, and shifts stay
        // below 32.
        let cut = CutPoint { bits: cut.bits.min(31), ..cut };
        // Half a unit is 1 << (bits − 1); at least one bit is always cut.
        let [(halves, less), (minus_halves, minus_less)] = self.add;
        let add = (pick([halves, minus_halves], minus) << (cut.bits - 1))
            .wrapping_sub(pick([less, minus_less], minus));
        let kept = cut.significand >> cut.bits;
        // Lost bits matter for rounding to odd alone.
        let lost = cut.significand & ((1 << cut.bits) - 1);
        // Even and odd refer to the code: without mantissa bits its last bit is the exponent's.
        // The addend reaches the unit's place exactly when the number rounds up.
        let rounded = cut.significand + add + ((cut.base + kept) & self.to_even);
        let code = (cut.base + (rounded >> cut.bits)) | self.to_odd & u32::from(lost != 0);
        self.finish::<PLAIN>(bits, code)
    }

    /// Returns whether an f32 that was rounded to odd from more bits gets the code of the original
    /// number: the cut must lose at least two bits, so that the odd last bit decides no tie.
    pub(super) const fn takes_odd(&self) -> bool {
        self.shift >= 2
    }

    /// Returns whether a code is always its sign and its magnitude code, for zero too, and no input
    /// is flushed.
    pub(super) fn is_plain(&self) -> bool {
        self.flush == 1 && self.unsigned == 0 && self.carry == 0 && self.zero == [0, self.flip]
    }

    /// Returns the code of an f32, given by its bits, whose rounded magnitude code is `code`:
    /// applies the sign, then overflow, flushing, infinity and NaN.
    #[inline(always)]
    pub(super) fn finish<const PLAIN: bool>(&self, bits: u32, code: u32) -> u32 {
        let (minus, magnitude) = (minus(bits), bits & 0x7FFF_FFFF);
        // Sign and magnitude need one OR; two's complement an XOR, an addition and a mask.
        let signed = if PLAIN {
            code | self.flip & minus
        } else {
            let signed = (code ^ self.flip & minus).wrapping_add(self.carry & minus) & self.mask;
            if code == 0 { pick(self.zero, minus) } else { signed }
        };
        // All candidates are computed before any is chosen. Otherwise the compiler branches, and
        // makes no vectors for AVX2.
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

/// Returns what a rounding adds before bits are cut, for positive and negative numbers, as
/// `(halves of a unit, number to subtract)`; `None` for stochastic roundings.
pub(super) const fn additions(round: Round) -> Option<[(u32, u32); 2]> {
    // All ones below the unit is two halves less one.
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

/// Returns all ones for a minus sign, else 0.
#[inline(always)]
pub(super) fn minus(bits: u32) -> u32 {
    ((bits as i32) >> 31) as u32
}

/// Returns the second entry of a pair for a mask of all ones, the first for 0.
#[inline(always)]
pub(super) fn pick(pair: [u32; 2], minus: u32) -> u32 {
    // Three bit operations, so that no comparison is left for the compiler to branch on.
    pair[0] ^ (pair[0] ^ pair[1]) & minus
}

/// An f32's magnitude and the place where it is cut.
pub(super) struct CutPoint {
    /// The magnitude code of the binade's first number, less the hidden bit that the kept part
    /// adds.
    pub(super) base: u32,
    /// The significand, hidden bit included: 24 bits.
    pub(super) significand: u32,
    /// Low bits of the significand that the format does not have.
    pub(super) bits: u32,
}

impl CutPoint {
    /// Splits the f32 with these bits. A subnormal f32 has the exponent field 1 and no hidden bit.
    #[inline(always)]
    pub(super) fn of(encode: &GeneralEncode, bits: u32) -> Self {
        let magnitude = bits & 0x7FFF_FFFF;
        let field = magnitude >> 23;
        // A subnormal f32 has no hidden bit, and the unit of the field above.
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
    // A copy that nothing points at stays in registers; the test of the policy is outside of the
    // loop.
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
    /// Writes the codes of numbers.
    fn encode_uniform[C: Code](encode: &GeneralEncode, src: &[f32], dst: &mut [C]) = body;
}
