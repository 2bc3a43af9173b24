//! Presets of integers and of AF4 that no oracle array covers, a second time: plain loops after
//! formats.md 1.11 and 3.12, compared on random and edge blocks, and vectors worked by hand.

use super::naive::{blocks, check, oracle_inputs};
use subhalf::{
    BlockSpec, ElementRounding, Error, Extent, FormatSpec, QuantTensor, Quantizer, ScaleRule,
    preset,
};

/// What a scheme gives for one block: the scale, the zero point, integers and numbers.
struct Quantized {
    scale: f32,
    zero_point: f32,
    integers: Vec<f32>,
    numbers: Vec<f32>,
}

/// A stored integer has no sign of zero.
fn stored(x: f32) -> f32 {
    x + 0.0
}

/// torch: `q = clamp(nearbyint(x * (1/s)) + z)`, `(q - z) * s`.
fn affine(x: &[f32], scale: f32, zero_point: f32, (low, high): (f32, f32)) -> Quantized {
    let inverse = 1.0 / scale;
    let integers: Vec<f32> = x
        .iter()
        .map(|x| stored(((x * inverse).round_ties_even() + zero_point).clamp(low, high)))
        .collect();
    let numbers = integers.iter().map(|q| (q - zero_point) * scale).collect();
    Quantized { scale, zero_point, integers, numbers }
}

/// compressed-tensors: `q = clamp(round(x / s + z))`.
fn add_then_round(x: &[f32], scale: f32, zero_point: f32, (low, high): (f32, f32)) -> Quantized {
    let integers: Vec<f32> = x
        .iter()
        .map(|x| stored((x / scale + zero_point).round_ties_even().clamp(low, high)))
        .collect();
    let numbers = integers.iter().map(|q| (q - zero_point) * scale).collect();
    Quantized { scale, zero_point, integers, numbers }
}

fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |amax, x| if x.abs() > amax { x.abs() } else { amax })
}

fn ends(x: &[f32]) -> (f32, f32) {
    x.iter().fold((0.0, 0.0), |(min, max), &x| {
        (if x < min { x } else { min }, if x > max { x } else { max })
    })
}

/// A block of zeros has the scale 1, and no scale is below the smallest normal number or infinite.
fn plain_scale(scale: f32) -> f32 {
    if scale == 0.0 { 1.0 } else { scale.clamp(f32::MIN_POSITIVE, f32::MAX) }
}

fn symmetric(x: &[f32], high: f32) -> Quantized {
    affine(x, plain_scale(largest(x) / high), 0.0, (-high - 1.0, high))
}

fn asymmetric(x: &[f32], (low, high): (f32, f32)) -> Quantized {
    let (min, max) = ends(x);
    let scale = plain_scale((max - min) / (high - low));
    let zero_point = stored((low - min / scale).round_ties_even().clamp(low, high));
    affine(x, scale, zero_point, (low, high))
}

const EPS: f32 = 1.192_092_9e-7;

fn ct_symmetric(x: &[f32], (low, high): (f32, f32)) -> Quantized {
    let scale = largest(x) / ((high - low) / 2.0);
    add_then_round(x, if scale == 0.0 { EPS } else { scale }, 0.0, (low, high))
}

fn ct_asymmetric(x: &[f32], (low, high): (f32, f32)) -> Quantized {
    let (min, max) = ends(x);
    let scale = (max - min) / (high - low);
    let scale = if scale == 0.0 { EPS } else { scale };
    let zero_point = stored((low - min / scale).round_ties_even().clamp(low, high));
    add_then_round(x, scale, zero_point, (low, high))
}

type Naive = fn(&[f32]) -> Quantized;

/// Every preset of a rule, from the names of the extents.
fn families() -> Vec<(&'static str, Vec<&'static str>, Naive)> {
    let plain = vec!["TENSOR", "ROW", "G32", "G64", "G128"];
    vec![
        ("generic::INT8_", plain.clone(), |x| symmetric(x, 127.0)),
        ("generic::INT4_", plain.clone(), |x| symmetric(x, 7.0)),
        ("generic::INT8_ASYM_", plain.clone(), |x| asymmetric(x, (-128.0, 127.0))),
        ("generic::INT4_ASYM_", plain.clone(), |x| asymmetric(x, (-8.0, 7.0))),
        ("generic::UINT8_", plain.clone(), |x| asymmetric(x, (0.0, 255.0))),
        ("generic::UINT4_", plain, |x| asymmetric(x, (0.0, 15.0))),
        ("compressed_tensors::INT4_", vec!["G32", "G128"], |x| ct_symmetric(x, (-8.0, 7.0))),
        ("compressed_tensors::INT8_", vec!["G32", "ROW"], |x| ct_symmetric(x, (-128.0, 127.0))),
        ("compressed_tensors::INT4_", vec!["G32_ASYM", "G128_ASYM"], |x| {
            ct_asymmetric(x, (-8.0, 7.0))
        }),
        ("compressed_tensors::INT8_", vec!["ROW_ASYM"], |x| ct_asymmetric(x, (-128.0, 127.0))),
    ]
}

