//! The stamped types: constants restated from the documents, conversions, order, text, operators'
//! forms.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::num::FpCategory;
use subhalf::{
    Binary4p2sf, Binary6p3sf, Binary6p4sf, Binary8p3se, Binary8p3sf, Binary8p4se, Binary8p4sf,
    Binary8p5se, Convert, E8M0, F4E2M1, F6E2M3, F6E3M2, F8E3M4, F8E4M3, F8E4M3B11Fnuz, F8E4M3Fnuz,
    F8E4M3Ieee, F8E5M2, F8E5M2Fnuz, Flags, Format, FormatSpec, HiF8, Round, UE4M3, UE5M3,
};

/// Type: max, min, min normal (or smallest), epsilon, significand bits; as f64, from formats.md
/// 1.2, 1.10 and 2.1 (OCP OFP8 1.0 and MX 1.0 by way of them) and IEEE P3109 v4.0.
macro_rules! limits {
    ($($type:ident: $max:expr, $min:expr, $smallest_positive:expr, $epsilon:expr, $digits:expr;)*) => {$(
        assert_eq!(
            [$type::MAX.to_f64(), $type::MIN.to_f64(), $type::MIN_POSITIVE.to_f64(), $type::EPSILON],
            [$max, $min, $smallest_positive, $epsilon], stringify!($type)
        );
        assert_eq!($type::MANTISSA_DIGITS, $digits, stringify!($type));
        assert_eq!(f64::from($type::MAX_EXP), ($max as f64).log2().floor() + 1.0, stringify!($type));
        assert_eq!(f64::from($type::MIN_EXP), ($smallest_positive as f64).log2() + 1.0, stringify!($type));
        assert_eq!($type::ONE.to_f64(), 1.0, stringify!($type));
    )*};
}

#[test]
fn constants_are_those_of_the_documents() {
    let two = |exponent: i32| f64::from(exponent).exp2();
    limits! {
        F8E4M3: 448.0, -448.0, two(-6), 0.125, 4;
        F8E5M2: 57344.0, -57344.0, two(-14), 0.25, 3;
        F8E4M3Fnuz: 240.0, -240.0, two(-7), 0.125, 4;
        F8E5M2Fnuz: 57344.0, -57344.0, two(-15), 0.25, 3;
        F8E4M3B11Fnuz: 30.0, -30.0, two(-10), 0.125, 4;
        F8E4M3Ieee: 240.0, -240.0, two(-6), 0.125, 4;
        F8E3M4: 15.5, -15.5, 0.25, 0.0625, 5;
        F6E3M2: 28.0, -28.0, 0.25, 0.25, 3;
        F6E2M3: 7.5, -7.5, 1.0, 0.125, 4;
        F4E2M1: 6.0, -6.0, 1.0, 0.5, 2;
        HiF8: 32768.0, -32768.0, two(-15), 0.125, 0;
        E8M0: two(127), two(-127), two(-127), 1.0, 1;
        UE4M3: 448.0, 0.0, two(-6), 0.125, 4;
        UE5M3: 114_688.0, 0.0, two(-14), 0.125, 4;
        Binary8p3se: 49152.0, -49152.0, two(-15), 0.25, 3;
        Binary8p3sf: 57344.0, -57344.0, two(-15), 0.25, 3;
        Binary8p4se: 224.0, -224.0, two(-7), 0.125, 4;
        Binary8p4sf: 240.0, -240.0, two(-7), 0.125, 4;
        Binary8p5se: 15.0, -15.0, two(-3), 0.0625, 5;
        Binary6p3sf: 14.0, -14.0, two(-3), 0.25, 3;
        Binary6p4sf: 3.75, -3.75, 0.5, 0.125, 4;
        Binary4p2sf: 3.0, -3.0, 0.5, 0.5, 2;
    }
    assert_eq!(
        [F8E4M3::MIN_POSITIVE_SUBNORMAL.to_f64(), F8E4M3::MAX_SUBNORMAL.to_f64()],
        [two(-9), 7.0 * two(-9)]
    );
    assert_eq!(
        [HiF8::MIN_POSITIVE_SUBNORMAL.to_f64(), HiF8::MAX_SUBNORMAL.to_f64()],
        [two(-22), two(-16)]
    );
    assert_eq!(
        [F8E5M2::INFINITY.to_bits(), F8E5M2::NEG_INFINITY.to_bits(), F8E5M2::NAN.to_bits()],
        [0x7C, 0xFC, 0x7E]
    );
    assert_eq!(
        [
            F8E4M3::NAN.to_bits(),
            F8E4M3Fnuz::NAN.to_bits(),
            HiF8::NAN.to_bits(),
            E8M0::NAN.to_bits()
        ],
        [0x7F, 0x80, 0x80, 0xFF]
    );
    assert_eq!(
        [F8E4M3::NEG_ZERO.to_bits(), F8E4M3::ZERO.to_bits(), F4E2M1::NEG_ONE.to_bits()],
        [0x80, 0x00, 0xA]
    );
}

