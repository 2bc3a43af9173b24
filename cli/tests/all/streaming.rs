//! `subhalf report` reads tensors one after the other and writes what it measures at once: the same
//! numbers as of whole tensors, in three forms that say what is left out, of good and of hostile
//! files.

use super::{Scratch, printed, refusal, run, safetensors};
use half::{bf16, f16};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use subhalf::{
    Dither, ErrorStats, Exec, FormatSpec, QuantTensor, Quantizer, Sqnr, TensorScale, amax_scale,
    preset, storage_error,
};

/// Numbers that are the same everywhere, of many magnitudes and both signs.
fn numbers(count: usize, seed: u32) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    (0..count).map(|_| next() * 2f64.powi((next() * 12.0) as i32)).collect()
}

/// A tensor as the file has it.
struct Tensor {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
    /// What its bytes stand for.
    values: Vec<f64>,
    bytes: Vec<u8>,
}

fn tensor(name: &str, dtype: &'static str, shape: &[usize], seed: u32) -> Tensor {
    let x = numbers(shape.iter().product(), seed);
    let (values, bytes) = match dtype {
        "F64" => (x.clone(), x.iter().flat_map(|x| x.to_le_bytes()).collect()),
        "F32" => {
            let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let bytes = x.iter().flat_map(|x| x.to_le_bytes()).collect();
            (x.into_iter().map(f64::from).collect(), bytes)
        }
        "F16" => {
            let x: Vec<f16> = x.iter().map(|&x| f16::from_f64(x)).collect();
            let bytes = x.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect();
            (x.into_iter().map(f16::to_f64).collect(), bytes)
        }
        _ => {
            let x: Vec<bf16> = x.iter().map(|&x| bf16::from_f64(x)).collect();
            let bytes = x.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect();
            (x.into_iter().map(bf16::to_f64).collect(), bytes)
        }
    };
    Tensor { name: name.to_owned(), dtype, shape: shape.to_vec(), values, bytes }
}

fn file(name: &str, tensors: &[Tensor]) -> Scratch {
    let mut end = 0;
    let entry = |tensor: &Tensor| {
        let start = end;
        end += tensor.bytes.len();
        let Tensor { name, dtype, shape, .. } = tensor;
        format!(
            r#"{}:{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#,
            Value::from(name.as_str())
        )
    };
    let header: Vec<String> = tensors.iter().map(entry).collect();
    let data: Vec<u8> = tensors.iter().flat_map(|tensor| tensor.bytes.clone()).collect();
    Scratch::file(name, &safetensors(&format!("{{{}}}", header.join(",")), &data))
}

/// The measures of a row, as the program writes them.
fn cells(errors: &ErrorStats) -> Vec<String> {
    let ratio = match errors.sqnr_db() {
        Sqnr::Decibels(value) => value.to_string(),
        ratio => ratio.to_string(),
    };
    vec![
        ratio,
        errors.cosine().map_or(String::new(), |cosine| cosine.to_string()),
        errors.mean_squared_error().to_string(),
        errors.max_abs_error().to_string(),
        errors.mean_abs_error().to_string(),
        errors.saturated().to_string(),
        errors.flushed().to_string(),
        errors.nan().to_string(),
    ]
}

