//! MXFP4 as NVFP4 without a rounding: the same numbers under other scales.

use super::pack::{put, store};
use super::scheme::{Extent, TensorScale};
use super::spec::BlockSpec;
use super::tensor::QuantTensor;
use super::view::QuantView;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec::Vec;
use core::ops::Range;

const ELEMENT: FormatSpec = FormatSpec::F4E2M1;
const SCALE: FormatSpec = FormatSpec::UE4M3;

/// The integers from the first to the second, both included; no integers if the first is larger.
#[derive(Clone, Copy)]
struct Span(i32, i32);

impl Span {
    /// Exponents of the powers of two in UE4M3, subnormal ones included.
    const SCALES: Self = Self(SCALE.smallest_positive().log2() as i32, SCALE.max_exponent());
    /// Exponents of tensor scales: normal f32s, and so are their inverses.
    const TENSOR_SCALES: Self = Self(-126, 126);
    /// More than any two scales are apart.
    const ALL: Self = Self(-1000, 1000);

    fn and(self, other: Self) -> Self {
        Self(self.0.max(other.0), self.1.min(other.1))
    }

    /// The member nearest to a number.
    fn nearest(self, x: i32) -> i32 {
        x.max(self.0).min(self.1)
    }
}

/// One block of the new tensor.
struct Piece {
    line: usize,
    cols: Range<usize>,
    /// The exponent of its scale; `None` of NaN.
    exponent: Option<i32>,
    /// The exponents of the powers of two that its elements can all be multiplied by.
    shifts: Span,
}

