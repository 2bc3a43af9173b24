//! Targets without kernels in intrinsics: the plain loops are all there is.

#[cfg(feature = "alloc")]
use super::{block::BlockIntrinsics, gemm::GemmIntrinsics};
use super::{decode::DecodeIntrinsics, encode::EncodeIntrinsics};

/// The kernels in intrinsics of this target: none.
pub(super) struct Native;

impl EncodeIntrinsics for Native {}
impl DecodeIntrinsics for Native {}
#[cfg(feature = "alloc")]
impl BlockIntrinsics for Native {}
#[cfg(feature = "alloc")]
impl GemmIntrinsics for Native {}
