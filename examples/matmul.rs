//! Products of stored tensors, and how their sums are made. `cargo run --release --example matmul`

#![allow(clippy::print_stdout, reason = "an example prints")]

use subhalf::{
    Accumulator, Chain, FormatSpec, Matmul, Operand, PackedMatrix, QuantTensor, Quantizer, Round,
    matmul, preset,
};

const M: usize = 4;
const N: usize = 32;
const K: usize = 4096;

fn error(sums: &[f32], exact: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let noise: f64 = sums.iter().zip(exact).map(|(sum, exact)| square(sum - exact)).sum();
    (noise / exact.iter().map(|exact| square(*exact)).sum::<f64>()).sqrt()
}

fn main() -> Result<(), subhalf::Error> {
    let number = |i: usize| ((i * 7919 % 2003) as f32 - 901.0) / 2003.0;
    let (x, weight): (Vec<f32>, Vec<f32>) =
        ((0..M * K).map(number).collect(), (0..N * K).map(|i| number(i + 17)).collect());

    // A weight is stored [N, K] and packed once, in the order in which kernels read it; its
    // products have the same bits.
    let weight = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &weight, &[N, K])?;
    let packed = PackedMatrix::new(&weight)?;
    let numbers = Operand::numbers(&x, &[M, K])?;
    let product = matmul(numbers, &packed)?;
    assert_eq!(product, matmul(numbers, &weight)?);
    println!(
        "[{M}, {K}] f32 by [{N}, {K}] MXFP8: {} sums, the first is {}",
        product.len(),
        product[0]
    );

    // Activations can be quantized on the way.
    let quantizer = Quantizer::new(&preset::ocp::MXFP8_E4M3);
    let activations = Operand::quantized(&quantizer, &x, &[M, K])?;
    println!("the same with the activations in MXFP8 too: {}\n", matmul(activations, &packed)?[0]);

    // How a sum is made is part of the result. Here is what narrow accumulators cost.
    let exact = Matmul::new().accumulator(Accumulator::Exact).multiply(activations, &packed)?;
    let fp16 = Chain::rounded(FormatSpec::F16, Round::NearestEven);
    let chunked = Accumulator::chunked(128, fp16, Chain::F32);
    let mut errors = Vec::new();
    for (name, accumulator) in [
        ("F32", Accumulator::F32),
        ("FP16", Accumulator::chain(fp16)),
        ("FP16 by 128 into F32", chunked),
    ] {
        let sums = Matmul::new().accumulator(accumulator).multiply(activations, &packed)?;
        errors.push(error(&sums, &exact));
        println!("{name:<21} relative error {:.1e}", errors[errors.len() - 1]);
    }
    assert!(errors[0] < errors[2] && errors[2] < errors[1], "promotion helps, and F32 is best");
    Ok(())
}