/// The runs of elements of a tensor of so many columns that share a scale, by the name of the
/// extent.
fn groups<'a>(extent: &str, x: &'a [f32], cols: usize) -> Vec<&'a [f32]> {
    match extent.trim_end_matches("_ASYM") {
        "TENSOR" => vec![x],
        "ROW" => x.chunks(cols).collect(),
        group => {
            let length: usize = group[1..].parse().expect("a number");
            x.chunks(cols).flat_map(|row| row.chunks(length)).collect()
        }
    }
}

fn integers(tensor: &QuantTensor) -> Vec<f32> {
    let view = tensor.view();
    (0..view.len())
        .map(|i| view.spec().element.decode_f32(view.code(i).expect("an element")))
        .collect()
}

fn compare(name: &str, extent: &str, naive: Naive, x: &[f32], cols: usize) {
    let spec = preset::by_name(&format!("{name}{extent}")).expect("a preset").spec;
    let tensor =
        QuantTensor::quantize(&spec, x, &[x.len() / cols, cols]).expect("a shape that fits");
    let expected: Vec<Quantized> = groups(extent, x, cols).into_iter().map(naive).collect();
    let view = tensor.view();
    let scales: Vec<f32> = (0..view.blocks()).map(|block| view.block_scale(block)).collect();
    let zero_points: Vec<f32> =
        (0..view.blocks()).map(|block| spec.element.decode_f32(view.offset_code(block))).collect();
    let what = format!("{name}{extent}");
    check(
        &format!("{what} scales"),
        &scales,
        &expected.iter().map(|block| block.scale).collect::<Vec<_>>(),
    );
    check(
        &format!("{what} zero points"),
        &zero_points,
        &expected.iter().map(|block| block.zero_point).collect::<Vec<_>>(),
    );
    check(
        &format!("{what} codes"),
        &integers(&tensor),
        &expected.iter().flat_map(|block| block.integers.clone()).collect::<Vec<_>>(),
    );
    check(
        &what,
        &tensor.dequantize(),
        &expected.iter().flat_map(|block| block.numbers.clone()).collect::<Vec<_>>(),
    );
}

#[test]
fn integer_presets_equal_plain_loops() {
    let (random, edges) = (blocks(480), blocks(0));
    for (name, extents, naive) in families() {
        for extent in extents {
            // 160 columns: the last group of 64 and of 128 is ragged.
            compare(name, extent, naive, &random, 160);
            compare(name, extent, naive, &edges, 32);
            for inputs in oracle_inputs() {
                compare(name, extent, naive, &inputs, 32);
            }
        }
    }
}

/// The presets that are compared here.
pub(super) fn names() -> Vec<String> {
    let mut names = vec!["bitsandbytes::AF4".to_owned()];
    for (name, extents, _) in families() {
        names.extend(extents.iter().map(|extent| format!("{name}{extent}")));
    }
    names
}

/// Numbers, scale, zero point, integers, numbers that come back.
type Vector = ([f32; 4], f32, f32, [f32; 4], [f32; 4]);

