//! How ggml's reference finds the scales, minima and codes of its superblocks: 256 numbers whose
//! scales are small integers times one F16. Owns the search, in f32 and in ggml's order of
//! operations; bytes are `layout`'s.
//!
//! ```text
//! search   for each run of 32 (Q4_K) or 16 (Q6_K): codes under some trial scales, for each set of
//!          codes the scale of least squares, of which the best is kept
//! share    the largest scale of the superblock gets the largest integer, the others theirs
//! encode   codes again, under the scales as they are stored
//! ```
//!
//! ggml d99724f2, `quantize_row_q4_K_ref` and `quantize_row_q6_K_ref`, every product rounded before
//! it is added (no fused operations).

use super::pack::store;
use crate::policy::Convert;
use crate::spec::FormatSpec;

/// Fills the F32 scales and minima of a superblock, and its codes, one a byte, from 256 finite
/// numbers.
pub(crate) type SuperblockFit =
    fn(numbers: &[f32], scales: &mut [u8], minima: &mut [u8], codes: &mut [u8]);

/// Numbers of a superblock.
pub(crate) const SUPERBLOCK: usize = 256;

/// The integer next to a number, of two the even one. A number beyond 2^22 gives what ggml makes of
/// the same addition: bits of the sum.
fn nearest(x: f32) -> i32 {
    // 1.5 · 2^23: the last bits of the sum's significand are the integer, plus 2^22.
    let sum = x + 12_582_912.0;
    if sum.is_nan() { 0 } else { (sum.to_bits() & 0x7F_FFFF) as i32 - 0x40_0000 }
}

/// The root of a number from 0 up, correctly rounded, without the standard library.
fn root(x: f32) -> f32 {
    let code = FormatSpec::F32.sqrt_with(x.to_bits(), &Convert::IEEE, 0);
    f32::from_bits(code.code)
}

/// A number as the F16 next to it.
fn half(x: f32) -> f32 {
    FormatSpec::F16.decode_f32(FormatSpec::F16.encode_f32(x))
}

/// The code of `x` in steps of `1 / inverse`, within bounds.
fn step(inverse: f32, x: f32, low: i32, high: i32) -> i32 {
    nearest(inverse * x).max(low).min(high)
}

/// `Q4_K`: runs of 32 with a scale from 0 up and a minimum to 0, both six bits times an F16; codes
/// from 0 to 15.
pub(crate) fn q4_k(numbers: &[f32], scales: &mut [u8], minima: &mut [u8], codes: &mut [u8]) {
    const RUN: usize = 32;
    // The steps of each run, and how far below 0 it begins.
    let (mut steps, mut depths) = ([0.0; SUPERBLOCK / RUN], [0.0; SUPERBLOCK / RUN]);
    let runs = numbers.as_chunks::<RUN>().0.iter().zip(codes.as_chunks_mut::<RUN>().0);
    for (j, (x, codes)) in runs.enumerate() {
        (steps[j], depths[j]) = line(x, &weights(x), codes);
    }
    let (d, steps) = share_63(steps);
    let (dmin, depths) = share_63(depths);
    let runs = numbers.as_chunks::<RUN>().0.iter().zip(codes.as_chunks_mut::<RUN>().0);
    for (j, (x, codes)) in runs.enumerate() {
        let (scale, depth) = (d * f32::from(steps[j]), dmin * f32::from(depths[j]));
        store(scales, 4, j, scale.to_bits());
        store(minima, 4, j, (-depth).to_bits());
        // Under a scale of 0 the codes of the search stay.
        if scale != 0.0 {
            for (code, x) in codes.iter_mut().zip(x) {
                *code = nearest((x + depth) / scale).clamp(0, 15) as u8;
            }
        }
    }
}

/// What errors of `Q4_K` count: an element's magnitude plus the root mean square of its run.
fn weights(x: &[f32; 32]) -> [f32; 32] {
    let squares = x.iter().fold(0.0, |sum, x| sum + x * x);
    let rms = root(squares / 32.0);
    x.map(|x| rms + x.abs())
}

/// Codes from 0 to 15 for a run, its step, and how far below 0 the first code lies.
///
/// The range of the run is cut into 14 to 16 steps, a tenth more each time. Codes under such a step
/// are a straight line's abscissas: least squares gives the line through the run's numbers, and the
/// smallest weighted error says which is kept; the next range begins at its start.
fn line(x: &[f32; 32], weights: &[f32; 32], codes: &mut [u8; 32]) -> (f32, f32) {
    let (mut low, mut high) = (x[0], x[0]);
    let (mut sum_w, mut sum_x) = (weights[0], weights[0] * x[0]);
    for (&x, &w) in x.iter().zip(weights).skip(1) {
        low = if x < low { x } else { low };
        high = if x > high { x } else { high };
        sum_w += w;
        sum_x += w * x;
    }
    low = if low > 0.0 { 0.0 } else { low };
    if high == low {
        codes.fill(0);
        return (0.0, -low);
    }
    let error_of = |codes: &[u8; 32], scale: f32, first: f32| {
        let mut error = 0.0;
        for ((&x, &w), &code) in x.iter().zip(weights).zip(codes) {
            let off = scale * f32::from(code) + first - x;
            error += w * (off * off);
        }
        error
    };
    let start = 15.0 / (high - low);
    *codes = x.map(|x| step(start, x - low, 0, 15) as u8);
    let (mut scale, mut first) = (1.0 / start, low);
    let mut least = error_of(codes, scale, first);
    for trial in 0..=20u8 {
        // The range begins where the best line so far does.
        let inverse = (-1.0 + 0.1 * f32::from(trial) + 15.0) / (high - first);
        let tried = x.map(|x| step(inverse, x - first, 0, 15) as u8);
        // Weighted sums of codes, of their squares, and of their products with the numbers.
        let (mut sum_q, mut sum_qq, mut sum_qx) = (0.0, 0.0, 0.0);
        for ((&x, &w), &code) in x.iter().zip(weights).zip(&tried) {
            let q = f32::from(code);
            sum_q += w * q;
            sum_qq += w * q * q;
            sum_qx += w * q * x;
        }
        let determinant = sum_w * sum_qq - sum_q * sum_q;
        // All codes alike have no line, and a sum that overflowed has a NaN here.
        if determinant > 0.0 {
            let mut slope = (sum_w * sum_qx - sum_x * sum_q) / determinant;
            let mut from = (sum_qq * sum_x - sum_q * sum_qx) / determinant;
            // A minimum above 0 cannot be stored: the line goes through 0.
            if from > 0.0 {
                (slope, from) = (sum_qx / sum_qq, 0.0);
            }
            let error = error_of(&tried, slope, from);
            if error < least {
                (least, scale, first) = (error, slope, from);
                *codes = tried;
            }
        }
    }
    (scale, -first)
}

