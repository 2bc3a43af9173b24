//! [`BlockSpec`]: everything that defines a block-scaled format, as data. What the parts compute is in `scale` and `apply`.

use super::scale::{Ratio, ScaleRule, Search};
use crate::error::Error;
use crate::policy::{Convert, Overflow, with_methods};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};

/// Which elements share a scale. The last axis of a tensor is its columns, the one before its rows; axes before those are matrices of
/// their own, and no block reaches over two of them (but [`Tensor`](Self::Tensor) and [`Flat`](Self::Flat) do).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extent {
    /// All elements.
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
    /// Runs of this many elements of the tensor read as one line, over the ends of rows; the last may be shorter.
    Flat(u32),
}

/// A scale of the whole tensor beside those of the blocks: what the stored number is, for a target that is usually the product of the
/// largest element and the largest block scale.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorScale {
    /// None.
    None,
    /// `t = amax / target` in f32: numbers are `q · s · t`.
    Multiplier {
        /// The number that `amax` maps to.
        target: f32,
    },
    /// `T = target · (1 / amax)` in f32, 1 where that is infinite: numbers are `q · s / T`. compressed-tensors.
    Divisor {
        /// The number that `amax` maps to.
        target: f32,
    },
    /// `amax` itself: where `T` is needed it is `target / amax` in f32, at most `f32::MAX`. Transformer Engine.
    Amax {
        /// The number that `amax` maps to.
        target: f32,
    },
}

impl TensorScale {
    /// The stored number for a tensor's largest finite magnitude. Of nothing but zeros, or where the quotient is no positive finite number,
    /// it is what leaves numbers as they are.
    #[must_use]
    pub fn of(self, amax: f32) -> f32 {
        let usable = |x: f32| if x > 0.0 && x.is_finite() { x } else { 1.0 };
        match self {
            Self::None => 1.0,
            Self::Multiplier { target } => usable(amax / target),
            Self::Divisor { target } if amax > 0.0 => usable(target * (1.0 / amax)),
            Self::Divisor { .. } => 1.0,
            Self::Amax { .. } => amax,
        }
    }

    /// `T`, which numbers are divided by to come back: of [`Amax`](Self::Amax) computed, else the stored number.
    pub(crate) fn factor(self, stored: f32) -> f32 {
        match self {
            Self::Amax { target } => {
                let factor = (target / stored).min(f32::MAX);
                if stored == 0.0 || factor == 0.0 || factor.is_nan() { 1.0 } else { factor }
            }
            _ => stored,
        }
    }
}

/// What is added to an element besides scaling.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Offset {
    /// Nothing: numbers are `q · s`.
    None,
    /// An integer zero point in the element's own format, one byte each: numbers are `(q − z) · s`. With the range of a block (zero
    /// included) as its rule's subject, `z = round(min_code − min / s)`, clamped.
    ZeroPoint,
    /// The block's smallest number in a format, little-endian: numbers are `q · s + m`, `q` from 0. ggml's `Q4_1`.
    Minimum(FormatSpec),
}

/// How an element's scaled value comes about, with `s` the block's scale as stored and `t` (or `T`) the tensor's. All operations but
/// [`Exact`](Self::Exact) are f32's, each rounded to nearest even. A scale of zero makes every element zero, but for [`ClampedReciprocal`](Self::ClampedReciprocal),
/// [`DivideIeee`](Self::DivideIeee) and [`FlooredReciprocal`](Self::FlooredReciprocal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Apply {
    /// The exact quotient `x / (s·t)`: the element is its one rounding. OCP.
    Exact,
    /// `x / (s·t)`. Model Optimizer, `DeepSeek`.
    Divide,
    /// `x / (s / T)`. compressed-tensors.
    DivideQuotient,
    /// `x · (1 / (s·t))`. bitsandbytes, torch, `DeepGEMM`.
    Reciprocal,
    /// `x · ((1/t) / s)`. torchao.
    TensorReciprocal,
    /// `x · (1 / (s · (1/T)))`. 4over6.
    InverseReciprocal,
    /// [`InverseReciprocal`](Self::InverseReciprocal) with a factor of at most `f32::MAX`. Transformer Engine.
    ClampedReciprocal,
    /// `x · (1 / max(s, 1e-38))`. bitsandbytes.
    FlooredReciprocal,
    /// As [`Divide`](Self::Divide), by a scale of zero too: `0 / 0` is NaN. `DeepSeek`.
    DivideIeee,
    /// `x · (1/d)` with `d` the scale before it was rounded into its format. ggml; with [`Ratio::Inverse`](super::Ratio::Inverse) Transformer
    /// Engine's FP8.
    UnroundedReciprocal,
}

