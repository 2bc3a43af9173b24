//! [`TensorStats`]: what a block-scaled tensor kept of the numbers that it was made of.

use super::ErrorStats;
use super::elements::{Ends, totals};
use super::pairs::{GROUP, PairGroup, widen};
use super::scales::StoredScales;
use super::worst::worst;
use crate::block::{QuantTensor, QuantView, Region};
use crate::error::Error;
use crate::ops::Exec;
use alloc::vec;
use alloc::vec::Vec;

/// A comparison of a block-scaled tensor with the numbers that it was made of:
/// [`QuantView::stats`] makes it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TensorStats {
    errors: ErrorStats,
    codes: Vec<u64>,
    scales: Vec<u64>,
    worst: Option<WorstBlock>,
}

/// The block with the largest sum of squared errors; the first if several have it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct WorstBlock {
    /// Index of the block, which is the index of its scale.
    pub index: usize,
    /// The rows and columns of the block's elements in the tensor.
    pub region: Region,
    /// The scale of the block, as its format stores it, without the tensor scale.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    pub scale: f32,
    /// The sum of the squared errors of the block's measured pairs ([`ErrorStats`]): f64s, one
    /// after the other in row-major order.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    pub noise: f64,
}

impl WorstBlock {
    /// The block's elements of a tensor, row-major: the inputs, given the references; the stored
    /// numbers, given the dequantized tensor.
    pub fn inputs<T: Copy>(&self, tensor: &[T]) -> impl Iterator<Item = T> {
        self.region.indices().filter_map(|index| tensor.get(index).copied())
    }
}

impl TensorStats {
    /// Signal, noise and errors, over pairs of a reference and what
    /// [`dequantize`](QuantView::dequantize) gives for it.
    ///
    /// [`saturated`](ErrorStats::saturated) counts references that lie outside what their block can
    /// express: the element is the largest number of its format and the reference lies above what
    /// it comes back as, or it is the smallest and the reference lies below (the other way round
    /// under a negative scale); or a finite reference came back infinite, or an infinite one did
    /// not. An element that lies outside by less than one rounding error counts too, for example
    /// the largest of a block whose scale was rounded down. [`flushed`](ErrorStats::flushed) counts
    /// numbers other than zero that came back as zero, [`nan`](ErrorStats::nan) numbers that came
    /// back as NaN.
    #[must_use]
    pub const fn errors(&self) -> &ErrorStats {
        &self.errors
    }

    /// How many elements have each code: `2^bits` counters for elements of up to 8 bits, empty for
    /// wider ones.
    #[must_use]
    pub fn codes(&self) -> &[u64] {
        &self.codes
    }

    /// How many blocks have each scale; empty without scales. Scales of up to 8 bits have one
    /// counter for each code. Wider scales have 256 counters, one for each exponent field of an
    /// f32: counter `e` is for scales from `2^(e-127)` to below twice that, counter 0 for zero and
    /// what is below 2^-126, counter 255 for infinity and NaN.
    #[must_use]
    pub fn scales(&self) -> &[u64] {
        &self.scales
    }

    /// The block with the largest sum of squared errors; `None` if there is no error.
    #[must_use]
    pub const fn worst(&self) -> Option<&WorstBlock> {
        self.worst.as_ref()
    }
}

impl QuantTensor {
    /// Compares the tensor with its references, row-major, on all threads: [`QuantView::stats`].
    ///
    /// # Errors
    /// [`Error::Length`] if `reference` has not as many elements as the tensor.
    pub fn stats<T: Copy + Sync + Into<f64>>(&self, reference: &[T]) -> Result<TensorStats, Error> {
        self.view().stats(reference, Exec::PARALLEL)
    }
}

