//! Sums of one row by the columns of four panels, whose codes become numbers in registers: the memory is read once, and four chains hide each other's waiting.

use super::decode::DecodeBytes;
use super::gemm::Lanes;
use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{isa::Kind, x86::Planes, x86_lanes, x86_thin};

/// Panels that are worked on together.
pub(crate) const PANELS: usize = 4;

/// Numbers of a panel's blocks: f32s, or the upper halves of those that have nothing in the lower.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfBlocks<'a> {
    Singles(&'a [Lanes<f32>]),
    Halves(&'a [Lanes<u16>]),
}

impl OfBlocks<'_> {
    /// Those of a block.
    #[inline(always)]
    pub(crate) fn at(self, block: usize) -> Lanes<f32> {
        match self {
            Self::Singles(numbers) => numbers[block],
            Self::Halves(halves) => halves[block].map(|half| f32::from_bits(u32::from(half) << 16)),
        }
    }
}

/// A panel of codes, position by position or in pairs as quads, and what its elements are multiplied by, block by block.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct ThinPanel<'a> {
    pub(crate) codes: &'a [u8],
    pub(crate) factors: OfBlocks<'a>,
}

/// What the factors multiply.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) enum Factors<'a> {
    /// Every element; the row's numbers are multiplied by the products.
    Elements,
    /// The sums of blocks, together with the row's scales.
    Sums(&'a [f32]),
}

/// How codes become numbers. One in hand proves that the machine has the instructions.
#[derive(Clone, Debug)]
pub(crate) struct Thin(Way);

#[derive(Clone, Debug)]
enum Way {
    /// Of 4 bits, in pairs.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Nibbles(Lanes<f32>),
    /// The same of numbers that are bf16s: their low bytes and their high ones, for AVX2.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    NibblesByBytes([[u8; 16]; 2]),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Bytes(alloc::boxed::Box<Planes>),
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Thin {
    /// Numbers of 4-bit codes, if the instruction set has look-ups in registers of 16 numbers or, if two are enough, of 16 bytes.
    pub(crate) fn nibbles(isa: Isa, table: Lanes<f32>) -> Option<Self> {
        match isa.kind() {
            Kind::Portable => None,
            Kind::Avx2 => {
                let byte = |shift: u32| table.map(|x| (x.to_bits() >> shift) as u8);
                table.iter().all(|x| x.to_bits() as u16 == 0).then(|| Self(Way::NibblesByBytes([byte(16), byte(24)])))
            }
            Kind::Avx512 | Kind::Avx512Vbmi => Some(Self(Way::Nibbles(table))),
        }
    }

    /// Numbers of bytes, if they are decoded by byte permutes.
    pub(crate) fn bytes(decode: DecodeBytes) -> Option<Self> {
        if let DecodeBytes::Planes(planes) = decode { Some(Self(Way::Bytes(alloc::boxed::Box::new(planes)))) } else { None }
    }

    /// The sums, from zero, of the row `a`, in blocks of `run` positions: of quads of pairs whole ones.
    pub(crate) fn sums(
        &self,
        run: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: [ThinPanel<'_>; PANELS],
    ) -> [Lanes<f32>; PANELS] {
        match &self.0 {
            // SAFETY: made only for an `Isa` that has the instructions.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Nibbles(table) => unsafe { x86_thin::sums_of_pairs(table, run, factors, a, panels) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::NibblesByBytes(bytes) => unsafe { x86_lanes::sums_of_pairs(bytes, run, factors, a, panels) },
            // SAFETY: `DecodeBytes` has planes only for an `Isa` that has the instructions.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Bytes(planes) => unsafe { x86_thin::sums_of_bytes(planes, run, factors, a, panels) },
        }
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Thin {
    /// There are none.
    pub(crate) fn nibbles(_: Isa, _: Lanes<f32>) -> Option<Self> {
        None
    }

    pub(crate) fn bytes(_: DecodeBytes) -> Option<Self> {
        None
    }

    pub(crate) fn sums(&self, _: usize, _: Factors<'_>, _: &[f32], _: [ThinPanel<'_>; PANELS]) -> [Lanes<f32>; PANELS] {
        match self.0 {}
    }
}
