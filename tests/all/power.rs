//! Integer powers equal an arbitrary-precision library's, rounded by the exact referee; and tables
//! between formats.

use crate::exact::{Dyadic, referees};
use dashu_float::{FBig, round::mode};
use subhalf::{
    CodeTable, Convert, DivisionByZero, Error, F4E2M1, F8E4M3, F8E5M2, Flags, Format, FormatSpec,
    HiF8, Round, Stochastic, Unary, UnaryTable,
};

type Big = FBig<mode::Zero, 2>;

/// The power of an odd number: exact if it has at most 120 bits, else truncated to 60 bits, with
/// one more set for what follows.
fn power_of(odd: u64, power: i32) -> Dyadic {
    if odd == 1 {
        return Dyadic::new(1, 0);
    }
    let whole = u128::from(odd).checked_pow(power.unsigned_abs()).filter(|whole| whole >> 120 == 0);
    if let (1.., Some(whole)) = (power, whole) {
        return Dyadic::new(whole as i128, 0);
    }
    let big = |x: u64| Big::from(x).with_precision(320).value();
    let whole = big(odd).powi(power.unsigned_abs().into());
    let y = if power < 0 { big(1) / whole } else { whole };
    let shift = y.repr().digits().saturating_sub(60);
    let kept = i128::try_from(y.repr().significand() >> shift).expect("60 bits");
    let exponent = y.repr().exponent() as i64 + shift as i64;
    Dyadic::new(kept << 61 | 1, exponent - 61)
}

