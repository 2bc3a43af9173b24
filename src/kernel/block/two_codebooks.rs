//! Blocks of 16 that take a second codebook where its error is smaller: IF4 and `MixFP4`.
//!
//! ```text
//! for each block:
//!     codes of the second codebook          x · (1 / (s / T)), rounded
//!     numbers of both codes                 ((q · s) · amax) / 2688
//!     two sums of squared errors            f32, in order
//! ```

use crate::kernel::native::per_isa;

/// Numbers of a block.
const BLOCK: usize = 16;

/// Integers of the second codebook for a number, 7/6, and back, 6/7.
const INTEGERS: f32 = 1.166_666_6;
pub(crate) const OF_INTEGERS: f32 = 0.857_142_87;

/// What makes 6 of E1M2's largest number.
pub(crate) const OF_E1M2: f32 = 6.0 / 1.75;

/// The number that a code's stands for under a scale.
#[inline(always)]
pub(crate) fn restored(q: f32, scale: f32, amax: f32) -> f32 {
    ((q * scale) * amax) / 2688.0
}

/// What all blocks of a matrix share.
#[derive(Clone, Copy)]
pub(crate) struct TwoCodebooks<'a> {
    /// Whether the second codebook has integers from −7 to 7 times 6/7 instead of quarters to 1.75
    /// times 6/1.75.
    pub(crate) integers: bool,
    /// The numbers of the scales' codes.
    pub(crate) scales: &'a [f32; 128],
    /// `1 / T`.
    pub(crate) tensor_reciprocal: f32,
    pub(crate) amax: f32,
}

/// The number of an E2M1 magnitude, 3 bits, by shifts.
#[inline(always)]
fn e2m1(magnitude: u32) -> f32 {
    // In halves: 0, 1, then two bits shifted by the exponent less one.
    let shifted = (magnitude & 1 | 2) << ((magnitude >> 1).max(1) - 1);
    let halves = if magnitude < 2 { magnitude } else { shifted };
    0.5 * halves as f32
}

/// The code of a scaled number in the second codebook, and its number.
#[inline(always)]
fn second<const OF_7: bool>(y: f32) -> (u32, f32) {
    // Sums with a power of two whose unit is 1 round to integers, ties to even.
    if OF_7 {
        let y = y * INTEGERS;
        // 0 by an infinite reciprocal is a NaN, which counts as 0.
        let y = if y.is_nan() { 0.0 } else { y.clamp(-7.0, 7.0) };
        // The unit is that of 1.5 · 2^23, so that integers below 0 have it too.
        let sum = y + 12_582_912.0;
        (sum.to_bits() & 15, (sum - 12_582_912.0) * OF_INTEGERS)
    } else {
        let y = y / OF_E1M2;
        let y = if y.is_nan() { 0.0 } else { y };
        let sum = (4.0 * y.abs()).min(7.0) + 8_388_608.0;
        let sign = y.to_bits() & 0x8000_0000;
        let number = 0.25 * (sum - 8_388_608.0) * OF_E1M2;
        (sum.to_bits() & 7 | sign >> 28, f32::from_bits(number.to_bits() | sign))
    }
}

#[inline(always)]
fn blocks<const OF_7: bool>(
    x: &[[f32; BLOCK]],
    shared: &TwoCodebooks<'_>,
    codes: &mut [[u8; BLOCK / 2]],
    scales: &mut [u8],
) {
    for ((x, bytes), scale) in x.iter().zip(codes).zip(scales) {
        let s = shared.scales[usize::from(*scale & 0x7F)];
        if s == 0.0 {
            continue;
        }
        let restored = |q: f32| restored(q, s, shared.amax);
        let reciprocal = 1.0 / (s * shared.tensor_reciprocal);
        let word = u64::from_le_bytes(*bytes);
        let halves = [word as u32, (word >> 32) as u32];
        let (mut own, mut other) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut candidate = [0u32; BLOCK];
        for i in 0..BLOCK {
            let code = halves[i / 8] >> (4 * (i % 8));
            let number = f32::from_bits(e2m1(code & 7).to_bits() | (code & 8) << 28);
            let difference = restored(number) - x[i];
            own[i] = difference * difference;
            let (code, number) = second::<OF_7>(x[i] * reciprocal);
            let difference = restored(number) - x[i];
            other[i] = difference * difference;
            candidate[i] = code;
        }
        // The sums are part of the definition: one number after the other.
        let [own, other] = [own, other].map(|terms| terms.iter().fold(0.0, |sum, x| sum + x));
        if other < own {
            *scale |= 0x80;
            for (byte, pair) in bytes.iter_mut().zip(candidate.as_chunks::<2>().0) {
                *byte = (pair[0] | pair[1] << 4) as u8;
            }
        }
    }
}

#[inline(always)]
fn two_codebooks_body(
    x: &[[f32; BLOCK]],
    shared: &TwoCodebooks<'_>,
    codes: &mut [[u8; BLOCK / 2]],
    scales: &mut [u8],
) {
    if shared.integers {
        blocks::<true>(x, shared, codes, scales);
    } else {
        blocks::<false>(x, shared, codes, scales);
    }
}

per_isa! {
    /// Gives blocks in E2M1 the codes of the second codebook, and their scales bit 7, where the
    /// second codebook has the smaller error.
    fn take_second_codebook[](
        x: &[[f32; 16]],
        shared: &TwoCodebooks<'_>,
        codes: &mut [[u8; 8]],
        scales: &mut [u8],
    ) = two_codebooks_body;
}
