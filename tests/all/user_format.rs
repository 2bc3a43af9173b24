//! Formats made outside the crate: constant specs, types stamped by `define_format!`, and generic
//! code over [`Format`].

use crate::number::{Number, power_of_two};
use subhalf::{
    Code, Convert, Encoding, Exec, Flags, FloatSpec, Format, FormatSpec, IntSpec, NanCodes,
    Overflow, PositSpec, Round, SliceConverter, Table, Unpacked,
};

/// 1 sign, 3 exponent and 3 mantissa bits, infinities at the top, NaN in place of −0.
const F7: FormatSpec = FormatSpec::constant(
    "mine E3M3",
    Encoding::Float(FloatSpec {
        infinities: true,
        negative_zero: false,
        nan: NanCodes::NegativeZero,
        ..FloatSpec::finite(3, 3)
    }),
);

/// Thirds, which no binary layout has, in f32 bits.
static THIRDS: [u32; 4] =
    [0, (1.0_f32 / 3.0).to_bits(), (2.0_f32 / 3.0).to_bits(), 1.0_f32.to_bits()];

subhalf::define_format! {
    /// A 7-bit float from a constant.
    pub(crate) struct Float7(u8) = F7;
}
subhalf::define_format! {
    /// An 11-bit float in 16 bits.
    struct Float11(u16) = FormatSpec::constant("mine E5M5", Encoding::Float(FloatSpec::ieee(5, 5)));
}
subhalf::define_format! { struct Float24(u32) = FormatSpec::constant("mine E8M15", Encoding::Float(FloatSpec::ieee(8, 15))); }
subhalf::define_format! { struct Float32(u32) = FormatSpec::F32; }
subhalf::define_format! { struct Fixed12(u16) = FormatSpec::constant(
    "mine 4.8",
    Encoding::Int(IntSpec { signed: true, bits: 12, fraction_bits: 8, symmetric: false }),
); convert only; }
subhalf::define_format! { struct Thirds(u8) = FormatSpec::constant("thirds", Encoding::Codebook(Table::of(&THIRDS))); convert only; }
subhalf::define_format! { struct Posit10(u16) = FormatSpec::constant("posit10", Encoding::Posit(PositSpec { bits: 10, exponent_bits: 2 })); convert only; }

mod own_names {
    //! A module that calls things of its own what the prelude calls others: `define_format!` says
    //! whom it means.
    #![allow(dead_code, unused_imports, reason = "the names are there to be in the way")]
    use std::fmt::Result;
    struct Option;
    struct Some;
    struct None;
    trait Iterator {}

    subhalf::define_format! {
        pub(super) struct Scale(u8) = subhalf::FormatSpec::F8E4M3, has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
    }
}

#[test]
fn types_are_stamped_beside_names_that_shadow_the_prelude() {
    let two = own_names::Scale::ONE + own_names::Scale::ONE;
    assert_eq!(("2".parse(), [two; 3].iter().sum::<own_names::Scale>().to_f32()), (Ok(two), 6.0));
}

// What a constant spec knows, it knows at compile time.
const ONE_AND_A_HALF: u32 = F7.encode_f32(1.5);
const LARGEST: f32 = F7.max().to_f32();
const _: () = assert!(F7.bits() == 7 && F7.value_count() == 127);

