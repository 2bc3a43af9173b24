//! What is measured of each claim; the thresholds are those that `claims` states.

use super::Outcome;
use super::inputs::{COLS, is_outlier, laplace, normal, outliers, student, uniform};
use subhalf::recipe::{self, Any4Weighting, LMul, PowerRatio, ZeroquantScales, schemes};
use subhalf::{
    Accumulator, BlockSpec, Dither, Error, Extent, FormatSpec, Hadamard, KSchedule, Matmul,
    Operand, QuantTensor, Quantizer, Ratio, Round, ScaleRule, Stochastic, preset, unit,
};

pub(super) type Measured = Result<Outcome, Error>;

/// How much larger the outlier channels of the claims are.
const FACTOR: f32 = 24.0;
const COUNT: usize = 512 * COLS;

pub(super) fn mse(x: &[f32], y: &[f32]) -> f64 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    x.iter().zip(y).map(square).sum::<f64>() / x.len() as f64
}

pub(super) fn db(x: &[f32], y: &[f32]) -> f64 {
    let signal = mse(x, &vec![0.0; x.len()]);
    10.0 * (signal / mse(x, y)).log10()
}

/// What rows of [`COLS`] numbers come back as.
fn stored(spec: &BlockSpec, x: &[f32]) -> Result<Vec<f32>, Error> {
    let cols = COLS.min(x.len());
    Ok(QuantTensor::quantize(spec, x, &[x.len() / cols, cols])?.dequantize())
}

fn sqnr(spec: &BlockSpec, x: &[f32]) -> Result<f64, Error> {
    Ok(db(x, &stored(spec, x)?))
}

/// Elements over f32 scales that make the largest magnitude their largest number.
pub(super) fn absmax(element: FormatSpec, target: f32, extent: Extent) -> BlockSpec {
    let rule = ScaleRule::Amax { target, ratio: Ratio::Divide };
    BlockSpec::new(element, Some(FormatSpec::F32), extent, rule)
}

pub(super) fn mxint8_against_mxfp8() -> Measured {
    let up =
        |element| BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::RoundUp);
    let (int, float) = (up(FormatSpec::MXINT8SYM), up(FormatSpec::F8E4M3));
    let pair = |x: &[f32]| Ok::<_, Error>((sqnr(&int, x)?, sqnr(&float, x)?));
    let plain = pair(&normal(1, COUNT))?;
    let spiky = pair(&outliers(2, COUNT, FACTOR))?;
    Ok(Outcome {
        ours: format!(
            "normal {:.2} against {:.2} dB, outlier channels {:.2} against {:.2}",
            plain.0, plain.1, spiky.0, spiky.1
        ),
        agrees: plain.0 - plain.1 >= 5.0 && spiky.0 > spiky.1,
    })
}

pub(super) fn nvfp4_against_mxfp4() -> Measured {
    let inputs = [normal(3, COUNT), laplace(4, COUNT), outliers(5, COUNT, FACTOR)];
    let mut gains = Vec::new();
    for x in &inputs {
        let mx = sqnr(&preset::ocp::MXFP4_ROUND_UP, x)?;
        gains.push((sqnr(&preset::fouroversix::NVFP4_STATIC, x)?, mx));
    }
    let text: Vec<String> =
        gains.iter().map(|(nv, mx)| format!("{nv:.2} against {mx:.2} dB")).collect();
    Ok(Outcome {
        ours: format!("normal {}, Laplace {}, outlier channels {}", text[0], text[1], text[2]),
        agrees: gains.iter().all(|(nv, mx)| nv - mx >= 1.0),
    })
}

