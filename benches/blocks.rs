//! Block-scaled tensors, quantized and restored, on every instruction set, beside rows that move the same bytes and compute nothing.
//!
//! `cargo bench --bench blocks`. One thread, a tensor that fits the second-level cache; compare ratios to the control rows only.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use subhalf::{Exec, Isa, Quantizer, philox4x32_10, preset};

const SHAPE: [usize; 2] = [64, 1024];

/// Numbers over 12 binades with both signs, fixed by the generator.
fn inputs() -> Vec<f32> {
    let number = |i: usize| {
        let [word, scale, ..] = philox4x32_10([i as u32, 0, 0, 0], [1, 0]);
        word as i32 as f32 / 2.0f32.powi(31) * 2.0f32.powi(scale as i32 % 12)
    };
    (0..SHAPE[0] * SHAPE[1]).map(number).collect()
}

fn benches(criterion: &mut Criterion) {
    let x = inputs();
    let (mut bytes, mut y) = (vec![0u8; x.len()], vec![0f32; x.len()]);
    let schemes =
        ["ocp::MXFP8_E4M3", "ocp::MXFP6_E2M3", "ocp::MXFP4", "nvfp4::MODEL_OPTIMIZER", "int::INT8_G32", "fp8::BLOCK_128X128_E4M3"]
            .map(|name| preset::by_name(name).expect("a preset"));

    let mut group = criterion.benchmark_group("quantize f32");
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function("control: 4 bytes to 1", |bencher| {
        bencher.iter(|| black_box(&mut bytes).iter_mut().zip(&x).for_each(|(byte, x)| *byte = x.to_bits() as u8));
    });
    for scheme in schemes {
        for isa in Isa::available() {
            let quantizer = Quantizer::new(&scheme.spec).exec(Exec::SERIAL.with_isa(isa));
            group.bench_function(BenchmarkId::new(scheme.name, isa.name()), |bencher| {
                bencher.iter(|| quantizer.quantize(&x, &SHAPE));
            });
        }
    }
    group.finish();

    let mut group = criterion.benchmark_group("dequantize to f32");
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function("control: 1 byte to 4", |bencher| {
        bencher.iter(|| black_box(&mut y).iter_mut().zip(&bytes).for_each(|(y, byte)| *y = f32::from(*byte)));
    });
    for scheme in schemes {
        let tensor = Quantizer::new(&scheme.spec).quantize(&x, &SHAPE).expect("a shape that fits");
        for isa in Isa::available() {
            let exec = Exec::SERIAL.with_isa(isa);
            group.bench_function(BenchmarkId::new(scheme.name, isa.name()), |bencher| {
                bencher.iter(|| tensor.view().dequantize_into(&mut y, exec));
            });
        }
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
