//! Arbitrary specs, codes, numbers and policies.

use super::{assert_one_line, cases};
use proptest::prelude::*;
use proptest::sample::select;
use subhalf::{
    Convert, Dither, Domain, Encoding, Error, Exec, Flags, FloatSpec, FormatSpec, Infinity,
    IntSpec, MissingNan, Nan, NanCodes, Negative, Overflow, PositSpec, Round, Signedness,
    Stochastic, SubnormalInputs, Table, Unpacked, Vocabulary, Zero, ZeroField, amax_scale,
    storage_error,
};

/// Mostly small, sometimes anything.
fn width(most: u8) -> impl Strategy<Value = u8> {
    prop_oneof![20 => 0..=most, 1 => any::<u8>()]
}

fn float() -> impl Strategy<Value = Encoding> {
    let bias = prop_oneof![6 => -40..200i32, 2 => select(&[-32769, -32768, 32768, 32769, i32::MIN, i32::MAX][..]), 1 => any::<i32>()];
    let zero_field = select(&[ZeroField::Subnormals, ZeroField::ZeroOnly, ZeroField::Normals][..]);
    let nan = select(
        &[NanCodes::None, NanCodes::TopExponent, NanCodes::AllOnes, NanCodes::NegativeZero][..],
    );
    let fields = (
        any::<[bool; 3]>(),
        prop_oneof![2 => width(4), 1 => width(17)],
        prop_oneof![2 => width(4), 1 => width(24)],
    );
    (fields, bias, zero_field, nan).prop_map(
        |(
            ([signed, negative_zero, infinities], exponent_bits, mantissa_bits),
            bias,
            zero_field,
            nan,
        )| {
            Encoding::Float(FloatSpec {
                signed,
                exponent_bits,
                mantissa_bits,
                bias,
                zero_field,
                negative_zero,
                infinities,
                nan,
            })
        },
    )
}

fn int() -> impl Strategy<Value = Encoding> {
    let fraction_bits = prop_oneof![-8..8i8, any::<i8>()];
    (any::<bool>(), width(33), fraction_bits, any::<bool>()).prop_map(
        |(signed, bits, fraction_bits, symmetric)| {
            Encoding::Int(IntSpec { signed, bits, fraction_bits, symmetric })
        },
    )
}

fn posit() -> impl Strategy<Value = Encoding> {
    (width(33), width(5))
        .prop_map(|(bits, exponent_bits)| Encoding::Posit(PositSpec { bits, exponent_bits }))
}

/// Entries are given as f32 bits. The tables are leaked: a spec borrows them for ever.
fn codebook() -> impl Strategy<Value = Encoding> {
    let near_one = (-8..8i32, any::<bool>()).prop_map(|(eighths, negative)| {
        let x = eighths as f32 / 8.0;
        (if negative { -x } else { x }).to_bits()
    });
    let ranged = (0..62u32, 0..4u32, any::<bool>()).prop_map(|(exponent, mantissa, negative)| {
        (u32::from(negative) << 31) | ((100 + exponent) << 23) | (mantissa << 21)
    });
    let entry = || prop_oneof![40 => near_one.clone(), 40 => ranged.clone(), 1 => any::<u32>(), 1 => select(&[0, 1 << 31, 1, 0x7F7F_FFFF][..])];
    let table = prop_oneof![8 => prop::collection::vec(entry(), 0..20), 1 => prop::collection::vec(entry(), 200..260)];
    table.prop_map(|table| {
        let held = Table::held(&table);
        Encoding::Codebook(held.unwrap_or_else(|_| Table::of(table.leak())))
    })
}

fn p3109() -> impl Strategy<Value = FormatSpec> {
    (3..=16u8, 1..=16u8, any::<[bool; 2]>()).prop_filter_map(
        "precision",
        |(bits, precision, [signed, extended])| {
            let signedness = if signed { Signedness::Signed } else { Signedness::Unsigned };
            FormatSpec::p3109(
                bits,
                precision,
                signedness,
                if extended { Domain::Extended } else { Domain::Finite },
            )
            .ok()
        },
    )
}

