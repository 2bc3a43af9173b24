//! The kernels of block-scaled tensors against the definition, element by element:
//! `quantize_reference` one way, and the other way [`QuantView::get`], which restores one element
//! through the reference codec.

use super::inputs::{Random, edge_blocks};
use super::properties::same;
use crate::oracle::source::Oracle;
use proptest::prelude::*;
use std::path::Path;
use subhalf::{
    Accept, BlockSpec, Convert, Dequantization, Dither, Division, ElementRounding, Encoding, Exec,
    Extent, FloatSpec, FormatSpec, Isa, Nan, Nonfinite, Overflow, Parts, QuantTensor, QuantView,
    Quantizer, Ratio, Round, ScaleRule, Stochastic, SubnormalInputs, TensorScale, Zero, ZeroField,
    ZeroSign, preset,
};

/// Codes, scales, offsets and the tensor scale of every instruction set are the reference's, and so
/// is every number that comes back.
pub(super) fn assert_reference(what: &str, spec: &BlockSpec, x: &[f32], shape: &[usize]) {
    let reference = Quantizer::new(spec).quantize_reference(x, shape).unwrap();
    for isa in Isa::available() {
        let tensor =
            Quantizer::new(spec).exec(Exec::SERIAL.with_isa(isa)).quantize(x, shape).unwrap();
        if same(&tensor, &reference) {
            continue;
        }
        let (found, expected) = (tensor.view(), reference.view());
        let element = (0..x.len()).find(|&at| {
            found.code(at) != expected.code(at) || found.scale(at) != expected.scale(at)
        });
        let parts = |view: &QuantView<'_>| element.map(|at| (view.code(at), view.scale(at)));
        panic!(
            "{what} {shape:?} {}: element {element:?}, {:?}: expected {:?}, found {:?}",
            isa.name(),
            element.map(|at| x[at].to_bits()),
            parts(&expected),
            parts(&found)
        );
    }
    assert_numbers(what, &reference.view());
}

fn assert_numbers(what: &str, view: &QuantView<'_>) {
    let expected: Vec<u32> = (0..view.len()).map(|at| view.get(at).unwrap().to_bits()).collect();
    for isa in Isa::available() {
        let mut numbers = vec![0.5f32; view.len()];
        view.dequantize_into(&mut numbers, Exec::SERIAL.with_isa(isa)).unwrap();
        let wrong = (0..view.len()).find(|&at| numbers[at].to_bits() != expected[at]);
        let parts = wrong
            .map(|at| (at, view.code(at), view.scale(at), numbers[at].to_bits(), expected[at]));
        assert_eq!(parts, None, "{what} {:?} {}", view.shape(), isa.name());
    }
}

