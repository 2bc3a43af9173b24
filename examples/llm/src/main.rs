//! `subhalf-llm`: a language model under any format and any accumulator. Perplexity of a text,
//! sweeps over schemes, and text written token by token; every product is the library's, to the bit.

mod cache;
mod calibrate;
mod embed;
mod encoder;
mod failure;
mod forward;
mod generate;
mod linear;
mod model;
mod numerics;
mod perplexity;
mod rows;
mod score;
mod sweep;
#[cfg(test)]
mod tests;
mod text;
mod tokenizer;
mod wordpiece;

use clap::{Args, Parser};
use failure::Failure;
use numerics::{Numerics, Scheme, Sums};
use std::io::{self, Write};
use std::process::ExitCode;
use subhalf::Exec;

/// A language model under any format and any accumulator.
#[derive(Parser)]
#[command(name = "subhalf-llm", version)]
enum Program {
    Perplexity(perplexity::Arguments),
    Sweep(sweep::Arguments),
    Generate(generate::Arguments),
    Logits(perplexity::LogitsArguments),
    Plot(rows::Arguments),
    Embed(embed::Arguments),
}

/// What is chosen about numbers.
#[derive(Args, Debug)]
struct Chosen {
    /// The matrices of the blocks: as-shipped, a preset such as `torchao::NVFP4`, `plain::NVFP4`,
    /// or a format without scales such as BF16.
    #[arg(long, value_name = "SCHEME", default_value = "as-shipped", value_parser = numerics::scheme)]
    weights: Scheme,
    /// The inputs of these matrices: as-shipped (f32), a preset or a format.
    #[arg(long, value_name = "SCHEME", default_value = "as-shipped", value_parser = numerics::scheme)]
    activations: Scheme,
    /// Keys and values: as-shipped (f32), a preset with blocks within rows, or a format.
    #[arg(long = "kv", value_name = "SCHEME", default_value = "as-shipped", value_parser = numerics::scheme)]
    cache: Scheme,
    /// How products are added up: default, a name of the library such as f32, exact or
    /// F16:nearest-even, a matrix unit such as hopper-wgmma-fp8; with /128 behind a chain or a unit,
    /// sums of 128 products move to an f32.
    #[arg(long = "accumulator", value_name = "SUMS", default_value = "default", value_parser = numerics::sums)]
    sums: Sums,
    /// A Hadamard transform of blocks of so many weights and activations before they are quantized.
    #[arg(long = "hadamard", value_name = "LENGTH")]
    rotated: Option<usize>,
}

impl Chosen {
    fn numerics(&self) -> Numerics {
        Numerics {
            weights: self.weights,
            activations: self.activations,
            cache: self.cache,
            sums: self.sums,
            rotated: self.rotated,
            recipe: None,
            exec: Exec::PARALLEL,
        }
    }
}

impl Program {
    fn run(&self) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match self {
            Self::Perplexity(arguments) => perplexity::write(arguments, &mut out)?,
            Self::Sweep(arguments) => sweep::write(arguments, &mut out)?,
            Self::Generate(arguments) => generate::write(arguments, &mut out)?,
            Self::Logits(arguments) => perplexity::write_logits(arguments, &mut out)?,
            Self::Plot(arguments) => rows::draw(arguments)?,
            Self::Embed(arguments) => embed::write(arguments, &mut out)?,
        }
        Ok(out.flush()?)
    }
}

fn main() -> ExitCode {
    let program = Program::parse();
    // On one of the threads that products are spread over: from outside each product would wait for
    // one to wake up, which takes longer than a product of one token.
    match rayon::scope(|_| program.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            // If stderr is gone, the exit code is all that is left to give.
            let _ = writeln!(io::stderr(), "subhalf-llm: {failure}");
            ExitCode::FAILURE
        }
    }
}
