//! Bulk calls against the reference codec, bit for bit: every format, rounding, policy and
//! instruction set.

use subhalf::{
    Code, Convert, Dither, Encoding, Exec, FloatSpec, FormatSpec, Infinity, IntSpec, Isa,
    MissingNan, Nan, Negative, Overflow, Round, SliceConverter, Stochastic, SubnormalInputs, Zero,
};

/// The named formats, and P3109's of some widths.
fn formats() -> Vec<FormatSpec> {
    let p3109 = [
        "Binary8p3se",
        "Binary8p4ue",
        "Binary8p1uf",
        "Binary6p3sf",
        "Binary4p2sf",
        "Binary5p5uf",
        "Binary12p4se",
        "Binary16p8ue",
    ];
    FormatSpec::ALL
        .iter()
        .copied()
        .chain(p3109.map(|name| FormatSpec::by_name(name).unwrap()))
        .collect()
}

/// Numbers that kernels look at together at most: one that its quick way refuses sends all of them
/// the other way.
const RUN: usize = 2048;

/// f32s around every number of a format and every midpoint, or around some of them; a sweep over
/// all f32s; and what is special. Whole runs are of numbers in the format's range, then one of
/// finite numbers, and the rest mixes all.
fn inputs(spec: &FormatSpec) -> Vec<f32> {
    let mut points: Vec<f64> = if spec.bits() <= 8 {
        spec.codes().map(|code| spec.decode_f64(code)).filter(|x| x.is_finite()).collect()
    } else {
        let step = (spec.code_count() / 300) | 1;
        let codes = (0..spec.code_count())
            .step_by(step as usize)
            .flat_map(|code| [code, code ^ 1, code + 2]);
        codes.map(|code| spec.decode_f64(code as u32)).filter(|x| x.is_finite()).collect()
    };
    points.sort_by(f64::total_cmp);
    let midpoints: Vec<f64> = points.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    let largest = spec.max().to_f64();
    let above =
        [largest * 1.0625, largest * 1.03125, largest * 2.0, -largest * 1.0625, -largest * 2.0];
    let near = points.into_iter().chain(midpoints).chain(above).flat_map(|x| {
        let bits = (x as f32).to_bits();
        (-2i32..=2).map(move |ulp| f32::from_bits(bits.wrapping_add_signed(ulp)))
    });
    let sweep = (0..u32::MAX).step_by(6_700_417).map(f32::from_bits);
    let special = [
        0x7FC0_0000,
        0xFFC0_0000,
        0x7F80_0001,
        0xFFFF_FFFF,
        0x7F80_0000,
        0xFF80_0000,
        0,
        0x8000_0000,
        1,
        0x8000_0001,
        0x007F_FFFF,
    ];
    let mut all: Vec<f32> = near.chain(sweep).chain(special.map(f32::from_bits)).collect();
    // The order must not matter.
    assert!(!all.len().is_multiple_of(7919), "a prime that would pick the same few again");
    all = (0..all.len()).map(|i| all[i * 7919 % all.len()]).collect();
    let (finite, special): (Vec<f32>, Vec<f32>) = all.into_iter().partition(|x| x.is_finite());
    let (inside, beyond): (Vec<f32>, Vec<f32>) =
        finite.into_iter().partition(|x| f64::from(x.abs()) <= largest);
    let again = || inside.iter().copied().cycle();
    let whole_runs = again().take(inside.len().next_multiple_of(RUN));
    let one_run = beyond.iter().copied().chain(again()).take(beyond.len().next_multiple_of(RUN));
    let mut others = beyond.iter().chain(&inside).copied().cycle();
    let mixed =
        special.iter().flat_map(|x| others.by_ref().take(20).chain([*x]).collect::<Vec<f32>>());
    whole_runs.chain(one_run).chain(mixed).collect()
}

