//! What loops over blocks are given.

use crate::kernel::negative_zero::NegativeZero;

/// Numbers in blocks of a length, and the blocks' factors.
#[derive(Clone, Copy)]
pub(crate) struct FloatBlocks<'a, F> {
    pub(crate) numbers: &'a [f32],
    pub(crate) length: usize,
    pub(crate) factors: &'a [F],
}

/// Packed codes of this many bits in blocks of a length, and their blocks' scales and offsets.
#[derive(Clone, Copy)]
pub(crate) struct PackedBlocks<'a> {
    pub(crate) bits: u32,
    pub(crate) length: usize,
    pub(crate) scales: &'a [f32],
    pub(crate) offsets: &'a [f32],
    pub(crate) bytes: &'a [u8],
}

/// Which numbers a block maximum considers; the magnitude of the others counts as zero.
pub(crate) trait Selected: Copy {
    /// With these bits flipped the others are negative integers; there are no others if there is
    /// none.
    const FLIP: Option<u32>;

    #[inline(always)]
    fn magnitude(bits: u32) -> u32 {
        match Self::FLIP {
            None => bits & 0x7FFF_FFFF,
            Some(flip) => (bits ^ flip).cast_signed().max(0).cast_unsigned(),
        }
    }
}

/// All.
#[derive(Clone, Copy)]
pub(crate) struct AllValues;

/// Numbers without a minus sign.
#[derive(Clone, Copy)]
pub(crate) struct PositiveValues;

/// Numbers with a minus sign.
#[derive(Clone, Copy)]
pub(crate) struct NegativeValues;

impl Selected for AllValues {
    const FLIP: Option<u32> = None;
}

impl Selected for PositiveValues {
    const FLIP: Option<u32> = Some(0);
}

impl Selected for NegativeValues {
    const FLIP: Option<u32> = Some(0x8000_0000);
}

/// How an element becomes a number with one or two numbers of its block.
pub(crate) trait Restoring: Copy {
    fn number(self, q: f32, scale: f32, offset: f32) -> f32;
}

/// `(q + addend) · scale`: the product, with −0 kept or cleared first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    addend: f32,
}

impl Product {
    pub(crate) const fn new(negative_zero: NegativeZero) -> Self {
        Self { addend: negative_zero.addend() }
    }

    /// Returns what the rule does with elements that are −0.
    pub(crate) const fn negative_zero(self) -> NegativeZero {
        if self.addend.is_sign_negative() { NegativeZero::Keep } else { NegativeZero::Clear }
    }
}

/// `((q · scale) · amax) / target`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AmaxQuotient {
    pub(crate) amax: f32,
    pub(crate) target: f32,
}

/// `(q − offset) · scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LessZeroPoint;

/// `q · scale + offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlusMinimum;

impl Restoring for Product {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, _: f32) -> f32 {
        (q + self.addend) * scale
    }
}

impl Restoring for AmaxQuotient {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, _: f32) -> f32 {
        q * scale * self.amax / self.target
    }
}

impl Restoring for LessZeroPoint {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        (q - offset) * scale
    }
}

impl Restoring for PlusMinimum {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        q * scale + offset
    }
}
