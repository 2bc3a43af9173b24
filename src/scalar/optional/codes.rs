//! `serde`: a number is written as its code, a newtype over an integer, as `half` writes its types.

use crate::format::Format;
use crate::spec::Code;
use core::fmt::{Formatter, Result as Written};
use core::marker::PhantomData;
use serde::de::{Deserialize, Deserializer, Error, Expected, SeqAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// Writes a code as a newtype of the type's name.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_code<T: Format, S: Serializer>(
    x: T,
    name: &'static str,
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    T::Code: Serialize,
{
    serializer.serialize_newtype_struct(name, &x.to_bits())
}

/// Reads a code of the format: one with bits above its width is refused.
///
/// # Errors
/// Those of the deserializer, and one for a code that the format does not have.
pub fn deserialize_code<'de, T: Format, D: Deserializer<'de>>(
    name: &'static str,
    deserializer: D,
) -> Result<T, D::Error>
where
    T::Code: Deserialize<'de>,
{
    deserializer.deserialize_newtype_struct(name, CodeVisitor(PhantomData))
}

struct CodeVisitor<T>(PhantomData<T>);

/// The number of a code, if its format has it.
fn checked<T: Format, E: Error>(code: T::Code, expected: &dyn Expected) -> Result<T, E> {
    if u64::from(code.widen()) < T::SPEC.code_count() {
        Ok(T::from_bits(code))
    } else {
        Err(E::invalid_value(Unexpected::Unsigned(code.widen().into()), expected))
    }
}

impl<'de, T: Format> Visitor<'de> for CodeVisitor<T>
where
    T::Code: Deserialize<'de>,
{
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        write!(f, "a code of {} bits of {}", T::SPEC.bits(), T::SPEC)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        checked(T::Code::deserialize(deserializer)?, &self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        let code = seq.next_element()?.ok_or_else(|| Error::invalid_length(0, &self))?;
        checked(code, &self)
    }
}

/// A number as its code.
#[doc(hidden)]
#[macro_export]
macro_rules! __serde {
    ($name:ident $code:ty) => {
        /// Writes the code; the modules `serde_as_number` and `serde_as_string` write the number.
        impl $crate::scalar_support::serde::Serialize for $name {
            fn serialize<S: $crate::scalar_support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::scalar_support::serialize_code(*self, ::core::stringify!($name), serializer)
            }
        }

        /// Reads a code; one that the format does not have is an error.
        impl<'de> $crate::scalar_support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::scalar_support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::scalar_support::deserialize_code(::core::stringify!($name), deserializer)
            }
        }
    };
}
