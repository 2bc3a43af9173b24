//! [`GgufValue`]: what the metadata of a GGUF file says, and its bytes there.

use super::super::error::Problem;
use super::cursor::{Cursor, Stop};
use core::fmt::{self, Display};
use std::borrow::Cow;
use std::string::String;
use std::vec::Vec;

/// A value of the metadata. Strings are bytes, as files have them; they should be UTF-8.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names of the format's own types")]
pub enum GgufValue<'a> {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(Cow<'a, [u8]>),
    Array(GgufArray<'a>),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// Values of one type, not of arrays: a vocabulary has 100,000 strings, which are kept as bytes.
///
/// ```
/// use subhalf::io::{GgufArray, GgufValue};
/// let array = GgufArray::of(&["a", "bc"]);
/// assert_eq!(array.len(), 2);
/// assert_eq!(array.iter().nth(1).as_ref().and_then(GgufValue::as_str), Some("bc"));
/// ```
#[derive(Clone, PartialEq)]
pub struct GgufArray<'a> {
    kind: u32,
    len: usize,
    /// The values one behind the other, found to be good.
    bytes: Cow<'a, [u8]>,
}

const STRING: u32 = 8;
const ARRAY: u32 = 9;
const BOOL: u32 = 7;

/// The least bytes of a value of a type.
const fn least_bytes(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | BOOL => 1,
        2 | 3 => 2,
        4..=6 => 4,
        STRING | 10..=12 => 8,
        // The type and the count of what is inside.
        ARRAY => 12,
        _ => return None,
    })
}

mod sealed {
    use std::vec::Vec;

    pub trait Put {
        const KIND: u32;
        fn put(&self, bytes: &mut Vec<u8>);
    }
}

/// What arrays are made of: numbers, Booleans and strings.
pub trait GgufElement: sealed::Put {}

macro_rules! elements {
    ($($type:ty, $kind:literal, $variant:ident;)*) => {$(
        impl sealed::Put for $type {
            const KIND: u32 = $kind;
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
        impl GgufElement for $type {}
        impl From<$type> for GgufValue<'_> {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

elements! {
    u8, 0, U8;
    i8, 1, I8;
    u16, 2, U16;
    i16, 3, I16;
    u32, 4, U32;
    i32, 5, I32;
    f32, 6, F32;
    u64, 10, U64;
    i64, 11, I64;
    f64, 12, F64;
}

impl sealed::Put for bool {
    const KIND: u32 = BOOL;
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push((*self).into());
    }
}

impl sealed::Put for &str {
    const KIND: u32 = STRING;
    fn put(&self, bytes: &mut Vec<u8>) {
        put_string(bytes, self.as_bytes());
    }
}

impl GgufElement for bool {}
impl GgufElement for &str {}

impl From<bool> for GgufValue<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<'a> From<&'a str> for GgufValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for GgufValue<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text.into_bytes()))
    }
}

impl<'a> From<GgufArray<'a>> for GgufValue<'a> {
    fn from(array: GgufArray<'a>) -> Self {
        Self::Array(array)
    }
}

/// Puts a string with its count of bytes.
pub(super) fn put_string(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text);
}

impl GgufArray<'static> {
    /// Values one behind the other.
    #[must_use]
    pub fn of<T: GgufElement>(values: &[T]) -> Self {
        let mut bytes = Vec::new();
        values.iter().for_each(|value| value.put(&mut bytes));
        Self { kind: T::KIND, len: values.len(), bytes: Cow::Owned(bytes) }
    }
}

impl GgufArray<'_> {
    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values in their order.
    pub fn iter(&self) -> impl Iterator<Item = GgufValue<'_>> {
        let length = self.bytes.len() as u64;
        let mut cursor = Cursor { head: &self.bytes, position: 0, length };
        // The bytes were found to be good when the array was read or made.
        (0..self.len).map_while(move |_| value(&mut cursor, self.kind, "element").ok())
    }
}

impl fmt::Debug for GgufArray<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not every token of a vocabulary.
        write!(f, "GgufArray({} of type {})", self.len, self.kind)
    }
}

