//! f32 to HiF8, ties away from zero, by arithmetic on 16-bit integers.
//!
//! A binade 2^e has three bits of mantissa, and one fewer each beyond a distance |e| of 3, 7 and
//! 15. The missing bits are ones in as many places as |e| / 4 has bits, smeared to the right.
//!
//! ```text
//! half    = upper 16 bits of the f32                  // sign, exponent, 7 bits of mantissa
//! missing = 0, 1, 3 or 7 by |e|                       // a mask of mantissa bits
//! rounded = (half + half a unit) & !(bits below a unit)   // a carry moves to the next binade
//! code    = |e| · 8 + mantissa + prefix terms, sign of e, sign
//! ```
//!
//! The upper half of an f32 suffices: ties go away from zero, so the lower bits cannot decide one,
//! and a register holds twice as many 16-bit integers. Prefix terms turn |e| and mantissa into the
//! prefix codes of |e| = 0, 1, 2 to 3, 4 to 7 and 8 to 15. Tiles of 512 halves, 1 KiB, stay in L1
//! between the narrowing pass and the encoding pass. Overflow, infinity and NaN are reported by the
//! largest magnitude and encoded one by one.

use super::params::CHUNK;
use crate::codec::Unpacked;
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};

/// The least f32 magnitude that overflows, as bits: a quarter of a binade above the largest number,
/// whose binade has one bit of mantissa.
pub(in crate::kernel) const CAP: u32 = FormatSpec::HIF8.max().to_f32().to_bits() + (1 << 21);
/// Infinity as f32 bits.
pub(in crate::kernel) const INFINITY: u32 = 0x7F80_0000;

// Upper halves of f32s: the cap, infinity, the smallest number, half of that, below which
// everything rounds to zero, and 1.
const HALF_CAP: i16 = (CAP >> 16) as i16;
const HALF_INFINITY: i16 = (INFINITY >> 16) as i16;
const HALF_SMALLEST: i16 = (FormatSpec::HIF8.smallest_positive().to_f32().to_bits() >> 16) as i16;
const HALF_FLOOR: i16 = HALF_SMALLEST - (1 << 7);
const ONE: i16 = 127 << 7;

/// Upper halves in the buffer between two passes: 1 KiB.
const TILE: usize = 512;

/// Parameters of a conversion: what a policy may change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HiF8Encode {
    /// The code of a positive overflow; a negative one has the sign bit too.
    pub(in crate::kernel) overflow: u8,
    /// The codes of infinities, positive and negative.
    infinity: [u8; 2],
    /// The codes of NaNs, positive and negative.
    nan: [u8; 2],
    /// The upper half that replaces larger magnitudes: just below the tie it rounds to the largest
    /// number, at the tie to infinity.
    cap: i16,
    /// The upper half from which on codes may differ from the cap's.
    special: i16,
    /// The upper half from which on numbers may differ from the cap's.
    special_number: i16,
}

impl HiF8Encode {
    /// Returns the parameters, or `None` if the format is not HiF8 or the policy does not round
    /// ties away from zero, as the format's hardware does.
    pub(super) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let plain = matches!(convert.round, Round::NearestAway)
            && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
        if !matches!(spec.encoding(), Encoding::HiF8) || !plain {
            return None;
        }
        let code = |x: Unpacked| spec.encode_with(x, convert, 0).code as u8;
        let both = |x: Unpacked| [code(x), code(x.negate())];
        let overflow = both(Unpacked::new(false, 1, 17));
        let saturates = u32::from(overflow[0]) == spec.max_code();
        let is_infinite = Some(u32::from(overflow[0])) == spec.infinity_code();
        (overflow[1] == overflow[0] | 0x80).then(|| Self {
            overflow: overflow[0],
            infinity: both(Unpacked::infinity(false)),
            nan: both(Unpacked::NAN),
            cap: HALF_CAP - i16::from(saturates),
            special: if saturates || is_infinite { HALF_INFINITY } else { HALF_CAP },
            special_number: if saturates { HALF_INFINITY } else { HALF_CAP },
        })
    }

    /// Writes the codes of numbers.
    pub(super) fn encode<C: Code>(self, isa: Isa, src: &[f32], dst: &mut [C]) {
        for (src, dst) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)) {
            let mut largest = 0;
            encode_hif8(isa, self.cap, src, dst, &mut largest);
            // Rare: the chunk is still in L1 for a second look at its special values.
            if largest >= self.special {
                self.special(src, dst);
            }
        }
    }

    /// Writes the representable numbers nearest to those of a chunk and returns whether all of them
    /// are correct.
    pub(super) fn numbers(self, isa: Isa, src: &[f32], dst: &mut [f32]) -> bool {
        let mut largest = 0;
        round_hif8(isa, self.cap, src, dst, &mut largest);
        self.covers_numbers(largest)
    }

    /// Returns the upper half that replaces larger magnitudes.
    pub(super) const fn cap(self) -> i16 {
        self.cap
    }

    /// Returns whether the representable numbers for numbers with this largest magnitude, an upper
    /// half, are correct.
    pub(super) const fn covers_numbers(self, largest: i16) -> bool {
        largest < self.special_number
    }

    /// Overwrites the codes of numbers that overflow, of infinities and of NaNs.
    #[cold]
    pub(in crate::kernel) fn special<C: Code>(self, src: &[f32], dst: &mut [C]) {
        for (x, code) in src.iter().zip(dst) {
            let sign = usize::from(x.is_sign_negative());
            let special = match x.abs().to_bits() {
                ..CAP => continue,
                CAP..INFINITY => self.overflow | (sign as u8) << 7,
                INFINITY => self.infinity[sign],
                _ => self.nan[sign],
            };
            *code = C::truncate(special.into());
        }
    }
}

