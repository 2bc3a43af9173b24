//! Every rounding under every policy equals exact arithmetic, for every format of at most 8 bits,
//! flags too.

mod dyadic;
mod formats;
mod referee;

pub(crate) use dyadic::Dyadic;
pub(crate) use formats::{bf16, f16, referee_of, referees};
pub(crate) use referee::{
    Class, Expected, INEXACT, INVALID, Input, NanRow, OVERFLOW, Referee, Tininess, UNDERFLOW,
};

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use subhalf::{
    Convert, FormatSpec, Infinity, MissingNan, Nan, Negative, Overflow, Round, SubnormalInputs,
    Unpacked, Zero,
};

const OVERFLOWS: [Overflow; 5] = [
    Overflow::Saturate,
    Overflow::Special,
    Overflow::IeeeDirected,
    Overflow::DirectedSpecial,
    Overflow::Wrap,
];
const INFINITIES: [Infinity; 3] =
    [Infinity::Saturate, Infinity::Special, Infinity::KeepElseSaturate];
const NANS: [Nan; 5] =
    [Nan::Canonical, Nan::Signed, Nan::AllOnes, Nan::SignedAllOnes, Nan::Payload];
const MISSING_NANS: [MissingNan; 5] = [
    MissingNan::Max,
    MissingNan::SignedMax,
    MissingNan::Zero,
    MissingNan::SignedZero,
    MissingNan::OppositeZero,
];
const ZEROS: [Zero; 3] = [Zero::Smallest, Zero::Nan, Zero::NanBelowSmallest];
const NEGATIVES: [Negative; 4] =
    [Negative::Nan, Negative::Directed, Negative::Clamp, Negative::Magnitude];
const SUBNORMALS: [SubnormalInputs; 2] = [SubnormalInputs::Keep, SubnormalInputs::Flush];

const F32_INFINITY: u32 = 0x7F80_0000;
const F64_INFINITY: u64 = 0x7FF0_0000_0000_0000;

/// An input: bits of f32 or f64, so that signalling NaNs stay what they are, or a number that
/// neither holds.
#[derive(Clone, Copy, Debug)]
enum Bits {
    F32(u32),
    F64(u64),
    Exact { negative: bool, significand: u64, exponent: i32 },
}

impl Bits {
    fn input(self, referee: &Referee) -> Input {
        match self {
            Self::F32(bits) => referee.input_f32(bits),
            Self::F64(bits) => referee.input_f64(bits),
            Self::Exact { negative, significand, exponent } => referee.input_exact(
                negative,
                Dyadic::new(i128::from(significand), i64::from(exponent)),
                false,
            ),
        }
    }

    fn encode(self, spec: &FormatSpec, convert: &Convert) -> Expected {
        let encoded = match self {
            Self::F32(bits) => spec.encode_f32_with(f32::from_bits(bits), convert, 0),
            Self::F64(bits) => spec.encode_f64_with(f64::from_bits(bits), convert, 0),
            Self::Exact { negative, significand, exponent } => {
                spec.encode_with(Unpacked::new(negative, significand, exponent), convert, 0)
            }
        };
        (encoded.code, encoded.flags.bits())
    }
}

/// Comparisons of one format, with the first few that failed.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) compared: u64,
    failed: u64,
    failures: Vec<String>,
    seen: BTreeSet<[Expected; 2]>,
}

impl Tally {
    fn compare(&mut self, referee: &Referee, bits: Bits, input: &Input, convert: &Convert) {
        let (expected, found) =
            (referee.expected(input, convert), bits.encode(&referee.spec, convert));
        self.judge(expected, found, || {
            let value = match bits {
                Bits::F32(bits) => format!(" = {:e}", f32::from_bits(bits)),
                Bits::F64(bits) => format!(" = {:e}", f64::from_bits(bits)),
                Bits::Exact { .. } => String::new(),
            };
            let (name, layout) = (referee.spec.name(), referee.spec.encoding());
            format!("{name}: {bits:x?}{value}\n  {convert:?}\n  {layout:?}")
        });
    }

    /// Counts a comparison; `what` describes it if it failed.
    pub(crate) fn judge(
        &mut self,
        expected: Expected,
        found: Expected,
        what: impl FnOnce() -> String,
    ) {
        self.compared += 1;
        if expected != found {
            self.failed += 1;
            // One example of each pair of outcomes tells more than many of the same.
            if self.failures.len() < 8 && self.seen.insert([expected, found]) {
                let [e, f] = [expected, found]
                    .map(|(code, flags)| format!("code {code:#04x} flags {flags:#07b}"));
                self.failures.push(format!("expected {e}, found {f}: {}", what()));
            }
        }
    }
}

