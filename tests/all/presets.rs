//! The presets that no array of the oracle reaches, and what `explain` says: tables written from
//! the documents, every cell of them.

mod onnx;

use crate::p3109::P3109;
use subhalf::{Convert, FormatSpec, Round, Stochastic, Unpacked};

/// Zeros, infinities and NaNs of both signs, finite overflow of both signs.
const SPECIAL: [f64; 8] =
    [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN, 1e9, -1e9];

/// The last f32 that does not overflow, the first that does and its negative, the smallest positive
/// number, half of it (a tie) and its negative.
fn ends(spec: FormatSpec) -> [f64; 6] {
    let ends = [
        (FormatSpec::F8E4M3, 464.0f32, 464.0f32.next_up(), -9),
        (FormatSpec::F8E5M2, 61440.0f32.next_down(), 61440.0, -16),
        (FormatSpec::F8E5M2FNUZ, 61440.0f32.next_down(), 61440.0, -17),
        (FormatSpec::F8E4M3FNUZ, 248.0f32.next_down(), 248.0, -10),
        (FormatSpec::F6E2M3, 7.75f32.next_down(), 7.75, -3),
        (FormatSpec::F6E3M2, 30.0f32.next_down(), 30.0, -4),
        (FormatSpec::F4E2M1, 7.0f32.next_down(), 7.0, -1),
    ];
    let (_, last, first, smallest) =
        *ends.iter().find(|row| row.0 == spec).expect("a row for the format");
    let smallest = f64::powi(2.0, smallest);
    [last.into(), first.into(), (-first).into(), smallest, smallest / 2.0, -smallest / 2.0]
}

/// Format, preset, the codes of [`SPECIAL`] and those of [`ends`].
type Row = (FormatSpec, Convert, [u32; 8], [u32; 6]);

const ROWS: &[Row] = &[
    // Arm Architecture Reference Manual, A1.5.5, FP8 convert instructions: "when the rounded result
    // with unbounded exponent has an absolute value that is greater than the maximum normalized
    // number for the output precision, or when an Infinity is converted", of the result's sign
    // "when FPMR.OSC is 1, the maximum normalized number; when FPMR.OSC is 0 and the output is in
    // the OFP8 E4M3 format, a signaling NaN; otherwise, an Infinity". NaN is the default NaN,
    // A1.5.7.1: E4M3 S.1111.111, E5M2 S.11111.10, sign 0 if FPCR.AH is 0. Round to nearest; no
    // subnormal number is flushed.
    (
        FormatSpec::F8E4M3,
        Convert::ARM_SATURATE,
        [0, 0x80, 0x7E, 0xFE, 0x7F, 0x7F, 0x7E, 0xFE],
        [0x7E, 0x7E, 0xFE, 1, 0, 0x80],
    ),
    (
        FormatSpec::F8E5M2,
        Convert::ARM_SATURATE,
        [0, 0x80, 0x7B, 0xFB, 0x7E, 0x7E, 0x7B, 0xFB],
        [0x7B, 0x7B, 0xFB, 1, 0, 0x80],
    ),
    (
        FormatSpec::F8E4M3,
        Convert::ARM,
        [0, 0x80, 0x7F, 0xFF, 0x7F, 0x7F, 0x7F, 0xFF],
        [0x7E, 0x7F, 0xFF, 1, 0, 0x80],
    ),
    (
        FormatSpec::F8E5M2,
        Convert::ARM,
        [0, 0x80, 0x7C, 0xFC, 0x7E, 0x7E, 0x7C, 0xFC],
        [0x7B, 0x7C, 0xFC, 1, 0, 0x80],
    ),
    // ROCm/clr 00387053, amd_hip_fp8.h, cast_to_f8 for gfx942 with clip: beyond 240 and 57344 the
    // largest number; infinity and NaN 0x80; −0 is 0.
    (
        FormatSpec::F8E4M3FNUZ,
        Convert::AMD_FNUZ,
        [0, 0, 0x80, 0x80, 0x80, 0x80, 0x7F, 0xFF],
        [0x7F, 0x7F, 0xFF, 1, 0, 0],
    ),
    (
        FormatSpec::F8E5M2FNUZ,
        Convert::AMD_FNUZ,
        [0, 0, 0x80, 0x80, 0x80, 0x80, 0x7F, 0xFF],
        [0x7F, 0x7F, 0xFF, 1, 0, 0],
    ),
    // ROCm/clr 0c33dfa0, amd_hip_ocp_host.hpp, from_float<float, E, true>: overflow and infinity
    // give inf<E, true>, which is the sign and 0x7F in E4M3 and 0x7B in E5M2, and nan<E, true> in
    // FP6 and FP4; that is the sign and 0x7F, 0x7E, and the largest magnitude.
    (
        FormatSpec::F8E4M3,
        Convert::GFX950_E4M3,
        [0, 0x80, 0x7F, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF],
        [0x7E, 0x7F, 0xFF, 1, 0, 0x80],
    ),
    (
        FormatSpec::F8E5M2,
        Convert::GFX950,
        [0, 0x80, 0x7B, 0xFB, 0x7E, 0xFE, 0x7B, 0xFB],
        [0x7B, 0x7B, 0xFB, 1, 0, 0x80],
    ),
    (
        FormatSpec::F6E2M3,
        Convert::GFX950,
        [0, 0x20, 0x1F, 0x3F, 0x1F, 0x3F, 0x1F, 0x3F],
        [0x1F, 0x1F, 0x3F, 1, 0, 0x20],
    ),
    (
        FormatSpec::F6E3M2,
        Convert::GFX950,
        [0, 0x20, 0x1F, 0x3F, 0x1F, 0x3F, 0x1F, 0x3F],
        [0x1F, 0x1F, 0x3F, 1, 0, 0x20],
    ),
    (
        FormatSpec::F4E2M1,
        Convert::GFX950,
        [0, 0x8, 0x7, 0xF, 0x7, 0xF, 0x7, 0xF],
        [0x7, 0x7, 0xF, 1, 0, 0x8],
    ),
];

