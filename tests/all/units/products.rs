//! Matrix products under units: the fast kernel, the loop of the definition and the chain of
//! instructions have the same bits, for every unit, schedule and instruction set.

use super::all;
use subhalf::unit::MatrixUnit;
use subhalf::{
    Accumulator, Adder, Combine, Exec, FormatSpec, Isa, KSchedule, Matmul, MmaSpec, Operand,
    UnitAcc, UnitScales, philox4x32_10, reference_matmul,
};

const M: usize = 5;
const N: usize = 19;
const K: usize = 100;

/// How codes are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Draw {
    /// All codes alike, NaN and infinities among them.
    Raw,
    /// Finite codes within a few binades of 1.
    Narrow,
    /// Finite codes of the whole range.
    Wide,
    /// Pairs that cancel, and small numbers between them.
    Cancelling,
    /// Zeros and the smallest numbers.
    Tiny,
    /// The largest numbers, of one sign.
    Huge,
}

const DRAWS: [Draw; 6] =
    [Draw::Raw, Draw::Narrow, Draw::Wide, Draw::Cancelling, Draw::Tiny, Draw::Huge];

fn word(seed: u32, i: usize) -> u32 {
    philox4x32_10([i as u32, seed, 0, 0], [7, 9])[0]
}

fn codes(format: &FormatSpec, draw: Draw, seed: u32, count: usize) -> Vec<u32> {
    let mask = ((1u64 << format.bits()) - 1) as u32;
    let finite = |code: u32| {
        // The top exponent of any of these formats may be no number; its neighbour always is.
        let value = format.decode(code & mask);
        if value.is_finite() { code & mask } else { code & mask & !(1 << (format.bits() - 2)) }
    };
    let near_one = |word: u32| {
        let x = f32::from_bits(0x3F80_0000 + (word >> 4 & 0x00FF_FFFF)) / 2.0;
        format.encode_f32(if word & 1 == 0 { x } else { -x })
    };
    (0..count)
        .map(|i| {
            let w = word(seed, i);
            match draw {
                Draw::Raw => w & mask,
                Draw::Narrow => near_one(w),
                Draw::Wide => finite(w),
                // The same number twice, in the second place with the other sign for A alone.
                Draw::Cancelling if i % 3 < 2 => {
                    let code = near_one(word(seed, i / 3));
                    let flip = i % 3 == 1 && seed.is_multiple_of(2) && format.is_signed();
                    if flip { code ^ 1 << (format.bits() - 1) } else { code }
                }
                Draw::Cancelling => finite(w & 0x3F),
                Draw::Tiny if w & 3 == 0 => 0,
                Draw::Tiny => finite(w >> 8 & 7 | (w & 0x10) << 27 >> (32 - format.bits())),
                Draw::Huge => format.max_code() - (w & 3),
            }
        })
        .collect()
}

