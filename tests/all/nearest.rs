//! The short ways of the stamped types: `from_f32`, operators and comparisons against the reference
//! codec and the exact arithmetic.

use subhalf::{
    Convert, Encoding, FloatSpec, FormatSpec, Infinity, MissingNan, Nan, Overflow, Round, Zero,
};

const fn float(layout: FloatSpec) -> FormatSpec {
    FormatSpec::constant("short way", Encoding::Float(layout))
}

// What named formats lack: no mantissa with either parity of the bias, one mantissa bit, wide
// codes, far exponents, other policies.
subhalf::define_format! { struct PowersOfTwo(u8) = float(FloatSpec::finite(5, 0)); }
subhalf::define_format! { struct OtherPowersOfTwo(u8) = float(FloatSpec { bias: 4, ..FloatSpec::finite(4, 0) }); }
subhalf::define_format! { struct OneBit(u8) = float(FloatSpec::finite_nan(6, 1)); }
subhalf::define_format! { struct Half(u16) = FormatSpec::F16; }
subhalf::define_format! { struct Wide(u16) = float(FloatSpec::finite_unsigned_zero(4, 11, 9)); }
subhalf::define_format! { struct Wider(u32) = float(FloatSpec::ieee(7, 22)); }
subhalf::define_format! { struct Brain(u16) = FormatSpec::BF16; }
subhalf::define_format! { struct Tiny(u8) = float(FloatSpec { bias: 120, ..FloatSpec::ieee(4, 3) }); }
subhalf::define_format! { struct TooTiny(u8) = float(FloatSpec { bias: 150, ..FloatSpec::ieee(4, 3) }); }
subhalf::define_format! { struct Huge(u8) = float(FloatSpec { bias: -110, ..FloatSpec::ieee(4, 3) }); convert only; }
subhalf::define_format! { struct NoNegativeZero(u8) = float(FloatSpec { negative_zero: false, ..FloatSpec::finite(4, 3) }); }
subhalf::define_format! { struct Special(u8) = FormatSpec::F8E5M2, policy Convert::SATURATING
.with_overflow(Overflow::Special).with_infinity(Infinity::Saturate).with_nan(Nan::SignedAllOnes); }
subhalf::define_format! { struct SpecialNan(u8) = FormatSpec::F8E4M3, policy Convert::IEEE.with_nan(Nan::Signed); }
subhalf::define_format! { struct NoNan(u8) = FormatSpec::F6E2M3, policy Convert::SATURATING.with_missing_nan(MissingNan::OppositeZero); }
subhalf::define_format! { struct SignedMax(u8) = FormatSpec::F4E2M1, policy Convert::SATURATING.with_missing_nan(MissingNan::SignedMax); }
subhalf::define_format! { struct Down(u8) = FormatSpec::F8E4M3, policy Convert::SATURATING.with_round(Round::Down); }
subhalf::define_format! { struct ZeroIsNan(u8) = FormatSpec::F8E4M3FNUZ, policy Convert::SATURATING.with_zero(Zero::Nan); }
subhalf::define_format! { struct Payload(u8) = FormatSpec::F8E5M2, policy Convert::IEEE.with_nan(Nan::Payload); }

/// Every midpoint of neighbours, every number and the ends of the f32 range, each with its four
/// nearest f32s and both signs; NaNs.
fn inputs(spec: &FormatSpec) -> Vec<f32> {
    let stride = if spec.bits() > 16 { 104_729 } else { 1 };
    let codes = spec.codes().step_by(stride);
    let pairs = codes.flat_map(|code| {
        let (value, next) = (
            spec.decode(code).to_f64(),
            spec.next_up(code).map_or(0.0, |code| spec.decode(code).to_f64()),
        );
        // The upper one is beyond the largest number, where the next would be.
        [
            value,
            value / 2.0 + next / 2.0,
            value * 1.5 - spec.decode(spec.next_down(code).unwrap_or(0)).to_f64() / 2.0,
        ]
    });
    let ends = [0, 1, 0x7F_FFFF, 0x80_0000, 0x7F7F_FFFF, 0x7F80_0000]
        .map(|bits| f64::from(f32::from_bits(bits)));
    let centres = pairs.chain(ends);
    let near = |centre: f64| {
        (-2..=2).map(move |ulps| (centre as f32).to_bits().saturating_add_signed(ulps))
    };
    let nans = [0x7F80_0001, 0x7FBF_FFFF, 0x7FC0_0000, 0x7FC1_2345, 0x7FFF_FFFF];
    let bits = centres.flat_map(near).chain(nans);
    bits.flat_map(|bits| [f32::from_bits(bits), f32::from_bits(bits | 1 << 31)]).collect()
}

