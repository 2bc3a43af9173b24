//! Fused multiply-adds of mixed formats: three formats into a fourth, one rounding.

use super::in_every_rounding;
use super::operation::{Operand, Operation, Placed};
use super::wide::Random;
use crate::exact::{Referee, Tally, bf16, f16, over, referee_of};

/// The formats of a, b, c and of the result.
const TRIPLES: [[&str; 4]; 12] = [
    ["F8E4M3", "F8E4M3", "F16", "F16"],
    ["F8E4M3", "F8E5M2", "F16", "F16"],
    ["F8E5M2", "F8E5M2", "F16", "BF16"],
    ["F8E4M3", "F8E4M3", "BF16", "BF16"],
    ["F4E2M1", "F8E4M3", "F16", "F8E4M3"],
    ["F4E2M1", "F4E2M1", "F8E4M3", "F8E5M2"],
    ["F6E3M2", "F6E2M3", "F8E5M2", "F16"],
    ["F6E2M3", "F6E2M3", "F8E4M3", "F6E3M2"],
    ["F8E4M3FNUZ", "F8E5M2FNUZ", "F16", "F8E4M3FNUZ"],
    ["F16", "F8E4M3", "F16", "F8E5M2"],
    ["BF16", "F8E4M3", "BF16", "F16"],
    ["F16", "F16", "BF16", "F8E4M3IEEE"],
];

/// A format, what its codes stand for, and those that are special.
struct Side {
    referee: Referee,
    operands: Vec<Option<Operand>>,
    special: Vec<u32>,
}

impl Side {
    fn new(name: &str) -> Self {
        let referee = match name {
            "F16" => f16(),
            "BF16" => bf16(),
            _ => referee_of(name),
        };
        let operands = Operand::all(&referee);
        let spec = referee.spec;
        let min_normal = spec.min_normal_code().unwrap_or(1);
        let magnitudes = [
            0,
            1,
            min_normal - 1,
            min_normal,
            spec.encode_f32(1.0),
            spec.max_code(),
            spec.infinity_code().unwrap_or(0),
            spec.nan_code().unwrap_or(0),
        ];
        let special = magnitudes.iter().flat_map(|code| [*code, code | referee.sign_bit]).collect();
        Self { referee, operands, special }
    }

    fn code(&self, word: u64) -> u32 {
        word as u32 & ((1u64 << self.referee.spec.bits()) - 1) as u32
    }
}

fn check(tally: &mut Tally, sides: &[Side; 4], codes: [u32; 3]) {
    let [a, b, c, result] = sides;
    let operands = [(a, codes[0]), (b, codes[1]), (c, codes[2])]
        .map(|(side, code)| side.operands[code as usize]);
    let [Some(x), Some(y), Some(z)] = operands else { return };
    let placed = Placed::new(&result.referee, Operation::MulAdd.exact([x, y, z]));
    let spec = result.referee.spec;
    for convert in in_every_rounding(spec.default_convert()) {
        let expected = placed.expected(&result.referee, &convert);
        let [a, b, c] = [a, b, c].map(|side| &side.referee.spec);
        let found = spec.mul_add_of((a, codes[0]), (b, codes[1]), (c, codes[2]), &convert, 0);
        tally.judge(expected, (found.code, found.flags.bits()), || {
            format!("{a} · {b} + {c} to {spec}: {codes:x?} {convert:?}")
        });
    }
}

fn check_triples(count: u64) -> u64 {
    over(&TRIPLES, |names, tally| {
        let sides = names.map(Side::new);
        let mut random = Random(names.iter().map(|name| name.len() as u64).sum());
        for &a in &sides[0].special {
            for &b in &sides[1].special {
                for &c in &sides[2].special {
                    check(tally, &sides, [a, b, c]);
                }
            }
        }
        for _ in 0..count {
            let words = [random.next(), random.next(), random.next()];
            let codes = [0, 1, 2].map(|side| sides[side].code(words[side] >> 8));
            check(tally, &sides, codes);
        }
    })
}

#[test]
fn fused_multiply_add_of_mixed_formats_is_rounded_once() {
    let compared = check_triples(20_000);
    assert!(compared >= 2_000_000, "only {compared} comparisons");
}

#[test]
#[ignore = "10^7 triples in nine roundings: minutes"]
fn fused_multiply_add_of_ten_million_mixed_triples_is_rounded_once() {
    let compared = check_triples(850_000);
    eprintln!("{compared} fused multiply-adds of mixed formats");
    assert!(compared >= 90_000_000, "only {compared} comparisons");
}
