//! What is not ordinary: nothing to add up, NaN, infinities, ends of ranges, and what is refused.

use subhalf::{
    Accumulator, Chain, Dither, Error, Exec, Extent, FormatSpec, IntegerOverflow, Isa, Matmul,
    Operand, PackedMatrix, Parts, QuantTensor, Quantizer, Round, ScaleRule, Stochastic, Workspace,
    dot, gemv, matmul, matmul_into, preset, reference_matmul,
};

pub(super) fn all() -> Vec<Accumulator> {
    vec![
        Accumulator::F32,
        Accumulator::BlockF32,
        Accumulator::F64,
        Accumulator::Exact,
        Accumulator::rounded(FormatSpec::F16, Round::NearestEven),
        Accumulator::chunked(16, Chain::F32, Chain::F32),
    ]
}

/// MXFP4 or MXFP8 of these codes and scales, one block of 32 a row.
fn mx(element: FormatSpec, codes: &[u8], scales: &[u8]) -> QuantTensor {
    let spec = if element.bits() == 4 { preset::ocp::MXFP4 } else { preset::ocp::MXFP8_E4M3 };
    QuantTensor::from_parts(&spec, &[scales.len(), 32], Parts::new(codes, scales)).unwrap()
}

#[test]
fn no_products_are_plus_zero_and_what_is_added() {
    let (a, b) =
        (QuantTensor::quantize(&preset::ocp::MXFP4, &[0f32; 0], &[2, 0]).unwrap(), [0f32; 0]);
    let b = Operand::numbers(&b, &[3, 0]).unwrap();
    for accumulator in all() {
        let product = Matmul::new().accumulator(accumulator).multiply(&a, b).unwrap();
        assert!(product.iter().all(|x| x.to_bits() == 0) && product.len() == 6, "{accumulator:?}");
        let product = Matmul::new()
            .accumulator(accumulator)
            .bias(&[1.0, -0.0, f32::NAN])
            .multiply(&a, b)
            .unwrap();
        assert_eq!(
            product.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            [0x3F80_0000, 0, 0x7FC0_0000].repeat(2),
            "{accumulator:?}"
        );
    }
    for shape in [[0, 5], [4, 0]] {
        let none = Operand::numbers::<f32>(&[], &shape).unwrap();
        let other = vec![1.0f32; 3 * shape[1]];
        let other = Operand::numbers(&other, &[3, shape[1]]).unwrap();
        assert_eq!(matmul(none, other).unwrap().len(), 3 * shape[0]);
        assert_eq!(matmul(other, none).unwrap().len(), 3 * shape[0]);
    }
    for accumulator in all() {
        let packed = PackedMatrix::new(b).unwrap();
        assert_eq!(Matmul::new().accumulator(accumulator).multiply(&a, &packed).unwrap(), [0.0; 6]);
    }
    let many = PackedMatrix::new(Operand::numbers::<f32>(&[], &[1 << 55, 0]).unwrap()).unwrap();
    assert_eq!(many.shape(), [1, 1 << 55, 0]);
}

#[test]
fn both_ends_of_the_range_of_scales() {
    let one = |scale| mx(FormatSpec::F4E2M1, &[0x22; 16], &[scale]);
    for (a, b, expected) in [
        // 32 · 2^-254 is below every f32; 32 · 2^254 above.
        (0, 0, 0.0),
        (254, 254, f32::INFINITY),
        (254, 0, 32.0),
        (0, 254, 32.0),
        // 2^-149 = 32 · 2^-154, and half of it: a tie that goes to zero.
        (0, 100, 2f32.powi(-149)),
        (0, 99, 0.0),
        (254, 123, f32::INFINITY),
        (254, 122, 2f32.powi(127)),
    ] {
        let product =
            Matmul::new().accumulator(Accumulator::BlockF32).multiply(&one(a), &one(b)).unwrap();
        assert_eq!(product, [expected], "{a} {b}");
        let exact =
            Matmul::new().accumulator(Accumulator::Exact).multiply(&one(a), &one(b)).unwrap();
        assert_eq!(exact, [expected], "{a} {b}");
    }
    // The chain over numbers has overflowed or vanished long before.
    assert_eq!(
        Matmul::new().accumulator(Accumulator::F32).multiply(&one(0), &one(100)).unwrap(),
        [0.0]
    );
}

