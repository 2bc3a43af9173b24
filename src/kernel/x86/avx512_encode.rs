//! [`Finite`] for signed formats of at most 8 bits in AVX-512 with byte permutes and dot products:
//! the same addition, with less around it.
//!
//! The units are the lower half of the sum, its exponent field is in the upper half: one dot
//! product of 16-bit halves, plus a constant, makes both a code. Two vectors of those become one of
//! 16 bits, two of which one of bytes, put in order at the end.

use crate::kernel::block::Scaling;
use crate::kernel::encode::Finite;
use bytemuck::{must_cast, must_cast_ref};
use core::arch::x86_64::{
    __m512, __m512i, _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_and_ps,
    _mm512_castps_si512, _mm512_castsi512_ps, _mm512_dpwssd_epi32, _mm512_maskz_mov_epi16,
    _mm512_max_ps, _mm512_or_si512, _mm512_packs_epi32, _mm512_packus_epi32,
    _mm512_permutexvar_epi8, _mm512_range_ps, _mm512_reduce_max_epu32, _mm512_set1_epi16,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_srli_epi16, _mm512_srli_epi32,
    _mm512_srlv_epi16, _mm512_ternarylogic_epi32, _mm512_test_epi16_mask,
};

/// [`Finite`] in registers.
struct FiniteRegisters {
    /// Larger magnitudes are taken for this.
    cap: __m512,
    min_normal: __m512,
    /// From a binade to the number whose neighbours are as far apart as the format's numbers in the
    /// binade, in exponent fields.
    ahead: __m512i,
    /// The factors of the two halves of a sum that make it a code, ahead by a constant, so far up
    /// that its sign is the first of 16 bits.
    weights: __m512i,
    /// The constant, its negative.
    less: __m512i,
    /// By how many bits codes are shorter than a byte, and whether they are.
    down: __m512i,
    shorter: bool,
    negative_zero: bool,
}

/// Where [`FiniteRegisters::codes`] has the code of a number.
const fn place(number: usize) -> usize {
    let (vector, number) = (number / 16, number % 16);
    let (lane, number) = (number / 4, number % 4);
    16 * lane + 8 * (vector % 2) + 2 * number + vector / 2
}

/// The order of codes of numbers so many apart, from the first number on; what is behind the last
/// says nothing.
const fn places(step: usize) -> [u8; 64] {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 64 {
        order[i] = place(i * step % 64) as u8;
        i += 1;
    }
    order
}

const EVERY: [u8; 64] = places(1);
const EVERY_SECOND: [u8; 64] = places(2);

impl FiniteRegisters {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn of(finite: &Finite) -> Self {
        let mantissa_bits = 23 - finite.shift;
        let less = ((finite.min_normal >> 23) + finite.shift) << mantissa_bits;
        let down = finite.sign_shift - 24;
        Self {
            cap: _mm512_set1_ps(f32::from_bits(finite.cap)),
            min_normal: _mm512_set1_ps(f32::from_bits(finite.min_normal)),
            ahead: _mm512_set1_epi32((finite.shift << 23) as i32),
            weights: _mm512_set1_epi32((1 << (16 + 1 + mantissa_bits) | 1 << 8) << down),
            less: _mm512_set1_epi32(-((less << 8 << down) as i32)),
            down: _mm512_set1_epi16(down as i16),
            shorter: down != 0,
            negative_zero: finite.negative_zero,
        }
    }

    /// The code of a magnitude, behind the first of the lower 16 bits. Of a signalling NaN there
    /// would be more bits, which spoil the code of another number: what scaling makes is none, and
    /// a run with NaN in it is refused as a whole.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn magnitude(&self, x: __m512) -> __m512i {
        /// The smaller of two magnitudes.
        const SMALLER: i32 = 0b1010;
        let magnitude = _mm512_range_ps::<SMALLER>(x, self.cap);
        let power = _mm512_and_ps(magnitude, _mm512_set1_ps(f32::INFINITY));
        let binade = _mm512_castps_si512(_mm512_max_ps(power, self.min_normal));
        // Not multiplied and added by one operation, which takes long with subnormal f32s.
        let sum =
            _mm512_add_ps(magnitude, _mm512_castsi512_ps(_mm512_add_epi32(binade, self.ahead)));
        _mm512_dpwssd_epi32(self.less, _mm512_castps_si512(sum), self.weights)
    }

    /// The codes of 32 numbers, from the first of 16 bits on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn pair(&self, [x, y]: [__m512; 2]) -> __m512i {
        let magnitudes = _mm512_packus_epi32(self.magnitude(x), self.magnitude(y));
        // What saturates keeps its sign.
        let signs = _mm512_packs_epi32(_mm512_castps_si512(x), _mm512_castps_si512(y));
        let sign = _mm512_set1_epi16(i16::MIN);
        let sign = if self.negative_zero {
            sign
        } else {
            _mm512_maskz_mov_epi16(_mm512_test_epi16_mask(magnitudes, magnitudes), sign)
        };
        // The first, and of the second what the third has.
        _mm512_ternarylogic_epi32::<0b1111_1000>(magnitudes, signs, sign)
    }

    /// The codes of 64 numbers, each in its [`place`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn codes(&self, [a, b, c, d]: [__m512; 4]) -> __m512i {
        let (low, high) = (self.pair([a, b]), self.pair([c, d]));
        let codes = _mm512_or_si512(_mm512_srli_epi16::<8>(low), high);
        if self.shorter { _mm512_srlv_epi16(codes, self.down) } else { codes }
    }

    /// Stores the codes of 64 numbers, one a byte in 64 bytes or two a byte in 32.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn store<const BYTES: usize>(&self, numbers: [__m512; 4], to: &mut [u8; BYTES]) {
        let codes = self.codes(numbers);
        let bytes: [u8; 64] = must_cast(if BYTES == 64 {
            _mm512_permutexvar_epi8(must_cast(EVERY), codes)
        } else {
            // Of the two numbers of a byte the codes are 16 bits apart.
            let pairs = _mm512_or_si512(codes, _mm512_srli_epi32::<12>(codes));
            _mm512_permutexvar_epi8(must_cast(EVERY_SECOND), pairs)
        });
        to.copy_from_slice(&bytes[..BYTES]);
    }
}

