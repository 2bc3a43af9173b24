//! The codes of a tensor's elements, chunk by chunk: counted, and compared with the ends of their
//! format.

use super::scales::{StoredScales, is_below_zero};
use crate::block::{Geometry, QuantView};
use crate::codec::Unpacked;
use crate::kernel::{self, CHUNK_PAIRS, Isa};
use crate::spec::{Encoding, FormatSpec};
use alloc::vec::Vec;

/// Counters of codes: four for each, which take turns.
pub(super) type CodeCounts = [[u32; 256]; 4];

/// An element is the largest number of its format.
const LARGEST: u8 = 1;
/// An element is the smallest number of its format.
const SMALLEST: u8 = 2;

/// Writes the codes of elements of at most 8 bits, by their row-major index.
pub(super) fn read_codes(view: &QuantView<'_>, isa: Isa, first: usize, codes: &mut [u8]) {
    let bits = view.spec().element.bits() as usize;
    let geometry = view.geometry();
    if is_one_stream(geometry, bits) {
        // Rows without gaps: however short they are, the codes are one stream.
        return kernel::unpack_codes(isa, bits as u32, view.bytes().codes, first * bits, codes);
    }
    let (mut line, mut col, mut rest) = (first / geometry.cols, first % geometry.cols, codes);
    while !rest.is_empty() {
        let (now, later) = rest.split_at_mut(rest.len().min(geometry.cols - col));
        kernel::unpack_codes(
            isa,
            bits as u32,
            view.row_codes(line),
            geometry.first_bit + col * bits,
            now,
        );
        (line, col, rest) = (line + 1, 0, later);
    }
}

/// Whether the codes of all rows are one dense stream.
fn is_one_stream(geometry: &Geometry, bits: usize) -> bool {
    geometry.first_bit == 0
        && !geometry.has_gaps
        && (geometry.lines() <= 1 || (geometry.cols * bits).is_multiple_of(8))
}

/// Whether elements of two tensors of one shape and one format have different codes, counted from
/// element `first` on.
pub(super) fn differing_codes(
    views: [&QuantView<'_>; 2],
    isa: Isa,
    first: usize,
    count: usize,
) -> u64 {
    let mut differing = 0;
    let bits = views[0].spec().element.bits();
    for start in (first..first + count).step_by(CHUNK_PAIRS) {
        let length = CHUNK_PAIRS.min(first + count - start);
        differing += if bits <= 8 {
            let mut codes = [[0; CHUNK_PAIRS]; 2];
            for (view, codes) in views.iter().zip(&mut codes) {
                read_codes(view, isa, start, &mut codes[..length]);
            }
            codes[0].iter().zip(&codes[1]).filter(|(a, b)| a != b).count()
        } else {
            (start..start + length)
                .filter(|index| wide_code(views[0], *index) != wide_code(views[1], *index))
                .count()
        };
    }
    differing as u64
}

/// The code of an element of any width.
fn wide_code(view: &QuantView<'_>, index: usize) -> u32 {
    let geometry = view.geometry();
    view.code_at(index / geometry.cols, index % geometry.cols)
}

/// Which elements are an end of what their block can express.
pub(super) struct Ends<'a> {
    view: &'a QuantView<'a>,
    isa: Isa,
    /// For each code up to 8 bits whether it is an end of the format.
    table: [u8; 256],
    /// The codes of the largest and the smallest number, which wider elements are compared with.
    codes: [u32; 2],
    exchanged: Exchanged,
}

/// Blocks under a scale below 0, or NaN: the largest element is the smallest number.
enum Exchanged {
    None,
    /// For each block, as scales are stored, whether the ends are exchanged.
    Blocks(Vec<bool>),
    /// The sign of the element chooses among the scales of a block.
    BySign,
}

