//! The names of formats in each vocabulary, with the parameters that tell which format is meant.

use crate::number::Number;
use std::collections::BTreeMap;
use subhalf::{Error, FormatSpec, Vocabulary};

/// Names by format: width, largest and smallest positive number, codes of NaN; then what each
/// vocabulary calls it.
///
/// Columns: bits, max, min positive (as `significand p exponent of two` or decimal), number of NaN
/// codes, then the names as `vocabulary:name`. The sources are the reference, sections 1.2 (OCP and
/// ml_dtypes), 1.9 (ml_dtypes), 6.1 (safetensors) and 6.4 (ONNX); LLVM's and torch's names follow
/// ml_dtypes' list.
const NAMES: &str = "
 8 57344        1p-16  6    subhalf:F8E5M2 ocp:E5M2 ml:float8_e5m2 llvm:Float8E5M2 torch:float8_e5m2 onnx:FLOAT8E5M2 st:F8_E5M2
 8 448          1p-9   2    subhalf:F8E4M3 ocp:E4M3 ml:float8_e4m3fn llvm:Float8E4M3FN torch:float8_e4m3fn onnx:FLOAT8E4M3FN st:F8_E4M3
 8 240          1p-9   14   subhalf:F8E4M3IEEE ml:float8_e4m3 llvm:Float8E4M3
 8 15.5         1p-6   30   subhalf:F8E3M4 ml:float8_e3m4 llvm:Float8E3M4
 8 30           1p-6   2    subhalf:F8E3M4FN
 8 57344        1p-17  1    subhalf:F8E5M2FNUZ ml:float8_e5m2fnuz llvm:Float8E5M2FNUZ torch:float8_e5m2fnuz onnx:FLOAT8E5M2FNUZ st:F8_E5M2FNUZ p3109:Binary8p3sf
 8 240          1p-10  1    subhalf:F8E4M3FNUZ ml:float8_e4m3fnuz llvm:Float8E4M3FNUZ torch:float8_e4m3fnuz onnx:FLOAT8E4M3FNUZ st:F8_E4M3FNUZ p3109:Binary8p4sf
 8 30           1p-13  1    subhalf:F8E4M3B11FNUZ ml:float8_e4m3b11fnuz llvm:Float8E4M3B11FNUZ
 8 1p127        1p-127 1    subhalf:E8M0 ocp:E8M0 ml:float8_e8m0fnu llvm:Float8E8M0FNU torch:float8_e8m0fnu onnx:FLOAT8E8M0 st:F8_E8M0
 8 114688       1p-17  1    subhalf:UE5M3 llvm:Float8E5M3FNU
 7 448          1p-9   1    subhalf:UE4M3
 8 49152        1p-48  1    subhalf:UE6M2
 8 32768        1p-22  1    subhalf:HIF8
 6 28           1p-4   0    subhalf:F6E3M2 ocp:E3M2 ml:float6_e3m2fn llvm:Float6E3M2FN onnx:FLOAT6E3M2 st:F6_E3M2
 6 7.5          1p-3   0    subhalf:F6E2M3 ocp:E2M3 ml:float6_e2m3fn llvm:Float6E2M3FN onnx:FLOAT6E2M3 st:F6_E2M3
 4 6            1p-1   0    subhalf:F4E2M1 ocp:E2M1 ml:float4_e2m1fn llvm:Float4E2M1FN onnx:FLOAT4E2M1 st:F4
 4 1.75         1p-2   0    subhalf:F4E1M2
 4 7            1      0    subhalf:F4E0M3
 4 16           1p-2   0    subhalf:F4E3M0
16 255p120      1p-133 254  subhalf:BF16 ml:bfloat16 llvm:BFloat torch:bfloat16 onnx:BFLOAT16 st:BF16
16 65504        1p-24  2046 subhalf:F16 llvm:IEEEhalf torch:float16 onnx:FLOAT16 st:F16
 8 127          1      0    subhalf:INT8 ml:int8 torch:int8 onnx:INT8 st:I8
 8 127p-6       1p-6   0    subhalf:MXINT8 ocp:INT8
 8 255          1      0    subhalf:UINT8 ml:uint8 torch:uint8 onnx:UINT8 st:U8
 4 7            1      0    subhalf:INT4 ml:int4 onnx:INT4
 2 1            1      0    subhalf:INT2 ml:int2 onnx:INT2
 4 15           1      0    subhalf:UINT4 ml:uint4 onnx:UINT4
 2 3            1      0    subhalf:UINT2 ml:uint2 onnx:UINT2
 1 1            1      0    subhalf:UINT1 ml:uint1
