//! Softmax and RMS norm: each form against exact arithmetic in f64, and bit for bit against a second
//! implementation in BF16.

use subhalf::{Error, FormatSpec, RmsNorm, Softmax, SoftmaxForm};

const FORMS: [SoftmaxForm; 3] = SoftmaxForm::ALL;

fn rows(count: usize, cols: usize, spread: f32) -> Vec<f32> {
    let place = |i: usize| (i * 7919 % 4093) as f32 / 4093.0 - 0.5;
    (0..count * cols).map(|i| place(i + i / 97) * spread).collect()
}

/// The definition, with nothing rounded but by f64.
fn naive_softmax(x: &[f32], factor: f32) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x) * f64::from(factor)).collect();
    let largest = x.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
    let powers: Vec<f64> = x.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[test]
fn every_form_of_softmax_is_the_definition_up_to_roundings() {
    for (cols, spread) in [(1, 9.0), (2, 0.1), (7, 20.0), (64, 8.0), (300, 160.0), (129, 4000.0)] {
        let x = rows(5, cols, spread);
        for factor in [1.0f32, 0.125] {
            for form in FORMS {
                let mut y = vec![0.0f32; x.len()];
                Softmax::new().form(form).factor(factor).rows(&x, cols, &mut y).unwrap();
                for (x, y) in x.chunks(cols).zip(y.chunks(cols)) {
                    // Differences are rounded to f32, so a power is as exact as its argument.
                    let largest = x.iter().fold(0.0f32, |m, x| m.max((x * factor).abs()));
                    let bound = 2f64.powi(-24) * (8.0 + cols as f64 + 2.0 * f64::from(largest));
                    for (exact, y) in naive_softmax(x, factor).into_iter().zip(y) {
                        let error = (f64::from(*y) - exact).abs();
                        assert!(error <= bound * exact + 1e-44, "{form} {cols} {exact} {y}");
                    }
                }
            }
        }
    }
}

/// An f64 rounded to BF16 by its definition: a multiple of the unit of its binade, ties to even.
fn bf16(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let exponent = ((x.to_bits() >> 52 & 0x7FF) as i32 - 1023).max(-126);
    let unit = 2f64.powi(exponent - 7);
    (x / unit).round_ties_even() * unit
}

/// The three forms in BF16, written again from their descriptions.
fn naive_bf16(form: SoftmaxForm, x: &[f32]) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&x| bf16(f64::from(x))).collect();
    let power = |x: f64, largest: f64| bf16(bf16(x - largest).exp());
    let largest = x.iter().fold(f64::NEG_INFINITY, |m, x| m.max(*x));
    match form {
        SoftmaxForm::ThreePass => {
            let sum = x.iter().fold(0.0, |sum, x| bf16(sum + power(*x, largest)));
            x.iter().map(|x| bf16(power(*x, largest) / sum)).collect()
        }
        SoftmaxForm::Online => {
            let (mut m, mut sum) = (f64::NEG_INFINITY, 0.0);
            for x in &x {
                let next = m.max(*x);
                sum = bf16(bf16(sum * power(m, next)) + power(*x, next));
                m = next;
            }
            x.iter().map(|x| bf16(power(*x, m) / sum)).collect()
        }
        SoftmaxForm::TwoPass => {
            let ln_2 = core::f64::consts::LN_2;
            let split = |x: f64| {
                let n = (x / ln_2).round();
                (bf16((x - n * ln_2).exp()), n)
            };
            let (mut v, mut e) = (0.0, f64::NEG_INFINITY);
            for x in &x {
                let (m, n) = split(*x);
                let top = n.max(e);
                v = bf16(bf16(v * (e - top).exp2()) + bf16(m * (n - top).exp2()));
                e = top;
            }
            x.iter().map(|x| split(*x)).map(|(m, n)| bf16(m / v * (n - e).exp2())).collect()
        }
        _ => unreachable!("a form without a second implementation"),
    }
}

#[test]
fn forms_in_bf16_are_those_of_a_second_implementation() {
    for (cols, spread) in [(3, 4.0), (50, 12.0), (200, 80.0)] {
        let x = rows(20, cols, spread);
        for form in FORMS {
            let softmax = Softmax::new().form(form).arithmetic(&FormatSpec::BF16);
            let mut y = vec![0.0f64; x.len()];
            softmax.rows(&x, cols, &mut y).unwrap();
            for (x, y) in x.chunks(cols).zip(y.chunks(cols)) {
                assert_eq!(y, naive_bf16(form, x), "{form} {cols}");
            }
        }
    }
}

