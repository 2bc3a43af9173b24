//! The traits of num-traits and bytemuck, used as generic code uses them.

use num_traits::{
    AsPrimitive, Bounded, FromBytes, FromPrimitive, Inv, MulAdd, Num, NumAssign, NumCast, One,
    Signed, ToBytes, ToPrimitive, Zero,
};
use std::fmt::Debug;
use subhalf::{
    Binary4p2sf, Binary6p3sf, Binary6p4sf, Binary8p3se, Binary8p3sf, Binary8p4se, Binary8p4sf,
    Binary8p5se, Code, E8M0, Encoding, F4E2M1, F6E2M3, F6E3M2, F8E3M4, F8E4M3, F8E4M3B11Fnuz,
    F8E4M3Fnuz, F8E4M3Ieee, F8E5M2, F8E5M2Fnuz, FloatSpec, Format, FormatSpec, HiF8, UE4M3, UE5M3,
};

/// Candle's bounds of a number, and a polynomial by Horner: 2x² + 3x + 1.
fn horner<T: NumAssign + Copy + PartialOrd + FromPrimitive + 'static>(x: T) -> T {
    let mut sum = T::zero();
    for coefficient in [2, 3, 1] {
        sum *= x;
        sum += T::from_i32(coefficient).expect("small integers are there");
    }
    sum
}

#[test]
fn generic_arithmetic_rounds_every_step() {
    assert_eq!(horner(F8E4M3::from_f32(2.0)).to_f32(), 15.0);
    assert_eq!(horner(F8E5M2::from_f32(2.0)).to_f32(), 16.0); // 7 · 2 = 14, + 1 = 15: a tie between 14 and 16
    assert_eq!(horner(F8E4M3::from_f32(0.3)).to_f32(), 2.0); // 0.3125: 0.625 + 3 = 3.5, 1.09375 -> 1.125, 2.125 -> 2
    assert_eq!(horner(F4E2M1::from_f32(0.5)).to_f32(), 3.0); // 1 + 3 = 4, 2 + 1
    assert_eq!(horner(HiF8::from_f32(1.0)).to_f32(), 6.0);
    assert_eq!(horner(UE5M3::from_f32(2.0)).to_f32(), 15.0);
    assert_eq!(horner(Binary8p4se::from_f32(2.0)).to_f32(), 15.0);
}

fn num<T: Num + Bounded + ToPrimitive + FromPrimitive + NumCast + Copy + Debug + Format>() {
    let name = T::SPEC;
    assert!(T::zero().is_zero() && T::one().is_one(), "{name}");
    assert_eq!(T::zero() + T::one(), T::one(), "{name}");
    assert_eq!(<T as Bounded>::max_value().to_bits().widen(), T::SPEC.max_code(), "{name}");
    assert_eq!(<T as Bounded>::min_value().to_bits().widen(), T::SPEC.min_code(), "{name}");
    assert!(matches!(T::from_str_radix("1", 10), Ok(one) if one == T::one()), "{name}");
    assert!([2, 16, 36].iter().all(|&radix| T::from_str_radix("1", radix).is_err()), "{name}");
    // Conversions are those of the spec, from each type.
    for x in [0i8, 1, 2, 3, 100, -1, -3] {
        let encoded = T::SPEC.encode_f64_with(x as f64, &T::CONVERT, 0);
        let expected = (!encoded.flags.contains(subhalf::Flags::INVALID)).then_some(encoded.code);
        let code = |y: Option<T>| y.map(|y| y.to_bits().widen());
        assert_eq!(code(T::from_i8(x)), expected, "{name} {x}");
        assert_eq!(code(T::from_i128(x as i128)), expected, "{name} {x}");
        assert_eq!(code(<T as FromPrimitive>::from_f32(x as f32)), expected, "{name} {x}");
        assert_eq!(code(<T as FromPrimitive>::from_f64(x as f64)), expected, "{name} {x}");
        assert_eq!(code(<T as NumCast>::from(x)), expected, "{name} {x}");
    }
    for code in T::SPEC.codes() {
        let x = T::SPEC.decode_f64(code);
        let y = <T as Format>::from_bits(Code::truncate(code));
        assert_eq!(
            ToPrimitive::to_f64(&y).map(f64::to_bits),
            Some(x.to_bits()),
            "{name} {code:#x}"
        );
        assert_eq!(y.to_i32(), ToPrimitive::to_i32(&x), "{name} {x}");
        assert_eq!(
            (y.to_u8(), y.to_i64(), y.to_u64()),
            (ToPrimitive::to_u8(&x), x.to_i64(), x.to_u64()),
            "{name} {x}"
        );
        assert_eq!((y.to_i128(), y.to_u128()), (x.to_i128(), x.to_u128()), "{name} {x}");
    }
}

