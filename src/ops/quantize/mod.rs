//! Numbers to block-scaled tensors: the door, the scale of the tensor, and pieces for threads. What
//! happens to one block is `block`'s.

mod by_block;
mod codes;
mod encode;
#[cfg(feature = "presets")]
mod ggml;
mod into;
mod job;
mod reference;
mod rows;
mod search;
mod together;

use self::job::{BandGroup, ElementWords, QuantizeJob, take};
use super::Exec;
use super::numbers::{Numbers, NumbersMut};
use super::real::{Real, Source};
use crate::block::{
    BlockSpec, Demand, Extent, Geometry, PartsMut, QuantTensor, QuantView, QuantizePlan,
};
use crate::error::Error;
use crate::kernel;
use crate::random::Dither;
use alloc::vec::Vec;

/// A quantization with everything that it may be told: how to run, where random bits come from,
/// which scales to use.
///
/// ```
/// use subhalf::{Exec, Quantizer, preset};
/// let x = [0.5f32, -1.25, 3.0, 0.1];
/// let quantizer = Quantizer::new(&preset::ocp::MXFP8_E4M3).exec(Exec::SERIAL);
/// let tensor = quantizer.scales(&[0.25], &[]).quantize(&x, &[4])?;
/// assert_eq!(tensor.scales(), [125]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quantizer<'a> {
    pub(in crate::ops) spec: &'a BlockSpec,
    dither: Dither,
    exec: Exec,
    tensor_scale: Option<f32>,
    scales: Option<(&'a [f32], &'a [f32])>,
    factors: Option<&'a [f32]>,
    row_length: Option<usize>,
}

impl<'a> Quantizer<'a> {
    /// With scales from the data, no random bits, on all threads.
    #[must_use]
    pub const fn new(spec: &'a BlockSpec) -> Self {
        // No tensor scale or scales given: they are found from the data. Search factors are the
        // scheme's, and the row length is the tensor's own.
        Self {
            spec,
            dither: Dither::NONE,
            exec: Exec::PARALLEL,
            tensor_scale: None,
            scales: None,
            factors: None,
            row_length: None,
        }
    }

    /// Random words for a stochastic rounding: element `i` of the tensor, row-major, takes word
    /// `i`. To get the same bits for a range of rows quantized alone, [`skip`](Dither::skip) the
    /// elements before it.
    #[must_use]
    pub const fn dither(mut self, dither: Dither) -> Self {
        self.dither = dither;
        self
    }

