//! What second implementations share: inputs, and how results are compared.

use super::inputs::{Random, edge_blocks};
use crate::oracle::source::Oracle;
use std::path::Path;

/// So many rows of 32 numbers; of none, edge blocks.
pub(super) fn blocks(rows: usize) -> Vec<f32> {
    let mut random = Random::new(rows as u64);
    if rows == 0 { edge_blocks(32).concat() } else { (0..rows).flat_map(|_| random.block(32)).collect() }
}

/// The oracle's own inputs, if its folder is there.
pub(super) fn oracle_inputs() -> Vec<Vec<f32>> {
    let Ok(folder) = std::env::var("SUBHALF_ORACLE") else { return Vec::new() };
    let oracle = Oracle::open(Path::new(&folder));
    let floats = |file| oracle.array(file).into_iter().map(|bits| f32::from_bits(bits as u32)).collect();
    ["block/in32_finite.f32.bin", "block/in32_ggml.f32.bin", "block/in64_bnb.f32.bin"].map(floats).into()
}

/// Bit equality; NaNs are equal.
pub(super) fn check(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (have, want)) in found.iter().zip(expected).enumerate() {
        let same = have.to_bits() == want.to_bits() || (have.is_nan() && want.is_nan());
        assert!(same, "{what} [{i}]: expected {want:e}, found {have:e}");
    }
}
