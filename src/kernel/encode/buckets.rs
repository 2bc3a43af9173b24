//! Which of some hundred ascending places a number has passed, by a table of equal ranges of
//! magnitudes with one place at most in each: vectors gather one entry a number.
//!
//! ```text
//! bucket = (clamp(|x|, lo, hi) >> shift) − first, those of numbers with a sign behind all others
//! rank   = (entries[bucket] + low `shift` bits of clamp(|x|, lo, hi)) >> shift, 8 bits
//! entry  = (rank before the place << shift) + 2^shift − low bits of the place
//! ```
//!
//! The sum carries into the rank at the place. Below zero ranks count down: entries hold their
//! complements. The first place of each sign may be anywhere below the second, and is compared by
//! itself.

use crate::kernel::decode::map_bytes;
use crate::kernel::isa::Isa;
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

    /// Returns the magnitude that has buckets and is nearest.
    #[inline(always)]
    fn clamped(&self, magnitude: u32) -> u32 {
        magnitude.max(self.lo).min(self.hi)
    }

    /// Returns the bucket of a magnitude among those of its sign.
    #[inline(always)]
    fn of(&self, magnitude: u32) -> u32 {
        (self.clamped(magnitude) >> self.shift) - self.first
    }

    /// Returns the bucket of an f32 given by its bits. The remainder, a mask, changes nothing and
    /// spares bounds checks.
    #[inline(always)]
    pub(in crate::kernel) fn index(&self, bits: u32) -> usize {
        (self.of(bits & 0x7FFF_FFFF) + (bits >> 31) * SIDE as u32) as usize % BUCKETS
    }

    /// The bits of a magnitude that do not choose the bucket.
    #[inline(always)]
    const fn low_bits(&self) -> u32 {
        (1 << self.shift) - 1
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

/// The ranks of numbers among places, 255 at most.
#[derive(Debug)]
pub(in crate::kernel) struct RankTable {
    entries: [u32; BUCKETS],
    ends: RankEnds,
}

/// What loops over numbers keep in registers.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct RankEnds {
    pub(in crate::kernel) layout: BucketLayout,
    /// The first place without a sign, and its bits that differ from those of the first with one.
    first: [u32; 2],
    /// The rank of smaller magnitudes without a sign, and its bits that differ from that of those
    /// with one.
    start: [u32; 2],
}

impl RankTable {
    /// Twice the units in the last place that a number near to a place is off at most.
    const NEAR: u32 = 64;

    /// Returns the ranks among places, given for each sign as the least magnitudes beyond them, in
    /// order, in buckets of this layout. `start` are the ranks of the zeros of both signs.
    pub(in crate::kernel) fn of(
        layout: BucketLayout,
        places: [&[[u32; 2]]; 2],
        at: [&[u32]; 2],
        start: [u8; 2],
    ) -> Self {
        let and_differing = |[plus, minus]: [u32; 2]| [plus, plus ^ minus];
        let first = at.map(|side| side.first().copied().unwrap_or(u32::MAX));
        let (first, start_ranks) = (and_differing(first), and_differing(start.map(u32::from)));
        let ends = RankEnds { layout, first, start: start_ranks };
        let mut ranks = Self { entries: [0; BUCKETS], ends };
        // RankTable of numbers with a sign as their complements, which count up too.
        let base = [start[0], !start[1]].map(u32::from);
        layout.each(places, |bucket, side, place| {
            let shift = layout.shift;
            let carry_at = |passed: usize| {
                let inside = layout.of(at[side][passed]) as usize + side * SIDE == bucket;
                (passed > 0 && inside).then(|| at[side][passed] & layout.low_bits())
            };
            let (passed, carry) = match place {
                // What is below the first place is no matter of the table.
                Ok(0) => (1, None),
                // Of a place that two buckets have parts of, one has the magnitude itself.
                Ok(passed) => match carry_at(passed) {
                    Some(low) => (passed, Some(low)),
                    None => {
                        let beyond = layout.of(at[side][passed]) as usize + side * SIDE < bucket;
                        (passed + usize::from(beyond), None)
                    }
                },
                Err(passed) => (passed, None),
            };
            let rank = base[side].wrapping_add(passed as u32) & 0xFF;
            ranks.entries[bucket] =
                (rank << shift).wrapping_add(carry.map_or(0, |low| (1 << shift) - low));
        });
        ranks
    }

    /// Returns what loops keep a copy of.
    #[inline(always)]
    pub(in crate::kernel) const fn ends(&self) -> RankEnds {
        self.ends
    }

