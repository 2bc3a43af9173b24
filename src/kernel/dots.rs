//! Sums of products of small integers by dot products of bytes (AVX512-VNNI): four positions at a time, exact in i32.
//!
//! The instruction multiplies unsigned by signed bytes. The left side is stored 128 higher, and 128 times the sum of the right side's bytes is taken off.

use super::gemm::Lanes;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::gemm::height;
use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{isa::Kind, x86_dots};
use crate::codec::Unpacked;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// Four positions of 16 columns.
pub(crate) type Quad = [u8; 64];

/// A format whose numbers are integers of 8 bits times a power of two.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct SmallIntegers {
    /// The numbers of codes of at most 6 bits, whatever is above those; none for codes that are their numbers.
    pub(super) table: Option<[u8; 64]>,
    /// The exponent of the last place.
    pub(crate) exponent: i32,
    /// The largest magnitude in units of it.
    pub(crate) largest: u32,
}

impl SmallIntegers {
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        if spec.bits() > 8 {
            return None;
        }
        let exponent = spec.min_positive().exponent();
        let unit = Unpacked::new(false, 1, -exponent).to_f32();
        let numbers: Vec<f32> = spec.codes().map(|code| spec.decode_f32(code) * unit).collect();
        if !numbers.iter().all(|x| *x >= -128.0 && *x <= 127.0 && *x as i8 as f32 == *x) {
            return None;
        }
        let own = spec.bits() == 8 && numbers.iter().enumerate().all(|(code, x)| code as u8 as i8 == *x as i8);
        if !own && spec.bits() > 6 {
            return None;
        }
        let table = (!own).then(|| core::array::from_fn(|code| numbers[code % numbers.len()] as i8 as u8));
        let largest = numbers.iter().fold(0.0f32, |largest, x| largest.max(x.abs())) as u32;
        Some(Self { table, exponent, largest })
    }
}

/// One side's part in the sums of a tile, block by block.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct Right<'a> {
    /// Quads of a block; the last may have fewer.
    pub(crate) run: usize,
    pub(crate) quads: &'a [Quad],
    /// For each block what is taken off.
    pub(crate) excess: &'a [Lanes<i32>],
    /// For each block the scales of the columns.
    pub(crate) scales: &'a [Lanes<f32>],
}

/// Dot products of bytes. One in hand proves that the machine has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dots {
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    none: core::convert::Infallible,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    _detected: (),
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Dots {
    /// If the machine has them, and the instruction set is at least that wide.
    pub(crate) fn new(isa: Isa) -> Option<Self> {
        (matches!(isa.kind(), Kind::Avx512Vbmi) && std::arch::is_x86_feature_detected!("avx512vnni"))
            .then_some(Self { _detected: () })
    }

    /// Codes, position by position in blocks of `run`, to quads of integers and what is taken off for each block.
    pub(crate) fn quads(
        self,
        integers: &SmallIntegers,
        codes: &[Lanes<u8>],
        run: usize,
        quads: &mut Vec<Quad>,
        excess: &mut Vec<Lanes<i32>>,
    ) {
        // SAFETY: a `Dots` is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::quads(integers, codes, run, quads, excess);
        }
    }

    /// `acc + sum · (scale · scale)`, fused, for each block in turn. `a` and `scales` have `height(rows)` words for every quad and block.
    pub(crate) fn chain(self, rows: usize, a: &[u32], scales: &[f32], right: &Right<'_>, acc: &mut [Lanes<f32>]) {
        fn tile<const R: usize>(a: &[u32], scales: &[f32], right: &Right<'_>, acc: &mut [Lanes<f32>]) {
            let (Some(acc), (a, _), (scales, _)) = (acc.first_chunk_mut::<R>(), a.as_chunks::<R>(), scales.as_chunks::<R>()) else {
                return;
            };
            // SAFETY: only a `Dots` comes here, which is made after its instructions were detected.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            unsafe {
                x86_dots::chain(a, scales, right, acc);
            }
        }
        match height(rows) {
            1 => tile::<1>(a, scales, right, acc),
            2 => tile::<2>(a, scales, right, acc),
            4 => tile::<4>(a, scales, right, acc),
            _ => tile::<8>(a, scales, right, acc),
        }
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Dots {
    /// There are none.
    pub(crate) fn new(_: Isa) -> Option<Self> {
        None
    }

    pub(crate) fn quads(self, _: &SmallIntegers, _: &[Lanes<u8>], _: usize, _: &mut Vec<Quad>, _: &mut Vec<Lanes<i32>>) {
        match self.none {}
    }

    pub(crate) fn chain(self, _: usize, _: &[u32], _: &[f32], _: &Right<'_>, _: &mut [Lanes<f32>]) {
        match self.none {}
    }
}
