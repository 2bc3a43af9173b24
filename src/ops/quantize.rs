//! Numbers to block-scaled tensors and back: the loops over blocks and threads. What happens to one block is `block`'s.

use super::Exec;
use super::convert::Words;
use super::real::{Real, Source, number, stats_of};
use super::restore::FastRestore;
use super::rows::{Fast, block_amax, finite_amax};
use crate::block::{Block, BlockSpec, Geometry, Offset, QuantTensor, QuantView, ScaleRule, TensorScale, put, store};
use crate::codec::Unpacked;
use crate::error::Error;
use crate::kernel;
use crate::random::Dither;
use alloc::vec;
use alloc::vec::Vec;

/// A quantization with everything that it may be told: how to run, where random bits come from, which scales to use.
///
/// ```
/// use subhalf::{Exec, Quantizer, preset};
/// let x = [0.5f32, -1.25, 3.0, 0.1];
/// let tensor = Quantizer::new(&preset::ocp::MXFP8_E4M3).exec(Exec::SERIAL).scales(&[0.25], &[]).quantize(&x, &[4])?;
/// assert_eq!(tensor.scales(), [125]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quantizer<'a> {
    pub(super) spec: &'a BlockSpec,
    pub(super) dither: Dither,
    pub(super) exec: Exec,
    tensor_scale: Option<f32>,
    scales: Option<(&'a [f32], &'a [f32])>,
}

impl<'a> Quantizer<'a> {
    /// With scales from the data, no random bits, on all threads.
    #[must_use]
    pub const fn new(spec: &'a BlockSpec) -> Self {
        Self { spec, dither: Dither::NONE, exec: Exec::PARALLEL, tensor_scale: None, scales: None }
    }

    /// Random words for a stochastic rounding: element `i` of the tensor, row-major, takes word `i`. To get the same bits for a range of rows quantized
    /// alone, [`skip`](Dither::skip) the elements before it.
    #[must_use]
    pub const fn dither(mut self, dither: Dither) -> Self {
        self.dither = dither;
        self
    }

    /// How to run; no result depends on it.
    #[must_use]
    pub const fn exec(mut self, exec: Exec) -> Self {
        self.exec = exec;
        self
    }

    /// The tensor scale, in the convention of the format ([`TensorScale`]), instead of the one from the data.
    #[must_use]
    pub const fn tensor_scale(mut self, tensor_scale: f32) -> Self {
        self.tensor_scale = Some(tensor_scale);
        self
    }

    /// The scales and offsets of the blocks, row-major, instead of those from the data. `offsets`
    /// are zero points or minima, empty for formats without.
    ///
    /// A scale is a positive finite number; under the rules [`SignedMax`](ScaleRule::SignedMax),
    /// [`Given`](ScaleRule::Given) and [`Custom`](ScaleRule::Custom), and a search with negative
    /// factors, it may be negative if its format has a sign. It is clamped and rounded into the
    /// scale format under the format's policy, so numbers of that format stay as they are; 8-bit
    /// formats saturate. One that would be infinite, NaN or 0 there is refused. For a block of
    /// zeros any scale will do. Without scales in the format, it is 1.
    ///
    /// A zero point is an integer from the smallest to the largest element. A minimum is a finite
    /// number, rounded into its format, within the range of which it has to be. Values of any other
    /// kind are refused, never changed.
    ///
    /// ```
    /// use subhalf::{Quantizer, preset};
    /// let (x, int8) = ([0.0f32, 1.0, -1.0, 0.5], preset::int::INT8_ASYM_TENSOR);
    /// let quantize = |scale, zero_point| Quantizer::new(&int8).scales(&[scale], &[zero_point]).quantize(&x, &[4]);
    /// assert_eq!(quantize(0.5, 10.0)?.dequantize(), x);
    /// let refused = |scale, zero_point| quantize(scale, zero_point).unwrap_err().to_string();
    /// assert_eq!(refused(0.5, 128.0), "zero point 0: expected an integer from -128 to 127, found 128.0");
    /// assert_eq!(refused(-1.0, 10.0), "scale 0: expected a positive finite number, found -1.0");
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn scales(mut self, scales: &'a [f32], offsets: &'a [f32]) -> Self {
        self.scales = Some((scales, offsets));
        self
    }

