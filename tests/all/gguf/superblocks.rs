//! Superblocks against ggml's own C: `tests/golden/gguf/superblocks.bin` has numbers of 14 kinds and
//! the blocks that ggml d99724f2 made of them; `tests/interop/ggml_superblocks.c` made it.

use std::path::PathBuf;
use subhalf::io::{Gguf, GgufContents, GgufWeight};
use subhalf::layout::{GgmlType, from_ggml, to_ggml};
use subhalf::{Error, Exec, QuantTensor};

const GOLDEN: &[u8] = include_bytes!("../../golden/gguf/superblocks.bin");

/// 256 numbers, and the blocks of `Q4_K` and `Q6_K`.
const RECORD: usize = 1024 + 144 + 210;

/// What was compared: blocks, those whose bytes differ, and numbers whose bits differ.
///
/// An F16 of 0 leaves nothing to find its integers by: where ggml's scale of scales, or of minima,
/// underflows, the bytes of integers may differ, and no number does. Such blocks count by themselves.
#[derive(Default)]
struct Compared {
    blocks: usize,
    other_bytes: usize,
    other_bytes_under_zero: usize,
    other_numbers: usize,
}

/// Whether an F16 of a block of ggml's is 0.
fn has_zero(kind: GgmlType, block: &[u8]) -> bool {
    let places = if kind == GgmlType::Q4K { &[0, 2][..] } else { &[208] };
    places.iter().any(|&place| u16::from_le_bytes([block[place], block[place + 1]]) & 0x7FFF == 0)
}

fn compare(kind: GgmlType, records: &[u8]) -> Compared {
    let start = if kind == GgmlType::Q4K { 1024 } else { 1024 + 144 };
    let mut compared = Compared::default();
    // Rows of some superblocks, on several threads.
    for rows in records.chunks(64 * RECORD) {
        let records = rows.chunks_exact(RECORD);
        let shape = [records.len(), 256];
        let numbers: Vec<f32> = records
            .clone()
            .flat_map(|record| record[..1024].as_chunks().0)
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let theirs: Vec<u8> =
            records.flat_map(|record| &record[start..][..kind.block_bytes()]).copied().collect();
        let tensor = QuantTensor::quantize_ggml(kind, &numbers, &shape).expect("finite");
        let ours = to_ggml(kind, &tensor.view()).expect("superblocks");
        let read = from_ggml(kind, &theirs, &shape).expect("finite");
        let blocks = ours.chunks(kind.block_bytes()).zip(theirs.chunks(kind.block_bytes()));
        compared.blocks += shape[0];
        for (_, theirs) in blocks.filter(|(ours, theirs)| ours != theirs) {
            match has_zero(kind, theirs) {
                true => compared.other_bytes_under_zero += 1,
                false => compared.other_bytes += 1,
            }
        }
        let numbers = tensor.dequantize();
        compared.other_numbers += numbers
            .iter()
            .zip(read.dequantize())
            .filter(|(ours, theirs)| ours.to_bits() != theirs.to_bits())
            .count();
    }
    compared
}

#[test]
fn superblocks_are_those_of_ggml() {
    for kind in [GgmlType::Q4K, GgmlType::Q6K] {
        let found = compare(kind, GOLDEN);
        assert_eq!([found.blocks, found.other_bytes, found.other_numbers], [28, 0, 0], "{kind:?}");
    }
}

/// As many superblocks as one likes: a file of `tests/interop/ggml_superblocks.c` in
/// the folder `SUBHALF_GGML`.
#[test]
#[ignore = "needs a file that ggml made, in the folder SUBHALF_GGML"]
fn many_superblocks_are_those_of_ggml() {
    let folder = std::env::var_os("SUBHALF_GGML").expect("SUBHALF_GGML names a folder");
    let records = std::fs::read(PathBuf::from(folder).join("superblocks.bin")).expect("a file");
    let each = records.len() / RECORD / 14;
    for kind in [GgmlType::Q4K, GgmlType::Q6K] {
        for (index, records) in records.chunks(each * RECORD).enumerate() {
            let found = compare(kind, records);
            let Compared { blocks, other_bytes_under_zero: under_zero, .. } = found;
            eprintln!(
                "{kind:?}, kind {index}: {blocks} blocks, {under_zero} other under an F16 of 0"
            );
            assert_eq!([found.blocks, found.other_bytes, found.other_numbers], [each, 0, 0]);
        }
    }
}

