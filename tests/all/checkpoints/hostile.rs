//! Files that are wrong: each is refused, or the tensor that is wrong carried along, with what was
//! expected and found; none panics.

use super::{File, carried, f32s, i32s, i64s, noise, with_header};
use proptest::prelude::*;
use subhalf::Accept;
use subhalf::io::{Checkpoint, CheckpointFiles, Loaded};

/// Reads everything that a file has; an error is one line.
fn walk(bytes: &[u8], section: &str) -> Result<Vec<String>, String> {
    let line = |error: subhalf::io::ReadError| {
        let text = error.to_string();
        assert!(text.len() > 10 && !text.chars().any(char::is_control), "{text:?}");
        assert!(text.chars().count() <= 401, "{text}");
        text
    };
    let files = CheckpointFiles::new().bytes("", bytes);
    let checkpoint = super::with_config(files, section).read().map_err(line)?;
    for weight in checkpoint.weights() {
        match checkpoint.load(weight).map_err(line)? {
            Loaded::Quantized(weight) => {
                drop(weight.view().map_err(line)?.dequantize());
            }
            numbers => drop(numbers.to_f32()),
        }
    }
    checkpoint.carried().iter().for_each(|c| drop(checkpoint.load_carried(c).unwrap()));
    let reasons = checkpoint.carried().iter().map(|carried| carried.reason().to_owned());
    Ok(reasons.collect())
}

fn refusal(bytes: &[u8]) -> String {
    walk(bytes, "").expect_err("the file is bad")
}

/// A file with a weight of most kinds.
fn good() -> File {
    let group: Vec<i32> = (0..16).map(|i| i / 8).collect();
    let state = r#"{"quant_type":"nf4","blocksize":64,"shape":[4,4]}"#;
    File::new()
        .tensor("a.weight", "F8_E4M3", &[4, 4], &[0x31; 16])
        .tensor("a.weight_scale_inv", "F32", &[1, 1], &f32s(&[2.0]))
        .tensor("b.weight_packed", "U8", &[2, 16], &noise(1, 32))
        .tensor("b.weight_scale", "F8_E4M3", &[2, 2], &[0x31; 4])
        .tensor("b.weight_global_scale", "F32", &[1], &f32s(&[2.0]))
        .tensor("c.qweight", "I32", &[2, 8], &noise(2, 64))
        .tensor("c.qzeros", "I32", &[2, 1], &noise(3, 8))
        .tensor("c.scales", "F32", &[2, 8], &f32s(&[0.5; 16]))
        .tensor("c.g_idx", "I32", &[16], &i32s(&group))
        .tensor("d.weight_packed", "I32", &[2, 1], &noise(4, 8))
        .tensor("d.weight_scale", "F32", &[2, 1], &f32s(&[0.5; 2]))
        .tensor("d.weight_shape", "I64", &[2], &i64s(&[2, 8]))
        .tensor("e.weight", "U8", &[8, 1], &noise(5, 8))
        .tensor("e.weight.absmax", "F32", &[1], &f32s(&[3.0]))
        .tensor("e.weight.quant_map", "F32", &[16], &f32s(&[1.0; 16]))
        .tensor("e.weight.quant_state.bitsandbytes__nf4", "U8", &[state.len()], state.as_bytes())
        .tensor("f.weight", "U32", &[1, 8], &noise(6, 32))
        .tensor("f.scales", "F32", &[1, 1], &f32s(&[3.0]))
        .tensor("f.biases", "F32", &[1, 1], &f32s(&[3.0]))
        .tensor("g._weight_qdata", "I8", &[2, 4], &noise(7, 8))
        .tensor("g._weight_scale", "F32", &[2, 1], &f32s(&[3.0; 2]))
        .tensor("h", "BF16", &[2], &[1, 2, 3, 4])
        .metadata("g.weight", r#"{"_type":"Int8Tensor","_data":{}}"#)
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(walk(&good().bytes(), ""), Ok(vec![]));
    let bytes = good().bytes();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap().weights().len(), 8);
}

#[test]
fn every_truncation_is_refused() {
    let good = good().bytes();
    for length in 0..good.len() {
        refusal(&good[..length]);
    }
    refusal(&[&good[..], &[0]].concat());
}