/// A spec that was accepted.
fn spec() -> impl Strategy<Value = FormatSpec> {
    let encoding = prop_oneof![6 => float(), 2 => int(), 2 => posit(), 2 => codebook()];
    let accepted =
        encoding.prop_filter_map("refused", |encoding| FormatSpec::new("absurd", encoding).ok());
    prop_oneof![8 => accepted, 1 => select(FormatSpec::ALL), 1 => p3109()]
}

fn round() -> impl Strategy<Value = Round> {
    let kind = select(&[Stochastic::A, Stochastic::B, Stochastic::C][..]);
    prop_oneof![2 => select(&Round::DETERMINISTIC[..]), 1 => (kind, any::<u8>()).prop_map(|(kind, bits)| Round::Stochastic { kind, bits })]
}

fn convert() -> impl Strategy<Value = Convert> {
    let overflow = select(
        &[
            Overflow::Saturate,
            Overflow::Special,
            Overflow::IeeeDirected,
            Overflow::DirectedSpecial,
            Overflow::Wrap,
        ][..],
    );
    let infinity = select(&[Infinity::Saturate, Infinity::Special, Infinity::KeepElseSaturate][..]);
    let nan =
        select(&[Nan::Canonical, Nan::Signed, Nan::AllOnes, Nan::SignedAllOnes, Nan::Payload][..]);
    let missing_nan = select(
        &[
            MissingNan::Max,
            MissingNan::SignedMax,
            MissingNan::Zero,
            MissingNan::SignedZero,
            MissingNan::OppositeZero,
            MissingNan::Payload,
        ][..],
    );
    let zero = select(&[Zero::Smallest, Zero::Nan, Zero::NanBelowSmallest][..]);
    let negative =
        select(&[Negative::Nan, Negative::Directed, Negative::Clamp, Negative::Magnitude][..]);
    let subnormal_inputs = select(&[SubnormalInputs::Keep, SubnormalInputs::Flush][..]);
    (round(), overflow, infinity, (nan, missing_nan), zero, negative, subnormal_inputs).prop_map(
        |(round, overflow, infinity, (nan, missing_nan), zero, negative, subnormal_inputs)| {
            let convert = Convert::SATURATING
                .with_round(round)
                .with_overflow(overflow)
                .with_infinity(infinity)
                .with_nan(nan);
            let convert = convert.with_missing_nan(missing_nan).with_zero(zero);
            convert.with_negative(negative).with_subnormal_inputs(subnormal_inputs)
        },
    )
}

/// Any f32, any f64, or any exact number at all.
fn number() -> impl Strategy<Value = Unpacked> {
    let exponent = prop_oneof![6 => -200..200i32, 1 => any::<i32>(), 1 => select(&[i32::MIN, i32::MAX, -32768, 32767][..])];
    prop_oneof![
        2 => any::<u32>().prop_map(|bits| Unpacked::from_f32(f32::from_bits(bits))),
        2 => any::<u64>().prop_map(|bits| Unpacked::from_f64(f64::from_bits(bits))),
        4 => (-40.0..40.0f64, any::<bool>()).prop_map(|(log, negative)| Unpacked::from_f64(if negative { -log.exp2() } else { log.exp2() })),
        2 => (any::<bool>(), 0..100u64, exponent.clone()).prop_map(|(negative, significand, exponent)| Unpacked::new(negative, significand, exponent)),
        1 => (any::<bool>(), any::<u64>(), exponent).prop_map(|(negative, significand, exponent)| Unpacked::new(negative, significand, exponent)),
    ]
}

fn code_mask(spec: &FormatSpec) -> u32 {
    (spec.code_count() - 1) as u32
}

