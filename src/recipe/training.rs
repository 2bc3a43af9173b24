//! Recipes of training in low precision: NVFP4 pretraining, Gaussian weight sampling, unit scaling.

use super::{all_finite, columns};
use crate::block::preset::transformer_engine;
use crate::block::{BlockSpec, QuantTensor};
use crate::error::Error;
use crate::ops::Quantizer;
use crate::random::Dither;
use crate::round::{Round, Stochastic};
use crate::spec::FormatSpec;
use crate::transform::Hadamard;
use alloc::vec;
use alloc::vec::Vec;

/// The operands of a linear layer in the recipe of NVFP4 pretraining (arXiv 2509.25149, 4), each in
/// one call: 2-D scales for weights, stochastic rounding for gradients, a random Hadamard transform
/// along the tokens for both operands of the weight gradient.
///
/// Arithmetic is Transformer Engine's ([`transformer_engine`](crate::preset::transformer_engine));
/// its fixed signs are the transform's. Stochastic rounding takes 8 random bits an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nvfp4Pretraining {
    /// The seed of stochastic rounding: another one for each step and operand.
    pub seed: u64,
}

/// The transpose of a row-major matrix.
fn transpose(x: &[f32], cols: usize) -> Vec<f32> {
    (0..cols).flat_map(|j| x.iter().skip(j).step_by(cols.max(1)).copied()).collect()
}

impl Nvfp4Pretraining {
    /// Quantizes weights, outputs by inputs, in tiles of 16×16: the transpose has the same numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `w` has no such rows.
    pub fn weight(w: &[f32], rows: usize) -> Result<QuantTensor, Error> {
        let cols = columns("weights", w.len(), rows)?;
        Quantizer::new(&transformer_engine::NVFP4_16X16).quantize(w, &[rows, cols])
    }

    /// Quantizes the activations of the forward product, tokens by inputs, to nearest even.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` has no such rows.
    pub fn activation(x: &[f32], tokens: usize) -> Result<QuantTensor, Error> {
        let cols = columns("activations", x.len(), tokens)?;
        Quantizer::new(&transformer_engine::NVFP4).quantize(x, &[tokens, cols])
    }

    /// Quantizes the gradients of the outputs, tokens by outputs, stochastically: the operand of
    /// the product that makes the gradient of the inputs.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` has no such rows.
    pub fn gradient(self, gradient: &[f32], tokens: usize) -> Result<QuantTensor, Error> {
        let cols = columns("gradients", gradient.len(), tokens)?;
        let spec = Self::stochastic()?;
        let quantizer = Quantizer::new(&spec).dither(Dither::new(self.seed));
        quantizer.quantize(gradient, &[tokens, cols])
    }

    /// Quantizes activations for the gradient of the weights: transposed, inputs by tokens, each 16
    /// tokens transformed, to nearest even.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` has no such rows, or `tokens` is no multiple of 16.
    pub fn weight_gradient_activation(x: &[f32], tokens: usize) -> Result<QuantTensor, Error> {
        let (x, cols) = Self::along_tokens(x, tokens)?;
        Quantizer::new(&transformer_engine::NVFP4).quantize(&x, &[cols, tokens])
    }

    /// Quantizes gradients of the outputs for the gradient of the weights: transposed, outputs by
    /// tokens, each 16 tokens transformed, stochastically.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` has no such rows, or `tokens` is no multiple of 16.
    pub fn weight_gradient_gradient(
        self,
        gradient: &[f32],
        tokens: usize,
    ) -> Result<QuantTensor, Error> {
        let (x, cols) = Self::along_tokens(gradient, tokens)?;
        let spec = Self::stochastic()?;
        Quantizer::new(&spec).dither(Dither::new(self.seed)).quantize(&x, &[cols, tokens])
    }

    /// The transpose with blocks of 16 tokens transformed, and its rows.
    fn along_tokens(x: &[f32], tokens: usize) -> Result<(Vec<f32>, usize), Error> {
        let cols = columns("numbers", x.len(), tokens)?;
        columns("tokens in blocks of 16", tokens, 16)?;
        let mut x = transpose(x, cols);
        Hadamard::transformer_engine().forward(&mut x)?;
        Ok((x, cols))
    }

    fn stochastic() -> Result<BlockSpec, Error> {
        Ok(transformer_engine::NVFP4.with_round(Round::stochastic(Stochastic::B, 8)?))
    }
}

