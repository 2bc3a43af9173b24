//! Numbers to tensors of ggml's types: superblocks by ggml's search, all others by their scheme.

use super::job::take;
use crate::block::layout::GgmlType;
use crate::block::{
    Accept, BitOrder, Geometry, QuantTensor, SUPERBLOCK, SuperblockFit, pack_by, q4_k, q6_k,
};
use crate::error::Error;
use crate::ops::{Exec, Quantizer};
use alloc::vec::Vec;

/// Superblocks that a thread takes at a time: each is about ten microseconds of work.
const PIECE: usize = 16;

/// The parts of some successive superblocks.
struct Superblocks<'a> {
    numbers: &'a [f32],
    codes: &'a mut [u8],
    scales: &'a mut [u8],
    offsets: &'a mut [u8],
}

impl QuantTensor {
    /// Quantizes a row-major tensor as ggml's reference code does for a type, on all threads:
    /// scales from the data, blocks along the last axis, and for `Q4_K` and `Q6_K` the search of
    /// least squares over superblocks of 256. [`layout::to_ggml`](crate::layout::to_ggml) makes
    /// ggml's bytes of the tensor.
    ///
    /// The search is that of ggml d99724f2 without an importance matrix, in f32 without fused
    /// operations. Numbers of other types are converted to f32 first, as ggml does.
    ///
    /// ```
    /// use subhalf::QuantTensor;
    /// use subhalf::layout::{GgmlType, to_ggml};
    /// let x: Vec<f32> = (0..256).map(|i| (i % 16) as f32 / 4.0 - 1.0).collect();
    /// let tensor = QuantTensor::quantize_ggml(GgmlType::Q4K, &x, &[1, 256])?;
    /// assert_eq!(to_ggml(GgmlType::Q4K, &tensor.view())?.len(), 144);
    /// assert!((tensor.dequantize()[1] + 0.75).abs() < 0.001);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Scheme`] for a type that is read only; [`Error::Length`] for a shape that is not
    /// the data's, and a last axis that is not whole superblocks; [`Error::TooLarge`] for a shape
    /// beyond the address space; for superblocks also [`Error::Given`] for a number that is NaN or
    /// infinite, or so large that a scale is beyond F16.
    pub fn quantize_ggml(kind: GgmlType, src: &[f32], shape: &[usize]) -> Result<Self, Error> {
        Self::quantize_ggml_with(kind, src, shape, Exec::PARALLEL)
    }

    /// Quantizes a row-major tensor as ggml's reference code does for a type; `exec` says how to
    /// run, which no result depends on. [`quantize_ggml`](Self::quantize_ggml) is the short call.
    ///
    /// # Errors
    /// [`Error::Scheme`] for a type that is read only; [`Error::Length`] for a shape that is not
    /// the data's, and a last axis that is not whole superblocks; [`Error::TooLarge`] for a shape
    /// beyond the address space; for superblocks also [`Error::Given`] for a number that is NaN or
    /// infinite, or so large that a scale is beyond F16.
    pub fn quantize_ggml_with(
        kind: GgmlType,
        src: &[f32],
        shape: &[usize],
        exec: Exec,
    ) -> Result<Self, Error> {
        if !kind.is_written() {
            return Err(Error::Scheme {
                what: "ggml type to quantize to",
                expected: "one that is written; the others are read only",
            });
        }
        match kind {
            GgmlType::Q4K => superblocks(kind, q4_k, src, shape, exec),
            GgmlType::Q6K => superblocks(kind, q6_k, src, shape, exec),
            _ => Quantizer::new(&kind.spec()).exec(exec).quantize(src, shape),
        }
    }
}

fn superblocks(
    kind: GgmlType,
    fit: SuperblockFit,
    src: &[f32],
    shape: &[usize],
    exec: Exec,
) -> Result<QuantTensor, Error> {
    let spec = kind.spec();
    let geometry = Geometry::of(&spec, shape)?;
    Error::check_length("elements", geometry.lines() * geometry.cols, src.len())?;
    let whole = geometry.cols.next_multiple_of(SUPERBLOCK);
    Error::check_length("columns of whole ggml blocks", whole, geometry.cols)?;
    if let Some((index, x)) = src.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        let expected = "a finite number";
        return Err(Error::Given { what: "number", index, expected, bits: x.to_bits() });
    }
    let mut tensor = QuantTensor::zeroed(&spec, shape)?;
    let bits = spec.element.bits();
    let blocks = SUPERBLOCK / geometry.block_cols;
    // Bytes of a superblock: its codes fill whole ones.
    let code_bytes = SUPERBLOCK / 8 * bits as usize;
    let [scale_bytes, offset_bytes] =
        [spec.scale_bytes(), spec.offset_bytes()].map(|bytes| blocks * bytes);
    let mut codes = tensor.codes.as_mut_slice();
    let (mut scales, mut offsets) = (tensor.scales.as_mut_slice(), tensor.offsets.as_mut_slice());
    let pieces: Vec<_> = src
        .chunks(PIECE * SUPERBLOCK)
        .map(|numbers| {
            let count = numbers.len() / SUPERBLOCK;
            Superblocks {
                numbers,
                codes: take(&mut codes, count * code_bytes),
                scales: take(&mut scales, count * scale_bytes),
                offsets: take(&mut offsets, count * offset_bytes),
            }
        })
        .collect();
    exec.each(pieces, |mut piece| {
        // Codes one a byte, before they are packed.
        let mut codes = [0; SUPERBLOCK];
        for numbers in piece.numbers.chunks_exact(SUPERBLOCK) {
            let scales = take(&mut piece.scales, scale_bytes);
            fit(numbers, scales, take(&mut piece.offsets, offset_bytes), &mut codes);
            let packed = take(&mut piece.codes, code_bytes);
            pack_by(exec.isa(), &codes, bits, BitOrder::LsbFirst, packed);
        }
    });
    match tensor.check_accepted(Accept::Finite) {
        Ok(()) => Ok(tensor),
        // The number at fault says more than the place of a scale that it overflowed.
        Err(Error::Stored { index: scale, .. }) => {
            let first = scale / blocks * SUPERBLOCK;
            let numbers = src[first..first + SUPERBLOCK].iter().enumerate();
            let largest = numbers.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
            let (place, x) = largest.unwrap_or((0, &0.0));
            let expected = "one whose superblock has a scale within F16";
            let index = first + place;
            Err(Error::Given { what: "number", index, expected, bits: x.to_bits() })
        }
        Err(error) => Err(error),
    }
}
