//! Kernels from f32s to codes. [`Encoder::lower`] chooses the file for a format and a policy.

#[cfg(feature = "alloc")]
mod buckets;
mod choose;
mod fake;
#[cfg(feature = "alloc")]
mod few;
mod float;
mod general;
mod groups;
mod hif8;
mod integer;
mod intrinsics;
#[cfg(feature = "alloc")]
mod kept;
#[cfg(feature = "alloc")]
mod lookup;
mod params;
mod philox;
mod scalar;
mod sixteen_bit;
mod stochastic;
mod to_odd;
mod wrapping;

#[cfg(feature = "alloc")]
pub(in crate::kernel) use buckets::{BUCKETS, BucketLayout, RankTable};
pub(crate) use choose::Encoder;
pub use choose::Needs;
pub(crate) use fake::FakeQuantizer;
#[cfg(feature = "alloc")]
pub(in crate::kernel) use few::Few;
#[cfg(feature = "alloc")]
pub(in crate::kernel) use float::{Finite, encode_finite, round_finite};
pub(in crate::kernel) use hif8::{CAP, HiF8Encode, INFINITY};
#[cfg(feature = "alloc")]
pub(crate) use integer::Integer;
pub(in crate::kernel) use intrinsics::EncodeIntrinsics;
#[cfg(feature = "alloc")]
pub(in crate::kernel) use kept::Kept;
#[cfg(feature = "alloc")]
pub(crate) use lookup::Steps;
pub(in crate::kernel) use params::SignedNan;
pub(crate) use scalar::Nearest;
pub(in crate::kernel) use sixteen_bit::Cut;
pub(crate) use to_odd::to_odd;