/// Presets and their vectors.
fn worked() -> Vec<(String, [Vector; 2])> {
    let worked: [(&str, [Vector; 2]); 6] = [
        (
            "generic::INT8_",
            [
                (
                    [127.0, -63.5, 1.5, 0.5],
                    1.0,
                    0.0,
                    [127.0, -64.0, 2.0, 0.0],
                    [127.0, -64.0, 2.0, 0.0],
                ),
                (
                    [254.0, -254.0, 3.0, 1.0],
                    2.0,
                    0.0,
                    [127.0, -127.0, 2.0, 0.0],
                    [254.0, -254.0, 4.0, 0.0],
                ),
            ],
        ),
        (
            "generic::INT4_",
            [
                ([7.0, -3.5, 2.5, 0.5], 1.0, 0.0, [7.0, -4.0, 2.0, 0.0], [7.0, -4.0, 2.0, 0.0]),
                ([14.0, -14.0, 3.0, 1.0], 2.0, 0.0, [7.0, -7.0, 2.0, 0.0], [14.0, -14.0, 4.0, 0.0]),
            ],
        ),
        (
            "generic::INT8_ASYM_",
            [
                (
                    [-128.0, 127.0, 0.5, 1.5],
                    1.0,
                    0.0,
                    [-128.0, 127.0, 0.0, 2.0],
                    [-128.0, 127.0, 0.0, 2.0],
                ),
                (
                    [0.0, 510.0, 3.0, 5.0],
                    2.0,
                    -128.0,
                    [-128.0, 127.0, -126.0, -126.0],
                    [0.0, 510.0, 4.0, 4.0],
                ),
            ],
        ),
        (
            "generic::INT4_ASYM_",
            [
                ([-8.0, 7.0, 0.5, 1.5], 1.0, 0.0, [-8.0, 7.0, 0.0, 2.0], [-8.0, 7.0, 0.0, 2.0]),
                ([0.0, 30.0, 3.0, 5.0], 2.0, -8.0, [-8.0, 7.0, -6.0, -6.0], [0.0, 30.0, 4.0, 4.0]),
            ],
        ),
        (
            "generic::UINT8_",
            [
                ([0.0, 255.0, 0.5, 1.5], 1.0, 0.0, [0.0, 255.0, 0.0, 2.0], [0.0, 255.0, 0.0, 2.0]),
                (
                    [-20.0, 490.0, 3.0, 5.0],
                    2.0,
                    10.0,
                    [0.0, 255.0, 12.0, 12.0],
                    [-20.0, 490.0, 4.0, 4.0],
                ),
            ],
        ),
        (
            "generic::UINT4_",
            [
                ([0.0, 15.0, 0.5, 1.5], 1.0, 0.0, [0.0, 15.0, 0.0, 2.0], [0.0, 15.0, 0.0, 2.0]),
                ([-10.0, 20.0, 3.0, 5.0], 2.0, 5.0, [0.0, 15.0, 7.0, 7.0], [-10.0, 20.0, 4.0, 4.0]),
            ],
        ),
    ];
    let compressed: [(&str, [Vector; 2]); 4] = [
        (
            "compressed_tensors::INT4_G128",
            [
                ([7.5, -7.5, 2.5, 0.5], 1.0, 0.0, [7.0, -8.0, 2.0, 0.0], [7.0, -8.0, 2.0, 0.0]),
                ([15.0, -15.0, 3.0, 1.0], 2.0, 0.0, [7.0, -8.0, 2.0, 0.0], [14.0, -16.0, 4.0, 0.0]),
            ],
        ),
        (
            "compressed_tensors::INT8_ROW",
            [
                (
                    [127.5, -127.5, 2.5, 0.5],
                    1.0,
                    0.0,
                    [127.0, -128.0, 2.0, 0.0],
                    [127.0, -128.0, 2.0, 0.0],
                ),
                (
                    [255.0, -255.0, 3.0, 1.0],
                    2.0,
                    0.0,
                    [127.0, -128.0, 2.0, 0.0],
                    [254.0, -256.0, 4.0, 0.0],
                ),
            ],
        ),
        (
            "compressed_tensors::INT4_G128_ASYM",
            [
                ([-8.0, 7.0, 0.5, 1.5], 1.0, 0.0, [-8.0, 7.0, 0.0, 2.0], [-8.0, 7.0, 0.0, 2.0]),
                // -1.5 and -0.5 are the sums that are rounded.
                (
                    [-10.0, 20.0, 3.0, 5.0],
                    2.0,
                    -3.0,
                    [-8.0, 7.0, -2.0, 0.0],
                    [-10.0, 20.0, 2.0, 6.0],
                ),
            ],
        ),
        (
            "compressed_tensors::INT8_ROW_ASYM",
            [
                (
                    [-128.0, 127.0, 0.5, 1.5],
                    1.0,
                    0.0,
                    [-128.0, 127.0, 0.0, 2.0],
                    [-128.0, 127.0, 0.0, 2.0],
                ),
                (
                    [-20.0, 490.0, 3.0, 5.0],
                    2.0,
                    -118.0,
                    [-128.0, 127.0, -116.0, -116.0],
                    [-20.0, 490.0, 4.0, 4.0],
                ),
            ],
        ),
    ];
    let plain = worked.into_iter().flat_map(|(name, vectors)| {
        ["TENSOR", "ROW", "G32", "G64", "G128"].map(|extent| (format!("{name}{extent}"), vectors))
    });
    plain.chain(compressed.map(|(name, vectors)| (name.to_owned(), vectors))).collect()
}

/// Of each preset with a vector here its name, once for each.
pub(super) fn worked_names() -> Vec<String> {
    let names = worked().into_iter().flat_map(|(name, vectors)| vectors.map(|_| name.clone()));
    names.chain(AF4_VECTORS.map(|_| "bitsandbytes::AF4".to_owned())).collect()
}

