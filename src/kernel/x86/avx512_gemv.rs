//! GEMV of 1, 2, 4 or 8 rows by four panels (64 columns) in AVX-512 intrinsics: safe functions,
//! entered after detection.
//!
//! ```text
//! for each block of K:
//!     for each chunk of codes: 8 k of 4-bit codes or 4 k of bytes, 64 bytes of each panel
//!         numbers[8 or 4] = permutes of the chunk             // registers
//!         for each number, each row: sum[row][panel] += broadcast(a[k][row]) · number
//! ```
//!
//! Up to 4 rows have 4 rows × 4 panels = 16 sums in registers; 8 rows take two panels at a time,
//! 16 sums again, beside 8 numbers, a table and scales: 32 registers hold them. A lies in L1 or L2;
//! codes are read once from memory. A chain starts from zero for each block where scales multiply
//! its sum.

use super::avx512_decode::{decode_64, vectors};
use crate::kernel::decode::Planes;
use crate::kernel::gemm::{BlockOffsets, Factors, GemvPanel, Lanes, PANELS, Quad, by_eights};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _mm512_add_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_permutexvar_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_sub_ps,
};

/// Writes the sums of a few rows by four panels of 4-bit codes:
/// [`Gemv::sums`](crate::kernel::gemm::Gemv::sums).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn sums_of_nibbles(
    table: &Lanes<f32>,
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let table = must_cast(*table);
    let decode = |quad: &Quad| numbers(table, quad);
    if has_offsets(panels) {
        return sums_of_rows::<1, PANELS, true, _, _>(&decode, block_k, factors, a, panels, to);
    }
    sums(&decode, block_k, factors, a, panels, to);
}

/// Whether blocks have offsets; their rows go one by one.
#[inline(always)]
fn has_offsets(panels: &[GemvPanel<'_>; PANELS]) -> bool {
    !matches!(panels[0].offsets, BlockOffsets::None)
}

/// Returns the numbers of eight k of 16 columns, from a word of eight 4-bit codes for each column.
#[inline]
#[target_feature(enable = "avx512f")]
fn numbers(table: __m512, quad: &Quad) -> [__m512; 8] {
    let codes: __m512i = must_cast(*quad);
    // The permute reads the low 4 bits of a word, so shifting brings each code there and no mask is
    // needed.
    let number = |codes| _mm512_permutexvar_ps(codes, table);
    [
        number(codes),
        number(_mm512_srli_epi32::<4>(codes)),
        number(_mm512_srli_epi32::<8>(codes)),
        number(_mm512_srli_epi32::<12>(codes)),
        number(_mm512_srli_epi32::<16>(codes)),
        number(_mm512_srli_epi32::<20>(codes)),
        number(_mm512_srli_epi32::<24>(codes)),
        number(_mm512_srli_epi32::<28>(codes)),
    ]
}

/// Writes the numbers of quads of 4-bit codes, k by k.
#[target_feature(enable = "avx512f")]
pub(super) fn decode(table: &Lanes<f32>, quads: &[Quad], to: &mut [Lanes<f32>]) {
    let table = must_cast(*table);
    by_eights(quads, to, |quad| must_cast(numbers(table, quad)));
}

/// Writes the sums of a few rows by four panels of codes of one byte, four k of a panel at a time:
/// [`Gemv::sums`](crate::kernel::gemm::Gemv::sums).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn sums_of_bytes(
    planes: &Planes,
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let tables = vectors(planes);
    let decode = |codes: &[u8; 64]| decode_64(&tables, *codes).map(must_cast);
    // Here and not in `sums`: what is not inlined into this function does not have its permutes.
    if has_offsets(panels) {
        return sums_of_rows::<1, PANELS, true, _, _>(&decode, block_k, factors, a, panels, to);
    }
    sums(&decode, block_k, factors, a, panels, to);
}

/// Writes the sums of a few rows without offsets, where `decode` turns `BYTES` bytes of a panel into
/// the numbers of `POSITIONS` k.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn sums<const BYTES: usize, const POSITIONS: usize>(
    decode: &impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    debug_assert!(matches!(to.len(), 1 | 2 | 4 | 8), "the height of a tile");
    // The number of rows is a constant of each loop, so that all sums have registers.
    match to.len() {
        1 => sums_of_rows::<1, PANELS, false, _, _>(decode, block_k, factors, a, panels, to),
        2 => sums_of_rows::<2, PANELS, false, _, _>(decode, block_k, factors, a, panels, to),
        4 => sums_of_rows::<4, PANELS, false, _, _>(decode, block_k, factors, a, panels, to),
        _ => sums_of_rows::<8, 2, false, _, _>(decode, block_k, factors, a, panels, to),
    }
}

