//! What can be asked for.

use crate::conversion::Conversion;
use clap::{Args, ValueEnum};

/// Test vectors for $readmemh: operands, correctly rounded result and flags of an operation in a
/// format.
///
/// All operands where they have at most 24 bits together, else as many samples as asked for.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What is done.
    #[arg(value_enum)]
    pub(crate) operation: Operation,
    /// The format, by anybody's name for it: F8E4M3, FLOAT8E5M2, Binary8p4se, …
    pub(crate) format: String,
    /// convert: the format of the operands; f64, or any format's name. [default: f32]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    /// decode: what the numbers are written as. [default: f32]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub(crate) to: Option<Wide>,
    #[command(flatten)]
    pub(crate) conversion: Conversion,
    /// So many operands at random instead of all of them.
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
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wide {
    F32,
    F64,
}
