//! Targets without kernels in intrinsics: every trait of `intrinsics.rs` keeps its defaults, and
//! the plain loops, compiled for what the target guarantees, do all the work. It has the same items
//! as a folder like `x86`, so the rest of the kernel is the same on every target.

#[cfg(feature = "alloc")]
use super::block::BlockIntrinsics;
#[cfg(feature = "matmul")]
use super::gemm::{GemmIntrinsics, UnitIntrinsics};
use super::{decode::DecodeIntrinsics, encode::EncodeIntrinsics};

/// The implementor of the intrinsics traits: all defaults, which decline.
pub(super) struct Native;

impl EncodeIntrinsics for Native {}
impl DecodeIntrinsics for Native {}
#[cfg(feature = "alloc")]
impl BlockIntrinsics for Native {}
#[cfg(feature = "matmul")]
impl GemmIntrinsics for Native {}
#[cfg(feature = "matmul")]
impl UnitIntrinsics for Native {}

/// The instruction sets of this target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The features that the compilation target guarantees, such as NEON.
    Portable,
}

impl Kind {
    /// All instruction sets, the narrowest first.
    pub(super) const ALL: &[Self] = &[Self::Portable];

    /// Returns the name that users see.
    pub(super) const fn name(self) -> &'static str {
        "portable"
    }

    /// Returns whether the machine has it.
    pub(super) const fn is_detected(self) -> bool {
        // What the target guarantees is there.
        true
    }

    /// Returns itself: no gathers are made here.
    pub(super) const fn without_gathers(self) -> Self {
        self
    }

    /// Returns whether FMA is an instruction of every machine of the target.
    pub(super) const fn has_fma(self) -> bool {
        // `f32::mul_add` of std becomes the instruction; elsewhere it is a slow library call.
        cfg!(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma")))
    }
}

/// Defines functions that run a plain body: `fn name[T: Bound](argument: Type, …) = body;`
/// becomes `fn name<T: Bound>(isa, argument, …)`.
macro_rules! per_isa {
    ($(
        $(#[$doc:meta])*
        fn $name:ident[$($generic:ident: $bound:path),*](
            $($arg:ident: $type:ty),* $(,)?
        ) = $body:path;
    )*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name<$($generic: $bound),*>(_: $crate::kernel::Isa, $($arg: $type),*) {
            // One instruction set, so the `Isa` decides nothing.
            $body($($arg),*);
        }
    )*};
}
pub(super) use per_isa;
