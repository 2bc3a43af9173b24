//! Codes by a comparison of errors: the first code of the least `|element · scale − x|` in f32.
//!
//! ```text
//! few elements:  for each code k: error = |element k · scale − x|; the first of the least wins
//! others:        y = x · (1 / scale);  low, high = the elements next to y
//!                the code of low or of high, by their errors
//! ```
//!
//! Neighbours are found by arithmetic on a grid, or else in a table (`least_table`).
//!
//! Errors fall up to x and rise behind it, so that the least is that of a neighbour of x. The
//! quotient y is a few units in the last place off; where it is on the wrong side of an element, that
//! element is one of the two compared, and by far the nearest. What makes errors of several elements
//! equal, the rounding of products and differences, is kept away by [`LeastError::range`].

use super::encode::map_blocks;
use super::grid::{Grid, MAGIC, floor};
use super::least_table::LeastTable;
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::spec::FormatSpec;
use alloc::sync::Arc;

/// The largest magnitude, over the scale and the distance of elements, for which f32 differences
/// tell elements apart: 2^20.
const APART: f32 = 1_048_576.0;

/// A coder of numbers of at most 8 bits to the first code of the least f32 error.
#[derive(Clone, Debug)]
pub(crate) struct LeastError {
    coder: Least,
    range: Option<[f32; 3]>,
}

#[derive(Clone, Debug)]
enum Least {
    Grid(LeastOnGrid),
    Few(LeastOfFew),
    Table(Arc<LeastTable>),
}

/// The elements of a grid: neighbours by arithmetic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeastOnGrid {
    grid: Grid,
    /// The largest magnitudes of elements without and with a sign.
    most: [f32; 2],
}

/// Elements of at most 4 bits: all are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeastOfFew {
    /// The elements of all codes; behind the last, that of code 0.
    elements: [f32; 16],
    /// Codes that are compared: those without a sign bit, if the others mirror them.
    codes: usize,
    /// The sign bit of a code, if codes are mirrored.
    sign_bit: u32,
}

impl LeastError {
    /// Returns the coder for a format of at most 8 bits, which may have a grid; `None` where elements
    /// are too near to one another. Scales are from 0 up unless they are `signed`.
    pub(crate) fn lower(spec: &FormatSpec, grid: Option<Grid>, signed: bool) -> Option<Self> {
        let most = spec.max().to_f32().max(-spec.min().to_f32());
        // The least distance of two elements, and of the last one before numbers beyond it.
        let limited = |coder, [least, end]: [f32; 2]| {
            let beyond = APART * end;
            let range = [f32::MIN_POSITIVE / least, f32::MAX / 4.0 / most.max(beyond), beyond];
            let usable = range.iter().all(|x| x.is_normal());
            usable.then_some(Self { coder, range: Some(range) })
        };
        let few = LeastOfFew::lower(spec, signed);
        // Eight magnitudes are compared as fast as neighbours are found.
        if let Some(grid) = grid.filter(|_| few.is_none_or(|few| few.codes > 8)) {
            let (least, high, low) =
                (spec.smallest_positive().to_f32(), spec.max().to_f32(), -spec.min().to_f32());
            let top = high - spec.decode_f32(spec.max_code() - 1);
            // Without a sign all numbers below zero are beyond the first element.
            let end = if spec.is_signed() { top } else { least };
            return limited(Least::Grid(LeastOnGrid { grid, most: [high, low] }), [least, end]);
        }
        if let Some(few) = few {
            return Some(Self { coder: Least::Few(few), range: None });
        }
        let (table, distances) = LeastTable::of(spec)?;
        limited(Least::Table(table), distances)
    }

    /// The least and the largest magnitude of a scale that the coder takes, and the largest of
    /// numbers over their scale; `None` if it takes all.
    pub(crate) const fn range(&self) -> Option<[f32; 3]> {
        self.range
    }
}

impl LeastOnGrid {
    /// Returns the code of a finite number under a scale, given with its reciprocal.
    #[inline(always)]
    fn code<const COMPLEMENT: bool>(&self, x: f32, scale: f32, reciprocal: f32) -> u8 {
        let grid = &self.grid;
        // A scale below zero turns the elements around.
        let sign = x.to_bits() ^ scale.to_bits();
        let negative = (sign.cast_signed() >> 31).cast_unsigned();
        let (x, scale) = (x.abs(), scale.abs());
        let [plus, minus] = self.most.map(f32::to_bits);
        let most = f32::from_bits(plus ^ ((plus ^ minus) & negative));
        let y = x * reciprocal.abs();
        let inside = y < most;
        let y = if inside { y } else { most };
        let field = (y.to_bits() >> 23).max(grid.lo).min(grid.hi);
        let inverse = f32::from_bits((254 + grid.mantissa_bits - field) << 23);
        // A power of two, and no smaller than the scale limit says: the product is exact.
        let unit = f32::from_bits((field - grid.mantissa_bits) << 23) * scale;
        let whole = floor(y * inverse);
        let code =
            ((field - grid.lo) << grid.mantissa_bits) + ((whole + MAGIC).to_bits() & 0x007F_FFFF);
        let below = (whole * unit - x).abs().to_bits();
        let above = ((whole + 1.0) * unit - x).abs().to_bits();
        let above = if inside { above } else { u32::MAX };
        if COMPLEMENT {
            // Of equal errors the first code: below zero codes count down, but zero is the first of
            // all. As bits errors are ordered as they are.
            let down = negative & 1 & u32::from(code != 0);
            let code = code + u32::from(above < below + down);
            return ((code ^ negative).wrapping_sub(negative) & grid.mask) as u8;
        }
        let code = code + u32::from(above < below);
        // Both zeros have one error, and +0 the first code.
        (code | if code != 0 { negative & grid.sign_bit } else { 0 }) as u8
    }
}

