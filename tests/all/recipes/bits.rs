//! Second implementations, element after element through the codec, of schemes whose loops are
//! written for vectors: the same bits.

use crate::stochastic::SplitMix64;
use subhalf::recipe::{
    Adaptive4, Any4Weighting, HiF4Group, HiF4Rounding, SecondCodebook, any4, weighted_kmeans,
};
use subhalf::{FormatSpec, QuantTensor, preset};

/// Numbers whose blocks of 64 are normal, tiny, huge, in steps, with zeros of both signs, or any
/// bits at all that are finite.
fn blocks(seed: u64, count: usize) -> Vec<f32> {
    let mut random = SplitMix64(seed);
    let mut word = || random.next().expect("endless");
    (0..count)
        .flat_map(|block| {
            let scale = match block % 5 {
                0 => 1.0,
                1 => 2f32.powi((word() % 40) as i32 - 20),
                2 => 2f32.powi((word() % 30) as i32 - 146),
                3 => 2f32.powi((word() % 30) as i32 + 90),
                _ => 0.125,
            };
            std::array::from_fn::<f32, 64, _>(|_| {
                let bits = word();
                match block % 7 {
                    3 => ((bits % 33) as f32 - 16.0) * scale,
                    5 if bits >> 62 == 0 => 0.0 * (bits as i32 as f32),
                    6 => Some(f32::from_bits(bits as u32)).filter(|x| x.is_finite()).unwrap_or(0.0),
                    _ => bits as i32 as f32 * 2f32.powi(-31) * scale,
                }
            })
        })
        .collect()
}

fn bf16(x: f64) -> f64 {
    FormatSpec::BF16.decode_f64(FormatSpec::BF16.encode_f64(x))
}

/// The scale word and lanes of a group: the golden model's formulas in f64, each rounded to BF16.
fn hif4(x: &[f32], rounding: HiF4Rounding) -> (u32, Vec<u8>) {
    let x: Vec<f64> = x.iter().map(|x| bf16(f64::from(*x))).collect();
    if x.iter().any(|x| !x.is_finite()) {
        return (0xFF, vec![0; 64]);
    }
    let amax = |x: &[f64]| x.iter().fold(0.0f64, |amax, x| amax.max(x.abs()));
    let scales: Vec<f64> = (0..255)
        .map(|code: u32| 2f64.powi((code >> 2) as i32 - 48) * (1.0 + f64::from(code & 3) / 4.0))
        .collect();
    let target = bf16(amax(&x) * bf16(f64::from(1.0f32 / 7.0)));
    // The nearest scale; of two the even code or the larger one.
    let mut code = 0;
    for (other, scale) in scales.iter().enumerate() {
        let (new, old) = ((scale - target).abs(), (scales[code] - target).abs());
        let takes_tie = rounding == HiF4Rounding::Golden || other % 2 == 0;
        if new < old || new == old && takes_tie {
            code = other;
        }
    }
    let r = bf16(1.0 / scales[code]);
    let mut word = code as u32;
    let mut lanes = Vec::new();
    for (e, eight) in x.chunks(8).enumerate() {
        let a = i32::from(bf16(amax(eight) * r) >= 4.0);
        word |= (a as u32) << (8 + e);
        for (f, four) in eight.chunks(4).enumerate() {
            let b = i32::from(bf16(amax(four) * r * 2f64.powi(-a)) >= 2.0);
            word |= (b as u32) << (16 + 2 * e + f);
            for x in four {
                let quarters = 4.0 * bf16(x * r * 2f64.powi(-a - b));
                let whole = match rounding {
                    HiF4Rounding::Golden => quarters.round_ties_even(),
                    _ => quarters.round(),
                };
                let sign = if x.is_sign_negative() { 8 } else { 0 };
                lanes.push(whole.abs().min(7.0) as u8 | sign);
            }
        }
    }
    (word, lanes)
}

#[test]
fn hif4_has_the_bits_of_its_formulas() {
    let mut x = blocks(1, 2100);
    // BF16 has no number for the last one, and the one before is a NaN with all bits set.
    x[640] = f32::MAX;
    x[700] = f32::from_bits(0xFFFF_FFFF);
    for (at, x) in x.as_chunks::<64>().0.iter().enumerate() {
        for rounding in [HiF4Rounding::Golden, HiF4Rounding::Qcy] {
            let group = HiF4Group::quantize(x, rounding);
            let lanes: Vec<u8> =
                group.lanes.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect();
            assert_eq!((group.scale, lanes), hif4(x, rounding), "{at} {rounding:?} {x:?}");
        }
    }
}

