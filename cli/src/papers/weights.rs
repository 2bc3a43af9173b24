//! What is measured of claims on the matrices of a checkpoint; the thresholds are those that
//! `claims` states.

use super::Outcome;
use super::measures::{Measured, absmax, db, mse};
use crate::failure::Failure;
use crate::report::Weights;
use std::path::Path;
use subhalf::recipe::{self, Any4Weighting, schemes};
use subhalf::{BlockSpec, Error, Extent, FormatSpec, Hadamard, QuantTensor, ScaleRule, preset};

/// Which weights [`read`] takes, as the claims say it.
pub(super) const NUMBERS: &str =
    "matrices of at least 64 rows and at most 2^22 weights, columns in groups of 128";

/// A weight of two dimensions.
pub(crate) struct Matrix {
    rows: usize,
    cols: usize,
    numbers: Vec<f32>,
}

/// Reads the matrices of a checkpoint that claims are measured on: no vectors, no embeddings.
pub(super) fn read(path: &Path) -> Result<Vec<Matrix>, Failure> {
    let weights = Weights::open(path)?;
    let mut matrices = Vec::new();
    for index in 0..weights.len() {
        let &[rows, cols] = weights.entry(index).shape() else { continue };
        if rows >= 64 && cols.is_multiple_of(128) && (1..=1 << 22).contains(&(rows * cols)) {
            let numbers = weights.read(index)?.values.to_f32().into_owned();
            matrices.push(Matrix { rows, cols, numbers });
        }
    }
    if matrices.is_empty() {
        return Err(Failure::NoMatrices { expected: NUMBERS });
    }
    Ok(matrices)
}

impl Matrix {
    fn stored(&self, spec: &BlockSpec) -> Result<Vec<f32>, Error> {
        Ok(QuantTensor::quantize(spec, &self.numbers, &[self.rows, self.cols])?.dequantize())
    }

    fn sqnr(&self, spec: &BlockSpec) -> Result<f64, Error> {
        Ok(db(&self.numbers, &self.stored(spec)?))
    }

    fn mse(&self, spec: &BlockSpec) -> Result<f64, Error> {
        Ok(mse(&self.numbers, &self.stored(spec)?))
    }
}

/// The mean of a figure over all matrices.
fn mean(matrices: &[Matrix], of: impl Fn(&Matrix) -> Result<f64, Error>) -> Result<f64, Error> {
    let mut sum = 0.0;
    for matrix in matrices {
        sum += of(matrix)?;
    }
    Ok(sum / matrices.len() as f64)
}

pub(super) fn mxint8_against_mxfp8(matrices: &[Matrix]) -> Measured {
    let up =
        |element| BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::RoundUp);
    let int = mean(matrices, |matrix| matrix.sqnr(&up(FormatSpec::MXINT8SYM)))?;
    let float = mean(matrices, |matrix| matrix.sqnr(&up(FormatSpec::F8E4M3)))?;
    Ok(Outcome { ours: format!("{int:.2} against {float:.2} dB"), agrees: int - float >= 5.0 })
}

pub(super) fn nvfp4_against_mxfp4(matrices: &[Matrix]) -> Measured {
    let nv = mean(matrices, |matrix| matrix.sqnr(&preset::fouroversix::NVFP4_STATIC))?;
    let mx = mean(matrices, |matrix| matrix.sqnr(&preset::ocp::MXFP4_ROUND_UP))?;
    Ok(Outcome { ours: format!("{nv:.2} against {mx:.2} dB"), agrees: nv - mx >= 1.0 })
}

pub(super) fn nvint4_and_hadamard(matrices: &[Matrix]) -> Measured {
    let transform = Hadamard::random(16, 7)?;
    let pair = |transforms: bool| {
        let of = |spec: &BlockSpec| {
            mean(matrices, |matrix| {
                let mut numbers = matrix.numbers.clone();
                if transforms {
                    transform.forward(&mut numbers)?;
                }
                Matrix { numbers, ..*matrix }.sqnr(spec)
            })
        };
        Ok::<_, Error>((of(&preset::fouroversix::NVINT4)?, of(&preset::fouroversix::NVFP4_STATIC)?))
    };
    let (before, after) = (pair(false)?, pair(true)?);
    Ok(Outcome {
        ours: format!(
            "before {:.2} and {:.2} dB, after {:.2} and {:.2}",
            before.0, before.1, after.0, after.1
        ),
        agrees: before.0 - before.1 <= 0.1 && after.0 - after.1 > 0.5,
    })
}

