//! Parts that are not those of the scheme and shape are refused in words.

use super::parts::spec;
use subhalf::{
    BlockSpec, Codebooks, Error, Extent, FormatSpec, Offset, Parts, QuantTensor, Ratio, ScaleRule,
    ScaleSigns, SubScale, TensorScale,
};

#[test]
fn hostile_parts_are_refused() {
    let plain = spec(FormatSpec::F4E2M1, Extent::Block { rows: 1, cols: 4 });
    let (codes, scales) = ([0u8; 4], [0u8; 2]);
    let parts = Parts::new(&codes, &scales);
    let refused = |scheme: &BlockSpec, shape: &[usize], parts: Parts<'_>| {
        QuantTensor::from_parts(scheme, shape, parts).unwrap_err().to_string()
    };
    assert!(QuantTensor::from_parts(&plain, &[1, 8], parts).is_ok());
    // Parts that the scheme does not have.
    for (parts, expected) in [
        (parts.with_offsets(&[0]), "bytes of offsets: expected 0, found 1"),
        (parts.with_sub_scales(&[0]), "bytes of sub-scales: expected 0, found 1"),
        (parts.with_codebooks(&[0]), "bytes of codebooks: expected 0, found 1"),
        (parts.with_tensor_scales(&[1.0]), "tensor scale 0: expected none, as the format has none"),
        (parts.with_tensor_scale(2.0), "tensor scale 0: expected 1.0, as the format has none"),
        (parts.with_origin([0, 4]), "origin of a tensor: expected a row and a column of its first"),
        (parts.with_origin([1, 0]), "origin of a tensor: expected a row and a column of its first"),
        (parts.with_origin([0, usize::MAX]), "origin of a tensor"),
        (parts.with_origin([0, 1]), "bytes of scales: expected 3, found 2"),
    ] {
        let found = refused(&plain, &[1, 8], parts);
        assert!(found.starts_with(expected), "{found}");
    }
    for extent in [Extent::Row, Extent::Column, Extent::Tensor] {
        let parts = Parts::new(&codes, &scales).with_origin([0, 1]);
        assert!(refused(&plain.with_extent(extent), &[1, 8], parts).starts_with("origin"));
    }
    // Parts of other lengths than the scheme asks for, and numbers that their formats do not have.
    let signs = plain.with_scale_signs(ScaleSigns::PerSign);
    assert_eq!(refused(&signs, &[1, 8], parts), "bytes of scales: expected 4, found 2");
    let grouped = plain.with_sub_scale(Some(SubScale::new(FormatSpec::F16, 2)));
    assert_eq!(refused(&grouped, &[1, 8], parts), "bytes of sub-scales: expected 2, found 0");
    let infinite = parts.with_sub_scales(&[0, 0x7C]);
    assert!(refused(&grouped, &[1, 8], infinite).starts_with("sub-scale 0: expected a finite"));
    let narrow = plain.with_sub_scale(Some(SubScale::new(FormatSpec::UE4M3, u32::MAX)));
    let above = parts.with_sub_scales(&[0x80]);
    assert!(refused(&narrow, &[1, 8], above).starts_with("sub-scale 0: expected a code without"));
    let books = plain.with_codebooks(Codebooks::Row(FormatSpec::F32));
    assert_eq!(refused(&books, &[1, 8], parts), "bytes of codebooks: expected 64, found 0");
    let mut book = [0u8; 64];
    book[62..].copy_from_slice(&[0xC0, 0x7F]);
    let nan = parts.with_codebooks(&book);
    assert!(refused(&books, &[1, 8], nan).starts_with("codebook entry 15: expected a finite"));
    // Tensor scales of matrices.
    let scaled = plain
        .with_rule(ScaleRule::Amax { target: 6.0, ratio: Ratio::Divide })
        .with_tensor_scale(TensorScale::Multiplier { target: 2688.0 });
    let two = |scales| Parts::new(&codes, &[0; 2]).with_tensor_scales(scales);
    assert!(QuantTensor::from_parts(&scaled, &[2, 1, 4], two(&[1.0, 2.0])).is_ok());
    for (scales, expected) in [
        (&[1.0f32][..], "tensor scales: expected 2, found 1"),
        (&[1.0, f32::NAN], "tensor scale 1: expected a finite f32"),
    ] {
        assert!(refused(&scaled, &[2, 1, 4], two(scales)).starts_with(expected));
    }
    let both = two(&[1.0, 2.0]).with_tensor_scale(3.0);
    assert!(refused(&scaled, &[2, 1, 4], both).starts_with("tensor scale 0: expected 1.0 beside"));
    let whole = scaled.with_extent(Extent::Tensor);
    let parts = Parts::new(&codes, &[0]).with_tensor_scales(&[1.0, 2.0]);
    assert!(refused(&whole, &[2, 1, 4], parts).contains("do not reach over matrices"));
    // Schemes that contradict themselves, and shapes beyond all memory.
    let none = BlockSpec::new(FormatSpec::F4E2M1, None, Extent::Tensor, ScaleRule::Unit);
    let unit = SubScale::new(FormatSpec::F16, 1);
    for (scheme, expected) in [
        (plain.with_sub_scale(Some(SubScale::new(FormatSpec::F16, 0))), "at least one block"),
        (none.with_sub_scale(Some(unit)), "sub-scale: expected a scale format"),
        (none.with_scale_signs(ScaleSigns::PerSign), "each sign: expected a scale format"),
        (signs.with_offset(Offset::Minimum(FormatSpec::F16)), "each sign: expected no offset"),
        (books.with_extent(Extent::Flat(8)), "blocks that do not reach over rows"),
        (
            spec(FormatSpec::BF16, Extent::Row).with_codebooks(Codebooks::Tensor(FormatSpec::F16)),
            "codes of at most 8 bits",
        ),
    ] {
        let found = scheme.validate().unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
    for scheme in [plain, signs, grouped, books, scaled] {
        for shape in [&[usize::MAX, 2][..], &[usize::MAX / 2, usize::MAX], &[1 << 31, 1 << 31, 4]] {
            let found = QuantTensor::from_parts(&scheme, shape, Parts::new(&[], &[]));
            assert_eq!(found.unwrap_err(), Error::TooLarge);
        }
        for shape in [&[0, 5][..], &[5, 0], &[0], &[2, 0, 3]] {
            let tensor = QuantTensor::from_parts(&scheme, shape, Parts::new(&[], &[]));
            let Ok(tensor) = tensor else { continue };
            assert!(tensor.dequantize().is_empty() && tensor.view().cols(0..0).is_ok());
            assert_eq!(QuantTensor::concat_cols(&[tensor.view()]).unwrap().view().len(), 0);
        }
    }
}
