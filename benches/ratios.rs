//! What conversions reach of rows that move the same bytes and compute nothing, all in turns: the
//! figures of docs/benchmarks.md, and what to look at after a kernel was changed. `convert` and
//! `blocks` have more rows, one after another.
//!
//! `cargo bench -p subhalf-benches --bench ratios`, a minute, or `-- --help`. One thread but for
//! the last table; numbers in the second-level cache, and beyond all caches: as many buffers as
//! that takes, 1.5 GB beside a last-level cache of 300 MiB.

use std::cell::RefCell;
use std::hint::black_box;

use clap::Parser;
use subhalf::{
    BitOrder, Convert, Dither, Exec, FormatSpec, Hadamard, Quantizer, Round, SliceConverter,
    Stochastic, preset,
};

use subhalf_benches::control::{Control, Place, Ring, move_bytes, number};
use subhalf_benches::turns::{Pace, RowId, Table, Turns};

/// Conversions as parts of what moving their bytes takes.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    turns: Turns,
    /// Numbers one behind a cache line.
    #[arg(long)]
    unaligned: bool,
}

/// Many short turns: bursts of a neighbour last longer than a row's turn.
const PACE: Pace = Pace { unit: "elements", turns: 61, seconds: 0.004 };

/// Of a row of a tensor.
const COLS: usize = 1024;

/// Slices and what one code takes.
const SLICES: [FormatSpec; 7] = [
    FormatSpec::F8E4M3,
    FormatSpec::F8E5M2,
    FormatSpec::F6E3M2,
    FormatSpec::F6E2M3,
    FormatSpec::F4E2M1,
    FormatSpec::HIF8,
    FormatSpec::INT8,
];

/// Tensors, and whether two codes share a byte.
const TENSORS: [(&str, bool); 7] = [
    ("ocp::MXFP8_E4M3", false),
    ("ocp::MXFP6_E2M3", false),
    ("ocp::MXFP4", true),
    ("torchao::NVFP4", true),
    ("modelopt::NVFP4", true),
    ("generic::INT8_G32", false),
    ("generic::UINT4_G32", true),
];

/// A table of so many numbers, and where they are.
struct Rows<'a> {
    table: Table<'a>,
    ring: &'a RefCell<Ring>,
    length: usize,
}

impl<'a> Rows<'a> {
    fn control(&mut self, name: &str, control: Control) -> RowId {
        let ring = self.ring;
        self.table.control(name, self.length, move || {
            let mut ring = ring.borrow_mut();
            let Place { x, y, bytes } = ring.advance().1;
            move_bytes(control, black_box(x.get()), black_box(bytes), black_box(y.get_mut()));
        })
    }

    fn add(
        &mut self,
        name: String,
        against: &[RowId],
        mut work: impl FnMut(usize, &[f32], &mut [u8], &mut [f32]) + 'a,
    ) {
        let ring = self.ring;
        self.table.add(name, against.iter().copied(), self.length, move || {
            let mut ring = ring.borrow_mut();
            let (turn, Place { x, y, bytes }) = ring.advance();
            work(turn, black_box(x.get()), black_box(bytes), black_box(y.get_mut()));
        });
    }
}

