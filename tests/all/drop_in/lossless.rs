//! What is `From` loses nothing, and slices have the conversions that `half`'s have.

use std::fmt::Debug;
use subhalf::{
    Binary4p2sf, Binary6p3sf, Binary6p4sf, Binary8p3sf, Binary8p4sf, Code, Error, F4E2M1, F6E2M3,
    F6E3M2, F8E3M4, F8E4M3, F8E4M3B11Fnuz, F8E4M3Fnuz, F8E4M3Ieee, F8E5M2, F8E5M2Fnuz, Format,
    FormatSliceExt, FormatVecExt, UE4M3, UE5M3,
};

/// Every code becomes the same number, with the sign of zero, infinity and NaN.
fn loses_nothing<A: Format, B: Format + From<A>>() {
    for code in A::SPEC.codes() {
        let x = A::from_bits(Code::truncate(code));
        let (before, after) = (x.decode_f64(), B::from(x).decode_f64());
        let same = before.to_bits() == after.to_bits() || (before.is_nan() && after.is_nan());
        assert!(same, "{} to {}: {before} became {after}", A::SPEC, B::SPEC);
    }
}

#[test]
fn what_is_from_loses_nothing() {
    macro_rules! pairs {
        ($($part:ident: $($whole:ident)*;)*) => { $($(loses_nothing::<$part, $whole>();)*)* };
    }
    pairs! {
        F4E2M1: F6E3M2 F6E2M3 F8E4M3 F8E5M2 F8E4M3Ieee F8E3M4;
        F6E3M2: F8E4M3 F8E5M2 F8E4M3Ieee;
        F6E2M3: F8E4M3 F8E4M3Ieee F8E3M4;
        UE4M3: F8E4M3 UE5M3;
        F8E4M3Fnuz: Binary8p4sf;
        Binary8p4sf: F8E4M3Fnuz;
        F8E5M2Fnuz: Binary8p3sf;
        Binary8p3sf: F8E5M2Fnuz;
        Binary6p3sf: F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz Binary8p3sf Binary8p4sf;
        Binary6p4sf: F8E4M3Fnuz F8E4M3B11Fnuz Binary8p4sf;
        Binary4p2sf: Binary6p3sf Binary6p4sf F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz Binary8p3sf Binary8p4sf;
    }
}

fn slices_are_converted<T: Format + Debug + PartialEq>() {
    let x: Vec<f64> = (0..700).map(|i| f64::from(i * i) / 512.0 - 20.0 + 1.0 / 1024.0).collect();
    let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let bits = |y: &[T]| y.iter().map(|y| y.to_bits().widen()).collect::<Vec<_>>();
    let expected = |x: &[f32]| {
        x.iter().map(|&x| T::SPEC.encode_f32_with(x, &T::CONVERT, 0).code).collect::<Vec<_>>()
    };
    let once: Vec<u32> =
        x.iter().map(|&x| T::SPEC.encode_f64_with(x, &T::CONVERT, 0).code).collect();
    let mut y = Vec::<T>::from_f32_slice(&single);
    assert_eq!(bits(&y), expected(&single), "{}", T::SPEC);
    assert_eq!(bits(&Vec::<T>::from_f64_slice(&x)), once, "{}", T::SPEC);
    y.convert_from_f64_slice(&x).unwrap();
    assert_eq!(bits(&y), once);
    y.convert_from_f32_slice(&single).unwrap();
    assert_eq!(bits(&y), expected(&single));
    let numbers: Vec<u64> = y.iter().map(|y| y.decode_f64().to_bits()).collect();
    let f64s: Vec<u64> = y.to_f64_vec().into_iter().map(f64::to_bits).collect();
    assert_eq!(f64s, numbers);
    let mut f32s = vec![0.0; y.len()];
    y.convert_to_f32_slice(&mut f32s).unwrap();
    let bits32 = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits32(&f32s), bits32(&y.to_f32_vec()));
    let short = y.convert_to_f32_slice(&mut f32s[1..]);
    assert_eq!(short, Err(Error::Length { what: "output length", expected: 700, found: 699 }));
    assert!(y.convert_from_f32_slice(&single[1..]).is_err());
}

macro_rules! check {
    ($($name:ident)*) => { $(slices_are_converted::<subhalf::$name>();)* };
}

#[test]
fn slices_of_every_type_have_the_conversions_of_half() {
    subhalf::__scalars! { check }
    assert_eq!([F4E2M1::ONE, F4E2M1::NEG_ONE].reinterpret_cast(), [0x2, 0xA]);
}
