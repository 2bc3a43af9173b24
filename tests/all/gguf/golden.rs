//! `tests/golden/gguf/types.gguf`: every type that gguf 0.19.0 (Python) dequantizes, random blocks
//! and the numbers that it makes of them; `tests/interop/gguf_types.py` made it.

use super::{is_quantized, numbers};
use std::path::PathBuf;
use subhalf::io::{Gguf, GgufArray, GgufContents, GgufValue, GgufWeight};
use subhalf::layout::GgmlType;
use subhalf::{QuantTensor, preset};

const GOLDEN: &[u8] = include_bytes!("../../golden/gguf/types.gguf");

/// Compares each tensor with that of its numbers, and says how many numbers there were.
fn compare(file: &Gguf<'_>) -> usize {
    let mut count = 0;
    for tensor in file.tensors() {
        let Ok(expected) = numbers(file, &format!("{}.numbers", tensor.name())) else { continue };
        let loaded = file.load(tensor).expect("finite scales");
        assert_eq!(is_quantized(&loaded), tensor.kind().ggml().is_some(), "{}", tensor.name());
        let found = loaded.to_f32();
        assert_eq!(found.len(), expected.len(), "{}", tensor.name());
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let same = found.to_bits() == expected.to_bits();
            assert!(same, "{} {index}: {found} and {expected}", tensor.name());
        }
        count += found.len();
    }
    count
}

#[test]
fn numbers_are_those_of_gguf() {
    let file = Gguf::from_bytes(GOLDEN).expect("a good file");
    assert_eq!((file.version(), file.alignment(), file.tensors().len()), (3, 32, 62));
    assert_eq!(compare(&file), 23 * 512 + 3 * 24 + 4 * 5 + 8);
    let streamed = Gguf::from_reader(std::io::Cursor::new(GOLDEN)).expect("a good file");
    assert_eq!(compare(&streamed), 23 * 512 + 3 * 24 + 4 * 5 + 8);
}

#[test]
fn the_metadata_is_all_there_in_its_order() {
    let file = Gguf::from_bytes(GOLDEN).expect("a good file");
    let expected: [(&str, GgufValue<'_>); 16] = [
        ("general.architecture", "llama".into()),
        ("general.name", "every type".into()),
        ("a.u8", 200u8.into()),
        ("a.i8", (-100i8).into()),
        ("a.u16", 50000u16.into()),
        ("a.i16", (-20000i16).into()),
        ("a.u32", 4_000_000_000u32.into()),
        ("a.i32", (-2_000_000_000i32).into()),
        ("a.f32", (-0.0f32).into()),
        ("a.bool", true.into()),
        ("a.u64", (1u64 << 63).into()),
        ("a.i64", i64::MIN.into()),
        ("a.f64", 0.1f64.into()),
        ("a.strings", GgufArray::of(&["a", "", "\u{120}token"]).into()),
        ("a.integers", GgufArray::of(&[1i32, -2, 3]).into()),
        ("a.booleans", GgufArray::of(&[true, false]).into()),
    ];
    assert!(file.metadata().eq(expected));
    assert_eq!(file.value("a.u64").and_then(|value| value.as_u64()), Some(1 << 63));
    assert_eq!(file.value("nothing"), None);
}

/// What is read can be written: metadata in its order, and every tensor's bytes.
#[test]
fn the_file_is_written_again_byte_for_byte() {
    let file = Gguf::from_bytes(GOLDEN).expect("a good file");
    let mut contents = GgufContents::new();
    for (key, value) in file.metadata() {
        contents.value(key, value).expect("a key of its own");
    }
    for tensor in file.tensors() {
        contents.tensor(tensor.name(), tensor.kind(), tensor.shape()).expect("a known type");
    }
    let mut writer = contents.write(Vec::new()).expect("memory");
    for tensor in file.tensors() {
        assert_eq!(writer.pending(), Some(tensor.name()));
        writer.bytes(&file.bytes(tensor).expect("memory")).expect("memory");
    }
    assert!(writer.finish().expect("all bytes") == GOLDEN);
}

/// A file of one's own, or a large one of `tests/interop/gguf_types.py`:
/// `SUBHALF_GGUF=FILE cargo test --release -- --ignored --nocapture gguf`. With
/// `SUBHALF_GGUF_OUT=FILE` a file is written that the script checks.
#[test]
#[ignore = "reads a file that the environment names"]
fn a_gguf_file_is_read() {
    if let Some(path) = std::env::var_os("SUBHALF_GGUF").map(PathBuf::from) {
        let file = Gguf::open(&path).expect("a good file");
        let (mut elements, mut kinds) = (0, std::collections::BTreeMap::new());
        for tensor in file.tensors() {
            *kinds.entry(tensor.kind().to_string()).or_insert(0) += 1;
            match file.load(tensor) {
                Ok(weight) => {
                    assert!(weight.to_f32().len() == tensor.elements(), "{}", tensor.name());
                    elements += tensor.elements();
                }
                Err(error) => assert!(tensor.unread().is_some(), "{error}"),
            }
        }
        let (values, tensors) = (file.metadata().count(), file.tensors().len());
        eprintln!("{values} values, {tensors} tensors {kinds:?}, {elements} elements");
        eprintln!("{} numbers are those of gguf", compare(&file));
    }
    if let Some(path) = std::env::var_os("SUBHALF_GGUF_OUT").map(PathBuf::from) {
        let mut random = 1u32;
        let x: Vec<f32> = (0..100 * 1024)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 8) as f32 / 65536.0 - 128.0
            })
            .collect();
        let written = GgmlType::ALL.into_iter().filter(|kind| kind.is_written());
        let tensors: Vec<(GgmlType, QuantTensor)> = written
            .map(|kind| (kind, QuantTensor::quantize_ggml(kind, &x, &[100, 1024])))
            .map(|(kind, tensor)| (kind, tensor.expect("whole blocks")))
            .collect();
        let mut contents = GgufContents::new();
        contents.value("general.architecture", "llama").expect("a new key");
        contents.value("general.alignment", 64u32).expect("a new key");
        for (kind, _) in &tensors {
            let shape = [100, 1024];
            contents.tensor(&format!("{kind:?}"), (*kind).into(), &shape).expect("a new name");
            let (name, kind) = (format!("{kind:?}.numbers"), subhalf::io::GgufType::F32);
            contents.tensor(&name, kind, &shape).expect("a new name");
        }
        let file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a place"));
        let mut writer = contents.write(file).expect("a disk");
        for (_, tensor) in &tensors {
            writer.quantized(&tensor.view()).expect("a tensor of this type");
            let numbers = tensor.dequantize();
            writer.bytes(bytemuck::cast_slice(&numbers)).expect("a disk");
        }
        writer.finish().expect("all bytes");
    }
}