#[test]
fn nan_scales_poison_their_row_whatever_the_elements() {
    let mut codes = [0u8; 32];
    codes[16..].fill(0x22);
    let (a, b) =
        (mx(FormatSpec::F4E2M1, &codes, &[255, 127]), mx(FormatSpec::F4E2M1, &codes, &[127, 127]));
    for accumulator in all() {
        let bits: Vec<u32> = Matmul::new()
            .accumulator(accumulator)
            .multiply(&a, &b)
            .unwrap()
            .iter()
            .map(|x| x.to_bits())
            .collect();
        assert_eq!(bits, [0x7FC0_0000, 0x7FC0_0000, 0, 0x4200_0000], "{accumulator:?}");
    }
}

#[test]
fn infinities_and_nan_of_elements() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for (x, y, expected) in [
        ([inf, 1.0], [1.0, 1.0], inf),
        ([inf, 1.0], [0.0, 1.0], nan),
        ([inf, 1.0], [1.0, -inf], nan),
        ([-inf, 1.0], [2.0, -inf], -inf),
        ([nan, 1.0], [0.0, 1.0], nan),
    ] {
        for accumulator in all() {
            let (a, b) =
                (Operand::numbers(&x, &[1, 2]).unwrap(), Operand::numbers(&y, &[1, 2]).unwrap());
            let found = Matmul::new().accumulator(accumulator).multiply(a, b).unwrap()[0];
            let expected = if expected.is_nan() { 0x7FC0_0000 } else { expected.to_bits() };
            assert_eq!(found.to_bits(), expected, "{accumulator:?} {x:?} {y:?}");
        }
    }
}

#[test]
fn only_wide_sums_hold_the_largest_products() {
    let (x, y) = ([f32::MAX; 2], [f32::MAX, -f32::MAX]);
    let (a, b) = (Operand::numbers(&x, &[1, 2]).unwrap(), Operand::numbers(&y, &[1, 2]).unwrap());
    for accumulator in all() {
        let wide = matches!(accumulator, Accumulator::F64 | Accumulator::Exact);
        let found = Matmul::new().accumulator(accumulator).multiply(a, b).unwrap();
        assert_eq!(found, [if wide { 0.0 } else { f32::INFINITY }], "{accumulator:?}");
    }
}

#[test]
fn outputs_are_rounded_once() {
    // 1 + 2^-11 + 2^-30: to f32 first it would be a tie of FP16.
    let (x, y) = ([1.0f32, 2f32.powi(-11), 2f32.powi(-30)], [1.0f32; 3]);
    let (a, b) = (Operand::numbers(&x, &[1, 3]).unwrap(), Operand::numbers(&y, &[1, 3]).unwrap());
    let mut double = [0f64];
    for accumulator in [Accumulator::Exact, Accumulator::F64] {
        Matmul::new().accumulator(accumulator).multiply_into(a, b, &mut double).unwrap();
        assert_eq!(double, [1.0 + 2f64.powi(-11) + 2f64.powi(-30)]);
        #[cfg(feature = "half")]
        {
            let mut half = [half::f16::ZERO];
            Matmul::new().accumulator(accumulator).multiply_into(a, b, &mut half).unwrap();
            assert_eq!(half[0].to_bits(), 0x3C01);
        }
    }
    matmul_into(a, b, &mut double).unwrap();
    assert_eq!(double, [1.0 + 2f64.powi(-11)]);
    // What is added is part of the exact sum: 2^60 takes 1 away with it only in f32.
    let (addend, bias) = ([2f32.powi(60)], [-(2f32.powi(60))]);
    let matmul = Matmul::new().addend(&addend).bias(&bias);
    assert_eq!(matmul.accumulator(Accumulator::F32).multiply(a, b).unwrap(), [0.0]);
    assert_eq!(
        matmul.accumulator(Accumulator::Exact).multiply(a, b).unwrap(),
        [1.0 + 2f32.powi(-11)]
    );
}

#[test]
fn integers_without_scales_come_out_whole() {
    let (a, b) = (vec![0x80u8; 5000], vec![0x7Fu8; 5000]);
    let format = FormatSpec::INT8;
    let (a, b) = (
        Operand::codes(&format, &a, &[1, 5000]).unwrap(),
        Operand::codes(&format, &b, &[1, 5000]).unwrap(),
    );
    let mut sum = [0f64];
    Matmul::new().accumulator(Accumulator::I32).multiply_into(a, b, &mut sum).unwrap();
    assert_eq!(sum, [-128.0 * 127.0 * 5000.0]);
    let saturated = Accumulator::integer(24, IntegerOverflow::Saturate);
    Matmul::new().accumulator(saturated).multiply_into(a, b, &mut sum).unwrap();
    assert_eq!(sum, [-8_388_608.0]);
}