/// The crate `float8` 0.7.0 has `F8E4M3::MAX` = 416 and `F8E5M2::MAX` = 49152, one code below the
/// largest numbers.
#[test]
fn max_is_448_and_not_416_as_in_float8() {
    assert_eq!((F8E4M3::MAX.to_bits(), F8E4M3::MAX.to_f32()), (0x7E, 448.0));
    assert_eq!(F8E4M3::MAX.next_down().to_f32(), 416.0);
    assert_eq!((F8E5M2::MAX.to_bits(), F8E5M2::MAX.to_f32()), (0x7B, 57344.0));
    assert_eq!(F8E5M2::MAX.next_down().to_f32(), 49152.0);
}

/// `microfloat` 0.1.3 goes through f32 and gives 1.0.
#[test]
fn f64_is_rounded_once_and_not_through_f32_as_in_microfloat() {
    let above_tie = 1.0625 + f64::from(-40).exp2();
    assert_eq!(F8E4M3::from_f64(above_tie).to_f32(), 1.125);
    assert_eq!(F8E4M3::from_f64(1.0625).to_f32(), 1.0);
    assert_eq!(F8E4M3::from_f32(above_tie as f32).to_f32(), 1.0);
}

#[test]
fn conversions_are_const() {
    const X: F8E4M3 = F8E4M3::from_f32(0.3);
    const Y: F8E5M2 = F8E5M2::from_unpacked(X.unpack());
    const SUM: (F8E4M3, Flags) =
        X.add_with(F8E4M3::ONE, &Convert::SATURATING.with_round(Round::Up), 0);
    assert_eq!(
        (X.to_f32(), Y.to_f32(), SUM.0.to_f32(), SUM.1),
        (0.3125, 0.3125, 1.375, Flags::INEXACT)
    );
}

/// Every f16 and bf16 is an f32, so one rounding of either is that of the f32; and every number
/// here is an f32 on its way out.
#[cfg(feature = "half")]
#[test]
fn all_numbers_of_half_come_in_and_all_codes_go_out_rounded_once() {
    use half::{bf16, f16};
    macro_rules! check {
        ($($type:ident)*) => {$(
            let up = $type::CONVERT.with_round(Round::Up);
            for code in 0..=u16::MAX {
                let (x, y) = (f16::from_bits(code), bf16::from_bits(code));
                assert_eq!($type::from_f16(x).to_bits(), $type::from_f32(x.to_f32()).to_bits(), "{code:#x}");
                assert_eq!($type::from_bf16(y).to_bits(), $type::from_f32(y.to_f32()).to_bits(), "{code:#x}");
                // A signalling NaN may be quiet in f32.
                let bits = |(x, flags): ($type, Flags)| (x.to_bits(), flags);
                if !x.is_nan() {
                    assert_eq!(bits($type::from_f16_with(x, &up, 0)), bits($type::from_f32_with(x.to_f32(), &up, 0)), "{code:#x}");
                }
                if !y.is_nan() {
                    assert_eq!(bits($type::from_bf16_with(y, &up, 0)), bits($type::from_f32_with(y.to_f32(), &up, 0)), "{code:#x}");
                }
            }
            for x in $type::all().filter(|x| !x.is_nan()) {
                assert_eq!(x.to_f16(), f16::from_f32(x.to_f32()), "{x:?}");
                assert_eq!(x.to_bf16(), bf16::from_f32(x.to_f32()), "{x:?}");
                assert_eq!(bf16::from(x).to_f32(), x.to_f32(), "{x:?}");
            }
        )*};
    }
    for x in HiF8::all().filter(|x| !x.is_nan()) {
        assert_eq!(f16::from(x).to_f32(), x.to_f32(), "{x:?}");
    }
    check!(F8E4M3 F8E5M2 F8E4M3Fnuz F8E3M4 F6E2M3 F4E2M1 HiF8 E8M0 UE5M3 Binary8p4se);
}

