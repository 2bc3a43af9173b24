//! Another folder of the same manifest, made from the golden copy: fewer rows and elements, other
//! numbers in names, other scales. Its arrays lie in files of their own, as in the whole
//! collection.

use super::in_order;
use super::source::{Entry, Oracle, width};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A folder for the length of a test.
pub(crate) struct AnotherFolder(PathBuf);

impl Drop for AnotherFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl AnotherFolder {
    /// Makes the folder from `golden`. `name` tells apart the tests that run at once.
    pub(crate) fn new(golden: &Path, name: &str) -> Self {
        let oracle = Oracle::open(golden);
        let folder =
            Self(std::env::temp_dir().join(format!("subhalf-{}-{name}", std::process::id())));
        let mut manifest = String::from(
            "shape\tkind\tfile\tinputs\tmask\trandom\tnum_bits\tblock\tsource\tversion\n",
        );
        for entry in &oracle.entries {
            let (shape, elements) = fewer(&oracle, entry);
            let file = renamed(&entry.file);
            let width = width(&file);
            let bytes: Vec<u8> = elements
                .iter()
                .flat_map(|bits| bits.to_le_bytes().into_iter().take(width))
                .collect();
            let path = folder.0.join(&file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of its own");
            fs::write(path, bytes).expect("an array");
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            let [inputs, mask, random] =
                [&entry.inputs, &entry.mask, &entry.random].map(|name| renamed(name));
            let Entry { kind, num_bits, block, source, .. } = entry;
            let shape = shape.join("x");
            manifest += &format!(
                "{shape}\t{kind}\t{file}\t{inputs}\t{mask}\t{random}\t{num_bits}\t{block}\t{source}\t\n"
            );
        }
        fs::write(folder.0.join("manifest.tsv"), manifest).expect("a manifest");
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Inverts the bits of a few elements without a mask, from the middle on, in each array of
    /// these folders that is no companion.
    pub(crate) fn change_each(&self, folders: &[&str]) {
        let oracle = Oracle::open(&self.0);
        let starts = |entry: &&Entry| folders.iter().any(|folder| entry.file.starts_with(folder));
        for entry in oracle.entries.iter().filter(starts).filter(|entry| !entry.is_companion()) {
            let (path, width, count) =
                (self.0.join(&entry.file), width(&entry.file), entry.count());
            let mask =
                if entry.mask.is_empty() { vec![0; count] } else { oracle.array(&entry.mask) };
            let mut bytes = fs::read(&path).expect("an array");
            for index in (count / 2..count).filter(|&index| mask[index] == 0).take(4) {
                bytes[index * width..][..width].iter_mut().for_each(|byte| *byte = !*byte);
            }
            fs::write(path, bytes).expect("an array");
        }
    }
}

/// Names with other numbers: tensors from 9 on, groups numbered 7, twice the scale; a shorter range
/// of integers in order.
fn renamed(name: &str) -> String {
    if let Some(range) = in_order(name) {
        return format!(
            "i32 values {}..{} in order",
            range.start() + ENDS as i32,
            range.end() - ENDS as i32
        );
    }
    let name = name.replace("sym_0.", "sym_7.");
    if let Some((before, after)) = name.split_once("/nvfp4_tensor") {
        let (number, rest) = after.split_once('.').expect("a type");
        return format!(
            "{before}/nvfp4_tensor{}.{rest}",
            number.parse::<u32>().expect("a number") + 9
        );
    }
    if let Some(rest) = name.strip_prefix("int/") {
        let (element, rest) = rest.split_once(".s").expect("a scale");
        let (scale, rest) = rest.split_once(".z").expect("a zero point");
        return format!("int/{element}.s{}.z{rest}", 2.0 * scale.parse::<f32>().expect("a number"));
    }
    name
}

/// Integers left out at each end of those that are in order.
const ENDS: usize = 100;

/// Shape and elements of an array without some of its rows, or of its elements. Tables of all codes
/// stay.
fn fewer(oracle: &Oracle, entry: &Entry) -> (Vec<usize>, Vec<u64>) {
    let elements = oracle.array(&entry.file);
    let reader = oracle
        .entries
        .iter()
        .find(|reader| [&reader.inputs, &reader.mask, &reader.random].contains(&&entry.file));
    let inputs = reader.map_or(&entry.inputs, |reader| &reader.inputs);
    if in_order(inputs).is_some() {
        let some = &elements[ENDS..elements.len() - ENDS];
        return (vec![some.len()], some.to_vec());
    }
    let Some(inputs) = oracle.entry(inputs) else { return (entry.shape.clone(), elements) };
    if !entry.file.starts_with("block/") && !entry.file.starts_with("int/") {
        let some: Vec<u64> = elements
            .into_iter()
            .enumerate()
            .filter(|(i, _)| i % 5 != 3)
            .map(|(_, element)| element)
            .collect();
        return (vec![some.len()], some);
    }
    let (rows, kept) = (inputs.shape[0], kept_rows(oracle, inputs));
    if elements.len() < rows {
        // A number for the whole tensor.
        return (entry.shape.clone(), elements);
    }
    assert_eq!(elements.len() % rows, 0, "{}: rows", entry.file);
    let row = elements.len() / rows;
    let elements = &elements[kept.start * row..kept.end * row];
    let mut shape = entry.shape.clone();
    shape[0] = shape[0] * kept.len() / rows;
    let twice = |&bits: &u64| u64::from((2.0 * f32::from_bits(bits as u32)).to_bits());
    let scaled = entry.file.starts_with("int/") && !entry.file.contains(".quant.");
    (shape, if scaled { elements.iter().map(twice).collect() } else { elements.to_vec() })
}

/// Rows that stay: about three quarters, an even number less, among them that of the largest
/// number, which tensor scales come from.
fn kept_rows(oracle: &Oracle, inputs: &Entry) -> Range<usize> {
    let (numbers, rows) = (oracle.floats(&inputs.file), inputs.shape[0]);
    let (cut, finite) =
        (rows / 8 * 2, |at: usize| if numbers[at].is_finite() { numbers[at].abs() } else { 0.0 });
    let largest =
        (0..numbers.len()).max_by(|&a, &b| finite(a).total_cmp(&finite(b))).expect("numbers");
    if largest / (numbers.len() / rows) < cut { 0..rows - cut } else { cut..rows }
}
