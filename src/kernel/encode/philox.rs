//! The generator of `random`, many blocks at a time.

use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;
use crate::random::Dither;

/// Blocks made at a time: a lane of 64 bits each, since products are that wide.
const LANES: usize = 8;

/// Elements whose words are made at a time.
pub(super) const WORD_CHUNK: usize = 512;

/// Groups of blocks that hold the words of a run, wherever in a block it begins.
const GROUPS: usize = WORD_CHUNK / 4 / LANES + 1;

/// A block: its four words, the first in the low bits.
type PhiloxBlock = [u64; 2];

/// The words of a run.
#[derive(Clone)]
pub(super) struct PhiloxWords([[PhiloxBlock; LANES]; GROUPS]);

impl PhiloxWords {
    /// Whether words lie in memory as they follow each other.
    pub(super) const IN_ORDER: bool = cfg!(target_endian = "little");

    pub(super) const fn new() -> Self {
        Self([[[0; 2]; LANES]; GROUPS])
    }

    /// The words of `count` elements from `dither` on, at most [`WORD_CHUNK`], for a rounding that takes
    /// up to 16 bits.
    pub(super) fn halves(&mut self, isa: Isa, dither: Dither, count: usize) -> &[u16] {
        let place = self.make(isa, dither, count, 8);
        &bytemuck::cast_slice::<PhiloxBlock, u16>(self.0.as_flattened())[place..][..count]
    }

    /// The words of `count` elements from `dither` on, at most [`WORD_CHUNK`], for a rounding that takes
    /// more than 16 bits.
    pub(super) fn whole(&mut self, isa: Isa, dither: Dither, count: usize) -> &[u32] {
        let place = self.make(isa, dither, count, 4);
        &bytemuck::cast_slice::<PhiloxBlock, u32>(self.0.as_flattened())[place..][..count]
    }

    /// Makes the blocks, and says which of the first one's words is the first element's.
    fn make(&mut self, isa: Isa, dither: Dither, count: usize, per_block: usize) -> usize {
        let place = (dither.first_index % per_block as u64) as usize;
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
        // The upper halves of these hold what the products do not look at.
        let (mut c0, mut c1, mut c2, mut c3) =
            (counter, counter.map(|counter| counter >> 32), [0u64; LANES], [0u64; LANES]);
        let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
        for _ in 0..10 {
            for lane in 0..LANES {
                let p0 = (c0[lane] & LOW) * 0xD251_1F53;
                let p1 = (c2[lane] & LOW) * 0xCD9E_8D57;
                c0[lane] = (p1 >> 32) ^ c1[lane] ^ u64::from(k0);
                c2[lane] = (p0 >> 32) ^ c3[lane] ^ u64::from(k1);
                c1[lane] = p1;
                c3[lane] = p0;
            }
            k0 = k0.wrapping_add(0x9E37_79B9);
            k1 = k1.wrapping_add(0xBB67_AE85);
        }
        for lane in 0..LANES {
            out[lane] = [c0[lane] & LOW | c1[lane] << 32, c2[lane] & LOW | c3[lane] << 32];
        }
    }
}

per_isa! {
    /// Blocks of random words, from a block number on.
    fn blocks[](seed: u64, first: u64, groups: &mut [[PhiloxBlock; LANES]]) = blocks_body;
}