#[test]
fn of_two_zeros_the_first_is_larger_and_smaller() {
    let (plus, minus) = (F8E4M3::ZERO, F8E4M3::NEG_ZERO);
    let codes =
        [plus.max(minus), minus.max(plus), plus.min(minus), minus.min(plus)].map(F8E4M3::to_bits);
    assert_eq!(codes, [0x00, 0x80, 0x00, 0x80]);
}

/// What `half` and f32 have, where the format has it.
#[test]
fn defaults_lossless_conversions_signum_and_decimal_limits() {
    assert_eq!(
        (F8E4M3::default().to_bits(), HiF8::default(), UE4M3::default()),
        (0x00, HiF8::ZERO, UE4M3::ZERO)
    );
    assert_eq!(
        (f32::from(F8E4M3::MAX), f64::from(E8M0::MIN), f32::from(F8E5M2::NEG_INFINITY)),
        (448.0, 2f64.powi(-127), f32::NEG_INFINITY)
    );
    assert_eq!(F8E4M3::from_f32(-3.5).signum(), F8E4M3::NEG_ONE);
    assert_eq!(
        (F8E4M3::NEG_ZERO.signum(), F8E4M3Fnuz::ZERO.signum()),
        (F8E4M3::NEG_ONE, F8E4M3Fnuz::ONE)
    );
    assert!(F8E5M2::NAN.signum().is_nan() && Binary8p4se::NAN.signum().is_nan());
    // 10^2 <= 448 < 10^3, 10^-2 < 2^-6 <= 10^-1; 57344 and 2^-14; 28 and 0.25; 6 and 1; 2^±127;
    // 0.00003 of HiF8.
    assert_eq!(
        [F8E4M3::MIN_10_EXP, F8E5M2::MIN_10_EXP, F6E3M2::MIN_10_EXP, F4E2M1::MIN_10_EXP],
        [-1, -4, 0, 0]
    );
    assert_eq!(
        [F8E4M3::MAX_10_EXP, F8E5M2::MAX_10_EXP, F6E3M2::MAX_10_EXP, F4E2M1::MAX_10_EXP],
        [2, 4, 1, 0]
    );
    assert_eq!(
        [E8M0::MIN_10_EXP, E8M0::MAX_10_EXP, HiF8::MIN_10_EXP, HiF8::MAX_10_EXP],
        [-38, 38, -4, 4]
    );
    assert_eq!((F6E3M2::all().count(), F4E2M1::all().map(F4E2M1::to_f64).sum::<f64>()), (64, 0.0));
}

#[test]
fn bytes_and_bits_beyond_the_width() {
    assert_eq!(F4E2M1::from_bits(0xF2).to_bits(), 0x2);
    assert_eq!(F6E3M2::from_le_bytes([0xFF]).to_be_bytes(), [0x3F]);
    assert_eq!(UE4M3::from_ne_bytes([0xB8]).to_f32(), 1.0);
}

