//! Matrix products beside rows that only multiply and add, or only read: what the machine can do,
//! measured in turns with them.
//!
//! `cargo bench -p subhalf-benches --bench matmul`, or `-- --help`. Every row runs a few hundredths
//! of a second a turn, right behind what it is held against, so that a noisy neighbour meets both
//! alike; figures are medians of the turns. Compare the ratios only.

use clap::Parser;
use std::hint::black_box;
use subhalf::{
    Accumulator, BlockSpec, Chain, Exec, FormatSpec, Isa, KSchedule, Matmul, Operand, PackedMatrix,
    QuantTensor, Round, Workspace, philox4x32_10, preset, unit,
};
#[cfg(target_arch = "x86_64")]
use subhalf_benches::peaks;
use subhalf_benches::turns::{Pace, RowId, Table, Turns};

const N: usize = 4096;
const K: usize = 4096;
const PACE: Pace = Pace { unit: "multiply-adds", turns: 9, seconds: 0.04 };

/// The speed of matrix products as parts of what the machine can do.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    turns: Turns,
}

/// What a core can do at best, as rows of a table, where the machine has the instructions.
#[derive(Clone, Copy)]
struct Peaks {
    fma: Option<RowId>,
    /// Of bytes; where there are none, as `fma`.
    dots: Option<RowId>,
}

/// A table, and rows of what a core can do at best.
fn table<'a>(title: &'static str, turns: &'a Turns) -> (Table<'a>, Peaks) {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "no peaks"))]
    let mut table = Table::new(title, PACE, turns);
    #[cfg(target_arch = "x86_64")]
    let [fma, dots] = {
        let is_wide = turns.isa().name().starts_with("avx512");
        [
            ("fused multiply-adds", peaks::fma(is_wide)),
            ("dot products of bytes", peaks::dots(is_wide)),
        ]
        .map(|(name, call)| call.map(|(count, work)| table.control(name, count, work)))
    };
    #[cfg(not(target_arch = "x86_64"))]
    let [fma, dots] = [None, None];
    (table, Peaks { fma, dots: dots.or(fma) })
}

/// Numbers around zero, every 1,024th 64 times as large, fixed by the generator.
fn inputs(count: usize) -> Vec<f32> {
    let number = |i: usize| {
        let [word, ..] = philox4x32_10([i as u32, 0, 0, 0], [1, 0]);
        word as i32 as f32 / 2.0f32.powi(31) * if i.is_multiple_of(1024) { 64.0 } else { 1.0 }
    };
    (0..count).map(number).collect()
}

/// The crate `gemm`, which candle uses; every stride within its slice.
fn gemm_f32(m: usize, x: &[f32], weights: &[f32], out: &mut [f32]) {
    assert!(x.len() == m * K && weights.len() == N * K && out.len() == m * N);
    let (k, n) = (K as isize, N as isize);
    let (to, x, weights) = (out.as_mut_ptr(), x.as_ptr(), weights.as_ptr());
    let one = gemm::Parallelism::None;
    // SAFETY: rows and columns of the three matrices are those of the lengths asserted above.
    #[expect(unsafe_code, reason = "a foreign interface of pointers")]
    unsafe {
        gemm::gemm(
            m, N, K, to, 1, n, false, x, 1, k, weights, k, 1, 0.0, 1.0, false, false, false, one,
        );
    }
}

/// Presets, whether sums of their pairs are dot products of bytes, and the bytes of a number in a
/// packed weight, its part of a scale with it.
const SCHEMES: [(&str, bool, f64); 6] = [
    ("ocp::MXFP4", true, 0.5 + 2.0 / 32.0),
    ("modelopt::NVFP4", true, 0.5 + 2.0 / 16.0),
    ("ocp::MXFP8_E4M3", false, 1.0 + 2.0 / 32.0),
    ("generic::FP8_E4M3_TENSOR", false, 1.0),
    ("ocp::MXFP6_E2M3", true, 1.0 + 2.0 / 32.0),
    ("generic::INT8_G32", true, 1.0 + 4.0 / 32.0),
];

