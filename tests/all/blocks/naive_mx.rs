//! A second, naive implementation of OCP's MX formats under the four scale rules, from the text of
//! the rules: exponents by comparing with powers of two, elements by looking through the number
//! line. It shares no code with the crate but the table of a format's numbers.

use super::inputs::{Random, edge_blocks, small_blocks};
use super::naive::oracle_inputs;
use super::properties::{nearest, numbers};
use subhalf::{QuantTensor, preset};

/// The element formats: name, exponent of the largest number, largest number, mantissa bits (OCP MX
/// 1.0, table 1 and 5.3).
const ELEMENTS: [(&str, i32, f64, i32); 6] = [
    ("MXFP8_E4M3", 8, 448.0, 3),
    ("MXFP8_E5M2", 15, 57344.0, 2),
    ("MXFP6_E3M2", 4, 28.0, 2),
    ("MXFP6_E2M3", 2, 7.5, 3),
    ("MXFP4", 2, 6.0, 1),
    ("MXINT8", 0, 127.0 / 64.0, 6),
];

/// The ends of the presets' names.
const RULES: [&str; 4] = ["", "_CEIL", "_ROUND_UP", "_EVEN"];

/// The presets that are compared here.
pub(super) fn names() -> Vec<String> {
    ELEMENTS
        .iter()
        .flat_map(|(element, ..)| RULES.map(|rule| format!("ocp::{element}{rule}")))
        .collect()
}

fn power(exponent: i32) -> f64 {
    f64::powi(2.0, exponent)
}

/// The largest e with 2^e <= x.
fn floor_log2(x: f64) -> i32 {
    (-200..=200).rev().find(|&e| power(e) <= x).expect("a positive number")
}

/// The exponent of the shared scale, clamped to E8M0's; a block of zeros takes the smallest.
fn exponent(rule: &str, amax: f64, emax: i32, max: f64, bits: i32) -> i32 {
    if amax == 0.0 {
        return -127;
    }
    let exponent = match rule {
        "" => floor_log2(amax) - emax,
        // The smallest e with amax <= 2^e, less emax.
        "_CEIL" => (-200..=200).find(|&e| amax <= power(e)).expect("an exponent") - emax,
        // The smallest e with amax <= max * 2^e.
        "_ROUND_UP" => (-200..=200).find(|&e| amax <= max * power(e)).expect("an exponent"),
        // amax rounded half up to so many bits behind the leading one, then as OCP's rule. f32
        // subnormals have the units of the smallest normal numbers.
        "_EVEN" => {
            let unit = power(floor_log2(amax).max(-126) - bits);
            let rounded = (amax / unit + 0.5).floor() * unit;
            let rounded = if rounded < power(-126) { amax } else { rounded };
            floor_log2(rounded) - emax
        }
        _ => panic!("a rule unknown to the test"),
    };
    exponent.clamp(-127, 127)
}

#[test]
fn mx_formats_agree_with_a_naive_implementation() {
    let mut checked = 0;
    for (name, emax, max, bits) in ELEMENTS {
        for rule in RULES {
            let preset = preset::by_name(&format!("ocp::{name}{rule}")).unwrap();
            let mut numbers = numbers(&preset.spec.element);
            numbers.retain(|(x, _)| x.abs() <= max);
            let mut random = Random::new(6);
            let theirs = oracle_inputs().concat();
            let blocks = [
                edge_blocks(32),
                small_blocks(32),
                theirs.chunks(32).map(<[f32]>::to_vec).collect(),
            ]
            .concat();
            for block in blocks.into_iter().chain((0..300).map(|_| random.block(32))) {
                let amax = block.iter().fold(0.0f64, |amax, x| amax.max(f64::from(x.abs())));
                let e = exponent(rule, amax, emax, max, bits);
                let tensor = QuantTensor::quantize(&preset.spec, &block, &[32]).unwrap();
                assert_eq!(
                    i32::from(tensor.scales()[0]),
                    e + 127,
                    "{}: amax {amax:e}",
                    preset.name
                );
                for (x, found) in block.iter().zip(tensor.dequantize()) {
                    let expected = (nearest(&numbers, f64::from(*x) / power(e)) * power(e)) as f32;
                    assert_eq!(found, expected, "{}: {x:e}", preset.name);
                    assert!(
                        found != 0.0
                            || found.is_sign_negative() == x.is_sign_negative()
                            || name == "MXINT8"
                    );
                    checked += 1;
                }
            }
            // What is not finite makes its block NaN.
            for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let tensor = QuantTensor::quantize(&preset.spec, &[1.0, x, 0.5], &[3]).unwrap();
                assert_eq!(tensor.scales(), [0xFF]);
                assert!(tensor.dequantize().iter().all(|x| x.to_bits() == 0x7FC0_0000));
            }
        }
    }
    assert!(checked > 200_000, "{checked}");
}

