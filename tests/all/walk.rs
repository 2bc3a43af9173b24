//! Walks through every code of every format up to 20 bits: the order of values, and the way of each
//! number into an exact number, an f64 or an f32 and back.

use crate::limits;
use crate::number::{NEGATIVE_ZERO, Number, ZERO};
use crate::p3109::P3109;
use std::cmp::Ordering;
use subhalf::{
    Convert, Encoding, Flags, FormatSpec, IntSpec, Nan, NanCodes, PositSpec, Table, Unpacked,
};

/// A tail without numbers, both zeros (minus first), not in order.
static FIVE: [u32; 5] = [
    3.0_f32.to_bits(),
    (-0.0_f32).to_bits(),
    0.0_f32.to_bits(),
    (-1.5_f32).to_bits(),
    0.375_f32.to_bits(),
];
/// No zero, nothing negative.
static POSITIVE: [u32; 3] = [1.0_f32.to_bits(), 8.0_f32.to_bits(), 2.0_f32.to_bits()];
/// A number twice.
static TWICE: [u32; 4] =
    [1.0_f32.to_bits(), 2.0_f32.to_bits(), 1.0_f32.to_bits(), (-4.0_f32).to_bits()];

/// −0 without +0.
static MINUS: [u32; 3] = [(-0.0_f32).to_bits(), 1.0_f32.to_bits(), (-1.0_f32).to_bits()];

/// Codes that decode but are never produced: format, first and last code, what encoding makes of
/// their number, the flags, why.
type Redundant = (&'static str, u32, u32, u32, Flags, &'static str);

fn redundant() -> Vec<Redundant> {
    let out_of_range = Flags::OVERFLOW | Flags::INEXACT;
    vec![
        (
            "MXINT8SYM",
            0x80,
            0x80,
            0x81,
            out_of_range,
            "a symmetric integer leaves its lowest code unused",
        ),
        (
            "symmetric INT5",
            0x10,
            0x10,
            0x11,
            out_of_range,
            "a symmetric integer leaves its lowest code unused",
        ),
        ("BNBFP4", 8, 8, 0, Flags::NONE, "the table holds +0 twice"),
        ("TWICE", 2, 2, 0, Flags::NONE, "the table holds 1 twice"),
        (
            "flush E4M3",
            0x01,
            0x07,
            0x00,
            Flags::NONE,
            "exponent field 0 is zero whatever the mantissa",
        ),
        (
            "flush E4M3",
            0x81,
            0x87,
            0x80,
            Flags::NONE,
            "exponent field 0 is zero whatever the mantissa",
        ),
        (
            "flush FNUZ",
            0x01,
            0x03,
            0x00,
            Flags::NONE,
            "exponent field 0 is zero whatever the mantissa",
        ),
        (
            "flush FNUZ",
            0x81,
            0x83,
            0x00,
            Flags::NONE,
            "exponent field 0 is zero whatever the mantissa, and there is no −0",
        ),
        (
            "one zero E3M2",
            0x20,
            0x20,
            0x00,
            Flags::NONE,
            "the sign bit alone is neither −0 nor NaN",
        ),
    ]
}

