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

/// Which values a block maximum considers, and by what order: a map of f32 bits to integers whose
/// unsigned maximum is wanted. 0 is no more than any of them.
pub(crate) trait Selected: Copy {
    /// The order.
    const ORDER: Order;

    /// Returns the integer for the bits of a value.
    #[inline(always)]
    fn key(bits: u32) -> u32 {
        match Self::ORDER {
            Order::Magnitudes => bits & 0x7FFF_FFFF,
            // A maximum with zero drops the values that are now negative, without a comparison.
            Order::Flipped(flip) => (bits ^ flip).cast_signed().max(0).cast_unsigned(),
            // Negative values have all bits flipped, others the sign bit.
            Order::Values(flip) => {
                bits ^ ((bits.cast_signed() >> 31).cast_unsigned() | 0x8000_0000) ^ flip
            }
        }
    }
}

/// A map of f32 bits to integers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// The magnitudes of all values.
    Magnitudes,
    /// With these bits flipped a selected value, as an i32, is its magnitude and every other value
    /// is negative; those become zero.
    Flipped(u32),
    /// All values in their order, −0 before +0, with these bits flipped: none or all.
    Values(u32),
}

/// Selects all values, by their magnitudes.
#[derive(Clone, Copy)]
pub(crate) struct AllValues;

/// Selects values without a minus sign, by their magnitudes.
#[derive(Clone, Copy)]
pub(crate) struct PositiveValues;

/// Selects values with a minus sign, by their magnitudes.
#[derive(Clone, Copy)]
pub(crate) struct NegativeValues;

/// Selects all values in their order, so that a maximum is the highest;
/// [`from_key`](Self::from_key) gives the value back.
#[derive(Clone, Copy)]
pub(crate) struct HighestValue;

/// Selects all values in the opposite order, so that a maximum is the lowest;
/// [`from_key`](Self::from_key) gives the value back.
#[derive(Clone, Copy)]
pub(crate) struct LowestValue;

impl Selected for AllValues {
    const ORDER: Order = Order::Magnitudes;
}

impl Selected for PositiveValues {
    // A value without a minus sign is its magnitude already; one with it is a negative i32.
    const ORDER: Order = Order::Flipped(0);
}

impl Selected for NegativeValues {
    // Without its sign bit a negative value is its magnitude; a positive one gets the sign bit.
    const ORDER: Order = Order::Flipped(0x8000_0000);
}

impl Selected for HighestValue {
    const ORDER: Order = Order::Values(0);
}

impl Selected for LowestValue {
    const ORDER: Order = Order::Values(u32::MAX);
}

impl HighestValue {
    /// Returns the value of a key.
    #[inline(always)]
    pub(crate) const fn from_key(key: u32) -> f32 {
        f32::from_bits(if key >> 31 == 1 { key ^ 0x8000_0000 } else { !key })
    }
}

impl LowestValue {
    /// Returns the value of a key.
    #[inline(always)]
    pub(crate) const fn from_key(key: u32) -> f32 {
        HighestValue::from_key(!key)
    }
}

/// How the terms of a block become its error.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fold {
    /// Their f32 sum, in order.
    Sum,
    /// The largest; NaN does not count.
    Largest,
}

/// A rule by which an element becomes a number, with the scale and the offset of its block.
pub(crate) trait Restoring: Copy {
    /// Whether the rule divides, and gives −q the number of q with the other sign.
    const IS_ODD_QUOTIENT: bool = false;

    /// Whether the offset of a block matters.
    const HAS_OFFSET: bool = false;

    /// Returns whether the rule is the product of the element and the scale alone.
    fn is_product(self) -> bool {
        false
    }

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
    fn is_product(self) -> bool {
        // Adding −0.0 changes no number.
        self.addend.is_sign_negative()
    }

    #[inline(always)]
    fn number(self, q: f32, scale: f32, _: f32) -> f32 {
        (q + self.addend) * scale
    }
}

impl Restoring for AmaxQuotient {
    const IS_ODD_QUOTIENT: bool = true;

    #[inline(always)]
    fn number(self, q: f32, scale: f32, _: f32) -> f32 {
        // Three roundings in this order: the order is part of the scheme.
        q * scale * self.amax / self.target
    }
}

impl Restoring for LessZeroPoint {
    const HAS_OFFSET: bool = true;

    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        // Exact for integers of at most 8 bits: only the product rounds.
        (q - offset) * scale
    }
}

impl Restoring for PlusMinimum {
    const HAS_OFFSET: bool = true;

    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        // Two roundings, never fused: the reference rounds the product first.
        q * scale + offset
    }
}
