//! Pairs of a reference and what was stored for it, a few partial sums at a time.

use crate::kernel::{self, CHUNK_PAIRS, Isa, PairBuffer, PairCounts, SIDE};

/// Elements of a partial sum.
pub(super) const PARTIAL: usize = 4096;

/// Elements that are measured at a time: partial sums that the kernel adds side by side.
pub(super) const GROUP: usize = SIDE * PARTIAL;

/// Elements for which the buffers of a chunk cost more than the elements.
const FEW: usize = 32;

/// What was measured of up to [`GROUP`] successive elements.
pub(super) struct PairGroup {
    /// Elements, measured or not.
    pub(super) count: usize,
    /// Partial sums of signal, noise, absolute error, squares and products, in each the lanes.
    pub(super) sums: [[f64; SIDE]; 5],
    pub(super) counts: PairCounts,
    /// References that overflowed, apart from infinite ones that were lost.
    pub(super) overflowed: u64,
}

impl PairGroup {
    /// Measures `count` pairs. `fill(first, x, back)` writes the references and what was stored for
    /// them, from element `first` on, and returns how many overflowed, apart from infinite
    /// references that did not stay infinite. Its calls are not in the order of the elements.
    pub(super) fn measure(
        isa: Isa,
        count: usize,
        mut fill: impl FnMut(usize, &mut [f64], &mut [f64]) -> u64,
    ) -> Self {
        let mut group =
            Self { count, sums: [[0.0; SIDE]; 5], counts: PairCounts::default(), overflowed: 0 };
        if count <= FEW {
            let (mut x, mut back) = ([0.0; FEW], [0.0; FEW]);
            let (x, back) = (&mut x[..count], &mut back[..count]);
            group.overflowed = fill(0, x, back);
            kernel::settle(isa, x, back, &mut group.counts);
            kernel::add_few(x, back, &mut group.sums);
            return group;
        }
        // Lanes without elements stay zeros, which change no sum.
        let mut x: PairBuffer = [[0.0; CHUNK_PAIRS]; SIDE];
        let mut back = x;
        for start in (0..PARTIAL.min(count)).step_by(CHUNK_PAIRS) {
            // The first partial sum is the longest.
            let longest = CHUNK_PAIRS.min(count - start);
            for (lane, (x, back)) in x.iter_mut().zip(&mut back).enumerate() {
                let first = lane * PARTIAL + start;
                let filled = count.saturating_sub(first).min(CHUNK_PAIRS);
                if filled > 0 {
                    let (x, back) = (&mut x[..filled], &mut back[..filled]);
                    group.overflowed += fill(first, x, back);
                    kernel::settle(isa, x, back, &mut group.counts);
                }
                // Pairs of zeros behind the end.
                x[filled..longest.max(filled)].fill(0.0);
                back[filled..longest.max(filled)].fill(0.0);
            }
            kernel::add_side_by_side(isa, &x, &back, longest, &mut group.sums);
        }
        group
    }
}

/// Writes numbers as f64s.
pub(super) fn widen<T: Copy + Into<f64>>(src: &[T], dst: &mut [f64]) {
    for (x, wide) in src.iter().zip(dst) {
        *wide = (*x).into();
    }
}