pub(super) fn nvint4_and_hadamard() -> Measured {
    let pair = |x: &[f32]| {
        let int = sqnr(&preset::fouroversix::NVINT4, x)?;
        Ok::<_, Error>((int, sqnr(&preset::fouroversix::NVFP4_STATIC, x)?))
    };
    let mut x = laplace(6, COUNT);
    let before = pair(&x)?;
    Hadamard::random(16, 7)?.forward(&mut x)?;
    let after = pair(&x)?;
    Ok(Outcome {
        ours: format!(
            "before {:.2} and {:.2} dB, after {:.2} and {:.2}",
            before.0, before.1, after.0, after.1
        ),
        agrees: before.0 - before.1 <= 0.1 && after.0 - after.1 > 0.5,
    })
}

pub(super) fn exponent_bits_against_outliers() -> Measured {
    let bits = |x: Vec<f32>| Ok::<_, Error>(recipe::flexible_fit(&x, 1, 8)?.mantissa_bits);
    let count = 1 << 16;
    let [flat, round, heavy] =
        [bits(uniform(8, count))?, bits(normal(8, count))?, bits(student(8, count))?];
    Ok(Outcome {
        ours: format!(
            "uniform E{}M{flat}, normal E{}M{round}, Student t E{}M{heavy}",
            7 - flat,
            7 - round,
            7 - heavy
        ),
        agrees: flat >= round && round > heavy,
    })
}

pub(super) fn int8_against_fp8() -> Measured {
    let (int, float) = (
        absmax(FormatSpec::INT8, 127.0, Extent::Row),
        absmax(FormatSpec::F8E4M3, 448.0, Extent::Row),
    );
    // Errors of the channels that are no outliers.
    let ordinary = |spec: &BlockSpec, x: &[f32]| {
        let y = stored(spec, x)?;
        let keep = |x: &[f32]| -> Vec<f32> {
            x.iter().enumerate().filter(|(i, _)| !is_outlier(*i)).map(|(_, x)| *x).collect()
        };
        Ok::<_, Error>(db(&keep(x), &keep(&y)))
    };
    let (plain, spiky) = (normal(9, COUNT), outliers(9, COUNT, 64.0));
    let a = (ordinary(&int, &plain)?, ordinary(&float, &plain)?);
    let b = (ordinary(&int, &spiky)?, ordinary(&float, &spiky)?);
    Ok(Outcome {
        ours: format!(
            "normal {:.1} against {:.1} dB, outliers {:.1} against {:.1}",
            a.0, a.1, b.0, b.1
        ),
        agrees: a.0 > a.1 && b.0 < b.1,
    })
}

pub(super) fn afpq_by_group() -> Measured {
    let x = normal(10, 256 * COLS);
    let mut gains = Vec::new();
    for group in [128, 64, 32] {
        let nf4 = FormatSpec::NF4;
        let one = absmax(nf4, 1.0, Extent::Block { rows: 1, cols: group });
        let two = recipe::afpq(&nf4, &FormatSpec::F32, group, &x, 256)?.dequantize();
        gains.push(1.0 - mse(&x, &two) / mse(&x, &stored(&one, &x)?));
    }
    Ok(Outcome {
        ours: format!(
            "{:.1} % at 128, {:.1} % at 64, {:.1} % at 32",
            100.0 * gains[0],
            100.0 * gains[1],
            100.0 * gains[2]
        ),
        agrees: gains[0] >= 0.04 && gains[1] > gains[0] && gains[2] > gains[1],
    })
}

