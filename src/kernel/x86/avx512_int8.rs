//! Byte dot products in AVX-512 with VNNI intrinsics: safe functions, entered after detection.
//!
//! ```text
//! for each block of K:
//!     i32[row] = compensation[row]                          // −offset · Σ a, broadcast
//!     for each quad (4 k of 16 columns, one register of B):
//!         i32[row] = vpdpbusd(i32[row], quad, broadcast(a_i8x4[row]))   // 64 products
//!     f32[row] += f32(i32[row]) · (scale_a · scale_b)
//! ```
//!
//! Registers: 16 i32 sums for the length of a block; the f32 sums are touched once a block. Two
//! panels (`chain_x2`) are done for half of the rows at a time: 16 i32 sums again, for which each
//! step loads 2 quads and broadcasts 8 words, instead of 1 and 16. B's quads lie in L1, A's words
//! in L2.
//!
//! Packing needs byte permutes (VBMI): a table of 64 integers is one register, indexed by codes,
//! and the order of bytes in a quad is another permute. B's integers are unsigned, raised by an
//! offset.

use super::avx512_transpose::columns;
use super::gemm::fetch_next;
use crate::kernel::gemm::{
    AInt8, AInt8Rows, AInt8Words, BInt8, CodeRows, GemvPanel, Lanes, MR, MicroTile, NR, PANELS,
    Quad, SmallIntegers, by_fours,
};
use bytemuck::{must_cast, must_cast_ref};
use core::arch::x86_64::{
    __m512, __m512i, _mm512_and_si512, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_mul_ps, _mm512_multishift_epi64_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_srli_epi16,
    _mm512_sub_epi8, _mm512_sub_epi32, _mm512_xor_si512,
};

/// The byte permute from four rows of 16 columns to four k of each column.
const QUADS: Quad = {
    let (mut indices, mut i) = ([0; 64], 0);
    while i < 64 {
        indices[i] = (i % 4 * NR + i / 4) as u8;
        i += 1;
    }
    indices
};

/// Returns the integers of 64 codes, raised by the largest magnitude.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn integers_of(table: Option<__m512i>, codes: __m512i) -> __m512i {
    match table {
        // The permute reads 6 bits of a code; the table repeats for shorter codes.
        Some(table) => _mm512_permutexvar_epi8(codes, table),
        // 8-bit integers: adding 128 is flipping the top bit.
        None => _mm512_xor_si512(codes, _mm512_set1_epi8(i8::MIN)),
    }
}

/// Writes quads of raised integers from codes given k by k, in blocks of `block_k`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn quads(
    integers: &SmallIntegers,
    codes: &[Lanes<u8>],
    block_k: usize,
    quads: &mut [Quad],
) {
    let order: __m512i = must_cast(QUADS);
    let table: Option<__m512i> = integers.table.map(must_cast);
    by_fours(codes, block_k, quads, |rows| {
        must_cast(integers_of(table, _mm512_permutexvar_epi8(order, must_cast(*rows))))
    });
}

/// The bits at which 4-bit codes begin in eight bytes, two columns of eight codes: those of the
/// first four k, and of the other four.
const HALVES: [[u8; 8]; 2] = [[0, 4, 8, 12, 32, 36, 40, 44], [16, 20, 24, 28, 48, 52, 56, 60]];

/// Writes quads of raised integers from quads of 4-bit codes: two for each, or one for the last.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn quads_of_nibbles(integers: &SmallIntegers, pairs: &[Quad], quads: &mut [Quad]) {
    let (table, halves) = (integers.table.map(must_cast), HALVES.map(|half| must_cast([half; 8])));
    for (pairs, quads) in pairs.iter().zip(quads.chunks_mut(2)) {
        // A multishift picks 8 bits at any bit position; the table ignores the upper ones.
        for (half, quad) in halves.iter().zip(quads) {
            *quad = must_cast(integers_of(
                table,
                _mm512_multishift_epi64_epi8(*half, must_cast(*pairs)),
            ));
        }
    }
}