#[test]
fn every_bit_is_that_of_the_whole_tensor() {
    // Large ones, which are read in pieces, between small ones, which are measured together.
    let tensors = [
        tensor("small.0", "F32", &[3, 5], 1),
        tensor("large.bf16", "BF16", &[301, 507], 2),
        tensor("tiles.bf16", "BF16", &[2, 640, 384], 9),
        tensor("no.tiles.f32", "F32", &[2, 321, 512], 10),
        tensor("odd.f32", "F32", &[70_001, 5], 11),
        tensor("line.f16", "F16", &[300_007], 12),
        tensor("wide.bf16", "BF16", &[3, 100_003], 13),
        tensor("small.1", "F64", &[130], 3),
        tensor("small.2", "F16", &[2, 3, 33], 4),
        tensor("large.f32", "F32", &[260, 300], 5),
        tensor("large.f64", "F64", &[70, 1000], 6),
        tensor("none", "BF16", &[0, 4], 7),
        tensor("scalar", "F32", &[], 8),
    ];
    let file = file("bits.safetensors", &tensors);
    let names = [
        "ocp::MXFP4",
        "transformer_engine::NVFP4",
        "transformer_engine::NVFP4_16X16",
        "bitsandbytes::NF4",
        "ggml::Q4_0",
        "generic::FP8_E4M3_TENSOR",
        "generic::FP8_E4M3_ROW",
        "generic::FP8_E4M3_128X128",
    ];
    let formats = [FormatSpec::F8E4M3, FormatSpec::INT4, FormatSpec::BF16];
    let list = names.join(",");
    let options = ["--csv", "--schemes", &list, "--formats", "F8E4M3,INT4,BF16"];
    let text = printed([&["report", file.name()][..], &options].concat());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let row = |measure: &str, kind: &str, tensor: &str| {
        let mut found = rows.iter().filter(|row| {
            [&row[0], &row[15], &row[3]] == [measure, kind, tensor] && &row[2] != "left out"
        });
        let row = found.next().unwrap_or_else(|| panic!("no row for {measure} of {tensor:?}"));
        assert!(found.next().is_none(), "{measure} of {tensor:?} twice");
        row.iter().skip(6).take(8).map(str::to_owned).collect::<Vec<_>>()
    };
    let json = printed([&["report", file.name(), "--json", "--schemes", &list][..]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    for name in names {
        let spec = &preset::by_name(name).unwrap().spec;
        let stored_bits = |tensor: &str| {
            let is = |row: &&csv::StringRecord| &row[0] == name && &row[3] == tensor;
            rows.iter().find(is).unwrap()[5].to_owned()
        };
        let mut total = ErrorStats::new();
        for (index, Tensor { name: tensor, shape, values, .. }) in tensors.iter().enumerate() {
            let x: Vec<f32> = values.iter().map(|&x| x as f32).collect();
            let quantizer = Quantizer::new(spec).dither(Dither::new(0)).exec(Exec::SERIAL);
            let stored: QuantTensor = quantizer.quantize(&x, shape).unwrap();
            let stats = stored.view().stats(values, Exec::SERIAL).unwrap();
            assert_eq!(row(name, "scheme", tensor), cells(stats.errors()), "{name} of {tensor}");
            let bytes = stored.codes().len() + stored.scales().len() + stored.offsets().len();
            let shared = if spec.tensor_scale == TensorScale::None { 0 } else { 32 };
            let bits = (8 * bytes + shared) as f64 / values.len().max(1) as f64;
            if !values.is_empty() {
                assert_eq!(stored_bits(tensor), bits.to_string(), "{name} of {tensor}");
            }
            let told = &json["tensors"][index]["schemes"][name]["worst_block"];
            if let Some(worst) = stats.worst() {
                let (rows, cols) = (&worst.region.rows, &worst.region.cols);
                let [rows, cols] = [[rows.start, rows.end], [cols.start, cols.end]];
                assert_eq!(told["block"], worst.index, "{name} of {tensor}");
                let place = [&told["rows"], &told["cols"]];
                assert_eq!(place, [&serde_json::json!(rows), &serde_json::json!(cols)]);
                assert!((told["noise"].as_f64().unwrap() / worst.noise - 1.0).abs() < 1e-15);
            } else {
                assert!(told.is_null(), "{name} of {tensor}");
            }
            total.merge(stats.errors());
        }
        assert_eq!(row(name, "scheme", ""), cells(&total), "{name}");
    }
    for spec in &formats {
        let mut totals = [ErrorStats::new(), ErrorStats::new()];
        let kinds = ["format", "format unscaled"];
        for Tensor { name: tensor, values, .. } in &tensors {
            let scales = [amax_scale(spec, values, Exec::SERIAL), 1.0];
            for ((scale, kind), total) in scales.into_iter().zip(kinds).zip(&mut totals) {
                let policy = spec.default_convert();
                let errors =
                    storage_error(spec, values, scale, &policy, Dither::NONE, Exec::SERIAL);
                let errors = errors.unwrap();
                let told = row(spec.name(), kind, tensor);
                assert_eq!(told, cells(&errors), "{} of {tensor}, {kind}", spec.name());
                total.merge(&errors);
            }
        }
        for (kind, total) in kinds.into_iter().zip(&totals) {
            assert_eq!(row(spec.name(), kind, ""), cells(total), "{}, {kind}", spec.name());
        }
    }
}

/// A weight beside an FP8 layer, one without its scales, and a mask.
fn mixed(name: &str) -> Scratch {
    let header = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "q.weight":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[8,12]},
        "q.weight_scale_inv":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},
        "mask":{"dtype":"BOOL","shape":[1],"data_offsets":[16,17]},
        "p.weight":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[17,18]}}"#;
    Scratch::file(name, &safetensors(header, &[0; 18]))
}

const LEFT_OUT: [[&str; 3]; 2] = [
    ["mask", "BOOL", "Booleans, not weights"],
    ["p.weight", "F8_E4M3", "codes without the scales that others have beside them"],
];

