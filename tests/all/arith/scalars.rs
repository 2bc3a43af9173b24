//! The scalar types take shorter ways (f32 arithmetic, tables) to the same codes.

use crate::exact::{finite_doubles, finite_singles, referee_of};
use crate::oracle::traps_for_f64;
use std::hint::black_box;
use subhalf::{
    Binary4p2sf, Binary6p3sf, Binary6p4sf, Binary8p3se, Binary8p3sf, Binary8p4se, Binary8p4sf,
    Binary8p5se, Convert, E8M0, Encoding, F4E2M1, F6E2M3, F6E3M2, F8E3M4, F8E4M3, F8E4M3B11Fnuz,
    F8E4M3Fnuz, F8E4M3Ieee, F8E5M2, F8E5M2Fnuz, FloatSpec, Format, FormatSpec, HiF8, MissingNan,
    Nan, Overflow, Round, UE4M3, UE5M3,
};

/// Formats of the user's own, with policies under which f32 would be the wrong way.
mod own {
    use super::{Convert, Encoding, FloatSpec, FormatSpec, MissingNan, Nan, Overflow, Round};

    subhalf::define_format! {
        /// E4M3 that is rounded down.
        pub(super) struct Downward(u8) = FormatSpec::F8E4M3, policy Convert::SATURATING.with_round(Round::Down);
    }
    subhalf::define_format! {
        /// E5M2 that is rounded to odd.
        pub(super) struct Odd(u8) = FormatSpec::F8E5M2, policy Convert::SATURATING.with_round(Round::ToOdd);
    }
    subhalf::define_format! {
        /// E4M3 as `ml_dtypes` has it: NaN keeps its sign.
        pub(super) struct MlDtypes(u8) = FormatSpec::F8E4M3, policy Convert::ML_DTYPES;
    }
    subhalf::define_format! {
        /// E5M2 as CUDA has it.
        pub(super) struct Cuda(u8) = FormatSpec::F8E5M2, policy Convert::CUDA_SATFINITE;
    }
    subhalf::define_format! {
        /// E2M3 whose NaN becomes zero.
        pub(super) struct NanIsZero(u8) = FormatSpec::F6E2M3, policy Convert::SATURATING.with_missing_nan(MissingNan::Zero);
    }
    subhalf::define_format! {
        /// E2M3 whose NaN becomes the largest number of its sign.
        pub(super) struct NanIsSigned(u8) = FormatSpec::F6E2M3, policy Convert::SATURATING.with_missing_nan(MissingNan::SignedMax);
    }
    subhalf::define_format! {
        /// E5M2 with infinite overflow, ties away, and NaN of all ones.
        pub(super) struct Special(u8) = FormatSpec::F8E5M2,
            policy Convert::SATURATING.with_overflow(Overflow::Special).with_round(Round::NearestAway).with_nan(Nan::AllOnes);
    }
    subhalf::define_format! {
        /// One sign, six exponent bits and one mantissa bit: products beyond and below what f32
        /// holds are not among them, just about.
        pub(super) struct Wide(u8) = FormatSpec::constant("E6M1", Encoding::Float(FloatSpec::finite(6, 1)));
    }
    subhalf::define_format! {
        /// One sign and seven exponent bits: products reach beyond and below f32.
        pub(super) struct Widest(u8) = FormatSpec::constant("E7M0", Encoding::Float(FloatSpec::finite(7, 0)));
    }
}

/// Calls a macro with the type of every scalar.
macro_rules! for_every_type {
    ($check:ident) => {
        $check! {
            F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8 E8M0 UE4M3 UE5M3
            Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
        }
    };
}

