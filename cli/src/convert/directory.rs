//! The directory of a result: files that were written by an earlier run of the same command, or by
//! other machines that work on other parts of it, and what is written last, when all are there.

use super::plan::Plan;
use super::source::{Source, file_name};
use super::target::{Codes, Target};
use super::work::NumbersHash;
use crate::failure::Failure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use subhalf::io::{CheckpointFiles, QuantizedModel, config_of_numbers};

/// A file of the result's directory while not everything is in it. It says which conversion the
/// files beside it come from.
const STATE: &str = "conversion.incomplete.json";

/// Refuses a directory that a conversion has not finished.
pub(crate) fn refuse_unfinished(path: &Path) -> Result<(), Failure> {
    match path.is_dir() && path.join(STATE).exists() {
        true => {
            let what = format!("expected a whole checkpoint, found an unfinished one ({STATE})");
            Err(Failure::InFile(path.display().to_string(), what))
        }
        false => Ok(()),
    }
}

/// The ending of an index of shards.
const INDEX: &str = "model.safetensors.index.json";

/// Files beside weights that are not copied: other forms of the weights, and what is written anew.
const NOT_COPIED: [&str; 12] = [
    ".safetensors",
    ".index.json",
    ".bin",
    ".pt",
    ".pth",
    ".gguf",
    ".onnx",
    ".h5",
    ".msgpack",
    ".ot",
    ".partial",
    ".npz",
];
const WRITTEN_ANEW: [&str; 4] =
    ["config.json", "hf_quant_config.json", "quantize_config.json", STATE];

pub(super) struct Directory {
    path: PathBuf,
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::InFile(path.display().to_string(), error.to_string())
}

/// Writes a small file beside its place and puts it there, so that it is whole or not there.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let temporary = temporary(path);
    fs::write(&temporary, text).map_err(failed(path))?;
    fs::rename(&temporary, path).map_err(failed(path))
}

/// The path of a small file until it is whole. Other machines may write the same file at the same
/// time.
fn temporary(path: &Path) -> PathBuf {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.partial", std::process::id()));
    temporary.into()
}

fn text_of(path: &Path) -> Result<String, Failure> {
    const LONGEST: u64 = 1 << 25;
    let mut text = String::new();
    let file = File::open(path).map_err(failed(path))?;
    let length = file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed(path))?;
    match length as u64 > LONGEST {
        true => {
            let what = format!("expected at most {LONGEST} bytes, found more");
            Err(Failure::InFile(path.display().to_string(), what))
        }
        false => Ok(text),
    }
}

/// The `config.json` beside a source.
pub(super) fn config_beside(source: &Path) -> Result<Option<String>, Failure> {
    let path = directory_of(source).join("config.json");
    match fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
        true => text_of(&path).map(Some),
        false => Ok(None),
    }
}

fn directory_of(source: &Path) -> PathBuf {
    match source.is_dir() {
        true => source.to_owned(),
        false => source.parent().unwrap_or(Path::new("")).to_owned(),
    }
}

/// What a conversion is: equal for all runs and machines whose files belong together. Of tensors it
/// has names, lengths and the first bytes, by which two models of one shape differ.
pub(super) fn identity(source: &Source, choice: Value, target: &Target) -> Result<String, Failure> {
    const FIRST: u64 = 256;
    let mut hash = NumbersHash::default();
    if let Source::Checkpoint(checkpoint) = source {
        for tensor in checkpoint.stored() {
            hash.add_bytes(tensor.name().as_bytes());
            hash.add_bytes(&tensor.len().to_le_bytes());
            hash.add_bytes(&tensor.read(0..FIRST.min(tensor.len()))?);
        }
    }
    let tensors = source.weights().len();
    Ok(json!({
        "program": concat!("subhalf ", env!("CARGO_PKG_VERSION")),
        "to": target.name(),
        "choice": choice,
        "weights": tensors,
        "hash": format!("{:016x}", hash.end()),
    })
    .to_string())
}

