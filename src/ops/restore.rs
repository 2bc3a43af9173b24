//! Rows of block-scaled tensors back to numbers by kernels: the same bits as the loop over elements in `quantize`.

use super::real::Real;
use super::rows::{COLUMNS, Tiles};
use crate::block::{BlockSpec, Offset, QuantView, Restore, TensorScale, get};
use crate::codec::Unpacked;
use crate::kernel::{self, AmaxQuotient, DecodeBytes, DecodeWide, Isa, LessZeroPoint, PackedBlocks, PlusMinimum, Product, Step};
use crate::spec::FormatSpec;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

/// How a tensor's codes become numbers.
pub(super) struct FastRestore {
    elements: DecodeBytes,
    bits: u32,
    /// From the scales to factors.
    steps: Vec<Step>,
    scale: Option<Codes>,
    offset: Option<Codes>,
    rule: Rule,
    /// Whether the numbers are more than the caches hold.
    streams: bool,
    isa: Isa,
}

/// What is done with an element and the numbers of its block.
enum Rule {
    Product(Product),
    AmaxQuotient(AmaxQuotient),
    LessZeroPoint,
    PlusMinimum,
}

/// Codes of scales or offsets.
enum Codes {
    E8M0,
    Byte(Box<DecodeBytes>),
    Half(DecodeWide),
    F32,
}

impl Codes {
    fn lower(isa: Isa, format: &FormatSpec) -> Option<Self> {
        match format.bits() {
            _ if *format == FormatSpec::E8M0 => Some(Self::E8M0),
            _ if *format == FormatSpec::F32 => Some(Self::F32),
            0..=8 => Some(Self::Byte(Box::new(DecodeBytes::lower(isa, format)))),
            9..=16 => DecodeWide::lower(isa, format).map(Self::Half),
            _ => None,
        }
    }

    /// The numbers of some of the codes.
    fn decode(&self, isa: Isa, bytes: &[u8], blocks: Range<usize>, wide: &mut Vec<u16>, numbers: &mut [f32]) {
        let of = |width: usize| &bytes[blocks.start * width..blocks.end * width];
        match self {
            Self::E8M0 => kernel::e8m0(isa, of(1), numbers),
            Self::Byte(decode) => decode.decode(of(1), numbers),
            Self::Half(decode) => {
                wide.clear();
                wide.extend(of(2).as_chunks().0.iter().map(|code| u16::from_le_bytes(*code)));
                decode.decode(wide, numbers);
            }
            Self::F32 => {
                let codes = of(4).as_chunks().0.iter().map(|code| f32::from_le_bytes(*code));
                numbers.iter_mut().zip(codes).for_each(|(number, x)| *number = x);
            }
        }
    }
}

/// Arrays that are used again.
#[derive(Default)]
struct Scratch {
    numbers: Vec<f32>,
    codes: Vec<u8>,
    scales: Vec<f32>,
    offsets: Vec<f32>,
    each_scale: Vec<f32>,
    each_offset: Vec<f32>,
    wide: Vec<u16>,
}

impl FastRestore {
    /// For elements of at most 8 bits.
    pub(super) fn lower(view: &QuantView<'_>, isa: Isa) -> Option<Self> {
        let spec = view.spec();
        if spec.element.bits() > 8 {
            return None;
        }
        let (rule, steps) = Rule::lower(spec, view.parts().tensor_scale);
        let mut elements = DecodeBytes::lower(isa, &spec.element);
        let scale = match &spec.scale {
            Some(format) => Some(Codes::lower(isa, format)?),
            None => None,
        };
        let offset = match &spec.offset {
            Offset::None => None,
            Offset::ZeroPoint => Some(Codes::Byte(Box::new(elements.clone()))),
            Offset::Minimum(format) => Some(Codes::lower(isa, format)?),
        };
        let rule = match rule {
            // Tables of a few numbers have no −0 from the start.
            Rule::Product(Product { zero }) if zero.is_sign_positive() && elements.without_negative_zeros() => {
                Rule::Product(Product { zero: -0.0 })
            }
            rule => rule,
        };
        let streams = kernel::is_large(size_of::<f32>() * view.len() + view.parts().codes.len());
        Some(Self { elements, bits: spec.element.bits(), steps, scale, offset, rule, streams, isa })
    }

