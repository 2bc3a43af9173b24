//! What other programs made themselves: a checkpoint of MLX, and arrays of bitsandbytes,
//! compressed-tensors and Model Optimizer under the names that they have in files.

use super::integers::{along, down};
use super::{File, assert_numbers, f32s, i64s, read};
use crate::oracle::GOLDEN;
use crate::oracle::source::Oracle;
use std::path::Path;
use subhalf::io::{Checkpoint, Loaded};

#[test]
fn a_checkpoint_that_mlx_wrote_comes_back_as_mlx_dequantizes_it() {
    let folder = Path::new(GOLDEN).join("checkpoints/mlx");
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let expected = Checkpoint::open(folder.join("expected/model.safetensors")).unwrap();
    assert_eq!(expected.weights().len(), 22);
    assert_eq!(checkpoint.weights().len(), 22);
    assert!(checkpoint.carried().is_empty());
    assert_eq!(checkpoint.metadata().get("format").map(String::as_str), Some("mlx"));
    for numbers in expected.weights() {
        let weight = checkpoint.weight(numbers.name()).unwrap();
        assert_eq!(weight.scheme().unwrap().convention.name(), "MLX");
        assert_eq!(weight.shape(), numbers.shape());
        let numbers = expected.load(numbers).unwrap().to_f32().unwrap();
        let loaded = checkpoint.load(weight).unwrap();
        assert!(matches!(&loaded, Loaded::Quantized(weight) if weight.is_in_place()));
        assert_numbers(&loaded.to_f32().unwrap(), &numbers);
    }
}

/// Bytes of an array of one byte an element.
fn bytes(oracle: &Oracle, file: &str) -> Vec<u8> {
    oracle.array(file).into_iter().map(|byte| byte as u8).collect()
}

#[test]
fn blocks_of_bitsandbytes_come_back_as_it_dequantizes_them() {
    let oracle = Oracle::open(Path::new(GOLDEN));
    // FP4 in the order of its codes, in twelfths; those from 8 on are below zero, but for the 0 at
    // 8: the program writes an integer -0 there.
    let above = [0.0f32, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0].map(|x| x / 12.0);
    let fp4: Vec<f32> = above.iter().copied().chain(above.iter().map(|x| 0.0 - x)).collect();
    for (name, map) in [("nf4", super::integers::NF4.to_vec()), ("fp4", fp4)] {
        let array = |what: &str| format!("block/{name}.bitsandbytes.{what}.bin");
        let packed = bytes(&oracle, &array("packed.u8"));
        let state = format!(r#"{{"quant_type":"{name}","blocksize":64,"shape":[30,64]}}"#);
        let file = File::new()
            .tensor("l.weight", "U8", &[packed.len(), 1], &packed)
            .tensor("l.weight.absmax", "F32", &[30], &f32s(&oracle.floats(&array("absmax.f32"))))
            .tensor("l.weight.quant_map", "F32", &[16], &f32s(&map))
            .tensor(
                &format!("l.weight.quant_state.bitsandbytes__{name}"),
                "U8",
                &[state.len()],
                state.as_bytes(),
            );
        let weight = read(&file, "", "l.weight");
        assert_numbers(&weight.numbers, &oracle.floats(&array("deq.f32")));
    }
}

#[test]
fn integers_of_compressed_tensors_come_back_as_it_dequantizes_them() {
    let oracle = Oracle::open(Path::new(GOLDEN));
    let offset = |code: u64| u32::from((code as u8 as i8 + 8) as u8);
    for name in ["int4_g32_sym_0", "int4_g32_asym_0"] {
        let array = |what: &str| format!("block/{name}.ct.{what}.bin");
        let q: Vec<u32> = oracle.array(&array("q.i8")).into_iter().map(offset).collect();
        let scale = f32s(&oracle.floats(&array("scale.f32")));
        let file = File::new()
            .tensor("l.weight_packed", "I32", &[8, 8], &along(&q, 4, 64))
            .tensor("l.weight_scale", "F32", &[8, 2], &scale)
            .tensor("l.weight_shape", "I64", &[2], &i64s(&[8, 64]));
        let zeros = oracle.floats(&array("zp.f32"));
        let file = if name.contains("asym") {
            let zeros: Vec<u32> = zeros.iter().map(|z| (z + 8.0) as u32).collect();
            file.tensor("l.weight_zero_point", "I32", &[1, 2], &down(&zeros, 4, 2))
        } else {
            assert!(zeros.iter().all(|&z| z == 0.0));
            file
        };
        let weight = read(&file, "", "l.weight");
        // The program rounded in floats, where numbers just below 0 become −0; words of integers
        // have one zero.
        let expected: Vec<f32> =
            oracle.floats(&array("deq.f32")).into_iter().map(|x| x + 0.0).collect();
        assert_numbers(&weight.numbers, &expected);
    }
}

#[test]
fn nvfp4_of_model_optimizer_comes_back_as_it_dequantizes_it() {
    let oracle = Oracle::open(Path::new(GOLDEN));
    for number in 0..4 {
        let array = |what: &str| format!("block/nvfp4_tensor{number}.modelopt.{what}.bin");
        let file = File::new()
            .tensor("l.weight", "U8", &[8, 32], &bytes(&oracle, &array("elem.u8")))
            .tensor("l.weight_scale", "F8_E4M3", &[8, 4], &bytes(&oracle, &array("scale.u8")))
            .tensor("l.weight_scale_2", "F32", &[], &f32s(&oracle.floats(&array("gscale.f32"))));
        let weight = read(&file, "", "l.weight");
        assert_numbers(&weight.numbers, &oracle.floats(&array("deq.f32")));
    }
}
