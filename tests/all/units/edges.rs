//! Products that end inside an instruction or a part, units that keep more bits than their result,
//! and parts of units that contradict each other.

use super::all;
use std::cmp::Ordering;
use subhalf::unit;
use subhalf::{
    Accumulator, Adder, Encoding, Exec, FloatSpec, FormatSpec, InputFlush, IntegerAdder, Isa,
    KSchedule, Matmul, MmaBuilder, MmaSpec, Operand, QuantTensor, Round, RoundedOrder, ScaleUse,
    UnitAcc, UnitScales, Unpacked, preset, reference_matmul,
};

/// Compares a row times a row with the definition on every instruction set.
fn compare(accumulator: Accumulator, format: &FormatSpec, [a, b]: [&[u16]; 2], c: Option<f32>) {
    let k = a.len();
    let a = Operand::codes(format, a, &[1, k]).unwrap();
    let b = Operand::codes(format, b, &[1, b.len()]).unwrap();
    let c = c.map(|c| [c]);
    let mut matmul = Matmul::new().accumulator(accumulator);
    if let Some(c) = &c {
        matmul = matmul.addend(c);
    }
    let mut expected = [0.0f32];
    reference_matmul(&matmul, a, b, &mut expected).unwrap();
    for isa in Isa::available() {
        let found = matmul.exec(Exec::SERIAL.with_isa(isa)).multiply(a, b).unwrap();
        let what = format!("{accumulator} K = {k} {}", isa.name());
        assert_eq!(found[0].to_bits(), expected[0].to_bits(), "{what}");
    }
}

#[test]
fn a_part_that_is_all_of_k_may_end_inside_an_instruction() {
    let e4m3 = FormatSpec::F8E4M3;
    let units = [unit::hopper::MMA_SYNC_FP8, unit::hopper::MMA_SYNC_FP8_F16];
    for spec in units.map(|unit| unit.spec(e4m3, e4m3).unwrap()) {
        for schedule in [KSchedule::CUTLASS_FP8, KSchedule::DEEP_GEMM_FP8] {
            for k in (1..=130).chain([136, 160, 300]) {
                let ones = vec![0x38; k];
                compare(Accumulator::unit(spec, schedule), &e4m3, [&ones, &ones], None);
            }
        }
    }
}

#[test]
fn c_has_the_bits_that_a_unit_keeps_and_not_those_of_its_result() {
    let (e4m3, bf16) = (FormatSpec::F8E4M3, FormatSpec::BF16);
    for keep in 13..=16 {
        let unit = MmaSpec::fused(e4m3, e4m3).fan_in(32).keep(keep).round(Round::TowardZero, 13);
        let in_order = Accumulator::unit(unit.build().unwrap(), KSchedule::InOrder);
        compare(in_order, &e4m3, [&[0x38, 0], &[0xB8, 0]], Some(f32::from_bits(0x3F80_0200)));
    }
    // 2^-100 − 2^-100 + C, which is far below the products.
    let tiny = bf16.encode_f32(f32::powi(2.0, -50)) as u16;
    let c = f32::powi(2.0, -105) + f32::powi(2.0, -128);
    for keep in 24..=28 {
        let unit = MmaSpec::fused(bf16, bf16).fan_in(2).keep(keep).build().unwrap();
        let in_order = Accumulator::unit(unit, KSchedule::InOrder);
        compare(in_order, &bf16, [&[tiny, tiny | 0x8000], &[tiny, tiny]], Some(c));
    }
}

/// A group whose products are all zero still cuts C to the bits of the result.
#[test]
fn c_is_cut_where_products_are_zero() {
    let e4m3 = FormatSpec::F8E4M3;
    let cs = [0x3F80_1FFF, 0x0000_03FF, 0x8000_03FF, 0x007F_FFFF, 0x7F7F_FFFF, 0xBF80_2000];
    let cs = cs.into_iter().chain([0x8000_0000, 0x7F80_0000]).map(f32::from_bits);
    for c in cs {
        for keep in 13..=16 {
            let unit = MmaSpec::fused(e4m3, e4m3).fan_in(32).keep(keep);
            let unit = unit.round(Round::TowardZero, 13).build().unwrap();
            // No products; none in the first group of two; none in the second.
            for at in [None, Some(40), Some(3)] {
                let mut a = [0u16; 64];
                at.into_iter().for_each(|at: usize| a[at] = 0x01);
                for schedule in [KSchedule::InOrder, KSchedule::CUTLASS_FP8] {
                    compare(Accumulator::unit(unit, schedule), &e4m3, [&a, &a], Some(c));
                }
            }
        }
    }
}

/// K ends inside an instruction, whose last groups have no products and no scales.
#[test]
fn instructions_of_several_groups_under_scales_end_anywhere() {
    let e4m3 = FormatSpec::F8E4M3;
    let unit = unit::blackwell::MXF8F6F4.spec(e4m3, e4m3).unwrap();
    let unit = unit.to_builder().late_c(64).build().unwrap();
    for k in [1, 31, 32, 33, 64, 65, 96, 97, 128, 160] {
        let x: Vec<f32> = (0..k).map(|i| (i % 7) as f32 - 2.5).collect();
        let x = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &x, &[1, k]).unwrap();
        for schedule in [KSchedule::InOrder, KSchedule::CUTLASS_FP8] {
            let matmul = Matmul::new().accumulator(Accumulator::unit(unit, schedule));
            let mut expected = [0.0f32];
            reference_matmul(&matmul, &x, &x, &mut expected).unwrap();
            for isa in Isa::available() {
                let found = matmul.exec(Exec::SERIAL.with_isa(isa)).multiply(&x, &x).unwrap();
                assert_eq!(found[0].to_bits(), expected[0].to_bits(), "K = {k} {}", isa.name());
            }
        }
    }
}

