//! ggml's types a second time: plain loops after formats.md 3.6, 3.7 and 3.12, bytes to numbers and
//! numbers to bytes. Types that are read only are in `naive_superblocks`.

use super::inputs::Random;
use super::naive::{blocks, check, oracle_inputs};
use super::naive_superblocks;
use subhalf::layout::{GgmlType, from_ggml, from_ggml_with, to_ggml};
use subhalf::{Accept, QuantTensor};

pub(super) fn half(bytes: &[u8]) -> f32 {
    let bits = u16::from_le_bytes([bytes[0], bytes[1]]);
    let (field, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match field {
        0 => mantissa * f32::powi(2.0, -24),
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + mantissa) * f32::powi(2.0, field - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

fn half_bytes(x: f32) -> [u8; 2] {
    let (sign, magnitude) = (u16::from(x.is_sign_negative()) << 15, f64::from(x.abs()));
    if magnitude >= 65520.0 {
        return (sign | 0x7C00).to_le_bytes();
    }
    let mut exponent = -14;
    while magnitude >= f64::powi(2.0, exponent + 1) {
        exponent += 1;
    }
    let units = (magnitude / f64::powi(2.0, exponent - 10)).round_ties_even() as u16;
    // 1024 units are the hidden bit of the first binade.
    (sign | ((((exponent + 14) as u16) << 10) + units)).to_le_bytes()
}

/// E2M1 doubled.
const DOUBLED: [f32; 16] =
    [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0];

/// UE4M3, half its value.
fn half_ue4m3(code: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 15), f32::from(code & 7));
    match code {
        0 | 0x7F => 0.0,
        _ if exponent == 0 => mantissa * f32::powi(2.0, -10),
        _ => (1.0 + mantissa / 8.0) * f32::powi(2.0, exponent - 8),
    }
}

/// E8M0, half its value.
fn half_e8m0(code: u8) -> f32 {
    f32::from_bits(match code {
        0 => 0x0020_0000,
        1 => 0x0040_0000,
        _ => (u32::from(code) - 1) << 23,
    })
}

fn to_ue4m3(x: f32) -> u8 {
    if x.is_nan() || x <= 0.0 {
        return 0;
    }
    let bits = x.min(448.0).to_bits();
    let mut exponent = (bits >> 23) as i32 - 127 + 7;
    if exponent <= 0 {
        return (x * 512.0 + 0.5).min(7.0) as u8;
    }
    let mut mantissa = (bits >> 20 & 7) + (bits >> 19 & 1);
    if mantissa == 8 {
        (mantissa, exponent) = (0, exponent + 1);
    }
    if exponent >= 15 { 0x7E } else { (exponent as u8) << 3 | mantissa as u8 }
}

fn fp4(x: f32, d: f32) -> u8 {
    let error = |code: u8| (DOUBLED[code as usize] * d - x).abs();
    (1..16).fold(0, |best, code| if error(code) < error(best) { code } else { best })
}

fn nibbles(codes: &[u8], half: usize) -> Vec<u8> {
    (0..half).map(|j| codes[j] & 15 | (codes[j + half] & 15) << 4).collect()
}

fn fifth_bits(codes: &[u8]) -> [u8; 4] {
    (0..32).fold(0u32, |bits, j| bits | u32::from(codes[j] >> 4) << j).to_le_bytes()
}

/// The bytes of one block; NVFP4's are of 64 numbers.
fn quantize(kind: GgmlType, x: &[f32]) -> Vec<u8> {
    let (mut amax, mut max, mut min, mut top) = (0.0f32, 0.0f32, f32::MAX, -f32::MAX);
    for &v in x {
        if v.abs() > amax {
            (amax, max) = (v.abs(), v);
        }
        min = if v < min { v } else { min };
        top = if v > top { v } else { top };
    }
    let inverse = |d: f32| if d == 0.0 { 0.0 } else { 1.0 / d };
    match kind {
        GgmlType::Q4_0 => {
            let d = max / -8.0;
            let codes: Vec<u8> =
                x.iter().map(|x| ((x * inverse(d) + 8.5) as i8).min(15) as u8).collect();
            [&half_bytes(d)[..], &nibbles(&codes, 16)].concat()
        }
        GgmlType::Q5_0 => {
            let d = max / -16.0;
            let codes: Vec<u8> =
                x.iter().map(|x| ((x * inverse(d) + 16.5) as i8).min(31) as u8).collect();
            [&half_bytes(d)[..], &fifth_bits(&codes), &nibbles(&codes, 16)].concat()
        }
        GgmlType::Q4_1 => {
            let d = (top - min) / 15.0;
            let codes: Vec<u8> =
                x.iter().map(|x| (((x - min) * inverse(d) + 0.5) as i8).min(15) as u8).collect();
            [&half_bytes(d)[..], &half_bytes(min), &nibbles(&codes, 16)].concat()
        }
        GgmlType::Q5_1 => {
            let d = (top - min) / 31.0;
            let codes: Vec<u8> = x.iter().map(|x| ((x - min) * inverse(d) + 0.5) as u8).collect();
            [&half_bytes(d)[..], &half_bytes(min), &fifth_bits(&codes), &nibbles(&codes, 16)]
                .concat()
        }
        GgmlType::Q8_0 => {
            let d = amax / 127.0;
            let codes: Vec<u8> = x.iter().map(|x| (x * inverse(d)).round() as i8 as u8).collect();
            [&half_bytes(d)[..], &codes].concat()
        }
        GgmlType::Mxfp4 => {
            // log2f: just below a power of two it is that power's.
            let exponent = (f64::from(amax).log2() as f32).floor();
            let code = if amax == 0.0 { 0 } else { (exponent - 2.0 + 127.0) as u8 };
            let codes: Vec<u8> = x.iter().map(|&x| fp4(x, half_e8m0(code))).collect();
            [&[code][..], &nibbles(&codes, 16)].concat()
        }
        GgmlType::Nvfp4 => {
            let (mut scales, mut packed) = (Vec::new(), Vec::new());
            for x in x.chunks(16) {
                let code = to_ue4m3(x.iter().fold(0.0, |amax: f32, x| amax.max(x.abs())) / 6.0);
                let codes: Vec<u8> = x.iter().map(|&x| fp4(x, half_ue4m3(code))).collect();
                scales.push(code);
                packed.extend(nibbles(&codes, 8));
            }
            [scales, packed].concat()
        }
        _ => unreachable!("read only"),
    }
}

/// The numbers of one block.
fn dequantize(kind: GgmlType, block: &[u8]) -> Vec<f32> {
    let nibble =
        |qs: &[u8], half: usize, j: usize| if j < half { qs[j] & 15 } else { qs[j - half] >> 4 };
    let fifth = |qh: &[u8], j: usize| {
        (u32::from_le_bytes([qh[0], qh[1], qh[2], qh[3]]) >> j & 1) as u8 * 16
    };
    match kind {
        GgmlType::Q4_0 => {
            (0..32).map(|j| (f32::from(nibble(&block[2..], 16, j)) - 8.0) * half(block)).collect()
        }
        GgmlType::Q4_1 => (0..32)
            .map(|j| f32::from(nibble(&block[4..], 16, j)) * half(block) + half(&block[2..]))
            .collect(),
        GgmlType::Q5_0 => (0..32)
            .map(|j| {
                (f32::from(nibble(&block[6..], 16, j) | fifth(&block[2..], j)) - 16.0) * half(block)
            })
            .collect(),
        GgmlType::Q5_1 => (0..32)
            .map(|j| {
                f32::from(nibble(&block[8..], 16, j) | fifth(&block[4..], j)) * half(block)
                    + half(&block[2..])
            })
            .collect(),
        GgmlType::Q8_0 => (0..32).map(|j| f32::from(block[2 + j] as i8) * half(block)).collect(),
        GgmlType::Mxfp4 => (0..32)
            .map(|j| DOUBLED[nibble(&block[1..], 16, j) as usize] * half_e8m0(block[0]))
            .collect(),
        GgmlType::Nvfp4 => (0..64)
            .map(|i| {
                DOUBLED[nibble(&block[4 + i / 16 * 8..], 8, i % 16) as usize]
                    * half_ue4m3(block[i / 16])
            })
            .collect(),
        _ => naive_superblocks::dequantize(kind, block),
    }
}

const WRITTEN: [GgmlType; 7] = [
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Mxfp4,
    GgmlType::Nvfp4,
];

#[test]
fn bytes_equal_plain_loops() {
    let mut inputs = oracle_inputs();
    inputs.extend([blocks(480), blocks(0)]);
    for kind in WRITTEN {
        let length = kind.block_len();
        for x in &inputs {
            // formats.md 3.6: below 2^-125, and where differences overflow, the C conversions are
            // undefined.
            let fits = |x: &&[f32]| {
                x.iter().all(|x| {
                    *x == 0.0 || (x.abs() > f32::powi(2.0, -100) && x.abs() < f32::powi(2.0, 120))
                })
            };
            let x: Vec<f32> = x.chunks_exact(length).filter(fits).flatten().copied().collect();
            let tensor = QuantTensor::quantize(&kind.spec(), &x, &[x.len() / length, length])
                .expect("a shape that fits");
            let found = to_ggml(kind, &tensor.view()).expect("a tensor of this type");
            for ((x, found), i) in x.chunks(length).zip(found.chunks(kind.block_bytes())).zip(0..) {
                assert_eq!(found, quantize(kind, x), "{kind:?}, block {i}: {x:?}");
            }
            let expected: Vec<f32> = found
                .chunks(kind.block_bytes())
                .flat_map(|block| dequantize(kind, block))
                .collect();
            check(&format!("{kind:?}"), &tensor.dequantize(), &expected);
        }
    }
}

#[test]
fn random_bytes_come_back_and_mean_what_plain_loops_say() {
    let mut random = Random::new(4);
    // Tables of grids are not restated: tests/all/gguf/grids.rs has what ggml makes of every point.
    let grids = [
        GgmlType::Iq2Xxs,
        GgmlType::Iq2Xs,
        GgmlType::Iq2S,
        GgmlType::Iq3Xxs,
        GgmlType::Iq3S,
        GgmlType::Iq1S,
        GgmlType::Iq1M,
    ];
    for kind in GgmlType::ALL.into_iter().filter(|kind| !grids.contains(kind)) {
        for _ in 0..200 {
            let mut bytes =
                (0..6 * kind.block_bytes()).map(|_| random.word() as u8).collect::<Vec<u8>>();
            let fp4 = matches!(kind, GgmlType::Mxfp4 | GgmlType::Nvfp4);
            for block in bytes.chunks_mut(kind.block_bytes()) {
                // The two codes that mean something else, see the module of the presets: E8M0's
                // 0xFF, FP4's 8.
                let codes = if kind == GgmlType::Mxfp4 { 1 } else { 4 };
                for byte in block.iter_mut().filter(|_| fp4) {
                    *byte = if *byte == 0xFF { 0xFE } else { *byte };
                }
                for byte in block[codes..].iter_mut().filter(|_| fp4) {
                    *byte = if *byte & 15 == 8 { *byte ^ 1 } else { *byte };
                    *byte = if *byte >> 4 == 8 { *byte ^ 0x10 } else { *byte };
                }
            }
            // Some of the random F16 scales are NaN or infinite.
            let read = from_ggml_with(kind, &bytes, &[3, 2 * kind.block_len()], Accept::Nonfinite);
            let tensor = read.expect("bytes of this shape");
            let expected: Vec<f32> = bytes
                .chunks(kind.block_bytes())
                .flat_map(|block| dequantize(kind, block))
                .collect();
            check(&format!("{kind:?}"), &tensor.dequantize(), &expected);
            if WRITTEN.contains(&kind) {
                assert_eq!(
                    to_ggml(kind, &tensor.view()).expect("a tensor of this type"),
                    bytes,
                    "{kind:?}"
                );
            } else if !kind.is_written() {
                // Superblocks that are written have several factors for the same scales: their
                // bytes are in tests/all/gguf/superblocks.rs.
                assert!(to_ggml(kind, &tensor.view()).is_err());
            }
        }
    }
}

/// Every scale byte, and every byte of two codes.
#[test]
fn every_byte_of_fp4_comes_back() {
    for kind in [GgmlType::Mxfp4, GgmlType::Nvfp4] {
        let bytes: Vec<u8> = (0..=255u8).flat_map(|byte| vec![byte; kind.block_bytes()]).collect();
        let tensor =
            from_ggml(kind, &bytes, &[256, kind.block_len()]).expect("bytes of this shape");
        assert_eq!(to_ggml(kind, &tensor.view()).expect("a tensor of this type"), bytes);
    }
}

#[test]
fn nvfp4_scales_are_the_worked_ones() {
    // formats.md 7.7; amax is six times as much, exactly.
    let worked = [
        (240.0, 0x77),
        (248.0, 0x7E),
        (256.0, 0x7E),
        (300.0, 0x7E),
        (447.0, 0x7E),
        (7.625 / 512.0, 0x07),
        (0.5 / 512.0, 0x01),
    ];
    for (scale, code) in worked {
        let tensor = QuantTensor::quantize(&GgmlType::Nvfp4.spec(), &[6.0 * scale; 16], &[16])
            .expect("a shape that fits");
        assert_eq!(tensor.scales(), [code], "{scale}");
    }
    let code = |x: f32| {
        QuantTensor::quantize(&GgmlType::Nvfp4.spec(), &[x], &[1])
            .expect("a shape that fits")
            .scales()[0]
    };
    assert_eq!((code(247.875 * 6.0), code(0.01), code(0.0)), (0x77, 0x01, 0));
}

#[test]
fn superblocks_unpack_to_the_worked_numbers() {
    // d = 2, dmin = 0.5; group 0: scale 3, minimum 4; all others 0. Codes 5 and, 32 further on, 9.
    let mut block = vec![0u8; 144];
    (block[1], block[3], block[4], block[8], block[16]) = (0x40, 0x38, 3, 4, 0x95);
    let numbers = from_ggml(GgmlType::Q4K, &block, &[256]).expect("one superblock").dequantize();
    assert_eq!((numbers[0], numbers[1], numbers[32]), (2.0 * 3.0 * 5.0 - 0.5 * 4.0, -2.0, 0.0));
    // Group 7's scale is 0x3F from the low nibble of byte 11 and the top of byte 3, its minimum
    // 0x21 from the high nibble and the top of byte 7.
    let mut block = vec![0u8; 144];
    (block[1], block[3], block[4 + 3], block[4 + 7], block[4 + 11], block[143]) =
        (0x3C, 0x3C, 0xC0, 0x80, 0x1F, 0x20);
    let numbers = from_ggml(GgmlType::Q4K, &block, &[256]).expect("one superblock").dequantize();
    assert_eq!((numbers[255], numbers[254], numbers[96]), (63.0 * 2.0 - 33.0, -33.0, 0.0));
    // Q6_K with d = 1: element 100 is in the high nibble of byte 36 and bits 6 and 7 of the byte
    // for 4; its scale is the seventh.
    let mut block = vec![0u8; 210];
    (block[36], block[128 + 4], block[192 + 6], block[209]) = (0x70, 0x80, 0xFE, 0x3C);
    let numbers = from_ggml(GgmlType::Q6K, &block, &[256]).expect("one superblock").dequantize();
    assert_eq!((numbers[100], numbers[101], numbers[0]), ((0x27 - 32) as f32 * -2.0, 64.0, -0.0));
    // Element 160, of the second half: low nibble of byte 96, bits 2 and 3.
    let mut block = vec![0u8; 210];
    (block[96], block[160], block[192 + 10], block[209]) = (0x0F, 0x0C, 3, 0x40);
    let numbers = from_ggml(GgmlType::Q6K, &block, &[256]).expect("one superblock").dequantize();
    assert_eq!((numbers[160], numbers[161]), (31.0 * 6.0, -32.0 * 6.0));
}
