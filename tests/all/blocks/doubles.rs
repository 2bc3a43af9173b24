//! Tensors of f64s: each element is one rounding of the exact quotient, whatever the way there.

use super::inputs::Random;
use super::properties::same;
use subhalf::{
    BlockSpec, Exec, Extent, FormatSpec, Isa, QuantTensor, Quantizer, Round, ScaleRule, Stochastic,
    Unpacked, ZeroSign, preset,
};

/// A report on ml_dtypes (pull request 401): an f64 tensor, 2.5 + 1e-10 under the scale 1, was
/// rounded to 2 by way of f32, which cannot tell it from the tie. The nearest number of E2M1 is 3.
#[test]
fn case_66_an_f64_tensor_is_rounded_once() {
    let spec = BlockSpec::new(
        FormatSpec::F4E2M1,
        Some(FormatSpec::E8M0),
        Extent::Row,
        ScaleRule::Fixed(1.0),
    );
    let x = [2.5 + 1e-10, 2.5, 2.5 - 1e-10, -(0.25 + 1e-12), 0.25, 5.0 - 1e-9];
    let tensor = QuantTensor::quantize(&spec, &x, &[6]).unwrap();
    assert_eq!(tensor.dequantize(), [3.0, 2.0, 2.0, -0.5, 0.0, 4.0]);
    assert_eq!(
        QuantTensor::quantize(&spec, &x.map(|x| x as f32), &[6]).unwrap().dequantize(),
        [2.0, 2.0, 2.0, -0.0, 0.0, 4.0]
    );
    // Scales that are no powers of two: 0.3 of f32 is 0.300000011920929; the midpoint 2.5 times
    // that has 26 bits and is no f32.
    let scale = 0.3f32;
    let spec = BlockSpec::new(
        FormatSpec::F4E2M1,
        Some(FormatSpec::F32),
        Extent::Row,
        ScaleRule::Fixed(scale),
    );
    let middle = 2.5 * f64::from(scale);
    let x = [middle, middle * (1.0 + f64::EPSILON), middle * (1.0 - f64::EPSILON)];
    assert_eq!(QuantTensor::quantize(&spec, &x, &[3]).unwrap().codes(), [0x54, 0x4]);
}

/// Powers of two are seen by their exponent: just below 2^128 or 2^-40 an f64 is no power of two,
/// though the nearest f32 is.
#[test]
fn scales_of_f64s_do_not_see_the_nearest_f32() {
    let code =
        |spec: &BlockSpec, x: f64| QuantTensor::quantize(spec, &[x], &[1]).unwrap().scales()[0];
    for exponent in [-40, 0, 1, 100] {
        let power = 2f64.powi(exponent);
        let expected = (127 + exponent - 2) as u8;
        assert_eq!(code(&preset::ocp::MXFP4, power), expected);
        assert_eq!(code(&preset::ocp::MXFP4, power * (1.0 - 1e-12)), expected - 1);
        assert_eq!(code(&preset::ocp::MXFP4_CEIL, power * (1.0 + 1e-12)), expected + 1);
        assert_eq!(code(&preset::ocp::MXFP4_ROUND_UP, 1.5 * power), expected);
        assert_eq!(code(&preset::ocp::MXFP4_ROUND_UP, 1.5 * power * (1.0 + 1e-12)), expected + 1);
    }
    // Beyond f32: finite, and as large as f32s are; below: not zero.
    assert_eq!(code(&preset::ocp::MXFP4, 1e300), 127 + 127 - 2);
    assert_eq!(QuantTensor::quantize(&preset::ocp::MXFP4, &[1e300], &[1]).unwrap().codes(), [7]);
    assert_eq!(code(&preset::ocp::MXFP4, 1e-300), 0);
    assert_eq!(code(&preset::ocp::MXFP4, f64::INFINITY), 0xFF);
}

/// Numbers of every kind that f64 has more of than f32.
fn numbers(random: &mut Random, count: usize) -> Vec<f64> {
    let number = |i: usize| {
        let word = random.word();
        match i % 8 {
            // Next to a number of few bits, where roundings turn.
            0..4 => {
                let few = f64::from((word & 0x1F) as u32) * 2f64.powi((word >> 8 & 7) as i32 - 5);
                f64::from_bits(few.to_bits().wrapping_add_signed((word >> 20 & 7) as i64 - 3))
                    * if word >> 63 == 0 { 1.0 } else { -1.0 }
            }
            4..7 => {
                f64::from_bits((word & 0x800F_FFFF_FFFF_FFFF) | (1010 + (word >> 53 & 31)) << 52)
            }
            _ => [0.0, -0.0, 1e-310, -1e-50, 3e-39, 1e-45][(word % 6) as usize],
        }
    };
    (0..count).map(number).collect()
}

