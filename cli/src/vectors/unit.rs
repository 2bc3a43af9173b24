//! Vectors of one instruction of a matrix unit.
//!
//! Uniform codes would show little: an E5M2 row of 32 would nearly always hold a NaN, and the
//! products of BF16 would overflow or vanish beside the largest one. So lines take turns:
//!
//! ```text
//! narrow      products and C within a few binades, where bits are cut and rounded
//! finite      any finite codes
//! cancelling  the second half of the products is minus the first: C decides, or what was cut
//! special     narrow, with three operands replaced by zeros, subnormals, infinities, NaNs, ends
//! ```

use super::arguments::Arguments;
use super::layout::{Field, write_line, write_places};
use super::sample::special;
use crate::failure::Failure;
use std::io::{self, Write};
use subhalf::unit::{self, Grade, MatrixUnit};
use subhalf::{Encoding, FormatSpec, IntSpec, MmaSpec, UnitAcc, UnitScales, philox4x32_10};

/// Lines, if no other number is asked for.
const LINES: u64 = 1_000;

/// Operands that a special line replaces.
const REPLACED: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Narrow,
    Finite,
    Cancelling,
    Special,
}

const KINDS: [Kind; 4] = [Kind::Narrow, Kind::Finite, Kind::Cancelling, Kind::Special];

/// A row of operands, its scales, and C.
struct Operands {
    a: Vec<u32>,
    b: Vec<u32>,
    scales: [Vec<u32>; 2],
    c: u32,
}

pub(super) struct Instruction {
    unit: &'static MatrixUnit,
    spec: MmaSpec,
    lines: u64,
    seed: u64,
}

