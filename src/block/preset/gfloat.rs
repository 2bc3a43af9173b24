//! gfloat 0.5.2's MX formats (Graphcore): OCP's scale rule, elements rounded to nearest even, saturating. MXINT8 uses −2.
//!
//! gfloat refuses NaN and infinity; a block with one becomes NaN here.

use super::ocp::mx;
use super::{Evidence, Preset};
use crate::block::BlockSpec;
use crate::spec::FormatSpec;

presets! { "gfloat", "gfloat 0.5.2";
    /// MXFP8 E4M3.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3), "2^(floor(log2 amax) - 8)", Checked;
    /// MXFP8 E5M2.
    MXFP8_E5M2 = mx(FormatSpec::F8E5M2), "2^(floor(log2 amax) - 15)", Checked;
    /// MXFP6 E3M2.
    MXFP6_E3M2 = mx(FormatSpec::F6E3M2), "2^(floor(log2 amax) - 4)", Checked;
    /// MXFP6 E2M3.
    MXFP6_E2M3 = mx(FormatSpec::F6E2M3), "2^(floor(log2 amax) - 2)", Checked;
    /// MXFP4.
    MXFP4 = mx(FormatSpec::F4E2M1), "2^(floor(log2 amax) - 2)", Checked;
    /// MXINT8.
    MXINT8 = mx(FormatSpec::MXINT8), "2^(floor(log2 amax))", Checked, changes "-2 has the exponent of the next scale";
}