/// Through the trait only: every code comes back, the bulk calls agree, and bits above the width
/// are dropped.
fn check_all_codes<F: Format>() {
    let spec = F::SPEC;
    let bits = spec.bits();
    let stride = if bits > 16 { 10_007 } else { 1 };
    let codes: Vec<F::Code> = spec.codes().step_by(stride).map(F::Code::truncate).collect();
    let mut numbers = vec![0.0_f64; codes.len()];
    SliceConverter::new(&spec).decode(&codes, &mut numbers).unwrap();
    let mut again = codes.clone();
    let exec = Exec::SERIAL;
    SliceConverter::new(&spec).exec(exec).encode(&numbers, &mut again).unwrap();
    for ((&code, &number), &again) in codes.iter().zip(&numbers).zip(&again) {
        let x = F::from_bits(code);
        assert_eq!(x.to_bits(), code, "{spec}");
        assert_eq!(
            Number::of(x.unpack()),
            Number::of(spec.decode(code.widen())),
            "{spec} {code:?}"
        );
        assert_eq!(x.decode_f64().to_bits(), number.to_bits(), "{spec} {code:?}");
        if F::Code::BITS > bits {
            let garbage = F::Code::truncate(code.widen() | u32::MAX << bits);
            assert_eq!(F::from_bits(garbage).to_bits(), code, "{spec} {garbage:?}");
        }
        if x.unpack().is_nan() {
            continue;
        }
        assert_eq!(again, code, "{spec} through the bulk calls");
        assert_eq!(F::encode_f64(x.decode_f64()).to_bits(), code, "{spec}");
        assert_eq!(F::from_format(x).to_bits(), code, "{spec} into itself");
        let (same, flags) = F::from_unpacked_with(x.unpack(), &spec.default_convert(), 0);
        assert_eq!((same.to_bits(), flags), (code, Flags::NONE), "{spec}");
    }
}

/// The largest and smallest positive number, the smallest, and whether there are zero, one, NaN,
/// infinity, normal numbers.
fn facts<F: Format>() -> (Number, Number, Number, [bool; 5]) {
    let number = |x: F| Number::of(x.unpack());
    let has = [
        F::zero_value().is_some(),
        F::one_value().is_some(),
        F::nan_value().is_some(),
        F::infinity_value().is_some(),
        F::smallest_normal().is_some(),
    ];
    assert!(
        F::zero_value().is_none_or(|x| x.decode_f64() == 0.0)
            && F::one_value().is_none_or(|x| x.decode_f64() == 1.0),
        "{}",
        F::SPEC
    );
    assert!(F::nan_value().is_none_or(|x| x.decode_f64().is_nan()), "{}", F::SPEC);
    assert!(F::infinity_value().is_none_or(|x| x.decode_f64() == f64::INFINITY), "{}", F::SPEC);
    (number(F::largest()), number(F::smallest_positive()), number(F::smallest()), has)
}

#[test]
fn every_code_of_a_user_type_comes_back() {
    check_all_codes::<Float7>();
    check_all_codes::<Float11>();
    check_all_codes::<Float24>();
    check_all_codes::<Float32>();
    check_all_codes::<Fixed12>();
    check_all_codes::<Thirds>();
    check_all_codes::<Posit10>();
}

#[test]
fn user_types_have_the_limits_of_their_layouts() {
    // E3M3, bias 3: infinity takes 0x3F, so the largest is 1.75·2^4; smallest 2^(1-3-3).
    let (max, smallest_positive, min, has) = facts::<Float7>();
    assert_eq!(
        (max, smallest_positive, min),
        (Number::of_f64(28.0), power_of_two(-5), Number::of_f64(-28.0))
    );
    assert_eq!(has, [true; 5]);
    // E5M5, bias 15: (2 - 2^-5)·2^15.
    let (max, smallest_positive, min, has) = facts::<Float11>();
    assert_eq!(
        (max, smallest_positive, min),
        (Number::new(false, 63, 10), power_of_two(-19), Number::new(true, 63, 10))
    );
    assert_eq!(has, [true; 5]);
    // E8M15: the range of f32 with 16 bits of precision.
    let (max, smallest_positive, _, has) = facts::<Float24>();
    assert_eq!((max, smallest_positive), (Number::new(false, 0xFFFF, 112), power_of_two(-141)));
    assert_eq!(has, [true; 5]);
    let (max, smallest_positive, min, has) = facts::<Float32>();
    assert_eq!((max, smallest_positive), (Number::of_f64(f64::from(f32::MAX)), power_of_two(-149)));
    assert_eq!((min, has), (Number::of_f64(f64::from(f32::MIN)), [true; 5]));
    let (max, smallest_positive, min, has) = facts::<Fixed12>();
    assert_eq!(
        (max, smallest_positive, min),
        (Number::new(false, 2047, -8), power_of_two(-8), Number::of_f64(-8.0))
    );
    assert_eq!(has, [true, true, false, false, false]);
    let (max, smallest_positive, min, has) = facts::<Thirds>();
    let third = Number::of_f64(f64::from(1.0_f32 / 3.0));
    assert_eq!((max, smallest_positive, min), (power_of_two(0), third, Number::of_f64(0.0)));
    assert_eq!(has, [true, true, false, false, false]);
    // Posit with 2 exponent bits: 2^±(4·(10-2)).
    let (max, smallest_positive, min, has) = facts::<Posit10>();
    assert_eq!(
        (max, smallest_positive, min),
        (power_of_two(32), power_of_two(-32), power_of_two(32).negate())
    );
    assert_eq!(has, [true, true, true, false, false]);
}

