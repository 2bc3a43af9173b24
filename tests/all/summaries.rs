//! `Debug` says in one line what a thing is and how large, and never prints its bytes.

use subhalf::{
    BlockSpec, Extent, FormatSpec, Operand, PackedMatrix, Parts, QuantTensor, QuantView, Quantizer,
    preset,
};

#[test]
fn tensors_operands_and_parts_are_one_short_line() {
    let numbers: Vec<f32> = (0..64 * 1024).map(|i| (i % 97) as f32).collect();
    let tensor = QuantTensor::quantize(&preset::modelopt::NVFP4, &numbers, &[64, 1024]).unwrap();
    let inside = |what: &str| {
        format!(
            "{what}(modelopt::NVFP4, [64, 1024], Parts(32768 bytes of codes, 4096 of scales, tensor scale {:?}))",
            tensor.tensor_scale()
        )
    };
    assert_eq!(format!("{tensor:?}"), inside("QuantTensor"));
    assert_eq!(format!("{:?}", tensor.view()), inside("QuantView"));
    assert_eq!(format!("{:?}", Operand::from(&tensor)), "Operand([1, 64, 1024], modelopt::NVFP4)");
    assert_eq!(
        format!("{:?}", PackedMatrix::new(&tensor).unwrap()),
        "PackedMatrix([1, 64, 1024], modelopt::NVFP4)"
    );
    let x = Operand::numbers(&numbers, &[4, 16, 1024]).unwrap();
    assert_eq!(format!("{x:?}"), "Operand([4, 16, 1024], f32)");
    let codes = [0u8; 6];
    let codes = Operand::codes(&FormatSpec::F8E4M3, &codes, &[2, 3]).unwrap();
    assert_eq!(format!("{codes:?}"), "Operand([1, 2, 3], F8E4M3 codes)");
    let quantizer = Quantizer::new(&preset::ocp::MXFP4);
    let dynamic = Operand::quantized(&quantizer, &numbers, &[64, 1024]).unwrap();
    assert_eq!(format!("{dynamic:?}"), "Operand([1, 64, 1024], f32 to ocp::MXFP4)");
}

#[test]
fn schemes_without_a_name_are_told_by_their_formats() {
    let mut own: BlockSpec = preset::ocp::MXFP4;
    own.extent = Extent::Block { rows: 1, cols: 24 };
    let tensor = QuantTensor::quantize(&own, &[1.0f32; 48], &[2, 24]).unwrap();
    assert!(
        format!("{tensor:?}").starts_with("QuantTensor(F4E2M1 elements, E8M0 scales, [2, 24], ")
    );
    let int8 = preset::generic::INT8_ASYM_TENSOR;
    let parts = Parts::new(&[0; 4], &[0, 0, 128, 63]).with_offsets(&[0]);
    let view = QuantView::from_parts(&int8, &[4], parts).unwrap();
    let expected = "QuantView(generic::INT8_ASYM_TENSOR, [4], Parts(4 bytes of codes, 4 of scales, 1 of offsets, tensor scale 1.0))";
    assert_eq!(format!("{view:?}"), expected);
    let parts = Parts::new(&[0; 4], &[0; 8])
        .with_codebooks(&[0; 64])
        .with_origin([0, 31])
        .with_tensor_scales(&[1.0, 2.0]);
    let expected = "Parts(4 bytes of codes, 8 of scales, 64 of codebooks, from [0, 31] of a block, 2 tensor scales)";
    assert_eq!(format!("{parts:?}"), expected);
}
