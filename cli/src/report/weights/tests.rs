//! The reader, given files that are wrong in every way.

use super::{Failure, Tensor, Values, Weights};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Cases of one property; failures are printed, not written to a file.
fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Every error is one line that says something.
fn assert_one_line(error: &impl std::fmt::Display) {
    let text = error.to_string();
    assert!(
        text.len() > 10
            && !text.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
            && !text.chars().any(char::is_control),
        "{text:?}"
    );
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// Reads bytes; an error must be one line that begins with the file's name.
fn read(bytes: &[u8]) -> Result<File, String> {
    let weights = Weights::of_bytes("bad.safetensors", bytes.to_vec()).map_err(Failure::from);
    let tensors = weights.and_then(|weights| {
        let tensors: Result<_, _> = (0..weights.len()).map(|index| weights.read(index)).collect();
        let left_out = weights
            .left_out()
            .iter()
            .map(|tensor| format!("{} {}: {}", tensor.name(), tensor.dtype(), tensor.reason()));
        Ok(File { tensors: tensors?, left_out: left_out.collect() })
    });
    tensors.map_err(|error| {
        assert_one_line(&error);
        let error = error.to_string();
        assert!(error.chars().count() <= 401, "{error}");
        error.strip_prefix("bad.safetensors: ").expect("the file is named first").to_owned()
    })
}

/// Everything that was read, and what was not, with reasons.
#[derive(Debug)]
struct File {
    tensors: Vec<Tensor>,
    left_out: Vec<String>,
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("the file is bad")
}

/// Two tensors and an empty one, 20 bytes of data.
fn good() -> Vec<u8> {
    let header = r#"{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
        "e":{"dtype":"F64","shape":[0,9],"data_offsets":[16,16]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}}"#;
    file(header, &[0; 20])
}

#[test]
fn every_float_dtype_is_read() {
    let read_one = |dtype: &str, size: usize, data: &[u8]| {
        let header = format!(
            r#"{{"x":{{"dtype":"{dtype}","shape":[{}],"data_offsets":[0,{}]}}}}"#,
            data.len() / size,
            data.len()
        );
        let weights = read(&file(&header, data)).unwrap();
        assert!(weights.left_out.is_empty());
        let [tensor] = weights.tensors.try_into().unwrap();
        assert_eq!((tensor.name.as_str(), tensor.values.len()), ("x", data.len() / size));
        match tensor.values {
            Values::F64(values) => values,
            values => values.to_f32().iter().map(|&x| f64::from(x)).collect(),
        }
    };
    let f64s: Vec<u8> = [0.1f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let f32s: Vec<u8> = [0.1f32, f32::INFINITY].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(read_one("F64", 8, &f64s), [0.1, -2.0]);
    assert_eq!(read_one("F32", 4, &f32s), [f64::from(0.1f32), f64::INFINITY]);
    assert_eq!(read_one("F16", 2, &[0x00, 0x3C, 0xFF, 0xFB]), [1.0, -65504.0]);
    assert_eq!(read_one("BF16", 2, &[0x80, 0x3F, 0x00, 0xC0]), [1.0, -2.0]);
}

#[test]
fn tensors_come_in_the_order_of_their_data_and_integers_are_left_out() {
    let weights = read(&good()).unwrap();
    let names: Vec<&str> = weights.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["w", "e", "b"]);
    let shapes: Vec<&[usize]> =
        weights.tensors.iter().map(|tensor| tensor.shape.as_slice()).collect();
    assert_eq!(shapes, [&[2, 2][..], &[0, 9], &[2]]);
    let header = r#"{"m":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]},"p":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#;
    let weights = read(&file(header, &[0; 11])).unwrap();
    assert!(weights.tensors.is_empty());
    let expected = ["p I64: integers, not weights", "m BOOL: Booleans, not weights"];
    assert_eq!(weights.left_out, expected);
    assert!(read(&file("{}", &[])).unwrap().tensors.is_empty());
}

