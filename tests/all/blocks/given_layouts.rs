//! Scales that come in other programs' bytes: which are taken, and in which formats.

use super::given::refusal;
use subhalf::layout::{
    Awq, GgmlType, Gptq, GptqZeros, LayerScales, from_awq, from_awq_with, from_compressed_tensors,
    from_compressed_tensors_with, from_ggml, from_ggml_with, from_gpt_oss, from_gptq,
    from_gptq_with, grouped, to_awq, to_compressed_tensors, to_ggml, to_gptq,
};
use subhalf::{Accept, BlockSpec, Error, Extent, FormatSpec, QuantTensor, preset};

#[test]
fn ggml_scales_may_be_negative_but_are_finite_unless_asked_for() {
    // Where d lies in a block; dmin, if there is one, is next to it.
    let place = |kind| match kind {
        GgmlType::Q2K => 80,
        GgmlType::Q3K => 108,
        GgmlType::Q6K => 208,
        GgmlType::Tq1_0 => 52,
        GgmlType::Tq2_0 => 64,
        // The upper half of an F32.
        GgmlType::Q8K => 2,
        _ => 0,
    };
    for kind in GgmlType::ALL {
        let (len, size) = (kind.block_len(), kind.block_bytes());
        let mut bytes = vec![0x21; 3 * size];
        if kind == GgmlType::Iq1M {
            // The four bits of its d are the upper ones of bytes 49, 51, 53 and 55: 0x7C00.
            for (byte, upper) in [(49, 0), (51, 0), (53, 0xC0), (55, 0x70)] {
                bytes[size + byte] = bytes[size + byte] & 0x0F | upper;
            }
            assert!(matches!(
                from_ggml(kind, &bytes, &[3 * len]),
                Err(Error::Stored { what: "scale", index: 16, found: 0x7F80_0000, .. })
            ));
            continue;
        }
        if matches!(kind, GgmlType::Mxfp4 | GgmlType::Nvfp4) {
            bytes.fill(0xFF);
            assert_eq!(
                from_ggml(kind, &bytes, &[3 * len]),
                from_ggml_with(kind, &bytes, &[3 * len], Accept::Nonfinite),
                "{kind:?}"
            );
            continue;
        }
        let place = place(kind);
        let blocks = len
            / match kind.spec().extent {
                Extent::Block { cols, .. } => cols as usize,
                _ => unreachable!("ggml's blocks are parts of rows"),
            };
        let mut put = |place: usize, code: u16| {
            bytes[size + place..][..2].copy_from_slice(&code.to_le_bytes());
            bytes.clone()
        };
        for code in [0x0000, 0x8000, 0xB800, 0xFBFF, 0x8001] {
            let bytes = put(place, code);
            let tensor = from_ggml(kind, &bytes, &[3 * len]).expect("a finite scale");
            assert_eq!(
                from_ggml_with(kind, &bytes, &[3 * len], Accept::Nonfinite),
                Ok(tensor.clone())
            );
            assert_eq!(
                QuantTensor::from_parts(tensor.spec(), tensor.shape(), tensor.parts()),
                Ok(tensor)
            );
        }
        let top = if kind == GgmlType::Q8K { 0x7F80 } else { 0x7C00 };
        for code in [top, top | 0x8000, top | 0x200, top | 0x8001] {
            let bytes = put(place, code);
            match from_ggml(kind, &bytes, &[3 * len]) {
                Err(Error::Stored { what: "scale", index, .. }) => {
                    assert_eq!(index, blocks, "{kind:?}");
                }
                other => panic!("{kind:?} {code:#x}: {other:?}"),
            }
            let tensor =
                from_ggml_with(kind, &bytes, &[3 * len], Accept::Nonfinite).expect("any scale");
            let written = to_ggml(kind, &tensor.view());
            match kind {
                // Infinity times any integer is infinity: no factors are left to find.
                GgmlType::Q4K | GgmlType::Q6K => {
                    assert!(matches!(written, Err(Error::Stored { what: "scales", .. })));
                }
                _ if kind.is_written() => assert_eq!(written, Ok(bytes)),
                _ => assert!(matches!(written, Err(Error::Scheme { .. }))),
            }
        }
        if kind.spec().offset_bytes() != 0 {
            put(place, 0x3C00);
            let bytes = put(place + 2, 0x7C00);
            assert!(matches!(
                from_ggml(kind, &bytes, &[3 * len]),
                Err(Error::Stored { what: "minimum", .. })
            ));
            assert!(from_ggml_with(kind, &bytes, &[3 * len], Accept::Nonfinite).is_ok());
        }
    }
    // NaN of E8M0 is a block's own, in gpt-oss too.
    assert!(
        from_gpt_oss(&[0x22; 16], &[0xFF], &[32]).expect("a NaN of 8 bits").dequantize()[0]
            .is_nan()
    );
}

