//! TestFloat's functions that the library has, by their names.

use super::arguments::{Conditions, Tininess};
use super::line::Outcome;
use crate::failure::Failure;
use std::cmp::Ordering;
use std::num::FpCategory;
use subhalf::{Convert, Encoded, Encoding, Flags, FormatSpec, IntSpec, Round, Unpacked};

/// The formats of operands and results.
const FLOATS: [(&str, FormatSpec); 3] =
    [("f16", FormatSpec::F16), ("bf16", FormatSpec::BF16), ("f32", FormatSpec::F32)];

/// What is done with operands of one format.
#[derive(Clone, Copy)]
enum Operation {
    One(fn(&FormatSpec, u32, &Convert, u32) -> Encoded),
    Two(fn(&FormatSpec, u32, u32, &Convert, u32) -> Encoded),
    MulAdd,
    RoundToInt,
    /// Whether the order of two numbers is one of these; quiet NaNs raise `INVALID` if `signaling`.
    Compare {
        accepted: &'static [Ordering],
        signaling: bool,
    },
}

const OPERATIONS: [(&str, Operation); 13] = [
    ("add", Operation::Two(FormatSpec::add_with)),
    ("sub", Operation::Two(FormatSpec::sub_with)),
    ("mul", Operation::Two(FormatSpec::mul_with)),
    ("mulAdd", Operation::MulAdd),
    ("div", Operation::Two(FormatSpec::div_with)),
    ("sqrt", Operation::One(FormatSpec::sqrt_with)),
    ("roundToInt", Operation::RoundToInt),
    ("eq", Operation::Compare { accepted: &[Ordering::Equal], signaling: false }),
    ("le", Operation::Compare { accepted: &[Ordering::Less, Ordering::Equal], signaling: true }),
    ("lt", Operation::Compare { accepted: &[Ordering::Less], signaling: true }),
    ("eq_signaling", Operation::Compare { accepted: &[Ordering::Equal], signaling: true }),
    (
        "le_quiet",
        Operation::Compare { accepted: &[Ordering::Less, Ordering::Equal], signaling: false },
    ),
    ("lt_quiet", Operation::Compare { accepted: &[Ordering::Less], signaling: false }),
];

/// What a conversion starts from.
#[derive(Clone, Copy)]
enum From {
    Float(FormatSpec),
    F64,
    Integer { bits: u32, signed: bool },
}

const SOURCES: [(&str, From); 8] = [
    ("f16", From::Float(FormatSpec::F16)),
    ("bf16", From::Float(FormatSpec::BF16)),
    ("f32", From::Float(FormatSpec::F32)),
    ("f64", From::F64),
    ("ui32", From::Integer { bits: 32, signed: false }),
    ("ui64", From::Integer { bits: 64, signed: false }),
    ("i32", From::Integer { bits: 32, signed: true }),
    ("i64", From::Integer { bits: 64, signed: true }),
];

impl From {
    const fn bits(self) -> u32 {
        match self {
            Self::Float(spec) => spec.bits(),
            Self::F64 => 64,
            Self::Integer { bits, .. } => bits,
        }
    }

    const fn number(self, code: u64) -> Unpacked {
        match self {
            Self::Float(spec) => spec.decode(code as u32),
            Self::F64 => Unpacked::from_f64(f64::from_bits(code)),
            Self::Integer { bits, signed: true } => {
                let value = ((code << (64 - bits)) as i64) >> (64 - bits);
                Unpacked::new(value < 0, value.unsigned_abs(), 0)
            }
            Self::Integer { signed: false, .. } => Unpacked::new(false, code, 0),
        }
    }
}

enum Kind {
    Operation(Operation),
    Convert(From),
}

pub(super) struct Function {
    kind: Kind,
    /// The format of the result, and of an operation's operands.
    format: FormatSpec,
}

impl Function {
    pub(super) fn by_name(name: &str) -> Result<Self, Failure> {
        let unknown = || Failure::NoFunction { found: name.to_owned() };
        let float =
            |name: &str| FLOATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        if let Some((source, result)) = name.split_once("_to_") {
            let (_, from) = SOURCES
                .iter()
                .find(|(known, _)| *known == source && *known != result)
                .ok_or_else(unknown)?;
            let format = float(result).ok_or_else(unknown)?;
            return Ok(Self { kind: Kind::Convert(*from), format });
        }
        let (format, operation) = name.split_once('_').ok_or_else(unknown)?;
        let format = float(format).ok_or_else(unknown)?;
        let (_, operation) =
            OPERATIONS.iter().find(|(known, _)| *known == operation).ok_or_else(unknown)?;
        Ok(Self { kind: Kind::Operation(*operation), format })
    }

    pub(super) const fn is_comparison(&self) -> bool {
        matches!(self.kind, Kind::Operation(Operation::Compare { .. }))
    }

    /// Digits of a result.
    pub(super) const fn result_digits(&self) -> usize {
        if self.is_comparison() { 1 } else { self.format.bits() as usize / 4 }
    }

