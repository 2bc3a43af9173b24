//! The block-scaled schemes of `subhalf report` and `subhalf diff`: tables, JSON, CSV, plot,
//! differences and refusals.

use super::{Scratch, printed, refusal, run, safetensors};
use serde_json::Value;
use subhalf::{QuantTensor, ScaleRule, Sqnr, preset};

/// The text of a report that must succeed.
fn report(arguments: &[&str]) -> String {
    printed([&["report"], arguments].concat())
}

/// Numbers and their shape.
type Tensor = (Vec<f32>, Vec<usize>);

/// Two tensors: `a` of three axes with a name that CSV has to quote, and `b`.
fn weights(name: &str) -> (Scratch, [Tensor; 2]) {
    let a: Vec<f32> = (0..96).map(|i| (i as f32 - 40.0) * 0.37).collect();
    let b: Vec<f32> = (0..40).map(|i| 1.0 / (i as f32 + 1.5)).collect();
    let header = r#"{"a,\"x\"":{"dtype":"F32","shape":[4,8,3],"data_offsets":[0,384]},
        "b":{"dtype":"F32","shape":[40],"data_offsets":[384,544]},"mask":{"dtype":"U8","shape":[2],"data_offsets":[544,546]}}"#;
    let data: Vec<u8> = a.iter().chain(&b).flat_map(|x| x.to_le_bytes()).chain([0, 1]).collect();
    let file = Scratch::file(name, &safetensors(header, &data));
    (file, [(a, vec![4, 8, 3]), (b, vec![40])])
}

/// The parser of JSON may be off by an ulp.
fn near(told: &Value, measured: f64) -> bool {
    (told.as_f64().unwrap() / measured - 1.0).abs() < 1e-15
}

fn decibels(ratio: Sqnr) -> f64 {
    match ratio {
        Sqnr::Decibels(value) => value,
        _ => panic!("{ratio}"),
    }
}

#[test]
fn json_has_every_scheme_and_what_the_library_measures() {
    let (file, tensors) = weights("json.safetensors");
    let report = report(&[file.name(), "--json", "--formats", "all", "--schemes", "all"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["tensors"][0]["name"], "a,\"x\"");
    assert_eq!(report["tensors"][0]["shape"], serde_json::json!([4, 8, 3]));
    let left_out = &report["left_out"];
    assert_eq!(left_out["tensors"].as_array().unwrap().len(), 1);
    let nothing = [&left_out["formats"], &left_out["schemes"], &left_out["more"]];
    assert_eq!(nothing, [&serde_json::json!([]), &serde_json::json!([]), &Value::Null]);
    let signed = subhalf::FormatSpec::ALL.iter().filter(|spec| spec.is_signed());
    let formats = report["formats"].as_array().unwrap().iter().map(|format| &format["name"]);
    assert!(formats.eq(signed.map(subhalf::FormatSpec::name)));
    let schemes = report["schemes"].as_array().unwrap();
    let mut names: Vec<&str> =
        schemes.iter().map(|scheme| scheme["name"].as_str().unwrap()).collect();
    let bits: Vec<f64> =
        schemes.iter().map(|scheme| scheme["total"]["stored_bits"].as_f64().unwrap()).collect();
    assert!(bits.is_sorted());
    let measurable = preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given));
    let mut expected: Vec<&str> = measurable.map(|preset| preset.name).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);

    let mxfp4 = schemes.iter().find(|scheme| scheme["name"] == "ocp::MXFP4").unwrap();
    assert_eq!(
        (&mxfp4["source"], &mxfp4["evidence"], &mxfp4["bits"]),
        (&"OCP MX 1.0".into(), &"checked".into(), &4.25.into())
    );
    let of = |index: usize| &report["tensors"][index]["schemes"]["ocp::MXFP4"];
    // a has 32 rows of 3 elements: 2 bytes of codes and 1 of scale each. b has 20 bytes of codes
    // and 2 scales.
    assert_eq!((&of(0)["stored_bits"], &of(1)["stored_bits"]), (&8.0.into(), &4.4.into()));
    assert_eq!(mxfp4["total"]["stored_bits"], (32.0 * 3.0 + 22.0) * 8.0 / 136.0);
    for (index, (x, shape)) in tensors.iter().enumerate() {
        let stats = QuantTensor::quantize(&preset::ocp::MXFP4, x, shape).unwrap().stats(x).unwrap();
        let (errors, told) = (stats.errors(), of(index));
        assert!(near(&told["sqnr_db"], decibels(errors.sqnr_db())));
        assert!(
            near(&told["mse"], errors.mean_squared_error())
                && near(&told["cosine"], errors.cosine().unwrap())
        );
        assert_eq!(
            (&told["saturated"], &told["flushed"]),
            (&errors.saturated().into(), &errors.flushed().into())
        );
        assert_eq!(told["worst_block"]["block"], stats.worst().unwrap().index);
    }
    let codes = mxfp4["total"]["codes"].as_object().unwrap();
    assert_eq!(codes.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 136);
}

