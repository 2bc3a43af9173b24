//! Rows of block-scaled tensors by kernels: the same bits as the loop over elements in `quantize`, for schemes whose elements are one f32
//! multiplication or division away from a kernel's encoding.

use super::convert::Real;
use super::quantize::{Job, Piece};
use crate::block::{
    Block, BlockSpec, BlockStats, Elements, Linear, Offset, QuantView, Restorer, ScaleRule, ZeroSign, get, put, store,
};
use crate::codec::Unpacked;
use crate::kernel::{self, DecodeBytes, Encode, Isa};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Columns that are worked on at a time: their numbers and codes stay in the first-level cache. A multiple of 8, so that pieces of packed rows start at
/// bytes.
const COLUMNS: usize = 2048;

/// How elements of a scheme are encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fast {
    encode: Encode,
    isa: Isa,
}

impl Fast {
    /// For schemes whose scale depends on `amax` alone, and whose elements on the scale and nothing else.
    pub(super) fn lower(spec: &BlockSpec, isa: Isa) -> Option<Self> {
        let by_amax = matches!(
            spec.rule,
            ScaleRule::Floor
                | ScaleRule::Ceil
                | ScaleRule::RoundUp
                | ScaleRule::Even { .. }
                | ScaleRule::Nearest
                | ScaleRule::Log2Floor
                | ScaleRule::Amax { .. }
                | ScaleRule::Fixed(_)
        );
        let plain = matches!(spec.elements, Elements::Round) && matches!(spec.zero_sign, ZeroSign::Keep);
        let alone = spec.search.is_none() && matches!(spec.offset, Offset::None) && spec.element.bits() <= 8;
        if !(by_amax && plain && alone) {
            return None;
        }
        Some(Self { encode: Encode::lower(&spec.element, &spec.element_convert)?, isa })
    }

    /// Quantizes the bands of a piece.
    pub(super) fn run<T: Copy + Sync + Into<f32>>(&self, job: &Job<'_, T>, piece: Piece<'_>) {
        let (geometry, spec) = (&job.geometry, job.quantizer.spec);
        let mut scratch = Scratch { numbers: vec![0.0; COLUMNS.min(geometry.cols)], codes: vec![0; COLUMNS.min(geometry.cols)] };
        let origin = geometry.band(piece.first).start;
        let mut blocks: Vec<(Block, Option<Linear>)> = Vec::with_capacity(geometry.grid_cols);
        for band in 0..piece.bands {
            let lines = geometry.band(piece.first + band);
            blocks.clear();
            for column in 0..geometry.grid_cols {
                let block = self.block(job, lines.clone(), geometry.block_cols(column), &mut scratch);
                store(piece.scales, spec.scale_bytes(), band * geometry.grid_cols + column, block.0.scale);
                blocks.push(block);
            }
            for line in lines {
                let row = &mut piece.codes[(line - origin) * geometry.row_bytes..][..geometry.row_bytes];
                for start in (0..geometry.cols).step_by(COLUMNS) {
                    let cols = start..(start + COLUMNS).min(geometry.cols);
                    self.encode(job, line, cols, &blocks, &mut scratch);
                    self.pack(spec.element.bits(), &scratch.codes, start, row);
                }
            }
        }
    }

    /// A block, and how its elements are scaled if by one operation. What is not finite takes the long way.
    fn block<T: Copy + Sync + Into<f32>>(
        &self,
        job: &Job<'_, T>,
        lines: Range<usize>,
        cols: Range<usize>,
        scratch: &mut Scratch,
    ) -> (Block, Option<Linear>) {
        let spec = job.quantizer.spec;
        let mut amax_bits = 0;
        for line in lines.clone() {
            for start in cols.clone().step_by(COLUMNS) {
                scratch.load(&job.src[line * job.geometry.cols..][start..(start + COLUMNS).min(cols.end)]);
                kernel::amax(self.isa, &scratch.numbers, &mut amax_bits);
            }
        }
        let amax = f32::from_bits(amax_bits);
        if !amax.is_finite() {
            let elements = lines.flat_map(|line| job.src[line * job.geometry.cols..][cols.clone()].iter().map(|&x| x.into()));
            return (spec.block_of(&BlockStats::of(elements.clone()), elements, job.tensor), None);
        }
        let stats = BlockStats { amax, signed_max: amax, ..BlockStats::EMPTY };
        let block = spec.block_of(&stats, core::iter::empty(), job.tensor);
        (block, spec.linear(&block, amax))
    }

