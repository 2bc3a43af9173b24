//! What the writer makes: types that are written, in pieces, and what it refuses.

use super::{Bytes, numbers};
use subhalf::QuantTensor;
use subhalf::io::{Gguf, GgufArray, GgufContents, GgufType, GgufValue, GgufWeight};
use subhalf::layout::GgmlType;

#[test]
fn a_small_file_has_the_bytes_of_the_format() {
    let mut contents = GgufContents::new();
    contents.value("k", 7u32).expect("a new key");
    contents.tensor("t", GgufType::I8, &[2, 3]).expect("a new name");
    contents.tensor("u", GgufType::F32, &[]).expect("a new name");
    let mut writer = contents.write(Vec::new()).expect("memory");
    writer.bytes(&[1, 2, 3, 4, 5, 6]).expect("memory");
    writer.bytes(&1.0f32.to_le_bytes()).expect("memory");
    let expected = Bytes::file(2, 1).string("k").u32(4).u32(7).tensor("t", &[3, 2], 24, 0).tensor(
        "u",
        &[],
        0,
        32,
    );
    let mut data = vec![0; 64];
    data[..6].copy_from_slice(&[1, 2, 3, 4, 5, 6]);
    data[32..36].copy_from_slice(&1.0f32.to_le_bytes());
    assert_eq!(writer.finish().expect("all bytes"), expected.data(32, &data));
}

#[test]
fn written_tensors_come_back() {
    let x: Vec<f32> = (0..4 * 768).map(|i| ((i * 7919) % 1001) as f32 / 100.0 - 5.0).collect();
    let kinds: Vec<_> = GgmlType::ALL.into_iter().filter(|kind| kind.is_written()).collect();
    assert_eq!(kinds.len(), 9);
    let tensors: Vec<QuantTensor> = kinds
        .iter()
        .map(|kind| QuantTensor::quantize_ggml(*kind, &x, &[2, 2, 768]).expect("whole blocks"))
        .collect();
    let mut contents = GgufContents::new();
    contents.value("general.alignment", 128u32).expect("a new key");
    contents.value("tokens", GgufArray::of(&["a", "b"])).expect("a new key");
    contents.value("raw", GgufValue::String(vec![0xFF, 0].into())).expect("a new key");
    contents.tensor("empty", GgmlType::Q4_0.into(), &[0, 32]).expect("a new name");
    for kind in &kinds {
        contents.tensor(&format!("{kind:?}"), (*kind).into(), &[2, 2, 768]).expect("a new name");
    }
    contents.tensor("x", GgufType::F32, &[3072]).expect("a new name");
    contents.tensor("none", GgufType::F64, &[3, 0]).expect("a new name");
    let mut writer = contents.write(Vec::new()).expect("memory");
    for (index, tensor) in tensors.iter().enumerate() {
        // Whole, or row by row.
        if index % 2 == 0 {
            writer.quantized(&tensor.view()).expect("this type");
        } else {
            for row in 0..4 {
                let rows = tensor.view().rows(row..row + 1).expect("rows");
                writer.quantized(&rows).expect("this type");
            }
        }
    }
    assert_eq!(writer.pending(), Some("x"));
    let bytes: &[u8] = bytemuck::cast_slice(&x);
    bytes.chunks(777).for_each(|part| writer.bytes(part).expect("memory"));
    assert_eq!(writer.pending(), None);
    let bytes = writer.finish().expect("all bytes");

    let file = Gguf::from_bytes(&bytes).expect("a good file");
    assert_eq!(file.alignment(), 128);
    let raw = file.value("raw");
    assert!(raw.as_ref().is_some_and(|value| value.as_str().is_none()));
    assert_eq!(raw, Some(GgufValue::String(vec![0xFF, 0].into())));
    for (kind, tensor) in kinds.iter().zip(&tensors) {
        let listed = file.tensor(&format!("{kind:?}")).expect("a tensor");
        let GgufWeight::Quantized(read) = file.load(listed).expect("finite scales") else {
            panic!("{kind:?}")
        };
        assert_eq!(*read, *tensor, "{kind:?}");
    }
    assert_eq!(numbers(&file, "x").expect("numbers"), x);
    assert!(numbers(&file, "none").expect("numbers").is_empty());
    assert!(numbers(&file, "empty").expect("numbers").is_empty());
}

#[test]
fn the_writer_refuses_what_would_be_no_file() {
    let mut contents = GgufContents::new();
    let line = |result: Result<(), subhalf::io::ReadError>| result.expect_err("bad").to_string();
    assert_eq!(
        line(contents.value("general.alignment", 24u32)),
        "metadata 'general.alignment': expected a power of two of type U32, found U32(24)"
    );
    contents.value("k", 1u8).expect("a new key");
    assert_eq!(line(contents.value("k", 2u8)), "metadata 'k': values: expected 1, found 2");
    let q4_0 = GgufType::from(GgmlType::Q4_0);
    assert_eq!(
        line(contents.tensor("t", q4_0, &[33])),
        "tensor 't': last axis: expected a multiple of 32, as Q4_0 has blocks, found 33"
    );
    assert_eq!(
        line(contents.tensor("t", GgufType::of(5), &[32])),
        "tensor 't': type: expected one of ggml's, found type 5"
    );
    assert_eq!(
        line(contents.tensor("t", q4_0, &[1, 1, 1, 1, 32])),
        "tensor 't': number of axes: expected at most 4, found 5"
    );
    assert!(line(contents.tensor("t", q4_0, &[usize::MAX, 0, 32])).contains("t': shape: expected"));
    contents.tensor("t", q4_0, &[2, 32]).expect("a new name");
    assert_eq!(line(contents.tensor("t", q4_0, &[32])), "tensor 't': entries: expected 1, found 2");

    let mut writer = contents.write(Vec::new()).expect("memory");
    let of = |kind: GgmlType, shape: &[usize]| {
        let x = vec![1.0f32; shape.iter().product()];
        QuantTensor::quantize(&kind.spec(), &x, shape).expect("whole blocks")
    };
    assert_eq!(
        line(writer.quantized(&of(GgmlType::Q4_0, &[2, 64]).view())),
        "tensor 't': last axis: expected Some(32), found Some(64)"
    );
    assert_eq!(
        line(writer.quantized(&of(GgmlType::Q4_0, &[3, 32]).view())),
        "tensor 't': bytes: expected at most 36, found 54"
    );
    assert!(line(writer.quantized(&of(GgmlType::Q8_0, &[2, 32]).view())).starts_with("weight 't'"));
    writer.quantized(&of(GgmlType::Q4_0, &[1, 32]).view()).expect("a row");
    writer.bytes(&[0; 17]).expect("memory");
    assert_eq!(
        writer.finish().expect_err("a byte is missing").to_string(),
        "tensor 't': bytes: expected 36, found 35"
    );
    let mut writer = GgufContents::new().write(Vec::new()).expect("memory");
    assert_eq!(line(writer.bytes(&[1])), "bytes of tensors: expected no more, found 1");
    // A disk that is full.
    let mut contents = GgufContents::new();
    contents.tensor("t", GgufType::I8, &[100]).expect("a new name");
    let mut room = [0u8; 100];
    let mut writer = contents.write(&mut room[..]).expect("room for the header");
    assert!(writer.bytes(&[0; 100]).is_err());
}
