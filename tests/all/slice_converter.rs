//! Every call of a `SliceConverter`, and every short call, against the reference codec element by
//! element: NaN, infinities, ties and numbers around them; in place as well as out of place.

use subhalf::{
    Code, Convert, Dither, Exec, FormatSpec, Isa, Real, Round, SliceConverter, Stochastic, Unpacked,
};

const FORMATS: [FormatSpec; 10] = [
    FormatSpec::F8E4M3,
    FormatSpec::F8E5M2FNUZ,
    FormatSpec::F6E2M3,
    FormatSpec::F4E2M1,
    FormatSpec::E8M0,
    FormatSpec::HIF8,
    FormatSpec::INT8,
    FormatSpec::NF4,
    FormatSpec::POSIT8,
    FormatSpec::F16,
];

/// Below and above the lengths from which kernels and tables pay, and more than one piece.
const LENGTHS: [usize; 5] = [5, 40, 300, 5000, 70_000];

/// Specials first; then the first codes' numbers, the ties between them, and both neighbours of
/// each tie.
fn inputs(spec: &FormatSpec, count: usize) -> Vec<f64> {
    let specials = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1e300, -1e9];
    let mut values: Vec<f64> = (0..spec.code_count().min(4096))
        .map(|code| spec.decode(code as u32).to_f64())
        .filter(|x| x.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    let around = |pair: &[f64]| {
        let tie = pair[0] / 2.0 + pair[1] / 2.0;
        let below = f64::from((tie as f32).next_down());
        [pair[0], tie, below, tie.next_up()]
    };
    let numbers: Vec<f64> = values.windows(2).flat_map(around).collect();
    specials.into_iter().chain(numbers.into_iter().cycle()).take(count).collect()
}

fn policies(spec: &FormatSpec) -> [(Convert, Round); 4] {
    let base = spec.default_convert();
    [
        (base, base.round),
        (Convert::ML_DTYPES, Convert::ML_DTYPES.round),
        (base, Round::TowardZero),
        (base, Round::stochastic(Stochastic::C, 11).unwrap()),
    ]
}

/// The bits of a number, by its exact value; NaN is NaN.
fn bits<T: Real>(x: &[T]) -> Vec<(u64, bool, bool)> {
    let one = |x: &T| {
        let x = x.unpack();
        (x.to_f64().to_bits(), x.is_negative(), x.is_nan())
    };
    x.iter().map(one).collect()
}

fn check<T: Real>(spec: &FormatSpec, length: usize) {
    let x: Vec<T> =
        inputs(spec, length).into_iter().map(|x| T::nearest(Unpacked::from_f64(x))).collect();
    let dither = Dither::new(7).skip(3);
    for (convert, round) in policies(spec) {
        let policy = convert.with_round(round);
        let word = |i: usize| match round {
            Round::Stochastic { bits, .. } => dither.word(i as u64, bits),
            _ => 0,
        };
        let codes: Vec<u32> = x
            .iter()
            .enumerate()
            .map(|(i, x)| spec.encode_with(x.unpack(), &policy, word(i)).code)
            .collect();
        let numbers: Vec<T> = codes.iter().map(|code| T::nearest(spec.decode(*code))).collect();
        let execs = Isa::available()
            .map(|isa| Exec::SERIAL.with_isa(isa))
            .chain([Exec::PARALLEL])
            .collect::<Vec<Exec>>();
        for exec in execs {
            let at = format!("{spec} {policy:?} {length} {exec:?}");
            // The rounding counts, whatever the order of the calls.
            let by = SliceConverter::new(spec).round(round).convert(&convert);
            let by = by.dither(dither).exec(exec);
            let mut found = vec![0u32; length];
            by.encode(&x, &mut found).unwrap();
            assert_eq!(found, codes, "{at}");
            let mut y = x.clone();
            by.decode(&codes, &mut y).unwrap();
            assert_eq!(bits(&y), bits(&numbers), "decode {at}");
            let mut y = x.clone();
            by.fake_quantize(&x, &mut y).unwrap();
            assert_eq!(bits(&y), bits(&numbers), "out of place {at}");
            let mut y = x.clone();
            by.fake_quantize_in_place(&mut y).unwrap();
            assert_eq!(bits(&y), bits(&numbers), "in place {at}");
        }
        if policy == spec.default_convert() {
            let mut found = vec![0u32; length];
            spec.encode_slice(&x, &mut found).unwrap();
            assert_eq!(found, codes, "{spec} {length}");
            let mut y = x.clone();
            spec.decode_slice(&codes, &mut y).unwrap();
            assert_eq!(bits(&y), bits(&numbers), "{spec} {length}");
            let mut y = x.clone();
            spec.fake_quantize(&mut y);
            assert_eq!(bits(&y), bits(&numbers), "{spec} {length}");
            #[cfg(feature = "alloc")]
            assert_eq!(spec.encode_vec::<u32>(&x).as_deref(), Ok(&codes[..]), "{spec} {length}");
            #[cfg(feature = "alloc")]
            assert_eq!(bits(&spec.decode_vec::<T>(&codes).unwrap()), bits(&numbers), "{spec}");
        }
    }
}

