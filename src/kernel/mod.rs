//! The codec, fast: the same bits as the reference, by ways that need a property of the format. Each way is made from a spec by a
//! constructor that refuses specs without the property; every result is tested against `codec`.
//!
//! Loops are plain Rust without branches, stamped for each instruction set ([`Isa`]); intrinsics are in `x86`. All of it relies on the
//! default floating-point environment: rounding to nearest, subnormal numbers on.

#[cfg(feature = "alloc")]
mod bytes;
mod decode;
#[cfg(feature = "alloc")]
mod dots;
mod encode;
#[cfg(feature = "alloc")]
pub(crate) mod gemm;
mod isa;
mod nearest;
mod pod;
#[cfg(feature = "alloc")]
mod rounding;
#[cfg(feature = "alloc")]
mod rows;
#[cfg(feature = "alloc")]
mod thin;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_dots;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_gemm;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_thin;

#[cfg(feature = "alloc")]
pub(crate) use bytes::Bytes;
pub(crate) use decode::{Bytes as DecodeBytes, Decode, decode_uniform, look_up};
#[cfg(feature = "alloc")]
pub(crate) use dots::{Dots, Quad, Right, SmallIntegers};
pub(crate) use encode::{Encode, encode_uniform};
pub use isa::Isa;
pub(crate) use nearest::Nearest;
pub(crate) use pod::{every_pattern, some_patterns};
#[cfg(feature = "alloc")]
pub(crate) use rounding::Rounding;
#[cfg(feature = "alloc")]
pub(crate) use rows::{amax, over, pack_4, restore, times, unpack_4};
#[cfg(feature = "alloc")]
pub(crate) use thin::{Factors, PANELS, Thin, ThinPanel};
