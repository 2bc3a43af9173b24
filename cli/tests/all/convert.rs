//! `subhalf convert`: shards in and out, in parts on several machines, between programs' layouts, to
//! GGUF and back to numbers; whatever goes wrong leaves no file that looks whole.

mod kept;

use super::{Scratch, printed, refusal, run};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use subhalf::io::{
    Checkpoint, CheckpointLayout, Convention, Gguf, GgufWeight, Loaded, SafetensorsContents,
};
use subhalf::{Quantizer, preset};

/// Numbers that are the same everywhere.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next() * next() * 4.0).collect()
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The F32 tensors of a file: names, shapes, seeds of their numbers.
fn file(tensors: &[(&str, &[usize], u32)]) -> Vec<u8> {
    let mut contents = SafetensorsContents::new();
    for (name, shape, _) in tensors {
        contents.tensor(name, "F32", shape).unwrap();
    }
    let mut writer = contents.write(Cursor::new(Vec::new())).unwrap();
    for (name, shape, seed) in tensors {
        writer.bytes(name, &bytes_of(&numbers(shape.iter().product(), *seed))).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const UP: [usize; 2] = [96, 256];
const DOWN: [usize; 2] = [256, 128];

/// A model of three shards with an index, a config and a file of another kind.
fn model(name: &str) -> Scratch {
    let model = Scratch::directory(name);
    let mut map = BTreeMap::new();
    for shard in 0..3 {
        let file_name = format!("model-0000{}-of-00003.safetensors", shard + 1);
        let seed = 10 * shard as u32;
        let up = format!("model.layers.{shard}.mlp.up_proj.weight");
        let down = format!("model.layers.{shard}.mlp.down_proj.weight");
        let norm = format!("model.layers.{shard}.input_layernorm.weight");
        let embed = format!("model.embed_tokens{shard}.weight");
        let tensors: [(&str, &[usize], u32); 4] = [
            (&up, &UP, seed),
            (&down, &DOWN, seed + 1),
            (&norm, &[256], seed + 2),
            (&embed, &[32, 256], seed + 3),
        ];
        fs::write(model.0.join(&file_name), file(&tensors)).unwrap();
        for (name, ..) in tensors {
            map.insert(name.to_owned(), file_name.clone());
        }
    }
    let index = serde_json::json!({"metadata": {"total_size": 0}, "weight_map": map});
    fs::write(model.0.join("model.safetensors.index.json"), index.to_string()).unwrap();
    fs::write(model.0.join("config.json"), r#"{"model_type": "llama", "layers": 3}"#).unwrap();
    fs::write(model.0.join("tokenizer.json"), "{}").unwrap();
    model
}

/// All files of a directory by name.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn loaded(path: &Path, weight: &str) -> Vec<f32> {
    let checkpoint = Checkpoint::open(path).unwrap();
    checkpoint.load(checkpoint.weight(weight).unwrap()).unwrap().to_f32().unwrap()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn shards_come_out_as_shards_with_index_config_and_what_else_belongs_to_the_model() {
    let (model, out) = (model("convert-shards"), Scratch::new("convert-shards-out"));
    let told = printed(["convert", model.name(), out.name(), "--to", "compressed_tensors::NVFP4"]);
    assert!(told.starts_with("6 of 12 weights converted, 3 files"), "{told}");
    assert!(told.contains("model.embed_tokens0.weight (left out by default)"), "{told}");
    assert!(told.contains("3 tensors that are no matrices"), "{told}");
    let names: Vec<String> = contents(&out.0).into_keys().collect();
    assert_eq!(
        names,
        [
            "config.json",
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json",
        ]
    );
    let checkpoint = Checkpoint::open(&out.0).unwrap();
    assert_eq!((checkpoint.weights().len(), checkpoint.carried().len()), (12, 0));
    for shard in 0..3u32 {
        for (name, shape, seed) in [("up", UP, 10 * shard), ("down", DOWN, 10 * shard + 1)] {
            let name = format!("model.layers.{shard}.mlp.{name}_proj.weight");
            let x = numbers(shape.iter().product(), seed);
            let spec = preset::compressed_tensors::NVFP4;
            let whole = Quantizer::new(&spec).quantize(&x, &shape).unwrap();
            let weight = checkpoint.load(checkpoint.weight(&name).unwrap()).unwrap();
            let Loaded::Quantized(weight) = weight else { panic!("{name}: codes") };
            assert_eq!(weight.to_tensor().unwrap(), whole, "{name}");
        }
        let norm = format!("model.layers.{shard}.input_layernorm.weight");
        assert_eq!(bits(&loaded(&out.0, &norm)), bits(&numbers(256, 10 * shard + 2)));
    }
    let config = fs::read_to_string(out.0.join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["layers"], 3);
    let section = &config["quantization_config"];
    assert_eq!(section["format"], "nvfp4-pack-quantized");
    assert_eq!(section["ignore"][0], "model.embed_tokens0");
    assert_eq!(section["ignore"].as_array().unwrap().len(), 3);
}

#[test]
fn four_processes_make_the_bytes_of_one() {
    let (model, one) = (model("convert-parts"), Scratch::new("convert-parts-one"));
    let parts = Scratch::new("convert-parts-four");
    for to in ["compressed_tensors::NVFP4", "gptq::INT4_G128", "mlx::MXFP4", "modelopt::NVFP4"] {
        printed(["convert", model.name(), one.name(), "--to", to]);
        let part = |index: usize| {
            let shard = format!("{index}/4");
            Command::new(env!("CARGO_BIN_EXE_subhalf"))
                .args(["convert", model.name(), parts.name(), "--to", to, "--shard", &shard])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let running: Vec<_> = (1..=4).map(part).collect();
        for mut process in running {
            assert!(process.wait().unwrap().success());
        }
        // Neither index nor config, so that the directory does not look whole.
        assert!(!parts.0.join("config.json").exists());
        assert!(!parts.0.join("model.safetensors.index.json").exists());
        printed(["convert", model.name(), parts.name(), "--to", to]);
        assert_eq!(contents(&parts.0), contents(&one.0), "{to}");
        fs::remove_dir_all(&one.0).unwrap();
        fs::remove_dir_all(&parts.0).unwrap();
    }
}

#[test]
fn a_killed_run_leaves_no_whole_file_and_starts_again() {
    let big = Scratch::directory("convert-killed");
    let tensors: Vec<(String, [usize; 2], u32)> =
        (0..24).map(|i| (format!("l{i}.weight"), [512, 2048], i)).collect();
    let listed: Vec<(&str, &[usize], u32)> =
        tensors.iter().map(|(name, shape, seed)| (&**name, &shape[..], *seed)).collect();
    fs::write(big.0.join("model.safetensors"), file(&listed)).unwrap();
    let (killed, whole) = (Scratch::new("convert-killed-a"), Scratch::new("convert-killed-b"));
    let arguments = |out: &Scratch| {
        ["convert", big.name(), out.name(), "--to", "gptq::INT3_G128"].map(str::to_owned)
    };
    let mut process = Command::new(env!("CARGO_BIN_EXE_subhalf"))
        .args(arguments(&killed))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let partial = killed.0.join("model.safetensors.partial");
    while !partial.exists() && process.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(partial.exists(), "killed while it wrote");
    assert!(!killed.0.join("model.safetensors").exists());
    assert!(!killed.0.join("config.json").exists());
    // Another conversion does not go on with it.
    let other = refusal(["convert", big.name(), killed.name(), "--to", "mlx::MXFP4"]);
    assert_eq!(other.0, Some(1));
    assert!(other.1.contains("expected files of this conversion"), "{}", other.1);
    printed(arguments(&killed));
    printed(arguments(&whole));
    assert_eq!(contents(&killed.0), contents(&whole.0));
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_a_failure_that_leaves_nothing() {
    let (model, out) = (model("convert-full"), Scratch::new("convert-full-out"));
    // Files of at most 8 blocks of 512 bytes; the signal would end the program without a word.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_subhalf"), "convert", model.name(), out.name()])
        .args(["--to", "compressed_tensors::MXFP4"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains("model-00001-of-00003.safetensors"), "{text}");
    let names: Vec<String> = contents(&out.0).into_keys().collect();
    assert_eq!(names, ["conversion.incomplete.json"]);
    printed(["convert", model.name(), out.name(), "--to", "compressed_tensors::MXFP4"]);
}

#[test]
fn nvfp4_changes_programs_with_its_codes_and_mxfp4_without_loss() {
    let model = model("convert-lossless");
    let directory = |name: &str| Scratch::new(&format!("convert-lossless-{name}"));
    let (ours, theirs, back) = (directory("a"), directory("b"), directory("c"));
    printed(["convert", model.name(), ours.name(), "--to", "modelopt::NVFP4"]);
    let told =
        printed(["convert", ours.name(), theirs.name(), "--to", "compressed_tensors::NVFP4"]);
    assert_eq!(told.matches("codes kept").count(), 6, "{told}");
    let name = "model.layers.1.mlp.up_proj.weight";
    let parts = |path: &Scratch| {
        let checkpoint = Checkpoint::open(&path.0).unwrap();
        let weight = checkpoint.load(checkpoint.weight(name).unwrap()).unwrap();
        let Loaded::Quantized(weight) = weight else { panic!("codes") };
        weight.to_tensor().unwrap()
    };
    let (a, b) = (parts(&ours), parts(&theirs));
    assert_eq!((a.codes(), a.scales()), (b.codes(), b.scales()));
    assert_eq!(b.tensor_scale(), 1.0 / a.tensor_scale());
    // The way back rounds a reciprocal of a reciprocal.
    printed(["convert", theirs.name(), back.name(), "--to", "modelopt::NVFP4"]);
    let c = parts(&back);
    assert_eq!((a.codes(), a.scales()), (c.codes(), c.scales()));

    let gguf = Scratch(std::env::temp_dir().join(format!("subhalf-{}-l.gguf", std::process::id())));
    let told = printed(["convert", ours.name(), gguf.name(), "--to", "ggml::NVFP4"]);
    assert_eq!(told.matches("codes kept").count() + told.matches("without loss").count(), 6);
    let file = Gguf::open(&gguf.0).unwrap();
    let GgufWeight::Quantized(d) = file.load(file.tensor(name).unwrap()).unwrap() else { panic!() };
    assert_eq!((d.codes(), d.scales()), (a.codes(), a.scales()));
    assert_eq!(d.tensor_scale(), a.tensor_scale());

    let mx = directory("mx");
    printed(["convert", model.name(), mx.name(), "--to", "compressed_tensors::MXFP4"]);
    for (to, how) in [
        ("modelopt::MXFP4", "without loss"),
        ("deepseek::v3::FP8_E4M3_128X128", "without loss"),
        ("deepseek::v4_1::FP8_E4M3_32X32", "without loss"),
    ] {
        let out = directory("mx-out");
        let told = printed(["convert", mx.name(), out.name(), "--to", to]);
        assert_eq!(told.matches(how).count(), 6, "{to}: {told}");
        assert_eq!(bits(&loaded(&out.0, name)), bits(&loaded(&mx.0, name)), "{to}");
    }
}

#[test]
fn quantized_models_become_numbers_again() {
    let (model, codes) = (model("convert-back"), Scratch::new("convert-back-codes"));
    let numbers = Scratch::new("convert-back-numbers");
    for to in ["awq::INT4_G64", "compressed_tensors::INT4_G128_ASYM", "mlx::INT6_G64"] {
        printed(["convert", model.name(), codes.name(), "--to", to]);
        let told = printed(["convert", codes.name(), numbers.name(), "--to", "F32"]);
        assert_eq!(told.matches("exact").count(), 6, "{told}");
        let checkpoint = Checkpoint::open(&numbers.0).unwrap();
        assert!(checkpoint.weights().iter().all(|weight| weight.scheme().is_none()));
        for weight in checkpoint.weights() {
            let name = weight.name();
            assert_eq!(bits(&loaded(&numbers.0, name)), bits(&loaded(&codes.0, name)), "{name}");
        }
        let config = fs::read_to_string(numbers.0.join("config.json")).unwrap();
        assert!(!config.contains("quant"), "{config}");
        fs::remove_dir_all(&codes.0).unwrap();
        fs::remove_dir_all(&numbers.0).unwrap();
    }
}

#[test]
fn every_type_of_ggml_is_written_with_the_metadata() {
    let model = model("convert-ggml");
    for to in ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "NVFP4", "Q4_K", "Q6_K"] {
        let gguf =
            Scratch(std::env::temp_dir().join(format!("subhalf-{}-{to}.gguf", std::process::id())));
        let told = printed(["convert", model.name(), gguf.name(), "--to", &format!("ggml::{to}")]);
        let file = Gguf::open(&gguf.0).unwrap();
        let architecture = file.value("general.architecture");
        assert_eq!(architecture.as_ref().and_then(|value| value.as_str()), Some("llama"));
        // Rows of 128 are no superblocks.
        let expected = if to.ends_with("_K") { 3 } else { 6 };
        let quantized = file.tensors().iter().filter(|tensor| tensor.kind().name() == Some(to));
        assert_eq!(quantized.count(), expected, "{to}: {told}");
        assert_eq!(file.tensors().len(), 12);
    }
}

#[test]
fn patterns_choose_and_shapes_decide() {
    let (model, out) = (model("convert-choice"), Scratch::new("convert-choice-out"));
    let converted = |arguments: &[&str]| {
        let start = ["convert", model.name(), out.name(), "--to", "modelopt::MXFP4"];
        let told = printed(start.iter().chain(arguments));
        fs::remove_dir_all(&out.0).unwrap();
        told.split(' ').next().and_then(|count| count.parse::<usize>().ok()).unwrap()
    };
    assert_eq!(converted(&[]), 6);
    assert_eq!(converted(&["--exclude", "*down*"]), 3);
    assert_eq!(converted(&["--exclude", "*down*", "--exclude", "*.1.*"]), 2);
    assert_eq!(converted(&["--include", "*embed*"]), 3);
    assert_eq!(converted(&["--include", "*", "--exclude", "*embed_tokens?.weight"]), 6);
}

/// The bytes of an array file of f32 numbers of one axis.
fn npy(numbers: &[f32]) -> Vec<u8> {
    let count = numbers.len();
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count},), }}");
    let header = format!("{text:<117}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(118u16).to_le_bytes(), header.as_bytes()]
        .concat()
        .into_iter()
        .chain(bytes_of(numbers))
        .collect()
}

#[test]
fn calibration_gives_static_scales_in_the_words_of_the_program() {
    let (model, out) = (model("convert-static"), Scratch::new("convert-static-out"));
    let arrays = Scratch::directory("convert-static-arrays");
    let module = "model.layers.0.mlp.up_proj";
    let inputs = arrays.0.join(format!("{module}.input_scale.npy"));
    let keys = arrays.0.join("model.layers.0.mlp.k_scale.npy");
    fs::write(&inputs, npy(&[1.0, -6.0, 2.0])).unwrap();
    fs::write(&keys, npy(&[0.5, 14.0])).unwrap();
    let (inputs, keys) = (inputs.to_str().unwrap(), keys.to_str().unwrap());
    let single = |path: &Scratch, name: &str| {
        let checkpoint = Checkpoint::open(&path.0).unwrap();
        let tensor = checkpoint.stored().find(|tensor| tensor.name() == name).unwrap();
        let bytes = tensor.read(0..4).unwrap();
        (tensor.shape().to_vec(), f32::from_le_bytes(bytes[..4].try_into().unwrap()))
    };
    for (to, name, shape, scale) in [
        ("compressed_tensors::NVFP4", "input_global_scale", vec![1], 2688.0 / 6.0),
        ("modelopt::NVFP4", "input_scale", vec![], 6.0f32 / 2688.0),
        ("compressed_tensors::FP8_E4M3_TENSOR", "input_scale", vec![1], 6.0 / 448.0),
    ] {
        printed([
            "convert",
            model.name(),
            out.name(),
            "--to",
            to,
            "--calibration",
            inputs,
            "--calibration",
            keys,
            "--include",
            "*layers.0.mlp.up_proj*",
        ]);
        assert_eq!(single(&out, &format!("{module}.{name}")), (shape, scale), "{to}");
        assert_eq!(single(&out, "model.layers.0.mlp.k_scale").1, 14.0 / 448.0);
        let config = fs::read_to_string(out.0.join("config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert!(config["quantization_config"]["kv_cache_scheme"].is_object());
        assert!(
            config["quantization_config"]["config_groups"]["group_0"]["input_activations"]
                .is_object()
        );
        // Another program's convention of the scale of inputs: its reciprocal.
        if to == "modelopt::NVFP4" {
            let other = Scratch::new("convert-static-other");
            printed([
                "convert",
                out.name(),
                other.name(),
                "--to",
                "compressed_tensors::NVFP4",
                "--include",
                "*layers.0.mlp.up_proj*",
            ]);
            let config = fs::read_to_string(other.0.join("config.json")).unwrap();
            let config: serde_json::Value = serde_json::from_str(&config).unwrap();
            let group = &config["quantization_config"]["config_groups"]["group_0"];
            assert_eq!(group["input_activations"]["dynamic"], "local");
            let found = single(&other, &format!("{module}.input_global_scale"));
            assert_eq!(found, (vec![1], 1.0 / (6.0f32 / 2688.0)));
            // FP8's scale of the same inputs, whose largest becomes 448 and not 2688.
            fs::remove_dir_all(&other.0).unwrap();
            printed([
                "convert",
                out.name(),
                other.name(),
                "--to",
                "modelopt::FP8_E4M3_TENSOR",
                "--include",
                "*layers.0.mlp.up_proj*",
            ]);
            let (_, scale) = single(&other, &format!("{module}.input_scale"));
            assert_eq!(scale, (6.0f32 / 2688.0 * 2688.0) / 448.0);
            // Not every module of the next one has a scale of its inputs, so that none keeps it.
            fs::remove_dir_all(&other.0).unwrap();
            let told = printed(["convert", out.name(), other.name(), "--to", "modelopt::NVFP4"]);
            assert!(told.contains("other quantized modules have no static scale"), "{told}");
        }
        fs::remove_dir_all(&out.0).unwrap();
    }
    let refused = |path: &str, to: &str| {
        refusal(["convert", model.name(), out.name(), "--to", to, "--calibration", path]).1
    };
    assert!(refused(inputs, "modelopt::NVFP4").contains("found none for"));
    assert!(refused(inputs, "compressed_tensors::MXFP4").contains("has no scales of inputs"));
    let zeros = arrays.0.join(format!("{module}.input_scale.npy"));
    fs::write(&zeros, npy(&[0.0])).unwrap();
    assert!(refused(inputs, "modelopt::NVFP4").contains("largest magnitude"));
}

#[test]
fn bad_arguments_and_files_are_one_line_and_a_failure() {
    let (model, out) = (model("convert-bad"), Scratch::new("convert-bad-out"));
    let usage = |arguments: &[&str]| {
        let (code, line) = refusal(["convert"].iter().chain(arguments));
        assert_eq!(code, Some(2), "{line}");
        line
    };
    let line = usage(&[model.name(), out.name(), "--to", "compressed_tensors::NVFP5"]);
    assert!(line.ends_with("perhaps compressed_tensors::NVFP4"), "{line}");
    for shard in ["0/4", "5/4", "2", "a/b", "1/0"] {
        let line = usage(&[model.name(), out.name(), "--to", "mlx::MXFP4", "--shard", shard]);
        assert!(line.contains("expected a number and a count"), "{line}");
    }
    let fails = |arguments: &[&str], expected: &str| {
        let (code, line) = refusal(["convert"].iter().chain(arguments));
        assert_eq!(code, Some(1), "{line}");
        assert!(line.contains(expected), "{line}");
    };
    let file = model.0.join("model-00001-of-00003.safetensors");
    let file = file.to_str().unwrap();
    fails(&[model.name(), model.name(), "--to", "mlx::MXFP4"], "another directory");
    fails(&[model.name(), file, "--to", "mlx::MXFP4"], "expected no such file yet");
    fails(&[model.name(), out.name(), "--to", "ggml::Q8_0"], "expected a .gguf file");
    fails(&[model.name(), "x.gguf", "--to", "mlx::MXFP4"], "found a .gguf file");
    fails(
        &[model.name(), "x.safetensors", "--to", "mlx::MXFP4", "--shard", "1/2"],
        "expected a directory as OUT",
    );
    fs::create_dir(&out.0).unwrap();
    fs::write(out.0.join("mine.txt"), "").unwrap();
    fails(&[model.name(), out.name(), "--to", "mlx::MXFP4"], "found mine.txt in it");
    assert_eq!(contents(&out.0).len(), 1);
    fails(&["nowhere", out.name(), "--to", "mlx::MXFP4"], "nowhere");
}

#[test]
fn every_layout_is_a_target() {
    let (model, out) = (model("convert-all"), Scratch::new("convert-all-out"));
    let layouts = CheckpointLayout::all();
    // gpt-oss has experts alone, which `experts_of_gpt_oss_have_inputs_first_as_numbers` is about.
    let matrices = layouts.iter().filter(|layout| layout.convention() != Convention::GptOss);
    let matrices: Vec<&CheckpointLayout> = matrices.collect();
    assert_eq!((layouts.len(), matrices.len()), (122, 121));
    for layout in matrices {
        let arguments =
            ["convert", model.name(), out.name(), "--include", "*proj*", "--to", layout.name()];
        let output = run(arguments);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}: {told}", layout.name());
        assert!(told.starts_with("6 of 12 weights converted"), "{}: {told}", layout.name());
        fs::remove_dir_all(&out.0).unwrap();
    }
}
