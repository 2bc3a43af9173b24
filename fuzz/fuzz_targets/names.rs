//! Names and specs: what is printed is read back, any text is read or refused in a line, any layout
//! is accepted with sound limits or refused in a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fmt::{Debug, Display};
use std::str::FromStr;
use subhalf::preset::{self, Preset};
use subhalf::unit::MatrixUnit;
use subhalf::{
    Accumulator, Binary8p4se, Chain, Combine, Convert, DivisionByZero, Domain, Error, F4E2M1,
    F8E4M3, F8E5M2, Flags, Format, FormatSpec, HiF8, Infinity, IntegerOverflow, KSchedule,
    MissingNan, Nan, Negative, Overflow, Round, Signedness, Stochastic, SubnormalInputs, Unary,
    Unpacked, Vocabulary, Zero, unit as known,
};
use subhalf_fuzz::{
    Choices, Share, assert_one_line, codes, convert, encoding, round, scheme, unit, wide_numbers,
};

static SHARE: Share = Share::new();

/// A text with some letters of other case, other separators, or a few letters changed; any text in
/// one case of sixteen. Whether only what does not count was changed.
fn spelled(choices: &mut Choices<'_>, text: &str) -> (String, bool) {
    match choices.below(16) {
        0..=5 => (text.to_owned(), true),
        6..=10 => {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..1 + choices.below(3) {
                let (place, byte) = (choices.below(bytes.len().max(1)), choices.byte());
                match choices.below(3) {
                    0 if !bytes.is_empty() => bytes[place] = byte,
                    1 if !bytes.is_empty() => {
                        bytes.remove(place);
                    }
                    _ => bytes.insert(place, byte),
                }
            }
            (String::from_utf8_lossy(&bytes).into_owned(), false)
        }
        11 => {
            let count = choices.below(60);
            (String::from_utf8_lossy(&choices.noise(count)).into_owned(), false)
        }
        12 => (text.repeat(1 + choices.below(4)), false),
        _ => (text.to_lowercase(), false),
    }
}

