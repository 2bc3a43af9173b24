//! Matrix products beside rows that only multiply and add, or only read: what the machine can do, measured in turns with them.
//!
//! `cargo bench --bench matmul`, or `-- --help`. Every row runs a few hundredths of a second a turn; its figure is the median of the turns, so that a
//! noisy neighbour meets all rows alike. Compare the ratios only.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

#[cfg(target_arch = "x86_64")]
#[path = "control/peaks.rs"]
mod peaks;

use clap::Parser;
use std::hint::black_box;
use std::time::Instant;
use subhalf::{
    Accumulator, Chain, Exec, FormatSpec, Isa, Matmul, Operand, PackedMatrix, QuantTensor, Round, philox4x32_10, preset,
};

const N: usize = 4096;
const K: usize = 4096;

/// The speed of matrix products as parts of what the machine can do.
#[derive(Parser)]
struct Arguments {
    /// Runs the rows whose names have one of these in them; all without any.
    filters: Vec<String>,
    /// Turns of every row.
    #[arg(long, default_value_t = 9)]
    turns: usize,
    /// The instruction set: portable, avx2, avx512 or avx512vbmi, as far as the machine has it; the widest without.
    #[arg(long, value_parser = isa)]
    isa: Option<Isa>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn isa(name: &str) -> Result<Isa, String> {
    Isa::available().find(|isa| isa.name() == name).ok_or_else(|| {
        let all: Vec<&str> = Isa::available().map(Isa::name).collect();
        format!("this machine has {}", all.join(", "))
    })
}

impl Arguments {
    fn isa(&self) -> Isa {
        self.isa.unwrap_or_else(Isa::best)
    }

    /// What all products run by.
    fn exec(&self) -> Exec {
        Exec::SERIAL.with_isa(self.isa())
    }
}

/// What a row is a part of.
#[derive(Clone, Copy, PartialEq)]
enum Peak {
    /// Nothing.
    Itself,
    Fma,
    Dots,
    /// The row before it.
    Before,
}

struct Row<'a> {
    name: String,
    peak: Peak,
    multiply_adds: usize,
    work: Box<dyn FnMut() + 'a>,
}

/// Rows of one table.
struct Table<'a> {
    title: &'static str,
    arguments: &'a Arguments,
    rows: Vec<Row<'a>>,
    /// The peaks that this machine has, and their rows.
    controls: Vec<(Peak, usize)>,
    /// Whether the last row that was offered is one of them.
    has_last: bool,
}

impl<'a> Table<'a> {
    fn new(title: &'static str, arguments: &'a Arguments) -> Self {
        let mut table = Self { title, arguments, rows: Vec::new(), controls: Vec::new(), has_last: false };
        #[cfg(target_arch = "x86_64")]
        let is_wide = arguments.isa().name().starts_with("avx512");
        #[cfg(target_arch = "x86_64")]
        for (name, peak, call) in
            [("fused multiply-adds", Peak::Fma, peaks::fma(is_wide)), ("dot products of bytes", Peak::Dots, peaks::dots(is_wide))]
        {
            if let Some((multiply_adds, work)) = call {
                table.controls.push((peak, table.rows.len()));
                table.rows.push(Row { name: name.into(), peak, multiply_adds, work: Box::new(work) });
            }
        }
        table
    }

    fn add(&mut self, name: String, peak: Peak, multiply_adds: usize, work: impl FnMut() + 'a) {
        let filters = &self.arguments.filters;
        let wanted = filters.is_empty() || filters.iter().any(|filter| name.contains(filter));
        if wanted {
            let peak = if peak == Peak::Before && !self.has_last { Peak::Itself } else { peak };
            self.rows.push(Row { name, peak, multiply_adds, work: Box::new(work) });
        }
        self.has_last = wanted;
    }