/// The default, and policies that have every part in every state at least once.
fn policies(spec: &FormatSpec) -> Vec<Convert> {
    let base = spec.default_convert();
    let mut policies = vec![base, Convert::ML_DTYPES, Convert::CUDA_NOSAT, Convert::P3109_SAT_NONE];
    policies.extend(
        [
            Overflow::Saturate,
            Overflow::Special,
            Overflow::IeeeDirected,
            Overflow::DirectedSpecial,
            Overflow::Wrap,
        ]
        .map(|x| base.with_overflow(x)),
    );
    policies.extend(
        [Infinity::Saturate, Infinity::Special, Infinity::KeepElseSaturate]
            .map(|x| base.with_infinity(x)),
    );
    policies.extend(
        [Nan::Signed, Nan::AllOnes, Nan::SignedAllOnes, Nan::Payload].map(|x| base.with_nan(x)),
    );
    let missing = [
        MissingNan::SignedMax,
        MissingNan::Zero,
        MissingNan::SignedZero,
        MissingNan::OppositeZero,
        MissingNan::Payload,
    ];
    policies.extend(missing.map(|x| base.with_missing_nan(x)));
    policies.extend([Zero::Nan, Zero::NanBelowSmallest].map(|x| base.with_zero(x)));
    policies.extend(
        [Negative::Nan, Negative::Directed, Negative::Clamp, Negative::Magnitude]
            .map(|x| base.with_negative(x)),
    );
    policies.push(base.with_subnormal_inputs(SubnormalInputs::Flush));
    policies
}

