//! Arithmetic equals exact arithmetic rounded once: codes and flags, every rounding, all operands
//! of every format up to 8 bits.

mod mixed;
mod operation;
mod random_bits;
mod scalars;
pub(crate) mod wide;

use crate::exact::{Referee, Tally, over, referee_of, referees};
use operation::{Operand, Operation, Placed};
use subhalf::{Convert, Encoding, Round, SubnormalInputs};
use wide::Random;

/// The formats with arithmetic: floats (P3109's among them) and HiF8; integers, codebooks and
/// posits convert only.
fn formats() -> Vec<Referee> {
    let takes_part =
        |referee: &Referee| matches!(referee.spec.encoding(), Encoding::Float(_) | Encoding::HiF8);
    referees().into_iter().filter(takes_part).collect()
}

fn is_p3109(referee: &Referee) -> bool {
    referee.spec.name().starts_with("Binary")
}

fn in_every_rounding(convert: Convert) -> [Convert; 9] {
    Round::DETERMINISTIC.map(|round| convert.with_round(round))
}

/// The policies that a format is tested under, each in every rounding.
fn policies(referee: &Referee) -> Vec<Convert> {
    let mut policies = vec![referee.spec.default_convert()];
    if is_p3109(referee) {
        policies.extend([
            Convert::P3109_SAT_FINITE,
            Convert::P3109_SAT_PROPAGATE,
            Convert::P3109_SAT_NONE,
        ]);
    } else {
        policies.extend([Convert::ML_DTYPES, Convert::CUDA_SATFINITE, Convert::GFLOAT]);
    }
    if !referee.signed && referee.zeros.is_none() {
        policies.extend([Convert::ML_DTYPES_E8M0, Convert::EN_DTYPES_E8M0]);
    }
    policies.into_iter().flat_map(in_every_rounding).collect()
}

/// Codes with what they stand for.
fn used_codes(referee: &Referee) -> Vec<(u32, Operand)> {
    let all = Operand::all(referee);
    all.into_iter()
        .enumerate()
        .filter_map(|(code, operand)| Some((code as u32, operand?)))
        .collect()
}

/// One operation on three operands (those that it does not take are ignored) under many policies.
fn check(
    referee: &Referee,
    tally: &mut Tally,
    operation: Operation,
    operands: [(u32, Operand); 3],
    converts: &[Convert],
) {
    let placed = Placed::new(referee, operation.exact(operands.map(|(_, operand)| operand)));
    let codes = operands.map(|(code, _)| code);
    for convert in converts {
        let expected = placed.expected(referee, convert);
        let found = operation.found(&referee.spec, codes, convert, 0);
        tally.judge(expected, found, || {
            let (name, layout) = (referee.spec.name(), referee.spec.encoding());
            format!(
                "{name}: {operation:?} of {operands:x?}\n  {placed:?}\n  {convert:?}\n  {layout:?}"
            )
        });
    }
}

#[test]
fn every_code_but_unused_ones_is_an_operand() {
    for referee in formats() {
        let (operands, spec) = (Operand::all(&referee), referee.spec);
        for (code, operand) in operands.iter().enumerate() {
            let found = spec.decode(code as u32);
            let agrees = match operand {
                Some(Operand::Nan { .. }) => found.is_nan(),
                Some(Operand::Infinite { negative }) => {
                    found.is_infinite() && found.is_negative() == *negative
                }
                Some(Operand::Zero { negative }) => {
                    found.is_zero() && found.is_negative() == *negative
                }
                Some(Operand::Finite(_)) => found.is_finite() && !found.is_zero(),
                None => true,
            };
            assert!(agrees, "{spec} {code:#x}: {operand:?} but {found:?}");
        }
        let named = is_p3109(&referee)
            || subhalf::FormatSpec::ALL.iter().any(|named| named.name() == spec.name());
        assert!(!named || operands.iter().all(Option::is_some), "{spec} has no unused codes");
    }
}

#[test]
fn sums_products_quotients_and_remainders_of_all_pairs_are_rounded_once() {
    let compared = over(&formats(), |referee, tally| {
        let (codes, converts) = (used_codes(referee), policies(referee));
        for &a in &codes {
            for &b in &codes {
                for operation in Operation::BINARY {
                    check(referee, tally, operation, [a, b, b], &converts);
                }
            }
        }
    });
    eprintln!("{compared} operations on pairs");
    assert!(compared >= 600_000_000, "only {compared} comparisons");
}

