//! Conversions that other programs were seen to do, or that their documents give, under the policy
//! named after each program.

use subhalf::{Convert, FormatSpec, Overflow, Round, Unpacked};

fn next_up(x: f32) -> f32 {
    x.next_up()
}

fn two(exponent: i32) -> f32 {
    // Exact down to the smallest f32 subnormal, where `powi` may not be.
    if exponent >= -126 {
        f32::from_bits(((127 + exponent) as u32) << 23)
    } else {
        f32::from_bits(1 << (149 + exponent))
    }
}

fn check(spec: &FormatSpec, convert: &Convert, vectors: &[(f32, u32)]) {
    for &(x, code) in vectors {
        let found = spec.encode_f32_with(x, convert, 0).code;
        assert_eq!(
            found,
            code,
            "{spec}: {x:e} ({:#x}) gives {found:#x}, not {code:#x}",
            x.to_bits()
        );
        // The same through f64, which holds every f32: the road must not matter.
        let through_f64 = spec.encode_f64_with(f64::from(x), convert, 0).code;
        assert_eq!(through_f64, code, "{spec}: {x:e} as f64 gives {through_f64:#x}, not {code:#x}");
    }
}

/// A type of ml_dtypes as the reference describes its casts in section 1.3.
struct MlDtypes {
    spec: FormatSpec,
    /// The first magnitude that overflows, and the code that it, and infinity, become.
    overflow: f32,
    overflow_codes: [u32; 2],
    /// The largest magnitude that does not, and its code.
    max_code: u32,
    nan_codes: [u32; 2],
    /// Half the smallest number: the largest magnitude that underflows.
    underflow: f32,
    min_code: u32,
    /// What −0 and tiny negative numbers become.
    negative_zero: u32,
    sign: u32,
}

#[test]
fn ml_dtypes_overflows_underflows_and_makes_nan_as_observed() {
    let types = [
        (FormatSpec::F8E5M2, 61440.0, [0x7C, 0xFC], 0x7B, [0x7E, 0xFE], two(-17), 0x80),
        (FormatSpec::F8E4M3IEEE, 248.0, [0x78, 0xF8], 0x77, [0x7C, 0xFC], two(-10), 0x80),
        (FormatSpec::F8E3M4, 15.75, [0x70, 0xF0], 0x6F, [0x78, 0xF8], two(-7), 0x80),
        // 464 itself is a tie that goes to the even 448.
        (FormatSpec::F8E4M3, next_up(464.0), [0x7F, 0xFF], 0x7E, [0x7F, 0xFF], two(-10), 0x80),
        (FormatSpec::F8E4M3FNUZ, 248.0, [0x80, 0x80], 0x7F, [0x80, 0x80], two(-11), 0x00),
        (FormatSpec::F8E5M2FNUZ, 61440.0, [0x80, 0x80], 0x7F, [0x80, 0x80], two(-18), 0x00),
        (FormatSpec::F8E4M3B11FNUZ, 31.0, [0x80, 0x80], 0x7F, [0x80, 0x80], two(-14), 0x00),
        // These saturate, and NaN becomes a zero of the other sign.
        (FormatSpec::F6E3M2, 30.0, [0x1F, 0x3F], 0x1F, [0x20, 0x00], two(-5), 0x20),
        (FormatSpec::F6E2M3, 7.75, [0x1F, 0x3F], 0x1F, [0x20, 0x00], two(-4), 0x20),
        (FormatSpec::F4E2M1, 7.0, [0x7, 0xF], 0x7, [0x8, 0x0], two(-2), 0x8),
    ];
    for (spec, overflow, overflow_codes, max_code, nan_codes, underflow, negative_zero) in types {
        let sign = 1 << (spec.bits() - 1);
        check_ml_dtypes(&MlDtypes {
            spec,
            overflow,
            overflow_codes,
            max_code,
            nan_codes,
            underflow,
            min_code: 1,
            negative_zero,
            sign,
        });
    }
}

