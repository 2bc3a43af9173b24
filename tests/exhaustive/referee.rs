//! The second implementation: the values of a format in order, and for each the last f32 pattern
//! that rounds to it.

use std::cmp::Ordering;
use subhalf::{Encoded, Flags};

pub(crate) const INFINITY: u32 = 0x7F80_0000;
pub(crate) const QUIET_BIT: u32 = 0x0040_0000;
/// Patterns of one sign, NaN included.
pub(crate) const MAGNITUDES: u32 = 0x8000_0000;

/// `significand · 2^exponent`, exactly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    significand: u128,
    exponent: i32,
}

impl Exact {
    pub(crate) const fn new(significand: u128, exponent: i32) -> Self {
        Self { significand, exponent }
    }

    /// The magnitude of a finite f32.
    pub(crate) fn of_pattern(pattern: u32) -> Self {
        let (field, fraction) = (pattern >> 23, u128::from(pattern & 0x7F_FFFF));
        if field == 0 {
            Self::new(fraction, -149)
        } else {
            Self::new(fraction + (1 << 23), field as i32 - 150)
        }
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        if self.significand == 0 || other.significand == 0 {
            return self.significand.cmp(&other.significand);
        }
        let top = |x: Self| x.exponent + x.significand.ilog2() as i32;
        let aligned = |x: Self| x.significand << x.significand.leading_zeros();
        top(self).cmp(&top(other)).then(aligned(self).cmp(&aligned(other)))
    }

    pub(crate) fn midpoint(self, other: Self) -> Self {
        // Neighbours are at most a format's range apart, and the only far ones are zero and the
        // smallest number.
        let exponent =
            if self.significand == 0 { other.exponent } else { self.exponent.min(other.exponent) };
        let units =
            |x: Self| if x.significand == 0 { 0 } else { x.significand << (x.exponent - exponent) };
        Self::new(units(self) + units(other), exponent - 1)
    }

