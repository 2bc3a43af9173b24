//! Directed vectors: each isolates one property of a unit. Computed with exact fractions from the
//! published models; those marked HW were measured on hardware.

use super::spec;
use subhalf::unit::{
    MatrixUnit, ada, amd, ampere, arm, blackwell, hopper, imma, riscv, volta, x86,
};
use subhalf::{Accumulator, Combine, FormatSpec, KSchedule, Matmul, Operand};

/// Pairs of codes `a*b` at their positions; `16x7*7` stands for 16 of them, `@20` moves on to
/// position 20. The rest is zero.
fn products(text: &str, k: usize) -> [Vec<u32>; 2] {
    let (mut a, mut b) = (vec![0; k], vec![0; k]);
    let mut at = 0;
    for word in text.split_whitespace() {
        if let Some(position) = word.strip_prefix('@') {
            at = position.parse().unwrap();
            continue;
        }
        let (count, pair) = word.split_once('x').unwrap_or(("1", word));
        let (x, y) = pair.split_once('*').unwrap();
        for _ in 0..count.parse().unwrap() {
            (a[at], b[at]) =
                (u32::from_str_radix(x, 16).unwrap(), u32::from_str_radix(y, 16).unwrap());
            at += 1;
        }
    }
    [a, b]
}

fn d(unit: &MatrixUnit, format: &str, k: usize, text: &str, c: u32) -> u32 {
    let [a, b] = products(text, k);
    spec(unit, format, format).dot(&a, &b, c).unwrap()
}

#[test]
fn sixteen_bit_units_of_three_generations() {
    #[rustfmt::skip]
    let lines = [
        ("N1", "3c00*3c00 0c00*0c00", 0xbf80_0000u32, [0u32, 0x3380_0000, 0x3380_0000]),
        ("N2", "3c00*3c00 0c00*0800", 0xbf80_0000, [0, 0, 0x3300_0000]),
        ("N2b", "3c00*3c00 0800*0800", 0xbf80_0000, [0, 0, 0]),
        ("N3", "6c00*6c00 15x3c00*3800", 0xcb80_0000, [0x40c0_0000, 0x4080_0000, 0x40f0_0000]),
        ("N4", "3c00*3c00", 0x3f80_0003, [0x4000_0001; 3]),
        ("N4n", "bc00*3c00", 0xbf80_0003, [0xc000_0001; 3]),
        ("N6a", "3e00*3e00 be00*3e00 0c00*0c00", 0, [0, 0x3380_0000, 0x3380_0000]),
        ("N6b", "3e00*3e00 be00*3e00 0c00*0800", 0, [0, 0, 0x3300_0000]),
        ("N7", "0001*6400 0400*0200", 0xb880_0000, [0, 0, 0x3100_0000]),
        ("N7b", "0001*6400 0400*0100", 0xb880_0000, [0, 0, 0]),
        ("N8", "", 1, [1, 1, 1]),
        ("N9", "3x3800*0001 3800*0003", 0x3f7f_ffff, [0x3f80_0000, 0x3f80_0001, 0x3f80_0001]),
        ("N9'", "3x3800*0001 3800*0003", 0x3f80_0000, [0x3f80_0000, 0x3f80_0000, 0x3f80_0001]),
        ("N13", "7c00*0000", 0, [0x7fff_ffff; 3]),
        ("N13'", "7c00*3c00", 0xff80_0000, [0x7fff_ffff; 3]),
        ("N14", "8000*3c00", 0x8000_0000, [0; 3]),
    ];
    for (id, text, c, expected) in lines {
        let units = [volta::HMMA_F16, ampere::HMMA_F16, hopper::HMMA_F16];
        for (unit, expected) in units.iter().zip(expected) {
            let found = d(unit, "f16", 16, text, c);
            assert_eq!(found, expected, "{id} {}: {found:08x}", unit.name);
        }
    }
    let lines = [
        ("N10", "5f80*5f80 df80*5f00", [0x7f00_0000u32; 2]),
        ("N11", "5f80*5f80", [0x7f80_0000; 2]),
        ("N12a", "3400*0080 b080*0080", [0, 0]),
        ("N12b", "3400*0080 af80*0080", [1, 0]),
        ("N12c", "3400*0080 af00*0080", [1, 1]),
    ];
    for (id, text, expected) in lines {
        for (unit, expected) in [ampere::HMMA_BF16, hopper::HMMA_BF16].iter().zip(expected) {
            let found = d(unit, "bf16", 16, text, 0);
            assert_eq!(found, expected, "{id} {}: {found:08x}", unit.name);
        }
    }
    let f16s = [volta::HMMA_F16_F16, ampere::HMMA_F16_F16, hopper::HMMA_F16_F16];
    let lines = [
        ("D1", "3c00*1000", 0x3c00, [0x3c00u32; 3]),
        ("D2", "3c00*1000 1000*1000", 0x3c00, [0x3c01; 3]),
        ("D5", "3c00*3c00 3c00*1000 @8 3c00*1000", 0, [0x3c00, 0x3c00, 0x3c01]),
        ("D6", "77ff*4000 4c00*3c00", 0, [0x7c00; 3]),
    ];
    for (id, text, c, expected) in lines {
        for (unit, expected) in f16s.iter().zip(expected) {
            assert_eq!(d(unit, "f16", 16, text, c), expected, "{id} {}", unit.name);
        }
    }
}

