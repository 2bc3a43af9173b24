//! ggml's IQ types with grids: `tests/golden/gguf/grids.bin` has blocks in which every point of every
//! grid occurs, and digests of what ggml d99724f2 makes of them; `tests/interop/ggml_grids.c` made it.

use subhalf::layout::{GgmlType, from_ggml, to_ggml};

const GOLDEN: &[u8] = include_bytes!("../../golden/gguf/grids.bin");

/// Types in the order of the file, and how many blocks each has: its points, by those of a block.
const TYPES: [(GgmlType, usize); 7] = [
    (GgmlType::Iq2Xxs, 256 / 32),
    (GgmlType::Iq2Xs, 512 / 32),
    (GgmlType::Iq2S, 1024 / 32),
    (GgmlType::Iq3Xxs, 256 / 64),
    (GgmlType::Iq3S, 512 / 64),
    (GgmlType::Iq1S, 2048 / 32),
    (GgmlType::Iq1M, 2048 / 32),
];

#[test]
fn every_point_of_a_grid_is_that_of_ggml() {
    let mut rest = GOLDEN;
    for (kind, count) in TYPES {
        for index in 0..count {
            let (block, digest) = rest[..kind.block_bytes() + 8].split_at(kind.block_bytes());
            rest = &rest[kind.block_bytes() + 8..];
            let tensor = from_ggml(kind, block, &[256]).expect("finite");
            // FNV-1a.
            let bytes = tensor.dequantize().into_iter().flat_map(f32::to_le_bytes);
            let found = bytes.fold(0xCBF2_9CE4_8422_2325, |digest: u64, byte| {
                (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
            });
            assert_eq!(found.to_le_bytes(), digest, "{kind:?}, block {index}");
            assert!(to_ggml(kind, &tensor.view()).is_err(), "{kind:?} is read only");
        }
    }
    assert!(rest.is_empty());
}
