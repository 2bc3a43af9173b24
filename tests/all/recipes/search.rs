//! Error feedback, factors of channels, low-rank residuals, outliers, calibration.

use super::{mse, normals, sqnr};
use subhalf::recipe::{
    Calibration, FireqScaling, LowRank, awq, best_scheme_per_row, clamp_outliers, fireq_key_pairs,
    flexible_format, gptq, hessian, lorc, noise_shaped, smoothquant,
};
use subhalf::{BlockSpec, Extent, FormatSpec, QuantTensor, Ratio, ScaleRule, preset};

/// Integers as they are.
const UNITS: BlockSpec =
    BlockSpec::new(FormatSpec::INT8, Some(FormatSpec::F32), Extent::Row, ScaleRule::Fixed(1.0));

/// E2M1 with a scale for each row.
const ROWS: BlockSpec = BlockSpec::new(
    FormatSpec::F4E2M1,
    Some(FormatSpec::F32),
    Extent::Row,
    ScaleRule::Amax { target: 6.0, ratio: Ratio::Divide },
);

/// Solves `A · x = b` by elimination with pivots.
fn solve(a: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut rows: Vec<Vec<f64>> =
        a.iter().zip(b).map(|(row, b)| row.iter().copied().chain([*b]).collect()).collect();
    for i in 0..n {
        let pivot = (i..n).max_by(|p, q| rows[*p][i].abs().total_cmp(&rows[*q][i].abs())).unwrap();
        rows.swap(i, pivot);
        for j in 0..n {
            if j != i {
                let pivot = rows[i].clone();
                let factor = rows[j][i] / pivot[i];
                rows[j].iter_mut().zip(&pivot).skip(i).for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
    (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
}

/// tr(E · H · Eᵀ) of the errors of some rows.
fn form(w: &[f32], q: &[f32], h: &[f64], cols: usize) -> f64 {
    w.chunks(cols)
        .zip(q.chunks(cols))
        .map(|(w, q)| {
            let e: Vec<f64> = w.iter().zip(q).map(|(w, q)| f64::from(*w) - f64::from(*q)).collect();
            (0..cols)
                .flat_map(|i| (0..cols).map(move |j| (i, j)))
                .map(|(i, j)| e[i] * h[i * cols + j] * e[j])
                .sum::<f64>()
        })
        .sum()
}

#[test]
fn gptq_moves_each_error_to_the_columns_behind() {
    let h = [4.0, 2.0, 1.0, 2.0, 3.0, 1.0, 1.0, 1.0, 2.0];
    let fit = gptq(&[1.4, 0.4, 0.3], 1, &h, 0.0, &UNITS).unwrap();
    assert_eq!(fit.tensor.dequantize(), [1.0, 1.0, 0.0]);
    assert!((form(&[1.4, 0.4, 0.3], &[1.0, 0.0, 0.0], &h, 3) - 2.42).abs() < 1e-6);
    assert!((form(&[1.4, 0.4, 0.3], &[1.0, 1.0, 0.0], &h, 3) - 0.82).abs() < 1e-6);
    assert!((2.0 * fit.loss - 0.82).abs() < 1e-6);
    // The counter-example: rounded one by one 1.15, with feedback 1.35.
    let fit = gptq(&[0.6, 0.7, 0.4], 1, &h, 0.0, &UNITS).unwrap();
    assert!((2.0 * fit.loss - 1.35).abs() < 1e-6);
    // The optimal update by solving for it: with columns up to i fixed, the rest minimises the form.
    let (rows, cols) = (6, 12);
    let x = normals(1, 40 * cols, 1.0);
    let h = hessian(&x, 40).unwrap();
    let w = normals(2, rows * cols, 3.0);
    let fit = gptq(&w, rows, &h, 0.01, &UNITS).unwrap();
    let mean = (0..cols).map(|i| h[i * cols + i]).sum::<f64>() / cols as f64;
    let damped: Vec<f64> = h
        .iter()
        .enumerate()
        .map(|(at, x)| if at % (cols + 1) == 0 { x + 0.01 * mean } else { *x })
        .collect();
    for (w, q) in w.chunks(cols).zip(fit.tensor.dequantize().chunks(cols)) {
        let mut now: Vec<f64> = w.iter().map(|x| f64::from(*x)).collect();
        for i in 0..cols {
            assert_eq!(f64::from(q[i]), now[i].round_ties_even(), "{i} {}", now[i]);
            let error = |j: usize| f64::from(w[j]) - f64::from(q[j]);
            let rest: Vec<usize> = (i + 1..cols).collect();
            let a: Vec<Vec<f64>> =
                rest.iter().map(|r| rest.iter().map(|c| damped[r * cols + c]).collect()).collect();
            let b: Vec<f64> = rest
                .iter()
                .map(|r| -(0..=i).map(|j| damped[r * cols + j] * error(j)).sum::<f64>())
                .collect();
            for (r, e) in rest.iter().zip(solve(&a, &b)) {
                now[*r] = f64::from(w[*r]) - e;
            }
        }
    }
    // Correlated inputs, groups, NVFP4 with a tensor scale: less output error than rounding alone.
    let (rows, cols) = (32, 64);
    let base = normals(3, 256 * 8, 1.0);
    let mix = normals(4, 8 * cols, 1.0);
    let noise = normals(5, 256 * cols, 0.3);
    let x: Vec<f32> = (0..256 * cols)
        .map(|at| {
            let (i, j) = (at / cols, at % cols);
            (0..8).map(|k| base[i * 8 + k] * mix[k * cols + j]).sum::<f32>() + noise[at]
        })
        .collect();
    let h = hessian(&x, 256).unwrap();
    let w = normals(6, rows * cols, 0.1);
    for spec in [ROWS, preset::torchao::NVFP4, preset::ocp::MXFP4] {
        let fit = gptq(&w, rows, &h, 0.01, &spec).unwrap();
        let plain = QuantTensor::quantize(&spec, &w, &[rows, cols]).unwrap();
        let fed = form(&w, &fit.tensor.dequantize(), &h, cols);
        let alone = form(&w, &plain.dequantize(), &h, cols);
        assert!(fed < 0.6 * alone, "{fed} {alone}");
        assert_eq!(fit.tensor.spec(), &spec);
    }
    // A column without activations becomes zeros.
    let fit = gptq(&[5.0, 7.0], 1, &[0.0, 0.0, 0.0, 1.0], 0.0, &UNITS).unwrap();
    assert_eq!(fit.tensor.dequantize(), [0.0, 7.0]);
    assert!(gptq(&[1.0, 2.0], 1, &[1.0, 2.0, 2.0, 1.0], 0.0, &UNITS).is_err());
    assert!(gptq(&[1.0, 2.0], 1, &[1.0; 3], 0.0, &UNITS).is_err());
    assert!(
        gptq(&[1.0, 2.0], 1, &[1.0; 4], 0.01, &preset::transformer_engine::NVFP4_16X16).is_err()
    );
}

#[test]
fn smoothquant_divides_the_difficulty() {
    let s = smoothquant(&[16.0, 2.0], &[1.0, -4.0, 0.5, 3.0], 2, 0.5).unwrap();
    assert!((s[0] - 4.0).abs() < 1e-5 && (s[1] - 0.5f32.sqrt()).abs() < 1e-6);
    let (maxima, w) = (normals(1, 40, 5.0), normals(2, 40 * 8, 0.1));
    for alpha in [0.0f32, 0.25, 0.5, 0.8, 1.0] {
        let s = smoothquant(&maxima, &w, 8, alpha).unwrap();
        for (j, s) in s.iter().enumerate() {
            let column = w.iter().skip(j).step_by(40).fold(0.0f32, |max, x| max.max(x.abs()));
            let naive = f64::from(maxima[j].abs().max(1e-5)).powf(alpha.into())
                / f64::from(column.max(1e-5)).powf(1.0 - f64::from(alpha));
            assert!((f64::from(*s) / naive.max(1e-5) - 1.0).abs() < 5e-6, "{s} {naive}");
        }
    }
    // Half and half: activations and weights of a channel get the same largest magnitude.
    let s = smoothquant(&maxima, &w, 8, 0.5).unwrap();
    for (j, s) in s.iter().enumerate() {
        let column = w.iter().skip(j).step_by(40).fold(0.0f32, |max, x| max.max(x.abs()));
        assert!((maxima[j].abs() / s / (column * s) - 1.0).abs() < 1e-4);
    }
    assert!(smoothquant(&maxima, &w, 7, 0.5).is_err());
}

#[test]
fn awq_takes_the_exponent_of_the_least_output_error() {
    let (samples, rows, cols) = (48, 24, 64);
    let mut x = normals(1, samples * cols, 1.0);
    // Every 16th channel is 30 times as large.
    x.iter_mut().enumerate().filter(|(at, _)| at % 16 == 3).for_each(|(_, x)| *x *= 30.0);
    let w = normals(2, rows * cols, 0.05);
    let spec = preset::generic::INT4_G32;
    let fit = awq(&x, samples, &w, rows, &spec).unwrap();
    // The same from outputs, one by one, at the exponents 0 and the best.
    let outputs = |w: &[f64]| -> Vec<f64> {
        x.chunks(cols)
            .flat_map(|x| {
                w.chunks(cols)
                    .map(|w| x.iter().zip(w).map(|(x, w)| f64::from(*x) * w).sum())
                    .collect::<Vec<f64>>()
            })
            .collect()
    };
    let error = |ratio: f64| {
        let means: Vec<f64> = (0..cols)
            .map(|j| {
                x.iter().skip(j).step_by(cols).map(|x| f64::from(x.abs())).sum::<f64>()
                    / samples as f64
            })
            .collect();
        let powers: Vec<f64> = means.iter().map(|mean| mean.powf(ratio)).collect();
        let middle = (powers.iter().copied().fold(0.0, f64::max)
            * powers.iter().copied().fold(f64::INFINITY, f64::min))
        .sqrt();
        let s: Vec<f64> = powers.iter().map(|p| p / middle).collect();
        let scaled: Vec<f32> =
            w.iter().enumerate().map(|(at, w)| (f64::from(*w) * s[at % cols]) as f32).collect();
        let q = QuantTensor::quantize(&spec, &scaled, &[rows, cols]).unwrap().dequantize();
        let back: Vec<f64> =
            q.iter().enumerate().map(|(at, q)| f64::from(*q) / s[at % cols]).collect();
        let exact: Vec<f64> = w.iter().map(|w| f64::from(*w)).collect();
        outputs(&exact).iter().zip(outputs(&back)).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
    };
    // Factors a last place apart may flip a tie of one element.
    let best = f64::from(fit.ratio);
    for (at, found) in [(0.0, fit.errors[0]), (best, fit.errors[(best * 20.0).round() as usize])] {
        assert!((error(at) / found - 1.0).abs() < 0.02, "{at}: {} {found}", error(at));
    }
    assert!(fit.errors.iter().all(|e| *e >= fit.errors[(best * 20.0).round() as usize]));
    assert!(best > 0.0 && fit.errors[(best * 20.0).round() as usize] < 0.6 * fit.errors[0]);
    assert_eq!((fit.errors.len(), fit.factors.len()), (20, cols));
    assert!(awq(&x, samples, &w, 7, &spec).is_err());
}

#[test]
fn low_rank_residuals_take_as_much_as_the_singular_values_allow() {
    // Normal weights of 0.02 with a part of rank 1 of 0.05, E2M1 by row: of the error 0.855, 0.760,
    // 0.613 and 0.421 are left at rank 4, 8, 16 and 32.
    let n = 256;
    let (u, v) = (normals(1, n, 1.0), normals(2, n, 1.0));
    let w: Vec<f32> = normals(3, n * n, 0.02)
        .iter()
        .enumerate()
        .map(|(at, x)| x + 0.05 * u[at / n] * v[at % n])
        .collect();
    let stored = QuantTensor::quantize(&ROWS, &w, &[n, n]).unwrap().dequantize();
    let e: Vec<f32> = w.iter().zip(&stored).map(|(x, y)| x - y).collect();
    let norm: f64 = e.iter().map(|x| f64::from(*x).powi(2)).sum();
    let left = |rank| {
        let product = LowRank::of(&e, n, rank, 1).unwrap().product();
        e.iter().zip(product).map(|(x, y)| (f64::from(*x) - y).powi(2)).sum::<f64>() / norm
    };
    for (rank, expected) in [(4, 0.855), (8, 0.760), (16, 0.613)] {
        assert!((left(rank) - expected).abs() < 0.03, "{rank}: {}", left(rank));
    }
    // A matrix of rank 2 comes back, and its factors are orthogonal.
    let (a, b) = (normals(4, 40, 1.0), normals(5, 60, 1.0));
    let exact: Vec<f32> = (0..20 * 30)
        .map(|at| a[at / 30] * b[at % 30] + a[20 + at / 30] * b[30 + at % 30])
        .collect();
    let parts = LowRank::of(&exact, 20, 2, 7).unwrap();
    for (x, y) in exact.iter().zip(parts.product()) {
        assert!((f64::from(*x) - y).abs() < 1e-5);
    }
    let dot: f32 = (0..30).map(|j| parts.right[j] * parts.right[30 + j]).sum();
    assert!(dot.abs() < 1e-4, "{dot}");
    let fp8 = preset::generic::FP8_E4M3_ROW;
    let mut last = mse(&w, &stored);
    for rank in [2, 8] {
        let fit = lorc(&w, n, &ROWS, rank, &fp8).unwrap();
        assert!(mse(&w, &fit.restored) < last);
        last = mse(&w, &fit.restored);
        assert_eq!((fit.left.shape(), fit.right.shape()), (&[n, rank][..], &[rank, n][..]));
    }
    assert!(LowRank::of(&e, n, n + 1, 0).is_err());
}

#[test]
fn outliers_come_back_with_their_residual_alone() {
    let y: Vec<f32> = normals(1, 4096, 1.0)
        .iter()
        .zip(normals(2, 4096, 1.0))
        .map(|(x, d)| x / d.abs().max(0.05))
        .collect();
    let restored = |alpha: f64, with_residual: bool| {
        let parts = clamp_outliers(&y, alpha).unwrap();
        let mut stored =
            QuantTensor::quantize(&ROWS, &parts.clamped, &[16, 256]).unwrap().dequantize();
        if with_residual {
            parts.residual.iter().for_each(|(at, x)| stored[*at] += x);
        }
        let exact: Vec<f32> = {
            let mut clamped = parts.clamped.clone();
            parts.residual.iter().for_each(|(at, x)| clamped[*at] += x);
            clamped
        };
        assert!(exact.iter().zip(&y).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
        (sqnr(&y, &stored), parts.residual.len())
    };
    // The order of the paper's table: none < .999 < .99 < .97, each with its residual.
    let table = [1.0, 0.999, 0.99, 0.97].map(|alpha| restored(alpha, true));
    assert!(
        table.windows(2).all(|rows| rows[0].0 < rows[1].0 && rows[0].1 < rows[1].1),
        "{table:?}"
    );
    assert!(restored(0.99, false).0 < table[0].0); // a clamp alone is worse than none
    let half = clamp_outliers(&[3.0, 1.0, 2.0], 0.5).unwrap();
    assert_eq!((half.bounds, half.clamped), ((2.0, 2.0), vec![2.0; 3]));
    assert!(clamp_outliers(&[], 0.9).unwrap().clamped.is_empty());
    assert!(clamp_outliers(&y, 1.5).is_err() && clamp_outliers(&y, f64::NAN).is_err());
}

#[test]
fn shaped_noise_adds_up_to_one_error() {
    let bit = FormatSpec::codebook("BIT", &[-1.0, 1.0]).unwrap();
    let (codes, u) = noise_shaped(&bit, &[0.3, 0.3, 0.3, 0.3, 0.3, -0.6, 0.2, 0.5]);
    assert_eq!(codes, [1, 0, 1, 1, 0, 0, 1, 1]);
    assert!((u + 0.4).abs() < 1e-6);
    let y = normals(1, 5000, 0.3);
    for (format, bound) in [(bit, 1.0), (FormatSpec::F4E2M1, 0.25)] {
        let y: Vec<f32> = y.iter().map(|x| x.clamp(-1.0, 1.0)).collect();
        let (codes, last) = noise_shaped(&format, &y);
        let mut sum = 0.0f64;
        for (code, y) in codes.iter().zip(&y) {
            sum += f64::from(*y) - f64::from(format.decode_f32(*code));
            assert!(sum.abs() <= bound + 1e-3, "{sum}");
        }
        assert!((sum - f64::from(last)).abs() < 1e-3);
    }
}

#[test]
fn rows_take_the_scheme_of_their_least_error() {
    let formats =
        [(1, 2), (2, 1), (3, 0)].map(|(e, m)| flexible_format(e, m, Extent::Row).unwrap());
    // Rows from flat to heavy-tailed: normal numbers to the power 1, 2 and 3.
    let w: Vec<f32> = normals(1, 12 * 256, 1.0)
        .iter()
        .enumerate()
        .map(|(i, x)| x.powi(1 + i as i32 / 256 % 3))
        .collect();
    let chosen = best_scheme_per_row(&w, 12, &formats).unwrap();
    for (row, chosen) in w.chunks(256).zip(&chosen) {
        let errors = formats.map(|spec| {
            mse(row, &QuantTensor::quantize(&spec, row, &[1, 256]).unwrap().dequantize())
        });
        assert!(errors.iter().all(|error| errors[*chosen] <= *error), "{errors:?}");
    }
    assert!(chosen.contains(&1) && chosen.iter().any(|format| *format != 1));
    assert!(best_scheme_per_row(&w, 11, &formats).is_err());
}

#[test]
fn fireq_evens_out_columns_and_pairs() {
    let w = normals(1, 8 * 6, 1.0);
    for (scaling, size) in
        [(FireqScaling::OverMax(0.5), true), (FireqScaling::OverMean(0.5), false)]
    {
        let factors = scaling.factors(&w, 8).unwrap();
        for (j, factor) in factors.iter().enumerate() {
            let column = w.iter().skip(j).step_by(6).map(|x| f64::from(x.abs() * factor));
            let found = if size { column.fold(0.0, f64::max) } else { column.sum::<f64>() / 8.0 };
            assert!((found - 0.5).abs() < 1e-6, "{found}");
        }
    }
    assert_eq!(FireqScaling::Constant(3.0).factors(&w, 8).unwrap(), [3.0; 6]);
    let keys = normals(2, 32 * 16, 1.0);
    let factors = fireq_key_pairs(&keys, 32, 8.0).unwrap();
    for (d, factor) in factors.iter().enumerate() {
        let radius =
            keys.chunks(16).map(|k| f64::from(k[d]).hypot(f64::from(k[d + 8]))).fold(0.0, f64::max);
        assert!((f64::from(*factor) * radius - 8.0).abs() < 1e-5);
    }
    assert!(fireq_key_pairs(&keys[..15], 1, 8.0).is_err());
}

#[test]
fn calibration_sees_the_stream_as_a_whole() {
    let x = normals(1, 20_000, 3.0);
    let (mut whole, mut parts) = (Calibration::new(), Calibration::new());
    whole.push(&x).unwrap();
    x.chunks(77).for_each(|part| parts.push(part).unwrap());
    assert_eq!(whole, parts);
    let mut magnitudes: Vec<f32> = x.iter().map(|x| x.abs()).collect();
    magnitudes.sort_by(f32::total_cmp);
    assert_eq!((whole.amax(), whole.count()), (magnitudes[19_999], 20_000));
    for fraction in [0.5, 0.9, 0.99, 0.999] {
        let exact = magnitudes[(fraction * 20_000.0) as usize - 1];
        let found = whole.percentile(fraction);
        assert!(found >= exact && found - exact <= 32.0 / 2048.0, "{exact} {found}");
    }
    // The clip of the least error, by the numbers themselves.
    let error = |clip: f32| {
        let scale = f64::from(clip / 7.0);
        x.iter()
            .map(|x| {
                (f64::from(*x) - (f64::from(*x) / scale).round_ties_even().clamp(-8.0, 7.0) * scale)
                    .powi(2)
            })
            .sum::<f64>()
    };
    let clip = whole.least_squared_error(&FormatSpec::INT4);
    let least =
        (1..=128).map(|i| error(whole.amax() * i as f32 / 128.0)).fold(f64::INFINITY, f64::min);
    assert!(error(clip) <= 1.05 * least && clip < whole.amax(), "{clip}");
    let mut empty = Calibration::new();
    assert_eq!(
        (empty.amax(), empty.percentile(0.5), empty.least_squared_error(&FormatSpec::INT4)),
        (0.0, 0.0, 0.0)
    );
    empty.push(&[0.0, f32::MAX, 1e-40]).unwrap();
    assert_eq!((empty.amax(), empty.count()), (f32::MAX, 3));
    assert!(empty.push(&[1.0, f32::NAN]).is_err());
    assert_eq!(empty.count(), 3);
}

#[test]
fn matrices_without_numbers_have_no_errors_and_no_rows_are_refused() {
    let none: [f32; 0] = [];
    assert!(LowRank::of(&none, 1, 0, 0).unwrap().product().is_empty());
    assert!(lorc(&none, 3, &ROWS, 0, &ROWS).unwrap().restored.is_empty());
    assert!(gptq(&none, 2, &[], 0.0, &ROWS).unwrap().tensor.dequantize().is_empty());
    assert!(smoothquant(&none, &none, 1, 0.5).unwrap().is_empty());
    assert!(awq(&none, 1, &none, 1, &ROWS).unwrap().factors.is_empty());
    assert!(FireqScaling::OverMean(1.0).factors(&none, 1).unwrap().is_empty());
    let error = gptq(&none, 0, &[], 0.0, &ROWS).unwrap_err().to_string();
    assert_eq!(error, "weights: expected one row, group or block at least, found none");
    assert!(LowRank::of(&[1.0; 6], 4, 1, 0).is_err());
}
