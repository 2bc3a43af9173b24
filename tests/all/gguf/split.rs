//! Models that are split into several files.

use super::{Bytes, numbers};
use std::path::PathBuf;
use subhalf::QuantTensor;
use subhalf::io::{Gguf, GgufContents, GgufType, GgufWeight, ReadError};
use subhalf::layout::GgmlType;

/// A tensor of one number.
type Named = (&'static str, f32);

/// A part with numbers; `split` is no, count and tensors of all parts.
fn part(split: [u64; 3], names: &[Named]) -> Vec<u8> {
    let mut contents = GgufContents::new();
    if split[0] == 0 {
        contents.value("general.architecture", "llama").expect("a new key");
    }
    contents.value("split.no", split[0] as u16).expect("a new key");
    contents.value("split.count", split[1] as u16).expect("a new key");
    contents.value("split.tensors.count", split[2] as i32).expect("a new key");
    for (name, _) in names {
        contents.tensor(name, GgufType::F32, &[1]).expect("a new name");
    }
    let mut writer = contents.write(Vec::new()).expect("memory");
    names.iter().for_each(|(_, x)| writer.bytes(&x.to_le_bytes()).expect("memory"));
    writer.finish().expect("all bytes")
}

fn three() -> [Vec<u8>; 3] {
    [
        part([0, 3, 4], &[("a", 1.0), ("b", 2.0)]),
        part([1, 3, 4], &[("c", 3.0)]),
        part([2, 3, 4], &[("d", 4.0)]),
    ]
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("subhalf-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.0.join(name), bytes).expect("a file");
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind is no failure of the test.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn names(file: &Gguf<'_>) -> Vec<String> {
    file.tensors().iter().map(|tensor| tensor.name().to_owned()).collect()
}

#[test]
fn any_part_opens_the_whole_model() {
    let folder = Folder::new("split");
    let parts = three();
    let paths: Vec<_> = (0..3)
        .map(|no| folder.put(&format!("m-0000{}-of-00003.gguf", no + 1), &parts[no]))
        .collect();
    for path in &paths {
        let file = Gguf::open(path).expect("three parts");
        assert_eq!(
            (file.parts(), names(&file)),
            (3, ["a", "b", "c", "d"].map(String::from).into())
        );
        for (name, x) in [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)] {
            assert_eq!(numbers(&file, name).expect("a number"), [x]);
        }
        let value = file.value("general.architecture");
        assert_eq!(value.as_ref().and_then(|value| value.as_str()), Some("llama"));
    }
    // A part that is gone is named.
    std::fs::remove_file(&paths[1]).expect("a file");
    let error = Gguf::open(&paths[0]).expect_err("two parts").to_string();
    assert!(error.contains("m-00002-of-00003.gguf: "), "{error}");
    // A part of another model, in its place.
    folder.put("m-00002-of-00003.gguf", &part([1, 3, 5], &[("c", 3.0)]));
    let error = Gguf::open(&paths[2]).expect_err("a foreign part").to_string();
    let expected = "m-00002-of-00003.gguf: metadata 'split.tensors.count': expected 4, found 5";
    assert!(error.ends_with(expected), "{error}");
    // A name that does not say what the others are called.
    let other = folder.put("renamed.gguf", &parts[0]);
    let error = Gguf::open(other).expect_err("a name").to_string();
    let expected = "name of a split file: expected NAME-00001-of-00003.gguf, found";
    assert!(error.contains(expected), "{error}");
    // A model of one file may say that it is all parts, whatever it is called.
    let one = folder.put("one.gguf", &part([0, 1, 1], &[("a", 1.0)]));
    assert_eq!(Gguf::open(one).expect("one part").parts(), 1);
}

fn join(parts: &[Vec<u8>]) -> Result<Gguf<'_>, ReadError> {
    Gguf::join(parts.iter().map(|part| Gguf::from_bytes(part).expect("a good file")))
}

#[test]
fn parts_are_joined_in_any_order_and_held_against_each_other() {
    let [a, b, c] = three();
    let refusal = |parts: &[Vec<u8>]| join(parts).expect_err("no model").to_string();
    let parts = [c.clone(), a.clone(), b.clone()];
    let file = join(&parts).expect("three parts");
    assert_eq!(names(&file), ["a", "b", "c", "d"]);
    // A part by itself is a file with its own tensors.
    assert_eq!(names(&Gguf::from_bytes(&b).expect("a good file")), ["c"]);
    assert_eq!(refusal(&[]), "files to join: expected at least one, found 0");
    assert_eq!(refusal(&[a.clone(), b.clone()]), "files to join: expected 3, found 2");
    assert_eq!(
        refusal(&[a.clone(), c.clone(), c.clone()]),
        "metadata 'split.no': expected 1, found 2"
    );
    assert_eq!(
        refusal(&[a.clone(), part([1, 2, 4], &[("c", 3.0)]), c.clone()]),
        "metadata 'split.count': expected 3, found 2"
    );
    assert_eq!(
        refusal(&[a.clone(), part([1, 3, 4], &[("a", 3.0)]), c.clone()]),
        "tensor 'a': entries: expected 1, found 2"
    );
    assert_eq!(
        refusal(&[a.clone(), part([1, 3, 4], &[]), c.clone()]),
        "tensors of all parts: expected 4, found 3"
    );
    assert_eq!(
        refusal(&[part([0, 1, 1], &[("a", 1.0)])]),
        "metadata 'split.count': expected 2 or more, found none, or one file"
    );
    assert_eq!(
        refusal(&[part([3, 3, 4], &[])]),
        "metadata 'split.no': expected 0 to 2, found Some(3)"
    );
    let odd = Bytes::file(0, 1).string("split.count").u32(6).raw(&3f32.to_le_bytes()).data(32, &[]);
    assert_eq!(
        refusal(&[odd]),
        "metadata 'split.count': expected an integer from 0 up, found F32(3.0)"
    );
}

/// The tensor scale of an NVFP4 weight may lie in another file.
#[test]
fn a_scale_in_another_part_is_found() {
    let x: Vec<f32> = (0..64).map(|i| (i % 13) as f32 - 6.0).collect();
    let tensor = QuantTensor::quantize_ggml(GgmlType::Nvfp4, &x, &[1, 64]).expect("a block");
    let mut contents = GgufContents::new();
    contents.value("split.no", 0u16).expect("a new key");
    contents.value("split.count", 2u16).expect("a new key");
    contents.tensor("w.weight", GgmlType::Nvfp4.into(), &[1, 64]).expect("a new name");
    let mut writer = contents.write(Vec::new()).expect("memory");
    writer.quantized(&tensor.view()).expect("a tensor of this type");
    let first = writer.finish().expect("all bytes");
    let mut contents = GgufContents::new();
    contents.value("split.no", 1u16).expect("a new key");
    contents.value("split.count", 2u16).expect("a new key");
    contents.tensor("w.scale", GgufType::F32, &[1]).expect("a new name");
    let mut writer = contents.write(Vec::new()).expect("memory");
    writer.bytes(&0.5f32.to_le_bytes()).expect("memory");
    let parts = [first, writer.finish().expect("all bytes")];
    let file = join(&parts).expect("two parts");
    let weight = file.tensor("w.weight").expect("a tensor");
    assert!(file.tensors()[1].is_companion());
    assert_eq!(file.stored_bytes(weight), 36 + 4);
    let GgufWeight::Quantized(read) = file.load(weight).expect("finite") else { panic!() };
    assert_eq!(read.tensor_scale(), 0.5);
    let halves: Vec<f32> = tensor.dequantize().iter().map(|x| x * 0.5).collect();
    assert_eq!(read.dequantize(), halves);
}
