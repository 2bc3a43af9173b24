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
            check_roundings(&sum, &exact);
        }
    }
}

/// A sum as numbers of at most 60 bits, the largest first.
fn parts(sum: &WideSum) -> Vec<Unpacked> {
    let (mut rest, mut parts) = (sum.clone(), Vec::new());
    while let Some(exponent) = rest.exponent() {
        let mut top = rest.clone();
        top.truncate_to(exponent - 59);
        let part = top.to_unpacked().expect("60 bits");
        rest.add(part.negate()).unwrap();
        parts.push(part);
    }
    parts
}

/// Every rounding of a sum to some formats, against the exact number: rounded down and up it has
/// neighbours around it, and each other rounding is the one of the two that its rule names.
fn check_roundings(sum: &WideSum, exact: &Big) {
    for to in [FormatSpec::F32, FormatSpec::F16, FormatSpec::F8E5M2] {
        let encode = |round: Round| -> (u32, Flags) {
            let convert = to.default_convert().with_round(round);
            let Encoded { code, flags, .. } = sum.encode(&to, &convert, 0);
            (code, flags)
        };
        let ((down, of_down), (up, of_up)) = (encode(Round::Down), encode(Round::Up));
        if of_down.contains(Flags::OVERFLOW) || of_up.contains(Flags::OVERFLOW) {
            let largest = big(to.decode(to.max_code()));
            assert!(*exact > largest || *exact < -largest);
            continue;
        }
        let (low, high) = (big(to.decode(down)), big(to.decode(up)));
        assert!(low <= *exact && *exact <= high);
        let inexact = low != *exact;
        for (flags, bound) in [(of_down, &low), (of_up, &high)] {
            assert_eq!(flags.contains(Flags::INEXACT), bound != exact);
        }
        if inexact && down & 0x7FFF_FFFF != 0 && !to.decode(down).is_zero() {
            assert_eq!(to.next_up(down).map(|code| to.decode(code)), Some(to.decode(up)));
        }
        let negative = *exact < big(Unpacked::ZERO);
        let (toward_zero, away) = if negative { (up, down) } else { (down, up) };
        let odd = if down & 1 == 1 { down } else { up };
        let even = if down & 1 == 0 { down } else { up };
        let nearest = |at_tie: u32| match (exact.clone() - &low).cmp(&(high.clone() - exact)) {
            Ordering::Less => down,
            Ordering::Greater => up,
            Ordering::Equal => at_tie,
        };
        for (round, expected) in [
            (Round::NearestEven, nearest(even)),
            (Round::NearestAway, nearest(away)),
            (Round::NearestTowardZero, nearest(toward_zero)),
            (Round::NearestUp, nearest(up)),
            (Round::TowardZero, toward_zero),
            (Round::AwayFromZero, away),
            (Round::ToOdd, odd),
        ] {
            let expected = if inexact { expected } else { down };
            let (found, flags) = encode(round);
            // Zeros of both signs are one number.
            assert_eq!(to.decode_f32(found), to.decode_f32(expected), "{to} {round:?} {sum:?}");
            assert_eq!(flags.contains(Flags::INEXACT), inexact);
        }
    }
}

#[test]
fn sums_of_any_operations_are_those_of_exact_arithmetic() {
    let formats = [FormatSpec::F32, FormatSpec::BF16, FormatSpec::F8E5M2, FormatSpec::E8M0];
    for case in 0..400 {
        let (mut sum, mut exact) = (WideSum::ZERO, big(Unpacked::ZERO));
        for i in 0..6 {
            let w = word(6 * case + i, 21);
            let [a, b] = [0, 2].map(|shift| {
                let format = &formats[(w >> shift & 3) as usize];
                // Near 1 in every second case, where sums cancel.
                let code = codes(format, 1, w >> 4 ^ shift)[0];
                let near = format.encode_f32(2f32.powi((w >> 8 & 7) as i32));
                format.decode(if case % 2 == 0 { code } else { near })
            });
            let (a, b) = if w & 0x10 == 0 { (a, b) } else { (a.negate(), b) };
            if w & 0x20 == 0 {
                sum.add(a).unwrap();
                exact += big(a);
            } else {
                sum.add_product(a, b).unwrap();
                exact += big(a) * big(b);
            }
            check_roundings(&sum, &exact);
        }
        // Cut anywhere, also between the words that a sum is kept in.
        let lsb = (word(case, 22) % 520) as i32 - 290;
        sum.truncate_to(lsb);
        let unit = big(Unpacked::new(false, 1, lsb));
        let zero = big(Unpacked::ZERO);
        let parts = parts(&sum);
        let kept = parts.iter().fold(zero.clone(), |kept, part| kept + big(*part));
        let last = |x: &Unpacked| x.exponent() + x.significand().trailing_zeros() as i32;
        assert!(parts.iter().all(|part| last(part) >= lsb), "{case} at {lsb}");
        let cut = exact.clone() - kept;
        let (size, whole) = if exact < zero { (-cut, -exact) } else { (cut, exact) };
        assert!(size >= zero && size < unit && size <= whole, "{case} at {lsb}");
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

#[test]
fn the_last_bits_of_the_range_come_back() {
    for exponent in [-512, -511, -500, -449, 0, 399] {
        let sum = WideSum::product(Unpacked::new(false, 1, exponent), Unpacked::ONE).unwrap();
        let number = sum.to_unpacked().expect("one bit");
        let expected = Unpacked::new(false, 1, exponent);
        assert_eq!(number.compare(expected), Some(Ordering::Equal), "{exponent}");
        let mut twice = sum.clone();
        twice.add(number).unwrap();
        assert_eq!(twice.exponent(), Some(exponent + 1));
    }
    // A bit that is not set does not count: 2 · 2^-513.
    let sum = WideSum::product(Unpacked::new(false, 2, -513), Unpacked::ONE).unwrap();
    assert_eq!(sum.exponent(), Some(-512));
    assert!(WideSum::product(Unpacked::new(false, 1, -513), Unpacked::ONE).is_err());
}