#[test]
fn fp8_units() {
    let units = [hopper::WGMMA_FP8, ada::QMMA_FP8, blackwell::F8F6F4, hopper::MMA_SYNC_FP8];
    #[rustfmt::skip]
    let lines = [
        ("F1", "", 0x3f80_1fffu32, [0x3f80_1c00u32, 0x3f80_1c00, 0x3f80_1fff, 0x3f80_1fff]),
        ("F1s", "", 0x3ff, [0, 0, 0x3ff, 0x3ff]),
        ("F2", "7e*7e 48*38", 0, [0x4844_0000, 0x4844_0000, 0x4844_0100, 0x4844_0100]),
        ("F3", "32x04*04", 0x3f80_0000, [0x3f80_0000, 0x3f80_0000, 0x3f80_4000, 0x3f80_4000]),
        ("F4", "32x84*04", 0xbf80_0000, [0xbf80_0000, 0xbf80_0000, 0xbf80_4000, 0xbf80_4000]),
        ("F5", "38*38 38*38 04*08", 0, [0x4000_0000, 0x4000_0000, 0x4000_0200, 0x4000_0200]),
        ("F6", "38*38 b8*38 @16 16x04*04", 0, [0, 0x3a80_0000, 0x3a80_0000, 0x3a80_0000]),
    ];
    for (id, text, c, expected) in lines {
        for (unit, expected) in units.iter().zip(expected) {
            let found = d(unit, "e4m3", 32, text, c);
            assert_eq!(found, expected, "{id} {}: {found:08x}", unit.name);
        }
    }
    let f9 = "@1 6e*58 @6 20*43 @20 ec*5a @25 ef*47";
    assert_eq!(d(&blackwell::F8F6F4, "e5m2", 32, f9, 0), 0xc743_fffc, "F9");
    assert_eq!(d(&hopper::MMA_SYNC_FP8, "e5m2", 32, f9, 0), 0xc743_fff9, "F9");
    assert_eq!(d(&hopper::WGMMA_FP8_F16, "e4m3", 32, "38*38 10*08 04*08", 0), 0x3c01);
    assert_eq!(d(&hopper::WGMMA_FP8_F16, "e4m3", 32, "38*38 10*08 04*04", 0), 0x3c00);
}

