//! Scales of many blocks at a time, from their largest magnitudes: the same bits as `block`'s rules, by array operations where a rule is
//! a few of them. Blocks for which a formula might not hold are left to the rule itself.

use crate::block::{Apply, BlockSpec, BlockStats, LEAST_DIVISOR, Ratio, ScaleRule, Scaling, TensorScale, logarithm_carries, store};
use crate::codec::Unpacked;
use crate::kernel::{self, DecodeBytes, DecodeWide, Encoder, Isa, Logarithms, Over, OverToOdd, Powers, Step, Times};
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, ZeroField};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How scales come from largest magnitudes.
pub(super) enum Scales {
    /// Powers of two, by the exponents' bits.
    Powers(Powers),
    /// Powers of two, by f32 logarithms.
    Logarithms(Logarithms),
    /// By f32 formulas.
    Formula(Box<Formula>),
    /// One by one, by the rule.
    Each,
}

/// Formulas of the rule and of what elements are multiplied or divided by.
pub(super) struct Formula {
    /// From the largest magnitude or the range to the scale before it is rounded.
    ideal: Vec<Step>,
    /// From there to the scale, if what has been computed is the factor: [`Ratio::Inverse`].
    reciprocal: Option<Step>,
    /// Clamps and substitutes.
    clamp: Vec<Step>,
    format: Format,
    vanished: Option<(u32, f32)>,
    /// From the scale to the factor.
    factor: Vec<Step>,
    /// Whether that is the scale before it was rounded.
    unrounded: bool,
    /// The factor under a scale of zero, if the formula does not say.
    under_zero: Option<f32>,
}

/// A format of scales.
enum Format {
    F32,
    Byte(Encoder, Box<DecodeBytes>),
    Half(Encoder, DecodeWide),
}

/// Of blocks the largest magnitudes, as bits, and for rules that ask for them the smallest and the largest numbers.
#[derive(Clone, Copy)]
pub(super) struct Stats<'a> {
    pub(super) amax: &'a [u32],
    pub(super) ranges: Option<&'a [[f32; 2]]>,
}

/// Arrays that are used again.
#[derive(Default)]
pub(super) struct Arrays {
    /// Of formulas the rounded scales.
    pub(super) scales: Vec<f32>,
    unrounded: Vec<f32>,
    wide: Vec<u16>,
}

impl Scales {
    /// The way for a spec, a tensor scale and so many blocks, and what its factors are.
    pub(super) fn lower(isa: Isa, spec: &BlockSpec, tensor: f32, blocks: usize) -> (Self, Scaling) {
        let divides = matches!(spec.apply, Apply::Divide | Apply::DivideQuotient | Apply::DivideIeee);
        if let Some(powers) = lower_powers(spec) {
            return (Self::Powers(powers), Scaling::Times);
        }
        if let Some(logarithms) = lower_logarithms(spec) {
            return (Self::Logarithms(logarithms), Scaling::Times);
        }
        let scaling = match spec.apply {
            _ if divides => Scaling::Over,
            Apply::Exact if spec.scale == Some(FormatSpec::F32) && spec.takes_odd_quotients() => Scaling::Exact,
            _ => Scaling::Times,
        };
        (Formula::lower(isa, spec, tensor, blocks).map_or(Self::Each, |formula| Self::Formula(Box::new(formula))), scaling)
    }

    /// Codes, and factors for finite numbers: NaN where the block has to take the long way. Formulas start from the ranges, if there are any.
    pub(super) fn run(
        &self,
        isa: Isa,
        scaling: Scaling,
        stats: Stats<'_>,
        codes: &mut [u8],
        factors: &mut [f32],
        arrays: &mut Arrays,
    ) {
        let amax = stats.amax;
        match self {
            Self::Powers(rule) => kernel::powers(isa, rule, amax, codes, factors),
            Self::Logarithms(rule) => kernel::logarithms(isa, rule, amax, codes, factors),
            Self::Formula(formula) => {
                formula.run(isa, stats, codes, factors, arrays);
                match scaling {
                    Scaling::Times => kernel::refuse(isa, Times, amax, factors),
                    Scaling::Over => kernel::refuse(isa, Over, amax, factors),
                    Scaling::Exact => {
                        kernel::refuse(isa, OverToOdd, amax, factors);
                        factors.iter_mut().filter(|factor| **factor < LEAST_DIVISOR).for_each(|factor| *factor = f32::NAN);
                    }
                }
            }
            Self::Each => factors.fill(f32::NAN),
        }
    }
}