/// Schemes that no program has: the same formulas in other company.
pub(super) fn variants() -> Vec<(String, BlockSpec)> {
    let mut variants = Vec::new();
    let rules = [
        ScaleRule::Floor,
        ScaleRule::Ceil,
        ScaleRule::RoundUp,
        ScaleRule::Nearest,
        ScaleRule::Even { mantissa_bits: 2 },
    ];
    let extents = [
        Extent::Block { rows: 1, cols: 16 },
        Extent::Block { rows: 3, cols: 5 },
        Extent::Flat(40),
        Extent::Column,
    ];
    let elements = [
        FormatSpec::F8E5M2,
        FormatSpec::F8E4M3FNUZ,
        FormatSpec::F6E2M3,
        FormatSpec::F4E2M1,
        FormatSpec::INT4,
    ];
    for (i, rule) in rules.into_iter().enumerate() {
        for (j, extent) in extents.into_iter().enumerate() {
            let element = elements[(i + j) % elements.len()];
            let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), extent, rule);
            let applies = [
                Division::Exact,
                Division::Divide,
                Division::Reciprocal,
                Division::FlooredReciprocal,
            ];
            let spec = spec.with_division(applies[(i + 2 * j) % 4]);
            let spec = if i % 2 == 0 { spec } else { spec.with_scale_bounds((1e-3, 64.0)) };
            variants.push((format!("{rule:?} {extent:?}"), spec));
        }
    }
    let ratios = [Ratio::Divide, Ratio::Multiply, Ratio::DivideTwice, Ratio::MultiplyQuotient];
    for (i, ratio) in ratios.into_iter().enumerate() {
        for scale in [
            FormatSpec::F32,
            FormatSpec::F16,
            FormatSpec::BF16,
            FormatSpec::UE4M3,
            FormatSpec::F8E5M2,
        ] {
            let extent = extents[i];
            let rule = ScaleRule::Amax { target: 6.0, ratio };
            let spec = BlockSpec::new(FormatSpec::F4E2M1, Some(scale), extent, rule)
                .with_nonfinite(Nonfinite::Ignore);
            let name = format!("{ratio:?} {}", scale.name());
            variants.push((name.clone(), spec));
            variants.push((
                name.clone() + " divided",
                spec.with_division(Division::Divide).with_zero_sign(ZeroSign::MinusUnlessAbove),
            ));
            let away =
                spec.with_round(Round::NearestAway).with_division(Division::UnroundedReciprocal);
            variants.push((
                name.clone() + " unrounded",
                away.with_zero_sign(ZeroSign::Plus).with_zero_block_scale(0.5),
            ));
            let special =
                spec.with_element_convert(Convert::CUDA_NOSAT).with_division(Division::DivideIeee);
            variants.push((
                name.clone() + " IEEE",
                special.with_scale_bounds((0.0, 2.0)).with_underflow_scale(0.25),
            ));
            let amax = spec
                .with_tensor_scale(TensorScale::Amax { target: 100.0 })
                .with_division(Division::InverseReciprocal);
            variants.push((
                name.clone() + " under amax",
                amax.with_dequantization(Dequantization::AmaxQuotient),
            ));
            let integers = BlockSpec::new(FormatSpec::INT8, Some(scale), extent, rule)
                .with_nonfinite(Nonfinite::Ignore);
            variants.push((
                name + " added",
                integers
                    .with_division(Division::Divide)
                    .with_element_rounding(ElementRounding::AddThenRound),
            ));
        }
    }
    variants.retain(|(_, spec)| spec.validate().is_ok());
    assert!(variants.len() > 90, "{}", variants.len());
    variants
}

#[test]
fn oracle_inputs_become_what_the_reference_makes_of_them() {
    let oracle = Oracle::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let folders = ["block/", "int/"];
    let mut inputs: Vec<&str> = oracle
        .entries
        .iter()
        .filter(|entry| folders.iter().any(|folder| entry.file.starts_with(folder)))
        .map(|entry| entry.inputs.as_str())
        .collect();
    inputs.sort_unstable();
    inputs.dedup();
    let inputs: Vec<Vec<f32>> = inputs
        .into_iter()
        .filter(|file| file.ends_with(".f32.bin"))
        .map(|file| oracle.floats(file))
        .collect();
    assert!(inputs.iter().map(Vec::len).sum::<usize>() > 2000);
    for preset in preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)) {
        for x in &inputs {
            let cols = if x.len() % 32 == 0 { 32 } else { x.len() };
            assert_reference(preset.name, &preset.spec, x, &[x.len() / cols, cols]);
        }
    }
}

#[test]
fn schemes_of_no_program_are_kernels_and_reference_alike() {
    let mut random = Random::new(11);
    let mut inputs: Vec<Vec<f32>> = edge_blocks(384);
    inputs.extend((0..4).map(|_| random.block(384)));
    inputs.push((0..384).map(|_| f32::from_bits(random.word() as u32)).collect());
    for (name, spec) in variants() {
        for x in &inputs {
            assert_reference(&name, &spec, &x[..240], &[2, 3, 40]);
            assert_reference(&name, &spec, x, &[3, 128]);
        }
    }
}

