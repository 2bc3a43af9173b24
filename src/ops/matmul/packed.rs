//! [`PackedMatrix`]: the right side of a product in the order in which kernels read it.

use super::operand::{BitRange, Operand};
use super::read::{ScaleReader, code_rows};
use crate::block::{BlockSpec, Restorer};
use crate::error::Error;
use crate::kernel::gemm::{LANES, Lanes};
use crate::kernel::{Aligned, Isa, OfBlocks, Quad, pack_4, positions, quads};
use crate::ops::par::Exec;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

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
    scale_range: BitRange,
    panels: Vec<Panel>,
}

/// Sixteen rows; the last ones may not be there, and have any codes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    pub(crate) data: Data,
    /// Positions of a block; blocks follow each other along K.
    pub(crate) run: usize,
    /// Scales, block by block, without the tensor scale; none of an operand without.
    pub(crate) scales: Scales,
    pub(crate) restore: Restore,
}

/// Scales of blocks: f32s, or their upper halves where the lower are zeros, as those of E8M0 and FP8 are.
#[derive(Clone, Debug)]
pub(crate) enum Scales {
    Singles(Aligned<Lanes<f32>>),
    Halves(Aligned<Lanes<u16>>),
}

impl Default for Scales {
    fn default() -> Self {
        Self::Singles(Aligned::default())
    }
}

impl Scales {
    pub(crate) fn view(&self) -> OfBlocks<'_> {
        match self {
            Self::Singles(scales) => OfBlocks::Singles(scales),
            Self::Halves(scales) => OfBlocks::Halves(scales),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Singles(scales) => scales.len(),
            Self::Halves(scales) => scales.len(),
        }
    }

    /// The scales of a block; 1 of an operand without.
    pub(crate) fn at(&self, block: usize) -> Lanes<f32> {
        if self.len() == 0 { [1.0; LANES] } else { self.view().at(block) }
    }

    /// The same in half the memory, if that is exact.
    fn narrow(self) -> Self {
        match self {
            Self::Singles(scales) if scales.as_flattened().iter().all(|scale| scale.to_bits() as u16 == 0) => {
                let mut halves = Aligned::<Lanes<u16>>::default();
                halves.resize(scales.len());
                halves.iter_mut().zip(&*scales).for_each(|(to, scales)| *to = scales.map(|scale| (scale.to_bits() >> 16) as u16));
                Self::Halves(halves)
            }
            other => other,
        }
    }
}

/// How the numbers of a block come from its elements.
#[derive(Clone, Debug, Default)]
pub(crate) enum Restore {
    /// They are the elements times the scales, or the elements.
    #[default]
    Scales,
    /// Elements, with a zero of this sign added, times other factors.
    Factors(f32, Aligned<Lanes<f32>>),
    Any(Vec<[Restorer; LANES]>),
}

/// The elements; numbers and bytes position by position.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Elements of more than 8 bits, as numbers.
    Numbers(Vec<Lanes<f32>>),
    Bytes(Aligned<Lanes<u8>>),
    /// Eight positions: of each of the 16 rows in turn four bytes, as it stores them, byte *j* with position *2j* in its low half and *2j + 1* in its high one.
    Nibbles(Aligned<Quad>),
}

impl Default for Data {
    fn default() -> Self {
        Self::Bytes(Aligned::default())
    }
}

impl Data {
    /// The codes, or pairs of them.
    pub(crate) fn codes(&self) -> &[u8] {
        match self {
            Self::Numbers(_) => &[],
            Self::Bytes(codes) => codes.as_flattened(),
            Self::Nibbles(quads) => quads.as_flattened(),
        }
    }

    /// The code at a position of a row, of those that are codes.
    fn code(&self, k: usize, lane: usize) -> u32 {
        match self {
            Self::Numbers(_) => 0,
            Self::Bytes(codes) => codes[k][lane].into(),
            Self::Nibbles(quads) => u32::from(quads[k / 8][4 * lane + k % 8 / 2] >> (4 * (k % 2)) & 15),
        }
    }
}