impl<'a> Ends<'a> {
    pub(super) fn new(view: &'a QuantView<'a>, isa: Isa, scales: &StoredScales) -> Self {
        let element = &view.spec().element;
        let mut table = [0; 256];
        let codes = [element.max_code(), element.min_code()];
        if let Encoding::Codebook(_) = element.encoding() {
            // By number: several codes may be the largest.
            let is = |number: Unpacked, end: Unpacked| {
                number.compare(end).is_some_and(core::cmp::Ordering::is_eq)
            };
            let (max, min) = (element.max(), element.min());
            for (code, end) in (0..1 << element.bits()).zip(&mut table) {
                let number = element.decode(code);
                *end = if is(number, max) {
                    LARGEST
                } else if is(number, min) {
                    SMALLEST
                } else {
                    0
                };
            }
        } else if element.bits() <= 8 {
            // Every number has one code; if there is a single one, it is the largest.
            table[codes[1] as usize] = SMALLEST;
            table[codes[0] as usize] = LARGEST;
        }
        let exchanged = if scales.by_sign() {
            Exchanged::BySign
        } else if scales.any_below_zero() {
            Exchanged::Blocks(scales.below_zero(view))
        } else {
            Exchanged::None
        };
        Self { view, isa, table, codes, exchanged }
    }

    /// Adds up the codes of elements, from element `first` on, and returns how many finite
    /// references lie outside what their block can express.
    pub(super) fn outside(
        &self,
        first: usize,
        x: &[f64],
        back: &[f64],
        counts: &mut CodeCounts,
    ) -> u64 {
        let (mut ends, mut codes) = ([0; CHUNK_PAIRS], [0; CHUNK_PAIRS]);
        let (ends, codes) = (&mut ends[..x.len()], &mut codes[..x.len()]);
        if self.view.spec().element.bits() <= 8 {
            read_codes(self.view, self.isa, first, codes);
            kernel::count_codes(codes, counts);
            kernel::map_bytes(self.isa, &self.table, codes, ends);
        } else {
            self.wide_ends(first, ends);
        }
        self.exchange(first, ends);
        let mut count = 0;
        kernel::outside(self.isa, x, back, ends, &mut count);
        count as u64
    }

    /// The ends among elements of more than 8 bits, where a number has one code.
    fn wide_ends(&self, first: usize, ends: &mut [u8]) {
        for (index, end) in (first..).zip(ends) {
            let code = wide_code(self.view, index);
            *end = if code == self.codes[0] {
                LARGEST
            } else if code == self.codes[1] {
                SMALLEST
            } else {
                0
            };
        }
    }

    /// Exchanges the ends of blocks under a scale below zero.
    fn exchange(&self, first: usize, ends: &mut [u8]) {
        // Bit 0 becomes bit 1, and bit 1 bit 0.
        let exchange = |end: &mut u8| *end = *end >> 1 | *end << 1 & SMALLEST;
        match &self.exchanged {
            Exchanged::None => {}
            Exchanged::BySign => {
                for (index, end) in (first..).zip(ends).filter(|(_, end)| **end != 0) {
                    if self.view.scale(index).is_some_and(is_below_zero) {
                        exchange(end);
                    }
                }
            }
            Exchanged::Blocks(below_zero) => {
                let geometry = self.view.geometry();
                let (mut line, mut col) = (first / geometry.cols, first % geometry.cols);
                let mut rest = ends;
                // The part of a block in a row at a time.
                while !rest.is_empty() {
                    let inside = (geometry.origin[1] + col) % geometry.block_cols;
                    let length = (geometry.block_cols - inside).min(geometry.cols - col);
                    let (now, later) = rest.split_at_mut(length.min(rest.len()));
                    if below_zero[geometry.block(line, col)] {
                        now.iter_mut().for_each(exchange);
                    }
                    col += length;
                    if col == geometry.cols {
                        (line, col) = (line + 1, 0);
                    }
                    rest = later;
                }
            }
        }
    }
}

/// Counts of all codes of a format of at most 8 bits; none of a wider one.
pub(super) fn totals(element: &FormatSpec, counts: &CodeCounts) -> Vec<u64> {
    let codes = if element.bits() <= 8 { 1 << element.bits() } else { 0 };
    (0..codes).map(|code| counts.iter().map(|turn| u64::from(turn[code])).sum()).collect()
}