";

#[derive(Clone, Copy, Debug, PartialEq)]
struct Parameters {
    bits: u32,
    max: Number,
    smallest_positive: Number,
    nan_codes: usize,
}

struct Row {
    parameters: Parameters,
    names: Vec<(Vocabulary, &'static str)>,
}

fn rows() -> Vec<Row> {
    let number = |text: &str| match text.split_once('p') {
        Some((significand, exponent)) => {
            Number::new(false, significand.parse().unwrap(), exponent.parse().unwrap())
        }
        None => Number::of_f64(text.parse().unwrap()),
    };
    let vocabulary = |short: &str| match short {
        "subhalf" => Vocabulary::Subhalf,
        "ocp" => Vocabulary::Ocp,
        "ml" => Vocabulary::MlDtypes,
        "llvm" => Vocabulary::Llvm,
        "torch" => Vocabulary::Torch,
        "onnx" => Vocabulary::Onnx,
        "st" => Vocabulary::Safetensors,
        "p3109" => Vocabulary::P3109,
        other => panic!("no vocabulary {other}"),
    };
    let parse = |line: &'static str| {
        let mut columns = line.split_whitespace();
        let mut next = || columns.next().unwrap();
        let parameters = Parameters {
            bits: next().parse().unwrap(),
            max: number(next()),
            smallest_positive: number(next()),
            nan_codes: next().parse().unwrap(),
        };
        let names = columns
            .map(|name| name.split_once(':').unwrap())
            .map(|(short, name)| (vocabulary(short), name))
            .collect();
        Row { parameters, names }
    };
    NAMES.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

fn parameters_of(spec: &FormatSpec) -> Parameters {
    Parameters {
        bits: spec.bits(),
        max: Number::of(spec.max()),
        smallest_positive: Number::of(spec.smallest_positive()),
        nan_codes: spec.codes().filter(|&code| spec.decode(code).is_nan()).count(),
    }
}

#[test]
fn every_name_of_every_vocabulary_is_the_format_that_its_document_means() {
    for row in rows() {
        for &(vocabulary, name) in &row.names {
            let spec = FormatSpec::by_name_in(vocabulary, name)
                .unwrap_or_else(|error| panic!("{vocabulary:?}: {error}"));
            assert_eq!(parameters_of(&spec), row.parameters, "{name} of {}", vocabulary.name());
            let (_, own) = row.names[0];
            assert_eq!(
                spec,
                FormatSpec::by_name_in(Vocabulary::Subhalf, own).unwrap(),
                "{name} of {}",
                vocabulary.name()
            );
            assert_eq!(
                spec.name_in(vocabulary).unwrap().as_str(),
                name,
                "{} does not find its way back",
                vocabulary.name()
            );
        }
    }
}

#[test]
fn a_name_without_vocabulary_is_refused_exactly_where_two_vocabularies_differ() {
    let mut meanings: BTreeMap<&str, Vec<Parameters>> = BTreeMap::new();
    for row in rows() {
        for (_, name) in row.names {
            let known = meanings.entry(name).or_default();
            if !known.contains(&row.parameters) {
                known.push(row.parameters);
            }
        }
    }
    let mut ambiguous = Vec::new();
    for (name, meanings) in meanings {
        match (FormatSpec::by_name(name), meanings.as_slice()) {
            (Ok(spec), [only]) => assert_eq!(parameters_of(&spec), *only, "{name}"),
            (Err(Error::AmbiguousName { .. }), [_, _, ..]) => ambiguous.push(name),
            (found, meanings) => panic!("{name}: {found:?} with the meanings {meanings:?}"),
        }
    }
    // OCP's INT8 is the element of MXINT8, a count of 64ths; everyone else's is the integer.
    assert_eq!(ambiguous, ["INT8"]);
}

#[test]
fn the_same_word_in_two_vocabularies_is_two_formats() {
    let max = |vocabulary, name| FormatSpec::by_name_in(vocabulary, name).unwrap().max().to_f64();
    // ml_dtypes' float8_e4m3 is IEEE-style, safetensors' F8_E4M3 is the FN format (reference,
    // sections 1.2 and 6.1).
    assert_eq!(max(Vocabulary::MlDtypes, "float8_e4m3"), 240.0);
    assert_eq!(max(Vocabulary::Safetensors, "F8_E4M3"), 448.0);
    assert_eq!(max(Vocabulary::Llvm, "Float8E4M3"), 240.0);
    assert_eq!(max(Vocabulary::Ocp, "E4M3"), 448.0);
    assert_eq!(max(Vocabulary::Onnx, "INT8"), 127.0);
    assert_eq!(max(Vocabulary::Ocp, "INT8"), 127.0 / 64.0);
    let Err(error) = FormatSpec::by_name("INT8") else {
        panic!("INT8 was taken for one of its meanings")
    };
    let message = error.to_string();
    assert!(
        message.contains("OCP means MXINT8") && message.contains("subhalf means INT8"),
        "{message}"
    );
}

#[test]
fn names_of_another_vocabulary_and_of_no_format_are_refused() {
    // Case, prefixes and blanks count, and so do types that hold no numbers of ours (reference,
    // sections 1.9 and 6.1).
    let strangers = [
        (Vocabulary::Safetensors, "float8_e4m3fn"),
        (Vocabulary::Safetensors, "BOOL"),
        (Vocabulary::Safetensors, "C64"),
        (Vocabulary::Safetensors, "F64"),
        (Vocabulary::Safetensors, "f8_e4m3"),
        (Vocabulary::Torch, "torch.float8_e4m3fn"),
        (Vocabulary::Torch, "float8_e4m3"),
        (Vocabulary::MlDtypes, "complex32"),
        (Vocabulary::MlDtypes, "float8_e4m3fn "),
        (Vocabulary::Onnx, "FLOAT8E4M3"),
        (Vocabulary::Ocp, "F8E4M3"),
        (Vocabulary::P3109, "E4M3"),
        (Vocabulary::Subhalf, "E4M3"),
        (Vocabulary::Subhalf, ""),
    ];
    for (vocabulary, name) in strangers {
        let found = FormatSpec::by_name_in(vocabulary, name);
        assert!(
            matches!(found, Err(Error::UnknownName { .. })),
            "{name} of {}: {found:?}",
            vocabulary.name()
        );
    }
    for name in [
        "",
        "BOOL",
        "complex32",
        "torch.float8_e4m3fn",
        "Float8",
        "a name much longer than any format of any vocabulary",
    ] {
        assert!(matches!(FormatSpec::by_name(name), Err(Error::UnknownName { .. })), "{name}");
    }
}

#[test]
fn second_names_mean_the_same_format_as_the_first() {
    let seconds = [
        (Vocabulary::Torch, "half", "float16"),
        (Vocabulary::Torch, "float", "float32"),
        (Vocabulary::P3109, "binary8p4sf", "Binary8p4sf"),
    ];
    for (vocabulary, second, first) in seconds {
        let [second_spec, first_spec] =
            [second, first].map(|name| FormatSpec::by_name_in(vocabulary, name).unwrap());
        assert_eq!(second_spec, first_spec, "{second}");
        assert_eq!(first_spec.name_in(vocabulary).unwrap().as_str(), first, "{second}");
    }
    // torch has FP4 only as pairs in a byte; ml_dtypes' int1 has no positive number, so the table
    // above has no row for it.
    assert_eq!(
        FormatSpec::by_name_in(Vocabulary::Torch, "float4_e2m1fn_x2").unwrap(),
        FormatSpec::F4E2M1
    );
    let int1 = FormatSpec::by_name_in(Vocabulary::MlDtypes, "int1").unwrap();
    assert_eq!((int1.bits(), int1.decode_f64(0), int1.decode_f64(1)), (1, 0.0, -1.0));
}

#[test]
fn every_constant_is_found_by_its_own_name() {
    for spec in FormatSpec::ALL {
        let found = FormatSpec::by_name_in(Vocabulary::Subhalf, spec.name()).unwrap();
        assert_eq!((found, found.name()), (*spec, spec.name()));
        assert_eq!(spec.name_in(Vocabulary::Subhalf).unwrap().as_str(), spec.name());
    }
}
