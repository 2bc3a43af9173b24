//! The parts of a scheme, each an enum with one documented formula a variant. What they compute is
//! in `rule`, `scale` and `apply`.

use crate::spec::{FormatSpec, Table};

/// Which elements share a scale. The last axis of a tensor is its columns, the one before its rows;
/// axes before those are matrices of their own, and no block reaches over two of them (but
/// [`Tensor`](Self::Tensor) and [`Flat`](Self::Flat) do).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Extent {
    /// All elements, of all matrices: one scale for the whole tensor.
    Tensor,
    /// The elements of one row: per token, per output channel.
    Row,
    /// The elements of one column of a matrix.
    Column,
    /// A tile of `rows × cols`; those at the right and the lower edge may be smaller.
    Block {
        /// Rows of a tile.
        rows: u32,
        /// Columns of a tile.
        cols: u32,
    },
    /// Runs of this many elements of the tensor read as one line, over the ends of rows; the last
    /// may be shorter.
    Flat(u32),
}

impl Extent {
    /// Blocks of 1×32, as in the OCP MX formats.
    pub const MX: Self = Self::Block { rows: 1, cols: 32 };
    /// Blocks of 1×16, as in NVFP4.
    pub const NVFP4: Self = Self::Block { rows: 1, cols: 16 };
    /// Blocks of 1×128, as in FP8 activations of `DeepSeek` and Transformer Engine.
    pub const BLOCK_1X128: Self = Self::Block { rows: 1, cols: 128 };
    /// Tiles of 16×16, as in NVFP4 weights of Transformer Engine.
    pub const TILE_16X16: Self = Self::Block { rows: 16, cols: 16 };
    /// Tiles of 128×128, as in FP8 weights of `DeepSeek` and Transformer Engine.
    pub const TILE_128X128: Self = Self::Block { rows: 128, cols: 128 };
}

/// A scale of the whole tensor beside those of the blocks: what the stored number is, for a target
/// that is usually the product of the largest element and the largest block scale. In the formulas
/// `q` is an element and `s` the scale of its block.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum TensorScale {
    /// No scale of the whole tensor: numbers are `q · s`.
    None,
    // t multiplies the numbers that come back.
    /// `t = amax / target` in f32: numbers are `q · s · t`.
    Multiplier {
        /// The number that `amax` maps to.
        target: f32,
    },
    // T divides them: the inverse of t up to roundings.
    /// `T = target · (1 / amax)` in f32, 1 where that is infinite: numbers are `q · s / T`.
    /// compressed-tensors.
    Divisor {
        /// The number that `amax` maps to.
        target: f32,
    },
    /// `amax` itself: where `T` is needed it is `target / amax` in f32, at most `f32::MAX`.
    /// Transformer Engine.
    Amax {
        /// The number that `amax` maps to.
        target: f32,
    },
}

impl TensorScale {
    /// Returns the tensor scale to store, given the largest finite magnitude. If that is 0, or the
    /// quotient is not positive and finite, returns the neutral scale, which leaves elements
    /// unscaled.
    #[must_use]
    pub fn of(self, amax: f32) -> f32 {
        // The quotient may overflow for a tiny amax and vanish for a huge one. 1 is neutral in
        // every formula.
        let usable = |x: f32| if x > 0.0 && x.is_finite() { x } else { 1.0 };
        match self {
            Self::None => 1.0,
            Self::Multiplier { target } => usable(amax / target),
            // Two roundings, as compressed-tensors has them.
            Self::Divisor { target } if amax > 0.0 => usable(target * (1.0 / amax)),
            Self::Divisor { .. } => 1.0,
            // Stored unchanged, zero too: `factor` computes T from it.
            Self::Amax { .. } => amax,
        }
    }

