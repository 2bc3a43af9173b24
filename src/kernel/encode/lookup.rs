//! f32 to any format of at most 8 bits, under any rounding without random bits, by a table of
//! steps.
//!
//! As a function of the ordered f32s, a code changes at a few hundred places. They are found once
//! per call with the reference codec, and then every number is looked up. Most formats have a table
//! with one place in a bucket (`buckets`), or no more than 15 places (`few`); where two places are
//! next to each other, as under rounding to odd, it is
//!
//! ```text
//! key  = f32 bits, mapped so that integers are ordered as the numbers are
//! step = first[key >> 20]                     // steps before this bucket: 4,096 entries, 8 KiB
//! repeat `most` times: step += (keys[step] <= key)    // steps inside of the bucket, 4 KiB
//! code = codes[step]                          // 1 KiB
//! ```
//!
//! A bucket is a sign, an exponent and three bits of mantissa, so most formats have one or two
//! steps in a bucket, and `most` is a constant of the loop. All tables together are 13 KiB of L1.
//! Steps are found by bisection between the numbers of the format: between two of these a code
//! changes once at most.
//!
//! Finding the steps takes up to milliseconds. With `std` the last tables are kept for later calls.

use super::buckets::Pairs;
use super::few::{Few, encode_few};
use super::intrinsics::EncodeIntrinsics;
use super::kept::Kept;
use crate::bits::F32_NAN;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::policy::{Convert, MissingNan, Nan, Overflow};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Low bits of a key that do not choose the bucket: 12 bits do, a sign, an exponent and three bits
/// of mantissa.
const REST: u32 = 20;
/// Entries of the first table.
const BUCKETS: usize = 1 << (32 - REST);
/// An upper bound of the number of steps: 256 numbers, both signs, and a dozen special places.
const STEPS: usize = 1024;

/// Which places are meant, beside a format.
#[derive(PartialEq)]
enum Places {
    Policy(Convert),
    Equal(Convert, u32),
    Midpoints,
}

/// The steps of the last calls: 32 KiB each, or 64.
static TABLES: Kept<(FormatSpec, Places), Steps> = Kept::new();

/// Where the code of a number changes, as a table.
#[derive(Clone, Debug)]
pub(crate) enum Steps {
    /// 15 places or fewer.
    Few(Few),
    /// By buckets with one place at most; shared with later calls.
    Pairs(Arc<Pairs>),
    /// By buckets with several places.
    Many(Arc<Buckets>),
    /// A table by equal steps, for numbers that are rounded to one of these first.
    Equal(Arc<EqualSteps>),
}

/// The codes of equal steps from −1 to 1.
#[derive(Debug)]
pub(crate) struct EqualSteps {
    /// Steps, as a number.
    steps: f32,
    /// The code of each step: 64 KiB for bitsandbytes' 65,535.
    codes: Vec<u8>,
}

/// Up to [`STEPS`] steps, by buckets.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// For each bucket the number of steps at or before its first key.
    first: [u16; BUCKETS],
    /// The largest number of steps inside of one bucket.
    most: u32,
    /// The first key of each step, in order; `u32::MAX`, above every number, behind the last.
    keys: [u32; STEPS],
    /// The code before the first step, then the code of each step.
    codes: [u8; STEPS],
    /// The codes of NaNs without and with a sign.
    nan: [u8; 2],
}

/// Returns an f32's bits as an integer ordered as the numbers are, −0 before +0. Negative numbers
/// have all bits flipped, others the sign bit.
#[inline(always)]
const fn key(bits: u32) -> u32 {
    bits ^ (((bits as i32) >> 31) as u32 | 0x8000_0000)
}

/// Returns the f32 with this key.
const fn number(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key ^ 0x8000_0000 } else { !key })
}