/// The columns of a unit of work: rows of the right side.
pub(crate) struct Columns<'a> {
    pub(crate) packer: &'a Packer<'a>,
    /// Their panel, if there is one yet.
    pub(crate) packed: Option<&'a Panel>,
    /// The first of them in the product, and its line in the right side.
    pub(crate) first: usize,
    pub(crate) line: usize,
    pub(crate) rows: usize,
}

/// Makes panels of an operand that is not packed.
pub(crate) struct Packer<'a> {
    pub(crate) operand: Operand<'a>,
    isa: Isa,
    /// For sums of elements without scales, see [`Reader::new`](super::read::Reader::new): what scales do to elements is not asked for.
    plain: bool,
    scales: ScaleReader,
}

impl<'a> Packer<'a> {
    pub(crate) fn new(operand: Operand<'a>, isa: Isa, plain: bool) -> Self {
        Self { operand, isa, plain, scales: ScaleReader::new(&operand) }
    }

    /// Rows from `line` on, `rows` of them, into a panel that is there, for its memory.
    pub(crate) fn fill(&self, line: usize, rows: usize, panel: &mut Panel) {
        let bits = self.operand.element().map_or(32, FormatSpec::bits);
        panel.run = self.operand.run();
        panel.data = if bits <= 8 {
            self.codes(line, rows, core::mem::take(&mut panel.data))
        } else {
            Data::Numbers(self.numbers(line, rows))
        };
        let memory = core::mem::take(&mut panel.scales);
        if let Some(spec) = self.operand.spec() {
            let mut scales = if let Scales::Singles(scales) = memory { scales } else { Aligned::default() };
            self.scales(line, rows, panel.run, &mut scales);
            let memory = core::mem::take(&mut panel.restore);
            panel.restore = self.restore(spec, line, rows, &scales, memory);
            panel.scales = Scales::Singles(scales);
        }
    }

    /// How the numbers of rows come back under their scales.
    fn restore(&self, spec: &BlockSpec, line: usize, rows: usize, scales: &[Lanes<f32>], memory: Restore) -> Restore {
        let restorer = |scale, offset| spec.restorer_of(spec.restore, scale, offset, self.operand.stored_tensor_scale());
        // Without offsets all blocks have the same way.
        let zero: f32 = match restorer(1.0, 0) {
            Restorer::Times(_) => -0.0,
            Restorer::TimesPlusZero(_) => 0.0,
            _ => {
                let (run, offset) = (self.operand.run(), |line, k| self.operand.block_codes(line, k).1);
                let block = |(block, scales): (usize, &Lanes<f32>)| {
                    core::array::from_fn(|lane| {
                        restorer(scales[lane], offset(line + if lane < rows { lane } else { 0 }, block * run))
                    })
                };
                return Restore::Any(scales.iter().enumerate().map(block).collect());
            }
        };
        let factor = |scale| match restorer(scale, 0) {
            Restorer::Times(factor) | Restorer::TimesPlusZero(factor) => factor,
            _ => scale,
        };
        let same = |scale: f32| factor(scale).to_bits() == scale.to_bits();
        if self.plain || zero.is_sign_negative() && scales.as_flattened().iter().all(|scale| same(*scale)) {
            return Restore::Scales;
        }
        let mut factors = if let Restore::Factors(_, factors) = memory { factors } else { Aligned::default() };
        factors.resize(scales.len());
        factors.copy_from_slice(scales);
        factors.as_flattened_mut().iter_mut().for_each(|x| *x = factor(*x));
        Restore::Factors(zero, factors)
    }

    /// The scales of rows in blocks of `run` positions, as [`Panel::scales`].
    pub(crate) fn scales(&self, line: usize, rows: usize, run: usize, scales: &mut Aligned<Lanes<f32>>) {
        scales.resize(self.operand.cols().div_ceil(run));
        for lane in 0..LANES {
            let line = line + if lane < rows { lane } else { 0 };
            self.scales.row(&self.operand, line, run, scales.iter_mut().map(|block| &mut block[lane]));
        }
    }

