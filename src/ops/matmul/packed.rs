//! [`PackedMatrix`]: the operand B in the order in which kernels read it.

use super::bit_range::BitRange;
use super::panel::{Data, Panel, PanelRestore};
use crate::block::{BlockSpec, Restorer, SchemeName};
use crate::kernel::NegativeZero;
use crate::kernel::gemm::NR;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// The operand B of a product, a weight say, packed once for many products: panels of 16 rows, *k*
/// by *k*, so that a kernel reads 16 columns of the product at a time. Elements stay codes, of at
/// most 4 bits two to a byte. It takes part in products as the tensor it was packed from, with the
/// same bits.
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
#[derive(Clone)]
pub struct PackedMatrix {
    pub(super) shape: [usize; 3],
    pub(super) spec: Option<BlockSpec>,
    pub(super) element: Option<FormatSpec>,
    pub(super) tensor_scale: f32,
    pub(super) scale_range: BitRange,
    pub(super) panels: Vec<Panel>,
}

impl core::fmt::Debug for PackedMatrix {
    /// The shape and the scheme or format, in one line.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PackedMatrix({:?}, ", self.shape)?;
        // The bytes of a weight would fill the terminal.
        match (&self.spec, &self.element) {
            (Some(spec), _) => write!(f, "{})", SchemeName(spec)),
            (None, Some(format)) => write!(f, "{} codes)", format.name()),
            (None, None) => f.write_str("numbers)"),
        }
    }
}

impl PackedMatrix {
    /// Matrices, rows (N) and columns (K).
    #[must_use]
    pub const fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The scheme of the operand that was packed; `None` for numbers and for codes without scales.
    #[must_use]
    pub const fn spec(&self) -> Option<&BlockSpec> {
        self.spec.as_ref()
    }

    /// The panel of 16 rows of a matrix.
    pub(super) fn panel(&self, matrix: usize, panel: usize) -> &Panel {
        &self.panels[matrix * self.shape[1].div_ceil(NR) + panel]
    }

    /// The panel and the lane of a line.
    fn at(&self, line: usize) -> (&Panel, usize) {
        // Lines count over all matrices; panels start anew at each matrix, whose last panel may be
        // short.
        let (matrix, row) = (line / self.shape[1], line % self.shape[1]);
        (self.panel(matrix, row / NR), row % NR)
    }

    /// The scale at a position, without the tensor scale:
    /// [`Operand::scale`](super::Operand::scale).
    pub(super) fn scale(&self, line: usize, k: usize) -> f32 {
        let (panel, lane) = self.at(line);
        panel.scales.at(k / panel.block_k)[lane]
    }

    /// The number of an element's code in its format, from which no zero point was taken.
    fn element_at(&self, panel: &Panel, lane: usize, k: usize) -> f32 {
        match (&panel.data, &self.element) {
            (Data::Numbers(numbers), _) => numbers[k][lane],
            // Codes of at most 8 bits always have a format; other data is decoded already.
            (data, Some(element)) => element.decode_f32(data.code(k, lane)),
            (_, None) => 0.0,
        }
    }

    /// The elements of a line: [`Operand::elements`](super::Operand::elements).
    pub(super) fn elements(&self, line: usize, dst: &mut [f32]) {
        // With K = 0 there is no panel to look at.
        if dst.is_empty() {
            return;
        }
        let (panel, lane) = self.at(line);
        for (k, to) in dst.iter_mut().enumerate() {
            *to = self.element_at(panel, lane, k);
            // Elements come without scales but with the zero point taken off, as integer sums need
            // them.
            if let PanelRestore::ZeroPoints(zero_points) = &panel.restore {
                *to -= zero_points[k / panel.block_k][lane];
            }
        }
    }

    /// The numbers that a line stands for: [`Operand::values`](super::Operand::values).
    pub(super) fn values(&self, line: usize, dst: &mut [f32]) {
        if dst.is_empty() {
            return;
        }
        let (panel, lane) = self.at(line);
        for (k, to) in dst.iter_mut().enumerate() {
            let (element, block) = (self.element_at(panel, lane, k), k / panel.block_k);
            // The rule that `Packer::restore` put away for this block, as `QuantView` would make
            // it.
            let restorer = match &panel.restore {
                PanelRestore::Scales => Restorer::Times(panel.scales.at(block)[lane]),
                PanelRestore::Factors(NegativeZero::Keep, factors) => {
                    Restorer::Times(factors[block][lane])
                }
                PanelRestore::Factors(NegativeZero::Clear, factors) => {
                    Restorer::TimesPlusZero(factors[block][lane])
                }
                PanelRestore::Minima(minima) => {
                    Restorer::Plus(panel.scales.at(block)[lane], minima[block][lane])
                }
                PanelRestore::ZeroPoints(zero_points) => {
                    Restorer::Affine(panel.scales.at(block)[lane], zero_points[block][lane])
                }
                PanelRestore::Any(restorers) => restorers[block][lane],
            };
            *to = restorer.restore(element);
        }
    }
}
