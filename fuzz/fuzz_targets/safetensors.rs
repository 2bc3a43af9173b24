//! Opens checkpoints of safetensors, groups their tensors, and loads every weight.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use subhalf::Accept;
use subhalf::io::{Checkpoint, CheckpointFiles, Loaded, ReadError};
use subhalf_fuzz::{Choices, Share};

static SHARE: Share = Share::new();

/// A tensor beside others: suffix, dtype, bits of an element, and its shape for a weight of so many
/// rows and columns.
type Part = (&'static str, &'static str, usize, fn(usize, usize) -> Vec<usize>);

fn whole(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows, cols]
}
fn halves(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows, cols / 2]
}
fn words(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows, cols / 8]
}
fn by_16(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows, cols / 16]
}
fn by_32(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows, cols / 32]
}
fn by_64(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows, cols / 64]
}
fn tiles(rows: usize, cols: usize) -> Vec<usize> {
    vec![rows.div_ceil(128), cols.div_ceil(128)]
}
fn by_row(rows: usize, _: usize) -> Vec<usize> {
    vec![rows, 1]
}
fn scalar(_: usize, _: usize) -> Vec<usize> {
    vec![]
}
fn one(_: usize, _: usize) -> Vec<usize> {
    vec![1]
}
fn two(_: usize, _: usize) -> Vec<usize> {
    vec![2]
}

/// Weights as programs store them.
const RECIPES: [&[Part]; 15] = [
    &[("weight", "F32", 32, whole)],
    &[("weight", "BF16", 16, whole)],
    &[("weight", "F64", 64, whole)],
    &[("weight", "F8_E4M3", 8, whole), ("weight_scale_inv", "F32", 32, tiles)],
    &[("weight", "F8_E4M3", 8, whole), ("scale", "F8_E8M0", 8, tiles)],
    &[("weight", "F8_E4M3", 8, whole), ("weight_scale", "F32", 32, by_row)],
    &[("weight", "I8", 8, whole), ("weight_scale", "BF16", 16, by_row)],
    &[
        ("weight", "U8", 8, halves),
        ("weight_scale", "F8_E4M3", 8, by_16),
        ("weight_scale_2", "F32", 32, scalar),
    ],
    &[
        ("weight_packed", "U8", 8, halves),
        ("weight_scale", "F8_E4M3", 8, by_16),
        ("weight_global_scale", "F32", 32, one),
    ],
    &[("weight_packed", "U8", 8, halves), ("weight_scale", "U8", 8, by_32)],
    &[
        ("weight_packed", "I32", 32, words),
        ("weight_scale", "F16", 16, by_32),
        ("weight_shape", "I64", 64, two),
    ],
    &[("weight", "U32", 32, words), ("scales", "F16", 16, by_64), ("biases", "F16", 16, by_64)],
    &[("weight", "U32", 32, words), ("scales", "U8", 8, by_32)],
    &[
        ("qweight", "I32", 32, |rows, cols| vec![cols / 8, rows]),
        ("qzeros", "I32", 32, |rows, cols| vec![cols / 64, rows / 8]),
        ("scales", "F16", 16, |rows, cols| vec![cols / 64, rows]),
        ("g_idx", "I32", 32, |_, cols| vec![cols]),
    ],
    &[
        ("qweight", "I32", 32, |rows, cols| vec![cols, rows / 8]),
        ("qzeros", "I32", 32, |rows, cols| vec![cols / 64, rows / 8]),
        ("scales", "F16", 16, |rows, cols| vec![cols / 64, rows]),
    ],
];

const DTYPES: [(&str, usize); 16] = [
    ("BOOL", 8),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("U8", 8),
    ("I8", 8),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("I16", 16),
    ("U16", 16),
    ("F16", 16),
    ("BF16", 16),
    ("I32", 32),
    ("F32", 32),
    ("I64", 64),
];

const CONFIGS: [&str; 8] = [
    "",
    "{}",
    r#"{"quantization_config":{"quant_method":"gptq","bits":4,"group_size":64,"desc_act":true,"checkpoint_format":"gptq"}}"#,
    r#"{"quantization_config":{"quant_method":"awq","bits":4,"group_size":64,"version":"gemm"}}"#,
    r#"{"quantization_config":{"quant_method":"fp8","weight_block_size":[128,128]}}"#,
    r#"{"quantization_config":{"quant_method":"modelopt","quant_algo":"NVFP4"}}"#,
    r#"{"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized"}}"#,
    r#"{"quantization":{"group_size":64,"bits":4}}"#,
];

/// Files beyond this are cut: one input takes microseconds.
const LONGEST: usize = 1 << 16;