impl QuantView<'_> {
    /// Compares the tensor with its references, row-major. No bit of the result depends on `exec`:
    /// sums are those of [`ErrorStats`].
    ///
    /// ```
    /// use subhalf::{BlockSpec, Exec, Extent, FormatSpec, QuantTensor, ScaleRule};
    /// let rule = ScaleRule::Floor;
    /// let (e2m1, extent) = (FormatSpec::F4E2M1, Extent::Block { rows: 1, cols: 4 });
    /// let spec = BlockSpec::new(e2m1, Some(FormatSpec::E8M0), extent, rule);
    /// let x = [4.0f32, -7.5, 0.25, 1.0, 0.0, 0.0, 5.0, 16.0];
    /// let tensor = QuantTensor::quantize(&spec, &x, &[1, 8])?;
    /// assert_eq!(tensor.dequantize(), [4.0, -6.0, 0.0, 1.0, 0.0, 0.0, 4.0, 16.0]);
    /// let stats = tensor.view().stats(&x, Exec::default())?;
    /// let errors = stats.errors();
    /// assert_eq!((errors.saturated(), errors.flushed(), errors.noise()), (1, 1, 3.3125));
    /// assert_eq!((stats.scales()[127], stats.scales()[129]), (1, 1));
    /// let worst = stats.worst().unwrap();
    /// assert_eq!((worst.index, worst.scale, worst.noise), (0, 1.0, 2.3125));
    /// assert!(worst.inputs(&x).eq([4.0, -7.5, 0.25, 1.0]));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `reference` has not as many elements as the tensor.
    pub fn stats<T: Copy + Sync + Into<f64>>(
        &self,
        reference: &[T],
        exec: Exec,
    ) -> Result<TensorStats, Error> {
        self.stats_after(&ErrorStats::new(), reference, exec)
    }

    /// Compares the tensor with its references as [`stats`](Self::stats) does, and goes on with the
    /// errors of what lies before it in a larger tensor: of a tensor in pieces, each of a multiple
    /// of 4,096 elements but the last, the errors are those of the whole, to the bit. Codes, scales
    /// and the worst block are this tensor's alone.
    ///
    /// ```
    /// use subhalf::{ErrorStats, Exec, QuantTensor, preset};
    /// let x: Vec<f32> = (0..32_768).map(|i| (i % 1009) as f32 / 64.0).collect();
    /// let whole = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[32, 1024])?;
    /// let mut errors = ErrorStats::new();
    /// for first in (0..32).step_by(8) { // 8 rows are 8,192 elements
    ///     let piece = whole.view().rows(first..first + 8)?;
    ///     let x = &x[first * 1024..][..8192];
    ///     errors = piece.stats_after(&errors, x, Exec::default())?.errors().clone();
    /// }
    /// assert_eq!(errors.noise(), whole.stats(&x)?.errors().noise());
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `reference` has not as many elements as the tensor.
    pub fn stats_after<T: Copy + Sync + Into<f64>>(
        &self,
        before: &ErrorStats,
        reference: &[T],
        exec: Exec,
    ) -> Result<TensorStats, Error> {
        if reference.len() != self.len() {
            return Err(Error::Length {
                what: "references",
                expected: self.len(),
                found: reference.len(),
            });
        }
        let mut restored = vec![0.0f32; self.len()];
        self.dequantize_into(&mut restored, exec)?;
        let scales = StoredScales::new(self, exec.isa());
        let (errors, codes) = self.elements(before, reference, &restored, &scales, exec);
        let worst = worst(self, reference, &restored, exec).and_then(|(index, noise)| {
            let (region, scale) = (self.region(index)?, self.block_scale(index));
            Some(WorstBlock { index, region, scale, noise })
        });
        Ok(TensorStats { errors, codes, scales: scales.into_counts(), worst })
    }

    /// The errors, and how many elements have each code.
    fn elements<T: Copy + Sync + Into<f64>>(
        &self,
        before: &ErrorStats,
        reference: &[T],
        restored: &[f32],
        scales: &StoredScales,
        exec: Exec,
    ) -> (ErrorStats, Vec<u64>) {
        let element = &self.spec().element;
        let ends = Ends::new(self, exec.isa(), scales);
        let measure = |first: usize, piece: &[T]| {
            let mut counts = [[0; 256]; 4];
            let group = PairGroup::measure(exec.isa(), piece.len(), |at, x, back| {
                widen(&piece[at..], x);
                widen(&restored[first + at..], back);
                ends.outside(first + at, x, back, &mut counts)
            });
            (group, totals(element, &counts))
        };
        let (mut errors, mut codes) = (before.clone(), totals(element, &[[0; 256]; 4]));
        exec.fold(reference, GROUP, measure, |(group, counts)| {
            errors.append(&group);
            codes.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        });
        (errors, codes)
    }
}
