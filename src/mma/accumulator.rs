//! [`Accumulator`]: how the products of one element of a matrix product are added up.

use crate::error::Error;
use crate::round::Round;
use crate::spec::FormatSpec;

/// A sum that takes one product after the other, *k* upward, each step one rounding of the exact
/// `acc + a·b`; it starts at +0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Chain {
    /// Rounded to f32, ties to even: a chain of fused multiply-adds.
    F32,
    /// Rounded to f64, ties to even.
    F64,
    /// Rounded to a format under its [default policy](FormatSpec::default_convert) with this
    /// rounding: up to 8 bits a sum too large becomes the largest number, wider it is infinite,
    /// unless the rounding stops at the largest number (toward zero, to odd, down or up from the
    /// other side). The product of row *i*, column *j* and position *k* takes random word
    /// `(i·N + j)·K + k` of a stochastic rounding, in a batch `((matrix·M + i)·N + j)·K + k`.
    Rounded {
        /// The format of the sum; signed, with a zero.
        format: FormatSpec,
        /// Its rounding.
        rounding: Round,
    },
}

/// What becomes of an integer sum that needs more bits than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntegerOverflow {
    /// The low bits are kept.
    Wrap,
    /// After every product it is the nearest integer that there is.
    Saturate,
}

/// How an element of a product comes about from K pairs of numbers. It is part of the definition of
/// the result, to the last bit; how fast it is computed, on which instructions and on how many
/// threads, is not.
///
/// Numbers are those that [`dequantize`](crate::QuantView::dequantize) gives, but for
/// [`BlockF32`](Self::BlockF32) and [`Integer`](Self::Integer), which take elements and scales
/// apart.
///
/// After K products a sum is finished in this order: it is multiplied by the tensor scales (the two
/// that take elements and scales apart), the addend is added, then the bias, each operation rounded
/// to f32, or to f64 where the sum is one; then the result is rounded to the output's type. Of
/// [`Exact`](Self::Exact) addend and bias are part of the exact sum. Of no products at all the sum
/// is +0. Every NaN becomes the positive quiet one.
///
/// ```
/// use subhalf::{Accumulator, FormatSpec, Matmul, Operand, Round};
/// let (a, b) = ([1024.0f32, 1.0, 1.0], [1.0f32, 0.5, 0.5]);
/// let (a, b) = (Operand::numbers(&a, &[1, 3])?, Operand::numbers(&b, &[1, 3])?);
/// let sum = |accumulator| Matmul::new().accumulator(accumulator).multiply(a, b);
/// assert_eq!(sum(Accumulator::F32)?, [1025.0]);
/// // Each half is half a unit of FP16 there, a tie that goes to even.
/// assert_eq!(sum(Accumulator::rounded(FormatSpec::F16, Round::NearestEven))?, [1024.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accumulator {
    /// One chain over all products.
    Chain(Chain),
    /// Block by block. A block is a run of *k* in which neither side meets the end of one of its
    /// blocks; blocks are told apart by their place, not by their scales. Its partial sum is that
    /// of the elements without scales: exact if both sides are integers (zero points taken off),
    /// else the chain [`F32`](Chain::F32) from +0. Then `acc = acc + partial · s_a · s_b`, one
    /// rounding of the exact value to f32; but where a scale is itself an f32, `s_a · s_b` is
    /// rounded to f32 first. A side without scales has the scale 1. Tensor scales, as f32 factors
    /// and their product rounded to f32, multiply the sum once at its end: a multiplier itself, a
    /// divisor `1 / T`, an `amax` divided by its target.
    ///
    /// A scale that is NaN makes the sum NaN, whatever its elements are; a scale of zero times
    /// infinite partial sums too.
    BlockF32,
    /// The exact sum, addend and bias included, rounded once.
    Exact,
    /// Promotion: runs of `k` products are added up by `inner`, each from zero, and their sums by
    /// `outer`, one rounding each. A stochastic `outer` takes the random word of the last product
    /// of its run.
    Chunked {
        /// Products of a run, at least one; the last run may be shorter.
        k: usize,
        /// The sum of a run.
        inner: Chain,
        /// The sum of the runs.
        outer: Chain,
    },
    /// Block by block as [`BlockF32`](Self::BlockF32), of integers only, with partial sums of this
    /// many bits in two's complement, in units of the last place. If neither side has scales the
    /// sum is the integer itself, an f64.
    Integer {
        /// Width of the sum, 2 to 53.
        bits: u32,
        /// What happens beyond it.
        overflow: IntegerOverflow,
    },
}

impl Accumulator {
    /// [`Chain::F32`].
    pub const F32: Self = Self::Chain(Chain::F32);
    /// [`Chain::F64`].
    pub const F64: Self = Self::Chain(Chain::F64);
    /// 32-bit integers that wrap, as of `vpdpbusd` and matrix units.
    pub const I32: Self = Self::Integer { bits: 32, overflow: IntegerOverflow::Wrap };

    /// [`Chain::Rounded`].
    #[must_use]
    pub const fn rounded(format: FormatSpec, rounding: Round) -> Self {
        Self::Chain(Chain::Rounded { format, rounding })
    }

    /// Refuses parts that are out of range.
    ///
    /// # Errors
    /// [`Error::Scheme`] for a format of a sum without a sign or a zero, for runs of no products,
    /// and for a chunked sum of two stochastic roundings, which would share their random words;
    /// [`Error::SpecRange`] for integers of other than 2 to 53 bits; [`Error::RandomBits`].
    pub const fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Chain(chain) => chain.validate(),
            Self::BlockF32 | Self::Exact => Ok(()),
            Self::Chunked { k: 0, .. } => Err(Error::Scheme {
                what: "chunked accumulator",
                expected: "runs of at least one product",
            }),
            Self::Chunked { inner, outer, .. } => {
                if let Err(error) = inner.validate() {
                    return Err(error);
                }
                if inner.random_bits().is_some() && outer.random_bits().is_some() {
                    return Err(Error::Scheme {
                        what: "chunked accumulator",
                        expected: "one stochastic rounding at most",
                    });
                }
                outer.validate()
            }
            Self::Integer { bits, .. } if *bits < 2 || *bits > 53 => Err(Error::SpecRange {
                what: "bits of an integer sum",
                found: *bits as i64,
                low: 2,
                high: 53,
            }),
            Self::Integer { .. } => Ok(()),
        }
    }
}

impl Chain {
    const fn validate(&self) -> Result<(), Error> {
        let Self::Rounded { format, rounding } = self else { return Ok(()) };
        if !format.is_signed() || format.zero_code().is_none() {
            return Err(Error::Scheme { what: "format of the sum", expected: "a sign and a zero" });
        }
        rounding.validate()
    }

    /// How many random bits a step takes, if any.
    pub(crate) const fn random_bits(&self) -> Option<u8> {
        match self {
            Self::Rounded { rounding: Round::Stochastic { bits, .. }, .. } => Some(*bits),
            _ => None,
        }
    }
}