/// How a scaled value becomes a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Elements {
    /// One rounding under the element's policy; a zero point is added to the rounded integer. OCP, torch.
    Round,
    /// The zero point is added in f32, and the sum rounded. compressed-tensors.
    AddThenRound,
    /// In f32 one half more than the least integer's distance from zero is added, and the sum truncated: what C programs do. ggml.
    AddHalfTruncate,
    /// As microxcaling's Python does: an element's exponent is `floor(log2 |y|)` in f32, which just below a power of two is that power's, and
    /// its units are rounded by an f32 sum: [`Round::NearestAway`] is `floor(|y| + 0.5)`, nearest-even that less one for ties above an even
    /// number, [`Round::TowardZero`] `floor(|y|)`. No other rounding.
    Microxcaling,
    /// The first code of the smallest `|restored − x|` in f32, whatever the rounding: ties go to the smaller code, numbers far beyond the
    /// largest element (whose errors f32 cannot tell apart), infinity and NaN to code 0. ggml's FP4.
    LeastError,
    /// Of the entries of a codebook on both sides the upper if the f32 midpoint is below, whatever the rounding: ties go down. Of equal entries numbers
    /// above get the last, others the first. NaN becomes the largest. bitsandbytes, 4 bits.
    Midpoints,
    /// The scaled value is first rounded to one of these equal steps from −1 to 1 (the sum of `(y + 1) · steps / 2` and a half is truncated); NaN, and every
    /// element of a block with scale 0, to −1. bitsandbytes' 8-bit codebooks, which it looks up in a table of 65,536.
    Steps(u32),
}

/// The f32 number that a code comes back as, with `q` the element's value. Every operation is rounded to f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restore {
    /// `q · (s·t)`; torchao, Model Optimizer. With a zero point `(q − z) · s`, with a minimum `q·s + m`.
    Product,
    /// [`Product`](Self::Product) with −0 as +0. Model Optimizer's NVFP4.
    ProductPlusZero,
    /// `q · (s / T)`. compressed-tensors.
    Quotient,
    /// `q · ((s·amax) · c)` with `c` the f32 nearest to `1 / target`. Transformer Engine.
    AmaxProduct,
    /// `((q·s) · amax) / target`. 4over6.
    AmaxQuotient,
}

/// What a NaN or an infinity does to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nonfinite {
    /// The scale becomes NaN, and so all numbers of the block. microxcaling.
    Poison,
    /// They count as magnitudes: NaN makes the scale NaN, infinity goes through the rule like a number above all others. torchao.
    Count,
    /// Infinity goes through the rule like a number above all others, NaN is passed over: C's `fmaxf`. Transformer Engine.
    CountInfinity,
    /// Both go through the rule like a number above all others. `DeepGEMM`'s UE8M0 scales.
    CountAsInfinity,
    /// Infinity goes through the rule like a number above all others; NaN makes it see an `amax` of zero, so that the others saturate. Model
    /// Optimizer's MXFP8.
    CountNanAsZero,
    /// The block becomes zeros, under the scale of a block of zeros. Model Optimizer's MXFP4.
    Erase,
    /// The scale is made from the finite numbers; the others meet the element's policy.
    Ignore,
}

/// The sign of elements that are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZeroSign {
    /// That of the number, where the format has −0.
    Keep,
    /// Always plus. ggml.
    Plus,
    /// Minus for scaled numbers below zero only, so −0 becomes +0. Model Optimizer's NVFP4.
    MinusBelowZero,
    /// Minus for all but scaled numbers above zero, so +0 becomes −0, and so does a number whose f32 quotient is zero. Model Optimizer's
    /// MXFP4.
    MinusUnlessAbove,
}

