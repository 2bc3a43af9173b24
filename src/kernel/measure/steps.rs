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

use super::pairs::CHUNK_PAIRS;
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, MissingNan, Negative, Overflow};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// An upper bound of the number of steps: 256 numbers, both signs, and a dozen special places.
const STEPS: usize = 1024;

/// Bits of an f64 below its exponent field.
const MANTISSA: u32 = 52;

/// The bits of an f64's magnitude.
const MAGNITUDE: u64 = i64::MAX as u64;

/// The bits of infinity.
const INFINITY: u64 = 0x7FF << MANTISSA;

/// The largest number of buckets of a sign: 16 KiB of the first table.
const BUCKETS: u64 = 8192;

/// The first key of a step, and its number.
type NumberStep = (u64, f64);

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
    /// All steps once more, if they are few.
    few: Option<FewSteps>,
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
        let code = |x: f64| spec.encode_f64_with(x, convert, 0).code;
        let rounded = |x: f64| spec.decode_f64(code(x));
        let (lowest, steps) = match spec.encoding() {
            Encoding::Codebook(values) => of_codebook(values.as_slice(), convert.round)?,
            _ => (rounded(f64::NEG_INFINITY), of_codec(spec, convert, code)),
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
            few: FewSteps::lower(lowest, &steps),
        });
        for (i, &(key, number)) in steps.iter().enumerate() {
            (table.keys[i], table.numbers[i + 1]) = (key, number);
        }
        if table.few.is_none() {
            table.sort_into_buckets(&steps);
        }
        Some(table)
    }

    /// Fills the table of buckets: as few mantissa bits as leave one step in each, or the most that
    /// fit.
    fn sort_into_buckets(&mut self, steps: &[NumberStep]) {
        let magnitudes = steps.iter().map(|(key, _)| number(*key).to_bits() & MAGNITUDE);
        // Zeros, subnormals and infinity fall into the lowest and the highest bucket.
        let usual = |bits: &u64| (1 << MANTISSA..INFINITY).contains(bits);
        let low = magnitudes.clone().filter(usual).min().unwrap_or(1 << MANTISSA);
        let high = magnitudes.filter(usual).max().unwrap_or(low);
        // One bucket more on each side, so that what lies beyond is apart.
        let range = |rest: u32| [(low >> rest) - 1, (high >> rest) + 1];
        // Whether no two neighbours share a bucket; the first key of a bucket is not inside of it.
        let apart = |rest: u32| {
            let bucket = |key: u64| (key.wrapping_sub(1)) >> rest;
            steps.windows(2).all(|pair| bucket(pair[0].0) != bucket(pair[1].0))
        };
        let fits = |rest: &u32| {
            let [low, high] = range(*rest);
            high - low < BUCKETS
        };
        let rests = (MANTISSA - 8..=MANTISSA).rev();
        let rest = rests
            .clone()
            .filter(fits)
            .find(|rest| apart(*rest))
            .or_else(|| rests.rev().find(fits))
            .unwrap_or(MANTISSA);
        self.rest = rest;
        self.range = range(rest);
        let count = self.range[1] - self.range[0] + 1;
        self.first = vec![0; 2 * count as usize];
        // In the order of keys: negative buckets from the largest magnitude down, then positive.
        let places = (0..count).rev().map(|place| (1, place)).chain((0..count).map(|p| (0, p)));
        let mut passed = 0;
        for (negative, place) in places {
            // The magnitudes of the bucket; those at the ends reach to 0 and to infinity.
            let least = if place == 0 { 0 } else { (self.range[0] + place) << rest };
            let largest = if place + 1 == count {
                INFINITY
            } else {
                ((self.range[0] + place + 1) << rest) - 1
            };
            let bounds = [least, largest].map(|bits| key(bits | negative << 63));
            // Of negative numbers the largest magnitude has the first key.
            let (start, end) = (bounds[0].min(bounds[1]), bounds[0].max(bounds[1]));
            let before = passed + steps[passed..].iter().take_while(|s| s.0 <= start).count();
            passed = before + steps[before..].iter().take_while(|s| s.0 <= end).count();
            self.first[(place + negative * count) as usize] = before as u16;
            self.most = self.most.max((passed - before) as u32);
        }
    }

    /// Replaces numbers, at most [`CHUNK_PAIRS`], by the representable ones nearest to them.
    pub(crate) fn round(&self, isa: Isa, x: &mut [f64]) {
        // NaN's key means nothing, so its number is chosen last, and rarely.
        let mut nan = [0; CHUNK_PAIRS];
        let nan = &mut nan[..x.len()];
        let mut any_nan = 0;
        find_nan(isa, x, nan, &mut any_nan);
        if let Some(few) = &self.few {
            round_few(isa, few, x);
        } else {
            let (mut keys, mut buckets) = ([0; CHUNK_PAIRS], [0; CHUNK_PAIRS]);
            let (keys, buckets) = (&mut keys[..x.len()], &mut buckets[..x.len()]);
            find_buckets(isa, self.rest, &self.range, x, keys, buckets);
            // A constant number of comparisons unrolls, and the loop has no branch on the data.
            match self.most {
                0 | 1 => self.look_up::<1>(keys, buckets, x),
                2 => self.look_up::<2>(keys, buckets, x),
                3 | 4 => self.look_up::<4>(keys, buckets, x),
                _ => {
                    for ((x, key), bucket) in x.iter_mut().zip(&*keys).zip(&*buckets) {
                        *x = self.number(*key, *bucket, self.most);
                    }
                }
            }
        }
        if any_nan != 0 {
            for (x, nan) in x.iter_mut().zip(nan).filter(|(_, nan)| **nan != 0) {
                *x = self.nan[usize::from(*nan - 1)];
            }
        }
    }

    /// Looks up numbers with `MOST` comparisons each.
    fn look_up<const MOST: u32>(&self, keys: &[u64], buckets: &[u32], x: &mut [f64]) {
        for ((x, key), bucket) in x.iter_mut().zip(keys).zip(buckets) {
            *x = self.number(*key, *bucket, MOST);
        }
    }

    /// Returns the number of a key in a bucket, with `most` comparisons.
    #[inline(always)]
    fn number(&self, key: u64, bucket: u32, most: u32) -> f64 {
        let mut step = usize::from(self.first[bucket as usize]);
        for _ in 0..most {
            // The remainder, a mask, changes no index and spares the bounds check.
            step += usize::from(self.keys[step % STEPS] <= key);
        }
        self.numbers[step % STEPS]
    }
}

