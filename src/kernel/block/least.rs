//! Codes by a comparison of errors: the first code of the least `|element · scale − x|` in f32.
//!
//! ```text
//! few elements:  for each code k: error = |element k · scale − x|; the first of the least wins
//!   or, of 8 magnitudes under a scale of few bits, how many middles · scale are below |x|
//! others:        y = x · (1 / scale);  low, high = the elements next to y
//!                the code of low or of high, by their errors
//! ```
//!
//! Neighbours are found by arithmetic on a grid, or else in a table (`least_table`).
//!
//! Errors fall up to x and rise behind it, so that the least is that of a neighbour of x. The
//! quotient y is a few units in the last place off; where it is on the wrong side of an element,
//! that element is one of the two compared, and by far the nearest. What makes errors of several
//! elements equal, the rounding of products and differences, is kept away by
//! [`LeastError::range`].

use super::encode::map_blocks;
use super::few_near::FewNear;
use super::grid::Grid;
use super::halves::truncated;
use super::intrinsics::BlockIntrinsics;
use super::least_table::{LeastTable, scale_range};
use super::operands::FloatBlocks;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::spec::FormatSpec;
use alloc::boxed::Box;
use alloc::sync::Arc;

/// A coder of numbers of at most 8 bits to the first code of the least f32 error.
#[derive(Clone, Debug)]
pub(crate) struct LeastError {
    coder: Least,
    range: Option<[f32; 3]>,
}

#[derive(Clone, Debug)]
enum Least {
    Grid(LeastOnGrid),
    /// All elements, and the neighbours of numbers where these serve and middles do not.
    Few(LeastOfFew, Option<Box<FewNear>>),
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
    /// The middles between 8 magnitudes, where [`Middles`] serve.
    middles: Option<Middles>,
}

/// The middles between 8 magnitudes from zero up, in place of errors.
///
/// A number between two products is at most twice the lower and at least half of the upper, so
/// that both of its errors are exact: the upper is less beyond the middle alone. Under a scale of
/// [at most 16 bits](Self::SCALE_BITS) products and their middles are exact too.
#[derive(Clone, Copy, Debug)]
struct Middles {
    middles: [f32; 7],
    /// The largest multiple of a scale up to which the errors of the last two magnitudes differ.
    far: f32,
}

impl LeastError {
    /// Returns the coder for a format of at most 8 bits, which may have a grid; `None` where
    /// elements are too near to one another. Scales are from 0 up unless they are `signed`.
    pub(crate) fn lower(spec: &FormatSpec, grid: Option<Grid>, signed: bool) -> Option<Self> {
        let few = LeastOfFew::lower(spec, signed);
        // Eight magnitudes are compared as fast as neighbours are found.
        let many = few.is_none_or(|few| few.codes > 8);
        if let Some((grid, min)) = grid.filter(|_| many).and_then(|grid| {
            // The definition tries every code, that of a symmetric integer's unused number too. NaN
            // and infinities are never nearer than zero.
            let min = spec.min().to_f32();
            let elements = spec.codes().map(|code| spec.decode_f32(code));
            let inside = elements.filter(|x| x.is_finite()).all(|x| x >= min);
            inside.then_some((grid, min))
        }) {
            let (least, high) = (spec.smallest_positive().to_f32(), spec.max().to_f32());
            // Never −0, whose bits are those of no magnitude.
            let low = 0.0 - min;
            let top = high - spec.decode_f32(spec.max_code() - 1);
            // Without a sign all numbers below zero are beyond the first element.
            let end = if spec.is_signed() { top } else { least };
            let coder = Least::Grid(LeastOnGrid { grid, most: [high, low] });
            let range = scale_range(least, end, high.max(low))?;
            return Some(Self { coder, range: Some(range) });
        }
        if let Some(few) = few {
            let near = if few.middles.is_none() { FewNear::lower(spec) } else { None };
            return Some(Self { coder: Least::Few(few, near.map(Box::new)), range: None });
        }
        let (table, range) = LeastTable::of(spec)?;
        Some(Self { coder: Least::Table(table), range: Some(range) })
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
        let steps = truncated(y * inverse);
        let whole = steps.cast_signed() as f32;
        let code = ((field - grid.lo) << grid.mantissa_bits) + steps;
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
        let sign_bit = if mirrored { half as u32 } else { 0 };
        let middles = if mirrored && half == 8 {
            Middles::lower(elements.first_chunk().expect("16 elements"))
        } else {
            None
        };
        Some(Self { elements, codes, sign_bit, middles })
    }