/// Runs a check of each format on all cores; panics with everything that failed, else gives the
/// number of comparisons.
fn over_all_formats(check: impl Fn(&Referee, &mut Tally) + Sync) -> u64 {
    over(&referees(), check)
}

/// Runs a check of each item on all cores; panics with everything that failed, else gives the
/// number of comparisons.
pub(crate) fn over<T: Sync>(items: &[T], check: impl Fn(&T, &mut Tally) + Sync) -> u64 {
    let (next, compared, failed) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        let mut failures = Vec::new();
        loop {
            let index = next.fetch_add(1, Relaxed);
            let Some(item) = items.get(index) else { return failures };
            let mut tally = Tally::default();
            check(item, &mut tally);
            assert!(tally.compared > 0, "item {index} was skipped");
            compared.fetch_add(tally.compared, Relaxed);
            failed.fetch_add(tally.failed, Relaxed);
            failures.append(&mut tally.failures);
        }
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker panicked")).collect()
    });
    let (compared, failed) = (compared.into_inner(), failed.into_inner());
    assert!(
        failures.is_empty(),
        "{failed} of {compared} comparisons failed, among them:\n{}",
        failures.join("\n")
    );
    compared
}

/// The magnitudes where something changes: every number, every midpoint, what lies around the ends.
fn points(referee: &Referee, negative: bool) -> Vec<Dyadic> {
    let side = referee.side(negative);
    let count = side.entries.len();
    let mut points: Vec<Dyadic> =
        side.entries.iter().map(|entry| entry.value).chain(side.next).collect();
    points.extend((0..count).filter_map(|index| side.between(index, 1, 1)));
    let smallest = side.entries.iter().map(|entry| entry.value).find(|&value| value > Dyadic::ZERO);
    // An integer of one bit has no positive number; what would come next serves as well.
    let smallest = smallest.or(side.next).expect("a format has numbers");
    points.extend((1..=3).map(|by| smallest.scaled(-by)));
    points.extend([3, 5, 7, 9].map(|eighths| smallest.times(eighths).scaled(-3)));
    if let Tininess::BelowNormal { smallest, mantissa_bits, .. } = referee.tininess {
        // Where rounding to full precision starts to reach the smallest normal number, and the two
        // values around.
        points
            .extend((1..=3).map(|by| {
                smallest.plus(smallest.scaled(-i64::from(mantissa_bits) - by).negated())
            }));
    }
    let last = side.entries[count - 1].value;
    points.extend([1, 2, 20, 200].map(|by| last.scaled(by)));
    points.push(last.plus(last.scaled(-10)));
    points.retain(|&point| point > Dyadic::ZERO);
    points
}

/// Every point of a format at -2..=2 ulp of f32 and of f64, in both signs, and the ends of f32 and
/// f64.
fn finite_inputs(referee: &Referee) -> Vec<Bits> {
    let mut inputs = Vec::new();
    for negative in [false, true] {
        let (mut singles, mut doubles) = (BTreeSet::new(), BTreeSet::new());
        // 1, subnormals up to the last, the first normals, 1.0 and its neighbours, the largest.
        singles.extend([
            1,
            2,
            0x40_0000,
            0x7F_FFFF,
            0x80_0000,
            0x80_0001,
            0x3F7F_FFFF,
            0x3F80_0000,
            F32_INFINITY - 1,
        ]);
        doubles.extend([
            1,
            2,
            1 << 51,
            (1 << 52) - 1,
            1 << 52,
            0x3FF0_0000_0000_0000,
            F64_INFINITY - 1,
        ]);
        for point in points(referee, negative) {
            let single = point.truncated_to_ieee(23, -149, u64::from(F32_INFINITY) - 1) as u32;
            let double = point.truncated_to_ieee(52, -1074, F64_INFINITY - 1);
            // A point that is not representable lies one ulp further up than its truncation.
            singles.extend(
                (single.saturating_sub(2)..=single + 3)
                    .filter(|bits| (1..F32_INFINITY).contains(bits)),
            );
            doubles.extend(
                (double.saturating_sub(2)..=double + 3)
                    .filter(|bits| (1..F64_INFINITY).contains(bits)),
            );
        }
        inputs.extend(singles.into_iter().map(|bits| Bits::F32(bits | u32::from(negative) << 31)));
        inputs.extend(doubles.into_iter().map(|bits| Bits::F64(bits | u64::from(negative) << 63)));
    }
    inputs
}