#[test]
fn words_of_compressed_tensors_take_scales_of_their_formats_type() {
    let f32s = preset::compressed_tensors::INT4_G32;
    let tensor = QuantTensor::quantize(&f32s, &[7.5f32, -7.5, 1.0, 0.0], &[1, 4]).unwrap();
    let words = to_compressed_tensors(&tensor.view()).unwrap();
    let bf16 = f32s.with_scale(FormatSpec::BF16);
    let read = |spec: &BlockSpec, scales: &[u8]| {
        from_compressed_tensors(spec, &words, scales, &[], &[1, 4])
    };
    let scale = |spec: &BlockSpec, scales: &[u8]| {
        read(spec, scales).map(|tensor| tensor.view().block_scale(0))
    };
    assert_eq!(scale(&bf16, &0x3C4Au16.to_le_bytes()), Ok(f32::from_bits(0x3C4A_0000)));
    assert_eq!(scale(&f32s, &(-0.5f32).to_le_bytes()), Ok(-0.5));
    assert_eq!(refusal(read(&f32s, &[0x4A, 0x3C])), "bytes of scales: expected 4, found 2");
    let infinity = 0x7F80u16.to_le_bytes();
    assert!(matches!(
        read(&bf16, &infinity),
        Err(Error::Stored { what: "scale", index: 0, found: 0x7F80, .. })
    ));
    assert!(
        from_compressed_tensors_with(&bf16, &words, &infinity, &[], &[1, 4], Accept::Nonfinite)
            .is_ok()
    );
}

/// One group of eight inputs, eight outputs: all codes 9, all zero points 8, or 7 as version 1
/// stores it.
fn layers(scales: &LayerScales) -> (Gptq, Awq) {
    let nines = vec![0x9999_9999_u32 as i32; 8];
    let gptq = Gptq {
        qweight: nines.clone(),
        qzeros: vec![0x7777_7777],
        scales: scales.clone(),
        g_idx: vec![0; 8],
    };
    (gptq, Awq { qweight: nines, qzeros: vec![0x8888_8888_u32 as i32], scales: scales.clone() })
}

/// Reported of checkpoints with BF16 scales: text-generation-inference PR #1953, sglang PR #20601.
/// The nearest BF16 to 0.0123 is 0x3C4A, 101/8192, which as F16 is 549/512: it was read as 1.072.
#[test]
fn case_49_scales_of_a_checkpoint_carry_their_type() {
    assert_eq!(FormatSpec::BF16.encode_f32(0.0123), 0x3C4A);
    for (scales, format, weight) in [
        (LayerScales::BF16(vec![0x3C4A; 8]), FormatSpec::BF16, 101.0 / 8192.0),
        (LayerScales::F16(vec![0x3C4A; 8]), FormatSpec::F16, 549.0 / 512.0),
        (LayerScales::F16(vec![0x224C; 8]), FormatSpec::F16, 1612.0 / 131_072.0),
        (LayerScales::F32(vec![0.0123f32.to_bits(); 8]), FormatSpec::F32, 0.0123),
        (LayerScales::BF16(vec![0xBC4A; 8]), FormatSpec::BF16, -101.0 / 8192.0),
        (LayerScales::F32(vec![0; 8]), FormatSpec::F32, 0.0),
    ] {
        let (gptq, awq) = layers(&scales);
        let (tensor, rows) = from_gptq(&gptq, 8, [8, 8], GptqZeros::V1).expect("lengths that fit");
        assert_eq!((tensor.spec(), scales.format()), (&grouped(8, format), format));
        assert_eq!(tensor.dequantize(), [weight; 64]);
        assert_eq!(from_awq(&awq, 8, [8, 8]).as_ref(), Ok(&tensor));
        assert_eq!(to_gptq(&tensor.view(), &rows, GptqZeros::V1), Ok(gptq));
        assert_eq!(to_awq(&tensor.view()), Ok(awq));
    }
    // As many bytes are not as many scales.
    let (gptq, awq) = layers(&LayerScales::F32(vec![0x3C4A_3C4A; 4]));
    assert_eq!(refusal(from_gptq(&gptq, 8, [8, 8], GptqZeros::V2)), "scales: expected 8, found 4");
    assert_eq!(refusal(from_awq(&awq, 8, [8, 8])), "scales: expected 8, found 4");
}

#[test]
fn scales_of_a_checkpoint_are_finite_unless_asked_for() {
    for (scales, bits) in [
        (LayerScales::F16(vec![0, 0, 0, 0x7C00, 0, 0, 0, 0]), 0x7C00),
        (LayerScales::BF16(vec![0, 0, 0, 0xFFFF, 0, 0, 0, 0]), 0xFFFF),
        (LayerScales::F32(vec![0, 0, 0, 0x7FC0_0000, 0, 0, 0, 0]), 0x7FC0_0000),
    ] {
        let (gptq, awq) = layers(&scales);
        let expected = Error::Stored {
            what: "scale",
            index: 3,
            expected: "a finite number (or Accept::Nonfinite)",
            found: bits,
        };
        assert_eq!(from_gptq(&gptq, 8, [8, 8], GptqZeros::V2), Err(expected));
        assert_eq!(from_awq(&awq, 8, [8, 8]), Err(expected));
        let (tensor, rows) =
            from_gptq_with(&gptq, 8, [8, 8], GptqZeros::V2, Accept::Nonfinite).expect("any scale");
        assert_eq!(to_gptq(&tensor.view(), &rows, GptqZeros::V2), Ok(gptq));
        let tensor = from_awq_with(&awq, 8, [8, 8], Accept::Nonfinite).expect("any scale");
        assert_eq!(to_awq(&tensor.view()), Ok(awq));
    }
    // BF16 has 0x7C00 as 2^121: a number.
    assert!(from_awq(&layers(&LayerScales::BF16(vec![0x7C00; 8])).1, 8, [8, 8]).is_ok());
}
