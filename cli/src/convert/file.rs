//! A file of the result: written beside its place, read back, and only then put there, so that an
//! interrupted run leaves no file that looks whole.

use super::plan::{Job, OutFile, Work};
use super::source::{Opened, RawTensor, Source};
use super::work::{Done, NumbersHash, Sink, convert, numbers, pieces};
use crate::failure::Failure;
use crate::progress::Progress;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use subhalf::io::{
    CheckpointFiles, Gguf, GgufContents, GgufType, GgufWriter, SafetensorsContents,
    SafetensorsWriter,
};

/// What became of the tensors of a file.
pub(super) struct Written<'s> {
    /// Converted weights: name, shape, what was done.
    pub(super) weights: Vec<(&'s str, &'s [usize], Done)>,
    pub(super) bytes: u64,
}

enum Out {
    Safetensors(SafetensorsWriter<File>),
    Gguf(GgufWriter<BufWriter<File>>),
}

impl Sink for Out {
    fn bytes(&mut self, tensor: &str, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Safetensors(writer) => writer.bytes(tensor, bytes)?,
            // Jobs come in the order of the file.
            Self::Gguf(writer) => writer.bytes(bytes)?,
        }
        Ok(())
    }
}

/// The path that a file has until it is whole.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Hashes of what the tensors of a file are to be read back as, by name.
#[derive(Default)]
struct Expected {
    /// Numbers of weights.
    weights: HashMap<String, u64>,
    /// Bytes of tensors that were copied.
    tensors: HashMap<String, u64>,
}

/// What all files of a conversion share.
pub(super) struct Converting<'c> {
    pub(super) source: &'c Source,
    /// The text of the new `config.json`, by which the file is read back.
    pub(super) config: Option<&'c str>,
    pub(super) metadata: &'c [(String, GgufEntry)],
    pub(super) progress: &'c Progress,
}

/// A value of the metadata of a GGUF file that is made.
#[derive(Clone, Debug)]
pub(super) enum GgufEntry {
    Text(String),
    Number(u32),
}

impl Converting<'_> {
    /// Writes a file, reads it back, and puts it in its place; `None` if it is there already.
    pub(super) fn write<'s>(
        &self,
        file: &OutFile<'s>,
        path: &Path,
        is_gguf: bool,
    ) -> Result<Option<Written<'s>>, Failure> {
        if path.exists() {
            return Ok(None);
        }
        let temporary = partial(path);
        let failed =
            |error: std::io::Error| Failure::InFile(path.display().to_string(), error.to_string());
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&temporary)
            .map_err(failed)?;
        // Two processes that write one file would spoil it. The lock is held until the file is in
        // its place. Some file systems of clusters have none: there parts must not overlap.
        if let Err(TryLockError::WouldBlock) = opened.try_lock() {
            let what = "another process is writing it".to_owned();
            return Err(Failure::InFile(path.display().to_string(), what));
        }
        if path.exists() {
            // Another process was as far while this one looked, and this may be its file.
            return Ok(None);
        }
        let result = self.write_to(file, &opened, is_gguf).and_then(|(written, expected)| {
            match is_gguf {
                true => verify_gguf(&temporary, &expected)?,
                false => self.verify(&temporary, &expected)?,
            }
            fs::rename(&temporary, path).map_err(failed)?;
            Ok(written)
        });
        result.map(Some).map_err(|error| {
            // What is left of it would not be read by anyone, but takes room.
            let _ = fs::remove_file(&temporary);
            match error {
                Failure::Read(error) if error.file().is_empty() => {
                    Failure::InFile(path.display().to_string(), error.to_string())
                }
                Failure::Output(error) => failed(error),
                other => other,
            }
        })
    }

    fn write_to<'s>(
        &self,
        file: &OutFile<'s>,
        opened: &File,
        is_gguf: bool,
    ) -> Result<(Written<'s>, Expected), Failure> {
        // What an interrupted run left is cut off.
        opened.set_len(0)?;
        let created = opened.try_clone()?;
        let mut out = match is_gguf {
            true => Out::Gguf(self.gguf(file)?.write(BufWriter::new(created))?),
            false => Out::Safetensors(safetensors(file)?.write(created)?),
        };
        let mut expected = Expected::default();
        let mut weights = Vec::new();
        for job in &file.jobs {
            match &job.work {
                Work::Copy(tensor) => {
                    let hash = copy(tensor, &mut out)?;
                    expected.tensors.insert(tensor.name().to_owned(), hash);
                    self.progress.measured(elements(tensor.shape()));
                }
                Work::Bytes(bytes) => {
                    let tensor = &job.tensors[0];
                    out.bytes(&tensor.name, bytes)?;
                    let mut hash = NumbersHash::default();
                    hash.add_bytes(bytes);
                    expected.tensors.insert(tensor.name.clone(), hash.end());
                }
                Work::Quantize(weight, _) | Work::Numbers(weight, _) => {
                    let done = match &job.work {
                        Work::Quantize(_, codes) => convert(weight, codes, &job.tensors, &mut out),
                        Work::Numbers(_, format) => {
                            numbers(weight, format, &job.tensors[0], &mut out)
                        }
                        Work::Copy(_) | Work::Bytes(_) => continue,
                    };
                    let done = done.map_err(|error| match error {
                        Failure::Library(error) => {
                            Failure::Conversion(format!("weight '{}': {error}", weight.name))
                        }
                        other => other,
                    })?;
                    expected.weights.insert(weight.name.to_owned(), done.hash);
                    self.progress.measured(elements(weight.shape));
                    weights.push((weight.name, weight.shape, done));
                }
            }
        }
        let file = match out {
            Out::Safetensors(writer) => writer.finish()?,
            Out::Gguf(writer) => {
                writer.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?
            }
        };
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        Ok((Written { weights, bytes }, expected))
    }

    fn gguf(&self, file: &OutFile<'_>) -> Result<GgufContents, Failure> {
        let mut contents = GgufContents::new();
        if let Source::Gguf(source) = self.source {
            // What is said of the old files and types is not so of the new ones.
            let kept = |key: &str| !key.starts_with("split.") && key != "general.file_type";
            for (key, value) in source.metadata().filter(|(key, _)| kept(key)) {
                contents.value(key, value)?;
            }
        }
        for (key, value) in self.metadata {
            match value {
                GgufEntry::Text(text) => contents.value(key, text.as_str())?,
                GgufEntry::Number(number) => contents.value(key, *number)?,
            }
        }
        for tensor in file.jobs.iter().flat_map(|job| &job.tensors) {
            let Some(kind) = GgufType::by_name(&tensor.dtype) else {
                let what = format!("tensor '{}'", tensor.name);
                let found = format!("expected a type of ggml, found {}", tensor.dtype);
                return Err(Failure::Conversion(format!("{what}: {found}")));
            };
            contents.tensor(&tensor.name, kind, &tensor.shape)?;
        }
        Ok(contents)
    }

    /// Reads a safetensors file back: every converted weight must come back as the numbers that were
    /// measured, every other tensor as its bytes.
    fn verify(&self, path: &Path, expected: &Expected) -> Result<(), Failure> {
        let name = path.display().to_string();
        let opened =
            File::open(path).map_err(|error| Failure::InFile(name.clone(), error.to_string()))?;
        let mut files = CheckpointFiles::new();
        if let Some(config) = self.config {
            files = files.config("config.json", config)?;
        }
        let source = Source::Checkpoint(Box::new(files.reader(&name, opened).read()?));
        let weights = source.weights();
        let mut found = 0;
        for weight in &weights {
            let Some(hash) = expected.weights.get(weight.name) else { continue };
            let mut numbers = NumbersHash::default();
            let opened: Opened<'_> = weight.open()?;
            let [rows, cols] = weight.rows();
            for piece in pieces(rows, cols, 1) {
                numbers.add(&opened.rows(piece)?.to_f32());
            }
            same(&name, weight.name, numbers.end(), *hash)?;
            found += 1;
        }
        complete(&name, found, expected.weights.len())?;
        let Source::Checkpoint(checkpoint) = &source else { return Ok(()) };
        let mut found = 0;
        for tensor in checkpoint.stored() {
            let Some(hash) = expected.tensors.get(tensor.name()) else { continue };
            let mut bytes = NumbersHash::default();
            RawTensor::Stored(tensor).pieces(|piece| {
                bytes.add_bytes(piece);
                Ok(())
            })?;
            same(&name, tensor.name(), bytes.end(), *hash)?;
            found += 1;
        }
        complete(&name, found, expected.tensors.len())
    }
}