#[test]
fn dot_and_gemv_are_thin_products() {
    let x: Vec<f32> = (0..64).map(|i| i as f32 - 31.0).collect();
    let weight = QuantTensor::quantize(&preset::torchao::NVFP4, &x, &[2, 32]).unwrap();
    let row = Operand::numbers(&x[..32], &[32]).unwrap();
    let product = matmul(row, &weight).unwrap();
    assert_eq!(gemv(&weight, &x[..32]).unwrap(), product);
    let first = weight.view().rows(0..1).unwrap();
    assert_eq!(dot(row, first).unwrap(), product[0]);
    assert_eq!(
        dot(row, &weight).unwrap_err().to_string(),
        "rows of a dot product's B: expected 1, found 2"
    );
}

#[test]
fn a_product_of_an_operand_yet_to_be_quantized_is_that_of_the_tensor() {
    let x: Vec<f32> = (0..5 * 48).map(|i| (i as f32 * 0.37).sin()).collect();
    let spec =
        preset::modelopt::NVFP4.with_round(Round::Stochastic { kind: Stochastic::A, bits: 8 });
    let quantizer = Quantizer::new(&spec).dither(Dither::new(3));
    let tensor = quantizer.quantize(&x, &[5, 48]).unwrap();
    let fused = Operand::quantized(&quantizer, &x, &[5, 48]).unwrap();
    assert_eq!(matmul(fused, &tensor).unwrap(), matmul(&tensor, &tensor).unwrap());
    assert_eq!(
        matmul(&tensor, &PackedMatrix::new(fused).unwrap()).unwrap(),
        matmul(&tensor, &tensor).unwrap()
    );
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    // Nothing by nothing, more than a memory holds.
    let (a, b) = (
        Operand::numbers::<f32>(&[], &[1 << 30, 0]).unwrap(),
        Operand::numbers::<f32>(&[], &[1 << 29, 0]).unwrap(),
    );
    assert_eq!(matmul(a, b), Err(Error::TooLarge));
    let numbers = [0f32; 12];
    let a = Operand::numbers(&numbers, &[3, 4]).unwrap();
    let b = Operand::numbers(&numbers, &[4, 3]).unwrap();
    let refuse = |matmul: &Matmul<'_>, a: Operand<'_>, b: Operand<'_>| {
        let error = matmul.multiply(a, b).unwrap_err();
        let mut out = [0f32; 9];
        assert_eq!(reference_matmul(matmul, a, b, &mut out).unwrap_err(), error);
        error.to_string()
    };
    let plain = Matmul::new();
    assert_eq!(refuse(&plain, a, b), "columns of B (K): expected 4, found 3");
    assert_eq!(
        Operand::numbers(&numbers, &[3, 5]).unwrap_err().to_string(),
        "elements of an operand: expected 15, found 12"
    );
    assert_eq!(Operand::numbers(&numbers, &[usize::MAX, 3, 2]).unwrap_err(), Error::TooLarge);
    assert_eq!(
        Operand::codes(&FormatSpec::F16, &[0u8; 4], &[4]).unwrap_err().to_string(),
        "code type: expected at least 16 bits for F16, found 8"
    );
    let (three, two) = (
        Operand::numbers(&numbers, &[3, 2, 2]).unwrap(),
        Operand::numbers(&numbers[..8], &[2, 2, 2]).unwrap(),
    );
    assert_eq!(refuse(&plain, three, two), "matrices of B: expected 3, found 2");
    let huge = Operand::numbers::<f32>(&[], &[1 << 40, 0]).unwrap();
    assert_eq!(plain.multiply(huge, huge).unwrap_err(), Error::TooLarge);
    assert_eq!(
        matmul_into(a, a, &mut [0f32; 8]).unwrap_err().to_string(),
        "elements of the product: expected 9, found 8"
    );
    assert_eq!(refuse(&plain.addend(&[0.0]), a, a), "elements of the addend: expected 9, found 1");
    assert_eq!(refuse(&plain.bias(&[0.0; 4]), a, a), "elements of the bias: expected 3, found 4");

    let with = |accumulator| plain.accumulator(accumulator);
    let integer = Accumulator::integer(1, IntegerOverflow::Wrap);
    assert_eq!(
        refuse(&with(integer), a, a),
        "format specification: bits of an integer sum: expected 2..=53, found 1"
    );
    assert_eq!(
        refuse(&with(Accumulator::I32), a, a),
        "operand of an integer sum: expected integer elements of at most 16 bits"
    );
    assert_eq!(
        refuse(&with(Accumulator::rounded(FormatSpec::E8M0, Round::NearestEven)), a, a),
        "format of the sum: expected a sign and a zero"
    );
    let stochastic =
        |bits| Chain::rounded(FormatSpec::F16, Round::Stochastic { kind: Stochastic::A, bits });
    assert_eq!(
        refuse(&with(Accumulator::chain(stochastic(40))), a, a),
        "stochastic rounding: expected 1..=32 random bits, found 40"
    );
    let chunked = |k, inner, outer| with(Accumulator::chunked(k, inner, outer));
    assert_eq!(
        refuse(&chunked(0, Chain::F32, Chain::F32), a, a),
        "chunked accumulator: expected chunks of at least one product"
    );
    assert_eq!(
        refuse(&chunked(4, stochastic(8), stochastic(8)), a, a),
        "chunked accumulator: expected one stochastic rounding at most"
    );

    let wide = FormatSpec::by_name("Binary16p1sf").unwrap();
    let codes = [0u16; 12];
    let wide = Operand::codes(&wide, &codes, &[3, 4]).unwrap();
    assert_eq!(
        refuse(&with(Accumulator::Exact), wide, a),
        "format of an exact sum: expected numbers that are f32s"
    );
    assert!(plain.multiply(wide, a).is_ok());

    let minimum = QuantTensor::quantize(&preset::ggml::Q4_1, &numbers, &[3, 4]).unwrap();
    assert_eq!(
        refuse(&plain, a, (&minimum).into()),
        "operand of a block-wise sum: expected elements without a minimum; F32 takes them"
    );
    assert!(with(Accumulator::F32).multiply(a, &minimum).is_ok());
    let flat = preset::ocp::MXFP4.with_extent(Extent::Flat(3)).with_rule(ScaleRule::Floor);
    let flat = QuantTensor::quantize(&flat, &numbers, &[3, 4]).unwrap();
    assert_eq!(
        refuse(&plain, a, (&flat).into()),
        "operand of a block-wise sum: expected flat blocks that divide a row or are whole rows; F32 takes them"
    );
    let given = preset::ocp::MXFP4.with_rule(ScaleRule::Given);
    let quantizer = Quantizer::new(&given).exec(Exec::SERIAL);
    let error = matmul(Operand::quantized(&quantizer, &numbers, &[3, 4]).unwrap(), a).unwrap_err();
    assert_eq!(error.to_string(), "quantization with the rule Given: expected scales");
}