#[test]
fn a_narrow_sum_stops_growing() {
    // E4M3 has no 17: 16 + 1 is a tie between 16 and 18, and the code of 16 is even.
    let e4m3 = Softmax::new().arithmetic(&FormatSpec::F8E4M3);
    let mut y = [0.0f32; 20];
    e4m3.rows(&[3.0f32; 20], 20, &mut y).unwrap();
    assert_eq!(y, [0.0625; 20]);
    e4m3.rows(&[3.0f32; 4], 4, &mut y[..4]).unwrap();
    assert_eq!(y[..4], [0.25; 4]);
}

#[test]
fn masks_and_special_values_mean_the_same_in_every_form() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for form in FORMS {
        let softmax = |x: &[f32]| {
            let mut y = vec![0.0f32; x.len()];
            Softmax::new().form(form).rows(x, x.len(), &mut y).unwrap();
            y
        };
        assert_eq!(softmax(&[-inf, 1.0, -inf, 1.0]), [0.0, 0.5, 0.0, 0.5], "{form}");
        assert_eq!(softmax(&[-1e30, 0.0]), [0.0, 1.0], "{form}");
        assert_eq!(softmax(&[1e30, 0.0]), [1.0, 0.0], "{form}");
        for x in [[-inf; 3], [inf, 0.0, 1.0], [0.0, nan, 1.0], [-inf, nan, nan], [nan, -inf, 0.0]] {
            assert!(softmax(&x).iter().all(|y| y.is_nan()), "{form} {x:?} {:?}", softmax(&x));
        }
    }
}

#[test]
fn numbers_that_are_no_whole_rows_are_refused() {
    let mut y = [0.0f32; 6];
    assert!(Softmax::new().rows(&[0.0f32; 6], 3, &mut y).is_ok());
    for cols in [0, 4, 7] {
        let error = Softmax::new().rows(&[0.0f32; 6], cols, &mut y).unwrap_err();
        assert!(matches!(error, Error::Length { found: 6, .. }), "{error}");
    }
    assert!(Softmax::new().rows(&[0.0f32; 5], 5, &mut y).is_err());
    assert!(Softmax::new().rows::<f32, f32>(&[], 3, &mut []).is_ok());
    let none: [f32; 0] = [];
    assert!(RmsNorm::new(0.0).rows(&[0.0f32; 6], &none, &mut y).is_err());
    assert!(RmsNorm::new(0.0).rows(&[0.0f32; 6], &[1.0f32; 4], &mut y).is_err());
}

#[test]
fn rms_norm_is_the_definition() {
    let (cols, epsilon) = (96, 1e-5f32);
    let x = rows(8, cols, 6.0);
    let gain: Vec<f32> = (0..cols).map(|i| 0.5 + i as f32 / 64.0).collect();
    let (mut single, mut brain) = (vec![0.0f32; x.len()], vec![0.0f64; x.len()]);
    RmsNorm::new(epsilon).rows(&x, &gain, &mut single).unwrap();
    RmsNorm::new(epsilon).arithmetic(&FormatSpec::BF16).rows(&x, &gain, &mut brain).unwrap();
    for (row, x) in x.chunks(cols).enumerate() {
        let range = row * cols..(row + 1) * cols;
        let mean = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / cols as f64;
        let root = (mean + f64::from(epsilon)).sqrt();
        for ((x, gain), y) in x.iter().zip(&gain).zip(&single[range.clone()]) {
            let exact = f64::from(*x) / root * f64::from(*gain);
            assert!((f64::from(*y) - exact).abs() <= 4e-6 * exact.abs(), "{y} {exact}");
        }
        // In BF16 bit for bit: squares, sum, mean, one over the root, two products.
        let x: Vec<f64> = x.iter().map(|&x| bf16(f64::from(x))).collect();
        let squares = x.iter().fold(0.0, |sum, x| bf16(sum + bf16(x * x)));
        let inverse = bf16(1.0 / bf16(bf16(squares / cols as f64) + f64::from(epsilon)).sqrt());
        let expected: Vec<f64> = x
            .iter()
            .zip(&gain)
            .map(|(x, gain)| bf16(bf16(x * inverse) * bf16(f64::from(*gain))))
            .collect();
        assert_eq!(brain[range], expected, "row {row}");
    }
}