/// What stands in the writer's file is the tensor, whatever was its factors' largest common one.
#[test]
fn superblocks_are_written_and_read() {
    let x: Vec<f32> = (0..6 * 512).map(|i| ((i * 7919) % 1001) as f32 / 100.0 - 5.0).collect();
    for kind in [GgmlType::Q4K, GgmlType::Q6K] {
        let tensor = QuantTensor::quantize_ggml(kind, &x, &[2, 3, 512]).expect("superblocks");
        let serial = QuantTensor::quantize_ggml_with(kind, &x, &[2, 3, 512], Exec::SERIAL);
        assert_eq!(serial.as_ref(), Ok(&tensor));
        let mut contents = GgufContents::new();
        contents.tensor("t", kind.into(), &[2, 3, 512]).expect("a new name");
        let mut writer = contents.write(Vec::new()).expect("memory");
        for row in 0..6 {
            writer.quantized(&tensor.view().rows(row..row + 1).expect("a row")).expect("a type");
        }
        let bytes = writer.finish().expect("all rows");
        let file = Gguf::from_bytes(&bytes).expect("a good file");
        let loaded = file.load(file.tensor("t").expect("a tensor")).expect("finite");
        let GgufWeight::Quantized(read) = loaded else { panic!("numbers") };
        assert_eq!(*read, tensor, "{kind:?}");
    }
}

/// Blocks of any factors, negative ones and zeros among them: the numbers come back, and bytes
/// that are made of what came back stay.
#[test]
fn factors_of_any_superblock_are_found() {
    for (kind, scales, halves) in
        [(GgmlType::Q4K, 4..16, &[0, 2][..]), (GgmlType::Q6K, 192..208, &[208][..])]
    {
        let mut state = 1u32;
        let mut word = || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 16) as u16
        };
        for round in 0..2000 {
            let mut block: Vec<u8> = (0..kind.block_bytes()).map(|_| word() as u8).collect();
            for &place in halves {
                // Any finite F16: every seventh a zero, of either sign.
                let half = if round % 7 == 0 { word() & 0x8000 } else { word() & 0xBBFF };
                block[place..place + 2].copy_from_slice(&half.to_le_bytes());
            }
            if round % 5 == 0 {
                block[scales.clone()].fill([0, 1, 0xFF][round / 5 % 3]);
            }
            let read = from_ggml(kind, &block, &[256]).expect("finite");
            let written = to_ggml(kind, &read.view()).expect("a superblock");
            let again = from_ggml(kind, &written, &[256]).expect("finite");
            assert_eq!(again, read, "{kind:?}, round {round}");
            assert_eq!(to_ggml(kind, &again.view()).expect("a superblock"), written);
        }
    }
}

#[test]
fn what_is_no_superblock_is_refused() {
    let mut x = [1.0f32; 512];
    let error = QuantTensor::quantize_ggml(GgmlType::Q5K, &x, &[512]).expect_err("read only");
    let expected = "one that is written; the others are read only";
    assert_eq!(error, Error::Scheme { what: "ggml type to quantize to", expected });
    let length = QuantTensor::quantize_ggml(GgmlType::Q4K, &x, &[2, 255]).expect_err("too few");
    assert_eq!(length, Error::Length { what: "elements", expected: 510, found: 512 });
    let cols = QuantTensor::quantize_ggml(GgmlType::Q4K, &x, &[4, 128]).expect_err("no superblock");
    assert_eq!(cols.to_string(), "columns of whole ggml blocks: expected 256, found 128");
    x[300] = f32::NAN;
    let nan = QuantTensor::quantize_ggml(GgmlType::Q6K, &x, &[512]).expect_err("a NaN");
    assert!(matches!(nan, Error::Given { what: "number", index: 300, .. }), "{nan}");
    // Three times F16's largest, times 63 · 15.
    x[300] = 2e8;
    let large = QuantTensor::quantize_ggml(GgmlType::Q4K, &x, &[512]).expect_err("beyond F16");
    assert!(matches!(large, Error::Given { what: "number", index: 300, .. }), "{large}");
    // Scales that no F16 divides.
    let spec = GgmlType::Q4K.spec();
    let scales = [1.0f32, 0.1, 0.01, 1.0, 1.0, 1.0, 1.0, 1.0];
    let given = QuantTensor::quantize_with_scales(&spec, &[0.5; 256], &[256], &scales, &[-0.0; 8]);
    let error = to_ggml(GgmlType::Q4K, &given.expect("scales").view()).expect_err("no F16");
    assert_eq!(
        error.to_string(),
        "scales 0: expected small integers times one F16 in each superblock, found 0x3f800000"
    );
}
