//! A file of vectors of one operation: its fields, its header, and its lines.

use super::arguments::{Arguments, Operation, Wide};
use super::compute::Compute;
use super::layout::{Field, write_line, write_places};
use super::sample::{self, Source, mask};
use crate::failure::Failure;
use std::io::{self, Write};
use subhalf::{Convert, Dither, Encoded, Encoding, FormatSpec, Round, Unpacked};

/// Up to so many operand bits all operands are written.
const EXHAUSTIVE_BITS: u32 = 24;

/// Samples of a fused multiply-add, if nothing else is asked for.
const FMA_SAMPLES: u64 = 10_000;

/// Which operands are written.
enum Cases {
    All,
    Samples(u64),
    /// All triples of special codes, then samples.
    Special {
        codes: [Vec<u64>; 3],
        samples: u64,
    },
}

pub(crate) struct Plan {
    compute: Compute,
    formula: &'static str,
    /// The format of the result, or of what is decoded.
    format: FormatSpec,
    /// The format of each operand.
    sources: Vec<Source>,
    to: Wide,
    /// What each set of operands is rounded by, a line each.
    converts: Vec<Convert>,
    cases: Cases,
    seed: u64,
}

impl Plan {
    pub(crate) fn new(
        arguments: &Arguments,
        (compute, formula): (Compute, &'static str),
    ) -> Result<Self, Failure> {
        let named = |name: &str| arguments.conversion.format(name);
        let operation = arguments.operation;
        let fma = operation == Operation::Fma;
        for (given, wanted, option, operation) in [
            (&arguments.from, operation == Operation::Convert, "--from", "convert"),
            (&arguments.c, fma, "--c", "fma"),
            (&arguments.result, fma, "--result", "fma"),
        ] {
            if given.is_some() && !wanted {
                return Err(Failure::Option { option, operation });
            }
        }
        if arguments.to.is_some() && operation != Operation::Decode {
            return Err(Failure::Option { option: "--to", operation: "decode" });
        }
        if arguments.round.is_some() && operation == Operation::Decode {
            return Err(Failure::Option { option: "--round", operation: "that rounds" });
        }
        let most = 1 + usize::from(fma);
        if 1 + arguments.more.len() > most {
            return Err(Failure::Formats { most, found: 1 + arguments.more.len() });
        }
        let first = named(&arguments.format)?;
        let (compute, format, sources) = if fma {
            let second = arguments.more.first().map_or(Ok(first), |name| named(name))?;
            let (c, result) = match (&arguments.c, &arguments.result) {
                (Some(c), Some(result)) => (named(c)?, named(result)?),
                (Some(both), None) | (None, Some(both)) => (named(both)?, named(both)?),
                (None, None) => return Err(Failure::NoResult),
            };
            let operands = [first, second, c];
            (Compute::Fused(operands), result, operands.map(Source::Format).into())
        } else {
            let source = match (operation, arguments.from.as_deref().unwrap_or("f32")) {
                (Operation::Convert, "f64") => Source::F64,
                (Operation::Convert, "f32") => Source::Format(FormatSpec::F32),
                (Operation::Convert, "f16") => Source::Format(FormatSpec::F16),
                (Operation::Convert, "bf16") => Source::Format(FormatSpec::BF16),
                (Operation::Convert, name) => Source::Format(named(name)?),
                _ => Source::Format(first),
            };
            let sources = match operation {
                Operation::Convert => vec![source],
                _ => compute.operands().iter().map(|_| Source::Format(first)).collect(),
            };
            (compute, first, sources)
        };
        let converts = matches!(compute, Compute::Convert | Compute::Decode);
        if !converts && !matches!(format.encoding(), Encoding::Float(_) | Encoding::HiF8) {
            return Err(Failure::NoArithmetic {
                operation: formula,
                format: format.name().to_owned(),
            });
        }
        let converts =
            arguments.roundings().into_iter().map(|round| arguments.conversion.of(&format, round));
        let bits = sources.iter().map(Source::bits).sum();
        let cases = match (arguments.samples, compute) {
            (None, _) if bits <= EXHAUSTIVE_BITS => Cases::All,
            (samples, Compute::Fused(operands)) => Cases::Special {
                codes: operands.map(|spec| sample::special(&spec)),
                samples: samples.unwrap_or(FMA_SAMPLES),
            },
            (Some(samples), _) => Cases::Samples(samples),
            (None, _) => return Err(Failure::TooMany { limit: EXHAUSTIVE_BITS, found: bits }),
        };
        let (to, seed) = (arguments.to.unwrap_or(Wide::F32), arguments.seed);
        Ok(Self {
            compute,
            formula,
            format,
            sources,
            to,
            converts: converts.collect(),
            cases,
            seed,
        })
    }

    /// Sets of operands.
    fn count(&self) -> u64 {
        match &self.cases {
            Cases::All => 1 << self.sources.iter().map(Source::bits).sum::<u32>(),
            Cases::Samples(samples) => *samples,
            Cases::Special { codes, samples } => triples(codes) + samples,
        }
    }

    /// How many random bits a vector has; a decoded number is not rounded.
    fn random_bits(&self) -> Option<u8> {
        match self.converts[0].round {
            Round::Stochastic { bits, .. } if !matches!(self.compute, Compute::Decode) => {
                Some(bits)
            }
            _ => None,
        }
    }

    /// Whether lines say by which rounding they were made.
    fn names_rounding(&self) -> bool {
        self.converts.len() > 1
    }

    /// Whether operands have formats of their own.
    fn is_mixed(&self) -> bool {
        matches!(self.compute, Compute::Convert | Compute::Fused(_))
    }

    fn fields(&self) -> Vec<Field> {
        let operands = self.compute.operands().iter().zip(&self.sources);
        let mut fields: Vec<Field> =
            operands.map(|(name, source)| Field::one(name, source.bits())).collect();
        fields.extend(self.names_rounding().then_some(Field::one("round", 4)));
        fields.extend(self.random_bits().map(|bits| Field::one("random", u32::from(bits))));
        fields.extend(match (self.compute, self.to) {
            (Compute::Decode, Wide::F32) => [Field::one("f32", 32), Field::one("class", 4)],
            (Compute::Decode, Wide::F64) => [Field::one("f64", 64), Field::one("class", 4)],
            _ => [Field::one("result", self.format.bits()), Field::one("flags", 8)],
        });
        fields
    }

    pub(crate) fn write_header(&self, command: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "// subhalf {}: test vectors for $readmemh", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "// command: {command}")?;
        writeln!(out, "// operation: {}", self.formula)?;
        if self.is_mixed() {
            for (name, source) in self.compute.operands().iter().zip(&self.sources) {
                writeln!(out, "// {name}: {}, {} bits", source.name(), source.bits())?;
            }
            writeln!(out, "// result: {}, {} bits", self.format.name(), self.format.bits())?;
        } else {
            writeln!(out, "// format: {}, {} bits", self.format.name(), self.format.bits())?;
        }
        if matches!(self.compute, Compute::Decode) {
            writeln!(out, "// class: 0 zero, 1 subnormal, 2 normal, 3 infinite, 4 NaN")?;
        } else {
            writeln!(out, "// policy: {}", self.policy())?;
            if self.names_rounding() {
                let numbered = (1..).zip(Round::DETERMINISTIC);
                let names: Vec<String> =
                    numbered.map(|(i, round)| format!("{i} {round}")).collect();
                writeln!(out, "// round: {}", names.join(", "))?;
            }
            writeln!(
                out,
                "// flags: inexact 01, underflow 02, overflow 04, divide by zero 08, invalid 10"
            )?;
        }
        writeln!(out, "// vectors: {}", self.kinds())?;
        write_places(&self.fields(), out)
    }

