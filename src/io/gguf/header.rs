//! The header of a GGUF file: metadata and the table of tensors. Everything is held against the
//! length of the file before it is believed.

use super::super::error::Problem;
use super::cursor::{Cursor, Stop};
use super::kind::{GgufType, KindClass};
use super::value::{GgufValue, value};
use super::{ALIGNMENT, MAGIC, MAX_AXES};
use core::ops::Range;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::{HashMap, HashSet};
use std::format;
use std::string::String;
use std::vec::Vec;

/// A tensor as the header describes it.
#[derive(Clone, Debug)]
pub struct GgufTensor {
    pub(super) name: Box<str>,
    pub(super) kind: GgufType,
    pub(super) shape: Box<[usize]>,
    /// Its bytes, counted from where the data begins.
    pub(super) bytes: Range<u64>,
    /// The file that has them, of those that the model is split into.
    pub(super) part: usize,
    pub(super) role: Nvfp4Role,
}

/// What a tensor has to do with an NVFP4 weight. Numbers count the tensors of all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nvfp4Role {
    None,
    /// The weight has tensor scales, in the tensor of this number.
    ScaledBy(usize),
    /// The tensor is the scale of the weight of this number, or that of its activations.
    PartOf(usize),
}

impl GgufTensor {
    /// The name, `blk.0.attn_q.weight` for example.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    #[must_use]
    pub const fn kind(&self) -> GgufType {
        self.kind
    }

    /// The lengths of the axes, outermost first: the opposite order of the file's.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes that the tensor takes in the file. Those of a type that is not known end where the
    /// next tensor begins.
    #[must_use]
    pub const fn stored_bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// Whether the tensor belongs to an NVFP4 weight, as its scale or as that of its activations.
    #[must_use]
    pub const fn is_companion(&self) -> bool {
        matches!(self.role, Nvfp4Role::PartOf(_))
    }

    /// Why the tensor cannot be read, if so: its type is not known.
    #[must_use]
    pub fn unread(&self) -> Option<String> {
        match self.kind.class() {
            Some(KindClass::Numbers | KindClass::Quantized(_)) => None,
            None => Some(format!("not read: ggml has no {} that is known here", self.kind)),
        }
    }
}

/// A key of the metadata and its value, as places in the header.
pub(super) struct MetadataEntry {
    pub(super) key: Range<usize>,
    pub(super) kind: u32,
    pub(super) value: Range<usize>,
}

pub(super) struct GgufHeader {
    pub(super) version: u32,
    pub(super) alignment: u64,
    /// Where the data begins.
    pub(super) data: u64,
    pub(super) metadata: Vec<MetadataEntry>,
    pub(super) tensors: Vec<GgufTensor>,
}

/// Reads the header from the beginning of a file of this length.
pub(super) fn parse(head: &[u8], length: u64) -> Result<GgufHeader, Stop> {
    let mut cursor = Cursor { head, position: 0, length };
    let version = version(&mut cursor)?;
    // A name's count, axes, a type and a place; a key's count, a type and a byte.
    let tensors = cursor.count(8 + 4 + 4 + 8, "number of tensors")?;
    let values = cursor.count(8 + 4 + 1, "number of metadata values")?;
    let metadata = metadata(&mut cursor, values)?;
    let alignment = alignment(head, &metadata, length)?;
    let mut tensors = table(&mut cursor, tensors, alignment)?;
    let position = cursor.position as u64;
    // The position is within the file, and the alignment has 32 bits.
    let data = position.next_multiple_of(alignment);
    place(&mut tensors, length.saturating_sub(data))?;
    Ok(GgufHeader { version, alignment, data, metadata, tensors })
}