pub(super) fn any4_against_tables() -> Measured {
    let rows = 128;
    let w = normal(11, rows * COLS);
    let a: Vec<f32> = normal(12, COLS).iter().map(|x| x.abs() + 0.1).collect();
    let weighed = |y: &[f32]| {
        let square = |(i, (w, y)): (usize, (&f32, &f32))| {
            ((f64::from(*w) - f64::from(*y)) * f64::from(a[i % COLS])).powi(2)
        };
        w.iter().zip(y).enumerate().map(square).sum::<f64>() / w.len() as f64
    };
    let group = Extent::Block { rows: 1, cols: 128 };
    let learned =
        recipe::any4(&w, rows, 128, &a, Any4Weighting::Diagonal, &FormatSpec::F32)?.dequantize();
    let errors = [
        weighed(&learned),
        weighed(&stored(&absmax(FormatSpec::NF4, 1.0, group), &w)?),
        weighed(&stored(&preset::generic::UINT4_G128, &w)?),
        weighed(&stored(&absmax(FormatSpec::F4E2M1, 6.0, group), &w)?),
    ];
    let [any4, nf4, int4, fp4] = errors.map(|error| 1e3 * error);
    Ok(Outcome {
        ours: format!("any4 {any4:.3}, NF4 {nf4:.3}, INT4 {int4:.3}, FP4 {fp4:.3} (times 1e-3)"),
        agrees: errors.windows(2).all(|pair| pair[0] < pair[1]),
    })
}

pub(super) fn ue5m3_scales() -> Measured {
    let x: Vec<f32> = normal(13, COUNT).iter().map(|x| 1e-4 * x).collect();
    let wide = sqnr(&schemes::NVFP4_UE5M3, &x)?;
    let narrow = sqnr(&schemes::NVFP4_UE4M3, &x)?;
    let scaled = sqnr(&preset::fouroversix::NVFP4_STATIC, &x)?;
    Ok(Outcome {
        ours: format!("UE5M3 {wide:.2} dB, E4M3 {narrow:.2}, with a tensor scale {scaled:.2}"),
        agrees: wide >= scaled - 0.5 && narrow <= scaled - 10.0,
    })
}

pub(super) fn block_sizes() -> Measured {
    let x = normal(14, COUNT);
    let mut found = Vec::new();
    for cols in [4, 8, 16, 32, 64, 128] {
        let spec = preset::fouroversix::NVFP4_STATIC.with_extent(Extent::Block { rows: 1, cols });
        found.push(sqnr(&spec, &x)?);
    }
    let text: Vec<String> = found.iter().map(|db| format!("{db:.2}")).collect();
    Ok(Outcome {
        ours: format!("4 to 128: {} dB", text.join(", ")),
        agrees: found.windows(2).all(|pair| pair[0] > pair[1]) && found[1] - found[2] < 1.0,
    })
}

pub(super) fn l_mul_against_fp8() -> Measured {
    let (x, y) = (normal(15, 1 << 16), normal(115, 1 << 16));
    // Ordinary numbers: formats' ranges are not what the claim is about.
    let pairs: Vec<(f32, f32)> =
        x.into_iter().zip(y).filter(|(x, y)| x.abs() > 0.1 && y.abs() > 0.1).collect();
    let rms = |product: &dyn Fn(f32, f32) -> f64| {
        let square =
            |(x, y): &(f32, f32)| (product(*x, *y) / (f64::from(*x) * f64::from(*y)) - 1.0).powi(2);
        (pairs.iter().map(square).sum::<f64>() / pairs.len() as f64).sqrt()
    };
    let rounded = |spec: FormatSpec| {
        move |x: f32, y: f32| {
            let [x, y] = [x, y].map(|x| f64::from(spec.decode_f32(spec.encode_f32(x))));
            spec.decode(spec.encode_f64(x * y)).to_f64()
        }
    };
    let four = rms(&|x, y| LMul::Fields.product(x, y, 4));
    let three = rms(&|x, y| LMul::Fields.product(x, y, 3));
    let e4m3 = rms(&rounded(FormatSpec::F8E4M3));
    let e5m2 = rms(&rounded(FormatSpec::F8E5M2));
    Ok(Outcome {
        ours: format!("4 bits {four:.4}, E4M3 {e4m3:.4}, 3 bits {three:.4}, E5M2 {e5m2:.4}"),
        agrees: four <= 1.1 * e4m3 && three < e5m2,
    })
}

