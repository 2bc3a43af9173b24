//! Tells what encoding a number in a format does.

use crate::conversion::{Conversion, round};
use crate::failure::Failure;
use clap::Args;
use std::io::Write;
use subhalf::{Round, Unpacked};

/// What encoding a number does: its neighbours in the format, whether it is a tie, the result and
/// the flags.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The format, by anybody's name for it: F8E4M3, E4M3, FLOAT8E5M2, Binary8p4se, …
    format: String,
    /// The number, read as the nearest f64: 0.3, -1e-4, inf, NaN.
    #[arg(allow_negative_numbers = true)]
    number: f64,
    #[command(flatten)]
    conversion: Conversion,
    /// Another rounding than the policy's: nearest-even, toward-zero, …, or stochastic-a:8 with 8
    /// random bits.
    #[arg(long, value_name = "NAME", value_parser = round)]
    round: Option<Round>,
    /// The random word of a stochastic rounding.
    #[arg(long, value_name = "WORD", default_value_t = 0)]
    random: u32,
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let format = arguments.conversion.format(&arguments.format)?;
    let convert = arguments.conversion.of(&format, arguments.round);
    writeln!(
        out,
        "{}",
        format.explain(Unpacked::from_f64(arguments.number), &convert, arguments.random)
    )?;
    Ok(())
}
