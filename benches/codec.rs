//! Slices encoded and decoded, by kernels or (HiF8, posits, codebooks, stochastic rounding) by the reference codec, beside a control row that moves the
//! same bytes and converts nothing.
//!
//! `cargo bench --bench codec`. Compare ratios to the control row only.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use subhalf::{Convert, Dither, Exec, FormatSpec, Round, Stochastic, decode_slice, encode_slice, philox4x32_10};

const LENGTH: usize = 16 * 1024;

/// Numbers over 24 binades with both signs, fixed by the generator.
fn inputs() -> Vec<f32> {
    let number = |i: usize| {
        let [word, scale, ..] = philox4x32_10([i as u32, 0, 0, 0], [1, 0]);
        let significand = word as i32 as f32 / 2.0f32.powi(31);
        significand * 2.0f32.powi(scale as i32 % 12)
    };
    (0..LENGTH).map(number).collect()
}

fn benches(criterion: &mut Criterion) {
    let exec = Exec::SERIAL;
    let x = inputs();
    let (mut codes, mut y) = (vec![0u8; LENGTH], vec![0f32; LENGTH]);

    let mut group = criterion.benchmark_group("encode f32 to u8");
    group.throughput(Throughput::Elements(LENGTH as u64));
    group.bench_function("control: truncate", |bencher| {
        bencher.iter(|| black_box(&mut codes).iter_mut().zip(&x).for_each(|(code, x)| *code = x.to_bits() as u8));
    });
    for spec in [FormatSpec::F8E4M3, FormatSpec::F4E2M1, FormatSpec::HIF8, FormatSpec::INT8, FormatSpec::POSIT8, FormatSpec::NF4] {
        let stochastic = Round::Stochastic { kind: Stochastic::B, bits: 16 };
        let policies: [(&str, Convert); 2] =
            [("nearest", spec.default_convert()), ("stochastic", spec.default_convert().with_round(stochastic))];
        for (name, policy) in policies {
            group.bench_function(BenchmarkId::new(spec.name(), name), |bencher| {
                bencher.iter(|| encode_slice(&spec, &x, &mut codes, &policy, Dither::new(1), exec));
            });
        }
    }
    group.finish();

    let mut group = criterion.benchmark_group("decode u8 to f32");
    group.throughput(Throughput::Elements(LENGTH as u64));
    group.bench_function("control: widen", |bencher| {
        bencher.iter(|| black_box(&mut y).iter_mut().zip(&codes).for_each(|(y, code)| *y = f32::from(*code)));
    });
    for spec in [FormatSpec::F8E4M3, FormatSpec::HIF8, FormatSpec::POSIT8, FormatSpec::NF4] {
        group.bench_function(spec.name(), |bencher| bencher.iter(|| decode_slice(&spec, &codes, &mut y, exec)));
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
