//! Numbers to codes: by the kernel for the format and the policy if there is one, else one element
//! at a time through the reference codec.
//!
//! Where inputs and outputs together are larger than the caches, codes are made in a tile in L1 and
//! stored past the caches, so that the output is not read before it is written.

use super::{KERNEL_PAYS, RandomWords, SliceConverter, check_width, has_kernel};
use crate::error::Error;
use crate::kernel::{self, Encoder, Isa};
use crate::ops::Real;
use crate::ops::par::Pieces;
use crate::ops::real::over_f32s;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::{Code, FormatSpec};

/// [`SliceConverter::encode`].
pub(super) fn encode<T: Real, C: Code>(
    converter: &SliceConverter,
    src: &[T],
    dst: &mut [C],
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<C>(&converter.spec)?;
    let plan = EncodePlan::new(converter, src.len())?;
    let past_caches = kernel::is_large(size_of_val(src) + size_of_val(dst));
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
    pub(super) fn piece<T: Real, C: Code>(
        &self,
        src: &[T],
        dst: &mut [C],
        dither: Dither,
        past_caches: bool,
    ) {
        if let Some(kernel) = &self.kernel {
            // Advances over the buffers of f32s that this piece comes in.
            let mut dither = dither;
            let encode = |src: &[f32], dst: &mut [C]| {
                // Stores past the caches want plain memory: bytes, or words of 16 bits.
                if past_caches && let Some(dst) = C::bytes_mut(dst) {
                    kernel.encode_past_caches(src, dst, dither);
                } else if past_caches && let Some(dst) = C::words_mut(dst) {
                    kernel::tiles(src, dst, |index, src, dst| {
                        kernel.encode(src, dst, dither.skip(index));
                    });
                } else {
                    kernel.encode(src, dst, dither);
                }
                dither = dither.skip(src.len() as u64);
            };
            if over_f32s(self.isa, src, dst, kernel.needs(&self.policy), encode) {
                return;
            }
        }
        // No kernel, or inputs that f32s do not show: `dither` is still the piece's first.
        let words = RandomWords::new(self.policy.round, dither);
        for (i, (x, code)) in src.iter().zip(dst).enumerate() {
            *code = C::truncate(self.spec.encode_with(x.unpack(), &self.policy, words.get(i)).code);
        }
    }

    /// Codes of 4 bits, two a byte, the first in the low bits. Returns whether the bytes are the
    /// result; if not, the kernel does not pack, or met numbers that it does not cover.
    #[cfg(feature = "alloc")]
    pub(super) fn nibbles<T: Real>(&self, src: &[T], bytes: &mut [u8]) -> bool {
        let Some(kernel) = &self.kernel else { return false };
        let (mut ok, mut bytes) = (true, bytes);
        // A byte belongs to two numbers, so `over_f32s` cannot cut `bytes` for the closure: it cuts
        // a vector of `()`, which takes no memory. Its buffers hold an even count of numbers,
        // except the last, so each buffer begins at a byte.
        let mut units = alloc::vec![(); src.len()];
        let all = over_f32s(self.isa, src, &mut units, kernel.needs(&self.policy), |src, _| {
            let packed = bytes.split_off_mut(..src.len().div_ceil(2)).unwrap_or_default();
            ok &= kernel.nibbles(src, packed);
        });
        all && ok
    }
}
