//! [`QuantizePlan`]: the whole of a scheme as kernel parameters, from the statistics of blocks to
//! their codes, with the bits of [`BlockSpec::block_of`] and [`BlockSpec::code`].

use super::arrays::{BlockArrays, Chunk, ChunkArrays, StoredBlocks};
use super::element::{Elements, ScaledLimit};
use super::factor::UNHANDLED;
use super::scale::{ScaleDemand, ScalePlan};
use super::search::SearchPlan;
use crate::block::apply::{Block, Number};
use crate::block::pack::stored as stored_code;
use crate::block::rule::ScaleRule;
use crate::block::scheme::{Nonfinite, Offset};
use crate::block::spec::BlockSpec;
use crate::block::statistics::BlockStats;
use crate::kernel::{self, BlockRanges, FactorUse, HighestValue, Isa, LowestValue, ScaleFormat};
use alloc::vec::Vec;
use core::ops::Range;

/// What a quantization asks of a plan, beside the scheme.
#[derive(Clone, Copy)]
pub(crate) struct Demand<'a> {
    /// The stored scale of the tensor.
    pub(crate) tensor_scale: f32,
    /// Elements of the tensor: tables pay from some number on.
    pub(crate) elements: usize,
    /// Blocks of the tensor.
    pub(crate) blocks: usize,
    /// The scales and offsets of all blocks, if the caller gives them.
    pub(crate) given: Option<(&'a [f32], &'a [f32])>,
    /// The factors that a search tries in place of its own.
    pub(crate) factors: Option<&'a [f32]>,
}

/// A scheme as kernel parameters.
pub(crate) struct QuantizePlan<'a> {
    spec: &'a BlockSpec,
    demand: Demand<'a>,
    statistic: Statistic,
    scales: ScalePlan,
    elements: Elements,
    /// The kernel that makes the codes of minima.
    minima: Option<ScaleFormat>,
    search: Option<SearchPlan>,
    isa: Isa,
}

/// What is found out of the numbers of a block before it is settled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Statistic {
    /// The largest magnitude.
    Amax,
    /// The largest magnitudes with and without a minus sign: a range with zero in it, and the sign
    /// of the largest.
    Sides,
    /// The highest and the lowest number.
    Ends,
}

impl<'a> QuantizePlan<'a> {
    /// The plan; `None` for schemes whose scale depends on more than `amax`, the ends or the sign
    /// of the largest, or whose elements depend on more than the scale and random bits.
    pub(crate) fn lower(isa: Isa, spec: &'a BlockSpec, demand: Demand<'a>) -> Option<Self> {
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
        let given = demand.given.is_some();
        // A scale below zero turns the elements around, which kernels of scales are not asked for.
        if demand.given.is_some_and(|(scales, _)| !scales.iter().all(|scale| *scale > 0.0)) {
            return None;
        }
        let statistic = match (&spec.offset, spec.rule) {
            _ if given => Statistic::Amax,
            // The range of the scale has zero in it, the minimum need not.
            (Offset::Minimum(_), ScaleRule::Range { with_zero: true, .. }) => return None,
            (Offset::None | Offset::ZeroPoint | Offset::Minimum(_), rule) => statistic_of(rule)?,
        };
        let scale_demand = ScaleDemand {
            tensor_scale: demand.tensor_scale,
            blocks: demand.blocks,
            factor: 1.0,
            given,
            restores: Elements::wants_restoring_factors(spec),
            powers: true,
        };
        let search = match &spec.search {
            Some(search) if !given => {
                Some(SearchPlan::lower(isa, spec, search, demand.factors, scale_demand)?)
            }
            Some(_) | None => None,
        };
        let scales = ScalePlan::lower(isa, spec, scale_demand);
        let factor_use = search.as_ref().map_or(scales.factor_use, |search| search.factor_use());
        let elements = Elements::lower(isa, spec, demand.elements, factor_use)?;
        // Without a kernel of scales every block is settled by the rule; restoring factors are not
        // the rule's to give, and neither are candidates or zero points, which are made from
        // rounded scales.
        let needs_kernel =
            given || scale_demand.restores || matches!(spec.offset, Offset::Minimum(_));
        if (needs_kernel && scales.kernel.is_none())
            || (elements.points().is_some() && !scales.leaves_scales())
        {
            return None;
        }
        let minima = match &spec.offset {
            Offset::Minimum(format) => {
                let convert = format.default_convert();
                Some(ScaleFormat::lower(isa, format, &convert, demand.blocks)?)
            }
            Offset::None | Offset::ZeroPoint => None,
        };
        Some(Self { spec, demand, statistic, scales, elements, minima, search, isa })
    }