impl Steps {
    /// Returns the steps of a format of at most 8 bits, or `None` if the policy passes on payloads,
    /// wraps or rounds at random.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let payload = matches!(convert.nan, Nan::Payload)
            || matches!(convert.missing_nan, MissingNan::Payload);
        // Integers that wrap have a step for every integer.
        let wraps =
            matches!((spec.encoding(), convert.overflow), (Encoding::Int(_), Overflow::Wrap));
        if spec.bits() > 8 || payload || wraps || matches!(convert.round, Round::Stochastic { .. })
        {
            return None;
        }
        TABLES.get((*spec, Places::Policy(*convert)), || {
            // The steps are those of the reference codec; the search asks it for some thousand
            // codes.
            let code = |key: u32| spec.encode_f32_with(number(key), convert, 0).code as u8;
            let nan =
                [F32_NAN, -F32_NAN].map(|nan| spec.encode_f32_with(nan, convert, 0).code as u8);
            // Every key is at or above that of −∞, apart from NaN's.
            Self::of(code(key(f32::NEG_INFINITY.to_bits())), &find(&places(spec), code), nan)
        })
    }

    /// Returns the steps of numbers that are rounded to one of `steps` equal steps from −1 to 1
    /// before they are encoded: the sum of `(y + 1) · steps / 2` and a half is truncated. `None`
    /// for more than 65,536 steps.
    pub(crate) fn of_equal(spec: &FormatSpec, convert: &Convert, steps: u32) -> Option<Self> {
        if steps == 0 || steps > 1 << 16 {
            return None;
        }
        let all = Self::lower(spec, convert)?;
        TABLES.get((*spec, Places::Equal(*convert, steps)), || {
            let width = 2.0 / steps as f32;
            let numbers: Vec<f32> = (0..=steps).map(|step| step as f32 * width - 1.0).collect();
            let mut codes = vec![0; numbers.len()];
            all.encode(Isa::best(), &numbers, &mut codes);
            Some(Self::Equal(Arc::new(EqualSteps { steps: steps as f32, codes })))
        })
    }

    /// Returns the steps of the f32 midpoints of a codebook of finite entries: a number above the
    /// midpoint of two neighbouring entries gets the upper one, a number at it the lower; of equal
    /// entries numbers above get the last and numbers below the first. `None` for other formats.
    pub(crate) fn of_midpoints(spec: &FormatSpec) -> Option<Self> {
        TABLES.get((*spec, Places::Midpoints), || {
            let codes = 0..spec.code_count() as u32;
            let entries: Vec<f32> = codes.map(|code| spec.decode_f32(code)).collect();
            let usable = spec.bits() <= 8 && entries.iter().all(|entry| entry.is_finite());
            usable.then(|| Self::between(&entries, spec.encode_f32(F32_NAN) as u8)).flatten()
        })
    }

    /// Returns the steps of midpoints between entries.
    fn between(entries: &[f32], nan: u8) -> Option<Self> {
        let mut sorted: Vec<(f32, u8)> = entries.iter().copied().zip(0..=u8::MAX).collect();
        // Stable: equal entries, zeros of both signs among them, stay in the order of their codes.
        sorted.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
        let first = sorted.first()?.1;
        // Both zeros are one number and compare alike: what is above zero begins above +0.
        let above = |x: f32| key((x + 0.0).to_bits()) + 1;
        let mut steps: Vec<(u32, u8)> = Vec::new();
        let mut step = |at, code| {
            // Of two steps at one place the second counts.
            let _ = steps.pop_if(|(place, _)| *place == at);
            if steps.last().map_or(first, |(_, before)| *before) != code {
                steps.push((at, code));
            }
        };
        for pair in sorted.windows(2) {
            let [(low, _), (high, code)] = [pair[0], pair[1]];
            if low == high {
                step(above(low), code);
                continue;
            }
            // The sum is f32's and may overflow: then the middle is beyond one of the two.
            let middle = (low + high) / 2.0;
            if middle < high {
                step(above(middle.max(low)), code);
            } else {
                // A number at the upper entry is not above the middle; one beyond it has no other
                // neighbour below.
                step(above(high), code);
            }
        }
        Self::of(first, &steps, [nan; 2])
    }

    /// Returns the table of steps in order, each the first key with its code, behind a first code.
    fn of(first: u8, steps: &[(u32, u8)], nan: [u8; 2]) -> Option<Self> {
        if let Some(few) = Few::of(first, steps, nan) {
            return Some(Self::Few(few));
        }
        if let Some(pairs) = Pairs::of(first, steps, nan) {
            return Some(Self::Pairs(Arc::new(pairs)));
        }
        // Cannot happen for the formats known; a table that is too small must not be used.
        if steps.len() >= STEPS {
            return None;
        }
        let mut table = Buckets {
            first: [0; BUCKETS],
            most: 0,
            keys: [u32::MAX; STEPS],
            codes: [0; STEPS],
            nan,
        };
        table.codes[0] = first;
        for (i, &(key, code)) in steps.iter().enumerate() {
            (table.keys[i], table.codes[i + 1]) = (key, code);
        }
        // One walk over buckets and steps, both in order.
        let mut passed = 0;
        for bucket in 0..BUCKETS {
            let start = passed
                + steps[passed..]
                    .iter()
                    .take_while(|(key, _)| *key <= (bucket as u32) << REST)
                    .count();
            let inside = steps[start..]
                .iter()
                .take_while(|(key, _)| (*key >> REST) as usize == bucket)
                .count();
            table.first[bucket] = start as u16;
            table.most = table.most.max(inside as u32);
            passed = start + inside;
        }
        Some(Self::Many(Arc::new(table)))
    }

    /// Returns whether numbers up to a magnitude have the code of the zero of their sign.
    pub(crate) fn are_beyond(&self, isa: Isa, magnitude: f32) -> bool {
        let ends = [0.0, f32::from_bits(1), magnitude];
        [1.0, -1.0].iter().all(|sign| {
            let mut codes = [0u8; 3];
            self.encode(isa, &ends.map(|x| x * sign), &mut codes);
            codes[0] == codes[1] && codes[1] == codes[2]
        })
    }

    /// Writes the codes of numbers.
    pub(crate) fn encode<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) {
        match self {
            Self::Few(few) => {
                if !C::bytes_mut(dst).is_some_and(|dst| Native::encode_few(isa, few, src, dst)) {
                    encode_few(isa, few, src, dst);
                }
            }
            Self::Pairs(pairs) => pairs.encode(isa, src, dst),
            Self::Many(table) => table.encode(src, dst),
            Self::Equal(equal) => equal.encode(isa, src, dst),
        }
    }
}

