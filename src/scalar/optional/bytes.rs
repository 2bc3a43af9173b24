//! `arbitrary`: every code is as likely as any other.

/// Every code of the type, NaN and infinities among them.
#[doc(hidden)]
#[macro_export]
macro_rules! __arbitrary {
    ($name:ident $code:ty) => {
        /// Any code, NaN and infinities among them.
        impl<'a> $crate::scalar_support::arbitrary::Arbitrary<'a> for $name {
            fn arbitrary(
                bytes: &mut $crate::scalar_support::arbitrary::Unstructured<'a>,
            ) -> $crate::scalar_support::arbitrary::Result<Self> {
                <$code as $crate::scalar_support::arbitrary::Arbitrary>::arbitrary(bytes)
                    .map($name::from_bits)
            }

            fn size_hint(_: usize) -> (usize, ::core::option::Option<usize>) {
                let bytes = ::core::mem::size_of::<$code>();
                (bytes, ::core::option::Option::Some(bytes))
            }
        }
    };
}
