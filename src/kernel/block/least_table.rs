//! Codes of the least error among elements that are no grid, by a table: for each bucket of numbers
//! over their scale the two elements that are compared.

use crate::kernel::encode::{BUCKETS, BucketLayout, Kept};
use crate::spec::FormatSpec;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements by buckets of what numbers over their scale are.
#[derive(Debug)]
pub(crate) struct LeastTable {
    pub(super) layout: BucketLayout,
    /// Elements that numbers of a bucket are between, or the nearest one twice. Of equal errors the
    /// first of the two stays, whose code is the smaller.
    elements: [[f32; BUCKETS]; 2],
    /// Their codes, the second from bit 8 on.
    codes: [u32; BUCKETS],
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

impl LeastTable {
    /// Returns the table of a format of at most 8 bits, and the range of its scales. `None` where
    /// elements are too near to one another, or code 0 is no number.
    pub(super) fn of(spec: &FormatSpec) -> Option<(Arc<Self>, [f32; 3])> {
        static TABLES: Kept<FormatSpec, (Arc<LeastTable>, [f32; 3])> = Kept::new();
        TABLES.get(*spec, || Self::make(spec))
    }

    fn make(spec: &FormatSpec) -> Option<(Arc<Self>, [f32; 3])> {
        let first = spec.decode_f32(0);
        if spec.bits() > 8 || !first.is_finite() {
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
        let mut table = Self { layout, elements: [[0.0; BUCKETS]; 2], codes: [0; BUCKETS] };
        layout.each(places, |bucket, side, place| {
            // The elements on both sides of the middle in this bucket, or that of all its numbers.
            let (Ok(passed) | Err(passed)) = place;
            let low = if side == 0 { from + passed } else { below - passed };
            let other = match (place, side) {
                (Ok(_), 0) => low + 1,
                (Ok(_), _) => low - 1,
                (Err(_), _) => low,
            };
            let mut pair = [all[low], all[other]];
            pair.sort_by_key(|(_, code)| *code);
            let [(one, code), (other, second)] = pair;
            (table.elements[0][bucket], table.elements[1][bucket]) = (one, other);
            table.codes[bucket] = code | second << 8;
        });
        Some((Arc::new(table), range))
    }

    /// Returns the code of a finite number under a scale, given with its reciprocal. The layout is
    /// a copy in registers.
    #[inline(always)]
    pub(super) fn code(&self, layout: BucketLayout, x: f32, scale: f32, reciprocal: f32) -> u8 {
        let bucket = layout.index((x * reciprocal).to_bits());
        let (one, other) = (self.elements[0][bucket], self.elements[1][bucket]);
        let codes = self.codes[bucket];
        let [least, error] = [one, other].map(|element| (element * scale - x).abs());
        (if error < least { codes >> 8 } else { codes & 0xFF }) as u8
    }
}
