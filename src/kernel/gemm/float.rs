//! The micro-kernels for f32, f64 and rounded sums: C += A·B for an MR × NR tile of C, 16 × 16.
//!
//! ```text
//! acc[0..mr][0..16] in registers                  // as many rows at a time as fit
//! for k in 0..KC:                                  // the K loop
//!     b = B panel[k]                               // 16 columns: one vector load, from L1
//!     for i in 0..mr: acc[i] += a[k][i] · b        // a is broadcast; packed A lies in L2
//! ```
//!
//! B is a packed panel, KC × 16 numbers, 8 KiB in L1. A is packed by tiles, `height(rows)` numbers
//! for each k. Every lane is one element of C and takes its products in the order of k. So the
//! shape of a tile, the width of a register and the number of threads change no bit.
//!
//! The plain loops here are what targets without intrinsics run; x86-64 overrides them.

use super::intrinsics::GemmIntrinsics;
use super::rounded::{Rounding, chain_body};
use super::tile::{Blocks, Lanes, MR, MicroTile, NR, by_rows, double_body, height};
use crate::bits::fma_f32;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::kernel::negative_zero::NegativeZero;

/// Runs [`fma_rows`] over all rows of a tile.
fn fma<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    by_rows!(R, fma_rows(a, b, acc));
}

/// Continues chains of fused multiply-adds for N rows from `first` on. Their sums are copied to
/// locals, which the compiler keeps in registers over the whole K loop.
fn fma_rows<const R: usize, const N: usize>(
    first: usize,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    let mut sums = [[0.0; NR]; N];
    sums.copy_from_slice(&acc[first..first + N]);
    // Along k: a row of the B panel is loaded once for N rows of A.
    for (a, b) in a.iter().zip(b) {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = a[first + i];
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum = fma_f32(a, *b, *sum));
        }
    }
    acc[first..first + N].copy_from_slice(&sums);
}

/// Sums block by block along k: a chain from zero for each block, then one fused multiply-add by
/// the product of the two scales.
fn blocks<const R: usize>(
    blocks: &Blocks<'_>,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    let (scales, _) = blocks.rows.as_chunks::<R>();
    for (((a, b), scale_a), scale_b) in
        a.chunks(blocks.block_k).zip(b.chunks(blocks.block_k)).zip(scales).zip(blocks.cols)
    {
        // A partial tile of its own for each block of K, as block-scaled formats define it.
        let mut partial = [[0.0; NR]; R];
        fma(a, b, &mut partial);
        for ((acc, partial), scale_a) in acc.iter_mut().zip(partial).zip(scale_a) {
            for ((acc, partial), scale_b) in acc.iter_mut().zip(partial).zip(scale_b) {
                // The product of the scales is rounded first, then the sum once.
                *acc = fma_f32(partial, scale_a * scale_b, *acc);
            }
        }
    }
}

/// Defines `fn name(isa, parameters, rows, a, b, acc)`, which runs the micro-kernel of height
/// `height(rows)`: that of the instruction set, or the plain one. `a` has `height(rows)` numbers
/// for each k; `acc` has at least as many rows, which are read, continued and written back.
macro_rules! tiles {
    ($(
        $(#[$doc:meta])*
        fn $name:ident($($arg:ident: $type:ty),*)[$acc:ty] = $intrinsic:ident or $plain:path;
    )*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(
            isa: Isa,
            $($arg: $type,)*
            rows: usize,
            a: &[f32],
            b: &[Lanes<f32>],
            acc: &mut [Lanes<$acc>],
        ) {
            fn tile<const R: usize>(
                isa: Isa,
                $($arg: $type,)*
                a: &[f32],
                b: &[Lanes<f32>],
                acc: &mut [Lanes<$acc>],
            ) {
                let (Some(acc), (a, _)) = (acc.first_chunk_mut::<R>(), a.as_chunks::<R>()) else {
                    return;
                };
                if !Native::$intrinsic(isa, $($arg,)* a, b, acc) {
                    $plain($($arg,)* a, b, acc);
                }
            }
            // Five heights are compiled; a tile with another number of rows is padded to the next.
            match height(rows) {
                1 => tile::<1>(isa, $($arg,)* a, b, acc),
                2 => tile::<2>(isa, $($arg,)* a, b, acc),
                4 => tile::<4>(isa, $($arg,)* a, b, acc),
                8 => tile::<8>(isa, $($arg,)* a, b, acc),
                _ => tile::<MR>(isa, $($arg,)* a, b, acc),
            }
        }
    )*};
}