    /// Quantizes a row-major tensor.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::TooLarge`] and [`Error::Length`] for a shape that is not the data's;
    /// [`Error::Length`] for scales or offsets that are not the blocks'; [`Error::Scheme`] if the rule wants scales and none are given;
    /// [`Error::Given`] and [`Error::ZeroPoint`] for scales and offsets that
    /// [`scales`](Self::scales) does not take;
    /// [`Error::Stored`] for a tensor scale that is not a positive finite number, or given to a format without.
    pub fn quantize<T: Source>(&self, src: &[T], shape: &[usize]) -> Result<QuantTensor, Error> {
        self.quantize_by(Way::Fastest, src, shape)
    }

    /// Quantizes into a tensor that the caller has, say of the step before, and reuses its buffers.
    ///
    /// ```
    /// use subhalf::{QuantTensor, Quantizer, preset};
    /// let quantizer = Quantizer::new(&preset::ocp::MXFP4);
    /// let mut tensor = quantizer.quantize(&[1.0f32; 64], &[2, 32])?;
    /// quantizer.quantize_into(&[0.75f32; 64], &mut tensor)?;
    /// assert_eq!(tensor, quantizer.quantize(&[0.75f32; 64], &[2, 32])?);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`quantize`](Self::quantize) for the tensor's shape, and [`Error::Scheme`] if its format is another; the tensor is then as it was.
    pub fn quantize_into<T: Source>(&self, src: &[T], tensor: &mut QuantTensor) -> Result<(), Error> {
        if tensor.spec != *self.spec {
            return Err(Error::Scheme { what: "quantization into a tensor", expected: "a tensor of the quantizer's format" });
        }
        self.fill(Way::Fastest, src, tensor)
    }

    /// The definition that [`quantize`](Self::quantize) follows, element by element through the reference codec: the same bits, slowly. The largest
    /// magnitude of a tensor, which its scale is made of, is looked for by the same code.
    ///
    /// # Errors
    /// As [`quantize`](Self::quantize).
    pub fn quantize_reference<T: Source>(&self, src: &[T], shape: &[usize]) -> Result<QuantTensor, Error> {
        self.quantize_by(Way::Reference, src, shape)
    }

    fn quantize_by<T: Source>(&self, way: Way, src: &[T], shape: &[usize]) -> Result<QuantTensor, Error> {
        let mut tensor = QuantTensor::zeroed(self.spec, shape)?;
        self.fill(way, src, &mut tensor)?;
        Ok(tensor)
    }

    fn fill<T: Source>(&self, way: Way, src: &[T], tensor: &mut QuantTensor) -> Result<(), Error> {
        let geometry = tensor.geometry;
        Error::check_length("elements", geometry.lines() * geometry.cols, src.len())?;
        if let Some((scales, offsets)) = self.scales {
            Error::check_length("scales", geometry.blocks(), scales.len())?;
            let expected = if matches!(self.spec.offset, Offset::None) { 0 } else { geometry.blocks() };
            Error::check_length("offsets", expected, offsets.len())?;
            self.spec.check_given(scales, offsets)?;
        } else if matches!(self.spec.rule, ScaleRule::Given) {
            return Err(Error::Scheme { what: "quantization with the rule Given", expected: "scales" });
        }
        let mut amax = Vec::new();
        tensor.tensor_scale = self.tensor_scale_for(src, &geometry, &mut amax)?;
        let job = Job { quantizer: self, geometry, tensor: tensor.tensor_scale, amax, src };
        let fast = match way {
            Way::Fastest if self.scales.is_none() => {
                Fast::lower(self, &geometry, tensor.tensor_scale, size_of_val(src)).filter(|fast| !T::IS_WIDE || fast.takes_wide())
            }
            _ => None,
        };
        let (codes, scales, offsets) = (&mut tensor.codes, &mut tensor.scales, &mut tensor.offsets);
        let codes = codes.as_mut_slice();
        // Single codes are put among zeros.
        if fast.is_none() || self.spec.element.bits() != 8 {
            codes.fill(0);
        }
        let pieces = Piece::cut(self, &geometry, codes, scales.as_mut_slice(), offsets.as_mut_slice());
        self.exec.each(pieces, |piece| match &fast {
            Some(fast) => fast.run(&job, piece),
            None => job.run(piece),
        });
        Ok(())
    }

    /// Replaces numbers by what they come back as: [`quantize`](Self::quantize) and [`dequantize_into`](QuantView::dequantize_into) in one.
    ///
    /// # Errors
    /// As [`quantize`](Self::quantize), and [`Error::Length`] if `dst` is not as long as `src`.
    pub fn fake_quantize<T: Source, D: Real>(&self, src: &[T], shape: &[usize], dst: &mut [D]) -> Result<(), Error> {
        Error::check_length("output length", src.len(), dst.len())?;
        self.quantize(src, shape)?.view().dequantize_into(dst, self.exec)
    }