#[test]
fn classes_and_signs() {
    assert_eq!(F8E4M3::from_bits(0x01).classify(), FpCategory::Subnormal);
    assert!(
        F8E4M3::from_bits(0x08).is_normal()
            && F8E4M3::from_bits(0xFF).is_nan()
            && F8E4M3::from_bits(0xFF).is_sign_negative()
    );
    assert!(
        F8E5M2::INFINITY.is_infinite()
            && !F8E5M2::INFINITY.is_finite()
            && F8E5M2::NEG_ZERO == F8E5M2::ZERO
    );
    assert_eq!((-F8E4M3::ONE).to_f32(), -1.0);
    assert_eq!((-F8E4M3Fnuz::ZERO).to_bits(), 0x00);
    assert_eq!(F8E4M3::NEG_ONE.abs(), F8E4M3::ONE);
    assert_eq!(F8E4M3::ONE.copysign(F8E4M3::NEG_ZERO), F8E4M3::NEG_ONE);
    assert!((-F8E4M3::NAN).is_nan());
    // An unsigned format has no negative numbers: NaN, its policy says.
    assert!((-UE4M3::ONE).is_nan() && (-UE4M3::ZERO).is_zero());
}

#[test]
fn order_total_order_and_neighbours() {
    assert!(F8E4M3::NAN != F8E4M3::NAN && F8E4M3::NAN.partial_cmp(&F8E4M3::ONE).is_none());
    assert!(HiF8::from_bits(0x07) < HiF8::from_bits(0x7E)); // 2^-16 < 2^-15, against the order of codes
    assert_eq!(F8E4M3::ONE.max(F8E4M3::NAN), F8E4M3::ONE);
    assert_eq!(F8E4M3::from_f32(9.0).clamp(F8E4M3::ZERO, F8E4M3::ONE), F8E4M3::ONE);
    let mut codes: Vec<u8> = (0..=255).collect();
    codes.sort_by(|&a, &b| F8E5M2::from_bits(a).total_cmp(F8E5M2::from_bits(b)));
    assert_eq!(codes[..5], [0xFF, 0xFE, 0xFD, 0xFC, 0xFB]); // -NaN by payload, then -infinity
    assert_eq!(codes[127..129], [0x80, 0x00]);
    assert_eq!(codes[251..], [0x7B, 0x7C, 0x7D, 0x7E, 0x7F]);
    // P3109's TotalOrder puts its one NaN below everything.
    assert_eq!(Binary8p4se::NAN.total_cmp(Binary8p4se::NEG_INFINITY), Ordering::Less);
    assert_eq!(F8E5M2::MAX.next_up(), F8E5M2::INFINITY);
    assert_eq!(F8E5M2::INFINITY.next_up(), F8E5M2::INFINITY);
    assert_eq!(F8E4M3::NEG_ZERO.next_up(), F8E4M3::MIN_POSITIVE_SUBNORMAL);
}

#[test]
fn equal_numbers_hash_alike() {
    let hasher = RandomState::new();
    assert_eq!(hasher.hash_one(F8E4M3::ZERO), hasher.hash_one(F8E4M3::NEG_ZERO));
    let distinct: HashSet<u64> =
        (0..=255u8).map(|code| hasher.hash_one(F8E5M2::from_bits(code))).collect();
    assert_eq!(distinct.len(), 255);
}

