//! Elements by kernels: [`QuantizePlan`], the whole of a scheme as kernel parameters, and the
//! encoding of numbers whose blocks' factors are known, with the bits of [`BlockSpec::code`].

use super::factor::UNHANDLED;
use super::scale::ScalePlan;
use crate::block::apply::{Block, Number};
use crate::block::rule::{BlockStats, ScaleRule};
use crate::block::scheme::{ElementRounding, Nonfinite, Offset, ZeroSign};
use crate::block::spec::BlockSpec;
use crate::kernel::{
    self, BlockRanges, FactorUse, FloatBlocks, FloatCoder, Integer, Isa, NegativeZero, Over,
    OverByReciprocal, OverToOdd, OverToOddFused, PointCoder, RECIPROCAL_FROM, ScaleArrays, Times,
};
use crate::policy::{MissingNan, Nan, Overflow};
use crate::random::Dither;
use crate::round::Round;
use alloc::vec::Vec;

/// A scheme as kernel parameters.
pub(crate) struct QuantizePlan<'a> {
    spec: &'a BlockSpec,
    tensor_scale: f32,
    scales: ScalePlan,
    elements: ElementKernel,
    zeros: Zeros,
    /// Whether −0 becomes +0 before numbers are rounded.
    negative_zero: NegativeZero,
    /// Whether quotients may come from reciprocals.
    by_reciprocals: bool,
    isa: Isa,
}

/// How finite scaled numbers become codes.
enum ElementKernel {
    Float(FloatCoder),
    Int(Integer),
    Points(PointCoder),
    /// Numbers are scaled first, with −0 kept or cleared.
    Other(kernel::Encoder, NegativeZero),
}

/// What is done about the sign of zeros after encoding.
enum Zeros {
    Keep,
    /// The first code becomes the second.
    Replace(u8, u8),
    /// Numbers that are zero once scaled, but not those rounded to zero as elements, get this code.
    Code(u8),
}

/// Arrays with an entry a block: the statistics that [`QuantizePlan::settle`] reads, the factors
/// that it makes, and what it needs on the way. They are kept from call to call.
#[derive(Default)]
pub(crate) struct BlockArrays {
    /// The largest magnitudes, as bits: NaN is above infinity, infinity above all others.
    pub(crate) amax: Vec<u32>,
    /// The smallest and the largest numbers, zero among them, where there are zero points.
    pub(crate) ranges: Vec<[f32; 2]>,
    /// What numbers are multiplied or divided by; [`UNHANDLED`] where the block is the rule's.
    pub(crate) factors: Vec<f32>,
    /// Factors and zero points, where there are zero points.
    pub(crate) points: Vec<[f32; 2]>,
    /// Scratch of the scale kernel, which writes the scale codes and the factors.
    scales: ScaleArrays,
}

/// Numbers that are encoded at a time, and what is known of their blocks.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) numbers: &'a [f32],
    /// Numbers of a block; the last may have fewer.
    pub(crate) length: usize,
    /// [`BlockArrays::amax`] of these blocks.
    pub(crate) amax: &'a [u32],
    /// [`BlockArrays::factors`] of these blocks.
    pub(crate) factors: &'a [f32],
    /// [`BlockArrays::points`] of these blocks.
    pub(crate) points: &'a [[f32; 2]],
    pub(crate) dither: Dither,
}

/// Memory for one chunk, kept from call to call.
#[derive(Default)]
pub(crate) struct ChunkArrays {
    scaled: Vec<f32>,
    /// What quotients by reciprocals take for factors.
    reciprocals: Vec<[f32; 3]>,
}

