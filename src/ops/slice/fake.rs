//! Numbers to representable numbers, into another slice or where they lie.
//!
//! ```text
//! f32:                      kernel without codes; numbers that it does not cover, by way of codes
//! f64, f16, bf16 <= 8 bits: f32s in a buffer -> codes -> a table of the numbers of all codes
//! else:                     one element at a time: encode, decode
//! ```
//!
//! In place, f32s are rounded by groups that never leave registers; a kernel looks at a group
//! before it writes over it. Other types are copied to f32s first. The slice itself is read once
//! from memory and written once.

use super::table::NumberTable;
use super::{RandomWords, SliceConverter, decoding_pays, has_kernel};
use crate::codec::Unpacked;
use crate::error::Error;
use crate::kernel::{self, FakeQuantizer, Isa};
use crate::ops::numbers::{Numbers, NumbersMut};
use crate::ops::par::Pieces;
use crate::ops::real::{over_f32s, over_f32s_in_place};
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::FormatSpec;
use core::ops::Range;

/// [`SliceConverter::fake_quantize`].
pub(super) fn fake_quantize(
    converter: &SliceConverter,
    src: Numbers<'_>,
    dst: NumbersMut<'_>,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    converter.policy().round.validate()?;
    let plan = FakeQuantizePlan::new(converter, &dst);
    let past_caches = kernel::is_large(src.bytes() + dst.as_numbers().bytes());
    converter.exec.over(src, dst, plan.pieces(), |first, src, dst| {
        plan.piece(src, dst, converter.dither.skip(first as u64), past_caches);
    });
    Ok(())
}

/// [`SliceConverter::fake_quantize_in_place`].
pub(super) fn fake_quantize_in_place(
    converter: &SliceConverter,
    x: NumbersMut<'_>,
) -> Result<(), Error> {
    converter.policy().round.validate()?;
    in_place(converter, x);
    Ok(())
}

/// Rounds numbers where they lie, under a policy that takes a possible count of random bits.
pub(super) fn in_place(converter: &SliceConverter, x: NumbersMut<'_>) {
    let plan = FakeQuantizePlan::new(converter, &x);
    // Pieces keep their place, so random words follow the index of the element.
    let length = plan.pieces() as usize;
    converter.exec.chunks(x, length, |index, x| {
        plan.piece_in_place(x, converter.dither.skip((index * length) as u64));
    });
}

/// What is found out once for all pieces.
struct FakeQuantizePlan {
    spec: FormatSpec,
    policy: Convert,
    /// `None`: the reference codec.
    kernel: Option<FakeQuantizer>,
    /// For types other than f32.
    table: Option<NumberTable>,
    isa: Isa,
}

impl FakeQuantizePlan {
    fn new(converter: &SliceConverter, dst: &NumbersMut<'_>) -> Self {
        let elements = dst.len();
        let (spec, policy, isa) = (converter.spec, converter.policy(), converter.exec.isa());
        // Kernels make f32s, or entries of a table by codes of a byte.
        let has_output = matches!(dst, NumbersMut::F32(_)) || spec.bits() <= 8;
        let kernel = if has_output && has_kernel(elements, decoding_pays(&spec), converter.dither) {
            FakeQuantizer::lower(isa, &spec, &policy, elements)
        } else {
            None
        };
        // The table has at most 2 KiB and is made once for all pieces.
        let table = kernel.as_ref().and_then(|_| NumberTable::of(&spec, dst));
        Self { spec, policy, kernel, table, isa }
    }

    const fn pieces(&self) -> Pieces {
        if self.kernel.is_some() { Pieces::Fast } else { Pieces::Slow }
    }

    /// Rounds a piece, whose first element takes the first word of `dither`; `past_caches` if the
    /// whole slice is larger than the caches.
    fn piece(&self, src: Numbers<'_>, mut dst: NumbersMut<'_>, dither: Dither, past_caches: bool) {
        if let Some(kernel) = &self.kernel {
            // Whether f32s show what this kernel and policy ask of the inputs.
            let needs = kernel.encoder().needs(&self.policy);
            // One call for f32s, one for each 2,048 numbers of other types.
            let mut round = |range: Range<usize>, src: &[f32]| {
                let dither = dither.skip(range.start as u64);
                self.round(kernel, src, dst.range(range), dither, past_caches);
            };
            if over_f32s(self.isa, src, needs, &mut round) {
                return;
            }
        }
        let words = RandomWords::new(self.policy.round, dither);
        for i in 0..src.len() {
            dst.set(i, self.reference(src.unpack(i), words.get(i)));
        }
    }

    /// Rounds a piece where it lies, chunk by chunk.
    fn piece_in_place(&self, mut x: NumbersMut<'_>, mut dither: Dither) {
        if let Some(kernel) = &self.kernel {
            if let Some(x) = x.f32s() {
                return kernel.numbers_in_place(x, dither);
            }
            let needs = kernel.encoder().needs(&self.policy);
            let mut round = |src: &[f32], dst: NumbersMut<'_>| {
                // The lines of `dst` are in L1, since they were just read: no way past the caches.
                self.round(kernel, src, dst, dither, false);
                dither = dither.skip(src.len() as u64);
            };
            if over_f32s_in_place(self.isa, &mut x, needs, &mut round) {
                return;
            }
        }
        let words = RandomWords::new(self.policy.round, dither);
        for i in 0..x.len() {
            x.set(i, self.reference(x.as_numbers().unpack(i), words.get(i)));
        }
    }

    /// Rounds f32s by the kernel.
    fn round(
        &self,
        kernel: &FakeQuantizer,
        src: &[f32],
        mut dst: NumbersMut<'_>,
        dither: Dither,
        past_caches: bool,
    ) {
        if self.table.as_ref().is_some_and(|table| table.round(kernel, src, &mut dst, dither)) {
            return;
        }
        // Always f32s here: `new` makes no kernel for other outputs without a table.
        if let Some(dst) = dst.f32s() {
            if past_caches {
                kernel.numbers_past_caches(src, dst, dither);
            } else {
                kernel.numbers(src, dst, dither);
            }
        }
    }

    /// The definition: the number of the code that the reference codec gives.
    fn reference(&self, x: Unpacked, random: u32) -> Unpacked {
        self.spec.decode(self.spec.encode_with(x, &self.policy, random).code)
    }
}
