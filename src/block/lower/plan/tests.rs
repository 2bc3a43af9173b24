//! Which schemes have kernels: every preset, and schemes put together at random.

use super::{BlockArrays, Demand, QuantizePlan, StoredBlocks, any_unhandled};
use crate::block::preset;
use crate::block::rule::ScaleRule;
use crate::block::spec::BlockSpec;
use crate::kernel::Isa;
use crate::random::Dither;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;
use std::format;

#[path = "../../../../benches/blocks/random.rs"]
mod random;

const BLOCKS: usize = 128;
const LENGTH: usize = 32;

/// Numbers as weights are, sums of uniform ones, but larger, so that scales of few bits hold
/// theirs.
fn numbers() -> Vec<f32> {
    let words = Dither::new(7);
    let uniform = |index: u64| words.word(index, 32) as f32 / 4_294_967_296.0 - 0.5;
    let number = |index: u64| 16.0 * (0..6).map(|part| uniform(6 * index + part)).sum::<f32>();
    (0..(BLOCKS * LENGTH) as u64).map(number).collect()
}

/// What of a scheme is quantized through the reference codec from 4,096 elements on; `None` if
/// nothing is.
fn by_reference(isa: Isa, spec: &BlockSpec, numbers: &[f32]) -> Option<&'static str> {
    let amax = numbers.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
    let (tensor_scale, elements) = (spec.tensor_scale.of(amax), numbers.len());
    let demand = Demand { tensor_scale, elements, blocks: BLOCKS, given: None, factors: None };
    let Some(plan) = QuantizePlan::lower(isa, spec, demand) else { return Some("all") };
    if plan.scales.kernel.is_none() {
        return Some("scales");
    }
    let mut arrays = BlockArrays::default();
    plan.clear(BLOCKS, &mut arrays);
    plan.look(numbers, LENGTH, 0..BLOCKS, &mut arrays);
    let [mut scales, mut offsets] =
        [spec.scale_bytes(), spec.offset_bytes()].map(|width| vec![0; BLOCKS * width]);
    for candidate in 0..plan.search().map_or(1, |search| search.len()) {
        let mut stored = StoredBlocks { scales: &mut scales, offsets: &mut offsets, first: 0 };
        match plan.search() {
            Some(_) => plan.settle_candidate(candidate, &mut arrays, &mut stored),
            None => plan.settle(&mut arrays, &mut stored),
        }
        if any_unhandled(isa, &arrays.factors) {
            return Some("blocks");
        }
    }
    None
}

/// Checks that no preset is quantized through the reference codec, neither its elements nor its
/// scales, with scales from the data or from the caller.
#[test]
fn every_preset_has_kernels() {
    let numbers = numbers();
    let (scales, offsets) = (vec![0.5; BLOCKS], vec![0.0; BLOCKS]);
    for isa in Isa::available() {
        for preset::Preset { name, spec, .. } in preset::all() {
            if !matches!(spec.rule, ScaleRule::Given) {
                assert_eq!(by_reference(isa, spec, &numbers), None, "{name} on {}", isa.name());
            }
            if spec.scale.is_some() {
                let demand = Demand {
                    tensor_scale: 1.0,
                    elements: numbers.len(),
                    blocks: BLOCKS,
                    given: Some((&scales, &offsets)),
                    factors: None,
                };
                let plan = QuantizePlan::lower(isa, spec, demand);
                assert!(plan.is_some(), "{name} under given scales on {}", isa.name());
            }
        }
    }
}

/// Checks the same of the schemes that benchmarks put together at random. A scale below zero in a
/// format without a sign is NaN: such blocks are the rule's.
#[test]
fn random_schemes_have_kernels() {
    let numbers = numbers();
    let mut found = Vec::new();
    let signed = |spec: &BlockSpec| {
        !matches!(spec.rule, ScaleRule::SignedMax { .. })
            || spec.scale.as_ref().is_some_and(FormatSpec::is_signed)
    };
    for (name, spec) in random::specs(50).into_iter().filter(|(_, spec)| signed(spec)) {
        for isa in Isa::available() {
            if let Some(what) = by_reference(isa, &spec, &numbers) {
                found.push(format!("{what} of {name} on {}", isa.name()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
