//! [`Real`] and [`Source`]: the number types that bulk calls read and write.

use super::numbers::{Numbers, NumbersMut};
#[cfg(feature = "alloc")]
use crate::block::{BlockStats, Number};
use crate::codec::Unpacked;
use crate::kernel::{Isa, Needs};
#[cfg(feature = "alloc")]
use crate::policy::Convert;
#[cfg(feature = "alloc")]
use crate::round::Round;
#[cfg(feature = "alloc")]
use crate::spec::FormatSpec;
use core::ops::Range;

mod sealed {
    pub trait SealedReal {}
    #[cfg(feature = "alloc")]
    pub trait SealedSource {}
}

/// The number types that bulk calls read and write: f32, f64 and, with the `half` feature, f16 and
/// bf16.
pub trait Real: sealed::SealedReal + Copy + Send + Sync + 'static {
    /// The exact value.
    fn unpack(self) -> Unpacked;
    /// The nearest number of this type, ties to even; NaN is the type's positive quiet NaN.
    fn nearest(x: Unpacked) -> Self;
    /// The slice, by its type.
    #[doc(hidden)]
    fn slice(src: &[Self]) -> Numbers<'_>;
    /// The slice to write, by its type.
    #[doc(hidden)]
    fn slice_mut(dst: &mut [Self]) -> NumbersMut<'_>;
}

/// Numbers that are made into f32s at a time: 8 KiB, a quarter of L1.
const CHUNK: usize = 2048;

/// Numbers of a chunk, which begin at a cache line: no register of them crosses one.
#[repr(align(64))]
struct ChunkBuffer([f32; CHUNK]);

/// Runs `work(range, numbers as f32s)` over the numbers, in chunks; f32s in one. Returns false, and
/// does nothing, if f32s do not meet the needs.
pub(super) fn over_f32s(
    isa: Isa,
    src: Numbers<'_>,
    needs: Needs,
    work: &mut dyn FnMut(Range<usize>, &[f32]),
) -> bool {
    if !src.f32s_meet(needs) {
        return false;
    }
    // In one call, so that a kernel can choose its own chunks and store past the caches.
    if let Numbers::F32(src) = src {
        work(0..src.len(), src);
        return true;
    }
    // On the stack, filled anew for each chunk: read and written in L1 alone.
    let mut buffer = ChunkBuffer([0.0; CHUNK]);
    for (index, src) in src.chunks(CHUNK).enumerate() {
        let numbers = &mut buffer.0[..src.len()];
        src.widen(isa, numbers);
        work(index * CHUNK..index * CHUNK + src.len(), numbers);
    }
    true
}

/// Runs `work(numbers as f32s, where to write)` over chunks of the numbers, which the results
/// replace. Returns false, and does nothing, if f32s do not meet the needs.
pub(super) fn over_f32s_in_place(
    isa: Isa,
    x: &mut NumbersMut<'_>,
    needs: Needs,
    work: &mut dyn FnMut(&[f32], NumbersMut<'_>),
) -> bool {
    if !x.as_numbers().f32s_meet(needs) {
        return false;
    }
    let mut buffer = ChunkBuffer([0.0; CHUNK]);
    for start in (0..x.len()).step_by(CHUNK) {
        let range = start..(start + CHUNK).min(x.len());
        let numbers = &mut buffer.0[..range.len()];
        // A copy, so `work` may write `x` at once.
        x.as_numbers().range(range.clone()).widen(isa, numbers);
        work(numbers, x.range(range));
    }
    true
}

macro_rules! real {
    ($($(#[$attr:meta])* $type:ty: $variant:ident, $from:ident, $to:ident;)*) => {$(
        $(#[$attr])*
        impl sealed::SealedReal for $type {}
        $(#[$attr])*
        impl Real for $type {
            #[inline]
            fn unpack(self) -> Unpacked {
                Unpacked::$from(self)
            }
            #[inline]
            fn nearest(x: Unpacked) -> Self {
                x.$to()
            }
            #[inline]
            fn slice(src: &[Self]) -> Numbers<'_> {
                Numbers::$variant(src)
            }
            #[inline]
            fn slice_mut(dst: &mut [Self]) -> NumbersMut<'_> {
                NumbersMut::$variant(dst)
            }
        }
    )*};
}

real! {
    f32: F32, from_f32, to_f32;
    f64: F64, from_f64, to_f64;
    #[cfg(feature = "half")] half::f16: F16, from_f16, to_f16;
    #[cfg(feature = "half")] half::bf16: BF16, from_bf16, to_bf16;
}

/// The number types that tensors are quantized from: f32, f64, i8, u8, i16, u16 and, with the
/// `half` feature, f16 and bf16.
///
/// All but f64 are f32s exactly, and every operation of a rule is f32's. An f64 is divided by its
/// block's scale exactly and rounded once, into the element; the statistics that a scale comes from
/// see it rounded to odd into f32 (toward zero, and the last bit set if anything was lost), which
/// keeps every comparison with a power of two, and finite numbers finite.
/// An [`ElementRounding`](crate::ElementRounding) that is the f32 arithmetic of a program, and the
/// errors of searches, see the nearest f32.
///
/// ```
/// use subhalf::{BlockSpec, Extent, FormatSpec, QuantTensor, ScaleRule};
/// let (e2m1, e8m0) = (FormatSpec::F4E2M1, Some(FormatSpec::E8M0));
/// let spec = BlockSpec::new(e2m1, e8m0, Extent::Row, ScaleRule::Fixed(1.0));
/// let x = 2.5 + 1e-10; // above the tie between 2 and 3; 2.5 in f32
/// assert_eq!(QuantTensor::quantize(&spec, &[x], &[1])?.dequantize(), [3.0]);
/// assert_eq!(QuantTensor::quantize(&spec, &[x as f32], &[1])?.dequantize(), [2.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[cfg(feature = "alloc")]
pub trait Source: sealed::SealedSource + Copy + Send + Sync + 'static {
    /// The slice, by its type.
    #[doc(hidden)]
    fn source(src: &[Self]) -> Numbers<'_>;
}

/// The number that the statistics of a rule see: an f64 is rounded to odd, by the reference codec.
#[cfg(feature = "alloc")]
pub(super) fn seen_by_rules(x: Number) -> f32 {
    // Saturating: a finite f64 beyond f32 is the largest f32, and stays finite.
    const TO_ODD: Convert = Convert::SATURATING.with_round(Round::ToOdd);
    match x {
        Number::F32(x) => x,
        Number::F64(x) => f32::from_bits(FormatSpec::F32.encode_f64_with(x, &TO_ODD, 0).code),
    }
}

/// The statistics that a rule sees.
#[cfg(feature = "alloc")]
pub(super) fn stats_of(elements: impl Iterator<Item = Number>) -> BlockStats<'static> {
    BlockStats::of(elements.map(seen_by_rules))
}

#[cfg(feature = "alloc")]
macro_rules! source {
    ($($(#[$attr:meta])* $type:ty: $variant:ident,)*) => {$(
        $(#[$attr])*
        impl sealed::SealedSource for $type {}
        $(#[$attr])*
        impl Source for $type {
            #[inline]
            fn source(src: &[Self]) -> Numbers<'_> {
                Numbers::$variant(src)
            }
        }
    )*};
}

#[cfg(feature = "alloc")]
source! {
    f32: F32,
    f64: F64,
    i8: I8,
    u8: U8,
    i16: I16,
    u16: U16,
    #[cfg(feature = "half")] half::f16: F16,
    #[cfg(feature = "half")] half::bf16: BF16,
}
