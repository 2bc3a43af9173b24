//! Slices encoded, decoded, rounded, packed and recoded on every instruction set, beside rows that
//! move the same bytes and compute nothing.
//!
//! `cargo bench -p subhalf-benches --bench convert`, or a part of it:
//! `cargo bench -p subhalf-benches --bench convert -- "encode f32, L2"`. One thread. Ratios to the
//! control rows of the same run are what counts (`ratios` has the main ones in turns). Rows of
//! memory walk through more buffers than any cache holds.

#![allow(missing_docs, reason = "criterion_group! makes a public function")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use subhalf::{
    BitOrder, Convert, Dither, Exec, FormatSpec, Isa, Round, SliceConverter, Stochastic,
};

use subhalf_benches::control::{Control, Ring, move_bytes, number};

/// In the second-level cache, and beyond all caches.
const SIZES: [(usize, &str); 2] = [(64 << 10, "L2"), (16 << 20, "memory")];

const FORMATS: [FormatSpec; 8] = [
    FormatSpec::F8E4M3,
    FormatSpec::F8E5M2,
    FormatSpec::F8E4M3FNUZ,
    FormatSpec::F6E2M3,
    FormatSpec::F4E2M1,
    FormatSpec::HIF8,
    FormatSpec::INT8,
    FormatSpec::POSIT8,
];

/// What a group times, on buffers of one size and place.
struct Bench<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    length: usize,
    memory: bool,
    ring: Ring,
}

impl<'a> Bench<'a> {
    fn new(
        criterion: &'a mut Criterion,
        name: &str,
        (length, size): (usize, &str),
        off: usize,
    ) -> Self {
        let place = if off == 0 { "aligned" } else { "unaligned" };
        let mut group = criterion.benchmark_group(format!("{name}, {size}, {place}"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(800));
        let memory = size == "memory";
        Self { group, length, memory, ring: Ring::new(length, off, memory) }
    }

    /// A row that reads and writes so many bytes an element.
    fn row(
        &mut self,
        name: BenchmarkId,
        moved: f64,
        mut work: impl FnMut(&[f32], &mut [u8], &mut [f32]),
    ) {
        let bytes = (moved * self.length as f64) as u64;
        self.group.throughput(Throughput::ElementsAndBytes { elements: self.length as u64, bytes });
        let ring = &mut self.ring;
        self.group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (_, place) = ring.advance();
                work(
                    black_box(place.x.get()),
                    black_box(&mut place.bytes),
                    black_box(place.y.get_mut()),
                );
            });
        });
    }

    fn control(&mut self, name: &str, control: Control, moved: f64) {
        self.row(BenchmarkId::from_parameter(format!("control: {name}")), moved, |x, bytes, y| {
            move_bytes(control, x, bytes, y);
        });
    }

    /// A row for every instruction set; beyond the caches for the widest alone.
    fn rows(&mut self, name: &str, moved: f64, work: impl Fn(Exec, &[f32], &mut [u8], &mut [f32])) {
        for isa in
            Isa::available().filter(|isa| !self.memory || *isa == Isa::best()).collect::<Vec<Isa>>()
        {
            let exec = Exec::SERIAL.with_isa(isa);
            self.row(BenchmarkId::new(name, isa.name()), moved, |x, bytes, y| {
                work(exec, x, bytes, y);
            });
        }
    }
}

fn encode(spec: &FormatSpec, convert: &Convert, exec: Exec, x: &[f32], codes: &mut [u8]) {
    SliceConverter::new(spec)
        .convert(convert)
        .dither(Dither::new(1))
        .exec(exec)
        .encode(x, codes)
        .expect("lengths are the same");
}

