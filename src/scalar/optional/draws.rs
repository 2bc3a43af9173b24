//! `rand` and `rand_distr`: an f32 is drawn, as those crates draw it, and rounded under the type's
//! policy. Where rounding leaves the interval that the distribution promises, the neighbour inside
//! is taken.

use crate::codec::Unpacked;
use crate::flags::Flags;
use crate::format::{Format, from_code};
use crate::spec::{Code, FormatSpec};
use core::cmp::Ordering;
use core::marker::PhantomData;
use rand::Rng;
use rand_distr::uniform::{Error, SampleBorrow, SampleUniform, UniformFloat, UniformSampler};
use rand_distr::{Distribution, Exp1, Open01, OpenClosed01, StandardNormal, StandardUniform};

mod sealed {
    pub trait Sealed {}
}

/// A distribution of f32s, and the numbers at and beyond which none of its results lies.
#[doc(hidden)]
pub trait Interval: Distribution<f32> + sealed::Sealed {
    /// An excluded number below.
    const ABOVE: Option<f32>;
    /// An excluded number above.
    const BELOW: Option<f32>;
}

macro_rules! intervals {
    ($($distribution:ident: $above:expr, $below:expr;)*) => {$(
        impl sealed::Sealed for $distribution {}
        impl Interval for $distribution {
            const ABOVE: Option<f32> = $above;
            const BELOW: Option<f32> = $below;
        }
    )*};
}

intervals! {
    StandardUniform: None, Some(1.0);
    Open01: Some(0.0), Some(1.0);
    OpenClosed01: Some(0.0), None;
    StandardNormal: None, None;
    Exp1: None, None;
}

/// The code, or the next one inside if its number is not above a bound and below another.
fn inside(spec: &FormatSpec, code: u32, above: Option<Unpacked>, below: Option<Unpacked>) -> u32 {
    let order = |bound: Unpacked| spec.decode(code).compare(bound);
    if below.is_some_and(|bound| matches!(order(bound), Some(Ordering::Greater | Ordering::Equal)))
    {
        return spec.next_down(code).unwrap_or(code);
    }
    if above.is_some_and(|bound| matches!(order(bound), Some(Ordering::Less | Ordering::Equal))) {
        return spec.next_up(code).unwrap_or(code);
    }
    code
}

/// A number of a distribution.
pub fn sample<T: Format, D: Interval, R: Rng + ?Sized>(distribution: &D, rng: &mut R) -> T {
    let drawn = T::encode_f32(distribution.sample(rng)).to_bits().widen();
    let [above, below] = [D::ABOVE, D::BELOW].map(|bound| bound.map(Unpacked::from_f32));
    from_code(inside(&T::SPEC, drawn, above, below))
}

/// Numbers between two others: `rng.random_range(low..high)`. An f32 between them is drawn and
/// rounded; `high`, where it is excluded, is never returned.
#[derive(Clone, Copy, Debug)]
pub struct RoundedUniform<T> {
    drawn: UniformFloat<f32>,
    /// The number that is excluded above.
    below: Option<Unpacked>,
    of: PhantomData<T>,
}

impl<T: Format + SampleUniform> UniformSampler for RoundedUniform<T> {
    type X = T;

    fn new<A: SampleBorrow<T>, B: SampleBorrow<T>>(low: A, high: B) -> Result<Self, Error> {
        let (low, high) = (*low.borrow(), *high.borrow());
        let drawn = UniformFloat::new(low.decode_f32(), high.decode_f32())?;
        Ok(Self { drawn, below: Some(high.unpack()), of: PhantomData })
    }

    fn new_inclusive<A: SampleBorrow<T>, B: SampleBorrow<T>>(
        low: A,
        high: B,
    ) -> Result<Self, Error> {
        let (low, high) = (*low.borrow(), *high.borrow());
        let drawn = UniformFloat::new_inclusive(low.decode_f32(), high.decode_f32())?;
        Ok(Self { drawn, below: None, of: PhantomData })
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> T {
        let code = T::encode_f32(self.drawn.sample(rng)).to_bits().widen();
        from_code(inside(&T::SPEC, code, None, self.below))
    }
}

/// The sum of weights with one more; `None` if it would be inexact: then some weight would count for
/// less than it says, or for nothing.
#[must_use]
pub fn add_weight<T: Format>(sum: T, weight: T) -> Option<T> {
    let (sum, weight) = (sum.to_bits().widen(), weight.to_bits().widen());
    let encoded = T::SPEC.add_with(sum, weight, &T::CONVERT, 0);
    (encoded.flags == Flags::NONE).then(|| from_code(encoded.code))
}

/// The distributions of one type; with `@weight`, what a choice by weights needs.
#[doc(hidden)]
#[macro_export]
macro_rules! __rand {
    ($name:ident) => {
        $crate::__rand! { @sample $name
            StandardUniform "In [0, 1): a rounded f32; what would become 1 is the number below."
            Open01 "In (0, 1): a rounded f32; what would become 0 or 1 is the number inside."
            OpenClosed01 "In (0, 1]: a rounded f32; what would become 0 is the number above."
            StandardNormal "A rounded f32; the policy says what is negative in an unsigned format."
            Exp1 "A rounded f32."
        }

        impl $crate::scalar_support::rand_distr::uniform::SampleUniform for $name {
            type Sampler = $crate::scalar_support::RoundedUniform<Self>;
        }
    };

    (@sample $name:ident $($distribution:ident $what:literal)*) => {$(
        #[doc = $what]
        impl $crate::scalar_support::rand_distr::Distribution<$name>
            for $crate::scalar_support::rand_distr::$distribution
        {
            fn sample<R: $crate::scalar_support::rand::Rng + ?Sized>(
                &self,
                rng: &mut R,
            ) -> $name {
                $crate::scalar_support::sample(self, rng)
            }
        }
    )*};

    (@weight $name:ident) => {
        /// A sum of weights that is inexact is refused.
        impl $crate::scalar_support::rand::distr::weighted::Weight for $name {
            const ZERO: Self = $name::ZERO;

            fn checked_add_assign(&mut self, weight: &Self) -> ::core::result::Result<(), ()> {
                *self = $crate::scalar_support::add_weight(*self, *weight).ok_or(())?;
                ::core::result::Result::Ok(())
            }
        }
    };
}