#[test]
fn csv_has_a_row_for_each_scheme_and_tensor() {
    let (file, _) = weights("csv.safetensors");
    let text = report(&[file.name(), "--csv", "--schemes", "ocp::MXFP4,ocp::mxfp8_e4m3"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(
        reader.headers().unwrap().iter().take(4).collect::<Vec<_>>(),
        ["scheme", "bits", "part", "tensor"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let parts: Vec<[&str; 3]> = rows.iter().map(|row| [&row[0], &row[2], &row[3]]).collect();
    let both = |part, tensor| ["ocp::MXFP8_E4M3", "ocp::MXFP4"].map(|name| [name, part, tensor]);
    let left_out = [["", "left out", "mask"], ["", "left out", ""]];
    let mut totals = both("total", "");
    totals.reverse(); // by their bits
    let expected = [left_out, both("tensor", "a,\"x\""), both("tensor", "b"), totals];
    assert_eq!(parts, expected.concat());
    assert!(rows[2..].iter().all(|row| row[6].parse::<f64>().is_ok()), "{text}");
}

#[test]
fn tables_mark_the_best_for_their_bits() {
    let (file, _) = weights("tables.safetensors");
    let text = report(&[file.name(), "--schemes", "ocp::"]);
    assert!(!text.contains("Formats\n"), "schemes alone");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "lines stay legible");
    let (_, table) = text.split_once("Schemes, all tensors\n").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), preset::all().filter(|preset| preset.name.starts_with("ocp::")).count());
    assert!(rows[0].starts_with("*  ocp::"), "{}", rows[0]);
    assert!(text.contains("\ntensor  shape  "), "{text}");
    assert!(text.contains("\na,\"x\"   4x8x3  "), "{text}");
    // As matrices, a has 4 rows of 24: 12 bytes of codes and 1 of scale.
    let text = report(&[file.name(), "--flatten", "--json", "--schemes", "ocp::MXFP4"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let stored_bits = &report["tensors"][0]["schemes"]["ocp::MXFP4"]["stored_bits"];
    assert_eq!(*stored_bits, 13.0 * 8.0 / 24.0);
    assert_eq!(report["tensors"][0]["shape"], serde_json::json!([4, 24]));
}

#[test]
fn the_plot_names_few_schemes_and_has_a_point_for_each() {
    let (file, _) = weights("plot.safetensors");
    let svg = Scratch::new("plot.svg");
    std::fs::write(&svg.0, "x".repeat(1 << 20)).unwrap(); // a longer file before
    report(&[file.name(), "--csv", "--schemes", "all", "--plot", svg.name()]);
    let text = std::fs::read_to_string(&svg.0).unwrap();
    assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
    let count = |class: &str| text.matches(&format!("<{class}\"")).count();
    let names = count("text class=\"front") + count("text class=\"named");
    assert!((5..=25).contains(&names), "{names}");
    let points = ["front", "named", "faint"].map(|kind| count(&format!("circle class=\"{kind}")));
    let all = preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given)).count();
    assert!(points.iter().sum::<usize>() > all / 2 && points[2] > 0, "{points:?} of {all}");
    assert!(points[0] + points[1] >= names, "{points:?}");
}

#[test]
fn differences_are_counted_and_shown_with_their_inputs() {
    let (file, _) = weights("diff.safetensors");
    let same = printed(["diff", "ocp::MXFP4", "ocp::MXFP4", file.name()]);
    let (_, table) = same.split_once("A dB").unwrap();
    let total: Vec<&str> =
        table.lines().find(|line| line.starts_with("total")).unwrap().split_whitespace().collect();
    assert_eq!(total[..8], ["total", "34", "0", "0", "136", "0", "0", "0"]);
    assert!(!same.contains("The first"), "nothing to show");
}

#[test]
fn bad_arguments_are_one_line_and_a_failure() {
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["report", "--schemes", "MXFP9"],
            2,
            "subhalf report: invalid value 'MXFP9' for '--schemes <LIST>': expected a scheme such as ",
        ),
        (
            &["report", "--schemes", "ocp::MXFP4,"],
            2,
            "subhalf report: invalid value '' for '--schemes <LIST>': expected a scheme such as ",
        ),
        (
            &["diff", "ocp::MXFP4", "mxfp"],
            2,
            "subhalf diff: invalid value 'mxfp' for '<B>': expected one scheme, found ",
        ),
        (
            &["diff", "ocp::MXFP4"],
            2,
            "subhalf diff: the following required arguments were not provided: <B>",
        ),
        (
            &["report", "--json", "--csv"],
            2,
            "subhalf report: the argument '--json' cannot be used with '--csv'",
        ),
        (
            &["diff", "ocp::MXFP4", "ocp::MXINT8"],
            1,
            "subhalf diff: expected schemes with the same elements and blocks, found F4E2M1 in Block { rows: 1, cols: 32 } (ocp::MXFP4) and ",
        ),
        (&["report", "no/such.safetensors", "--json"], 1, "subhalf report: no/such.safetensors: "),
        (
            &["report", "--schemes", "ocp::MXFP4", "--plot", "no/such/folder.svg"],
            1,
            "subhalf report: cannot write no/such/folder.svg: ",
        ),
    ];
    for (arguments, code, beginning) in cases {
        let (found, line) = refusal(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {line}");
        assert!(line.starts_with(beginning), "{arguments:?}: {line}");
    }
    // The nearest names come first.
    let output = run(["report", "--schemes", "ocp::MXFP8_E5M3"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("such as ocp::MXFP8_E"));
}
