//! Bounds for the numbers of operands and their sums, which say which arithmetic is exact.

use super::bit_range::BitRange;
use super::job::MatmulJob;
use super::operand::{Operand, Stored};
use crate::block::{BlockSpec, Offset, TensorScale};
use crate::codec::Unpacked;
use crate::spec::Encoding;

/// The length of the blocks of a sum, if it is the shorter one of both sides and divides the longer
/// up to the end of a row.
pub(super) fn shared_block_k(job: &MatmulJob<'_>) -> Option<usize> {
    let (a, b, depth) = (job.a.block_k(), job.b.block_k(), job.shape.k);
    let (short, long) = (a.min(b), a.max(b));
    // Blocks of the shorter length end wherever one of either side ends: at multiples of it, and at
    // the end of the row, where a block may be cut short.
    (short >= depth || long >= depth || long.is_multiple_of(short)).then_some(short.max(1))
}

/// A bound for the magnitude of a sum of `count` products of integer elements, in units of the last
/// place; infinity for other elements.
pub(super) fn largest_sum(job: &MatmulJob<'_>, count: usize) -> f64 {
    // Infinity, for elements that are not integers, makes every later comparison fail.
    let largest = |operand: &Operand<'_>| operand.largest_integer().unwrap_or(f64::INFINITY);
    largest(&job.a) * largest(&job.b) * count.min(job.shape.k) as f64
}

/// Whether all integers up to `largest`, in units of `2^exponent`, are f32s.
pub(super) fn f32s_hold(largest: f64, exponent: i32) -> bool {
    let unit = Unpacked::new(false, 1, exponent).to_f64();
    // An integer of up to 2^24 units has at most 24 bits and is an f32 if its unit is one and it is
    // within the range.
    largest <= (1u64 << 24) as f64 && exponent >= -149 && largest * unit <= f32::MAX.into()
}

/// Whether all integers up to `largest` are f64s.
pub(super) fn f64s_hold(largest: f64) -> bool {
    // The precision of f64; its range is never met by elements of at most 16 bits.
    largest <= (1u64 << 53) as f64
}

impl Operand<'_> {
    /// A bound for the magnitude of integer elements, zero points taken off, in units of the last
    /// place.
    pub(super) fn largest_integer(&self) -> Option<f64> {
        let Encoding::Int(layout) = self.element()?.encoding() else { return None };
        let has_offset = self.spec().is_some_and(|spec| spec.offset_bytes() > 0);
        // A signed element has magnitude 2^(bits - 1) at most. Taking off a zero point, itself an
        // element, can double that.
        let bits = i32::from(layout.bits) - i32::from(layout.signed && !has_offset);
        Some(Unpacked::new(false, 1, bits).to_f64())
    }

    /// Bounds for the bits of the scales.
    pub(super) fn scale_range(&self) -> BitRange {
        match self.source {
            Stored::Packed(packed) => packed.scale_range,
            Stored::Tensor(view) => {
                let scale = view.spec().scale.as_ref();
                // A byte a scale: the codes are read without asking for the width at each block.
                if scale.is_some_and(|format| format.bits() <= 8) {
                    BitRange::of(scale, view.bytes().scales.iter().map(|byte| (*byte).into()))
                } else {
                    BitRange::of(scale, (0..view.blocks()).map(|block| view.scale_code(block)))
                }
            }
            _ => BitRange::ONE,
        }
    }

    /// Bounds for the bits of the numbers, if the formats of elements and scales say so.
    pub(super) fn number_range(&self) -> Option<BitRange> {
        let elements = BitRange::of_format(self.element()?)?;
        // A minimum or a tensor scale takes part in the numbers, and their bits are not bounded
        // here.
        let simple = |spec: &BlockSpec| {
            matches!(spec.offset, Offset::None) && matches!(spec.tensor_scale, TensorScale::None)
        };
        self.spec().is_none_or(simple).then(|| elements.times(self.scale_range()))
    }
}
