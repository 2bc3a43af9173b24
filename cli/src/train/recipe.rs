//! Recipes of training: what operands are quantized to, and what weights are kept in.

use subhalf::preset::transformer_engine::{NVFP4, NVFP4_16X16};
use subhalf::{
    BlockSpec, Convert, Dither, Error, FormatSpec, Hadamard, Operand, QuantTensor, Quantizer,
    Round, SliceConverter, Stochastic, matmul,
};

/// A row of the table.
pub(super) struct Recipe {
    pub(super) name: &'static str,
    /// What the products of the hidden layers take.
    pub(super) hidden: Precision,
    pub(super) kept: Kept,
    /// Weights of variance 1 and constant factors for every product (unit scaling) instead of
    /// small weights.
    pub(super) unit_scaled: bool,
}

/// What the operands of a product are quantized to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Precision {
    F32,
    Bf16,
    /// E4M3 for weights and activations, E5M2 for gradients, without scales.
    Fp8,
    /// NVFP4 in blocks of 16 along K, weights in tiles of 16×16.
    Nvfp4 {
        /// Whether gradients are rounded stochastically.
        stochastic: bool,
        /// Whether both operands of the weight gradient are transformed.
        hadamard: bool,
    },
}

/// What weights are rounded to after each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kept {
    F32,
    Bf16,
    Nvfp4,
}

const FULL: Precision = Precision::Nvfp4 { stochastic: true, hadamard: true };

const fn plain(name: &'static str, hidden: Precision, kept: Kept) -> Recipe {
    Recipe { name, hidden, kept, unit_scaled: false }
}

pub(super) const RECIPES: [Recipe; 10] = [
    plain("FP32", Precision::F32, Kept::F32),
    plain("BF16", Precision::Bf16, Kept::F32),
    Recipe { unit_scaled: true, ..plain("FP8, unit scaling", Precision::Fp8, Kept::F32) },
    plain("FP8, no scaling", Precision::Fp8, Kept::F32),
    plain("NVFP4", FULL, Kept::F32),
    plain(
        "NVFP4, all to nearest",
        Precision::Nvfp4 { stochastic: false, hadamard: true },
        Kept::F32,
    ),
    plain("NVFP4, no Hadamard", Precision::Nvfp4 { stochastic: true, hadamard: false }, Kept::F32),
    plain("NVFP4, neither", Precision::Nvfp4 { stochastic: false, hadamard: false }, Kept::F32),
    plain("NVFP4, weights kept in BF16", FULL, Kept::Bf16),
    plain("NVFP4, weights kept in NVFP4", FULL, Kept::Nvfp4),
];

/// A matrix as a product takes it.
pub(super) enum Stored {
    F32(Vec<f32>),
    Bf16(Vec<u16>),
    Fp8(FormatSpec, Vec<u8>),
    Blocks(Box<QuantTensor>),
}

impl Stored {
    fn operand(&self, shape: [usize; 2]) -> Result<Operand<'_>, Error> {
        match self {
            Self::F32(x) => Operand::numbers(x, &shape),
            Self::Bf16(codes) => Operand::codes(&FormatSpec::BF16, codes, &shape),
            Self::Fp8(format, codes) => Operand::codes(format, codes, &shape),
            Self::Blocks(tensor) => Ok(tensor.as_ref().into()),
        }
    }
}

fn fp8(format: FormatSpec, x: &[f32]) -> Result<Stored, Error> {
    let mut codes = vec![0u8; x.len()];
    SliceConverter::new(&format).convert(&Convert::CUDA_SATFINITE).encode(x, &mut codes)?;
    Ok(Stored::Fp8(format, codes))
}

fn bf16(x: &[f32]) -> Result<Stored, Error> {
    Ok(Stored::Bf16(FormatSpec::BF16.encode_vec(x)?))
}

fn blocks(spec: &BlockSpec, x: &[f32], shape: [usize; 2], seed: u64) -> Result<Stored, Error> {
    let quantizer = Quantizer::new(spec).dither(Dither::new(seed));
    Ok(Stored::Blocks(Box::new(quantizer.quantize(x, &shape)?)))
}

/// The transpose of a row-major matrix.
fn transpose(x: &[f32], cols: usize) -> Vec<f32> {
    (0..cols).flat_map(|j| x.iter().skip(j).step_by(cols).copied()).collect()
}

/// Rows, columns and numbers of a matrix.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) rows: usize,
}

impl Matrix<'_> {
    const fn shape(&self) -> [usize; 2] {
        [self.rows, self.numbers.len() / self.rows]
    }
}

impl Precision {
    /// What the products of the last layer take, which recipes of fewer bits leave at BF16.
    pub(super) fn of_last_layer(self) -> Self {
        if self == Self::F32 { Self::F32 } else { Self::Bf16 }
    }

    fn gradient_spec(stochastic: bool) -> Result<BlockSpec, Error> {
        Ok(if stochastic { NVFP4.with_round(Round::stochastic(Stochastic::B, 8)?) } else { NVFP4 })
    }

    fn weight(self, w: Matrix<'_>) -> Result<Stored, Error> {
        match self {
            Self::F32 => Ok(Stored::F32(w.numbers.to_vec())),
            Self::Bf16 => bf16(w.numbers),
            Self::Fp8 => fp8(FormatSpec::F8E4M3, w.numbers),
            Self::Nvfp4 { .. } => blocks(&NVFP4_16X16, w.numbers, w.shape(), 0),
        }
    }