    /// Columns of the tensor that this one is a part of, so that some columns quantized alone get
    /// the random words that they have in the whole: row `i` and column `j`, rows counted through
    /// all matrices, takes word `i · row_length + j`. [`skip`](Dither::skip) the elements before
    /// the first. Without it rows are as long as the tensor's.
    ///
    /// ```
    /// use subhalf::{Dither, Quantizer, Round, Stochastic, QuantTensor, preset};
    /// let spec = preset::ocp::MXFP4.with_round(Round::stochastic(Stochastic::B, 8)?);
    /// let x: Vec<f32> = (0..256).map(|i| (i % 37) as f32 / 16.0).collect();
    /// let whole = Quantizer::new(&spec).dither(Dither::new(9)).quantize(&x, &[4, 64])?;
    /// let shards = [0, 32].map(|left| {
    ///     let rows = x.chunks(64).flat_map(|row| &row[left..left + 32]);
    ///     let dither = Dither::new(9).skip(left as u64);
    ///     let quantizer = Quantizer::new(&spec).dither(dither).row_length(64);
    ///     quantizer.quantize(&rows.copied().collect::<Vec<_>>(), &[4, 32]).unwrap()
    /// });
    /// assert_eq!(QuantTensor::concat_cols(&[shards[0].view(), shards[1].view()])?, whole);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn row_length(mut self, cols: usize) -> Self {
        self.row_length = Some(cols);
        self
    }

    /// How to run; no result depends on it.
    #[must_use]
    pub const fn exec(mut self, exec: Exec) -> Self {
        self.exec = exec;
        self
    }

    /// The tensor scale, in the convention of the format ([`TensorScale`](crate::TensorScale)),
    /// instead of the one from the data.
    #[must_use]
    pub const fn tensor_scale(mut self, tensor_scale: f32) -> Self {
        self.tensor_scale = Some(tensor_scale);
        self
    }

    /// The scales and offsets of the blocks, row-major, instead of those from the data. `offsets`
    /// are zero points or minima, empty for formats without.
    ///
    /// A scale is a positive finite number; under the rules
    /// [`SignedMax`](crate::ScaleRule::SignedMax), [`Given`](crate::ScaleRule::Given) and
    /// [`Custom`](crate::ScaleRule::Custom), and a search with negative factors, it may be negative
    /// if its format has a sign. It is clamped and rounded into the scale format under the format's
    /// policy, so numbers of that format stay as they are; 8-bit formats saturate. One that would
    /// be infinite, NaN or 0 there is refused. A block of zeros takes any of these scales. In a
    /// format without scales, every scale is 1.
    ///
    /// A zero point is an integer from the smallest to the largest element. A minimum is a finite
    /// number in the range of its format, and is rounded into it. Other values are refused, never
    /// changed.
    ///
    /// ```
    /// use subhalf::{Quantizer, preset};
    /// let (x, int8) = ([0.0f32, 1.0, -1.0, 0.5], preset::generic::INT8_ASYM_TENSOR);
    /// let quantize = |scale, zero_point| {
    ///     Quantizer::new(&int8).scales(&[scale], &[zero_point]).quantize(&x, &[4])
    /// };
    /// assert_eq!(quantize(0.5, 10.0)?.dequantize(), x);
    /// let refused = |scale, zero_point| quantize(scale, zero_point).unwrap_err().to_string();
    /// let message = "zero point 0: expected an integer from -128 to 127, found 128.0";
    /// assert_eq!(refused(0.5, 128.0), message);
    /// let message = "scale 0: expected a positive finite number, found -1.0";
    /// assert_eq!(refused(-1.0, 10.0), message);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn scales(mut self, scales: &'a [f32], offsets: &'a [f32]) -> Self {
        self.scales = Some((scales, offsets));
        self
    }

    /// The factors that the scheme's search tries in place of its own, the preferred first: any
    /// number of them, made at run time.
    ///
    /// ```
    /// use subhalf::{Metric, Quantizer, Search, Table, preset};
    /// let search = Search::new(Table::of(&[1.0]), Metric::Mse);
    /// let spec = preset::generic::INT4_ROW.with_search(Some(search));
    /// let factors: Vec<f32> = (0..40).map(|i| 1.0 - i as f32 / 80.0).collect();
    /// let x: Vec<f32> = (0..64).map(|i| (i * i % 64) as f32 / 64.0).chain([4.0]).collect();
    /// let error = |quantizer: Quantizer<'_>| {
    ///     Ok::<_, subhalf::Error>(quantizer.quantize(&x, &[1, 65])?.stats(&x)?.errors().noise())
    /// };
    /// let (plain, searched) =
    ///     (error(Quantizer::new(&spec))?, error(Quantizer::new(&spec).search_factors(&factors))?);
    /// assert!(searched < plain);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn search_factors(mut self, factors: &'a [f32]) -> Self {
        self.factors = Some(factors);
        self
    }

    /// The largest finite magnitude of some numbers, 0 without any: what the tensor scale is made
    /// from. An f64 counts as the f32 that it is rounded to odd to (10^300 as the largest). For a
    /// tensor in shards, the largest `amax` of all shards gives the tensor scale of the whole.
    ///
    /// ```
    /// use subhalf::{QuantTensor, Quantizer, preset};
    /// let spec = preset::torchao::NVFP4;
    /// let x: Vec<f32> = (0..64).map(|i| i as f32 - 20.0).collect();
    /// let amax = x.chunks(32).map(|shard| Quantizer::new(&spec).amax(shard)).fold(0.0, f32::max);
    /// let shard = |x| {
    ///     let job = Quantizer::new(&spec).tensor_scale(spec.tensor_scale.of(amax));
    ///     job.quantize(x, &[1, 32])
    /// };
    /// let (a, b) = (shard(&x[..32])?, shard(&x[32..])?);
    /// let whole = QuantTensor::quantize(&spec, &x, &[2, 32])?;
    /// assert_eq!(QuantTensor::concat_rows(&[a.view(), b.view()])?, whole);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub fn amax<T: Source>(&self, src: &[T]) -> f32 {
        rows::amax_of_all(self.exec, &[], T::source(src))
    }

    /// Quantizes a row-major tensor.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::TooLarge`] and
    /// [`Error::Length`] for a shape that is not the data's; [`Error::Length`] for scales or
    /// offsets that are not the blocks'; [`Error::Scheme`] if the rule wants scales and none are
    /// given, for a scheme with sub-scales, scales for each sign or codebooks, for a
    /// [`row_length`](Self::row_length) below the columns, and for
    /// [`search_factors`](Self::search_factors) without a search or beside given scales;
    /// [`Error::Given`] and [`Error::ZeroPoint`] for scales and offsets that
    /// [`scales`](Self::scales) does not take; [`Error::Stored`] for a tensor scale that is not a
    /// positive finite number, or given to a format without.
    pub fn quantize<T: Source>(&self, src: &[T], shape: &[usize]) -> Result<QuantTensor, Error> {
        self.quantize_by(Path::Kernels, T::source(src), shape)
    }

    /// Quantizes into a tensor of the same format and reuses its buffers.
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
    /// [`Error::Length`] for numbers that are not as many as the tensor's elements,
    /// [`Error::Scheme`] if its scheme is another or if it begins inside a block, and the other
    /// errors of [`quantize`](Self::quantize); the tensor then keeps its contents.
    pub fn quantize_into<T: Source>(
        &self,
        src: &[T],
        tensor: &mut QuantTensor,
    ) -> Result<(), Error> {
        self.quantize_over(T::source(src), tensor)
    }

    /// Quantizes numbers of any type into a tensor of the same format.
    pub(super) fn quantize_over(
        &self,
        src: Numbers<'_>,
        tensor: &mut QuantTensor,
    ) -> Result<(), Error> {
        // Buffers fit the format that they were made for.
        if tensor.spec != *self.spec {
            return Err(Error::Scheme {
                what: "quantization into a tensor",
                expected: "a tensor of the quantizer's format",
            });
        }
        self.fill_tensor(Path::Kernels, src, tensor)
    }

    /// Quantizes numbers of any type by kernels.
    #[cfg(feature = "matmul")]
    pub(super) fn quantize_any(
        &self,
        src: Numbers<'_>,
        shape: &[usize],
    ) -> Result<QuantTensor, Error> {
        self.quantize_by(Path::Kernels, src, shape)
    }

    /// The definition that [`quantize`](Self::quantize) follows: the same bits, slowly. Every
    /// number goes through the rules and the reference codec by itself; no kernel has a part in it.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself, [`Error::Length`] for a shape that is
    /// not the data's, [`Error::TooLarge`] beyond the address space, and the other errors of
    /// [`quantize`](Self::quantize).
    pub fn quantize_reference<T: Source>(
        &self,
        src: &[T],
        shape: &[usize],
    ) -> Result<QuantTensor, Error> {
        self.quantize_by(Path::Reference, T::source(src), shape)
    }

    fn quantize_by(
        &self,
        path: Path,
        src: Numbers<'_>,
        shape: &[usize],
    ) -> Result<QuantTensor, Error> {
        self.spec.validate()?;
        let geometry = Geometry::of(self.spec, shape)?;
        // Checked before memory is allocated for a shape that may be larger than the numbers.
        Error::check_length("elements", geometry.lines() * geometry.cols, src.len())?;
        let mut tensor = QuantTensor::zeroed(self.spec, shape)?;
        self.fill_tensor(path, src, &mut tensor)?;
        Ok(tensor)
    }

    fn fill_tensor(
        &self,
        path: Path,
        src: Numbers<'_>,
        tensor: &mut QuantTensor,
    ) -> Result<(), Error> {
        let cols = tensor.shape.last().copied().unwrap_or(1);
        let (codes, scales, offsets) = (&mut tensor.codes, &mut tensor.scales, &mut tensor.offsets);
        let parts = PartsMut {
            codes: codes.as_mut_slice(),
            scales: scales.as_mut_slice(),
            offsets: offsets.as_mut_slice(),
        };
        let tensor_scale = self.fill(path, src, &tensor.geometry, cols, parts)?;
        tensor.set_tensor_scale(tensor_scale);
        Ok(())
    }

    /// Writes the parts of a tensor whose rows have so many columns, and returns its scale.
    fn fill(
        &self,
        path: Path,
        src: Numbers<'_>,
        geometry: &Geometry,
        cols: usize,
        parts: PartsMut<'_>,
    ) -> Result<f32, Error> {
        let Self { spec, dither, exec, .. } = *self;
        let geometry = *geometry;
        // Checked before anything is written, so that a refusal leaves the tensor alone.
        if !spec.is_plain() {
            return Err(Error::Scheme {
                what: "quantization",
                expected: "a scheme without sub-scales, scales for each sign and codebooks",
            });
        }
        if geometry.origin != [0, 0] {
            return Err(Error::Scheme {
                what: "quantization into a tensor",
                expected: "one that begins at a block",
            });
        }
        let (elements, blocks) = (geometry.lines() * geometry.cols, geometry.blocks());
        Error::check_length("elements", elements, src.len())?;
        spec.check_given(self.scales, blocks)?;
        spec.check_factors(self.factors, self.scales.is_some())?;
        let row_length = self.row_length.unwrap_or(cols);
        let flat = matches!(spec.extent, Extent::Flat(_));
        if row_length < cols || (flat && row_length != cols) {
            return Err(Error::Scheme {
                what: "row length",
                expected: "one of at least the tensor's columns, and blocks within rows",
            });
        }
        // Flat blocks are of one row, whose words go on.
        let row_length = if flat { geometry.cols } else { row_length };
        let words = ElementWords { dither, cols: geometry.cols, row_length };
        // The largest magnitudes of blocks, if the tensor scale has been made of them.
        let mut known = Vec::new();
        let tensor_scale = match (spec.check_tensor_scale(self.tensor_scale)?, path) {
            (Some(scale), _) => scale,
            (None, Path::Kernels) => {
                // In rows that follow each other without gaps the maxima of blocks serve twice: for
                // the tensor scale, and for the scales of the blocks.
                if geometry.is_long(spec.element.bits()) {
                    known = rows::amax_of_blocks(exec, src, geometry.block_cols);
                }
                spec.tensor_scale.of(rows::amax_of_all(exec, &known, src))
            }
            // The definition has its own fold, so that it shares nothing with the kernels.
            (None, Path::Reference) => spec.tensor_scale.of(reference::finite_amax(src)),
        };
        let job = QuantizeJob { spec, words, geometry, tensor_scale, factors: self.factors, src };
        // The kernels' indices do not wrap around.
        let last = (geometry.lines() as u64).checked_mul(words.row_length as u64);
        let in_order = last.and_then(|last| dither.first_index.checked_add(last)).is_some();
        let plan = match path {
            // Wide numbers need a plan that divides f64s exactly.
            Path::Kernels if in_order && elements > 0 => {
                let (given, factors) = (self.scales, self.factors);
                let demand = Demand { tensor_scale, elements, blocks, given, factors };
                QuantizePlan::lower(exec.isa(), spec, demand)
                    .filter(|plan| !src.are_wide() || plan.takes_wide())
            }
            Path::Kernels | Path::Reference => None,
        };
        let PartsMut { codes, scales, offsets } = parts;
        // Packed chunks are written over; a single code of a width other than 8 is or-ed into its
        // byte, so the bytes begin as zeros.
        if plan.is_none() || spec.element.bits() != 8 {
            codes.fill(0);
        }
        let streams = kernel::is_large(src.bytes());
        let one_piece = |piece| match &plan {
            Some(plan) => rows::quantize(plan, &job, &known, streams, piece),
            None => reference::quantize(&job, self.scales, piece),
        };
        if !exec.is_parallel() || elements <= BandGroup::ELEMENTS {
            // One thread has nothing to balance, and needs no list.
            let (bands, columns) = (geometry.matrices * geometry.grid_rows, 0..geometry.cols);
            if elements > 0 {
                one_piece(BandGroup { first: 0, bands, columns, codes, scales, offsets });
            }
            return Ok(tensor_scale);
        }
        // The definition takes whole rows.
        let pieces = BandGroup::cut(spec, &geometry, plan.is_some(), codes, scales, offsets);
        // Blocks that span all rows, or a whole long row, leave few pieces: threads work on one
        // together.
        if let Some(plan) = plan.as_ref().filter(|_| together::wants(exec, &geometry, pieces.len()))
        {
            pieces.into_iter().for_each(|piece| together::quantize(exec, plan, &job, piece));
            return Ok(tensor_scale);
        }
        // Pieces own disjoint parts of the buffers.
        exec.each(pieces, one_piece);
        Ok(tensor_scale)
    }

    /// Rounds numbers to those that the tensor stands for: [`quantize`](Self::quantize) and
    /// [`dequantize_into`](QuantView::dequantize_into) in one.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src` or the shape is not the data's,
    /// [`Error::Block`] for a spec that contradicts itself, and the other errors of
    /// [`quantize`](Self::quantize).
    pub fn fake_quantize<T: Source, D: Real>(
        &self,
        src: &[T],
        shape: &[usize],
        dst: &mut [D],
    ) -> Result<(), Error> {
        self.round_into(T::source(src), shape, D::slice_mut(dst))
    }

    fn round_into(
        &self,
        src: Numbers<'_>,
        shape: &[usize],
        dst: NumbersMut<'_>,
    ) -> Result<(), Error> {
        Error::check_length("output length", src.len(), dst.len())?;
        self.quantize_by(Path::Kernels, src, shape)?.view().restore_into(dst, self.exec);
        Ok(())
    }
}