#[inline(always)]
fn nan_body(x: &[f64], nan: &mut [u8], any: &mut u8) {
    let mut found = 0;
    for (x, nan) in x.iter().zip(nan) {
        // 1 without a sign, 2 with one.
        *nan = if x.is_nan() { 1 + (x.to_bits() >> 63) as u8 } else { 0 };
        found |= *nan;
    }
    *any = found;
}

#[inline(always)]
fn buckets_body(rest: u32, range: &[u64; 2], x: &[f64], keys: &mut [u64], buckets: &mut [u32]) {
    let [low, high] = range.map(|bucket| bucket as i64);
    let count = (high - low + 1) as u32;
    for ((x, to), bucket) in x.iter().zip(keys).zip(buckets) {
        let bits = x.to_bits();
        *to = key(bits);
        // Signed, as vectors of AVX2 compare; magnitudes are below 2^63.
        let place = ((bits & MAGNITUDE) >> rest) as i64;
        // Negative buckets lie behind the positive ones.
        *bucket = (place.clamp(low, high) - low) as u32 + (bits >> 63) as u32 * count;
    }
}

#[inline(always)]
fn few_body(few: &FewSteps, x: &mut [f64]) {
    let (blocks, rest) = x.as_chunks_mut::<16>();
    for block in blocks {
        *block = few.nearest(block);
    }
    for x in rest {
        *x = few.nearest(&[*x])[0];
    }
}

per_isa! {
    /// Writes 1 or 2 where a number is NaN without or with a sign, else 0, and whether any is.
    fn find_nan[](x: &[f64], nan: &mut [u8], any: &mut u8) = nan_body;
    /// Writes the key and the bucket of each number.
    fn find_buckets[](
        rest: u32,
        range: &[u64; 2],
        x: &[f64],
        keys: &mut [u64],
        buckets: &mut [u32],
    ) = buckets_body;
    /// Replaces numbers by those of few steps.
    fn round_few[](few: &FewSteps, x: &mut [f64]) = few_body;
}

