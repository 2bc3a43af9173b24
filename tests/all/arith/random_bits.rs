//! Arithmetic with stochastic rounding: every word of few bits, against P3109's conditions (Interim
//! Report v4.0, `RoundToPrecision`).

use super::operation::{Magnitude, Operation, Outcome};
use super::used_codes;
use crate::exact::{INEXACT, OVERFLOW, Referee, over, referee_of};
use subhalf::{Overflow, Round, Stochastic};

const BITS: u32 = 3;

/// Whether a magnitude behind the entry `index` moves to the next one. Each condition on the
/// discarded fraction ν says that the magnitude is not below (or is above) a point of the way
/// between the two:
/// * A: `⌊ν·2^N⌋ + R >= 2^N`, so `ν >= (2^N − R) / 2^N`;
/// * B: `⌊ν·2^(N+1)⌋ + 2R + 1 >= 2^(N+1)`, so `ν >= (2^(N+1) − 2R − 1) / 2^(N+1)`;
/// * C: `rne(ν·2^N) >= t` for `t = 2^N − R`: `ν·2^N > t − ½`, or equal and t even.
fn moves_up(
    referee: &Referee,
    negative: bool,
    index: usize,
    x: Magnitude,
    kind: Stochastic,
    word: u32,
) -> bool {
    let point = |part: i128, bits: u32| {
        referee.side(negative).between(index, part, bits).expect("neighbours")
    };
    let threshold = (1 << BITS) - i128::from(word);
    match kind {
        Stochastic::A => x.compare(point(threshold, BITS)).is_ge(),
        Stochastic::B => x.compare(point(2 * threshold - 1, BITS + 1)).is_ge(),
        Stochastic::C => {
            let order = x.compare(point(2 * threshold - 1, BITS + 1));
            order.is_gt() || (order.is_eq() && threshold % 2 == 0)
        }
    }
}

/// The code and the flags that do not depend on what "tiny" means; beyond the last number it
/// saturates.
fn expected(
    referee: &Referee,
    negative: bool,
    x: Magnitude,
    kind: Stochastic,
    word: u32,
) -> (u32, u8) {
    let side = referee.side(negative);
    let known = side.entries.partition_point(|entry| x.compare(entry.value).is_ge());
    let lower = known.checked_sub(1).expect("there is a zero");
    if x.compare(side.entries[lower].value).is_eq() {
        return (side.entries[lower].code, 0);
    }
    let next = side.next.expect("a float");
    let beyond = lower + 1 == side.entries.len() && x.compare(next).is_ge();
    let index =
        if beyond || moves_up(referee, negative, lower, x, kind, word) { lower + 1 } else { lower };
    match side.entries.get(index) {
        Some(entry) => (entry.code, INEXACT),
        None => (referee.largest(negative), INEXACT | OVERFLOW),
    }
}

#[test]
fn every_random_word_moves_the_exact_result_as_p3109_says() {
    let referees = ["F8E4M3", "F8E5M2", "F6E2M3", "F4E2M1", "HIF8", "Binary8p3se", "Binary6p4sf"]
        .map(referee_of);
    let compared = over(&referees, |referee, tally| {
        // Every operand of the small formats; of the others each third code, which takes in all
        // mantissas of 2 and 3 bits.
        let step = if referee.spec.bits() < 8 { 1 } else { 3 };
        let codes: Vec<_> = used_codes(referee).into_iter().step_by(step).collect();
        for operation in
            [Operation::Add, Operation::Mul, Operation::Div, Operation::Sqrt, Operation::MulAdd]
        {
            for (turn, (a, b)) in
                codes.iter().flat_map(|a| codes.iter().map(move |b| (a, b))).enumerate()
            {
                let c = codes[turn % codes.len()];
                let Outcome::Finite { negative, magnitude } = operation.exact([a.1, b.1, c.1])
                else {
                    continue;
                };
                for kind in [Stochastic::A, Stochastic::B, Stochastic::C] {
                    let round = Round::stochastic(kind, BITS as u8).expect("a few bits");
                    let convert = referee
                        .spec
                        .default_convert()
                        .with_round(round)
                        .with_overflow(Overflow::Saturate);
                    for word in 0..1 << BITS {
                        let expected = expected(referee, negative, magnitude, kind, word);
                        let (code, flags) =
                            operation.found(&referee.spec, [a.0, b.0, c.0], &convert, word);
                        let found = (code, flags & (INEXACT | OVERFLOW));
                        tally.judge(expected, found, || {
                            format!(
                                "{} {operation:?} {:x?} {kind:?} word {word}",
                                referee.spec,
                                [a.0, b.0, c.0]
                            )
                        });
                    }
                }
            }
        }
    });
    assert!(compared >= 3_000_000, "only {compared} comparisons");
}
