//! Where arrays come from: the oracle folder itself, or the packed copy of a part of it in
//! `tests/golden`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One line of a manifest.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) source: String,
    /// Dimensions of the array, outermost first.
    pub(crate) shape: Vec<usize>,
    /// The array of inputs, or words that say what they are.
    pub(crate) inputs: String,
    pub(crate) mask: String,
    pub(crate) random: String,
    /// Elements that share a scale; 0 where the manifest says none.
    pub(crate) block: u32,
    pub(crate) num_bits: u8,
    offset: Option<(usize, usize)>,
}

impl Entry {
    /// Elements of the array, by its shape.
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether other arrays read this one: inputs, masks and random numbers.
    pub(crate) fn is_companion(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "" | "block_in" | "encode_in" | "mask" | "random" | "random_bits"
        )
    }
}

/// A folder of arrays with its manifest.
pub(crate) struct Oracle {
    folder: PathBuf,
    packs: HashMap<String, Vec<u8>>,
    /// `manifest.json`: for each file its parameters.
    parameters: HashMap<String, serde_json::Value>,
    pub(crate) entries: Vec<Entry>,
}

impl Oracle {
    /// Reads `manifest.tsv`. A packed copy has two columns more: where in `FOLDER.pack` an array
    /// lies.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("manifest.tsv");
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = text.lines();
        let columns: Vec<&str> =
            lines.next().expect("a line of column names").split('\t').collect();
        let entries: Vec<Entry> = lines
            .map(|line| {
                let fields: HashMap<&str, &str> =
                    columns.iter().copied().zip(line.split('\t')).collect();
                let text = |name: &str| fields.get(name).copied().unwrap_or("").to_owned();
                let number =
                    |name: &str| fields.get(name).and_then(|field| field.parse::<usize>().ok());
                Entry {
                    file: text("file"),
                    kind: text("kind"),
                    source: format!("{} {}", text("source"), text("version")).trim().to_owned(),
                    shape: text("shape")
                        .split('x')
                        .filter_map(|length| length.parse().ok())
                        .collect(),
                    inputs: text("inputs"),
                    mask: text("mask"),
                    random: text("random"),
                    block: number("block")
                        .map_or(0, |block| u32::try_from(block).expect("a block")),
                    num_bits: number("num_bits")
                        .map_or(0, |bits| u8::try_from(bits).expect("few bits")),
                    offset: number("offset").zip(number("length")),
                }
            })
            .collect();
        let mut packs = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.offset.is_some()) {
            let name = entry.file.split('/').next().expect("a folder").to_owned();
            packs.entry(name).or_insert_with_key(|name| {
                fs::read(folder.join(format!("{name}.pack")))
                    .unwrap_or_else(|error| panic!("{name}.pack: {error}"))
            });
        }
        Self {
            folder: folder.to_owned(),
            packs,
            parameters: parameters(&folder.join("manifest.json")),
            entries,
        }
    }

    /// A parameter that `manifest.json` has for an array: a number, or a string with the bits of
    /// one in hexadecimal.
    #[cfg_attr(
        not(all(feature = "matmul", feature = "presets")),
        expect(dead_code, reason = "tests of tensors ask for them")
    )]
    pub(crate) fn parameter(&self, file: &str, name: &str) -> Option<i64> {
        let value = self.parameters.get(file)?.get(name)?;
        value.as_i64().or_else(|| i64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok())
    }

    /// The line of an array.
    pub(crate) fn entry(&self, file: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.file == file)
    }

    fn bytes(&self, entry: &Entry) -> Vec<u8> {
        let file = &entry.file;
        match entry.offset {
            Some((offset, length)) => self.packs[file.split('/').next().expect("a folder")]
                [offset..offset + length]
                .to_vec(),
            None => {
                fs::read(self.folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
            }
        }
    }

    /// The elements of an array, widened to bits in a u64: the type is the last part of the name,
    /// their number that of the shape.
    pub(crate) fn array(&self, file: &str) -> Vec<u64> {
        let entry = self.entry(file).unwrap_or_else(|| panic!("{file} is not in the manifest"));
        let width = width(file);
        let element =
            |chunk: &[u8]| chunk.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        let elements: Vec<u64> = self.bytes(entry).chunks(width).map(element).collect();
        assert_eq!(
            elements.len(),
            entry.count(),
            "{file}: elements, and those of the shape {:?}",
            entry.shape
        );
        elements
    }

    /// The elements of an array of f32, or of their bits.
    pub(crate) fn floats(&self, file: &str) -> Vec<f32> {
        self.array(file).into_iter().map(|bits| f32::from_bits(bits as u32)).collect()
    }
}

/// The parameters of every array, by file. The packed copy has none: there the names say what is
/// needed.
fn parameters(path: &Path) -> HashMap<String, serde_json::Value> {
    let Ok(text) = fs::read_to_string(path) else { return HashMap::new() };
    let manifest: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let files = manifest["files"].as_array().expect("a list of files").iter();
    files.map(|file| (file["file"].as_str().expect("a name").to_owned(), file.clone())).collect()
}

/// Bytes of an element of an array.
pub(crate) fn width(file: &str) -> usize {
    match file.strip_suffix(".bin").and_then(|stem| stem.rsplit('.').next()) {
        Some("u8" | "i8") => 1,
        Some("u16") => 2,
        Some("u32" | "i32" | "f32") => 4,
        Some("u64" | "f64") => 8,
        other => panic!("{file}: element type {other:?}"),
    }
}