    /// The codes of some columns of a row, into the scratch.
    fn encode<T: Copy + Sync + Into<f32>>(
        &self,
        job: &Job<'_, T>,
        line: usize,
        cols: Range<usize>,
        blocks: &[(Block, Option<Linear>)],
        scratch: &mut Scratch,
    ) {
        let geometry = &job.geometry;
        let src = &job.src[line * geometry.cols..][cols.clone()];
        scratch.load(src);
        let touched = cols.start / geometry.block_cols..cols.end.div_ceil(geometry.block_cols);
        let within = |column: usize| {
            let own = geometry.block_cols(column);
            own.start.max(cols.start) - cols.start..own.end.min(cols.end) - cols.start
        };
        for column in touched.clone() {
            let numbers = &mut scratch.numbers[within(column)];
            match blocks[column].1 {
                Some(Linear::Times(factor)) => kernel::times(self.isa, numbers, factor),
                Some(Linear::Over(divisor)) => kernel::over(self.isa, numbers, divisor),
                None => {}
            }
        }
        scratch.codes.resize(src.len(), 0);
        kernel::encode_uniform(self.isa, &self.encode, &scratch.numbers, &mut scratch.codes);
        for column in touched.filter(|&column| blocks[column].1.is_none()) {
            let own = within(column);
            for (code, x) in scratch.codes[own.clone()].iter_mut().zip(&src[own]) {
                *code = job.quantizer.spec.code(&blocks[column].0, (*x).into(), 0) as u8;
            }
        }
    }

    /// Puts codes into a row of zeros.
    fn pack(&self, bits: u32, codes: &[u8], start: usize, row: &mut [u8]) {
        let bytes = &mut row[start * bits as usize / 8..];
        match bits {
            8 => bytes[..codes.len()].copy_from_slice(codes),
            4 => kernel::pack_4(self.isa, codes, bytes),
            _ => codes.iter().enumerate().for_each(|(i, &code)| put(bytes, bits, i, code.into())),
        }
    }
}

/// Numbers and codes of some columns.
struct Scratch {
    numbers: Vec<f32>,
    codes: Vec<u8>,
}

impl Scratch {
    fn load<T: Copy + Into<f32>>(&mut self, src: &[T]) {
        self.numbers.clear();
        self.numbers.extend(src.iter().map(|&x| x.into()));
    }
}

/// How a tensor's codes become numbers.
pub(super) struct FastRestore {
    decode: DecodeBytes,
    isa: Isa,
}

impl FastRestore {
    /// For elements of at most 8 bits.
    pub(super) fn lower(view: &QuantView<'_>, isa: Isa) -> Option<Self> {
        let element = &view.spec().element;
        (element.bits() <= 8).then(|| Self { decode: DecodeBytes::lower(isa, element), isa })
    }

    /// The numbers of a row.
    pub(super) fn row<D: Real>(&self, view: &QuantView<'_>, line: usize, dst: &mut [D]) {
        let geometry = view.geometry();
        let mut scratch = Scratch { numbers: Vec::new(), codes: Vec::new() };
        for start in (0..geometry.cols).step_by(COLUMNS) {
            let cols = start..(start + COLUMNS).min(geometry.cols);
            let dst = &mut dst[cols.clone()];
            if let Some(numbers) = D::f32s_mut(dst) {
                self.piece(view, line, cols, &mut scratch.codes, numbers);
                continue;
            }
            scratch.numbers.resize(cols.len(), 0.0);
            self.piece(view, line, cols, &mut scratch.codes, &mut scratch.numbers);
            dst.iter_mut().zip(&scratch.numbers).for_each(|(to, x)| *to = D::nearest(Unpacked::from_f32(*x)));
        }
    }

    fn piece(&self, view: &QuantView<'_>, line: usize, cols: Range<usize>, codes: &mut Vec<u8>, numbers: &mut [f32]) {
        let (geometry, bits) = (view.geometry(), view.spec().element.bits());
        let row = &view.parts().codes[line * geometry.row_bytes..][..geometry.row_bytes];
        let bytes = &row[cols.start * bits as usize / 8..(cols.end * bits as usize).div_ceil(8)];
        if bits == 8 {
            self.decode.decode(self.isa, bytes, numbers);
        } else {
            codes.resize(cols.len(), 0);
            match bits {
                4 => kernel::unpack_4(self.isa, bytes, codes),
                _ => codes.iter_mut().enumerate().for_each(|(i, code)| *code = get(bytes, bits, i) as u8),
            }
            self.decode.decode(self.isa, codes, numbers);
        }
        for column in cols.start / geometry.block_cols..cols.end.div_ceil(geometry.block_cols) {
            let own = geometry.block_cols(column);
            let own = own.start.max(cols.start) - cols.start..own.end.min(cols.end) - cols.start;
            let restorer = view.block_restorer(geometry.block(line, cols.start + own.start));
            match restorer {
                Restorer::Times(factor) => kernel::restore(self.isa, &mut numbers[own], factor),
                _ => numbers[own].iter_mut().for_each(|x| *x = restorer.restore(*x)),
            }
        }
    }
}
