//! What can be asked for.

use crate::conversion::{Conversion, round};
use clap::{Args, ValueEnum};
use subhalf::Round;

/// Test vectors for $readmemh: operands, correctly rounded result and flags of an operation in a
/// format, of a fused multiply-add of several formats, or of an instruction of a matrix unit.
///
/// All operands where they have at most 24 bits together, else as many samples as asked for. fma
/// and unit make samples by themselves.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What is done.
    #[arg(value_enum)]
    pub(crate) operation: Operation,
    /// The format, by anybody's name for it: F8E4M3, FLOAT8E5M2, Binary8p4se, …; fma: that of a;
    /// unit: the unit's name, as docs/units.md has it.
    pub(crate) format: String,
    /// fma: the format of b, if it is not that of a; unit: the formats of a and b, if they are not
    /// the unit's first.
    #[arg(value_name = "FORMAT")]
    pub(crate) more: Vec<String>,
    /// convert: the format of the operands; f64, or any format's name. [default: f32]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    /// decode: what the numbers are written as. [default: f32]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub(crate) to: Option<Wide>,
    /// fma: the format of c. [default: that of the result]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) c: Option<String>,
    /// fma: the format of the result. [default: that of c]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) result: Option<String>,
    #[command(flatten)]
    pub(crate) conversion: Conversion,
    /// Another rounding than the policy's: nearest-even, toward-zero, …, stochastic-a:8 with 8
    /// random bits, or all for a line in each of the nine without random bits.
    #[arg(long, value_name = "NAME", value_parser = rounds)]
    pub(crate) round: Option<Rounds>,
    /// So many operands at random instead of all of them; fma takes all triples of special values
    /// too. [default: of fma 10,000 where there are too many to write them all, of unit 1,000]
    #[arg(long, value_name = "COUNT")]
    pub(crate) samples: Option<u64>,
    /// The seed of samples and of the random words of stochastic roundings.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Convert,
    Decode,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    MulAdd,
    Fma,
    Sqrt,
    Recip,
    Exp2,
    Exp,
    Ln,
    Log2,
    Tanh,
    Sigmoid,
    Rsqrt,
    Gelu,
    Silu,
    Unit,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wide {
    F32,
    F64,
}

/// One rounding, or each without random bits in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounds {
    One(Round),
    All,
}

fn rounds(word: &str) -> Result<Rounds, String> {
    if word.eq_ignore_ascii_case("all") {
        return Ok(Rounds::All);
    }
    round(word).map(Rounds::One).map_err(|error| error + ", or all")
}

impl Arguments {
    /// The roundings that each set of operands gets a line in; `None` is the policy's own.
    pub(crate) fn roundings(&self) -> Vec<Option<Round>> {
        match self.round {
            None => vec![None],
            Some(Rounds::One(round)) => vec![Some(round)],
            Some(Rounds::All) => Round::DETERMINISTIC.map(Some).to_vec(),
        }
    }
}
