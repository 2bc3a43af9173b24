//! `subhalf convert`: what would be lost, mixed or misread is refused or kept; a test for each
//! situation that a reviewer found.

use super::{Scratch, UP, bits, contents, file, loaded, model, numbers, printed, refusal};
use std::fs;
use std::io::Cursor;
use std::process::{Command, Stdio};
use subhalf::io::{Checkpoint, Gguf, SafetensorsContents};
use subhalf::{Quantizer, preset};

/// The only file of a model, under a name.
fn single_file(name: &str, bytes: &[u8]) -> Scratch {
    let model = Scratch::directory(name);
    fs::write(model.0.join("model.safetensors"), bytes).unwrap();
    model
}

#[test]
fn experts_of_gpt_oss_have_inputs_first_as_numbers() {
    let name = "model.layers.0.mlp.experts.down_proj";
    let bias = format!("{name}_bias");
    // Two experts of 64 inputs and 32 outputs: [E, K, N].
    let source = single_file(
        "convert-experts",
        &file(&[(name, &[2, 64, 32], 5), (&bias, &[2, 32], 6), ("o.weight", &[32, 32], 7)]),
    );
    let (codes, back) = (Scratch::new("convert-experts-a"), Scratch::new("convert-experts-b"));
    let told = printed(["convert", source.name(), codes.name(), "--to", "gpt_oss::MXFP4"]);
    assert!(told.starts_with("1 of 3 weights converted"), "{told}");
    let x = numbers(2 * 64 * 32, 5);
    let turned: Vec<f32> = (0..2 * 32 * 64)
        .map(|i| {
            let (expert, output, input) = (i / (32 * 64), i / 64 % 32, i % 64);
            x[(expert * 64 + input) * 32 + output]
        })
        .collect();
    let expected = Quantizer::new(&preset::ocp::MXFP4).quantize(&turned, &[2, 32, 64]).unwrap();
    let checkpoint = Checkpoint::open(&codes.0).unwrap();
    assert_eq!(checkpoint.weight(name).unwrap().shape(), [2, 32, 64]);
    assert_eq!(bits(&loaded(&codes.0, name)), bits(&expected.dequantize()));
    printed(["convert", codes.name(), back.name(), "--to", "F32"]);
    let checkpoint = Checkpoint::open(&back.0).unwrap();
    assert_eq!(checkpoint.weight(name).unwrap().shape(), [2, 64, 32]);
    let (read, quantized) = (loaded(&back.0, name), expected.dequantize());
    for (i, x) in read.iter().enumerate() {
        let (expert, input, output) = (i / (64 * 32), i / 32 % 64, i % 32);
        assert_eq!(x.to_bits(), quantized[(expert * 32 + output) * 64 + input].to_bits());
    }
}

