//! [`Real`]: the number types that bulk calls read and write.

#[cfg(feature = "alloc")]
use crate::block::{BlockStats, Number};
use crate::codec::Unpacked;
#[cfg(feature = "alloc")]
use crate::kernel;
use crate::kernel::{Isa, Needs, to_odd};
#[cfg(feature = "alloc")]
use crate::policy::Convert;
#[cfg(feature = "alloc")]
use crate::round::Round;
#[cfg(feature = "alloc")]
use crate::spec::FormatSpec;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;

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
    /// Whether this type is f32.
    #[doc(hidden)]
    const IS_F32: bool = false;
    /// Whether [`widen`](Self::widen) keeps what a kernel needs to know of the numbers.
    #[doc(hidden)]
    fn f32s_meet(needs: Needs) -> bool;
    /// The numbers as f32s: equal, or of an f64 rounded to odd.
    #[doc(hidden)]
    fn widen(isa: Isa, src: &[Self], dst: &mut [f32]);
    /// The slice, if its numbers are f32s.
    #[doc(hidden)]
    fn f32s(src: &[Self]) -> Option<&[f32]> {
        let _ = src;
        None
    }
    /// The slice to write, if its numbers are f32s.
    #[doc(hidden)]
    fn f32s_mut(dst: &mut [Self]) -> Option<&mut [f32]> {
        let _ = dst;
        None
    }
}

/// Numbers that are made into f32s at a time: 8 KiB, a quarter of L1.
const CHUNK: usize = 2048;

/// Numbers of a chunk, which begin at a cache line: no register of them crosses one.
#[repr(align(64))]
struct ChunkBuffer([f32; CHUNK]);

/// Runs `work` over the numbers as f32s, in chunks with the elements of `dst` beside them; f32s in
/// one. Returns false, and does nothing, if f32s do not meet the needs.
pub(super) fn over_f32s<T: Real, D>(
    isa: Isa,
    src: &[T],
    dst: &mut [D],
    needs: Needs,
    mut work: impl FnMut(&[f32], &mut [D]),
) -> bool {
    if !T::f32s_meet(needs) {
        return false;
    }
    // In one call, so that a kernel can choose its own chunks and store past the caches.
    if let Some(src) = T::f32s(src) {
        work(src, dst);
        return true;
    }
    // On the stack, filled anew for each chunk: read and written in L1 alone.
    let mut buffer = ChunkBuffer([0.0; CHUNK]);
    for (src, dst) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)) {
        let numbers = &mut buffer.0[..src.len()];
        T::widen(isa, src, numbers);
        work(numbers, dst);
    }
    true
}

/// Runs `work(numbers as f32s, where to write)` over chunks of the numbers, which the results
/// replace. Returns false, and does nothing, if f32s do not meet the needs.
pub(super) fn over_f32s_in_place<T: Real>(
    isa: Isa,
    x: &mut [T],
    needs: Needs,
    mut work: impl FnMut(&[f32], &mut [T]),
) -> bool {
    if !T::f32s_meet(needs) {
        return false;
    }
    let mut buffer = ChunkBuffer([0.0; CHUNK]);
    for x in x.chunks_mut(CHUNK) {
        let numbers = &mut buffer.0[..x.len()];
        // A copy, so `work` may write `x` at once.
        T::widen(isa, x, numbers);
        work(numbers, x);
    }
    true
}

macro_rules! real {
    ($($(#[$attr:meta])* $type:ty: $from:ident, $to:ident { $($f32s:item)* })*) => {$(
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
            $($f32s)*
        }
    )*};
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
    /// Whether numbers are wider than f32.
    #[doc(hidden)]
    const IS_WIDE: bool = false;
    /// The f32s that statistics and kernels see.
    #[doc(hidden)]
    fn seen<'a>(isa: Isa, src: &'a [Self], buffer: &'a mut Vec<f32>) -> &'a [f32];
    /// The number, if it is an f64, and else the f32 that it is.
    #[doc(hidden)]
    fn wide(self) -> Result<f32, f64>;
}

/// The number, as rules take it.
#[cfg(feature = "alloc")]
pub(super) fn number<T: Source>(x: T) -> Number {
    x.wide().map_or_else(Number::F64, Number::F32)
}