impl LeastOfFew {
    fn lower(spec: &FormatSpec, signed: bool) -> Option<Self> {
        let count = spec.code_count() as usize;
        if count > 16 {
            return None;
        }
        let mut elements = [spec.decode_f32(0); 16];
        (0..count).for_each(|code| elements[code] = spec.decode_f32(code as u32));
        if !elements.iter().all(|q| q.is_finite()) {
            return None;
        }
        // With code 0 for zero, a code of the wrong sign is never nearer than zero: it is not the
        // first of the least error. So half of the codes answer for the magnitude.
        let half = count / 2;
        let mirrored = !signed
            && elements[0].to_bits() == 0
            && (0..half)
                .all(|code| elements[code] >= 0.0 && elements[code + half] == -elements[code]);
        let codes = if mirrored { half } else { count };
        let first = elements[0];
        elements[codes..].fill(first);
        Some(Self { elements, codes, sign_bit: if mirrored { half as u32 } else { 0 } })
    }

    /// Returns the code of a finite number. The number of codes is a constant, so that the loop over
    /// them is straight code.
    #[inline(always)]
    fn code<const CODES: usize>(&self, x: f32, scale: f32) -> u8 {
        let negative = (x.to_bits().cast_signed() >> 31).cast_unsigned();
        // Mirrored codes answer for magnitudes.
        let mirrored = u32::from(self.sign_bit != 0).wrapping_neg();
        let x = f32::from_bits(x.to_bits() & !(mirrored & 0x8000_0000));
        let (mut best, mut least) = (0, (self.elements[0] * scale - x).abs());
        let mut k = 1;
        while k < CODES {
            let error = (self.elements[k] * scale - x).abs();
            // Strictly less: of equal errors the first code stays.
            best = if error < least { k as u32 } else { best };
            least = if error < least { error } else { least };
            k += 1;
        }
        let sign = negative & self.sign_bit & u32::from(best != 0).wrapping_neg();
        (best | sign) as u8
    }
}

impl LeastError {
    /// Writes the codes of the least errors under the scales of blocks, which
    /// [`range`](Self::range) limits.
    pub(crate) fn encode(
        &self,
        isa: Isa,
        src: &[f32],
        length: usize,
        scales: &[f32],
        codes: &mut [u8],
    ) {
        match &self.coder {
            Least::Grid(coder) => least_on_grid(isa, coder, src, length, scales, codes),
            Least::Few(coder) => least_of_few(isa, coder, src, length, scales, codes),
            Least::Table(table) => least_by_table(isa, table, src, length, scales, codes),
        }
    }
}

#[inline(always)]
fn grid_body(coder: &LeastOnGrid, src: &[f32], length: usize, scales: &[f32], codes: &mut [u8]) {
    // A copy that nothing points at stays in registers.
    let coder = *coder;
    // The reciprocal does not change within a block: it leaves the inner loop.
    if coder.grid.complement == 0 {
        map_blocks::<false, _, _, _>(src, length, scales, codes, |x, scale: f32| {
            coder.code::<false>(x, scale, 1.0 / scale)
        });
    } else {
        map_blocks::<false, _, _, _>(src, length, scales, codes, |x, scale: f32| {
            coder.code::<true>(x, scale, 1.0 / scale)
        });
    }
}

#[inline(always)]
fn few_body(coder: &LeastOfFew, src: &[f32], length: usize, scales: &[f32], codes: &mut [u8]) {
    let coder = *coder;
    // Eight magnitudes, as of E2M1. Codes behind the last repeat the first: they are never less.
    if coder.codes <= 8 {
        map_blocks::<true, _, _, _>(src, length, scales, codes, |x, scale| {
            coder.code::<8>(x, scale)
        });
    } else {
        map_blocks::<true, _, _, _>(src, length, scales, codes, |x, scale| {
            coder.code::<16>(x, scale)
        });
    }
}

#[inline(always)]
fn table_body(table: &LeastTable, src: &[f32], length: usize, scales: &[f32], codes: &mut [u8]) {
    let layout = table.layout;
    map_blocks::<true, _, _, _>(src, length, scales, codes, |x, scale: f32| {
        table.code(layout, x, scale, 1.0 / scale)
    });
}

per_isa! {
    /// Writes codes of elements on a grid.
    fn least_on_grid[](
        coder: &LeastOnGrid,
        src: &[f32],
        length: usize,
        scales: &[f32],
        codes: &mut [u8],
    ) = grid_body;
    /// Writes codes of at most 16 elements.
    fn least_of_few[](
        coder: &LeastOfFew,
        src: &[f32],
        length: usize,
        scales: &[f32],
        codes: &mut [u8],
    ) = few_body;
    /// Writes codes of elements in a table.
    fn least_by_table[](
        table: &LeastTable,
        src: &[f32],
        length: usize,
        scales: &[f32],
        codes: &mut [u8],
    ) = table_body;
}
