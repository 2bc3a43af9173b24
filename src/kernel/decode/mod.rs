//! Kernels from codes to f32s. [`DecodeBytes::lower`] and [`DecodeWide::lower`] choose the file for
//! a format.

mod arithmetic;
mod choose;
#[cfg(feature = "alloc")]
mod each;
mod intrinsics;
mod tables;

#[cfg(feature = "alloc")]
pub(in crate::kernel) use arithmetic::HalfFields;
pub(crate) use choose::{DecodeBytes, DecodeWide, map_bytes};
#[cfg(feature = "alloc")]
pub(in crate::kernel) use each::{DecodeEach, EachDecode};
pub(in crate::kernel) use intrinsics::DecodeIntrinsics;
pub(crate) use tables::look_up;
#[cfg(feature = "alloc")]
pub(in crate::kernel) use tables::{Planes, RegisterTable};
