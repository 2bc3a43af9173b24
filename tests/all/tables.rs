//! Formats whose codes are best compared with a table or another formula than `limits` has: the
//! small formats in full, HiF8, codebooks, integers, posits.

use crate::number::{Number, power_of_two};
use subhalf::{Encoding, FormatSpec, PositSpec};

fn f64_bits(spec: &FormatSpec, codes: std::ops::RangeInclusive<u32>) -> Vec<u64> {
    codes.map(|code| spec.decode_f64(code).to_bits()).collect()
}

fn bits_of(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The codes with the sign bit are the negatives, −0 of 0 among them.
fn check_sign_magnitude(spec: &FormatSpec, magnitudes: &[f64]) {
    let negatives: Vec<f64> = magnitudes.iter().map(|value| -value).collect();
    let half = magnitudes.len() as u32;
    assert_eq!(f64_bits(spec, 0..=half - 1), bits_of(magnitudes), "{spec}");
    assert_eq!(f64_bits(spec, half..=2 * half - 1), bits_of(&negatives), "{spec}");
    assert_eq!(spec.code_count(), 2 * u64::from(half), "{spec}");
}

#[test]
fn fp4_and_fp6_are_their_complete_tables() {
    // The reference, section 1.5; E0M3 and E3M0: 1.2 and 1.7.
    check_sign_magnitude(&FormatSpec::F4E2M1, &[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]);
    check_sign_magnitude(&FormatSpec::F4E1M2, &[0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]);
    check_sign_magnitude(&FormatSpec::F4E0M3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    check_sign_magnitude(&FormatSpec::F4E3M0, &[0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]);
    let e2m3: [f64; 32] = std::array::from_fn(|code| {
        let k = (code % 8) as f64;
        match code / 8 {
            0 => k / 8.0,
            1 => 1.0 + k / 8.0,
            2 => 2.0 + k / 4.0,
            _ => 4.0 + k / 2.0,
        }
    });
    check_sign_magnitude(&FormatSpec::F6E2M3, &e2m3);
    let e3m2: [f64; 32] = std::array::from_fn(|code| {
        let k = (code % 4) as f64;
        match code / 4 {
            0 => k / 16.0,
            1 => (4.0 + k) / 16.0,
            2 => (4.0 + k) / 8.0,
            3 => (4.0 + k) / 4.0,
            4 => (4.0 + k) / 2.0,
            5 => 4.0 + k,
            6 => 2.0 * (4.0 + k),
            _ => 4.0 * (4.0 + k),
        }
    });
    check_sign_magnitude(&FormatSpec::F6E3M2, &e3m2);
    // ml_dtypes keeps such codes in bytes and ignores the bits above: 0xFF is the most negative
    // number (1.5).
    let last = |spec: FormatSpec| spec.decode_f64(0xFF);
    assert_eq!(
        (last(FormatSpec::F4E2M1), last(FormatSpec::F6E2M3), last(FormatSpec::F6E3M2)),
        (-6.0, -7.5, -28.0)
    );
}

#[test]
fn e8m0_is_a_power_of_two_for_every_code_but_ff() {
    // The reference, sections 1.2 and 1.6: code 0 is 2^-127, an f32 subnormal and not zero.
    for code in 0..=0xFE {
        assert_eq!(
            Number::of(FormatSpec::E8M0.decode(code)),
            power_of_two(i64::from(code) - 127),
            "{code:#x}"
        );
    }
    assert!(FormatSpec::E8M0.decode(0xFF).is_nan());
    assert_eq!(FormatSpec::E8M0.decode_f32(0).to_bits(), 0x0040_0000);
    assert_eq!(FormatSpec::E8M0.zero_code(), None);
}

/// The 128 codes without sign of HiF8, as the reference lists them in section 2.1.
fn hif8_magnitude(code: u32) -> f64 {
    let (quarters, eighths, halves) =
        (f64::from(code % 4) / 4.0, f64::from(code % 8) / 8.0, f64::from(code % 2) / 2.0);
    match code {
        0x00 => 0.0,
        0x01..=0x07 => 2f64.powi(code as i32 - 23),
        0x08..=0x0F => 1.0 + eighths,
        0x10..=0x17 => 2.0 * (1.0 + eighths),
        0x18..=0x1F => 0.5 * (1.0 + eighths),
        0x20..=0x27 => 4.0 * (1.0 + eighths),
        0x28..=0x2F => 8.0 * (1.0 + eighths),
        0x30..=0x37 => 0.25 * (1.0 + eighths),
        0x38..=0x3F => 0.125 * (1.0 + eighths),
        0x40..=0x43 => [16.0, 20.0, 24.0, 28.0][(code - 0x40) as usize],
        0x44..=0x47 => [32.0, 40.0, 48.0, 56.0][(code - 0x44) as usize],
        0x48..=0x4B => 64.0 + 16.0 * f64::from(code - 0x48),
        0x4C..=0x4F => 128.0 + 32.0 * f64::from(code - 0x4C),
        0x50..=0x53 => 2f64.powi(-4) * (1.0 + quarters),
        0x54..=0x57 => 2f64.powi(-5) * (1.0 + quarters),
        0x58..=0x5B => 2f64.powi(-6) * (1.0 + quarters),
        0x5C..=0x5F => 2f64.powi(-7) * (1.0 + quarters),
        0x6F => f64::INFINITY,
        0x60..=0x6E => 2f64.powi(8 + (code as i32 - 0x60) / 2) * (1.0 + halves),
        0x70..=0x7F => 2f64.powi(-8 - (code as i32 - 0x70) / 2) * (1.0 + halves),
        _ => unreachable!("the sign is cut off"),
    }
}

#[test]
fn hif8_is_its_table_of_256_codes() {
    let hif8 = FormatSpec::HIF8;
    for code in 0..=0xFF {
        let magnitude = Number::of_f64(hif8_magnitude(code & 0x7F));
        let expected = match code {
            0x80 => Number::Nan,
            0x00..=0x7F => magnitude,
            _ => magnitude.negate(),
        };
        assert_eq!(Number::of(hif8.decode(code)), expected, "{code:#x}");
        assert_eq!(
            Number::of(hif8.decode(code | 0xFFFF_FF00)),
            expected,
            "{code:#x} with bits above"
        );
    }
}

#[test]
fn hif8_limits_are_those_of_the_reference() {
    // Section 2.1: max 0x6E = 2^15, smallest normal 0x7E = 2^-15, smallest 0x01 = 2^-22, 38
    // binades, one zero, NaN 0x80.
    let hif8 = FormatSpec::HIF8;
    assert_eq!((hif8.max_code(), hif8.min_code(), hif8.max().to_f64()), (0x6E, 0xEE, 32768.0));
    assert_eq!((hif8.min_normal_code(), hif8.min_exponent()), (Some(0x7E), Some(-15)));
    assert_eq!(hif8.min_normal().map(Number::of), Some(power_of_two(-15)));
    assert_eq!(
        (hif8.smallest_positive_code(), Number::of(hif8.smallest_positive())),
        (0x01, power_of_two(-22))
    );
    assert_eq!(
        (hif8.zero_code(), hif8.negative_zero_code(), hif8.nan_code()),
        (Some(0), None, Some(0x80))
    );
    assert_eq!((hif8.infinity_code(), hif8.negative_infinity_code()), (Some(0x6F), Some(0xEF)));
    assert_eq!(
        (hif8.one_code(), hif8.epsilon().map(Number::of)),
        (Some(0x08), Some(power_of_two(-3)))
    );
    assert_eq!((hif8.bits(), hif8.precision(), hif8.max_exponent()), (8, None, 15));
    assert_eq!(hif8.value_count(), 255, "every code but NaN's is a number of its own");
    let binades: std::collections::BTreeSet<i64> = (1..=0x7F)
        .filter(|&code| code != 0x6F)
        .map(|code| Number::of(hif8.decode(code)).log2())
        .collect();
    assert_eq!((binades.len(), binades.first(), binades.last()), (38, Some(&-22), Some(&15)));
}

#[test]
fn codebooks_are_the_published_tables() {
    // The reference, section 1.11; the libraries hold them in f32.
    let check = |spec: FormatSpec, values: [f64; 16]| {
        for (code, value) in values.into_iter().enumerate() {
            let decoded = spec.decode(code as u32);
            assert_eq!(decoded.to_f32().to_bits(), (value as f32).to_bits(), "{spec} code {code}");
            assert_eq!(
                Number::of(decoded),
                Number::of_f64(f64::from(value as f32)),
                "{spec} code {code}"
            );
        }
        assert_eq!((spec.bits(), spec.nan_code(), spec.infinity_code()), (4, None, None), "{spec}");
        assert_eq!(
            (spec.max().to_f64(), spec.min().to_f64(), spec.one_code().is_some()),
            (1.0, -1.0, true),
            "{spec}"
        );
    };
    check(
        FormatSpec::NF4,
        [
            -1.0,
            -0.6961928009986877,
            -0.5250730514526367,
            -0.39491748809814453,
            -0.28444138169288635,
            -0.18477343022823334,
            -0.09105003625154495,
            0.0,
            0.07958029955625534,
            0.16093020141124725,
            0.24611230194568634,
            0.33791524171829224,
            0.44070982933044434,
            0.5626170039176941,
            0.7229568362236023,
            1.0,
        ],
    );
    check(
        FormatSpec::AF4,
        [
            1.0,
            0.72424863,
            0.55496234,
            0.42563882,
            0.31675666,
            0.21961274,
            0.12934483,
            0.04273164,
            0.0,
            -0.04934812,
            -0.14982478,
            -0.25607552,
            -0.3736951,
            -0.51243739,
            -0.69441008,
            -1.0,
        ],
    );
    let twelfths = [0.0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0].map(|n: f64| n / 12.0);
    let bnb: [f64; 16] = std::array::from_fn(|code| match code {
        0..=7 => twelfths[code],
        8 => 0.0, // the table holds +0 twice
        _ => -twelfths[code - 8],
    });
    check(FormatSpec::BNBFP4, bnb);
}

#[test]
fn the_dynamic_map_is_its_formula() {
    // arXiv 1511.04561 as bitsandbytes builds it: for i in 0..=6 the midpoints of 2^i equal pieces
    // of [0.1, 1], times 10^(i-6), with both signs, and 0 and 1. That library works in f32, so the
    // last bits are its own: the formula is met to 3 parts in 10^7.
    let mut values = vec![0.0, 1.0];
    for i in 0..=6 {
        let pieces = 1 << i;
        for piece in 0..pieces {
            let middle = 0.1 + 0.9 * (f64::from(piece) + 0.5) / f64::from(pieces);
            let value = middle * 10f64.powi(i - 6);
            values.extend([value, -value]);
        }
    }
    values.sort_by(f64::total_cmp);
    assert_eq!(values.len(), 256);
    let spec = FormatSpec::BNBDYNAMIC8;
    assert_eq!((spec.bits(), spec.zero_code(), spec.one_code()), (8, Some(127), Some(255)));
    for (code, &value) in values.iter().enumerate() {
        let found = spec.decode_f64(code as u32);
        assert!(
            (found - value).abs() <= 3e-7 * value.abs(),
            "code {code}: {found} instead of {value}"
        );
    }
}

#[test]
fn integers_are_twos_complement_over_a_power_of_two() {
    /// Name, bits, whether signed, bits behind the point, smallest and largest code value that is
    /// produced.
    const INTEGERS: [(&str, u32, bool, i64, i64, i64); 14] = [
        ("INT8", 8, true, 0, -128, 127),
        ("INT7", 7, true, 0, -64, 63),
        ("INT6", 6, true, 0, -32, 31),
        ("INT5", 5, true, 0, -16, 15),
        ("INT4", 4, true, 0, -8, 7),
        ("INT3", 3, true, 0, -4, 3),
        ("INT2", 2, true, 0, -2, 1),
        ("INT1", 1, true, 0, -1, 0),
        ("UINT8", 8, false, 0, 0, 255),
        ("UINT4", 4, false, 0, 0, 15),
        ("UINT2", 2, false, 0, 0, 3),
        ("UINT1", 1, false, 0, 0, 1),
        // The reference, sections 1.2 (S2F6) and 3.4.
        ("MXINT8", 8, true, 6, -128, 127),
        ("MXINT8SYM", 8, true, 6, -127, 127),
    ];
    let count =
        FormatSpec::ALL.iter().filter(|spec| matches!(spec.encoding(), Encoding::Int(_))).count();
    assert_eq!(count, INTEGERS.len(), "an integer format without a row");
    for (name, bits, signed, fraction, min, max) in INTEGERS {
        let spec = FormatSpec::by_name_in(subhalf::Vocabulary::Subhalf, name).unwrap();
        let number = |value: i64| Number::new(value < 0, value.unsigned_abs(), -fraction);
        assert_eq!(
            (spec.bits(), spec.is_signed(), spec.value_count()),
            (bits, signed, (max - min + 1) as u64),
            "{name}"
        );
        for code in 0..1_u32 << bits {
            let value =
                i64::from(code) - if signed && code >> (bits - 1) == 1 { 1 << bits } else { 0 };
            assert_eq!(Number::of(spec.decode(code)), number(value), "{name} code {code:#x}");
        }
        assert_eq!(
            (Number::of(spec.max()), Number::of(spec.min())),
            (number(max), number(min)),
            "{name}"
        );
        assert_eq!(
            (spec.nan_code(), spec.infinity_code(), spec.negative_zero_code()),
            (None, None, None),
            "{name}"
        );
        let one = 1 << fraction;
        assert_eq!(spec.one_code().map(i64::from), (one <= max).then_some(one), "{name}");
        // INT1 has no positive number; the largest stands in.
        assert_eq!(Number::of(spec.smallest_positive()), number(max.min(1)), "{name}");
    }
}

/// A posit read bit by bit, as the reference has it in section 1.12. `None` is `NaR`.
fn posit(bits: u32, exponent_bits: u32, code: u32) -> Option<Number> {
    let sign = 1_u64 << (bits - 1);
    let code = u64::from(code);
    match code {
        0 => return Some(Number::Zero { negative: false }),
        _ if code == sign => return None,
        _ => {}
    }
    let negative = code & sign != 0;
    let magnitude = if negative { 2 * sign - code } else { code };
    let mut rest = (0..bits - 1).rev().map(|position| magnitude >> position & 1 == 1);
    let first = rest.next().unwrap();
    let mut run = 1;
    for bit in rest.by_ref() {
        if bit != first {
            break;
        }
        run += 1;
    }
    let regime = if first { run - 1 } else { -run };
    let mut exponent = 0;
    for _ in 0..exponent_bits {
        exponent = 2 * exponent + i64::from(rest.next().unwrap_or(false));
    }
    let (mut significand, mut fraction_bits) = (1, 0);
    for bit in rest {
        significand = 2 * significand + u64::from(bit);
        fraction_bits += 1;
    }
    Some(Number::new(negative, significand, (regime << exponent_bits) + exponent - fraction_bits))
}

#[test]
fn posits_are_what_their_bits_say() {
    // Widths with every code, all exponent sizes the crate takes; 20 bits and more with an odd
    // stride.
    for (bits, stride) in
        (3..=16).map(|bits| (bits, 1)).chain([(20, 7), (24, 127), (31, 10_007), (32, 20_011)])
    {
        for exponent_bits in 0..=4 {
            let spec = FormatSpec::new(
                "posit",
                Encoding::Posit(PositSpec { bits: bits as u8, exponent_bits: exponent_bits as u8 }),
            )
            .unwrap();
            for code in (0..1_u64 << bits).step_by(stride).map(|code| code as u32) {
                let expected = posit(bits, exponent_bits, code).unwrap_or(Number::Nan);
                assert_eq!(
                    Number::of(spec.decode(code)),
                    expected,
                    "posit{bits} es {exponent_bits} code {code:#x}"
                );
            }
            // Largest 2^((n-2)·2^es), smallest its reciprocal.
            let limit = i64::from(bits - 2) << exponent_bits;
            assert_eq!(
                Number::of(spec.max()),
                power_of_two(limit),
                "posit{bits} es {exponent_bits}"
            );
            assert_eq!(
                Number::of(spec.min()),
                power_of_two(limit).negate(),
                "posit{bits} es {exponent_bits}"
            );
            assert_eq!(
                Number::of(spec.smallest_positive()),
                power_of_two(-limit),
                "posit{bits} es {exponent_bits}"
            );
            assert_eq!(
                (spec.nan_code(), spec.infinity_code()),
                (Some(1 << (bits - 1)), None),
                "posit{bits} es {exponent_bits}"
            );
            assert_eq!(
                (spec.zero_code(), spec.one_code()),
                (Some(0), Some(1 << (bits - 2))),
                "posit{bits} es {exponent_bits}"
            );
            assert_eq!(spec.value_count(), (1 << bits) - 1, "posit{bits} es {exponent_bits}");
        }
    }
    // Section 1.12: posit8 from 2^-24 to 2^24, posit16 to 2^56, posit32 to 2^120.
    assert_eq!(
        FormatSpec::POSIT8,
        FormatSpec::new("posit8", Encoding::Posit(PositSpec { bits: 8, exponent_bits: 2 }))
            .unwrap()
    );
    assert_eq!(Number::of(FormatSpec::POSIT8.max()), power_of_two(24));
    assert_eq!(Number::of(FormatSpec::POSIT8.smallest_positive()), power_of_two(-24));
}

/// C's `digits10` of `int8_t`, `uint8_t`, and of 4 and 2 bits: the decimal digits that every number
/// of so many digits fits.
#[test]
fn integers_hold_so_many_decimal_digits() {
    let rows = [("INT8", 2), ("UINT8", 2), ("INT7", 1), ("UINT4", 1), ("INT4", 0), ("UINT2", 0)];
    for (name, digits) in rows {
        assert_eq!(
            FormatSpec::by_name_in(subhalf::Vocabulary::Subhalf, name).unwrap().decimal_digits(),
            Some(digits),
            "{name}"
        );
    }
}
