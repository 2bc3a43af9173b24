//! Products at the edges of what kernels are chosen for, against `reference_matmul`.

use super::edges::all;
use super::inputs::Random;
use subhalf::{
    Accumulator, BlockSpec, Chain, Dither, Encoding, Exec, Extent, FloatSpec, FormatSpec, IntSpec,
    Isa, Matmul, Operand, PackedMatrix, Parts, QuantTensor, Round, ScaleRule, Stochastic, preset,
    reference_matmul,
};

/// Short sums of any codes in formats whose products have few enough bits to be rounded by way of
/// f32, and in some that have not: ties, cancellation, the subnormal end and infinities are all
/// among them.
#[test]
fn sums_in_few_bits_are_rounded_as_if_once() {
    use FormatSpec as F;
    let mut random = Random(31);
    let sides =
        [F::F8E5M2, F::F8E4M3, F::F8E3M4, F::F4E2M1, F::F6E2M3, F::F8E5M2FNUZ, F::UE4M3, F::HIF8];
    let (m, n, k) = (9, 19, 40);
    for (a, b) in sides.iter().flat_map(|a| sides.iter().map(move |b| (a, b))) {
        let mut codes = |count: usize, spec: &FormatSpec| -> Vec<u8> {
            // Mostly near the top or the bottom of the range, so that sums meet far products,
            // overflow and vanish.
            let (top, narrow) = (spec.max_code() as usize & 0x7F, random.below(2) == 0);
            let code = |random: &mut Random| {
                let any = random.below(1 << spec.bits());
                if narrow {
                    top.saturating_sub(random.below(4)) | any & (1 << (spec.bits() - 1))
                } else {
                    any
                }
            };
            (0..count).map(|_| code(&mut random) as u8).collect()
        };
        for _ in 0..4 {
            let (x, y) = (codes(m * k, a), codes(n * k, b));
            let (left, right) =
                (Operand::codes(a, &x, &[m, k]).unwrap(), Operand::codes(b, &y, &[n, k]).unwrap());
            for (format, round) in
                [F::F16, F::BF16, F::TF32, F::E8M13].into_iter().flat_map(|format| {
                    [Round::NearestEven, Round::TowardZero].map(move |round| (format, round))
                })
            {
                let inner = Chain::rounded(format, round);
                let rounded = Accumulator::chain(inner);
                for accumulator in [rounded, Accumulator::chunked(16, inner, Chain::F32)] {
                    let matmul = Matmul::new().accumulator(accumulator);
                    let mut expected = vec![0f32; m * n];
                    reference_matmul(&matmul, left, right, &mut expected).unwrap();
                    let expected: Vec<u32> = expected.iter().map(|x| x.to_bits()).collect();
                    for isa in Isa::available() {
                        let found =
                            matmul.exec(Exec::SERIAL.with_isa(isa)).multiply(left, right).unwrap();
                        let found: Vec<u32> = found.iter().map(|x| x.to_bits()).collect();
                        assert_eq!(
                            found,
                            expected,
                            "{a} x {b} in {format} {round:?} {}",
                            isa.name()
                        );
                    }
                }
            }
        }
    }
}

/// Products of the scales alone would be beyond f32, those of the elements' units too would not:
/// one row and many, packed and not, have the same bits.
#[test]
fn scales_whose_products_need_the_units_of_the_elements() {
    let mut random = Random(77);
    for (spec, scale) in [preset::ocp::MXFP4, preset::ocp::MXFP6_E2M3, preset::ocp::MXINT8]
        .into_iter()
        .flat_map(|spec| [(spec, [188, 194]), (spec, [60, 66]), (spec, [120, 134])])
    {
        let (k, n) = (64, 33);
        for m in [1, 2, 17] {
            let mut side = |rows: usize| {
                let numbers: Vec<f32> =
                    (0..rows * k).map(|_| random.below(7) as f32 - 3.0).collect();
                let tensor = QuantTensor::quantize(&spec, &numbers, &[rows, k]).unwrap();
                let scales: Vec<u8> = tensor
                    .scales()
                    .iter()
                    .map(|_| (scale[0] + random.below(scale[1] - scale[0])) as u8)
                    .collect();
                let parts = Parts::new(tensor.codes(), &scales);
                QuantTensor::from_parts(&spec, &[rows, k], parts).unwrap()
            };
            let (a, b) = (side(m), side(n));
            let packed = PackedMatrix::new(&b).unwrap();
            let mut expected = vec![0f32; m * n];
            reference_matmul(&Matmul::new(), &a, &b, &mut expected).unwrap();
            for isa in Isa::available() {
                let matmul = Matmul::new().exec(Exec::SERIAL.with_isa(isa));
                for found in
                    [matmul.multiply(&a, &b).unwrap(), matmul.multiply(&a, &packed).unwrap()]
                {
                    assert!(
                        found.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits()),
                        "{spec:?} {m} {}: {found:?} {expected:?}",
                        isa.name()
                    );
                }
            }
        }
    }
}

