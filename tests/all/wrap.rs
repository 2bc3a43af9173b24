//! Integers that keep the low bits of numbers out of range: scalars, arithmetic, slices on every
//! instruction set, blocks.

use subhalf::{
    BlockSpec, Code, Convert, Dither, Division, Encoding, Error, Exec, Extent, Flags, FormatSpec,
    Infinity, IntSpec, Isa, MissingNan, Negative, Offset, Overflow, Quantizer, Round, ScaleRule,
    SliceConverter, Stochastic, SubnormalInputs, Unpacked, preset,
};

const WRAP: Convert = Convert::ML_DTYPES_INT;

fn integer(signed: bool, bits: u8, fraction_bits: i8, symmetric: bool) -> FormatSpec {
    FormatSpec::new("integer", Encoding::Int(IntSpec { signed, bits, fraction_bits, symmetric }))
        .unwrap()
}

/// Integers of all widths, in units from 2^-64 to 2^64.
fn integers() -> Vec<FormatSpec> {
    let mut specs = Vec::new();
    for bits in 1..=32 {
        for fraction_bits in [-64, -40, -3, 0, 6, 31, 64] {
            specs.extend([true, false].map(|signed| integer(signed, bits, fraction_bits, false)));
            if bits >= 2 {
                specs.push(integer(true, bits, fraction_bits, true));
            }
        }
    }
    specs
}

/// NumPy 2.4 and C: `np.int16(200).astype(np.int8)` is −56, `np.float32(510).astype(np.uint8)` by
/// way of an i32 254.
#[test]
fn case_28_low_bits_are_kept_as_in_numpy_and_c() {
    const WRAPPED: Flags = Flags::OVERFLOW.union(Flags::INEXACT);
    let rows: &[(FormatSpec, f64, u32, Flags)] = &[
        (FormatSpec::INT8, 200.0, 0xC8, WRAPPED),
        (FormatSpec::INT8, -200.0, 56, WRAPPED),
        (FormatSpec::INT8, 128.0, 0x80, WRAPPED),
        (FormatSpec::INT8, -129.0, 0x7F, WRAPPED),
        (FormatSpec::INT8, -128.0, 0x80, Flags::NONE),
        (FormatSpec::INT8, 127.9, 0x7F, Flags::INEXACT),
        (FormatSpec::INT8, -128.9, 0x80, Flags::INEXACT),
        (FormatSpec::INT8, 256.0, 0, WRAPPED),
        (FormatSpec::INT8, f64::powi(2.0, 40) + 200.0, 0xC8, WRAPPED),
        (FormatSpec::INT8, -f64::powi(2.0, 40) - 200.5, 56, WRAPPED),
        (FormatSpec::INT8, f64::powi(2.0, 52) + 201.0, 0xC9, WRAPPED),
        (FormatSpec::INT8, f64::powi(2.0, 100), 0, WRAPPED),
        (FormatSpec::INT8, f64::MAX, 0, WRAPPED),
        (FormatSpec::UINT8, 510.0, 254, WRAPPED),
        (FormatSpec::UINT8, 255.0, 255, Flags::NONE),
        (FormatSpec::UINT8, -1.0, 255, WRAPPED),
        (FormatSpec::UINT8, -0.9, 0, Flags::INEXACT),
        (FormatSpec::UINT8, -200.0, 56, WRAPPED),
        (FormatSpec::INT4, 100.0, 4, WRAPPED),
        (FormatSpec::INT4, 9.0, 0x9, WRAPPED),
        (FormatSpec::UINT4, -300.0, 4, WRAPPED),
        (FormatSpec::INT1, 1.0, 1, WRAPPED),
        // Sixty-fourths: 2.0 is 128 of them, -3.0 is -192.
        (FormatSpec::MXINT8, 2.0, 0x80, WRAPPED),
        (FormatSpec::MXINT8, -2.0, 0x80, Flags::NONE),
        (FormatSpec::MXINT8, -3.0, 64, WRAPPED),
        // A symmetric integer never gives its most negative code, which 2.0 and -2.0 would be.
        (FormatSpec::MXINT8SYM, 2.0, 0x81, WRAPPED),
        (FormatSpec::MXINT8SYM, -2.0, 0x81, WRAPPED),
        (FormatSpec::MXINT8SYM, 129.0 / 64.0, 0x81, WRAPPED),
        (FormatSpec::MXINT8SYM, 130.0 / 64.0, 0x82, WRAPPED),
    ];
    for &(spec, x, code, flags) in rows {
        let found = spec.encode_f64_with(x, &WRAP, 0);
        assert_eq!((found.code, found.flags), (code, flags), "{spec} {x}");
    }
}

