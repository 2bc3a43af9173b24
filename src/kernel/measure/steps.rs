//! f64 to the nearest number of a format of at most 8 bits that has no kernel for f64s: codebooks,
//! posits, formats without zero. As a function of the ordered f64s, the number changes at a few
//! hundred places, which are found once per call:
//!
//! ```text
//! key    = f64 bits, mapped so that integers are ordered as the numbers are
//! step   = first[bucket of key]               // sign, exponent and some bits of mantissa
//! repeat `most` times: step += (keys[step] <= key)
//! number = numbers[step]
//! ```
//!
//! It is `encode/lookup` for f64s: an f32 between two steps may stand for f64s on both sides of one.
//! A codebook's steps are computed from its entries, since its reference codec looks at all entries
//! for each number; those of other formats are found by bisection with the reference codec.

use crate::policy::{Convert, MissingNan, Overflow};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// An upper bound of the number of steps: 256 numbers, both signs, and a dozen special places.
const STEPS: usize = 1024;

/// Bits of an f64 below its exponent field.
const MANTISSA: u32 = 52;

/// The largest number of buckets of a sign: 16 KiB of the first table.
const BUCKETS: u64 = 8192;

/// The first key of a step, and its number.
type Step = (u64, f64);

/// The table of steps of a format and a policy.
#[derive(Clone, Debug)]
pub(crate) struct NumberSteps {
    /// Low bits of a magnitude that do not choose the bucket.
    rest: u32,
    /// The lowest and the highest bucket, as magnitudes without their rest: smaller and larger
    /// magnitudes are in them too.
    range: [u64; 2],
    /// For each bucket, positive ones first, the number of steps at or before its first key.
    first: Vec<u16>,
    /// The largest number of steps inside of one bucket.
    most: u32,
    /// The first key of each step, in order; `u64::MAX` behind the last.
    keys: [u64; STEPS],
    /// The number before the first step, then that of each step.
    numbers: [f64; STEPS],
    /// What NaNs without and with a sign become.
    nan: [f64; 2],
}

/// Returns an f64's bits as an integer ordered as the numbers are, −0 before +0.
#[inline(always)]
const fn key(bits: u64) -> u64 {
    bits ^ (((bits as i64) >> 63) as u64 | 1 << 63)
}

/// Returns the f64 with this key.
const fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