    /// The tensor's scale; where blocks are parts of rows, also the largest magnitudes that were looked at for it.
    fn tensor_scale_for<T: Source>(&self, src: &[T], geometry: &Geometry, amax: &mut Vec<u32>) -> Result<f32, Error> {
        let refuse = |expected, found: f32| Err(Error::Stored { what: "tensor scale", index: 0, expected, found: found.to_bits() });
        match (self.spec.tensor_scale, self.tensor_scale) {
            (TensorScale::None, None) => Ok(1.0),
            (TensorScale::None, Some(found)) => refuse("none, as the format has none", found),
            (TensorScale::Amax { .. }, Some(0.0)) => Ok(0.0),
            (_, Some(given)) if given > 0.0 && given.is_finite() => Ok(given),
            (_, Some(given)) => refuse("a positive finite f32", given),
            (rule, None) => {
                const PIECE: usize = 1 << 16;
                let (isa, length) = (self.exec.isa(), geometry.block_cols);
                if !src.is_empty() && geometry.is_long(self.spec.element.bits()) {
                    let piece = PIECE.next_multiple_of(length);
                    self.exec.fold(src, piece, |_, piece| block_amax(isa, piece, length), |piece| amax.extend(piece));
                }
                // Of magnitudes as of numbers.
                let mut largest = [0];
                kernel::block_largest(kernel::Both, isa, bytemuck::cast_slice(amax), amax.len().max(1), &mut largest);
                let [mut largest] = largest;
                if amax.is_empty() || largest >= f32::INFINITY.to_bits() {
                    largest = 0;
                    self.exec.fold(src, PIECE, |_, piece| finite_amax(isa, piece), |piece| largest = largest.max(piece));
                }
                Ok(rule.of(f32::from_bits(largest)))
            }
        }
    }
}

/// How to quantize; no result depends on it.
#[derive(Clone, Copy, Debug)]
enum Way {
    Fastest,
    Reference,
}

/// What every piece of a quantization shares.
pub(super) struct Job<'a, T> {
    pub(super) quantizer: &'a Quantizer<'a>,
    pub(super) geometry: Geometry,
    pub(super) tensor: f32,
    /// The largest magnitudes of all blocks, as bits, if they have been looked for.
    pub(super) amax: Vec<u32>,
    pub(super) src: &'a [T],
}

/// The buffers of some successive bands.
pub(super) struct Piece<'a> {
    pub(super) first: usize,
    pub(super) bands: usize,
    pub(super) codes: &'a mut [u8],
    pub(super) scales: &'a mut [u8],
    pub(super) offsets: &'a mut [u8],
}

impl<'a> Piece<'a> {
    /// Cuts a tensor's buffers at bands: for threads some ten thousand elements a piece.
    fn cut(
        quantizer: &Quantizer<'_>,
        geometry: &Geometry,
        mut codes: &'a mut [u8],
        mut scales: &'a mut [u8],
        mut offsets: &'a mut [u8],
    ) -> Vec<Self> {
        const ELEMENTS: usize = 1 << 16;
        let spec = quantizer.spec;
        let elements = if quantizer.exec.is_parallel() { ELEMENTS } else { usize::MAX };
        let step = (elements / geometry.block_rows.saturating_mul(geometry.cols).max(1)).max(1);
        let bands = geometry.matrices * geometry.grid_rows;
        let mut pieces = Vec::with_capacity(bands.div_ceil(step));
        for first in (0..bands).step_by(step) {
            let count = step.min(bands - first);
            let lines = geometry.band(first + count - 1).end - geometry.band(first).start;
            let blocks = count * geometry.grid_cols;
            let piece = Self {
                first,
                bands: count,
                codes: codes.split_off_mut(..lines * geometry.row_bytes).unwrap_or_default(),
                scales: scales.split_off_mut(..blocks * spec.scale_bytes()).unwrap_or_default(),
                offsets: offsets.split_off_mut(..blocks * spec.offset_bytes()).unwrap_or_default(),
            };
            pieces.push(piece);
        }
        pieces
    }
}

