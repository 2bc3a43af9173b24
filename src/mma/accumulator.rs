//! [`Accumulator`]: how the products of one element of a matrix product are added up.

use super::unit::{KSchedule, MmaSpec};
use crate::error::Error;
use crate::round::Round;
use crate::spec::FormatSpec;

/// A sum that takes one product after the other, *k* upward; each step is one rounding of the exact
/// `acc + a·b`. It starts at +0.
///
/// [`F32`](Self::F32) and [`F64`](Self::F64) are values, [`rounded`](Self::rounded) is a function
/// of a format and a rounding. [`Accumulator::chain`] makes a whole sum of a chain,
/// [`Accumulator::chunked`] a sum of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Chain {
    /// Rounded to f32, ties to even: a chain of fused multiply-adds.
    F32,
    /// Rounded to f64, ties to even.
    F64,
    /// Rounded to a format: what [`rounded`](Self::rounded) makes.
    #[non_exhaustive]
    Rounded {
        /// The format of the sum; signed, with a zero.
        format: FormatSpec,
        /// The rounding of every step.
        rounding: Round,
    },
}

/// What becomes of an integer sum that needs more bits than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntegerOverflow {
    /// The low bits are kept.
    Wrap,
    /// After every product the sum is the nearest integer in range.
    Saturate,
}

/// How an element of a product comes about from K pairs of numbers. It is part of the definition of
/// the result, to the last bit; how fast it is computed, on which instructions and on how many
/// threads, is not.
///
/// An accumulator without parameters is a value, one with parameters a function:
///
/// | | one element of the product |
/// |---|---|
/// | [`Accumulator::F32`] | a chain of fused multiply-adds in f32 |
/// | [`Accumulator::F64`] | a chain in f64 |
/// | [`Accumulator::rounded`] | a chain in any format and rounding |
/// | [`Accumulator::chunked`] | chains of `k` products, and a chain of their sums |
/// | [`Accumulator::Exact`] | the exact sum, rounded once |
/// | [`Accumulator::BlockF32`] | scaled partial sums of blocks, added in f32 |
/// | [`Accumulator::I32`] | integers of 32 bits that wrap |
/// | [`Accumulator::integer`] | integers of 2 to 53 bits that wrap or saturate |
/// | [`Accumulator::unit`] | what a matrix unit makes, instruction after instruction |
///
/// [`BlockF32`](Self::BlockF32), matrix units and the integers take elements and scales apart; the others take
/// the numbers that [`dequantize`](crate::QuantView::dequantize) gives.
///
/// After K products a sum is finished in this order: it is multiplied by the tensor scales (only
/// where elements and scales are taken apart), the addend is added, then the bias, each operation
/// rounded to f32, or to f64 where the sum is one; then the result is rounded to the output's type.
/// With [`Exact`](Self::Exact), addend and bias are part of the exact sum. A sum of no products is
/// +0. Every NaN becomes the positive quiet one.
///
/// ```
/// use subhalf::{Accumulator, Chain, FormatSpec, Matmul, Operand, Round};
/// let (a, b) = ([1024.0f32, 1.0, 1.0], [1.0f32, 0.5, 0.5]);
/// let (a, b) = (Operand::numbers(&a, &[1, 3])?, Operand::numbers(&b, &[1, 3])?);
/// let sum = |accumulator| Matmul::new().accumulator(accumulator).multiply(a, b);
/// assert_eq!(sum(Accumulator::F32)?, [1025.0]);
/// // Each half is half a unit of FP16 there, a tie that goes to even.
/// let f16 = Chain::rounded(FormatSpec::F16, Round::NearestEven);
/// assert_eq!(sum(Accumulator::rounded(FormatSpec::F16, Round::NearestEven))?, [1024.0]);
/// // Chunks of two products: 1024 + 0.5, which is 1024 in FP16, and 0.5 alone.
/// assert_eq!(sum(Accumulator::chunked(2, f16, Chain::F32))?, [1024.5]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accumulator {
    /// One chain over all products: what [`chain`](Self::chain) and [`rounded`](Self::rounded)
    /// make.
    #[non_exhaustive]
    Chain(Chain),
    /// Block by block.
    ///
    /// A block is a stretch of *k* in which neither side meets the end of one of its blocks; blocks
    /// are told apart by their place, not by their scales. Its partial sum is that of the elements
    /// without scales: exact if both sides are integers (zero points taken off), else the chain
    /// [`F32`](Chain::F32) from +0. Then `acc = acc + partial · s_a · s_b`, one rounding of the
    /// exact value to f32; but where a scale is itself an f32, `s_a · s_b` is rounded to f32 first.
    /// A side without scales has the scale 1. Tensor scales, as f32 factors and their product
    /// rounded to f32, multiply the sum once at its end: a multiplier itself, a divisor `1 / T`, an
    /// `amax` divided by its target.
    ///
    /// A scale that is NaN makes the sum NaN, whatever its elements are; so does a scale of zero
    /// beside an infinite partial sum.
    BlockF32,
    /// The exact sum, addend and bias included, rounded once.
    Exact,
    /// Chunks of products, each added up from zero, and their sums: what [`chunked`](Self::chunked)
    /// makes.
    #[non_exhaustive]
    Chunked {
        /// Products of a chunk, at least one; the last chunk may be shorter.
        k: usize,
        /// The sum of a chunk.
        inner: Chain,
        /// The sum of the chunks.
        outer: Chain,
    },
    /// Integers in two's complement: what [`integer`](Self::integer) makes.
    #[non_exhaustive]
    Integer {
        /// Width of the sum, 2 to 53.
        bits: u32,
        /// What becomes of a sum that needs more bits.
        overflow: IntegerOverflow,
    },
    /// The instructions of a matrix unit: what [`unit`](Self::unit) makes.
    #[non_exhaustive]
    Unit {
        /// What an instruction computes.
        spec: MmaSpec,
        /// How instructions go through K.
        schedule: KSchedule,
    },
}

