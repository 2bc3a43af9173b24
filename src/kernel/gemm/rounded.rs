//! Sums that are rounded to a floating-point format at every step, as f32s that the format has:
//! `acc + a·b` rounded to odd in f64, then cut to the format's precision.

use super::tile::Lanes;
use crate::bits::odd_sum;
use crate::codec::Unpacked;
use crate::kernel::encode::Cut;
use crate::policy::Convert;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, ZeroField};

/// Parameters of a format and a rounding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding {
    /// What a kernel of its own does.
    pub(in crate::kernel) known: Option<Known>,
    /// Whether sums may be rounded to f32 first.
    pub(in crate::kernel) twice: bool,
    /// For plus and minus: whether the magnitude of a tie, and of any other inexact sum, goes up or
    /// down; neither for nearest-even.
    ties: [Direction; 2],
    others: [Direction; 2],
    /// All ones: whether the last bit is set where a sum is inexact; whether an exact zero sum is
    /// −0; whether there is no −0.
    to_odd: u64,
    minus_zero: u64,
    plus_zero: u64,
    /// The bits of an f64's exponent at the smallest normal number, and by how much the exponent of
    /// the last place is below a number's.
    min_field: u64,
    mantissa_bits: u64,
    max: f64,
    /// What larger numbers, infinities and NaN become; the first for plus, the second for minus.
    overflow: [f64; 2],
    infinity: [f64; 2],
    nan: f64,
}

/// Roundings that are few operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Known {
    /// FP16, nearest-even: the processor's.
    F16,
    /// A format that is f32 but for so many mantissa bits, nearest-even.
    Nearest(u32),
    /// FP16, toward zero: bits are cut off.
    CutF16,
    Cut(u32),
}

impl Known {
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

/// Which way a magnitude must go: all ones or nothing.
#[derive(Clone, Copy, Debug)]
struct Direction {
    up: u64,
    down: u64,
}

/// All ones if it holds.
#[inline(always)]
fn mask(holds: bool) -> u64 {
    u64::from(holds).wrapping_neg()
}

/// One or the other number.
#[inline(always)]
fn select(mask: u64, yes: f64, no: f64) -> f64 {
    f64::from_bits(yes.to_bits() & mask | no.to_bits() & !mask)
}

impl Rounding {
    /// The parameters, for signed formats with subnormal numbers that are f32s, in a deterministic
    /// rounding.
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
        let value = |x: Unpacked| spec.decode_f64(spec.encode_with(x, &convert, 0).code);
        let both = |x: Unpacked| [value(x), value(x.negate())];
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
            minus_zero: mask(matches!(round, Round::Down)),
            plus_zero: mask(spec.negative_zero_code().is_none()),
            min_field: (1023 + layout.min_exponent()) as u64,
            mantissa_bits: layout.mantissa_bits.into(),
            max: spec.max().to_f64(),
            overflow: both(Unpacked::new(false, 1, spec.max_exponent() + 2)),
            infinity: both(Unpacked::infinity(false)),
            nan: value(Unpacked::NAN),
        })
    }

    /// This rounding for finite products of `bits` bits, from `2^last` to below `2^end`: a sum of
    /// two numbers that have at most the format's *t* bits is an f32 or nowhere near a tie, if
    /// f32's 24 bits are `2t + 1` or more (Figueroa 1995), and may be rounded twice.
    pub(crate) fn of_products(self, last: i32, end: i32, bits: i32) -> Self {
        let twice = match self.known {
            // Sums below the smallest normal number, 2^-14, are f32s.
            Some(Known::F16) => bits <= 11 && last >= -37 && end <= 100,
            // Beyond 2^(t+1) times the largest product a sum does not grow; in between are neither
            // subnormal f32s nor overflow.
            Some(Known::Nearest(missing)) => {
                let own = 24 - missing as i32;
                2 * own < 24 && bits <= own && last >= -120 && end + own < 64
            }
            _ => false,
        };
        Self { twice, ..self }
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
        let (minus, exact) = (mask(x.is_sign_negative()), mask(rest == 0.0));
        let tie = mask(rest.abs() == unit * 0.5);
        let of = |pair: [u64; 2]| pair[1] & minus | pair[0] & !minus;
        let up = of([self.ties[0].up, self.ties[1].up]) & tie
            | of([self.others[0].up, self.others[1].up]) & !tie;
        let down = of([self.ties[0].down, self.ties[1].down]) & tie
            | of([self.others[0].down, self.others[1].down]) & !tie;
        let to_odd = self.to_odd & ((x + magic).to_bits() & 1).wrapping_sub(1);
        // Where the magnitude went the other way, it is one unit off.
        let went_down = mask(rest > 0.0) ^ minus;
        let more = select(went_down & (up | to_odd) & !exact, unit, 0.0);
        let less = select(!went_down & (down | to_odd) & !exact, unit, 0.0);
        let magnitude = even.abs() + more - less;
        let number = |pair: [f64; 2]| select(minus, pair[1], pair[0]);
        let finite = magnitude.copysign(x);
        let finite = select(mask(magnitude > self.max), number(self.overflow), finite);
        let minus_zero =
            self.minus_zero & mask(x == 0.0) & mask((product.to_bits() | acc.to_bits()) != 0);
        let finite = select(minus_zero, -0.0, finite);
        let finite = select(self.plus_zero & mask(finite == 0.0), 0.0, finite);
        let any = select(mask(x.abs() == f64::INFINITY), number(self.infinity), finite);
        select(mask(x.is_nan()), self.nan, any) as f32
    }
}

/// Chains of sums rounded to a format: the plain loop of
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
            // Not by `for_each`, which is called rather than inlined, and then has not the caller's
            // instructions.
            for (acc, b) in acc.iter_mut().zip(b) {
                *acc = rounding.step(*acc, *a, *b);
            }
        }
    }
}
