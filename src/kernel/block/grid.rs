//! Finite f32s to codes of at most 8 bits by a whole number of units of the last place: roundings
//! that one f32 addition does not make, among them those of programs.
//!
//! ```text
//! field = exponent field of |y|, within lo..=hi     // fixed point: lo = hi
//! units = |y| · 2^-(field − 127 − M)                // exact: a power of two
//! whole = round(units)                              // a GridRounding, in f32
//! code  = ((field − lo) << M) + whole, at most that of the largest number, with the sign
//! ```
//!
//! A code is linear in `whole` within a binade, and 2^M units of one binade are the first of the
//! next, so the sum needs no case for a carry.

use super::encode::Coder;
use super::halves::truncated;
use crate::kernel::native::per_isa;
use crate::kernel::negative_zero::NegativeZero;
use crate::spec::{Encoding, FormatSpec, ZeroField};
use core::marker::PhantomData;

/// 2^22: units from here on are above every code of 8 bits.
const MOST: f32 = 4_194_304.0;

/// A rounding of units, from 0 to [`MOST`], to an integer.
pub(crate) trait GridRounding: Copy {
    /// Whether exponents are those of f32 logarithms, by a table of carries.
    const BY_LOGARITHMS: bool = false;

    /// Returns the integer.
    fn whole(units: f32) -> f32;
}

/// To nearest, ties away from zero.
#[derive(Clone, Copy)]
pub(crate) struct Away;

/// To nearest, ties toward zero.
#[derive(Clone, Copy)]
pub(crate) struct TiesTowardZero;

/// Toward zero.
#[derive(Clone, Copy)]
pub(crate) struct Truncated;

/// Adds one half in f32 and truncates: microxcaling's `nearest`. Just below a half the sum may
/// round up to the integer.
#[derive(Clone, Copy)]
pub(crate) struct HalfAdded;

/// [`HalfAdded`], less one at ties above an even number: microxcaling's `even`.
#[derive(Clone, Copy)]
pub(crate) struct HalfAddedEven;

/// Toward zero, in units of the binade that an f32 logarithm names, which just below a power of two
/// is that power's: microxcaling's `floor`.
#[derive(Clone, Copy)]
pub(crate) struct LogarithmTruncated;

/// Returns the largest integer that is not above x, for x from 0 to [`MOST`] and one.
#[inline(always)]
pub(super) fn floor(x: f32) -> f32 {
    truncated(x).cast_signed() as f32
}

impl GridRounding for Away {
    #[inline(always)]
    fn whole(units: f32) -> f32 {
        let whole = floor(units);
        // The fraction is exact; a sum with one half would not be.
        whole + if units - whole >= 0.5 { 1.0 } else { 0.0 }
    }
}

impl GridRounding for TiesTowardZero {
    #[inline(always)]
    fn whole(units: f32) -> f32 {
        let whole = floor(units);
        whole + if units - whole > 0.5 { 1.0 } else { 0.0 }
    }
}

impl GridRounding for Truncated {
    #[inline(always)]
    fn whole(units: f32) -> f32 {
        floor(units)
    }
}

impl GridRounding for HalfAdded {
    #[inline(always)]
    fn whole(units: f32) -> f32 {
        floor(units + 0.5)
    }
}

impl GridRounding for HalfAddedEven {
    #[inline(always)]
    fn whole(units: f32) -> f32 {
        let up = floor(units + 0.5);
        // The lowest bit of the integer; both sides of the comparison are the program's.
        let odd = truncated(up) & 1 == 1;
        up - if odd & (units - 0.5 == up - 1.0) { 1.0 } else { 0.0 }
    }
}

impl GridRounding for LogarithmTruncated {
    const BY_LOGARITHMS: bool = true;

    #[inline(always)]
    fn whole(units: f32) -> f32 {
        floor(units)
    }
}

/// A grid of numbers: where its units change, and how codes are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// The exponent field of the binade whose units are the smallest.
    pub(super) lo: u32,
    /// The exponent field from which on units do not grow.
    pub(super) hi: u32,
    /// Bits of the mantissa: 2^M units are the distance of two binades.
    pub(super) mantissa_bits: u32,
    /// The largest code of a number without a sign, and what one with a sign has more, modulo 2^32.
    most: [u32; 2],
    /// The sign bit of a code; 0 where negative codes are in two's complement.
    pub(super) sign_bit: u32,
    /// All bits where negative codes are in two's complement; else 0.
    pub(super) complement: u32,
    /// The bits of a code.
    pub(super) mask: u32,
    /// All bits where zero keeps its sign; else 0.
    negative_zero: u32,
    /// What is added to the bits of a magnitude, by its exponent field, before the field is taken.
    carries: &'static [u32; 256],
}