#[test]
fn two_processes_at_once_leave_what_one_makes() {
    let tensors: Vec<(String, [usize; 2], u32)> =
        (0..8).map(|i| (format!("l{i}.weight"), [256, 1024], i)).collect();
    let listed: Vec<(&str, &[usize], u32)> =
        tensors.iter().map(|(name, shape, seed)| (&**name, &shape[..], *seed)).collect();
    let source = single_file("convert-twice", &file(&listed));
    let (one, both) = (Scratch::new("convert-twice-a"), Scratch::new("convert-twice-b"));
    let arguments = |out: &Scratch| {
        ["convert", source.name(), out.name(), "--to", "mlx::MXFP4"].map(str::to_owned)
    };
    printed(arguments(&one));
    for _ in 0..5 {
        let start = || {
            Command::new(env!("CARGO_BIN_EXE_subhalf"))
                .args(arguments(&both))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let ends = [start(), start()].map(|mut process| process.wait().unwrap().success());
        assert!(ends.contains(&true), "one of them converts");
        assert_eq!(contents(&both.0), contents(&one.0));
        fs::remove_dir_all(&both.0).unwrap();
    }
}

#[test]
fn what_would_be_lost_or_mixed_is_refused() {
    let out = Scratch::new("convert-mixed-out");
    // Two models of one shape.
    let (a, b) = (model("convert-mixed-a"), model("convert-mixed-b"));
    let other = file(&[("model.layers.2.mlp.up_proj.weight", &UP, 99)]);
    fs::remove_file(b.0.join("model.safetensors.index.json")).unwrap();
    fs::write(b.0.join("model-00003-of-00003.safetensors"), other).unwrap();
    printed(["convert", a.name(), out.name(), "--to", "mlx::MXFP4", "--shard", "1/2"]);
    let (code, line) = refusal(["convert", b.name(), out.name(), "--to", "mlx::MXFP4"]);
    assert_eq!(code, Some(1));
    assert!(line.contains("expected files of this conversion"), "{line}");
    // A tensor of another file that has the name of a new one.
    let shards = Scratch::directory("convert-mixed-names");
    fs::write(shards.0.join("a.safetensors"), file(&[("x.weight", &[32, 64], 1)])).unwrap();
    let scale = file(&[("x.weight_scale", &[32, 4], 2), ("y.weight", &[32, 64], 3)]);
    fs::write(shards.0.join("b.safetensors"), scale).unwrap();
    let to = ["--to", "compressed_tensors::NVFP4"];
    let names = Scratch::new("convert-mixed-names-out");
    let (code, line) = refusal(["convert", shards.name(), names.name()].iter().chain(&to));
    assert_eq!(code, Some(1));
    assert!(line.contains("tensor 'x.weight_scale': expected one of this name"), "{line}");
    // A single file has no config beside it that would say which zero points it has.
    let file_name = format!("subhalf-{}-lone.safetensors", std::process::id());
    let lone = Scratch(std::env::temp_dir().join(file_name));
    let to = ["--to", "gptq_v2::INT4_G64", "--include", "*up_proj*"];
    let (code, line) = refusal(["convert", a.name(), lone.name()].iter().chain(&to));
    assert_eq!(code, Some(1));
    assert!(line.contains("wants a directory as OUT") && !lone.0.exists(), "{line}");
    // Codes without their scales.
    let mut contents = SafetensorsContents::new();
    contents.tensor("l.weight_packed", "U8", &[2, 16]).unwrap();
    contents.tensor("n.weight", "F32", &[2, 16]).unwrap();
    let mut writer = contents.write(Cursor::new(Vec::new())).unwrap();
    writer.bytes("l.weight_packed", &[0; 32]).unwrap();
    writer.bytes("n.weight", &[0; 128]).unwrap();
    let codes = single_file("convert-mixed-codes", &writer.finish().unwrap().into_inner());
    let fails = Scratch::new("convert-mixed-codes-out");
    let (code, line) = refusal(["convert", codes.name(), fails.name(), "--to", "BF16"]);
    assert_eq!(code, Some(1));
    assert!(line.contains("'l.weight_packed' looks like a weight"), "{line}");
    let exclude = ["--to", "BF16", "--exclude", "l.*"];
    let told = printed(["convert", codes.name(), fails.name()].iter().chain(&exclude));
    assert!(told.starts_with("1 of 1 weights converted"), "{told}");
}

#[test]
fn numbers_change_their_type_and_nvfp4_keeps_its_scale_in_gguf() {
    let model = model("convert-types");
    let (half, nv) = (Scratch::new("convert-types-half"), Scratch::new("convert-types-nv"));
    let told = printed(["convert", model.name(), half.name(), "--to", "BF16"]);
    assert!(told.starts_with("12 of 12 weights converted"), "{told}");
    let checkpoint = Checkpoint::open(&half.0).unwrap();
    assert!(checkpoint.stored().all(|tensor| tensor.dtype() == "BF16"));
    let norm = loaded(&half.0, "model.layers.0.input_layernorm.weight");
    let expected: Vec<f32> =
        numbers(256, 2).iter().map(|&x| half::bf16::from_f32(x).to_f32()).collect();
    assert_eq!(norm, expected);

    printed(["convert", model.name(), nv.name(), "--to", "modelopt::NVFP4"]);
    let path = |name: &str| {
        Scratch(std::env::temp_dir().join(format!("subhalf-{}-{name}.gguf", std::process::id())))
    };
    let (first, second, other) = (path("types-a"), path("types-b"), path("types-c"));
    printed(["convert", nv.name(), first.name(), "--to", "ggml::NVFP4"]);
    // A weight that is left keeps the tensor scale that stands beside it.
    let exclude = ["--to", "ggml::Q8_0", "--exclude", "*layers.1.*"];
    printed(["convert", first.name(), second.name()].iter().chain(&exclude));
    let name = "model.layers.1.mlp.up_proj.weight";
    let numbers_of = |path: &Scratch| {
        let file = Gguf::open(&path.0).unwrap();
        file.load(file.tensor(name).unwrap()).unwrap().to_f32()
    };
    assert_eq!(bits(&numbers_of(&second)), bits(&numbers_of(&first)));
    // Other types have no tensor scale.
    printed(["convert", nv.name(), other.name(), "--to", "ggml::Q8_0"]);
    assert_eq!(Gguf::open(&other.0).unwrap().tensors().len(), 12);
}

#[test]
fn codes_that_are_left_keep_the_config_that_describes_them() {
    let model = model("convert-left");
    let (codes, half) = (Scratch::new("convert-left-codes"), Scratch::new("convert-left-half"));
    printed(["convert", model.name(), codes.name(), "--to", "mlx::INT3_G64"]);
    let exclude = ["--to", "F32", "--exclude", "*layers.1.*"];
    printed(["convert", codes.name(), half.name()].iter().chain(&exclude));
    let checkpoint = Checkpoint::open(&half.0).unwrap();
    assert_eq!(checkpoint.weights().iter().filter(|own| own.scheme().is_some()).count(), 2);
    for weight in checkpoint.weights() {
        let name = weight.name();
        assert_eq!(bits(&loaded(&half.0, name)), bits(&loaded(&codes.0, name)), "{name}");
    }
}