    /// How many lines there are, and what they are.
    fn kinds(&self) -> String {
        let lines = self.count() * self.converts.len() as u64;
        let kind = match &self.cases {
            Cases::All => "all operands".to_owned(),
            Cases::Samples(_) => "samples".to_owned(),
            Cases::Special { codes, samples } => format!(
                "all {} triples of zeros, least and largest subnormal and normal numbers, ones, \
                 infinities and NaNs, then {samples} samples",
                triples(codes)
            ),
        };
        let each = if self.names_rounding() { ", each in nine roundings" } else { "" };
        let seeded = !matches!(self.cases, Cases::All) || self.random_bits().is_some();
        let seed = if seeded { format!(", seed {}", self.seed) } else { String::new() };
        format!("{lines}, {kind}{each}{seed}")
    }

    /// All parts of the policy, in one line.
    fn policy(&self) -> String {
        let convert = &self.converts[0];
        let text = format!("{convert:?}");
        let parts = text.trim_start_matches("Convert { ").trim_end_matches(" }");
        match (self.names_rounding(), parts.split_once(", ")) {
            (true, Some((_, others))) => format!("round: as the line says, {others}"),
            _ => parts.to_owned(),
        }
    }

    pub(crate) fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let fields = self.fields();
        let dither = Dither::new(self.seed);
        for index in 0..self.count() {
            let operands = self.operands(index);
            let random = self
                .random_bits()
                .map(|bits| dither.word(index, bits) & mask(u32::from(bits)) as u32);
            for (place, convert) in self.converts.iter().enumerate() {
                let mut line: Vec<u64> = operands[..self.sources.len()].to_vec();
                line.extend(self.names_rounding().then_some(place as u64 + 1));
                line.extend(random.map(u64::from));
                line.extend(self.result(operands, convert, random.unwrap_or(0)));
                write_line(&fields, line.iter().map(std::slice::from_ref), out)?;
            }
        }
        Ok(())
    }

    /// The operands of a line; the last of several runs fastest.
    fn operands(&self, index: u64) -> [u64; 3] {
        let mut operands = [0; 3];
        match &self.cases {
            Cases::All => {
                let mut rest = index;
                for (source, operand) in self.sources.iter().zip(&mut operands).rev() {
                    (*operand, rest) = (rest & mask(source.bits()), rest >> source.bits());
                }
            }
            Cases::Special { codes, .. } if index < triples(codes) => {
                let mut rest = index as usize;
                for (codes, operand) in codes.iter().zip(&mut operands).rev() {
                    (*operand, rest) = (codes[rest % codes.len()], rest / codes.len());
                }
            }
            Cases::Samples(_) => self.sample(index, &mut operands),
            Cases::Special { codes, .. } => self.sample(index - triples(codes), &mut operands),
        }
        operands
    }

    fn sample(&self, index: u64, operands: &mut [u64; 3]) {
        let seed = self.seed;
        match &self.sources[..] {
            [source] if matches!(self.compute, Compute::Convert) => {
                operands[0] = sample::near_step(source, &self.format, seed, index);
            }
            [a, b, c] if self.is_mixed() => {
                let codes = [sample::any(a, seed, index, 0), sample::any(b, seed, index, 1)];
                let product = a.decode(codes[0]).to_f64() * b.decode(codes[1]).to_f64();
                let c = sample::near_product(c, &self.format, product, seed, index);
                *operands = [codes[0], codes[1], c];
            }
            sources => {
                for (place, (source, operand)) in sources.iter().zip(operands).enumerate() {
                    *operand = sample::any(source, seed, index, place as u32);
                }
            }
        }
    }

    fn result(&self, codes: [u64; 3], convert: &Convert, random: u32) -> [u64; 2] {
        let spec = &self.format;
        let [a, b, c] = codes.map(|code| code as u32);
        let encoded: Encoded = match self.compute {
            Compute::Decode => {
                let number = spec.decode(a);
                let value = match self.to {
                    Wide::F32 => u64::from(number.to_f32().to_bits()),
                    Wide::F64 => number.to_f64().to_bits(),
                };
                return [value, class(number)];
            }
            Compute::Convert => spec.encode_with(self.sources[0].decode(codes[0]), convert, random),
            Compute::Function(function) => spec.unary_with(function, a, convert, random),
            Compute::One(operation) => operation(spec, a, convert, random),
            Compute::Two(operation) => operation(spec, a, b, convert, random),
            Compute::MulAdd => spec.mul_add_with(a, b, c, convert, random),
            Compute::Fused([x, y, z]) => {
                spec.mul_add_of((&x, a), (&y, b), (&z, c), convert, random)
            }
        };
        [u64::from(encoded.code), u64::from(encoded.flags.bits())]
    }
}

/// How many triples there are of codes of three operands.
fn triples(codes: &[Vec<u64>; 3]) -> u64 {
    codes.iter().map(|codes| codes.len() as u64).product()
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
