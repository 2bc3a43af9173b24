//! Cuts and joins at their edges: origins, empty pieces, many axes, stacks of one matrix; and parts
//! that are refused where nothing uses them.

use super::parts::spec;
use std::sync::Arc;
use subhalf::{
    Accept, Accumulator, BlockSpec, BlockStats, Codebooks, CustomRule, Error, Extent, FormatSpec,
    Matmul, Metric, Nonfinite, Operand, Parts, QuantTensor, QuantView, Quantizer, ScaleRule,
    ScaleSigns, Search, SharedMemory, SubScale, Table, matmul, preset,
};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7 % 53) as f32 - 20.0).collect()
}

const TILE: Extent = Extent::Block { rows: 2, cols: 8 };

#[test]
fn the_parts_of_a_view_say_where_in_its_block_it_begins() {
    let scheme = spec(FormatSpec::F8E4M3, TILE);
    let x: Vec<f32> =
        ramp(6 * 24).iter().enumerate().map(|(i, x)| x * (1 + i / 24) as f32).collect();
    let whole = QuantTensor::quantize(&scheme, &x, &[6, 24]).unwrap();
    let mut inside = 0;
    for (start, end) in (0..6).flat_map(|start| (start..=6).map(move |end| (start, end))) {
        let view = whole.view().rows(start..end).unwrap();
        let Some(parts) = view.parts() else { panic!("rows have no gaps") };
        let shape = view.shape().to_vec();
        let again = QuantView::from_parts(&scheme, &shape, parts).unwrap();
        assert_eq!(bits(&again.dequantize()), bits(&view.dequantize()), "{start}..{end}");
        inside += usize::from(parts.origin[0] == 1);
    }
    // Of five rows from 1 on, three from 3 on, one from 5 on.
    assert_eq!(inside, 9);
    let view = whole.view().cols(3..24).unwrap();
    assert!(view.parts().is_none());
    assert_eq!(view.to_owned().parts().origin, [0, 3]);
}

#[test]
fn columns_keep_all_axes() {
    let scheme = spec(FormatSpec::F4E2M1, Extent::Block { rows: 1, cols: 8 });
    for shape in [&[2, 3, 4, 16][..], &[1, 2, 1, 2, 1, 2, 3, 16], &[2, 1, 1, 1, 1, 1, 3, 1, 2, 16]]
    {
        let len = shape.iter().product();
        let whole = QuantTensor::quantize(&scheme, &ramp(len), shape).unwrap();
        let halves = [0..8, 8..16].map(|range| whole.view().cols(range).unwrap());
        let kept = shape.len().min(8);
        let mut expected = shape[shape.len() - kept..].to_vec();
        expected[0] *= shape[..shape.len() - kept].iter().product::<usize>();
        *expected.last_mut().unwrap() = 8;
        assert_eq!(halves[0].shape(), expected);
        let joined = QuantTensor::concat_cols(&halves).unwrap();
        assert_eq!((joined.codes(), joined.scales()), (whole.codes(), whole.scales()));
        assert!(shape.len() > 8 || joined == whole, "{shape:?}");
    }
}

#[test]
fn empty_pieces_bring_nothing_to_a_join() {
    let scheme = preset::torchao::NVFP4;
    let expert = |x: f32| QuantTensor::quantize(&scheme, &[x; 64], &[2, 32]).unwrap();
    let (a, b) = (expert(3.0), expert(500.0));
    let stack = QuantTensor::stack(&[a.view(), b.view()]).unwrap();
    let pieces = [0..0, 0..16, 16..16, 16..32].map(|range| stack.view().cols(range).unwrap());
    assert_eq!(QuantTensor::concat_cols(&pieces).unwrap(), stack);
    let pieces = [0..0, 0..1, 1..2].map(|range| b.view().rows(range).unwrap());
    assert_eq!(QuantTensor::concat_rows(&pieces).unwrap(), b);
    // The first with elements begins inside a block.
    let tiles =
        QuantTensor::quantize(&spec(FormatSpec::F8E4M3, TILE), &ramp(64), &[4, 16]).unwrap();
    let late = tiles.view().rows(1..4).unwrap();
    let pieces = [0..0, 0..2, 2..3].map(|range| late.rows(range).unwrap());
    assert_eq!(QuantTensor::concat_rows(&pieces).unwrap(), late.to_owned());
}

