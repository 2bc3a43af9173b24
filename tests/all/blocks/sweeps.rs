//! Scale rules next to every power of two, and NaN elements, as the programs themselves have them:
//! `tests/golden/sweeps`.

use std::path::Path;
use subhalf::{
    BlockSpec, BlockStats, Extent, FormatSpec, QuantTensor, Quantizer, ScaleRule, TensorScale,
    preset,
};

fn read(name: &str) -> Vec<Vec<u32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/sweeps")
        .join(format!("{name}.tsv"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |(i, field): (usize, &str)| {
        u32::from_str_radix(field, if i == 0 { 16 } else { 10 }).expect("a number")
    };
    text.lines().map(|line| line.split('\t').enumerate().map(number).collect()).collect()
}

/// The largest magnitudes of a sweep, and the program's scale codes.
fn sweep(name: &str) -> (Vec<f32>, Vec<u8>) {
    let runs = read(name);
    let each = |run: &Vec<u32>| {
        (run[0]..run[0] + run[1])
            .map(|bits| (f32::from_bits(bits), run[2] as u8))
            .collect::<Vec<_>>()
    };
    runs.iter().flat_map(each).unzip()
}

/// File, preset, and how many numbers there are.
const SWEEPS: [(&str, &str, usize); 26] = [
    ("torchao_rceil_eager_e4m3", "torchao::MXFP8_E4M3_RCEIL_EAGER", 31_299),
    ("torchao_rceil_eager_e5m2", "torchao::MXFP8_E5M2_RCEIL_EAGER", 30_508),
    ("torchao_rceil_eager_e3m2", "torchao::MXFP6_E3M2_RCEIL_EAGER", 31_751),
    ("torchao_rceil_eager_e2m3", "torchao::MXFP6_E2M3_RCEIL_EAGER", 33_993),
    ("torchao_rceil_eager_e2m1", "torchao::MXFP4_RCEIL_EAGER", 27_945),
    ("modelopt_mxfp4", "modelopt::MXFP4", 27_945),
    ("modelopt_mxfp8", "modelopt::MXFP8_E4M3", 31_299),
    ("microxcaling_fp8_e4m3", "microxcaling::MXFP8_E4M3_EVEN", 17_677),
    ("microxcaling_fp8_e5m2", "microxcaling::MXFP8_E5M2_EVEN", 17_677),
    ("microxcaling_fp6_e3m2", "microxcaling::MXFP6_E3M2_EVEN", 17_677),
    ("microxcaling_fp6_e2m3", "microxcaling::MXFP6_E2M3_EVEN", 17_677),
    ("microxcaling_fp4_e2m1", "microxcaling::MXFP4_EVEN", 17_677),
    ("microxcaling_int8", "microxcaling::MXINT8_EVEN", 17_677),
    ("microxcaling_int4", "microxcaling::MXINT4_EVEN", 17_677),
    ("gfloat_f32_mxfp8_e4m3", "gfloat::MXFP8_E4M3_F32", 17_677),
    ("gfloat_f32_mxfp8_e5m2", "gfloat::MXFP8_E5M2_F32", 17_677),
    ("gfloat_f32_mxfp6_e3m2", "gfloat::MXFP6_E3M2_F32", 17_677),
    ("gfloat_f32_mxfp6_e2m3", "gfloat::MXFP6_E2M3_F32", 17_677),
    ("gfloat_f32_mxfp4", "gfloat::MXFP4_F32", 17_677),
    ("gfloat_f32_mxint8", "gfloat::MXINT8_F32", 17_677),
    ("ct_mxfp4", "compressed_tensors::MXFP4", 34_956),
    ("ct_mxfp6_e2m3", "compressed_tensors::MXFP6_E2M3", 34_956),
    ("ct_mxfp8_e4m3", "compressed_tensors::MXFP8_E4M3", 34_956),
    ("ggml_mxfp4", "ggml::MXFP4", 34_956),
    ("mlx_mxfp4", "mlx::MXFP4", 27_945),
    ("mlx_mxfp8", "mlx::MXFP8_E4M3", 31_299),
];

#[test]
fn scales_next_to_powers_of_two_are_the_programs() {
    for (file, name, count) in SWEEPS {
        let (amax, expected) = sweep(file);
        assert_eq!(amax.len(), count, "{file}");
        let spec = preset::by_name(name).expect("a preset").spec;
        let quantizer = Quantizer::new(&spec);
        for tensor in [
            quantizer.quantize(&amax, &[count, 1]),
            quantizer.quantize_reference(&amax, &[count, 1]),
        ] {
            let tensor = tensor.expect("a tensor");
            let wrong: Vec<_> = (0..count)
                .filter(|&i| tensor.scales()[i] != expected[i] && !wraps(name, amax[i]))
                .collect();
            let first =
                wrong.first().map(|&i| (amax[i].to_bits(), expected[i], tensor.scales()[i]));
            assert_eq!(
                first,
                None,
                "{name}: {} of {count} differ; amax, expected, found",
                wrong.len()
            );
        }
    }
}

/// Where a program makes a byte of an exponent that is none of E8M0's: ggml and MLX of a negative
/// one, and compressed-tensors of the infinity that it rounds an `amax` from 1.75 · 2^127 on to.
/// Codes are clamped here, as the presets' documentation says.
fn wraps(name: &str, amax: f32) -> bool {
    let below = |quotient: f32| quotient > 0.0 && quotient <= f32::powi(2.0, -128);
    match name.split_once("::") {
        Some(("ggml", _)) => amax < f32::powi(2.0, -125),
        Some(("mlx", "MXFP4")) => below(amax / 6.0),
        Some(("mlx", _)) => below(amax / 448.0),
        Some(("compressed_tensors", _)) => amax >= 1.75 * f32::powi(2.0, 127),
        _ => false,
    }
}

/// torchao and Model Optimizer round the quotient's f32 logarithm up; just above a power of two it
/// is that power. A block of magnitude `amax` has the first code, and the exact rule's the second.
#[test]
fn ceil_of_an_f32_logarithm_is_not_the_exact_rule() {
    let rows = [
        ("torchao::MXFP4_RCEIL_EAGER", "torchao::MXFP4_RCEIL", 1.5 + f32::EPSILON, -7, 118, 119),
        (
            "torchao::MXFP6_E3M2_RCEIL_EAGER",
            "torchao::MXFP6_E3M2_RCEIL",
            1.75 + f32::EPSILON,
            8,
            131,
            132,
        ),
        (
            "torchao::MXFP6_E3M2_RCEIL_EAGER",
            "torchao::MXFP6_E3M2_RCEIL",
            1.75 + f32::EPSILON,
            -7,
            116,
            117,
        ),
        (
            "torchao::MXFP8_E4M3_RCEIL_EAGER",
            "torchao::MXFP8_E4M3_RCEIL",
            1.75 + f32::EPSILON,
            -7,
            112,
            113,
        ),
        (
            "torchao::MXFP8_E4M3_RCEIL_EAGER",
            "torchao::MXFP8_E4M3_RCEIL_RECIPROCAL",
            1.75 + f32::EPSILON,
            -7,
            112,
            113,
        ),
        (
            "torchao::MXFP8_E5M2_RCEIL_EAGER",
            "torchao::MXFP8_E5M2_RCEIL",
            1.75 + f32::EPSILON,
            8,
            120,
            121,
        ),
        (
            "torchao::MXFP8_E5M2_RCEIL_EAGER",
            "torchao::MXFP8_E5M2_RCEIL",
            1.75 + f32::EPSILON,
            -7,
            105,
            106,
        ),
        ("modelopt::MXFP4", "ocp::MXFP4_ROUND_UP", 1.5 + f32::EPSILON, -7, 118, 119),
        ("modelopt::MXFP8_E4M3", "ocp::MXFP8_E4M3_ROUND_UP", 1.75 + f32::EPSILON, -7, 112, 113),
    ];
    for (program, exact, significand, exponent, by_logarithm, by_quotient) in rows {
        let block = [significand * f32::powi(2.0, exponent), 0.0];
        for (name, code) in [(program, by_logarithm), (exact, by_quotient)] {
            let tensor =
                QuantTensor::quantize(&preset::by_name(name).unwrap().spec, &block, &[2]).unwrap();
            assert_eq!(tensor.scales(), [code], "{name} {significand} 2^{exponent}");
        }
    }
}

/// The thresholds of both logarithm rules in every binade against f64's logarithm, which is nowhere
/// near a midpoint of f32s within 64 units of a power of two.
#[test]
fn logarithm_rules_equal_rounded_logarithms() {
    let element = FormatSpec::F4E2M1;
    let exponent = |rule: ScaleRule, x: f32| {
        let stats = BlockStats::of_amax(x);
        let scale = rule.ideal(&stats, &element, TensorScale::None, 1.0);
        assert_eq!(scale.to_bits() << 12, 0, "{x:e}: a power of two");
        (scale.to_bits() >> 52) as i32 - 1023
    };
    for power in -149..128 {
        let bits = (f64::powi(2.0, power) as f32).to_bits();
        for x in (bits.saturating_sub(96).max(1)..=bits + 96)
            .map(f32::from_bits)
            .filter(|x| x.is_finite())
        {
            let logarithm = f64::from(x).log2() as f32;
            assert_eq!(
                exponent(ScaleRule::Log2Ceil { target: 1.0 }, x),
                logarithm.ceil() as i32,
                "ceil {x:e}"
            );
            assert_eq!(
                exponent(ScaleRule::Log2Floor, x) + 2,
                logarithm.floor() as i32,
                "floor {x:e}"
            );
        }
    }
}

/// torchao divides an element by its scale before the payload of a NaN is rounded away, and the
/// division makes it quiet. In the other modes than RCEIL the divisor of a block with NaN is
/// infinite; under RCEIL it is NaN, and so is the product.
#[test]
fn nan_elements_of_torchao_are_quiet() {
    let rows = read("torchao_nan");
    assert_eq!(rows.len(), 382);
    let formats = ["MXFP4", "MXFP6_E2M3", "MXFP6_E3M2"];
    for row in &rows {
        for (format, expected) in formats.iter().zip(&row[1..]) {
            for mode in ["FLOOR", "CEIL", "EVEN"] {
                let spec = preset::by_name(&format!("torchao::{format}_{mode}")).unwrap().spec;
                let tensor =
                    QuantTensor::quantize(&spec, &[1.0, f32::from_bits(row[0]), -2.0], &[3])
                        .unwrap();
                assert_eq!(tensor.view().code(1), Some(*expected), "{format} {mode} {:#x}", row[0]);
                assert_eq!(tensor.scales(), [0xFF]);
            }
        }
    }
    for (format, expected) in formats.iter().zip([3, 12, 14]) {
        for rule in ["RCEIL", "RCEIL_EAGER"] {
            let spec = preset::by_name(&format!("torchao::{format}_{rule}")).unwrap().spec;
            for bits in [0x7F80_0001, 0xFF80_0001, 0x7FC0_0001, 0x7FBF_FFFF, 0xFFFF_FFFF] {
                let tensor =
                    QuantTensor::quantize(&spec, &[1.0, f32::from_bits(bits)], &[2]).unwrap();
                assert_eq!(tensor.view().code(1), Some(expected), "{format} {rule} {bits:#x}");
            }
        }
    }
}

/// microxcaling's f32 logarithm rounds to 128 in the last 44 f32s below 2^128; the power of two is
/// then infinite, and the element NaN. One below, it is the largest element.
#[test]
fn microxcaling_elements_next_to_the_largest_f32_are_nan() {
    for (element, max) in [
        (FormatSpec::F8E4M3, 448.0),
        (FormatSpec::F8E5M2, 57344.0),
        (FormatSpec::F6E3M2, 28.0),
        (FormatSpec::F6E2M3, 7.5),
        (FormatSpec::F4E2M1, 6.0f32),
    ] {
        for name in ["NEAREST", "EVEN", "FLOOR"] {
            let like = preset::by_name(&format!("microxcaling::MXFP4_{name}")).unwrap().spec;
            let alone = BlockSpec::new(element, None, Extent::Row, ScaleRule::Unit)
                .with_element_convert(like.element_convert)
                .with_element_rounding(like.element_rounding);
            let code =
                |x: f32| QuantTensor::quantize(&alone, &[x], &[1]).unwrap().view().code(0).unwrap();
            let nan = element.encode_f32(f32::NAN);
            for ulps in 0..44 {
                let x = f32::from_bits(f32::MAX.to_bits() - ulps);
                assert_eq!((code(x), code(-x)), (nan, nan), "{} {name} {ulps}", element.name());
            }
            let below = f32::from_bits(f32::MAX.to_bits() - 44);
            assert_eq!(element.decode_f32(code(below)), max, "{} {name}", element.name());
        }
    }
}

/// Model Optimizer's stored tensors, by its own output of blocks of 32: NaN or infinity in MXFP4
/// makes a block of zeros, each with a minus; MXFP8 has scale code 254 for infinity, and for NaN 0,
/// under which numbers are multiplied by 2^127.
#[test]
fn model_optimizer_blocks_with_nan_or_infinity() {
    let quantized = |spec: &BlockSpec, x: &[f32]| {
        let tensor = QuantTensor::quantize(spec, x, &[x.len()]).unwrap();
        assert_eq!(tensor, Quantizer::new(spec).quantize_reference(x, &[x.len()]).unwrap());
        (
            tensor.scales()[0],
            (0..x.len()).map(|i| tensor.view().code(i).unwrap()).collect::<Vec<_>>(),
        )
    };
    for x in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(
            quantized(&preset::modelopt::MXFP4, &[1.0, x, -3.0, 0.0]),
            (0, vec![8, 8, 8, 8])
        );
    }
    let mxfp8 = &preset::modelopt::MXFP8_E4M3;
    assert_eq!(quantized(mxfp8, &[1.0, f32::INFINITY, -3.0, 0.0]), (254, vec![0, 0x7E, 0x80, 0]));
    assert_eq!(
        quantized(mxfp8, &[1.0, -f32::NAN, -3.0, 0.0, -0.0]),
        (0, vec![0x7E, 0xFF, 0xFE, 0, 0x80])
    );
    assert_eq!(
        quantized(mxfp8, &[1e-39, f32::NAN, f32::NEG_INFINITY]),
        (0, vec![0x23, 0x7F, 0xFE])
    );
    // A positive number whose f32 quotient is zero has the sign of zero: 1e-45 / 2^98. 1e30 / 2^98
    // is 3.2.
    assert_eq!(quantized(&preset::modelopt::MXFP4, &[1e30, 1e-45, -1e-45, 1e28]).1, [5, 8, 8, 0]);
}