impl NumberSteps {
    /// Returns the steps of a format of at most 8 bits, or `None` if the policy passes on payloads,
    /// wraps or rounds at random, or if the tables would be too large. Subnormal f64s are kept,
    /// whatever the policy.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Box<Self>> {
        // Integers that wrap have a step for every integer.
        let wraps =
            matches!((spec.encoding(), convert.overflow), (Encoding::Int(_), Overflow::Wrap));
        let random = matches!(convert.round, Round::Stochastic { .. });
        let payload = matches!(convert.missing_nan, MissingNan::Payload);
        if spec.bits() > 8 || wraps || random || payload {
            return None;
        }
        let rounded = |x: f64| spec.decode_f64(spec.encode_f64_with(x, convert, 0).code);
        let (lowest, steps) = match spec.encoding() {
            Encoding::Codebook(values) => of_codebook(values.as_slice(), convert.round)?,
            _ => (rounded(f64::NEG_INFINITY), of_codec(spec, rounded)),
        };
        // Cannot happen for the formats known; a table that is too small must not be used.
        if steps.len() >= STEPS {
            return None;
        }
        let mut table = Box::new(Self {
            rest: 0,
            range: [0, 0],
            first: Vec::new(),
            most: 0,
            keys: [u64::MAX; STEPS],
            numbers: [lowest; STEPS],
            // The reference path makes a NaN of other payload the same number.
            nan: [f64::NAN, -f64::NAN].map(rounded),
        });
        for (i, &(key, number)) in steps.iter().enumerate() {
            (table.keys[i], table.numbers[i + 1]) = (key, number);
        }
        table.sort_into_buckets(&steps);
        Some(table)
    }

    /// Fills the table of buckets: as few mantissa bits as leave one step in each, or the most that
    /// fit.
    fn sort_into_buckets(&mut self, steps: &[Step]) {
        let magnitudes = steps.iter().map(|(key, _)| number(*key).to_bits() & i64::MAX as u64);
        // Zeros, subnormals and infinity fall into the lowest and the highest bucket.
        let usual = |bits: &u64| (1 << MANTISSA..0x7FF << MANTISSA).contains(bits);
        let low = magnitudes.clone().filter(usual).min().unwrap_or(1 << MANTISSA);
        let high = magnitudes.filter(usual).max().unwrap_or(low);
        for bits in 0..=8 {
            let rest = MANTISSA - bits;
            // One bucket more on each side, so that what lies beyond is apart.
            let range = [(low >> rest) - 1, (high >> rest) + 1];
            let count = range[1] - range[0] + 1;
            if count > BUCKETS && bits > 0 {
                return;
            }
            self.rest = rest;
            self.range = range;
            self.most = 0;
            self.first = vec![0; 2 * count as usize];
            for (index, first) in self.first.iter_mut().enumerate() {
                let (negative, place) = (index as u64 / count, index as u64 % count);
                // The magnitudes of the bucket; those at the ends reach to 0 and to infinity.
                let least = if place == 0 { 0 } else { (range[0] + place) << rest };
                let largest = if place + 1 == count {
                    0x7FF << MANTISSA
                } else {
                    ((range[0] + place + 1) << rest) - 1
                };
                let bounds = [least, largest].map(|bits| key(bits | negative << 63));
                // Of negative numbers the largest magnitude has the first key.
                let (start, end) = (bounds[0].min(bounds[1]), bounds[0].max(bounds[1]));
                let before = steps.partition_point(|(key, _)| *key <= start);
                let until = steps.partition_point(|(key, _)| *key <= end);
                *first = before as u16;
                self.most = self.most.max((until - before) as u32);
            }
            if self.most <= 1 {
                return;
            }
        }
    }

    /// Replaces numbers by the representable ones nearest to them.
    pub(crate) fn round(&self, x: &mut [f64]) {
        // A constant number of comparisons unrolls, and the loop has no branch on the data.
        match self.most {
            0 | 1 => self.round_by::<1>(x),
            2 => self.round_by::<2>(x),
            3 | 4 => self.round_by::<4>(x),
            _ => x.iter_mut().for_each(|x| *x = self.nearest(*x, self.most)),
        }
    }

    /// Rounds with `MOST` comparisons for each number.
    fn round_by<const MOST: u32>(&self, x: &mut [f64]) {
        for x in x {
            *x = self.nearest(*x, MOST);
        }
    }

    /// Returns the representable number nearest to an f64, with `most` comparisons.
    #[inline(always)]
    fn nearest(&self, x: f64, most: u32) -> f64 {
        let bits = x.to_bits();
        let (key, magnitude) = (key(bits), bits & i64::MAX as u64);
        let [low, high] = self.range;
        let bucket = (magnitude >> self.rest).clamp(low, high) - low;
        let count = high - low + 1;
        // Negative buckets lie behind the positive ones.
        let index = bucket + (bits >> 63) * count;
        let mut step = usize::from(self.first[index as usize]);
        for _ in 0..most {
            // The remainder, a mask, changes no index and spares the bounds check.
            step += usize::from(self.keys[step % STEPS] <= key);
        }
        // NaN's key means nothing, so its number is chosen last.
        if magnitude > 0x7FF << MANTISSA {
            self.nan[(bits >> 63) as usize]
        } else {
            self.numbers[step % STEPS]
        }
    }
}

