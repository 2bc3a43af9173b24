//! A file of vectors: its fields, its header, and its lines.

use super::arguments::{Arguments, Operation, Wide};
use crate::failure::Failure;
use std::io::{self, Write};
use subhalf::{
    Convert, Dither, Encoded, Encoding, FormatSpec, Round, Unary, Unpacked, philox4x32_10,
};

/// Up to so many operand bits all operands are written.
const EXHAUSTIVE_BITS: u32 = 24;

/// Where operands come from.
enum Source {
    F64,
    Format(FormatSpec),
}

impl Source {
    fn bits(&self) -> u32 {
        match self {
            Self::F64 => 64,
            Self::Format(spec) => spec.bits(),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::F64 => "f64",
            Self::Format(spec) => spec.name(),
        }
    }

    fn decode(&self, code: u64) -> Unpacked {
        match self {
            Self::F64 => Unpacked::from_f64(f64::from_bits(code)),
            Self::Format(spec) => spec.decode(code as u32),
        }
    }

    fn encode(&self, value: f64) -> u64 {
        match self {
            Self::F64 => value.to_bits(),
            Self::Format(spec) => u64::from(spec.encode_f64(value)),
        }
    }
}

pub(crate) struct Plan {
    operation: Operation,
    format: FormatSpec,
    source: Source,
    to: Wide,
    convert: Convert,
    samples: Option<u64>,
    seed: u64,
}

/// A column of the lines.
struct Field {
    name: &'static str,
    bits: u32,
}

impl Field {
    /// A field takes whole digits.
    fn digits(&self) -> usize {
        self.bits.div_ceil(4) as usize
    }
}