/// Rounding comes first: 127.5 is 128 to nearest, which wraps; and counts are exact however many
/// bits they have.
#[test]
fn numbers_are_rounded_before_they_wrap() {
    let int8 = |x: Unpacked, round: Round| {
        FormatSpec::INT8.encode_with(x, &WRAP.with_round(round), 0).code
    };
    assert_eq!(int8(Unpacked::from_f64(127.5), Round::NearestEven), 0x80);
    assert_eq!(int8(Unpacked::from_f64(-128.5), Round::NearestEven), 0x80);
    assert_eq!(int8(Unpacked::from_f64(-128.5), Round::NearestAway), 0x7F);
    // 2^63 - 1/2, 64 bits of it: up is 2^63, down ends in ones.
    let wide = Unpacked::new(false, u64::MAX, -1);
    assert_eq!(
        [Round::Up, Round::Down, Round::NearestEven].map(|round| int8(wide, round)),
        [0x00, 0xFF, 0x00]
    );
    assert_eq!(int8(Unpacked::new(false, u64::MAX, 0), Round::Up), 0xFF);
    assert_eq!(int8(Unpacked::new(true, u64::MAX, 0), Round::Up), 0x01);
    assert_eq!(int8(Unpacked::new(false, u64::MAX, 7), Round::Up), 0x80);
    assert_eq!(int8(Unpacked::new(false, u64::MAX, 8), Round::Up), 0x00);
    assert_eq!(int8(Unpacked::new(false, 1, i32::MAX), Round::Up), 0x00);
}

/// Infinity and NaN have no low bits: other parts say what they become. A dropped sign is dropped
/// first.
#[test]
fn other_parts_keep_their_meaning() {
    let code = |spec: FormatSpec, x: f64, convert: Convert| spec.encode_f64_with(x, &convert, 0);
    for infinity in [Infinity::Saturate, Infinity::Special, Infinity::KeepElseSaturate] {
        let convert = WRAP.with_infinity(infinity);
        let codes =
            [f64::INFINITY, f64::NEG_INFINITY].map(|x| code(FormatSpec::INT8, x, convert).code);
        assert_eq!(codes, [0x7F, 0x80], "{infinity:?}");
    }
    assert_eq!(code(FormatSpec::UINT8, f64::NEG_INFINITY, WRAP).code, 0);
    let nan = code(FormatSpec::INT8, f64::NAN, WRAP);
    assert_eq!((nan.code, nan.flags), (0, Flags::INVALID));
    assert_eq!(code(FormatSpec::INT8, f64::NAN, WRAP.with_missing_nan(MissingNan::Max)).code, 0x7F);
    for negative in [Negative::Nan, Negative::Directed, Negative::Clamp] {
        let wrapped = code(FormatSpec::UINT8, -1.0, WRAP.with_negative(negative));
        assert_eq!(
            (wrapped.code, wrapped.flags),
            (0xFF, Flags::OVERFLOW | Flags::INEXACT),
            "{negative:?}"
        );
    }
    let dropped = WRAP.with_negative(Negative::Magnitude);
    assert_eq!([-1.0, -257.0].map(|x| code(FormatSpec::UINT8, x, dropped).code), [1, 1]);
}

