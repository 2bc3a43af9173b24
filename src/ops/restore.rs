//! Rows of block-scaled tensors back to numbers by kernels.

use super::convert::Real;
use crate::block::{QuantView, Restorer, get};
use crate::codec::Unpacked;
use crate::kernel::{self, DecodeBytes, Isa};
use alloc::vec::Vec;
use core::ops::Range;

/// Columns that are worked on at a time: their codes stay in the first-level cache. A multiple of 8, so that pieces of packed rows start at bytes.
const COLUMNS: usize = 2048;

/// Numbers and codes of some columns.
struct Scratch {
    numbers: Vec<f32>,
    codes: Vec<u8>,
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