/// A preset, numbers, the exponent of their scale, their codes.
type Vector = (&'static str, &'static [f32], i32, &'static [u32]);

/// Worked by hand: of every element and rule that is not OCP's own, one amax that the rule bumps
/// and one that it does not.
const VECTORS: [Vector; 39] = [
    // amax 7: floor 2^0, and 7 clamps to 6; even rounds 1.75 to 2, so 2^1: 3.5 ties to 4; ceil and
    // round-up 2^1.
    ("ocp::MXFP4", &[7.0, -0.5, 0.25], 0, &[7, 9, 0]),
    ("ocp::MXFP4_EVEN", &[7.0, -0.5, 1.5], 1, &[6, 8, 2]),
    ("ocp::MXFP4_EVEN", &[6.0, 2.5], 0, &[7, 4]),
    ("ocp::MXFP4_CEIL", &[6.0, 3.0, -1.0], 1, &[5, 3, 9]),
    ("ocp::MXFP4_CEIL", &[4.0, -0.25], 0, &[6, 8]),
    ("ocp::MXFP4_ROUND_UP", &[6.0, 3.0, -1.0], 0, &[7, 5, 10]),
    ("ocp::MXFP4_ROUND_UP", &[6.5, 3.0, -2.5], 1, &[5, 3, 10]),
    // E4M3: 2^e (1 + m/8) is (e + 7) << 3 | m. 448 / 2 = 1.75 · 2^7.
    ("ocp::MXFP8_E4M3_CEIL", &[448.0, 3.0], 1, &[0x76, 0x3C]),
    ("ocp::MXFP8_E4M3_CEIL", &[256.0, -1.0], 0, &[0x78, 0xB8]),
    ("ocp::MXFP8_E4M3_ROUND_UP", &[448.0, -1.0], 0, &[0x7E, 0xB8]),
    ("ocp::MXFP8_E4M3_ROUND_UP", &[480.0, 15.0], 1, &[0x77, 0x4F]),
    // 480 = 1.875 · 2^8 is below 1.9375 and clamps; 496 is that, and ties to 256.
    ("ocp::MXFP8_E4M3_EVEN", &[480.0, 1.0], 0, &[0x7E, 0x38]),
    ("ocp::MXFP8_E4M3_EVEN", &[496.0, -2.0], 1, &[0x78, 0xB8]),
    // E5M2: (e + 15) << 2 | m.
    ("ocp::MXFP8_E5M2_CEIL", &[57344.0, 0.0], 1, &[0x77, 0x00]),
    ("ocp::MXFP8_E5M2_CEIL", &[32768.0, -2.0], 0, &[0x78, 0xC0]),
    ("ocp::MXFP8_E5M2_ROUND_UP", &[57344.0, 1.0], 0, &[0x7B, 0x3C]),
    ("ocp::MXFP8_E5M2_ROUND_UP", &[65536.0, -4.0], 1, &[0x78, 0xC0]),
    // 61440 = 1.875 · 2^15; its half ties between 1.75 · 2^14 and 2^15.
    ("ocp::MXFP8_E5M2_EVEN", &[61440.0, 3.0], 1, &[0x78, 0x3E]),
    ("ocp::MXFP8_E5M2_EVEN", &[57344.0, -1.0], 0, &[0x7B, 0xBC]),
    // E3M2: (e + 3) << 2 | m. 28 / 2 = 1.75 · 2^3.
    ("ocp::MXFP6_E3M2_CEIL", &[28.0, 1.0], 1, &[0x1B, 0x08]),
    ("ocp::MXFP6_E3M2_CEIL", &[16.0, -3.0], 0, &[0x1C, 0x32]),
    ("ocp::MXFP6_E3M2_ROUND_UP", &[28.0, -0.25], 0, &[0x1F, 0x24]),
    ("ocp::MXFP6_E3M2_ROUND_UP", &[30.0, 1.0], 1, &[0x1C, 0x08]),
    // 30 = 1.875 · 2^4; its half ties between 14 and 16. 29 clamps.
    ("ocp::MXFP6_E3M2_EVEN", &[30.0, 2.0], 1, &[0x1C, 0x0C]),
    ("ocp::MXFP6_E3M2_EVEN", &[29.0, -1.0], 0, &[0x1F, 0x2C]),
    // E2M3: (e + 1) << 3 | m, and eighths below 1.
    ("ocp::MXFP6_E2M3_CEIL", &[7.5, 1.0], 1, &[0x17, 0x04]),
    ("ocp::MXFP6_E2M3_CEIL", &[4.0, -1.125], 0, &[0x18, 0x29]),
    ("ocp::MXFP6_E2M3_ROUND_UP", &[7.5, -0.125], 0, &[0x1F, 0x21]),
    ("ocp::MXFP6_E2M3_ROUND_UP", &[8.0, 1.5], 1, &[0x18, 0x06]),
    ("ocp::MXFP6_E2M3_EVEN", &[7.5, 1.0], 0, &[0x1F, 0x08]),
    ("ocp::MXFP6_E2M3_EVEN", &[7.75, 1.0], 1, &[0x18, 0x04]),
    // 1.99 · 64 = 127.36; -1.5 · 64 = -96.
    ("ocp::MXINT8", &[1.99, -1.5, 1.0 / 128.0], 0, &[127, 160, 0]),
    ("ocp::MXINT8", &[1.0, -0.5], 0, &[64, 224]),
    ("ocp::MXINT8_CEIL", &[1.5, -1.0], 1, &[48, 224]),
    ("ocp::MXINT8_CEIL", &[1.0, 1.0 / 64.0], 0, &[64, 1]),
    // 1.99 is above 127/64, so the scale is 2: 63.68 and -48.
    ("ocp::MXINT8_ROUND_UP", &[1.99, -1.5], 1, &[64, 208]),
    ("ocp::MXINT8_ROUND_UP", &[127.0 / 64.0, -1.0 / 64.0], 0, &[127, 255]),
    // 2 - 2^-7 is rounded to 2: half of it is 63.75 of 64.
    ("ocp::MXINT8_EVEN", &[255.0 / 128.0, 1.0], 1, &[64, 32]),
    ("ocp::MXINT8_EVEN", &[127.0 / 64.0, -1.5], 0, &[127, 160]),
];

/// Of each preset with a vector here its name, once for each.
pub(super) fn worked_names() -> Vec<String> {
    VECTORS.map(|(name, ..)| name.to_owned()).to_vec()
}

#[test]
fn mx_worked_vectors() {
    for (name, x, exponent, codes) in VECTORS {
        let tensor =
            QuantTensor::quantize(&preset::by_name(name).unwrap().spec, x, &[x.len()]).unwrap();
        assert_eq!(i32::from(tensor.scales()[0]) - 127, exponent, "{name}");
        let found: Vec<u32> = (0..x.len()).map(|i| tensor.view().code(i).unwrap()).collect();
        assert_eq!(found, codes, "{name}");
    }
}
