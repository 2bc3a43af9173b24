//! The types of 16 bits and those of 4 bits that are no floats, over all their codes.

use std::fmt::Debug;
use std::str::FromStr;
use subhalf::{BF16, Code, F16, Format, Int4, Nf4, aliases};

/// Text, order and conversions of every code are those of its number.
fn every_code<T>()
where
    T: Format + Debug + ToString + FromStr<Err: Debug> + PartialOrd + Into<f32> + Into<f64>,
{
    for code in T::SPEC.codes() {
        let x = T::from_bits(Code::truncate(code));
        let number = T::SPEC.decode_f64(code);
        let (single, double): (f32, f64) = (x.into(), x.into());
        if number.is_nan() {
            assert!(single.is_nan() && double.is_nan() && x.partial_cmp(&x).is_none());
            continue;
        }
        assert_eq!([double, f64::from(single)].map(f64::to_bits), [number.to_bits(); 2]);
        let back: T = x.to_string().parse().unwrap();
        assert_eq!(back.to_bits().widen(), code, "{x:?}");
        assert_eq!(T::encode_f64(number).to_bits().widen(), code, "{x:?}");
    }
}

#[test]
fn every_code_is_its_number() {
    every_code::<BF16>();
    every_code::<F16>();
    every_code::<Int4>();
    every_code::<Nf4>();
    assert_eq!(aliases::bfloat16::from_f32(1.0).to_bits(), 0x3F80);
    assert_eq!(aliases::int4::from_f32(-1.0).to_bits(), 0xF);
}

#[cfg(feature = "half")]
#[test]
fn types_of_half_are_the_same_bits() {
    for bits in 0..=u16::MAX {
        let (brain, single) = (half::bf16::from_bits(bits), half::f16::from_bits(bits));
        assert_eq!(half::bf16::from(BF16::from(brain)).to_bits(), bits);
        assert_eq!(half::f16::from(F16::from(single)).to_bits(), bits);
        assert!(brain.is_nan() || BF16::from(brain).to_f32() == brain.to_f32());
        assert!(single.is_nan() || F16::from(single).to_f32() == single.to_f32());
        assert_eq!(BF16::from_bits(bits).is_nan(), brain.is_nan());
    }
    for bits in (0..=u32::MAX).step_by(65_521) {
        let x = f32::from_bits(bits);
        if !x.is_nan() {
            assert_eq!(BF16::from_f32(x).to_bits(), half::bf16::from_f32(x).to_bits(), "{x}");
            assert_eq!(F16::from_f32(x).to_bits(), half::f16::from_f32(x).to_bits(), "{x}");
        }
    }
    let cast: &[F16] = bytemuck::cast_slice(&[0xC000u16, 0x7C00]);
    assert_eq!(cast, [F16::from_f32(-2.0), F16::INFINITY]);
}

#[test]
fn arithmetic_of_16_bits_is_rounded_once() {
    // Products of 11 bits are exact in f64, and so are sums of numbers near each other.
    for (i, j) in (0..500u16).map(|i| (i * 131, i.wrapping_mul(1931).wrapping_add(77))) {
        let (a, b) = (F16::from_bits(i), F16::from_bits(j));
        if a.is_nan() || b.is_nan() {
            continue;
        }
        let (x, y) = (a.to_f64(), b.to_f64());
        for (found, exact) in [(a * b, x * y), (a + b, x + y), (a - b, x - y)] {
            assert_eq!(found.to_bits(), F16::from_f64(exact).to_bits(), "{a:?} {b:?}");
        }
    }
    assert_eq!(
        (F16::from_f32(2.0).sqrt().to_f32(), BF16::ONE / BF16::ZERO),
        (1.4140625, BF16::INFINITY)
    );
}

#[test]
fn integers_of_4_bits_overflow_as_their_methods_say() {
    assert_eq!((Int4::MIN.to_i8(), Int4::MAX.to_i8(), Int4::from_bits(0xF8).to_i8()), (-8, 7, -8));
    for (a, b) in (-8i8..8).flat_map(|a| (-8i8..8).map(move |b| (a, b))) {
        let (x, y) = (Int4::from_i8(a).unwrap(), Int4::from_i8(b).unwrap());
        assert_eq!((i8::from(x), i32::from(x), f64::from(x)), (a, a.into(), a.into()));
        assert_eq!(x.cmp(&y), a.cmp(&b));
        let operations = [
            (a + b, x.wrapping_add(y), x.saturating_add(y), x.checked_add(y)),
            (a - b, x.wrapping_sub(y), x.saturating_sub(y), x.checked_sub(y)),
            (a * b, x.wrapping_mul(y), x.saturating_mul(y), x.checked_mul(y)),
        ];
        for (exact, wrapped, saturated, checked) in operations {
            assert_eq!(i16::from(wrapped.to_i8()), (i16::from(exact) + 8).rem_euclid(16) - 8);
            assert_eq!(saturated.to_i8(), exact.clamp(-8, 7));
            assert_eq!(checked.map(Int4::to_i8), (-8..8).contains(&exact).then_some(exact));
        }
    }
    assert_eq!((Int4::from_i8(8), Int4::from_i8(-9), Int4::from_i8(i8::MIN)), (None, None, None));
    assert_eq!(
        [2.5, 3.5, -2.5, 99.0, f64::NAN].map(|x| Int4::from_f64(x).to_i8()),
        [2, 4, -2, 7, 7]
    );
    assert!("eight".parse::<Int4>().is_err());
}

#[test]
fn numbers_become_the_nearest_entry_of_nf4() {
    let entries: Vec<f64> = Nf4::all().map(Nf4::to_f64).collect();
    assert!(entries.is_sorted() && entries[7] == 0.0);
    for i in -2500..=2500 {
        let x = f64::from(i) / 2000.0;
        let nearest = entries.iter().map(|entry| (entry - x).abs()).fold(f64::MAX, f64::min);
        assert_eq!((Nf4::from_f64(x).to_f64() - x).abs(), nearest, "{x}");
    }
    let mut codes: Vec<Nf4> = Nf4::all().collect();
    codes.reverse();
    codes.sort();
    assert!(codes.iter().map(|x| x.to_bits()).eq(0..16));
}