fn encoded_in<C: Code>(
    spec: &FormatSpec,
    x: &[f32],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Vec<u32> {
    let mut codes = vec![C::truncate(0); x.len()];
    SliceConverter::new(spec)
        .convert(convert)
        .dither(dither)
        .exec(exec)
        .encode(x, &mut codes)
        .unwrap();
    codes.into_iter().map(C::widen).collect()
}

fn encoded(
    spec: &FormatSpec,
    x: &[f32],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Vec<u32> {
    match spec.bits() {
        0..=8 => encoded_in::<u8>(spec, x, convert, dither, exec),
        9..=16 => encoded_in::<u16>(spec, x, convert, dither, exec),
        _ => encoded_in::<u32>(spec, x, convert, dither, exec),
    }
}

/// Fails at the first difference, in words.
fn assert_codes(
    spec: &FormatSpec,
    convert: &Convert,
    isa: Isa,
    x: &[f32],
    found: &[u32],
    expected: &[u32],
) {
    if let Some(at) = (0..x.len()).find(|&at| found[at] != expected[at]) {
        let (bits, wrong, right) = (x[at].to_bits(), found[at], expected[at]);
        panic!(
            "{spec} {convert:?} {}: {bits:#x} at {at}: expected {right:#x}, found {wrong:#x}",
            isa.name()
        );
    }
}

#[test]
fn encoding_equals_the_reference_on_every_instruction_set() {
    let mut checked = 0u64;
    for spec in formats() {
        let x = inputs(&spec);
        for policy in policies(&spec) {
            for round in Round::DETERMINISTIC {
                let convert = policy.with_round(round);
                let expected: Vec<u32> =
                    x.iter().map(|&x| spec.encode_f32_with(x, &convert, 0).code).collect();
                for isa in Isa::available() {
                    let found =
                        encoded(&spec, &x, &convert, Dither::NONE, Exec::SERIAL.with_isa(isa));
                    assert_codes(&spec, &convert, isa, &x, &found, &expected);
                    checked += x.len() as u64;
                }
            }
        }
    }
    assert!(checked > 50_000_000, "{checked}");
}

/// A signed integer of one bit is 0 or the negative of its unit, so that its largest number says
/// nothing of the unit.
#[test]
fn integers_of_one_bit_in_any_unit_are_the_references() {
    for (signed, fraction_bits) in
        [-64, -30, -11, -3, -2, 0, 6, 64].into_iter().flat_map(|bits| [(true, bits), (false, bits)])
    {
        let layout = IntSpec { signed, bits: 1, fraction_bits, symmetric: false };
        let spec = FormatSpec::new("one bit", Encoding::Int(layout)).unwrap();
        let unit = f32::powi(2.0, -i32::from(fraction_bits));
        let x: Vec<f32> = (0..512).map(|i| (i - 256) as f32 / 64.0 * unit).collect();
        let deterministic = Round::DETERMINISTIC.into_iter();
        for round in deterministic.chain([Round::stochastic(Stochastic::A, 8).unwrap()]) {
            let convert = spec.default_convert().with_round(round);
            let dither = Dither::new(7);
            let code = |(i, x): (usize, &f32)| {
                spec.encode_f32_with(*x, &convert, dither.word(i as u64, 8)).code
            };
            let expected: Vec<u32> = x.iter().enumerate().map(code).collect();
            for isa in Isa::available() {
                let found = encoded(&spec, &x, &convert, dither, Exec::SERIAL.with_isa(isa));
                assert_codes(&spec, &convert, isa, &x, &found, &expected);
            }
        }
    }
}

#[test]
fn decoding_equals_the_reference_on_every_instruction_set() {
    for spec in formats() {
        let codes: Vec<u32> = (0..spec.code_count().min(1 << 16))
            .map(|code| code as u32)
            .cycle()
            .take(70_000)
            .collect();
        let expected: Vec<u32> =
            codes.iter().map(|&code| spec.decode_f32(code).to_bits()).collect();
        for isa in Isa::available() {
            let mut found = vec![0.0f32; codes.len()];
            let exec = Exec::SERIAL.with_isa(isa);
            match spec.bits() {
                // Bits above a code's width are ignored.
                0..=8 => {
                    let codes: Vec<u8> =
                        codes.iter().map(|&code| (code | 0xFF << spec.bits()) as u8).collect();
                    SliceConverter::new(&spec).exec(exec).decode(&codes, &mut found).unwrap();
                    let mut doubles = vec![0.0f64; codes.len()];
                    SliceConverter::new(&spec).exec(exec).decode(&codes, &mut doubles).unwrap();
                    let exact = codes
                        .iter()
                        .zip(&doubles)
                        .all(|(code, x)| x.to_bits() == spec.decode_f64((*code).into()).to_bits());
                    assert!(exact, "{spec} to f64");
                }
                9..=16 => {
                    let codes: Vec<u16> = codes.iter().map(|&code| code as u16).collect();
                    SliceConverter::new(&spec).exec(exec).decode(&codes, &mut found).unwrap();
                }
                _ => SliceConverter::new(&spec).exec(exec).decode(&codes, &mut found).unwrap(),
            }
            let wrong = (0..codes.len()).find(|&i| found[i].to_bits() != expected[i]);
            assert_eq!(
                wrong.map(|i| (codes[i], found[i].to_bits(), expected[i])),
                None,
                "{spec} {}",
                isa.name()
            );
        }
    }
}

#[test]
fn stochastic_rounding_equals_the_reference_on_every_instruction_set() {
    let mut checked = 0;
    // Indices on both sides of a carry into the counter's second word, and an odd place in a block.
    let dithers =
        [Dither::new(0x0123_4567_89AB_CDEF).skip(5), Dither::new(7).skip((1 << 34) - 1003)];
    for spec in formats() {
        let x = inputs(&spec);
        // The end has what is special.
        let x = &x[x.len().saturating_sub(6000)..];
        let base = spec.default_convert();
        let policies = [
            base,
            Convert::ML_DTYPES,
            base.with_negative(Negative::Magnitude).with_subnormal_inputs(SubnormalInputs::Flush),
        ];
        for (i, bits) in [1, 2, 7, 8, 13, 16, 17, 21, 24, 28, 29, 32].into_iter().enumerate() {
            for kind in [Stochastic::A, Stochastic::B, Stochastic::C] {
                let convert = policies[i % 3].with_round(Round::stochastic(kind, bits).unwrap());
                let dither = dithers[i % 2];
                let word = |i: usize| dither.word(i as u64, bits);
                let expected: Vec<u32> = x
                    .iter()
                    .enumerate()
                    .map(|(i, &x)| spec.encode_f32_with(x, &convert, word(i)).code)
                    .collect();
                for isa in Isa::available() {
                    let found = encoded(&spec, x, &convert, dither, Exec::SERIAL.with_isa(isa));
                    assert_codes(&spec, &convert, isa, x, &found, &expected);
                    checked += x.len();
                }
            }
        }
    }
    assert!(checked > 9_000_000 * Isa::available().count(), "{checked}");
}

#[test]
fn indices_that_run_over_the_largest_start_again() {
    let (spec, x) = (FormatSpec::F8E4M3, vec![1.03f32; 1000]);
    let convert = spec.default_convert().with_round(Round::stochastic(Stochastic::A, 12).unwrap());
    let dither = Dither { seed: 3, first_index: u64::MAX - 400 };
    let expected: Vec<u32> =
        (0..1000).map(|i| spec.encode_f32_with(x[0], &convert, dither.word(i, 12)).code).collect();
    assert_eq!(encoded(&spec, &x, &convert, dither, Exec::default()), expected);
}

/// The two ways to round to representable numbers: fused, and through codes.
#[test]
fn fake_quantization_equals_encoding_and_decoding_on_every_instruction_set() {
    for spec in formats() {
        let x = inputs(&spec);
        let stochastic =
            spec.default_convert().with_round(Round::stochastic(Stochastic::C, 11).unwrap());
        for convert in policies(&spec).into_iter().chain([stochastic]) {
            let dither = Dither::new(9).skip(3);
            let mut random = 0;
            let expected: Vec<f32> = x
                .iter()
                .enumerate()
                .map(|(i, &x)| {
                    random = if matches!(convert.round, Round::Stochastic { .. }) {
                        dither.word(i as u64, 11)
                    } else {
                        0
                    };
                    spec.decode_f32(spec.encode_f32_with(x, &convert, random).code)
                })
                .collect();
            let doubles: Vec<f64> = x.iter().map(|&x| x.into()).collect();
            for isa in Isa::available() {
                let exec = Exec::SERIAL.with_isa(isa);
                let mut found = vec![0.0f32; x.len()];
                SliceConverter::new(&spec)
                    .convert(&convert)
                    .dither(dither)
                    .exec(exec)
                    .fake_quantize(&x, &mut found)
                    .unwrap();
                let wrong = (0..x.len()).find(|&i| found[i].to_bits() != expected[i].to_bits());
                assert_eq!(
                    wrong.map(|i| (x[i], found[i], expected[i])),
                    None,
                    "{spec} {convert:?} {}",
                    isa.name()
                );
                if spec.bits() <= 8 && convert == spec.default_convert() {
                    let mut found = vec![0.0f64; x.len()];
                    SliceConverter::new(&spec)
                        .convert(&convert)
                        .dither(dither)
                        .exec(exec)
                        .fake_quantize(&doubles, &mut found)
                        .unwrap();
                    let wrong = (0..x.len())
                        .find(|&i| found[i].to_bits() != f64::from(expected[i]).to_bits());
                    assert_eq!(
                        wrong.map(|i| (x[i], found[i], expected[i])),
                        None,
                        "{spec} {} f64",
                        isa.name()
                    );
                }
            }
        }
    }
}

/// Larger than the caches, starting at an odd place: the same as piece by piece.
#[test]
fn large_slices_are_converted_alike() {
    const LENGTH: usize = (4 << 20) + 77;
    const PIECE: usize = 10_007;
    let number = |i: u32| {
        f32::from_bits(0x3C00_0000 + i.wrapping_mul(2_654_435_761) % 0x0A00_0000)
            * if i & 1 == 0 { 1.0 } else { -1.0 }
    };
    let x: Vec<f32> = (0..LENGTH as u32 + 3).map(number).collect();
    let x = &x[3..];
    let spec = FormatSpec::F8E5M2;
    for convert in [
        spec.default_convert(),
        spec.default_convert().with_round(Round::stochastic(Stochastic::B, 10).unwrap()),
    ] {
        let dither = Dither::new(11).skip(123);
        let (mut codes, mut y, mut z) =
            (vec![0xEEu8; LENGTH + 2], vec![0.5f32; LENGTH + 2], vec![0.5f32; LENGTH + 2]);
        for exec in [Exec::SERIAL, Exec::PARALLEL] {
            SliceConverter::new(&spec)
                .convert(&convert)
                .dither(dither)
                .exec(exec)
                .encode(x, &mut codes[1..=LENGTH])
                .unwrap();
            SliceConverter::new(&spec)
                .exec(exec)
                .decode(&codes[1..=LENGTH], &mut y[1..=LENGTH])
                .unwrap();
            SliceConverter::new(&spec)
                .convert(&convert)
                .dither(dither)
                .exec(exec)
                .fake_quantize(x, &mut z[1..=LENGTH])
                .unwrap();
            assert_eq!((codes[0], codes[LENGTH + 1]), (0xEE, 0xEE));
            assert_eq!((y[0], y[LENGTH + 1], z[0], z[LENGTH + 1]), (0.5, 0.5, 0.5, 0.5));
            assert!(y == z);
            let (mut piece, mut first) = (vec![0u8; PIECE], 0);
            for x in x.chunks(PIECE) {
                let (piece, found) = (&mut piece[..x.len()], &codes[1 + first..][..x.len()]);
                SliceConverter::new(&spec)
                    .convert(&convert)
                    .dither(dither.skip(first as u64))
                    .exec(Exec::SERIAL)
                    .encode(x, piece)
                    .unwrap();
                assert!(piece == found, "{first}");
                let numbers = &y[1 + first..][..x.len()];
                assert!(
                    found
                        .iter()
                        .zip(numbers)
                        .all(|(&code, y)| spec.decode_f32(code.into()).to_bits() == y.to_bits())
                );
                first += x.len();
            }
        }
    }
}

/// Numbers at either end of f32's, subnormal ones of the format among them.
#[test]
fn formats_at_the_ends_of_f32_are_decoded_as_the_reference_does() {
    for (exponent_bits, mantissa_bits, bias) in [
        (0, 3, -127),
        (1, 3, -125),
        (1, 3, -126),
        (2, 2, -124),
        (4, 3, -112),
        (4, 3, 127),
        (4, 3, 140),
    ] {
        let layout = FloatSpec { bias, ..FloatSpec::finite(exponent_bits, mantissa_bits) };
        let Ok(spec) = FormatSpec::new("at an end", Encoding::Float(layout)) else {
            panic!("{exponent_bits} {mantissa_bits} {bias}")
        };
        let codes: Vec<u8> = (0..512).map(|i| i as u8).collect();
        for isa in Isa::available() {
            let (mut values, exec) = ([0.25f32; 512], Exec::SERIAL.with_isa(isa));
            SliceConverter::new(&spec).exec(exec).decode(&codes, &mut values).unwrap();
            for (code, x) in codes.iter().zip(values) {
                assert_eq!(
                    x.to_bits(),
                    spec.decode_f32(u32::from(*code) % spec.code_count() as u32).to_bits(),
                    "{layout:?} {code} {}",
                    isa.name()
                );
            }
        }
    }
}

fn stays_in_its_bounds<C: Code>(spec: &FormatSpec, exec: Exec) {
    let x: Vec<f32> = (0..5200).map(|i| (i as f32 - 500.0) / 7.0).collect();
    let canary = C::truncate(0xA5);
    for length in (0..=130).chain(250..=390).chain([1024, 1151, 2047, 2049, 4099, 5190]) {
        for start in [0, 1, 3] {
            let name = format!("{spec} {} {length} from {start}", exec.isa().name());
            let mut codes = vec![canary; length + 140];
            let src = &x[start..start + length];
            SliceConverter::new(spec)
                .exec(exec)
                .encode(src, &mut codes[start..start + length])
                .unwrap();
            assert!(
                codes[..start].iter().chain(&codes[start + length..]).all(|code| *code == canary),
                "{name}"
            );
            assert!(
                src.iter()
                    .zip(&codes[start..])
                    .all(|(&x, &code)| spec.encode_f32(x) == code.widen()),
                "{name}"
            );
            let mut values = vec![0.25f32; length + 140];
            SliceConverter::new(spec)
                .exec(exec)
                .decode(&codes[start..start + length], &mut values[start..start + length])
                .unwrap();
            assert!(
                values[..start].iter().chain(&values[start + length..]).all(|&x| x == 0.25),
                "{name}"
            );
            assert!(
                values[start..]
                    .iter()
                    .zip(&codes[start..start + length])
                    .all(|(&x, &code)| spec.decode_f32(code.widen()) == x),
                "{name}"
            );
            values.fill(0.25);
            let dst = &mut values[start..start + length];
            SliceConverter::new(spec).exec(exec).fake_quantize(src, dst).unwrap();
            assert!(
                values[..start].iter().chain(&values[start + length..]).all(|&x| x == 0.25),
                "{name}"
            );
            assert!(
                values[start..]
                    .iter()
                    .zip(src)
                    .all(|(&y, &x)| spec.decode_f32(spec.encode_f32(x)) == y),
                "{name}"
            );
        }
    }
}

#[test]
fn every_length_and_alignment_stays_in_its_bounds() {
    use FormatSpec as F;
    for isa in Isa::available() {
        let exec = Exec::SERIAL.with_isa(isa);
        [F::F8E4M3, F::F4E2M1, F::HIF8, F::INT8, F::POSIT8]
            .iter()
            .for_each(|spec| stays_in_its_bounds::<u8>(spec, exec));
        [F::BF16, F::F16, F::HIF8].iter().for_each(|spec| stays_in_its_bounds::<u16>(spec, exec));
        [F::TF32, F::F16].iter().for_each(|spec| stays_in_its_bounds::<u32>(spec, exec));
    }
}

#[cfg(feature = "half")]
#[test]
fn halves_are_encoded_as_the_numbers_they_are() {
    let all: Vec<half::f16> = (0..=u16::MAX).map(half::f16::from_bits).collect();
    let brains: Vec<half::bf16> = (0..=u16::MAX).map(half::bf16::from_bits).collect();
    for spec in [FormatSpec::F8E5M2, FormatSpec::F8E4M3FNUZ, FormatSpec::INT8, FormatSpec::HIF8] {
        for convert in [
            Convert::ML_DTYPES,
            spec.default_convert().with_subnormal_inputs(SubnormalInputs::Flush),
        ] {
            let mut codes = vec![0u8; all.len()];
            SliceConverter::new(&spec)
                .convert(&convert)
                .exec(Exec::SERIAL)
                .encode(&all, &mut codes)
                .unwrap();
            assert!(all.iter().zip(&codes).all(|(&x, &code)| {
                spec.encode_with(subhalf::Unpacked::from_f16(x), &convert, 0).code
                    == u32::from(code)
            }));
            SliceConverter::new(&spec)
                .convert(&convert)
                .exec(Exec::SERIAL)
                .encode(&brains, &mut codes)
                .unwrap();
            assert!(brains.iter().zip(&codes).all(|(&x, &code)| {
                spec.encode_with(subhalf::Unpacked::from_bf16(x), &convert, 0).code
                    == u32::from(code)
            }));
        }
    }
}
