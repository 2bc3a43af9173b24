//! The header of a `.safetensors` file: names, shapes and places of tensors. Read entry by entry,
//! so that 200,000 of them take little more memory than their names. A dtype that nobody knows is
//! kept by its name, so that one tensor does not hide the others.

use crate::io::error::{Problem, one_line};
use core::fmt;
use core::ops::Range;
use safetensors::Dtype;
use serde::Deserialize;
use serde::de::value::{Error as DtypeError, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::{BTreeMap, HashSet};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// The type of a tensor's elements as the file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DtypeName {
    Known(Dtype),
    /// A name that safetensors does not have (yet).
    Unknown(Box<str>),
}

impl DtypeName {
    pub(super) fn of(name: &str) -> Self {
        let known: StrDeserializer<'_, DtypeError> = name.into_deserializer();
        match Dtype::deserialize(known) {
            Ok(dtype) => Self::Known(dtype),
            Err(_) => Self::Unknown(one_line(name).into()),
        }
    }

    pub(super) const fn known(&self) -> Option<Dtype> {
        match self {
            Self::Known(dtype) => Some(*dtype),
            Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for DtypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(dtype) => write!(f, "{dtype}"),
            Self::Unknown(name) => f.write_str(name),
        }
    }
}

/// A tensor as the header describes it.
#[derive(Clone, Debug)]
pub(super) struct TensorEntry {
    pub(super) name: Box<str>,
    pub(super) dtype: DtypeName,
    pub(super) shape: Box<[usize]>,
    /// The number of the file in a checkpoint of several.
    pub(super) shard: usize,
    /// Its bytes, counted from the end of the header.
    pub(super) bytes: Range<u64>,
}

/// What a header says.
pub(super) struct Header {
    /// The tensors in the order of their data; empty ones, which may share a place, by name.
    pub(super) entries: Vec<TensorEntry>,
    /// Texts under names, which programs add for themselves.
    pub(super) metadata: BTreeMap<String, String>,
}

/// Reads a header. `data_bytes` is how many bytes follow it: tensors must lie in them one behind
/// the other, from the first to the last.
pub(super) fn parse(header: &[u8], data_bytes: u64, shard: usize) -> Result<Header, Problem> {
    let mut reading = Reading { shard, ..Reading::default() };
    let mut json = serde_json::Deserializer::from_slice(header);
    let read = json.deserialize_map(&mut reading).and_then(|()| json.end());
    let Reading { current, mut entries, metadata, .. } = reading;
    read.map_err(|error| match current {
        // What is wrong is in the entry, and not in the text.
        Some(tensor) if error.is_data() => {
            Problem::Json { what: format!("tensor '{tensor}'"), error: error.to_string() }
        }
        _ => Problem::Json { what: "invalid JSON in header".to_owned(), error: error.to_string() },
    })?;
    entries.sort_by(|a, b| {
        (a.bytes.start, a.bytes.end, &a.name).cmp(&(b.bytes.start, b.bytes.end, &b.name))
    });
    check(&entries, data_bytes)?;
    Ok(Header { entries, metadata })
}

fn check(entries: &[TensorEntry], data_bytes: u64) -> Result<(), Problem> {
    let mut names = HashSet::with_capacity(entries.len());
    let mut position = 0;
    for TensorEntry { name, dtype, shape, bytes: Range { start, end }, .. } in entries {
        let what = |part: &str| format!("tensor '{name}': {part}");
        if !names.insert(name) {
            return Err(Problem::mismatch(what("entries"), 1, 2));
        }
        if *start != position {
            return Err(Problem::mismatch(what("first byte"), position, start));
        }
        let Some(found) = end.checked_sub(*start) else {
            return Err(Problem::mismatch(what("last byte"), format!("at least {start}"), end));
        };
        // A dtype that is not known has any size.
        if let DtypeName::Known(dtype) = dtype {
            let bits = shape
                .iter()
                .try_fold(dtype.bitsize() as u128, |bits, &size| bits.checked_mul(size as u128));
            if bits.map(|bits| bits.div_ceil(8)) != Some(found.into()) {
                let expected = bits
                    .map_or("more than there are".to_owned(), |bits| bits.div_ceil(8).to_string());
                let what = what(&format!("bytes of {dtype} {shape:?}"));
                return Err(Problem::mismatch(what, expected, found));
            }
        }
        // A size of zero behind them does not help sizes whose product is too large.
        if shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).is_none() {
            return Err(Problem::mismatch(what("sizes"), "a product of 64 bits", "a larger one"));
        }
        position = *end;
    }
    if position != data_bytes {
        return Err(Problem::mismatch("bytes of data", position, data_bytes));
    }
    Ok(())
}

/// What has been read, and the name of the entry that is being read.
#[derive(Default)]
struct Reading {
    current: Option<String>,
    shard: usize,
    entries: Vec<TensorEntry>,
    metadata: BTreeMap<String, String>,
}

/// An entry as the format has it; other members are passed over.
#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(borrow)]
    dtype: Cow<'a, str>,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl<'de> Visitor<'de> for &mut Reading {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an entry for each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value_seed(Texts(&mut self.metadata))?;
                continue;
            }
            let name = self.current.insert(name).as_str();
            let RawEntry { dtype, shape, data_offsets: (start, end) } = map.next_value()?;
            self.entries.push(TensorEntry {
                name: name.into(),
                dtype: DtypeName::of(&dtype),
                shape: shape.into(),
                shard: self.shard,
                bytes: start..end,
            });
        }
        self.current = None;
        Ok(())
    }
}

/// An object of texts.
struct Texts<'a>(&'a mut BTreeMap<String, String>);

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let read: Result<Option<BTreeMap<String, String>>, _> = Deserialize::deserialize(json);
        let texts =
            read.map_err(|error| D::Error::custom(format_args!("__metadata__: {error}")))?;
        self.0.extend(texts.unwrap_or_default());
        Ok(())
    }
}
