//! Schemes put together at random: every instruction set gives what the definition gives, of f32s
//! and of f64s.

use super::inputs::Random;
use super::properties::same;
use subhalf::{
    BlockSpec, CustomRule, Dequantization, Division, ElementRounding, Exec, Extent, FormatSpec,
    Infinity, Isa, Metric, MissingNan, Nan, Nonfinite, Offset, Overflow, Quantizer, Ratio, Round,
    ScaleRule, Search, Table, TensorScale, ZeroMinimum, ZeroSign, preset,
};

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[(random.word() >> 20) as usize % from.len()]
}

fn spec(random: &mut Random) -> BlockSpec {
    use FormatSpec as F;
    let elements = [
        F::F8E4M3,
        F::F8E5M2,
        F::F6E2M3,
        F::F6E3M2,
        F::F4E2M1,
        F::INT8,
        F::INT4,
        F::UINT4,
        F::HIF8,
        F::NF4,
        F::MXINT8,
    ];
    let target = pick(random, &[448.0, 6.0, 57344.0, 7.5, 28.0, 1.0, 127.0, 3.3]);
    let amax = |ratio| ScaleRule::Amax { target, ratio };
    let rules = [
        ScaleRule::Floor,
        ScaleRule::RoundUp,
        ScaleRule::Log2Floor,
        ScaleRule::Log2Ceil { target },
        ScaleRule::Even { mantissa_bits: 1 },
        amax(Ratio::Divide),
        amax(Ratio::Multiply),
    ];
    let scale =
        pick(random, &[F::E8M0, F::E8M0, F::F32, F::F16, F::UE4M3, preset::microxcaling::E4M0]);
    let extent = pick(
        random,
        &[
            Extent::Block { rows: 1, cols: 16 },
            Extent::Block { rows: 2, cols: 5 },
            Extent::Row,
            Extent::Flat(13),
        ],
    );
    let spec = BlockSpec::new(pick(random, &elements), Some(scale), extent, pick(random, &rules));
    let rounds = [
        Round::NearestEven,
        Round::NearestAway,
        Round::NearestTowardZero,
        Round::TowardZero,
        Round::Up,
        Round::ToOdd,
    ];
    let convert = (spec.element_convert)
        .with_round(pick(random, &rounds))
        .with_overflow(pick(
            random,
            &[Overflow::Saturate, Overflow::Special, Overflow::Wrap, Overflow::IeeeDirected],
        ))
        .with_missing_nan(pick(random, &[MissingNan::Max, MissingNan::Payload, MissingNan::Zero]))
        .with_nan(pick(random, &[Nan::Canonical, Nan::Signed]))
        .with_infinity(pick(random, &[Infinity::KeepElseSaturate, Infinity::Saturate]));
    let nonfinite = [
        Nonfinite::Count,
        Nonfinite::CountInfinity,
        Nonfinite::CountAsInfinity,
        Nonfinite::CountNanAsZero,
        Nonfinite::Erase,
        Nonfinite::Ignore,
    ];
    let signs =
        [ZeroSign::Keep, ZeroSign::Plus, ZeroSign::MinusBelowZero, ZeroSign::MinusUnlessAbove];
    let scale_round = pick(random, &[Round::NearestEven, Round::Up]);
    spec.with_element_convert(convert)
        .with_scale_convert(spec.scale_convert.with_round(scale_round))
        .with_division(pick(
            random,
            &[
                Division::Exact,
                Division::Divide,
                Division::Reciprocal,
                Division::FlooredReciprocal,
                Division::DivideIeee,
            ],
        ))
        .with_nonfinite(pick(random, &nonfinite))
        .with_zero_sign(pick(random, &signs))
        .with_flush_below(pick(random, &[0.0, 0.0, 0.0, 1e-38]))
        .with_zero_block_scale(pick(random, &[0.0, 0.0, -0.0, 0.5]))
}