/// Elements for which what is right for others is not: middles that are no f32s, tiny quotients
/// that are no subnormal inputs, no zero to give a sign.
#[test]
fn elements_out_of_the_ordinary_are_kernels_and_reference_alike() {
    let extent = Extent::Block { rows: 1, cols: 16 };
    let rule = ScaleRule::Amax { target: 1.0, ratio: Ratio::Multiply };
    let exact = |element| {
        BlockSpec::new(element, Some(FormatSpec::F32), extent, rule).with_division(Division::Exact)
    };
    let flushing = |round| {
        let convert =
            Convert::SATURATING.with_subnormal_inputs(SubnormalInputs::Flush).with_round(round);
        exact(FormatSpec::F8E4M3).with_element_convert(convert)
    };
    let without_zero = FloatSpec {
        zero_field: ZeroField::Normals,
        negative_zero: false,
        ..FloatSpec::finite(5, 2)
    };
    let without_zero = FormatSpec::new("E5M2 without zero", Encoding::Float(without_zero)).unwrap();
    let schemes = [
        exact(FormatSpec::BNBFP4),
        exact(FormatSpec::NF4),
        flushing(Round::ToOdd),
        flushing(Round::Down),
        exact(without_zero)
            .with_division(Division::Reciprocal)
            .with_zero_sign(ZeroSign::MinusBelowZero),
    ];
    let mut random = Random::new(12);
    for spec in &schemes {
        let entries: Vec<f32> = (0..spec.element.code_count() as u32)
            .map(|code| spec.element.decode_f32(code))
            .collect();
        for _ in 0..8 {
            let largest = random.number();
            let mut x = [largest; 4096];
            for (index, x) in x.iter_mut().enumerate().filter(|(index, _)| index % 16 > 0) {
                let [low, high] = [0, 1].map(|_| entries[random.word() as usize % entries.len()]);
                // A middle between two numbers, or one f32 beside it; zeros; what is tiny.
                let middle = f32::midpoint(low, high) * largest;
                *x = match index % 8 {
                    0 => f32::from_bits(middle.to_bits() ^ 1),
                    1 => -0.0,
                    2 => f32::from_bits(random.word() as u32 & 0x8000_FFFF),
                    _ => middle,
                };
            }
            assert_reference(spec.element.name(), spec, &x, &[64, 64]);
        }
    }
}

/// Quotients too small for f32, in elements without zero, whose policies tell zero from what is
/// tiny.
#[test]
fn quotients_too_small_for_f32_are_no_zeros() {
    let without_zero =
        |layout| FloatSpec { zero_field: ZeroField::Normals, negative_zero: false, ..layout };
    let x: Vec<f32> =
        [2.5e38, -1e-18, 1e-18, 0.0].into_iter().chain(std::iter::repeat(1.0)).take(4096).collect();
    for layout in [
        FloatSpec::finite_nan(5, 2),
        FloatSpec::finite_nan(6, 2).unsigned(),
        FloatSpec::finite(5, 2),
    ] {
        let element =
            FormatSpec::new("without zero", Encoding::Float(without_zero(layout))).unwrap();
        for zero in [Zero::Nan, Zero::NanBelowSmallest, Zero::Smallest] {
            for scale in [FormatSpec::E8M0, FormatSpec::BF16] {
                let spec = BlockSpec::new(
                    element,
                    Some(scale),
                    Extent::Block { rows: 1, cols: 16 },
                    ScaleRule::Floor,
                );
                let spec = spec.with_element_convert(element.default_convert().with_zero(zero));
                assert_reference(&format!("{layout:?} {zero:?} {scale}"), &spec, &x, &[4096]);
            }
        }
    }
}

/// A scale that is one over a scale is an f64 before it is rounded: at the middles between two
/// scales, to either side of them, and in every rounding.
#[test]
fn inverses_of_scales_are_rounded_once() {
    for scale in
        [FormatSpec::F32, FormatSpec::BF16, FormatSpec::F16, FormatSpec::F8E5M2, FormatSpec::UE4M3]
    {
        let codes = (0..scale.code_count()).step_by((scale.code_count() / 2048).max(1) as usize);
        let middles: Vec<f32> = codes
            .map(|code| (scale.decode_f64(code as u32), scale.decode_f64(code as u32 ^ 1)))
            .map(|(low, high)| (1.0 / f64::midpoint(low, high)) as f32)
            .filter(|amax| amax.is_normal() && *amax > 0.0)
            .collect();
        assert!(middles.len() > 50, "{scale}");
        let x: Vec<f32> = middles
            .iter()
            .flat_map(|x| [x.next_down(), *x, x.next_up()])
            .flat_map(|x| [x, -x])
            .collect();
        for round in Round::DETERMINISTIC {
            for (target, extent) in [
                (1.0, Extent::Block { rows: 1, cols: 2 }),
                (448.0, Extent::Block { rows: 1, cols: 3 }),
            ] {
                let rule = ScaleRule::Amax { target, ratio: Ratio::Inverse };
                let spec = BlockSpec::new(FormatSpec::F8E4M3, Some(scale), extent, rule)
                    .with_division(Division::UnroundedReciprocal);
                let spec = spec.with_scale_convert(Convert::SATURATING.with_round(round));
                assert_reference(&format!("{scale} {round:?} {target}"), &spec, &x, &[x.len()]);
            }
        }
    }
}