    /// `t` or `T` in the formulas: the stored number, but `T` computed from it for
    /// [`Amax`](Self::Amax).
    pub(crate) fn factor(self, stored: f32) -> f32 {
        match self {
            Self::Amax { target } => {
                let factor = (target / stored).min(f32::MAX);
                // An amax of zero, or one far above the target, has no usable T: 1 is neutral.
                if stored == 0.0 || factor == 0.0 || factor.is_nan() { 1.0 } else { factor }
            }
            Self::None | Self::Multiplier { .. } | Self::Divisor { .. } => stored,
        }
    }

    /// The number that `amax` maps to; 1 without a tensor scale.
    pub(super) const fn target(self) -> f32 {
        match self {
            Self::None => 1.0,
            Self::Multiplier { target } | Self::Divisor { target } | Self::Amax { target } => {
                target
            }
        }
    }
}

/// Scales of scales: what the scales of some successive blocks of a row of blocks are multiplied
/// by. A block's scale is then the f32 product `s · u`, with `s` the number of its own scale code
/// and `u` that of its group. ggml's K-quants and bitsandbytes' nested `absmax` contain such scales,
/// but cannot be stored yet: `Q4_K` also scales its minima, and nested `absmax` adds a mean.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct SubScale {
    /// The format of the stored number that multiplies the scales of a group.
    pub format: FormatSpec,
    /// Blocks of a group: 1 or more. The last group of a row of blocks may have fewer.
    pub blocks: u32,
}

impl SubScale {
    /// A number of this format for each group of `blocks` successive blocks.
    #[must_use]
    pub const fn new(format: FormatSpec, blocks: u32) -> Self {
        Self { format, blocks }
    }
}

/// Which elements of a block its scale is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ScaleSigns {
    /// All: a block has one scale.
    Shared,
    /// Elements without a sign bit have the first of two scales of a block, those with a sign bit
    /// the second. AFPQ.
    PerSign,
}

/// Where the numbers of element codes come from.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Codebooks {
    /// The element format says what its codes stand for.
    Format,
    /// The tensor has a codebook: `2^bits` numbers of this format, the first for code 0, with
    /// `bits` the width of an element code.
    Tensor(FormatSpec),
    /// Each row, counted through all matrices, has a codebook of its own. any4.
    Row(FormatSpec),
}

impl Codebooks {
    /// The format of the entries, if there are codebooks.
    pub(crate) const fn format(&self) -> Option<&FormatSpec> {
        match self {
            Self::Format => None,
            Self::Tensor(format) | Self::Row(format) => Some(format),
        }
    }
}

/// What is added to an element besides scaling.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Offset {
    /// Nothing: numbers are `q · s`.
    None,
    /// An integer zero point `z` in the element's own format, one byte for each block: numbers are
    /// `(q − z) · s`. If the rule takes the range of a block, which always includes zero, then
    /// `z = round(min_code − min / s)`, clamped to the codes of the element, with `min_code` the
    /// least of them and `min` the smallest element of the block, at most 0.
    ZeroPoint,
    /// The block's smallest number in a format, little-endian: numbers are `q · s + m`, `q` from 0.
    /// ggml's `Q4_1`.
    Minimum(FormatSpec),
}

/// How an element's scaled value comes about, with `s` the block's scale as stored and `t` (or `T`)
/// the tensor's. All operations but [`Exact`](Self::Exact) are f32's, each rounded to nearest even.
/// A scale of zero makes every element zero, except with
/// [`ClampedReciprocal`](Self::ClampedReciprocal), [`DivideIeee`](Self::DivideIeee) and
/// [`FlooredReciprocal`](Self::FlooredReciprocal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Division {
    /// The exact quotient `x / (s·t)`: the element is its one rounding. OCP.
    Exact,
    // Quotients in f32: the divisor is rounded, then the quotient.
    /// `x / (s·t)`. Model Optimizer, `DeepSeek`.
    Divide,
    /// `x / (s / T)`. compressed-tensors.
    DivideQuotient,
    // Products with a reciprocal, which is rounded itself: the last bit differs for some x.
    /// `x · (1 / (s·t))`. bitsandbytes, torch, `DeepGEMM`.
    Reciprocal,
    /// `x · ((1/t) / s)`. torchao.
    TensorReciprocal,
    /// `x · (1 / (s · (1/T)))`. 4over6.
    InverseReciprocal,
    /// `x · min(1 / (s · (1/T)), f32::MAX)`. Transformer Engine.
    ClampedReciprocal,
    /// `x · (1 / max(s, 1e-38))`. bitsandbytes.
    FlooredReciprocal,
    /// `x / (s·t)`, by a scale of zero too: `0 / 0` is NaN. `DeepSeek`.
    DivideIeee,
    /// `x · (1/d)` with `d` the scale before it was rounded into its format. ggml; with
    /// [`Ratio::Inverse`](super::Ratio::Inverse) Transformer Engine's FP8.
    UnroundedReciprocal,
}