/// Returns |e| of an upper half without a sign: the distance of the exponent field from 127.
#[inline(always)]
fn distance(half: i16) -> i16 {
    // For a field up to 127 the XOR is 127 − field. Above, it is 383 − field, at least 128, and
    // 256 less that is field − 127.
    let down = half >> 7 ^ 127;
    down.min(256 - down)
}

/// Returns the upper half of a magnitude, rounded. Smaller magnitudes count as the smallest number,
/// larger ones as the cap.
#[inline(always)]
fn rounded(magnitude: i16, cap: i16) -> i16 {
    let magnitude = magnitude.max(HALF_SMALLEST).min(cap);
    // One for each mantissa bit that is missing: |e| / 4 with its ones smeared to the right.
    let quarter = distance(magnitude) >> 2;
    let upper = quarter | quarter >> 1;
    let missing = upper | upper >> 2;
    (magnitude + 8 + (missing << 3)) & !(missing << 4 | 15)
}

/// Returns the code of a rounded magnitude; 1.5 · 2^15 has infinity's.
#[inline(always)]
fn code(number: i16) -> i16 {
    let distance = distance(number);
    let beyond = |most, more| if distance > most { more } else { 0 };
    // Distance and three bits of mantissa. Beyond a distance of 3 a binade has half as many codes,
    // beyond 7 a quarter.
    let eighths = distance << 3 | number >> 4 & 7;
    let joined = eighths + beyond(3, 32 - (eighths >> 1)) + beyond(7, 32 - (eighths >> 2));
    // Codes of distance 0 begin at 8, of 1 at 16 and of 2 at 32; those of negative exponents follow
    // at the same distance again.
    let first = distance.clamp(1, 2) << 3;
    let normal = joined + first + if number < ONE { first } else { 0 };
    // The smallest numbers, 2^-16 and below, have no mantissa: their codes count down.
    if distance > 15 { 23 - distance } else { normal }
}

#[inline(always)]
fn codes_body<C: Code>(cap: i16, src: &[f32], dst: &mut [C], largest: &mut i16) {
    let mut halves = [0; TILE];
    for (src, dst) in src.chunks(TILE).zip(dst.chunks_mut(TILE)) {
        let halves = upper_halves(src, &mut halves);
        let mut top = *largest;
        for (half, to) in halves.iter().zip(dst) {
            let magnitude = half & i16::MAX;
            top = top.max(magnitude);
            let signed = code(rounded(magnitude, cap)) | half >> 8 & 0x80;
            // HiF8 has no −0: the sign goes with the rest.
            *to = C::truncate(if magnitude < HALF_FLOOR { 0 } else { signed } as u32);
        }
        *largest = top;
    }
}

#[inline(always)]
pub(super) fn numbers_body(cap: i16, src: &[f32], dst: &mut [f32], largest: &mut i16) {
    let mut halves = [0; TILE];
    for (src, dst) in src.chunks(TILE).zip(dst.chunks_mut(TILE)) {
        let halves = upper_halves(src, &mut halves);
        let mut top = *largest;
        for half in &mut *halves {
            let magnitude = *half & i16::MAX;
            top = top.max(magnitude);
            let signed = rounded(magnitude, cap) | *half & i16::MIN;
            *half = if magnitude < HALF_FLOOR { 0 } else { signed };
        }
        *largest = top;
        for (half, y) in halves.iter().zip(dst) {
            *y = f32::from_bits((*half as u32) << 16);
        }
    }
}

/// Narrows f32s to their upper halves, in a pass of its own that the compiler makes vectors of.
#[inline(always)]
fn upper_halves<'a>(src: &[f32], halves: &'a mut [i16; TILE]) -> &'a mut [i16] {
    let halves = &mut halves[..src.len()];
    for (x, half) in src.iter().zip(&mut *halves) {
        *half = (x.to_bits() >> 16) as i16;
    }
    halves
}

per_isa! {
    /// Writes the codes of numbers and raises `largest` to their largest magnitude, as an upper
    /// half. Codes are correct for numbers below the policy's special ones.
    fn encode_hif8[C: Code](cap: i16, src: &[f32], dst: &mut [C], largest: &mut i16) = codes_body;
    /// Writes the representable numbers nearest to `src` and raises `largest` to their largest
    /// magnitude, as an upper half.
    fn round_hif8[](cap: i16, src: &[f32], dst: &mut [f32], largest: &mut i16) = numbers_body;
}
