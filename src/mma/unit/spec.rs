//! [`MmaSpec`]: a matrix unit as a value. Each part answers one question about the unit; parts are
//! independent wherever hardware has them so.

use crate::round::Round;
use crate::spec::{Encoding, FloatSpec, FormatSpec};

/// The container of a unit's accumulator and of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitAcc {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// Integers of 32 bits in two's complement.
    I32,
}

impl UnitAcc {
    /// The format of floating-point accumulators; of integers that of f32, which no caller reads.
    pub(super) const fn format(self) -> FormatSpec {
        match self {
            Self::F16 => FormatSpec::F16,
            Self::F32 | Self::I32 => FormatSpec::F32,
        }
    }
}

/// The order in which a unit takes the products of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KOrder {
    /// Upward, `fan_in` products a step.
    Ascending,
    /// First the products whose position is 0 or 1 modulo 4, then the others: what unpacking pairs
    /// of bytes into 16-bit registers gives (`mma.sync` with FP8 on Hopper).
    PairsOfFour,
}

/// How a unit adds the products of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Adder {
    /// All terms are aligned to the largest exponent, cut toward zero `keep` fraction bits below
    /// it, and added exactly.
    Aligned {
        /// Fraction bits that are kept below the largest exponent: 1 to 40.
        keep: u8,
    },
    /// All terms are aligned to the largest exponent and rounded to odd, `keep` fraction bits below
    /// it: the last bit that is kept is set if a bit below it was (RISC-V's bulk normalization).
    ToOdd {
        /// Fraction bits that are kept below the largest exponent: 1 to 40.
        keep: u8,
    },
    /// Products at even and at odd positions are aligned and added apart; the two sums are aligned
    /// by rounding down, and added (CDNA3 with FP8).
    EvenOdd {
        /// Fraction bits that are kept below the largest exponent: 1 to 40.
        keep: u8,
    },
    /// The exact sum.
    Exact,
    /// IEEE operations in f32, each rounded by itself.
    Rounded(RoundedOrder),
    /// Integers, exact inside a step.
    Integer(IntegerAdder),
}

/// The order of separately rounded f32 operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoundedOrder {
    /// Pairs of products; each pair is two fused multiply-adds onto the accumulator, the odd
    /// position first (`VDPBF16PS`, `VDPPHPS`).
    OddFirst,
    /// Two lanes of fused multiply-adds from zero, even and odd positions; their sum is added to
    /// the accumulator (AMX).
    TwoLanes,
    /// Rounded products, added in pairs, pairs of pairs and so on; the last sum is added to the
    /// accumulator (CDNA2, `BFDOT`).
    Tree,
    /// One fused multiply-add after another onto the accumulator, position upward.
    Chain,
}

/// What integer sums do at the end of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntegerAdder {
    /// The low 32 bits are kept.
    Wrap,
    /// The sum of a step and the accumulator is clamped to 32 bits.
    Saturate,
    /// The sum of each pair of products is clamped to 16 bits; sums of pairs are added and wrap at
    /// 32 bits (`vpmaddubsw` and what follows it).
    SaturatedPairs,
}

/// How the accumulator C joins the products of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Join {
    /// C is a term like the products: aligned and cut with them, or part of the exact sum.
    Term,
    /// The sum of the products and C are aligned to the larger of their exponents and cut downward
    /// (toward minus infinity), the sum 32 fraction bits and C 24 fraction bits below it; what they
    /// add up to is cut downward to 31 fraction bits before it is rounded. A product of 2^128 or
    /// more is infinite (CDNA3).
    Floored {
        /// C counts as zero if its exponent is more than this many binades below; `None`: never.
        drop_below: Option<u8>,
    },
    /// The sum of the products is rounded, then added to C and rounded again.
    Rounded,
}

/// Which scales of blocks a unit applies by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitScales {
    /// None: scales are the program's business.
    None,
    /// Scales of 8 bits, E8M0 (`f8_e8m0`) for each `block` products on either side.
    E8M0 {
        /// Products that share a scale.
        block: u8,
        /// How scales enter the sum.
        at: ScaleUse,
    },
    /// Scales in UE4M3 for each `block` products on either side; the sign bit of the code is
    /// ignored.
    UE4M3 {
        /// Products that share a scale.
        block: u8,
        /// How scales enter the sum.
        at: ScaleUse,
    },
}

/// How the scales of a block enter the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScaleUse {
    /// Every product is a term of its own, its exponent moved by the scales.
    Product,
    /// Sixteen products are added exactly and multiplied by the product of the scales; that is one
    /// term, whose exponent is that of the scales alone.
    Sixteen,
}

impl UnitScales {
    /// The products that share a scale, and how scales are used.
    pub(crate) const fn parts(self) -> Option<(usize, ScaleUse)> {
        match self {
            Self::None => None,
            Self::E8M0 { block, at } | Self::UE4M3 { block, at } => Some((block as usize, at)),
        }
    }

    /// The format of the scales.
    pub(crate) const fn format(self) -> Option<FormatSpec> {
        match self {
            Self::None => None,
            Self::E8M0 { .. } => Some(FormatSpec::E8M0),
            Self::UE4M3 { .. } => Some(FormatSpec::UE4M3),
        }
    }

    /// Whether terms are sums of sixteen products.
    pub(super) const fn by_sixteen(self) -> bool {
        matches!(self.parts(), Some((_, ScaleUse::Sixteen)))
    }
}

/// Which subnormal operands count as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFlush {
    /// None.
    Keep,
    /// Magnitudes below 2^-126, of operands and of C: subnormals of bf16 and f32, not of f16.
    BelowF32,
    /// Subnormals of the operand's own format, and of C.
    OwnFormat,
}