/// The f32 among the finite inputs.
pub(crate) fn finite_singles(referee: &Referee) -> Vec<f32> {
    let single = |bits| if let Bits::F32(bits) = bits { Some(f32::from_bits(bits)) } else { None };
    finite_inputs(referee).into_iter().filter_map(single).collect()
}

/// The f64 among the finite inputs: every number, midpoint and end of the format at -2..=2 ulp.
pub(crate) fn finite_doubles(referee: &Referee) -> Vec<f64> {
    let double = |bits| if let Bits::F64(bits) = bits { Some(f64::from_bits(bits)) } else { None };
    finite_inputs(referee).into_iter().filter_map(double).collect()
}

/// Zeros, infinities, quiet and signalling NaNs with and without payload, and subnormals.
fn special_inputs() -> Vec<Bits> {
    let singles = [
        0,
        F32_INFINITY,
        0x7FC0_0000,
        0x7F80_0001,
        0x7FFF_FFFF,
        0x7FD5_5555,
        0x7FAA_AAAA,
        1,
        0x7F_FFFF,
    ];
    let doubles = [
        0,
        F64_INFINITY,
        F64_INFINITY + (1 << 51),
        F64_INFINITY + 1,
        (1 << 63) - 1,
        F64_INFINITY + 0x5_5555_5555_5555,
        1,
        (1 << 52) - 1,
    ];
    let singles =
        singles.into_iter().flat_map(|bits| [0, 1].map(|sign| Bits::F32(bits | sign << 31)));
    let doubles =
        doubles.into_iter().flat_map(|bits: u64| [0, 1].map(|sign| Bits::F64(bits | sign << 63)));
    singles.chain(doubles).collect()
}

/// `formats.md` 2.2, ties away: en_dtypes was run for these.
#[rustfmt::skip]
const HIF8_VECTORS: [(f64, u32); 28] = [
    (1.0, 0x08), (-1.0, 0x88), (0.5, 0x18), (2.0, 0x10), (1.0625, 0x09), (1.1875, 0x0A), (3.9375, 0x20), (7.75, 0x28),
    (15.5, 0x40), (17.0, 0x40), (18.0, 0x41), (22.0, 0x42), (124.0, 0x4C), (320.0, 0x61), (32768.0, 0x6E), (40959.0, 0x6E),
    (40960.0, 0x6F), (3.0517578125e-5, 0x7E), (1.52587890625e-5, 0x07), (2.288818359375e-5, 0x7E), (3.0, 0x14), (0.1, 0x52),
    (-0.3, 0xB2), (2.5e-4, 0x78), (2.384185791015625e-7, 0x01), (1.1920928955078125e-7, 0x01), (1.19e-7, 0x00), (-1.19e-7, 0x00),
];

#[test]
fn referee_agrees_with_published_values() {
    // formats.md 1.2 and 1.10: largest and smallest positive numbers.
    let limits: [(&str, f64, f64); 22] = [
        ("F8E4M3", 448.0, 2f64.powi(-9)),
        ("F8E5M2", 57344.0, 2f64.powi(-16)),
        ("F8E4M3IEEE", 240.0, 2f64.powi(-9)),
        ("F8E3M4", 15.5, 2f64.powi(-6)),
        ("F8E3M4FN", 30.0, 2f64.powi(-6)),
        ("F8E4M3FNUZ", 240.0, 2f64.powi(-10)),
        ("F8E5M2FNUZ", 57344.0, 2f64.powi(-17)),
        ("F8E4M3B11FNUZ", 30.0, 2f64.powi(-13)),
        ("F6E3M2", 28.0, 2f64.powi(-4)),
        ("F6E2M3", 7.5, 2f64.powi(-3)),
        ("F4E2M1", 6.0, 0.5),
        ("F4E1M2", 1.75, 0.25),
        ("F4E3M0", 16.0, 0.25),
        ("F4E0M3", 7.0, 1.0),
        ("E8M0", 2f64.powi(127), 2f64.powi(-127)),
        ("UE5M3", 114688.0, 2f64.powi(-17)),
        ("UE6M2", 49152.0, 2f64.powi(-48)),
        ("HIF8", 32768.0, 2f64.powi(-22)),
        ("POSIT8", 2f64.powi(24), 2f64.powi(-24)),
        ("Binary8p3se", 49152.0, 2f64.powi(-17)),
        ("Binary8p1ue", 2f64.powi(125), 2f64.powi(-127)),
        ("Binary4p2uf", 8.0, 2f64.powi(-4)),
    ];
    for (name, max, smallest_positive) in limits {
        let entries = &referee_of(name).sides[0].entries;
        let exact = |x: f64| Dyadic::of_ieee_magnitude(x.to_bits(), 52, -1074);
        assert_eq!(entries.last().unwrap().value, exact(max), "{name}");
        assert_eq!(
            entries.iter().map(|entry| entry.value).find(|&x| x > Dyadic::ZERO),
            Some(exact(smallest_positive)),
            "{name}"
        );
    }
    // formats.md 1.3, 1.5 and 7.6; 2.2, where en_dtypes was run.
    type Vectors<'a> = &'a [(f64, u32)];
    let encodings: [(&str, Round, Vectors); 4] = [
        (
            "F8E4M3",
            Round::NearestEven,
            &[(464.0, 0x7E), (0.0009765625, 0), (0.013671875, 0x07), (-448.0, 0xFE)],
        ),
        (
            "F4E2M1",
            Round::NearestEven,
            &[
                (0.25, 0),
                (0.75, 2),
                (1.25, 2),
                (1.75, 4),
                (2.5, 4),
                (3.5, 6),
                (5.0, 6),
                (-5.0, 0xE),
                (5.1, 7),
            ],
        ),
        ("Binary8p4se", Round::NearestEven, &[(1.0, 0x40), (2.0, 0x48)]),
        ("HIF8", Round::NearestAway, &HIF8_VECTORS),
    ];
    for (name, round, rows) in encodings {
        let referee = referee_of(name);
        let convert = Convert::SATURATING.with_round(round).with_overflow(Overflow::Special);
        for &(x, code) in rows {
            assert_eq!(
                referee.expected(&referee.input_f64(x.to_bits()), &convert).0,
                code,
                "{name} {x:e}"
            );
        }
    }
}