impl Instruction {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let unit = unit::by_name(&arguments.format)?;
        for (given, option) in [
            (arguments.from.is_some(), "--from"),
            (arguments.to.is_some(), "--to"),
            (arguments.c.is_some(), "--c"),
            (arguments.result.is_some(), "--result"),
            (arguments.round.is_some(), "--round"),
            (arguments.conversion.has_policy(), "--policy"),
        ] {
            if given {
                return Err(Failure::OfUnit { unit: unit.name, option });
            }
        }
        let named = |name: &String| {
            arguments.conversion.format(name).map_err(|_| refused(unit, name.clone()))
        };
        let spec = match &arguments.more[..] {
            [] => unit.first(),
            [both] => elements(unit, named(both)?, named(both)?)?,
            [a, b] => elements(unit, named(a)?, named(b)?)?,
            more => return Err(Failure::Formats { most: 2, found: more.len() }),
        };
        let lines = arguments.samples.unwrap_or(LINES);
        Ok(Self { unit, spec, lines, seed: arguments.seed })
    }

    /// The format of C and of the result.
    fn accumulator(&self) -> FormatSpec {
        match self.spec.acc() {
            UnitAcc::F32 => FormatSpec::F32,
            UnitAcc::F16 => FormatSpec::F16,
            UnitAcc::I32 => {
                let layout = IntSpec { signed: true, bits: 32, fraction_bits: 0, symmetric: false };
                FormatSpec::constant("INT32", Encoding::Int(layout))
            }
        }
    }

    /// The format of scales and how many there are on a side.
    fn scales(&self) -> Option<(FormatSpec, usize)> {
        let (format, block) = match self.spec.scales() {
            UnitScales::None => return None,
            UnitScales::E8M0 { block, .. } => (FormatSpec::E8M0, block),
            UnitScales::UE4M3 { block, .. } => (FormatSpec::UE4M3, block),
        };
        Some((format, self.spec.step_len().div_ceil(usize::from(block))))
    }

    fn fields(&self) -> Vec<Field> {
        let count = self.spec.step_len();
        let mut fields = vec![
            Field { name: "a", bits: self.spec.a().bits(), count },
            Field { name: "b", bits: self.spec.b().bits(), count },
        ];
        if let Some((format, count)) = self.scales() {
            let bits = format.bits();
            fields.extend(["scale_a", "scale_b"].map(|name| Field { name, bits, count }));
        }
        let bits = self.accumulator().bits();
        fields.extend(["c", "result"].map(|name| Field::one(name, bits)));
        fields
    }

    pub(super) fn write_header(&self, command: &str, out: &mut impl Write) -> io::Result<()> {
        let MatrixUnit { name, instruction, evidence, .. } = self.unit;
        writeln!(out, "// subhalf {}: test vectors for $readmemh", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "// command: {command}")?;
        writeln!(out, "// operation: a * b + c, one instruction of {name} ({instruction})")?;
        let grade = match self.unit.grade {
            Grade::Silicon => "silicon",
            Grade::TwoModels => "two models",
            Grade::OneModel => "one model",
            Grade::Document => "document",
            Grade::Assumed => "assumed",
        };
        writeln!(out, "// evidence: {grade}: {evidence}")?;
        let formats = [("a", self.spec.a()), ("b", self.spec.b())];
        for ((name, format), field) in formats.into_iter().zip(self.fields()) {
            writeln!(
                out,
                "// {name}: {} codes of {}, {} bits each, the first lowest",
                field.count,
                format.name(),
                4 * field.digits()
            )?;
        }
        if let Some((format, count)) = self.scales() {
            writeln!(
                out,
                "// scales: {count} codes of {} a side, the first lowest",
                format.name()
            )?;
        }
        let accumulator = self.accumulator();
        writeln!(out, "// c, result: {}, {} bits", accumulator.name(), accumulator.bits())?;
        writeln!(
            out,
            "// vectors: {}, samples, in turn narrow, finite, cancelling and special, seed {}",
            self.lines, self.seed
        )?;
        write_places(&self.fields(), out)
    }

    pub(super) fn write_lines(&self, out: &mut impl Write) -> Result<(), Failure> {
        let fields = self.fields();
        let wide = |codes: &[u32]| codes.iter().map(|code| u64::from(*code)).collect::<Vec<_>>();
        for index in 0..self.lines {
            let Operands { a, b, scales, c } = self.operands(index);
            let [scale_a, scale_b] = &scales;
            let step = self.spec.step_scaled(&a, &b, [scale_a, scale_b], c)?;
            let mut line = vec![wide(&a), wide(&b)];
            if self.scales().is_some() {
                line.extend([wide(scale_a), wide(scale_b)]);
            }
            line.extend([wide(&[c]), wide(&[step.code])]);
            write_line(&fields, line.iter().map(Vec::as_slice), out)?;
        }
        Ok(())
    }

    fn operands(&self, index: u64) -> Operands {
        let kind = KINDS[(index % 4) as usize];
        let draw = Draw { seed: self.seed, index };
        let count = self.spec.step_len();
        let row = |format: &FormatSpec, side: u32| -> Vec<u32> {
            (0..count as u32).map(|k| element(format, kind, draw.words(side, k))).collect()
        };
        let (mut a, mut b) = (row(self.spec.a(), 0), row(self.spec.b(), 1));
        if kind == Kind::Cancelling {
            // The side that has signs has them turned.
            let (turned, format, kept) = match self.spec.b().is_signed() {
                true => (&mut b, self.spec.b(), &mut a),
                false => (&mut a, self.spec.a(), &mut b),
            };
            repeat_half(kept, |code| code);
            repeat_half(turned, |code| format.encode_f64(-format.decode_f64(code)));
        }
        let mut c = self.addend(kind, draw.words(2, 0));
        let mut scales = [Vec::new(), Vec::new()];
        if let Some((format, blocks)) = self.scales() {
            scales = [3, 4].map(|side| {
                (0..blocks as u32).map(|k| scale(&format, kind, draw.words(side, k))).collect()
            });
            if kind == Kind::Cancelling {
                scales.iter_mut().for_each(|codes| repeat_half(codes, |code| code));
            }
        }
        if kind == Kind::Special {
            for place in 0..REPLACED {
                let [side, k, which, _] = draw.words(5, place);
                let (format, target) = match side % 5 {
                    0 | 1 => (*self.spec.a(), &mut a[k as usize % count]),
                    2 | 3 => (*self.spec.b(), &mut b[k as usize % count]),
                    _ => (self.accumulator(), &mut c),
                };
                let codes = special(&format);
                *target = codes[which as usize % codes.len()] as u32;
            }
        }
        Operands { a, b, scales, c }
    }

    fn addend(&self, kind: Kind, words: [u32; 4]) -> u32 {
        let format = self.accumulator();
        match (self.spec.acc(), kind) {
            // Next to the ends, where sums wrap or are clamped.
            (UnitAcc::I32, Kind::Narrow) => {
                let distance = words[1] & 0xFFFF;
                if words[0] & 1 == 0 {
                    i32::MAX as u32 - distance
                } else {
                    i32::MIN as u32 + distance
                }
            }
            (UnitAcc::I32, Kind::Cancelling) => words[0] & 0xFF,
            (UnitAcc::I32, _) => words[0],
            (_, Kind::Finite) => finite(&format, words),
            (_, Kind::Cancelling) => near_one(&format, words, -20..=2),
            (_, Kind::Narrow | Kind::Special) => near_one(&format, words, -12..=12),
        }
    }
}

