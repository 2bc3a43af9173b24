//! NVIDIA Model Optimizer 0.47's MX formats (`modelopt.torch.quantization.qtensor`).

use super::ocp::EXTENT;
use super::{Evidence, Preset};
use crate::block::{BlockSpec, ScaleRule, ZeroSign};
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::RoundUp)
}

presets! { "modelopt", "nvidia-modelopt 0.47.0";
    /// MXFP4: elements to the nearest number, ties toward zero; every zero is stored as −0, code 0x8.
    MXFP4 = mx(FormatSpec::F4E2M1).with_round(Round::NearestTowardZero).with_zero_sign(ZeroSign::MinusUnlessAbove),
        "2^ceil(log2(amax / 6))", Checked;
    /// MXFP8 E4M3.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3), "2^ceil(log2(amax / 448))", Checked;
}
