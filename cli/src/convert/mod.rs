//! Converts the weights of a checkpoint: `subhalf convert IN OUT --to compressed_tensors::NVFP4`.
//!
//! ```text
//! subhalf convert model/ model-nvfp4/ --to compressed_tensors::NVFP4   shards in, shards out
//! subhalf convert model/ model.gguf --to ggml::Q8_0                    one GGUF file
//! subhalf convert model-nvfp4/ back/ --to BF16                         plain numbers again
//! subhalf convert model/ out/ --to mlx::MXFP4 --shard 2/4              a quarter of the shards
//! ```
//!
//! | file | owns |
//! |---|---|
//! | `target`, `choice` | what weights become, and which of them |
//! | `source` | weights and tensors of the source, in pieces of rows |
//! | `plan` | what each file is to hold, from headers alone |
//! | `statics` | scales of activations and of caches |
//! | `work` | a weight: read, quantized or recoded, measured |
//! | `file` | a file: written, read back, put in its place |
//! | `directory` | index, config and the files beside them |

mod choice;
mod directory;
mod file;
mod plan;
mod source;
mod statics;
mod target;
mod work;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::table::{Side, Table, digits, tail};
use choice::Choice;
use clap::Args;
use directory::Directory;
pub(crate) use directory::refuse_unfinished;
use file::{Converting, GgufEntry, Written, elements};
use plan::{Plan, Shape};
use source::{Source, SourceWeight};
use statics::Statics;
use std::io::Write;
use std::path::{Path, PathBuf};
use subhalf::io::QuantizedModel;
use target::{Codes, Target};

/// Converts the weights of a checkpoint to another layout, to GGUF, or to plain numbers.
///
/// Matrices are quantized, but for embeddings, norms, the head, biases and routers of experts;
/// everything else is copied, codes of another layout as BF16 numbers. What a GGUF file has no type
/// for is named. Codes are kept where they mean something in the new layout. Every file is read back
/// before it is put in its place.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A .safetensors or .gguf file, the index of shards, or a directory.
    #[arg(value_name = "IN")]
    source: PathBuf,
    /// A directory, which must be new or empty; or a new .safetensors or .gguf file.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// What weights become: a program's layout (`compressed_tensors::NVFP4`), a type of ggml
    /// (`ggml::Q8_0`), or F32, F16, BF16. docs/schemes.md lists all. Tensors keep their names, in
    /// GGUF too, which llama.cpp loads under its own names only.
    #[arg(long, value_name = "NAME", value_parser = target::target)]
    to: Target,
    /// Weights to convert, by patterns of names with * and ?: these, and no others.
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Weights to leave as they are, by patterns of names, besides those left by default.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Numbers that ran through a layer, for a static scale: an array that is called like the
    /// scale's tensor, `model.layers.0.mlp.up_proj.input_scale.npy` or `….self_attn.k_scale.npy`.
    #[arg(long, value_name = "FILE.npy")]
    calibration: Vec<PathBuf>,
    /// A part of the files alone: `2/4` is every fourth one, from the second on. When all parts are done, the same
    /// command without this option adds index and config.
    #[arg(long, value_name = "I/N", value_parser = part)]
    shard: Option<Part>,
}

/// A part of some files.
#[derive(Clone, Copy, Debug)]
struct Part {
    index: usize,
    count: usize,
}

fn part(text: &str) -> Result<Part, String> {
    let read = text.split_once('/').and_then(|(index, count)| {
        let part = Part { index: index.parse().ok()?, count: count.parse().ok()? };
        (1 <= part.index && part.index <= part.count).then_some(part)
    });
    read.ok_or_else(|| format!("expected a number and a count such as 2/4, found {text}"))
}