    fn activation(self, x: Matrix<'_>) -> Result<Stored, Error> {
        match self {
            Self::Nvfp4 { .. } => blocks(&NVFP4, x.numbers, x.shape(), 0),
            _ => self.weight(x),
        }
    }

    fn gradient(self, g: Matrix<'_>, seed: u64) -> Result<Stored, Error> {
        match self {
            Self::Fp8 => fp8(FormatSpec::F8E5M2, g.numbers),
            Self::Nvfp4 { stochastic, .. } => {
                blocks(&Self::gradient_spec(stochastic)?, g.numbers, g.shape(), seed)
            }
            _ => self.weight(g),
        }
    }

    /// `X · Wᵀ`: activations, a row a sample, by weights, a row an output.
    pub(super) fn outputs(self, x: Matrix<'_>, w: Matrix<'_>) -> Result<Vec<f32>, Error> {
        let (a, b) = (self.activation(x)?, self.weight(w)?);
        matmul(a.operand(x.shape())?, b.operand(w.shape())?)
    }

    /// `G · W`: the gradient of the activations.
    pub(super) fn activation_gradient(
        self,
        g: Matrix<'_>,
        w: Matrix<'_>,
        seed: u64,
    ) -> Result<Vec<f32>, Error> {
        let (a, b) = (self.gradient(g, seed)?, self.weight(w)?);
        matmul(a.operand(g.shape())?, b.operand(w.shape())?.transposed())
    }

    /// `Gᵀ · X`: the gradient of the weights.
    pub(super) fn weight_gradient(
        self,
        g: Matrix<'_>,
        x: Matrix<'_>,
        seed: u64,
    ) -> Result<Vec<f32>, Error> {
        let Self::Nvfp4 { stochastic, hadamard } = self else {
            let (a, b) = (self.gradient(g, seed)?, self.activation(x)?);
            return matmul(a.operand(g.shape())?.transposed(), b.operand(x.shape())?.transposed());
        };
        // Blocks lie along K, which is the samples here.
        let along = |m: Matrix<'_>, spec: &BlockSpec| {
            let [samples, cols] = m.shape();
            let mut numbers = transpose(m.numbers, cols);
            if hadamard {
                Hadamard::transformer_engine().forward(&mut numbers)?;
            }
            blocks(spec, &numbers, [cols, samples], seed)
        };
        let (a, b) = (along(g, &Self::gradient_spec(stochastic)?)?, along(x, &NVFP4)?);
        // Tensors in blocks have their own shapes.
        matmul(a.operand([0, 0])?, b.operand([0, 0])?)
    }
}

impl Kept {
    /// Rounds weights, to nearest.
    pub(super) fn round(self, w: &mut [f32], rows: usize) -> Result<(), Error> {
        match self {
            Self::F32 => {}
            Self::Bf16 => FormatSpec::BF16.fake_quantize(w),
            Self::Nvfp4 => {
                let shape = [rows, w.len() / rows];
                w.copy_from_slice(&QuantTensor::quantize(&NVFP4_16X16, w, &shape)?.dequantize());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::papers::inputs::normal;
    use subhalf::recipe::Nvfp4Pretraining;

    /// The full NVFP4 recipe has the operands of the library's.
    #[test]
    fn operands_are_those_of_nvfp4_pretraining() -> Result<(), Error> {
        let (x, w, g) = (normal(1, 32 * 64), normal(2, 48 * 64), normal(3, 32 * 48));
        let matrix = |numbers, rows| Matrix { numbers, rows };
        let (x_m, w_m, g_m) = (matrix(&x, 32), matrix(&w, 48), matrix(&g, 32));
        let recipe = Nvfp4Pretraining { seed: 9 };
        let y = matmul(&Nvfp4Pretraining::activation(&x, 32)?, &Nvfp4Pretraining::weight(&w, 48)?)?;
        assert_eq!(FULL.outputs(x_m, w_m)?, y);
        let (gradient, weight) = (recipe.gradient(&g, 32)?, Nvfp4Pretraining::weight(&w, 48)?);
        let dx = matmul(&gradient, Operand::from(&weight).transposed())?;
        assert_eq!(FULL.activation_gradient(g_m, w_m, 9)?, dx);
        let a = recipe.weight_gradient_gradient(&g, 32)?;
        let b = Nvfp4Pretraining::weight_gradient_activation(&x, 32)?;
        assert_eq!(FULL.weight_gradient(g_m, x_m, 9)?, matmul(&a, &b)?);
        Ok(())
    }

    /// In f32 the three products are sums over their common axis.
    #[test]
    fn products_are_those_of_a_linear_layer() -> Result<(), Error> {
        let (x, w, g) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0], [7.0, 8.0]);
        let matrix = |numbers, rows| Matrix { numbers, rows };
        let (x, w, g) = (matrix(&x[..], 2), matrix(&w[..], 1), matrix(&g[..], 2));
        for precision in [Precision::F32, Precision::Bf16, Precision::Fp8] {
            assert_eq!(precision.outputs(x, w)?, [17.0, 39.0]);
            assert_eq!(precision.activation_gradient(g, w, 0)?, [35.0, 42.0, 40.0, 48.0]);
            assert_eq!(precision.weight_gradient(g, x, 0)?, [31.0, 46.0]);
        }
        Ok(())
    }
}
