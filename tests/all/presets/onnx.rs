//! ONNX Cast: the tables of the operator's text, and arrays that onnx's evaluator and onnxruntime
//! made (`tests/golden/onnx`).

use std::collections::BTreeMap;
use subhalf::{Convert, FormatSpec, Nan, Negative, Round};

/// The columns of the arrays, by name, and the inputs, `f32`.
fn arrays() -> BTreeMap<String, Vec<u32>> {
    let text = include_str!("../../golden/onnx/cast.tsv");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a line of names").split('\t').collect();
    let mut columns: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields.len(), names.len(), "{line}");
        for (name, field) in names.iter().zip(fields) {
            let bits = u32::from_str_radix(field, 16)
                .unwrap_or_else(|error| panic!("{name}: {field}: {error}"));
            columns.entry((*name).to_owned()).or_default().push(bits);
        }
    }
    columns
}

/// Inputs whose code under a policy is not the array's: input, array's code, policy's code.
fn differences(
    arrays: &BTreeMap<String, Vec<u32>>,
    column: &str,
    spec: FormatSpec,
    convert: &Convert,
    mut each: impl FnMut(f32, u32, u32),
) -> usize {
    let (inputs, codes) = (&arrays["f32"], &arrays[column]);
    let mut count = 0;
    for (&bits, &code) in inputs.iter().zip(codes) {
        let x = f32::from_bits(bits);
        let found = spec.encode_f32_with(x, convert, 0).code;
        if found != code {
            each(x, code, found);
            count += 1;
        }
    }
    count
}

fn equal(arrays: &BTreeMap<String, Vec<u32>>, column: &str, spec: FormatSpec, convert: &Convert) {
    differences(arrays, column, spec, convert, |x, expected, found| {
        panic!(
            "{column}: {x:e} ({:#x}): expected {expected:#04x}, found {found:#04x}",
            x.to_bits()
        );
    });
}

const FP8: [(&str, FormatSpec); 4] = [
    ("e4m3fn", FormatSpec::F8E4M3),
    ("e4m3fnuz", FormatSpec::F8E4M3FNUZ),
    ("e5m2", FormatSpec::F8E5M2),
    ("e5m2fnuz", FormatSpec::F8E5M2FNUZ),
];

/// `round_mode` of Cast into E8M0.
const MODES: [(&str, Round); 3] =
    [("up", Round::Up), ("nearest", Round::NearestUp), ("down", Round::TowardZero)];

#[test]
fn casts_into_fp8_are_the_evaluators_and_onnxruntimes() {
    let arrays = arrays();
    assert!(arrays["f32"].len() > 800);
    for (saturate, convert) in [(1, Convert::ONNX_SATURATE), (0, Convert::ONNX_NO_SATURATE)] {
        for (name, spec) in FP8 {
            equal(&arrays, &format!("onnx.{name}.{saturate}"), spec, &convert);
            // The NaN of E5M2 has all mantissa bits set there. Without saturation numbers that
            // overflow by a little are mistaken: in E4M3 those whose bits are cut to NaN's become
            // the largest number, in E5M2 infinity is put over the largest number's bits.
            let (runtime, column) =
                (convert.with_nan(Nan::SignedAllOnes), format!("onnxruntime.{name}.{saturate}"));
            let mistaken = differences(&arrays, &column, spec, &runtime, |x, theirs, ours| {
                let known = match name {
                    "e4m3fn" => {
                        (480.0..496.0).contains(&x.abs())
                            && (theirs & 0x7F, ours & 0x7F) == (0x7E, 0x7F)
                    }
                    "e5m2" => {
                        (61440.0..65536.0).contains(&x.abs())
                            && (theirs & 0x7F, ours & 0x7F) == (0x7F, 0x7C)
                    }
                    _ => false,
                };
                assert!(
                    known && saturate == 0,
                    "{column}: {x:e}: expected {theirs:#04x}, found {ours:#04x}"
                );
            });
            assert_eq!(
                mistaken > 0,
                saturate == 0 && ["e4m3fn", "e5m2"].contains(&name),
                "{column}"
            );
        }
    }
}

