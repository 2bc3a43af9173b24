//! Four bits a weight, side by side: what each scheme stores and what it loses.
//! `cargo run --release --example block_scaled`

#![allow(clippy::print_stdout, reason = "an example prints")]

use subhalf::{QuantTensor, philox4x32_10, preset};

const SHAPE: [usize; 2] = [64, 256];

/// Nearly normal weights, one column in 64 ten times as large, the same on every machine.
fn weight(index: usize) -> f32 {
    let words = philox4x32_10([index as u32, 0, 0, 0], [7, 0]);
    let sum: f32 = words.iter().map(|word| (word >> 16) as f32 / 65_536.0 - 0.5).sum();
    sum * if index % 64 == 5 { 0.2 } else { 0.02 }
}

fn main() -> Result<(), subhalf::Error> {
    let weights: Vec<f32> = (0..SHAPE[0] * SHAPE[1]).map(weight).collect();
    println!("{} x {} weights, one column in 64 ten times as large\n", SHAPE[0], SHAPE[1]);
    println!(
        "{:<26} {:>14} {:>8} {:>10} {:>8}",
        "scheme", "bits a weight", "SQNR dB", "max error", "to zero"
    );
    let mut ratios = Vec::new();
    for name in [
        "generic::INT4_ROW",
        "generic::INT4_G32",
        "ocp::MXFP4",
        "transformer_engine::NVFP4",
        "ocp::MXFP6_E2M3",
        "ocp::MXFP8_E4M3",
    ] {
        let scheme = preset::by_name(name).expect("a preset of the crate").spec;
        let stored = QuantTensor::quantize(&scheme, &weights, &SHAPE)?;
        let stats = stored.stats(&weights)?;
        let errors = stats.errors();
        println!(
            "{name:<26} {:>14.3} {:>8} {:>10.5} {:>8}",
            scheme.bits_per_element(),
            errors.sqnr_db().to_string(),
            errors.max_abs_error(),
            errors.flushed(),
        );
        ratios.push(10.0 * (errors.signal() / errors.noise()).log10());
    }
    // An outlier spoils the scale of all that share it: small blocks contain the damage.
    assert!(ratios[1] > ratios[0] + 3.0, "a scale for 32 weights is far better than one for a row");
    assert!(
        ratios[3] > ratios[2],
        "blocks of 16 with fine scales are better than blocks of 32 with powers of two"
    );
    Ok(())
}
