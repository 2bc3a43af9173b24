//! OCP Microscaling Formats (MX) 1.0: blocks of 32 along the last axis, one E8M0 scale each.

use crate::block::{BlockSpec, Extent, ScaleRule};
use crate::spec::FormatSpec;

/// Blocks of 32 elements along the last axis.
pub const EXTENT: Extent = Extent::Block { rows: 1, cols: 32 };

/// An MX format of these elements with OCP's scale rule, 6.3: [`ScaleRule::Floor`]. A block with NaN or infinity becomes NaN.
#[must_use]
pub const fn mx(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Floor)
}

/// MXFP8 with E4M3 elements.
pub const MXFP8_E4M3: BlockSpec = mx(FormatSpec::F8E4M3);
/// MXFP8 with E5M2 elements.
pub const MXFP8_E5M2: BlockSpec = mx(FormatSpec::F8E5M2);
/// MXFP6 with E3M2 elements.
pub const MXFP6_E3M2: BlockSpec = mx(FormatSpec::F6E3M2);
/// MXFP6 with E2M3 elements.
pub const MXFP6_E2M3: BlockSpec = mx(FormatSpec::F6E2M3);
/// MXFP4.
pub const MXFP4: BlockSpec = mx(FormatSpec::F4E2M1);
/// MXINT8, −2 never produced.
pub const MXINT8: BlockSpec = mx(FormatSpec::MXINT8SYM);