#[test]
fn constants_are_worked_out_at_compile_time() {
    assert_eq!((ONE_AND_A_HALF, LARGEST), (0x1C, 28.0));
    assert_eq!(Float7::from_f32(1.5).to_bits(), 0x1C);
}

#[test]
fn one_format_becomes_another_with_one_rounding() {
    // 1.0625 is the tie between 1 and 1.125 in E3M3. A little more than that is above it; E5M5
    // rounds that little away, and the second rounding then takes the tie to the even 1.
    let x = Float24::from_f64(1.0625 + 2f64.powi(-15));
    assert_eq!(x.decode_f64(), 1.0625 + 2f64.powi(-15));
    assert_eq!(Float7::from_format(x).to_f64(), 1.125);
    assert_eq!(Float7::from_format(Float11::from_format(x)).to_f64(), 1.0);
    assert_eq!(FormatSpec::F8E4M3.convert_from(&Float24::SPEC, x.to_bits()), 0x39);
}

#[test]
fn policies_reach_through_the_trait() {
    let big = Unpacked::from_f32(1e6);
    let (saturated, flags) = Float7::from_unpacked_with(big, &Float7::SPEC.default_convert(), 0);
    assert_eq!((saturated.to_f32(), flags), (28.0, Flags::OVERFLOW | Flags::INEXACT));
    let (infinite, _) =
        Float7::from_unpacked_with(big, &Convert::SATURATING.with_overflow(Overflow::Special), 0);
    assert_eq!(infinite.to_f32(), f32::INFINITY);
    // 11 bits are more than 8: overflow is IEEE 754's.
    assert_eq!(Float11::from_f32(1e6).to_f32(), f32::INFINITY);
    assert_eq!(Float11::from_f32(-1e6).to_f32(), f32::NEG_INFINITY);
    let (down, flags) = Float7::from_unpacked_with(
        Unpacked::from_f32(1.12),
        &Convert::IEEE.with_round(Round::Down),
        0,
    );
    assert_eq!((down.to_f32(), flags), (1.0, Flags::INEXACT));
    assert!(Float7::from_f32(f32::NAN).to_f32().is_nan());
    assert_eq!(
        Fixed12::from_f32(f32::NAN).to_f32(),
        2047.0 / 256.0,
        "an integer has no NaN: the largest value"
    );
    // Both f32 thirds are rounded up, so their midpoint lies above one half.
    assert_eq!(Thirds::from_f32(0.5).to_f32(), 1.0 / 3.0);
}

#[test]
fn numbers_print_with_the_name_of_their_type() {
    assert_eq!(
        format!("{:?} {:?}", Float7::from_f32(-2.75), Thirds::from_f32(9.0)),
        "Float7(-2.75) Thirds(1.0)"
    );
    assert_eq!(
        format!("{:?} {:?}", Float11::infinity_value().unwrap(), Float7::nan_value().unwrap()),
        "Float11(inf) Float7(NaN)"
    );
    assert!(Float11::from_f32(3.0) == Float11::from_f64(3.0), "attributes are passed on");
}

#[test]
fn equal_layouts_are_equal_formats_whatever_their_names() {
    assert_eq!(F7, FormatSpec::new("another name", *F7.encoding()).unwrap());
    assert_ne!(F7, Float11::SPEC);
    assert_eq!(F7.name(), "mine E3M3");
}