#[test]
fn promotion_keeps_what_a_long_chain_loses() {
    let e4m3 = FormatSpec::F8E4M3;
    let [a, b] = products("128x58*58 128x38*30", 256);
    let side = |codes: &[u32]| codes.iter().map(|code| *code as u8).collect::<Vec<u8>>();
    let (a, b) = (side(&a), side(&b));
    let unit = hopper::WGMMA_FP8.spec(e4m3, e4m3).unwrap();
    let product = |schedule| {
        let a = Operand::codes(&e4m3, &a, &[1, 256]).unwrap();
        let b = Operand::codes(&e4m3, &b, &[1, 256]).unwrap();
        let matmul = Matmul::new().accumulator(Accumulator::unit(unit, schedule));
        matmul.multiply(a, b).unwrap()[0].to_bits()
    };
    assert_eq!(product(KSchedule::InOrder), 0x4700_0000, "P1");
    for schedule in [
        KSchedule::CUTLASS_FP8,
        KSchedule::DEEP_GEMM_FP8,
        KSchedule::split_k(128),
        KSchedule::promoted(128, Combine::FmaOfPart),
    ] {
        assert_eq!(product(schedule), 0x4700_4000, "P1 {schedule:?}");
    }
}

#[test]
fn units_with_scales_of_blocks() {
    let scaled = |unit: &MatrixUnit, format, k, text, sa: &[u32], sb: &[u32], c| {
        let [a, b] = products(text, k);
        spec(unit, format, format).dot_scaled(&a, &b, [sa, sb], c).unwrap()
    };
    let mx = |text, sa, sb, c| scaled(&blackwell::MXF8F6F4, "e4m3", 32, text, &[sa], &[sb], c);
    assert_eq!(mx("38*38 b8*38", 0x89, 0x7c, 0x3680_0000), 0x3680_0000, "S1");
    assert_eq!(mx("38*38 b8*38", 0x89, 0x7c, 0x3600_0000), 0, "S1");
    assert_eq!(mx("", 0xff, 0x7f, 0), 0x7fff_ffff, "S3");
    assert_eq!(mx("7e*7e 7e*7e", 0x7f, 0x78, 0x3f80_0000), 0x4544_1000, "S4");
    let nv = |text, sa: [u32; 4], sb: [u32; 4], c| {
        scaled(&blackwell::NVF4, "e2m1", 64, text, &sa, &sb, c)
    };
    let all = "16x7*7";
    let g2 = "16x7*7 1*1 @32 16xf*7";
    assert_eq!(nv(all, [0x7e, 0x38, 0x38, 0x38], [0x7e, 0x38, 0x38, 0x38], 0), 0x4cdc_8000);
    assert_eq!(nv(g2, [0x7e, 2, 0x7e, 0x38], [0x7e, 1, 0x7e, 0x38], 0), 0x3600_0000, "G2a");
    assert_eq!(nv(g2, [0x7e, 1, 0x7e, 0x38], [0x7e, 1, 0x7e, 0x38], 0), 0, "G2b");
    let g3 = "3*5 4*9 @16 6*7 @32 2*2 @48 f*1";
    let found = nv(g3, [0x39, 0x30, 0x7e, 8], [0x41, 0x2f, 1, 0x44], 0x3fa0_0000);
    assert_eq!(found, 0x4183_c000, "G3");
    let one = [0x38; 4];
    assert_eq!(nv("2*2", [0xb8, 0x38, 0x38, 0x38], one, 0), 0x3f80_0000, "G4");
    assert_eq!(nv("2*2", [0x7f, 0x38, 0x38, 0x38], one, 0), 0x7fff_ffff, "G5");
    let ends = [0x7e, 1, 0x38, 0x38];
    assert_eq!(nv("7*7 f*7 @16 1*1", ends, ends, 0), 0, "G7");
    assert_eq!(nv("0*7 0*7 @16 1*1", ends, ends, 0), 0x3580_0000, "G7b");
    let g6 = scaled(
        &blackwell::MXF4,
        "e2m1",
        64,
        "7*7 @16 2*2 @32 1*1",
        &[0x82, 0x70],
        &[0x7f, 0x7d],
        0x3f80_0000,
    );
    assert_eq!(g6, 0x4394_8000, "G6");
}

