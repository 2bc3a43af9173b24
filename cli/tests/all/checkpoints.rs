//! Checkpoints of quantized weights: `report` measures what they stand for, `inspect` lists them.

use super::{Scratch, printed, run, safetensors};

/// Bytes that look like nothing.
fn noise(count: usize) -> impl Iterator<Item = u8> {
    let mut state = 7u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(count)
}

/// OCP E4M3 without its NaN.
fn e4m3(code: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 15), f32::from(code & 7));
    let magnitude = match exponent {
        0 => mantissa / 8.0 * 2f32.powi(-6),
        _ => (1.0 + mantissa / 8.0) * 2f32.powi(exponent - 7),
    };
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

const ROWS: usize = 160;
const COLS: usize = 256;

/// A layer in FP8 with tiles of 128×128, and the same numbers in F32.
fn layer() -> (Vec<u8>, Vec<u8>) {
    let codes: Vec<u8> =
        noise(ROWS * COLS).map(|c| if c & 0x7F == 0x7F { c ^ 1 } else { c }).collect();
    let scales = [0.013f32, 2.0, 0.4, 1e-3];
    let numbers = (0..ROWS * COLS)
        .map(|i| e4m3(codes[i]) * scales[i / COLS / 128 * 2 + i % COLS / 128])
        .flat_map(f32::to_le_bytes);
    let header = format!(
        r#"{{"l.weight":{{"dtype":"F32","shape":[{ROWS},{COLS}],"data_offsets":[0,{}]}}}}"#,
        4 * ROWS * COLS
    );
    let plain = safetensors(&header, &numbers.collect::<Vec<u8>>());
    let end = ROWS * COLS;
    let header = format!(
        r#"{{"l.weight":{{"dtype":"F8_E4M3","shape":[{ROWS},{COLS}],"data_offsets":[0,{end}]}},
        "l.weight_scale_inv":{{"dtype":"F32","shape":[2,2],"data_offsets":[{end},{}]}}}}"#,
        end + 16
    );
    let scales = scales.iter().flat_map(|scale| scale.to_le_bytes());
    (safetensors(&header, &codes.into_iter().chain(scales).collect::<Vec<u8>>()), plain)
}

#[test]
fn a_deepseek_file_is_reported_like_the_numbers_that_it_stands_for() {
    // Codes once counted as weights: 18.44 dB and "exact" where the weights' own are others.
    let (fp8, plain) = layer();
    let fp8 = Scratch::file("deepseek.safetensors", &fp8);
    let plain = Scratch::file("deepseek-f32.safetensors", &plain);
    let rows = |file: &Scratch| -> Vec<String> {
        let schemes = "ocp::MXFP4,generic::FP8_E4M3_TENSOR";
        let csv = printed(["report", file.name(), "--csv", "--schemes", schemes]);
        csv.lines().filter(|line| !line.contains("left out")).map(str::to_owned).collect()
    };
    assert_eq!(rows(&fp8), rows(&plain));
    assert!(rows(&fp8).len() > 4);
    let text = printed(["report", fp8.name(), "--schemes", "ocp::MXFP4"]);
    let line = "1 tensors, 40960 elements\nRead as the weights that they stand for: 1 of DeepSeek \
                (FP8, weight_scale_inv)\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn inspect_lists_weights_with_their_bits_and_says_what_stayed_undecoded() {
    let (fp8, _) = layer();
    let file = Scratch::file("inspect.safetensors", &fp8);
    let text = printed(["inspect", file.name()]);
    let expected = "\
1 weights, 40960 elements, 8.0031 bits each
weight    shape         bits  stored as
----------------------------------------------------------
l.weight  [160, 256]  8.0031  DeepSeek (FP8, weight_scale_inv)
";
    let expected: Vec<&str> = expected.lines().filter(|line| !line.starts_with('-')).collect();
    let found: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('-') && !line.is_empty()).collect();
    assert_eq!(found, expected);

    let directory = Scratch::directory("inspect-directory");
    let header = r#"{"a.weight":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},
        "q.weight":{"dtype":"U8","shape":[1,8],"data_offsets":[4,12]},
        "q.weight_scale_2":{"dtype":"F32","shape":[],"data_offsets":[12,16]},
        "mask":{"dtype":"BOOL","shape":[1],"data_offsets":[16,17]}}"#;
    let path = std::path::Path::new(directory.name()).join("model.safetensors");
    std::fs::write(path, safetensors(header, &[0; 17])).unwrap();
    let output = run(["inspect", directory.name()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\na.weight  [2]    16.000  numbers\n"), "{text}");
    let reason = "expected a tensor 'q.weight_scale' beside the codes, found none";
    assert!(text.contains(&format!("Carried along: q.weight (U8 [1, 8]: {reason})\n")), "{text}");
    assert!(text.contains("Carried along: mask (BOOL [1]: Booleans, not weights)\n"), "{text}");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told, "subhalf inspect: tensors that stayed undecoded: expected 0, found 2\n");
}