#[test]
fn roots_and_reciprocals_of_all_codes_are_rounded_once() {
    let compared = over(&formats(), |referee, tally| {
        for a in used_codes(referee) {
            for operation in Operation::UNARY {
                check(referee, tally, operation, [a; 3], &policies(referee));
            }
        }
    });
    assert!(compared >= 700_000, "only {compared} comparisons");
}

#[test]
fn fused_multiply_add_of_all_triples_up_to_6_bits_is_rounded_once() {
    let small: Vec<_> = formats().into_iter().filter(|referee| referee.spec.bits() <= 6).collect();
    let compared = over(&small, |referee, tally| {
        let (codes, converts) =
            (used_codes(referee), in_every_rounding(referee.spec.default_convert()));
        for &a in &codes {
            all_with(referee, tally, a, &codes, &converts);
        }
    });
    eprintln!("{compared} fused multiply-adds");
    assert!(compared >= 60_000_000, "only {compared} comparisons");
}

fn all_with(
    referee: &Referee,
    tally: &mut Tally,
    a: (u32, Operand),
    codes: &[(u32, Operand)],
    converts: &[Convert],
) {
    for &b in codes {
        for &c in codes {
            check(referee, tally, Operation::MulAdd, [a, b, c], converts);
        }
    }
}

/// Unsigned formats, those of the widest range, and all policies: too many for all triples.
#[test]
fn fused_multiply_add_of_random_triples_is_rounded_once_in_every_format_under_every_policy() {
    let compared = over(&formats(), |referee, tally| {
        let (operands, converts) = (Operand::all(referee), policies(referee));
        let mut random = Random(u64::from(referee.spec.bits()));
        for _ in 0..5000 {
            let word = random.next();
            let mut codes = [word, word >> 16, word >> 32]
                .map(|part| part as u32 & ((1 << referee.spec.bits()) - 1));
            if word >> 62 == 0 {
                // The product itself, rounded, with the other sign or not: sums that all but
                // cancel.
                let product = referee.spec.mul_with(codes[0], codes[1], &converts[0], 0).code;
                codes[2] = product ^ if word >> 61 & 1 == 0 { referee.sign_bit } else { 0 };
            }
            if let [Some(a), Some(b), Some(c)] = codes.map(|code| operands[code as usize]) {
                check(
                    referee,
                    tally,
                    Operation::MulAdd,
                    [(codes[0], a), (codes[1], b), (codes[2], c)],
                    &converts,
                );
            }
        }
    });
    assert!(compared >= 20_000_000, "only {compared} comparisons");
}

#[test]
#[ignore = "2^24 triples of three formats in nine roundings: a minute"]
fn fused_multiply_add_of_all_triples_of_e4m3_e5m2_and_hif8_is_rounded_once() {
    let referees = ["F8E4M3", "F8E5M2", "HIF8"].map(referee_of);
    let items: Vec<_> = referees
        .iter()
        .flat_map(|referee| {
            let converts = in_every_rounding(referee.spec.default_convert());
            used_codes(referee)
                .into_iter()
                .map(move |a| (referee, a, used_codes(referee), converts))
        })
        .collect();
    let compared = over(&items, |(referee, a, codes, converts), tally| {
        all_with(referee, tally, *a, codes, converts);
    });
    assert_eq!(compared, (3 * 9) << 24);
}

/// The policy about subnormal inputs is about operands; results stay subnormal.
#[test]
fn subnormal_operands_can_be_flushed() {
    let names = ["F8E4M3", "F8E5M2", "F6E2M3", "UE5M3", "HIF8", "Binary8p3se", "Binary8p5uf"];
    let compared = over(&names.map(referee_of), |referee, tally| {
        let convert = referee.spec.default_convert().with_subnormal_inputs(SubnormalInputs::Flush);
        let converts =
            [Round::NearestEven, Round::Up, Round::Down].map(|round| convert.with_round(round));
        let codes: Vec<_> =
            used_codes(referee).into_iter().map(|(code, x)| (code, x.flushed(referee))).collect();
        for &a in &codes {
            for operation in Operation::UNARY {
                check(referee, tally, operation, [a; 3], &converts);
            }
            for &b in &codes {
                for operation in Operation::BINARY {
                    check(referee, tally, operation, [a, b, b], &converts);
                }
            }
        }
    });
    assert!(compared >= 5_000_000, "only {compared} comparisons");
}
