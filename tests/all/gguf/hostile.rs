//! Files that are wrong: each is refused with what was expected and found, or the tensor that is
//! wrong says so; none panics, and none asks for memory beyond its own length.

use super::{Bytes, numbers, refusal};
use proptest::prelude::*;
use subhalf::Accept;
use subhalf::io::{Gguf, GgufArray, GgufContents, GgufType};
use subhalf::layout::GgmlType;

/// A small file with a bit of everything.
fn good() -> Vec<u8> {
    let mut contents = GgufContents::new();
    contents.value("general.architecture", "llama").expect("a new key");
    contents.value("general.alignment", 8u32).expect("a new key");
    contents.value("tokens", GgufArray::of(&["a", "bc"])).expect("a new key");
    contents.value("flags", GgufArray::of(&[true, false])).expect("a new key");
    contents.value("x", GgufArray::of(&[1.0f64])).expect("a new key");
    contents.tensor("q.weight", GgmlType::Nvfp4.into(), &[2, 64]).expect("a new name");
    contents.tensor("q.scale", GgufType::F32, &[1]).expect("a new name");
    contents.tensor("k", GgmlType::Q2K.into(), &[256]).expect("a new name");
    contents.tensor("n", GgufType::BF16, &[3]).expect("a new name");
    let mut writer = contents.write(Vec::new()).expect("memory");
    writer.bytes(&[0x11; 72]).expect("memory");
    writer.bytes(&2.0f32.to_le_bytes()).expect("memory");
    writer.bytes(&[0x22; 84 + 6]).expect("memory");
    writer.finish().expect("all bytes")
}

/// Reads everything that a file has.
fn walk(bytes: &[u8]) -> Result<(), subhalf::io::ReadError> {
    let file = Gguf::from_bytes(bytes)?;
    for (_, value) in file.metadata() {
        if let subhalf::io::GgufValue::Array(array) = value {
            assert_eq!(array.iter().count(), array.len());
        }
    }
    for tensor in file.tensors() {
        drop(file.bytes(tensor)?);
        if tensor.unread().is_none() {
            drop(file.load_with(tensor, Accept::Nonfinite)?.to_f32());
        }
    }
    Ok(())
}

#[test]
fn every_truncation_is_refused() {
    let good = good();
    walk(&good).expect("the good file is good");
    // Two bytes of padding end it.
    for length in 0..good.len() - 2 {
        refusal(&good[..length]);
    }
}

#[test]
fn refusals_say_what_was_expected_and_found() {
    assert_eq!(refusal(b"GG"), "not a GGUF file: length: expected 4 bytes, found 2");
    assert_eq!(
        refusal(b"GGML\0\0\0\0"),
        "not a GGUF file: first bytes: expected [71, 71, 85, 70] (GGUF), found [71, 71, 77, 76]"
    );
    let version = |version: u32| refusal(&Bytes(b"GGUF".to_vec()).u32(version).data(32, &[]));
    assert_eq!(version(1), "version: expected 2 or 3, found 1");
    assert_eq!(version(4), "version: expected 2 or 3, found 4");
    assert_eq!(
        version(3 << 24),
        "order of bytes: expected little-endian, found a big-endian file of version 3"
    );
    assert_eq!(
        refusal(&Bytes::file(u64::MAX, 0).data(1, &[0; 48])),
        "number of tensors: expected at most 2 in the bytes that are left, found \
         18446744073709551615"
    );
    assert_eq!(
        refusal(&Bytes::file(0, 1 << 40).data(1, &[0; 48])),
        "number of metadata values: expected at most 3 in the bytes that are left, found \
         1099511627776"
    );
    assert_eq!(
        refusal(&Bytes::file(0, 1).u64(u64::MAX).data(1, &[0; 32])),
        "key 0 of the metadata: expected 18446744073709551615 bytes, found 32"
    );
    assert_eq!(
        refusal(&Bytes::file(0, 1).u64(2).raw(&[0xC0, 0xC0]).data(1, &[0; 30])),
        "key 0 of the metadata: expected UTF-8, found \"��\""
    );
}