/// A good file.
fn build(choices: &mut Choices<'_>) -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for index in 0..choices.below(4) {
        let base = ["", "a.", "model.layers.0.q."][choices.below(3)];
        let (rows, cols) =
            (choices.one_of(&[0, 1, 2, 8, 16, 130]), choices.one_of(&[0, 64, 128, 192]));
        for (suffix, dtype, bits, shape) in choices.one_of(&RECIPES) {
            let mut shape = shape(rows, cols);
            let mut kind = (*dtype, *bits);
            // Now and then a tensor is missing, of another shape, or of another type.
            match choices.below(24) {
                0 => continue,
                1 => shape.reverse(),
                2 => shape.push(choices.below(3)),
                3 => kind = choices.one_of(&DTYPES),
                _ => {}
            }
            let elements: usize = shape.iter().product();
            if data.len() + elements * kind.1 / 8 > LONGEST || elements * kind.1 % 8 != 0 {
                continue;
            }
            let start = data.len();
            let mut bytes = choices.noise(elements * kind.1 / 8);
            match *suffix {
                "weight_shape" => {
                    let axes = [rows as u64, cols as u64].map(u64::to_le_bytes);
                    bytes = axes.concat();
                    bytes.truncate(elements * kind.1 / 8);
                }
                "g_idx" => {
                    for (at, place) in bytes.chunks_exact_mut(4).enumerate() {
                        place.copy_from_slice(&(at as u32 / 64).to_le_bytes());
                    }
                }
                _ => {}
            }
            data.extend(bytes);
            let (end, dtype) = (data.len(), kind.0);
            // The same name twice would be no file.
            let base = if index == 0 { base.to_owned() } else { format!("{base}{index}.") };
            entries.push(format!(
                r#""{base}{suffix}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
            ));
        }
    }
    if choices.below(4) == 0 {
        entries.push(r#""__metadata__":{"format":"pt"}"#.to_owned());
    }
    let header = format!("{{{}}}", entries.join(","));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

fn checkpoint<'a>(
    bytes: &'a [u8],
    config: &str,
    streamed: bool,
) -> Result<Checkpoint<'a>, ReadError> {
    let files = CheckpointFiles::new();
    let files = match streamed {
        true => files.reader("a.safetensors", Cursor::new(bytes)),
        false => files.bytes("a.safetensors", bytes),
    };
    if config.is_empty() { files.read() } else { files.config("config.json", config)?.read() }
}

fn walk(bytes: &[u8], config: &str) -> bool {
    let read = match checkpoint(bytes, config, false) {
        Ok(read) => read,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'));
            let again = checkpoint(bytes, config, true).err().expect("refused from memory");
            assert_eq!(again.to_string(), text);
            return false;
        }
    };
    let streamed = checkpoint(bytes, config, true).expect("read from memory");
    assert_eq!(read.weights().len(), streamed.weights().len());
    for (weight, other) in read.weights().iter().zip(streamed.weights()) {
        assert_eq!((weight.name(), weight.shape()), (other.name(), other.shape()));
        let numbers = numbers(&read, weight);
        assert_eq!(numbers, self::numbers(&streamed, other));
        if let Some(numbers) = numbers {
            assert_eq!(numbers.len(), weight.elements());
        }
        assert_eq!(read.stored_bytes(weight), streamed.stored_bytes(other));
    }
    for carried in read.carried() {
        assert!(!carried.reason().is_empty());
        read.load_carried(carried).expect("bytes that are there");
    }
    true
}

/// The bits of the numbers of a weight; none if its scales, say, are refused.
fn numbers(read: &Checkpoint<'_>, weight: &subhalf::io::Weight) -> Option<Vec<u32>> {
    let bits = |numbers: Vec<f32>| Some(numbers.into_iter().map(f32::to_bits).collect());
    match read.load(weight) {
        Ok(Loaded::Numbers(numbers)) => {
            assert_eq!(numbers.to_f64().len(), weight.elements());
            bits(numbers.to_f32())
        }
        Ok(Loaded::Quantized(quantized)) => {
            // What is finite is read the same way both times.
            let all = quantized.view_with(Accept::Nonfinite).ok()?;
            let numbers = all.dequantize();
            if let Ok(view) = quantized.view() {
                let same =
                    view.dequantize().iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same);
                assert!(
                    quantized.to_tensor().expect("a view of it").view().dequantize().len()
                        == numbers.len()
                );
            }
            bits(numbers)
        }
        Ok(other) => other.to_f32().ok().and_then(bits),
        Err(error) => {
            assert!(!error.to_string().contains('\n'));
            None
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [mode, config, rest @ ..] = data else { return };
    let config = CONFIGS[usize::from(*config) % CONFIGS.len()];
    let bytes = match mode % 8 {
        0 => rest.to_vec(),
        _ => {
            let mut choices = Choices::new(rest);
            let mut bytes = build(&mut choices);
            choices.damage(&mut bytes);
            bytes
        }
    };
    SHARE.count(walk(&bytes, config));
});