/// The tensor scale that llama.cpp's converter puts beside NVFP4 is the tensor's.
#[test]
fn nvfp4_has_the_scale_beside_it() {
    let x: Vec<f32> = (0..2 * 3 * 64).map(|i| (i % 37) as f32 - 18.0).collect();
    let tensor = QuantTensor::quantize(&preset::ggml::NVFP4, &x, &[2, 3, 64]).expect("a shape");
    for scales in [&[0.5f32][..], &[0.5, 2.0], &[0.5, 2.0, 4.0]] {
        let mut contents = GgufContents::new();
        contents.tensor("a.weight", GgmlType::Nvfp4.into(), &[2, 3, 64]).expect("a name");
        let f32s = subhalf::io::GgufType::F32;
        contents.tensor("a.scale", f32s, &[scales.len()]).expect("a name");
        contents.tensor("a.input_scale", f32s, &[1]).expect("a name");
        let mut writer = contents.write(Vec::new()).expect("memory");
        writer.quantized(&tensor.view()).expect("this type");
        writer.bytes(bytemuck::cast_slice(scales)).expect("memory");
        writer.bytes(&1.0f32.to_le_bytes()).expect("memory");
        let bytes = writer.finish().expect("all bytes");
        let file = Gguf::from_bytes(&bytes).expect("a good file");
        let companions: Vec<bool> = file.tensors().iter().map(|t| t.is_companion()).collect();
        // Three scales for two matrices are no tensor scales.
        assert_eq!(companions, [false, scales.len() < 3, true]);
        let GgufWeight::Quantized(read) = file.load(&file.tensors()[0]).expect("finite") else {
            panic!("NVFP4")
        };
        let scale = |i: usize| match scales {
            [one] => *one,
            [first, second] => [*first, *second][i / 192],
            _ => 1.0,
        };
        let expected: Vec<f32> =
            tensor.dequantize().iter().enumerate().map(|(i, x)| x * scale(i)).collect();
        assert_eq!(read.dequantize(), expected);
    }
}
