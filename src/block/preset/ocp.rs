//! OCP Microscaling Formats (MX) 1.0: blocks of 32 along the last axis, one E8M0 scale each.
//!
//! The standard leaves to implementations how elements are rounded (here to nearest even, as it
//! asks for at least), what a block with NaN or infinity becomes (here NaN, as in microxcaling),
//! and allows other scale rules than its own, 6.3, which the plain names follow.

use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Extent, ScaleRule};
use crate::spec::FormatSpec;

/// Blocks of 32 elements along the last axis.
pub const EXTENT: Extent = Extent::Block { rows: 1, cols: 32 };

/// The MX format of these elements, with OCP's scale rule, [`ScaleRule::Floor`].
/// [`BlockSpec::with_rule`] changes it.
#[must_use]
pub const fn mx(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Floor)
}

/// The rule [`ScaleRule::Even`] for these elements.
const fn even(mantissa_bits: u8) -> ScaleRule {
    ScaleRule::Even { mantissa_bits }
}

presets! { "ocp", "OCP MX 1.0";
    /// MXFP8 with E4M3 elements.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3), "2^(floor(log2 amax) - 8)", Checked;
    /// MXFP8 with E4M3 elements, with [`ScaleRule::Ceil`].
    MXFP8_E4M3_CEIL = MXFP8_E4M3.with_rule(ScaleRule::Ceil), "2^(ceil(log2 amax) - 8)", FormulaOnly;
    /// MXFP8 with E4M3 elements, with [`ScaleRule::RoundUp`]: nothing saturates.
    MXFP8_E4M3_ROUND_UP = MXFP8_E4M3.with_rule(ScaleRule::RoundUp), "2^ceil(log2(amax / 448))", FormulaOnly;
    /// MXFP8 with E4M3 elements, with [`ScaleRule::Even`].
    MXFP8_E4M3_EVEN = MXFP8_E4M3.with_rule(even(3)), "2^(floor(log2 of amax rounded to 3 bits) - 8)", FormulaOnly;
    /// MXFP8 with E5M2 elements.
    MXFP8_E5M2 = mx(FormatSpec::F8E5M2), "2^(floor(log2 amax) - 15)", Checked;
    /// MXFP8 with E5M2 elements, with [`ScaleRule::Ceil`].
    MXFP8_E5M2_CEIL = MXFP8_E5M2.with_rule(ScaleRule::Ceil), "2^(ceil(log2 amax) - 15)", FormulaOnly;
    /// MXFP8 with E5M2 elements, with [`ScaleRule::RoundUp`]: nothing saturates.
    MXFP8_E5M2_ROUND_UP = MXFP8_E5M2.with_rule(ScaleRule::RoundUp), "2^ceil(log2(amax / 57344))", FormulaOnly;
    /// MXFP8 with E5M2 elements, with [`ScaleRule::Even`].
    MXFP8_E5M2_EVEN = MXFP8_E5M2.with_rule(even(2)), "2^(floor(log2 of amax rounded to 2 bits) - 15)", FormulaOnly;
    /// MXFP6 with E3M2 elements.
    MXFP6_E3M2 = mx(FormatSpec::F6E3M2), "2^(floor(log2 amax) - 4)", Checked;
    /// MXFP6 with E3M2 elements, with [`ScaleRule::Ceil`].
    MXFP6_E3M2_CEIL = MXFP6_E3M2.with_rule(ScaleRule::Ceil), "2^(ceil(log2 amax) - 4)", FormulaOnly;
    /// MXFP6 with E3M2 elements, with [`ScaleRule::RoundUp`]: nothing saturates.
    MXFP6_E3M2_ROUND_UP = MXFP6_E3M2.with_rule(ScaleRule::RoundUp), "2^ceil(log2(amax / 28))", FormulaOnly;
    /// MXFP6 with E3M2 elements, with [`ScaleRule::Even`].
    MXFP6_E3M2_EVEN = MXFP6_E3M2.with_rule(even(2)), "2^(floor(log2 of amax rounded to 2 bits) - 4)", FormulaOnly;
    /// MXFP6 with E2M3 elements.
    MXFP6_E2M3 = mx(FormatSpec::F6E2M3), "2^(floor(log2 amax) - 2)", Checked;
    /// MXFP6 with E2M3 elements, with [`ScaleRule::Ceil`].
    MXFP6_E2M3_CEIL = MXFP6_E2M3.with_rule(ScaleRule::Ceil), "2^(ceil(log2 amax) - 2)", FormulaOnly;
    /// MXFP6 with E2M3 elements, with [`ScaleRule::RoundUp`]: nothing saturates.
    MXFP6_E2M3_ROUND_UP = MXFP6_E2M3.with_rule(ScaleRule::RoundUp), "2^ceil(log2(amax / 7.5))", FormulaOnly;
    /// MXFP6 with E2M3 elements, with [`ScaleRule::Even`].
    MXFP6_E2M3_EVEN = MXFP6_E2M3.with_rule(even(3)), "2^(floor(log2 of amax rounded to 3 bits) - 2)", FormulaOnly;
    /// MXFP4.
    MXFP4 = mx(FormatSpec::F4E2M1), "2^(floor(log2 amax) - 2)", Checked;
    /// MXFP4, with [`ScaleRule::Ceil`].
    MXFP4_CEIL = MXFP4.with_rule(ScaleRule::Ceil), "2^(ceil(log2 amax) - 2)", FormulaOnly;
    /// MXFP4, with [`ScaleRule::RoundUp`]: nothing saturates.
    MXFP4_ROUND_UP = MXFP4.with_rule(ScaleRule::RoundUp), "2^ceil(log2(amax / 6))", FormulaOnly;
    /// MXFP4, with [`ScaleRule::Even`].
    MXFP4_EVEN = MXFP4.with_rule(even(1)), "2^(floor(log2 of amax rounded to 1 bit) - 2)", FormulaOnly;
    /// MXINT8, −2 never produced.
    MXINT8 = mx(FormatSpec::MXINT8SYM), "2^(floor(log2 amax))", FormulaOnly;
    /// MXINT8, with [`ScaleRule::Ceil`].
    MXINT8_CEIL = MXINT8.with_rule(ScaleRule::Ceil), "2^(ceil(log2 amax))", FormulaOnly;
    /// MXINT8, with [`ScaleRule::RoundUp`]: nothing saturates.
    MXINT8_ROUND_UP = MXINT8.with_rule(ScaleRule::RoundUp), "2^ceil(log2(amax / (127/64)))", FormulaOnly;
    /// MXINT8, with [`ScaleRule::Even`].
    MXINT8_EVEN = MXINT8.with_rule(even(6)), "2^(floor(log2 of amax rounded to 6 bits))", FormulaOnly, changes "just below 2^-126 amax is rounded up to what the rule takes for 2^-126";
}
