//! Sums of products for tiles of a matrix product: up to 16 rows by 16 columns, the columns across
//! the lanes. Every lane takes its products in the order of *k*, so a tile's shape and the width of
//! a register change no bit.

use super::intrinsics::GemmIntrinsics;
use super::rounded::{Rounding, chain_body};
use super::tile::{Blocks, Lanes, MR, MicroTile, NR, by_rows, double_body, height};
use crate::bits::fma_f32;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::kernel::negative_zero::NegativeZero;

fn fma<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    by_rows!(R, fma_rows(a, b, acc));
}

fn fma_rows<const R: usize, const N: usize>(
    first: usize,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    let mut sums = [[0.0; NR]; N];
    sums.copy_from_slice(&acc[first..first + N]);
    for (a, b) in a.iter().zip(b) {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = a[first + i];
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum = fma_f32(a, *b, *sum));
        }
    }
    acc[first..first + N].copy_from_slice(&sums);
}

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
        let mut partial = [[0.0; NR]; R];
        fma(a, b, &mut partial);
        for ((acc, partial), scale_a) in acc.iter_mut().zip(partial).zip(scale_a) {
            for ((acc, partial), scale_b) in acc.iter_mut().zip(partial).zip(scale_b) {
                *acc = fma_f32(partial, scale_a * scale_b, *acc);
            }
        }
    }
}

/// Stamps `fn name(isa, parameters, rows, a, b, acc)` for every height: the instruction set's own
/// kernel, or else the plain one. `a` has `height(rows)` numbers for every position, as many sums
/// are taken up and put back.
macro_rules! tiles {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*)[$acc:ty] = $own:ident or $plain:path;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(isa: Isa, $($arg: $type,)* rows: usize, a: &[f32], b: &[Lanes<f32>], acc: &mut [Lanes<$acc>]) {
            fn tile<const R: usize>(isa: Isa, $($arg: $type,)* a: &[f32], b: &[Lanes<f32>], acc: &mut [Lanes<$acc>]) {
                let (Some(acc), (a, _)) = (acc.first_chunk_mut::<R>(), a.as_chunks::<R>()) else { return };
                if !Native::$own(isa, $($arg,)* a, b, acc) {
                    $plain($($arg,)* a, b, acc);
                }
            }
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
    /// Chains of fused multiply-adds.
    fn chain_f32()[f32] = chain_f32 or fma;
    /// Chains of f64 sums; the products of two f32s are exact.
    fn chain_f64()[f64] = chain_f64 or double_body;
    /// Chains of fused multiply-adds block by block, each from zero, and
    /// `acc + partial · (scale · scale)` for each.
    fn chain_blocks(parts: &Blocks<'_>)[f32] = chain_blocks or blocks;
    /// Chains of sums rounded to a format, as its numbers.
    fn chain_rounded(rounding: &Rounding)[f32] = chain_rounded or chain_body;
}

/// [`chain_f32`] for one panel or two: with two a number of A is loaded once for both.
pub(crate) fn chain_f32_of(
    isa: Isa,
    rows: usize,
    a: &[f32],
    b: &[&[Lanes<f32>]],
    acc: &mut [MicroTile<f32>],
) {
    if let (Some(b), Some(acc), MR) = (b.first_chunk(), acc.first_chunk_mut(), height(rows))
        && Native::chain_f32_x2(isa, a.as_chunks().0, *b, acc)
    {
        return;
    }
    b.iter().zip(acc).for_each(|(b, acc)| chain_f32(isa, rows, a, b, acc));
}

/// [`chain_blocks`] for one panel or two.
pub(crate) fn chain_blocks_of(
    isa: Isa,
    parts: &[Blocks<'_>],
    rows: usize,
    a: &[f32],
    b: &[&[Lanes<f32>]],
    acc: &mut [MicroTile<f32>],
) {
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

/// Every number, with a zero added, times the factor of its column. Adding −0 changes nothing,
/// adding +0 makes every zero +0.
pub(crate) fn scale_lanes(
    isa: Isa,
    numbers: &mut [Lanes<f32>],
    negative_zero: NegativeZero,
    factors: &Lanes<f32>,
) {
    let addend = negative_zero.addend();
    if !Native::scale_lanes(isa, numbers, addend, factors) {
        numbers.iter_mut().for_each(|row| {
            row.iter_mut().zip(factors).for_each(|(x, factor)| *x = (*x + addend) * factor)
        });
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

per_isa! {
    /// One chain of fused multiply-adds.
    fn dot_f32[](a: &[f32], b: &[f32], acc: &mut f32) = dot_f32_body;
    /// One chain of f64 sums.
    fn dot_f64[](a: &[f32], b: &[f32], acc: &mut f64) = dot_f64_body;
    /// The bits of finite numbers from `2^from` to below `2^to`.
    fn cut_bits[](from: i32, to: i32, numbers: &mut [f32]) = cut_bits_body;
}
