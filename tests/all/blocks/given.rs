//! Values that callers bring, as numbers to quantize with and as bytes to read: each is taken as it
//! is or refused, never changed.

use super::inputs::{Random, edge_blocks, small_blocks};
use super::properties::same;
use subhalf::layout::grouped;
use subhalf::{
    Accept, BlockSpec, BlockStats, CustomRule, Encoding, Error, Exec, Extent, FormatSpec, IntSpec,
    Isa, Metric, Offset, Operand, PackedMatrix, Parts, PositSpec, QuantTensor, Quantizer,
    ScaleRule, Search, Table, matmul, preset,
};

/// What `scales` and `offsets` give for one block of four numbers.
fn given(spec: &BlockSpec, scale: f32, offsets: &[f32]) -> Result<QuantTensor, Error> {
    QuantTensor::quantize_with_scales(spec, &[500.0f32, -1.0, 0.0, 0.02], &[4], &[scale], offsets)
}

/// The message of a refusal.
#[track_caller]
pub(super) fn refusal<T>(result: Result<T, Error>) -> String {
    result.err().expect("a refusal").to_string()
}

/// Reported of scales of a KV cache that are 0, -1, NaN or infinite: onnxruntime/mobius PR #447,
/// sglang PR #40243, flashinfer PR #4676. They were made 2^-126, -1, NaN and `f32::MAX`, and 500
/// came back as 5.27e-36.
#[test]
fn case_41_given_scales_are_refused() {
    let spec = preset::generic::FP8_E4M3_TENSOR;
    for (scale, found) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (-1.0, "-1.0"),
        (f32::NAN, "NaN"),
        (-f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
        (-f32::from_bits(1), "-1e-45"),
    ] {
        let expected = format!("scale 0: expected a positive finite number, found {found}");
        assert_eq!(refusal(given(&spec, scale, &[])), expected);
        for name in [
            "ocp::MXFP8_E4M3",
            "ocp::MXFP4",
            "modelopt::NVFP4",
            "ggml::Q8_0",
            "generic::INT8_G32",
            "bitsandbytes::NF4",
        ] {
            let spec = preset::by_name(name).expect("a preset").spec;
            assert_eq!(refusal(given(&spec, scale, &[])), expected, "{name}");
        }
        let (q4_1, int8) = (preset::ggml::Q4_1, preset::generic::INT8_ASYM_TENSOR);
        assert_eq!(refusal(given(&q4_1, scale, &[0.0])), expected);
        assert_eq!(refusal(given(&int8, scale, &[0.0])), expected);
    }
    // A scale that can be taken. The f32 0.02 is a little less than 0.02, so -1 is a little beyond
    // -50 steps, the middle of 48 and 52; 0.02 is one step.
    let tensor = given(&spec, 0.02, &[]).expect("a positive scale");
    assert_eq!(
        (tensor.codes(), tensor.scales()),
        (&[0x7E, 0xE5, 0x00, 0x38][..], &0.02f32.to_le_bytes()[..])
    );
}

#[test]
fn every_door_refuses_and_changes_nothing() {
    let (spec, x) = (preset::generic::INT8_G32, [1.0f32; 128]);
    let before = QuantTensor::quantize(&spec, &x, &[2, 64]).expect("a shape that fits");
    for (index, bad) in [(0, 0.0), (1, -1.0), (2, f32::NAN), (3, f32::INFINITY)] {
        let mut scales = [0.5; 4];
        scales[index] = bad;
        let quantizer = Quantizer::new(&spec).scales(&scales, &[]);
        let expected = Error::Given {
            what: "scale",
            index,
            expected: "a positive finite number",
            bits: bad.to_bits(),
        };
        assert_eq!(quantizer.quantize(&x, &[2, 64]), Err(expected));
        assert_eq!(quantizer.quantize_reference(&x, &[2, 64]), Err(expected));
        assert_eq!(
            QuantTensor::quantize_with_scales(&spec, &x, &[2, 64], &scales, &[]),
            Err(expected)
        );
        assert_eq!(before.view().requantize(&quantizer), Err(expected));
        let mut tensor = before.clone();
        assert_eq!(quantizer.quantize_into(&x, &mut tensor), Err(expected));
        assert!(same(&tensor, &before));
        let mut dst = [7.0f32; 128];
        assert_eq!(quantizer.fake_quantize(&x, &[2, 64], &mut dst), Err(expected));
        assert_eq!(dst, [7.0; 128]);
        let operand = || Operand::quantized(&quantizer, &x, &[2, 64]).expect("lengths that fit");
        assert_eq!(matmul(operand(), &before), Err(expected));
        assert_eq!(PackedMatrix::new(operand()).err(), Some(expected));
    }
}

