//! The counter-based generator behind stochastic rounding. A random word is a function of (seed,
//! element index): it does not depend on threads, chunking or instruction set.

/// One block of Philox4x32-10 (Salmon et al., SC 2011): four random words from a 128-bit counter
/// and a 64-bit key.
///
/// ```
/// // The known answer of the Random123 distribution for counter 0, key 0.
/// let words = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8];
/// assert_eq!(subhalf::philox4x32_10([0; 4], [0; 2]), words);
/// ```
#[must_use]
#[inline]
pub const fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    let mut round = 0;
    while round < 10 {
        let p0 = c0 as u64 * 0xD251_1F53;
        let p1 = c2 as u64 * 0xCD9E_8D57;
        (c0, c1, c2, c3) =
            ((p1 >> 32) as u32 ^ c1 ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c3 ^ k1, p0 as u32);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
        round += 1;
    }
    [c0, c1, c2, c3]
}

/// The randomness of a bulk call: a seed, and the index of the first element in the whole it
/// belongs to.
///
/// Element *i* (row-major, counted from the start of the whole) always gets the same word for a
/// seed. Philox4x32-10 runs with key = seed (low word first) and counter = (block number, stream),
/// each 64 bits, low word first; rounding uses stream 0. With at most 16 random bits, element *i*
/// takes 16-bit half `i mod 8` (low half of word 0 first) of block `i / 8`; with more, word
/// `i mod 4` of block `i / 4`. A rounding uses the low bits of what it takes.
///
/// ```
/// use subhalf::{Dither, FormatSpec, Round, SliceConverter, Stochastic};
/// let round = Round::stochastic(Stochastic::B, 8)?;
/// let e2m1 = SliceConverter::new(&FormatSpec::F4E2M1).round(round);
/// let (x, mut whole, mut parts) = ([2.25f32; 100], [0u8; 100], [0u8; 100]);
/// let dither = Dither::new(42);
/// e2m1.dither(dither).encode(&x, &mut whole)?;
/// e2m1.dither(dither).encode(&x[..37], &mut parts[..37])?;
/// e2m1.dither(dither.skip(37)).encode(&x[37..], &mut parts[37..])?;
/// assert_eq!(whole, parts);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dither {
    /// The 64-bit key of Philox4x32-10, low word first: the same seed gives the same words.
    pub seed: u64,
    /// Index, in the whole, of the first element of the slice; it chooses the words that the slice
    /// takes.
    pub first_index: u64,
}

impl Dither {
    /// Seed 0 from index 0: for roundings that take no random bits.
    pub const NONE: Self = Self::new(0);

    /// A seed, from index 0.
    #[must_use]
    #[inline]
    pub const fn new(seed: u64) -> Self {
        Self { seed, first_index: 0 }
    }

    /// This seed, `elements` further on (modulo 2^64).
    #[must_use]
    #[inline]
    pub const fn skip(self, elements: u64) -> Self {
        Self { first_index: self.first_index.wrapping_add(elements), ..self }
    }

    /// The random word of element `offset` of the slice, for a rounding that takes `bits` random
    /// bits.
    ///
    /// ```
    /// use subhalf::Dither;
    /// let dither = Dither::new(7);
    /// assert_eq!(dither.word(1, 32), dither.skip(1).word(0, 32));
    /// assert!(dither.word(1, 16) < 1 << 16);
    /// ```
    #[must_use]
    #[inline]
    pub const fn word(self, offset: u64, bits: u8) -> u32 {
        const STREAM: [u32; 2] = [0, 0];
        let index = self.first_index.wrapping_add(offset);
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let per_block = if bits <= 16 { 8 } else { 4 };
        let (block, place) = (index / per_block, (index % per_block) as usize);
        let words = philox4x32_10([block as u32, (block >> 32) as u32, STREAM[0], STREAM[1]], key);
        if bits <= 16 { words[place / 2] >> (16 * (place & 1)) & 0xFFFF } else { words[place] }
    }
}
