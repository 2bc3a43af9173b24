//! [`Finite`] for signed formats of at most 8 bits in AVX-512 with byte permutes (VBMI) and dot
//! products (VNNI): the same f32 addition, with fewer instructions around it.
//!
//! ```text
//! magnitude = range(x, cap)                       // min of magnitudes: one instruction
//! binade    = max(magnitude & infinity, min_normal)
//! sum       = magnitude + (binade + ahead)        // rounds
//! code      = less + dpwssd(halves of sum, weights)   // units low, exponent high
//! ```
//!
//! The units are in the lower 16 bits of the sum, its exponent field in the upper 16. One dot
//! product of 16-bit halves with two weights, plus a constant, makes both a code, shifted up so
//! that its sign belongs at bit 15. Two vectors of 32-bit codes are packed to one of 16 bits with
//! the signs, two of these to one of bytes, and a byte permute puts 64 codes in order. All
//! parameters stay in registers.

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

/// The parameters of [`Finite`] in registers.
struct FiniteRegisters {
    /// The magnitude that replaces larger ones.
    cap: __m512,
    /// The least binade: that of the smallest normal number.
    min_normal: __m512,
    /// From a binade to the addend whose spacing is that of the format's numbers in the binade, as
    /// a difference of exponent fields.
    ahead: __m512i,
    /// The weights of the two halves of a sum. Their dot product is the code plus a constant,
    /// shifted so that the code's sign belongs at bit 15.
    weights: __m512i,
    /// The negative of the constant in that dot product, from which the sum starts.
    less: __m512i,
    /// How many bits codes are shorter than a byte.
    down: __m512i,
    /// Whether they are shorter at all.
    shorter: bool,
    /// Whether what rounds to zero keeps its sign.
    negative_zero: bool,
}

/// Returns the byte at which [`FiniteRegisters::codes`] has the code of a number. Packs work within
/// quarters of a register, which scatters the 64 codes.
const fn place(number: usize) -> usize {
    let (vector, number) = (number / 16, number % 16);
    let (lane, number) = (number / 4, number % 4);
    16 * lane + 8 * (vector % 2) + 2 * number + vector / 2
}

/// Returns the byte permute that collects the codes of numbers 0, `step`, 2 · `step` and so on.
/// Entries behind the last are not used.
const fn places(step: usize) -> [u8; 64] {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 64 {
        order[i] = place(i * step % 64) as u8;
        i += 1;
    }
    order
}

/// The permute for a code a byte, and, below, for two codes a byte.
const EVERY: [u8; 64] = places(1);
const EVERY_SECOND: [u8; 64] = places(2);

impl FiniteRegisters {
    /// Loads the parameters.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn of(finite: &Finite) -> Self {
        let mantissa_bits = 23 - finite.shift;
        // What the exponent field of a sum in the least binade contributes to the dot product.
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

    /// Returns the magnitude codes of 16 numbers in bits 8 to 14 of 32-bit lanes. A signalling NaN
    /// would set more bits and spoil the code of another number. Scaling makes no such NaN, and a
    /// chunk that holds any NaN is encoded again.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn magnitude(&self, x: __m512) -> __m512i {
        // The control of `vrangeps`: the smaller of two magnitudes, without a sign.
        const SMALLER: i32 = 0b1010;
        let magnitude = _mm512_range_ps::<SMALLER>(x, self.cap);
        let power = _mm512_and_ps(magnitude, _mm512_set1_ps(f32::INFINITY));
        let binade = _mm512_castps_si512(_mm512_max_ps(power, self.min_normal));
        // An addition, not an FMA, which is slow with subnormal f32s.
        let sum =
            _mm512_add_ps(magnitude, _mm512_castsi512_ps(_mm512_add_epi32(binade, self.ahead)));
        _mm512_dpwssd_epi32(self.less, _mm512_castps_si512(sum), self.weights)
    }

    /// Returns the codes of 32 numbers at the top of 16-bit lanes, sign first.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn pair(&self, [x, y]: [__m512; 2]) -> __m512i {
        let magnitudes = _mm512_packus_epi32(self.magnitude(x), self.magnitude(y));
        // The saturating pack of f32 bits keeps their signs, which is all that is needed.
        let signs = _mm512_packs_epi32(_mm512_castps_si512(x), _mm512_castps_si512(y));
        let sign = _mm512_set1_epi16(i16::MIN);
        let sign = if self.negative_zero {
            sign
        } else {
            _mm512_maskz_mov_epi16(_mm512_test_epi16_mask(magnitudes, magnitudes), sign)
        };
        // magnitudes | (signs & sign), in one instruction.
        _mm512_ternarylogic_epi32::<0b1111_1000>(magnitudes, signs, sign)
    }

    /// Returns the codes of 64 numbers, each at its [`place`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
    fn codes(&self, [a, b, c, d]: [__m512; 4]) -> __m512i {
        let (low, high) = (self.pair([a, b]), self.pair([c, d]));
        // Two vectors of 16-bit lanes share their bytes: one in the low halves, one in the high
        // ones.
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
            // Codes of neighbouring numbers are 16 bits apart: a shift by 12 joins two of 4 bits.
            let pairs = _mm512_or_si512(codes, _mm512_srli_epi32::<12>(codes));
            _mm512_permutexvar_epi8(must_cast(EVERY_SECOND), pairs)
        });
        to.copy_from_slice(&bytes[..BYTES]);
    }
}

