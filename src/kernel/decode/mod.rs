//! Kernels from codes to f32s. [`DecodeBytes::lower`] and [`DecodeWide::lower`] choose the file for
//! a format.

mod arithmetic;
mod choose;
mod intrinsics;
mod tables;

pub(crate) use choose::{DecodeBytes, DecodeWide, map_bytes};
pub(in crate::kernel) use intrinsics::DecodeIntrinsics;
pub(crate) use tables::look_up;
#[cfg(feature = "alloc")]
pub(in crate::kernel) use tables::{Planes, RegisterTable};