/// The evaluator leaves these to ml_dtypes.
#[test]
fn casts_into_fp6_and_fp4_are_those_of_ml_dtypes() {
    let arrays = arrays();
    for (name, spec) in
        [("e2m1", FormatSpec::F4E2M1), ("e2m3", FormatSpec::F6E2M3), ("e3m2", FormatSpec::F6E3M2)]
    {
        equal(&arrays, &format!("onnx.{name}"), spec, &Convert::ML_DTYPES);
    }
}

/// onnxruntime follows the operator's table. What that leaves unspecified, negative numbers, it
/// clamps, or makes NaN of without saturation; and it compares with the largest and the smallest
/// number before it rounds.
#[test]
fn casts_into_e8m0_are_onnxruntimes() {
    let arrays = arrays();
    for (mode, round) in MODES {
        let clamps = Convert::ONNX_SATURATE_E8M0.with_round(round).with_negative(Negative::Clamp);
        equal(&arrays, &format!("onnxruntime.e8m0.1.{mode}"), FormatSpec::E8M0, &clamps);
        let refuses = Convert::ONNX_NO_SATURATE_E8M0.with_round(round).with_negative(Negative::Nan);
        let column = format!("onnxruntime.e8m0.0.{mode}");
        let (smallest, largest) = (f32::powi(2.0, -127), f32::powi(2.0, 127));
        let judged =
            differences(&arrays, &column, FormatSpec::E8M0, &refuses, |x, expected, found| {
                let beyond =
                    (x > largest && found == 0xFE) || (x < smallest && x > 0.0 && found == 0x00);
                assert!(
                    beyond && expected == 0xFF,
                    "{column}: {x:e}: expected {expected:#04x}, found {found:#04x}"
                );
            });
        assert!(judged > 0, "{column}");
    }
}

/// onnx's evaluator drops the sign and judges after rounding. It parts from the operator's own
/// table: infinity does not saturate, zero and what is too small make no NaN, and subnormal f32s
/// are rounded as if their exponent field were that of 2^-127 and 2^-127 itself had a fraction.
#[test]
fn casts_into_e8m0_are_the_evaluators_but_for_where_it_parts_from_its_table() {
    let arrays = arrays();
    let (smallest, normal) = (f32::powi(2.0, -127), f32::MIN_POSITIVE);
    for (saturate, convert) in
        [(1, Convert::ONNX_SATURATE_E8M0), (0, Convert::ONNX_NO_SATURATE_E8M0)]
    {
        let mut parted = [0; 4];
        for (mode, round) in MODES {
            let column = format!("onnx.e8m0.{saturate}.{mode}");
            differences(
                &arrays,
                &column,
                FormatSpec::E8M0,
                &convert.with_round(round),
                |x, expected, found| {
                    let magnitude = x.abs();
                    let which: &[(usize, u32, u32)] = if x.is_infinite() && saturate == 1 {
                        &[(0, 0xFF, 0xFE)]
                    } else if magnitude == 0.0 && saturate == 0 {
                        &[(1, 0x00, 0xFF)]
                    } else if magnitude < smallest && saturate == 0 {
                        &[(2, 0x00, 0xFF), (2, 0x01, 0xFF), (2, 0x01, 0x00)]
                    } else if magnitude < normal {
                        &[(3, 0x01, 0x00)]
                    } else {
                        &[]
                    };
                    let known = which
                        .iter()
                        .find(|(_, theirs, ours)| (*theirs, *ours) == (expected, found));
                    let Some((kind, ..)) = known else {
                        panic!("{column}: {x:e}: expected {expected:#04x}, found {found:#04x}")
                    };
                    parted[*kind] += 1;
                },
            );
        }
        // Each of these does happen.
        assert!(parted[3] > 0 && (parted[0] > 0) == (saturate == 1), "{parted:?}");
        assert!(
            (parted[1] > 0) == (saturate == 0) && (parted[2] > 0) == (saturate == 0),
            "{parted:?}"
        );
    }
}

