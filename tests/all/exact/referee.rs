//! The referee: numbers, neighbours, roundings and policies restated from the documents in exact
//! arithmetic. It shares no code with the crate: a format is the list of its numbers, and a
//! rounding is a comparison with the number half-way between two.

use super::dyadic::Dyadic;
use std::cmp::Ordering;
use subhalf::{
    Convert, FormatSpec, Infinity, MissingNan, Nan, Negative, Overflow, Round, SubnormalInputs,
    Zero,
};

pub(crate) const INEXACT: u8 = 1;
pub(crate) const UNDERFLOW: u8 = 2;
pub(crate) const OVERFLOW: u8 = 4;
pub(crate) const INVALID: u8 = 16;

/// A representable number, seen in the direction of a sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Dyadic,
    pub(crate) code: u32,
    pub(crate) odd: bool,
}

/// The numbers that a positive (or negative) input can become, ascending in the direction of its
/// sign.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) entries: Vec<Entry>,
    /// What would follow the last entry if the exponent had no upper bound. Without it everything
    /// beyond overflows.
    pub(crate) next: Option<Dyadic>,
    /// Posits round on the encoding: the half-way point is the posit one bit longer. (Width,
    /// exponent bits.)
    pub(crate) posit: Option<(u32, u32)>,
}

impl Side {
    /// The value of an entry, or of the number that would follow the last.
    fn value(&self, index: usize) -> Option<Dyadic> {
        self.entries
            .get(index)
            .map(|entry| entry.value)
            .or_else(|| self.next.filter(|_| index == self.entries.len()))
    }

    /// The number at the fraction `part / 2^bits` of the way from an entry to the next.
    pub(crate) fn between(&self, index: usize, part: i128, bits: u32) -> Option<Dyadic> {
        let (low, high) = (self.value(index)?, self.value(index + 1)?);
        Some(match self.posit {
            None => low.plus(high.plus(low.negated()).times(part).scaled(-i64::from(bits))),
            Some((width, exponent_bits)) => {
                let magnitude = (index as u64 + 1) << bits | part as u64;
                posit_value(magnitude, width + bits, exponent_bits)
            }
        })
    }

    /// Where a magnitude lies that is known only by how it compares with any number.
    fn locate(&self, compare: impl Fn(Dyadic) -> Ordering) -> Place {
        let known = self.entries.partition_point(|entry| compare(entry.value).is_ge());
        let beyond =
            known == self.entries.len() && self.next.is_some_and(|next| compare(next).is_ge());
        let lower = (known + usize::from(beyond)).checked_sub(1);
        let exact =
            lower.and_then(|lower| self.value(lower)).is_some_and(|value| compare(value).is_eq());
        let middle = lower.and_then(|lower| self.between(lower, 1, 1));
        Place { lower, exact, to_middle: middle.map_or(Ordering::Less, compare) }
    }
}

/// The value of a posit with a positive sign, read bit by bit.
pub(crate) fn posit_value(code: u64, width: u32, exponent_bits: u32) -> Dyadic {
    let bit = |place: u32| if place < width { code >> (width - 1 - place) & 1 } else { 0 };
    let first = bit(1);
    let run = (1..width).take_while(|&place| bit(place) == first).count() as u32;
    let regime = if first == 1 { i64::from(run) - 1 } else { -i64::from(run) };
    let behind = run + 2;
    let exponent = (0..exponent_bits).fold(0, |sum, place| 2 * sum + bit(behind + place) as i64);
    let fraction_bits = width.saturating_sub(behind + exponent_bits);
    let fraction = i128::from(code & ((1 << fraction_bits) - 1));
    Dyadic::new(
        1 << fraction_bits | fraction,
        (regime << exponent_bits) + exponent - i64::from(fraction_bits),
    )
}

/// Where a number lies among the entries of a side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The last entry not beyond the number (the number after the last entry counts as one).
    pub(crate) lower: Option<usize>,
    pub(crate) exact: bool,
    to_middle: Ordering,
}

/// Whether a number strictly between two neighbours goes to the one further along its sign.
fn moves(round: Round, negative: bool, odd: bool, to_middle: Ordering) -> bool {
    let nearest = |tie: bool| to_middle.is_gt() || (to_middle.is_eq() && tie);
    match round {
        Round::NearestEven => nearest(odd),
        Round::NearestAway => nearest(true),
        Round::NearestTowardZero => nearest(false),
        Round::NearestUp => nearest(!negative),
        Round::TowardZero => false,
        Round::AwayFromZero => true,
        Round::Up => !negative,
        Round::Down => negative,
        Round::ToOdd => !odd,
        _ => panic!("the referee of {round:?} is in `stochastic`"),
    }
}