impl<'a> BandGroup<'a> {
    /// Elements of a piece, about: some tens of microseconds of work.
    const ELEMENTS: usize = 1 << 16;

    /// Cuts a tensor's buffers at bands, for threads.
    fn cut(
        spec: &BlockSpec,
        geometry: &Geometry,
        cuts_rows: bool,
        mut codes: &'a mut [u8],
        mut scales: &'a mut [u8],
        mut offsets: &'a mut [u8],
    ) -> Vec<Self> {
        let elements = Self::ELEMENTS;
        // At least one band: a piece is whole rows of blocks.
        let lines = geometry.block_rows.min(geometry.rows);
        let step = (elements / lines.saturating_mul(geometry.cols).max(1)).max(1);
        let bands = geometry.matrices * geometry.grid_rows;
        // A long row is cut at whole blocks of whole bytes.
        let unit = geometry.block_cols.saturating_mul(8);
        let cuts_row = cuts_rows && lines == 1 && geometry.cols > elements && unit <= elements;
        let width = if cuts_row { elements / unit * unit } else { geometry.cols.max(1) };
        let mut pieces = Vec::with_capacity(bands.div_ceil(step));
        for first in (0..bands).step_by(step) {
            let count = step.min(bands - first);
            let lines = geometry.band(first + count - 1).end - geometry.band(first).start;
            for start in (0..geometry.cols).step_by(width) {
                let columns = start..(start + width).min(geometry.cols);
                let blocks = count * columns.len().div_ceil(geometry.block_cols);
                // Of a part of a row the bytes of its codes, which the last part may leave some
                // bits of.
                let bytes = if cuts_row {
                    (columns.len() * spec.element.bits() as usize).div_ceil(8)
                } else {
                    lines * geometry.row_bytes
                };
                pieces.push(Self {
                    first,
                    bands: count,
                    columns,
                    codes: take(&mut codes, bytes),
                    scales: take(&mut scales, blocks * spec.scale_bytes()),
                    offsets: take(&mut offsets, blocks * spec.offset_bytes()),
                });
            }
        }
        pieces
    }
}

