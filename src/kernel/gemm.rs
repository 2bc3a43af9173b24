//! Sums of products for tiles of a matrix product: up to 16 rows by 16 columns, the columns across the lanes. Every lane takes its products in the order of
//! *k*, so a tile's shape and the width of a register change no bit.

use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::isa::Kind;
use super::rounding::Rounding;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86_gemm;
use crate::bits::fma_f32;

/// Columns of a tile.
pub(crate) const LANES: usize = 16;

/// Rows that a tile can have, and the heights that kernels are made for.
pub(crate) const ROWS: usize = 16;

/// Lines of numbers, 16 for a position, or of words, that all tiles go through before the next: those of a panel stay in the first-level cache, those of
/// all tiles in the second.
pub(crate) const PIECE: usize = 128;

/// One number for each column.
pub(crate) type Lanes<T> = [T; LANES];

/// The height of the kernel for so many rows.
pub(crate) const fn height(rows: usize) -> usize {
    match rows {
        0..=1 => 1,
        2 => 2,
        3..=4 => 4,
        5..=8 => 8,
        _ => ROWS,
    }
}

/// Runs a function for all rows of a tile, with the first of them, as many at a time as have their sums in registers: two each of AVX2's 16, four of the 32 that
/// others have of 128 bits.
macro_rules! by_rows {
    ($rows:expr, $function:ident($($argument:expr),*)) => {
        match $rows {
            16 => {
                $function::<$rows, 6>(0, $($argument),*);
                $function::<$rows, 5>(6, $($argument),*);
                $function::<$rows, 5>(11, $($argument),*);
            }
            8 => {
                $function::<$rows, 4>(0, $($argument),*);
                $function::<$rows, 4>(4, $($argument),*);
            }
            _ => $function::<$rows, $rows>(0, $($argument),*),
        }
    };
}
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) use by_rows;

fn fma<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    by_rows!(R, fma_rows(a, b, acc));
}

fn fma_rows<const R: usize, const N: usize>(first: usize, a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    let mut sums = [[0.0; LANES]; N];
    sums.copy_from_slice(&acc[first..first + N]);
    for (a, b) in a.iter().zip(b) {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = a[first + i];
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum = fma_f32(a, *b, *sum));
        }
    }
    acc[first..first + N].copy_from_slice(&sums);
}

#[inline(always)]
pub(super) fn double_body<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f64>; R]) {
    for (a, b) in a.iter().zip(b) {
        for (acc, a) in acc.iter_mut().zip(a) {
            acc.iter_mut().zip(b).for_each(|(acc, b)| *acc += f64::from(*a) * f64::from(*b));
        }
    }
}

/// Blocks of positions with scales on both sides, whose products are f32s.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct Blocks<'a> {
    /// Positions of a block; the last may be shorter.
    pub(crate) run: usize,
    /// For each block the scales of the tile's rows, `height(rows)` of them.
    pub(crate) rows: &'a [f32],
    /// Whether those may be other than 1.
    pub(crate) rows_scaled: bool,
    /// For each block the scales of the columns.
    pub(crate) cols: &'a [Lanes<f32>],
}

fn blocks<const R: usize>(blocks: &Blocks<'_>, a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    let (scales, _) = blocks.rows.as_chunks::<R>();
    for (((a, b), mine), theirs) in a.chunks(blocks.run).zip(b.chunks(blocks.run)).zip(scales).zip(blocks.cols) {
        let mut partial = [[0.0; LANES]; R];
        fma(a, b, &mut partial);
        for ((acc, partial), mine) in acc.iter_mut().zip(partial).zip(mine) {
            for ((acc, partial), theirs) in acc.iter_mut().zip(partial).zip(theirs) {
                *acc = fma_f32(partial, mine * theirs, *acc);
            }
        }
    }
}

/// Stamps `fn name(isa, parameters, rows, a, b, acc)`: a kernel for every height, plain or of an instruction set. `a` has `height(rows)` numbers for every position,
/// as many sums are taken up and put back.
macro_rules! tiles {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*)[$acc:ty] = $plain:path, $avx2:ident, $avx512:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(isa: Isa, $($arg: $type,)* rows: usize, a: &[f32], b: &[Lanes<f32>], acc: &mut [Lanes<$acc>]) {
            fn tile<const R: usize>(isa: Isa, $($arg: $type,)* a: &[f32], b: &[Lanes<f32>], acc: &mut [Lanes<$acc>]) {
                let (Some(acc), (a, _)) = (acc.first_chunk_mut::<R>(), a.as_chunks::<R>()) else { return };
                match isa.kind() {
                    #[cfg(all(feature = "std", target_arch = "x86_64"))]
                    // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
                    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                    Kind::Avx2 => unsafe { x86_gemm::$avx2($($arg,)* a, b, acc) },
                    #[cfg(all(feature = "std", target_arch = "x86_64"))]
                    // SAFETY: as above.
                    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                    Kind::Avx512 | Kind::Avx512Vbmi => unsafe { x86_gemm::$avx512($($arg,)* a, b, acc) },
                    #[allow(unreachable_patterns, reason = "the other kinds are x86's")]
                    _ => $plain($($arg,)* a, b, acc),
                }
            }
            match height(rows) {
                1 => tile::<1>(isa, $($arg,)* a, b, acc),
                2 => tile::<2>(isa, $($arg,)* a, b, acc),
                4 => tile::<4>(isa, $($arg,)* a, b, acc),
                8 => tile::<8>(isa, $($arg,)* a, b, acc),
                _ => tile::<ROWS>(isa, $($arg,)* a, b, acc),
            }
        }
    )*};
}

