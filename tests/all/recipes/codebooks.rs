//! Learned tables, fixed 4-bit codebooks, vectors and finite scalars.

use super::{mse, nearest, normals};
use subhalf::recipe::schemes::{BOF4_MAE, BOF4_MSE, BOF4S_MAE, BOF4S_MSE};
use subhalf::recipe::{AdditiveCodebooks, Any4Weighting, Fsq, any4, weighted_kmeans};
use subhalf::{BlockSpec, Extent, FormatSpec, QuantTensor, Quantizer, Ratio, ScaleRule};

fn error_of(numbers: &[f64], weights: &[f64], centroids: &[f64]) -> f64 {
    numbers.iter().zip(weights).map(|(x, w)| w * (x - nearest(centroids, *x)).powi(2)).sum()
}

#[test]
fn kmeans_moves_centroids_to_the_means_of_their_numbers() {
    let numbers: Vec<f64> = normals(1, 3000, 1.0).iter().map(|x| f64::from(*x)).collect();
    let weights: Vec<f64> = normals(2, 3000, 1.0).iter().map(|x| f64::from(x.abs())).collect();
    let start: Vec<f64> = (0..16).map(|i| f64::from(i) / 4.0 - 2.0).collect();
    // Lloyd's two steps, each over all numbers.
    let mut naive = start.clone();
    let mut last = error_of(&numbers, &weights, &naive);
    for _ in 0..300 {
        let mut sums = vec![(0.0, 0.0); 16];
        for (x, w) in numbers.iter().zip(&weights) {
            let k = naive.iter().position(|c| *c == nearest(&naive, *x)).unwrap();
            sums[k] = (sums[k].0 + w, sums[k].1 + w * x);
        }
        naive =
            sums.iter().zip(&naive).map(|(s, c)| if s.0 > 0.0 { s.1 / s.0 } else { *c }).collect();
        let error = error_of(&numbers, &weights, &naive);
        assert!(error <= last * (1.0 + 1e-12));
        last = error;
    }
    let found = weighted_kmeans(&numbers, &weights, &start);
    for (a, b) in found.iter().zip(&naive) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    // A cluster {4.2, 5, 5.6} under weights {0.1, 2, 0.4}: 5.064.
    let found = weighted_kmeans(&[4.2, 5.0, 5.6], &[0.1, 2.0, 0.4], &[5.0]);
    assert!((found[0] - 5.064).abs() < 1e-12);
    assert_eq!(weighted_kmeans(&[f64::NAN, 1.0], &[1.0, 0.0], &[3.0, 2.0]), [2.0, 3.0]);
}

#[test]
fn any4_is_never_worse_than_integers_with_its_scales() {
    let (rows, cols) = (16, 512);
    let w = normals(3, rows * cols, 0.02);
    let activations: Vec<f32> = normals(4, cols, 1.0).iter().map(|x| x.abs() + 0.1).collect();
    for weighting in [Any4Weighting::Released, Any4Weighting::Diagonal] {
        let tensor = any4(&w, rows, 128, &activations, weighting, &FormatSpec::F32).unwrap();
        let y = tensor.dequantize();
        for row in 0..rows {
            let (mut learned, mut integers) = (0.0, 0.0);
            for group in 0..cols / 128 {
                let range = row * cols + 128 * group..row * cols + 128 * (group + 1);
                let part = &w[range.clone()];
                let min = part.iter().copied().fold(f32::INFINITY, f32::min);
                let max = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let s = f64::from((max - min) / 15.0);
                for (j, x) in part.iter().enumerate() {
                    let a = f64::from(activations[128 * group + j]);
                    // The objective is in units of the scale: s · |a| (x/s)² or s² · a² (x/s)².
                    let weight = match weighting {
                        Any4Weighting::Released => a / s,
                        _ => a * a,
                    };
                    let grid = f64::from(min) + s * ((f64::from(*x) - f64::from(min)) / s).round();
                    learned += weight * (f64::from(*x) - f64::from(y[range.start + j])).powi(2);
                    integers += weight * (f64::from(*x) - grid).powi(2);
                }
            }
            assert!(learned < integers, "row {row}: {learned} {integers}");
        }
    }
    // A table of 16 numbers in a row comes back, whatever they are.
    let levels: Vec<f32> = (0..16).map(|i| ((i * i) as f32) / 256.0 - 0.3).collect();
    let w: Vec<f32> = (0..256).map(|i| levels[i * 7 % 16]).collect();
    let y = any4(&w, 1, 256, &[], Any4Weighting::Released, &FormatSpec::F32).unwrap().dequantize();
    let grid = mse(
        &w,
        &w.iter()
            .map(|x| {
                let s = 225.0 / 256.0 / 15.0;
                ((x + 0.3) / s).round() * s - 0.3
            })
            .collect::<Vec<f32>>(),
    );
    assert!(mse(&w, &y) < grid);
    assert_eq!(
        any4(&[2.5; 8], 2, 4, &[], Any4Weighting::Released, &FormatSpec::F16).unwrap().dequantize(),
        [2.5; 8]
    );
    assert!(any4(&w, 1, 256, &[1.0], Any4Weighting::Released, &FormatSpec::F32).is_err());
    assert!(any4(&w, 1, 0, &[], Any4Weighting::Released, &FormatSpec::F32).is_err());
}

