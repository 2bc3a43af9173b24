//! [`PackedMatrix`]: the right side of a product in the order in which kernels read it.

use super::operand::{Operand, ScaleRange, zero_point};
use crate::block::BlockSpec;
use crate::error::Error;
use crate::ops::par::Exec;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// Columns of the product, rows of the right side, that a panel holds.
pub(crate) const LANES: usize = 16;

/// The right side of a product, a weight say, packed once for many products: panels of 16 rows, *k* by *k*, so that a kernel reads 16 columns of the product at a
/// time. Elements stay codes, of at most 4 bits two to a byte. It takes part in products as the tensor it was packed from, with the same bits.
///
/// ```
/// use subhalf::{Operand, PackedMatrix, QuantTensor, matmul, preset};
/// let weight: Vec<f32> = (0..48 * 64).map(|i| ((i * 37 % 101) as f32 - 50.0) / 400.0).collect();
/// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &weight, &[48, 64])?;
/// let packed = PackedMatrix::new(&weight)?;
/// let x = [0.5f32; 64];
/// let x = Operand::numbers(&x, &[1, 64])?;
/// assert_eq!(matmul(x, &packed)?, matmul(x, &weight)?);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    shape: [usize; 3],
    spec: Option<BlockSpec>,
    element: Option<FormatSpec>,
    tensor_scale: f32,
    scale_range: ScaleRange,
    panels: Vec<Panel>,
}

/// Sixteen rows, the last ones perhaps not there: those are zeros.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) data: Data,
    /// Positions of a block; blocks follow each other along K.
    pub(crate) run: usize,
    /// Codes of the scale and the offset, block by block.
    pub(crate) blocks: Vec<[(u32, u32); LANES]>,
}

/// The elements, position by position.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Elements of more than 8 bits, as numbers.
    Numbers(Vec<[f32; LANES]>),
    Bytes(Vec<[u8; LANES]>),
    /// Two positions, the first in the low halves.
    Nibbles(Vec<[u8; LANES]>),
}

impl Data {
    /// The code at a position of a row, of those that are codes.
    fn code(&self, k: usize, lane: usize) -> u32 {
        match self {
            Self::Numbers(_) => 0,
            Self::Bytes(codes) => codes[k][lane].into(),
            Self::Nibbles(pairs) => u32::from(pairs[k / 2][lane] >> (4 * (k % 2)) & 15),
        }
    }
}

impl Panel {
    /// Rows from `line` on, `rows` of them, of an operand that is not packed.
    pub(crate) fn pack(operand: &Operand<'_>, line: usize, rows: usize) -> Self {
        let cols = operand.cols();
        let bits = operand.element().map_or(32, FormatSpec::bits);
        let data = if bits <= 8 {
            // Rows that are not there are zeros, or of a format without zero anything.
            let zero = operand.element().and_then(FormatSpec::zero_code).unwrap_or(0) as u8;
            let mut codes = vec![[zero; LANES]; cols];
            let mut row = vec![0u8; cols];
            for lane in 0..rows {
                operand.codes_of(line + lane, &mut row);
                codes.iter_mut().zip(&row).for_each(|(to, code)| to[lane] = *code);
            }
            if bits <= 4 { Data::Nibbles(paired(&codes)) } else { Data::Bytes(codes) }
        } else {
            let mut numbers = vec![[0.0; LANES]; cols];
            let mut row = vec![0.0; cols];
            for lane in 0..rows {
                // No format of more than 8 bits has zero points.
                operand.elements(line + lane, &mut row);
                numbers.iter_mut().zip(&row).for_each(|(to, x)| to[lane] = *x);
            }
            Data::Numbers(numbers)
        };
        let run = operand.run();
        let mut blocks = Vec::new();
        if operand.spec().is_some() {
            let block = |k| core::array::from_fn(|lane| if lane < rows { operand.block_codes(line + lane, k) } else { (0, 0) });
            blocks.extend((0..cols).step_by(run).map(block));
        }
        Self { data, run, blocks }
    }
}

/// Pairs of positions in a byte.
fn paired(codes: &[[u8; LANES]]) -> Vec<[u8; LANES]> {
    let (pairs, last) = codes.as_chunks::<2>();
    let mut bytes: Vec<[u8; LANES]> =
        pairs.iter().map(|[low, high]| core::array::from_fn(|lane| low[lane] & 15 | high[lane] << 4)).collect();
    bytes.extend(last.iter().map(|low| low.map(|code| code & 15)));
    bytes
}

