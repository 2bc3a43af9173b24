//! Checkpoints that other programs wrote (`tests/interop/read.py`): every number is the one that
//! the program itself makes of its codes, in the type that the program computes it in.

use crate::oracle::GOLDEN;
use std::path::Path;
use subhalf::FormatSpec;
use subhalf::io::{Checkpoint, Loaded};

/// Reads a folder, compares each weight with `expected/model.safetensors`, and returns the number
/// of weights and of numbers.
fn compare(program: &str, convention: &str) -> [usize; 2] {
    let folder = Path::new(GOLDEN).join("checkpoints").join(program);
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let expected = Checkpoint::open(folder.join("expected/model.safetensors")).unwrap();
    for carried in checkpoint.carried() {
        assert_eq!(carried.reason(), "a scale of activations", "{program}: {}", carried.name());
    }
    assert_eq!(checkpoint.weights().len(), expected.weights().len(), "{program}");
    let mut numbers = 0;
    for weight in expected.weights() {
        let Loaded::Numbers(plain) = expected.load(weight).unwrap() else { panic!("numbers") };
        let name = format!("{program}: {}", weight.name());
        let weight = checkpoint.weight(weight.name()).unwrap();
        assert_eq!(weight.scheme().expect("a scheme").convention.name(), convention, "{name}");
        let format = FormatSpec::by_name(&plain.dtype()).unwrap();
        // The program rounds to its type what is here rounded to f32.
        let rounded = |x: f32| match format.bits() {
            32 => x,
            _ => format.decode_f32(format.encode_f32(x)),
        };
        let found = checkpoint.load(weight).unwrap().to_f32().unwrap();
        let found: Vec<u32> = found.into_iter().map(|x| rounded(x).to_bits()).collect();
        let wanted: Vec<u32> = plain.to_f32().into_iter().map(f32::to_bits).collect();
        assert_eq!(found.len(), wanted.len(), "{name}");
        let differ: Vec<_> = (0..found.len())
            .filter(|&i| found[i] != wanted[i])
            .map(|i| (i, found[i], wanted[i]))
            .collect();
        assert_eq!(differ.first(), None, "{name}: {} of {} differ", differ.len(), found.len());
        numbers += found.len();
    }
    [expected.weights().len(), numbers]
}

#[test]
fn weights_that_programs_wrote_come_back_as_they_dequantize_them() {
    for (program, convention, count) in [
        ("compressed_tensors", "compressed-tensors", [44, 14_502]),
        ("torchao", "torchao", [22, 8_448]),
        ("bitsandbytes", "bitsandbytes", [8, 2_560]),
        // Zero points less one, and as they are.
        ("gptq", "GPTQ", [6, 12_288]),
        ("gptq_v2", "GPTQ", [2, 4_096]),
        ("awq", "AWQ", [2, 4_096]),
        ("mlx", "MLX", [22, 8_448]),
    ] {
        assert_eq!(compare(program, convention), count, "{program}");
    }
}