/// A product as a row.
fn product<'a>(
    table: &mut Table<'a>,
    name: String,
    against: Option<RowId>,
    product: Matmul<'a>,
    a: Operand<'a>,
    b: Operand<'a>,
) {
    let (m, n, k) = (a.rows(), b.rows(), a.cols());
    let mut out = vec![0f32; m * n];
    table.add(name, against, m * n * k, move || {
        product.multiply_into(a, b, black_box(&mut out)).expect("shapes that fit");
    });
}

/// One thread, every scheme by three heights; one row beside reading as many bytes as the packed
/// weight has.
fn products(turns: &Turns, weights: &[f32]) {
    let tensor = |name: &str, rows: usize| {
        let spec = preset::by_name(name).expect("a preset").spec;
        QuantTensor::quantize(&spec, &weights[..rows * K], &[rows, K]).expect("a shape that fits")
    };
    let rights = SCHEMES.map(|(name, ..)| tensor(name, N));
    let packed = rights.each_ref().map(|right| PackedMatrix::new(right).expect("a tensor"));
    let bytes = vec![1u8; 2 * N * K];
    for (m, title) in [(512, "M = 512"), (16, "M = 16"), (4, "M = 4"), (1, "M = 1")] {
        let lefts = SCHEMES.map(|(name, ..)| tensor(name, m));
        let x = &weights[..m * K];
        let numbers = Operand::numbers(x, &[m, K]).expect("a shape that fits");
        let (mut table, peaks) = table(title, turns);
        let mut out = vec![0f32; m * N];
        table
            .add("gemm 0.19, f32", peaks.fma, m * N * K, move || gemm_f32(m, x, weights, &mut out));
        for (((name, are_dots, width), right), (left, packed)) in
            SCHEMES.into_iter().zip(&rights).zip(lefts.iter().zip(&packed))
        {
            let pair = if are_dots { peaks.dots } else { peaks.fma };
            let by = |accumulator| {
                Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(turns.isa()))
            };
            for (sums, accumulator) in
                [("F32", Accumulator::F32), ("BlockF32", Accumulator::BlockF32)]
            {
                let label = format!("f32 x {name}, {sums}, packed");
                product(&mut table, label, peaks.fma, by(accumulator), numbers, packed.into());
            }
            let blocks = by(Accumulator::BlockF32);
            product(
                &mut table,
                format!("{name} x {name}, BlockF32, stored"),
                pair,
                blocks,
                left.into(),
                right.into(),
            );
            product(
                &mut table,
                format!("{name} x {name}, BlockF32, packed"),
                pair,
                blocks,
                left.into(),
                packed.into(),
            );
            #[cfg(target_arch = "x86_64")]
            if let (1, Some(read)) = (m, peaks::read()) {
                let bytes = &bytes[..(width * (N * K) as f64) as usize];
                let read =
                    table.control(format!("{name}: only reading the weight"), N * K, move || {
                        read(bytes);
                    });
                product(
                    &mut table,
                    format!("{name} x {name}, beside reading"),
                    Some(read),
                    blocks,
                    left.into(),
                    packed.into(),
                );
            }
            let _ = (width, &bytes);
        }
        table.print();
    }
}

/// E4M3 under accumulators on every instruction set.
fn accumulators(turns: &Turns, weights: &[f32]) {
    let (m, n, k) = (64, 256, 4096);
    let spec = FormatSpec::F8E4M3;
    let codes: Vec<u8> = weights[..n * k].iter().map(|x| spec.encode_f32(*x) as u8).collect();
    let a = Operand::codes(&spec, &codes[..m * k], &[m, k]).expect("a shape that fits");
    let b = Operand::codes(&spec, &codes, &[n, k]).expect("a shape that fits");
    let chain = |format| Chain::rounded(format, Round::NearestEven);
    let nearest = |format| Accumulator::rounded(format, Round::NearestEven);
    let (mut table, peaks) = table("E4M3 x E4M3, M = 64, N = 256", turns);
    for (name, accumulator) in [
        ("F32", Accumulator::F32),
        ("F64", Accumulator::F64),
        ("Exact", Accumulator::Exact),
        ("FP16", nearest(FormatSpec::F16)),
        ("BF16", nearest(FormatSpec::BF16)),
        ("E8M13", nearest(FormatSpec::E8M13)),
        ("FP16 by 128 into F32", Accumulator::chunked(128, chain(FormatSpec::F16), Chain::F32)),
    ] {
        for isa in Isa::available().filter(|isa| turns.isa.is_none_or(|only| only == *isa)) {
            let by = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(isa));
            product(&mut table, format!("{name}, {}", isa.name()), peaks.fma, by, a, b);
        }
    }
    table.print();
}