#[test]
fn integer_presets_give_the_worked_vectors() {
    for (name, vectors) in worked() {
        let spec = preset::by_name(&name).expect("a preset").spec;
        for (x, scale, zero_point, codes, numbers) in vectors {
            let tensor = QuantTensor::quantize(&spec, &x, &[1, 4]).expect("a shape that fits");
            assert_eq!(tensor.view().block_scale(0), scale, "{name} {x:?}");
            assert_eq!(
                spec.element.decode_f32(tensor.view().offset_code(0)),
                zero_point,
                "{name} {x:?}"
            );
            assert_eq!(
                (&integers(&tensor)[..], &tensor.dequantize()[..]),
                (&codes[..], &numbers[..]),
                "{name} {x:?}"
            );
        }
    }
}

/// AF4 in bitsandbytes' descending order, formats.md 1.11.
#[expect(clippy::excessive_precision, reason = "the digits of the document")]
const AF4: [f32; 16] = [
    1.0,
    0.724_248_63,
    0.554_962_34,
    0.425_638_82,
    0.316_756_66,
    0.219_612_74,
    0.129_344_83,
    0.042_731_64,
    0.0,
    -0.049_348_12,
    -0.149_824_78,
    -0.256_075_52,
    -0.373_695_1,
    -0.512_437_39,
    -0.694_410_08,
    -1.0,
];

#[test]
fn af4_equals_plain_loops() {
    let spec = preset::bitsandbytes::AF4;
    let mut inputs = oracle_inputs();
    inputs.extend([blocks(480), blocks(0)]);
    for x in inputs {
        let tensor = QuantTensor::quantize(&spec, &x, &[x.len()]).expect("a shape that fits");
        let (mut codes, mut numbers, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for block in x.chunks(64) {
            let amax = largest(block);
            let inverse = 1.0 / amax.max(1e-38);
            scales.push(amax);
            for x in block {
                let y = (x * inverse).clamp(-1.0, 1.0);
                // Entries descend: the code is that of the last whose midpoint with the one before
                // is not below y.
                let code = (1..16).take_while(|&i| (AF4[i] + AF4[i - 1]) / 2.0 >= y).count();
                codes.push(code as f32);
                numbers.push(AF4[code] * amax);
            }
        }
        let view = tensor.view();
        let found: Vec<f32> =
            (0..view.len()).map(|i| view.code(i).expect("an element") as f32).collect();
        check("AF4 codes", &found, &codes);
        check(
            "AF4 scales",
            &(0..view.blocks()).map(|block| view.block_scale(block)).collect::<Vec<_>>(),
            &scales,
        );
        check("AF4", &tensor.dequantize(), &numbers);
    }
}

/// Numbers, codes, numbers that come back.
const AF4_VECTORS: [(&[f32], &[u32], &[f32]); 2] = [
    (&[1.0, -1.0, 0.0, 0.3], &[0, 15, 8, 4], &[1.0, -1.0, 0.0, AF4[4]]),
    (&[-2.0, 0.1], &[15, 7], &[-2.0, 2.0 * AF4[7]]),
];

#[test]
fn af4_gives_the_worked_vectors() {
    let quantized = |x: &[f32]| {
        let tensor = QuantTensor::quantize(&preset::bitsandbytes::AF4, x, &[x.len()])
            .expect("a shape that fits");
        let codes: Vec<u32> = (0..x.len()).filter_map(|i| tensor.view().code(i)).collect();
        (codes, tensor.dequantize())
    };
    for (x, codes, numbers) in AF4_VECTORS {
        assert_eq!(quantized(x), (codes.to_vec(), numbers.to_vec()));
    }
}

#[test]
fn integers_of_a_given_scale_do_not_depend_on_the_data() {
    let spec = preset::generic::UINT8_TENSOR.with_extent(Extent::Row);
    let tensor = Quantizer::new(&spec)
        .scales(&[0.5, 2.0], &[10.0, 0.0])
        .quantize(&[1.0f32, -9.0, 1.0, 600.0], &[2, 2]);
    let tensor = tensor.expect("a shape that fits");
    assert_eq!(
        (integers(&tensor), tensor.dequantize()),
        (vec![12.0, 0.0, 0.0, 255.0], vec![1.0, -5.0, 0.0, 510.0])
    );
}

#[test]
fn rules_of_elements_refuse_formats_that_they_cannot_round_to() {
    let nf4 = preset::bitsandbytes::NF4;
    for spec in [
        preset::generic::INT8_ROW.with_element_rounding(ElementRounding::Midpoints),
        nf4.with_element_rounding(ElementRounding::Steps(0)),
        BlockSpec::new(FormatSpec::F16, None, Extent::Tensor, ScaleRule::Unit)
            .with_element_rounding(ElementRounding::LeastError),
        nf4.with_element_rounding(ElementRounding::AddHalfTruncate),
    ] {
        assert!(matches!(spec.validate(), Err(Error::Block(_))), "{:?}", spec.element_rounding);
    }
}