impl EqualSteps {
    /// Writes the codes of finite numbers: steps by vectors, then a load for each.
    fn encode<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) {
        let mut steps = [0; 256];
        for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
            equal_steps(isa, self.steps, src, &mut steps);
            for (code, step) in dst.iter_mut().zip(steps) {
                let own = self.codes.get(step as usize).copied().unwrap_or_default();
                *code = C::truncate(own.into());
            }
        }
    }
}

#[inline(always)]
fn equal_steps_body(steps: f32, src: &[f32], dst: &mut [u32]) {
    /// 2^23: adding it makes an integer of the low bits.
    const MAGIC: f32 = 8_388_608.0;
    let half = steps / 2.0;
    for (y, to) in src.iter().zip(dst) {
        let sum = (*y + 1.0) * half + 0.5;
        // Below zero truncation to an unsigned integer gives 0; above `steps` all is that step.
        let sum = if sum > 0.0 { sum } else { 0.0 };
        let sum = if sum < steps { sum } else { steps };
        let nearest = sum + MAGIC - MAGIC;
        let step = nearest - if nearest > sum { 1.0 } else { 0.0 };
        *to = (step + MAGIC).to_bits() & 0x007F_FFFF;
    }
}

per_isa! {
    /// Writes which of the equal steps from −1 to 1 numbers are rounded to.
    fn equal_steps[](steps: f32, src: &[f32], dst: &mut [u32]) = equal_steps_body;
}

