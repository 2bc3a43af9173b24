//! [`BlockSpec`]: everything that defines a block-scaled scheme, as data.

use super::rule::ScaleRule;
use super::scheme::{
    Codebooks, Dequantization, Division, ElementRounding, Extent, Nonfinite, Offset, ScaleSigns,
    Search, SubScale, TensorScale, ZeroMinimum, ZeroSign,
};
use crate::policy::{Convert, with_methods};
use crate::round::Round;
use crate::spec::{FormatSpec, Table};

/// A block-scaled scheme: the elements, their scales, how the scales are found and how they are
/// applied.
///
/// Start from a constant of [`preset`](super::preset) or from [`new`](Self::new), and change parts
/// with the `with_` methods. Nothing is checked until [`validate`](Self::validate), which every
/// call that takes a spec makes.
///
/// ```
/// use subhalf::{BlockSpec, Extent, FormatSpec, QuantTensor, ScaleRule};
/// let extent = Extent::Block { rows: 1, cols: 4 };
/// let spec = BlockSpec::new(FormatSpec::F4E2M1, Some(FormatSpec::E8M0), extent, ScaleRule::Floor);
/// let x = [0.1f32, -0.4, 0.75, 0.2, 96.0, 1.0, 20.0, 48.0];
/// let tensor = QuantTensor::quantize(&spec, &x, &[2, 4])?;
/// assert_eq!(tensor.dequantize(), [0.125, -0.375, 0.75, 0.1875, 96.0, 0.0, 16.0, 48.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BlockSpec {
    /// The format of the elements.
    pub element: FormatSpec,
    /// The rounding and policy of the elements.
    pub element_convert: Convert,
    /// How x divided by its scale is rounded to a code, and where a zero point comes in.
    pub element_rounding: ElementRounding,
    /// Which elements that are zero are stored as −0, in element formats that have it.
    pub zero_sign: ZeroSign,
    /// The format of the scales: E8M0, UE4M3, F16, BF16, F32, …; `None` for elements that stand for
    /// themselves.
    pub scale: Option<FormatSpec>,
    /// The rounding and policy of the scales.
    pub scale_convert: Convert,
    /// Which elements share a scale.
    pub extent: Extent,
    /// How a scale is found from the elements of its block.
    pub rule: ScaleRule,
    /// What the rule's result is clamped to before it is rounded, zero too.
    pub scale_bounds: (f32, f32),
    /// The rule's result for a block of nothing but zeros, and in place of a result of zero; −0 is
    /// for blocks of zeros alone; +0 leaves the result, with its sign.
    pub zero_block_scale: f32,
    /// The scale in place of one that was rounded to zero; 0 leaves it.
    pub underflow_scale: f32,
    /// Scale codes whose elements are divided by another number than the scale: pairs of a code and
    /// that number.
    pub divisors: Table<(u32, f32), 4>,
    /// Blocks whose `amax` is below this become zeros; their scale is that of the rule.
    pub flush_below: f32,
    /// Other candidates for the scale, and how the best is chosen.
    pub search: Option<Search>,
    /// The scale of the whole tensor.
    pub tensor_scale: TensorScale,
    /// What the scales of some successive blocks are multiplied by.
    pub sub_scale: Option<SubScale>,
    /// Which elements of a block its scale is for.
    pub scale_signs: ScaleSigns,
    /// Where the numbers of element codes come from.
    pub codebooks: Codebooks,
    /// What is added to elements besides scaling.
    pub offset: Offset,
    /// The sign of a stored minimum of zero.
    pub zero_minimum: ZeroMinimum,
    /// How elements are divided by their scale.
    pub division: Division,
    /// The formula by which numbers come back.
    pub dequantization: Dequantization,
    /// What NaN and infinity do to their block.
    pub nonfinite: Nonfinite,
}

impl BlockSpec {
    /// Elements and scales under their formats' default policies, one exact division, no tensor
    /// scale, no offset; NaN and infinity poison their block if the scale can say so, else meet the
    /// element's policy.
    #[must_use]
    pub const fn new(
        element: FormatSpec,
        scale: Option<FormatSpec>,
        extent: Extent,
        rule: ScaleRule,
    ) -> Self {
        // Only a format with NaN can poison a block.
        let (scale_convert, nonfinite) = match &scale {
            Some(scale) if scale.nan_code().is_some() => {
                (scale.default_convert(), Nonfinite::Poison)
            }
            Some(scale) => (scale.default_convert(), Nonfinite::Ignore),
            None => (Convert::IEEE, Nonfinite::Ignore),
        };
        Self {
            element,
            // The policy that the format's own standard states.
            element_convert: element.default_convert(),
            element_rounding: ElementRounding::Round,
            zero_sign: ZeroSign::Keep,
            scale,
            scale_convert,
            extent,
            rule,
            // Neutral values: nothing is clamped, replaced or flushed.
            scale_bounds: (0.0, f32::INFINITY),
            zero_block_scale: 0.0,
            underflow_scale: 0.0,
            divisors: Table::of(&[]),
            flush_below: 0.0,
            search: None,
            // Parts that a tensor stores only where a scheme asks for them.
            tensor_scale: TensorScale::None,
            sub_scale: None,
            scale_signs: ScaleSigns::Shared,
            codebooks: Codebooks::Format,
            offset: Offset::None,
            zero_minimum: ZeroMinimum::First,
            // OCP MX: one rounding an element, by nothing but its scale.
            division: Division::Exact,
            dequantization: Dequantization::Product,
            nonfinite,
        }
    }

