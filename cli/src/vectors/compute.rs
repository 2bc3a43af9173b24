//! What is computed from operands.

use super::arguments::Operation;
use subhalf::{Convert, Encoded, FormatSpec, Unary};

/// An operation on codes.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "a program has one")]
pub(crate) enum Compute {
    Decode,
    Convert,
    Function(Unary),
    One(fn(&FormatSpec, u32, &Convert, u32) -> Encoded),
    Two(fn(&FormatSpec, u32, u32, &Convert, u32) -> Encoded),
    MulAdd,
    /// `a · b + c` of operands that have formats of their own.
    Fused([FormatSpec; 3]),
}

impl Compute {
    /// What an operation computes, and its formula; with one format for all operands where it is
    /// not said yet which they have. A matrix unit's instruction has neither.
    pub(super) fn of(operation: Operation) -> Option<(Self, &'static str)> {
        Some(match operation {
            Operation::Convert => (Self::Convert, "a, rounded"),
            Operation::Decode => (Self::Decode, "the number of a code"),
            Operation::Add => (Self::Two(FormatSpec::add_with), "a + b"),
            Operation::Sub => (Self::Two(FormatSpec::sub_with), "a - b"),
            Operation::Mul => (Self::Two(FormatSpec::mul_with), "a * b"),
            Operation::Div => (Self::Two(FormatSpec::div_with), "a / b"),
            Operation::Rem => (Self::Two(FormatSpec::rem_with), "a % b, quotient truncated"),
            Operation::MulAdd | Operation::Fma => (Self::MulAdd, "a * b + c, rounded once"),
            Operation::Sqrt => (Self::One(FormatSpec::sqrt_with), "sqrt(a)"),
            Operation::Recip => (Self::One(FormatSpec::recip_with), "1 / a"),
            Operation::Exp2 => (Self::Function(Unary::Exp2), "2^a"),
            Operation::Exp => (Self::Function(Unary::Exp), "e^a"),
            Operation::Ln => (Self::Function(Unary::Ln), "ln(a)"),
            Operation::Log2 => (Self::Function(Unary::Log2), "log2(a)"),
            Operation::Tanh => (Self::Function(Unary::Tanh), "tanh(a)"),
            Operation::Sigmoid => (Self::Function(Unary::Sigmoid), "1 / (1 + e^-a)"),
            Operation::Rsqrt => (Self::Function(Unary::Rsqrt), "1 / sqrt(a)"),
            Operation::Gelu => {
                (Self::Function(Unary::Gelu), "a * Phi(a), Phi that of the normal distribution")
            }
            Operation::Silu => (Self::Function(Unary::Silu), "a / (1 + e^-a)"),
            Operation::Unit => return None,
        })
    }

    /// The names of the operands.
    pub(super) const fn operands(self) -> &'static [&'static str] {
        match self {
            Self::Two(_) => &["a", "b"],
            Self::MulAdd | Self::Fused(_) => &["a", "b", "c"],
            Self::Decode | Self::Convert | Self::Function(_) | Self::One(_) => &["a"],
        }
    }
}
