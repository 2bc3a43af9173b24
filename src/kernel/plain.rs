//! Targets without kernels in intrinsics: the plain loops, compiled for what the target has, are
//! all there is.

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

/// What an [`Isa`](crate::Isa) can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// What the target of the compilation has, such as NEON.
    Portable,
}

impl Kind {
    pub(super) const ALL: &[Self] = &[Self::Portable];

    pub(super) const fn name(self) -> &'static str {
        "portable"
    }

    pub(super) const fn is_detected(self) -> bool {
        true
    }

    pub(super) const fn without_gathers(self) -> Self {
        self
    }

    /// Whether fused multiply-adds are instructions.
    pub(super) const fn has_fma(self) -> bool {
        cfg!(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma")))
    }
}

/// Stamps functions that run a plain body: `fn name[T: Bound](isa, argument: Type, …) = body;`.
macro_rules! per_isa {
    ($($(#[$doc:meta])* fn $name:ident[$($generic:ident: $bound:path),*]($($arg:ident: $type:ty),* $(,)?) = $body:path;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name<$($generic: $bound),*>(_: $crate::kernel::Isa, $($arg: $type),*) {
            $body($($arg),*);
        }
    )*};
}
pub(super) use per_isa;
