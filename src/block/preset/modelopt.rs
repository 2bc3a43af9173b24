//! NVIDIA Model Optimizer 0.47's MX formats (`modelopt.torch.quantization.qtensor`). Quotient and
//! logarithm of a scale are each rounded to f32, so that just above a power of two a scale can be
//! half of the exact rule's. Elements are f32 quotients.
//!
//! What is not finite is not provided for: MXFP4 makes a block with NaN or infinity one of zeros
//! (each stored as −0); MXFP8 counts infinity as a magnitude (scale code 254), and gives a block
//! with NaN scale code 0, under which nearly all its numbers saturate.

use super::ocp::EXTENT;
use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, Nonfinite, ScaleRule, ZeroSign};
use crate::policy::{Convert, Infinity, MissingNan, Nan};
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec, target: f32) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Log2Ceil { target })
        .with_division(Division::Divide)
}

presets! { "modelopt", "nvidia-modelopt 0.47.0";
    /// MXFP4: elements to the nearest number, ties toward zero; every zero is stored as −0, code
    /// 0x8.
    MXFP4 = mx(FormatSpec::F4E2M1, 6.0)
        .with_element_convert(Convert::SATURATING.with_round(Round::NearestTowardZero).with_missing_nan(MissingNan::Zero))
        .with_zero_sign(ZeroSign::MinusUnlessAbove)
        .with_nonfinite(Nonfinite::Erase),
        "2^ceil(log2f(amax / 6))", Checked;
    /// MXFP8 E4M3.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3, 448.0)
        .with_element_convert(Convert::SATURATING.with_infinity(Infinity::Saturate).with_nan(Nan::Signed))
        .with_nonfinite(Nonfinite::CountNanAsZero),
        "2^ceil(log2f(amax / 448))", Checked;
}