fn benches(criterion: &mut Criterion) {
    for (size, off) in SIZES.into_iter().flat_map(|size| [(size, 0), (size, 1)]) {
        let mut bench = Bench::new(criterion, "encode f32", size, off);
        bench.control("4 bytes to 1", Control::FourToOne, 5.0);
        bench.control("4 bytes to ½", Control::FourToHalf, 4.5);
        for spec in FORMATS {
            bench.rows(spec.name(), 5.0, |exec, x, bytes, _| {
                encode(&spec, &spec.default_convert(), exec, x, bytes);
            });
        }
        for spec in [FormatSpec::F4E2M1, FormatSpec::F6E2M3] {
            let bytes_each = f64::from(spec.bits()) / 8.0;
            bench.rows(&format!("{spec} packed"), 4.0 + bytes_each, |exec, x, bytes, _| {
                let packed = &mut bytes[..(x.len() * spec.bits() as usize).div_ceil(8)];
                let policy = spec.default_convert();
                SliceConverter::new(&spec)
                    .convert(&policy)
                    .exec(exec)
                    .encode_packed(x, packed, BitOrder::LsbFirst)
                    .expect("lengths fit");
            });
        }
        for (name, round) in [
            ("stochastic, 16 bits", Round::Stochastic { kind: Stochastic::A, bits: 16 }),
            ("toward zero", Round::TowardZero),
        ] {
            let spec = FormatSpec::F8E4M3;
            let policy = spec.default_convert().with_round(round);
            bench.rows(&format!("{spec} {name}"), 5.0, |exec, x, bytes, _| {
                encode(&spec, &policy, exec, x, bytes);
            });
        }
        drop(bench);

        let mut bench = Bench::new(criterion, "decode to f32", size, off);
        bench.control("1 byte to 4", Control::OneToFour, 5.0);
        bench.control("1 byte to 4, streaming", Control::OneToFourStreaming, 5.0);
        bench.control("½ byte to 4", Control::HalfToFour, 4.5);
        for spec in FORMATS {
            bench.rows(spec.name(), 5.0, |exec, _, bytes, y| {
                SliceConverter::new(&spec)
                    .exec(exec)
                    .decode(bytes, y)
                    .expect("lengths are the same");
            });
        }
        let spec = FormatSpec::F4E2M1;
        bench.rows("F4E2M1 packed", 4.5, |exec, _, bytes, y| {
            SliceConverter::new(&spec)
                .exec(exec)
                .decode_packed(&bytes[..y.len() / 2], y, BitOrder::LsbFirst)
                .expect("lengths fit");
        });
        drop(bench);

        let mut bench = Bench::new(criterion, "fake-quantize f32", size, off);
        bench.control("copy", Control::Copy, 8.0);
        bench.control("copy, streaming", Control::CopyStreaming, 8.0);
        for spec in FORMATS {
            bench.rows(spec.name(), 8.0, |exec, x, _, y| {
                SliceConverter::new(&spec)
                    .exec(exec)
                    .fake_quantize(x, y)
                    .expect("lengths are the same");
            });
        }
        drop(bench);
    }
    recode(criterion);
    wide(criterion);
}

/// Codes to codes.
fn recode(criterion: &mut Criterion) {
    let (from, to) = (FormatSpec::F8E4M3, FormatSpec::F8E5M2);
    let mut group = criterion.benchmark_group("E4M3 to E5M2, L2");
    let (src, mut dst) =
        ((0..SIZES[0].0).map(|i| i as u8).collect::<Vec<u8>>(), vec![0u8; SIZES[0].0]);
    group.throughput(Throughput::Elements(src.len() as u64));
    group.bench_function("control: copy", |bencher| {
        bencher.iter(|| black_box(&mut dst).copy_from_slice(black_box(&src)));
    });
    for isa in Isa::available() {
        let exec = Exec::SERIAL.with_isa(isa);
        group.bench_function(isa.name(), |bencher| {
            bencher.iter(|| {
                SliceConverter::new(&to).exec(exec).convert_codes(&from, black_box(&src), &mut dst)
            });
        });
    }
}

/// BF16 and FP16, which have no control row; `benches/peers` has the crate `half` beside them.
fn wide(criterion: &mut Criterion) {
    let x: Vec<f32> = (0..SIZES[0].0).map(number).collect();
    let (mut words, mut y) = (vec![0u16; x.len()], vec![0f32; x.len()]);
    for spec in [FormatSpec::BF16, FormatSpec::F16] {
        let mut group = criterion.benchmark_group(format!("{spec}, L2"));
        group.throughput(Throughput::Elements(x.len() as u64));
        for isa in Isa::available() {
            let exec = Exec::SERIAL.with_isa(isa);
            group.bench_function(BenchmarkId::new("encode", isa.name()), |bencher| {
                bencher.iter(|| {
                    SliceConverter::new(&spec).exec(exec).encode(black_box(&x), &mut words)
                });
            });
            group.bench_function(BenchmarkId::new("decode", isa.name()), |bencher| {
                bencher.iter(|| {
                    SliceConverter::new(&spec).exec(exec).decode(black_box(&words), &mut y)
                });
            });
        }
    }
}

criterion_group!(all, benches);
criterion_main!(all);