fn check_ml_dtypes(row: &MlDtypes) {
    let (overflow, underflow) = (row.overflow, row.underflow);
    check(
        &row.spec,
        &Convert::ML_DTYPES,
        &[
            (overflow, row.overflow_codes[0]),
            (-overflow, row.overflow_codes[1]),
            (f32::MAX, row.overflow_codes[0]),
            (f32::MIN, row.overflow_codes[1]),
            (f32::INFINITY, row.overflow_codes[0]),
            (f32::NEG_INFINITY, row.overflow_codes[1]),
            (overflow.next_down(), row.max_code),
            (-overflow.next_down(), row.max_code | row.sign),
            (f32::NAN.abs(), row.nan_codes[0]),
            (-f32::NAN.abs(), row.nan_codes[1]),
            (underflow, 0),
            (-underflow, row.negative_zero),
            (next_up(underflow), row.min_code),
            (-next_up(underflow), row.min_code | row.sign),
            (two(-149), 0),
            (-two(-149), row.negative_zero),
            (0.0, 0),
            (-0.0, row.negative_zero),
        ],
    );
}

#[test]
fn e2m1_ties_go_to_the_even_code() {
    // The reference, section 1.5: value at the tie and the result.
    for (tie, result) in
        [(0.25, 0.0), (0.75, 1.0), (1.25, 1.0), (1.75, 2.0), (2.5, 2.0), (3.5, 4.0), (5.0, 4.0)]
    {
        assert_eq!(
            FormatSpec::F4E2M1.decode_f32(FormatSpec::F4E2M1.encode_f32(tie)),
            result,
            "{tie}"
        );
        assert_eq!(
            FormatSpec::F4E2M1.decode_f32(FormatSpec::F4E2M1.encode_f32(-tie)),
            -result,
            "-{tie}"
        );
    }
}

#[test]
fn f32_to_eight_and_four_bits_are_the_vectors_of_the_reference() {
    // Section 7.1. Columns: e4m3fn of ml_dtypes, of CUDA with saturation, e5m2, e4m3fnuz and e2m1
    // of ml_dtypes.
    let rows: [(f32, [u32; 5]); 10] = [
        (448.0, [0x7E, 0x7E, 0x5F, 0x80, 7]),
        (464.0, [0x7E, 0x7E, 0x5F, 0x80, 7]),
        (next_up(464.0), [0x7F, 0x7E, 0x5F, 0x80, 7]),
        (240.0, [0x77, 0x77, 0x5C, 0x7F, 7]),
        (248.0, [0x78, 0x78, 0x5C, 0x80, 7]),
        (61440.0, [0x7F, 0x7E, 0x7C, 0x80, 7]),
        (2.5, [0x42, 0x42, 0x41, 0x4A, 4]),
        (5.0, [0x4A, 0x4A, 0x45, 0x52, 6]),
        (0.25, [0x28, 0x28, 0x34, 0x30, 0]),
        (0.75, [0x34, 0x34, 0x3A, 0x3C, 2]),
    ];
    let ml = &Convert::ML_DTYPES;
    for (x, [e4m3, e4m3_cuda, e5m2, e4m3fnuz, e2m1]) in rows {
        check(&FormatSpec::F8E4M3, ml, &[(x, e4m3)]);
        check(&FormatSpec::F8E4M3, &Convert::CUDA_SATFINITE, &[(x, e4m3_cuda)]);
        check(&FormatSpec::F8E5M2, ml, &[(x, e5m2)]);
        check(&FormatSpec::F8E4M3FNUZ, ml, &[(x, e4m3fnuz)]);
        check(&FormatSpec::F4E2M1, ml, &[(x, e2m1)]);
        check(&FormatSpec::F4E2M1, &Convert::CUDA_SATFINITE, &[(x, e2m1)]);
    }
    let tiny = -two(-10);
    check(&FormatSpec::F8E4M3, ml, &[(tiny, 0x80)]);
    check(&FormatSpec::F8E5M2, ml, &[(tiny, 0x94)]);
    check(&FormatSpec::F8E4M3FNUZ, ml, &[(tiny, 0x81)]);
    check(&FormatSpec::F4E2M1, ml, &[(tiny, 8)]);
    let (nan, minus_nan) = (f32::NAN.abs(), -f32::NAN.abs());
    check(&FormatSpec::F8E4M3, ml, &[(nan, 0x7F), (minus_nan, 0xFF)]);
    check(&FormatSpec::F8E4M3, &Convert::CUDA_SATFINITE, &[(nan, 0x7F), (minus_nan, 0x7F)]);
    check(&FormatSpec::F8E5M2, ml, &[(nan, 0x7E), (minus_nan, 0xFE)]);
    check(&FormatSpec::F8E4M3FNUZ, ml, &[(nan, 0x80), (minus_nan, 0x80)]);
    check(&FormatSpec::F4E2M1, ml, &[(nan, 8), (minus_nan, 0)]);
    check(&FormatSpec::F4E2M1, &Convert::CUDA_SATFINITE, &[(nan, 7), (minus_nan, 7)]);
}

