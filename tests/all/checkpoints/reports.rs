//! Situations of public reports that concern parts of weights: right values by the formula, number
//! by number.

use subhalf::{
    BlockSpec, BlockStats, CustomRule, Encoding, Extent, FormatSpec, IntSpec, QuantTensor,
    QuantView, ScaleRule, preset,
};

fn numbers(count: usize) -> Vec<f32> {
    let number = |i: usize| {
        let bits = (i as u32).wrapping_mul(0x9E37_79B9);
        (bits >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(number).collect()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn shards_of_tensor_parallelism_may_cut_tiles_and_blocks() {
    // vLLM #33327: 288 of 576 rows, and half of 10944 columns, which are 85.5 tiles of 128.
    let tiles = preset::generic::FP8_E4M3_128X128;
    for (shape, cut) in [([576, 64], [288, 64]), ([16, 10_944], [16, 5_472])] {
        let [rows, cols] = shape;
        let x = numbers(rows * cols);
        let whole = QuantTensor::quantize(&tiles, &x, &shape).unwrap();
        let all = whole.dequantize();
        let halves = |view: QuantView<'_>, half: usize| {
            let view = if cut[0] < rows {
                view.rows(half * cut[0]..(half + 1) * cut[0]).unwrap()
            } else {
                view.cols(half * cut[1]..(half + 1) * cut[1]).unwrap()
            };
            view.dequantize()
        };
        for half in 0..2 {
            let expected: Vec<f32> = (0..cut[0])
                .flat_map(|row| {
                    let (row, col) =
                        if cut[0] < rows { (row + half * cut[0], 0) } else { (row, half * cut[1]) };
                    all[row * cols + col..][..cut[1]].to_vec()
                })
                .collect();
            assert_eq!(bits(&halves(whole.view(), half)), bits(&expected), "{shape:?} {half}");
        }
    }
    // vllm-gaudi #1499: 720 of 2880 columns of MXFP4 are 22.5 blocks.
    let x = numbers(4 * 2880);
    let whole = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[4, 2880]).unwrap();
    let all = whole.dequantize();
    let shards: Vec<QuantView<'_>> =
        (0..4).map(|i| whole.view().cols(720 * i..720 * (i + 1)).unwrap()).collect();
    for (i, shard) in shards.iter().enumerate() {
        let expected: Vec<f32> =
            (0..4).flat_map(|row| all[row * 2880 + 720 * i..][..720].to_vec()).collect();
        assert_eq!(bits(&shard.dequantize()), bits(&expected), "shard {i}");
    }
    assert_eq!(QuantTensor::concat_cols(&shards).unwrap().dequantize(), all);
}

#[test]
fn ternary_weights_have_the_mean_magnitude_as_scale() {
    // BitNet #616: t = clamp(round(x / s), -1, 1) with s the mean of |x|, numbers t · s.
    fn absmean(block: &BlockStats<'_>) -> f32 {
        (block.sum_of_magnitudes() / block.finite as f64) as f32
    }
    const TERNARY: FormatSpec = FormatSpec::constant(
        "TERNARY",
        Encoding::Int(IntSpec { signed: true, bits: 2, fraction_bits: 0, symmetric: true }),
    );
    let spec = BlockSpec::new(
        TERNARY,
        Some(FormatSpec::F32),
        Extent::Tensor,
        ScaleRule::Custom(CustomRule::with_elements(absmean)),
    );
    let x = numbers(3 * 40);
    let tensor = QuantTensor::quantize(&spec, &x, &[3, 40]).unwrap();
    let mean = x.iter().map(|x| f64::from(x.abs())).sum::<f64>() / 120.0;
    let scale = tensor.view().scale(0).unwrap();
    assert_eq!(scale, mean as f32);
    for (x, back) in x.iter().zip(tensor.dequantize()) {
        let quotient = f64::from(*x) / f64::from(scale);
        let expected = quotient.round_ties_even().clamp(-1.0, 1.0) * f64::from(scale);
        assert_eq!(f64::from(back), expected, "{x}");
    }
}