/// Cast, opset 28, the first table ("by default") and the second ("saturate is set to False"): 0,
/// −0, NaN, −NaN, Inf, −Inf, \[x\] > `FLT_MAX`, \[x\] < −`FLT_MAX`. Of −NaN the first says nothing:
/// the code is the evaluator's.
#[test]
fn case_1_every_cell_of_the_tables_of_fp8() {
    let inputs = [0.0, -0.0, f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e9, -1e9];
    let rows = [
        (FormatSpec::F8E4M3, Convert::ONNX_SATURATE, [0, 0x80, 0x7F, 0xFF, 0x7E, 0xFE, 0x7E, 0xFE]),
        (
            FormatSpec::F8E4M3FNUZ,
            Convert::ONNX_SATURATE,
            [0, 0, 0x80, 0x80, 0x7F, 0xFF, 0x7F, 0xFF],
        ),
        (FormatSpec::F8E5M2, Convert::ONNX_SATURATE, [0, 0x80, 0x7E, 0xFE, 0x7B, 0xFB, 0x7B, 0xFB]),
        (
            FormatSpec::F8E5M2FNUZ,
            Convert::ONNX_SATURATE,
            [0, 0, 0x80, 0x80, 0x7F, 0xFF, 0x7F, 0xFF],
        ),
        (
            FormatSpec::F8E4M3,
            Convert::ONNX_NO_SATURATE,
            [0, 0x80, 0x7F, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF],
        ),
        (
            FormatSpec::F8E4M3FNUZ,
            Convert::ONNX_NO_SATURATE,
            [0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        ),
        (
            FormatSpec::F8E5M2,
            Convert::ONNX_NO_SATURATE,
            [0, 0x80, 0x7E, 0xFE, 0x7C, 0xFC, 0x7C, 0xFC],
        ),
        (
            FormatSpec::F8E5M2FNUZ,
            Convert::ONNX_NO_SATURATE,
            [0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        ),
    ];
    for (spec, convert, expected) in rows {
        assert_eq!(
            inputs.map(|x| spec.encode_f32_with(x, &convert, 0).code),
            expected,
            "{spec} {convert:?}"
        );
        // "[x] means the value rounded to the target mantissa width": half a unit above the largest
        // number, where that goes down.
        let last = [464.0f32, 248.0f32.next_down(), 61440.0f32.next_down(), 61440.0f32.next_down()];
        let largest = [0x7E, 0x7F, 0x7B, 0x7F];
        let at = FP8.iter().position(|(_, format)| *format == spec).expect("one of the four");
        let (last, largest) = (last[at], largest[at]);
        let codes =
            [last, -last, last.next_up()].map(|x| spec.encode_f32_with(x, &convert, 0).code);
        assert_eq!(codes, [largest, largest | 0x80, expected[6]], "{spec} {convert:?}");
    }
}

/// Cast, opset 28, the table of E8M0: 0, NaN, Inf, x > `E8M0_MAX`, x < `E8M0_MIN`; −0 and x < 0 are
/// unspecified. Beside it 1.4, 1.5 and 2.8 in the three modes.
#[test]
fn case_13_every_cell_of_the_table_of_e8m0() {
    let inputs = [0.0, f32::NAN, -f32::NAN, f32::INFINITY, f32::MAX, f32::powi(2.0, -129)];
    let codes = |convert: Convert, x: &[f32]| -> Vec<u32> {
        x.iter().map(|&x| FormatSpec::E8M0.encode_f32_with(x, &convert, 0).code).collect()
    };
    assert_eq!(codes(Convert::ONNX_SATURATE_E8M0, &inputs), [0x00, 0xFF, 0xFF, 0xFE, 0xFE, 0x00]);
    assert_eq!(codes(Convert::ONNX_NO_SATURATE_E8M0, &inputs), [0xFF; 6]);
    for convert in [Convert::ONNX_SATURATE_E8M0, Convert::ONNX_NO_SATURATE_E8M0] {
        let by = |round: Round| codes(convert.with_round(round), &[1.0, 1.4, 1.5, 2.8]);
        assert_eq!(by(Round::Up), [0x7F, 0x80, 0x80, 0x81]);
        assert_eq!(by(Round::NearestUp), [0x7F, 0x7F, 0x80, 0x80]);
        assert_eq!(by(Round::TowardZero), [0x7F, 0x7F, 0x7F, 0x80]);
    }
}
