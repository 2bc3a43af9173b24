//! Scales by kernels: how the largest magnitudes of many blocks become scale codes and factors,
//! with the bits of [`ScaleRule::ideal`] and [`BlockSpec::scale_of`]. A block for which a kernel's
//! formula might not hold is [`UNHANDLED`](super::UNHANDLED).

use crate::block::rule::{CEIL_CARRIES, FLOOR_CARRIES, Ratio, ScaleRule};
use crate::block::scheme::{Dequantization, Division, TensorScale};
use crate::block::spec::BlockSpec;
use crate::block::statistics::BlockStats;
use crate::codec::Unpacked;
use crate::kernel::{
    FactorUse, Formula, Isa, LEAST_DIVISOR, Logarithms, PowerRule, Powers, ScaleFormat,
    ScaleKernel, Start, Step,
};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, ZeroField};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How the scales of a scheme are computed, and what the factors made of them are for.
pub(super) struct ScalePlan {
    /// `None` if every block is left to the rule.
    pub(super) kernel: Option<ScaleKernel>,
    /// What the factors do to numbers.
    pub(super) factor_use: FactorUse,
}

/// What is known of scales beside the scheme.
#[derive(Clone, Copy)]
pub(super) struct ScaleDemand {
    /// The stored scale of the tensor.
    pub(super) tensor_scale: f32,
    /// How many scales a call makes: tables pay from some number on.
    pub(super) blocks: usize,
    /// What a search multiplies the rule's result by; 1 without one.
    pub(super) factor: f32,
    /// Whether the caller gives the scales.
    pub(super) given: bool,
    /// Whether factors are for restoring elements, not for scaling numbers.
    pub(super) restores: bool,
    /// Whether kernels of powers of two may serve, whose factors are always for products.
    pub(super) powers: bool,
}

impl ScalePlan {
    /// The plan for a scheme.
    pub(super) fn lower(isa: Isa, spec: &BlockSpec, demand: ScaleDemand) -> Self {
        // Kernels of powers of two make reciprocals of scales, and of the rule's own result: a
        // factor of a search may make ties, whose even code depends on the binade.
        let alone = demand.factor == 1.0 && !demand.restores && demand.powers;
        let powers = || lower_powers(spec).filter(|_| alone).map(ScaleKernel::Powers);
        let logarithms = |over, carries, shift| {
            lower_logarithms(spec, over, carries, shift)
                .filter(|_| alone)
                .map(ScaleKernel::Logarithms)
        };
        let formula = |start, ideal: Option<Vec<Step>>| {
            lower_formula(isa, spec, start, ideal?, demand)
                .map(|formula| ScaleKernel::Formula(Box::new(formula)))
        };
        let by_logarithms = |over, carries, shift| {
            logarithms(over, carries, shift).or_else(|| {
                let start = lower_logarithms(&power_alone(spec), over, carries, shift)
                    .map(PowerRule::Logarithms)?;
                formula(Start::Power(start), Some(Vec::new()))
            })
        };
        let quotient = |target, ratio| ratio_steps(spec, target, ratio, demand);
        let kernel = match spec.rule {
            // Whatever the rule: the caller has its result.
            _ if demand.given => formula(Start::Number, Some(Vec::new())),
            // Under a scale format with other numbers, or another use of the scale, the power of
            // two is the start of a formula.
            ScaleRule::Floor
            | ScaleRule::Ceil
            | ScaleRule::RoundUp
            | ScaleRule::Even { .. }
            | ScaleRule::Nearest => powers().or_else(|| {
                let start = lower_powers(&power_alone(spec)).map(PowerRule::Powers)?;
                formula(Start::Power(start), Some(Vec::new()))
            }),
            // Under rounding up only powers of two are ties; every other rounding has ties in each
            // binade, which the table of powers does not show.
            ScaleRule::Amax { target, ratio } if matches!(spec.scale_convert.round, Round::Up) => {
                powers().or_else(|| formula(Start::Amax, quotient(target, ratio)))
            }
            ScaleRule::Amax { target, ratio } => formula(Start::Amax, quotient(target, ratio)),
            ScaleRule::Log2Floor => by_logarithms(1.0, &FLOOR_CARRIES, spec.element.max_exponent()),
            ScaleRule::Log2Ceil { target } => by_logarithms(target, &CEIL_CARRIES, 0),
            // A range of zeros has a difference with a sign of its own: the substitute for zero
            // hides it, or the block is the rule's.
            ScaleRule::Range { steps, .. } if !has_tensor_scale(spec) => {
                formula(Start::Range, Some(Vec::from([Step::Over(steps)])))
            }
            ScaleRule::SignedMax { target } if !has_bounds(spec) => {
                formula(Start::Number, Some(Vec::from([Step::Over(target)])))
            }
            ScaleRule::Fixed(scale) => formula(Start::Constant(scale), Some(Vec::new())),
            ScaleRule::Custom(rule) => rule
                .function_of_amax()
                .and_then(|function| formula(Start::Function(function), Some(Vec::new()))),
            ScaleRule::Unit => Some(ScaleKernel::Unit),
            ScaleRule::Range { .. } | ScaleRule::SignedMax { .. } | ScaleRule::Given => None,
        };
        let factor_use = match &kernel {
            // A quotient by a power of two is a product, and by 1 nothing.
            Some(ScaleKernel::Powers(_) | ScaleKernel::Logarithms(_) | ScaleKernel::Unit) => {
                FactorUse::Times
            }
            Some(ScaleKernel::Formula(formula)) => formula.factor_use,
            None => factor_use(spec),
        };
        Self { kernel, factor_use }
    }

