//! Quantizes by every call, and compares with `quantize_reference`; dequantizes, and compares with
//! the numbers one by one.
#![no_main]

use bytemuck::Pod;
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;
use subhalf::{BlockSpec, Error, Exec, PartsMut, QuantTensor, Quantizer, Real, Source, Unpacked};
use subhalf_fuzz::{
    Choices, Share, assert_one_line, block_numbers, dither, exec, quantizer_parts, scheme,
};

static SHARE: Share = Share::new();

/// Every part and the bits of the tensor scale.
fn same(
    found: &QuantTensor,
    expected: &QuantTensor,
    call: &str,
    quantizer: &Quantizer<'_>,
    shape: &[usize],
) {
    for (what, of) in [
        ("codes", QuantTensor::codes as fn(&QuantTensor) -> &[u8]),
        ("scales", QuantTensor::scales),
        ("offsets", QuantTensor::offsets),
    ] {
        let (x, y) = (of(found), of(expected));
        let place = x.iter().zip(y).position(|(x, y)| x != y);
        if let Some(place) = place {
            let (x, y) = (x[place], y[place]);
            panic!(
                "{call}: byte {place} of {what} is {x:#x}, expected {y:#x}; {shape:?} {quantizer:?}"
            );
        }
        assert_eq!(x.len(), y.len());
    }
    let scales = [found.tensor_scale(), expected.tensor_scale()].map(f32::to_bits);
    assert_eq!(scales[0], scales[1], "{call}: tensor scale; {quantizer:?}");
}

/// Numbers that come back, by kernels of three types of numbers and by the definition.
fn restored<D: Real + Pod + Debug>(tensor: &QuantTensor, exec: Exec) {
    let view = tensor.view();
    let mut found = vec![D::nearest(Unpacked::ONE); view.len()];
    view.dequantize_into(&mut found, exec).expect("as many");
    for (i, x) in found.iter().enumerate() {
        let number = view.get(i).expect("an element");
        let expected = D::nearest(Unpacked::from_f32(number));
        let same = bytemuck::bytes_of(x) == bytemuck::bytes_of(&expected);
        assert!(same, "{i}: {x:?} in place of {expected:?} ({number:e}); {:?}", tensor.spec());
    }
}

fn check<T: Source>(
    choices: &mut Choices<'_>,
    quantizer: Quantizer<'_>,
    x: &[T],
    shape: &[usize],
) -> Result<(), Error> {
    let exec = exec(choices);
    let reference = quantizer.exec(Exec::SERIAL).quantize_reference(x, shape);
    let quantizer = quantizer.exec(exec);
    let found = quantizer.quantize(x, shape);
    let reference = match (reference, &found) {
        (Ok(reference), Ok(found)) => {
            same(found, &reference, "quantize", &quantizer, shape);
            reference
        }
        (Err(error), Err(found)) => {
            assert_eq!(error, *found);
            return Err(error);
        }
        (reference, found) => panic!("{reference:?} {found:?} {quantizer:?}"),
    };
    match choices.below(6) {
        0 => {
            // Over a tensor of other numbers.
            let zeros = vec![0f32; x.len()];
            if let Ok(mut tensor) = quantizer.quantize(&zeros, shape) {
                quantizer.quantize_into(x, &mut tensor)?;
                same(&tensor, &reference, "quantize_into", &quantizer, shape);
            }
        }
        1 => {
            let buffer = |bytes: &[u8]| vec![0xEEu8; bytes.len()];
            let (mut codes, mut scales, mut offsets) = (
                buffer(reference.codes()),
                buffer(reference.scales()),
                buffer(reference.offsets()),
            );
            let parts = PartsMut::new(&mut codes, &mut scales).with_offsets(&mut offsets);
            let tensor_scale = quantizer.quantize_to(x, shape, parts)?;
            let expected = [reference.codes(), reference.scales(), reference.offsets()];
            assert_eq!([&*codes, &*scales, &*offsets], expected, "quantize_to; {quantizer:?}");
            assert_eq!(tensor_scale.to_bits(), reference.tensor_scale().to_bits());
        }
        2 => {
            let mut found = vec![0.5f32; x.len()];
            quantizer.fake_quantize(x, shape, &mut found)?;
            let place = found
                .iter()
                .zip(reference.dequantize())
                .position(|(x, y)| x.to_bits() != y.to_bits());
            assert_eq!(place, None, "fake_quantize; {quantizer:?}");
        }
        3 => restored::<f64>(&reference, exec),
        4 => restored::<half::bf16>(&reference, exec),
        _ => restored::<f32>(&reference, exec),
    }
    Ok(())
}

fn run(choices: &mut Choices<'_>) -> Result<(), Error> {
    let spec = scheme(choices, true)?;
    spec.validate()?;
    let cols = match choices.below(6) {
        0 => choices.below(8),
        1 => 128 + choices.below(140),
        _ => 1 + choices.below(100),
    };
    let rows = 1 + choices.below(5);
    let shape = match choices.below(6) {
        0 => vec![rows * cols],
        1 => vec![2, rows, cols],
        _ => vec![rows, cols],
    };
    let x = block_numbers(choices, shape.iter().product());
    let blocks = |spec: &BlockSpec| {
        let unit = spec.with_rule(subhalf::ScaleRule::Fixed(1.0));
        Quantizer::new(&unit).quantize(&x, &shape).map(|tensor| tensor.view().blocks())
    };
    let given = quantizer_parts(choices, &spec, blocks(&spec).unwrap_or(1));
    let mut quantizer = Quantizer::new(&spec).dither(dither(choices));
    if !given.scales.is_empty() {
        quantizer = quantizer.scales(&given.scales, &given.offsets);
    }
    if !given.factors.is_empty() {
        quantizer = quantizer.search_factors(&given.factors);
    }
    if let Some(tensor_scale) = given.tensor_scale {
        quantizer = quantizer.tensor_scale(tensor_scale);
    }
    if choices.one_in(8) {
        quantizer = quantizer.row_length(cols + choices.below(100));
    }
    match choices.below(10) {
        0..=4 => check(choices, quantizer, &x, &shape),
        5 | 6 => {
            let mut shift = choices.u64();
            let wide = |x: &f32| {
                shift = shift.rotate_left(7).wrapping_add(0x5B);
                let x = f64::from(*x);
                match shift % 8 {
                    0 => x.next_up(),
                    1 => x.next_down(),
                    2 => x * 1e30,
                    3 => x * 1e-30,
                    _ => x,
                }
            };
            let x: Vec<f64> = x.iter().map(wide).collect();
            check(choices, quantizer, &x, &shape)
        }
        7 => {
            let x: Vec<half::f16> = x.iter().map(|x| half::f16::from_f32(*x)).collect();
            check(choices, quantizer, &x, &shape)
        }
        8 => {
            let x: Vec<half::bf16> = x.iter().map(|x| half::bf16::from_f32(*x)).collect();
            check(choices, quantizer, &x, &shape)
        }
        _ => {
            let x: Vec<i16> = x.iter().map(|x| (x.to_bits() >> 8) as i16).collect();
            check(choices, quantizer, &x, &shape)
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let result = run(&mut Choices::new(data));
    if let Err(error) = &result {
        assert_one_line(error);
    }
    SHARE.count(result.is_ok());
});
