//! Checkpoints on disk: a file, a directory, or the index of shards. Files are opened and read, not
//! mapped.

use super::checkpoint::{Checkpoint, CheckpointFiles};
use crate::io::bytes::regular_file;
use crate::io::error::{Problem, ReadError};
use serde_json::Value;
use std::borrow::ToOwned;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::format;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// The ending of an index of shards.
const INDEX: &str = ".safetensors.index.json";

/// Files that say how weights were quantized, the one that is asked first.
const CONFIGS: &[&str] = &["config.json", "hf_quant_config.json", "quantize_config.json"];

/// A JSON text above this is no config and no index.
const MAX_JSON: u64 = 1 << 25;

impl Checkpoint<'static> {
    /// Opens a `.safetensors` file, an index (`model.safetensors.index.json`) with its shards, or a
    /// directory: with an index the files that it names, else all files that end in `.safetensors`.
    /// What `config.json` beside them says about quantization is taken into account.
    ///
    /// # Errors
    /// [`ReadError`] for a path that is neither file nor directory, a directory without weights, an
    /// index that names files outside of its directory, or tensors that its files do not have, and
    /// the errors of [`CheckpointFiles::read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let at_fault = |problem| ReadError::new(&name, problem);
        let metadata = fs::metadata(path).map_err(|error| at_fault(Problem::io(error)))?;
        let directory = match metadata.is_dir() {
            true => path,
            false => path.parent().unwrap_or(Path::new("")),
        };
        let listed = if metadata.is_dir() { in_directory(path)? } else { Listed::of(path) };
        let (files, index) = match listed {
            Listed::Files(files) => (files, None),
            Listed::Index(index) => {
                let map = read_index(&index)?;
                let names: HashSet<&String> = map.values().collect();
                let mut names: Vec<&String> = names.into_iter().collect();
                names.sort();
                let files = names.into_iter().map(|name| directory.join(name)).collect();
                (files, Some((index, map)))
            }
        };
        let mut all = CheckpointFiles::new();
        for config in CONFIGS {
            let config = directory.join(config);
            // A device or pipe of this name could go on for ever.
            if fs::metadata(&config).is_ok_and(|metadata| metadata.is_file()) {
                all = all.config(&config.display().to_string(), &text(&config)?)?;
                if all.is_configured() {
                    break;
                }
            }
        }
        for file in &files {
            all = all.reader(&file.display().to_string(), regular_file(file)?);
        }
        let checkpoint = all.read()?;
        if let Some((index, map)) = index {
            let places: HashMap<&str, &str> = checkpoint.places().collect();
            let missing = map.iter().find(|(tensor, file)| {
                let file = directory.join(file).display().to_string();
                places.get(&***tensor).is_none_or(|found| *found != file)
            });
            if let Some((tensor, file)) = missing {
                let problem = Problem::mismatch(
                    format!("tensor '{tensor}'"),
                    format!("in {file}"),
                    "no such tensor",
                );
                return Err(ReadError::new(&index.display().to_string(), problem));
            }
        }
        Ok(checkpoint)
    }
}

/// What a path stands for.
enum Listed {
    Files(Vec<PathBuf>),
    Index(PathBuf),
}

impl Listed {
    /// By the name: anything that is not called an index is read as a file of tensors.
    fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy());
        match name.is_some_and(|name| name.ends_with(".index.json")) {
            true => Self::Index(path.to_owned()),
            false => Self::Files(vec![path.to_owned()]),
        }
    }
}

fn in_directory(path: &Path) -> Result<Listed, ReadError> {
    let at_fault = |problem| ReadError::new(&path.display().to_string(), problem);
    let mut indices = Vec::new();
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| at_fault(Problem::io(error)))? {
        let file = entry.map_err(|error| at_fault(Problem::io(error)))?.path();
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        match name {
            Some(name) if name.ends_with(INDEX) => indices.push(file),
            Some(name) if name.ends_with(".safetensors") => files.push(file),
            _ => {}
        }
    }
    files.sort();
    match (indices.pop(), indices.is_empty(), files.is_empty()) {
        (Some(index), true, _) => Ok(Listed::Index(index)),
        (Some(_), false, _) => {
            let found = format!("{}", indices.len() + 1);
            Err(at_fault(Problem::mismatch("indices of shards", "at most 1", found)))
        }
        (None, _, false) => Ok(Listed::Files(files)),
        (None, _, true) => {
            let what = "directory";
            Err(at_fault(Problem::mismatch(what, "files that end in .safetensors", "none")))
        }
    }
}

/// Which file has which tensor, by the index.
fn read_index(path: &Path) -> Result<BTreeMap<String, String>, ReadError> {
    let name = path.display().to_string();
    let at_fault = |problem| ReadError::new(&name, problem);
    let whole: Value = serde_json::from_str(&text(path)?).map_err(|error| {
        at_fault(Problem::Json { what: "invalid JSON".to_owned(), error: error.to_string() })
    })?;
    let Some(map) = whole.get("weight_map").and_then(Value::as_object) else {
        return Err(at_fault(Problem::mismatch("index", "an object 'weight_map'", "none")));
    };
    let mut files = BTreeMap::new();
    for (tensor, file) in map {
        let what = || format!("file of tensor '{tensor}'");
        let Some(file) = file.as_str() else {
            return Err(at_fault(Problem::mismatch(what(), "a file's name", file)));
        };
        // Only files below the index: a name cannot lead elsewhere.
        let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        if file.is_empty() || !inside {
            let expected = "a name within the directory of the index";
            return Err(at_fault(Problem::mismatch(what(), expected, format!("'{file}'"))));
        }
        files.insert(tensor.clone(), file.to_owned());
    }
    Ok(files)
}

/// A small text file.
fn text(path: &Path) -> Result<String, ReadError> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read = regular_file(path)?.take(MAX_JSON + 1).read_to_string(&mut text);
    let length = read.map_err(|error| ReadError::new(&name, Problem::io(error)))?;
    if length as u64 > MAX_JSON {
        let expected = format!("at most {MAX_JSON} bytes");
        return Err(ReadError::new(&name, Problem::mismatch("length", expected, "more")));
    }
    Ok(text)
}
