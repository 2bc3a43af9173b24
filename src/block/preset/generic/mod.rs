//! Schemes that are not one program's: FP8, HiF8 and integers with scales for tensors, rows, groups
//! and tiles.
//!
//! *FP8.* Scales are f32 quotients `amax / max`, or powers of two in E8M0. [`FP8_E4M3_TENSOR`]
//! states the rules for zeros, NaN and infinity.
//!
//! *HiF8*, Huawei's format, spans 38 binades and has most mantissa bits near 1. The scale moves the
//! largest number to a chosen place of that range; [`hif8_tensor`] makes schemes with another. The
//! scale is a normal f32, 1 where the quotient is zero, and is made from the finite numbers.
//! Elements are the exact quotients, rounded to nearest, ties away from zero; overflow and infinity
//! saturate, NaN is 0x80.
//!
//! *Integers* follow torch's affine quantization: `q = clamp(round_half_even(x · (1/s)) + z)`,
//! dequantized `(q − z) · s`, every operation in f32. Symmetric scales are `amax` over the largest
//! integer, so −128 and −8 do not occur. With a zero point, signed and unsigned alike, the range of
//! a block (zero included) is spread over all codes. A block of zeros has the scale 1, and no scale
//! is below 2^-126, whose reciprocal is still finite. With a given scale and zero point, the
//! results are those of torch 2.15, checked against its own; how the scale is found from data is a
//! formula.

pub(super) mod fp8;
pub(super) mod hif8;
pub(super) mod int;

pub use self::{fp8::*, hif8::*, int::*};
