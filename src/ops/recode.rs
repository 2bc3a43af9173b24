//! A tensor in another scheme with the codes that it has, or with exactly its numbers: what a
//! conversion between programs does before it would round anything.

use super::quantize::Quantizer;
use crate::block::{
    BlockSpec, Extent, Geometry, Offset, QuantTensor, QuantView, ScaleRule, TensorScale,
};
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// What [`QuantView::recode`] kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recoded {
    /// Every number, bit for bit.
    Numbers,
    /// The codes of elements and the scales of blocks, or every number but for the signs of zeros.
    /// The tensor scale was rounded once, as its reciprocal for example, or the new scheme
    /// multiplies in another order, so that numbers may differ in their last bits.
    Codes,
}

const fn refuse() -> Error {
    Error::Scheme {
        what: "tensor in another scheme without loss",
        expected: "the formats and blocks that it has, NVFP4 for MXFP4, or wider elements under \
                   powers of two",
    }
}

impl QuantView<'_> {
    /// The tensor in another scheme without rounding its elements anew: with the codes and block
    /// scales that it has, if formats and blocks are the same and only the tensor scale has another
    /// form; as NVFP4, if it is MXFP4 ([`to_nvfp4`](Self::to_nvfp4)); or with wider elements under
    /// scales that are powers of two, which is how MXFP4 becomes FP8 in tiles.
    ///
    /// ```
    /// use subhalf::{QuantTensor, Recoded, preset};
    /// let x: Vec<f32> = (0..64).map(|i| i as f32 - 20.5).collect();
    /// let ours = QuantTensor::quantize(&preset::modelopt::NVFP4, &x, &[2, 32])?;
    /// let (theirs, _) = ours.view().recode(&preset::compressed_tensors::NVFP4)?;
    /// assert_eq!((theirs.codes(), theirs.scales()), (ours.codes(), ours.scales()));
    /// assert_eq!(theirs.tensor_scale(), 1.0 / ours.tensor_scale());
    ///
    /// let mx = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32])?;
    /// let (tile, kept) = mx.view().recode(&preset::generic::FP8_E4M3_128X128)?;
    /// assert_eq!((tile.dequantize(), kept), (mx.dequantize(), Recoded::Numbers));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself, and [`Error::Scheme`] if the tensor
    /// cannot be had in it without rounding.
    pub fn recode(&self, spec: &BlockSpec) -> Result<(QuantTensor, Recoded), Error> {
        spec.validate()?;
        if !self.is_plain() || !spec.is_plain() || self.origin() != [0, 0] {
            return Err(refuse());
        }
        if let Some(kept) = self.with_own_codes(spec)? {
            let exact = self.has_numbers_of(&kept)?;
            let recoded = if exact { Recoded::Numbers } else { Recoded::Codes };
            return Ok((kept, recoded));
        }
        if let Ok(exact) = self.to_nvfp4(spec) {
            return Ok((exact, Recoded::Numbers));
        }
        if let Some(kept) = self.as_plain_nvfp4(spec)? {
            return Ok((kept, Recoded::Codes));
        }
        match self.under_powers_of_two(spec)? {
            Some(exact) => Ok((exact, Recoded::Numbers)),
            None => Err(refuse()),
        }
    }

    /// The tensor as NVFP4 for a scheme that has other signs of zeros than the usual formula.
    fn as_plain_nvfp4(&self, spec: &BlockSpec) -> Result<Option<QuantTensor>, Error> {
        let usual = BlockSpec::new(spec.element, spec.scale, spec.extent, ScaleRule::Given)
            .with_tensor_scale(spec.tensor_scale);
        let Ok(exact) = self.to_nvfp4(&usual) else { return Ok(None) };
        let kept = QuantTensor::from_parts(spec, self.shape(), exact.parts())?;
        Ok((kept.dequantize() == exact.dequantize()).then_some(kept))
    }

    /// Ranges of rows, which are dequantized one after the other: about 2^20 numbers, and a multiple
    /// of `step` rows but for the last.
    fn bands(&self, step: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        const NUMBERS: usize = 1 << 20;
        let cols = self.geometry().cols.max(1);
        let rows = self.len() / cols;
        // Rows may end within a flat block, at which no view is cut.
        let step = if let Extent::Flat(_) = self.spec().extent { rows } else { step }.max(1);
        let count = (NUMBERS / cols / step * step).max(step);
        (0..rows).step_by(count).map(move |first| first..(first + count).min(rows))
    }

    fn has_numbers_of(&self, other: &QuantTensor) -> Result<bool, Error> {
        let other = other.view();
        for band in self.bands(1) {
            let (a, b) = (self.rows(band.clone())?.dequantize(), other.rows(band)?.dequantize());
            if !same_bits(&a, &b) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The tensor with its own codes and scales, if they mean the same in `spec` up to the tensor
    /// scale.
    fn with_own_codes(&self, spec: &BlockSpec) -> Result<Option<QuantTensor>, Error> {
        let own = self.spec();
        let same_scales = match (own.scale, spec.scale) {
            (Some(own), Some(new)) => {
                // ggml's UE4M3 has the numbers of the usual one for the codes that occur.
                let codes = (0..self.blocks()).map(|block| self.scale_code(block));
                own == new
                    || (own.bits() <= 8
                        && new.bits() <= 8
                        && codes.into_iter().all(|code| {
                            own.decode_f32(code).to_bits() == new.decode_f32(code).to_bits()
                        }))
            }
            (own, new) => own == new,
        };
        let same = own.element == spec.element
            && own.extent == spec.extent
            && own.offset == spec.offset
            && same_scales;
        // What the block scales are multiplied by.
        let stored = self.tensor_scale(0);
        let factor = match own.tensor_scale {
            TensorScale::None => 1.0,
            TensorScale::Multiplier { .. } => stored,
            TensorScale::Divisor { .. } | TensorScale::Amax { .. } => {
                1.0 / own.tensor_scale.factor(stored)
            }
        };
        let new = match (own.tensor_scale, spec.tensor_scale) {
            (TensorScale::Divisor { .. }, TensorScale::Divisor { .. })
            | (TensorScale::Multiplier { .. }, TensorScale::Multiplier { .. }) => stored,
            (_, TensorScale::None) if factor == 1.0 => 1.0,
            (_, TensorScale::None) => return Ok(None),
            (_, TensorScale::Multiplier { .. }) => factor,
            (TensorScale::Amax { .. }, TensorScale::Divisor { .. }) => {
                own.tensor_scale.factor(stored)
            }
            (_, TensorScale::Divisor { .. }) => 1.0 / factor,
            (_, TensorScale::Amax { target }) => target * factor,
        };
        if !same || new <= 0.0 || !new.is_finite() {
            return Ok(None);
        }
        let Some(parts) = self.parts() else { return Ok(None) };
        QuantTensor::from_parts(spec, self.shape(), parts.with_tensor_scale(new)).map(Some)
    }

    /// The tensor under the smallest powers of two that keep its largest numbers from saturating, if
    /// its own scales are powers of two alone.
    fn under_powers_of_two(&self, spec: &BlockSpec) -> Result<Option<QuantTensor>, Error> {
        let own = self.spec();
        let powers = own.scale == Some(FormatSpec::E8M0)
            && matches!(own.tensor_scale, TensorScale::None)
            && own.offset == Offset::None;
        let plain = spec.offset == Offset::None && matches!(spec.tensor_scale, TensorScale::None);
        let blocks = matches!(spec.extent, Extent::Block { .. } | Extent::Row | Extent::Tensor);
        if !powers || !plain || !blocks || spec.scale.is_none() {
            return Ok(None);
        }
        let &[_, cols] = self.shape() else { return Ok(None) };
        let geometry = Geometry::of(spec, self.shape())?;
        let (height, across) = match spec.extent {
            Extent::Block { rows, .. } => (rows as usize, geometry.grid_cols),
            _ => (1, 1),
        };
        let is_one = spec.extent == Extent::Tensor;
        let mut largest = vec![0f32; geometry.blocks()];
        for band in self.bands(height) {
            for (i, x) in self.rows(band.clone())?.dequantize().into_iter().enumerate() {
                if !x.is_finite() {
                    return Ok(None);
                }
                let block = geometry.block(band.start + i / cols, i % cols);
                largest[block] = largest[block].max(x.abs());
            }
        }
        let scales: Vec<f32> = largest.into_iter().map(|amax| power_for(spec, amax)).collect();
        let mut pieces = Vec::new();
        for band in self.bands(height) {
            let numbers = self.rows(band.clone())?.dequantize();
            let blocks = band.start / height * across..band.end.div_ceil(height) * across;
            let own = if is_one { &scales[..] } else { &scales[blocks] };
            let quantizer = Quantizer::new(spec).scales(own, &[]);
            // A scale out of reach of its format is refused there.
            match quantizer.quantize(&numbers, &[band.len(), cols]) {
                Ok(piece) if same_bits(&piece.dequantize(), &numbers) => pieces.push(piece),
                _ => return Ok(None),
            }
        }
        let views: Vec<QuantView<'_>> = pieces.iter().map(QuantTensor::view).collect();
        QuantTensor::concat_rows(&views).map(Some)
    }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
}

/// The smallest power of two, from 2^-126 to 2^127, over which `amax` is an element.
fn power_for(spec: &BlockSpec, amax: f32) -> f32 {
    let max = spec.element.max().to_f32();
    let mut scale = 1.0f32;
    while amax / scale > max && scale < f32::MAX / 2.0 {
        scale *= 2.0;
    }
    while amax > 0.0 && amax / (scale / 2.0) <= max && scale / 2.0 >= f32::MIN_POSITIVE {
        scale /= 2.0;
    }
    scale
}
