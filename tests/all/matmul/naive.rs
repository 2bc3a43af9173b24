//! The definition against plain arithmetic: fused multiply-adds of the standard library, exact
//! sums, APFloat step by step.

use super::big::Big;
use super::inputs::{Kind, Random, Side, named, pairs};
use super::{reference, shape, sides};
use rustc_apfloat::ieee::{BFloat, Double, Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert};
use subhalf::{
    Accumulator, Chain, Convert, Dither, FormatSpec, IntegerOverflow, Matmul, Round, Stochastic,
};

const NAN: u32 = 0x7FC0_0000;

fn bits(x: f32) -> u32 {
    if x.is_nan() { NAN } else { x.to_bits() }
}

/// Checks every element of the definition's product, of some shapes.
fn check(
    accumulator: Accumulator,
    pair: (Kind, Kind),
    indices: impl IntoIterator<Item = usize>,
    expected: impl Fn(&Side, &Side, usize, usize) -> u32,
) -> usize {
    let mut compared = 0;
    for index in indices {
        let mut shape = shape(&mut Random(1000 + index as u64), index);
        shape[0] = 1;
        if accumulator == Accumulator::BlockF32
            && !(pair.0.is_blockwise(shape[3]) && pair.1.is_blockwise(shape[3]))
        {
            continue;
        }
        let (a, b) = sides(pair, index, shape);
        let found = reference(&Matmul::new().accumulator(accumulator), &a, &b);
        for (at, found) in found.iter().enumerate() {
            let (i, j) = (at / shape[2], at % shape[2]);
            let expected = expected(&a, &b, i, j);
            assert_eq!(
                *found, expected,
                "{pair:?} {accumulator:?} {shape:?} {index} ({i}, {j}): {found:#x}, {expected:#x}"
            );
            compared += 1;
        }
    }
    compared
}

/// As `check` of all pairs.
fn check_all(
    accumulator: Accumulator,
    indices: std::ops::Range<usize>,
    expected: impl Fn((Kind, Kind), &Side, &Side, usize, usize) -> u32,
) {
    let checked =
        |pair| check(accumulator, pair, indices.clone(), |a, b, i, j| expected(pair, a, b, i, j));
    let compared: usize = pairs().into_iter().map(checked).sum();
    assert!(compared > 30_000, "{accumulator:?}: only {compared} sums");
}

fn products(a: &Side, b: &Side, i: usize, j: usize) -> Vec<(f32, f32)> {
    a.row(i).into_iter().zip(b.row(j)).collect()
}

#[test]
fn chains_of_f32_and_f64_equal_the_processors_arithmetic() {
    check_all(Accumulator::F32, 0..40, |_, a, b, i, j| {
        bits(products(a, b, i, j).into_iter().fold(0.0, |sum, (x, y)| x.mul_add(y, sum)))
    });
    check_all(Accumulator::F64, 0..40, |_, a, b, i, j| {
        bits(
            products(a, b, i, j)
                .into_iter()
                .fold(0.0, |sum, (x, y)| sum + f64::from(x) * f64::from(y)) as f32,
        )
    });
}

/// The sum of numbers of which some may be infinite or NaN.
fn exact(terms: &[[f64; 3]]) -> u32 {
    let special: f64 = terms.iter().map(|[x, y, z]| x * y * z).filter(|x| !x.is_finite()).sum();
    if special != 0.0 {
        return bits(special as f32);
    }
    let mut sum = Big::ZERO;
    terms.iter().for_each(|term| sum.add_product(term));
    bits(sum.nearest())
}

#[test]
fn exact_sums_equal_rational_arithmetic() {
    check_all(Accumulator::Exact, 0..40, |_, a, b, i, j| {
        exact(
            &products(a, b, i, j)
                .into_iter()
                .map(|(x, y)| [x.into(), y.into(), 1.0])
                .collect::<Vec<_>>(),
        )
    });
}

