//! FP8, FP6 and FP4 with scales of blocks: `DeepSeek`, compressed-tensors, Model Optimizer, gpt-oss,
//! MLX, `ComfyUI`, torchao.

use super::{
    File, assert_numbers, bf16s, carried, e2m1, e4m3, e4m3_scales, e8m0, f32s, noise, powers, read,
    scales,
};
use subhalf::io::{Checkpoint, Loaded};
use subhalf::preset;

/// E4M3 codes other than NaN.
fn fp8(seed: u64, count: usize) -> Vec<u8> {
    noise(seed, count).into_iter().map(|c| if c & 0x7F == 0x7F { c ^ 1 } else { c }).collect()
}

#[test]
fn deepseek_tiles_multiply_by_weight_scale_inv_with_short_tiles_at_the_edges() {
    // stable-diffusion.cpp #1898: 576×512 and an uneven matrix, 130×200 in tiles of 128×128.
    for [rows, cols] in [[576, 512], [130, 200]] {
        let (grid_rows, grid_cols) = (usize::div_ceil(rows, 128), usize::div_ceil(cols, 128));
        let codes = fp8(1, rows * cols);
        let scale = scales(2, grid_rows * grid_cols);
        let file = File::new()
            .tensor("odd", "U8", &[3], &[1, 2, 3])
            .tensor("model.up.weight", "F8_E4M3", &[rows, cols], &codes)
            .tensor("model.up.weight_scale_inv", "F32", &[grid_rows, grid_cols], &f32s(&scale))
            .tensor("model.norm.weight", "BF16", &[2], &bf16s(&[1.0, -2.0]));
        let section = r#"{"quant_method":"fp8","weight_block_size":[128,128],"fmt":"e4m3"}"#;
        for section in ["", section] {
            let weight = read(&file, section, "model.up.weight");
            let expected: Vec<f32> = (0..rows * cols)
                .map(|i| e4m3(codes[i]) * scale[i / cols / 128 * grid_cols + i % cols / 128])
                .collect();
            assert_numbers(&weight.numbers, &expected);
            assert_eq!(weight.scheme, "DeepSeek: FP8, weight_scale_inv");
            assert_eq!(weight.tensors, ["model.up.weight", "model.up.weight_scale_inv"]);
            assert!(weight.in_place);
        }
        assert_eq!(carried(&file, section), ["odd: integers, not weights"]);
        let bytes = file.bytes();
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        let norm = checkpoint.weight("model.norm.weight").unwrap();
        assert!(norm.scheme().is_none());
        assert_eq!(checkpoint.load(norm).unwrap().to_f32().unwrap(), [1.0, -2.0]);
        let up = checkpoint.weight("model.up.weight").unwrap().scheme().unwrap();
        assert_eq!(up.spec, preset::deepseek::v3::FP8_E4M3_128X128);
    }
}

#[test]
fn deepseek_v4_has_powers_of_two_for_tiles_and_mxfp4_experts_in_i8() {
    let (rows, cols) = (64, 96);
    let codes = fp8(3, rows * cols);
    let scale = powers(4, 2 * 3);
    let file = File::new().tensor("a.weight", "F8_E4M3", &[rows, cols], &codes).tensor(
        "a.scale",
        "F8_E8M0",
        &[2, 3],
        &scale,
    );
    let section = r#"{"quant_method":"fp8","weight_block_size":[32,32],"scale_fmt":"ue8m0"}"#;
    for section in ["", section] {
        let weight = read(&file, section, "a.weight");
        let expected: Vec<f32> = (0..rows * cols)
            .map(|i| e4m3(codes[i]) * e8m0(scale[i / cols / 32 * 3 + i % cols / 32]))
            .collect();
        assert_numbers(&weight.numbers, &expected);
        assert_eq!(weight.scheme, "DeepSeek: FP8, UE8M0 scale");
    }

    let (bytes, scale) = (noise(5, 3 * 32), powers(6, 3 * 2));
    let file = File::new().tensor("experts.0.w1.weight", "I8", &[3, 32], &bytes).tensor(
        "experts.0.w1.scale",
        "F8_E8M0",
        &[3, 2],
        &scale,
    );
    let weight = read(&file, "", "experts.0.w1.weight");
    assert_eq!((weight.shape.as_slice(), weight.in_place), (&[3, 64][..], true));
    assert_numbers(&weight.numbers, &mxfp4(&bytes, &scale));
}