/// Whether a spec's scales are powers of two in a format of at most 8 bits that depend on `amax` alone, and
/// scaled elements are one multiplication away.
fn scales_by_powers(spec: &BlockSpec) -> Option<&FormatSpec> {
    let format = spec.scale.as_ref()?;
    let Encoding::Float(layout) = format.encoding() else { return None };
    let powers = layout.mantissa_bits == 0 && !layout.signed && matches!(layout.zero_field, ZeroField::Normals);
    let alone = matches!(spec.tensor_scale, TensorScale::None) && spec.search.is_none() && spec.flush_below == 0.0;
    let times = match spec.apply {
        Apply::Exact => spec.rounds_tiny_to_zero(),
        Apply::UnroundedReciprocal => false,
        _ => true,
    };
    (powers && format.bits() <= 8 && alone && times).then_some(format)
}

/// The codes whose scales are no subnormal f32s nor one step from them, no bounds, and without divisors of their
/// own; `bias` is what a code is ahead of its exponent.
fn usual_codes(spec: &BlockSpec, format: &FormatSpec, bias: i32) -> Option<(u32, u32)> {
    let (low, high) = spec.scale_bounds;
    let largest = format.max_code() as i32;
    let inside = |x: f32| (Unpacked::from_f32(x).log2() as i32).saturating_add(bias);
    let low = if low > 0.0 { inside(low) + 2 } else { 0 }.max(bias - 125).max(1);
    let high = if high.is_finite() { inside(high) - 2 } else { largest }.min(bias + 125).min(largest - 1);
    let clear = spec.divisors.iter().all(|(code, _)| !(low..=high).contains(&(*code as i32)));
    (clear && low <= high && bias.unsigned_abs() <= 500).then_some((low as u32, high as u32))
}

/// The codes of the rule in one binade say those of all: every rule of powers of two sees exponent and mantissa alone, and so do f32
/// quotients and products as long as they are normal numbers.
fn lower_powers(spec: &BlockSpec) -> Option<Powers> {
    let format = scales_by_powers(spec)?;
    let by_exponent = matches!(
        spec.rule,
        ScaleRule::Floor
            | ScaleRule::Ceil
            | ScaleRule::RoundUp
            | ScaleRule::Even { .. }
            | ScaleRule::Nearest
            | ScaleRule::Amax { .. }
    );
    // Of a quotient the rounding up depends on a power of two being one; others would have to be looked at at every tie.
    let up = matches!(spec.scale_convert.round, Round::Up) || !matches!(spec.rule, ScaleRule::Amax { .. });
    if !(by_exponent && up) {
        return None;
    }
    let code = |amax: f32| spec.scale_of(&BlockStats { amax, ..BlockStats::EMPTY }, 1.0, 1.0).code;
    // A binade in the middle, so that neither the scale nor the way to it is at an edge.
    let base = Unpacked::new(false, 1, spec.element.max_exponent().clamp(-60, 60)).to_f32();
    let with_mantissa = |mantissa: u32| f32::from_bits(base.to_bits() | mantissa);
    const MANTISSA: u32 = 0x007F_FFFF;
    let (first, last) = (code(base), code(with_mantissa(MANTISSA)));
    let step = match last.checked_sub(first)? {
        0 => 1 << 23,
        // The first mantissa of the upper code.
        1 => {
            let (mut below, mut from) = (0, MANTISSA);
            while from - below > 1 {
                let middle = below.midpoint(from);
                *(if code(with_mantissa(middle)) == first { &mut below } else { &mut from }) = middle;
            }
            from
        }
        _ => return None,
    };
    let less = (base.to_bits() >> 23).checked_sub(first)?;
    let bias = first as i32 - format.decode(first).log2() as i32;
    let (low, high) = usual_codes(spec, format, bias)?;
    // The binade looked at must not be one whose scale is clamped or substituted.
    if ![first, last].iter().all(|code| (low..=high).contains(code)) {
        return None;
    }
    let top = u32::try_from(127 + bias).ok()?;
    let powers = Powers { carry: (1 << 23) - step, less, low, high, top };
    // Scaled numbers stay far from infinity.
    let scaled = f64::from(with_mantissa(MANTISSA)) / format.decode_f64(first);
    (scaled < f64::from(1.0e30f32)).then_some(powers)
}