impl GgufValue<'_> {
    /// The text of a string of UTF-8; `None` for anything else.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(bytes) => core::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// An integer of any type that is not negative; `None` for anything else.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::U8(x) => Some(x.into()),
            Self::U16(x) => Some(x.into()),
            Self::U32(x) => Some(x.into()),
            Self::U64(x) => Some(x),
            Self::I8(x) => x.try_into().ok(),
            Self::I16(x) => x.try_into().ok(),
            Self::I32(x) => x.try_into().ok(),
            Self::I64(x) => x.try_into().ok(),
            _ => None,
        }
    }

    /// The value with memory of its own.
    #[must_use]
    pub fn into_owned(self) -> GgufValue<'static> {
        match self {
            Self::U8(x) => x.into(),
            Self::I8(x) => x.into(),
            Self::U16(x) => x.into(),
            Self::I16(x) => x.into(),
            Self::U32(x) => x.into(),
            Self::I32(x) => x.into(),
            Self::F32(x) => x.into(),
            Self::Bool(x) => x.into(),
            Self::U64(x) => x.into(),
            Self::I64(x) => x.into(),
            Self::F64(x) => x.into(),
            Self::String(bytes) => GgufValue::String(Cow::Owned(bytes.into_owned())),
            Self::Array(GgufArray { kind, len, bytes }) => {
                GgufValue::Array(GgufArray { kind, len, bytes: Cow::Owned(bytes.into_owned()) })
            }
        }
    }

    /// Puts the type and the value.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        fn typed<T: sealed::Put>(value: &T, bytes: &mut Vec<u8>) {
            bytes.extend_from_slice(&T::KIND.to_le_bytes());
            value.put(bytes);
        }
        match self {
            Self::U8(x) => typed(x, bytes),
            Self::I8(x) => typed(x, bytes),
            Self::U16(x) => typed(x, bytes),
            Self::I16(x) => typed(x, bytes),
            Self::U32(x) => typed(x, bytes),
            Self::I32(x) => typed(x, bytes),
            Self::F32(x) => typed(x, bytes),
            Self::Bool(x) => typed(x, bytes),
            Self::U64(x) => typed(x, bytes),
            Self::I64(x) => typed(x, bytes),
            Self::F64(x) => typed(x, bytes),
            Self::String(text) => {
                bytes.extend_from_slice(&STRING.to_le_bytes());
                put_string(bytes, text);
            }
            Self::Array(array) => {
                bytes.extend_from_slice(&ARRAY.to_le_bytes());
                bytes.extend_from_slice(&array.kind.to_le_bytes());
                bytes.extend_from_slice(&(array.len as u64).to_le_bytes());
                bytes.extend_from_slice(&array.bytes);
            }
        }
    }
}

/// Reads a value of a type.
pub(super) fn value<'h>(
    cursor: &mut Cursor<'h>,
    kind: u32,
    what: impl Display + Copy,
) -> Result<GgufValue<'h>, Stop> {
    Ok(match kind {
        0 => GgufValue::U8(cursor.byte(what)?),
        1 => GgufValue::I8(cursor.byte(what)? as i8),
        2 => GgufValue::U16(u16::from_le_bytes(cursor.array(what)?)),
        3 => GgufValue::I16(i16::from_le_bytes(cursor.array(what)?)),
        4 => GgufValue::U32(cursor.u32(what)?),
        5 => GgufValue::I32(cursor.u32(what)? as i32),
        6 => GgufValue::F32(f32::from_bits(cursor.u32(what)?)),
        BOOL => match cursor.byte(what)? {
            0 => GgufValue::Bool(false),
            1 => GgufValue::Bool(true),
            found => {
                let what = std::format!("{what}: Boolean");
                return Err(Problem::mismatch(what, "0 or 1", found).into());
            }
        },
        STRING => {
            let range = cursor.string(what)?;
            GgufValue::String(Cow::Borrowed(&cursor.head[range]))
        }
        ARRAY => array(cursor, what)?,
        10 => GgufValue::U64(cursor.u64(what)?),
        11 => GgufValue::I64(cursor.u64(what)? as i64),
        12 => GgufValue::F64(f64::from_bits(cursor.u64(what)?)),
        found => {
            let what = std::format!("{what}: type of the value");
            return Err(Problem::mismatch(what, "0 to 12", found).into());
        }
    })
}

fn array<'h>(cursor: &mut Cursor<'h>, what: impl Display + Copy) -> Result<GgufValue<'h>, Stop> {
    let kind = cursor.u32(what)?;
    let Some(least) = least_bytes(kind).filter(|_| kind != ARRAY) else {
        let what = std::format!("{what}: type of an array's values");
        // Arrays inside of arrays are in the format's text, but ggml refuses them.
        return Err(Problem::mismatch(what, "0 to 8 or 10 to 12", kind).into());
    };
    let count = cursor.count(least, what)?;
    let first = cursor.position;
    match kind {
        STRING | BOOL => {
            for _ in 0..count {
                value(cursor, kind, what)?;
            }
        }
        // Numbers of any bits are good. The product is at most what is left of the file.
        _ => drop(cursor.take(count * least, what)?),
    }
    let bytes = Cow::Borrowed(&cursor.head[first..cursor.position]);
    // As many values as bytes at most, which are in memory.
    Ok(GgufValue::Array(GgufArray { kind, len: count as usize, bytes }))
}
