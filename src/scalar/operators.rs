//! The arithmetic part of the stamp: methods with a policy, and the operators in all their forms.

/// Stamped by `define_format!`, unless a type converts only.
#[doc(hidden)]
#[macro_export]
macro_rules! __arithmetic {
    ($name:ident convert) => {};
    ($name:ident) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            const ROOTS: &'static [u8; 256] = &Self::OPS.unary_table(true);
            const RECIPROCALS: &'static [u8; 256] = &Self::OPS.unary_table(false);

            $crate::__arithmetic!(@with Add add_with "`self + other`");
            $crate::__arithmetic!(@with Sub sub_with "`self − other`");
            $crate::__arithmetic!(@with Mul mul_with "`self · other`");
            $crate::__arithmetic!(@with Div div_with "`self / other`");
            $crate::__arithmetic!(@with Rem rem_with "the remainder of the truncated quotient");

            /// `self · a + b`, rounded once under the type's policy.
            #[must_use]
            #[inline]
            pub const fn mul_add(self, a: Self, b: Self) -> Self {
                let codes = (self.0 as u32, a.0 as u32, b.0 as u32);
                let values = (self.to_f32(), a.to_f32(), b.to_f32());
                Self::of(Self::OPS.mul_add(codes, values))
            }

            /// `self · a + b`, rounded once under the given policy, with the exceptions raised.
            /// `random` is the word that stochastic roundings use; others ignore it.
            #[must_use]
            #[inline]
            pub const fn mul_add_with(
                self,
                a: Self,
                b: Self,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                let (x, a, b) = (self.0 as u32, a.0 as u32, b.0 as u32);
                Self::flagged(Self::SPEC.mul_add_with(x, a, b, convert, random))
            }

            /// The square root, rounded once under the type's policy.
            #[must_use]
            #[inline]
            pub const fn sqrt(self) -> Self {
                if Self::BITS > 8 {
                    return self.sqrt_with(&<Self as $crate::Format>::CONVERT, 0).0;
                }
                Self(Self::ROOTS[self.0 as u8 as usize] as _)
            }

            /// The square root, rounded once under the given policy, with the exceptions raised.
            /// `random` is the word that stochastic roundings use; others ignore it.
            #[must_use]
            #[inline]
            pub const fn sqrt_with(
                self,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::flagged(Self::SPEC.sqrt_with(self.0 as u32, convert, random))
            }

            /// `1 / self`, rounded once under the type's policy.
            #[must_use]
            #[inline]
            pub const fn recip(self) -> Self {
                if Self::BITS > 8 {
                    return self.recip_with(&<Self as $crate::Format>::CONVERT, 0).0;
                }
                Self(Self::RECIPROCALS[self.0 as u8 as usize] as _)
            }

            /// `1 / self`, rounded once under the given policy, with the exceptions raised.
            /// `random` is the word that stochastic roundings use; others ignore it.
            #[must_use]
            #[inline]
            pub const fn recip_with(
                self,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::flagged(Self::SPEC.recip_with(self.0 as u32, convert, random))
            }

            /// The number to the power of an integer, rounded once under the type's policy.
            /// Anything to the power of 0 is 1. Slow (a microsecond) where the power is no exact
            /// number.
            #[must_use]
            #[inline]
            pub fn powi(self, power: i32) -> Self {
                self.powi_with(power, &<Self as $crate::Format>::CONVERT, 0).0
            }

            /// The number to the power of an integer, rounded once under the given policy, with the
            /// exceptions raised. `random` is the word that stochastic roundings use; others ignore
            /// it.
            #[must_use]
            #[inline]
            pub fn powi_with(
                self,
                power: i32,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::flagged(Self::SPEC.powi_with(self.0 as u32, power, convert, random))
            }

            $crate::__arithmetic!(@unary
                exp Exp "*e* to the power of the number"
                exp2 Exp2 "2 to the power of the number"
                ln Ln "The natural logarithm"
                log2 Log2 "The logarithm to base 2"
                tanh Tanh "The hyperbolic tangent"
                sigmoid Sigmoid "The logistic function, `1 / (1 + e^-x)`"
                rsqrt Rsqrt "The reciprocal of the square root"
                gelu Gelu "The exact GELU, `x · Φ(x)`"
                silu Silu "SiLU, `x / (1 + e^-x)`"
            );

            /// The exact product as an f32 (of formats with at most 12 significant bits, while it
            /// is in f32's normal range); NaN is 0x7FC00000.
            #[must_use]
            #[inline]
            pub const fn mul_to_f32(self, other: Self) -> f32 {
                let product = self.to_f32() * other.to_f32();
                // Processors differ in the sign of the NaN that infinity times zero gives.
                if product.is_nan() { f32::NAN } else { product }
            }

            /// The exact product as an f64 (of formats with at most 26 significant bits, while it
            /// is in f64's normal range); NaN is the positive quiet one.
            #[must_use]
            #[inline]
            pub const fn mul_to_f64(self, other: Self) -> f64 {
                let product = self.to_f64() * other.to_f64();
                // Processors differ in the sign of the NaN that infinity times zero gives.
                if product.is_nan() { f64::NAN } else { product }
            }
        }

        $crate::__arithmetic!(@operator $name Add add AddAssign add_assign);
        $crate::__arithmetic!(@operator $name Sub sub SubAssign sub_assign);
        $crate::__arithmetic!(@operator $name Mul mul MulAssign mul_assign);
        $crate::__arithmetic!(@operator $name Div div DivAssign div_assign);
        $crate::__arithmetic!(@operator $name Rem rem RemAssign rem_assign);

        /// The number with the other sign (IEEE 754 negate), NaN too where it has a sign; in an
        /// unsigned format the negative follows the policy.
        impl ::core::ops::Neg for $name {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                Self::of(Self::OPS.negate(self.0 as u32, self.to_f32()))
            }
        }

        /// A sum that is rounded at every step, in order, from the first number; an empty sum is
        /// zero, or what the policy makes of zero.
        impl ::core::iter::Sum for $name {
            #[inline]
            fn sum<I: ::core::iter::Iterator<Item = Self>>(iter: I) -> Self {
                iter.reduce(|sum, x| sum + x).unwrap_or(Self::from_f32(0.0))
            }
        }

        impl<'a> ::core::iter::Sum<&'a $name> for $name {
            #[inline]
            fn sum<I: ::core::iter::Iterator<Item = &'a $name>>(iter: I) -> Self {
                iter.copied().sum()
            }
        }

        /// A product that is rounded at every step, in order, from the first number; an empty
        /// product is one.
        impl ::core::iter::Product for $name {
            #[inline]
            fn product<I: ::core::iter::Iterator<Item = Self>>(iter: I) -> Self {
                iter.reduce(|product, x| product * x).unwrap_or(Self::from_f32(1.0))
            }
        }

        impl<'a> ::core::iter::Product<&'a $name> for $name {
            #[inline]
            fn product<I: ::core::iter::Iterator<Item = &'a $name>>(iter: I) -> Self {
                iter.copied().product()
            }
        }
    };

    (@unary $($method:ident $function:ident $what:literal)*) => {$(
        #[doc = concat!($what, ", rounded once under the type's policy. Slow (microseconds):")]
        /// for many numbers make a table, `UnaryTable`.
        #[must_use]
        pub fn $method(self) -> Self {
            $crate::Format::unary(self, $crate::Unary::$function)
        }
    )*};

    (@with $op:ident $with:ident $what:literal) => {
        #[doc = concat!($what, ", rounded once under a policy; with flags.")]
        #[must_use]
        pub const fn $with(
            self,
            other: Self,
            convert: &$crate::Convert,
            random: u32,
        ) -> (Self, $crate::Flags) {
            Self::flagged(Self::SPEC.$with(self.0 as u32, other.0 as u32, convert, random))
        }
    };

    (@operator $name:ident $trait:ident $method:ident $assign:ident $assign_method:ident) => {
        impl ::core::ops::$trait for $name {
            type Output = Self;
            #[inline]
            fn $method(self, other: Self) -> Self {
                let codes = (self.0 as u32, other.0 as u32);
                let values = (self.to_f32(), other.to_f32());
                Self::of(Self::OPS.binary($crate::scalar_support::Binary::$trait, codes, values))
            }
        }

        impl ::core::ops::$trait<&$name> for $name {
            type Output = Self;
            #[inline]
            fn $method(self, other: &Self) -> Self {
                ::core::ops::$trait::$method(self, *other)
            }
        }

        impl ::core::ops::$trait<$name> for &$name {
            type Output = $name;
            #[inline]
            fn $method(self, other: $name) -> $name {
                ::core::ops::$trait::$method(*self, other)
            }
        }

        impl ::core::ops::$trait<&$name> for &$name {
            type Output = $name;
            #[inline]
            fn $method(self, other: &$name) -> $name {
                ::core::ops::$trait::$method(*self, *other)
            }
        }

        impl ::core::ops::$assign for $name {
            #[inline]
            fn $assign_method(&mut self, other: Self) {
                *self = ::core::ops::$trait::$method(*self, other);
            }
        }

        impl ::core::ops::$assign<&$name> for $name {
            #[inline]
            fn $assign_method(&mut self, other: &Self) {
                *self = ::core::ops::$trait::$method(*self, *other);
            }
        }
    };
}
