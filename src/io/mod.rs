//! Checkpoints: files of tensors, read as weights and written as such.
//!
//! A quantized weight is several tensors in a file: codes, scales, a scale of the tensor, zero
//! points, under names that differ from program to program. [`Checkpoint`] groups them by a table
//! of such conventions and gives each weight as a [`QuantView`](crate::QuantView), over the bytes
//! of the file where its layout is a tensor's own, or else over bytes put in order. Files are read,
//! never mapped: whoever maps one hands in the bytes.
//!
//! | program | tensors | in place |
//! |---|---|---|
//! | `DeepSeek` | `weight`, `weight_scale_inv` or `scale` | yes |
//! | compressed-tensors FP8, INT8, NVFP4, MXFP4, MXFP6, MXFP8 | `weight` or `weight_packed`, `weight_scale`, `weight_global_scale`, `weight_zero_point` | yes |
//! | compressed-tensors INT2 to INT8 in words | `weight_packed`, `weight_scale`, `weight_shape`, `weight_zero_point`, `weight_g_idx` | no |
//! | Model Optimizer FP8, NVFP4, MXFP4, MXFP8 | `weight`, `weight_scale`, `weight_scale_2` | yes |
//! | Model Optimizer INT4 | `weight`, `weight_scale` | no |
//! | gpt-oss MXFP4 | `…_blocks`, `…_scales` | yes |
//! | GPTQ, 2 to 8 bits | `qweight`, `qzeros`, `scales`, `g_idx` | no |
//! | AWQ, 4 bits | `qweight`, `qzeros`, `scales` | no |
//! | MLX affine, MXFP4, MXFP8, NVFP4 | `weight`, `scales`, `biases` | yes |
//! | `ComfyUI` FP8 | `weight`, `scale_weight` | yes |
//! | torchao NVFP4, MX, Float8, Int8 | `_weight_qdata`, `_weight_scale`, … | unless swizzled |
//! | bitsandbytes NF4, FP4 | `weight`, `weight.absmax`, `weight.quant_map`, … | no |
//!
//! F16, BF16, F32 and F64 tensors are weights as they are. FP8, FP6 and FP4 codes without any scale
//! in the checkpoint stand for themselves. Whatever else there is, a strange dtype, codes whose
//! scales are missing or of another shape, is [`Carried`] along with the reason, and hides nothing.
//!
//! Shapes and dtypes decide where they can; `config.json` is asked for what they leave open: the
//! tiles of FP8, the bits of MLX, the version of GPTQ's zero points.
//!
//! Weights are written by [`CheckpointLayout`], which knows the tensors of a program's layout, their
//! bytes and its `config.json`, and by [`SafetensorsWriter`], which takes bytes of several tensors
//! in turn, so that a weight is written in pieces of rows.
//!
//! GGUF files are read by `Gguf` (feature `gguf`): each tensor has a type of its own, whose blocks
//! are put in order, and the metadata stays with it. `GgufWriter` writes them.

mod bytes;
mod error;
#[cfg(feature = "gguf")]
mod gguf;
#[cfg(feature = "safetensors")]
mod safetensors;

#[cfg(feature = "safetensors")]
pub use self::safetensors::{
    Carried, Checkpoint, CheckpointFiles, CheckpointLayout, Convention, Loaded, PlainNumbers,
    PlannedPart, QuantWeight, QuantizedModel, SafetensorsContents, SafetensorsWriter, Scheme,
    StoredTensor, Weight, config_of_numbers,
};
pub use error::{Problem, ReadError};
#[cfg(feature = "gguf")]
pub use gguf::{
    Gguf, GgufArray, GgufContents, GgufElement, GgufNumbers, GgufTensor, GgufType, GgufValue,
    GgufWeight, GgufWriter,
};
