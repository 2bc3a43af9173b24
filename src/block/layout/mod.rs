//! Other programs' bytes: lossless conversions both ways. Nothing here rounds; quantizing is
//! [`QuantTensor`](crate::QuantTensor)'s work.
//!
//! Scales and minima that are NaN or infinite are refused; the functions with `_with` take them by
//! [`Accept::Nonfinite`](crate::Accept::Nonfinite). Those of ggml and gpt-oss need the feature
//! `presets`.
//!
//! | bytes | functions |
//! |---|---|
//! | adjacent nibbles[^1] | [`pack`](crate::pack), [`unpack`](crate::unpack) with 4 bits |
//! | dense 6-bit stream[^2] | [`pack`](crate::pack), [`unpack`](crate::unpack) with 6 bits |
//! | split halves (ggml)[^3] | [`pack_split_halves`], [`unpack_split_halves`] |
//! | int32 words of codes (GPTQ, AWQ, compressed-tensors) | [`pack_words`], [`unpack_words`] |
//! | GPTQ's `qweight`, `qzeros`, [`scales`](LayerScales), `g_idx` | [`to_gptq`], [`from_gptq`] |
//! | AWQ's `qweight`, `qzeros`, [`scales`](LayerScales) | [`to_awq`], [`from_awq`] |
//! | compressed-tensors' `weight_packed` | [`to_compressed_tensors`], [`from_compressed_tensors`] |
//! | gpt-oss `blocks` and `scales` | [`to_gpt_oss`], [`from_gpt_oss`] |
//! | ggml's interleaved blocks | [`to_ggml`], [`from_ggml`] |
//! | 128×4 tiles of scales (cuBLAS, CUTLASS) | [`swizzle_scales`], [`unswizzle_scales`] |
//!
//! [^1]: The first element is in the low nibble in ONNX, torch, compressed-tensors and gpt-oss, in
//!     the high one in bitsandbytes.
//! [^2]: From the low bits in ONNX and compressed-tensors, from the high ones in FP6-LLM.
//! [^3]: Low nibbles are the first half of a block, high nibbles the second.

#[cfg(feature = "presets")]
mod ggml;
#[cfg(feature = "presets")]
mod gpt_oss;
mod gptq;
mod nibbles;
mod swizzle;
mod words;

#[cfg(feature = "presets")]
pub use ggml::{GgmlType, from_ggml, from_ggml_with, to_ggml};
#[cfg(feature = "presets")]
pub use gpt_oss::{from_gpt_oss, to_gpt_oss};
pub use gptq::{
    Awq, Gptq, GptqZeros, LayerScales, from_awq, from_awq_with, from_gptq, from_gptq_with, grouped,
    to_awq, to_gptq,
};
pub use nibbles::{pack_split_halves, unpack_split_halves};
pub use swizzle::{swizzle_scales, unswizzle_scales};
pub use words::{
    WordOrder, from_compressed_tensors, from_compressed_tensors_with, pack_words,
    to_compressed_tensors, unpack_words,
};