/// Matrices of A that share one of B, and products of single rows, take other paths than a matrix.
#[test]
fn batches_that_share_a_side_and_single_rows_equal_the_definition() {
    let mut random = Random(78);
    let mut numbers = |count: usize| -> Vec<f32> {
        (0..count).map(|_| random.below(2001) as f32 / 64.0 - 15.0).collect()
    };
    let stochastic = Round::stochastic(Stochastic::A, 9).unwrap();
    for [batch, m, n, k] in
        [[5, 3, 7, 40], [3, 1, 1, 100], [1, 1, 1, 5000], [2, 1, 1, 0], [17, 1, 20, 33]]
    {
        for shared in [true, false] {
            let of_b = if shared { 1 } else { batch };
            let (x, y) = (numbers(batch * m * k), numbers(of_b * n * k));
            let (a, b) = (
                Operand::numbers(&x, &[batch, m, k]).unwrap(),
                Operand::numbers(&y, &[of_b, n, k]).unwrap(),
            );
            let mut accumulators = all();
            accumulators.push(Accumulator::rounded(FormatSpec::BF16, stochastic));
            for accumulator in accumulators {
                let matmul = Matmul::new().accumulator(accumulator).dither(Dither::new(5));
                let mut expected = vec![0f64; batch * m * n];
                reference_matmul(&matmul, a, b, &mut expected).unwrap();
                for isa in Isa::available() {
                    let mut found = vec![0f64; batch * m * n];
                    matmul
                        .exec(Exec::SERIAL.with_isa(isa))
                        .multiply_into(a, b, &mut found)
                        .unwrap();
                    assert_eq!(
                        found,
                        expected,
                        "{accumulator:?} {batch} {m} {n} {k} {}",
                        isa.name()
                    );
                }
            }
        }
    }
}

/// A sum of 2^17 products of −128 and a bit: it fits, while 128 times the sum of A does not.
#[test]
fn the_longest_dot_products_come_out() {
    let depth = 1 << 17;
    let (x, y) = (vec![0x80u8; 16 * depth], vec![1u8; 2 * depth]);
    for format in [FormatSpec::UINT1, FormatSpec::INT8] {
        let b = Operand::codes(&format, &y, &[2, depth]).unwrap();
        for rows in [1, 2, 16] {
            let a = Operand::codes(&FormatSpec::INT8, &x[..rows * depth], &[rows, depth]).unwrap();
            for isa in Isa::available() {
                let matmul = Matmul::new()
                    .accumulator(Accumulator::BlockF32)
                    .exec(Exec::SERIAL.with_isa(isa));
                assert_eq!(
                    matmul.multiply(a, b).unwrap(),
                    vec![-16777216.0; 2 * rows],
                    "{} {rows} {}",
                    format.name(),
                    isa.name()
                );
            }
        }
    }
}

