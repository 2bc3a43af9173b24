//! What loops over blocks are given.

/// Numbers in blocks of a length, and the blocks' factors.
#[derive(Clone, Copy)]
pub(crate) struct FloatRun<'a, F> {
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
pub(crate) trait Side: Copy {
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
pub(crate) struct Both;

/// Numbers without a minus sign.
#[derive(Clone, Copy)]
pub(crate) struct Above;

/// Numbers with a minus sign.
#[derive(Clone, Copy)]
pub(crate) struct Below;

impl Side for Both {
    const FLIP: Option<u32> = None;
}

impl Side for Above {
    const FLIP: Option<u32> = Some(0);
}

impl Side for Below {
    const FLIP: Option<u32> = Some(0x8000_0000);
}

/// How an element becomes a number with one or two numbers of its block.
pub(crate) trait Restoring: Copy {
    fn number(self, q: f32, scale: f32, offset: f32) -> f32;
}

/// `(q + zero) · scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    /// −0 changes nothing, +0 makes −0 plus.
    pub(crate) zero: f32,
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
        (q + self.zero) * scale
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