/// C as numbers of the accumulator.
fn addend(unit: &MmaSpec, draw: Draw) -> Vec<f32> {
    let format = if unit.acc() == UnitAcc::F16 { FormatSpec::F16 } else { FormatSpec::F32 };
    let draw = if draw == Draw::Cancelling { Draw::Wide } else { draw };
    let codes: Vec<u32> = if format == FormatSpec::F32 && draw == Draw::Raw {
        (0..M * N).map(|i| word(77, i)).collect()
    } else if format == FormatSpec::F32 && draw == Draw::Wide {
        (0..M * N).map(|i| word(77, i) & !0x4000_0000 | (i as u32 & 1) << 29).collect()
    } else {
        codes(&format, draw, 77, M * N)
    };
    codes.iter().map(|code| format.decode_f32(*code)).collect()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// The product by the instructions of a unit, one after the other.
fn by_instructions(unit: &MmaSpec, a: &[u32], b: &[u32], c: Option<&[f32]>) -> Vec<f32> {
    let acc = |x: f32| match unit.acc() {
        UnitAcc::F16 => FormatSpec::F16.encode_f32(x),
        _ => x.to_bits(),
    };
    (0..M * N)
        .map(|i| {
            let (a, b) = (&a[i / N * K..][..K], &b[i % N * K..][..K]);
            let c = c.map_or(0, |c| acc(c[i]));
            let d = unit.dot(a, b, c).unwrap();
            let d = match unit.acc() {
                UnitAcc::F32 => f32::from_bits(d),
                UnitAcc::F16 => FormatSpec::F16.decode_f32(d),
                UnitAcc::I32 => d as i32 as f32,
            };
            if d.is_nan() { f32::from_bits(0x7FC0_0000) } else { d }
        })
        .collect()
}

/// Compares the loop of the definition with expected bits.
fn check_reference(
    unit: &MmaSpec,
    (a, b, c): (&[u32], &[u32], Option<&[f32]>),
    expected: &[f32],
    name: &str,
) {
    let matmul = Matmul::new().accumulator(Accumulator::unit(*unit, KSchedule::InOrder));
    let matmul = c.map_or(matmul, |c| matmul.addend(c));
    let a = Operand::codes(unit.a(), a, &[M, K]).unwrap();
    let b = Operand::codes(unit.b(), b, &[N, K]).unwrap();
    let mut found = [0.0f32; M * N];
    reference_matmul(&matmul, a, b, &mut found).unwrap();
    assert_eq!(bits(&found), bits(expected), "{name}");
}

fn units() -> Vec<(MatrixUnit, MmaSpec)> {
    let pairs = all().into_iter().flat_map(|unit| {
        let (first, last) = (unit.inputs[0], *unit.inputs.last().unwrap());
        let pairs = [(first, first), (first, last), (last, first), (last, last)];
        let count = if first == last { 1 } else { 4 };
        pairs.into_iter().take(count).map(move |(a, b)| (unit, unit.spec(a, b).unwrap()))
    });
    pairs.filter(|(_, spec)| spec.scales() == UnitScales::None).collect()
}

#[test]
fn products_are_the_instructions_one_after_the_other() {
    for (unit, spec) in units() {
        for draw in DRAWS {
            let (a, b) = (codes(spec.a(), draw, 2, M * K), codes(spec.b(), draw, 3, N * K));
            let c = addend(&spec, draw);
            let c = (spec.acc() != UnitAcc::I32).then_some(&c[..]);
            for c in [None, c] {
                let expected = by_instructions(&spec, &a, &b, c);
                check_reference(&spec, (&a, &b, c), &expected, unit.name);
                for isa in Isa::available() {
                    let mut matmul = Matmul::new()
                        .accumulator(Accumulator::unit(spec, KSchedule::InOrder))
                        .exec(Exec::SERIAL.with_isa(isa));
                    if let Some(c) = c {
                        matmul = matmul.addend(c);
                    }
                    let a = Operand::codes(spec.a(), &a, &[M, K]).unwrap();
                    let b = Operand::codes(spec.b(), &b, &[N, K]).unwrap();
                    let found = matmul.multiply(a, b).unwrap();
                    let at = bits(&found).iter().zip(bits(&expected)).position(|(x, y)| *x != y);
                    assert_eq!(
                        at.map(|at| (at, found[at], expected[at])),
                        None,
                        "{} {} {} {draw:?} {} C {}",
                        unit.name,
                        spec.a().name(),
                        spec.b().name(),
                        isa.name(),
                        c.is_some()
                    );
                }
            }
        }
    }
}

#[test]
fn schedules_have_the_bits_of_the_definition() {
    for (unit, spec) in units().into_iter().filter(|(_, spec)| spec.acc() != UnitAcc::I32) {
        let step = spec.step_len();
        for (every, combine) in
            [(step, Combine::Add), (2 * step, Combine::FmaOfScales), (3 * step, Combine::FmaOfPart)]
        {
            let accumulator = Accumulator::unit(spec, KSchedule::promoted(every, combine));
            for draw in [Draw::Raw, Draw::Wide, Draw::Narrow] {
                let (a, b) = (codes(spec.a(), draw, 4, M * K), codes(spec.b(), draw, 5, N * K));
                let a = Operand::codes(spec.a(), &a, &[M, K]).unwrap();
                let b = Operand::codes(spec.b(), &b, &[N, K]).unwrap();
                let c = addend(&spec, Draw::Narrow);
                let matmul = Matmul::new().accumulator(accumulator).addend(&c);
                let mut expected = [0.0f32; M * N];
                reference_matmul(&matmul, a, b, &mut expected).unwrap();
                let found = matmul.multiply(a, b).unwrap();
                assert_eq!(bits(&found), bits(&expected), "{} {draw:?} {combine:?}", unit.name);
            }
        }
    }
}

#[test]
fn a_sum_is_not_moved_by_k_inside_a_step_and_scales_with_its_numbers() {
    for (unit, spec) in units() {
        let fused = spec.keep().is_some() || spec.adder() == Adder::Exact;
        if !fused || spec.late_c().is_some() {
            continue;
        }
        let k = spec.step_len();
        for seed in 0..40 {
            let (a, b) = (
                codes(spec.a(), Draw::Narrow, 2 * seed, k),
                codes(spec.b(), Draw::Narrow, 2 * seed + 1, k),
            );
            let f16 = spec.acc() == UnitAcc::F16;
            let c = if f16 { 0x3C01 } else { 0x3F80_0001 };
            let d = spec.dot(&a, &b, c).unwrap();
            // Reversed; even and odd positions, which CDNA3 adds apart, change places as a whole.
            let (mut turned_a, mut turned_b) = (a.clone(), b.clone());
            turned_a.reverse();
            turned_b.reverse();
            assert_eq!(spec.dot(&turned_a, &turned_b, c).unwrap(), d, "{}", unit.name);
            // Twice A and twice C make twice D.
            let double =
                |code: u32, format: &FormatSpec| format.encode_f32(2.0 * format.decode_f32(code));
            let twice: Vec<u32> = a.iter().map(|code| double(*code, spec.a())).collect();
            let exact = a.iter().zip(&twice).all(|(x, y)| {
                2.0 * spec.a().decode_f32(*x) == spec.a().decode_f32(*y)
                    && spec.a().decode(*x).class() == core::num::FpCategory::Normal
            });
            if exact {
                let acc = if f16 { FormatSpec::F16 } else { FormatSpec::F32 };
                let doubled = spec.dot(&twice, &b, double(c, &acc)).unwrap();
                assert_eq!(doubled, double(d, &acc), "{}", unit.name);
            }
        }
    }
}

#[cfg(feature = "presets")]
#[test]
fn scales_of_blocks_go_to_the_unit_or_to_the_schedule() {
    use subhalf::unit::{blackwell, hopper};
    use subhalf::{BlockSpec, Error, QuantTensor, preset};
    let numbers = |seed: u32, count: usize| -> Vec<f32> {
        let scale = |i: usize| f32::from_bits(((word(seed + 9, i / 16) >> 28) + 120) << 23);
        (0..count).map(|i| (word(seed, i) as f32 / 4e9 - 0.5) * scale(i)).collect()
    };
    let k = 128;
    let (x, y) = (numbers(1, M * k), numbers(2, N * k));
    let check = |name: &str, unit: MmaSpec, schedule, scheme: &BlockSpec| {
        let a = QuantTensor::quantize(scheme, &x, &[M, k]).unwrap();
        let b = QuantTensor::quantize(scheme, &y, &[N, k]).unwrap();
        let c: Vec<f32> = numbers(3, M * N);
        let matmul = Matmul::new().accumulator(Accumulator::unit(unit, schedule)).addend(&c);
        let mut expected = [0.0f32; M * N];
        reference_matmul(&matmul, &a, &b, &mut expected).unwrap();
        for isa in Isa::available() {
            let found = matmul.exec(Exec::SERIAL.with_isa(isa)).multiply(&a, &b).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{name} {}", isa.name());
        }
        // The sum is near the product of the numbers that the tensors stand for.
        let (a, b) = (a.dequantize(), b.dequantize());
        for (i, found) in expected.iter().enumerate() {
            let (a, b) = (&a[i / N * k..][..k], &b[i % N * k..][..k]);
            let terms = || a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let near = terms().sum::<f64>() + f64::from(c[i]);
            let size = terms().map(f64::abs).sum::<f64>() + f64::from(c[i].abs());
            assert!((f64::from(*found) - near).abs() <= size / 1000.0, "{name}: {found} {near}");
        }
        (unit.a().name().to_owned(), expected)
    };
    let (e4m3, e2m1) = (FormatSpec::F8E4M3, FormatSpec::F4E2M1);
    let in_order = KSchedule::InOrder;
    let mx8 = blackwell::MXF8F6F4.spec(e4m3, e4m3).unwrap();
    check("mxfp8", mx8, in_order, &preset::ocp::MXFP8_E4M3);
    check("mxfp8 promoted", mx8, KSchedule::split_k(64), &preset::ocp::MXFP8_E4M3);
    let mx4 = blackwell::MXF8F6F4.spec(e2m1, e2m1).unwrap();
    check("mxfp4 as mxf8f6f4", mx4, in_order, &preset::ocp::MXFP4);
    let mx4 = blackwell::MXF4.spec(e2m1, e2m1).unwrap();
    check("mxfp4", mx4, in_order, &preset::ocp::MXFP4);
    let nv4 = blackwell::NVF4.spec(e2m1, e2m1).unwrap();
    check("nvfp4", nv4, in_order, &preset::modelopt::NVFP4);
    let fp8 = hopper::WGMMA_FP8.spec(e4m3, e4m3).unwrap();
    let schedule = KSchedule::promoted(32, Combine::FmaOfScales);
    check("fp8 by parts of 32", fp8, schedule, &preset::ocp::MXFP8_E4M3);
    // Scales that nobody applies are refused, as are formats of another unit.
    let a = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &x, &[M, k]).unwrap();
    let refused = |unit, schedule| {
        let matmul = Matmul::new().accumulator(Accumulator::unit(unit, schedule));
        matmul.multiply(&a, &a).unwrap_err()
    };
    assert!(matches!(refused(fp8, in_order), Error::Scheme { .. }));
    assert!(matches!(refused(nv4, in_order), Error::Scheme { .. }));
    assert!(matches!(refused(fp8, KSchedule::split_k(16)), Error::Scheme { .. }));
}