#[test]
fn powers_of_every_code_of_every_small_format_are_rounded_once() {
    let mut compared = 0;
    for referee in referees() {
        let spec = referee.spec;
        let plain = spec.default_convert();
        let policies = [
            plain,
            plain.with_round(Round::Up),
            plain.with_round(Round::Down),
            plain.with_round(Round::ToOdd),
        ];
        // The hundreds of formats that have no name here are looked at with few powers.
        let powers: &[i32] = match FormatSpec::ALL.contains(&spec) {
            true => &[-17, -5, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 10, 16, 33],
            false => &[-3, 2, 5],
        };
        for (code, power) in spec.codes().flat_map(|c| powers.iter().map(move |&power| (c, power)))
        {
            let x = spec.decode(code);
            if !x.is_finite() || x.is_zero() {
                continue;
            }
            let zeros = x.significand().trailing_zeros();
            let odd = power_of(x.significand() >> zeros, power);
            let exponent = (i64::from(x.exponent()) + i64::from(zeros)) * i64::from(power);
            let negative = x.is_negative() && power % 2 != 0;
            let value = referee.input_exact(negative, odd.scaled(exponent), false);
            for convert in &policies {
                let (expected, flags) = referee.expected(&value, convert);
                let found = spec.powi_with(code, power, convert, 0);
                assert_eq!(
                    (found.code, found.flags.bits()),
                    (expected, flags),
                    "{spec}: {x} to the {power}, {convert}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 200_000, "{compared}");
}

#[test]
fn powers_at_the_special_points_are_those_of_ieee_754() {
    let e5m2 = FormatSpec::F8E5M2;
    let policy = e5m2.default_convert();
    let power = |x: f32, n: i32| {
        let found = e5m2.powi_with(e5m2.encode_f32(x), n, &policy, 0);
        (e5m2.decode_f32(found.code), found.flags)
    };
    for n in [i32::MIN, -3, -2, -1, 1, 2, 3, i32::MAX] {
        let odd = n % 2 != 0;
        let signed = |x: f32| if odd { -x } else { x };
        let (zero, infinity) = if n < 0 { (f32::INFINITY, 0.0) } else { (0.0, f32::INFINITY) };
        let pole = if n < 0 { Flags::DIVIDE_BY_ZERO } else { Flags::NONE };
        let same = |found: (f32, Flags), x: f32, flags: Flags| {
            assert_eq!((found.0.to_bits(), found.1), (x.to_bits(), flags), "{n}");
        };
        same(power(0.0, n), zero, pole);
        same(power(-0.0, n), signed(zero), pole);
        same(power(f32::INFINITY, n), infinity, Flags::NONE);
        same(power(f32::NEG_INFINITY, n), signed(infinity), Flags::NONE);
        same(power(1.0, n), 1.0, Flags::NONE);
        same(power(-1.0, n), signed(1.0), Flags::NONE);
        assert!(power(f32::NAN, n).0.is_nan());
    }
    for x in [0.0, -0.0, 3.0, f32::INFINITY, f32::NAN] {
        assert_eq!(power(x, 0), (1.0, Flags::NONE), "{x}");
    }
    assert_eq!(power(3.0, i32::MAX).1, Flags::OVERFLOW | Flags::INEXACT);
    assert_eq!(power(3.0, i32::MIN), (0.0, Flags::UNDERFLOW | Flags::INEXACT));
    let p3109 = policy.with_division_by_zero(DivisionByZero::Nan);
    let found = e5m2.powi_with(0, -1, &p3109, 0);
    assert!(e5m2.decode_f32(found.code).is_nan() && found.flags == Flags::INVALID);
    let signaling = e5m2.powi_with(0x7D, 2, &policy, 0);
    assert_eq!((signaling.code, signaling.flags), (0x7E, Flags::INVALID));
    assert_eq!(F8E4M3::from_f32(-1.5).powi(3).to_f32(), -3.5); // 3.375: a tie, to even
    assert_eq!(F8E5M2::from_f32(1.0).exp().to_f32(), 2.5);
    assert_eq!(HiF8::from_f32(8.0).log2().to_f32(), 3.0);
}

#[test]
fn tables_between_formats_hold_single_results() {
    let (e4m3, bf16) = (FormatSpec::F8E4M3, FormatSpec::BF16);
    let policies = [bf16.default_convert(), Convert::IEEE.with_round(Round::Down)];
    for (function, convert) in
        Unary::ALL.into_iter().flat_map(|f| policies.map(|policy| (f, policy)))
    {
        let table = CodeTable::new(function, &e4m3, &bf16, &convert).unwrap();
        let own = CodeTable::new(function, &e4m3, &e4m3, &convert).unwrap();
        let one = UnaryTable::new(function, &e4m3, &convert).unwrap();
        for code in 0..=255u8 {
            assert_eq!(own.get(code), u16::from(one.get(code)), "{function} {code:#x}");
            // E4M3 is a part of BF16: the function of the same number there.
            let x = bf16.encode_with(e4m3.decode(code.into()), &Convert::IEEE, 0).code;
            let expected = bf16.unary_with(function, x, &convert, 0).code;
            let (found, expected) = (u32::from(table.get(code)), expected);
            let (number, other) = (bf16.decode(found), bf16.decode(expected));
            // A NaN equals no number, itself included.
            let alike = number == other || (number.is_nan() && other.is_nan());
            assert!(alike, "{function} {code:#x}: {number:?}, {other:?}");
        }
    }
    let scaled =
        CodeTable::between(&FormatSpec::F4E2M1, &e4m3, &e4m3.default_convert(), |x| 3.0 * x + 1.0);
    let scaled = scaled.unwrap();
    for code in 0..=255u8 {
        let x = FormatSpec::F4E2M1.decode_f64(u32::from(code & 15));
        assert_eq!(u32::from(scaled.get(code)), e4m3.encode_f64(3.0 * x + 1.0));
    }
    let numbers = [0.5f32, -6.0, 3.0].map(F4E2M1::from_f32);
    let mut typed = [F8E4M3::ZERO; 3];
    scaled.apply_typed(&numbers, &mut typed).unwrap();
    assert_eq!(typed.map(F8E4M3::to_f32), [2.5, -16.0, 10.0]);
    let mut codes = [0u8; 3];
    scaled.apply(&numbers.map(F4E2M1::to_bits), &mut codes).unwrap();
    assert_eq!(codes, typed.map(F8E4M3::to_bits));
    assert_eq!(scaled.map::<F4E2M1, F8E4M3>(numbers[2]).map(F8E4M3::to_f32), Ok(10.0));
}

#[test]
fn tables_that_cannot_be_are_refused() {
    let (e4m3, bf16, f32) = (FormatSpec::F8E4M3, FormatSpec::BF16, FormatSpec::F32);
    let plain = Convert::IEEE;
    let table = |src: &FormatSpec, dst: &FormatSpec, convert: &Convert| {
        CodeTable::between(src, dst, convert, |x| x).map(|table| *table.target())
    };
    assert!(matches!(
        table(&bf16, &e4m3, &plain),
        Err(Error::SpecRange { found: 16, high: 8, .. })
    ));
    assert!(matches!(
        table(&e4m3, &f32, &plain),
        Err(Error::SpecRange { found: 32, high: 16, .. })
    ));
    let random = plain.with_round(Round::stochastic(Stochastic::A, 4).unwrap());
    assert_eq!(table(&e4m3, &bf16, &random), Err(Error::TableRound));
    let wide = CodeTable::between(&e4m3, &bf16, &plain, |x| x).unwrap();
    assert!(matches!(wide.apply(&[0], &mut [0u8]), Err(Error::CodeWidth { needed: 16, .. })));
    assert!(matches!(wide.apply(&[0], &mut [0u16; 2]), Err(Error::Length { .. })));
    assert!(matches!(wide.map::<F8E4M3, F8E4M3>(F8E4M3::ONE), Err(Error::Format { .. })));
    assert!(matches!(wide.map::<F8E5M2, F8E4M3>(F8E5M2::ONE), Err(Error::Format { .. })));
    let exp = F8E4M3::unary_table(Unary::Exp).unwrap();
    assert!(matches!(exp.apply_typed(&mut [F8E5M2::ONE]), Err(Error::Format { .. })));
}