    pub(crate) const fn isa(&self) -> Isa {
        self.isa
    }

    /// The search among candidates, if the scheme has one.
    pub(crate) const fn search(&self) -> Option<&SearchPlan> {
        self.search.as_ref()
    }

    /// Whether the largest magnitudes are all that is found out of the numbers.
    pub(crate) fn sees_amax_alone(&self) -> bool {
        self.statistic == Statistic::Amax
    }

    /// Whether f64s may be seen as f32s rounded to odd: their scaling is exact in f32, and the
    /// rounding that follows is to nearest and to so few bits that the first one does not show.
    /// Numbers whose scaling is not are the rule's.
    pub(crate) fn takes_wide(&self) -> bool {
        self.scales.makes_powers_of_two()
            && self.search.is_none()
            && self.sees_amax_alone()
            && self.elements.takes_wide(self.spec)
    }

    /// Whether the scaled numbers of a chunk are kept until all of them are encoded.
    pub(crate) const fn keeps_scaled(&self) -> bool {
        self.elements.keeps_scaled()
    }

    /// Forgets the statistics of blocks, and makes room for this many.
    pub(crate) fn clear(&self, blocks: usize, arrays: &mut BlockArrays) {
        let zeros = |statistics: &mut Vec<u32>| {
            statistics.clear();
            statistics.resize(blocks, 0);
        };
        match self.statistic {
            Statistic::Amax => zeros(&mut arrays.amax),
            Statistic::Sides | Statistic::Ends => {
                zeros(&mut arrays.high);
                zeros(&mut arrays.low);
            }
        }
    }

    /// Adds numbers to the statistics of their blocks.
    pub(crate) fn look(
        &self,
        numbers: &[f32],
        length: usize,
        blocks: Range<usize>,
        arrays: &mut BlockArrays,
    ) {
        let BlockArrays { amax, high, low, .. } = arrays;
        let isa = self.isa;
        match self.statistic {
            Statistic::Amax => {
                kernel::block_largest(kernel::AllValues, isa, numbers, length, &mut amax[blocks]);
            }
            // Two passes over numbers in L1, one for each side.
            Statistic::Sides => {
                let high = &mut high[blocks.clone()];
                kernel::block_largest(kernel::PositiveValues, isa, numbers, length, high);
                kernel::block_largest(
                    kernel::NegativeValues,
                    isa,
                    numbers,
                    length,
                    &mut low[blocks],
                );
            }
            Statistic::Ends => {
                let high = &mut high[blocks.clone()];
                kernel::block_largest(HighestValue, isa, numbers, length, high);
                kernel::block_largest(LowestValue, isa, numbers, length, &mut low[blocks]);
            }
        }
    }