#[test]
fn cuda_fp8_is_the_table_of_the_reference() {
    // Section 4.1: SATFINITE clamps infinity too; NOSAT keeps the sign of what overflows and drops
    // NaN's.
    let (nan, minus_nan) = (f32::NAN.abs(), -f32::NAN.abs());
    let (infinity, minus_infinity) = (f32::INFINITY, f32::NEG_INFINITY);
    let common = [(nan, 0x7F), (minus_nan, 0x7F)];
    for (spec, max) in [(FormatSpec::F8E4M3, 0x7E), (FormatSpec::F8E5M2, 0x7B)] {
        check(&spec, &Convert::CUDA_SATFINITE, &common);
        check(
            &spec,
            &Convert::CUDA_SATFINITE,
            &[(1e9, max), (-1e9, max | 0x80), (infinity, max), (minus_infinity, max | 0x80)],
        );
        check(&spec, &Convert::CUDA_NOSAT, &common);
    }
    let e4m3 = [
        (464.0, 0x7E),
        (next_up(464.0), 0x7F),
        (-next_up(464.0), 0xFF),
        (infinity, 0x7F),
        (minus_infinity, 0xFF),
    ];
    check(&FormatSpec::F8E4M3, &Convert::CUDA_NOSAT, &e4m3);
    let e5m2 = [
        (61440_f32.next_down(), 0x7B),
        (61440.0, 0x7C),
        (-61440.0, 0xFC),
        (infinity, 0x7C),
        (minus_infinity, 0xFC),
    ];
    check(&FormatSpec::F8E5M2, &Convert::CUDA_NOSAT, &e5m2);
    for (spec, max, sign) in [
        (FormatSpec::F6E2M3, 0x1F, 0x20),
        (FormatSpec::F6E3M2, 0x1F, 0x20),
        (FormatSpec::F4E2M1, 0x7, 0x8),
    ] {
        let vectors = [
            (nan, max),
            (minus_nan, max),
            (infinity, max),
            (minus_infinity, max | sign),
            (-1e9, max | sign),
        ];
        check(&spec, &Convert::CUDA_SATFINITE, &vectors);
    }
}