/// Rules by f32 logarithms, whose thresholds depend on the binade.
fn lower_logarithms(spec: &BlockSpec) -> Option<Logarithms> {
    static FLOOR: [u32; 256] = logarithm_carries(false);
    static CEIL: [u32; 256] = logarithm_carries(true);
    let format = scales_by_powers(spec)?;
    let emax = spec.element.max_exponent();
    let (over, carries, shift) = match spec.rule {
        ScaleRule::Log2Floor => (1.0, &FLOOR, emax),
        ScaleRule::Log2Ceil { target } => (target, &CEIL, 0),
        _ => return None,
    };
    // Scaled numbers stay far from infinity.
    if !(over < 1.0e30 && emax < 100) {
        return None;
    }
    // Every code in the middle is as far ahead of its exponent as this one.
    let middle = format.max_code() / 2;
    let bias = middle as i32 - format.decode(middle).log2() as i32;
    let (low, high) = usual_codes(spec, format, bias)?;
    let powers =
        Powers { carry: 0, less: u32::try_from(127 + shift - bias).ok()?, low, high, top: u32::try_from(127 + bias).ok()? };
    Some(Logarithms { over, carries, powers })
}

impl Formula {
    fn lower(isa: Isa, spec: &BlockSpec, tensor: f32, blocks: usize) -> Option<Self> {
        let format = spec.scale.as_ref()?;
        if spec.search.is_some() || spec.flush_below > 0.0 || !spec.divisors.is_empty() {
            return None;
        }
        let t = spec.tensor_scale.factor(tensor);
        let scaled = !matches!(spec.tensor_scale, TensorScale::None);
        let unrounded = matches!(spec.apply, Apply::UnroundedReciprocal);
        let nearest_f32 = *format == FormatSpec::F32 && matches!(spec.scale_convert.round, Round::NearestEven);
        let (low, high) = spec.scale_bounds;
        let mut ideal = Vec::new();
        let (target, ratio) = match spec.rule {
            ScaleRule::Amax { target, ratio } => (target, ratio),
            // A difference of zeros has a sign of its own.
            ScaleRule::Range { steps, with_zero: true } if spec.zero_scale > 0.0 && !scaled => (steps, Ratio::Divide),
            _ => return None,
        };
        match ratio {
            Ratio::Divide => ideal.push(Step::Over(target * t)),
            Ratio::Multiply if scaled => ideal.extend([Step::Times(t * (1.0 / target)), Step::AtMost(f32::MAX)]),
            Ratio::Multiply => ideal.push(Step::Times(1.0 / target)),
            Ratio::DivideTwice => ideal.extend([Step::Over(target), Step::Over(t)]),
            Ratio::MultiplyQuotient => ideal.extend([Step::Over(target), Step::Times(t)]),
            // Its reciprocal is an f64; rounded to the nearest f32 that is what an f32 division makes.
            Ratio::Inverse if unrounded && nearest_f32 && low == 0.0 && high == f32::INFINITY && !scaled => {
                ideal.extend([Step::Under(target), Step::AtMost(f32::MAX)]);
            }
            Ratio::Inverse => return None,
        }
        let reciprocal = matches!(ratio, Ratio::Inverse).then_some(Step::Under(1.0));
        // A substitute of -0 is for blocks of zeros alone, which the steps cannot tell from quotients that underflow.
        if spec.zero_scale == 0.0 && spec.zero_scale.is_sign_negative() {
            return None;
        }
        let mut clamp = Vec::new();
        if spec.zero_scale.to_bits() != 0 {
            clamp.push(Step::ForZero(spec.zero_scale));
        }
        if low > 0.0 {
            clamp.push(Step::AtLeast(low));
        }
        if high < f32::INFINITY {
            clamp.push(Step::AtMost(high));
        }
        let vanished = (spec.vanished_scale > 0.0).then(|| {
            let code = format.encode_f64_with(f64::from(spec.vanished_scale), &spec.scale_convert, 0).code;
            (code, format.decode_f32(code))
        });
        let mut factor = Vec::new();
        match spec.apply {
            Apply::Exact if !scaled && *format == FormatSpec::F32 && spec.takes_odd_quotients() => {}
            Apply::Exact => return None,
            Apply::Divide | Apply::DivideIeee => factor.push(Step::Times(t)),
            Apply::DivideQuotient => factor.push(Step::Over(t)),
            Apply::Reciprocal => factor.extend([Step::Times(t), Step::Under(1.0)]),
            Apply::TensorReciprocal => factor.push(Step::Under(1.0 / t)),
            Apply::InverseReciprocal => factor.extend([Step::Times(1.0 / t), Step::Under(1.0)]),
            Apply::ClampedReciprocal => factor.extend([Step::Times(1.0 / t), Step::Under(1.0), Step::AtMost(f32::MAX)]),
            Apply::FlooredReciprocal => factor.extend([Step::Times(t), Step::AtLeast(1e-38), Step::Under(1.0)]),
            Apply::UnroundedReciprocal => factor.push(Step::Under(1.0)),
        }
        // Formulas with a number that is none, or not exact where the rule has an f64, are the rule's.
        let sound = |step: &Step| match *step {
            Step::Times(c) | Step::Over(c) | Step::Under(c) => c.is_normal(),
            _ => true,
        };
        if !ideal.iter().chain(&factor).all(sound) {
            return None;
        }
        factor.retain(|step| !matches!(step, Step::Times(1.0) | Step::Over(1.0)));
        let under_zero = match spec.apply {
            Apply::ClampedReciprocal | Apply::FlooredReciprocal | Apply::DivideIeee | Apply::Exact => None,
            Apply::Divide | Apply::DivideQuotient => Some(f32::INFINITY),
            _ => Some(0.0),
        };
        let format = Format::lower(isa, format, &spec.scale_convert, blocks)?;
        let mut largest = [f32::MAX];
        ideal.iter().chain(&reciprocal).chain(&clamp).for_each(|step| kernel::apply(isa, *step, &mut largest));
        // An infinite scale in f32 is the policy's.
        if matches!(format, Format::F32) && !largest[0].is_finite() {
            return None;
        }
        Some(Self { ideal, reciprocal, clamp, format, vanished, factor, unrounded, under_zero })
    }