#[test]
fn calls_are_the_reference_codec_on_every_element() {
    for spec in &FORMATS {
        for length in LENGTHS.into_iter().filter(|length| *length <= 5000 || spec.bits() == 8) {
            check::<f32>(spec, length);
            check::<f64>(spec, length);
            #[cfg(feature = "half")]
            check::<half::f16>(spec, length);
            #[cfg(feature = "half")]
            check::<half::bf16>(spec, length);
        }
    }
}

#[test]
fn codes_of_every_format_are_converted_by_one_rounding() {
    for (from, to) in FORMATS.iter().flat_map(|from| FORMATS.iter().map(move |to| (from, to))) {
        for length in [7usize, 300] {
            let src: Vec<u16> = (0..length).map(|i| (i * 37) as u16).collect();
            for (convert, round) in policies(to) {
                let (policy, dither) = (convert.with_round(round), Dither::new(1));
                let expected = src.iter().enumerate().map(|(i, code)| {
                    let word = match round {
                        Round::Stochastic { bits, .. } => dither.word(i as u64, bits),
                        _ => 0,
                    };
                    u16::truncate(to.encode_with(from.decode((*code).into()), &policy, word).code)
                });
                let mut found = vec![0u16; length];
                let by = SliceConverter::new(to).convert(&convert).round(round).dither(dither);
                by.convert_codes(from, &src, &mut found).unwrap();
                assert_eq!(found, expected.collect::<Vec<u16>>(), "{from} to {to}, {policy:?}");
            }
        }
    }
}

/// A few numbers again and again, one in 1,500 a NaN, an infinity or far beyond the range, at every
/// place of a group.
#[cfg(feature = "alloc")]
fn with_rare_specials(count: usize) -> Vec<f32> {
    let special = |i: usize| [f32::NAN, f32::INFINITY, -3e38, f32::NEG_INFINITY][i / 1500 % 4];
    let number = |i: usize| (i % 997) as f32 / 64.0 - 7.0;
    (0..count).map(|i| if i % 1500 == 700 { special(i) } else { number(i) }).collect()
}

#[cfg(feature = "alloc")]
#[test]
fn specials_among_groups_change_no_neighbour() {
    for spec in FORMATS {
        let policy = spec.default_convert();
        for exec in Isa::available().map(|isa| Exec::SERIAL.with_isa(isa)) {
            for (first, count) in [(0, 9000), (1, 4097), (600, 257), (690, 20), (3, 127)] {
                let x = &with_rare_specials(first + count)[first..];
                let expected: Vec<f32> = x
                    .iter()
                    .map(|x| spec.decode(spec.encode_with(x.unpack(), &policy, 0).code).to_f32())
                    .collect();
                let by = SliceConverter::new(&spec).exec(exec);
                let (mut y, mut z) = (x.to_vec(), x.to_vec());
                by.fake_quantize_in_place(&mut y).unwrap();
                assert_eq!(bits(&y), bits(&expected), "in place {spec} {exec:?} {first} {count}");
                by.fake_quantize(x, &mut z).unwrap();
                assert_eq!(bits(&z), bits(&expected), "{spec} {exec:?} {first} {count}");
            }
        }
    }
}

/// More than the caches hold, so that results are stored past them; the same as in short slices.
#[cfg(feature = "alloc")]
#[test]
fn slices_larger_than_the_caches_are_slices() {
    let x = with_rare_specials((2 << 20) + 4131);
    for spec in [FormatSpec::F8E4M3, FormatSpec::HIF8, FormatSpec::INT8, FormatSpec::NF4] {
        for isa in Isa::available() {
            let by = SliceConverter::new(&spec).exec(Exec::SERIAL.with_isa(isa));
            let mut expected = vec![0.0; x.len()];
            let mut codes = vec![0u8; x.len()];
            for (i, x) in x.chunks(5000).enumerate() {
                by.fake_quantize(x, &mut expected[i * 5000..][..x.len()]).unwrap();
                by.encode(x, &mut codes[i * 5000..][..x.len()]).unwrap();
            }
            let mut found = vec![0u8; 2 * x.len() + 1];
            // Twice as many numbers, so that codes and numbers are larger than the caches too.
            let twice = [&x[..], &x[..]].concat();
            by.encode(&twice, &mut found[1..]).unwrap();
            assert!(found[1..] == [&codes[..], &codes[..]].concat(), "codes {spec} {isa:?}");
            let mut y = vec![1.0; x.len() + 1];
            // One number behind a cache line or not: the head differs.
            for off in [0, 1] {
                by.fake_quantize(&x, &mut y[off..][..x.len()]).unwrap();
                assert!(bits(&y[off..][..x.len()]) == bits(&expected), "{spec} {isa:?} {off}");
            }
            let mut y = x.clone();
            by.fake_quantize_in_place(&mut y).unwrap();
            assert!(bits(&y) == bits(&expected), "in place {spec} {isa:?}");
        }
    }
}
