//! A digest of what every preset and every accumulator makes: code that only moves must not change
//! a line of it.
//!
//! The lines are `tests/golden/digests.tsv`, made by this crate itself, so they show that bits stay
//! and not that they are right; the golden arrays of other programs and the naive twins show that.
//! `SUBHALF_WRITE=1 cargo test --test all digest` writes the file anew after a change that is
//! meant.

use crate::matmul::inputs::{Random, pairs};
use crate::matmul::{accumulators, run, shape, sides};
use std::fmt::Write as _;
use subhalf::{Dither, Error, Matmul, QuantTensor, preset};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/digests.tsv");

/// FNV-1a of 64 bits.
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

/// Numbers of many magnitudes, some of their blocks zeros; `wild` ones are any f32s, NaNs and
/// infinities among them.
fn numbers(len: usize, wild: bool) -> Vec<f32> {
    let mut random = Random(if wild { 77 } else { 7 });
    let number = |i: usize| match (wild, random.next() as u32) {
        (true, bits) if i.is_multiple_of(3) => f32::from_bits(bits),
        (_, bits) if i / 256 % 9 == 4 => f32::from_bits(bits & 0x8000_0000),
        (_, bits) => {
            let exponent = (i / 64 % 24) as i32 - 12;
            (bits as i32 as f32 / 2f32.powi(31)) * 2f32.powi(exponent)
        }
    };
    (0..len).map(number).collect()
}

/// Codes, scales, offsets, the tensor scale and the numbers that they stand for.
fn of_preset(preset: &preset::Preset, numbers: &[f32], dims: &[usize]) -> Result<u64, Error> {
    let tensor = QuantTensor::quantize(&preset.spec, numbers, dims)?;
    let mut digest = Digest::new();
    for part in [
        tensor.codes(),
        tensor.scales(),
        tensor.offsets(),
        &tensor.tensor_scale().to_bits().to_le_bytes(),
    ] {
        digest.bytes(&(part.len() as u64).to_le_bytes());
        digest.bytes(part);
    }
    tensor.dequantize().iter().for_each(|x| digest.bytes(&x.to_bits().to_le_bytes()));
    Ok(digest.0)
}

#[test]
fn digests_of_presets_and_products_stay() {
    let mut lines = String::new();
    for preset in preset::all() {
        // Whole blocks in long rows, tiles and blocks that end early, one short row.
        for (dims, wild) in
            [([6, 1024], false), ([131, 152], false), ([1, 77], false), ([9, 640], true)]
        {
            let found = match of_preset(preset, &numbers(dims[0] * dims[1], wild), &dims) {
                Ok(digest) => format!("{digest:016x}"),
                Err(error) => error.to_string(),
            };
            writeln!(
                lines,
                "{}\t{dims:?}{}\t{found}",
                preset.name,
                if wild { " wild" } else { "" }
            )
            .unwrap();
        }
    }
    let mut products = 0;
    for (at, pair) in pairs().into_iter().enumerate() {
        let index = 3 * at + at % 5;
        let [batch, m, n, k] = shape(&mut Random(index as u64), 1 + index);
        let dims = [batch, 2 + m, 17 + n, 33 + k];
        let (a, b) = sides(pair, index, dims);
        for (which, accumulator) in accumulators(pair, index, dims[3]).into_iter().enumerate() {
            let matmul = Matmul::new().accumulator(accumulator).dither(Dither::new(index as u64));
            let mut digest = Digest::new();
            run(&matmul, &a, &b).iter().for_each(|bits| digest.bytes(&bits.to_le_bytes()));
            let kind = format!("{accumulator:?}");
            let kind = kind.split(['(', ' ']).next().unwrap_or_default();
            writeln!(lines, "pair {at} {dims:?}\t{which} {kind}\t{:016x}", digest.0).unwrap();
            products += 1;
        }
    }
    assert!(products >= 300, "{products} products");
    let mut all = Digest::new();
    all.bytes(lines.as_bytes());
    eprintln!("{} presets, {products} products: digest {:016x}", preset::all().count(), all.0);
    if std::env::var_os("SUBHALF_WRITE").is_some() {
        std::fs::write(GOLDEN, &lines).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    for (found, expected) in lines.lines().zip(golden.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(lines.lines().count(), golden.lines().count());
}
