//! A tensor in a block-scaled scheme, a piece after the other that stays in a cache: the bits of
//! the whole tensor, without memory for all of its codes.
//!
//! Errors are partial sums of 4,096 elements, so a piece is a multiple of these; it begins at a
//! block, so that it is quantized as in the whole. A scheme with one block for all is quantized
//! whole, and only measured in pieces.

use super::measure::{Counting, Histograms, Stored, add_counts};
use std::ops::Range;
use subhalf::preset::Preset;
use subhalf::{
    BlockSpec, Dither, ErrorStats, Exec, Extent, QuantTensor, QuantView, Quantizer, Source,
    TensorScale, TensorStats,
};

/// Elements of a piece, about.
const ELEMENTS: usize = 1 << 18;

/// Where the block with the largest squared errors is, and its sum of them.
#[derive(Clone, Debug)]
pub(crate) struct Worst {
    pub(crate) block: usize,
    pub(crate) rows: Range<usize>,
    pub(crate) cols: Range<usize>,
    pub(crate) scale: f32,
    pub(crate) noise: f64,
}

/// How a tensor is cut.
enum Cut {
    /// After each of so many elements, and the shape of a piece: of rows of so many columns, or of
    /// one row.
    Pieces {
        elements: usize,
        cols: Option<usize>,
    },
    /// Measured after each of so many rows.
    Rows(usize),
    Whole,
}

impl Cut {
    fn new(spec: &BlockSpec, shape: &[usize], wants_worst: bool) -> Self {
        let cols = shape.last().copied().unwrap_or(1);
        let rows = if let [.., rows, _] = shape { *rows } else { 1 };
        let elements = shape.iter().product::<usize>();
        // Sizes have a product that fits, or one of them is 0 and the others may not.
        if elements <= ELEMENTS {
            return Self::Whole;
        }
        let of_rows = |block_rows: usize| match rows_together(cols, block_rows) {
            Some(count) => Self::Pieces { elements: count * cols, cols: Some(cols) },
            None => Self::Whole,
        };
        match spec.extent {
            Extent::Row => of_rows(1),
            // Tiles begin anew in each matrix.
            Extent::Block { rows: tile, .. }
                if elements == rows * cols || rows.is_multiple_of(tile as usize) =>
            {
                of_rows(tile as usize)
            }
            Extent::Flat(length) => match rows_together(1, length as usize) {
                Some(elements) => Self::Pieces { elements, cols: None },
                None => Self::Whole,
            },
            // The worst block is the only one, whose sum has an order of its own.
            Extent::Tensor if !wants_worst => {
                rows_together(cols, 1).map_or(Self::Whole, Self::Rows)
            }
            _ => Self::Whole,
        }
    }
}

/// The least rows of about [`ELEMENTS`] that are whole blocks and whole partial sums; `None` if
/// there is no such number.
fn rows_together(cols: usize, block_rows: usize) -> Option<usize> {
    const PARTIAL: usize = ErrorStats::PARTIAL as usize;
    // A power of two: what columns lack of its factors, rows must have.
    let for_sums = PARTIAL >> cols.trailing_zeros().min(PARTIAL.trailing_zeros());
    // The least common multiple.
    let shared = for_sums.trailing_zeros().min(block_rows.trailing_zeros());
    let step = (for_sums >> shared).checked_mul(block_rows)?;
    step.checked_mul((ELEMENTS / cols.max(1)).div_ceil(step).max(1))
}

/// The elements of a tensor.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'a, T, R> {
    /// What is quantized.
    pub(crate) src: &'a [T],
    /// What errors are counted from: the same numbers, of which an f64 was rounded to be quantized.
    pub(crate) reference: &'a [R],
    pub(crate) shape: &'a [usize],
    /// The largest finite magnitude of all that is quantized.
    pub(crate) amax: f32,
}