    /// Whether all factors are powers of two.
    pub(super) const fn makes_powers_of_two(&self) -> bool {
        match self.kernel {
            Some(ScaleKernel::Powers(_) | ScaleKernel::Logarithms(_) | ScaleKernel::Unit) => true,
            Some(ScaleKernel::Formula(_)) | None => false,
        }
    }

    /// Whether scaled numbers stay below 1e30, and blocks with subnormal maxima are the rule's.
    pub(super) const fn bounds_scaled_numbers(&self) -> bool {
        match self.kernel {
            Some(ScaleKernel::Powers(_) | ScaleKernel::Logarithms(_)) => true,
            Some(ScaleKernel::Formula(_) | ScaleKernel::Unit) | None => false,
        }
    }

    /// Whether rounded scales are left in [`ScaleArrays::scales`](kernel::ScaleArrays).
    pub(super) const fn leaves_scales(&self) -> bool {
        matches!(self.kernel, Some(ScaleKernel::Formula(_)))
    }
}

const fn has_tensor_scale(spec: &BlockSpec) -> bool {
    match spec.tensor_scale {
        TensorScale::None => false,
        TensorScale::Multiplier { .. } | TensorScale::Divisor { .. } | TensorScale::Amax { .. } => {
            true
        }
    }
}

/// What factors are for, where they are not of a kernel of powers of two.
fn factor_use(spec: &BlockSpec) -> FactorUse {
    match FactorUse::of(spec.division) {
        _ if divides_by_powers(spec) => FactorUse::Times,
        FactorUse::Exact if divides_in_f32(spec) => FactorUse::Over,
        FactorUse::Exact if !divides_to_odd(spec) => FactorUse::Times,
        factor_use => factor_use,
    }
}

/// Whether quotients are those by powers of two, and so products with normal reciprocals.
fn divides_by_powers(spec: &BlockSpec) -> bool {
    let divides = matches!(
        spec.division,
        Division::Exact | Division::Divide | Division::DivideQuotient | Division::DivideIeee
    );
    divides && scales_by_powers(spec).is_some()
}

/// Whether exact quotients are rounded to f32 before a program's own rounding sees them.
fn divides_in_f32(spec: &BlockSpec) -> bool {
    spec.scale.is_some() && !has_tensor_scale(spec) && !spec.element_rounding.rounds_once()
}

/// Whether scales are clamped.
fn has_bounds(spec: &BlockSpec) -> bool {
    spec.scale_bounds != (0.0, f32::INFINITY)
}

/// Whether exact quotients may be made by f32 divisions that round to odd: the divisor is an f32
/// itself, as every scale of at most 16 bits is, and every F32 scale.
fn divides_to_odd(spec: &BlockSpec) -> bool {
    spec.scale.is_some()
        && !has_tensor_scale(spec)
        && !divides_in_f32(spec)
        && spec.takes_odd_quotients()
}

