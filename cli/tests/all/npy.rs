//! Arrays of numpy and split GGUF files, in and out.

use super::{Scratch, printed, refusal, safetensors};
use std::path::Path;

/// A file as numpy writes it.
fn array(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn number(i: usize, j: usize) -> f32 {
    (i * 7 + j * 3) as f32 / 16.0 - 1.5
}

const ROWS: usize = 4;
const COLS: usize = 64;

#[test]
fn an_array_is_a_weight_of_its_files_name() {
    let rows: Vec<u8> =
        (0..ROWS * COLS).flat_map(|at| number(at / COLS, at % COLS).to_le_bytes()).collect();
    let columns: Vec<u8> = (0..ROWS * COLS)
        .flat_map(|at| f64::from(number(at % ROWS, at / ROWS)).to_be_bytes())
        .collect();
    let header = format!(
        r#"{{"w":{{"dtype":"F32","shape":[{ROWS},{COLS}],"data_offsets":[0,{}]}}}}"#,
        rows.len()
    );
    let plain = Scratch::file("npy.safetensors", &safetensors(&header, &rows));
    let c = Scratch::file("npy-c.npy", &array("<f4", false, "(4, 64)", &rows));
    let fortran = Scratch::file("npy-fortran.npy", &array(">f8", true, "(4, 64)", &columns));
    // The total, whatever the tensor is called.
    let measured = |file: &Scratch| -> Vec<String> {
        let csv = printed(["report", file.name(), "--csv", "--schemes", "ocp::MXFP4"]);
        csv.lines().filter(|line| line.contains(",total,")).map(str::to_owned).collect()
    };
    assert!(!measured(&plain).is_empty());
    assert_eq!(measured(&c), measured(&plain));
    assert_eq!(measured(&fortran), measured(&plain));
    let stem = Path::new(c.name()).file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let text = printed(["inspect", c.name()]);
    assert!(text.starts_with("1 weights, 256 elements, 32.000 bits each\n"), "{text}");
    assert!(text.contains(&format!("\n{stem}  [4, 64]  32.000  numbers")), "{text}");
    let text = printed(["diff", "torchao::NVFP4", "ggml::NVFP4", c.name()]);
    assert!(text.contains("256"), "{text}");
}

#[test]
fn the_numbers_of_a_weight_are_written() {
    let (codes, scale) = ([0x38u8, 0xB8, 0x40, 0x7E], 0.5f32);
    let header = r#"{"l.weight":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]},
        "l.weight_scale":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}"#;
    let data = [&codes[..], &scale.to_le_bytes()].concat();
    let file = Scratch::file("out.safetensors", &safetensors(header, &data));
    let out = Scratch::new("out.npy");
    let arguments = ["inspect", file.name(), "--weight", "l.weight", "--npy", out.name()];
    let text = printed(arguments);
    assert!(text.starts_with("1 weights, 4 elements, 16.000 bits each\n"), "{text}");
    let bytes = std::fs::read(out.name()).expect("a file");
    let numbers: Vec<u8> =
        [0.5f32, -0.5, 1.0, 224.0].into_iter().flat_map(f32::to_le_bytes).collect();
    assert_eq!(bytes[bytes.len() - 16..], numbers);
    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    assert_eq!(&bytes[10..10 + head.len()], head.as_bytes());
    // It can be read again, and nothing else is left there.
    assert!(
        printed(["inspect", out.name()]).starts_with("1 weights, 4 elements, 32.000 bits each\n")
    );
    assert!(!Path::new(&format!("{}.partial", out.name())).exists());
    let (code, line) = refusal(["inspect", file.name(), "--weight", "m", "--npy", out.name()]);
    let expected = r#"subhalf inspect: --weight: expected the name of a weight, found "m""#;
    assert_eq!((code, &*line), (Some(1), expected));
    let (code, _) = refusal(["inspect", file.name(), "--npy", out.name()]);
    assert_eq!(code, Some(2));
    let place = Scratch::new("nowhere");
    let path = format!("{}/x.npy", place.name());
    let (code, line) = refusal(["inspect", file.name(), "--weight", "l.weight", "--npy", &path]);
    assert_eq!(code, Some(1));
    assert!(line.starts_with(&format!("subhalf inspect: cannot write {path}: ")), "{line}");
}

#[test]
fn arrays_of_objects_and_cut_ones_are_refused() {
    for (name, bytes, expected) in [
        ("objects", array("|O", false, "(1,)", &[0; 8]), "'|O' (Python objects)"),
        (
            "cut",
            array("<f4", false, "(3,)", &[0; 8]),
            "bytes behind the header: expected 12, found 8",
        ),
    ] {
        let file = Scratch::file(&format!("{name}.npy"), &bytes);
        let (code, line) = refusal(["report", file.name()]);
        assert_eq!(code, Some(1));
        assert!(line.starts_with(&format!("subhalf report: {}: ", file.name())), "{line}");
        assert!(line.ends_with(expected), "{line}");
    }
}

/// Part `no` of two, with an F32 tensor of 32 numbers.
fn part(no: u16) -> Vec<u8> {
    let string = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(2u64.to_le_bytes());
    for (key, value) in [("split.no", no), ("split.count", 2)] {
        bytes.extend(string(key));
        bytes.extend(2u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(string(&format!("w{no}")));
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(32u64.to_le_bytes());
    bytes.extend([0; 12]);
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes.extend((0..32).flat_map(|i| (i as f32 + 0.1).to_le_bytes()));
    bytes
}

#[test]
fn a_split_gguf_model_is_read_whole() {
    let folder = Scratch::directory("split");
    let path = |no: usize| format!("{}/m-0000{no}-of-00002.gguf", folder.name());
    std::fs::write(path(1), part(0)).expect("a file");
    std::fs::write(path(2), part(1)).expect("a file");
    for no in [1, 2] {
        let text = printed(["inspect", &path(no)]);
        assert!(text.starts_with("2 weights, 64 elements, 32.000 bits each\n"), "{text}");
        assert!(text.contains("\nw0 ") && text.contains("\nw1 "), "{text}");
    }
    let text = printed(["report", &path(1), "--schemes", "ocp::MXFP4"]);
    assert!(text.contains("2 tensors, 64 elements"), "{text}");
    std::fs::remove_file(path(2)).expect("a file");
    let (code, line) = refusal(["inspect", &path(1)]);
    assert_eq!(code, Some(1));
    assert!(line.starts_with(&format!("subhalf inspect: {}: ", path(2))), "{line}");
}