/// Scales are found from the data; random words, for schemes that want them, are always the same.
pub(crate) fn quantizer(preset: &'static Preset) -> Quantizer<'static> {
    Quantizer::new(&preset.spec).dither(Dither::new(0))
}

/// What a tensor costs in a scheme.
pub(crate) fn measure<T: Source, R: Copy + Sync + Into<f64>>(
    preset: &'static Preset,
    elements: Elements<'_, T, R>,
    counting: Counting,
) -> Result<Stored, subhalf::Error> {
    let Elements { src, reference, shape, amax } = elements;
    let spec = &preset.spec;
    let mut sum = Sum::new(spec, counting);
    match Cut::new(spec, shape, counting == Counting::Codes) {
        Cut::Whole => {
            let quantized = quantizer(preset).quantize(src, shape)?;
            sum.bytes(&quantized);
            sum.add(quantized.view(), reference)?;
        }
        Cut::Rows(count) => {
            let quantized = quantizer(preset).quantize(src, shape)?;
            sum.bytes(&quantized);
            let cols = shape.last().copied().unwrap_or(1);
            let rows = reference.len() / cols;
            for first in (0..rows).step_by(count) {
                let rows = first..(first + count).min(rows);
                let reference = &reference[rows.start * cols..rows.end * cols];
                sum.add(quantized.view().rows(rows)?, reference)?;
            }
        }
        Cut::Pieces { elements, cols } => {
            let mut first = 0;
            for (src, reference) in src.chunks(elements).zip(reference.chunks(elements)) {
                let dither = Dither::new(0).skip(first as u64);
                let mut quantizer = Quantizer::new(spec).dither(dither);
                if !matches!(spec.tensor_scale, TensorScale::None) {
                    quantizer = quantizer.tensor_scale(spec.tensor_scale.of(amax));
                }
                let shape = cols.map_or(vec![src.len()], |cols| vec![src.len() / cols, cols]);
                let quantized = quantizer.quantize(src, &shape)?;
                sum.bytes(&quantized);
                sum.add(quantized.view(), reference)?;
                first += src.len();
                let places = cols.map_or([0, first], |cols| [first / cols, 0]);
                sum.go_on(quantized.view().blocks(), places);
            }
        }
    }
    Ok(sum.stored)
}

/// What the pieces so far cost.
struct Sum {
    stored: Stored,
    counting: Counting,
    /// Blocks, rows and columns before the next piece.
    blocks: usize,
    place: [usize; 2],
}

impl Sum {
    fn new(spec: &BlockSpec, counting: Counting) -> Self {
        let is_scaled = !matches!(spec.tensor_scale, TensorScale::None);
        let stored = Stored { bits: if is_scaled { 32 } else { 0 }, ..Stored::default() };
        Self { stored, counting, blocks: 0, place: [0, 0] }
    }

    fn bytes(&mut self, piece: &QuantTensor) {
        let bytes = piece.codes().len() + piece.scales().len() + piece.offsets().len();
        self.stored.bits += 8 * bytes as u64;
    }

    fn add<R: Copy + Sync + Into<f64>>(
        &mut self,
        piece: QuantView<'_>,
        reference: &[R],
    ) -> Result<(), subhalf::Error> {
        let stats = piece.stats_after(&self.stored.errors, reference, Exec::default())?;
        self.stored.errors = stats.errors().clone();
        if self.counting == Counting::Codes {
            let Histograms { codes, scales } = &mut self.stored.histograms;
            add_counts(codes, stats.codes());
            add_counts(scales, stats.scales());
            self.worst(&stats);
        }
        Ok(())
    }

    /// The first of blocks with the same sum stays.
    fn worst(&mut self, stats: &TensorStats) {
        let Some(worst) = stats.worst() else { return };
        if self.stored.worst.as_ref().is_some_and(|before| worst.noise <= before.noise) {
            return;
        }
        let [row, col] = self.place;
        let moved = |range: &Range<usize>, by: usize| range.start + by..range.end + by;
        self.stored.worst = Some(Worst {
            block: self.blocks + worst.index,
            rows: moved(&worst.region.rows, row),
            cols: moved(&worst.region.cols, col),
            scale: worst.scale,
            noise: worst.noise,
        });
    }

    fn go_on(&mut self, blocks: usize, place: [usize; 2]) {
        self.blocks += blocks;
        self.place = place;
    }
}
