//! f32 to any code that changes at 15 places or fewer, by comparisons in registers: four for a
//! number where an instruction set permutes places, else all.
//!
//! ```text
//! key  = f32 bits, mapped so that signed integers are ordered as the numbers are
//! code = first + sum over i of (key >= keys[i] ? changes[i] : 0)      // modulo 2^32
//! ```
//!
//! 15 comparisons and 15 masked additions for a vector of numbers: no table, no gather, no branch,
//! and so two instructions an element where vectors have 16 lanes. Places that a format does not
//! need are above every key, with a change of 0. Where codes count the places, as in a codebook in
//! order, the comparison with the middle one selects which seven of the others are compared:
//!
//! ```text
//! upper = key >= keys[7]                                      // all bits, or none
//! code  = first + 8 upper + sum over 7 of (key >= low[i] ^ (low[i] ^ high[i]) & upper)
//! ```

use crate::kernel::native::per_isa;
use crate::spec::Code;

/// Places at most.
const PLACES: usize = 15;

/// The places at which a code changes, and by how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Few {
    keys: [i32; PLACES],
    changes: [u32; PLACES],
    /// The code before the first place.
    first: u32,
    /// The codes of NaNs without and with a sign.
    nan: [u32; 2],
    /// Whether every change is one code up.
    counts: bool,
}

impl Few {
    /// Returns the places of steps, each the first key (of unsigned order) with its code; `None`
    /// for more than 15.
    pub(super) fn of(first: u8, steps: &[(u32, u8)], nan: [u8; 2]) -> Option<Self> {
        if steps.len() > PLACES {
            return None;
        }
        let mut few = Self {
            keys: [i32::MAX; PLACES],
            changes: [0; PLACES],
            first: first.into(),
            nan: nan.map(u32::from),
            counts: true,
        };
        let mut before = first;
        for (i, &(key, code)) in steps.iter().enumerate() {
            // The order of u32s becomes that of i32s, which every instruction set compares.
            few.keys[i] = (key ^ 0x8000_0000).cast_signed();
            few.changes[i] = u32::from(code).wrapping_sub(before.into());
            few.counts &= few.changes[i] == 1;
            before = code;
        }
        Some(few)
    }

    /// Returns the places in order, the last of 16 above all, and the code behind as many of them
    /// as an index says.
    pub(in crate::kernel) fn by_rank(&self) -> ([i32; 16], [u32; 16]) {
        let (mut keys, mut codes) = ([i32::MAX; 16], [self.first; 16]);
        keys[..PLACES].copy_from_slice(&self.keys);
        for (i, change) in self.changes.iter().enumerate() {
            codes[i + 1] = codes[i].wrapping_add(*change);
        }
        (keys, codes)
    }

    /// Returns the codes of NaNs without and with a sign.
    pub(in crate::kernel) const fn nan(&self) -> [u32; 2] {
        self.nan
    }

    /// Returns how many places are at or below a key. Places are selected by masks: of seven
    /// conditions that are one, the compiler would make a branch.
    #[inline(always)]
    fn count(&self, key: i32) -> u32 {
        let upper = i32::from(key >= self.keys[7]).wrapping_neg();
        let mut count = upper.cast_unsigned() & 8;
        for i in 0..7 {
            let (low, high) = (self.keys[i], self.keys[8 + i]);
            count += u32::from(key >= low ^ ((low ^ high) & upper));
        }
        count
    }

    /// Returns the code of an f32 given by its bits.
    #[inline(always)]
    fn code<const COUNTS: bool>(&self, bits: u32) -> u32 {
        // Negative numbers have all bits but the sign flipped, so that larger ones come later.
        let key = (bits ^ ((bits.cast_signed() >> 31).cast_unsigned() >> 1)).cast_signed();
        let mut code = self.first;
        if COUNTS {
            code += self.count(key);
        } else {
            for i in 0..PLACES {
                code = code.wrapping_add(if key >= self.keys[i] { self.changes[i] } else { 0 });
            }
        }
        let nan = if bits >> 31 == 1 { self.nan[1] } else { self.nan[0] };
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { nan } else { code }
    }
}

#[inline(always)]
fn encode_body<C: Code>(few: &Few, src: &[f32], dst: &mut [C]) {
    // A copy that nothing points at stays in registers, as far as there are any.
    let few = *few;
    if few.counts {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(few.code::<true>(x.to_bits()));
        }
    } else {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(few.code::<false>(x.to_bits()));
        }
    }
}

per_isa! {
    /// Writes the codes of numbers.
    fn encode_few[C: Code](few: &Few, src: &[f32], dst: &mut [C]) = encode_body;
}
