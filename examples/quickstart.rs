//! A first walk: one number, one tensor, one product. `cargo run --release --example quickstart`

#![allow(clippy::print_stdout, reason = "an example prints")]

use subhalf::{FormatSpec, Operand, QuantTensor, matmul, preset};

fn main() -> Result<(), subhalf::Error> {
    // One number to a code of eight bits, and back.
    let e4m3 = FormatSpec::F8E4M3;
    let code = e4m3.encode_f32(0.3);
    println!("0.3 in E4M3 is code {code:#04x}, which stands for {}", e4m3.decode_f32(code));
    assert_eq!((code, e4m3.decode_f32(code)), (0x2A, 0.3125));

    // A weight of 64 rows and 96 columns in NVFP4 as Transformer Engine has it: four bits an
    // element, a scale for every 16.
    let weight: Vec<f32> = (0..64 * 96).map(|i| ((i * 37 % 101) as f32 - 50.0) / 400.0).collect();
    let stored = QuantTensor::quantize(&preset::transformer_engine::NVFP4, &weight, &[64, 96])?;
    let bytes = stored.codes().len() + stored.scales().len();
    println!("{} weights, {} bytes as f32, take {bytes} bytes", weight.len(), 4 * weight.len());
    println!("the first three, {:?}, come back as {:?}", &weight[..3], &stored.dequantize()[..3]);
    let ratio = stored.stats(&weight)?.errors().sqnr_db();
    println!("signal to quantization noise: {ratio} dB");
    assert_eq!((bytes, ratio.to_string().as_str()), (64 * 48 + 64 * 6, "19.23"));

    // Two rows of activations by that weight: [2, 96] times [64, 96] transposed.
    let x: Vec<f32> = (0..2 * 96).map(|i| (i as f32 * 0.7).sin()).collect();
    let x = Operand::numbers(&x, &[2, 96])?;
    let (wide, product) = (matmul(x, Operand::numbers(&weight, &[64, 96])?)?, matmul(x, &stored)?);
    println!(
        "the first of {} sums: {} with the weight in f32, {} in NVFP4",
        product.len(),
        wide[0],
        product[0]
    );
    assert_eq!(product.len(), 2 * 64);
    Ok(())
}