    with_methods! { "scheme";
        with_element_convert, element_convert: Convert;
        with_element_rounding, element_rounding: ElementRounding;
        with_zero_sign, zero_sign: ZeroSign;
        with_scale_convert, scale_convert: Convert;
        with_extent, extent: Extent;
        with_rule, rule: ScaleRule;
        with_scale_bounds, scale_bounds: (f32, f32);
        with_zero_block_scale, zero_block_scale: f32;
        with_underflow_scale, underflow_scale: f32;
        with_divisors, divisors: Table<(u32, f32), 4>;
        with_flush_below, flush_below: f32;
        with_search, search: Option<Search>;
        with_tensor_scale, tensor_scale: TensorScale;
        with_sub_scale, sub_scale: Option<SubScale>;
        with_scale_signs, scale_signs: ScaleSigns;
        with_codebooks, codebooks: Codebooks;
        with_offset, offset: Offset;
        with_zero_minimum, zero_minimum: ZeroMinimum;
        with_division, division: Division;
        with_dequantization, dequantization: Dequantization;
        with_nonfinite, nonfinite: Nonfinite;
    }

    /// This scheme with scales of another format, under its default policy.
    #[must_use]
    pub const fn with_scale(mut self, scale: FormatSpec) -> Self {
        // A policy belongs to its format: it may name codes that another does not have.
        self.scale_convert = scale.default_convert();
        self.scale = Some(scale);
        self
    }

    /// This scheme with another rounding of the elements.
    #[must_use]
    pub const fn with_round(mut self, round: Round) -> Self {
        self.element_convert = self.element_convert.with_round(round);
        self
    }

    /// Bytes of one scale: 0, 1, 2 or 4.
    #[must_use]
    pub const fn scale_bytes(&self) -> usize {
        match &self.scale {
            Some(scale) => code_bytes(scale),
            None => 0,
        }
    }

    /// Bytes of one offset: 0 without offsets, 1 for a zero point, 1, 2 or 4 for a minimum.
    #[must_use]
    pub const fn offset_bytes(&self) -> usize {
        match &self.offset {
            Offset::None => 0,
            // `validate` refuses zero points of more than 8 bits.
            Offset::ZeroPoint => 1,
            Offset::Minimum(format) => code_bytes(format),
        }
    }

    /// Scales that a block stores: 0 without a scale format, 2 where each sign has a scale, else 1.
    #[must_use]
    pub const fn scales_per_block(&self) -> usize {
        match (&self.scale, self.scale_signs) {
            (None, _) => 0,
            (Some(_), ScaleSigns::Shared) => 1,
            // For positive elements first, then for negative ones.
            (Some(_), ScaleSigns::PerSign) => 2,
        }
    }

    /// Whether an element's number is its code's, in the element format, under one scale of its
    /// block: no sub-scales, no scale for each sign, no codebooks. Only such schemes quantize, and
    /// only they have kernels.
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(
            (&self.sub_scale, self.scale_signs, &self.codebooks),
            (None, ScaleSigns::Shared, Codebooks::Format)
        )
    }

    /// Bits that an element costs, its share of scales, sub-scales and offset included: 4.25 for
    /// MXFP4, 4.5 for NVFP4. Codebooks, and scales and offsets of a whole tensor, a row or a
    /// column, are left out.
    #[must_use]
    pub fn bits_per_element(&self) -> f64 {
        let scales = self.scales_per_block() * self.scale_bytes();
        // A block's share of its group's number.
        let sub_scale = self.sub_scale.map_or(0.0, |sub_scale| {
            code_bytes(&sub_scale.format) as f64 / f64::from(sub_scale.blocks)
        });
        let shared = 8.0 * ((scales + self.offset_bytes()) as f64 + sub_scale);
        let block = match self.extent {
            Extent::Block { rows, cols } => f64::from(rows) * f64::from(cols),
            Extent::Flat(length) => f64::from(length),
            // Shared by elements without bound, a scale costs none of them anything.
            Extent::Tensor | Extent::Row | Extent::Column => f64::INFINITY,
        };
        f64::from(self.element.bits()) + shared / block
    }
}

/// Whole bytes that a code takes.
pub(crate) const fn code_bytes(format: &FormatSpec) -> usize {
    match format.bits() {
        // Codes are stored in bytes, u16s or u32s, little-endian.
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    }
}