#[test]
fn bad_values_are_named() {
    let value = |kind: u32, bytes: &[u8]| {
        refusal(&Bytes::file(0, 1).string("k").u32(kind).raw(bytes).data(1, &[0; 9]))
    };
    assert_eq!(value(13, &[]), "metadata 'k': type of the value: expected 0 to 12, found 13");
    assert_eq!(value(7, &[2]), "metadata 'k': Boolean: expected 0 or 1, found 2");
    let array = |kind: u32, count: u64| value(9, &Bytes::default().u32(kind).u64(count).0);
    assert_eq!(
        array(9, 1),
        "metadata 'k': type of an array's values: expected 0 to 8 or 10 to 12, found 9"
    );
    assert_eq!(
        array(8, 1 << 60),
        "metadata 'k': expected at most 1 in the bytes that are left, found 1152921504606846976"
    );
    let twice = Bytes::file(0, 2).string("k").u32(0).raw(&[1]).string("k").u32(0).raw(&[1]);
    assert_eq!(refusal(&twice.data(32, &[])), "metadata 'k': values: expected 1, found 2");
    for (kind, alignment) in [(4, 0), (4, 24), (5, 32), (6, 32)] {
        let file = Bytes::file(0, 1).string("general.alignment").u32(kind).u32(alignment);
        let error = refusal(&file.data(32, &[]));
        let expected = "metadata 'general.alignment': expected a power of two of type U32, found";
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn bad_tensors_are_named() {
    let one = |axes: &[u64], kind: u32, start: u64| {
        refusal(&Bytes::file(1, 0).tensor("w", axes, kind, start).data(32, &[0; 64]))
    };
    assert_eq!(one(&[1; 5], 0, 0), "tensor 'w': number of axes: expected at most 4, found 5");
    assert_eq!(
        one(&[33, 2], 2, 0),
        "tensor 'w': last axis: expected a multiple of 32, as Q4_0 has blocks, found 33"
    );
    assert_eq!(one(&[16], 0, 4), "tensor 'w': first byte: expected a multiple of 32, found 4");
    assert_eq!(one(&[17], 0, 0), "tensor 'w': last byte: expected at most 64, found 68");
    assert_eq!(one(&[16], 0, 32), "tensor 'w': last byte: expected at most 64, found 96");
    assert_eq!(
        one(&[16], 0, u64::MAX - 31),
        "tensor 'w': last byte: expected at most 64, found 18446744073709551615"
    );
    assert_eq!(
        one(&[1 << 40, 1 << 40], 0, 0),
        "tensor 'w': shape: expected a product below 2^60, found [1099511627776, 1099511627776]"
    );
    let expected = "tensor 'w': shape: expected a product below 2^60, found";
    assert!(one(&[1 << 40, 1 << 40, 0], 99, 0).starts_with(expected));
    let two = |name: &str, start: u64| {
        let table = Bytes::file(2, 0).tensor("w", &[16], 0, 0).tensor(name, &[8], 0, start);
        refusal(&table.data(32, &[0; 128]))
    };
    assert_eq!(two("w", 64), "tensor 'w': entries: expected 1, found 2");
    assert_eq!(
        two("v", 32),
        "tensor 'v': first byte: expected 64 or more, behind 'w', found 32",
        "overlapping"
    );
}

/// A tensor inside of another, with a small one between their beginnings.
#[test]
fn nested_tensors_are_refused() {
    let table = Bytes::file(3, 0).tensor("a", &[24], 0, 0).tensor("b", &[0], 0, 32).tensor(
        "c",
        &[8],
        0,
        64,
    );
    let expected = "tensor 'c': first byte: expected 96 or more, behind 'a', found 64";
    assert_eq!(refusal(&table.data(32, &[0; 128])), expected);
}

/// A type that is not known, or was given up, hides no other tensor.
#[test]
fn unknown_types_are_listed() {
    for kind in [4, 5, 31, 36, 43, u32::MAX] {
        let bytes = Bytes::file(3, 0)
            .tensor("a", &[2], 0, 0)
            .tensor("w", &[5, 7], kind, 32)
            .tensor("b", &[2], 1, 96)
            .data(32, &[0x3C; 100]);
        let file = Gguf::from_bytes(&bytes).expect("one strange tensor");
        let [_, strange, _] = file.tensors() else { panic!("three tensors") };
        assert_eq!((strange.stored_bytes(), strange.shape()), (64, &[7, 5][..]));
        assert_eq!(
            file.load(strange).expect_err("not known").to_string(),
            format!("tensor 'w': not read: ggml has no type {kind} that is known here")
        );
        assert_eq!(numbers(&file, "b").expect("F16"), [1.0585938; 2]);
    }
}

#[test]
fn names_that_are_not_there_are_said() {
    let bytes = good();
    let file = Gguf::from_bytes(&bytes).expect("a good file");
    let error = file.tensor("z").expect_err("no such tensor").to_string();
    assert_eq!(error, "tensor 'z': expected a tensor of this name, found none");
}

/// A tensor without elements needs no data, not even the bytes before its place: a fuzzer found that
/// it could not be read from memory.
#[test]
fn an_empty_tensor_needs_no_data() {
    let bytes = Bytes::file(1, 0).tensor("w", &[0], 0, 0).0;
    assert!(!bytes.len().is_multiple_of(32));
    let file = Gguf::from_bytes(&bytes).expect("a good file");
    assert!(file.bytes(&file.tensors()[0]).expect("nothing to read").is_empty());
    assert!(file.load(&file.tensors()[0]).expect("nothing to read").to_f32().is_empty());
}

/// Infinite factors are refused unless they are asked for.
#[test]
fn scales_are_finite_unless_asked_for() {
    let mut block = [0u8; 18];
    block[..2].copy_from_slice(&0x7C00u16.to_le_bytes());
    let bytes = Bytes::file(1, 0).tensor("w", &[32], 2, 0).data(32, &block);
    let file = Gguf::from_bytes(&bytes).expect("a good file");
    let tensor = &file.tensors()[0];
    let error = file.load(tensor).expect_err("infinite").to_string();
    assert!(error.starts_with("weight 'w': scale 0: expected a finite number"), "{error}");
    let numbers = file.load_with(tensor, Accept::Nonfinite).expect("asked for").to_f32();
    assert_eq!(numbers[0], f32::NEG_INFINITY);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_do_not_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = good();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = walk(&bytes);
    }

    #[test]
    fn any_bytes_behind_the_magic_do_not_panic(rest in prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..200)) {
        let _ = walk(&Bytes(b"GGUF".to_vec()).u32(3).raw(&rest).0);
    }
}
