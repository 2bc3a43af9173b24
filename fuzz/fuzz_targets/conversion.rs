//! Converts slices by every call, and compares each element with the reference codec.
#![no_main]

use bytemuck::Pod;
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;
use subhalf::{
    BitOrder, Code, Convert, Dither, Error, Exec, F4E2M1, F6E2M3, F8E4M3, F8E5M2, Format,
    FormatSliceExt, FormatSpec, HiF8, Real, Round, SliceConverter, pack,
};
use subhalf_fuzz::{
    Choices, Share, assert_one_line, codes, convert, dither, exec, format, wide_numbers,
};

static SHARE: Share = Share::new();

/// A conversion with everything that it is told.
struct Case {
    spec: FormatSpec,
    convert: Convert,
    dither: Dither,
    exec: Exec,
}

impl Case {
    fn converter(&self) -> SliceConverter {
        SliceConverter::new(&self.spec).convert(&self.convert).dither(self.dither).exec(self.exec)
    }

    /// The code of element `index`.
    fn code<T: Real>(&self, index: usize, x: T) -> u32 {
        let random = match self.convert.round {
            Round::Stochastic { bits, .. } => self.dither.word(index as u64, bits),
            _ => 0,
        };
        self.spec.encode_with(x.unpack(), &self.convert, random).code
    }

    /// The first element that differs, if any, in words.
    fn same<T: Pod + Debug>(&self, found: &[T], expected: &[T], call: &str) {
        let bytes = |x: &T| bytemuck::bytes_of(x).to_vec();
        assert_eq!(found.len(), expected.len());
        let place = found.iter().zip(expected).position(|(x, y)| bytes(x) != bytes(y));
        if let Some(place) = place {
            panic!(
                "{call}, element {place}: {:?} in place of {:?}, {:?} {:?} {:?} {}",
                found[place],
                expected[place],
                self.spec,
                self.convert,
                self.dither,
                self.exec.isa().name()
            );
        }
    }
}

/// Numbers to codes and back by one of the calls.
fn calls<T: Real + Pod + Debug, C: Code + Pod>(
    case: &Case,
    choices: &mut Choices<'_>,
    x: &[T],
) -> Result<(), Error> {
    let converter = case.converter();
    match choices.below(8) {
        0 | 1 => {
            let mut found = vec![C::truncate(0); x.len()];
            converter.encode(x, &mut found)?;
            let expected: Vec<C> =
                x.iter().enumerate().map(|(i, x)| C::truncate(case.code(i, *x))).collect();
            case.same(&found, &expected, "encode");
        }
        2 => {
            let mut found = vec![x[0]; x.len()];
            converter.fake_quantize(x, &mut found)?;
            let expected: Vec<T> = x
                .iter()
                .enumerate()
                .map(|(i, x)| T::nearest(case.spec.decode(case.code(i, *x))))
                .collect();
            case.same(&found, &expected, "fake_quantize");
            let mut found = x.to_vec();
            converter.fake_quantize_in_place(&mut found)?;
            case.same(&found, &expected, "fake_quantize_in_place");
        }
        3 => decode::<T, C>(case, choices, x.len())?,
        4 => recode::<C>(case, choices, x.len())?,
        5 => packed(case, choices, x)?,
        6 => short::<T, C>(case, x)?,
        _ => match choices.below(5) {
            0 => typed::<T, F8E4M3>(case, x)?,
            1 => typed::<T, F8E5M2>(case, x)?,
            2 => typed::<T, F4E2M1>(case, x)?,
            3 => typed::<T, F6E2M3>(case, x)?,
            _ => typed::<T, HiF8>(case, x)?,
        },
    }
    Ok(())
}

fn decode<T: Real + Pod + Debug, C: Code + Pod>(
    case: &Case,
    choices: &mut Choices<'_>,
    count: usize,
) -> Result<(), Error> {
    let mut src = codes(choices, &case.spec, count);
    let expected: Vec<T> = src.iter().map(|code| T::nearest(case.spec.decode(*code))).collect();
    if choices.one_in(2) && case.spec.bits() < 32 {
        // Bits above the width are ignored.
        src.iter_mut().for_each(|code| *code |= u32::MAX << case.spec.bits());
    }
    let src: Vec<C> = src.into_iter().map(C::truncate).collect();
    let mut found = vec![T::nearest(subhalf::Unpacked::ONE); count];
    case.converter().decode(&src, &mut found)?;
    case.same(&found, &expected, "decode");
    Ok(())
}

fn recode<C: Code + Pod>(
    case: &Case,
    choices: &mut Choices<'_>,
    count: usize,
) -> Result<(), Error> {
    let from = format(choices)?;
    let src = codes(choices, &from, count);
    let expected: Vec<C> = src
        .iter()
        .enumerate()
        .map(|(i, code)| {
            let random = match case.convert.round {
                Round::Stochastic { bits, .. } => case.dither.word(i as u64, bits),
                _ => 0,
            };
            C::truncate(case.spec.encode_with(from.decode(*code), &case.convert, random).code)
        })
        .collect();
    let mut found = vec![C::truncate(0); count];
    let converter = case.converter();
    match from.bits() {
        ..=8 => {
            let src: Vec<u8> = src.into_iter().map(u8::truncate).collect();
            converter.convert_codes(&from, &src, &mut found)?;
        }
        9..=16 => {
            let src: Vec<u16> = src.into_iter().map(u16::truncate).collect();
            converter.convert_codes(&from, &src, &mut found)?;
        }
        _ => converter.convert_codes(&from, &src, &mut found)?,
    }
    case.same(&found, &expected, &format!("convert_codes from {from:?}"));
    Ok(())
}