/// An exact quotient just below 2^-28 of the least element, which as a (subnormal) f32 would be
/// that much, meets the largest random number.
#[test]
fn quotients_too_small_for_f32_meet_random_numbers_exactly() {
    let dither = Dither::new(9).skip(137_211_145);
    assert_eq!(dither.word(0, 28) & 0x0FFF_FFFF, 0x0FFF_FFFF);
    let layout = FloatSpec { bias: 99, ..FloatSpec::finite(5, 1) };
    let element = FormatSpec::new("least 2^-99", Encoding::Float(layout)).unwrap();
    let spec = BlockSpec::new(
        element,
        Some(FormatSpec::E8M0),
        Extent::Block { rows: 1, cols: 32 },
        ScaleRule::Floor,
    );
    let spec = spec.with_round(Round::stochastic(Stochastic::A, 28).unwrap());
    // A scale of 2^60.
    let mut x = [f32::powi(2.0, -8); 512];
    x[0] = f32::from_bits(f32::powi(2.0, -67).to_bits() - 1);
    let quantizer = Quantizer::new(&spec).dither(dither);
    assert_eq!(quantizer.quantize_reference(&x, &[512]).unwrap().view().code(0), Some(0));
    for isa in Isa::available() {
        let tensor = quantizer.exec(Exec::SERIAL.with_isa(isa)).quantize(&x, &[512]).unwrap();
        assert_eq!(tensor.view().code(0), Some(0), "{}", isa.name());
    }
}

/// Also where a block is wider than what is worked on at a time.
#[test]
fn tensors_of_nothing_are_quantized() {
    for cols in [32, 4096] {
        for extent in [
            Extent::Flat(cols),
            Extent::Block { rows: 1, cols },
            Extent::Block { rows: 3, cols },
            Extent::Row,
        ] {
            let spec = BlockSpec::new(
                FormatSpec::F8E4M3,
                Some(FormatSpec::E8M0),
                extent,
                ScaleRule::Floor,
            );
            for shape in [&[0][..], &[5, 0], &[0, 32], &[2, 0, 7]] {
                assert_reference(&format!("{extent:?}"), &spec, &[], shape);
            }
        }
    }
}

/// Rows that end before the first cache line in them do, in tensors that go past the caches.
#[test]
fn short_rows_of_large_tensors_come_back() {
    let mut random = Random::new(7);
    for cols in [1, 10, 13, 2051] {
        let rows = (4 << 20) / cols;
        let x: Vec<f32> = (0..rows * cols).map(|_| random.number()).collect();
        let tensor = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &x, &[rows, cols]).unwrap();
        // f64s stay in the caches.
        let mut expected = vec![0.0f64; x.len()];
        tensor.view().dequantize_into(&mut expected, Exec::PARALLEL).unwrap();
        for isa in Isa::available() {
            let mut numbers = vec![0.5f32; x.len()];
            tensor.view().dequantize_into(&mut numbers, Exec::SERIAL.with_isa(isa)).unwrap();
            let wrong =
                (0..x.len()).find(|&at| f64::from(numbers[at]).to_bits() != expected[at].to_bits());
            assert_eq!(wrong, None, "{cols} {}", isa.name());
        }
    }
}

/// Finite numbers that become NaN, below zero or by overflow, become the policy's.
#[test]
fn finite_numbers_become_the_nan_of_the_policy() {
    let mut random = Random::new(6);
    let x: Vec<f32> = (0..1024).map(|_| random.number()).collect();
    let signed = FloatSpec { infinities: false, ..FloatSpec::ieee(4, 2) };
    for layout in [FloatSpec::ieee(4, 2).unsigned(), signed.unsigned(), signed] {
        let element = FormatSpec::new("NaN with choices", Encoding::Float(layout)).unwrap();
        for nan in [Nan::Canonical, Nan::Signed, Nan::AllOnes, Nan::SignedAllOnes, Nan::Payload] {
            let convert = element.default_convert().with_nan(nan).with_overflow(Overflow::Special);
            for round in [Round::NearestEven, Round::TowardZero] {
                let rule = ScaleRule::Amax { target: 1000.0, ratio: Ratio::Divide };
                for (scale, rule) in [(FormatSpec::E8M0, ScaleRule::Floor), (FormatSpec::F32, rule)]
                {
                    let spec = BlockSpec::new(
                        element,
                        Some(scale),
                        Extent::Block { rows: 1, cols: 32 },
                        rule,
                    );
                    let spec = spec
                        .with_division(Division::Reciprocal)
                        .with_element_convert(convert.with_round(round));
                    assert_reference(
                        &format!("{layout:?} {nan:?} {round:?} {scale}"),
                        &spec,
                        &x,
                        &[4, 256],
                    );
                }
            }
        }
    }
}

