//! NVIDIA Model Optimizer 0.47's MX formats (`modelopt.torch.quantization.qtensor`). Quotient and logarithm of a scale are each rounded to f32, so that
//! just above a power of two a scale can be half of the exact rule's.

use super::ocp::EXTENT;
use super::{Evidence, Preset};
use crate::block::{BlockSpec, ScaleRule, ZeroSign};
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec, target: f32) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Log2Ceil { target })
}

presets! { "modelopt", "nvidia-modelopt 0.47.0";
    /// MXFP4: elements to the nearest number, ties toward zero; every zero is stored as −0, code 0x8.
    MXFP4 = mx(FormatSpec::F4E2M1, 6.0).with_round(Round::NearestTowardZero).with_zero_sign(ZeroSign::MinusUnlessAbove),
        "2^ceil(log2f(amax / 6))", Checked;
    /// MXFP8 E4M3.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3, 448.0), "2^ceil(log2f(amax / 448))", Checked;
}
