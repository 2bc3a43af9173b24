//! Tables by equal ranges of magnitudes, with one place at most in each: an entry answers for a number
//! without a search, and vectors gather entries.
//!
//! ```text
//! bucket = (clamp(|x|, lo, hi) >> shift) − first, those of numbers with a sign behind all others
//! code   = |x| >= keys[bucket] ? codes[bucket] >> 8 : codes[bucket]          // magnitudes as bits
//! ```

use crate::kernel::native::per_isa;
use crate::spec::Code;
use alloc::vec::Vec;

/// Buckets of numbers of one sign.
const SIDE: usize = 2048;
/// Buckets of a table.
pub(in crate::kernel) const BUCKETS: usize = 2 * SIDE;
/// The bits of infinity.
const INFINITY: u32 = 0x7F80_0000;

/// Which magnitudes share a bucket.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct BucketLayout {
    /// Smaller magnitudes are in the first bucket, larger ones than `hi` in the last.
    lo: u32,
    hi: u32,
    /// Low bits of a magnitude that do not choose the bucket.
    shift: u32,
    /// The upper bits of the magnitudes in the first bucket.
    first: u32,
}

impl BucketLayout {
    /// Returns the layout with the fewest buckets in which none has parts of two places. Places are
    /// ranges of magnitudes, as bits, in order; numbers without a sign come first.
    pub(in crate::kernel) fn find(places: [&[[u32; 2]]; 2]) -> Option<Self> {
        // Of the first places of both signs each has the first bucket for itself.
        let second = places.iter().filter_map(|side| side.get(1)).map(|place| place[0]).min();
        let hi = places.iter().filter_map(|side| side.last()).map(|place| place[1]).max();
        let (second, hi) = (second.unwrap_or(0), hi.unwrap_or(0));
        let layout = |shift| {
            let lo = second.saturating_sub(1u32 << shift);
            Self { lo, hi: hi.max(lo), shift, first: lo >> shift }
        };
        (8..=23).rev().map(layout).find(|layout| {
            let apart = |pair: &[[u32; 2]]| layout.of(pair[0][1]) < layout.of(pair[1][0]);
            layout.of(layout.hi) < SIDE as u32
                && places.iter().all(|side| side.windows(2).all(apart))
        })
    }

    /// Returns the bucket of a magnitude among those of its sign.
    #[inline(always)]
    fn of(&self, magnitude: u32) -> u32 {
        (magnitude.max(self.lo).min(self.hi) >> self.shift) - self.first
    }

    /// Returns the bucket of an f32 given by its bits. The remainder, a mask, changes nothing and
    /// spares bounds checks.
    #[inline(always)]
    pub(in crate::kernel) fn index(&self, bits: u32) -> usize {
        (self.of(bits & 0x7FFF_FFFF) + (bits >> 31) * SIDE as u32) as usize % BUCKETS
    }

    /// Calls `fill` for every bucket, in order, with the place that it has a part of and its index
    /// among those of the sign, or the number of places before it.
    pub(in crate::kernel) fn each(
        &self,
        places: [&[[u32; 2]]; 2],
        mut fill: impl FnMut(usize, usize, Result<usize, usize>),
    ) {
        for (side, places) in places.iter().enumerate() {
            let mut passed = 0;
            for bucket in 0..=self.of(self.hi) {
                let at = side * SIDE + bucket as usize;
                // Places that end in an earlier bucket are passed.
                while places.get(passed).is_some_and(|place| self.of(place[1]) < bucket) {
                    passed += 1;
                }
                let here = places.get(passed).is_some_and(|place| self.of(place[0]) <= bucket);
                fill(at, side, if here { Ok(passed) } else { Err(passed) });
            }
        }
    }
}

/// Where codes change, one place in a bucket.
#[derive(Debug)]
pub(crate) struct Pairs {
    layout: BucketLayout,
    /// For each bucket the least magnitude with the second of its codes.
    keys: [u32; BUCKETS],
    /// The two codes of each bucket, the second from bit 8 on.
    codes: [u32; BUCKETS],
    /// The codes of infinities and of NaNs, without and with a sign.
    infinity: [u32; 2],
    nan: [u32; 2],
}