#[test]
fn into_e8m0_the_programs_disagree_as_observed() {
    // Section 1.6. Codes are exponents + 127; 1.5·2^k is the midpoint.
    let e8m0 = &FormatSpec::E8M0;
    let (nan, infinity) = (f32::NAN.abs(), f32::INFINITY);
    let top = two(127);
    let shared = [
        (1.0, 0x7F),
        (2.0, 0x80),
        (1.4, 0x7F),
        (1.6, 0x80),
        (top, 0xFE),
        (two(-126), 0x01),
        (two(-127), 0x00),
    ];
    let ties_up = [
        (1.5, 0x80),
        (3.0, 0x81),
        (1.5 * two(-126), 0x02),
        (1.5_f32.next_down(), 0x7F),
        (1.5_f32.next_down() * top, 0xFE),
    ];
    let tiny = [(two(-128), 0x00), (two(-149), 0x00)];

    let ml = &Convert::ML_DTYPES_E8M0;
    check(e8m0, ml, &[shared.as_slice(), &ties_up, &tiny].concat());
    check(
        e8m0,
        ml,
        &[
            (0.0, 0xFF),
            (-0.0, 0xFF),
            (-1.0, 0xFF),
            (-two(-140), 0xFF),
            (infinity, 0xFF),
            (nan, 0xFF),
            (1.5 * top, 0xFF),
        ],
    );

    let torch = &Convert::TORCH_2_10_E8M0;
    check(e8m0, torch, &[shared.as_slice(), &ties_up, &tiny].concat());
    check(
        e8m0,
        torch,
        &[
            (0.0, 0x00),
            (-0.0, 0x00),
            (-1.0, 0x7F),
            (-1.5, 0x80),
            (infinity, 0xFF),
            (nan, 0xFF),
            (1.5 * top, 0xFF),
        ],
    );

    // en_dtypes truncates, and everything below the smallest value is NaN.
    let en = &Convert::EN_DTYPES_E8M0;
    check(e8m0, en, &[(1.75, 0x7F), (3.9, 0x80), (5.0, 0x81), (f32::MAX, 0xFE), (two(-127), 0x00)]);
    check(
        e8m0,
        en,
        &[(two(-127).next_down(), 0xFF), (0.0, 0xFF), (-1.0, 0xFF), (infinity, 0xFF), (nan, 0xFF)],
    );

    // CUDA drops the sign; midpoints go up under round-to-nearest, everything above a power of two
    // does under RP.
    for (policy, above) in [(Convert::CUDA_SATFINITE, 0xFE), (Convert::CUDA_NOSAT, 0xFF)] {
        let nearest = &policy.with_round(Round::NearestUp);
        check(e8m0, nearest, &[shared.as_slice(), &ties_up, &tiny].concat());
        check(
            e8m0,
            nearest,
            &[
                (0.0, 0x00),
                (-1.0, 0x7F),
                (-1.5, 0x80),
                (infinity, above),
                (nan, 0xFF),
                (1.5 * top, above),
            ],
        );
        let up = &policy.with_round(Round::Up);
        let x = [
            (1.0, 0x7F),
            (next_up(1.0), 0x80),
            (-1.25, 0x80),
            (two(-127), 0x00),
            (next_up(two(-127)), 0x01),
            (two(-149), 0x00),
        ];
        check(e8m0, up, &x);
        check(
            e8m0,
            up,
            &[(0.0, 0x00), (top, 0xFE), (next_up(top), above), (infinity, above), (nan, 0xFF)],
        );
        let down = &policy.with_round(Round::TowardZero);
        check(
            e8m0,
            down,
            &[
                (0.0, 0x00),
                (1.99, 0x7F),
                (-1.99, 0x7F),
                (two(-127), 0x00),
                (two(-149), 0x00),
                (f32::MAX, 0xFE),
                (nan, 0xFF),
            ],
        );
    }
}

#[test]
fn p3109_scale_saturates_as_its_finite_domain_says() {
    // Section 1.6, last row: code 0 is zero, infinity clamps to 0xFE = 2^126, negative numbers are
    // NaN or 0.
    let spec = &FormatSpec::by_name("Binary8p1uf").unwrap();
    let shared = [
        (0.0, 0x00),
        (1.0, 0x80),
        (two(126), 0xFE),
        (f32::MAX, 0xFE),
        (f32::INFINITY, 0xFE),
        (f32::NAN, 0xFF),
    ];
    check(spec, &Convert::P3109_SAT_NONE, &[shared.as_slice(), &[(-1.0, 0xFF)]].concat());
    check(spec, &Convert::P3109_SAT_FINITE, &[shared.as_slice(), &[(-1.0, 0x00)]].concat());
}

#[test]
fn ue5m3_is_the_vectors_of_the_reference() {
    // Section 7.2 and 1.7: sign dropped, 118784 is the tie between the largest number and the code
    // of NaN.
    let spec = &FormatSpec::UE5M3;
    let shared = [
        (1.0, 0x78),
        (114688.0, 0xFE),
        (118784.0, 0xFE),
        (two(-18), 0x00),
        (next_up(two(-18)), 0x01),
        (-5.0, 0x8A),
        (5.0, 0x8A),
    ];
    for (policy, above) in [(Convert::CUDA_SATFINITE, 0xFE), (Convert::CUDA_NOSAT, 0xFF)] {
        check(spec, &policy, &shared);
        check(
            spec,
            &policy,
            &[
                (next_up(118784.0), above),
                (131072.0, above),
                (f32::INFINITY, above),
                (f32::NAN, 0xFF),
            ],
        );
        let truncating = policy.with_round(Round::TowardZero);
        check(spec, &truncating, &[(114689.0, 0xFE), (f32::INFINITY, above)]);
        let up = policy.with_round(Round::Up);
        check(
            spec,
            &up,
            &[(114689.0, above), (1.0_f32.next_up(), 0x79), (two(-149), 0x01), (f32::NAN, 0xFF)],
        );
    }
    // RZ without saturation: a finite number never overflows (IEEE 754's rule, which CUDA follows
    // here).
    let finite =
        Convert::CUDA_NOSAT.with_round(Round::TowardZero).with_overflow(Overflow::DirectedSpecial);
    check(spec, &finite, &[(131072.0, 0xFE), (f32::MAX, 0xFE), (f32::INFINITY, 0xFF)]);
}