pub(super) fn afpq_by_group(matrices: &[Matrix]) -> Measured {
    let nf4 = FormatSpec::NF4;
    let mut gains = Vec::new();
    for cols in [128, 64, 32] {
        let one = absmax(nf4, 1.0, Extent::Block { rows: 1, cols });
        gains.push(mean(matrices, |matrix| {
            let x = &matrix.numbers;
            let two = recipe::afpq(&nf4, &FormatSpec::F32, cols, x, matrix.rows)?.dequantize();
            Ok(1.0 - mse(x, &two) / matrix.mse(&one)?)
        })?);
    }
    let text: Vec<String> = gains.iter().map(|gain| format!("{:.1} %", 100.0 * gain)).collect();
    Ok(Outcome {
        ours: format!("{} at 128, 64 and 32", text.join(", ")),
        agrees: gains[0] >= 0.04 && gains[1] > gains[0] && gains[2] > gains[1],
    })
}

pub(super) fn any4_against_tables(matrices: &[Matrix]) -> Measured {
    let group = Extent::Block { rows: 1, cols: 128 };
    let int4 = |matrix: &Matrix| matrix.mse(&preset::generic::UINT4_G128);
    let of = |spec: BlockSpec| mean(matrices, |matrix| Ok(matrix.mse(&spec)? / int4(matrix)?));
    let any4 = mean(matrices, |matrix| {
        let (x, weighting) = (&matrix.numbers, Any4Weighting::Diagonal);
        let learned = recipe::any4(x, matrix.rows, 128, &[], weighting, &FormatSpec::F32)?;
        Ok(mse(x, &learned.dequantize()) / int4(matrix)?)
    })?;
    let nf4 = of(absmax(FormatSpec::NF4, 1.0, group))?;
    let fp4 = of(absmax(FormatSpec::F4E2M1, 6.0, group))?;
    Ok(Outcome {
        ours: format!("any4 {any4:.3}, NF4 {nf4:.3}, INT4 1, FP4 {fp4:.3}"),
        agrees: any4 < nf4 && nf4 < 1.0 && 1.0 < fp4,
    })
}

pub(super) fn ue5m3_against_e4m3(matrices: &[Matrix]) -> Measured {
    let of = |spec: &BlockSpec| mean(matrices, |matrix| matrix.sqnr(spec));
    let wide = of(&schemes::NVFP4_UE5M3)?;
    let narrow = of(&schemes::NVFP4_UE4M3)?;
    let scaled = of(&preset::fouroversix::NVFP4_STATIC)?;
    Ok(Outcome {
        ours: format!("UE5M3 {wide:.2} dB, E4M3 {narrow:.2}, with a tensor scale {scaled:.2}"),
        agrees: wide >= scaled - 0.5 && narrow < wide,
    })
}

pub(super) fn block_sizes(matrices: &[Matrix]) -> Measured {
    let mut found = Vec::new();
    for cols in [4, 8, 16, 32, 64, 128] {
        let spec = preset::fouroversix::NVFP4_STATIC.with_extent(Extent::Block { rows: 1, cols });
        found.push(mean(matrices, |matrix| matrix.sqnr(&spec))?);
    }
    let text: Vec<String> = found.iter().map(|db| format!("{db:.2}")).collect();
    Ok(Outcome {
        ours: format!("4 to 128: {} dB", text.join(", ")),
        agrees: found.windows(2).all(|pair| pair[0] > pair[1]) && found[1] - found[2] < 1.0,
    })
}

pub(super) fn bof4_against_nf4(matrices: &[Matrix]) -> Measured {
    // Of all matrices together: sums of squares.
    let error = |spec: &BlockSpec| {
        mean(matrices, |matrix| Ok(matrix.mse(spec)? * matrix.numbers.len() as f64))
    };
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