/// The code of a number that an integer format does not have: the rounded count modulo `2^bits`,
/// and of a symmetric format, which does not give the most negative code, the one above that.
fn wrapped(integers: Integers, negative: bool, count: Count, round: Round) -> u32 {
    let up = !count.exact && moves(round, negative, count.low & 1 == 1, count.to_middle);
    let magnitude = i128::from(count.low) + i128::from(up);
    let code =
        (if negative { -magnitude } else { magnitude }).rem_euclid(1 << integers.bits) as u32;
    code + u32::from(integers.symmetric && code == 1 << (integers.bits - 1))
}

/// When a small result counts as underflow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tininess {
    /// Fixed point, codebooks.
    Never,
    /// Below `smallest`, with `mantissa_bits` behind the point, unless rounding to that precision
    /// gets there. `code_is_odd` is said of `smallest`.
    BelowNormal { smallest: Dyadic, mantissa_bits: u32, code_is_odd: bool },
    /// Posits have no normal numbers: below their smallest.
    BelowSmallest,
}

/// Which codes are NaN.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NanRow {
    None,
    /// One code.
    One(u32),
    /// In both signs if the format has a sign: magnitude codes with only the quiet bit and with all
    /// mantissa bits set.
    Magnitudes {
        quiet: u32,
        all_ones: u32,
    },
}

/// The integers that a format's codes count with, in two's complement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integers {
    pub(crate) bits: u32,
    /// The exponent of what one counts.
    pub(crate) unit: i64,
    /// Whether the most negative code is never given.
    pub(crate) symmetric: bool,
}

/// A magnitude in units of `2^unit`: the low 64 bits of the whole part, whether that is all, and
/// how the rest compares with a half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    low: u64,
    exact: bool,
    to_middle: Ordering,
}

impl Count {
    fn of(x: Dyadic, unit: i64) -> Self {
        let (significand, left) = (x.significand.unsigned_abs(), x.exponent - unit);
        if left >= 0 {
            let low = if left < 64 { (significand as u64) << left } else { 0 };
            return Self { low, exact: true, to_middle: Ordering::Less };
        }
        // The significand is odd, so there is a rest.
        let cut = left.unsigned_abs().min(126) as u32;
        let rest = significand & ((1 << cut) - 1);
        Self {
            low: (significand >> cut) as u64,
            exact: false,
            to_middle: rest.cmp(&(1 << (cut - 1))),
        }
    }
}

/// A format as the referee sees it.
#[derive(Clone, Debug)]
pub(crate) struct Referee {
    pub(crate) spec: FormatSpec,
    pub(crate) signed: bool,
    /// The code bit of the sign where signs are bits.
    pub(crate) sign_bit: u32,
    pub(crate) mantissa_bits: u32,
    /// For positive and for negative numbers.
    pub(crate) sides: [Side; 2],
    /// Codes of +0 and −0 (the same where there is one zero).
    pub(crate) zeros: Option<[u32; 2]>,
    pub(crate) infinities: Option<[u32; 2]>,
    pub(crate) nan: NanRow,
    pub(crate) tininess: Tininess,
    pub(crate) integers: Option<Integers>,
}

/// An input, with what the referee found out about it before looking at any policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub(crate) negative: bool,
    pub(crate) class: Class,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    Zero,
    Finite {
        place: Place,
        subnormal: bool,
        tiny: Tiny,
        /// Of formats that are integers, if it is known.
        count: Option<Count>,
    },
    Infinite,
    /// The payload is left-aligned, quiet bit first.
    Nan {
        payload: u64,
    },
}

/// Whether a number is tiny after rounding to full precision: [`Tiny::UnlessMoved`] if only a step
/// away from zero leaves the range.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tiny {
    No,
    Yes,
    UnlessMoved { odd: bool, to_middle: Ordering },
}

/// A code and the bits of the flags.
pub(crate) type Expected = (u32, u8);

impl Referee {
    pub(crate) fn side(&self, negative: bool) -> &Side {
        &self.sides[usize::from(negative && self.signed)]
    }

    pub(crate) fn largest(&self, negative: bool) -> u32 {
        self.side(negative).entries.last().expect("a format has numbers").code
    }

    pub(crate) fn input_f32(&self, bits: u32) -> Input {
        self.input(bits >> 31 == 1, u64::from(bits & 0x7FFF_FFFF), 23, -149, 0x7F80_0000)
    }

    pub(crate) fn input_f64(&self, bits: u64) -> Input {
        self.input(bits >> 63 == 1, bits & (u64::MAX >> 1), 52, -1074, 0x7FF0_0000_0000_0000)
    }

