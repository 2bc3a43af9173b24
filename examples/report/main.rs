//! Prints the table of formats, and what storing a tensor in each of them, and in each block-scaled scheme, costs.
//!
//! ```text
//! cargo run --release --example report                                                 a tensor of its own
//! cargo run --release --example report -- model.safetensors                            every tensor of a file, and the total
//! cargo run --release --example report -- model.safetensors --schemes MXFP4,nvfp4      some schemes alone
//! cargo run --release --example report -- model.safetensors --csv --plot schemes.svg   for a spreadsheet, and as a picture
//! cargo run --release --example report -- --diff nvfp4::TORCHAO ggml::NVFP4            where two schemes disagree
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

use arguments::Arguments;
use clap::Parser;
use formats::Formats;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use weights::Weights;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Read(#[from] weights::ReadError),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    #[error("cannot write {0}: {1}")]
    Plot(String, io::Error),
    #[error("cannot draw: {0}")]
    Draw(String),
    #[error("expected schemes with the same elements and blocks, found {0} and {1}")]
    Incomparable(String, String),
    #[error(transparent)]
    Measure(#[from] subhalf::Error),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => {
            let _ = error.print(); // the help or the version; if stdout is gone, nobody reads it
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            // What clap says before the usage, as one line.
            let text = error.render().to_string();
            let line: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            return refuse(line.join(" ").trim_start_matches("error: "), 2);
        }
    };
    match report(&arguments, &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS, // the reader has seen enough
        Err(failure) => refuse(&failure.to_string(), 1),
    }
}

fn refuse(line: &str, code: u8) -> ExitCode {
    // If even stderr is gone, the exit code is all that is left to give.
    let _ = writeln!(io::stderr(), "report: {}", weights::one_line(line));
    ExitCode::from(code)
}

fn report(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let (title, mut weights) = match &arguments.file {
        None => (synthetic::description(), Weights { tensors: vec![synthetic::tensor()], left_out: Vec::new() }),
        Some(path) => (path.display().to_string(), weights::read(path)?),
    };
    if arguments.flatten {
        weights.tensors.iter_mut().for_each(|tensor| schemes::flatten(&mut tensor.shape));
    }
    if let Some(&[a, b]) = arguments.diff.as_deref() {
        diff::write([a, b], &weights.tensors, out)?;
        return Ok(out.flush()?);
    }
    let schemes = schemes::measure(&arguments.selected(), &weights.tensors)?;
    if let Some(path) = &arguments.plot {
        let name = arguments.file.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        let svg = plot::svg(&name.unwrap_or(title.clone()), &schemes).map_err(|error| Failure::Draw(error.to_string()))?;
        std::fs::write(path, svg).map_err(|error| Failure::Plot(path.display().to_string(), error))?;
    }
    if arguments.json {
        export::json(&title, &weights, &schemes, out)?;
    } else if arguments.csv {
        export::csv(&weights, &schemes, out)?;
    } else {
        if arguments.schemes.is_empty() {
            Formats::measure(&weights.tensors)?.write(&title, &weights, arguments.file.is_some(), out)?;
        }
        schemes::write(&schemes, &weights.tensors, out)?;
    }
    Ok(out.flush()?)
}
