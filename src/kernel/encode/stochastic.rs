//! f32 to codes by stochastic rounding: the cut of `general`, with random bits in place of a
//! rounding's constant.
//!
//! ```text
//! significand = 24 bits << 7                        // room for random bits below the last one
//! bits        = how many of its low bits are cut    // at most 31; more become sticky
//! sum         = significand + (random << (bits − r)) + constant of the variant
//! code        = base + (sum >> bits)          // carries as often as the lost part says
//! ```
//!
//! r is the number of random bits, at most 28, and the unit of the random number is 2^(bits − r).
//! Variant A adds nothing, B half of that unit, C rounds the significand to nearest even at that
//! unit first. Words come 512 at a time from `philox`, in L1.

use super::general::{CutPoint, GeneralEncode};
use super::philox::{PhiloxWords, WORD_CHUNK};
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::{Round, Stochastic as Variant};
use crate::spec::{Code, FormatSpec};

/// Bits by which a significand is shifted up, so that random bits fit below it: 24 + 7 bits.
const ROOM: u32 = 7;
/// The most bits that are cut by a shift; what lies below them is only known to be nonzero.
const MOST: u32 = 31;

/// Parameters of a stochastic conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StochasticEncode {
    /// The cut, and what follows the rounding.
    encode: GeneralEncode,
    /// Random bits of a rounding: 1 to 28.
    pub(super) bits: u8,
    /// Halves of the random number's unit that are added to it: 1 in variants B and C.
    halves: u32,
    /// What is subtracted: 1 in variant C, where a tie must not round up by itself.
    less: u32,
    /// 1 in variant C, where the last bit above the unit is added too, so that ties go to even.
    to_even: u32,
}

impl StochasticEncode {
    /// Returns the parameters, or `None` if the policy is not stochastic, or has more random bits
    /// than fit, or the format is not one of `general`.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let Round::Stochastic { kind, bits } = convert.round else { return None };
        // Its codes of overflow must be those of a stochastic rounding: any rounding will do that
        // overflows to infinity.
        let encode = GeneralEncode::lower(spec, &convert.with_round(Round::NearestTowardZero))?;
        // One bit below the random ones is for the halves of B and C; two more are for sticky bits.
        (1..=28).contains(&bits).then_some(())?;
        let (halves, less, to_even) = match kind {
            Variant::A => (0, 0, 0),
            Variant::B => (1, 0, 0),
            Variant::C => (1, 1, 1),
        };
        (encode.shift + ROOM > u32::from(bits) && PhiloxWords::IN_ORDER).then_some(Self {
            encode,
            bits,
            halves,
            less,
            to_even,
        })
    }

    /// Returns whether an f32 that was rounded to odd from more bits gets the code of the original
    /// number: all random bits must meet bits above its last.
    pub(super) fn takes_odd(&self) -> bool {
        self.encode.shift > u32::from(self.bits) + 1
    }

    /// Returns the code of an f32, given by its bits, with a random word whose low bits count.
    #[inline(always)]
    fn code<const PLAIN: bool>(&self, x: u32, random: u32) -> u32 {
        let cut = CutPoint::of(&self.encode, x);
        let wide = cut.significand << ROOM;
        let bits = (cut.bits + ROOM).min(MOST);
        // Numbers far below the smallest would need a shift of more than 31 bits. They are shifted
        // down by the excess first, with one sticky bit for what is lost.
        let far = (cut.bits + ROOM - bits).min(MOST);
        let sticky = u32::from(wide & ((1 << far) - 1) != 0);
        let significand = wide >> far | sticky;
        // The exponent of the random number's unit, in bits of the significand.
        let unit = bits - u32::from(self.bits);
        let random = random & ((1 << self.bits) - 1);
        let add = (random << unit) + (self.halves << (unit - 1)) - self.less
            + (significand >> unit & self.to_even);
        self.encode.finish::<PLAIN>(x, cut.base + ((significand + add) >> bits))
    }
}

#[inline(always)]
fn body<W: Copy + Into<u32>, C: Code>(
    stochastic: &StochasticEncode,
    src: &[f32],
    words: &[W],
    dst: &mut [C],
) {
    let stochastic = *stochastic;
    // Loops, not `for_each`: a closure may be compiled as a function of its own, without the
    // instruction set of its caller.
    if stochastic.encode.is_plain() {
        for ((x, word), code) in src.iter().zip(words).zip(dst) {
            *code = C::truncate(stochastic.code::<true>(x.to_bits(), (*word).into()));
        }
    } else {
        for ((x, word), code) in src.iter().zip(words).zip(dst) {
            *code = C::truncate(stochastic.code::<false>(x.to_bits(), (*word).into()));
        }
    }
}

per_isa! {
    /// Writes the codes of numbers, each with its own random word.
    fn encode_with_words[W: Word, C: Code](
        stochastic: &StochasticEncode,
        src: &[f32],
        words: &[W],
        dst: &mut [C],
    ) = body;
}

/// An integer type of random words.
pub(crate) trait Word: Copy + Into<u32> {}
impl Word for u16 {}
impl Word for u32 {}

impl StochasticEncode {
    /// Writes the codes of numbers, with the random words of the indices from `dither` on.
    pub(super) fn encode<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C], dither: Dither) {
        let mut words = PhiloxWords::new();
        for (i, (src, dst)) in src.chunks(WORD_CHUNK).zip(dst.chunks_mut(WORD_CHUNK)).enumerate() {
            let dither = dither.skip((i * WORD_CHUNK) as u64);
            // Up to 16 random bits take half as many Philox blocks.
            if self.bits <= 16 {
                encode_with_words(isa, self, src, words.halves(isa, dither, src.len()), dst);
            } else {
                encode_with_words(isa, self, src, words.whole(isa, dither, src.len()), dst);
            }
        }
    }
}