/// microxcaling flushes blocks whose f32 logarithm is below -126: that of the 22 largest subnormals
/// is rounded to it.
#[test]
fn microxcaling_flushes_below_the_rounded_logarithm() {
    for name in ["MXFP8_E4M3_NEAREST", "MXFP8_E4M3_EVEN", "MXFP4_NEAREST", "MXFP4_EVEN"] {
        let spec = preset::by_name(&format!("microxcaling::{name}_FLUSH")).unwrap().spec;
        let code = |bits: u32| {
            QuantTensor::quantize(&spec, &[f32::from_bits(bits)], &[1])
                .unwrap()
                .view()
                .code(0)
                .unwrap()
        };
        assert_eq!(code(0x7F_FFE9), 0, "{name}");
        for bits in 0x7F_FFEA..=0x80_0001 {
            assert_ne!(code(bits), 0, "{name} {bits:#x}");
        }
    }
}

/// gguf's blocks of 32, with NumPy 2.4.6 on AVX-512: scales and minima in F16, codes in the order
/// of elements. Among them are blocks of zeros of both signs, whose minimum C stores with the first
/// zero's sign, and blocks whose scale is so small that one over it is infinite.
#[test]
fn gguf_blocks_are_reproduced() {
    let read = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf").join(name))
            .expect("a golden array")
    };
    let x: Vec<f32> =
        read("in.u32.bin").as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let shape = [x.len() / 32, 32];
    assert_eq!(shape[0], 488);
    for (name, spec) in [
        ("q4_0", preset::ggml::Q4_0_GGUF),
        ("q4_1", preset::ggml::Q4_1_GGUF),
        ("q5_0", preset::ggml::Q5_0_GGUF),
        ("q5_1", preset::ggml::Q5_1_GGUF),
    ] {
        let tensor = QuantTensor::quantize(&spec, &x, &shape).unwrap();
        let (scales, codes) =
            (read(&format!("{name}.scale.u16.bin")), read(&format!("{name}.elem.u8.bin")));
        let low = spec.element.min().to_f32() as i32;
        for (block, x) in x.chunks(32).enumerate() {
            let stored =
                |bytes: &[u8]| u16::from_le_bytes([bytes[2 * block], bytes[2 * block + 1]]);
            assert_eq!(
                stored(tensor.scales()),
                stored(&scales),
                "{name}: scale of block {block} {x:?}"
            );
            if name.ends_with("_1") {
                let minima = read(&format!("{name}.min.u16.bin"));
                assert_eq!(
                    stored(tensor.offsets()),
                    stored(&minima),
                    "{name}: minimum of block {block} {x:?}"
                );
            }
            for i in 32 * block..32 * block + 32 {
                let found = spec.element.decode_f32(tensor.view().code(i).unwrap()) as i32 - low;
                assert_eq!(found, i32::from(codes[i]), "{name}: element {i}, {:e}", x[i % 32]);
            }
        }
    }
    // One zero of each sign: the later wins among 17 to 31, and NumPy's fold before.
    let minimum = |minus: usize, plus: usize| {
        let mut block = [1.0f32; 32];
        (block[minus], block[plus]) = (-0.0, 0.0);
        let tensor = QuantTensor::quantize(&preset::ggml::Q4_1_GGUF, &block, &[32]).unwrap();
        u16::from_le_bytes([tensor.offsets()[0], tensor.offsets()[1]])
    };
    assert_eq!(
        [minimum(31, 0), minimum(0, 31), minimum(4, 0), minimum(0, 4), minimum(13, 5)],
        [0x8000, 0, 0x8000, 0, 0]
    );
}

