//! What a search among scales compares: the errors of a candidate's numbers, and codes that are
//! themselves the result of a comparison of errors.
//!
//! ```text
//! error_terms:   terms = f(number(element, scale) − x)    // vectors
//! add_in_order:  sums[block] += terms, one after another  // f32, in order: the order is the rule's
//! encode_least:  for each code k: error = |element k · scale − x|; the first of the least wins
//! ```
//!
//! A sum waits for the addition before it, but the sums of several blocks do not wait for each
//! other, and the processor runs them side by side.

use super::encode::map_blocks;
use super::operands::Restoring;
use crate::kernel::native::per_isa;
use crate::spec::FormatSpec;

/// Writes the terms of a metric's sum.
#[inline(always)]
fn terms_body<R: Restoring>(
    rule: R,
    squared: bool,
    elements: &[f32],
    numbers: &[f32],
    [scales, offsets]: [&[f32]; 2],
    terms: &mut [f32],
) {
    let each = elements.iter().zip(numbers).zip(scales).zip(offsets);
    for ((((q, x), scale), offset), to) in each.zip(terms) {
        let error = rule.number(*q, *scale, *offset) - *x;
        *to = if squared { error * error } else { error.abs() };
    }
}

/// Adds terms to the sums of their blocks, one after another; the last block may be shorter.
pub(crate) fn add_in_order(terms: &[f32], length: usize, sums: &mut [f32]) {
    let add = |sum: f32, terms: &[f32]| terms.iter().fold(sum, |sum, term| sum + term);
    if length == 16 {
        // A fixed length unrolls, so that the sums of several blocks are under way at a time.
        let (blocks, rest) = terms.as_chunks::<16>();
        for (block, sum) in blocks.iter().zip(&mut *sums) {
            *sum = add(*sum, block);
        }
        if let Some(sum) = sums.get_mut(blocks.len()) {
            *sum = add(*sum, rest);
        }
        return;
    }
    for (block, sum) in terms.chunks(length).zip(sums) {
        *sum = add(*sum, block);
    }
}

/// Raises the entry of each block to its largest term; NaN does not count.
pub(crate) fn keep_largest(terms: &[f32], length: usize, largest: &mut [f32]) {
    for (block, largest) in terms.chunks(length).zip(largest) {
        *largest =
            block.iter().fold(*largest, |most, term| if *term > most { *term } else { most });
    }
}

/// A coder of numbers of at most 4 bits to the first code of the least f32 error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeastError {
    /// The elements of all codes; behind the last, that of code 0.
    elements: [f32; 16],
    /// Codes that are compared: those without a sign bit, if the others mirror them.
    codes: usize,
    /// The sign bit of a code, if codes are mirrored.
    sign_bit: u32,
}

impl LeastError {
    /// Returns the coder for a format of at most 4 bits, `None` for wider ones. Scales are from 0 up
    /// unless they are `signed`.
    pub(crate) fn lower(spec: &FormatSpec, signed: bool) -> Option<Self> {
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

#[inline(always)]
fn least_body(coder: &LeastError, src: &[f32], length: usize, factors: &[f32], codes: &mut [u8]) {
    let coder = *coder;
    // Eight magnitudes, as of E2M1. Codes behind the last repeat the first: they are never less.
    if coder.codes <= 8 {
        map_blocks::<true, _, _, _>(src, length, factors, codes, |x, factor| {
            coder.code::<8>(x, factor)
        });
    } else {
        map_blocks::<true, _, _, _>(src, length, factors, codes, |x, factor| {
            coder.code::<16>(x, factor)
        });
    }
}

per_isa! {
    /// Writes the terms of a sum of errors: the squared error of each number, or its magnitude.
    /// `each` has the scale and the offset of each element.
    fn error_terms[R: Restoring](
        rule: R,
        squared: bool,
        elements: &[f32],
        numbers: &[f32],
        each: [&[f32]; 2],
        terms: &mut [f32],
    ) = terms_body;
    /// Writes the codes of the least errors under the scales of blocks.
    fn encode_least[](
        coder: &LeastError,
        src: &[f32],
        length: usize,
        factors: &[f32],
        codes: &mut [u8],
    ) = least_body;
}