impl Accumulator {
    /// Sums in f32, one product after the other, each step a fused multiply-add, ties to even:
    /// [`Chain::F32`].
    pub const F32: Self = Self::chain(Chain::F32);
    /// Sums in f64, one product after the other, each step rounded once, ties to even:
    /// [`Chain::F64`].
    pub const F64: Self = Self::chain(Chain::F64);
    /// Integers of 32 bits that wrap, those of `vpdpbusd` and matrix units.
    pub const I32: Self = Self::integer(32, IntegerOverflow::Wrap);

    /// One chain over all products.
    #[must_use]
    pub const fn chain(chain: Chain) -> Self {
        Self::Chain(chain)
    }

    /// One chain over all products, each step rounded to a format: [`Chain::rounded`].
    #[must_use]
    pub const fn rounded(format: FormatSpec, rounding: Round) -> Self {
        Self::chain(Chain::rounded(format, rounding))
    }

    /// Promotion: chunks of `k` products are added up by `inner`, each from zero, and their sums by
    /// `outer`, one rounding each. `k` is at least one; the last chunk may be shorter. A stochastic
    /// `outer` takes the random word of the last product of a chunk.
    #[must_use]
    pub const fn chunked(k: usize, inner: Chain, outer: Chain) -> Self {
        Self::Chunked { k, inner, outer }
    }

    /// Sums for integer elements alone, of `bits` bits (2 to 53) in two's complement, in units of
    /// the last place. If neither side has scales, the sum is the integer itself, an f64. Otherwise
    /// each block has an integer sum of its own, and `acc = acc + sum · s_a · s_b` is one rounding
    /// of the exact value to f32; `s_a · s_b` is rounded first where a scale is itself an f32.
    #[must_use]
    pub const fn integer(bits: u32, overflow: IntegerOverflow) -> Self {
        Self::Integer { bits, overflow }
    }

    /// What a matrix unit makes of the products: the rules of one instruction are `spec`'s, how
    /// instructions go through K is `schedule`'s.
    ///
    /// Elements must be numbers of the unit's input formats: codes of these formats or of formats
    /// within them, bf16 and f16 numbers, and f32 numbers into TF32, whose low 13 bits are cut off.
    /// Scales of blocks go to a unit that applies them, else to a schedule that does; tensor scales
    /// multiply the finished sum. C starts the chain of numbers where the schedule is in order and
    /// there are no tensor scales, rounded to the accumulator's format if that is f16; otherwise, and for
    /// integers, it is added to the finished sum.
    ///
    /// ```
    /// use subhalf::{Accumulator, FormatSpec, KSchedule, Matmul, Operand, unit};
    /// let e4m3 = FormatSpec::F8E4M3;
    /// // 128 products of 16 · 16, then 128 of 1 · 0.5.
    /// let (a, b) = ([[0x58u8; 128], [0x38; 128]].concat(), [[0x58u8; 128], [0x30; 128]].concat());
    /// let (a, b) = (Operand::codes(&e4m3, &a, &[1, 256])?, Operand::codes(&e4m3, &b, &[1, 256])?);
    /// let hopper = unit::hopper::WGMMA_FP8.spec(e4m3, e4m3)?;
    /// let product = |schedule| {
    ///     Matmul::new().accumulator(Accumulator::unit(hopper, schedule)).multiply(a, b)
    /// };
    /// assert_eq!(product(KSchedule::InOrder)?, [32768.0]); // 13 bits lose the small ones
    /// assert_eq!(product(KSchedule::CUTLASS_FP8)?, [32832.0]); // an f32 takes them up
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn unit(spec: MmaSpec, schedule: KSchedule) -> Self {
        Self::Unit { spec, schedule }
    }

    /// Refuses parts that are out of range.
    ///
    /// # Errors
    /// [`Error::Scheme`] for a format of a sum without a sign or a zero, for chunks of no products,
    /// for a chunked sum of two stochastic roundings, which would share their random words, and for
    /// partial sums of a matrix unit that end inside a step;
    /// [`Error::SpecRange`] for integers of other than 2 to 53 bits; [`Error::RandomBits`].
    pub const fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Chain(chain) => chain.validate(),
            Self::BlockF32 | Self::Exact => Ok(()),
            Self::Chunked { k: 0, .. } => Err(Error::Scheme {
                what: "chunked accumulator",
                expected: "chunks of at least one product",
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
            Self::Unit { spec, schedule } => schedule.validate(spec),
        }
    }
}

impl Chain {
    /// A chain rounded to a format under its [default policy](FormatSpec::default_convert) with
    /// this rounding. A sum too large becomes the largest number in formats of up to 8 bits and
    /// infinite in wider ones, unless the rounding stops at the largest number (toward zero, to
    /// odd, down or up from the other side).
    ///
    /// The product of row *i*, column *j* and position *k* takes random word `(i·N + j)·K + k` of a
    /// stochastic rounding, in a batch `((matrix·M + i)·N + j)·K + k`.
    #[must_use]
    pub const fn rounded(format: FormatSpec, rounding: Round) -> Self {
        Self::Rounded { format, rounding }
    }

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
