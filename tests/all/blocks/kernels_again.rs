//! Kernels on tensors that are written to again, on several threads, and on quotients that vanish.

use super::inputs::Random;
use super::kernels::assert_reference;
use super::properties::same;
use subhalf::{Error, Quantizer, ScaleRule, preset};
#[cfg(feature = "rayon")]
use subhalf::{Exec, Extent};

#[test]
fn a_tensor_quantized_into_is_the_one_quantized_anew() {
    let mut random = Random::new(13);
    let (first, second) = (random.block(7 * 45), random.block(7 * 45));
    for preset in preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)) {
        let quantizer = Quantizer::new(&preset.spec);
        let mut tensor = quantizer.quantize(&first, &[7, 45]).unwrap();
        quantizer.quantize_into(&second, &mut tensor).unwrap();
        assert!(
            same(&tensor, &quantizer.quantize_reference(&second, &[7, 45]).unwrap()),
            "{}",
            preset.name
        );
    }
    let quantizer = Quantizer::new(&preset::ocp::MXFP4);
    let mut tensor = quantizer.quantize(&first, &[7, 45]).unwrap();
    let before = tensor.clone();
    assert_eq!(
        quantizer.quantize_into(&second[1..], &mut tensor).unwrap_err().to_string(),
        "elements: expected 315, found 314"
    );
    let other = Quantizer::new(&preset::ocp::MXFP8_E4M3).quantize_into(&second, &mut tensor);
    assert!(matches!(other, Err(Error::Scheme { .. })));
    assert_eq!(tensor, before);
}

