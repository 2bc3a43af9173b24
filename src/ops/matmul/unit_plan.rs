//! [`UnitPlan`]: which sums of matrix units the aligned kernel makes; [`instruction`]: which are
//! made by an instruction of the processor itself. Everything else is made by the steps of the
//! model.

use super::bounds::shared_block_k;
use super::job::MatmulJob;
use crate::kernel::gemm::{AlignedResult, AlignedUnit, RANKS, SIXTEEN, WordDots, WordInstruction};
use crate::mma::{
    Adder, Combine, InputFlush, IntegerAdder, Join, KOrder, KSchedule, MmaSpec, ResultFlush,
    ScaleUse, UnitAcc, UnitScales, preset,
};
use crate::round::Round;
use crate::spec::FormatSpec;

/// The processor's own instruction for a unit, or `None` where it has none. Positions beyond K are
/// zeros, which change nothing that a unit's own step does not.
pub(super) fn instruction(
    job: &MatmulJob<'_>,
    spec: &MmaSpec,
    schedule: KSchedule,
) -> Option<WordDots> {
    // Without products C would not be looked at.
    if schedule != KSchedule::InOrder || job.shape.k == 0 {
        return None;
    }
    let isa = job.exec.isa();
    let Adder::Integer(adder) = spec.adder() else {
        if *spec != preset::x86::VDPBF16PS.first() {
            return None;
        }
        return WordDots::new(isa, WordInstruction::Bf16, false);
    };
    // The instructions multiply unsigned by signed; a byte holds all integers of a unit.
    let a_is_signed = spec.a().is_signed();
    if a_is_signed == spec.b().is_signed() {
        return None;
    }
    let instruction = match adder {
        // Wherever a sum wraps it is the same modulo 2^32.
        IntegerAdder::Wrap => WordInstruction::Bytes,
        IntegerAdder::SaturatedPairs => WordInstruction::BytePairs,
        IntegerAdder::Saturate if spec.fan_in() == 4 => WordInstruction::ClampedBytes,
        IntegerAdder::Saturate => return None,
    };
    WordDots::new(isa, instruction, a_is_signed)
}

/// What a unit does with the scales of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlanScales {
    /// It has none; the schedule may.
    None,
    /// They move the products of a group.
    Moved,
    /// They multiply sums of sixteen products; the least exponent of their format.
    Sixteens { least: i32 },
}

/// Parameters of the aligned kernel for a product.
#[derive(Debug)]
pub(super) struct UnitPlan {
    pub(super) unit: AlignedUnit,
    /// Positions of an instruction: whole groups of products.
    pub(super) step_k: usize,
    /// The least exponent of each side's format, and the bits of an f32 that the unit sees.
    pub(super) formats: [(i32, u32); 2],
    /// Whether each four positions are taken in pairs, the first pairs of an instruction first.
    pub(super) pairs_of_four: bool,
    /// The positions of a partial sum that an f32 takes up, and how.
    pub(super) promoted: Option<(usize, Combine)>,
    /// What the unit does with scales.
    pub(super) scales: PlanScales,
    /// The blocks whose scales are needed.
    pub(super) block_k: Option<usize>,
}