#[test]
fn amd_units() {
    let a1 = |c| d(&amd::CDNA3_BF16, "bf16", 8, "4700*4700", c);
    assert_eq!([a1(0xba80_0000), a1(0x3a80_0000)], [0x4e7f_ffff, 0x4e80_0000], "A1");
    let a3 = |text| d(&amd::CDNA3_BF16, "bf16", 8, text, 0x3f80_0000);
    assert_eq!(a3("b980*3900 b580*3580"), 0x3f7f_ffff, "A3");
    assert_eq!(a3("3980*3980 3580*3580"), 0x3f80_0000, "A3");
    let a4 = "4x3e00*3d80 3a00*3980 3800*3780";
    assert_eq!(d(&amd::CDNA3_BF16, "bf16", 8, a4, 0x3ffc_0000), 0x4000_0000, "A4");
    assert_eq!(d(&amd::CDNA3_BF16, "bf16", 8, "5f80*5f80 df80*5f00", 0), 0x7f80_0000, "A5");
    let b1 = |c| d(&amd::CDNA3_FP8, "e5m2fnuz", 16, "7c*6c", c);
    assert_eq!([b1(0xbf80_0000), b1(0xc000_0000)], [0x4c80_0000, 0x4c7f_ffff], "B1");
    let b2 = |text| d(&amd::CDNA3_FP8, "e5m2fnuz", 16, text, 0);
    assert_eq!(b2("7c*64 3c*40 @3 3c*40 @5 3c*40 @7 3c*40"), 0x4b80_0001, "B2");
    assert_eq!(b2("7c*64 @2 3c*40 @4 3c*40 @6 3c*40 @8 3c*40"), 0x4b80_0000, "B2");
    let c1 = "7800*7800 f800*7800 0001*0001";
    assert_eq!(d(&amd::CDNA1_F16, "f16", 4, c1, 0), 0x2780_0000, "C1");
    let c2 = "6c00*6c00 3c00*3c00 ec00*6c00 3c00*3c00";
    assert_eq!(d(&amd::CDNA1_F16, "f16", 4, c2, 0), 0x4000_0000, "C2");
    assert_eq!(d(&amd::CDNA2_F16, "f16", 4, c2, 0), 0x3f80_0000, "C2");
    assert_eq!(d(&amd::CDNA2_F16, "f16", 4, "0200*6400 0400*3c00", 0), 0x3880_0000, "C3");
}

