//! [`Real`]: the number types that bulk calls read and write.

use crate::codec::Unpacked;
use crate::kernel::{Isa, Needs, to_odd};

mod sealed {
    pub trait Sealed {}
}

/// The number types that bulk calls read and write: f32, f64 and, with the `half` feature, f16 and bf16.
pub trait Real: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The exact value.
    fn unpack(self) -> Unpacked;
    /// The nearest number of this type, ties to even; NaN is the type's positive quiet NaN.
    fn nearest(x: Unpacked) -> Self;
    /// Runs `work` over the numbers as f32s, in pieces with what belongs to them of `dst`, if f32s meet the needs; else does nothing and says so.
    #[doc(hidden)]
    fn as_f32s<D>(isa: Isa, src: &[Self], dst: &mut [D], needs: Needs, work: impl FnMut(&[f32], &mut [D])) -> bool;
    /// Such a slice, if this is f32.
    #[doc(hidden)]
    fn f32s_mut(dst: &mut [Self]) -> Option<&mut [f32]> {
        let _ = dst;
        None
    }
}

macro_rules! real {
    ($($(#[$attr:meta])* $type:ty: $from:ident, $to:ident { $($f32s:item)* })*) => {$(
        $(#[$attr])*
        impl sealed::Sealed for $type {}
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

/// Numbers made into f32s, piece by piece.
fn by_pieces<T, D>(src: &[T], dst: &mut [D], convert: impl Fn(&[T], &mut [f32]), mut work: impl FnMut(&[f32], &mut [D])) {
    const PIECE: usize = 2048;
    let mut buffer = [0.0f32; PIECE];
    for (src, dst) in src.chunks(PIECE).zip(dst.chunks_mut(PIECE)) {
        let numbers = &mut buffer[..src.len()];
        convert(src, numbers);
        work(numbers, dst);
    }
}

/// Numbers of a type narrower than f32.
#[cfg(feature = "half")]
fn widen<T: Copy + Into<f32>>(src: &[T], dst: &mut [f32]) {
    dst.iter_mut().zip(src).for_each(|(wide, x)| *wide = (*x).into());
}

real! {
    f32: from_f32, to_f32 {
        fn as_f32s<D>(_: Isa, src: &[Self], dst: &mut [D], _: Needs, mut work: impl FnMut(&[f32], &mut [D])) -> bool {
            work(src, dst);
            true
        }
        fn f32s_mut(dst: &mut [Self]) -> Option<&mut [f32]> {
            Some(dst)
        }
    }
    f64: from_f64, to_f64 {
        fn as_f32s<D>(isa: Isa, src: &[Self], dst: &mut [D], needs: Needs, work: impl FnMut(&[f32], &mut [D])) -> bool {
            let enough = !needs.subnormals && !needs.exact;
            if enough {
                by_pieces(src, dst, |src, numbers| to_odd(isa, src, numbers), work);
            }
            enough
        }
    }
    #[cfg(feature = "half")] half::f16: from_f16, to_f16 {
        fn as_f32s<D>(_: Isa, src: &[Self], dst: &mut [D], needs: Needs, work: impl FnMut(&[f32], &mut [D])) -> bool {
            if !needs.subnormals {
                by_pieces(src, dst, widen, work);
            }
            !needs.subnormals
        }
    }
    #[cfg(feature = "half")] half::bf16: from_bf16, to_bf16 {
        fn as_f32s<D>(_: Isa, src: &[Self], dst: &mut [D], _: Needs, work: impl FnMut(&[f32], &mut [D])) -> bool {
            by_pieces(src, dst, widen, work);
            true
        }
    }
}
