//! NVFP4 whose blocks choose between two codebooks (IF4, arXiv 2603.28765; `MixFP4`, arXiv
//! 2605.31035).

use super::{all_finite, columns};
use crate::block::TensorScale;
use crate::block::preset::fouroversix::NVFP4_STATIC;
use crate::error::Error;
use crate::ops::Quantizer;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// The codebook that a block may take in place of E2M1; both have 15 equal steps up to E2M1's 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecondCodebook {
    /// Integers from −7 to 7 in two's complement, times 0.8571428571 (IF4): encoded from
    /// `x · 1.16666666`, the decimal constants of the authors' code.
    Int4,
    /// E1M2, sign and magnitude in quarters up to 1.75, times 6/1.75 in f32 (`MixFP4`). What maps
    /// its largest number to E2M1's was not read: this is the reading under which one scale serves
    /// both.
    E1M2,
}

/// A matrix in NVFP4's layout whose blocks have E2M1 or a second codebook, whichever has the
/// smaller squared error; bit 7 of the block's E4M3 scale says which.
///
/// The scale and the E2M1 codes are those of `fouroversix::NVFP4_STATIC`: `s = e4m3(amax_b / 6 ·
/// 2688 / amax)`. Errors are f32 sums of `((q·s) · amax) / 2688 − x` squared, in order; the second
/// codebook is taken where its error is strictly smaller.
///
/// ```
/// use subhalf::recipe::{Adaptive4, SecondCodebook};
/// let x: Vec<f32> = (0..16).map(|i| i as f32 - 7.0).map(|x| x.min(7.0)).collect();
/// let tensor = Adaptive4::quantize(&x, 1, SecondCodebook::Int4)?; // integers fit integers
/// assert_eq!(tensor.scales(), [0x80 | 0x7E]);
/// assert!(x.iter().zip(tensor.dequantize()).all(|(x, y)| (x - y).abs() < 1e-5));
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptive4 {
    second: SecondCodebook,
    cols: usize,
    amax: f32,
    /// Two codes a byte, rows from a byte of their own.
    codes: Vec<u8>,
    scales: Vec<u8>,
}

/// Numbers of a block.
const BLOCK: usize = 16;

impl SecondCodebook {
    /// The code of a scaled number.
    fn encode(self, x: f32) -> u8 {
        match self {
            Self::Int4 => {
                let q = (x * 1.166_666_6).round_ties_even().clamp(-7.0, 7.0) as i8;
                q as u8 & 15
            }
            Self::E1M2 => FormatSpec::F4E1M2.encode_f32(x / (6.0 / 1.75)) as u8,
        }
    }

    /// The number of a code, with 6 as the largest, about.
    fn decode(self, code: u8) -> f32 {
        match self {
            // The sign of the four bits is moved to the top and back.
            Self::Int4 => f32::from((code << 4) as i8 >> 4) * 0.857_142_87,
            Self::E1M2 => FormatSpec::F4E1M2.decode_f32(code.into()) * (6.0 / 1.75),
        }
    }
}

/// The number of a scaled number's code, as 4over6 restores it.
fn restored(q: f32, scale: f32, amax: f32) -> f32 {
    ((q * scale) * amax) / 2688.0
}

/// The f32 sum of squared errors, in order.
fn error(x: &[f32], numbers: impl Iterator<Item = f32>) -> f32 {
    x.iter().zip(numbers).fold(0.0, |sum, (x, y)| sum + (y - x) * (y - x))
}

impl Adaptive4 {
    /// Quantizes a row-major matrix.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` has no such rows, [`Error::Given`] for a number that is not finite.
    pub fn quantize(x: &[f32], rows: usize, second: SecondCodebook) -> Result<Self, Error> {
        let cols = columns("numbers", x.len(), rows)?;
        all_finite("number", x)?;
        let first = Quantizer::new(&NVFP4_STATIC).quantize(x, &[rows, cols])?;
        let amax = first.tensor_scale();
        // 1 / T, with T as the scheme computes it from amax.
        let factor = TensorScale::Amax { target: 2688.0 }.factor(amax);
        let mut codes = first.codes().to_vec();
        let mut scales = first.scales().to_vec();
        let row_bytes = cols.div_ceil(2);
        let blocks = x
            .chunks(cols.max(1))
            .zip(codes.chunks_mut(row_bytes.max(1)))
            .flat_map(|(row, codes)| row.chunks(BLOCK).zip(codes.chunks_mut(BLOCK / 2)));
        for ((x, codes), scale) in blocks.zip(&mut scales) {
            let s = FormatSpec::UE4M3.decode_f32((*scale).into());
            if s == 0.0 {
                continue;
            }
            let reciprocal = 1.0 / (s * (1.0 / factor));
            let candidate: Vec<u8> = x.iter().map(|x| second.encode(x * reciprocal)).collect();
            let nibble = |i: usize| u32::from(codes[i / 2] >> (4 * (i % 2)) & 15);
            let fp4 =
                (0..x.len()).map(|i| restored(FormatSpec::F4E2M1.decode_f32(nibble(i)), s, amax));
            let other = candidate.iter().map(|code| restored(second.decode(*code), s, amax));
            if error(x, other) < error(x, fp4) {
                *scale |= 0x80;
                for (byte, pair) in codes.iter_mut().zip(candidate.chunks(2)) {
                    *byte = pair[0] | pair.get(1).map_or(0, |high| high << 4);
                }
            }
        }
        Ok(Self { second, cols, amax, codes, scales })
    }

    /// Returns the codes, two a byte, the even column's in the low nibble.
    #[must_use]
    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// Returns the E4M3 scales, bit 7 set for blocks in the second codebook.
    #[must_use]
    pub fn scales(&self) -> &[u8] {
        &self.scales
    }

    /// Returns the largest magnitude of the matrix, which makes its tensor scale.
    #[must_use]
    pub const fn amax(&self) -> f32 {
        self.amax
    }

    /// Returns the numbers that the codes stand for.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let (row_blocks, row_bytes) = (self.cols.div_ceil(BLOCK), self.cols.div_ceil(2));
        let mut numbers = vec![];
        for (codes, scales) in
            self.codes.chunks(row_bytes.max(1)).zip(self.scales.chunks(row_blocks.max(1)))
        {
            numbers.extend((0..self.cols).map(|j| {
                let scale = scales[j / BLOCK];
                let s = FormatSpec::UE4M3.decode_f32(u32::from(scale & 0x7F));
                let code = codes[j / 2] >> (4 * (j % 2)) & 15;
                let q = if scale & 0x80 == 0 {
                    FormatSpec::F4E2M1.decode_f32(code.into())
                } else {
                    self.second.decode(code)
                };
                restored(q, s, self.amax)
            }));
        }
        numbers
    }
}