#[test]
fn codes_with_their_scales_are_weights_and_others_do_not_hide_them() {
    // An FP8 layer, a packed one with E8M0 scales, F4, C64, and a layer whose scale is a weight.
    let entries = [
        ("a.weight", "F8_E4M3", 4, 4),
        ("a.weight_scale_inv", "F32", 1, 4),
        ("a.bias", "F32", 2, 8),
        ("b.blocks", "U8", 2, 2),
        ("b.scales", "F8_E8M0", 2, 2),
        ("c", "F4", 4, 2),
        ("d", "C64", 1, 8),
        ("e.scale", "F32", 1, 4),
        ("e.weight", "BF16", 1, 2),
    ];
    let mut position = 0;
    let entries = entries.map(|(name, dtype, size, bytes)| {
        let start = position;
        position += bytes;
        format!(
            r#""{name}":{{"dtype":"{dtype}","shape":[{size}],"data_offsets":[{start},{position}]}}"#
        )
    });
    let weights = read(&file(&format!("{{{}}}", entries.join(",")), &vec![0; position])).unwrap();
    let names: Vec<&str> = weights.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["a.weight", "a.bias", "e.scale", "e.weight"]);
    let expected = [
        "b.blocks U8: integers, not weights",
        "b.scales F8_E8M0: scales, not weights",
        "c F4: codes without the scales that others have beside them",
        "d C64: complex numbers, not weights",
    ];
    assert_eq!(weights.left_out, expected);
}