/// An F16, and for each number the integer up to 63 that makes about that number of it: 63 for the
/// largest.
fn share_63(numbers: [f32; 8]) -> (f32, [u8; 8]) {
    let most = numbers.iter().fold(0.0, |most, &x| if x > most { x } else { most });
    let inverse = if most > 0.0 { 63.0 / most } else { 0.0 };
    // A byte is what ggml keeps of the integer, before it looks whether it is larger than 63.
    (half(most / 63.0), numbers.map(|x| (nearest(inverse * x) as u8).min(63)))
}

/// Runs whose numbers are smaller, and superblocks whose scales are, count as zeros.
const EPSILON: f32 = 1e-15;

/// `Q6_K`: runs of 16 with a scale of either sign, eight bits times an F16; codes from −32 to 31.
pub(crate) fn q6_k(numbers: &[f32], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    const RUN: usize = 16;
    let mut steps = [0.0; SUPERBLOCK / RUN];
    // The first of the largest magnitudes.
    let mut most = 0.0f32;
    let runs = numbers.as_chunks::<RUN>().0.iter().zip(codes.as_chunks_mut::<RUN>().0);
    for (step, (x, codes)) in steps.iter_mut().zip(runs) {
        *step = centred(x, codes);
        most = if step.abs() > most.abs() { *step } else { most };
    }
    if most.abs() < EPSILON {
        // ggml clears all bytes: code −32 under scales of 0.
        scales.fill(0);
        codes.fill(two_complement(-32));
        return;
    }
    let inverse = -128.0 / most;
    let d = half(1.0 / inverse);
    let runs = numbers.as_chunks::<RUN>().0.iter().zip(codes.as_chunks_mut::<RUN>().0);
    for (j, (x, codes)) in runs.enumerate() {
        let scale = d * f32::from(nearest(inverse * steps[j]).min(127) as i8);
        store(scales, 4, j, scale.to_bits());
        if scale != 0.0 {
            for (code, x) in codes.iter_mut().zip(x) {
                *code = two_complement(nearest(x / scale).clamp(-32, 31));
            }
        }
    }
}

/// Six bits of an integer.
const fn two_complement(q: i32) -> u8 {
    q as u8 & 0x3F
}

/// Codes from −32 to 31 for a run, and their step.
///
/// The number of the largest magnitude becomes −32, or up to 0.9 more or less in trials: under the
/// codes of each trial the step of least squares, weighted with the squares of the numbers, is
/// `Σ w·x·q / Σ w·q²`, and what it saves of the error is `(Σ w·x·q)² / Σ w·q²`.
fn centred(x: &[f32; 16], codes: &mut [u8; 16]) -> f32 {
    let mut most = 0.0f32;
    for &x in x {
        most = if x.abs() > most.abs() { x } else { most };
    }
    if most.abs() < EPSILON {
        codes.fill(two_complement(-32));
        return 0.0;
    }
    let sums = |inverse: f32| {
        let (mut sum_xq, mut sum_qq) = (0.0, 0.0);
        for &x in x {
            let (q, w) = (step(inverse, x, -32, 31) as f32, x * x);
            sum_xq += w * x * q;
            sum_qq += w * q * q;
        }
        (sum_xq, sum_qq)
    };
    let mut kept = -32.0 / most;
    let (sum_xq, sum_qq) = sums(kept);
    // Squares may underflow to 0, and a NaN is no 0.
    let mut scale = if sum_qq == 0.0 { 0.0 } else { sum_xq / sum_qq };
    let mut saved = scale * sum_xq;
    for trial in (-9i8..=9).filter(|&trial| trial != 0) {
        let inverse = -(32.0 + 0.1 * f32::from(trial)) / most;
        let (sum_xq, sum_qq) = sums(inverse);
        // Quotients compared without a division.
        if sum_qq > 0.0 && sum_xq * sum_xq > saved * sum_qq {
            (kept, scale) = (inverse, sum_xq / sum_qq);
            saved = scale * sum_xq;
        }
    }
    *codes = x.map(|x| two_complement(step(kept, x, -32, 31)));
    scale
}
