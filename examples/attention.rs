//! Attention in FP8: scores, softmax and values, each step in the numerics of your choice, against
//! the same in f64. `cargo run --release --example attention`

#![allow(clippy::print_stdout, reason = "an example prints")]

use subhalf::{
    Accumulator, Error, ErrorStats, Exec, FormatSpec, KSchedule, Matmul, Operand, Softmax,
    SoftmaxForm, amax_scale, philox4x32_10, unit,
};

const TOKENS: usize = 128;
const DIM: usize = 64;
const E4M3: FormatSpec = FormatSpec::F8E4M3;

/// Nearly normal numbers, the same on every machine.
fn tensor(seed: u32) -> Vec<f32> {
    let number = |i: usize| {
        let words = philox4x32_10([i as u32, 0, 0, 0], [seed, 0]);
        words.iter().map(|word| (word >> 16) as f32 / 32_768.0 - 1.0).sum()
    };
    (0..TOKENS * DIM).map(number).collect()
}

/// Codes over a scale that maps the largest magnitude to 448.
fn quantized(x: &[f32]) -> Result<(Vec<u8>, f32), Error> {
    let (scale, mut codes) = (amax_scale(&E4M3, x, Exec::PARALLEL), vec![0u8; x.len()]);
    E4M3.encode_scaled(x, scale, &mut codes)?;
    Ok((codes, scale))
}

/// softmax(Q · Kᵀ / √d) · V, with products in E4M3 on a matrix unit.
fn attention(x: [&[f32]; 3], sums: Accumulator, form: SoftmaxForm) -> Result<Vec<f32>, Error> {
    let [(q, q_scale), (k, k_scale), (v, v_scale)] =
        [quantized(x[0])?, quantized(x[1])?, quantized(x[2])?];
    let (matmul, shape) = (Matmul::new().accumulator(sums), [TOKENS, DIM]);
    let scores =
        matmul.multiply(Operand::codes(&E4M3, &q, &shape)?, Operand::codes(&E4M3, &k, &shape)?)?;
    // The scales of both sides enter the factor, so no score is multiplied twice.
    let softmax = Softmax::new().form(form).factor(q_scale * k_scale / (DIM as f32).sqrt());
    let mut weights = vec![0.0f32; scores.len()];
    softmax.rows(&scores, TOKENS, &mut weights)?;
    // Weights lie between 0 and 1: a scale of 1/256 brings them into the range of E4M3.
    let mut codes = vec![0u8; weights.len()];
    E4M3.encode_scaled(&weights, 1.0 / 256.0, &mut codes)?;
    let weights = Operand::codes(&E4M3, &codes, &[TOKENS, TOKENS])?;
    let sums = matmul.multiply(weights, Operand::codes(&E4M3, &v, &shape)?.transposed())?;
    Ok(sums.into_iter().map(|sum| sum * (v_scale / 256.0)).collect())
}

/// The same in f64, with nothing quantized.
fn exact([q, k, v]: [&[f32]; 3]) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let row = |q: &[f32]| {
        let power = |k: &[f32]| (dot(q, k) / (DIM as f64).sqrt()).exp();
        let powers: Vec<f64> = k.chunks(DIM).map(power).collect();
        let total: f64 = powers.iter().sum();
        let column = |d: usize| {
            powers.iter().zip(v.chunks(DIM)).map(|(p, v)| p * f64::from(v[d])).sum::<f64>()
        };
        (0..DIM).map(|d| column(d) / total).collect::<Vec<_>>()
    };
    q.chunks(DIM).flat_map(row).collect()
}

fn main() -> Result<(), Error> {
    let (q, k, v) = (tensor(1), tensor(2), tensor(3));
    let x = [&q[..], &k[..], &v[..]];
    let reference = exact(x);
    let hopper = unit::hopper::WGMMA_FP8.spec(E4M3, E4M3)?;
    let mut ratios = Vec::new();
    for (name, sums) in [
        ("f32 sums", Accumulator::F32),
        ("Hopper wgmma", Accumulator::unit(hopper, KSchedule::InOrder)),
    ] {
        for form in SoftmaxForm::ALL {
            let y = attention(x, sums, form)?;
            let ratio = ErrorStats::of(&reference, &y)?.sqnr_db();
            println!("{name:<14} {:<11} {ratio} dB", form.name());
            ratios.push(ratio.to_f64());
        }
    }
    // What FP8 costs is far above what the algorithm of the softmax or the sums change.
    assert!(ratios.iter().all(|ratio| (20.0..40.0).contains(ratio)), "{ratios:?}");
    assert!(ratios.iter().all(|ratio| (ratio - ratios[0]).abs() < 1.0), "{ratios:?}");
    Ok(())
}