impl UnitPlan {
    /// The plan of a unit and a schedule, or `None` where the kernel does not cover them.
    pub(super) fn lower(job: &MatmulJob<'_>, spec: &MmaSpec, schedule: KSchedule) -> Option<Self> {
        let (Adder::Aligned { keep }, Join::Term) = (spec.adder(), spec.join()) else {
            return None;
        };
        let plain = spec.shift() == 0 && spec.flushes() == (InputFlush::Keep, ResultFlush::Keep);
        // Without products there are no groups, and C alone makes the sum.
        if !plain || job.shape.k == 0 {
            return None;
        }
        let (round, bits) = spec.rounding();
        let result = match (spec.acc(), round) {
            (UnitAcc::F32, Round::TowardZero) => AlignedResult::CutF32(!0 << (23 - bits)),
            (UnitAcc::F32, Round::NearestEven) if bits == 23 => AlignedResult::NearestF32,
            (UnitAcc::F16, Round::NearestEven) => AlignedResult::NearestF16,
            _ => return None,
        };
        let least = if spec.acc() == UnitAcc::F16 { -14 } else { -126 };
        // A sum that no product joins must be on the grid it is cut to.
        if bits > keep || spec.floor_exponent() > least || spec.floor_exponent() < -300 {
            return None;
        }
        let fan_in = spec.fan_in();
        let unit = AlignedUnit {
            fan_in,
            keep: keep.into(),
            floor: spec.floor_exponent(),
            least,
            result,
            late: spec.late_c().map_or(0, |count| usize::from(count) / fan_in),
        };
        let significand = |format: &FormatSpec| {
            let bits = format.precision().unwrap_or(11) as i32;
            2.0 - f64::from(1 << (12 - bits)) / 2048.0
        };
        // Powers of two up to that of the last bit kept under the smallest product are f32s.
        let of_products =
            |format: &FormatSpec| format.min_exponent().map(|least| least.max(*RANKS.start()));
        let smallest = of_products(spec.a())? + of_products(spec.b())?;
        if matches!(spec.scales(), UnitScales::None) && i32::from(keep) - smallest > 126 {
            return None;
        }
        let pairs_of_four = spec.order() == KOrder::PairsOfFour;
        // Sums of sixteen are not integers of 32 bits.
        let by_sixteen = matches!(spec.scales().parts(), Some((_, ScaleUse::Sixteen)));
        if !by_sixteen && !unit.fits(significand(spec.a()) * significand(spec.b()))
            || (by_sixteen && keep > 36)
            || (pairs_of_four && (fan_in != 16 || spec.step_len() != 32))
        {
            return None;
        }
        let format = |format: &FormatSpec| {
            let least = format.min_exponent()?;
            Some((least, if *format == FormatSpec::TF32 { !0x1FFF } else { !0 }))
        };
        let mut plan = Self {
            unit,
            step_k: spec.step_len(),
            formats: [format(spec.a())?, format(spec.b())?],
            pairs_of_four,
            promoted: None,
            scales: PlanScales::None,
            block_k: None,
        };
        let scaled = job.a.is_scaled() || job.b.is_scaled();
        match spec.scales() {
            UnitScales::None => {}
            UnitScales::E8M0 { at: ScaleUse::Product, .. } if !pairs_of_four => {
                let block_k = shared_block_k(job)?;
                let whole = block_k.is_multiple_of(fan_in) || block_k >= job.shape.k;
                // Products far below the top are cut to nothing by the smallest factor.
                let small = spec.a().max_exponent() + spec.b().max_exponent() <= 100;
                if !whole || !small {
                    return None;
                }
                (plan.scales, plan.block_k) = (PlanScales::Moved, Some(block_k));
            }
            UnitScales::E8M0 { at: ScaleUse::Sixteen, .. }
            | UnitScales::UE4M3 { at: ScaleUse::Sixteen, .. }
                if result == AlignedResult::CutF32(!0) && !pairs_of_four && unit.late == 0 =>
            {
                let block_k = shared_block_k(job)?;
                if !block_k.is_multiple_of(SIXTEEN) && block_k < job.shape.k {
                    return None;
                }
                let least = spec.scales().format().and_then(|format| format.min_exponent())?;
                (plan.scales, plan.block_k) = (PlanScales::Sixteens { least }, Some(block_k));
            }
            UnitScales::E8M0 { .. } | UnitScales::UE4M3 { .. } => return None,
        }
        if let KSchedule::Promoted { every, combine } = schedule {
            let applies = plan.scales == PlanScales::None && scaled && schedule.applies_scales();
            let block_k = if applies { shared_block_k(job)? } else { job.shape.k };
            let part = every.min(block_k);
            let blocks_are_parts = block_k >= job.shape.k || block_k.is_multiple_of(part);
            // One part that is all of K may end inside a step.
            let whole = part.is_multiple_of(plan.step_k) && every.is_multiple_of(part);
            if !blocks_are_parts || (part < job.shape.k && !whole) {
                return None;
            }
            plan.promoted = Some((part, combine));
            if applies {
                plan.block_k = Some(block_k);
            }
        }
        Some(plan)
    }

    /// Positions of which chunks of K are multiples.
    pub(super) fn whole_k(&self) -> usize {
        self.promoted.map_or(self.step_k, |(part, _)| part)
    }
}