    /// Adds the statistics of some numbers to those of others of the same blocks.
    pub(crate) fn merge(&self, from: &BlockArrays, to: &mut BlockArrays) {
        let raise = |from: &[u32], to: &mut [u32]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = (*to).max(*from));
        };
        // Those of other statistics are empty.
        raise(&from.amax, &mut to.amax);
        raise(&from.high, &mut to.high);
        raise(&from.low, &mut to.low);
    }

    /// Lessens one side of the blocks whose largest magnitude has both signs, where a rule asks for
    /// the sign of the first. `is_negative` finds it for a block and its largest magnitude, as bits.
    pub(crate) fn break_ties(
        &self,
        arrays: &mut BlockArrays,
        is_negative: impl Fn(usize, u32) -> bool,
    ) {
        if !matches!(self.spec.rule, ScaleRule::SignedMax { .. }) {
            return;
        }
        let BlockArrays { high, low, .. } = arrays;
        for (block, (above, below)) in high.iter_mut().zip(low).enumerate() {
            // A block of zeros has no sign.
            if above == below && *above != 0 {
                *(if is_negative(block, *above) { above } else { below }) -= 1;
            }
        }
    }

    /// Makes what rules start from out of the statistics: the largest magnitudes, ranges and signed
    /// maxima. A NaN hands the block to the rule.
    fn gather(&self, first: usize, arrays: &mut BlockArrays) {
        let BlockArrays { amax, high, low, ranges, numbers, .. } = arrays;
        ranges.clear();
        numbers.clear();
        if let Some((scales, _)) = self.demand.given {
            numbers.extend_from_slice(&scales[first..first + amax.len()]);
            return;
        }
        let sides = || high.iter().zip(&*low);
        match self.statistic {
            Statistic::Amax => {}
            Statistic::Sides if matches!(self.spec.rule, ScaleRule::SignedMax { .. }) => {
                amax.clear();
                amax.extend(sides().map(|(above, below)| *above.max(below)));
                // Ties are broken before; a block of zeros is the rule's.
                numbers.extend(sides().map(|(above, below)| match above.cmp(below) {
                    core::cmp::Ordering::Greater => f32::from_bits(*above),
                    core::cmp::Ordering::Less => -f32::from_bits(*below),
                    core::cmp::Ordering::Equal => f32::NAN,
                }));
            }
            Statistic::Sides => {
                amax.clear();
                amax.extend(sides().map(|(above, below)| *above.max(below)));
                // The smallest number of a block without numbers below zero is +0.
                ranges.extend(
                    sides().map(|(above, below)| {
                        [0.0 - f32::from_bits(*below), f32::from_bits(*above)]
                    }),
                );
            }
            Statistic::Ends => {
                ranges.extend(sides().map(|(high, low)| {
                    let (high, low) = (HighestValue::from_key(*high), LowestValue::from_key(*low));
                    // A block whose lowest number is a zero may have zeros of both signs: which is
                    // stored depends on their order. +0 says that there is no −0.
                    let unclear = low == 0.0 && low.is_sign_negative();
                    [if unclear { f32::NAN } else { low }, high]
                }));
                amax.clear();
                amax.extend(ranges.iter().map(|[low, high]| {
                    let magnitude = |x: &f32| x.to_bits() & 0x7FFF_FFFF;
                    magnitude(low).max(magnitude(high))
                }));
            }
        }
    }

    /// Writes the scale codes, the offset codes and the factors of the blocks whose statistics are
    /// in the arrays.
    pub(crate) fn settle(&self, arrays: &mut BlockArrays, stored: &mut StoredBlocks<'_>) {
        self.gather(stored.first, arrays);
        self.settle_by(&self.scales, arrays, stored);
    }

    /// Does what [`settle`](Self::settle) does for one candidate of the search.
    pub(crate) fn settle_candidate(
        &self,
        candidate: usize,
        arrays: &mut BlockArrays,
        stored: &mut StoredBlocks<'_>,
    ) {
        self.gather(stored.first, arrays);
        if let Some(search) = &self.search {
            self.settle_by(search.candidate(candidate), arrays, stored);
        }
    }

    fn settle_by(&self, plan: &ScalePlan, arrays: &mut BlockArrays, stored: &mut StoredBlocks<'_>) {
        let spec = self.spec;
        let BlockArrays { amax, ranges, numbers, factors, points, scales, minima, .. } = arrays;
        // Every entry is written below. A length that is right is not written again: the loads of the
        // kernel, which follow at once, would wait for the store.
        if factors.len() != amax.len() {
            factors.resize(amax.len(), 0.0);
        }
        let statistics = BlockRanges { amax, ranges, numbers };
        match &plan.kernel {
            // One pass over the arrays; elements are not read again.
            Some(kernel) => kernel.run(self.isa, statistics, stored.scales, factors, scales),
            // Without a kernel every block is settled by the rule.
            None => factors.fill(UNHANDLED),
        }
        // Scales whose elements are divided by another number are the rule's.
        if !spec.divisors.is_empty() {
            let width = spec.scale_bytes();
            for (index, factor) in factors.iter_mut().enumerate() {
                let code = stored_code(stored.scales, width, index);
                let other = spec.divisors.iter().any(|(other, _)| *other == code);
                *factor = if other { UNHANDLED } else { *factor };
            }
        }
        let given = self.demand.given.map(|(_, offsets)| offsets);
        self.refuse(plan, amax, factors);
        points.clear();
        let offsets =
            given.map(|offsets| &offsets[stored.first.min(offsets.len())..]).unwrap_or_default();
        if let Some(coder) = self.elements.points() {
            if given.is_some() {
                points.extend(factors.iter().zip(offsets).map(|(factor, point)| [*factor, *point]));
                let mask = spec.element.code_mask();
                // A given zero point is an integer of the element's format.
                for (code, point) in stored.offsets.iter_mut().zip(offsets) {
                    *code = ((*point as i32).cast_unsigned() & mask) as u8;
                }
                return;
            }
            // A range that overflows f32, and a block of zeros, whose scale is the substitute, are
            // the rule's.
            for ((factor, [low, high]), amax) in factors.iter_mut().zip(&*ranges).zip(&*amax) {
                *factor = if (high - low).is_finite() && *amax != 0 { *factor } else { UNHANDLED };
            }
            points.extend(factors.iter().map(|factor| [*factor, 0.0]));
            kernel::zero_points(self.isa, coder, ranges, scales.scales(), points, stored.offsets);
        }
        if let Some(format) = &self.minima {
            let limit = self.elements.limit();
            let numbers = minima.start();
            if given.is_some() {
                numbers.extend_from_slice(&offsets[..factors.len()]);
            } else {
                numbers.extend(ranges.iter().map(|[low, _]| *low));
            }
            points.extend(factors.iter().zip(&*numbers).map(|(factor, low)| [*factor, *low]));
            format.round(self.isa, minima, stored.offsets);
            for (index, (factor, stored)) in factors.iter_mut().zip(minima.scales()).enumerate() {
                // What numbers are at most away from the minimum, and that scaled.
                let [_, low] = points[index];
                let most = f32::from_bits(amax[index]) + low.abs();
                let scaled = match plan.factor_use {
                    FactorUse::Times => most * *factor,
                    FactorUse::Over | FactorUse::Exact => most / *factor,
                };
                let takes = limit.takes(plan.factor_use, most, *factor);
                // A minimum that the format does not hold is the policy's.
                if !scaled.is_finite() || !takes || stored.is_nan() {
                    *factor = UNHANDLED;
                }
            }
        }
    }

    /// Leaves to the rule the blocks that are flushed, and those whose scaled numbers the kernel of
    /// elements does not take.
    fn refuse(&self, plan: &ScalePlan, amax: &[u32], factors: &mut [f32]) {
        let (factor_use, by_powers) = (plan.factor_use, plan.bounds_scaled_numbers());
        // Under given scales nothing is flushed.
        let flush_below = if self.demand.given.is_some() { 0.0 } else { self.spec.flush_below };
        let limit = self.elements.limit();
        if flush_below <= 0.0 && limit == ScaledLimit::None {
            return;
        }
        // Kernels of powers of two keep scaled numbers below 1e30, and leave subnormal maxima to
        // the rule themselves.
        if by_powers && flush_below <= f32::MIN_POSITIVE && limit != ScaledLimit::NotZero {
            return;
        }
        for (amax, factor) in amax.iter().zip(factors) {
            let amax = f32::from_bits(*amax);
            let takes = amax >= flush_below && limit.takes(factor_use, amax, *factor);
            *factor = if takes { *factor } else { UNHANDLED };
        }
    }

    /// The block of these statistics and elements by the rule, and the factor under which kernels
    /// encode its finite numbers, if there is one; `index` counts through the tensor.
    pub(crate) fn block_by_rule(
        &self,
        index: usize,
        stats: &BlockStats<'_>,
        elements: impl Iterator<Item = Number> + Clone,
    ) -> (Block, Option<f32>) {
        let Demand { tensor_scale, given, factors, .. } = self.demand;
        let block = match given {
            Some((scales, offsets)) => {
                let offset = offsets.get(index).copied().unwrap_or(0.0);
                self.spec.block_given(scales[index], offset, tensor_scale)
            }
            None => self.spec.block_of(stats, elements, tensor_scale, factors),
        };
        // Offsets are beside the factor, and a factor that restores is none that scales.
        let alone = matches!(self.spec.offset, Offset::None) && !self.elements.restores();
        let factor_use = self.factor_use();
        let factor = alone.then(|| self.spec.factor(factor_use, &block, stats.amax)).flatten();
        let limit = self.elements.limit();
        (block, factor.filter(|factor| limit.takes(factor_use, stats.amax, *factor)))
    }

    fn factor_use(&self) -> FactorUse {
        self.search.as_ref().map_or(self.scales.factor_use, |search| search.factor_use())
    }

    /// A block of zeros by the rule, and the codes of +0 and −0 in it, if it is the same for all;
    /// `None` where scales are given.
    pub(crate) fn zero_block(&self) -> Option<(Block, [u8; 2])> {
        if self.demand.given.is_some() {
            return None;
        }
        let stats = BlockStats { finite: 1, ..BlockStats::EMPTY };
        let zero = core::iter::once(Number::F32(0.0));
        let (block, _) = self.block_by_rule(0, &stats, zero);
        Some((block, [0.0, -0.0].map(|x| self.spec.code(&block, Number::F32(x), 0) as u8)))
    }

    /// Whether blocks of zeros are alike, whatever the signs of their zeros.
    pub(crate) const fn zeros_are_alike(&self) -> bool {
        // A stored minimum of zero has a sign, and so has the signed maximum of zeros.
        matches!(self.statistic, Statistic::Amax)
            || (matches!(self.statistic, Statistic::Sides)
                && !matches!(self.spec.rule, ScaleRule::SignedMax { .. }))
    }

    /// Writes the codes of a chunk, one a byte.
    pub(crate) fn encode_bytes(
        &self,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        codes: &mut [u8],
    ) {
        self.elements.encode_bytes(self.factor_use(), chunk, memory, codes);
    }

    /// Writes the codes of a chunk, two a byte, the first in the low bits; returns whether there is
    /// a kernel that does.
    pub(crate) fn encode_nibbles(
        &self,
        chunk: Chunk<'_>,
        memory: &mut ChunkArrays,
        bytes: &mut [u8],
    ) -> bool {
        self.elements.encode_nibbles(self.factor_use(), chunk, memory, bytes)
    }
}

/// What a rule needs to know of a block's numbers; `None` if that is more than kernels find.
const fn statistic_of(rule: ScaleRule) -> Option<Statistic> {
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
        | ScaleRule::Unit => Some(Statistic::Amax),
        ScaleRule::SignedMax { .. } | ScaleRule::Range { with_zero: true, .. } => {
            Some(Statistic::Sides)
        }
        ScaleRule::Range { with_zero: false, .. } => Some(Statistic::Ends),
        // Functions of amax alone; others see the numbers one by one.
        ScaleRule::Custom(rule) if rule.function_of_amax().is_some() => Some(Statistic::Amax),
        ScaleRule::Given | ScaleRule::Custom(_) => None,
    }
}

/// Whether a block needs the rule.
pub(crate) fn any_unhandled(isa: Isa, factors: &[f32]) -> bool {
    let mut any = false;
    kernel::any_nan(isa, factors, &mut any);
    any
}

#[cfg(all(test, feature = "presets"))]
mod tests;