    /// Digits of operands, result and flags.
    pub(super) fn digits(&self) -> Vec<usize> {
        let operand = match self.kind {
            Kind::Convert(from) => from.bits() as usize / 4,
            Kind::Operation(_) => self.format.bits() as usize / 4,
        };
        let count = match self.kind {
            Kind::Operation(Operation::MulAdd) => 3,
            Kind::Operation(Operation::Two(_) | Operation::Compare { .. }) => 2,
            Kind::Operation(Operation::One(_) | Operation::RoundToInt) | Kind::Convert(_) => 1,
        };
        let mut digits = vec![operand; count];
        digits.extend([self.result_digits(), 2]);
        digits
    }

    /// What a line looks like, in words.
    pub(super) fn shape(&self) -> String {
        let digits = self.digits();
        let [operands @ .., result, _] = &digits[..] else { return String::new() };
        let what = if self.is_comparison() { "0 or 1" } else { "a result" };
        format!(
            "{} of {} digits, {what} of {result}, and flags of 2 up to 1F, apart by one space",
            if operands.len() == 1 { "an operand" } else { "operands" },
            operands.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
        )
    }

    /// Whether two outcomes are the same: bit for bit, any NaN like any other.
    pub(super) fn is_same(&self, x: Outcome, y: Outcome) -> bool {
        let nan = |outcome: Outcome| {
            !self.is_comparison() && self.format.decode(outcome.result as u32).is_nan()
        };
        x.flags == y.flags && (x.result == y.result || (nan(x) && nan(y)))
    }

    /// The library's result for these operands.
    pub(super) fn of(&self, operands: &[u64], conditions: &Conditions) -> Outcome {
        if let Kind::Operation(Operation::Compare { accepted, signaling }) = self.kind {
            return self.comparison(operands, accepted, signaling);
        }
        let encoded = self.encoded(operands, conditions.round.round(), conditions.exact);
        let mut flags = encoded.flags.bits();
        if conditions.tininess == Tininess::Before && encoded.flags.contains(Flags::INEXACT) {
            // Rounded toward zero a number is below the normal ones exactly if it was before.
            let cut = self.encoded(operands, Round::TowardZero, conditions.exact).code;
            let class = self.format.decode(cut).class();
            let tiny = matches!(class, FpCategory::Zero | FpCategory::Subnormal);
            if tiny && !matches!(self.kind, Kind::Operation(Operation::RoundToInt)) {
                flags |= Flags::UNDERFLOW.bits();
            }
        }
        Outcome { result: u64::from(encoded.code), flags }
    }

    fn encoded(&self, operands: &[u64], round: Round, exact: bool) -> Encoded {
        let convert = Convert::IEEE.with_round(round);
        let (spec, code) = (&self.format, |place: usize| operands[place] as u32);
        match self.kind {
            Kind::Convert(from) => spec.encode_with(from.number(operands[0]), &convert, 0),
            Kind::Operation(operation) => match operation {
                Operation::One(one) => one(spec, code(0), &convert, 0),
                Operation::Two(two) => two(spec, code(0), code(1), &convert, 0),
                Operation::MulAdd => spec.mul_add_with(code(0), code(1), code(2), &convert, 0),
                // Comparisons are answered by the caller.
                Operation::RoundToInt | Operation::Compare { .. } => {
                    self.whole(code(0), round, exact)
                }
            },
        }
    }

    /// The nearest whole number in the format.
    fn whole(&self, code: u32, round: Round, exact: bool) -> Encoded {
        let layout = IntSpec { signed: true, bits: 32, fraction_bits: 0, symmetric: false };
        let integers = FormatSpec::constant("INT32", Encoding::Int(layout));
        let x = self.format.decode(code);
        let same = self.format.encode_with(x, &Convert::IEEE, 0);
        // From 2^24 on numbers of up to 24 significant bits are whole.
        if !x.is_finite() || x.to_f32().abs() >= 16_777_216.0 {
            return same;
        }
        let whole = integers.encode_with(x, &Convert::IEEE.with_round(round), 0);
        let number = integers.decode(whole.code);
        let number = if number.is_zero() { Unpacked::zero(x.is_negative()) } else { number };
        let mut encoded = self.format.encode_with(number, &Convert::IEEE, 0);
        if exact {
            encoded.flags |= whole.flags;
        }
        encoded
    }

    fn comparison(&self, operands: &[u64], accepted: &[Ordering], signaling: bool) -> Outcome {
        let [a, b] = [0, 1].map(|place: usize| self.format.decode(operands[place] as u32));
        let order = a.compare(b);
        let invalid =
            a.is_signaling() || b.is_signaling() || (signaling && (a.is_nan() || b.is_nan()));
        Outcome {
            result: u64::from(order.is_some_and(|order| accepted.contains(&order))),
            flags: if invalid { Flags::INVALID.bits() } else { 0 },
        }
    }
}

/// The names of all functions, shortened to what a reader needs.
pub(crate) fn names() -> String {
    let list = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
    let floats = list(&mut FLOATS.iter().map(|(name, _)| *name));
    let operations = list(&mut OPERATIONS.iter().map(|(name, _)| *name));
    let sources = list(&mut SOURCES.iter().map(|(name, _)| *name));
    format!("FLOAT_{{{operations}}} or {{{sources}}}_to_FLOAT with FLOAT one of {floats}")
}
