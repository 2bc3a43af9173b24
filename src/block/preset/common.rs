//! Parts of schemes that several programs share.

use crate::block::{
    BlockSpec, Dequantization, Division, Extent, Metric, Nonfinite, Ratio, ScaleRule, Search,
};
use crate::policy::{Convert, Infinity};
use crate::round::Round;
use crate::spec::{FormatSpec, Table};

pub(super) const E4M3: FormatSpec = FormatSpec::F8E4M3;
pub(super) const E5M2: FormatSpec = FormatSpec::F8E5M2;

/// The largest element of NVFP4.
pub(super) const E2M1_MAX: f32 = FormatSpec::F4E2M1.max().to_f32();
/// The largest block scale of NVFP4.
pub(super) const UE4M3_MAX: f32 = FormatSpec::UE4M3.max().to_f32();

/// Why tensor scales found from the data change a dequantized tensor.
pub(super) const ROUNDED_PRODUCTS: &str = "amax comes back by rounded products";
/// Why scales without a lower bound change a dequantized tensor.
pub(super) const SUBNORMAL_SCALE: &str = "the scale of a subnormal amax can be zero";
/// Why scales of 1 for tiny blocks change a dequantized tensor.
pub(super) const ZERO_QUOTIENT: &str = "an amax whose quotient is zero has the scale 1";
/// Why zero points change a dequantized tensor.
pub(super) const ROUNDED_ZERO_POINT: &str = "a rounded zero point moves the ends of the range";

/// Blocks of 16 with UE4M3 scales `amax / max`, elements `x / s`, and no tensor scale.
pub(super) const fn block16(element: FormatSpec, max: f32, ratio: Ratio) -> BlockSpec {
    let rule = ScaleRule::Amax { target: max, ratio };
    BlockSpec::new(element, Some(FormatSpec::UE4M3), Extent::NVFP4, rule)
        .with_scale_convert(Convert::SATURATING.with_infinity(Infinity::Saturate))
        .with_nonfinite(Nonfinite::Count)
        .with_division(Division::Divide)
}

/// 4over6: a search between the plain scale and one 1.5 times as large, under which the largest
/// element becomes 4 instead of 6.
pub(super) const fn four_over_six(metric: Metric) -> Search {
    Search::new(Table::of(&[1.0, 1.5]), metric).with_dequantization(Dequantization::AmaxQuotient)
}

/// FP8 with f32 scales, the quotient `amax / max`.
pub(super) const fn fp8(element: FormatSpec, extent: Extent) -> BlockSpec {
    let rule = ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Divide };
    BlockSpec::new(element, Some(FormatSpec::F32), extent, rule)
}

/// A scheme with its scales rounded up to powers of two, stored as E8M0.
pub(super) const fn rounded_up(spec: BlockSpec) -> BlockSpec {
    BlockSpec {
        scale: Some(FormatSpec::E8M0),
        ..spec.with_scale_convert(Convert::SATURATING.with_round(Round::Up))
    }
}

/// The smallest scale of `DeepSeek`-V3.1 and `DeepGEMM`, which raise `amax` to at least 1e-4.
pub(super) const DEEPSEEK_MIN_SCALE: f32 = 1e-4 / E4M3.max().to_f32();
