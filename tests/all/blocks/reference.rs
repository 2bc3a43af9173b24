//! The definition of a quantization, which stands on no kernel, against the kernels: tensors that
//! hold what kernels do not look at, and the scale of the whole tensor, which either finds by
//! itself.

use super::inputs::Random;
use super::properties::same;
use subhalf::{
    BlockSpec, BlockStats, CustomRule, Dequantization, Division, Exec, Extent, FormatSpec, Isa,
    Metric, Offset, Quantizer, Ratio, ScaleRule, Search, Source, Table, TensorScale, preset,
};

fn assert_same<T: Source + Into<f64>>(
    name: &str,
    what: &str,
    spec: &BlockSpec,
    x: &[T],
    shape: &[usize],
) {
    let reference = Quantizer::new(spec).quantize_reference(x, shape).unwrap();
    // The same looked for in f64, where every number is exact; what is beyond f32 counts as its
    // largest.
    let finite = x.iter().map(|x| (*x).into().abs()).filter(|x| x.is_finite());
    let amax = finite.fold(0.0, f64::max).min(f64::from(f32::MAX));
    if f64::from(amax as f32) == amax {
        let expected = spec.tensor_scale.of(amax as f32);
        assert_eq!(
            reference.tensor_scale().to_bits(),
            expected.to_bits(),
            "{name}: {what}, tensor scale"
        );
    }
    for isa in Isa::available() {
        for exec in [Exec::SERIAL.with_isa(isa), Exec::PARALLEL.with_isa(isa)] {
            let tensor = Quantizer::new(spec).exec(exec).quantize(x, shape).unwrap();
            assert!(same(&tensor, &reference), "{name}: {what} {shape:?}, {}", isa.name());
            assert_eq!(
                tensor.tensor_scale().to_bits(),
                reference.tensor_scale().to_bits(),
                "{name}: {what} {shape:?}"
            );
        }
    }
}

#[test]
fn kernels_and_the_definition_agree_on_what_is_no_usual_number() {
    let mut random = Random::new(20);
    let usual: Vec<f32> = (0..3).flat_map(|_| random.block(64)).collect();
    let at = |places: &[(usize, f32)]| {
        let mut x = usual.clone();
        places.iter().for_each(|&(index, value)| x[index] = value);
        x
    };
    let largest = usual.iter().fold(0.0, |a: f32, x| a.max(x.abs()));
    let cases: Vec<(&str, Vec<f32>)> = vec![
        ("usual numbers", usual.clone()),
        ("NaN", at(&[(0, f32::NAN), (70, -f32::NAN)])),
        ("infinities", at(&[(17, f32::INFINITY), (150, f32::NEG_INFINITY)])),
        (
            "NaN and infinity beside the largest",
            at(&[(33, f32::NAN), (34, f32::INFINITY), (35, -4.0 * largest)]),
        ),
        (
            "a block of NaN",
            usual.iter().enumerate().map(|(i, x)| if i < 64 { f32::NAN } else { *x }).collect(),
        ),
        ("nothing but NaN", vec![f32::NAN; 192]),
        ("nothing but infinity", vec![f32::NEG_INFINITY; 192]),
        ("the largest numbers", at(&[(5, f32::MAX), (100, -f32::MAX)])),
        ("+0", vec![0.0; 192]),
        ("-0", vec![-0.0; 192]),
        (
            "zeros of both signs, and one number",
            (0..192).map(|i| [0.0, -0.0, 0.5][if i == 130 { 2 } else { i % 2 }]).collect(),
        ),
        (
            "the smallest numbers",
            (0..192).map(|i| f32::from_bits(i % 3) * [1.0, -1.0][i as usize % 2]).collect(),
        ),
    ];
    for preset in preset::all() {
        for (what, x) in &cases {
            assert_same(preset.name, what, &preset.spec, x, &[3, 64]);
            assert_same(preset.name, what, &preset.spec, x, &[2, 2, 48]);
        }
        for shape in [&[0][..], &[0, 32], &[4, 0], &[2, 0, 64]] {
            assert_same::<f32>(preset.name, "no elements", &preset.spec, &[], shape);
            assert_same::<f64>(preset.name, "no elements", &preset.spec, &[], shape);
        }
    }
}