fn verify_gguf(path: &Path, expected: &Expected) -> Result<(), Failure> {
    let name = path.display().to_string();
    let file = Gguf::open(path)?;
    let (mut weights, mut tensors) = (0, 0);
    for tensor in file.tensors() {
        let mut hash = NumbersHash::default();
        if let Some(expected) = expected.weights.get(tensor.name()) {
            let numbers = file.load(tensor)?.to_f32();
            hash.add(&numbers);
            same(&name, tensor.name(), hash.end(), *expected)?;
            weights += 1;
        } else if let Some(expected) = expected.tensors.get(tensor.name()) {
            hash.add_bytes(&file.bytes(tensor)?);
            same(&name, tensor.name(), hash.end(), *expected)?;
            tensors += 1;
        }
    }
    complete(&name, weights, expected.weights.len())?;
    complete(&name, tensors, expected.tensors.len())
}

/// Why a file that was written well may be read as something else.
const NO_CONFIG: &str = " (a layout that needs its config.json wants a directory as OUT)";

fn same(file: &str, tensor: &str, found: u64, expected: u64) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    let what = format!("tensor '{tensor}' does not come back as it was written");
    Err(Failure::InFile(file.to_owned(), what + NO_CONFIG))
}

fn complete(file: &str, found: usize, expected: usize) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    let what = format!("expected {expected} tensors to come back, found {found}");
    Err(Failure::InFile(file.to_owned(), what + NO_CONFIG))
}

fn safetensors(file: &OutFile<'_>) -> Result<SafetensorsContents, Failure> {
    let mut contents = SafetensorsContents::new();
    // What transformers asks for.
    contents.metadata("format", "pt");
    for Job { tensors, work } in &file.jobs {
        if let Work::Copy(RawTensor::Stored(tensor)) = work {
            contents.copy_of(tensor)?;
            continue;
        }
        for tensor in tensors {
            contents.tensor(&tensor.name, &tensor.dtype, &tensor.shape)?;
        }
    }
    Ok(contents)
}

fn copy(tensor: &RawTensor<'_>, out: &mut Out) -> Result<u64, Failure> {
    let mut hash = NumbersHash::default();
    tensor.pieces(|bytes| {
        hash.add_bytes(bytes);
        out.bytes(tensor.name(), bytes)
    })?;
    Ok(hash.end())
}

pub(super) fn elements(shape: &[usize]) -> usize {
    shape.iter().product()
}
