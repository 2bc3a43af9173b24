//! Block-scaled tensors, quantized and restored, on every instruction set, beside control rows that
//! move the same bytes of the same buffers and compute nothing: 4 bytes to 1 or ½, 1 or ½ to 4, and
//! a copy.
//!
//! `cargo bench -p subhalf-benches --bench blocks` has ten presets, `-- all` has every preset
//! (a minute). One thread, into buffers that are kept; a
//! tensor that fits the second-level cache and one beyond all caches, numbers on cache lines and 4
//! bytes off. Rows of memory walk through more buffers than any cache holds. Compare ratios to the
//! control rows only.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

mod all;
mod random;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use subhalf::preset::Preset;
use subhalf::{Exec, Isa, Quantizer, preset};

use subhalf_benches::control::{Control, Place, Ring, move_bytes};

const COLS: usize = 1024;

/// Rows, and what they are: 64 Ki and 16 Mi numbers.
const SIZES: [(usize, &str); 2] = [(64, "L2"), (16 << 10, "memory")];

const SCHEMES: [&str; 10] = [
    "ocp::MXFP8_E4M3",
    "ocp::MXFP6_E2M3",
    "ocp::MXFP4",
    "torchao::NVFP4",
    "modelopt::NVFP4",
    "generic::INT8_G32",
    "generic::INT4_G32",
    "generic::UINT4_G32",
    "generic::FP8_E4M3_128X128",
    "generic::FP8_E4M3_ROW",
];

fn isas(preset: &Preset, size: &str) -> Vec<Isa> {
    // Beyond the caches the widest alone: the others differ in what they compute.
    let all = size == "L2" || preset.name == "ocp::MXFP4";
    Isa::available().filter(|isa| all || *isa == Isa::best()).collect()
}

fn benches(criterion: &mut Criterion) {
    for ((rows, size), (off, place)) in
        SIZES.into_iter().flat_map(|size| [(0, "aligned"), (1, "unaligned")].map(|off| (size, off)))
    {
        let length = rows * COLS;
        let mut ring = Ring::new(length, off, size == "memory");
        let numbers = ring.advance().1.x.get().to_vec();
        let schemes = || SCHEMES.into_iter().map(|name| preset::by_name(name).expect("a preset"));
        let throughput = |bytes: usize| Throughput::ElementsAndBytes {
            elements: length as u64,
            bytes: bytes as u64,
        };

        let mut group = criterion.benchmark_group(format!("quantize f32, {size}, {place}"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for (name, control, moved) in [
            ("control: copy", Control::Copy, 8 * length),
            ("control: 4 bytes to 1", Control::FourToOne, 5 * length),
            ("control: 4 bytes to ½", Control::FourToHalf, 4 * length + length / 2),
        ] {
            group.throughput(throughput(moved));
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    let (_, Place { x, y, bytes }) = ring.advance();
                    move_bytes(
                        control,
                        black_box(x.get()),
                        black_box(bytes),
                        black_box(y.get_mut()),
                    );
                });
            });
        }
        for preset in schemes() {
            for isa in isas(preset, size) {
                let quantizer = Quantizer::new(&preset.spec).exec(Exec::SERIAL.with_isa(isa));
                let tensor =
                    quantizer.quantize(&numbers, &[rows, COLS]).expect("a shape that fits");
                group.throughput(throughput(
                    4 * length + tensor.codes().len() + tensor.scales().len(),
                ));
                let mut tensors = vec![tensor; ring.places.len()];
                group.bench_function(BenchmarkId::new(preset.name, isa.name()), |bencher| {
                    bencher.iter(|| {
                        let (turn, place) = ring.advance();
                        quantizer.quantize_into(black_box(place.x.get()), &mut tensors[turn])
                    });
                });
            }
        }
        group.finish();

        let mut group = criterion.benchmark_group(format!("dequantize to f32, {size}, {place}"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for (name, control, moved) in [
            ("control: copy", Control::Copy, 8 * length),
            ("control: copy, streaming", Control::CopyStreaming, 8 * length),
            ("control: 1 byte to 4", Control::OneToFour, 5 * length),
            ("control: 1 byte to 4, streaming", Control::OneToFourStreaming, 5 * length),
            ("control: ½ byte to 4", Control::HalfToFour, 4 * length + length / 2),
        ] {
            group.throughput(throughput(moved));
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    let (_, Place { x, y, bytes }) = ring.advance();
                    move_bytes(
                        control,
                        black_box(x.get()),
                        black_box(bytes),
                        black_box(y.get_mut()),
                    );
                });
            });
        }
        for preset in schemes() {
            let tensor = Quantizer::new(&preset.spec)
                .quantize(&numbers, &[rows, COLS])
                .expect("a shape that fits");
            group.throughput(throughput(4 * length + tensor.codes().len() + tensor.scales().len()));
            let tensors = vec![tensor; ring.places.len()];
            for isa in isas(preset, size) {
                let exec = Exec::SERIAL.with_isa(isa);
                group.bench_function(BenchmarkId::new(preset.name, isa.name()), |bencher| {
                    bencher.iter(|| {
                        let (turn, place) = ring.advance();
                        tensors[turn].view().dequantize_into(black_box(place.y.get_mut()), exec)
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(chosen, benches);

fn main() {
    // Criterion would take the word for a filter of its own rows.
    if std::env::args().nth(1).is_some_and(|word| word == "all") {
        return all::run();
    }
    chosen();
    Criterion::default().configure_from_args().final_summary();
}