/// "In formats that are no integers it counts as `Saturate`."
#[test]
fn other_formats_saturate() {
    let saturate = WRAP.with_overflow(Overflow::Saturate);
    let sign_magnitude = FormatSpec::sign_magnitude("sign and magnitude", 6, 0).unwrap();
    for spec in FormatSpec::ALL
        .iter()
        .chain([&sign_magnitude])
        .filter(|spec| !matches!(spec.encoding(), Encoding::Int(_)))
    {
        for x in [0.3, -0.3, 200.0, -200.0, 1e30, -1e30, 1e300, f64::INFINITY, f64::NAN] {
            for round in Round::DETERMINISTIC {
                let [wrap, saturate] = [WRAP, saturate]
                    .map(|convert| spec.encode_f64_with(x, &convert.with_round(round), 0));
                assert_eq!(wrap, saturate, "{spec} {x} {round:?}");
            }
        }
    }
}

#[test]
fn arithmetic_wraps_as_that_of_i8_and_u8() {
    let (int8, uint8) = (FormatSpec::INT8, FormatSpec::UINT8);
    for a in 0..=255u8 {
        for b in 0..=255u8 {
            let (x, y, wide) = (a as i8, b as i8, |code: u8| u32::from(code));
            let [i, j] = [a, b].map(wide);
            assert_eq!(
                int8.add_with(i, j, &WRAP, 0).code,
                wide(x.wrapping_add(y) as u8),
                "{x} + {y}"
            );
            assert_eq!(
                int8.sub_with(i, j, &WRAP, 0).code,
                wide(x.wrapping_sub(y) as u8),
                "{x} - {y}"
            );
            assert_eq!(
                int8.mul_with(i, j, &WRAP, 0).code,
                wide(x.wrapping_mul(y) as u8),
                "{x} * {y}"
            );
            let fused = x.wrapping_mul(y).wrapping_add(y) as u8;
            assert_eq!(int8.mul_add_with(i, j, j, &WRAP, 0).code, wide(fused), "{x} * {y} + {y}");
            assert_eq!(uint8.add_with(i, j, &WRAP, 0).code, wide(a.wrapping_add(b)), "{a} + {b}");
            assert_eq!(uint8.sub_with(i, j, &WRAP, 0).code, wide(a.wrapping_sub(b)), "{a} - {b}");
            assert_eq!(uint8.mul_with(i, j, &WRAP, 0).code, wide(a.wrapping_mul(b)), "{a} * {b}");
            if let Some(quotient) = a.checked_div(b) {
                assert_eq!(
                    int8.div_with(i, j, &WRAP, 0).code,
                    wide(x.wrapping_div(y) as u8),
                    "{x} / {y}"
                );
                assert_eq!(uint8.div_with(i, j, &WRAP, 0).code, wide(quotient), "{a} / {b}");
            }
        }
    }
    let past = int8.add_with(0x7F, 1, &WRAP, 0);
    assert_eq!((past.code, past.flags), (0x80, Flags::OVERFLOW | Flags::INEXACT));
    let wide = FormatSpec::new(
        "UINT32",
        Encoding::Int(IntSpec { signed: false, bits: 32, fraction_bits: 0, symmetric: false }),
    );
    let (wide, a, b) = (wide.unwrap(), 0xFFFF_FFF1u32, 0xDEAD_BEEFu32);
    assert_eq!(wide.mul_with(a, b, &WRAP, 0).code, a.wrapping_mul(b));
    assert_eq!(wide.mul_add_with(a, a, b, &WRAP, 0).code, a.wrapping_mul(a).wrapping_add(b));
}