/// All rows in the second-level cache, some beyond the caches.
fn rows(title: &'static str, length: usize, is_memory: bool, arguments: &Arguments) {
    let exec = Exec::SERIAL.with_isa(arguments.turns.isa());
    let mut ring = Ring::new(length, usize::from(arguments.unaligned), is_memory);
    let (places, numbers) = (ring.places.len(), ring.advance().1.x.get().to_vec());
    let ring = RefCell::new(ring);
    let mut rows = Rows { table: Table::new(title, PACE, &arguments.turns), ring: &ring, length };

    let narrow = rows.control("4 bytes to 1", Control::FourToOne);
    let pack = rows.control("4 bytes to ½", Control::FourToHalf);
    let (mut widen, mut unpack, mut copy) = (
        vec![rows.control("1 byte to 4", Control::OneToFour)],
        vec![rows.control("½ byte to 4", Control::HalfToFour)],
        vec![rows.control("copy", Control::Copy)],
    );
    if is_memory {
        let streaming = rows.control("1 byte to 4, streaming", Control::OneToFourStreaming);
        widen.push(streaming);
        unpack.push(streaming);
        copy.push(rows.control("copy, streaming", Control::CopyStreaming));
    }

    for spec in SLICES.into_iter().filter(|spec| !is_memory || *spec == FormatSpec::F8E4M3) {
        let policy = spec.default_convert();
        let mut encode = |name: String, policy: Convert| {
            rows.add(name, &[narrow], move |_, x, bytes, _| {
                SliceConverter::new(&spec)
                    .convert(&policy)
                    .dither(Dither::new(1))
                    .exec(exec)
                    .encode(x, bytes)
                    .expect("lengths are the same");
            });
        };
        encode(format!("encode {spec}"), policy);
        if spec == FormatSpec::F8E4M3 {
            let round = Round::Stochastic { kind: Stochastic::A, bits: 16 };
            encode(format!("encode {spec}, stochastic, 16 bits"), policy.with_round(round));
        }
        rows.add(format!("decode {spec}"), &widen, move |_, _, bytes, y| {
            SliceConverter::new(&spec).exec(exec).decode(bytes, y).expect("lengths are the same");
        });
        rows.add(format!("fake-quantize {spec}, in place"), &copy, move |_, _, _, y| {
            SliceConverter::new(&spec)
                .exec(exec)
                .fake_quantize_in_place(y)
                .expect("no random bits");
        });
        rows.add(format!("fake-quantize {spec}"), &copy, move |_, x, _, y| {
            SliceConverter::new(&spec)
                .convert(&policy)
                .exec(exec)
                .fake_quantize(x, y)
                .expect("lengths are the same");
        });
    }
    for block in [16, 32, 128, 1024] {
        let rotation = Hadamard::new(block).expect("a length that there is");
        rows.add(format!("Hadamard of {block}, in place"), &copy, move |_, _, _, y| {
            rotation.forward_with(y, exec).expect("whole blocks");
        });
    }
    let spec = FormatSpec::F4E2M1;
    rows.add(format!("encode {spec}, packed"), &[pack], move |_, x, bytes, _| {
        let packed = &mut bytes[..x.len() / 2];
        SliceConverter::new(&spec)
            .exec(exec)
            .encode_packed(x, packed, BitOrder::LsbFirst)
            .expect("lengths fit");
    });
    rows.add(format!("decode {spec}, packed"), &unpack, move |_, _, bytes, y| {
        SliceConverter::new(&spec)
            .exec(exec)
            .decode_packed(&bytes[..y.len() / 2], y, BitOrder::LsbFirst)
            .expect("lengths fit");
    });

    for (name, is_packed) in
        TENSORS.into_iter().filter(|(name, _)| !is_memory || *name == "ocp::MXFP4")
    {
        let spec = &preset::by_name(name).expect("a preset").spec;
        let quantizer = Quantizer::new(spec).exec(exec);
        let tensor =
            quantizer.quantize(&numbers, &[length / COLS, COLS]).expect("a shape that fits");
        let (mut tensors, stored) = (vec![tensor.clone(); places], vec![tensor; places]);
        rows.add(
            format!("quantize {name}"),
            &[if is_packed { pack } else { narrow }],
            move |turn, x, _, _| {
                quantizer.quantize_into(x, &mut tensors[turn]).expect("a shape that fits");
            },
        );
        rows.add(
            format!("dequantize {name}"),
            if is_packed { &unpack } else { &widen },
            move |turn, _, _, y| {
                stored[turn].view().dequantize_into(y, exec).expect("a shape that fits");
            },
        );
    }
    rows.table.print();
}

/// 16 Mi numbers in tiles that stay in the second-level cache, on one thread and on two, inside the
/// pool.
fn threads(arguments: &Arguments) {
    use rayon::prelude::*;
    const TILE: usize = 64 << 10;
    let (spec, tiles) = (FormatSpec::F8E4M3, 256);
    let exec = Exec::SERIAL.with_isa(arguments.turns.isa());
    let pools = [1, 2].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start")
    });
    let numbers: Vec<f32> = (0..TILE).map(number).collect();
    let numbers = &numbers;
    let mut table = Table::new("16 Mi numbers in tiles of 64 Ki", PACE, &arguments.turns);
    let mut one = None;
    for pool in &pools {
        let threads = pool.current_num_threads();
        let row =
            table.add(format!("encode {spec}, threads: {threads}"), one, tiles * TILE, move || {
                pool.install(|| {
                    (0..threads).into_par_iter().for_each(|thread| {
                        let (x, mut codes) = (numbers.to_vec(), vec![0u8; TILE]);
                        for _ in (thread..tiles).step_by(threads) {
                            let policy = spec.default_convert();
                            SliceConverter::new(&spec)
                                .convert(&policy)
                                .exec(exec)
                                .encode(black_box(&x), black_box(&mut codes))
                                .expect("as many");
                        }
                    });
                });
            });
        one = one.or(row);
    }
    table.print();
}

fn main() {
    let Some(arguments) = subhalf_benches::turns::arguments::<Arguments>("ratios") else { return };
    rows("64 Ki numbers in L2", 64 << 10, false, &arguments);
    rows("16 Mi numbers, memory", 16 << 20, true, &arguments);
    threads(&arguments);
}
