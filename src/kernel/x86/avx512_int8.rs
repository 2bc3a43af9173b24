//! Dot products of bytes in intrinsics: safe functions, entered after detection.

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

/// Where the four bytes of each column are among four positions of 16 columns.
const QUADS: Quad = {
    let (mut indices, mut i) = ([0; 64], 0);
    while i < 64 {
        indices[i] = (i % 4 * NR + i / 4) as u8;
        i += 1;
    }
    indices
};

/// The integers of codes, higher by the largest magnitude.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn integers_of(table: Option<__m512i>, codes: __m512i) -> __m512i {
    match table {
        Some(table) => _mm512_permutexvar_epi8(codes, table),
        None => _mm512_xor_si512(codes, _mm512_set1_epi8(i8::MIN)),
    }
}

/// Codes, position by position in blocks of `block_k`, to quads of integers.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn quads(
    integers: &SmallIntegers,
    codes: &[Lanes<u8>],
    block_k: usize,
    quads: &mut [Quad],
) {
    let order: __m512i = must_cast(QUADS);
    let table: Option<__m512i> = integers.table.map(must_cast);
    by_fours(codes, block_k, quads, |four| {
        must_cast(integers_of(table, _mm512_permutexvar_epi8(order, must_cast(*four))))
    });
}

/// Where in eight bytes, two columns of pairs, the codes of the first four positions begin, and of
/// the others.
const HALVES: [[u8; 8]; 2] = [[0, 4, 8, 12, 32, 36, 40, 44], [16, 20, 24, 28, 48, 52, 56, 60]];

/// Quads of pairs of codes to twice as many quads of integers, or one less.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn quads_of_nibbles(integers: &SmallIntegers, pairs: &[Quad], quads: &mut [Quad]) {
    let (table, halves) = (integers.table.map(must_cast), HALVES.map(|half| must_cast([half; 8])));
    for (pairs, quads) in pairs.iter().zip(quads.chunks_mut(2)) {
        for (half, quad) in halves.iter().zip(quads) {
            *quad = must_cast(integers_of(
                table,
                _mm512_multishift_epi64_epi8(*half, must_cast(*pairs)),
            ));
        }
    }
}

/// Hands on the integers of rows of codes, one a byte or in pairs, higher by the largest magnitude:
/// four of `length` positions at a time, of code 0 behind the last.
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

/// Codes of `length` positions row by row to quads of integers.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn quads_of_rows(
    integers: &SmallIntegers,
    rows: &CodeRows<'_>,
    length: usize,
    quads: &mut [Quad],
) {
    let mut quads = quads.iter_mut();
    walk_rows(integers, rows, length, |quad| {
        quads.by_ref().take(1).for_each(|to| *to = must_cast(quad))
    });
}

/// Codes of 16 rows of A to words and compensations; B is `offset` higher.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn words_of_rows(
    integers: &SmallIntegers,
    offset: u32,
    rows: &CodeRows<'_>,
    length: usize,
    block_k: usize,
) -> AInt8Words {
    let AInt8Words { mut words, mut compensation } = AInt8Words::default();
    let (mut position, mut sum) = (0usize, _mm512_setzero_si512());
    let (own, offset) =
        (_mm512_set1_epi8(integers.largest as u8 as i8), _mm512_set1_epi8(offset as u8 as i8));
    walk_rows(integers, rows, length, |quad| {
        // Nothing is there behind the last position.
        let there = u32::MAX >> (8 * (position + 4).saturating_sub(length));
        let signed = _mm512_and_si512(_mm512_sub_epi8(quad, own), _mm512_set1_epi32(there as i32));
        sum = _mm512_dpbusd_epi32(sum, offset, signed);
        words.extend(must_cast::<__m512i, [u32; NR]>(signed));
        position += 4;
        if position % block_k == 0 || position >= length {
            compensation.extend(must_cast::<__m512i, Lanes<i32>>(_mm512_sub_epi32(
                _mm512_setzero_si512(),
                sum,
            )));
            sum = _mm512_setzero_si512();
        }
    });
    AInt8Words { words, compensation }
}

/// `acc + sum · (scale · scale)`, fused, for each block in turn, for one panel.
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
        let mut partial = [_mm512_set1_epi32(0); R];
        for (sum, start) in partial.iter_mut().zip(compensation) {
            *sum = _mm512_set1_epi32(*start);
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

/// Two panels at a time, half of the rows after the other: 16 sums, for which 10 registers are
/// loaded for every quad.
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
            let [compensation, scale_a] =
                [compensation.map(|x| x as u32), scale_a.map(f32::to_bits)]
                    .map(|all| must_cast::<_, [[u32; 8]; 2]>(all)[half]);
            let mut partial = [compensation.map(|start| _mm512_set1_epi32(start as i32)); 2];
            for ((words, q0), q1) in words.iter().zip(quads.0).zip(quads.1) {
                if half == 0 {
                    fetch_next(words);
                }
                let words = &must_cast_ref::<[u32; MR], [[u32; 8]; 2]>(words)[half];
                let (q0, q1): (__m512i, __m512i) = (must_cast(*q0), must_cast(*q1));
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

/// Dot products of 1, 2, 4 or 8 rows by four panels of codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn rows(
    integers: &SmallIntegers,
    a: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let order: __m512i = must_cast(QUADS);
    match integers.table.map(must_cast) {
        // A table of 4-bit codes ignores the bits above, which neighbours leave.
        Some(table) if a.paired => {
            let quads = |pairs| {
                [
                    integers_of(Some(table), pairs),
                    integers_of(Some(table), _mm512_srli_epi16::<4>(pairs)),
                ]
            };
            sums(quads, a, panels, to);
        }
        table => {
            let quad = |codes| [integers_of(table, _mm512_permutexvar_epi8(order, codes))];
            sums(quad, a, panels, to);
        }
    }
}

/// The sums, where 64 bytes are so many quads, in blocks of `block_words` words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn sums<const QUADS: usize>(
    quads: impl Fn(__m512i) -> [__m512i; QUADS],
    a: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    debug_assert!(matches!(to.len(), 1 | 2 | 4 | 8), "the height of a tile");
    match to.len() {
        1 => sums_of_rows::<1, PANELS, QUADS>(&quads, a, panels, to),
        2 => sums_of_rows::<2, PANELS, QUADS>(&quads, a, panels, to),
        4 => sums_of_rows::<4, PANELS, QUADS>(&quads, a, panels, to),
        _ => sums_of_rows::<8, 2, QUADS>(&quads, a, panels, to),
    }
}

/// Dot products of R rows, P panels at a time: R · P sums in registers.
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
            let mut codes = [&[][..]; P];
            for (codes, panel) in codes.iter_mut().zip(panels) {
                *codes =
                    &panel.codes.as_chunks::<64>().0[block * block_words / QUADS..][..words.len()];
            }
            let mut partials = [[_mm512_setzero_si512(); P]; R];
            for (partials, start) in partials.iter_mut().zip(compensation) {
                *partials = [_mm512_set1_epi32(*start); P];
            }
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