proptest! {
    #![proptest_config(cases(20000))]

    #[test]
    fn specs_are_accepted_or_refused(encoding in prop_oneof![float(), int(), posit(), codebook()], name in any::<String>()) {
        match FormatSpec::new(&name, encoding) {
            Ok(spec) => prop_assert!((1..=32).contains(&spec.bits())),
            Err(error) => assert_one_line(&error),
        }
    }

    #[test]
    fn p3109_and_sign_magnitude_take_any_width(
        bits in any::<u8>(), precision in any::<u8>(), signed in any::<bool>(), extended in any::<bool>(), fraction in any::<i8>(),
    ) {
        let signedness = if signed { Signedness::Signed } else { Signedness::Unsigned };
        let domain = if extended { Domain::Extended } else { Domain::Finite };
        for result in [FormatSpec::p3109(bits, precision, signedness, domain), FormatSpec::sign_magnitude("sm", bits, fraction)] {
            if let Err(error) = result {
                assert_one_line(&error);
            }
        }
    }

    #[test]
    fn limits_of_any_spec_are_sound(spec in spec()) {
        let mask = code_mask(&spec);
        for code in [spec.max_code(), spec.min_code(), spec.smallest_positive_code()] {
            prop_assert!(code <= mask && spec.decode(code).is_finite(), "{code:#x}");
        }
        prop_assert!(spec.min() < spec.max());
        prop_assert!(spec.zero_code().is_none_or(|code| spec.decode(code).is_zero()));
        prop_assert!(spec.negative_zero_code().is_none_or(|code| spec.decode(code).is_zero() && spec.decode(code).is_negative()));
        prop_assert!(spec.one_code().is_none_or(|code| spec.decode(code) == Unpacked::ONE));
        prop_assert!(spec.nan_code().is_none_or(|code| spec.decode(code).is_nan()));
        prop_assert!(spec.infinity_code().is_none_or(|code| spec.decode(code) == Unpacked::infinity(false)));
        prop_assert!(spec.negative_infinity_code().is_none_or(|code| spec.decode(code) == Unpacked::infinity(true)));
        prop_assert!(spec.min_normal().is_none_or(|value| value.is_finite() && !value.is_zero() && value >= spec.smallest_positive()));
        prop_assert!(spec.epsilon().is_none_or(|value| value > Unpacked::ZERO));
        prop_assert!(spec.value_count() >= 2 && spec.value_count() <= spec.code_count());
        let info = spec.finfo();
        prop_assert_eq!((info.bits, info.precision, info.decimal_digits), (spec.bits(), spec.precision(), spec.decimal_digits()));
        prop_assert_eq!((info.max_exponent, info.min_exponent), (spec.max_exponent(), spec.min_exponent()));
        assert_one_line(&info);
        assert_one_line(&format_args!("a spec prints as {spec} and {spec:?}"));
        for vocabulary in Vocabulary::ALL {
            let again = spec.name_in(vocabulary).map(|name| FormatSpec::by_name_in(vocabulary, name.as_str()));
            prop_assert!(again.is_none_or(|found| found == Ok(spec)));
        }
    }

    #[test]
    fn the_smallest_positive_number_is_positive(spec in spec()) {
        // INT1 and codebooks without positive numbers have none: there it is the maximum.
        prop_assert!(spec.smallest_positive() > Unpacked::ZERO || (spec.max() <= Unpacked::ZERO && spec.smallest_positive() == spec.max()));
    }

    #[test]
    fn any_code_decodes(spec in spec(), code in any::<u32>()) {
        let value = spec.decode(code);
        prop_assert_eq!(value.is_nan(), spec.decode(code & code_mask(&spec)).is_nan());
        let _ = (spec.decode_f32(code), spec.decode_f64(code), value.to_string());
        let (up, down) = (spec.next_up(code), spec.next_down(code));
        if value.is_nan() {
            prop_assert_eq!((up, down), (None, None));
            return Ok(());
        }
        prop_assert!(value.is_infinite() || spec.min() <= value && value <= spec.max() || is_unused(&spec, value));
        prop_assert!(up.is_none_or(|code| spec.decode(code) > value));
        prop_assert!(down.is_none_or(|code| spec.decode(code) < value));
    }

    #[test]
    fn numbers_of_a_format_are_kept(spec in spec(), code in any::<u32>(), round in round(), random in any::<u32>()) {
        let value = spec.decode(code);
        if value.is_nan() || is_unused(&spec, value) {
            return Ok(());
        }
        let convert = Convert::SATURATING.with_round(round);
        let encoded = spec.encode_with(value, &convert, random);
        prop_assert!(encoded.code <= code_mask(&spec));
        prop_assert_eq!(spec.decode(encoded.code), value);
        prop_assert_eq!(encoded.flags, Flags::NONE);
        prop_assert_eq!(spec.encode_with(spec.decode(encoded.code), &convert, random).code, encoded.code);
    }

    #[test]
    fn any_number_encodes_under_any_policy(spec in spec(), x in number(), convert in convert(), random in any::<u32>()) {
        let encoded = spec.encode_with(x, &convert, random);
        prop_assert!(encoded.code <= code_mask(&spec), "{:#x}", encoded.code);
        let told = spec.explain(x, &convert, random);
        prop_assert_eq!((told.code, told.flags), (encoded.code, encoded.flags));
        assert_one_line(&told);
        let seen = if told.drops_sign { x.magnitude() } else { x };
        prop_assert!(told.below.is_none_or(|below| below <= seen) && told.above.is_none_or(|above| above >= seen));
        let kept = matches!(convert.subnormal_inputs, SubnormalInputs::Keep) && !matches!(convert.negative, Negative::Magnitude);
        if encoded.flags.is_empty() && kept && !x.is_nan() {
            prop_assert_eq!(spec.decode(encoded.code), x);
        }
        let _ = (x.to_f32(), x.to_f64(), x.to_string());
    }

    #[test]
    fn a_number_in_the_range_becomes_one_of_its_neighbours(spec in spec(), x in number(), round in round(), random in any::<u32>()) {
        if !x.is_finite() || x < spec.min() || x > spec.max() {
            return Ok(());
        }
        let told = spec.explain(x, &Convert::SATURATING.with_round(round).with_negative(Negative::Clamp), random);
        let (Some(below), Some(above)) = (told.below, told.above) else {
            return Err(TestCaseError::fail("a number in the range has neighbours"));
        };
        prop_assert!(below <= x && x <= above);
        prop_assert!(told.result == below || told.result == above);
    }

    #[test]
    fn error_accounting_takes_anything(
        spec in spec(), src in prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 0..20), scale in any::<u32>(), convert in convert(),
    ) {
        let sane = amax_scale(&spec, &src, Exec::default());
        prop_assert!(sane.is_normal() && sane > 0.0);
        for scale in [sane, f32::from_bits(scale)] {
            match storage_error(&spec, &src, scale, &convert, Dither::new(1), Exec::default()) {
                Ok(stats) => {
                    prop_assert_eq!(stats.count(), src.len() as u64);
                    let apart = stats.nan() + stats.nan_references() + stats.infinite_references();
                    prop_assert!(stats.measured() <= stats.count() && stats.measured() + apart >= stats.count());
                    prop_assert!(stats.flushed() <= stats.measured() && stats.saturated() <= stats.count());
                    assert_one_line(&format_args!("the ratio is {}", stats.sqnr_db()));
                }
                Err(error) => prop_assert!(matches!(convert.round, Round::Stochastic { bits, .. } if error == Error::RandomBits { found: bits }), "{}", error),
            }
        }
    }
}

/// The lowest code of a symmetric integer decodes but is never produced.
fn is_unused(spec: &FormatSpec, value: Unpacked) -> bool {
    matches!(spec.encoding(), Encoding::Int(layout) if layout.symmetric) && value < spec.min()
}