#[test]
fn hif8_rounds_half_away_as_observed() {
    // Section 2.2, verified vectors; without saturation infinity is 0x6F.
    let hif8 = &FormatSpec::HIF8;
    let policy = hif8.default_convert();
    let vectors = [
        (1.0, 0x08),
        (-1.0, 0x88),
        (0.5, 0x18),
        (2.0, 0x10),
        (1.0625, 0x09),
        (1.1875, 0x0A),
        (3.9375, 0x20),
        (7.75, 0x28),
        (15.5, 0x40),
        (17.0, 0x40),
        (18.0, 0x41),
        (22.0, 0x42),
        (124.0, 0x4C),
        (320.0, 0x61),
        (32768.0, 0x6E),
        (40959.0, 0x6E),
        (f32::NAN, 0x80),
        (two(-15), 0x7E),
        (two(-16), 0x07),
        (1.5 * two(-16), 0x7E),
        (1.25 * two(-15), 0x7F),
        (two(-22), 0x01),
        (two(-23), 0x01),
        (two(-23).next_down(), 0x00),
        (-two(-23).next_down(), 0x00),
        (1.5 * two(-23), 0x01),
        (-0.0, 0x00),
        (3.0, 0x14),
        (0.1, 0x52),
        (-0.3, 0xB2),
        (2.5e-4, 0x78),
        (3.875, 0x20),
        (f32::INFINITY, 0x6F),
        (f32::NEG_INFINITY, 0xEF),
    ];
    check(hif8, &policy, &vectors);
    check(hif8, &policy, &[(40960.0, 0x6E), (-1e30, 0xEE)]);
    let special = policy.with_overflow(Overflow::Special);
    check(hif8, &special, &vectors);
    check(hif8, &special, &[(40960.0, 0x6F), (-40960.0, 0xEF), (1e30, 0x6F)]);
    let infinite_saturates = Convert::CUDA_SATFINITE.with_round(Round::NearestAway);
    check(
        hif8,
        &infinite_saturates,
        &[(40960.0, 0x6E), (f32::INFINITY, 0x6E), (f32::NEG_INFINITY, 0xEE)],
    );
}

#[test]
fn f64_is_rounded_once() {
    // Section 1.3: casts that go through f32 lose the bit that decides. 1.0625 is the tie between 1
    // and 1.125.
    let above = 1.0625 + 2f64.powi(-40);
    assert_eq!(FormatSpec::F8E4M3.decode_f64(FormatSpec::F8E4M3.encode_f64(above)), 1.125);
    assert_eq!(FormatSpec::F8E4M3.decode_f32(FormatSpec::F8E4M3.encode_f32(above as f32)), 1.0);
    // 2^32 + 2^24 + 1 lies above the tie of bfloat16 at 2^32.
    let wide = Unpacked::new(false, (1 << 32) + (1 << 24) + 1, 0);
    let bf16 = FormatSpec::BF16.encode_with(wide, &Convert::IEEE, 0).code;
    assert_eq!(FormatSpec::BF16.decode_f64(bf16), 2f64.powi(32) + 2f64.powi(25));
}

#[test]
fn mxint8_reaches_minus_two_and_its_symmetric_twin_does_not() {
    // Section 3.4: gfloat's ocp_int8 gives 0x80 for −2, microxcaling and Quark clamp to −127/64.
    let (full, symmetric) = (FormatSpec::MXINT8, FormatSpec::MXINT8SYM);
    for (x, codes) in [
        (-2.0, [0x80, 0x81]),
        (-1e9, [0x80, 0x81]),
        (-1.984375, [0x81, 0x81]),
        (2.0, [0x7F, 0x7F]),
        (1.0, [0x40, 0x40]),
    ] {
        assert_eq!([full.encode_f32(x), symmetric.encode_f32(x)], codes, "{x}");
    }
}