#[test]
fn formula_only_presets_give_the_codes_of_the_documents() {
    for &(spec, convert, special, at_ends) in ROWS {
        let code = |x: f64| spec.encode_f64_with(x, &convert, 0).code;
        assert_eq!(SPECIAL.map(code), special, "{spec} {convert:?}");
        assert_eq!(ends(spec).map(code), at_ends, "{spec} {convert:?}");
    }
}

/// What a P3109 projection saturates: a rounded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    PlusInfinity,
    MinusInfinity,
    /// Below the smallest finite value; the largest is `High`.
    Below,
    Above,
}

/// What it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saturated {
    PlusInfinity,
    MinusInfinity,
    Low,
    High,
    Nan,
}

/// Saturation mode, roundings (none: all), rounded value, signedness (`s` or `u`) and domain (`e`
/// or `f`; `*` is any), and the result.
type Rule = (&'static str, &'static [Round], Value, char, char, Saturated);

/// IEEE P3109 Interim Report v4.0, 4.7.5, the declarations of ωSaturate that concern values out of
/// range, in their order: "the first matching pattern in the order presented" holds (4.3.2).
const SATURATE: &[Rule] = &[
    ("SatFinite", &[], Value::PlusInfinity, '*', '*', Saturated::High),
    ("SatFinite", &[], Value::MinusInfinity, '*', '*', Saturated::Low),
    ("SatFinite", &[], Value::Below, '*', '*', Saturated::Low),
    ("SatFinite", &[], Value::Above, '*', '*', Saturated::High),
    ("SatPropagate", &[], Value::PlusInfinity, '*', 'e', Saturated::PlusInfinity),
    ("SatPropagate", &[], Value::PlusInfinity, '*', '*', Saturated::High),
    ("SatPropagate", &[], Value::MinusInfinity, 's', 'e', Saturated::MinusInfinity),
    ("SatPropagate", &[], Value::MinusInfinity, '*', '*', Saturated::Low),
    ("SatPropagate", &[], Value::Below, '*', '*', Saturated::Low),
    ("SatPropagate", &[], Value::Above, '*', '*', Saturated::High),
    ("SatNone", &[], Value::PlusInfinity, '*', 'e', Saturated::PlusInfinity),
    ("SatNone", &[], Value::PlusInfinity, '*', '*', Saturated::High),
    ("SatNone", &[], Value::MinusInfinity, 's', 'e', Saturated::MinusInfinity),
    ("SatNone", &[], Value::MinusInfinity, 'u', '*', Saturated::Nan),
    ("SatNone", &[], Value::MinusInfinity, '*', '*', Saturated::Low),
    ("SatNone", &[Round::ToOdd], Value::Above, 'u', 'e', Saturated::High),
    ("SatNone", &[Round::TowardZero, Round::Down], Value::Above, '*', '*', Saturated::High),
    ("SatNone", &[Round::TowardZero, Round::Up], Value::Below, '*', '*', Saturated::Low),
    ("SatNone", &[], Value::Below, 's', 'e', Saturated::MinusInfinity),
    ("SatNone", &[], Value::Below, 'u', '*', Saturated::Nan),
    ("SatNone", &[], Value::Below, '*', '*', Saturated::Low),
    ("SatNone", &[], Value::Above, '*', 'e', Saturated::PlusInfinity),
    ("SatNone", &[], Value::Above, '*', '*', Saturated::High),
];

