//! Scalars: newtypes over codes with the interface of Rust's own floats, stamped by
//! [`define_format!`](crate::define_format). The macro holds names and documentation; what the
//! methods do is in [`Ops`], one constant a format, and in `arith` and `codec`.

/// Into f32 and f64 for a type whose numbers they have.
macro_rules! into_floats {
    ($name:ident) => {
        impl From<$name> for f32 {
            #[inline]
            fn from(x: $name) -> Self {
                x.to_f32()
            }
        }

        impl From<$name> for f64 {
            #[inline]
            fn from(x: $name) -> Self {
                x.to_f64()
            }
        }
    };
}

/// Into a type that has every number of another, its −0, its infinities and NaN too.
macro_rules! into_whole {
    ($part:ty => $whole:ty) => {
        const _: () = {
            let (part, whole) =
                (<$part as crate::format::Format>::SPEC, <$whole as crate::format::Format>::SPEC);
            assert!(super::is_part_of(&part, &whole));
            assert!(part.nan_code().is_none() || whole.nan_code().is_some());
            assert!(part.negative_zero_code().is_none() || whole.negative_zero_code().is_some());
        };

        impl From<$part> for $whole {
            #[inline]
            fn from(x: $part) -> Self {
                Self::from_unpacked(x.unpack())
            }
        }
    };
}

pub mod aliases;
mod constants;
mod features;
mod four_bits;
mod operators;
mod optional;
mod sixteen_bits;
mod stamp;
mod text;
#[cfg(feature = "num-traits")]
mod traits;
mod types;

pub use four_bits::{Int4, Nf4};
pub use sixteen_bits::{BF16, F16};
pub use types::*;

pub use constants::{constant, is_part_of, max_10_exp, min_10_exp};

#[cfg(any(
    feature = "serde",
    feature = "rand",
    feature = "arbitrary",
    feature = "ndarray",
    feature = "num-traits-float"
))]
pub use optional::*;

pub use text::{ParseError, hexadecimal, is_beyond_f64, parse};

#[cfg(feature = "num-traits")]
pub use ::num_traits;
#[cfg(feature = "half")]
pub use half::{bf16, f16};
#[cfg(feature = "num-traits")]
pub use traits::{from_number, from_u128, number, parse_radix, to_f64, to_i128, to_u128};

use crate::codec::{Encoded, Unpacked};
use crate::flags::Flags;
use crate::kernel::Nearest;
use crate::policy::{Convert, DivisionByZero, MissingNan, Nan, SubnormalInputs};
use crate::spec::{Encoding, FormatSpec, NanCodes, ZeroField};
use core::cmp::Ordering;
use core::num::FpCategory;

/// What a stamped type needs, worked out once from its spec and policy. Not part of the interface:
/// the macro's own.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Ops {
    spec: FormatSpec,
    convert: Convert,
    nearest: Option<Nearest>,
    sign: Sign,
    /// Whether the one NaN has no sign.
    single_nan: bool,
    /// Whether f32 has all the numbers, of a format of at most 8 bits.
    in_f32: bool,
    /// Whether +, −, × and ÷ in f32, then rounded to the format, are the correctly rounded results.
    through_f32: bool,
}

#[doc(hidden)]
impl Ops {
    #[must_use]
    pub const fn new(spec: FormatSpec, convert: Convert) -> Self {
        let nearest = Nearest::lower(&spec, &convert);
        Self {
            spec,
            convert,
            nearest,
            sign: Sign::new(&spec),
            single_nan: single_nan(&spec),
            in_f32: in_f32(&spec),
            through_f32: nearest.is_some() && innocuous(&spec, &convert),
        }
    }

    #[inline(always)]
    #[must_use]
    pub const fn from_f32(&self, x: f32) -> u32 {
        match &self.nearest {
            Some(nearest) => nearest.encode(x),
            None => self.spec.encode_f32_with(x, &self.convert, 0).code,
        }
    }

