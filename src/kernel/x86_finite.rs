//! [`Finite`] for signed formats of at most 8 bits in AVX-512 with byte permutes: the same addition, with less around it.
//!
//! The units are the lower half of the sum, its exponent field is in the upper half: one multiplication of 16-bit halves, with addition, makes both a code
//! that is ahead by a constant. Four vectors of such become one of bytes, which are put in order at the end.

use super::finite::Finite;
#[cfg(feature = "alloc")]
use super::scaling::Scaling;
use bytemuck::must_cast;
#[cfg(feature = "alloc")]
use bytemuck::must_cast_ref;
use core::arch::x86_64::{
    __m512, __m512i, _CMP_UNORD_Q, _mm512_add_epi8, _mm512_and_ps, _mm512_castps_si512, _mm512_cmp_ps_mask, _mm512_fmadd_ps,
    _mm512_madd_epi16, _mm512_maskz_mov_epi8, _mm512_max_ps, _mm512_or_si512, _mm512_permutexvar_epi8, _mm512_range_ps,
    _mm512_reduce_max_epu32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32,
    _mm512_srli_epi32, _mm512_srli_epi64, _mm512_srlv_epi32, _mm512_ternarylogic_epi32, _mm512_test_epi8_mask,
};

/// [`Finite`] in registers.
struct Vectors {
    /// Larger magnitudes are taken for this.
    cap: __m512,
    min_normal: __m512,
    /// From a binade to the number whose neighbours are as far apart as the format's numbers in the binade.
    ahead: __m512,
    /// Of the two halves of a sum the factors that make it a code in the second byte.
    weights: __m512i,
    /// By how many bits signs go down to where a code in the first byte has its sign, in the second, and so on.
    sign_down: [__m512i; 4],
    /// What codes are ahead by, its negative.
    less: __m512i,
    sign: __m512i,
    negative_zero: bool,
}

/// Of bytes that lie in groups of some, one of each of as many vectors, those of the first vector, of the second, and so on.
const fn by_vectors(group: usize) -> [u8; 64] {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 64 {
        order[i] = (i * group % 64 + i * group / 64) as u8;
        i += 1;
    }
    order
}

/// The order of codes one a byte.
const BYTES_IN_ORDER: [u8; 64] = by_vectors(4);

/// That of codes two a byte, which lie in the first four of every eight bytes; the second half says nothing.
const PAIRS_IN_ORDER: [u8; 64] = by_vectors(8);

impl Vectors {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn of(finite: &Finite) -> Self {
        let mantissa_bits = 23 - finite.shift;
        let less = ((finite.min_normal >> 23) + finite.shift) << mantissa_bits;
        Self {
            cap: _mm512_set1_ps(f32::from_bits(finite.cap)),
            min_normal: _mm512_set1_ps(f32::from_bits(finite.min_normal)),
            ahead: _mm512_set1_ps(f32::from_bits((127 + finite.shift) << 23)),
            weights: _mm512_set1_epi32(1 << (16 + 1 + mantissa_bits) | 1 << 8),
            sign_down: [0, 8, 16, 24].map(|byte| _mm512_set1_epi32(finite.sign_shift as i32 - byte)),
            less: _mm512_set1_epi8((less as i8).wrapping_neg()),
            sign: _mm512_set1_epi8(finite.sign_bit as i8),
            negative_zero: finite.negative_zero,
        }
    }

    /// The sum for a magnitude: an exponent field that is ahead by a constant, and how many units the magnitude is.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn sum(&self, x: __m512) -> __m512i {
        /// The smaller of two magnitudes.
        const SMALLER: i32 = 0b1010;
        let magnitude = _mm512_range_ps::<SMALLER>(x, self.cap);
        let power = _mm512_and_ps(magnitude, _mm512_set1_ps(f32::INFINITY));
        let binade = _mm512_max_ps(power, self.min_normal);
        _mm512_castps_si512(_mm512_fmadd_ps(binade, self.ahead, magnitude))
    }

    /// The codes of 64 numbers: in each 32 bits that of one of the first 16, of the second 16, and so on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn codes(&self, numbers: [__m512; 4]) -> __m512i {
        /// Where the first has ones the second, else the third.
        const SELECT: i32 = 0b1100_1010;
        let select = |mask, x, y| _mm512_ternarylogic_epi32::<SELECT>(mask, x, y);
        let gather = |[a, b, c, d]: [__m512i; 4]| {
            let pair = |a, b| select(_mm512_set1_epi32(0x00FF_00FF), a, b);
            select(_mm512_set1_epi32(0x0000_FFFF), pair(a, b), pair(c, d))
        };
        let [a, b, c, d] = numbers.map(|x| _mm512_madd_epi16(self.sum(x), self.weights));
        let codes = gather([_mm512_srli_epi32::<8>(a), b, _mm512_slli_epi32::<8>(c), _mm512_slli_epi32::<16>(d)]);
        let codes = _mm512_add_epi8(codes, self.less);
        let [a, b, c, d] = numbers.map(|x| _mm512_castps_si512(x));
        let down = |x, byte: usize| _mm512_srlv_epi32(x, self.sign_down[byte]);
        let signs = gather([down(a, 0), down(b, 1), down(c, 2), down(d, 3)]);
        let sign =
            if self.negative_zero { self.sign } else { _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(codes, codes), self.sign) };
        // The first, and of the second what the third has.
        _mm512_ternarylogic_epi32::<0b1111_1000>(codes, signs, sign)
    }

    /// Stores the codes of 64 numbers, one a byte in 64 bytes or two a byte in 32.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn store<const BYTES: usize>(&self, numbers: [__m512; 4], to: &mut [u8; BYTES]) {
        let codes = self.codes(numbers);
        let bytes: [u8; 64] = must_cast(if BYTES == 64 {
            _mm512_permutexvar_epi8(must_cast(BYTES_IN_ORDER), codes)
        } else {
            // Of the two numbers of a byte, one behind the other in a vector, the codes are 32 bits apart.
            let pairs = _mm512_or_si512(codes, _mm512_srli_epi64::<28>(codes));
            _mm512_permutexvar_epi8(must_cast(PAIRS_IN_ORDER), pairs)
        });
        to.copy_from_slice(&bytes[..BYTES]);
    }
}

