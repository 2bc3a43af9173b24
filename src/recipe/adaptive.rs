//! NVFP4 whose blocks choose between two codebooks (IF4, arXiv 2603.28765; `MixFP4`, arXiv
//! 2605.31035).

use super::{all_finite, columns};
use crate::block::TensorScale;
use crate::block::preset::fouroversix::NVFP4_STATIC;
use crate::error::Error;
use crate::kernel::{Isa, OF_E1M2, OF_INTEGERS, TwoCodebooks, restored, take_second_codebook};
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
    /// The numbers of all codes, with 6 as the largest, about.
    fn numbers(self) -> [f32; 16] {
        core::array::from_fn(|code| match self {
            // The sign of the four bits is moved to the top and back.
            Self::Int4 => f32::from((code << 4) as i8 >> 4) * OF_INTEGERS,
            Self::E1M2 => FormatSpec::F4E1M2.decode_f32(code as u32) * OF_E1M2,
        })
    }
}

/// The numbers of all codes under a scale.
fn under_scale(numbers: &[f32; 16], scale: f32, amax: f32) -> [f32; 16] {
    numbers.map(|q| restored(q, scale, amax))
}

/// The codes of a block, of two a byte.
fn unpacked(bytes: &[u8; BLOCK / 2]) -> [u8; BLOCK] {
    core::array::from_fn(|i| bytes[i / 2] >> (4 * (i % 2)) & 15)
}

/// A block's elements; at the end of a row zeros fill it up.
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
        let of_scales = ue4m3();
        let shared = TwoCodebooks {
            integers: second == SecondCodebook::Int4,
            scales: &of_scales,
            tensor_reciprocal: 1.0 / factor,
            amax,
        };
        let isa = Isa::best();
        let (row_blocks, row_bytes) = (cols.div_ceil(BLOCK), cols.div_ceil(2));
        let rows = x
            .chunks(cols.max(1))
            .zip(codes.chunks_mut(row_bytes.max(1)))
            .zip(scales.chunks_mut(row_blocks.max(1)));
        for ((row, codes), scales) in rows {
            let (blocks, rest) = row.as_chunks::<BLOCK>();
            let (whole, last) = codes.split_at_mut(blocks.len() * BLOCK / 2);
            let (scales, last_scale) = scales.split_at_mut(blocks.len());
            take_second_codebook(isa, blocks, &shared, whole.as_chunks_mut().0, scales);
            // What fills up the last block of a row: zeros, of code 0 and without an error.
            let mut bytes = [filled(last)];
            take_second_codebook(isa, &[filled(rest)], &shared, &mut bytes, last_scale);
            last.copy_from_slice(&bytes[0][..last.len()]);
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