/// Flat blocks that end elsewhere in every row, and tiles of many rows and columns.
#[test]
fn blocks_of_any_extent_take_part_in_chains() {
    let x: Vec<f32> = (0..7 * 45).map(|i| ((i * 29 % 83) as f32 - 40.0) / 7.0).collect();
    for extent in [
        Extent::Flat(32),
        Extent::Flat(90),
        Extent::Column,
        Extent::Tensor,
        Extent::Block { rows: 3, cols: 20 },
        Extent::Row,
    ] {
        let tensor =
            QuantTensor::quantize(&preset::ocp::MXFP4.with_extent(extent), &x, &[7, 45]).unwrap();
        let values = tensor.dequantize();
        let numbers = Operand::numbers(&values, &[7, 45]).unwrap();
        let sum = Matmul::new().accumulator(Accumulator::F32);
        let expected = sum.multiply(numbers, numbers).unwrap();
        assert_eq!(sum.multiply(&tensor, &tensor).unwrap(), expected, "{extent:?}");
        assert_eq!(
            sum.multiply(&tensor, &PackedMatrix::new(&tensor).unwrap()).unwrap(),
            expected,
            "{extent:?}"
        );
        if !matches!(extent, Extent::Flat(32)) {
            let mut definition = vec![0f32; 49];
            reference_matmul(&Matmul::new(), &tensor, &tensor, &mut definition).unwrap();
            assert_eq!(
                matmul(&tensor, &PackedMatrix::new(&tensor).unwrap()).unwrap(),
                definition,
                "{extent:?}"
            );
        }
    }
}