    #[inline]
    #[must_use]
    pub const fn from_unpacked(&self, x: Unpacked) -> u32 {
        self.spec.encode_with(x, &self.convert, 0).code
    }

    /// The f32 of every code of a format of at most 8 bits.
    #[must_use]
    pub const fn table(spec: &FormatSpec) -> [f32; 256] {
        let (mut table, mut code) = ([0.0; 256], 0);
        while code < 256 && spec.bits() <= 8 {
            table[code as usize] = spec.decode_f32(code);
            code += 1;
        }
        table
    }

    #[inline(always)]
    #[must_use]
    pub const fn binary(&self, op: Binary, (a, b): (u32, u32), (x, y): (f32, f32)) -> u32 {
        if self.through_f32 {
            return self.from_f32(match op {
                Binary::Add => x + y,
                Binary::Sub => x - y,
                Binary::Mul => x * y,
                Binary::Div
                    if y == 0.0 && matches!(self.convert.division_by_zero, DivisionByZero::Nan) =>
                {
                    f32::NAN
                }
                Binary::Div => x / y,
                Binary::Rem => x % y,
            });
        }
        self.binary_with(op, a, b, &self.convert, 0).code
    }

    #[must_use]
    pub const fn binary_with(
        &self,
        op: Binary,
        a: u32,
        b: u32,
        convert: &Convert,
        random: u32,
    ) -> Encoded {
        match op {
            Binary::Add => self.spec.add_with(a, b, convert, random),
            Binary::Sub => self.spec.sub_with(a, b, convert, random),
            Binary::Mul => self.spec.mul_with(a, b, convert, random),
            Binary::Div => self.spec.div_with(a, b, convert, random),
            Binary::Rem => self.spec.rem_with(a, b, convert, random),
        }
    }

    /// `a · b + c`, rounded once. In f32 the product is exact, and the sum, rounded to odd, keeps
    /// what the format's rounding asks for.
    #[inline(always)]
    #[must_use]
    pub const fn mul_add(&self, (a, b, c): (u32, u32, u32), (x, y, z): (f32, f32, f32)) -> u32 {
        if !self.through_f32 {
            return self.spec.mul_add_with(a, b, c, &self.convert, 0).code;
        }
        let product = x * y;
        let sum = product + z;
        // Knuth's two-sum: what the rounding took away, exactly.
        let of_z = sum - product;
        let error = (product - (sum - of_z)) + (z - of_z);
        let between = error.abs() > 0.0 && sum.to_bits() & 1 == 0;
        let toward_zero = (error < 0.0) != (sum < 0.0);
        let odd = if toward_zero { sum.to_bits().wrapping_sub(1) } else { sum.to_bits() | 1 };
        self.from_f32(if between { f32::from_bits(odd) } else { sum })
    }

    /// The square roots, or else the reciprocals, of all codes of a format of at most 8 bits.
    #[must_use]
    pub const fn unary_table(&self, roots: bool) -> [u8; 256] {
        let (mut table, mut code) = ([0; 256], 0);
        while code < 256 && code < self.spec.code_count() as u32 {
            let encoded = match roots {
                true => self.spec.sqrt_with(code, &self.convert, 0),
                false => self.spec.recip_with(code, &self.convert, 0),
            };
            table[code as usize] = encoded.code as u8;
            code += 1;
        }
        table
    }

    /// Whether a code's f32, if it is one, says all about it but NaN's sign and payload.
    #[inline(always)]
    #[must_use]
    pub const fn in_f32(&self) -> bool {
        self.in_f32
    }

    #[inline(always)]
    #[must_use]
    pub const fn compare(&self, (a, b): (u32, u32), (x, y): (f32, f32)) -> Option<Ordering> {
        if !self.in_f32 {
            return self.spec.decode(a).compare(self.spec.decode(b));
        }
        if x < y {
            Some(Ordering::Less)
        } else if x > y {
            Some(Ordering::Greater)
        } else if x == y {
            Some(Ordering::Equal)
        } else {
            None
        }
    }