/// Every declaration of ωSaturate for every format from 3 to 10 bits and every rounding mode of
/// P3109, and NaN, which stays NaN.
#[test]
fn p3109_saturates_as_its_report_declares() {
    let stochastic = [Stochastic::A, Stochastic::B, Stochastic::C]
        .map(|kind| Round::stochastic(kind, 8).unwrap());
    let roundings = [
        Round::NearestEven,
        Round::NearestAway,
        Round::Up,
        Round::Down,
        Round::TowardZero,
        Round::ToOdd,
    ];
    let modes = [
        ("SatFinite", Convert::P3109_SAT_FINITE),
        ("SatPropagate", Convert::P3109_SAT_PROPAGATE),
        ("SatNone", Convert::P3109_SAT_NONE),
    ];
    let mut used = [0usize; SATURATE.len()];
    for format in P3109::all().filter(|format| format.bits() <= 10) {
        let (spec, signed, extended) = (format.spec(), format.is_signed(), format.is_extended());
        let low = if signed { format.nan() + format.max() } else { 0 };
        let far = Unpacked::new(false, 5, spec.max_exponent());
        // The least that is below 0 stays so, whatever the rounding, as it needs none.
        let below: &[Unpacked] = if signed {
            &[far.negate()]
        } else {
            &[far.negate(), spec.smallest_positive().negate()]
        };
        let inputs = [
            (Value::Above, far),
            (Value::PlusInfinity, Unpacked::infinity(false)),
            (Value::MinusInfinity, Unpacked::infinity(true)),
        ];
        let inputs = inputs.into_iter().chain(below.iter().map(|x| (Value::Below, *x)));
        for (value, x) in inputs {
            for (mode, convert) in modes {
                for round in roundings.into_iter().chain(stochastic) {
                    let matches = |rule: &Rule| {
                        let (sign, domain) =
                            (if signed { 's' } else { 'u' }, if extended { 'e' } else { 'f' });
                        let rounds = rule.1.is_empty() || rule.1.contains(&round);
                        let domains = (rule.3 == '*' || rule.3 == sign)
                            && (rule.4 == '*' || rule.4 == domain);
                        (rule.0, rule.2) == (mode, value) && rounds && domains
                    };
                    let at = SATURATE.iter().position(matches).expect("a rule for all");
                    used[at] += 1;
                    let expected = match SATURATE[at].5 {
                        Saturated::PlusInfinity => format.infinity().expect("an extended domain"),
                        Saturated::MinusInfinity => {
                            format.negative_infinity().expect("a signed extended domain")
                        }
                        Saturated::Low => low,
                        Saturated::High => format.max(),
                        Saturated::Nan => format.nan(),
                    };
                    for random in [0, 255] {
                        let found = spec.encode_with(x, &convert.with_round(round), random).code;
                        assert_eq!(
                            found, expected,
                            "{spec} {mode} {round:?}: {x} by {:?}",
                            SATURATE[at]
                        );
                    }
                }
            }
        }
        for (_, convert) in modes {
            for x in [f64::NAN, -f64::NAN] {
                assert_eq!(spec.encode_f64_with(x, &convert, 0).code, format.nan(), "{spec}");
            }
            assert_eq!(
                [0.0, -0.0].map(|x| spec.encode_f64_with(x, &convert, 0).code),
                [0; 2],
                "{spec}"
            );
        }
    }
    assert!(used.iter().all(|&count| count > 0), "{used:?}");
}