/// Bounds, and formats of scales, that leave out the scale of numbers near the element's largest.
#[test]
fn scales_far_from_one_are_the_rules() {
    let mut random = Random::new(5);
    let powers =
        FloatSpec { zero_field: ZeroField::Normals, ..FloatSpec::finite_nan(8, 0).unsigned() };
    let scale = |bias| {
        FormatSpec::new("E8M0 elsewhere", Encoding::Float(FloatSpec { bias, ..powers })).unwrap()
    };
    let bounds = [
        (0.0, f32::INFINITY),
        (0.0, 3.0e-29),
        (1.0e20, f32::INFINITY),
        (1.0e-12, 1.0e-9),
        (2.0, 2.0),
    ];
    for (element, target) in [(FormatSpec::F4E2M1, 6.0), (FormatSpec::F8E4M3, 448.0)] {
        for rule in [
            ScaleRule::Floor,
            ScaleRule::Ceil,
            ScaleRule::RoundUp,
            ScaleRule::Nearest,
            ScaleRule::Even { mantissa_bits: 6 },
            ScaleRule::Amax { target, ratio: Ratio::Divide },
        ] {
            for (bounds, bias) in
                bounds.into_iter().flat_map(|bounds| [127, 20, 230, -10].map(|bias| (bounds, bias)))
            {
                let extent = Extent::Block { rows: 1, cols: 8 };
                let spec = BlockSpec::new(element, Some(scale(bias)), extent, rule)
                    .with_scale_bounds(bounds);
                let spec = spec
                    .with_division(Division::Reciprocal)
                    .with_scale_convert(Convert::SATURATING.with_round(Round::Up));
                let x: Vec<f32> =
                    (0..1024).map(|i| random.number() * f32::powi(2.0, i / 8 * 2 - 126)).collect();
                assert_reference(&format!("{rule:?} {bounds:?} {bias}"), &spec, &x, &[4, 256]);
            }
        }
    }
}

/// Codes of every format of a byte at most, in blocks that loops take as they are and in others,
/// under scales that are usual and not; as 16-bit numbers too.
#[test]
fn codes_of_every_format_come_back_from_blocks_of_every_length() {
    let mut random = Random::new(21);
    let scales = [1.0, -0.75, 3.0e38, 1.0e-38, 1.0e-45, 0.0, f32::INFINITY, f32::NAN, 2.7e36];
    let extents =
        [1, 5, 8, 16, 24, 32, 48, 64, 96, 128].map(|cols| Extent::Block { rows: 1, cols });
    let formats = {
        use FormatSpec as F;
        [
            [F::F8E4M3, F::F8E5M2, F::F8E4M3FNUZ, F::F8E5M2FNUZ, F::F8E4M3B11FNUZ, F::F8E3M4],
            [F::F6E2M3, F::F6E3M2, F::F4E2M1, F::UE4M3, F::UE5M3, F::MXINT8],
            [F::INT8, F::UINT8, F::INT5, F::INT4, F::UINT4, F::INT3],
            [F::HIF8, F::POSIT8, F::NF4, F::BNBDYNAMIC8, F::MXINT8SYM, F::INT7],
        ]
    };
    let formats = formats.as_flattened();
    let mut schemes = 0;
    for (format, extent) in
        formats.iter().flat_map(|format| extents.iter().map(move |extent| (format, *extent)))
    {
        let rule = ScaleRule::Amax { target: 1.0, ratio: Ratio::Divide };
        let spec = BlockSpec::new(*format, Some(FormatSpec::F32), extent, rule);
        if spec.validate().is_err() {
            continue;
        }
        schemes += 1;
        let shape = [2, 1208];
        let zeros = Quantizer::new(&spec).quantize(&[1.0f32; 2 * 1208], &shape).unwrap();
        let codes: Vec<u8> = zeros.codes().iter().map(|_| random.word() as u8).collect();
        // Long stretches of usual scales, and others.
        let scale = |at: usize, random: &mut Random| match at % 64 {
            0..16 => scales[random.word() as usize % scales.len()],
            _ => f32::from_bits(0x3F00_0000 + (random.word() as u32 >> 8)),
        };
        let stored: Vec<u8> = (0..zeros.scales().len() / 4)
            .flat_map(|at| scale(at, &mut random).to_le_bytes())
            .collect();
        let tensor = QuantTensor::from_parts_with(
            &spec,
            &shape,
            Parts::new(&codes, &stored),
            Accept::Nonfinite,
        )
        .unwrap();
        let (view, what) = (tensor.view(), format!("{} {extent:?}", format.name()));
        assert_numbers(&what, &view);
        #[cfg(feature = "half")]
        for isa in Isa::available() {
            let exec = Exec::SERIAL.with_isa(isa);
            let (mut bf16s, mut f16s) =
                (vec![half::bf16::ONE; view.len()], vec![half::f16::ONE; view.len()]);
            view.dequantize_into(&mut bf16s, exec).unwrap();
            view.dequantize_into(&mut f16s, exec).unwrap();
            let wrong = (0..view.len()).find(|&at| {
                let x = view.get(at).unwrap();
                bf16s[at].to_bits() != half::bf16::from_f32(x).to_bits()
                    || f16s[at].to_bits() != half::f16::from_f32(x).to_bits()
            });
            assert_eq!(wrong, None, "{what} {}", isa.name());
        }
    }
    assert!(schemes > 150, "{schemes}");
}

