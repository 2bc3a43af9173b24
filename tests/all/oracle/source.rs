//! Where arrays come from: the oracle folder itself, or the packed copy of a part of it in `tests/golden`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One line of a manifest.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) inputs: String,
    pub(crate) mask: String,
    pub(crate) random: String,
    pub(crate) num_bits: u8,
    offset: Option<(usize, usize)>,
}

/// A folder of arrays with its manifest.
pub(crate) struct Oracle {
    folder: PathBuf,
    packs: HashMap<String, Vec<u8>>,
    pub(crate) entries: Vec<Entry>,
}

impl Oracle {
    /// Reads `manifest.tsv`. A packed copy has two columns more: where in `FOLDER.pack` an array lies.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("manifest.tsv");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next().expect("a line of column names").split('\t').collect();
        let entries: Vec<Entry> = lines
            .map(|line| {
                let fields: HashMap<&str, &str> = columns.iter().copied().zip(line.split('\t')).collect();
                let text = |name: &str| fields.get(name).copied().unwrap_or("").to_owned();
                let number = |name: &str| fields.get(name).and_then(|field| field.parse::<usize>().ok());
                Entry {
                    file: text("file"),
                    kind: text("kind"),
                    source: format!("{} {}", text("source"), text("version")).trim().to_owned(),
                    inputs: text("inputs"),
                    mask: text("mask"),
                    random: text("random"),
                    num_bits: number("num_bits").map_or(0, |bits| u8::try_from(bits).expect("few bits")),
                    offset: number("offset").zip(number("length")),
                }
            })
            .collect();
        let mut packs = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.offset.is_some()) {
            let name = entry.file.split('/').next().expect("a folder").to_owned();
            packs.entry(name).or_insert_with_key(|name| {
                fs::read(folder.join(format!("{name}.pack"))).unwrap_or_else(|error| panic!("{name}.pack: {error}"))
            });
        }
        Self { folder: folder.to_owned(), packs, entries }
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        let entry = self.entries.iter().find(|entry| entry.file == file).unwrap_or_else(|| panic!("{file} is not in the manifest"));
        match entry.offset {
            Some((offset, length)) => self.packs[file.split('/').next().expect("a folder")][offset..offset + length].to_vec(),
            None => fs::read(self.folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}")),
        }
    }

    /// The elements of an array, widened to bits in a u64; the type is the last part of the name.
    pub(crate) fn array(&self, file: &str) -> Vec<u64> {
        let width = match file.strip_suffix(".bin").and_then(|stem| stem.rsplit('.').next()) {
            Some("u8" | "i8") => 1,
            Some("u16") => 2,
            Some("u32" | "i32" | "f32") => 4,
            Some("u64" | "f64") => 8,
            other => panic!("{file}: element type {other:?}"),
        };
        let element = |chunk: &[u8]| chunk.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        self.bytes(file).chunks_exact(width).map(element).collect()
    }
}