#[test]
fn bof4_has_its_published_levels_and_errors() {
    // The worked block: the divisor −1.6 with its sign.
    let x = [0.2f32, -1.6, 0.7, -0.05];
    let y = QuantTensor::quantize(&BOF4S_MSE, &x, &[1, 4]).unwrap().dequantize();
    for (y, expected) in y.iter().zip([0.150_165, -1.6, 0.640_781, 0.0]) {
        assert!((y - expected).abs() < 2e-6, "{y}");
    }
    let w = normals(5, 64 * 2048, 1.0);
    let restored = |spec: &BlockSpec| {
        let some = QuantTensor::quantize(spec, &w[..4096], &[2, 2048]).unwrap();
        assert_eq!(some, Quantizer::new(spec).quantize_reference(&w[..4096], &[2, 2048]).unwrap());
        QuantTensor::quantize(spec, &w, &[64, 2048]).unwrap().dequantize()
    };
    let mae = |y: &[f32]| {
        w.iter().zip(y).map(|(x, y)| f64::from((x - y).abs())).sum::<f64>() / w.len() as f64
    };
    // Squared errors of normal numbers in blocks of 64.
    let absmax = |element| {
        let rule = ScaleRule::Amax { target: 1.0, ratio: Ratio::Divide };
        BlockSpec::new(element, Some(FormatSpec::F32), Extent::Flat(64), rule)
    };
    for (spec, expected) in [
        (absmax(FormatSpec::NF4), 0.008456),
        (absmax(FormatSpec::AF4), 0.009147),
        (BOF4_MSE, 0.007993),
        (BOF4S_MSE, 0.007352),
    ] {
        let found = mse(&w, &restored(&spec));
        assert!((found / expected - 1.0).abs() < 0.015, "{found} {expected}");
    }
    assert!((mae(&restored(&BOF4_MSE)) / 0.07382 - 1.0).abs() < 0.01);
    assert!(mae(&restored(&BOF4_MAE)) < mae(&restored(&BOF4_MSE)));
    assert!(mae(&restored(&BOF4S_MAE)) < mae(&restored(&BOF4S_MSE)));
    // A second implementation.
    let levels: Vec<f64> =
        (0..16).map(|code| f64::from(BOF4S_MSE.element.decode_f32(code))).collect();
    for (block, y) in w.chunks(64).zip(restored(&BOF4S_MSE).chunks(64)) {
        let divisor = block.iter().fold(0.0f32, |a, x| if x.abs() > a.abs() { *x } else { a });
        for (x, y) in block.iter().zip(y) {
            let q = nearest(&levels, f64::from(x / divisor));
            assert_eq!(*y, q as f32 * divisor);
        }
    }
}

