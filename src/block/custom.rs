//! [`CustomRule`]: a scale rule that is the caller's own function.

use super::statistics::BlockStats;

/// A scale as a function of a block's statistics. It must not depend on anything else.
///
/// ```
/// use subhalf::{BlockSpec, CustomRule, Extent, FormatSpec, QuantTensor, ScaleRule};
/// // The scale under which at least four fifths of the elements do not saturate.
/// let rule = CustomRule::with_elements(|stats| stats.magnitude_quantile(0.8) / 6.0);
/// let scale = Some(FormatSpec::F32);
/// let spec = BlockSpec::new(FormatSpec::F4E2M1, scale, Extent::Row, ScaleRule::Custom(rule));
/// let tensor = QuantTensor::quantize(&spec, &[3.0f32, -6.0, 1.0, 6.0, 2.0, 96.0], &[1, 6])?;
/// assert_eq!(tensor.dequantize(), [3.0, -6.0, 1.0, 6.0, 2.0, 6.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CustomRule(Custom);

/// A rule by what its function sees.
#[derive(Clone, Copy, Debug)]
enum Custom {
    Amax(fn(f32) -> f32),
    Stats(fn(&BlockStats<'_>) -> f32),
    Elements(fn(&BlockStats<'_>) -> f32),
}

impl CustomRule {
    /// A function of `amax`, the range and the other fields of [`BlockStats`]; it sees no elements.
    #[must_use]
    pub const fn new(scale: fn(&BlockStats<'_>) -> f32) -> Self {
        Self(Custom::Stats(scale))
    }

    /// A function of `amax` alone, the largest magnitude of a block: blocks are then quantized by
    /// kernels, at many times the speed of the other two.
    ///
    /// ```
    /// use subhalf::{BlockSpec, CustomRule, Extent, FormatSpec, QuantTensor, ScaleRule};
    /// // Scales that are multiples of 1/8.
    /// let rule = CustomRule::of_amax(|amax| (amax / 6.0 * 8.0).ceil() / 8.0);
    /// let scale = Some(FormatSpec::F32);
    /// let spec = BlockSpec::new(FormatSpec::F4E2M1, scale, Extent::Row, ScaleRule::Custom(rule));
    /// let tensor = QuantTensor::quantize(&spec, &[2.0f32, -6.5, 0.5, 9.0], &[2, 2])?;
    /// assert_eq!(tensor.view().block_scale(0), 1.125);
    /// assert_eq!(tensor.dequantize(), [2.25, -6.75, 0.75, 9.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn of_amax(scale: fn(f32) -> f32) -> Self {
        Self(Custom::Amax(scale))
    }

    /// The function, if it is one of `amax` alone.
    pub(crate) const fn function_of_amax(self) -> Option<fn(f32) -> f32> {
        match self.0 {
            Custom::Amax(scale) => Some(scale),
            Custom::Stats(_) | Custom::Elements(_) => None,
        }
    }

    /// Whether the function sees the elements of a block.
    pub(super) const fn sees_elements(self) -> bool {
        matches!(self.0, Custom::Elements(_))
    }

    /// The scale of a block, before it is clamped and rounded.
    pub(super) fn scale(self, stats: &BlockStats<'_>) -> f32 {
        match self.0 {
            Custom::Amax(scale) => scale(stats.amax),
            Custom::Stats(scale) | Custom::Elements(scale) => scale(stats),
        }
    }

    /// A function that also sees the elements, and so sums and order statistics of them.
    #[must_use]
    pub const fn with_elements(scale: fn(&BlockStats<'_>) -> f32) -> Self {
        Self(Custom::Elements(scale))
    }
}

/// Functions cannot be compared by what they compute, so two rules are equal if their functions
/// have one address. Equal rules therefore give equal scales, but the compiler may give one
/// function several addresses: rules that give equal scales may compare unequal.
impl PartialEq for CustomRule {
    fn eq(&self, other: &Self) -> bool {
        use Custom::{Amax, Elements, Stats};
        match (self.0, other.0) {
            (Amax(a), Amax(b)) => core::ptr::fn_addr_eq(a, b),
            (Stats(a), Stats(b)) | (Elements(a), Elements(b)) => core::ptr::fn_addr_eq(a, b),
            (Amax(_) | Stats(_) | Elements(_), _) => false,
        }
    }
}