/// The number that the statistics of a rule see: an f64 is rounded to odd, by the reference codec.
#[cfg(feature = "alloc")]
pub(super) fn seen_by_rules<T: Source>(x: T) -> f32 {
    // Saturating: a finite f64 beyond f32 is the largest f32, and stays finite.
    const TO_ODD: Convert = Convert::SATURATING.with_round(Round::ToOdd);
    // All types but f64 are f32s and come back as they are.
    x.wide().unwrap_or_else(|x| f32::from_bits(FormatSpec::F32.encode_f64_with(x, &TO_ODD, 0).code))
}

/// The statistics that a rule sees.
#[cfg(feature = "alloc")]
pub(super) fn stats_of<T: Source>(elements: impl Iterator<Item = T>) -> BlockStats<'static> {
    BlockStats::of(elements.map(seen_by_rules))
}

#[cfg(feature = "alloc")]
macro_rules! source {
    ($($(#[$attr:meta])* $type:ty),*) => {$(
        $(#[$attr])*
        impl sealed::SealedSource for $type {}
        $(#[$attr])*
        impl Source for $type {
            fn seen<'a>(isa: Isa, src: &'a [Self], buffer: &'a mut Vec<f32>) -> &'a [f32] {
                // The buffer is the caller's and keeps its size from chunk to chunk.
                buffer.resize(src.len(), 0.0);
                // Exact: every integer of 16 bits and every f16 and bf16 is an f32.
                kernel::widen(isa, src, buffer);
                buffer
            }
            fn wide(self) -> Result<f32, f64> {
                Ok(self.into())
            }
        }
    )*};
}

#[cfg(feature = "alloc")]
source!(
    i8,
    u8,
    i16,
    u16,
    #[cfg(feature = "half")]
    half::f16,
    #[cfg(feature = "half")]
    half::bf16
);

#[cfg(feature = "alloc")]
impl sealed::SealedSource for f32 {}

#[cfg(feature = "alloc")]
impl Source for f32 {
    // No copy: f32s are read where they lie.
    fn seen<'a>(_: Isa, src: &'a [Self], _: &'a mut Vec<f32>) -> &'a [f32] {
        src
    }
    fn wide(self) -> Result<f32, f64> {
        Ok(self)
    }
}

#[cfg(feature = "alloc")]
impl sealed::SealedSource for f64 {}

#[cfg(feature = "alloc")]
impl Source for f64 {
    const IS_WIDE: bool = true;
    fn seen<'a>(isa: Isa, src: &'a [Self], buffer: &'a mut Vec<f32>) -> &'a [f32] {
        buffer.resize(src.len(), 0.0);
        // Toward zero, and the last bit set if anything was lost: no comparison with an f32 of
        // fewer bits changes.
        to_odd(isa, src, buffer);
        buffer
    }
    fn wide(self) -> Result<f32, f64> {
        Err(self)
    }
}

real! {
    f32: from_f32, to_f32 {
        const IS_F32: bool = true;
        fn f32s_meet(_: Needs) -> bool {
            true
        }
        fn widen(_: Isa, src: &[Self], dst: &mut [f32]) {
            dst.copy_from_slice(src);
        }
        fn f32s(src: &[Self]) -> Option<&[f32]> {
            Some(src)
        }
        fn f32s_mut(dst: &mut [Self]) -> Option<&mut [f32]> {
            Some(dst)
        }
    }
    f64: from_f64, to_f64 {
        // An f32 does not show which numbers are subnormal f64s, nor bits behind its 24th.
        fn f32s_meet(needs: Needs) -> bool {
            !needs.subnormals && !needs.exact
        }
        fn widen(isa: Isa, src: &[Self], dst: &mut [f32]) {
            to_odd(isa, src, dst);
        }
    }
    #[cfg(feature = "half")] half::f16: from_f16, to_f16 {
        // An f32 does not show which numbers are subnormal f16s: all of them are normal f32s.
        fn f32s_meet(needs: Needs) -> bool {
            !needs.subnormals
        }
        fn widen(_: Isa, src: &[Self], dst: &mut [f32]) {
            dst.iter_mut().zip(src).for_each(|(wide, x)| *wide = x.to_f32());
        }
    }
    #[cfg(feature = "half")] half::bf16: from_bf16, to_bf16 {
        // A bf16 is the upper half of an f32: the same numbers are subnormal.
        fn f32s_meet(_: Needs) -> bool {
            true
        }
        fn widen(_: Isa, src: &[Self], dst: &mut [f32]) {
            dst.iter_mut().zip(src).for_each(|(wide, x)| *wide = x.to_f32());
        }
    }
}
