//! Matrix products beside rows that only multiply and add: what the machine can do, measured in the same run.
//!
//! `cargo bench --bench matmul`. One thread, N = K = 4096 (accumulators: smaller). Throughput is in multiply-adds: twice the figure is FLOP/s.
//! Compare ratios to the control rows only.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use subhalf::{
    Accumulator, Chain, Exec, FormatSpec, Isa, Matmul, Operand, PackedMatrix, QuantTensor, Round, philox4x32_10, preset,
};

const N: usize = 4096;
const K: usize = 4096;

/// Numbers around zero, every 1,024th 64 times as large, fixed by the generator.
fn inputs(count: usize) -> Vec<f32> {
    let number = |i: usize| {
        let [word, ..] = philox4x32_10([i as u32, 0, 0, 0], [1, 0]);
        word as i32 as f32 / 2.0f32.powi(31) * if i.is_multiple_of(1024) { 64.0 } else { 1.0 }
    };
    (0..count).map(number).collect()
}

#[cfg(target_arch = "x86_64")]
mod control {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_add_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_reduce_add_epi32, _mm512_reduce_add_ps,
        _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps,
    };
    use std::hint::black_box;

    /// Chains that wait for nothing but themselves.
    const CHAINS: usize = 20;
    pub(super) const STEPS: usize = 4096;
    pub(super) const FMA: u64 = (STEPS * CHAINS * 16) as u64;
    pub(super) const DOTS: u64 = (STEPS * CHAINS * 64) as u64;

    #[target_feature(enable = "avx512f")]
    fn fma() -> f32 {
        let (a, b) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
        let mut sums = [_mm512_set1_ps(black_box(0.5)); CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, a, b);
            }
        }
        _mm512_reduce_add_ps(sums.into_iter().fold(_mm512_set1_ps(0.0), |all, sum| _mm512_add_ps(all, sum)))
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn dots() -> i32 {
        let (a, b) = (_mm512_set1_epi8(black_box(3)), _mm512_set1_epi8(black_box(-2)));
        let mut sums = [_mm512_set1_epi32(black_box(1)); CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        _mm512_reduce_add_epi32(sums.into_iter().fold(_mm512_set1_epi32(0), |all, sum| _mm512_add_epi32(all, sum)))
    }

    /// Fused multiply-adds of 16 f32s, if the machine has them.
    pub(super) fn fma_peak() -> Option<fn() -> f32> {
        // SAFETY: called only if the instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        let call = || unsafe { fma() };
        std::arch::is_x86_feature_detected!("avx512f").then_some(call)
    }

    /// Dot products of 64 bytes, if the machine has them.
    pub(super) fn dots_peak() -> Option<fn() -> i32> {
        // SAFETY: called only if the instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        let call = || unsafe { dots() };
        (std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vnni")).then_some(call)
    }
}

fn controls(group: &mut BenchmarkGroup<'_, WallTime>, weights: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(peak) = control::fma_peak() {
            group.throughput(Throughput::Elements(control::FMA));
            group.bench_function("control: fused multiply-adds", |bencher| bencher.iter(peak));
        }
        if let Some(peak) = control::dots_peak() {
            group.throughput(Throughput::Elements(control::DOTS));
            group.bench_function("control: dot products of bytes", |bencher| bencher.iter(peak));
        }
    }
    group.throughput(Throughput::Bytes(size_of_val(weights) as u64));
    group.bench_function("control: reading", |bencher| {
        bencher.iter(|| {
            black_box(weights).as_chunks::<64>().0.iter().fold([0u32; 64], |mut all, line| {
                all.iter_mut().zip(line).for_each(|(all, x)| *all |= x.to_bits());
                all
            })
        });
    });
    let (x, m) = (&weights[..512 * K], 512);
    let mut out = vec![0f32; m * N];
    group.throughput(Throughput::Elements((m * N * K) as u64));
    group.bench_function("control: gemm 0.19, f32, M = 512", |bencher| {
        bencher.iter(|| gemm_f32(m, x, weights, &mut out));
    });
}

