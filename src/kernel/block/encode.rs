//! Scaling and encoding in one loop over the blocks of a row, each with a factor of its own.

use super::divide::Scaling;
use super::intrinsics::BlockIntrinsics;
use super::operands::FloatBlocks;
use crate::kernel::encode::{Finite, Integer};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use crate::kernel::negative_zero::NegativeZero;
use crate::policy::Convert;
use crate::spec::FormatSpec;

/// How a finite scaled number becomes a code of at most 8 bits.
pub(crate) trait Coder: Copy {
    fn code(&self, y: f32) -> u8;
}

/// Floats, to nearest even: [`Finite`], where it covers every finite number, in formats with −0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatCoder {
    finite: Finite,
    /// Added to every number first: [`NegativeZero::addend`].
    addend: f32,
}

impl FloatCoder {
    /// The parameters, if the format and the policy are of the kind.
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

    /// This coder for numbers whose zeros already have the signs that they are to have.
    pub(crate) const fn with_settled_zeros(self) -> Self {
        Self { addend: NegativeZero::Keep.addend(), ..self }
    }

    /// The codes of a run of blocks as [`encode_blocks`] makes them, 64 in so many bytes: one a
    /// byte in 64, two, the first in the low bits, in 32; with −0, also what is rounded to it, or
    /// all zeros positive. Or nothing, which it says, where that is not quicker.
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
        self.finite.code::<true>((y + self.addend).to_bits(), &mut 0) as u8
    }
}

impl Coder for Integer {
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        Self::code(self, y, &mut 0) as u8
    }
}

/// What tensors are made from.
pub(crate) trait IntoF32: Copy + Into<f32> {}

impl<T: Copy + Into<f32>> IntoF32 for T {}

#[inline(always)]
fn widen_body<T: IntoF32>(src: &[T], dst: &mut [f32]) {
    for (x, to) in src.iter().zip(dst) {
        *to = (*x).into();
    }
}

/// `to = f(from, the block's factor)` for blocks of some length, the last of which may be shorter.
#[inline(always)]
pub(super) fn map_blocks<S: Copy, F: Copy, D>(
    src: &[S],
    length: usize,
    factors: &[F],
    dst: &mut [D],
    f: impl Fn(S, F) -> D,
) {
    #[inline(always)]
    fn fixed<const N: usize, S: Copy, F: Copy, D>(
        src: &[S],
        factors: &[F],
        dst: &mut [D],
        f: impl Fn(S, F) -> D,
    ) {
        let (blocks, rest) = src.as_chunks::<N>();
        let (out, rest_out) = dst.as_chunks_mut::<N>();
        for ((block, out), &factor) in blocks.iter().zip(out).zip(factors) {
            for (x, to) in block.iter().zip(out) {
                *to = f(*x, factor);
            }
        }
        if let Some(&factor) = factors.get(blocks.len()) {
            for (x, to) in rest.iter().zip(rest_out) {
                *to = f(*x, factor);
            }
        }
    }
    match length {
        16 => fixed::<16, S, F, D>(src, factors, dst, f),
        32 => fixed::<32, S, F, D>(src, factors, dst, f),
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
    let coder = *coder;
    map_blocks(src, length, factors, codes, |x, factor| coder.code(scaling.scaled(x, factor)));
}

#[inline(always)]
fn scale_body<S: Scaling<Factor = f32>>(
    scaling: S,
    negative_zero: NegativeZero,
    src: &[f32],
    length: usize,
    factors: &[f32],
    dst: &mut [f32],
) {
    let addend = negative_zero.addend();
    map_blocks(src, length, factors, dst, |x, factor| scaling.scaled(x, factor) + addend);
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
            *to = if scaling.scaled(*x, *factor) == 0.0 { code } else { *to };
        }
    }
}

#[inline(always)]
fn replace_body(from: u8, to: u8, codes: &mut [u8]) {
    for code in codes {
        *code = if *code == from { to } else { *code };
    }
}

per_isa! {
    /// Numbers as f32s.
    fn widen[T: IntoF32](src: &[T], dst: &mut [f32]) = widen_body;
    /// Codes of finite numbers scaled by their blocks' factors.
    fn encode_blocks[S: Scaling, C: Coder](coder: &C, scaling: S, src: &[f32], length: usize, factors: &[S::Factor], codes: &mut [u8]) = encode_body;
    /// Numbers scaled by their blocks' factors, plus a zero.
    fn scale_blocks[S: Scaling<Factor = f32>](scaling: S, negative_zero: NegativeZero, src: &[f32], length: usize, factors: &[f32], dst: &mut [f32]) = scale_body;
    /// A code in the places of numbers that are zero once scaled.
    fn zeros_become[S: Scaling<Factor = f32>](scaling: S, numbers: &[f32], length: usize, factors: &[f32], code: u8, codes: &mut [u8]) = zeros_become_body;
    /// One code for another.
    fn replace[](from: u8, to: u8, codes: &mut [u8]) = replace_body;
}
