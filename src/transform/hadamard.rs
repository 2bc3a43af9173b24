//! [`Hadamard`]: a rotation that spreads each number over a block.

use crate::error::Error;
use crate::random::Dither;
use alloc::vec;
use alloc::vec::Vec;

/// An orthogonal transform of each block of n successive numbers, `y = x · R` with
/// `R = diag(s) · H / √n`: `H` is Sylvester's matrix, `H[i][j] = (−1)^popcount(i & j)`, and `s` are
/// signs, all plus without.
///
/// An outlier becomes n numbers of its size over √n, so the largest magnitude of a block falls
/// towards a Gaussian's. `R · Rᵀ = I`, hence a product `X · W` keeps its result if rows of `X` and
/// rows of `Wᵀ` go through the same transform.
///
/// Every f32 operation is defined, so all instruction sets give the same bits: signs first, then
/// for the strides h = n/2, n/4, … 1 each pair (a, b) of positions h apart (bit h of the position
/// clear and set) becomes (a + b, a − b), then a product with the f32 nearest to 1/√n. A NaN or an
/// infinity spreads over its block; NaN is 0x7FC00000.
///
/// ```
/// use subhalf::Hadamard;
/// let mut row = [0.0f32; 32];
/// (row[0], row[17]) = (16.0, 1.0); // a block with an outlier, and one without
/// let rotation = Hadamard::transformer_engine();
/// rotation.forward(&mut row)?;
/// assert_eq!(row[..16], [4.0; 16]);
/// assert_eq!(row[16..20], [0.25, -0.25, 0.25, -0.25]);
/// rotation.inverse(&mut row)?;
/// assert_eq!((row[0], row[1], row[17]), (16.0, 0.0, 1.0));
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Hadamard {
    /// s, 1 or −1 each.
    signs: Vec<f32>,
    /// 1/√n, in all places.
    factors: Vec<f32>,
    /// s/√n.
    signed_factors: Vec<f32>,
    /// 1, in all places.
    ones: Vec<f32>,
}

impl Hadamard {
    /// Bits of [`transformer_engine`](Self::transformer_engine)'s signs: set for −1, position 0 in
    /// the lowest.
    const TRANSFORMER_ENGINE_MASK: u32 = 0xD7E8;

    /// Makes the transform of blocks of `length` numbers with no minus among its signs.
    ///
    /// # Errors
    ///
    /// If `length` is no power of two from 16 to 4096.
    pub fn new(length: usize) -> Result<Self, Error> {
        if !length.is_power_of_two() {
            return Err(Error::Scheme {
                what: "Hadamard transform",
                expected: "blocks of a power of two of numbers",
            });
        }
        Self::with_signs(&vec![1.0; length])
    }

    /// Makes the transform of blocks of `length` numbers with random signs: position i has −1 if
    /// the lowest bit of `Dither::new(seed).word(i, 16)` is set.
    ///
    /// # Errors
    ///
    /// If `length` is no power of two from 16 to 4096.
    pub fn random(length: usize, seed: u64) -> Result<Self, Error> {
        let plain = Self::new(length)?;
        let dither = Dither::new(seed);
        let sign = |i: usize| if dither.word(i as u64, 16) & 1 == 1 { -1.0 } else { 1.0 };
        Self::with_signs(&(0..plain.len()).map(sign).collect::<Vec<f32>>())
    }

    /// Makes the transform with these signs, 1 or −1 each; as many as a block has numbers.
    ///
    /// # Errors
    ///
    /// If their number is no power of two from 16 to 4096, or one is neither 1 nor −1.
    pub fn with_signs(signs: &[f32]) -> Result<Self, Error> {
        let length = signs.len();
        if !length.is_power_of_two() || !(16..=4096).contains(&length) {
            return Err(Error::SpecRange {
                what: "length of a Hadamard transform (a power of two)",
                found: length as i64,
                low: 16,
                high: 4096,
            });
        }
        if let Some(index) = signs.iter().position(|sign| sign.abs() != 1.0) {
            let (what, expected) = ("sign", "1 or -1");
            return Err(Error::Given { what, index, expected, bits: signs[index].to_bits() });
        }
        // 1/√(4^k) is a power of two, and 1/√(2 · 4^k) is half the root of two times one.
        let exponent = length.trailing_zeros();
        let power = 1.0 / (1u32 << (exponent / 2)) as f32;
        let factor = if exponent.is_multiple_of(2) {
            power
        } else {
            power * core::f32::consts::FRAC_1_SQRT_2
        };
        Ok(Self {
            signs: signs.to_vec(),
            factors: vec![factor; length],
            signed_factors: signs.iter().map(|sign| sign * factor).collect(),
            ones: vec![1.0; length],
        })
    }

    /// Returns Transformer Engine's fixed transform of 16 numbers, which its NVFP4 recipe applies
    /// to both inputs of the weight gradient's product (arXiv 2509.25149, 4.2): signs
    /// `+ + + − + − − − − − − + − + − −`, not drawn anew.
    #[must_use]
    pub fn transformer_engine() -> Self {
        let sign = |i: u32| if Self::TRANSFORMER_ENGINE_MASK >> i & 1 == 1 { -1.0 } else { 1.0f32 };
        let signs: Vec<f32> = (0..16).map(sign).collect();
        Self {
            signed_factors: signs.iter().map(|sign| sign * 0.25).collect(),
            signs,
            factors: vec![0.25; 16],
            ones: vec![1.0; 16],
        }
    }

    /// Returns the length n of a block.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a block is never empty")]
    pub const fn len(&self) -> usize {
        self.signs.len()
    }

    /// Returns the signs, 1 or −1 each.
    #[must_use]
    pub fn signs(&self) -> &[f32] {
        &self.signs
    }

    /// What numbers are multiplied by before and after the stages of `x · R`.
    pub(crate) fn forward_factors(&self) -> [&[f32]; 2] {
        [&self.signs, &self.factors]
    }

    /// What numbers are multiplied by before and after the stages of `y · Rᵀ`: `H` is symmetric, so
    /// the signs come last.
    pub(crate) fn inverse_factors(&self) -> [&[f32]; 2] {
        [&self.ones, &self.signed_factors]
    }
}
