//! Vectors of NVFP4, FP8 and HiF8 worked by hand, for the presets that stand on a formula alone.

use subhalf::{QuantTensor, preset};

/// Names of presets, and for them the numbers of one row, scale codes, and the codes of its first
/// elements.
type Vector<'a> = (&'a [&'a str], &'a [f32], &'a [u32], &'a [u32]);

/// What is done with each.
type Check<'a> = dyn FnMut(Vector<'_>) + 'a;

const E4M3: &[&str] = &[
    "generic::FP8_E4M3_TENSOR",
    "generic::FP8_E4M3_ROW",
    "generic::FP8_E4M3_1X128",
    "generic::FP8_E4M3_128X128",
    "deepseek::v3::FP8_E4M3_1X128",
    "deepseek::v3::FP8_E4M3_128X128",
    "deepgemm::FP8_E4M3_1X128",
    "deepgemm::FP8_E4M3_128X128",
    "torchao::FP8_E4M3_TENSOR",
    "torchao::FP8_E4M3_ROW",
    "transformer_engine::FP8_E4M3_TENSOR",
    "transformer_engine::FP8_E4M3_1X128",
    "transformer_engine::FP8_E4M3_128X128",
];
const E5M2: &[&str] = &[
    "generic::FP8_E5M2_TENSOR",
    "generic::FP8_E5M2_ROW",
    "torchao::FP8_E5M2_TENSOR",
    "torchao::FP8_E5M2_ROW",
    "transformer_engine::FP8_E5M2_TENSOR",
    "transformer_engine::FP8_E5M2_1X128",
    "transformer_engine::FP8_E5M2_128X128",
];
const E4M3_POWERS: &[&str] = &[
    "generic::FP8_E4M3_1X128_UE8M0",
    "generic::FP8_E4M3_128X128_UE8M0",
    "deepseek::v3_1::FP8_E4M3_1X128",
    "deepseek::v3_1::FP8_E4M3_128X128",
    "deepgemm::FP8_E4M3_1X128_UE8M0",
    "deepgemm::FP8_E4M3_128X128_UE8M0",
    "transformer_engine::MXFP8_E4M3",
    "transformer_engine::FP8_E4M3_1X128_POW2",
    "transformer_engine::FP8_E4M3_128X128_POW2",
];
const E5M2_POWERS: &[&str] = &[
    "transformer_engine::MXFP8_E5M2",
    "transformer_engine::FP8_E5M2_1X128_POW2",
    "transformer_engine::FP8_E5M2_128X128_POW2",
];
const FOUR_OVER_SIX: &[&str] = &[
    "transformer_engine::NVFP4_4OVER6_MAE",
    "transformer_engine::NVFP4_4OVER6_MSE",
    "fouroversix::NVFP4_MAE",
    "fouroversix::NVFP4_MSE",
    "fouroversix::NVFP4_MAX",
];
const FOUR_OVER_SIX_448: &[&str] =
    &["transformer_engine::NVFP4_4OVER6_448_MAE", "transformer_engine::NVFP4_4OVER6_448_MSE"];
const NVFP4: &[&str] = &["transformer_engine::NVFP4", "fouroversix::NVFP4_STATIC"];

/// 16 numbers of which the first are these, the others zeros.
const fn block<const N: usize>(first: [f32; N]) -> [f32; 16] {
    let mut all = [0.0; 16];
    let mut i = 0;
    while i < N {
        all[i] = first[i];
        i += 1;
    }
    all
}

const fn bits(x: f32) -> u32 {
    x.to_bits()
}

/// Two blocks of 16.
fn blocks(first: [f32; 16], second: [f32; 16]) -> Vec<f32> {
    [first, second].concat()
}

fn check((names, x, scales, codes): Vector<'_>) {
    for name in names {
        let spec = preset::by_name(name).unwrap_or_else(|error| panic!("{error}")).spec;
        let tensor = QuantTensor::quantize(&spec, x, &[1, x.len()]).expect("a tensor");
        let view = tensor.view();
        let found: Vec<u32> = (0..view.blocks()).map(|block| view.scale_code(block)).collect();
        assert_eq!(found, scales, "{name}: scales of {x:?}");
        let found: Vec<u32> = (0..codes.len()).map(|i| view.code(i).expect("an element")).collect();
        assert_eq!(found, codes, "{name}: codes of {x:?}");
    }
}

