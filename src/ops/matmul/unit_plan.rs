//! [`UnitPlan`]: which sums of matrix units the aligned kernel makes. Everything else is made by
//! the steps of the model.

use super::bounds::shared_block_k;
use super::job::MatmulJob;
use crate::kernel::gemm::{AlignedResult, AlignedUnit};
use crate::mma::{
    Adder, Combine, InputFlush, Join, KOrder, KSchedule, MmaSpec, ScaleUse, UnitAcc, UnitScales,
};
use crate::round::Round;
use crate::spec::FormatSpec;

/// Parameters of the aligned kernel for a product.
#[derive(Debug)]
pub(super) struct UnitPlan {
    pub(super) unit: AlignedUnit,
    /// Positions of an instruction: whole groups of products.
    pub(super) step_k: usize,
    /// Of each side the least exponent of its format, and the bits of an f32 that the unit sees.
    pub(super) formats: [(i32, u32); 2],
    /// Whether each four positions are taken in pairs, the first pairs of an instruction first.
    pub(super) pairs_of_four: bool,
    /// The positions of a partial sum that an f32 takes up, and how.
    pub(super) promoted: Option<(usize, Combine)>,
    /// Whether scales move the products of a group.
    pub(super) moved: bool,
    /// The blocks whose scales are needed.
    pub(super) block_k: Option<usize>,
}

impl UnitPlan {
    /// The plan of a unit and a schedule, or `None` where the kernel does not cover them.
    pub(super) fn lower(job: &MatmulJob<'_>, spec: &MmaSpec, schedule: KSchedule) -> Option<Self> {
        let (Adder::Aligned { keep }, Join::Term) = (spec.adder(), spec.join()) else {
            return None;
        };
        let plain = spec.shift() == 0 && spec.flushes() == (InputFlush::Keep, false);
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
        let pairs_of_four = spec.order() == KOrder::PairsOfFour;
        if !unit.fits(significand(spec.a()) * significand(spec.b()))
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
            moved: false,
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
                (plan.moved, plan.block_k) = (true, Some(block_k));
            }
            UnitScales::E8M0 { .. } | UnitScales::UE4M3 { .. } => return None,
        }
        if let KSchedule::Promoted { every, combine } = schedule {
            let applies = !plan.moved && scaled && schedule.applies_scales();
            let block_k = if applies { shared_block_k(job)? } else { job.shape.k };
            let part = every.min(block_k);
            let blocks_are_parts = block_k >= job.shape.k || block_k.is_multiple_of(part);
            if !part.is_multiple_of(plan.step_k) && part < job.shape.k
                || !every.is_multiple_of(part) && part < job.shape.k
                || !blocks_are_parts
            {
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
