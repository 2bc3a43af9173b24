//! Scale codes and factors of many blocks from their statistics, as a rule computes them:
//! everything between the maxima of blocks and the encoding of their numbers.
//!
//! Each step is one pass over an array with an entry a block: 2048 numbers in blocks of 16 are 128
//! entries, 512 bytes of the first-level cache, so passes cost loads that hit and no calls a block.
//! Where a formula might not hold for a block, its factor is NaN.

use super::divide::LEAST_DIVISOR;
use super::scale::{Logarithms, Powers, logarithms, powers};
use crate::kernel::decode::{DecodeBytes, DecodeWide};
use crate::kernel::encode::{Encoder, Finite, encode_finite, round_finite};
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
use crate::spec::FormatSpec;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

/// How scales and factors come from statistics.
#[derive(Debug)]
pub(crate) enum ScaleKernel {
    /// Powers of two, by the exponents' bits.
    Powers(Powers),
    /// Powers of two, by f32 logarithms.
    Logarithms(Logarithms),
    /// The f32 operations of a rule, one after the other.
    Formula(Box<Formula>),
}

/// The f32 operations from a block's statistics to its scale, and from there to its factor.
#[derive(Debug)]
pub(crate) struct Formula {
    /// From the largest magnitude or the range to the scale before it is rounded, substitutes and
    /// bounds included; with [`inverse`](Self::inverse) to the factor, and no further.
    pub(crate) ideal: Vec<Step>,
    /// From the factor to the scale before it is rounded, where the factor comes first.
    pub(crate) inverse: Option<Vec<Step>>,
    pub(crate) format: ScaleFormat,
    /// The code and the scale in place of one that was rounded to zero.
    pub(crate) vanished: Option<(u32, f32)>,
    /// From the scale to the factor.
    pub(crate) factor: Vec<Step>,
    /// Whether that starts from the scale before it was rounded.
    pub(crate) unrounded: bool,
    /// The factor under a scale of zero, if the steps do not give it.
    pub(crate) under_zero: Option<f32>,
    /// What the factor will do to numbers: it stands if the largest number stays finite under it;
    /// the others do then.
    pub(crate) factor_use: FactorUse,
}

/// What is done to finite numbers with a factor, by one f32 operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FactorUse {
    /// `x · factor`.
    Times,
    /// `x / factor`.
    Over,
    /// `x / factor`, rounded only into the element.
    Exact,
}

/// The statistics of some blocks: the largest magnitudes, as bits, and for rules of ranges the
/// smallest and the largest numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRanges<'a> {
    pub(crate) amax: &'a [u32],
    pub(crate) ranges: Option<&'a [[f32; 2]]>,
}

/// Arrays with an entry a block, kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct ScaleArrays {
    /// The rounded scales, where a formula has made them.
    pub(crate) scales: Vec<f32>,
    unrounded: Vec<f32>,
    rounded: Vec<f32>,
    wide: Vec<u16>,
}

impl ScaleKernel {
    /// Writes the code and the factor of every block. A formula starts from the ranges, if there
    /// are any.
    pub(crate) fn run(
        &self,
        isa: Isa,
        blocks: BlockRanges<'_>,
        codes: &mut [u8],
        factors: &mut [f32],
        arrays: &mut ScaleArrays,
    ) {
        let amax = blocks.amax;
        match self {
            Self::Powers(rule) => powers(isa, rule, amax, codes, factors),
            Self::Logarithms(rule) => logarithms(isa, rule, amax, codes, factors),
            Self::Formula(formula) => {
                formula.run(isa, blocks, codes, factors, arrays);
                let (divides, range) = match formula.factor_use {
                    FactorUse::Times => (false, [f32::NEG_INFINITY, f32::INFINITY]),
                    FactorUse::Over => (true, [f32::NEG_INFINITY, f32::INFINITY]),
                    FactorUse::Exact => (true, [LEAST_DIVISOR, f32::MAX]),
                };
                refuse(isa, divides, range, amax, factors);
            }
        }
    }
}

impl Formula {
    fn run(
        &self,
        isa: Isa,
        blocks: BlockRanges<'_>,
        codes: &mut [u8],
        factors: &mut [f32],
        arrays: &mut ScaleArrays,
    ) {
        let steps = |steps: &[Step], numbers: &mut [f32]| {
            steps.iter().for_each(|step| apply(isa, *step, numbers))
        };
        arrays.scales.clear();
        match blocks.ranges {
            Some(ranges) => arrays.scales.extend(ranges.iter().map(|[low, high]| high - low)),
            None => arrays.scales.extend(blocks.amax.iter().map(|&bits| f32::from_bits(bits))),
        }
        steps(&self.ideal, &mut arrays.scales);
        if let Some(inverse) = &self.inverse {
            factors.copy_from_slice(&arrays.scales);
            steps(inverse, &mut arrays.scales);
        }
        arrays.unrounded.clear();
        if self.unrounded {
            arrays.unrounded.extend_from_slice(&arrays.scales);
        }
        self.format.round(isa, arrays, codes);
        let ScaleArrays { scales, unrounded, .. } = arrays;
        if let Some((code, scale)) = &self.vanished {
            let width = codes.len() / scales.len().max(1);
            for (number, to) in scales
                .iter_mut()
                .zip(codes.chunks_exact_mut(width.max(1)))
                .filter(|(number, _)| **number == 0.0)
            {
                *number = *scale;
                to.copy_from_slice(&code.to_le_bytes()[..width]);
            }
        }
        if self.inverse.is_some() {
            // Under an amax of zero the rule has another formula.
            let zeros = blocks.amax.iter().zip(factors).filter(|(amax, _)| **amax == 0);
            return zeros.for_each(|(_, factor)| *factor = f32::NAN);
        }
        let divisors = if self.unrounded { unrounded } else { scales };
        factors.copy_from_slice(divisors);
        steps(&self.factor, factors);
        if let Some(factor) = self.under_zero {
            where_zero(isa, divisors, factor, factors);
        }
    }
}