#[test]
fn a_stack_of_one_matrix_is_that_matrix() {
    let scheme = preset::torchao::NVFP4;
    let quantize = |x: &[f32], shape: &[usize]| QuantTensor::quantize(&scheme, x, shape).unwrap();
    let (a, other) = (quantize(&ramp(64), &[2, 32]), quantize(&[100.0; 64], &[2, 32]));
    let one = QuantTensor::stack(&[a.view()]).unwrap();
    assert_eq!((one.shape(), one.tensor_scales().len()), (&[1, 2, 32][..], 1));
    let apart = QuantTensor::stack(&[other.view()]).unwrap();
    assert!(QuantTensor::concat_rows(&[one.view(), apart.view()]).is_err());
    assert!(QuantTensor::concat_cols(&[one.view(), apart.view()]).is_err());
    // It goes with every matrix of the other side, as the matrix does.
    let batch = ramp(3 * 4 * 32);
    let batch = Operand::numbers(&batch, &[3, 4, 32]).unwrap();
    assert_eq!(bits(&matmul(batch, &one).unwrap()), bits(&matmul(batch, &a).unwrap()));
    assert_eq!(bits(&matmul(&one, batch).unwrap()), bits(&matmul(&a, batch).unwrap()));
    assert!(one.view().matrix(1).is_err());
    let none = QuantTensor::quantize::<f32>(&preset::ocp::MXFP4, &[], &[2, 0, 4]).unwrap();
    assert!(none.view().matrix(1).is_ok() && none.view().matrix(5).is_err());
}

#[test]
fn tensors_that_cannot_be_turned_are_turned_as_numbers() {
    let (n, k) = (6, 24);
    let plain = spec(FormatSpec::F4E2M1, Extent::Block { rows: 1, cols: 4 });
    let base = QuantTensor::quantize(&plain, &ramp(k * n), &[k, n]).unwrap();
    let grouped = plain.with_sub_scale(Some(SubScale::new(FormatSpec::F16, 2)));
    let sub_scales: Vec<u8> =
        (0..k).flat_map(|i| (0x3C00u16 + 0x40 * i as u16).to_le_bytes()).collect();
    let rows = plain.with_codebooks(Codebooks::Row(FormatSpec::F32));
    let books: Vec<u8> = (0..16 * k).flat_map(|i| (i as f32 / 8.0).to_le_bytes()).collect();
    let flat = plain.with_extent(Extent::Flat(8));
    let tensors = [
        QuantTensor::from_parts(&grouped, &[k, n], base.parts().with_sub_scales(&sub_scales)),
        QuantTensor::from_parts(&rows, &[k, n], base.parts().with_codebooks(&books)),
        QuantTensor::quantize(&flat, &ramp(k * n), &[k, n]),
    ];
    let a = ramp(3 * k);
    let a = Operand::numbers(&a, &[3, k]).unwrap();
    for tensor in tensors {
        let tensor = tensor.unwrap();
        let numbers = tensor.dequantize();
        let stored = Operand::numbers(&numbers, &[k, n]).unwrap().transposed();
        let expected = matmul(a, stored).unwrap();
        let operand = Operand::from(&tensor).transposed();
        assert_eq!(bits(&matmul(a, operand).unwrap()), bits(&expected), "{tensor:?}");
        assert!(tensor.view().transposed().is_err());
    }
    // Nothing, however many rows and columns it has.
    let nothing = Operand::numbers::<f32>(&[], &[1 << 40, 0, 1 << 20]).unwrap().transposed();
    let empty = Operand::numbers::<f32>(&[], &[0, 0]).unwrap();
    assert_eq!(matmul(nothing, empty), Ok(Vec::new()));
}