/// Numbers of some binades, any bits, or next to nothing, with zeros, and now and then what is not
/// finite.
fn number(random: &mut Random, kind: u64, index: usize) -> f32 {
    let (word, bits) = (random.word(), random.word() as u32);
    match (kind, word % 16) {
        (_, 0) => 0.0,
        (_, 1) => -0.0,
        (1, 2) => f32::NAN,
        (1, 3) => f32::INFINITY,
        (1, 4) => f32::from_bits(0xFF80_0001),
        (2, _) => f32::from_bits(bits),
        (3, _) => f32::from_bits(bits & 0x80FF_FFFF),
        _ => f32::from_bits(
            (bits & 0x807F_FFFF) | (110 + index as u32 / 32 * 6 + (word >> 8) as u32 % 12) << 23,
        ),
    }
}

/// An f64 at or near an f32, or far beyond f32s.
fn wide(random: &mut Random, x: f32) -> f64 {
    let (word, x) = (random.word(), f64::from(x));
    match word % 8 {
        0 => x.next_up(),
        1 => x.next_down(),
        2 => x * 1e30,
        3 => x * 1e-30,
        4 => f64::from_bits(x.to_bits() ^ (word >> 40)),
        _ => x,
    }
}

#[test]
fn random_schemes_are_kernels_and_reference_alike() {
    let mut random = Random::new(2026);
    let mut checked = 0;
    for round in 0..1500u64 {
        let spec = spec(&mut random);
        if spec.validate().is_err() {
            continue;
        }
        let x: Vec<f32> = (0..160).map(|i| number(&mut random, round % 4, i)).collect();
        let y: Vec<f64> = x.iter().map(|&x| wide(&mut random, x)).collect();
        let shape = [4, 40];
        let references = (
            Quantizer::new(&spec).quantize_reference(&x, &shape).unwrap(),
            Quantizer::new(&spec).quantize_reference(&y, &shape).unwrap(),
        );
        for isa in Isa::available() {
            let quantizer = Quantizer::new(&spec).exec(Exec::SERIAL.with_isa(isa));
            assert!(
                same(&quantizer.quantize(&x, &shape).unwrap(), &references.0),
                "{round} f32 {}: {spec:?}",
                isa.name()
            );
            assert!(
                same(&quantizer.quantize(&y, &shape).unwrap(), &references.1),
                "{round} f64 {}: {spec:?}",
                isa.name()
            );
            checked += 1;
        }
    }
    assert!(checked > 1000, "{checked}");
}

fn agree(spec: &BlockSpec, x: &[f64]) -> Vec<u32> {
    let reference = Quantizer::new(spec).quantize_reference(x, &[x.len()]).unwrap();
    for isa in Isa::available() {
        let tensor =
            Quantizer::new(spec).exec(Exec::SERIAL.with_isa(isa)).quantize(x, &[x.len()]).unwrap();
        assert!(same(&tensor, &reference), "{}: {spec:?}", isa.name());
    }
    let view = reference.view();
    [vec![view.scale_code(0)], (0..x.len()).map(|i| view.code(i).unwrap()).collect()].concat()
}

/// A substitute of -0 is for blocks of zeros: a quotient that underflows keeps its sign.
#[test]
fn a_minus_zero_in_place_of_a_scale_is_for_zeros_alone() {
    let rule = ScaleRule::Amax { target: 448.0, ratio: Ratio::Divide };
    let spec = BlockSpec::new(FormatSpec::F8E4M3, Some(FormatSpec::F32), Extent::Row, rule)
        .with_division(Division::Divide)
        .with_nonfinite(Nonfinite::Ignore)
        .with_zero_block_scale(-0.0);
    let scale = |x: f32| {
        let tensor = Quantizer::new(&spec).quantize(&[x], &[1]).unwrap();
        assert!(same(&tensor, &Quantizer::new(&spec).quantize_reference(&[x], &[1]).unwrap()));
        tensor.view().scale_code(0)
    };
    assert_eq!((scale(f32::from_bits(1)), scale(0.0)), (0, 0x8000_0000));
}

/// 1e-38 is no power of two: an f64 times one over it, above the tie between 2 and 3, is 3.
#[test]
fn f64s_are_scaled_exactly_by_factors_that_are_no_powers_of_two() {
    let spec =
        BlockSpec::new(FormatSpec::F4E2M1, Some(FormatSpec::E8M0), Extent::Row, ScaleRule::Floor)
            .with_division(Division::FlooredReciprocal);
    assert_eq!(agree(&spec, &[2.499999826398471e-38]), [0, 5]);
}