/// A stack under a tensor scale for each matrix takes part with flat blocks, which reach over
/// matrices, and with a packed batch: each matrix of the product is that of the matrices alone.
#[test]
fn flat_and_packed_batches_go_with_tensor_scales_of_matrices() {
    let (batch, m, n, k) = (3, 2, 5, 32);
    let x: Vec<f32> = (0..batch * n * k).map(|i| ((i * 37 % 101) as f32 - 50.0) / 40.0).collect();
    let nvfp4 = preset::torchao::NVFP4;
    let each: Vec<QuantTensor> = (0..batch)
        .map(|i| {
            let scale = [1.0, 16.0, 0.25][i];
            let x: Vec<f32> = x[i * n * k..][..n * k].iter().map(|x| x * scale).collect();
            QuantTensor::quantize(&nvfp4, &x, &[n, k]).unwrap()
        })
        .collect();
    let views: Vec<_> = each.iter().map(QuantTensor::view).collect();
    let stack = QuantTensor::stack(&views).unwrap();
    assert_eq!(stack.tensor_scales().len(), batch);
    let a = &x[..batch * m * k];
    let of = |extent| {
        let spec = preset::ocp::MXFP8_E4M3.with_extent(extent);
        QuantTensor::quantize(&spec, a, &[batch, m, k]).unwrap()
    };
    // Blocks within rows are the same blocks, flat or not; blocks of two matrices are not.
    let rows = of(Extent::Block { rows: 1, cols: 16 });
    let (flat, long) = (of(Extent::Flat(16)), of(Extent::Flat(48)));
    assert_eq!(flat.scales(), rows.scales());
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
    let packed = PackedMatrix::new(&flat).unwrap();
    for isa in Isa::available() {
        for accumulator in [Accumulator::BlockF32, Accumulator::F32, Accumulator::Exact] {
            let by = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL.with_isa(isa));
            let by = by.bias(&x[..n]);
            let mut expected = Vec::new();
            for (i, b) in each.iter().enumerate() {
                let a = rows.view().matrix(i).unwrap();
                expected.extend(by.multiply(a, b).unwrap());
            }
            let found = by.multiply(&flat, &stack).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{accumulator:?}");
            assert_eq!(bits(&by.multiply(&packed, &stack).unwrap()), bits(&expected));
            // And on the other side.
            let by = by.bias(&x[..m]);
            let turned = by.multiply(&stack, &flat).unwrap();
            assert_eq!(bits(&by.multiply(&stack, &packed).unwrap()), bits(&turned));
            let mut definition = vec![0f32; turned.len()];
            reference_matmul(&by, &stack, &flat, &mut definition).unwrap();
            assert_eq!(bits(&turned), bits(&definition));
            if accumulator == Accumulator::BlockF32 {
                continue;
            }
            // Numbers of blocks that reach over matrices.
            let by = Matmul::new().accumulator(accumulator);
            let numbers = long.dequantize();
            let numbers = Operand::numbers(&numbers, &[batch, m, k]).unwrap();
            let expected = by.multiply(numbers, &stack).unwrap();
            assert_eq!(bits(&by.multiply(&long, &stack).unwrap()), bits(&expected));
        }
    }
}

/// Nothing of a product is left in a workspace for one of another kind.
#[test]
fn a_workspace_forgets_what_the_last_product_was_of() {
    let (m, n, k) = (3, 37, 64);
    let x: Vec<f32> = (0..n * k).map(|i| ((i * 37 % 101) as f32 - 30.0) / 40.0).collect();
    let quantized = |name: &str| {
        QuantTensor::quantize(&preset::by_name(name).unwrap().spec, &x, &[n, k]).unwrap()
    };
    let tensors = ["generic::UINT4_G32", "torchao::NVFP4", "ggml::Q8_0", "ocp::MXFP6_E2M3"];
    let tensors = tensors.map(quantized);
    let codes: Vec<u8> = (0..n * k).map(|i| (i % 11) as u8).collect();
    let all: Vec<Operand<'_>> = [
        Operand::numbers(&x, &[n, k]).unwrap(),
        Operand::codes(&FormatSpec::F4E2M1, &codes, &[n, k]).unwrap(),
        Operand::codes(&FormatSpec::INT8, &codes, &[n, k]).unwrap(),
    ]
    .into_iter()
    .chain(tensors.iter().map(Operand::from))
    .collect();
    let a = Operand::numbers(&x[..m * k], &[m, k]).unwrap();
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
    for accumulator in all_but_blocks() {
        let by = Matmul::new().accumulator(accumulator).exec(Exec::SERIAL);
        for (before, b) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
            let (mut workspace, mut found) = (Workspace::new(), vec![0f32; m * n]);
            by.multiply_with(a, before, &mut found, &mut workspace).unwrap();
            by.multiply_with(a, b, &mut found, &mut workspace).unwrap();
            let expected = by.multiply(a, b).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{accumulator:?}: {before:?}, then {b:?}");
        }
    }
}

fn all_but_blocks() -> impl Iterator<Item = Accumulator> {
    all().into_iter().filter(|accumulator| *accumulator != Accumulator::BlockF32)
}
