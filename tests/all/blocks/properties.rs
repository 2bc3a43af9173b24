//! What holds for every preset and every extent: elements are the nearest numbers, quantizing again
//! changes nothing, and neither shapes, shards nor threads change a bit.

use super::inputs::{Random, edge_blocks, small_blocks};
use subhalf::{
    BlockSpec, Convert, Dither, Division, ElementRounding, Error, Exec, Extent, FormatSpec, Isa,
    Metric, Offset, Parts, QuantTensor, QuantView, Quantizer, Ratio, Round, ScaleRule, Search,
    Stochastic, Table, TensorScale, layout, preset,
};

#[cfg(feature = "rayon")]
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Two tensors with the same buffers.
pub(super) fn same(a: &QuantTensor, b: &QuantTensor) -> bool {
    a.codes() == b.codes()
        && a.scales() == b.scales()
        && a.offsets() == b.offsets()
        && a.tensor_scale() == b.tensor_scale()
}

/// The finite numbers of a format in order, with their codes; −0 left out.
pub(super) fn numbers(format: &FormatSpec) -> Vec<(f64, u32)> {
    let mut numbers: Vec<(f64, u32)> = format
        .codes()
        .map(|code| (format.decode_f64(code), code))
        .filter(|(x, _)| x.is_finite())
        .collect();
    numbers.retain(|(x, _)| !(*x == 0.0 && x.is_sign_negative()));
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    numbers
}

/// The nearest number to `y`, ties to the even code (of two's complement and of sign and magnitude
/// alike that is the code's last bit). Midpoints are exact in f64, and so are the comparisons.
pub(super) fn nearest(numbers: &[(f64, u32)], y: f64) -> f64 {
    let at = numbers.partition_point(|(x, _)| *x < y);
    if at == 0 {
        return numbers[0].0;
    }
    if at == numbers.len() {
        return numbers[at - 1].0;
    }
    let ((low, low_code), (high, _)) = (numbers[at - 1], numbers[at]);
    let midpoint = (low + high) / 2.0;
    if y < midpoint || (y == midpoint && low_code & 1 == 0) { low } else { high }
}