/// P3109 v4.0: SatPropagate clamps finite numbers and keeps infinity in extended domains; NaN stays
/// NaN; an unsigned format clamps at 0.
#[test]
fn sat_propagate_keeps_infinity_where_it_exists() {
    let rows = [
        ("Binary8p4se", [0x00, 0x00, 0x7F, 0xFF, 0x80, 0x80, 0x7E, 0xFE]),
        ("Binary8p4sf", [0x00, 0x00, 0x7F, 0xFF, 0x80, 0x80, 0x7F, 0xFF]),
        ("Binary8p4ue", [0x00, 0x00, 0xFE, 0x00, 0xFF, 0xFF, 0xFD, 0x00]),
        ("Binary8p4uf", [0x00, 0x00, 0xFE, 0x00, 0xFF, 0xFF, 0xFE, 0x00]),
    ];
    for (name, expected) in rows {
        let spec = FormatSpec::by_name(name).unwrap();
        let codes = SPECIAL.map(|x| spec.encode_f64_with(x, &Convert::P3109_SAT_PROPAGATE, 0).code);
        assert_eq!(codes, expected, "{name}");
    }
}

#[test]
fn explain_names_ties_neighbours_and_ends() {
    let told = |spec: FormatSpec, x: f64| {
        spec.explain(Unpacked::from_f64(x), &spec.default_convert(), 0).to_string()
    };
    let ends_with = |text: String, end: &str| assert!(text.ends_with(end), "{text}");
    let e4m3 = FormatSpec::F8E4M3;
    ends_with(
        told(e4m3, 464.0),
        "above the largest number 448 (0x7e), half-way to what would be the next; result 448 (0x7e); flags: inexact",
    );
    ends_with(
        told(e4m3, 465.0),
        "above the largest number 448 (0x7e); result 448 (0x7e); flags: overflow+inexact",
    );
    ends_with(told(e4m3, 448.0), "representable; result 448 (0x7e); flags: none");
    ends_with(told(e4m3, -0.0), "representable; result -0 (0x80); flags: none");
    ends_with(
        told(FormatSpec::INT8, 127.5),
        "above the largest number 127 (0x7f), half-way to what would be the next; result 127 (0x7f); flags: overflow+inexact",
    );
    ends_with(
        told(FormatSpec::F16, 65520.0),
        "between 65504 (0x7bff) and inf (0x7c00); result inf (0x7c00); flags: overflow+inexact",
    );
    ends_with(
        told(FormatSpec::E8M0, 0.0),
        "below the smallest number 5.877471754111438e-39 (0x00); result 5.877471754111438e-39 (0x00); flags: invalid",
    );
    let (spec, drops) = (FormatSpec::UE5M3, Convert::CUDA_SATFINITE);
    let told = spec.explain(Unpacked::from_f64(-5.25), &drops, 0);
    ends_with(
        told.to_string(),
        "the sign is dropped, a tie between 5 (0x8a) and 5.5 (0x8b), 0.5 apart; result 5 (0x8a); flags: inexact",
    );
    assert!(told.tie && told.drops_sign && !told.wraps);
    let told =
        |spec: FormatSpec, x: f64| spec.explain(Unpacked::from_f64(x), &Convert::ML_DTYPES_INT, 0);
    ends_with(
        told(FormatSpec::INT8, 200.5).to_string(),
        "above the largest number 127 (0x7f); the low bits are kept; result -56 (0xc8); flags: overflow+inexact",
    );
    ends_with(
        told(FormatSpec::UINT4, -1.0).to_string(),
        "below the smallest number 0 (0x00); the low bits are kept; result 15 (0x0f); flags: overflow+inexact",
    );
    assert!(told(FormatSpec::INT8, 200.0).wraps && !told(FormatSpec::INT8, 127.5).wraps);
}

#[test]
fn limits_print_legibly() {
    let bf16 = FormatSpec::BF16.finfo().to_string();
    assert_eq!(
        bf16,
        "BF16: 16 bits, max 3.3895313892515355e38, min -3.3895313892515355e38, normal from 1.1754943508222875e-38, \
        smallest 9.183549615799121e-41, epsilon 0.0078125, infinity, NaN, -0"
    );
    assert!(FormatSpec::INT1.finfo().to_string().starts_with("INT1: 1 bit, max 0, min -1"));
    let wide = FormatSpec::by_name("Binary16p1se").unwrap().finfo().to_string();
    assert!(wide.starts_with("Binary16p1se: 16 bits, max inf, min -inf"), "{wide}");
}
