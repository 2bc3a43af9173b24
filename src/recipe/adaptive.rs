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
    /// The codes of scaled numbers: `x · reciprocal`.
    fn encode(self, x: &[f32; BLOCK], reciprocal: f32) -> [u8; BLOCK] {
        // Sums with a power of two whose unit is 1 round to integers, ties to even. Loops over
        // arrays, without calls and branches, become vectors.
        match self {
            Self::Int4 => x.map(|x| {
                let y = x * reciprocal * 1.166_666_6;
                // 0 by an infinite reciprocal.
                let y = if y.is_nan() { 0.0 } else { y.max(-7.0).min(7.0) };
                // The unit is that of 1.5 · 2^23, so that integers below 0 have it too.
                ((y + 12_582_912.0).to_bits() & 15) as u8
            }),
            Self::E1M2 => x.map(|x| {
                let y = x * reciprocal / (6.0 / 1.75);
                let y = if y.is_nan() { 0.0 } else { y };
                let magnitude = ((4.0 * y.abs()).min(7.0) + 8_388_608.0).to_bits() & 7;
                (magnitude | y.to_bits() >> 28 & 8) as u8
            }),
        }
    }

    /// The numbers of all codes, with 6 as the largest, about.
    fn numbers(self) -> [f32; 16] {
        core::array::from_fn(|code| match self {
            // The sign of the four bits is moved to the top and back.
            Self::Int4 => f32::from((code << 4) as i8 >> 4) * 0.857_142_87,
            Self::E1M2 => FormatSpec::F4E1M2.decode_f32(code as u32) * (6.0 / 1.75),
        })
    }
}

/// The number of a scaled number's code, as 4over6 restores it.
fn restored(q: f32, scale: f32, amax: f32) -> f32 {
    ((q * scale) * amax) / 2688.0
}

/// The numbers of all codes under a scale.
fn under_scale(numbers: &[f32; 16], scale: f32, amax: f32) -> [f32; 16] {
    numbers.map(|q| restored(q, scale, amax))
}

/// The f32 sum of squared errors, in order.
fn error(x: &[f32; BLOCK], codes: &[u8; BLOCK], numbers: &[f32; 16]) -> f32 {
    let squares: [f32; BLOCK] = core::array::from_fn(|i| {
        let difference = numbers[usize::from(codes[i] & 15)] - x[i];
        difference * difference
    });
    squares.iter().fold(0.0, |sum, square| sum + square)
}

/// The codes of a block, of two a byte.
fn unpacked(bytes: &[u8; BLOCK / 2]) -> [u8; BLOCK] {
    core::array::from_fn(|i| bytes[i / 2] >> (4 * (i % 2)) & 15)
}

/// A block's elements; at the end of a row zeros, of code 0 and without an error, fill it up.
fn filled<T: Copy + Default, const N: usize>(elements: &[T]) -> [T; N] {
    let mut block = [T::default(); N];
    block[..elements.len()].copy_from_slice(elements);
    block
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
        let (e2m1, others) = (e2m1(), second.numbers());
        let of_scales = ue4m3();
        for ((x, codes), scale) in blocks.zip(&mut scales) {
            let s = of_scales[usize::from(*scale & 0x7F)];
            if s == 0.0 {
                continue;
            }
            let x = filled(x);
            let candidate = second.encode(&x, 1.0 / (s * (1.0 / factor)));
            let of_first = error(&x, &unpacked(&filled(codes)), &under_scale(&e2m1, s, amax));
            if error(&x, &candidate, &under_scale(&others, s, amax)) < of_first {
                *scale |= 0x80;
                for (byte, pair) in codes.iter_mut().zip(candidate.as_chunks::<2>().0) {
                    *byte = pair[0] | pair[1] << 4;
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
        let (first, second, of_scales) = (e2m1(), self.second.numbers(), ue4m3());
        let rows = self.codes.len().checked_div(row_bytes).unwrap_or(0);
        let mut numbers = vec![0.0; rows * self.cols];
        let rows = numbers
            .chunks_mut(self.cols.max(1))
            .zip(self.codes.chunks(row_bytes.max(1)))
            .zip(self.scales.chunks(row_blocks.max(1)));
        for ((row, codes), scales) in rows {
            let blocks = row.chunks_mut(BLOCK).zip(codes.chunks(BLOCK / 2)).zip(scales);
            for ((numbers, codes), scale) in blocks {
                let codebook = if scale & 0x80 == 0 { &first } else { &second };
                let s = of_scales[usize::from(scale & 0x7F)];
                let table = under_scale(codebook, s, self.amax);
                for (number, code) in numbers.iter_mut().zip(unpacked(&filled(codes))) {
                    *number = table[usize::from(code)];
                }
            }
        }
        numbers
    }
}

/// The numbers of E2M1's codes.
fn e2m1() -> [f32; 16] {
    core::array::from_fn(|code| FormatSpec::F4E2M1.decode_f32(code as u32))
}

/// The numbers of a scale's codes, without the bit that chooses the codebook.
fn ue4m3() -> [f32; 128] {
    core::array::from_fn(|code| FormatSpec::UE4M3.decode_f32(code as u32))
}