    /// Runs all rows in turns and prints their medians.
    fn print(mut self) {
        let timed = |work: &mut Box<dyn FnMut() + 'a>, times: usize| {
            let start = Instant::now();
            (0..times).for_each(|_| work());
            start.elapsed().as_secs_f64() / times as f64
        };
        let times: Vec<usize> = self
            .rows
            .iter_mut()
            .map(|row| {
                timed(&mut row.work, 1);
                ((0.04 / timed(&mut row.work, 1)) as usize).clamp(1, 1000)
            })
            .collect();
        let mut samples = vec![Vec::new(); self.rows.len()];
        for _ in 0..self.arguments.turns.max(1) {
            for ((row, times), samples) in self.rows.iter_mut().zip(&times).zip(&mut samples) {
                samples.push(row.multiply_adds as f64 / timed(&mut row.work, *times) / 1e9);
            }
        }
        let medians: Vec<f64> = samples
            .into_iter()
            .map(|mut samples| {
                samples.sort_by(f64::total_cmp);
                samples[samples.len() / 2]
            })
            .collect();
        let peak = |of: Peak| self.controls.iter().find(|(peak, _)| *peak == of).map(|(_, row)| medians[*row]);
        println!("\n| {} | G multiply-adds/s | ratio |\n|---|---|---|", self.title);
        for (index, (row, median)) in self.rows.iter().zip(&medians).enumerate() {
            let (of, against) = match row.peak {
                Peak::Itself => ("", None),
                Peak::Dots if peak(Peak::Dots).is_some() => ("of dot products", peak(Peak::Dots)),
                Peak::Fma | Peak::Dots => ("of fused multiply-adds", peak(Peak::Fma)),
                Peak::Before => ("times the row before", index.checked_sub(1).map(|before| medians[before])),
            };
            let part = against.map_or(String::new(), |against| format!("{:.3} {of}", median / against));
            println!("| {} | {median:.2} | {part} |", row.name);
        }
    }
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
        gemm::gemm(m, N, K, to, 1, n, false, x, 1, k, weights, k, 1, 0.0, 1.0, false, false, false, one);
    }
}

/// Presets, whether sums of their pairs are dot products of bytes, and the bytes of a number in a packed weight, its part of a scale with it.
const SCHEMES: [(&str, bool, f64); 6] = [
    ("ocp::MXFP4", true, 0.5 + 2.0 / 32.0),
    ("nvfp4::MODEL_OPTIMIZER", true, 0.5 + 2.0 / 16.0),
    ("ocp::MXFP8_E4M3", false, 1.0 + 2.0 / 32.0),
    ("fp8::TENSOR_E4M3", false, 1.0),
    ("ocp::MXFP6_E2M3", true, 1.0 + 2.0 / 32.0),
    ("int::INT8_G32", true, 1.0 + 4.0 / 32.0),
];

/// A product as a row.
fn product<'a>(table: &mut Table<'a>, name: String, peak: Peak, product: Matmul<'a>, a: Operand<'a>, b: Operand<'a>) {
    let (m, n, k) = (a.rows(), b.rows(), a.cols());
    let mut out = vec![0f32; m * n];
    table.add(name, peak, m * n * k, move || product.multiply_into(a, b, black_box(&mut out)).expect("shapes that fit"));
}

/// One thread, every scheme by three heights; one row beside reading as many bytes as the packed weight has.
fn products(arguments: &Arguments, weights: &[f32]) {
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
        let mut table = Table::new(title, arguments);
        let mut out = vec![0f32; m * N];
        table.add("gemm 0.19, f32".into(), Peak::Fma, m * N * K, move || gemm_f32(m, x, weights, &mut out));
        for (((name, are_dots, width), right), (left, packed)) in SCHEMES.into_iter().zip(&rights).zip(lefts.iter().zip(&packed)) {
            let pair = if are_dots { Peak::Dots } else { Peak::Fma };
            let by = |accumulator| Matmul::new().accumulator(accumulator).exec(arguments.exec());
            for (sums, accumulator) in [("F32", Accumulator::F32), ("BlockF32", Accumulator::BlockF32)] {
                let label = format!("f32 x {name}, {sums}, packed");
                product(&mut table, label, Peak::Fma, by(accumulator), numbers, packed.into());
            }
            let blocks = by(Accumulator::BlockF32);
            product(&mut table, format!("{name} x {name}, BlockF32, stored"), pair, blocks, left.into(), right.into());
            product(&mut table, format!("{name} x {name}, BlockF32, packed"), pair, blocks, left.into(), packed.into());
            #[cfg(target_arch = "x86_64")]
            if let (1, Some(read)) = (m, peaks::read()) {
                let bytes = &bytes[..(width * (N * K) as f64) as usize];
                table.add(format!("{name}: the weight only read"), Peak::Before, N * K, move || read(bytes));
            }
            let _ = (width, &bytes);
        }
        table.print();
    }
}