/// Calls `take` with quads of raised integers of 16 rows of `length` codes, four k at a time.
/// Behind the last code they are the integers of code 0.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn walk_rows(
    integers: &SmallIntegers,
    rows: &CodeRows<'_>,
    length: usize,
    mut take: impl FnMut(__m512i),
) {
    let table: Option<__m512i> = integers.table.map(must_cast);
    if rows.paired {
        let halves = HALVES.map(|half| must_cast([half; 8]));
        // A column of four bytes is two quads; the last may be one.
        let mut rest = length.div_ceil(4);
        columns(&rows.bytes, |column| {
            for half in &halves[..rest.min(2)] {
                take(integers_of(table, _mm512_multishift_epi64_epi8(*half, column)));
            }
            rest = rest.saturating_sub(2);
        });
    } else {
        columns(&rows.bytes, |column| take(integers_of(table, column)));
    }
}

/// Writes quads of raised integers from rows of `length` codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn quads_of_rows(
    integers: &SmallIntegers,
    rows: &CodeRows<'_>,
    length: usize,
    quads: &mut [Quad],
) {
    let mut quads = quads.iter_mut();
    walk_rows(integers, rows, length, |quad| {
        quads.by_ref().take(1).for_each(|to| *to = must_cast(quad));
    });
}

/// Returns the words and compensations of 16 rows of A from their codes, in blocks of `block_k`. B
/// is raised by `offset`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn words_of_rows(
    integers: &SmallIntegers,
    offset: u32,
    rows: &CodeRows<'_>,
    length: usize,
    block_k: usize,
    AInt8Words { words, compensation }: &mut AInt8Words,
) {
    words.clear();
    compensation.clear();
    let (mut k, mut sum) = (0usize, _mm512_setzero_si512());
    let (offset_a, offset_b) =
        (_mm512_set1_epi8(integers.largest as u8 as i8), _mm512_set1_epi8(offset as u8 as i8));
    walk_rows(integers, rows, length, |quad| {
        // Bytes behind the last k are cleared: they must add nothing.
        let there = u32::MAX >> (8 * (k + 4).saturating_sub(length));
        let signed =
            _mm512_and_si512(_mm512_sub_epi8(quad, offset_a), _mm512_set1_epi32(there as i32));
        // Σ a times B's offset, 16 rows at once.
        sum = _mm512_dpbusd_epi32(sum, offset_b, signed);
        words.extend(must_cast::<__m512i, [u32; NR]>(signed));
        k += 4;
        // The end of a block: its compensation is the negative sum.
        if k % block_k == 0 || k >= length {
            compensation.extend(must_cast::<__m512i, Lanes<i32>>(_mm512_sub_epi32(
                _mm512_setzero_si512(),
                sum,
            )));
            sum = _mm512_setzero_si512();
        }
    });
}

/// Adds the sums of all blocks, `acc + sum · (scale_a · scale_b)`, fused, for R rows by one
/// panel.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn chain<const R: usize>(a: &AInt8<'_>, b: &BInt8<'_>, acc: &mut [Lanes<f32>; R]) {
    let (words, compensation, scales) = (
        a.words.as_chunks::<R>().0,
        a.compensation.as_chunks::<R>().0,
        a.scales.as_chunks::<R>().0,
    );
    let mut sums: [__m512; R] = acc.map(must_cast);
    let blocks = words
        .chunks(b.block_quads)
        .zip(b.quads.chunks(b.block_quads))
        .zip(compensation.iter().zip(scales))
        .zip(b.scales);
    for (((words, quads), (compensation, scale_a)), scale_b) in blocks {
        // i32 sums of a block start from the compensation of their row.
        let mut partial = [_mm512_set1_epi32(0); R];
        for (sum, initial) in partial.iter_mut().zip(compensation) {
            *sum = _mm512_set1_epi32(*initial);
        }
        for (words, quad) in words.iter().zip(quads) {
            let quad: __m512i = must_cast(*quad);
            for (sum, word) in partial.iter_mut().zip(words) {
                *sum = _mm512_dpbusd_epi32(*sum, quad, _mm512_set1_epi32(*word as i32));
            }
        }
        let scale_b: __m512 = must_cast(*scale_b);
        for ((sum, partial), scale_a) in sums.iter_mut().zip(partial).zip(scale_a) {
            *sum = _mm512_fmadd_ps(
                _mm512_cvtepi32_ps(partial),
                _mm512_mul_ps(_mm512_set1_ps(*scale_a), scale_b),
                *sum,
            );
        }
    }
    *acc = sums.map(must_cast);
}