#[test]
fn block_wise_sums_equal_rational_arithmetic() {
    check_all(Accumulator::BlockF32, 0..40, |pair, a, b, i, j| {
        let ((x, s, blocks), (y, t, others)) = (a.blocks(i), b.blocks(j));
        let integers = x.iter().chain(&y).all(|x| (x * 64.0).fract() == 0.0) && both_integer(pair);
        let is_f32 = |kind: Kind| matches!(kind, Kind::Tensor(spec) | Kind::Dynamic(spec) if spec.scale == Some(FormatSpec::F32));
        let wide = is_f32(pair.0) || is_f32(pair.1);
        let (mut sum, mut k) = (0.0f32, 0);
        while k < x.len() {
            let end = (k..x.len())
                .find(|&end| (blocks[end], others[end]) != (blocks[k], others[k]))
                .unwrap_or(x.len());
            let pairs = || x[k..end].iter().zip(&y[k..end]);
            let partial = if integers {
                pairs().map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
            } else {
                pairs().fold(0.0f32, |sum, (x, y)| x.mul_add(*y, sum)).into()
            };
            let scale =
                if wide { [f64::from(s[k] * t[k]), 1.0] } else { [s[k].into(), t[k].into()] };
            sum = f32::from_bits(exact(&[[sum.into(), 1.0, 1.0], [partial, scale[0], scale[1]]]));
            k = end;
        }
        let has_factor = |side: &Side| {
            side.tensor.as_ref().is_some_and(|tensor| {
                !matches!(tensor.spec().tensor_scale, subhalf::TensorScale::None)
            })
        };
        bits(if has_factor(a) || has_factor(b) {
            sum * (a.tensor_factor() * b.tensor_factor())
        } else {
            sum
        })
    });
}

fn both_integer(pair: (Kind, Kind)) -> bool {
    [pair.0, pair.1].iter().all(|kind| match kind {
        Kind::Codes(format) => format.name().contains("INT"),
        Kind::Tensor(spec) | Kind::Dynamic(spec) => spec.element.name().contains("INT"),
        _ => false,
    })
}

/// `acc + a · b` in APFloat's quad precision, whose 113 bits hold it exactly for numbers within
/// some 60 binades; the rounding decides the sign of a zero.
fn in_quad(acc: f32, x: f32, y: f32, round: rustc_apfloat::Round) -> Quad {
    let quad = |x: f32| -> Quad {
        let double: Double = Single::from_bits(u128::from(x.to_bits())).convert(&mut false).value;
        double.convert(&mut false).value
    };
    let exact = quad(x).mul_add_r(quad(y), quad(acc), round);
    assert!(exact.status.is_empty(), "the sum {acc} + {x} · {y} is exact");
    exact.value
}

#[test]
fn rounded_sums_equal_apfloat_step_by_step() {
    let roundings = [
        (Round::NearestEven, rustc_apfloat::Round::NearestTiesToEven),
        (Round::NearestAway, rustc_apfloat::Round::NearestTiesToAway),
        (Round::TowardZero, rustc_apfloat::Round::TowardZero),
        (Round::Up, rustc_apfloat::Round::TowardPositive),
        (Round::Down, rustc_apfloat::Round::TowardNegative),
    ];
    let tame = [
        (Kind::Codes(FormatSpec::F8E4M3), Kind::Codes(FormatSpec::F8E4M3)),
        (Kind::Codes(FormatSpec::F4E2M1), Kind::Codes(FormatSpec::F6E3M2)),
        (Kind::Codes(FormatSpec::INT8), Kind::Codes(FormatSpec::F8E4M3FNUZ)),
        (named("generic::FP8_E4M3_TENSOR"), named("ocp::MXFP4")),
    ];
    let mut compared = 0;
    for pair in tame {
        for (round, theirs) in roundings {
            let f16 = |acc, (x, y)| {
                let code: Half = in_quad(acc, x, y, theirs).convert_r(theirs, &mut false).value;
                FormatSpec::F16.decode_f32(code.to_bits() as u32)
            };
            let bf16 = |acc, (x, y)| {
                let code: BFloat = in_quad(acc, x, y, theirs).convert_r(theirs, &mut false).value;
                FormatSpec::BF16.decode_f32(code.to_bits() as u32)
            };
            // Index 1 modulo 4 has NaN and numbers of any size.
            for index in [0, 2, 4, 6, 8] {
                let shapes = [index * 13];
                compared += check(
                    Accumulator::rounded(FormatSpec::F16, round),
                    pair,
                    shapes,
                    |a, b, i, j| bits(products(a, b, i, j).into_iter().fold(0.0, f16)),
                );
                compared += check(
                    Accumulator::rounded(FormatSpec::BF16, round),
                    pair,
                    shapes,
                    |a, b, i, j| bits(products(a, b, i, j).into_iter().fold(0.0, bf16)),
                );
            }
        }
    }
    assert!(compared > 10_000, "only {compared} sums");
}