#[test]
fn additive_codebooks_fall_with_every_step() {
    let (rows, cols) = (8, 128);
    let w = normals(6, rows * cols, 0.1);
    let mut fit = AdditiveCodebooks::fit(&w, rows, 8, 2, 4, 2, 1).unwrap();
    let mut last = fit.error(&w);
    let norm: f64 = w.iter().map(|x| f64::from(*x).powi(2)).sum();
    // Two codebooks of 16 vectors are one bit a weight.
    assert!(last < 0.6 * norm, "{last} {norm}");
    assert!((fit.error(&w) - mse(&w, &fit.decode()) * w.len() as f64).abs() < 1e-5 * last);
    let target: Vec<f32> =
        w.iter().zip(normals(7, w.len(), 0.05)).map(|(w, step)| w + step).collect();
    let mut towards = fit.error(&target);
    for _ in 0..5 {
        let codes = fit.codes().to_vec();
        fit.pv_step(&target).unwrap();
        let error = fit.error(&target);
        assert!(error <= towards * (1.0 + 1e-12), "{error} {towards}");
        assert!(error < towards || fit.codes() == codes);
        towards = error;
    }
    // The sum by hand.
    let y = fit.decode();
    for group in 0..w.len() / 8 {
        for i in 0..8 {
            let sum: f64 = (0..2)
                .map(|k| {
                    fit.codebooks()[(k * 16 + usize::from(fit.codes()[2 * group + k])) * 8 + i]
                })
                .sum();
            let row = &w[group * 8 / cols * cols..][..cols];
            let scale = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            assert!((f64::from(y[group * 8 + i]) - scale * sum).abs() < 1e-6);
        }
    }
    // As many vectors as groups hold the matrix.
    let small = normals(8, 4 * 8, 1.0);
    let mut exact = AdditiveCodebooks::fit(&small, 4, 8, 1, 8, 4, 2).unwrap();
    exact.pv_step(&small).unwrap();
    last = exact.error(&small);
    assert!(last < 1e-20, "{last}");
    assert!(exact.pv_step(&w).is_err());
    assert!(AdditiveCodebooks::fit(&w, rows, 7, 2, 4, 2, 1).is_err());
    assert!(AdditiveCodebooks::from_parts(8, 8, 4, vec![0.0; 32], vec![1.0], vec![4]).is_err());
    assert!(AdditiveCodebooks::from_parts(8, 8, 4, vec![0.0; 31], vec![1.0], vec![3]).is_err());
}

#[test]
fn fsq_counts_its_levels_and_uses_all_codes() {
    let fsq = Fsq::new(&[8, 5, 5, 5]).unwrap();
    assert_eq!(fsq.quantize(&[0.7, -0.3, 0.1, -2.0]).unwrap(), [2, -1, 0, -2]);
    let mut used = vec![0u32; 1000];
    for z in normals(9, 4 * 1500, 1.0).chunks(4) {
        let q = fsq.quantize(z).unwrap();
        let naive: Vec<i32> = z
            .iter()
            .zip([8.0f64, 5.0, 5.0, 5.0])
            .map(|(z, levels)| {
                let half = (levels - 1.0) * 1.001 / 2.0;
                let offset = if levels == 8.0 { 0.5 } else { 0.0 };
                let bounded = (f64::from(*z) + (offset / half).atanh()).tanh() * half - offset;
                bounded.round_ties_even() as i32
            })
            .collect();
        assert_eq!(q, naive, "{z:?}");
        let index = fsq.index(&q).unwrap();
        let numbers = fsq.numbers(index).unwrap();
        for ((q, x), half) in q.iter().zip(numbers).zip([4.0f32, 2.0, 2.0, 2.0]) {
            assert_eq!(*q as f32, x * half);
        }
        used[index as usize] += 1;
    }
    let share = used.iter().filter(|count| **count > 0).count();
    // Drawn evenly, 1500 vectors would use 777 of 1000 codes.
    assert!(share > 600, "{share}");
    for index in 0..1000 {
        let numbers = fsq.numbers(index).unwrap();
        let q: Vec<i32> = numbers
            .iter()
            .zip([4.0f32, 2.0, 2.0, 2.0])
            .map(|(x, half)| (x * half) as i32)
            .collect();
        assert_eq!(fsq.index(&q).unwrap(), index);
    }
    assert!(Fsq::new(&[2]).is_err() && Fsq::new(&[4096; 3]).is_err());
    assert!(fsq.quantize(&[0.0; 3]).is_err() && fsq.numbers(1000).is_err());
    assert!(fsq.index(&[4, 0, 0, 0]).is_err() && fsq.index(&[i32::MIN, 0, 0, 0]).is_err());
}