#[test]
fn text_goes_out_like_an_f64_and_comes_in_rounded_once() {
    let x = F8E4M3::from_f32(0.3);
    assert_eq!(
        format!("{x} {x:?} {x:e} {x:E} {x:08.3} {x:x} {x:#X} {x:#010b} {x:o}"),
        "0.3125 F8E4M3(0.3125) 3.125e-1 3.125E-1 0000.312 2a 0x2A 0b00101010 52"
    );
    assert_eq!(
        format!("{} {} {}", F8E5M2::NEG_INFINITY, F8E5M2::NAN, F8E4M3::NEG_ZERO),
        "-inf NaN -0"
    );
    // The midpoint of 1 and 1.125, and a hair off it: farther than f64 can tell.
    let parse = |text: &str| text.parse::<F8E4M3>().map(F8E4M3::to_f32);
    assert_eq!(parse("1.0625"), Ok(1.0));
    assert_eq!(parse("1.06250000000000000000000000000000000000000001"), Ok(1.125));
    assert_eq!(parse("1.18749999999999999999999999999999999999999999"), Ok(1.125));
    assert_eq!(parse("118750000000000000000000000000000000000000001e-44"), Ok(1.25));
    assert_eq!(parse("0.000118750e+4"), Ok(1.25));
    assert_eq!(parse("-1e400"), Ok(-448.0));
    assert_eq!(parse("-1e-400").map(f32::to_bits), Ok((-0.0f32).to_bits()));
    assert_eq!(parse("1e-99999999999999999999999").map(f32::to_bits), Ok(0));
    assert_eq!("inf".parse::<F8E5M2>(), Ok(F8E5M2::INFINITY));
    assert!("nan".parse::<F8E5M2>().is_ok_and(F8E5M2::is_nan));
    for text in ["", "1.0x", "e5", ".", "0x10", "--1"] {
        assert!(text.parse::<F8E5M2>().is_err(), "{text:?}");
    }
    for code in 0..=255u8 {
        let x = F8E5M2::from_bits(code);
        let again: F8E5M2 = x.to_string().parse().unwrap();
        assert!(again.to_bits() == code || (x.is_nan() && again.is_nan()), "{code:#x}");
    }
}

#[test]
#[expect(clippy::op_ref, reason = "the forms with references are under test")]
fn operators_come_in_every_form_and_round_each_step() {
    let (a, b) = (F8E4M3::from_f32(3.0), F8E4M3::from_f32(1.125));
    for product in [a * b, &a * b, a * &b, &a * &b] {
        assert_eq!(product.to_f32(), 3.5); // 3.375 is a tie of 3.25 and 3.5
    }
    let mut x = a;
    x += b;
    x -= &F8E4M3::ONE;
    x /= F8E4M3::from_f32(2.0);
    x *= F8E4M3::from_f32(4.0);
    x %= F8E4M3::from_f32(4.0);
    assert_eq!(x.to_f32(), 2.0); // 4.125 -> 4, 3, 1.5, 6, 2
    // Sixteen and sixteen ones: 16 + 1 is a tie that goes to 16.
    let ones = [F8E4M3::ONE; 16];
    assert_eq!(ones.iter().fold(F8E4M3::from_f32(16.0), |sum, x| sum + x).to_f32(), 16.0);
    assert_eq!(
        (ones.iter().sum::<F8E4M3>().to_f32(), ones.into_iter().product::<F8E4M3>().to_f32()),
        (16.0, 1.0)
    );
}

#[test]
fn division_by_zero_is_infinity_or_nan_by_policy() {
    let (one, zero) = (F8E5M2::ONE, F8E5M2::ZERO);
    assert_eq!(
        one.div_with(zero, &Convert::SATURATING, 0),
        (F8E5M2::INFINITY, Flags::DIVIDE_BY_ZERO)
    );
    assert_eq!(F8E4M3::ONE / F8E4M3::ZERO, F8E4M3::MAX); // no infinity: as an infinite input
    assert!((Binary8p4se::ONE / Binary8p4se::ZERO).is_nan() && Binary8p4se::ZERO.recip().is_nan()); // P3109 v4.0
    assert!((zero / zero).is_nan());
}

/// The infinity of a quotient goes the way of an infinite input, and raises what that raises.
#[test]
fn divide_by_zero_comes_with_overflow_where_there_is_no_infinity() {
    let all = Flags::DIVIDE_BY_ZERO | Flags::OVERFLOW | Flags::INEXACT;
    assert_eq!(F8E4M3::ONE.div_with(F8E4M3::NEG_ZERO, &Convert::SATURATING, 0), (F8E4M3::MIN, all));
    assert_eq!(F4E2M1::NEG_ZERO.recip_with(&Convert::SATURATING, 0), (F4E2M1::MIN, all));
    let (nan, flags) = F8E4M3::NEG_ONE.div_with(F8E4M3::ZERO, &Convert::ML_DTYPES, 0);
    assert_eq!((nan.to_bits(), flags), (0xFF, all));
    assert_eq!(F8E5M2::ONE.div_with(F8E5M2::ZERO, &Convert::CUDA_SATFINITE, 0), (F8E5M2::MAX, all));
    assert_eq!(
        HiF8::NEG_ONE.div_with(HiF8::ZERO, &Convert::HIF8, 0),
        (HiF8::NEG_INFINITY, Flags::DIVIDE_BY_ZERO)
    );
    let (nan, flags) = Binary8p3sf::ONE.div_with(Binary8p3sf::ZERO, &Convert::P3109_SAT_NONE, 0);
    assert!(nan.is_nan() && flags == Flags::INVALID);
}