/// Scales, codes and numbers of a matrix under IF4 or `MixFP4`, by the formulas.
fn adaptive(x: &[f32], cols: usize, second: SecondCodebook) -> (Vec<u8>, Vec<u8>, Vec<u32>) {
    let tensor =
        QuantTensor::quantize(&preset::fouroversix::NVFP4_STATIC, x, &[x.len() / cols, cols])
            .expect("a shape that fits");
    let amax = tensor.tensor_scale();
    // Without an end where it overflows.
    let t = (2688.0 / amax).min(f32::MAX);
    let e2m1 = FormatSpec::F4E2M1;
    let decode = |code: u32| match second {
        SecondCodebook::E1M2 => FormatSpec::F4E1M2.decode_f32(code) * (6.0 / 1.75),
        _ => (if code > 7 { code as f32 - 16.0 } else { code as f32 }) * 0.857_142_87,
    };
    let (mut scales, mut codes, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (row, x) in x.chunks(cols).enumerate() {
        for (block, x) in x.chunks(16).enumerate() {
            let scale = tensor.scales()[row * cols.div_ceil(16) + block];
            let s = FormatSpec::UE4M3.decode_f32(scale.into());
            let restored = |q: f32| ((q * s) * amax) / 2688.0;
            let own: Vec<u32> = (0..x.len())
                .map(|i| tensor.view().code(row * cols + 16 * block + i).expect("a code"))
                .collect();
            let other: Vec<u32> = x
                .iter()
                .map(|x| {
                    let y = x * (1.0 / (s * (1.0 / t)));
                    match second {
                        SecondCodebook::E1M2 => FormatSpec::F4E1M2.encode_f32(y / (6.0 / 1.75)),
                        _ => {
                            (y * 1.166_666_6).round_ties_even().clamp(-7.0, 7.0) as i32 as u32 & 15
                        }
                    }
                })
                .collect();
            let restore = |codes: &[u32], number: &dyn Fn(u32) -> f32| -> Vec<f32> {
                codes.iter().map(|code| restored(number(*code))).collect()
            };
            let of_own = restore(&own, &|code| e2m1.decode_f32(code));
            let of_other = restore(&other, &decode);
            let error = |y: &[f32]| x.iter().zip(y).fold(0.0f32, |e, (x, y)| e + (y - x) * (y - x));
            let takes = s != 0.0 && error(&of_other) < error(&of_own);
            let (chosen, restored) = if takes { (other, of_other) } else { (own, of_own) };
            scales.push(scale | u8::from(takes) << 7);
            codes.extend(chosen.into_iter().map(|code| code as u8));
            numbers.extend(restored.iter().map(|y| y.to_bits()));
        }
    }
    (scales, codes, numbers)
}

#[test]
fn adaptive_blocks_have_the_bits_of_their_formulas() {
    for second in [SecondCodebook::Int4, SecondCodebook::E1M2] {
        for (seed, cols) in [(2, 64), (3, 48), (4, 37), (5, 16), (6, 5)] {
            let x = blocks(seed, 700);
            // One tensor scale for all: neighbours of the same size stay apart from each other.
            for x in x.chunks(5 * 64 * 4 - 5 * 64 * 4 % cols) {
                let x = &x[..x.len() - x.len() % cols];
                let tensor = Adaptive4::quantize(x, x.len() / cols, second).expect("finite");
                let (scales, codes, numbers) = adaptive(x, cols, second);
                assert_eq!(tensor.scales(), scales);
                let rows = tensor.codes().chunks(cols.div_ceil(2));
                let found: Vec<u8> = rows
                    .flat_map(|row| row.iter().flat_map(|byte| [byte & 15, byte >> 4]).take(cols))
                    .collect();
                assert_eq!(found, codes);
                let restored: Vec<u32> = tensor.dequantize().iter().map(|y| y.to_bits()).collect();
                assert_eq!(restored, numbers);
            }
        }
    }
}

#[test]
fn any4_takes_the_first_entry_that_is_near_enough() {
    let cols = 256;
    for x in blocks(7, 40).chunks(cols) {
        // Ranges beyond f32 are another matter.
        let x: Vec<f32> = x.iter().map(|x| x.clamp(-1e30, 1e30)).collect();
        let tensor = any4(&x, 1, 64, &[], Any4Weighting::Released, &FormatSpec::F32).expect("fits");
        let (mut numbers, mut weights) = (Vec::new(), Vec::new());
        for group in x.chunks(64) {
            let low = group.iter().copied().fold(f32::INFINITY, f32::min);
            let high = group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let s = (high - low) / 15.0;
            numbers.extend(
                group.iter().map(
                    |x| {
                        if s == 0.0 { 0.0 } else { f64::from(x - low) / f64::from(s) }
                    },
                ),
            );
            weights.extend(group.iter().map(|_| f64::from(s)));
        }
        let grid: Vec<f64> = (0..16).map(f64::from).collect();
        let table = weighted_kmeans(&numbers, &weights, &grid);
        for (i, x) in numbers.iter().enumerate() {
            let near = |k: &usize| {
                *x <= 0.5 * (f64::from(table[*k] as f32) + f64::from(table[k + 1] as f32))
            };
            let code = (0..15).find(near).unwrap_or(15);
            assert_eq!(tensor.view().code(i), Some(code as u32), "{i} {x} {table:?}");
        }
    }
}