/// The code that quantizes; no result depends on it.
#[derive(Clone, Copy, Debug)]
enum Path {
    /// Kernels, as far as there are any for the scheme.
    Kernels,
    /// The definition: rules and the reference codec, number by number.
    Reference,
}

impl QuantTensor {
    /// Quantizes a row-major tensor with scales from the data, on all threads. [`Quantizer`] also
    /// takes scales, random words and threads.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself, [`Error::Length`] for a shape that is
    /// not the data's, [`Error::Scheme`] if the rule wants scales and none are given, and the other
    /// errors of [`Quantizer::quantize`].
    pub fn quantize<T: Source>(
        spec: &BlockSpec,
        src: &[T],
        shape: &[usize],
    ) -> Result<Self, Error> {
        Quantizer::new(spec).quantize(src, shape)
    }

    /// Quantizes a row-major tensor with given scales and offsets, row-major: the short call for
    /// [`Quantizer::scales`].
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let (spec, x) = (preset::ocp::MXFP8_E4M3, [0.5f32, -1.25, 3.0, 0.1]);
    /// let tensor = QuantTensor::quantize_with_scales(&spec, &x, &[4], &[0.25], &[])?;
    /// assert_eq!(tensor.scales(), [125]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself, [`Error::Length`] for a shape that is
    /// not the data's, or for scales or offsets that are not the blocks', and the other errors of
    /// [`Quantizer::quantize`].
    pub fn quantize_with_scales<T: Source>(
        spec: &BlockSpec,
        src: &[T],
        shape: &[usize],
        scales: &[f32],
        offsets: &[f32],
    ) -> Result<Self, Error> {
        Quantizer::new(spec).scales(scales, offsets).quantize(src, shape)
    }
}

impl QuantView<'_> {
    /// The tensor in another format: dequantized to f32 and quantized again.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself, [`Error::Length`] for scales or offsets
    /// that are not the blocks', [`Error::Scheme`] if the rule wants scales and none are given, and
    /// the other errors of [`Quantizer::quantize`].
    pub fn requantize(&self, quantizer: &Quantizer<'_>) -> Result<QuantTensor, Error> {
        quantizer.quantize(&self.dequantize(), self.shape())
    }
}
