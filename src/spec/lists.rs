//! `serde` for lists that are parts of specs.

use super::Table;
use crate::error::Error as Refused;
use alloc::vec::Vec;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// Entries that a list is read with, at most: a list that is too long to be held in its spec is
/// kept for the life of the program, and text from anywhere is not to decide how much that is.
const MOST_ENTRIES: usize = 1024;

/// An entry of a list.
pub(crate) trait TableEntry: Copy + 'static {
    /// A list of any length where lists can be kept, else one that a spec holds in place.
    fn table<const N: usize>(entries: &[Self]) -> Result<Table<Self, N>, Refused>;
}

macro_rules! table_entries {
    ($($type:ty),*) => {$(
        impl TableEntry for $type {
            #[cfg(feature = "std")]
            fn table<const N: usize>(entries: &[Self]) -> Result<Table<Self, N>, Refused> {
                Ok(Table::shared(entries))
            }

            #[cfg(not(feature = "std"))]
            fn table<const N: usize>(entries: &[Self]) -> Result<Table<Self, N>, Refused> {
                Table::held(entries)
            }
        }
    )*};
}

table_entries! { u32, f32, (u32, f32) }

pub(crate) fn serialize<T: Serialize, const N: usize, S: Serializer>(
    table: &Table<T, N>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    table.as_slice().serialize(serializer)
}

pub(crate) fn deserialize<'de, T, const N: usize, D>(
    deserializer: D,
) -> Result<Table<T, N>, D::Error>
where
    T: TableEntry + Deserialize<'de>,
    D: Deserializer<'de>,
{
    table(&Vec::<T>::deserialize(deserializer)?)
}

/// A table of entries that were read.
pub(crate) fn table<T: TableEntry, const N: usize, E: Error>(
    entries: &[T],
) -> Result<Table<T, N>, E> {
    if entries.len() > MOST_ENTRIES {
        let found = entries.len();
        return Err(E::custom(format_args!(
            "list: expected 0..={MOST_ENTRIES} entries, found {found}"
        )));
    }
    T::table(entries).map_err(E::custom)
}