macro_rules! operators_equal_with {
    ($($type:path)*) => {$({
        type T = $type;
        let (spec, convert) = (<T as Format>::SPEC, <T as Format>::CONVERT);
        for a in 0..1u32 << spec.bits() {
            let x = T::from_bits(a as u8);
            assert_eq!(u32::from(x.sqrt().to_bits()), spec.sqrt_with(a, &convert, 0).code, "{spec} sqrt {a:#x}");
            assert_eq!(u32::from(x.recip().to_bits()), spec.recip_with(a, &convert, 0).code, "{spec} 1 / {a:#x}");
            for b in 0..1u32 << spec.bits() {
                let y = T::from_bits(b as u8);
                let found = [x + y, x - y, x * y, x / y, x % y].map(|z| u32::from(z.to_bits()));
                let expected = [
                    spec.add_with(a, b, &convert, 0).code,
                    spec.sub_with(a, b, &convert, 0).code,
                    spec.mul_with(a, b, &convert, 0).code,
                    spec.div_with(a, b, &convert, 0).code,
                    spec.rem_with(a, b, &convert, 0).code,
                ];
                assert_eq!(found, expected, "{spec} + - * / %: {a:#x}, {b:#x}");
                let referenced = [&x + &y, x - &y, &x * y, &x / &y, x % &y].map(|z| u32::from(z.to_bits()));
                assert_eq!(referenced, expected, "{spec} by reference: {a:#x}, {b:#x}");
                let mut assigned = [x; 5];
                assigned[0] += y;
                assigned[1] -= y;
                assigned[2] *= &y;
                assigned[3] /= y;
                assigned[4] %= &y;
                assert_eq!(assigned.map(|z| u32::from(z.to_bits())), expected, "{spec} assigned: {a:#x}, {b:#x}");
                let c = a.wrapping_mul(31).wrapping_add(b * 7) & ((1 << spec.bits()) - 1);
                let fused = x.mul_add(y, T::from_bits(c as u8)).to_bits();
                assert_eq!(u32::from(fused), spec.mul_add_with(a, b, c, &convert, 0).code, "{spec} {a:#x} * {b:#x} + {c:#x}");
            }
        }
    })*};
}

#[test]
fn operators_equal_the_operations_under_the_policy_of_the_type() {
    for_every_type!(operators_equal_with);
    operators_equal_with! {
        own::Downward own::Odd own::MlDtypes own::Cuda own::NanIsZero own::NanIsSigned own::Special own::Wide own::Widest
    }
}

macro_rules! fused_equals_with {
    ($($type:path)*) => {$({
        type T = $type;
        let (spec, convert) = (<T as Format>::SPEC, <T as Format>::CONVERT);
        let all = || (0..1u32 << spec.bits()).map(|code| (code, T::from_bits(code as u8)));
        for ((a, x), (b, y)) in all().flat_map(|a| all().map(move |b| (a, b))) {
            for (c, z) in all() {
                let expected = spec.mul_add_with(a, b, c, &convert, 0).code;
                assert_eq!(u32::from(x.mul_add(y, z).to_bits()), expected, "{spec}: {a:#x} · {b:#x} + {c:#x}");
            }
        }
    })*};
}

/// The short way, through f32 and a sum rounded to odd, on all triples.
#[test]
fn fused_multiply_add_equals_the_operation_under_the_policy_of_the_type() {
    fused_equals_with! { F8E4M3 F8E5M2 Binary8p3se F6E3M2 F6E2M3 F4E2M1 Binary6p3sf own::NanIsZero own::NanIsSigned }
}

/// Any f32, a step that is no multiple of a power of two apart.
fn strided() -> impl Iterator<Item = f32> {
    (0..=u32::MAX).step_by(9973).map(f32::from_bits)
}

macro_rules! singles_equal {
    ($($type:path)*) => {$({
        type T = $type;
        let (spec, convert) = (<T as Format>::SPEC, <T as Format>::CONVERT);
        let specials = [0.0, f32::INFINITY, f32::NAN, f32::from_bits(0x7F80_0001), f32::from_bits(0x7FFF_FFFF)];
        let inputs = finite_singles(&referee_of(spec.name())).into_iter().chain(specials.into_iter().flat_map(|x| [x, -x]));
        for x in inputs.chain(strided()) {
            let expected = spec.encode_f32_with(x, &convert, 0).code;
            assert_eq!(u32::from(T::from_f32(x).to_bits()), expected, "{spec} {x:e} {:#x}", x.to_bits());
        }
        for code in 0..1u32 << spec.bits() {
            let (found, expected) = (T::from_bits(code as u8).to_f32(), spec.decode(code).to_f32());
            assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()), "{spec} {code:#x}: {found:e}");
        }
    })*};
}

