//! Slices of numbers to slices of codes and back: [`SliceConverter`], which holds what a call may
//! be told, and the short calls of [`FormatSpec`] and [`FormatSlice`].
//!
//! A call works in four steps, whatever its direction:
//!
//! ```text
//! check lengths, code width and random bits
//! plan: the kernel for the format, the policy and the instruction set, or the reference codec
//! for each piece, on any thread:        Exec cuts a slice into pieces of 4 Ki or 64 Ki elements
//!     plan.piece(inputs, outputs, random words of its first element)
//! ```
//!
//! A plan's kernels take f32s. Numbers of other types go through a buffer of 2,048 f32s that stays
//! in L1, if f32s carry enough for the kernel (`Needs`); else the reference codec takes them.
//! The result does not depend on the path.

mod calls;
mod converter;
mod decode;
mod encode;
mod extension;
mod fake;
#[cfg(feature = "alloc")]
mod packed;
mod recode;
mod short;
mod table;
mod typed;

pub use converter::SliceConverter;
pub use extension::FormatSliceExt;
#[cfg(feature = "alloc")]
pub use extension::FormatVecExt;
pub use typed::FormatSlice;

use crate::error::Error;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::FormatSpec;

/// Elements from which making the parameters of a kernel pays.
const KERNEL_PAYS: usize = 32;

/// Elements from which a table of the numbers of all 256 codes pays.
const TABLE_PAYS: usize = 256;

/// Elements from which a kernel that decodes pays.
const fn decoding_pays(spec: &FormatSpec) -> usize {
    // Up to 8 bits the kernel's parameters are tables by code.
    if spec.bits() <= 8 { TABLE_PAYS } else { KERNEL_PAYS }
}

/// Whether a call goes to a kernel: it is large enough, and the indices of its elements do not wrap
/// around at 2^64, which kernels do not follow.
const fn has_kernel(elements: usize, pays: usize, dither: Dither) -> bool {
    elements >= pays && dither.first_index.checked_add(elements as u64).is_some()
}

/// The random words of consecutive elements; none are made for a rounding that takes none.
pub(super) struct RandomWords {
    dither: Dither,
    bits: Option<u8>,
}

impl RandomWords {
    pub(super) const fn new(round: Round, dither: Dither) -> Self {
        let bits = match round {
            Round::Stochastic { bits, .. } => Some(bits),
            _ => None,
        };
        Self { dither, bits }
    }

    /// The word of the element `offset` behind the first; 0 for a rounding that takes none.
    pub(super) fn get(&self, offset: usize) -> u32 {
        // A word costs a part of a Philox block, ten rounds.
        self.bits.map_or(0, |bits| self.dither.word(offset as u64, bits))
    }
}

/// Refuses a code type of `found` bits that is too narrow for a format.
fn check_width(spec: &FormatSpec, found: u32) -> Result<(), Error> {
    // Wider is allowed: codes are in the low bits.
    if spec.bits() <= found {
        Ok(())
    } else {
        Err(Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found })
    }
}
