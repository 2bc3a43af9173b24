//! bytemuck's marker traits for the crate's scalar types, stamped by macros. They are promises that
//! a compiler cannot check, so they stand here, beside the other unsafe code.
//!
//! A type whose codes take every bit of its integer may be cast from and to bytes freely. In a
//! narrower one the bits above the format are always 0: it may be read as bytes, but bytes become
//! codes only after a check of those bits.

/// Implements `Zeroable` and `Pod` for types whose every pattern of an integer is a code.
macro_rules! every_pattern {
    ($code:ident: $($name:ident)*) => {$(
        const _: () = {
            assert!($name::BITS == $code::BITS);
            assert!(size_of::<$name>() == size_of::<$code>());
            assert!(align_of::<$name>() == align_of::<$code>());
        };
        // SAFETY: `define_format!` makes a `repr(transparent)` struct over one integer (the size and
        // alignment are asserted above), and 0 is an integer like any other: whatever number the
        // format says it is, it is a valid value of the type.
        #[expect(unsafe_code, reason = "a marker trait; a derive cannot check bits")]
        unsafe impl bytemuck::Zeroable for $name {}
        // SAFETY: as above: no padding, no pointers, no interior mutability, `Copy + 'static`; and
        // the format has all bits of the integer (asserted above), so every pattern is a code.
        #[expect(unsafe_code, reason = "a marker trait; a derive cannot check bits")]
        unsafe impl bytemuck::Pod for $name {}
    )*};
}

/// Implements `Zeroable`, `NoUninit` and `CheckedBitPattern` for types whose codes are narrower
/// than their integer.
macro_rules! some_patterns {
    ($($name:ident)*) => {$(
        const _: () = {
            assert!($name::BITS < u8::BITS);
            assert!(size_of::<$name>() == size_of::<u8>());
            assert!(align_of::<$name>() == align_of::<u8>());
        };
        // SAFETY: `define_format!` makes a `repr(transparent)` struct over one u8 (asserted above),
        // and code 0 has no bits above the format.
        #[expect(unsafe_code, reason = "a marker trait; a derive cannot check bits")]
        unsafe impl bytemuck::Zeroable for $name {}
        // SAFETY: as above: one u8, so no padding and nothing uninitialised; no pointers, no
        // interior mutability, `Copy + 'static`. Not `Pod` nor `AnyBitPattern`: writing bytes
        // through a cast could set bits above the format.
        #[expect(unsafe_code, reason = "a marker trait; a derive cannot check bits")]
        unsafe impl bytemuck::NoUninit for $name {}
        // SAFETY: `Bits` has the size and alignment of the type (asserted above) and takes every
        // pattern; the check accepts exactly the patterns without bits above the format, which are
        // what `from_bits` makes.
        #[expect(unsafe_code, reason = "a marker trait; a derive cannot check bits")]
        unsafe impl bytemuck::CheckedBitPattern for $name {
            type Bits = u8;
            #[inline]
            fn is_valid_bit_pattern(bits: &u8) -> bool {
                bits >> Self::BITS == 0
            }
        }
    )*};
}

pub(crate) use {every_pattern, some_patterns};
