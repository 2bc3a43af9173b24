//! f32 to codes at random: the cut of `general`, with random bits in place of a rounding's
//! constant.

use super::general::{CutPoint, GeneralEncode};
use super::philox::{PhiloxWords, WORD_CHUNK};
use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::{Round, Stochastic as Variant};
use crate::spec::{Code, FormatSpec};

/// A significand is moved up by this, so that there is room for random bits below; more than 31
/// bits that are cut count as 31.
const ROOM: u32 = 7;
const MOST: u32 = 31;

/// Parameters of a conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StochasticEncode {
    encode: GeneralEncode,
    pub(super) bits: u8,
    /// What is added besides the random number: so many halves of its unit, less the other number;
    /// and 1 where the unit's bit is added too.
    halves: u32,
    less: u32,
    to_even: u32,
}

impl StochasticEncode {
    /// The parameters, if the format and the policy are of the kind.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let Round::Stochastic { kind, bits } = convert.round else { return None };
        // Any rounding that lets overflow be infinite, as a random one does.
        let encode = GeneralEncode::lower(spec, &convert.with_round(Round::NearestTowardZero))?;
        // One bit below the random ones is for the halves of B and C; two at the end are for what
        // was cut before.
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

    /// Whether an f32 that is odd for being inexact meets the random bits above its last.
    pub(super) fn takes_odd(&self) -> bool {
        self.encode.shift > u32::from(self.bits) + 1
    }

    #[inline(always)]
    fn code<const PLAIN: bool>(&self, x: u32, random: u32) -> u32 {
        let cut = CutPoint::of(&self.encode, x);
        let wide = cut.significand << ROOM;
        let bits = (cut.bits + ROOM).min(MOST);
        let far = (cut.bits + ROOM - bits).min(MOST);
        let sticky = u32::from(wide & ((1 << far) - 1) != 0);
        let significand = wide >> far | sticky;
        // A unit of the random number.
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
    // Loops, not `for_each`: a closure's function may keep its own instruction set.
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
    /// Codes of numbers, each with its random word.
    fn encode_with_words[W: Word, C: Code](stochastic: &StochasticEncode, src: &[f32], words: &[W], dst: &mut [C]) = body;
}

/// The integers that random words come in.
pub(crate) trait Word: Copy + Into<u32> {}
impl Word for u16 {}
impl Word for u32 {}

impl StochasticEncode {
    /// Codes of numbers, with the words of the indices from `dither` on.
    pub(super) fn encode<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C], dither: Dither) {
        let mut words = PhiloxWords::new();
        for (i, (src, dst)) in src.chunks(WORD_CHUNK).zip(dst.chunks_mut(WORD_CHUNK)).enumerate() {
            let dither = dither.skip((i * WORD_CHUNK) as u64);
            if self.bits <= 16 {
                encode_with_words(isa, self, src, words.halves(isa, dither, src.len()), dst);
            } else {
                encode_with_words(isa, self, src, words.whole(isa, dither, src.len()), dst);
            }
        }
    }
}