    /// The numbers of successive rows.
    pub(super) fn rows<D: Real>(&self, view: &QuantView<'_>, first: usize, dst: &mut [D]) {
        let grid = view.geometry();
        let mut scratch = Scratch::default();
        // Numbers that are not touched again need not stay in the first-level cache.
        let once = kernel::restores_packed(&self.elements, self.bits) && !self.streams;
        let run = if once { 8 * COLUMNS } else { COLUMNS };
        // As in `rows`, rows of whole blocks and whole bytes are one long row.
        if grid.is_long(self.bits) {
            let codes = &view.parts().codes[first * grid.row_bytes..];
            let tiles = Tiles { cols: dst.len(), block_cols: grid.block_cols, run };
            self.row(view, tiles, first * grid.grid_cols, codes, dst, &mut scratch);
        } else {
            for (line, dst) in (first..).zip(dst.chunks_mut(grid.cols)) {
                let codes = &view.parts().codes[line * grid.row_bytes..][..grid.row_bytes];
                let tiles = Tiles { cols: grid.cols, block_cols: grid.block_cols, run };
                self.row(view, tiles, grid.block(line, 0), codes, dst, &mut scratch);
            }
        }
        if self.streams {
            kernel::fence();
        }
    }

    /// The numbers of a row whose first block is `origin`.
    fn row<D: Real>(&self, view: &QuantView<'_>, tiles: Tiles, origin: usize, codes: &[u8], dst: &mut [D], scratch: &mut Scratch) {
        for cols in tiles.ranges() {
            let blocks = tiles.touched(&cols);
            self.factors(view, origin + blocks.start..origin + blocks.end, scratch);
            let dst = &mut dst[cols.clone()];
            if let (Some(numbers), false) = (D::f32s_mut(dst), self.streams) {
                self.restore(codes, tiles.length(), cols, numbers, scratch);
                continue;
            }
            let mut numbers = core::mem::take(&mut scratch.numbers);
            numbers.resize(cols.len(), 0.0);
            self.restore(codes, tiles.length(), cols, &mut numbers, scratch);
            match D::f32s_mut(dst) {
                Some(dst) => kernel::copy_past_caches(&numbers, dst),
                None => dst.iter_mut().zip(&numbers).for_each(|(to, x)| *to = D::nearest(Unpacked::from_f32(*x))),
            }
            scratch.numbers = numbers;
        }
    }

    /// Factors and offsets of blocks, into the scratch.
    fn factors(&self, view: &QuantView<'_>, blocks: Range<usize>, scratch: &mut Scratch) {
        let Scratch { scales, offsets, wide, .. } = scratch;
        scales.clear();
        scales.resize(blocks.len(), 1.0);
        if let Some(scale) = &self.scale {
            scale.decode(self.isa, view.parts().scales, blocks.clone(), wide, scales);
        }
        self.steps.iter().for_each(|step| kernel::apply(self.isa, *step, scales));
        if let Some(offset) = &self.offset {
            offsets.clear();
            offsets.resize(blocks.len(), 0.0);
            offset.decode(self.isa, view.parts().offsets, blocks, wide, offsets);
        }
    }