/// Which small f32 results become zeros of their sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultFlush {
    /// None.
    Keep,
    /// Subnormal results of the usual rounding.
    Subnormal,
    /// Results that are below 2^-126 when rounded as if exponents had no lower end: the tininess of
    /// x86. `2^-126 − 2^-150` becomes zero, though its rounding to f32 is 2^-126.
    Tiny,
}

/// What one instruction of a matrix unit computes, to the last bit: `D = A · B + C` for a few
/// products.
///
/// Nearly all units multiply exactly, align the products to the largest exponent, drop the bits
/// below a fixed position, add exactly and round once. They differ in how many products they take,
/// how many bits they keep, whether C is aligned with the products, and how they round. Those are
/// the parts here, set by an [`MmaBuilder`](crate::MmaBuilder); the units of known hardware are in
/// [`unit`](crate::unit), each with the evidence for it.
///
/// ```
/// use subhalf::{FormatSpec, MmaSpec, Round, UnitAcc, unit};
/// let e4m3 = FormatSpec::F8E4M3;
/// // Hopper's FP8 unit: 32 products a step, 13 fraction bits of products and of the result.
/// let hopper = MmaSpec::fused(e4m3, e4m3).fan_in(32).keep(13).round(Round::TowardZero, 13);
/// let hopper = hopper.build()?;
/// assert_eq!(hopper, unit::hopper::WGMMA_FP8.spec(e4m3, e4m3)?);
/// // 448 · 448 + 4 · 1: the 4 is below the 13 bits.
/// let d = hopper.step(&[0x7E, 0x48], &[0x7E, 0x38], 0)?;
/// assert_eq!(f32::from_bits(d.code), 200704.0);
/// assert_eq!(d.lost.to_f64(), 4.0);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MmaSpec {
    pub(super) a: FormatSpec,
    pub(super) b: FormatSpec,
    pub(super) acc: UnitAcc,
    pub(super) fan_in: u16,
    pub(super) adder: Adder,
    /// The least exponent that terms are aligned to.
    pub(super) floor_exponent: i32,
    pub(super) join: Join,
    /// The result before it is stored in the accumulator's format.
    pub(super) result: FormatSpec,
    pub(super) round: Round,
    pub(super) scales: UnitScales,
    /// The exponent of the power of two that multiplies the sum of the products.
    pub(super) shift: i8,
    pub(super) order: KOrder,
    /// Products after which C is added by a rounded addition, their own sum starting from zero.
    pub(super) late_c: Option<u16>,
    pub(super) flush_inputs: InputFlush,
    pub(super) flush_results: ResultFlush,
    pub(super) nan: u32,
}

impl MmaSpec {
    /// The format of A's elements.
    #[must_use]
    pub const fn a(&self) -> &FormatSpec {
        &self.a
    }

    /// The format of B's elements.
    #[must_use]
    pub const fn b(&self) -> &FormatSpec {
        &self.b
    }

    /// The container of C and D.
    #[must_use]
    pub const fn acc(&self) -> UnitAcc {
        self.acc
    }

    /// Products of a step, between which and the next the accumulator is rounded.
    #[must_use]
    pub const fn fan_in(&self) -> usize {
        self.fan_in as usize
    }

    /// How products are added.
    #[must_use]
    pub const fn adder(&self) -> Adder {
        self.adder
    }

    /// Fraction bits kept below the largest exponent, if terms are cut.
    #[must_use]
    pub const fn keep(&self) -> Option<u8> {
        match self.adder {
            Adder::Aligned { keep } | Adder::ToOdd { keep } | Adder::EvenOdd { keep } => Some(keep),
            Adder::Exact | Adder::Rounded(_) | Adder::Integer(_) => None,
        }
    }

    /// The least exponent that terms are aligned to: that of a zero term.
    #[must_use]
    pub const fn floor_exponent(&self) -> i32 {
        self.floor_exponent
    }

    /// How C joins the products.
    #[must_use]
    pub const fn join(&self) -> Join {
        self.join
    }

    /// The rounding of the result and the fraction bits that it is rounded to.
    #[must_use]
    pub const fn rounding(&self) -> (Round, u8) {
        (self.round, float_of(&self.result).mantissa_bits)
    }

    /// The scales that the unit applies.
    #[must_use]
    pub const fn scales(&self) -> UnitScales {
        self.scales
    }

    /// The order of the products of an instruction.
    #[must_use]
    pub const fn order(&self) -> KOrder {
        self.order
    }

    /// Products after which C is added late, if it is.
    #[must_use]
    pub const fn late_c(&self) -> Option<u16> {
        self.late_c
    }

    /// The exponent of the power of two that multiplies the sum of the products.
    #[must_use]
    pub const fn shift(&self) -> i8 {
        self.shift
    }

    /// Which subnormal operands count as zero, and which small results become zero.
    #[must_use]
    pub const fn flushes(&self) -> (InputFlush, ResultFlush) {
        (self.flush_inputs, self.flush_results)
    }

    /// The result of NaN operands and of `0 · ∞` and `∞ − ∞`, as a code of the accumulator.
    #[must_use]
    pub const fn nan(&self) -> u32 {
        self.nan
    }

    /// Products of the shortest instruction: all that [`step`](Self::step) takes.
    #[must_use]
    pub const fn step_len(&self) -> usize {
        match self.late_c {
            Some(count) => count as usize,
            None => self.fan_in as usize,
        }
    }
}

/// The layout of a floating-point format; [`MmaBuilder::build`] refuses others where one is asked
/// for.
pub(super) const fn float_of(format: &FormatSpec) -> FloatSpec {
    match format.encoding() {
        Encoding::Float(layout) => *layout,
        _ => FloatSpec::finite(8, 23),
    }
}