#[test]
fn what_nothing_uses_is_refused() {
    let mx = QuantTensor::quantize(&preset::ocp::MXFP4, &ramp(64), &[2, 32]).unwrap();
    let nv = preset::torchao::NVFP4;
    for scheme in [
        nv.with_sub_scale(Some(SubScale::new(FormatSpec::F16, 1))),
        nv.with_scale_signs(ScaleSigns::PerSign),
        nv.with_codebooks(Codebooks::Tensor(FormatSpec::F16)),
    ] {
        assert!(mx.view().to_nvfp4(&scheme).is_err());
    }
    let search = Search::new(Table::of(&[1.0]), Metric::Mse);
    let searched = preset::generic::INT8_TENSOR.with_search(Some(search));
    let both = Quantizer::new(&searched).scales(&[1.0], &[]).search_factors(&[1.0, 0.5]);
    assert!(both.quantize(&[1.0f32; 4], &[4]).is_err());
    // A shape that is not the numbers' takes no memory.
    let huge = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &[0.0f32; 4], &[1 << 56]);
    assert!(matches!(huge.unwrap_err(), Error::Length { .. } | Error::TooLarge));
    let books =
        spec(FormatSpec::F8E4M3, Extent::Tensor).with_codebooks(Codebooks::Row(FormatSpec::F32));
    let huge = QuantTensor::from_parts(&books, &[1 << 54, 2], Parts::new(&[], &[]));
    assert_eq!(huge.unwrap_err(), Error::TooLarge);
    // A block that is not there.
    let view = mx.view();
    for block in [2, 1 << 40, usize::MAX] {
        assert_eq!((view.scale_code(block), view.offset_code(block)), (0, 0));
        assert_eq!((view.block_scale(block), view.scale_codes(block).count()), (1.0, 0));
    }
    let words = Quantizer::new(&preset::bitsandbytes::NF4).row_length(32);
    assert!(words.quantize(&[1.0f32; 64], &[2, 32]).is_ok());
    let cut = mx.view().cols(3..32).unwrap();
    let x = ramp(29);
    let x = Operand::numbers(&x, &[1, 29]).unwrap();
    let refused = matmul(x, cut).unwrap_err().to_string();
    assert!(refused.contains("columns that begin at a block"), "{refused}");
    assert!(Matmul::new().accumulator(Accumulator::F32).multiply(x, cut).is_ok());
}

#[test]
fn an_erased_block_has_the_scale_of_zeros_whatever_the_rule_sees() {
    let rule = |see: fn(&BlockStats<'_>) -> f32| {
        BlockSpec::new(
            FormatSpec::F4E2M1,
            Some(FormatSpec::F32),
            Extent::Row,
            ScaleRule::Custom(CustomRule::with_elements(see)),
        )
        .with_nonfinite(Nonfinite::Erase)
        .with_zero_block_scale(0.5)
    };
    let spec = rule(|stats| stats.elements.iter().fold(0.0f32, |amax, x| amax.max(x.abs())) / 6.0);
    let scale =
        |x: &[f32]| QuantTensor::quantize(&spec, x, &[1, x.len()]).unwrap().view().block_scale(0);
    assert_eq!((scale(&[60.0, 1.0]), scale(&[0.0, 0.0])), (10.0, 0.5));
    assert_eq!(scale(&[60.0, f32::NAN, 1.0, 2.0]), 0.5);
}

#[test]
fn shared_scales_that_are_not_finite_are_taken_if_asked() {
    let bytes: Vec<u8> = [0x38u8, 0x38].into_iter().chain(f32::INFINITY.to_le_bytes()).collect();
    let memory: SharedMemory = Arc::new(bytes);
    let whole = (*memory).as_ref();
    let (scheme, parts) = (preset::generic::FP8_E4M3_TENSOR, Parts::new(&whole[..2], &whole[2..]));
    assert!(QuantTensor::from_shared(&memory, &scheme, &[2], parts).is_err());
    let tensor =
        QuantTensor::from_shared_with(&memory, &scheme, &[2], parts, Accept::Nonfinite).unwrap();
    assert_eq!(tensor.dequantize(), [f32::INFINITY; 2]);
}
