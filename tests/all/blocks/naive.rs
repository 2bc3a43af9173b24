//! What second implementations share: inputs, and how results are compared; and that no preset
//! lacks one.

use super::inputs::{Random, edge_blocks};
use super::{naive_fp8, naive_int, naive_mx, rceil, tiles, worked};
use crate::oracle::source::Oracle;
use std::path::Path;
use subhalf::preset::{self, Evidence};

/// So many rows of 32 numbers; of none, edge blocks.
pub(super) fn blocks(rows: usize) -> Vec<f32> {
    let mut random = Random::new(rows as u64);
    if rows == 0 {
        edge_blocks(32).concat()
    } else {
        (0..rows).flat_map(|_| random.block(32)).collect()
    }
}

/// The oracle's own inputs.
pub(super) fn oracle_inputs() -> Vec<Vec<f32>> {
    let oracle = Oracle::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let floats = |file| oracle.floats(file);
    ["block/in32_finite.f32.bin", "block/in32_ggml.f32.bin", "block/in64_bnb.f32.bin"]
        .map(floats)
        .into()
}

/// Bit equality; NaNs are equal.
pub(super) fn check(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (have, want)) in found.iter().zip(expected).enumerate() {
        let same = have.to_bits() == want.to_bits() || (have.is_nan() && want.is_nan());
        assert!(same, "{what} [{i}]: expected {want:e}, found {have:e}");
    }
}

/// A formula has nobody's output behind it but these.
#[test]
fn every_formula_has_a_naive_form_and_two_worked_vectors() {
    let naive: Vec<String> =
        [naive_fp8::names(), naive_int::names(), naive_mx::names(), rceil::names(), tiles::names()]
            .concat();
    let worked: Vec<String> = [
        worked::names(),
        naive_int::worked_names(),
        naive_mx::worked_names(),
        rceil::worked_names(),
    ]
    .concat();
    let count = |names: &[String], name: &str| names.iter().filter(|other| *other == name).count();
    let formulas = preset::all()
        .filter(|preset| preset.evidence == Evidence::FormulaOnly)
        .map(|preset| preset.name);
    let lacking: Vec<&str> =
        formulas.filter(|name| count(&naive, name) == 0 || count(&worked, name) < 2).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}