/// Returns the lowest number and the steps of a codebook, or `None` if its zero or its sign has
/// rules of its own: without negative entries, or without zero. Numbers beyond the ends, infinite
/// ones too, are the ends under every policy.
fn of_codebook(values: &[u32], round: Round) -> Option<(f64, Vec<Step>)> {
    let mut entries: Vec<f64> = values.iter().map(|bits| f32::from_bits(*bits).into()).collect();
    entries.sort_unstable_by(f64::total_cmp);
    let lowest = *entries.first()?;
    if lowest >= 0.0 || !entries.contains(&0.0) {
        return None;
    }
    let nearest = matches!(
        round,
        Round::NearestEven | Round::NearestAway | Round::NearestTowardZero | Round::NearestUp
    );
    let mut steps = Vec::with_capacity(entries.len());
    for pair in entries.windows(2).filter(|pair| pair[0] < pair[1]) {
        let [a, b] = [pair[0], pair[1]];
        // Up means away from zero, and the parity is that of the entry nearer to zero: its place
        // among all, equal ones counted.
        let negative = a < 0.0;
        let inner = if negative { b } else { a };
        let odd = entries.partition_point(|entry| *entry < inner) % 2 == 1;
        let goes_to_b = |fraction| round.moves_up(negative, odd, fraction, false, 0) != negative;
        let first = if nearest {
            let sum = a + b;
            // What the sum lost (Knuth): exact, so its sign is the side of the true middle.
            let lost = (a - (sum - (sum - a))) + (b - (sum - a));
            let middle = sum / 2.0;
            // The first f64 that is rounded to b: the middle, or the next one.
            if lost < 0.0 || (lost == 0.0 && goes_to_b(1 << 63)) {
                middle
            } else {
                middle.next_up()
            }
        } else if goes_to_b(1 << 62) {
            // Everything between goes one way: only a itself is a, or only b is b.
            a.next_up()
        } else {
            b
        };
        // −0 counts as 0, so a step at 0 begins with it.
        let first = if first == 0.0 { -0.0f64 } else { first };
        steps.push((key(first.to_bits()), b));
    }
    Some((lowest, steps))
}

/// Returns all steps of a function from f64s to the numbers of a format, by bisection between
/// places where it may change.
fn of_codec(spec: &FormatSpec, rounded: impl Fn(f64) -> f64) -> Vec<Step> {
    // One NaN is as good as another.
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let places: Vec<Step> =
        places(spec).into_iter().map(|key| (key, rounded(number(key)))).collect();
    let mut steps = Vec::new();
    let mut open: Vec<[Step; 2]> = Vec::new();
    for pair in places.windows(2) {
        // Most steps are at the middle of two numbers or next to it: guesses before bisection,
        // which would take 50 probes.
        let middle = number(pair[0].0) / 2.0 + number(pair[1].0) / 2.0;
        let middle = if middle.is_nan() { pair[0].0 } else { key(middle.to_bits()) };
        let mut guesses =
            [middle, middle.wrapping_add(1), middle.wrapping_sub(1), pair[0].0 + 1, pair[1].0 - 1]
                .into_iter();
        open.push([pair[0], pair[1]]);
        // Lower halves are pushed last and so come first: steps are found in order.
        while let Some([low, high]) = open.pop() {
            if same(low.1, high.1) {
                continue;
            }
            // Neighbouring f64s: the step is found.
            if high.0 - low.0 == 1 {
                steps.push(high);
                continue;
            }
            let inside = |key: &u64| low.0 < *key && *key < high.0;
            let probe = guesses.find(inside).unwrap_or(low.0 + (high.0 - low.0) / 2);
            let probe = (probe, rounded(number(probe)));
            open.push([probe, high]);
            open.push([low, probe]);
        }
    }
    steps
}

/// Returns keys in order between which the number changes once at most: the numbers of the format,
/// their negatives, and the bounds of zeros, subnormals and infinities.
fn places(spec: &FormatSpec) -> Vec<u64> {
    // Policies change at these: zero, the smallest and the largest f64, infinity.
    let kinds = [0, 1, 0x7FEF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000];
    let numbers = spec
        .codes()
        .map(|code| spec.decode_f64(code).to_bits() & i64::MAX as u64)
        .filter(|bits| *bits < 0x7FF0_0000_0000_0000);
    let mut keys: Vec<u64> =
        numbers.chain(kinds).flat_map(|bits| [key(bits), key(bits | 1 << 63)]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