/// An instruction without pairs multiplies zeros: C is cut, flushed and loses its sign.
#[test]
fn instructions_without_pairs_change_c() {
    let (e4m3, bf16) = (FormatSpec::F8E4M3, FormatSpec::BF16);
    let hopper = unit::hopper::WGMMA_FP8.spec(e4m3, e4m3).unwrap();
    let cpu = unit::x86::VDPBF16PS.spec(bf16, bf16).unwrap();
    for (unit, c, expected) in [
        (hopper, 0x3F80_1FFF, 0x3F80_1C00),
        (hopper, 0x8000_0000, 0),
        (cpu, 0x0040_0000, 0),
        (cpu, 0x8040_0000, 0),
    ] {
        assert_eq!(unit.step(&[], &[], c).unwrap().code, expected, "{c:08x}");
        assert_eq!(unit.step(&[0], &[0], c).unwrap().code, expected, "{c:08x}");
        assert_eq!(unit.dot(&[], &[], c).unwrap(), c, "a chain of no instructions");
    }
}

#[test]
fn scales_and_biases_stay_inside_exact_sums() {
    let of_bias = |bias| {
        let layout = FloatSpec { bias, ..FloatSpec::finite(5, 2) };
        FormatSpec::new("far", Encoding::Float(layout)).unwrap()
    };
    let e8m0 = UnitScales::E8M0 { block: 32, at: ScaleUse::Product };
    let unit = |bias, shift| {
        let far = of_bias(bias);
        let unit = MmaSpec::fused(far, far).fan_in(32).scales(e8m0);
        unit.adder(Adder::Exact).shift(shift).build()
    };
    assert!(unit(127, -64).is_err());
    // 2^-127 · 2^-127 under 2^-127 and 2^-127: all below the smallest f32, nothing lost in sums.
    let far = unit(126, 0).unwrap();
    let d = far.step_scaled(&[1], &[1], [&[0], &[0]], 0).unwrap();
    let all = Unpacked::new(false, 1, -508);
    assert_eq!((d.code, d.lost.compare(all)), (0, Some(Ordering::Equal)));
}

#[test]
fn parts_that_a_unit_has_no_arithmetic_for_are_refused() {
    let (bf16, e2m1) = (FormatSpec::BF16, FormatSpec::F4E2M1);
    let wide = |layout| FormatSpec::new("wide", Encoding::Float(layout)).unwrap();
    let e8m3 = wide(FloatSpec::ieee(8, 3));
    let beyond = wide(FloatSpec { bias: 0, ..FloatSpec::ieee(8, 3) });
    let fused = MmaSpec::fused(bf16, bf16);
    let by_sixteen = UnitScales::UE4M3 { block: 16, at: ScaleUse::Sixteen };
    let sixteens = MmaSpec::fused(e2m1, e2m1).fan_in(64).keep(35).scales(by_sixteen);
    let scaled = UnitScales::E8M0 { block: 32, at: ScaleUse::Product };
    let refused: [(&str, MmaBuilder); 10] = [
        ("a shift of sums of sixteen", sixteens.shift(1)),
        ("aligned subnormals flushed", fused.flush_inputs(InputFlush::BelowF32)),
        ("exact subnormals flushed", fused.adder(Adder::Exact).flush_inputs(InputFlush::OwnFormat)),
        ("a shift of rounded sums", MmaSpec::rounded(bf16, bf16, RoundedOrder::Tree).shift(3)),
        (
            "a shift of integers",
            MmaSpec::integer(FormatSpec::INT8, FormatSpec::INT8, IntegerAdder::Wrap).shift(-1),
        ),
        ("scales of wide elements", MmaSpec::fused(e8m3, e8m3).fan_in(32).scales(scaled)),
        ("elements beyond f32", MmaSpec::fused(beyond, beyond)),
        ("zero for a NaN", fused.nan(0)),
        ("infinity for a NaN", fused.nan(0xFF80_0000)),
        ("an f32's NaN in an f16", fused.acc(UnitAcc::F16).nan(0x7FC0_0000)),
    ];
    for (what, builder) in refused {
        assert!(builder.build().is_err(), "{what}");
    }
    assert!(sixteens.build().is_ok() && MmaSpec::fused(e8m3, e8m3).build().is_ok());
    // Back in an f32, an f16 unit has the f32's rounding and NaN.
    let f16 = FormatSpec::F16;
    let unit = unit::hopper::HMMA_F16_F16.spec(f16, f16).unwrap();
    let unit = unit.to_builder().acc(UnitAcc::F32).build().unwrap();
    assert!(f32::from_bits(unit.step(&[0x7E00], &[0x3C00], 0).unwrap().code).is_nan());
}

#[test]
fn every_unit_is_found_by_its_name() {
    let listed: Vec<&str> = unit::all().map(|unit| unit.name).collect();
    let mut names: Vec<&str> = all().iter().map(|unit| unit.name).collect();
    names.dedup();
    assert!(names.iter().all(|name| listed.contains(name)), "{listed:?}");
    for name in listed {
        assert_eq!(unit::by_name(name).unwrap().name, name);
    }
}