    /// The largest pattern that is below this, or not above it if `closed`; `None` if there is
    /// none.
    pub(crate) fn last_pattern_below(self, closed: bool) -> Option<u32> {
        let below = |pattern: u32| match Self::of_pattern(pattern).compare(self) {
            Ordering::Less => true,
            Ordering::Equal => closed,
            Ordering::Greater => false,
        };
        let (mut low, mut high) = (0, INFINITY);
        while low < high {
            let middle = low + (high - low) / 2;
            if below(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// The pattern that is exactly this; every value of the ten formats has one.
    pub(crate) fn pattern(self) -> u32 {
        let pattern = self.last_pattern_below(true).expect("zero is never above");
        assert_eq!(Self::of_pattern(pattern).compare(self), Ordering::Equal, "{self:?} is no f32");
        pattern
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ties {
    EvenCode,
    Away,
}

/// A format as its document has it, and what a plain conversion does there.
#[derive(Debug)]
pub(crate) struct Format {
    /// Finite numbers from zero (or the smallest) upward with their codes; behind them the number
    /// that would come next if the exponent had no upper bound.
    values: Vec<(Exact, u32)>,
    ties: Ties,
    /// 0 in an unsigned format, where negative numbers become NaN.
    sign_bit: u32,
    negative_zero: bool,
    infinity: Option<u32>,
    /// Whether overflow is infinite; else it saturates.
    overflow_is_infinite: bool,
    /// The positive NaN; without one NaN becomes the largest number.
    nan: Option<u32>,
    /// Mantissa bits and exponent of the smallest normal number.
    smallest_normal: (u32, i32),
}

impl Format {
    /// A layout of the reference, section 1.2, by the decoding rule of section 1.1, from 0 to the
    /// largest code.
    pub(crate) fn binary(mantissa_bits: u32, bias: i32, max_code: u32, sign_bit: u32) -> Self {
        let value = |code: u32| {
            let (e, m) = ((code >> mantissa_bits) as i32, u128::from(code % (1 << mantissa_bits)));
            let last = 1 - bias - mantissa_bits as i32;
            let exact = if e == 0 {
                Exact::new(m, last)
            } else {
                Exact::new(m + (1 << mantissa_bits), last + e - 1)
            };
            (exact, code)
        };
        Self {
            values: (0..=max_code + 1).map(value).collect(),
            ties: Ties::EvenCode,
            sign_bit,
            negative_zero: sign_bit != 0,
            infinity: None,
            overflow_is_infinite: false,
            nan: None,
            smallest_normal: (mantissa_bits, 1 - bias),
        }
    }

    pub(crate) fn e4m3() -> Self {
        Self { nan: Some(0x7F), ..Self::binary(3, 7, 0x7E, 0x80) }
    }

    pub(crate) fn e5m2() -> Self {
        Self { nan: Some(0x7E), infinity: Some(0x7C), ..Self::binary(2, 15, 0x7B, 0x80) }
    }

    pub(crate) fn e2m1() -> Self {
        Self::binary(1, 1, 0x7, 0x8)
    }

    pub(crate) fn e3m2() -> Self {
        Self::binary(2, 3, 0x1F, 0x20)
    }

    pub(crate) fn e2m3() -> Self {
        Self::binary(3, 1, 0x1F, 0x20)
    }

    pub(crate) fn ue5m3() -> Self {
        Self { nan: Some(0xFF), ..Self::binary(3, 15, 0xFE, 0) }
    }

    pub(crate) fn bf16() -> Self {
        Self {
            nan: Some(0x7FC0),
            infinity: Some(0x7F80),
            overflow_is_infinite: true,
            ..Self::binary(7, 127, 0x7F7F, 0x8000)
        }
    }

    pub(crate) fn fp16() -> Self {
        Self {
            nan: Some(0x7E00),
            infinity: Some(0x7C00),
            overflow_is_infinite: true,
            ..Self::binary(10, 15, 0x7BFF, 0x8000)
        }
    }

    /// Code *c* is 2^(c-127): no zero, no sign.
    pub(crate) fn e8m0() -> Self {
        let values = (0..=0xFF).map(|code| (Exact::new(1, code as i32 - 127), code)).collect();
        Self { values, nan: Some(0xFF), smallest_normal: (0, -127), ..Self::binary(0, 127, 0, 0) }
    }

    /// The table of the reference, section 2.1, and the rounding of 2.2.
    pub(crate) fn hif8() -> Self {
        // First code, number of codes, exponent of the first; codes of a row are eighths, quarters
        // or halves of its binade.
        const EIGHTHS: [(u32, i32); 7] =
            [(0x08, 0), (0x10, 1), (0x18, -1), (0x20, 2), (0x28, 3), (0x30, -2), (0x38, -3)];
        const QUARTERS: [(u32, i32); 8] = [
            (0x40, 4),
            (0x44, 5),
            (0x48, 6),
            (0x4C, 7),
            (0x50, -4),
            (0x54, -5),
            (0x58, -6),
            (0x5C, -7),
        ];
        let mut values = vec![(Exact::new(0, 0), 0)];
        values.extend((1..=7).map(|code| (Exact::new(1, code as i32 - 23), code)));
        for (first, exponent) in EIGHTHS {
            values.extend((0..8).map(|k| (Exact::new(8 + u128::from(k), exponent - 3), first + k)));
        }
        for (first, exponent) in QUARTERS {
            values.extend((0..4).map(|k| (Exact::new(4 + u128::from(k), exponent - 2), first + k)));
        }
        for pair in 0..8 {
            let halves = |first: u32, exponent: i32| {
                [0, 1].map(|k| (Exact::new(2 + u128::from(k), exponent - 1), first + 2 * pair + k))
            };
            values.extend(halves(0x60, 8 + pair as i32));
            values.extend(halves(0x70, -8 - pair as i32));
        }
        values.sort_by(|a, b| a.0.compare(b.0));
        // The last of them, 1.5·2^15, is the number whose code 0x6F is taken by infinity.
        assert_eq!((values.len(), values[127].1), (128, 0x6F));
        Self {
            values,
            ties: Ties::Away,
            sign_bit: 0x80,
            negative_zero: false,
            infinity: Some(0x6F),
            nan: Some(0x80),
            smallest_normal: (1, -15),
            ..Self::binary(0, 0, 0, 0)
        }
    }
}

/// Consecutive magnitudes up to the next run's first, which all have the same answers: plus and
/// minus.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) first: u32,
    pub(crate) expected: [Encoded; 2],
}

/// A format made ready for walking along the inputs.
pub(crate) struct Referee {
    pub(crate) format: Format,
    /// For each value the last pattern that rounds to it; what is above the last entry overflows.
    pub(crate) last_pattern: Vec<u32>,
    /// For each value its own pattern.
    pub(crate) pattern: Vec<u32>,
    /// The first pattern that is not tiny: rounded without lower bound to the exponent, it reaches
    /// the smallest normal number.
    pub(crate) first_not_tiny: u32,
    /// All magnitudes, in order.
    pub(crate) runs: Vec<Run>,
}

impl Referee {
    pub(crate) fn new(format: Format) -> Self {
        let last_pattern = format.values.windows(2).map(|pair| {
            let [(lower, lower_code), (upper, _)] = [pair[0], pair[1]];
            let tie_goes_down = format.ties == Ties::EvenCode && lower_code.is_multiple_of(2);
            lower
                .midpoint(upper)
                .last_pattern_below(tie_goes_down)
                .expect("the midpoint is above zero")
        });
        let last_pattern: Vec<u32> = last_pattern.collect();
        let finite = &format.values[..last_pattern.len()];
        let pattern = finite.iter().map(|(value, _)| value.pattern()).collect();
        // The last number before the smallest normal one has an odd significand, so either tie rule
        // goes up.
        let (mantissa_bits, exponent) = format.smallest_normal;
        let before = Exact::new((2 << mantissa_bits) - 1, exponent - 1 - mantissa_bits as i32);
        let tiny = before.midpoint(Exact::new(1, exponent)).last_pattern_below(false);
        let first_not_tiny = tiny.expect("zero is tiny") + 1;
        let mut referee = Self { pattern, first_not_tiny, last_pattern, format, runs: Vec::new() };
        referee.runs = referee.cut();
        referee
    }

    /// The answer changes behind a decision, at and behind a value, where tininess ends, and at and
    /// between the specials.
    pub(crate) fn cut(&self) -> Vec<Run> {
        let behind =
            |patterns: &[u32]| patterns.iter().map(|pattern| pattern + 1).collect::<Vec<u32>>();
        let specials = [0, 1, self.first_not_tiny, INFINITY, INFINITY + 1, INFINITY | QUIET_BIT];
        let mut first = [
            &behind(&self.last_pattern),
            &self.pattern,
            &behind(&self.pattern),
            specials.as_slice(),
        ]
        .concat();
        first.sort_unstable();
        first.dedup();
        let answers = |first: u32| {
            [false, true].map(|negative| self.expected(first, negative, self.position(first)))
        };
        first.into_iter().map(|first| Run { first, expected: answers(first) }).collect()
    }

    /// The runs that `first..end` lies in, each with the part of it there.
    pub(crate) fn runs_between(
        &self,
        first: u32,
        end: u32,
    ) -> impl Iterator<Item = (Run, std::ops::Range<u32>)> {
        let start = self.runs.partition_point(|run| run.first <= first) - 1;
        let ends = self.runs[start + 1..].iter().map(|run| run.first).chain([MAGNITUDES]);
        let runs = self.runs[start..].iter().zip(ends).take_while(move |(run, _)| run.first < end);
        runs.map(move |(run, run_end)| (*run, run.first.max(first)..run_end.min(end)))
    }

    /// Position of the value that a finite pattern rounds to.
    pub(crate) fn position(&self, magnitude: u32) -> usize {
        self.last_pattern.partition_point(|&last| last < magnitude)
    }

    /// What the crate has to make of `±magnitude`, given `position(magnitude)`.
    pub(crate) fn expected(&self, magnitude: u32, negative: bool, position: usize) -> Encoded {
        let format = &self.format;
        let max = format.values[self.pattern.len() - 1].1;
        let sign = if negative { format.sign_bit } else { 0 };
        let has_zero = self.pattern[0] == 0;
        if magnitude > INFINITY {
            let quiet = magnitude & QUIET_BIT != 0;
            return match format.nan {
                Some(code) => {
                    Encoded { code, flags: if quiet { Flags::NONE } else { Flags::INVALID } }
                }
                None => Encoded { code: max, flags: Flags::INVALID },
            };
        }
        if magnitude == 0 && !has_zero {
            return Encoded { code: format.values[0].1, flags: Flags::INVALID };
        }
        let rounds_to_zero = has_zero && position == 0;
        if negative && format.sign_bit == 0 && magnitude != 0 && !rounds_to_zero {
            return Encoded { code: format.nan.unwrap_or(0), flags: Flags::INVALID };
        }
        if magnitude == INFINITY {
            return match format.infinity {
                Some(code) => Encoded { code: code | sign, flags: Flags::NONE },
                None => Encoded { code: max | sign, flags: Flags::OVERFLOW | Flags::INEXACT },
            };
        }
        let Some(&pattern) = self.pattern.get(position) else {
            let code =
                if format.overflow_is_infinite { format.infinity.unwrap_or(max) } else { max };
            return Encoded { code: code | sign, flags: Flags::OVERFLOW | Flags::INEXACT };
        };
        let flags = match (pattern == magnitude, magnitude < self.first_not_tiny) {
            (true, _) => Flags::NONE,
            (false, false) => Flags::INEXACT,
            (false, true) => Flags::INEXACT | Flags::UNDERFLOW,
        };
        let keeps_sign = !rounds_to_zero || format.negative_zero;
        Encoded { code: format.values[position].1 | if keeps_sign { sign } else { 0 }, flags }
    }
}

/// Known answers before the referee is trusted.
mod known_answers {
    use super::*;

    fn code(referee: &Referee, x: f32) -> u32 {
        let magnitude = x.to_bits() & (MAGNITUDES - 1);
        referee.expected(magnitude, x.is_sign_negative(), referee.position(magnitude)).code
    }

    #[test]
    fn knows_the_decision_points_of_e2m1() {
        // The reference, section 1.5: the tie and the code it goes to.
        let referee = Referee::new(Format::e2m1());
        for (tie, even) in
            [(0.25_f32, 0), (0.75, 2), (1.25, 2), (1.75, 4), (2.5, 4), (3.5, 6), (5.0, 6)]
        {
            let below = code(&referee, tie.next_down());
            assert_eq!(
                (code(&referee, tie), code(&referee, tie.next_up())),
                (even, below + 1),
                "{tie}"
            );
        }
        assert_eq!(code(&referee, -6.0), 0xF);
    }

    #[test]
    fn knows_the_largest_numbers_and_the_first_that_overflow() {
        // The reference, sections 1.3, 2.2 and 7.2; for f16 and bfloat16 the midpoints to 2^16 and
        // 2^128, which are odd's ties.
        let overflows: [(Format, f32); 8] = [
            (Format::e4m3(), 464_f32.next_up()),
            (Format::e5m2(), 61440.0),
            (Format::e2m1(), 7.0),
            (Format::e3m2(), 30.0),
            (Format::e2m3(), 7.75),
            (Format::hif8(), 40960.0),
            (Format::ue5m3(), 118_784_f32.next_up()),
            (Format::fp16(), 65520.0),
        ];
        for (format, first) in overflows {
            let referee = Referee::new(format);
            let last = referee.last_pattern.last().copied();
            assert_eq!(last, Some(first.next_down().to_bits()), "first overflow {first}");
        }
        assert_eq!(Referee::new(Format::bf16()).last_pattern.last(), Some(&0x7F7F_7FFF));
        // 1.5·2^127 is a tie with the code of NaN, which is odd.
        assert_eq!(Referee::new(Format::e8m0()).last_pattern.last(), Some(&0x7F40_0000));
    }

    #[test]
    fn knows_the_vectors_of_hif8() {
        // The reference, section 2.2.
        let referee = Referee::new(Format::hif8());
        let half_smallest = f32::from_bits(0x3400_0000); // 2^-23
        let vectors = [
            (1.0625, 0x09),
            (3.9375, 0x20),
            (15.5, 0x40),
            (22.0, 0x42),
            (124.0, 0x4C),
            (320.0, 0x61),
            (40959.0, 0x6E),
            (40960.0, 0x6E),
            (half_smallest, 0x01),
            (half_smallest.next_down(), 0x00),
            (-half_smallest.next_down(), 0x00),
            (-0.3, 0xB2),
            (2.5e-4, 0x78),
            (f32::NAN, 0x80),
            (f32::NEG_INFINITY, 0xEF),
        ];
        for (x, expected) in vectors {
            assert_eq!(code(&referee, x), expected, "{x:e}");
        }
    }

    #[test]
    fn rounds_to_bfloat16_as_the_addition_of_half_a_unit_does() {
        // The reference, section 1.8: for everything but NaN.
        let referee = Referee::new(Format::bf16());
        for magnitude in (0..=INFINITY).step_by(32_771) {
            let added = (magnitude + 0x7FFF + (magnitude >> 16 & 1)) >> 16;
            assert_eq!(
                referee.expected(magnitude, true, referee.position(magnitude)).code,
                added | 0x8000,
                "{magnitude:#x}"
            );
        }
    }

    #[test]
    fn tells_tiny_numbers_by_their_value_after_rounding() {
        // E4M3's smallest normal number is 2^-6; with four bits and no lower bound the midpoint
        // below it is 31/32 of that.
        let first = f32::from_bits(Referee::new(Format::e4m3()).first_not_tiny);
        assert_eq!(first, 31.0 / 2048.0);
        // E8M0: one bit, so the midpoint between 2^-128 and 2^-127.
        assert_eq!(Referee::new(Format::e8m0()).first_not_tiny, 0x0030_0000);
    }
}
