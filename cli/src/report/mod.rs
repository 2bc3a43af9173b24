//! Prints the table of formats, and what storing weights in each of them, and in each block-scaled
//! scheme, costs.
//!
//! ```text
//! subhalf report                                              a tensor of its own
//! subhalf report model.safetensors                            every tensor of a file, and the total
//! subhalf report model.safetensors --schemes MXFP4,nvfp4      some schemes alone
//! subhalf report model.safetensors --formats all --schemes all --csv
//! subhalf report model.safetensors --json --plot schemes.svg  for programs, and as a picture
//! subhalf diff torchao::NVFP4 ggml::NVFP4                     where two schemes disagree
//! subhalf inspect model/                                      what is in a checkpoint
//! subhalf inspect model.gguf --weight output.weight --npy w.npy   the numbers of a weight
//! ```
//!
//! The way of a tensor: `weights` reads it, by the library's reader of checkpoints, `measure` stores it in everything
//! that was `chosen` and drops it; `text`, `json` and `csv` are forms of the result.

mod arguments;
mod chosen;
mod csv;
mod diff;
mod formats;
mod inspect;
mod json;
mod labels;
mod measure;
mod output;
mod picture;
mod pieces;
mod plot;
mod synthetic;
pub(crate) mod table;
mod text;
mod weights;
mod wide;

pub(crate) use arguments::{Arguments, Pair};
pub(crate) use inspect::Inspected;
pub(crate) use weights::{ReadError, Values, Weights, one_line};

use crate::failure::Failure;
use crate::progress::Progress;
use measure::{Counting, Outcome};
use output::{About, Form};
use picture::Picture;
use std::io::Write;
use std::path::Path;

/// Weights with a title: those of a file, or else a tensor that is the same everywhere.
fn load(file: Option<&Path>) -> Result<(String, Weights), Failure> {
    Ok(match file {
        None => (synthetic::description(), synthetic::weights()?),
        Some(path) => (path.display().to_string(), Weights::open(path)?),
    })
}

/// Writes where two schemes disagree.
pub(crate) fn write_differences(arguments: &Pair, out: &mut impl Write) -> Result<(), Failure> {
    let (_, weights) = load(arguments.file.as_deref())?;
    diff::write([arguments.a, arguments.b], &weights, arguments.flatten, out)
}

/// Writes what a checkpoint holds.
pub(crate) fn write_inventory(arguments: &Inspected, out: &mut impl Write) -> Result<(), Failure> {
    inspect::write(arguments, out)
}

/// Writes what storing weights costs.
pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let (title, weights) = load(arguments.file.as_deref())?;
    let chosen = arguments.chosen();
    // Before hours of measuring.
    let picture = arguments.plot.as_deref().map(Picture::create).transpose()?;
    let counting = if arguments.json { Counting::Codes } else { Counting::Nothing };
    let mut form: Box<dyn Form + '_> = if arguments.json {
        Box::new(json::Json::new(out))
    } else if arguments.csv {
        Box::new(csv::Csv::new(out))
    } else {
        Box::new(text::Text::new(out, arguments.file.is_some()))
    };
    form.begin(&About { title: &title, weights: &weights, chosen: &chosen })?;
    form.flush()?;
    let progress = Progress::new(weights.elements(), chosen.len());
    let each = |outcomes: &[Outcome]| {
        progress.beside(|| {
            for outcome in outcomes {
                match outcome {
                    Ok((tensor, measured)) => form.tensor(&chosen, tensor, measured)?,
                    Err(unread) => form.unread(unread)?,
                }
            }
            form.flush()
        })?;
        Ok(())
    };
    let flatten = arguments.flatten;
    let totals = measure::all(&chosen, &weights, counting, flatten, &progress, each)?;
    drop(progress);
    form.end(&chosen, &totals)?;
    form.flush()?;
    if let Some(picture) = picture {
        let name = arguments.file.as_ref().and_then(|path| path.file_name());
        let title = name.map_or(title, |name| name.to_string_lossy().into_owned());
        picture.write(&plot::svg(&title, &chosen, &totals))?;
    }
    match totals.unread {
        0 => Ok(()),
        count => Err(Failure::Unread(count)),
    }
}
