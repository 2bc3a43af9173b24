//! What a search among scales compares: the errors of a candidate's numbers.
//!
//! ```text
//! error_terms:   terms = f(restored number − x)            // vectors
//! fold_blocks:   sums[block] += terms, one after another   // f32, in order: the order is the rule's
//! ```
//!
//! A sum waits for the addition before it, but the sums of several blocks do not wait for each
//! other, and the processor runs them side by side; with AVX-512 16 sums are one register.

use super::intrinsics::BlockIntrinsics;
use super::operands::Fold;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use core::array;

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

#[inline(always)]
fn take_blocks_body(flags: &[bool], length: usize, from: &[u8], to: &mut [u8]) {
    /// By a mask, and not by a branch, which cannot be predicted either.
    #[inline(always)]
    fn take_block(flag: bool, from: &[u8], to: &mut [u8]) {
        let mask = u8::from(flag).wrapping_neg();
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= (*to ^ *from) & mask;
        }
    }
    // A trip count known when compiling, and what is shorter than a block at the end.
    #[inline(always)]
    fn fixed<const N: usize>(flags: &[bool], from: &[u8], to: &mut [u8]) {
        let ((blocks, rest), (out, rest_out)) = (from.as_chunks::<N>(), to.as_chunks_mut::<N>());
        for ((from, to), flag) in blocks.iter().zip(out).zip(flags) {
            take_block(*flag, from, to);
        }
        if let Some(flag) = flags.get(blocks.len()) {
            take_block(*flag, rest, rest_out);
        }
    }
    match length {
        // A block for each byte: vectors of flags.
        1 => take_body(flags, from, to),
        8 => fixed::<8>(flags, from, to),
        16 => fixed::<16>(flags, from, to),
        32 => fixed::<32>(flags, from, to),
        _ => {
            let blocks = from.chunks(length).zip(to.chunks_mut(length));
            blocks.zip(flags).for_each(|((from, to), flag)| take_block(*flag, from, to));
        }
    }
}

/// Folds terms into the results of their blocks, one after another; the last block may be shorter.
/// Results start at +0.
pub(crate) fn fold_blocks(isa: Isa, fold: Fold, terms: &[f32], length: usize, results: &mut [f32]) {
    if length == 1 {
        // Each number is a block: one term each, in vectors.
        results.iter_mut().zip(terms).for_each(|(result, term)| {
            *result = match fold {
                Fold::Sum => *result + *term,
                Fold::Largest if *term > *result => *term,
                Fold::Largest => *result,
            };
        });
        return;
    }
    let done = Native::fold_blocks(isa, fold, terms, length, results);
    let (terms, results) = (&terms[(done * length).min(terms.len())..], &mut results[done..]);
    match fold {
        Fold::Sum => fold_by_fours(terms, length, results, |sum, term| sum + term),
        Fold::Largest => {
            let larger = |most, term| if term > most { term } else { most };
            fold_by_fours(terms, length, results, larger);
        }
    }
}

/// Folds the terms of four blocks side by side, while four are left.
fn fold_by_fours(terms: &[f32], length: usize, results: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    let (fours, rest) = results.as_chunks_mut::<4>();
    // A last block that is shorter is folded alone.
    let mut done = 0;
    for (results, terms) in fours.iter_mut().zip(terms.chunks_exact(4 * length)) {
        let (two, others) = terms.split_at(2 * length);
        let ((a, b), (c, d)) = (two.split_at(length), others.split_at(length));
        for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
            let terms = [*a, *b, *c, *d];
            *results = array::from_fn(|i| f(results[i], terms[i]));
        }
        done += 1;
    }
    let rest = fours[done..].as_flattened_mut().iter_mut().chain(rest);
    for (result, block) in rest.zip(terms[4 * done * length..].chunks(length)) {
        *result = block.iter().fold(*result, |result, term| f(result, *term));
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
    /// Replaces the bytes of the blocks whose flag is set; the last block may be shorter.
    fn take_blocks_where[](
        flags: &[bool],
        length: usize,
        from: &[u8],
        to: &mut [u8],
    ) = take_blocks_body;
    /// Replaces the entries whose flag is set.
    fn take_where[T: Copy](flags: &[bool], from: &[T], to: &mut [T]) = take_body;
}
