//! Scaling and encoding in one pass over the blocks of a row, each with its own factor.
//!
//! ```text
//! for each block b of the row:
//!     factor = factors[b]                     // broadcast to all lanes
//!     for each vector of numbers of the block:
//!         codes = code(scaled(numbers, factor))   // registers only, from load to store
//! ```
//!
//! Blocks of 16 and 32 numbers, the lengths of NVFP4 and MXFP4, have loops of fixed length, which
//! the compiler unrolls into one or two vectors each; other lengths pay a loop per block. The
//! caller passes chunks that the first-level cache holds. Numbers are finite: blocks with NaN or
//! infinity have a NaN factor and are encoded by the rule afterwards.

use super::divide::Scaling;
use super::intrinsics::BlockIntrinsics;
use super::operands::FloatBlocks;
use crate::kernel::encode::{Finite, Integer};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::kernel::negative_zero::NegativeZero;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use core::hint::black_box;

/// A conversion of a finite scaled number to a code of at most 8 bits.
pub(crate) trait Coder: Copy {
    /// Whether a code takes so few instructions that loops hide from the compiler where blocks lie.
    const SHORT: bool = false;

    /// Returns the code of a finite number.
    fn code(&self, y: f32) -> u8;
}

/// A coder for floating-point elements with −0, to nearest even, whose [`Finite`] covers every
/// finite number: no number of a block needs a second look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatCoder {
    finite: Finite,
    /// Added to every number first: [`NegativeZero::addend`].
    addend: f32,
}

impl FloatCoder {
    /// Returns the coder for a format of at most 8 bits and a policy, or `None` if some finite
    /// number needs the reference path.
    pub(crate) fn lower(
        spec: &FormatSpec,
        convert: &Convert,
        negative_zero: NegativeZero,
    ) -> Option<Self> {
        let finite = Finite::lower(spec, convert)?;
        let signed = spec.negative_zero_code().is_some() && spec.bits() <= 8;
        (signed && finite.covers(f32::MAX.to_bits()))
            .then_some(Self { finite, addend: negative_zero.addend() })
    }

    /// Returns this coder for scaled numbers whose zeros already have their final signs
    /// ([`Scaling::SETTLES_ZEROS`]): it adds −0.0, which changes nothing.
    pub(crate) const fn with_settled_zeros(self) -> Self {
        Self { addend: NegativeZero::Keep.addend(), ..self }
    }

    /// Writes the codes of whole blocks as [`encode_blocks`] does, by a kernel in intrinsics, and
    /// returns whether there is one; if not, nothing is written.
    ///
    /// Every 64 codes take `BYTES` bytes: 64 for a code a byte, 32 for two codes a byte, the first
    /// in the low bits. `codes_of_zeros` says whether numbers that round to −0 get its code or
    /// that of +0.
    pub(crate) fn encode_chunk<S: Scaling, const BYTES: usize>(
        &self,
        isa: Isa,
        codes_of_zeros: NegativeZero,
        scaling: S,
        blocks: FloatBlocks<'_, S::Factor>,
        codes: &mut [u8],
    ) -> bool {
        let finite = match codes_of_zeros {
            NegativeZero::Keep => self.finite,
            NegativeZero::Clear => self.finite.without_negative_zero(),
        };
        Native::encode_chunk::<S, BYTES>(isa, &finite, self.addend, scaling, blocks, codes)
    }
}

impl Coder for FloatCoder {
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        // The largest magnitude is not needed: `lower` made sure that all finite numbers are
        // covered.
        self.finite.code::<true>((y + self.addend).to_bits(), &mut 0) as u8
    }
}

impl Coder for Integer {
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        Self::code(self, y, &mut 0) as u8
    }
}

/// A number type that converts to f32 exactly: f32, f16, bf16.
pub(crate) trait IntoF32: Copy + Into<f32> {}

impl<T: Copy + Into<f32>> IntoF32 for T {}

#[inline(always)]
fn widen_body<T: IntoF32>(src: &[T], dst: &mut [f32]) {
    for (x, to) in src.iter().zip(dst) {
        *to = (*x).into();
    }
}