/// A power of two that is a normal f32.
fn power(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

/// The element times a power of two, if that is an element. Zeros always are.
fn shifted(code: u32, shift: i32) -> Option<u32> {
    let value = ELEMENT.decode_f32(code);
    if value == 0.0 || shift == 0 {
        return Some(code);
    }
    // Elements are from 2^-1 to 6, so that any shift beyond 8 leaves them just as 8 does.
    let value = value * power(Span(-8, 8).nearest(shift));
    let code = ELEMENT.encode_f32(value);
    (ELEMENT.decode_f32(code).to_bits() == value.to_bits()).then_some(code)
}

const fn refuse(expected: &'static str) -> Error {
    Error::Scheme { what: "MXFP4 as NVFP4 without loss", expected }
}

impl QuantView<'_> {
    /// An MXFP4 tensor in a form of NVFP4 with exactly the same numbers: every scale becomes a
    /// power of two of UE4M3 times one tensor scale, itself a power of two. Where a scale is out of
    /// reach, its block's elements take over powers of two if they all can. Blocks of nothing but
    /// zeros and NaN scales do not limit the others. Of the tensor scales that keep the most, it is
    /// the one nearest to 1.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let step = |i| if i < 32 { 1024.0 } else { 0.125 };
    /// let x: Vec<f32> = (0..64).map(|i| (i as f32 - 31.5) * step(i)).collect();
    /// let mx = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[64])?;
    /// assert_eq!(mx.scales(), [139, 126]); // 2^12 and 2^-1
    /// let nv = mx.view().to_nvfp4(&preset::torchao::NVFP4)?;
    /// assert_eq!(nv.tensor_scale(), 16.0);
    /// assert_eq!(nv.scales(), [0x78, 0x78, 0x10, 0x10]); // 2^8 and 2^-5
    /// assert_eq!(nv.dequantize(), mx.dequantize());
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::Scheme`] if the tensor is not
    /// E2M1 under E8M0 scales alone, if `spec` is not E2M1 under UE4M3 scales, if the blocks are
    /// not along rows or the old are no multiples of the new, if the scales are too far apart, or
    /// if `spec` restores a number otherwise, say by a rounded product or −0 as +0.
    pub fn to_nvfp4(&self, spec: &BlockSpec) -> Result<QuantTensor, Error> {
        let formats =
            |spec: &BlockSpec, scale| spec.element == ELEMENT && spec.scale == Some(scale);
        self.for_layout("MXFP4 as NVFP4 without loss")?;
        if !formats(self.spec(), FormatSpec::E8M0)
            || !matches!(self.spec().tensor_scale, TensorScale::None)
        {
            return Err(refuse("E2M1 elements under E8M0 scales alone"));
        }
        if !spec.is_plain() {
            return Err(refuse("a new scheme without sub-scales, scales for each sign, codebooks"));
        }
        if !formats(spec, SCALE) {
            return Err(refuse("E2M1 elements under UE4M3 scales as the new format"));
        }
        match (self.spec().extent, spec.extent) {
            (Extent::Block { rows: 1, cols: old }, Extent::Block { rows: 1, cols: new })
                if old.is_multiple_of(new) => {}
            _ => return Err(refuse("blocks along rows, the old ones multiples of the new")),
        }
        let mut tensor = QuantTensor::zeroed(spec, self.shape())?;
        let pieces = self.pieces(&tensor);
        let exponent = tensor_exponent(spec, &pieces)?;
        tensor.tensor_scale = match spec.tensor_scale {
            TensorScale::None => 1.0,
            TensorScale::Multiplier { .. } => power(exponent),
            // The stored number is T, which divides, so the exponent changes its sign.
            TensorScale::Divisor { .. } => power(-exponent),
            // The stored number is amax: the format computes T = target / amax.
            TensorScale::Amax { target } => (target * power(exponent)).min(f32::MAX),
        };
        for (block, piece) in pieces.iter().enumerate() {
            let (scale, shift) = match piece.exponent {
                None => (SCALE.nan_code().unwrap_or_default(), 0),
                Some(old) => {
                    // What a scale cannot reach is left for the elements.
                    let new = Span::SCALES.nearest(old - exponent);
                    (SCALE.encode_f32(power(new)), old - exponent - new)
                }
            };
            store(tensor.scales.as_mut_slice(), 1, block, scale);
            let before = self.restorer_at(self.geometry().block(piece.line, piece.cols.start));
            let after = spec.restorer(scale, 0, tensor.tensor_scale);
            let row = &mut tensor.codes.as_mut_slice()[piece.line * tensor.geometry.row_bytes..];
            for col in piece.cols.clone() {
                let old = self.code_at(piece.line, col);
                let new = shifted(old, shift).unwrap_or(old);
                let [before, after] = [
                    before.restore(ELEMENT.decode_f32(old)),
                    after.restore(ELEMENT.decode_f32(new)),
                ];
                // Proves for each number that it comes back unchanged, whatever formula `spec` has.
                if before.to_bits() != after.to_bits() {
                    return Err(refuse("a format that restores these very numbers"));
                }
                put(row, ELEMENT.bits(), col, new);
            }
        }
        Ok(tensor)
    }

    /// The blocks of the new tensor, in its order.
    fn pieces(&self, tensor: &QuantTensor) -> Vec<Piece> {
        let geometry = &tensor.geometry;
        let piece = |line: usize, column: usize| {
            let cols = geometry.block_cols(column);
            let scale = self.scale_at(self.geometry().block(line, cols.start), false);
            // Only zeros can take a shift of 8: a block of zeros limits no other.
            let fits = |shift: &i32| {
                cols.clone().all(|col| shifted(self.code_at(line, col), *shift).is_some())
            };
            // No element can move by more than three powers of two: from 4 down to 0.5, or up
            // again.
            let shifts = match (fits(&8), (-3..=0).find(fits), (0..=3).rev().find(fits)) {
                (false, Some(low), Some(high)) => Span(low, high),
                _ => Span::ALL,
            };
            let exponent = (!scale.is_nan()).then(|| Unpacked::from_f32(scale).log2() as i32);
            Piece { line, cols, exponent, shifts }
        };
        (0..geometry.lines())
            .flat_map(|line| (0..geometry.grid_cols).map(move |column| (line, column)))
            .map(|(line, column)| piece(line, column))
            .collect()
    }
}

/// The exponent of the tensor scale: one with which all scales are within reach, and if there is
/// one, one with which no element changes.
fn tensor_exponent(spec: &BlockSpec, pieces: &[Piece]) -> Result<i32, Error> {
    let allowed = if matches!(spec.tensor_scale, TensorScale::None) {
        Span(0, 0)
    } else {
        Span::TENSOR_SCALES
    };
    // `reach` lets elements take over powers of two, `keep` leaves them as they are.
    let (mut reach, mut keep) = (allowed, allowed);
    for Piece { exponent, shifts, .. } in pieces {
        let (Some(exponent), false) = (*exponent, shifts.1 == Span::ALL.1) else { continue };
        let around = |Span(low, high): Span| {
            // The tensor scales for which the rest of a scale, less some shift of its block, is a
            // power of two of UE4M3.
            Span(exponent - high - Span::SCALES.1, exponent - low - Span::SCALES.0)
        };
        reach = reach.and(around(*shifts));
        keep = keep.and(around(Span(0, 0)));
    }
    match (keep.0 <= keep.1, reach.0 <= reach.1) {
        (true, _) => Ok(keep.nearest(0)),
        (false, true) => Ok(reach.nearest(keep.1)),
        (false, false) => Err(refuse("scales that are within reach of one tensor scale")),
    }
}