/// Reads a text; what is read is printed and read again. Whether it was read.
fn read<T>(choices: &mut Choices<'_>, text: &str, value: Option<&T>) -> bool
where
    T: Display + FromStr<Err = Error> + PartialEq + Debug,
{
    let (text, same) = spelled(choices, text);
    match (text.parse::<T>(), value) {
        (Ok(found), Some(value)) if same => assert_eq!(found, *value, "{text:?}"),
        (Ok(found), _) => {
            let again = found.to_string();
            assert_eq!(again.parse::<T>().as_ref(), Ok(&found), "{text:?} {again:?}");
        }
        (Err(error), value) => {
            assert!(!same || value.is_none(), "{text:?}: {error}");
            assert_one_line(&error);
            return false;
        }
    }
    true
}

/// A value of a list, by its name.
fn of_list<T>(choices: &mut Choices<'_>, list: &[T]) -> bool
where
    T: Display + FromStr<Err = Error> + PartialEq + Debug + Copy,
{
    let value = choices.one_of(list);
    read(choices, &value.to_string(), Some(&value))
}

fn chain(choices: &mut Choices<'_>) -> Chain {
    match choices.below(4) {
        0 => Chain::F32,
        1 => Chain::F64,
        _ => Chain::rounded(choices.one_of(FormatSpec::ALL), valid(round(choices))),
    }
}

/// A rounding of 1 to 32 random bits, if it takes any.
fn valid(round: Round) -> Round {
    match round {
        Round::Stochastic { kind, bits } => {
            Round::stochastic(kind, bits).unwrap_or(Round::NearestEven)
        }
        round => round,
    }
}

fn schedule(choices: &mut Choices<'_>) -> KSchedule {
    match choices.below(3) {
        0 => KSchedule::InOrder,
        _ => KSchedule::promoted(choices.u64() as u16 as usize, choices.one_of(&Combine::ALL)),
    }
}

fn accumulator(choices: &mut Choices<'_>) -> Result<Accumulator, Error> {
    Ok(match choices.below(5) {
        0 => choices.one_of(&Accumulator::ALL),
        1 => Accumulator::chain(chain(choices)),
        2 => Accumulator::chunked(choices.u64() as u32 as usize, chain(choices), chain(choices)),
        3 => Accumulator::integer(choices.u64() as u32, choices.one_of(&IntegerOverflow::ALL)),
        _ => {
            let units: Vec<_> = known::all().collect();
            let unit = choices.one_of(&units);
            let (a, b) = (choices.one_of(unit.inputs), choices.one_of(unit.inputs));
            Accumulator::unit(unit.spec(a, b)?, schedule(choices))
        }
    })
}

/// A number by its text in a type: of a code and back, or of any digits.
fn scalar<T>(choices: &mut Choices<'_>) -> bool
where
    T: Format + Display + FromStr + PartialEq + Debug,
{
    let code = codes(choices, &T::SPEC, 1)[0];
    let value = T::from_bits(<T::Code as subhalf::Code>::truncate(code));
    let (text, same) = spelled(choices, &value.to_string());
    let read = text.parse::<T>();
    if same {
        let found = read.unwrap_or_else(|_| panic!("{text:?} of {value:?}"));
        let both_nan = value.unpack().is_nan() && found.unpack().is_nan();
        assert!(both_nan || found.unpack() == value.unpack(), "{text:?} {value:?} {found:?}");
        return true;
    }
    // As an f64 it may be rounded twice, but for numbers of few digits.
    if let (Ok(found), Ok(x)) = (&read, text.parse::<f64>())
        && text.len() <= 8
        && x.is_finite()
    {
        let expected = T::from_unpacked(Unpacked::from_f64(x)).unpack();
        let found = found.unpack();
        assert!(found == expected || found.is_nan() && expected.is_nan(), "{text:?} {found}");
    }
    read.is_ok()
}

fn texts(choices: &mut Choices<'_>) -> Result<bool, Error> {
    Ok(match choices.below(26) {
        0 => of_list(choices, FormatSpec::ALL),
        1 => {
            let bits = 3 + choices.below(14) as u8;
            let precision = 1 + choices.below(bits.into()) as u8;
            let sign = choices.one_of(&[Signedness::Signed, Signedness::Unsigned]);
            let domain = choices.one_of(&[Domain::Finite, Domain::Extended]);
            let format = FormatSpec::p3109(bits, precision, sign, domain)?;
            read(choices, &format.to_string(), Some(&format))
        }
        2 => {
            let vocabulary = choices.one_of(&Vocabulary::ALL);
            let format = choices.one_of(FormatSpec::ALL);
            let Some(name) = format.name_in(vocabulary) else { return Ok(true) };
            let (text, same) = spelled(choices, name.as_str());
            let found = FormatSpec::by_name_in(vocabulary, &text);
            assert!(!same || found == Ok(format), "{text} {found:?}");
            found.map(|_| true)?
        }
        3 => {
            let value = valid(round(choices));
            read(choices, &value.to_string(), Some(&value))
        }
        4..=6 => {
            let format = choices.one_of(FormatSpec::ALL);
            let value = convert(choices, &format);
            let value: Convert = value.with_round(valid(value.round));
            read(choices, &value.to_string(), Some(&value))
        }
        7 => {
            let all = [
                Flags::INEXACT,
                Flags::OVERFLOW,
                Flags::UNDERFLOW,
                Flags::INVALID,
                Flags::DIVIDE_BY_ZERO,
            ];
            let mut value = Flags::NONE;
            (0..choices.below(5)).for_each(|_| value |= choices.one_of(&all));
            read(choices, &value.to_string(), Some(&value))
        }
        8 => {
            let value = chain(choices);
            read(choices, &value.to_string(), Some(&value))
        }
        9 => {
            let value = schedule(choices);
            read(choices, &value.to_string(), Some(&value))
        }
        10..=12 => {
            let value = accumulator(choices)?;
            read(choices, &value.to_string(), Some(&value))
        }
        13 => {
            let units: Vec<&MatrixUnit> = known::all().collect();
            let unit = choices.one_of(&units);
            let (text, same) = spelled(choices, unit.name);
            let found = text.parse::<MatrixUnit>();
            assert!(!same || found.as_ref().is_ok_and(|found| found.name == unit.name));
            found.map(|_| true)?
        }
        14 => {
            let presets: Vec<&Preset> = preset::all().collect();
            let preset = choices.one_of(&presets);
            let (text, same) = spelled(choices, preset.name);
            let found = text.parse::<Preset>();
            assert!(!same || found.as_ref().is_ok_and(|found| found.name == preset.name));
            found.map(|_| true)?
        }
        15 => of_list(choices, &Overflow::ALL) && of_list(choices, &Infinity::ALL),
        16 => of_list(choices, &Nan::ALL) && of_list(choices, &MissingNan::ALL),
        17 => of_list(choices, &Zero::ALL) && of_list(choices, &Negative::ALL),
        18 => of_list(choices, &SubnormalInputs::ALL) && of_list(choices, &Stochastic::ALL),
        19 => of_list(choices, &Unary::ALL) && of_list(choices, &Vocabulary::ALL),
        20 => of_list(choices, &Combine::ALL) && of_list(choices, &DivisionByZero::ALL),
        21 => scalar::<F8E4M3>(choices),
        22 => scalar::<F4E2M1>(choices),
        23 => scalar::<F8E5M2>(choices),
        24 => scalar::<HiF8>(choices),
        _ => scalar::<Binary8p4se>(choices),
    })
}

/// Any layout: its limits are sound, its numbers are kept, any policy has an answer.
fn format_of_any_layout(choices: &mut Choices<'_>) -> Result<(), Error> {
    let spec = match choices.below(8) {
        0 => FormatSpec::sign_magnitude("any", choices.byte() % 40, choices.byte() as i8)?,
        1 => {
            let numbers: Vec<f32> =
                (0..choices.below(20)).map(|_| f32::from(choices.byte()) / 8.0 - 9.0).collect();
            FormatSpec::codebook("any", &numbers)?
        }
        _ => FormatSpec::new("any", encoding(choices))?,
    };
    let mask = (spec.code_count() - 1) as u32;
    for code in [spec.max_code(), spec.min_code(), spec.smallest_positive_code()] {
        assert!(code <= mask && spec.decode(code).is_finite(), "{code:#x} {spec:?}");
    }
    assert!(spec.min() < spec.max(), "{spec:?}");
    let (info, count) = (spec.finfo(), spec.value_count());
    assert!(count >= 2 && count <= spec.code_count(), "{spec:?}");
    assert_one_line(&info);
    let policy = convert(choices, &spec);
    for x in wide_numbers(choices, &spec, 4) {
        let (x, random) = (Unpacked::from_f64(x), choices.u64() as u32);
        let encoded = spec.encode_with(x, &policy, random);
        let told = spec.explain(x, &policy, random);
        assert!(encoded.code <= mask, "{spec:?} {policy:?} {x}");
        assert_eq!((told.code, told.flags), (encoded.code, encoded.flags), "{spec:?} {x}");
        assert_one_line(&told);
    }
    for code in codes(choices, &spec, 4) {
        let value = spec.decode(code);
        // A number that arithmetic never makes is not kept: the lowest of a symmetric integer.
        if value.is_finite() && value >= spec.min() {
            let again = spec.encode_with(value, &spec.default_convert(), 0);
            assert_eq!(spec.decode(again.code), value, "{code:#x} {spec:?}");
            assert_eq!(again.flags, Flags::NONE, "{code:#x} {spec:?}");
        }
        let above = spec.next_up(code).map(|up| spec.decode(up));
        assert!(above.is_none_or(|above| above > value), "{code:#x} {spec:?}");
    }
    Ok(())
}

fn run(choices: &mut Choices<'_>) -> Result<bool, Error> {
    match choices.below(8) {
        0..=4 => texts(choices),
        5 | 6 => format_of_any_layout(choices).map(|()| true),
        _ if choices.one_in(2) => unit(choices).map(|_| true),
        _ => {
            let spec = scheme(choices, false)?;
            assert!(!format!("{spec:?}").is_empty() && spec.bits_per_element() > 0.0);
            spec.validate().map(|()| true)
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let result = run(&mut Choices::new(data));
    if let Err(error) = &result {
        assert_one_line(error);
    }
    SHARE.count(result == Ok(true));
});