/// f32s of every size and both signs, with and without fractions in units of `2^-fraction_bits`,
/// and what is special.
fn numbers(fraction_bits: i8) -> Vec<f32> {
    let unit = Unpacked::new(false, 1, -i32::from(fraction_bits)).to_f32();
    let sweep = (0..u32::MAX).step_by(4_194_301 * 3).map(f32::from_bits);
    let near = (0..600).map(|i| (i - 300) as f32 * 0.75 * unit);
    let large = (0..300).map(|i: i32| (i - 150) as f32 * 1_048_583.0 * unit);
    let special = [
        0,
        0x8000_0000,
        1,
        0x8000_0001,
        0x007F_FFFF,
        0x7F80_0000,
        0xFF80_0000,
        0x7FC0_0000,
        0xFFC0_0001,
        0x7F7F_FFFF,
    ];
    sweep.chain(near).chain(large).chain(special.map(f32::from_bits)).collect()
}

fn encoded<C: Code>(spec: &FormatSpec, x: &[f32], convert: &Convert, exec: Exec) -> Vec<u32> {
    let mut codes = vec![C::truncate(0); x.len()];
    SliceConverter::new(spec).convert(convert).exec(exec).encode(x, &mut codes).unwrap();
    codes.into_iter().map(C::widen).collect()
}

#[test]
fn slices_wrap_as_scalars_do_on_every_instruction_set() {
    for spec in integers() {
        let Encoding::Int(layout) = *spec.encoding() else { unreachable!("an integer") };
        let x = numbers(layout.fraction_bits);
        let base = if layout.signed { WRAP } else { WRAP.with_negative(Negative::Magnitude) };
        let policies = [
            WRAP,
            base.with_subnormal_inputs(SubnormalInputs::Flush)
                .with_missing_nan(MissingNan::SignedMax),
        ];
        for (turn, round) in Round::DETERMINISTIC.into_iter().enumerate() {
            let convert = policies[turn % 2].with_round(round);
            let expected: Vec<u32> =
                x.iter().map(|&x| spec.encode_f32_with(x, &convert, 0).code).collect();
            for isa in Isa::available() {
                let exec = Exec::SERIAL.with_isa(isa);
                let found = match layout.bits {
                    0..=8 => encoded::<u8>(&spec, &x, &convert, exec),
                    9..=16 => encoded::<u16>(&spec, &x, &convert, exec),
                    _ => encoded::<u32>(&spec, &x, &convert, exec),
                };
                let wrong = (0..x.len()).find(|&i| found[i] != expected[i]);
                let told = wrong.map(|i| (x[i].to_bits(), found[i], expected[i]));
                assert_eq!(told, None, "{layout:?} {convert:?} {}", isa.name());
            }
        }
    }
}

/// The low bits of an f64 are not those of an f32 that stands for it, and random words belong to
/// the numbers.
#[test]
fn other_numbers_random_bits_and_formats_in_between_change_nothing() {
    let stochastic = WRAP.with_round(Round::stochastic(Stochastic::B, 9).unwrap());
    let x: Vec<f64> = (0..5000)
        .map(|i| f64::powi(2.0, 20 + i % 30) + f64::from(i * 7919 % 1009) * 0.375 - 100.0)
        .collect();
    for spec in
        [FormatSpec::INT8, FormatSpec::UINT4, FormatSpec::MXINT8SYM, integer(true, 16, 3, false)]
    {
        for (convert, bits) in
            [(WRAP, 0), (WRAP.with_round(Round::NearestEven), 0), (stochastic, 9)]
        {
            let dither = Dither::new(5);
            let word = |i: usize| if bits == 0 { 0 } else { dither.word(i as u64, bits) };
            let expected: Vec<u16> = x
                .iter()
                .enumerate()
                .map(|(i, &x)| spec.encode_f64_with(x, &convert, word(i)).code as u16)
                .collect();
            for isa in Isa::available() {
                let (mut codes, exec) = (vec![0u16; x.len()], Exec::SERIAL.with_isa(isa));
                SliceConverter::new(&spec)
                    .convert(&convert)
                    .dither(dither)
                    .exec(exec)
                    .encode(&x, &mut codes)
                    .unwrap();
                assert_eq!(codes, expected, "{spec} {convert:?} {}", isa.name());
                let mut y = vec![0.0f64; x.len()];
                SliceConverter::new(&spec)
                    .convert(&convert)
                    .dither(dither)
                    .exec(exec)
                    .fake_quantize(&x, &mut y)
                    .unwrap();
                let ok = y
                    .iter()
                    .zip(&codes)
                    .all(|(y, &code)| y.to_bits() == spec.decode_f64(code.into()).to_bits());
                assert!(ok, "{spec} {convert:?} {}", isa.name());
            }
        }
        let bf16: Vec<u16> = (0..=u16::MAX).collect();
        let mut codes = vec![0u16; bf16.len()];
        SliceConverter::new(&spec)
            .convert(&WRAP)
            .convert_codes(&FormatSpec::BF16, &bf16, &mut codes)
            .unwrap();
        let ok = bf16.iter().zip(&codes).all(|(&from, &code)| {
            u32::from(code) == spec.encode_with(FormatSpec::BF16.decode(from.into()), &WRAP, 0).code
        });
        assert!(ok, "{spec}");
    }
}

