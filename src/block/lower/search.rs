//! Searches among scales by kernels: every candidate is a [`ScalePlan`] of its own.

use super::restore::DequantizePlan;
use super::scale::{ScaleDemand, ScalePlan};
use crate::block::scheme::{Metric, Search};
use crate::block::spec::BlockSpec;
use crate::kernel::{FactorUse, Isa};
use crate::round::Round;
use alloc::vec::Vec;

/// A search as kernel parameters.
pub(crate) struct SearchPlan {
    /// The scales of each candidate, all with the same [`FactorUse`].
    candidates: Vec<ScalePlan>,
    factor_use: FactorUse,
    /// The way back to the numbers whose errors are compared.
    pub(crate) restore: DequantizePlan,
    pub(crate) metric: Metric,
    /// Bits of an element.
    pub(crate) bits: u32,
}

impl SearchPlan {
    /// The search; `None` if some candidate has no kernel, or random bits have a part in the codes.
    pub(super) fn lower(
        isa: Isa,
        spec: &BlockSpec,
        search: &Search,
        factors: Option<&[f32]>,
        demand: ScaleDemand,
    ) -> Option<Self> {
        let factors = factors.unwrap_or(&search.factors);
        let plain = factors.iter().all(|factor| *factor > 0.0 && factor.is_finite());
        if !plain || matches!(spec.element_convert.round, Round::Stochastic { .. }) {
            return None;
        }
        let lower = |powers| -> Vec<ScalePlan> {
            let one =
                |&factor| ScalePlan::lower(isa, spec, ScaleDemand { factor, powers, ..demand });
            factors.iter().map(one).collect()
        };
        let alike = |candidates: &[ScalePlan]| {
            candidates.iter().all(|plan| plan.factor_use == candidates[0].factor_use)
        };
        // A factor of 1 leaves powers of two as they are, and other factors may not.
        let candidates = Some(lower(true)).filter(|all| alike(all)).unwrap_or_else(|| lower(false));
        let factor_use = candidates.first()?.factor_use;
        if !candidates.iter().all(|plan| plan.kernel.is_some() && plan.factor_use == factor_use) {
            return None;
        }
        let dequantization = search.dequantization.unwrap_or(spec.dequantization);
        let back = BlockSpec { dequantization, ..*spec };
        let restore = DequantizePlan::lower(isa, &back, demand.tensor_scale)?;
        Some(Self {
            candidates,
            factor_use,
            restore,
            metric: search.metric,
            bits: spec.element.bits(),
        })
    }

    /// How many candidates there are: 1 or more.
    pub(crate) const fn len(&self) -> usize {
        self.candidates.len()
    }

    /// What the factors of all candidates are for.
    pub(super) const fn factor_use(&self) -> FactorUse {
        self.factor_use
    }

    /// The scales of a candidate.
    pub(super) fn candidate(&self, index: usize) -> &ScalePlan {
        &self.candidates[index]
    }
}
