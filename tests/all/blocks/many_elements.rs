//! Ten million numbers a preset, by the kernels of every instruction set, beside the definition.

use super::inputs::Random;
use super::properties::same;
use std::time::Instant;
use subhalf::preset::Preset;
use subhalf::{
    BlockSpec, Exec, FormatSpec, Isa, Offset, QuantTensor, Quantizer, ScaleRule, preset,
};

/// Numbers a preset, in tensors of some hundred thousand.
const NUMBERS: usize = 10_000_000;
const BLOCKS: usize = 300;

/// A tensor's numbers: of some binades around a power of two, on a grid of few bits, near the
/// smallest numbers, with many zeros, or with infinities and NaN among them.
fn numbers(random: &mut Random, count: usize) -> Vec<f32> {
    let (kind, word) = (random.word() % 6, random.word());
    let factor = f32::powi(2.0, (word % 200) as i32 - 100);
    let usual = f32::powi(2.0, (word % 24) as i32 - 18);
    let number = |random: &mut Random| {
        let x = random.number();
        match kind {
            0 => x * usual,
            // Few mantissa bits: numbers meet the ties of formats.
            1 => f32::from_bits((x * usual).to_bits() & 0xFFFC_0000),
            2 => x * factor,
            // Subnormal f32s of up to 24 bits, and numbers just above.
            3 => f32::from_bits(x.to_bits() & 0x80FF_FFFF),
            4 if !random.word().is_multiple_of(3) => 0.0f32.copysign(x),
            5 if random.word().is_multiple_of(997) => {
                [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, f32::MAX]
                    [(random.word() % 5) as usize]
            }
            _ => x * usual,
        }
    };
    (0..count).map(|_| number(random)).collect()
}

/// Compares tensors of random shapes and numbers until there are enough of them, and returns how
/// many numbers and how many blocks there were.
fn compare(preset: &Preset, random: &mut Random) -> [usize; 2] {
    let spec = &preset.spec;
    // As many scales as a scheme of the same blocks stores.
    let plain =
        BlockSpec::new(FormatSpec::F8E4M3, Some(FormatSpec::E8M0), spec.extent, ScaleRule::Floor);
    let [mut compared, mut blocks] = [0; 2];
    while compared < NUMBERS || blocks < BLOCKS {
        let shape = [1 + random.word() as usize % 400, 1 + random.word() as usize % 2000];
        let x = numbers(random, shape[0] * shape[1]);
        let count = QuantTensor::quantize(&plain, &x, &shape).unwrap().scales().len();
        let scales: Vec<f32> = (0..count).map(|_| random.number().abs()).collect();
        let minima: Vec<f32> = (0..count).map(|_| random.number()).collect();
        let mut quantizer = Quantizer::new(spec);
        if matches!(spec.rule, ScaleRule::Given) {
            let offsets = if matches!(spec.offset, Offset::None) { &[][..] } else { &minima };
            quantizer = quantizer.scales(&scales, offsets);
        }
        let reference = quantizer.quantize_reference(&x, &shape).unwrap();
        for isa in Isa::available() {
            let tensor = quantizer.exec(Exec::PARALLEL.with_isa(isa)).quantize(&x, &shape).unwrap();
            assert!(same(&tensor, &reference), "{} {} {shape:?}", preset.name, isa.name());
        }
        compared += x.len();
        blocks += count;
    }
    [compared, blocks]
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
#[ignore = "ten million numbers for each of 212 presets: half an hour of two cores"]
fn ten_million_numbers_of_every_preset_are_the_definitions() {
    let (mut random, start) = (Random::new(2211), Instant::now());
    let mut all = [0; 2];
    for preset in preset::all() {
        let [numbers, blocks] = compare(preset, &mut random);
        all = [all[0] + numbers, all[1] + blocks];
        println!("{}: {numbers} numbers, {blocks} blocks", preset.name);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} numbers, {} blocks, 0 differ, {seconds:.0} s", all[0], all[1]);
}