/// Of all presets and some roundings the kernels give what the definition gives, on every
/// instruction set.
#[test]
fn f64_kernels_equal_the_definition() {
    let mut random = Random::new(64);
    let mut x = numbers(&mut random, 4 * 160);
    x[5] = f64::NAN;
    x[37] = f64::INFINITY;
    x[70] = 1e300;
    x[330] = -1e39;
    let rounds = [
        Round::Down,
        Round::NearestAway,
        Round::ToOdd,
        Round::stochastic(Stochastic::A, 12).unwrap(),
    ];
    let mut specs: Vec<(String, BlockSpec)> =
        preset::all().map(|preset| (preset.name.to_owned(), preset.spec)).collect();
    for spec in [preset::ocp::MXFP4, preset::ocp::MXFP8_E4M3, preset::torchao::MXFP8_E4M3_FLOOR] {
        specs.extend(rounds.map(|round| (format!("{round:?}"), spec.with_round(round))));
        specs.extend(
            [ZeroSign::Plus, ZeroSign::MinusBelowZero]
                .map(|sign| (format!("{sign:?}"), spec.with_zero_sign(sign))),
        );
    }
    for (name, spec) in specs {
        let reference = Quantizer::new(&spec).quantize_reference(&x, &[4, 160]).unwrap();
        for isa in Isa::available() {
            for exec in [Exec::SERIAL.with_isa(isa), Exec::PARALLEL.with_isa(isa)] {
                let tensor = Quantizer::new(&spec).exec(exec).quantize(&x, &[4, 160]).unwrap();
                let differs =
                    (0..x.len()).find(|&i| tensor.view().code(i) != reference.view().code(i));
                let at =
                    differs.map(|i| (i, x[i], tensor.view().code(i), reference.view().code(i)));
                assert!(
                    same(&tensor, &reference),
                    "{name} {}: index, number, found, expected {at:?}",
                    isa.name()
                );
            }
        }
    }
}

/// f64s that are f32s have the scales of the f32 tensor; under exact division the codes too.
#[test]
fn f64s_that_are_f32s_are_quantized_like_them() {
    let mut random = Random::new(65);
    let x: Vec<f32> = (0..20).flat_map(|_| random.block(32)).collect();
    let wide: Vec<f64> = x.iter().map(|&x| x.into()).collect();
    for preset in preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)) {
        let single = QuantTensor::quantize(&preset.spec, &x, &[10, 64]).unwrap();
        let double = QuantTensor::quantize(&preset.spec, &wide, &[10, 64]).unwrap();
        if preset.spec.search.is_none() {
            assert_eq!(single.scales(), double.scales(), "{}", preset.name);
        }
        if matches!(preset.spec.division, subhalf::Division::Exact) {
            assert!(same(&single, &double), "{}", preset.name);
        }
    }
}

/// The element is the nearest to the exact quotient `x / (s·t)`, told by integers: the quotient is
/// compared with the midpoints of the format by cross products.
#[test]
fn f64_elements_are_nearest_to_the_exact_quotient() {
    let mut random = Random::new(66);
    let values = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0f64];
    for round in 0..400 {
        let scale = random.number().abs();
        let spec = BlockSpec::new(
            FormatSpec::F4E2M1,
            Some(FormatSpec::F32),
            Extent::Row,
            ScaleRule::Fixed(scale),
        );
        // On and next to midpoints times the scale, which have at most 28 bits and are exact in
        // f64.
        let x: Vec<f64> = (0..7)
            .flat_map(|i| {
                let middle = (values[i] + values[i + 1]) / 2.0 * f64::from(scale);
                [middle, middle.next_up(), middle.next_down(), -middle.next_up()]
            })
            .collect();
        let tensor = QuantTensor::quantize(&spec, &x, &[28]).unwrap();
        for (i, code) in (0..28).map(|at| (at, tensor.view().code(at).unwrap())) {
            let (low, magnitude) = ((i / 4) as u32, code & 7);
            let expected = match i % 4 {
                0 => low + low % 2,
                2 => low,
                _ => low + 1,
            };
            assert_eq!(
                magnitude,
                expected,
                "{round}: {:e} / {scale:e}, {:?}",
                x[i],
                Unpacked::from_f64(x[i])
            );
        }
    }
}
