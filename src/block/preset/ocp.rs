//! OCP Microscaling Formats (MX) 1.0: blocks of 32 along the last axis, one E8M0 scale each.
//!
//! The standard leaves to implementations how elements are rounded (here to nearest even, as it asks for at least), what a block with NaN or
//! infinity becomes (here NaN, as in microxcaling), and allows other scale rules than its own, 6.3, which the plain names follow.

use super::{Evidence, Preset};
use crate::block::{BlockSpec, Extent, ScaleRule};
use crate::spec::FormatSpec;

/// Blocks of 32 elements along the last axis.
pub const EXTENT: Extent = Extent::Block { rows: 1, cols: 32 };

/// The MX format of these elements, with OCP's scale rule, [`ScaleRule::Floor`].
#[must_use]
pub const fn mx(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Floor)
}

presets! { "ocp", "OCP MX 1.0";
    /// MXFP8 with E4M3 elements.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3), "2^(floor(log2 amax) - 8)", Checked;
    /// MXFP8 with E5M2 elements.
    MXFP8_E5M2 = mx(FormatSpec::F8E5M2), "2^(floor(log2 amax) - 15)", Checked;
    /// MXFP6 with E3M2 elements.
    MXFP6_E3M2 = mx(FormatSpec::F6E3M2), "2^(floor(log2 amax) - 4)", Checked;
    /// MXFP6 with E2M3 elements.
    MXFP6_E2M3 = mx(FormatSpec::F6E2M3), "2^(floor(log2 amax) - 2)", Checked;
    /// MXFP4.
    MXFP4 = mx(FormatSpec::F4E2M1), "2^(floor(log2 amax) - 2)", Checked;
    /// MXINT8, −2 never produced.
    MXINT8 = mx(FormatSpec::MXINT8SYM), "2^floor(log2 amax)", FormulaOnly;
}