impl Directory {
    /// Takes a directory that is new, empty, or of the same conversion.
    pub(super) fn open(path: &Path, identity: &str) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(failed(path))?;
        let state = path.join(STATE);
        match fs::read_to_string(&state) {
            Ok(found) if found == identity => {}
            Ok(found) => {
                let what = format!("expected files of this conversion, found those of {found}");
                return Err(Failure::InFile(path.display().to_string(), what));
            }
            Err(_) => {
                let mut entries = fs::read_dir(path).map_err(failed(path))?;
                // Another machine may have begun between the two looks.
                let other = entries.find_map(|entry| {
                    let name = entry.ok()?.file_name().to_string_lossy().into_owned();
                    (!name.starts_with(STATE)).then_some(name)
                });
                if let Some(name) = other {
                    let what = format!("expected a new or empty directory, found {name} in it");
                    return Err(Failure::InFile(path.display().to_string(), what));
                }
                put(&state, identity)?;
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes index and config, copies what else belongs to the model, and takes the mark away that
    /// something is missing.
    pub(super) fn finish(
        &self,
        source: &Path,
        plan: &Plan<'_>,
        config: Option<&str>,
        target: &Target,
        model: &QuantizedModel,
    ) -> Result<(), Failure> {
        if let [_, _, ..] = &*plan.files {
            put(&self.file(INDEX), &self.index(plan)?)?;
        }
        let from = directory_of(source);
        if source.is_dir() || source.to_string_lossy().ends_with(".index.json") {
            self.copy_others(&from, &self.path)?;
        }
        if let Some(config) = config {
            put(&self.file("config.json"), config)?;
        }
        if let Target::Codes(Codes::Layout(layout)) = target
            && let Some(text) = layout.model_optimizer_config(model)?
        {
            put(&self.file("hf_quant_config.json"), &text)?;
        }
        let state = self.file(STATE);
        match fs::remove_file(&state) {
            // Another machine may have been as far.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failed(&state)(error))
            }
            _ => Ok(()),
        }
    }

    /// Whether the result lies in a folder, which then holds more than the source.
    fn is_inside(&self, folder: &Path) -> bool {
        match (self.path.canonicalize(), folder.canonicalize()) {
            (Ok(own), Ok(folder)) => own.starts_with(folder),
            _ => false,
        }
    }

    fn index(&self, plan: &Plan<'_>) -> Result<String, Failure> {
        let (mut map, mut total) = (BTreeMap::new(), 0);
        for file in &plan.files {
            let path = self.file(&file.name);
            let opened = File::open(&path).map_err(failed(&path))?;
            let shown = path.display().to_string();
            let checkpoint = CheckpointFiles::new().reader(&shown, opened).read()?;
            for tensor in checkpoint.stored() {
                total += tensor.len();
                map.insert(tensor.name().to_owned(), file.name.clone());
            }
        }
        let index = json!({"metadata": {"total_size": total}, "weight_map": map});
        Ok(format!("{index:#}\n"))
    }

    /// Copies files beside the weights, and those in folders, of which modules of
    /// sentence-transformers have one each.
    fn copy_others(&self, from: &Path, to: &Path) -> Result<(), Failure> {
        for entry in fs::read_dir(from).map_err(failed(from))? {
            let path = entry.map_err(failed(from))?.path();
            let name = file_name(&path.to_string_lossy());
            let is_new = to == self.path && WRITTEN_ANEW.contains(&&*name);
            let is_weights = NOT_COPIED.iter().any(|end| name.ends_with(end));
            if name.starts_with('.') || is_new || is_weights {
                continue;
            }
            let to = to.join(&name);
            if path.is_dir() && !path.is_symlink() && !self.is_inside(&path) {
                fs::create_dir_all(&to).map_err(failed(&to))?;
                self.copy_others(&path, &to)?;
            } else if path.is_file() {
                let temporary = temporary(&to);
                fs::copy(&path, &temporary).map_err(failed(&to))?;
                fs::rename(&temporary, &to).map_err(failed(&to))?;
            }
        }
        Ok(())
    }
}

/// The text of the new `config.json`: of the model's own, with what the target says of
/// quantization.
pub(super) fn new_config(
    own: Option<&str>,
    target: &Target,
    model: &QuantizedModel,
    has_own_codes: bool,
) -> Result<Option<String>, Failure> {
    Ok(match (target, own) {
        (Target::Codes(Codes::Layout(layout)), _) => Some(layout.config(own, model)?),
        (_, Some(own)) if has_own_codes => Some(own.to_owned()),
        (_, Some(own)) => Some(config_of_numbers(own)?),
        (_, None) => None,
    })
}