/// How x divided by its scale is rounded to a code, and where a zero point comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ElementRounding {
    // The number is rounded from what it exactly is, an f64 too, under the element's policy.
    /// One rounding of the scaled value under the element's policy; a zero point is added to the
    /// rounded integer. OCP, torch.
    Round,
    /// The zero point is added to the scaled value in f32, and the sum rounded. compressed-tensors.
    AddThenRound,
    // Programs' own f32 arithmetic: an f64 is rounded to f32 first.
    /// One half, and the least integer's distance from zero, are added to the scaled value in f32,
    /// and the sum is truncated: what C programs do. ggml.
    AddHalfTruncate,
    /// microxcaling's Python arithmetic in f32. The exponent of a scaled value `y` is
    /// `floor(log2 |y|)`; just below a power of two the f32 logarithm is that power's. The
    /// magnitude, in units of the element's last bit at that exponent, is `m`. It is rounded to
    /// `floor(m + 0.5)` under [`Round::NearestAway`](crate::Round::NearestAway), to the same less
    /// one at ties above an even number under nearest-even, and to `floor(m)` under
    /// [`Round::TowardZero`](crate::Round::TowardZero). Other roundings are refused.
    Microxcaling,
    /// The first code of the smallest `|restored − x|` in f32, whatever the rounding: ties go to
    /// the smaller code, numbers far beyond the largest element (whose errors f32 cannot tell
    /// apart), infinity and NaN to code 0. ggml's FP4.
    LeastError,
    /// The upper of the two neighbouring codebook entries if their f32 midpoint is below the
    /// number, else the lower: ties go down. Among equal entries numbers above get the last, others
    /// the first. NaN becomes the largest. bitsandbytes, 4 bits.
    Midpoints,
    /// The scaled value is first rounded to one of these equal steps from −1 to 1 (the sum of
    /// `(y + 1) · steps / 2` and a half is truncated); NaN, and every element of a block with scale
    /// 0, to −1. bitsandbytes' 8-bit codebooks, which it looks up in a table of 65,536.
    Steps(u32),
}

impl ElementRounding {
    /// Whether a number is rounded once, from what it exactly is; the others are a program's f32
    /// arithmetic, which sees an f64 as the nearest f32.
    pub(crate) const fn rounds_once(self) -> bool {
        match self {
            Self::Round | Self::AddThenRound => true,
            Self::AddHalfTruncate
            | Self::Microxcaling
            | Self::LeastError
            | Self::Midpoints
            | Self::Steps(_) => false,
        }
    }
}

/// The f32 number that a code comes back as, with `q` the element's value. Every operation is
/// rounded to f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Dequantization {
    // Without a tensor scale, or with one that multiplies.
    /// `q · (s·t)`; torchao, Model Optimizer. With a zero point `(q − z) · s`, with a minimum
    /// `q·s + m`.
    Product,
    /// `q · (s·t)` with −0 as +0. Model Optimizer's NVFP4.
    ProductPlusZero,
    // With a tensor scale that divides.
    /// `q · (s / T)`. compressed-tensors.
    Quotient,
    // With a stored amax, from which T is not computed: its terms come in one by one.
    /// `q · ((s·amax) · c)` with `c` the f32 nearest to `1 / target`. Transformer Engine.
    AmaxProduct,
    /// `((q·s) · amax) / target`. 4over6.
    AmaxQuotient,
}