impl Buckets {
    /// Writes the codes of numbers.
    fn encode<C: Code>(&self, src: &[f32], dst: &mut [C]) {
        // A constant number of comparisons unrolls, and the loop has no branch on the data.
        match self.most {
            0 | 1 => self.encode_by::<1, C>(src, dst),
            2 => self.encode_by::<2, C>(src, dst),
            3 | 4 => self.encode_by::<4, C>(src, dst),
            _ => {
                for (x, code) in src.iter().zip(dst) {
                    *code = self.code(x.to_bits(), self.most);
                }
            }
        }
    }

    /// Writes codes with `MOST` comparisons for each.
    fn encode_by<const MOST: u32, C: Code>(&self, src: &[f32], dst: &mut [C]) {
        for (x, code) in src.iter().zip(dst) {
            *code = self.code(x.to_bits(), MOST);
        }
    }

    /// Returns the code of an f32 given by its bits, with `most` comparisons.
    #[inline(always)]
    fn code<C: Code>(&self, bits: u32, most: u32) -> C {
        let key = key(bits);
        let mut step = usize::from(self.first[(key >> REST) as usize]);
        for _ in 0..most {
            // The remainder, a mask, changes no index and spares the bounds check.
            step += usize::from(self.keys[step % STEPS] <= key);
        }
        // NaN's key means nothing, so its code is chosen last.
        let nan = bits & 0x7FFF_FFFF > 0x7F80_0000;
        let code = if nan { self.nan[(bits >> 31) as usize] } else { self.codes[step % STEPS] };
        C::truncate(code.into())
    }
}

/// Returns keys in order between which a code changes once at most: the numbers of the format,
/// their negatives, and the bounds of zeros, subnormals and infinities.
fn places(spec: &FormatSpec) -> Vec<u32> {
    // Policies change at these: zero, the subnormals' bounds, the largest f32 and infinity.
    let kinds = [0, 1, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF, 0x7F80_0000];
    let numbers = spec
        .codes()
        .map(|code| spec.decode_f32(code).to_bits() & 0x7FFF_FFFF)
        .filter(|bits| *bits < 0x7F80_0000);
    let mut keys: Vec<u32> =
        numbers.chain(kinds).flat_map(|bits| [key(bits), key(bits | 0x8000_0000)]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Returns all steps, each as the first key with its code, by bisection between the given keys.
fn find(places: &[u32], code: impl Fn(u32) -> u8) -> Vec<(u32, u8)> {
    let mut steps = Vec::new();
    let mut open: Vec<[(u32, u8); 2]> = Vec::new();
    let codes: Vec<(u32, u8)> = places.iter().map(|&key| (key, code(key))).collect();
    for pair in codes.windows(2) {
        // Most steps are next to the middle of two numbers, or to one of them: guesses first, since
        // bisection alone would take up to 23 probes.
        let middle = key((((f64::from(number(pair[0].0)) + f64::from(number(pair[1].0))) / 2.0)
            as f32)
            .to_bits());
        let mut guesses =
            [middle, middle.wrapping_add(1), middle.wrapping_sub(1), pair[0].0 + 1, pair[1].0 - 1]
                .into_iter();
        open.push([pair[0], pair[1]]);
        // Lower halves are pushed last and so come first: steps are found in order.
        while let Some([low, high]) = open.pop() {
            if low.1 == high.1 {
                continue;
            }
            // Neighbouring f32s: the step is found.
            if high.0 - low.0 == 1 {
                steps.push(high);
                continue;
            }
            let inside = |key: &u32| low.0 < *key && *key < high.0;
            let probe = guesses.find(inside).unwrap_or(low.0 + (high.0 - low.0) / 2);
            let probe = (probe, code(probe));
            open.push([probe, high]);
            open.push([low, probe]);
        }
    }
    steps
}