fn fp8(check: &mut Check<'_>) {
    // amax 896 = 2 · 448. 1/2 is 0x30; -3/2 is 1.5, 0x3C, with a sign; 0.0625/2 = 2^-5 is 0x10.
    check((E4M3, &[896.0, 1.0, -3.0, 0.0625], &[bits(2.0)], &[0x7E, 0x30, 0xBC, 0x10]));
    check((E4M3_POWERS, &[896.0, 1.0, -3.0, 0.0625], &[128], &[0x7E, 0x30, 0xBC, 0x10]));
    // amax 672 = 1.5 · 448: the scale 1.5, or 2. 672/2 = 336 is half-way between 320 (0x7A) and 352
    // (0x7B): to the even code. 0.75/1.5 = 0.5; 0.75/2 = 0.375 = 1.5 · 2^-2, 0x2C. 39/1.5 = 26 =
    // 1.625 · 2^4, 0x5D; 39/2 = 19.5 is nearest to 20 = 1.25 · 2^4, 0x5A.
    check((E4M3, &[-672.0, 0.75, 39.0], &[bits(1.5)], &[0xFE, 0x30, 0x5D]));
    check((E4M3_POWERS, &[-672.0, 0.75, 39.0], &[128], &[0xFA, 0x2C, 0x5A]));
    // E5M2, max 57344 (0x7B): 1/2 is 0x38; 5/2 = 2.5 = 1.25 · 2, 0x41. With 1.5: 3/1.5 = 2, 0x40;
    // and by 2: 86016/2 = 43008 = 1.3125 · 2^15 is nearest to 1.25 · 2^15, 0x79; 3/2 is 0x3E.
    check((E5M2, &[114_688.0, 1.0, 5.0], &[bits(2.0)], &[0x7B, 0x38, 0x41]));
    check((E5M2, &[86_016.0, 3.0], &[bits(1.5)], &[0x7B, 0x40]));
    check((E5M2_POWERS, &[114_688.0, 1.0, 5.0], &[128], &[0x7B, 0x38, 0x41]));
    check((E5M2_POWERS, &[86_016.0, 3.0], &[128], &[0x79, 0x3E]));
}

fn zeros(check: &mut Check<'_>) {
    let x = [0.0, -0.0];
    // A scale of 1.
    let ones = [
        "generic::FP8_E4M3_TENSOR",
        "generic::FP8_E5M2_ROW",
        "transformer_engine::FP8_E4M3_TENSOR",
        "transformer_engine::FP8_E5M2_1X128",
    ];
    check((&ones, &x, &[bits(1.0)], &[0x00, 0x80]));
    let ones = ["generic::FP8_E4M3_1X128_UE8M0", "transformer_engine::FP8_E4M3_128X128_POW2"];
    check((&ones, &x, &[127], &[0x00, 0x80]));
    // The smallest scale.
    check((
        &["transformer_engine::MXFP8_E4M3", "transformer_engine::MXFP8_E5M2"],
        &x,
        &[0],
        &[0x00, 0x80],
    ));
    // 1e-4 / 448 is 1.87 · 2^-23, so 2^-22, code 105.
    check((
        &["deepgemm::FP8_E4M3_1X128", "deepgemm::FP8_E4M3_128X128"],
        &x,
        &[bits(1e-4 / 448.0)],
        &[0x00, 0x80],
    ));
    check((
        &["deepgemm::FP8_E4M3_1X128_UE8M0", "deepseek::v3_1::FP8_E4M3_1X128"],
        &x,
        &[105],
        &[0x00, 0x80],
    ));
    // 0 / 0.
    check((
        &["deepseek::v3::FP8_E4M3_1X128", "torchao::FP8_E4M3_TENSOR", "torchao::FP8_E5M2_ROW"],
        &x,
        &[0],
        &[0x7F, 0x7F],
    ));
}

