//! Functions of one number equal an arbitrary-precision library's digits (and for Φ a series
//! written here), rounded by the exact referee: every code of every format of at most 8 bits, in
//! every deterministic rounding, with flags.

use crate::exact::{Dyadic, INVALID, Input, Referee, referees};
use dashu_float::{FBig, round::mode};
use std::collections::HashMap;
use subhalf::{
    Convert, DivisionByZero, Encoding, Error, F8E4M3Fnuz, Flags, Format, FormatSpec, Round,
    Stochastic, Unary, UnaryTable,
};

type Big = FBig<mode::Zero, 2>;

/// What a function is at a number, said without any format.
#[derive(Clone, Copy, Debug)]
enum Truth {
    Nan,
    Zero {
        negative: bool,
    },
    Infinite {
        negative: bool,
        pole: bool,
    },
    /// Exact, or truncated to 60 bits with one more set.
    Finite {
        negative: bool,
        magnitude: Dyadic,
    },
    /// A value that the test has no digits for, closer to zero than any number here.
    Vanishing,
}

const DIGITS: usize = 320;

fn big(x: Dyadic, digits: usize) -> Big {
    let significand = i64::try_from(x.significand).expect("numbers of small formats are short");
    (Big::from(significand) << x.exponent as isize).with_precision(digits).value()
}

/// 60 bits, and one for what follows: the library's digits are inexact, and so are all the values.
fn sticky(y: &Big) -> Truth {
    let negative = *y < Big::ZERO;
    let y = if negative { -y.clone() } else { y.clone() };
    let shift = y.repr().digits().saturating_sub(60);
    let significand = i128::try_from(y.repr().significand() >> shift).expect("60 bits");
    let exponent = y.repr().exponent() as i64 + shift as i64;
    Truth::Finite { negative, magnitude: Dyadic::new(significand << 61 | 1, exponent - 61) }
}

/// `Φ(x) = 1/2 + 1/√(2π) · Σ (-1)^k (x²/2)^k x / (k! (2k + 1))`. Terms grow to `2^(0.73 x²)` and
/// the sum shrinks to its inverse.
fn normal(x: Dyadic) -> Big {
    let magnitude = (2u64 << x.log2().clamp(0, 5)).min(26) as usize;
    let digits = DIGITS + 2 * magnitude * magnitude;
    let x = big(x, digits);
    let half_square = (&x * &x) >> 1;
    let (mut power, mut sum, mut k) = (x.clone(), x.clone(), 0u32);
    let least = Big::from(1).with_precision(digits).value() >> digits as isize;
    loop {
        k += 1;
        power = -(power * &half_square) / Big::from(k);
        let term = &power / Big::from(2 * k + 1);
        sum += &term;
        if term < least && -term < least {
            break;
        }
    }
    let two_pi = Big::pi(digits) << 1;
    (Big::from(1).with_precision(digits).value() >> 1) + sum / two_pi.sqrt()
}

