//! Codes of the least error among at most 16 elements, by the two next to a number: what kernels in
//! intrinsics keep in registers.

use super::least_table::Apart;
use crate::spec::FormatSpec;

/// At most 16 elements in order, so far apart that errors in f32 tell them apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FewNear {
    /// The elements but for the least and the largest, with infinities behind them. The rank of a
    /// number over its scale among these is that of the lower of its two neighbours.
    between: [f32; 16],
    /// By this rank the neighbours, the one with the smaller code first, and their codes.
    pairs: [[f32; 16]; 2],
    codes: [[u32; 16]; 2],
    range: [f32; 3],
}

impl FewNear {
    /// Returns the elements of a format; `None` if they are more, less than two or too near to one
    /// another.
    pub(super) fn lower(spec: &FormatSpec) -> Option<Self> {
        if spec.bits() > 4 {
            return None;
        }
        let Apart { elements, range } = Apart::of(spec)?;
        let mut near = Self {
            between: [f32::INFINITY; 16],
            pairs: [[0.0; 16]; 2],
            codes: [[0; 16]; 2],
            range,
        };
        let inner = elements.get(1..elements.len() - 1)?;
        near.between.iter_mut().zip(inner).for_each(|(place, element)| *place = element.0);
        for (rank, pair) in elements.windows(2).enumerate() {
            let mut pair = [pair[0], pair[1]];
            pair.sort_by_key(|(_, code)| *code);
            for (i, (element, code)) in pair.into_iter().enumerate() {
                (near.pairs[i][rank], near.codes[i][rank]) = (element, code);
            }
        }
        Some(near)
    }

    /// Returns the elements between the ends, in order.
    pub(in crate::kernel) const fn elements_between(&self) -> [f32; 16] {
        self.between
    }

    /// Returns the neighbours of a number by its rank, those with the smaller codes first.
    pub(in crate::kernel) const fn pairs(&self) -> [[f32; 16]; 2] {
        self.pairs
    }

    /// Returns the codes of the neighbours.
    pub(in crate::kernel) const fn codes(&self) -> [[u32; 16]; 2] {
        self.codes
    }

    /// Returns the least and the largest magnitude of a scale, and the largest of numbers over
    /// their scale, for which neighbours decide.
    pub(in crate::kernel) const fn range(&self) -> [f32; 3] {
        self.range
    }
}