/// All products of one sign, as large as they get, on both sides: sums in i16 end where these would
/// overflow.
#[test]
fn the_largest_dot_products_come_out() {
    let formats = [
        FormatSpec::F4E2M1,
        FormatSpec::F6E2M3,
        FormatSpec::INT4,
        FormatSpec::INT8,
        FormatSpec::UINT4,
    ];
    let depth = 1000;
    for (left, right) in
        formats.iter().flat_map(|left| formats.iter().map(move |right| (left, right)))
    {
        let ends = |spec: &FormatSpec| {
            [spec.encode_f64(f64::NEG_INFINITY), spec.encode_f64(f64::INFINITY)]
                .map(|code| code as u8)
        };
        for (x, y) in ends(left).into_iter().flat_map(|x| ends(right).map(|y| (x, y))) {
            let product = left.decode_f64(x.into()) * right.decode_f64(y.into());
            let (a, b) = (vec![x; 16 * depth], vec![y; 32 * depth]);
            let b = Operand::codes(right, &b, &[32, depth]).unwrap();
            for (rows, isa) in [1, 2, 4, 8, 16]
                .into_iter()
                .flat_map(|rows| Isa::available().map(move |isa| (rows, isa)))
            {
                let a = Operand::codes(left, &a[..rows * depth], &[rows, depth]).unwrap();
                let matmul = Matmul::new()
                    .accumulator(Accumulator::BlockF32)
                    .exec(Exec::SERIAL.with_isa(isa));
                let expected = vec![(product * depth as f64) as f32; 32 * rows];
                assert_eq!(
                    matmul.multiply(a, b).unwrap(),
                    expected,
                    "{left} {x:02X} {right} {y:02X} {rows} {}",
                    isa.name()
                );
            }
        }
    }
}

/// Units so large or small that f32s do not hold the sums of integers, or not the unit itself.
#[test]
fn sums_of_integers_in_extreme_units_are_the_definitions() {
    let element = |unit: i32| {
        let layout = FloatSpec { bias: -2 - unit, ..FloatSpec::finite(2, 3) };
        FormatSpec::new("EXTREME", Encoding::Float(layout)).unwrap()
    };
    let integer = |fraction_bits| {
        let layout = IntSpec { signed: true, bits: 8, fraction_bits, symmetric: false };
        FormatSpec::new("INTEGER", Encoding::Int(layout)).unwrap()
    };
    let scale = |bias| {
        let layout =
            FloatSpec { signed: false, bias, negative_zero: false, ..FloatSpec::finite(3, 1) };
        FormatSpec::new("SCALE", Encoding::Float(layout)).unwrap()
    };
    let cases = [
        (element(56), element(56), FormatSpec::E8M0, [107, 107]),
        (element(58), element(58), FormatSpec::E8M0, [87, 87]),
        (element(62), element(60), scale(40), [3, 5]),
        (element(-75), element(-75), scale(-40), [3, 5]),
        (element(-80), element(-80), scale(-40), [3, 5]),
        (element(-140), element(0), FormatSpec::E8M0, [127, 127]),
        (integer(64), integer(64), FormatSpec::E8M0, [127, 200]),
        (integer(-64), integer(-64), FormatSpec::E8M0, [60, 60]),
    ];
    for (a, b, scale, [mine, theirs]) in cases {
        let tensor = |element: FormatSpec, rows: usize, scale_code: u8| {
            let spec = BlockSpec::new(
                element,
                Some(scale),
                Extent::Block { rows: 1, cols: 32 },
                ScaleRule::Floor,
            );
            let bytes = rows * 32 * element.bits() as usize / 8;
            // Code 31 of 6 bits, three times in two bytes, or 93 of 8.
            let codes: Vec<u8> = if element.bits() == 6 {
                [0xDF, 0xF7, 0x7D].repeat(bytes / 3)
            } else {
                vec![93; bytes]
            };
            let scales = vec![scale_code; rows];
            let parts = Parts::new(&codes, &scales);
            QuantTensor::from_parts(&spec, &[rows, 32], parts).unwrap()
        };
        let right = tensor(b, 20, theirs);
        let packed = PackedMatrix::new(&right).unwrap();
        for rows in [1, 2, 16] {
            let left = tensor(a, rows, mine);
            let mut expected = vec![0f32; rows * 20];
            reference_matmul(&Matmul::new(), &left, &right, &mut expected).unwrap();
            for isa in Isa::available() {
                let matmul = Matmul::new().exec(Exec::SERIAL.with_isa(isa));
                assert_eq!(
                    matmul.multiply(&left, &right).unwrap(),
                    expected,
                    "{a} {b} {rows} {}",
                    isa.name()
                );
                assert_eq!(
                    matmul.multiply(&left, &packed).unwrap(),
                    expected,
                    "{a} {b} {rows} {}, packed",
                    isa.name()
                );
            }
        }
    }
}