#[test]
fn refusals_name_the_tensor_what_was_expected_and_what_was_found() {
    let one = |entry: &str| refusal(&file(&format!(r#"{{"w":{{{entry}}}}}"#), &[0; 16]));
    assert_eq!(refusal(&[1, 2, 3]), "file length: expected at least 8 bytes, found 3");
    assert_eq!(
        refusal(&u64::MAX.to_le_bytes()),
        "not a safetensors file: header length: expected at most 100000000 bytes, found 18446744073709551615"
    );
    assert_eq!(
        refusal(&100_000_000u64.to_le_bytes()),
        "header length: expected 100000000 bytes, found 0"
    );
    assert_eq!(
        refusal(&file(r#"{"w":"#, &[])),
        "invalid JSON in header: EOF while parsing a value at line 1 column 5"
    );
    assert_eq!(
        one(r#""dtype":"F32","shape":[2,3],"data_offsets":[0,16]"#),
        "tensor 'w': bytes of F32 [2, 3]: expected 24, found 16"
    );
    assert_eq!(
        one(r#""dtype":"F32","shape":[1],"data_offsets":[12,16]"#),
        "tensor 'w': first byte: expected 0, found 12"
    );
    assert_eq!(
        one(r#""dtype":"F32","shape":[8],"data_offsets":[0,32]"#),
        "bytes of data: expected 32, found 16"
    );
    assert_eq!(
        one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#),
        "bytes of data: expected 8, found 16"
    );
    assert_eq!(
        one(r#""dtype":"F32","shape":[18446744073709551615,4],"data_offsets":[0,16]"#),
        "tensor 'w': bytes of F32 [18446744073709551615, 4]: expected 295147905179352825840, found 16"
    );
    assert_eq!(
        one(r#""dtype":"F32","shape":[1099511627776,1099511627776,0],"data_offsets":[0,0]"#),
        "tensor 'w': sizes: expected a product of 64 bits, found a larger one"
    );
    let entry = r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    let twice = r#"{"dtype":"F32","shape":[2],"data_offsets":[8,16]}"#;
    assert_eq!(
        refusal(&file(&format!(r#"{{"w":{entry},"w":{twice}}}"#), &[0; 16])),
        "tensor 'w': entries: expected 1, found 2"
    );
    assert_eq!(
        refusal(&file(&format!(r#"{{"w":{entry},"v":{entry}}}"#), &[0; 16])),
        "tensor 'w': first byte: expected 8, found 0",
        "overlapping"
    );
    assert!(
        refusal(&file(r#"{"__metadata__":{"a":1}}"#, &[])).contains("__metadata__: "),
        "texts alone"
    );
    assert!(refusal(&file("[]", &[])).starts_with("invalid JSON in header: "));
    let header = r#"{"w":{"dtype":"F7\n","shape":[2],"data_offsets":[0,16]}}"#;
    let unknown = read(&file(header, &[0; 16])).unwrap();
    assert_eq!(unknown.left_out, [r"w F7\n: a dtype that is not known: F7\n"]);
    assert!(
        one(r#""dtype":"F32","shape":[-1],"data_offsets":[0,16]"#)
            .starts_with("tensor 'w': invalid value: integer `-1`")
    );
}

#[test]
fn paths_that_are_no_files_are_refused_in_one_line() {
    for path in [std::env::temp_dir(), "no such\nfile".into(), "/dev/null".into(), "".into()] {
        assert_one_line(&Weights::open(&path).map(drop).expect_err("not a file"));
    }
}

#[test]
fn every_truncation_is_refused() {
    let good = good();
    for length in 0..good.len() {
        refusal(&good[..length]);
    }
    refusal(&[&good[..], &[0]].concat());
}

#[test]
fn every_header_length_but_the_right_one_is_refused() {
    let good = good();
    let right = u64::from_le_bytes(*good.first_chunk().unwrap());
    let wrong = (0..300).chain([
        1 << 20,
        100_000_000,
        100_000_001,
        u64::from(u32::MAX),
        1 << 62,
        u64::MAX - 8,
        u64::MAX,
    ]);
    for length in wrong.filter(|length| *length != right) {
        refusal(&[&length.to_le_bytes(), &good[8..]].concat());
    }
}

/// A header entry of which every part may be nonsense.
fn entry() -> impl Strategy<Value = String> {
    const DTYPES: [&str; 12] = [
        "F64",
        "F32",
        "F16",
        "BF16",
        "F8_E4M3",
        "F8_E8M0",
        "F4",
        "F6_E2M3",
        "I64",
        "BOOL",
        "F8_E4M3B11FNUZ",
        "",
    ];
    let dtype = prop_oneof![4 => prop::sample::select(&DTYPES[..]).prop_map(str::to_owned), 1 => any::<String>()];
    let size = || prop_oneof![6 => 0..20u64, 1 => any::<u64>()];
    let shape = prop::collection::vec(size(), 0..4);
    let name = prop_oneof![3 => "[a-c]", 1 => any::<String>()];
    (name, dtype, shape, size(), size(), 0..20u8).prop_map(|(name, dtype, shape, start, end, form)| match form {
        0 => format!("{name:?}:{{\"dtype\":{dtype:?},\"shape\":{shape:?}}}"),
        1 => format!("{name:?}:{{\"dtype\":{start},\"shape\":{dtype:?},\"data_offsets\":[{start},{end},1]}}"),
        2 => format!("\"__metadata__\":{{{name:?}:{start}}}"),
        3 => format!("{name:?}:{}", "[".repeat(start.min(500) as usize)),
        _ => format!("{name:?}:{{\"dtype\":{dtype:?},\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"),
    })
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        refusal(&bytes);
    }

    #[test]
    fn random_headers_are_refused(header in any::<String>(), data in prop::collection::vec(any::<u8>(), 0..20)) {
        refusal(&file(&header, &data));
    }

    #[test]
    fn bit_flips_do_not_panic(flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4)) {
        let mut bytes = good();
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let _ = read(&bytes);
    }

    #[test]
    fn absurd_headers_do_not_panic(entries in prop::collection::vec(entry(), 0..4), length in 0..400usize) {
        let header = format!("{{{}}}", entries.join(","));
        if let Ok(weights) = read(&file(&header, &vec![0x55; length])) {
            let elements: usize = weights.tensors.iter().map(|tensor| tensor.values.len()).sum();
            // Two codes of F4 are a byte.
            prop_assert!(elements <= 2 * length);
        }
    }
}
