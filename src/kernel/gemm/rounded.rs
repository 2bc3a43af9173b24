//! Sums that are rounded to a floating-point format at every step: `acc = round(acc + a · b)`, as
//! f32s that the format has.
//!
//! ```text
//! product = f64(a) · f64(b)                     // exact: 48 bits
//! x       = product + acc, rounded to odd       // Knuth's two-sum gives the lost part
//! even    = (x + magic) − magic                 // to the format's unit, ties to even
//! rest    = x − even                            // which way, and whether it was a tie
//! result  = even, or one unit more or less in magnitude, as the rounding has it
//! ```
//!
//! Rounding to odd in f64 (53 bits) and then to at most 24 bits gives what one rounding of the
//! exact sum gives. All choices are masks of 64 bits, so the loop has no branches. Formats that
//! processors know, or that only lack mantissa bits of f32, have shorter loops: [`Known`], in
//! `x86/gemm`.

use super::tile::Lanes;
use crate::bits::odd_sum;
use crate::codec::Unpacked;
use crate::kernel::encode::Cut;
use crate::policy::Convert;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, ZeroField};

/// Parameters of sums in a format and a rounding. The entries of a pair are for positive and
/// negative sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding {
    /// The shorter loop that gives the same sums, where an instruction set has one.
    pub(in crate::kernel) known: Option<Known>,
    /// Whether sums may be rounded to f32 first: see [`of_products`](Self::of_products).
    pub(in crate::kernel) twice: bool,
    /// Whether the magnitude of a tie must go up or down; neither for nearest even.
    ties: [Direction; 2],
    /// Whether the magnitude of any other inexact sum must go up or down.
    others: [Direction; 2],
    /// All ones if an inexact sum gets its last bit set.
    to_odd: u64,
    /// All ones if an exact zero sum is −0 unless both terms are +0: the rounding is downward.
    exact_zero_is_minus: u64,
    /// All ones if the format has no −0.
    no_negative_zero: u64,
    /// The exponent field, as an f64's, of the smallest normal number.
    min_field: u64,
    /// Mantissa bits of the format.
    mantissa_bits: u64,
    /// The largest number.
    max: f64,
    /// What sums beyond `max` become, positive and negative.
    overflow: [f64; 2],
    /// What infinities become, positive and negative.
    infinity: [f64; 2],
    /// What NaN becomes.
    nan: f64,
}

/// Formats and roundings for which a few instructions round a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Known {
    /// FP16, to nearest even: conversion instructions.
    F16,
    /// f32 less this many mantissa bits, to nearest even: BF16, TF32.
    Nearest(u32),
    /// FP16, toward zero.
    CutF16,
    /// f32 less this many mantissa bits, toward zero.
    Cut(u32),
}

impl Known {
    /// Returns the case of a format and a rounding, or `None` for any other.
    fn of(spec: &FormatSpec, round: Round) -> Option<Self> {
        match round {
            Round::NearestEven if *spec == FormatSpec::F16 => Some(Self::F16),
            Round::NearestEven => Cut::shift(spec).map(Self::Nearest),
            Round::TowardZero if *spec == FormatSpec::F16 => Some(Self::CutF16),
            Round::TowardZero => Cut::shift(spec).map(Self::Cut),
            _ => None,
        }
    }
}

/// The way that a magnitude must go, as two masks: all ones or 0.
#[derive(Clone, Copy, Debug)]
struct Direction {
    /// All ones if the magnitude must grow.
    up: u64,
    /// All ones if the magnitude must shrink.
    down: u64,
}

/// Returns all ones for `true`, 0 for `false`.
#[inline(always)]
fn mask(holds: bool) -> u64 {
    u64::from(holds).wrapping_neg()
}

/// Returns `yes` under a mask of all ones, `no` under 0.
#[inline(always)]
fn select(mask: u64, yes: f64, no: f64) -> f64 {
    f64::from_bits(yes.to_bits() & mask | no.to_bits() & !mask)
}

impl Rounding {
    /// Returns the parameters for a signed floating-point format with subnormals whose numbers are
    /// f32s, and a rounding without random bits; otherwise `None`.
    pub(crate) fn lower(spec: &FormatSpec, round: Round) -> Option<Self> {
        let Encoding::Float(layout) = spec.encoding() else { return None };
        let fits = layout.signed
            && matches!(layout.zero_field, ZeroField::Subnormals)
            && !layout.is_fixed_point()
            && (1..=23).contains(&layout.mantissa_bits)
            && spec.smallest_positive().exponent() >= -149
            && spec.max_exponent() < 128;
        if !fits || matches!(round, Round::Stochastic { .. }) {
            return None;
        }
        let convert: Convert = spec.default_convert().with_round(round);
        let value = |x: Unpacked| spec.decode_f64(spec.encode_with(x, &convert, 0).code);
        let both = |x: Unpacked| [value(x), value(x.negate())];
        // `any` leaves what nearest even chose.
        let (any, up, down) = ((false, false), (true, false), (false, true));
        let (ties, others) = match round {
            Round::NearestAway => ([up; 2], [any; 2]),
            Round::NearestTowardZero => ([down; 2], [any; 2]),
            Round::NearestUp => ([up, down], [any; 2]),
            Round::TowardZero => ([down; 2], [down; 2]),
            Round::AwayFromZero => ([up; 2], [up; 2]),
            Round::Up => ([up, down], [up, down]),
            Round::Down => ([down, up], [down, up]),
            _ => ([any; 2], [any; 2]),
        };
        let direction = |(up, down)| Direction { up: mask(up), down: mask(down) };
        Some(Self {
            known: Known::of(spec, round),
            twice: false,
            ties: ties.map(direction),
            others: others.map(direction),
            to_odd: mask(matches!(round, Round::ToOdd)),
            exact_zero_is_minus: mask(matches!(round, Round::Down)),
            no_negative_zero: mask(spec.negative_zero_code().is_none()),
            min_field: (1023 + layout.min_exponent()) as u64,
            mantissa_bits: layout.mantissa_bits.into(),
            max: spec.max().to_f64(),
            overflow: both(Unpacked::new(false, 1, spec.max_exponent() + 2)),
            infinity: both(Unpacked::infinity(false)),
            nan: value(Unpacked::NAN),
        })
    }