/// A GGUF file is listed and measured like any other; a type of grids makes the exit code 2.
#[test]
fn gguf_files_are_inspected_and_measured() {
    use subhalf::io::{GgufContents, GgufType};
    use subhalf::layout::GgmlType;
    let mut contents = GgufContents::new();
    contents.tensor("blk.0.a.weight", GgmlType::Q4_0.into(), &[2, 32]).unwrap();
    contents.tensor("blk.0.b.weight", GgmlType::Nvfp4.into(), &[1, 64]).unwrap();
    contents.tensor("blk.0.b.scale", GgufType::F32, &[1]).unwrap();
    contents.tensor("norm", GgufType::F32, &[2]).unwrap();
    contents.tensor("ids", GgufType::I32, &[3]).unwrap();
    let mut file = contents.write(Vec::new()).unwrap();
    // F16 scales of 0.5.
    file.bytes(&[0x00, 0x38].iter().copied().chain(noise(16)).collect::<Vec<u8>>()).unwrap();
    file.bytes(&[0x00, 0x38].iter().copied().chain(noise(16)).collect::<Vec<u8>>()).unwrap();
    file.bytes(&[0x38; 36]).unwrap();
    for number in [2.0f32, 1.0, -3.0] {
        file.bytes(&number.to_le_bytes()).unwrap();
    }
    file.bytes(&[0; 12]).unwrap();
    let bytes = file.finish().unwrap();
    let scratch = Scratch::file("inspect.gguf", &bytes);
    let expected = "\
3 weights, 130 elements, 5.1692 bits each
weight          shape      bits  stored as
blk.0.a.weight  [2, 32]  4.5000  ggml (Q4_0)
blk.0.b.weight  [1, 64]  5.0000  ggml (NVFP4)
norm            [2]      32.000  numbers
Carried along: ids (I32 [3]: integers, not weights)
";
    let text = printed(["inspect", scratch.name()]);
    let found: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('-') && !line.is_empty()).collect();
    assert_eq!(found, expected.lines().collect::<Vec<_>>());
    let text = printed(["report", scratch.name(), "--schemes", "ggml::Q4_0"]);
    assert!(text.contains("3 tensors, 130 elements\n"), "{text}");
    let line = "Read as the weights that they stand for: 1 of ggml (NVFP4)\n";
    assert!(text.contains(line), "{text}");

    let mut contents = GgufContents::new();
    contents.tensor("grids", GgufType::of(17), &[256]).unwrap();
    let mut file = contents.write(Vec::new()).unwrap();
    file.bytes(&[0; 74]).unwrap();
    // A type that ggml may have some day, in place of that of the grids.
    let mut bytes = file.finish().unwrap();
    let place = bytes.windows(5).position(|window| window == b"grids").unwrap() + 5 + 4 + 8;
    assert_eq!(bytes[place..place + 4], 17u32.to_le_bytes());
    bytes[place] = 99;
    let scratch = Scratch::file("grids.gguf", &bytes);
    let output = run(["inspect", scratch.name()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Carried along: grids (type 99 [256]: "), "{text}");
    assert_eq!(output.status.code(), Some(2));
}

/// Three layers: the second is NVFP4 whose tensor scale divides by `divisor`.
fn three_layers(divisor: f32) -> Vec<u8> {
    let header = r#"{"a.weight":{"dtype":"F32","shape":[1,4],"data_offsets":[0,16]},
        "b.weight_packed":{"dtype":"U8","shape":[1,8],"data_offsets":[16,24]},
        "b.weight_scale":{"dtype":"F8_E4M3","shape":[1,1],"data_offsets":[24,25]},
        "b.weight_global_scale":{"dtype":"F32","shape":[1],"data_offsets":[25,29]},
        "c.weight":{"dtype":"F32","shape":[2],"data_offsets":[29,37]}}"#;
    let numbers =
        |numbers: &[f32]| -> Vec<u8> { numbers.iter().flat_map(|x| x.to_le_bytes()).collect() };
    let data =
        [&numbers(&[1.0, -2.0, 0.5, 3.0])[..], &[0x21; 8], &[0x38], &numbers(&[divisor, 4.0, 1.0])];
    safetensors(header, &data.concat())
}

#[test]
fn a_weight_that_cannot_be_read_is_named_and_the_others_are_measured() {
    let good = Scratch::file("read.safetensors", &three_layers(2.0));
    let bad = Scratch::file("unread.safetensors", &three_layers(0.0));
    assert!(printed(["report", good.name(), "--schemes", "ocp::MXFP4"]).contains("\nb.weight "));
    let failed = |form: &[&str]| {
        let output = run(["report", bad.name(), "--schemes", "ocp::MXFP4"].iter().chain(form));
        let told = String::from_utf8(output.stderr).expect("text");
        let expected = "subhalf report: weights that could not be read: expected 0, found 1\n";
        assert_eq!((output.status.code(), told.as_str()), (Some(1), expected));
        String::from_utf8(output.stdout).expect("text")
    };
    let text = failed(&[]);
    let place = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line} in {text}"));
    let unread = place("\nNot read: b.weight (");
    assert!(place("\na.weight ") < unread && unread < place("\nc.weight "));
    let line = text[unread..].lines().nth(1).expect("a line");
    assert!(line.contains("tensor scale") && line.contains("other than 0"), "{line}");

    let json: serde_json::Value = serde_json::from_str(&failed(&["--json"])).expect("JSON");
    let names = |list: &str| -> Vec<&str> {
        let list = json[list].as_array().expect("a list");
        list.iter().map(|weight| weight["name"].as_str().expect("a name")).collect()
    };
    assert_eq!(
        (names("tensors"), names("unread")),
        (vec!["a.weight", "c.weight"], vec!["b.weight"])
    );
    assert_eq!(json["schemes"][0]["total"]["elements"], 6);

    let csv = failed(&["--csv"]);
    assert!(csv.lines().any(|row| row.starts_with(",,left out,b.weight,")), "{csv}");
}
