//! Models of this processor's own instructions, compared with the instructions.

use super::preset::{MatrixUnit, x86};
use super::spec::MmaSpec;
use crate::kernel::gemm::{Lanes, MicroTile, WordDots, WordInstruction};
use crate::kernel::{DIRECTED, Isa};
use crate::random::philox4x32_10;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// Sixteen lanes of random words.
fn words(case: u32, what: u32) -> Lanes<u32> {
    core::array::from_fn(|lane| philox4x32_10([case, lane as u32, what, 0], [3, 4])[0])
}

/// The instruction on every instruction set that has it.
fn on_all(instruction: WordInstruction) -> Vec<WordDots> {
    Isa::available().filter_map(|isa| WordDots::new(isa, instruction, false)).collect()
}

/// One word of sixteen rows by one of sixteen columns.
fn by_instruction(dots: &WordDots, c: &MicroTile<u32>, a: Lanes<u32>, b: Lanes<u32>) -> [u32; 256] {
    let mut sums = *c;
    dots.go_on(16, &[a], &[b], &mut sums);
    let mut found = [0; 256];
    found.copy_from_slice(sums.as_flattened());
    found
}

/// Compares 256 sums with a unit; NaN as a class, since a payload is not modelled.
fn check(all: &[WordDots], unit: &MmaSpec, c: &MicroTile<u32>, a: Lanes<u32>, b: Lanes<u32>) {
    for dots in all {
        let found = by_instruction(dots, c, a, b);
        for (i, (found, c)) in found.iter().zip(c.as_flattened()).enumerate() {
            let (a, b) = (a[i / 16], b[i % 16]);
            let parts = |word: u32| -> Vec<u32> {
                let bits = 32 / dots.positions();
                (0..dots.positions()).map(|k| word >> (k * bits) & ((1 << bits) - 1)).collect()
            };
            let expected = unit.dot(&parts(a), &parts(b), *c).unwrap();
            let class = |bits: u32| {
                let nan = dots.are_f32s() && f32::from_bits(bits).is_nan();
                if nan { 0x7FC0_0000 } else { bits }
            };
            assert_eq!(class(*found), class(expected), "{dots:?} {c:08x} {a:08x} {b:08x}");
        }
    }
}

/// 4,000 tiles of 256 sums, every second of which has the numbers that `near` makes.
fn check_a_million(
    instruction: WordInstruction,
    unit: &MmaSpec,
    near: impl Fn(u32, &mut u32, &mut u32, &mut u32),
) {
    let all = on_all(instruction);
    if all.is_empty() {
        // A processor without the instruction.
        return;
    }
    for case in 0..4_000 {
        let [mut a, mut b] = [words(case, 1), words(case, 2)];
        let mut c: MicroTile<u32> = core::array::from_fn(|row| words(case, 16 + row as u32));
        if case % 2 == 1 {
            for row in 0..16 {
                for lane in 0..16 {
                    near(row as u32, &mut c[row][lane], &mut a[row], &mut b[lane]);
                }
            }
        }
        check(&all, unit, &c, a, b);
    }
}

#[test]
fn vdpbf16ps_is_the_instruction_on_a_million_lanes_and_all_specials() {
    let unit = x86::VDPBF16PS.first();
    check_a_million(WordInstruction::Bf16, &unit, |_, c, a, b| {
        // Exponents near one another, where additions round and cancel.
        let near = |x: u32| x & 0x83FF_83FF | 0x3C00_3C00;
        (*a, *b, *c) = (near(*a), near(*b), *c & 0x83FF_FFFF | 0x3C00_0000);
    });
    let all = on_all(WordInstruction::Bf16);
    let specials: Vec<u32> = [0, 1, 0x7F, 0x80, 0x3F80, 0x7F7F, 0x7F80, 0x7FC0, 0x4B80, 0x3380]
        .iter()
        .flat_map(|x| [*x, x | 0x8000])
        .collect();
    let special = |i: usize| specials[i % specials.len()];
    for x in 0..specials.len() {
        for low in [0, 1] {
            for z in 0..specials.len() {
                let c = [[special(z) << 16 | low; 16]; 16];
                let a = core::array::from_fn(|row| special(x) | special(row + z) << 16);
                for second in [0, 16] {
                    let b = core::array::from_fn(|lane| {
                        special(lane + second) | special(7 * lane + x + 3) << 16
                    });
                    check(&all, &unit, &c, a, b);
                }
            }
        }
    }
}

/// The table decides whether products run on the instruction.
#[test]
fn the_directed_vectors_are_those_of_the_preset() {
    let pair = |word: u32| [word & 0xFFFF, word >> 16];
    for [c, a, b, d] in DIRECTED {
        let found = x86::VDPBF16PS.first().dot(&pair(a), &pair(b), c).unwrap();
        assert_eq!(found, d, "{c:08x} {a:08x} {b:08x}");
    }
}

#[test]
fn integer_units_are_the_instructions_on_a_million_lanes() {
    let spec = |unit: MatrixUnit| unit.spec(FormatSpec::UINT8, FormatSpec::INT8).unwrap();
    for (instruction, unit) in [
        (WordInstruction::Bytes, x86::VPDPBUSD),
        (WordInstruction::ClampedBytes, x86::VPDPBUSDS),
        (WordInstruction::BytePairs, x86::VPMADDUBSW),
    ] {
        check_a_million(instruction, &spec(unit), |row, c, a, _| {
            // Near both ends, where sums wrap or saturate; large bytes, where pairs do.
            let end = if *c & 1 == 0 { 0x7FFF_FFFF } else { 0x8000_0000 };
            (*c, *a) = (end ^ *c >> 15, *a | if row % 2 == 0 { 0x8080_8080 } else { 0 });
        });
    }
}
