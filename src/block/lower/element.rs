//! Elements by kernels: the encoding of numbers whose blocks' factors are known, with the bits of
//! [`BlockSpec::code`].

use super::arrays::{Chunk, ChunkArrays};
use super::coder::{ScaledCoder, grid_of, microxcaling_grid};
use crate::block::rule::{FLOOR_CARRIES, ScaleRule};
use crate::block::scheme::{Division, ElementRounding, Offset, ZeroSign};
use crate::block::spec::BlockSpec;
use crate::kernel::{
    self, FactorUse, FloatBlocks, FloatCoder, Grid, HalfUp, Integer, IntegerAway, Isa, LeastError,
    Less, NegativeZero, Over, OverByReciprocal, OverToOdd, OverToOddFused, PointCoder,
    RECIPROCAL_FROM, Steps, Times,
};
use crate::policy::{MissingNan, Nan, Overflow};
use crate::round::Round;
use alloc::vec::Vec;

/// The kernels that make codes of numbers.
pub(super) struct Elements {
    kernel: ElementKernel,
    zeros: Zeros,
    /// Whether −0 becomes +0 before numbers are rounded.
    negative_zero: NegativeZero,
    /// Whether quotients may come from reciprocals.
    by_reciprocals: bool,
    /// Whether zeros of both signs have one code.
    one_zero: bool,
    /// Whether numbers are taken less the minimum of their block.
    less_minimum: bool,
    isa: Isa,
}

/// How finite scaled numbers become codes.
enum ElementKernel {
    // In one pass: a number is loaded and its code stored.
    Float(FloatCoder),
    Int(Integer),
    Points(PointCoder),
    /// From numbers as they are, with the scale that they come back by.
    Least(LeastError),
    /// In two: numbers are scaled first, with −0 kept or cleared.
    Scaled(ScaledCoder),
}

/// What scaled numbers a kernel does not take.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ScaledLimit {
    None,
    /// Magnitudes from here on.
    Below(f32),
    /// Zeros of a block whose scale is zero.
    NotZero,
    /// Numbers under a scale outside of two magnitudes, and those larger than a multiple of their
    /// scale.
    UnderScales([f32; 3]),
}

impl ScaledLimit {
    /// Whether the numbers of a block up to `amax` are taken under a factor.
    pub(super) fn takes(self, factor_use: FactorUse, amax: f32, factor: f32) -> bool {
        let largest = match factor_use {
            FactorUse::Times => amax * factor,
            FactorUse::Over | FactorUse::Exact => amax / factor,
        };
        match self {
            Self::None => true,
            Self::Below(limit) => largest.abs() < limit,
            Self::NotZero => largest != 0.0,
            Self::UnderScales([least, most, multiple]) => {
                let scale = factor.abs();
                (least..=most).contains(&scale) && amax <= multiple * scale
            }
        }
    }
}

/// What is done about the sign of zeros after encoding.
enum Zeros {
    Keep,
    /// The first code becomes the second.
    Replace(u8, u8),
    /// Numbers that are zero once scaled, but not those rounded to zero as elements, get this code.
    Code(u8),
}