    /// Returns the rank of a finite f32, given by its bits, and whether it may be near to a place:
    /// less than 32 units in the last place off.
    #[inline(always)]
    pub(in crate::kernel) fn rank(&self, ends: RankEnds, bits: u32) -> (u8, bool) {
        let layout = ends.layout;
        let magnitude = bits & 0x7FFF_FFFF;
        // Selections by masks: of a choice between two fields the compiler would make a gather.
        let negative = (bits.cast_signed() >> 31).cast_unsigned();
        let select = |[plus, differing]: [u32; 2]| plus ^ (differing & negative);
        let clamped = layout.clamped(magnitude);
        let sum = self.entries[layout.index(bits)].wrapping_add(clamped & layout.low_bits());
        let first = select(ends.first);
        let beyond_first = (sum >> layout.shift) ^ negative;
        let rank = if magnitude < first { select(ends.start) } else { beyond_first };
        // Beyond both ends there is no place but the first.
        let outside = if clamped == magnitude { 0 } else { u32::MAX };
        let off = ((sum.wrapping_add(Self::NEAR / 2) & layout.low_bits()) | outside)
            .min(magnitude.wrapping_add(Self::NEAR / 2).wrapping_sub(first));
        (rank as u8, off < Self::NEAR)
    }
}

/// Where codes change, one place in a bucket.
#[derive(Debug)]
pub(crate) struct Pairs {
    ranks: RankTable,
    /// The codes of all ranks.
    codes: [u8; 256],
    /// The codes of infinities and of NaNs, without and with a sign.
    infinity: [u8; 2],
    nan: [u8; 2],
}

impl Pairs {
    /// Returns the table of steps in the order of numbers, each the first key with its code, behind
    /// a first code; `None` where places are too near to one another. Keys are those of
    /// [`key`](super::lookup::key).
    pub(super) fn of(first: u8, steps: &[(u32, u8)], nan: [u8; 2]) -> Option<Self> {
        const ZERO: u32 = 0x8000_0000;
        let code = |key: u32| {
            let passed = steps.partition_point(|(at, _)| *at <= key);
            passed.checked_sub(1).map_or(first, |last| steps[last].1)
        };
        // Infinities are no matter of the table: their codes are apart.
        let [least, most] = [ZERO - INFINITY, ZERO + INFINITY];
        let finite = || steps.iter().filter(|(at, _)| least < *at && *at < most);
        let rank = |key: u32| finite().filter(|(at, _)| *at <= key).count();
        let mut codes = [0; 256];
        for (rank, code) in [code(least)].into_iter().chain(finite().map(|step| step.1)).enumerate()
        {
            *codes.get_mut(rank)? = code;
        }
        // Magnitudes at which ranks change. With a sign the order is the opposite.
        let above = finite().filter(|(at, _)| *at > ZERO).map(|(at, _)| at - ZERO);
        let below = finite().filter(|(at, _)| *at < ZERO).map(|(at, _)| ZERO - at);
        let mut at: [Vec<u32>; 2] = [above.collect(), below.collect()];
        at[1].reverse();
        let places =
            at.each_ref().map(|at| -> Vec<[u32; 2]> { at.iter().map(|at| [*at; 2]).collect() });
        let places = [&places[0][..], &places[1][..]];
        let start = [rank(ZERO), rank(ZERO - 1)].map(|rank| rank as u8);
        let layout = BucketLayout::find(places)?;
        Some(Self {
            ranks: RankTable::of(layout, places, [&at[0], &at[1]], start),
            codes,
            infinity: [most, least - 1].map(code),
            nan,
        })
    }

    /// Writes the codes of numbers.
    pub(super) fn encode<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) {
        let mut ranks = [0; RUN];
        for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
            let ranks = &mut ranks[..src.len()];
            let mut largest = 0;
            find_ranks(isa, &self.ranks, src, ranks, &mut largest);
            if let Some(dst) = C::bytes_mut(dst) {
                map_bytes(isa, &self.codes, ranks, dst);
            } else {
                for (rank, code) in ranks.iter().zip(&mut *dst) {
                    *code = C::truncate(self.codes[usize::from(*rank)].into());
                }
            }
            if largest >= INFINITY {
                self.special(src, dst);
            }
        }
    }

    /// Overwrites the codes of infinities and NaNs.
    #[cold]
    fn special<C: Code>(&self, src: &[f32], dst: &mut [C]) {
        for (x, code) in src.iter().zip(dst).filter(|(x, _)| !x.is_finite()) {
            let codes = if x.is_nan() { self.nan } else { self.infinity };
            *code = C::truncate(codes[usize::from(x.is_sign_negative())].into());
        }
    }
}

/// Numbers that are encoded before it is known whether all were finite.
const RUN: usize = 512;

#[inline(always)]
fn find_body(ranks: &RankTable, src: &[f32], dst: &mut [u8], largest: &mut u32) {
    let ends = ranks.ends();
    let mut most = 0;
    for (x, rank) in src.iter().zip(dst) {
        most = (x.to_bits() & 0x7FFF_FFFF).max(most);
        *rank = ranks.rank(ends, x.to_bits()).0;
    }
    *largest = most;
}

per_isa! {
    /// Writes the ranks of numbers, and the largest magnitude as bits.
    fn find_ranks[](ranks: &RankTable, src: &[f32], dst: &mut [u8], largest: &mut u32) = find_body;
}