tiles! {
    /// Chains of fused multiply-adds.
    fn chain_f32()[f32] = fma, fma_avx2, fma_avx512;
    /// Chains of f64 sums; the products of two f32s are exact.
    fn chain_f64()[f64] = double_body, double_avx2, double_avx512;
    /// Chains of fused multiply-adds block by block, each from zero, and `acc + partial · (scale · scale)` for each.
    fn chain_blocks(parts: &Blocks<'_>)[f32] = blocks, blocks_avx2, blocks_avx512;
    /// Chains of sums rounded to a format, as its numbers.
    fn chain_rounded(rounding: &Rounding)[f32] = super::rounding::chain_body, rounded_avx2, rounded_avx512;
}

/// Sums of a tile.
pub(crate) type Block<T> = [Lanes<T>; ROWS];

/// [`chain_f32`] for one panel or two: with two a number of the left side is loaded once for both.
pub(crate) fn chain_f32_of(isa: Isa, rows: usize, a: &[f32], b: &[&[Lanes<f32>]], acc: &mut [Block<f32>]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let (Some(b), Some(acc), true) = (b.first_chunk(), acc.first_chunk_mut(), isa.is_avx512() && height(rows) == ROWS) {
        // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        return unsafe { x86_gemm::fma_pair(a.as_chunks().0, *b, acc) };
    }
    b.iter().zip(acc).for_each(|(b, acc)| chain_f32(isa, rows, a, b, acc));
}

/// [`chain_blocks`] for one panel or two.
pub(crate) fn chain_blocks_of(isa: Isa, parts: &[Blocks<'_>], rows: usize, a: &[f32], b: &[&[Lanes<f32>]], acc: &mut [Block<f32>]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let (Some(parts), Some(b), Some(acc), true) =
        (parts.first_chunk(), b.first_chunk(), acc.first_chunk_mut(), isa.is_avx512() && height(rows) == ROWS)
    {
        let a = a.as_chunks().0;
        return if parts[0].rows_scaled {
            // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            unsafe {
                x86_gemm::blocks_pair::<true>(parts, a, *b, acc);
            }
        } else {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            unsafe {
                x86_gemm::blocks_pair::<false>(parts, a, *b, acc);
            }
        };
    }
    parts.iter().zip(b).zip(acc).for_each(|((parts, b), acc)| chain_blocks(isa, parts, rows, a, b, acc));
}

/// Every number, with a zero added, times the factor of its column. Adding −0 changes nothing, adding +0 makes every zero +0.
pub(crate) fn scale_lanes(isa: Isa, numbers: &mut [Lanes<f32>], zero: f32, factors: &Lanes<f32>) {
    match isa.kind() {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        Kind::Avx512 | Kind::Avx512Vbmi => unsafe { x86_gemm::scale_lanes_avx512(numbers, zero, factors) },
        _ => numbers.iter_mut().for_each(|row| row.iter_mut().zip(factors).for_each(|(x, factor)| *x = (*x + zero) * factor)),
    }
}

/// A number without the bits below `2^last`.
#[inline(always)]
fn above(x: f32, last: i32) -> f32 {
    let bits = x.to_bits();
    let unit = ((bits >> 23 & 0xFF) as i32).max(1) - 150;
    let drop = last.saturating_sub(unit).clamp(0, 24) as u32;
    f32::from_bits(if drop > 23 { 0 } else { bits & u32::MAX << drop })
}

#[inline(always)]
fn cut_bits_body(from: i32, to: i32, numbers: &mut [f32]) {
    // Of a subnormal number, or one whose hidden bit goes, the subtraction does it.
    numbers.iter_mut().for_each(|x| *x = above(*x, from) - above(*x, to));
}

#[inline(always)]
fn dot_f32_body(a: &[f32], b: &[f32], acc: &mut f32) {
    *acc = a.iter().zip(b).fold(*acc, |acc, (a, b)| fma_f32(*a, *b, acc));
}

#[inline(always)]
fn dot_f64_body(a: &[f32], b: &[f32], acc: &mut f64) {
    *acc = a.iter().zip(b).fold(*acc, |acc, (a, b)| acc + f64::from(*a) * f64::from(*b));
}

super::isa::per_isa! {
    /// One chain of fused multiply-adds.
    fn dot_f32[](a: &[f32], b: &[f32], acc: &mut f32) = dot_f32_body;
    /// One chain of f64 sums.
    fn dot_f64[](a: &[f32], b: &[f32], acc: &mut f64) = dot_f64_body;
    /// Of finite numbers, the bits from `2^from` to below `2^to`.
    fn cut_bits[](from: i32, to: i32, numbers: &mut [f32]) = cut_bits_body;
}
