//! Other programs' bytes: lossless conversions both ways. Nothing here rounds; quantizing is [`QuantTensor`](crate::QuantTensor)'s work.
//!
//! | bytes | functions |
//! |---|---|
//! | adjacent nibbles, first element low (ONNX, torch, compressed-tensors, gpt-oss) or high (bitsandbytes) | [`pack`](crate::pack), [`unpack`](crate::unpack) with 4 bits |
//! | dense 6-bit stream, from the low bits (ONNX, compressed-tensors) or the high (FP6-LLM) | [`pack`](crate::pack), [`unpack`](crate::unpack) with 6 bits |
//! | split halves: low nibbles are the first half of a block (ggml) | [`pack_split_halves`], [`unpack_split_halves`] |
//! | int32 words of codes (GPTQ, AWQ, compressed-tensors) | [`pack_words`], [`unpack_words`] |
//! | GPTQ's `qweight`, `qzeros`, `scales`, `g_idx` | [`to_gptq`], [`from_gptq`] |
//! | AWQ's `qweight`, `qzeros`, `scales` | [`to_awq`], [`from_awq`] |
//! | compressed-tensors' `weight_packed` | [`to_compressed_tensors`], [`from_compressed_tensors`] |
//! | gpt-oss `blocks` and `scales` | [`to_gpt_oss`], [`from_gpt_oss`] |
//! | ggml's interleaved blocks | [`to_ggml`], [`from_ggml`] |
//! | 128×4 tiles of scales (cuBLAS, CUTLASS) | [`swizzle_scales`], [`unswizzle_scales`] |

mod ggml;
mod gpt_oss;
mod gptq;
mod nibbles;
mod swizzle;
mod words;

pub use ggml::{GgmlType, from_ggml, to_ggml};
pub use gpt_oss::{from_gpt_oss, to_gpt_oss};
pub use gptq::{Awq, Gptq, GptqZeros, from_awq, from_gptq, grouped, to_awq, to_gptq};
pub use nibbles::{pack_split_halves, unpack_split_halves};
pub use swizzle::{swizzle_scales, unswizzle_scales};
pub use words::{WordOrder, from_compressed_tensors, pack_words, to_compressed_tensors, unpack_words};
