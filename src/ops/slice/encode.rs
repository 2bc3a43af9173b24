//! Numbers to codes: by the kernel for the format and the policy if there is one, else one element
//! at a time through the reference codec.
//!
//! Where inputs and outputs together are larger than the caches, codes are made in a tile in L1 and
//! stored past the caches, so that the output is not read before it is written.

use super::{KERNEL_PAYS, RandomWords, SliceConverter, check_width, has_kernel};
use crate::error::Error;
use crate::kernel::{self, Encoder, Isa};
use crate::ops::numbers::Numbers;
use crate::ops::par::Pieces;
use crate::ops::real::over_f32s;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::{CodeSliceMut, FormatSpec};
use core::ops::Range;

/// [`SliceConverter::encode`].
pub(super) fn encode(
    converter: &SliceConverter,
    src: Numbers<'_>,
    dst: CodeSliceMut<'_>,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width(&converter.spec, dst.width())?;
    let plan = EncodePlan::new(converter, src.len())?;
    let past_caches = kernel::is_large(src.bytes() + dst.len() * dst.width() as usize / 8);
    converter.exec.over(src, dst, plan.pieces(), |first, src, dst| {
        plan.piece(src, dst, converter.dither.skip(first as u64), past_caches);
    });
    Ok(())
}

/// What is found out once for all pieces of an encoding.
pub(super) struct EncodePlan {
    spec: FormatSpec,
    policy: Convert,
    /// `None`: the reference codec.
    kernel: Option<Encoder>,
    isa: Isa,
}

impl EncodePlan {
    /// Refuses a stochastic rounding of 0 or more than 32 random bits.
    pub(super) fn new(converter: &SliceConverter, elements: usize) -> Result<Self, Error> {
        let (spec, policy, isa) = (converter.spec, converter.policy(), converter.exec.isa());
        policy.round.validate()?;
        let kernel = if has_kernel(elements, KERNEL_PAYS, converter.dither) {
            Encoder::lower(isa, &spec, &policy, elements)
        } else {
            None
        };
        Ok(Self { spec, policy, kernel, isa })
    }

    pub(super) const fn pieces(&self) -> Pieces {
        if self.kernel.is_some() { Pieces::Fast } else { Pieces::Slow }
    }

    /// Codes of a piece, whose first element takes the first word of `dither`; `past_caches` if
    /// the whole slice is larger than the caches.
    pub(super) fn piece(
        &self,
        src: Numbers<'_>,
        mut dst: CodeSliceMut<'_>,
        dither: Dither,
        past_caches: bool,
    ) {
        if let Some(kernel) = &self.kernel {
            let mut encode = |range: Range<usize>, src: &[f32]| {
                let dither = dither.skip(range.start as u64);
                match dst.range(range) {
                    // Stores past the caches want plain memory: bytes, or words of 16 bits.
                    CodeSliceMut::U8(dst) if past_caches => {
                        kernel.encode_past_caches(src, dst, dither);
                    }
                    CodeSliceMut::U16(dst) if past_caches => {
                        kernel::tiles(src, dst, |index, src, dst| {
                            kernel.encode(src, dst, dither.skip(index));
                        });
                    }
                    CodeSliceMut::U8(dst) => kernel.encode(src, dst, dither),
                    CodeSliceMut::U16(dst) => kernel.encode(src, dst, dither),
                    CodeSliceMut::U32(dst) => kernel.encode(src, dst, dither),
                }
            };
            if over_f32s(self.isa, src, kernel.needs(&self.policy), &mut encode) {
                return;
            }
        }
        // No kernel, or inputs that f32s do not show.
        let words = RandomWords::new(self.policy.round, dither);
        for i in 0..src.len() {
            dst.set(i, self.spec.encode_with(src.unpack(i), &self.policy, words.get(i)).code);
        }
    }

    /// Codes of 4 bits, two a byte, the first in the low bits. Returns whether the bytes are the
    /// result; if not, the kernel does not pack, or met numbers that it does not cover.
    #[cfg(feature = "alloc")]
    pub(super) fn nibbles(&self, src: Numbers<'_>, bytes: &mut [u8]) -> bool {
        let Some(kernel) = &self.kernel else { return false };
        let mut ok = true;
        // Buffers of f32s hold an even count of numbers, except the last: each begins at a byte.
        let mut encode = |range: Range<usize>, src: &[f32]| {
            ok &= kernel.nibbles(src, &mut bytes[range.start / 2..range.end.div_ceil(2)]);
        };
        over_f32s(self.isa, src, kernel.needs(&self.policy), &mut encode) && ok
    }
}
