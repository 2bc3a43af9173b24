//! The header of a `.safetensors` file: names, shapes and places of tensors. Read entry by entry,
//! so that 200,000 of them take little more memory than their names; refuses, but measures nothing.

use super::weights::Problem;
use safetensors::tensor::{Dtype, TensorInfo};
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A tensor as the header describes it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// Offsets of its first byte and the one behind its last, from the end of the header.
    pub(crate) bytes: (usize, usize),
}

impl Entry {
    /// The number of elements. It fits, or the header would have been refused.
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The entries in the order of their data; empty ones, which may share a place, by name.
///
/// `data_bytes` is how many bytes follow the header: tensors must lie in them one behind the other,
/// from the first to the last.
pub(crate) fn parse(header: &[u8], data_bytes: u64) -> Result<Vec<Entry>, Problem> {
    let mut entries = Entries::default();
    let mut json = serde_json::Deserializer::from_slice(header);
    let read = json.deserialize_map(&mut entries).and_then(|()| json.end());
    let Entries { current, mut list } = entries;
    read.map_err(|problem| match current {
        // What is wrong is in the entry, and not in the text.
        Some(tensor) if problem.is_data() => Problem::Entry { tensor, problem },
        _ => Problem::Json(problem),
    })?;
    list.sort_by(|a, b| (a.bytes, &a.name).cmp(&(b.bytes, &b.name)));
    check(&list, data_bytes)?;
    Ok(list)
}

fn check(entries: &[Entry], data_bytes: u64) -> Result<(), Problem> {
    let mut names = HashSet::with_capacity(entries.len());
    let mut position = 0;
    for Entry { name, dtype, shape, bytes: (start, end) } in entries {
        let what = |part: &str| format!("tensor '{name}': {part}");
        if !names.insert(name) {
            return Err(Problem::mismatch(what("entries"), 1, 2));
        }
        if *start != position {
            return Err(Problem::mismatch(what("first byte"), position, start));
        }
        let bits = shape
            .iter()
            .try_fold(dtype.bitsize() as u128, |bits, &size| bits.checked_mul(size as u128));
        let expected =
            bits.map_or("more than there are".to_owned(), |bits| bits.div_ceil(8).to_string());
        let found =
            end.checked_sub(*start).map_or("less than none".to_owned(), |found| found.to_string());
        if found != expected {
            return Err(Problem::mismatch(
                what(&format!("bytes of {dtype} {shape:?}")),
                expected,
                found,
            ));
        }
        // A size of zero behind them does not help sizes whose product is too large.
        if shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).is_none() {
            return Err(Problem::mismatch(what("sizes"), "a product of 64 bits", "a larger one"));
        }
        position = *end;
    }
    if position as u64 != data_bytes {
        return Err(Problem::mismatch("bytes of data", position, data_bytes));
    }
    Ok(())
}

/// What has been read, and the name of the entry that is being read.
#[derive(Default)]
struct Entries {
    current: Option<String>,
    list: Vec<Entry>,
}

impl<'de> Visitor<'de> for &mut Entries {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an entry for each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                // Read for its form alone: text under names.
                map.next_value_seed(Text)?;
                continue;
            }
            let name = self.current.insert(name).as_str();
            let TensorInfo { dtype, mut shape, data_offsets } = map.next_value()?;
            shape.shrink_to_fit();
            self.list.push(Entry { name: name.into(), dtype, shape, bytes: data_offsets });
        }
        self.current = None;
        Ok(())
    }
}

/// An object of texts, which is passed over.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let read: Result<Option<BTreeMap<String, String>>, _> =
            serde::Deserialize::deserialize(json);
        read.map(drop).map_err(|error| D::Error::custom(format_args!("__metadata__: {error}")))
    }
}