/// Nibbles, the low one first, under a power of two for 32.
fn mxfp4(bytes: &[u8], scale: &[u8]) -> Vec<f32> {
    let number = |i: usize| e2m1(bytes[i / 2] >> (i % 2 * 4) & 15) * e8m0(scale[i / 32]);
    (0..2 * bytes.len()).map(number).collect()
}

#[test]
fn nvfp4_of_compressed_tensors_divides_and_model_optimizers_multiplies() {
    let (rows, cols) = (5, 64);
    let (bytes, scale) = (noise(7, rows * cols / 2), e4m3_scales(8, rows * cols / 16));
    let code = |i: usize| e2m1(bytes[i / 2] >> (i % 2 * 4) & 15);
    let global = 3.7e3f32;
    let file = File::new()
        .tensor("l.weight_packed", "U8", &[rows, cols / 2], &bytes)
        .tensor("l.weight_scale", "F8_E4M3", &[rows, cols / 16], &scale)
        .tensor("l.weight_global_scale", "F32", &[1], &f32s(&[global]))
        .tensor("l.input_global_scale", "F32", &[1], &f32s(&[2.0]));
    let weight = read(&file, r#"{"quant_method":"compressed-tensors"}"#, "l.weight");
    let expected: Vec<f32> =
        (0..rows * cols).map(|i| code(i) * (e4m3(scale[i / 16]) / global)).collect();
    assert_numbers(&weight.numbers, &expected);
    assert_eq!(weight.scheme, "compressed-tensors: nvfp4-pack-quantized");
    assert!(weight.in_place);
    assert_eq!(carried(&file, ""), ["l.input_global_scale: a scale of activations"]);

    let second = 1.0 / 2688.0f32;
    let file = File::new()
        .tensor("l.input_scale", "F32", &[], &f32s(&[2.0]))
        .tensor("l.weight", "U8", &[rows, cols / 2], &bytes)
        .tensor("l.weight_scale", "F8_E4M3", &[rows, cols / 16], &scale)
        .tensor("l.weight_scale_2", "F32", &[], &f32s(&[second]));
    let weight = read(&file, r#"{"quant_method":"modelopt","quant_algo":"NVFP4"}"#, "l.weight");
    // −0 comes back as +0.
    let expected: Vec<f32> =
        (0..rows * cols).map(|i| code(i) * (e4m3(scale[i / 16]) * second) + 0.0).collect();
    assert_numbers(&weight.numbers, &expected);
    assert_eq!(weight.scheme, "Model Optimizer: NVFP4");
    assert_eq!(weight.tensors, ["l.weight", "l.weight_scale", "l.weight_scale_2"]);
}

#[test]
fn experts_have_a_tensor_scale_each() {
    // TensorRT-Model-Optimizer #2276: [E, N, K].
    let (experts, rows, cols) = (3, 2, 32);
    let count = experts * rows * cols;
    let (bytes, scale) = (noise(9, count / 2), e4m3_scales(10, count / 16));
    let second = [0.5f32, 0.3, 7.0];
    let file = File::new()
        .tensor("w.weight", "U8", &[experts, rows, cols / 2], &bytes)
        .tensor("w.weight_scale", "F8_E4M3", &[experts, rows, cols / 16], &scale)
        .tensor("w.weight_scale_2", "F32", &[experts], &f32s(&second));
    let weight = read(&file, "", "w.weight");
    assert_eq!(weight.shape, [experts, rows, cols]);
    let number = |i: usize| {
        let expert = i / (rows * cols);
        e2m1(bytes[i / 2] >> (i % 2 * 4) & 15) * (e4m3(scale[i / 16]) * second[expert]) + 0.0
    };
    assert_numbers(&weight.numbers, &(0..count).map(number).collect::<Vec<_>>());
    // FP8 experts with one number for each.
    let codes = fp8(11, count);
    for shape in [&[experts][..], &[experts, 1, 1]] {
        let file = File::new()
            .tensor("w.weight", "F8_E4M3", &[experts, rows, cols], &codes)
            .tensor("w.weight_scale", "F32", shape, &f32s(&second));
        let weight = read(&file, "", "w.weight");
        let number = |i: usize| e4m3(codes[i]) * second[i / (rows * cols)];
        assert_numbers(&weight.numbers, &(0..count).map(number).collect::<Vec<_>>());
    }
}

#[test]
fn mx_formats_of_compressed_tensors_and_model_optimizer() {
    let (rows, cols) = (3, 64);
    let (bytes, scale) = (noise(12, rows * cols / 2), powers(13, rows * cols / 32));
    for (codes, name) in [("weight_packed", "compressed-tensors"), ("weight", "Model Optimizer")] {
        let file = File::new()
            .tensor(&format!("l.{codes}"), "U8", &[rows, cols / 2], &bytes)
            .tensor("l.weight_scale", "U8", &[rows, cols / 32], &scale);
        let weight = read(&file, "", "l.weight");
        assert!(weight.scheme.starts_with(name), "{}", weight.scheme);
        assert_numbers(&weight.numbers, &mxfp4(&bytes, &scale));
    }
    // MXFP6: four codes of 6 bits in three bytes, from the low bits; E2M3 with its sign in bit 5.
    let bytes = noise(14, rows * cols * 6 / 8);
    let file = File::new().tensor("l.weight_packed", "U8", &[rows, cols * 6 / 8], &bytes).tensor(
        "l.weight_scale",
        "U8",
        &[rows, cols / 32],
        &scale,
    );
    let weight = read(&file, "", "l.weight");
    let number = |i: usize| {
        let group = &bytes[i / 4 * 3..][..3];
        let word = u32::from_le_bytes([group[0], group[1], group[2], 0]);
        let code = word >> (6 * (i % 4)) & 63;
        let (exponent, mantissa) = ((code >> 3 & 3) as i32, (code & 7) as f32);
        let magnitude = match exponent {
            0 => mantissa / 8.0,
            _ => (1.0 + mantissa / 8.0) * 2f32.powi(exponent - 1),
        };
        let sign = if code & 32 == 0 { 1.0 } else { -1.0 };
        sign * magnitude * e8m0(scale[i / 32])
    };
    assert_eq!(weight.shape, [rows, cols]);
    assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
    // MXFP8 in bytes of scales.
    let codes = fp8(15, rows * cols);
    let file = File::new().tensor("l.weight", "F8_E4M3", &[rows, cols], &codes).tensor(
        "l.weight_scale",
        "U8",
        &[rows, cols / 32],
        &scale,
    );
    for section in [r#"{"quant_method":"modelopt"}"#, r#"{"quant_method":"compressed-tensors"}"#] {
        let weight = read(&file, section, "l.weight");
        let number = |i: usize| e4m3(codes[i]) * e8m0(scale[i / 32]);
        assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
    }
}

#[test]
fn fp8_scales_of_tensors_rows_groups_and_tiles_in_every_float_type() {
    let (rows, cols) = (6, 40);
    let codes = fp8(16, rows * cols);
    let numbers = [0.5f32, -0.25, 3.0, 0.0, 7.5, 1.0, 2.0, -9.0, 10.0, 11.0, 12.0, 13.0];
    let f16 = |x: f32| half::f16::from_f32(x).to_bits().to_le_bytes();
    type Case<'a> = (&'a [usize], fn(usize, usize) -> usize);
    let cases: [Case<'_>; 6] = [
        (&[], |_, _| 0),
        (&[1], |_, _| 0),
        (&[6, 1], |row, _| row),
        (&[6], |row, _| row),
        (&[6, 2], |row, col| row * 2 + col / 20),
        // A config's tile of 4×16: the last of a row and of a column are short.
        (&[2, 3], |row, col| row / 4 * 3 + col / 16),
    ];
    let section = r#"{"quant_method":"fp8","weight_block_size":[4,16]}"#;
    for (shape, place) in cases {
        let count = shape.iter().product::<usize>();
        for dtype in ["F32", "F16", "BF16"] {
            let scale: Vec<u8> = match dtype {
                "F32" => f32s(&numbers[..count]),
                "BF16" => bf16s(&numbers[..count]),
                _ => numbers[..count].iter().flat_map(|&x| f16(x)).collect(),
            };
            let file = File::new().tensor("l.weight", "F8_E4M3", &[rows, cols], &codes).tensor(
                "l.weight_scale",
                dtype,
                shape,
                &scale,
            );
            let weight = read(&file, section, "l.weight");
            let number = |i: usize| e4m3(codes[i]) * numbers[place(i / cols, i % cols)];
            assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
            assert!(weight.in_place);
        }
    }
    // With F32 scales these are presets.
    let presets =
        [(&[1][..], preset::generic::FP8_E4M3_TENSOR), (&[6, 1], preset::generic::FP8_E4M3_ROW)];
    for (shape, expected) in presets {
        let bytes = File::new()
            .tensor("l.weight", "F8_E4M3", &[rows, cols], &codes)
            .tensor("l.weight_scale", "F32", shape, &f32s(&numbers[..shape[0]]))
            .bytes();
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(checkpoint.weights()[0].scheme().unwrap().spec, expected);
    }
}

#[test]
fn gpt_oss_blocks_are_read_where_they_lie() {
    let (experts, rows, groups) = (2, 3, 2);
    let bytes = noise(17, experts * rows * groups * 16);
    let scale = powers(18, experts * rows * groups);
    let file = File::new()
        .tensor("mlp.experts.gate_up_proj_blocks", "U8", &[experts, rows, groups, 16], &bytes)
        .tensor("mlp.experts.gate_up_proj_scales", "U8", &[experts, rows, groups], &scale)
        .tensor("mlp.experts.gate_up_proj_bias", "BF16", &[1, 2], &bf16s(&[1.0, 2.0]));
    let weight = read(&file, r#"{"quant_method":"mxfp4"}"#, "mlp.experts.gate_up_proj");
    assert_eq!(weight.shape, [experts, rows, groups * 32]);
    assert!(weight.in_place);
    assert_numbers(&weight.numbers, &mxfp4(&bytes, &scale));
    assert_eq!(carried(&file, ""), [""; 0]);
}

#[test]
fn mlx_floats_are_told_apart_by_their_shapes() {
    let rows = 2;
    for (words, groups, name) in [(8, 2, "mxfp4"), (16, 2, "mxfp8"), (8, 4, "nvfp4")] {
        let bytes = match name {
            "mxfp8" => fp8(19, rows * words * 4),
            _ => noise(19, rows * words * 4),
        };
        let scale = match name {
            "nvfp4" => e4m3_scales(20, rows * groups),
            _ => powers(20, rows * groups),
        };
        let file = File::new().tensor("l.weight", "U32", &[rows, words], &bytes).tensor(
            "l.scales",
            "U8",
            &[rows, groups],
            &scale,
        );
        let weight = read(&file, "", "l.weight");
        let nibble = |i: usize| e2m1(bytes[i / 2] >> (i % 2 * 4) & 15);
        let count = rows * words * if name == "mxfp8" { 4 } else { 8 };
        let number = |i: usize| match name {
            "mxfp4" => nibble(i) * e8m0(scale[i / 32]),
            "mxfp8" => e4m3(bytes[i]) * e8m0(scale[i / 32]),
            _ => nibble(i) * e4m3(scale[i / 16]),
        };
        assert_numbers(&weight.numbers, &(0..count).map(number).collect::<Vec<_>>());
        assert_eq!(weight.scheme, "MLX: mxfp4, mxfp8 or nvfp4");
    }
}

#[test]
fn comfy_ui_has_a_scale_and_a_mark() {
    let codes = fp8(21, 12);
    let file = File::new()
        .tensor("scaled_fp8", "F8_E4M3", &[0], &[])
        .tensor("x.weight", "F8_E4M3", &[3, 4], &codes)
        .tensor("x.scale_weight", "F32", &[], &f32s(&[0.3]))
        .tensor("x.scale_input", "F32", &[], &f32s(&[1.0]))
        .tensor("x.bias", "F16", &[1], &[0, 0x3C]);
    let weight = read(&file, "", "x.weight");
    assert_numbers(&weight.numbers, &codes.iter().map(|&c| e4m3(c) * 0.3).collect::<Vec<_>>());
    assert_eq!(weight.scheme, "ComfyUI: FP8, scale_weight");
    let expected = [
        "scaled_fp8: a mark that scales are beside the codes",
        "x.scale_input: a scale of activations",
    ];
    assert_eq!(carried(&file, ""), expected);
}

#[test]
fn torchaos_parts_are_put_together_by_the_files_metadata() {
    let (rows, cols) = (130, 64);
    let (bytes, scale) = (noise(22, rows * cols / 2), e4m3_scales(23, rows * cols / 16));
    let nibble = |i: usize| e2m1(bytes[i / 2] >> (i % 2 * 4) & 15);
    // The tiles of 128×4, byte by byte: rows 0, 32, 64, 96 lie beside each other.
    let mut tiles = vec![0; 256 * 4];
    for (i, &code) in scale.iter().enumerate() {
        let (row, col) = (i / 4, i % 4);
        tiles[row / 128 * 512 + row % 32 * 16 + row / 32 % 4 * 4 + col] = code;
    }
    for (swizzled, scales, shape) in [(false, &scale, [rows, cols / 16]), (true, &tiles, [256, 4])]
    {
        let description = format!(
            r#"{{"_type":"NVFP4Tensor","_data":{{"block_size":16,"is_swizzled_scales":{swizzled}}},
            "_tensor_data_names":["qdata","scale","per_tensor_scale"]}}"#
        );
        let file = File::new()
            .tensor("m.q._weight_qdata", "U8", &[rows, cols / 2], &bytes)
            .tensor("m.q._weight_scale", "F8_E4M3", &shape, scales)
            .tensor("m.q._weight_per_tensor_scale", "F32", &[], &f32s(&[0.37]))
            .tensor("m.q._weight_act_per_tensor_scale", "F32", &[], &f32s(&[0.5]))
            .metadata("m.q.weight", &description);
        let weight = read(&file, "", "m.q.weight");
        assert_eq!((weight.shape.as_slice(), weight.in_place), (&[rows, cols][..], !swizzled));
        let beside = "m.q._weight_act_per_tensor_scale: a scale of activations";
        assert_eq!(carried(&file, ""), [beside]);
        let number = |i: usize| nibble(i) * (e4m3(scale[i / 16]) * 0.37);
        assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
    }
    // Float8Tensor: rows and their scales.
    let codes = fp8(24, 3 * 8);
    let scale = scales(25, 3);
    let file = File::new()
        .tensor("q._weight_qdata", "F8_E4M3", &[3, 8], &codes)
        .tensor("q._weight_scale", "F32", &[3, 1], &f32s(&scale))
        .metadata("q.weight", r#"{"_type":"Float8Tensor","_data":{"block_size":[1,8]}}"#);
    let weight = read(&file, "", "q.weight");
    let number = |i: usize| e4m3(codes[i]) * scale[i / 8];
    assert_numbers(&weight.numbers, &(0..24).map(number).collect::<Vec<_>>());
    // A class that is not read, and none.
    let file = File::new()
        .tensor("q._weight_qdata", "I8", &[3, 8], &codes)
        .tensor("q._weight_scale", "F32", &[3, 1], &f32s(&scale))
        .metadata("q.weight", r#"{"_type":"Int4PlainInt32Tensor","_data":{}}"#);
    let expected = "q._weight_qdata: torchao's class: expected NVFP4Tensor, MXTensor, \
                    Float8Tensor, Int8Tensor or IntxUnpackedToInt8Tensor, with scales of their \
                    types, found Int4PlainInt32Tensor";
    assert_eq!(
        carried(&file, ""),
        [expected, "q._weight_scale: scales of codes beside them, not weights"]
    );
}

#[test]
fn codes_without_any_scales_stand_for_themselves() {
    // Files of safetensors 0.8: F4 and F6 beside F32.
    let file = File::new()
        .tensor("a", "F8_E4M3", &[2], &[0x38, 0xC0])
        .tensor("b", "F4", &[2, 2], &[0x21, 0xF7])
        .tensor("c", "F6_E2M3", &[4], &[0x08, 0, 0x80])
        .tensor("d", "F32", &[1], &f32s(&[2.5]));
    let bytes = file.bytes();
    let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
    let numbers = |name: &str| {
        let weight = checkpoint.weight(name).unwrap();
        checkpoint.load(weight).unwrap().to_f32().unwrap()
    };
    assert_eq!(numbers("a"), [1.0, -2.0]);
    assert_eq!(numbers("b"), [0.5, 1.0, 6.0, -6.0]);
    assert_eq!(numbers("c"), [1.0, 0.0, 0.0, -0.0]);
    assert_eq!(numbers("d"), [2.5]);
    let loaded = checkpoint.load(checkpoint.weight("b").unwrap()).unwrap();
    assert!(matches!(loaded, Loaded::Quantized(weight) if weight.is_in_place()));
    // Beside others that have scales, the missing ones are missed.
    let file = File::new()
        .tensor("a.weight", "F8_E4M3", &[2], &[0x38, 0xC0])
        .tensor("a.weight_scale", "F32", &[1], &f32s(&[2.5]))
        .tensor("b.weight", "F8_E4M3", &[2], &[0x38, 0xC0]);
    assert_eq!(
        carried(&file, ""),
        ["b.weight: codes without the scales that others have beside them"]
    );
}
