//! Zero points of blocks of integers, and the codes around them (asymmetric integer schemes).
//!
//! ```text
//! zero_point = clamp(round(low − min / scale), low, high)             // one a block
//! code       = clamp(round(x / scale) + zero_point, low, high)        // or the sum is rounded
//! ```
//!
//! Rounding to an integer, ties to even, is one addition of 1.5 · 2^23 and one subtraction:
//! between 2^23 and 2^24 the spacing of f32s is 1. It holds for magnitudes up to 2^22. Larger
//! numbers are integers already or are clamped to the range of at most 8 bits anyway, so they are
//! clamped to 2^22 first. The low bits of a sum with 1.5 · 2^23 are the integer in two's
//! complement: no conversion instruction is needed.

use super::divide::Scaling;
use super::encode::map_blocks;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, Negative, Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};

/// 1.5 · 2^23: adding it rounds to an integer, which is then in the low bits of the sum.
const MAGIC: f32 = 12_582_912.0;

/// 2^22: the largest magnitude that [`MAGIC`] rounds.
const ALL_INTEGERS: f32 = 4_194_304.0;

/// Returns x limited to `low..=high`; NaN gives `high`. Two selects, each one min or max
/// instruction: `f32::clamp` would keep NaN, which takes more.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < high { x } else { high };
    if x > low { x } else { low }
}

/// A coder of finite scaled numbers as integers around a zero point: to nearest even, clamped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointCoder {
    /// The smallest integer of the format.
    low: f32,
    /// The largest integer of the format.
    high: f32,
    /// The bits of a code.
    mask: u32,
    /// Added and subtracted before the zero point is added: [`MAGIC`] rounds, 0 leaves the number.
    magic: f32,
}

impl PointCoder {
    /// Returns the coder for an integer format of at most 8 bits that saturates, or `None`. With
    /// `add_first` the zero point is added before rounding, else after.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert, add_first: bool) -> Option<Self> {
        let Encoding::Int(layout) = spec.encoding() else { return None };
        let even = matches!(convert.round, Round::NearestEven)
            && matches!(convert.overflow, Overflow::Saturate);
        let keep = matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
        // A negative number in an unsigned format, without a zero point to add, becomes 0.
        let least = !matches!(convert.negative, Negative::Magnitude);
        let fits = layout.fraction_bits == 0 && spec.bits() <= 8;
        (even && keep && least && fits).then(|| Self {
            low: spec.min().to_f32(),
            high: spec.max().to_f32(),
            mask: spec.code_mask(),
            magic: if add_first { 0.0 } else { MAGIC },
        })
    }

    /// Returns the code of a finite scaled number.
    #[inline(always)]
    fn code(&self, y: f32, zero_point: f32) -> u8 {
        let rounded = clamp(y, -ALL_INTEGERS, ALL_INTEGERS) + self.magic - self.magic;
        // With a magic of 0 the sum is rounded below, by the addition that makes the code.
        let sum = clamp(rounded + zero_point, self.low, self.high);
        ((sum + MAGIC).to_bits() & self.mask) as u8
    }
}

#[inline(always)]
fn encode_body<S: Scaling<Factor = f32>>(
    coder: &PointCoder,
    scaling: S,
    src: &[f32],
    length: usize,
    blocks: &[[f32; 2]],
    codes: &mut [u8],
) {
    // A copy that nothing points at stays in registers.
    let coder = *coder;
    map_blocks::<false, _, _, _>(src, length, blocks, codes, |x, [factor, zero_point]| {
        coder.code(scaling.scaled(x, factor), zero_point)
    });
}

/// Writes the clamped zero point of each block behind its factor, and its code.
#[inline(always)]
fn points_body(
    coder: &PointCoder,
    ranges: &[[f32; 2]],
    scales: &[f32],
    blocks: &mut [[f32; 2]],
    codes: &mut [u8],
) {
    let coder = *coder;
    for (((range, scale), block), code) in ranges.iter().zip(scales).zip(blocks).zip(codes) {
        // A scale of zero is a block of zeros: its zero point is the smallest integer.
        let quotient = if *scale == 0.0 { 0.0 } else { range[0] / *scale };
        // The integer that number 0 gets: the range starts at `low`.
        let ideal = coder.low - quotient;
        // Larger magnitudes are integers already, and MAGIC would not leave them alone.
        let rounded = if ideal < ALL_INTEGERS && ideal > -ALL_INTEGERS {
            ideal + MAGIC - MAGIC
        } else {
            ideal
        };
        let point = clamp(rounded, coder.low, coder.high);
        block[1] = point;
        // The point is an integer already: the sum is exact and its low bits are the code.
        *code = ((point + MAGIC).to_bits() & coder.mask) as u8;
    }
}

per_isa! {
    /// Writes the codes of finite numbers by their blocks' factors and zero points.
    fn encode_points[S: Scaling<Factor = f32>](
        coder: &PointCoder,
        scaling: S,
        src: &[f32],
        length: usize,
        blocks: &[[f32; 2]],
        codes: &mut [u8],
    ) = encode_body;
    /// Writes the zero points of blocks, behind their factors, and the zero points' codes. Each
    /// range is the block's smallest and largest number, and contains zero.
    fn zero_points[](
        coder: &PointCoder,
        ranges: &[[f32; 2]],
        scales: &[f32],
        blocks: &mut [[f32; 2]],
        codes: &mut [u8],
    ) = points_body;
}