/// Adds a row for a product under a matrix unit, named with the part of its sums that the steps of
/// the model make instead of the kernel, as a first product counts them.
fn unit_product<'a>(
    table: &mut Table<'a>,
    (name, against): (&str, Option<RowId>),
    by: Matmul<'a>,
    a: Operand<'a>,
    b: Operand<'a>,
) {
    let (mut out, mut workspace) = (vec![0f32; a.rows() * b.rows()], Workspace::new());
    by.multiply_with(a, b, &mut out, &mut workspace).expect("shapes that fit");
    let part = 100.0 * workspace.sums_by_steps() as f64 / out.len() as f64;
    product(table, format!("{name}, {part:.2} % by steps"), against, by, a, b);
}

/// Matrix units, M = 64.
fn units(turns: &Turns, weights: &[f32]) {
    let m = 64;
    let by = |spec| {
        let accumulator = Accumulator::unit(spec, KSchedule::InOrder);
        Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(turns.isa()))
    };
    let (e4m3, e2m1) = (FormatSpec::F8E4M3, FormatSpec::F4E2M1);
    let codes: Vec<u8> = weights.iter().map(|x| e4m3.encode_f32(*x) as u8).collect();
    let bf16s: Vec<half::bf16> = weights.iter().map(|x| half::bf16::from_f32(*x)).collect();
    let f16s: Vec<half::f16> = weights.iter().map(|x| half::f16::from_f32(*x)).collect();
    let tensor = |spec: &BlockSpec, rows: usize| {
        QuantTensor::quantize(spec, &weights[..rows * K], &[rows, K]).expect("a shape that fits")
    };
    let schemes = [preset::ocp::MXFP8_E4M3, preset::modelopt::NVFP4];
    let [(mx_a, mx_b), (nv_a, nv_b)] = schemes.map(|spec| (tensor(&spec, m), tensor(&spec, N)));
    // Behind what its rows borrow.
    let (mut table, peaks) = table("matrix units, M = 64", turns);
    let numbers = Operand::numbers(weights, &[N, K]).expect("a shape that fits");
    let chain = Matmul::new().exec(Exec::SERIAL.with_isa(turns.isa()));
    let rows = Operand::numbers(&weights[..m * K], &[m, K]).expect("a shape that fits");
    product(&mut table, "F32 chain".to_owned(), peaks.fma, chain, rows, numbers);
    for unit in [
        unit::hopper::WGMMA_FP8,
        unit::hopper::WGMMA_FP8_F16,
        unit::blackwell::F8F6F4,
        unit::hopper::MMA_SYNC_FP8,
    ] {
        let a = Operand::codes(&e4m3, &codes[..m * K], &[m, K]).expect("a shape that fits");
        let b = Operand::codes(&e4m3, &codes, &[N, K]).expect("a shape that fits");
        let spec = unit.spec(e4m3, e4m3).expect("a format of the unit");
        unit_product(&mut table, (unit.name, peaks.fma), by(spec), a, b);
    }
    for unit in [unit::ampere::HMMA_BF16, unit::hopper::HMMA_BF16] {
        let a = Operand::numbers(&bf16s[..m * K], &[m, K]).expect("a shape that fits");
        let b = Operand::numbers(&bf16s, &[N, K]).expect("a shape that fits");
        unit_product(&mut table, (unit.name, peaks.fma), by(unit.first()), a, b);
    }
    for unit in [unit::volta::HMMA_F16, unit::hopper::HMMA_F16, unit::hopper::HMMA_F16_F16] {
        let a = Operand::numbers(&f16s[..m * K], &[m, K]).expect("a shape that fits");
        let b = Operand::numbers(&f16s, &[N, K]).expect("a shape that fits");
        unit_product(&mut table, (unit.name, peaks.fma), by(unit.first()), a, b);
    }
    let mx = unit::blackwell::MXF8F6F4.spec(e4m3, e4m3).expect("a format of the unit");
    unit_product(
        &mut table,
        (unit::blackwell::MXF8F6F4.name, peaks.fma),
        by(mx),
        (&mx_a).into(),
        (&mx_b).into(),
    );
    let nv = unit::blackwell::NVF4.spec(e2m1, e2m1).expect("a format of the unit");
    unit_product(
        &mut table,
        (unit::blackwell::NVF4.name, peaks.fma),
        by(nv),
        (&nv_a).into(),
        (&nv_b).into(),
    );
    table.print();
}