pub(super) fn stochastic_sums() -> Measured {
    // The product of a row of 0.01 by a row of ones.
    let (a, b) = (vec![0.01f32; 4096], vec![1.0f32; 4096]);
    let (a, b) = (Operand::numbers(&a, &[1, 4096])?, Operand::numbers(&b, &[1, 4096])?);
    let sum = |round, seed| {
        let accumulator = Accumulator::rounded(FormatSpec::BF16, round);
        let product = Matmul::new().accumulator(accumulator).dither(Dither::new(seed));
        Ok::<_, Error>(f64::from(product.multiply(a, b)?[0]))
    };
    let nearest = sum(Round::NearestEven, 0)?;
    let stochastic = Round::stochastic(Stochastic::B, 16)?;
    let mut mean = 0.0;
    for seed in 16..80 {
        mean += sum(stochastic, seed)? / 64.0;
    }
    Ok(Outcome {
        ours: format!("nearest {nearest:.2}, stochastic {mean:.2} on average"),
        agrees: nearest == 4.0 && (mean / 40.96 - 1.0).abs() <= 0.05,
    })
}

pub(super) fn hopper_sums() -> Measured {
    let (spec, depth) = (FormatSpec::F8E4M3, 4096);
    let codes = |seed| -> Vec<u8> {
        let numbers = uniform(seed, 16 * depth).into_iter();
        numbers.map(|x| spec.encode_f32(x.abs()) as u8).collect()
    };
    let (a, b) = (codes(17), codes(117));
    let (a, b) =
        (Operand::codes(&spec, &a, &[16, depth])?, Operand::codes(&spec, &b, &[16, depth])?);
    let product = |accumulator| Matmul::new().accumulator(accumulator).multiply(a, b);
    let exact = product(Accumulator::Exact)?;
    let hopper = unit::hopper::WGMMA_FP8.spec(spec, spec)?;
    let worst = |schedule| {
        let sums = product(Accumulator::unit(hopper, schedule))?;
        let errors = sums.iter().zip(&exact).map(|(x, y)| f64::from((x - y) / y).abs());
        Ok::<_, Error>(errors.fold(0.0, f64::max))
    };
    let (alone, promoted) = (worst(KSchedule::InOrder)?, worst(KSchedule::CUTLASS_FP8)?);
    Ok(Outcome {
        ours: format!("{:.3} % in order, {:.4} % promoted", 100.0 * alone, 100.0 * promoted),
        agrees: (0.005..=0.04).contains(&alone) && promoted <= alone / 10.0,
    })
}

pub(super) fn layouts_of_the_scaling_law() -> Measured {
    let x = outliers(18, 1 << 18, FACTOR);
    let mut found = Vec::new();
    for bits in [4, 6, 8] {
        found.push(bits - 1 - recipe::flexible_fit(&x, 1, bits)?.mantissa_bits);
    }
    let layout = |bits: u8, e: u8| format!("E{e}M{}", bits - 1 - e);
    Ok(Outcome {
        ours: format!("{}, {}, {}", layout(4, found[0]), layout(6, found[1]), layout(8, found[2])),
        agrees: found == [2, 3, 4],
    })
}

pub(super) fn bof4_against_nf4() -> Measured {
    let x = normal(19, 1 << 19);
    let error = |spec: &BlockSpec| Ok::<_, Error>(mse(&x, &stored(spec, &x)?));
    let nf4 = error(&absmax(FormatSpec::NF4, 1.0, Extent::Flat(64)))?;
    let specs =
        [absmax(FormatSpec::AF4, 1.0, Extent::Flat(64)), schemes::BOF4_MSE, schemes::BOF4S_MSE];
    let mut ratios = Vec::new();
    for spec in &specs {
        ratios.push(error(spec)? / nf4);
    }
    // The paper's squared errors of Llama-3.1-8B, times 10^6.
    let published = [1.762, 1.566, 1.441].map(|error| error / 1.637);
    let near = |(ours, theirs): (&f64, f64)| (ours / theirs - 1.0).abs() <= 0.02;
    Ok(Outcome {
        ours: format!("AF4 {:.3}, BOF4 {:.3}, BOF4-S {:.3}", ratios[0], ratios[1], ratios[2]),
        agrees: ratios.iter().zip(published).all(near),
    })
}

