//! torchao's RCEIL where no program's output stands behind it (compiled for `sm_100`, and the
//! Triton kernel), computed a second time from its source: plain f32 loops over tables, which share
//! no code with the crate.

use super::inputs::{Random, edge_blocks, small_blocks};
use super::naive_fp8::{Table, amax, ceil_code, decode, e2m1, e4m3, e5m2, floats, power, signed};
use subhalf::{QuantTensor, preset};

/// Name, table of the non-negative codes, the weight of the sign bit, the number that the largest
/// magnitude is divided by.
fn formats() -> [(&'static str, Table, u32, f32); 5] {
    [
        ("MXFP8_E4M3", e4m3(), 0x80, 448.0),
        ("MXFP8_E5M2", e5m2(), 0x80, 57344.0),
        ("MXFP6_E3M2", floats(2, 3, 0x1F), 0x20, 28.0),
        ("MXFP6_E2M3", floats(3, 1, 0x1F), 0x20, 7.5),
        ("MXFP4", e2m1(), 0x8, 6.0),
    ]
}

/// The presets that are compared here.
pub(super) fn names() -> Vec<String> {
    let compiled = formats().map(|(name, ..)| format!("torchao::{name}_RCEIL"));
    [compiled.to_vec(), vec!["torchao::MXFP8_E4M3_RCEIL_RECIPROCAL".to_owned()]].concat()
}

/// The scale's code, the elements' codes and what they come back as.
fn quantize(table: &Table, sign: u32, ratio: f32, block: &[f32]) -> (u32, Vec<u32>, Vec<f32>) {
    // cvt.rp.satfinite: NaN to 255, infinity to 254, otherwise the power of two that is not below.
    let scale = if ratio.is_infinite() { 254 } else { ceil_code(ratio) };
    let reciprocal = match scale {
        255 => f32::NAN,
        0 => 1.0,
        code => 2f64.powi(127 - code as i32) as f32,
    };
    let codes: Vec<u32> = block.iter().map(|x| signed(table, sign, x * reciprocal)).collect();
    let values = codes.iter().map(|&code| decode(table, sign, code) * power(scale)).collect();
    (scale, codes, values)
}

#[test]
fn rceil_agrees_with_a_naive_implementation() {
    let mut random = Random::new(19);
    let mut blocks = [edge_blocks(32), small_blocks(32)].concat();
    blocks.extend((0..500).map(|_| random.block(32)));
    blocks.push([&[f32::INFINITY, 1.0, -3.0][..], &[0.5; 29]].concat());
    // Next to every power of two times the largest element.
    for (_, _, _, max) in formats() {
        for exponent in -126..119 {
            let edge = (f64::from(max) * 2f64.powi(exponent)) as f32;
            if edge.is_finite() {
                blocks.extend([-1i32, 0, 1, 2].map(|ulps| {
                    let largest = f32::from_bits(edge.to_bits().wrapping_add_signed(ulps));
                    (0..32).map(|i| largest / (1 + i % 7) as f32).collect()
                }));
            }
        }
    }
    for name in names() {
        let (table, sign, max) = formats()
            .into_iter()
            .find(|(format, ..)| name.starts_with(&format!("torchao::{format}_")))
            .map(|(_, table, sign, max)| (table, sign, max))
            .expect("a format");
        let spec = preset::by_name(&name).expect("a preset").spec;
        for block in &blocks {
            let ratio = if name.ends_with("RECIPROCAL") {
                amax(block) * (1.0 / max)
            } else {
                amax(block) / max
            };
            let (scale, codes, values) = quantize(&table, sign, ratio, block);
            let tensor = QuantTensor::quantize(&spec, block, &[32]).expect("a block");
            assert_eq!(u32::from(tensor.scales()[0]), scale, "{name}: {:e}", amax(block));
            for (i, (code, value)) in codes.iter().zip(values).enumerate() {
                // Infinity times nothing, and infinity over infinity, are left to the array of the
                // eager path.
                if block[i].is_finite() {
                    assert_eq!(
                        tensor.view().code(i),
                        Some(*code),
                        "{name}: {:e} of {:e}",
                        block[i],
                        amax(block)
                    );
                    assert_eq!(
                        tensor.view().get(i).map(f32::to_bits),
                        Some(value.to_bits()),
                        "{name}: {:e}",
                        block[i]
                    );
                }
            }
        }
    }
}

/// A preset, numbers, the exponent of their scale, their codes.
type Vector = (&'static str, &'static [f32], i32, &'static [u32]);

/// Worked by hand as those of `ocp::*_ROUND_UP`: of each preset one largest number that is just the
/// largest element, and one for which the next power of two is taken.
const VECTORS: [Vector; 12] = [
    ("torchao::MXFP4_RCEIL", &[6.0, 3.0, -1.0], 0, &[7, 5, 10]),
    ("torchao::MXFP4_RCEIL", &[6.5, 3.0, -2.5], 1, &[5, 3, 10]),
    ("torchao::MXFP6_E2M3_RCEIL", &[7.5, -0.125], 0, &[0x1F, 0x21]),
    ("torchao::MXFP6_E2M3_RCEIL", &[8.0, 1.5], 1, &[0x18, 0x06]),
    ("torchao::MXFP6_E3M2_RCEIL", &[28.0, -0.25], 0, &[0x1F, 0x24]),
    ("torchao::MXFP6_E3M2_RCEIL", &[30.0, 1.0], 1, &[0x1C, 0x08]),
    ("torchao::MXFP8_E5M2_RCEIL", &[57344.0, 1.0], 0, &[0x7B, 0x3C]),
    ("torchao::MXFP8_E5M2_RCEIL", &[65536.0, -4.0], 1, &[0x78, 0xC0]),
    ("torchao::MXFP8_E4M3_RCEIL", &[448.0, -1.0], 0, &[0x7E, 0xB8]),
    ("torchao::MXFP8_E4M3_RCEIL", &[480.0, 15.0], 1, &[0x77, 0x4F]),
    ("torchao::MXFP8_E4M3_RCEIL_RECIPROCAL", &[448.0, -1.0], 0, &[0x7E, 0xB8]),
    ("torchao::MXFP8_E4M3_RCEIL_RECIPROCAL", &[480.0, 15.0], 1, &[0x77, 0x4F]),
];

/// The name of each vector's preset.
pub(super) fn worked_names() -> Vec<String> {
    VECTORS.map(|(name, ..)| name.to_owned()).to_vec()
}

#[test]
fn rceil_worked_vectors() {
    for (name, x, exponent, codes) in VECTORS {
        let tensor =
            QuantTensor::quantize(&preset::by_name(name).unwrap().spec, x, &[x.len()]).unwrap();
        assert_eq!(i32::from(tensor.scales()[0]) - 127, exponent, "{name}");
        let found: Vec<u32> = (0..x.len()).map(|i| tensor.view().code(i).unwrap()).collect();
        assert_eq!(found, codes, "{name}");
    }
}