fn signed<T: Signed + Copy + Debug + Format>() {
    let minus = -T::one();
    assert!(minus.is_negative() && T::one().is_positive(), "{}", T::SPEC);
    assert_eq!(
        (minus.abs(), minus.signum(), T::one().signum()),
        (T::one(), minus, T::one()),
        "{}",
        T::SPEC
    );
    assert_eq!(
        (T::one().abs_sub(&minus), minus.abs_sub(&T::one())),
        (T::one() + T::one(), T::zero()),
        "{}",
        T::SPEC
    );
    if let Some(nan) = <T as Format>::nan_value() {
        assert_eq!(nan.signum().to_bits(), nan.to_bits());
    }
}

macro_rules! for_types {
    ($check:ident: $($name:ident)*) => { $($check::<$name>();)* };
}

#[test]
fn every_type_with_a_zero_is_a_num() {
    for_types!(num: F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8 UE4M3 UE5M3
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf);
    for_types!(signed: F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf);
}

#[test]
fn what_has_no_counterpart_is_none() {
    assert_eq!(<F4E2M1 as FromPrimitive>::from_f32(f32::NAN), None);
    assert!(<F8E4M3 as FromPrimitive>::from_f32(f32::from_bits(0x7F80_0001)).unwrap().is_nan()); // signalling, but NaN
    assert_eq!(UE4M3::from_i32(-1), None);
    assert_eq!(E8M0::from_u8(0), None);
    assert_eq!(E8M0::from_u8(3).unwrap().to_f32(), 2.0); // a tie, to the even code 0x80
    assert_eq!(F8E4M3::from_u64(u64::MAX), Some(F8E4M3::MAX));
    assert_eq!(F8E5M2::INFINITY.to_i32(), None);
    assert_eq!(F8E4M3::NAN.to_u8(), None);
    assert_eq!(F8E4M3::from_f32(-448.0).to_i8(), None);
    assert_eq!(F8E4M3::from_f32(-0.875).to_u8(), Some(0));
}

/// 2^60 + 2^52 + 1: f64 makes it the tie 2^60 + 2^52 of an 8-bit significand, which would go down
/// to the even 2^60.
#[test]
fn wide_integers_are_rounded_once() {
    subhalf::define_format! {
        /// 8 significant bits, a wide exponent: bfloat16.
        struct Bf16(u16) = FormatSpec::BF16, has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
    }
    let above_tie = (1i64 << 60) + (1 << 52) + 1;
    assert_eq!((above_tie as f64).to_i64(), Some((1 << 60) + (1 << 52)));
    let up = ((1i64 << 60) + (1 << 53)) as f64;
    assert_eq!(<Bf16 as NumCast>::from(above_tie).unwrap().to_f64(), up);
    assert_eq!(Bf16::from_i64(above_tie).unwrap().to_f64(), up);
    assert_eq!(
        Bf16::from_i128(-(above_tie as i128) << 40).unwrap().to_f64(),
        -up * f64::powi(2.0, 40)
    );
    let cast: Bf16 = above_tie.as_();
    assert_eq!(cast.to_f64(), up);
    assert_eq!(<Bf16 as NumCast>::from(1e38f64).unwrap().to_f64(), Bf16::from_f64(1e38).to_f64());
    assert_eq!(<Bf16 as NumCast>::from(u128::MAX).unwrap().to_f64(), f64::INFINITY); // 2^128, as in IEEE 754
}

#[test]
fn casts_and_bytes() {
    let x: F8E4M3 = 300u16.as_();
    assert_eq!(x.to_f32(), 288.0);
    let (small, wide, float): (u8, i32, f32) = (x.as_(), F8E4M3::from_f32(-3.75).as_(), x.as_());
    assert_eq!((small, wide, float), (255, -3, 288.0));
    let cast: HiF8 = 0.75f64.as_();
    assert_eq!(cast.to_f32(), 0.75);
    assert_eq!(ToBytes::to_le_bytes(&x), [0x79]);
    assert_eq!(<F4E2M1 as FromBytes>::from_be_bytes(&[0xF7]), F4E2M1::MAX); // the bits above the format are dropped
    assert_eq!(F8E4M3::from_f32(4.0).inv().to_f32(), 0.25);
    let (a, b) = (F8E4M3::from_f32(1.125), F8E4M3::from_f32(-1.25));
    assert_eq!(MulAdd::mul_add(a, a, b).to_f32(), 0.015625); // 1.265625 - 1.25, exact
    assert_eq!(<E8M0 as One>::one().to_f32(), 1.0);
}