/// P3109 divides nothing by zero, whether its format is a type, a spec, or has another name
/// (Binary8p4sf is E4M3 FNUZ).
#[test]
fn division_by_zero_is_nan_by_default_in_formats_of_p3109() {
    let quotient = |spec: &FormatSpec| {
        let (one, zero) = (spec.one_code().unwrap(), spec.zero_code().unwrap());
        (spec.div_with(one, zero, &spec.default_convert(), 0), spec.nan_code())
    };
    for name in [
        "Binary8p3se",
        "Binary8p4sf",
        "Binary8p3ue",
        "Binary5p2uf",
        "Binary16p11se",
        "F8E4M3FNUZ",
        "F8E4M3B11FNUZ",
    ] {
        let (found, nan) = quotient(&FormatSpec::by_name(name).unwrap());
        assert_eq!((Some(found.code), found.flags), (nan, Flags::INVALID), "{name}");
    }
    for name in [
        "F8E4M3",
        "F8E5M2",
        "F8E4M3IEEE",
        "F6E2M3",
        "F4E2M1",
        "HIF8",
        "UE4M3",
        "UE5M3",
        "F16",
        "BF16",
    ] {
        let (found, _) = quotient(&FormatSpec::by_name(name).unwrap());
        assert!(found.flags.contains(Flags::DIVIDE_BY_ZERO), "{name}: {found:?}");
    }
    assert_eq!(FormatSpec::F8E4M3FNUZ, FormatSpec::by_name("Binary8p4sf").unwrap());
    assert!((F8E4M3Fnuz::ONE / F8E4M3Fnuz::ZERO).is_nan());
    // Infinity too (v4.0, Divide); IEEE 754 has infinity, and no exception.
    let infinite = Binary8p3se::NEG_INFINITY.div_with(Binary8p3se::ZERO, &Binary8p3se::CONVERT, 0);
    assert_eq!((infinite.0.to_bits(), infinite.1), (0x80, Flags::INVALID));
    assert_eq!(
        F8E5M2::INFINITY.div_with(F8E5M2::NEG_ZERO, &F8E5M2::CONVERT, 0),
        (F8E5M2::NEG_INFINITY, Flags::NONE)
    );
}

mod own {
    use subhalf::{Convert, Encoding, FloatSpec, FormatSpec, SubnormalInputs};

    subhalf::define_format! {
        /// The code of −0 is a second +0, and the two NaN have signs.
        pub(super) struct OneZero(u8) =
            FormatSpec::constant("E3M2", Encoding::Float(FloatSpec { negative_zero: false, ..FloatSpec::finite_nan(3, 2) }));
    }
    subhalf::define_format! {
        /// Subnormal operands are zeros, but a sign is no operation on numbers.
        pub(super) struct Flushed(u8) = FormatSpec::HIF8, policy Convert::HIF8.with_subnormal_inputs(SubnormalInputs::Flush);
    }
    subhalf::define_format! { pub(super) struct Posit8(u8) = FormatSpec::POSIT8; convert only; }
    subhalf::define_format! { pub(super) struct Int8(u8) = FormatSpec::INT8; convert only; }
    subhalf::define_format! { pub(super) struct F16(u16) = FormatSpec::F16; }
}