/// What a NaN or an infinity does to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Nonfinite {
    /// The scale becomes NaN, and so all numbers of the block. microxcaling.
    Poison,
    // In the next four infinity is an infinite `amax`; they differ in what NaN does.
    /// NaN and infinity count as magnitudes: NaN makes the scale NaN, infinity goes through the
    /// rule like a number above all others. torchao.
    Count,
    /// Infinity goes through the rule like a number above all others, NaN is passed over: C's
    /// `fmaxf`. Transformer Engine.
    CountInfinity,
    /// NaN and infinity go through the rule like a number above all others. `DeepGEMM`'s UE8M0
    /// scales.
    CountAsInfinity,
    /// Infinity goes through the rule like a number above all others; NaN makes the rule see an
    /// `amax` of zero, so that the other numbers saturate. Model Optimizer's MXFP8.
    CountNanAsZero,
    /// The block becomes zeros, under the scale of a block of zeros. Model Optimizer's MXFP4.
    Erase,
    /// The scale is made from the finite numbers; NaN and infinity meet the element's policy.
    Ignore,
}

/// The sign of elements that are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ZeroSign {
    // In formats without −0 all four are the same.
    /// The sign of the number, where the format has −0.
    Keep,
    /// Plus, whatever the number. ggml.
    Plus,
    /// Minus for scaled numbers below zero only, so −0 becomes +0. Model Optimizer's NVFP4.
    MinusBelowZero,
    /// Minus unless the scaled number is above zero: +0 becomes −0, and so does a number whose f32
    /// quotient is zero. Model Optimizer's MXFP4.
    MinusUnlessAbove,
}

/// Which sign a minimum of zero has in a block with zeros of both signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ZeroMinimum {
    /// The sign of the first zero. C's `if (v < min) min = v`: ggml.
    First,
    /// The sign that NumPy 2.4's `min` leaves on an x86-64 processor with AVX-512: in blocks of 32
    /// the sign of the last zero, but positions 0 to 16 count in another order, before all others.
    /// Blocks of other lengths take the sign of the first zero. gguf (Python).
    ///
    /// NumPy folds vectors of numbers, and equal ones become the second; with AVX2 or SSE alone its
    /// order is another.
    NumpyAvx512,
}

/// What a search minimises. Sums are f32, element by element in row-major order, from 0, of the f32
/// errors `restored − x`; the largest is one among numbers, NaN aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Metric {
    /// The sum of the squared errors, which weighs large errors most; NaN if one of them is.
    Mse,
    /// The sum of the absolute errors, which weighs all in proportion; NaN if one of them is.
    Mae,
    /// The largest absolute error of an element, however the others fare; NaN does not count.
    Max,
}

/// A search among scales: the rule's result times each factor (an f32 product), clamped and rounded
/// like it. The factor with the smallest error wins, the earlier one in a tie; an error that is NaN
/// wins only if all are NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Search {
    /// The candidates, the preferred first.
    #[cfg_attr(feature = "serde", serde(with = "crate::spec::lists"))]
    pub factors: Table<f32, 16>,
    /// The error that is minimised.
    pub metric: Metric,
    /// The formula of the numbers whose errors are taken, if it is not the scheme's own
    /// [`dequantization`](crate::BlockSpec::dequantization).
    pub dequantization: Option<Dequantization>,
}

impl Search {
    /// A search among these factors, by the errors of the numbers that the scheme gives back.
    #[must_use]
    pub const fn new(factors: Table<f32, 16>, metric: Metric) -> Self {
        Self { factors, metric, dequantization: None }
    }

    /// This search by the errors of the numbers that another formula gives back.
    #[must_use]
    pub const fn with_dequantization(self, dequantization: Dequantization) -> Self {
        Self { dequantization: Some(dequantization), ..self }
    }
}