/// Where codes go.
enum Codes<'a> {
    /// One a byte.
    Bytes(&'a mut [u8]),
    /// Two a byte.
    Nibbles(&'a mut [u8]),
}

impl Elements {
    /// The kernels for a number of elements, whose scales make factors for this use; `None` for
    /// elements that depend on more than the scale and random bits.
    pub(super) fn lower(
        isa: Isa,
        spec: &BlockSpec,
        elements: usize,
        factor_use: FactorUse,
    ) -> Option<Self> {
        let element = &spec.element;
        // Kernels write codes of a byte.
        if element.bits() > 8 {
            return None;
        }
        let with_points = matches!(spec.offset, Offset::ZeroPoint);
        let less_minimum = matches!(spec.offset, Offset::Minimum(_));
        // Exact quotients reach the coder as f32s rounded to odd, which only a rounding may follow.
        let exact = matches!(factor_use, FactorUse::Exact);
        let rounds = spec.element_rounding.rounds_once();
        if exact && !rounds {
            return None;
        }
        // A sign by the quotient is lost where that is no f32.
        let exactly = matches!(spec.division, Division::Exact);
        // Where there is no −0, zeros have no sign to change.
        let zero_codes = element.zero_code().zip(element.negative_zero_code());
        let (zeros, negative_zero) = match (spec.zero_sign, zero_codes) {
            (ZeroSign::MinusBelowZero | ZeroSign::MinusUnlessAbove, _) if exactly => return None,
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
        // Codes that are compared or looked up have zeros of a sign of their own.
        let signed_by_number = matches!(
            (&zeros, negative_zero),
            (Zeros::Keep | Zeros::Replace(..), NegativeZero::Keep)
        );
        // Kernels see finite numbers only. Such a number may still become NaN, by overflow or below
        // zero: one without payload.
        let nan = if matches!(spec.element_convert.nan, Nan::Payload) {
            Nan::Canonical
        } else {
            spec.element_convert.nan
        };
        let convert = spec.element_convert.with_nan(nan).with_missing_nan(MissingNan::Zero);
        let encoder = || kernel::Encoder::lower(isa, element, &convert, elements);
        let kernel = match spec.element_rounding {
            // Without a zero point to add, the f32 sum is the number, but an exact quotient may be
            // none.
            ElementRounding::AddThenRound if exactly => return None,
            ElementRounding::Round | ElementRounding::AddThenRound if with_points => {
                let add_first = matches!(spec.element_rounding, ElementRounding::AddThenRound);
                ElementKernel::Points(PointCoder::lower(element, &convert, add_first)?)
            }
            ElementRounding::Round | ElementRounding::AddThenRound => {
                let float = FloatCoder::lower(element, &convert, negative_zero);
                let int = || Integer::lower(element, &convert);
                if let Some(coder) = float.filter(|_| !less_minimum) {
                    ElementKernel::Float(coder)
                } else if let Some(coder) = int().filter(|_| !less_minimum) {
                    ElementKernel::Int(coder)
                } else if let Some(coder) = IntegerAway::lower(element, &convert) {
                    ElementKernel::Scaled(ScaledCoder::IntegerAway(coder))
                } else if let Some((rounding, grid)) = grid_of(element, &convert) {
                    ElementKernel::Scaled(ScaledCoder::Grid(rounding, grid))
                } else if element.bits() <= 4
                    && let Some(steps) = Steps::lower(element, &convert)
                {
                    // Comparisons with 15 places take less than a rounding by cases.
                    ElementKernel::Scaled(ScaledCoder::Steps(steps))
                } else {
                    ElementKernel::Scaled(ScaledCoder::Encoder(encoder()?))
                }
            }
            ElementRounding::AddHalfTruncate if !with_points => {
                ElementKernel::Scaled(ScaledCoder::HalfUp(HalfUp::lower(element)?))
            }
            ElementRounding::Microxcaling => {
                let (rounding, grid) = microxcaling_grid(element, convert.round)?;
                ElementKernel::Scaled(ScaledCoder::Grid(rounding, grid))
            }
            ElementRounding::LeastError
                if signed_by_number && matches!(spec.offset, Offset::None) =>
            {
                let grid = Grid::lower(element, false, &FLOOR_CARRIES);
                let signed = matches!(spec.rule, ScaleRule::SignedMax { .. });
                ElementKernel::Least(LeastError::lower(element, grid, signed)?)
            }
            ElementRounding::Midpoints if signed_by_number && !with_points => {
                ElementKernel::Scaled(ScaledCoder::Steps(Steps::of_midpoints(element)?))
            }
            ElementRounding::Steps(steps) if signed_by_number => {
                let steps = Steps::of_equal(element, &convert, steps)?;
                ElementKernel::Scaled(ScaledCoder::EqualSteps(steps))
            }
            ElementRounding::AddHalfTruncate
            | ElementRounding::LeastError
            | ElementRounding::Midpoints
            | ElementRounding::Steps(_) => return None,
        };
        // Below half of the smallest number coders see the sign of a quotient alone.
        let coders = match &kernel {
            ElementKernel::Float(_) | ElementKernel::Int(_) => true,
            ElementKernel::Scaled(ScaledCoder::Steps(steps)) => {
                !less_minimum && steps.are_beyond(isa, RECIPROCAL_FROM)
            }
            ElementKernel::Scaled(coder) => !less_minimum && coder.is_of_one_pass(),
            ElementKernel::Points(_) | ElementKernel::Least(_) => false,
        };
        // A codebook is searched for its smallest number, so it is asked last.
        let by_reciprocals = isa.has_fma()
            && coders
            && 0.5 * element.smallest_positive().to_f32() >= RECIPROCAL_FROM;
        let one_zero = zero_codes.is_none();
        Some(Self { kernel, zeros, negative_zero, by_reciprocals, one_zero, less_minimum, isa })
    }

    /// Whether a scheme's elements are made from the numbers that they come back as.
    pub(super) const fn wants_restoring_factors(spec: &BlockSpec) -> bool {
        matches!(spec.element_rounding, ElementRounding::LeastError)
    }

    /// Whether factors are those that elements come back by.
    pub(super) const fn restores(&self) -> bool {
        matches!(self.kernel, ElementKernel::Least(_))
    }

    /// Whether the scaled numbers of a chunk are kept until all of them are encoded.
    pub(super) const fn keeps_scaled(&self) -> bool {
        match &self.kernel {
            ElementKernel::Scaled(coder) => !coder.is_of_one_pass(),
            ElementKernel::Float(_)
            | ElementKernel::Int(_)
            | ElementKernel::Points(_)
            | ElementKernel::Least(_) => false,
        }
    }

    /// The coder, if blocks have zero points.
    pub(super) const fn points(&self) -> Option<&PointCoder> {
        if let ElementKernel::Points(coder) = &self.kernel { Some(coder) } else { None }
    }

    /// What scaled numbers are left to the rule.
    pub(super) fn limit(&self) -> ScaledLimit {
        match &self.kernel {
            ElementKernel::Scaled(ScaledCoder::Grid(..)) => ScaledLimit::Below(Grid::BEYOND),
            ElementKernel::Least(coder) => {
                coder.range().map_or(ScaledLimit::None, ScaledLimit::UnderScales)
            }
            // Under a scale of zero every number is the first step.
            ElementKernel::Scaled(ScaledCoder::EqualSteps(..)) => ScaledLimit::NotZero,
            ElementKernel::Scaled(
                ScaledCoder::Encoder(_)
                | ScaledCoder::HalfUp(_)
                | ScaledCoder::IntegerAway(_)
                | ScaledCoder::Steps(_),
            )
            | ElementKernel::Float(_)
            | ElementKernel::Int(_)
            | ElementKernel::Points(_) => ScaledLimit::None,
        }
    }

    /// Whether numbers rounded to odd get the codes of the f64s that they were, if their scaling is
    /// exact.
    pub(super) fn takes_wide(&self, spec: &BlockSpec) -> bool {
        let sees_quotients =
            self.negative_zero == NegativeZero::Clear || matches!(self.zeros, Zeros::Code(_));
        // A program's own arithmetic sees the nearest f32.
        let rounds = spec.element_rounding.rounds_once();
        // A wrapping integer keeps the low bits, which a large f32 does not have.
        let keeps_low_bits = matches!(spec.element_convert.overflow, Overflow::Wrap);
        // Random bits are compared with all that lies below the last place, not only with its half.
        let random = matches!(spec.element_convert.round, Round::Stochastic { .. });
        // What is lost below the least f32, 2^-149, is times 2^127 at most a fourth of an element's
        // last place.
        let coarse = spec.element.smallest_positive().log2() >= -20;
        coarse
            && rounds
            && spec.rounds_tiny_to_zero()
            && !random
            && !sees_quotients
            && !keeps_low_bits
    }

    /// Writes the codes of a chunk, one a byte.
    pub(super) fn encode_bytes(
        &self,
        factor_use: FactorUse,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        codes: &mut [u8],
    ) {
        self.encode(factor_use, chunk, memory, Codes::Bytes(codes));
        let Chunk { numbers, length, factors, .. } = chunk;
        match (&self.zeros, factor_use) {
            (Zeros::Keep, _) => {}
            (Zeros::Replace(from, to), _) => kernel::replace(self.isa, *from, *to, codes),
            (Zeros::Code(code), FactorUse::Times) => {
                kernel::zeros_become(self.isa, Times, numbers, length, factors, *code, codes);
            }
            // Exact quotients have signs by number alone: `lower` refuses others.
            (Zeros::Code(code), FactorUse::Over | FactorUse::Exact) => {
                kernel::zeros_become(self.isa, Over, numbers, length, factors, *code, codes);
            }
        }
    }

    /// Writes the codes of a chunk, two a byte, the first in the low bits; returns whether there is
    /// a kernel that does.
    pub(super) fn encode_nibbles(
        &self,
        factor_use: FactorUse,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        bytes: &mut [u8],
    ) -> bool {
        self.encode(factor_use, chunk, memory, Codes::Nibbles(bytes))
    }

    /// Writes codes before [`Zeros`]; returns whether they were made.
    fn encode(
        &self,
        factor_use: FactorUse,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        codes: Codes<'_>,
    ) -> bool {
        let one_pass = match &self.kernel {
            ElementKernel::Scaled(coder) if coder.is_of_one_pass() => Some(coder),
            _ => None,
        };
        match factor_use {
            FactorUse::Times => match (one_pass, codes) {
                (Some(coder), Codes::Bytes(codes)) if self.less_minimum => coder.encode_scaled(
                    self.isa,
                    self.negative_zero,
                    Less(Times),
                    chunk,
                    chunk.points,
                    codes,
                ),
                (Some(coder), Codes::Bytes(codes)) => coder.encode_scaled(
                    self.isa,
                    self.negative_zero,
                    Times,
                    chunk,
                    chunk.factors,
                    codes,
                ),
                (_, codes) => self.encode_by(Times, chunk, memory, codes),
            },
            FactorUse::Over if self.by_reciprocals => {
                let mut in_range = false;
                let reciprocals = &mut memory.reciprocals;
                reciprocals.resize(chunk.factors.len(), [0.0; 3]);
                kernel::reciprocals(
                    self.isa,
                    self.negative_zero,
                    self.one_zero,
                    chunk.amax,
                    chunk.factors,
                    reciprocals,
                    &mut in_range,
                );
                // One block out of range sends the whole chunk to true divisions.
                match (&self.kernel, codes) {
                    (_, codes) if !in_range => self.encode_by(Over, chunk, memory, codes),
                    (ElementKernel::Scaled(ScaledCoder::Steps(steps)), Codes::Bytes(codes)) => {
                        let Chunk { numbers, length, .. } = chunk;
                        let (isa, scaled) = (self.isa, &mut memory.scaled);
                        scaled.resize(numbers.len(), 0.0);
                        let keep = NegativeZero::Keep;
                        let by = OverByReciprocal;
                        kernel::scale_blocks(isa, by, keep, numbers, length, reciprocals, scaled);
                        steps.encode(isa, scaled, codes);
                        true
                    }
                    (ElementKernel::Scaled(coder), Codes::Bytes(codes)) => coder.encode_scaled(
                        self.isa,
                        self.negative_zero,
                        OverByReciprocal,
                        chunk,
                        reciprocals,
                        codes,
                    ),
                    (_, codes) => {
                        let ends = &mut memory.ends;
                        self.encode_at_once(OverByReciprocal, chunk, reciprocals, ends, codes)
                    }
                }
            }
            FactorUse::Over => self.encode_by(Over, chunk, memory, codes),
            FactorUse::Exact if self.isa.has_fma() => match (one_pass, codes) {
                (Some(coder), Codes::Bytes(codes)) => coder.encode_scaled(
                    self.isa,
                    self.negative_zero,
                    OverToOddFused,
                    chunk,
                    chunk.factors,
                    codes,
                ),
                (_, codes) => self.encode_by(OverToOddFused, chunk, memory, codes),
            },
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
        match (&self.kernel, codes) {
            (ElementKernel::Float(_) | ElementKernel::Int(_), codes) => {
                self.encode_at_once(scaling, chunk, factors, &mut memory.ends, codes)
            }
            (
                ElementKernel::Points(_) | ElementKernel::Least(_) | ElementKernel::Scaled(_),
                Codes::Nibbles(_),
            ) => false,
            (ElementKernel::Points(coder), Codes::Bytes(codes)) => {
                kernel::encode_points(self.isa, coder, scaling, numbers, length, points, codes);
                true
            }
            (ElementKernel::Least(coder), Codes::Bytes(codes)) => {
                coder.encode(self.isa, numbers, length, factors, codes);
                true
            }
            (ElementKernel::Scaled(coder), Codes::Bytes(codes)) => {
                // Two passes over a chunk that the first-level cache holds: scaled numbers, then
                // codes.
                let (isa, zero, scaled) = (self.isa, self.negative_zero, &mut memory.scaled);
                scaled.resize(numbers.len(), 0.0);
                if self.less_minimum {
                    let less = Less(scaling);
                    kernel::scale_blocks(isa, less, zero, numbers, length, points, scaled);
                } else {
                    kernel::scale_blocks(isa, scaling, zero, numbers, length, factors, scaled);
                }
                coder.encode(isa, scaled, codes, dither);
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
        ends: &mut Vec<u8>,
        codes: Codes<'_>,
    ) -> bool {
        let Chunk { numbers, length, .. } = chunk;
        let (codes, coder) = match (codes, &self.kernel) {
            (codes, ElementKernel::Float(coder)) => (codes, coder),
            (Codes::Bytes(codes), ElementKernel::Int(coder)) => {
                kernel::encode_blocks(self.isa, coder, scaling, numbers, length, factors, codes);
                return true;
            }
            (Codes::Nibbles(_), ElementKernel::Int(_))
            | (_, ElementKernel::Points(_) | ElementKernel::Least(_) | ElementKernel::Scaled(_)) => {
                return false;
            }
        };
        // Kernels in intrinsics take whole blocks in vectors of 64 numbers; the end of a row is left.
        let unit = if 64usize.is_multiple_of(length) { 64 } else { length };
        let head = numbers.len() / unit * unit;
        let (head_factors, rest_factors) = factors.split_at(head / length);
        let (head_numbers, rest) = numbers.split_at(head);
        let floats = FloatBlocks { numbers: head_numbers, length, factors: head_factors };
        // There is no second pass over nibbles, so this one gives zeros their codes.
        let codes_of_zeros = match self.zeros {
            Zeros::Replace(..) => NegativeZero::Clear,
            Zeros::Keep | Zeros::Code(_) => NegativeZero::Keep,
        };
        let coder = if S::SETTLES_ZEROS { coder.with_settled_zeros() } else { *coder };
        let isa = self.isa;
        match codes {
            // What becomes of zeros later needs a code a byte.
            Codes::Nibbles(_) if matches!(self.zeros, Zeros::Code(_)) => false,
            Codes::Nibbles(bytes) => {
                let (packed, rest_packed) = bytes.split_at_mut(head / 2);
                if !coder.encode_chunk::<S, 32>(isa, codes_of_zeros, scaling, floats, packed) {
                    return false;
                }
                if !rest.is_empty() {
                    ends.resize(rest.len(), 0);
                    kernel::encode_blocks(isa, &coder, scaling, rest, length, rest_factors, ends);
                    if let Zeros::Replace(from, to) = self.zeros {
                        kernel::replace(isa, from, to, ends);
                    }
                    kernel::pack_codes(isa, 4, ends, rest_packed);
                }
                true
            }
            Codes::Bytes(codes) => {
                let (bytes, rest_bytes) = codes.split_at_mut(head);
                // The kernel in intrinsics declines some block lengths, and then writes nothing.
                if !coder.encode_chunk::<S, 64>(isa, codes_of_zeros, scaling, floats, bytes) {
                    kernel::encode_blocks(isa, &coder, scaling, numbers, length, factors, codes);
                } else if !rest.is_empty() {
                    let (factors, codes) = (rest_factors, rest_bytes);
                    kernel::encode_blocks(isa, &coder, scaling, rest, length, factors, codes);
                }
                true
            }
        }
    }
}
