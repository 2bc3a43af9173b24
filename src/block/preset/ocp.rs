//! OCP Microscaling Formats (MX) 1.0: blocks of 32 along the last axis, one E8M0 scale each.
//!
//! The standard leaves two things to implementations: how elements are rounded (here to nearest
//! even, which every implementation must provide), and what a block with NaN or infinity becomes
//! (here NaN, as in microxcaling). It allows other scale rules than its own (section 6.3), which
//! the names without a suffix follow.

use crate::block::{BlockSpec, Extent, ScaleRule};
use crate::spec::FormatSpec;

/// The MX format of these elements with OCP's scale rule, [`ScaleRule::Floor`].
/// [`BlockSpec::with_rule`] changes the rule.
#[must_use]
pub const fn mx(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::Floor)
}

/// [`ScaleRule::Even`] with this number of mantissa bits.
const fn even(mantissa_bits: u8) -> ScaleRule {
    ScaleRule::Even { mantissa_bits }
}

presets! {
    module: "ocp",
    source: "OCP MX 1.0";

    /// MXFP8 with E4M3 elements.
    MXFP8_E4M3 {
        spec: mx(FormatSpec::F8E4M3),
        rule: "2^(floor(log2 amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 with E4M3 elements and [`ScaleRule::Ceil`].
    MXFP8_E4M3_CEIL {
        spec: MXFP8_E4M3.with_rule(ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 8)",
        evidence: FormulaOnly,
    }
    /// MXFP8 with E4M3 elements and [`ScaleRule::RoundUp`]: no element saturates.
    MXFP8_E4M3_ROUND_UP {
        spec: MXFP8_E4M3.with_rule(ScaleRule::RoundUp),
        rule: "2^ceil(log2(amax / 448))",
        evidence: FormulaOnly,
    }
    /// MXFP8 with E4M3 elements and [`ScaleRule::Even`].
    MXFP8_E4M3_EVEN {
        spec: MXFP8_E4M3.with_rule(even(3)),
        rule: "2^(floor(log2 of amax rounded to 3 bits) - 8)",
        evidence: FormulaOnly,
    }
    /// MXFP8 with E5M2 elements.
    MXFP8_E5M2 {
        spec: mx(FormatSpec::F8E5M2),
        rule: "2^(floor(log2 amax) - 15)",
        evidence: Checked,
    }
    /// MXFP8 with E5M2 elements and [`ScaleRule::Ceil`].
    MXFP8_E5M2_CEIL {
        spec: MXFP8_E5M2.with_rule(ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 15)",
        evidence: FormulaOnly,
    }
    /// MXFP8 with E5M2 elements and [`ScaleRule::RoundUp`]: no element saturates.
    MXFP8_E5M2_ROUND_UP {
        spec: MXFP8_E5M2.with_rule(ScaleRule::RoundUp),
        rule: "2^ceil(log2(amax / 57344))",
        evidence: FormulaOnly,
    }
    /// MXFP8 with E5M2 elements and [`ScaleRule::Even`].
    MXFP8_E5M2_EVEN {
        spec: MXFP8_E5M2.with_rule(even(2)),
        rule: "2^(floor(log2 of amax rounded to 2 bits) - 15)",
        evidence: FormulaOnly,
    }
    /// MXFP6 with E3M2 elements.
    MXFP6_E3M2 {
        spec: mx(FormatSpec::F6E3M2),
        rule: "2^(floor(log2 amax) - 4)",
        evidence: Checked,
    }
    /// MXFP6 with E3M2 elements and [`ScaleRule::Ceil`].
    MXFP6_E3M2_CEIL {
        spec: MXFP6_E3M2.with_rule(ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 4)",
        evidence: FormulaOnly,
    }
    /// MXFP6 with E3M2 elements and [`ScaleRule::RoundUp`]: no element saturates.
    MXFP6_E3M2_ROUND_UP {
        spec: MXFP6_E3M2.with_rule(ScaleRule::RoundUp),
        rule: "2^ceil(log2(amax / 28))",
        evidence: FormulaOnly,
    }
    /// MXFP6 with E3M2 elements and [`ScaleRule::Even`].
    MXFP6_E3M2_EVEN {
        spec: MXFP6_E3M2.with_rule(even(2)),
        rule: "2^(floor(log2 of amax rounded to 2 bits) - 4)",
        evidence: FormulaOnly,
    }
    /// MXFP6 with E2M3 elements.
    MXFP6_E2M3 {
        spec: mx(FormatSpec::F6E2M3),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
    }
    /// MXFP6 with E2M3 elements and [`ScaleRule::Ceil`].
    MXFP6_E2M3_CEIL {
        spec: MXFP6_E2M3.with_rule(ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 2)",
        evidence: FormulaOnly,
    }
    /// MXFP6 with E2M3 elements and [`ScaleRule::RoundUp`]: no element saturates.
    MXFP6_E2M3_ROUND_UP {
        spec: MXFP6_E2M3.with_rule(ScaleRule::RoundUp),
        rule: "2^ceil(log2(amax / 7.5))",
        evidence: FormulaOnly,
    }
    /// MXFP6 with E2M3 elements and [`ScaleRule::Even`].
    MXFP6_E2M3_EVEN {
        spec: MXFP6_E2M3.with_rule(even(3)),
        rule: "2^(floor(log2 of amax rounded to 3 bits) - 2)",
        evidence: FormulaOnly,
    }
    /// MXFP4.
    MXFP4 {
        spec: mx(FormatSpec::F4E2M1),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4 with [`ScaleRule::Ceil`].
    MXFP4_CEIL {
        spec: MXFP4.with_rule(ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 2)",
        evidence: FormulaOnly,
    }
    /// MXFP4 with [`ScaleRule::RoundUp`]: no element saturates.
    MXFP4_ROUND_UP {
        spec: MXFP4.with_rule(ScaleRule::RoundUp),
        rule: "2^ceil(log2(amax / 6))",
        evidence: FormulaOnly,
    }
    /// MXFP4 with [`ScaleRule::Even`].
    MXFP4_EVEN {
        spec: MXFP4.with_rule(even(1)),
        rule: "2^(floor(log2 of amax rounded to 1 bit) - 2)",
        evidence: FormulaOnly,
    }
    /// MXINT8 with elements from −127/64 to 127/64; −2 is never produced.
    MXINT8 {
        spec: mx(FormatSpec::MXINT8SYM),
        rule: "2^(floor(log2 amax))",
        evidence: FormulaOnly,
    }
    /// MXINT8 with [`ScaleRule::Ceil`].
    MXINT8_CEIL {
        spec: MXINT8.with_rule(ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax))",
        evidence: FormulaOnly,
    }
    /// MXINT8 with [`ScaleRule::RoundUp`]: no element saturates.
    MXINT8_ROUND_UP {
        spec: MXINT8.with_rule(ScaleRule::RoundUp),
        rule: "2^ceil(log2(amax / (127/64)))",
        evidence: FormulaOnly,
    }
    /// MXINT8 with [`ScaleRule::Even`].
    MXINT8_EVEN {
        spec: MXINT8.with_rule(even(6)),
        rule: "2^(floor(log2 of amax rounded to 6 bits))",
        evidence: FormulaOnly,
        changes: "just below 2^-126 amax is rounded up to what the rule takes for 2^-126",
    }
}
