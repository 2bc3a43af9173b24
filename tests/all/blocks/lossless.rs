//! MXFP4 as NVFP4: the same numbers, or a refusal.

use subhalf::preset::{
    compressed_tensors, fouroversix, modelopt, ocp, torchao, transformer_engine,
};
use subhalf::{BlockSpec, Error, Parts, QuantTensor};

const FORMS: [BlockSpec; 3] =
    [torchao::NVFP4, compressed_tensors::NVFP4, fouroversix::NVFP4_STATIC];

/// One row of MXFP4 blocks: their scale codes, and the codes of all elements of each.
fn mx(blocks: &[(u8, u8)], cols: usize) -> QuantTensor {
    let codes: Vec<u8> = (0..cols.div_ceil(2))
        .map(|byte| {
            let code = |col: usize| if col < cols { blocks[col / 32].1 } else { 0 };
            code(2 * byte) | code(2 * byte + 1) << 4
        })
        .collect();
    let scales: Vec<u8> = blocks.iter().map(|block| block.0).collect();
    let parts = Parts::new(&codes, &scales);
    QuantTensor::from_parts(&ocp::MXFP4, &[cols], parts).expect("a tensor")
}

/// The numbers of `old`, −0 and NaN included, in `new`.
fn same(old: &QuantTensor, new: &QuantTensor) {
    let bits = |tensor: &QuantTensor| {
        tensor.dequantize().into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(old), bits(new));
}

#[test]
fn scales_that_fit_keep_their_codes() {
    // 2^8 and 2^-9 are the ends of UE4M3's powers of two: 0x78 is 256, 0x01 is 2^-9. 0xB is -1.5.
    let old = mx(&[(127 + 8, 0x7), (127 - 9, 0xB)], 64);
    let new = old.view().to_nvfp4(&torchao::NVFP4).expect("scales that fit");
    assert_eq!(
        (new.tensor_scale(), new.scales(), new.codes()),
        (1.0, &[0x78, 0x78, 0x01, 0x01][..], old.codes())
    );
    // All of it 100 binades down; the divisor of compressed-tensors is the inverse of the factor.
    let old = mx(&[(27 + 8, 0x7), (27 - 9, 0xB)], 64);
    for (spec, tensor_scale) in
        [(torchao::NVFP4, 2f32.powi(-100)), (compressed_tensors::NVFP4, 2f32.powi(100))]
    {
        let new = old.view().to_nvfp4(&spec).expect("scales that fit");
        assert_eq!(
            (new.tensor_scale(), new.scales(), new.codes()),
            (tensor_scale, &[0x78, 0x78, 0x01, 0x01][..], old.codes())
        );
        same(&old, &new);
    }
}

#[test]
fn elements_take_over_what_scales_cannot() {
    // One binade below the smallest scale: 4 · 2^-10 becomes 2 · 2^-9.
    let old = mx(&[(127 + 8, 0x7), (127 - 10, 0x6)], 64);
    let new = old.view().to_nvfp4(&torchao::NVFP4_SINGLE).expect("elements that can");
    assert_eq!((new.scales(), new.view().code(32)), (&[0x78, 0x78, 0x01, 0x01][..], Some(0x4)));
    same(&old, &new);
    // At the upper end 1 · 2^10 becomes 4 · 2^8.
    let old = mx(&[(127 + 10, 0x2)], 32);
    let new = old.view().to_nvfp4(&torchao::NVFP4_SINGLE).expect("elements that can");
    assert_eq!((new.scales(), new.view().code(0)), (&[0x78, 0x78][..], Some(0x6)));
    // 3 cannot become 12, and without a tensor scale nothing else helps.
    let error = mx(&[(127 + 10, 0x5)], 32).view().to_nvfp4(&torchao::NVFP4_SINGLE);
    assert!(matches!(error, Err(Error::Scheme { .. })), "{error:?}");
    // 6 and 0.5 have no room: 18 binades between two such blocks are too many, 17 are not.
    let mixed = |apart: u8| {
        let mut parts = mx(&[(100 + apart, 0x7), (100, 0x1)], 64);
        for (block, other) in [(0, 0x1), (1, 0x7)] {
            let mut codes = parts.codes().to_vec();
            codes[16 * block] = codes[16 * block] & 0xF0 | other;
            codes[16 * block + 8] = codes[16 * block + 8] & 0xF0 | other;
            let again = parts.parts().with_codes(&codes);
            parts = QuantTensor::from_parts(&ocp::MXFP4, &[64], again).expect("a tensor");
        }
        parts
    };
    for spec in FORMS {
        same(&mixed(17), &mixed(17).view().to_nvfp4(&spec).expect("scales that fit"));
        let error = mixed(18).view().to_nvfp4(&spec).expect_err("scales too far apart").to_string();
        assert_eq!(
            error,
            "MXFP4 as NVFP4 without loss: expected scales that are within reach of one tensor scale"
        );
    }
}