macro_rules! checks {
    ($($type:ty)*) => {$({
        use subhalf::Format;
        let (spec, convert) = (<$type as Format>::SPEC, <$type as Format>::CONVERT);
        let sweep = (0..=u32::MAX).step_by(12_347).map(f32::from_bits);
        for x in inputs(&spec).into_iter().chain(sweep) {
            let expected = spec.encode_f32_with(x, &convert, 0).code;
            let code = u32::from(<$type>::from_f32(x).to_bits());
            assert_eq!(code, expected, "{} of {x:e}, {:#X}", stringify!($type), x.to_bits());
        }
    })*};
}

#[test]
fn from_f32_is_the_reference_codec() {
    use subhalf::*;
    checks! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8 E8M0 UE4M3 UE5M3
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
    }
    checks! {
        PowersOfTwo OtherPowersOfTwo OneBit Half Wide Wider Brain Tiny TooTiny Huge NoNegativeZero
        Special SpecialNan NoNan SignedMax Down ZeroIsNan Payload
    }
}

macro_rules! check_pairs {
    ($($type:ident)*) => {$({
        let convert = <$type as Format>::CONVERT;
        let numbers = || <$type as Format>::SPEC.codes().map(|code| $type::from_bits(code as u8));
        for x in numbers() {
            let exact = x.unpack();
            assert_eq!(x.to_f32().to_bits(), exact.to_f32().to_bits(), "{x:?}");
            assert_eq!(
                (x.is_nan(), x.is_infinite(), x.is_finite(), x.is_zero()),
                (exact.is_nan(), exact.is_infinite(), exact.is_finite(), exact.is_zero()),
                "{x:?}"
            );
            // With two zeros the sign is a bit of its own, whatever the policy makes of numbers
            // that come from elsewhere.
            let negative = match <$type as Format>::SPEC.negative_zero_code() {
                Some(sign) => x.to_bits() ^ sign as u8,
                None if x.is_nan() => x.to_bits(),
                None => $type::from_unpacked(exact.negate()).to_bits(),
            };
            assert_eq!((-x).to_bits(), negative, "-{x:?}");
            for y in numbers() {
                let other = y.unpack();
                let context = || format!("{x:?} {y:?} ({:#X} {:#X})", x.to_bits(), y.to_bits());
                assert_eq!(x.partial_cmp(&y), exact.compare(other), "{}", context());
                assert_eq!(x == y, exact == other, "{}", context());
                assert_eq!((x + y).to_bits(), x.add_with(y, &convert, 0).0.to_bits(), "+ {}", context());
                assert_eq!((x - y).to_bits(), x.sub_with(y, &convert, 0).0.to_bits(), "- {}", context());
                assert_eq!((x * y).to_bits(), x.mul_with(y, &convert, 0).0.to_bits(), "* {}", context());
                assert_eq!((x / y).to_bits(), x.div_with(y, &convert, 0).0.to_bits(), "/ {}", context());
                assert_eq!((x % y).to_bits(), x.rem_with(y, &convert, 0).0.to_bits(), "% {}", context());
            }
        }
    })*};
}

#[test]
fn operators_and_comparisons_are_the_exact_arithmetic() {
    use subhalf::*;
    check_pairs! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1 HiF8 E8M0 UE4M3 UE5M3
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
        PowersOfTwo OtherPowersOfTwo OneBit Tiny TooTiny NoNegativeZero Special SpecialNan NoNan SignedMax Down ZeroIsNan Payload
    }
}
