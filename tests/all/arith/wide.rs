//! FP16 and BF16, whose pairs are too many to try: random ones against `rustc_apfloat` (LLVM's
//! APFloat) in its five roundings, and a part of them against the referee in all nine.
//!
//! APFloat knows two flags differently, and there the referee judges alone:
//! * underflow: raised if the delivered result is subnormal and inexact. Here tininess is judged as
//!   if the exponent had no lower bound (IEEE 754-2019, 7.5, "after rounding"): some results that
//!   become the smallest normal number are tiny too.
//! * overflow: not raised where the rounding delivers the largest finite number. IEEE 754-2019,
//!   7.4, raises it.

use super::operation::{DIVIDE_BY_ZERO, Operand, Operation, Outcome, Placed};
use super::{in_every_rounding, used_codes};
use crate::exact::{
    Expected, INEXACT, INVALID, OVERFLOW, Referee, Tally, UNDERFLOW, bf16, f16, over,
};
use rustc_apfloat::ieee::{BFloat, Half, Single};
use rustc_apfloat::{Float, Status, StatusAnd};
use subhalf::{Convert, FormatSpec, Round};

const OPERATIONS: [Operation; 6] = [
    Operation::Add,
    Operation::Sub,
    Operation::Mul,
    Operation::Div,
    Operation::Rem,
    Operation::MulAdd,
];

const ROUNDINGS: [(Round, rustc_apfloat::Round); 5] = [
    (Round::NearestEven, rustc_apfloat::Round::NearestTiesToEven),
    (Round::NearestAway, rustc_apfloat::Round::NearestTiesToAway),
    (Round::TowardZero, rustc_apfloat::Round::TowardZero),
    (Round::Up, rustc_apfloat::Round::TowardPositive),
    (Round::Down, rustc_apfloat::Round::TowardNegative),
];

/// Of so many pairs one is also tried against the referee.
const REFEREED: u64 = 64;

/// A 16-bit format with everything that its comparisons need.
struct Wide {
    referee: Referee,
    operands: Vec<Option<Operand>>,
    smallest_normal: u32,
    largest: u32,
}

impl Wide {
    fn new(referee: Referee) -> Self {
        let (smallest_normal, largest) = (1 << referee.mantissa_bits, referee.largest(false));
        Self { operands: Operand::all(&referee), referee, smallest_normal, largest }
    }

    fn outcome(&self, operation: Operation, codes: [u32; 3]) -> Outcome {
        operation.exact(codes.map(|code| self.operands[code as usize].expect("every code is used")))
    }

    /// NaN is compared as a class.
    fn class_of_nan(&self, (code, flags): Expected) -> Expected {
        let is_nan = matches!(self.operands[code as usize], Some(Operand::Nan { .. }));
        (if is_nan { u32::MAX } else { code }, flags)
    }

    fn check<F: Float>(
        &self,
        tally: &mut Tally,
        operation: Operation,
        codes: [u32; 3],
        mode: usize,
    ) {
        let (round, theirs) = ROUNDINGS[mode];
        let convert = Convert::IEEE.with_round(round);
        let found = self.class_of_nan(operation.found(&self.referee.spec, codes, &convert, 0));
        let mut expected = self.class_of_nan(apfloat::<F>(operation, codes, theirs));
        let boundary = [self.smallest_normal, self.largest].contains(&(expected.0 & 0x7FFF));
        if boundary && expected.1 == INEXACT {
            expected.1 = Placed::new(&self.referee, self.outcome(operation, codes))
                .expected(&self.referee, &convert)
                .1;
        }
        tally.judge(expected, found, || {
            format!("{} {operation:?} {codes:x?} {round:?}", self.referee.spec)
        });
    }

    fn check_exactly(&self, tally: &mut Tally, operation: Operation, codes: [u32; 3]) {
        let placed = Placed::new(&self.referee, self.outcome(operation, codes));
        for convert in in_every_rounding(Convert::IEEE) {
            let expected = placed.expected(&self.referee, &convert);
            let found = operation.found(&self.referee.spec, codes, &convert, 0);
            tally.judge(expected, found, || {
                format!("{} {operation:?} {codes:x?} {convert:?}", self.referee.spec)
            });
        }
    }

    /// All operations on `count` random pairs (and a third number each).
    fn check_pairs<F: Float>(&self, tally: &mut Tally, seed: u64, count: u64) {
        let mut random = Random(seed);
        for turn in 0..count {
            let codes = random.operands::<F>();
            let mode = (turn % 5) as usize;
            for operation in OPERATIONS {
                self.check::<F>(tally, operation, codes, mode);
                if turn % REFEREED == 0 {
                    self.check_exactly(tally, operation, codes);
                }
            }
        }
    }
}