#[test]
fn every_form_says_what_is_left_out() {
    let file = mixed("mixed.safetensors");
    let more = |text: &str| text.contains("more schemes: --formats all --schemes all");
    let text = printed(["report", file.name()]);
    for [name, dtype, reason] in LEFT_OUT {
        assert!(text.contains(&format!("Left out: {name} ({dtype}: {reason})\n")), "{text}");
    }
    assert!(more(&text) && text.contains("2 tensors, 6 elements"), "{text}");

    let csv = printed(["report", file.name(), "--csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    for [name, dtype, reason] in LEFT_OUT {
        let note = format!("{dtype}: {reason}");
        let is =
            |row: &&csv::StringRecord| [&row[2], &row[3], &row[16]] == ["left out", name, &note];
        assert_eq!(rows.iter().filter(is).count(), 1, "{csv}");
    }
    assert!(rows.iter().any(|row| &row[2] == "left out" && more(&row[16])), "{csv}");

    let json: Value = serde_json::from_str(&printed(["report", file.name(), "--json"])).unwrap();
    let left_out = &json["left_out"];
    for (told, [name, dtype, reason]) in
        left_out["tensors"].as_array().unwrap().iter().zip(LEFT_OUT)
    {
        assert_eq!([&told["name"], &told["dtype"], &told["reason"]], [name, dtype, reason]);
    }
    assert!(more(left_out["more"].as_str().unwrap()));
    let names = |of: &str| left_out[of].as_array().unwrap().len();
    let measured = |of: &str| json[of].as_array().unwrap().len();
    assert_eq!(names("schemes") + measured("schemes"), preset::all().count());
    let all = FormatSpec::ALL.len();
    assert_eq!(names("formats") + names("formats_without_sign") + measured("formats"), all);

    // The lists, and a way to ask for everything.
    let everything =
        printed(["report", file.name(), "--formats", "all", "--schemes", "default,all"]);
    assert!(!everything.contains("more"), "{everything}");
}

#[test]
fn the_default_set_has_a_scheme_for_each_way() {
    let json: Value = serde_json::from_str(&printed(["report", "--json"])).unwrap();
    let schemes: Vec<&str> = json["schemes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scheme| scheme["name"].as_str().unwrap())
        .collect();
    assert!(schemes.len() >= 20, "{schemes:?}");
    for wanted in [
        "::MXFP8_E4M3",
        "::MXFP6_E2M3",
        "::MXFP4",
        "::FP8_E4M3_TENSOR",
        "::FP8_E4M3_ROW",
        "::FP8_E4M3_128X128",
        "::INT8_G128",
        "::INT4_G128",
        "ggml::Q4_0",
        "ggml::Q8_0",
        "::NF4",
        "::HIF8_TENSOR",
    ] {
        assert!(schemes.iter().any(|name| name.contains(wanted)), "{wanted} of {schemes:?}");
    }
    assert_eq!(schemes.iter().filter(|name| name.contains("::NVFP4")).count(), 3);
    let formats = json["formats"].as_array().unwrap();
    let expected = FormatSpec::ALL.iter().filter(|spec| spec.is_signed() && spec.bits() <= 8);
    assert!(formats.iter().map(|format| &format["name"]).eq(expected.map(FormatSpec::name)));
    assert!(formats.iter().all(|format| format["total"]["scaled"]["mse"].is_f64()));
}

#[test]
fn a_format_that_cannot_hold_weights_is_refused_with_some_that_can() {
    let (code, line) = refusal(["report", "--formats", "UE4M3"]);
    assert_eq!(code, Some(2));
    assert!(line.contains("expected a format with a sign such as "), "{line}");
    let (code, line) = refusal(["report", "--formats", "F8E4M4"]);
    assert!(code == Some(2) && line.contains("such as F8E4M3"), "{line}");
    // Another program's name, and a part of several names.
    let text = printed(["report", "--csv", "--formats", "float8_e5m2,F6E"]);
    for name in ["F8E5M2", "F6E3M2", "F6E2M3"] {
        assert!(text.contains(&format!("\n{name},")), "{text}");
    }
}

#[test]
fn names_of_any_letters_are_valid_json_and_csv() {
    let name = "a\"b\\c\n\u{1b}[31m,\u{2028}é</script>";
    let file = file("names.safetensors", &[tensor(name, "F32", &[4], 1)]);
    let json = printed(["report", file.name(), "--json", "--schemes", "ocp::MXFP4"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["tensors"][0]["name"], name);
    let csv = printed(["report", file.name(), "--csv", "--schemes", "ocp::MXFP4"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert!(reader.records().any(|row| &row.unwrap()[3] == name));
    let text = printed(["report", file.name(), "--schemes", "ocp::MXFP4"]);
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_file_without_weights_is_valid_in_every_form() {
    let empty = Scratch::file("empty.safetensors", &safetensors("{}", &[]));
    let json: Value = serde_json::from_str(&printed(["report", empty.name(), "--json"])).unwrap();
    assert_eq!(json["tensors"], serde_json::json!([]));
    assert_eq!(json["schemes"][0]["total"]["elements"], 0);
    let svg = Scratch::new("empty.svg");
    let text = printed(["report", empty.name(), "--plot", svg.name()]);
    assert!(text.contains("0 tensors, 0 elements"), "{text}");
    assert!(printed(["report", empty.name(), "--csv"]).contains(",total,"));
}

#[test]
fn hostile_files_are_refused_before_anything_is_written() {
    let entry = |name: &str, start: u64, end: u64| {
        let size = end.wrapping_sub(start) / 4;
        format!(r#""{name}":{{"dtype":"F32","shape":[{size}],"data_offsets":[{start},{end}]}}"#)
    };
    let of = |entries: &[String], data: usize| {
        safetensors(&format!("{{{}}}", entries.join(",")), &vec![0; data])
    };
    let good = of(&[entry("a", 0, 8), entry("b", 8, 16)], 16);
    let lies = |length: u64| [&length.to_le_bytes()[..], &good[8..]].concat();
    let cases = [
        ("truncated", good[..good.len() - 1].to_vec()),
        ("cut in the header", good[..40].to_vec()),
        ("trailing", [&good[..], &[0]].concat()),
        ("header too long", lies(good.len() as u64 - 7)),
        ("header too short", lies(good.len() as u64 - 25)),
        ("header of 2^64 bytes", lies(u64::MAX)),
        ("header of 100 MB", lies(100_000_000)),
        ("overlap", of(&[entry("a", 0, 8), entry("b", 4, 12)], 12)),
        ("gap", of(&[entry("a", 0, 8), entry("b", 12, 16)], 16)),
        ("end before start", of(&[entry("a", 8, 0)], 8)),
        ("beyond the file", of(&[entry("a", 0, 1 << 50)], 8)),
        ("size of 2^63", of(&[entry("a", 0, 8).replace("[2]", "[9223372036854775808,2]")], 8)),
    ];
    for (what, bytes) in cases {
        let file = Scratch::file("hostile.safetensors", &bytes);
        for form in ["--json", "--csv", "--flatten"] {
            let started = Instant::now();
            let (code, line) = refusal(["report", file.name(), form]);
            assert_eq!(code, Some(1), "{what}: {line}");
            assert!(started.elapsed() < Duration::from_secs(5), "{what}");
        }
    }
}

#[test]
fn two_hundred_thousand_tensors_take_seconds() {
    const COUNT: usize = 200_000;
    let entry = |index: usize| {
        let (start, end) = (index * 4, index * 4 + 4);
        format!(
            r#""layers.{index}.w":{{"dtype":"F16","shape":[2],"data_offsets":[{start},{end}]}}"#
        )
    };
    let header: Vec<String> = (0..COUNT).map(entry).collect();
    let header = format!("{{{}}}", header.join(","));
    let file = Scratch::file("many.safetensors", &safetensors(&header, &vec![0x3C; 4 * COUNT]));
    let started = Instant::now();
    let text = printed(["report", file.name(), "--schemes", "ocp::MXFP4"]);
    // Much more than it takes, and much less than anything that grows with the square.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(text.lines().filter(|line| line.starts_with("layers.")).count(), COUNT);
    assert!(text.contains("\ntotal  "), "{:?}", text.lines().last());
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_report_quietly() {
    for form in ["--json", "--csv", "--flatten"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_subhalf"))
            .args(["report", form, "--schemes", "ocp::"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the program ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.as_str()), (Some(0), ""), "{form}");
    }
}

#[test]
fn a_full_device_is_a_failure() {
    let full = std::path::Path::new("/dev/full");
    if !full.exists() {
        return; // not on this system
    }
    for form in ["--json", "--csv", "--flatten"] {
        let output = Command::new(env!("CARGO_BIN_EXE_subhalf"))
            .args(["report", form, "--schemes", "ocp::MXFP4"])
            .stdout(std::fs::OpenOptions::new().write(true).open(full).expect("a device"))
            .output()
            .expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{form}: {told}");
        assert!(told.starts_with("subhalf report: cannot write: "), "{form}: {told}");
    }
}

#[test]
fn differences_name_what_is_left_out_too() {
    let file = mixed("diff-mixed.safetensors");
    let output = run(["diff", "ocp::MXFP4", "ocp::MXFP4_CEIL", file.name()]);
    let text = String::from_utf8(output.stdout).unwrap();
    for [name, dtype, reason] in LEFT_OUT {
        assert!(text.contains(&format!("Left out: {name} ({dtype}: {reason})\n")), "{text}");
    }
}
