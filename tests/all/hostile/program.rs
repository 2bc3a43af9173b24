//! The report program itself, as a user meets it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary that `cargo test` builds beside this one.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("this test has a path");
    let profile = tests.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let program = profile.join("examples").join(format!("report{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing: a plain `cargo test` builds it", program.display());
    program
}

fn run(arguments: &[&OsStr]) -> Output {
    Command::new(program()).args(arguments).output().expect("the program starts")
}

/// The one line on stderr of a run that must fail.
fn refusal(arguments: &[&OsStr]) -> String {
    refusal_with(1, arguments)
}

/// The same, with an exit code: 2 for arguments that cannot be.
fn refusal_with(code: i32, arguments: &[&OsStr]) -> String {
    let output = run(arguments);
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}");
    assert!(output.stdout.is_empty(), "nothing is printed before the input is known to be good");
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end().to_owned()
}

/// A file that is removed when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("subhalf-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("the temporary directory can be written to");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The cells of the first line that begins with a name, behind a heading.
fn cells(text: &str, heading: &str, name: &str) -> Vec<String> {
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("no section '{heading}'"));
    let line = section.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("no row '{name}'")).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bad_input_is_one_line_and_a_failure() {
    let missing = refusal(&["no/such/file.safetensors".as_ref()]);
    assert!(missing.starts_with("report: no/such/file.safetensors: "), "{missing}");
    let directory = refusal(&[std::env::temp_dir().as_os_str()]);
    assert!(directory.ends_with("path: expected a file, found a directory"), "{directory}");
    let header = r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#;
    let truncated = Scratch::new("truncated.safetensors", &safetensors(header, &[0; 10]));
    let truncated = refusal(&[truncated.0.as_os_str()]);
    assert!(truncated.ends_with("truncated.safetensors: bytes of data: expected 16, found 10"), "{truncated}");
    let two = refusal_with(2, &["a".as_ref(), "b".as_ref()]);
    assert_eq!(two, "report: unexpected argument 'b' found");
}

#[test]
fn tensors_without_elements_are_flattened_whatever_their_other_axes() {
    // 2^80 columns.
    let header = r#"{"w":{"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}"#;
    let file = Scratch::new("none.safetensors", &safetensors(header, &[]));
    let output = run(&[file.0.as_os_str(), "--flatten".as_ref(), "--schemes".as_ref(), "ocp::MXFP4".as_ref()]);
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn without_arguments_it_reports_on_weights_of_its_own() {
    let output = run(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert!(text.lines().all(|line| line.chars().count() <= 110), "lines stay legible");
    assert_eq!(cells(&text, "Formats\n", "F8E4M3"), ["F8E4M3", "8", "448", "-448", "2^-6", "2^-9", "0.125", "NaN,", "-0"]);
    assert_eq!(cells(&text, "Formats\n", "E8M0"), ["E8M0", "8", "2^127", "2^-127", "2^-127", "2^-127", "1", "NaN,", "no", "0"]);
    let rows = |heading| {
        text.split_once(heading).map_or(0, |(_, section)| section.lines().skip(3).take_while(|line| !line.is_empty()).count())
    };
    let signed = subhalf::FormatSpec::ALL.iter().filter(|spec| spec.is_signed()).count();
    assert_eq!(rows("Formats"), subhalf::FormatSpec::ALL.len());
    assert_eq!((rows("Error, each"), rows("Error, unscaled")), (signed, signed));
    assert_eq!(cells(&text, "Error, unscaled", "F32"), ["F32", "exact", "0", "0", "0", "0", "0"]);
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
    let file = Scratch::new("good.safetensors", &safetensors(header, &data));
    let output = run(&[file.0.as_os_str()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert!(text.contains("3 tensors, 4 elements\nLeft out: mask (BOOL, not weights)\n"));
    let ratio = |name: &str| cells(&text, "SQNR by tensor", name)[9].clone();
    // signal / noise: b (1296 + 29.16) / 0.36; in total 36.25 more signal.
    assert_eq!([ratio("a"), ratio("b"), ratio("none"), ratio("total")], ["exact", "35.66", "exact", "35.78"]);
    assert_eq!(cells(&text, "Error, each", "F4E2M1"), ["F4E2M1", "35.78", "0.60000", "0.15000", "0", "0", "0"]);
}