/// Single blocks that programs were seen to treat otherwise than the presets did: inputs as f32
/// bits, the program's codes.
#[test]
fn counterexamples_from_the_programs() {
    let quantized = |name: &str, bits: &[u32]| {
        let x: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
        let spec = preset::by_name(name).unwrap().spec;
        let tensor = QuantTensor::quantize(&spec, &x, &[1, x.len()]).unwrap();
        assert_eq!(
            tensor,
            Quantizer::new(&spec).quantize_reference(&x, &[1, x.len()]).unwrap(),
            "{name}"
        );
        tensor
    };
    let codes = |tensor: &QuantTensor| {
        (0..tensor.view().len()).map(|i| tensor.view().code(i).unwrap()).collect::<Vec<_>>()
    };
    // ggml: the quotient of the largest element by -8 keeps its sign when it underflows; only a
    // block of zeros has -0.
    for (name, bits, scale) in
        [("ggml::Q4_0", 0x8000_0001, 0), ("ggml::Q4_0", 1, 0x8000), ("ggml::Q5_0", 0x8000_0001, 0)]
    {
        assert_eq!(quantized(name, &[bits, 0]).view().scale_code(0), scale, "{name} {bits:#x}");
    }
    assert_eq!(quantized("ggml::Q4_0", &[0, 0x8000_0000]).view().scale_code(0), 0x8000);
    // ggml: one over the scale is infinite, and x86-64 makes code 0 (here -8) of every element.
    assert_eq!(quantized("ggml::Q4_0", &[0x0000_0100, 0x8000_0100, 0]).dequantize(), [0.0; 3]);
    assert_eq!(codes(&quantized("ggml::Q4_1", &[0x0000_0100, 0x8000_0100, 0])), [0, 0, 0]);
    // bitsandbytes, 4 bits: NaN stays NaN in the divisor, and every element gets the last bucket.
    assert_eq!(
        codes(&quantized("bitsandbytes::NF4", &[0xBF53_7179, 0x7FC0_0000, 0])),
        [15, 15, 15]
    );
    assert_eq!(codes(&quantized("bitsandbytes::FP4", &[0xBF53_7179, 0x7FC0_0000, 0])), [3, 3, 3]);
    // Its 8 bits: NaN does not count, and is code 0.
    let tensor = quantized("bitsandbytes::DYNAMIC8", &[0x3F80_0000, 0x7FC0_0000, 0xBF80_0000]);
    assert_eq!((tensor.view().scale(0), codes(&tensor)), (Some(1.0), vec![255, 0, 0]));
    // compressed-tensors: T would be infinite; zeros have no sign.
    let tensor = quantized("compressed_tensors::NVFP4", &[0x02BD_8E84, 0x8000_0000]);
    assert_eq!((tensor.tensor_scale(), tensor.scales(), codes(&tensor)[1]), (1.0, &[0x20][..], 0));
    assert_eq!(
        codes(&quantized("compressed_tensors::MXFP4", &[0x3F80_0000, 0x8000_0000, 0xBA00_0000])),
        [6, 0, 8]
    );
    assert_eq!(
        codes(&quantized("compressed_tensors::MXFP6_E2M3", &[0x3F80_0000, 0x8000_0000])),
        [0x18, 0x20]
    );
    // DeepSeek-V3.1: the f32 logarithm of the quotient.
    for (bits, code) in
        [(0x4060_0001, 120), (0x38E0_0001, 105), (0x38E0_0006, 105), (0x38E0_0040, 106)]
    {
        assert_eq!(
            quantized("deepseek::v3_1::FP8_E4M3_1X128", &[bits]).scales(),
            [code],
            "{bits:#x}"
        );
    }
    // Transformer Engine passes over NaN.
    assert_eq!(
        quantized("transformer_engine::MXFP8_E4M3", &[0x3F80_0000, 0x7FC0_0000]).scales(),
        [119]
    );
}
