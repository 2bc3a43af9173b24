//! Philox4x32-10, the generator of `random`, eight blocks at a time.
//!
//! A block is four 32-bit words from a counter and a key (the seed), by ten rounds of two 32 × 32
//! → 64 bit products. Element i of a slice takes word i, or 16-bit half i, so words depend on the
//! index alone and any part of a slice can be encoded by itself.
//!
//! Eight counters lie in eight lanes of 64 bits, because products are that wide: one AVX-512
//! register or two of AVX2 for each of the four words. A call makes the words of 512 elements, 2
//! KiB, in L1.

use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::random::Dither;

/// Blocks made at a time, one for each lane of 64 bits.
const LANES: usize = 8;

/// Elements whose words are made by one call.
pub(super) const WORD_CHUNK: usize = 512;

/// Groups of blocks that hold [`WORD_CHUNK`] words, wherever in a block the first one is.
const GROUPS: usize = WORD_CHUNK / 4 / LANES + 1;

/// The four words of a block, the first in the low bits.
type PhiloxBlock = [u64; 2];

/// A buffer of random words.
#[derive(Clone)]
pub(super) struct PhiloxWords([[PhiloxBlock; LANES]; GROUPS]);

impl PhiloxWords {
    /// Whether the words of a block lie in memory in their order: on little-endian targets.
    pub(super) const IN_ORDER: bool = cfg!(target_endian = "little");

    /// Returns an empty buffer.
    pub(super) const fn new() -> Self {
        Self([[[0; 2]; LANES]; GROUPS])
    }

    /// Returns the 16-bit halves of `count` elements from `dither` on, at most [`WORD_CHUNK`], for
    /// a rounding that takes up to 16 bits.
    pub(super) fn halves(&mut self, isa: Isa, dither: Dither, count: usize) -> &[u16] {
        let place = self.make(isa, dither, count, 8);
        &bytemuck::cast_slice::<PhiloxBlock, u16>(self.0.as_flattened())[place..][..count]
    }

    /// Returns the 32-bit words of `count` elements from `dither` on, at most [`WORD_CHUNK`], for a
    /// rounding that takes more than 16 bits.
    pub(super) fn whole(&mut self, isa: Isa, dither: Dither, count: usize) -> &[u32] {
        let place = self.make(isa, dither, count, 4);
        &bytemuck::cast_slice::<PhiloxBlock, u32>(self.0.as_flattened())[place..][..count]
    }

    /// Makes the blocks that hold `count` words from `dither` on and returns the place of the first
    /// word in the first block. `per_block` is 4 words or 8 halves.
    fn make(&mut self, isa: Isa, dither: Dither, count: usize, per_block: usize) -> usize {
        let place = (dither.first_index % per_block as u64) as usize;
        // Whole groups of eight blocks are made, which may be more words than wanted.
        let groups = (place + count).div_ceil(per_block * LANES);
        blocks(isa, dither.seed, dither.first_index / per_block as u64, &mut self.0[..groups]);
        place
    }
}

#[inline(always)]
fn blocks_body(seed: u64, first: u64, groups: &mut [[PhiloxBlock; LANES]]) {
    const LOW: u64 = 0xFFFF_FFFF;
    let mut start = first;
    for out in groups {
        let counter: [u64; LANES] = core::array::from_fn(|lane| start.wrapping_add(lane as u64));
        start = start.wrapping_add(LANES as u64);
        // Upper halves hold garbage, which the products mask off: no instruction clears them.
        let (mut c0, mut c1, mut c2, mut c3) =
            (counter, counter.map(|counter| counter >> 32), [0u64; LANES], [0u64; LANES]);
        let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
        // Ten rounds; the eight lanes are independent, so their products overlap.
        for _ in 0..10 {
            for lane in 0..LANES {
                // 32 × 32 → 64 bits: one multiplication of 64-bit lanes.
                let p0 = (c0[lane] & LOW) * 0xD251_1F53;
                let p1 = (c2[lane] & LOW) * 0xCD9E_8D57;
                c0[lane] = (p1 >> 32) ^ c1[lane] ^ u64::from(k0);
                c2[lane] = (p0 >> 32) ^ c3[lane] ^ u64::from(k1);
                c1[lane] = p1;
                c3[lane] = p0;
            }
            // The key schedule of Philox: the golden ratio and √3 − 1.
            k0 = k0.wrapping_add(0x9E37_79B9);
            k1 = k1.wrapping_add(0xBB67_AE85);
        }
        for lane in 0..LANES {
            // Two words in each u64, the first in the low half.
            out[lane] = [c0[lane] & LOW | c1[lane] << 32, c2[lane] & LOW | c3[lane] << 32];
        }
    }
}

per_isa! {
    /// Writes consecutive blocks of random words, from block number `first` on.
    fn blocks[](seed: u64, first: u64, groups: &mut [[PhiloxBlock; LANES]]) = blocks_body;
}
