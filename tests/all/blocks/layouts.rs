//! Layouts: what goes in comes out, wrong lengths are refused, and the worked bytes of formats.md.

use proptest::prelude::*;
use subhalf::layout::{
    Awq, GgmlType, GptqZeros, LayerScales, WordOrder, from_awq, from_compressed_tensors, from_ggml,
    from_gpt_oss, from_gptq, grouped, pack_split_halves, pack_words, swizzle_scales, to_awq,
    to_compressed_tensors, to_ggml, to_gpt_oss, to_gptq, unpack_split_halves, unpack_words,
    unswizzle_scales,
};
use subhalf::{
    BitOrder, Division, Error, Extent, FormatSpec, QuantTensor, Ratio, ScaleRule, TensorScale,
    pack, preset, unpack,
};

const ORDERS: [WordOrder; 3] = [WordOrder::Along, WordOrder::Down, WordOrder::Awq];

fn codes(count: usize, bits: u32) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..=(0xFFu8 >> (8 - bits)), count)
}

/// Codes of some bits in a matrix.
fn matrix() -> impl Strategy<Value = (u32, usize, usize, Vec<u8>)> {
    (1..=8u32, 0..20usize, 0..20usize).prop_flat_map(|(bits, rows, cols)| {
        codes(rows * cols, bits).prop_map(move |codes| (bits, rows, cols, codes))
    })
}

