//! Arbitrary names, wrong lengths, code types that are too narrow.

use super::{assert_one_line, cases};
use proptest::prelude::*;
use subhalf::{
    Code, Convert, Encoding, Error, Exec, FormatSpec, Round, SliceConverter, Stochastic, Vocabulary,
};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[Bb]inary[0-9]{0,4}p[0-9]{0,4}[su]?[ef]?",
        "[Bb]inary(p|[0-9]|[sufe]|é){0,30}",
        "[A-Za-z0-9_]{0,40}",
        "(f|F)loat8_?[eE][0-9]m[0-9](fn|FNUZ|b11fnuz)?",
    ]
}

/// What the three bulk calls say for lengths and a code type; all must agree with `expected`.
fn bulk<C: Code + Default>(
    spec: &FormatSpec,
    src: usize,
    dst: usize,
    convert: &Convert,
    expected: [Option<Error>; 3],
) {
    let (numbers, mut codes, mut out) =
        (vec![1.5f32; src], vec![C::default(); dst], vec![0.0f32; dst]);
    let exec = Exec::default();
    let encoded =
        SliceConverter::new(spec).convert(convert).exec(exec).encode(&numbers, &mut codes);
    let decoded = SliceConverter::new(spec).exec(exec).decode(&vec![C::default(); src], &mut out);
    let replaced =
        SliceConverter::new(spec).convert(convert).exec(exec).fake_quantize(&numbers, &mut out);
    assert_eq!([encoded.err(), decoded.err(), replaced.err()], expected);
    expected.iter().flatten().for_each(assert_one_line);
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn names_are_found_or_refused(name in name()) {
        let found = FormatSpec::by_name(&name);
        for vocabulary in Vocabulary::ALL {
            match FormatSpec::by_name_in(vocabulary, &name) {
                Ok(spec) => {
                    prop_assert!(spec.name_in(vocabulary).is_some());
                    let ambiguous = matches!(found, Err(Error::AmbiguousName { .. }));
                    prop_assert!(ambiguous || found == Ok(spec));
                }
                Err(error) => {
                    let unknown = matches!(error, Error::UnknownName { .. });
                    // A name by P3109's rule, with numbers that it does not have.
                    let out_of_range = vocabulary == Vocabulary::P3109
                        && matches!(error, Error::SpecRange { .. });
                    prop_assert!(unknown || out_of_range, "{}", error);
                }
            }
        }
    }

    #[test]
    fn any_short_name_can_be_given(name in name()) {
        match FormatSpec::new(&name, Encoding::HiF8) {
            Ok(spec) => prop_assert_eq!(spec.name(), name),
            Err(error) => {
                prop_assert!(name.len() > 23);
                assert_one_line(&error);
            }
        }
    }

    #[test]
    fn lengths_and_code_types_are_checked_at_the_door(
        spec in prop::sample::select(FormatSpec::ALL), src in 0..40usize, dst in 0..40usize, bits in prop_oneof![0..3u8, 30..=255u8],
    ) {
        let length = (src != dst).then_some(Error::Length { what: "output length", expected: src, found: dst });
        let width = |found: u32| {
            let narrow = Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found };
            length.or((spec.bits() > found).then_some(narrow))
        };
        let plain = spec.default_convert();
        bulk::<u8>(&spec, src, dst, &plain, [width(8), width(8), length]);
        bulk::<u16>(&spec, src, dst, &plain, [width(16), width(16), length]);
        bulk::<u32>(&spec, src, dst, &plain, [width(32), width(32), length]);
        let random = length.or((!(1..=32).contains(&bits)).then_some(Error::RandomBits { found: bits }));
        let stochastic = plain.with_round(Round::Stochastic { kind: Stochastic::C, bits });
        bulk::<u32>(&spec, src, dst, &stochastic, [random, None.or(length), random]);
    }
}