    /// Returns this rounding for products that are finite, have at most `bits` bits and lie between
    /// `2^last` and `2^end`, with [`twice`](Self::twice) set if sums may be rounded to f32 first.
    ///
    /// A sum of two numbers of at most t bits, rounded to 24 bits and then to t, is rounded as if
    /// once, if `24 ≥ 2t + 1` (Figueroa 1995): it is an f32 or not close to a tie.
    pub(crate) fn of_products(self, last: i32, end: i32, bits: i32) -> Self {
        let twice = match self.known {
            // Sums below the smallest normal number, 2^-14, are f32s.
            Some(Known::F16) => bits <= 11 && last >= -37 && end <= 100,
            // A sum does not grow beyond 2^(t+1) times the largest product; up to there no f32
            // overflows, and none is subnormal.
            Some(Known::Nearest(missing)) => {
                let precision = 24 - missing as i32;
                2 * precision < 24 && bits <= precision && last >= -120 && end + precision < 64
            }
            _ => false,
        };
        Self { twice, ..self }
    }

    /// Returns `acc + a · b`, rounded once to the format.
    #[inline(always)]
    fn step(&self, acc: f32, a: f32, b: f32) -> f32 {
        let (product, acc) = (f64::from(a) * f64::from(b), f64::from(acc));
        // Rounded to odd: the lost part still shows in the last bit.
        let x = odd_sum(product, acc);
        // The unit of the sum's binade; below the smallest normal number it stays the same.
        let field = ((x.to_bits() >> 52) & 0x7FF).max(self.min_field);
        let unit = f64::from_bits((field - self.mantissa_bits) << 52);
        // Adding 1.5 · 2^52 units leaves whole units, ties to even; so does taking it away again.
        let magic = unit * 6_755_399_441_055_744.0;
        // The addition rounds, the subtraction is exact.
        let even = (x + magic) - magic;
        let rest = x - even;
        let (minus, exact) = (mask(x.is_sign_negative()), mask(rest == 0.0));
        let tie = mask(rest.abs() == unit * 0.5);
        let of = |pair: [u64; 2]| pair[1] & minus | pair[0] & !minus;
        let up = of([self.ties[0].up, self.ties[1].up]) & tie
            | of([self.others[0].up, self.others[1].up]) & !tie;
        let down = of([self.ties[0].down, self.ties[1].down]) & tie
            | of([self.others[0].down, self.others[1].down]) & !tie;
        // Counted in units, the last bit of `even` is that of x + magic: an even result must move.
        let to_odd = self.to_odd & ((x + magic).to_bits() & 1).wrapping_sub(1);
        // Where nearest even moved the magnitude against the direction that this rounding wants,
        // the magnitude is one unit off.
        let went_down = mask(rest > 0.0) ^ minus;
        // At most one of the two differs from zero.
        let more = select(went_down & (up | to_odd) & !exact, unit, 0.0);
        let less = select(!went_down & (down | to_odd) & !exact, unit, 0.0);
        let magnitude = even.abs() + more - less;
        let number = |pair: [f64; 2]| select(minus, pair[1], pair[0]);
        let finite = magnitude.copysign(x);
        // From here on selects replace the result, the rarest case last: overflow, zeros, infinity,
        // NaN.
        let finite = select(mask(magnitude > self.max), number(self.overflow), finite);
        // Rounding downward, an exact zero sum is −0 unless both terms are +0 (IEEE 754, 6.3).
        let minus_zero = self.exact_zero_is_minus
            & mask(x == 0.0)
            & mask((product.to_bits() | acc.to_bits()) != 0);
        let finite = select(minus_zero, -0.0, finite);
        let finite = select(self.no_negative_zero & mask(finite == 0.0), 0.0, finite);
        let any = select(mask(x.abs() == f64::INFINITY), number(self.infinity), finite);
        select(mask(x.is_nan()), self.nan, any) as f32
    }
}

/// Continues chains of rounded sums: the plain loop of
/// [`chain_rounded`](super::float::chain_rounded).
#[inline(always)]
pub(in crate::kernel) fn chain_body<const R: usize>(
    rounding: &Rounding,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    for (a, b) in a.iter().zip(b) {
        for (acc, a) in acc.iter_mut().zip(a) {
            // A loop, not `for_each`: a closure may be compiled as a function of its own, without
            // the instruction set of its caller.
            for (acc, b) in acc.iter_mut().zip(b) {
                *acc = rounding.step(*acc, *a, *b);
            }
        }
    }
}