/// Which sign a minimum of zero has in a block with zeros of both signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZeroMinimum {
    /// That of the first zero. C's `if (v < min) min = v`: ggml.
    First,
    /// The one that NumPy 2.4's `min` leaves on an x86-64 processor with AVX-512: in blocks of 32 that of the last zero, but positions 0 to 16
    /// count in another order, before all others. Blocks of other lengths as [`First`](Self::First). gguf (Python).
    ///
    /// NumPy folds vectors of numbers, and equal ones become the second; with AVX2 or SSE alone its order is another.
    NumpyAvx512,
}

/// A block-scaled format: the elements, their scales, how the scales are found and how they are applied.
///
/// Start from a constant of [`preset`](super::preset) or from [`new`](Self::new), and change parts with the `with_` methods. Nothing is
/// checked until [`validate`](Self::validate), which every call that takes a spec makes.
///
/// ```
/// use subhalf::{BlockSpec, Extent, FormatSpec, QuantTensor, ScaleRule};
/// let spec = BlockSpec::new(FormatSpec::F4E2M1, Some(FormatSpec::E8M0), Extent::Block { rows: 1, cols: 4 }, ScaleRule::Floor);
/// let tensor = QuantTensor::quantize(&spec, &[0.1f32, -0.4, 0.75, 0.2, 96.0, 1.0, 20.0, 48.0], &[2, 4])?;
/// assert_eq!(tensor.dequantize(), [0.125, -0.375, 0.75, 0.1875, 96.0, 0.0, 16.0, 48.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BlockSpec {
    /// The format of the elements.
    pub element: FormatSpec,
    /// Their rounding and policy.
    pub element_convert: Convert,
    /// How a scaled value becomes a code.
    pub elements: Elements,
    /// The sign of zeros.
    pub zero_sign: ZeroSign,
    /// The format of the scales: E8M0, UE4M3, F16, BF16, F32, …; `None` for elements that stand for themselves.
    pub scale: Option<FormatSpec>,
    /// The rounding and policy of the scales.
    pub scale_convert: Convert,
    /// Which elements share a scale.
    pub extent: Extent,
    /// How a scale is found.
    pub rule: ScaleRule,
    /// What the rule's result is clamped to before it is rounded, zero too.
    pub scale_bounds: (f32, f32),
    /// The rule's result for a block of nothing but zeros, and in place of a result of zero; −0 is for blocks of zeros alone; +0 leaves
    /// the result, with its sign.
    pub zero_scale: f32,
    /// The scale in place of one that was rounded to zero; 0 leaves it.
    pub vanished_scale: f32,
    /// Scale codes whose elements are divided by another number than the scale: pairs of a code and that number.
    pub divisors: &'static [(u32, f32)],
    /// Blocks whose `amax` is below this become zeros; their scale is that of the rule.
    pub flush_below: f32,
    /// Other candidates for the scale, and how the best is chosen.
    pub search: Option<Search>,
    /// The scale of the whole tensor.
    pub tensor_scale: TensorScale,
    /// What is added besides scaling.
    pub offset: Offset,
    /// The sign of a stored minimum of zero.
    pub zero_minimum: ZeroMinimum,
    /// How elements are divided by their scale.
    pub apply: Apply,
    /// How numbers come back.
    pub restore: Restore,
    /// What NaN and infinity do.
    pub nonfinite: Nonfinite,
}