impl<T: Source> Job<'_, T> {
    fn run(&self, piece: Piece<'_>) {
        let (geometry, spec) = (&self.geometry, self.quantizer.spec);
        let origin = geometry.band(piece.first).start;
        let words = Words::new(spec.element_convert.round, self.quantizer.dither);
        for band in 0..piece.bands {
            let lines = geometry.band(piece.first + band);
            for column in 0..geometry.grid_cols {
                let cols = geometry.block_cols(column);
                let index = band * geometry.grid_cols + column;
                let elements = lines.clone().flat_map(|line| {
                    let row = &self.src[line * geometry.cols..][cols.clone()];
                    row.iter().copied()
                });
                let block = self.block(piece.first * geometry.grid_cols + index, elements);
                store(piece.scales, spec.scale_bytes(), index, block.scale);
                store(piece.offsets, spec.offset_bytes(), index, block.offset);
                for line in lines.clone() {
                    let row = &mut piece.codes[(line - origin) * geometry.row_bytes..][..geometry.row_bytes];
                    for col in cols.clone() {
                        let element = line * geometry.cols + col;
                        let code = spec.code(&block, number(self.src[element]), words.get(element));
                        put(row, spec.element.bits(), col, code);
                    }
                }
            }
        }
    }

    fn block(&self, index: usize, elements: impl Iterator<Item = T> + Clone) -> Block {
        let spec = self.quantizer.spec;
        match self.quantizer.scales {
            Some((scales, offsets)) => spec.block_given(scales[index], offsets.get(index).copied().unwrap_or(0.0), self.tensor),
            None => spec.block_of(&stats_of(elements.clone()), elements.map(number), self.tensor),
        }
    }
}

impl QuantTensor {
    /// Quantizes a row-major tensor with scales from the data, on all threads. [`Quantizer`] takes more wishes.
    ///
    /// # Errors
    /// As [`Quantizer::quantize`].
    pub fn quantize<T: Source>(spec: &BlockSpec, src: &[T], shape: &[usize]) -> Result<Self, Error> {
        Quantizer::new(spec).quantize(src, shape)
    }

    /// Quantizes a row-major tensor with these scales and offsets, row-major: short for [`Quantizer::scales`].
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let tensor = QuantTensor::quantize_with_scales(&preset::ocp::MXFP8_E4M3, &[0.5f32, -1.25, 3.0, 0.1], &[4], &[0.25], &[])?;
    /// assert_eq!(tensor.scales(), [125]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Quantizer::quantize`].
    pub fn quantize_with_scales<T: Source>(
        spec: &BlockSpec,
        src: &[T],
        shape: &[usize],
        scales: &[f32],
        offsets: &[f32],
    ) -> Result<Self, Error> {
        Quantizer::new(spec).scales(scales, offsets).quantize(src, shape)
    }

    /// The numbers, as f32s: as [`QuantView::dequantize`].
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        self.view().dequantize()
    }
}

impl QuantView<'_> {
    /// The numbers, row-major, as f32s by the format's [`Restore`](crate::Restore) formula, on all threads. Numbers beyond f32 are infinite; every NaN is 0x7FC00000.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let mut out = vec![0.0f32; self.len()];
        self.restore_into(&mut out, Exec::PARALLEL);
        out
    }

    /// The numbers, row-major, into a slice: the f32s of [`dequantize`](Self::dequantize), rounded once more (ties to even) into f16 or bf16.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` has not as many elements as the tensor.
    pub fn dequantize_into<D: Real>(&self, dst: &mut [D], exec: Exec) -> Result<(), Error> {
        Error::check_length("output length", self.len(), dst.len())?;
        self.restore_into(dst, exec);
        Ok(())
    }

    fn restore_into<D: Real>(&self, dst: &mut [D], exec: Exec) {
        let geometry = self.geometry();
        if dst.is_empty() {
            return;
        }
        let element = &self.spec().element;
        let fast = FastRestore::lower(self, exec.isa());
        if let Some(fast) = &fast {
            // Some rows at a time, so that what a call costs is nothing.
            const ELEMENTS: usize = 1 << 16;
            let rows = (ELEMENTS / geometry.cols).max(1);
            return exec.chunks(dst, rows * geometry.cols, |index, dst| fast.rows(self, index * rows, dst));
        }
        exec.chunks(dst, geometry.cols, |line, row| {
            for column in 0..geometry.grid_cols {
                let cols = geometry.block_cols(column);
                let restorer = self.block_restorer(geometry.block(line, cols.start));
                for col in cols {
                    row[col] = D::nearest(Unpacked::from_f32(restorer.restore(element.decode_f32(self.code_at(line, col)))));
                }
            }
        });
    }

    /// The tensor in another format: dequantized to f32 and quantized again.
    ///
    /// # Errors
    /// As [`Quantizer::quantize`].
    pub fn requantize(&self, quantizer: &Quantizer<'_>) -> Result<QuantTensor, Error> {
        quantizer.quantize(&self.dequantize(), self.shape())
    }
}