/// IEEE 754-2019, 5.5.1: abs, copySign and negate move the sign bit and nothing else, of NaN too.
/// Where the bit alone is NaN, it and zero have none.
#[test]
fn abs_copysign_and_negate_are_operations_on_the_sign_bit() {
    macro_rules! check {
        ($sign:expr, $none:expr, $($type:path)*) => {$({
            type T = $type;
            let sign = $sign;
            for code in 0..=sign | (sign - 1) {
                let (x, with) = (T::from_bits(code), |bit| if $none.contains(&code) { code } else { code & !sign | bit });
                assert_eq!((-x).to_bits(), with(!code & sign), "-{} {code:#x}", stringify!($type));
                assert_eq!(x.abs().to_bits(), with(0), "|{}| {code:#x}", stringify!($type));
                for other in (0..=sign | (sign - 1)).step_by(usize::from(sign / 8)) {
                    let y = T::from_bits(other);
                    let bit = if $none.contains(&other) { 0 } else { other & sign };
                    assert_eq!(y.is_sign_negative(), bit != 0, "{} {other:#x}", stringify!($type));
                    // P3109, CopySign: NaN if either is.
                    let expected = if y.is_nan() && $none.contains(&other) { other } else { with(bit) };
                    assert_eq!(x.copysign(y).to_bits(), expected, "{} {code:#x} {other:#x}", stringify!($type));
                }
            }
        })*};
    }
    check!(0x80_u8, [0_u8; 0], F8E4M3 F8E5M2 F8E4M3Ieee F8E3M4);
    check!(0x20_u8, [0_u8; 0], F6E3M2 F6E2M3);
    check!(0x8_u8, [0_u8; 0], F4E2M1);
    check!(0x8000_u16, [0_u16; 0], own::F16);
    check!(0x80_u8, [0x00_u8, 0x80], F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz HiF8 own::Flushed);
    check!(0x80_u8, [0x00_u8, 0x80], Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se);
    check!(0x20_u8, [0x00_u8, 0x20], Binary6p3sf Binary6p4sf);
    check!(0x8_u8, [0x0_u8, 0x8], Binary4p2sf);
    for (code, opposite) in
        [(0x00, 0x00), (0x01, 0x21), (0x1E, 0x3E), (0x1F, 0x3F), (0x3F, 0x1F), (0x2C, 0x0C)]
    {
        let (x, magnitude) = (own::OneZero::from_bits(code), code & 0x1F);
        let found = [-x, x.abs(), x.copysign(own::OneZero::MAX), x.copysign(own::OneZero::MIN)]
            .map(own::OneZero::to_bits);
        assert_eq!(
            found,
            [opposite, magnitude, magnitude, if code == 0 { 0 } else { 0x20 | magnitude }],
            "{code:#x}"
        );
    }
}

#[test]
fn signs_of_formats_without_a_sign_bit() {
    for code in 0..=u8::MAX {
        let (int, posit, scale) =
            (own::Int8::from_bits(code), own::Posit8::from_bits(code), UE5M3::from_bits(code));
        assert_eq!(int.abs().to_f64(), int.to_f64().abs().min(127.0), "{code:#x}");
        assert_eq!(
            posit.abs().to_bits(),
            if code > 0x80 { code.wrapping_neg() } else { code },
            "{code:#x}"
        );
        assert_eq!(
            (scale.abs().to_bits(), scale.copysign(UE5M3::ONE).to_bits()),
            (code, code),
            "{code:#x}"
        );
        assert!((-scale).is_nan() || scale.is_zero(), "{code:#x}");
    }
}

/// Without a zero to start from, a sum starts at its first number: one 2^-127 stays one.
#[test]
fn sums_in_a_format_without_zero_start_at_the_first_number() {
    assert_eq!([E8M0::MIN].iter().sum::<E8M0>(), E8M0::MIN);
    assert_eq!([E8M0::ONE, E8M0::ONE].into_iter().sum::<E8M0>().to_f32(), 2.0);
    let (no_sum, no_product): (F8E4M3, E8M0) =
        (std::iter::empty::<F8E4M3>().sum(), std::iter::empty::<E8M0>().product());
    assert_eq!((no_sum, no_product), (F8E4M3::ZERO, E8M0::ONE));
}