#[test]
fn cpu_instructions() {
    // The first of each line is HW.
    #[rustfmt::skip]
    let lines = [
        ("I1", "cb80*3f80 4b80*3f80", 0x3f80_0000u32, [0, 0x3f80_0000, 0x3f80_0000]),
        ("I2", "3f80*3f80 3f80*3f80", 0x4b80_0000, [0x4b80_0000, 0x4b80_0001, 0x4b80_0001]),
        ("I3", "3f80*3f80 3380*3f80", 0x3f80_0000, [0x4000_0000, 0x4000_0001, 0x4000_0000]),
        ("I4", "", 0x0040_0000, [0, 0, 0x0040_0000]),
        ("I5", "3f80*3f80 3080*3f80", 0, [0x3f80_0000, 0x3f80_0001, 0x3f80_0000]),
    ];
    for (id, text, c, expected) in lines {
        let units = [x86::VDPBF16PS, arm::BFDOT_EBF0, arm::BFDOT_EBF1];
        for (unit, expected) in units.iter().zip(expected) {
            assert_eq!(d(unit, "bf16", 2, text, c), expected, "{id} {}", unit.name);
        }
    }
    // HW: 2^-126 - 2^-150 is tiny before its exponent is limited, and becomes zero.
    assert_eq!(d(&x86::VDPBF16PS, "bf16", 2, "0080*b380", 0x0080_0000), 0);
    let amx = "4b80*3f80 3f80*3f80 cb80*3f80 3f80*3f80";
    assert_eq!(d(&x86::AMX_BF16, "bf16", 32, amx, 0x3f80_0000), 0x4040_0000);
    let text = "6c*6c 3c*3c";
    assert_eq!(d(&arm::FDOT_FP8, "e5m2", 4, text, 0x3f00_0000), 0x4b80_0001);
    let [a, b] = products(text, 4);
    let ace = spec(&x86::ACE_TOP4MX, "e5m2", "e5m2");
    let found = ace.dot_scaled(&a, &b, [&[0x7f], &[0x7f]], 0x3f00_0000).unwrap();
    assert_eq!(found, 0x4b80_0000);
    // The power of two of FDOT: 2^-3 times 8 and 24, and C.
    let shifted = spec(&arm::FDOT_FP8, "e5m2", "e5m2").to_builder().shift(-3).build().unwrap();
    assert_eq!(shifted.dot(&[0x48, 0x4e], &[0x3c, 0x3c], 0).unwrap(), 4.0f32.to_bits());
}

#[test]
fn integer_units() {
    let seven = "32x7f*7f";
    assert_eq!(d(&imma::S8, "s8", 32, seven, 2_147_483_000), 0x8007_dd98);
    assert_eq!(d(&imma::S8_SATFINITE, "s8", 32, seven, 2_147_483_000), 0x7fff_ffff);
    let bytes =
        |unit: &MatrixUnit, c| spec(unit, "u8", "s8").dot(&[0xff; 4], &[0x7f; 4], c).unwrap();
    // HW.
    assert_eq!(bytes(&x86::VPDPBUSD, 0x7fff_ff00), 0x8001_f904);
    assert_eq!(bytes(&x86::VPDPBUSDS, 0x7fff_ff00), 0x7fff_ffff);
    // Each pair, 2 · 255 · 127, is clamped to 32767.
    assert_eq!(bytes(&x86::VPMADDUBSW, 0), 65534);
}

#[test]
fn bulk_normalization_rounds_to_odd_twice() {
    let d = |text: &str, c| d(&riscv::VFWBDOTA_BF16_128, "bf16", 8, text, c);
    // 1 + 2^-30: a bit below the 26 that are kept sets the last of them, and then of the f32.
    assert_eq!(d("3f80*3f80 3080*3f80", 0), 0x3f80_0001);
    assert_eq!(d("bf80*3f80 b080*3f80", 0), 0xbf80_0001);
    // Next to -1 that is 2^-23; with C first it would be 2^-30.
    assert_eq!(d("3f80*3f80 3080*3f80", 0xbf80_0000), 0x3400_0000);
    // Seven of 2^-24 are three and a half units of 2^-23; three is odd.
    assert_eq!(d("3f80*3f80 7x3380*3f80", 0), 0x3f80_0003);
    assert_eq!(d("", 0x8000_0000), 0);
}

#[test]
fn a_sum_of_products_overflows_before_c_joins() {
    let (large, minus_infinity) = ("7f00*7f00", 0xff80_0000);
    // Rounded by itself the sum is infinite, and C is the other infinity.
    for unit in [&riscv::VFWBDOTA_BF16_128, &arm::BFDOT_EBF1] {
        assert_eq!(d(unit, "bf16", 2, large, minus_infinity), 0x7fc0_0000, "{}", unit.name);
        assert_eq!(d(unit, "bf16", 2, "3f80*3f80", minus_infinity), minus_infinity);
    }
    // One sum with C in it does not overflow.
    assert_eq!(d(&hopper::HMMA_BF16, "bf16", 2, large, minus_infinity), minus_infinity);
}