#[test]
fn elements_are_the_nearest_representable_numbers() {
    let exact = preset::all()
        .filter(|preset| preset.name.starts_with("ocp::") || preset.name.starts_with("gfloat::"));
    let mut checked = 0;
    for preset in exact {
        let mut numbers = numbers(&preset.spec.element);
        // MXINT8 as OCP allows it never produces its most negative code.
        numbers.retain(|(x, _)| *x >= preset.spec.element.min().to_f64());
        let mut random = Random::new(1);
        let blocks = edge_blocks(32).into_iter().chain((0..200).map(|_| random.block(32)));
        for block in blocks.filter(|block| block.iter().all(|x| x.is_finite())) {
            let tensor = QuantTensor::quantize(&preset.spec, &block, &[1, 32]).unwrap();
            let scale = f64::from(tensor.view().block_scale(0));
            for (i, &x) in block.iter().enumerate() {
                let found = preset.spec.element.decode_f64(tensor.view().code(i).unwrap());
                assert_eq!(
                    found,
                    nearest(&numbers, f64::from(x) / scale),
                    "{}: {x:e} under {scale:e}",
                    preset.name
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 200_000, "{checked}");
}

#[test]
fn quantizing_a_dequantized_tensor_changes_nothing() {
    let mut changed = Vec::new();
    for preset in preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)) {
        let mut random = Random::new(2);
        let mut differs = false;
        for _ in 0..40 {
            let x: Vec<f32> = (0..8).flat_map(|_| random.block(128)).collect();
            let once = QuantTensor::quantize(&preset.spec, &x, &[8, 128]).unwrap().dequantize();
            if once.iter().any(|x| !x.is_finite()) {
                continue;
            }
            let twice = QuantTensor::quantize(&preset.spec, &once, &[8, 128]).unwrap().dequantize();
            differs |= once != twice;
        }
        for block in edge_blocks(128).into_iter().chain(small_blocks(128)) {
            let once = QuantTensor::quantize(&preset.spec, &block, &[1, 128]).unwrap().dequantize();
            if once.iter().all(|x| x.is_finite()) {
                differs |= once
                    != QuantTensor::quantize(&preset.spec, &once, &[1, 128]).unwrap().dequantize();
            }
        }
        if differs != preset.not_idempotent.is_some() {
            changed.push(format!(
                "{}: {differs}, the table says {:?}",
                preset.name, preset.not_idempotent
            ));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// A quantizer with the tensor scale of the whole, so that a part can be quantized alone.
fn with_tensor_scale<'a>(quantizer: Quantizer<'a>, whole: &QuantTensor) -> Quantizer<'a> {
    match whole.spec().tensor_scale {
        TensorScale::None => quantizer,
        _ => quantizer.tensor_scale(whole.tensor_scale()),
    }
}

#[test]
fn rows_quantized_alone_are_the_rows_of_the_whole() {
    for preset in preset::all() {
        let spec = preset.spec;
        let step = match spec.extent {
            Extent::Tensor | Extent::Column | Extent::Flat(_) => continue,
            Extent::Block { rows, .. } => rows as usize,
            _ => 1,
        };
        let stochastic = spec.with_round(Round::stochastic(Stochastic::A, 12).unwrap());
        let (rows, cols) = (3 * step + 2, 83);
        let mut random = Random::new(3);
        let x: Vec<f32> = (0..rows).flat_map(|_| random.block(cols)).collect();
        for spec in [spec, stochastic].into_iter().filter(|spec| spec.validate().is_ok()) {
            let dither = Dither::new(5);
            let given = matches!(spec.rule, ScaleRule::Given);
            if given {
                continue;
            }
            let whole = Quantizer::new(&spec).dither(dither).quantize(&x, &[rows, cols]).unwrap();
            for (start, end) in
                [(0, step), (step, 3 * step), (2 * step, rows), (0, rows), (step, step)]
            {
                let quantizer = Quantizer::new(&spec)
                    .dither(dither.skip((start * cols) as u64))
                    .exec(Exec::SERIAL);
                let alone = with_tensor_scale(quantizer, &whole)
                    .quantize(&x[start * cols..end * cols], &[end - start, cols])
                    .unwrap();
                assert!(
                    same(&whole.view().rows(start..end).unwrap().to_owned(), &alone),
                    "{} rows {start}..{end}",
                    preset.name
                );
            }
        }
    }
}

#[cfg(feature = "rayon")]
#[test]
fn threads_change_nothing() {
    let extents = [
        Extent::Tensor,
        Extent::Row,
        Extent::Column,
        Extent::Block { rows: 16, cols: 16 },
        Extent::Block { rows: 1, cols: 32 },
        Extent::Flat(64),
    ];
    let mut random = Random::new(4);
    let x: Vec<f32> = (0..200).flat_map(|_| random.block(331)).collect();
    for extent in extents {
        let spec = preset::ocp::MXFP4
            .with_extent(extent)
            .with_round(Round::stochastic(Stochastic::B, 16).unwrap());
        let quantize =
            || Quantizer::new(&spec).dither(Dither::new(9)).quantize(&x, &[2, 100, 331]).unwrap();
        let serial = Quantizer::new(&spec)
            .dither(Dither::new(9))
            .exec(Exec::SERIAL)
            .quantize(&x, &[2, 100, 331])
            .unwrap();
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let tensor = pool.install(quantize);
            assert!(same(&tensor, &serial), "{extent:?} on {threads} threads");
            let mut out = vec![0.0f32; x.len()];
            serial.view().dequantize_into(&mut out, Exec::SERIAL).unwrap();
            assert_eq!(bits(&pool.install(|| tensor.dequantize())), bits(&out));
        }
    }
}

#[test]
fn kernels_equal_the_reference_quantizer_for_every_preset() {
    let mut random = Random::new(7);
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN];
    for preset in preset::all() {
        let mut inputs: Vec<(Vec<f32>, Vec<usize>)> = Vec::new();
        for (rows, cols) in [(1, 1), (3, 33), (5, 256), (130, 17), (2, 2100), (1, 4096)] {
            inputs.push(((0..rows).flat_map(|_| random.block(cols)).collect(), vec![rows, cols]));
        }
        for block in edge_blocks(70) {
            inputs.push((block, vec![70]));
        }
        let mut strange: Vec<f32> = (0..4).flat_map(|_| random.block(100)).collect();
        special.iter().enumerate().for_each(|(i, x)| strange[97 * i + 3] = *x);
        inputs.push((strange, vec![2, 2, 100]));
        for (x, shape) in &inputs {
            let reference = Quantizer::new(&preset.spec).quantize_reference(x, shape).unwrap();
            let view = reference.view();
            let numbers: Vec<u32> =
                (0..x.len()).map(|index| view.get(index).unwrap().to_bits()).collect();
            for isa in Isa::available() {
                let exec = Exec::SERIAL.with_isa(isa);
                let tensor = Quantizer::new(&preset.spec).exec(exec).quantize(x, shape).unwrap();
                assert!(same(&tensor, &reference), "{} {shape:?} {}", preset.name, isa.name());
                let mut found = vec![0.5f32; x.len()];
                view.dequantize_into(&mut found, exec).unwrap();
                assert!(
                    found.iter().map(|x| x.to_bits()).eq(numbers.iter().copied()),
                    "{} {shape:?} {}",
                    preset.name,
                    isa.name()
                );
            }
        }
    }
}

