//! `subhalf`: what storing weights in formats below half precision costs, test vectors for
//! hardware, and conversions told in words.
//!
//! Each subcommand is a module with its arguments and a function that writes its answer. This file
//! parses, runs, and tells a failure in one line: exit code 2 for arguments that cannot be, for what
//! `inspect` could not decode and for lines that `check` cannot read, 1 for everything else.

mod accumulators;
mod check;
mod conversion;
mod convert;
mod curves;
mod explain;
mod failure;
mod npy;
mod papers;
mod progress;
mod report;
mod train;
mod vectors;

use clap::{CommandFactory, Parser};
use failure::{Failure, escaped};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Number formats below half precision: what they cost, how they round, and test vectors of their
/// arithmetic.
#[derive(Parser)]
#[command(name = "subhalf", version, propagate_version = true, arg_required_else_help = false)]
enum Program {
    Report(report::Arguments),
    Diff(report::Pair),
    Inspect(report::Inspected),
    Convert(convert::Arguments),
    Vectors(vectors::Arguments),
    Check(check::Arguments),
    Accumulators(accumulators::Arguments),
    Explain(explain::Arguments),
    Papers(papers::Arguments),
    Train(train::Arguments),
}

impl Program {
    fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::Report(arguments) => report::write(arguments, out)?,
            Self::Diff(arguments) => report::write_differences(arguments, out)?,
            Self::Inspect(arguments) => report::write_inventory(arguments, out)?,
            Self::Convert(arguments) => convert::write(arguments, out)?,
            Self::Vectors(arguments) => vectors::write(arguments, &command(), out)?,
            Self::Check(arguments) => check::write(arguments, out)?,
            Self::Accumulators(arguments) => accumulators::write(arguments, out)?,
            Self::Explain(arguments) => explain::write(arguments, out)?,
            Self::Papers(arguments) => papers::write(arguments, out)?,
            Self::Train(arguments) => train::write(arguments, out)?,
        }
        Ok(out.flush()?)
    }
}

fn main() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) if !error.use_stderr() => {
            let _ = error.print(); // the help or the version; if stdout is gone, nobody reads it
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            // What clap says before the usage, as one line.
            let text = error.render().to_string();
            let line: Vec<&str> =
                text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            return refuse(line.join(" ").trim_start_matches("error: "), 2);
        }
    };
    match program.run(&mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        } // the reader has seen enough
        Err(failure) => refuse(&failure.to_string(), failure.code()),
    }
}

/// The command line as it can be given again.
fn command() -> String {
    let arguments =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    ["subhalf".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Tells a failure in one line that begins with the program's name and the subcommand's.
fn refuse(line: &str, code: u8) -> ExitCode {
    /// Lists of names fit; what a file or a user says without end does not.
    const LONGEST: usize = 640;
    let first = std::env::args_os().nth(1).unwrap_or_default();
    let subcommand = Program::command()
        .find_subcommand(first)
        .map_or(String::new(), |found| format!(" {}", found.get_name()));
    // If even stderr is gone, the exit code is all that is left to give.
    let _ = writeln!(io::stderr(), "subhalf{subcommand}: {}", escaped(line, LONGEST));
    ExitCode::from(code)
}
