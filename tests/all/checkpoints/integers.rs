//! Integers with scales, zero points and minima: compressed-tensors, GPTQ, AWQ, MLX, Model
//! Optimizer, and bitsandbytes' codebooks.

use super::{File, assert_numbers, bf16s, carried, f32s, i32s, i64s, noise, read, scales};

/// Codes of so many bits.
fn codes(seed: u64, bits: u32, count: usize) -> Vec<u32> {
    noise(seed, count).iter().map(|byte| u32::from(*byte) & ((1 << bits) - 1)).collect()
}

/// A stream of codes in words of 32 bits, each code from the lowest free bit on.
fn words(codes: &[u32], bits: u32) -> Vec<u32> {
    let mut words = vec![0u32; (codes.len() * bits as usize).div_ceil(32)];
    for (i, code) in codes.iter().enumerate() {
        for bit in 0..bits {
            let place = i * bits as usize + bit as usize;
            words[place / 32] |= (code >> bit & 1) << (place % 32);
        }
    }
    words
}

/// Streams along the rows of a matrix: row-major words.
pub(super) fn along(codes: &[u32], bits: u32, cols: usize) -> Vec<u8> {
    let rows = codes.chunks_exact(cols).flat_map(|row| words(row, bits));
    rows.flat_map(u32::to_le_bytes).collect()
}

/// Streams down the columns of a matrix: row-major words.
pub(super) fn down(codes: &[u32], bits: u32, cols: usize) -> Vec<u8> {
    let column = |col: usize| codes.iter().skip(col).step_by(cols).copied().collect::<Vec<_>>();
    let streams: Vec<Vec<u32>> = (0..cols).map(|col| words(&column(col), bits)).collect();
    (0..streams[0].len())
        .flat_map(|word| streams.iter().map(move |stream| stream[word]))
        .flat_map(u32::to_le_bytes)
        .collect()
}

#[test]
fn pack_quantized_words_of_every_width_with_and_without_zero_points() {
    // compressed-tensors #458: zero points are packed down the rows.
    let (rows, cols, group) = (7, 48, 16);
    let groups = cols / group;
    for bits in 2..=8 {
        let half = 1 << (bits - 1);
        let (q, z) = (codes(1, bits, rows * cols), codes(2, bits, rows * groups));
        let scale: Vec<f32> =
            (0..rows * groups).map(|i| [0.5f32, 1.25, 3.0, 0.0078125][i % 4]).collect();
        let shape = [rows, (cols * bits as usize).div_ceil(32)];
        let zero_words = (rows * bits as usize).div_ceil(32);
        let section = format!(
            r#"{{"quant_method":"compressed-tensors","config_groups":
            {{"group_0":{{"weights":{{"num_bits":{bits}}}}}}}}}"#
        );
        let symmetric = || {
            File::new()
                .tensor("l.weight_packed", "I32", &shape, &along(&q, bits, cols))
                .tensor("l.weight_scale", "BF16", &[rows, groups], &bf16s(&scale))
                .tensor("l.weight_shape", "I64", &[2], &i64s(&[rows as i64, cols as i64]))
        };
        let weight = read(&symmetric(), &section, "l.weight");
        assert_eq!((weight.shape.as_slice(), weight.in_place), (&[rows, cols][..], false));
        let number = |i: usize| {
            let block = i / cols * groups + i % cols / group;
            (q[i] as f32 - half as f32) * scale[block]
        };
        assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
        assert_eq!(weight.scheme, "compressed-tensors: pack-quantized");

        let zeros = down(&z, bits, groups);
        let file = symmetric().tensor("l.weight_zero_point", "I32", &[zero_words, groups], &zeros);
        let weight = read(&file, &section, "l.weight");
        let number = |i: usize| {
            let block = i / cols * groups + i % cols / group;
            (q[i] as f32 - z[block] as f32) * scale[block]
        };
        assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
    }
}