    fn numbers(&self, line: usize, rows: usize) -> Vec<Lanes<f32>> {
        let cols = self.operand.cols();
        let mut numbers = vec![[0.0; LANES]; cols];
        let mut row = vec![0.0; cols];
        for lane in 0..rows {
            // No format of more than 8 bits has zero points.
            self.operand.elements(line + lane, &mut row);
            numbers.iter_mut().zip(&row).for_each(|(to, x)| to[lane] = *x);
        }
        numbers
    }

    fn codes(&self, line: usize, rows: usize, memory: Data) -> Data {
        let (cols, isa) = (self.operand.cols(), self.isa);
        let mut copies = [const { Vec::new() }; LANES];
        let rows = code_rows(&self.operand, isa, line, rows, true, &mut copies);
        if self.operand.element().is_none_or(|element| element.bits() > 4) {
            let mut codes = if let Data::Bytes(codes) = memory { codes } else { Aligned::default() };
            codes.resize(cols);
            positions(isa, &rows.bytes, &mut codes);
            return Data::Bytes(codes);
        }
        let mut of_rows = if let Data::Nibbles(quads) = memory { quads } else { Aligned::default() };
        of_rows.resize(cols.div_ceil(8));
        if rows.paired {
            quads(isa, &rows.bytes, &mut of_rows);
        } else {
            let pairs = rows.bytes.map(|codes| {
                let mut pairs = vec![0; cols.div_ceil(2)];
                pack_4(isa, codes, &mut pairs);
                pairs
            });
            quads(isa, &pairs.each_ref().map(Vec::as_slice), &mut of_rows);
        }
        Data::Nibbles(of_rows)
    }
}

/// What is taken off the elements of a block.
const fn zero_point(restorer: Restorer) -> f32 {
    if let Restorer::Affine(_, zero_point) = restorer { zero_point } else { 0.0 }
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
        // Rows of nothing need no panels, however many there are.
        let count = if cols == 0 { 0 } else { batch * per_matrix };
        let packer = Packer::new(operand, Isa::best(), false);
        let panels = Exec::PARALLEL.map((0..count).collect(), |index| {
            let (matrix, first) = (index / per_matrix, index % per_matrix * LANES);
            let mut panel = Panel::default();
            packer.fill(matrix * rows + first, LANES.min(rows - first), &mut panel);
            Panel { scales: panel.scales.narrow(), ..panel }
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

    pub(crate) const fn scale_range(&self) -> BitRange {
        self.scale_range
    }

    /// The panels of all matrices.
    pub(crate) fn panels(&self) -> &[Panel] {
        &self.panels
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

    /// As [`Operand::scale`].
    pub(crate) fn scale(&self, line: usize, k: usize) -> f32 {
        let (panel, lane) = self.at(line);
        panel.scales.at(k / panel.run)[lane]
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
            let taken = match &panel.restore {
                Restore::Any(restorers) => zero_point(restorers[k / panel.run][lane]),
                _ => 0.0,
            };
            *to = self.element_at(panel, lane, k) - taken;
        }
    }

    /// As [`Operand::values`].
    pub(crate) fn values(&self, line: usize, dst: &mut [f32]) {
        if dst.is_empty() {
            return;
        }
        let (panel, lane) = self.at(line);
        for (k, to) in dst.iter_mut().enumerate() {
            let (element, block) = (self.element_at(panel, lane, k), k / panel.run);
            let restorer = match &panel.restore {
                Restore::Scales => Restorer::Times(panel.scales.at(block)[lane]),
                Restore::Factors(zero, factors) if zero.is_sign_negative() => Restorer::Times(factors[block][lane]),
                Restore::Factors(_, factors) => Restorer::TimesPlusZero(factors[block][lane]),
                Restore::Any(restorers) => restorers[block][lane],
            };
            *to = restorer.restore(element);
        }
    }
}