/// Numbers in a matrix of so many columns of whole blocks.
fn numbers(rows: usize, cols: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-100.0f32..100.0, rows * cols)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn dense_streams_come_back((bits, _, _, codes) in matrix()) {
        for order in [BitOrder::LsbFirst, BitOrder::MsbFirst] {
            let (mut bytes, mut back) = (vec![0; (codes.len() * bits as usize).div_ceil(8)], vec![0; codes.len()]);
            pack(&codes, bits, order, &mut bytes).expect("lengths that fit");
            unpack(&bytes, bits, order, &mut back).expect("lengths that fit");
            prop_assert_eq!(&back, &codes);
        }
    }

    #[test]
    fn split_halves_come_back((half, codes) in (1..20usize, 0..4usize).prop_flat_map(|(half, n)| (Just(half), codes(2 * half * n, 4)))) {
        let (mut bytes, mut back) = (vec![0; codes.len() / 2], vec![0; codes.len()]);
        pack_split_halves(&codes, half, &mut bytes).expect("lengths that fit");
        unpack_split_halves(&bytes, half, &mut back).expect("lengths that fit");
        prop_assert_eq!(back, codes);
    }

    #[test]
    fn words_come_back((bits, rows, cols, codes) in matrix()) {
        for order in ORDERS {
            let packed = pack_words(&codes, bits, [rows, cols], order);
            if order == WordOrder::Awq && (bits != 4 || cols % 8 != 0) {
                prop_assert!(packed.is_err());
                continue;
            }
            let words = packed.expect("lengths that fit");
            prop_assert_eq!(&unpack_words(&words, bits, [rows, cols], order).expect("lengths that fit"), &codes);
            prop_assert!(pack_words(&codes, bits, [rows + 1, cols + 8], order).is_err());
            let longer = [&words[..], &[0]].concat();
            prop_assert!(unpack_words(&longer, bits, [rows, cols], order).is_err());
        }
    }

    /// Any words, too: nothing is lost if no bits are left over.
    #[test]
    fn codes_come_back(words in prop::collection::vec(any::<i32>(), 24)) {
        for (order, shape) in [(WordOrder::Along, [3, 64]), (WordOrder::Down, [64, 3]), (WordOrder::Awq, [3, 64])] {
            let codes = unpack_words(&words, 4, shape, order).expect("lengths that fit");
            prop_assert_eq!(&pack_words(&codes, 4, shape, order).expect("lengths that fit"), &words);
        }
    }

    #[test]
    fn swizzled_scales_come_back((rows, cols, scales) in (0..300usize, 0..10usize).prop_flat_map(|(rows, cols)| (Just(rows), Just(cols), codes(rows * cols, 8)))) {
        let swizzled = swizzle_scales(&scales, rows, cols).expect("lengths that fit");
        prop_assert_eq!(swizzled.len(), rows.next_multiple_of(128) * cols.next_multiple_of(4));
        prop_assert_eq!(&unswizzle_scales(&swizzled, rows, cols).expect("lengths that fit"), &scales);
        let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        prop_assert_eq!(sum(&swizzled), sum(&scales));
        prop_assert!(unswizzle_scales(&swizzled, rows + 128, cols + 4).is_err());
        prop_assert!(swizzle_scales(&scales, rows + 1, cols + 1).is_err());
    }

    #[test]
    fn gpt_oss_comes_back(x in numbers(6, 64)) {
        let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 3, 64]).expect("a shape that fits");
        let (blocks, scales) = to_gpt_oss(&tensor.view()).expect("whole blocks");
        prop_assert_eq!(from_gpt_oss(&blocks, &scales, &[2, 3, 64]).expect("lengths that fit"), tensor);
        prop_assert!(from_gpt_oss(&blocks[1..], &scales, &[2, 3, 64]).is_err());
        prop_assert!(from_gpt_oss(&blocks, &scales, &[2, 3, 63]).is_err());
    }

    #[test]
    fn compressed_tensors_come_back(x in numbers(3, 35)) {
        for name in ["compressed_tensors::INT4_G32_ASYM", "compressed_tensors::INT8_ROW_ASYM", "generic::INT4_TENSOR", "generic::INT8_G32"] {
            let spec = preset::by_name(name).expect("a preset").spec;
            let tensor = QuantTensor::quantize(&spec, &x, &[3, 35]).expect("a shape that fits");
            let words = to_compressed_tensors(&tensor.view()).expect("signed integers");
            prop_assert_eq!(words.len(), 3 * (35 * spec.element.bits() as usize).div_ceil(32));
            let back = from_compressed_tensors(&spec, &words, tensor.scales(), tensor.offsets(), &[3, 35]);
            prop_assert_eq!(back.expect("lengths that fit"), tensor);
            prop_assert!(from_compressed_tensors(&spec, &words[1..], &[], &[], &[3, 35]).is_err());
        }
    }

    #[test]
    fn gptq_and_awq_come_back(x in numbers(20, 16), group in 1..24u32, shift in 0..20usize, kind in 0..3usize) {
        let scale = [FormatSpec::F16, FormatSpec::BF16, FormatSpec::F32][kind];
        let tensor = QuantTensor::quantize(&grouped(group, scale), &x, &[20, 16]).expect("a shape that fits");
        let awq = to_awq(&tensor.view()).expect("whole words");
        prop_assert_eq!(awq.scales.format(), scale);
        prop_assert_eq!(&from_awq(&awq, group, [20, 16]).expect("lengths that fit"), &tensor);
        // Inputs in another order, those of a group among themselves not.
        let groups: Vec<usize> = (0..20).map(|i| (i + shift) % 20 / group as usize).collect();
        let mut rows: Vec<usize> = (0..20).collect();
        rows.sort_by_key(|&row| groups[row]);
        for zeros in [GptqZeros::V1, GptqZeros::V2] {
            let layer = to_gptq(&tensor.view(), &rows, zeros).expect("all inputs");
            let (back, order) = from_gptq(&layer, group, [20, 16], zeros).expect("lengths that fit");
            prop_assert_eq!((&back, &order), (&tensor, &rows));
        }
    }
}

#[test]
fn swizzled_places_are_the_worked_ones() {
    // formats.md 7.5, of 128 rows of 4: row and column, then the place.
    for ((row, col), place) in
        [((0, 0), 0), ((1, 0), 16), ((32, 0), 4), ((0, 3), 3), ((127, 3), 511)]
    {
        let mut scales = vec![0; 512];
        scales[row * 4 + col] = 1;
        let swizzled = swizzle_scales(&scales, 128, 4).expect("lengths that fit");
        assert_eq!(swizzled.iter().position(|&byte| byte == 1), Some(place), "{row}, {col}");
    }
    // Tiles are row-major: of two columns of tiles the fourth starts at 3 · 512.
    let mut scales = vec![0; 129 * 5];
    scales[128 * 5 + 4] = 1;
    let swizzled = swizzle_scales(&scales, 129, 5).expect("lengths that fit");
    assert_eq!((swizzled.len(), swizzled.iter().position(|&byte| byte == 1)), (2048, Some(1536)));
}