#[test]
fn slices_of_whole_byte_types_are_cast_for_free() {
    let mut bytes = [0x38u8, 0x7E, 0xFF, 0x00];
    let numbers: &mut [F8E4M3] = bytemuck::cast_slice_mut(&mut bytes);
    assert_eq!((numbers[0].to_f32(), numbers[1].to_f32(), numbers[2].is_nan()), (1.0, 448.0, true));
    numbers[3] = F8E4M3::NEG_ONE;
    assert_eq!(bytes[3], 0xB8);
    assert_eq!(bytemuck::cast_slice::<F8E4M3, u8>(&[F8E4M3::MAX, F8E4M3::ONE]), [0x7E, 0x38]);
    assert_eq!(<E8M0 as bytemuck::Zeroable>::zeroed().to_f64(), f64::powi(2.0, -127));
}

fn refuses_bits_above_the_format<
    T: Format<Code = u8> + bytemuck::CheckedBitPattern + bytemuck::NoUninit + bytemuck::Zeroable,
>() {
    for byte in 0..=255u8 {
        let bytes = [byte];
        let cast = bytemuck::checked::try_cast_slice::<u8, T>(&bytes);
        let fits = (byte as u64) < T::SPEC.code_count();
        assert_eq!(
            cast.map(|numbers| numbers[0].to_bits()).ok(),
            fits.then_some(byte),
            "{} {byte:#x}",
            T::SPEC
        );
    }
    assert_eq!(bytemuck::cast_slice::<T, u8>(&[T::largest()]), [T::SPEC.max_code() as u8]);
    assert_eq!(T::zeroed().to_bits(), 0);
}

#[test]
fn narrow_types_are_read_as_bytes_but_made_only_of_codes() {
    for_types!(refuses_bits_above_the_format: F6E3M2 F6E2M3 F4E2M1 UE4M3 Binary6p3sf Binary6p4sf Binary4p2sf);
    let refused = bytemuck::checked::try_cast_slice::<u8, F4E2M1>(&[0x02, 0xF2]);
    assert!(refused.is_err());
    let taken = bytemuck::checked::try_cast_slice::<u8, F4E2M1>(&[0x02, 0x0F]).unwrap();
    assert_eq!(taken.iter().map(|&x| x.to_f32()).collect::<Vec<_>>(), [1.0, -6.0]);
}

mod user {
    use super::{Encoding, FloatSpec, FormatSpec};

    subhalf::define_format! {
        /// All 8 bits are codes, so bytemuck's own derive is sound on it.
        #[derive(bytemuck::Zeroable, bytemuck::Pod)]
        pub(super) struct F8E2M5(u8) = FormatSpec::constant("F8E2M5", Encoding::Float(FloatSpec::finite(2, 5))),
            has(ZERO, ONE, NEG_ZERO, NEG_ONE, MIN_POSITIVE_SUBNORMAL);
    }

    subhalf::define_format! {
        /// Without `has` there is neither `Zero` nor `One`.
        pub(super) struct F5E2M2(u8) = FormatSpec::constant("F5E2M2", Encoding::Float(FloatSpec::finite(2, 2)));
    }

    subhalf::define_format! {
        /// A type that only converts has no arithmetic traits.
        pub(super) struct Int4(u8) = FormatSpec::INT4; convert only;
    }
}

#[test]
fn formats_of_users_have_the_traits_too() {
    num::<user::F8E2M5>();
    signed::<user::F8E2M5>();
    assert_eq!(
        bytemuck::cast_slice::<u8, user::F8E2M5>(&[0x20, 0x7F])
            .iter()
            .map(|&x| x.to_f32())
            .collect::<Vec<_>>(),
        [1.0, 7.875]
    );
    assert_eq!(user::F5E2M2::from_f32(1.0).inv().to_f32(), 1.0);
    assert_eq!(<user::Int4 as NumCast>::from(-9).unwrap().to_i8(), Some(-8));
}