/// Range information about the numbers of a chunk.
struct RangeScan {
    /// Sums of numbers: NaN if any number was, infinite or NaN if any was infinite. A finite sum
    /// that overflows looks the same, which only costs the time of encoding again.
    sum: __m512,
    /// The largest magnitudes.
    largest: __m512,
}

impl RangeScan {
    /// Adds 64 numbers; with `LARGEST` also to the largest magnitudes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn add<const LARGEST: bool>(&mut self, numbers: [__m512; 4]) {
        // The control of `vrangeps`: the larger of two magnitudes. Of NaN and a number it is the
        // number, hence the sums.
        const LARGER: i32 = 0b1011;
        self.sum = numbers.into_iter().fold(self.sum, |sum, x| _mm512_add_ps(sum, x));
        if LARGEST {
            self.largest = numbers
                .into_iter()
                .fold(self.largest, |largest, x| _mm512_range_ps::<LARGER>(largest, x));
        }
    }
}

/// Writes the codes of numbers and returns whether all of them are correct. `LARGEST` finds the
/// largest magnitude too, for policies under which a finite number may be too large.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
fn encode_by<const BYTES: usize, const LARGEST: bool>(
    finite: &Finite,
    src: &[f32],
    dst: &mut [u8],
) -> bool {
    let vectors = FiniteRegisters::of(finite);
    // Sums start at 1, so that sums of tiny numbers are not slow subnormals.
    let mut scan = RangeScan { sum: _mm512_set1_ps(1.0), largest: _mm512_setzero_ps() };
    let (chunks, last) = src.as_chunks::<64>();
    // A last chunk of 1 to 63 codes of 4 bits takes up to 32 bytes.
    let (out, last_out) = dst.split_at_mut(BYTES * chunks.len());
    for (numbers, out) in chunks.iter().zip(out.as_chunks_mut::<BYTES>().0) {
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

/// Writes the codes of numbers, 64 in `BYTES` bytes (64: one a byte; 32: two a byte, the first in
/// the low bits), and returns whether all of them are correct.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
pub(super) fn encode<const BYTES: usize>(finite: &Finite, src: &[f32], dst: &mut [u8]) -> bool {
    // Saturating formats cover every finite number: the sums alone tell.
    if finite.covers(f32::MAX.to_bits()) {
        encode_by::<BYTES, false>(finite, src, dst)
    } else {
        encode_by::<BYTES, true>(finite, src, dst)
    }
}

/// Writes the codes of finite numbers, scaled by their blocks' factors and with `addend` added, 64
/// in `BYTES` bytes. `factors` has the four factors of every 64 numbers, one for each 16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni")]
pub(super) fn encode_blocks<S: Scaling, const BYTES: usize>(
    finite: &Finite,
    addend: f32,
    scaling: S,
    chunks: &[[f32; 64]],
    factors: impl Iterator<Item = [S::Factor; 4]>,
    dst: &mut [u8],
) {
    let vectors = FiniteRegisters::of(finite);
    for ((numbers, out), factors) in chunks.iter().zip(dst.as_chunks_mut::<BYTES>().0).zip(factors)
    {
        let numbers: &[[f32; 16]; 4] = must_cast_ref(numbers);
        // Plain code, so that every scaling serves: the compiler keeps it in four registers.
        let mut scaled = [[0.0f32; 16]; 4];
        for ((numbers, scaled), factor) in numbers.iter().zip(&mut scaled).zip(factors) {
            for (x, y) in numbers.iter().zip(scaled) {
                *y = scaling.scaled(*x, factor) + addend;
            }
        }
        vectors.store(must_cast(scaled), out);
    }
}