impl Plan {
    pub(crate) fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let named = |name: &str| arguments.conversion.format(name);
        let format = named(&arguments.format)?;
        let operation = arguments.operation;
        if arguments.from.is_some() && operation != Operation::Convert {
            return Err(Failure::Option { option: "--from", operation: "convert" });
        }
        if arguments.to.is_some() && operation != Operation::Decode {
            return Err(Failure::Option { option: "--to", operation: "decode" });
        }
        let source = match (operation, arguments.from.as_deref().unwrap_or("f32")) {
            (Operation::Convert, "f64") => Source::F64,
            (Operation::Convert, "f32") => Source::Format(FormatSpec::F32),
            (Operation::Convert, "f16") => Source::Format(FormatSpec::F16),
            (Operation::Convert, "bf16") => Source::Format(FormatSpec::BF16),
            (Operation::Convert, name) => Source::Format(named(name)?),
            _ => Source::Format(format),
        };
        let converts = matches!(operation, Operation::Convert | Operation::Decode);
        if !converts && !matches!(format.encoding(), Encoding::Float(_) | Encoding::HiF8) {
            return Err(Failure::NoArithmetic {
                operation: formula(operation),
                format: format.name().to_owned(),
            });
        }
        let convert = arguments.conversion.of(&format);
        let (to, samples, seed) =
            (arguments.to.unwrap_or(Wide::F32), arguments.samples, arguments.seed);
        let plan = Self { operation, format, source, to, convert, samples, seed };
        if plan.samples.is_none() && plan.operand_bits() > EXHAUSTIVE_BITS {
            return Err(Failure::TooMany { limit: EXHAUSTIVE_BITS, found: plan.operand_bits() });
        }
        Ok(plan)
    }

    /// The names of the operands.
    fn operands(&self) -> &'static [&'static str] {
        match self.operation {
            Operation::Add | Operation::Sub | Operation::Mul | Operation::Div | Operation::Rem => {
                &["a", "b"]
            }
            Operation::MulAdd => &["a", "b", "c"],
            _ => &["a"],
        }
    }

    fn operand_bits(&self) -> u32 {
        self.operands().len() as u32 * self.source.bits()
    }

    fn count(&self) -> u64 {
        self.samples.unwrap_or(1 << self.operand_bits().min(EXHAUSTIVE_BITS))
    }

    /// How many random bits a vector has; a decoded number is not rounded.
    fn random_bits(&self) -> Option<u8> {
        match self.convert.round {
            Round::Stochastic { bits, .. } if self.operation != Operation::Decode => Some(bits),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> =
            self.operands().iter().map(|name| Field { name, bits: self.source.bits() }).collect();
        fields
            .extend(self.random_bits().map(|bits| Field { name: "random", bits: u32::from(bits) }));
        fields.extend(match (self.operation, self.to) {
            (Operation::Decode, Wide::F32) => {
                [Field { name: "f32", bits: 32 }, Field { name: "class", bits: 4 }]
            }
            (Operation::Decode, Wide::F64) => {
                [Field { name: "f64", bits: 64 }, Field { name: "class", bits: 4 }]
            }
            _ => [
                Field { name: "result", bits: self.format.bits() },
                Field { name: "flags", bits: 8 },
            ],
        });
        fields
    }

    pub(crate) fn write_header(&self, command: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "// subhalf {}: test vectors for $readmemh", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "// command: {command}")?;
        writeln!(out, "// operation: {}", formula(self.operation))?;
        if self.operation == Operation::Convert {
            writeln!(out, "// a: {}, {} bits", self.source.name(), self.source.bits())?;
            writeln!(out, "// result: {}, {} bits", self.format.name(), self.format.bits())?;
        } else {
            writeln!(out, "// format: {}, {} bits", self.format.name(), self.format.bits())?;
        }
        if self.operation == Operation::Decode {
            writeln!(out, "// class: 0 zero, 1 subnormal, 2 normal, 3 infinite, 4 NaN")?;
        } else {
            writeln!(out, "// policy: {}", parts(&self.convert))?;
            writeln!(
                out,
                "// flags: inexact 01, underflow 02, overflow 04, divide by zero 08, invalid 10"
            )?;
        }
        let kind = if self.samples.is_some() { "samples" } else { "all operands" };
        let seeded = self.samples.is_some() || self.random_bits().is_some();
        let seed = if seeded { format!(", seed {}", self.seed) } else { String::new() };
        writeln!(out, "// vectors: {}, {kind}{seed}", self.count())?;
        let fields = self.fields();
        let width: usize = fields.iter().map(|field| 4 * field.digits()).sum();
        let mut top = width;
        let mut places = Vec::new();
        for field in &fields {
            let low = top - 4 * field.digits();
            places.push(format!("{}[{}:{low}]", field.name, low + field.bits as usize - 1));
            top = low;
        }
        writeln!(out, "// line: {}, a word of {width} bits", places.join("_"))
    }

    pub(crate) fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let fields = self.fields();
        let bits = self.source.bits();
        let dither = Dither::new(self.seed);
        for index in 0..self.count() {
            let mut operands = [0; 3];
            for (place, operand) in operands.iter_mut().enumerate().take(self.operands().len()) {
                *operand = match self.samples {
                    Some(_) => self.sample(index, place as u32),
                    // The last operand runs fastest.
                    None => {
                        index >> (bits * (self.operands().len() - 1 - place) as u32) & mask(bits)
                    }
                };
            }
            let random = self
                .random_bits()
                .map(|bits| dither.word(index, bits) & mask(u32::from(bits)) as u32);
            let results = self.result(operands, random.unwrap_or(0));
            let given =
                operands.into_iter().take(self.operands().len()).chain(random.map(u64::from));
            for (place, (field, value)) in fields.iter().zip(given.chain(results)).enumerate() {
                let separator = if place == 0 { "" } else { "_" };
                write!(out, "{separator}{value:0digits$x}", digits = field.digits())?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn result(&self, [a, b, c]: [u64; 3], random: u32) -> [u64; 2] {
        let (spec, convert) = (&self.format, &self.convert);
        let codes = (a as u32, b as u32, c as u32);
        let unary = |function| spec.unary_with(function, codes.0, convert, random);
        let encoded: Encoded = match self.operation {
            Operation::Decode => {
                let number = spec.decode(codes.0);
                let value = match self.to {
                    Wide::F32 => u64::from(number.to_f32().to_bits()),
                    Wide::F64 => number.to_f64().to_bits(),
                };
                return [value, class(number)];
            }
            Operation::Convert => spec.encode_with(self.source.decode(a), convert, random),
            Operation::Add => spec.add_with(codes.0, codes.1, convert, random),
            Operation::Sub => spec.sub_with(codes.0, codes.1, convert, random),
            Operation::Mul => spec.mul_with(codes.0, codes.1, convert, random),
            Operation::Div => spec.div_with(codes.0, codes.1, convert, random),
            Operation::Rem => spec.rem_with(codes.0, codes.1, convert, random),
            Operation::MulAdd => spec.mul_add_with(codes.0, codes.1, codes.2, convert, random),
            Operation::Sqrt => spec.sqrt_with(codes.0, convert, random),
            Operation::Recip => spec.recip_with(codes.0, convert, random),
            Operation::Exp2 => unary(Unary::Exp2),
            Operation::Exp => unary(Unary::Exp),
            Operation::Ln => unary(Unary::Ln),
            Operation::Log2 => unary(Unary::Log2),
            Operation::Tanh => unary(Unary::Tanh),
            Operation::Sigmoid => unary(Unary::Sigmoid),
            Operation::Rsqrt => unary(Unary::Rsqrt),
            Operation::Gelu => unary(Unary::Gelu),
            Operation::Silu => unary(Unary::Silu),
        };
        [u64::from(encoded.code), u64::from(encoded.flags.bits())]
    }

    /// An operand at random: a code like any other, or (of conversions, every other time) one in or
    /// at the ends of an eighth of the way between two neighbours of the result's format, where
    /// rounding is decided; uniform codes of f32 would nearly all overflow or vanish.
    fn sample(&self, index: u64, operand: u32) -> u64 {
        // Stream 0 is that of stochastic rounding.
        let counter = [index as u32, (index >> 32) as u32, operand + 1, 0];
        let words = philox4x32_10(counter, [self.seed as u32, (self.seed >> 32) as u32]);
        let uniform = (u64::from(words[1]) << 32 | u64::from(words[0])) & mask(self.source.bits());
        if self.operation != Operation::Convert || index.is_multiple_of(2) {
            return uniform;
        }
        let code = words[2] & mask(self.format.bits()) as u32;
        let (low, high) = (
            self.format.decode_f64(code),
            self.format.next_up(code).map_or(f64::NAN, |next| self.format.decode_f64(next)),
        );
        if !low.is_finite() || !high.is_finite() {
            return uniform;
        }
        let eighths = f64::from(words[3] % 9);
        let near = self.source.encode(low + (high - low) * eighths / 8.0);
        // One code beside it, as often as not.
        let beside = [0, 0, 1, mask(self.source.bits())][(words[3] >> 30) as usize];
        near.wrapping_add(beside) & mask(self.source.bits())
    }
}

fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

fn class(number: Unpacked) -> u64 {
    use std::num::FpCategory;
    match number.class() {
        FpCategory::Zero => 0,
        FpCategory::Subnormal => 1,
        FpCategory::Normal => 2,
        FpCategory::Infinite => 3,
        FpCategory::Nan => 4,
    }
}

fn formula(operation: Operation) -> &'static str {
    match operation {
        Operation::Convert => "a, rounded",
        Operation::Decode => "the number of a code",
        Operation::Add => "a + b",
        Operation::Sub => "a - b",
        Operation::Mul => "a * b",
        Operation::Div => "a / b",
        Operation::Rem => "a % b, quotient truncated",
        Operation::MulAdd => "a * b + c, rounded once",
        Operation::Sqrt => "sqrt(a)",
        Operation::Recip => "1 / a",
        Operation::Exp2 => "2^a",
        Operation::Exp => "e^a",
        Operation::Ln => "ln(a)",
        Operation::Log2 => "log2(a)",
        Operation::Tanh => "tanh(a)",
        Operation::Sigmoid => "1 / (1 + e^-a)",
        Operation::Rsqrt => "1 / sqrt(a)",
        Operation::Gelu => "a * Phi(a), Phi that of the normal distribution",
        Operation::Silu => "a / (1 + e^-a)",
    }
}

/// All parts of a policy, in one line.
fn parts(convert: &Convert) -> String {
    format!("{convert:?}").trim_start_matches("Convert { ").trim_end_matches(" }").to_owned()
}