#[test]
fn every_code_under_every_scale_code_comes_back() {
    for preset in preset::all() {
        let spec = &preset.spec;
        let mut random = Random::new(12);
        for cols in [256, 272, 131] {
            // Every scale code once, where they are bytes; else some, and those that are not
            // finite.
            let rows = 300;
            let shape = [rows, cols];
            let zeros = Quantizer::new(spec).quantize(&vec![1.0f32; rows * cols], &shape).unwrap();
            let fill = |bytes: &[u8], bits: u32, random: &mut Random| -> Vec<u8> {
                let mask = if bits < 8 { (1 << bits) - 1 } else { 0xFF };
                bytes.iter().map(|_| random.word() as u8 & mask).collect()
            };
            let scale_bits = spec.scale.as_ref().map_or(8, FormatSpec::bits);
            let offset_bits = if spec.offset_bytes() == 1 { spec.element.bits() } else { 8 };
            let mut scales = fill(zeros.scales(), scale_bits, &mut random);
            if spec.scale_bytes() == 1 {
                scales
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, code)| *code = (i as u32 & ((1 << scale_bits) - 1)) as u8);
            }
            let mut codes = fill(zeros.codes(), 8, &mut random);
            // What is left of a row's last byte is 0.
            let unused = (cols * spec.element.bits() as usize).div_ceil(8) * 8
                - cols * spec.element.bits() as usize;
            let row_bytes = zeros.view().row_bytes();
            codes
                .iter_mut()
                .skip(row_bytes - 1)
                .step_by(row_bytes)
                .for_each(|byte| *byte &= 0xFF >> unused);
            let offsets = fill(zeros.offsets(), offset_bits, &mut random);
            for tensor_scale in [1.0, 0.0123, 3.0e38, 1.0e-38] {
                let tensor_scale =
                    if matches!(spec.tensor_scale, TensorScale::None) { 1.0 } else { tensor_scale };
                let parts = Parts::new(&codes, &scales)
                    .with_offsets(&offsets)
                    .with_tensor_scale(tensor_scale);
                let tensor =
                    QuantTensor::from_parts_with(spec, &shape, parts, Accept::Nonfinite).unwrap();
                assert_numbers(preset.name, &tensor.view());
                if tensor_scale == 1.0 && matches!(spec.tensor_scale, TensorScale::None) {
                    break;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bits_in_any_shape_become_what_the_reference_makes_of_them(
        which in any::<prop::sample::Index>(),
        matrices in 1usize..3, rows in 1usize..20, cols in 1usize..140,
        seed in any::<u64>(), spread in 1u32..256,
    ) {
        let presets: Vec<_> = preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)).collect();
        let preset = which.get(&presets);
        let mut random = Random::new(seed);
        // Any sign and mantissa, exponents up to the whole range, infinity and NaN among them.
        let base = random.word() as u32 % (257 - spread);
        let x: Vec<f32> = (0..matrices * rows * cols)
            .map(|_| {
                let word = random.word();
                f32::from_bits(word as u32 & 0x807F_FFFF | (base + (word >> 32) as u32 % spread) << 23)
            })
            .collect();
        assert_reference(preset.name, &preset.spec, &x, &[matrices, rows, cols]);
    }
}
