//! Arithmetic arrays: every pair of codes (or every code) under one operation.

use super::plan::format;
use subhalf::{Convert, Encoded, Encoding, FormatSpec, Unpacked};

pub(super) struct Array {
    spec: FormatSpec,
    op: Op,
    convert: Convert,
    /// Whether the source rounds to f32 on the way in a manner that shows.
    through_f32: bool,
    /// The code of the first operand.
    first: u32,
}

#[derive(Clone, Copy)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    SquareRoot,
    Absolute,
    Negative,
}

/// From a name such as `float8_e5m2.add.ml_dtypes.u8.bin`.
pub(super) fn plan(name: &str) -> Option<Array> {
    let mut parts = name.split('.');
    let (format_name, op, source) = (parts.next()?, parts.next()?, parts.next()?);
    let op = match op {
        "add" => Op::Add,
        "subtract" => Op::Subtract,
        "multiply" | "mul" => Op::Multiply,
        "divide" => Op::Divide,
        "sqrt" => Op::SquareRoot,
        "abs" => Op::Absolute,
        "negative" => Op::Negative,
        _ => return None,
    };
    let spec = format(format_name)?;
    let e8m0 = spec == FormatSpec::E8M0;
    let convert = match (source, format_name) {
        ("ml_dtypes", _) if e8m0 => Convert::ML_DTYPES_E8M0,
        ("ml_dtypes", _) if matches!(spec.encoding(), Encoding::Int(_)) => Convert::ML_DTYPES_INT,
        ("ml_dtypes", _) => Convert::ML_DTYPES,
        ("en_dtypes", "hifloat8") => Convert::HIF8,
        ("en_dtypes", _) => Convert::EN_DTYPES,
        ("softposit", _) => spec.default_convert(),
        _ => return None,
    };
    // Products and quotients of E8M0 leave the range of f32, in which the library computes. Tables
    // of signed integers are in order of value, from the smallest on; all others in order of code.
    let first = if format_name.starts_with("int") { spec.min_code() } else { 0 };
    Some(Array { spec, op, convert, through_f32: e8m0, first })
}

impl Array {
    pub(super) fn operands(&self) -> u32 {
        if matches!(self.op, Op::Add | Op::Subtract | Op::Multiply | Op::Divide) { 2 } else { 1 }
    }

    pub(super) fn spec(&self) -> &FormatSpec {
        &self.spec
    }

    /// The code for the operands in places `a` and `b`, and whether the exact result is NaN.
    pub(super) fn result(&self, a: u32, b: u32) -> (u32, bool) {
        let [a, b] = [a, b].map(|place| place ^ self.first);
        let nan = {
            let wide =
                |code| FormatSpec::F32.encode_with(self.spec.decode(code), &Convert::IEEE, 0).code;
            FormatSpec::F32
                .decode(self.apply(&FormatSpec::F32, wide(a), wide(b), &Convert::IEEE).code)
                .is_nan()
        };
        if !self.through_f32 || self.operands() == 1 {
            return (self.apply(&self.spec, a, b, &self.convert).code, nan);
        }
        let wide =
            |code| FormatSpec::F32.encode_with(self.spec.decode(code), &Convert::IEEE, 0).code;
        let rounded = self.apply(&FormatSpec::F32, wide(a), wide(b), &Convert::IEEE).code;
        (self.spec.encode_with(FormatSpec::F32.decode(rounded), &self.convert, 0).code, nan)
    }

    fn apply(&self, spec: &FormatSpec, a: u32, b: u32, convert: &Convert) -> Encoded {
        let sign =
            |x: Unpacked, negative: bool| if x.is_negative() == negative { x } else { x.negate() };
        match self.op {
            Op::Add => spec.add_with(a, b, convert, 0),
            Op::Subtract => spec.sub_with(a, b, convert, 0),
            Op::Multiply => spec.mul_with(a, b, convert, 0),
            Op::Divide => spec.div_with(a, b, convert, 0),
            Op::SquareRoot => spec.sqrt_with(a, convert, 0),
            Op::Absolute => spec.encode_with(sign(spec.decode(a), false), convert, 0),
            Op::Negative => spec.encode_with(spec.decode(a).negate(), convert, 0),
        }
    }
}
