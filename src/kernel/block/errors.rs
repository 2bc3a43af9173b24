//! What a search among scales compares: the errors of a candidate's numbers, and codes that are
//! themselves the result of a comparison of errors.
//!
//! ```text
//! error_terms:   terms = f(restored number − x)            // vectors
//! fold_blocks:   sums[block] += terms, one after another   // f32, in order: the order is the rule's
//! encode_least:  for each code k: error = |element k · scale − x|; the first of the least wins
//! ```
//!
//! A sum waits for the addition before it, but the sums of several blocks do not wait for each
//! other, and the processor runs them side by side; with AVX-512 16 sums are one register.

use super::encode::map_blocks;
use super::intrinsics::BlockIntrinsics;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::spec::FormatSpec;

/// How the terms of a block become its error.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fold {
    /// Their f32 sum, in order.
    Sum,
    /// The largest; NaN does not count.
    Largest,
}

/// Writes the terms of a metric.
#[inline(always)]
fn terms_body(squared: bool, restored: &[f32], numbers: &[f32], terms: &mut [f32]) {
    for ((restored, x), to) in restored.iter().zip(numbers).zip(terms) {
        let error = *restored - *x;
        *to = if squared { error * error } else { error.abs() };
    }
}

#[inline(always)]
fn less_body(errors: &[f32], least: &[f32], less: &mut [bool]) {
    for ((error, least), less) in errors.iter().zip(least).zip(less) {
        *less = (error < least) | (least.is_nan() & !error.is_nan());
    }
}

#[inline(always)]
fn set_aside_body(amax: &[u32], factors: &mut [f32], by_rule: &mut [bool]) {
    for ((factor, by_rule), amax) in factors.iter_mut().zip(by_rule).zip(amax) {
        *by_rule |= factor.is_nan() | (*amax == 0);
        // Something finite, as no kernel takes NaN for a factor.
        *factor = if factor.is_nan() { 0.0 } else { *factor };
    }
}

#[inline(always)]
fn take_body<T: Copy>(flags: &[bool], from: &[T], to: &mut [T]) {
    // Without a branch: which candidate is better cannot be predicted.
    for ((to, from), flag) in to.iter_mut().zip(from).zip(flags) {
        *to = if *flag { *from } else { *to };
    }
}

/// Folds terms into the results of their blocks, one after another; the last block may be shorter.
/// Results start at +0.
pub(crate) fn fold_blocks(isa: Isa, fold: Fold, terms: &[f32], length: usize, results: &mut [f32]) {
    let done = Native::fold_blocks(isa, fold, terms, length, results);
    let blocks = terms.chunks(length).zip(results).skip(done);
    for (block, result) in blocks {
        *result = match fold {
            Fold::Sum => block.iter().fold(*result, |sum, term| sum + term),
            Fold::Largest => {
                block.iter().fold(*result, |most, term| if *term > most { *term } else { most })
            }
        };
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
    /// Writes the terms of an error: the squared error of each number, or its magnitude.
    fn error_terms[](
        squared: bool,
        restored: &[f32],
        numbers: &[f32],
        terms: &mut [f32],
    ) = terms_body;
    /// Finds where an error is less than the least so far; NaN gives way to any other.
    fn find_less[](errors: &[f32], least: &[f32], less: &mut [bool]) = less_body;
    /// Sets the flags of blocks that are left to the rule, those of zeros among them, and replaces
    /// NaN factors.
    fn set_aside[](amax: &[u32], factors: &mut [f32], by_rule: &mut [bool]) = set_aside_body;
    /// Replaces the entries whose flag is set.
    fn take_where[T: Copy](flags: &[bool], from: &[T], to: &mut [T]) = take_body;
    /// Writes the codes of the least errors under the scales of blocks.
    fn encode_least[](
        coder: &LeastError,
        src: &[f32],
        length: usize,
        factors: &[f32],
        codes: &mut [u8],
    ) = least_body;
}