#[test]
fn refusals_name_the_tensor_what_was_expected_and_what_was_found() {
    let one = |entry: &str| refusal(&with_header(&format!(r#"{{"w":{{{entry}}}}}"#), &[0; 16]));
    assert_eq!(refusal(&[1, 2, 3]), "file length: expected at least 8 bytes, found 3");
    // safetensors #668: the limit is the library's, and is said.
    assert_eq!(
        refusal(&u64::MAX.to_le_bytes()),
        "not a safetensors file: header length: expected at most 100000000 bytes, found \
         18446744073709551615"
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
        one(r#""dtype":"F32","shape":[18446744073709551615,4],"data_offsets":[0,16]"#),
        "tensor 'w': bytes of F32 [18446744073709551615, 4]: expected 295147905179352825840, \
         found 16"
    );
    assert_eq!(
        one(r#""dtype":"NOPE","shape":[2],"data_offsets":[16,3]"#),
        "tensor 'w': first byte: expected 0, found 16"
    );
    let entry = r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    assert_eq!(
        refusal(&with_header(&format!(r#"{{"w":{entry},"v":{entry}}}"#), &[0; 16])),
        "tensor 'w': first byte: expected 8, found 0",
        "overlapping"
    );
    assert!(refusal(&with_header("[]", &[])).starts_with("invalid JSON in header: "));
    let text = with_header(r#"{"__metadata__":{"a":1}}"#, &[]);
    assert!(refusal(&text).contains("__metadata__: "), "texts alone");
}

#[test]
fn one_strange_tensor_hides_no_other() {
    // A dtype that a reader does not know, beside good tensors (files of safetensors 0.8).
    let file = File::new()
        .tensor("a", "F32", &[1], &f32s(&[1.0]))
        .tensor("b", "U3\n", &[8], &[1, 2, 3])
        .tensor("c", "C64", &[1], &[0; 8])
        .tensor("d", "BOOL", &[1], &[0])
        .tensor("e", "F8_E8M0", &[1], &[127])
        .tensor("f", "F64", &[1], &2.5f64.to_le_bytes());
    let bytes = file.bytes();
    let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(super::names(&checkpoint), ["a", "f"]);
    let reasons: Vec<&str> = checkpoint.carried().iter().map(|c| c.reason()).collect();
    let expected = [
        r"a dtype that is not known: U3\n",
        "complex numbers, not weights",
        "Booleans, not weights",
        "scales, not weights",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(&*checkpoint.load_carried(&checkpoint.carried()[0]).unwrap(), [1, 2, 3]);
    let f = checkpoint.load(checkpoint.weight("f").unwrap()).unwrap();
    assert!(matches!(f, Loaded::Numbers(numbers) if numbers.to_f64() == [2.5]));
    assert_eq!(
        checkpoint.weight("c").map(drop).unwrap_err().to_string(),
        "tensor 'c': complex numbers, not weights"
    );
    assert_eq!(
        checkpoint.weight("z").map(drop).unwrap_err().to_string(),
        "weight 'z': expected a weight of this name, found none"
    );
}

#[test]
fn missing_and_wrong_companions_are_said_of_the_codes() {
    let codes = |dtype: &str, shape: &[usize]| {
        let bytes = shape.iter().product::<usize>() * if dtype == "I32" { 4 } else { 1 };
        File::new().tensor("l.weight", dtype, shape, &vec![0; bytes])
    };
    let first = |file: File| carried(&file, "").remove(0);
    assert_eq!(
        first(codes("F8_E4M3", &[4, 4]).tensor("l.weight_scale_inv", "F32", &[3, 3], &[0; 36])),
        "l.weight: tensor 'l.weight_scale_inv': expected one scale, one for each row, or one for \
         each tile or group of rows of [4, 4], found F32 [3, 3]"
    );
    assert_eq!(
        first(codes("F8_E4M3", &[4, 4]).tensor("l.weight_scale_inv", "I32", &[1, 1], &[0; 4])),
        "l.weight: tensor 'l.weight_scale_inv': expected F32, F16, BF16, F8_E8M0, found I32 [1, 1]"
    );
    assert_eq!(
        first(codes("U8", &[4, 16]).tensor("l.weight_scale_2", "F32", &[], &[0; 4])),
        "l.weight: expected a tensor 'l.weight_scale' beside the codes, found none"
    );
    assert_eq!(
        first(codes("U8", &[4, 16]).tensor("l.weight_scale", "F8_E4M3", &[4, 3], &[0; 12]).tensor(
            "l.weight_scale_2",
            "F32",
            &[],
            &[0; 4]
        )),
        "l.weight: tensor 'l.weight_scale': expected scales of shape [4, 2], found F8_E4M3 [4, 3]"
    );
    assert_eq!(
        first(File::new().tensor("l.qweight", "I32", &[2, 8], &[0; 64]).tensor(
            "l.scales",
            "F16",
            &[1, 8],
            &[0; 16]
        )),
        "l.qweight: expected a tensor 'l.qzeros' beside the codes, found none"
    );
    assert_eq!(
        first(
            File::new()
                .tensor("l.weight_packed", "I32", &[2, 3], &[0; 24])
                .tensor("l.weight_scale", "F32", &[2, 1], &[0; 8])
                .tensor("l.weight_shape", "I64", &[2], &i64s(&[2, i64::MAX]))
        ),
        "l.weight_packed: tensor 'l.weight_packed': expected words of 2 to 8 bits for a weight of \
         shape [2, 9223372036854775807], found I32 [2, 3]"
    );
    // A zero point that is there counts, though the scheme has weights without.
    assert_eq!(
        first(
            codes("I8", &[4, 4]).tensor("l.weight_scale", "F32", &[4, 1], &f32s(&[1.0; 4])).tensor(
                "l.weight_zero_point",
                "F32",
                &[4, 1],
                &f32s(&[1.0; 4])
            )
        ),
        "l.weight: tensor 'l.weight_zero_point': expected I8, found F32 [4, 1]"
    );
    // Codes of no elements.
    let file = codes("F8_E4M3", &[0, 4]).tensor("l.weight_scale", "F32", &[1], &[0; 4]);
    assert_eq!(first(file), "l.weight: codes without elements");
}

#[test]
fn scales_that_are_no_numbers_are_refused_by_the_view() {
    // sglang #40243, flashinfer #4676: scales that are 0, negative, NaN or infinite.
    let file = |scale: f32| {
        File::new().tensor("l.weight", "F8_E4M3", &[1, 2], &[0x38, 0xB8]).tensor(
            "l.weight_scale",
            "F32",
            &[1],
            &f32s(&[scale]),
        )
    };
    for scale in [f32::NAN, f32::INFINITY] {
        let bytes = file(scale).bytes();
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        let weight = checkpoint.weight("l.weight").unwrap();
        let Loaded::Quantized(loaded) = checkpoint.load(weight).unwrap() else { panic!("FP8") };
        let error = loaded.view().map(drop).unwrap_err().to_string();
        let expected =
            "weight 'l.weight': scale 0: expected a finite number (or Accept::Nonfinite), found ";
        assert!(error.starts_with(expected), "{error}");
        assert!(loaded.view_with(Accept::Nonfinite).is_ok());
    }
    let nvfp4 = |global: f32, scale: u8| {
        let file = File::new()
            .tensor("l.weight_packed", "U8", &[1, 8], &[0; 8])
            .tensor("l.weight_scale", "F8_E4M3", &[1, 1], &[scale])
            .tensor("l.weight_global_scale", "F32", &[1], &f32s(&[global]));
        refusal(&file.bytes())
    };
    assert_eq!(
        nvfp4(0.0, 0x38),
        "weight 'l.weight': tensor scale 0: expected a divisor other than 0, found 0x0"
    );
    assert!(nvfp4(f32::NAN, 0x38).starts_with("weight 'l.weight': tensor scale 0: expected "));
    // A block scale below zero has a bit that the format of such scales does not.
    assert!(nvfp4(1.0, 0xB8).starts_with("weight 'l.weight': scale 0: expected "));
}

#[test]
fn errors_of_readers_name_the_tensor() {
    let bytes = good().bytes();
    // The file becomes shorter once its header was read.
    struct Shrinking(std::io::Cursor<Vec<u8>>, usize);
    impl std::io::Read for Shrinking {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let left = self.1.saturating_sub(self.0.position() as usize).min(to.len());
            self.0.read(&mut to[..left])
        }
    }
    impl std::io::Seek for Shrinking {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let short = Shrinking(std::io::Cursor::new(bytes.clone()), bytes.len() - 4);
    let checkpoint = Checkpoint::from_reader(short).unwrap();
    let h = checkpoint.weight("h").unwrap();
    let error = checkpoint.load(h).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("tensor 'h': "), "{error}");
    assert!(checkpoint.load(checkpoint.weight("a.weight").unwrap()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn no_byte_of_a_file_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = good().bytes();
        let length = bytes.len();
        for (place, byte) in changes {
            bytes[place.index(length)] = byte;
        }
        drop(walk(&bytes, ""));
    }

    #[test]
    fn no_shape_makes_it_panic(
        picks in proptest::collection::vec((0usize..12, 0usize..12, 0usize..12), 3..6),
        kind in 0usize..7,
        section in 0usize..4,
    ) {
        // The tensors of a scheme with shapes of any kind, and data for them.
        let tensors: &[(&str, &str, usize)] = match kind {
            0 => &[("weight", "F8_E4M3", 8), ("weight_scale_inv", "F32", 32)],
            1 => &[("weight", "U8", 8), ("weight_scale", "F8_E4M3", 8), ("weight_scale_2", "F32", 32)],
            2 => &[("qweight", "I32", 32), ("qzeros", "I32", 32), ("scales", "F16", 16), ("g_idx", "I32", 32)],
            3 => &[("weight_packed", "I32", 32), ("weight_scale", "BF16", 16), ("weight_shape", "I64", 64), ("weight_zero_point", "I32", 32)],
            4 => &[("weight", "U32", 32), ("scales", "F16", 16), ("biases", "F16", 16)],
            5 => &[("weight", "U8", 8), ("weight_scale", "F32", 32)],
            _ => &[("weight", "I8", 8), ("weight_scale", "F32", 32), ("weight_zero_point", "I8", 8)],
        };
        let axes = [0, 1, 2, 3, 4, 8, 16, 24, 32, 64, 96, 128];
        let mut file = File::new();
        for ((name, dtype, bits), (rank, a, b)) in tensors.iter().zip(picks.iter().cycle()) {
            let shape = [axes[*a], axes[*b], axes[(*a + *b) % 12]];
            let shape = &shape[..(rank % 4).min(3)];
            let bytes = shape.iter().product::<usize>() * bits / 8;
            // Small integers, so that groups and shapes of them are often in range.
            let data: Vec<u8> = (0..bytes).map(|i| if i % (bits / 8) == 0 { (i % 5) as u8 } else { 0 }).collect();
            file = file.tensor(&format!("l.{name}"), dtype, shape, &data);
        }
        let section = [
            "",
            r#"{"bits":3,"group_size":16,"quant_method":"gptq"}"#,
            r#"{"bits":-1,"group_size":0,"weight_block_size":[0,1]}"#,
            r#"{"bits":8,"group_size":32,"weight_block_size":[3,32]}"#,
        ][section];
        drop(walk(&file.bytes(), section));
    }
}

/// Quantized weights that no rule reads are not taken for integers that mean something else.
#[test]
fn codes_without_their_scales_are_undecoded() {
    let file = File::new()
        .tensor("a.weight_packed", "I32", &[2, 1], &[0; 8])
        .tensor("b.qweight", "I32", &[1, 2], &[0; 8])
        .tensor("c_blocks", "U8", &[1, 1, 16], &[0; 16])
        .tensor("d.weight", "I8", &[2, 2], &[0; 4])
        .tensor("d.SCB", "F32", &[2], &[0; 8])
        .tensor("e.input_ids", "I64", &[1], &[0; 8])
        .tensor("f.scales", "F8_E4M3", &[2, 2], &[0; 4]);
    let bytes = file.bytes();
    let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
    let undecoded: Vec<&str> = (checkpoint.carried().iter())
        .filter(|carried| carried.is_undecoded())
        .map(|carried| carried.name())
        .collect();
    for name in ["a.weight_packed", "b.qweight", "c_blocks", "d.weight", "f.scales"] {
        assert!(undecoded.contains(&name), "{name}: {undecoded:?}");
    }
    assert!(!undecoded.contains(&"e.input_ids"));
    assert!(checkpoint.weight("d.SCB").is_err(), "{:?}", carried(&file, ""));
}

#[test]
fn a_weight_of_another_checkpoint_is_refused() {
    let (one, two) = (good().bytes(), good().bytes());
    let [one, two] = [&one, &two].map(|bytes| Checkpoint::from_bytes(bytes).unwrap());
    let error = two.load(&one.weights()[0]).unwrap_err().to_string();
    assert_eq!(error, "weight: expected one of this checkpoint, found another's");
    one.load(&one.weights()[0]).unwrap();
}
