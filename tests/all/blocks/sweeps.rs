//! Scale rules next to every power of two, and NaN elements, as the programs themselves have them: `tests/golden/sweeps`.

use std::path::Path;
use subhalf::{BlockSpec, BlockStats, FormatSpec, QuantTensor, Quantizer, ScaleRule, TensorScale, preset};

fn read(name: &str) -> Vec<Vec<u32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sweeps").join(format!("{name}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |(i, field): (usize, &str)| u32::from_str_radix(field, if i == 0 { 16 } else { 10 }).expect("a number");
    text.lines().map(|line| line.split('\t').enumerate().map(number).collect()).collect()
}

/// The largest magnitudes of a sweep, and the program's scale codes.
fn sweep(name: &str) -> (Vec<f32>, Vec<u8>) {
    let runs = read(name);
    let each = |run: &Vec<u32>| (run[0]..run[0] + run[1]).map(|bits| (f32::from_bits(bits), run[2] as u8)).collect::<Vec<_>>();
    runs.iter().flat_map(each).unzip()
}

/// File, preset, and how many numbers there are.
const SWEEPS: [(&str, &str, usize); 18] = [
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
    ("ct_mxfp4", "compressed_tensors::MXFP4", 34_956),
    ("ct_mxfp6_e2m3", "compressed_tensors::MXFP6_E2M3", 34_956),
    ("ct_mxfp8_e4m3", "compressed_tensors::MXFP8_E4M3", 34_956),
    ("ggml_mxfp4", "ggml::MXFP4", 34_956),
];

#[test]
fn scales_next_to_powers_of_two_are_the_programs() {
    for (file, name, count) in SWEEPS {
        let (amax, expected) = sweep(file);
        assert_eq!(amax.len(), count, "{file}");
        let spec = preset::by_name(name).expect("a preset").spec;
        let quantizer = Quantizer::new(&spec);
        for tensor in [quantizer.quantize(&amax, &[count, 1]), quantizer.quantize_reference(&amax, &[count, 1])] {
            let tensor = tensor.expect("a tensor");
            let wrong: Vec<_> = (0..count).filter(|&i| tensor.scales()[i] != expected[i] && !wraps(name, amax[i])).collect();
            let first = wrong.first().map(|&i| (amax[i].to_bits(), expected[i], tensor.scales()[i]));
            assert_eq!(first, None, "{name}: {} of {count} differ; amax, expected, found", wrong.len());
        }
    }
}

/// ggml makes a byte of a negative number of exponents: the preset's documentation says that these are clamped.
fn wraps(name: &str, amax: f32) -> bool {
    name == "ggml::MXFP4" && amax < f32::powi(2.0, -125)
}

/// torchao and Model Optimizer round the quotient's f32 logarithm up; just above a power of two it is that power. A block of
/// magnitude `amax` has the first code, and the exact rule's the second.
#[test]
fn ceil_of_an_f32_logarithm_is_not_the_exact_rule() {
    let rows = [
        ("torchao::MXFP4_RCEIL_EAGER", "torchao::MXFP4_RCEIL", 1.5 + f32::EPSILON, -7, 118, 119),
        ("torchao::MXFP6_E3M2_RCEIL_EAGER", "torchao::MXFP6_E3M2_RCEIL", 1.75 + f32::EPSILON, 8, 131, 132),
        ("torchao::MXFP6_E3M2_RCEIL_EAGER", "torchao::MXFP6_E3M2_RCEIL", 1.75 + f32::EPSILON, -7, 116, 117),
        ("torchao::MXFP8_E4M3_RCEIL_EAGER", "torchao::MXFP8_E4M3_RCEIL", 1.75 + f32::EPSILON, -7, 112, 113),
        ("torchao::MXFP8_E4M3_RCEIL_EAGER", "torchao::MXFP8_E4M3_RCEIL_RECIPROCAL", 1.75 + f32::EPSILON, -7, 112, 113),
        ("torchao::MXFP8_E5M2_RCEIL_EAGER", "torchao::MXFP8_E5M2_RCEIL", 1.75 + f32::EPSILON, 8, 120, 121),
        ("torchao::MXFP8_E5M2_RCEIL_EAGER", "torchao::MXFP8_E5M2_RCEIL", 1.75 + f32::EPSILON, -7, 105, 106),
        ("modelopt::MXFP4", "ocp::MXFP4_ROUND_UP", 1.5 + f32::EPSILON, -7, 118, 119),
        ("modelopt::MXFP8_E4M3", "ocp::MXFP8_E4M3_ROUND_UP", 1.75 + f32::EPSILON, -7, 112, 113),
    ];
    for (program, exact, significand, exponent, by_logarithm, by_quotient) in rows {
        let block = [significand * f32::powi(2.0, exponent), 0.0];
        for (name, code) in [(program, by_logarithm), (exact, by_quotient)] {
            let tensor = QuantTensor::quantize(&preset::by_name(name).unwrap().spec, &block, &[2]).unwrap();
            assert_eq!(tensor.scales(), [code], "{name} {significand} 2^{exponent}");
        }
    }
}