/// Where an argument is too large or too small for the library's exponents or the series here, the
/// digits are still known.
fn finite(function: Unary, x: Dyadic) -> Truth {
    let negative = x.significand < 0;
    let exactly = |significand: i128, exponent: i64| Truth::Finite {
        negative: significand < 0,
        magnitude: Dyadic::new(significand.abs(), exponent),
    };
    let far = |power: i64| Truth::Finite { negative: false, magnitude: Dyadic::new(3, power) };
    let argument = big(x, DIGITS);
    let one = || Big::from(1).with_precision(DIGITS).value();
    let integer = x.exponent >= 0;
    let sigmoid = || one() / (one() + (-&argument).exp());
    // Next to zero all is what the first two terms of the series say: c ± something below 2^-60 of
    // it.
    let sign = if negative { -1 } else { 1 };
    let beside = |significand: i128, exponent: i64, more: i128| {
        exactly((significand << 60) + more, exponent - 60)
    };
    match function {
        Unary::Exp2 | Unary::Exp if x.log2() < -150 => beside(1, 0, sign),
        Unary::Sigmoid if x.log2() < -150 => beside(1, -1, sign),
        Unary::Gelu | Unary::Silu if x.log2() < -150 => beside(x.significand, x.exponent - 1, 1),
        Unary::Tanh if x.log2() < -150 => beside(x.significand, x.exponent, -sign),
        Unary::Exp2 | Unary::Exp if x.log2() >= 20 => {
            far(if negative { -(1 << 21) } else { 1 << 21 })
        }
        Unary::Exp2 if integer => exactly(1, (x.significand << x.exponent) as i64),
        Unary::Exp2 => sticky(&(argument * Big::from(2).with_precision(DIGITS).value().ln()).exp()),
        Unary::Exp => sticky(&argument.exp()),
        Unary::Ln | Unary::Log2 | Unary::Rsqrt if negative => Truth::Nan,
        Unary::Ln | Unary::Log2 if x == Dyadic::new(1, 0) => Truth::Zero { negative: false },
        Unary::Ln => sticky(&argument.ln()),
        Unary::Log2 if x.significand == 1 => exactly(i128::from(x.exponent), 0),
        Unary::Log2 => sticky(&(argument.ln() / Big::from(2).with_precision(DIGITS).value().ln())),
        Unary::Tanh if x.log2() >= 20 => exactly(x.significand.signum() * ((1 << 61) - 1), -61),
        Unary::Tanh => sticky(&argument.tanh()),
        Unary::Sigmoid | Unary::Silu if x.log2() >= 20 && negative => Truth::Vanishing,
        Unary::Sigmoid if x.log2() >= 6 && !negative => exactly((1 << 61) - 1, -61),
        Unary::Sigmoid => sticky(&sigmoid()),
        // Φ(26) is 1 - 2^-493.
        Unary::Gelu if x >= Dyadic::new(26, 0) => {
            exactly((x.significand << 60) - 1, x.exponent - 60)
        }
        Unary::Silu if x.log2() >= 6 && !negative => {
            exactly((x.significand << 40) - 1, x.exponent - 40)
        }
        Unary::Silu => sticky(&(&argument * sigmoid())),
        Unary::Rsqrt if x.significand == 1 && x.exponent % 2 == 0 => exactly(1, -x.exponent / 2),
        Unary::Rsqrt => sticky(&(one() / argument.sqrt())),
        Unary::Gelu if x <= Dyadic::new(-26, 0) => Truth::Vanishing,
        Unary::Gelu => sticky(&(argument * normal(x))),
        _ => panic!("a function unknown to the test"),
    }
}

fn truth(
    function: Unary,
    spec: &FormatSpec,
    code: u32,
    known: &mut HashMap<(Unary, i128, i64), Truth>,
) -> Truth {
    let x = spec.decode(code);
    let negative = x.is_negative();
    let zero = |negative| Truth::Zero { negative };
    let short = |significand: i128, exponent: i64| Truth::Finite {
        negative: significand < 0,
        magnitude: Dyadic::new(significand.abs(), exponent),
    };
    if x.is_nan() {
        return Truth::Nan;
    }
    if x.is_infinite() {
        return match function {
            Unary::Ln | Unary::Log2 | Unary::Rsqrt if negative => Truth::Nan,
            Unary::Rsqrt => zero(false),
            Unary::Tanh => short(if negative { -1 } else { 1 }, 0),
            Unary::Sigmoid if !negative => short(1, 0),
            Unary::Exp | Unary::Exp2 | Unary::Sigmoid if negative => zero(false),
            Unary::Gelu | Unary::Silu if negative => zero(true),
            _ => Truth::Infinite { negative: false, pole: false },
        };
    }
    if x.is_zero() {
        return match function {
            Unary::Exp | Unary::Exp2 => short(1, 0),
            Unary::Sigmoid => short(1, -1),
            Unary::Ln | Unary::Log2 => Truth::Infinite { negative: true, pole: true },
            Unary::Rsqrt => Truth::Infinite { negative, pole: true },
            _ => zero(negative),
        };
    }
    let magnitude = i128::from(x.significand());
    let x = Dyadic::new(if negative { -magnitude } else { magnitude }, i64::from(x.exponent()));
    *known.entry((function, x.significand, x.exponent)).or_insert_with(|| finite(function, x))
}

