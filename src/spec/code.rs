//! The integers that codes are kept in.

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
    /// The codes as bytes, if they are.
    #[doc(hidden)]
    fn bytes(codes: &[Self]) -> Option<&[u8]> {
        let _ = codes;
        None
    }
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

impl CodeSlice<'_> {
    /// A code in the low bits.
    #[cfg(feature = "alloc")]
    pub(crate) fn get(self, index: usize) -> u32 {
        match self {
            Self::U8(codes) => codes[index].into(),
            Self::U16(codes) => codes[index].into(),
            Self::U32(codes) => codes[index],
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
            fn slice(codes: &[Self]) -> CodeSlice<'_> {
                CodeSlice::$variant(codes)
            }
            $($($view)*)?
        }
    )*};
}

code! {
    u8: U8 {
        fn bytes(codes: &[Self]) -> Option<&[u8]> {
            Some(codes)
        }
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