/// Adds the sums of all blocks for 16 rows by two panels, one half of the rows after the other.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn chain_x2(a: &AInt8<'_>, b: &[BInt8<'_>; 2], acc: &mut [MicroTile<f32>; 2]) {
    let (words, compensation) = (a.words.as_chunks::<MR>().0, a.compensation.as_chunks::<MR>().0);
    let (scales, block_quads) = (a.scales.as_chunks::<MR>().0, b[0].block_quads);
    for half in 0..2 {
        let mut sums: [[__m512; 8]; 2] =
            core::array::from_fn(|p| core::array::from_fn(|i| must_cast(acc[p][8 * half + i])));
        let quads = b[0].quads.chunks(block_quads).zip(b[1].quads.chunks(block_quads));
        let scale_b = b[0].scales.iter().zip(b[1].scales);
        for ((words, quads), ((compensation, scale_a), scale_b)) in
            words.chunks(block_quads).zip(quads).zip(compensation.iter().zip(scales).zip(scale_b))
        {
            // The 8 entries of this half.
            let [compensation, scale_a] =
                [compensation.map(|x| x as u32), scale_a.map(f32::to_bits)]
                    .map(|all| must_cast::<_, [[u32; 8]; 2]>(all)[half]);
            let mut partial = [compensation.map(|initial| _mm512_set1_epi32(initial as i32)); 2];
            for ((words, q0), q1) in words.iter().zip(quads.0).zip(quads.1) {
                // One half prefetches the next stretch of A: both read the same words.
                if half == 0 {
                    fetch_next(words);
                }
                let words = &must_cast_ref::<[u32; MR], [[u32; 8]; 2]>(words)[half];
                let (q0, q1): (__m512i, __m512i) = (must_cast(*q0), must_cast(*q1));
                // Two quads and eight broadcasts for 16 dot products.
                for (i, word) in words.iter().enumerate() {
                    let word = _mm512_set1_epi32(*word as i32);
                    partial[0][i] = _mm512_dpbusd_epi32(partial[0][i], q0, word);
                    partial[1][i] = _mm512_dpbusd_epi32(partial[1][i], q1, word);
                }
            }
            for ((sums, partial), scale_b) in
                sums.iter_mut().zip(partial).zip([scale_b.0, scale_b.1])
            {
                let scale_b: __m512 = must_cast(*scale_b);
                for ((sum, partial), scale_a) in sums.iter_mut().zip(partial).zip(scale_a) {
                    let scale = _mm512_mul_ps(_mm512_set1_ps(f32::from_bits(scale_a)), scale_b);
                    *sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(partial), scale, *sum);
                }
            }
        }
        for (acc, sums) in acc.iter_mut().zip(sums) {
            acc[8 * half..].iter_mut().zip(sums).for_each(|(acc, sum)| *acc = must_cast(sum));
        }
    }
}

/// Writes the byte dot products of 1, 2, 4 or 8 rows by four panels of codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn rows(
    integers: &SmallIntegers,
    a: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let order: __m512i = must_cast(QUADS);
    match integers.table.map(must_cast) {
        // Two codes a byte: quads without a permute, since A's words are in the order k = 0, 2, 4,
        // 6 and 1, 3, 5, 7. The table ignores the bits above a code.
        Some(table) if a.paired => {
            let quads = |pairs| {
                [
                    integers_of(Some(table), pairs),
                    integers_of(Some(table), _mm512_srli_epi16::<4>(pairs)),
                ]
            };
            sums(quads, a, panels, to);
        }
        // One code a byte: four rows of 16 columns are permuted to a quad.
        table => {
            let quad = |codes| [integers_of(table, _mm512_permutexvar_epi8(order, codes))];
            sums(quad, a, panels, to);
        }
    }
}

