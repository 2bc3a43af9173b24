//! What measuring costs: `storage_error` in every named format, `stats` of a tensor in every preset,
//! and the comparisons of slices and tensors, in nanoseconds an element.
//!
//! `cargo bench -p subhalf-benches --bench measures`, some minutes, or with parts of the names of
//! rows to run, or `-- --help`. One thread, 64 Ki f32s in the second-level cache. The control row
//! adds the squares of the same numbers to an f64 one by one, which is what the defined order of
//! sums cannot do without: rows run in turns with it, and a figure counts beside it only.

#![allow(clippy::print_stdout, reason = "it tells what it measured")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use clap::Parser;
use subhalf::preset::Preset;
use subhalf::{
    Dither, ErrorStats, Exec, FormatSpec, Isa, QuantTensor, ScaleRule, amax_scale, preset,
    storage_error,
};

use subhalf_benches::control::number;

/// Nanoseconds an element of all measures, one thread.
#[derive(Parser)]
struct Arguments {
    /// Runs the rows whose names have one of these in them; all without any.
    filters: Vec<String>,
    /// Turns of every row; the median counts.
    #[arg(long, default_value_t = 15)]
    turns: usize,
    /// Rows and columns of the tensor, the product of which is the length of slices.
    #[arg(long, num_args = 2, default_values_t = [64, 1024])]
    shape: Vec<usize>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How a row is measured: what is behind the last turn, in nanoseconds an element.
struct Row {
    name: String,
    limit: f64,
    nanoseconds: f64,
    control: f64,
}

struct Rows<'a> {
    arguments: &'a Arguments,
    numbers: &'a [f32],
    rows: RefCell<Vec<Row>>,
}

impl Rows<'_> {
    /// Whether a row is asked for.
    fn wants(&self, name: &str) -> bool {
        let filters = &self.arguments.filters;
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Runs a row and the control in turns, and prints the medians. `limit` is what the row is
    /// meant to take at most.
    fn run(&self, name: String, limit: f64, mut work: impl FnMut()) {
        if !self.wants(&name) {
            return;
        }
        let elements = self.numbers.len() as f64;
        let nanoseconds = |work: &mut dyn FnMut()| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e9 / elements
        };
        // The first call reads what later ones find in a cache.
        work();
        let (mut times, mut controls) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.turns.max(1) {
            times.push(nanoseconds(&mut work));
            controls.push(nanoseconds(&mut || sum_of_squares(self.numbers)));
        }
        let row = Row { name, limit, nanoseconds: median(times), control: median(controls) };
        print(&row);
        self.rows.borrow_mut().push(row);
    }
}

/// What the defined order asks for: one addition behind the other.
fn sum_of_squares(numbers: &[f32]) {
    let sum = black_box(numbers).iter().fold(0.0, |sum, x| sum + f64::from(*x) * f64::from(*x));
    black_box(sum);
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn print(row: &Row) {
    let Row { name, limit, nanoseconds, control } = row;
    let (times, over) = (nanoseconds / control, if nanoseconds > limit { "  over" } else { "" });
    println!("{name:56} {nanoseconds:8.2} ns   {times:6.2} x control{over}");
}

fn main() {
    // `cargo test --all-targets` starts benchmarks too, with arguments of its own.
    let is_told = std::env::args().any(|argument| argument == "--bench" || argument == "--help");
    if !is_told {
        println!("`cargo bench -p subhalf-benches --bench measures` measures");
        return;
    }
    let arguments = Arguments::parse();
    let shape = &arguments.shape[..];
    let numbers: Vec<f32> = (0..shape.iter().product()).map(number).collect();
    let rows = Rows { arguments: &arguments, numbers: &numbers, rows: RefCell::new(Vec::new()) };
    println!("{} x {} f32s, one thread, {}", shape[0], shape[1], Isa::best().name());

    slices(&rows);
    for preset in preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)) {
        tensor(&rows, preset, shape);
    }

    let mut rows = rows.rows.into_inner();
    rows.sort_by(|a, b| b.nanoseconds.total_cmp(&a.nanoseconds));
    println!("\nthe slowest ten");
    rows.iter().take(10).for_each(print);
    let over = rows.iter().filter(|row| row.nanoseconds > row.limit).count();
    println!("{over} of {} rows take more than they are meant to", rows.len());
}

fn slices(rows: &Rows<'_>) {
    let numbers = rows.numbers;
    let other: Vec<f32> = numbers.iter().map(|x| x * 1.01).collect();
    rows.run("ErrorStats::of".to_owned(), 3.0, || {
        black_box(ErrorStats::of_with(black_box(numbers), &other, Exec::SERIAL).expect("lengths"));
    });
    rows.run("amax_scale".to_owned(), 3.0, || {
        black_box(amax_scale(&FormatSpec::F8E4M3, black_box(numbers), Exec::SERIAL));
    });
    for spec in FormatSpec::ALL {
        let limit = if spec.bits() <= 8 { 3.0 } else { 6.0 };
        let scale = amax_scale(spec, numbers, Exec::SERIAL);
        rows.run(format!("storage_error {spec}"), limit, || {
            let (policy, exec) = (spec.default_convert(), Exec::SERIAL);
            let numbers = black_box(numbers);
            black_box(storage_error(spec, numbers, scale, &policy, Dither::NONE, exec))
                .expect("a policy that can be");
        });
    }
}

fn tensor(rows: &Rows<'_>, preset: &Preset, shape: &[usize]) {
    let stats = format!("stats {}", preset.name);
    if !rows.wants(&stats) {
        return;
    }
    let limit = if preset.spec.element.bits() <= 8 { 3.0 } else { 6.0 };
    let tensor =
        QuantTensor::quantize(&preset.spec, rows.numbers, shape).expect("a shape that fits");
    rows.run(stats, limit, || {
        black_box(tensor.view().stats(black_box(rows.numbers), Exec::SERIAL).expect("a length"));
    });
    // What the tensor's numbers alone take, which is a part of it.
    let mut restored = vec![0.0f32; rows.numbers.len()];
    rows.run(format!("  dequantize in stats {}", preset.name), limit, || {
        tensor.view().dequantize_into(black_box(&mut restored), Exec::SERIAL).expect("a length");
    });
    if preset.name == "ocp::MXFP4" {
        rows.run("diff in stats ocp::MXFP4".to_owned(), 2.0 * limit, || {
            black_box(tensor.view().diff(&tensor.view(), Exec::SERIAL).expect("a shape"));
        });
    }
}
