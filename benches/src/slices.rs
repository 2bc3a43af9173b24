//! What `ours` and `theirs` share: the inputs, the buffers, the clock, and the check of every
//! result against subhalf's reference codec.

use std::hint::black_box;
use std::time::Instant;

use subhalf::{Exec, FormatSpec, SliceConverter};

/// In the second-level cache, and beyond all but the largest last-level caches.
pub const SIZES: [(usize, &str); 2] = [(64 << 10, "L2"), (16 << 20, "memory")];

/// What a row is held to take in all, and the least of its samples: short ones, because other
/// programs interrupt long ones.
const SECONDS: [f64; 2] = [0.25, 0.001];

/// At a cache line, and touched: pages that are only promised would be made while the clock runs.
struct Buffer<T> {
    elements: Vec<T>,
    start: usize,
}

impl<T: Copy> Buffer<T> {
    fn new(length: usize, f: impl FnMut(usize) -> T) -> Self {
        let mut f = f;
        let mut elements = vec![f(0); length + 64 / size_of::<T>()];
        let start = black_box(elements.as_ptr()).align_offset(64);
        elements[start..start + length].iter_mut().enumerate().for_each(|(i, x)| *x = f(i));
        elements.truncate(start + length);
        Self { elements, start }
    }

    fn get(&self) -> &[T] {
        &self.elements[self.start..]
    }

    fn get_mut(&mut self) -> &mut [T] {
        &mut self.elements[self.start..]
    }
}

/// Nearly normal(0, 1), every 1024th 64 times as large. `SplitMix64` at an index, of which four
/// words make a sum.
fn input(i: usize) -> f32 {
    let x = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let x = x ^ (x >> 31);
    let sum = (0..4).map(|word| (x >> (16 * word)) as u16 as f32 / 65536.0 - 0.5).sum::<f32>();
    sum * 3.0f32.sqrt() * if i.is_multiple_of(1024) { 64.0 } else { 1.0 }
}

/// One format at one size: rows are timed on the same inputs, and on the same codes.
pub struct Bench {
    name: String,
    spec: FormatSpec,
    x: Buffer<f32>,
    y: Buffer<f32>,
    codes: Vec<u16>,
}

impl Bench {
    pub fn new((length, size): (usize, &str), spec: FormatSpec) -> Self {
        let (x, y) = (Buffer::new(length, input), Buffer::new(length, |_| 1.0));
        let mut codes = vec![0; length];
        SliceConverter::new(&spec).exec(Exec::SERIAL).encode(x.get(), &mut codes).expect("as many");
        let name = spec.name();
        let name = name
            .strip_prefix("F8")
            .or(name.strip_prefix("F6"))
            .or(name.strip_prefix("F4"))
            .unwrap_or(name);
        Self { name: format!("{size}, {name}"), spec, x, y, codes }
    }

    /// A row that encodes; `code` gives a library's code as bits.
    pub fn encode<C: Copy>(
        &mut self,
        library: &str,
        of: fn(u16) -> C,
        code: fn(C) -> u16,
        encode: impl Fn(&[f32], &mut [C]),
    ) {
        let name = format!("{} encode", self.name);
        let probes = probes(&self.spec);
        let mut found = vec![of(1); probes.len()];
        encode(&probes, &mut found);
        let expected = |x: f32| self.spec.encode_f32(x) as u16;
        let wrong = probes.iter().zip(&found).filter(|(x, found)| code(**found) != expected(**x));
        let said = wrong
            .map(|(x, found)| format!("{x:e} is {:#x}, not {:#x}", code(*found), expected(*x)));
        differences(&name, library, probes.len(), said.collect());
        let mut codes = Buffer::new(self.x.get().len(), |_| of(1));
        let (x, codes) = (self.x.get(), codes.get_mut());
        print(&name, library, x.len(), || encode(black_box(x), black_box(codes)));
    }

    /// A row that decodes; `of` makes a library's code of bits.
    pub fn decode<C: Copy>(
        &mut self,
        library: &str,
        of: fn(u16) -> C,
        decode: impl Fn(&[C], &mut [f32]),
    ) {
        let name = format!("{} decode", self.name);
        let numbers: Vec<u16> = (0..1 << self.spec.bits())
            .filter(|code| self.spec.decode_f32(*code).is_finite())
            .map(|code| code as u16)
            .collect();
        let mut found = vec![1.0; numbers.len()];
        decode(&numbers.iter().map(|code| of(*code)).collect::<Vec<C>>(), &mut found);
        let expected = |code: u16| self.spec.decode_f32(code.into());
        let wrong = numbers
            .iter()
            .zip(&found)
            .filter(|(code, found)| found.to_bits() != expected(**code).to_bits());
        let said =
            wrong.map(|(code, found)| format!("{code:#x} is {found:e}, not {:e}", expected(*code)));
        differences(&name, library, numbers.len(), said.collect());
        let codes = Buffer::new(self.codes.len(), |i| of(self.codes[i]));
        let (codes, y) = (codes.get(), self.y.get_mut());
        print(&name, library, codes.len(), || decode(black_box(codes), black_box(y)));
    }
}

/// Inputs of the check, all in the format's range: what is timed, every number, the middle between
/// it and the next, the f32s beside those.
fn probes(spec: &FormatSpec) -> Vec<f32> {
    let numbers: Vec<f32> =
        spec.values().map(|(_, number)| number.to_f32()).filter(|x| x.is_finite()).collect();
    let middles = numbers.windows(2).flat_map(|pair| {
        let middle = pair[0] / 2.0 + pair[1] / 2.0;
        [middle.next_down(), middle, middle.next_up()]
    });
    let max = spec.max().to_f32();
    let timed = (0..SIZES[0].0).map(input).filter(|x| x.abs() <= max);
    timed.chain(middles).chain(numbers.iter().copied()).chain([-0.0]).collect()
}

fn differences(name: &str, library: &str, all: usize, wrong: Vec<String>) {
    if let Some(first) = wrong.first() {
        println!("differs\t{name}\t{library}: {} of {all}; {first}", wrong.len());
    }
}

/// Times the work and prints the best sample, in 10^9 elements a second.
fn print(name: &str, library: &str, elements: usize, work: impl FnMut()) {
    let mut work = work;
    let mut time = |repetitions: u32| {
        let start = Instant::now();
        (0..repetitions).for_each(|_| work());
        start.elapsed().as_secs_f64() / f64::from(repetitions)
    };
    let (first, begun) = (time(1).min(time(1)), Instant::now());
    let repetitions = (SECONDS[1] / first).ceil() as u32;
    let mut best = f64::INFINITY;
    let mut samples = 0;
    while samples < 3 || begun.elapsed().as_secs_f64() < SECONDS[0] {
        best = best.min(time(repetitions));
        samples += 1;
    }
    println!("{name}\t{library}\t{}", elements as f64 / best / 1e9);
}