pub(super) fn zeroquant_constraints() -> Measured {
    let (rows, cols) = (256, 256);
    let w = normal(20, rows * cols);
    let spec = absmax(FormatSpec::F4E2M1, 6.0, Extent::Row);
    let free = QuantTensor::quantize(&spec, &w, &[rows, cols])?;
    let scales: Vec<f32> = (0..rows).map(|row| free.view().block_scale(row)).collect();
    let error = |constraint: ZeroquantScales| {
        let mut scales = scales.clone();
        scales.chunks_mut(32).for_each(|set| constraint.apply(set));
        let quantizer = Quantizer::new(&spec).scales(&scales, &[]);
        Ok::<_, Error>(mse(&w, &quantizer.quantize(&w, &[rows, cols])?.dequantize()))
    };
    let free = mse(&w, &free.dequantize());
    let m1 = error(ZeroquantScales::M1)?;
    let m2 = error(ZeroquantScales::M2(PowerRatio::Ceil))?;
    let floor = error(ZeroquantScales::M2(PowerRatio::Floor))?;
    Ok(Outcome {
        ours: format!("free {free:.4}, M1 {m1:.4}, M2 {m2:.4} (with floor {floor:.4})"),
        agrees: free < m2 && m2 < m1,
    })
}

pub(super) fn clamped_outliers() -> Measured {
    let x = student(21, 256 * COLS);
    let spec = absmax(FormatSpec::F4E2M1, 6.0, Extent::Row);
    let mut found = Vec::new();
    for alpha in [1.0, 0.999, 0.99, 0.97] {
        let parts = recipe::clamp_outliers(&x, alpha)?;
        let mut y = stored(&spec, &parts.clamped)?;
        parts.residual.iter().for_each(|(at, x)| y[*at] += x);
        found.push(db(&x, &y));
    }
    let text: Vec<String> = found.iter().map(|db| format!("{db:.2}")).collect();
    Ok(Outcome {
        ours: format!("{} dB", text.join(", ")),
        agrees: found.windows(2).all(|pair| pair[0] < pair[1]),
    })
}

pub(super) fn error_feedback() -> Measured {
    let (samples, rows, cols) = (512, 64, 128);
    // Eight sources in all channels, and noise.
    let (sources, mix) = (normal(23, samples * 8), normal(123, 8 * cols));
    let noise = normal(223, samples * cols);
    let x: Vec<f32> = (0..samples * cols)
        .map(|at| {
            let (i, j) = (at / cols, at % cols);
            let mixed: f32 = (0..8).map(|k| sources[i * 8 + k] * mix[k * cols + j]).sum();
            mixed + 0.5 * noise[at]
        })
        .collect();
    let w = normal(22, rows * cols);
    let spec = preset::generic::INT4_G32;
    let h = recipe::hessian(&x, samples)?;
    let fed = recipe::gptq(&w, rows, &h, 0.01, &spec)?.tensor.dequantize();
    let alone = QuantTensor::quantize(&spec, &w, &[rows, cols])?.dequantize();
    let output_error = |q: &[f32]| {
        let rows = w.chunks(cols).zip(q.chunks(cols));
        rows.map(|(w, q)| {
            let e: Vec<f64> = w.iter().zip(q).map(|(w, q)| f64::from(*w) - f64::from(*q)).collect();
            let product = |row: &[f64]| row.iter().zip(&e).map(|(h, e)| h * e).sum::<f64>();
            e.iter().zip(h.chunks(cols)).map(|(e, row)| e * product(row)).sum::<f64>()
        })
        .sum::<f64>()
    };
    let ratio = output_error(&fed) / output_error(&alone);
    Ok(Outcome { ours: format!("{ratio:.3}"), agrees: ratio < 0.8 })
}