#[test]
fn zeros_and_nan_do_not_limit() {
    // 0x8 is -0; code 255 is NaN. The last block has 10 elements.
    let old = mx(&[(254, 0x0), (127, 0x3), (0, 0x8), (255, 0x5), (130, 0xD)], 138);
    for spec in FORMS {
        let new = old.view().to_nvfp4(&spec).expect("scales that fit");
        assert_eq!(new.scales().len(), 9);
        assert_eq!((new.scales()[2], new.scales()[6], new.scales()[8]), (0x38, 0x7F, 0x50));
        same(&old, &new);
    }
    // Model Optimizer restores -0 as +0.
    let error = old.view().to_nvfp4(&modelopt::NVFP4).expect_err("-0").to_string();
    assert_eq!(
        error,
        "MXFP4 as NVFP4 without loss: expected a format that restores these very numbers"
    );
}

#[test]
fn other_formats_are_refused() {
    let x = [1.0f32; 64];
    let whole = QuantTensor::quantize(&ocp::MXFP4, &x, &[2, 32]).expect("a tensor");
    for spec in [ocp::MXFP4, ocp::MXFP8_E4M3, transformer_engine::NVFP4_16X16, fouroversix::NVINT4]
    {
        assert!(matches!(whole.view().to_nvfp4(&spec), Err(Error::Scheme { .. })));
    }
    for spec in [ocp::MXFP8_E4M3, torchao::NVFP4] {
        let other = QuantTensor::quantize(&spec, &x, &[2, 32]).expect("a tensor");
        assert!(matches!(other.view().to_nvfp4(&torchao::NVFP4), Err(Error::Scheme { .. })));
    }
    // A view of rows, and nothing at all.
    let rows = whole.view().rows(1..2).expect("a row").to_nvfp4(&torchao::NVFP4).expect("a tensor");
    assert_eq!((rows.shape(), rows.dequantize()), (&[1, 32][..], vec![1.0; 32]));
    let empty = QuantTensor::quantize(&ocp::MXFP4, &[] as &[f32], &[0, 32]).expect("a tensor");
    assert_eq!(empty.view().to_nvfp4(&torchao::NVFP4).expect("a tensor").tensor_scale(), 1.0);
}

/// Every pair of element codes of a block, at every distance of two scales: what is not refused is
/// the same.
#[test]
fn all_pairs_of_codes() {
    let mut refused = 0;
    for (first, second) in (0..256u32).map(|pair| ((pair >> 4) as u8, (pair & 15) as u8)) {
        for apart in 0..30 {
            let old = mx(&[(100 + apart, first), (100, second)], 64);
            match old.view().to_nvfp4(&torchao::NVFP4) {
                Ok(new) => same(&old, &new),
                Err(_) => refused += 1,
            }
            assert!(apart > 17 || old.view().to_nvfp4(&torchao::NVFP4).is_ok());
        }
    }
    // A block of c alone can be multiplied by 2^-a … 2^b with (a, b) of 0.5 (0, 3), 1 (1, 2), 1.5
    // (0, 2), 2 (2, 1), 3 (1, 1), 4 (3, 0), 6 (2, 0); a pair reaches 17 + b of the first + a of the
    // second, of the 12 distances above 17.
    let spans = [(0, 3), (1, 2), (0, 2), (2, 1), (1, 1), (3, 0), (2, 0)];
    let expected: u32 =
        spans.iter().flat_map(|first| spans.map(|second| 12 - (first.1 + second.0))).sum();
    assert_eq!(refused, 4 * expected);
}