    fn input(
        &self,
        negative: bool,
        bits: u64,
        mantissa_bits: u32,
        unit: i64,
        infinity: u64,
    ) -> Input {
        let class = match bits.cmp(&infinity) {
            Ordering::Greater => Class::Nan { payload: bits << (64 - mantissa_bits) },
            Ordering::Equal => Class::Infinite,
            Ordering::Less if bits == 0 => Class::Zero,
            Ordering::Less => {
                let x = Dyadic::of_ieee_magnitude(bits, mantissa_bits, unit);
                return self.input_exact(negative, x, bits >> mantissa_bits == 0);
            }
        };
        Input { negative, class }
    }

    /// A finite nonzero magnitude.
    pub(crate) fn input_exact(&self, negative: bool, x: Dyadic, subnormal: bool) -> Input {
        let mut input = self.input_compared(negative, |value| x.cmp(&value), subnormal);
        if let Class::Finite { count, .. } = &mut input.class {
            *count = self.integers.map(|integers| Count::of(x, integers.unit));
        }
        input
    }

    /// A finite nonzero magnitude that need not be dyadic: `compare` says how it compares with a
    /// number.
    pub(crate) fn input_compared(
        &self,
        negative: bool,
        compare: impl Fn(Dyadic) -> Ordering,
        subnormal: bool,
    ) -> Input {
        let place = self.side(negative).locate(&compare);
        let tiny = match self.tininess {
            Tininess::Never => Tiny::No,
            Tininess::BelowSmallest if place.lower.is_none() => Tiny::Yes,
            Tininess::BelowSmallest => Tiny::No,
            Tininess::BelowNormal { smallest, .. } if compare(smallest).is_ge() => Tiny::No,
            Tininess::BelowNormal { smallest, mantissa_bits, code_is_odd } => {
                // The last step below the smallest normal number, had the exponent no lower bound.
                // Its code is one less.
                let step = smallest.scaled(-1 - i64::from(mantissa_bits));
                if compare(smallest.plus(step.negated())).is_le() {
                    Tiny::Yes
                } else {
                    let middle = smallest.plus(step.scaled(-1).negated());
                    Tiny::UnlessMoved { odd: !code_is_odd, to_middle: compare(middle) }
                }
            }
        };
        Input { negative, class: Class::Finite { place, subnormal, tiny, count: None } }
    }

    pub(crate) fn expected(&self, input: &Input, convert: &Convert) -> Expected {
        let drops_sign = !self.signed && convert.negative == Negative::Magnitude;
        let negative = input.negative && !drops_sign;
        match input.class {
            Class::Nan { payload } => self.nan(input.negative, payload, convert),
            Class::Zero => self.zero(negative, convert),
            Class::Finite { subnormal: true, .. }
                if convert.subnormal_inputs == SubnormalInputs::Flush =>
            {
                self.zero(negative, convert)
            }
            Class::Infinite if negative && !self.signed => self.unwanted_negative(false, convert),
            Class::Infinite => {
                let kept = self.infinities.map(|codes| codes[usize::from(negative)]);
                let code = match convert.infinity {
                    Infinity::Saturate => self.largest(negative),
                    Infinity::Special => self.special(negative, convert),
                    Infinity::KeepElseSaturate => kept.unwrap_or(self.largest(negative)),
                    _ => panic!("a policy unknown to the referee"),
                };
                (code, if Some(code) == kept { 0 } else { OVERFLOW | INEXACT })
            }
            Class::Finite { place, tiny, count, .. } => {
                let expected = self.finite(negative, place, tiny, convert);
                let in_range = expected.1 & (OVERFLOW | INVALID) == 0;
                match self.integers {
                    Some(integers) if convert.overflow == Overflow::Wrap && !in_range => (
                        wrapped(integers, negative, count.expect("a known count"), convert.round),
                        OVERFLOW | INEXACT,
                    ),
                    _ => expected,
                }
            }
        }
    }

