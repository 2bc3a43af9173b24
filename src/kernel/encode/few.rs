//! f32 to any code that changes at 16 places or fewer, by comparing with all of them.
//!
//! ```text
//! key  = f32 bits, mapped so that signed integers are ordered as the numbers are
//! code = first + sum over i of (key >= keys[i] ? changes[i] : 0)      // modulo 2^32
//! ```
//!
//! 16 comparisons and 16 masked additions for a vector of numbers: no table, no gather, no branch,
//! and so two instructions an element where vectors have 16 lanes. Places that a format does not
//! need are above every key, with a change of 0.

use crate::kernel::native::per_isa;
use crate::spec::Code;

/// Places at most.
pub(super) const PLACES: usize = 16;

/// The places at which a code changes, and by how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Few {
    keys: [i32; PLACES],
    changes: [u32; PLACES],
    /// The code before the first place.
    first: u32,
    /// The codes of NaNs without and with a sign.
    nan: [u32; 2],
}

impl Few {
    /// Returns the places of steps, each the first key (of unsigned order) with its code; `None`
    /// for more than 16.
    pub(super) fn of(first: u8, steps: &[(u32, u8)], nan: [u8; 2]) -> Option<Self> {
        if steps.len() > PLACES {
            return None;
        }
        let mut few = Self {
            keys: [i32::MAX; PLACES],
            changes: [0; PLACES],
            first: first.into(),
            nan: nan.map(u32::from),
        };
        let mut before = first;
        for (i, &(key, code)) in steps.iter().enumerate() {
            // The order of u32s becomes that of i32s, which every instruction set compares.
            few.keys[i] = (key ^ 0x8000_0000).cast_signed();
            few.changes[i] = u32::from(code).wrapping_sub(before.into());
            before = code;
        }
        Some(few)
    }

    /// Returns the code of an f32 given by its bits.
    #[inline(always)]
    fn code(&self, bits: u32) -> u32 {
        // Negative numbers have all bits but the sign flipped, so that larger ones come later.
        let key = (bits ^ ((bits.cast_signed() >> 31).cast_unsigned() >> 1)).cast_signed();
        let mut code = self.first;
        for i in 0..PLACES {
            code = code.wrapping_add(if key >= self.keys[i] { self.changes[i] } else { 0 });
        }
        let nan = if bits >> 31 == 1 { self.nan[1] } else { self.nan[0] };
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { nan } else { code }
    }
}

#[inline(always)]
fn encode_body<C: Code>(few: &Few, src: &[f32], dst: &mut [C]) {
    // A copy that nothing points at stays in registers, as far as there are any.
    let few = *few;
    for (x, code) in src.iter().zip(dst) {
        *code = C::truncate(few.code(x.to_bits()));
    }
}

per_isa! {
    /// Writes the codes of numbers.
    fn encode_few[C: Code](few: &Few, src: &[f32], dst: &mut [C]) = encode_body;
}
