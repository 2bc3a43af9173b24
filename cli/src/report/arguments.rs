//! What can be asked for.

use super::chosen::{self, Chosen, Formats, Schemes};
use clap::Args;
use std::path::PathBuf;
use subhalf::preset::Preset;

/// What storing weights costs: in formats, and in the block-scaled schemes that people ship.
///
/// Without lists: every format up to 8 bits, and a scheme for each way of storing weights that is
/// in use. A file is read tensor by tensor, and rows are written as they are measured.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Weights to look at: a .safetensors, .gguf (of several any one) or .npy file, the index of
    /// shards or a directory; else a tensor that is the same everywhere.
    #[arg(value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Takes tensors of more than two axes as matrices, the first axis by all others: as
    /// convolutions are multiplied.
    #[arg(long)]
    pub(crate) flatten: bool,
    /// These formats, and no schemes without --schemes: names or parts of names, with commas
    /// between them; default; or all.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = chosen::formats)]
    pub(crate) formats: Vec<Formats>,
    /// These schemes, and no formats without --formats: names of presets or parts of names, with
    /// commas between them; default; or all.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = chosen::schemes)]
    pub(crate) schemes: Vec<Schemes>,
    /// The errors as JSON: one object, a line for each tensor.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// The errors as CSV, a row for each measure and tensor.
    #[arg(long)]
    pub(crate) csv: bool,
    /// Draws bits per weight against SQNR, too.
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) plot: Option<PathBuf>,
}

impl Arguments {
    /// What is measured.
    pub(crate) fn chosen(&self) -> Chosen {
        Chosen::new(&self.formats, &self.schemes)
    }
}

/// Where two schemes with the same elements and blocks disagree, and from which inputs.
#[derive(Args, Debug)]
pub(crate) struct Pair {
    /// A scheme, by the name of a preset or a part of it that no other has.
    #[arg(value_parser = chosen::one_scheme)]
    pub(crate) a: &'static Preset,
    /// Another.
    #[arg(value_parser = chosen::one_scheme)]
    pub(crate) b: &'static Preset,
    /// Weights to quantize: a .safetensors, .gguf (of several any one) or .npy file, the index of
    /// shards or a directory; else a tensor that is the same everywhere.
    #[arg(value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Takes tensors of more than two axes as matrices, the first axis by all others: as
    /// convolutions are multiplied.
    #[arg(long)]
    pub(crate) flatten: bool,
}
