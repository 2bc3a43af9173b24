//! Sums that are rounded to a floating-point format at every step, as f32s that the format has: `acc + a·b` rounded to odd in f64, then cut to the format's precision.

use super::gemm::Lanes;
use crate::bits::odd_sum;
use crate::codec::Unpacked;
use crate::policy::Convert;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, ZeroField};

/// Parameters of a format and a rounding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding {
    round: Round,
    /// The bits of an f64's exponent at the smallest normal number, and by how much the exponent of the last place is below a number's.
    min_field: u64,
    mantissa_bits: u64,
    max: f64,
    /// What larger numbers, infinities and NaN become; the first for plus, the second for minus.
    overflow: [f32; 2],
    infinity: [f32; 2],
    nan: f32,
    negative_zero: bool,
}

impl Rounding {
    /// The parameters, for signed formats with subnormal numbers that are f32s, in a deterministic rounding.
    pub(crate) fn lower(spec: &FormatSpec, round: Round) -> Option<Self> {
        let Encoding::Float(layout) = spec.encoding() else { return None };
        let fits = layout.signed
            && matches!(layout.zero_field, ZeroField::Subnormals)
            && !layout.is_fixed_point()
            && (1..=23).contains(&layout.mantissa_bits)
            && spec.min_positive().exponent() >= -149
            && spec.max_exponent() < 128;
        if !fits || matches!(round, Round::Stochastic { .. }) {
            return None;
        }
        let convert: Convert = spec.default_convert().with_round(round);
        let value = |x: Unpacked| spec.decode_f32(spec.encode_with(x, &convert, 0).code);
        let both = |x: Unpacked| [value(x), value(x.negate())];
        Some(Self {
            round,
            min_field: (1023 + layout.min_exponent()) as u64,
            mantissa_bits: layout.mantissa_bits.into(),
            max: spec.max().to_f64(),
            overflow: both(Unpacked::new(false, 1, spec.max_exponent() + 2)),
            infinity: both(Unpacked::infinity(false)),
            nan: value(Unpacked::NAN),
            negative_zero: spec.negative_zero_code().is_some(),
        })
    }

    /// `acc + a · b`, rounded once.
    #[inline(always)]
    fn step(&self, acc: f32, a: f32, b: f32) -> f32 {
        let (product, acc) = (f64::from(a) * f64::from(b), f64::from(acc));
        let x = odd_sum(product, acc);
        let field = ((x.to_bits() >> 52) & 0x7FF).max(self.min_field);
        let unit = f64::from_bits((field - self.mantissa_bits) << 52);
        // Adding 1.5 · 2^52 units leaves whole units, ties to even; so does taking it away again.
        let magic = unit * 6_755_399_441_055_744.0;
        let even = (x + magic) - magic;
        let rest = x - even;
        let (unit_of_x, away) = (unit.copysign(x), rest != 0.0 && (rest > 0.0) == (x > 0.0));
        let tie = rest.abs() == unit * 0.5;
        let rounded = match self.round {
            Round::NearestAway if tie && away => even + unit_of_x,
            Round::NearestTowardZero if tie && !away => even - unit_of_x,
            Round::NearestUp if tie && rest > 0.0 => even + unit,
            Round::TowardZero if rest != 0.0 && !away => even - unit_of_x,
            Round::AwayFromZero if away => even + unit_of_x,
            Round::Up if rest > 0.0 => even + unit,
            Round::Down if rest < 0.0 => even - unit,
            Round::ToOdd if rest != 0.0 => {
                let down = if away { even } else { even - unit_of_x };
                // Whole units, so that the last bit is the sum's.
                if ((down + magic).to_bits() & 1) == 0 { down + unit_of_x } else { down }
            }
            _ => even,
        };
        let minus = usize::from(x.is_sign_negative());
        if x.is_nan() {
            return self.nan;
        }
        if x.is_infinite() {
            return self.infinity[minus];
        }
        if rounded.abs() > self.max {
            return self.overflow[minus];
        }
        let signed = rounded.abs().copysign(x);
        let zero_is_minus = x == 0.0 && matches!(self.round, Round::Down) && (product.to_bits() | acc.to_bits()) != 0;
        let signed = if zero_is_minus { -0.0 } else { signed };
        if signed == 0.0 && !self.negative_zero { 0.0 } else { signed as f32 }
    }
}

/// See [`chain_rounded`](super::gemm::chain_rounded).
#[inline(always)]
pub(super) fn chain_body<const R: usize>(rounding: &Rounding, a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    for (a, b) in a.iter().zip(b) {
        for (acc, a) in acc.iter_mut().zip(a) {
            acc.iter_mut().zip(b).for_each(|(acc, b)| *acc = rounding.step(*acc, *a, *b));
        }
    }
}
