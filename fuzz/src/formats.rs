//! Formats, policies, codes and numbers of every kind.

use crate::Choices;
use subhalf::{
    Convert, Dither, DivisionByZero, Encoding, Error, Exec, FloatSpec, FormatSpec, Infinity,
    IntSpec, Isa, MissingNan, Nan, NanCodes, Negative, Overflow, PositSpec, Round, Stochastic,
    SubnormalInputs, Table, Zero, ZeroField,
};

/// A format with a name of the crate, or any layout; some of these are refused.
pub fn format(choices: &mut Choices<'_>) -> Result<FormatSpec, Error> {
    if choices.one_in(3) {
        return Ok(choices.one_of(FormatSpec::ALL));
    }
    FormatSpec::new("any", encoding(choices))
}

/// A layout whose fields are mostly within their bounds.
pub fn encoding(choices: &mut Choices<'_>) -> Encoding {
    match choices.below(8) {
        0..=4 => Encoding::Float(float(choices)),
        5 => Encoding::Int(IntSpec {
            signed: choices.one_in(2),
            bits: 1 + narrow(choices, 8, 33),
            fraction_bits: choices.below(24) as i8 - 8,
            symmetric: choices.one_in(4),
        }),
        6 => Encoding::Posit(PositSpec {
            bits: 3 + narrow(choices, 10, 31),
            exponent_bits: choices.below(5) as u8,
        }),
        _ => Encoding::Codebook(codebook(choices)),
    }
}

/// A number below `usual`, now and then below `most`.
fn narrow(choices: &mut Choices<'_>, usual: usize, most: usize) -> u8 {
    let below = if choices.one_in(6) { most } else { usual };
    choices.below(below) as u8
}

fn float(choices: &mut Choices<'_>) -> FloatSpec {
    let exponent_bits = narrow(choices, 6, 17);
    let mantissa_bits = narrow(choices, 6, 24);
    let usual = (1 << exponent_bits >> 1) - 1;
    let nan = choices.one_of(&[
        NanCodes::None,
        NanCodes::AllOnes,
        NanCodes::TopExponent,
        NanCodes::NegativeZero,
    ]);
    let (signed, negative_zero) = match nan {
        // What is NaN there is no zero; without a sign there is neither.
        NanCodes::NegativeZero => (true, false),
        _ => (!choices.one_in(4), !choices.one_in(4)),
    };
    FloatSpec {
        signed,
        exponent_bits,
        mantissa_bits,
        bias: match choices.below(6) {
            0..=2 => usual,
            3 => usual + choices.below(4) as i32 - 1,
            4 => choices.below(240) as i32 - 40,
            _ => choices.u64() as i32 % 33000,
        },
        zero_field: match choices.below(6) {
            0..=3 => ZeroField::Subnormals,
            4 => ZeroField::ZeroOnly,
            _ => ZeroField::Normals,
        },
        negative_zero: signed && negative_zero,
        infinities: choices.one_in(3),
        nan,
    }
}

fn codebook(choices: &mut Choices<'_>) -> Table<u32, 16> {
    let near_one = |choices: &mut Choices<'_>| (choices.byte() as i8 as f32 / 16.0).to_bits();
    let ranged = |choices: &mut Choices<'_>| {
        let (word, sign) = (choices.byte(), choices.byte());
        u32::from(sign & 1) << 31 | (100 + u32::from(word) % 60) << 23 | u32::from(word) << 15
    };
    let long = choices.one_in(5);
    let any = if choices.one_in(3) { ranged } else { near_one };
    if !long {
        let entries: Vec<u32> = (0..2 + choices.below(15)).map(|_| any(choices)).collect();
        return Table::held(&entries).expect("at most 16");
    }
    // Long lists stay in memory, one copy of each: there are few.
    let (len, step) = (choices.one_of(&[17, 100, 129, 200, 255, 256]), choices.one_of(&[3, 7, 11]));
    let entries: Vec<u32> =
        (0..len).map(|i| (i * step % 263 - 131) as f32 / 64.0).map(f32::to_bits).collect();
    Table::shared(&entries)
}

pub fn round(choices: &mut Choices<'_>) -> Round {
    if choices.one_in(4) {
        let kind = choices.one_of(&Stochastic::ALL);
        let bits = if choices.one_in(16) { choices.byte() } else { 1 + choices.below(32) as u8 };
        return Round::Stochastic { kind, bits };
    }
    choices.one_of(&Round::DETERMINISTIC)
}

/// Any policy: that of a format or of a program with nothing changed, or some parts.
pub fn convert(choices: &mut Choices<'_>, spec: &FormatSpec) -> Convert {
    let start = match choices.below(3) {
        0 => spec.default_convert(),
        _ => choices.one_of(&Convert::ALL).1,
    };
    let mut convert = if choices.one_in(3) { start } else { start.with_round(round(choices)) };
    for _ in 0..choices.below(5) {
        convert = match choices.below(8) {
            0 => convert.with_overflow(choices.one_of(&Overflow::ALL)),
            1 => convert.with_infinity(choices.one_of(&Infinity::ALL)),
            2 => convert.with_nan(choices.one_of(&Nan::ALL)),
            3 => convert.with_missing_nan(choices.one_of(&MissingNan::ALL)),
            4 => convert.with_zero(choices.one_of(&Zero::ALL)),
            5 => convert.with_negative(choices.one_of(&Negative::ALL)),
            6 => convert.with_subnormal_inputs(choices.one_of(&SubnormalInputs::ALL)),
            _ => convert.with_division_by_zero(choices.one_of(&DivisionByZero::ALL)),
        };
    }
    convert
}

