//! Several files: directories, indices of shards, and configs beside them.

use super::{File, config, f32s, names, with_header};
use std::path::{Path, PathBuf};
use subhalf::io::{Checkpoint, CheckpointFiles};

/// A directory that is gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("subhalf-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The message, without the directory's own name.
fn refusal(directory: &Directory, path: &Path) -> String {
    let error = Checkpoint::open(path).map(drop).unwrap_err().to_string();
    error.replace(&directory.path().display().to_string(), "DIR")
}

/// A weight whose codes are in one shard and whose scales are in the other.
fn shards() -> (File, File) {
    let first = File::new()
        .tensor("l.weight", "F8_E4M3", &[2, 2], &[0x38, 0x40, 0xB8, 0x00])
        .tensor("a", "F32", &[1], &f32s(&[7.0]));
    let second = File::new().tensor("b", "F32", &[1], &f32s(&[8.0])).tensor(
        "l.weight_scale_inv",
        "F32",
        &[1, 1],
        &f32s(&[0.5]),
    );
    (first, second)
}

#[test]
fn a_weight_may_lie_in_two_shards() {
    // The Hugging Face layout: an index, and files model-0000i-of-0000n.
    let (first, second) = (shards().0.bytes(), shards().1.bytes());
    let checkpoint = CheckpointFiles::new()
        .bytes("1", &first)
        .reader("2", std::io::Cursor::new(&second))
        .read()
        .unwrap();
    assert_eq!(names(&checkpoint), ["l.weight", "a", "b"]);
    let weight = checkpoint.weight("l.weight").unwrap();
    let numbers = checkpoint.load(weight).unwrap().to_f32().unwrap();
    assert_eq!(numbers, [0.5, 1.0, -0.5, 0.0]);
}