/// ggml's `Q4_0` stores the sign of the largest element in its scale, `Q6_K` has signed scales of
/// scales.
#[test]
fn negative_scales_are_given_where_the_rule_has_a_sign() {
    let half = |spec: &BlockSpec| {
        given(spec, -0.5, &[]).map(|tensor| (tensor.view().block_scale(0), tensor.dequantize()))
    };
    // 500 / -0.5 saturates, -1 / -0.5 is 2; 0.02 / -0.5 rounds to 0.
    let signed = |largest: f32| Ok((-0.5, vec![largest, -1.0, 0.0, 0.0]));
    assert_eq!(half(&preset::ggml::Q4_0), signed(4.0));
    assert_eq!(half(&preset::ggml::Q5_0), signed(8.0));
    assert_eq!(half(&preset::ggml::Q6_K), signed(16.0));
    let amax = preset::generic::INT8_TENSOR;
    let custom = amax.with_rule(ScaleRule::Custom(CustomRule::new(|stats: &BlockStats| {
        stats.signed_max / -128.0
    })));
    let search = |factors: &'static [f32]| Some(Search::new(Table::of(factors), Metric::Mse));
    for spec in [amax.with_rule(ScaleRule::Given), custom, amax.with_search(search(&[1.0, -1.0]))] {
        assert_eq!(half(&spec), signed(64.0));
        // What such a rule makes of data can be given again.
        if let Ok(tensor) = QuantTensor::quantize(&spec, &[12.0f32, -3.0], &[2]) {
            let scale = tensor.view().block_scale(0);
            assert!(same(
                &QuantTensor::quantize_with_scales(&spec, &[12.0f32, -3.0], &[2], &[scale], &[])
                    .unwrap(),
                &tensor
            ));
        }
        for (bad, found) in
            [(0.0, "0.0"), (-0.0, "-0.0"), (f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")]
        {
            assert_eq!(
                refusal(given(&spec, bad, &[])),
                format!("scale 0: expected a finite number other than 0, found {found}")
            );
        }
    }
    // A scale format without a sign has no negative scales, whatever the rule; nor has a search
    // without negative factors.
    let unsigned = preset::ocp::MXFP8_E4M3;
    for spec in [
        unsigned.with_rule(ScaleRule::Given),
        unsigned.with_rule(ScaleRule::Custom(CustomRule::new(|_| 1.0))),
        amax.with_search(search(&[0.5])),
    ] {
        assert_eq!(
            refusal(given(&spec, -0.5, &[])),
            "scale 0: expected a positive finite number, found -0.5"
        );
    }
}

#[test]
fn given_scales_are_rounded_but_not_to_zero_infinity_or_nan() {
    let code =
        |spec: &BlockSpec, scale| given(spec, scale, &[]).map(|tensor| tensor.view().scale_code(0));
    let lost = |spec: &BlockSpec, scale: f32| {
        let expected = "a number that is neither infinite, NaN nor 0 in the scale format";
        assert_eq!(
            code(spec, scale),
            Err(Error::Given { what: "scale", index: 0, expected, bits: scale.to_bits() }),
            "{scale:e}"
        );
    };
    let f16 = preset::ggml::Q8_0;
    // The largest F16 is 65504 and the numbers up to 65520 round to it; half the smallest, 2^-25,
    // is a tie to 0.
    assert_eq!(
        (code(&f16, 65519.0), code(&f16, 0.1), code(&f16, f32::powi(2.0, -25) * 1.01)),
        (Ok(0x7BFF), Ok(0x2E66), Ok(1))
    );
    for scale in [65520.0, f32::MAX, f32::powi(2.0, -25), f32::from_bits(1)] {
        lost(&f16, scale);
    }
    lost(&preset::ggml::Q4_0, -65520.0);
    let bf16 = preset::generic::INT8_TENSOR
        .with_scale(FormatSpec::BF16)
        .with_scale_bounds((0.0, f32::INFINITY));
    assert_eq!((code(&bf16, 0.0123), code(&bf16, f32::from_bits(0x8001))), (Ok(0x3C4A), Ok(1)));
    lost(&bf16, f32::MAX);
    lost(&bf16, f32::from_bits(0x8000));
    // UE4M3 saturates at 448, as its policy says; a quarter of 2^-9 is 0.
    let ue4m3 = preset::ocp::MXFP4.with_scale(FormatSpec::UE4M3).with_rule(ScaleRule::Given);
    assert_eq!((code(&ue4m3, 1000.0), code(&ue4m3, f32::powi(2.0, -9))), (Ok(0x7E), Ok(1)));
    lost(&ue4m3, f32::powi(2.0, -11));
    // E8M0 has neither 0 nor infinity: it saturates at 2^-127 and 2^127. Under microxcaling's
    // policy what is beyond is NaN.
    let e8m0 = preset::ocp::MXFP4;
    assert_eq!(
        (code(&e8m0, f32::from_bits(1)), code(&e8m0, 0.3), code(&e8m0, f32::MAX)),
        (Ok(0), Ok(125), Ok(0xFE))
    );
    let microxcaling = preset::by_name("microxcaling::MXFP8_E4M3_EVEN").expect("a preset").spec;
    assert_eq!(code(&microxcaling, f32::powi(2.0, 127)), Ok(0xFE));
    lost(&microxcaling, f32::MAX);
    // Bounds clamp; the substitute for scales that vanish is for those that a rule finds.
    let int8 = preset::generic::INT8_TENSOR;
    assert_eq!(code(&int8, f32::from_bits(1)), Ok(f32::MIN_POSITIVE.to_bits()));
    let vanished = preset::compressed_tensors::INT8_G32.with_scale(FormatSpec::F16);
    lost(&vanished, 1e-9);
    lost(&preset::compressed_tensors::NVFP4, 1e-9);
}

#[test]
fn a_format_without_scales_takes_only_ones() {
    let spec = BlockSpec::new(FormatSpec::F8E4M3, None, Extent::Tensor, ScaleRule::Unit);
    let plain = QuantTensor::quantize(&spec, &[500.0f32, -1.0, 0.0, 0.02], &[4]).unwrap();
    assert!(same(&given(&spec, 1.0, &[]).unwrap(), &plain));
    for (scale, found) in [(2.0, "2.0"), (0.0, "0.0"), (-1.0, "-1.0"), (f32::NAN, "NaN")] {
        assert_eq!(
            refusal(given(&spec, scale, &[])),
            format!("scale 0: expected 1, as the format has no scales, found {found}")
        );
    }
}

/// Reported of zero points 128, 256, -1, 2.5 and NaN: onnxruntime #25823, auto-round #203. 128 is
/// one of UINT8; in INT8 it was made 127, and 1, -1 and 0.5 under the scale 1/127 came back as 0,
/// -1 and 0. -1 and 16 of UINT4 were made 0 and 15, 2.5 was made 2 and NaN 127.
#[test]
fn case_42_given_zero_points_are_refused() {
    let x = [0.0f32, 1.0, -1.0, 0.5];
    let quantize = |spec: &BlockSpec, zero_point| {
        QuantTensor::quantize_with_scales(spec, &x, &[4], &[1.0 / 127.0], &[zero_point])
    };
    let (int8, uint8) = (preset::generic::INT8_ASYM_TENSOR, preset::generic::UINT8_TENSOR);
    let (int4, uint4) = (preset::generic::INT4_ASYM_TENSOR, preset::generic::UINT4_TENSOR);
    // 0.5 is 63.5 steps, a tie to 64.
    let tensor = quantize(&uint8, 128.0).expect("a zero point of UINT8");
    assert_eq!((tensor.codes(), tensor.offsets()), (&[128, 255, 1, 192][..], &[128][..]));

    let gptq = grouped(4, FormatSpec::F16).with_extent(Extent::Tensor);
    let range = [(int8, -128, 127), (uint8, 0, 255), (int4, -8, 7), (uint4, 0, 15), (gptq, 0, 15)];
    for (spec, low, high) in range {
        let refused = |zero_point: f32| {
            let expected = Error::ZeroPoint { index: 0, low, high, bits: zero_point.to_bits() };
            assert_eq!(quantize(&spec, zero_point).err(), Some(expected), "{zero_point}");
        };
        for zero_point in [
            2.5,
            -0.5,
            0.25,
            127.5,
            -1e-45,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            2147483648.0,
            f32::MAX,
            f32::MIN,
        ] {
            refused(zero_point);
        }
        for zero_point in -300..300 {
            let given = zero_point as f32;
            if (low..=high).contains(&zero_point) {
                let tensor = quantize(&spec, given).expect("a zero point of the format");
                assert_eq!(spec.element.decode_f32(tensor.offsets()[0].into()), given);
            } else {
                refused(given);
            }
        }
        assert_eq!(quantize(&spec, -0.0).expect("zero").offsets(), [0]);
    }
    assert_eq!(
        refusal(quantize(&int8, 128.0)),
        "zero point 0: expected an integer from -128 to 127, found 128.0"
    );
    assert_eq!(
        refusal(quantize(&uint4, 2.5)),
        "zero point 0: expected an integer from 0 to 15, found 2.5"
    );
    let rows = uint4.with_extent(Extent::Row);
    let second = QuantTensor::quantize_with_scales(&rows, &x, &[2, 2], &[1.0, 1.0], &[15.0, 16.0]);
    assert_eq!(refusal(second), "zero point 1: expected an integer from 0 to 15, found 16.0");
    // A format without its own smallest integer.
    let layout = IntSpec { signed: true, bits: 8, fraction_bits: 0, symmetric: true };
    let mut symmetric = int8;
    symmetric.element =
        FormatSpec::new("INT8 without -128", Encoding::Int(layout)).expect("a format");
    assert!(quantize(&symmetric, -127.0).is_ok());
    assert_eq!(
        refusal(quantize(&symmetric, -128.0)),
        "zero point 0: expected an integer from -127 to 127, found -128.0"
    );
}

#[test]
fn given_minima_are_numbers_that_their_format_has_room_for() {
    let quantize = |format: FormatSpec, minimum: f32| {
        given(&preset::ggml::Q4_1.with_offset(Offset::Minimum(format)), 1.0, &[minimum])
    };
    let stored =
        |format, minimum| quantize(format, minimum).map(|tensor| tensor.view().offset_code(0));
    let (f16, f32) = (FormatSpec::F16, FormatSpec::F32);
    assert_eq!(
        (stored(f16, -1.5), stored(f16, 0.0), stored(f16, 1e-30)),
        (Ok(0xBE00), Ok(0), Ok(0))
    );
    assert_eq!(
        (stored(f16, -65519.0), stored(f32, f32::MAX)),
        (Ok(0xFBFF), Ok(f32::MAX.to_bits()))
    );
    for (minimum, found) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")]
    {
        for format in [f16, f32, FormatSpec::F8E4M3] {
            assert_eq!(
                refusal(quantize(format, minimum)),
                format!("minimum 0: expected a finite number, found {found}")
            );
        }
    }
    for (format, minimum) in [
        (f16, 65520.0f32),
        (f16, f32::MIN),
        (FormatSpec::F8E4M3, 1000.0),
        (FormatSpec::UE4M3, -1.0),
    ] {
        let expected = format!(
            "minimum 0: expected a number within the range of its format, found {minimum:?}"
        );
        assert_eq!(refusal(quantize(format, minimum)), expected);
    }
}

/// A tensor of one block with this scale code, read from bytes.
fn read(spec: &BlockSpec, scale: u32, accept: Accept) -> Result<QuantTensor, Error> {
    let codes = vec![0x11; QuantTensor::quantize(spec, &[1.0f32], &[1]).unwrap().codes().len()];
    let scales = &scale.to_le_bytes()[..spec.scale_bytes()];
    QuantTensor::from_parts_with(spec, &[1], Parts::new(&codes, scales), accept)
}

#[test]
fn scales_read_from_bytes_are_finite_unless_asked_for() {
    let with_scale = |format| preset::generic::INT8_TENSOR.with_scale(format);
    // Every code of 16 bits; numbers are finite unless their exponent is all ones.
    for (format, top) in [(FormatSpec::F16, 0x7C00), (FormatSpec::BF16, 0x7F80)] {
        let spec = with_scale(format);
        for code in 0..=0xFFFF {
            let tensor = read(&spec, code, Accept::Nonfinite).expect("any scale");
            let found = read(&spec, code, Accept::Finite);
            if code & top == top {
                let expected = "a finite number (or Accept::Nonfinite)";
                assert_eq!(
                    found,
                    Err(Error::Stored { what: "scale", index: 0, expected, found: code })
                );
            } else {
                assert_eq!(found, Ok(tensor));
            }
        }
    }
    let f32s = with_scale(FormatSpec::F32);
    for bits in [0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF] {
        assert!(
            matches!(read(&f32s, bits, Accept::Finite), Err(Error::Stored { what: "scale", found, .. }) if found == bits)
        );
        assert!(read(&f32s, bits, Accept::Nonfinite).is_ok());
    }
    // 0, -0, negative, subnormal, the largest: 17 times as much.
    for scale in [0.0, -0.0, -1.5, f32::from_bits(1), f32::MAX, f32::MIN] {
        let tensor = read(&f32s, scale.to_bits(), Accept::default()).expect("a finite scale");
        assert_eq!(tensor.dequantize()[0].to_bits(), (17.0 * scale).to_bits());
    }
    // TF32 has a sign, 8 and 10 bits, in four bytes.
    let tf32 = with_scale(FormatSpec::TF32);
    assert!(
        read(&tf32, 0x3_FC00, Accept::Finite).is_err()
            && read(&tf32, 0x3_FBFF, Accept::Finite).is_ok()
    );
    // NaN of 8 bits says that a block is NaN; infinity says nothing of the kind.
    for (format, nan) in [
        (FormatSpec::E8M0, 0xFF),
        (FormatSpec::UE4M3, 0x7F),
        (FormatSpec::F8E4M3, 0xFF),
        (FormatSpec::F8E5M2, 0x7E),
    ] {
        let tensor = read(&with_scale(format), nan, Accept::Finite).expect("a NaN of 8 bits");
        assert!(tensor.dequantize()[0].is_nan());
    }
    for code in [0x7C, 0xFC] {
        assert!(read(&with_scale(FormatSpec::F8E5M2), code, Accept::Finite).is_err());
        assert!(read(&with_scale(FormatSpec::F8E5M2), code, Accept::Nonfinite).is_ok());
    }
    // Numbers without infinity that have NaN in 16 bits.
    let posit = with_scale(
        FormatSpec::new("posit16", Encoding::Posit(PositSpec { bits: 16, exponent_bits: 2 }))
            .expect("a format"),
    );
    assert!(
        read(&posit, 0x8000, Accept::Finite).is_err()
            && read(&posit, 0x8000, Accept::Nonfinite).is_ok()
    );
    assert!(
        read(&posit, 0x7FFF, Accept::Finite).is_ok()
            && read(&posit, 0x8001, Accept::Finite).is_ok()
    );
}

#[test]
fn the_place_of_what_is_refused_is_named() {
    let q4_1 = preset::ggml::Q4_1;
    let tensor = QuantTensor::quantize(&q4_1, &[1.0f32; 256], &[2, 128]).unwrap();
    for index in 0..8 {
        let broken = |bytes: &[u8], code: u16| {
            let mut bytes = bytes.to_vec();
            bytes[2 * index..][..2].copy_from_slice(&code.to_le_bytes());
            bytes
        };
        let (scales, minima) = (broken(tensor.scales(), 0xFC00), broken(tensor.offsets(), 0x7E01));
        for (what, parts, found) in [
            ("scale", tensor.parts().with_scales(&scales), 0xFC00),
            ("minimum", tensor.parts().with_offsets(&minima), 0x7E01),
        ] {
            let expected = "a finite number (or Accept::Nonfinite)";
            let error = Error::Stored { what, index, expected, found };
            assert_eq!(QuantTensor::from_parts(&q4_1, &[2, 128], parts), Err(error));
            assert!(
                QuantTensor::from_parts_with(&q4_1, &[2, 128], parts, Accept::Nonfinite).is_ok()
            );
        }
    }
}

/// Tensors of every preset from ordinary and hostile numbers. By default those are refused that
/// have a scale or minimum which is none.
#[test]
fn whatever_is_quantized_can_be_read() {
    let (mut refused, mut nan) = (0, 0);
    for preset in preset::all() {
        let spec = &preset.spec;
        let mut random = Random::new(19);
        let mut blocks = edge_blocks(64);
        blocks.extend(small_blocks(64));
        blocks.push(random.block(64));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e6, 1e-45] {
            let mut block = random.block(64);
            block[random.word() as usize % 64] = bad;
            blocks.push(block);
            blocks.push(vec![bad; 64]);
        }
        for x in blocks {
            let tensor = QuantTensor::quantize(spec, &x, &[64]).unwrap();
            let (view, parts) = (tensor.view(), tensor.parts());
            let back = QuantTensor::from_parts_with(spec, &[64], parts, Accept::Nonfinite).unwrap();
            assert!(same(&back, &tensor), "{}", preset.name);
            let wide = spec.scale_bytes() > 1;
            let scale = (0..view.blocks()).map(|block| view.block_scale(block));
            let minimum = (0..view.blocks()).map(|block| match &spec.offset {
                Offset::Minimum(format) => format.decode_f32(view.offset_code(block)),
                _ => 0.0,
            });
            let finite = scale.clone().all(|scale| scale.is_finite() || (scale.is_nan() && !wide))
                && minimum.clone().all(f32::is_finite);
            nan += usize::from(finite && scale.clone().any(f32::is_nan));
            refused += usize::from(!finite);
            assert_eq!(
                QuantTensor::from_parts(spec, &[64], parts).is_ok(),
                finite,
                "{} {:?}",
                preset.name,
                scale.collect::<Vec<_>>()
            );
        }
    }
    assert!(refused > 20 && nan > 20, "{refused} refused, {nan} with NaN in 8 bits");
}

/// Microxcaling's arithmetic gives NaN next to the largest f32, under given scales too, and flushes
/// nothing there.
#[test]
fn given_scales_meet_the_edges_of_a_programs_arithmetic() {
    let x = [f32::MAX, -f32::MAX, 1.0, 1e-40, -1e-40, 0.0, -0.0, 3e37];
    for name in ["MXFP8_E4M3_EVEN_FLUSH", "MXFP8_E5M2_FLOOR", "MXFP4_NEAREST", "MXINT8_EVEN"] {
        let preset = preset::by_name(&format!("microxcaling::{name}")).unwrap();
        for scale in [1.0, 0.25, 4.0] {
            let scales = [scale];
            let quantizer = Quantizer::new(&preset.spec).scales(&scales, &[]);
            let reference = quantizer.quantize_reference(&x, &[8]).unwrap();
            for isa in Isa::available() {
                let tensor = quantizer.exec(Exec::SERIAL.with_isa(isa)).quantize(&x, &[8]).unwrap();
                assert!(same(&tensor, &reference), "{name} {scale} {}", isa.name());
            }
        }
    }
}