#[test]
fn nibbles_are_the_worked_ones() {
    let codes = [0x1, 0x2, 0x3, 0x4];
    let packed = |order| {
        let mut bytes = [0; 2];
        pack(&codes, 4, order, &mut bytes).expect("lengths that fit");
        bytes
    };
    assert_eq!(
        (packed(BitOrder::LsbFirst), packed(BitOrder::MsbFirst)),
        ([0x21, 0x43], [0x12, 0x34])
    );
    // formats.md 6.4: v0 | v1 << 6 | v2 << 12 | v3 << 18, little-endian; the other way round the
    // first value is in the top six bits.
    let (mut low, mut high) = ([0; 3], [0; 3]);
    pack(&[0x3F, 0, 0, 0x01], 6, BitOrder::LsbFirst, &mut low).expect("lengths that fit");
    pack(&[0x3F, 0, 0, 0x01], 6, BitOrder::MsbFirst, &mut high).expect("lengths that fit");
    assert_eq!((low, high), ([0x3F, 0x00, 0x04], [0xFC, 0x00, 0x01]));
    // GPTQ's 3-bit codes run over the ends of words.
    assert_eq!(
        pack_words(&[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], 3, [11, 1], WordOrder::Down),
        Ok(vec![0x4000_0007, 1])
    );
}

#[test]
fn ggml_refuses_what_does_not_fit() {
    let length = |kind: GgmlType, count: usize, shape: &[usize]| {
        from_ggml(kind, &vec![0; count], shape).err()
    };
    for kind in GgmlType::ALL {
        let (len, bytes) = (kind.block_len(), kind.block_bytes());
        assert_eq!(length(kind, 2 * bytes, &[2, len]), None);
        assert_eq!(length(kind, 0, &[0, len]), None);
        assert_eq!(length(kind, 0, &[7, 0]), None);
        assert!(matches!(length(kind, 2 * bytes - 1, &[2, len]), Some(Error::Length { .. })));
        assert!(matches!(length(kind, bytes, &[len - 1]), Some(Error::Length { .. })));
        assert!(matches!(length(kind, bytes, &[]), Some(Error::Length { .. })));
        assert!(length(kind, bytes, &[usize::MAX, usize::MAX]).is_some());
        assert!(length(kind, bytes, &[1 << 40, len]).is_some());
    }
    let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &[1.0f32; 64], &[2, 32])
        .expect("a shape that fits");
    // Whatever the rule, MXFP4 is MXFP4; no other type has its blocks.
    for kind in GgmlType::ALL {
        assert_eq!(to_ggml(kind, &tensor.view()).is_ok(), kind == GgmlType::Mxfp4, "{kind:?}");
    }
    let ragged = QuantTensor::quantize(&preset::ocp::MXFP4, &[1.0f32; 33], &[33])
        .expect("a shape that fits");
    assert!(matches!(to_ggml(GgmlType::Mxfp4, &ragged.view()), Err(Error::Length { .. })));
    assert!(matches!(to_gpt_oss(&ragged.view()), Err(Error::Length { .. })));
}

#[test]
fn rows_of_a_tensor_are_blocks_of_their_own() {
    let x: Vec<f32> = (0..256).map(|i| i as f32 / 16.0 - 3.0).collect();
    for kind in [GgmlType::Q4_0, GgmlType::Q5_1, GgmlType::Nvfp4] {
        let tensor = QuantTensor::quantize(&kind.spec(), &x, &[4, 64]).expect("a shape that fits");
        let whole = to_ggml(kind, &tensor.view()).expect("a tensor of this type");
        let last = to_ggml(kind, &tensor.view().rows(3..4).expect("a row"))
            .expect("a tensor of this type");
        assert_eq!(last, whole[whole.len() / 4 * 3..]);
    }
}

#[test]
fn words_refuse_what_does_not_fit() {
    assert!(matches!(pack_words(&[1; 7], 4, [1, 8], WordOrder::Along), Err(Error::Length { .. })));
    assert!(matches!(
        pack_words(&[1; 8], 9, [1, 8], WordOrder::Along),
        Err(Error::SpecRange { .. })
    ));
    assert!(matches!(pack_words(&[], 0, [0, 0], WordOrder::Down), Err(Error::SpecRange { .. })));
    for order in ORDERS {
        assert!(unpack_words(&[], 4, [usize::MAX / 8 * 8, 8], order).is_err());
        assert!(pack_words(&[], 4, [usize::MAX, usize::MAX / 8 * 8], order).is_err());
        assert_eq!(pack_words(&[], 4, [0, 8], order), Ok(vec![]));
    }
    assert!(pack_split_halves(&[1, 2, 3], 1, &mut [0]).is_err());
    assert!(unpack_split_halves(&[1], 0, &mut []).is_err());
    assert!(unpack_split_halves(&[], usize::MAX, &mut []).is_err());
    assert!(swizzle_scales(&[], usize::MAX, 2).is_err());
}