/// Writes the sums of a few rows, where `quads` turns 64 bytes of codes into `QUADS` quads.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn sums<const QUADS: usize>(
    quads: impl Fn(__m512i) -> [__m512i; QUADS],
    a: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    debug_assert!(matches!(to.len(), 1 | 2 | 4 | 8), "the height of a tile");
    // The number of rows is a constant of each loop, so that all sums have registers.
    match to.len() {
        1 => sums_of_rows::<1, PANELS, QUADS>(&quads, a, panels, to),
        2 => sums_of_rows::<2, PANELS, QUADS>(&quads, a, panels, to),
        4 => sums_of_rows::<4, PANELS, QUADS>(&quads, a, panels, to),
        _ => sums_of_rows::<8, 2, QUADS>(&quads, a, panels, to),
    }
}

/// Writes the byte dot products of R rows, P panels at a time: R · P i32 sums in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn sums_of_rows<const R: usize, const P: usize, const QUADS: usize>(
    quads: &impl Fn(__m512i) -> [__m512i; QUADS],
    a: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let AInt8Rows { block_words, unit, a: AInt8 { words, compensation, scales }, .. } = *a;
    let (words, compensation, scales) =
        (words.as_chunks::<R>().0, compensation.as_chunks::<R>().0, scales.as_chunks::<R>().0);
    let unit = _mm512_set1_ps(unit);
    for (part, panels) in panels.as_chunks::<P>().0.iter().enumerate() {
        let mut sums = [[_mm512_setzero_ps(); P]; R];
        for (block, (words, (compensation, scales))) in
            words.chunks(block_words).zip(compensation.iter().zip(scales)).enumerate()
        {
            let words = words.as_chunks::<QUADS>().0;
            // The codes of this block in each panel, in step with A's words.
            let mut codes = [&[][..]; P];
            for (codes, panel) in codes.iter_mut().zip(panels) {
                *codes =
                    &panel.codes.as_chunks::<64>().0[block * block_words / QUADS..][..words.len()];
            }
            let mut partials = [[_mm512_setzero_si512(); P]; R];
            for (partials, initial) in partials.iter_mut().zip(compensation) {
                *partials = [_mm512_set1_epi32(*initial); P];
            }
            // 64 bytes of each panel are read from memory once and serve all rows.
            for (i, words) in words.iter().enumerate() {
                for (panel, codes) in codes.iter().enumerate() {
                    for (quad, words) in quads(must_cast(codes[i])).into_iter().zip(words) {
                        for (partials, word) in partials.iter_mut().zip(words) {
                            partials[panel] = _mm512_dpbusd_epi32(
                                partials[panel],
                                quad,
                                _mm512_set1_epi32(*word as i32),
                            );
                        }
                    }
                }
            }
            // Once for a block: to f32, and times the scales.
            for (panel, of_panel) in panels.iter().enumerate() {
                let scale_b = _mm512_mul_ps(must_cast(of_panel.factors.at(block)), unit);
                for ((sums, partials), scale_a) in sums.iter_mut().zip(&partials).zip(scales) {
                    let scale = _mm512_mul_ps(_mm512_set1_ps(*scale_a), scale_b);
                    sums[panel] =
                        _mm512_fmadd_ps(_mm512_cvtepi32_ps(partials[panel]), scale, sums[panel]);
                }
            }
        }
        for (to, sums) in to.iter_mut().zip(sums) {
            for (to, sum) in to[part * P..].iter_mut().zip(sums) {
                *to = must_cast(sum);
            }
        }
    }
}