fn apfloat<F: Float>(
    operation: Operation,
    codes: [u32; 3],
    round: rustc_apfloat::Round,
) -> Expected {
    let [a, b, c] = codes.map(|code| F::from_bits(u128::from(code)));
    let StatusAnd { status, value } = match operation {
        Operation::Add => a.add_r(b, round),
        Operation::Sub => a.sub_r(b, round),
        Operation::Mul => a.mul_r(b, round),
        Operation::Div => a.div_r(b, round),
        Operation::Rem => a.c_fmod(b),
        Operation::MulAdd => a.mul_add_r(b, c, round),
        Operation::Sqrt | Operation::Recip => panic!("APFloat has no such operation"),
    };
    let names = [
        (Status::INEXACT, INEXACT),
        (Status::UNDERFLOW, UNDERFLOW),
        (Status::OVERFLOW, OVERFLOW),
        (Status::DIV_BY_ZERO, DIVIDE_BY_ZERO),
        (Status::INVALID_OP, INVALID),
    ];
    let flags = names
        .into_iter()
        .filter(|(theirs, _)| status.contains(*theirs))
        .fold(0, |flags, (_, ours)| flags | ours);
    (value.to_bits() as u32, flags)
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Any codes; one time in four the second number is near the first (sums cancel, remainders and
    /// quotients are small), one time in four the product or the quotient is near the smallest
    /// number; half of the time the third number all but cancels the product.
    fn operands<F: Float>(&mut self) -> [u32; 3] {
        let word = self.next();
        let field = |low: u32, bits: u32| (word >> low) as u32 & ((1 << bits) - 1);
        let (a, mut b, mut c) = (field(0, 16), field(16, 16), field(32, 16));
        let one = F::from_u128(1).value.to_bits() as u32;
        match field(48, 2) {
            // Up to 256 codes beside `a`, with another sign or not.
            0 => {
                b = (a & 0x7FFF).wrapping_add(field(16, 8)).wrapping_sub(128) & 0x7FFF | b & 0x8000;
            }
            // Codes are logarithms but for the mantissa: `a·b`, or `a/b`, has a code of about 0,
            // give or take 4096.
            1 => {
                let small = if field(50, 1) == 0 {
                    one.wrapping_sub(a & 0x7FFF)
                } else {
                    (a & 0x7FFF).wrapping_add(one)
                };
                b = small.wrapping_add(field(16, 13)).wrapping_sub(4096) & 0x7FFF | b & 0x8000;
            }
            _ => {}
        }
        if field(51, 1) == 0 {
            let [x, y] = [a, b].map(|code| F::from_bits(u128::from(code)));
            let product = (x * y).value.to_bits() as u32;
            c = product.wrapping_add(field(32, 3)).wrapping_sub(4) & 0x7FFF
                | (product & 0x8000) ^ 0x8000;
        }
        [a, b, c]
    }
}

fn check_millions(millions: u64) -> u64 {
    let formats = [Wide::new(f16()), Wide::new(bf16())];
    let parts: Vec<_> = (0..2 * 4 * millions).map(|part| ((part % 2) as usize, part)).collect();
    over(&parts, |&(format, seed), tally| match format {
        0 => formats[0].check_pairs::<Half>(tally, seed, 250_000),
        _ => formats[1].check_pairs::<BFloat>(tally, seed, 250_000),
    })
}

#[test]
fn a_million_random_pairs_of_fp16_and_bf16_equal_apfloat() {
    let compared = check_millions(1);
    assert!(compared >= 2 * 6 * 1_000_000, "only {compared} comparisons");
}

#[test]
#[ignore = "10^8 pairs of each format: minutes"]
fn a_hundred_million_random_pairs_of_fp16_and_bf16_equal_apfloat() {
    let compared = check_millions(100);
    assert!(compared >= 2 * 6 * 100_000_000, "only {compared} comparisons");
}

/// Roots, which APFloat lacks, and reciprocals: few enough to try all.
#[test]
fn all_roots_and_reciprocals_of_fp16_and_bf16_are_rounded_once() {
    let compared = over(&[Wide::new(f16()), Wide::new(bf16())], |wide, tally| {
        for (code, _) in used_codes(&wide.referee) {
            for operation in Operation::UNARY {
                wide.check_exactly(tally, operation, [code; 3]);
            }
        }
    });
    assert_eq!(compared, (2 * 2 * 9) << 16);
}

/// The widest significands: nearly all of what an intermediate result can hold is needed.
#[test]
fn a_million_random_pairs_of_f32_equal_apfloat_and_the_roots_equal_the_processor() {
    let spec = FormatSpec::F32;
    let class_of_nan = |(code, flags): Expected| {
        (if f32::from_bits(code).is_nan() { u32::MAX } else { code }, flags)
    };
    let compared = over(&[1u64, 2, 3, 4], |&seed, tally| {
        let mut random = Random(seed);
        for turn in 0..250_000 {
            let (word, more) = (random.next(), random.next());
            let (a, mut b, mut c) = (word as u32, (word >> 32) as u32, more as u32);
            // Half of the exponents close together, half of the third numbers all but the opposite
            // of the product.
            if more >> 32 & 1 == 0 {
                b = a.wrapping_add((b & 0x03FF_FFFF).wrapping_sub(0x0200_0000)) & 0x7FFF_FFFF
                    | b & 0x8000_0000;
            }
            if more >> 33 & 1 == 0 {
                c = (-(f32::from_bits(a) * f32::from_bits(b))).to_bits().wrapping_add(c & 3);
            }
            let (round, theirs) = ROUNDINGS[turn % 5];
            let convert = Convert::IEEE.with_round(round);
            for operation in OPERATIONS {
                let expected = class_of_nan(apfloat::<Single>(operation, [a, b, c], theirs));
                let mut found = class_of_nan(operation.found(&spec, [a, b, c], &convert, 0));
                // Where APFloat has fewer flags, as said above.
                let boundary =
                    [f32::MIN_POSITIVE, f32::MAX].contains(&f32::from_bits(expected.0).abs());
                if boundary && expected.1 == INEXACT {
                    found.1 &= INEXACT;
                }
                tally.judge(expected, found, || {
                    format!("{operation:?} of {a:#x}, {b:#x}, {c:#x} {round:?}")
                });
            }
            let root = class_of_nan((f32::from_bits(a).sqrt().to_bits(), 0));
            let found = class_of_nan((spec.sqrt_with(a, &Convert::IEEE, 0).code, 0));
            tally.judge(root, found, || format!("root of {a:#x}"));
        }
    });
    assert_eq!(compared, 7_000_000);
}