/// The block of an element by the definition of the extents, without the crate's geometry.
fn block_of(extent: Extent, shape: &[usize], index: usize) -> Vec<usize> {
    let (rows, cols) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let (matrix, row, col) = (index / (rows * cols), index / cols % rows, index % cols);
    match extent {
        Extent::Tensor => vec![],
        Extent::Row => vec![matrix, row],
        Extent::Column => vec![matrix, col],
        Extent::Block { rows, cols } => vec![matrix, row / rows as usize, col / cols as usize],
        Extent::Flat(length) => vec![index / length as usize],
        _ => panic!("an extent unknown to the test"),
    }
}

#[test]
fn blocks_are_where_the_extents_say() {
    let extents = [
        Extent::Tensor,
        Extent::Row,
        Extent::Column,
        Extent::Block { rows: 1, cols: 4 },
        Extent::Block { rows: 2, cols: 3 },
        Extent::Block { rows: 9, cols: 9 },
        Extent::Flat(5),
    ];
    let shape = [2, 5, 7];
    let mut random = Random::new(5);
    let x: Vec<f32> = (0..70).map(|_| random.number()).collect();
    for (extent, element) in extents
        .into_iter()
        .flat_map(|extent| [(extent, FormatSpec::F4E2M1), (extent, FormatSpec::F6E2M3)])
    {
        let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), extent, ScaleRule::Floor);
        let tensor = QuantTensor::quantize(&spec, &x, &shape).unwrap();
        let mut keys: Vec<Vec<usize>> =
            (0..70).map(|index| block_of(extent, &shape, index)).collect();
        for index in 0..70 {
            let own = block_of(extent, &shape, index);
            let amax = (0..70)
                .filter(|&other| keys[other] == own)
                .fold(0.0f32, |amax, other| amax.max(x[other].abs()));
            let scale = f32::powi(2.0, amax.log2().floor() as i32 - 2);
            assert_eq!(tensor.view().scale(index), Some(scale), "{extent:?} {index}");
            assert_eq!(tensor.view().get(index), Some(tensor.dequantize()[index]));
        }
        // Scales are stored in the order in which blocks appear, but for blocks of one column or a
        // tile, which are sorted.
        keys.sort();
        keys.dedup();
        assert_eq!(tensor.view().blocks(), keys.len(), "{extent:?}");
    }
}

#[test]
fn odd_shapes_have_no_padding() {
    let spec = preset::ocp::MXFP4;
    for (shape, blocks, bytes) in [
        (vec![], 1, 1),
        (vec![0], 0, 0),
        (vec![1], 1, 1),
        (vec![0, 32], 0, 0),
        (vec![3, 0], 0, 0),
        (vec![1, 1], 1, 1),
        (vec![7, 13], 7, 49),
        (vec![2, 3, 65], 18, 198),
    ] {
        let count = shape.iter().product();
        let x: Vec<f32> = (0..count).map(|i| i as f32 - 3.0).collect();
        let tensor = QuantTensor::quantize(&spec, &x, &shape).unwrap();
        assert_eq!(
            (tensor.view().blocks(), tensor.codes().len(), tensor.dequantize().len()),
            (blocks, bytes, count),
            "{shape:?}"
        );
        // A ragged block is the block of its elements, nothing more.
        if let Some(&cols) = shape.last()
            && cols > 32
        {
            let alone =
                QuantTensor::quantize(&spec, &x[cols - cols % 32..cols], &[cols % 32]).unwrap();
            assert_eq!(alone.dequantize(), tensor.dequantize()[cols - cols % 32..cols]);
        }
    }
}