    /// Returns the code of a finite number. The number of codes is a constant, so that the loop
    /// over them is straight code.
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

impl Middles {
    /// The bits of an f32 that are zero in a number of at most 16 bits.
    const SCALE_BITS: u32 = 0xFF;

    /// Returns the middles of magnitudes; `None` where they do not ascend from zero, are more than
    /// twice as large as the one before, or have so many bits that products are rounded.
    fn lower(magnitudes: &[f32; 8]) -> Option<Self> {
        let few_bits = |x: f32| x.is_normal() && x.to_bits() & 0xFFFF == 0;
        let [first, second, .., last_but_one, last] = *magnitudes;
        let far = (last - last_but_one) * (1 << 20) as f32;
        let mut middles = [0.0; 7];
        for (middle, pair) in middles.iter_mut().zip(magnitudes.windows(2)) {
            let [low, high] = [pair[0], pair[1]];
            *middle = low.midpoint(high);
            // Steps are so wide that no rounding of an error hides one.
            let wide = high - low >= last / (1 << 12) as f32;
            let near = low == first || high <= 2.0 * low;
            if !(wide && near && few_bits(high) && few_bits(*middle)) {
                return None;
            }
        }
        let usual = |x: f32| (1e-6..=1e6).contains(&x);
        (first == 0.0 && usual(second) && usual(last)).then_some(Self { middles, far })
    }

    /// Returns whether the middles say the codes of a block.
    #[inline(always)]
    fn take(&self, block: &[f32], scale: f32) -> bool {
        // Products and what is beyond them are normal numbers: scales are 2^-60 to 2^60.
        let usual = (scale.to_bits().wrapping_sub(67 << 23) < 120 << 23)
            & (scale.to_bits() & Self::SCALE_BITS == 0);
        let far = self.far * scale;
        // Without a branch for each number.
        usual && !block.iter().fold(false, |any, x| any | (x.abs() > far))
    }

