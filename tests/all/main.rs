//! The test binary. Referees in these modules share no code with the crate.

mod arith;
#[cfg(all(feature = "matmul", feature = "presets"))]
mod blocks;
#[cfg(all(feature = "safetensors", feature = "half"))]
mod checkpoints;
mod constants;
// The products of the golden file take f16 and bf16 too.
#[cfg(all(feature = "matmul", feature = "presets", feature = "half"))]
mod digest;
mod documents;
mod drop_in;
mod exact;
#[cfg(feature = "gguf")]
mod gguf;
mod hostile;
mod kernels;
mod limits;
#[cfg(all(feature = "matmul", feature = "presets"))]
mod matmul;
#[cfg(feature = "presets")]
mod measures;
mod named;
mod names;
mod nearest;
mod number;
mod oracle;
mod p3109;
mod power;
mod presets;
mod random_words;
#[cfg(feature = "recipes")]
mod recipes;
mod rowwise;
mod scalars;
mod slice_converter;
#[cfg(feature = "alloc")]
mod slices;
mod stochastic;
#[cfg(all(feature = "matmul", feature = "presets"))]
mod summaries;
mod tables;
#[cfg(all(feature = "safetensors", feature = "gguf", feature = "matmul"))]
mod tasks;
#[cfg(feature = "presets")]
mod tensor_stats;
mod text;
#[cfg(feature = "num-traits")]
mod traits;
#[cfg(feature = "alloc")]
mod transforms;
mod unary;
#[cfg(feature = "matmul")]
mod units;
mod user_format;
mod vectors;
mod walk;
#[cfg(feature = "presets")]
mod wrap;
