//! Seven tasks that took new users many lines, as they are done now, with results from elsewhere.
//! Lines between `// task` and `// end` are those that a task needs.

use std::error::Error;
use std::io::Cursor;
use subhalf::io::{
    Checkpoint, CheckpointLayout, Gguf, GgufContents, GgufType, Loaded, QuantizedModel,
    SafetensorsContents,
};
use subhalf::{
    Exec, Flags, FormatSpec, Matmul, Operand, Parts, QuantTensor, QuantView, Workspace, matmul,
    preset, unit,
};

type Outcome = Result<(), Box<dyn Error>>;

fn file(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut contents = SafetensorsContents::new();
    for (name, dtype, shape, _) in tensors {
        contents.tensor(name, dtype, shape)?;
    }
    let mut writer = contents.write(Cursor::new(Vec::new()))?;
    for (name, _, _, bytes) in tensors {
        writer.bytes(name, bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn words(words: &[i32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn task_1c_gptq_with_scattered_groups_is_multiplied() -> Outcome {
    // 16 inputs, 8 outputs, two groups in turn: zero points 8 (stored as 7), scales 1 and 2, code
    // 9 everywhere, so that every weight is 1 or 2.
    let group: Vec<i32> = (0..16).map(|input| input % 2).collect();
    let scales = [[0x00u8, 0x3C]; 8].into_iter().chain([[0x00, 0x40]; 8]).flatten().collect();
    let file = file(&[
        ("l.qweight", "I32", &[2, 8], words(&[0x9999_9999u32 as i32; 16])),
        ("l.qzeros", "I32", &[2, 1], words(&[0x7777_7777; 2])),
        ("l.scales", "F16", &[2, 8], scales),
        ("l.g_idx", "I32", &[16], words(&group)),
    ])?;
    let x = [1.0f32; 16];
    // task 1c
    let checkpoint = Checkpoint::from_bytes(&file)?;
    let loaded = checkpoint.load(checkpoint.weight("l.weight")?)?;
    let Loaded::Quantized(weight) = loaded else { return Err("numbers".into()) };
    let y = matmul(Operand::numbers(&x, &[1, 16])?, weight.view()?)?;
    // end 1c
    assert_eq!(y, [24.0; 8]);
    Ok(())
}

#[test]
fn task_1d_a_cache_grows_token_by_token_and_is_read() -> Outcome {
    const DIM: usize = 4;
    let (mut cache, mut scores, mut workspace) = ([0u8; 2 * DIM], [0.0f32; 2], Workspace::new());
    let (spec, scale) = (preset::generic::FP8_E4M3_TENSOR, 0.25f32);
    let query = [1.0f32, 1.0, 0.0, 2.0];
    let keys = [[0.5f32, -2.0, 1.0, 0.25], [1000.0, 0.25, 0.25, 0.25]];
    // task 1d
    for (key, place) in keys.iter().zip(cache.chunks_mut(DIM)) {
        FormatSpec::F8E4M3.encode_scaled(key, scale, place)?;
    }
    let scales = scale.to_le_bytes();
    let cached = QuantView::from_parts(&spec, &[2, DIM], Parts::new(&cache, &scales))?;
    let query = Operand::numbers(&query, &[1, DIM])?;
    Matmul::new().exec(Exec::SERIAL).multiply_with(query, cached, &mut scores, &mut workspace)?;
    // end 1d
    assert_eq!(scores, [-1.0, 112.75]); // 1000 is stored as 448 · 0.25
    Ok(())
}

#[test]
fn task_3b_a_fused_multiply_add_of_three_formats() {
    let (e4m3, e5m2, f16) = (FormatSpec::F8E4M3, FormatSpec::F8E5M2, FormatSpec::F16);
    let (a, b, c) = (e4m3.encode_f32(1.875), e5m2.encode_f32(1.25), f16.encode_f32(2048.0));
    // task 3b
    let d = f16.mul_add_of((&e4m3, a), (&e5m2, b), (&f16, c), &f16.default_convert(), 0);
    // end 3b
    assert_eq!((f16.decode_f32(d.code), d.flags), (2050.0, Flags::INEXACT)); // 2050.34375
}

#[test]
fn task_3c_thirty_two_products_aligned_and_cut_at_25_bits() -> Outcome {
    let e2m1 = FormatSpec::F4E2M1;
    // 32 products of 6 · 6 under scales of 2 and 4, onto 1.
    let (a, b, scale_a, scale_b) = ([0x7u32; 32], [0x7u32; 32], [128u32], [129u32]);
    // task 3c
    let unit = unit::blackwell::MXF8F6F4.spec(e2m1, e2m1)?;
    let d = unit.step_scaled(&a, &b, [&scale_a, &scale_b], 1f32.to_bits())?;
    // end 3c
    assert_eq!((unit.keep(), f32::from_bits(d.code)), (Some(25), 9217.0));
    Ok(())
}

#[test]
fn task_4b_integers_with_zero_points_for_compressed_tensors() -> Outcome {
    let x: Vec<f32> = (0..8 * 128).map(|i| (i % 16) as f32 - 3.0).collect();
    let spec = preset::compressed_tensors::INT4_G128_ASYM;
    // task 4b
    let weight = QuantTensor::quantize(&spec, &x, &[8, 128])?;
    let layout = CheckpointLayout::by_name("compressed_tensors::INT4_G128_ASYM")?;
    let parts = layout.tensors("l.weight", &[8, 128])?;
    let bytes = layout.bytes(&weight.view(), &[8, 128])?;
    let config = layout.config(None, &QuantizedModel::default())?;
    // end 4b
    let tensors = parts.iter().zip(&bytes);
    let tensors = tensors.map(|(part, bytes)| (part.name(), part.dtype(), part.shape(), bytes));
    let names: Vec<&str> = parts.iter().map(|part| part.name()).collect();
    assert!(names.contains(&"l.weight_packed") && names.contains(&"l.weight_zero_point"));
    assert!(config.contains("pack-quantized"));
    let mut contents = SafetensorsContents::new();
    for (name, dtype, shape, _) in tensors.clone() {
        contents.tensor(name, &dtype, shape)?;
    }
    let mut writer = contents.write(Cursor::new(Vec::new()))?;
    for (name, _, _, bytes) in tensors {
        writer.bytes(name, bytes)?;
    }
    let file = writer.finish()?.into_inner();
    let read = subhalf::io::CheckpointFiles::new().config("config.json", &config)?;
    let read = read.bytes("model.safetensors", &file).read()?;
    assert_eq!(read.load(read.weight("l.weight")?)?.to_f32()?, weight.dequantize());
    Ok(())
}

#[test]
fn task_4e_a_gguf_file_is_written_and_read() -> Outcome {
    let x: Vec<f32> = (0..2 * 32).map(|i| (i % 32) as f32 - 15.0).collect();
    let weight = QuantTensor::quantize(&preset::ggml::Q8_0, &x, &[2, 32])?;
    let kind = GgufType::by_name("Q8_0").ok_or("no such type")?;
    // task 4e
    let mut contents = GgufContents::new();
    contents.value("general.architecture", "llama")?;
    contents.tensor("blk.0.ffn_up.weight", kind, &[2, 32])?;
    let mut writer = contents.write(Vec::new())?;
    writer.quantized(&weight.view())?;
    let file = writer.finish()?;
    let read = Gguf::from_bytes(&file)?;
    let numbers = read.load(read.tensor("blk.0.ffn_up.weight")?)?.to_f32();
    // end 4e
    assert_eq!(&file[..4], b"GGUF");
    assert_eq!(numbers, weight.dequantize());
    Ok(())
}

/// Lines that each task took when new users first tried it. The seventh, moving from the crate
/// `float8`, took 39 changed lines; `tests/float8_port` changes one.
#[test]
fn no_task_takes_more_than_half_of_the_lines_that_it_took() {
    let source = include_str!("tasks.rs");
    for (task, before) in [("1c", 14), ("1d", 25), ("3b", 14), ("3c", 24), ("4b", 16), ("4e", 45)] {
        let start = source.find(&format!("// task {task}\n")).expect("a task");
        let end = source.find(&format!("// end {task}\n")).expect("its end");
        let now = source[start..end].lines().skip(1).filter(|line| !line.trim().is_empty()).count();
        assert!((1..=before / 2).contains(&now), "{task}: {now} lines, {before} before");
    }
}