impl PackedMatrix {
    /// Packs an operand, on all threads.
    ///
    /// # Errors
    /// What [`Quantizer::quantize`](crate::Quantizer::quantize) refuses, for an operand that is yet to be quantized.
    pub fn new<'a>(operand: impl Into<Operand<'a>>) -> Result<Self, Error> {
        let operand = operand.into();
        let tensor = operand.quantize()?;
        let operand = tensor.as_ref().map_or(operand, Operand::from);
        if let Some(packed) = operand.packed() {
            return Ok(packed.clone());
        }
        let [batch, rows, cols] = [operand.batch(), operand.rows(), operand.cols()];
        let per_matrix = rows.div_ceil(LANES);
        let count = if cols == 0 { 0 } else { batch * per_matrix };
        let empty = Panel { data: Data::Bytes(Vec::new()), run: 1, blocks: Vec::new() };
        let mut panels = vec![empty; count];
        Exec::PARALLEL.each(panels.iter_mut().enumerate().collect(), |(index, panel)| {
            let (matrix, first) = (index / per_matrix, index % per_matrix * LANES);
            *panel = Panel::pack(&operand, matrix * rows + first, LANES.min(rows - first));
        });
        Ok(Self {
            shape: [batch, rows, cols],
            spec: operand.spec().copied(),
            element: operand.element().copied(),
            tensor_scale: operand.stored_tensor_scale(),
            scale_range: operand.scale_range(),
            panels,
        })
    }

    /// Matrices, rows (N) and columns (K).
    #[must_use]
    pub const fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The scheme, if it was a block-scaled tensor.
    #[must_use]
    pub const fn spec(&self) -> Option<&BlockSpec> {
        self.spec.as_ref()
    }

    pub(crate) const fn element(&self) -> Option<&FormatSpec> {
        self.element.as_ref()
    }

    pub(crate) const fn tensor_scale(&self) -> f32 {
        self.tensor_scale
    }

    pub(crate) const fn scale_range(&self) -> ScaleRange {
        self.scale_range
    }

    /// The panel of 16 rows of a matrix.
    pub(crate) fn panel(&self, matrix: usize, panel: usize) -> &Panel {
        &self.panels[matrix * self.shape[1].div_ceil(LANES) + panel]
    }

    /// The panel and the lane of a line.
    fn at(&self, line: usize) -> (&Panel, usize) {
        let (matrix, row) = (line / self.shape[1], line % self.shape[1]);
        (self.panel(matrix, row / LANES), row % LANES)
    }

    pub(crate) fn block_codes(&self, line: usize, k: usize) -> (u32, u32) {
        let (panel, lane) = self.at(line);
        panel.blocks.get(k / panel.run).map_or((0, 0), |block| block[lane])
    }

    /// An element as its format has it.
    fn element_at(&self, panel: &Panel, lane: usize, k: usize) -> f32 {
        match (&panel.data, &self.element) {
            (Data::Numbers(numbers), _) => numbers[k][lane],
            (data, Some(element)) => element.decode_f32(data.code(k, lane)),
            (_, None) => 0.0,
        }
    }

    /// As [`Operand::elements`].
    pub(crate) fn elements(&self, line: usize, dst: &mut [f32]) {
        if dst.is_empty() {
            return;
        }
        let (panel, lane) = self.at(line);
        for (k, to) in dst.iter_mut().enumerate() {
            let taken = self.spec.map_or(0.0, |spec| zero_point(&spec, self.block_codes(line, k).1));
            *to = self.element_at(panel, lane, k) - taken;
        }
    }

    /// As [`Operand::values`].
    pub(crate) fn values(&self, line: usize, dst: &mut [f32]) {
        let Some(spec) = &self.spec else { return self.elements(line, dst) };
        if dst.is_empty() {
            return;
        }
        let (panel, lane) = self.at(line);
        for (k, to) in dst.iter_mut().enumerate() {
            let (scale, offset) = self.block_codes(line, k);
            *to = spec.restorer(scale, offset, self.tensor_scale).restore(self.element_at(panel, lane, k));
        }
    }
}