/// What is known of the numbers seen: which lanes had NaN, and the largest magnitudes but for it.
struct Seen {
    nan: u16,
    largest: __m512,
}

impl Seen {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn see<const LARGEST: bool>(&mut self, numbers: [__m512; 4]) {
        /// The larger of two magnitudes.
        const LARGER: i32 = 0b1011;
        let [a, b, c, d] = numbers;
        self.nan |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, b) | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(c, d);
        if LARGEST {
            self.largest = numbers.into_iter().fold(self.largest, |largest, x| _mm512_range_ps::<LARGER>(largest, x));
        }
    }
}

/// Codes of numbers, as [`Vectors::store`] stores them, and whether they are right; the largest magnitude is looked for if it may be too large.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
fn encode_by<const BYTES: usize, const LARGEST: bool>(finite: &Finite, src: &[f32], dst: &mut [u8]) -> bool {
    let vectors = Vectors::of(finite);
    let mut seen = Seen { nan: 0, largest: _mm512_setzero_ps() };
    let (runs, last) = src.as_chunks::<64>();
    // Of 63 codes of 4 bits there are as many bytes as of 64.
    let (out, last_out) = dst.split_at_mut(BYTES * runs.len());
    for (numbers, out) in runs.iter().zip(out.as_chunks_mut::<BYTES>().0) {
        let numbers = must_cast(*numbers);
        seen.see::<LARGEST>(numbers);
        vectors.store(numbers, out);
    }
    let mut padded = [0.0; 64];
    padded[..last.len()].copy_from_slice(last);
    let (numbers, mut codes) = (must_cast(padded), [0; BYTES]);
    seen.see::<LARGEST>(numbers);
    vectors.store(numbers, &mut codes);
    last_out.copy_from_slice(&codes[..last_out.len()]);
    let largest = _mm512_reduce_max_epu32(_mm512_castps_si512(seen.largest));
    seen.nan == 0 && finite.covers(largest)
}

/// Codes of numbers, one a byte or, if they have 4 bits, two, the first in the low bits; says whether they are right.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn encode<const BYTES: usize>(finite: &Finite, src: &[f32], dst: &mut [u8]) -> bool {
    if finite.covers(f32::INFINITY.to_bits()) {
        encode_by::<BYTES, false>(finite, src, dst)
    } else {
        encode_by::<BYTES, true>(finite, src, dst)
    }
}

/// The same of finite numbers scaled by their blocks' factors, plus a zero; `factors` are those of every 16 numbers of 64.
#[cfg(feature = "alloc")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn encode_blocks<S: Scaling, const BYTES: usize>(
    finite: &Finite,
    zero: f32,
    scaling: S,
    runs: &[[f32; 64]],
    factors: impl Iterator<Item = [S::Factor; 4]>,
    dst: &mut [u8],
) {
    let vectors = Vectors::of(finite);
    for ((numbers, out), factors) in runs.iter().zip(dst.as_chunks_mut::<BYTES>().0).zip(factors) {
        let numbers: &[[f32; 16]; 4] = must_cast_ref(numbers);
        let mut scaled = [[0.0f32; 16]; 4];
        for ((numbers, scaled), factor) in numbers.iter().zip(&mut scaled).zip(factors) {
            for (x, y) in numbers.iter().zip(scaled) {
                *y = scaling.scaled(*x, factor) + zero;
            }
        }
        vectors.store(must_cast(scaled), out);
    }
}
