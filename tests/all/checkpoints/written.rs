//! Weights written in every layout and read back: the same scheme's program, shape and numbers.

use std::io::Cursor;
use subhalf::io::{
    CheckpointFiles, CheckpointLayout, Convention, Loaded, QuantizedModel, SafetensorsContents,
};
use subhalf::{FormatSpec, QuantTensor, Quantizer};

/// Numbers of many sizes, with a row of zeros and zeros among others.
fn numbers(count: usize, cols: usize) -> Vec<f32> {
    let number = |i: usize| {
        let bits = (i as u32).wrapping_mul(0x9E37_79B9) ^ 0x5BD1_E995;
        let unit = (bits >> 8) as f32 / 8_388_608.0 - 1.0;
        match (i / cols == 1, bits % 13) {
            (true, _) | (_, 0) => 0.0,
            (_, 1) => unit * 40.0,
            _ => unit,
        }
    };
    (0..count).map(number).collect()
}

/// Writes a weight in pieces of `rows` rows, and returns what it is read back as.
fn through_a_file(
    layout: &CheckpointLayout,
    tensor: &QuantTensor,
    rows: usize,
) -> (String, Vec<usize>, Vec<f32>) {
    let name = if layout.name().starts_with("gpt_oss") { "experts.down_proj" } else { "l.weight" };
    let shape = tensor.shape().to_vec();
    let parts = layout.tensors(name, &shape).unwrap();
    let mut contents = SafetensorsContents::new();
    for part in &parts {
        contents.tensor(part.name(), &part.dtype(), part.shape()).unwrap();
    }
    let mut writer = contents.write(Cursor::new(Vec::new())).unwrap();
    let all = shape[..shape.len() - 1].iter().product();
    for first in (0..all).step_by(rows) {
        let view = tensor.view().rows(first..(first + rows).min(all)).unwrap();
        let bytes = layout.bytes(&view, &shape).unwrap();
        for (part, bytes) in parts.iter().zip(&bytes) {
            if first == 0 || !part.is_constant() {
                writer.bytes(part.name(), bytes).unwrap();
            }
        }
    }
    let file = writer.finish().unwrap().into_inner();
    let config = layout.config(None, &QuantizedModel::default()).unwrap();
    let checkpoint = CheckpointFiles::new()
        .config("config.json", &config)
        .unwrap()
        .bytes("model.safetensors", &file)
        .read()
        .unwrap();
    let carried: Vec<_> = checkpoint.carried().iter().map(|tensor| tensor.reason()).collect();
    assert!(carried.is_empty(), "{}: {carried:?}", layout.name());
    let [weight] = checkpoint.weights() else { panic!("{}: one weight", layout.name()) };
    assert_eq!(weight.name(), name);
    let scheme = weight.scheme().unwrap();
    assert_eq!(scheme.convention, layout.convention(), "{}", layout.name());
    let Loaded::Quantized(read) = checkpoint.load(weight).unwrap() else { panic!("codes") };
    let view = read.view().unwrap();
    // GPTQ's symmetric integers are read as unsigned ones with a zero point in the middle.
    let symmetric = layout.name().starts_with("gptq::");
    assert!(symmetric || view.spec().element == layout.spec().element, "{}", layout.name());
    assert_eq!(view.spec().extent, layout.spec().extent, "{}", layout.name());
    (layout.name().to_owned(), view.shape().to_vec(), view.dequantize())
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn every_layout_is_read_back() {
    let layouts = CheckpointLayout::all();
    assert_eq!(layouts.len(), 122);
    let mut pieces = 0;
    for layout in &layouts {
        for scale in [FormatSpec::F32, FormatSpec::BF16, FormatSpec::F16] {
            let layout = layout.clone().for_numbers(&scale);
            // gpt-oss has stacks of experts alone.
            let is_stack = layout.convention() == Convention::GptOss;
            let shape: &[usize] = if is_stack { &[4, 40, 384] } else { &[160, 384] };
            let x = numbers(160 * 384, 384);
            let spec = layout.spec();
            let tensor = Quantizer::new(&spec).quantize(&x, shape).unwrap();
            let whole = through_a_file(&layout, &tensor, 160);
            assert_eq!((&whole.0[..], &whole.1[..]), (layout.name(), shape));
            assert_eq!(bits(&whole.2), bits(&tensor.dequantize()), "{}", layout.name());
            if layout.is_by_rows() {
                let rows = layout.row_step();
                let cut = through_a_file(&layout, &tensor, rows);
                assert_eq!(bits(&cut.2), bits(&whole.2), "{} by {rows} rows", layout.name());
                pieces += 1;
            }
        }
    }
    // All but 24 layouts of GPTQ and three of AWQ.
    assert_eq!(pieces, 3 * (122 - 27));
}

#[test]
fn rows_that_end_within_a_group_are_read_by_the_config() {
    // 130 columns in groups of 128: the shapes alone would say two groups of 65.
    let (rows, cols) = (33, 130);
    let layout = CheckpointLayout::by_name("compressed_tensors::INT4_G128").unwrap();
    assert!(layout.tensors("l.weight", &[rows, cols]).is_err());
    let x = numbers(rows * cols, cols);
    let tensor = QuantTensor::quantize(&layout.spec(), &x, &[rows, cols]).unwrap();
    let words = subhalf::layout::to_compressed_tensors(&tensor.view()).unwrap();
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let shape: Vec<u8> = [rows, cols].iter().flat_map(|&n| (n as i64).to_le_bytes()).collect();
    let mut contents = SafetensorsContents::new();
    contents.tensor("l.weight_packed", "I32", &[rows, cols.div_ceil(8)]).unwrap();
    contents.tensor("l.weight_scale", "F32", &[rows, 2]).unwrap();
    contents.tensor("l.weight_shape", "I64", &[2]).unwrap();
    let mut writer = contents.write(Cursor::new(Vec::new())).unwrap();
    writer.bytes("l.weight_packed", &words).unwrap();
    writer.bytes("l.weight_scale", tensor.scales()).unwrap();
    writer.bytes("l.weight_shape", &shape).unwrap();
    let file = writer.finish().unwrap().into_inner();
    let config = layout.config(None, &QuantizedModel::default()).unwrap();
    let files = CheckpointFiles::new().config("config.json", &config).unwrap();
    let checkpoint = files.bytes("model.safetensors", &file).read().unwrap();
    let weight = checkpoint.load(checkpoint.weight("l.weight").unwrap()).unwrap();
    assert_eq!(bits(&weight.to_f32().unwrap()), bits(&tensor.dequantize()));
}