#[test]
fn pack_quantized_with_the_group_of_each_input() {
    let (rows, cols) = (3, 16);
    let (q, z) = (codes(3, 4, rows * cols), codes(4, 4, rows * 2));
    let scale = scales(5, rows * 2);
    let group: Vec<i32> = (0..cols).map(|col| i32::from(col * 7 % 16 >= 8)).collect();
    let file = File::new()
        .tensor("l.weight_packed", "I32", &[rows, 2], &along(&q, 4, cols))
        .tensor("l.weight_scale", "F32", &[rows, 2], &f32s(&scale))
        .tensor("l.weight_shape", "I64", &[2], &i64s(&[rows as i64, cols as i64]))
        .tensor("l.weight_zero_point", "I32", &[1, 2], &down(&z, 4, 2))
        .tensor("l.weight_g_idx", "I32", &[cols], &i32s(&group));
    let weight = read(&file, "", "l.weight");
    let number = |i: usize| {
        let block = i / cols * 2 + group[i % cols] as usize;
        (q[i] as f32 - z[block] as f32) * scale[block]
    };
    assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
}

#[test]
fn int_quantized_rows_with_and_without_zero_points() {
    let (rows, cols) = (3, 8);
    let (q, z) = (noise(6, rows * cols), [5u8, 0xFB, 0x80]);
    let scale = scales(7, rows);
    let file = || {
        File::new().tensor("l.weight", "I8", &[rows, cols], &q).tensor(
            "l.weight_scale",
            "F32",
            &[rows, 1],
            &f32s(&scale),
        )
    };
    let weight = read(&file(), "", "l.weight");
    let number = |i: usize| f32::from(q[i] as i8) * scale[i / cols];
    assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
    assert!(weight.in_place);
    let file = file().tensor("l.weight_zero_point", "I8", &[rows, 1], &z);
    let weight = read(&file, "", "l.weight");
    let number =
        |i: usize| (f32::from(q[i] as i8) - f32::from(z[i / cols] as i8)) * scale[i / cols];
    assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
}

/// A GPTQ layer: codes `[inputs, outputs]` and zero points as they are meant, scales in F16 or BF16.
struct Layer {
    bits: u32,
    inputs: usize,
    outputs: usize,
    q: Vec<u32>,
    z: Vec<u32>,
    scale: Vec<f32>,
    /// The group of each input.
    group: Vec<i32>,
}

impl Layer {
    fn new(bits: u32, inputs: usize, outputs: usize, group: Vec<i32>) -> Self {
        let groups = *group.iter().max().unwrap() as usize + 1;
        Self {
            bits,
            inputs,
            outputs,
            q: codes(8, bits, inputs * outputs),
            z: codes(9, bits, groups * outputs),
            scale: (0..groups * outputs).map(|i| [0.0123f32, 0.5, -2.0, 0.25][i % 4]).collect(),
            group,
        }
    }

    fn groups(&self) -> usize {
        self.z.len() / self.outputs
    }

    fn file(&self, version: u32, dtype: &str, with_index: bool) -> File {
        let Self { bits, inputs, outputs, .. } = *self;
        let mask = (1 << bits) - 1;
        let stored: Vec<u32> = self
            .z
            .iter()
            .map(|z| if version == 1 { z.wrapping_sub(1) & mask } else { *z })
            .collect();
        let words = |codes: usize| (codes * bits as usize).div_ceil(32);
        let scale: Vec<u8> = match dtype {
            "BF16" => bf16s(&self.scale),
            "F32" => f32s(&self.scale),
            _ => self
                .scale
                .iter()
                .flat_map(|&x| half::f16::from_f32(x).to_bits().to_le_bytes())
                .collect(),
        };
        let shape = [self.groups(), outputs];
        let file = File::new()
            .tensor("l.qweight", "I32", &[words(inputs), outputs], &down(&self.q, bits, outputs))
            .tensor(
                "l.qzeros",
                "I32",
                &[self.groups(), words(outputs)],
                &along(&stored, bits, outputs),
            )
            .tensor("l.scales", dtype, &shape, &scale);
        match with_index {
            true => file.tensor("l.g_idx", "I32", &[inputs], &i32s(&self.group)),
            false => file,
        }
    }