fn version(cursor: &mut Cursor<'_>) -> Result<u32, Stop> {
    let magic = cursor.take(4, "not a GGUF file: length")?;
    if *magic != MAGIC {
        let found = format!("{magic:?}");
        let expected = format!("{MAGIC:?} (GGUF)");
        return Err(Problem::mismatch("not a GGUF file: first bytes", expected, found).into());
    }
    match cursor.u32("version")? {
        version @ (2 | 3) => Ok(version),
        // A small number with its bytes exchanged.
        version if version & 0xFFFF == 0 && version != 0 => {
            let found = format!("a big-endian file of version {}", version.swap_bytes());
            Err(Problem::mismatch("order of bytes", "little-endian", found).into())
        }
        // Version 1 has counts of 32 bits.
        found => Err(Problem::mismatch("version", "2 or 3", found).into()),
    }
}

fn metadata(cursor: &mut Cursor<'_>, count: u64) -> Result<Vec<MetadataEntry>, Stop> {
    let mut keys = HashSet::new();
    let mut entries = Vec::new();
    for index in 0..count {
        let key = cursor.string(format_args!("key {index} of the metadata"))?;
        let text = utf8(&cursor.head[key.clone()], || format!("key {index} of the metadata"))?;
        let what = format_args!("metadata '{text}'");
        if !keys.insert(text) {
            return Err(Problem::mismatch(format!("{what}: values"), 1, 2).into());
        }
        let kind = cursor.u32(what)?;
        let first = cursor.position;
        value(cursor, kind, what)?;
        entries.push(MetadataEntry { key, kind, value: first..cursor.position });
    }
    Ok(entries)
}

/// What data is aligned to: 32, or what the metadata says.
fn alignment(head: &[u8], metadata: &[MetadataEntry], length: u64) -> Result<u64, Stop> {
    let own = |entry: &&MetadataEntry| head[entry.key.clone()] == *ALIGNMENT.as_bytes();
    let Some(entry) = metadata.iter().find(own) else { return Ok(32) };
    let mut cursor = Cursor { head, position: entry.value.start, length };
    match value(&mut cursor, entry.kind, ALIGNMENT)? {
        GgufValue::U32(alignment) if alignment.is_power_of_two() => Ok(alignment.into()),
        found => {
            let what = format!("metadata '{ALIGNMENT}'");
            let expected = "a power of two of type U32";
            Err(Problem::mismatch(what, expected, format!("{found:?}")).into())
        }
    }
}

/// The table of tensors; `bytes` are not held against each other yet, and those of types that are
/// not known have no end.
fn table(cursor: &mut Cursor<'_>, count: u64, alignment: u64) -> Result<Vec<GgufTensor>, Stop> {
    let mut names = HashSet::new();
    let mut tensors = Vec::new();
    for index in 0..count {
        let name = cursor.string(format_args!("name of tensor {index}"))?;
        let name = utf8(&cursor.head[name], || format!("name of tensor {index}"))?;
        let what = |part: &str| format!("tensor '{name}': {part}");
        if !names.insert(name) {
            return Err(Problem::mismatch(what("entries"), 1, 2).into());
        }
        let axes = cursor.u32(what("number of axes"))? as usize;
        if axes > MAX_AXES {
            let expected = format!("at most {MAX_AXES}");
            return Err(Problem::mismatch(what("number of axes"), expected, axes).into());
        }
        let mut shape = Vec::with_capacity(axes);
        for _ in 0..axes {
            shape.push(cursor.u64(what("shape"))?);
        }
        shape.reverse();
        let kind = GgufType::of(cursor.u32(what("type"))?);
        let start = cursor.u64(what("place"))?;
        if !start.is_multiple_of(alignment) {
            let expected = format!("a multiple of {alignment}");
            return Err(Problem::mismatch(what("first byte"), expected, start).into());
        }
        let length = stored_bytes(kind, &shape).map_err(|(part, expected, found)| {
            Stop::Bad(Problem::mismatch(what(&part), expected, found))
        })?;
        // `stored_bytes` has found that they are of memory's size.
        let shape = shape.into_iter().map(|axis| axis as usize).collect();
        let end = start.saturating_add(length.unwrap_or(0));
        let role = Nvfp4Role::None;
        let (name, bytes) = (name.into(), start..end);
        tensors.push(GgufTensor { name, kind, shape, bytes, part: 0, role });
    }
    Ok(tensors)
}