#[test]
fn bad_shapes_and_buffers_are_refused() {
    let spec = preset::ocp::MXFP4;
    let wrong = QuantTensor::quantize(&spec, &[1.0f32; 5], &[2, 3]).unwrap_err();
    assert_eq!(wrong.to_string(), "elements: expected 6, found 5");
    assert_eq!(QuantTensor::quantize(&spec, &[1.0f32; 5], &[usize::MAX, 3]), Err(Error::TooLarge));
    assert_eq!(
        QuantTensor::quantize(&spec, &[0.0f32; 0], &[usize::MAX, usize::MAX, 0]).map(|_| ()),
        Err(Error::TooLarge)
    );
    assert!(
        Quantizer::new(&spec).tensor_scale(2.0).quantize(&[1.0f32], &[1]).is_err(),
        "no tensor scale in MXFP4"
    );
    assert!(Quantizer::new(&spec).scales(&[1.0, 1.0], &[]).quantize(&[1.0f32; 32], &[32]).is_err());
    assert!(Quantizer::new(&spec).scales(&[1.0], &[0.0]).quantize(&[1.0f32; 32], &[32]).is_err());
    let given = spec.with_rule(ScaleRule::Given);
    assert!(QuantTensor::quantize(&given, &[1.0f32; 32], &[32]).is_err());
    assert!(Quantizer::new(&given).scales(&[0.5], &[]).quantize(&[1.0f32; 32], &[32]).is_ok());

    let tensor = QuantTensor::quantize(&spec, &[1.0f32; 70], &[2, 35]).unwrap();
    let parts = tensor.parts();
    let refuse =
        |parts: Parts<'_>| QuantTensor::from_parts(&spec, &[2, 35], parts).unwrap_err().to_string();
    assert!(same(&QuantTensor::from_parts(&spec, &[2, 35], parts).unwrap(), &tensor));
    assert_eq!(
        refuse(parts.with_codes(&parts.codes[1..])),
        "bytes of codes: expected 36, found 35"
    );
    assert_eq!(refuse(parts.with_scales(&[0; 5])), "bytes of scales: expected 4, found 5");
    assert_eq!(refuse(parts.with_offsets(&[0])), "bytes of offsets: expected 0, found 1");
    assert_eq!(
        refuse(parts.with_tensor_scale(2.0)),
        "tensor scale 0: expected 1.0, as the format has none, found 0x40000000"
    );
    // Rows of 35 nibbles: half of the last byte is no code.
    let mut padded = parts.codes.to_vec();
    padded[35] |= 0x10;
    assert_eq!(
        refuse(parts.with_codes(&padded)),
        format!("row 1: expected zeros behind the last code of a row, found {:#x}", padded[35])
    );
    let narrow = spec.with_scale(FormatSpec::UE4M3);
    let bytes = [0x38, 0x38, 0x80, 0x38];
    let error = QuantView::from_parts(&narrow, &[2, 35], parts.with_scales(&bytes)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "scale 2: expected a code without bits above its format, found 0x80"
    );

    for (range, expected) in [
        (0..3, "rows 0..3: expected a range within 0..2, starting and ending at a multiple of 1"),
        (std::ops::Range { start: 2, end: 1 }, "rows 2..1"),
    ] {
        assert!(tensor.view().rows(range).unwrap_err().to_string().starts_with(expected));
    }
    let tiles = QuantTensor::quantize(
        &spec.with_extent(Extent::Block { rows: 2, cols: 2 }),
        &[1.0f32; 30],
        &[2, 5, 3],
    )
    .unwrap();
    for (range, fits) in [
        (0..2, true),
        (2..5, true),
        (5..10, true),
        (0..10, false),
        // Inside a tile: the view begins in its first block.
        (1..2, true),
        (4..6, false),
        (0..7, false),
        (5..7, true),
    ] {
        assert_eq!(tiles.view().rows(range.clone()).is_ok(), fits, "{range:?}");
    }
}

#[test]
fn tensors_without_elements_cost_nothing_whatever_their_other_axes() {
    let none: &[f32] = &[];
    for preset in preset::all() {
        for shape in [&[1 << 55, 0][..], &[0, 1 << 55], &[1 << 27, 1 << 27, 0], &[1 << 55, 0, 3]] {
            let tensor = QuantTensor::quantize(&preset.spec, none, shape).unwrap();
            assert!(
                tensor.dequantize().is_empty() && tensor.stats(none).is_ok(),
                "{} {shape:?}",
                preset.name
            );
        }
    }
    let mx = QuantTensor::quantize(&preset::ocp::MXFP4, none, &[1 << 55, 0]).unwrap();
    assert!(mx.view().to_nvfp4(&preset::torchao::NVFP4).is_ok());
    let layer =
        layout::Awq { qweight: vec![], qzeros: vec![], scales: layout::LayerScales::F16(vec![]) };
    let awq = layout::from_awq(&layer, 128, [1 << 55, 0]).unwrap();
    assert_eq!(layout::to_awq(&awq.view()), Ok(layer));
}