/// What the referee makes of a value, and the flags of the function itself.
fn input(referee: &Referee, function: Unary, truth: Truth) -> (Input, u8) {
    const DIVIDE_BY_ZERO: u8 = 8;
    let f32_bits = |negative: bool, bits: u32| referee.input_f32(bits | u32::from(negative) << 31);
    match truth {
        Truth::Nan => (f32_bits(false, 0x7FC0_0000), INVALID),
        Truth::Infinite { negative, pole } => {
            (f32_bits(negative, 0x7F80_0000), if pole { DIVIDE_BY_ZERO } else { 0 })
        }
        Truth::Zero { negative } => (f32_bits(negative, 0), 0),
        Truth::Finite { negative, magnitude } => {
            (referee.input_exact(negative, magnitude, false), 0)
        }
        Truth::Vanishing => {
            (referee.input_exact(function != Unary::Sigmoid, Dyadic::new(3, -(1 << 21)), false), 0)
        }
    }
}

/// Comparisons and the first failures of one format.
fn compare(
    referee: &Referee,
    known: &mut HashMap<(Unary, i128, i64), Truth>,
) -> (u64, Vec<String>) {
    let spec = referee.spec;
    let (mut compared, mut failures) = (0, Vec::new());
    let smallest = Dyadic::new(
        i128::from(spec.smallest_positive().significand()),
        i64::from(spec.smallest_positive().exponent()),
    );
    let plain = spec.default_convert();
    // Every rounding for the formats in use; for the hundreds of others those that tell every error
    // of the digits.
    let named = FormatSpec::ALL.contains(&spec);
    let roundings = if named {
        &Round::DETERMINISTIC[..]
    } else {
        &[Round::NearestEven, Round::Up, Round::Down]
    };
    let mut policies: Vec<Convert> =
        roundings.iter().map(|&round| plain.with_round(round)).collect();
    policies.extend([
        Convert::P3109_SAT_NONE,
        Convert::P3109_SAT_NONE.with_round(Round::Up),
        Convert::ML_DTYPES,
        Convert::CUDA_SATFINITE,
    ]);
    for function in Unary::ALL {
        for code in spec.codes().filter(|&code| !spec.decode(code).is_nan()) {
            let truth = truth(function, &spec, code, known);
            let far = matches!(truth, Truth::Vanishing);
            assert!(
                !far || smallest.log2() > -440,
                "{spec}: {function:?} of {code:#04x} needs digits that the test has not"
            );
            let (value, raised) = input(referee, function, truth);
            let (nan, invalid) = input(referee, function, Truth::Nan);
            for convert in &policies {
                let pole = matches!(truth, Truth::Infinite { pole: true, .. });
                let undefined = pole
                    && function == Unary::Rsqrt
                    && convert.division_by_zero == DivisionByZero::Nan;
                let (value, raised) = if undefined { (&nan, invalid) } else { (&value, raised) };
                let (expected, flags) = referee.expected(value, convert);
                let found = spec.unary_with(function, code, convert, 0);
                compared += 1;
                if (expected, flags | raised) != (found.code, found.flags.bits())
                    && failures.len() < 4
                {
                    let x = spec.decode(code);
                    failures.push(format!("{spec}: {function:?} of {x} ({code:#04x}): expected {expected:#04x}, flags {flags:#x} and {raised:#x}, found {found:x?}\n  {truth:?} {convert:?}"));
                }
            }
        }
    }
    (compared, failures)
}