/// E4M3 under accumulators on every instruction set.
fn accumulators(arguments: &Arguments, weights: &[f32]) {
    let (m, n, k) = (64, 256, 4096);
    let spec = FormatSpec::F8E4M3;
    let codes: Vec<u8> = weights[..n * k].iter().map(|x| spec.encode_f32(*x) as u8).collect();
    let a = Operand::codes(&spec, &codes[..m * k], &[m, k]).expect("a shape that fits");
    let b = Operand::codes(&spec, &codes, &[n, k]).expect("a shape that fits");
    let nearest = |format| Chain::Rounded { format, rounding: Round::NearestEven };
    let mut table = Table::new("E4M3 x E4M3, M = 64, N = 256", arguments);
    for (name, accumulator) in [
        ("F32", Accumulator::F32),
        ("F64", Accumulator::F64),
        ("Exact", Accumulator::Exact),
        ("FP16", Accumulator::Chain(nearest(FormatSpec::F16))),
        ("BF16", Accumulator::Chain(nearest(FormatSpec::BF16))),
        ("E8M13", Accumulator::Chain(nearest(FormatSpec::E8M13))),
        ("FP16 by 128 into F32", Accumulator::Chunked { k: 128, inner: nearest(FormatSpec::F16), outer: Chain::F32 }),
    ] {
        for isa in Isa::available().filter(|isa| arguments.isa.is_none_or(|only| only == *isa)) {
            let by = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(isa));
            product(&mut table, format!("{name}, {}", isa.name()), Peak::Fma, by, a, b);
        }
    }
    table.print();
}

/// The same products on one thread and on two, inside the pool.
#[cfg(feature = "rayon")]
fn threads(arguments: &Arguments, weights: &[f32]) {
    let spec = preset::ocp::MXFP4;
    let right = QuantTensor::quantize(&spec, weights, &[N, K]).expect("a shape that fits");
    let packed = PackedMatrix::new(&right).expect("a tensor");
    let exec = Exec::PARALLEL.with_isa(arguments.isa());
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start"));
    for (m, title) in [(512, "threads, M = 512"), (16, "threads, M = 16")] {
        let left = QuantTensor::quantize(&spec, &weights[..m * K], &[m, K]).expect("a shape that fits");
        let numbers = Operand::numbers(&weights[..m * K], &[m, K]).expect("a shape that fits");
        let mut table = Table::new(title, arguments);
        for (name, a) in [("f32", numbers), ("MXFP4", (&left).into())] {
            for (pool, peak) in pools.iter().zip([Peak::Itself, Peak::Before]) {
                let (mut out, packed) = (vec![0f32; m * N], &packed);
                let threads = pool.current_num_threads();
                table.add(format!("{name} x MXFP4, packed, threads: {threads}"), peak, m * N * K, move || {
                    pool.install(|| Matmul::new().exec(exec).multiply_into(a, packed, black_box(&mut out)))
                        .expect("shapes that fit");
                });
            }
        }
        table.print();
    }
}

fn main() {
    // `cargo test --all-targets` starts it too, with arguments of its own.
    if !std::env::args().any(|argument| argument == "--bench" || argument == "--help") {
        println!("`cargo bench --bench matmul` measures");
        return;
    }
    let arguments = Arguments::parse();
    let weights = inputs(N * K);
    products(&arguments, &weights);
    accumulators(&arguments, &weights);
    #[cfg(feature = "rayon")]
    threads(&arguments, &weights);
}