    /// The weight `[outputs, inputs]`, with scales as the type has them.
    fn numbers(&self, dtype: &str) -> Vec<f32> {
        let scale = |x: f32| match dtype {
            "BF16" => f32::from_bits(x.to_bits() & 0xFFFF_0000),
            "F32" => x,
            _ => half::f16::from_f32(x).to_f32(),
        };
        let number = |i: usize| {
            let (output, input) = (i / self.inputs, i % self.inputs);
            let block = self.group[input] as usize * self.outputs + output;
            let q = self.q[input * self.outputs + output];
            (q as f32 - self.z[block] as f32) * scale(self.scale[block])
        };
        (0..self.inputs * self.outputs).map(number).collect()
    }
}

#[test]
fn gptq_of_2_3_4_and_8_bits_in_both_versions_and_every_type_of_scales() {
    // exllama #95, text-generation-inference #1953: other widths, BF16 scales. g_idx may be missing.
    let (inputs, outputs) = (64, 32);
    for bits in [2, 3, 4, 8] {
        let group = (0..inputs as i32).map(|input| input / 16).collect();
        let layer = Layer::new(bits, inputs, outputs, group);
        for (version, format) in [(1, "gptq"), (2, "gptq_v2")] {
            for dtype in ["F16", "BF16", "F32"] {
                for with_index in [true, false] {
                    let file = layer.file(version, dtype, with_index);
                    let section = format!(
                        r#"{{"quant_method":"gptq","bits":{bits},"group_size":16,
                        "checkpoint_format":"{format}"}}"#
                    );
                    let weight = read(&file, &section, "l.weight");
                    assert_eq!(weight.shape, [outputs, inputs]);
                    assert_numbers(&weight.numbers, &layer.numbers(dtype));
                    assert_eq!(weight.scheme, "GPTQ: qweight, qzeros, scales");
                }
            }
        }
        // Without a config it is version 1.
        let weight = read(&layer.file(1, "F16", true), "", "l.weight");
        assert_numbers(&weight.numbers, &layer.numbers("F16"));
    }
}