    /// Returns the code of a finite number under a scale that is taken.
    #[inline(always)]
    fn code(&self, x: f32, scale: f32) -> u8 {
        let magnitude = x.abs();
        let mut code = 0;
        for middle in self.middles {
            code += u32::from(magnitude > middle * scale);
        }
        (code | if code != 0 { x.to_bits() >> 31 << 3 } else { 0 }) as u8
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
            Least::Few(coder, near) => {
                let blocks = FloatBlocks { numbers: src, length, factors: scales };
                let done =
                    near.as_ref().map_or(0, |near| Native::least_of_few(isa, near, blocks, codes));
                let first = (done * length).min(src.len());
                let (src, codes) = (&src[first..], &mut codes[first..]);
                least_of_few(isa, coder, src, length, &scales[done..], codes);
            }
            Least::Table(table) => table.encode(isa, src, length, scales, codes),
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

/// Writes the codes of one block of 8 magnitudes: by middles, or else by all errors.
#[inline(always)]
fn one_block(coder: &LeastOfFew, middles: &Middles, src: &[f32], scale: f32, codes: &mut [u8]) {
    let pairs = src.iter().zip(codes);
    if middles.take(src, scale) {
        pairs.for_each(|(x, code)| *code = middles.code(*x, scale));
    } else {
        pairs.for_each(|(x, code)| *code = coder.code::<8>(*x, scale));
    }
}

#[inline(always)]
fn few_body(coder: &LeastOfFew, src: &[f32], length: usize, scales: &[f32], codes: &mut [u8]) {
    let coder = *coder;
    if let Some(middles) = coder.middles.filter(|_| length > 1) {
        let blocks = src.chunks(length).zip(codes.chunks_mut(length));
        for ((src, codes), scale) in blocks.zip(scales) {
            // Straight code for the blocks of NVFP4.
            match <&[f32; 16]>::try_from(src) {
                Ok(src) => one_block(&coder, &middles, src, *scale, &mut codes[..16]),
                Err(_) => one_block(&coder, &middles, src, *scale, codes),
            }
        }
        return;
    }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    /// The code by the definition: all codes are tried in order.
    fn first_of_least(spec: &FormatSpec, x: f32, scale: f32) -> u8 {
        let error = |code: u32| (spec.decode_f32(code) * scale - x).abs();
        (1..spec.code_count() as u32)
            .fold(0, |best, code| if error(code) < error(best) { code } else { best })
            .try_into()
            .unwrap()
    }

    /// Numbers at and next to elements and the middles between them, and beyond the ends.
    fn numbers(spec: &FormatSpec, scale: f32, range: Option<[f32; 3]>) -> Vec<f32> {
        let codes = 0..spec.code_count() as u32;
        let mut elements: Vec<f32> =
            codes.map(|code| spec.decode_f32(code)).filter(|x| x.is_finite()).collect();
        elements.sort_by(f32::total_cmp);
        let middles = elements.windows(2).map(|pair| pair[0].midpoint(pair[1]));
        let ends = [1.5, 1000.0].map(|times| elements[0] * times);
        let (last, most) = (elements[elements.len() - 1], range.map_or(1e9, |range| range[2]));
        let all = middles.chain(elements.iter().copied()).chain(ends);
        let all = all.chain([last * 1.5, most, -most].map(|x| x.clamp(-most, most)));
        let mut numbers = Vec::new();
        for y in all {
            let exact = y * scale;
            let two = [exact.next_up().next_up(), exact.next_down().next_down()];
            numbers.extend([exact, exact.next_up(), exact.next_down(), two[0], two[1]]);
        }
        numbers.retain(|x| x.abs() <= most * scale.abs());
        numbers.extend([0.0, -0.0, f32::from_bits(1), -f32::from_bits(1)]);
        numbers
    }

    #[test]
    fn codes_are_the_first_of_the_least_errors() {
        use FormatSpec as F;
        let formats = [
            F::F8E5M2,
            F::F8E4M3,
            F::F8E4M3FNUZ,
            F::F6E2M3,
            F::F6E3M2,
            F::F4E2M1,
            F::INT8,
            F::INT5,
            F::INT4,
            F::UINT4,
            F::UINT8,
            F::MXINT8,
            F::UE4M3,
            F::HIF8,
            F::POSIT8,
            F::BNBDYNAMIC8,
            F::NF4,
        ];
        let mut checked = 0;
        for (spec, signed) in formats.into_iter().flat_map(|spec| [(spec, true), (spec, false)]) {
            let grid = Grid::lower(&spec, false, &[0; 256]);
            let coder = LeastError::lower(&spec, grid, signed).unwrap();
            for scale in [1.0f32, 0.75, 0.012_345, -3.1, -0.25, 1e-25, 7.7e22, 1.1e-36] {
                let [low, high, _] = coder.range().unwrap_or([1e-36, 1e30, 0.0]);
                if !(low..=high).contains(&scale.abs()) || (scale < 0.0 && !signed) {
                    continue;
                }
                let numbers = numbers(&spec, scale, coder.range());
                let expected: Vec<u8> =
                    numbers.iter().map(|x| first_of_least(&spec, *x, scale)).collect();
                for isa in Isa::available() {
                    for length in [1, 16, 32, 100] {
                        let scales = vec![scale; numbers.len().div_ceil(length)];
                        let mut codes = vec![0; numbers.len()];
                        coder.encode(isa, &numbers, length, &scales, &mut codes);
                        for (i, x) in numbers.iter().enumerate() {
                            let codes = (codes[i], expected[i]);
                            assert_eq!(codes.0, codes.1, "{spec} {x:e} {scale:e} {}", isa.name());
                        }
                        checked += numbers.len();
                    }
                }
            }
        }
        assert!(checked > 100_000, "{checked}");
    }
}