/// An integer that a symmetric format leaves out has the least error where it is the nearest.
#[test]
fn least_errors_try_every_code_of_a_symmetric_integer() {
    let rule = ScaleRule::Fixed(0.5);
    let spec = BlockSpec::new(FormatSpec::MXINT8SYM, Some(FormatSpec::F32), Extent::Row, rule)
        .with_division(Division::Divide)
        .with_element_rounding(ElementRounding::LeastError);
    // -1 / 0.5 = -2: code 0x80, which arithmetic never makes.
    assert_eq!(agree(&spec, &[-1.0, 0.25, 1.0])[1..], [0x80, 0x20, 0x7F]);
    assert_eq!(agree(&spec, &[-1.0; 32])[1..], [0x80; 32]);
}

/// A block with NaN or infinity becomes zeros under the scale of a block of zeros, whatever the
/// policy and the rule.
#[test]
fn erased_blocks_are_blocks_of_zeros() {
    for element in [FormatSpec::F4E2M1, FormatSpec::F8E4M3] {
        let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::Row, ScaleRule::Floor)
            .with_nonfinite(Nonfinite::Erase);
        assert_eq!(agree(&spec, &[f64::NAN, 1.0, f64::INFINITY]), [0, 0, 0, 0]);
    }
    let rule = ScaleRule::SignedMax { target: -8.0 };
    let spec = BlockSpec::new(FormatSpec::INT4, Some(FormatSpec::F16), Extent::Row, rule)
        .with_nonfinite(Nonfinite::Erase);
    assert_eq!(agree(&spec, &[f64::NAN, 4.0])[1..], [0, 0]);
    assert_eq!(agree(&spec, &[f64::NAN, 4.0])[0], agree(&spec, &[0.0, 0.0])[0]);
}