    fn finite(&self, negative: bool, place: Place, tiny: Tiny, convert: &Convert) -> Expected {
        let (side, round) = (self.side(negative), convert.round);
        // Below the smallest number of a format (or of a posit) there is nowhere to go but up.
        let index = match place.lower {
            None => 0,
            Some(lower) if place.exact => lower,
            Some(lower) if lower >= side.entries.len() => lower,
            Some(lower) if lower + 1 == side.entries.len() && side.next.is_none() => lower + 1,
            Some(lower) => {
                lower
                    + usize::from(moves(round, negative, side.entries[lower].odd, place.to_middle))
            }
        };
        let overflow = index >= side.entries.len();
        let inexact = !place.exact || overflow;
        let tiny = match tiny {
            Tiny::No => false,
            Tiny::Yes => true,
            Tiny::UnlessMoved { odd, to_middle } => !moves(round, negative, odd, to_middle),
        };
        let small = if !inexact {
            0
        } else if tiny {
            INEXACT | UNDERFLOW
        } else {
            INEXACT
        };
        if negative && !self.signed {
            let became_zero =
                !overflow && place.lower.is_some() && side.entries[index].value == Dyadic::ZERO;
            return if became_zero {
                (side.entries[index].code, small)
            } else {
                self.unwanted_negative(true, convert)
            };
        }
        let without_zero = self.zeros.is_none();
        if place.lower.is_none() && without_zero && tiny && convert.zero == Zero::NanBelowSmallest {
            return self.zero(negative, convert);
        }
        if !overflow {
            return (side.entries[index].code, small);
        }
        let max = self.largest(negative);
        let forbids_infinity = match round {
            Round::TowardZero => true,
            Round::Up => negative,
            Round::Down => !negative,
            // P3109: the odd one of the largest number and infinity.
            Round::ToOdd => max & 1 == 1,
            _ => false,
        };
        let code = match convert.overflow {
            // Integers that wrap are not asked for this code.
            Overflow::Saturate | Overflow::Wrap => max,
            Overflow::Special => self.special(negative, convert),
            Overflow::IeeeDirected | Overflow::DirectedSpecial if forbids_infinity => max,
            Overflow::IeeeDirected => {
                self.infinities.map_or(max, |codes| codes[usize::from(negative)])
            }
            Overflow::DirectedSpecial => self.special(negative, convert),
            _ => panic!("a policy unknown to the referee"),
        };
        (code, small | OVERFLOW)
    }

    /// Infinity, else NaN with the sign, else the largest number.
    fn special(&self, negative: bool, convert: &Convert) -> u32 {
        // The policy for NaN chooses among a format's NaN codes; there is no payload to keep.
        let nan = match convert.nan {
            Nan::AllOnes | Nan::SignedAllOnes => Nan::SignedAllOnes,
            _ => Nan::Signed,
        };
        let infinity = self.infinities.map(|codes| codes[usize::from(negative)]);
        infinity
            .or_else(|| self.nan_code(nan, negative, 0))
            .unwrap_or_else(|| self.largest(negative))
    }

    fn nan_code(&self, nan: Nan, negative: bool, payload: u64) -> Option<u32> {
        let (quiet, all_ones) = match self.nan {
            NanRow::None => return None,
            NanRow::One(code) => return Some(code),
            NanRow::Magnitudes { quiet, all_ones } => (quiet, all_ones),
        };
        let leading =
            if self.mantissa_bits == 0 { 0 } else { (payload >> (64 - self.mantissa_bits)) as u32 };
        let (magnitude, keeps_sign) = match nan {
            Nan::Canonical => (quiet, false),
            Nan::Signed => (quiet, true),
            Nan::AllOnes => (all_ones, false),
            Nan::SignedAllOnes => (all_ones, true),
            Nan::Payload => (quiet | leading, true),
            _ => panic!("a policy unknown to the referee"),
        };
        Some(magnitude | if keeps_sign && negative { self.sign_bit } else { 0 })
    }

    fn nan(&self, negative: bool, payload: u64, convert: &Convert) -> Expected {
        if let Some(code) = self.nan_code(convert.nan, negative, payload) {
            return (code, if payload >> 63 == 0 { INVALID } else { 0 });
        }
        let code = match convert.missing_nan {
            MissingNan::Max => self.largest(false),
            MissingNan::SignedMax => self.largest(negative),
            MissingNan::Zero => self.zero(false, convert).0,
            MissingNan::SignedZero => self.zero(negative, convert).0,
            MissingNan::OppositeZero => self.zero(!negative, convert).0,
            _ => panic!("a policy unknown to the referee"),
        };
        (code, INVALID)
    }

    /// A zero; without one, the smallest number of its sign, or a NaN without sign or payload.
    /// Invalid alone, as IEEE 754 has it where an operation has no usable result: not inexact
    /// besides.
    fn zero(&self, negative: bool, convert: &Convert) -> Expected {
        match (self.zeros, convert.zero) {
            (Some(codes), _) => (codes[usize::from(negative)], 0),
            (None, Zero::Smallest) => (self.side(negative).entries[0].code, INVALID),
            (None, _) => {
                let nan = self.nan_code(convert.nan, false, 0);
                (nan.unwrap_or(self.side(negative).entries[0].code), INVALID)
            }
        }
    }

    fn unwanted_negative(&self, finite: bool, convert: &Convert) -> Expected {
        let lowest = self.sides[0].entries[0].code;
        let code = match convert.negative {
            // P3109, 4.7.5: SatNone with TowardZero or TowardPositive, before Unsigned.
            Negative::Directed
                if finite && [Round::TowardZero, Round::Up].contains(&convert.round) =>
            {
                self.zero(false, convert).0
            }
            Negative::Nan | Negative::Directed => {
                self.nan_code(convert.nan, false, 0).unwrap_or(lowest)
            }
            Negative::Clamp => self.zero(false, convert).0,
            _ => panic!("the sign was not dropped"),
        };
        (code, INVALID)
    }
}