/// Kernels that round numbers into a format of scales.
#[derive(Debug)]
pub(crate) enum ScaleFormat {
    F32,
    /// Up to 8 bits, by one addition. A scale that it does not cover becomes NaN, and its block the
    /// rule's.
    Float(Finite),
    /// Up to 8 bits, else.
    Byte(Encoder, Box<DecodeBytes>),
    /// Up to 16 bits.
    Half(Encoder, DecodeWide),
}

impl ScaleFormat {
    /// The kernels for a format, a policy and so many blocks, if there are any.
    pub(crate) fn lower(
        isa: Isa,
        format: &FormatSpec,
        convert: &Convert,
        blocks: usize,
    ) -> Option<Self> {
        match format.bits() {
            _ if *format == FormatSpec::F32 => {
                matches!(convert.subnormal_inputs, SubnormalInputs::Keep).then_some(Self::F32)
            }
            0..=8 => match Finite::lower(format, convert) {
                Some(finite) => Some(Self::Float(finite)),
                None => {
                    let encoder = Encoder::lower(isa, format, convert, blocks)?;
                    Some(Self::Byte(encoder, Box::new(DecodeBytes::lower(isa, format))))
                }
            },
            9..=16 => Some(Self::Half(
                Encoder::lower(isa, format, convert, blocks)?,
                DecodeWide::lower(isa, format)?,
            )),
            _ => None,
        }
    }

    pub(crate) const fn is_f32(&self) -> bool {
        matches!(self, Self::F32)
    }

    /// Writes the codes of the scales, and puts what they come back as in their place.
    fn round(
        &self,
        isa: Isa,
        ScaleArrays { scales, unrounded, rounded, wide }: &mut ScaleArrays,
        codes: &mut [u8],
    ) {
        match self {
            Self::F32 => codes
                .as_chunks_mut()
                .0
                .iter_mut()
                .zip(scales)
                .for_each(|(code, x)| *code = x.to_le_bytes()),
            Self::Float(finite) => {
                let mut largest = 0;
                rounded.resize(scales.len(), 0.0);
                encode_finite(isa, finite, scales, codes, &mut largest);
                round_finite(isa, finite, scales, rounded, &mut largest);
                mem::swap(scales, rounded);
                if !finite.covers_both(largest) {
                    let covered = |x: &f32| finite.covers_both(finite.magnitude(*x));
                    for (index, _) in rounded.iter().enumerate().filter(|(_, x)| !covered(x)) {
                        scales[index] = f32::NAN;
                        unrounded.get_mut(index).into_iter().for_each(|x| *x = f32::NAN);
                    }
                }
            }
            Self::Byte(encoder, decoder) => {
                encoder.encode(scales, codes, Dither::NONE);
                decoder.decode(codes, scales);
            }
            Self::Half(encoder, decoder) => {
                wide.resize(scales.len(), 0);
                encoder.encode(scales, wide, Dither::NONE);
                decoder.decode(wide, scales);
                codes
                    .as_chunks_mut()
                    .0
                    .iter_mut()
                    .zip(wide)
                    .for_each(|(code, x)| *code = x.to_le_bytes());
            }
        }
    }
}

/// One operation of a formula.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `x · c`.
    Times(f32),
    /// `x / c`.
    Over(f32),
    /// `c / x`.
    Under(f32),
    /// At most.
    AtMost(f32),
    /// At least.
    AtLeast(f32),
    /// In place of zero.
    ForZero(f32),
}

#[inline(always)]
fn apply_body(step: Step, numbers: &mut [f32]) {
    #[inline(always)]
    fn each(numbers: &mut [f32], f: impl Fn(f32) -> f32) {
        for x in numbers {
            *x = f(*x);
        }
    }
    match step {
        Step::Times(c) => each(numbers, |x| x * c),
        Step::Over(c) => each(numbers, |x| x / c),
        Step::Under(c) => each(numbers, |x| c / x),
        Step::AtMost(c) => each(numbers, |x| if x > c { c } else { x }),
        Step::AtLeast(c) => each(numbers, |x| if x < c { c } else { x }),
        Step::ForZero(c) => each(numbers, |x| if x == 0.0 { c } else { x }),
    }
}

#[inline(always)]
fn where_zero_body(numbers: &[f32], value: f32, to: &mut [f32]) {
    for (x, to) in numbers.iter().zip(to) {
        *to = if *x == 0.0 { value } else { *to };
    }
}

#[inline(always)]
fn refuse_body(divides: bool, [least, most]: [f32; 2], amax: &[u32], factors: &mut [f32]) {
    for (amax, factor) in amax.iter().zip(factors) {
        let amax = f32::from_bits(*amax);
        let largest = if divides { amax / *factor } else { amax * *factor };
        *factor = if largest.is_finite() && *factor >= least && *factor <= most {
            *factor
        } else {
            f32::NAN
        };
    }
}

per_isa! {
    /// One operation on every number.
    fn apply[](step: Step, numbers: &mut [f32]) = apply_body;
    /// A value in the places of zeros.
    fn where_zero[](numbers: &[f32], value: f32, to: &mut [f32]) = where_zero_body;
    /// NaN in place of factors outside of a range, and of those under which the largest number is
    /// not finite.
    fn refuse[](divides: bool, range: [f32; 2], amax: &[u32], factors: &mut [f32]) = refuse_body;
}