#[test]
fn every_named_format_up_to_8_bits_has_a_referee() {
    let referees = referees();
    for spec in FormatSpec::ALL.iter().filter(|spec| spec.bits() <= 8) {
        assert!(referees.iter().any(|referee| referee.spec.name() == spec.name()), "{spec}");
    }
}

#[test]
fn every_number_decodes_to_its_published_value() {
    for referee in referees() {
        let spec = referee.spec;
        for negative in [false, true] {
            for entry in &referee.side(negative).entries {
                let found = spec.decode(entry.code);
                let value =
                    Dyadic::new(i128::from(found.significand()), i64::from(found.exponent()));
                // A codebook's entries lie on both sides of zero.
                let found = if found.is_negative() == (negative && referee.signed) {
                    value
                } else {
                    value.negated()
                };
                assert_eq!(found, entry.value, "{spec} {:#x}", entry.code);
            }
        }
        for (negative, code) in
            referee.infinities.into_iter().flat_map(|codes| [(false, codes[0]), (true, codes[1])])
        {
            assert!(spec.decode(code).is_infinite(), "{spec} {code:#x}");
            assert_eq!(
                spec.decode(code).is_negative(),
                negative && referee.signed,
                "{spec} {code:#x}"
            );
        }
    }
}

#[test]
fn finite_inputs_round_and_overflow_as_exact_arithmetic_says() {
    let compared = over_all_formats(|referee, tally| {
        for (turn, bits) in finite_inputs(referee).into_iter().enumerate() {
            let input = bits.input(referee);
            // The other parts must not matter, so they change from one comparison to the next.
            let mut turn = turn;
            for round in Round::DETERMINISTIC {
                for overflow in OVERFLOWS {
                    for zero in ZEROS {
                        // A format with a sign does not ask for this part.
                        let asked =
                            if referee.signed { &NEGATIVES[turn % 4..][..1] } else { &NEGATIVES };
                        for &negative in asked {
                            turn += 1;
                            let convert = Convert::SATURATING
                                .with_round(round)
                                .with_overflow(overflow)
                                .with_zero(zero)
                                .with_negative(negative)
                                .with_infinity(INFINITIES[turn % 3])
                                .with_nan(NANS[turn % 5])
                                .with_missing_nan(MISSING_NANS[turn / 3 % 5])
                                .with_subnormal_inputs(SUBNORMALS[turn / 5 % 2]);
                            tally.compare(referee, bits, &input, &convert);
                        }
                    }
                }
            }
        }
    });
    eprintln!("{compared} comparisons of finite inputs");
    assert!(compared >= 245_000_000, "only {compared} comparisons");
}

