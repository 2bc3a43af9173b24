//! Parts that are not those of the scheme and shape are refused in words.

use super::parts::spec;
use subhalf::{
    BlockSpec, Codebooks, Convert, Division, Error, Extent, FormatSpec, Nonfinite, Offset, Parts,
    QuantTensor, Ratio, ScaleRule, ScaleSigns, SubScale, Table, TensorScale, preset,
};

fn refused(scheme: &BlockSpec, shape: &[usize], parts: Parts<'_>) -> String {
    QuantTensor::from_parts(scheme, shape, parts).unwrap_err().to_string()
}

#[test]
fn hostile_parts_are_refused() {
    let plain = spec(FormatSpec::F4E2M1, Extent::Block { rows: 1, cols: 4 });
    let (codes, scales) = ([0u8; 4], [0u8; 2]);
    let parts = Parts::new(&codes, &scales);
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
        (none.with_scale_bounds((0.0, 2.0)), "no scale: expected no bounds"),
        (none.with_zero_block_scale(1.0), "no scale: expected no bounds"),
        (none.with_underflow_scale(1.0), "no scale: expected no bounds"),
        (none.with_divisors(Table::of(&[(1, 2.0)])), "no scale: expected no bounds"),
        (none.with_scale_convert(Convert::SATURATING), "no scale: expected no bounds"),
        (none.with_division(Division::Divide), "no scale: expected no bounds"),
        (none.with_nonfinite(Nonfinite::Poison), "no scale: expected no bounds"),
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

/// A tensor without elements has no block, wherever its first would have begun.
#[test]
fn empty_flat_tensors_have_no_scale() {
    let spec = preset::ocp::MXFP4.with_extent(Extent::Flat(32));
    for shape in [&[0][..], &[3, 0], &[0, 4], &[2, 0, 8]] {
        for origin in [[0, 0], [0, 5]] {
            let none = Parts::new(&[], &[]).with_origin(origin);
            let tensor = QuantTensor::from_parts(&spec, shape, none).unwrap();
            assert_eq!((tensor.view().blocks(), tensor.dequantize()), (0, Vec::new()));
            let one = Parts::new(&[], &[127]).with_origin(origin);
            assert!(refused(&spec, shape, one).starts_with("bytes of scales: expected 0, found 1"));
        }
    }
    assert!(QuantTensor::quantize::<f32>(&spec, &[], &[0]).unwrap().scales().is_empty());
}

/// The place of the first wrong byte is named, wherever it is in a long part.
#[test]
fn wrong_bytes_are_found_anywhere() {
    let row = Extent::Block { rows: 1, cols: 1 };
    let spec = |format| BlockSpec::new(FormatSpec::F8E4M3, Some(format), row, ScaleRule::Floor);
    let ones = |format: &FormatSpec, width: usize| {
        let one = format.encode_f32(1.0).to_le_bytes();
        (0..700).flat_map(|_| one[..width].to_vec()).collect::<Vec<u8>>()
    };
    let codes = [0x38u8; 700];
    for (format, width, wrong) in [
        (FormatSpec::F16, 2, 0x7C00u32),
        (FormatSpec::F16, 2, 0xFE01),
        (FormatSpec::BF16, 2, 0x7F80),
        (FormatSpec::F32, 4, 0xFF80_0000),
        (FormatSpec::F32, 4, 0x7FC0_0000),
        (FormatSpec::UE4M3, 1, 0x80),
        (FormatSpec::F6E3M2, 1, 0x40),
    ] {
        let scales = ones(&format, width);
        let spec = spec(format).with_nonfinite(Nonfinite::Ignore);
        let whole = QuantTensor::from_parts(&spec, &[1, 700], Parts::new(&codes, &scales));
        assert!(whole.is_ok(), "{whole:?}");
        for index in [0, 1, 63, 64, 300, 698, 699] {
            let mut scales = scales.clone();
            scales[index * width..][..width].copy_from_slice(&wrong.to_le_bytes()[..width]);
            // A later one is not the first.
            scales[699 * width..].copy_from_slice(&wrong.to_le_bytes()[..width]);
            let found = refused(&spec, &[1, 700], Parts::new(&codes, &scales));
            assert!(found.starts_with(&format!("scale {index}: ")), "{found}");
        }
    }
    // Rows of three codes of four bits end within a byte.
    let spec = preset::ocp::MXFP4;
    for index in [0, 77, 699] {
        let mut codes = [0x21u8, 0x03].repeat(700);
        codes[2 * index + 1] |= 0x10;
        let found = refused(&spec, &[700, 3], Parts::new(&codes, &[127; 700]));
        assert!(found.starts_with(&format!("row {index}: ")), "{found}");
    }
}
