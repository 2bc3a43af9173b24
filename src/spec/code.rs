//! The integers that codes are kept in.

use core::ops::Range;

mod sealed {
    pub trait Sealed {}
}

/// The integers that store codes: u8 for formats up to 8 bits, u16 up to 16, u32 up to 32.
pub trait Code:
    sealed::Sealed + Copy + Eq + Ord + Send + Sync + core::fmt::Debug + 'static
{
    /// Width in bits.
    const BITS: u32;
    /// The low bits of a code.
    fn truncate(code: u32) -> Self;
    /// The code as a u32.
    fn widen(self) -> u32;
    /// The slice, by its type.
    #[doc(hidden)]
    fn slice(codes: &[Self]) -> CodeSlice<'_>;
    /// The slice to write, by its type.
    #[doc(hidden)]
    fn slice_mut(codes: &mut [Self]) -> CodeSliceMut<'_>;
    /// The codes as bytes to write, if they are.
    #[doc(hidden)]
    fn bytes_mut(codes: &mut [Self]) -> Option<&mut [u8]> {
        let _ = codes;
        None
    }
    /// The codes as 16-bit words, if they are.
    #[doc(hidden)]
    fn words(codes: &[Self]) -> Option<&[u16]> {
        let _ = codes;
        None
    }
    /// The codes as 16-bit words to write, if they are.
    #[doc(hidden)]
    fn words_mut(codes: &mut [Self]) -> Option<&mut [u16]> {
        let _ = codes;
        None
    }
}

/// A slice of codes whose type is known at run time.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
#[allow(missing_docs, reason = "hidden")]
pub enum CodeSlice<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
}

/// A slice of codes to write whose type is known at run time.
#[derive(Debug)]
#[doc(hidden)]
#[allow(missing_docs, reason = "hidden")]
pub enum CodeSliceMut<'a> {
    U8(&'a mut [u8]),
    U16(&'a mut [u16]),
    U32(&'a mut [u32]),
}

impl CodeSlice<'_> {
    /// How many codes there are.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::U8(codes) => codes.len(),
            Self::U16(codes) => codes.len(),
            Self::U32(codes) => codes.len(),
        }
    }

    /// Bits of each of the integers.
    pub(crate) const fn width(self) -> u32 {
        match self {
            Self::U8(_) => u8::BITS,
            Self::U16(_) => u16::BITS,
            Self::U32(_) => u32::BITS,
        }
    }

    /// A code in the low bits.
    pub(crate) fn get(self, index: usize) -> u32 {
        match self {
            Self::U8(codes) => codes[index].into(),
            Self::U16(codes) => codes[index].into(),
            Self::U32(codes) => codes[index],
        }
    }

    /// The codes cut in two.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::U8(codes) => (Self::U8(&codes[..at]), Self::U8(&codes[at..])),
            Self::U16(codes) => (Self::U16(&codes[..at]), Self::U16(&codes[at..])),
            Self::U32(codes) => (Self::U32(&codes[..at]), Self::U32(&codes[at..])),
        }
    }
}

impl CodeSliceMut<'_> {
    /// How many codes there are.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::U8(codes) => codes.len(),
            Self::U16(codes) => codes.len(),
            Self::U32(codes) => codes.len(),
        }
    }

    /// Bits of each of the integers.
    pub(crate) const fn width(&self) -> u32 {
        match self {
            Self::U8(_) => u8::BITS,
            Self::U16(_) => u16::BITS,
            Self::U32(_) => u32::BITS,
        }
    }

    /// Writes a code of the width or less.
    pub(crate) fn set(&mut self, index: usize, code: u32) {
        match self {
            Self::U8(codes) => codes[index] = code as u8,
            Self::U16(codes) => codes[index] = code as u16,
            Self::U32(codes) => codes[index] = code,
        }
    }

    /// Some of the codes, to write.
    pub(crate) fn range(&mut self, range: Range<usize>) -> CodeSliceMut<'_> {
        match self {
            Self::U8(codes) => CodeSliceMut::U8(&mut codes[range]),
            Self::U16(codes) => CodeSliceMut::U16(&mut codes[range]),
            Self::U32(codes) => CodeSliceMut::U32(&mut codes[range]),
        }
    }

    /// The codes cut in two.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::U8(codes) => {
                let (front, rest) = codes.split_at_mut(at);
                (Self::U8(front), Self::U8(rest))
            }
            Self::U16(codes) => {
                let (front, rest) = codes.split_at_mut(at);
                (Self::U16(front), Self::U16(rest))
            }
            Self::U32(codes) => {
                let (front, rest) = codes.split_at_mut(at);
                (Self::U32(front), Self::U32(rest))
            }
        }
    }
}

macro_rules! code {
    ($($type:ty: $variant:ident $({ $($view:item)* })?)*) => {$(
        impl sealed::Sealed for $type {}
        impl Code for $type {
            const BITS: u32 = Self::BITS;
            #[inline]
            fn truncate(code: u32) -> Self {
                code as Self
            }
            #[inline]
            fn widen(self) -> u32 {
                self as u32
            }
            #[inline]
            fn slice(codes: &[Self]) -> CodeSlice<'_> {
                CodeSlice::$variant(codes)
            }
            #[inline]
            fn slice_mut(codes: &mut [Self]) -> CodeSliceMut<'_> {
                CodeSliceMut::$variant(codes)
            }
            $($($view)*)?
        }
    )*};
}

code! {
    u8: U8 {
        fn bytes_mut(codes: &mut [Self]) -> Option<&mut [u8]> {
            Some(codes)
        }
    }
    u16: U16 {
        fn words(codes: &[Self]) -> Option<&[u16]> {
            Some(codes)
        }
        fn words_mut(codes: &mut [Self]) -> Option<&mut [u16]> {
            Some(codes)
        }
    }
    u32: U32
}