/// A scheme whose scales are the powers of two of this one's rule, in E8M0 as they are.
fn power_alone(spec: &BlockSpec) -> BlockSpec {
    let plain = BlockSpec::new(spec.element, Some(FormatSpec::E8M0), spec.extent, spec.rule);
    plain.with_division(Division::Reciprocal)
}

/// Whether a format has powers of two alone, of at most 8 bits.
fn has_powers_alone(format: &FormatSpec) -> bool {
    let Encoding::Float(layout) = format.encoding() else { return false };
    layout.mantissa_bits == 0
        && !layout.signed
        && matches!(layout.zero_field, ZeroField::Normals)
        && format.bits() <= 8
}

/// The format of a scheme whose scales are powers of two, of at most 8 bits, by `amax` alone, and
/// whose scaled elements are one multiplication away.
fn scales_by_powers(spec: &BlockSpec) -> Option<&FormatSpec> {
    let format = spec.scale.as_ref()?;
    let times = match spec.division {
        Division::Exact => spec.rounds_tiny_to_zero(),
        Division::UnroundedReciprocal => false,
        Division::Divide
        | Division::DivideQuotient
        | Division::Reciprocal
        | Division::TensorReciprocal
        | Division::InverseReciprocal
        | Division::ClampedReciprocal
        | Division::FlooredReciprocal
        | Division::DivideIeee => true,
    };
    (has_powers_alone(format) && !has_tensor_scale(spec) && times).then_some(format)
}

/// The first and the last code whose scales are no subnormal f32s nor one step from them, are
/// within the bounds, and have no divisors of their own; `bias` is a code less its exponent.
fn usual_codes(spec: &BlockSpec, format: &FormatSpec, bias: i32) -> Option<(u32, u32)> {
    let (low, high) = spec.scale_bounds;
    let largest = format.max_code() as i32;
    let inside = |x: f32| (Unpacked::from_f32(x).log2() as i32).saturating_add(bias);
    let low = if low > 0.0 { inside(low) + 2 } else { 0 }.max(bias - 125).max(1);
    let high =
        if high.is_finite() { inside(high) - 2 } else { largest }.min(bias + 125).min(largest - 1);
    let clear = spec.divisors.iter().all(|(code, _)| !(low..=high).contains(&(*code as i32)));
    (clear && low <= high && bias.unsigned_abs() <= 500).then_some((low as u32, high as u32))
}