impl BlockSpec {
    /// Elements and scales under their formats' default policies, one exact division, no tensor scale, no offset; NaN and infinity poison
    /// their block if the scale can say so, else meet the element's policy.
    #[must_use]
    pub const fn new(element: FormatSpec, scale: Option<FormatSpec>, extent: Extent, rule: ScaleRule) -> Self {
        let (scale_convert, nonfinite) = match &scale {
            Some(scale) if scale.nan_code().is_some() => (scale.default_convert(), Nonfinite::Poison),
            Some(scale) => (scale.default_convert(), Nonfinite::Ignore),
            None => (Convert::IEEE, Nonfinite::Ignore),
        };
        Self {
            element,
            element_convert: element.default_convert(),
            elements: Elements::Round,
            zero_sign: ZeroSign::Keep,
            scale,
            scale_convert,
            extent,
            rule,
            scale_bounds: (0.0, f32::INFINITY),
            zero_scale: 0.0,
            vanished_scale: 0.0,
            divisors: &[],
            flush_below: 0.0,
            search: None,
            tensor_scale: TensorScale::None,
            offset: Offset::None,
            zero_minimum: ZeroMinimum::First,
            apply: Apply::Exact,
            restore: Restore::Product,
            nonfinite,
        }
    }

    with_methods! { "format";
        with_element_convert, element_convert: Convert;
        with_elements, elements: Elements;
        with_zero_sign, zero_sign: ZeroSign;
        with_scale_convert, scale_convert: Convert;
        with_extent, extent: Extent;
        with_rule, rule: ScaleRule;
        with_scale_bounds, scale_bounds: (f32, f32);
        with_zero_scale, zero_scale: f32;
        with_vanished_scale, vanished_scale: f32;
        with_divisors, divisors: &'static [(u32, f32)];
        with_flush_below, flush_below: f32;
        with_search, search: Option<Search>;
        with_tensor_scale, tensor_scale: TensorScale;
        with_offset, offset: Offset;
        with_zero_minimum, zero_minimum: ZeroMinimum;
        with_apply, apply: Apply;
        with_restore, restore: Restore;
        with_nonfinite, nonfinite: Nonfinite;
    }

    /// The same format with scales of another format, under its default policy.
    #[must_use]
    pub const fn with_scale(mut self, scale: FormatSpec) -> Self {
        self.scale_convert = scale.default_convert();
        self.scale = Some(scale);
        self
    }

    /// The same format with another rounding of the elements.
    #[must_use]
    pub const fn with_round(mut self, round: Round) -> Self {
        self.element_convert = self.element_convert.with_round(round);
        self
    }

    /// Bytes of one scale: 0, 1, 2 or 4.
    #[must_use]
    pub const fn scale_bytes(&self) -> usize {
        match &self.scale {
            Some(scale) => code_bytes(scale),
            None => 0,
        }
    }

    /// Bytes of one offset: 0 without, 1 for a zero point.
    #[must_use]
    pub const fn offset_bytes(&self) -> usize {
        match &self.offset {
            Offset::None => 0,
            Offset::ZeroPoint => 1,
            Offset::Minimum(format) => code_bytes(format),
        }
    }

    /// Bits that an element costs, its share of scale and offset included: 4.25 of MXFP4, 4.5 of NVFP4. What the whole tensor, a row or a
    /// column share counts as nothing.
    #[must_use]
    pub fn bits_per_element(&self) -> f64 {
        let shared = 8.0 * (self.scale_bytes() + self.offset_bytes()) as f64;
        let block = match self.extent {
            Extent::Block { rows, cols } => f64::from(rows) * f64::from(cols),
            Extent::Flat(length) => f64::from(length),
            Extent::Tensor | Extent::Row | Extent::Column => f64::INFINITY,
        };
        f64::from(self.element.bits()) + shared / block
    }

    /// Refuses parts that contradict each other.
    ///
    /// # Errors
    /// [`Error::Block`] says which parts, and what was expected of them; [`Error::RandomBits`] if a stochastic rounding asks for none or more
    /// than 32.
    pub const fn validate(&self) -> Result<(), Error> {
        if let Err(error) = self.element_convert.round.validate() {
            return Err(error);
        }
        let refused = match self.conflict() {
            Some(what) => what,
            None => return Ok(()),
        };
        Err(Error::Block(refused))
    }