#[test]
fn kernels_and_the_definition_agree_on_f64s() {
    let mut random = Random::new(21);
    let usual: Vec<f64> =
        (0..3).flat_map(|_| random.block(64)).map(|x| f64::from(x) * (1.0 + 1e-9)).collect();
    let at = |places: &[(usize, f64)]| {
        let mut x = usual.clone();
        places.iter().for_each(|&(index, value)| x[index] = value);
        x
    };
    let cases: Vec<(&str, Vec<f64>)> = vec![
        ("usual numbers", usual.clone()),
        ("NaN and infinity", at(&[(3, f64::NAN), (80, f64::INFINITY), (140, f64::NEG_INFINITY)])),
        ("beyond f32", at(&[(3, 1e300), (140, -1e39)])),
        (
            "below f32",
            (0..192).map(|i| f64::from(i) * 1e-50 * [1.0, -1.0][i as usize % 2]).collect(),
        ),
        ("nothing but infinity", vec![f64::INFINITY; 192]),
        ("-0", vec![-0.0; 192]),
    ];
    for preset in preset::all() {
        for (what, x) in &cases {
            assert_same(preset.name, what, &preset.spec, x, &[3, 64]);
        }
    }
}

/// No two of these say the same, whatever they have in common.
#[test]
fn parts_of_a_scheme_with_other_data_are_unequal() {
    fn assert_distinct<T: PartialEq + std::fmt::Debug>(parts: &[T]) {
        for (i, a) in parts.iter().enumerate() {
            for (j, b) in parts.iter().enumerate() {
                assert_eq!(a == b, i == j, "{a:?} and {b:?}");
            }
        }
    }
    let stats = |stats: &BlockStats| stats.amax;
    let other = |stats: &BlockStats| stats.max - stats.min;
    let (divide, multiply) = (Ratio::Divide, Ratio::Multiply);
    assert_distinct(&[
        ScaleRule::Floor,
        ScaleRule::Ceil,
        ScaleRule::RoundUp,
        ScaleRule::Even { mantissa_bits: 1 },
        ScaleRule::Even { mantissa_bits: 2 },
        ScaleRule::Nearest,
        ScaleRule::Log2Floor,
        ScaleRule::Log2Ceil { target: 6.0 },
        ScaleRule::Log2Ceil { target: 448.0 },
        ScaleRule::Amax { target: 6.0, ratio: divide },
        ScaleRule::Amax { target: 448.0, ratio: divide },
        ScaleRule::Amax { target: 6.0, ratio: multiply },
        ScaleRule::SignedMax { target: -8.0 },
        ScaleRule::SignedMax { target: 6.0 },
        ScaleRule::Range { steps: 15.0, with_zero: false },
        ScaleRule::Range { steps: 15.0, with_zero: true },
        ScaleRule::Range { steps: 255.0, with_zero: true },
        ScaleRule::Fixed(1.0),
        ScaleRule::Fixed(6.0),
        ScaleRule::Unit,
        ScaleRule::Given,
        ScaleRule::Custom(CustomRule::new(stats)),
        ScaleRule::Custom(CustomRule::new(other)),
    ]);
    assert_distinct(&[
        TensorScale::None,
        TensorScale::Multiplier { target: 6.0 },
        TensorScale::Multiplier { target: 2688.0 },
        TensorScale::Divisor { target: 6.0 },
        TensorScale::Amax { target: 6.0 },
        TensorScale::Amax { target: 2688.0 },
    ]);
    assert_distinct(&[
        Offset::None,
        Offset::ZeroPoint,
        Offset::Minimum(FormatSpec::F16),
        Offset::Minimum(FormatSpec::BF16),
    ]);
    let block = |rows, cols| Extent::Block { rows, cols };
    assert_distinct(&[
        block(1, 16),
        block(16, 1),
        block(1, 32),
        Extent::Flat(16),
        Extent::Flat(32),
        Extent::Row,
    ]);
    let search = |factors: &'static [f32], metric, dequantization: Option<_>| {
        let search = Search::new(Table::of(factors), metric);
        dequantization.map_or(search, |formula| search.with_dequantization(formula))
    };
    assert_distinct(&[
        search(&[1.0], Metric::Mse, None),
        search(&[1.0, 1.5], Metric::Mse, None),
        search(&[1.0], Metric::Mae, None),
        search(&[1.0], Metric::Mse, Some(Dequantization::Product)),
        search(&[1.0], Metric::Mse, Some(Dequantization::Quotient)),
    ]);
    let spec = preset::torchao::NVFP4;
    let all = [
        spec,
        spec.with_rule(ScaleRule::Amax { target: 4.0, ratio: Ratio::DivideTwice }),
        spec.with_division(Division::Divide),
        spec.with_tensor_scale(TensorScale::Multiplier { target: 1.0 }),
        spec.with_zero_block_scale(1.0),
    ];
    assert_distinct(&all);
}