    fn run(&self, isa: Isa, stats: Stats<'_>, codes: &mut [u8], factors: &mut [f32], arrays: &mut Arrays) {
        let amax = stats.amax;
        let numbers = &mut arrays.scales;
        let steps = |steps: &[Step], numbers: &mut [f32]| steps.iter().for_each(|step| kernel::apply(isa, *step, numbers));
        numbers.clear();
        match stats.ranges {
            Some(ranges) => numbers.extend(ranges.iter().map(|[low, high]| high - low)),
            None => numbers.extend(amax.iter().map(|&bits| f32::from_bits(bits))),
        }
        steps(&self.ideal, numbers);
        if let Some(reciprocal) = self.reciprocal {
            factors.copy_from_slice(numbers);
            kernel::apply(isa, reciprocal, numbers);
        }
        steps(&self.clamp, numbers);
        let unrounded = &mut arrays.unrounded;
        unrounded.clear();
        if self.unrounded {
            unrounded.extend_from_slice(numbers);
        }
        self.format.round(numbers, codes, &mut arrays.wide);
        if let Some((code, scale)) = &self.vanished {
            for (index, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number == 0.0) {
                *number = *scale;
                store(codes, self.format.bytes(), index, *code);
            }
        }
        if self.reciprocal.is_some() {
            // Of zero the rule says something else.
            let zeros = amax.iter().zip(factors).filter(|(amax, _)| **amax == 0);
            return zeros.for_each(|(_, factor)| *factor = f32::NAN);
        }
        let scales = if self.unrounded { unrounded } else { numbers };
        factors.copy_from_slice(scales);
        steps(&self.factor, factors);
        if let Some(factor) = self.under_zero {
            kernel::where_zero(isa, scales, factor, factors);
        }
    }
}

impl Format {
    fn lower(isa: Isa, format: &FormatSpec, convert: &Convert, blocks: usize) -> Option<Self> {
        match format.bits() {
            _ if *format == FormatSpec::F32 => matches!(convert.subnormal_inputs, SubnormalInputs::Keep).then_some(Self::F32),
            0..=8 => Some(Self::Byte(Encoder::lower(isa, format, convert, blocks)?, Box::new(DecodeBytes::lower(isa, format)))),
            9..=16 => Some(Self::Half(Encoder::lower(isa, format, convert, blocks)?, DecodeWide::lower(isa, format)?)),
            _ => None,
        }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Byte(..) => 1,
            Self::Half(..) => 2,
        }
    }

    /// Codes of numbers, and what they come back as.
    fn round(&self, numbers: &mut [f32], codes: &mut [u8], wide: &mut Vec<u16>) {
        match self {
            Self::F32 => codes.as_chunks_mut().0.iter_mut().zip(numbers).for_each(|(code, x)| *code = x.to_le_bytes()),
            Self::Byte(encode, decode) => {
                encode.encode(numbers, codes, Dither::NONE);
                decode.decode(codes, numbers);
            }
            Self::Half(encode, decode) => {
                wide.resize(numbers.len(), 0);
                encode.encode(numbers, wide, Dither::NONE);
                decode.decode(wide, numbers);
                codes.as_chunks_mut().0.iter_mut().zip(wide).for_each(|(code, x)| *code = x.to_le_bytes());
            }
        }
    }
}
