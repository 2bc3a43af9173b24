//! Codes of the least error among elements that are no grid, by tables of numbers over their scale:
//! their ranks among the middles between elements, and for those that are near to a middle the two
//! elements whose errors decide.

use crate::kernel::decode::map_bytes;
use crate::kernel::encode::{BUCKETS, BucketLayout, Kept, RankTable};
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::spec::FormatSpec;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements by buckets of what numbers over their scale are.
#[derive(Debug)]
pub(crate) struct LeastTable {
    /// The rank of the nearest element.
    ranks: RankTable,
    /// Elements that numbers of a bucket are between, or the nearest one twice. Of equal errors the
    /// first of the two stays, whose code is the smaller.
    elements: [[f32; BUCKETS]; 2],
    /// Their ranks, the second from bit 8 on.
    pairs: [u32; BUCKETS],
    /// The codes of elements by rank.
    codes: [u8; 256],
}

/// How much nearer to each other than to their neighbours elements may be, and than zero is: 2^-18.
const NEAR: f64 = 1.0 / 262_144.0;

/// How far a quotient by a rounded reciprocal is from the exact one, at most: 2^-20 of it.
const OFF: f64 = 1.0 / 1_048_576.0;

/// The largest magnitude, over the scale and the distance of elements, for which f32 differences
/// tell elements apart: 2^20.
const APART: f32 = 1_048_576.0;

/// Returns the least and the largest magnitude of a scale under which errors tell elements apart,
/// and the largest of numbers over their scale. Elements are given by their least distance, the
/// smaller of the distances at both ends, and the largest magnitude. `None` if that is no range of
/// normal f32s.
pub(super) fn scale_range(least: f32, end: f32, most: f32) -> Option<[f32; 3]> {
    let beyond = APART * end;
    let range = [f32::MIN_POSITIVE / least, f32::MAX / 4.0 / most.max(beyond), beyond];
    range.iter().all(|x| x.is_normal()).then_some(range)
}

/// Elements of a format that errors in f32 tell apart.
pub(super) struct Apart {
    /// Each with its first code, in order.
    pub(super) elements: Vec<(f32, u32)>,
    /// The scales and numbers for which they do: [`scale_range`].
    pub(super) range: [f32; 3],
}

impl Apart {
    /// Returns the elements of a format of at most 8 bits; `None` where they are too near to one
    /// another, or code 0 is no number.
    pub(super) fn of(spec: &FormatSpec) -> Option<Self> {
        if spec.bits() > 8 || !spec.decode_f32(0).is_finite() {
            return None;
        }
        // Zeros of both signs are one element. What is no number is never nearer.
        let codes = (0..spec.code_count() as u32).map(|code| (spec.decode_f32(code) + 0.0, code));
        let mut all: Vec<(f32, u32)> = codes.filter(|(element, _)| element.is_finite()).collect();
        // Of equal elements the first code counts.
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.dedup_by(|next, kept| next.0 == kept.0);
        let distances: Vec<f64> =
            all.windows(2).map(|pair| f64::from(pair[1].0) - f64::from(pair[0].0)).collect();
        let apart =
            distances.windows(2).all(|pair| pair[0].min(pair[1]) >= NEAR * pair[0].max(pair[1]));
        let wide = distances.iter().zip(all.windows(2)).all(|(distance, pair)| {
            *distance >= NEAR * f64::from(pair[0].0.abs().max(pair[1].0.abs()))
        });
        let ends = distances.first()?.min(*distances.last()?);
        let least = distances.iter().fold(f64::INFINITY, |least, x| least.min(*x));
        if !apart || !wide {
            return None;
        }
        let most = all.first()?.0.abs().max(all.last()?.0.abs());
        let range = scale_range(least as f32, ends as f32, most)?;
        Some(Self { elements: all, range })
    }
}

impl LeastTable {
    /// Returns the table of a format of at most 8 bits, and the range of its scales. `None` where
    /// elements are too near to one another, or code 0 is no number.
    pub(super) fn of(spec: &FormatSpec) -> Option<(Arc<Self>, [f32; 3])> {
        static TABLES: Kept<FormatSpec, (Arc<LeastTable>, [f32; 3])> = Kept::new();
        TABLES.get(*spec, || Self::make(spec))
    }