/// Parameters of [`kernel::powers`], read off the rule itself.
///
/// A rule of powers of two sees an exponent and a mantissa, and so do f32 quotients and products as
/// long as they are normal numbers: its codes in one binade say those of all. There the code is one
/// of two neighbours, the upper from some mantissa on, which is bisected.
fn lower_powers(spec: &BlockSpec) -> Option<Powers> {
    const MANTISSA: u32 = 0x007F_FFFF;
    let format = scales_by_powers(spec)?;
    let stats = |amax| BlockStats { amax, ..BlockStats::EMPTY };
    let code = |amax: f32| spec.scale_of(&stats(amax), 1.0, 1.0).code;
    // A binade in the middle, so that neither the scale nor the way to it is at an edge.
    let base = Unpacked::new(false, 1, spec.element.max_exponent().clamp(-60, 60)).to_f32();
    let with_mantissa = |mantissa: u32| f32::from_bits(base.to_bits() | mantissa);
    let (first, last) = (code(base), code(with_mantissa(MANTISSA)));
    let step = match last.checked_sub(first)? {
        0 => 1 << 23,
        // The first mantissa of the upper code.
        1 => {
            let (mut below, mut from) = (0, MANTISSA);
            while from - below > 1 {
                let middle = below.midpoint(from);
                *(if code(with_mantissa(middle)) == first { &mut below } else { &mut from }) =
                    middle;
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

/// Parameters of [`kernel::logarithms`] for rules by f32 logarithms of `amax / over`, whose
/// thresholds depend on the binade.
fn lower_logarithms(
    spec: &BlockSpec,
    over: f32,
    carries: &'static [u32; 256],
    shift: i32,
) -> Option<Logarithms> {
    let format = scales_by_powers(spec)?;
    // Scaled numbers stay far from infinity.
    if !(over < 1.0e30 && spec.element.max_exponent() < 100) {
        return None;
    }
    // Every code in the middle is as far ahead of its exponent as this one.
    let middle = format.max_code() / 2;
    let bias = middle as i32 - format.decode(middle).log2() as i32;
    let (low, high) = usual_codes(spec, format, bias)?;
    let powers = Powers {
        carry: 0,
        less: u32::try_from(127 + shift - bias).ok()?,
        low,
        high,
        top: u32::try_from(127 + bias).ok()?,
    };
    Some(Logarithms::new(over, carries, powers))
}

/// The steps of [`ScaleRule::Amax`] from the largest magnitude to the scale; under
/// [`Ratio::Inverse`] to the factor, whose inverse is the scale.
fn ratio_steps(
    spec: &BlockSpec,
    target: f32,
    ratio: Ratio,
    demand: ScaleDemand,
) -> Option<Vec<Step>> {
    let t = spec.tensor_scale.factor(demand.tensor_scale);
    let scaled = has_tensor_scale(spec);
    Some(match ratio {
        Ratio::Divide => Vec::from([Step::Over(target * t)]),
        Ratio::Multiply if scaled => {
            Vec::from([Step::Times(t * (1.0 / target)), Step::AtMost(f32::MAX)])
        }
        Ratio::Multiply => Vec::from([Step::Times(1.0 / target)]),
        Ratio::DivideTwice => Vec::from([Step::Over(target), Step::Over(t)]),
        Ratio::MultiplyQuotient => Vec::from([Step::Over(target), Step::Times(t)]),
        // The rule's reciprocal is an f64; rounded to the nearest f32 that is what an f32 division
        // makes, if nothing else happens to it.
        Ratio::Inverse
            if matches!(spec.division, Division::UnroundedReciprocal)
                && spec.scale == Some(FormatSpec::F32)
                && matches!(spec.scale_convert.round, Round::NearestEven)
                && !has_bounds(spec)
                && !scaled
                && demand.factor == 1.0 =>
        {
            Vec::from([Step::Under(target), Step::AtMost(f32::MAX)])
        }
        Ratio::Inverse => return None,
    })
}

/// The steps from a scale to the factor that numbers are multiplied or divided by, and the factor
/// under a scale of zero, where the steps do not give it; `None` where the factor is no f32.
fn factor_steps(spec: &BlockSpec, t: f32) -> Option<(Vec<Step>, Option<f32>)> {
    Some(match spec.division {
        // A normal reciprocal of a power of two is exact, and an element of a subnormal product is
        // that of the quotient.
        _ if divides_by_powers(spec) => (Vec::from([Step::Under(1.0)]), None),
        Division::Exact if divides_to_odd(spec) => (Vec::new(), None),
        // A program's own rounding sees the quotient as an f32: that of a division.
        Division::Exact if divides_in_f32(spec) => (Vec::new(), Some(f32::INFINITY)),
        Division::Exact => return None,
        Division::Divide => (Vec::from([Step::Times(t)]), Some(f32::INFINITY)),
        Division::DivideIeee => (Vec::from([Step::Times(t)]), None),
        Division::DivideQuotient => (Vec::from([Step::Over(t)]), Some(f32::INFINITY)),
        Division::Reciprocal => (Vec::from([Step::Times(t), Step::Under(1.0)]), Some(0.0)),
        Division::TensorReciprocal => (Vec::from([Step::Under(1.0 / t)]), Some(0.0)),
        Division::InverseReciprocal => {
            (Vec::from([Step::Times(1.0 / t), Step::Under(1.0)]), Some(0.0))
        }
        Division::ClampedReciprocal => {
            (Vec::from([Step::Times(1.0 / t), Step::Under(1.0), Step::AtMost(f32::MAX)]), None)
        }
        Division::FlooredReciprocal => {
            (Vec::from([Step::Times(t), Step::AtLeast(1e-38), Step::Under(1.0)]), None)
        }
        Division::UnroundedReciprocal => (Vec::from([Step::Under(1.0)]), Some(0.0)),
    })
}

/// The steps from a scale to what elements are multiplied by to come back; `None` where that is not
/// one product.
fn restoring_steps(spec: &BlockSpec, tensor_scale: f32) -> Option<Vec<Step>> {
    match spec.dequantization {
        Dequantization::Product => Some(Vec::from([Step::Times(tensor_scale)])),
        Dequantization::Quotient => Some(Vec::from([Step::Over(tensor_scale)])),
        Dequantization::AmaxProduct => {
            let target = spec.tensor_scale.target();
            Some(Vec::from([Step::Times(tensor_scale), Step::Times(1.0 / target)]))
        }
        Dequantization::ProductPlusZero | Dequantization::AmaxQuotient => None,
    }
}

/// The formula of a rule: from its start by these steps to the scale, and on to the factor.
fn lower_formula(
    isa: Isa,
    spec: &BlockSpec,
    start: Start,
    mut ideal: Vec<Step>,
    demand: ScaleDemand,
) -> Option<Formula> {
    let format = spec.scale.as_ref()?;
    let t = spec.tensor_scale.factor(demand.tensor_scale);
    let (low, high) = spec.scale_bounds;
    // A substitute of -0 is for blocks of zeros alone, which the steps cannot tell from quotients
    // that underflow. Signed maxima have none: their blocks of zeros are the rule's.
    let by_rule = matches!(start, Start::Number);
    if !by_rule && spec.zero_block_scale == 0.0 && spec.zero_block_scale.is_sign_negative() {
        return None;
    }
    let unrounded = matches!(spec.division, Division::UnroundedReciprocal) && !demand.restores;
    let (mut factor, under_zero, factor_use) = if demand.restores {
        (restoring_steps(spec, demand.tensor_scale)?, None, FactorUse::Times)
    } else {
        let (steps, under_zero) = factor_steps(spec, t)?;
        (steps, under_zero, factor_use(spec))
    };
    let range = match (factor_use, spec.division) {
        (FactorUse::Exact, _) => [LEAST_DIVISOR, f32::MAX],
        // Subnormal reciprocals of powers of two are left to the rule.
        _ if divides_by_powers(spec) && !demand.restores => [f32::MIN_POSITIVE, f32::MAX],
        (FactorUse::Times | FactorUse::Over, _) => [0.0, f32::INFINITY],
    };
    let inverted = matches!(spec.rule, ScaleRule::Amax { ratio: Ratio::Inverse, .. });
    let mut inverse = (inverted && !demand.given).then(|| Vec::from([Step::Under(1.0)]));
    // The rule has some of these constants as f64s. An f32 that overflowed or is subnormal may
    // differ from them.
    let sound = |step: &Step| match *step {
        Step::Times(c) | Step::Over(c) | Step::Under(c) => c.is_normal(),
        Step::AtMost(_) | Step::AtLeast(_) | Step::ForZero(_) => true,
    };
    if !ideal.iter().chain(&factor).all(sound) {
        return None;
    }
    factor.retain(|step| !matches!(step, Step::Times(1.0) | Step::Over(1.0)));
    let to_scale = inverse.as_mut().unwrap_or(&mut ideal);
    // A given scale is no result of the rule, and is not replaced. A search does not multiply what
    // replaces a result: its candidates leave such blocks to the rule.
    if spec.zero_block_scale > 0.0 && !demand.given {
        let replaced = if demand.factor == 1.0 { spec.zero_block_scale } else { f32::NAN };
        to_scale.push(Step::ForZero(replaced));
    }
    if demand.factor != 1.0 {
        to_scale.push(Step::Times(demand.factor));
    }
    if low > 0.0 {
        to_scale.push(Step::AtLeast(low));
    }
    if high < f32::INFINITY {
        to_scale.push(Step::AtMost(high));
    }
    let vanished = (spec.underflow_scale > 0.0).then(|| {
        let code =
            format.encode_f64_with(f64::from(spec.underflow_scale), &spec.scale_convert, 0).code;
        (code, format.decode_f32(code))
    });
    let format = ScaleFormat::lower(isa, format, &spec.scale_convert, demand.blocks)?;
    Some(Formula {
        start,
        ideal,
        inverse,
        format,
        vanished,
        factor,
        unrounded,
        under_zero,
        factor_use,
        range,
    })
}