/// There is no place for it in these bytes: it would be lost.
#[test]
fn tensor_scales_are_refused() {
    let mx = preset::ocp::MXFP4
        .with_rule(ScaleRule::Amax { target: 6.0, ratio: Ratio::Divide })
        .with_tensor_scale(TensorScale::Multiplier { target: 6.0 })
        .with_division(Division::Divide);
    let tensor = QuantTensor::quantize(&mx, &[3.0f32; 32], &[1, 32]).expect("a shape that fits");
    assert!(matches!(to_gpt_oss(&tensor.view()), Err(Error::Scheme { .. })));
    let tensor = QuantTensor::quantize(&preset::fouroversix::NVINT4, &[3.0f32; 16], &[1, 16])
        .expect("a shape that fits");
    assert!(matches!(to_compressed_tensors(&tensor.view()), Err(Error::Scheme { .. })));
    let (words, scales) = ([0, 0], tensor.scales());
    assert!(matches!(
        from_compressed_tensors(tensor.spec(), &words, scales, &[], &[1, 16]),
        Err(Error::Scheme { .. })
    ));
}

#[test]
fn words_of_contradicting_specs_are_refused() {
    for extent in [Extent::Block { rows: 0, cols: 4 }, Extent::Block { rows: 4, cols: 0 }] {
        let spec = preset::generic::INT4_G32.with_extent(extent);
        assert!(matches!(
            from_compressed_tensors(&spec, &[], &[], &[], &[0, 4]),
            Err(Error::Block(_))
        ));
    }
}

#[test]
fn gptq_refuses_what_does_not_fit() {
    let tensor = QuantTensor::quantize(&grouped(4, FormatSpec::F16), &[1.0f32; 64], &[8, 8])
        .expect("a shape that fits");
    let rows: Vec<usize> = (0..8).collect();
    let layer = to_gptq(&tensor.view(), &rows, GptqZeros::V2).expect("all inputs");
    let mut skewed = layer.clone();
    skewed.g_idx[0] = 1;
    assert!(matches!(from_gptq(&skewed, 4, [8, 8], GptqZeros::V2), Err(Error::Stored { .. })));
    skewed.g_idx[0] = -1;
    assert!(matches!(from_gptq(&skewed, 4, [8, 8], GptqZeros::V2), Err(Error::Stored { .. })));
    for shape in [[7, 8], [8, 7], [0, 8], [8, 0], [usize::MAX, 8], [8, usize::MAX]] {
        assert!(from_gptq(&layer, 4, shape, GptqZeros::V2).is_err(), "{shape:?}");
    }
    assert!(matches!(from_gptq(&layer, 0, [8, 8], GptqZeros::V2), Err(Error::Block(_))));
    assert!(matches!(
        to_gptq(&tensor.view(), &rows[1..], GptqZeros::V2),
        Err(Error::Length { .. })
    ));
    for twice in [[0, 0, 2, 3, 4, 5, 6, 7], [8, 1, 2, 3, 4, 5, 6, 7]] {
        assert!(matches!(
            to_gptq(&tensor.view(), &twice, GptqZeros::V2),
            Err(Error::Stored { .. })
        ));
    }
    for other in
        [preset::generic::UINT4_G32, grouped(4, FormatSpec::UE4M3), grouped(4, FormatSpec::TF32)]
    {
        let other =
            QuantTensor::quantize(&other, &[1.0f32; 64], &[8, 8]).expect("a shape that fits");
        assert!(matches!(to_awq(&other.view()), Err(Error::Scheme { .. })));
    }
    let empty = Awq { qweight: vec![], qzeros: vec![], scales: LayerScales::F32(vec![]) };
    assert!(from_awq(&empty, 4, [0, 0]).is_ok());
    assert!(from_awq(&empty, 4, [8, 8]).is_err());
}