/// Random words of a line, the same whatever else is drawn.
#[derive(Clone, Copy)]
struct Draw {
    seed: u64,
    index: u64,
}

impl Draw {
    fn words(self, side: u32, place: u32) -> [u32; 4] {
        // The streams of other operations have 0 in the last place.
        let counter = [self.index as u32, (self.index >> 32) as u32, place, side + 1];
        philox4x32_10(counter, [self.seed as u32, (self.seed >> 32) as u32])
    }
}

/// The unit for these formats, or which it takes.
fn elements(unit: &MatrixUnit, a: FormatSpec, b: FormatSpec) -> Result<MmaSpec, Failure> {
    unit.spec(a, b).map_err(|_| refused(unit, format!("{} and {}", a.name(), b.name())))
}

fn refused(unit: &MatrixUnit, found: String) -> Failure {
    let expected = unit.inputs.iter().map(FormatSpec::name).collect::<Vec<_>>().join(", ");
    Failure::Elements { unit: unit.name, expected, found }
}

fn element(format: &FormatSpec, kind: Kind, words: [u32; 4]) -> u32 {
    match kind {
        Kind::Finite => finite(format, words),
        Kind::Narrow | Kind::Cancelling | Kind::Special => near_one(format, words, -4..=4),
    }
}

/// A scale near one; E8M0 has a binade a code, UE4M3 eight codes.
fn scale(format: &FormatSpec, kind: Kind, words: [u32; 4]) -> u32 {
    let one = format.encode_f64(1.0);
    match kind {
        Kind::Special => words[0] % (1 << format.bits()),
        Kind::Narrow | Kind::Finite | Kind::Cancelling => one - 8 + words[0] % 17,
    }
}

/// Any code of a finite number.
fn finite(format: &FormatSpec, words: [u32; 4]) -> u32 {
    let mask = u32::MAX >> (32 - format.bits());
    let found =
        words.into_iter().map(|word| word & mask).find(|code| format.decode(*code).is_finite());
    found.unwrap_or(format.encode_f64(1.0))
}

/// A number of either sign from `2^low` to twice `2^high`; of integers any.
fn near_one(format: &FormatSpec, words: [u32; 4], exponents: std::ops::RangeInclusive<i32>) -> u32 {
    if let Encoding::Int(_) = format.encoding() {
        return finite(format, words);
    }
    let span = (exponents.end() - exponents.start() + 1) as u32;
    let exponent = exponents.start() + (words[0] % span) as i32;
    let fraction = 1.0 + f64::from(words[1]) / 2f64.powi(32);
    let sign = if words[2] & 1 == 0 { 1.0 } else { -1.0 };
    format.encode_f64(sign * fraction * 2f64.powi(exponent))
}

/// Makes the second half of a row from the first.
fn repeat_half(codes: &mut [u32], from: impl Fn(u32) -> u32) {
    let (first, second) = codes.split_at_mut(codes.len() / 2);
    second.iter_mut().zip(first).for_each(|(code, first)| *code = from(*first));
}
