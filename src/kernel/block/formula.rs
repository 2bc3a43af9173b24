//! Scale codes and factors of many blocks from their statistics: everything between the maxima of
//! blocks and the encoding of their numbers.
//!
//! ```text
//! scales  = amax, max − min, or what a rule asks for    // one f32 a block: Start
//! scales  = ideal steps(scales)                  // times, over, clamp: one pass each
//! codes   = encode(scales);  scales = decode(codes)
//! factors = factor steps(scales)                 // what numbers are multiplied or divided by
//! factors = NaN where the formula might not hold // the rule handles these blocks
//! ```
//!
//! Each step is one pass over an array with one entry a block. 2048 numbers in blocks of 16 are 128
//! entries, 512 bytes in L1, so a pass costs loads that hit the cache and no call per block. All
//! f32 operations are those of the reference, in its order, each rounded once: results have its
//! bits.

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

/// The kernel that turns statistics of blocks into scale codes and factors.
#[derive(Debug)]
pub(crate) enum ScaleKernel {
    /// Powers of two, by the exponents' bits.
    Powers(Powers),
    /// Powers of two, by f32 logarithms.
    Logarithms(Logarithms),
    /// The f32 operations of a rule, one after the other.
    Formula(Box<Formula>),
    /// No scales: a factor of 1.
    Unit,
}

/// A rule as f32 operations, from a block's statistics to its scale and from there to its factor.
#[derive(Debug)]
pub(crate) struct Formula {
    /// What the steps start from.
    pub(crate) start: Start,
    /// Steps from the largest magnitude, or the range, to the unrounded scale, with substitutes and
    /// bounds. With [`inverse`](Self::inverse) they end at the factor instead.
    pub(crate) ideal: Vec<Step>,
    /// Steps from the factor to the unrounded scale, for rules that compute the factor first.
    pub(crate) inverse: Option<Vec<Step>>,
    /// The format that scales are rounded to.
    pub(crate) format: ScaleFormat,
    /// The code and the scale that replace a scale rounded to zero.
    pub(crate) vanished: Option<(u32, f32)>,
    /// Steps from the scale to the factor.
    pub(crate) factor: Vec<Step>,
    /// Whether the factor comes from the unrounded scale.
    pub(crate) unrounded: bool,
    /// The factor of a block whose scale is zero, where the steps do not give it.
    pub(crate) under_zero: Option<f32>,
    /// What is done to numbers with the factor. A factor is kept only if the block's largest number
    /// stays finite under it; then all others do.
    pub(crate) factor_use: FactorUse,
    /// The magnitudes of factors under which scaled numbers are exact enough.
    pub(crate) range: [f32; 2],
}

/// The number of a block that a formula starts from.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// The largest magnitude.
    Amax,
    /// The difference of the block's ends.
    Range,
    /// A number that is given: a signed maximum, or the caller's scale. NaN hands the block to the
    /// rule.
    Number,
    /// A function of the largest magnitude. Results that are not from 0 up and finite hand the
    /// block to the rule.
    Function(fn(f32) -> f32),
    /// A constant, for every block.
    Constant(f32),
    /// The power of two of a rule.
    Power(PowerRule),
}

/// A rule of powers of two, as a kernel that makes E8M0 codes.
#[derive(Clone, Debug)]
pub(crate) enum PowerRule {
    Powers(Powers),
    Logarithms(Logarithms),
}

/// The f32 operation that scales finite numbers by their factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FactorUse {
    /// A product: `x · factor`.
    Times,
    /// A quotient rounded to f32: `x / factor`.
    Over,
    /// An exact quotient `x / factor`, rounded only into the element.
    Exact,
}

/// The statistics of consecutive blocks, one entry a block. A formula reads those of its
/// [`Start`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRanges<'a> {
    /// The largest magnitudes, as f32 bits.
    pub(crate) amax: &'a [u32],
    /// The ends of the blocks.
    pub(crate) ranges: &'a [[f32; 2]],
    /// Signed maxima or given scales.
    pub(crate) numbers: &'a [f32],
}

/// Scratch arrays with one entry a block, kept from call to call so that none is allocated.
#[derive(Debug, Default)]
pub(crate) struct ScaleArrays {
    /// The rounded scales that a formula made.
    scales: Vec<f32>,
    /// A copy of the scales from before they were rounded, for formulas that need it.
    unrounded: Vec<f32>,
    /// The second buffer of the rounding, swapped with `scales`.
    rounded: Vec<f32>,
    /// Scale codes of 9 to 16 bits, before they are stored as bytes.
    wide: Vec<u16>,
    /// E8M0 codes of the powers of two that a formula starts from.
    bytes: Vec<u8>,
    /// Whether a scale is NaN before it is rounded, which a format without NaN would hide.
    by_rule: Vec<bool>,
}

impl ScaleArrays {
    /// The array of numbers that [`ScaleFormat::round`] rounds, empty.
    pub(crate) fn start(&mut self) -> &mut Vec<f32> {
        self.scales.clear();
        self.unrounded.clear();
        &mut self.scales
    }