/// Of every preset and shape, no rows or all columns of none are a tensor of their own.
#[test]
fn ranges_of_no_rows_are_empty_tensors() {
    let x = [1.0f32, -2.0, 0.5, 3.0, -0.25, 7.0];
    for preset in preset::all() {
        for shape in [&[][..], &[0], &[5], &[0, 3], &[3, 0], &[2, 3], &[1, 2, 3], &[2, 0, 3]] {
            let tensor =
                QuantTensor::quantize(&preset.spec, &x[..shape.iter().product()], shape).unwrap();
            let cols = shape.last().copied().unwrap_or(1);
            let rows: usize = shape.split_last().map_or(1, |(_, axes)| axes.iter().product());
            for row in [0, rows] {
                let Ok(view) = tensor.view().rows(row..row) else { continue };
                let rest =
                    QuantTensor::from_parts(view.spec(), view.shape(), view.parts().unwrap())
                        .unwrap();
                assert_eq!(
                    (&rest, rest.shape()),
                    (&view.to_owned(), &[0, cols][..]),
                    "{} {shape:?} {row}",
                    preset.name
                );
            }
        }
    }
}

#[test]
fn a_search_takes_no_candidate_whose_error_is_nan() {
    // Halved, the scale of 448 makes 896, which is NaN under this policy.
    let spec =
        BlockSpec::new(FormatSpec::F8E4M3, Some(FormatSpec::E8M0), Extent::Row, ScaleRule::Floor)
            .with_element_convert(Convert::ML_DTYPES)
            .with_search(Some(Search::new(Table::of(&[0.5, 1.0]), Metric::Mse)));
    let tensor = QuantTensor::quantize(&spec, &[448.0f32, 1.0], &[2]).unwrap();
    assert_eq!((tensor.scales(), tensor.dequantize()), (&[127][..], vec![448.0, 1.0]));
}

#[test]
fn contradicting_specs_are_refused() {
    let base = preset::ocp::MXFP4;
    let no_scale = BlockSpec::new(FormatSpec::F8E4M3, None, Extent::Tensor, ScaleRule::Unit);
    let (multiplier, nvfp4) = (TensorScale::Multiplier { target: 2688.0 }, preset::modelopt::NVFP4);
    let affine = layout::grouped(4, FormatSpec::F16);
    for spec in [
        no_scale,
        nvfp4,
        affine,
        nvfp4.with_rule(ScaleRule::Fixed(1.0)),
        nvfp4.with_rule(ScaleRule::Given),
    ] {
        assert_eq!(spec.validate(), Ok(()));
    }
    for spec in [
        base.with_extent(Extent::Block { rows: 0, cols: 4 }),
        base.with_extent(Extent::Flat(0)),
        base.with_offset(Offset::ZeroPoint),
        base.with_scale_bounds((2.0, 1.0)),
        base.with_scale_bounds((f32::NAN, 1.0)),
        base.with_flush_below(f32::NAN),
        base.with_divisors(Table::of(&[(3, f32::NAN)])),
        base.with_tensor_scale(TensorScale::Divisor { target: 6.0 }),
        base.with_round(Round::Stochastic { kind: Stochastic::A, bits: 40 }),
        base.with_rule(ScaleRule::Fixed(f32::NAN)),
        base.with_rule(ScaleRule::Fixed(-1.0)),
        base.with_rule(ScaleRule::Amax { target: 0.0, ratio: Ratio::Divide }),
        preset::torchao::NVFP4.with_tensor_scale(TensorScale::Multiplier { target: f32::INFINITY }),
        BlockSpec::new(
            FormatSpec::by_name("Binary12p1sf").unwrap(),
            Some(FormatSpec::E8M0),
            Extent::Row,
            ScaleRule::Floor,
        ),
        no_scale.with_rule(ScaleRule::Floor),
        no_scale.with_tensor_scale(multiplier),
        base.with_tensor_scale(multiplier),
        base.with_rule(ScaleRule::Even { mantissa_bits: 23 }),
        nvfp4.with_rule(ScaleRule::SignedMax { target: 6.0 }),
        preset::ocp::MXFP4.with_rule(ScaleRule::SignedMax { target: 6.0 }),
        base.with_scale_bounds((f32::INFINITY, f32::INFINITY)),
        nvfp4.with_rule(ScaleRule::Amax { target: 6.0, ratio: Ratio::Multiply }),
        nvfp4.with_division(Division::UnroundedReciprocal),
        preset::transformer_engine::NVFP4
            .with_rule(ScaleRule::Amax { target: 6.0, ratio: Ratio::Divide }),
        affine.with_rule(ScaleRule::Range { steps: 15.0, with_zero: false }),
        affine.with_element_rounding(ElementRounding::Microxcaling),
    ] {
        let error = QuantTensor::quantize(&spec, &[1.0f32], &[1]).unwrap_err();
        assert!(error.to_string().contains("expected"), "{error}");
    }
}