/// Where codes go.
enum Codes<'a> {
    /// One a byte.
    Bytes(&'a mut [u8]),
    /// Two a byte.
    Nibbles(&'a mut [u8]),
}

impl<'a> QuantizePlan<'a> {
    /// The plan for some numbers of elements and of blocks; `None` for schemes whose scale depends
    /// on more than `amax` or the range, or whose elements depend on more than the scale and random
    /// bits.
    pub(crate) fn lower(
        isa: Isa,
        spec: &'a BlockSpec,
        tensor_scale: f32,
        elements: usize,
        blocks: usize,
    ) -> Option<Self> {
        let element = &spec.element;
        // A search needs the errors of every candidate's elements; kernels write codes of a byte.
        if spec.search.is_some() || element.bits() > 8 {
            return None;
        }
        match spec.nonfinite {
            // Kernels see finite numbers alone: a block with another is the rule's.
            Nonfinite::Poison
            | Nonfinite::Count
            | Nonfinite::CountInfinity
            | Nonfinite::CountAsInfinity
            | Nonfinite::CountNanAsZero
            | Nonfinite::Erase
            | Nonfinite::Ignore => {}
        }
        let with_points = match spec.offset {
            Offset::None if depends_on_amax(spec.rule) => false,
            Offset::ZeroPoint if spec.zero_block_scale > 0.0 => true,
            Offset::None | Offset::ZeroPoint | Offset::Minimum(_) => return None,
        };
        // Exact quotients reach the coder as f32s rounded to odd, which only a rounding may follow.
        let exact = matches!(FactorUse::of(spec.division), FactorUse::Exact);
        // Whether a zero point is added before rounding. Without a zero point the f32 sum is the
        // number itself, but an exact quotient may not be an f32.
        let add_first = match spec.element_rounding {
            ElementRounding::Round => false,
            ElementRounding::AddThenRound if !exact => true,
            ElementRounding::AddThenRound
            | ElementRounding::AddHalfTruncate
            | ElementRounding::Microxcaling
            | ElementRounding::LeastError
            | ElementRounding::Midpoints
            | ElementRounding::Steps(_) => return None,
        };
        // Where there is no −0, zeros have no sign to change.
        let zero_codes = element.zero_code().zip(element.negative_zero_code());
        let (zeros, negative_zero) = match (spec.zero_sign, zero_codes) {
            // A sign by the quotient is lost where that is no f32.
            (ZeroSign::MinusBelowZero | ZeroSign::MinusUnlessAbove, _) if exact => return None,
            (ZeroSign::Plus, Some((zero, negative))) => {
                (Zeros::Replace(negative as u8, zero as u8), NegativeZero::Keep)
            }
            (ZeroSign::MinusUnlessAbove, Some((_, negative))) => {
                (Zeros::Code(negative as u8), NegativeZero::Keep)
            }
            (ZeroSign::MinusBelowZero, Some(_)) => (Zeros::Keep, NegativeZero::Clear),
            (ZeroSign::Keep, Some(_))
            | (
                ZeroSign::Keep
                | ZeroSign::Plus
                | ZeroSign::MinusBelowZero
                | ZeroSign::MinusUnlessAbove,
                None,
            ) => (Zeros::Keep, NegativeZero::Keep),
        };
        // Kernels see finite numbers only. Such a number may still become NaN, by overflow or below
        // zero: one without payload.
        let nan = if matches!(spec.element_convert.nan, Nan::Payload) {
            Nan::Canonical
        } else {
            spec.element_convert.nan
        };
        let convert = spec.element_convert.with_nan(nan).with_missing_nan(MissingNan::Zero);
        let kernel = if with_points {
            ElementKernel::Points(PointCoder::lower(element, &convert, add_first)?)
        } else if let Some(coder) = FloatCoder::lower(element, &convert, negative_zero) {
            ElementKernel::Float(coder)
        } else if let Some(coder) = Integer::lower(element, &convert) {
            ElementKernel::Int(coder)
        } else {
            ElementKernel::Other(
                kernel::Encoder::lower(isa, element, &convert, elements)?,
                negative_zero,
            )
        };
        let scales = ScalePlan::lower(isa, spec, tensor_scale, blocks);
        // Zero points are made from rounded scales.
        if with_points && !scales.leaves_scales() {
            return None;
        }
        // Coders round to nearest, so below half of the smallest number only a quotient's sign
        // matters.
        let coders = matches!(kernel, ElementKernel::Float(_) | ElementKernel::Int(_));
        let large = 0.5 * element.smallest_positive().to_f32() >= RECIPROCAL_FROM;
        let by_reciprocals = isa.has_fma() && coders && large;
        Some(Self {
            spec,
            tensor_scale,
            scales,
            elements: kernel,
            zeros,
            negative_zero,
            by_reciprocals,
            isa,
        })
    }

    pub(crate) const fn isa(&self) -> Isa {
        self.isa
    }

    /// Whether blocks have zero points: their statistics are ranges, and [`settle`](Self::settle)
    /// makes the zero points too.
    pub(crate) const fn has_zero_points(&self) -> bool {
        matches!(self.elements, ElementKernel::Points(_))
    }

    /// Whether f64s may be seen as f32s rounded to odd: their scaling is exact in f32, and the
    /// rounding that follows is to nearest and to so few bits that the first one does not show.
    /// Numbers whose scaling is not are the rule's.
    pub(crate) fn takes_wide(&self) -> bool {
        let spec = self.spec;
        let sees_quotients =
            self.negative_zero == NegativeZero::Clear || matches!(self.zeros, Zeros::Code(_));
        // A wrapping integer keeps the low bits, which a large f32 does not have.
        let keeps_low_bits = matches!(spec.element_convert.overflow, Overflow::Wrap);
        // Random bits are compared with all bits below the last place, so none may be lost.
        let random = matches!(spec.element_convert.round, Round::Stochastic { .. });
        // A factor of at most 2^127 makes what is lost below the least f32, 2^-149, at most 2^-22,
        // a fourth of an element's last place.
        let coarse = spec.element.smallest_positive().log2() >= -20;
        let by_powers = self.scales.makes_powers_of_two();
        by_powers
            && coarse
            && spec.rounds_tiny_to_zero()
            && !random
            && !sees_quotients
            && !keeps_low_bits
    }

    /// Writes the scale codes, the zero points' codes and the factors of the blocks whose
    /// statistics are in the arrays.
    pub(crate) fn settle(&self, blocks: &mut BlockArrays, scales: &mut [u8], offsets: &mut [u8]) {
        let BlockArrays { amax, ranges, factors, points, scales: arrays } = blocks;
        factors.clear();
        factors.resize(amax.len(), 0.0);
        let statistics = BlockRanges { amax, ranges: self.has_zero_points().then_some(ranges) };
        match &self.scales.kernel {
            // One pass over the arrays; elements are not read again.
            Some(kernel) => kernel.run(self.isa, statistics, scales, factors, arrays),
            // Without a kernel every block is settled by the rule.
            None => factors.fill(UNHANDLED),
        }
        points.clear();
        if let ElementKernel::Points(coder) = &self.elements {
            // A range that overflows f32, and a block of zeros, whose scale is the substitute, are
            // the rule's.
            for ((factor, [low, high]), amax) in factors.iter_mut().zip(&*ranges).zip(&*amax) {
                *factor = if (high - low).is_finite() && *amax != 0 { *factor } else { UNHANDLED };
            }
            points.extend(factors.iter().map(|factor| [*factor, 0.0]));
            kernel::zero_points(self.isa, coder, ranges, &arrays.scales, points, offsets);
        }
    }

    /// The block of these statistics by the rule, and the factor under which kernels encode its
    /// finite numbers, if there is one.
    pub(crate) fn block_by_rule(&self, stats: &BlockStats<'_>) -> (Block, Option<f32>) {
        // No elements: `lower` refuses searches, minima and rules that look at them.
        let block = self.spec.block_of(stats, core::iter::empty(), self.tensor_scale, None);
        let factor = self.spec.factor(self.scales.factor_use, &block, stats.amax);
        (block, if self.has_zero_points() { None } else { factor })
    }

    /// A block of zeros by the rule, and the codes of +0 and −0 in it.
    pub(crate) fn zero_block(&self) -> (Block, [u8; 2]) {
        let (block, _) = self.block_by_rule(&BlockStats { finite: 1, ..BlockStats::EMPTY });
        (block, [0.0, -0.0].map(|x| self.spec.code(&block, Number::F32(x), 0) as u8))
    }

    /// Writes the codes of a chunk, one a byte.
    pub(crate) fn encode_bytes(
        &self,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        codes: &mut [u8],
    ) {
        self.encode(chunk, memory, Codes::Bytes(codes));
        let Chunk { numbers, length, factors, .. } = chunk;
        match (&self.zeros, self.scales.factor_use) {
            (Zeros::Keep, _) => {}
            (Zeros::Replace(from, to), _) => kernel::replace(self.isa, *from, *to, codes),
            (Zeros::Code(code), FactorUse::Times) => {
                kernel::zeros_become(self.isa, Times, numbers, length, factors, *code, codes);
            }
            (Zeros::Code(code), FactorUse::Over | FactorUse::Exact) => {
                kernel::zeros_become(self.isa, Over, numbers, length, factors, *code, codes);
            }
        }
    }

    /// Writes the codes of a chunk, two a byte, the first in the low bits; returns whether there is
    /// a kernel that does.
    pub(crate) fn encode_nibbles(
        &self,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        bytes: &mut [u8],
    ) -> bool {
        self.encode(chunk, memory, Codes::Nibbles(bytes))
    }

    /// Writes codes before [`Zeros`]; returns whether they were made.
    fn encode(&self, chunk: Chunk<'_>, memory: &mut ChunkArrays, codes: Codes<'_>) -> bool {
        match self.scales.factor_use {
            FactorUse::Times => self.encode_by(Times, chunk, memory, codes),
            FactorUse::Over if self.by_reciprocals => {
                let mut in_range = false;
                let reciprocals = &mut memory.reciprocals;
                reciprocals.resize(chunk.factors.len(), [0.0; 3]);
                kernel::reciprocals(
                    self.isa,
                    self.negative_zero,
                    chunk.amax,
                    chunk.factors,
                    reciprocals,
                    &mut in_range,
                );
                // One block out of range sends the whole chunk to true divisions.
                if in_range {
                    self.encode_at_once(OverByReciprocal, chunk, reciprocals, codes)
                } else {
                    self.encode_by(Over, chunk, memory, codes)
                }
            }
            FactorUse::Over => self.encode_by(Over, chunk, memory, codes),
            FactorUse::Exact if self.isa.has_fma() => {
                self.encode_by(OverToOddFused, chunk, memory, codes)
            }
            FactorUse::Exact => self.encode_by(OverToOdd, chunk, memory, codes),
        }
    }

    fn encode_by<S: kernel::Scaling<Factor = f32>>(
        &self,
        scaling: S,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        codes: Codes<'_>,
    ) -> bool {
        let Chunk { numbers, length, factors, points, dither, .. } = chunk;
        match (&self.elements, codes) {
            (ElementKernel::Float(_) | ElementKernel::Int(_), codes) => {
                self.encode_at_once(scaling, chunk, factors, codes)
            }
            (ElementKernel::Points(_) | ElementKernel::Other(..), Codes::Nibbles(_)) => false,
            (ElementKernel::Points(coder), Codes::Bytes(codes)) => {
                kernel::encode_points(self.isa, coder, scaling, numbers, length, points, codes);
                true
            }
            (ElementKernel::Other(encode, negative_zero), Codes::Bytes(codes)) => {
                // Two passes over a chunk that the first-level cache holds: scaled numbers, then
                // codes.
                let scaled = &mut memory.scaled;
                scaled.resize(numbers.len(), 0.0);
                kernel::scale_blocks(
                    self.isa,
                    scaling,
                    *negative_zero,
                    numbers,
                    length,
                    factors,
                    scaled,
                );
                encode.encode(scaled, codes, dither);
                true
            }
        }
    }

    /// Scales and encodes in one pass: a number is loaded, and its code stored, with nothing but
    /// registers between.
    fn encode_at_once<S: kernel::Scaling>(
        &self,
        scaling: S,
        chunk: Chunk<'_>,
        factors: &[S::Factor],
        codes: Codes<'_>,
    ) -> bool {
        let Chunk { numbers, length, .. } = chunk;
        let floats = FloatBlocks { numbers, length, factors };
        // There is no second pass over nibbles, so this one gives zeros their codes.
        let codes_of_zeros = match self.zeros {
            Zeros::Replace(..) => NegativeZero::Clear,
            Zeros::Keep | Zeros::Code(_) => NegativeZero::Keep,
        };
        let settled =
            |coder: &FloatCoder| if S::SETTLES_ZEROS { coder.with_settled_zeros() } else { *coder };
        match (codes, &self.elements) {
            (Codes::Nibbles(bytes), ElementKernel::Float(coder))
                if !matches!(self.zeros, Zeros::Code(_)) =>
            {
                settled(coder).encode_chunk::<S, 32>(
                    self.isa,
                    codes_of_zeros,
                    scaling,
                    floats,
                    bytes,
                )
            }
            (Codes::Bytes(codes), ElementKernel::Float(coder)) => {
                let coder = settled(coder);
                // The kernel in intrinsics declines some block lengths, and then writes nothing.
                if !coder.encode_chunk::<S, 64>(self.isa, codes_of_zeros, scaling, floats, codes) {
                    kernel::encode_blocks(
                        self.isa, &coder, scaling, numbers, length, factors, codes,
                    );
                }
                true
            }
            (Codes::Bytes(codes), ElementKernel::Int(coder)) => {
                kernel::encode_blocks(self.isa, coder, scaling, numbers, length, factors, codes);
                true
            }
            (Codes::Nibbles(_), _)
            | (Codes::Bytes(_), ElementKernel::Points(_) | ElementKernel::Other(..)) => false,
        }
    }
}

/// Whether a rule sees of a block's statistics the largest magnitude alone.
const fn depends_on_amax(rule: ScaleRule) -> bool {
    match rule {
        ScaleRule::Floor
        | ScaleRule::Ceil
        | ScaleRule::RoundUp
        | ScaleRule::Even { .. }
        | ScaleRule::Nearest
        | ScaleRule::Log2Floor
        | ScaleRule::Log2Ceil { .. }
        | ScaleRule::Amax { .. }
        | ScaleRule::Fixed(_)
        | ScaleRule::Unit => true,
        ScaleRule::SignedMax { .. }
        | ScaleRule::Range { .. }
        | ScaleRule::Given
        | ScaleRule::Custom(_) => false,
    }
}