#[test]
fn zeros_infinities_nans_and_subnormals_follow_every_combination_of_policies() {
    let compared = over_all_formats(|referee, tally| {
        let inputs: Vec<_> =
            special_inputs().into_iter().map(|bits| (bits, bits.input(referee))).collect();
        for convert in every_policy() {
            for (bits, input) in &inputs {
                tally.compare(referee, *bits, input, &convert);
            }
        }
    });
    eprintln!("{compared} comparisons of special inputs");
    assert!(compared >= 333_000_000, "only {compared} comparisons");
}

/// All 81,000 policies without random bits.
fn every_policy() -> impl Iterator<Item = Convert> {
    let count = Round::DETERMINISTIC.len() * 5 * 3 * 5 * 5 * 3 * 4 * 2;
    (0..count).map(|mut index| {
        let mut digit = |base: usize| {
            let digit = index % base;
            index /= base;
            digit
        };
        Convert::SATURATING
            .with_round(Round::DETERMINISTIC[digit(9)])
            .with_overflow(OVERFLOWS[digit(5)])
            .with_infinity(INFINITIES[digit(3)])
            .with_nan(NANS[digit(5)])
            .with_missing_nan(MISSING_NANS[digit(5)])
            .with_zero(ZEROS[digit(3)])
            .with_negative(NEGATIVES[digit(4)])
            .with_subnormal_inputs(SUBNORMALS[digit(2)])
    })
}

/// Just beside a midpoint an f64 is decided by bits that f32 does not have: through f32 one of the
/// two sides comes out wrong.
#[test]
fn f64_is_rounded_once_and_never_through_f32() {
    let compared = over_all_formats(|referee, tally| {
        let spec = referee.spec;
        let convert = Convert::SATURATING.with_round(Round::NearestEven);
        for negative in [false, referee.signed] {
            let side = referee.side(negative);
            for (index, pair) in side.entries.windows(2).enumerate() {
                let middle = side.between(index, 1, 1).expect("neighbours have a midpoint");
                // A codebook's numbers lie on both sides of zero.
                if middle <= Dyadic::ZERO {
                    continue;
                }
                let bits = middle.truncated_to_ieee(52, -1074, F64_INFINITY - 1);
                let sign = u64::from(negative) << 63;
                let is_f64 = Dyadic::of_ieee_magnitude(bits, 52, -1074) == middle;
                let single = f64::from_bits(bits) as f32;
                if !is_f64 || f64::from(single) != f64::from_bits(bits) || !single.is_normal() {
                    continue;
                }
                let codes = [bits - 1, bits + 1].map(|bits| {
                    let x = f64::from_bits(bits | sign);
                    (
                        spec.encode_f64_with(x, &convert, 0).code,
                        spec.encode_f32_with(x as f32, &convert, 0).code,
                    )
                });
                assert_eq!(
                    codes.map(|(once, _)| once),
                    [pair[0].code, pair[1].code],
                    "{spec} {middle:?}"
                );
                let [below, above] = codes;
                assert_eq!(
                    below.1, above.1,
                    "{spec}: f32 cannot tell the sides of {middle:?} apart"
                );
                tally.compared += 1;
            }
        }
        // Formats at the ends of f32 have no midpoint there; the smallest have none at all.
        tally.compared += 1;
    });
    assert!(compared > 10_000, "only {compared} midpoints");
}

/// The exact numbers that the codec takes are wider than f64: 64 significant bits, any i32 as
/// exponent.
#[test]
fn numbers_wider_than_f64_round_as_exact_arithmetic_says() {
    let compared = over_all_formats(|referee, tally| {
        for negative in [false, true] {
            let mut numbers = vec![
                (1, i32::MIN),
                (u64::MAX, i32::MIN),
                (1, i32::MAX),
                (u64::MAX, i32::MAX),
                (u64::MAX, 0),
                (u64::MAX, -64),
            ];
            for point in points(referee, negative) {
                let shift = point.significand.leading_zeros() - 64;
                let (significand, exponent) = (
                    (point.significand << shift) as u64,
                    (point.exponent - i64::from(shift)) as i32,
                );
                numbers.extend([
                    (significand - 1, exponent),
                    (significand, exponent),
                    (significand + 1, exponent),
                ]);
            }
            for (significand, exponent) in numbers {
                let bits = Bits::Exact { negative, significand, exponent };
                let input = bits.input(referee);
                for round in Round::DETERMINISTIC {
                    for overflow in OVERFLOWS {
                        let convert = Convert::SATURATING.with_round(round).with_overflow(overflow);
                        tally.compare(referee, bits, &input, &convert);
                    }
                }
            }
        }
    });
    assert!(compared >= 7_000_000, "only {compared} comparisons");
}
