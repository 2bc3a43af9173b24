//! The parts of the stamp that depend on features of this crate, whatever the features of the
//! caller's.

/// The conversions from and to the types of `half`: there with the feature `half` of this crate,
/// whatever the features of the caller's.
#[cfg(feature = "half")]
#[doc(hidden)]
#[macro_export]
macro_rules! __half_conversions {
    ($name:ident) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// Rounds an f16 under the type's policy.
            #[must_use]
            pub const fn from_f16(x: $crate::scalar_support::f16) -> Self {
                Self::from_unpacked($crate::Unpacked::from_f16(x))
            }

            /// Rounds a bf16 under the type's policy.
            #[must_use]
            pub const fn from_bf16(x: $crate::scalar_support::bf16) -> Self {
                Self::from_unpacked($crate::Unpacked::from_bf16(x))
            }

            /// Rounds an f16 under the given policy and returns the exceptions raised. `random` is
            /// the word that stochastic roundings use; others ignore it.
            #[must_use]
            pub const fn from_f16_with(
                x: $crate::scalar_support::f16,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::from_unpacked_with($crate::Unpacked::from_f16(x), convert, random)
            }

            /// The nearest f16, ties to even; too large becomes infinite.
            #[must_use]
            pub const fn to_f16(self) -> $crate::scalar_support::f16 {
                self.unpack().to_f16()
            }

            /// Rounds a bf16 under the given policy and returns the exceptions raised. `random` is
            /// the word that stochastic roundings use; others ignore it.
            #[must_use]
            pub const fn from_bf16_with(
                x: $crate::scalar_support::bf16,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::from_unpacked_with($crate::Unpacked::from_bf16(x), convert, random)
            }

            /// The nearest bf16, ties to even; too large becomes infinite.
            #[must_use]
            pub const fn to_bf16(self) -> $crate::scalar_support::bf16 {
                self.unpack().to_bf16()
            }
        }
    };
}

#[cfg(not(feature = "half"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __half_conversions {
    ($name:ident) => {};
}

#[cfg(not(feature = "num-traits"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __num_traits {
    ($($rest:tt)*) => {};
}
