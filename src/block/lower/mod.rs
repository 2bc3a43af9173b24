//! Schemes as kernel parameters: the one home of what is fast. Rules, rounding and the way back are
//! matched on without wildcards, so a new variant of [`ScaleRule`](super::ScaleRule),
//! [`Division`](super::Division), [`ElementRounding`](super::ElementRounding),
//! [`Dequantization`](super::Dequantization) and their like does not compile before this module
//! says which kernels serve it, or that no kernel does.
//!
//! To *lower* a scheme is a compiler's word: from what it says to what a kernel does. A lowering
//! returns `None` for a scheme, or leaves a block [`UNHANDLED`], wherever a kernel might give
//! another bit than the rule.

mod element;
mod factor;
mod plan;
mod restore;
mod scale;

pub(crate) use element::ChunkArrays;
pub(crate) use factor::{UNHANDLED, is_unhandled};
pub(crate) use plan::{BlockArrays, Demand, QuantizePlan, SearchPlan, StoredBlocks, any_unhandled};
pub(crate) use restore::{DequantizePlan, RestoreKernel};

#[cfg(test)]
mod tests {
    use super::{Demand, QuantizePlan};
    use crate::block::preset;
    use crate::kernel::Isa;

    #[test]
    fn presets_without_kernels_are_as_many_as_the_documents_say() {
        let (elements, blocks, given, factors) = (1 << 16, 1 << 12, None, None);
        let demand = Demand { tensor_scale: 1.0, elements, blocks, given, factors };
        let slow = preset::all()
            .filter(|preset| QuantizePlan::lower(Isa::best(), &preset.spec, demand).is_none())
            .count();
        let phrase =
            alloc::format!("{slow} of the {} presets, and some uses", preset::all().count());
        assert!(include_str!("../../../docs/benchmarks.md").contains(&phrase), "{phrase}");
        assert!(include_str!("../../../README.md").contains(&phrase), "{phrase}");
    }
}
