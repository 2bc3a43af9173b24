//! Training in low precision: gradients, NVFP4's operands, sampled weights, sums of two BF16 numbers,
//! products by addition.

use super::{mse, normals, sqnr};
use crate::stochastic::SplitMix64;
use subhalf::recipe::unit_scaling as unit;
use subhalf::recipe::{
    Bf16Pair, Compensated, GradientEstimator, LMul, Nvfp4Pretraining, gaussian_weights, layer_cast,
    polynomial_error,
};
use subhalf::{FormatSpec, Hadamard, QuantTensor, Unary, preset};

#[test]
fn the_estimator_bends_between_neighbours_and_its_slope_is_capped() {
    let (dge, e2m1) = (GradientEstimator::PAPER, FormatSpec::F4E2M1);
    for (x, slope) in
        [(0.0f32, 0.2), (0.10, 0.30096), (0.20, 0.72478), (0.24, 2.6265), (0.2499, 3.0)]
    {
        assert!((dge.derivative(&e2m1, x) - slope).abs() < 2e-4 * slope, "{x}");
    }
    for (x, y) in [(0.05f32, 0.01091), (0.2, 0.06881), (0.3, 0.43119)] {
        assert!((dge.forward(&e2m1, x) - y).abs() < 1e-5, "{x}");
    }
    let levels =
        [-6.0f64, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
    let mut sum = 0.0;
    let steps = 4000;
    for interval in levels.windows(2) {
        for i in 0..steps {
            let x = (interval[0]
                + (interval[1] - interval[0]) * (f64::from(i) + 0.5) / f64::from(steps))
                as f32;
            let width = interval[1] - interval[0];
            let t = 2.0 * (f64::from(x) - interval[0]) / width - 1.0;
            let y = interval[0] + width / 2.0 * (1.0 + t.signum() * t.abs().powf(0.2));
            assert!((dge.forward(&e2m1, x) - y).abs() < 1e-12 * y.abs().max(1.0));
            let slope = dge.derivative(&e2m1, x);
            assert!((slope - (0.2 * t.abs().powf(-0.8)).min(3.0)).abs() < 1e-9 * slope);
            sum += slope / f64::from(steps) / 14.0;
        }
    }
    // The cap takes 40 % of the mean slope of 1.
    assert!((sum - 0.5935).abs() < 1e-3, "{sum}");
    assert_eq!((dge.derivative(&e2m1, 6.5), dge.derivative(&e2m1, -7.0)), (0.0, 0.0));
    assert_eq!((dge.forward(&e2m1, 9.0), dge.forward(&e2m1, 0.25)), (6.0, 0.25));
    let straight = GradientEstimator { root: 1, cap: 3.0 };
    assert_eq!((straight.derivative(&e2m1, 0.3), straight.derivative(&e2m1, 0.25)), (1.0, 1.0));
}

#[test]
fn nvfp4_pretraining_quantizes_each_operand_as_the_recipe_says() {
    let (tokens, inputs) = (64, 48);
    let x = normals(1, tokens * inputs, 1.0);
    let weight = Nvfp4Pretraining::weight(&x, tokens).unwrap();
    let transposed: Vec<f32> = (0..inputs)
        .flat_map(|j| (0..tokens).map(move |i| (i, j)))
        .map(|(i, j)| x[i * inputs + j])
        .collect();
    let other = Nvfp4Pretraining::weight(&transposed, inputs).unwrap().dequantize();
    for (at, w) in weight.dequantize().iter().enumerate() {
        assert_eq!(*w, other[at % inputs * tokens + at / inputs]);
    }
    let activation = Nvfp4Pretraining::activation(&x, tokens).unwrap();
    assert_eq!(
        activation,
        QuantTensor::quantize(&preset::transformer_engine::NVFP4, &x, &[tokens, inputs]).unwrap()
    );
    let rotation = Hadamard::transformer_engine();
    let mut wgrad = Nvfp4Pretraining::weight_gradient_activation(&x, tokens).unwrap().dequantize();
    rotation.inverse(&mut wgrad).unwrap();
    assert!(sqnr(&transposed, &wgrad) > 18.0);
    // Stochastic: one result for a seed, the numbers themselves on average.
    let gradient = normals(2, tokens * inputs, 1e-3);
    let recipe = |seed| Nvfp4Pretraining { seed };
    assert_eq!(
        recipe(1).gradient(&gradient, tokens).unwrap(),
        recipe(1).gradient(&gradient, tokens).unwrap()
    );
    let mut mean = vec![0.0f32; gradient.len()];
    let rounds = 64;
    for seed in 0..rounds {
        let drawn = recipe(seed).gradient(&gradient, tokens).unwrap().dequantize();
        mean.iter_mut().zip(drawn).for_each(|(mean, x)| *mean += x / rounds as f32);
    }
    let nearest = Nvfp4Pretraining::activation(&gradient, tokens).unwrap().dequantize();
    assert!(mse(&gradient, &mean) < 0.2 * mse(&gradient, &nearest));
    let mut rotated = recipe(3).weight_gradient_gradient(&gradient, tokens).unwrap().dequantize();
    rotation.inverse(&mut rotated).unwrap();
    let transposed: Vec<f32> =
        (0..inputs).flat_map(|j| gradient.iter().skip(j).step_by(inputs).copied()).collect();
    assert!(sqnr(&transposed, &rotated) > 14.0);
    assert!(Nvfp4Pretraining::weight_gradient_activation(&x[..24 * 16], 24).is_err());
}

#[test]
fn sampled_weights_have_rounded_normal_noise() {
    let w = vec![0.0f32; 64 * 1024]
        .iter()
        .enumerate()
        .map(|(i, _)| if i % 32 == 0 { 0.8 } else { 0.0 })
        .collect::<Vec<f32>>();
    let y = gaussian_weights(&w, 64, 32, 4, 5).unwrap();
    assert_eq!(y, gaussian_weights(&w, 64, 32, 4, 5).unwrap());
    // Steps of 0.8 · 2^-3.
    let mut counts = [0u32; 3];
    let (mut sum, mut squares) = (0.0, 0.0);
    for (w, y) in w.iter().zip(&y) {
        let r = ((y - w) / 0.1).round();
        assert!((w + 0.1 * r - y).abs() <= 0.004 * (w + 0.1 * r).abs(), "{w} {y}");
        counts[r.abs() as usize] += 1;
        (sum, squares) = (sum + f64::from(r), squares + f64::from(r * r));
    }
    let n = w.len() as f64;
    assert!((f64::from(counts[0]) / n - 0.682689).abs() < 0.006);
    assert!((f64::from(counts[1]) / n - 0.314611).abs() < 0.006);
    assert!((f64::from(counts[2]) / n - 0.002699).abs() < 0.0008);
    assert!((sum / n).abs() < 0.008 && (squares / n - 0.325408).abs() < 0.006);
    assert!(
        gaussian_weights(&w, 64, 0, 4, 5).is_err() && gaussian_weights(&w, 64, 32, 17, 5).is_err()
    );
}

#[test]
fn unit_scaling_keeps_variances_at_one() {
    assert_eq!(unit::product(16, 64, 256), [0.125, 0.0625, 0.25]);
    for (tau, expected) in unit::residual_branches(8)
        .iter()
        .zip([0.5, 0.4472, 0.4082, 0.378, 0.3536, 0.3333, 0.3162, 0.3015])
    {
        assert!((tau - expected).abs() < 5e-5, "{tau}");
    }
    assert_eq!(unit::fixed_residual(0.36).map(|x| (x * 1e9).round()), [8e8, 6e8]);
    for (k, expected) in [(1, 1.0), (64, 0.2051), (1024, 0.0515)] {
        assert!((unit::attention_deviation(k) - expected).abs() < 6e-5);
    }
    assert!((unit::cross_entropy_gradient(50257) - 224.18).abs() < 0.01);
    let x = normals(1, 200_000, 1.0);
    let relu: Vec<f64> = x.iter().map(|x| f64::from(x.max(0.0))).collect();
    let mean = relu.iter().sum::<f64>() / 2e5;
    let variance = relu.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 2e5;
    assert!((variance.sqrt() * unit::RELU - 1.0).abs() < 0.01);
    let slope = x.iter().filter(|x| **x > 0.0).count() as f64 / 2e5;
    assert!((slope.sqrt() * unit::RELU_GRADIENT - 1.0).abs() < 0.01);
    assert!((unit::UMUP_GELU - 1.76678).abs() < 1e-5);
}

#[test]
fn pairs_of_bf16_hold_twice_the_bits() {
    let mut sum = Bf16Pair::new(200.0);
    for _ in 0..20 {
        sum = sum.grow(0.1);
    }
    assert_eq!((sum.high(), sum.low()), (202.0, -0.0009765625));
    let beta = Bf16Pair::new(0.999);
    assert!(beta.high() == 1.0 && (beta.low() + 0.0009994507).abs() < 1e-9);
    let bf16 = |x: f64| FormatSpec::BF16.decode(FormatSpec::BF16.encode_f64(x)).to_f64();
    let mut random = SplitMix64(2);
    for _ in 0..20_000 {
        let word = random.next().unwrap();
        let a = word as i32 as f32 / 2.0f32.powi(31);
        let b = (word >> 32) as i32 as f32 / 2.0f32.powi(33);
        let (x, y) = (Bf16Pair::new(a), Bf16Pair::new(b));
        for pair in [x, y, x.grow(b), x.multiply(y)] {
            // Both parts are BF16, and the lower is half a unit of the higher at most.
            let (high, low) = (f64::from(pair.high()), f64::from(pair.low()));
            assert_eq!((bf16(high), bf16(low)), (high, low));
            assert!(low.abs() <= high.abs() * 2.0f64.powi(-8), "{high} {low}");
        }
        let near = |found: Bf16Pair, exact: f64, size: f64| {
            assert!((found.to_f64() - exact).abs() <= 2.0f64.powi(-14) * size, "{a} {b}");
        };
        near(x, a.into(), f64::from(a.abs()));
        let term = bf16(b.into());
        if term.abs() <= f64::from(x.high().abs()) {
            near(x.grow(b), x.to_f64() + term, f64::from(a.abs()));
        }
        near(x.multiply(y), x.to_f64() * y.to_f64(), (x.to_f64() * y.to_f64()).abs() + 1e-30);
    }
}

#[test]
fn a_carried_sum_does_not_stagnate() {
    let term = FormatSpec::BF16.decode(FormatSpec::BF16.encode_f64(0.01)).to_f64();
    let mut plain = 0.0f64;
    let mut carried = Compensated::new(FormatSpec::BF16);
    for _ in 0..4096 {
        plain = FormatSpec::BF16.decode(FormatSpec::BF16.encode_f64(plain + term)).to_f64();
        carried.add(0.01);
    }
    assert_eq!(plain, 4.0);
    assert!((carried.value() - 4096.0 * term).abs() < 0.3, "{}", carried.value());
    // In f32, against f64: the error is that of one rounding of the sum, of 10,000 terms.
    let mut sum = Compensated::new(FormatSpec::F32);
    let x = normals(1, 10_000, 1.0);
    x.iter().for_each(|x| sum.add((*x).into()));
    let exact: f64 = x.iter().map(|x| f64::from(*x)).sum();
    assert!((sum.value() - exact).abs() < 1e-5);
}

#[test]
fn l_mul_adds_fields() {
    assert_eq!(
        (LMul::Formula.product(1.75, 1.75, 3), LMul::Fields.product(1.75, 1.75, 3)),
        (2.625, 3.25)
    );
    for form in [LMul::Formula, LMul::Fields] {
        assert_eq!(form.product(1.5, 1.25, 3), 1.875);
        assert_eq!(form.product(-1.5, 1.25, 3), -1.875);
        assert_eq!((form.product(0.0, 3.0, 3), form.product(1e-40, 3.0, 3)), (0.0, 0.0));
        assert_eq!(form.product(f32::INFINITY, -2.0, 3), f64::NEG_INFINITY);
        assert!(form.product(f32::NAN, 1.0, 3).is_nan());
    }
    // The fields of f32 added as integers, of numbers with m mantissa bits.
    let mut random = SplitMix64(1);
    for m in [2u32, 3, 4, 7] {
        let l = [0, 1, 2, 3, 3, 4, 4, 4][m as usize];
        for _ in 0..3000 {
            let word = random.next().unwrap();
            let number =
                |w: u32| f32::from_bits((127 << 23) + (w & ((1 << m) - 1)) * (1 << (23 - m)));
            let (x, y) = (number(word as u32), number((word >> 32) as u32) * 8.0);
            let bits = x.to_bits() + y.to_bits() - (127 << 23) + (1 << (23 - l));
            assert_eq!(
                LMul::Fields.product(x, y, m),
                f64::from(f32::from_bits(bits)),
                "{x} {y} {m}"
            );
        }
    }
    // Mean relative errors over uniform mantissas: form B at m = 3 0.0575 with bias +0.0486.
    let (mut size, mut bias, mut count) = (0.0, 0.0, 0.0);
    for i in 0..300 {
        for j in 0..300 {
            let (x, y) = (1.0 + (i as f32 + 0.5) / 300.0, 1.0 + (j as f32 + 0.5) / 300.0);
            let exact = f64::from(x) * f64::from(y);
            let three = LMul::Fields.product(x, y, 3) / exact - 1.0;
            (size, bias, count) = (size + three.abs(), bias + three, count + 1.0);
        }
    }
    assert!((bias / count - 0.0486).abs() < 0.01 && (0.05..0.09).contains(&(size / count)));
    let (a, b) = (normals(2, 4 * 16, 1.0), normals(3, 3 * 16, 1.0));
    let c = LMul::Fields.matmul(&a, 4, &b, 3, 3).unwrap();
    for (at, c) in c.iter().enumerate() {
        let sum = (0..16).fold(0.0f32, |sum, k| {
            sum + LMul::Fields.product(a[at / 3 * 16 + k], b[at % 3 * 16 + k], 3) as f32
        });
        assert_eq!(*c, sum);
    }
    assert!(LMul::Formula.matmul(&a, 4, &b, 4, 3).is_err());
}

#[test]
fn polynomials_of_exp2_are_as_good_as_their_degree() {
    // Relative errors of the best polynomials on [0, 1]: 1.8e-3 at degree 2, 7.7e-5 at 3; half a unit
    // of BF16 is 3.9e-3, of F16 4.9e-4 (relative to 1).
    let two: [f64; 3] = [0.337_189_4, 0.657_636_28, 1.001_724_76];
    let three: [f64; 4] = [0.079_020_6, 0.224_126_45, 0.696_838_56, 0.999_892_68];
    for (format, bits) in [(FormatSpec::BF16, 7), (FormatSpec::F16, 10)] {
        for coefficients in [&two[..], &three[..]] {
            let rounded: Vec<f32> = coefficients.iter().map(|c| *c as f32).collect();
            let (ulps, at) = polynomial_error(&format, Unary::Exp2, &rounded, 0.0, 0.999).unwrap();
            let round = |x: f64| format.decode(format.encode_f64(x)).to_f64();
            let mut worst = 0.0f64;
            for code in 0..1u32 << 16 {
                let x = f64::from(format.decode_f32(code));
                if (0.0..=0.999).contains(&x) {
                    let y = coefficients.iter().fold(0.0, |sum, c| round(sum * x + round(*c)));
                    // Results from 1 to 2 are 2^-bits apart.
                    worst = worst.max((y - x.exp2()).abs() * 2.0f64.powi(bits));
                }
            }
            assert!((ulps - worst).abs() < 1e-3, "{ulps} {worst}");
            assert!((0.0..=0.999).contains(&at) && ulps > 0.5);
        }
    }
    assert!(polynomial_error(&FormatSpec::F32, Unary::Exp, &[1.0], 0.0, 1.0).is_err());
}

#[test]
fn layer_cast_sums_in_f32_whatever_the_weights_are_stored_in() {
    let (tokens, inputs, outputs) = (3, 40, 5);
    let x = normals(1, tokens * inputs, 1.0);
    for format in [FormatSpec::BF16, FormatSpec::F16] {
        let encode =
            |x: Vec<f32>| x.iter().map(|x| format.encode_f32(*x) as u16).collect::<Vec<u16>>();
        let (w, bias) =
            (encode(normals(2, outputs * inputs, 0.2)), encode(normals(3, outputs, 1.0)));
        let y = layer_cast(&x, tokens, &format, &w, outputs, &bias).unwrap();
        for (at, y) in y.iter().enumerate() {
            let sum = (0..inputs).fold(0.0f32, |sum, k| {
                let weight = format.decode_f32(w[at % outputs * inputs + k].into());
                x[at / outputs * inputs + k].mul_add(weight, sum)
            });
            assert_eq!(*y, sum + format.decode_f32(bias[at % outputs].into()));
        }
    }
    assert!(layer_cast(&x, tokens, &FormatSpec::BF16, &[0; 7], 5, &[]).is_err());
    assert!(layer_cast(&x, tokens, &FormatSpec::BF16, &[0; 200], 5, &[0]).is_err());
}