    const fn conflict(&self) -> Option<&'static str> {
        let emax = self.element.max_exponent();
        if emax < -256 || emax > 512 {
            return Some("elements: expected a largest number from 2^-256 to below 2^513");
        }
        let numbers = match (self.rule, self.tensor_scale) {
            (ScaleRule::Amax { target, .. } | ScaleRule::Log2Ceil { target }, tensor) => is_positive(target) && has_target(tensor),
            (ScaleRule::SignedMax { target }, tensor) => target != 0.0 && target.is_finite() && has_target(tensor),
            (ScaleRule::Range { steps, .. }, tensor) => is_positive(steps) && has_target(tensor),
            (ScaleRule::Fixed(scale), tensor) => is_positive(scale) && has_target(tensor),
            (_, tensor) => has_target(tensor),
        };
        if !numbers {
            return Some("rule and tensor scale: expected positive finite targets, steps and scales");
        }
        if matches!(self.elements, Elements::Steps(steps) if steps == 0 || steps > 1 << 23) {
            return Some("elements: expected 1 to 2^23 steps");
        }
        let integer = match self.element.encoding() {
            Encoding::Int(layout) => layout.fraction_bits == 0,
            _ => false,
        };
        if self.element.bits() > 16 {
            return Some("elements: expected a format of at most 16 bits");
        }
        match self.extent {
            Extent::Block { rows: 0, .. } | Extent::Block { cols: 0, .. } | Extent::Flat(0) => {
                return Some("extent: expected at least one row, one column and one element");
            }
            _ => {}
        }
        match &self.scale {
            None if !matches!(self.rule, ScaleRule::Unit)
                || self.search.is_some()
                || !matches!(self.offset, Offset::None)
                || !matches!(self.tensor_scale, TensorScale::None) =>
            {
                return Some("no scale: expected the rule Unit, no search, no offset and no tensor scale");
            }
            Some(scale) if matches!(self.nonfinite, Nonfinite::Poison) && scale.nan_code().is_none() => {
                return Some("nonfinite: to poison a block, expected a scale format with NaN");
            }
            _ => {}
        }
        if matches!(self.scale_convert.round, Round::Stochastic { .. }) {
            return Some("scale: expected a rounding without random bits");
        }
        if matches!(self.scale_convert.overflow, Overflow::Wrap) {
            return Some("scale: expected an overflow that does not wrap");
        }
        let (low, high) = self.scale_bounds;
        let substitutes = self.zero_scale >= 0.0 && self.vanished_scale >= 0.0;
        if low.is_nan() || low < 0.0 || high.is_nan() || low > high || !substitutes {
            return Some("scale bounds and substitutes: expected numbers from 0 up, the lower bound first");
        }
        let (mut not_numbers, mut i) = (self.flush_below.is_nan(), 0);
        while i < self.divisors.len() {
            not_numbers |= self.divisors[i].1.is_nan();
            i += 1;
        }
        if not_numbers {
            return Some("flush and divisors: expected numbers");
        }
        match self.offset {
            Offset::ZeroPoint if !integer || self.element.bits() > 8 => {
                return Some("zero point: expected integer elements of at most 8 bits");
            }
            Offset::Minimum(_) if !integer || self.element.is_signed() => {
                return Some("minimum: expected unsigned integer elements");
            }
            Offset::ZeroPoint | Offset::Minimum(_) if !matches!(self.tensor_scale, TensorScale::None) => {
                return Some("offset: expected no tensor scale");
            }
            Offset::ZeroPoint | Offset::Minimum(_) if !matches!(self.rule, ScaleRule::Range { .. } | ScaleRule::Given) => {
                return Some("offset: expected the rule Range or Given");
            }
            Offset::ZeroPoint if matches!(self.rule, ScaleRule::Range { with_zero: false, .. }) => {
                return Some("zero point: expected a range with zero");
            }
            Offset::ZeroPoint if matches!(self.element_convert.overflow, Overflow::Wrap) => {
                return Some("zero point: expected elements that do not wrap, as sums with one are clamped");
            }
            Offset::ZeroPoint if matches!(self.elements, Elements::Microxcaling | Elements::Steps(_)) => {
                return Some("zero point: expected elements that take one");
            }
            Offset::ZeroPoint | Offset::Minimum(_) if matches!(self.apply, Apply::Exact) => {
                return Some("offset: expected an f32 division or reciprocal");
            }
            _ => {}
        }
        let clamps = matches!(self.elements, Elements::AddHalfTruncate | Elements::Microxcaling);
        if clamps && matches!(self.element_convert.overflow, Overflow::Wrap) {
            return Some("elements: of a rule that clamps, expected an overflow that does not wrap");
        }
        if matches!(self.elements, Elements::AddThenRound | Elements::AddHalfTruncate) && !integer {
            return Some("elements: to add before rounding, expected integers");
        }
        match self.elements {
            Elements::LeastError if self.element.bits() > 8 => {
                return Some("elements: to try every code, expected at most 8 bits");
            }
            Elements::Midpoints if !matches!(self.element.encoding(), Encoding::Codebook(_)) => {
                return Some("elements: for midpoints, expected a codebook");
            }
            _ => {}
        }
        let rounding = matches!(self.element_convert.round, Round::NearestEven | Round::NearestAway | Round::TowardZero);
        if matches!(self.elements, Elements::Microxcaling) && !rounding {
            return Some("elements: of microxcaling's roundings, expected nearest (even or away) or toward zero");
        }
        let divided = matches!(self.tensor_scale, TensorScale::Divisor { .. } | TensorScale::Amax { .. });
        let divides = matches!(self.apply, Apply::DivideQuotient | Apply::InverseReciprocal | Apply::ClampedReciprocal);
        if divided != divides && !matches!(self.tensor_scale, TensorScale::None) {
            return Some("apply: expected the form whose tensor scale divides exactly where it does");
        }
        if !self.restorable(self.restore) {
            return Some(
                "restore: expected the form of the tensor scale: Product, Quotient of a divisor, AmaxProduct or AmaxQuotient of amax",
            );
        }
        if !matches!(self.tensor_scale, TensorScale::None) {
            let fits = match self.rule {
                ScaleRule::Amax { ratio: Ratio::Divide | Ratio::DivideTwice, .. } => !divided,
                ScaleRule::Amax { ratio: Ratio::Multiply | Ratio::MultiplyQuotient, .. } => divided,
                ScaleRule::Fixed(_) | ScaleRule::Given | ScaleRule::Custom(_) => true,
                _ => false,
            };
            if !fits {
                return Some(
                    "rule: with a tensor scale, expected a ratio that divides by a multiplier or multiplies by a divisor or amax, Fixed, Given or Custom",
                );
            }
            if matches!(self.apply, Apply::UnroundedReciprocal) {
                return Some("apply: of the scale before rounding, expected no tensor scale");
            }
        }
        if matches!(self.rule, ScaleRule::Even { mantissa_bits: 23.. }) {
            return Some("rule: expected at most 22 mantissa bits");
        }
        match &self.search {
            Some(Search { factors: [], .. }) => Some("search: expected at least one factor"),
            Some(Search { restore: Some(restore), .. }) if !self.restorable(*restore) => {
                Some("search: expected a restore form that is one of the tensor scale's")
            }
            _ => None,
        }
    }

    /// Whether the tensor scale has what the formula takes.
    const fn restorable(&self, restore: Restore) -> bool {
        match self.tensor_scale {
            TensorScale::None | TensorScale::Multiplier { .. } => matches!(restore, Restore::Product | Restore::ProductPlusZero),
            TensorScale::Divisor { .. } => matches!(restore, Restore::Quotient),
            TensorScale::Amax { .. } => matches!(restore, Restore::AmaxProduct | Restore::AmaxQuotient),
        }
    }
}

/// Whether a number is positive and finite.
const fn is_positive(x: f32) -> bool {
    x > 0.0 && x.is_finite()
}

/// Whether a tensor scale has a usable target, or none.
const fn has_target(tensor_scale: TensorScale) -> bool {
    match tensor_scale {
        TensorScale::None => true,
        TensorScale::Multiplier { target } | TensorScale::Divisor { target } | TensorScale::Amax { target } => is_positive(target),
    }
}

/// Whole bytes that a code takes.
pub(crate) const fn code_bytes(format: &FormatSpec) -> usize {
    match format.bits() {
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    }
}
