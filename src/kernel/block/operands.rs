//! Operands of the loops over blocks: slices in blocks, the selection of a maximum, and the rules
//! by which elements become numbers again.

use crate::kernel::negative_zero::NegativeZero;

/// Numbers in blocks of `length`, with a factor for each block.
#[derive(Clone, Copy)]
pub(crate) struct FloatBlocks<'a, F> {
    pub(crate) numbers: &'a [f32],
    pub(crate) length: usize,
    pub(crate) factors: &'a [F],
}

/// Packed codes of `bits` bits in blocks of `length` codes, with a scale and an offset for each
/// block. Rules that have no offset ignore it.
#[derive(Clone, Copy)]
pub(crate) struct PackedBlocks<'a> {
    pub(crate) bits: u32,
    pub(crate) length: usize,
    pub(crate) scales: &'a [f32],
    pub(crate) offsets: &'a [f32],
    pub(crate) bytes: &'a [u8],
}

/// Which values a block maximum considers: all, the positive or the negative ones. The magnitude of
/// every other value counts as zero.
pub(crate) trait Selected: Copy {
    /// The bits to flip so that a selected value, as an i32, is its magnitude and every other value
    /// is negative; `None` if all values are selected.
    const FLIP: Option<u32>;

    /// Returns the magnitude as f32 bits, or 0 for a value that is not selected.
    #[inline(always)]
    fn magnitude(bits: u32) -> u32 {
        match Self::FLIP {
            None => bits & 0x7FFF_FFFF,
            // A maximum with zero drops the values that are now negative, without a comparison.
            Some(flip) => (bits ^ flip).cast_signed().max(0).cast_unsigned(),
        }
    }
}

/// Selects all values.
#[derive(Clone, Copy)]
pub(crate) struct AllValues;

/// Selects values without a minus sign.
#[derive(Clone, Copy)]
pub(crate) struct PositiveValues;

/// Selects values with a minus sign.
#[derive(Clone, Copy)]
pub(crate) struct NegativeValues;

impl Selected for AllValues {
    const FLIP: Option<u32> = None;
}

impl Selected for PositiveValues {
    // A value without a minus sign is its magnitude already; one with it is a negative i32.
    const FLIP: Option<u32> = Some(0);
}

impl Selected for NegativeValues {
    // Without its sign bit a negative value is its magnitude; a positive one gets the sign bit.
    const FLIP: Option<u32> = Some(0x8000_0000);
}

/// A rule by which an element becomes a number, with the scale and the offset of its block.
pub(crate) trait Restoring: Copy {
    /// Returns the number of the element value q. A NaN may have any sign and payload: callers
    /// replace it.
    fn number(self, q: f32, scale: f32, offset: f32) -> f32;
}

/// Multiplies: `(q + addend) · scale`, where the addend keeps or clears −0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    /// A zero: [`NegativeZero::addend`].
    addend: f32,
}

impl Product {
    /// Returns the rule that keeps or clears −0 before the product.
    pub(crate) const fn new(negative_zero: NegativeZero) -> Self {
        Self { addend: negative_zero.addend() }
    }

    /// Returns what the rule does with elements that are −0.
    pub(crate) const fn negative_zero(self) -> NegativeZero {
        if self.addend.is_sign_negative() { NegativeZero::Keep } else { NegativeZero::Clear }
    }
}

/// Multiplies by the scale and the tensor's amax, then divides: `((q · scale) · amax) / target`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AmaxQuotient {
    pub(crate) amax: f32,
    pub(crate) target: f32,
}

/// Subtracts a zero point, then multiplies: `(q − offset) · scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LessZeroPoint;

/// Multiplies, then adds a minimum: `q · scale + offset`.
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
        // Three roundings in this order: the order is part of the scheme.
        q * scale * self.amax / self.target
    }
}

impl Restoring for LessZeroPoint {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        // Exact for integers of at most 8 bits: only the product rounds.
        (q - offset) * scale
    }
}

impl Restoring for PlusMinimum {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        // Two roundings, never fused: the reference rounds the product first.
        q * scale + offset
    }
}