/// What is known of the numbers scan.
struct RangeScan {
    /// Sums, which are NaN if any number was, and infinite or NaN if any was infinite. Finite sums
    /// beyond f32 are too, which costs time alone.
    sum: __m512,
    largest: __m512,
}

impl RangeScan {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn add<const LARGEST: bool>(&mut self, numbers: [__m512; 4]) {
        /// The larger of two magnitudes, of NaN and a number the number.
        const LARGER: i32 = 0b1011;
        self.sum = numbers.into_iter().fold(self.sum, |sum, x| _mm512_add_ps(sum, x));
        if LARGEST {
            self.largest = numbers
                .into_iter()
                .fold(self.largest, |largest, x| _mm512_range_ps::<LARGER>(largest, x));
        }
    }
}

/// Codes of numbers, as [`FiniteRegisters::store`] stores them, and whether they are right; the largest
/// magnitude is looked for if a finite one may be too large.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
fn encode_by<const BYTES: usize, const LARGEST: bool>(
    finite: &Finite,
    src: &[f32],
    dst: &mut [u8],
) -> bool {
    let vectors = FiniteRegisters::of(finite);
    // Sums that start at one are no subnormal numbers, which would take long.
    let mut scan = RangeScan { sum: _mm512_set1_ps(1.0), largest: _mm512_setzero_ps() };
    let (runs, last) = src.as_chunks::<64>();
    // Of 63 codes of 4 bits there are as many bytes as of 64.
    let (out, last_out) = dst.split_at_mut(BYTES * runs.len());
    for (numbers, out) in runs.iter().zip(out.as_chunks_mut::<BYTES>().0) {
        let numbers = must_cast(*numbers);
        scan.add::<LARGEST>(numbers);
        vectors.store(numbers, out);
    }
    if !last.is_empty() {
        let mut padded = [0.0; 64];
        padded[..last.len()].copy_from_slice(last);
        let (numbers, mut codes) = (must_cast(padded), [0; BYTES]);
        scan.add::<LARGEST>(numbers);
        vectors.store(numbers, &mut codes);
        last_out.copy_from_slice(&codes[..last_out.len()]);
    }
    let highest = |x| _mm512_reduce_max_epu32(_mm512_castps_si512(_mm512_abs_ps(x)));
    let sum = highest(scan.sum);
    if LARGEST {
        sum <= f32::INFINITY.to_bits() && finite.covers(highest(scan.largest))
    } else {
        finite.covers(sum)
    }
}

/// Codes of numbers, one a byte or, if they have 4 bits, two, the first in the low bits; says
/// whether they are right.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
pub(super) fn encode<const BYTES: usize>(finite: &Finite, src: &[f32], dst: &mut [u8]) -> bool {
    if finite.covers(f32::MAX.to_bits()) {
        encode_by::<BYTES, false>(finite, src, dst)
    } else {
        encode_by::<BYTES, true>(finite, src, dst)
    }
}

/// Codes of finite numbers scaled by their blocks' factors, plus a zero, as [`FiniteRegisters::store`]
/// stores them; `factors` are those of every 16 numbers of 64.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
pub(super) fn encode_blocks<S: Scaling, const BYTES: usize>(
    finite: &Finite,
    addend: f32,
    scaling: S,
    runs: &[[f32; 64]],
    factors: impl Iterator<Item = [S::Factor; 4]>,
    dst: &mut [u8],
) {
    let vectors = FiniteRegisters::of(finite);
    for ((numbers, out), factors) in runs.iter().zip(dst.as_chunks_mut::<BYTES>().0).zip(factors) {
        let numbers: &[[f32; 16]; 4] = must_cast_ref(numbers);
        let mut scaled = [[0.0f32; 16]; 4];
        for ((numbers, scaled), factor) in numbers.iter().zip(&mut scaled).zip(factors) {
            for (x, y) in numbers.iter().zip(scaled) {
                *y = scaling.scaled(*x, factor) + addend;
            }
        }
        vectors.store(must_cast(scaled), out);
    }
}