/// Converts, and writes what became of each weight.
pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let Arguments { source: path, to: target, .. } = arguments;
    let source = Source::open(path)?;
    let weights = source.weights();
    let choice = Choice::new(&arguments.include, &arguments.exclude);
    let statics = Statics::read(&arguments.calibration, target)?;
    let shape = shape_of(&arguments.out, target, path)?;
    if arguments.shard.is_some() && !matches!(shape, Shape::Files) {
        let what = "--shard: expected a directory as OUT, whose files are shared out";
        return Err(Failure::Conversion(what.to_owned()));
    }
    let plan = plan::plan(&source, &weights, target, &choice, &statics, shape)?;
    let mut model = QuantizedModel::default();
    model.ignored.clone_from(&plan.ignored);
    model.has_input_scales = plan.has_input_scales;
    model.has_cache_scales = plan.has_cache_scales;
    let own = directory::config_beside(path)?;
    let config = directory::new_config(own.as_deref(), target, &model, plan.has_own_codes)?;
    let is_converted = |job: &plan::Job<'_>| !matches!(job.work, plan::Work::Copy(_));
    if !arguments.include.is_empty()
        && !plan.files.iter().flat_map(|file| &file.jobs).any(is_converted)
    {
        let what = "--include: expected patterns of weights that can be converted, found none";
        return Err(Failure::Conversion(what.to_owned()));
    }
    let metadata = match shape {
        Shape::Gguf => gguf_metadata(&source, own.as_deref(), path),
        _ => Vec::new(),
    };
    let count = plan.files.iter().flat_map(|file| &file.jobs).flat_map(|job| &job.tensors);
    let progress = Progress::new(count.map(|tensor| elements(&tensor.shape)).sum(), 1);
    let converting = Converting {
        source: &source,
        // A single file has to be read without one.
        config: config.as_deref().filter(|_| matches!(shape, Shape::Files)),
        metadata: &metadata,
        progress: &progress,
    };
    let is_gguf = matches!(shape, Shape::Gguf);
    let mut results = Vec::new();
    let mut waiting = false;
    match shape {
        Shape::One | Shape::Gguf => {
            if arguments.out.exists() {
                let what = "expected no such file yet, found one".to_owned();
                return Err(Failure::InFile(arguments.out.display().to_string(), what));
            }
            for file in &plan.files {
                results.extend(converting.write(file, &arguments.out, is_gguf)?);
            }
        }
        Shape::Files => {
            let choice = serde_json::json!({
                "include": arguments.include,
                "exclude": arguments.exclude,
                "calibration": statics.told(),
            });
            let identity = directory::identity(&source, choice, target)?;
            let directory = Directory::open(&arguments.out, &identity)?;
            for (place, file) in plan.files.iter().enumerate() {
                let is_own =
                    arguments.shard.is_none_or(|part| place % part.count == part.index - 1);
                let path = directory.file(&file.name);
                if is_own {
                    results.extend(converting.write(file, &path, is_gguf)?);
                }
            }
            waiting = arguments.shard.is_some();
            if !waiting {
                directory.finish(path, &plan, config.as_deref(), target, &model)?;
            }
        }
    }
    drop(progress);
    tell(&plan, &weights, &results, waiting, out)
}

/// Where tensors go, by the name of the result.
fn shape_of(out: &Path, target: &Target, source: &Path) -> Result<Shape, Failure> {
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match (ending.as_deref(), target) {
        (Some("gguf"), Target::Codes(Codes::Layout(layout))) => Err(Failure::Conversion(format!(
            "OUT: expected a directory or a .safetensors file for {}, found a .gguf file",
            layout.name()
        ))),
        (Some("gguf"), _) => Ok(Shape::Gguf),
        (_, Target::Codes(Codes::Ggml(_))) => {
            let found = out.display();
            Err(Failure::Conversion(format!("OUT: expected a .gguf file, found {found}")))
        }
        (Some("safetensors"), _) => Ok(Shape::One),
        _ if source == out => {
            let what = "OUT: expected another directory than IN";
            Err(Failure::Conversion(what.to_owned()))
        }
        _ => Ok(Shape::Files),
    }
}

/// What a GGUF file says of its model, if the source is none.
fn gguf_metadata(source: &Source, config: Option<&str>, path: &Path) -> Vec<(String, GgufEntry)> {
    if matches!(source, Source::Gguf(_)) {
        return Vec::new();
    }
    let config: serde_json::Value =
        config.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let model = config.get("model_type").and_then(serde_json::Value::as_str).unwrap_or("unknown");
    let name = path.file_stem().map_or_else(String::new, |own| own.to_string_lossy().into_owned());
    vec![
        ("general.architecture".to_owned(), GgufEntry::Text(model.to_owned())),
        ("general.name".to_owned(), GgufEntry::Text(name)),
        ("general.quantization_version".to_owned(), GgufEntry::Number(2)),
    ]
}

/// Writes a table of the weights, and what was left.
fn tell(
    plan: &Plan<'_>,
    weights: &[SourceWeight<'_>],
    results: &[Written<'_>],
    waiting: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    const LONGEST_NAME: usize = 60;
    let mut table = Table::new([
        ("weight", Side::Left),
        ("shape", Side::Left),
        ("", Side::Left),
        ("SQNR dB", Side::Right),
        ("largest error", Side::Right),
    ]);
    let (mut bytes, mut count) = (0, 0);
    for written in results {
        bytes += written.bytes;
        for (name, shape, done) in &written.weights {
            count += 1;
            table.row([
                tail(&crate::report::one_line(name), LONGEST_NAME),
                format!("{shape:?}"),
                match done.errors.nan_references() + done.errors.infinite_references() {
                    0 => done.how.to_owned(),
                    count => format!("{}, {count} not finite", done.how),
                },
                done.errors.sqnr_db().to_string(),
                digits(done.errors.max_abs_error()),
            ]);
        }
    }
    let files = results.len();
    let title = format!("{count} of {} weights converted", weights.len());
    table.write(&format!("{title}, {files} files, {bytes} bytes"), out)?;
    let vectors = plan.left.iter().filter(|(_, reason)| reason == choice::NO_MATRIX).count();
    for (name, reason) in plan.left.iter().filter(|(_, reason)| reason != choice::NO_MATRIX) {
        writeln!(out, "Left: {} ({reason})", crate::report::one_line(name))?;
    }
    if vectors > 0 {
        writeln!(out, "Left: {vectors} tensors that are no matrices")?;
    }
    if waiting {
        writeln!(out, "A part of the files: run without --shard when all parts are done")?;
    }
    Ok(out.flush()?)
}