    /// The rounded numbers, in place of the others; NaN for one that the kernel does not cover.
    pub(crate) fn scales(&self) -> &[f32] {
        &self.scales
    }
}

impl ScaleKernel {
    /// Writes the scale code and the factor of every block. The factor is NaN where the kernel does
    /// not cover the block.
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
            Self::Unit => {
                // 1 keeps finite numbers finite; a block with others has an amax that says so.
                factors.fill(1.0);
                refuse(isa, false, [0.0, f32::INFINITY], amax, factors);
            }
            Self::Formula(formula) => {
                formula.run(isa, blocks, codes, factors, arrays);
                for (factor, by_rule) in factors.iter_mut().zip(&arrays.by_rule) {
                    *factor = if *by_rule { f32::NAN } else { *factor };
                }
                let divides = matches!(formula.factor_use, FactorUse::Over | FactorUse::Exact);
                refuse(isa, divides, formula.range, amax, factors);
            }
        }
    }
}

impl Formula {
    /// Writes codes and factors; factors are not checked for overflow yet.
    fn run(
        &self,
        isa: Isa,
        blocks: BlockRanges<'_>,
        codes: &mut [u8],
        factors: &mut [f32],
        arrays: &mut ScaleArrays,
    ) {
        // One call per step, which matches the step once for the whole array.
        let steps = |steps: &[Step], numbers: &mut [f32]| {
            steps.iter().for_each(|step| apply(isa, *step, numbers));
        };
        // The arrays keep their memory: after the first chunk nothing is allocated.
        arrays.scales.clear();
        let magnitudes = blocks.amax.iter().map(|&bits| f32::from_bits(bits));
        match &self.start {
            Start::Amax => arrays.scales.extend(magnitudes),
            Start::Range => {
                arrays.scales.extend(blocks.ranges.iter().map(|[low, high]| high - low));
            }
            Start::Number => arrays.scales.extend_from_slice(blocks.numbers),
            Start::Function(f) => arrays.scales.extend(magnitudes.map(|amax| match f(amax) {
                scale if (0.0..f32::INFINITY).contains(&scale) => scale,
                _ => f32::NAN,
            })),
            Start::Constant(scale) => arrays.scales.resize(blocks.amax.len(), *scale),
            Start::Power(rule) => {
                // One over the scale is exact: the kernels leave all others to the rule, by NaN.
                arrays.bytes.resize(blocks.amax.len(), 0);
                match rule {
                    PowerRule::Powers(rule) => {
                        powers(isa, rule, blocks.amax, &mut arrays.bytes, factors);
                    }
                    PowerRule::Logarithms(rule) => {
                        logarithms(isa, rule, blocks.amax, &mut arrays.bytes, factors);
                    }
                }
                arrays.scales.extend(factors.iter().map(|factor| 1.0 / factor));
            }
        }
        steps(&self.ideal, &mut arrays.scales);
        if let Some(inverse) = &self.inverse {
            // `ideal` ended at the factor; the scale comes from it.
            factors.copy_from_slice(&arrays.scales);
            steps(inverse, &mut arrays.scales);
        }
        arrays.unrounded.clear();
        if self.unrounded {
            arrays.unrounded.extend_from_slice(&arrays.scales);
        }
        arrays.by_rule.clear();
        let mut any = false;
        if self.format.may_hide_nan() {
            // Without a branch first: nearly no chunk has one.
            any_nan(isa, &arrays.scales, &mut any);
            if any {
                arrays.by_rule.extend(arrays.scales.iter().map(|scale| scale.is_nan()));
            }
        }
        self.format.round(isa, arrays, codes);
        let ScaleArrays { scales, unrounded, .. } = arrays;
        any = false;
        if self.vanished.is_some() {
            any_zero(isa, scales, &mut any);
        }
        // A scale rounded to zero would divide by zero: rare, so a scalar loop.
        if let Some((code, scale)) = self.vanished.as_ref().filter(|_| any) {
            // Bytes of a scale code: 1, 2 or 4, little-endian.
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
            // A block of zeros has another formula, and an infinite scale is the policy's: NaN
            // hands both to the rule.
            for ((amax, scale), factor) in blocks.amax.iter().zip(&*scales).zip(factors) {
                *factor = if *amax == 0 || scale.is_nan() { f32::NAN } else { *factor };
            }
            return;
        }
        let divisors = if self.unrounded { unrounded } else { scales };
        factors.copy_from_slice(divisors);
        steps(&self.factor, factors);
        // The scheme says what a block of scale zero is multiplied by.
        if let Some(factor) = self.under_zero {
            where_zero(isa, divisors, factor, factors);
        }
    }
}

/// Kernels that round scales to their format.
#[derive(Debug)]
pub(crate) enum ScaleFormat {
    /// f32, stored as it is.
    F32,
    /// Up to 8 bits, by one f32 addition. A scale that it does not cover becomes NaN, which hands
    /// its block to the rule.
    Float(Finite),
    /// Up to 8 bits, by any encoder.
    Byte(Encoder, Box<DecodeBytes>),
    /// 9 to 16 bits.
    Half(Encoder, DecodeWide),
}