    fn make(spec: &FormatSpec) -> Option<(Arc<Self>, [f32; 3])> {
        let Apart { elements: all, range } = Apart::of(spec)?;
        // Around the middle of two elements their errors decide.
        let middles =
            all.windows(2).map(|pair| (f64::from(pair[0].0) + f64::from(pair[1].0)) / 2.0);
        let middles: Vec<f64> = middles.collect();
        let place = |middle: f64| {
            let [low, high] = [1.0 - OFF, 1.0 + OFF].map(|x| (middle.abs() * x) as f32);
            [low.next_down().max(0.0).to_bits(), high.next_up().to_bits()]
        };
        // A middle at zero is a place of both signs.
        let below = middles.partition_point(|middle| *middle <= 0.0);
        let from = middles.partition_point(|middle| *middle < 0.0);
        let above: Vec<[u32; 2]> = middles[from..].iter().map(|middle| place(*middle)).collect();
        let under: Vec<[u32; 2]> = middles[..below].iter().rev().map(|m| place(*m)).collect();
        let places = [&above[..], &under[..]];
        let layout = BucketLayout::find(places)?;
        let bits = |middles: &mut dyn Iterator<Item = &f64>| -> Vec<u32> {
            middles.map(|middle| (middle.abs() as f32).to_bits()).collect()
        };
        let at = [bits(&mut middles[from..].iter()), bits(&mut middles[..below].iter().rev())];
        let mut codes = [0; 256];
        codes.iter_mut().zip(&all).for_each(|(code, element)| *code = element.1 as u8);
        let mut table = Self {
            ranks: RankTable::of(layout, places, [&at[0], &at[1]], [from as u8, below as u8]),
            elements: [[0.0; BUCKETS]; 2],
            pairs: [0; BUCKETS],
            codes,
        };
        layout.each(places, |bucket, side, place| {
            // The elements on both sides of the middle in this bucket, or that of all its numbers.
            let (Ok(passed) | Err(passed)) = place;
            let low = if side == 0 { from + passed } else { below - passed };
            let other = match (place, side) {
                (Ok(_), 0) => low + 1,
                (Ok(_), _) => low - 1,
                (Err(_), _) => low,
            };
            let mut pair = [low, other];
            pair.sort_by_key(|rank| all[*rank].1);
            for (elements, rank) in table.elements.iter_mut().zip(pair) {
                elements[bucket] = all[rank].0;
            }
            table.pairs[bucket] = (pair[0] | pair[1] << 8) as u32;
        });
        Some((Arc::new(table), range))
    }

    /// Returns the rank of the element of the least error, under a scale that is given with its
    /// reciprocal. The layout is a copy in registers.
    #[inline(always)]
    fn by_errors(&self, layout: BucketLayout, x: f32, scale: f32, reciprocal: f32) -> u8 {
        let bucket = layout.index((x * reciprocal).to_bits());
        let (one, other) = (self.elements[0][bucket], self.elements[1][bucket]);
        let pair = self.pairs[bucket];
        let [least, error] = [one, other].map(|element| (element * scale - x).abs());
        (if error < least { pair >> 8 } else { pair & 0xFF }) as u8
    }

    /// Writes codes of finite numbers under the scales of blocks.
    pub(super) fn encode(
        &self,
        isa: Isa,
        src: &[f32],
        length: usize,
        scales: &[f32],
        codes: &mut [u8],
    ) {
        ranks_of_least(isa, self, src, length, scales, codes);
        let mut mapped = [0; 512];
        for codes in codes.chunks_mut(mapped.len()) {
            let mapped = &mut mapped[..codes.len()];
            map_bytes(isa, &self.codes, codes, mapped);
            codes.copy_from_slice(mapped);
        }
    }
}

/// Numbers of which none or all are compared by errors.
const RUN: usize = 64;

#[inline(always)]
fn ranks_body(table: &LeastTable, src: &[f32], length: usize, scales: &[f32], ranks: &mut [u8]) {
    /// A run of numbers; `scales` has one for each, or one for all.
    #[inline(always)]
    fn run(table: &LeastTable, src: &[f32], ranks: &mut [u8], scale: impl Fn(usize) -> [f32; 2]) {
        let ends = table.ranks.ends();
        let mut near = 0;
        for (index, (x, to)) in src.iter().zip(&mut *ranks).enumerate() {
            let (rank, is_near) = table.ranks.rank(ends, (x * scale(index)[1]).to_bits());
            *to = rank;
            near |= u32::from(is_near);
        }
        if near != 0 {
            for (index, (x, to)) in src.iter().zip(ranks).enumerate() {
                let [scale, reciprocal] = scale(index);
                *to = table.by_errors(ends.layout, *x, scale, reciprocal);
            }
        }
    }
    if length == 1 {
        let runs = src.chunks(RUN).zip(ranks.chunks_mut(RUN)).zip(scales.chunks(RUN));
        for ((src, ranks), scales) in runs {
            run(table, src, ranks, |index| [scales[index], 1.0 / scales[index]]);
        }
        return;
    }
    for ((src, ranks), scale) in src.chunks(length).zip(ranks.chunks_mut(length)).zip(scales) {
        let both = [*scale, 1.0 / *scale];
        for (src, ranks) in src.chunks(RUN).zip(ranks.chunks_mut(RUN)) {
            run(table, src, ranks, |_| both);
        }
    }
}

per_isa! {
    /// Writes the ranks of the elements of the least errors.
    fn ranks_of_least[](
        table: &LeastTable,
        src: &[f32],
        length: usize,
        scales: &[f32],
        ranks: &mut [u8],
    ) = ranks_body;
}