tiles! {
    /// Continues chains of f32 fused multiply-adds.
    fn chain_f32()[f32] = chain_f32 or fma;
    /// Continues chains of f64 sums. The product of two f32s is exact in f64.
    fn chain_f64()[f64] = chain_f64 or double_body;
    /// Adds the partial sums of blocks: `acc + partial · (scale_a · scale_b)`, fused, where each
    /// partial sum is a chain of fused multiply-adds from zero.
    fn chain_blocks(parts: &Blocks<'_>)[f32] = chain_blocks or blocks;
    /// Continues chains of sums that are rounded to a format at each step.
    fn chain_rounded(rounding: &Rounding)[f32] = chain_rounded or chain_body;
}

/// Runs [`chain_f32`] for one panel of B or two. A kernel for two loads each number of A once for
/// both.
pub(crate) fn chain_f32_of(
    isa: Isa,
    rows: usize,
    a: &[f32],
    b: &[&[Lanes<f32>]],
    acc: &mut [MicroTile<f32>],
) {
    // Two panels and a full tile: 16 rows by 32 columns.
    if let (Some(b), Some(acc), MR) = (b.first_chunk(), acc.first_chunk_mut(), height(rows))
        && Native::chain_f32_x2(isa, a.as_chunks().0, *b, acc)
    {
        return;
    }
    b.iter().zip(acc).for_each(|(b, acc)| chain_f32(isa, rows, a, b, acc));
}

/// Runs [`chain_blocks`] for one panel of B or two.
pub(crate) fn chain_blocks_of(
    isa: Isa,
    parts: &[Blocks<'_>],
    rows: usize,
    a: &[f32],
    b: &[&[Lanes<f32>]],
    acc: &mut [MicroTile<f32>],
) {
    // Two panels of a full tile have a kernel of their own.
    if let (Some(parts), Some(b), Some(acc), MR) =
        (parts.first_chunk(), b.first_chunk(), acc.first_chunk_mut(), height(rows))
        && Native::chain_blocks_x2(isa, parts, a.as_chunks().0, *b, acc)
    {
        return;
    }
    parts
        .iter()
        .zip(b)
        .zip(acc)
        .for_each(|((parts, b), acc)| chain_blocks(isa, parts, rows, a, b, acc));
}

/// Multiplies every number, with −0 kept or cleared first, by the factor of its column.
pub(crate) fn scale_lanes(
    isa: Isa,
    numbers: &mut [Lanes<f32>],
    negative_zero: NegativeZero,
    factors: &Lanes<f32>,
) {
    let addend = negative_zero.addend();
    if !Native::scale_lanes(isa, numbers, addend, factors) {
        numbers.iter_mut().for_each(|row| {
            row.iter_mut().zip(factors).for_each(|(x, factor)| *x = (*x + addend) * factor);
        });
    }
}

/// Returns x with its bits below `2^last` cleared: x truncated toward zero to a multiple of
/// `2^last`.
#[inline(always)]
fn above(x: f32, last: i32) -> f32 {
    let bits = x.to_bits();
    // The exponent of the last mantissa bit; a subnormal f32 has that of the field 1.
    let unit = ((bits >> 23 & 0xFF) as i32).max(1) - 150;
    let drop = last.saturating_sub(unit).clamp(0, 24) as u32;
    f32::from_bits(if drop > 23 { 0 } else { bits & u32::MAX << drop })
}

#[inline(always)]
fn cut_bits_body(from: i32, to: i32, numbers: &mut [f32]) {
    // Both are truncations of x, so the difference is exact, and it normalises what lost its hidden
    // bit.
    numbers.iter_mut().for_each(|x| *x = above(*x, from) - above(*x, to));
}

#[inline(always)]
fn scale_plus_body(numbers: &mut [Lanes<f32>], factors: &Lanes<f32>, addends: &Lanes<f32>) {
    for row in numbers {
        // Product and sum are rounded each.
        row.iter_mut().zip(factors.iter().zip(addends)).for_each(|(x, (f, add))| *x = *x * f + add);
    }
}

#[inline(always)]
fn less_body(numbers: &mut [Lanes<f32>], offsets: &Lanes<f32>, factors: &Lanes<f32>) {
    for row in numbers {
        row.iter_mut().zip(offsets.iter().zip(factors)).for_each(|(x, (z, f))| *x = (*x - z) * f);
    }
}

#[inline(always)]
fn dot_f32_body(a: &[f32], b: &[f32], acc: &mut f32) {
    *acc = a.iter().zip(b).fold(*acc, |acc, (a, b)| fma_f32(*a, *b, acc));
}

#[inline(always)]
fn dot_f64_body(a: &[f32], b: &[f32], acc: &mut f64) {
    *acc = a.iter().zip(b).fold(*acc, |acc, (a, b)| acc + f64::from(*a) * f64::from(*b));
}

per_isa! {
    /// Continues one chain of f32 fused multiply-adds: a single element of C.
    fn dot_f32[](a: &[f32], b: &[f32], acc: &mut f32) = dot_f32_body;
    /// Continues one chain of f64 sums.
    fn dot_f64[](a: &[f32], b: &[f32], acc: &mut f64) = dot_f64_body;
    /// Multiplies every number by the factor of its column, then adds the addend of its column.
    fn scale_lanes_plus[](
        numbers: &mut [Lanes<f32>], factors: &Lanes<f32>, addends: &Lanes<f32>,
    ) = scale_plus_body;
    /// Subtracts the offset of its column from every number, then multiplies by the factor of its
    /// column.
    fn scale_lanes_less[](
        numbers: &mut [Lanes<f32>], offsets: &Lanes<f32>, factors: &Lanes<f32>,
    ) = less_body;
    /// Keeps the bits of finite numbers from `2^from` to below `2^to`: slices for exact sums.
    fn cut_bits[](from: i32, to: i32, numbers: &mut [f32]) = cut_bits_body;
}