/// Writes the sums of R rows, P panels at a time: R · P sums in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn sums_of_rows<
    const R: usize,
    const P: usize,
    const OFFSETS: bool,
    const BYTES: usize,
    const POSITIONS: usize,
>(
    decode: &impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    for (part, panels) in panels.as_chunks::<P>().0.iter().enumerate() {
        let mut sums = [[_mm512_setzero_ps(); P]; R];
        for (block, a) in a.as_chunks::<R>().0.chunks(block_k).enumerate() {
            // A loop, not `map`: its closure would be a function without these instructions.
            let (mut codes, mut scale_b) = ([&[][..]; P], [_mm512_setzero_ps(); P]);
            let mut of_block = [[_mm512_setzero_ps(); 2]; P];
            for (place, panel) in panels.iter().enumerate() {
                codes[place] = &panel.codes.as_chunks().0[block * block_k / POSITIONS..];
                scale_b[place] = must_cast(panel.factors.at(block));
                of_block[place][0] = scale_b[place];
                if OFFSETS {
                    of_block[place][1] = must_cast(panel.offsets.at(block));
                }
            }
            match (factors, panels[0].offsets) {
                // Each element is multiplied by its scale before its product with A, and a minimum
                // added, or a zero point subtracted before.
                (Factors::Elements, BlockOffsets::Minima(_)) if OFFSETS => {
                    let plus = |x, [scale, minimum]: [__m512; 2]| {
                        _mm512_add_ps(_mm512_mul_ps(x, scale), minimum)
                    };
                    continued(decode, a, codes, plus, of_block, &mut sums);
                }
                (Factors::Elements, BlockOffsets::ZeroPoints(_)) if OFFSETS => {
                    let less = |x, [scale, zero_point]: [__m512; 2]| {
                        _mm512_mul_ps(_mm512_sub_ps(x, zero_point), scale)
                    };
                    continued(decode, a, codes, less, of_block, &mut sums);
                }
                (Factors::Elements, _) => {
                    let times = |x, [scale, _]: [__m512; 2]| _mm512_mul_ps(x, scale);
                    continued(decode, a, codes, times, of_block, &mut sums);
                }
                (Factors::Sums(scales), _) => {
                    // The chain of a block starts from zero; its sum is scaled once.
                    let mut partials = [[_mm512_setzero_ps(); P]; R];
                    if OFFSETS {
                        let less = |x, [_, zero_point]: [__m512; 2]| _mm512_sub_ps(x, zero_point);
                        continued(decode, a, codes, less, of_block, &mut partials);
                    } else {
                        continued(decode, a, codes, |x, _| x, of_block, &mut partials);
                    }
                    for (row, (sums, partials)) in sums.iter_mut().zip(partials).enumerate() {
                        // Scales of A lie block by block, R at a time.
                        let scale_a = _mm512_set1_ps(scales[block * R + row]);
                        for ((sum, partial), scale_b) in sums.iter_mut().zip(partials).zip(scale_b)
                        {
                            *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(scale_a, scale_b), *sum);
                        }
                    }
                }
            }
        }
        // Stored once, after all of K.
        for (to, sums) in to.iter_mut().zip(sums) {
            for (to, sum) in to[part * P..].iter_mut().zip(sums) {
                *to = must_cast(sum);
            }
        }
    }
}

/// Continues the chains over one block. `number` makes a number of B from an element, its scale and
/// its offset.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn continued<const R: usize, const P: usize, const BYTES: usize, const POSITIONS: usize>(
    decode: &impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    a: &[[f32; R]],
    codes: [&[[u8; BYTES]]; P],
    number: impl Fn(__m512, [__m512; 2]) -> __m512,
    of_block: [[__m512; 2]; P],
    sums: &mut [[__m512; P]; R],
) {
    // One chunk of each panel at a time; its numbers serve all rows before they are gone.
    for (i, a) in a.as_chunks::<POSITIONS>().0.iter().enumerate() {
        for (panel, of_block) in of_block.into_iter().enumerate() {
            for (a, element) in a.iter().zip(decode(&codes[panel][i])) {
                let number = number(element, of_block);
                // R independent chains: 16 of them, over all panels, hide the latency of FMA.
                for (sums, a) in sums.iter_mut().zip(a) {
                    sums[panel] = _mm512_fmadd_ps(_mm512_set1_ps(*a), number, sums[panel]);
                }
            }
        }
    }
}