/// Writes `f(number, factor of its block)` for every number, in blocks of `length`; the last block
/// may be shorter.
///
/// `OPAQUE` is for an `f` of a few instructions: of these the compiler would make vectors of one
/// number of each of several blocks, by gathers, if it saw where a block lies.
#[inline(always)]
pub(super) fn map_blocks<const OPAQUE: bool, S: Copy, F: Copy, D>(
    src: &[S],
    length: usize,
    factors: &[F],
    dst: &mut [D],
    f: impl Fn(S, F) -> D,
) {
    #[inline(always)]
    fn fixed<const OPAQUE: bool, const N: usize, S: Copy, F: Copy, D>(
        src: &[S],
        factors: &[F],
        dst: &mut [D],
        f: impl Fn(S, F) -> D,
    ) {
        // A trip count known when compiling: one block is N / lanes vectors, without a remainder.
        let (blocks, rest) = src.as_chunks::<N>();
        let (out, rest_out) = dst.as_chunks_mut::<N>();
        for ((block, out), &factor) in blocks.iter().zip(out).zip(factors) {
            let block = if OPAQUE { black_box(block) } else { block };
            for (x, to) in block.iter().zip(out) {
                *to = f(*x, factor);
            }
        }
        // The end of a row that is not a whole number of blocks.
        if let Some(&factor) = factors.get(blocks.len()) {
            for (x, to) in rest.iter().zip(rest_out) {
                *to = f(*x, factor);
            }
        }
    }
    // The lengths of NVFP4 and MXFP4; longer blocks lose little to a loop of variable length. With
    // a factor for each number there are no blocks to mind.
    match length {
        1 => {
            for ((x, to), &factor) in src.iter().zip(dst).zip(factors) {
                *to = f(*x, factor);
            }
        }
        16 => fixed::<OPAQUE, 16, S, F, D>(src, factors, dst, f),
        32 => fixed::<OPAQUE, 32, S, F, D>(src, factors, dst, f),
        _ => {
            for ((block, out), &factor) in
                src.chunks(length).zip(dst.chunks_mut(length)).zip(factors)
            {
                for (x, to) in block.iter().zip(out) {
                    *to = f(*x, factor);
                }
            }
        }
    }
}

#[inline(always)]
fn encode_body<S: Scaling, C: Coder>(
    coder: &C,
    scaling: S,
    src: &[f32],
    length: usize,
    factors: &[S::Factor],
    codes: &mut [u8],
) {
    // A copy that nothing points at: its fields stay in registers for the whole loop.
    let coder = *coder;
    let code = |x, factor| coder.code(scaling.scaled(x, factor));
    if C::SHORT {
        map_blocks::<true, _, _, _>(src, length, factors, codes, code);
    } else {
        map_blocks::<false, _, _, _>(src, length, factors, codes, code);
    }
}

#[inline(always)]
fn scale_body<S: Scaling>(
    scaling: S,
    negative_zero: NegativeZero,
    src: &[f32],
    length: usize,
    factors: &[S::Factor],
    dst: &mut [f32],
) {
    // Outside of the loop: one broadcast for all blocks.
    let addend = negative_zero.addend();
    let scaled = |x, factor| scaling.scaled(x, factor) + addend;
    map_blocks::<true, _, _, _>(src, length, factors, dst, scaled);
}

#[inline(always)]
fn zeros_become_body<S: Scaling<Factor = f32>>(
    scaling: S,
    numbers: &[f32],
    length: usize,
    factors: &[f32],
    code: u8,
    codes: &mut [u8],
) {
    for ((numbers, codes), factor) in
        numbers.chunks(length).zip(codes.chunks_mut(length)).zip(factors)
    {
        for (x, to) in numbers.iter().zip(codes) {
            // Scaled again rather than kept from the encoding: few schemes come here. Writing the
            // old code back keeps the store unconditional, so that the loop is vectors.
            *to = if scaling.scaled(*x, *factor) == 0.0 { code } else { *to };
        }
    }
}

#[inline(always)]
fn replace_body(from: u8, to: u8, codes: &mut [u8]) {
    for code in codes {
        // A compare and a blend of 16 to 64 bytes at a time.
        *code = if *code == from { to } else { *code };
    }
}

per_isa! {
    /// Converts numbers to f32, exactly.
    fn widen[T: IntoF32](src: &[T], dst: &mut [f32]) = widen_body;
    /// Writes the codes of finite numbers scaled by their blocks' factors.
    fn encode_blocks[S: Scaling, C: Coder](
        coder: &C,
        scaling: S,
        src: &[f32],
        length: usize,
        factors: &[S::Factor],
        codes: &mut [u8],
    ) = encode_body;
    /// Writes numbers scaled by their blocks' factors, with −0 kept or cleared.
    fn scale_blocks[S: Scaling](
        scaling: S,
        negative_zero: NegativeZero,
        src: &[f32],
        length: usize,
        factors: &[S::Factor],
        dst: &mut [f32],
    ) = scale_body;
    /// Writes `code` where a number is zero once scaled; other codes stay.
    fn zeros_become[S: Scaling<Factor = f32>](
        scaling: S,
        numbers: &[f32],
        length: usize,
        factors: &[f32],
        code: u8,
        codes: &mut [u8],
    ) = zeros_become_body;
    /// Replaces every code `from` by `to`.
    fn replace[](from: u8, to: u8, codes: &mut [u8]) = replace_body;
}
