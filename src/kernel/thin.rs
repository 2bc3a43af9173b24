//! Sums of one row, or a few, by the columns of four panels, whose codes become numbers in registers: the memory is read once, and four chains hide each other's
//! waiting.

use super::columns::Quad;
use super::decode::DecodeBytes;
use super::gemm::Lanes;
use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{isa::Kind, x86::Planes, x86_lanes, x86_thin};

/// Panels that are worked on together.
pub(crate) const PANELS: usize = 4;

/// Rows that are, at most.
pub(crate) const THIN: usize = 8;

/// Rows up to which such sums are quicker than tiles of 16.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) const PAYS: usize = 12;

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
    /// Every element; the rows' numbers are multiplied by the products.
    Elements,
    /// The sums of blocks, together with the rows' scales.
    Sums(&'a [f32]),
}

/// Look-ups of 4-bit codes in registers. One in hand proves that the machine has the instructions.
#[derive(Clone, Debug)]
pub(crate) struct Nibbles(Table);

#[derive(Clone, Debug)]
enum Table {
    /// The numbers, for AVX-512.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Numbers(Lanes<f32>),
    /// The low bytes of numbers that are bf16s, and the high ones, for AVX2.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Bytes([[u8; 16]; 2]),
}

/// How codes become numbers. One in hand proves that the machine has the instructions.
#[derive(Clone, Debug)]
pub(crate) struct Thin(Way);

#[derive(Clone, Debug)]
enum Way {
    Nibbles(Nibbles),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Bytes(alloc::boxed::Box<Planes>),
}

impl Thin {
    /// Of 4 bits, in pairs.
    pub(crate) const fn nibbles(nibbles: Nibbles) -> Self {
        Self(Way::Nibbles(nibbles))
    }
}

/// Fills eight positions for each quad; for the last there may be fewer.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn by_eights(quads: &[Quad], numbers: &mut [Lanes<f32>], decode: impl Fn(&Quad) -> [Lanes<f32>; 8]) {
    let (whole, last) = numbers.as_chunks_mut();
    whole.iter_mut().zip(quads).for_each(|(rows, quad)| *rows = decode(quad));
    if let (false, Some(quad)) = (last.is_empty(), quads.get(whole.len())) {
        last.iter_mut().zip(decode(quad)).for_each(|(to, row)| *to = row);
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Nibbles {
    /// Of these numbers, if the instruction set has look-ups in registers of 16 numbers or, if two are enough, of 16 bytes.
    pub(crate) fn new(isa: Isa, numbers: Lanes<f32>) -> Option<Self> {
        match isa.kind() {
            Kind::Portable => None,
            Kind::Avx2 => {
                let byte = |shift: u32| numbers.map(|x| (x.to_bits() >> shift) as u8);
                numbers.iter().all(|x| x.to_bits() as u16 == 0).then(|| Self(Table::Bytes([byte(16), byte(24)])))
            }
            Kind::Avx512 | Kind::Avx512Vbmi => Some(Self(Table::Numbers(numbers))),
        }
    }

    /// Quads of pairs to numbers, position by position.
    pub(crate) fn decode(&self, quads: &[Quad], numbers: &mut [Lanes<f32>]) {
        match &self.0 {
            // SAFETY: made only for an `Isa` that has the instructions.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Table::Numbers(table) => unsafe { x86_thin::decode(table, quads, numbers) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Table::Bytes(bytes) => unsafe { x86_lanes::decode(bytes, quads, numbers) },
        }
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Thin {
    /// Numbers of bytes, if they are decoded by byte permutes.
    pub(crate) fn bytes(decode: &DecodeBytes) -> Option<Self> {
        if let DecodeBytes::Planes(planes) = decode { Some(Self(Way::Bytes(alloc::boxed::Box::new(planes.clone())))) } else { None }
    }

    /// Rows that are worked on together.
    pub(crate) const fn height(&self) -> usize {
        if let Way::Nibbles(Nibbles(Table::Bytes(_))) = self.0 { 1 } else { THIN }
    }

    /// Rows up to which it is quicker than tiles.
    pub(crate) const fn pays(&self) -> usize {
        if let Way::Nibbles(Nibbles(Table::Bytes(_))) = self.0 { 1 } else { PAYS }
    }

    /// The sums, from zero, of `sums.len()` rows, 1 or, if it takes them together, 2, 4 or 8; `a` has their numbers for each position, `factors` their
    /// scales for each block of `run` positions. Blocks are whole chunks of codes: 4 positions of bytes, 8 of pairs.
    pub(crate) fn sums(
        &self,
        run: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: &[ThinPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        match &self.0 {
            // SAFETY: made only for an `Isa` that has the instructions.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Nibbles(Nibbles(Table::Numbers(table))) => unsafe {
                x86_thin::sums_of_pairs(table, run, factors, a, panels, sums);
            },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Nibbles(Nibbles(Table::Bytes(bytes))) => unsafe {
                x86_lanes::sums_of_pairs(bytes, run, factors, a, panels, sums);
            },
            // SAFETY: `DecodeBytes` has planes only for an `Isa` that has the instructions.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Bytes(planes) => unsafe {
                x86_thin::sums_of_bytes(planes, run, factors, a, panels, sums);
            },
        }
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Nibbles {
    /// There are none.
    pub(crate) fn new(_: Isa, _: Lanes<f32>) -> Option<Self> {
        None
    }

    pub(crate) fn decode(&self, _: &[Quad], _: &mut [Lanes<f32>]) {
        match self.0 {}
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Thin {
    /// There are none.
    pub(crate) fn bytes(_: &DecodeBytes) -> Option<Self> {
        None
    }

    pub(crate) const fn height(&self) -> usize {
        1
    }

    pub(crate) const fn pays(&self) -> usize {
        1
    }

    pub(crate) fn sums(&self, _: usize, _: Factors<'_>, _: &[f32], _: &[ThinPanel<'_>; PANELS], _: &mut [[Lanes<f32>; PANELS]]) {
        match &self.0 {
            Way::Nibbles(nibbles) => match nibbles.0 {},
        }
    }
}