impl Grid {
    /// Returns the grid of a format of at most 8 bits whose numbers beyond the largest become it.
    /// Numbers below zero go as far as the smallest, which is zero in unsigned formats; if
    /// `mirrored`, only as far as the negative of the largest. `None` for formats that are no grid.
    pub(crate) fn lower(
        spec: &FormatSpec,
        mirrored: bool,
        carries: &'static [u32; 256],
    ) -> Option<Self> {
        if spec.bits() > 8 {
            return None;
        }
        let (unit, max) = (spec.smallest_positive(), spec.max_code());
        // Codes of numbers below zero stop at 0 where there is no sign.
        let none_below = 0u32.wrapping_sub(max);
        let common = |lo, hi, mantissa_bits| Self {
            lo,
            hi,
            mantissa_bits,
            most: [max, if spec.is_signed() { 0 } else { none_below }],
            sign_bit: if spec.is_signed() { 1 << (spec.bits() - 1) } else { 0 },
            complement: 0,
            mask: spec.code_mask(),
            negative_zero: u32::from(spec.negative_zero_code().is_some()).wrapping_neg(),
            carries,
        };
        // One unit for all numbers: that of the field 127 + log2(unit), without a mantissa.
        let fixed = || {
            let field = u32::try_from(127 + unit.log2()).ok()?;
            (unit.significand().is_power_of_two() && (2..=200).contains(&field))
                .then(|| common(field, field, 0))
        };
        match spec.encoding() {
            Encoding::Int(_) => {
                let least = spec.min_code().wrapping_neg() & spec.code_mask();
                // One more than the largest, or none.
                let more = if mirrored && spec.is_signed() { 0 } else { least.wrapping_sub(max) };
                Some(Self { most: [max, more], sign_bit: 0, complement: u32::MAX, ..fixed()? })
            }
            Encoding::Float(layout) if layout.is_fixed_point() => fixed(),
            Encoding::Float(layout) if matches!(layout.zero_field, ZeroField::Subnormals) => {
                let mantissa_bits = u32::from(layout.mantissa_bits);
                let lo = u32::try_from(127 + layout.min_exponent()).ok()?;
                // The unit and its inverse are normal f32s at both ends.
                let fits = mantissa_bits >= 1 && (mantissa_bits + 1..=200).contains(&lo);
                fits.then(|| common(lo, 252, mantissa_bits))
            }
            Encoding::Float(_) | Encoding::Codebook(_) | Encoding::HiF8 | Encoding::Posit(_) => {
                None
            }
        }
    }

    /// The magnitude from which on the formula does not hold: 2^125.
    pub(crate) const BEYOND: f32 = f32::from_bits(252 << 23);

    /// Returns the code of a finite number below [`BEYOND`](Self::BEYOND). There is no branch, so
    /// that a loop of these is vectors.
    #[inline(always)]
    fn code<R: GridRounding>(&self, y: f32) -> u8 {
        let magnitude = y.to_bits() & 0x7FFF_FFFF;
        let carry =
            if R::BY_LOGARITHMS { self.carries[(magnitude >> 23) as usize & 0xFF] } else { 0 };
        let field = ((magnitude + carry) >> 23).max(self.lo).min(self.hi);
        let inverse = f32::from_bits((254 + self.mantissa_bits - field) << 23);
        let units = f32::from_bits(magnitude) * inverse;
        let units = if units < MOST { units } else { MOST };
        let whole = truncated(R::whole(units));
        let code = ((field - self.lo) << self.mantissa_bits) + whole;
        let code = if R::BY_LOGARITHMS {
            // Units of the binade above, one less than its first number: two units of the binade
            // that the number is in, and so two codes below that number.
            code - u32::from((field > self.lo) & (whole >> self.mantissa_bits == 0))
        } else {
            code
        };
        let negative = (y.to_bits().cast_signed() >> 31).cast_unsigned();
        let code = code.min(self.most[0].wrapping_add(self.most[1] & negative));
        // Two's complement, or the sign bit; −0 only where the format has it.
        let flip = negative & self.complement;
        let keeps = self.negative_zero | u32::from(code != 0).wrapping_neg();
        (((code ^ flip).wrapping_sub(flip) & self.mask) | (negative & self.sign_bit & keeps)) as u8
    }
}

/// A grid and a rounding as the coder of one pass over blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridCoder<R> {
    grid: Grid,
    /// Added to every number first: [`NegativeZero::addend`].
    addend: f32,
    rounding: PhantomData<R>,
}

impl<R: GridRounding> GridCoder<R> {
    /// Returns the coder, with −0 kept or cleared before numbers are rounded.
    pub(crate) const fn new(_rounding: R, grid: Grid, negative_zero: NegativeZero) -> Self {
        Self { grid, addend: negative_zero.addend(), rounding: PhantomData }
    }
}

impl<R: GridRounding> Coder for GridCoder<R> {
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        self.grid.code::<R>(y + self.addend)
    }
}

#[inline(always)]
fn encode_body<R: GridRounding>(_rounding: R, grid: &Grid, src: &[f32], dst: &mut [u8]) {
    // A copy that nothing points at stays in registers.
    let grid = *grid;
    if !R::BY_LOGARITHMS {
        src.iter().zip(dst).for_each(|(y, code)| *code = grid.code::<R>(*y));
        return;
    }
    // Logarithms differ from exponents in the last few numbers of a binade alone. A run without
    // such a number needs no table, which a vector would have to gather from.
    for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
        let mut near = 0;
        for (y, code) in src.iter().zip(&mut *dst) {
            near |= u32::from(y.to_bits() & 0x007F_FFFF >= NEXT_TO_POWERS);
            *code = grid.code::<Truncated>(*y);
        }
        if near != 0 {
            src.iter().zip(dst).for_each(|(y, code)| *code = grid.code::<R>(*y));
        }
    }
}

/// Numbers that are encoded before it is known whether one of them needs the table.
const RUN: usize = 256;

/// The least mantissa whose f32 logarithm may round up to an integer: 88 units below a power of
/// two, the most of any exponent.
const NEXT_TO_POWERS: u32 = (1 << 23) - 88;

per_isa! {
    /// Writes the codes of finite numbers below [`Grid::BEYOND`].
    fn encode_grid[R: GridRounding](rounding: R, grid: &Grid, src: &[f32], dst: &mut [u8]) =
        encode_body;
}
