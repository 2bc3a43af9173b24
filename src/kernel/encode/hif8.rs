//! f32 to HiF8, ties away from zero.
//!
//! A binade 2^e has three bits of mantissa, and one fewer each beyond a distance |e| of 3, 7 and
//! 15: ones in as many places as |e| / 4 has bits. Adding half a unit and clearing what is below a
//! unit rounds, a carry into the next binade included. Ties need no care: the upper half of an
//! f32's bits has all that counts, and a register holds twice as many of them. Codes are |e| and
//! mantissa in one integer plus what the prefix codes of 1, 2 to 3, 4 to 7 and 8 to 15 add, and a
//! sign bit of the exponent.

use super::params::CHUNK;
use crate::codec::Unpacked;
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};

/// From here on everything overflows: a quarter above the largest number, whose binade has one bit
/// of mantissa.
pub(in crate::kernel) const CAP: u32 = FormatSpec::HIF8.max().to_f32().to_bits() + (1 << 21);
pub(in crate::kernel) const INFINITY: u32 = 0x7F80_0000;

/// Upper halves of the cap, of infinity, of the smallest number and of half of it: all below that
/// is zero.
const HALF_CAP: i16 = (CAP >> 16) as i16;
const HALF_INFINITY: i16 = (INFINITY >> 16) as i16;
const HALF_SMALLEST: i16 = (FormatSpec::HIF8.min_positive().to_f32().to_bits() >> 16) as i16;
const HALF_FLOOR: i16 = HALF_SMALLEST - (1 << 7);
const ONE: i16 = 127 << 7;

/// Upper halves that are kept at a time.
const TILE: usize = 512;

/// Parameters: what a policy may change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HiF8Encode {
    pub(in crate::kernel) overflow: u8,
    /// By sign.
    infinity: [u8; 2],
    nan: [u8; 2],
    /// What larger magnitudes are taken for: just below the tie they round to the largest number,
    /// at it to infinity.
    cap: i16,
    /// The smallest magnitudes whose codes, and whose numbers, are others than those of the cap.
    special: i16,
    special_number: i16,
}

impl HiF8Encode {
    /// The parameters, if the format is HiF8Encode and the policy rounds as its hardware does.
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

    /// Codes of numbers.
    pub(super) fn encode<C: Code>(self, isa: Isa, src: &[f32], dst: &mut [C]) {
        for (src, dst) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)) {
            let mut largest = 0;
            encode_hif8(isa, self.cap, src, dst, &mut largest);
            if largest >= self.special {
                self.special(src, dst);
            }
        }
    }

    /// Numbers nearest to those of a run, and whether they are right.
    pub(super) fn numbers(self, isa: Isa, src: &[f32], dst: &mut [f32]) -> bool {
        let mut largest = 0;
        round_hif8(isa, self.cap, src, dst, &mut largest);
        largest < self.special_number
    }

    /// Codes of overflow, infinity and NaN, in place of what is there.
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

/// |e| of an upper half without a sign: the exponent field from 127 up or down.
#[inline(always)]
fn distance(half: i16) -> i16 {
    let down = half >> 7 ^ 127;
    down.min(256 - down)
}

/// The upper half of a magnitude, rounded; less than the smallest number is taken for it, more than
/// the cap for that.
#[inline(always)]
fn rounded(magnitude: i16, cap: i16) -> i16 {
    let magnitude = magnitude.max(HALF_SMALLEST).min(cap);
    // As many ones as mantissa bits are missing.
    let quarter = distance(magnitude) >> 2;
    let upper = quarter | quarter >> 1;
    let missing = upper | upper >> 2;
    (magnitude + 8 + (missing << 3)) & !(missing << 4 | 15)
}

/// The code of such a number, that of 1.5 · 2^15 being infinity's.
#[inline(always)]
fn code(number: i16) -> i16 {
    let distance = distance(number);
    let beyond = |most, more| if distance > most { more } else { 0 };
    // Distance and mantissa, still three bits of it: a binade beyond 3 has half as much for it,
    // beyond 7 a quarter.
    let eighths = distance << 3 | number >> 4 & 7;
    let joined = eighths + beyond(3, 32 - (eighths >> 1)) + beyond(7, 32 - (eighths >> 2));
    // So that codes of distance 0 begin at 8, of 1 at 16 and of 2 at 32, and those of negative
    // exponents as much behind them.
    let first = distance.clamp(1, 2) << 3;
    let normal = joined + first + if number < ONE { first } else { 0 };
    // The smallest have an exponent alone.
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
            // There is no minus zero.
            *to = C::truncate(if magnitude < HALF_FLOOR { 0 } else { signed } as u32);
        }
        *largest = top;
    }
}

#[inline(always)]
fn numbers_body(cap: i16, src: &[f32], dst: &mut [f32], largest: &mut i16) {
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

#[inline(always)]
fn upper_halves<'a>(src: &[f32], halves: &'a mut [i16; TILE]) -> &'a mut [i16] {
    let halves = &mut halves[..src.len()];
    for (x, half) in src.iter().zip(&mut *halves) {
        *half = (x.to_bits() >> 16) as i16;
    }
    halves
}

per_isa! {
    /// Codes of numbers below the policy's special ones, and the largest magnitude of them and one
    /// before, as its upper half.
    fn encode_hif8[C: Code](cap: i16, src: &[f32], dst: &mut [C], largest: &mut i16) = codes_body;
    /// The representable numbers nearest to them, as before.
    fn round_hif8[](cap: i16, src: &[f32], dst: &mut [f32], largest: &mut i16) = numbers_body;
}