impl ScaleFormat {
    /// Returns the kernels for a scale format and a policy, or `None` if only the reference codec
    /// covers them. `blocks` is how many scales a call rounds: tables pay from some number on.
    pub(crate) fn lower(
        isa: Isa,
        format: &FormatSpec,
        convert: &Convert,
        blocks: usize,
    ) -> Option<Self> {
        match format.bits() {
            // Nothing rounds, unless the policy flushes subnormals.
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

    /// Whether a scale that is NaN may be a number once it is rounded.
    const fn may_hide_nan(&self) -> bool {
        match self {
            // NaN is left as it is, and not covered.
            Self::F32 | Self::Float(_) => false,
            Self::Byte(..) | Self::Half(..) => true,
        }
    }

    /// Writes the codes of the scales and replaces the scales by the values of these codes.
    pub(crate) fn round(
        &self,
        isa: Isa,
        ScaleArrays { scales, unrounded, rounded, wide, .. }: &mut ScaleArrays,
        codes: &mut [u8],
    ) {
        match self {
            Self::F32 => {
                let mut any = false;
                store_f32(isa, scales, codes, &mut any);
                // What becomes of an infinite scale is the policy's to say; few chunks have one.
                if any {
                    for (index, x) in scales.iter_mut().enumerate().filter(|(_, x)| x.is_infinite())
                    {
                        *x = f32::NAN;
                        unrounded.get_mut(index).into_iter().for_each(|x| *x = f32::NAN);
                    }
                }
            }
            Self::Float(finite) => {
                // Two passes over the same few hundred bytes, one for codes and one for values.
                let mut largest = 0;
                rounded.resize(scales.len(), 0.0);
                encode_finite(isa, finite, scales, codes, &mut largest);
                round_finite(isa, finite, scales, rounded, &mut largest);
                mem::swap(scales, rounded);
                // Rare: some scale was infinite, NaN or too large. Find which, one by one.
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
                // Codes of two bytes have their own array: `codes` has no alignment.
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

/// One f32 operation of a formula, with a constant c.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Multiplies: `x · c`.
    Times(f32),
    /// Divides: `x / c`.
    Over(f32),
    /// Divides the constant: `c / x`.
    Under(f32),
    /// Replaces numbers above c by c; NaN stays.
    AtMost(f32),
    /// Replaces numbers below c by c; NaN stays.
    AtLeast(f32),
    /// Replaces zeros by c.
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
    // The step is matched once for the array, not once for a number.
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
fn any_nan_body(numbers: &[f32], any: &mut bool) {
    // Without a branch for each number: in nearly every chunk there is none.
    *any |= numbers.iter().fold(false, |any, x| any | x.is_nan());
}

#[inline(always)]
fn store_f32_body(numbers: &[f32], codes: &mut [u8], any_infinite: &mut bool) {
    // Kept in an integer: a lane of a vector has its width.
    let mut any = 0;
    for (code, x) in codes.as_chunks_mut().0.iter_mut().zip(numbers) {
        *code = x.to_le_bytes();
        any |= u32::from(x.is_infinite());
    }
    *any_infinite |= any != 0;
}

#[inline(always)]
fn any_zero_body(numbers: &[f32], any: &mut bool) {
    *any |= numbers.iter().fold(false, |any, x| any | (*x == 0.0));
}

#[inline(always)]
fn refuse_body(divides: bool, [least, most]: [f32; 2], amax: &[u32], factors: &mut [f32]) {
    for (amax, factor) in amax.iter().zip(factors) {
        let amax = f32::from_bits(*amax);
        // A NaN factor fails every comparison and stays NaN.
        let largest = if divides { amax / *factor } else { amax * *factor };
        let size = factor.abs();
        *factor =
            if largest.is_finite() && size >= least && size <= most { *factor } else { f32::NAN };
    }
}

per_isa! {
    /// Applies one operation to every number.
    fn apply[](step: Step, numbers: &mut [f32]) = apply_body;
    /// Writes `value` where `numbers` has a zero; other entries stay.
    fn where_zero[](numbers: &[f32], value: f32, to: &mut [f32]) = where_zero_body;
    /// Finds whether some number is NaN.
    fn any_nan[](numbers: &[f32], any: &mut bool) = any_nan_body;
    /// Stores numbers as f32 scales, and finds whether some number is infinite.
    fn store_f32[](numbers: &[f32], codes: &mut [u8], any_infinite: &mut bool) = store_f32_body;
    /// Finds whether some number is zero.
    fn any_zero[](numbers: &[f32], any: &mut bool) = any_zero_body;
    /// Replaces by NaN the factors whose magnitudes lie outside of `range`, and those under which
    /// the block's largest number is not finite.
    fn refuse[](divides: bool, range: [f32; 2], amax: &[u32], factors: &mut [f32]) = refuse_body;
}
