//! [`BlockStats`]: what a scale rule sees of a block.

use alloc::vec::Vec;

/// What a scale rule sees of a block. Sums and order statistics are computed from the elements when
/// a rule asks for them; only rules made by [`CustomRule::with_elements`](crate::CustomRule::with_elements) see elements.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BlockStats<'a> {
    /// The largest magnitude of the finite elements; 0 without finite elements. Where
    /// [`Nonfinite`](crate::Nonfinite) counts infinity or NaN as a magnitude, a block with one has
    /// infinity, NaN or 0 here, as the variant says.
    pub amax: f32,
    /// The first finite element of the largest magnitude, with its sign.
    pub signed_max: f32,
    /// The smallest finite element; 0 without finite elements.
    pub min: f32,
    /// The largest finite element; 0 without finite elements.
    pub max: f32,
    /// Number of finite elements.
    pub finite: usize,
    /// Whether an element is NaN.
    pub nan: bool,
    /// Whether an element is infinite.
    pub infinite: bool,
    /// The elements, row-major, as the nearest f32s; empty if the rule did not ask for them.
    pub elements: &'a [f32],
}

impl<'a> BlockStats<'a> {
    /// The statistics of no elements.
    pub const EMPTY: Self = Self {
        amax: 0.0,
        signed_max: 0.0,
        min: 0.0,
        max: 0.0,
        finite: 0,
        nan: false,
        infinite: false,
        elements: &[],
    };

    /// The statistics of a block with a single element, `amax`, which is not below zero.
    #[must_use]
    pub const fn of_amax(amax: f32) -> Self {
        Self { amax, signed_max: amax, max: amax, finite: 1, ..Self::EMPTY }
    }

    /// The statistics of some elements, and the elements.
    ///
    /// ```
    /// let stats = subhalf::BlockStats::of_slice(&[1.0, -3.0, 2.0, f32::NAN]);
    /// assert_eq!((stats.amax, stats.sum(), stats.sum_of_squares()), (3.0, 0.0, 14.0));
    /// assert_eq!([0.0, 0.5, 0.9, 1.0].map(|p| stats.magnitude_quantile(p)), [1.0, 2.0, 3.0, 3.0]);
    /// ```
    #[must_use]
    pub fn of_slice(elements: &'a [f32]) -> Self {
        Self { elements, ..Self::of(elements.iter().copied()) }
    }

    /// The sum of the finite [`elements`](Self::elements) in f64, in order: sums of 4,096 elements
    /// each, added up. 0 for statistics that do not have their elements: those of
    /// [`of`](Self::of), [`of_amax`](Self::of_amax) and [`merge`](Self::merge), and of rules that
    /// did not ask for them.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum_of(|x| x)
    }

    /// The sum of the magnitudes of the finite [`elements`](Self::elements) in f64, in order: sums
    /// of 4,096 elements each, added up; 0 without elements.
    #[must_use]
    pub fn sum_of_magnitudes(&self) -> f64 {
        self.sum_of(f64::abs)
    }

    /// The sum of the squares of the finite [`elements`](Self::elements) in f64, in order: sums of
    /// 4,096 elements each, added up; 0 without elements.
    #[must_use]
    pub fn sum_of_squares(&self) -> f64 {
        self.sum_of(|x| x * x)
    }

    fn sum_of(&self, term: impl Fn(f64) -> f64) -> f64 {
        let finite = |chunk: &[f32]| {
            chunk.iter().filter(|x| x.is_finite()).fold(0.0, |sum, x| sum + term(f64::from(*x)))
        };
        // Chunks keep the rounding error of a long sum small. Their length is part of the
        // definition, as it shows in the last bits.
        self.elements.chunks(4096).fold(0.0, |sum, chunk| sum + finite(chunk))
    }

    /// The magnitude that `fraction` of the finite elements do not exceed: of `n` magnitudes in
    /// order the one at `ceil(fraction · n)`, counted from 1; the first for a fraction of 0 or
    /// below, the last from 1 on. 0 without elements or for a fraction that is NaN.
    #[must_use]
    pub fn magnitude_quantile(&self, fraction: f64) -> f32 {
        let finite = self.elements.iter().filter(|x| x.is_finite());
        let mut magnitudes: Vec<f32> = finite.map(|x| x.abs()).collect();
        if magnitudes.is_empty() || fraction.is_nan() {
            return 0.0;
        }
        let rank = ceil(fraction.clamp(0.0, 1.0) * magnitudes.len() as f64);
        // Ranks count from 1; a fraction of 0 asks for the first.
        let (_, at, _) = magnitudes.select_nth_unstable_by(rank.max(1) - 1, f32::total_cmp);
        *at
    }

    /// The statistics of some elements.
    ///
    /// ```
    /// let stats = subhalf::BlockStats::of([1.0, -3.0, 3.0, f32::NAN]);
    /// assert_eq!((stats.amax, stats.signed_max), (3.0, -3.0));
    /// assert_eq!((stats.min, stats.max, stats.nan), (-3.0, 3.0, true));
    /// ```
    #[must_use]
    pub fn of(elements: impl IntoIterator<Item = f32>) -> Self {
        let mut stats = Self::EMPTY;
        for x in elements {
            stats.push(x);
        }
        stats
    }

    fn push(&mut self, x: f32) {
        if !x.is_finite() {
            self.nan |= x.is_nan();
            self.infinite |= x.is_infinite();
            return;
        }
        // Strictly more: of equal magnitudes the first gives the sign.
        if x.abs() > self.amax || self.finite == 0 {
            (self.amax, self.signed_max) = (x.abs(), x);
        }
        // Comparisons and not `f32::min`: of two zeros the first stays, whatever its sign.
        self.min = if self.finite == 0 || x < self.min { x } else { self.min };
        self.max = if self.finite == 0 || x > self.max { x } else { self.max };
        self.finite += 1;
    }

    /// The statistics of these elements and of those of `next`, which come behind them, without
    /// the elements themselves.
    #[must_use]
    pub fn merge(self, next: BlockStats<'_>) -> BlockStats<'static> {
        // A side without finite elements says 0 for each number, which must not count.
        if next.finite == 0 || self.finite == 0 {
            let base = if self.finite == 0 { next } else { self };
            return BlockStats {
                nan: self.nan | next.nan,
                infinite: self.infinite | next.infinite,
                elements: &[],
                ..base
            };
        }
        // Strictly more, as in `push`: the first of equal magnitudes stays.
        let larger = if next.amax > self.amax { next } else { self };
        BlockStats {
            amax: larger.amax,
            signed_max: larger.signed_max,
            min: if next.min < self.min { next.min } else { self.min },
            max: if next.max > self.max { next.max } else { self.max },
            finite: self.finite + next.finite,
            nan: self.nan | next.nan,
            infinite: self.infinite | next.infinite,
            elements: &[],
        }
    }
}

/// The least integer that is not below a number from 0 to 2^53.
const fn ceil(x: f64) -> usize {
    let whole = x as usize;
    if (whole as f64) < x { whole + 1 } else { whole }
}
