//! `subhalf report` on files that are good and bad, and on weights of its own.

use super::{Scratch, printed, refusal, run, safetensors};

/// The cells of the first line that begins with a name, behind a heading.
fn cells(text: &str, heading: &str, name: &str) -> Vec<String> {
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("no section '{heading}'"));
    let line = section.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("no row '{name}'"))
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

#[test]
fn bad_input_is_one_line_and_a_failure() {
    let missing = refusal(["report", "no/such/file.safetensors"]);
    assert_eq!(missing.0, Some(1));
    assert!(missing.1.starts_with("subhalf report: no/such/file.safetensors: "), "{missing:?}");
    let directory = Scratch::directory("empty");
    let directory = refusal(["report", directory.name()]);
    assert_eq!(directory.0, Some(1));
    let expected = "directory: expected files that end in .safetensors, found none";
    assert!(directory.1.ends_with(expected), "{directory:?}");
    let header = r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#;
    let truncated = Scratch::file("truncated.safetensors", &safetensors(header, &[0; 10]));
    let truncated = refusal(["report", truncated.name()]);
    assert_eq!(truncated.0, Some(1));
    assert!(
        truncated.1.ends_with("truncated.safetensors: bytes of data: expected 16, found 10"),
        "{truncated:?}"
    );
    let two = refusal(["report", "a", "b"]);
    assert_eq!(two, (Some(2), "subhalf report: unexpected argument 'b' found".to_owned()));
}

#[test]
fn tensors_without_elements_are_flattened_whatever_their_other_axes() {
    // 2^80 columns.
    let header =
        r#"{"w":{"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}"#;
    let file = Scratch::file("none.safetensors", &safetensors(header, &[]));
    let output = run(["report", file.name(), "--flatten", "--schemes", "ocp::MXFP4"]);
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap()),
        (Some(0), String::new())
    );
}

#[test]
fn without_arguments_it_reports_on_weights_of_its_own() {
    let output = run(["report"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert!(text.lines().all(|line| line.chars().count() <= 110), "lines stay legible");
    assert_eq!(
        cells(&text, "Formats\n", "F8E4M3"),
        ["F8E4M3", "8", "448", "-448", "2^-6", "2^-9", "0.125", "NaN,", "-0"]
    );
    assert_eq!(
        cells(&text, "Formats\n", "E8M0"),
        ["E8M0", "8", "2^127", "2^-127", "2^-127", "2^-127", "1", "NaN,", "no", "0"]
    );
    let rows = |heading| {
        text.split_once(heading).map_or(0, |(_, section)| {
            section.lines().skip(3).take_while(|line| !line.is_empty()).count()
        })
    };
    let all = subhalf::FormatSpec::ALL;
    let small = all.iter().filter(|spec| spec.is_signed() && spec.bits() <= 8).count();
    assert_eq!(rows("Formats"), all.len());
    assert_eq!((rows("Error, each"), rows("Error, unscaled")), (small, small));
    assert!(rows("Schemes, all tensors") >= 20);
    let wide = printed(["report", "--formats", "f32,BF16"]);
    assert_eq!(cells(&wide, "Error, unscaled", "F32"), ["F32", "exact", "0", "0", "0", "0", "0"]);
    assert!(!wide.contains("Schemes, all tensors"), "formats alone");
    // The generator uses integers alone, so the numbers are the same everywhere.
    assert_eq!(cells(&text, "Error, each", "F8E4M3")[1], "31.36");
}

#[test]
fn a_file_gets_a_row_for_each_tensor_and_a_total() {
    // E2M1 scaled: a is stored exactly; b is 6 times its code, 0.9 · 6 -> 1 · 6.
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[2],"data_offsets":[8,24]},
        "mask":{"dtype":"BOOL","shape":[1],"data_offsets":[24,25]},"none":{"dtype":"F16","shape":[0],"data_offsets":[25,25]}}"#;
    let mut data: Vec<u8> = [6.0f32, -0.5].iter().flat_map(|x| x.to_le_bytes()).collect();
    data.extend([36.0f64, 5.4].iter().flat_map(|x| x.to_le_bytes()));
    data.push(1);
    let file = Scratch::file("good.safetensors", &safetensors(header, &data));
    let text = printed(["report", file.name(), "--formats", "default"]);
    assert!(text.contains("3 tensors, 4 elements\nLeft out: mask (BOOL: Booleans, not weights)\n"));
    // Behind name and shape: F8E4M3, F8E5M2, E2M1, HiF8, INT8 and one more, in the order of the
    // table of formats.
    assert!(text.contains("\n  d  F4E2M1\n"), "{text}");
    let ratio = |name: &str| cells(&text, "\ntensor ", name)[5].clone();
    // signal / noise: b (1296 + 29.16) / 0.36; in total 36.25 more signal.
    assert_eq!(
        [ratio("a"), ratio("b"), ratio("none"), ratio("total")],
        ["exact", "35.66", "exact", "35.78"]
    );
    assert_eq!(
        cells(&text, "Error, each", "F4E2M1"),
        ["F4E2M1", "35.78", "0.60000", "0.15000", "0", "0", "0"]
    );
}