/// The thresholds of both logarithm rules in every binade against f64's logarithm, which is nowhere near a midpoint of
/// f32s within 64 units of a power of two.
#[test]
fn logarithm_rules_equal_rounded_logarithms() {
    let element = FormatSpec::F4E2M1;
    let exponent = |rule: ScaleRule, x: f32| {
        let stats = BlockStats { amax: x, ..BlockStats::EMPTY };
        let scale = rule.ideal(&stats, &element, TensorScale::None, 1.0);
        assert_eq!(scale.to_bits() << 12, 0, "{x:e}: a power of two");
        (scale.to_bits() >> 52) as i32 - 1023
    };
    for power in -149..128 {
        let bits = (f64::powi(2.0, power) as f32).to_bits();
        for x in (bits.saturating_sub(96).max(1)..=bits + 96).map(f32::from_bits).filter(|x| x.is_finite()) {
            let logarithm = f64::from(x).log2() as f32;
            assert_eq!(exponent(ScaleRule::Log2Ceil { target: 1.0 }, x), logarithm.ceil() as i32, "ceil {x:e}");
            assert_eq!(exponent(ScaleRule::Log2Floor, x) + 2, logarithm.floor() as i32, "floor {x:e}");
        }
    }
}

/// torchao divides an element by its scale before the payload of a NaN is rounded away, and the division makes it quiet. In
/// the other modes than RCEIL the divisor of a block with NaN is infinite; under RCEIL it is NaN, and so is the product.
#[test]
fn nan_elements_of_torchao_are_quiet() {
    let rows = read("torchao_nan");
    assert_eq!(rows.len(), 382);
    let formats = ["MXFP4", "MXFP6_E2M3", "MXFP6_E3M2"];
    for row in &rows {
        for (format, expected) in formats.iter().zip(&row[1..]) {
            for mode in ["FLOOR", "CEIL", "EVEN"] {
                let spec = preset::by_name(&format!("torchao::{format}_{mode}")).unwrap().spec;
                let tensor = QuantTensor::quantize(&spec, &[1.0, f32::from_bits(row[0]), -2.0], &[3]).unwrap();
                assert_eq!(tensor.view().code(1), Some(*expected), "{format} {mode} {:#x}", row[0]);
                assert_eq!(tensor.scales(), [0xFF]);
            }
        }
    }
    for (format, expected) in formats.iter().zip([3, 12, 14]) {
        for rule in ["RCEIL", "RCEIL_EAGER"] {
            let spec = preset::by_name(&format!("torchao::{format}_{rule}")).unwrap().spec;
            for bits in [0x7F80_0001, 0xFF80_0001, 0x7FC0_0001, 0x7FBF_FFFF, 0xFFFF_FFFF] {
                let tensor = QuantTensor::quantize(&spec, &[1.0, f32::from_bits(bits)], &[2]).unwrap();
                assert_eq!(tensor.view().code(1), Some(expected), "{format} {rule} {bits:#x}");
            }
        }
    }
}

/// microxcaling's f32 logarithm rounds to 128 in the last 44 f32s below 2^128; the power of two is then infinite, and the
/// element NaN. One below, it is the largest element.
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
            let from = preset::by_name(&format!("microxcaling::MXFP4_{name}")).unwrap().spec;
            let alone = BlockSpec { element, scale: None, rule: ScaleRule::Unit, nonfinite: subhalf::Nonfinite::Ignore, ..from };
            let code = |x: f32| QuantTensor::quantize(&alone, &[x], &[1]).unwrap().view().code(0).unwrap();
            let nan = element.encode_with(subhalf::Unpacked::from_f32(f32::NAN), &alone.element_convert, 0).code;
            for ulps in 0..44 {
                let x = f32::from_bits(f32::MAX.to_bits() - ulps);
                assert_eq!((code(x), code(-x)), (nan, nan), "{} {name} {ulps}", element.name());
            }
            let below = f32::from_bits(f32::MAX.to_bits() - 44);
            assert_eq!(element.decode_f32(code(below)), max, "{} {name}", element.name());
        }
    }
}
