//! What can be asked for, and the names of schemes.

use clap::Args;
use std::path::PathBuf;
use subhalf::ScaleRule;
use subhalf::preset::{self, Preset};

/// What storing weights costs: in every format, and in the block-scaled schemes that people ship.
///
/// Without options: the table of formats, the errors of each, and those of all schemes.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Weights to look at; else a tensor that is the same everywhere.
    #[arg(value_name = "FILE.safetensors")]
    pub(crate) file: Option<PathBuf>,
    /// Takes tensors of more than two axes as matrices, the first axis by all others: as
    /// convolutions are multiplied.
    #[arg(long)]
    pub(crate) flatten: bool,
    /// Schemes alone, and only these: names of presets or parts of names, with commas between them;
    /// or all.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = selection)]
    pub(crate) schemes: Vec<Selection>,
    /// The errors of the schemes as JSON.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// The errors of the schemes as CSV, one row for each scheme and tensor.
    #[arg(long)]
    pub(crate) csv: bool,
    /// Draws bits per weight against SQNR, too.
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) plot: Option<PathBuf>,
}

/// Where two schemes with the same elements and blocks disagree, and from which inputs.
#[derive(Args, Debug)]
pub(crate) struct Pair {
    /// A scheme, by the name of a preset or a part of it that no other has.
    #[arg(value_parser = one_scheme)]
    pub(crate) a: &'static Preset,
    /// Another.
    #[arg(value_parser = one_scheme)]
    pub(crate) b: &'static Preset,
    /// Weights to quantize; else a tensor that is the same everywhere.
    #[arg(value_name = "FILE.safetensors")]
    pub(crate) file: Option<PathBuf>,
    /// Takes tensors of more than two axes as matrices, the first axis by all others: as
    /// convolutions are multiplied.
    #[arg(long)]
    pub(crate) flatten: bool,
}

/// The presets that a word of a list stands for.
#[derive(Clone, Debug)]
pub(crate) struct Selection(Vec<&'static Preset>);

impl Arguments {
    /// The schemes of the list in the order of the documentation; all without a list.
    pub(crate) fn selected(&self) -> Vec<&'static Preset> {
        let listed = |preset: &&Preset| {
            self.schemes.iter().any(|word| word.0.iter().any(|other| other.name == preset.name))
        };
        if self.schemes.is_empty() {
            measurable().collect()
        } else {
            preset::all().filter(listed).collect()
        }
    }
}

/// The presets that find their scales themselves.
fn measurable() -> impl Iterator<Item = &'static Preset> {
    preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given))
}

fn containing(word: &str) -> Vec<&'static Preset> {
    let word = word.to_ascii_lowercase();
    measurable().filter(|preset| preset.name.to_ascii_lowercase().contains(&word)).collect()
}

fn selection(word: &str) -> Result<Selection, String> {
    let found = match preset::by_name(word) {
        _ if word.is_empty() => Vec::new(),
        _ if word.eq_ignore_ascii_case("all") => measurable().collect(),
        Some(preset) => vec![preset],
        None => containing(word),
    };
    if found.is_empty() { Err(near(word)) } else { Ok(Selection(found)) }
}

fn one_scheme(word: &str) -> Result<&'static Preset, String> {
    match (preset::by_name(word), containing(word).as_slice()) {
        (Some(preset), _) | (None, &[preset]) => Ok(preset),
        (None, []) => Err(near(word)),
        (None, several) => Err(format!("expected one scheme, found {}", names(several))),
    }
}

/// An unknown name is answered by some that look like it.
fn near(word: &str) -> String {
    const SHOWN: usize = 4;
    let likeness = |name: &str| {
        let parts = name.split("::").chain([name]);
        parts
            .map(|part| {
                strsim::jaro_winkler(&part.to_ascii_lowercase(), &word.to_ascii_lowercase())
            })
            .fold(0.0, f64::max)
    };
    let mut presets: Vec<&Preset> = preset::all().collect();
    presets.sort_by(|a, b| likeness(b.name).total_cmp(&likeness(a.name)));
    format!("expected a scheme such as {}", names(&presets[..presets.len().min(SHOWN)]))
}

fn names(presets: &[&Preset]) -> String {
    presets.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
}