fn packed<T: Real + Pod + Debug>(
    case: &Case,
    choices: &mut Choices<'_>,
    x: &[T],
) -> Result<(), Error> {
    let order = choices.one_of(&[BitOrder::LsbFirst, BitOrder::MsbFirst]);
    let bits = case.spec.bits();
    let mut found = vec![0xEEu8; (x.len() * bits as usize).div_ceil(8)];
    case.converter().encode_packed(x, &mut found, order)?;
    let codes: Vec<u8> = x.iter().enumerate().map(|(i, x)| case.code(i, *x) as u8).collect();
    let mut expected = vec![0; found.len()];
    pack(&codes, bits, order, &mut expected)?;
    case.same(&found, &expected, "encode_packed");
    let mut numbers = vec![x[0]; x.len()];
    case.converter().decode_packed(&found, &mut numbers, order)?;
    let expected: Vec<T> =
        codes.iter().map(|code| T::nearest(case.spec.decode((*code).into()))).collect();
    case.same(&numbers, &expected, "decode_packed");
    Ok(())
}

/// The calls without a converter: the format's own policy, on all threads.
fn short<T: Real + Pod + Debug, C: Code + Pod>(case: &Case, x: &[T]) -> Result<(), Error> {
    let case = Case { convert: case.spec.default_convert(), dither: Dither::NONE, ..*case };
    let expected: Vec<C> = x.iter().map(|x| C::truncate(case.code(0, *x))).collect();
    let mut found = vec![C::truncate(0); x.len()];
    case.spec.encode_slice(x, &mut found)?;
    case.same(&found, &expected, "encode_slice");
    case.same(&case.spec.encode_vec::<C>(x)?, &expected, "encode_vec");
    let numbers: Vec<T> =
        x.iter().map(|x| T::nearest(case.spec.decode(case.code(0, *x)))).collect();
    let mut found = x.to_vec();
    case.spec.decode_slice(&expected, &mut found)?;
    case.same(&found, &numbers, "decode_slice");
    case.same(&case.spec.decode_vec::<T>(&expected)?, &numbers, "decode_vec");
    let mut found = x.to_vec();
    case.spec.fake_quantize(&mut found);
    case.same(&found, &numbers, "fake_quantize of a format");
    Ok(())
}

/// The calls of a type.
fn typed<T: Real + Pod + Debug, F: Format<Code = u8> + Default>(
    case: &Case,
    x: &[T],
) -> Result<(), Error> {
    let case = Case { spec: F::SPEC, ..*case };
    let mut found = vec![F::default(); x.len()];
    case.converter().encode_typed(x, &mut found)?;
    let expected: Vec<u8> = x.iter().enumerate().map(|(i, x)| case.code(i, *x) as u8).collect();
    let codes: Vec<u8> = found.iter().map(|x| x.to_bits()).collect();
    case.same(&codes, &expected, "encode_typed");
    let numbers: Vec<T> =
        expected.iter().map(|code| T::nearest(case.spec.decode((*code).into()))).collect();
    let mut decoded = x.to_vec();
    case.converter().decode_typed(&found, &mut decoded)?;
    case.same(&decoded, &numbers, "decode_typed");
    found.convert_to_slice(&mut decoded)?;
    case.same(&decoded, &numbers, "convert_to_slice");
    Ok(())
}

fn with_codes<T: Real + Pod + Debug>(
    case: &Case,
    choices: &mut Choices<'_>,
    x: &[T],
) -> Result<(), Error> {
    // One type in six is too narrow: refused.
    let bits = if choices.one_in(6) { 1 } else { case.spec.bits() };
    match (bits, choices.below(4)) {
        (..=8, 0..=2) => calls::<T, u8>(case, choices, x),
        (..=16, 0..=2) => calls::<T, u16>(case, choices, x),
        _ => calls::<T, u32>(case, choices, x),
    }
}

fn run(choices: &mut Choices<'_>) -> Result<(), Error> {
    let spec = format(choices)?;
    let case = Case {
        spec,
        convert: convert(choices, &spec),
        dither: dither(choices),
        exec: exec(choices),
    };
    let count = match choices.below(32) {
        0..=3 => 1 + choices.below(31),
        4..=30 => 32 + choices.below(300),
        // More than a buffer, and than a piece of one thread.
        _ => 2000 + choices.below(7000),
    };
    let x = wide_numbers(choices, &spec, count);
    match choices.below(6) {
        0..=2 => {
            let x: Vec<f32> = x.into_iter().map(|x| x as f32).collect();
            with_codes(&case, choices, &x)
        }
        3 => with_codes(&case, choices, &x),
        4 => {
            let x: Vec<half::f16> = x.into_iter().map(half::f16::from_f64).collect();
            with_codes(&case, choices, &x)
        }
        _ => {
            let x: Vec<half::bf16> = x.into_iter().map(half::bf16::from_f64).collect();
            with_codes(&case, choices, &x)
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let result = run(&mut Choices::new(data));
    if let Err(error) = &result {
        assert_one_line(error);
    }
    SHARE.count(result.is_ok());
});