fn infinity_and_nan(check: &mut Check<'_>) {
    let (infinity, nan) = ([1.0, f32::INFINITY], [1.0, f32::NAN]);
    check((&["transformer_engine::MXFP8_E4M3"], &infinity, &[254], &[0x00, 0x7E]));
    check((&["transformer_engine::MXFP8_E4M3"], &nan, &[119], &[0x78, 0x7F]));
    check((&["transformer_engine::FP8_E4M3_TENSOR"], &infinity, &[bits(1.0)], &[0x38, 0x7E]));
    check((&["transformer_engine::FP8_E4M3_1X128_POW2"], &infinity, &[127], &[0x38, 0x7E]));
    // NaN is passed over: 1 becomes 448.
    check((&["transformer_engine::FP8_E4M3_1X128_POW2"], &nan, &[119], &[0x78, 0x7F]));
    check((&["deepgemm::FP8_E4M3_1X128_UE8M0"], &infinity, &[254], &[0x00, 0x7E]));
    check((&["deepgemm::FP8_E4M3_1X128_UE8M0"], &nan, &[254], &[0x00, 0x7F]));
    check((
        &["deepgemm::FP8_E4M3_1X128", "torchao::FP8_E4M3_TENSOR"],
        &infinity,
        &[bits(f32::INFINITY)],
        &[0x00, 0x7F],
    ));
    check((&["deepseek::v3::FP8_E4M3_1X128"], &infinity, &[bits(f32::INFINITY)], &[0x00, 0x7F]));
    check((&["generic::FP8_E4M3_1X128_UE8M0"], &infinity, &[119], &[0x78, 0x7E]));
}

fn hif8(check: &mut Check<'_>) {
    // amax 65536 = 2 · 32768 (0x6E). 3/2 = 1.5 is 0x0C; 34/2 = 17 is between 16 (0x40) and 20: 16.
    // 36/2 = 18 is half-way: away, 20 (0x41).
    check((
        &["generic::HIF8_TENSOR"],
        &[65_536.0, 3.0, 34.0, -36.0],
        &[bits(2.0)],
        &[0x6E, 0x0C, 0x40, 0xC1],
    ));
    check((&["generic::HIF8_TENSOR"], &[0.0, -0.0, f32::NAN], &[bits(1.0)], &[0, 0, 0x80]));
    // amax 30 = 2 · 15, 15 = 1.875 · 8, 0x2F; 1/2 is 0x18.
    check((&["generic::HIF8_TENSOR_TO_15"], &[-30.0, 1.0], &[bits(2.0)], &[0xAF, 0x18]));
    // By 16/15: 14.06, nearest to 14, and 7.5 = 1.875 · 4.
    check((
        &["generic::HIF8_TENSOR_TO_15"],
        &[15.0, 16.0, 8.0],
        &[bits(16.0 / 15.0)],
        &[0x2E, 0x2F, 0x27],
    ));
    // amax 448 = 2 · 224, 224 = 1.75 · 128, 0x4F.
    check((
        &["generic::HIF8_TENSOR_TO_224"],
        &[448.0, 2.0, -4.0],
        &[bits(2.0)],
        &[0x4F, 0x08, 0x90],
    ));
    check((&["generic::HIF8_TENSOR_TO_224"], &[-112.0, 0.5], &[bits(0.5)], &[0xCF, 0x08]));
}

