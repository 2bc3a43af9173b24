//! Writes test vectors for hardware benches: operands, correctly rounded result and flags, one word a line, as `$readmemh` reads it.
//!
//! ```text
//! cargo run --release --example vectors -- add F8E4M3                                        all 65,536 pairs
//! cargo run --release --example vectors -- mul-add F4E2M1 --round toward-zero                all 4,096 triples
//! cargo run --release --example vectors -- convert F8E5M2 --from f32 --samples 10000 --seed 7
//! cargo run --release --example vectors -- div Binary8p4se --policy P3109_SAT_NONE
//! cargo run --release --example vectors -- gelu F8E4M3                                       a correctly rounded activation
//! cargo run --release --example vectors -- convert F4E2M1 --from bf16 --round stochastic-b:8 --seed 1
//! ```
//!
//! Every line is one number in hexadecimal. Its fields, first field on top, take whole digits and are parted by `_`, which Verilog
//! allows inside a number; the `//` comments in front say which bits of the word each field takes:
//!
//! ```text
//! // line: a[31:24]_b[23:16]_result[15:8]_flags[7:0], a word of 32 bits
//! 38_40_44_00
//! ```

mod arguments;
mod operation;

use arguments::Arguments;
use clap::Parser;
use operation::{Failure, Plan};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

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
    let command: Vec<String> = std::env::args().skip(1).collect();
    match vectors(&arguments, &command.join(" "), &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS, // the reader has seen enough
        Err(failure) => refuse(&failure.to_string(), 1),
    }
}

fn refuse(line: &str, code: u8) -> ExitCode {
    // If even stderr is gone, the exit code is all that is left to give.
    let _ = writeln!(io::stderr(), "vectors: {}", line.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\""));
    ExitCode::from(code)
}

fn vectors(arguments: &Arguments, command: &str, out: &mut impl Write) -> Result<(), Failure> {
    let plan = Plan::new(arguments)?;
    plan.write_header(command, out)?;
    plan.write_lines(out)?;
    Ok(out.flush()?)
}