/// The crate `gemm`, which candle uses; every stride within its slice.
fn gemm_f32(m: usize, x: &[f32], weights: &[f32], out: &mut [f32]) {
    assert!(x.len() == m * K && weights.len() == N * K && out.len() == m * N);
    let (k, n) = (K as isize, N as isize);
    // SAFETY: rows and columns of the three matrices are those of the lengths asserted above.
    #[expect(unsafe_code, reason = "a foreign interface of pointers")]
    unsafe {
        gemm::gemm(
            m,
            N,
            K,
            out.as_mut_ptr(),
            1,
            n,
            false,
            x.as_ptr(),
            1,
            k,
            weights.as_ptr(),
            k,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn products(criterion: &mut Criterion) {
    let weights = inputs(N * K);
    let mut group = criterion.benchmark_group("matmul");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    controls(&mut group, &weights);
    for m in [512, 16, 1] {
        let mut out = vec![0f32; m * N];
        group.throughput(Throughput::Elements((m * N * K) as u64));
        let mut row = |name: &str, a: Operand<'_>, b: Operand<'_>, accumulator: Accumulator| {
            let product = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL);
            group.bench_function(format!("{name}, M = {m}"), |bencher| {
                bencher.iter(|| product.multiply_into(a, b, black_box(&mut out)));
            });
        };
        let x = Operand::numbers(&weights[..m * K], &[m, K]).expect("a shape that fits");
        for name in
            ["ocp::MXFP4", "nvfp4::MODEL_OPTIMIZER", "ocp::MXFP8_E4M3", "fp8::TENSOR_E4M3", "ocp::MXFP6_E2M3", "int::INT8_G32"]
        {
            let spec = preset::by_name(name).expect("a preset").spec;
            let right = QuantTensor::quantize(&spec, &weights, &[N, K]).expect("a shape that fits");
            let left = QuantTensor::quantize(&spec, &weights[..m * K], &[m, K]).expect("a shape that fits");
            let packed = PackedMatrix::new(&right).expect("a tensor");
            row(&format!("f32 x {name}, F32, packed"), x, (&packed).into(), Accumulator::F32);
            row(&format!("f32 x {name}, BlockF32, packed"), x, (&packed).into(), Accumulator::BlockF32);
            row(&format!("{name} x {name}, BlockF32, packed"), (&left).into(), (&packed).into(), Accumulator::BlockF32);
            if m > 1 {
                row(&format!("{name} x {name}, BlockF32"), (&left).into(), (&right).into(), Accumulator::BlockF32);
            }
        }
    }
    group.finish();
}

fn accumulators(criterion: &mut Criterion) {
    let (m, n, k) = (64, 256, 4096);
    let x = inputs(n * k);
    let spec = FormatSpec::F8E4M3;
    let codes: Vec<u8> = x.iter().map(|x| spec.encode_f32(*x) as u8).collect();
    let a = Operand::codes(&spec, &codes[..m * k], &[m, k]).expect("a shape that fits");
    let b = Operand::codes(&spec, &codes, &[n, k]).expect("a shape that fits");
    let mut out = vec![0f32; m * n];
    let mut group = criterion.benchmark_group("accumulators of E4M3");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements((m * n * k) as u64));
    let rounded = |format| Accumulator::rounded(format, Round::NearestEven);
    for (name, accumulator) in [
        ("F32", Accumulator::F32),
        ("F64", Accumulator::F64),
        ("Exact", Accumulator::Exact),
        ("FP16", rounded(FormatSpec::F16)),
        ("BF16", rounded(FormatSpec::BF16)),
        ("E8M13", rounded(FormatSpec::E8M13)),
        (
            "FP16 by 128 into F32",
            Accumulator::Chunked {
                k: 128,
                inner: Chain::Rounded { format: FormatSpec::F16, rounding: Round::NearestEven },
                outer: Chain::F32,
            },
        ),
    ] {
        for isa in Isa::available() {
            let product = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(isa));
            group.bench_function(format!("{name}, {}", isa.name()), |bencher| {
                bencher.iter(|| product.multiply_into(a, b, black_box(&mut out)));
            });
        }
    }
    group.finish();
}

/// The same products on one thread and on two, inside the pool.
#[cfg(feature = "rayon")]
fn threads(criterion: &mut Criterion) {
    let weights = inputs(N * K);
    let spec = preset::ocp::MXFP4;
    let right = QuantTensor::quantize(&spec, &weights, &[N, K]).expect("a shape that fits");
    let packed = PackedMatrix::new(&right).expect("a tensor");
    let mut group = criterion.benchmark_group("matmul by threads");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for m in [512, 16] {
        let left = QuantTensor::quantize(&spec, &weights[..m * K], &[m, K]).expect("a shape that fits");
        let x = Operand::numbers(&weights[..m * K], &[m, K]).expect("a shape that fits");
        let mut out = vec![0f32; m * N];
        group.throughput(Throughput::Elements((m * N * K) as u64));
        for (name, a) in [("f32", x), ("MXFP4", (&left).into())] {
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
                group.bench_function(format!("{name} x MXFP4, packed, M = {m}, threads {threads}"), |bencher| {
                    pool.install(|| bencher.iter(|| Matmul::new().multiply_into(a, &packed, black_box(&mut out))));
                });
            }
        }
    }
    group.finish();
}

#[cfg(not(feature = "rayon"))]
fn threads(_: &mut Criterion) {}

criterion_group!(all, products, accumulators, threads);
criterion_main!(all);