/// With scalar arithmetic of the crate, which is tested by itself: every rounding, formats of 8
/// bits, and random words by index.
#[test]
fn rounded_sums_equal_scalar_arithmetic_step_by_step() {
    let pair = (Kind::Codes(FormatSpec::F8E4M3), Kind::Codes(FormatSpec::F8E4M3));
    let stochastic = [Stochastic::A, Stochastic::B, Stochastic::C]
        .map(|kind| Round::Stochastic { kind, bits: 7 });
    for round in Round::DETERMINISTIC.into_iter().chain(stochastic) {
        for index in 0..8 {
            let shape = shape(&mut Random(1000 + index as u64), index);
            let [batch, m, n, depth] = shape;
            let (a, b) = sides(pair, index, shape);
            let spec = FormatSpec::F8E4M3;
            let convert: Convert = spec.default_convert().with_round(round);
            let dither = Dither::new(7).skip(11);
            let found = reference(
                &Matmul::new().accumulator(Accumulator::rounded(spec, round)).dither(dither),
                &a,
                &b,
            );
            for (at, found) in found.iter().enumerate() {
                let (line, j) = (at / n, at % n);
                let (matrix, i) = (line / m, line % m);
                let of = |side: &Side| if side.shape[0] == 1 { 0 } else { matrix };
                let mut acc = 0u32;
                for (k, (x, y)) in
                    products(&a, &b, of(&a) * m + i, of(&b) * n + j).into_iter().enumerate()
                {
                    let word =
                        dither.word(((matrix * m + i) * n * depth + j * depth + k) as u64, 7);
                    acc = spec
                        .mul_add_with(spec.encode_f32(x), spec.encode_f32(y), acc, &convert, word)
                        .code;
                }
                assert_eq!(
                    *found,
                    bits(spec.decode_f32(acc)),
                    "{round:?} {shape:?} of {batch} at {at}"
                );
            }
        }
    }
}

#[test]
fn chunked_sums_are_sums_of_sums() {
    let f16 = Chain::rounded(FormatSpec::F16, Round::NearestEven);
    let pair = (Kind::Codes(FormatSpec::F8E4M3), named("ocp::MXFP4"));
    for (k, inner, outer) in [
        (1, Chain::F32, Chain::F64),
        (16, f16, Chain::F32),
        (33, Chain::F32, f16),
        (1000, Chain::F64, Chain::F32),
    ] {
        let accumulator = Accumulator::chunked(k, inner, outer);
        let chain = |chain: Chain, sum: f64, term: f64| match chain {
            Chain::F32 => f64::from((sum + term) as f32),
            Chain::F64 => sum + term,
            _ => FormatSpec::F16.decode_f64(FormatSpec::F16.encode_f64(sum + term)),
        };
        // Sums of these numbers are exact in f64, so that it rounds once.
        for index in [0, 2, 4, 6, 8, 12] {
            check(accumulator, pair, [index * 13], |a, b, i, j| {
                let products = products(a, b, i, j);
                let runs = products.chunks(k).map(|run| {
                    run.iter()
                        .fold(0.0, |sum, (x, y)| chain(inner, sum, f64::from(*x) * f64::from(*y)))
                });
                bits(runs.fold(0.0, |sum, run| chain(outer, sum, run)) as f32)
            });
        }
    }
}

#[test]
fn integer_sums_wrap_or_saturate_at_every_step() {
    let pair = (Kind::Codes(FormatSpec::INT8), Kind::Codes(FormatSpec::INT8));
    for bits_of_sum in [8, 16, 20, 32] {
        let (low, high) = (-(1i64 << (bits_of_sum - 1)), (1i64 << (bits_of_sum - 1)) - 1);
        for overflow in [IntegerOverflow::Wrap, IntegerOverflow::Saturate] {
            check(Accumulator::integer(bits_of_sum, overflow), pair, 0..20, |a, b, i, j| {
                let sum = products(a, b, i, j).into_iter().fold(0i64, |sum, (x, y)| {
                    let sum = sum + (x * y) as i64;
                    match overflow {
                        IntegerOverflow::Wrap => (sum - low).rem_euclid(high - low + 1) + low,
                        IntegerOverflow::Saturate => sum.clamp(low, high),
                    }
                });
                bits(sum as f32)
            });
        }
    }
}
