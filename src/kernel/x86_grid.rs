//! [`Grid`] in AVX-512 with byte permutes. Two f32 additions with roundings of their own give floor and ceil, and what counts units in the low bits of
//! both sums together is an index.

#[cfg(feature = "alloc")]
use super::blocks::Scaling;
use super::grid::Grid;
use bytemuck::must_cast;
#[cfg(feature = "alloc")]
use bytemuck::must_cast_ref;
use core::arch::x86_64::{
    __m512, __m512i, _CMP_UNORD_Q, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF, _MM_FROUND_TO_POS_INF, _mm512_add_epi32,
    _mm512_add_round_ps, _mm512_castps_si512, _mm512_cmp_ps_mask, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_permutexvar_epi8, _mm512_range_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_slli_epi32, _mm512_srli_epi64,
    _mm512_ternarylogic_epi32,
};

/// Zero is taken for this, so that it keeps its sign.
const TINY: f32 = f32::MIN_POSITIVE;

/// [`Grid`] in registers.
struct Vectors {
    origin: __m512,
    cap: __m512,
    low: __m512i,
    high: __m512i,
}

impl Vectors {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn of(grid: &Grid) -> Self {
        let [low, high] = must_cast(grid.codes);
        Self { origin: _mm512_set1_ps(grid.origin), cap: _mm512_set1_ps(grid.cap), low, high }
    }

    /// Indices of codes, in the low seven bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn indices(&self, x: __m512) -> __m512i {
        /// The smaller and the larger magnitude, with the first number's sign.
        const SMALLER: i32 = 0b0010;
        const LARGER: i32 = 0b0011;
        let x = _mm512_range_ps::<SMALLER>(x, self.cap);
        let x = _mm512_range_ps::<LARGER>(x, _mm512_set1_ps(TINY));
        let below = _mm512_add_round_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(x, self.origin);
        let above = _mm512_add_round_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(x, self.origin);
        _mm512_add_epi32(_mm512_castps_si512(below), _mm512_castps_si512(above))
    }

    /// The codes of 64 numbers: in each 32 bits that of one of the first 16, of the second 16, and so on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn codes(&self, [a, b, c, d]: [__m512; 4]) -> __m512i {
        /// Where the mask has ones the second, else the third.
        const SELECT: i32 = 0b1100_1010;
        let select = |mask: u32, a, b| _mm512_ternarylogic_epi32::<SELECT>(_mm512_set1_epi32(mask as i32), a, b);
        let pair = |x, y| select(0x00FF_00FF, self.indices(x), _mm512_slli_epi32::<8>(self.indices(y)));
        let indices = select(0x0000_FFFF, pair(a, b), _mm512_slli_epi32::<16>(pair(c, d)));
        _mm512_permutex2var_epi8(self.low, indices, self.high)
    }

    /// The same in order.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn codes_in_order(&self, numbers: [__m512; 4]) -> [u8; 64] {
        must_cast(_mm512_permutexvar_epi8(must_cast(BY_VECTORS), self.codes(numbers)))
    }

    /// The codes of 64 numbers, of 4 bits each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn nibbles(&self, numbers: [__m512; 4]) -> [u8; 32] {
        let codes = self.codes(numbers);
        // Of the two numbers of a byte, one behind the other in a vector, the codes are 32 bits apart.
        let pairs = _mm512_or_si512(codes, _mm512_srli_epi64::<28>(codes));
        let [bytes, _]: [[u8; 32]; 2] = must_cast(_mm512_permutexvar_epi8(must_cast(PAIRS_BY_VECTORS), pairs));
        bytes
    }
}

/// Of four vectors' bytes by turns those of the first, of the second, and so on.
const BY_VECTORS: [u8; 64] = {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 64 {
        order[i] = (4 * (i % 16) + i / 16) as u8;
        i += 1;
    }
    order
};

/// The same of every other four bytes.
const PAIRS_BY_VECTORS: [u8; 64] = {
    let mut order = [0; 64];
    let mut i = 0;
    while i < 32 {
        order[i] = (8 * (i % 8) + i / 8) as u8;
        i += 1;
    }
    order
};

/// Which lanes are NaN in one of two vectors or the other.
#[inline]
#[target_feature(enable = "avx512f")]
fn nan([a, b, c, d]: [__m512; 4]) -> u16 {
    _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, b) | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(c, d)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn encode(grid: &Grid, src: &[f32], dst: &mut [u8]) -> bool {
    let grid = Vectors::of(grid);
    let (runs, last) = src.as_chunks::<64>();
    let (out, last_out) = dst.as_chunks_mut::<64>();
    let mut nans = 0;
    for (numbers, out) in runs.iter().zip(out) {
        let numbers = must_cast(*numbers);
        nans |= nan(numbers);
        *out = grid.codes_in_order(numbers);
    }
    let mut padded = [0.0; 64];
    padded[..last.len()].copy_from_slice(last);
    let numbers = must_cast(padded);
    last_out.copy_from_slice(&grid.codes_in_order(numbers)[..last_out.len()]);
    nans | nan(numbers) == 0
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn pack(grid: &Grid, src: &[f32], bytes: &mut [u8]) -> bool {
    let grid = Vectors::of(grid);
    let (runs, last) = src.as_chunks::<64>();
    let (out, last_out) = bytes.as_chunks_mut::<32>();
    let mut nans = 0;
    for (numbers, out) in runs.iter().zip(out) {
        let numbers = must_cast(*numbers);
        nans |= nan(numbers);
        *out = grid.nibbles(numbers);
    }
    let mut padded = [0.0; 64];
    padded[..last.len()].copy_from_slice(last);
    let numbers = must_cast(padded);
    last_out.copy_from_slice(&grid.nibbles(numbers)[..last_out.len()]);
    if !src.len().is_multiple_of(2)
        && let Some(byte) = last_out.last_mut()
    {
        *byte &= 15;
    }
    nans | nan(numbers) == 0
}

#[cfg(feature = "alloc")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn pack_blocks<S: Scaling>(grid: &Grid, scaling: S, zero: f32, runs: &[[f32; 64]], factors: impl Iterator<Item = [f32; 4]>, bytes: &mut [u8]) -> bool {
    let grid = Vectors::of(grid);
    for ((numbers, out), factors) in runs.iter().zip(bytes.as_chunks_mut::<32>().0).zip(factors) {
        let mut scaled = [[0.0f32; 16]; 4];
        let numbers: &[[f32; 16]; 4] = must_cast_ref(numbers);
        for ((numbers, scaled), factor) in numbers.iter().zip(&mut scaled).zip(factors) {
            for (x, y) in numbers.iter().zip(scaled) {
                *y = scaling.scaled(*x, factor) + zero;
            }
        }
        *out = grid.nibbles(must_cast(scaled));
    }
    true
}