pub fn dither(choices: &mut Choices<'_>) -> Dither {
    let first_index = match choices.below(4) {
        0..=2 => choices.below(1 << 16) as u64,
        // At and around the ends of 32 and 64 bits.
        _ => choices.one_of(&[1 << 32, 0, u64::MAX]).wrapping_sub(choices.below(1 << 12) as u64),
    };
    Dither { seed: choices.u64(), first_index }
}

/// One of the machine's instruction sets, on the calling thread or on all.
pub fn exec(choices: &mut Choices<'_>) -> Exec {
    let exec = if choices.one_in(4) { Exec::PARALLEL } else { Exec::SERIAL };
    let sets: Vec<Isa> = Isa::available().collect();
    exec.with_isa(choices.one_of(&sets))
}

/// A stream of words from one that was chosen.
struct Words(Dither);

impl Words {
    fn new(choices: &mut Choices<'_>) -> Self {
        Self(Dither::new(choices.u64()))
    }

    fn word(&mut self) -> u32 {
        let word = self.0.word(0, 32);
        self.0 = self.0.skip(1);
        word
    }
}

/// Codes of a format: any, or the same few, with bits above the width in none of them.
pub fn codes(choices: &mut Choices<'_>, spec: &FormatSpec, count: usize) -> Vec<u32> {
    let mask = (spec.code_count() - 1) as u32;
    let few = [choices.u64() as u32, spec.max_code(), spec.smallest_positive_code(), 0];
    let (kind, mut words) = (choices.below(4), Words::new(choices));
    let code = |_| match (kind, words.word()) {
        (0, word) => few[word as usize % 4] & mask,
        // Neighbours of the largest number and of the smallest: what is not finite is among them.
        (1, word) => few[word as usize % 4].wrapping_add(word >> 28) & mask,
        (_, word) => word & mask,
    };
    (0..count).map(code).collect()
}

/// Numbers at, between and around those of a format, at any place of f64s, and what is not finite.
pub fn wide_numbers(choices: &mut Choices<'_>, spec: &FormatSpec, count: usize) -> Vec<f64> {
    let near = codes(choices, spec, count);
    let (kind, mut words) = (choices.below(6), Words::new(choices));
    let number = |code: u32| {
        let (x, word) = (spec.decode_f64(code), words.word());
        // Exact: a format has at most 24 bits of precision, posits 30.
        let between = spec.next_up(code).map_or(x, |up| (x + spec.decode_f64(up)) / 2.0);
        match (kind, word % 12) {
            (0, _) => f64::from_bits(u64::from(word) << 32 | u64::from(words.word())),
            (1, _) => f64::from(f32::from_bits(word)),
            (_, 0) => x,
            (_, 1) => x.next_up(),
            (_, 2) => x.next_down(),
            (_, 3) => between.next_up(),
            (_, 4) => between.next_down(),
            (_, 5) => -between,
            (_, 6) => f64::from((between as f32).next_up()),
            (_, 7) => f64::from((between as f32).next_down()),
            (_, 8) => x * f64::from(word >> 8) * 2f64.powi(-23),
            (2, 9) => [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY][word as usize >> 30],
            (3, 9) => f64::from_bits(0x7FF0_0000_0000_0000 | u64::from(words.word()) << 20),
            (_, 9) => [0.0, -0.0][word as usize >> 31],
            (_, 10) => f64::from(f32::from_bits(word)),
            _ => between,
        }
    };
    near.into_iter().map(number).collect()
}

/// Numbers as blocks have them: some binades in each, blocks far apart from each other, blocks of
/// zeros, of subnormals, of f32s of any bits, and now and then what is not finite.
pub fn block_numbers(choices: &mut Choices<'_>, count: usize) -> Vec<f32> {
    let (stretch, wild) = (choices.one_of(&[7, 16, 32, 64, 1000]), choices.one_in(4));
    let spread = choices.one_of(&[4, 2, 12, 30]);
    let (mut words, mut numbers) = (Words::new(choices), Vec::with_capacity(count));
    while numbers.len() < count {
        let (kind, shift) = (words.word() % 16, words.word());
        // Most near 1, some at the ends of f32.
        let low = match shift % 8 {
            0 => 0,
            1 => 224,
            2 => shift >> 8 & 0xFF,
            _ => 115 + (shift >> 8) % 16,
        };
        for _ in 0..stretch.min(count - numbers.len()) {
            let word = words.word();
            let bits = match kind {
                0 => word & 0x8000_0000,
                1 => word,
                2 => word & 0x8000_FFFF,
                // Few bits: ties and equal magnitudes.
                3..=7 => word & 0x8070_0000 | (low + (word >> 8) % spread).min(254) << 23,
                _ => word & 0x807F_FFFF | (low + (word >> 8) % spread).min(254) << 23,
            };
            numbers.push(match word >> 3 & 0x7F {
                0 if wild => f32::NAN,
                1 if wild => f32::INFINITY,
                2 if wild => f32::NEG_INFINITY,
                3 => 0.0,
                4 => -0.0,
                _ => f32::from_bits(bits),
            });
        }
    }
    numbers
}