/// At most 16 steps, which are compared with every number: for formats of up to 4 bits.
#[derive(Clone, Debug)]
pub(crate) struct FewSteps {
    /// The number before the first step.
    lowest: f64,
    /// The first f64 of each step, and its number. Behind the last NaN, which no number reaches.
    steps: [(f64, f64); 16],
}

impl FewSteps {
    /// Returns the steps as numbers, or `None` if there are more, or one between −0 and +0, which
    /// comparisons do not tell apart.
    fn lower(lowest: f64, steps: &[NumberStep]) -> Option<Self> {
        let mut few = Self { lowest, steps: [(f64::NAN, 0.0); 16] };
        if steps.len() > few.steps.len() || steps.iter().any(|step| step.0 == key(0)) {
            return None;
        }
        for (few, (key, to)) in few.steps.iter_mut().zip(steps) {
            *few = (number(*key), *to);
        }
        Some(few)
    }

    /// Returns the numbers nearest to some; those of NaN mean nothing.
    #[inline(always)]
    fn nearest<const N: usize>(&self, x: &[f64; N]) -> [f64; N] {
        let mut nearest = [self.lowest; N];
        // A comparison and a select for each step, over vectors of numbers.
        for (first, number) in self.steps {
            for lane in 0..N {
                nearest[lane] = if x[lane] >= first { number } else { nearest[lane] };
            }
        }
        nearest
    }
}

/// Returns the lowest number and the steps of a codebook, or `None` if its zero or its sign has
/// rules of its own: without negative entries, or without zero. Numbers beyond the ends, infinite
/// ones too, are the ends under every policy.
fn of_codebook(values: &[u32], round: Round) -> Option<(f64, Vec<NumberStep>)> {
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

/// A key and the code of its number.
type CodePlace = (u64, u32);

/// Returns all steps of a conversion to the numbers of a format that is no codebook, by bisection
/// between places where it may change.
fn of_codec(spec: &FormatSpec, convert: &Convert, code: impl Fn(f64) -> u32) -> Vec<NumberStep> {
    let places = places(spec, convert, &code);
    let mut steps = Vec::with_capacity(places.len());
    let mut open: Vec<[CodePlace; 2]> = Vec::new();
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
            if low.1 == high.1 {
                continue;
            }
            // Neighbouring f64s: the step is found.
            if high.0 - low.0 == 1 {
                steps.push((high.0, spec.decode_f64(high.1)));
                continue;
            }
            let inside = |key: &u64| low.0 < *key && *key < high.0;
            let probe = guesses.find(inside).unwrap_or(low.0 + (high.0 - low.0) / 2);
            let probe = (probe, code(number(probe)));
            open.push([probe, high]);
            open.push([low, probe]);
        }
    }
    steps
}

/// Returns keys in order, with the codes of their numbers, between which the code changes once at
/// most: the numbers of the format, and the bounds of zeros, subnormals and infinities. Where a
/// policy drops signs, the negatives of the numbers too.
fn places(spec: &FormatSpec, convert: &Convert, code: &impl Fn(f64) -> u32) -> Vec<CodePlace> {
    // Policies change at these: zero, the smallest and the largest f64, infinity; and an unsigned
    // format, where negative numbers begin not to round to zero.
    let smallest = spec.smallest_positive().to_f64();
    let kinds = [0.0, f64::from_bits(1), smallest, f64::MAX, f64::INFINITY];
    let kinds = kinds.into_iter().flat_map(|x| [x, -x]).map(|x| (key(x.to_bits()), code(x)));
    // A number of a float or a posit has its own code. Integers have kernels, and a smallest one
    // that may never be made.
    let is_own = matches!(spec.encoding(), Encoding::Float(_) | Encoding::Posit(_));
    let mirrored = !spec.is_signed() && matches!(convert.negative, Negative::Magnitude);
    let numbers = spec.codes().map(|code| (code, spec.decode_f64(code)));
    let numbers = numbers.filter(|(_, x)| x.is_finite() && *x != 0.0).flat_map(|(own, x)| {
        let here = (key(x.to_bits()), if is_own { own } else { code(x) });
        let mirror = mirrored.then(|| (key((-x).to_bits()), code(-x)));
        [Some(here), mirror].into_iter().flatten()
    });
    let mut places: Vec<CodePlace> = numbers.chain(kinds).collect();
    places.sort_unstable_by_key(|place| place.0);
    places.dedup_by_key(|place| place.0);
    places
}
