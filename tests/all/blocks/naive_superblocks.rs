//! ggml's types that are read only, a second time: the loops of its `dequantize_row_*` (d99724f2),
//! with pointers as indices. `Q8_1` has no such function there: its numbers are those of `Q8_0`.

use super::naive_ggml::half;
use subhalf::layout::GgmlType;

/// The numbers of one block.
pub(super) fn dequantize(kind: GgmlType, x: &[u8]) -> Vec<f32> {
    match kind {
        GgmlType::Q8_1 => x[4..36].iter().map(|&q| f32::from(q as i8) * half(x)).collect(),
        GgmlType::Q2K => q2_k(x),
        GgmlType::Q3K => q3_k(x),
        GgmlType::Q4K => q4_k(x),
        GgmlType::Q5K => q5_k(x),
        GgmlType::Q6K => q6_k(x),
        GgmlType::Q8K => {
            let d = f32::from_le_bytes([x[0], x[1], x[2], x[3]]);
            x[4..260].iter().map(|&q| d * f32::from(q as i8)).collect()
        }
        GgmlType::Iq4Nl => iq4(half(x), &x[2..]),
        GgmlType::Iq4Xs => {
            let high = u16::from_le_bytes([x[2], x[3]]);
            let run = |ib: usize| {
                let low = x[4 + ib / 2] >> (4 * (ib % 2)) & 0xF;
                let ls = u16::from(low) | (high >> (2 * ib) & 3) << 4;
                iq4(half(x) * (f32::from(ls) - 32.0), &x[8 + 16 * ib..])
            };
            (0..8).flat_map(run).collect()
        }
        GgmlType::Tq1_0 => tq1_0(x),
        GgmlType::Tq2_0 => {
            let mut y = Vec::new();
            for j in [0, 32] {
                for l in 0..4 {
                    y.extend((0..32).map(|m| {
                        let q = x[j + m] >> (l * 2) & 3;
                        (f32::from(q) - 1.0) * half(&x[64..])
                    }));
                }
            }
            y
        }
        GgmlType::Q1_0 => {
            let sign =
                |i: usize| if x[2 + i / 8] & (1 << (i % 8)) == 0 { -half(x) } else { half(x) };
            (0..128).map(sign).collect()
        }
        GgmlType::Q2_0 => (0..64)
            .map(|i| (f32::from(x[2 + i / 4] >> (2 * (i % 4)) & 3) - 1.0) * half(x))
            .collect(),
        _ => unreachable!("written too"),
    }
}

fn q2_k(x: &[u8]) -> Vec<f32> {
    let (d, min) = (half(&x[80..]), half(&x[82..]));
    let (mut y, mut is, mut q) = (Vec::new(), 0, 16);
    for _ in (0..256).step_by(128) {
        for shift in [0, 2, 4, 6] {
            for first in [0, 16] {
                let sc = x[is];
                is += 1;
                let (dl, ml) = (d * f32::from(sc & 0xF), min * f32::from(sc >> 4));
                y.extend((0..16).map(|l| dl * f32::from(x[q + first + l] >> shift & 3) - ml));
            }
        }
        q += 32;
    }
    y
}

fn q3_k(x: &[u8]) -> Vec<f32> {
    const KMASK1: u32 = 0x0303_0303;
    const KMASK2: u32 = 0x0F0F_0F0F;
    let word = |i: usize| u32::from_le_bytes([x[i], x[i + 1], x[i + 2], x[i + 3]]);
    let (a0, a1, high) = (word(96), word(100), word(104));
    let aux = [
        a0 & KMASK2 | (high & KMASK1) << 4,
        a1 & KMASK2 | (high >> 2 & KMASK1) << 4,
        a0 >> 4 & KMASK2 | (high >> 4 & KMASK1) << 4,
        a1 >> 4 & KMASK2 | (high >> 6 & KMASK1) << 4,
    ];
    let scales: Vec<u8> = aux.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (mut y, mut is, mut q, mut m) = (Vec::new(), 0, 32, 1u8);
    for _ in (0..256).step_by(128) {
        for shift in [0, 2, 4, 6] {
            for first in [0, 16] {
                let dl = half(&x[108..]) * (f32::from(scales[is]) - 32.0);
                is += 1;
                y.extend((first..first + 16).map(|l| {
                    let less = if x[l] & m != 0 { 0.0 } else { 4.0 };
                    dl * (f32::from(x[q + l] >> shift & 3) - less)
                }));
            }
            m <<= 1;
        }
        q += 32;
    }
    y
}

