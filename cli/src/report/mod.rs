//! Prints the table of formats, and what storing a tensor in each of them, and in each block-scaled
//! scheme, costs.
//!
//! ```text
//! subhalf report                                              a tensor of its own
//! subhalf report model.safetensors                            every tensor of a file, and the total
//! subhalf report model.safetensors --schemes MXFP4,nvfp4      some schemes alone
//! subhalf report model.safetensors --csv --plot schemes.svg   for a spreadsheet, and as a picture
//! subhalf diff torchao::NVFP4 ggml::NVFP4                    where two schemes disagree
//! ```

mod arguments;
mod diff;
mod export;
mod formats;
mod plot;
mod schemes;
mod synthetic;
mod table;
mod weights;

pub(crate) use arguments::{Arguments, Pair};
pub(crate) use weights::ReadError;

use crate::failure::Failure;
use formats::Formats;
use std::io::Write;
use std::path::Path;
use weights::Weights;

/// Weights with a title: those of a file, or else a tensor that is the same everywhere.
fn load(file: Option<&Path>, flatten: bool) -> Result<(String, Weights), Failure> {
    let (title, mut weights) = match file {
        None => (
            synthetic::description(),
            Weights { tensors: vec![synthetic::tensor()], left_out: Vec::new() },
        ),
        Some(path) => (path.display().to_string(), weights::read(path)?),
    };
    if flatten {
        weights.tensors.iter_mut().for_each(|tensor| schemes::flatten(&mut tensor.shape));
    }
    Ok((title, weights))
}

/// Writes where two schemes disagree.
pub(crate) fn write_differences(arguments: &Pair, out: &mut impl Write) -> Result<(), Failure> {
    let (_, weights) = load(arguments.file.as_deref(), arguments.flatten)?;
    diff::write([arguments.a, arguments.b], &weights.tensors, out)
}

/// Writes what storing weights costs.
pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let (title, weights) = load(arguments.file.as_deref(), arguments.flatten)?;
    let schemes = schemes::measure(&arguments.selected(), &weights.tensors)?;
    if let Some(path) = &arguments.plot {
        let name = arguments
            .file
            .as_ref()
            .and_then(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned());
        let svg = plot::svg(&name.unwrap_or(title.clone()), &schemes)
            .map_err(|error| Failure::Draw(error.to_string()))?;
        std::fs::write(path, svg)
            .map_err(|error| Failure::Picture(path.display().to_string(), error))?;
    }
    if arguments.json {
        export::json(&title, &weights, &schemes, out)?;
    } else if arguments.csv {
        export::csv(&weights, &schemes, out)?;
    } else {
        if arguments.schemes.is_empty() {
            Formats::measure(&weights.tensors)?.write(
                &title,
                &weights,
                arguments.file.is_some(),
                out,
            )?;
        }
        schemes::write(&schemes, &weights.tensors, out)?;
    }
    Ok(())
}