/// A scheme with something that programs do: their roundings, offsets, searches, signed maxima,
/// tensor scales, elements of odd widths.
fn program(random: &mut Random) -> BlockSpec {
    use FormatSpec as F;
    let plain = spec(random);
    let elements = [
        F::F4E2M1,
        F::F8E4M3,
        F::INT4,
        F::INT5,
        F::UINT4,
        F::UINT8,
        F::NF4,
        F::BNBFP4,
        F::BNBDYNAMIC8,
        F::POSIT8,
        F::HIF8,
        preset::microxcaling::INT4,
        preset::ggml::UE4M3,
        pick(random, &[plain.element]),
    ];
    let roundings = [
        ElementRounding::Round,
        ElementRounding::AddThenRound,
        ElementRounding::AddHalfTruncate,
        ElementRounding::Microxcaling,
        ElementRounding::LeastError,
        ElementRounding::Midpoints,
        ElementRounding::Steps(255),
    ];
    let target = pick(random, &[6.0f32, -8.0, 127.0, 1.0]);
    let ratios = [Ratio::Divide, Ratio::Multiply, Ratio::DivideTwice, Ratio::MultiplyQuotient];
    let rules = [
        plain.rule,
        ScaleRule::Amax { target: target.abs(), ratio: pick(random, &ratios) },
        ScaleRule::Amax { target: target.abs(), ratio: Ratio::Inverse },
        ScaleRule::SignedMax { target },
        ScaleRule::Range { steps: 15.0, with_zero: true },
        ScaleRule::Range { steps: 15.0, with_zero: false },
        ScaleRule::Fixed(0.75),
        ScaleRule::Custom(CustomRule::of_amax(|amax| (amax * 0.3).min(1e30))),
    ];
    let divisions = [
        Division::Divide,
        Division::DivideQuotient,
        Division::Reciprocal,
        Division::TensorReciprocal,
        Division::InverseReciprocal,
        Division::ClampedReciprocal,
        Division::UnroundedReciprocal,
        Division::Exact,
    ];
    let searches = [
        None,
        None,
        Some(Search::new(Table::of(&[1.0, 1.5, 0.75]), Metric::Mse)),
        Some(Search::new(Table::of(&[1.0, 0.5]), Metric::Mae)),
        Some(Search::new(Table::of(&[0.9, 1.0]), Metric::Max)),
    ];
    let tensor_scales = [
        TensorScale::None,
        TensorScale::None,
        TensorScale::Multiplier { target: 2688.0 },
        TensorScale::Divisor { target: 2688.0 },
        TensorScale::Amax { target: 1536.0 },
    ];
    let offsets =
        [Offset::None, Offset::ZeroPoint, Offset::Minimum(F::F16), Offset::Minimum(F::F32)];
    let offset = pick(random, &offsets);
    // What an offset asks for; without it chance would find few schemes that are valid.
    let (rule, tensor_scale) = match offset {
        Offset::None => (pick(random, &rules), pick(random, &tensor_scales)),
        Offset::ZeroPoint => (rules[4], TensorScale::None),
        _ => (rules[4 + random.word() as usize % 2], TensorScale::None),
    };
    let element = if matches!(offset, Offset::None) {
        pick(random, &elements)
    } else {
        pick(random, &[F::UINT4, F::UINT8, F::UINT4, F::INT4])
    };
    let ways = [
        Dequantization::Product,
        Dequantization::ProductPlusZero,
        Dequantization::Quotient,
        Dequantization::AmaxProduct,
        Dequantization::AmaxQuotient,
    ];
    let scale = pick(random, &[F::E8M0, F::F32, F::F16, F::BF16, F::UE4M3, F::F8E5M2]);
    let extent = pick(random, &[plain.extent, Extent::MX, Extent::Tensor, Extent::Column]);
    let bounds = [(0.0, f32::INFINITY), (0.0, f32::INFINITY), (1e-3, 448.0)];
    let spec = BlockSpec::new(element, Some(scale), extent, rule);
    let convert = pick(random, &[spec.element_convert, plain.element_convert]);
    spec.with_element_convert(convert)
        .with_scale_convert(plain.scale_convert)
        .with_division(pick(random, &divisions))
        .with_element_rounding(pick(random, &roundings))
        .with_search(pick(random, &searches))
        .with_tensor_scale(tensor_scale)
        .with_dequantization(pick(random, &ways))
        .with_offset(offset)
        .with_nonfinite(plain.nonfinite)
        .with_zero_sign(plain.zero_sign)
        .with_zero_minimum(pick(random, &[ZeroMinimum::First, ZeroMinimum::NumpyAvx512]))
        .with_flush_below(pick(random, &[0.0, 0.0, 0.0, 1e-4]))
        .with_scale_bounds(pick(random, &bounds))
        .with_zero_block_scale(pick(random, &[0.0, 1.0, plain.zero_block_scale]))
        .with_underflow_scale(pick(random, &[0.0, 0.0, 0.002]))
}

/// Scales that a caller might give, some of them beyond what the format holds, and offsets.
fn given(random: &mut Random, spec: &BlockSpec, blocks: usize) -> (Vec<f32>, Vec<f32>) {
    let scales = (0..blocks).map(|_| pick(random, &[0.25f32, 1.0, 0.011, 7.3, 3e4])).collect();
    let (low, high) = (spec.element.min().to_f32(), spec.element.max().to_f32());
    let offset = |random: &mut Random| match spec.offset {
        Offset::ZeroPoint => pick(random, &[low, high, (low + high) * 0.5]).trunc(),
        _ => pick(random, &[-1.5f32, 0.0, 0.1, -300.7]),
    };
    let offsets = if matches!(spec.offset, Offset::None) {
        Vec::new()
    } else {
        (0..blocks).map(|_| offset(random)).collect()
    };
    (scales, offsets)
}