fn nvfp4(check: &mut Check<'_>) {
    // formats.md 7.4: an amax of 2688 makes T 1. Blocks of amax 2688, 6 and 3 have scales 448
    // (0x7E), 1 (0x38) and 0.5 (0x30); of amax 0.01, 0.01/6 is nearest to 2^-9 (0x01), so 0.01 is
    // 5.12 of it: 6.
    for (amax, scale, codes) in [(6.0, 0x38, [7, 2]), (3.0, 0x30, [7, 4])] {
        let x = blocks(block([2688.0]), block([amax, 1.0]));
        let mut all = [0; 18];
        (all[0], all[16], all[17]) = (7, codes[0], codes[1]);
        check((NVFP4, &x, &[0x7E, scale], &all));
    }
    let mut codes = [0; 18];
    (codes[0], codes[16]) = (7, 15);
    check((NVFP4, &blocks(block([2688.0]), block([-0.01])), &[0x7E, 0x01], &codes));
    // 0.001/6 is less than half of 2^-9: scale 0. Transformer Engine makes everything 6, 4over6
    // zeros.
    let vanishing = blocks(block([2688.0]), block([-0.001, 0.001]));
    (codes[16], codes[17]) = (15, 7);
    check((&NVFP4[..1], &vanishing, &[0x7E, 0], &codes));
    (codes[16], codes[17]) = (0, 0);
    check((&NVFP4[1..], &vanishing, &[0x7E, 0], &codes));
    // One tile of 16x16 would have one scale; a row of 32 has two tiles.
    let tile = blocks(block([2688.0]), block([6.0, 1.0]));
    check((&["transformer_engine::NVFP4_16X16"], &tile, &[0x7E, 0x38], &[7]));
    check((&["transformer_engine::NVFP4_16X16"], &[0.0; 32], &[0, 0], &[0]));
    // The same of the others: amax 2688 makes t and T 1. A tile of zeros has torchao's least scale
    // 2^-6, Model Optimizer's 1, compressed-tensors' 1/8.
    let others =
        ["torchao::NVFP4_16X16", "modelopt::NVFP4_16X16", "compressed_tensors::NVFP4_16X16"];
    check((&others, &tile, &[0x7E, 0x38], &[7]));
    for (name, scale) in others.iter().zip([0x08, 0x38, 0x20]) {
        check((&[name], &[0.0; 32], &[scale, scale], &[0]));
    }
    // amax 1536 makes 4over6's T 1: scales 1536/6 = 256 and 6/6, without an error, so the first
    // candidates stay.
    let tile = blocks(block([1536.0]), block([6.0, 1.0]));
    check((&["fouroversix::NVFP4_MSE_16X16"], &tile, &[0x78, 0x38], &[7]));
    check((&["fouroversix::NVFP4_MSE_16X16"], &[0.0; 32], &[0, 0], &[0]));
    // NVINT4: amax 3136 makes T 1; amax 7 has scale 1, and −2.5 goes to −2 (0xE), the even one.
    let mut codes = [0; 18];
    (codes[0], codes[16], codes[17]) = (7, 7, 0xE);
    check((
        &["fouroversix::NVINT4"],
        &blocks(block([3136.0]), block([7.0, -2.5])),
        &[0x7E, 0x38],
        &codes,
    ));
    (codes[16], codes[17]) = (9, 1);
    check((
        &["fouroversix::NVINT4"],
        &blocks(block([3136.0]), block([-14.0, 2.0])),
        &[0x7E, 0x40],
        &codes,
    ));
}

fn four_over_six(check: &mut Check<'_>) {
    // An amax of 1536 makes T 1: scale 256 (0x78), or 384 (0x7C) for 4. Block two: [6, 4.5] under 1
    // gives 6 and 4 (a tie to even), 0.5 off; under 1.5 it gives 4 and 3, nothing off.
    let mut codes = [0; 18];
    (codes[0], codes[16], codes[17]) = (7, 6, 5);
    check((FOUR_OVER_SIX, &blocks(block([1536.0]), block([6.0, 4.5])), &[0x78, 0x3C], &codes));
    // [6, 4] under 1 is exact; under 1.5, 4 becomes 3 · 1.5. Where both are exact, as for 6 alone,
    // the first is taken.
    (codes[16], codes[17]) = (7, 6);
    check((FOUR_OVER_SIX, &blocks(block([1536.0]), block([6.0, 4.0])), &[0x78, 0x38], &codes));
    // With 2688: 448 · 1.5 would be 672, so the first block's other candidate is 448 too, and the
    // first is taken.
    (codes[16], codes[17]) = (6, 5);
    check((FOUR_OVER_SIX_448, &blocks(block([2688.0]), block([6.0, 4.5])), &[0x7E, 0x3C], &codes));
    (codes[16], codes[17]) = (7, 6);
    check((FOUR_OVER_SIX_448, &blocks(block([2688.0]), block([6.0, 4.0])), &[0x7E, 0x38], &codes));
}

#[test]
fn vectors_worked_by_hand() {
    PARTS.iter().for_each(|part| part(&mut check));
}

const PARTS: [fn(&mut Check<'_>); 6] = [fp8, zeros, infinity_and_nan, hif8, nvfp4, four_over_six];

/// Of each preset with a vector here its name, once for each.
pub(super) fn names() -> Vec<String> {
    let mut names = Vec::new();
    let mut collect = |(of, ..): Vector<'_>| names.extend(of.iter().map(|&name| name.to_owned()));
    PARTS.iter().for_each(|part| part(&mut collect));
    names
}