#[test]
fn gptq_groups_may_be_scattered_or_uneven() {
    // vLLM #55262: half of an act-order layer, groups of 8, 9, 9 and 6 inputs.
    let uneven: Vec<i32> =
        [8, 9, 9, 6].iter().zip(0..).flat_map(|(&count, group)| vec![group; count]).collect();
    let scattered: Vec<i32> = (0..32).map(|input| input * 11 % 32 / 8).collect();
    // Pairs of inputs stay together, so that blocks of two will do.
    let pairs: Vec<i32> = (0..32).map(|input| input / 2 * 5 % 16 / 4).collect();
    let one = vec![0; 32];
    for (group, extent) in [(uneven, 1), (scattered, 1), (pairs, 2), (one, 32)] {
        let layer = Layer::new(4, 32, 16, group);
        let file = layer.file(1, "F16", true);
        let weight = read(&file, r#"{"quant_method":"gptq","bits":4,"desc_act":true}"#, "l.weight");
        assert_numbers(&weight.numbers, &layer.numbers("F16"));
        let bytes = file.bytes();
        let checkpoint = subhalf::io::Checkpoint::from_bytes(&bytes).unwrap();
        let scheme = checkpoint.weight("l.weight").unwrap().scheme().unwrap();
        let expected = match extent {
            32 => subhalf::Extent::Row,
            cols => subhalf::Extent::Block { rows: 1, cols },
        };
        assert_eq!(scheme.spec.extent, expected);
    }
    let mut layer = Layer::new(4, 32, 16, (0..32).map(|input| input / 8).collect());
    layer.group[5] = 4;
    let expected = [
        "l.qweight: tensor 'l.g_idx', input 5: expected groups from 0 to 3, found 4",
        "l.qzeros: integers, not weights",
        "l.scales: scales of codes beside them, not weights",
        "l.g_idx: integers, not weights",
    ];
    assert_eq!(carried(&layer.file(1, "F16", true), ""), expected);
}

#[test]
fn awq_words_hold_outputs_0_2_4_6_1_3_5_7() {
    let (inputs, outputs, group) = (32, 16, 8);
    let (q, z) = (codes(10, 4, inputs * outputs), codes(11, 4, inputs / group * outputs));
    let scale = [0.5f32, -0.125, 3.0];
    let order = [0, 2, 4, 6, 1, 3, 5, 7];
    let pack = |codes: &[u32]| -> Vec<u8> {
        let word = |eight: &[u32]| (0..8).fold(0u32, |word, i| word | eight[order[i]] << (4 * i));
        codes.chunks_exact(8).flat_map(|eight| word(eight).to_le_bytes()).collect()
    };
    let groups = inputs / group;
    let scales: Vec<f32> = (0..groups * outputs).map(|i| scale[i % 3]).collect();
    let file = File::new()
        .tensor("l.qweight", "I32", &[inputs, outputs / 8], &pack(&q))
        .tensor("l.qzeros", "I32", &[groups, outputs / 8], &pack(&z))
        .tensor("l.scales", "BF16", &[groups, outputs], &bf16s(&scales));
    for section in ["", r#"{"quant_method":"awq","bits":4,"group_size":8}"#] {
        let weight = read(&file, section, "l.weight");
        assert_eq!(weight.shape, [outputs, inputs]);
        let number = |i: usize| {
            let (output, input) = (i / inputs, i % inputs);
            let block = input / group * outputs + output;
            (q[input * outputs + output] as f32 - z[block] as f32) * scales[block]
        };
        assert_numbers(&weight.numbers, &(0..inputs * outputs).map(number).collect::<Vec<_>>());
        assert_eq!(weight.scheme, "AWQ: qweight, qzeros, scales");
    }
}

#[test]
fn mlx_affine_of_every_width_is_read_in_place() {
    // torchao #1264: a float minimum.
    let (rows, cols, group) = (3, 128, 32);
    for bits in [2, 3, 4, 5, 6, 8] {
        let q = codes(12, bits, rows * cols);
        let (scale, minimum) = (scales(13, rows * 4), scales(14, rows * 4));
        let minimum: Vec<f32> = minimum.iter().map(|x| -x).collect();
        let file = File::new()
            .tensor("m.l.weight", "U32", &[rows, cols * bits as usize / 32], &along(&q, bits, cols))
            .tensor("m.l.scales", "F32", &[rows, cols / group], &f32s(&scale))
            .tensor("m.l.biases", "F32", &[rows, cols / group], &f32s(&minimum));
        // The layer's own numbers go before the model's.
        let section =
            format!(r#"{{"group_size":64,"bits":7,"m.l":{{"group_size":{group},"bits":{bits}}}}}"#);
        let weight = read(&file, &section, "m.l.weight");
        let number = |i: usize| q[i] as f32 * scale[i / group] + minimum[i / group];
        assert_numbers(&weight.numbers, &(0..rows * cols).map(number).collect::<Vec<_>>());
        assert!(weight.in_place);
    }
    // Its defaults are 4 bits in groups of 64; what they do not fit is said.
    let q = codes(15, 4, 128);
    let file = |groups: usize| {
        File::new()
            .tensor("l.weight", "U32", &[1, 16], &along(&q, 4, 128))
            .tensor("l.scales", "BF16", &[1, groups], &bf16s(&vec![2.0; groups]))
            .tensor("l.biases", "BF16", &[1, groups], &bf16s(&vec![-1.0; groups]))
    };
    let weight = read(&file(2), "", "l.weight");
    assert_numbers(&weight.numbers, &q.iter().map(|&q| q as f32 * 2.0 - 1.0).collect::<Vec<_>>());
    let expected = "l.weight: tensor 'l.scales': expected scales of shape [1, 2], for 4 bits in \
                    groups of 64, found BF16 [1, 4]";
    assert_eq!(carried(&file(4), "")[0], expected);
}

#[test]
fn model_optimizers_int4_has_two_outputs_in_a_byte() {
    let (outputs, inputs, group) = (6, 10, 5);
    let (bytes, scale) = (noise(16, outputs / 2 * inputs), scales(17, outputs * 2));
    let file = File::new()
        .tensor("l.weight", "U8", &[outputs / 2, inputs], &bytes)
        .tensor("l.weight_scale", "F32", &[outputs, 2], &f32s(&scale))
        .tensor("l.pre_quant_scale", "F32", &[inputs], &f32s(&vec![1.0; inputs]));
    let weight = read(&file, r#"{"quant_method":"modelopt"}"#, "l.weight");
    let number = |i: usize| {
        let (output, input) = (i / inputs, i % inputs);
        let nibble = bytes[output / 2 * inputs + input] >> (output % 2 * 4) & 15;
        let q = if nibble < 8 { f32::from(nibble) } else { f32::from(nibble) - 16.0 };
        q * scale[output * 2 + input / group]
    };
    assert_eq!(weight.shape, [outputs, inputs]);
    assert_numbers(&weight.numbers, &(0..outputs * inputs).map(number).collect::<Vec<_>>());
    assert_eq!(carried(&file, ""), ["l.pre_quant_scale: a scale of activations"]);
}

/// QLoRA's NF4, as bitsandbytes writes its numbers.
pub(super) const NF4: [f32; 16] = [
    -1.0,
    -0.6961928,
    -0.52507305,
    -0.3949175,
    -0.28444138,
    -0.18477343,
    -0.091050036,
    0.0,
    0.0795803,
    0.1609302,
    0.2461123,
    0.33791524,
    0.44070983,
    0.562617,
    0.72295684,
    1.0,
];

#[test]
fn bitsandbytes_has_the_first_code_in_the_high_nibble_and_may_nest_its_scales() {
    // bitsandbytes #565, TensorRT-Model-Optimizer #183: blocks of 64, the last one of 16, and a nested 8-bit absmax.
    let (rows, cols) = (3, 48);
    let count = rows * cols;
    let (bytes, absmax) = (noise(18, count / 2), scales(19, 3));
    let code = |i: usize| usize::from(bytes[i / 2] >> (4 - i % 2 * 4) & 15);
    let state = |more: &str| {
        format!(r#"{{"quant_type":"nf4","blocksize":64,"dtype":"bfloat16","shape":[3,48]{more}}}"#)
    };
    let plain = state("");
    let other: Vec<f32> = (0..16).map(|i| (i * i) as f32 - 60.0).collect();
    for map in [&NF4[..], &other] {
        let file = File::new()
            .tensor("l.weight", "U8", &[count / 2, 1], &bytes)
            .tensor("l.weight.absmax", "F32", &[3], &f32s(&absmax))
            .tensor("l.weight.quant_map", "F32", &[16], &f32s(map))
            .tensor(
                "l.weight.quant_state.bitsandbytes__nf4",
                "U8",
                &[plain.len()],
                plain.as_bytes(),
            );
        let weight = read(&file, r#"{"quant_method":"bitsandbytes"}"#, "l.weight");
        assert_eq!(weight.shape, [rows, cols]);
        let number = |i: usize| map[code(i)] * absmax[i / 64];
        assert_numbers(&weight.numbers, &(0..count).map(number).collect::<Vec<_>>());
        assert_eq!(carried(&file, ""), [""; 0]);
    }
    let nested = [200u8, 0, 77];
    let book = scales(20, 256);
    let nested_scales = [0.25f32, 3.5];
    let text = state(r#","nested_blocksize":2,"nested_dtype":"float32","nested_offset":0.125"#);
    let file = File::new()
        .tensor("l.weight", "U8", &[count / 2, 1], &bytes)
        .tensor("l.weight.absmax", "U8", &[3], &nested)
        .tensor("l.weight.quant_map", "F32", &[16], &f32s(&NF4))
        .tensor("l.weight.nested_absmax", "F32", &[2], &f32s(&nested_scales))
        .tensor("l.weight.nested_quant_map", "F32", &[256], &f32s(&book))
        .tensor("l.weight.quant_state.bitsandbytes__nf4", "U8", &[text.len()], text.as_bytes());
    let weight = read(&file, "", "l.weight");
    let number = |i: usize| {
        let block = i / 64;
        let scale = book[usize::from(nested[block])] * nested_scales[block / 2] + 0.125;
        NF4[code(i)] * scale
    };
    assert_numbers(&weight.numbers, &(0..count).map(number).collect::<Vec<_>>());
    assert_eq!(weight.tensors.len(), 6);
}
