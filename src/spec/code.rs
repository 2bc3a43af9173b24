//! The integers that codes are kept in.

mod sealed {
    pub trait Sealed {}
}

/// The integers that store codes: u8 for formats up to 8 bits, u16 up to 16, u32 up to 32.
pub trait Code: sealed::Sealed + Copy + Eq + Ord + Send + Sync + core::fmt::Debug + 'static {
    /// Width in bits.
    const BITS: u32;
    /// The low bits of a code.
    fn truncate(code: u32) -> Self;
    /// The code as a u32.
    fn widen(self) -> u32;
    /// The codes as bytes, if they are.
    #[doc(hidden)]
    fn bytes(codes: &[Self]) -> Option<&[u8]> {
        let _ = codes;
        None
    }
    /// The same.
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
    /// The same.
    #[doc(hidden)]
    fn words_mut(codes: &mut [Self]) -> Option<&mut [u16]> {
        let _ = codes;
        None
    }
}

macro_rules! code {
    ($($type:ty $({ $($view:item)* })?)*) => {$(
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
            $($($view)*)?
        }
    )*};
}

code! {
    u8 {
        fn bytes(codes: &[Self]) -> Option<&[u8]> {
            Some(codes)
        }
        fn bytes_mut(codes: &mut [Self]) -> Option<&mut [u8]> {
            Some(codes)
        }
    }
    u16 {
        fn words(codes: &[Self]) -> Option<&[u16]> {
            Some(codes)
        }
        fn words_mut(codes: &mut [Self]) -> Option<&mut [u16]> {
            Some(codes)
        }
    }
    u32
}