    /// The code of the negative: IEEE 754's negate, which flips the sign of NaN too where NaN has
    /// one.
    #[inline(always)]
    #[must_use]
    pub const fn negate(&self, code: u32, value: f32) -> u32 {
        if self.sign.flips {
            return self.sign.negate(code);
        }
        if value.is_nan() {
            code ^ self.sign.of_nan
        } else {
            self.exactly(self.spec.decode(code).negate())
        }
    }

    /// Whether the sign is minus. NaN in place of −0 has none (P3109 `IsSignMinus`).
    #[must_use]
    pub const fn is_negative(&self, code: u32) -> bool {
        self.spec.decode(code).is_negative() && !self.sign.has_none(code)
    }

    /// The magnitude of one code with the sign of another. A NaN without sign has none to give
    /// (P3109 `CopySign`).
    #[must_use]
    pub const fn copy_sign(&self, code: u32, sign: u32) -> u32 {
        if self.single_nan && self.spec.decode(sign).is_nan() {
            sign
        } else {
            self.with_sign(code, self.is_negative(sign))
        }
    }

    /// The code of the same magnitude with another sign, where the sign is a thing of its own: IEEE
    /// 754's abs and copySign, of NaN too.
    #[must_use]
    pub const fn with_sign(&self, code: u32, negative: bool) -> u32 {
        if self.sign.flips {
            return self.sign.set(code, negative);
        }
        let x = self.spec.decode(code);
        if x.is_nan() {
            return if negative { code | self.sign.of_nan } else { code & !self.sign.of_nan };
        }
        if x.is_negative() == negative { code } else { self.exactly(x.negate()) }
    }

    /// The code of a number of the format, or of the opposite of one: subnormal ones are not
    /// flushed.
    const fn exactly(&self, x: Unpacked) -> u32 {
        self.spec.encode_with(x, &self.convert.with_subnormal_inputs(SubnormalInputs::Keep), 0).code
    }

    #[must_use]
    pub const fn next(&self, code: u32, up: bool) -> u32 {
        let next = if up { self.spec.next_up(code) } else { self.spec.next_down(code) };
        match next {
            Some(next) => next,
            None => code,
        }
    }
}

/// The sign bit of a floating-point layout; 0 in an unsigned one and in other encodings.
#[derive(Clone, Copy, Debug)]
struct Sign {
    bit: u32,
    /// The bit where NaN has a sign too, else 0.
    of_nan: u32,
    /// Whether flipping the bit negates every number except a zero without a sign.
    flips: bool,
    /// Whether the bit alone is NaN and zero has no sign to flip.
    single_zero: bool,
}

impl Sign {
    const fn new(spec: &FormatSpec) -> Self {
        let Encoding::Float(layout) = spec.encoding() else {
            return Self { bit: 0, of_nan: 0, flips: false, single_zero: false };
        };
        let (bit, single_zero) =
            (layout.sign_bit() as u32, matches!(layout.nan, NanCodes::NegativeZero));
        // Otherwise the code in the place of −0 is a second +0, whose sign cannot be flipped.
        let proper =
            layout.negative_zero || single_zero || matches!(layout.zero_field, ZeroField::Normals);
        Self {
            bit,
            of_nan: if single_zero { 0 } else { bit },
            flips: layout.signed && proper,
            single_zero,
        }
    }

    #[inline(always)]
    const fn negate(self, code: u32) -> u32 {
        if self.has_none(code) { code } else { code ^ self.bit }
    }

    const fn set(self, code: u32, negative: bool) -> u32 {
        match negative {
            _ if self.has_none(code) => code,
            true => code | self.bit,
            false => code & !self.bit,
        }
    }

    #[inline(always)]
    const fn has_none(self, code: u32) -> bool {
        self.single_zero && code & (self.bit - 1) == 0
    }
}

/// A binary operator of a stamped type: `+`, `-`, `*`, `/`, and `%`, the remainder.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