#[test]
fn directories_and_indices_are_opened_and_their_config_is_read() {
    let directory = Directory::new("index");
    let (first, second) = shards();
    directory.file("model-00001-of-00002.safetensors", first.bytes());
    directory.file("more/model-00002-of-00002.safetensors", second.bytes());
    let index = r#"{"metadata":{"total_size":16},"weight_map":{
        "l.weight":"model-00001-of-00002.safetensors","a":"model-00001-of-00002.safetensors",
        "b":"more/model-00002-of-00002.safetensors",
        "l.weight_scale_inv":"more/model-00002-of-00002.safetensors"}}"#;
    let index = directory.file("model.safetensors.index.json", index);
    directory.file("config.json", config(r#"{"quant_method":"fp8"}"#));
    for path in [directory.path(), &index] {
        let checkpoint = Checkpoint::open(path).unwrap();
        assert_eq!(names(&checkpoint), ["l.weight", "a", "b"]);
        let weight = checkpoint.weight("l.weight").unwrap();
        let numbers = checkpoint.load(weight).unwrap().to_f32().unwrap();
        assert_eq!(numbers, [0.5, 1.0, -0.5, 0.0]);
    }
    // One shard by itself: what it has is read.
    let alone = Checkpoint::open(directory.path().join("model-00001-of-00002.safetensors"));
    let alone = alone.unwrap();
    assert_eq!(names(&alone), ["a"]);
    let reason = "codes without the scales that others have beside them";
    assert_eq!(alone.carried()[0].reason(), reason);

    // Without an index all files of a directory, in the order of their names.
    let plain = Directory::new("plain");
    plain.file("b.safetensors", shards().1.bytes());
    plain.file("a.safetensors", shards().0.bytes());
    plain.file("notes.txt", "no");
    assert_eq!(names(&Checkpoint::open(plain.path()).unwrap()), ["l.weight", "a", "b"]);
}

#[test]
fn indices_that_lead_elsewhere_or_say_what_is_not_so_are_refused() {
    let directory = Directory::new("refused");
    assert_eq!(
        refusal(&directory, directory.path()),
        "DIR: directory: expected files that end in .safetensors, found none"
    );
    let index = |text: &str| {
        let path = directory.file("model.safetensors.index.json", text);
        refusal(&directory, &path).replace("DIR/model.safetensors.index.json: ", "")
    };
    for name in ["../b.safetensors", "/etc/passwd", "", "a/../b", "./a"] {
        assert_eq!(
            index(&format!(r#"{{"weight_map":{{"x":"{name}"}}}}"#)),
            format!(
                "file of tensor 'x': expected a name within the directory of the index, found \
                 '{name}'"
            )
        );
    }
    assert_eq!(
        index(r#"{"weight_map":{"x":3}}"#),
        "file of tensor 'x': expected a file's name, found 3"
    );
    assert_eq!(index("{}"), "index: expected an object 'weight_map', found none");
    assert!(index("{").starts_with("invalid JSON: EOF"));
    let missing = index(r#"{"weight_map":{"x":"gone.safetensors"}}"#);
    assert!(missing.starts_with("DIR/gone.safetensors: "), "{missing}");
    directory.file("here.safetensors", shards().0.bytes());
    assert_eq!(
        index(r#"{"weight_map":{"a":"here.safetensors","x":"here.safetensors"}}"#),
        "tensor 'x': expected in here.safetensors, found no such tensor"
    );
    // The index as one of its own files is no file of tensors.
    let itself = index(r#"{"weight_map":{"x":"model.safetensors.index.json"}}"#);
    assert!(itself.contains("not a safetensors file: header length"), "{itself}");
    // A broken config is said, not passed over.
    directory.file("config.json", "{]");
    let broken = refusal(&directory, &directory.path().join("here.safetensors"));
    assert!(broken.starts_with("DIR/config.json: invalid JSON: "), "{broken}");
    // A device in the place of a shard.
    std::fs::remove_file(directory.path().join("config.json")).unwrap();
    std::fs::create_dir(directory.path().join("d.safetensors")).unwrap();
    assert_eq!(
        index(r#"{"weight_map":{"x":"d.safetensors"}}"#),
        "DIR/d.safetensors: path: expected a file, found a directory"
    );
}

#[test]
fn a_tensor_of_two_files_is_refused() {
    let (first, second) = (shards().0.bytes(), shards().0.bytes());
    let error = CheckpointFiles::new().bytes("1.st", &first).bytes("2.st", &second).read();
    assert_eq!(
        error.map(drop).unwrap_err().to_string(),
        "2.st: tensor 'l.weight': expected one file with it, found another in 1.st"
    );
    // Two groups of tensors for one weight.
    let file = File::new()
        .tensor("l.weight", "F32", &[1], &f32s(&[1.0]))
        .tensor("l.weight_packed", "U8", &[1, 16], &[0; 16])
        .tensor("l.weight_scale", "U8", &[1, 1], &[127]);
    let bytes = file.bytes();
    assert_eq!(
        Checkpoint::from_bytes(&bytes).map(drop).unwrap_err().to_string(),
        "weight 'l.weight': expected one tensor of codes or numbers, found 'l.weight' and \
         'l.weight_packed'"
    );
}

#[test]
fn configs_of_other_names_count_too() {
    // GPTQ's older file: the section itself. Its bits decide between 4 and 8 of one output.
    let directory = Directory::new("configs");
    let file = File::new().tensor("l.weight", "F8_E4M3", &[4, 4], &[0x38; 16]).tensor(
        "l.weight_scale",
        "F32",
        &[1],
        &f32s(&[2.0]),
    );
    let path = directory.file("model.safetensors", file.bytes());
    let hf = r#"{"producer":{"name":"modelopt","version":"0.47.0"},
        "quantization":{"quant_algo":"FP8"}}"#;
    for (config, expected) in [(r#"{"a":1}"#, "compressed-tensors"), ("{}", "compressed-tensors")] {
        directory.file("config.json", config);
        let checkpoint = Checkpoint::open(&path).unwrap();
        let scheme = checkpoint.weight("l.weight").unwrap().scheme().unwrap();
        assert_eq!(scheme.convention.name(), expected);
    }
    directory.file("hf_quant_config.json", hf);
    let checkpoint = Checkpoint::open(&path).unwrap();
    let scheme = checkpoint.weight("l.weight").unwrap().scheme().unwrap();
    assert_eq!(scheme.convention.name(), "Model Optimizer");
    // A header of nothing is a file of nothing.
    assert!(Checkpoint::from_bytes(&with_header("{}", &[])).unwrap().weights().is_empty());
}