#[test]
fn numbers_that_a_unit_has_not_are_refused_and_f32s_are_cut_to_tf32() {
    use subhalf::Error;
    use subhalf::unit::hopper;
    let product = |unit: &MatrixUnit, a: &[f32]| {
        let spec = unit.spec(unit.inputs[0], unit.inputs[0]).unwrap();
        let matmul = Matmul::new().accumulator(Accumulator::unit(spec, KSchedule::InOrder));
        let a = Operand::numbers(a, &[1, a.len()]).unwrap();
        matmul.multiply(a, a)
    };
    assert_eq!(product(&hopper::HMMA_BF16, &[1.5, 2.0]).unwrap(), [6.25]);
    let refused = product(&hopper::HMMA_BF16, &[1.5, 1.001]).unwrap_err();
    assert!(matches!(refused, Error::Stored { index: 1, .. }), "{refused}");
    // The low 13 bits of an f32 do not reach a TF32 unit.
    let x = f32::from_bits(0x3F80_1FFF);
    assert_eq!(product(&hopper::HMMA_TF32_K8, &[x]).unwrap(), [1.0]);
}

/// Scales of all kinds, NaN, zero and the ends of the range among them.
#[cfg(feature = "presets")]
#[test]
fn products_under_any_scales_are_the_instructions_one_after_the_other() {
    use subhalf::unit::{blackwell, x86};
    use subhalf::{
        Accept, BitOrder, BlockSpec, Extent, Parts, QuantTensor, TensorScale, pack, preset,
    };
    const DEPTH: usize = 192;
    let (e4m3, e5m2, e2m1) = (FormatSpec::F8E4M3, FormatSpec::F8E5M2, FormatSpec::F4E2M1);
    let (e3m2, e2m3) = (FormatSpec::F6E3M2, FormatSpec::F6E2M3);
    let plain = |spec: BlockSpec| spec.with_tensor_scale(TensorScale::None);
    let (mx8, mx8e5) = (preset::ocp::MXFP8_E4M3, preset::ocp::MXFP8_E5M2);
    let (mx4, nv4) = (preset::ocp::MXFP4, plain(preset::modelopt::NVFP4));
    let mx4_by_16 = mx4.with_extent(Extent::NVFP4);
    let cases = [
        (blackwell::MXF8F6F4, e4m3, mx8, 32),
        (blackwell::MXF8F6F4, e5m2, mx8e5, 32),
        (blackwell::MXF8F6F4, e2m1, mx4, 32),
        (blackwell::MXF4, e2m1, mx4, 32),
        (blackwell::NVF4, e2m1, nv4, 16),
        (blackwell::MXF8F6F4, e3m2, preset::ocp::MXFP6_E3M2, 32),
        (blackwell::MXF8F6F4, e2m3, preset::ocp::MXFP6_E2M3, 32),
        (blackwell::NVF4_E8M0, e2m1, mx4_by_16, 16),
        (x86::ACE_TOP4MX, e4m3, mx8, 32),
        (x86::ACE_TOP4MX, e5m2, mx8e5, 32),
    ];
    for (unit, format, scheme, block) in cases {
        let spec = unit.spec(format, format).unwrap();
        let ue4m3 = matches!(spec.scales(), UnitScales::UE4M3 { .. });
        for case in 0..12u32 {
            let draw = DRAWS[case as usize % 6];
            let scales = |seed: u32, rows: usize| -> Vec<u32> {
                let of = |w: u32| match (ue4m3, case / 6) {
                    // One NaN in 500, zeros, and everything between.
                    (true, 0) if !w.is_multiple_of(500) => w % 127,
                    (true, 0) => 127,
                    (true, _) => 0x30 + w % 16,
                    (false, 0) if !w.is_multiple_of(500) => w >> 8 & 0xFF,
                    (false, 0) => 255,
                    (false, _) => 118 + w % 16,
                };
                (0..rows * DEPTH / block).map(|i| of(word(seed + case, i))).collect()
            };
            let (sa, sb) = (scales(100, M), scales(200, N));
            let (a, b) = (codes(&format, draw, 6, M * DEPTH), codes(&format, draw, 7, N * DEPTH));
            let tensor = |codes: &[u32], scales: &[u32], rows: usize| {
                let bytes: Vec<u8> = codes.iter().map(|code| *code as u8).collect();
                let mut packed = vec![0; bytes.len() * format.bits() as usize / 8];
                pack(&bytes, format.bits(), BitOrder::LsbFirst, &mut packed).unwrap();
                let scales: Vec<u8> = scales.iter().map(|code| *code as u8).collect();
                let parts = Parts::new(&packed, &scales);
                let shape = [rows, DEPTH];
                QuantTensor::from_parts_with(&scheme, &shape, parts, Accept::Nonfinite).unwrap()
            };
            let (left, right) = (tensor(&a, &sa, M), tensor(&b, &sb, N));
            let c = addend(&spec, DRAWS[(case as usize * 5 + 1) % 6]);
            let expected: Vec<f32> = (0..M * N)
                .map(|i| {
                    let of = |all: &[u32], row: usize, length: usize| -> Vec<u32> {
                        all[row * length..][..length].to_vec()
                    };
                    let (row, column, blocks) = (i / N, i % N, DEPTH / block);
                    let (sa, sb) = (of(&sa, row, blocks), of(&sb, column, blocks));
                    let (a, b) = (of(&a, row, DEPTH), of(&b, column, DEPTH));
                    let d = spec.dot_scaled(&a, &b, [&sa, &sb], c[i].to_bits()).unwrap();
                    let d = f32::from_bits(d);
                    if d.is_nan() { f32::from_bits(0x7FC0_0000) } else { d }
                })
                .collect();
            let by = Accumulator::unit(spec, KSchedule::InOrder);
            let mut found = [0.0f32; M * N];
            let matmul = Matmul::new().accumulator(by).addend(&c);
            reference_matmul(&matmul, &left, &right, &mut found).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{} {draw:?} {case}", unit.name);
            for isa in Isa::available() {
                let matmul = matmul.exec(Exec::SERIAL.with_isa(isa));
                let found = matmul.multiply(&left, &right).unwrap();
                let at = bits(&found).iter().zip(bits(&expected)).position(|(x, y)| *x != y);
                let at = at.map(|at| (at, found[at], expected[at]));
                assert_eq!(at, None, "{} {draw:?} {case} {}", unit.name, isa.name());
            }
        }
    }
}