#[test]
fn from_f32_and_to_f32_equal_the_codec() {
    for_every_type!(singles_equal);
    singles_equal! { own::Downward own::Odd own::MlDtypes own::Cuda own::NanIsZero own::NanIsSigned own::Special }
}

macro_rules! doubles_are_rounded_once {
    ($traps:ident, $compared:ident: $($type:path)*) => {$({
        type T = $type;
        let (spec, convert) = (<T as Format>::SPEC, <T as Format>::CONVERT);
        let referee = referee_of(spec.name());
        let specials = [0.0, f64::INFINITY, f64::NAN, f64::from_bits(0x7FF0_0000_0000_0001), f64::MAX, f64::from_bits(1)];
        let inputs = finite_doubles(&referee).into_iter().chain(specials.into_iter().flat_map(|x| [x, -x]));
        for x in inputs.chain($traps.iter().copied().map(f64::from_bits)) {
            let expected = referee.expected(&referee.input_f64(x.to_bits()), &convert);
            assert_eq!(u32::from(T::from_f64(x).to_bits()), expected.0, "{spec} {x:e} {:#x}", x.to_bits());
            let (code, flags) = T::from_f64_with(x, &convert, 0);
            assert_eq!((u32::from(code.to_bits()), flags.bits()), expected, "{spec} {x:e} {:#x}", x.to_bits());
            $compared += 1;
        }
        for code in 0..1u32 << spec.bits() {
            let (x, expected) = (T::from_bits(code as u8).to_f64(), spec.decode(code).to_f64());
            assert!(x.to_bits() == expected.to_bits() || (x.is_nan() && expected.is_nan()), "{spec} {code:#x}: {x:e}");
        }
    })*};
}

/// Every midpoint, number and end at -2..=2 ulp of f64, and the inputs of `encode64` of every
/// format, through each type.
#[test]
fn from_f64_rounds_once_at_all_midpoints_and_traps() {
    let (traps, mut compared) = (traps_for_f64(), 0);
    assert!(traps.len() > 5_000, "only {} traps", traps.len());
    macro_rules! check {
        ($($type:path)*) => { doubles_are_rounded_once! { traps, compared: $($type)* } };
    }
    for_every_type!(check);
    check! { own::Downward own::Odd own::MlDtypes own::Cuda own::NanIsZero own::NanIsSigned own::Special }
    eprintln!("{} traps, {compared} f64 in all", traps.len());
}

macro_rules! products_are_exact {
    ($($type:path)*) => {$({
        for x in <$type>::all() {
            for y in <$type>::all() {
                let (a, b) = (black_box(x), black_box(y));
                // f64 has all the products, and every NaN is the positive quiet one, whatever the
                // processor makes of infinity times zero.
                let exact = x.to_f64() * y.to_f64();
                let exact = if exact.is_nan() { f64::from_bits(0x7FF8_0000_0000_0000) } else { exact };
                let found = (a.mul_to_f32(b).to_bits(), a.mul_to_f64(b).to_bits());
                let single = if exact.is_nan() { 0x7FC0_0000 } else { (exact as f32).to_bits() };
                assert!(exact.is_nan() || f64::from(exact as f32) == exact, "{x:?} · {y:?}");
                assert_eq!(found, (single, exact.to_bits()), "{x:?} · {y:?}");
            }
        }
    })*};
}

#[test]
fn products_in_f32_and_f64_are_exact() {
    products_are_exact! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8 UE4M3 UE5M3
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
    }
}
