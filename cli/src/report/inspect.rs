//! What a checkpoint holds: its weights, how each is stored and in how many bits, and what is no
//! weight.

use super::table::{Side, Table, digits, tail};
use super::weights::{Weights, one_line};
use crate::failure::Failure;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// The weights of a checkpoint, how each is stored, and its bits per weight.
///
/// Exit code 2 if a tensor looks like a weight that could not be read.
#[derive(Args, Debug)]
pub(crate) struct Inspected {
    /// A file (safetensors or GGUF), the index of shards, or a directory.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
}

const LONGEST_NAME: usize = 60;

pub(super) fn write(weights: &Weights, out: &mut impl Write) -> Result<(), Failure> {
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
    for weight in weights.entries() {
        let bits = weight.stored_bits();
        all += bits;
        table.row([
            tail(&one_line(weight.name()), LONGEST_NAME),
            format!("{:?}", weight.shape()),
            bits_of(bits, weight.elements()),
            weight.scheme().unwrap_or("numbers").to_owned(),
        ]);
    }
    let (count, elements) = (weights.entries().len(), weights.elements());
    let bits = bits_of(all, elements);
    table.write(&format!("{count} weights, {elements} elements, {bits} bits each"), out)?;
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
