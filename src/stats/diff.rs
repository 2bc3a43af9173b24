//! Two tensors compared, whatever their schemes: [`TensorDiff`].

use super::ErrorStats;
use super::elements::differing_codes;
use super::scales::differing;
use crate::block::{Codebooks, QuantTensor, QuantView};
use crate::error::Error;
use crate::kernel::{self, CHUNK_PAIRS, Differences};
use crate::ops::Exec;
use alloc::vec;

/// A comparison of two block-scaled tensors of one shape: [`QuantView::diff`] makes it. Numbers are
/// what [`dequantize`](QuantView::dequantize) gives.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TensorDiff {
    errors: ErrorStats,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    differing: u64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    zero_signs: u64,
    largest: Option<LargestDifference>,
    codes: Option<u64>,
    scales: Option<u64>,
}

/// The element at which two tensors differ most.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct LargestDifference {
    /// Row-major index of the element.
    pub index: usize,
    /// What it is in the first tensor.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    pub first: f32,
    /// What it is in the second tensor.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    pub second: f32,
}

impl LargestDifference {
    /// The magnitude of the difference, rounded to f64; infinity if one number is infinite.
    #[must_use]
    pub fn magnitude(&self) -> f64 {
        (f64::from(self.first) - f64::from(self.second)).abs()
    }
}

impl TensorDiff {
    /// How many elements differ as numbers. NaN equals NaN and differs from every number; −0 equals
    /// +0 ([`zero_signs`](Self::zero_signs)).
    #[must_use]
    pub const fn differing(&self) -> u64 {
        self.differing
    }

    /// How many elements are zero in both tensors, with different signs. They do not count as
    /// different.
    #[must_use]
    pub const fn zero_signs(&self) -> u64 {
        self.zero_signs
    }

    /// The element with the largest difference, the first if several have it; `None` if no two
    /// numbers differ. NaN has no difference.
    #[must_use]
    pub const fn largest(&self) -> Option<&LargestDifference> {
        self.largest.as_ref()
    }

    /// The errors of the second tensor, with the numbers of the first as references. Saturated are
    /// infinite numbers that are not infinite in the second.
    #[must_use]
    pub const fn errors(&self) -> &ErrorStats {
        &self.errors
    }

    /// How many elements have different codes; `None` if codes do not stand for the same numbers:
    /// the tensors have different element formats, or codebooks of their own.
    #[must_use]
    pub const fn codes(&self) -> Option<u64> {
        self.codes
    }

    /// How many blocks have scales that differ as numbers ([`QuantView::block_scale`]), whatever
    /// their formats; `None` if a tensor has no scales or the tensors have different blocks. Tensor
    /// scales do not count. With a scale for each sign it is that of positive elements.
    #[must_use]
    pub const fn scales(&self) -> Option<u64> {
        self.scales
    }
}

impl QuantTensor {
    /// Compares the tensor with another one of its shape, on all threads: [`QuantView::diff`].
    ///
    /// # Errors
    /// [`Error::Scheme`] if the tensors have different shapes.
    pub fn diff(&self, other: &Self) -> Result<TensorDiff, Error> {
        self.view().diff(&other.view(), Exec::PARALLEL)
    }
}

impl QuantView<'_> {
    /// Compares the tensor with another one of its shape, whatever the blocks and the schemes of
    /// both. No bit of the result depends on `exec`.
    ///
    /// ```
    /// use subhalf::{Exec, QuantTensor, preset};
    /// let x = [0.3f32, 448.0, -7.0, 0.0];
    /// let a = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &x, &[4])?;
    /// let b = QuantTensor::quantize(&preset::ocp::MXFP8_E5M2, &x, &[4])?;
    /// assert_eq!(a.dequantize(), [0.3125, 448.0, -7.0, 0.0]);
    /// assert_eq!(b.dequantize(), [0.3125, 448.0, -7.0, 0.0]);
    /// let diff = a.view().diff(&b.view(), Exec::default())?;
    /// assert_eq!((diff.differing(), diff.largest()), (0, None));
    /// // 2^0 and 2^-7 put 448 into the last binade of either format.
    /// assert_eq!((diff.codes(), diff.scales()), (None, Some(1)));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Scheme`] if the tensors have different shapes.
    pub fn diff(&self, other: &QuantView<'_>, exec: Exec) -> Result<TensorDiff, Error> {
        if self.shape() != other.shape() {
            let (what, expected) = ("tensor to compare", "the shape of the other one");
            return Err(Error::Scheme { what, expected });
        }
        let mut a = vec![0.0f32; self.len()];
        let mut b = vec![0.0f32; self.len()];
        self.dequantize_into(&mut a, exec)?;
        other.dequantize_into(&mut b, exec)?;
        let one_format = self.spec().element == other.spec().element
            && [self, other].iter().all(|view| matches!(view.spec().codebooks, Codebooks::Format));
        let isa = exec.isa();
        let measure = |first: usize, piece: &[f32]| {
            let codes = if one_format {
                differing_codes([self, other], isa, first, piece.len())
            } else {
                0
            };
            (differences(isa, first, piece, &b[first..][..piece.len()]), codes)
        };
        let mut diff = TensorDiff {
            errors: ErrorStats::of_with(&a, &b, exec)?,
            differing: 0,
            zero_signs: 0,
            largest: None,
            codes: one_format.then_some(0),
            scales: self.has_grid_of(other).then(|| differing([self, other], isa)),
        };
        exec.fold(&a, ELEMENTS, measure, |((counts, largest), codes)| {
            diff.differing += counts.differing as u64;
            diff.zero_signs += counts.zero_signs as u64;
            // Strictly more: the first of equal ones stays.
            let most = diff.largest.map_or(0.0, |most| most.magnitude());
            diff.largest = largest.filter(|next| next.magnitude() > most).or(diff.largest);
            diff.codes = diff.codes.map(|sum| sum + codes);
        });
        Ok(diff)
    }

    /// Whether both tensors have scales, and the same elements in each block.
    fn has_grid_of(&self, other: &QuantView<'_>) -> bool {
        let grid = |view: &QuantView<'_>| {
            let geometry = view.geometry();
            let axes = [geometry.matrices, geometry.rows, geometry.cols];
            (axes, [geometry.block_rows, geometry.block_cols], geometry.origin)
        };
        self.spec().scale.is_some() && other.spec().scale.is_some() && grid(self) == grid(other)
    }
}

/// Elements that a thread takes at a time.
const ELEMENTS: usize = 1 << 14;

/// The differences of two slices whose first element has this index.
fn differences(
    isa: kernel::Isa,
    first: usize,
    a: &[f32],
    b: &[f32],
) -> (Differences, Option<LargestDifference>) {
    let mut counts = Differences::default();
    let mut largest: Option<LargestDifference> = None;
    for (chunk, (a, b)) in a.chunks(CHUNK_PAIRS).zip(b.chunks(CHUNK_PAIRS)).enumerate() {
        let before = counts.largest;
        kernel::differences(isa, a, b, &mut counts);
        if counts.largest == before {
            continue;
        }
        // The chunk has a larger one: its place is looked for in the chunk alone.
        let found = (0..).zip(a.iter().zip(b)).find_map(|(i, (first_number, second))| {
            let index = first + chunk * CHUNK_PAIRS + i;
            let here = LargestDifference { index, first: *first_number, second: *second };
            (here.magnitude().to_bits() as i64 == counts.largest).then_some(here)
        });
        largest = found.or(largest);
    }
    (counts, largest)
}
