//! Zero points of blocks of integers, and the codes around them.

use super::divide::Scaling;
use super::encode::map_blocks;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, Negative, Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};

/// `1.5 · 2^23`: adding it rounds to an integer, which is then in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// Beyond this, 2^22, an integer is one already; and it is clamped anyway.
const ALL_INTEGERS: f32 = 4_194_304.0;

#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < high { x } else { high };
    if x > low { x } else { low }
}

/// How finite scaled numbers become integers around a zero point, to nearest even, clamped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointCoder {
    low: f32,
    high: f32,
    mask: u32,
    /// Added and taken away before the zero point is added: rounds, or 0 does nothing.
    magic: f32,
}

impl PointCoder {
    /// For integers of at most 8 bits; whether the zero point is added before or after rounding.
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

    #[inline(always)]
    fn code(&self, y: f32, zero_point: f32) -> u8 {
        let rounded = clamp(y, -ALL_INTEGERS, ALL_INTEGERS) + self.magic - self.magic;
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
    let coder = *coder;
    map_blocks(src, length, blocks, codes, |x, [factor, zero_point]| {
        coder.code(scaling.scaled(x, factor), zero_point)
    });
}

/// Zero points, clamped, behind the factors, and their codes.
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
        let quotient = if *scale == 0.0 { 0.0 } else { range[0] / *scale };
        let ideal = coder.low - quotient;
        // Rounded, if it is not an integer by its size.
        let rounded = if ideal < ALL_INTEGERS && ideal > -ALL_INTEGERS {
            ideal + MAGIC - MAGIC
        } else {
            ideal
        };
        let point = clamp(rounded, coder.low, coder.high);
        block[1] = point;
        *code = ((point + MAGIC).to_bits() & coder.mask) as u8;
    }
}

per_isa! {
    /// Codes of finite numbers by their blocks' factors and zero points.
    fn encode_points[S: Scaling<Factor = f32>](coder: &PointCoder, scaling: S, src: &[f32], length: usize, blocks: &[[f32; 2]], codes: &mut [u8]) = encode_body;
    /// Zero points of blocks with these ranges (zero within) and scales, put behind their factors,
    /// and the zero points' codes.
    fn zero_points[](coder: &PointCoder, ranges: &[[f32; 2]], scales: &[f32], blocks: &mut [[f32; 2]], codes: &mut [u8]) = points_body;
}
