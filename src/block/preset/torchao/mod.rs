//! torchao 0.18's MX formats (`torchao.prototype.mx_formats`), NVFP4 (`NVFP4Tensor`) and FP8
//! (`Float8Tensor`, the operand of `torch._scaled_mm`).
//!
//! *MX.* The presets reproduce torchao's own arrays, exceptions included. Under `FLOOR`, `CEIL` and
//! `EVEN` elements are divided by at least 2^-126, so a block with scale code 0 (2^-127) is
//! dequantized to half of its numbers; under the three `RCEIL` rules elements of such a block are
//! not scaled at all, and become zeros. An infinity counts as a magnitude; NaN makes the scale NaN.
//! Elements saturate. torchao leaves undefined what NaN becomes in FP6 and FP4; here it is what
//! remains of its bits ([`MissingNan::Payload`](crate::MissingNan::Payload)). Under the first three
//! rules the other elements of a block with NaN are divided by infinity; the block is dequantized
//! to NaN in any case.
//!
//! *`RCEIL`.* torchao computes it in several ways. On the CPU, eager or compiled (`RCEIL_EAGER`),
//! the f32 logarithm of the f32 quotient is rounded up, which just above a power of two can be one
//! less. Compiled for `sm_100` (`RCEIL`), an instruction rounds the ratio itself up to a power of
//! two. The Triton kernel (`RCEIL_RECIPROCAL`, E4M3 only) does the same from the f32 product
//! `amax · (1 / max)`: both give the same codes for every `amax`. On older GPUs the logarithm of
//! the product is rounded up, which is not provided: it differs from `RCEIL_EAGER` in some hundred
//! `amax` of 2^31.
//!
//! *NVFP4.* The symbols of its formulas are explained in [`preset`](super#nvfp4).

pub(super) mod fp8;
pub(super) mod mx;
pub(super) mod nvfp4;

pub use self::{fp8::*, mx::*, nvfp4::*};