#[cfg(feature = "rayon")]
#[test]
fn threads_and_kernels_change_nothing() {
    let mut random = Random::new(14);
    let x: Vec<f32> = (0..400).flat_map(|_| random.block(352)).collect();
    let names = [
        "ocp::MXFP4",
        "ocp::MXFP8_E5M2",
        "ocp::MXFP6_E3M2",
        "torchao::NVFP4",
        "generic::INT8_G32",
        "generic::FP8_E4M3_ROW",
    ];
    let others = [
        "generic::UINT4_G32",
        "generic::FP8_E4M3_128X128",
        "modelopt::NVFP4_16X16",
        "generic::FP8_E4M3_TENSOR",
    ];
    for name in names.into_iter().chain(others) {
        let spec = preset::by_name(name).unwrap().spec;
        let reference = Quantizer::new(&spec).quantize_reference(&x, &[400, 352]).unwrap();
        let mut numbers = vec![0.0f32; x.len()];
        reference.view().dequantize_into(&mut numbers, Exec::SERIAL).unwrap();
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let tensor = pool.install(|| Quantizer::new(&spec).quantize(&x, &[400, 352]).unwrap());
            assert!(same(&tensor, &reference), "{name} on {threads} threads");
            assert!(
                pool.install(|| tensor.dequantize())
                    .iter()
                    .zip(&numbers)
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }
}

/// Threads share the work of every extent, of few large blocks too, and of one long row: the same
/// bytes, whatever the number of threads, and of every statistic that a rule asks for.
#[cfg(feature = "rayon")]
#[test]
fn threads_share_every_extent() {
    let mut random = Random::new(30);
    // Enough for parts of one block: 4 · 2^16, and rows that are no whole number of blocks.
    let x: Vec<f32> = (0..300).flat_map(|_| random.block(1001)).collect();
    let extents = [
        Extent::Flat(64),
        Extent::Flat(4096),
        Extent::Tensor,
        Extent::Row,
        Extent::Column,
        Extent::Block { rows: 300, cols: 7 },
        Extent::Block { rows: 1, cols: 32 },
    ];
    let names = [
        "ocp::MXFP4",
        "generic::INT8_ASYM_TENSOR",
        "ggml::Q5_0",
        "ggml::Q4_1",
        "bitsandbytes::NF4",
        "fouroversix::NVFP4_MSE",
        "microxcaling::MXFP6_E2M3_EVEN",
    ];
    let pools: Vec<_> = [2, 5]
        .map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
        .into();
    for (name, extent) in names.into_iter().flat_map(|name| extents.map(|extent| (name, extent))) {
        let spec = preset::by_name(name).unwrap().spec.with_extent(extent);
        for shape in [[300, 1001], [1, 300 * 1001], [300 * 1001, 1]] {
            let quantizer = Quantizer::new(&spec);
            let serial = quantizer.exec(Exec::SERIAL).quantize(&x, &shape).unwrap();
            let mut numbers = vec![0.0f32; x.len()];
            serial.view().dequantize_into(&mut numbers, Exec::SERIAL).unwrap();
            for pool in &pools {
                let what = format!("{name} {extent:?} {shape:?}");
                let tensor = pool.install(|| quantizer.quantize(&x, &shape).unwrap());
                assert!(same(&tensor, &serial), "{what}");
                let back = pool.install(|| tensor.dequantize());
                assert!(
                    back.iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{what}"
                );
            }
        }
    }
}

/// Shapes and schemes at the edges of how threads share the work, held against the definition: a
/// last row of tiles with a single row, one long row with and without kernels, of f64s too, parts
/// of rows with words of their own, tiles of several rows in a tensor of one.
#[cfg(feature = "rayon")]
#[test]
fn what_threads_cut_is_the_definition() {
    let mut random = Random::new(31);
    let x: Vec<f32> = (0..140).flat_map(|_| random.block(2048)).collect();
    let doubles: Vec<f64> = x[..70_000].iter().map(|x| f64::from(*x) * 1.1).collect();
    let of = |name: &str| preset::by_name(name).unwrap().spec;
    let tiles = of("generic::FP8_E4M3_128X128");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let tall = tiles.with_extent(Extent::Block { rows: 2, cols: 128 });
    let cases = [
        (tiles, [129, 2048]),
        (tall, [3, 80_000]),
        (tiles, [1, 70_000]),
        (of("ocp::MXFP4"), [1, 70_000]),
        (of("bitsandbytes::NF4"), [35, 2000]),
        (of("transformer_engine::NVFP4_4OVER6_MSE"), [1, 70_000]),
    ];
    for (spec, shape) in cases {
        let numbers = &x[..shape[0] * shape[1]];
        let quantizer = Quantizer::new(&spec);
        let reference = quantizer.exec(Exec::SERIAL).quantize_reference(numbers, &shape).unwrap();
        let tensors = pool.install(|| {
            [quantizer.quantize(numbers, &shape), quantizer.quantize_reference(numbers, &shape)]
        });
        for tensor in tensors {
            assert!(same(&tensor.unwrap(), &reference), "{shape:?} {spec:?}");
        }
    }
    for name in ["torchao::NVFP4", "bitsandbytes::NF4", "ggml::Q4_0", "generic::INT8_G32"] {
        let spec = of(name);
        let quantizer = Quantizer::new(&spec);
        let tensor = pool.install(|| quantizer.quantize(&doubles, &[70_000]).unwrap());
        let reference =
            quantizer.exec(Exec::SERIAL).quantize_reference(&doubles, &[70_000]).unwrap();
        assert!(same(&tensor, &reference), "{name}");
    }
    // Rows of a larger tensor, whose words go on elsewhere: maxima are the rows' own.
    let spec = of("torchao::NVFP4");
    for shape in [[4, 4096], [9, 2064], [5, 1024]] {
        let numbers = &x[..shape[0] * shape[1]];
        let quantizer = Quantizer::new(&spec).row_length(shape[1] + 16).exec(Exec::SERIAL);
        let reference = quantizer.quantize_reference(numbers, &shape).unwrap();
        assert!(same(&quantizer.quantize(numbers, &shape).unwrap(), &reference), "{shape:?}");
    }
}

/// Numbers of blocks so large that quotients of others are as small as numbers get: their codes
/// have the sign that the reference gives zeros.
#[test]
fn quotients_that_are_rounded_to_zero_have_the_references_sign() {
    let schemes =
        [preset::modelopt::NVFP4, preset::compressed_tensors::NVFP4, preset::torchao::NVFP4];
    let mut random = Random::new(7);
    for exponent in 0..60 {
        let largest = 1.37 * 2.0f32.powi(exponent);
        // What is 2^-150 of a sixth of it, in the smallest f32s.
        let edge = (f64::from(largest) / 12.0) as u64;
        let mut x = [largest; 256];
        for (index, x) in x.iter_mut().enumerate().filter(|(index, _)| index % 16 > 0) {
            let units = edge / 2 + random.word() % (edge + 2);
            let tiny = units as f64 * 2.0f64.powi(-149);
            *x = if index % 3 == 0 { tiny as f32 } else { -tiny as f32 };
        }
        for spec in &schemes {
            assert_reference(&format!("2^{exponent}"), spec, &x, &[4, 64]);
        }
    }
}