    /// The numbers of some columns whose blocks' factors are in the scratch.
    fn restore(&self, row: &[u8], length: usize, cols: Range<usize>, numbers: &mut [f32], scratch: &mut Scratch) {
        let Scratch { codes, scales, offsets, each_scale, each_offset, .. } = scratch;
        let (isa, bits) = (self.isa, self.bits as usize);
        let start = cols.start * bits;
        let mut done = 0;
        if start.is_multiple_of(8) {
            let blocks = PackedBlocks { bits: self.bits, length, scales, offsets, bytes: &row[start / 8..] };
            let without = PackedBlocks { offsets: scales, ..blocks };
            done = match &self.rule {
                Rule::Product(Product { zero }) if zero.is_sign_negative() => {
                    kernel::restore_packed(&self.elements, without, numbers)
                }
                Rule::Product(rule) => kernel::restore_packed_by(*rule, &self.elements, without, numbers),
                Rule::AmaxQuotient(rule) => kernel::restore_packed_by(*rule, &self.elements, without, numbers),
                Rule::LessZeroPoint => kernel::restore_packed_by(LessZeroPoint, &self.elements, blocks, numbers),
                Rule::PlusMinimum => kernel::restore_packed_by(PlusMinimum, &self.elements, blocks, numbers),
            };
        }
        let (first, scales) = ((done * length).min(numbers.len()), &scales[done..]);
        let numbers = &mut numbers[first..];
        if numbers.is_empty() {
            return;
        }
        // Blocks done are whole bytes.
        let (start, end) = (start + first * bits, cols.end * bits);
        let bytes = &row[start / 8..end.div_ceil(8)];
        if bits == 8 {
            self.elements.decode(bytes, numbers);
        } else {
            codes.resize(numbers.len(), 0);
            match bits {
                4 if start.is_multiple_of(8) => kernel::unpack_4(isa, bytes, codes),
                6 if start.is_multiple_of(8) => kernel::unpack_6(isa, bytes, codes),
                _ => codes.iter_mut().enumerate().for_each(|(i, code)| *code = get(row, self.bits, cols.start + first + i) as u8),
            }
            self.elements.decode(codes, numbers);
        }
        each_scale.resize(numbers.len(), 0.0);
        kernel::expand(isa, length, scales, each_scale);
        if self.offset.is_some() {
            each_offset.resize(numbers.len(), 0.0);
            kernel::expand(isa, length, &offsets[done..], each_offset);
        }
        match self.rule {
            Rule::Product(rule) => kernel::restore_each(isa, rule, each_scale, each_scale, numbers),
            Rule::AmaxQuotient(rule) => kernel::restore_each(isa, rule, each_scale, each_scale, numbers),
            Rule::LessZeroPoint => kernel::restore_each(isa, LessZeroPoint, each_scale, each_offset, numbers),
            Rule::PlusMinimum => kernel::restore_each(isa, PlusMinimum, each_scale, each_offset, numbers),
        }
    }
}

impl Rule {
    /// The rule, and the way from a scale to the factor.
    fn lower(spec: &BlockSpec, tensor: f32) -> (Self, Vec<Step>) {
        let product = |zero| Self::Product(Product { zero });
        let (rule, steps) = match (spec.restore, spec.offset, spec.tensor_scale) {
            (_, Offset::ZeroPoint, _) => (Self::LessZeroPoint, Vec::new()),
            (_, Offset::Minimum(_), _) => (Self::PlusMinimum, Vec::new()),
            (Restore::Quotient, ..) => (product(-0.0), Vec::from([Step::Over(tensor)])),
            (Restore::AmaxProduct, _, TensorScale::Amax { target }) => {
                (product(-0.0), Vec::from([Step::Times(tensor), Step::Times(1.0 / target)]))
            }
            (Restore::AmaxQuotient, _, TensorScale::Amax { target }) => {
                (Self::AmaxQuotient(AmaxQuotient { amax: tensor, target }), Vec::new())
            }
            (Restore::ProductPlusZero, ..) => (product(0.0), Vec::from([Step::Times(tensor)])),
            _ => (product(-0.0), Vec::from([Step::Times(tensor)])),
        };
        (rule, steps)
    }
}
