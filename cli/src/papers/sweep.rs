//! The errors of floating-point splits: exponent bits by mantissa bits by block by scale rule.

use super::inputs::{COLS, normal, outliers};
use crate::failure::Failure;
use std::path::Path;
use subhalf::{BlockSpec, Encoding, Extent, FloatSpec, FormatSpec, QuantTensor, Ratio, ScaleRule};

/// Writes a row for each split of 3 to 8 bits, block of 8 to 128 and rule, on normal numbers and
/// those with outlier channels.
pub(super) fn write(path: &Path) -> Result<(), Failure> {
    let count = 64 * COLS;
    let inputs = [("normal", normal(1, count)), ("outlier channels", outliers(2, count, 24.0))];
    let mut text = String::from("input,exponent bits,mantissa bits,block,rule,sqnr dB\n");
    for exponent_bits in 0..=5u8 {
        for mantissa_bits in 1..=7u8 {
            let bits = 1 + exponent_bits + mantissa_bits;
            if !(3..=8).contains(&bits) {
                continue;
            }
            let layout = FloatSpec::finite(exponent_bits, mantissa_bits);
            let element = FormatSpec::new("SPLIT", Encoding::Float(layout))?;
            let target = element.max().to_f64() as f32;
            let rules = [
                ("floor", FormatSpec::E8M0, ScaleRule::Floor),
                ("round up", FormatSpec::E8M0, ScaleRule::RoundUp),
                ("f32", FormatSpec::F32, ScaleRule::Amax { target, ratio: Ratio::Divide }),
            ];
            for block in [8, 16, 32, 64, 128] {
                for (name, scale, rule) in rules {
                    let extent = Extent::Block { rows: 1, cols: block };
                    let spec = BlockSpec::new(element, Some(scale), extent, rule);
                    for (input, x) in &inputs {
                        let tensor = QuantTensor::quantize(&spec, x, &[64, COLS])?;
                        let db = tensor.stats(x)?.errors().sqnr_db();
                        text.push_str(&format!(
                            "{input},{exponent_bits},{mantissa_bits},{block},{name},{db}\n"
                        ));
                    }
                }
            }
        }
    }
    std::fs::write(path, text).map_err(|error| Failure::File(path.display().to_string(), error))
}