fn every_format() -> impl Iterator<Item = FormatSpec> {
    let make = |name: &str, encoding| {
        FormatSpec::new(name, encoding).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let int = |signed, bits, fraction_bits, symmetric| {
        Encoding::Int(IntSpec { signed, bits, fraction_bits, symmetric })
    };
    let mine = [
        make("FIVE", Encoding::Codebook(Table::of(&FIVE))),
        make("POSITIVE", Encoding::Codebook(Table::of(&POSITIVE))),
        make("TWICE", Encoding::Codebook(Table::of(&TWICE))),
        make("MINUS", Encoding::Codebook(Table::of(&MINUS))),
        make("INT13 times 2^64", int(true, 13, -64, false)),
        make("UINT11 over 2^64", int(false, 11, 64, false)),
        make("symmetric INT5", int(true, 5, 2, true)),
    ];
    let posits = (3..=16).flat_map(move |bits| {
        (0..=4).map(move |exponent_bits| {
            make(
                &format!("posit{bits} es {exponent_bits}"),
                Encoding::Posit(PositSpec { bits, exponent_bits }),
            )
        })
    });
    let named = FormatSpec::ALL.iter().copied();
    let all = named
        .chain(P3109::all().map(P3109::spec))
        .chain(limits::splits().map(|(spec, _)| spec))
        .chain(mine)
        .chain(posits);
    all.filter(|spec| spec.bits() <= 20)
}

#[test]
fn values_are_strictly_increasing_and_leave_out_no_number() {
    let mut visited = 0;
    for spec in every_format() {
        let values: Vec<(u32, Number)> =
            spec.values().map(|(code, value)| (code, Number::of(value))).collect();
        for pair in values.windows(2) {
            assert_eq!(pair[0].1.order(pair[1].1), Ordering::Less, "{spec}: {pair:x?}");
        }
        assert_eq!(values.len() as u64, spec.value_count(), "{spec}");
        for code in spec.codes() {
            let number = Number::of(spec.decode(code));
            if number == Number::Nan {
                assert_eq!(
                    (spec.next_up(code), spec.next_down(code)),
                    (None, None),
                    "{spec} code {code:#x}"
                );
                continue;
            }
            let code_at = |position: usize| values.get(position).map(|&(code, _)| code);
            let (below, above) = match values.binary_search_by(|(_, value)| value.order(number)) {
                Ok(position) => (position.checked_sub(1), position + 1),
                Err(position) => {
                    let unused =
                        matches!(spec.encoding(), Encoding::Int(IntSpec { symmetric: true, .. }));
                    assert!(
                        unused && position == 0,
                        "{spec} code {code:#x}: {number:?} is not among the values"
                    );
                    (None, 0)
                }
            };
            assert_eq!(spec.next_up(code), code_at(above), "{spec} code {code:#x} upward");
            assert_eq!(
                spec.next_down(code),
                below.and_then(code_at),
                "{spec} code {code:#x} downward"
            );
            visited += 1;
        }
    }
    assert!(visited > 8_000_000, "{visited} numbers: formats are missing");
}

#[test]
fn zero_is_reached_as_plus_zero_where_there_is_one() {
    for spec in every_format() {
        let reached = spec
            .values()
            .map(|(_, value)| Number::of(value))
            .find(|value| matches!(value, Number::Zero { .. }));
        let exists = |zero: Number| spec.codes().any(|code| Number::of(spec.decode(code)) == zero);
        let expected = [ZERO, NEGATIVE_ZERO].into_iter().find(|&zero| exists(zero));
        assert_eq!(reached, expected, "{spec}");
    }
}

#[test]
fn the_special_codes_are_the_codes_of_the_special_numbers() {
    for spec in every_format() {
        let number = |code: Option<u32>| code.map(|code| Number::of(spec.decode(code)));
        let plus_zero = spec.codes().any(|code| Number::of(spec.decode(code)) == ZERO);
        let zero = if plus_zero { ZERO } else { NEGATIVE_ZERO };
        assert!(number(spec.zero_code()).is_none_or(|value| value == zero), "{spec}");
        assert!(spec.zero_code().is_some() || !plus_zero, "{spec}");
        assert!(
            number(spec.negative_zero_code()).is_none_or(|value| value == NEGATIVE_ZERO),
            "{spec}"
        );
        assert!(
            number(spec.one_code()).is_none_or(|value| value == Number::new(false, 1, 0)),
            "{spec}"
        );
        assert!(
            number(spec.infinity_code())
                .is_none_or(|value| value == Number::Infinite { negative: false }),
            "{spec}"
        );
        assert!(
            number(spec.negative_infinity_code())
                .is_none_or(|value| value == Number::Infinite { negative: true }),
            "{spec}"
        );
        assert!(number(spec.nan_code()).is_none_or(|value| value == Number::Nan), "{spec}");
        let mut numbers = spec.codes().map(|code| Number::of(spec.decode(code)));
        assert_eq!(
            numbers.any(|value| value == Number::new(false, 1, 0)),
            spec.one_code().is_some(),
            "{spec}"
        );
    }
}

#[test]
fn every_number_round_trips_through_unpacked() {
    let redundant = redundant();
    let (mut round_trips, mut exceptions) = (0_u64, 0);
    for spec in every_format() {
        let policy = spec.default_convert();
        for code in spec.codes() {
            let decoded = spec.decode(code);
            if decoded.is_nan() {
                continue;
            }
            let applies = |&&(name, first, last, ..): &&Redundant| {
                name == spec.name() && (first..=last).contains(&code)
            };
            let (expected, flags) = match redundant.iter().find(applies) {
                Some(&(_, _, _, becomes, flags, _)) => (becomes, flags),
                None => (code, Flags::NONE),
            };
            let encoded = spec.encode_with(decoded, &policy, 0);
            assert_eq!((encoded.code, encoded.flags), (expected, flags), "{spec} code {code:#x}");
            *(if expected == code { &mut round_trips } else { &mut exceptions }) += 1;
        }
    }
    assert!(round_trips > 8_000_000, "{round_trips} round trips: formats are missing");
    let listed: u64 =
        redundant.iter().map(|&(_, first, last, ..)| u64::from(last - first) + 1).sum();
    assert_eq!(exceptions, listed, "an exception for no format");
}

#[test]
fn every_number_that_an_f64_or_f32_holds_round_trips_through_it() {
    let (mut through_f64, mut through_f32) = (0_u64, 0_u64);
    for spec in every_format() {
        let policy = spec.default_convert();
        for code in spec.codes() {
            let decoded = spec.decode(code);
            let number = Number::of(decoded);
            let through_unpacked = spec.encode_with(decoded, &policy, 0);
            if let Some(x) = number.exact_f64() {
                assert_eq!(spec.decode_f64(code).to_bits(), x.to_bits(), "{spec} code {code:#x}");
                assert_eq!(Number::of(Unpacked::from_f64(x)), number, "{spec} code {code:#x}");
                assert_eq!(spec.encode_f64(x), through_unpacked.code, "{spec} code {code:#x}");
                assert_eq!(
                    spec.encode_f64_with(x, &policy, 0),
                    through_unpacked,
                    "{spec} code {code:#x}"
                );
                through_f64 += 1;
            }
            if let Some(x) = number.exact_f32() {
                assert_eq!(spec.decode_f32(code).to_bits(), x.to_bits(), "{spec} code {code:#x}");
                assert_eq!(Number::of(Unpacked::from_f32(x)), number, "{spec} code {code:#x}");
                assert_eq!(spec.encode_f32(x), through_unpacked.code, "{spec} code {code:#x}");
                assert_eq!(
                    spec.encode_f32_with(x, &policy, 0),
                    through_unpacked,
                    "{spec} code {code:#x}"
                );
                through_f32 += 1;
            }
        }
    }
    assert!(
        through_f64 > 6_000_000 && through_f32 > 4_000_000,
        "{through_f64} through f64, {through_f32} through f32"
    );
}

#[test]
fn f32_holds_every_named_format_and_p3109_format_up_to_8_bits() {
    let named = FormatSpec::ALL.iter().copied();
    for spec in named.chain(P3109::all().map(P3109::spec)).filter(|spec| spec.bits() <= 8) {
        for code in spec.codes() {
            let number = Number::of(spec.decode(code));
            assert!(number == Number::Nan || number.exact_f32().is_some(), "{spec} code {code:#x}");
        }
    }
}

#[test]
fn nan_codes_stay_nan() {
    for spec in every_format() {
        for code in spec.codes() {
            let decoded = spec.decode(code);
            if !decoded.is_nan() {
                continue;
            }
            let encoded = spec.encode_with(decoded, &spec.default_convert(), 0);
            match spec.nan_code() {
                Some(nan) => {
                    let flags = if decoded.is_signaling() { Flags::INVALID } else { Flags::NONE };
                    assert_eq!(
                        (encoded.code, encoded.flags),
                        (nan, flags),
                        "{spec} code {code:#x}"
                    );
                }
                // Behind the end of a codebook.
                None => assert_eq!(
                    (encoded.code, encoded.flags),
                    (spec.max_code(), Flags::INVALID),
                    "{spec} code {code:#x}"
                ),
            }
            assert_eq!(spec.decode_f32(code).to_bits(), 0x7FC0_0000, "{spec} code {code:#x}");
            assert_eq!(
                spec.decode_f64(code).to_bits(),
                0x7FF8_0000_0000_0000,
                "{spec} code {code:#x}"
            );
        }
    }
}

#[test]
fn a_nan_with_payload_keeps_it_in_formats_with_many_nans() {
    let payload = |spec: &FormatSpec| spec.default_convert().with_nan(Nan::Payload);
    let mut kept = 0;
    for spec in every_format() {
        let Encoding::Float(layout) = spec.encoding() else { continue };
        if layout.nan != NanCodes::TopExponent {
            continue;
        }
        let quiet_bit = 1 << (layout.mantissa_bits - 1);
        for code in spec.codes().filter(|&code| spec.decode(code).is_nan()) {
            let encoded = spec.encode_with(spec.decode(code), &payload(&spec), 0);
            let flags = if code & quiet_bit == 0 { Flags::INVALID } else { Flags::NONE };
            assert_eq!(
                (encoded.code, encoded.flags),
                (code | quiet_bit, flags),
                "{spec} code {code:#x}"
            );
            kept += 1;
        }
    }
    assert!(kept > 1_000, "{kept} NaN codes");
    // An f32 NaN goes into an f16 as F16C converts it: sign and leading payload bits kept, quiet
    // bit set.
    let f32_nan = f32::from_bits(0xFF81_2345);
    let halved = FormatSpec::F16.encode_f32_with(f32_nan, &Convert::IEEE.with_nan(Nan::Payload), 0);
    assert_eq!((halved.code, halved.flags), (0xFE09, Flags::INVALID));
}
