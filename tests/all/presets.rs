//! The presets that no array of the oracle reaches, and what `explain` says: tables written from the documents.

use subhalf::{Convert, FormatSpec, Unpacked};

/// Finite overflow of both signs, both infinities, both NaNs, −0.
const INPUTS: [f64; 7] = [1e9, -1e9, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN, -0.0];

/// Format, preset, and the codes of [`INPUTS`].
type Row = (FormatSpec, Convert, [u32; 7]);

/// formats.md 4.1, from the documents of each vendor: ONNX Cast-28, IEEE P3109 v4.0 (saturation), the Arm ARM (FPMR, A1.5.5), and AMD's host models.
const ROWS: &[Row] = &[
    // "saturate = 1: ±max, also of infinity; saturate = 0: NaN / infinity / NaN".
    (FormatSpec::F8E4M3, Convert::ONNX_SATURATE, [0x7E, 0xFE, 0x7E, 0xFE, 0x7F, 0x7F, 0x80]),
    (FormatSpec::F8E5M2, Convert::ONNX_SATURATE, [0x7B, 0xFB, 0x7B, 0xFB, 0x7E, 0x7E, 0x80]),
    (FormatSpec::F8E4M3FNUZ, Convert::ONNX_SATURATE, [0x7F, 0xFF, 0x7F, 0xFF, 0x80, 0x80, 0x00]),
    (FormatSpec::F8E4M3, Convert::ONNX_NO_SATURATE, [0x7F, 0xFF, 0x7F, 0xFF, 0x7F, 0x7F, 0x80]),
    (FormatSpec::F8E5M2, Convert::ONNX_NO_SATURATE, [0x7C, 0xFC, 0x7C, 0xFC, 0x7E, 0x7E, 0x80]),
    (FormatSpec::F8E5M2FNUZ, Convert::ONNX_NO_SATURATE, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
    // "OSC = 1: the maximum; OSC = 0: E4M3 NaN with the sign of the result, E5M2 infinity; NaN is the default NaN".
    (FormatSpec::F8E4M3, Convert::ARM_SATURATE, [0x7E, 0xFE, 0x7E, 0xFE, 0x7F, 0x7F, 0x80]),
    (FormatSpec::F8E5M2, Convert::ARM_SATURATE, [0x7B, 0xFB, 0x7B, 0xFB, 0x7E, 0x7E, 0x80]),
    (FormatSpec::F8E4M3, Convert::ARM, [0x7F, 0xFF, 0x7F, 0xFF, 0x7F, 0x7F, 0x80]),
    (FormatSpec::F8E5M2, Convert::ARM, [0x7C, 0xFC, 0x7C, 0xFC, 0x7E, 0x7E, 0x80]),
    // "finite numbers are clipped to ±240 and ±57344, infinity and NaN become 0x80".
    (FormatSpec::F8E4M3FNUZ, Convert::AMD_FNUZ, [0x7F, 0xFF, 0x80, 0x80, 0x80, 0x80, 0x00]),
    (FormatSpec::F8E5M2FNUZ, Convert::AMD_FNUZ, [0x7F, 0xFF, 0x80, 0x80, 0x80, 0x80, 0x00]),
    // "saturates; E4M3 infinity ±7F, E5M2 7B; NaN E4M3 ±7F, E5M2 ±7E; FP6 and FP4 NaN ±max".
    (FormatSpec::F8E4M3, Convert::GFX950_E4M3, [0x7E, 0xFE, 0x7F, 0xFF, 0x7F, 0xFF, 0x80]),
    (FormatSpec::F8E5M2, Convert::GFX950, [0x7B, 0xFB, 0x7B, 0xFB, 0x7E, 0xFE, 0x80]),
    (FormatSpec::F6E2M3, Convert::GFX950, [0x1F, 0x3F, 0x1F, 0x3F, 0x1F, 0x3F, 0x20]),
    (FormatSpec::F4E2M1, Convert::GFX950, [0x7, 0xF, 0x7, 0xF, 0x7, 0xF, 0x8]),
];

#[test]
fn formula_only_presets_give_the_codes_of_the_documents() {
    for &(spec, convert, expected) in ROWS {
        let codes = INPUTS.map(|x| spec.encode_f64_with(x, &convert, 0).code);
        assert_eq!(codes, expected, "{spec} {convert:?}");
    }
}

/// P3109 v4.0: SatPropagate clamps finite numbers and keeps infinity in extended domains; NaN stays NaN; an unsigned format clamps at 0.
#[test]
fn sat_propagate_keeps_infinity_where_it_exists() {
    let rows = [
        ("Binary8p4se", [0x7E, 0xFE, 0x7F, 0xFF, 0x80, 0x80, 0x00]),
        ("Binary8p4sf", [0x7F, 0xFF, 0x7F, 0xFF, 0x80, 0x80, 0x00]),
        ("Binary8p4ue", [0xFD, 0x00, 0xFE, 0x00, 0xFF, 0xFF, 0x00]),
        ("Binary8p4uf", [0xFE, 0x00, 0xFE, 0x00, 0xFF, 0xFF, 0x00]),
    ];
    for (name, expected) in rows {
        let spec = FormatSpec::by_name(name).unwrap();
        let codes = INPUTS.map(|x| spec.encode_f64_with(x, &Convert::P3109_SAT_PROPAGATE, 0).code);
        assert_eq!(codes, expected, "{name}");
    }
}

#[test]
fn explain_names_ties_neighbours_and_ends() {
    let told = |spec: FormatSpec, x: f64| spec.explain(Unpacked::from_f64(x), &spec.default_convert(), 0).to_string();
    let ends_with = |text: String, end: &str| assert!(text.ends_with(end), "{text}");
    let e4m3 = FormatSpec::F8E4M3;
    ends_with(
        told(e4m3, 464.0),
        "above the largest number 448 (0x7e), half-way to what would be the next; result 448 (0x7e); flags: inexact",
    );
    ends_with(told(e4m3, 465.0), "above the largest number 448 (0x7e); result 448 (0x7e); flags: overflow+inexact");
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
    assert!(told.tie && told.drops_sign);
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