#[test]
fn blocks_of_wrapping_integers_are_the_references() {
    let x: Vec<f32> = (0..8192)
        .map(|i| ((i * 7919 % 4093) as f32 - 2046.0) * if i % 97 == 0 { 1e6 } else { 0.13 })
        .collect();
    let scales = [FormatSpec::F32, FormatSpec::E8M0, FormatSpec::F16];
    for scale in scales {
        for rule in [ScaleRule::Fixed(0.25), ScaleRule::Fixed(0.3), ScaleRule::Floor] {
            for element in [FormatSpec::INT8, FormatSpec::INT4, FormatSpec::MXINT8SYM] {
                let extent = Extent::Block { rows: 1, cols: 32 };
                let spec = BlockSpec::new(element, Some(scale), extent, rule);
                let applies = [Division::Exact, Division::Divide, Division::Reciprocal];
                let roundings = [Round::TowardZero, Round::NearestEven, Round::NearestAway];
                for (apply, round) in applies.into_iter().zip(roundings) {
                    let spec =
                        spec.with_division(apply).with_element_convert(WRAP.with_round(round));
                    let expected =
                        Quantizer::new(&spec).quantize_reference(&x, &[64, 128]).unwrap();
                    for isa in Isa::available() {
                        let found = Quantizer::new(&spec)
                            .exec(Exec::SERIAL.with_isa(isa))
                            .quantize(&x, &[64, 128])
                            .unwrap();
                        assert_eq!(found, expected, "{spec:?} {}", isa.name());
                    }
                }
            }
        }
    }
}

/// Sums with a zero point are clamped, ggml's and microxcaling's integers too, and a scale that
/// wraps is none.
#[test]
fn blocks_that_cannot_wrap_are_refused() {
    let refused = |spec: BlockSpec| matches!(spec.validate(), Err(Error::Block(what)) if what.contains("wrap"));
    let points = preset::generic::UINT8_ROW;
    assert!(matches!(points.offset, Offset::ZeroPoint) && points.validate().is_ok());
    assert!(refused(points.with_element_convert(WRAP)));
    let floor =
        BlockSpec::new(FormatSpec::INT8, Some(FormatSpec::E8M0), Extent::Row, ScaleRule::Floor);
    assert!(floor.with_element_convert(WRAP).validate().is_ok());
    assert!(refused(floor.with_scale_convert(floor.scale_convert.with_overflow(Overflow::Wrap))));
    assert!(refused(
        floor
            .with_element_rounding(subhalf::ElementRounding::AddHalfTruncate)
            .with_element_convert(WRAP)
    ));
}