#[test]
fn schemes_of_programs_are_kernels_and_reference_alike() {
    let mut random = Random::new(1130);
    let (mut found, mut with_given) = (0, 0);
    for round in 0..6000u64 {
        let spec = program(&mut random);
        if spec.validate().is_err() {
            continue;
        }
        let x: Vec<f32> = (0..400).map(|i| number(&mut random, round % 4, i)).collect();
        let shape = [4, 100];
        let check = |quantizer: Quantizer<'_>, what: &str| {
            let Ok(reference) = quantizer.quantize_reference(&x, &shape) else { return false };
            for isa in Isa::available() {
                let tensor = quantizer.exec(Exec::SERIAL.with_isa(isa)).quantize(&x, &shape);
                let same = same(&tensor.unwrap(), &reference);
                assert!(same, "{round} {what} {}: {spec:?}", isa.name());
            }
            true
        };
        let quantizer = Quantizer::new(&spec);
        found += usize::from(check(quantizer, "from the data"));
        // Blocks of one tensor are as many for every scheme of its extent.
        if let Ok(tensor) = quantizer.quantize(&x, &shape) {
            let (scales, offsets) = given(&mut random, &spec, tensor.view().blocks());
            with_given += usize::from(check(quantizer.scales(&scales, &offsets), "given"));
        }
    }
    assert!(found > 800 && with_given > 800, "{found} schemes, {with_given} with given scales");
}

/// A quotient that underflows is replaced by the scale of a block of zeros, which a search does not
/// multiply by its factors; a scale format without NaN does not hide that.
#[test]
fn a_search_does_not_multiply_what_replaces_a_scale_of_zero() {
    let rule = ScaleRule::Amax { target: 6.0, ratio: Ratio::DivideTwice };
    for scale in [FormatSpec::UE4M3, FormatSpec::F32, FormatSpec::UINT8] {
        let spec = BlockSpec::new(FormatSpec::F4E2M1, Some(scale), Extent::NVFP4, rule)
            .with_division(Division::Reciprocal)
            .with_tensor_scale(TensorScale::Multiplier { target: 2688.0 })
            .with_zero_block_scale(4.0)
            .with_search(Some(Search::new(Table::of(&[0.75, 1.0]), Metric::Max)));
        // 1e-10 over 6 and over a tensor scale of about 1e35 is no f32.
        let x: Vec<f32> = (0..64).map(|i| if i < 32 { 3e38 } else { 1e-10 }).collect();
        let reference = Quantizer::new(&spec).quantize_reference(&x, &[64]).unwrap();
        let substitute = scale.encode_f32(4.0);
        assert_eq!(reference.view().scale_code(3), substitute, "{scale}");
        for isa in Isa::available() {
            let tensor = Quantizer::new(&spec).exec(Exec::SERIAL.with_isa(isa)).quantize(&x, &[64]);
            assert!(same(&tensor.unwrap(), &reference), "{scale} {}", isa.name());
        }
    }
}

/// Searches among powers of two whose factors make ties or leave the range, and least errors under
/// candidates of several kinds.
#[test]
fn searches_among_powers_of_two_are_the_rules() {
    let mut random = Random::new(6);
    let x: Vec<f32> = (0..256).map(|i| number(&mut random, 2 * (i as u64 / 128), i)).collect();
    let rules = [ScaleRule::Floor, ScaleRule::RoundUp, ScaleRule::Log2Floor, ScaleRule::Nearest];
    let roundings = [ElementRounding::Round, ElementRounding::LeastError];
    let scales = [FormatSpec::E8M0, preset::microxcaling::E4M0, preset::ggml::UE4M3];
    for ((rule, rounding), scale) in rules
        .into_iter()
        .flat_map(|rule| roundings.map(|rounding| (rule, rounding)))
        .flat_map(|pair| scales.map(|scale| (pair, scale)))
    {
        let spec = BlockSpec::new(FormatSpec::F4E2M1, Some(scale), Extent::MX, rule)
            .with_element_rounding(rounding)
            .with_division(Division::Reciprocal)
            .with_search(Some(Search::new(Table::of(&[1.0]), Metric::Mse)));
        for factors in [&[1.0, 1.5, 0.75][..], &[0.5], &[1.0, 2.0], &[0.05]] {
            let quantizer = Quantizer::new(&spec).search_factors(factors);
            let reference = quantizer.quantize_reference(&x, &[256]).unwrap();
            for isa in Isa::available() {
                let tensor = quantizer.exec(Exec::SERIAL.with_isa(isa)).quantize(&x, &[256]);
                assert!(same(&tensor.unwrap(), &reference), "{rule:?} {rounding:?} {factors:?}");
            }
        }
    }
}