#[test]
fn every_code_of_every_small_format_in_every_rounding() {
    let (mut known, mut compared, mut failures) = (HashMap::new(), 0, Vec::new());
    for referee in referees() {
        let (count, mut failed) = compare(&referee, &mut known);
        compared += count;
        failures.append(&mut failed);
    }
    assert!(failures.is_empty(), "of {compared}:\n{}", failures.join("\n"));
    assert!(compared > 900_000, "{compared}");
}

/// NaN in, NaN out: quiet, and invalid if it was signalling.
#[test]
fn nan_stays_nan() {
    for function in Unary::ALL {
        let found = [0x7D, 0x7E, 0xFF]
            .map(|code| FormatSpec::F8E5M2.unary_with(function, code, &Convert::IEEE, 0));
        assert_eq!(found.map(|encoded| encoded.code), [0x7E; 3]);
        assert_eq!(found.map(|encoded| encoded.flags), [Flags::INVALID, Flags::NONE, Flags::NONE]);
    }
}

#[test]
fn tables_hold_the_codes_of_single_calls_and_ignore_bits_above_the_format() {
    for spec in [
        FormatSpec::F8E4M3,
        FormatSpec::HIF8,
        FormatSpec::F6E2M3,
        FormatSpec::F4E2M1,
        FormatSpec::INT4,
    ] {
        for function in Unary::ALL {
            for round in [Round::NearestEven, Round::Up, Round::Down] {
                let convert = spec.default_convert().with_round(round);
                let table = UnaryTable::new(function, &spec, &convert).unwrap();
                for code in 0..=255u8 {
                    assert_eq!(
                        u32::from(table.get(code)),
                        spec.unary_with(function, code.into(), &convert, 0).code,
                        "{spec} {function:?}"
                    );
                }
            }
        }
    }
}

/// Values from the formats' numbers by hand.
#[test]
fn known_values() {
    let e4m3 = FormatSpec::F8E4M3;
    let of = |function, x: f32| {
        let table = UnaryTable::new(function, &e4m3, &e4m3.default_convert()).unwrap();
        e4m3.decode_f32(table.get(e4m3.encode_f32(x) as u8).into())
    };
    assert_eq!(of(Unary::Exp2, -6.0), 0.015625);
    assert_eq!(of(Unary::Exp2, 0.5), 1.375); // 1.4142
    assert_eq!(of(Unary::Exp, 7.0), 448.0); // 1096.6
    assert_eq!(of(Unary::Ln, 448.0), 6.0); // 6.1048
    assert_eq!(of(Unary::Log2, 0.001953125), -9.0); // of the smallest number
    assert_eq!(of(Unary::Tanh, 0.5), 0.46875); // 0.4621
    assert_eq!(of(Unary::Sigmoid, 0.0), 0.5);
    assert_eq!(of(Unary::Rsqrt, 16.0), 0.25);
    assert_eq!(of(Unary::Silu, 1.0), 0.75); // 0.7311
    assert_eq!(of(Unary::Gelu, -0.5), -0.15625); // -0.1543
    assert!(of(Unary::Ln, -1.0).is_nan() && of(Unary::Rsqrt, -1.0).is_nan());
    let p3109 = FormatSpec::by_name("Binary8p4se").unwrap();
    let at_zero = |function| {
        let encoded = p3109.unary_with(function, 0, &Convert::P3109_SAT_PROPAGATE, 0);
        (p3109.decode_f32(encoded.code), encoded.flags)
    };
    assert_eq!(at_zero(Unary::Ln), (f32::NEG_INFINITY, Flags::DIVIDE_BY_ZERO));
    assert!(at_zero(Unary::Rsqrt).0.is_nan());
    let e5m2 = FormatSpec::F8E5M2;
    let minus_zero = e5m2.unary_with(Unary::Rsqrt, 0x80, &e5m2.default_convert(), 0);
    assert_eq!(
        (e5m2.decode_f32(minus_zero.code), minus_zero.flags),
        (f32::NEG_INFINITY, Flags::DIVIDE_BY_ZERO)
    );
}