/// Samples weights with Gaussian noise (`GaussWS`, arXiv 2505.11170, eq. 3):
/// `bf16(W + R · max |W| · 2^(1 − b))` in tiles of `tile × tile`, `R` the half of a normal number
/// rounded to an integer: 0, ±1 or ±2 with the probabilities 0.682690, 0.314611 and 0.002699 (both
/// signs together).
///
/// Element i takes the 32-bit word i of `seed`: its lowest bit is the sign, the others are compared
/// with the probabilities. The paper makes `R` from bits by logical operations that were not read.
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows, [`Error::SpecRange`] for a tile of 0 or bits outside
/// of 1 to 16, [`Error::Given`] for a weight that is not finite.
pub fn gaussian_weights(
    w: &[f32],
    rows: usize,
    tile: usize,
    bits: i32,
    seed: u64,
) -> Result<Vec<f32>, Error> {
    let cols = columns("weights", w.len(), rows)?;
    all_finite("weight", w)?;
    if tile == 0 || !(1..=16).contains(&bits) {
        let (what, found) = if tile == 0 { ("tile", 0) } else { ("bits", bits.into()) };
        return Err(Error::SpecRange { what, found, low: 1, high: 16 });
    }
    let across = cols.div_ceil(tile);
    let mut maxima = vec![0.0f32; rows.div_ceil(tile) * across];
    let place = |i: usize| i / cols / tile * across + i % cols / tile;
    for (i, x) in w.iter().enumerate() {
        maxima[place(i)] = maxima[place(i)].max(x.abs());
    }
    let dither = Dither::new(seed);
    let step = super::exp2(1 - bits) as f32;
    let sample = |(i, x): (usize, &f32)| {
        let noise = rounded_normal(dither.word(i as u64, 32)) * maxima[place(i)] * step;
        FormatSpec::BF16.decode_f32(FormatSpec::BF16.encode_f32(x + noise))
    };
    Ok(w.iter().enumerate().map(sample).collect())
}

/// Half of a normal number rounded to an integer, from a random word.
fn rounded_normal(word: u32) -> f32 {
    // P(|R| = 2) and P(|R| ≥ 1) in units of 2^-31: Φ(3) and Φ(1) on both sides. 3 and more have
    // 6 · 10⁻⁷.
    const TWO: u32 = 5_797_768;
    const ONE: u32 = 681_419_127;
    let magnitude = match word >> 1 {
        0..TWO => 2.0,
        TWO..ONE => 1.0,
        _ => 0.0,
    };
    if word & 1 == 1 { -magnitude } else { magnitude }
}

/// The constants of unit scaling (arXiv 2303.11257), u-μP (arXiv 2407.17465, its code) and μS
/// (arXiv 2502.05967): factors under which operations on numbers of variance 1 give variance 1.
pub mod unit_scaling {
    use alloc::vec::Vec;

    /// Returns the three factors of a product of `m × k` by `k × n`: of the result `1/√k`, of the
    /// gradient of the left operand `1/√n`, of the right `1/√m`.
    ///
    /// ```
    /// use subhalf::recipe::unit_scaling::product;
    /// assert_eq!(product(16, 64, 256), [0.125, 0.0625, 0.25]);
    /// ```
    #[must_use]
    pub fn product(m: usize, k: usize, n: usize) -> [f64; 3] {
        [k, n, m].map(|size| 1.0 / (size as f64).sqrt())
    }

    /// Returns `τ` of each residual branch of a stack of `depth` branches whose multipliers are 1,
    /// u-μP's `1/√(depth/2 + ⌈i/2⌉ + ⌊i/2⌋)`; a branch is added as `(τ · f + skip) / √(1 + τ²)`.
    #[must_use]
    pub fn residual_branches(depth: usize) -> Vec<f64> {
        let tau = |i: usize| 1.0 / (depth as f64 / 2.0 + (i.div_ceil(2) + i / 2) as f64).sqrt();
        (0..depth).map(tau).collect()
    }

    /// Returns μS's factors `√(1 − τ)` of the residual stream and `√τ` of a branch.
    #[must_use]
    pub fn fixed_residual(tau: f64) -> [f64; 2] {
        [(1.0 - tau).sqrt(), tau.sqrt()]
    }

    /// Returns the standard deviation of attention over `k` independent values of variance 1 under
    /// normal logits (arXiv 2502.05967, 3.1): `√(e/k − (e − 1)/k²)`.
    #[must_use]
    pub fn attention_deviation(k: usize) -> f64 {
        let (e, k) = (core::f64::consts::E, k as f64);
        (e / k - (e - 1.0) / (k * k)).sqrt()
    }

    /// Returns the factor of a cross-entropy's gradient over `classes` equal ones: `V / √(V − 1)`.
    #[must_use]
    pub fn cross_entropy_gradient(classes: usize) -> f64 {
        let classes = classes as f64;
        classes / (classes - 1.0).sqrt()
    }

    /// `1 / √Var ReLU(x)` of a normal x, `√(2 / (1 − 1/π))`.
    pub const RELU: f64 = 1.7128585504496627;
    /// `1 / √E[ReLU'(x)²]` of a normal x.
    pub const RELU_GRADIENT: f64 = core::f64::consts::SQRT_2;
    /// u-μP's factor of GELU and `SiLU`: `2^0.2 · RELU^0.8`.
    pub const UMUP_GELU: f64 = 1.7667829483123283;
}
