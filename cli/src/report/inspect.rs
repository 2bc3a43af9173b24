//! What a checkpoint holds: its weights, how each is stored and in how many bits, and what is no
//! weight.

use super::table::{Side, Table, digits, tail};
use super::weights::{Entry, Tensor, Weights, one_line};
use crate::failure::Failure;
use crate::npy;
use clap::Args;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The weights of a checkpoint, how each is stored, and its bits per weight.
///
/// Exit code 2 if a tensor looks like a weight that could not be read.
#[derive(Args, Debug)]
pub(crate) struct Inspected {
    /// A file (.safetensors, .gguf, of several any one, or .npy), the index of shards, or a
    /// directory.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Looks at this weight alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) weight: Option<String>,
    /// Writes the numbers that the weight stands for, as f32.
    #[arg(long, value_name = "OUT.npy", requires = "weight")]
    pub(crate) npy: Option<PathBuf>,
}

const LONGEST_NAME: usize = 60;

pub(super) fn write(arguments: &Inspected, out: &mut impl Write) -> Result<(), Failure> {
    let weights = Weights::open(&arguments.path)?;
    match &arguments.weight {
        None => write_all(&weights, out),
        Some(name) => {
            let place = weights.entries().position(|weight| weight.name() == name);
            let index = place.ok_or_else(|| Failure::NoWeight(name.clone()))?;
            if let Some(path) = &arguments.npy {
                let Tensor { shape, values, .. } = weights.read(index)?;
                write_npy(path, &shape, &values.to_f32())?;
            }
            write_table(&[weights.entry(index)], out)?;
            Ok(out.flush()?)
        }
    }
}

/// Writes an array beside its place first, so that nothing half written ever stands there.
fn write_npy(path: &Path, shape: &[usize], numbers: &[f32]) -> Result<(), Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = File::create(&partial).and_then(|file| {
        let mut file = BufWriter::new(file);
        npy::write(shape, numbers, &mut file)?;
        file.flush()?;
        fs::rename(&partial, path)
    });
    written.map_err(|error| {
        // What is left of it is of no use; if it cannot be removed, the first error says more.
        let _ = fs::remove_file(&partial);
        Failure::File(path.display().to_string(), error)
    })
}

fn write_all(weights: &Weights, out: &mut impl Write) -> Result<(), Failure> {
    write_table(&weights.entries().collect::<Vec<_>>(), out)?;
    for tensor in weights.left_out() {
        let (name, dtype) = (one_line(tensor.name()), tensor.dtype());
        writeln!(out, "Carried along: {name} ({dtype} {:?}: {})", tensor.shape(), tensor.reason())?;
    }
    out.flush()?;
    match weights.left_out().iter().filter(|tensor| tensor.is_undecoded()).count() {
        0 => Ok(()),
        count => Err(Failure::Undecoded(count)),
    }
}

fn write_table(weights: &[Entry<'_>], out: &mut impl Write) -> Result<(), Failure> {
    let mut table = Table::new([
        ("weight", Side::Left),
        ("shape", Side::Left),
        ("bits", Side::Right),
        ("stored as", Side::Left),
    ]);
    let bits_of = |bits: u64, elements: usize| match elements {
        0 => "0".to_owned(),
        _ => digits(bits as f64 / elements as f64),
    };
    let mut all = 0;
    for weight in weights {
        let bits = weight.stored_bits();
        all += bits;
        table.row([
            tail(&one_line(weight.name()), LONGEST_NAME),
            format!("{:?}", weight.shape()),
            bits_of(bits, weight.elements()),
            weight.scheme().unwrap_or_else(|| "numbers".to_owned()),
        ]);
    }
    let (count, elements) = (weights.len(), weights.iter().map(Entry::elements).sum());
    let bits = bits_of(all, elements);
    table.write(&format!("{count} weights, {elements} elements, {bits} bits each"), out)?;
    Ok(())
}
