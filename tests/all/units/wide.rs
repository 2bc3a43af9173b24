//! Exact sums against exact numbers of any size.

use dashu_float::{FBig, round::mode::Zero};
use std::cmp::Ordering;
use subhalf::{Encoded, Error, Flags, FormatSpec, Round, Unpacked, WideSum, philox4x32_10};

/// A number of any size; its sums and products are exact.
type Big = FBig<Zero, 2>;

fn big(x: Unpacked) -> Big {
    let significand = i128::from(x.significand());
    let significand = if x.is_negative() { -significand } else { significand };
    // Unlimited precision, so that nothing is rounded.
    Big::from_parts(significand.into(), x.exponent() as isize).with_precision(0).value()
}

fn word(i: u32, seed: u32) -> u32 {
    philox4x32_10([i, seed, 5, 0], [1, 1])[0]
}

/// Finite codes of a format, of which some are zero.
fn codes(format: &FormatSpec, count: u32, seed: u32) -> Vec<u32> {
    let mask = ((1u64 << format.bits()) - 1) as u32;
    let all = (0..u32::MAX).map(|i| word(i, seed) & mask);
    all.filter(|code| format.decode(*code).is_finite()).take(count as usize).collect()
}

#[test]
fn dot_products_are_those_of_exact_arithmetic_in_every_direction() {
    let pairs = [
        (FormatSpec::F8E4M3, FormatSpec::F8E4M3),
        (FormatSpec::F8E5M2, FormatSpec::F8E4M3),
        (FormatSpec::F16, FormatSpec::F16),
        (FormatSpec::BF16, FormatSpec::BF16),
        (FormatSpec::F32, FormatSpec::F32),
        (FormatSpec::F4E2M1, FormatSpec::E8M0),
    ];
    for (a, b) in pairs {
        for case in 0..300 {
            let count = 1 + case % 40;
            let (x, y) = (codes(&a, count, 2 * case), codes(&b, count, 2 * case + 1));
            let sum = WideSum::dot(&a, &x, &b, &y).unwrap();
            let mut exact = big(Unpacked::ZERO);
            for (x, y) in x.iter().zip(&y) {
                exact += big(a.decode(*x)) * big(b.decode(*y));
            }
            let zero = big(Unpacked::ZERO);
            assert_eq!(sum.is_negative(), exact < zero);
            if let Some(value) = sum.to_unpacked() {
                assert_eq!(big(value), exact, "{a} {b} {case}");
            }
            if let Some(exponent) = sum.exponent() {
                let power = |exponent| big(Unpacked::new(false, 1, exponent));
                let magnitude = if exact < zero { -exact.clone() } else { exact.clone() };
                assert!(magnitude >= power(exponent) && magnitude < power(exponent + 1));
            } else {
                assert_eq!(exact, zero);
            }
            for to in [FormatSpec::F32, FormatSpec::F16, FormatSpec::F8E5M2] {
                let encode = |round: Round| -> (Unpacked, Flags) {
                    let convert = to.default_convert().with_round(round);
                    let Encoded { code, flags, .. } = sum.encode(&to, &convert, 0);
                    (to.decode(code), flags)
                };
                let (down, up) = (encode(Round::Down), encode(Round::Up));
                for ((bound, flags), side) in [(down, Ordering::Less), (up, Ordering::Greater)] {
                    if bound.is_finite() {
                        let order = big(bound).cmp(&exact);
                        let saturated = flags.contains(Flags::OVERFLOW);
                        assert!(order == side || order == Ordering::Equal || saturated);
                        assert_eq!(order != Ordering::Equal, flags.contains(Flags::INEXACT));
                    }
                }
                // Neighbours, or the number itself.
                if down.0.is_finite() && up.0.is_finite() && down.0 != up.0 && !down.0.is_zero() {
                    let code = to.encode_with(down.0, &to.default_convert(), 0).code;
                    if !down.1.contains(Flags::OVERFLOW) && !up.1.contains(Flags::OVERFLOW) {
                        assert_eq!(to.next_up(code).map(|code| to.decode(code)), Some(up.0));
                    }
                }
            }
        }
    }
}

#[test]
fn truncation_cuts_the_magnitude_at_any_bit() {
    for case in 0..2000 {
        let word = u64::from(word(case, 9)) << 32 | u64::from(word(case, 10));
        let x = Unpacked::new(case % 2 == 1, word | 1 << 63, -80 - (case as i32 % 100));
        let lsb = -200 + (case as i32 * 7) % 260;
        let mut sum = WideSum::product(x, Unpacked::ONE).unwrap();
        sum.truncate_to(lsb);
        let drop = i64::from(lsb) - i64::from(x.exponent());
        let kept = match drop {
            ..=0 => x.significand(),
            1..=63 => x.significand() >> drop << drop,
            _ => 0,
        };
        let expected = Unpacked::new(x.is_negative(), kept, x.exponent());
        assert_eq!(sum.to_unpacked(), Some(expected), "{x} at {lsb}");
    }
}

#[test]
fn special_values_raise_invalid_and_ranges_are_refused() {
    let f32s = FormatSpec::F32;
    let encode = |sum: &WideSum| {
        let found = sum.encode(&f32s, &f32s.default_convert(), 0);
        (f32s.decode_f32(found.code), found.flags)
    };
    let mut sum = WideSum::ZERO;
    sum.add(Unpacked::infinity(false)).unwrap();
    assert_eq!(encode(&sum), (f32::INFINITY, Flags::NONE));
    assert_eq!(sum.exponent(), None);
    sum.add(Unpacked::infinity(true)).unwrap();
    let (value, flags) = encode(&sum);
    assert!(value.is_nan() && flags == Flags::INVALID);
    let undefined = WideSum::product(Unpacked::ZERO, Unpacked::infinity(true)).unwrap();
    assert_eq!(encode(&undefined).1, Flags::INVALID);
    assert_eq!(encode(&WideSum::product(Unpacked::NAN, Unpacked::ONE).unwrap()).1, Flags::NONE);
    let far = Unpacked::new(false, 1, -600);
    assert!(matches!(sum.add(far), Err(Error::SpecRange { found: -600, .. })));
    let (a, b) = (Unpacked::from_f32(1.5), Unpacked::from_f32(-1.5));
    let [a, b] = [a, b].map(|x| WideSum::product(x, x).unwrap());
    assert_eq!(a.compare(&b), Some(Ordering::Equal));
    assert_eq!(a.compare(&WideSum::ZERO), Some(Ordering::Greater));
}
