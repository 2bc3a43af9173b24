//! A tensor to look at when no file is given: normal weights with outlier channels, the same on
//! every machine.

use super::weights::{ReadError, Weights};
use subhalf::philox4x32_10;

const ROWS: u32 = 512;
const CHANNELS: u32 = 512;
const SEED: u32 = 2026;
const DEVIATION: f32 = 0.02;
/// One channel in this many is an outlier.
const OUTLIER_EVERY: u32 = 64;
const OUTLIER_FACTOR: f32 = 24.0;

/// What the tensor is, in words.
pub(crate) fn description() -> String {
    format!(
        "{ROWS} x {CHANNELS} normal weights of deviation {DEVIATION}, seed {SEED}; every {OUTLIER_EVERY}th channel {OUTLIER_FACTOR} times as large"
    )
}

/// The tensor, row-major, as a file would hold it.
pub(crate) fn weights() -> Result<Weights, ReadError> {
    let values = (0..ROWS * CHANNELS).map(|index| {
        let outlier = (index % CHANNELS) % OUTLIER_EVERY == OUTLIER_EVERY / 2;
        normal(index) * DEVIATION * if outlier { OUTLIER_FACTOR } else { 1.0 }
    });
    let end = 4 * ROWS * CHANNELS;
    let header = format!(
        r#"{{"weights":{{"dtype":"F32","shape":[{ROWS},{CHANNELS}],"data_offsets":[0,{end}]}}}}"#
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend(values.flat_map(f32::to_le_bytes));
    Weights::of_bytes("weights", bytes)
}

/// A normal number of deviation 1, as the sum of 12 uniform ones of 16 bits: integer arithmetic,
/// because logarithms and cosines differ between platforms. It never leaves ±6.
fn normal(index: u32) -> f32 {
    let words = [0, 1].map(|half| philox4x32_10([index, half, 0, 0], [SEED, 0]));
    let sum: u32 =
        words.as_flattened()[..6].iter().map(|word| (word & 0xFFFF) + (word >> 16)).sum();
    (sum as f32 - 6.0 * 65_535.0) / 65_536.0
}