/// `get_scale_min_k4`.
fn six_bits(j: usize, s: &[u8]) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (s[j] & 63, s[j + 4] & 63)
    } else {
        (s[j + 4] & 15 | (s[j - 4] >> 6) << 4, s[j + 4] >> 4 | (s[j] >> 6) << 4)
    };
    (f32::from(scale), f32::from(minimum))
}

fn q4_k(x: &[u8]) -> Vec<f32> {
    let (d, dmin, qs) = (half(x), half(&x[2..]), &x[16..]);
    let mut y = Vec::new();
    for j in 0..8 {
        let (scale, minimum) = six_bits(j, &x[4..16]);
        for l in 0..32 {
            let byte = qs[j / 2 * 32 + l];
            let q = if j % 2 == 0 { byte & 15 } else { byte >> 4 };
            y.push(d * scale * f32::from(q) - dmin * minimum);
        }
    }
    y
}

fn q5_k(x: &[u8]) -> Vec<f32> {
    let (d, min, qh, ql) = (half(x), half(&x[2..]), &x[16..48], &x[48..]);
    let (mut y, mut u1, mut u2) = (Vec::new(), 1u8, 2u8);
    for j in 0..4 {
        let ((sc1, m1), (sc2, m2)) = (six_bits(2 * j, &x[4..16]), six_bits(2 * j + 1, &x[4..16]));
        let (d1, m1, d2, m2) = (d * sc1, min * m1, d * sc2, min * m2);
        let ql = &ql[32 * j..];
        let fifth = |l: usize, u: u8| if qh[l] & u != 0 { 16.0 } else { 0.0 };
        y.extend((0..32).map(|l| d1 * (f32::from(ql[l] & 0xF) + fifth(l, u1)) - m1));
        y.extend((0..32).map(|l| d2 * (f32::from(ql[l] >> 4) + fifth(l, u2)) - m2));
        (u1, u2) = (u1 << 2, u2 << 2);
    }
    y
}

fn q6_k(x: &[u8]) -> Vec<f32> {
    let d = half(&x[208..]);
    let mut y = vec![0.0; 256];
    for part in 0..2 {
        let (ql, qh, scales) = (&x[part * 64..], &x[128 + part * 32..], &x[192 + part * 8..]);
        for l in 0..32 {
            let q = [
                ql[l] & 15 | (qh[l] & 3) << 4,
                ql[l + 32] & 15 | (qh[l] >> 2 & 3) << 4,
                ql[l] >> 4 | (qh[l] >> 4 & 3) << 4,
                ql[l + 32] >> 4 | (qh[l] >> 6 & 3) << 4,
            ];
            for (k, q) in q.into_iter().enumerate() {
                let scale = f32::from(scales[l / 16 + 2 * k] as i8);
                y[part * 128 + k * 32 + l] = d * scale * (f32::from(q) - 32.0);
            }
        }
    }
    y
}

fn iq4(d: f32, qs: &[u8]) -> Vec<f32> {
    const KVALUES: [i8; 16] =
        [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    let value = |code: u8| d * f32::from(KVALUES[usize::from(code)]);
    let low = qs[..16].iter().map(|&byte| value(byte & 0xF));
    low.chain(qs[..16].iter().map(|&byte| value(byte >> 4))).collect()
}

fn tq1_0(x: &[u8]) -> Vec<f32> {
    let d = half(&x[52..]);
    let mut y = Vec::new();
    let mut digits = |bytes: &[u8], powers: &[u8]| {
        for &power in powers {
            y.extend(bytes.iter().map(|&byte| {
                let q = byte.wrapping_mul(power);
                (f32::from((u16::from(q) * 3) >> 8) - 1.0) * d
            }));
        }
    };
    digits(&x[..32], &[1, 3, 9, 27, 81]);
    digits(&x[32..48], &[1, 3, 9, 27, 81]);
    digits(&x[48..52], &[1, 3, 9, 27]);
    y
}