impl Pairs {
    /// Returns the table of steps in the order of numbers, each the first key with its code, behind a
    /// first code; `None` where places are too near to one another. Keys are those of
    /// [`key`](super::lookup::key).
    pub(super) fn of(first: u8, steps: &[(u32, u8)], nan: [u8; 2]) -> Option<Self> {
        const ZERO: u32 = 0x8000_0000;
        let code = |key: u32| {
            let passed = steps.partition_point(|(at, _)| *at <= key);
            passed.checked_sub(1).map_or(first, |last| steps[last].1)
        };
        // Magnitudes at which codes change, and the codes from there on. With a sign the order is
        // the opposite: the code before a step is that of the larger magnitudes.
        let above = steps.iter().map(|&(at, code)| (at.wrapping_sub(ZERO), at > ZERO, code));
        let below =
            steps.iter().rev().map(|&(at, _)| (ZERO.wrapping_sub(at), at < ZERO, code(at - 1)));
        let side = |all: &mut dyn Iterator<Item = (u32, bool, u8)>| -> Vec<(u32, u8)> {
            all.filter(|(at, own, _)| *own && *at < INFINITY)
                .map(|(at, _, code)| (at, code))
                .collect()
        };
        let sides = [side(&mut above.into_iter()), side(&mut below.into_iter())];
        let places = sides
            .each_ref()
            .map(|side| -> Vec<[u32; 2]> { side.iter().map(|(at, _)| [*at; 2]).collect() });
        let places = [&places[0][..], &places[1][..]];
        let layout = BucketLayout::find(places)?;
        let zeros = [code(ZERO), code(ZERO - 1)];
        let mut table = Self {
            layout,
            keys: [0; BUCKETS],
            codes: [0; BUCKETS],
            infinity: [code(ZERO + INFINITY), code(ZERO - 1 - INFINITY)].map(u32::from),
            nan: nan.map(u32::from),
        };
        layout.each(places, |bucket, side, place| {
            let (Ok(passed) | Err(passed)) = place;
            let before = passed.checked_sub(1).map_or(zeros[side], |last| sides[side][last].1);
            let (at, after) = place.map_or((0, before), |here| sides[side][here]);
            table.keys[bucket] = at;
            table.codes[bucket] = u32::from(before) | u32::from(after) << 8;
        });
        Some(table)
    }

    /// Returns the code of a finite f32, given by its bits. The layout is a copy in registers.
    #[inline(always)]
    fn code(&self, layout: BucketLayout, bits: u32) -> u32 {
        let bucket = layout.index(bits);
        let codes = self.codes[bucket];
        if bits & 0x7FFF_FFFF >= self.keys[bucket] { codes >> 8 } else { codes & 0xFF }
    }

    /// Overwrites the codes of infinities and NaNs.
    #[cold]
    fn special<C: Code>(&self, src: &[f32], dst: &mut [C]) {
        for (x, code) in src.iter().zip(dst).filter(|(x, _)| !x.is_finite()) {
            let codes = if x.is_nan() { self.nan } else { self.infinity };
            *code = C::truncate(codes[usize::from(x.is_sign_negative())]);
        }
    }
}

/// Numbers that are encoded before it is known whether all were finite.
const RUN: usize = 256;

#[inline(always)]
fn encode_body<C: Code>(pairs: &Pairs, src: &[f32], dst: &mut [C]) {
    let layout = pairs.layout;
    for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
        let mut largest = 0;
        for (x, code) in src.iter().zip(&mut *dst) {
            largest = (x.to_bits() & 0x7FFF_FFFF).max(largest);
            *code = C::truncate(pairs.code(layout, x.to_bits()));
        }
        if largest >= INFINITY {
            pairs.special(src, dst);
        }
    }
}

per_isa! {
    /// Writes the codes of numbers.
    fn encode_pairs[C: Code](pairs: &Pairs, src: &[f32], dst: &mut [C]) = encode_body;
}