/// Units that are instructions of the processor, beside the steps of their models, which the
/// portable instruction set takes.
fn own_units(turns: &Turns, weights: &[f32]) {
    let (m, u8s, s8s) = (64, FormatSpec::UINT8, FormatSpec::INT8);
    let bf16s: Vec<half::bf16> = weights.iter().map(|x| half::bf16::from_f32(*x)).collect();
    let codes = |spec: FormatSpec| -> Vec<u8> {
        weights.iter().map(|x| spec.encode_f32(x * 100.0) as u8).collect()
    };
    let (unsigned, signed) = (codes(u8s), codes(s8s));
    let bytes = |columns: usize| {
        let a = Operand::codes(&u8s, &unsigned[..m * K], &[m, K]).expect("a shape that fits");
        let b = Operand::codes(&s8s, &signed[..columns * K], &[columns, K]);
        (a, b.expect("a shape that fits"))
    };
    let halves = |columns: usize| {
        let a = Operand::numbers(&bf16s[..m * K], &[m, K]).expect("a shape that fits");
        let b = Operand::numbers(&bf16s[..columns * K], &[columns, K]);
        (a, b.expect("a shape that fits"))
    };
    let (mut table, peaks) = table("units of the processor, M = 64", turns);
    use unit::x86::{VDPBF16PS, VPDPBUSD, VPDPBUSDS, VPMADDUBSW};
    for unit in [VDPBF16PS, VPDPBUSD, VPDPBUSDS, VPMADDUBSW] {
        let is_bf16 = unit.inputs == [FormatSpec::BF16];
        let spec = if is_bf16 { Ok(unit.first()) } else { unit.spec(u8s, s8s) };
        let accumulator = Accumulator::unit(spec.expect("formats of it"), KSchedule::InOrder);
        // Steps take seconds for all columns.
        for (isa, columns) in [(turns.isa(), N), (Isa::portable(), 4)] {
            let (a, b) = if is_bf16 { halves(columns) } else { bytes(columns) };
            let by = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(isa));
            let against = if is_bf16 { peaks.fma } else { peaks.dots };
            product(&mut table, format!("{}, {}", unit.name, isa.name()), against, by, a, b);
        }
    }
    table.print();
}

/// The same products on one thread and on two, inside the pool.
fn threads(turns: &Turns, weights: &[f32]) {
    let spec = preset::ocp::MXFP4;
    let right = QuantTensor::quantize(&spec, weights, &[N, K]).expect("a shape that fits");
    let packed = PackedMatrix::new(&right).expect("a tensor");
    let exec = Exec::PARALLEL.with_isa(turns.isa());
    let pools = [1, 2].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start")
    });
    for (m, title) in [(512, "threads, M = 512"), (16, "threads, M = 16")] {
        let left =
            QuantTensor::quantize(&spec, &weights[..m * K], &[m, K]).expect("a shape that fits");
        let numbers = Operand::numbers(&weights[..m * K], &[m, K]).expect("a shape that fits");
        let (mut table, _) = table(title, turns);
        for (name, a) in [("f32", numbers), ("MXFP4", (&left).into())] {
            let mut one = None;
            for pool in &pools {
                let (mut out, packed) = (vec![0f32; m * N], &packed);
                let threads = pool.current_num_threads();
                let row = table.add(
                    format!("{name} x MXFP4, packed, threads: {threads}"),
                    one,
                    m * N * K,
                    move || {
                        pool.install(|| {
                            Matmul::new().exec(exec).multiply_into(a, packed, black_box(&mut out))
                        })
                        .expect("shapes that fit");
                    },
                );
                one = one.or(row);
            }
        }
        table.print();
    }
}

fn main() {
    let Some(Arguments { turns }) = subhalf_benches::turns::arguments("matmul") else { return };
    let weights = inputs(N * K);
    products(&turns, &weights);
    accumulators(&turns, &weights);
    units(&turns, &weights);
    own_units(&turns, &weights);
    threads(&turns, &weights);
}
