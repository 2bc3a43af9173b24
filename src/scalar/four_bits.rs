//! Two types of 4 bits that are no floats: integers, and the entries of a codebook. Both convert,
//! compare, print and parse, but have no operators: a sum of two codes is not a code, and what
//! becomes of it is a decision. [`Int4`] has it in the names of its methods; of [`Nf4`] numbers are
//! entries, which no arithmetic leads to.

use crate::define_format;
use crate::mem::some_patterns;
use crate::spec::FormatSpec;
use core::cmp::Ordering;
#[cfg(feature = "zerocopy")]
use zerocopy::{Immutable, IntoBytes, KnownLayout, Unaligned};

define_format! {
    /// An integer from −8 to 7 in two's complement, `int4`, in the low 4 bits of a byte.
    ///
    /// A float is rounded to the nearest integer, ties to even, and saturates; NaN becomes 7. For
    /// integers there are [`from_i8`](Self::from_i8), which refuses what does not fit, and
    /// arithmetic that says in its name what becomes of an overflow, as that of Rust's integers.
    ///
    /// ```
    /// use subhalf::Int4;
    /// let (a, b) = (Int4::from_i8(7).unwrap(), Int4::from_f32(-2.5)); // -2: a tie, to even
    /// assert_eq!((b.to_i8(), Int4::from_i8(8)), (-2, None));
    /// assert_eq!((a.saturating_sub(b).to_i8(), a.wrapping_sub(b).to_i8()), (7, -7));
    /// assert_eq!((a.checked_sub(b), a.checked_add(b).map(Int4::to_i8)), (None, Some(5)));
    /// assert_eq!((b.to_bits(), b.to_string(), "7".parse::<Int4>()), (0xE, "-2".to_string(), Ok(a)));
    /// ```
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct Int4(u8) = FormatSpec::INT4, has(ZERO, ONE, NEG_ONE); convert only;
}

define_format! {
    /// An entry of the codebook NF4 (QLoRA, arXiv 2305.14314): 16 numbers from −1 to 1, in the low
    /// 4 bits of a byte, code 0 the smallest.
    ///
    /// A number becomes the nearest entry, beyond −1 and 1 the last one; NaN becomes 1.
    ///
    /// ```
    /// use subhalf::Nf4;
    /// let x = Nf4::from_f32(0.3);
    /// assert_eq!((x.to_bits(), x.to_f32()), (11, 0.33791524));
    /// assert!(Nf4::NEG_ONE < Nf4::ZERO && Nf4::from_f32(-9.0) == Nf4::NEG_ONE);
    /// ```
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct Nf4(u8) = FormatSpec::NF4, has(ZERO, ONE, NEG_ONE); convert only;
}

some_patterns! { Int4 Nf4 }

/// Orders by number. There is no NaN, so that the order is total.
macro_rules! total_order {
    ($($name:ident)*) => {$(
        impl Eq for $name {}

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.total_cmp(*other)
            }
        }

        into_floats! { $name }
    )*};
}

total_order! { Int4 Nf4 }

/// The three forms of an operation of two integers, whose result an i8 has.
macro_rules! integer_operation {
    ($what:literal $op:ident $wrapping:ident $saturating:ident $checked:ident) => {
        #[doc = concat!($what, "; of a result beyond −8 and 7 the low 4 bits.")]
        #[must_use]
        #[inline]
        pub const fn $wrapping(self, other: Self) -> Self {
            Self::from_bits(self.to_i8().$op(other.to_i8()) as u8)
        }

        #[doc = concat!($what, "; of a result beyond −8 and 7 the nearer of the two.")]
        #[must_use]
        #[inline]
        pub const fn $saturating(self, other: Self) -> Self {
            let exact = self.to_i8().$op(other.to_i8());
            match Self::from_i8(exact) {
                Some(x) => x,
                None if exact < 0 => Self::MIN,
                None => Self::MAX,
            }
        }

        #[doc = concat!($what, "; `None` for a result beyond −8 and 7.")]
        #[must_use]
        #[inline]
        pub const fn $checked(self, other: Self) -> Option<Self> {
            Self::from_i8(self.to_i8().$op(other.to_i8()))
        }
    };
}

impl Int4 {
    /// The integer; `None` below −8 and above 7.
    #[must_use]
    #[inline]
    pub const fn from_i8(x: i8) -> Option<Self> {
        if x < -8 || x > 7 { None } else { Some(Self::from_bits(x as u8)) }
    }

    /// The integer.
    #[must_use]
    #[inline]
    pub const fn to_i8(self) -> i8 {
        // The sign bit of the code is moved to that of the byte, and back with its sign.
        ((self.to_bits() << 4) as i8) >> 4
    }

    // Neither a sum nor a product, 64 at most, leaves an i8.
    integer_operation! { "The sum" wrapping_add wrapping_add saturating_add checked_add }
    integer_operation! { "The difference" wrapping_sub wrapping_sub saturating_sub checked_sub }
    integer_operation! { "The product" wrapping_mul wrapping_mul saturating_mul checked_mul }
}

impl From<Int4> for i8 {
    #[inline]
    fn from(x: Int4) -> Self {
        x.to_i8()
    }
}

impl From<Int4> for i32 {
    #[inline]
    fn from(x: Int4) -> Self {
        x.to_i8().into()
    }
}