/// exp(1) = 2.718 lies 0.873 of the way from 2.5 to 2.75: of 256 words 223 go up (kind A floors
/// 223.48).
#[test]
fn single_values_are_rounded_stochastically_too() {
    let e4m3 = FormatSpec::F8E4M3;
    let convert = e4m3.default_convert().with_round(Round::stochastic(Stochastic::A, 8).unwrap());
    let ups = (0..256)
        .filter(|&word| {
            e4m3.unary_with(Unary::Exp, 0x38, &convert, word).code == e4m3.encode_f32(2.75)
        })
        .count();
    assert_eq!(ups, 223);
}

/// P3109's policy is that of the type: `1 / √0` is NaN, not infinity.
#[test]
fn typed_functions_follow_the_policy_of_the_type() {
    for function in Unary::ALL {
        let table = F8E4M3Fnuz::unary_table(function).unwrap();
        for x in F8E4M3Fnuz::all() {
            let expected =
                F8E4M3Fnuz::SPEC.unary_with(function, x.to_bits().into(), &F8E4M3Fnuz::CONVERT, 0);
            assert_eq!(x.unary(function).to_bits(), expected.code as u8, "{function:?} of {x:?}");
            assert_eq!(table.get(x.to_bits()), expected.code as u8, "{function:?} of {x:?}");
        }
    }
    let (zero, ieee) =
        (F8E4M3Fnuz::ZERO, F8E4M3Fnuz::CONVERT.with_division_by_zero(DivisionByZero::Infinity));
    assert!(zero.unary(Unary::Rsqrt).is_nan());
    let (value, flags) = zero.unary_with(Unary::Rsqrt, &ieee, 0);
    assert_eq!((value, flags.contains(Flags::DIVIDE_BY_ZERO)), (F8E4M3Fnuz::MAX, true));
}

#[test]
fn wide_formats_have_single_values_and_no_tables() {
    let exp = FormatSpec::F32.unary_with(Unary::Exp, 1.0f32.to_bits(), &Convert::IEEE, 0);
    assert_eq!((f32::from_bits(exp.code), exp.flags), (std::f32::consts::E, Flags::INEXACT));
    let wide = UnaryTable::new(Unary::Exp, &FormatSpec::F16, &Convert::IEEE).unwrap_err();
    assert_eq!(
        wide.to_string(),
        "format specification: bits of a table's format: expected 1..=8, found 16"
    );
    let stochastic = Convert::IEEE.with_round(Round::stochastic(Stochastic::A, 8).unwrap());
    assert_eq!(
        UnaryTable::new(Unary::Exp, &FormatSpec::F8E4M3, &stochastic).unwrap_err(),
        Error::TableRound
    );
}

/// Layouts at the ends of what the crate allows: numbers near 2^-32768 and 2^32768.
#[test]
fn extreme_biases_settle() {
    for bias in [-(1 << 15), 1 << 15] {
        let layout = subhalf::FloatSpec { bias, ..subhalf::FloatSpec::ieee(4, 3) };
        let spec = FormatSpec::new("extreme", Encoding::Float(layout)).unwrap();
        for function in Unary::ALL {
            let table = UnaryTable::new(function, &spec, &spec.default_convert()).unwrap();
            let one = spec.max_code() as u8;
            let value = spec.decode(table.get(one).into());
            match function {
                Unary::Gelu | Unary::Silu if bias < 0 => assert_eq!(value, spec.max()),
                Unary::Tanh if bias > 0 => assert_eq!(value, spec.max()),
                Unary::Tanh | Unary::Sigmoid | Unary::Rsqrt if bias < 0 => assert!(value.is_zero()), // at most 1
                _ => assert!(!value.is_nan(), "{function:?}"),
            }
        }
    }
}
