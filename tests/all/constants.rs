//! The constants of mathematics in every type, against 36 decimals of each.

use subhalf::{
    Binary4p2sf, Binary6p3sf, Binary6p4sf, Binary8p3se, Binary8p3sf, Binary8p4se, Binary8p4sf,
    Binary8p5se, Code, Convert, E8M0, F4E2M1, F6E2M3, F6E3M2, F8E3M4, F8E4M3, F8E4M3B11Fnuz,
    F8E4M3Fnuz, F8E4M3Ieee, F8E5M2, F8E5M2Fnuz, Format, FormatSpec, HiF8, Round, UE4M3, UE5M3,
};

mod own {
    use super::{Convert, FormatSpec, Round};

    subhalf::define_format! { pub(super) struct F16(u16) = FormatSpec::F16; }
    subhalf::define_format! { pub(super) struct BF16(u16) = FormatSpec::BF16; }
    subhalf::define_format! { pub(super) struct F32(u32) = FormatSpec::F32; }
    subhalf::define_format! { pub(super) struct Posit8(u8) = FormatSpec::POSIT8; convert only; }
    subhalf::define_format! { pub(super) struct Down(u8) = FormatSpec::F8E4M3, policy Convert::SATURATING.with_round(Round::Down); }
    subhalf::define_format! { pub(super) struct Up(u8) = FormatSpec::F8E4M3, policy Convert::SATURATING.with_round(Round::Up); }
}

/// Multiples of 10^-36, cut off: worked out with Python's decimal module at 80 digits (π by
/// Machin's formula); mpmath 1.3.0 gives the same.
macro_rules! in_decimals {
    ($check:ident $type:path) => {
        $check! { $type: TAU 6_283_185_307_179_586_476_925_286_766_559_005_768 }
        in_decimals!($check $type, but TAU);
    };
    ($check:ident $type:path, but TAU) => {
        $check! { $type:
            E 2_718_281_828_459_045_235_360_287_471_352_662_497,
            PI 3_141_592_653_589_793_238_462_643_383_279_502_884,
            FRAC_1_PI 318_309_886_183_790_671_537_767_526_745_028_724,
            FRAC_2_PI 636_619_772_367_581_343_075_535_053_490_057_448,
            FRAC_2_SQRT_PI 1_128_379_167_095_512_573_896_158_903_121_545_171,
            FRAC_PI_2 1_570_796_326_794_896_619_231_321_691_639_751_442,
            FRAC_PI_3 1_047_197_551_196_597_746_154_214_461_093_167_628,
            FRAC_PI_4 785_398_163_397_448_309_615_660_845_819_875_721,
            FRAC_PI_6 523_598_775_598_298_873_077_107_230_546_583_814,
            FRAC_PI_8 392_699_081_698_724_154_807_830_422_909_937_860,
            SQRT_2 1_414_213_562_373_095_048_801_688_724_209_698_078,
            FRAC_1_SQRT_2 707_106_781_186_547_524_400_844_362_104_849_039,
            LN_2 693_147_180_559_945_309_417_232_121_458_176_568,
            LN_10 2_302_585_092_994_045_684_017_991_454_684_364_207,
            LOG2_10 3_321_928_094_887_362_347_870_319_429_489_390_175,
            LOG2_E 1_442_695_040_888_963_407_359_924_681_001_892_137,
            LOG10_2 301_029_995_663_981_195_213_738_894_724_493_026,
            LOG10_E 434_294_481_903_251_827_651_128_918_916_605_082
        }
    };
}

/// A number as a multiple of 10^-36, exactly: one between 1/8 and 16 with at most 24 significant
/// bits.
fn decimals(x: f64) -> i128 {
    const ONE: i128 = 10_i128.pow(36);
    let scaled = x * 30f64.exp2();
    assert_eq!(scaled, scaled.trunc(), "{x}");
    scaled as i128 * (ONE >> 30)
}

/// The distance in multiples of 10^-36.
fn distance<T: Format>(x: f64, constant: i128) -> i128 {
    let error = decimals(x) - constant;
    match T::CONVERT.round {
        // Beyond every other is what lies on the wrong side.
        Round::Down if error > 0 => i128::MAX,
        Round::Up if error < 0 => i128::MAX,
        _ => error.abs(),
    }
}

/// No code is nearer. Of formats with many codes, none of the 128 around.
fn is_nearest<T: Format>(x: T, name: &str, constant: i128) {
    let code = x.to_bits().widen();
    let found = distance::<T>(T::SPEC.decode_f64(code), constant);
    let codes = if T::SPEC.bits() <= 8 { 0..=255 } else { code - 64..=code + 64 };
    let mut compared = 0;
    for other in codes.filter(|&other| other < 1 << T::SPEC.bits().min(31) && other != code) {
        let value = T::SPEC.decode_f64(other);
        if (0.125..16.0).contains(&value) {
            compared += 1;
            assert!(
                distance::<T>(value, constant) > found,
                "{} of {}: {:#x} is not {other:#x}",
                name,
                T::SPEC,
                code
            );
        }
    }
    assert!(compared >= 2, "{name} of {} was compared with nothing", T::SPEC);
}

macro_rules! are_nearest {
    ($type:path: $($constant:ident $decimals:literal),*) => {
        $(is_nearest(<$type>::$constant, stringify!($constant), $decimals);)*
    };
}

#[test]
fn constants_of_mathematics_are_the_nearest_numbers() {
    macro_rules! check {
        ($($type:path)*) => { $(in_decimals!(are_nearest $type);)* };
    }
    check! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8 E8M0 UE4M3 UE5M3
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf
        own::F16 own::BF16 own::F32 own::Posit8 own::Down own::Up
    }
    in_decimals!(are_nearest Binary6p4sf, but TAU);
    in_decimals!(are_nearest Binary4p2sf, but TAU);
    assert_eq!(
        [F8E4M3::PI.to_f32(), F8E5M2::E.to_f32(), F4E2M1::LN_2.to_f32(), E8M0::PI.to_f32()],
        [3.25, 2.5, 0.5, 4.0]
    );
    assert_eq!([own::Down::PI.to_f32(), own::Up::LN_2.to_f32()], [3.0, 0.75]);
    assert_eq!(own::F32::PI.to_f32(), std::f32::consts::PI);
}

/// The decimals are those of f64, as far as f64 goes.
#[test]
fn the_decimals_begin_as_the_constants_of_f64_do() {
    macro_rules! begin_alike {
        ($type:path: $($constant:ident $decimals:literal),*) => {$(
            let decimals: i128 = $decimals;
            let near = decimals as f64 / 1e36;
            assert!((near / std::f64::consts::$constant - 1.0).abs() < 1e-15, stringify!($constant));
        )*};
    }
    in_decimals!(begin_alike f64);
}

#[cfg(feature = "num-traits")]
#[test]
fn generic_code_finds_the_constants() {
    fn area<T: num_traits::FloatConst + std::ops::Mul<Output = T> + Copy>(radius: T) -> T {
        T::PI() * radius * radius
    }
    assert_eq!(area(F8E4M3::from_f32(2.0)).to_f32(), 13.0);
    assert_eq!(<HiF8 as num_traits::FloatConst>::TAU(), HiF8::TAU);
    assert_eq!(<UE5M3 as num_traits::FloatConst>::LOG10_2(), UE5M3::LOG10_2);
}
