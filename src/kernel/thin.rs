//! Sums of one row by the columns of four panels of 4-bit codes, which are decoded in registers: the memory is read once, and four chains hide each
//! other's waiting.

use super::gemm::Lanes;
use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86_thin;

/// Panels that are worked on together.
pub(crate) const PANELS: usize = 4;

/// A panel of codes in pairs of positions, and what its elements are multiplied by, block by block.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct ThinPanel<'a> {
    pub(crate) pairs: &'a [Lanes<u8>],
    pub(crate) factors: &'a [Lanes<f32>],
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

/// Kernels for one row. One in hand proves that the machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thin {
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    none: core::convert::Infallible,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    _detected: (),
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Thin {
    /// If the instruction set has look-ups in registers of 16 numbers.
    pub(crate) fn new(isa: Isa) -> Option<Self> {
        isa.is_avx512().then_some(Self { _detected: () })
    }

    /// The sums, from zero, of the row `a`, in blocks of `run` positions, an even number.
    pub(crate) fn sums(
        self,
        table: &Lanes<f32>,
        run: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: [ThinPanel<'_>; PANELS],
    ) -> [Lanes<f32>; PANELS] {
        // SAFETY: a `Thin` is made only for an `Isa` that has the instructions.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_thin::sums(table, run, factors, a, panels)
        }
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Thin {
    /// There are none.
    pub(crate) fn new(_: Isa) -> Option<Self> {
        None
    }

    pub(crate) fn sums(
        self,
        _: &Lanes<f32>,
        _: usize,
        _: Factors<'_>,
        _: &[f32],
        _: [ThinPanel<'_>; PANELS],
    ) -> [Lanes<f32>; PANELS] {
        match self.none {}
    }
}