/// Bytes of a tensor; none for a type that is not known. An error has what was looked at, expected
/// and found.
pub(super) fn stored_bytes(
    kind: GgufType,
    shape: &[u64],
) -> Result<Option<u64>, (String, String, String)> {
    // Sizes of zero do not help others whose product is too large.
    let product = |shape: &[u64]| shape.iter().try_fold(1u64, |all, &n| all.checked_mul(n.max(1)));
    let elements = product(shape).filter(|&n| n <= isize::MAX as u64 / 8);
    let Some(elements) = elements else {
        let expected = "a product below 2^60".to_owned();
        return Err(("shape".to_owned(), expected, format!("{shape:?}")));
    };
    let Some([length, bytes]) = kind.block() else { return Ok(None) };
    let cols = shape.last().copied().unwrap_or(1);
    if !cols.is_multiple_of(length) {
        let expected = format!("a multiple of {length}, as {kind} has blocks");
        return Err(("last axis".to_owned(), expected, format!("{cols}")));
    }
    let elements = if shape.contains(&0) { 0 } else { elements };
    // Below 2^60 elements of at most 8 bytes each, or 292 for 256.
    Ok(Some(elements / length * bytes))
}

/// Holds places against each other and against the length of the data.
fn place(tensors: &mut [GgufTensor], data: u64) -> Result<(), Problem> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&index| (tensors[index].bytes.start, tensors[index].bytes.end));
    let mut before: Option<usize> = None;
    for (place, &index) in order.iter().enumerate() {
        let next = order.get(place + 1).map_or(data, |&next| tensors[next].bytes.start);
        let tensor = &mut tensors[index];
        if tensor.kind.block().is_none() {
            tensor.bytes.end = next.max(tensor.bytes.start);
        }
        let GgufTensor { name, bytes: Range { start, end }, .. } = &tensors[index];
        if *end > data {
            let what = format!("tensor '{name}': last byte");
            return Err(Problem::mismatch(what, format!("at most {data}"), end));
        }
        if start == end {
            continue;
        }
        if let Some(other) = before.map(|other| &tensors[other])
            && other.bytes.end > *start
        {
            let what = format!("tensor '{name}': first byte");
            let expected = format!("{} or more, behind '{}'", other.bytes.end, other.name);
            return Err(Problem::mismatch(what, expected, start));
        }
        before = Some(index);
    }
    Ok(())
}

/// Finds the scales that llama.cpp's converter puts beside NVFP4 weights: `x.scale` multiplies the
/// numbers of `x.weight`, one for all or one for each matrix; `x.input_scale` is for activations.
pub(super) fn companions(tensors: &mut [GgufTensor]) {
    const NVFP4: GgufType = GgufType::of(40);
    let mut found = Vec::new();
    {
        let places: HashMap<&str, usize> =
            tensors.iter().enumerate().map(|(place, tensor)| (&*tensor.name, place)).collect();
        for (weight, tensor) in tensors.iter().enumerate() {
            let base = tensor.name.strip_suffix(".weight").filter(|_| tensor.kind == NVFP4);
            let Some(base) = base else { continue };
            let at = |last: &str| places.get(&*format!("{base}.{last}")).copied();
            let matrices = match &*tensor.shape {
                [outer @ .., _, _] => outer.iter().product(),
                _ => 1,
            };
            let fits = |&place: &usize| {
                let scale = &tensors[place];
                scale.kind == GgufType::F32 && [1, matrices].contains(&scale.elements())
            };
            if let Some(scale) = at("scale").filter(fits) {
                found.push((weight, Nvfp4Role::ScaledBy(scale)));
                found.push((scale, Nvfp4Role::PartOf(weight)));
            }
            found.extend(at("input_scale").map(|input| (input, Nvfp4Role::PartOf(weight))));
        }
    }
    for (place, role) in found {
        tensors[place].role = role;
    }
}

fn utf8(bytes: &[u8], what: impl Fn() -> String) -> Result<&str, Problem> {
    core::str::from_utf8(bytes).map_err(|_| {
        let found = format!("{:?}", String::from_utf8_lossy(bytes));
        Problem::mismatch(what(), "UTF-8", found)
    })
}