const fn in_f32(spec: &FormatSpec) -> bool {
    // No number of 8 bits has more than 8 significant ones.
    spec.bits() <= 8 && spec.smallest_positive().log2() >= -126 - 8 && spec.max_exponent() < 127
}

/// Rounding to f32 first is harmless where f32 has at least 2p + 2 bits (Figueroa) and no result
/// leaves its normal range; and what NaN becomes must not depend on a sign that processors choose.
const fn innocuous(spec: &FormatSpec, convert: &Convert) -> bool {
    let Some(precision) = spec.precision() else { return false };
    let (low, high) = (spec.smallest_positive().log2(), spec.max_exponent() as i64);
    let in_range = 2 * low > -126 && 2 * high + 2 < 127 && high - low + 1 < 126;
    let sign_free = matches!(convert.nan, Nan::Canonical | Nan::AllOnes)
        && matches!(convert.missing_nan, MissingNan::Max | MissingNan::Zero);
    precision <= 11 && in_range && sign_free
}

/// The order of IEEE 754's totalOrder; in P3109 formats and others whose one NaN has the code of a
/// minus zero, NaN is below everything.
#[doc(hidden)]
#[must_use]
pub const fn total_cmp(spec: &FormatSpec, a: Unpacked, b: Unpacked) -> Ordering {
    const fn rank(x: Unpacked, nan_lowest: bool) -> (i8, u64) {
        match (x.class(), x.is_negative()) {
            (FpCategory::Nan, _) if nan_lowest => (-3, 0),
            (FpCategory::Nan, true) => (-3, !x.payload()),
            (FpCategory::Nan, false) => (3, x.payload()),
            _ => (0, 0),
        }
    }
    let nan_lowest = single_nan(spec);
    let (x, y) = (rank(a, nan_lowest), rank(b, nan_lowest));
    if x.0 != y.0 {
        return if x.0 < y.0 { Ordering::Less } else { Ordering::Greater };
    }
    if x.0 != 0 {
        return if x.1 == y.1 {
            Ordering::Equal
        } else if x.1 < y.1 {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    match a.compare(b) {
        Some(Ordering::Equal) if a.is_negative() != b.is_negative() => {
            if a.is_negative() {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        Some(order) => order,
        None => Ordering::Equal,
    }
}

/// Whether the one NaN is where P3109 has it, or lies outside of the order of codes.
const fn single_nan(spec: &FormatSpec) -> bool {
    match spec.encoding() {
        Encoding::HiF8 | Encoding::Posit(_) => true,
        Encoding::Float(_) | Encoding::Int(_) | Encoding::Codebook(_) => spec.has_p3109_specials(),
    }
}

/// The code of a constant that a type says it has.
///
/// # Panics
/// At compile time, if the format does not have it.
#[doc(hidden)]
#[must_use]
pub const fn has(code: Option<u32>) -> u32 {
    match code {
        Some(code) => code,
        None => panic!("the format has no such number"),
    }
}

/// How many of the constants that `has` may list the format has.
#[doc(hidden)]
#[must_use]
pub const fn specials(spec: &FormatSpec) -> usize {
    spec.nan_code().is_some() as usize
        + spec.infinity_code().is_some() as usize
        + spec.negative_infinity_code().is_some() as usize
        + spec.zero_code().is_some() as usize
        + spec.one_code().is_some() as usize
        + spec.negative_zero_code().is_some() as usize
        + negative_one(spec).is_some() as usize
        + min_subnormal(spec).is_some() as usize
}

#[doc(hidden)]
#[must_use]
pub const fn negative_one(spec: &FormatSpec) -> Option<u32> {
    let one = spec.encode_with(Unpacked::ONE.negate(), &Convert::SATURATING, 0);
    if matches!(one.flags, Flags::NONE) { Some(one.code) } else { None }
}

#[doc(hidden)]
#[must_use]
pub const fn min_subnormal(spec: &FormatSpec) -> Option<u32> {
    let code = spec.smallest_positive_code();
    if matches!(spec.decode(code).class(), FpCategory::Subnormal) { Some(code) } else { None }
}
