//! The macro that stamps scalar types. It writes signatures and documentation; every body is one
//! call.

/// Makes a number type for a format: a transparent newtype over the code with the interface of
/// `f32`, as far as the format has it.
///
/// ```text
/// define_format! {
///     /// Documentation.
///     pub struct NAME(CODE) = SPEC                     // u8, u16 or u32; a constant FormatSpec
///         [, policy CONVERT]      // of plain conversions and operators; else the default
///         [, has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN,
///                INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL)]
///         [; convert only];                            // no arithmetic
/// }
/// ```
///
/// With the feature `num-traits` the type has the traits of that crate that the format can honour:
/// `Num` with `has(ZERO, ONE)`, `Signed` with `NEG_ONE` too, conversions always; never `Float`. All
/// bits of the code type a code? Then deriving bytemuck's `Pod` on it is sound.
///
/// `has` lists exactly the constants of these that the format has; too many or too few do not
/// compile, and neither does a code type that is too narrow. Everything is checked at compile time.
///
/// Text is that of the nearest f64, which the number is in nearly every format. Where the exponent
/// has more than f64's eleven bits, numbers outside of f64's normal range print exactly, as
/// `0x1.8p+4000`, and `FromStr`, which takes that of every type, gives them back; decimal numbers
/// out there are rounded correctly or, if 256 bits cannot tell them from one of 63 bits, refused,
/// never misread. There `num_traits::cast` from the type is `None`.
///
/// Constants of mathematics are there under the names of [`core::f64::consts`], each the real
/// number rounded once under the type's policy. One that is beyond the format's largest number, or
/// whose nearest is zero, does not compile where it is used.
///
/// The type implements [`Format`](crate::Format), and unless it converts only the operators, each
/// the correctly rounded result under the policy. Methods ending in `_with` take another policy and
/// a random word (for stochastic roundings; else ignored) and return the flags.
///
/// ```
/// use subhalf::{Convert, Encoding, Flags, FloatSpec, Format, FormatSpec, Round};
///
/// subhalf::define_format! {
///     /// 1 sign, 3 exponent and 3 mantissa bits, all codes numbers.
///     pub struct F7E3M3(u8) =
///         FormatSpec::constant("F7E3M3", Encoding::Float(FloatSpec::finite(3, 3))),
///         has(ZERO, ONE, NEG_ZERO, NEG_ONE, MIN_POSITIVE_SUBNORMAL);
/// }
///
/// let x = F7E3M3::from_f32(2.7);
/// assert_eq!((x.to_bits(), x.to_f32(), F7E3M3::MAX.to_f32()), (0x23, 2.75, 30.0));
/// // Each operation is rounded: 7.5625 to 7.5, and 8.5 to 8.
/// assert_eq!((x * x + F7E3M3::ONE).to_string(), "8");
/// assert_eq!(x.mul_add(x, F7E3M3::ONE).to_f32(), 9.0);               // 8.5625 -> 9: once
/// let down = F7E3M3::CONVERT.with_round(Round::Down);
/// assert_eq!(x.mul_with(x, &down, 0), (F7E3M3::from_f32(7.5), Flags::INEXACT));
/// ```
/// ```compile_fail
/// // 2π is beyond 3, the largest number.
/// const TAU: subhalf::Binary4p2sf = subhalf::Binary4p2sf::TAU;
/// ```
/// ```compile_fail
/// subhalf::define_format! { struct Narrow(u8) = subhalf::FormatSpec::F16; convert only; }
/// ```
/// ```compile_fail
/// // E4M3 has no infinity.
/// subhalf::define_format! {
///     struct E4M3(u8) = subhalf::FormatSpec::F8E4M3,
///         has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, MIN_POSITIVE_SUBNORMAL);
/// }
/// ```
#[macro_export]
macro_rules! define_format {
    ($(#[$attr:meta])* $vis:vis struct $name:ident($code:ty) = $spec:expr
        $(, policy $policy:expr)? $(, has($($special:ident),* $(,)?))? $(; $kind:ident only)?;) => {
        $(#[$attr])*
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        $vis struct $name($code);

        const _: () = {
            assert!(
                $name::BITS <= <$code as $crate::Code>::BITS,
                "the code type is too narrow for the format",
            );
            const LISTED: usize = 0 $($(+ { let _ = stringify!($special); 1 })*)?;
            const UNLISTED_MEANS_NONE_ASKED: bool =
                false $($(|| { let _ = stringify!($special); true })*)?;
            assert!(
                !UNLISTED_MEANS_NONE_ASKED
                    || LISTED == $crate::scalar_support::specials(&$name::SPEC),
                "`has` does not list all that the format has",
            );
        };

        impl $crate::Format for $name {
            type Code = $code;
            const SPEC: $crate::FormatSpec = $spec;
            $(const CONVERT: $crate::Convert = $policy;)?

            #[inline]
            fn from_bits(code: $code) -> Self {
                $name::from_bits(code)
            }

            #[inline]
            fn to_bits(self) -> $code {
                self.0
            }
        }

        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            const SPEC: $crate::FormatSpec = <Self as $crate::Format>::SPEC;
            const OPS: &'static $crate::scalar_support::Ops =
                &$crate::scalar_support::Ops::new(Self::SPEC, <Self as $crate::Format>::CONVERT);
            const VALUES: &'static [f32; 256] = &$crate::scalar_support::Ops::table(&Self::SPEC);

            const BEYOND_F64: bool = $crate::scalar_support::is_beyond_f64(&Self::SPEC);

            /// Width of a code in bits.
            pub const BITS: u32 = Self::SPEC.bits();
            /// The largest finite number.
            pub const MAX: Self = Self::of(Self::SPEC.max_code());
            /// The smallest finite number: the most negative one, or without a sign the one nearest
            /// zero.
            pub const MIN: Self = Self::of(Self::SPEC.min_code());
            /// The smallest positive normal number; without such numbers, the smallest positive
            /// one.
            pub const MIN_POSITIVE: Self = match Self::SPEC.min_normal_code() {
                ::core::option::Option::Some(code) => Self::of(code),
                ::core::option::Option::None => Self::of(Self::SPEC.smallest_positive_code()),
            };
            /// Distance from one to the next larger number, in f64; 0 if either is missing.
            pub const EPSILON: f64 = match Self::SPEC.epsilon() {
                ::core::option::Option::Some(epsilon) => epsilon.to_f64(),
                ::core::option::Option::None => 0.0,
            };
            /// Significand bits, the hidden one counted; 0 where the precision varies.
            pub const MANTISSA_DIGITS: u32 = match Self::SPEC.precision() {
                ::core::option::Option::Some(digits) => digits,
                ::core::option::Option::None => 0,
            };
            /// Decimal digits that survive storing; 0 where the precision varies.
            pub const DIGITS: u32 = match Self::SPEC.decimal_digits() {
                ::core::option::Option::Some(digits) => digits,
                ::core::option::Option::None => 0,
            };
            /// One more than the exponent of the smallest normal number, as `f32::MIN_EXP`; 0
            /// without such numbers.
            pub const MIN_EXP: i32 = match Self::SPEC.min_exponent() {
                ::core::option::Option::Some(exponent) => exponent + 1,
                ::core::option::Option::None => 0,
            };
            /// One more than the exponent of the largest number, as `f32::MAX_EXP`.
            pub const MAX_EXP: i32 = Self::SPEC.max_exponent() + 1;
            /// The smallest power of ten that is a normal number, as `f32::MIN_10_EXP`; 0 without
            /// such numbers.
            pub const MIN_10_EXP: i32 = $crate::scalar_support::min_10_exp(&Self::SPEC);
            /// The largest power of ten in range, as `f32::MAX_10_EXP`.
            pub const MAX_10_EXP: i32 = $crate::scalar_support::max_10_exp(&Self::SPEC);
            /// The base that exponents count in: 2 in every type, as `f32::RADIX`.
            pub const RADIX: u32 = 2;

            /// All numbers and NaN, by code.
            #[inline]
            pub fn all() -> impl ::core::iter::Iterator<Item = Self> + ::core::clone::Clone {
                Self::SPEC.codes().map(Self::of)
            }

            #[inline]
            const fn of(code: u32) -> Self {
                Self(code as $code)
            }

            /// The number with a code. Bits above the format's width are dropped.
            #[must_use]
            #[inline]
            pub const fn from_bits(code: $code) -> Self {
                Self(code & (<$code>::MAX >> (<$code>::BITS - Self::BITS)))
            }

            /// The code; bits above the format's width are 0.
            #[must_use]
            #[inline]
            pub const fn to_bits(self) -> $code {
                self.0
            }

            /// The number with a code in little-endian bytes.
            #[must_use]
            #[inline]
            pub const fn from_le_bytes(bytes: [u8; ::core::mem::size_of::<$code>()]) -> Self {
                Self::from_bits(<$code>::from_le_bytes(bytes))
            }

            /// The number with a code in big-endian bytes.
            #[must_use]
            #[inline]
            pub const fn from_be_bytes(bytes: [u8; ::core::mem::size_of::<$code>()]) -> Self {
                Self::from_bits(<$code>::from_be_bytes(bytes))
            }

            /// The number with a code in native-endian bytes.
            #[must_use]
            #[inline]
            pub const fn from_ne_bytes(bytes: [u8; ::core::mem::size_of::<$code>()]) -> Self {
                Self::from_bits(<$code>::from_ne_bytes(bytes))
            }

            /// The code in little-endian bytes.
            #[must_use]
            #[inline]
            pub const fn to_le_bytes(self) -> [u8; ::core::mem::size_of::<$code>()] {
                self.0.to_le_bytes()
            }

            /// The code in big-endian bytes.
            #[must_use]
            #[inline]
            pub const fn to_be_bytes(self) -> [u8; ::core::mem::size_of::<$code>()] {
                self.0.to_be_bytes()
            }

            /// The code in native-endian bytes.
            #[must_use]
            #[inline]
            pub const fn to_ne_bytes(self) -> [u8; ::core::mem::size_of::<$code>()] {
                self.0.to_ne_bytes()
            }

            /// Rounds an f32 under the type's policy.
            #[must_use]
            #[inline]
            pub const fn from_f32(x: f32) -> Self {
                Self::of(Self::OPS.from_f32(x))
            }

            /// Rounds an f64 under the type's policy, once.
            #[must_use]
            #[inline]
            pub const fn from_f64(x: f64) -> Self {
                Self::of(Self::OPS.from_unpacked($crate::Unpacked::from_f64(x)))
            }

            /// Rounds an exact number under the type's policy.
            #[must_use]
            #[inline]
            pub const fn from_unpacked(x: $crate::Unpacked) -> Self {
                Self::of(Self::OPS.from_unpacked(x))
            }

            /// Rounds an f32 under the given policy and returns the exceptions raised. `random` is
            /// the word that stochastic roundings use; others ignore it.
            #[must_use]
            #[inline]
            pub const fn from_f32_with(
                x: f32,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::flagged(Self::SPEC.encode_f32_with(x, convert, random))
            }

            /// Rounds an f64 under the given policy, once, and returns the exceptions raised.
            /// `random` is the word that stochastic roundings use; others ignore it.
            #[must_use]
            #[inline]
            pub const fn from_f64_with(
                x: f64,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::flagged(Self::SPEC.encode_f64_with(x, convert, random))
            }

            /// Rounds an exact number under the given policy and returns the exceptions raised.
            /// `random` is the word that stochastic roundings use; others ignore it.
            #[must_use]
            #[inline]
            pub const fn from_unpacked_with(
                x: $crate::Unpacked,
                convert: &$crate::Convert,
                random: u32,
            ) -> (Self, $crate::Flags) {
                Self::flagged(Self::SPEC.encode_with(x, convert, random))
            }

            #[inline]
            const fn flagged(encoded: $crate::Encoded) -> (Self, $crate::Flags) {
                (Self::of(encoded.code), encoded.flags)
            }

            /// The number that this value stands for, unrounded, as sign, significand and exponent;
            /// zero, infinity and NaN keep their kind and sign.
            #[must_use]
            #[inline]
            pub const fn unpack(self) -> $crate::Unpacked {
                Self::SPEC.decode(self.0 as u32)
            }

            /// The nearest f32: exact for every format that f32 contains.
            #[must_use]
            #[inline]
            pub const fn to_f32(self) -> f32 {
                if Self::BITS <= 8 {
                    Self::VALUES[self.0 as u8 as usize]
                } else {
                    self.unpack().to_f32()
                }
            }

            /// The nearest f64: exact for every format that f64 contains.
            #[must_use]
            #[inline]
            pub const fn to_f64(self) -> f64 {
                self.unpack().to_f64()
            }

            /// Whether this is NaN.
            #[must_use]
            #[inline]
            pub const fn is_nan(self) -> bool {
                if Self::OPS.in_f32() { self.to_f32().is_nan() } else { self.unpack().is_nan() }
            }

            /// Whether this is infinite.
            #[must_use]
            #[inline]
            pub const fn is_infinite(self) -> bool {
                if Self::OPS.in_f32() {
                    self.to_f32().is_infinite()
                } else {
                    self.unpack().is_infinite()
                }
            }

            /// Whether this is neither infinite nor NaN.
            #[must_use]
            #[inline]
            pub const fn is_finite(self) -> bool {
                if Self::OPS.in_f32() {
                    self.to_f32().is_finite()
                } else {
                    self.unpack().is_finite()
                }
            }

            /// Whether this is +0 or −0.
            #[must_use]
            #[inline]
            pub const fn is_zero(self) -> bool {
                if Self::OPS.in_f32() { self.to_f32() == 0.0 } else { self.unpack().is_zero() }
            }

            /// Whether this is neither zero, subnormal, infinite nor NaN.
            #[must_use]
            #[inline]
            pub const fn is_normal(self) -> bool {
                matches!(self.classify(), ::core::num::FpCategory::Normal)
            }

            /// Whether this is subnormal: not zero, and below the smallest normal number in
            /// magnitude.
            #[must_use]
            #[inline]
            pub const fn is_subnormal(self) -> bool {
                matches!(self.classify(), ::core::num::FpCategory::Subnormal)
            }

            /// The class of the number: zero, subnormal, normal, infinite or NaN.
            #[must_use]
            #[inline]
            pub const fn classify(self) -> ::core::num::FpCategory {
                self.unpack().class()
            }

            /// Whether the sign is minus; zero and NaN count where they have one. (NaN in place of
            /// −0 has none.)
            #[must_use]
            #[inline]
            pub const fn is_sign_negative(self) -> bool {
                Self::OPS.is_negative(self.0 as u32)
            }

            /// Whether the sign is not minus.
            #[must_use]
            #[inline]
            pub const fn is_sign_positive(self) -> bool {
                !self.is_sign_negative()
            }

            /// The number with a plus sign, NaN too where it has one (IEEE 754 abs).
            #[must_use]
            #[inline]
            pub const fn abs(self) -> Self {
                Self::of(Self::OPS.with_sign(self.0 as u32, false))
            }

            /// This number with the sign of `sign` (IEEE 754 copySign), NaN included where NaN has
            /// a sign. In formats whose NaN has none, a `sign` of NaN gives NaN (P3109 `CopySign`).
            #[must_use]
            #[inline]
            pub const fn copysign(self, sign: Self) -> Self {
                Self::of(Self::OPS.copy_sign(self.0 as u32, sign.0 as u32))
            }

            /// The next larger number, infinity included; the largest and NaN stay as they are.
            #[must_use]
            #[inline]
            pub const fn next_up(self) -> Self {
                Self::of(Self::OPS.next(self.0 as u32, true))
            }

            /// The next smaller number, infinity included; the smallest and NaN stay as they are.
            #[must_use]
            #[inline]
            pub const fn next_down(self) -> Self {
                Self::of(Self::OPS.next(self.0 as u32, false))
            }

            #[inline]
            const fn compare(self, other: Self) -> ::core::option::Option<::core::cmp::Ordering> {
                Self::OPS.compare((self.0 as u32, other.0 as u32), (self.to_f32(), other.to_f32()))
            }

            /// The larger of two numbers; if one is NaN, the other. For two zeros, whatever their
            /// signs, the result is `self`.
            #[must_use]
            #[inline]
            pub const fn max(self, other: Self) -> Self {
                match self.compare(other) {
                    ::core::option::Option::Some(::core::cmp::Ordering::Less) => other,
                    ::core::option::Option::None if self.is_nan() => other,
                    _ => self,
                }
            }

            /// The smaller of two numbers; if one is NaN, the other. For two zeros, whatever their
            /// signs, the result is `self`.
            #[must_use]
            #[inline]
            pub const fn min(self, other: Self) -> Self {
                match self.compare(other) {
                    ::core::option::Option::Some(::core::cmp::Ordering::Greater) => other,
                    ::core::option::Option::None if self.is_nan() => other,
                    _ => self,
                }
            }

            /// The nearest number in `low..=high`; NaN stays as it is. Unlike `f32::clamp` it does
            /// not panic: bounds in the wrong order or NaN give what `max(low)` and then
            /// `min(high)` give.
            #[must_use]
            #[inline]
            pub const fn clamp(self, low: Self, high: Self) -> Self {
                if self.is_nan() { self } else { self.max(low).min(high) }
            }

            /// A total order: −NaN, −∞, …, −0, +0, …, ∞, NaN; in formats with a single NaN code NaN
            /// comes first (P3109 `TotalOrder`).
            #[must_use]
            #[inline]
            pub const fn total_cmp(self, other: Self) -> ::core::cmp::Ordering {
                $crate::scalar_support::total_cmp(&Self::SPEC, self.unpack(), other.unpack())
            }
        }

        $($($crate::__format_constant! { $name $special })*)?

        $crate::__math_constants! { $crate::define_format! { @math $name } }

        $crate::define_format!(@half $name);
        $crate::define_format!(@num_traits $name $code, [$($kind)?], [$($($special)*)?]);
        $crate::define_format!(@optional $name $code);

        impl ::core::cmp::PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                matches!(
                    self.compare(*other),
                    ::core::option::Option::Some(::core::cmp::Ordering::Equal)
                )
            }
        }

        #[allow(
            clippy::non_canonical_partial_ord_impl,
            reason = "a type may be `Ord` too: without NaN the two orders are one"
        )]
        impl ::core::cmp::PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                self.compare(*other)
            }
        }

        /// Equal numbers hash alike: both zeros are one. NaN hashes by its code.
        impl ::core::hash::Hash for $name {
            #[inline]
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                (if self.is_zero() { 0 } else { self.0 }).hash(state);
            }
        }

        impl ::core::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match $crate::scalar_support::hexadecimal((*self).unpack(), Self::BEYOND_F64) {
                    ::core::option::Option::Some(text) => {
                        ::core::write!(f, ::core::concat!(::core::stringify!($name), "({})"), text)
                    }
                    ::core::option::Option::None => ::core::write!(
                        f,
                        ::core::concat!(::core::stringify!($name), "({:?})"),
                        (*self).to_f64()
                    ),
                }
            }
        }

        $crate::define_format!(@number $name: Display, LowerExp, UpperExp);
        $crate::define_format!(@fmt $name:
            LowerHex to_bits, UpperHex to_bits, Binary to_bits, Octal to_bits);

        /// A decimal number, a hexadecimal one with its exponent (`0x1.8p-4`), `inf` or `NaN`,
        /// rounded once under the type's policy. Outside of f64's normal range, where the format
        /// has numbers there, a decimal one that 256 bits cannot tell from one of 63 is an error.
        impl ::core::str::FromStr for $name {
            type Err = $crate::ParseError;
            #[inline]
            fn from_str(text: &str) -> ::core::result::Result<Self, $crate::ParseError> {
                $crate::scalar_support::parse(text, Self::BEYOND_F64).map(Self::from_unpacked)
            }
        }

        $crate::__arithmetic! { $name $($kind)? }
    };

    (@math $name:ident $($constant:ident $what:literal,)*) => {
        /// Constants of mathematics, as in [`core::f64::consts`]: each is the real number, rounded
        /// once under the type's policy. One that the format cannot come near, because its largest
        /// number is smaller or its nearest is zero, does not compile where it is used.
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            $(
                #[doc = concat!($what, ", rounded once under the type's policy.")]
                pub const $constant: Self = Self::of($crate::scalar_support::constant(
                    &Self::SPEC,
                    &<Self as $crate::Format>::CONVERT,
                    ::core::f64::consts::$constant,
                ));
            )*
        }
    };

    (@number $name:ident: $($trait:ident),*) => {$(
        /// Prints like an f64. A number outside of f64's normal range is printed exactly, as
        /// `0x1.8p+4000`, whatever width and precision are asked for.
        impl ::core::fmt::$trait for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match $crate::scalar_support::hexadecimal((*self).unpack(), Self::BEYOND_F64) {
                    ::core::option::Option::Some(text) => ::core::write!(f, "{}", text),
                    ::core::option::Option::None => ::core::fmt::$trait::fmt(&(*self).to_f64(), f),
                }
            }
        }
    )*};

    (@fmt $name:ident: $($trait:ident $to:ident),*) => {$(
        impl ::core::fmt::$trait for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::$trait::fmt(&(*self).$to(), f)
            }
        }
    )*};

    (@half $name:ident) => { $crate::__half_conversions! { $name } };
    (@num_traits $($rest:tt)*) => { $crate::__num_traits! { $($rest)* } };
    (@optional $($rest:tt)*) => { $crate::__optional_traits! { $($rest)* } };
}
